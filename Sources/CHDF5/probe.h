// A trial reading in a child process: libhdf5 1.10 crashes on some damaged files, and no check before the call can
// tell. What kills the child is then an error and not the end. The child reads everything that the readers will read,
// values included, within limits of memory and time.
#pragma once
#include <hdf5.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "source.h"
#include "storage.h"
#include "types.h"

/// What the readers will look for besides Keras' own names.
typedef struct {
  /// Datasets, and groups of datasets called 0, 1, ...; paths from the root.
  const char *const *names;
  size_t name_count;
  /// Attributes of the group /fixednet, and lists in its group history.
  const char *const *attributes;
  size_t attribute_count;
  const char *const *lists;
  size_t list_count;
} fn_h5_wanted;

/// One trial reading.
typedef struct {
  hid_t file, links;
  uint64_t file_size;
  /// What everything but values may take (0: no limit), values read so far, and the time for all.
  /// Units: bytes, seconds.
  uint64_t memory, values, seconds;
} fn_h5_trial;

/// Results of `fn_h5_probe` besides a signal's number.
enum { FN_H5_NO_CHILD = -1, FN_H5_SURVIVES = 0, FN_H5_TOO_MUCH_MEMORY = 1000 };

/// The process's address space, from Linux' /proc/self/statm; 0 where that cannot be read.
static inline uint64_t fn_h5_address_space(void) {
  char text[64] = {0};
  int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  return length > 0 ? strtoull(text, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

/// Allows for `bytes` of values to be read next.
static inline void fn_h5_allow(fn_h5_trial *trial, uint64_t bytes) {
  if (trial->memory) {
    struct rlimit memory = {trial->memory + 2 * bytes, RLIM_INFINITY};
    setrlimit(RLIMIT_AS, &memory);
  }
  // No honest file expands further, even where it lists everything twice.
  trial->values += bytes;
  if (trial->values / 4096 > trial->file_size) _exit(1);
  trial->seconds += bytes >> 25;
  struct rlimit time = {trial->seconds, RLIM_INFINITY};
  setrlimit(RLIMIT_CPU, &time);
  alarm((unsigned)(trial->seconds < 1 << 20 ? 10 * trial->seconds : 10 << 20));
}

static inline herr_t fn_h5_find_shortage(unsigned depth, const H5E_error2_t *error, void *data) {
  (void)depth;
  if (error->min_num == H5E_NOSPACE || error->min_num == H5E_CANTALLOC) *(int *)data = 1;
  return 0;
}

/// Called after every failure in the child: one for want of memory ends it, as the reader has no such limit.
static inline herr_t fn_h5_end_at_shortage(hid_t stack, void *data) {
  int shortage = 0;
  (void)data;
  H5Ewalk2(stack, H5E_WALK_UPWARD, fn_h5_find_shortage, &shortage);
  if (shortage) _exit(1);
  return 0;
}

/// Opens what hard links lead to, component by component; negative where there is nothing.
static inline hid_t fn_h5_trial_open(fn_h5_trial *trial, hid_t group, const char *path) {
  // As long as `HDF5File.pathLimit` and a zero.
  static char name[65537];
  size_t length = strlen(path);
  if (length == 0 || length >= sizeof name) return -1;
  memcpy(name, path, length + 1);
  hid_t current = -1;
  char *component = name;
  for (int depth = 0; component && depth < 1024; depth++) {
    char *slash = strchr(component, '/');
    if (slash) *slash = 0;
    hid_t parent = depth ? current : group;
    hid_t next = -1;
    if (H5Iget_type(parent) == H5I_GROUP || H5Iget_type(parent) == H5I_FILE)
      if (*component && fn_h5_link_kind(parent, component, trial->links) == H5L_TYPE_HARD)
        next = H5Oopen(parent, component, trial->links);
    if (depth) H5Oclose(current);
    if (next < 0) return -1;
    current = next;
    component = slash ? slash + 1 : NULL;
  }
  return current;
}

/// Reads a string attribute, fixed or variable, scalar or list; sets `count`. NULL where it cannot. Frees no
/// string: the child ends soon.
static inline char **fn_h5_trial_strings(hid_t object, const char *name, size_t *count) {
  *count = 0;
  if (H5Aexists(object, name) <= 0) return NULL;
  hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  hssize_t points = H5Sget_simple_extent_npoints(space);
  if (H5Tget_class(type) != H5T_STRING || points < 1 || points > 65536 ||
      !fn_h5_strings_fit(attribute, type, (uint64_t)points))
    return NULL;
  char **strings = (char **)calloc((size_t)points, sizeof(char *));
  if (!strings) return NULL;
  if (H5Tis_variable_str(type) > 0) {
    hid_t memory = H5Tcopy(H5T_C_S1);
    H5Tset_size(memory, H5T_VARIABLE);
    H5Tset_cset(memory, H5Tget_cset(type));
    if (H5Aread(attribute, memory, strings) < 0) return NULL;
    volatile size_t length = 0;
    for (hssize_t i = 0; i < points; i++) length += strings[i] ? strlen(strings[i]) : 0;
  } else {
    size_t size = H5Tget_size(type);
    if (size == 0 || size > ((size_t)16 << 20) / (size_t)points) return NULL;
    char *bytes = (char *)malloc(size * (size_t)points);
    if (!bytes || H5Aread(attribute, type, bytes) < 0) return NULL;
    for (hssize_t i = 0; i < points; i++) strings[i] = strndup(bytes + size * (size_t)i, size);
  }
  H5Sclose(space);
  H5Tclose(type);
  H5Aclose(attribute);
  *count = (size_t)points;
  return strings;
}

/// Whether the readers take values of this type.
static inline int fn_h5_is_number(hid_t type) {
  if (H5Tcommitted(type) != 0) return 0;
  switch (H5Tget_class(type)) {
    case H5T_INTEGER: return H5Tget_size(type) <= 8;
    case H5T_FLOAT:
      return H5Tequal(type, H5T_IEEE_F32LE) > 0 || H5Tequal(type, H5T_IEEE_F32BE) > 0 ||
             H5Tequal(type, H5T_IEEE_F64LE) > 0 || H5Tequal(type, H5T_IEEE_F64BE) > 0 ||
             fn_h5_is_float16(type);
    case H5T_ENUM: return fn_h5_is_boolean(type);
    default: return 0;
  }
}

/// Reads an attribute that is a text or a number.
static inline void fn_h5_trial_attribute(hid_t object, const char *name) {
  size_t count;
  double value;
  if (fn_h5_trial_strings(object, name, &count) || H5Aexists(object, name) <= 0) return;
  hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  if (H5Sget_simple_extent_npoints(space) == 1 && fn_h5_is_number(type))
    H5Aread(attribute, H5T_NATIVE_DOUBLE, &value);
  H5Sclose(space);
  H5Tclose(type);
  H5Aclose(attribute);
}

/// Reads a dataset's values where the readers would.
static inline void fn_h5_trial_values(fn_h5_trial *trial, hid_t dataset) {
  size_t count;
  fn_h5_trial_strings(dataset, "dtype", &count);
  hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
  hssize_t points = H5Sget_simple_extent_npoints(space);
  int64_t found;
  if (type >= 0 && fn_h5_is_number(type) && points > 0 && points <= (hssize_t)1 << 31) {
    uint64_t declared = (uint64_t)points * H5Tget_size(type);
    if (fn_h5_check_storage(dataset, declared, trial->file_size, &found) == FN_H5_STORAGE_SOUND) {
      fn_h5_allow(trial, declared + (uint64_t)points * sizeof(float));
      void *values = malloc((size_t)points * sizeof(float));
      hid_t memory = fn_h5_is_boolean(type) ? type : H5T_NATIVE_FLOAT;
      if (values) H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
      free(values);
    }
  }
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
}

/// Reads a dataset, or the datasets 0, 1, ... of a group.
static inline void fn_h5_trial_item(fn_h5_trial *trial, hid_t group, const char *name) {
  hid_t object = fn_h5_trial_open(trial, group, name);
  if (object < 0) return;
  size_t count;
  fn_h5_trial_strings(object, "MATLAB_class", &count);
  fn_h5_trial_attribute(object, "MATLAB_sparse");
  fn_h5_trial_attribute(object, "MATLAB_empty");
  if (H5Iget_type(object) == H5I_DATASET) fn_h5_trial_values(trial, object);
  if (H5Iget_type(object) == H5I_GROUP) {
    fn_h5_trial_strings(object, "name", &count);
    for (int number = 0; number < 65536; number++) {
      char text[16];
      snprintf(text, sizeof text, "%d", number);
      hid_t dataset = fn_h5_trial_open(trial, object, text);
      if (dataset < 0) break;
      if (H5Iget_type(dataset) == H5I_DATASET) fn_h5_trial_values(trial, dataset);
      H5Oclose(dataset);
    }
  }
  H5Oclose(object);
}

/// Reads a list of names that may be split into name0, name1, ...; `visit` is called for each.
static inline void fn_h5_trial_list(
    fn_h5_trial *trial, hid_t object, const char *name,
    void (*visit)(fn_h5_trial *, hid_t, const char *)) {
  char part[64];
  for (int number = -1; number < 65536; number++) {
    if (number < 0)
      snprintf(part, sizeof part, "%s", name);
    else
      snprintf(part, sizeof part, "%s%d", name, number);
    if (H5Aexists(object, part) <= 0) {
      if (number < 0) continue;
      return;
    }
    size_t count;
    char **strings = fn_h5_trial_strings(object, part, &count);
    for (size_t i = 0; strings && i < count; i++)
      if (strings[i]) visit(trial, object, strings[i]);
    if (number < 0) return;
  }
}

/// The weights that a group of Keras' legacy layout lists.
static inline void fn_h5_trial_layer(fn_h5_trial *trial, hid_t group, const char *name) {
  hid_t layer = fn_h5_trial_open(trial, group, name);
  if (layer < 0) return;
  if (H5Iget_type(layer) == H5I_GROUP)
    fn_h5_trial_list(trial, layer, "weight_names", fn_h5_trial_item);
  H5Oclose(layer);
}

/// Opens a file and reads all that the readers will read.
static inline void fn_h5_trial_run(
    fn_h5_trial *trial, const fn_h5_source *source, const fn_h5_wanted *wanted) {
  size_t count;
  trial->links = fn_h5_careful_links();
  trial->file = fn_h5_open_source(source);
  if (trial->file < 0) return;
  hid_t file = trial->file;
  fn_h5_trial_strings(file, "model_config", &count);
  fn_h5_trial_strings(file, "training_config", &count);
  fn_h5_trial_strings(file, "keras_version", &count);
  fn_h5_trial_list(trial, file, "layer_names", fn_h5_trial_layer);
  hid_t weights = fn_h5_trial_open(trial, file, "model_weights");
  if (weights >= 0 && H5Iget_type(weights) == H5I_GROUP)
    fn_h5_trial_list(trial, weights, "layer_names", fn_h5_trial_layer);
  fn_h5_trial_item(trial, file, "optimizer/vars");
  fn_h5_trial_layer(trial, file, "optimizer_weights");
  hid_t state = fn_h5_trial_open(trial, file, "fixednet");
  if (state >= 0) {
    for (size_t i = 0; i < wanted->attribute_count; i++)
      fn_h5_trial_attribute(state, wanted->attributes[i]);
    hid_t history = fn_h5_trial_open(trial, state, "history");
    for (size_t i = 0; history >= 0 && i < wanted->list_count; i++)
      fn_h5_trial_item(trial, history, wanted->lists[i]);
  }
  for (size_t i = 0; i < wanted->name_count; i++)
    fn_h5_trial_item(trial, file, wanted->names[i]);
  // What was written behind a buffer shows when everything is freed.
  H5Fclose(file);
  H5close();
}

/// Signals, core dumps and output of a child process; at most `seconds` of its life (0: no limit here).
static inline void fn_h5_confine(unsigned seconds) {
  static const int fatal[] = {SIGSEGV, SIGBUS,  SIGABRT, SIGILL, SIGFPE,
                              SIGTRAP, SIGALRM, SIGXCPU, SIGPIPE};
  sigset_t signals;
  sigemptyset(&signals);
  for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) {
    signal(fatal[i], SIG_DFL);
    sigaddset(&signals, fatal[i]);
  }
  sigprocmask(SIG_UNBLOCK, &signals, NULL);
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  int nothing = open("/dev/null", O_RDWR);
  dup2(nothing, 1);
  dup2(nothing, 2);
  if (seconds) alarm(seconds);
}

/// The child. Only libhdf5 and libc run in it.
static inline void fn_h5_trial_child(const fn_h5_source *source, const fn_h5_wanted *wanted) {
  fn_h5_confine(0);
  fn_h5_trial trial = {-1, -1, source->size, 0, 0, 1};
  uint64_t now = fn_h5_address_space();
  if (now) trial.memory = now + ((uint64_t)96 << 20);
  fn_h5_allow(&trial, 0);
  H5Eset_auto2(H5E_DEFAULT, fn_h5_end_at_shortage, NULL);
  fn_h5_trial_run(&trial, source, wanted);
  _exit(0);
}

/// FN_H5_SURVIVES where libhdf5 survives the file (whether it can be read or not), else the signal that ended it
/// (SIGALRM and SIGXCPU after too long a time) or FN_H5_TOO_MUCH_MEMORY. FN_H5_NO_CHILD where no child could be
/// started.
static inline int fn_h5_probe(const fn_h5_source *source, const fn_h5_wanted *wanted) {
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
  // In a build for fuzzing only: what libhdf5 does not survive is wanted in the process that can tell where.
  if (getenv("FIXEDNET_FUZZ_WITHOUT_TRIAL")) return FN_H5_SURVIVES;
#endif
  pid_t child = fork();
  if (child < 0) return FN_H5_NO_CHILD;
  if (child == 0) fn_h5_trial_child(source, wanted);
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return FN_H5_NO_CHILD;
  if (WIFSIGNALED(status)) return WTERMSIG(status);
  return WEXITSTATUS(status) == 0 ? FN_H5_SURVIVES : FN_H5_TOO_MUCH_MEMORY;
}

static inline herr_t fn_h5_write_name(
    hid_t group, const char *name, const H5L_info_t *info, void *data) {
  (void)group, (void)info;
  size_t length = strlen(name) + 1;
  return write(*(int *)data, name, length) == (ssize_t)length ? 0 : -1;
}

/// The names in the root group of an open file as far as they go into `room` bytes of `names`, each ended by a zero,
/// listed by a child process. Returns the bytes that were filled; 0 where nothing can be listed.
static inline long fn_h5_list_root(hid_t file, unsigned seconds, char *names, size_t room) {
  int ends[2];
  if (pipe(ends) != 0) return 0;
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    fn_h5_confine(seconds);
    H5Literate(file, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, fn_h5_write_name, &ends[1]);
    _exit(0);
  }
  close(ends[1]);
  size_t filled = 0;
  while (child > 0 && filled < room) {
    ssize_t count = read(ends[0], names + filled, room - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    filled += (size_t)count;
  }
  close(ends[0]);
  int status = 0;
  while (child > 0 && waitpid(child, &status, 0) < 0)
    if (errno != EINTR) break;
  return (long)filled;
}
