// The constants of exp, tanh, log and the random numbers, shared by the vector kernels and the
// scalar reference.
//
// exp and log: S. L. Moshier, Cephes Mathematical Library, expf and logf.
// tanh: minimax rational x P(x^2) / Q(x^2) of degree 13/6 on [-8, 8], as in Eigen's ptanh.

#ifndef FIXEDNET_COEFFICIENTS_H
#define FIXEDNET_COEFFICIENTS_H

#define CS_EXP_LOW -104.5f  // exp(x) rounds to 0 below
#define CS_EXP_HIGH 89.0f   // exp(x) overflows above
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

// Philox 4x32: the multipliers and what the key words grow by in each round.
#define CS_PHILOX_M0 0xD2511F53u
#define CS_PHILOX_M1 0xCD9E8D57u
#define CS_PHILOX_W0 0x9E3779B9u
#define CS_PHILOX_W1 0xBB67AE85u

#endif
