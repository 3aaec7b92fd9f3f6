#include <math.h>

#include "KernelCheck.h"

static void add(kc_sum *sum, double term) {
  sum->value += term;
  sum->magnitude += fabs(term);
}

/// 2^-24 is the largest relative rounding error; 2^-149 the smallest positive float.
size_t kc_first_outside(const kc_sum *exact, const float *found, size_t count, double terms) {
  size_t i = 0;
  for (; i < count; i++) {
    double bound = terms * (0x1p-24 * exact[i].magnitude + 0x1p-149);
    if (!(fabs(found[i] - exact[i].value) <= bound)) break;
  }
  return i;
}

// MARK: - Functions

static double activate(cs_activation activation, double z) {
  switch (activation) {
    case CS_TANH: return tanh(z);
    case CS_RELU: return fmax(z, 0);
    case CS_SIGMOID: return 1 / (1 + exp(-z));
    case CS_SCALED_SIGMOID: return 1 / (1 + exp(-2 * z));
    case CS_LINEAR: break;
  }
  return z;
}

/// An activation makes no error larger (its slope is at most 1) and adds its own, relative to y.
static void activate_sum(cs_activation activation, kc_sum *sum) {
  sum->value = activate(activation, sum->value);
  sum->magnitude += fabs(sum->value);
}

void kc_activation(size_t count, cs_activation activation, const float *x, const float *y,
                   const float *dy, kc_sum *forward, kc_sum *backward) {
  for (size_t i = 0; i < count; i++) {
    forward[i].value = activate(activation, x[i]);
    forward[i].magnitude = fabs(forward[i].value);
    double slope = 1, out = y[i];
    if (activation == CS_TANH) slope = 1 - out * out;
    if (activation == CS_RELU) slope = out > 0;
    if (activation == CS_SIGMOID) slope = out * (1 - out);
    if (activation == CS_SCALED_SIGMOID) slope = 2 * out * (1 - out);
    backward[i].value = dy[i] * slope;
    backward[i].magnitude = fabs(dy[i]) * (1 + out * out);
  }
}

// MARK: - Convolution

/// The index of pixel (row, column) of image n, channel c; -1 outside the image.
static ptrdiff_t cell(int32_t c, int32_t row, int32_t column, int32_t n, int32_t height,
                      int32_t width, int32_t block) {
  if (row < 0 || row >= height || column < 0 || column >= width) return -1;
  return (((ptrdiff_t)c * height + row) * width + column) * block + n;
}

#define FOR(i, n) for (int32_t i = 0; i < (n); i++)
#define FOR_OUTPUTS(s) \
  FOR(o, (s)->outChannels) FOR(oy, (s)->outHeight) FOR(ox, (s)->outWidth) FOR(n, block)
#define FOR_TAPS(s) FOR(ic, (s)->inChannels) FOR(ky, (s)->kernelHeight) FOR(kx, (s)->kernelWidth)

static ptrdiff_t input_of(const cs_conv2d *s, int32_t block, int32_t ic, int32_t oy, int32_t ky,
                          int32_t ox, int32_t kx, int32_t n) {
  return cell(ic, oy * s->strideHeight + ky - s->padTop, ox * s->strideWidth + kx - s->padLeft, n,
              s->inHeight, s->inWidth, block);
}

static ptrdiff_t weight_of(const cs_conv2d *s, int32_t o, int32_t ic, int32_t ky, int32_t kx) {
  return (((ptrdiff_t)o * s->inChannels + ic) * s->kernelHeight + ky) * s->kernelWidth + kx;
}

void kc_conv2d_forward(const cs_conv2d *s, int32_t block, const float *x, const float *w,
                       const float *bias, cs_activation activation, kc_sum *y) {
  FOR_OUTPUTS(s) {
    kc_sum sum = {0};
    if (bias) add(&sum, bias[o]);
    FOR_TAPS(s) {
      ptrdiff_t in = input_of(s, block, ic, oy, ky, ox, kx, n);
      if (in >= 0) add(&sum, (double)x[in] * w[weight_of(s, o, ic, ky, kx)]);
    }
    activate_sum(activation, &sum);
    y[cell(o, oy, ox, n, s->outHeight, s->outWidth, block)] = sum;
  }
}

/// The chain rule, term by term: z[out] holds w[tap] x[in], so dz[out] goes to dx[in] and dw[tap].
void kc_conv2d_backward(const cs_conv2d *s, int32_t block, const float *x, const float *w,
                        const float *dz, kc_sum *dx, kc_sum *dw, kc_sum *db) {
  FOR_OUTPUTS(s) {
    double g = dz[cell(o, oy, ox, n, s->outHeight, s->outWidth, block)];
    add(&db[o], g);
    FOR_TAPS(s) {
      ptrdiff_t in = input_of(s, block, ic, oy, ky, ox, kx, n);
      ptrdiff_t tap = weight_of(s, o, ic, ky, kx);
      if (in < 0) continue;
      add(&dx[in], g * w[tap]);
      add(&dw[tap], g * x[in]);
    }
  }
}

// MARK: - Dense

void kc_dense_forward(int32_t in, int32_t out, int32_t block, const float *x, const float *w,
                      const float *bias, cs_activation activation, kc_sum *y) {
  FOR(n, block) FOR(o, out) {
    kc_sum sum = {0};
    if (bias) add(&sum, bias[o]);
    FOR(i, in) add(&sum, (double)x[i * block + n] * w[i * out + o]);
    activate_sum(activation, &sum);
    y[o * block + n] = sum;
  }
}

void kc_dense_backward(int32_t in, int32_t out, int32_t block, int32_t lanes, const float *x,
                       const float *w, const float *dz, kc_sum *dx, kc_sum *dw, kc_sum *db) {
  FOR(n, block) FOR(o, out) {
    double g = dz[o * block + n];
    FOR(i, in) add(&dx[i * block + n], g * w[i * out + o]);
    if (n >= lanes) continue;
    add(&db[o], g);
    FOR(i, in) add(&dw[i * out + o], g * x[i * block + n]);
  }
}

// MARK: - Average pooling

void kc_avgpool2d(const cs_pool2d *s, int32_t block, const float *x, const float *dy, kc_sum *y,
                  kc_sum *dx) {
  FOR(c, s->channels) FOR(oy, s->outHeight) FOR(ox, s->outWidth) FOR(n, block) {
    int32_t top = oy * s->strideHeight - s->padTop, left = ox * s->strideWidth - s->padLeft;
    int32_t count = 0;
    FOR(ky, s->poolHeight) FOR(kx, s->poolWidth) {
      count += cell(c, top + ky, left + kx, n, s->inHeight, s->inWidth, block) >= 0;
    }
    ptrdiff_t out = cell(c, oy, ox, n, s->outHeight, s->outWidth, block);
    y[out] = (kc_sum){0};
    FOR(ky, s->poolHeight) FOR(kx, s->poolWidth) {
      ptrdiff_t in = cell(c, top + ky, left + kx, n, s->inHeight, s->inWidth, block);
      if (in < 0) continue;
      add(&y[out], (double)x[in] / count);
      add(&dx[in], (double)dy[out] / count);
    }
  }
}
