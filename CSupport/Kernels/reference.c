// The reference: every kernel as a plain loop over scalars, in the order that CSupport.h writes
// down. The tuned kernels must return the same bits. Slow, and meant to be read.

#include "CSupport.h"
#include "coefficients.h"

enum { LANES = 16 };

#if defined(__clang__) && (defined(__ARM_FEATURE_FMA) || defined(__FMA__))

static float fma1(float a, float b, float c) { return __builtin_elementwise_fma(a, b, c); }

#else

/// fmaf without libm: the product is exact in double, the sum is rounded to odd, so that rounding
/// it again to float gives what one rounding of the exact value would (see fma_4 in vector.inc).
static float fma1(float a, float b, float c) {
  double product = (double)a * b, sum = product + c, addend = sum - product;
  double error = (product - (sum - addend)) + (c - addend);  // TwoSum: sum + error is exact
  union {
    double d;
    uint64_t u;
  } v = {sum};
  int isInexact = error > 0.0 || error < 0.0;  // false for NaN
  if (isInexact && (v.u & 1) == 0) v.u += (error > 0.0) == (sum > 0.0) ? 1 : -1;
  return (float)v.d;
}

#endif

/// The lane tree: the sum of 16 numbers.
static float lane_tree(float s[LANES]) {
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) s[i] += s[i + half];
  return s[0];
}

// MARK: - Functions

static uint32_t bits_of(float x) {
  union {
    float f;
    uint32_t u;
  } v = {x};
  return v.u;
}

static float of_bits(uint32_t u) {
  union {
    uint32_t u;
    float f;
  } v = {u};
  return v.f;
}

/// exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln 2 / 2. 2^n is applied in two factors,
/// because the result may be subnormal or overflow.
static float exp1(float x) {
  x = x > CS_EXP_HIGH ? CS_EXP_HIGH : x;
  x = x < CS_EXP_LOW ? CS_EXP_LOW : x;
  float shifted = fma1(x, CS_LOG2_E, CS_ROUND_MAGIC);
  float n = shifted - CS_ROUND_MAGIC;
  float r = fma1(-n, CS_LN2_HIGH, x);
  r = fma1(-n, CS_LN2_LOW, r);
  float p = fma1(CS_EXP_P0, r, CS_EXP_P1);
  p = fma1(p, r, CS_EXP_P2);
  p = fma1(p, r, CS_EXP_P3);
  p = fma1(p, r, CS_EXP_P4);
  p = fma1(p, r, CS_EXP_P5);
  p = fma1(p, r * r, r) + 1.0f;
  uint32_t exponent =
      bits_of(shifted) - bits_of(CS_ROUND_MAGIC);  // n, as a two's complement integer
  uint32_t first = (uint32_t)((int32_t)exponent >> 1);
  uint32_t second = exponent - first;
  return p * of_bits((first + 127) << 23) * of_bits((second + 127) << 23);
}

/// log(x) = e ln 2 + log(m), x = 2^e m, sqrt(1/2) <= m < sqrt(2).
static float log1(float x) {
  uint32_t u = bits_of(x) - CS_LOG_SQRT_HALF_BITS;
  float e = (float)((int32_t)u >> 23);
  float f = of_bits((u & 0x7fffff) + CS_LOG_SQRT_HALF_BITS) - 1.0f;
  float p = fma1(CS_LOG_P0, f, CS_LOG_P1);
  p = fma1(p, f, CS_LOG_P2);
  p = fma1(p, f, CS_LOG_P3);
  p = fma1(p, f, CS_LOG_P4);
  p = fma1(p, f, CS_LOG_P5);
  p = fma1(p, f, CS_LOG_P6);
  p = fma1(p, f, CS_LOG_P7);
  p = fma1(p, f, CS_LOG_P8);
  float square = f * f;
  float y = f * square * p;
  y = fma1(e, CS_LN2_LOW, y);
  y = fma1(-0.5f, square, y);
  y = fma1(e, CS_LN2_HIGH, f + y);
  y = x < __FLT_MAX__ * 2.0f ? y : x;  // log(inf) = inf, log(NaN) = NaN
  y = x == 0.0f ? -__builtin_inff() : y;
  return x < 0.0f ? __builtin_nanf("") : y;
}

