// The helper's side: limits and a filter of system calls.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#include "include/CConfined.h"

// A sanitizer maps terabytes and writes reports: in such builds, which are for tests, there is neither a limit of the
// address space nor a filter.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FN_SANITIZED 1
#endif
#endif

#ifndef FN_SANITIZED
/// Bytes of address space that this process has; 0 where the system does not tell.
static uint64_t address_space(void) {
  char text[64] = {0};
  int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  return length > 0 ? strtoull(text, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

#endif

/// Sets a limit to what is wanted, or to what is inherited if that is less. 0 or -1.
static int limit(int resource, uint64_t wanted) {
  struct rlimit now;
  if (getrlimit(resource, &now) != 0) return -1;
  rlim_t value = wanted;
  if (now.rlim_max != RLIM_INFINITY && now.rlim_max < value) value = now.rlim_max;
  if (now.rlim_cur != RLIM_INFINITY && now.rlim_cur < value) value = now.rlim_cur;
  struct rlimit set = {value, value};
  return setrlimit(resource, &set);
}

static int set_limits(uint64_t memory, uint64_t seconds) {
  int failures = 0;
#ifdef FN_SANITIZED
  (void)memory;
#else
  uint64_t now = address_space();
  if (now > 0) failures |= limit(RLIMIT_AS, now + memory);
#ifdef __linux__
  // Without /proc the limit would have to be guessed.
  else failures = -1;
#endif
#endif
  failures |= limit(RLIMIT_CORE, 0) | limit(RLIMIT_FSIZE, 0) | limit(RLIMIT_CPU, seconds);
  // Descriptors that are open stay; no other can be made.
  return (failures | limit(RLIMIT_NOFILE, 0)) ? -1 : 0;
}

#if defined(__linux__) && !defined(FN_SANITIZED)

#if defined(__x86_64__)
#define FN_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define FN_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ANSWER(value) BPF_STMT(BPF_RET | BPF_K, (value))
#define UNLESS(number, skipped) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, (skipped))
#define ALLOW(call) UNLESS(call, 1), ANSWER(SECCOMP_RET_ALLOW)
/// Not done, and the caller is told so: libraries ask for these without need.
#define DENY(call, code) UNLESS(call, 1), ANSWER(SECCOMP_RET_ERRNO | (code))
/// Only with one descriptor as the first argument; ends the process otherwise.
#define ALLOW_FILE(call, file)                                                      \
  UNLESS(call, 4), LOAD(args[0]), UNLESS((unsigned)(file), 1), ANSWER(SECCOMP_RET_ALLOW), \
      ANSWER(SECCOMP_RET_KILL_PROCESS)
#define LENGTH(array) (sizeof(array) / sizeof *(array))

/// 0; 1 where the system has no such filter; -1.
static int set_filter(int file, int stream) {
#ifndef FN_ARCHITECTURE
  (void)file, (void)stream;
  return 1;
#else
  // The lower half of an argument is enough: all bits of flags and protections are in it.
  const struct sock_filter start[] = {
      LOAD(arch),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FN_ARCHITECTURE, 1, 0),
      ANSWER(SECCOMP_RET_KILL_PROCESS),
      LOAD(nr),
  };
  const struct sock_filter input[] = {
      ALLOW_FILE(SYS_read, file),
      ALLOW_FILE(SYS_lseek, file),
      ALLOW_FILE(SYS_fstat, file),
      ALLOW_FILE(SYS_close, file),
      ALLOW_FILE(SYS_newfstatat, file),
  };
  const struct sock_filter output[] = {
      UNLESS(SYS_write, 4),
      LOAD(args[0]),
      UNLESS((unsigned)stream, 1),
      ANSWER(SECCOMP_RET_ALLOW),
      ANSWER(SECCOMP_RET_ERRNO | EBADF),
  };
  const struct sock_filter rest[] = {
      ALLOW(SYS_brk),
      ALLOW(SYS_munmap),
      ALLOW(SYS_mremap),
      ALLOW(SYS_madvise),
      ALLOW(SYS_clock_gettime),
      ALLOW(SYS_gettimeofday),
      ALLOW(SYS_exit_group),
      // libhdf5 waits a nanosecond after a checksum that is wrong, and then says so. Longer than the deadline nobody waits.
      ALLOW(SYS_clock_nanosleep),
#ifdef SYS_nanosleep
      ALLOW(SYS_nanosleep),
#endif
      DENY(SYS_write, EBADF),
      DENY(SYS_writev, EBADF),
      DENY(SYS_sysinfo, ENOSYS),
      // New memory that no file is behind and no code can run in.
      UNLESS(SYS_mmap, 6),
      LOAD(args[3]),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, MAP_ANONYMOUS, 0, 3),
      LOAD(args[2]),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 1, 0),
      ANSWER(SECCOMP_RET_ALLOW),
      ANSWER(SECCOMP_RET_KILL_PROCESS),
      ANSWER(SECCOMP_RET_KILL_PROCESS),
  };
  struct sock_filter program[LENGTH(start) + LENGTH(input) + LENGTH(output) + LENGTH(rest)];
  size_t length = 0;
  memcpy(program, start, sizeof start);
  length += LENGTH(start);
  if (file >= 0) {
    memcpy(program + length, input, sizeof input);
    length += LENGTH(input);
  }
  if (stream >= 0) {
    memcpy(program + length, output, sizeof output);
    length += LENGTH(output);
  }
  memcpy(program + length, rest, sizeof rest);
  length += LENGTH(rest);
  struct sock_fprog filter = {(unsigned short)length, program};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0) return 0;
  return errno == ENOSYS || errno == EINVAL ? 1 : -1;
#endif
}

