// A request's numbers and texts, read from the first to the last.
#pragma once
#include <stdint.h>
#include <string.h>

typedef struct {
  const unsigned char *bytes;
  uint64_t size, place;
  /// There was less than was asked for.
  int is_short;
} fn_source;

static inline uint64_t fn_source_number(fn_source *source) {
  uint64_t value = 0;
  if (source->size - source->place < sizeof value) {
    source->is_short = 1;
    return 0;
  }
  memcpy(&value, source->bytes + source->place, sizeof value);
  source->place += sizeof value;
  return value;
}

/// A text's bytes, which are not ended by a zero.
static inline const char *fn_source_text(fn_source *source, uint64_t *count) {
  *count = fn_source_number(source);
  uint64_t padded = (*count + 7) / 8 * 8;
  if (padded < *count || padded > source->size - source->place) {
    source->is_short = 1;
    *count = 0;
    return "";
  }
  const char *text = (const char *)source->bytes + source->place;
  source->place += padded;
  return text;
}
