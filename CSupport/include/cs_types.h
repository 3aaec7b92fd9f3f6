// The extents and options that the kernels take. Included by CSupport.h.

#ifndef FIXEDNET_CS_TYPES_H
#define FIXEDNET_CS_TYPES_H

#include <stddef.h>
#include <stdint.h>

// MARK: - Slices

/// Part number `index` of `count` of what a kernel writes, for several threads that compute one output together. Which
/// elements that are is the kernel's choice: those of different parts never overlap, some parts may be empty, and all of
/// them are the whole, with the same bits. {0, 1} is the whole.
typedef struct cs_slice {
  int32_t index, count;
} cs_slice;

// MARK: - Instruction sets

typedef enum cs_isa : int32_t {
  CS_ISA_PORTABLE = 0,  // generic vectors, fma in software where the target has none
  CS_ISA_AVX2 = 1,      // AVX2 + FMA, a block's 16 images in two halves
  CS_ISA_AVX512 = 2,    // AVX-512 F + VL + DQ + BW
} cs_isa;

/// What becomes of float operands and results below the smallest normal number, 2^-126.
typedef enum cs_subnormals : int32_t {
  CS_FLUSH_SUBNORMALS = 0,  // they count as zero
  CS_KEEP_SUBNORMALS = 1,   // they stay
} cs_subnormals;

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
  /// 1: blocks of one image work in less scratch, somewhat more slowly; the bits are the same.
  int32_t isTight;
} cs_conv2d;

/// What a batch normalisation with given statistics makes of a sum of channel o:
/// fma(sum - mean[o], scale[o], shift[o]). Each [outChannels].
typedef struct cs_normalization {
  const float *mean, *scale, *shift;
} cs_normalization;

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

#endif
