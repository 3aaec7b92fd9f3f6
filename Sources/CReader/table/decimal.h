// Decimal numbers as text.
#pragma once
#include <stdint.h>

/// What a text is: no number; a number that float32 has; one that is beyond it, or infinite.
enum { FN_DECIMAL_NONE = 0, FN_DECIMAL_NUMBER = 1, FN_DECIMAL_BEYOND = 2 };

/// Reads all `count` bytes as [+-]digits[.digits][e[+-]digits], with a digit before or behind the point.
/// `value`: the float32 nearest to the decimal number, ties to even; `exact`: the whole number where it is one below 2^53,
/// else `value`. Both stay what they are for no number.
int fn_decimal(const unsigned char *bytes, uint64_t count, float *value, double *exact);