static float tanh1(float x) {
  float c = x > CS_TANH_CLAMP ? CS_TANH_CLAMP : x;
  c = c < -CS_TANH_CLAMP ? -CS_TANH_CLAMP : c;
  float s = c * c;
  float p = fma1(CS_TANH_P13, s, CS_TANH_P11);
  p = fma1(p, s, CS_TANH_P9);
  p = fma1(p, s, CS_TANH_P7);
  p = fma1(p, s, CS_TANH_P5);
  p = fma1(p, s, CS_TANH_P3);
  p = fma1(p, s, CS_TANH_P1);
  float q = fma1(CS_TANH_Q6, s, CS_TANH_Q4);
  q = fma1(q, s, CS_TANH_Q2);
  q = fma1(q, s, CS_TANH_Q0);
  return p * c / q;
}

static float activate(cs_activation activation, float z) {
  switch (activation) {
    case CS_TANH: return tanh1(z);
    case CS_RELU: return z <= 0.0f ? 0.0f : z;  // a NaN stays
    case CS_SIGMOID: return 1.0f / (1.0f + exp1(-z));
    case CS_LINEAR: break;
  }
  return z;
}

static float activation_gradient(cs_activation activation, float y, float dy) {
  switch (activation) {
    case CS_TANH: return dy * fma1(-y, y, 1.0f);
    case CS_RELU: return y > 0.0f ? dy : 0.0f;
    case CS_SIGMOID: return dy * (y * (1.0f - y));
    case CS_LINEAR: break;
  }
  return dy;
}

static void activation_forward(size_t count, cs_activation activation, const float *x, float *y) {
  for (size_t i = 0; i < count; i++) y[i] = activate(activation, x[i]);
}

static void activation_backward(size_t count, cs_activation activation, const float *y,
                                const float *dy, float *dz) {
  for (size_t i = 0; i < count; i++) dz[i] = activation_gradient(activation, y[i], dy[i]);
}

static void vector_exp(size_t count, const float *x, float *y) {
  for (size_t i = 0; i < count; i++) y[i] = exp1(x[i]);
}

static void vector_log(size_t count, const float *x, float *y) {
  for (size_t i = 0; i < count; i++) y[i] = log1(x[i]);
}

// MARK: - Convolution

/// Pixel (row, column) of channel c of a block, image n; 0 outside the image.
static float input_at(const cs_conv2d *s, int32_t block, const float *x, int32_t c, int32_t row,
                      int32_t column, int32_t n) {
  if (row < 0 || row >= s->inHeight || column < 0 || column >= s->inWidth) return 0.0f;
  return x[(((size_t)c * s->inHeight + row) * s->inWidth + column) * block + n];
}

static void conv2d_forward(const cs_conv2d *s, int32_t block, const float *restrict x,
                           const float *restrict w, const float *restrict bias, float *restrict y,
                           cs_activation activation, float *restrict scratch) {
  (void)scratch;
  size_t taps = (size_t)s->inChannels * s->kernelHeight * s->kernelWidth;
  for (int32_t o = 0; o < s->outChannels; o++)
    for (int32_t oy = 0; oy < s->outHeight; oy++)
      for (int32_t ox = 0; ox < s->outWidth; ox++)
        for (int32_t n = 0; n < block; n++) {
          const float *tap = w + o * taps;
          float sum = bias ? bias[o] : 0.0f;
          for (int32_t ic = 0; ic < s->inChannels; ic++)
            for (int32_t ky = 0; ky < s->kernelHeight; ky++)
              for (int32_t kx = 0; kx < s->kernelWidth; kx++)
                sum = fma1(*tap++,
                           input_at(s, block, x, ic, oy * s->strideHeight + ky - s->padTop,
                                    ox * s->strideWidth + kx - s->padLeft, n),
                           sum);
          y[(((size_t)o * s->outHeight + oy) * s->outWidth + ox) * block + n] =
              activate(activation, sum);
        }
}

