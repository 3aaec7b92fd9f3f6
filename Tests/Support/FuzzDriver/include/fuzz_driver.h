// libFuzzer's entry points, which only a build for fuzzing has: see Tests/Fuzz.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef int (*fuzz_callback)(const uint8_t *data, size_t size);

/// Runs libFuzzer with the options of its command line. Returns what the process is to exit with, or -1 where this
/// program was built without it.
int fuzz_run(int count, char **arguments, fuzz_callback callback);

/// Mutates `size` bytes in place, which may become at most `room`. Returns how many there are; `size` without libFuzzer.
size_t fuzz_mutate(uint8_t *data, size_t size, size_t room);
