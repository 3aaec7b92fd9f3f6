// The gradients of two-dimensional convolutions; see convolution.c.

// section: convolution_backward_taps
/// Rows of dW for `taps` neighbouring taps of one kernel row, whose windows lie in the image at every output, and `filters`
/// neighbouring filters: fma chains from 0 over the outputs. x: what the first tap finds at output 0.
INLINE void taps_inside(const convolution *s, const float *x, const float *dz, float *dw,
                        int filters, int taps) {
  const int32_t pixels = s->out_height * s->out_width, stride = s->stride_width;
  const int32_t down = s->stride_height * s->width - s->out_width * stride;
  float sum[4][5];
  UNROLL
  for (int o = 0; o < filters; o++) {
    UNROLL
    for (int k = 0; k < taps; k++) sum[o][k] = 0.0f;
  }
  for (int32_t oy = s->out_height; oy > 0; oy--, x += down)
    for (int32_t ox = s->out_width; ox > 0; ox--, x += stride, dz++) {
      float u[4];
      UNROLL
      for (int o = 0; o < filters; o++) u[o] = dz[o * pixels];
      UNROLL
      for (int k = 0; k < taps; k++) {
        float v = x[k];
        UNROLL
        for (int o = 0; o < filters; o++) sum[o][k] = fma1(u[o], v, sum[o][k]);
      }
    }
  UNROLL
  for (int k = 0; k < taps; k++) {
    UNROLL
    for (int o = 0; o < filters; o++) dw[k * s->filters + o] = sum[o][k];
  }
}

/// The same for one tap, which is outside of the image at some outputs. (row, column): where it is at output 0.
INLINE void tap_border(const convolution *s, const float *x, int32_t row, int32_t column,
                       const float *dz, float *dw, int filters) {
  const int32_t pixels = s->out_height * s->out_width;
  const span rows = outputs_inside(s->out_height, s->stride_height, -row, s->height);
  const span columns = outputs_inside(s->out_width, s->stride_width, -column, s->width);
  float sum[4];
  UNROLL
  for (int o = 0; o < filters; o++) sum[o] = 0.0f;
  for (int32_t oy = 0; oy < s->out_height; oy++) {
    const int has_row = oy >= rows.first && oy < rows.end;
    const int32_t start = (oy * s->stride_height + row) * s->width + column;
    for (int32_t ox = 0; ox < s->out_width; ox++, dz++) {
      int is_inside = has_row && ox >= columns.first && ox < columns.end;
      float v = is_inside ? x[start + ox * s->stride_width] : 0.0f;
      UNROLL
      for (int o = 0; o < filters; o++) sum[o] = fma1(dz[o * pixels], v, sum[o]);
    }
  }
  UNROLL
  for (int o = 0; o < filters; o++) dw[o] = sum[o];
}

/// Rows first ..< end of dW for `filters` neighbouring filters.
INLINE void taps_of_filters(const convolution *s, int32_t first, int32_t end, const float *x,
                            const float *dz, float *dw, int filters) {
  const int32_t width = s->kernel_width, size = s->kernel_height * width;
  for (int32_t k = first; k < end;) {
    const int32_t kx = k % width, ky = k / width % s->kernel_height;
    const int32_t row = ky - s->pad_top, column = kx - s->pad_left;
    const int32_t last_row = row + (s->out_height - 1) * s->stride_height;
    const int32_t last_column = column + (s->out_width - 1) * s->stride_width;
    const float *plane = x + k / size * (s->height * s->width);
    float *rows = dw + (k - first) * s->filters;
    int is_inside = row >= 0 && last_row < s->height && column >= 0 && last_column < s->width;
    if (!is_inside) {
      tap_border(s, plane, row, column, dz, rows, filters);
    } else if (kx + 5 <= width && k + 5 <= end && last_column + 4 < s->width) {
      taps_inside(s, plane + row * s->width + column, dz, rows, filters, 5);
      k += 5;
      continue;
    } else if (kx + 3 <= width && k + 3 <= end && last_column + 2 < s->width) {
      taps_inside(s, plane + row * s->width + column, dz, rows, filters, 3);
      k += 3;
      continue;
    } else {
      taps_inside(s, plane + row * s->width + column, dz, rows, filters, 1);
    }
    k++;
  }
}

