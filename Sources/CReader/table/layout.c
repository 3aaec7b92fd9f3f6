#include "layout.h"


#include "../include/CReader.h"
#include "names.h"

/// Records that are looked at for the delimiter.
enum { SAMPLE = 64 };

/// The fields of one record. Returns a negative number of FN_TABLE_... where one is damaged.
static int64_t count_fields(fn_records *records, uint64_t *line) {
  fn_field field;
  int64_t count = 0;
  int next;
  do {
    next = fn_records_field(records, &field);
    *line = field.line;
    if (next < 0) return next;
    count++;
  } while (next == FN_FIELD_MORE);
  return count;
}

/// The fields of the first record, as many as `count`.
static fn_field *read_first(fn_records records, uint64_t count) {
  fn_field *fields = fn_keep(count * sizeof *fields);
  fn_records_more(&records);
  for (uint64_t i = 0; i < count; i++) fn_records_field(&records, &fields[i]);
  return fields;
}

static int kind_of(const fn_field *field) {
  float value;
  double exact;
  return fn_cell(field, &value, &exact);
}

/// The number in a field, -1 where there is none or one that counts nothing.
static double count_in(const fn_field *field) {
  float value;
  double exact;
  if (fn_cell(field, &value, &exact) != FN_CELL_NUMBER || exact < 0 || exact != (uint64_t)exact)
    return -1;
  return exact;
}

/// Whether a first record is scikit-learn's: rows, features, then the names of the classes.
static int is_count_line(const fn_field *fields, uint64_t count, double rows, uint64_t columns) {
  if (count < 4 || count_in(&fields[0]) != rows || count_in(&fields[1]) != (double)(columns - 1))
    return 0;
  for (uint64_t i = 2; i < count; i++)
    if (kind_of(&fields[i]) != FN_CELL_TEXT) return 0;
  return 1;
}

// MARK: - The delimiter

/// How well records fit together where `delimiter` stands between their fields: numbers in the last one that was looked
/// at, and one more; 0 where they have different numbers of fields, or one.
static uint64_t fit(const unsigned char *bytes, uint64_t size, unsigned char delimiter) {
  fn_records records = fn_records_begin(bytes, size, delimiter), last = records;
  int64_t columns = 0, first = 0;
  uint64_t line;
  int seen = 0;
  for (; seen < SAMPLE && fn_records_more(&records); seen++) {
    fn_records start = records;
    int64_t count = count_fields(&records, &line);
    if (count < 0) return 0;
    if (seen == 0) first = count;
    // The first one may be scikit-learn's, which says how wide the others are.
    if (seen > 1 && count != columns) return 0;
    columns = count;
    last = start;
  }
  if (columns < 2) return 0;
  if (seen > 1 && first != columns) {
    fn_field *fields = read_first(fn_records_begin(bytes, size, delimiter), (uint64_t)first);
    double rows = count_in(&fields[0]);
    if (!is_count_line(fields, (uint64_t)first, rows, (uint64_t)columns)) return 0;
  }
  uint64_t numbers = 1;
  for (int64_t i = 0; i < columns; i++) {
    fn_field field;
    fn_records_field(&last, &field);
    numbers += kind_of(&field) == FN_CELL_NUMBER;
  }
  return numbers;
}

/// Returns 0 with a fault where none fits, or several do equally well.
static unsigned char find_delimiter(
    const unsigned char *bytes, uint64_t size, fn_table_fault *fault) {
  static const unsigned char candidates[] = {',', ';', '\t'};
  uint64_t best = 0, counts[3] = {0}, most = 0;
  unsigned char found = 0, frequent = ',';
  int is_tie = 0;
  for (int i = 0; i < 3; i++) {
    uint64_t numbers = fit(bytes, size, candidates[i]);
    if (numbers > 0 && numbers == best) is_tie = 1;
    if (numbers > best) {
      best = numbers;
      found = candidates[i];
      is_tie = 0;
    }
  }
  if (is_tie) return (unsigned char)fn_table_fails(fault, FN_TABLE_DELIMITER, 0, UINT64_MAX);
  if (found) return found;
  // Records that do not fit together: the most frequent one, so that it can be said where they do not.
  for (uint64_t i = 0; i < size && i < 1 << 20; i++)
    for (int j = 0; j < 3; j++) counts[j] += bytes[i] == candidates[j];
  for (int j = 0; j < 3; j++)
    if (counts[j] > most) {
      most = counts[j];
      frequent = candidates[j];
    }
  return frequent;
}

// MARK: - The first line

