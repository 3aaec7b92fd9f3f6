// Which kernels this processor gets, and how much scratch a convolution needs.

// A product and a sum are one operation where the code says fma, and nowhere else: the bits depend on it.
#pragma STDC FP_CONTRACT OFF

#include "depthwise/depthwise.h"
#include "single.h"
#include "tables.h"
#include "convolution/winograd.h"

cs_isa cs_isa_detect(void) {
#if CS_HAVE_X86
  __builtin_cpu_init();  // asks cpuid, and xgetbv whether the system saves the wide registers
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
      return CS_ISA_AVX512;
    return CS_ISA_AVX2;
  }
#endif
  return CS_ISA_PORTABLE;
}

const cs_kernels *cs_kernels_for(cs_isa isa) {
#if CS_HAVE_X86
  if (isa == CS_ISA_AVX512) return &cs_kernels_avx512;
  if (isa == CS_ISA_AVX2) return &cs_kernels_avx2;
#endif
  (void)isa;
  return &cs_kernels_portable;
}

// MARK: - Scratch

static size_t round_up_16(size_t n) { return (n + 15) / 16 * 16; }

size_t cs_conv2d_scratch(const cs_conv2d *shape, cs_conv2d_pass pass, int32_t block) {
  size_t inChannels = (size_t)shape->inChannels, outChannels = (size_t)shape->outChannels;
  size_t inHeight = (size_t)shape->inHeight, inWidth = (size_t)shape->inWidth;
  size_t kernelHeight = (size_t)shape->kernelHeight, kernelWidth = (size_t)shape->kernelWidth;
  int isSingle = block == 1;
  size_t height = isSingle ? (size_t)cs_single_height(shape)
                           : inHeight + (size_t)shape->padTop + (size_t)shape->padBottom;
  size_t width = inWidth + (size_t)shape->padLeft + (size_t)shape->padRight;
  int isPadded = cs_single_is_padded(shape);

  if (pass == CS_CONV2D_BACKWARD_INPUT) {
    if (!isSingle) return 0;
    size_t bandHeight = (size_t)cs_single_band_rows(shape) + kernelHeight - 1;
    return outChannels * bandHeight * (inWidth + kernelWidth - 1) + CS_SINGLE_SLACK;
  }
  // Table and padded input, then what the pass needs.
  size_t taps = inChannels * kernelHeight * kernelWidth;
  size_t common =
      round_up_16(taps) + (isPadded ? round_up_16(inChannels * height * width * (size_t)block) : 0);
  if (!isSingle) return common;
  if (pass == CS_CONV2D_BACKWARD_WEIGHTS) return common + CS_SINGLE_PIXELS * 17;
  // Fewer than 16 channels as lanes: the weights spread.
  int isOneBand = cs_single_rows(shape) == shape->outHeight;
  int isSpread = outChannels < 16 && !(isOneBand && cs_single_is_flat(shape, (int32_t)width));
  return common + (isSpread ? 16 * taps : 0);
}

size_t cs_depthwise_scratch(const cs_depthwise *shape, cs_conv2d_pass pass, int32_t block) {
  const cs_depthwise s = cs_depthwise_as_row(shape);
  int isBack = pass == CS_CONV2D_BACKWARD_INPUT;
  if (block == 1 && pass == CS_CONV2D_FORWARD && cs_depthwise_has_rows(&s))
    return round_up_16(cs_depthwise_row_copies(s.inWidth));
  if (block == 1 && isBack && cs_depthwise_has_rows_back(&s))
    return round_up_16(cs_depthwise_row_copies(s.outWidth));
  size_t vectors = (size_t)s.kernelHeight * (size_t)s.kernelWidth + 1;
  if (block == 1 && isBack)
    vectors += (size_t)cs_depthwise_rows_reading(&s) * (size_t)s.outWidth +
               (size_t)cs_depthwise_in_rows(&s) * (size_t)s.inWidth;
  else if (block == 1)
    vectors += (size_t)cs_depthwise_rows_read(&s) * (size_t)s.inWidth +
               (size_t)cs_depthwise_out_rows(&s) * (size_t)s.outWidth;
  return vectors * 16;
}

int32_t cs_winograd_suits(const cs_conv2d *shape) {
  if (shape->kernelHeight != 3 || shape->kernelWidth != 3 || shape->strideHeight != 1 ||
      shape->strideWidth != 1)
    return 0;
  // Measured: fewer channels do not pay for the transforms, more weights stay in no cache from strip to strip.
  int64_t inChannels = shape->inChannels, outChannels = shape->outChannels;
  if (inChannels < 24 || outChannels < 24 || inChannels * outChannels > 1 << 14) return 0;
  // Products per channel; half-empty tiles and strips cost as much as full ones.
  int64_t height = shape->outHeight, width = shape->outWidth;
  int64_t tiles = (height + 1) / 2 * ((width + 1) / 2);
  int64_t strips = (tiles + CS_WINOGRAD_STRIP - 1) / CS_WINOGRAD_STRIP;
  return 9 * height * width * 10 >= 16 * CS_WINOGRAD_STRIP * CS_WINOGRAD_POINTS * strips;
}

size_t cs_winograd_scratch(const cs_conv2d *shape, int32_t isBackward) {
  size_t inChannels = (size_t)shape->inChannels, outChannels = (size_t)shape->outChannels;
  size_t strips =
      CS_WINOGRAD_POINTS * (cs_winograd_point(inChannels) + cs_winograd_point(outChannels));
  if (!isBackward) return round_up_16(inChannels) + strips;
  size_t columns = round_up_16(inChannels);
  return round_up_16(outChannels) + strips +
         (CS_WINOGRAD_POINTS * outChannels + CS_WINOGRAD_STRIP * 16) * columns;
}
