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

// section: checksum
/// CRC-32 as in zip and PNG, half a byte at a time; 0 to begin with.
static uint32_t checksum(uint32_t sum, const uint8_t *bytes, uint32_t count) {
  static const uint32_t table[16] = {0x00000000u, 0x1db71064u, 0x3b6e20c8u, 0x26d930acu,
                                     0x76dc4190u, 0x6b6b51f4u, 0x4db26158u, 0x5005713cu,
                                     0xedb88320u, 0xf00f9344u, 0xd6d6a3e8u, 0xcb61b38cu,
                                     0x9b64c2b0u, 0x86d3d2d4u, 0xa00ae278u, 0xbdbdf21cu};
  sum = ~sum;
  for (uint32_t i = 0; i < count; i++) {
    sum ^= bytes[i];
    sum = sum >> 4 ^ table[sum & 15];
    sum = sum >> 4 ^ table[sum & 15];
  }
  return ~sum;
}

// section: checksum_floats
/// The checksum goes on over floats, each as four bytes, the lowest first.
static uint32_t checksum_floats(uint32_t sum, const float *values, int32_t count) {
  for (int32_t i = 0; i < count; i++) {
    const uint32_t bits = bits_of(values[i]);
    const uint8_t bytes[4] = {(uint8_t)(bits & 255), (uint8_t)(bits >> 8 & 255),
                              (uint8_t)(bits >> 16 & 255), (uint8_t)(bits >> 24)};
    sum = checksum(sum, bytes, 4);
  }
  return sum;
}

// section: save_values load_values
// What a slot holds, 64 bytes at a time; numbers have their lowest byte first, and what is left of a piece is zero:
//   the head: "FNSV", version, sequence number, steps, bytes of the description, floats, 0; 32 bytes that identify the
//     model; the checksum of the head so far
//   the description, in JSON: what was trained, and how
//   the floats: the trained weights, then what the optimiser remembers of each
//   the checksum of all pieces before
enum { PIECE_BYTES = 64, PIECE_FLOATS = 16 };
enum { AT_VERSION = 4, AT_SEQUENCE = 8, AT_STEPS = 12, AT_SIZES = 16, AT_CHECKSUM = 60 };

/// What is the same in all that a library saves.
typedef struct saved_form {
  const uint8_t *head;
  const uint8_t *description;
  uint32_t description_bytes, floats;
} saved_form;

static void put_word(uint8_t *at, uint32_t word) {
  for (int i = 0; i < 4; i++) at[i] = (uint8_t)(word >> 8 * i & 255);
}

