#ifdef FN_WITH_HDF5
#include <stdlib.h>
#include <string.h>

#include "hdf5.h"
#include "storage.h"
#include "types.h"

// MARK: - Type, shape, storage

/// FN_FORM_... of a type, 0 for those that are not read.
static int form_of(hid_t type) {
  size_t size = H5Tget_size(type);
  switch (H5Tget_class(type)) {
    case H5T_FLOAT:
      if (H5Tequal(type, H5T_IEEE_F32LE) > 0 || H5Tequal(type, H5T_IEEE_F32BE) > 0)
        return FN_FORM_FLOAT32;
      if (H5Tequal(type, H5T_IEEE_F64LE) > 0 || H5Tequal(type, H5T_IEEE_F64BE) > 0)
        return FN_FORM_FLOAT64;
      return fn_h5_is_float16(type) ? FN_FORM_FLOAT16 : 0;
    case H5T_INTEGER:
      return (size == 1 || size == 2 || size == 4 || size == 8) &&
                     H5Tget_precision(type) == size * 8
                 ? FN_FORM_INTEGER
                 : 0;
    case H5T_ENUM: return fn_h5_is_boolean(type) ? FN_FORM_BOOLEAN : 0;
    default: return 0;
  }
}

/// What is known of a dataset before its values are read.
typedef struct {
  int form, is_committed, rank;
  H5T_class_t kind;
  size_t size;
  hsize_t extents[H5S_MAX_RANK];
  /// 0 for those without a simple shape, or of more values than can be counted.
  int has_shape, has_count;
  uint64_t count;
  int fault;
  int64_t found;
} description;

static void describe_shape(hid_t space, description *what) {
  H5S_class_t kind = H5Sget_simple_extent_type(space);
  what->has_shape = kind == H5S_SCALAR || kind == H5S_SIMPLE;
  if (kind == H5S_SIMPLE) {
    what->rank = H5Sget_simple_extent_ndims(space);
    if (what->rank < 0 || what->rank > H5S_MAX_RANK ||
        H5Sget_simple_extent_dims(space, what->extents, NULL) != what->rank)
      what->has_shape = 0;
  }
  what->count = 1;
  what->has_count = what->has_shape;
  for (int axis = 0; axis < what->rank && what->has_shape; axis++)
    if (__builtin_mul_overflow(what->count, what->extents[axis], &what->count)) what->has_count = 0;
  if (what->count > UINT64_C(1) << 40) what->has_count = 0;
}

static description describe(fn_h5_reading *reading, hid_t dataset) {
  description what = {0};
  what.fault = FN_STORAGE_UNREADABLE;
  what.kind = H5T_NO_CLASS;
  hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
  if (type >= 0 && space >= 0) {
    what.kind = H5Tget_class(type);
    what.size = H5Tget_size(type);
    what.is_committed = H5Tcommitted(type) != 0;
    what.form = form_of(type);
    describe_shape(space, &what);
    if (what.has_count)
      what.fault =
          fn_h5_check_storage(dataset, what.count * what.size, reading->size, &what.found);
  }
  if (type >= 0) H5Tclose(type);
  if (space >= 0) H5Sclose(space);
  return what;
}

void fn_h5_write_dataset(fn_h5_reading *reading, hid_t dataset) {
  fn_table *table = reading->table;
  description what = describe(reading, dataset);
  fn_table_begin(table, FN_RECORD_DATASET);
  fn_table_text(table, reading->path, reading->length);
  fn_table_number(table, (uint64_t)what.form);
  fn_table_number(table, (uint64_t)(int64_t)what.kind);
  fn_table_number(table, what.size);
  fn_table_number(table, (uint64_t)what.is_committed);
  fn_table_number(table, (uint64_t)what.has_shape);
  fn_table_number(table, (uint64_t)what.rank);
  for (int axis = 0; axis < what.rank; axis++) fn_table_number(table, what.extents[axis]);
  fn_table_number(table, (uint64_t)what.fault);
  fn_table_number(table, (uint64_t)what.found);
  fn_table_end(table);
  // Keras' remark that the values stand for another type.
  fn_h5_write_attribute(reading, dataset, "dtype", NULL);
}

// MARK: - Values

/// As what values of `form` are written.
static uint64_t resolved(uint64_t how, int form) {
  if (how != FN_AS_STORED) return how;
  return form == FN_FORM_FLOAT16 || form == FN_FORM_FLOAT32 ? FN_AS_FLOAT : FN_AS_DOUBLE;
}

/// Whether values may be read without asking: those that are stored as they are, as often as the file has them; of those
/// that are packed, what fits the allowance.
static int is_small(
    fn_h5_reading *reading, hid_t dataset, const description *what, uint64_t bytes) {
  hid_t list = H5Dget_create_plist(dataset);
  if (list < 0) return 0;
  int is_chunked = H5Pget_layout(list) == H5D_CHUNKED;
  uint64_t chunk = what->size;
  if (is_chunked) {
    hsize_t extents[H5S_MAX_RANK];
    int rank = H5Pget_chunk(list, H5S_MAX_RANK, extents);
    for (int i = 0; i < rank; i++)
      if (__builtin_mul_overflow(chunk, extents[i], &chunk)) chunk = UINT64_MAX;
  }
  H5Pclose(list);
  if (!is_chunked) {
    uint64_t stored = what->count * what->size;
    if (stored > reading->size - reading->plain) return 0;
    reading->plain += stored;
    return 1;
  }
  if (chunk > (uint64_t)16 << 20 || bytes > reading->allowance) return 0;
  reading->allowance -= bytes;
  return 1;
}

