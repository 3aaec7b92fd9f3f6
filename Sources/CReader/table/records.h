// Records of a table in text: RFC 4180, with any end of line and any delimiter.
#pragma once
#include <stdint.h>

typedef struct {
  const unsigned char *bytes;
  uint64_t size, place;
  /// From 1; the one that the next field starts in.
  uint64_t line;
  unsigned char delimiter;
  /// Bytes that end a run of plain ones.
  unsigned char is_special[256];
} fn_records;

typedef struct {
  /// Without the quotes; outside of them without spaces at both ends.
  const unsigned char *text;
  uint64_t length;
  /// Where it starts.
  uint64_t line;
  int is_quoted, has_doubled_quotes;
} fn_field;

/// What follows a field: another one; the end of the record; or why it is none (negative numbers of FN_TABLE_...).
enum { FN_FIELD_MORE = 1, FN_FIELD_LAST = 0 };

fn_records fn_records_begin(const unsigned char *bytes, uint64_t size, unsigned char delimiter);

/// Steps over lines without text. Returns whether there is another record.
int fn_records_more(fn_records *records);

/// The next field of the record.
int fn_records_field(fn_records *records, fn_field *field);

/// What a field is.
enum { FN_CELL_TEXT = 0, FN_CELL_NUMBER = 1, FN_CELL_BEYOND = 2, FN_CELL_MISSING = 3 };

/// Classifies a field; `value` and `exact` as `fn_decimal` has them.
int fn_cell(const fn_field *field, float *value, double *exact);
