// Runs an exported library's own test on the board, and measures it. Compiled with the names of the library:
// -DLIBRARY='"net.h"' -DTEST='"net_test.c"'. The test's main is called below; what it prints goes to the debugger.

#include <stdarg.h>
#include <stdint.h>

#include "board.h"
#include LIBRARY

static int print_line(const char *text) {
  put(text);
  put("\n");
  return 0;
}

static void print_bits(double number) {
  union {
    float number;
    uint32_t bits;
  } v = {(float)number};
  char text[] = "0x00000000";
  for (int i = 0; i < 8; i++) text[2 + i] = "0123456789abcdef"[v.bits >> (28 - 4 * i) & 15];
  put(text);
}

/// Enough of printf for what the test says: %d, %s, and of a float its bits.
static int print_format(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  for (const char *at = format; *at; at++) {
    if (*at != '%') {
      const char one[2] = {*at, 0};
      put(one);
    } else if (*++at == 'd') {
      const int number = va_arg(arguments, int);
      if (number < 0) put("-");
      put_number(number < 0 ? 0u - (uint32_t)number : (uint32_t)number);
    } else if (*at == 's') {
      put(va_arg(arguments, const char *));
    } else {
      while (*at != 'g') at++;
      print_bits(va_arg(arguments, double));
    }
  }
  va_end(arguments);
  return 0;
}

#define printf(...) print_format(__VA_ARGS__)
#define puts print_line
#define main test_main
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
