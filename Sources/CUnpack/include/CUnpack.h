// What a helper does with gzip files: it unpacks one.
#pragma once
#include <stdint.h>

#include "CConfined.h"

/// The name under which the helper is started.
#define FN_UNPACKER_NAME "fixednet-unpacker"

/// The kinds of its work. A request holds, behind its first numbers, how many bytes there are to be at most.
/// FN_UNPACK_GZIP: contents that start as an IDX file of whole numbers are unpacked as far as that says; of all others only
/// the start is. FN_UNPACK_ANY: whatever there is.
/// The bytes go through the ring.
enum { FN_UNPACK_GZIP = 4, FN_UNPACK_ANY = 5 };
enum { FN_UNPACK_START = 64 };
/// The one record: FN_UNPACK_..., bytes unpacked, packed bytes behind the end, reason.
enum { FN_RECORD_UNPACKED = 16 };
enum {
  FN_UNPACK_DONE = 0,
  /// The packed bytes end too early.
  FN_UNPACK_CUT = 1,
  FN_UNPACK_DAMAGED = 2,
  /// There are more bytes than there were to be.
  FN_UNPACK_TOO_LONG = 3,
  /// No IDX file: FN_UNPACK_START bytes are there at most.
  FN_UNPACK_OTHER = 4,
};

/// Unpacks as a helper does; for tests, in any process. Returns what a helper would exit with.
int fn_unpack(fn_job *job);
