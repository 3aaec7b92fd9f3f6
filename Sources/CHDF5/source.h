// Where an HDF5 file is: on the disk or in memory.
#pragma once
#include <hdf5.h>

#include <stddef.h>
#include <stdint.h>

/// A file to read. `bytes`: the file's image, which stays where it is for as long as the file is open; NULL for the
/// file at `path`. `size`: of the file or image.
typedef struct {
  const char *path;
  const void *bytes;
  size_t size;
} fn_h5_source;

static inline herr_t fn_h5_refuse_external(
    const char *parent, const char *group, const char *file, const char *object, unsigned *flags,
    hid_t access, void *data) {
  (void)parent, (void)group, (void)file, (void)object, (void)flags, (void)access, (void)data;
  return -1;
}

// libhdf5 copies an image several times unless it is told that every copy is the image itself.
static inline void *fn_h5_image_allocate(size_t size, H5FD_file_image_op_t step, void *data) {
  const fn_h5_source *source = (const fn_h5_source *)data;
  (void)step;
  return size == source->size ? (void *)(uintptr_t)source->bytes : NULL;
}

static inline void *fn_h5_image_copy(
    void *to, const void *from, size_t size, H5FD_file_image_op_t step, void *data) {
  (void)size, (void)step, (void)data;
  return to == from ? to : NULL;
}

static inline void *fn_h5_image_grow(
    void *image, size_t size, H5FD_file_image_op_t step, void *data) {
  (void)image, (void)size, (void)step, (void)data;
  return NULL;
}

static inline herr_t fn_h5_image_free(void *image, H5FD_file_image_op_t step, void *data) {
  (void)image, (void)step, (void)data;
  return 0;
}

static inline void *fn_h5_image_share(void *data) { return data; }
static inline herr_t fn_h5_image_unshare(void *data) {
  (void)data;
  return 0;
}

/// Opens the source for reading with the plain driver, or the one for memory without a file behind it. One image at a
/// time: libhdf5 tells them apart by their names. Negative on failure.
static inline hid_t fn_h5_open_source(const fn_h5_source *source) {
  hid_t access = H5Pcreate(H5P_FILE_ACCESS), file = -1;
  if (access < 0) return -1;
  H5FD_file_image_callbacks_t callbacks = {
      fn_h5_image_allocate, fn_h5_image_copy,    fn_h5_image_grow,          fn_h5_image_free,
      fn_h5_image_share,    fn_h5_image_unshare, (void *)(uintptr_t)source,
  };
  int ready = H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0;
  if (source->bytes)
    ready = ready && H5Pset_fapl_core(access, 1 << 16, 0) >= 0 &&
            H5Pset_file_image_callbacks(access, &callbacks) >= 0 &&
            H5Pset_file_image(access, (void *)(uintptr_t)source->bytes, source->size) >= 0;
  else
    ready = ready && H5Pset_fapl_sec2(access) >= 0;
  // No file can have a name below /dev/null.
  if (ready)
    file = H5Fopen(source->bytes ? "/dev/null/image" : source->path, H5F_ACC_RDONLY, access);
  // Closing the list must not wipe out why the file could not be opened.
  hid_t reasons = H5Eget_current_stack();
  H5Pclose(access);
  H5Eset_current_stack(reasons);
  return file;
}

/// A link access list that refuses every external link; negative on failure.
static inline hid_t fn_h5_careful_links(void) {
  hid_t links = H5Pcreate(H5P_LINK_ACCESS);
  if (links < 0) return -1;
  if (H5Pset_nlinks(links, 1) >= 0 && H5Pset_elink_cb(links, fn_h5_refuse_external, NULL) >= 0)
    return links;
  H5Pclose(links);
  return -1;
}

/// The kind of the link `name` in `group`: 0 hard, 1 soft, 64 external; -1 where there is none that can be read.
static inline int fn_h5_link_kind(hid_t group, const char *name, hid_t access) {
  H5L_info_t info;
  if (H5Lget_info(group, name, &info, access) < 0) return -1;
  return (int)info.type;
}
