// Softmax and the losses of one image: the loss and, where there is room for it, its gradient.

// section: largest
static float largest(int32_t classes, const float *z) {
  float m = z[0];
  for (int32_t c = 1; c < classes; c++) m = z[c] > m ? z[c] : m;
  return m;
}

// section: softmax
/// p = exp(z - max z) / sum exp(z - max z); in place allowed.
static void softmax(int32_t classes, const float *z, float *p) {
  const float m = largest(classes, z);
  class_sum terms = {{0}};
  for (int32_t c = 0; c < classes; c++) {
    p[c] = exp1(z[c] - m);
    *chain_of(&terms, classes, c) += p[c];
  }
  const float sum = value_of(&terms, classes);
  for (int32_t c = 0; c < classes; c++) p[c] = p[c] / sum;
}

// section: softmax_backward
/// dz = p (dy - sum dy p); dz may be dy.
static void softmax_backward(int32_t classes, const float *p, const float *dy, float *dz) {
  class_sum terms = {{0}};
  for (int32_t c = 0; c < classes; c++) {
    float *chain = chain_of(&terms, classes, c);
    *chain = fma1(dy[c], p[c], *chain);
  }
  const float sum = value_of(&terms, classes);
  for (int32_t c = 0; c < classes; c++) dz[c] = p[c] * (dy[c] - sum);
}

// section: softmax_cross_entropy
/// Returns -log softmax(z)[label]; dz = (softmax(z) - onehot(label)) scale.
static float softmax_cross_entropy(int32_t classes, const float *z, int32_t label, float scale,
                                   float *dz) {
  int32_t best = 0;
  for (int32_t c = 1; c < classes; c++)
    if (z[c] > z[best]) best = c;
  const float m = z[best];
  class_sum terms = {{0}};
  for (int32_t c = 0; c < classes; c++) *chain_of(&terms, classes, c) += exp1(z[c] - m);
  const float sum = value_of(&terms, classes);
  const float loss = log1(sum) - (z[label] - m);
  for (int32_t c = 0; c < classes; c++)
    dz[c] = (exp1(z[c] - m) / sum - (c == label ? 1.0f : 0.0f)) * scale;
  return loss;
}

// section: squared_error
/// Returns weight sum (y - t)^2; dy = (2 weight scale) (y - t).
static float squared_error(int32_t outputs, const float *y, const float *t, float weight,
                           float scale, float *dy) {
  const float factor = 2.0f * weight * scale;
  float sum = 0.0f;
  for (int32_t c = 0; c < outputs; c++) {
    const float d = y[c] - t[c];
    sum = fma1(d, d, sum);
    dy[c] = factor * d;
  }
  return weight * sum;
}

// section: logistic_loss
/// Binary cross-entropy of every output from its logit: with u = slope z and w = 1 + e, e = exp(-|u|), returns
/// weight sum (max(u, 0) - u t + log w); dz = (weight scale slope) (sigmoid(u) - t).
static float logistic_loss(int32_t outputs, const float *z, const float *t, float slope,
                           float weight, float scale, float *dz) {
  const float factor = weight * scale * slope;
  float sum = 0.0f;
  for (int32_t c = 0; c < outputs; c++) {
    const float u = slope * z[c];
    const float e = exp1(u < 0.0f ? u : -u), w = 1.0f + e;
    const float softplus = log1(w) + (e - (w - 1.0f)) / w, target = t[c];
    sum += fma1(-u, target, u > 0.0f ? u : 0.0f) + softplus;
    dz[c] = factor * ((u < 0.0f ? e : 1.0f) / w - target);
  }
  return weight * sum;
}
