// The kernels for AVX2 and FMA: a block's 16 images in two halves, up to 12 of 16 registers
// accumulate.

// A product and a sum are one operation where the code says fma, and nowhere else: the bits depend on it.
#pragma STDC FP_CONTRACT OFF

#include "tables.h"

#if CS_HAVE_X86

#define CS_TABLE cs_kernels_avx2
#define CS_ISA CS_ISA_AVX2
#define VL 8
#define VECTOR_REGISTERS 16
#define CS_SOFT_FMA 0
#define TILE_OC 5
#define TILE_PX 2
#define DW_OC 2
#define DW_K 5
#define DX_IC 2
#define DX_PIXEL_IC 4
#define DENSE_OUT 6
#define DENSE_IN 6
#define DENSE_PARTS 2
#define OUTER_ROWS 6
#define OUTER_REGISTERS 2
#define OUTER_MAX_ROWS 12
#define SUM_ROWS 3
#define SUM_COLUMNS 4
#define CHANNEL_PX 6
#define CHANNEL_PARTS 2

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "kernels.inc"
#pragma clang attribute pop

#endif
