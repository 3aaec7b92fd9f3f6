// The thread team: one barrier that every thread passes in step.
//
// A run is barrier, body, barrier. A thread that waits spins for a while, because the others
// usually arrive within microseconds, then parks in the kernel. The barrier turns its generation
// number, which is the sense that waiting threads look at, so it can be used again at once.

// A product and a sum are one operation where the code says fma, and nowhere else: the bits depend on it.
#pragma STDC FP_CONTRACT OFF

#include "CSupport.h"

// MARK: - Subnormal numbers

// What a saturated unit passes back, or an optimiser's average that nothing adds to any more, soon falls below the
// smallest normal number, and many processors take a hundred times as long for such numbers.

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

static void run_flushing(void (*body)(void *context, int32_t thread), void *context) {
  uintptr_t mode = flush_subnormals();
  body(context, 0);
  set_float_mode(mode);
}

#if defined(__has_include)
#if __has_include(<pthread.h>)
#define CS_HAVE_PTHREAD 1
#endif
#endif

#ifndef CS_HAVE_PTHREAD

// No threads here (bare metal): a team of one.

struct cs_team {
  int32_t threads;
};

size_t cs_team_size(int32_t threads) {
  (void)threads;
  return sizeof(cs_team);
}

cs_team *cs_team_start(void *memory, int32_t threads) {
  if (threads > 1) return NULL;
  cs_team *team = memory;
  team->threads = 1;
  return team;
}

void cs_team_run(cs_team *team, void (*body)(void *context, int32_t thread), void *context) {
  (void)team;
  run_flushing(body, context);
}

void cs_team_barrier(cs_team *team, int32_t thread) {
  (void)team;
  (void)thread;
}

void cs_team_meet(cs_team *team, int32_t first, int32_t count) {
  (void)team;
  (void)first;
  (void)count;
}

void cs_team_stop(cs_team *team) { (void)team; }

#else

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#if defined(__linux__)
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#endif

enum {
  SPIN_OWN_CORE = 2000,   // every thread has a core: the awaited one is running, or about to
  SPIN_SHARED_CORE = 200,  // a spinner may be holding the core that the awaited one needs
};

typedef struct worker {
  cs_team *team;
  int32_t thread;
  pthread_t handle;
} worker;

/// Where some threads of the team meet in the midst of a run.
typedef struct group {
  _Alignas(64) _Atomic uint32_t arrived;
  _Alignas(64) _Atomic uint32_t generation;
  _Atomic uint32_t parked;
} group;

struct cs_team {
  // Written by every arriving thread.
  _Alignas(64) _Atomic uint32_t arrived;
  // Read by every waiting thread.
  _Alignas(64) _Atomic uint32_t generation;
  _Atomic uint32_t parked;
  // Written by thread 0 between two barriers, read by the others after the second.
  _Alignas(64) void (*body)(void *context, int32_t thread);
  void *context;
  int stopping;
  uint32_t threads;
  uint32_t spins;
  group *groups;  // threads / 2: one for each two threads, behind the workers
#if !defined(__linux__)
  pthread_mutex_t mutex;
  pthread_cond_t turned;
#endif
  worker workers[];  // threads - 1
};

// MARK: - Parking

#if defined(__linux__)

/// Sleeps unless the generation has moved on; may return early.
static void park(cs_team *team, uint32_t generation) {
  syscall(SYS_futex, &team->generation, FUTEX_WAIT_PRIVATE, generation, NULL, NULL, 0);
}

