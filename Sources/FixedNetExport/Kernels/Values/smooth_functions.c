// The activations whose derivative is computed from the input: a value and a slope each.

// section: curve
/// A function's value and derivative.
typedef struct curve {
  float value, slope;
} curve;

INLINE curve curve_of(float value, float slope) {
  const curve c = {value, slope};
  return c;
}

// section: FUNCTION_FORWARD
/// y = f(x); in place allowed.
#define FUNCTION_FORWARD(name)                                                              \
  static void name##_forward(int32_t count, float parameter, float otherwise, const float *x, \
                             float *y) {                                                    \
    for (int32_t i = 0; i < count; i++) y[i] = name(x[i], parameter, otherwise).value;      \
  }

// section: FUNCTION_BACKWARD
/// dx = dy f'(x); dx may be dy.
#define FUNCTION_BACKWARD(name)                                                             \
  static void name##_backward(int32_t count, float parameter, float otherwise, const float *x, \
                              const float *dy, float *dx) {                                 \
    for (int32_t i = 0; i < count; i++) {                                                   \
      const float slope = name(x[i], parameter, otherwise).slope;                           \
      dx[i] = dy[i] * slope;                                                                \
    }                                                                                       \
  }

// section: sigmoids
/// sigmoid(x), 1 - sigmoid(x) and exp(-|x|), without overflow or cancellation.
typedef struct sigmoids {
  float power, value, other;
} sigmoids;

static sigmoids sigmoids_of(float x) {
  const float e = exp1(x < 0.0f ? x : -x), w = 1.0f + e;
  const float small = e / w, large = 1.0f / w;
  const sigmoids s = {e, x < 0.0f ? small : large, x < 0.0f ? large : small};
  return s;
}

// section: elu_curve
static curve elu_curve(float x, float alpha) {
  if (x > 0.0f) return curve_of(x, 1.0f);
  return curve_of(alpha * exp_minus_one(x), alpha * exp1(x));
}

// section: elu
/// x > 0 ? x : parameter (exp(x) - 1)
INLINE curve elu(float x, float parameter, float otherwise) {
  (void)otherwise;
  return elu_curve(x, parameter);
}

// section: elu_forward
FUNCTION_FORWARD(elu)

// section: elu_backward
FUNCTION_BACKWARD(elu)

// section: celu
/// x > 0 ? x : parameter (exp(x / parameter) - 1)
INLINE curve celu(float x, float parameter, float otherwise) {
  (void)otherwise;
  if (x > 0.0f) return curve_of(x, 1.0f);
  return curve_of(parameter * exp_minus_one(x / parameter), exp1(x / parameter));
}

// section: celu_forward
FUNCTION_FORWARD(celu)

// section: celu_backward
FUNCTION_BACKWARD(celu)

// section: selu
/// 1.0507 elu(x), the parameter 1.6733
INLINE curve selu(float x, float parameter, float otherwise) {
  (void)parameter;
  (void)otherwise;
  const float scale = 1.05070098735548049f;
  const curve c = elu_curve(x, 1.67326324235437728f);
  return curve_of(scale * c.value, scale * c.slope);
}

// section: selu_forward
FUNCTION_FORWARD(selu)

// section: selu_backward
FUNCTION_BACKWARD(selu)

// section: gelu
/// x Phi(x), Phi the normal distribution: a fit of its upper tail at |x|
INLINE curve gelu(float x, float parameter, float otherwise) {
  (void)parameter;
  (void)otherwise;
  float t = x < 0.0f ? -x : x;
  t = t > 14.5f ? 14.5f : t;
  const float e = exp1(-0.5f * (t * t));
  const float inverse = 1.0f / (t + 4.0f), u = (t - 4.0f) * inverse;
  float p = fma1(-1.319717558e-04f, u, 1.793543051e-04f);
  p = fma1(p, u, 1.569923479e-03f);
  p = fma1(p, u, -3.512554104e-03f);
  p = fma1(p, u, -7.525271270e-03f);
  p = fma1(p, u, 6.040383130e-02f);
  p = fma1(p, u, -1.865234375e-01f);
  p = fma1(p, u, 3.871369064e-01f);
  p = fma1(p, u, -6.078965664e-01f);
  p = fma1(p, u, 7.552851439e-01f);
  const float share = p * inverse, tail = e * share, below = x < 0.0f ? tail : 1.0f - tail;
  return curve_of(x * below, fma1(x, 0.398942280401432678f * e, below));
}

// section: gelu_forward
FUNCTION_FORWARD(gelu)

// section: gelu_backward
FUNCTION_BACKWARD(gelu)

// section: gelu_tanh
/// x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2
INLINE curve gelu_tanh(float x, float parameter, float otherwise) {
  (void)parameter;
  (void)otherwise;
  const float a1 = 1.59576912160573071f, a3 = 7.13548162726002485e-02f;
  float c = x > 100.0f ? 100.0f : x;
  c = c < -100.0f ? -100.0f : c;
  const float square = c * c;
  const sigmoids s = sigmoids_of(c * fma1(a3, square, a1));
  const float steepness = fma1(3.0f * a3, square, a1);
  return curve_of(x * s.value, fma1(s.value, c * s.other * steepness, s.value));
}

