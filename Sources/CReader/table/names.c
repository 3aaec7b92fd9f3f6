#include "names.h"

#include <stdlib.h>
#include <string.h>

typedef struct kept {
  struct kept *before;
  uint64_t reserved;
} kept;

static _Thread_local kept *last;

void *fn_keep(uint64_t size) {
  kept *memory = calloc(1, sizeof *memory + size);
  if (!memory) fn_give_up(FN_EXIT_MEMORY);
  memory->before = last;
  last = memory;
  return memory + 1;
}

void fn_release(void) {
  while (last) {
    kept *memory = last;
    last = memory->before;
    free(memory);
  }
}

int fn_compare_names(const fn_field *left, const fn_field *right) {
  uint64_t shorter = left->length < right->length ? left->length : right->length;
  int order = shorter > 0 ? memcmp(left->text, right->text, shorter) : 0;
  return order != 0 ? order : (left->length > right->length) - (left->length < right->length);
}

/// Merges two sorted runs.
static void merge(
    const fn_field *fields, const uint64_t *from, uint64_t start, uint64_t middle, uint64_t end,
    uint64_t *to) {
  uint64_t left = start, right = middle;
  for (uint64_t i = start; i < end; i++) {
    int takes_left = left < middle && (right == end || fn_compare_names(
                                                           &fields[from[left]],
                                                           &fields[from[right]]) <= 0);
    to[i] = takes_left ? from[left++] : from[right++];
  }
}

// The C library's own sort asks the system how much memory there is, which a helper must not.
uint64_t *fn_sorted_names(const fn_field *fields, uint64_t count) {
  uint64_t *order = fn_keep(count * sizeof *order), *other = fn_keep(count * sizeof *other);
  for (uint64_t i = 0; i < count; i++) order[i] = i;
  for (uint64_t width = 1; width < count; width *= 2) {
    for (uint64_t start = 0; start < count; start += 2 * width) {
      uint64_t middle = start + width < count ? start + width : count;
      uint64_t end = start + 2 * width < count ? start + 2 * width : count;
      merge(fields, order, start, middle, end, other);
    }
    uint64_t *sorted = other;
    other = order;
    order = sorted;
  }
  return order;
}

uint64_t *fn_number_names(
    const fn_field *fields, uint64_t count, double *places, uint64_t *names) {
  uint64_t *order = fn_sorted_names(fields, count);
  *names = 0;
  for (uint64_t i = 0; i < count; i++) {
    uint64_t field = order[i];
    if (i == 0 || fn_compare_names(&fields[order[*names - 1]], &fields[field]) != 0)
      order[(*names)++] = field;
    places[field] = (double)(*names - 1);
  }
  return order;
}

void fn_write_labels(
    fn_table *table, const char *name, uint64_t number, const fn_field *fields, uint64_t count) {
  double *places = fn_keep(count * sizeof *places);
  uint64_t names = 0, *order = fn_number_names(fields, count, places, &names);
  if (names > FN_TABLE_CLASSES) return;
  fn_table_begin(table, FN_RECORD_LABELS);
  if (name)
    fn_table_text(table, name, number);
  else
    fn_table_number(table, number);
  fn_table_number(table, names);
  for (uint64_t i = 0; i < names; i++)
    fn_table_text(table, fields[order[i]].text, fields[order[i]].length);
  fn_table_number(table, FN_AS_DOUBLE);
  fn_table_number(table, count);
  double *room = fn_table_room(table, count * sizeof *places);
  if (room && count > 0) memcpy(room, places, count * sizeof *places);
  fn_table_end(table);
}
