// How a processor treats subnormal numbers.
//
// What a saturated unit passes back, or an optimiser's average that nothing adds to any more, soon falls below the
// smallest normal number, and many processors take a hundred times as long for such numbers.

#ifndef FIXEDNET_FLOAT_MODE_H
#define FIXEDNET_FLOAT_MODE_H

#include <stdint.h>

#if defined(__x86_64__)

#include <xmmintrin.h>

/// Subnormal operands and results count as zero from here on. Returns the mode before.
static uintptr_t flush_subnormals(void) {
  enum { FLUSH_TO_ZERO = 0x8000, DENORMALS_ARE_ZEROS = 0x0040 };
  unsigned mode = _mm_getcsr();
  _mm_setcsr(mode | FLUSH_TO_ZERO | DENORMALS_ARE_ZEROS);
  return mode;
}

static void set_float_mode(uintptr_t mode) { _mm_setcsr((unsigned)mode); }

#elif defined(__aarch64__)

static void set_float_mode(uintptr_t mode) { __asm__ volatile("msr fpcr, %0" : : "r"(mode)); }

static uintptr_t flush_subnormals(void) {
  uintptr_t mode;
  __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
  set_float_mode(mode | 1 << 24);
  return mode;
}

#else

static uintptr_t flush_subnormals(void) { return 0; }
static void set_float_mode(uintptr_t mode) { (void)mode; }

#endif

#endif
