// Reads what is wanted of one HDF5 file into a table.
#pragma once
#include <hdf5.h>

#include "image.h"
#include "../include/CReader.h"
#include "paths.h"
#include "../request.h"

/// Values that are in the table, by where the file has them.
typedef struct {
  unsigned char address[16];
  uint64_t how, count, place;
} fn_h5_known;

/// One reading.
typedef struct {
  fn_table *table;
  hid_t file, links;
  /// Bytes of the file; of values that were stored as they are, so far; for values that grow, still.
  uint64_t size, plain, allowance;
  /// What has been written of: objects by their paths, attributes and values by path and name.
  fn_paths objects, items;
  fn_h5_known *known;
  size_t known_count, known_room;
  /// The path of the object that is looked at, from the root, which is "".
  char *path;
  size_t length;
  /// Something was too much; the reading ends.
  int is_over;
} fn_h5_reading;

enum { FN_H5_PATH = 65536, FN_H5_DEPTH = 1024, FN_H5_OBJECTS = 1 << 17, FN_H5_STEPS = 16 };

/// A list of strings of a file.
typedef struct {
  char **texts;
  size_t *lengths;
  size_t count;
} fn_h5_texts;

void fn_h5_free_texts(fn_h5_texts *texts);

/// Writes an attribute of the object at the reading's path; nothing if there is none. `texts`: gets its strings, and is to
/// be freed; may be NULL. Returns whether there is one.
int fn_h5_write_attribute(
    fn_h5_reading *reading, hid_t object, const char *name, fn_h5_texts *texts);

/// The same for a list that may be split into name0, name1, ...; calls `visit` for each string.
void fn_h5_write_list(
    fn_h5_reading *reading, hid_t object, const char *name,
    void (*visit)(fn_h5_reading *, hid_t, const char *, void *), void *data);

/// Writes a dataset's type, shape and storage.
void fn_h5_write_dataset(fn_h5_reading *reading, hid_t dataset);

/// Writes a dataset's values. `how`: FN_AS_...; `limit`: bytes that they may take, 0: as many as are small for the file.
void fn_h5_write_values(fn_h5_reading *reading, hid_t dataset, uint64_t how, uint64_t limit);

/// Writes a dataset of strings as names of classes: see FN_RECORD_LABELS; nothing of other datasets.
void fn_h5_write_labels(fn_h5_reading *reading, hid_t dataset);

/// Writes a dataset of MATLAB's texts, which says so, in the same way: a cell array of rows of characters, or a matrix of
/// them; nothing of other datasets.
void fn_h5_write_matlab_texts(fn_h5_reading *reading, hid_t dataset);

/// Whether path and name are new.
int fn_h5_is_new(fn_h5_reading *reading, const char *kind, const char *name);

/// The reason of the last failure.
const char *fn_h5_reason(void);
