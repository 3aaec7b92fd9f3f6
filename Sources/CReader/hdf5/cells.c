#ifdef FN_WITH_HDF5
// Texts of MATLAB 7.3: cell arrays of them, which are references to datasets of UTF-16, and matrices of characters.
// Source: MathWorks says nothing of it; what MATLAB writes: attributes MATLAB_class and MATLAB_empty, extents in reverse order.
#include <string.h>

#include "../table/names.h"
#include "../utf8.h"
#include "hdf5.h"
#include "storage.h"

/// Cells that are followed, each of which is opened.
enum { CELL_COUNT = 1 << 20 };

/// Whether an object says that it is of MATLAB's class `name`.
static int is_class(hid_t object, const char *name) {
  char text[32] = {0};
  if (H5Aexists(object, "MATLAB_class") <= 0) return 0;
  hid_t attribute = H5Aopen(object, "MATLAB_class", H5P_DEFAULT);
  if (attribute < 0) return 0;
  hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  int is_text = type >= 0 && space >= 0 && H5Tget_class(type) == H5T_STRING &&
                H5Tis_variable_str(type) == 0 && H5Tget_size(type) < sizeof text &&
                H5Sget_simple_extent_npoints(space) == 1 && H5Aread(attribute, type, text) >= 0;
  if (type >= 0) H5Tclose(type);
  if (space >= 0) H5Sclose(space);
  H5Aclose(attribute);
  return is_text && strcmp(text, name) == 0;
}

/// Units of UTF-16 of a dataset, and its extents; NULL where it is something else, or larger than `most`.
static uint16_t *units_of(
    fn_h5_reading *reading, hid_t dataset, hsize_t extents[2], uint64_t most) {
  hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
  uint16_t *units = NULL;
  int64_t found;
  if (type >= 0 && space >= 0 && H5Tget_class(type) == H5T_INTEGER && H5Tget_size(type) == 2 &&
      H5Tcommitted(type) == 0 && H5Sget_simple_extent_ndims(space) == 2 &&
      H5Sget_simple_extent_dims(space, extents, NULL) == 2 && extents[0] > 0 && extents[1] > 0 &&
      extents[0] <= most && extents[1] <= most / extents[0]) {
    uint64_t count = extents[0] * extents[1];
    if (fn_h5_check_storage(dataset, 2 * count, reading->size, &found) == FN_STORAGE_SOUND) {
      units = fn_keep(2 * count);
      if (H5Dread(dataset, H5T_NATIVE_UINT16, H5S_ALL, H5S_ALL, H5P_DEFAULT, units) < 0) units = NULL;
    }
  }
  if (type >= 0) H5Tclose(type);
  if (space >= 0) H5Sclose(space);
  return units;
}

/// A text in UTF-8 without spaces at its end.
static fn_field text_of(const uint16_t *units, uint64_t start, uint64_t stride, uint64_t count) {
  char *room = fn_keep(4 * count + 1), *to = room;
  for (uint64_t i = 0; i < count; i++)
    to = fn_put_character(to, fn_utf16_character(units, start, stride, count, &i));
  while (to > room && to[-1] == ' ') to--;
  return (fn_field){.text = (unsigned char *)room, .length = (uint64_t)(to - room)};
}

/// The text that a cell refers to: one row of characters. 0 where it is anything else.
static int read_cell(fn_h5_reading *reading, hid_t dataset, hobj_ref_t *cell, fn_field *field) {
  hid_t object = H5Rdereference2(dataset, H5P_DEFAULT, H5R_OBJECT, cell);
  if (object < 0) return 0;
  hsize_t extents[2];
  int is_text = H5Iget_type(object) == H5I_DATASET && is_class(object, "char");
  if (is_text && H5Aexists(object, "MATLAB_empty") > 0) {
    // Its values are the extents of nothing.
    *field = (fn_field){.text = (const unsigned char *)""};
  } else if (is_text) {
    const uint16_t *units = units_of(reading, object, extents, FN_TABLE_NAME);
    is_text = units && extents[1] == 1;
    if (is_text) *field = text_of(units, 0, 1, extents[0]);
  }
  H5Oclose(object);
  return is_text;
}

static void write_cells(fn_h5_reading *reading, hid_t dataset, uint64_t count) {
  int64_t found;
  if (fn_h5_check_storage(dataset, count * sizeof(hobj_ref_t), reading->size, &found) !=
      FN_STORAGE_SOUND)
    return;
  hobj_ref_t *cells = fn_keep(count * sizeof *cells);
  fn_field *fields = fn_keep(count * sizeof *fields);
  if (H5Dread(dataset, H5T_STD_REF_OBJ, H5S_ALL, H5S_ALL, H5P_DEFAULT, cells) < 0) return;
  for (uint64_t i = 0; i < count; i++)
    if (!read_cell(reading, dataset, &cells[i], &fields[i])) return;
  fn_write_labels(reading->table, reading->path, reading->length, fields, count);
}

/// Each row of a matrix of characters is a text.
static void write_rows(fn_h5_reading *reading, hid_t dataset) {
  hsize_t extents[2];
  const uint16_t *units = units_of(reading, dataset, extents, reading->allowance / 8);
  if (!units || extents[0] > FN_TABLE_NAME || extents[1] > CELL_COUNT) return;
  fn_field *fields = fn_keep(extents[1] * sizeof *fields);
  for (uint64_t row = 0; row < extents[1]; row++)
    fields[row] = text_of(units, row, extents[1], extents[0]);
  fn_write_labels(reading->table, reading->path, reading->length, fields, extents[1]);
}

void fn_h5_write_matlab_texts(fn_h5_reading *reading, hid_t dataset) {
  hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
  if (type >= 0 && space >= 0 && H5Aexists(dataset, "MATLAB_empty") <= 0) {
    hssize_t count = H5Sget_simple_extent_npoints(space);
    int is_cell = H5Tget_class(type) == H5T_REFERENCE && H5Tequal(type, H5T_STD_REF_OBJ) > 0;
    if (is_cell && count > 0 && count <= CELL_COUNT && is_class(dataset, "cell") &&
        fn_h5_is_new(reading, "labels", ""))
      write_cells(reading, dataset, (uint64_t)count);
    else if (!is_cell && is_class(dataset, "char") && fn_h5_is_new(reading, "labels", ""))
      write_rows(reading, dataset);
  }
  if (type >= 0) H5Tclose(type);
  if (space >= 0) H5Sclose(space);
  fn_release();
}
#endif
