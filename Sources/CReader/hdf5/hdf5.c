#ifdef FN_WITH_HDF5
// Walks to what is wanted: by known names, hard links only, so that no other file is ever looked for.
#include "hdf5.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heap.h"
#include "../parts.h"

static herr_t keep_message(unsigned depth, const H5E_error2_t *error, void *data) {
  const char **message = data;
  if (depth == 0) *message = error->desc;
  return 0;
}

const char *fn_h5_reason(void) {
  const char *message = NULL;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_message, &message);
  return message ? message : "no reason given";
}

/// Called after every failure: one for want of memory ends the helper, which must not take it for a property of the file.
static herr_t find_shortage(unsigned depth, const H5E_error2_t *error, void *data) {
  (void)depth;
  if (error->min_num == H5E_NOSPACE || error->min_num == H5E_CANTALLOC) *(int *)data = 1;
  return 0;
}

static herr_t end_at_shortage(hid_t stack, void *data) {
  int shortage = 0;
  (void)data;
  H5Ewalk2(stack, H5E_WALK_UPWARD, find_shortage, &shortage);
  if (shortage) fn_give_up(FN_EXIT_MEMORY);
  return 0;
}

void fn_read_prepare(void) {
  // No setting of the environment changes what a file means, and no plug-in is ever loaded.
  static const char *const settings[] = {
      "HDF5_PLUGIN_PATH", "HDF5_PLUGIN_PRELOAD", "HDF5_EXT_PREFIX",
      "HDF5_VDS_PREFIX",  "HDF5_DRIVER",         "HDF5_VOL_CONNECTOR",
  };
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) unsetenv(settings[i]);
  H5dont_atexit();
  H5open();
  H5PLset_loading_state(0);
}

int fn_h5_is_new(fn_h5_reading *reading, const char *kind, const char *name) {
  // The parts are kept apart by a byte that no path starts with.
  size_t room = reading->length + strlen(kind) + strlen(name) + 3;
  char *key = malloc(room);
  if (!key) fn_give_up(FN_EXIT_MEMORY);
  snprintf(key, room, "%s\n%s\n%s", kind, name, reading->path);
  int is_new = fn_paths_add(&reading->items, key);
  free(key);
  if (is_new < 0) fn_give_up(FN_EXIT_MEMORY);
  if (reading->items.count > FN_H5_OBJECTS) reading->is_over = 1;
  return is_new;
}

// MARK: - Objects

static int kind_of(hid_t object) {
  switch (H5Iget_type(object)) {
    case H5I_GROUP: return FN_OBJECT_GROUP;
    case H5I_DATASET: return FN_OBJECT_DATASET;
    default: return FN_OBJECT_OTHER;
  }
}

/// Writes about the object at the reading's path once. `object`: negative where it could not be opened.
static void write_object(fn_h5_reading *reading, int link, hid_t object) {
  int is_new = fn_paths_add(&reading->objects, reading->path);
  if (is_new < 0) fn_give_up(FN_EXIT_MEMORY);
  if (reading->objects.count > FN_H5_OBJECTS) reading->is_over = 1;
  if (!is_new || reading->is_over) return;
  const char *reason = object < 0 && link == FN_LINK_HARD ? fn_h5_reason() : "";
  int kind = object < 0 ? FN_OBJECT_UNREADABLE : kind_of(object);
  fn_table_begin(reading->table, FN_RECORD_OBJECT);
  fn_table_text(reading->table, reading->path, reading->length);
  fn_table_number(reading->table, (uint64_t)link);
  fn_table_number(reading->table, (uint64_t)kind);
  fn_table_text(reading->table, reason, strlen(reason));
  fn_table_end(reading->table);
  if (kind == FN_OBJECT_DATASET) fn_h5_write_dataset(reading, object);
}

