// The child process in which libmatio reads: it has known defects in damaged files, and no check before a call can
// exclude them all. What kills the child is an error in the parent, which sees nothing of the file but numbers.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reader.h"

/// Bytes of address space that this process has; 0 where the system does not tell (and has no RLIMIT_AS that works).
static inline uint64_t fn_mat_address_space(void) {
  char text[32] = {0};
  int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  return length > 0 ? strtoull(text, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

/// Signals as in a new program, no core dump, no output, at most `seconds` of the processor (on a busy machine ten times
/// as long) and `memory` more bytes.
static inline void fn_mat_confine(unsigned seconds, uint64_t memory) {
  static const int fatal[] = {SIGSEGV, SIGBUS,  SIGABRT, SIGILL, SIGFPE,
                              SIGTRAP, SIGALRM, SIGXCPU, SIGPIPE};
  sigset_t signals;
  sigemptyset(&signals);
  for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) {
    signal(fatal[i], SIG_DFL);
    sigaddset(&signals, fatal[i]);
  }
  sigprocmask(SIG_UNBLOCK, &signals, NULL);
  struct rlimit none = {0, 0}, time = {seconds, seconds + 1};
  setrlimit(RLIMIT_CORE, &none);
  setrlimit(RLIMIT_CPU, &time);
  uint64_t space = fn_mat_address_space();
  if (space > 0) {
    struct rlimit room = {space + memory, space + memory};
    setrlimit(RLIMIT_AS, &room);
  }
  int nothing = open("/dev/null", O_RDWR);
  dup2(nothing, 0);
  dup2(nothing, 1);
  dup2(nothing, 2);
  alarm(10 * seconds);
}

/// Starts a child that reads the variables `names` of a file and writes to a pipe what `fn_mat_serve` says.
/// Returns the pipe's end to read from, or -1 where no child could be started. Only libmatio and libc run in the child.
static inline int fn_mat_start(
    const char *path, const char *const *names, size_t count, unsigned seconds, uint64_t memory,
    pid_t *child) {
  int ends[2];
  if (pipe(ends) != 0) return -1;
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  *child = fork();
  if (*child < 0) {
    close(ends[0]);
    close(ends[1]);
    return -1;
  }
  if (*child == 0) {
    close(ends[0]);
    fn_mat_confine(seconds, memory);
    _exit(fn_mat_serve(path, names, count, ends[1]));
  }
  close(ends[1]);
  return ends[0];
}

/// Closes the pipe and ends the child if it still runs. Returns the signal that ended it, negative; else its exit code.
static inline int fn_mat_end(pid_t child, int input, int kills) {
  close(input);
  if (kills) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return FN_MAT_FAILED;
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}
