// Counts the calls of the allocator per thread, by standing in front of libc's: tests run in parallel, so a count
// belongs to one thread. Linux with glibc and without a sanitizer only; elsewhere malloc_counter_works() says 0.
#ifndef FIXEDNET_MALLOC_COUNTER_H
#define FIXEDNET_MALLOC_COUNTER_H

#include <stdint.h>

/// Calls of malloc, calloc, realloc, posix_memalign, aligned_alloc and memalign by this thread so far.
uint64_t malloc_counter_calls(void);

/// Allocates and frees one block; returns how many calls that was counted as.
uint64_t malloc_counter_works(void);

#endif
