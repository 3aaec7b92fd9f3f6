// The thread team: one barrier that every thread passes in step.
//
// A run is barrier, body, barrier; within the body, threads that share a block meet in the same
// way. A thread that waits spins for a while, because the others usually arrive within microseconds,
// lets threads that need its processor go first every now and then, and in the end parks in the
// kernel. The barrier turns its generation number, which is the sense that waiting threads look at,
// so it can be used again at once.

// A product and a sum are one operation where the code says fma, and nowhere else: the bits depend on it.
#pragma STDC FP_CONTRACT OFF

#include "CSupport.h"
#include "float_mode.h"

/// The caller's part of a run.
static void run_in_mode(
    cs_subnormals subnormals, void (*body)(void *context, int32_t thread), void *context) {
  uintptr_t before = enter_float_mode(subnormals);
  body(context, 0);
  set_float_mode(before);
}

int32_t cs_can_flush_subnormals(void) { return CS_CAN_FLUSH; }

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

void cs_team_run(
    cs_team *team, cs_subnormals subnormals, void (*body)(void *context, int32_t thread),
    void *context) {
  (void)team;
  run_in_mode(subnormals, body, context);
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

int32_t cs_processor_count(void) { return 1; }

#else

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#if defined(__linux__)
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#endif

// A waiting thread looks, pauses, and after so many looks yields its processor, so many times before
// it parks. The awaited thread may be waiting for this very processor: behind one more thread of the
// team than there are processors, behind another program, or because the process is bound to fewer
// of them. To yield costs a fraction of a microsecond where nobody else is there. Parking and waking
// cost more, and on an idle processor tens of microseconds, so it comes late where every thread has
// a processor of its own.
enum {
  LOOKS = 64,
  YIELDS = 30,
  // More threads than processors: the awaited one is hardly ever running, and looking is in its way.
  CROWDED_LOOKS = 1,
  CROWDED_YIELDS = 10,
};

typedef struct worker {
  cs_team *team;
  int32_t thread;
  pthread_t handle;
} worker;

/// Where threads meet: all of the team, or those that share a block.
typedef struct meeting {
  // Written by every arriving thread.
  _Alignas(64) _Atomic uint32_t arrived;
  // Read by every waiting thread.
  _Alignas(64) _Atomic uint32_t generation;
  _Atomic uint32_t parked;
} meeting;

struct cs_team {
  meeting all;
  // Written by thread 0 between two barriers, read by the others after the second.
  _Alignas(64) void (*body)(void *context, int32_t thread);
  void *context;
  cs_subnormals subnormals;
  int stopping;
  uint32_t threads;
  uint32_t looks;
  uint32_t yields;
  meeting *groups;  // threads / 2: one for each two threads, behind the workers
#if !defined(__linux__)
  pthread_mutex_t mutex;
  pthread_cond_t turned;
#endif
  worker workers[];  // threads - 1
};

// MARK: - Processors

#if defined(__linux__)

int32_t cs_processor_count(void) {
  // The system call and not the C library's function, whose set has a place for 1,024 processors.
  uint64_t set[1024] = {0};
  long bytes = syscall(SYS_sched_getaffinity, 0, sizeof(set), set);
  int32_t count = 0;
  for (long word = 0; word * (long)sizeof(set[0]) < bytes; word++)
    count += __builtin_popcountll(set[word]);
  return count > 0 ? count : 1;
}

#else

int32_t cs_processor_count(void) {
  long count = sysconf(_SC_NPROCESSORS_ONLN);
  return count > 0 ? (int32_t)count : 1;
}

#endif

// MARK: - Parking

#if defined(__linux__)

/// Sleeps unless the generation has moved on; may return early.
static void park(cs_team *team, meeting *at, uint32_t generation) {
  (void)team;
  syscall(SYS_futex, &at->generation, FUTEX_WAIT_PRIVATE, generation, NULL, NULL, 0);
}

static void unpark_all(cs_team *team, meeting *at) {
  (void)team;
  syscall(SYS_futex, &at->generation, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

#else

static void park(cs_team *team, meeting *at, uint32_t generation) {
  pthread_mutex_lock(&team->mutex);
  while (atomic_load(&at->generation) == generation)
    pthread_cond_wait(&team->turned, &team->mutex);
  pthread_mutex_unlock(&team->mutex);
}

/// Wakes those of other meetings too, who find that theirs has not turned.
static void unpark_all(cs_team *team, meeting *at) {
  (void)at;
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

/// Counts `count` arrivals of `expected`; the last one opens the barrier. Returns 1 if this was the last.
static int arrive(cs_team *team, meeting *at, uint32_t count, uint32_t expected) {
  if (atomic_fetch_add_explicit(&at->arrived, count, memory_order_acq_rel) + count < expected)
    return 0;
  atomic_store_explicit(&at->arrived, 0, memory_order_relaxed);
  // Sequentially consistent, like the two operations in `wait_for`: either this thread sees the
  // other one parked, or the other one sees the new generation and does not park.
  atomic_fetch_add(&at->generation, 1);
  if (atomic_load(&at->parked) != 0) unpark_all(team, at);
  return 1;
}

static void wait_for(cs_team *team, meeting *at, uint32_t generation) {
  for (uint32_t yield = 0; yield < team->yields; yield++) {
    for (uint32_t look = 0; look < team->looks; look++) {
      if (atomic_load_explicit(&at->generation, memory_order_acquire) != generation) return;
      if (look + 1 < team->looks) pause_briefly();
    }
    sched_yield();
  }
  atomic_fetch_add(&at->parked, 1);
  while (atomic_load(&at->generation) == generation) park(team, at, generation);
  atomic_fetch_sub(&at->parked, 1);
}

static void meet(cs_team *team, meeting *at, uint32_t expected) {
  uint32_t generation = atomic_load_explicit(&at->generation, memory_order_relaxed);
  if (!arrive(team, at, 1, expected)) wait_for(team, at, generation);
}

void cs_team_barrier(cs_team *team, int32_t thread) {
  (void)thread;
  if (!team || team->threads == 1) return;
  meet(team, &team->all, team->threads);
}

/// Two groups have no thread in common, so neither have two a first thread whose number halves to
/// the same.
void cs_team_meet(cs_team *team, int32_t first, int32_t count) {
  if (!team || count < 2) return;
  meet(team, &team->groups[first / 2], (uint32_t)count);
}

// MARK: - Life

static void *work(void *argument) {
  worker *self = argument;
  cs_team *team = self->team;
  for (;;) {
    cs_team_barrier(team, self->thread);
    if (team->stopping) return NULL;
    enter_float_mode(team->subnormals);
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
  return groups_offset(threads) + group_count(threads) * sizeof(meeting);
}

static void start_meeting(meeting *at) {
  atomic_init(&at->arrived, 0);
  atomic_init(&at->generation, 0);
  atomic_init(&at->parked, 0);
}

cs_team *cs_team_start(void *memory, int32_t threads) {
  cs_team *team = memory;
  if (threads < 1) threads = 1;
  start_meeting(&team->all);
  team->stopping = 0;
  team->threads = (uint32_t)threads;
  int is_crowded = threads > cs_processor_count();
  team->looks = is_crowded ? CROWDED_LOOKS : LOOKS;
  team->yields = is_crowded ? CROWDED_YIELDS : YIELDS;
  team->groups = (meeting *)((char *)memory + groups_offset(threads));
  for (size_t g = 0; g < group_count(threads); g++) start_meeting(&team->groups[g]);
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
    arrive(team, &team->all, (uint32_t)(threads - t + 1), (uint32_t)threads);
    for (int32_t i = 0; i < t - 1; i++) pthread_join(team->workers[i].handle, NULL);
    return NULL;
  }
  return team;
}

void cs_team_run(
    cs_team *team, cs_subnormals subnormals, void (*body)(void *context, int32_t thread),
    void *context) {
  if (!team || team->threads == 1) {
    run_in_mode(subnormals, body, context);
    return;
  }
  team->body = body;
  team->context = context;
  team->subnormals = subnormals;
  cs_team_barrier(team, 0);
  run_in_mode(subnormals, body, context);
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
