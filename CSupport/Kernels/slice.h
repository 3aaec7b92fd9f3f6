// The parts of a whole that several threads compute together.

#ifndef FIXEDNET_SLICE_H
#define FIXEDNET_SLICE_H

#include "CSupport.h"

static const cs_slice whole_slice = {0, 1};

/// Where the slice's part of 0 ..< count begins; that of the next slice is where it ends.
static inline int32_t slice_start(cs_slice slice, int32_t count) {
  return (int32_t)((int64_t)count * slice.index / slice.count);
}

static inline int32_t slice_end(cs_slice slice, int32_t count) {
  slice.index++;
  return slice_start(slice, count);
}

#endif
