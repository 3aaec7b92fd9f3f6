// Pooling. Cells outside of the image do not count.

// section: pooling
typedef struct pooling {
  int32_t channels, height, width;
  int32_t out_height, out_width;
  int32_t pool_height, pool_width;
  int32_t stride_height, stride_width;
  int32_t pad_top, pad_left;
} pooling;

// section: window
/// The cells of one output that lie in the image.
typedef struct window {
  int32_t first_row, end_row, first_column, end_column;
} window;

static window window_of(const pooling *s, int32_t oy, int32_t ox) {
  const int32_t top = oy * s->stride_height - s->pad_top;
  const int32_t left = ox * s->stride_width - s->pad_left;
  window v = {top, top + s->pool_height, left, left + s->pool_width};
  if (v.first_row < 0) v.first_row = 0;
  if (v.first_column < 0) v.first_column = 0;
  if (v.end_row > s->height) v.end_row = s->height;
  if (v.end_column > s->width) v.end_column = s->width;
  return v;
}

// section: share_of
/// 1 / number of the window's cells.
static float share_of(const window *v) {
  return 1.0f / (float)((v->end_row - v->first_row) * (v->end_column - v->first_column));
}

// section: average_pooling_forward
/// y = (sum of the window's cells) * (1 / count)
static void average_pooling_forward(const pooling *s, const float *x, float *y) {
  for (int32_t c = 0; c < s->channels; c++, x += s->height * s->width)
    for (int32_t oy = 0; oy < s->out_height; oy++)
      for (int32_t ox = 0; ox < s->out_width; ox++) {
        const window v = window_of(s, oy, ox);
        float sum = 0.0f;
        for (int32_t iy = v.first_row; iy < v.end_row; iy++)
          for (int32_t ix = v.first_column; ix < v.end_column; ix++) sum += x[iy * s->width + ix];
        *y++ = sum * share_of(&v);
      }
}

// section: average_pooling_backward
/// dx = sum of dy / count over the windows that hold the cell; overwritten.
static void average_pooling_backward(const pooling *s, const float *dy, float *dx) {
  const int32_t plane = s->height * s->width;
  for (int32_t c = 0; c < s->channels; c++, dx += plane) {
    for (int32_t i = 0; i < plane; i++) dx[i] = 0.0f;
    for (int32_t oy = 0; oy < s->out_height; oy++)
      for (int32_t ox = 0; ox < s->out_width; ox++) {
        const window v = window_of(s, oy, ox);
        const float part = *dy++ * share_of(&v);
        for (int32_t iy = v.first_row; iy < v.end_row; iy++)
          for (int32_t ix = v.first_column; ix < v.end_column; ix++) dx[iy * s->width + ix] += part;
      }
  }
}

// section: largest_cell
/// The window's first largest cell; its first NaN counts as the largest.
static int32_t largest_cell(const pooling *s, const float *x, int32_t oy, int32_t ox) {
  const window v = window_of(s, oy, ox);
  int32_t best = v.first_row * s->width + v.first_column;
  for (int32_t iy = v.first_row; iy < v.end_row; iy++)
    for (int32_t ix = v.first_column; ix < v.end_column; ix++) {
      const float cell = x[iy * s->width + ix], most = x[best];
      if (cell > most || (cell != cell && most == most)) best = iy * s->width + ix;
    }
  return best;
}

// section: max_pooling_forward
static void max_pooling_forward(const pooling *s, const float *x, float *y) {
  for (int32_t c = 0; c < s->channels; c++, x += s->height * s->width)
    for (int32_t oy = 0; oy < s->out_height; oy++)
      for (int32_t ox = 0; ox < s->out_width; ox++) *y++ = x[largest_cell(s, x, oy, ox)];
}

// section: max_pooling_backward
/// dx = sum of dy over the windows whose first largest cell it is; overwritten. x: the forward pass's input.
static void max_pooling_backward(const pooling *s, const float *x, const float *dy, float *dx) {
  const int32_t plane = s->height * s->width;
  for (int32_t c = 0; c < s->channels; c++, x += plane, dx += plane) {
    for (int32_t i = 0; i < plane; i++) dx[i] = 0.0f;
    for (int32_t oy = 0; oy < s->out_height; oy++)
      for (int32_t ox = 0; ox < s->out_width; ox++) dx[largest_cell(s, x, oy, ox)] += *dy++;
  }
}
