// Normalisations, softmax over the channels of every pixel, and PReLU. A pixel of an image is a column of its channels.

// section: normalize
/// y = (x - mean[channel]) scale[channel] + shift[channel]; in place allowed.
static void normalize(int32_t channels, int32_t pixels, const float *mean, const float *scale,
                      const float *shift, const float *x, float *y) {
  for (int32_t c = 0; c < channels; c++)
    for (int32_t p = 0; p < pixels; p++) *y++ = fma1(*x++ - mean[c], scale[c], shift[c]);
}

// section: normalize_backward
/// dx = scale[channel] dy, in place.
static void normalize_backward(int32_t channels, int32_t pixels, const float *scale, float *dy) {
  for (int32_t c = 0; c < channels; c++)
    for (int32_t p = 0; p < pixels; p++, dy++) *dy = fma1(*dy, scale[c], 0.0f);
}

// section: layernorm_forward
/// xhat = (x - mean) / sqrt(variance + epsilon) of every column, y = xhat gamma + beta. gamma, beta, and where mean and
/// 1 / sqrt(variance + epsilon) go, may be NULL. In place allowed.
static void layernorm_forward(int32_t channels, int32_t columns, float epsilon, const float *x,
                              const float *gamma, const float *beta, float *y, float *mean,
                              float *inverse) {
  for (int32_t n = 0; n < columns; n++) {
    class_sum sum = {{0}}, squares = {{0}};
    for (int32_t c = 0; c < channels; c++) *chain_of(&sum, channels, c) += x[c * columns + n];
    const float center = value_of(&sum, channels) / (float)channels;
    for (int32_t c = 0; c < channels; c++) {
      const float d = x[c * columns + n] - center;
      float *chain = chain_of(&squares, channels, c);
      *chain = fma1(d, d, *chain);
    }
    const float variance = value_of(&squares, channels) / (float)channels;
    const float factor = 1.0f / root(variance + epsilon);
    for (int32_t c = 0; c < channels; c++) {
      const float xhat = (x[c * columns + n] - center) * factor;
      y[c * columns + n] = fma1(xhat, gamma ? gamma[c] : 1.0f, beta ? beta[c] : 0.0f);
    }
    if (mean) mean[n] = center;
    if (inverse) inverse[n] = factor;
  }
}

// section: layernorm_backward_input
/// dx = inverse (g - mean(g) - xhat mean(g xhat)), g = dy gamma; in place allowed.
static void layernorm_backward_input(int32_t channels, int32_t columns, const float *x,
                                     const float *dy, const float *gamma, const float *mean,
                                     const float *inverse, float *dx) {
  for (int32_t n = 0; n < columns; n++) {
    class_sum sum = {{0}}, products = {{0}};
    for (int32_t c = 0; c < channels; c++) {
      const int32_t i = c * columns + n;
      const float g = gamma ? dy[i] * gamma[c] : dy[i], xhat = (x[i] - mean[n]) * inverse[n];
      float *chain = chain_of(&products, channels, c);
      *chain_of(&sum, channels, c) += g;
      *chain = fma1(g, xhat, *chain);
    }
    const float offset = value_of(&sum, channels) / (float)channels;
    const float slope = value_of(&products, channels) / (float)channels;
    for (int32_t c = 0; c < channels; c++) {
      const int32_t i = c * columns + n;
      const float g = gamma ? dy[i] * gamma[c] : dy[i], xhat = (x[i] - mean[n]) * inverse[n];
      dx[i] = inverse[n] * fma1(-xhat, slope, g - offset);
    }
  }
}

// section: layernorm_backward_parameters
/// dgamma = sum of dy xhat, dbeta = sum of dy: column n belongs to chain n mod 16, then the lane tree. Each may be NULL.
static void layernorm_backward_parameters(int32_t channels, int32_t columns, const float *x,
                                          const float *dy, const float *mean, const float *inverse,
                                          float *dgamma, float *dbeta) {
  for (int32_t c = 0; c < channels; c++, x += columns, dy += columns) {
    float sums[LANES] = {0}, products[LANES] = {0};
    for (int32_t n = 0; n < columns; n++) {
      const float xhat = (x[n] - mean[n]) * inverse[n];
      sums[n % LANES] += dy[n];
      products[n % LANES] = fma1(dy[n], xhat, products[n % LANES]);
    }
    if (dgamma) dgamma[c] = lane_tree(products);
    if (dbeta) dbeta[c] = lane_tree(sums);
  }
}

