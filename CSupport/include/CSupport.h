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
// Weights: convolution [outChannels][inChannels][kernelHeight][kernelWidth] for B = 16, tap by tap
// [inChannels][kernelHeight][kernelWidth][outChannels] for B = 1; dense [in][out]. Row-major, unpadded.

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
  CS_SCALED_SIGMOID = 4,  // y = 1 / (1 + exp(-2 z)), dz = dy (2 y) (1 - y): the bits of CS_SIGMOID of 2 z
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

/// One depthwise convolution: output channel o reads input channel o / multiplier alone. Output (oy, ox) and tap (ky, kx)
/// read input (oy strideHeight + ky dilationHeight - padTop, ox strideWidth + kx dilationWidth - padLeft); a tap outside
/// the image is left out, in every pass.
typedef struct cs_depthwise {
  int32_t channels, multiplier;
  int32_t inHeight, inWidth, outHeight, outWidth;
  int32_t kernelHeight, kernelWidth;
  int32_t strideHeight, strideWidth;
  int32_t dilationHeight, dilationWidth;
  int32_t padTop, padLeft;
} cs_depthwise;

/// One pooling. Cells outside the image do not count, neither in a sum nor in its divisor nor in a maximum.
typedef struct cs_pool2d {
  int32_t channels, inHeight, inWidth;
  int32_t outHeight, outWidth;
  int32_t poolHeight, poolWidth;
  int32_t strideHeight, strideWidth;
  int32_t padTop, padLeft;
} cs_pool2d;

/// A rectified linear function: r(x) = x > threshold ? x : negativeSlope (x - threshold), y = min(r(x), maxValue).
/// negativeSlope = 0: exactly 0 there, even of -inf. maxValue = +inf: no limit.
typedef struct cs_rectifier {
  float negativeSlope, threshold, maxValue;
} cs_rectifier;

/// Which elements a dropout keeps, a function of this and of (element, image) only: no mask is stored.
/// word = Philox 4x32-10 with key words seed[0], seed[1] and counter words (element / 4, image, step, stream), its word
/// number element % 4. The element is kept where word >= threshold = round(rate 2^32), and multiplied by
/// scale = 1 / (1 - rate).
typedef struct cs_dropout {
  uint32_t seed[2];
  uint32_t step, stream;
  uint32_t threshold;
  float scale;
} cs_dropout;

/// RMSprop's constants. gradientShare = 1 - rho, rounded once: in float, 1 - 0.999 is wrong in the fifth digit.
/// isLegacy: epsilon is added behind the root (Keras' legacy optimiser without momentum).
typedef struct cs_rmsprop {
  float learningRate, rho, gradientShare, momentum, epsilon;
  int32_t isLegacy;
} cs_rmsprop;

/// Adam's constants. rate: the learning rate with the bias correction of step t,
/// learningRate sqrt(1 - beta2^t) / (1 - beta1^t). gradientShare = 1 - beta1, squareShare = 1 - beta2, rounded once.
typedef struct cs_adam {
  float rate, gradientShare, squareShare, epsilon;
} cs_adam;

/// The activations whose derivative is computed from the input x, as Keras 3 has them by name. The other names: relu6,
/// leaky_relu and ThresholdedReLU are a cs_rectifier.
typedef enum cs_function_kind : int32_t {
  CS_ELU = 0,              // x > 0 ? x : parameter (exp(x) - 1)
  CS_CELU = 1,             // x > 0 ? x : parameter (exp(x / parameter) - 1)
  CS_SELU = 2,             // 1.0507009873554805 elu(x), the parameter 1.6732632423543773
  CS_GELU = 3,             // x Phi(x) = x (1 + erf(x / sqrt(2))) / 2
  CS_GELU_TANH = 4,        // x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2
  CS_SILU = 5,             // x sigmoid(x), also called swish
  CS_MISH = 6,             // x tanh(log(1 + exp(x)))
  CS_SOFTPLUS = 7,         // log(1 + exp(x))
  CS_LOG_SIGMOID = 8,      // -log(1 + exp(-x))
  CS_SOFTSIGN = 9,         // x / (1 + |x|)
  CS_SQUAREPLUS = 10,      // (x + sqrt(x^2 + parameter)) / 2; the parameter at least 0
  CS_EXPONENTIAL = 11,     // exp(x)
  CS_TANH_SHRINK = 12,     // x - tanh(x)
  CS_HARD_SIGMOID = 13,    // min(max(x + 3, 0), 6) / 6
  CS_HARD_SIGMOID_2 = 14,  // min(max(0.2 x + 0.5, 0), 1), Keras 2's
  CS_HARD_SILU = 15,       // x min(max(x + 3, 0), 6) / 6, also called hard swish
  CS_HARD_TANH = 16,       // min(max(x, -1), 1)
  CS_HARD_SHRINK = 17,     // |x| > parameter ? x : 0
  CS_SOFT_SHRINK = 18,     // x > parameter ? x - parameter : x < -parameter ? x + parameter : 0
  CS_THRESHOLD = 19,       // x > parameter ? x : otherwise
  CS_SPARSE_PLUS = 20,     // x <= -1 ? 0 : x >= 1 ? x : (x + 1)^2 / 4
  CS_SPARSE_SIGMOID = 21,  // min(max(x + 1, 0), 2) / 2
} cs_function_kind;

