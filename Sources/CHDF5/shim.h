// libhdf5 for Swift, which writes with it: its macros, which Swift does not see, as functions. Everything else is called by
// its own name. Reading: CReader.
#pragma once
#include <hdf5.h>

static inline unsigned fn_h5_truncate(void) { return H5F_ACC_TRUNC; }

static inline hid_t fn_h5_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t fn_h5_file_create(void) { return H5P_FILE_CREATE; }
static inline hid_t fn_h5_link_create(void) { return H5P_LINK_CREATE; }
static inline hid_t fn_h5_group_create(void) { return H5P_GROUP_CREATE; }
static inline hid_t fn_h5_dataset_create(void) { return H5P_DATASET_CREATE; }

static inline hid_t fn_h5_float32(void) { return H5T_IEEE_F32LE; }
static inline hid_t fn_h5_float64(void) { return H5T_IEEE_F64LE; }
static inline hid_t fn_h5_int64(void) { return H5T_STD_I64LE; }
static inline hid_t fn_h5_uint64(void) { return H5T_STD_U64LE; }
static inline hid_t fn_h5_native_float(void) { return H5T_NATIVE_FLOAT; }
static inline hid_t fn_h5_native_double(void) { return H5T_NATIVE_DOUBLE; }
static inline hid_t fn_h5_native_int64(void) { return H5T_NATIVE_INT64; }
static inline hid_t fn_h5_native_uint64(void) { return H5T_NATIVE_UINT64; }
static inline hid_t fn_h5_c_string(void) { return H5T_C_S1; }
static inline size_t fn_h5_variable(void) { return H5T_VARIABLE; }

static inline herr_t fn_h5_keep_message(unsigned depth, const H5E_error2_t *error, void *data) {
  const char **message = (const char **)data;
  if (depth == 0) *message = error->desc;
  return 0;
}

/// What the innermost failure of the last call was, or NULL. Valid until the next call.
static inline const char *fn_h5_last_message(void) {
  const char *message = NULL;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, fn_h5_keep_message, &message);
  return message;
}

/// No printing of error stacks.
static inline void fn_h5_be_quiet(void) { H5Eset_auto2(H5E_DEFAULT, NULL, NULL); }
