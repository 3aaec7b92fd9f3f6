// How a processor treats subnormal numbers.
//
// What a saturated unit passes back, or an optimiser's average that nothing adds to any more, soon falls below the
// smallest normal number, and many processors take a hundred times as long for such numbers.

#ifndef FIXEDNET_FLOAT_MODE_H
#define FIXEDNET_FLOAT_MODE_H

#include <stdint.h>

#if defined(__x86_64__)

#include <xmmintrin.h>

#define CS_CAN_FLUSH 1
enum { CS_FLUSH_BITS = 0x8040 };  // flush to zero, denormals are zero

static uintptr_t float_mode(void) { return _mm_getcsr(); }
static void set_float_mode(uintptr_t mode) { _mm_setcsr((unsigned)mode); }

#elif defined(__aarch64__)

#define CS_CAN_FLUSH 1
enum { CS_FLUSH_BITS = 1 << 24 };

static uintptr_t float_mode(void) {
  uintptr_t mode;
  __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}

static void set_float_mode(uintptr_t mode) { __asm__ volatile("msr fpcr, %0" : : "r"(mode)); }

#elif defined(__ARM_FP) && (__ARM_FP & 4)

// A Cortex-M with a floating-point unit.
#define CS_CAN_FLUSH 1
enum { CS_FLUSH_BITS = 1 << 24 };

static uintptr_t float_mode(void) {
  uintptr_t mode;
  __asm__ volatile("vmrs %0, fpscr" : "=r"(mode));
  return mode;
}

static void set_float_mode(uintptr_t mode) { __asm__ volatile("vmsr fpscr, %0" : : "r"(mode)); }

#else

// No such mode: subnormal numbers are kept.
#define CS_CAN_FLUSH 0
enum { CS_FLUSH_BITS = 0 };

static uintptr_t float_mode(void) { return 0; }
static void set_float_mode(uintptr_t mode) { (void)mode; }

#endif

/// From here on subnormal operands and results count as zero, or stay. Returns the mode before.
static uintptr_t enter_float_mode(cs_subnormals subnormals) {
  const uintptr_t flush = CS_FLUSH_BITS, before = float_mode();
  set_float_mode(subnormals == CS_FLUSH_SUBNORMALS ? before | flush : before & ~flush);
  return before;
}

#endif
