// The tables behind cs_kernels_for, one per instruction set that this build contains.

#ifndef FIXEDNET_TABLES_H
#define FIXEDNET_TABLES_H

#include "CSupport.h"

#if defined(__x86_64__) && defined(__clang__)
#define CS_HAVE_X86 1
extern const cs_kernels cs_kernels_avx512;
extern const cs_kernels cs_kernels_avx2;
#else
#define CS_HAVE_X86 0
#endif
extern const cs_kernels cs_kernels_portable;

#endif
