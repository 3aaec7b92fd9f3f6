// Merges, log-softmax, layer normalisation and PReLU in double precision: forward passes, whose
// central differences are the gradients.

#include <math.h>

#include "KernelCheck.h"

#define FOR(i, n) for (size_t i = 0; i < (size_t)(n); i++)

static double merged(cs_merge_kind kind, double a, double b) {
  switch (kind) {
    case CS_ADD: return a + b;
    case CS_SUBTRACT: return a - b;
    case CS_SUBTRACT_FROM: return b - a;
    case CS_MULTIPLY: return a * b;
    case CS_MAXIMUM: return fmax(a, b);
    case CS_MINIMUM: return fmin(a, b);
  }
  return NAN;
}

void kc_merge(const cs_merge *m, int32_t block, const double *a, const double *b, double *y) {
  FOR(c, m->channels) FOR(p, m->pixels) FOR(n, block) {
    size_t channel = c % m->channelsOfB, pixel = p % m->pixelsOfB;
    size_t i = (c * m->pixels + p) * block + n;
    y[i] = merged(m->kind, a[i], b[(channel * m->pixelsOfB + pixel) * block + n]);
  }
}

void kc_log_softmax(int32_t classes, size_t columns, const double *z, double *y) {
  FOR(n, columns) {
    double largest = -INFINITY, sum = 0;
    FOR(c, classes) largest = fmax(largest, z[c * columns + n]);
    FOR(c, classes) sum += exp(z[c * columns + n] - largest);
    FOR(c, classes) y[c * columns + n] = z[c * columns + n] - largest - log(sum);
  }
}

void kc_layernorm(int32_t channels, size_t columns, const double *x, const double *gamma,
                  const double *beta, double epsilon, double *y) {
  FOR(n, columns) {
    double mean = 0, variance = 0;
    FOR(c, channels) mean += x[c * columns + n] / channels;
    FOR(c, channels) variance += pow(x[c * columns + n] - mean, 2) / channels;
    FOR(c, channels)
      y[c * columns + n] =
          gamma[c] * (x[c * columns + n] - mean) / sqrt(variance + epsilon) + beta[c];
  }
}

void kc_prelu(int32_t channels, int32_t pixels, int32_t slopes, int32_t block, const double *x,
              const double *alpha, double *y) {
  FOR(c, channels) FOR(p, pixels) FOR(n, block) {
    size_t i = (c * pixels + p) * block + n;
    y[i] = fmax(x[i], 0) + alpha[c * slopes + p % slopes] * fmin(x[i], 0);
  }
}
