// Runs an exported library's own test on the board, and measures it. Compiled with the names of the library:
// -DLIBRARY='"net.h"' -DTEST='"net_test.c"'. The test's main is called below; what it prints goes to the debugger.

#include <stdint.h>

#include "board.h"
#include LIBRARY

static int print_line(const char *text) {
  put(text);
  put("\n");
  return 0;
}

/// Enough of printf for what the test says: the format as it is.
#define printf(...) print_format(__VA_ARGS__)
#define puts print_line
#define main test_main
static int print_format(const char *format, ...) {
  put(format);
  return 0;
}
#define _STDIO_H_
#define _STDIO_H
#include TEST
#undef main

static void report(const char *what, uint64_t number) {
  put(what);
  put_number((uint32_t)number);
  put("\n");
}

int main(void) {
  int code = test_main();
#ifdef TRAINS
  net_reset();
#endif
  float output[NET_OUTPUTS];
  stack_paint();
  uint64_t start = instructions();
  net_predict(samples[0], output);
  report("instructions of a prediction: ", instructions() - start);
  report("stack of a prediction: ", stack_used());
#ifdef TRAINS
  stack_paint();
  start = instructions();
#if TRAINS == 1
  net_train_step(samples[0], labels[0], 0.01f);
#else
  net_train_step(samples[0], targets[0], 0.01f);
#endif
  report("instructions of a step: ", instructions() - start);
  report("stack of a step: ", stack_used());
#endif
  return code;
}
