// Extents of the scratch that convolutions of blocks of one image work in: what the kernels use and
// what cs_conv2d_scratch says are one definition.

#ifndef FIXEDNET_SINGLE_H
#define FIXEDNET_SINGLE_H

#include "CSupport.h"

/// Pixels whose dz the weight gradient holds with the channels side by side.
enum { CS_SINGLE_PIXELS = 64 };

/// Floats that may be read, and are not used, behind the band of dz of the input gradient.
enum { CS_SINGLE_SLACK = 64 };

/// Rows of dx that the input gradient works out from one band of dz: about 32 positions.
static inline int32_t cs_single_band_rows(const cs_conv2d *s) {
  int32_t rows = 32 / (s->inWidth + s->kernelWidth - 1);
  if (rows < 1) return 1;
  return rows < s->inHeight ? rows : s->inHeight;
}

static inline int cs_single_is_padded(const cs_conv2d *s) {
  return (s->padTop | s->padLeft | s->padBottom | s->padRight) != 0;
}

/// Rows of outputs for which the input is padded at a time: about 128 pixels, or 64 where scratch is short, in nearly
/// equal bands. All of them where nothing is padded.
static inline int32_t cs_single_rows(const cs_conv2d *s) {
  if (!cs_single_is_padded(s)) return s->outHeight;
  int32_t pixels = s->isTight ? 64 : 128, least = s->isTight ? 2 : 4;
  int32_t most = (pixels - 1) / s->outWidth + 1;
  if (most < least) most = least;
  int32_t bands = (s->outHeight + most - 1) / most;
  return (s->outHeight + bands - 1) / bands;
}

/// Rows of the input, with padding, that those read.
static inline int32_t cs_single_height(const cs_conv2d *s) {
  return cs_single_is_padded(s) ? (cs_single_rows(s) - 1) * s->strideHeight + s->kernelHeight
                                : s->inHeight;
}

/// Whether the forward pass's lanes are pixels (else output channels): whichever does less work.
/// width: of the input, with padding.
static inline int cs_single_is_flat(const cs_conv2d *s, int32_t width) {
  int64_t positions = (int64_t)(s->outHeight - 1) * width + s->outWidth;
  int64_t flatWork = (positions + 15) / 16 * s->outChannels;
  int64_t channelWork = (int64_t)s->outHeight * s->outWidth * ((s->outChannels + 15) / 16);
  return s->strideHeight == 1 && s->strideWidth == 1 && positions >= 16 &&
         flatWork <= channelWork;
}

#endif