/// Opens one component below `group` and appends it to the path; negative where there is nothing that can be opened.
static hid_t enter(fn_h5_reading *reading, hid_t group, const char *name, size_t length) {
  if (length == 0 || reading->length + length + 1 > FN_H5_PATH) return -1;
  if (name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.'))) return -1;
  size_t before = reading->length;
  char *component = reading->path + before + 1;
  reading->path[before] = '/';
  memcpy(component, name, length);
  component[length] = 0;
  reading->length = before + 1 + length;
  int link = fn_h5_link_kind(group, component, reading->links);
  hid_t object = link == H5L_TYPE_HARD ? H5Oopen(group, component, reading->links) : -1;
  if (link >= 0) write_object(reading, link, object);
  if (object < 0) {
    reading->length = before;
    reading->path[before] = 0;
  }
  return object;
}

static void leave(fn_h5_reading *reading, hid_t object, size_t length) {
  if (object >= 0) H5Oclose(object);
  reading->length = length;
  reading->path[length] = 0;
}

/// Opens a name of several components.
static hid_t enter_path(fn_h5_reading *reading, hid_t group, const char *name, size_t length) {
  size_t before = reading->length, start = 0;
  hid_t current = -1;
  for (int depth = 0; depth < FN_H5_DEPTH; depth++) {
    const char *slash = memchr(name + start, '/', length - start);
    size_t end = slash ? (size_t)(slash - name) : length;
    hid_t parent = depth ? current : group, next = -1;
    if (H5Iget_type(parent) == H5I_GROUP)
      next = enter(reading, parent, name + start, end - start);
    if (depth) H5Oclose(current);
    current = next;
    if (current < 0) break;
    if (!slash) return current;
    start = end + 1;
  }
  leave(reading, current, before);
  return -1;
}

// MARK: - Names

typedef struct {
  char *bytes;
  size_t used, room, count;
} name_list;

static herr_t keep_name(hid_t group, const char *name, const H5L_info_t *info, void *data) {
  (void)group, (void)info;
  name_list *list = data;
  size_t length = strlen(name) + 1;
  // As many as messages and models need.
  if (list->count >= FN_TEXT_COUNT || list->used + length > FN_TEXT_BYTES) return 1;
  if (list->used + length > list->room) {
    list->room = 2 * (list->used + length) + 4096;
    list->bytes = realloc(list->bytes, list->room);
    if (!list->bytes) fn_give_up(FN_EXIT_MEMORY);
  }
  memcpy(list->bytes + list->used, name, length);
  list->used += length;
  list->count++;
  return 0;
}

static name_list names_in(hid_t group) {
  name_list list = {0};
  H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, keep_name, &list);
  return list;
}

static void write_names(fn_h5_reading *reading, hid_t group) {
  if (!fn_h5_is_new(reading, "names", "")) return;
  name_list list = names_in(group);
  fn_table_begin(reading->table, FN_RECORD_NAMES);
  fn_table_text(reading->table, reading->path, reading->length);
  fn_table_number(reading->table, list.count);
  for (size_t place = 0; place < list.used; place += strlen(list.bytes + place) + 1)
    fn_table_text(reading->table, list.bytes + place, strlen(list.bytes + place));
  fn_table_end(reading->table);
  free(list.bytes);
}

// MARK: - Wants

typedef struct {
  uint64_t kind, how, limit, steps, step_kinds[FN_H5_STEPS], lengths[FN_H5_STEPS];
  const char *texts[FN_H5_STEPS];
  /// Ended by a zero.
  char *name;
} want;

static void arrive(fn_h5_reading *reading, hid_t object, const want *what) {
  int kind = kind_of(object);
  switch (what->kind) {
    case FN_WANT_ATTRIBUTE: fn_h5_write_attribute(reading, object, what->name, NULL); break;
    case FN_WANT_LIST: fn_h5_write_list(reading, object, what->name, NULL, NULL); break;
    case FN_WANT_NAMES:
      if (kind == FN_OBJECT_GROUP) write_names(reading, object);
      break;
    case FN_WANT_VALUES:
      if (kind == FN_OBJECT_DATASET) fn_h5_write_values(reading, object, what->how, what->limit);
      break;
    case FN_WANT_LABELS:
      if (kind == FN_OBJECT_DATASET) fn_h5_write_labels(reading, object);
      if (kind == FN_OBJECT_DATASET) fn_h5_write_matlab_texts(reading, object);
      break;
    default: break;
  }
}

typedef struct {
  const want *what;
  uint64_t step;
} position;

static void follow(fn_h5_reading *reading, hid_t object, const want *what, uint64_t step);

/// Goes on below `name`, as a listed step does.
static void follow_listed(fn_h5_reading *reading, hid_t group, const char *name, void *data) {
  const position *place = data;
  size_t before = reading->length;
  hid_t object = enter_path(reading, group, name, strlen(name));
  if (object < 0) return;
  follow(reading, object, place->what, place->step + 1);
  leave(reading, object, before);
}

static void follow_numbers(fn_h5_reading *reading, hid_t group, position *place) {
  char name[24];
  for (int number = 0; number < FN_TEXT_COUNT && !reading->is_over; number++) {
    int length = snprintf(name, sizeof name, "%d", number);
    size_t before = reading->length;
    if (fn_h5_link_kind(group, name, reading->links) < 0) return;
    hid_t object = enter(reading, group, name, (size_t)length);
    if (object < 0) continue;
    follow(reading, object, place->what, place->step + 1);
    leave(reading, object, before);
  }
}