/// Rows first ..< end of dW[tap][filter] = sum over the outputs of dz x, written at dw.
static void convolution_backward_taps(const convolution *s, int32_t first, int32_t end,
                                      const float *x, const float *dz, float *dw) {
  const int32_t pixels = s->out_height * s->out_width;
  int32_t rest = s->filters;
  for (; rest >= 4; rest -= 4, dz += 4 * pixels, dw += 4)
    taps_of_filters(s, first, end, x, dz, dw, 4);
  for (; rest > 0; rest--, dz += pixels, dw++) taps_of_filters(s, first, end, x, dz, dw, 1);
}

// section: convolution_backward_bias
/// db[filter] = sum of dz: output p belongs to chain p mod 16, then the lane tree.
static void convolution_backward_bias(int32_t filters, int32_t pixels, const float *dz, float *db) {
  for (int32_t o = 0; o < filters; o++) {
    float sums[LANES] = {0};
    for (int32_t p = 0; p < pixels; p++) sums[p % LANES] += *dz++;
    db[o] = lane_tree(sums);
  }
}

// section: convolution_backward_input
/// dx of `channels` neighbouring channels at `columns` neighbouring inputs which every column of the kernel finds: strides
/// of 1. Fma chains from 0 over (kernel row, filter, kernel column).
INLINE void input_inside(const convolution *s, int32_t iy, int32_t ix, const float *dz,
                         const float *w, float *dx, int channels, int columns) {
  const int32_t pixels = s->out_height * s->out_width, all = s->filters, width = s->kernel_width;
  const int32_t plane = s->height * s->width, next = s->kernel_height * width * all;
  float sum[3][4];
  UNROLL
  for (int c = 0; c < channels; c++) {
    UNROLL
    for (int j = 0; j < columns; j++) sum[c][j] = 0.0f;
  }
  for (int32_t ky = 0; ky < s->kernel_height; ky++) {
    const float *row = dz + (iy + s->pad_top - ky) * s->out_width + ix + s->pad_left;
    const float *taps = w + ky * width * all;
    for (int32_t o = 0; o < all; o++, row += pixels, taps++) {
      const float *at = row, *tap = taps;
      for (int32_t kx = 0; kx < width; kx++, at--, tap += all) {
        float v[4];
        UNROLL
        for (int j = 0; j < columns; j++) v[j] = at[j];
        UNROLL
        for (int c = 0; c < channels; c++) {
          float u = tap[c * next];
          UNROLL
          for (int j = 0; j < columns; j++) sum[c][j] = fma1(v[j], u, sum[c][j]);
        }
      }
    }
  }
  UNROLL
  for (int c = 0; c < channels; c++) {
    UNROLL
    for (int j = 0; j < columns; j++) dx[c * plane + j] = sum[c][j];
  }
}

/// The output that finds input `position` through tap k, or -1.
static int32_t output_of(int32_t position, int32_t k, int32_t pad, int32_t stride,
                         int32_t outputs) {
  int32_t distance = position + pad - k;
  if (distance < 0) return -1;
  int32_t output = stride == 1 ? distance : distance / stride;
  return output * stride == distance && output < outputs ? output : -1;
}

/// The same at one input of one channel, which some taps do not find.
static float input_border(const convolution *s, int32_t iy, int32_t ix, const float *dz,
                          const float *w) {
  const int32_t pixels = s->out_height * s->out_width, all = s->filters, width = s->kernel_width;
  float sum = 0.0f;
  for (int32_t ky = 0; ky < s->kernel_height; ky++, w += width * all) {
    const int32_t oy = output_of(iy, ky, s->pad_top, s->stride_height, s->out_height);
    for (int32_t o = 0; o < all; o++) {
      const float *row = dz + o * pixels + (oy < 0 ? 0 : oy) * s->out_width;
      for (int32_t kx = 0; kx < width; kx++) {
        int32_t ox = output_of(ix, kx, s->pad_left, s->stride_width, s->out_width);
        sum = fma1(oy >= 0 && ox >= 0 ? row[ox] : 0.0f, w[kx * all + o], sum);
      }
    }
  }
  return sum;
}

/// The taps of an axis that find an output, from the first one on: the tap, its output, and how many there are; each next
/// tap is a stride further and finds the output before.
typedef struct tap_range {
  int32_t first, output, count;
} tap_range;

