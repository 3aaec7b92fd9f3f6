// The extents of Winograd's convolution: what its kernels use and what cs_winograd_scratch says are one definition.

#ifndef FIXEDNET_WINOGRAD_H
#define FIXEDNET_WINOGRAD_H

#include <stddef.h>

enum {
  CS_WINOGRAD_POINTS = 16,  // of a transformed tile
  CS_WINOGRAD_STRIP = 4,    // tiles that are transformed together
};

/// Floats from point to point of a strip's transforms: 16 more than there are, or the points of one pixel would lie
/// powers of two apart and share a few lines of the cache.
static inline size_t cs_winograd_point(size_t channels) {
  return channels * CS_WINOGRAD_STRIP * 16 + 16;
}

#endif
