// KernelCheck: what the kernels' tests do per element, in C so that it is fast in a debug build.
//
// - Values: random fills, bit comparisons, guards.
// - Textbook: the formulas of CSupport.h once more, as loops in double precision that share nothing
//   with the kernels.
// - Functions: the errors of exp, log, tanh and the logistic function, and of the fused
//   multiply-add.

#ifndef FIXEDNET_KERNEL_CHECK_H
#define FIXEDNET_KERNEL_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "CSupport.h"

#pragma clang assume_nonnull begin

// MARK: - Values

// Two NaNs that no kernel makes: a guard around a buffer, and a number not written yet.
static const uint32_t KC_GUARD = 0x7fc0bad1;
static const uint32_t KC_UNWRITTEN = 0x7fe0bad2;

typedef enum kc_values : int32_t {
  KC_PLAIN = 0,       // -1 ..< 1
  KC_WIDE = 1,        // with zeros of both signs, subnormal, tiny and huge numbers
  KC_NON_FINITE = 2,  // KC_WIDE with infinities and NaN
  KC_INTEGERS = 3,    // -3 ... 3: many are equal
  KC_ARGUMENTS = 4,   // -200 ..< 200, with the limits of exp and the non-finite numbers
  KC_POSITIVE = 5,    // normal, every exponent
} kc_values;

void kc_fill_random(float *p, size_t count, uint64_t seed, kc_values values);
void kc_fill_bits(float *p, size_t count, uint32_t bits);
void kc_scale(float *p, size_t count, float factor);

/// The first index at which the bits differ, or `count`. One NaN is as good as another, except
/// KC_UNWRITTEN. flushes: nor is a subnormal number different from a zero of its sign.
size_t kc_first_difference(const float *expected, const float *found, size_t count, int flushes);

/// The first index that does not hold `bits`, or `count`.
size_t kc_first_change(const float *p, size_t count, uint32_t bits);

/// image[i] = block[i][lane] of a block of 16.
void kc_copy_lane(const float *block, int32_t lane, size_t count, float *image);

// MARK: - Textbook

/// A result, and what rounding errors are relative to: the sum of its terms' magnitudes.
typedef struct kc_sum {
  double value, magnitude;
} kc_sum;

/// The first index at which |found - value| > terms 2^-24 magnitude, or `count`. An error of a few
/// subnormal steps passes.
size_t kc_first_outside(const kc_sum *exact, const float *found, size_t count, double terms);

// Arguments as in CSupport.h. Sums over images and windows (dw, db, dx of a pooling) are added to
// what the arrays hold.
void kc_conv2d_forward(const cs_conv2d *shape, int32_t block, const float *x, const float *w,
                       const float *_Nullable bias, cs_activation activation, kc_sum *y);
void kc_conv2d_backward(const cs_conv2d *shape, int32_t block, const float *x, const float *w,
                        const float *dz, kc_sum *dx, kc_sum *dw, kc_sum *db);
void kc_depthwise_forward(const cs_depthwise *shape, int32_t block, const float *x, const float *w,
                          const float *_Nullable bias, cs_activation activation, kc_sum *y);
void kc_depthwise_backward(const cs_depthwise *shape, int32_t block, const float *x, const float *w,
                           const float *dz, kc_sum *dx, kc_sum *dw, kc_sum *db);
void kc_dense_forward(int32_t in, int32_t out, int32_t block, const float *x, const float *w,
                      const float *_Nullable bias, cs_activation activation, kc_sum *y);
void kc_dense_backward(int32_t in, int32_t out, int32_t block, int32_t lanes, const float *x,
                       const float *w, const float *dz, kc_sum *dx, kc_sum *dw, kc_sum *db);
void kc_avgpool2d(const cs_pool2d *shape, int32_t block, const float *x, const float *dy, kc_sum *y,
                  kc_sum *dx);
void kc_maxpool2d(const cs_pool2d *shape, int32_t block, const float *x, const float *dy, kc_sum *y,
                  kc_sum *dx);
void kc_batchnorm_statistics(int32_t channels, int32_t pixels, int32_t block, int32_t lanes,
                             const float *x, kc_sum *mean, kc_sum *m2);
void kc_batchnorm_apply(int32_t channels, int32_t pixels, int32_t block, const float *x,
                        const float *mean, const float *scale, const float *shift, kc_sum *y);
