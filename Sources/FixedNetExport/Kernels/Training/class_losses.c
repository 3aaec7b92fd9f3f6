// Losses of the outputs together, of one image; see output_losses.c.

// section: CLASS_LOSS
/// Returns weight sum f(p, t) with p = y / sum y; with g_c = df/dp_c, dy_k = (g_k - sum_c g_c p_c) / sum y.
#define CLASS_LOSS(name)                                                                       \
  static float name##_loss(const loss_numbers *l, int32_t outputs, const float *y,             \
                           const float *target, float scale, float *dy) {                      \
    const float factor = l->weight * scale;                                                    \
    class_sum sums = {{0}}, inners = {{0}}, values = {{0}};                                    \
    for (int32_t c = 0; c < outputs; c++) *chain_of(&sums, outputs, c) += y[c];                \
    const float sum = value_of(&sums, outputs);                                                \
    for (int32_t c = 0; c < outputs; c++) {                                                    \
      const float p = y[c] / sum;                                                              \
      float *inner = chain_of(&inners, outputs, c);                                            \
      const loss_term one = name##_term(l, p, wanted_of(l, target[c]));                        \
      *inner = fma1(one.slope, p, *inner);                                                     \
      *chain_of(&values, outputs, c) += one.value;                                             \
    }                                                                                          \
    const float inner = value_of(&inners, outputs);                                            \
    for (int32_t c = 0; c < outputs; c++) {                                                    \
      const float slope = name##_term(l, y[c] / sum, wanted_of(l, target[c])).slope;           \
      dy[c] = factor * ((slope - inner) / sum);                                                \
    }                                                                                          \
    return l->weight * value_of(&values, outputs);                                             \
  }

// section: categorical_cross_entropy_loss
/// -t log p, p limited to 1e-7 ... 1 - 1e-7
static loss_term categorical_cross_entropy_term(const loss_numbers *l, float p, float t) {
  (void)l;
  const float inside = at_most(at_least(p, LOSS_EPSILON), LOSS_ONE);
  const int is_inside = p >= LOSS_EPSILON && p <= LOSS_ONE;
  return term_with(-t * log1(inside), is_inside ? -t / inside : 0.0f);
}

CLASS_LOSS(categorical_cross_entropy)

// section: categorical_focal_loss
/// -alpha t (1 - p)^gamma log p
static loss_term categorical_focal_term(const loss_numbers *l, float p, float t) {
  const float inside = at_most(at_least(p, LOSS_EPSILON), LOSS_ONE);
  const int is_inside = p >= LOSS_EPSILON && p <= LOSS_ONE;
  const float entropy = -t * log1(inside), slope = -t / inside;
  const float miss = 1.0f - inside, factor = power1(miss, l->gamma);
  const float steepness = l->gamma * power1(miss, l->gamma - 1.0f);
  const float first = factor * slope, second = steepness * entropy;
  return term_with(l->alpha * factor * entropy, is_inside ? l->alpha * (first - second) : 0.0f);
}

CLASS_LOSS(categorical_focal)

// section: softmax_target_loss
/// Returns weight sum t (log(sum exp(z - m)) - (z - m)), m = max z; dz = (softmax(z) sum t - t) scale.
static float softmax_target_loss(const loss_numbers *l, int32_t outputs, const float *z,
                                 const float *target, float scale, float *dz) {
  const float factor = l->weight * scale, m = largest(outputs, z);
  class_sum sums = {{0}}, targets = {{0}}, values = {{0}};
  for (int32_t c = 0; c < outputs; c++) {
    *chain_of(&sums, outputs, c) += exp1(z[c] - m);
    *chain_of(&targets, outputs, c) += wanted_of(l, target[c]);
  }
  const float sum = value_of(&sums, outputs), all = value_of(&targets, outputs);
  const float logarithm = log1(sum);
  for (int32_t c = 0; c < outputs; c++) {
    const float t = wanted_of(l, target[c]);
    float *value = chain_of(&values, outputs, c);
    *value = fma1(t, logarithm - (z[c] - m), *value);
    const float share = exp1(z[c] - m) / sum * all;
    dz[c] = (share - t) * factor;
  }
  return l->weight * value_of(&values, outputs);
}

// section: categorical_hinge_loss
/// Returns weight max(max((1 - t) y) - sum t y + 1, 0).
static float categorical_hinge_loss(const loss_numbers *l, int32_t outputs, const float *y,
                                    const float *target, float scale, float *dy) {
  const float factor = l->weight * scale;
  class_sum wanted = {{0}};
  float other = 0.0f;
  int32_t best = 0;
  for (int32_t c = 0; c < outputs; c++) {
    const float t = wanted_of(l, target[c]), v = (1.0f - t) * y[c];
    float *sum = chain_of(&wanted, outputs, c);
    if (c == 0 || v > other) {
      other = v;
      best = c;
    }
    *sum = fma1(t, y[c], *sum);
  }
  const float value = (other - value_of(&wanted, outputs)) + 1.0f;
  for (int32_t c = 0; c < outputs; c++) {
    const float t = wanted_of(l, target[c]);
    const float slope = (best == c ? 1.0f - t : 0.0f) - t;
    dy[c] = value > 0.0f ? factor * slope : 0.0f;
  }
  return l->weight * (value <= 0.0f ? 0.0f : value);
}