// section: gelu_tanh_forward
FUNCTION_FORWARD(gelu_tanh)

// section: gelu_tanh_backward
FUNCTION_BACKWARD(gelu_tanh)

// section: silu
/// x sigmoid(x)
INLINE curve silu(float x, float parameter, float otherwise) {
  (void)parameter;
  (void)otherwise;
  const sigmoids s = sigmoids_of(x);
  return curve_of(x * s.value, fma1(s.value, x * s.other, s.value));
}

// section: silu_forward
FUNCTION_FORWARD(silu)

// section: silu_backward
FUNCTION_BACKWARD(silu)

// section: mish
/// x tanh(log(1 + exp(x)))
INLINE curve mish(float x, float parameter, float otherwise) {
  (void)parameter;
  (void)otherwise;
  const int is_negative = x < 0.0f;
  const float e = exp1(is_negative ? x : -x), twice = 2.0f * e;
  const float n = is_negative ? fma1(e, e, twice) : 1.0f + twice;
  const float d = is_negative ? 2.0f + n : fma1(twice, e, n), tangent = n / d;
  const float square = e * e;
  const float curvature = 4.0f * (1.0f + e) * (is_negative ? e : square) / (d * d);
  return curve_of(x * tangent, fma1(x, curvature, tangent));
}

// section: mish_forward
FUNCTION_FORWARD(mish)

// section: mish_backward
FUNCTION_BACKWARD(mish)

// section: softplus
/// log(1 + exp(x))
INLINE curve softplus(float x, float parameter, float otherwise) {
  (void)parameter;
  (void)otherwise;
  const sigmoids s = sigmoids_of(x);
  return curve_of((x <= 0.0f ? 0.0f : x) + log_of_one_plus(s.power), s.value);
}

// section: softplus_forward
FUNCTION_FORWARD(softplus)

// section: softplus_backward
FUNCTION_BACKWARD(softplus)

// section: log_sigmoid
/// -log(1 + exp(-x))
INLINE curve log_sigmoid(float x, float parameter, float otherwise) {
  (void)parameter;
  (void)otherwise;
  const sigmoids s = sigmoids_of(x);
  return curve_of((x >= 0.0f ? 0.0f : x) - log_of_one_plus(s.power), s.other);
}

// section: log_sigmoid_forward
FUNCTION_FORWARD(log_sigmoid)

// section: log_sigmoid_backward
FUNCTION_BACKWARD(log_sigmoid)

// section: softsign
/// x / (1 + |x|)
INLINE curve softsign(float x, float parameter, float otherwise) {
  (void)parameter;
  (void)otherwise;
  const float w = 1.0f + (x < 0.0f ? -x : x);
  return curve_of(x / w, 1.0f / (w * w));
}

// section: softsign_forward
FUNCTION_FORWARD(softsign)

// section: softsign_backward
FUNCTION_BACKWARD(softsign)

// section: squareplus
/// (x + sqrt(x^2 + parameter)) / 2
INLINE curve squareplus(float x, float parameter, float otherwise) {
  (void)otherwise;
  const float a = x < 0.0f ? -x : x;
  const float r = a > 1e15f ? a : root(fma1(x, x, parameter));
  const float half = 0.5f * r, other = 0.5f * a, large = half + other;
  const float value = x < 0.0f ? 0.25f * parameter / large : large;
  return curve_of(value, value / r);
}

// section: squareplus_forward
FUNCTION_FORWARD(squareplus)

// section: squareplus_backward
FUNCTION_BACKWARD(squareplus)

// section: exponential
/// exp(x)
INLINE curve exponential(float x, float parameter, float otherwise) {
  (void)parameter;
  (void)otherwise;
  const float e = exp1(x);
  return curve_of(e, e);
}

// section: exponential_forward
FUNCTION_FORWARD(exponential)

// section: exponential_backward
FUNCTION_BACKWARD(exponential)

// section: tanh_shrink
/// x - tanh(x)
INLINE curve tanh_shrink(float x, float parameter, float otherwise) {
  (void)parameter;
  (void)otherwise;
  const float a = x < 0.0f ? -x : x, square = x * x, tangent = tanh1(x);
  float p = fma1(-2.679714235e-03f, square, 8.621812798e-03f);
  p = fma1(p, square, -2.183908038e-02f);
  p = fma1(p, square, 5.396649987e-02f);
  p = fma1(p, square, -1.333332956e-01f);
  p = fma1(p, square, 3.333333433e-01f);
  const float large = (a - 1.0f) + 2.0f / (exp1(2.0f * a) + 1.0f);
  return curve_of(a < 0.5f ? x * square * p : x < 0.0f ? -large : large, tangent * tangent);
}

// section: tanh_shrink_forward
FUNCTION_FORWARD(tanh_shrink)

// section: tanh_shrink_backward
FUNCTION_BACKWARD(tanh_shrink)
