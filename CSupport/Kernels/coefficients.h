// The constants of exp, tanh, log and the random numbers, shared by the vector kernels and the
// scalar reference.
//
// exp and log: S. L. Moshier, Cephes Mathematical Library, expf and logf.
// tanh: minimax rational x P(x^2) / Q(x^2) of degree 13/6 on [-8, 8], as in Eigen's ptanh.

#ifndef FIXEDNET_COEFFICIENTS_H
#define FIXEDNET_COEFFICIENTS_H

#define CS_EXP_LOW -104.5f  // exp(x) rounds to 0 below
#define CS_EXP_HIGH 89.0f   // exp(x) overflows above
#define CS_EXP_MINUS_ONE_LOW -30.0f  // exp(x) - 1 rounds to -1 below
#define CS_LOG2_E 1.44269504088896341f
#define CS_LN2_HIGH 0.693359375f  // few bits: n * CS_LN2_HIGH is exact
#define CS_LN2_LOW -2.12194440e-4f
#define CS_ROUND_MAGIC 12582912.0f  // 1.5 * 2^23: adding it rounds a small number to an integer
#define CS_EXP_P0 1.9875691500e-4f
#define CS_EXP_P1 1.3981999507e-3f
#define CS_EXP_P2 8.3334519073e-3f
#define CS_EXP_P3 4.1665795894e-2f
#define CS_EXP_P4 1.6666665459e-1f
#define CS_EXP_P5 5.0000001201e-1f

#define CS_LOG_SQRT_HALF_BITS 0x3f3504f3u  // the bits of sqrt(1/2)
#define CS_LOG_P0 7.0376836292e-2f
#define CS_LOG_P1 -1.1514610310e-1f
#define CS_LOG_P2 1.1676998740e-1f
#define CS_LOG_P3 -1.2420140846e-1f
#define CS_LOG_P4 1.4249322787e-1f
#define CS_LOG_P5 -1.6668057665e-1f
#define CS_LOG_P6 2.0000714765e-1f
#define CS_LOG_P7 -2.4999993993e-1f
#define CS_LOG_P8 3.3333331174e-1f

#define CS_TANH_CLAMP 7.99881172180175781f  // the rational is exactly 1 here
// P and Q are scaled alike, so that x P(x^2) does not underflow before x does.
#define CS_TANH_P1 (256.0f * 4.89352455891786e-03f)
#define CS_TANH_P3 (256.0f * 6.37261928875436e-04f)
#define CS_TANH_P5 (256.0f * 1.48572235717979e-05f)
#define CS_TANH_P7 (256.0f * 5.12229709037114e-08f)
#define CS_TANH_P9 (256.0f * -8.60467152213735e-11f)
#define CS_TANH_P11 (256.0f * 2.00018790482477e-13f)
#define CS_TANH_P13 (256.0f * -2.76076847742355e-16f)
#define CS_TANH_Q0 (256.0f * 4.89352518554385e-03f)
#define CS_TANH_Q2 (256.0f * 2.26843463243900e-03f)
#define CS_TANH_Q4 (256.0f * 1.18534705686654e-04f)
#define CS_TANH_Q6 (256.0f * 1.19825839466702e-06f)

// The upper tail of the normal distribution, exp(-t^2 / 2) P((t - 4) / (t + 4)) / (t + 4) for 0 <= t <= CS_NORMAL_CLAMP:
// a least-maximum fit of (t + 4) exp(t^2 / 2) times the tail.
#define CS_NORMAL_CLAMP 14.5f  // the tail rounds to 0 here
#define CS_NORMAL_P0 -1.319717558e-04f
#define CS_NORMAL_P1 1.793543051e-04f
#define CS_NORMAL_P2 1.569923479e-03f
#define CS_NORMAL_P3 -3.512554104e-03f
#define CS_NORMAL_P4 -7.525271270e-03f
#define CS_NORMAL_P5 6.040383130e-02f
#define CS_NORMAL_P6 -1.865234375e-01f
#define CS_NORMAL_P7 3.871369064e-01f
#define CS_NORMAL_P8 -6.078965664e-01f
#define CS_NORMAL_P9 7.552851439e-01f
#define CS_NORMAL_DENSITY 0.398942280401432678f  // 1 / sqrt(2 pi)

// x - tanh(x) = x^3 P(x^2) for |x| < 1/2, a least-maximum fit.
#define CS_SHRINK_P0 -2.679714235e-03f
#define CS_SHRINK_P1 8.621812798e-03f
#define CS_SHRINK_P2 -2.183908038e-02f
#define CS_SHRINK_P3 5.396649987e-02f
#define CS_SHRINK_P4 -1.333332956e-01f
#define CS_SHRINK_P5 3.333333433e-01f

// GELU by tanh: 2 sqrt(2 / pi), and that times 0.044715.
#define CS_GELU_1 1.59576912160573071f
#define CS_GELU_3 7.13548162726002485e-02f
#define CS_GELU_CLAMP 100.0f  // the logistic function is 0 or 1 there

#define CS_SELU_SCALE 1.05070098735548049f
#define CS_SELU_ALPHA 1.67326324235437728f

// Philox 4x32: the multipliers and what the key words grow by in each round.
#define CS_PHILOX_M0 0xD2511F53u
#define CS_PHILOX_M1 0xCD9E8D57u
#define CS_PHILOX_W0 0x9E3779B9u
#define CS_PHILOX_W1 0xBB67AE85u

#endif
