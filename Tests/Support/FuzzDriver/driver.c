#include "fuzz_driver.h"

extern int LLVMFuzzerRunDriver(int *count, char ***arguments, fuzz_callback callback)
    __attribute__((weak));
extern size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room) __attribute__((weak));

int fuzz_run(int count, char **arguments, fuzz_callback callback) {
  return LLVMFuzzerRunDriver ? LLVMFuzzerRunDriver(&count, &arguments, callback) : -1;
}

size_t fuzz_mutate(uint8_t *data, size_t size, size_t room) {
  return LLVMFuzzerMutate ? LLVMFuzzerMutate(data, size, room) : size;
}
