// A Cortex-M board as QEMU emulates it: what the firmware prints with, counts with, and how much stack it used.

#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

/// Prints through the debugger (semihosting).
void put(const char *text);
void put_number(uint32_t number);

/// Opens a file of the computer that the board is connected to, and reads on in it. Returns how many bytes were read.
void open_input(const char *name);
uint32_t read_input(void *bytes, uint32_t count);

/// Ends the emulation; 0 is success.
_Noreturn void quit(int code);

/// Instructions since the start: with -icount shift=0 each one takes a nanosecond, and the system timer counts MEGAHERTZ
/// times in a thousand of them.
uint64_t instructions(void);

/// Fills the unused stack; stack_used says how many bytes of it the functions took that its caller has called since, 64 at
/// least.
void stack_paint(void);
uint32_t stack_used(void);

#endif
