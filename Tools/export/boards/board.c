// Start-up, semihosting, the system timer as an instruction counter, and the stack's depth.

#include "board.h"

#include <stddef.h>

extern uint32_t stack_top[], stack_limit[], data_start[], data_end[], data_load[], bss_start[];
extern uint32_t bss_end[];
int main(void);
void reset(void);

static int semihosting(int operation, const void *argument) {
  register int r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

void put(const char *text) { semihosting(4, text); }

void put_number(uint32_t number) {
  char text[11], *p = text + 10;
  *p = 0;
  do {
    *--p = (char)('0' + number % 10);
    number /= 10;
  } while (number);
  put(p);
}

static int input;

void open_input(const char *name) {
  uint32_t length = 0;
  while (name[length]) length++;
  const uintptr_t arguments[3] = {(uintptr_t)name, 1, length};
  input = semihosting(1, arguments);
}

uint32_t read_input(void *bytes, uint32_t count) {
  const uintptr_t arguments[3] = {(uintptr_t)input, (uintptr_t)bytes, count};
  const int missing = input < 0 ? (int)count : semihosting(6, arguments);
  return missing < 0 ? 0 : count - (uint32_t)missing;
}

_Noreturn void quit(int code) {
  semihosting(0x18, (const void *)(uintptr_t)(code ? 0x20023 : 0x20026));
  for (;;) {
  }
}

// -- The system timer -------------------------------------------------------------------------------------

#define TIMER_CONTROL (*(volatile uint32_t *)0xE000E010)
#define TIMER_RELOAD (*(volatile uint32_t *)0xE000E014)
#define TIMER_VALUE (*(volatile uint32_t *)0xE000E018)

enum { TIMER_TOP = 0xFFFFFF };

static volatile uint32_t wraps;

static void timer_wrapped(void) { wraps++; }

uint64_t instructions(void) {
  uint32_t turns, value;
  do {
    turns = wraps;
    value = TIMER_VALUE;
  } while (turns != wraps);
  return (((uint64_t)turns << 24) + (TIMER_TOP - value)) * 1000 / MEGAHERTZ;
}

// -- The stack --------------------------------------------------------------------------------------------

enum { PAINT = 0x5eed5eed };

// Where the stack of whoever called stack_paint ends.
static const char *caller;

void stack_paint(void) {
  caller = __builtin_dwarf_cfa();
  for (volatile uint32_t *p = stack_limit; (const char *)p < caller - 64; p++) *p = PAINT;
}

uint32_t stack_used(void) {
  const uint32_t *p = stack_limit;
  while (p < stack_top && *p == PAINT) p++;
  return (uint32_t)(caller - (const char *)p);
}

// -- Start-up ---------------------------------------------------------------------------------------------

static void fault(void) {
  put("a fault of the processor\n");
  quit(1);
}

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    stack_top, reset, fault, fault, fault, fault, fault, 0,
    0,         0,     0,     fault, fault, 0,     fault, timer_wrapped};

_Noreturn void reset(void) {
  *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20;  // the floating-point unit, where there is one
  __asm__ volatile("dsb\n isb");
  for (uint32_t *to = data_start, *from = data_load; to < data_end;) *to++ = *from++;
  for (uint32_t *to = bss_start; to < bss_end;) *to++ = 0;
  TIMER_RELOAD = TIMER_TOP;
  TIMER_VALUE = 0;
  TIMER_CONTROL = 7;
  quit(main());
}
