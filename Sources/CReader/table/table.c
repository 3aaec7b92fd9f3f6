// A table in text: columns of numbers, and one of answers, which may be names of classes.
#include <string.h>
#include <strings.h>

#include "../parts.h"
#include "classes.h"

/// What is wanted.
typedef struct {
  uint64_t delimiter, target, width, are_names, ignored_count;
  fn_field named;
  fn_field *ignored;
} wanted;

static fn_field source_field(fn_source *request) {
  fn_field field = {0};
  field.text = (const unsigned char *)fn_source_text(request, &field.length);
  return field;
}

static wanted take_wanted(fn_source *request) {
  wanted what = {0};
  what.delimiter = fn_source_number(request);
  what.target = fn_source_number(request);
  what.width = fn_source_number(request);
  what.are_names = fn_source_number(request);
  what.named = source_field(request);
  what.ignored_count = fn_source_number(request);
  if (what.ignored_count > request->size / 8) request->is_short = 1;
  if (request->is_short) return what;
  what.ignored = fn_keep(what.ignored_count * sizeof *what.ignored);
  for (uint64_t i = 0; i < what.ignored_count; i++) what.ignored[i] = source_field(request);
  return what;
}

// MARK: - Texts

/// The start of a text that may be long.
static void write_short(fn_table *table, const fn_field *field) {
  fn_table_text(table, field->text, field->length < 256 ? field->length : 256);
}

static void write_fault(fn_table *table, const fn_columns *what, const fn_table_fault *fault) {
  const fn_layout *layout = &what->layout;
  fn_field none = {0};
  int has_name = layout->first && layout->header == FN_HEADER_NAMES &&
                 fault->column < layout->first_count;
  fn_table_begin(table, FN_RECORD_CELL);
  fn_table_number(table, (uint64_t)fault->kind);
  fn_table_number(table, fault->line);
  fn_table_number(table, fault->column);
  fn_table_number(table, fault->expected);
  fn_table_number(table, fault->found);
  write_short(table, has_name ? &layout->first[fault->column] : &none);
  write_short(table, &fault->texts[0]);
  write_short(table, &fault->texts[1]);
  fn_table_end(table);
}

// MARK: - Columns

static int is_named(const fn_field *field, const char *name) {
  return strlen(name) == field->length &&
         strncasecmp((const char *)field->text, name, field->length) == 0;
}

