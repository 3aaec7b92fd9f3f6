// The other losses that Keras has, of one image. At its kink a derivative is 0.

// section: loss_numbers loss_term term_with
/// Of a loss: targets t = target_scale target + target_offset, and what the formulas call by these names.
typedef struct loss_numbers {
  float weight, target_scale, target_offset, delta, alpha, gamma, slope;
  int balances;
} loss_numbers;

/// A term and its derivative by the output.
typedef struct loss_term {
  float value, slope;
} loss_term;

INLINE loss_term term_with(float value, float slope) {
  const loss_term t = {value, slope};
  return t;
}

INLINE float wanted_of(const loss_numbers *l, float target) {
  return fma1(l->target_scale, target, l->target_offset);
}

// section: LOSS_EPSILON LOSS_ONE at_least at_most sign_of
#define LOSS_EPSILON 1e-7f
#define LOSS_ONE (1.0f - 1e-7f)

INLINE float at_least(float x, float least) { return x < least ? least : x; }
INLINE float at_most(float x, float most) { return x > most ? most : x; }
INLINE float sign_of(float x) { return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : 0.0f; }

// section: OUTPUT_LOSS
/// Returns weight sum f(y, t), a class sum; dy = (weight scale) f'(y, t).
#define OUTPUT_LOSS(name)                                                                      \
  static float name##_loss(const loss_numbers *l, int32_t outputs, const float *y,             \
                           const float *target, float scale, float *dy) {                      \
    const float factor = l->weight * scale;                                                    \
    class_sum sum = {{0}};                                                                     \
    for (int32_t c = 0; c < outputs; c++) {                                                    \
      const loss_term one = name##_term(l, y[c], wanted_of(l, target[c]));                     \
      *chain_of(&sum, outputs, c) += one.value;                                                \
      dy[c] = factor * one.slope;                                                              \
    }                                                                                          \
    return l->weight * value_of(&sum, outputs);                                                \
  }

// section: are_binary
/// Whether all targets are 0 or 1.
static int are_binary(int32_t outputs, const float *target) {
  for (int32_t c = 0; c < outputs; c++)
    if (target[c] != 0.0f && target[c] != 1.0f) return 0;
  return 1;
}

// section: power1
/// x^exponent for x >= 0.
static float power1(float x, float exponent) {
  return exponent == 0.0f ? 1.0f : exp1(exponent * log1(x));
}

// section: binary_of
/// -(t log y + (1 - t) log(1 - y)), y limited to 1e-7 ... 1 - 1e-7.
static loss_term binary_of(float y, float t) {
  const float inside = at_most(at_least(y, LOSS_EPSILON), LOSS_ONE), other = 1.0f - inside;
  const int is_inside = y >= LOSS_EPSILON && y <= LOSS_ONE;
  const float first = t * log1(inside), second = (1.0f - t) * log1(other);
  return term_with(-(first + second), is_inside ? (1.0f - t) / other - t / inside : 0.0f);
}

// section: absolute_error_loss
/// |y - t|
static loss_term absolute_error_term(const loss_numbers *l, float y, float t) {
  (void)l;
  const float d = y - t;
  return term_with(d < 0.0f ? -d : d, sign_of(d));
}

OUTPUT_LOSS(absolute_error)

// section: percentage_error_loss
/// 100 |y - t| / max(|t|, 1e-7)
static loss_term percentage_error_term(const loss_numbers *l, float y, float t) {
  (void)l;
  const float d = y - t, a = d < 0.0f ? -d : d;
  const float size = at_least(t < 0.0f ? -t : t, LOSS_EPSILON);
  return term_with(100.0f * (a / size), sign_of(d) * (100.0f / size));
}

OUTPUT_LOSS(percentage_error)

// section: logarithmic_error_loss
/// (log(y + 1) - log(t + 1))^2, both at least 1e-7
static loss_term logarithmic_error_term(const loss_numbers *l, float y, float t) {
  (void)l;
  const float above = at_least(y, LOSS_EPSILON) + 1.0f;
  const float error = log1(above) - log1(at_least(t, LOSS_EPSILON) + 1.0f);
  return term_with(error * error, y < LOSS_EPSILON ? 0.0f : 2.0f * error / above);
}

OUTPUT_LOSS(logarithmic_error)

