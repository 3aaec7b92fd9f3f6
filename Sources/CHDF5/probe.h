// A trial reading in a child process: libhdf5 1.10 crashes on some damaged files, most of all in the strings of
// variable length, and no check before the call can tell. What kills the child is then an error and not the end.
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

static inline herr_t fn_h5_refuse_external(
    const char *parent, const char *group, const char *file, const char *object, unsigned *flags,
    hid_t access, void *data) {
  (void)parent, (void)group, (void)file, (void)object, (void)flags, (void)access, (void)data;
  return -1;
}

/// Reads a string attribute, fixed or variable, scalar or list; sets `count`. NULL where it cannot. Frees no
/// string: the child ends soon.
static inline char **fn_h5_probe_strings(hid_t object, const char *name, size_t *count) {
  *count = 0;
  if (H5Aexists(object, name) <= 0) return NULL;
  hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  hssize_t points = H5Sget_simple_extent_npoints(space);
  if (H5Tget_class(type) != H5T_STRING || points < 1 || points > 65536) return NULL;
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

/// The same for a list that may be split into name0, name1, ...; `visit` is called for each of its strings.
static inline void fn_h5_probe_list(
    hid_t object, const char *name, hid_t access, void (*visit)(hid_t, const char *, hid_t)) {
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
    char **strings = fn_h5_probe_strings(object, part, &count);
    for (size_t i = 0; strings && visit && i < count; i++) visit(object, strings[i], access);
    if (number < 0) return;
  }
}

static inline void fn_h5_probe_layer(hid_t group, const char *name, hid_t access) {
  if (!name || !*name) return;
  hid_t layer = H5Oopen(group, name, access);
  if (layer >= 0 && H5Iget_type(layer) == H5I_GROUP)
    fn_h5_probe_list(layer, "weight_names", access, NULL);
}

/// Opens a file and reads every string that the readers will read.
static inline void fn_h5_probe_file(const char *path) {
  static const char *const ours[] = {"model_name", "data", "data_digest", "optimizer", "schedule"};
  static const char *const arrays[] = {"X", "y", "X_test", "y_test"};
  size_t count;
  hid_t access = H5Pcreate(H5P_LINK_ACCESS);
  H5Pset_nlinks(access, 1);
  H5Pset_elink_cb(access, fn_h5_refuse_external, NULL);
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  if (file < 0) return;
  fn_h5_probe_strings(file, "model_config", &count);
  fn_h5_probe_strings(file, "training_config", &count);
  hid_t weights = H5Oopen(file, "model_weights", access);
  if (weights >= 0 && H5Iget_type(weights) == H5I_GROUP)
    fn_h5_probe_list(weights, "layer_names", access, fn_h5_probe_layer);
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
    hid_t array = H5Oopen(file, arrays[i], access);
    if (array >= 0) fn_h5_probe_strings(array, "MATLAB_class", &count);
  }
  hid_t state = H5Oopen(file, "fixednet", access);
  for (size_t i = 0; state >= 0 && i < sizeof ours / sizeof *ours; i++)
    fn_h5_probe_strings(state, ours[i], &count);
  // What was written behind a buffer shows when everything is freed.
  H5Fclose(file);
  H5close();
}

/// Signals, core dumps and output of a child process; at most `seconds` of its life.
static inline void fn_h5_confine(unsigned seconds) {
  static const int fatal[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGTRAP, SIGALRM, SIGPIPE};
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
  alarm(seconds);
}

/// 0 where libhdf5 survives the file (whether it can be read or not), else the signal that ended it; SIGALRM after
/// `seconds`. -1 where no child could be started. Only libhdf5 and libc run in the child.
static inline int fn_h5_probe(const char *path, unsigned seconds) {
  pid_t child = fork();
  if (child < 0) return -1;
  if (child == 0) {
    fn_h5_confine(seconds);
    fn_h5_probe_file(path);
    _exit(0);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return 0;
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
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