static int is_usual_name(const fn_field *field) {
  static const char *const names[] = {"label",   "labels", "target",  "targets",  "class",
                                      "classes", "y",      "species", "category", "outcome"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (is_named(field, names[i])) return 1;
  return 0;
}

/// The column of this name or, counted from 1, of this number. Returns 0 with a fault where there is none, or several.
static int find_column(
    const fn_layout *layout, const fn_field *name, uint64_t *column, fn_table_fault *fault) {
  uint64_t found = 0;
  for (uint64_t i = 0; layout->header == FN_HEADER_NAMES && i < layout->columns; i++) {
    if (fn_compare_names(&layout->first[i], name) != 0) continue;
    if (found++ == 0) *column = i;
  }
  fault->texts[0] = *name;
  if (found > 1) return fn_table_fails(fault, FN_TABLE_COLUMNS_ALIKE, 1, UINT64_MAX);
  if (found == 1) return 1;
  uint64_t number = 0;
  for (uint64_t i = 0; i < name->length; i++) {
    unsigned digit = name->text[i] - (unsigned)'0';
    if (digit > 9 || number > FN_TABLE_COLUMNS)
      return fn_table_fails(fault, FN_TABLE_NO_COLUMN, 1, UINT64_MAX);
    number = 10 * number + digit;
  }
  *column = number - 1;
  fault->found = layout->columns;
  return number >= 1 && number <= layout->columns
             ? 1
             : fn_table_fails(fault, FN_TABLE_NO_COLUMN, 1, UINT64_MAX);
}

/// The target where nobody says it: the one column that is called so, else the last that is not ignored.
static int guess_target(fn_columns *what, fn_table_fault *fault) {
  const fn_layout *layout = &what->layout;
  what->is_guessed = 1;
  for (uint64_t i = 0; i < layout->columns; i++) {
    if (what->is_ignored[i]) continue;
    int is_usual = layout->header == FN_HEADER_NAMES && is_usual_name(&layout->first[i]);
    if (is_usual && !what->is_guessed) {
      fault->texts[0] = layout->first[what->target];
      fault->texts[1] = layout->first[i];
      return fn_table_fails(fault, FN_TABLE_COLUMNS_ALIKE, 1, UINT64_MAX);
    }
    if (is_usual || what->is_guessed) what->target = i;
    if (is_usual) what->is_guessed = 0;
  }
  return 1;
}

static int choose_columns(fn_columns *what, const wanted *wanted, fn_table_fault *fault) {
  fn_layout *layout = &what->layout;
  what->target = UINT64_MAX;
  what->is_ignored = fn_keep(layout->columns);
  for (uint64_t i = 0; layout->header == FN_HEADER_NAMES && i < layout->columns; i++)
    fn_unquote(&layout->first[i]);
  what->features = layout->columns;
  for (uint64_t i = 0; i < wanted->ignored_count; i++) {
    uint64_t column;
    if (!find_column(layout, &wanted->ignored[i], &column, fault)) return 0;
    what->features -= !what->is_ignored[column];
    what->is_ignored[column] = 1;
  }
  int has_target = wanted->target == FN_TARGET_USUAL || wanted->target == FN_TARGET_NAMED ||
                   (wanted->target == FN_TARGET_BY_WIDTH && what->features != wanted->width);
  if (wanted->target == FN_TARGET_NAMED || (has_target && wanted->named.length > 0)) {
    if (!find_column(layout, &wanted->named, &what->target, fault)) return 0;
    // What is ignored and asked for is asked for.
    if (what->is_ignored[what->target]) what->features++;
    what->is_ignored[what->target] = 0;
  } else if (has_target && !guess_target(what, fault)) {
    return 0;
  }
  what->features -= has_target;
  fault->found = layout->columns;
  return what->features > 0 && what->features < UINT64_MAX
             ? 1
             : fn_table_fails(fault, FN_TABLE_NARROW, 0, UINT64_MAX);
}

// MARK: - Rows

/// Where values go.
typedef struct {
  float *x;
  double *y, *lines;
} places;

static void *begin_values(fn_table *table, const char *name, uint64_t how, uint64_t count) {
  fn_table_begin(table, FN_RECORD_VALUES);
  fn_table_text(table, name, strlen(name));
  fn_table_number(table, FN_VALUES_HERE);
  fn_table_number(table, how);
  fn_table_number(table, count);
  void *room = fn_table_room(table, count * (how == FN_AS_FLOAT ? 4 : 8));
  fn_table_end(table);
  return room;
}

static int cell_fault(fn_table_fault *fault, int cell, const fn_field *field, uint64_t column) {
  static const int kinds[] = {FN_TABLE_TEXT, 0, FN_TABLE_BEYOND, FN_TABLE_MISSING};
  fault->texts[0] = *field;
  return fn_table_fails(fault, kinds[cell], field->line, column);
}

/// The records behind the first line.
static fn_records first_row(const fn_columns *what, fn_records records) {
  fn_field field;
  if (what->layout.header == FN_HEADER_NONE) return records;
  fn_records_more(&records);
  while (fn_records_field(&records, &field) == FN_FIELD_MORE) {}
  return records;
}

/// Reads every row. `is_text`: whether an answer is text. Returns 0 with a fault at the first value that is none.
static int read_rows(
    const fn_columns *what, fn_records records, places to, int *is_text, fn_table_fault *fault) {
  uint64_t rows = what->layout.rows, columns = what->layout.columns;
  float *x = to.x, single;
  for (uint64_t row = 0; row < rows; row++) {
    fn_records_more(&records);
    to.lines[row] = (double)records.line;
    for (uint64_t column = 0; column < columns; column++) {
      fn_field field;
      double exact;
      fn_records_field(&records, &field);
      if (what->is_ignored[column]) continue;
      int is_answer = column == what->target;
      int cell = is_answer ? fn_cell(&field, &single, &to.y[row]) : fn_cell(&field, x++, &exact);
      if (cell == FN_CELL_NUMBER) continue;
      if (!is_answer || cell != FN_CELL_TEXT) return cell_fault(fault, cell, &field, column);
      *is_text = 1;
    }
  }
  return 1;
}

// MARK: - All

/// Whether all answers are places among the names in scikit-learn's first line.
static int are_places(const fn_columns *what, const double *y) {
  uint64_t count = what->layout.first_count - 2;
  if (what->layout.header != FN_HEADER_CLASSES || what->target + 1 != what->layout.columns)
    return 0;
  for (uint64_t row = 0; row < what->layout.rows; row++)
    if (!(y[row] >= 0 && y[row] < (double)count && y[row] == (double)(uint64_t)y[row])) return 0;
  return 1;
}

static void write_table(fn_table *table, const fn_columns *what, int are_names) {
  const fn_layout *layout = &what->layout;
  fn_table_begin(table, FN_RECORD_TABLE);
  fn_table_number(table, layout->delimiter);
  fn_table_number(table, (uint64_t)layout->header);
  fn_table_number(table, layout->rows);
  fn_table_number(table, layout->columns);
  fn_table_number(table, what->features);
  fn_table_number(table, what->target);
  fn_table_number(table, (uint64_t)what->is_guessed);
  fn_table_number(table, (uint64_t)are_names);
  fn_table_end(table);
  if (layout->header != FN_HEADER_NAMES) return;
  fn_write_names(table, "columns", layout->first, NULL, layout->columns);
}

static int read_all(
    fn_table *table, const unsigned char *bytes, uint64_t size, const wanted *wanted,
    fn_columns *what, fn_table_fault *fault) {
  fn_layout *layout = &what->layout;
  if (!fn_table_layout(bytes, size, (unsigned char)wanted->delimiter, layout, fault) ||
      !choose_columns(what, wanted, fault))
    return 0;
  fn_records records = first_row(what, fn_records_begin(bytes, size, layout->delimiter));
  int has_target = what->target != UINT64_MAX, is_text = 0;
  places to = {
      .x = begin_values(table, "x", FN_AS_FLOAT, layout->rows * what->features),
      .lines = begin_values(table, "lines", FN_AS_DOUBLE, layout->rows),
      .y = has_target ? begin_values(table, "y", FN_AS_DOUBLE, layout->rows) : NULL};
  if (table->is_full) return 1;
  if (!read_rows(what, records, to, &is_text, fault)) return 0;
  int are_names = has_target && (is_text || wanted->are_names);
  if (has_target && !is_text && are_places(what, to.y)) {
    fn_write_names(table, "classes", layout->first + 2, NULL, layout->first_count - 2);
    are_names = 1;
  } else if (are_names && !fn_read_names(table, what, records, to.y, fault)) {
    return 0;
  }
  write_table(table, what, are_names);
  return 1;
}

int fn_read_table(fn_table *table, const unsigned char *bytes, uint64_t size, fn_source *request) {
  wanted wanted = take_wanted(request);
  if (request->is_short || wanted.delimiter > 255) return FN_EXIT_WORK;
  fn_columns what = {.target = UINT64_MAX};
  fn_table_fault fault = {.column = UINT64_MAX};
  uint64_t start = table->used;
  if (!read_all(table, bytes, size, &wanted, &what, &fault)) {
    fn_table_take_back(table, start);
    write_fault(table, &what, &fault);
  }
  fn_release();
  return FN_EXIT_DONE;
}
