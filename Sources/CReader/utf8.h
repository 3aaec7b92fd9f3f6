// Characters as UTF-8.
#pragma once
#include <stdint.h>

/// Writes a character, up to 4 bytes. Returns where it ends.
static inline char *fn_put_character(char *to, uint32_t code) {
  if (code < 0x80) {
    *to++ = (char)code;
    return to;
  }
  int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  *to++ = (char)((0xF00 >> (more + 1) & 0xFF) | code >> 6 * more);
  while (more-- > 0) *to++ = (char)(0x80 | (code >> 6 * more & 0x3F));
  return to;
}

/// The character at `*place` of `count` units of UTF-16, `stride` from one to the next; `*place` is then at its last unit.
static inline uint32_t fn_utf16_character(
    const uint16_t *units, uint64_t start, uint64_t stride, uint64_t count, uint64_t *place) {
  uint32_t code = units[start + *place * stride];
  if (code < 0xD800 || code >= 0xDC00 || *place + 1 >= count) return code;
  uint32_t low = units[start + (*place + 1) * stride];
  if (low < 0xDC00 || low >= 0xE000) return code;
  ++*place;
  return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
}