static void unpark_all(cs_team *team) {
  syscall(SYS_futex, &team->generation, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

#else

static void park(cs_team *team, uint32_t generation) {
  pthread_mutex_lock(&team->mutex);
  while (atomic_load(&team->generation) == generation)
    pthread_cond_wait(&team->turned, &team->mutex);
  pthread_mutex_unlock(&team->mutex);
}

static void unpark_all(cs_team *team) {
  pthread_mutex_lock(&team->mutex);
  pthread_cond_broadcast(&team->turned);
  pthread_mutex_unlock(&team->mutex);
}

#endif

static void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// MARK: - Barrier

/// Counts `count` arrivals; the last one opens the barrier. Returns 1 if this was the last.
static int arrive(cs_team *team, uint32_t count) {
  if (atomic_fetch_add_explicit(&team->arrived, count, memory_order_acq_rel) + count <
      team->threads)
    return 0;
  atomic_store_explicit(&team->arrived, 0, memory_order_relaxed);
  // Sequentially consistent, like the two operations in `wait_for`: either this thread sees the
  // other one parked, or the other one sees the new generation and does not park.
  atomic_fetch_add(&team->generation, 1);
  if (atomic_load(&team->parked) != 0) unpark_all(team);
  return 1;
}

static void wait_for(cs_team *team, uint32_t generation) {
  for (uint32_t spin = 0; spin < team->spins; spin++) {
    if (atomic_load_explicit(&team->generation, memory_order_acquire) != generation) return;
    pause_briefly();
  }
  atomic_fetch_add(&team->parked, 1);
  while (atomic_load(&team->generation) == generation) park(team, generation);
  atomic_fetch_sub(&team->parked, 1);
}

void cs_team_barrier(cs_team *team, int32_t thread) {
  (void)thread;
  if (!team || team->threads == 1) return;
  uint32_t generation = atomic_load_explicit(&team->generation, memory_order_relaxed);
  if (!arrive(team, 1)) wait_for(team, generation);
}

// MARK: - Groups

#if defined(__linux__)

static void park_in_group(cs_team *team, group *own, uint32_t generation) {
  (void)team;
  syscall(SYS_futex, &own->generation, FUTEX_WAIT_PRIVATE, generation, NULL, NULL, 0);
}

static void unpark_group(cs_team *team, group *own) {
  (void)team;
  syscall(SYS_futex, &own->generation, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

#else

static void park_in_group(cs_team *team, group *own, uint32_t generation) {
  pthread_mutex_lock(&team->mutex);
  while (atomic_load(&own->generation) == generation)
    pthread_cond_wait(&team->turned, &team->mutex);
  pthread_mutex_unlock(&team->mutex);
}

static void unpark_group(cs_team *team, group *own) {
  (void)own;
  unpark_all(team);
}

#endif

/// The barrier above, among fewer threads. Two groups have no thread in common, so neither have two
/// a first thread whose number halves to the same.
void cs_team_meet(cs_team *team, int32_t first, int32_t count) {
  if (!team || count < 2) return;
  group *own = &team->groups[first / 2];
  uint32_t generation = atomic_load_explicit(&own->generation, memory_order_relaxed);
  if (atomic_fetch_add_explicit(&own->arrived, 1, memory_order_acq_rel) + 1 == (uint32_t)count) {
    atomic_store_explicit(&own->arrived, 0, memory_order_relaxed);
    atomic_fetch_add(&own->generation, 1);
    if (atomic_load(&own->parked) != 0) unpark_group(team, own);
    return;
  }
  for (uint32_t spin = 0; spin < team->spins; spin++) {
    if (atomic_load_explicit(&own->generation, memory_order_acquire) != generation) return;
    pause_briefly();
  }
  atomic_fetch_add(&own->parked, 1);
  while (atomic_load(&own->generation) == generation) park_in_group(team, own, generation);
  atomic_fetch_sub(&own->parked, 1);
}

// MARK: - Life

static void *work(void *argument) {
  worker *self = argument;
  cs_team *team = self->team;
  flush_subnormals();
  for (;;) {
    cs_team_barrier(team, self->thread);
    if (team->stopping) return NULL;
    team->body(team->context, self->thread);
    cs_team_barrier(team, self->thread);
  }
}

/// Where the groups begin, in bytes.
static size_t groups_offset(int32_t threads) {
  size_t size = sizeof(cs_team) + (threads > 1 ? (size_t)threads - 1 : 0) * sizeof(worker);
  return (size + 63) / 64 * 64;
}

static size_t group_count(int32_t threads) { return threads > 1 ? (size_t)threads / 2 : 0; }

size_t cs_team_size(int32_t threads) {
  return groups_offset(threads) + group_count(threads) * sizeof(group);
}

cs_team *cs_team_start(void *memory, int32_t threads) {
  cs_team *team = memory;
  if (threads < 1) threads = 1;
  atomic_init(&team->arrived, 0);
  atomic_init(&team->generation, 0);
  atomic_init(&team->parked, 0);
  team->stopping = 0;
  team->threads = (uint32_t)threads;
  team->spins = threads <= sysconf(_SC_NPROCESSORS_ONLN) ? SPIN_OWN_CORE : SPIN_SHARED_CORE;
  team->groups = (group *)((char *)memory + groups_offset(threads));
  for (size_t g = 0; g < group_count(threads); g++) {
    atomic_init(&team->groups[g].arrived, 0);
    atomic_init(&team->groups[g].generation, 0);
    atomic_init(&team->groups[g].parked, 0);
  }
#if !defined(__linux__)
  pthread_mutex_init(&team->mutex, NULL);
  pthread_cond_init(&team->turned, NULL);
#endif
  for (int32_t t = 1; t < threads; t++) {
    worker *next = &team->workers[t - 1];
    next->team = team;
    next->thread = t;
    if (pthread_create(&next->handle, NULL, work, next) == 0) continue;
    // Let the threads that exist through their first barrier, in place of those that do not, and
    // end them.
    team->stopping = 1;
    arrive(team, (uint32_t)(threads - t + 1));
    for (int32_t i = 0; i < t - 1; i++) pthread_join(team->workers[i].handle, NULL);
    return NULL;
  }
  return team;
}

void cs_team_run(cs_team *team, void (*body)(void *context, int32_t thread), void *context) {
  if (!team || team->threads == 1) {
    run_flushing(body, context);
    return;
  }
  team->body = body;
  team->context = context;
  cs_team_barrier(team, 0);
  run_flushing(body, context);
  cs_team_barrier(team, 0);
}

void cs_team_stop(cs_team *team) {
  if (!team) return;
  team->stopping = 1;
  cs_team_barrier(team, 0);
  for (uint32_t t = 1; t < team->threads; t++) pthread_join(team->workers[t - 1].handle, NULL);
#if !defined(__linux__)
  pthread_cond_destroy(&team->turned);
  pthread_mutex_destroy(&team->mutex);
#endif
}

#endif
