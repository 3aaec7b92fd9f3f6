// Merges of two values a and b. a and the result are [channels][pixels]; b has as many of each, or 1, which then serves all.

// section: merge
typedef enum merge_kind {
  MERGE_ADD,
  MERGE_SUBTRACT,
  MERGE_SUBTRACT_FROM,
  MERGE_MULTIPLY,
  MERGE_MAXIMUM,
  MERGE_MINIMUM
} merge_kind;

typedef struct merge {
  merge_kind kind;
  int32_t channels, pixels, b_channels, b_pixels;
} merge;

/// Where b's number is that meets pixel p of channel c.
static int32_t place_in_b(const merge *m, int32_t c, int32_t p) {
  return (m->b_channels == 1 ? 0 : c) * m->b_pixels + (m->b_pixels == 1 ? 0 : p);
}

// section: merge_forward
static float merged(merge_kind kind, float a, float b) {
  switch (kind) {
    case MERGE_ADD: return a + b;
    case MERGE_SUBTRACT: return a - b;
    case MERGE_SUBTRACT_FROM: return b - a;
    case MERGE_MULTIPLY: return a * b;
    case MERGE_MAXIMUM: return a >= b || a != a ? a : b;
    case MERGE_MINIMUM: return a <= b || a != a ? a : b;
  }
  return a;
}

/// y = a merged with b; y may be a.
static void merge_forward(const merge *m, const float *a, const float *b, float *y) {
  for (int32_t c = 0; c < m->channels; c++)
    for (int32_t p = 0; p < m->pixels; p++, a++)
      *y++ = merged(m->kind, *a, b[place_in_b(m, c, p)]);
}

// section: merge_backward_a
/// da = dy, -dy or dy b; da may be dy.
static void merge_backward_a(const merge *m, const float *b, const float *dy, float *da) {
  for (int32_t c = 0; c < m->channels; c++)
    for (int32_t p = 0; p < m->pixels; p++, dy++) {
      float g = *dy;
      if (m->kind == MERGE_MULTIPLY) g = g * b[place_in_b(m, c, p)];
      *da++ = m->kind == MERGE_SUBTRACT_FROM ? -g : g;
    }
}

// section: merge_terms
/// The numbers of a that one of b serves, channel by channel. Where one pixel of b serves several numbers there are 16
/// chains and the lane tree, else one chain.
typedef struct merge_terms {
  int32_t first_channel, end_channel, first_pixel, end_pixel;
  int has_tree;
} merge_terms;

static merge_terms terms_of(const merge *m, int32_t c, int32_t p) {
  merge_terms t = {c, c + 1, p, p + 1, 0};
  if (m->b_channels == 1) {
    t.first_channel = 0;
    t.end_channel = m->channels;
  }
  if (m->b_pixels == 1) {
    t.first_pixel = 0;
    t.end_pixel = m->pixels;
  }
  const int32_t count = (t.end_channel - t.first_channel) * (t.end_pixel - t.first_pixel);
  t.has_tree = m->b_pixels == 1 && count > 1;
  return t;
}

static float *term_chain(const merge *m, const merge_terms *t, float chains[LANES], int32_t c,
                         int32_t p) {
  return &chains[t->has_tree ? (m->pixels == 1 ? c : p) % LANES : 0];
}

// section: merge_backward_b
/// db = sum of dy, -dy or dy a over what b's number serves; db may be dy where b has a's shape.
static void merge_backward_b(const merge *m, const float *a, const float *dy, float *db) {
  for (int32_t cb = 0; cb < m->b_channels; cb++)
    for (int32_t pb = 0; pb < m->b_pixels; pb++) {
      const merge_terms t = terms_of(m, cb, pb);
      float chains[LANES] = {0};
      for (int32_t c = t.first_channel; c < t.end_channel; c++)
        for (int32_t p = t.first_pixel; p < t.end_pixel; p++) {
          float *chain = term_chain(m, &t, chains, c, p);
          const float g = dy[c * m->pixels + p];
          if (m->kind == MERGE_MULTIPLY)
            *chain = fma1(g, a[c * m->pixels + p], *chain);
          else
            *chain = m->kind == MERGE_SUBTRACT ? *chain - g : *chain + g;
        }
      db[cb * m->b_pixels + pb] = t.has_tree ? lane_tree(chains) : chains[0];
    }
}

// section: merge_take
/// The gradient of maximum and minimum: what is left of dy goes to x where x is the result, and where it is the last.
static void merge_take(const merge *m, int is_last, const float *x, const float *y, float *rest,
                       float *dx) {
  for (int32_t cb = 0; cb < m->b_channels; cb++)
    for (int32_t pb = 0; pb < m->b_pixels; pb++) {
      const merge_terms t = terms_of(m, cb, pb);
      const float own = x[cb * m->b_pixels + pb];
      float chains[LANES] = {0};
      for (int32_t c = t.first_channel; c < t.end_channel; c++)
        for (int32_t p = t.first_pixel; p < t.end_pixel; p++) {
          const int32_t i = c * m->pixels + p;
          float *chain = term_chain(m, &t, chains, c, p);
          const int takes = is_last || own == y[i];
          *chain += takes ? rest[i] : 0.0f;
          if (takes) rest[i] = 0.0f;
        }
      dx[cb * m->b_pixels + pb] = t.has_tree ? lane_tree(chains) : chains[0];
    }
}
