// Batch normalisation, softmax and the loss in double precision.

#include <math.h>

#include "KernelCheck.h"

static void add(kc_sum *sum, double term, double magnitude) {
  sum->value += term;
  sum->magnitude += magnitude;
}

#define FOR(i, n) for (int32_t i = 0; i < (n); i++)

/// Value i = (pixel, lane) of channel c.
#define AT(c, p, n) (((size_t)(c) * pixels + (p)) * block + (n))

// MARK: - Batch normalisation

void kc_batchnorm_statistics(int32_t channels, int32_t pixels, int32_t block, int32_t lanes,
                             const float *x, kc_sum *mean, kc_sum *m2) {
  double count = (double)pixels * lanes;
  FOR(c, channels) {
    mean[c] = m2[c] = (kc_sum){0};
    FOR(p, pixels) FOR(n, lanes) {
      double share = x[AT(c, p, n)] / count;
      add(&mean[c], share, fabs(share));
    }
    FOR(p, pixels) FOR(n, lanes) {
      double distance = x[AT(c, p, n)] - mean[c].value;
      double magnitude = fabs(x[AT(c, p, n)]) + mean[c].magnitude;
      add(&m2[c], distance * distance, magnitude * magnitude);
    }
  }
}

void kc_batchnorm_apply(int32_t channels, int32_t pixels, int32_t block, const float *x,
                        const float *mean, const float *scale, const float *shift, kc_sum *y) {
  FOR(c, channels) FOR(p, pixels) FOR(n, block) {
    double v = x[AT(c, p, n)], m = mean[c], s = scale[c], b = shift[c];
    y[AT(c, p, n)] = (kc_sum){(v - m) * s + b, (fabs(v) + fabs(m)) * fabs(s) + fabs(b)};
  }
}

void kc_batchnorm_backward(int32_t channels, int32_t pixels, int32_t block, int32_t lanes,
                           const float *x, const float *dy, const float *mean, const float *invStd,
                           const float *a, const float *b, const float *d, kc_sum *sumDy,
                           kc_sum *sumDyXhat, kc_sum *dx) {
  FOR(c, channels) {
    sumDy[c] = sumDyXhat[c] = (kc_sum){0};
    FOR(p, pixels) FOR(n, block) {
      size_t i = AT(c, p, n);
      dx[i] = (kc_sum){0};
      if (n >= lanes) continue;
      double g = dy[i], xhat = ((double)x[i] - mean[c]) * invStd[c];
      double size = (fabs(x[i]) + fabs(mean[c])) * fabs(invStd[c]);
      add(&sumDy[c], g, fabs(g));
      add(&sumDyXhat[c], g * xhat, fabs(g) * size);
      add(&dx[i], a[c] * (g - b[c] - xhat * d[c]),
          fabs(a[c]) * (fabs(g) + fabs(b[c]) + size * fabs(d[c])));
    }
  }
}

// MARK: - Softmax and loss

static double largest(int32_t classes, int32_t block, const float *z, int32_t n) {
  double m = z[n];
  FOR(c, classes) m = fmax(m, z[c * block + n]);
  return m;
}

/// log(sum_c exp(z[c][n])) in a form that does not overflow.
static double log_sum(int32_t classes, int32_t block, const float *z, int32_t n) {
  double m = largest(classes, block, z, n), sum = 0;
  FOR(c, classes) sum += exp(z[c * block + n] - m);
  return m + log(sum);
}

/// The rounding of z - m changes exp(z - m) by a factor, which grows with the difference.
void kc_softmax(int32_t classes, int32_t block, const float *z, kc_sum *p) {
  FOR(n, block) {
    double m = largest(classes, block, z, n), total = log_sum(classes, block, z, n);
    FOR(c, classes) {
      double probability = exp(z[c * block + n] - total);
      p[c * block + n] = (kc_sum){probability, probability * (1 + m - z[c * block + n])};
    }
  }
}

void kc_softmax_backward(int32_t classes, int32_t block, const float *p, const float *dy,
                         kc_sum *dz) {
  FOR(n, block) {
    kc_sum mean = {0};
    FOR(c, classes) {
      double term = (double)dy[c * block + n] * p[c * block + n];
      add(&mean, term, fabs(term));
    }
    FOR(c, classes) {
      double probability = p[c * block + n], g = dy[c * block + n];
      dz[c * block + n] =
          (kc_sum){probability * (g - mean.value), probability * (fabs(g) + mean.magnitude)};
    }
  }
}

void kc_softmax_cross_entropy(int32_t classes, int32_t block, int32_t lanes, const float *z,
                              const uint8_t *labels, float scale, kc_sum *dz, kc_sum *loss,
                              kc_sum *hit) {
  kc_softmax(classes, block, z, dz);
  FOR(n, block) {
    if (n >= lanes) {
      FOR(c, classes) dz[c * block + n] = (kc_sum){0};
      continue;
    }
    int32_t label = labels[n];
    double m = largest(classes, block, z, n), logit = z[label * block + n];
    double value = log_sum(classes, block, z, n) - logit;
    loss[n] = (kc_sum){value, 1 + fabs(value) + m - logit};
    hit[n] = (kc_sum){1, 0};
    FOR(c, classes) {
      double other = z[c * block + n];
      if (c < label ? other >= logit : other > logit) hit[n].value = 0;
      kc_sum *gradient = &dz[c * block + n];
      gradient->value = (gradient->value - (c == label)) * scale;
      gradient->magnitude = (gradient->magnitude + (c == label)) * fabs(scale);
    }
  }
}