/// The output row (or column) that reads input position `position` through tap `k`, or -1.
static int32_t output_of(int32_t position, int32_t k, int32_t pad, int32_t stride,
                         int32_t outExtent) {
  int32_t distance = position + pad - k;
  if (distance < 0 || distance % stride != 0) return -1;
  return distance / stride < outExtent ? distance / stride : -1;
}

/// One fma chain from 0 per element over (ky, o, kx) ascending. B = 16 leaves out the taps outside
/// the output, B = 1 multiplies a zero there.
static void conv2d_backward_input(const cs_conv2d *s, int32_t block, const float *restrict dz,
                                  const float *restrict w, float *restrict dx,
                                  float *restrict scratch) {
  (void)scratch;
  for (int32_t ic = 0; ic < s->inChannels; ic++)
    for (int32_t iy = 0; iy < s->inHeight; iy++)
      for (int32_t ix = 0; ix < s->inWidth; ix++)
        for (int32_t n = 0; n < block; n++) {
          float sum = 0.0f;
          for (int32_t ky = 0; ky < s->kernelHeight; ky++)
            for (int32_t o = 0; o < s->outChannels; o++)
              for (int32_t kx = 0; kx < s->kernelWidth; kx++) {
                int32_t oy = output_of(iy, ky, s->padTop, s->strideHeight, s->outHeight);
                int32_t ox = output_of(ix, kx, s->padLeft, s->strideWidth, s->outWidth);
                int inside = oy >= 0 && ox >= 0;
                float tap =
                    w[(((size_t)o * s->inChannels + ic) * s->kernelHeight + ky) * s->kernelWidth +
                      kx];
                if (inside)
                  sum = fma1(dz[(((size_t)o * s->outHeight + oy) * s->outWidth + ox) * block + n],
                             tap, sum);
                else if (block == 1)
                  sum = fma1(0.0f, tap, sum);
              }
          dx[(((size_t)ic * s->inHeight + iy) * s->inWidth + ix) * block + n] = sum;
        }
}

static void conv2d_backward_weights(const cs_conv2d *s, int32_t block, const float *restrict x,
                                    const float *restrict dz, float *restrict dw,
                                    float *restrict db, float *restrict scratch) {
  (void)scratch;
  int32_t pixels = s->outHeight * s->outWidth;
  for (int32_t o = 0; o < s->outChannels; o++) {
    const float *dzo = dz + (size_t)o * pixels * block;
    for (int32_t ic = 0; ic < s->inChannels; ic++)
      for (int32_t ky = 0; ky < s->kernelHeight; ky++)
        for (int32_t kx = 0; kx < s->kernelWidth; kx++) {
          float sums[LANES] = {0};
          for (int32_t oy = 0; oy < s->outHeight; oy++)
            for (int32_t ox = 0; ox < s->outWidth; ox++)
              for (int32_t n = 0; n < block; n++)
                sums[n] = fma1(dzo[((size_t)oy * s->outWidth + ox) * block + n],
                               input_at(s, block, x, ic, oy * s->strideHeight + ky - s->padTop,
                                        ox * s->strideWidth + kx - s->padLeft, n),
                               sums[n]);
          dw[(((size_t)o * s->inChannels + ic) * s->kernelHeight + ky) * s->kernelWidth + kx] =
              block == 1 ? sums[0] : lane_tree(sums);
        }
    if (!db) continue;
    float sums[LANES] = {0};
    for (size_t i = 0; i < (size_t)pixels * block; i++) sums[i % LANES] += dzo[i];
    db[o] = lane_tree(sums);
  }
}