void kc_batchnorm_backward(int32_t channels, int32_t pixels, int32_t block, int32_t lanes,
                           const float *x, const float *dy, const float *mean, const float *invStd,
                           const float *a, const float *b, const float *d, kc_sum *sumDy,
                           kc_sum *sumDyXhat, kc_sum *dx);
void kc_activation(size_t count, cs_activation activation, const float *x, const float *y,
                   const float *dy, kc_sum *forward, kc_sum *backward);
/// z: the activation's argument.
void kc_activation_tangent(size_t count, cs_activation activation, const float *z, const float *dy,
                           const float *rz, const float *rdy, kc_sum *rdz);
void kc_rectifier(size_t count, const cs_rectifier *rectifier, const float *x, const float *dy,
                  kc_sum *y, kc_sum *dx);
void kc_softmax(int32_t classes, int32_t block, const float *z, kc_sum *p);
void kc_softmax_backward(int32_t classes, int32_t block, const float *p, const float *dy,
                         kc_sum *dz);
void kc_softmax_cross_entropy(int32_t classes, int32_t block, int32_t lanes, const float *z,
                              const uint8_t *labels, float scale, kc_sum *dz, kc_sum *loss,
                              kc_sum *hit);
void kc_squared_error(int32_t outputs, int32_t block, int32_t lanes, const float *y,
                      const float *target, float weight, float scale, kc_sum *dy, kc_sum *loss,
                      kc_sum *hit);
void kc_logistic_loss(int32_t outputs, int32_t block, int32_t lanes, const float *z,
                      const float *target, float slope, float weight, float scale, kc_sum *dz,
                      kc_sum *loss, kc_sum *hit);

// Forward passes on doubles, whose central differences the gradients are compared with. gamma and beta are not NULL.
void kc_merge(const cs_merge *merge, int32_t block, const double *a, const double *b, double *y);
void kc_log_softmax(int32_t classes, size_t columns, const double *z, double *y);
void kc_layernorm(int32_t channels, size_t columns, const double *x, const double *gamma,
                  const double *beta, double epsilon, double *y);
void kc_prelu(int32_t channels, int32_t pixels, int32_t slopes, int32_t block, const double *x,
              const double *alpha, double *y);

// MARK: - Functions

typedef enum kc_function : int32_t {
  KC_EXP = 0,
  KC_LOG = 1,
  KC_TANH = 2,
  KC_SIGMOID = 3,
} kc_function;

/// A result y = f(x) and its distance from the double-precision f(x), in units in the last place.
typedef struct kc_error {
  double ulps;
  float x, y;
} kc_error;

/// The largest error over the floats with the bit patterns first, first + step, ... before `end` (at most 2^32), NaN and
/// infinities included. Left out: arguments of log that are not positive and normal, arguments of the logistic function
/// below -88 (its value is subnormal there).
kc_error kc_largest_error(const cs_kernels *kernels, kc_function function, uint64_t first,
                          uint64_t end, uint32_t step);

/// How many of the same floats two sets of kernels have different bits for; any NaN is as good as any other.
uint64_t kc_count_differences(const cs_kernels *kernels, const cs_kernels *others,
                              kc_function function, uint64_t first, uint64_t end, uint32_t step);

/// f(x) in double precision.
double kc_function_value(const cs_function *function, double x);

/// The largest errors of f and f', in units of 1e-6 of the exact value plus 1e-7 (in place of ulps).
typedef struct kc_function_errors {
  kc_error value, slope;
} kc_function_errors;

/// Of function_forward, and of function_backward against central differences of f away from kinks, over the floats with the
/// bit patterns first, first + step, ... before `end`: finite numbers of at most some hundreds.
kc_function_errors kc_worst_of_function(const cs_kernels *kernels, const cs_function *function,
                                        uint64_t first, uint64_t end, uint32_t step);

typedef struct kc_fma_case {
  float a, b, c, found, expected;
} kc_fma_case;

/// Compares `sgd_update`, which is one fma, with libm's fmaf on special and on hard random numbers:
/// halfway cases, cancellation, subnormal results, overflow. 1 if one was wrong.
int32_t kc_find_wrong_fma(const cs_kernels *kernels, uint64_t seed, int32_t rounds,
                          kc_fma_case *wrong);

#pragma clang assume_nonnull end

#endif
