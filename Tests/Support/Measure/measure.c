// measure RESULT SECONDS COMMAND [ARGUMENT...]: runs a command, writes what it took as one line to the file RESULT,
//
//   wall-seconds cpu-seconds peak-resident-kilobytes
//
// and ends with the command's exit code, or 128 + the number of the signal that ended it. After SECONDS the command is
// killed (137). A program of its own, and a small one: on Linux a new process' peak begins with its parent's size.

#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t child;

static void stop(int signal) {
  (void)signal;
  kill((pid_t)child, SIGKILL);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static double seconds(struct timeval time) {
  return (double)time.tv_sec + 1e-6 * (double)time.tv_usec;
}

int main(int count, char **arguments) {
  if (count < 4) {
    fputs("usage: measure RESULT SECONDS COMMAND [ARGUMENT...]\n", stderr);
    return 64;
  }
  const double start = now();
  const pid_t process = fork();
  if (process < 0) {
    perror("measure: fork");
    return 71;
  }
  if (process == 0) {
    execv(arguments[3], arguments + 3);
    perror(arguments[3]);
    _exit(127);
  }
  child = process;
  const struct sigaction action = {.sa_handler = stop, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &action, NULL);
  sigset_t alarmOnly;  // threads of the caller may have blocked it
  sigemptyset(&alarmOnly);
  sigaddset(&alarmOnly, SIGALRM);
  sigprocmask(SIG_UNBLOCK, &alarmOnly, NULL);
  alarm((unsigned)strtoul(arguments[2], NULL, 10));

  int status = 0;
  struct rusage usage;
  if (wait4(process, &status, 0, &usage) != process) {
    perror("measure: wait4");
    return 71;
  }
  FILE *const result = fopen(arguments[1], "w");
  if (result == NULL) {
    perror(arguments[1]);
    return 73;
  }
  fprintf(
      result, "%.6f %.6f %ld\n", now() - start, seconds(usage.ru_utime) + seconds(usage.ru_stime),
      usage.ru_maxrss);
  if (fclose(result) != 0) return 73;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
