#include "include/CConfined.h"

#ifdef __linux__
#include <linux/magic.h>
#include <sys/vfs.h>
#endif

int fn_folder_is_memory(const char *folder) {
#ifdef __linux__
  struct statfs kind;
  if (statfs(folder, &kind) != 0) return 0;
  unsigned type = (unsigned)kind.f_type;
  return type == TMPFS_MAGIC || type == RAMFS_MAGIC || type == HUGETLBFS_MAGIC;
#else
  (void)folder;
  return 0;
#endif
}
