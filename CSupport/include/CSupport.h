// CSupport: the kernels of FixedNet.
//
// The contract of every function below, said once:
// - C11, no allocation, no global state, no errors: callers pass extents that their plan has checked, and scratch.
// - Extents and strides count elements (floats), never bytes, unless a name says so.
// - No argument may overlap another one unless the comment says "in place".
// - Sums have one written order, the same on every instruction set and in every build:
//     `fma chain`: acc = start; for k ascending: acc = fma(a[k], b[k], acc), one rounding per step.
//     `lane tree`: 16 partial sums s[0..15] are added as s[i] += s[i+8] (i < 8), s[i] += s[i+4] (i < 4),
//                  s[i] += s[i+2] (i < 2), s[0] += s[1].
//   Two variants of a kernel return identical bits for identical input.
//
// Layout. Activations live in blocks of B images, B = 16 or B = 1:
//   [channel][row][column][B]      ("block"; a vector of n features has n channels, one row, one column)
// In a B = 16 block the images are the vector lanes. `lanes` (1...B) says how many of them are real; the
// others hold finite values that must not reach a sum over images.
// Weights: convolution [outChannels][inChannels][kernelHeight][kernelWidth] for B = 16, tap by tap
// [inChannels][kernelHeight][kernelWidth][outChannels] for B = 1; dense [in][out]. Row-major, unpadded.

#ifndef FIXEDNET_CSUPPORT_H
#define FIXEDNET_CSUPPORT_H

#include <stddef.h>
#include <stdint.h>

#include "cs_types.h"

#if !defined(__clang__)
#define _Nullable
#define _Nonnull
#endif

#ifdef __cplusplus
extern "C" {
#endif

// MARK: - Kernels

/// One table per instruction set. `block` is B, 16 or 1.
typedef struct cs_kernels {
  cs_isa isa;

#include "cs_layer_kernels.inc"
#include "cs_value_kernels.inc"
} cs_kernels;

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

/// The table for `isa`, which must be at most cs_isa_detect(). Constant data.
const cs_kernels *cs_kernels_for(cs_isa isa);

/// The reference: plain loops for every kernel above, same contract and same bits. Slow.
const cs_kernels *cs_kernels_reference(void);

// MARK: - Thread team

/// N threads that run one function in step. Thread 0 is the caller of cs_team_run; the others wait, spinning
/// briefly, letting others go first, then parked. Nothing is allocated after cs_team_start.
typedef struct cs_team cs_team;

/// Bytes that a team of `threads` needs (64-byte aligned memory).
size_t cs_team_size(int32_t threads);

/// Starts threads - 1 threads. Returns the team inside `memory`, or NULL if a thread could not be started (then
/// none is left running). `memory` must outlive cs_team_stop.
cs_team *_Nullable cs_team_start(void *memory, int32_t threads);

/// Runs body(context, thread) on every thread of the team and returns when all have finished. A NULL team runs
/// body(context, 0) on the caller. While body runs, float operands and results below the smallest normal number,
/// 2^-126, are treated as `subnormals` says, on every instruction set alike. The caller's mode is restored.
/// Flushed: they count as zero; one that is only passed on may become a zero of its sign or not. x86-64 looks at a
/// result that has been rounded, Arm before that. A processor without such a mode keeps them: see
/// cs_can_flush_subnormals. Kept: as IEEE 754 has it, the same everywhere.
void cs_team_run(
    cs_team *_Nullable team, cs_subnormals subnormals, void (*body)(void *context, int32_t thread),
    void *context);

/// 1 where the processor can count subnormal numbers as zero, else 0: then there is CS_KEEP_SUBNORMALS only.
int32_t cs_can_flush_subnormals(void);

/// Waits until every thread of the team has arrived; called from inside body. A NULL team returns at once.
void cs_team_barrier(cs_team *_Nullable team, int32_t thread);

/// Waits until the threads first ..< first + count have arrived; called by these from inside body. In one run a thread
/// is in one such group. A NULL team, and a group of one, return at once.
void cs_team_meet(cs_team *_Nullable team, int32_t first, int32_t count);

/// Ends and joins the team's threads.
void cs_team_stop(cs_team *_Nullable team);

/// Processors that the calling thread may run on, at least 1: on Linux those that it is bound to, else the machine's.
int32_t cs_processor_count(void);

// MARK: - Clock and cache

/// The processor's clock, which counts at a steady rate of its own: of two readings on one thread only the difference
/// means something. 0 on other processors than x86-64 and arm64.
static inline uint64_t cs_ticks(void) {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
  uint64_t count;
  __asm__ volatile("mrs %0, cntvct_el0" : "=r"(count));
  return count;
#else
  return 0;
#endif
}

/// Asks the second-level cache for `bytes` bytes that are read before long. They may be anywhere.
static inline void cs_fetch(const void *p, size_t bytes) {
  const uintptr_t end = (uintptr_t)p + bytes;
  for (uintptr_t line = (uintptr_t)p & ~(uintptr_t)63; line < end; line += 64)
    __builtin_prefetch((const void *)line, 0, 2);
}

#ifdef __cplusplus
}
#endif

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif

#endif
