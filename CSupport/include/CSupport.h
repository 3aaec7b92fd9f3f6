// CSupport: the kernels of FixedNet.
//
// The contract of every function below, said once:
// - C11, no allocation, no global state, no errors: callers pass extents that their plan has checked, and scratch.
// - Extents and strides count elements (floats), never bytes, unless a name says so.
// - No argument may overlap another one unless the comment says "in place".
// - Sums have one written order, the same on every instruction set and in every build:
//     `fma chain`: acc = start; for k ascending: acc = fma(a[k], b[k], acc), one rounding per step.
//     `lane tree`: 16 partial sums s[0..15] are added as s[i] += s[i+8] (i < 8), s[i] += s[i+4] (i < 4),
//                  s[i] += s[i+2] (i < 2), s[0] += s[1].
//   Two variants of a kernel return identical bits for identical input.
//
// Layout. Activations live in blocks of B images, B = 16 or B = 1:
//   [channel][row][column][B]      ("block"; a vector of n features has n channels, one row, one column)
// In a B = 16 block the images are the vector lanes. `lanes` (1...B) says how many of them are real; the
// others hold finite values that must not reach a sum over images.
// Weights: convolution [outChannels][inChannels][kernelHeight][kernelWidth]; dense [in][out]. Row-major, unpadded.

#ifndef FIXEDNET_CSUPPORT_H
#define FIXEDNET_CSUPPORT_H

#include <stddef.h>
#include <stdint.h>

#if defined(__clang__)
#pragma clang assume_nonnull begin
#else
#define _Nullable
#define _Nonnull
#endif

