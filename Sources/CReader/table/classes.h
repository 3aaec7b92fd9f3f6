// Answers that are names of classes.
#pragma once
#include "CConfined.h"
#include "layout.h"
#include "names.h"

/// What each column is.
typedef struct {
  fn_layout layout;
  uint64_t target, features;
  /// The target is the last column because nothing says which one it is.
  int is_guessed;
  unsigned char *is_ignored;
} fn_columns;

/// Takes doubled quotes out of a field, into memory of its own.
void fn_unquote(fn_field *field);

/// Writes FN_RECORD_NAMES of `count` names called `what`. `order`: their places; 0: one after the other.
void fn_write_names(
    fn_table *table, const char *what, const fn_field *names, const uint64_t *order,
    uint64_t count);

/// Writes the sorted names of the classes, and into `y` each row's place among them. `records`: from the first row on.
/// Returns 0 with a fault where there are too many, or a name that is none.
int fn_read_names(
    fn_table *table, const fn_columns *what, fn_records records, double *y, fn_table_fault *fault);
