// What the child process does: the directory of a MAT-file, then the values of some variables, written to a pipe.
#pragma once
#include <errno.h>
#include <matio.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum { FN_MAT_READ = 0, FN_MAT_FAILED = 1, FN_MAT_UNREADABLE = 2 };
enum { FN_MAT_RANK = 8, FN_MAT_NAMES = 8, FN_MAT_VARIABLES = 65536 };

/// One variable of the directory; the end of the directory has rank -1.
struct fn_mat_info {
  /// Cut off after 63 bytes, which is MATLAB's own limit.
  char name[64];
  /// enum matio_classes.
  int32_t kind;
  int32_t is_complex;
  /// May be more than there is room for extents.
  int32_t rank;
  int32_t reserved;
  uint64_t extents[FN_MAT_RANK];
};

static inline int fn_mat_write(int out, const void *bytes, size_t count) {
  const char *place = (const char *)bytes;
  while (count > 0) {
    ssize_t written = write(out, place, count);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return 0;
    place += written;
    count -= (size_t)written;
  }
  return 1;
}

static inline struct fn_mat_info fn_mat_describe(const matvar_t *variable) {
  struct fn_mat_info info;
  memset(&info, 0, sizeof info);
  if (variable->name) strncpy(info.name, variable->name, sizeof info.name - 1);
  info.kind = (int32_t)variable->class_type;
  info.is_complex = variable->isComplex != 0;
  info.rank = variable->rank < 0 || !variable->dims ? 0 : variable->rank;
  for (int axis = 0; axis < info.rank && axis < FN_MAT_RANK; axis++)
    info.extents[axis] = variable->dims[axis];
  return info;
}

/// Element `index` of numbers of one class, as double.
static inline double fn_mat_value(const void *data, int kind, size_t index) {
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

static inline size_t fn_mat_size(int kind) {
  switch (kind) {
    case MAT_C_DOUBLE: case MAT_C_INT64: case MAT_C_UINT64: return 8;
    case MAT_C_SINGLE: case MAT_C_INT32: case MAT_C_UINT32: return 4;
    case MAT_C_INT16: case MAT_C_UINT16: return 2;
    case MAT_C_INT8: case MAT_C_UINT8: return 1;
    default: return 0;
  }
}

/// Writes a variable's values as doubles, column-major as they are stored.
static inline int fn_mat_write_values(mat_t *file, matvar_t *variable, int out) {
  enum { CHUNK = 4096 };
  double chunk[CHUNK];
  int kind = (int)variable->class_type;
  size_t size = fn_mat_size(kind), count = 1;
  if (size == 0 || variable->isComplex || variable->rank < 1) return FN_MAT_UNREADABLE;
  for (int axis = 0; axis < variable->rank; axis++)
    if (__builtin_mul_overflow(count, variable->dims[axis], &count)) return FN_MAT_UNREADABLE;
  if (count == 0) return FN_MAT_READ;
  if (Mat_VarReadDataAll(file, variable) != 0 || !variable->data ||
      (size_t)variable->data_size != size || (int)variable->class_type != kind ||
      variable->nbytes / size != count)
    return FN_MAT_UNREADABLE;
  for (size_t start = 0; start < count; start += CHUNK) {
    size_t length = count - start < CHUNK ? count - start : CHUNK;
    for (size_t i = 0; i < length; i++)
      chunk[i] = fn_mat_value(variable->data, kind, start + i);
    if (!fn_mat_write(out, chunk, length * sizeof *chunk)) return FN_MAT_FAILED;
  }
  return FN_MAT_READ;
}

/// Writes the directory, its end, and then the values of those of `names` (at most FN_MAT_NAMES) that the file has, in
/// the order of `names`. A name that comes twice means the first.
/// Returns what the process is to exit with.
static inline int fn_mat_serve(const char *path, const char *const *names, size_t count, int out) {
  matvar_t *wanted[FN_MAT_NAMES] = {0};
  mat_t *file = Mat_Open(path, MAT_ACC_RDONLY);
  if (!file) return FN_MAT_UNREADABLE;
  for (int found = 0; found < FN_MAT_VARIABLES; found++) {
    matvar_t *variable = Mat_VarReadNextInfo(file);
    if (!variable) break;
    struct fn_mat_info info = fn_mat_describe(variable);
    if (!fn_mat_write(out, &info, sizeof info)) return FN_MAT_FAILED;
    int is_wanted = 0;
    for (size_t i = 0; i < count && i < FN_MAT_NAMES && !is_wanted; i++) {
      if (wanted[i] || strcmp(names[i], info.name) != 0) continue;
      wanted[i] = variable;
      is_wanted = 1;
    }
    if (!is_wanted) Mat_VarFree(variable);
  }
  struct fn_mat_info end = {.rank = -1};
  if (!fn_mat_write(out, &end, sizeof end)) return FN_MAT_FAILED;
  for (size_t i = 0; i < count && i < FN_MAT_NAMES; i++) {
    if (!wanted[i]) continue;
    int status = fn_mat_write_values(file, wanted[i], out);
    if (status != FN_MAT_READ) return status;
  }
  return FN_MAT_READ;
}