// MARK: - Dense

static void dense_forward(int32_t in, int32_t out, int32_t block, const float *restrict x,
                          const float *restrict w, const float *restrict bias, float *restrict y,
                          cs_activation activation) {
  for (int32_t o = 0; o < out; o++)
    for (int32_t n = 0; n < block; n++) {
      float sum = bias ? bias[o] : 0.0f;
      for (int32_t i = 0; i < in; i++)
        sum = fma1(x[(size_t)i * block + n], w[(size_t)i * out + o], sum);
      y[(size_t)o * block + n] = activate(activation, sum);
    }
}

/// B = 1: the 16 chains run to the next multiple of 16; the missing outputs multiply zeros.
static void dense_backward_input(int32_t in, int32_t out, int32_t block, const float *restrict dz,
                                 const float *restrict w, float *restrict dx) {
  for (int32_t i = 0; i < in; i++)
    for (int32_t n = 0; n < block; n++) {
      float sums[LANES] = {0};
      int32_t end = block == 1 ? (out + LANES - 1) / LANES * LANES : out;
      for (int32_t o = 0; o < end; o++) {
        float *sum = block == 1 ? &sums[o % LANES] : &sums[0];
        *sum = o < out ? fma1(dz[(size_t)o * block + n], w[(size_t)i * out + o], *sum)
                       : fma1(0.0f, 0.0f, *sum);
      }
      dx[(size_t)i * block + n] = block == 1 ? lane_tree(sums) : sums[0];
    }
}

static void transpose16(int32_t out, int32_t leading, const float *restrict dz,
                        float *restrict dzT) {
  for (int32_t n = 0; n < LANES; n++)
    for (int32_t o = 0; o < leading; o++)
      dzT[(size_t)n * leading + o] = o < out ? dz[(size_t)o * LANES + n] : 0.0f;
}

static void dense_backward_weights(int32_t firstRow, int32_t endRow, int32_t out, int32_t block,
                                   int32_t images, const float *restrict x, size_t xStride,
                                   const float *restrict dzT, size_t dzStride, size_t leading,
                                   int32_t accumulates, float *restrict dw) {
  for (int32_t i = firstRow; i < endRow; i++)
    for (int32_t o = 0; o < out; o++) {
      float sum = accumulates ? dw[(size_t)i * out + o] : 0.0f;
      for (int32_t n = 0; n < images; n++) {
        int32_t b = n / block, lane = n % block;
        sum = fma1(x[b * xStride + (size_t)i * block + lane],
                   dzT[b * dzStride + lane * leading + o], sum);
      }
      dw[(size_t)i * out + o] = sum;
    }
}

static void dense_backward_bias(int32_t first, int32_t end, int32_t block, int32_t images,
                                const float *restrict dzT, size_t dzStride, size_t leading,
                                int32_t accumulates, float *restrict db) {
  for (int32_t o = first; o < end; o++) {
    float sum = accumulates ? db[o] : 0.0f;
    for (int32_t n = 0; n < images; n++) sum += dzT[n / block * dzStride + n % block * leading + o];
    db[o] = sum;
  }
}

// MARK: - Average pooling

typedef struct window {
  int32_t firstRow, endRow, firstColumn, endColumn;
  float share;  // 1 / number of cells inside the image
} window;

static window window_of(const cs_pool2d *s, int32_t oy, int32_t ox) {
  int32_t top = oy * s->strideHeight - s->padTop, left = ox * s->strideWidth - s->padLeft;
  window v = {top, top + s->poolHeight, left, left + s->poolWidth, 0.0f};
  if (v.firstRow < 0) v.firstRow = 0;
  if (v.firstColumn < 0) v.firstColumn = 0;
  if (v.endRow > s->inHeight) v.endRow = s->inHeight;
  if (v.endColumn > s->inWidth) v.endColumn = s->inWidth;
  v.share = 1.0f / (float)((v.endRow - v.firstRow) * (v.endColumn - v.firstColumn));
  return v;
}