static tap_range taps_of(int32_t position, int32_t stride, int32_t outputs, int32_t extent) {
  tap_range t = {0, stride == 1 ? position : position / stride, 0};
  if (t.output >= outputs) t.output = outputs - 1;
  t.first = position - t.output * stride;
  for (int32_t k = t.first; k < extent && t.count <= t.output; k += stride) t.count++;
  return t;
}

/// The same for `channels` neighbouring channels and finite weights. A tap that finds no output adds 0 times a weight, which
/// changes nothing but a zero below 0: only a sum that ends as one is worked out with all taps.
INLINE void input_edge(const convolution *s, int32_t iy, const tap_range *columns, int32_t ix,
                       const float *dz, const float *w, float *dx, int channels) {
  const int32_t pixels = s->out_height * s->out_width, all = s->filters;
  const int32_t plane = s->height * s->width, next = s->kernel_height * s->kernel_width * all;
  const int32_t step = s->stride_width * all, down = s->stride_height * s->kernel_width * all;
  const tap_range rows = taps_of(iy + s->pad_top, s->stride_height, s->out_height, s->kernel_height);
  const float *from = dz + (rows.output * s->out_width + columns->output);
  const float *first = w + (rows.first * s->kernel_width + columns->first) * all;
  float sum[3] = {0.0f, 0.0f, 0.0f};
  for (int32_t ky = rows.count; ky > 0; ky--, from -= s->out_width, first += down) {
    const float *at = from;
    for (const float *tap_of = first; tap_of < first + all; tap_of++, at += pixels) {
      const float *v = at, *tap = tap_of;
      for (int32_t kx = columns->count; kx > 0; kx--, v--, tap += step) {
        UNROLL
        for (int c = 0; c < channels; c++) sum[c] = fma1(*v, tap[c * next], sum[c]);
      }
    }
  }
  UNROLL
  for (int c = 0; c < channels; c++)
    dx[c * plane] =
        bits_of(sum[c]) == 0x80000000u ? input_border(s, iy, ix, dz, w + c * next) : sum[c];
}

/// `is_finite`: whether all weights are; else every tap counts.
INLINE void input_of_channels(const convolution *s, const float *dz, const float *w, float *dx,
                              int is_finite, int channels) {
  const int32_t next = s->kernel_height * s->kernel_width * s->filters;
  const int32_t plane = s->height * s->width;
  const int has_tiles = s->stride_height == 1 && s->stride_width == 1;
  for (int32_t iy = 0; iy < s->height; iy++) {
    const int32_t bottom = iy + s->pad_top, top = bottom - s->kernel_height + 1;
    const int is_inside = has_tiles && top >= 0 && bottom < s->out_height;
    for (int32_t ix = 0; ix < s->width;) {
      const int32_t right = ix + s->pad_left, left = right - s->kernel_width + 1;
      if (!is_finite) {
        for (int c = 0; c < channels; c++)
          dx[c * plane] = input_border(s, iy, ix, dz, w + c * next);
      } else if (!is_inside || left < 0 || right >= s->out_width) {
        const tap_range t = taps_of(right, s->stride_width, s->out_width, s->kernel_width);
        input_edge(s, iy, &t, ix, dz, w, dx, channels);
      } else if (ix + 4 <= s->width && right + 3 < s->out_width) {
        input_inside(s, iy, ix, dz, w, dx, channels, 4);
        ix += 4;
        dx += 4;
        continue;
      } else {
        input_inside(s, iy, ix, dz, w, dx, channels, 1);
      }
      ix++;
      dx++;
    }
  }
}

/// dx from dz; overwritten.
static void convolution_backward_input(const convolution *s, const float *dz, const float *w,
                                       float *dx) {
  const int32_t next = s->kernel_height * s->kernel_width * s->filters;
  const int32_t plane = s->height * s->width;
  int is_finite = 1;
  for (int32_t i = 0; is_finite && i < s->channels * next; i++) is_finite = w[i] - w[i] == 0.0f;
  int32_t rest = s->channels;
  for (; rest >= 3; rest -= 3, w += 3 * next, dx += 3 * plane)
    input_of_channels(s, dz, w, dx, is_finite, 3);
  for (; rest > 0; rest--, w += next, dx += plane) input_of_channels(s, dz, w, dx, is_finite, 1);
}
