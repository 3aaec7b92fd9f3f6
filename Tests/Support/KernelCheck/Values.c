#include <math.h>

#include "KernelCheck.h"
#include "Random.h"

/// -1 ..< 1
static float unit(uint64_t word) { return (float)(word >> 40) * 0x1p-23f - 1.0f; }

static float wide(uint64_t word) {
  float x = unit(word);
  switch (word % 16) {
    case 0: return 0.0f;
    case 1: return -0.0f;
    case 2: return x * 0x1p-130f;
    case 3: return x * 0x1p-100f;
    case 4: return x * 0x1p66f;
    case 5: return x * 100.0f;
    default: return x;
  }
}

static float non_finite(uint64_t word) {
  static const float special[] = {INFINITY, -INFINITY, NAN};
  return word / 16 % 128 < 3 ? special[word / 16 % 128] : wide(word);
}

static float argument(uint64_t word) {
  static const float special[] = {
      NAN,      INFINITY, -INFINITY, 1e-40f,  -1e-40f,  3e38f,  -3e38f,   0.0f,   -0.0f,
      -103.97f, -103.99f, 88.72f,    88.73f,  -88.72f,  -87.5f, -95.0f,   7.998f, 8.0f,
      9.0f,     -7.998f,  -8.0f,     -104.5f, -104.6f,  89.0f,  89.1f,    1e4f,   -1e4f,
  };
  static const float scale[] = {1.0f, 1.0f, 20.0f, 200.0f};
  if (word / 16 % 4 == 0) return special[word / 64 % (sizeof special / sizeof *special)];
  return unit(word) * scale[word % 4];
}

/// Every exponent of a normal number is equally likely.
static float positive(uint64_t word) {
  return float_of((uint32_t)(word >> 32) % 0x7f000000 + 0x00800000);
}

void kc_fill_random(float *p, size_t count, uint64_t seed, kc_values values) {
  for (size_t i = 0; i < count; i++) {
    uint64_t word = next_word(&seed);
    switch (values) {
      case KC_PLAIN: p[i] = unit(word); break;
      case KC_WIDE: p[i] = wide(word); break;
      case KC_NON_FINITE: p[i] = non_finite(word); break;
      case KC_INTEGERS: p[i] = (float)((int32_t)(word % 7) - 3); break;
      case KC_ARGUMENTS: p[i] = argument(word); break;
      case KC_POSITIVE: p[i] = positive(word); break;
    }
  }
}

void kc_fill_bits(float *p, size_t count, uint32_t bits) {
  for (size_t i = 0; i < count; i++) memcpy(p + i, &bits, sizeof bits);
}

void kc_scale(float *p, size_t count, float factor) {
  for (size_t i = 0; i < count; i++) p[i] *= factor;
}

/// A zero of the same sign for a subnormal number, whatever the processor's mode is.
static uint32_t flushed(uint32_t bits) {
  return (bits & 0x7F800000) == 0 ? bits & 0x80000000 : bits;
}

size_t kc_first_difference(const float *expected, const float *found, size_t count, int flushes) {
  size_t i = 0;
  for (; i < count; i++) {
    uint32_t e = bits_of(expected[i]), f = bits_of(found[i]);
    if (flushes) e = flushed(e), f = flushed(f);
    if (e == f) continue;
    if (!isnan(expected[i]) || !isnan(found[i]) || e == KC_UNWRITTEN || f == KC_UNWRITTEN) break;
  }
  return i;
}

size_t kc_first_change(const float *p, size_t count, uint32_t bits) {
  size_t i = 0;
  while (i < count && bits_of(p[i]) == bits) i++;
  return i;
}

void kc_copy_lane(const float *block, int32_t lane, size_t count, float *image) {
  for (size_t i = 0; i < count; i++) image[i] = block[i * 16 + (size_t)lane];
}
