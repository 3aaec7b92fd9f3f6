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
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

#include "include/CConfined.h"

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

void fn_seal_contents(int file) {
#ifdef __linux__
  fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
#else
  (void)file;
#endif
}

void fn_seal_size(int file) {
#ifdef __linux__
  fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
#else
  (void)file;
#endif
}

void fn_forget(int file, int64_t start, int64_t count) {
#ifdef __linux__
  fallocate(file, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, start, count);
#else
  (void)file, (void)start, (void)count;
#endif
}

/// A copy of a descriptor above those that the helper gets; -1 with errno.
static int above(int file) { return fcntl(file, F_DUPFD_CLOEXEC, 16); }

#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
static int spawn(
    pid_t *process, const char *path, const char *name, const char *library_path,
    const int files[4]) {
  (void)path, (void)library_path;
  long parent = getpid();
  *process = fork();
  if (*process < 0) return errno;
  if (*process > 0) return 0;
  for (int i = 0; i < 4; i++) dup2(files[i], FN_INPUT + i);
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
    const int files[4]) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int code = posix_spawn_file_actions_init(&actions);
  if (code) return code;
  code = posix_spawnattr_init(&attributes);
  if (code) {
    posix_spawn_file_actions_destroy(&actions);
    return code;
  }
  for (int i = 0; i < 4 && code == 0; i++)
    code = posix_spawn_file_actions_adddup2(&actions, files[i], FN_INPUT + i);
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

int fn_helper_start(
    fn_helper *helper, const char *path, const char *name, const char *library_path, int input,
    int request, int output) {
  int ends[2];
  if (pipe(ends) != 0) return errno;
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  int files[4] = {above(input), above(request), above(output), above(ends[0])};
  int code = 0;
  for (int i = 0; i < 4; i++)
    if (files[i] < 0) code = errno;
  if (code == 0) code = spawn(&helper->process, path, name, library_path, files);
  for (int i = 0; i < 4; i++)
    if (files[i] >= 0) close(files[i]);
  close(ends[0]);
  if (code) {
    close(ends[1]);
    return code;
  }
  helper->go = ends[1];
  helper->watch = -1;
#ifdef SYS_pidfd_open
  helper->watch = (int)syscall(SYS_pidfd_open, helper->process, 0);
#endif
  return 0;
}

void fn_helper_begin(fn_helper *helper) {
  if (helper->go >= 0) close(helper->go);
  helper->go = -1;
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
      // Nobody knows how it ended: then it counts as failed.
      if (ended < 0) *status = FN_EXIT_WORK << 8;
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
  fn_helper_begin(helper);
  if (helper->process > 0) {
    int status;
    kill(helper->process, SIGKILL);
    while (waitpid(helper->process, &status, 0) < 0 && errno == EINTR) continue;
    helper->process = -1;
  }
  if (helper->watch >= 0) close(helper->watch);
  helper->watch = -1;
}
