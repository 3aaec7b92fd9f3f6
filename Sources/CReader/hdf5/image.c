// A driver of libhdf5 for bytes in memory that are only read. The library's own driver for memory asks the system whether
// there is a file of the image's name, which a confined process may not.
// Source: The HDF Group, "HDF5 Virtual File Layer"; H5FDpublic.h.
#ifdef FN_WITH_HDF5
#include "image.h"

#include <string.h>
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

/// What the library sees as an open file; its own part comes first.
typedef struct {
  H5FD_t own;
  const unsigned char *bytes;
  haddr_t size, end_of_allocation;
  int is_open;
} image;

/// One at a time.
static image only;

/// No greater address can be asked for.
static const haddr_t last_address = ((haddr_t)1 << 62) - 1;

static H5FD_t *open_image(const char *name, unsigned flags, hid_t access, haddr_t most) {
  (void)name, (void)access, (void)most;
  if (flags & H5F_ACC_RDWR || !only.bytes || only.is_open) return NULL;
  only.is_open = 1;
  only.end_of_allocation = 0;
  return &only.own;
}

static herr_t close_image(H5FD_t *file) {
  ((image *)file)->is_open = 0;
  return 0;
}

static int compare(const H5FD_t *one, const H5FD_t *other) {
  return one < other ? -1 : one > other;
}

static herr_t query(const H5FD_t *file, unsigned long *features) {
  (void)file;
  if (features) *features = H5FD_FEAT_DATA_SIEVE | H5FD_FEAT_AGGREGATE_METADATA;
  return 0;
}

static haddr_t end_of_allocation(const H5FD_t *file, H5FD_mem_t type) {
  (void)type;
  return ((const image *)file)->end_of_allocation;
}

static herr_t set_end_of_allocation(H5FD_t *file, H5FD_mem_t type, haddr_t address) {
  (void)type;
  ((image *)file)->end_of_allocation = address;
  return 0;
}

static haddr_t end_of_file(const H5FD_t *file, H5FD_mem_t type) {
  (void)type;
  return ((const image *)file)->size;
}

/// What is behind the end reads as zeros, as of a file.
static herr_t read_image(
    H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t count, void *to) {
  const image *source = (const image *)file;
  (void)type, (void)transfer;
  if (address > last_address || count > last_address) return -1;
  size_t there = 0;
  if (address < source->size)
    there = source->size - address < count ? (size_t)(source->size - address) : count;
  if (there > 0) memcpy(to, source->bytes + address, there);
  memset((char *)to + there, 0, count - there);
  return 0;
}

static herr_t write_image(
    H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t count,
    const void *from) {
  (void)file, (void)type, (void)transfer, (void)address, (void)count, (void)from;
  return -1;
}

static const H5FD_class_t driver = {
#if H5_VERSION_GE(1, 13, 0)
    .version = H5FD_CLASS_VERSION,
    // Those from 256 on are nobody's.
    .value = (H5FD_class_value_t)300,
#endif
    .name = "memory",
    .maxaddr = ((haddr_t)1 << 62) - 1,
    .fc_degree = H5F_CLOSE_STRONG,
    .open = open_image,
    .close = close_image,
    .cmp = compare,
    .query = query,
    .get_eoa = end_of_allocation,
    .set_eoa = set_end_of_allocation,
    .get_eof = end_of_file,
    .read = read_image,
    .write = write_image,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

hid_t fn_h5_open_image(const unsigned char *bytes, uint64_t size) {
  hid_t access = H5Pcreate(H5P_FILE_ACCESS), file = -1, number = H5FDregister(&driver);
  memset(&only, 0, sizeof only);
  only.bytes = bytes;
  only.size = size;
  if (access >= 0 && number >= 0 && H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0 &&
      H5Pset_driver(access, number, NULL) >= 0)
    // A name that is not whole would be completed with the folder, which is not to be asked for.
    file = H5Fopen("/image", H5F_ACC_RDONLY, access);
  // Closing the list must not wipe out why the file could not be opened.
  hid_t reasons = H5Eget_current_stack();
  if (access >= 0) H5Pclose(access);
  if (number >= 0) H5FDunregister(number);
  H5Eset_current_stack(reasons);
  return file;
}

int fn_h5_is_marked_open(const unsigned char *bytes, uint64_t size) {
  static const unsigned char signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1A, '\n'};
  for (uint64_t place = 0; place + 12 <= size; place = place ? 2 * place : 512)
    if (memcmp(bytes + place, signature, sizeof signature) == 0)
      return bytes[place + 8] == 3 && (bytes[place + 11] & 5) != 0;
  return 0;
}

static herr_t refuse_external(
    const char *parent, const char *group, const char *file, const char *object, unsigned *flags,
    hid_t access, void *data) {
  (void)parent, (void)group, (void)file, (void)object, (void)flags, (void)access, (void)data;
  return -1;
}

hid_t fn_h5_careful_links(void) {
  hid_t links = H5Pcreate(H5P_LINK_ACCESS);
  if (links < 0) return -1;
  if (H5Pset_nlinks(links, 1) >= 0 && H5Pset_elink_cb(links, refuse_external, NULL) >= 0)
    return links;
  H5Pclose(links);
  return -1;
}
#endif
