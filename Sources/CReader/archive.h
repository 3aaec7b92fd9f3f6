// Members of a zip archive.
#pragma once
#include "include/CReader.h"
#include "request.h"

typedef struct {
  uint64_t role, place, packed, count, method, checksum;
} fn_member;

/// Reads a member from a request.
fn_member fn_take_member(fn_source *request);

/// Whether it lies inside of an archive of `size` bytes, and is as long as it says where it is stored.
int fn_member_fits(const fn_member *what, uint64_t size);

/// Unpacks a member into room for its `count` bytes. Returns FN_MEMBER_...
int fn_member_unpack(const unsigned char *bytes, const fn_member *what, unsigned char *to);

/// Whether a member's bytes, unpacked, have its checksum. Returns FN_MEMBER_...
int fn_member_check(const fn_member *what, const unsigned char *unpacked);

/// Unpacks its first `count` bytes, of which nothing is checked but that they are there.
int fn_member_start(
    const unsigned char *bytes, const fn_member *what, unsigned char *to, uint64_t count);
