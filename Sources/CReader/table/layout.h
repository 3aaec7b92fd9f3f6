// What a table in text is: its delimiter, its first line, its columns.
#pragma once
#include "records.h"

/// Why a table cannot be read: what (FN_TABLE_...), where and what was found there.
typedef struct {
  int kind;
  uint64_t line;
  /// From 0; UINT64_MAX: none.
  uint64_t column;
  uint64_t expected, found;
  /// Up to two texts.
  fn_field texts[2];
} fn_table_fault;

typedef struct {
  unsigned char delimiter;
  /// FN_HEADER_...
  int header;
  /// Records behind the header, fields of each.
  uint64_t rows, columns;
  /// The first record's fields; `first_count` of them.
  fn_field *first;
  uint64_t first_count;
} fn_layout;

/// Finds out what the table is, and checks that every record has as many fields. `delimiter`: 0 where it is to be found.
/// Returns 0 where `fault` says why it is none.
int fn_table_layout(
    const unsigned char *bytes, uint64_t size, unsigned char delimiter, fn_layout *layout,
    fn_table_fault *fault);

static inline int fn_table_fails(fn_table_fault *fault, int kind, uint64_t line, uint64_t column) {
  fault->kind = kind;
  fault->line = line;
  fault->column = column;
  return 0;
}