// section: prelu_forward
/// y = x > 0 ? x : alpha x; alpha [channels][slopes], a slope for each pixel or one for all. In place allowed.
static void prelu_forward(int32_t channels, int32_t pixels, int32_t slopes, const float *x,
                          const float *alpha, float *y) {
  for (int32_t c = 0; c < channels; c++, alpha += slopes)
    for (int32_t p = 0; p < pixels; p++, x++)
      *y++ = *x > 0.0f ? *x : alpha[slopes == 1 ? 0 : p] * *x;
}

// section: prelu_backward
/// dx = x > 0 ? dy : x < 0 ? alpha dy : 0; dalpha = sum of dy x where x <= 0: 16 chains, then the lane tree; it may be NULL.
/// dx may be dy.
static void prelu_backward(int32_t channels, int32_t pixels, int32_t slopes, const float *x,
                           const float *alpha, const float *dy, float *dx, float *dalpha) {
  const int32_t row = slopes == 1 ? pixels : 1;
  for (int32_t e = 0; e < channels * slopes; e++) {
    float sums[LANES] = {0};
    for (int32_t k = 0; k < row; k++, x++, dy++, dx++) {
      const float g = *dy, low = *x > 0.0f ? 0.0f : *x;
      sums[k % LANES] = fma1(g, low, sums[k % LANES]);
      *dx = *x > 0.0f ? g : *x < 0.0f ? alpha[e] * g : 0.0f;
    }
    if (dalpha) dalpha[e] = lane_tree(sums);
  }
}

// section: softmax_columns
/// p = exp(z - max z) / sum exp(z - max z) of every column; in place allowed.
static void softmax_columns(int32_t classes, int32_t columns, const float *z, float *p) {
  for (int32_t n = 0; n < columns; n++, z++, p++) {
    float m = z[0];
    for (int32_t c = 1; c < classes; c++) m = z[c * columns] > m ? z[c * columns] : m;
    class_sum terms = {{0}};
    for (int32_t c = 0; c < classes; c++) {
      p[c * columns] = exp1(z[c * columns] - m);
      *chain_of(&terms, classes, c) += p[c * columns];
    }
    const float sum = value_of(&terms, classes);
    for (int32_t c = 0; c < classes; c++) p[c * columns] = p[c * columns] / sum;
  }
}

// section: softmax_columns_backward
/// dz = p (dy - sum dy p) of every column; dz may be dy.
static void softmax_columns_backward(int32_t classes, int32_t columns, const float *p,
                                     const float *dy, float *dz) {
  for (int32_t n = 0; n < columns; n++, p++, dy++, dz++) {
    class_sum terms = {{0}};
    for (int32_t c = 0; c < classes; c++) {
      float *chain = chain_of(&terms, classes, c);
      *chain = fma1(dy[c * columns], p[c * columns], *chain);
    }
    const float sum = value_of(&terms, classes);
    for (int32_t c = 0; c < classes; c++)
      dz[c * columns] = p[c * columns] * (dy[c * columns] - sum);
  }
}

// section: log_softmax
/// y = (z - max z) - log(sum exp(z - max z)) of every column; in place allowed.
static void log_softmax(int32_t classes, int32_t columns, const float *z, float *y) {
  for (int32_t n = 0; n < columns; n++, z++, y++) {
    float m = z[0];
    for (int32_t c = 1; c < classes; c++) m = z[c * columns] > m ? z[c * columns] : m;
    class_sum terms = {{0}};
    for (int32_t c = 0; c < classes; c++)
      *chain_of(&terms, classes, c) += exp1(z[c * columns] - m);
    const float logarithm = log1(value_of(&terms, classes));
    for (int32_t c = 0; c < classes; c++) y[c * columns] = (z[c * columns] - m) - logarithm;
  }
}

// section: log_softmax_backward
/// dz = dy - exp(y) sum dy of every column; dz may be dy.
static void log_softmax_backward(int32_t classes, int32_t columns, const float *y, const float *dy,
                                 float *dz) {
  for (int32_t n = 0; n < columns; n++, y++, dy++, dz++) {
    class_sum terms = {{0}};
    for (int32_t c = 0; c < classes; c++) *chain_of(&terms, classes, c) += dy[c * columns];
    const float sum = value_of(&terms, classes);
    for (int32_t c = 0; c < classes; c++)
      dz[c * columns] = fma1(-exp1(y[c * columns]), sum, dy[c * columns]);
  }
}
