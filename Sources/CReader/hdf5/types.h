// Number types of HDF5 files besides those that libhdf5 has a name for.
#pragma once
#include <hdf5.h>

/// Whether `type` is IEEE 754's binary16, which NumPy calls float16, of either byte order.
static inline int fn_h5_is_float16(hid_t type) {
  if (H5Tget_class(type) != H5T_FLOAT || H5Tget_size(type) != 2) return 0;
  size_t sign, exponent_place, exponent, mantissa_place, mantissa;
  if (H5Tget_fields(type, &sign, &exponent_place, &exponent, &mantissa_place, &mantissa) < 0)
    return 0;
  H5T_order_t order = H5Tget_order(type);
  return sign == 15 && exponent_place == 10 && exponent == 5 && mantissa_place == 0 &&
         mantissa == 10 && H5Tget_ebias(type) == 15 && H5Tget_norm(type) == H5T_NORM_IMPLIED &&
         H5Tget_offset(type) == 0 && H5Tget_precision(type) == 16 &&
         (order == H5T_ORDER_LE || order == H5T_ORDER_BE);
}

/// Whether `type` is what h5py stores booleans as: one byte, FALSE being 0 and TRUE 1.
static inline int fn_h5_is_boolean(hid_t type) {
  if (H5Tget_class(type) != H5T_ENUM || H5Tget_size(type) != 1 || H5Tget_nmembers(type) != 2)
    return 0;
  signed char no = -1, yes = -1;
  return H5Tenum_valueof(type, "FALSE", &no) >= 0 && H5Tenum_valueof(type, "TRUE", &yes) >= 0 &&
         no == 0 && yes == 1;
}
