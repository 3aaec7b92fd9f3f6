// The optimisers: w follows its gradient g.

// section: sgd_update
/// w = w - rate g, rounded once.
static void sgd_update(int32_t count, float rate, const float *g, float *w) {
  for (int32_t i = 0; i < count; i++) w[i] = fma1(-rate, g[i], w[i]);
}

// section: momentum_update
/// m = momentum m - rate g; w = w + m
static void momentum_update(int32_t count, float rate, float momentum, const float *g, float *m,
                            float *w) {
  for (int32_t i = 0; i < count; i++) {
    float step = rate * g[i];
    m[i] = fma1(momentum, m[i], -step);
    w[i] += m[i];
  }
}

// section: nesterov_update
/// m = momentum m - rate g; w = w + momentum m - rate g
static void nesterov_update(int32_t count, float rate, float momentum, const float *g, float *m,
                            float *w) {
  for (int32_t i = 0; i < count; i++) {
    float step = rate * g[i];
    m[i] = fma1(momentum, m[i], -step);
    w[i] += fma1(momentum, m[i], -step);
  }
}

// section: rmsprop_update
typedef struct rmsprop {
  float rate, rho, gradient_share, momentum, epsilon;
  int is_legacy;  // epsilon behind the root
} rmsprop;

/// v = rho v + (1 - rho) g^2; w = w - rate g / sqrt(v + epsilon). With `average` the variance takes the place of v, with
/// `velocity` the step goes through it; else they are NULL.
static void rmsprop_update(int32_t count, const rmsprop *rule, const float *g, float *v,
                           float *velocity, float *average, float *w) {
  for (int32_t i = 0; i < count; i++) {
    float square = g[i] * g[i];
    v[i] = fma1(rule->rho, v[i], rule->gradient_share * square);
    float d = v[i];
    if (average) {
      average[i] = fma1(rule->rho, average[i], rule->gradient_share * g[i]);
      float mean_square = average[i] * average[i];
      d = v[i] - mean_square;
    }
    float divisor = rule->is_legacy ? root(d) + rule->epsilon : root(d + rule->epsilon);
    float step = rule->rate * g[i] / divisor;
    if (velocity) step = velocity[i] = fma1(rule->momentum, velocity[i], step);
    w[i] -= step;
  }
}

// section: adam
typedef struct adam {
  float rate, gradient_share, square_share, epsilon;
} adam;

// section: adam_update
/// m = m + (1 - beta1) (g - m); v = v + (1 - beta2) (g^2 - v); w = w - rate m / (sqrt(v) + epsilon)
static void adam_update(int32_t count, const adam *rule, const float *g, float *m, float *v,
                        float *w) {
  for (int32_t i = 0; i < count; i++) {
    m[i] = fma1(g[i] - m[i], rule->gradient_share, m[i]);
    v[i] = fma1(fma1(g[i], g[i], -v[i]), rule->square_share, v[i]);
    w[i] -= rule->rate * m[i] / (root(v[i]) + rule->epsilon);
  }
}

// section: power_of
/// base^exponent by squaring.
static double power_of(double base, uint32_t exponent) {
  double result = 1.0;
  for (; exponent; exponent >>= 1) {
    if (exponent & 1) result *= base;
    base *= base;
  }
  return result;
}

// section: nadam
typedef struct nadam {
  float momentum_rate, gradient_rate, gradient_share, square_share, square_scale, epsilon;
} nadam;

// section: nadam_update
static void nadam_update(int32_t count, const nadam *rule, const float *g, float *m, float *v,
                         float *w) {
  for (int32_t i = 0; i < count; i++) {
    m[i] = fma1(g[i] - m[i], rule->gradient_share, m[i]);
    v[i] = fma1(fma1(g[i], g[i], -v[i]), rule->square_share, v[i]);
    float step = fma1(rule->momentum_rate, m[i], rule->gradient_rate * g[i]);
    w[i] -= step / (root(rule->square_scale * v[i]) + rule->epsilon);
  }
}

// section: adagrad_update
/// a = a + g^2; w = w - rate g / sqrt(a + epsilon)
static void adagrad_update(int32_t count, float rate, float epsilon, const float *g, float *a,
                           float *w) {
  for (int32_t i = 0; i < count; i++) {
    a[i] = fma1(g[i], g[i], a[i]);
    w[i] -= rate * g[i] / root(a[i] + epsilon);
  }
}

// section: decay
/// w = w - factor w: decoupled weight decay, before the step.
static void decay(int32_t count, float factor, float *w) {
  for (int32_t i = 0; i < count; i++) w[i] = fma1(-factor, w[i], w[i]);
}

// section: adam_rule
/// The constants of a step (from 0), in double as the host works them out.
static adam adam_rule(float rate, uint32_t step, double beta1, double beta2, float gradient_share,
                      float square_share, float epsilon) {
  const double first = 1.0 - power_of(beta1, step + 1), second = 1.0 - power_of(beta2, step + 1);
  const double corrected = (double)rate * root_of_double(second) / first;
  const adam rule = {(float)corrected, gradient_share, square_share, epsilon};
  return rule;
}

// section: nadam_rule
/// The momentum of step t, from 1.
static double nadam_momentum(double beta, uint32_t t) {
  return beta * (1.0 - power_of(0.96, t) / 2.0);
}

/// The constants of a step (from 0), in double as the host works them out.
static nadam nadam_rule(float rate, uint32_t step, double beta1, double beta2, float gradient_share,
                        float square_share, float epsilon) {
  const double now = nadam_momentum(beta1, step + 1), next = nadam_momentum(beta1, step + 2);
  double product = 1.0, fading = 1.0;
  // After 1000 steps 1 - 0.96^t / 2 is 1.
  for (uint32_t t = 0; t < step + 1 && t < 1000; t++) {
    fading *= 0.96;
    product *= beta1 * (1.0 - fading / 2.0);
  }
  product *= power_of(beta1, step + 1 > 1000 ? step + 1 - 1000 : 0);
  const double second = 1.0 - power_of(beta2, step + 1), behind = product * next;
  const double momentum_rate = (double)rate * next / (1.0 - behind);
  const double gradient_rate = (double)rate * (1.0 - now) / (1.0 - product);
  const nadam rule = {(float)momentum_rate, (float)gradient_rate, gradient_share, square_share,
                      (float)(1.0 / second), epsilon};
  return rule;
}

// section: gather_part
/// Image number `image` of the mini-batch: sum = x, or sum + x.
static void gather_part(int32_t count, uint32_t image, const float *x, float *sum) {
  if (image == 0) memcpy(sum, x, (size_t)count * sizeof *sum);
  for (int32_t i = 0; image > 0 && i < count; i++) sum[i] += x[i];
}

// section: squared_norm
/// The sum of squares in double: element i belongs to chain i mod 16; then the lane tree.
static double squared_norm(int32_t count, const float *x) {
  double s[LANES] = {0};
  for (int32_t i = 0; i < count; i++) {
    const double square = (double)x[i] * (double)x[i];
    s[i % LANES] += square;
  }
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) s[i] += s[i + half];
  return s[0];
}

// section: clip_norm
/// Shortens a gradient whose squared norm, or that of what it is a part of, is too large.
static void clip_norm(int32_t count, double square, float limit, float *g) {
  const double norm = square > 0.0 && square <= DBL_MAX ? root_of_double(square) : square;
  if (norm > (double)limit) affine(count, (float)((double)limit / norm), 0.0f, g, g);
}
