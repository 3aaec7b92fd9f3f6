#ifdef FN_WITH_HDF5
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hdf5.h"
#include "storage.h"

void fn_h5_free_texts(fn_h5_texts *texts) {
  for (size_t i = 0; i < texts->count; i++) free(texts->texts[i]);
  free(texts->texts);
  free(texts->lengths);
  memset(texts, 0, sizeof *texts);
}

/// A copy of `length` bytes and a zero.
static char *copy(const char *bytes, size_t length) {
  char *text = malloc(length + 1);
  if (!text) fn_give_up(FN_EXIT_MEMORY);
  if (length > 0) memcpy(text, bytes, length);
  text[length] = 0;
  return text;
}

/// Bytes of a string of fixed length that belong to it.
static size_t trimmed(const char *bytes, size_t size, H5T_str_t padding) {
  if (padding == H5T_STR_NULLTERM) return strnlen(bytes, size);
  char filler = padding == H5T_STR_SPACEPAD ? ' ' : 0;
  while (size > 0 && bytes[size - 1] == filler) size--;
  return size;
}

/// Reads strings of fixed length. Returns FN_ATTRIBUTE_...
static int read_fixed(hid_t attribute, hid_t type, size_t count, fn_h5_texts *texts) {
  size_t size = H5Tget_size(type);
  if (size == 0 || size > FN_TEXT_BYTES / count) return FN_ATTRIBUTE_TEXT;
  char *bytes = calloc(count, size);
  if (!bytes) fn_give_up(FN_EXIT_MEMORY);
  if (H5Aread(attribute, type, bytes) < 0) {
    free(bytes);
    return FN_ATTRIBUTE_UNREADABLE;
  }
  H5T_str_t padding = H5Tget_strpad(type);
  for (size_t i = 0; i < count; i++) {
    texts->lengths[i] = trimmed(bytes + i * size, size, padding);
    texts->texts[i] = copy(bytes + i * size, texts->lengths[i]);
  }
  free(bytes);
  return FN_ATTRIBUTE_TEXTS;
}

/// Reads strings of variable length. Returns FN_ATTRIBUTE_...
static int read_variable(
    hid_t attribute, hid_t type, hid_t space, size_t count, fn_h5_texts *texts) {
  hid_t memory = H5Tcopy(H5T_C_S1);
  H5Tset_size(memory, H5T_VARIABLE);
  H5Tset_cset(memory, H5Tget_cset(type));
  char **pointers = calloc(count, sizeof *pointers);
  if (!pointers) fn_give_up(FN_EXIT_MEMORY);
  int form = FN_ATTRIBUTE_TEXTS;
  size_t total = 0;
  if (H5Aread(attribute, memory, pointers) < 0) form = FN_ATTRIBUTE_UNREADABLE;
  for (size_t i = 0; form == FN_ATTRIBUTE_TEXTS && i < count; i++) {
    size_t length = pointers[i] ? strnlen(pointers[i], FN_TEXT_BYTES + 1) : 0;
    total += length;
    if (total > FN_TEXT_BYTES) {
      form = FN_ATTRIBUTE_TEXT;
      break;
    }
    texts->lengths[i] = length;
    texts->texts[i] = copy(pointers[i], length);
  }
  if (form != FN_ATTRIBUTE_UNREADABLE) H5Dvlen_reclaim(memory, space, H5P_DEFAULT, pointers);
  free(pointers);
  H5Tclose(memory);
  return form;
}

/// Reads strings, scalar or in a list. Returns FN_ATTRIBUTE_...
static int read_texts(hid_t attribute, hid_t type, hid_t space, fn_h5_texts *texts) {
  hssize_t count = H5Sget_simple_extent_npoints(space);
  if (count > FN_TEXT_COUNT) return FN_ATTRIBUTE_COUNT;
  // libhdf5 1.10 believes a damaged size and reads lengths from whatever is behind it in memory.
  if (!fn_h5_strings_fit(attribute, type, (uint64_t)count)) return FN_ATTRIBUTE_SIZE;
  texts->texts = calloc((size_t)count, sizeof *texts->texts);
  texts->lengths = calloc((size_t)count, sizeof *texts->lengths);
  if (!texts->texts || !texts->lengths) fn_give_up(FN_EXIT_MEMORY);
  texts->count = (size_t)count;
  return H5Tis_variable_str(type) > 0
             ? read_variable(attribute, type, space, (size_t)count, texts)
             : read_fixed(attribute, type, (size_t)count, texts);
}

