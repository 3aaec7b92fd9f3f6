// A temporary folder with what is in it, removed from within a signal handler: nothing here allocates or takes a lock.

#define _GNU_SOURCE
#include "CConfined.h"

#include <fcntl.h>
#include <stdalign.h>
#include <string.h>
#include <unistd.h>

#if defined(__linux__)

#include <sys/syscall.h>

// What the system writes for each entry; the C library has no name for it.
struct entry {
  uint64_t inode;
  int64_t next;
  unsigned short length;
  unsigned char type;
  char name[];
};

enum { ENTRIES = 2048, DEPTH = 8 };

/// Removes all that a folder holds. Symbolic links are removed, not followed.
static void empty(int folder, int depth) {
  alignas(struct entry) char bytes[ENTRIES];
  // What is removed while a folder is read may hide what follows: it is read again until nothing is left.
  for (int removed = 1; removed;) {
    removed = 0;
    lseek(folder, 0, SEEK_SET);
    for (long count; (count = syscall(SYS_getdents64, folder, bytes, sizeof bytes)) > 0;) {
      for (long at = 0; at < count;) {
        const struct entry *found = (const struct entry *)(bytes + at);
        at += found->length;
        if (!strcmp(found->name, ".") || !strcmp(found->name, "..")) continue;
        if (unlinkat(folder, found->name, 0) == 0) {
          removed = 1;
          continue;
        }
        const int inner =
            openat(folder, found->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (inner < 0) continue;
        if (depth > 1) empty(inner, depth - 1);
        close(inner);
        if (unlinkat(folder, found->name, AT_REMOVEDIR) == 0) removed = 1;
      }
    }
  }
}

void fn_remove_tree(const char *path) {
  const int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (folder >= 0) {
    empty(folder, DEPTH);
    close(folder);
  }
  rmdir(path);
}

#else

void fn_remove_tree(const char *path) { rmdir(path); }

#endif
