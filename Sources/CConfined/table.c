#include <string.h>

#include "include/CConfined.h"

static void put(fn_table *table, const void *bytes, uint64_t count) {
  if (table->is_full || count > table->size - table->used) {
    table->is_full = 1;
    return;
  }
  if (count > 0) memcpy(table->bytes + table->used, bytes, (size_t)count);
  table->used += count;
}

/// Zeros up to a multiple of `unit`.
static void fill_up(fn_table *table, uint64_t unit) {
  static const unsigned char zeros[64];
  put(table, zeros, (unit - table->used % unit) % unit);
}

void fn_table_begin(fn_table *table, uint32_t tag) {
  uint32_t head[4] = {tag, 0, 0, 0};
  put(table, head, sizeof head);
  table->start = table->used;
}

void fn_table_end(fn_table *table) {
  if (table->is_full) return;
  uint64_t length = table->used - table->start;
  memcpy(table->bytes + table->start - 8, &length, sizeof length);
  fill_up(table, 8);
}

void fn_table_number(fn_table *table, uint64_t value) { put(table, &value, sizeof value); }

void fn_table_text(fn_table *table, const void *bytes, uint64_t count) {
  fn_table_number(table, count);
  put(table, bytes, count);
  fill_up(table, 8);
}

void *fn_table_room(fn_table *table, uint64_t count) {
  uint64_t place = (table->used + sizeof place + 63) / 64 * 64;
  fn_table_number(table, place);
  fill_up(table, 64);
  if (table->is_full || count > table->size - table->used) {
    table->is_full = 1;
    return NULL;
  }
  table->used += count;
  return table->bytes + place;
}

void fn_table_take_back(fn_table *table, uint64_t used) { table->used = used; }
