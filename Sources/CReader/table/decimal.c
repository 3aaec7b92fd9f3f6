// Decimal text to the nearest float32. Source: W. D. Clinger, "How to read floating point numbers accurately" (1990): a
// product or quotient of two exact doubles is rounded once. What needs more goes to the C library.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "decimal.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#ifdef __APPLE__
#include <xlocale.h>
#endif

/// Bytes of a number; a longer text is none.
enum { LENGTH_LIMIT = 400 };

static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/// A decimal number's parts: digits * 10^exponent.
typedef struct {
  uint64_t digits;
  int64_t exponent;
  int is_negative;
  /// More digits than fit.
  int is_long;
} parts;

static inline int is_digit(unsigned char byte) { return byte - '0' < 10u; }

/// Takes digits in. Returns their number.
static inline uint64_t take_digits(
    const unsigned char **place, const unsigned char *end, parts *number, int are_behind_point) {
  const unsigned char *start = *place, *p = start;
  for (; p < end && is_digit(*p); p++) {
    if (number->digits > UINT64_C(99999999999999999)) {
      // Even a zero is dropped here: the library counts it.
      number->is_long = 1;
      continue;
    }
    number->digits = number->digits * 10 + (*p - '0');
    number->exponent -= are_behind_point;
  }
  *place = p;
  return (uint64_t)(p - start);
}

/// Splits a text into its parts. 0: it is no number.
static inline int split(const unsigned char *p, const unsigned char *end, parts *number) {
  if (p < end && (*p == '+' || *p == '-')) number->is_negative = *p++ == '-';
  uint64_t count = take_digits(&p, end, number, 0);
  if (p < end && *p == '.') {
    p++;
    count += take_digits(&p, end, number, 1);
  }
  if (count == 0) return 0;
  if (p == end) return 1;
  if (*p != 'e' && *p != 'E') return 0;
  p++;
  int is_negative = 0;
  if (p < end && (*p == '+' || *p == '-')) is_negative = *p++ == '-';
  if (p == end) return 0;
  int64_t exponent = 0;
  for (; p < end; p++) {
    if (!is_digit(*p)) return 0;
    if (exponent < 100000) exponent = exponent * 10 + (*p - '0');
  }
  number->exponent += is_negative ? -exponent : exponent;
  return 1;
}

/// Whether the nearest double tells the nearest float: it does unless it lies in the middle between two, where what was
/// rounded off decides, or where floats are further apart than elsewhere.
static inline int decides(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  double size = fabs(value);
  return (bits & 0x1FFFFFFF) != 0x10000000 && (size == 0 || size >= 0x1p-126);
}

static void ask_library(
    const unsigned char *bytes, uint64_t count, float *value, double *wide) {
  static locale_t plain;
  // The C library has this locale in itself: no file is opened.
  if (!plain) plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  char text[LENGTH_LIMIT + 1];
  memcpy(text, bytes, count);
  text[count] = 0;
  *wide = strtod_l(text, NULL, plain);
  *value = decides(*wide) ? (float)*wide : strtof_l(text, NULL, plain);
}

int fn_decimal(const unsigned char *bytes, uint64_t count, float *value, double *exact) {
  parts number = {0};
  if (count == 0 || count > LENGTH_LIMIT || !split(bytes, bytes + count, &number))
    return FN_DECIMAL_NONE;
  float result;
  double wide;
  int64_t exponent = number.exponent;
  if (!number.is_long && number.digits <= UINT64_C(1) << 53 && exponent >= -22 && exponent <= 22) {
    wide = (double)number.digits;
    wide = exponent < 0 ? wide / powers[-exponent] : wide * powers[exponent];
    if (number.is_negative) wide = -wide;
    result = (float)wide;
    if (!decides(wide)) ask_library(bytes, count, &result, &wide);
  } else {
    ask_library(bytes, count, &result, &wide);
  }
  if (!isfinite(result)) return FN_DECIMAL_BEYOND;
  *value = result;
  int is_whole = fabs(wide) <= 0x1p53 && wide == (double)(int64_t)wide;
  *exact = is_whole ? wide : (double)result;
  return FN_DECIMAL_NUMBER;
}
