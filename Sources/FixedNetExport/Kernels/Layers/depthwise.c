// Depthwise convolutions: filter o reads channel o / multiplier alone. The kernel is [row][column][filter]. A tap outside of
// the image is left out, in every pass.

// section: depthwise
typedef struct depthwise {
  int32_t channels, multiplier, height, width, out_height, out_width;
  int32_t kernel_height, kernel_width;
  int32_t stride_height, stride_width;
  int32_t dilation_height, dilation_width;
  int32_t pad_top, pad_left;
} depthwise;

// section: taps_inside_axis
/// The taps of an axis that are inside at this output.
static span taps_inside_axis(int32_t start, int32_t taps, int32_t dilation, int32_t extent) {
  span s = {0, taps};
  while (s.first < taps && start + s.first * dilation < 0) s.first++;
  while (s.end > s.first && start + (s.end - 1) * dilation >= extent) s.end--;
  return s;
}

// section: depthwise_forward
/// y = x * W + b: fma chains from the bias over (row, column). bias may be NULL.
static void depthwise_forward(const depthwise *s, const float *x, const float *w, const float *bias,
                              float *y) {
  const int32_t filters = s->channels * s->multiplier, across = s->dilation_width;
  for (int32_t o = 0; o < filters; o++, w++) {
    const float *plane = x + o / s->multiplier * (s->height * s->width);
    const float start = bias ? bias[o] : 0.0f;
    for (int32_t oy = 0; oy < s->out_height; oy++) {
      const int32_t top = oy * s->stride_height - s->pad_top;
      const span rows = taps_inside_axis(top, s->kernel_height, s->dilation_height, s->height);
      for (int32_t ox = 0; ox < s->out_width; ox++) {
        const int32_t left = ox * s->stride_width - s->pad_left;
        const span columns = taps_inside_axis(left, s->kernel_width, across, s->width);
        float sum = start;
        for (int32_t ky = rows.first; ky < rows.end; ky++) {
          const float *row = plane + (top + ky * s->dilation_height) * s->width + left;
          const float *taps = w + ky * s->kernel_width * filters;
          for (int32_t kx = columns.first; kx < columns.end; kx++)
            sum = fma1(taps[kx * filters], row[kx * across], sum);
        }
        *y++ = sum;
      }
    }
  }
}

// section: depthwise_backward_weights
/// dW[row][column][filter] = sum of dz x: fma chains from 0 over the outputs; overwritten.
static void depthwise_backward_weights(const depthwise *s, const float *x, const float *dz,
                                       float *dw) {
  const int32_t filters = s->channels * s->multiplier;
  for (int32_t ky = 0; ky < s->kernel_height; ky++)
    for (int32_t kx = 0; kx < s->kernel_width; kx++) {
      const int32_t top = ky * s->dilation_height - s->pad_top;
      const int32_t left = kx * s->dilation_width - s->pad_left;
      const span rows = outputs_inside(s->out_height, s->stride_height, -top, s->height);
      const span columns = outputs_inside(s->out_width, s->stride_width, -left, s->width);
      const float *d = dz;
      for (int32_t o = 0; o < filters; o++, d += s->out_height * s->out_width) {
        const float *plane = x + o / s->multiplier * (s->height * s->width);
        float sum = 0.0f;
        for (int32_t oy = rows.first; oy < rows.end; oy++) {
          const float *at = plane + (oy * s->stride_height + top) * s->width + left;
          for (int32_t ox = columns.first; ox < columns.end; ox++)
            sum = fma1(d[oy * s->out_width + ox], at[ox * s->stride_width], sum);
        }
        *dw++ = sum;
      }
    }
}

// section: depthwise_backward_input
/// The tap through which an output finds an input, or -1. distance: from tap 0 to the input.
static int32_t tap_of(int32_t distance, int32_t dilation, int32_t taps) {
  if (distance < 0) return -1;
  int32_t tap = dilation == 1 ? distance : distance / dilation;
  return tap * dilation == distance && tap < taps ? tap : -1;
}

/// dx: fma chains from 0 over the channel's filters and their outputs; overwritten.
static void depthwise_backward_input(const depthwise *s, const float *dz, const float *w,
                                     float *dx) {
  const int32_t filters = s->channels * s->multiplier, pixels = s->out_height * s->out_width;
  const int32_t reach_down = (s->kernel_height - 1) * s->dilation_height;
  const int32_t reach_across = (s->kernel_width - 1) * s->dilation_width;
  for (int32_t c = 0; c < s->channels; c++)
    for (int32_t iy = 0; iy < s->height; iy++) {
      // Outputs whose windows can hold the row.
      const int32_t bottom = iy + s->pad_top;
      int32_t oy0 = 0, oy1 = s->out_height;
      if (bottom - reach_down > 0)
        oy0 = (bottom - reach_down + s->stride_height - 1) / s->stride_height;
      if (bottom / s->stride_height + 1 < oy1) oy1 = bottom / s->stride_height + 1;
      for (int32_t ix = 0; ix < s->width; ix++) {
        const int32_t right = ix + s->pad_left;
        int32_t ox0 = 0, ox1 = s->out_width;
        if (right - reach_across > 0)
          ox0 = (right - reach_across + s->stride_width - 1) / s->stride_width;
        if (right / s->stride_width + 1 < ox1) ox1 = right / s->stride_width + 1;
        float sum = 0.0f;
        for (int32_t o = c * s->multiplier; o < (c + 1) * s->multiplier; o++)
          for (int32_t oy = oy0; oy < oy1; oy++) {
            const int32_t ky =
                tap_of(bottom - oy * s->stride_height, s->dilation_height, s->kernel_height);
            if (ky < 0) continue;
            for (int32_t ox = ox0; ox < ox1; ox++) {
              const int32_t kx =
                  tap_of(right - ox * s->stride_width, s->dilation_width, s->kernel_width);
              if (kx < 0) continue;
              sum = fma1(dz[o * pixels + oy * s->out_width + ox],
                         w[(ky * s->kernel_width + kx) * filters + o], sum);
            }
          }
        *dx++ = sum;
      }
    }
}