#ifdef __cplusplus
extern "C" {
#endif

// MARK: - Instruction sets

typedef enum cs_isa : int32_t {
  CS_ISA_PORTABLE = 0,  // generic vectors, fma in software where the target has none
  CS_ISA_AVX2 = 1,      // AVX2 + FMA, a block's 16 images in two halves
  CS_ISA_AVX512 = 2,    // AVX-512 F + VL + DQ + BW
} cs_isa;

/// The best instruction set that this processor and this build support.
cs_isa cs_isa_detect(void);

// MARK: - Element-wise functions

/// The activation that a kernel applies to its output, and whose derivative it multiplies into a gradient.
/// Every derivative is computed from the output y alone.
typedef enum cs_activation : int32_t {
  CS_LINEAR = 0,   // y = z,                    dz = dy
  CS_TANH = 1,     // y = tanh(z),              dz = dy (1 - y y)
  CS_RELU = 2,     // y = max(z, 0),            dz = y > 0 ? dy : 0
  CS_SIGMOID = 3,  // y = 1 / (1 + exp(-z)),    dz = dy y (1 - y)
} cs_activation;

// MARK: - Shapes

/// One convolution (cross-correlation). Extents are of one image; the output extents are consistent with the
/// rest: outHeight = (inHeight + padTop + padBottom - kernelHeight) / strideHeight + 1, likewise the width.
/// Padding is zeros.
typedef struct cs_conv2d {
  int32_t inChannels, inHeight, inWidth;
  int32_t outChannels, outHeight, outWidth;
  int32_t kernelHeight, kernelWidth;
  int32_t strideHeight, strideWidth;
  int32_t padTop, padLeft, padBottom, padRight;
} cs_conv2d;

/// One average pooling. Cells outside the image do not count, neither in the sum nor in the divisor.
typedef struct cs_pool2d {
  int32_t channels, inHeight, inWidth;
  int32_t outHeight, outWidth;
  int32_t poolHeight, poolWidth;
  int32_t strideHeight, strideWidth;
  int32_t padTop, padLeft;
} cs_pool2d;

/// Which kernel a scratch size is asked for.
typedef enum cs_conv2d_pass : int32_t {
  CS_CONV2D_FORWARD = 0,
  CS_CONV2D_BACKWARD_INPUT = 1,
  CS_CONV2D_BACKWARD_WEIGHTS = 2,
} cs_conv2d_pass;

/// Floats of scratch (64-byte aligned) that the convolution kernels need for `shape`, the same for every
/// instruction set. block = 16 or 1.
size_t cs_conv2d_scratch(const cs_conv2d *shape, cs_conv2d_pass pass, int32_t block);

// MARK: - Kernels

/// One table per instruction set. `block` is B, 16 or 1.
typedef struct cs_kernels {
  cs_isa isa;

  // -- Convolution, one block ------------------------------------------------------------------------------

  /// y[o][oy][ox][n] = activation(bias[o] + sum_k w[o][k] x[ic][oy sh + ky - top][ox sw + kx - left][n])
  /// The sum is an fma chain that starts at bias[o] (0 without bias) and runs over k = (ic, ky, kx) ascending;
  /// a tap outside the image multiplies a zero. Both B give the same bits.
  /// Shapes: x [inC][inH][inW][B], w [outC][inC kh kw], bias [outC], y [outC][outH][outW][B].
  void (*conv2d_forward)(const cs_conv2d *shape, int32_t block, const float *restrict x,
                         const float *restrict w, const float *restrict _Nullable bias, float *restrict y,
                         cs_activation activation, float *restrict scratch);

  /// dx = gradient of the loss with respect to the convolution's input, given dz (with respect to its sum).
  /// dx is overwritten. Each element is one fma chain from 0 over (ky, o, kx) ascending. Taps outside dz are left
  /// out (B = 16) or multiply a zero (B = 1).
  void (*conv2d_backward_input)(const cs_conv2d *shape, int32_t block, const float *restrict dz,
                                const float *restrict w, float *restrict dx, float *restrict scratch);

  /// dw[o][k] = sum over pixels and images of dz[o][p][n] x[.][.][n], db[o] = sum of dz[o][p][n]: the partial
  /// gradient of this one block; dw and db are overwritten. db may be NULL.
  /// B = 16: one fma chain over pixels (row-major, ascending) per lane, then the lane tree. B = 1: one fma chain
  /// over pixels for dw; db: 16 chains (pixel p belongs to chain p mod 16), then the lane tree.
  /// All 16 lanes take part: dz is zero in lanes that hold no image.
  void (*conv2d_backward_weights)(const cs_conv2d *shape, int32_t block, const float *restrict x,
                                  const float *restrict dz, float *restrict dw, float *restrict _Nullable db,
                                  float *restrict scratch);

  // -- Dense -----------------------------------------------------------------------------------------------

  /// y[o][n] = activation(bias[o] + sum_i x[i][n] w[i][o]): an fma chain over i ascending that starts at bias[o]
  /// (0 without bias). Both B give the same bits. Shapes: x [in][B], w [in][out], y [out][B].
  void (*dense_forward)(int32_t in, int32_t out, int32_t block, const float *restrict x,
                        const float *restrict w, const float *restrict _Nullable bias, float *restrict y,
                        cs_activation activation);

  /// dx[i][n] = sum_o dz[o][n] w[i][o]. B = 16: fma chain over o ascending from 0. B = 1: 16 chains (o belongs to
  /// chain o mod 16, with zeros up to a multiple of 16), then the lane tree. Shapes: dz [out][B], w [in][out], dx [in][B].
  void (*dense_backward_input)(int32_t in, int32_t out, int32_t block, const float *restrict dz,
                               const float *restrict w, float *restrict dx);

  /// dzT[n][o] = dz[o][n] for the 16 images of a B = 16 block. Shapes: dz [out][16], dzT [16][leading], leading >= out
  /// and a multiple of 16; columns out..<leading are set to 0.
  void (*transpose16)(int32_t out, int32_t leading, const float *restrict dz, float *restrict dzT);

  /// Rows firstRow ..< endRow of dw[i][o] = sum_n x[i][n] dzT[n][o], n over the `images` images of the batch in order:
  /// one fma chain from 0 per weight. Rows are written at dw + i out (dw points at row 0).
  /// Image n's x[i] is x[(n / block) xStride + i block + n % block]; its dz row is
  /// dzT[(n / block) dzStride + (n % block) leading].
  /// accumulates (0 or 1): the chains go on from what dw holds instead of 0, so that a batch in several calls gives the
  /// bits of one call.
  void (*dense_backward_weights)(int32_t firstRow, int32_t endRow, int32_t out, int32_t block, int32_t images,
                                 const float *restrict x, size_t xStride, const float *restrict dzT,
                                 size_t dzStride, size_t leading, int32_t accumulates, float *restrict dw);

  /// db[o] = sum_n dzT[n][o] for o in first ..< end: plain additions in image order from 0, or on from db. As above.
  void (*dense_backward_bias)(int32_t first, int32_t end, int32_t block, int32_t images,
                              const float *restrict dzT, size_t dzStride, size_t leading, int32_t accumulates,
                              float *restrict db);

  // -- Average pooling, one block ----------------------------------------------------------------------------

  /// y = (sum of the window's cells inside the image, row-major order) * (1 / count): additions, then one product.
  void (*avgpool2d_forward)(const cs_pool2d *shape, int32_t block, const float *restrict x, float *restrict y);

  /// dx[cell] = sum over the windows that hold the cell, windows in row-major order, of dy[window] * (1 / count).
  /// dx is overwritten.
  void (*avgpool2d_backward)(const cs_pool2d *shape, int32_t block, const float *restrict dy,
                             float *restrict dx);

  // -- Batch normalisation, one block ------------------------------------------------------------------------

  /// mean[c] = sum x / count, m2[c] = sum (x - mean[c])^2 over pixels and the first `lanes` images,
  /// count = pixels * lanes (additions; an fma chain for the squares). Per lane over pixels ascending, then the lane tree with zeros for lanes >= `lanes`
  /// (B = 1: pixel p belongs to chain p mod 16, then the lane tree). Shapes: x [channels][pixels][B], mean, m2 [channels].
  void (*batchnorm_statistics)(int32_t channels, int32_t pixels, int32_t block, int32_t lanes,
                               const float *restrict x, float *restrict mean, float *restrict m2);

  /// y = fma(x - mean[c], scale[c], shift[c]); x and y may be the same (in place). All lanes are written.
  void (*batchnorm_apply)(int32_t channels, int32_t pixels, int32_t block, const float *x, const float *mean,
                          const float *scale, const float *shift, float *y);

  /// sumDy[c] = sum dy, sumDyXhat[c] = sum dy xhat with xhat = (x - mean[c]) invStd[c]; order as in
  /// batchnorm_statistics (the second sum is an fma chain).
  void (*batchnorm_backward_sums)(int32_t channels, int32_t pixels, int32_t block, int32_t lanes,
                                  const float *restrict x, const float *restrict dy,
                                  const float *restrict mean, const float *restrict invStd,
                                  float *restrict sumDy, float *restrict sumDyXhat);

  /// dx = a[c] (dy - b[c] - xhat d[c]), xhat = (x - mean[c]) invStd[c], evaluated as
  /// t = fma(-xhat, d, dy - b); dx = a t. Lanes >= `lanes` are set to 0. dy and dx may be the same (in place).
  void (*batchnorm_backward_input)(int32_t channels, int32_t pixels, int32_t block, int32_t lanes,
                                   const float *x, const float *dy, const float *mean, const float *invStd,
                                   const float *a, const float *b, const float *d, float *dx);

  // -- Element-wise ------------------------------------------------------------------------------------------

  /// y[i] = activation(x[i]); in place allowed. exp, tanh, log: within 5 ulp of the exact value.
  void (*activation_forward)(size_t count, cs_activation activation, const float *x, float *y);
  /// dz[i] = dy[i] activation'(y[i]); dz and dy may be the same (in place).
  void (*activation_backward)(size_t count, cs_activation activation, const float *y, const float *dy,
                              float *dz);
  void (*vector_exp)(size_t count, const float *x, float *y);  // in place allowed; 0 below -103.98, +inf above 88.73
  void (*vector_log)(size_t count, const float *x, float *y);  // in place allowed; x > 0 normal

  // -- Softmax and loss, one block ---------------------------------------------------------------------------

  /// p[c][n] = exp(z[c][n] - max_c z) / sum_c exp(z[c][n] - max_c z); the sum in channel order. In place allowed.
  /// Both B give the same bits.
  void (*softmax)(int32_t classes, int32_t block, const float *z, float *p);

  /// dz[c] = p[c] (dy[c] - sum_k dy[k] p[k]); the sum in channel order. dy and dz may be the same (in place).
  void (*softmax_backward)(int32_t classes, int32_t block, const float *p, const float *dy, float *dz);

  /// Softmax and cross-entropy of the logits z, for the first `lanes` images:
  /// loss[n] = log(sum_c exp(z[c][n] - m)) - (z[label[n]][n] - m), m = max_c z[c][n];
  /// dz[c][n] = (p[c][n] - [c == label[n]]) * scale, 0 in lanes >= `lanes`;
  /// hit[n] = 1 if the first largest logit is the label's, else 0 (0 too if a logit is NaN or +inf). dz may be z (in place), or NULL: not computed.
  /// Finite for every finite z. Shapes: z, dz [classes][B], labels, loss, hit [lanes].
  void (*softmax_cross_entropy)(int32_t classes, int32_t block, int32_t lanes, const float *z,
                                const uint8_t *labels, float scale, float *_Nullable dz, float *loss, float *hit);

  // -- Updates -----------------------------------------------------------------------------------------------

  /// w[i] = fma(-learningRate, dw[i], w[i])
  void (*sgd_update)(size_t count, float learningRate, const float *restrict dw, float *restrict w);

  /// sum[i] = partial[0][i] + partial[1][i] + ...: additions in block order, or on from sum[i] if `accumulates`.
  /// partial[b] is partials + b stride.
  void (*sum_partials)(size_t count, int32_t partialCount, const float *restrict partials, size_t stride,
                       int32_t accumulates, float *restrict sum);

  // -- Input -------------------------------------------------------------------------------------------------

  /// x[c][p][n] = images[indices[n]][p][c] / divisor (float division) for n < lanes, 0 for the other lanes.
  /// images are [pixels][channels] (channels last), `imageStride` elements apart.
  void (*gather_u8)(int32_t channels, int32_t pixels, int32_t block, int32_t lanes, const uint8_t *restrict images,
                    size_t imageStride, const uint32_t *restrict indices, float divisor, float *restrict x);
  void (*gather_f32)(int32_t channels, int32_t pixels, int32_t block, int32_t lanes,
                     const float *restrict images, size_t imageStride, const uint32_t *restrict indices,
                     float divisor, float *restrict x);

  /// out[n][p][c] = y[c][p][n] for n < lanes: one block back to channels-last images, `outStride` elements apart.
  void (*scatter_f32)(int32_t channels, int32_t pixels, int32_t block, int32_t lanes, const float *restrict y,
                      float *restrict out, size_t outStride);

  // -- Measuring ---------------------------------------------------------------------------------------------

  /// Runs `iterations` rounds of independent multiply-adds in registers (enough chains to fill the pipes);
  /// returns the number of floating-point operations done (2 per lane and fma). *sink keeps the work alive.
  uint64_t (*peak_fma)(uint64_t iterations, float *sink);
} cs_kernels;

/// The table for `isa`, which must be at most cs_isa_detect(). Constant data.
const cs_kernels *cs_kernels_for(cs_isa isa);

/// The reference: plain loops for every kernel above, same contract and same bits. Slow.
const cs_kernels *cs_kernels_reference(void);

// MARK: - Thread team

/// N threads that run one function in step. Thread 0 is the caller of cs_team_run; the others wait, spinning
/// briefly, then parked. Nothing is allocated after cs_team_start.
typedef struct cs_team cs_team;

/// Bytes that a team of `threads` needs (64-byte aligned memory).
size_t cs_team_size(int32_t threads);

/// Starts threads - 1 threads. Returns the team inside `memory`, or NULL if a thread could not be started (then
/// none is left running). `memory` must outlive cs_team_stop.
cs_team *_Nullable cs_team_start(void *memory, int32_t threads);

/// Runs body(context, thread) on every thread of the team and returns when all have finished. A NULL team runs
/// body(context, 0) on the caller.
void cs_team_run(cs_team *_Nullable team, void (*body)(void *context, int32_t thread), void *context);

/// Waits until every thread of the team has arrived; called from inside body. A NULL team returns at once.
void cs_team_barrier(cs_team *_Nullable team, int32_t thread);

/// Ends and joins the team's threads.
void cs_team_stop(cs_team *_Nullable team);

#ifdef __cplusplus
}
#endif

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif

#endif
