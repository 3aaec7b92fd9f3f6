// The file's own account of its global heaps (where strings of variable length are), checked before libhdf5 1.10
// believes it: an object that claims to reach beyond its heap makes the library write behind a buffer.
#pragma once
#include <stdint.h>
#include <string.h>

static inline uint64_t fn_h5_little_endian(const unsigned char *p, int count) {
  uint64_t value = 0;
  for (int i = count - 1; i >= 0; i--) value = value << 8 | p[i];
  return value;
}

/// Whether every object of the heap at `heap` lies inside it. `room`: bytes up to the end of the file. `steps`: objects
/// that may still be looked at.
/// Layout: "GCOL", version 1, 3 zeros, size of the heap (8); then objects: index (2), references (2), zeros (4), size
/// (8), contents up to a multiple of 8. Index 0 is free space, whose size includes these 16 bytes; libhdf5 1.10 goes on
/// behind it, and round in circles where that size is 0.
/// Source: HDF5 File Format Specification 3.0, III.E.
static inline int fn_h5_heap_is_sound(const unsigned char *heap, uint64_t room, uint64_t *steps) {
  enum { HEADER = 16 };
  uint64_t size = fn_h5_little_endian(heap + 8, 8);
  if (size < HEADER || size > room) return 0;
  uint64_t place = HEADER;
  while (place + HEADER <= size) {
    if ((*steps)-- == 0) return 0;
    uint64_t index = fn_h5_little_endian(heap + place, 2);
    uint64_t length = fn_h5_little_endian(heap + place + 8, 8);
    uint64_t left = size - place;
    if (length > (index == 0 ? left : left - HEADER)) return 0;
    uint64_t next = index == 0 ? length : HEADER + (length + 7) / 8 * 8;
    if (next < HEADER || next > left) return 0;
    place += next;
  }
  return 1;
}

/// Whether every global heap in `size` bytes of a file is sound. Heaps that lie in each other are not: their objects
/// would be more than the file has room for, and looking at all of them would take the square of its size.
static inline int fn_h5_heaps_are_sound(const unsigned char *bytes, uint64_t size) {
  static const unsigned char magic[8] = {'G', 'C', 'O', 'L', 1, 0, 0, 0};
  if (size < 16) return 1;
  uint64_t steps = size / 16;
  const unsigned char *place = bytes, *end = bytes + size - 15;
  while (place < end) {
    const unsigned char *found = (const unsigned char *)memchr(place, 'G', (size_t)(end - place));
    if (!found) break;
    if (memcmp(found, magic, sizeof magic) == 0 &&
        !fn_h5_heap_is_sound(found, (uint64_t)(bytes + size - found), &steps))
      return 0;
    place = found + 1;
  }
  return 1;
}
