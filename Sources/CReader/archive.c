// Members of a zip archive: Keras' architecture, and its weights, which are an HDF5 file; NumPy's arrays.
#include "archive.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "parts.h"

/// Whether the packed bytes unpack to as many as there is room for: all of them, or where `is_start` the first ones.
static int inflate_raw(
    const unsigned char *packed, uint64_t size, unsigned char *to, uint64_t count, int is_start) {
  z_stream stream = {0};
  unsigned char nothing;
  if (size > UINT32_MAX || count > UINT32_MAX) return 0;
  // Negative: no header of zlib's own.
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) fn_give_up(FN_EXIT_MEMORY);
  stream.next_in = (unsigned char *)(uintptr_t)packed;
  stream.avail_in = (uInt)size;
  // zlib insists on a place to write to.
  stream.next_out = count > 0 ? to : &nothing;
  stream.avail_out = (uInt)count;
  int status = inflate(&stream, Z_FINISH);
  int is_whole = status == Z_STREAM_END && stream.avail_in == 0;
  int is_full = stream.avail_out == 0;
  inflateEnd(&stream);
  return is_full && (is_whole || is_start);
}

fn_member fn_take_member(fn_source *request) {
  fn_member what;
  what.role = fn_source_number(request);
  what.place = fn_source_number(request);
  what.packed = fn_source_number(request);
  what.count = fn_source_number(request);
  what.method = fn_source_number(request);
  what.checksum = fn_source_number(request);
  return what;
}

int fn_member_fits(const fn_member *what, uint64_t size) {
  return what->place <= size && what->packed <= size - what->place &&
         (what->method != 0 || what->packed == what->count);
}

int fn_member_start(
    const unsigned char *bytes, const fn_member *what, unsigned char *to, uint64_t count) {
  if (what->method != 0)
    return inflate_raw(bytes + what->place, what->packed, to, count, 1) ? FN_MEMBER_HERE
                                                                        : FN_MEMBER_DAMAGED;
  if (count > 0) memcpy(to, bytes + what->place, count);
  return FN_MEMBER_HERE;
}

int fn_member_unpack(const unsigned char *bytes, const fn_member *what, unsigned char *to) {
  const unsigned char *packed = bytes + what->place;
  if (what->method == 0) {
    for (uint64_t i = 0; i < what->count; i++) to[i] = packed[i];
  } else if (!inflate_raw(packed, what->packed, to, what->count, 0)) {
    return FN_MEMBER_DAMAGED;
  }
  return fn_member_check(what, to);
}

int fn_member_check(const fn_member *what, const unsigned char *unpacked) {
  if (what->role == FN_MEMBER_FILE) return FN_MEMBER_HERE;
  return crc32_z(0, unpacked, (z_size_t)what->count) == what->checksum ? FN_MEMBER_HERE
                                                                       : FN_MEMBER_CHECKSUM;
}

#ifdef FN_WITH_HDF5
static void write_state(fn_table *table, uint64_t index, int state) {
  fn_table_begin(table, FN_RECORD_MEMBER);
  fn_table_number(table, index);
  fn_table_number(table, (uint64_t)state);
  fn_table_end(table);
}

static void write_bytes(
    fn_table *table, const unsigned char *bytes, uint64_t index, const fn_member *what) {
  uint64_t start = table->used;
  fn_table_begin(table, FN_RECORD_MEMBER);
  fn_table_number(table, index);
  fn_table_number(table, FN_MEMBER_HERE);
  fn_table_number(table, what->count);
  unsigned char *to = fn_table_room(table, what->count);
  if (!to) return;
  int state = fn_member_unpack(bytes, what, to);
  if (state == FN_MEMBER_HERE) {
    fn_table_end(table);
    return;
  }
  fn_table_take_back(table, start);
  write_state(table, index, state);
}

static int read_file(
    fn_table *table, const unsigned char *bytes, uint64_t index, const fn_member *what,
    fn_source *request) {
  unsigned char *file = malloc(what->count + 1);
  if (!file) fn_give_up(FN_EXIT_MEMORY);
  int state = fn_member_unpack(bytes, what, file), code = FN_EXIT_DONE;
  write_state(table, index, state);
  if (state == FN_MEMBER_HERE) code = fn_read_hdf5(table, file, what->count, request);
  free(file);
  return code;
}

int fn_read_archive(
    fn_table *table, const unsigned char *bytes, uint64_t size, fn_source *request) {
  uint64_t count = fn_source_number(request), file_index = 0;
  fn_member file = {0};
  for (uint64_t i = 0; i < count; i++) {
    fn_member what = fn_take_member(request);
    if (request->is_short || !fn_member_fits(&what, size)) return FN_EXIT_WORK;
    if (what.role == FN_MEMBER_HDF5) {
      file = what;
      file_index = i;
    } else {
      write_bytes(table, bytes, i, &what);
    }
  }
  return file.role == FN_MEMBER_HDF5 ? read_file(table, bytes, file_index, &file, request)
                                     : FN_EXIT_DONE;
}
#endif
