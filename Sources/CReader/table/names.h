// Names of classes: texts in order, each once.
#pragma once
#include "../include/CReader.h"
#include "records.h"

/// Memory of zeros for all that a table takes while it is read; gone with `fn_release`.
void *fn_keep(uint64_t size);
void fn_release(void);

/// Sorts `count` fields by their bytes, as Python sorts texts of UTF-8. Quotes that are doubled must have been taken out.
/// Returns the places of the fields in that order.
uint64_t *fn_sorted_names(const fn_field *fields, uint64_t count);

/// < 0, 0 or > 0, as `memcmp`.
int fn_compare_names(const fn_field *left, const fn_field *right);

/// Sorts fields as `fn_sorted_names` does and gives each one its name's place among the names, each of which counts once.
/// Returns the places of the first fields with each name, in order, `names` of them.
uint64_t *fn_number_names(
    const fn_field *fields, uint64_t count, double *places, uint64_t *names);

/// Writes the names that `count` fields hold, and each field's place among them (FN_RECORD_LABELS); nothing where there are
/// too many. `name`: what they belong to, `number` bytes; NULL: an array's place in the request.
void fn_write_labels(
    fn_table *table, const char *name, uint64_t number, const fn_field *fields, uint64_t count);
