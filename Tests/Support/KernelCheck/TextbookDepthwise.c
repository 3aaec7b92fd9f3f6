#include <math.h>

#include "KernelCheck.h"

static void add(kc_sum *sum, double term) {
  sum->value += term;
  sum->magnitude += fabs(term);
}

typedef struct place {
  ptrdiff_t x, w, y;  // indices of what one product multiplies and adds to; x is -1 outside
} place;

static place place_of(const cs_depthwise *s, int32_t block, int32_t c, int32_t j, int32_t oy,
                      int32_t ox, int32_t ky, int32_t kx, int32_t n) {
  int32_t row = oy * s->strideHeight + ky * s->dilationHeight - s->padTop;
  int32_t column = ox * s->strideWidth + kx * s->dilationWidth - s->padLeft;
  int isInside = row >= 0 && row < s->inHeight && column >= 0 && column < s->inWidth;
  ptrdiff_t o = (ptrdiff_t)c * s->multiplier + j;
  place p;
  p.x = isInside ? (((ptrdiff_t)c * s->inHeight + row) * s->inWidth + column) * block + n : -1;
  p.w = (o * s->kernelHeight + ky) * s->kernelWidth + kx;
  p.y = ((o * s->outHeight + oy) * s->outWidth + ox) * block + n;
  return p;
}

#define FOR(i, n) for (int32_t i = 0; i < (n); i++)
#define FOR_PRODUCTS(s)                                                                      \
  FOR(c, (s)->channels) FOR(j, (s)->multiplier) FOR(oy, (s)->outHeight) FOR(ox, (s)->outWidth) \
  FOR(ky, (s)->kernelHeight) FOR(kx, (s)->kernelWidth) FOR(n, block)

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

void kc_depthwise_forward(const cs_depthwise *s, int32_t block, const float *x, const float *w,
                          const float *bias, cs_activation activation, kc_sum *y) {
  ptrdiff_t plane = (ptrdiff_t)s->outHeight * s->outWidth * block;
  ptrdiff_t count = s->channels * s->multiplier * plane;
  for (ptrdiff_t i = 0; i < count; i++) {
    y[i] = (kc_sum){0};
    if (bias) add(&y[i], bias[i / plane]);
  }
  FOR_PRODUCTS(s) {
    place p = place_of(s, block, c, j, oy, ox, ky, kx, n);
    if (p.x >= 0) add(&y[p.y], (double)x[p.x] * w[p.w]);
  }
  for (ptrdiff_t i = 0; i < count; i++) {
    y[i].value = activate(activation, y[i].value);
    y[i].magnitude += fabs(y[i].value);
  }
}

void kc_depthwise_backward(const cs_depthwise *s, int32_t block, const float *x, const float *w,
                           const float *dz, kc_sum *dx, kc_sum *dw, kc_sum *db) {
  FOR_PRODUCTS(s) {
    place p = place_of(s, block, c, j, oy, ox, ky, kx, n);
    if (ky == 0 && kx == 0) add(&db[c * s->multiplier + j], dz[p.y]);
    if (p.x < 0) continue;
    add(&dx[p.x], (double)dz[p.y] * w[p.w]);
    add(&dw[p.w], (double)dz[p.y] * x[p.x]);
  }
}
