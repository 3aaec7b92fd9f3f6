// Activations of straight pieces, with the value and slope of smooth_functions.c.

// section: limited
/// A NaN stays.
static float limited(float x, float low, float high) {
  x = x < low ? low : x;
  return x > high ? high : x;
}

// section: hard_sigmoid_curve
static curve hard_sigmoid_curve(float x) {
  const float v = x + 3.0f;
  return curve_of(limited(v, 0.0f, 6.0f) / 6.0f, v > 0.0f && v < 6.0f ? 1.0f / 6.0f : 0.0f);
}

// section: hard_sigmoid
/// min(max(x + 3, 0), 6) / 6
INLINE curve hard_sigmoid(float x, float parameter, float otherwise) {
  (void)parameter;
  (void)otherwise;
  return hard_sigmoid_curve(x);
}

// section: hard_sigmoid_forward
FUNCTION_FORWARD(hard_sigmoid)

// section: hard_sigmoid_backward
FUNCTION_BACKWARD(hard_sigmoid)

// section: hard_sigmoid_2
/// min(max(0.2 x + 0.5, 0), 1), Keras 2's
INLINE curve hard_sigmoid_2(float x, float parameter, float otherwise) {
  (void)parameter;
  (void)otherwise;
  const float product = 0.2f * x, v = product + 0.5f;
  return curve_of(limited(v, 0.0f, 1.0f), v < 0.0f || v > 1.0f ? 0.0f : 0.2f);
}

// section: hard_sigmoid_2_forward
FUNCTION_FORWARD(hard_sigmoid_2)

// section: hard_sigmoid_2_backward
FUNCTION_BACKWARD(hard_sigmoid_2)

// section: hard_silu
/// x min(max(x + 3, 0), 6) / 6
INLINE curve hard_silu(float x, float parameter, float otherwise) {
  (void)parameter;
  (void)otherwise;
  const curve h = hard_sigmoid_curve(x);
  return curve_of(x * h.value, h.slope > 0.0f ? fma1(x, h.slope, h.value) : h.value);
}

// section: hard_silu_forward
FUNCTION_FORWARD(hard_silu)

// section: hard_silu_backward
FUNCTION_BACKWARD(hard_silu)

// section: hard_tanh
/// min(max(x, -1), 1)
INLINE curve hard_tanh(float x, float parameter, float otherwise) {
  (void)parameter;
  (void)otherwise;
  return curve_of(limited(x, -1.0f, 1.0f), x < -1.0f || x > 1.0f ? 0.0f : 1.0f);
}

// section: hard_tanh_forward
FUNCTION_FORWARD(hard_tanh)

// section: hard_tanh_backward
FUNCTION_BACKWARD(hard_tanh)

// section: hard_shrink
/// |x| > parameter ? x : 0
INLINE curve hard_shrink(float x, float parameter, float otherwise) {
  (void)otherwise;
  const int is_out = x < -parameter || x > parameter;
  return curve_of(is_out ? x : 0.0f, is_out ? 1.0f : 0.0f);
}

// section: hard_shrink_forward
FUNCTION_FORWARD(hard_shrink)

// section: hard_shrink_backward
FUNCTION_BACKWARD(hard_shrink)

// section: soft_shrink
/// x moved towards 0 by the parameter, or 0
INLINE curve soft_shrink(float x, float parameter, float otherwise) {
  (void)otherwise;
  if (x > parameter) return curve_of(x - parameter, 1.0f);
  if (x < -parameter) return curve_of(x + parameter, 1.0f);
  return curve_of(0.0f, 0.0f);
}

// section: soft_shrink_forward
FUNCTION_FORWARD(soft_shrink)

// section: soft_shrink_backward
FUNCTION_BACKWARD(soft_shrink)

// section: above_threshold
/// x > parameter ? x : otherwise
INLINE curve above_threshold(float x, float parameter, float otherwise) {
  return x > parameter ? curve_of(x, 1.0f) : curve_of(otherwise, 0.0f);
}

// section: above_threshold_forward
FUNCTION_FORWARD(above_threshold)

// section: above_threshold_backward
FUNCTION_BACKWARD(above_threshold)

// section: sparse_plus
/// x <= -1 ? 0 : x >= 1 ? x : (x + 1)^2 / 4
INLINE curve sparse_plus(float x, float parameter, float otherwise) {
  (void)parameter;
  (void)otherwise;
  if (x <= -1.0f) return curve_of(0.0f, 0.0f);
  if (x >= 1.0f) return curve_of(x, 1.0f);
  const float v = x + 1.0f;
  return curve_of(0.25f * (v * v), 0.5f * v);
}

// section: sparse_plus_forward
FUNCTION_FORWARD(sparse_plus)

// section: sparse_plus_backward
FUNCTION_BACKWARD(sparse_plus)

// section: sparse_sigmoid
/// min(max(x + 1, 0), 2) / 2
INLINE curve sparse_sigmoid(float x, float parameter, float otherwise) {
  (void)parameter;
  (void)otherwise;
  const float v = x + 1.0f;
  return curve_of(0.5f * limited(v, 0.0f, 2.0f), v > 0.0f && v < 2.0f ? 0.5f : 0.0f);
}

// section: sparse_sigmoid_forward
FUNCTION_FORWARD(sparse_sigmoid)

// section: sparse_sigmoid_backward
FUNCTION_BACKWARD(sparse_sigmoid)