/// Whether the fields are `start`, `start` + 1, ...: from 0 on as pandas names columns without names.
static int counts_up(const fn_field *fields, uint64_t count, uint64_t start) {
  for (uint64_t i = 0; i < count; i++)
    if (count_in(&fields[i]) != (double)(i + start)) return 0;
  return count >= 4;
}

/// What the first record is, by the second one. Returns FN_HEADER_...
static int header_of(const fn_layout *layout, const fn_field *second) {
  uint64_t columns = layout->columns, texts = 0, texts_below = 0, names = 0;
  for (uint64_t i = 0; i < columns; i++) {
    const fn_field *field = &layout->first[i];
    int kind = kind_of(field), below = second ? kind_of(&second[i]) : FN_CELL_TEXT;
    names += kind == FN_CELL_TEXT && below != FN_CELL_TEXT;
    texts += kind == FN_CELL_TEXT;
    texts_below += below == FN_CELL_TEXT;
    // A number may be a column's name where it is its place.
    if (kind == FN_CELL_NUMBER && count_in(field) != (double)i && count_in(field) != (double)i + 1)
      return FN_HEADER_NONE;
  }
  if (texts == columns || names > 0) return FN_HEADER_NAMES;
  if (!second || !counts_up(layout->first, columns, 0)) return FN_HEADER_NONE;
  // Numbers over a text are names; a ramp that goes on is data.
  return texts_below > 0 || !counts_up(second, columns, 1) ? FN_HEADER_COUNTED : FN_HEADER_NONE;
}

/// Counts records and their fields. Returns 0 where one is damaged or has another number of fields than the others; the
/// first may have another one than the second.
static int count_records(
    fn_records records, fn_layout *layout, fn_records *second, uint64_t *count,
    fn_table_fault *fault) {
  uint64_t last = 1;
  for (*count = 0; fn_records_more(&records); ++*count) {
    fn_records start = records;
    int64_t fields = count_fields(&records, &last);
    if (fields < 0) return fn_table_fails(fault, (int)-fields, last, UINT64_MAX);
    if (*count == 0) layout->first_count = (uint64_t)fields;
    if (*count == 1) *second = start;
    if (*count <= 1) layout->columns = (uint64_t)fields;
    if ((uint64_t)fields == layout->columns) continue;
    // Where the second one alone is odd, it is said of that one.
    int is_second = (uint64_t)fields == layout->first_count;
    fault->expected = is_second ? layout->first_count : layout->columns;
    fault->found = is_second ? layout->columns : (uint64_t)fields;
    return fn_table_fails(
        fault, FN_TABLE_RAGGED, is_second ? second->line : start.line, UINT64_MAX);
  }
  return *count > 0 ? 1 : fn_table_fails(fault, FN_TABLE_EMPTY, 0, UINT64_MAX);
}

/// Decides what the first record is. Returns 0 where it is of another length than the others and not scikit-learn's.
static int decide_header(
    fn_records start, fn_layout *layout, fn_records second, uint64_t count, fn_table_fault *fault) {
  layout->first = read_first(start, layout->first_count);
  if (count > 1 &&
      is_count_line(layout->first, layout->first_count, (double)count - 1, layout->columns)) {
    layout->header = FN_HEADER_CLASSES;
  } else if (layout->first_count != layout->columns) {
    fault->expected = layout->first_count;
    fault->found = layout->columns;
    return fn_table_fails(fault, FN_TABLE_RAGGED, second.line, UINT64_MAX);
  } else {
    fn_field *below = count > 1 ? read_first(second, layout->columns) : 0;
    layout->header = header_of(layout, below);
  }
  layout->rows = count - (layout->header != FN_HEADER_NONE);
  return layout->rows > 0 ? 1 : fn_table_fails(fault, FN_TABLE_EMPTY, 0, UINT64_MAX);
}

int fn_table_layout(
    const unsigned char *bytes, uint64_t size, unsigned char delimiter, fn_layout *layout,
    fn_table_fault *fault) {
  *layout = (fn_layout){.delimiter = delimiter ? delimiter : find_delimiter(bytes, size, fault)};
  if (!layout->delimiter) return 0;
  fn_records start = fn_records_begin(bytes, size, layout->delimiter), second = start;
  uint64_t count = 0;
  if (!count_records(start, layout, &second, &count, fault)) return 0;
  if (layout->columns > FN_TABLE_COLUMNS || layout->first_count > FN_TABLE_COLUMNS) {
    fault->found = layout->columns;
    return fn_table_fails(fault, FN_TABLE_WIDE, 1, UINT64_MAX);
  }
  return decide_header(start, layout, second, count, fault);
}
