// Variables of MATLAB's, as libmatio has them.
#pragma once
#include <matio.h>

#include "CConfined.h"

/// Elements of a variable; 0 where they are too many to count.
static inline size_t fn_matlab_count(const matvar_t *variable) {
  size_t count = 1;
  if (!variable->dims) return 0;
  for (int axis = 0; axis < variable->rank; axis++)
    if (__builtin_mul_overflow(count, variable->dims[axis], &count)) return 0;
  return count;
}

/// Whether it is one struct.
int fn_matlab_has_fields(const matvar_t *variable);

/// The field at the end of "field.field"; NULL where there is none.
matvar_t *fn_matlab_field(matvar_t *variable, const char *path);

/// Writes texts as names of classes, if that is what a variable holds: a cell array with a text in each cell, or a matrix of
/// characters with one in each row.
void fn_write_matlab_names(fn_table *table, mat_t *file, matvar_t *variable, const char *name);
