// How values are stored, checked before any of them is read.
#pragma once
#include <hdf5.h>

#include <stdint.h>

#include "../include/CReader.h"

/// The id of filter `index` of a creation list, or -1.
static inline int fn_h5_filter(hid_t list, unsigned index) {
  unsigned flags = 0, config = 0;
  size_t count = 0;
  return (int)H5Pget_filter2(list, index, &flags, &count, NULL, 0, NULL, &config);
}

static inline int fn_h5_check_creation(
    hid_t list, uint64_t stored, uint64_t declared, uint64_t file_size, int64_t *found) {
  H5D_layout_t layout = H5Pget_layout(list);
  if (layout == H5D_VIRTUAL) return FN_STORAGE_VIRTUAL;
  if (layout != H5D_COMPACT && layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED)
    return FN_STORAGE_UNREADABLE;
  if (H5Pget_external_count(list) != 0) return FN_STORAGE_EXTERNAL;
  int filters = H5Pget_nfilters(list);
  *found = filters;
  if (filters < 0 || filters > 4) return FN_STORAGE_FILTERS;
  for (int i = 0; i < filters; i++) {
    int filter = fn_h5_filter(list, (unsigned)i);
    *found = filter;
    if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE &&
        filter != H5Z_FILTER_FLETCHER32)
      return FN_STORAGE_FILTER;
  }
  if (declared == 0) return FN_STORAGE_SOUND;
  *found = (int64_t)(stored < INT64_MAX ? stored : INT64_MAX);
  if (stored == 0) return FN_STORAGE_EMPTY;
  if (stored > file_size) return FN_STORAGE_BEYOND_FILE;
  if (layout != H5D_CHUNKED) return stored < declared ? FN_STORAGE_SHORT : FN_STORAGE_SOUND;
  if (declared / 1032 > stored + 64) return FN_STORAGE_PACKED_SHORT;
  hsize_t extents[H5S_MAX_RANK];
  int rank = H5Pget_chunk(list, H5S_MAX_RANK, extents);
  uint64_t bytes = 8;
  for (int i = 0; i < rank; i++) {
    if (extents[i] == 0 || bytes > ((uint64_t)128 << 20) / extents[i])
      return FN_STORAGE_CHUNKS;
    bytes *= extents[i];
  }
  return FN_STORAGE_SOUND;
}

/// Checks a dataset whose shape and type declare `declared` bytes. Returns FN_STORAGE_..., and sets `found` as that says.
static inline int fn_h5_check_storage(
    hid_t dataset, uint64_t declared, uint64_t file_size, int64_t *found) {
  *found = 0;
  hid_t list = H5Dget_create_plist(dataset);
  if (list < 0) return FN_STORAGE_UNREADABLE;
  int fault =
      fn_h5_check_creation(list, H5Dget_storage_size(dataset), declared, file_size, found);
  // On every path: libhdf5 1.10 crashes at exit when the list of a virtual dataset stays open.
  H5Pclose(list);
  return fault;
}

/// Whether an attribute holds as many bytes as `count` strings of its type take: 16 for one of variable length (length,
/// address, index). libhdf5 1.10 believes a damaged size and reads lengths from whatever is behind it in memory.
static inline int fn_h5_strings_fit(hid_t attribute, hid_t type, uint64_t count) {
  uint64_t size = H5Tis_variable_str(type) > 0 ? 16 : H5Tget_size(type);
  return H5Aget_storage_size(attribute) == size * count;
}
