// Two-dimensional convolutions (cross-correlations). Images are [channel][row][column]; the kernel is
// [input channel][row][column][output channel]: tap by tap. A tap outside of the image multiplies a zero, in every pass.

// section: convolution
typedef struct convolution {
  int32_t channels, height, width;
  int32_t filters, out_height, out_width;
  int32_t kernel_height, kernel_width;
  int32_t stride_height, stride_width;
  int32_t pad_top, pad_left;
} convolution;

// section: span
/// first ..< end
typedef struct span {
  int32_t first, end;
} span;

// section: outputs_inside
/// The outputs of an axis that find input 0 <= position < extent through a tap which is `offset` before output 0.
static span outputs_inside(int32_t outputs, int32_t stride, int32_t offset, int32_t extent) {
  span s = {0, 0};
  if (offset > 0) s.first = (offset + stride - 1) / stride;
  if (s.first > outputs) s.first = outputs;
  if (extent - 1 + offset >= 0) s.end = (extent - 1 + offset) / stride + 1;
  if (s.end > outputs) s.end = outputs;
  if (s.end < s.first) s.end = s.first;
  return s;
}

// section: convolution_forward
/// Sums of `filters` neighbouring filters at `columns` neighbouring outputs, whose windows lie in the image: fma chains from
/// the bias over (channel, row, column). x: the first window's corner.
INLINE void convolve_inside(const convolution *s, const float *x, const float *w, const float *bias,
                            float *y, int filters, int columns) {
  const int32_t plane = s->height * s->width, pixels = s->out_height * s->out_width;
  const int32_t stride = s->stride_width, all = s->filters, width = s->kernel_width;
  const int32_t down = s->width - width;
  float sum[4][4];
  UNROLL
  for (int o = 0; o < filters; o++) {
    UNROLL
    for (int j = 0; j < columns; j++) sum[o][j] = bias ? bias[o] : 0.0f;
  }
  for (int32_t c = s->channels; c > 0; c--, x += plane) {
    const float *at = x;
    for (int32_t ky = s->kernel_height; ky > 0; ky--, at += down)
      for (const float *end = at + width; at < end; at++, w += all) {
        float v[4];
        UNROLL
        for (int j = 0; j < columns; j++) v[j] = at[j * stride];
        UNROLL
        for (int o = 0; o < filters; o++) {
          float u = w[o];
          UNROLL
          for (int j = 0; j < columns; j++) sum[o][j] = fma1(u, v[j], sum[o][j]);
        }
      }
  }
  UNROLL
  for (int o = 0; o < filters; o++) {
    UNROLL
    for (int j = 0; j < columns; j++) y[o * pixels + j] = sum[o][j];
  }
}

/// The same at one output, part of whose window is outside. (top, left): the window's corner.
INLINE void convolve_border(const convolution *s, const float *x, int32_t top, int32_t left,
                            const float *w, const float *bias, float *y, int filters) {
  const int32_t pixels = s->out_height * s->out_width;
  float sum[4];
  UNROLL
  for (int o = 0; o < filters; o++) sum[o] = bias ? bias[o] : 0.0f;
  for (int32_t c = 0; c < s->channels; c++, x += s->height * s->width)
    for (int32_t row = top; row < top + s->kernel_height; row++)
      for (int32_t column = left; column < left + s->kernel_width; column++, w += s->filters) {
        int is_inside = row >= 0 && row < s->height && column >= 0 && column < s->width;
        float v = is_inside ? x[row * s->width + column] : 0.0f;
        UNROLL
        for (int o = 0; o < filters; o++) sum[o] = fma1(w[o], v, sum[o]);
      }
  UNROLL
  for (int o = 0; o < filters; o++) y[o * pixels] = sum[o];
}

/// All outputs of `filters` neighbouring filters.
INLINE void convolve_filters(const convolution *s, const float *x, const float *w,
                             const float *bias, float *y, int filters) {
  for (int32_t oy = 0; oy < s->out_height; oy++) {
    const int32_t top = oy * s->stride_height - s->pad_top;
    const int is_inside = top >= 0 && top + s->kernel_height <= s->height;
    for (int32_t ox = 0; ox < s->out_width;) {
      const int32_t left = ox * s->stride_width - s->pad_left;
      const int32_t right = left + s->kernel_width;
      const float *corner = x + (top * s->width + left);
      if (!is_inside || left < 0 || right > s->width) {
        convolve_border(s, x, top, left, w, bias, y, filters);
      } else if (ox + 4 <= s->out_width && right + 3 * s->stride_width <= s->width) {
        convolve_inside(s, corner, w, bias, y, filters, 4);
        ox += 4;
        y += 4;
        continue;
      } else {
        convolve_inside(s, corner, w, bias, y, filters, 1);
      }
      ox++;
      y++;
    }
  }
}

/// y = x * W + b. bias may be NULL.
static void convolution_forward(const convolution *s, const float *x, const float *w,
                                const float *bias, float *y) {
  const int32_t pixels = s->out_height * s->out_width;
  int32_t rest = s->filters;
  for (; rest >= 4; rest -= 4, w += 4, y += 4 * pixels) {
    convolve_filters(s, x, w, bias, y, 4);
    if (bias) bias += 4;
  }
  for (; rest > 0; rest--, w++, y += pixels) {
    convolve_filters(s, x, w, bias, y, 1);
    if (bias) bias++;
  }
}

// section: spread_taps
/// A kernel with zeros between its taps, and without.
typedef struct spread_taps {
  int32_t wide_height, wide_width;
  int32_t kernel_height, kernel_width;
  int32_t down, across;
  int32_t filters;
} spread_taps;

// section: spread_kernel
/// The kernel with zeros, for `channels` input channels.
static void spread_kernel(const spread_taps *d, int32_t channels, const float *w, float *wide) {
  const int32_t size = d->wide_height * d->wide_width * d->filters;
  for (int32_t c = 0; c < channels; c++, wide += size) {
    for (int32_t i = 0; i < size; i++) wide[i] = 0.0f;
    for (int32_t ky = 0; ky < d->kernel_height; ky++)
      for (int32_t kx = 0; kx < d->kernel_width; kx++) {
        float *tap = wide + (ky * d->down * d->wide_width + kx * d->across) * d->filters;
        for (int32_t o = 0; o < d->filters; o++) tap[o] = *w++;
      }
  }
}

// section: collect_kernel
/// The gradient of the kernel from that of the one with zeros.
static void collect_kernel(const spread_taps *d, int32_t channels, const float *wide, float *dw) {
  const int32_t size = d->wide_height * d->wide_width * d->filters;
  for (int32_t c = 0; c < channels; c++, wide += size)
    for (int32_t ky = 0; ky < d->kernel_height; ky++)
      for (int32_t kx = 0; kx < d->kernel_width; kx++) {
        const float *tap = wide + (ky * d->down * d->wide_width + kx * d->across) * d->filters;
        for (int32_t o = 0; o < d->filters; o++) *dw++ = tap[o];
      }
}
