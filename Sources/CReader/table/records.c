#include "records.h"

#include <string.h>
#include <strings.h>

#include "../include/CReader.h"
#include "decimal.h"

fn_records fn_records_begin(const unsigned char *bytes, uint64_t size, unsigned char delimiter) {
  fn_records records = {.bytes = bytes, .size = size, .line = 1, .delimiter = delimiter};
  // The mark that some programs write in front of UTF-8.
  if (size >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) records.place = 3;
  records.is_special[delimiter] = 1;
  records.is_special['\n'] = records.is_special['\r'] = 1;
  records.is_special['"'] = records.is_special[0] = 1;
  return records;
}

/// Steps over an end of line, which is at `place`.
static void end_line(fn_records *records) {
  unsigned char byte = records->bytes[records->place++];
  if (byte == '\r' && records->place < records->size && records->bytes[records->place] == '\n')
    records->place++;
  records->line++;
}

static int is_blank(const fn_records *records, unsigned char byte) {
  return (byte == ' ' || byte == '\t') && byte != records->delimiter;
}

int fn_records_more(fn_records *records) {
  while (records->place < records->size) {
    uint64_t place = records->place;
    while (place < records->size && is_blank(records, records->bytes[place])) place++;
    if (place == records->size) return 0;
    if (records->bytes[place] != '\n' && records->bytes[place] != '\r') return 1;
    records->place = place;
    end_line(records);
  }
  return 0;
}

/// What follows at `place`, behind a field.
static int follow(fn_records *records) {
  if (records->place == records->size) return FN_FIELD_LAST;
  unsigned char byte = records->bytes[records->place];
  if (byte == records->delimiter) {
    records->place++;
    return FN_FIELD_MORE;
  }
  end_line(records);
  return FN_FIELD_LAST;
}

/// A field in quotes, from behind the first one on. Lines may end in it.
static int quoted(fn_records *records, fn_field *field) {
  const unsigned char *bytes = records->bytes;
  uint64_t place = records->place, start = place, line = records->line;
  field->is_quoted = 1;
  for (;; place++) {
    if (place == records->size) return -FN_TABLE_OPEN_QUOTE;
    unsigned char byte = bytes[place];
    if (byte == 0) return -FN_TABLE_NUL;
    if (byte == '\n' || (byte == '\r' && (place + 1 == records->size || bytes[place + 1] != '\n')))
      line++;
    if (byte != '"') continue;
    if (place + 1 == records->size || bytes[place + 1] != '"') break;
    field->has_doubled_quotes = 1;
    place++;
  }
  field->text = bytes + start;
  field->length = place - start;
  records->place = place + 1;
  records->line = line;
  while (records->place < records->size && is_blank(records, bytes[records->place]))
    records->place++;
  if (records->place < records->size) {
    unsigned char byte = bytes[records->place];
    if (byte != records->delimiter && byte != '\n' && byte != '\r') return -FN_TABLE_QUOTE;
  }
  return follow(records);
}

int fn_records_field(fn_records *records, fn_field *field) {
  const unsigned char *bytes = records->bytes, *end = bytes + records->size;
  const unsigned char *p = bytes + records->place;
  field->line = records->line;
  field->is_quoted = field->has_doubled_quotes = 0;
  while (p < end && is_blank(records, *p)) p++;
  if (p < end && *p == '"') {
    records->place = (uint64_t)(p - bytes) + 1;
    return quoted(records, field);
  }
  const unsigned char *start = p;
  while (p < end && !records->is_special[*p]) p++;
  if (p < end && *p == '"') return -FN_TABLE_QUOTE;
  if (p < end && *p == 0) return -FN_TABLE_NUL;
  records->place = (uint64_t)(p - bytes);
  while (p > start && is_blank(records, p[-1])) p--;
  field->text = start;
  field->length = (uint64_t)(p - start);
  return follow(records);
}

/// What programs write where there is no value.
static int is_missing(const fn_field *field) {
  static const char *const marks[] = {"NA", "N/A", "#N/A", "NaN", "null", "None", "?", "NaT"};
  if (field->length == 0) return 1;
  if (field->length > 4) return 0;
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
    if (strlen(marks[i]) == field->length &&
        strncasecmp((const char *)field->text, marks[i], field->length) == 0)
      return 1;
  return 0;
}

static int is_infinite(const fn_field *field) {
  const char *text = (const char *)field->text;
  uint64_t length = field->length;
  if (length > 0 && (*text == '+' || *text == '-')) {
    text++;
    length--;
  }
  return (length == 3 && strncasecmp(text, "inf", 3) == 0) ||
         (length == 8 && strncasecmp(text, "infinity", 8) == 0);
}

int fn_cell(const fn_field *field, float *value, double *exact) {
  switch (fn_decimal(field->text, field->length, value, exact)) {
    case FN_DECIMAL_NUMBER: return FN_CELL_NUMBER;
    case FN_DECIMAL_BEYOND: return FN_CELL_BEYOND;
    default: break;
  }
  if (is_missing(field)) return FN_CELL_MISSING;
  return is_infinite(field) ? FN_CELL_BEYOND : FN_CELL_TEXT;
}
