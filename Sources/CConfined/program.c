// Programs that are trusted, and run with the user's environment until they end.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

#include "include/CConfined.h"

extern char **environ;

static int set_actions(posix_spawn_file_actions_t *actions, const char *folder, int errors) {
  int code = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
  if (code == 0) code = posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0);
  if (code == 0) code = posix_spawn_file_actions_adddup2(actions, errors, 2);
  return code ? code : posix_spawn_file_actions_addchdir_np(actions, folder);
}

/// A group of its own, so that all it starts can be ended; signals as in a new program.
static int set_attributes(posix_spawnattr_t *attributes) {
  sigset_t all, none;
  sigfillset(&all);
  sigemptyset(&none);
  int code = posix_spawnattr_setsigdefault(attributes, &all);
  if (code == 0) code = posix_spawnattr_setsigmask(attributes, &none);
  if (code == 0) code = posix_spawnattr_setpgroup(attributes, 0);
  short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP;
  return code ? code : posix_spawnattr_setflags(attributes, flags);
}

int fn_program_start(
    fn_helper *program, const char *path, const char *const arguments[], const char *folder,
    int errors) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  memset(program, 0, sizeof *program);
  program->process = program->watch = program->go = program->stream = -1;
  int code = posix_spawn_file_actions_init(&actions);
  if (code) return code;
  code = posix_spawnattr_init(&attributes);
  if (code == 0) {
    code = set_actions(&actions, folder, errors);
    if (code == 0) code = set_attributes(&attributes);
    if (code == 0)
      code = posix_spawn(
          &program->process, path, &actions, &attributes, (char *const *)(uintptr_t)arguments,
          environ);
    posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_destroy(&actions);
#ifdef SYS_pidfd_open
  if (code == 0) program->watch = (int)syscall(SYS_pidfd_open, program->process, 0);
#endif
  return code;
}
