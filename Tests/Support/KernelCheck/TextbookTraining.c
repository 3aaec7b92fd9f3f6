// Max pooling, rectifiers, tangents and the losses of every output in double precision.

#include <math.h>

#include "KernelCheck.h"

static void add(kc_sum *sum, double term, double magnitude) {
  sum->value += term;
  sum->magnitude += magnitude;
}

#define FOR(i, n) for (int32_t i = 0; i < (n); i++)

// MARK: - Max pooling

/// The index of cell k = (row, column) of a window of image n, or -1 outside the image.
static ptrdiff_t cell_of(const cs_pool2d *s, int32_t block, int32_t c, int32_t oy, int32_t ox,
                         int32_t k, int32_t n) {
  int32_t row = oy * s->strideHeight - s->padTop + k / s->poolWidth;
  int32_t column = ox * s->strideWidth - s->padLeft + k % s->poolWidth;
  if (row < 0 || row >= s->inHeight || column < 0 || column >= s->inWidth) return -1;
  return (((ptrdiff_t)c * s->inHeight + row) * s->inWidth + column) * block + n;
}

/// A cell takes the gradient if none before it is as large and none behind it is larger.
void kc_maxpool2d(const cs_pool2d *s, int32_t block, const float *x, const float *dy, kc_sum *y,
                  kc_sum *dx) {
  int32_t cells = s->poolHeight * s->poolWidth;
  FOR(c, s->channels) FOR(oy, s->outHeight) FOR(ox, s->outWidth) FOR(n, block) {
    ptrdiff_t out = (((ptrdiff_t)c * s->outHeight + oy) * s->outWidth + ox) * block + n;
    FOR(k, cells) {
      ptrdiff_t in = cell_of(s, block, c, oy, ox, k, n);
      int isFirstLargest = in >= 0;
      for (int32_t other = 0; isFirstLargest && other < cells; other++) {
        ptrdiff_t at = cell_of(s, block, c, oy, ox, other, n);
        if (at < 0 || other == k) continue;
        isFirstLargest = other < k ? x[at] < x[in] : x[at] <= x[in];
      }
      if (!isFirstLargest) continue;
      y[out] = (kc_sum){x[in], 0};
      add(&dx[in], dy[out], fabs(dy[out]));
    }
  }
}

// MARK: - Element-wise

void kc_rectifier(size_t count, const cs_rectifier *r, const float *x, const float *dy, kc_sum *y,
                  kc_sum *dx) {
  for (size_t i = 0; i < count; i++) {
    double slope = x[i] > r->threshold ? 1 : r->negativeSlope;
    double value = x[i] > r->threshold ? x[i] : slope * ((double)x[i] - r->threshold);
    if (value >= r->maxValue) slope = 0;
    y[i].value = fmin(value, r->maxValue);
    y[i].magnitude = fabs(x[i]) + fabs(r->threshold);
    dx[i] = (kc_sum){slope * dy[i], fabs(slope * dy[i])};
  }
}

/// activation'(z) and activation''(z), from z.
static void derivatives(cs_activation activation, double z, double *first, double *second) {
  double root = cosh(z), gain = activation == CS_SCALED_SIGMOID ? 2 : 1;
  double half = cosh(gain * z / 2);
  *second = 0;
  switch (activation) {
    case CS_LINEAR: *first = 1; break;
    case CS_RELU: *first = z > 0; break;
    case CS_TANH:
      *first = 1 / (root * root);
      *second = -2 * tanh(z) * *first;
      break;
    case CS_SIGMOID:
    case CS_SCALED_SIGMOID:
      *first = gain / (4 * half * half);
      *second = -gain * tanh(gain * z / 2) * *first;
      break;
  }
}

/// d/de of (dy + e rdy) activation'(z + e rz) at e = 0.
void kc_activation_tangent(size_t count, cs_activation activation, const float *z, const float *dy,
                           const float *rz, const float *rdy, kc_sum *rdz) {
  for (size_t i = 0; i < count; i++) {
    double first, second;
    derivatives(activation, z[i], &first, &second);
    rdz[i].value = rdy[i] * first + (double)dy[i] * second * rz[i];
    rdz[i].magnitude = 2 * fabs(rdy[i]) + 4 * fabs((double)dy[i] * rz[i]);
  }
}

// MARK: - Losses

/// Of image n: the output that none before equals and none exceeds.
static int32_t first_largest(int32_t outputs, int32_t block, const float *y, int32_t n) {
  FOR(c, outputs) {
    int isLargest = 1;
    FOR(other, outputs) {
      float a = y[other * block + n], b = y[c * block + n];
      if (other < c ? a >= b : a > b) isLargest = 0;
    }
    if (isLargest) return c;
  }
  return -1;
}

static double hit_of(int32_t outputs, int32_t block, const float *y, const float *target,
                     int32_t n) {
  return first_largest(outputs, block, y, n) == first_largest(outputs, block, target, n);
}

void kc_squared_error(int32_t outputs, int32_t block, int32_t lanes, const float *y,
                      const float *target, float weight, float scale, kc_sum *dy, kc_sum *loss,
                      kc_sum *hit) {
  FOR(n, lanes) {
    loss[n] = (kc_sum){0};
    hit[n] = (kc_sum){outputs > 1 ? hit_of(outputs, block, y, target, n) : 0, 0};
    FOR(c, outputs) {
      size_t i = (size_t)c * block + n;
      double distance = (double)y[i] - target[i], size = fabs(y[i]) + fabs(target[i]);
      double factor = 2.0 * weight * scale;
      add(&loss[n], weight * distance * distance, weight * size * size);
      add(&dy[i], factor * distance, fabs(factor) * size);
    }
  }
}

/// A rounding of u = slope z changes the straight part and exp(-|u|) by a factor each.
void kc_logistic_loss(int32_t outputs, int32_t block, int32_t lanes, const float *z,
                      const float *target, float slope, float weight, float scale, kc_sum *dz,
                      kc_sum *loss, kc_sum *hit) {
  FOR(n, lanes) {
    loss[n] = (kc_sum){0};
    hit[n].value = outputs > 1 ? hit_of(outputs, block, z, target, n)
                               : (slope * z[n] > 0) == (target[n] > 0.5f);
    FOR(c, outputs) {
      size_t i = (size_t)c * block + n;
      double u = (double)slope * z[i], t = target[i], factor = (double)weight * scale * slope;
      double straight = fmax(u, 0) - u * t, bend = log1p(exp(-fabs(u)));
      double sigmoid = u < 0 ? exp(u) / (1 + exp(u)) : 1 / (1 + exp(-u));
      double size = sigmoid * (1 + fabs(u) / (1 + exp(u)));
      add(&loss[n], weight * (straight + bend), weight * (fabs(straight) + bend * (2 + fabs(u))));
      add(&dz[i], factor * (sigmoid - t), fabs(factor) * (size + fabs(t)));
    }
  }
}
