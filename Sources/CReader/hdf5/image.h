// An HDF5 file in memory, for libhdf5.
#pragma once
#include <hdf5.h>

#include <stddef.h>
#include <stdint.h>

/// Opens an image for reading, which stays where it is for as long as the file is open. Negative on failure.
hid_t fn_h5_open_image(const unsigned char *bytes, uint64_t size);

/// Whether the file is marked as open by a writer, which may have left it half written. libhdf5 looks at the mark only of
/// files that it opens itself.
/// Layout of the superblock, at 0, 512, 1024, 2048, ...: signature (8), version (1), 2 bytes, flags (1; of version 3: bit 0
/// open for writing, bit 2 for writing with readers).
/// Source: HDF5 File Format Specification 3.0, II.A.
int fn_h5_is_marked_open(const unsigned char *bytes, uint64_t size);

/// A link access list that refuses every external link; negative on failure.
hid_t fn_h5_careful_links(void);

/// The kind of the link `name` in `group`: 0 hard, 1 soft, 64 external; -1 where there is none that can be read.
static inline int fn_h5_link_kind(hid_t group, const char *name, hid_t access) {
  H5L_info_t info;
  if (H5Lget_info(group, name, &info, access) < 0) return -1;
  return (int)info.type;
}
