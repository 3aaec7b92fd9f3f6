// exp, log, tanh and the activations whose derivative is computed from their output.
// Source: S. L. Moshier, Cephes Mathematical Library, expf and logf; tanh: a minimax rational of degree 13/6.

// section: exp_rest
#define ROUND_MAGIC 12582912.0f  // 1.5 * 2^23: adding it rounds a small number to an integer

/// exp(r) - 1 for x = n ln 2 + r, n = round(x / ln 2); *exponent = n.
static float exp_rest(float x, uint32_t *exponent) {
  float shifted = fma1(x, 1.44269504088896341f, ROUND_MAGIC);
  float n = shifted - ROUND_MAGIC;
  float r = fma1(-n, 0.693359375f, x);
  r = fma1(-n, -2.12194440e-4f, r);
  float p = fma1(1.9875691500e-4f, r, 1.3981999507e-3f);
  p = fma1(p, r, 8.3334519073e-3f);
  p = fma1(p, r, 4.1665795894e-2f);
  p = fma1(p, r, 1.6666665459e-1f);
  p = fma1(p, r, 5.0000001201e-1f);
  *exponent = bits_of(shifted) - bits_of(ROUND_MAGIC);
  return fma1(p, r * r, r);
}

// section: exp1
/// exp(x) = 2^n exp(r); 2^n in two factors, as the result may be subnormal or overflow.
static float exp1(float x) {
  x = x > 89.0f ? 89.0f : x;
  x = x < -104.5f ? -104.5f : x;
  uint32_t exponent;
  float p = exp_rest(x, &exponent) + 1.0f;
  uint32_t first = exponent >> 1 | (exponent & 0x80000000u), second = exponent - first;
  return p * of_bits((first + 127u) << 23) * of_bits((second + 127u) << 23);
}

// section: exp_minus_one
/// exp(x) - 1 for x <= 0.
static float exp_minus_one(float x) {
  uint32_t exponent;
  float rest = exp_rest(x < -30.0f ? -30.0f : x, &exponent);
  float power = of_bits((exponent + 127u) << 23);
  return fma1(power, rest, power - 1.0f);
}

// section: log1
/// log(x) = e ln 2 + log(m), x = 2^e m, sqrt(1/2) <= m < sqrt(2).
static float log1(float x) {
  const uint32_t half_root = 0x3f3504f3u;  // the bits of sqrt(1/2)
  uint32_t u = bits_of(x) - half_root;
  float e = (float)(int32_t)(u >> 23 | (u >> 31 ? 0xfffffe00u : 0u));
  float f = of_bits((u & 0x7fffffu) + half_root) - 1.0f;
  float p = fma1(7.0376836292e-2f, f, -1.1514610310e-1f);
  p = fma1(p, f, 1.1676998740e-1f);
  p = fma1(p, f, -1.2420140846e-1f);
  p = fma1(p, f, 1.4249322787e-1f);
  p = fma1(p, f, -1.6668057665e-1f);
  p = fma1(p, f, 2.0000714765e-1f);
  p = fma1(p, f, -2.4999993993e-1f);
  p = fma1(p, f, 3.3333331174e-1f);
  float square = f * f;
  float y = f * square * p;
  y = fma1(e, -2.12194440e-4f, y);
  y = fma1(-0.5f, square, y);
  y = fma1(e, 0.693359375f, f + y);
  y = x <= FLT_MAX ? y : x;  // log(inf) = inf, log(NaN) = NaN
  y = x == 0.0f ? of_bits(0xff800000u) : y;
  return x < 0.0f ? of_bits(0x7fc00000u) : y;
}

// section: log_of_one_plus
/// log(1 + x) for -1 < x: w = 1 + x loses digits of a small x, and (x - (w - 1)) / w puts them back.
static float log_of_one_plus(float x) {
  float w = 1.0f + x;
  return log1(w) + (x - (w - 1.0f)) / w;
}

// section: tanh1
static float tanh1(float x) {
  const float limit = 7.99881172180175781f;  // the rational is exactly 1 here
  float c = x > limit ? limit : x;
  c = c < -limit ? -limit : c;
  float s = c * c;
  float p = fma1(256.0f * -2.76076847742355e-16f, s, 256.0f * 2.00018790482477e-13f);
  p = fma1(p, s, 256.0f * -8.60467152213735e-11f);
  p = fma1(p, s, 256.0f * 5.12229709037114e-08f);
  p = fma1(p, s, 256.0f * 1.48572235717979e-05f);
  p = fma1(p, s, 256.0f * 6.37261928875436e-04f);
  p = fma1(p, s, 256.0f * 4.89352455891786e-03f);
  float q = fma1(256.0f * 1.19825839466702e-06f, s, 256.0f * 1.18534705686654e-04f);
  q = fma1(q, s, 256.0f * 2.26843463243900e-03f);
  q = fma1(q, s, 256.0f * 4.89352518554385e-03f);
  return p * c / q;
}

// section: tanh_forward
/// y = tanh(x); in place allowed, as in every function of this kind.
static void tanh_forward(int32_t count, const float *x, float *y) {
  for (int32_t i = 0; i < count; i++) y[i] = tanh1(x[i]);
}

// section: tanh_backward
/// dz = dy (1 - y y); dz may be dy or y.
static void tanh_backward(int32_t count, const float *y, const float *dy, float *dz) {
  for (int32_t i = 0; i < count; i++) dz[i] = dy[i] * fma1(-y[i], y[i], 1.0f);
}

// section: relu_forward
/// y = max(x, 0); a NaN stays.
static void relu_forward(int32_t count, const float *x, float *y) {
  for (int32_t i = 0; i < count; i++) y[i] = x[i] <= 0.0f ? 0.0f : x[i];
}

// section: relu_backward
static void relu_backward(int32_t count, const float *y, const float *dy, float *dz) {
  for (int32_t i = 0; i < count; i++) dz[i] = y[i] > 0.0f ? dy[i] : 0.0f;
}

// section: sigmoid_forward
/// y = 1 / (1 + exp(-x))
static void sigmoid_forward(int32_t count, const float *x, float *y) {
  for (int32_t i = 0; i < count; i++) y[i] = 1.0f / (1.0f + exp1(-x[i]));
}

// section: sigmoid_backward
static void sigmoid_backward(int32_t count, const float *y, const float *dy, float *dz) {
  for (int32_t i = 0; i < count; i++) dz[i] = dy[i] * (y[i] * (1.0f - y[i]));
}

// section: scaled_sigmoid_forward
/// y = 1 / (1 + exp(-2 x))
static void scaled_sigmoid_forward(int32_t count, const float *x, float *y) {
  for (int32_t i = 0; i < count; i++) y[i] = 1.0f / (1.0f + exp1(-2.0f * x[i]));
}

// section: scaled_sigmoid_backward
static void scaled_sigmoid_backward(int32_t count, const float *y, const float *dy, float *dz) {
  for (int32_t i = 0; i < count; i++) dz[i] = dy[i] * (2.0f * y[i] * (1.0f - y[i]));
}