static void avgpool2d_forward(const cs_pool2d *s, int32_t block, const float *restrict x,
                              float *restrict y) {
  for (int32_t c = 0; c < s->channels; c++)
    for (int32_t oy = 0; oy < s->outHeight; oy++)
      for (int32_t ox = 0; ox < s->outWidth; ox++)
        for (int32_t n = 0; n < block; n++) {
          window v = window_of(s, oy, ox);
          float sum = 0.0f;
          for (int32_t iy = v.firstRow; iy < v.endRow; iy++)
            for (int32_t ix = v.firstColumn; ix < v.endColumn; ix++)
              sum += x[(((size_t)c * s->inHeight + iy) * s->inWidth + ix) * block + n];
          y[(((size_t)c * s->outHeight + oy) * s->outWidth + ox) * block + n] = sum * v.share;
        }
}

static void avgpool2d_backward(const cs_pool2d *s, int32_t block, const float *restrict dy,
                               float *restrict dx) {
  size_t count = (size_t)s->channels * s->inHeight * s->inWidth * block;
  for (size_t i = 0; i < count; i++) dx[i] = 0.0f;
  for (int32_t c = 0; c < s->channels; c++)
    for (int32_t oy = 0; oy < s->outHeight; oy++)
      for (int32_t ox = 0; ox < s->outWidth; ox++)
        for (int32_t n = 0; n < block; n++) {
          window v = window_of(s, oy, ox);
          float part =
              dy[(((size_t)c * s->outHeight + oy) * s->outWidth + ox) * block + n] * v.share;
          for (int32_t iy = v.firstRow; iy < v.endRow; iy++)
            for (int32_t ix = v.firstColumn; ix < v.endColumn; ix++)
              dx[(((size_t)c * s->inHeight + iy) * s->inWidth + ix) * block + n] += part;
        }
}

// MARK: - Batch normalisation

/// Values of one channel belong to chain (index mod 16), in a block of 16 as in a block of 1; the
/// last chains of a block of 1 are filled up with zeros. Clears the lanes without an image and adds
/// the rest.
static float chain_sum(int32_t block, int32_t lanes, float sums[LANES]) {
  for (int32_t n = 0; n < LANES; n++)
    if (block == LANES && n >= lanes) sums[n] = 0.0f;
  return lane_tree(sums);
}

static void batchnorm_statistics(int32_t channels, int32_t pixels, int32_t block, int32_t lanes,
                                 const float *restrict x, float *restrict mean,
                                 float *restrict m2) {
  size_t count = (size_t)pixels * block;
  for (int32_t c = 0; c < channels; c++) {
    const float *xc = x + c * count;
    float sums[LANES] = {0}, squares[LANES] = {0};
    for (size_t i = 0; i < count; i++) sums[i % LANES] += xc[i];
    mean[c] = chain_sum(block, lanes, sums) / (float)(pixels * lanes);
    for (size_t i = 0; i < count; i++) {
      float d = xc[i] - mean[c];
      squares[i % LANES] = fma1(d, d, squares[i % LANES]);
    }
    m2[c] = chain_sum(block, lanes, squares);
  }
}

static void batchnorm_apply(int32_t channels, int32_t pixels, int32_t block, const float *x,
                            const float *mean, const float *scale, const float *shift, float *y) {
  size_t count = (size_t)pixels * block;
  for (int32_t c = 0; c < channels; c++)
    for (size_t i = c * count; i < (c + 1) * count; i++)
      y[i] = fma1(x[i] - mean[c], scale[c], shift[c]);
}

