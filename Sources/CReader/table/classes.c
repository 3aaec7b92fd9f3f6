#include "classes.h"

#include <string.h>

#include "../include/CReader.h"

void fn_unquote(fn_field *field) {
  if (!field->has_doubled_quotes) return;
  unsigned char *copy = fn_keep(field->length);
  uint64_t length = 0;
  for (uint64_t i = 0; i < field->length; i++) {
    copy[length++] = field->text[i];
    if (field->text[i] == '"') i++;
  }
  field->text = copy;
  field->length = length;
  field->has_doubled_quotes = 0;
}

/// The fields of the target.
static fn_field *collect_answers(const fn_columns *what, fn_records records) {
  fn_field *answers = fn_keep(what->layout.rows * sizeof *answers);
  for (uint64_t row = 0; row < what->layout.rows; row++) {
    fn_records_more(&records);
    for (uint64_t column = 0; column < what->layout.columns; column++) {
      fn_field field;
      fn_records_field(&records, &field);
      if (column == what->target) answers[row] = field;
    }
    fn_unquote(&answers[row]);
  }
  return answers;
}

/// A whole number of at most nine digits, as a class among others with names may be called.
static int is_plain_number(const fn_field *field) {
  if (field->length > 9) return 0;
  for (uint64_t i = 0; i < field->length; i++)
    if (field->text[i] - (unsigned)'0' > 9) return 0;
  return 1;
}

/// Names are short, and numbers among them such as may be names.
static int check_names(const fn_columns *what, const fn_field *answers, fn_table_fault *fault) {
  const fn_field *text = NULL, *number = NULL;
  for (uint64_t row = 0; row < what->layout.rows; row++) {
    float value;
    double exact;
    int is_number = fn_cell(&answers[row], &value, &exact) == FN_CELL_NUMBER;
    if (!is_number && !text) text = &answers[row];
    if (is_number && !number && !is_plain_number(&answers[row])) number = &answers[row];
    if (answers[row].length <= FN_TABLE_NAME) continue;
    fault->texts[0] = answers[row];
    return fn_table_fails(fault, FN_TABLE_LONG_NAME, answers[row].line, what->target);
  }
  if (!text || !number) return 1;
  fault->texts[0] = *text;
  fault->texts[1] = *number;
  fault->found = number->line;
  return fn_table_fails(fault, FN_TABLE_MIXED, text->line, what->target);
}

void fn_write_names(
    fn_table *table, const char *what, const fn_field *names, const uint64_t *order,
    uint64_t count) {
  fn_table_begin(table, FN_RECORD_NAMES);
  fn_table_text(table, what, strlen(what));
  fn_table_number(table, count);
  for (uint64_t i = 0; i < count; i++) {
    const fn_field *name = &names[order ? order[i] : i];
    fn_table_text(table, name->text, name->length);
  }
  fn_table_end(table);
}

int fn_read_names(
    fn_table *table, const fn_columns *what, fn_records records, double *y, fn_table_fault *fault) {
  fn_field *answers = collect_answers(what, records);
  if (!check_names(what, answers, fault)) return 0;
  uint64_t count, *order = fn_number_names(answers, what->layout.rows, y, &count);
  if (count > FN_TABLE_CLASSES) {
    fault->found = count;
    return fn_table_fails(fault, FN_TABLE_TOO_MANY_CLASSES, 0, what->target);
  }
  fn_write_names(table, "classes", answers, order, count);
  return 1;
}
