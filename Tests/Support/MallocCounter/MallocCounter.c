#include "MallocCounter.h"

#include <stddef.h>
#include <stdlib.h>

// A sanitizer brings an allocator of its own, which must stay the first in line.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif

#if defined(__linux__) && defined(__GLIBC__) && !defined(HAS_SANITIZER)
#include <errno.h>

// Initial-exec: reading the counter must not itself allocate thread-local storage.
static __thread uint64_t calls __attribute__((tls_model("initial-exec")));

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size) {
  calls++;
  return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  calls++;
  return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
  calls++;
  return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size) {
  calls++;
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  calls++;
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
  calls++;
  *memory = __libc_memalign(alignment, size);
  return *memory ? 0 : ENOMEM;
}

uint64_t malloc_counter_calls(void) { return calls; }
#else
uint64_t malloc_counter_calls(void) { return 0; }
#endif

uint64_t malloc_counter_works(void) {
  uint64_t before = malloc_counter_calls();
  void *volatile block = malloc(64);
  free(block);
  return malloc_counter_calls() - before;
}
