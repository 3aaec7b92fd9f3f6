// In double precision, without a mathematics library: a root, and normal noise from the counters of dropout.

// section: double_logarithm
/// ln x for a normal x > 0: exponent ln 2 + 2 artanh((m - 1) / (m + 1)), m in sqrt(1/2) ... sqrt(2).
static double double_logarithm(double x) {
  union {
    double number;
    uint64_t bits;
  } m = {x};
  double exponent = (double)((int32_t)(m.bits >> 52 & 2047) - 1023);
  m.bits = (m.bits & 0xfffffffffffffu) | (uint64_t)1023 << 52;
  if (m.number > 1.414213562373095) {
    m.number /= 2.0;
    exponent += 1.0;
  }
  const double z = (m.number - 1.0) / (m.number + 1.0), square = z * z;
  double power = z, sum = 0.0;
  for (int32_t k = 1; k < 26; k += 2) {
    sum += power / (double)k;
    power *= square;
  }
  return exponent * 0.6931471805599453 + 2.0 * sum;
}

// section: root_of_double
/// The square root of a normal x > 0, correctly rounded, without a library.
static double root_of_double(double x) {
  union {
    double number;
    uint64_t bits;
  } v = {x};
  if (v.bits == 0) return x;
  int32_t e = (int32_t)(v.bits >> 52) - 1075;
  uint64_t m = (v.bits & 0xfffffffffffffu) | 0x10000000000000u;
  if (e % 2 != 0) {
    m <<= 1;
    e--;
  }
  // Digit by digit: 54 bits of the root of m 2^54, the last of them for rounding.
  uint64_t q = 0, rest = 0;
  for (int i = 53; i >= 0; i--) {
    rest = rest << 2 | (i >= 27 ? m >> (2 * i - 54) & 3 : 0);
    q <<= 1;
    uint64_t trial = q << 1 | 1;
    if (rest >= trial) {
      rest -= trial;
      q |= 1;
    }
  }
  // q is the root of m 2^54 in [2^53, 2^54): the last bit rounds.
  int32_t exponent = e / 2 - 27 + 1;
  v.bits = ((uint64_t)(exponent + 1075 - 1) << 52) + ((q + 1) >> 1);
  return v.number;
}

// section: normal_quantile
typedef struct fraction {
  double above[8], below[8];  // polynomials, the highest coefficient first
} fraction;

/// factor above(x) / below(x)
static double fraction_at(const fraction *f, double factor, double x) {
  double a = f->above[0], b = f->below[0];
  for (int i = 1; i < 8; i++) {
    a = a * x + f->above[i];
    b = b * x + f->below[i];
  }
  return factor * a / b;
}

/// The z below which a standard normal variable is with probability p, 0 < p < 1.
/// Source: Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution", Applied Statistics 37, 1988.
static double normal_quantile(double p) {
  static const fraction middle = {
      {2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
       13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.3871328727963666080},
      {5226.4952788528545610, 28729.085735721942674, 39307.895800092710610, 21213.794301586595867,
       5394.1960214247511077, 687.18700749205790830, 42.313330701600911252, 1.0}};
  static const fraction side = {
      {7.74545014278341407640e-4, 0.0227238449892691845833, 0.241780725177450611770,
       1.27045825245236838258, 3.64784832476320460504, 5.76949722146069140550,
       4.63033784615654529590, 1.42343711074968357734},
      {1.05075007164441684324e-9, 5.47593808499534494600e-4, 0.0151986665636164571966,
       0.148103976427480074590, 0.689767334985100004550, 1.67638483018380384940,
       2.05319162663775882187, 1.0}};
  static const fraction tail = {
      {2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
       0.0265321895265761230930, 0.296560571828504891230, 1.78482653991729133580,
       5.46378491116411436990, 6.65790464350110377720},
      {2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
       7.86869131145613259100e-4, 0.0148753612908506148525, 0.136929880922735805310,
       0.599832206555887937690, 1.0}};
  const double q = p - 0.5, size = q < 0.0 ? -q : q;
  if (size <= 0.425) return fraction_at(&middle, q, 0.180625 - q * q);
  const double r = root_of_double(-double_logarithm(q < 0.0 ? p : 1.0 - p));
  const double value =
      r <= 5.0 ? fraction_at(&side, 1.0, r - 1.6) : fraction_at(&tail, 1.0, r - 5.0);
  return q < 0.0 ? -value : value;
}

// section: noise
/// What decides the numbers of a layer: the element, the image's place in the mini-batch, the step and the layer.
typedef struct noise {
  uint32_t seed[2], stream;
  float deviation;
} noise;

/// deviation z for element i, where z is a standard normal number of its own. words: of the elements with the same i / 4.
static float noise_at(const noise *n, uint32_t image, uint32_t step, int32_t i, uint32_t words[4]) {
  if (i % 4 == 0) {
    words[0] = (uint32_t)i / 4;
    words[1] = image;
    words[2] = step;
    words[3] = n->stream;
    philox(n->seed[0], n->seed[1], words);
  }
  const double p = ((double)(words[i % 4] >> 1) + 0.5) / 2147483648.0;
  return n->deviation * (float)normal_quantile(p);
}

// section: gaussian_noise
/// y = x + deviation z
static void gaussian_noise(int32_t count, const noise *n, uint32_t image, uint32_t step,
                           const float *x, float *y) {
  uint32_t words[4] = {0, 0, 0, 0};
  for (int32_t i = 0; i < count; i++) y[i] = x[i] + noise_at(n, image, step, i, words);
}

// section: gaussian_dropout
/// y = x (1 + deviation z). The backward pass is the same call on the gradient.
static void gaussian_dropout(int32_t count, const noise *n, uint32_t image, uint32_t step,
                             const float *x, float *y) {
  uint32_t words[4] = {0, 0, 0, 0};
  for (int32_t i = 0; i < count; i++) y[i] = x[i] * (1.0f + noise_at(n, image, step, i, words));
}