/// Reads one number. Returns FN_ATTRIBUTE_...
static int read_number(hid_t attribute, hid_t type, hid_t space, uint64_t *bits) {
  H5T_class_t kind = H5Tget_class(type);
  if (H5Sget_simple_extent_type(space) != H5S_SCALAR || H5Tget_size(type) > 8)
    return FN_ATTRIBUTE_TYPE;
  if (kind == H5T_FLOAT) {
    double value = 0;
    if (H5Aread(attribute, H5T_NATIVE_DOUBLE, &value) < 0) return FN_ATTRIBUTE_UNREADABLE;
    memcpy(bits, &value, sizeof value);
    return FN_ATTRIBUTE_FLOAT;
  }
  if (kind != H5T_INTEGER) return FN_ATTRIBUTE_TYPE;
  int is_signed = H5Tget_sign(type) == H5T_SGN_2;
  if (H5Aread(attribute, is_signed ? H5T_NATIVE_INT64 : H5T_NATIVE_UINT64, bits) < 0)
    return FN_ATTRIBUTE_UNREADABLE;
  return is_signed ? FN_ATTRIBUTE_SIGNED : FN_ATTRIBUTE_UNSIGNED;
}

/// Reads an attribute. Returns FN_ATTRIBUTE_...
static int read_attribute(hid_t attribute, fn_h5_texts *texts, uint64_t *number) {
  hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  int form = FN_ATTRIBUTE_UNREADABLE;
  if (type >= 0 && space >= 0) {
    H5S_class_t kind = H5Sget_simple_extent_type(space);
    int rank = kind == H5S_SIMPLE ? H5Sget_simple_extent_ndims(space) : 0;
    hssize_t count = H5Sget_simple_extent_npoints(space);
    if ((kind != H5S_SIMPLE && kind != H5S_SCALAR) || rank < 0 || rank > 1 || count < 0)
      form = FN_ATTRIBUTE_SHAPE;
    else if (count == 0)
      form = FN_ATTRIBUTE_EMPTY;
    else if (H5Tcommitted(type) != 0)
      form = FN_ATTRIBUTE_TYPE;
    else if (H5Tget_class(type) == H5T_STRING)
      form = read_texts(attribute, type, space, texts);
    else
      form = read_number(attribute, type, space, number);
    if (form == FN_ATTRIBUTE_COUNT || form == FN_ATTRIBUTE_SIZE) *number = (uint64_t)count;
  }
  if (type >= 0) H5Tclose(type);
  if (space >= 0) H5Sclose(space);
  return form;
}

static void write_contents(fn_table *table, int form, const fn_h5_texts *texts, uint64_t number) {
  switch (form) {
    case FN_ATTRIBUTE_TEXTS:
      fn_table_number(table, texts->count);
      for (size_t i = 0; i < texts->count; i++)
        fn_table_text(table, texts->texts[i], texts->lengths[i]);
      break;
    case FN_ATTRIBUTE_UNREADABLE: {
      const char *reason = fn_h5_reason();
      fn_table_text(table, reason, strlen(reason));
      break;
    }
    default: fn_table_number(table, number);
  }
}

int fn_h5_write_attribute(
    fn_h5_reading *reading, hid_t object, const char *name, fn_h5_texts *texts) {
  fn_h5_texts own = {0}, *found = texts ? texts : &own;
  uint64_t number = 0;
  htri_t exists = H5Aexists(object, name);
  if (exists == 0) return 0;
  hid_t attribute = exists > 0 ? H5Aopen(object, name, H5P_DEFAULT) : -1;
  int form =
      attribute >= 0 ? read_attribute(attribute, found, &number) : FN_ATTRIBUTE_UNREADABLE;
  if (fn_h5_is_new(reading, "attribute", name)) {
    fn_table_begin(reading->table, FN_RECORD_ATTRIBUTE);
    fn_table_text(reading->table, reading->path, reading->length);
    fn_table_text(reading->table, name, strlen(name));
    fn_table_number(reading->table, (uint64_t)form);
    write_contents(reading->table, form, found, number);
    fn_table_end(reading->table);
  }
  if (form != FN_ATTRIBUTE_TEXTS) fn_h5_free_texts(found);
  fn_h5_free_texts(&own);
  if (attribute >= 0) H5Aclose(attribute);
  return 1;
}

void fn_h5_write_list(
    fn_h5_reading *reading, hid_t object, const char *name,
    void (*visit)(fn_h5_reading *, hid_t, const char *, void *), void *data) {
  char part[256];
  size_t total = 0;
  for (int number = -1; number < FN_TEXT_COUNT && !reading->is_over; number++) {
    int length = number < 0 ? snprintf(part, sizeof part, "%s", name)
                            : snprintf(part, sizeof part, "%s%d", name, number);
    if (length < 0 || (size_t)length >= sizeof part) return;
    fn_h5_texts texts = {0};
    int is_there = fn_h5_write_attribute(reading, object, part, &texts);
    for (size_t i = 0; visit && i < texts.count && !reading->is_over; i++)
      // A name that holds a zero is none.
      if (strlen(texts.texts[i]) == texts.lengths[i]) visit(reading, object, texts.texts[i], data);
    total += texts.count;
    fn_h5_free_texts(&texts);
    if (number < 0 ? is_there : !is_there || total > FN_TEXT_COUNT) return;
  }
}
#endif
