// One rounding per step, the same on every processor.

// section: shared
/// The partial sums of a lane tree.
enum { LANES = 16 };

#define INLINE static inline __attribute__((always_inline, unused))
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
// One copy for all callers, not one for the sizes that each has.
#if defined(__clang__)
#define SHARED static __attribute__((noinline))
#else
#define SHARED static __attribute__((noinline, noclone))
#endif

// section: bits_of
INLINE uint32_t bits_of(float x) {
  union {
    float number;
    uint32_t bits;
  } v = {x};
  return v.bits;
}

// section: of_bits
INLINE float of_bits(uint32_t bits) {
  union {
    uint32_t bits;
    float number;
  } v = {bits};
  return v.number;
}

// section: fma1
/// a b + c, rounded once.
#if FIXEDNET_FMA == 1 && defined(HAS_ELEMENTWISE_FMA)
INLINE float fma1(float a, float b, float c) { return __builtin_elementwise_fma(a, b, c); }
#elif FIXEDNET_FMA == 1
INLINE float fma1(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
#elif FIXEDNET_FMA == 2
// The product is exact in double; the sum is rounded to odd, so that rounding it again gives what one rounding of the exact
// value would (Boldo and Melquiond 2008).
static float fma1(float a, float b, float c) {
  const double product = (double)a * (double)b, sum = product + (double)c, addend = sum - product;
  const double error = (product - (sum - addend)) + ((double)c - addend);
  union {
    double number;
    uint64_t bits;
  } v = {sum};
  int is_inexact = error > 0.0 || error < 0.0;
  if (is_inexact && (v.bits & 1) == 0)
    v.bits = (error > 0.0) == (sum > 0.0) ? v.bits + 1 : v.bits - 1;
  return (float)v.number;
}
#else
// For processors without a floating-point unit: in integers.
INLINE uint64_t shifted_with_rest(uint64_t x, int32_t count) {
  if (count > 62) return 1;
  return x >> count | ((x & (((uint64_t)1 << count) - 1)) != 0);
}

static float fma1(float a, float b, float c) {
  const uint32_t ua = bits_of(a), ub = bits_of(b), uc = bits_of(c);
  int32_t ea = (int32_t)(ua >> 23 & 255), eb = (int32_t)(ub >> 23 & 255);
  int32_t ec = (int32_t)(uc >> 23 & 255);
  uint32_t sign = (ua ^ ub) & 0x80000000u;
  // Nothing is rounded where an operand is infinite or NaN.
  if (ea == 255 || eb == 255) return a * b + c;
  if (ec == 255) return c;
  uint32_t ma = ua & 0x7fffffu, mb = ub & 0x7fffffu, mc = uc & 0x7fffffu;
  if (ea) ma |= 0x800000u;
  if (eb) mb |= 0x800000u;
  if (ec) mc |= 0x800000u;
#if FLUSHES_SUBNORMALS
  if (!ea) ma = 0;
  if (!eb) mb = 0;
  if (!ec) mc = 0;
#endif
  ea += !ea;
  eb += !eb;
  ec += !ec;
  if (ma == 0 || mb == 0) return mc == 0 ? of_bits(sign & uc) : c;
  // a b = p 2^(e - 187), c = m 2^(ec - 187); both get their leading bit to place 61.
  uint64_t p = (uint64_t)ma * mb << 14, m = (uint64_t)mc << 37;
  int32_t e = ea + eb - 127;
  for (; p >> 61 == 0; e--) p <<= 1;
  if (m) {
    for (; m >> 61 == 0; ec--) m <<= 1;
    // What is shifted out of the smaller one stays as one bit that says whether there was anything.
    if (e > ec) m = shifted_with_rest(m, e - ec);
    if (e < ec) {
      p = shifted_with_rest(p, ec - e);
      e = ec;
    }
    if ((uc ^ sign) >> 31 == 0) {
      p += m;
    } else if (p == m) {
      return 0.0f;
    } else if (p > m) {
      p -= m;
    } else {
      p = m - p;
      sign ^= 0x80000000u;
    }
  }
  for (; p >> 63 == 0; e--) p <<= 1;
  // The 24 bits of the result, and what is behind them.
  e += 3;
  const int32_t shift = e < 1 && !FLUSHES_SUBNORMALS ? 41 - e : 40;
  if (shift > 64) return of_bits(sign);
  uint32_t top = shift == 64 ? 0 : (uint32_t)(p >> shift);
  const uint64_t rest = shift == 64 ? p : p & (((uint64_t)1 << shift) - 1);
  const uint64_t half = (uint64_t)1 << (shift - 1);
  if (rest > half || (rest == half && (top & 1))) top++;
  if (e < 1 && !FLUSHES_SUBNORMALS) return of_bits(sign | top);
  if (top >> 24) {
    top >>= 1;
    e++;
  }
  if (e < 1) return of_bits(sign);
  if (e > 254) return of_bits(sign | 0x7f800000u);
  return of_bits(sign | (uint32_t)e << 23 | (top & 0x7fffffu));
}
#endif

// section: root
/// The square root, correctly rounded.
INLINE float root(float x) {
#if defined(__SSE2__)
  float y;
  __asm__("sqrtss %1, %0" : "=x"(y) : "x"(x));
  return y;
#elif defined(__aarch64__)
  float y;
  __asm__("fsqrt %s0, %s1" : "=w"(y) : "w"(x));
  return y;
#elif defined(__ARM_FP) && (__ARM_FP & 4)
  float y;
  __asm__("vsqrt.f32 %0, %1" : "=t"(y) : "t"(x));
  return y;
#elif defined(__riscv_flen)
  float y;
  __asm__("fsqrt.s %0, %1" : "=f"(y) : "f"(x));
  return y;
#else
  uint32_t bits = bits_of(x);
  if (bits == 0 || bits == 0x80000000u || bits == 0x7f800000u || x != x) return x;
  if (bits >> 31) return of_bits(0x7fc00000u);
  int32_t e = (int32_t)(bits >> 23);
  uint32_t m = bits & 0x7fffffu;
  if (e)
    m |= 0x800000u;
  else
    e = 1;
  for (; m >> 23 == 0; e--) m <<= 1;
  // x = m 2^(e - 150); m gets 25 or 26 bits, so that the exponent is even and the root of m 2^24 has 25 bits.
  e -= 150;
  int shift = e % 2 != 0 ? 1 : 2;
  e -= shift;
  const uint64_t square = (uint64_t)m << (24 + shift);
  uint32_t q = 0;
  for (uint32_t bit = (uint32_t)1 << 24; bit; bit >>= 1) {
    uint64_t next = q | bit;
    if (next * next <= square) q |= bit;
  }
  // The last bit is for rounding; no root lies half-way between two floats.
  return of_bits(((uint32_t)(e / 2 + 138) << 23) + ((q + 1) >> 1));
#endif
}

// section: lane_tree
/// The sum of 16 numbers: s[i] += s[i + 8], s[i] += s[i + 4], ...
INLINE float lane_tree(float s[LANES]) {
  UNROLL
  for (int i = 0; i < 8; i++) s[i] += s[i + 8];
  UNROLL
  for (int i = 0; i < 4; i++) s[i] += s[i + 4];
  return (s[0] + s[2]) + (s[1] + s[3]);
}

// section: class_sum
/// A sum over classes: up to 16 terms are added in order; of more, term c belongs to chain c mod 16, and the chains are
/// added by the lane tree.
typedef struct class_sum {
  float chains[LANES];
} class_sum;

/// Where term c is added.
static float *chain_of(class_sum *sum, int32_t count, int32_t c) {
  return &sum->chains[count > LANES ? c % LANES : 0];
}

static float value_of(class_sum *sum, int32_t count) {
  return count > LANES ? lane_tree(sum->chains) : sum->chains[0];
}

// section: floating_mode
/// How the processor treats numbers below the smallest normal one, 2^-126, between the calls of this file.
#if FLUSHES_SUBNORMALS
#define FLUSHED_BITS ALL_FLUSH_BITS
#else
#define FLUSHED_BITS 0u
#endif
#if defined(__SSE2__)
#define ALL_FLUSH_BITS 0x8040u  // flush to zero, denormals are zero
#define READ_MODE(mode) __asm__ volatile("stmxcsr %0" : "=m"(mode) : : "memory")
#define WRITE_MODE(mode) __asm__ volatile("ldmxcsr %0" : : "m"(mode) : "memory")
typedef uint32_t mode_bits;
#elif defined(__aarch64__)
#define ALL_FLUSH_BITS 0x1000000u
#define READ_MODE(mode) __asm__ volatile("mrs %0, fpcr" : "=r"(mode) : : "memory")
#define WRITE_MODE(mode) __asm__ volatile("msr fpcr, %0" : : "r"(mode) : "memory")
typedef uint64_t mode_bits;
#elif defined(__ARM_FP) && (__ARM_FP & 4)
#define ALL_FLUSH_BITS 0x1000000u
#define READ_MODE(mode) __asm__ volatile("vmrs %0, fpscr" : "=r"(mode) : : "memory")
#define WRITE_MODE(mode) __asm__ volatile("vmsr fpscr, %0" : : "r"(mode) : "memory")
typedef uint32_t mode_bits;
#elif !FLUSHES_SUBNORMALS
#define ALL_FLUSH_BITS 0u
#define READ_MODE(mode) ((mode) = 0)
#define WRITE_MODE(mode) ((void)(mode))
typedef uint32_t mode_bits;
#else
#error "This processor cannot count subnormal numbers as zero: write the library with --subnormals keep."
#endif

/// The mode of this file; returns the caller's. Not inline, nor is the next one: the register has the flags of comparisons
/// too, which clang for Arm would leave there.
static __attribute__((noinline)) mode_bits enter_mode(void) {
  mode_bits mode, own;
  READ_MODE(mode);
  own = (mode & ~(mode_bits)ALL_FLUSH_BITS) | FLUSHED_BITS;
  WRITE_MODE(own);
  return mode;
}

static __attribute__((noinline)) void leave_mode(mode_bits mode) { WRITE_MODE(mode); }

// section: mode_is_right
/// Whether half of the smallest normal number counts as zero, or not, as it should.
static int mode_is_right(void) {
  const volatile float least = FLT_MIN;
  const volatile float half = least * 0.5f;
  return (bits_of(half) == 0) == FLUSHES_SUBNORMALS;
}