typedef struct cs_function {
  cs_function_kind kind;
  float parameter, otherwise;
} cs_function;

/// What a merge of two inputs a and b computes.
typedef enum cs_merge_kind : int32_t {
  CS_ADD = 0,            // a + b
  CS_SUBTRACT = 1,       // a - b
  CS_SUBTRACT_FROM = 2,  // b - a
  CS_MULTIPLY = 3,       // a b
  CS_MAXIMUM = 4,        // the larger one, of equal ones a; NaN if one is
  CS_MINIMUM = 5,        // the smaller one, likewise
} cs_merge_kind;

/// A merge. a and the result y are [channels][pixels][B], b is [channelsOfB][pixelsOfB][B]: each as many as a has, or 1,
/// which then serves all of a's.
typedef struct cs_merge {
  cs_merge_kind kind;
  int32_t channels, pixels;
  int32_t channelsOfB, pixelsOfB;
} cs_merge;

/// Nadam's constants of step t (from 1): with u_t = beta1 (1 - 0.96^t / 2) and U_t = u_1 u_2 ... u_t,
/// momentumRate = learningRate u_{t+1} / (1 - U_{t+1}), gradientRate = learningRate (1 - u_t) / (1 - U_t),
/// squareScale = 1 / (1 - beta2^t). gradientShare and squareShare as in cs_adam; Keras' Nadam rounds the betas to float
/// before it subtracts them from 1.
typedef struct cs_nadam {
  float momentumRate, gradientRate, gradientShare, squareShare, squareScale, epsilon;
} cs_nadam;

/// What output_loss and class_loss compute of the outputs y and the targets t = targetScale target + targetOffset (an fma),
/// as Keras does: epsilon = 1e-7, in(x) = min(max(x, epsilon), 1 - epsilon), whose derivative is 0 outside of these limits
/// and 1 within. At its kink a derivative is 0.
typedef enum cs_loss_kind : int32_t {
  // output_loss: f(y, t)
  CS_ABSOLUTE_ERROR = 0,             // |y - t|
  CS_ABSOLUTE_PERCENTAGE_ERROR = 1,  // 100 |y - t| / max(|t|, epsilon)
  CS_SQUARED_LOGARITHMIC_ERROR = 2,  // (log(max(y, epsilon) + 1) - log(max(t, epsilon) + 1))^2
  CS_HUBER = 3,                      // |y - t| <= delta ? (y - t)^2 / 2 : delta |y - t| - delta^2 / 2
  CS_LOG_COSH = 4,                   // log(cosh(y - t)), finite for every finite difference
  CS_HINGE = 5,                      // max(1 - t y, 0)
  CS_SQUARED_HINGE = 6,              // max(1 - t y, 0)^2
  CS_POISSON = 7,                    // y - t log(y + epsilon)
  CS_KL_DIVERGENCE = 8,              // t' log(t' / y'), both limited to epsilon ... 1
  CS_BINARY_CROSS_ENTROPY = 9,       // -(t log(in(y)) + (1 - t) log(1 - in(y)))
  CS_BINARY_FOCAL = 10,  // balance (1 - q)^gamma times that, q = t y + (1 - t) (1 - y);
                         // balances: balance = t alpha + (1 - t) (1 - alpha), else 1
  CS_LOGISTIC = 11,      // binary cross-entropy of the logits, as logistic_loss has it: h = sigmoid(slope y)
  // class_loss: one value for all outputs, times weight; p = in(y / sum y) where it says p
  CS_SOFTMAX_CROSS_ENTROPY = 12,      // sum t (log(sum exp(y - m)) - (y - m)), m = max y; dy = softmax(y) sum t - t
  CS_CATEGORICAL_CROSS_ENTROPY = 13,  // -sum t log p
  CS_CATEGORICAL_FOCAL = 14,          // -sum alpha t (1 - p)^gamma log p
  CS_CATEGORICAL_HINGE = 15,          // max(max((1 - t) y) - sum t y + 1, 0)
} cs_loss_kind;

typedef struct cs_loss {
  cs_loss_kind kind;
  float weight, targetScale, targetOffset, hitThreshold;
  float delta, alpha, gamma, slope;
  int32_t balances;
} cs_loss;

/// The widest hidden layer of cs_lane_networks.
enum { CS_LANE_NETWORK_MAX_WIDTH = 10 };

/// Sixteen networks of one shape, one input, `depth` >= 1 hidden layers of `width` >= 1 units and one output: lane n of
/// every vector is network n.
/// Units: r(z, hiddenSlope), the output r(z, outputSlope), where r(z, s) = z <= 0 ? s z : z with s >= 0; 0: exactly 0
/// there, even of -inf (ReLU); 1: linear. NaN stays NaN.
/// Parameters, [parameter][16]: layer by layer the kernel [in][out], then the bias [out];
/// 2 width + (depth - 1) (width + 1) width + width + 1 of them.
/// Activations: layer by layer [samples][units][16]; samples (depth width + 1) vectors of 16.
typedef struct cs_lane_networks {
  int32_t width, depth;
  float hiddenSlope, outputSlope;
} cs_lane_networks;