/// What identifies an object inside of its file.
static int address_of(hid_t object, unsigned char address[16]) {
  H5O_info_t info;
  memset(address, 0, 16);
#if H5_VERSION_GE(1, 12, 0)
  if (H5Oget_info(object, &info, H5O_INFO_BASIC) < 0) return 0;
  memcpy(address, &info.token, sizeof info.token < 16 ? sizeof info.token : 16);
#else
  if (H5Oget_info(object, &info) < 0) return 0;
  memcpy(address, &info.addr, sizeof info.addr);
#endif
  return 1;
}

static const fn_h5_known *known(
    const fn_h5_reading *reading, const unsigned char address[16], uint64_t how) {
  for (size_t i = reading->known_count; i > 0; i--) {
    const fn_h5_known *other = &reading->known[i - 1];
    if (other->how == how && memcmp(other->address, address, 16) == 0) return other;
  }
  return NULL;
}

static void remember(fn_h5_reading *reading, fn_h5_known values) {
  if (reading->known_count == reading->known_room) {
    size_t room = reading->known_room ? 2 * reading->known_room : 64;
    // Looking through more would take the square of their number.
    if (room > 4096) return;
    fn_h5_known *more = realloc(reading->known, room * sizeof *more);
    if (!more) fn_give_up(FN_EXIT_MEMORY);
    reading->known = more;
    reading->known_room = room;
  }
  reading->known[reading->known_count++] = values;
}

static void begin(fn_h5_reading *reading, uint64_t state) {
  fn_table_begin(reading->table, FN_RECORD_VALUES);
  fn_table_text(reading->table, reading->path, reading->length);
  fn_table_number(reading->table, state);
}

/// Reads booleans, which libhdf5 does not turn into numbers. 0: unreadable; 1: done; 2: `odd` is none.
static int read_booleans(
    hid_t dataset, void *values, uint64_t count, uint64_t how, unsigned char *odd) {
  hid_t type = H5Dget_type(dataset);
  unsigned char *bytes = malloc(count);
  if (!bytes) fn_give_up(FN_EXIT_MEMORY);
  int result = H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes) >= 0;
  for (uint64_t i = 0; result == 1 && i < count; i++) {
    if (bytes[i] > 1) {
      *odd = bytes[i];
      result = 2;
    }
    if (how == FN_AS_FLOAT)
      ((float *)values)[i] = bytes[i];
    else
      ((double *)values)[i] = bytes[i];
  }
  free(bytes);
  H5Tclose(type);
  return result;
}

/// Reads `what->count` values into the table.
static void read_values(
    fn_h5_reading *reading, hid_t dataset, const description *what, uint64_t how) {
  fn_table *table = reading->table;
  uint64_t start = table->used;
  begin(reading, FN_VALUES_HERE);
  fn_table_number(table, how);
  fn_table_number(table, what->count);
  unsigned char *values = fn_table_room(table, what->count * (how == FN_AS_FLOAT ? 4 : 8));
  if (!values) return;
  fn_h5_known here = {.how = how, .count = what->count, .place = (uint64_t)(values - table->bytes)};
  unsigned char odd = 0;
  int result = 1;
  if (what->count > 0 && what->form == FN_FORM_BOOLEAN)
    result = read_booleans(dataset, values, what->count, how, &odd);
  else if (what->count > 0)
    result = H5Dread(
                 dataset, how == FN_AS_FLOAT ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE, H5S_ALL,
                 H5S_ALL, H5P_DEFAULT, values) >= 0;
  if (result == 1) {
    fn_table_end(table);
    if (address_of(dataset, here.address)) remember(reading, here);
    return;
  }
  fn_table_take_back(table, start);
  begin(reading, result == 2 ? FN_VALUES_ODD : FN_VALUES_UNREADABLE);
  const char *reason = fn_h5_reason();
  if (result == 2)
    fn_table_number(table, odd);
  else
    fn_table_text(table, reason, strlen(reason));
  fn_table_end(table);
}

void fn_h5_write_values(fn_h5_reading *reading, hid_t dataset, uint64_t how, uint64_t limit) {
  fn_table *table = reading->table;
  description what = describe(reading, dataset);
  if (what.form == 0 || what.is_committed || !what.has_count || what.fault != FN_STORAGE_SOUND)
    return;
  int is_whole = what.form == FN_FORM_INTEGER || what.form == FN_FORM_BOOLEAN;
  if (how == FN_AS_STORED && is_whole && what.count > 65536) return;
  how = resolved(how, what.form);
  if (!fn_h5_is_new(reading, how == FN_AS_FLOAT ? "float" : "double", "")) return;
  unsigned char address[16];
  const fn_h5_known *other = address_of(dataset, address) ? known(reading, address, how) : NULL;
  if (other) {
    begin(reading, FN_VALUES_HERE);
    fn_table_number(table, how);
    fn_table_number(table, other->count);
    fn_table_number(table, other->place);
    fn_table_end(table);
    return;
  }
  uint64_t bytes = what.count * (how == FN_AS_FLOAT ? 4 : 8);
  if (limit > 0 ? bytes <= limit : is_small(reading, dataset, &what, bytes)) {
    read_values(reading, dataset, &what, how);
    return;
  }
  begin(reading, FN_VALUES_LATER);
  fn_table_end(table);
}
#endif
