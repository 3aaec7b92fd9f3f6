#include <math.h>
#include <string.h>

#include "KernelCheck.h"
#include "Random.h"

// MARK: - exp, log, tanh, the logistic function

static double exact(kc_function function, double x) {
  switch (function) {
    case KC_EXP: return exp(x);
    case KC_LOG: return log(x);
    case KC_TANH: return tanh(x);
    case KC_SIGMOID: return 1.0 / (1.0 + exp(-x));
  }
  return NAN;
}

static void evaluate(const cs_kernels *kernels, kc_function function, size_t count, const float *x,
                     float *y) {
  switch (function) {
    case KC_EXP: kernels->vector_exp(count, x, y); break;
    case KC_LOG: kernels->vector_log(count, x, y); break;
    case KC_TANH: kernels->activation_forward(count, CS_TANH, x, y); break;
    case KC_SIGMOID: kernels->activation_forward(count, CS_SIGMOID, x, y); break;
  }
}

/// A unit in the last place is 2^-23 of the power of two below the value, at least 2^-149.
static double ulps(float found, double expected) {
  if (isnan(expected)) return isnan(found) ? 0 : INFINITY;
  if (isinf((float)expected)) return found == (float)expected ? 0 : INFINITY;
  if (!isfinite(found)) return INFINITY;
  int exponent;
  frexp(expected, &exponent);
  return fabs(found - expected) / fmax(ldexp(1.0, exponent - 24), 0x1p-149);
}

static int is_tested(kc_function function, float x) {
  if (function == KC_LOG) return x >= 0x1p-126f;
  return function != KC_SIGMOID || !(x < -88.0f);
}

enum { FLOAT_COUNT = 1000 };

/// The tested ones of the floats with the bit patterns *bits, *bits + step, ... before `end`, at most FLOAT_COUNT.
static size_t floats(kc_function function, uint64_t *bits, uint64_t end, uint32_t step, float *x) {
  size_t count = 0;
  for (; *bits < end && count < FLOAT_COUNT; *bits += step) {
    x[count] = float_of((uint32_t)*bits);
    if (is_tested(function, x[count])) count++;
  }
  return count;
}

kc_error kc_largest_error(const cs_kernels *kernels, kc_function function, uint64_t first,
                          uint64_t end, uint32_t step) {
  float x[FLOAT_COUNT], y[FLOAT_COUNT];
  kc_error worst = {0};
  for (uint64_t bits = first; bits < end;) {
    size_t count = floats(function, &bits, end, step, x);
    evaluate(kernels, function, count, x, y);
    for (size_t i = 0; i < count; i++) {
      double error = ulps(y[i], exact(function, x[i]));
      if (error > worst.ulps) worst = (kc_error){error, x[i], y[i]};
    }
  }
  return worst;
}

uint64_t kc_count_differences(const cs_kernels *kernels, const cs_kernels *others,
                              kc_function function, uint64_t first, uint64_t end, uint32_t step) {
  float x[FLOAT_COUNT], y[FLOAT_COUNT], z[FLOAT_COUNT];
  uint64_t different = 0;
  for (uint64_t bits = first; bits < end;) {
    size_t count = floats(function, &bits, end, step, x);
    evaluate(kernels, function, count, x, y);
    evaluate(others, function, count, x, z);
    if (memcmp(y, z, count * sizeof(float)) == 0) continue;
    for (size_t i = 0; i < count; i++) {
      different += memcmp(&y[i], &z[i], sizeof(float)) != 0 && !(isnan(y[i]) && isnan(z[i]));
    }
  }
  return different;
}

// MARK: - Fused multiply-add

enum { FMA_COUNT = 61 };  // odd, so that the last vector is a partial one

static const uint32_t specials[] = {
    0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007fffff, 0x00800000, 0x7f7fffff,
    0xff7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0x3f800000, 0xbf800000, 0x3f800001,
    0x33800000, 0x34000000, 0x00ffffff, 0x3effffff, 0x4b800000,
};
enum { SPECIAL_COUNT = sizeof specials / sizeof *specials };

/// Sign and mantissa of `word`, exponent `exponent` (with its offset of 127).
static float with_exponent(uint32_t word, uint32_t exponent) {
  return float_of((word & 0x807fffff) | exponent << 23);
}

/// The factor that all numbers of one round share.
static float shared_factor(int32_t mode, uint64_t u) {
  uint32_t word = (uint32_t)u;
  switch (mode) {
    case 1: return float_of(specials[u % SPECIAL_COUNT]);
    case 3: return with_exponent(word, 127);
    case 4: return with_exponent(word, 60 + (uint32_t)(u >> 55) % 8);
    case 5: return with_exponent(word & 0xfff << 11, 127);
    case 6: return with_exponent(word, 254);
    case 7: return 1.0f + (float)(word % 1024) * 0x1p-23f;
    default: return float_of(word);
  }
}

static void hard_terms(int32_t mode, float a, uint64_t u, uint64_t v, float *b, float *c) {
  uint32_t factor = (uint32_t)u, word = (uint32_t)v, spread = (uint32_t)(v >> 40);
  *b = float_of(factor);
  *c = float_of(word);
  switch (mode) {
    case 1:  // all pairs of special numbers
      *b = float_of(specials[u % SPECIAL_COUNT]);
      *c = float_of(specials[v % SPECIAL_COUNT]);
      break;
    case 2:  // the sum cancels, up to two units
      *c = float_of(bits_of(-(float)((double)a * *b)) + spread % 5 - 2);
      break;
    case 3:  // the addend is up to 2^27 times smaller or 2^32 times larger
      *b = with_exponent(factor, 127);
      *c = with_exponent(word, 100 + spread % 60);
      break;
    case 4:  // a subnormal result
      *b = with_exponent(factor, 44 + spread % 64);
      *c = float_of(word & 0x80ffffff);
      break;
    case 5:  // short products, often halfway between two floats, and an addend that decides
      *b = with_exponent(factor & 0xfff << 11, 127);
      *c = with_exponent(word, 40 + spread % 80);
      break;
    case 6:  // near overflow
      *b = float_of(0x3f000000 | (factor & 0x80ffffff));
      *c = with_exponent(word, 254);
      break;
    case 7:  // (1 + d)(1 - d) = 1 - d^2: half a unit of the addend, less what a double cannot hold
      *b = 2.0f - a;
      *c = with_exponent(word, 127 + 24);
      break;
    default: break;
  }
}

int32_t kc_find_wrong_fma(const cs_kernels *kernels, uint64_t seed, int32_t rounds,
                          kc_fma_case *wrong) {
  for (int32_t round = 0; round < rounds; round++) {
    int32_t mode = round % 8;
    float a = shared_factor(mode, next_word(&seed));
    float b[FMA_COUNT], c[FMA_COUNT], w[FMA_COUNT];
    for (size_t i = 0; i < FMA_COUNT; i++) {
      uint64_t u = next_word(&seed), v = next_word(&seed);
      hard_terms(mode, a, u, v, &b[i], &c[i]);
      w[i] = c[i];
    }
    kernels->sgd_update(FMA_COUNT, -a, b, w);
    for (size_t i = 0; i < FMA_COUNT; i++) {
      float expected = fmaf(a, b[i], c[i]);
      if (bits_of(expected) == bits_of(w[i]) || (isnan(expected) && isnan(w[i]))) continue;
      *wrong = (kc_fma_case){a, b[i], c[i], w[i], expected};
      return 1;
    }
  }
  return 0;
}
