// Extents of the scratch that depthwise convolutions work in: what the kernels use and what
// cs_depthwise_scratch says are one definition.

#ifndef FIXEDNET_DEPTHWISE_H
#define FIXEDNET_DEPTHWISE_H

#include "CSupport.h"

/// Pixels of one image that a band holds, if its rows are not longer.
enum { CS_DEPTHWISE_BAND = 160 };

/// Rows that a kernel spans.
static inline int32_t cs_depthwise_span(const cs_depthwise *s) {
  return (s->kernelHeight - 1) * s->dilationHeight + 1;
}

/// The number, in 1 ... extent.
static inline int32_t cs_depthwise_limit(int32_t rows, int32_t extent) {
  if (rows < 1) return 1;
  return rows < extent ? rows : extent;
}

/// Output rows of one band (forward, weights), and the input rows that they read.
static inline int32_t cs_depthwise_out_rows(const cs_depthwise *s) {
  int32_t rows = CS_DEPTHWISE_BAND / s->inWidth - cs_depthwise_span(s);
  return rows < 0 ? 1 : cs_depthwise_limit(rows / s->strideHeight + 1, s->outHeight);
}
static inline int32_t cs_depthwise_rows_read(const cs_depthwise *s) {
  int32_t rows = (cs_depthwise_out_rows(s) - 1) * s->strideHeight + cs_depthwise_span(s);
  return cs_depthwise_limit(rows, s->inHeight);
}

/// Input rows of one band (input gradient), and the output rows that read them.
static inline int32_t cs_depthwise_in_rows(const cs_depthwise *s) {
  return cs_depthwise_limit(CS_DEPTHWISE_BAND / s->inWidth, s->inHeight);
}
static inline int32_t cs_depthwise_rows_reading(const cs_depthwise *s) {
  int32_t rows = (cs_depthwise_in_rows(s) + cs_depthwise_span(s) - 2) / s->strideHeight + 1;
  return cs_depthwise_limit(rows, s->outHeight);
}

/// Whether a forward pass of one image runs along its rows: 3 x 3, at most one column of padding on
/// either side, rows of 16 outputs or more.
static inline int cs_depthwise_has_rows(const cs_depthwise *s) {
  return s->kernelHeight == 3 && s->kernelWidth == 3 && s->strideWidth == 1 &&
         s->dilationWidth == 1 && s->outWidth >= 16 && s->padLeft <= 1 &&
         s->outWidth + 2 - s->padLeft - s->inWidth <= 1;
}

/// Whether its input gradient does: the padding of an output as large as the input.
static inline int cs_depthwise_has_rows_back(const cs_depthwise *s) {
  return cs_depthwise_has_rows(s) && s->multiplier == 1 && s->strideHeight == 1 &&
         s->padLeft == 1 && s->outWidth == s->inWidth;
}

/// Floats of the copies of two rows that these passes need.
static inline size_t cs_depthwise_row_copies(int32_t width) { return 2 * ((size_t)width + 2); }

/// A column of pixels under a kernel one column wide lies like a row: its shape as a row, which has
/// the longer loops.
static inline cs_depthwise cs_depthwise_as_row(const cs_depthwise *shape) {
  cs_depthwise s = *shape;
  if (s.inWidth != 1 || s.outWidth != 1 || s.kernelWidth != 1) return s;
  s.inWidth = shape->inHeight, s.inHeight = 1;
  s.outWidth = shape->outHeight, s.outHeight = 1;
  s.kernelWidth = shape->kernelHeight, s.kernelHeight = 1;
  s.strideWidth = shape->strideHeight, s.strideHeight = shape->strideWidth;
  s.dilationWidth = shape->dilationHeight, s.dilationHeight = shape->dilationWidth;
  s.padLeft = shape->padTop, s.padTop = shape->padLeft;
  return s;
}

#endif
