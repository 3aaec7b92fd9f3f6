// The kernels for every other processor, in generic vectors of 4 floats. Where the target has an
// fma instruction (arm64, Cortex-M4F) the vectors become registers or scalars; elsewhere fma is
// computed in double, exactly and slowly.

// A product and a sum are one operation where the code says fma, and nowhere else: the bits depend on it.
#pragma STDC FP_CONTRACT OFF

#include "tables.h"

#define CS_TABLE cs_kernels_portable
#define CS_ISA CS_ISA_PORTABLE
#define VL 4

#if defined(__FP_FAST_FMAF) || defined(__ARM_FEATURE_FMA) || defined(__FMA__)
#define CS_SOFT_FMA 0
#else
#define CS_SOFT_FMA 1
#endif

#if defined(__aarch64__)
#define VECTOR_REGISTERS 32
#define TILE_OC 6
#define TILE_PX 4
#define DW_OC 4
#define DW_K 5
#define DX_IC 3
#define DX_PIXEL_IC 6
#define DENSE_OUT 6
#define DENSE_IN 6
#define DENSE_PARTS 4
#define OUTER_ROWS 6
#define OUTER_REGISTERS 4
#define OUTER_MAX_ROWS 12
#define SUM_ROWS 6
#define SUM_COLUMNS 4
#define CHANNEL_PX 6
#define CHANNEL_PARTS 4
#else
#define VECTOR_REGISTERS 16
#define TILE_OC 2
#define TILE_PX 2
#define DW_OC 2
#define DW_K 2
#define DX_IC 1
#define DX_PIXEL_IC 1
#define DENSE_OUT 2
#define DENSE_IN 2
#define DENSE_PARTS 1
#define OUTER_ROWS 2
#define OUTER_REGISTERS 2
#define OUTER_MAX_ROWS 2
#define SUM_ROWS 2
#define SUM_COLUMNS 2
#define CHANNEL_PX 2
#define CHANNEL_PARTS 1
#endif

#include "kernels.inc"
