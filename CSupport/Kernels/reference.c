// The reference: every kernel as a plain loop over scalars, in the order that CSupport.h writes
// down. The tuned kernels must return the same bits. Slow, and meant to be read. The kernels are in
// reference_*.inc, one file per concern.

// A product and a sum are one operation where the code says fma, and nowhere else: the bits depend on it.
#pragma STDC FP_CONTRACT OFF

#include "CSupport.h"
#include "coefficients.h"
#include "slice.h"

enum { LANES = 16 };

#if defined(__clang__) && (defined(__ARM_FEATURE_FMA) || defined(__FMA__))

static float fma1(float a, float b, float c) { return __builtin_elementwise_fma(a, b, c); }

#else

/// fmaf without libm: the product is exact in double, the sum is rounded to odd, so that rounding
/// it again to float gives what one rounding of the exact value would (see fma_4 in vector.inc).
static float fma1(float a, float b, float c) {
  double product = (double)a * b, sum = product + c, addend = sum - product;
  double error = (product - (sum - addend)) + (c - addend);  // TwoSum: sum + error is exact
  union {
    double d;
    uint64_t u;
  } v = {sum};
  int isInexact = error > 0.0 || error < 0.0;  // false for NaN
  if (isInexact && (v.u & 1) == 0) v.u += (error > 0.0) == (sum > 0.0) ? 1 : -1;
  return (float)v.d;
}

#endif

/// The lane tree: the sum of 16 numbers.
static float lane_tree(float s[LANES]) {
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) s[i] += s[i + half];
  return s[0];
}
#include "reference/reference_functions.inc"

#include "reference/reference_layers.inc"

#include "reference/reference_winograd.inc"

#include "reference/reference_pooling.inc"

#include "reference/reference_normalization.inc"

#include "reference/reference_losses.inc"

#include "reference/reference_keras_losses.inc"

#include "reference/reference_dropout.inc"

#include "reference/reference_updates.inc"

#include "reference/reference_named_functions.inc"

#include "reference/reference_merges.inc"

#include "reference/reference_columns.inc"

#include "reference/reference_lanes.inc"

#include "reference/reference_input.inc"

#include "reference/reference_depthwise.inc"

// MARK: - Measuring

static uint64_t peak_fma(uint64_t iterations, float *sink) {
  float a = 1.0f, b = 1.0f;
  for (uint64_t i = 0; i < iterations; i++) {
    a = fma1(a, 0.5f, 0.5f);
    b = fma1(b, 0.25f, 0.75f);
  }
  *sink = a + b;
  return iterations * 4;
}

static const cs_kernels reference = {
    .isa = CS_ISA_PORTABLE,
    .conv2d_forward = conv2d_forward,
    .conv2d_forward_slice = conv2d_forward_slice,
    .conv2d_backward_input = conv2d_backward_input,
    .conv2d_backward_input_slice = conv2d_backward_input_slice,
    .conv2d_backward_weights = conv2d_backward_weights,
    .conv2d_backward_taps = conv2d_backward_taps,
    .winograd_weights = winograd_weights,
    .winograd_forward = winograd_forward,
    .winograd_forward_slice = winograd_forward_slice,
    .winograd_backward = winograd_backward,
    .winograd_backward_slice = winograd_backward_slice,
    .dense_forward = dense_forward,
    .dense_forward_slice = dense_forward_slice,
    .dense_backward_input = dense_backward_input,
    .transpose16 = transpose16,
    .transpose16_slice = transpose16_slice,
    .dense_backward_weights = dense_backward_weights,
    .dense_backward_bias = dense_backward_bias,
    .dense_backward_weights_by_lane = dense_backward_weights_by_lane,
    .dense_backward_bias_by_lane = dense_backward_bias_by_lane,
    .avgpool2d_forward = avgpool2d_forward,
    .avgpool2d_backward = avgpool2d_backward,
    .maxpool2d_forward = maxpool2d_forward,
    .maxpool2d_backward = maxpool2d_backward,
    .avgpool2d_backward_delta = avgpool2d_backward_delta,
    .maxpool2d_backward_delta = maxpool2d_backward_delta,
    .batchnorm_statistics = batchnorm_statistics,
    .batchnorm_scale = batchnorm_scale,
    .batchnorm_apply = batchnorm_apply,
    .batchnorm_backward_sums = batchnorm_backward_sums,
    .batchnorm_backward_input = batchnorm_backward_input,
    .activation_forward = activation_forward,
    .activation_backward = activation_backward,
    .activation_backward_tangent = activation_backward_tangent,
    .rectifier_forward = rectifier_forward,
    .rectifier_backward = rectifier_backward,
    .affine = affine,
    .add_scaled = add_scaled,
    .add_signs = add_signs,
    .clip = clip,
    .dot = dot,
    .sum_magnitudes = sum_magnitudes,
    .vector_exp = vector_exp,
    .vector_log = vector_log,
    .softmax = softmax,
    .softmax_backward = softmax_backward,
    .softmax_cross_entropy = softmax_cross_entropy,
    .dropout = dropout,
    .dropout_backward = dropout_backward,
    .squared_error = squared_error,
    .logistic_loss = logistic_loss,
    .weigh_images = weigh_images,
    .output_loss = output_loss,
    .class_loss = class_loss,
    .sgd_update = sgd_update,
    .momentum_update = momentum_update,
    .rmsprop_update = rmsprop_update,
    .adam_update = adam_update,
    .sum_partials = sum_partials,
    .lanes_forward = lanes_forward,
    .lanes_backward = lanes_backward,
    .gather_u8 = gather_u8,
    .gather_f32 = gather_f32,
    .scatter_f32 = scatter_f32,
    .nadam_update = nadam_update,
    .adagrad_update = adagrad_update,
    .decay = decay,
    .function_forward = function_forward,
    .function_backward = function_backward,
    .depthwise_forward = depthwise_forward,
    .depthwise_backward_input = depthwise_backward_input,
    .depthwise_backward_weights = depthwise_backward_weights,
    .merge_forward = merge_forward,
    .merge_backward_a = merge_backward_a,
    .merge_backward_b = merge_backward_b,
    .merge_take = merge_take,
    .softmax_columns = softmax_columns,
    .softmax_columns_backward = softmax_columns_backward,
    .log_softmax = log_softmax,
    .log_softmax_backward = log_softmax_backward,
    .layernorm_forward = layernorm_forward,
    .layernorm_backward_input = layernorm_backward_input,
    .layernorm_backward_parameters = layernorm_backward_parameters,
    .prelu_forward = prelu_forward,
    .prelu_backward = prelu_backward,
    .peak_fma = peak_fma,
};

const cs_kernels *cs_kernels_reference(void) { return &reference; }
