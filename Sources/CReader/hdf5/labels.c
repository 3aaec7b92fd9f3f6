#ifdef FN_WITH_HDF5
// Datasets of strings that are names of classes.
#include <stdlib.h>
#include <string.h>

#include "../table/names.h"
#include "hdf5.h"
#include "storage.h"

/// Strings of a dataset; bytes of those of fixed length.
enum { LABEL_COUNT = 1 << 24 };

/// Strings as fields, those of fixed length without what fills them up. Returns 0 where one is too long.
static int fill_fixed(fn_field *fields, uint64_t count, const char *bytes, size_t size) {
  for (uint64_t i = 0; i < count; i++) {
    const char *text = bytes + i * size;
    size_t length = strnlen(text, size);
    while (length > 0 && text[length - 1] == ' ') length--;
    if (length > FN_TABLE_NAME) return 0;
    fields[i].text = (const unsigned char *)text;
    fields[i].length = length;
  }
  return 1;
}

static int fill_variable(fn_field *fields, uint64_t count, char *const *pointers) {
  for (uint64_t i = 0; i < count; i++) {
    size_t length = pointers[i] ? strnlen(pointers[i], FN_TABLE_NAME + 1) : 0;
    if (length > FN_TABLE_NAME) return 0;
    fields[i].text = (const unsigned char *)pointers[i];
    fields[i].length = length;
  }
  return 1;
}

/// Reads `count` strings of `type`.
static void read_labels(
    fn_h5_reading *reading, hid_t dataset, hid_t type, hid_t space, uint64_t count) {
  int is_variable = H5Tis_variable_str(type) > 0;
  size_t size = is_variable ? sizeof(char *) : H5Tget_size(type);
  uint64_t stored = is_variable ? 16 : size;
  int64_t found;
  if (size == 0 || count > UINT64_C(1) << 40 ||
      fn_h5_check_storage(dataset, count * stored, reading->size, &found) != FN_STORAGE_SOUND ||
      count * size > reading->allowance)
    return;
  hid_t memory = H5Tcopy(type);
  fn_field *fields = fn_keep(count * sizeof *fields);
  char *bytes = fn_keep(count * size);
  if (memory >= 0 && H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes) >= 0) {
    int is_filled = is_variable ? fill_variable(fields, count, (char *const *)(void *)bytes)
                                : fill_fixed(fields, count, bytes, size);
    if (is_filled) fn_write_labels(reading->table, reading->path, reading->length, fields, count);
    if (is_variable) H5Dvlen_reclaim(memory, space, H5P_DEFAULT, bytes);
  }
  if (memory >= 0) H5Tclose(memory);
}

void fn_h5_write_labels(fn_h5_reading *reading, hid_t dataset) {
  hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
  if (type >= 0 && space >= 0 && H5Tget_class(type) == H5T_STRING && H5Tcommitted(type) == 0 &&
      fn_h5_is_new(reading, "labels", "")) {
    hssize_t count = H5Sget_simple_extent_npoints(space);
    if (count > 0 && count <= LABEL_COUNT)
      read_labels(reading, dataset, type, space, (uint64_t)count);
  }
  if (type >= 0) H5Tclose(type);
  if (space >= 0) H5Sclose(space);
  fn_release();
}
#endif
