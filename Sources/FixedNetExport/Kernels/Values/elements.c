// Functions of every number by itself, and what only moves numbers. In place unless said otherwise.

// section: affine
/// y = scale x + offset, rounded once.
static void affine(int32_t count, float scale, float offset, const float *x, float *y) {
  for (int32_t i = 0; i < count; i++) y[i] = fma1(x[i], scale, offset);
}

// section: add_scaled
/// y = y + factor x, rounded once.
static void add_scaled(int32_t count, float factor, const float *x, float *y) {
  for (int32_t i = 0; i < count; i++) y[i] = fma1(factor, x[i], y[i]);
}

// section: add_bias
/// y[channel][pixel] += b[channel]
static void add_bias(int32_t channels, int32_t pixels, const float *b, float *y) {
  for (int32_t c = 0; c < channels; c++)
    for (int32_t p = 0; p < pixels; p++) *y++ += b[c];
}

// section: sum_channels
/// sum[channel] = the pixels' values, added in order from 0.
static void sum_channels(int32_t channels, int32_t pixels, const float *x, float *sum) {
  for (int32_t c = 0; c < channels; c++) {
    float s = 0.0f;
    for (int32_t p = 0; p < pixels; p++) s += *x++;
    sum[c] = s;
  }
}

// section: rectified
/// x > threshold ? x : slope (x - threshold); no slope gives exactly 0, and a NaN stays.
static float rectified(float slope, float threshold, float x) {
  float low = slope != 0.0f ? slope * (x - threshold) : 0.0f;
  return x <= threshold ? low : x;
}

// section: rectifier_forward
/// y = min(rectified x, most)
static void rectifier_forward(int32_t count, float slope, float threshold, float most,
                              const float *x, float *y) {
  for (int32_t i = 0; i < count; i++) {
    float v = rectified(slope, threshold, x[i]);
    y[i] = v > most ? most : v;
  }
}

// section: rectifier_backward
static void rectifier_backward(int32_t count, float slope, float threshold, float most,
                               const float *x, const float *dy, float *dx) {
  for (int32_t i = 0; i < count; i++) {
    float v = rectified(slope, threshold, x[i]);
    float g = x[i] > threshold ? dy[i] : slope * dy[i];
    dx[i] = v >= most ? 0.0f : g;
  }
}

// section: philox
/// Four random words of a counter. Source: Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3",
/// SC 2011: Philox 4x32-10.
static void philox(uint32_t key0, uint32_t key1, uint32_t c[4]) {
  for (int round = 0; round < 10; round++) {
    uint64_t a = (uint64_t)c[0] * 0xD2511F53u, b = (uint64_t)c[2] * 0xCD9E8D57u;
    c[0] = (uint32_t)(b >> 32) ^ c[1] ^ key0;
    c[1] = (uint32_t)b;
    c[2] = (uint32_t)(a >> 32) ^ c[3] ^ key1;
    c[3] = (uint32_t)a;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
}

// section: dropout_mask
/// What decides which elements a dropout keeps: the element, the image's place in the mini-batch, the step and the layer.
typedef struct dropout_mask {
  uint32_t seed[2], stream, threshold;
  float scale;
} dropout_mask;

// section: dropout
/// y = x scale where the element is kept, else 0. The backward pass is the same call on the gradient.
static void dropout(int32_t count, const dropout_mask *mask, uint32_t image, uint32_t step,
                    const float *x, float *y) {
  uint32_t c[4] = {0, 0, 0, 0};
  for (int32_t i = 0; i < count; i++) {
    if (i % 4 == 0) {
      c[0] = (uint32_t)i / 4;
      c[1] = image;
      c[2] = step;
      c[3] = mask->stream;
      philox(mask->seed[0], mask->seed[1], c);
    }
    y[i] = c[i % 4] >= mask->threshold ? x[i] * mask->scale : 0.0f;
  }
}

// section: spatial_dropout
/// The same with one answer for all pixels of a channel.
static void spatial_dropout(int32_t channels, int32_t pixels, const dropout_mask *mask,
                            uint32_t image, uint32_t step, const float *x, float *y) {
  for (int32_t c = 0; c < channels; c++) {
    uint32_t words[4] = {(uint32_t)c / 4, image, step, mask->stream};
    philox(mask->seed[0], mask->seed[1], words);
    float factor = words[c % 4] >= mask->threshold ? 1.0f * mask->scale : 0.0f;
    for (int32_t p = 0; p < pixels; p++) *y++ = *x++ * factor;
  }
}

// section: dropout_backward
/// dx = y > 0 ? dy scale : 0, behind a rectifier, whose zeros have no gradient.
static void dropout_backward(int32_t count, float scale, const float *y, const float *dy,
                             float *dx) {
  for (int32_t i = 0; i < count; i++) dx[i] = y[i] > 0.0f ? dy[i] * scale : 0.0f;
}

// section: gather
/// y[i] = x[map[i]], or 0 where the map says -1. Not in place.
static void gather(int32_t count, const int32_t *map, const float *x, float *y) {
  for (int32_t i = 0; i < count; i++) y[i] = map[i] < 0 ? 0.0f : x[map[i]];
}

// section: gather_backward
/// dx = sum of dy over the elements that x went to, in their order. Not in place.
static void gather_backward(int32_t inputs, int32_t count, const int32_t *map, const float *dy,
                            float *dx) {
  for (int32_t i = 0; i < inputs; i++) dx[i] = 0.0f;
  for (int32_t i = 0; i < count; i++)
    if (map[i] >= 0) dx[map[i]] += dy[i];
}

// section: copy
/// y = x, which do not overlap.
static void copy(int32_t count, const float *x, float *y) {
  memcpy(y, x, (size_t)count * sizeof *y);
}

// section: channels_first
/// y[channel][pixel] = x[pixel][channel]. Not in place.
static void channels_first(int32_t channels, int32_t pixels, const float *x, float *y) {
  for (int32_t p = 0; p < pixels; p++)
    for (int32_t c = 0; c < channels; c++) y[c * pixels + p] = *x++;
}

// section: bytes_channels_first
/// The same from bytes, each divided by the divisor.
static void bytes_channels_first(int32_t channels, int32_t pixels, float divisor, const uint8_t *x,
                                 float *y) {
  for (int32_t p = 0; p < pixels; p++)
    for (int32_t c = 0; c < channels; c++) y[c * pixels + p] = (float)*x++ / divisor;
}

// section: channels_last
/// y[pixel][channel] = x[channel][pixel]. Not in place.
static void channels_last(int32_t channels, int32_t pixels, const float *x, float *y) {
  for (int32_t p = 0; p < pixels; p++)
    for (int32_t c = 0; c < channels; c++) *y++ = x[c * pixels + p];
}

// section: clip
/// x = min(max(x, -limit), limit)
static void clip(int32_t count, float limit, float *x) {
  for (int32_t i = 0; i < count; i++) {
    float v = x[i] > limit ? limit : x[i];
    x[i] = v < -limit ? -limit : v;
  }
}

// section: add_signs
/// y = y + factor sign(x)
static void add_signs(int32_t count, float factor, const float *x, float *y) {
  for (int32_t i = 0; i < count; i++) y[i] += x[i] > 0.0f ? factor : x[i] < 0.0f ? -factor : x[i];
}
