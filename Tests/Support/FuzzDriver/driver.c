#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "fuzz_driver.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern int LLVMFuzzerRunDriver(int *count, char ***arguments, fuzz_callback callback)
    __attribute__((weak));
extern size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room) __attribute__((weak));

#ifdef __linux__
/// Where the compiler counts how often each edge was taken.
extern uint8_t __start___sancov_cntrs[] __attribute__((weak, visibility("hidden")));
extern uint8_t __stop___sancov_cntrs[] __attribute__((weak, visibility("hidden")));

/// Puts the counters in memory that children share: what a helper takes guides the search like what its parent takes.
/// The ends, whose pages hold other data, stay as they are.
static void share_counters(void) {
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  uintptr_t start = ((uintptr_t)__start___sancov_cntrs + page - 1) / page * page;
  uintptr_t end = (uintptr_t)__stop___sancov_cntrs / page * page;
  if (!__start___sancov_cntrs || end <= start) return;
  void *copy = malloc(end - start);
  if (!copy) abort();
  memcpy(copy, (void *)start, end - start);
  void *shared = mmap(
      (void *)start, end - start, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_SHARED | MAP_ANONYMOUS,
      -1, 0);
  if (shared == MAP_FAILED) abort();
  memcpy(shared, copy, end - start);
  free(copy);
}
#else
static void share_counters(void) {}
#endif

int fuzz_run(int count, char **arguments, fuzz_callback callback) {
  if (LLVMFuzzerRunDriver) share_counters();
  return LLVMFuzzerRunDriver ? LLVMFuzzerRunDriver(&count, &arguments, callback) : -1;
}

size_t fuzz_mutate(uint8_t *data, size_t size, size_t room) {
  return LLVMFuzzerMutate ? LLVMFuzzerMutate(data, size, room) : size;
}
