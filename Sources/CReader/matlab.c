// MATLAB's files of versions 4 to 7: their outer form first, then their numbers through libmatio.
#ifdef FN_WITH_MATIO
#include <matio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "matlab.h"
#include "parts.h"

/// What the outer form tells.
typedef struct {
  const unsigned char *bytes;
  uint64_t size;
  int is_little, is_version4;
  /// Of all variables, unpacked; how many they may be.
  uint64_t unpacked, limit, count;
  int fault;
  char text[64];
} outer_form;

static uint64_t word(const outer_form *form, uint64_t place) {
  const unsigned char *p = form->bytes + place;
  return form->is_little
             ? (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24
             : (uint64_t)p[3] | (uint64_t)p[2] << 8 | (uint64_t)p[1] << 16 | (uint64_t)p[0] << 24;
}

/// Versions 5 to 7 have the byte order at 126; all else is taken for version 4.
static outer_form begin(const unsigned char *bytes, uint64_t size, uint64_t limit) {
  outer_form form = {.bytes = bytes, .size = size, .limit = limit, .is_little = 1};
  int is_little = size >= 128 && bytes[126] == 'I' && bytes[127] == 'M';
  int is_big = size >= 128 && bytes[126] == 'M' && bytes[127] == 'I';
  form.is_version4 = !is_little && !is_big;
  if (is_big) form.is_little = 0;
  if (form.is_version4 && size >= 4 && word(&form, 0) >= 5000) form.is_little = 0;
  return form;
}

static void fail(outer_form *form, int fault, const char *text) {
  form->fault = fault;
  snprintf(form->text, sizeof form->text, "%s", text);
}

// MARK: - Versions 5 to 7

/// Unpacks a zlib stream to nowhere: libmatio reads as much as it needs and never gets to the checksum.
static void count_unpacked(outer_form *form, uint64_t place, uint64_t length) {
  static unsigned char buffer[1 << 16];
  z_stream stream = {0};
  if (inflateInit(&stream) != Z_OK) fn_give_up(FN_EXIT_MEMORY);
  stream.next_in = (unsigned char *)(uintptr_t)(form->bytes + place);
  stream.avail_in = (uInt)length;
  int status = Z_OK;
  while (status == Z_OK && form->unpacked <= form->limit) {
    stream.next_out = buffer;
    stream.avail_out = sizeof buffer;
    status = inflate(&stream, Z_NO_FLUSH);
    form->unpacked += sizeof buffer - stream.avail_out;
  }
  if (form->unpacked > form->limit) {
    fail(form, FN_FAULT_TOO_LONG, "");
  } else if (status == Z_BUF_ERROR) {
    fail(form, FN_FAULT_ZLIB, "cut off");
  } else if (status != Z_STREAM_END) {
    fail(form, FN_FAULT_ZLIB, stream.msg ? stream.msg : "an error without a name");
  } else if (stream.avail_in > 0) {
    char text[64];
    snprintf(text, sizeof text, "%u bytes behind its end", stream.avail_in);
    fail(form, FN_FAULT_ZLIB, text);
  }
  inflateEnd(&stream);
}

/// Layout: 128 bytes of header; then variables, each a tag (type and length of 32 bits) and that many bytes: a matrix
/// (14), or a zlib stream (15) that holds one.
static void walk_version5(outer_form *form) {
  uint64_t place = 128;
  while (place < form->size && form->fault == 0) {
    if (form->size - place < 8) return fail(form, FN_FAULT_CUT, "");
    uint64_t type = word(form, place), length = word(form, place + 4);
    place += 8;
    if (length > form->size - place) return fail(form, FN_FAULT_CUT, "");
    if (type == 14) {
      form->unpacked += length;
    } else if (type == 15) {
      count_unpacked(form, place, length);
    } else {
      char text[64];
      snprintf(text, sizeof text, "%llu", (unsigned long long)type);
      return fail(form, FN_FAULT_TYPE, text);
    }
    if (form->fault) return;
    if (form->unpacked > form->limit) return fail(form, FN_FAULT_TOO_LONG, "");
    place += length;
    form->count++;
  }
}

// MARK: - Version 4

/// Layout: variables without a file header; each 5 words of 32 bits (type 1000 M + 100 O + 10 P + T, rows, columns,
/// has an imaginary part, length of the name), the name, the values.
static int header_of_version4(const outer_form *form, uint64_t place, uint64_t *length) {
  static const uint64_t sizes[] = {8, 4, 4, 2, 2, 1};
  uint64_t words[5];
  for (int i = 0; i < 5; i++) words[i] = word(form, place + 4 * (uint64_t)i);
  uint64_t order = words[0] / 1000, reserved = words[0] / 100 % 10;
  uint64_t precision = words[0] / 10 % 10, kind = words[0] % 10;
  if (order != (form->is_little ? 0 : 1) || reserved != 0 || precision > 5 || kind > 2 ||
      words[3] > 1 || words[4] < 1 || words[4] > 1024)
    return FN_FAULT_HEADER;
  // Products of two words of 32 bits fit.
  uint64_t elements = words[1] * words[2], room = form->size - place - 20;
  if (elements > form->size || words[4] + elements * sizes[precision] * (words[3] + 1) > room)
    return FN_FAULT_CUT;
  *length = 20 + words[4] + elements * sizes[precision] * (words[3] + 1);
  return 0;
}

static void walk_version4(outer_form *form) {
  uint64_t place = 0, length = 0;
  while (place < form->size) {
    if (form->size - place < 20) return fail(form, FN_FAULT_CUT, "");
    int fault = header_of_version4(form, place, &length);
    if (fault) return fail(form, fault, "");
    place += length;
    form->count++;
  }
  form->unpacked = form->size;
}

// MARK: - libmatio

/// One file at a time. In a helper it is opened before the confinement, of which only reading it is left.
static mat_t *opened;

int fn_open_matlab(const fn_job *job) {
  // What libmatio reads while it opens the file is looked at first: the first 128 bytes, or version 4's first header.
  outer_form form = begin(job->bytes, job->size, 0);
  uint64_t length;
  if (opened) Mat_Close(opened);
  opened = NULL;
  if (job->size < 20 || (form.is_version4 && header_of_version4(&form, 0, &length) != 0)) return -1;
  // Version 7.3 is HDF5, which libmatio would read by itself.
  if (!form.is_version4 && job->bytes[form.is_little ? 125 : 124] != 1) return -1;
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", job->input);
  opened = Mat_Open(path, MAT_ACC_RDONLY);
  if (!opened) return -1;
  // A new descriptor takes the lowest number that is free.
  struct stat input, other;
  if (fstat(job->input, &input) != 0) return -1;
  for (int file = 0; file < 1024; file++)
    if (file != job->input && fstat(file, &other) == 0 && other.st_ino == input.st_ino &&
        other.st_dev == input.st_dev)
      return file;
  return -1;
}

static int class_of(const matvar_t *variable) {
  switch (variable->class_type) {
    case MAT_C_DOUBLE: case MAT_C_SINGLE: case MAT_C_INT8: case MAT_C_UINT8: case MAT_C_INT16:
    case MAT_C_UINT16: case MAT_C_INT32: case MAT_C_UINT32: case MAT_C_INT64: case MAT_C_UINT64:
      return FN_MATLAB_NUMBERS;
    case MAT_C_EMPTY: return FN_MATLAB_EMPTY;
    case MAT_C_CELL: return FN_MATLAB_CELL;
    case MAT_C_STRUCT: return FN_MATLAB_STRUCT;
    case MAT_C_OBJECT: case MAT_C_OPAQUE: return FN_MATLAB_OBJECT;
    case MAT_C_CHAR: return FN_MATLAB_TEXT;
    case MAT_C_SPARSE: return FN_MATLAB_SPARSE;
    case MAT_C_FUNCTION: return FN_MATLAB_FUNCTION;
    default: return FN_MATLAB_UNKNOWN;
  }
}

/// `name`: NULL where it has none.
static void write_variable(fn_table *table, const matvar_t *variable, const char *name) {
  int rank = variable->rank < 0 || !variable->dims ? 0 : variable->rank;
  int count = rank < FN_MATLAB_RANK ? rank : FN_MATLAB_RANK;
  fn_table_begin(table, FN_RECORD_VARIABLE);
  fn_table_text(table, name, name ? strlen(name) : 0);
  fn_table_number(table, (uint64_t)class_of(variable));
  fn_table_number(table, variable->isComplex != 0);
  fn_table_number(table, (uint64_t)rank);
  fn_table_number(table, (uint64_t)count);
  for (int axis = 0; axis < count; axis++) fn_table_number(table, variable->dims[axis]);
  fn_table_end(table);
}

// MARK: - Fields of structs

enum { PATH_LENGTH = 256, PATH_DEPTH = 3 };

/// Writes the fields of a struct, and of those in it, as "name.field".
static void write_fields(
    fn_table *table, matvar_t *variable, const char *name, int depth, int *number) {
  if (!fn_matlab_has_fields(variable) || depth == PATH_DEPTH) return;
  unsigned count = Mat_VarGetNumberOfFields(variable);
  char *const *names = Mat_VarGetStructFieldnames(variable);
  for (unsigned i = 0; names && i < count && *number < FN_MATLAB_VARIABLES; i++) {
    matvar_t *field = Mat_VarGetStructFieldByIndex(variable, i, 0);
    char path[PATH_LENGTH];
    if (!field || !names[i] ||
        snprintf(path, sizeof path, "%s.%s", name, names[i]) >= (int)sizeof path)
      continue;
    write_variable(table, field, path);
    ++*number;
    write_fields(table, field, path, depth + 1, number);
  }
}

// MARK: - Numbers

/// Element `index` of numbers of one class, as double.
static double value_at(const void *data, enum matio_classes kind, size_t index) {
  switch (kind) {
    case MAT_C_DOUBLE: return ((const double *)data)[index];
    case MAT_C_SINGLE: return ((const float *)data)[index];
    case MAT_C_INT8: return ((const int8_t *)data)[index];
    case MAT_C_UINT8: return ((const uint8_t *)data)[index];
    case MAT_C_INT16: return ((const int16_t *)data)[index];
    case MAT_C_UINT16: return ((const uint16_t *)data)[index];
    case MAT_C_INT32: return ((const int32_t *)data)[index];
    case MAT_C_UINT32: return ((const uint32_t *)data)[index];
    case MAT_C_INT64: return (double)((const int64_t *)data)[index];
    default: return (double)((const uint64_t *)data)[index];
  }
}

static size_t size_of(enum matio_classes kind) {
  switch (kind) {
    case MAT_C_DOUBLE: case MAT_C_INT64: case MAT_C_UINT64: return 8;
    case MAT_C_SINGLE: case MAT_C_INT32: case MAT_C_UINT32: return 4;
    case MAT_C_INT16: case MAT_C_UINT16: return 2;
    default: return 1;
  }
}

static void write_state(fn_table *table, const char *name, int state) {
  fn_table_begin(table, FN_RECORD_VALUES);
  fn_table_text(table, name, strlen(name));
  fn_table_number(table, (uint64_t)state);
  if (state == FN_VALUES_UNREADABLE) fn_table_text(table, "", 0);
  fn_table_end(table);
}

/// Writes a variable's values as doubles, column-major as they are stored.
static void write_values(
    fn_table *table, mat_t *file, matvar_t *variable, const char *name, uint64_t *limit) {
  enum matio_classes kind = variable->class_type;
  size_t size = size_of(kind), count = 1;
  if (kind == MAT_C_CELL || kind == MAT_C_CHAR) {
    fn_write_matlab_names(table, file, variable, name);
    return;
  }
  if (class_of(variable) != FN_MATLAB_NUMBERS || variable->isComplex || variable->rank < 1) return;
  for (int axis = 0; axis < variable->rank; axis++)
    if (__builtin_mul_overflow(count, variable->dims[axis], &count))
      return write_state(table, name, FN_VALUES_UNREADABLE);
  if (count > *limit / 8) return write_state(table, name, FN_VALUES_LATER);
  *limit -= count * 8;
  if (count > 0 &&
      (Mat_VarReadDataAll(file, variable) != 0 || !variable->data ||
       (size_t)variable->data_size != size || variable->class_type != kind ||
       variable->nbytes / size != count))
    return write_state(table, name, FN_VALUES_UNREADABLE);
  fn_table_begin(table, FN_RECORD_VALUES);
  fn_table_text(table, name, strlen(name));
  fn_table_number(table, FN_VALUES_HERE);
  fn_table_number(table, FN_AS_DOUBLE);
  fn_table_number(table, count);
  double *values = fn_table_room(table, count * sizeof *values);
  for (size_t i = 0; values && i < count; i++) values[i] = value_at(variable->data, kind, i);
  fn_table_end(table);
}

typedef struct {
  uint64_t count, limit;
  char *names[FN_MATLAB_NAMES];
  matvar_t *found[FN_MATLAB_NAMES];
} wanted;

/// Writes the directory, then the values of what is wanted, in that order. A name that comes twice means the first.
static void serve(fn_table *table, wanted *what) {
  for (int number = 0; number < FN_MATLAB_VARIABLES; number++) {
    matvar_t *variable = Mat_VarReadNextInfo(opened);
    if (!variable) break;
    write_variable(table, variable, variable->name);
    if (variable->name) write_fields(table, variable, variable->name, 0, &number);
    int is_wanted = 0;
    for (uint64_t i = 0; i < what->count; i++) {
      size_t length = variable->name ? strlen(variable->name) : 0;
      if (what->found[i] || length == 0 || strncmp(what->names[i], variable->name, length) != 0)
        continue;
      const char *rest = what->names[i] + length;
      what->found[i] = *rest == 0 ? variable : *rest == '.' ? fn_matlab_field(variable, rest + 1) : NULL;
      is_wanted = is_wanted || what->found[i];
    }
    if (!is_wanted) Mat_VarFree(variable);
  }
  for (uint64_t i = 0; i < what->count; i++)
    if (what->found[i]) write_values(table, opened, what->found[i], what->names[i], &what->limit);
}

int fn_read_matlab(
    fn_table *table, const unsigned char *bytes, uint64_t size, fn_source *request) {
  outer_form form = begin(bytes, size, fn_source_number(request));
  wanted what = {0};
  what.limit = fn_source_number(request);
  what.count = fn_source_number(request);
  if (what.count > FN_MATLAB_NAMES) return FN_EXIT_WORK;
  for (uint64_t i = 0; i < what.count; i++) {
    uint64_t length;
    const char *name = fn_source_text(request, &length);
    what.names[i] = calloc(1, length + 1);
    if (!what.names[i]) fn_give_up(FN_EXIT_MEMORY);
    memcpy(what.names[i], name, length);
  }
  if (request->is_short) return FN_EXIT_WORK;
  if (form.is_version4)
    walk_version4(&form);
  else
    walk_version5(&form);
  fn_table_begin(table, FN_RECORD_VARIABLES);
  fn_table_number(table, form.unpacked);
  fn_table_number(table, form.count);
  fn_table_end(table);
  if (form.fault)
    fn_write_fault(table, form.fault, form.text);
  else if (opened)
    serve(table, &what);
  else
    fn_write_fault(table, FN_FAULT_LIBRARY, "libmatio cannot read it");
  for (uint64_t i = 0; i < what.count; i++) free(what.names[i]);
  return FN_EXIT_DONE;
}
#endif
