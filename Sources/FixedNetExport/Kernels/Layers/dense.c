// Dense layers. W is [inputs][outputs].

// section: dense_forward
/// `count` neighbouring outputs: fma chains from the bias over the inputs.
INLINE void dense_outputs(int32_t inputs, int32_t outputs, const float *x, const float *w,
                          const float *bias, float *y, int count) {
  float sum[8];
  UNROLL
  for (int j = 0; j < count; j++) sum[j] = bias ? bias[j] : 0.0f;
  for (const float *end = x + inputs; x < end; x++, w += outputs) {
    float v = *x;
    UNROLL
    for (int j = 0; j < count; j++) sum[j] = fma1(v, w[j], sum[j]);
  }
  UNROLL
  for (int j = 0; j < count; j++) y[j] = sum[j];
}

/// y = x W + b. bias may be NULL.
SHARED void dense_forward(int32_t inputs, int32_t outputs, const float *x, const float *w,
                          const float *bias, float *y) {
  int32_t rest = outputs;
  for (; rest >= 8; rest -= 8, w += 8, y += 8) {
    dense_outputs(inputs, outputs, x, w, bias, y, 8);
    if (bias) bias += 8;
  }
  for (; rest >= 4; rest -= 4, w += 4, y += 4) {
    dense_outputs(inputs, outputs, x, w, bias, y, 4);
    if (bias) bias += 4;
  }
  for (; rest > 0; rest--, w++, y++) {
    dense_outputs(inputs, outputs, x, w, bias, y, 1);
    if (bias) bias++;
  }
}

// section: dense_backward_input
/// dx[i] = sum_o dz[o] W[i][o]: output o belongs to chain o mod 16, with zeros up to a multiple of 16; then the lane tree.
SHARED void dense_backward_input(int32_t inputs, int32_t outputs, const float *dz, const float *w,
                                 float *dx) {
  const int32_t whole = outputs / LANES * LANES, rest = outputs - whole;
  for (int32_t i = 0; i < inputs; i++, w += outputs) {
    float s[LANES];
    UNROLL
    for (int l = 0; l < LANES; l++) s[l] = 0.0f;
    for (int32_t o = 0; o < whole; o += LANES) {
      UNROLL
      for (int l = 0; l < LANES; l++) s[l] = fma1(dz[o + l], w[o + l], s[l]);
    }
    if (rest) {
      UNROLL
      for (int l = 0; l < LANES; l++)
        s[l] = l < rest ? fma1(dz[whole + l], w[whole + l], s[l]) : s[l] + 0.0f;
    }
    dx[i] = lane_tree(s);
  }
}

// section: dense_backward_weights
/// Rows first ..< end of dW[i][o] = x[i] dz[o], written at dw; added to what dw holds where `accumulates`.
static void dense_backward_weights(int32_t first, int32_t end, int32_t outputs, const float *x,
                                   const float *dz, int accumulates, float *dw) {
  for (int32_t i = first; i < end; i++, dw += outputs) {
    float v = x[i];
    for (int32_t o = 0; o < outputs; o++) dw[o] = fma1(v, dz[o], accumulates ? dw[o] : 0.0f);
  }
}

// section: dense_backward_bias
static void dense_backward_bias(int32_t outputs, const float *dz, int accumulates, float *db) {
  for (int32_t o = 0; o < outputs; o++) db[o] = (accumulates ? db[o] : 0.0f) + dz[o];
}

// section: dense_sgd
/// W[i][o] = W[i][o] - rate dW[i][o], dW[i][o] = x[i] dz[o], in one go.
static void dense_sgd(int32_t inputs, int32_t outputs, float rate, const float *x, const float *dz,
                      float *w) {
  for (int32_t i = 0; i < inputs; i++, w += outputs) {
    float v = x[i];
    for (int32_t o = 0; o < outputs; o++) w[o] = fma1(-rate, fma1(v, dz[o], 0.0f), w[o]);
  }
}
