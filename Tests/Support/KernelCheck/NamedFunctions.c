// The functions of the input in double precision, as their definitions say, and the errors of the
// kernels for them.

#include <math.h>

#include "KernelCheck.h"
#include "Random.h"

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

/// log(1 + exp(x)), which does not overflow.
static double softplus(double x) { return fmax(x, 0) + log1p(exp(-fabs(x))); }

static double limit(double x, double low, double high) { return fmin(fmax(x, low), high); }

double kc_function_value(const cs_function *f, double x) {
  double p = f->parameter, root = sqrt(2 / M_PI);
  switch (f->kind) {
    case CS_ELU: return x > 0 ? x : p * expm1(x);
    case CS_CELU: return x > 0 ? x : p * expm1(x / p);
    case CS_SELU:
      return 1.0507009873554804934 * (x > 0 ? x : 1.6732632423543772848 * expm1(x));
    case CS_GELU: return 0.5 * x * erfc(-x * M_SQRT1_2);
    case CS_GELU_TANH: return 0.5 * x * (1 + tanh(root * (x + 0.044715 * x * x * x)));
    case CS_SILU: return x * sigmoid(x);
    case CS_MISH: return x * tanh(softplus(x));
    case CS_SOFTPLUS: return softplus(x);
    case CS_LOG_SIGMOID: return -softplus(-x);
    case CS_SOFTSIGN: return x / (1 + fabs(x));
    case CS_SQUAREPLUS: return 0.5 * (x + sqrt(x * x + p));
    case CS_EXPONENTIAL: return exp(x);
    case CS_TANH_SHRINK: return x - tanh(x);
    case CS_HARD_SIGMOID: return limit(x + 3, 0, 6) / 6;
    case CS_HARD_SIGMOID_2: return limit(0.2 * x + 0.5, 0, 1);
    case CS_HARD_SILU: return x * limit(x + 3, 0, 6) / 6;
    case CS_HARD_TANH: return limit(x, -1, 1);
    case CS_HARD_SHRINK: return fabs(x) > p ? x : 0;
    case CS_SOFT_SHRINK: return x > p ? x - p : x < -p ? x + p : 0;
    case CS_THRESHOLD: return x > p ? x : f->otherwise;
    case CS_SPARSE_PLUS: return x <= -1 ? 0 : x >= 1 ? x : (x + 1) * (x + 1) / 4;
    case CS_SPARSE_SIGMOID: return limit(x + 1, 0, 2) / 2;
  }
  return NAN;
}

/// Whether the derivative may jump between x - h and x + h.
static int is_kink(const cs_function *f, double x, double h) {
  double p = f->parameter;
  const double kinks[] = {0, p, -p, 1, -1, 2.5, -2.5, 3, -3};
  for (size_t i = 0; i < sizeof kinks / sizeof *kinks; i++)
    if (fabs(x - kinks[i]) < 2 * h) return 1;
  return 0;
}

enum { FLOAT_COUNT = 1000 };

/// |found - exact| in units of 1e-6 |exact| + 1e-7.
static double error_of(float found, double exact) {
  if (isinf((float)exact)) return found == (float)exact ? 0 : INFINITY;
  double error = fabs(found - exact) / (1e-6 * fabs(exact) + 1e-7);
  return error == error ? error : INFINITY;
}

static void raise(kc_error *worst, double error, float x, float y) {
  if (error > worst->ulps) *worst = (kc_error){error, x, y};
}

kc_function_errors kc_worst_of_function(const cs_kernels *kernels, const cs_function *function,
                                        uint64_t first, uint64_t end, uint32_t step) {
  const double h = 0x1p-16;
  float x[FLOAT_COUNT], y[FLOAT_COUNT], ones[FLOAT_COUNT], dx[FLOAT_COUNT];
  for (size_t i = 0; i < FLOAT_COUNT; i++) ones[i] = 1;
  kc_function_errors worst = {0};
  for (uint64_t bits = first; bits < end;) {
    size_t count = 0;
    for (; bits < end && count < FLOAT_COUNT; bits += step) x[count++] = float_of((uint32_t)bits);
    kernels->function_forward(count, function, x, y);
    kernels->function_backward(count, function, x, ones, dx);
    for (size_t i = 0; i < count; i++) {
      raise(&worst.value, error_of(y[i], kc_function_value(function, x[i])), x[i], y[i]);
      if (is_kink(function, x[i], h)) continue;
      double above = kc_function_value(function, x[i] + h);
      double below = kc_function_value(function, x[i] - h);
      raise(&worst.slope, error_of(dx[i], (above - below) / (2 * h)), x[i], dx[i]);
    }
  }
  return worst;
}
