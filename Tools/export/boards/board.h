// A Cortex-M board as QEMU emulates it: what the firmware prints with, counts with, and how much stack it used.

#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

/// Prints through the debugger (semihosting).
void put(const char *text);
void put_number(uint32_t number);

/// Ends the emulation; 0 is success.
_Noreturn void quit(int code);

/// Instructions since the start: with -icount shift=0 each one takes a nanosecond, and the system timer counts 40 of them.
uint64_t instructions(void);

/// Fills the unused stack; stack_used says how deep it was used since.
void stack_paint(void);
uint32_t stack_used(void);

#endif
