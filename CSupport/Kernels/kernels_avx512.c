// The kernels for AVX-512: one register holds a block's 16 images, up to 24 of 32 accumulate.

// A product and a sum are one operation where the code says fma, and nowhere else: the bits depend on it.
#pragma STDC FP_CONTRACT OFF

#include "tables.h"

#if CS_HAVE_X86

#define CS_TABLE cs_kernels_avx512
#define CS_ISA CS_ISA_AVX512
#define VL 16
#define VECTOR_REGISTERS 32
#define CS_SOFT_FMA 0
#define TILE_OC 6
#define TILE_PX 4
#define DW_OC 4
#define DW_K 5
#define DX_IC 4
#define DX_PIXEL_IC 8
#define DENSE_OUT 24
#define DENSE_IN 12
#define DENSE_PARTS 1
#define OUTER_ROWS 6
#define OUTER_REGISTERS 4
#define OUTER_MAX_ROWS 12
#define SUM_ROWS 6
#define SUM_COLUMNS 4
#define CHANNEL_PX 8
#define CHANNEL_PARTS 1

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma"))), apply_to = function)
#include "kernels.inc"
#pragma clang attribute pop

#endif
