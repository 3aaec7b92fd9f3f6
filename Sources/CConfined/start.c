// The parent's side: memory files, and the helper's life.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

#include "include/CConfined.h"

/// From Linux 5.1 on.
#define FN_SEAL_FUTURE_WRITE 0x0010

#ifdef MSG_NOSIGNAL
#define FN_NO_SIGNAL MSG_NOSIGNAL
#else
#define FN_NO_SIGNAL 0
#endif

int fn_memory_file(void) {
#ifdef __linux__
  return memfd_create("fixednet", MFD_CLOEXEC | MFD_ALLOW_SEALING);
#else
  char name[] = "/tmp/fixednet-XXXXXX";
  int file = mkstemp(name);
  if (file < 0) return -1;
  unlink(name);
  fcntl(file, F_SETFD, FD_CLOEXEC);
  return file;
#endif
}

int fn_seal_contents(int file) {
#ifdef __linux__
  // Nobody has the file mapped for writing any more, so that this seal is as good as F_SEAL_WRITE, which waits 5 to 20 ms for
  // the system to be done with new pages.
  int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  if (fcntl(file, F_ADD_SEALS, seals | FN_SEAL_FUTURE_WRITE) == 0) return 0;
  return fcntl(file, F_ADD_SEALS, seals | F_SEAL_WRITE) == 0 ? 0 : -1;
#else
  (void)file;
  return 0;
#endif
}

int fn_seal_size(int file) {
#ifdef __linux__
  return fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0 ? 0 : -1;
#else
  (void)file;
  return 0;
#endif
}

/// A copy of a descriptor above those that the helper gets; -1 with errno.
static int above(int file) { return fcntl(file, F_DUPFD_CLOEXEC, 16); }

#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
static int spawn(
    pid_t *process, const char *path, const char *name, const char *library_path,
    const int files[5]) {
  (void)path, (void)library_path;
  long parent = getpid();
  *process = fork();
  if (*process < 0) return errno;
  if (*process > 0) return 0;
  for (int i = 0; i < 5; i++)
    if (files[i] >= 0) dup2(files[i], FN_INPUT + i);
  fn_helper_run_here(name, parent);
}
#else
/// Signals as in a new program, and none held back but those of the keyboard, which are the parent's to answer.
static int set_signals(posix_spawnattr_t *attributes) {
  sigset_t all, held;
  sigfillset(&all);
  sigemptyset(&held);
  sigaddset(&held, SIGINT);
  sigaddset(&held, SIGTERM);
  sigaddset(&held, SIGHUP);
  sigaddset(&held, SIGQUIT);
  int code = posix_spawnattr_setsigdefault(attributes, &all);
  if (code == 0) code = posix_spawnattr_setsigmask(attributes, &held);
  short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
  return code ? code : posix_spawnattr_setflags(attributes, flags);
}

static int spawn(
    pid_t *process, const char *path, const char *name, const char *library_path,
    const int files[5]) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int code = posix_spawn_file_actions_init(&actions);
  if (code) return code;
  code = posix_spawnattr_init(&attributes);
  if (code) {
    posix_spawn_file_actions_destroy(&actions);
    return code;
  }
  for (int i = 0; i < 5 && code == 0; i++)
    if (files[i] >= 0) code = posix_spawn_file_actions_adddup2(&actions, files[i], FN_INPUT + i);
  if (code == 0) code = set_signals(&attributes);
  char parent[32], *libraries = NULL;
  snprintf(parent, sizeof parent, "%ld", (long)getpid());
  if (library_path && asprintf(&libraries, "LD_LIBRARY_PATH=%s", library_path) < 0)
    libraries = NULL;
  char *arguments[] = {(char *)(uintptr_t)name, parent, NULL};
  char *environment[] = {libraries, NULL};
  if (code == 0) code = posix_spawn(process, path, &actions, &attributes, arguments, environment);
  free(libraries);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return code;
}
#endif

static void keep_to_oneself(const int ends[2]) {
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  fcntl(ends[1], F_SETFD, FD_CLOEXEC);
}

static void close_both(const int ends[2]) {
  for (int i = 0; i < 2; i++)
    if (ends[i] >= 0) close(ends[i]);
}