static uint32_t word_at(const uint8_t *at) {
  return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint32_t pieces_of(uint32_t count, uint32_t size) { return count / size + (count % size != 0); }

/// Where the last piece is, which has the checksum.
static uint32_t saved_end(const saved_form *form) {
  return PIECE_BYTES * (1 + pieces_of(form->description_bytes, PIECE_BYTES) +
                        pieces_of(form->floats, PIECE_FLOATS));
}

/// Reads a slot from its start to its end, and says what is wrong with it; its head stays in `head`.
static int check_slot(const fixednet_storage *storage, const saved_form *form, int slot,
                      uint8_t head[PIECE_BYTES]) {
  if (storage->read(storage->context, slot, 0, head)) return FIXEDNET_STORAGE_FAILED;
  for (int i = 0; i < AT_VERSION; i++)
    if (head[i] != form->head[i]) return FIXEDNET_NOTHING_SAVED;
  if (word_at(head + AT_CHECKSUM) != checksum(0, head, AT_CHECKSUM)) return FIXEDNET_DAMAGED;
  if (word_at(head + AT_VERSION) != word_at(form->head + AT_VERSION)) return FIXEDNET_OTHER_VERSION;
  for (int i = AT_SIZES; i < AT_CHECKSUM; i++)
    if (head[i] != form->head[i]) return FIXEDNET_OTHER_MODEL;
  const uint32_t end = saved_end(form);
  uint32_t sum = checksum(0, head, PIECE_BYTES);
  uint8_t piece[PIECE_BYTES];
  for (uint32_t offset = PIECE_BYTES; offset <= end; offset += PIECE_BYTES) {
    if (storage->read(storage->context, slot, offset, piece)) return FIXEDNET_STORAGE_FAILED;
    if (offset < end) sum = checksum(sum, piece, PIECE_BYTES);
  }
  return word_at(piece) == sum ? FIXEDNET_OK : FIXEDNET_DAMAGED;
}

/// The slot with the newest weights of this model, whose head it reads, or -1; and what is wrong with each.
static int newest_slot(const fixednet_storage *storage, const saved_form *form,
                       uint8_t head[PIECE_BYTES], int problems[2]) {
  uint8_t other[PIECE_BYTES];
  problems[0] = check_slot(storage, form, 0, head);
  problems[1] = check_slot(storage, form, 1, other);
  if (problems[1] != FIXEDNET_OK) return problems[0] == FIXEDNET_OK ? 0 : -1;
  // Sequence numbers may have begun anew at 0: their distance counts.
  if (problems[0] == FIXEDNET_OK &&
      word_at(other + AT_SEQUENCE) - word_at(head + AT_SEQUENCE) - 1u >= 0x7fffffffu)
    return 0;
  memcpy(head, other, PIECE_BYTES);
  return 1;
}

static int write_piece(const fixednet_storage *storage, int slot, uint32_t *offset, uint32_t *sum,
                       const uint8_t piece[PIECE_BYTES]) {
  const int failed = storage->write(storage->context, slot, *offset, piece);
  *sum = checksum(*sum, piece, PIECE_BYTES);
  *offset += PIECE_BYTES;
  return failed;
}

/// Writes the slot that has not the newest weights: where neither has any, the one that has less wrong with it, as one that
/// cannot be read may still have some. values: floats in the order of the slot.
static int save_values(const fixednet_storage *storage, const saved_form *form, const void *values,
                       uint32_t steps) {
  uint8_t piece[PIECE_BYTES];
  int problems[2];
  const int newest = newest_slot(storage, form, piece, problems);
  const int slot = newest == 0 || (newest < 0 && problems[0] > problems[1]) ? 1 : 0;
  const uint32_t sequence = newest < 0 ? 1 : word_at(piece + AT_SEQUENCE) + 1;
  uint32_t offset = 0, sum = 0;
  if (storage->erase(storage->context, slot)) return FIXEDNET_STORAGE_FAILED;
  memcpy(piece, form->head, PIECE_BYTES);
  put_word(piece + AT_SEQUENCE, sequence);
  put_word(piece + AT_STEPS, steps);
  put_word(piece + AT_CHECKSUM, checksum(0, piece, AT_CHECKSUM));
  int failed = write_piece(storage, slot, &offset, &sum, piece);
  for (uint32_t i = 0; i < form->description_bytes && !failed; i += PIECE_BYTES) {
    for (uint32_t k = 0; k < PIECE_BYTES; k++)
      piece[k] = i + k < form->description_bytes ? form->description[i + k] : 0;
    failed = write_piece(storage, slot, &offset, &sum, piece);
  }
  const uint8_t *bytes = (const uint8_t *)values;
  for (uint32_t i = 0; i < form->floats && !failed; i += PIECE_FLOATS) {
    for (uint32_t k = 0; k < PIECE_FLOATS; k++) {
      float value = 0.0f;
      if (i + k < form->floats) memcpy(&value, bytes + 4 * (i + k), 4);
      put_word(piece + 4 * k, bits_of(value));
    }
    failed = write_piece(storage, slot, &offset, &sum, piece);
  }
  memset(piece, 0, PIECE_BYTES);
  put_word(piece, sum);
  if (failed || storage->write(storage->context, slot, offset, piece))
    return FIXEDNET_STORAGE_FAILED;
  return check_slot(storage, form, slot, piece) == FIXEDNET_OK ? FIXEDNET_OK : FIXEDNET_STORAGE_FAILED;
}

/// Reads the newest weights, of which nothing is taken over before they are known to be whole. Where the storage then reads
/// other bytes than before, the values are broken, and `is_broken` says so.
static int load_values(const fixednet_storage *storage, const saved_form *form, void *values,
                       uint32_t *steps, int *is_broken) {
  uint8_t piece[PIECE_BYTES];
  int problems[2];
  const int slot = newest_slot(storage, form, piece, problems);
  if (slot < 0) return problems[0] > problems[1] ? problems[0] : problems[1];
  *steps = word_at(piece + AT_STEPS);
  uint8_t *bytes = (uint8_t *)values;
  uint32_t sum = checksum(0, piece, PIECE_BYTES), taken = 0;
  const uint32_t end = saved_end(form);
  const uint32_t start = PIECE_BYTES * (1 + pieces_of(form->description_bytes, PIECE_BYTES));
  for (uint32_t offset = PIECE_BYTES; offset <= end; offset += PIECE_BYTES) {
    *is_broken = storage->read(storage->context, slot, offset, piece) != 0;
    if (*is_broken) return FIXEDNET_STORAGE_FAILED;
    if (offset == end) break;
    sum = checksum(sum, piece, PIECE_BYTES);
    if (offset < start) continue;
    for (uint32_t k = 0; k < PIECE_FLOATS && taken < form->floats; k++, taken++) {
      const float value = of_bits(word_at(piece + 4 * k));
      memcpy(bytes + 4 * taken, &value, 4);
    }
  }
  *is_broken = word_at(piece) != sum;
  return *is_broken ? FIXEDNET_STORAGE_FAILED : FIXEDNET_OK;
}

// section: fill_sample
/// A sample for the library's own test: multiples of 1/256 from 0 to below 1.
static void fill_sample(int32_t count, uint32_t state, float *values) {
  for (int32_t i = 0; i < count; i++) {
    state = state * 1664525u + 1013904223u;
    values[i] = (float)(state >> 24) * 0.00390625f;
  }
}