static void batchnorm_backward_sums(int32_t channels, int32_t pixels, int32_t block, int32_t lanes,
                                    const float *restrict x, const float *restrict dy,
                                    const float *restrict mean, const float *restrict invStd,
                                    float *restrict sumDy, float *restrict sumDyXhat) {
  size_t count = (size_t)pixels * block;
  for (int32_t c = 0; c < channels; c++) {
    const float *xc = x + c * count, *dyc = dy + c * count;
    float sums[LANES] = {0}, products[LANES] = {0};
    for (size_t i = 0; i < (count + LANES - 1) / LANES * LANES; i++) {
      float gradient = i < count ? dyc[i] : 0.0f;
      float xhat = i < count ? (xc[i] - mean[c]) * invStd[c] : 0.0f;
      sums[i % LANES] += gradient;
      products[i % LANES] = fma1(gradient, xhat, products[i % LANES]);
    }
    sumDy[c] = chain_sum(block, lanes, sums);
    sumDyXhat[c] = chain_sum(block, lanes, products);
  }
}

static void batchnorm_backward_input(int32_t channels, int32_t pixels, int32_t block, int32_t lanes,
                                     const float *x, const float *dy, const float *mean,
                                     const float *invStd, const float *a, const float *b,
                                     const float *d, float *dx) {
  size_t count = (size_t)pixels * block;
  for (int32_t c = 0; c < channels; c++)
    for (size_t i = 0; i < count; i++) {
      size_t j = c * count + i;
      float xhat = (x[j] - mean[c]) * invStd[c];
      float t = fma1(-xhat, d[c], dy[j] - b[c]);
      dx[j] = (int32_t)(i % block) < lanes ? a[c] * t : 0.0f;
    }
}

// MARK: - Softmax and loss

static float largest(int32_t classes, int32_t block, const float *z) {
  float m = z[0];
  for (int32_t c = 1; c < classes; c++) m = z[c * block] > m ? z[c * block] : m;
  return m;
}

static void softmax(int32_t classes, int32_t block, const float *z, float *p) {
  for (int32_t n = 0; n < block; n++) {
    float m = largest(classes, block, z + n), sum = 0.0f;
    for (int32_t c = 0; c < classes; c++) sum += p[c * block + n] = exp1(z[c * block + n] - m);
    for (int32_t c = 0; c < classes; c++) p[c * block + n] = p[c * block + n] / sum;
  }
}

static void softmax_backward(int32_t classes, int32_t block, const float *p, const float *dy,
                             float *dz) {
  for (int32_t n = 0; n < block; n++) {
    float sum = 0.0f;
    for (int32_t c = 0; c < classes; c++) sum = fma1(dy[c * block + n], p[c * block + n], sum);
    for (int32_t c = 0; c < classes; c++)
      dz[c * block + n] = p[c * block + n] * (dy[c * block + n] - sum);
  }
}

/// An image with a logit that is NaN or +infinity is no hit.
static void softmax_cross_entropy(int32_t classes, int32_t block, int32_t lanes, const float *z,
                                  const uint8_t *labels, float scale, float *dz, float *loss,
                                  float *hit) {
  for (int32_t n = 0; n < lanes; n++) {
    int32_t label = labels[n], best = 0;
    for (int32_t c = 1; c < classes; c++)
      if (z[c * block + n] > z[best * block + n]) best = c;
    float m = z[best * block + n], sum = 0.0f;
    for (int32_t c = 0; c < classes; c++) sum += exp1(z[c * block + n] - m);
    loss[n] = log1(sum) - (z[label * block + n] - m);
    hit[n] = best == label && sum == sum ? 1.0f : 0.0f;
    for (int32_t c = 0; dz && c < classes; c++)
      dz[c * block + n] = (exp1(z[c * block + n] - m) / sum - (c == label ? 1.0f : 0.0f)) * scale;
  }
  for (int32_t n = lanes; dz && n < block; n++)
    for (int32_t c = 0; c < classes; c++) dz[c * block + n] = 0.0f;
}

// MARK: - Updates

static void sgd_update(size_t count, float learningRate, const float *restrict dw,
                       float *restrict w) {
  for (size_t i = 0; i < count; i++) w[i] = fma1(-learningRate, dw[i], w[i]);
}