/// Which kernel a scratch size is asked for.
typedef enum cs_conv2d_pass : int32_t {
  CS_CONV2D_FORWARD = 0,
  CS_CONV2D_BACKWARD_INPUT = 1,
  CS_CONV2D_BACKWARD_WEIGHTS = 2,
} cs_conv2d_pass;

/// Floats of scratch (64-byte aligned) that the convolution kernels need for `shape`, the same for every
/// instruction set. block = 16 or 1.
size_t cs_conv2d_scratch(const cs_conv2d *shape, cs_conv2d_pass pass, int32_t block);

/// The same for the depthwise kernels.
size_t cs_depthwise_scratch(const cs_depthwise *shape, cs_conv2d_pass pass, int32_t block);

/// Whether Winograd's kernels, which take every 3 x 3 convolution with strides of 1, are the faster ones: at least 24
/// channels in and out, at most 2^14 pairs of them, and an output that fills its tiles.
int32_t cs_winograd_suits(const cs_conv2d *shape);

/// Floats of scratch (64-byte aligned) of Winograd's kernels; isBackward: of winograd_backward.
size_t cs_winograd_scratch(const cs_conv2d *shape, int32_t isBackward);

// MARK: - Kernels

/// One table per instruction set. `block` is B, 16 or 1.
typedef struct cs_kernels {
  cs_isa isa;

  // -- Convolution, one block ------------------------------------------------------------------------------

  /// y[o][oy][ox][n] = activation(bias[o] + sum_k w[o][k] x[ic][oy sh + ky - top][ox sw + kx - left][n])
  /// The sum is an fma chain that starts at bias[o] (0 without bias) and runs over k = (ic, ky, kx) ascending;
  /// a tap outside the image multiplies a zero. Both B give the same bits.
  /// Shapes: x [inC][inH][inW][B], w [outC][inC kh kw] (B = 1: [inC kh kw][outC]), bias [outC], y [outC][outH][outW][B].
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

  /// B = 1: the rows firstTap ..< endTap of the above, so that a gradient can be used and forgotten piece by piece. dw
  /// points at the first of these rows, [endTap - firstTap][outC]; db may be NULL. The same bits as in one call, and the
  /// same scratch as conv2d_backward_weights.
  void (*conv2d_backward_taps)(const cs_conv2d *shape, int32_t firstTap, int32_t endTap, const float *restrict x,
                               const float *restrict dz, float *restrict dw, float *restrict _Nullable db,
                               float *restrict scratch);

  // -- Convolution by Winograd's F(2 x 2, 3 x 3), one block of 16 images ---------------------------------------
  //
  // For training, 3 x 3 and strides of 1: other roundings than above, so other bits, for fewer products. With
  //   Bt = [1 0 -1 0; 0 1 1 0; 0 -1 1 0; 0 1 0 -1], G = [1 0 0; 1/2 1/2 1/2; 1/2 -1/2 1/2; 0 0 1],
  //   At = [1 1 1 0; 0 1 -1 -1]
  // tile (ty, tx) has the outputs 2 ty ... 2 ty + 1, 2 tx ... 2 tx + 1 and the 4 x 4 inputs that they read; tiles are
  // numbered row by row. What is outside of x, dz, y or dx is zero when read and left out when written. A transform
  // multiplies from the left first, then from the right; terms are added in the order of their index, but
  //   G w: row 1 is 1/2 ((w0 + w2) + w1), row 2 1/2 ((w0 + w2) - w1);
  //   Bt x: row 2 is x2 - x1; B v: row 1 is (v1 - v2) + v3, row 2 (v1 + v2) - v0, row 3 -v3;
  //   Gt g: row 0 is g0 + 1/2 (g1 + g2), row 1 1/2 (g1 - g2), row 2 1/2 (g1 + g2) + g3; A y: row 3 is -y1.

  /// u = G w Gt, [16][outC][inC], and behind it the same as [16][inC][outC]: 32 outC inC floats, which the kernels below
  /// read.
  void (*winograd_weights)(const cs_conv2d *shape, const float *restrict w, float *restrict u);

  /// y = activation(At m A + bias) with m[p][o] = sum_ic u[p][o][ic] (Bt x B)[p][ic], an fma chain from 0 over ic
  /// ascending.
  void (*winograd_forward)(const cs_conv2d *shape, const float *restrict x, const float *restrict u,
                           const float *restrict _Nullable bias, float *restrict y, cs_activation activation,
                           float *restrict scratch);

  /// dx = sum over the tiles, ascending from 0, of B m Bt with m[p][ic] = sum_o u[p][o][ic] (A dz At)[p][o], an fma
  /// chain from 0 over o ascending. dw = Gt g G with g[p][o][ic] = sum over strips of four tiles, ascending from 0, of
  /// an fma chain from 0 over the strip's tiles and the 16 images of (A dz At)[p][o] (Bt x B)[p][ic]. db as in
  /// conv2d_backward_weights. Any of the three may be NULL.
  void (*winograd_backward)(const cs_conv2d *shape, const float *restrict x, const float *restrict dz,
                            const float *restrict u, float *restrict _Nullable dw, float *restrict _Nullable db,
                            float *restrict _Nullable dx, float *restrict scratch);

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

  // The same gradients over a stripe of blocks while the cache holds them: other roundings, so other bits, from blocks of
  // 16 as they are, without transposing any. Shapes of a block: x [in][16], dz [out][16]; blocks are xStride and dzStride
  // floats apart. dz is zero in lanes that hold no image.

  /// dw[i][o] = sum_n x[i][n] dz[o][n]: one fma chain over the blocks from 0 per lane, then the lane tree.
  /// accumulates (0 or 1): this is added to what dw holds.
  void (*dense_backward_weights_by_lane)(int32_t in, int32_t out, int32_t blocks, const float *restrict x,
                                         size_t xStride, const float *restrict dz, size_t dzStride,
                                         int32_t accumulates, float *restrict dw);

  /// db[o] = sum_n dz[o][n]: additions over the blocks from 0 per lane, then the lane tree. As above.
  void (*dense_backward_bias_by_lane)(int32_t out, int32_t blocks, const float *restrict dz, size_t dzStride,
                                      int32_t accumulates, float *restrict db);

  // -- Average pooling, one block ----------------------------------------------------------------------------

  /// y = (sum of the window's cells inside the image, row-major order) * (1 / count): additions, then one product.
  void (*avgpool2d_forward)(const cs_pool2d *shape, int32_t block, const float *restrict x, float *restrict y);

  /// dx[cell] = sum over the windows that hold the cell, windows in row-major order, of dy[window] * (1 / count).
  /// dx is overwritten.
  void (*avgpool2d_backward)(const cs_pool2d *shape, int32_t block, const float *restrict dy,
                             float *restrict dx);

  // -- Max pooling, one block --------------------------------------------------------------------------------

  /// y = the largest of the window's cells inside the image, of zeros of both signs the first; NaN where one of them is
  /// NaN.
  void (*maxpool2d_forward)(const cs_pool2d *shape, int32_t block, const float *restrict x, float *restrict y);

  /// dx[cell] = sum of dy[window], windows in row-major order, over the windows whose first largest cell (row-major
  /// order) it is; 0 where there is none. A window's first NaN is its largest cell. x is the forward pass's input. dx is
  /// overwritten.
  void (*maxpool2d_backward)(const cs_pool2d *shape, int32_t block, const float *restrict x,
                             const float *restrict dy, float *restrict dx);

  // -- Pooling behind an activation, one block ---------------------------------------------------------------

  /// y, the pooling's input and the activation's output, becomes dx activation'(y), with dx as above.
  /// scratch: dx of one channel.
  void (*avgpool2d_backward_delta)(const cs_pool2d *shape, int32_t block, cs_activation activation,
                                   const float *restrict dy, float *restrict y, float *restrict scratch);
  void (*maxpool2d_backward_delta)(const cs_pool2d *shape, int32_t block, cs_activation activation,
                                   const float *restrict dy, float *restrict y, float *restrict scratch);

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

  /// y[i] = activation(x[i]); in place allowed. Over all floats, and with the same bits on every instruction set: the
  /// logistic function is within 2 ulp of the float nearest to the exact value (for x >= -88, where it is normal), tanh
  /// within 5 of the exact value; vector_exp and vector_log are within 1 of it.
  void (*activation_forward)(size_t count, cs_activation activation, const float *x, float *y);
  /// dz[i] = dy[i] activation'(y[i]); dz may be dy or y (in place).
  void (*activation_backward)(size_t count, cs_activation activation, const float *y, const float *dy,
                              float *dz);
  /// The part of the R-operator that a curved activation adds, given dz = dy activation'(z) and the tangents rz = R{z},
  /// rdy = R{dy}: rdz = rdy activation'(z) + dz g(y) rz, with g = activation'' / activation', a function of y:
  /// tanh -2 y, sigmoid 1 - 2 y, scaled sigmoid 2 (1 - 2 y), evaluated as fma(dz g, rz, rdy activation'(z)); else
  /// rdy activation'(z) alone. rdz and rdy may be the same (in place).
  /// (The tangent of the forward pass, R{y} = activation'(z) R{z}, is activation_backward with dy = R{z}.)
  void (*activation_backward_tangent)(size_t count, cs_activation activation, const float *y, const float *dz,
                                      const float *rz, const float *rdy, float *rdz);
  /// y[i] = rectifier of x[i]; in place allowed. NaN stays NaN.
  void (*rectifier_forward)(size_t count, const cs_rectifier *rectifier, const float *x, float *y);
  /// dx[i] = dy[i] (x[i] > threshold ? 1 : negativeSlope), 0 where r(x[i]) >= maxValue; dx and dy may be the same.
  void (*rectifier_backward)(size_t count, const cs_rectifier *rectifier, const float *x, const float *dy,
                             float *dx);
  /// y[i] = fma(x[i], scale, offset); in place allowed.
  void (*affine)(size_t count, float scale, float offset, const float *x, float *y);
  /// y[i] = fma(factor, x[i], y[i])
  void (*add_scaled)(size_t count, float factor, const float *restrict x, float *restrict y);
  /// x[i] = min(max(x[i], -limit), limit), in place; NaN stays NaN.
  void (*clip)(size_t count, float limit, float *x);
  /// sum x[i] y[i] in double: 16 chains (element i belongs to chain i mod 16) of sum += (double)x[i] (double)y[i] (the
  /// product is exact), then the lane tree in double. x and y may be the same.
  double (*dot)(size_t count, const float *x, const float *y);
  void (*vector_exp)(size_t count, const float *x, float *y);  // in place allowed; 0 below -103.98, +inf above 88.73
  void (*vector_log)(size_t count, const float *x, float *y);  // in place allowed; x > 0 normal

  // -- Softmax and loss, one block ---------------------------------------------------------------------------

  // Sums over the classes or outputs are `class sums`: up to 16 terms are added in order; of more, term c belongs to chain
  // c mod 16, and the 16 chains are added by the lane tree.

  /// p[c][n] = exp(z[c][n] - max_c z) / sum_c exp(z[c][n] - max_c z); a class sum. In place allowed.
  /// Both B give the same bits.
  void (*softmax)(int32_t classes, int32_t block, const float *z, float *p);

  /// dz[c] = p[c] (dy[c] - sum_k dy[k] p[k]); a class sum of fma chains. dy and dz may be the same (in place).
  void (*softmax_backward)(int32_t classes, int32_t block, const float *p, const float *dy, float *dz);

  /// Softmax and cross-entropy of the logits z, for the first `lanes` images:
  /// loss[n] = log(sum_c exp(z[c][n] - m)) - (z[label[n]][n] - m), m = max_c z[c][n];
  /// dz[c][n] = (p[c][n] - [c == label[n]]) * scale, 0 in lanes >= `lanes`;
  /// hit[n] = 1 if the first largest logit is the label's, else 0 (0 too if a logit is NaN or +inf). dz may be z (in place), or NULL: not computed.
  /// The sum is a class sum. Finite for every finite z. Shapes: z, dz [classes][B], labels, loss, hit [lanes].
  void (*softmax_cross_entropy)(int32_t classes, int32_t block, int32_t lanes, const float *z,
                                const uint8_t *labels, float scale, float *_Nullable dz, float *loss, float *hit);

  // -- Dropout, one block ------------------------------------------------------------------------------------

  /// y[e][n] = x[e][n] scale where (element e, image firstImage + n) is kept, else 0, for e < count and every lane n.
  /// In place allowed. The backward pass is the same call on the gradient. Both B give the same bits.
  void (*dropout)(size_t count, int32_t block, const cs_dropout *dropout, uint32_t firstImage, const float *x,
                  float *y);

  // -- Other losses, one block -------------------------------------------------------------------------------
  // Shapes: y, z, target, dy, dz [outputs][B]; loss, hit [lanes]. dy (dz) is 0 in lanes >= `lanes`; it may be y (z), in
  // place, or NULL: not computed. Sums over the outputs of squared_error and
  // logistic_loss are an fma chain and additions in order. hit[n] = 1 if the first
  // largest output and the first largest target are the same one (0 if an output is NaN); with one output see there.

  /// loss[n] = weight sum_c (y - target)^2 (an fma chain); dy = 2 weight scale (y - target), evaluated as
  /// (2 weight scale) (y - target). With one output hit = 0.
  void (*squared_error)(int32_t outputs, int32_t block, int32_t lanes, const float *y, const float *target,
                        float weight, float scale, float *_Nullable dy, float *loss, float *hit);

  /// The logistic loss (binary cross-entropy) of every output, from the logits: with u = slope z,
  /// loss[n] = weight sum_c (max(u, 0) - u target + log1p(exp(-|u|))), each term fma(-u, target, max(u, 0)) + log1p;
  /// dz = (weight scale slope) (sigmoid(u) - target).
  /// Finite while u and the sum are, and right where the outputs saturate: with e = exp(-|u|), log1p(e) is log(w) +
  /// (e - (w - 1)) / w, w = 1 + e; sigmoid(u) is 1 / w for u >= 0, else e / w. With one output hit = (u > 0) == (target > 1/2).
  void (*logistic_loss)(int32_t outputs, int32_t block, int32_t lanes, const float *z, const float *target,
                        float slope, float weight, float scale, float *_Nullable dz, float *loss, float *hit);

  /// A loss of every output by itself: loss[n] = weight sum_c f(y[c][n], t[c][n]), a class sum of plain additions;
  /// dy = (weight scale) df/dy. f: see cs_loss_kind. With one output hit = (y > hitThreshold) == (target > 1/2).
  void (*output_loss)(const cs_loss *function, int32_t outputs, int32_t block, int32_t lanes, const float *y,
                      const float *target, float scale, float *_Nullable dy, float *loss, float *hit);

  /// A loss of the outputs together, see cs_loss_kind; class sums. As above, but with one output hit = 1.
  void (*class_loss)(const cs_loss *function, int32_t outputs, int32_t block, int32_t lanes, const float *y,
                     const float *target, float scale, float *_Nullable dy, float *loss, float *hit);

  /// loss[n] *= weight[n] and dz[c][n] *= weight[n] for the first `lanes` images; exactly 0 where the weight is 0,
  /// whatever loss and dz hold. dz is 0 in lanes >= `lanes` and stays so. dz and loss may be NULL.
  /// Shapes: dz [outputs][B]; weight, loss [lanes].
  void (*weigh_images)(int32_t outputs, int32_t block, int32_t lanes, const float *weight, float *_Nullable dz,
                       float *_Nullable loss);

  // -- Updates -----------------------------------------------------------------------------------------------

  /// w[i] = fma(-learningRate, dw[i], w[i])
  void (*sgd_update)(size_t count, float learningRate, const float *restrict dw, float *restrict w);

  /// step = learningRate dw[i]; m[i] = fma(momentum, m[i], -step);
  /// w[i] += m[i], or with isNesterov w[i] += fma(momentum, m[i], -step).
  void (*momentum_update)(size_t count, float learningRate, float momentum, int32_t isNesterov,
                          const float *restrict dw, float *restrict m, float *restrict w);

  /// v[i] = fma(rho, v[i], gradientShare (dw[i] dw[i])); with `average` a (else NULL):
  /// a[i] = fma(rho, a[i], gradientShare dw[i]) and d = v[i] - a[i] a[i], else d = v[i];
  /// step = learningRate dw[i] / sqrt(d + epsilon), or isLegacy: / (sqrt(d) + epsilon);
  /// with `velocity` b (else NULL): b[i] = fma(momentum, b[i], step); w[i] -= b[i]; else w[i] -= step.
  void (*rmsprop_update)(size_t count, const cs_rmsprop *rule, const float *restrict dw, float *restrict v,
                         float *restrict _Nullable average, float *restrict _Nullable velocity,
                         float *restrict w);

  /// m[i] = fma(dw[i] - m[i], gradientShare, m[i]); v[i] = fma(fma(dw[i], dw[i], -v[i]), squareShare, v[i]);
  /// w[i] -= rate m[i] / (sqrt(v[i]) + epsilon), evaluated as (rate m) / (...).
  void (*adam_update)(size_t count, const cs_adam *rule, const float *restrict dw, float *restrict m,
                      float *restrict v, float *restrict w);

  /// sum[i] = partial[0][i] + partial[1][i] + ...: additions in block order, or on from sum[i] if `accumulates`.
  /// partial[b] is partials + b stride.
  void (*sum_partials)(size_t count, int32_t partialCount, const float *restrict partials, size_t stride,
                       int32_t accumulates, float *restrict sum);

  // -- Sixteen small networks at once ------------------------------------------------------------------------

  /// y = the activations of all layers for the inputs x, the outputs last. Every sum is an fma chain from the bias over
  /// the inputs ascending. Shapes: x [samples]; w and y as cs_lane_networks says. `width` <= CS_LANE_NETWORK_MAX_WIDTH.
  void (*lanes_forward)(const cs_lane_networks *shape, int32_t samples, const float *restrict x,
                        const float *restrict w, float *restrict y);

  /// dw = gradient of scale sum_n (output[n] - target[n])^2 with respect to every parameter, per network; overwritten.
  /// y: the forward pass's; afterwards it holds the gradients of the layers' sums: output (2 scale) (output - target)
  /// r', below it an fma chain from 0 over the layer above's units ascending, times r'. r' is 1 where the activation is
  /// above 0, else the slope.
  /// dw: fma chains from 0 over the samples ascending, db: additions. loss[lane] = sum_n (output[n] - target[n])^2, an fma
  /// chain. accumulates (0 or 1): they go on from what dw and loss hold, so that samples in several calls give the bits of
  /// one call. Shapes: x, target [samples], dw as w, loss [16].
  void (*lanes_backward)(const cs_lane_networks *shape, int32_t samples, const float *restrict x,
                         const float *restrict target, float scale, const float *restrict w, float *restrict y,
                         int32_t accumulates, float *restrict dw, float *restrict loss);

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

  // -- More updates ------------------------------------------------------------------------------------------

  /// m and v as in adam_update; w[i] -= fma(momentumRate, m[i], gradientRate dw[i]) / (sqrt(squareScale v[i]) + epsilon).
  void (*nadam_update)(size_t count, const cs_nadam *rule, const float *restrict dw, float *restrict m,
                       float *restrict v, float *restrict w);

  /// sum[i] = fma(dw[i], dw[i], sum[i]); w[i] -= learningRate dw[i] / sqrt(sum[i] + epsilon), evaluated as
  /// (learningRate dw) / (...).
  void (*adagrad_update)(size_t count, float learningRate, float epsilon, const float *restrict dw,
                         float *restrict sum, float *restrict w);

  /// w[i] = fma(-factor, w[i], w[i]): decoupled weight decay, before the step; factor = learningRate weightDecay.
  void (*decay)(size_t count, float factor, float *w);

  // -- Functions of the input --------------------------------------------------------------------------------

  /// y[i] = f(x[i]); in place allowed. For |x| <= 100 value and derivative are within 1e-6 of the exact one plus 1e-7
  /// (at most 0.8 of that is measured). Infinities and NaN give what Keras gives on JAX: NaN where it has 0 infinity (GELU,
  /// SiLU, mish and hard SiLU of -inf, softsign of both), and the shrinking functions and CS_THRESHOLD take NaN for a number
  /// that is not above; but squareplus of -inf is 0.
  void (*function_forward)(size_t count, const cs_function *function, const float *x, float *y);

  /// dx[i] = dy[i] f'(x[i]); dx and dy may be the same (in place). At a kink f' is the one of the piece that the formulas of
  /// cs_function_kind choose; at the limits of min(max()) 0, but CS_HARD_TANH's 1 and CS_HARD_SIGMOID_2's 0.2, as in
  /// TensorFlow. Finite for every finite x but CS_EXPONENTIAL's.
  void (*function_backward)(size_t count, const cs_function *function, const float *x, const float *dy,
                            float *dx);

  // -- Depthwise convolution, one block ----------------------------------------------------------------------
  // outC = channels multiplier. Shapes: x, dx [channels][inH][inW][B]; y, dz [outC][outH][outW][B]; bias, db [outC];
  // w, dw [outC][kh][kw] (B = 1: tap by tap, [kh][kw][outC], which is Keras' order).

  /// y = activation(bias[o] + sum w[o][ky][kx] x): an fma chain that starts at bias[o] (0 without bias) and runs over
  /// (ky, kx) ascending. Both B give the same bits.
  void (*depthwise_forward)(const cs_depthwise *shape, int32_t block, const float *restrict x,
                            const float *restrict w, const float *restrict _Nullable bias, float *restrict y,
                            cs_activation activation, float *restrict scratch);

  /// dx = sum dz w: an fma chain from 0 over the channel's outputs (o, oy, ox) ascending that read the element. dx is
  /// overwritten. Both B give the same bits.
  void (*depthwise_backward_input)(const cs_depthwise *shape, int32_t block, const float *restrict dz,
                                   const float *restrict w, float *restrict dx, float *restrict scratch);

  /// dw[o][ky][kx] = sum dz x, db[o] = sum dz over pixels and images: the partial gradient of this one block; dw and db
  /// are overwritten. db may be NULL. An fma chain (db: additions) from 0 over pixels ascending per lane, then the lane
  /// tree (B = 1: one lane, no tree). All 16 lanes take part: dz is zero in lanes that hold no image.
  void (*depthwise_backward_weights)(const cs_depthwise *shape, int32_t block, const float *restrict x,
                                     const float *restrict dz, float *restrict dw, float *restrict _Nullable db,
                                     float *restrict scratch);

  // -- Merges, one block -------------------------------------------------------------------------------------
  // More than two inputs: pair by pair, in place, in the inputs' order. An average is their sum times 1 / n (`affine`).

  /// y = a merged with b. y may be a; and b, if b has a's shape.
  void (*merge_forward)(const cs_merge *merge, int32_t block, const float *a, const float *b, float *y);

  /// da = dy, -dy (CS_SUBTRACT_FROM) or dy b (CS_MULTIPLY). Not for maximum and minimum. da may be dy (in place). Only
  /// CS_MULTIPLY reads b, which may be NULL else.
  void (*merge_backward_a)(const cs_merge *merge, int32_t block, const float *_Nullable b, const float *dy,
                           float *da);

  /// db = sum of dy, -dy (CS_SUBTRACT) or dy a (CS_MULTIPLY) over the channels and pixels of a that b's number serves.
  /// Not for maximum and minimum. Additions or an fma chain from 0, channel by channel, pixels ascending. B = 1, one pixel of
  /// b for all: pixel p belongs to chain p mod 16 (if a has one pixel: channel c to chain c mod 16), then the lane tree.
  /// db may be dy (in place) if b has a's shape. Only CS_MULTIPLY reads a, which may be NULL else.
  void (*merge_backward_b)(const cs_merge *merge, int32_t block, const float *_Nullable a, const float *dy,
                           float *db);

  /// The gradient of maximum and minimum, one input x of b's shape after the other, in their order: `rest` is dy at first.
  /// dx = sum of rest where x == y, as above, and rest becomes 0 there: of equal inputs the first one takes all, as in
  /// TensorFlow (JAX divides among them). The last input takes what is left (isLast), also where y is NaN. dx may be rest
  /// if isLast and x has y's shape. y: the result of all merges.
  void (*merge_take)(const cs_merge *merge, int32_t block, int32_t isLast, const float *x, const float *y,
                     float *rest, float *dx);

  // -- Columns -----------------------------------------------------------------------------------------------
  // A pixel of an image is a column of its channels: [channels][columns], columns = pixels B, each by itself. Sums over the
  // channels are class sums, so that all B and numbers of pixels give the same bits.

  /// softmax and softmax_backward of every column; in place as there.
  void (*softmax_columns)(int32_t classes, size_t columns, const float *z, float *p);
  void (*softmax_columns_backward)(int32_t classes, size_t columns, const float *p, const float *dy, float *dz);

  /// y[c] = (z[c] - m) - log(sum_c exp(z[c] - m)), m = max_c z; in place allowed.
  void (*log_softmax)(int32_t classes, size_t columns, const float *z, float *y);

  /// dz[c] = dy[c] - exp(y[c]) sum_k dy[k], evaluated as an fma; a class sum of additions. dy and dz may be the same.
  void (*log_softmax_backward)(int32_t classes, size_t columns, const float *y, const float *dy, float *dz);

  /// Layer normalisation: xhat = (x - mean) invStd, y = fma(xhat, gamma[c], beta[c]), mean = sum x / channels and
  /// invStd = 1 / sqrt(sum (x - mean)^2 / channels + epsilon) of each column (the squares are fma chains). gamma may be NULL: 1;
  /// beta: 0. mean and invStd [columns] may be NULL: not kept. In place allowed.
  void (*layernorm_forward)(int32_t channels, size_t columns, const float *x, const float *_Nullable gamma,
                            const float *_Nullable beta, float epsilon, float *y, float *_Nullable mean,
                            float *_Nullable invStd);

  /// dx = invStd (g - sum g / channels - xhat (sum g xhat) / channels), g = dy gamma, evaluated as
  /// t = fma(-xhat, (sum g xhat) / channels, g - sum g / channels); dx = invStd t. dx and dy may be the same (in place).
  void (*layernorm_backward_input)(int32_t channels, size_t columns, const float *x, const float *dy,
                                   const float *_Nullable gamma, const float *mean, const float *invStd,
                                   float *dx);

  /// dgamma[c] = sum dy xhat (an fma chain), dbeta[c] = sum dy, over pixels and the first `lanes` images of one block: order
  /// as in batchnorm_statistics. Each may be NULL. Shapes: x, dy [channels][pixels][B], mean, invStd [pixels][B].
  void (*layernorm_backward_parameters)(int32_t channels, int32_t pixels, int32_t block, int32_t lanes,
                                        const float *x, const float *dy, const float *mean, const float *invStd,
                                        float *_Nullable dgamma, float *_Nullable dbeta);

  // -- PReLU, one block --------------------------------------------------------------------------------------
  // alpha [channels][slopes]: slopes = pixels, or 1: shared by a channel's pixels. One for all is channels = 1.

  /// y = x > 0 ? x : alpha x; in place allowed.
  void (*prelu_forward)(int32_t channels, int32_t pixels, int32_t slopes, int32_t block, const float *x,
                        const float *alpha, float *y);

  /// dx = x > 0 ? dy : x < 0 ? alpha dy : 0 (0 at x = 0, as in Keras); dalpha = sum of dy x where x <= 0 over what shares the
  /// slope and over the first `lanes` images: order as in batchnorm_statistics, fma chains. dalpha may be NULL. dx and dy may
  /// be the same (in place).
  void (*prelu_backward)(int32_t channels, int32_t pixels, int32_t slopes, int32_t block, int32_t lanes,
                         const float *x, const float *alpha, const float *dy, float *dx,
                         float *_Nullable dalpha);

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
/// body(context, 0) on the caller. While body runs, operands and results of float arithmetic below the smallest normal
/// number, 2^-126, count as zero on x86-64 (every instruction set alike) and arm64 (which looks at a result before it is
/// rounded); one that is only passed on may become a zero of its sign or not. The caller's mode is restored.
void cs_team_run(cs_team *_Nullable team, void (*body)(void *context, int32_t thread), void *context);

/// Waits until every thread of the team has arrived; called from inside body. A NULL team returns at once.
void cs_team_barrier(cs_team *_Nullable team, int32_t thread);

/// Ends and joins the team's threads.
void cs_team_stop(cs_team *_Nullable team);

// MARK: - Clock and cache

/// The processor's clock, which counts at a steady rate of its own: of two readings on one thread only the difference
/// means something. 0 on other processors than x86-64 and arm64.
static inline uint64_t cs_ticks(void) {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
  uint64_t count;
  __asm__ volatile("mrs %0, cntvct_el0" : "=r"(count));
  return count;
#else
  return 0;
#endif
}

/// Asks the second-level cache for `bytes` bytes that are read before long. They may be anywhere.
static inline void cs_fetch(const void *p, size_t bytes) {
  const uintptr_t end = (uintptr_t)p + bytes;
  for (uintptr_t line = (uintptr_t)p & ~(uintptr_t)63; line < end; line += 64)
    __builtin_prefetch((const void *)line, 0, 2);
}

#ifdef __cplusplus
}
#endif

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif

#endif
