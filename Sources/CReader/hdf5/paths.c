#include "paths.h"

#include <stdlib.h>
#include <string.h>

/// FNV-1a.
/// Source: Fowler, Noll, Vo, "FNV hash history", 64 bits.
static uint64_t hash(const char *path, size_t length) {
  uint64_t value = UINT64_C(0xCBF29CE484222325);
  for (size_t i = 0; i < length; i++) value = (value ^ (unsigned char)path[i]) * UINT64_C(0x100000001B3);
  return value;
}

static int grow(fn_paths *paths) {
  size_t room = paths->room ? 2 * paths->room : 256;
  char **slots = calloc(room, sizeof *slots);
  if (!slots) return 0;
  for (size_t i = 0; i < paths->room; i++) {
    char *path = paths->slots[i];
    if (!path) continue;
    size_t slot = hash(path, strlen(path)) & (room - 1);
    while (slots[slot]) slot = (slot + 1) & (room - 1);
    slots[slot] = path;
  }
  free(paths->slots);
  paths->slots = slots;
  paths->room = room;
  return 1;
}

int fn_paths_add(fn_paths *paths, const char *path) {
  if (paths->count * 2 >= paths->room && !grow(paths)) return -1;
  size_t length = strlen(path), slot = hash(path, length) & (paths->room - 1);
  for (; paths->slots[slot]; slot = (slot + 1) & (paths->room - 1))
    if (strcmp(paths->slots[slot], path) == 0) return 0;
  char *copy = malloc(length + 1);
  if (!copy) return -1;
  memcpy(copy, path, length + 1);
  paths->slots[slot] = copy;
  paths->count++;
  return 1;
}

void fn_paths_free(fn_paths *paths) {
  for (size_t i = 0; i < paths->room; i++) free(paths->slots[i]);
  free(paths->slots);
  memset(paths, 0, sizeof *paths);
}