#else
static int set_filter(int file, int stream) {
  (void)file, (void)stream;
  return 1;
}
#endif

int fn_confine(int file, int stream, uint64_t memory, uint64_t seconds) {
  if (set_limits(memory, seconds) != 0) return -1;
  return set_filter(file, stream);
}

// MARK: - A helper's life

/// Dies with its parent. `parent`: its number when this process was started.
static void follow(long parent) {
#ifdef __linux__
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) _exit(FN_EXIT_OPEN);
#endif
  if (getppid() != (pid_t)parent) _exit(FN_EXIT_OPEN);
}

/// Closes every descriptor but a helper's own, the last of which is `last`; what a parent left open must not be taken for one.
static void close_others(int last) {
#ifdef SYS_close_range
  if (syscall(SYS_close_range, 0, FN_INPUT - 1, 0) == 0 &&
      syscall(SYS_close_range, last + 1, ~0U, 0) == 0)
    return;
#endif
  long most = sysconf(_SC_OPEN_MAX);
  if (most < 0 || most > 65536) most = 65536;
  for (int file = 0; file < (int)most; file++)
    if (file < FN_INPUT || file > last) close(file);
}

/// The file's bytes; NULL and no `size` for an empty one. Ends the helper if they cannot be had.
static void *map(int file, int protection, int flags, uint64_t *size) {
  struct stat status;
  if (fstat(file, &status) != 0) _exit(FN_EXIT_OPEN);
  *size = (uint64_t)status.st_size;
  if (*size == 0) return NULL;
  void *bytes = mmap(NULL, (size_t)*size, protection, flags, file, 0);
  if (bytes == MAP_FAILED) _exit(FN_EXIT_MEMORY);
  return bytes;
}

/// Waits until the parent has all files ready; where it has gone, this process goes too.
static void wait_for_go(void) {
  char byte;
  while (read(FN_GO, &byte, 1) < 0)
    if (errno != EINTR) _exit(FN_EXIT_OPEN);
}

/// glibc asks the system for a random number with the first piece of memory, and not later, where it may not.
static void begin_memory(void) {
  void *volatile first = malloc(1);
  free(first);
}

/// The parent shall see what ended this process: handlers of a language's runtime would make calls that are not allowed.
static void drop_handlers(void) {
#ifndef FN_SANITIZED
  static const int ends[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGQUIT, SIGSEGV, SIGTRAP};
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) signal(ends[i], SIG_DFL);
#endif
}

static void run(const fn_work *work, long parent) __attribute__((noreturn));

static void run(const fn_work *work, long parent) {
  follow(parent);
  drop_handlers();
  close_others(work->streams ? FN_STREAM : FN_GO);
  begin_memory();
  if (work->prepare) work->prepare();
  wait_for_go();
  fn_job job = {0};
  uint64_t size;
  job.bytes = map(FN_INPUT, PROT_READ, MAP_PRIVATE, &job.size);
  const unsigned char *request = map(FN_REQUEST, PROT_READ, MAP_PRIVATE, &size);
  if (size < sizeof(fn_request)) _exit(FN_EXIT_WORK);
  fn_request head;
  memcpy(&head, request, sizeof head);
  if (head.version != FN_VERSION) _exit(FN_EXIT_WORK);
  job.kind = head.kind;
  job.request = request + sizeof head;
  job.request_size = size - sizeof head;
  fn_answer *answer = map(FN_OUTPUT, PROT_READ | PROT_WRITE, MAP_SHARED, &size);
  if (size < FN_ANSWER_HEADER) _exit(FN_EXIT_WORK);
  job.table.bytes = (unsigned char *)answer + FN_ANSWER_HEADER;
  job.table.size = size - FN_ANSWER_HEADER;
  job.stream = work->streams ? FN_STREAM : -1;
  if (job.stream >= 0) {
    if (size < FN_RING + FN_RING_PARTS * FN_RING_BYTES) _exit(FN_EXIT_WORK);
    job.ring = (unsigned char *)answer + FN_RING;
    job.ring_lengths = (volatile uint64_t *)((unsigned char *)answer + FN_RING_LENGTHS);
    job.table.size = FN_RING_LENGTHS - FN_ANSWER_HEADER;
  }
  job.input = FN_INPUT;
  int file = work->open ? work->open(&job) : -1;
  // The parent says there when a part of the ring is free.
  if (job.stream >= 0) file = FN_GO;
  for (int own = FN_INPUT; own <= FN_GO; own++)
    if (own != file) close(own);
  int filter = fn_confine(file, job.stream, head.memory, head.seconds);
  if (filter < 0) _exit(FN_EXIT_OPEN);
  int code = work->work(&job);
  if (code == FN_EXIT_DONE && job.table.is_full) code = FN_EXIT_FULL;
  if (code == FN_EXIT_DONE) {
    answer->used = job.table.used;
    answer->is_unfiltered = filter == 1;
    answer->magic = fn_answer_magic();
  }
  _exit(code);
}

#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
static struct {
  const char *name;
  const fn_work *work;
} known[4];

void fn_helper_run_here(const char *name, long parent) {
  for (int i = 0; i < 4 && known[i].name; i++)
    if (strcmp(known[i].name, name) == 0) run(known[i].work, parent);
  _exit(FN_EXIT_WORK);
}
#endif

void fn_helper_run_if_asked(int argc, char **argv, const char *name, const fn_work *work) {
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
  for (int i = 0; i < 4; i++)
    if (!known[i].name) {
      known[i].name = name;
      known[i].work = work;
      break;
    }
#endif
  if (argc == 2 && strcmp(argv[0], name) == 0) run(work, strtol(argv[1], NULL, 10));
}