// section: huber_loss
/// d^2 / 2 up to |d| = delta, then delta |d| - delta^2 / 2; d = y - t
static loss_term huber_term(const loss_numbers *l, float y, float t) {
  const float d = y - t, a = d < 0.0f ? -d : d;
  if (a <= l->delta) return term_with(0.5f * (d * d), d);
  const float line = l->delta * a, square = l->delta * l->delta, offset = 0.5f * square;
  return term_with(line - offset, sign_of(d) * l->delta);
}

OUTPUT_LOSS(huber)

// section: log_cosh_loss
/// log(cosh(y - t))
static loss_term log_cosh_term(const loss_numbers *l, float y, float t) {
  (void)l;
  const float d = y - t, a = d < 0.0f ? -d : d, tangent = tanh1(d);
  const float square = tangent * tangent;
  const float small = -0.5f * log_of_one_plus(-square);
  const float large = a + log_of_one_plus(exp1(-2.0f * a)) - 0.693147180559945309f;
  return term_with(a < 0.5f ? small : large, tangent);
}

OUTPUT_LOSS(log_cosh)

// section: hinge_loss
/// max(1 - t y, 0)
static loss_term hinge_term(const loss_numbers *l, float y, float t) {
  (void)l;
  const float margin = fma1(-t, y, 1.0f);
  return term_with(margin <= 0.0f ? 0.0f : margin, margin > 0.0f ? -t : 0.0f);
}

OUTPUT_LOSS(hinge)

// section: squared_hinge_loss
/// max(1 - t y, 0)^2
static loss_term squared_hinge_term(const loss_numbers *l, float y, float t) {
  (void)l;
  float margin = fma1(-t, y, 1.0f);
  margin = margin <= 0.0f ? 0.0f : margin;
  return term_with(margin * margin, -2.0f * t * margin);
}

OUTPUT_LOSS(squared_hinge)

// section: poisson_loss
/// y - t log(y + 1e-7)
static loss_term poisson_term(const loss_numbers *l, float y, float t) {
  (void)l;
  const float above = y + LOSS_EPSILON;
  return term_with(fma1(-t, log1(above), y), 1.0f - t / above);
}

OUTPUT_LOSS(poisson)

// section: divergence_loss
/// t log(t / y), both limited to 1e-7 ... 1
static loss_term divergence_term(const loss_numbers *l, float y, float t) {
  (void)l;
  const float wanted = at_most(at_least(t, LOSS_EPSILON), 1.0f);
  const float output = at_most(at_least(y, LOSS_EPSILON), 1.0f);
  const int is_inside = y >= LOSS_EPSILON && y <= 1.0f;
  return term_with(wanted * log1(wanted / output), is_inside ? -(wanted / output) : 0.0f);
}

OUTPUT_LOSS(divergence)

// section: binary_cross_entropy_loss
/// of a probability
static loss_term binary_cross_entropy_term(const loss_numbers *l, float y, float t) {
  (void)l;
  return binary_of(y, t);
}

OUTPUT_LOSS(binary_cross_entropy)

// section: binary_focal_loss
/// that times balance (1 - t y - (1 - t) (1 - y))^gamma
static loss_term binary_focal_term(const loss_numbers *l, float y, float t) {
  const loss_term entropy = binary_of(y, t);
  const float hit = t * y, other_hit = (1.0f - t) * (1.0f - y), miss = 1.0f - (hit + other_hit);
  const float factor = power1(miss, l->gamma);
  const float steepness = (1.0f - 2.0f * t) * (l->gamma * power1(miss, l->gamma - 1.0f));
  const float one = t * l->alpha, zero = (1.0f - t) * (1.0f - l->alpha);
  const float balance = l->balances ? one + zero : 1.0f;
  float slope = factor * entropy.slope;
  const float more = steepness * entropy.value;
  if (l->gamma != 0.0f) slope += more;
  return term_with(balance * (factor * entropy.value), balance * slope);
}

OUTPUT_LOSS(binary_focal)

// section: smooth_logistic_loss
/// binary cross-entropy of the logit y, h = sigmoid(slope y)
static loss_term smooth_logistic_term(const loss_numbers *l, float y, float t) {
  const float u = l->slope * y, e = exp1(u < 0.0f ? u : -u), w = 1.0f + e;
  const float softplus = log1(w) + (e - (w - 1.0f)) / w;
  return term_with(fma1(-u, t, u > 0.0f ? u : 0.0f) + softplus,
                   l->slope * ((u < 0.0f ? e : 1.0f) / w - t));
}

OUTPUT_LOSS(smooth_logistic)
