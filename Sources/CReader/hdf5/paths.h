// A set of paths.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct {
  char **slots;
  size_t room, count;
} fn_paths;

/// 1 where `path` is new, 0 where it was there, -1 for want of memory.
int fn_paths_add(fn_paths *paths, const char *path);
void fn_paths_free(fn_paths *paths);
