// Gives up what a helper gives up, and then tries what it must not be able to do. Ends by SIGSYS where the system kills it,
// with 0 where it could do it, with 1 where it was told no.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <CConfined.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int open_file(void) { return open("/etc/hostname", O_RDONLY) >= 0; }
static int make_file(void) { return open("planted", O_WRONLY | O_CREAT, 0600) >= 0; }
static int remove_file(void) { return unlink("planted") == 0; }
static int open_socket(void) { return socket(AF_INET, SOCK_STREAM, 0) >= 0; }
static int start_process(void) { return fork() >= 0; }
static int run_program(void) { return execl("/bin/true", "true", (char *)NULL) == 0; }
static int kill_parent(void) { return kill(getppid(), 0) == 0; }
static int read_elsewhere(void) {
  char byte;
  return read(0, &byte, 1) >= 0;
}
static int map_file(void) {
  return mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 0, 0) != MAP_FAILED;
}
static int map_code(void) {
  return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
         MAP_FAILED;
}
static int make_code(void) {
  static char page[8192];
  return mprotect((void *)(((uintptr_t)page + 4095) / 4096 * 4096), 4096, PROT_READ | PROT_EXEC) == 0;
}
/// Is told no: libraries print what nobody asked for.
static int print_text(void) { return write(1, "planted\n", 8) == 8; }
static int take_memory(void) {
  return mmap(NULL, (size_t)1 << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}
static int count_for_ever(void) {
  for (volatile unsigned i = 0;; i++) continue;
  return 1;
}
/// What a helper may.
static int wait_a_moment(void) {
  struct timespec moment = {0, 1};
  return nanosleep(&moment, NULL) == 0;
}
static int use_memory(void) {
  char *bytes = malloc(1 << 20);
  if (!bytes) return 0;
  memset(bytes, 1, 1 << 20);
  free(bytes);
  return 1;
}

static const struct {
  const char *name;
  int (*act)(void);
} acts[] = {
    {"open", open_file},       {"create", make_file},       {"unlink", remove_file},
    {"socket", open_socket},   {"fork", start_process},     {"exec", run_program},
    {"kill", kill_parent},     {"read", read_elsewhere},    {"map-file", map_file},
    {"map-code", map_code},    {"make-code", make_code},    {"print", print_text},
    {"memory", take_memory},   {"spin", count_for_ever},    {"allocate", use_memory},
    {"wait", wait_a_moment},
};

int main(int argc, char **argv) {
  int is_free = argc == 3 && strcmp(argv[2], "free") == 0;
  for (size_t i = 0; argc >= 2 && i < sizeof acts / sizeof *acts; i++) {
    if (strcmp(argv[1], acts[i].name) != 0) continue;
    if (!is_free && fn_confine(-1, -1, 64 << 20, 1) != 0) return 3;
    _exit(acts[i].act() ? 0 : 1);
  }
  fputs("confined: expected the name of an act\n", stderr);
  return 64;
}