int fn_helper_start(
    fn_helper *helper, const char *path, const char *name, const char *library_path, int input,
    int request, int output, int streams) {
  int go[2] = {-1, -1}, stream[2] = {-1, -1}, files[5] = {-1, -1, -1, -1, -1}, code = 0;
  // A socket: a write to one whose other end is gone raises no signal.
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, go) != 0 || (streams && pipe(stream) != 0)) code = errno;
  if (code == 0) keep_to_oneself(go);
  if (code == 0 && streams) keep_to_oneself(stream);
  const int own[5] = {input, request, output, go[0], stream[1]};
  for (int i = 0; i < 5 && code == 0; i++)
    if (own[i] >= 0 && (files[i] = above(own[i])) < 0) code = errno;
  if (code == 0) code = spawn(&helper->process, path, name, library_path, files);
  for (int i = 0; i < 5; i++)
    if (files[i] >= 0) close(files[i]);
  if (code) {
    close_both(go);
    close_both(stream);
    return code;
  }
  close(go[0]);
  if (streams) close(stream[1]);
  helper->go = go[1];
  helper->stream = stream[0];
  helper->parts = helper->left = helper->place = 0;
  helper->watch = -1;
#ifdef SYS_pidfd_open
  helper->watch = (int)syscall(SYS_pidfd_open, helper->process, 0);
#endif
  return 0;
}

/// Waits for the next full part. Returns 1, 0 at the end, -1 after `milliseconds`.
static int await_part(fn_helper *helper, int milliseconds) {
  struct pollfd more = {.fd = helper->stream, .events = POLLIN};
  char byte;
  for (;;) {
    int ready = poll(&more, 1, milliseconds);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return -1;
    ssize_t length = read(helper->stream, &byte, 1);
    if (length < 0 && errno == EINTR) continue;
    return length < 0 ? -1 : (int)length;
  }
}

int64_t fn_helper_read(
    fn_helper *helper, const void *output, void *bytes, uint64_t count, int milliseconds) {
  const unsigned char *all = output;
  uint64_t part = helper->parts % FN_RING_PARTS;
  if (helper->left == 0) {
    int state = await_part(helper, milliseconds);
    if (state <= 0) return state;
    helper->left = ((const volatile uint64_t *)(all + FN_RING_LENGTHS))[part];
    helper->place = 0;
    if (helper->left == 0 || helper->left > FN_RING_BYTES) {
      helper->left = 0;
      return -2;
    }
  }
  if (count > helper->left) count = helper->left;
  memcpy(bytes, all + FN_RING + part * FN_RING_BYTES + helper->place, count);
  helper->place += count;
  helper->left -= count;
  if (helper->left == 0) {
    helper->parts++;
    // Where the helper has gone, nobody waits for it.
    send(helper->go, "", 1, FN_NO_SIGNAL);
  }
  return (int64_t)count;
}

void fn_helper_begin(fn_helper *helper) {
  if (helper->go >= 0) send(helper->go, "", 1, FN_NO_SIGNAL);
}

/// Waits until something may have happened.
static void pause_for(const fn_helper *helper, int milliseconds) {
  if (helper->watch >= 0) {
    struct pollfd end = {.fd = helper->watch, .events = POLLIN};
    poll(&end, 1, milliseconds);
  } else {
    struct timespec moment = {0, 200000};
    nanosleep(&moment, NULL);
  }
}

int fn_helper_has_ended(fn_helper *helper, int milliseconds, int *status) {
  struct timespec start, now;
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (;;) {
    pid_t ended = waitpid(helper->process, status, WNOHANG);
    if (ended == helper->process || (ended < 0 && errno != EINTR)) {
      // The system does not say how it ended where the parent ignores the ends of its children (SIGCHLD).
      if (ended < 0) *status = FN_EXIT_UNKNOWN << 8;
      helper->process = -1;
      return 1;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    long long passed =
        (now.tv_sec - start.tv_sec) * 1000LL + (now.tv_nsec - start.tv_nsec) / 1000000;
    if (passed >= milliseconds) return 0;
    pause_for(helper, (int)(milliseconds - passed));
  }
}

void fn_helper_stop(fn_helper *helper) {
  if (helper->go >= 0) close(helper->go);
  helper->go = -1;
  if (helper->process > 0) {
    int status;
    kill(helper->process, SIGKILL);
    while (waitpid(helper->process, &status, 0) < 0 && errno == EINTR) continue;
    helper->process = -1;
  }
  if (helper->watch >= 0) close(helper->watch);
  if (helper->stream >= 0) close(helper->stream);
  helper->watch = helper->stream = -1;
}