static void sum_partials(size_t count, int32_t partialCount, const float *restrict partials,
                         size_t stride, int32_t accumulates, float *restrict sum) {
  for (size_t i = 0; i < count; i++) {
    float s = accumulates ? sum[i] : partialCount > 0 ? partials[i] : 0.0f;
    for (int32_t b = accumulates ? 0 : 1; b < partialCount; b++) s += partials[b * stride + i];
    sum[i] = s;
  }
}

// MARK: - Input

static void gather_u8(int32_t channels, int32_t pixels, int32_t block, int32_t lanes,
                      const uint8_t *restrict images, size_t imageStride,
                      const uint32_t *restrict indices, float divisor, float *restrict x) {
  for (int32_t c = 0; c < channels; c++)
    for (int32_t p = 0; p < pixels; p++)
      for (int32_t n = 0; n < block; n++)
        x[((size_t)c * pixels + p) * block + n] =
            n < lanes ? (float)images[indices[n] * imageStride + (size_t)p * channels + c] / divisor
                      : 0.0f;
}

static void gather_f32(int32_t channels, int32_t pixels, int32_t block, int32_t lanes,
                       const float *restrict images, size_t imageStride,
                       const uint32_t *restrict indices, float divisor, float *restrict x) {
  for (int32_t c = 0; c < channels; c++)
    for (int32_t p = 0; p < pixels; p++)
      for (int32_t n = 0; n < block; n++)
        x[((size_t)c * pixels + p) * block + n] =
            n < lanes ? images[indices[n] * imageStride + (size_t)p * channels + c] / divisor
                      : 0.0f;
}

static void scatter_f32(int32_t channels, int32_t pixels, int32_t block, int32_t lanes,
                        const float *restrict y, float *restrict out, size_t outStride) {
  for (int32_t n = 0; n < lanes; n++)
    for (int32_t p = 0; p < pixels; p++)
      for (int32_t c = 0; c < channels; c++)
        out[n * outStride + (size_t)p * channels + c] = y[((size_t)c * pixels + p) * block + n];
}

// MARK: - Measuring

static uint64_t peak_fma(uint64_t iterations, float *sink) {
  float a = 1.0f, b = 1.0f;
  for (uint64_t i = 0; i < iterations; i++) {
    a = fma1(a, 0.5f, 0.5f);
    b = fma1(b, 0.25f, 0.75f);
  }
  *sink = a + b;
  return iterations * 4;
}

static const cs_kernels reference = {
    .isa = CS_ISA_PORTABLE,
    .conv2d_forward = conv2d_forward,
    .conv2d_backward_input = conv2d_backward_input,
    .conv2d_backward_weights = conv2d_backward_weights,
    .dense_forward = dense_forward,
    .dense_backward_input = dense_backward_input,
    .transpose16 = transpose16,
    .dense_backward_weights = dense_backward_weights,
    .dense_backward_bias = dense_backward_bias,
    .avgpool2d_forward = avgpool2d_forward,
    .avgpool2d_backward = avgpool2d_backward,
    .batchnorm_statistics = batchnorm_statistics,
    .batchnorm_apply = batchnorm_apply,
    .batchnorm_backward_sums = batchnorm_backward_sums,
    .batchnorm_backward_input = batchnorm_backward_input,
    .activation_forward = activation_forward,
    .activation_backward = activation_backward,
    .vector_exp = vector_exp,
    .vector_log = vector_log,
    .softmax = softmax,
    .softmax_backward = softmax_backward,
    .softmax_cross_entropy = softmax_cross_entropy,
    .sgd_update = sgd_update,
    .sum_partials = sum_partials,
    .gather_u8 = gather_u8,
    .gather_f32 = gather_f32,
    .scatter_f32 = scatter_f32,
    .peak_fma = peak_fma,
};

const cs_kernels *cs_kernels_reference(void) { return &reference; }
