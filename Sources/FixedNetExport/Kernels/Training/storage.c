// What identifies weights, and where they are kept.

// section: sha256
typedef struct sha256 {
  uint32_t state[8];
  uint64_t count;
  uint8_t block[64];
} sha256;

static uint32_t rotated(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void sha256_start(sha256 *h) {
  static const uint32_t start[8] = {0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au,
                                    0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u};
  for (int i = 0; i < 8; i++) h->state[i] = start[i];
  h->count = 0;
}

static void sha256_block(sha256 *h) {
  static const uint32_t keys[64] = {
      0x428a2f98u, 0x71374491u, 0xb5c0fbcfu, 0xe9b5dba5u, 0x3956c25bu, 0x59f111f1u, 0x923f82a4u,
      0xab1c5ed5u, 0xd807aa98u, 0x12835b01u, 0x243185beu, 0x550c7dc3u, 0x72be5d74u, 0x80deb1feu,
      0x9bdc06a7u, 0xc19bf174u, 0xe49b69c1u, 0xefbe4786u, 0x0fc19dc6u, 0x240ca1ccu, 0x2de92c6fu,
      0x4a7484aau, 0x5cb0a9dcu, 0x76f988dau, 0x983e5152u, 0xa831c66du, 0xb00327c8u, 0xbf597fc7u,
      0xc6e00bf3u, 0xd5a79147u, 0x06ca6351u, 0x14292967u, 0x27b70a85u, 0x2e1b2138u, 0x4d2c6dfcu,
      0x53380d13u, 0x650a7354u, 0x766a0abbu, 0x81c2c92eu, 0x92722c85u, 0xa2bfe8a1u, 0xa81a664bu,
      0xc24b8b70u, 0xc76c51a3u, 0xd192e819u, 0xd6990624u, 0xf40e3585u, 0x106aa070u, 0x19a4c116u,
      0x1e376c08u, 0x2748774cu, 0x34b0bcb5u, 0x391c0cb3u, 0x4ed8aa4au, 0x5b9cca4fu, 0x682e6ff3u,
      0x748f82eeu, 0x78a5636fu, 0x84c87814u, 0x8cc70208u, 0x90befffau, 0xa4506cebu, 0xbef9a3f7u,
      0xc67178f2u};
  uint32_t w[16], s[8];
  for (int i = 0; i < 8; i++) s[i] = h->state[i];
  for (int i = 0; i < 16; i++) {
    const uint8_t *b = h->block + 4 * i;
    w[i] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
  }
  for (int i = 0; i < 64; i++) {
    if (i >= 16) {
      const uint32_t a = w[(i + 1) & 15], e = w[(i + 14) & 15];
      const uint32_t s0 = rotated(a, 7) ^ rotated(a, 18) ^ a >> 3;
      const uint32_t s1 = rotated(e, 17) ^ rotated(e, 19) ^ e >> 10;
      w[i & 15] += s0 + w[(i + 9) & 15] + s1;
    }
    const uint32_t s1 = rotated(s[4], 6) ^ rotated(s[4], 11) ^ rotated(s[4], 25);
    const uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
    const uint32_t first = s[7] + s1 + choice + keys[i] + w[i & 15];
    const uint32_t s0 = rotated(s[0], 2) ^ rotated(s[0], 13) ^ rotated(s[0], 22);
    const uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
    s[7] = s[6];
    s[6] = s[5];
    s[5] = s[4];
    s[4] = s[3] + first;
    s[3] = s[2];
    s[2] = s[1];
    s[1] = s[0];
    s[0] = first + s0 + majority;
  }
  for (int i = 0; i < 8; i++) h->state[i] += s[i];
}

static void sha256_add(sha256 *h, uint8_t byte) {
  h->block[h->count++ & 63] = byte;
  if ((h->count & 63) == 0) sha256_block(h);
}

static void sha256_finish(sha256 *h, uint8_t digest[32]) {
  const uint64_t bits = h->count * 8;
  sha256_add(h, 0x80);
  while ((h->count & 63) != 56) sha256_add(h, 0);
  for (int shift = 56; shift >= 0; shift -= 8) sha256_add(h, (uint8_t)(bits >> shift & 255));
  for (int i = 0; i < 32; i++) digest[i] = (uint8_t)(h->state[i / 4] >> (24 - i % 4 * 8) & 255);
}

// section: hash_tensor
/// Adds a weight in the order of Keras' files: four loops, each with its count and the step from value to value.
static void hash_tensor(sha256 *h, const float *w, const int32_t counts[4], const int32_t steps[4])
{
  for (int32_t a = 0; a < counts[0]; a++)
    for (int32_t b = 0; b < counts[1]; b++)
      for (int32_t c = 0; c < counts[2]; c++)
        for (int32_t d = 0; d < counts[3]; d++) {
          const float *at = w + a * steps[0] + b * steps[1] + c * steps[2] + d * steps[3];
          const uint32_t bits = bits_of(*at);
          for (int shift = 0; shift < 32; shift += 8) sha256_add(h, (uint8_t)(bits >> shift & 255));
        }
}