static void follow_all(fn_h5_reading *reading, hid_t group, position *place) {
  name_list list = names_in(group);
  for (size_t at = 0; at < list.used && !reading->is_over; at += strlen(list.bytes + at) + 1)
    if (!strchr(list.bytes + at, '/')) follow_listed(reading, group, list.bytes + at, place);
  free(list.bytes);
}

static void follow(fn_h5_reading *reading, hid_t object, const want *what, uint64_t step) {
  if (reading->is_over) return;
  if (step == what->steps) {
    arrive(reading, object, what);
    return;
  }
  if (kind_of(object) != FN_OBJECT_GROUP) return;
  position place = {what, step};
  size_t before = reading->length, length = what->lengths[step];
  const char *text = what->texts[step];
  switch (what->step_kinds[step]) {
    case FN_STEP_NUMBERS: follow_numbers(reading, object, &place); break;
    case FN_STEP_ALL: follow_all(reading, object, &place); break;
    case FN_STEP_LISTED: {
      char name[128];
      if (length >= sizeof name) break;
      memcpy(name, text, length);
      name[length] = 0;
      fn_h5_write_list(reading, object, name, follow_listed, &place);
      break;
    }
    default: {
      hid_t next = enter_path(reading, object, text, length);
      if (next < 0) break;
      follow(reading, next, what, step + 1);
      leave(reading, next, before);
    }
  }
}

/// Reads one want of the request; 0 where that is none.
static int take_want(fn_source *request, want *what) {
  memset(what, 0, sizeof *what);
  what->kind = fn_source_number(request);
  if (what->kind == FN_WANT_VALUES) {
    what->how = fn_source_number(request);
    what->limit = fn_source_number(request);
  }
  what->steps = fn_source_number(request);
  if (what->steps > FN_H5_STEPS) return 0;
  for (uint64_t i = 0; i < what->steps; i++) {
    what->step_kinds[i] = fn_source_number(request);
    what->texts[i] = fn_source_text(request, &what->lengths[i]);
  }
  if (what->kind == FN_WANT_ATTRIBUTE || what->kind == FN_WANT_LIST) {
    uint64_t length;
    const char *name = fn_source_text(request, &length);
    what->name = calloc(1, length + 1);
    if (!what->name) fn_give_up(FN_EXIT_MEMORY);
    memcpy(what->name, name, length);
  }
  return !request->is_short;
}

/// Reads all wants of an open file.
static int read_wants(fn_h5_reading *reading, fn_source *request) {
  hid_t root = H5Oopen(reading->file, "/", reading->links);
  write_object(reading, FN_LINK_HARD, root);
  uint64_t count = fn_source_number(request);
  for (uint64_t i = 0; i < count; i++) {
    want what;
    if (!take_want(request, &what)) return FN_EXIT_WORK;
    if (root >= 0) follow(reading, root, &what, 0);
    free(what.name);
  }
  if (root >= 0) H5Oclose(root);
  if (reading->is_over) fn_write_fault(reading->table, FN_FAULT_COUNT, "");
  return FN_EXIT_DONE;
}

int fn_read_hdf5(fn_table *table, const unsigned char *bytes, uint64_t size, fn_source *request) {
  H5Eset_auto2(H5E_DEFAULT, end_at_shortage, NULL);
  fn_h5_reading reading = {.table = table, .size = size, .file = -1, .links = -1};
  reading.allowance = fn_source_number(request);
  if (!fn_h5_heaps_are_sound(bytes, size)) {
    fn_write_fault(table, FN_FAULT_HEAP, "");
    return FN_EXIT_DONE;
  }
  if (fn_h5_is_marked_open(bytes, size)) {
    fn_write_fault(table, FN_FAULT_OPEN, "");
    return FN_EXIT_DONE;
  }
  reading.file = fn_h5_open_image(bytes, size);
  if (reading.file < 0) {
    fn_write_fault(table, FN_FAULT_LIBRARY, fn_h5_reason());
    return FN_EXIT_DONE;
  }
  reading.links = fn_h5_careful_links();
  reading.path = calloc(1, FN_H5_PATH + 1);
  if (!reading.path || reading.links < 0) fn_give_up(FN_EXIT_MEMORY);
  int code = read_wants(&reading, request);
  fn_paths_free(&reading.objects);
  fn_paths_free(&reading.items);
  free(reading.known);
  free(reading.path);
  H5Pclose(reading.links);
  // What was written behind a buffer shows when everything is freed.
  H5Fclose(reading.file);
  return code;
}
#endif
