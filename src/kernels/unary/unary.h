/* unary.h - elementwise functions of one f32 operand
 * SPDX-License-Identifier: Apache-2.0
 *
 *     y[i] = f(x[i])    0 <= i < n; x and y may be the same array, and may not overlap otherwise; no alignment
 *
 * params: two floats where the function has parameters p0, p1 (else unused, may be NULL):
 *   abs neg sqrt floor ceil sign relu exp log tanh sigmoid erf softsign sin ... atanh   as their names say
 *   round     half to even          trunc   towards zero          rsqrt 1 / sqrt(x)      reciprocal 1 / x      square x x
 *   clip      min(p1, max(p0, x))                                  (ONNX Clip)
 *   leakyrelu x < 0 ? p0 x : x      thresholdedrelu x > p0 ? x : 0
 *   shrink    x < -p0 ? x + p1 : x > p0 ? x - p1 : 0
 *   linear    p0 x + p1, one fma
 *   hardsigmoid  max(0, min(1, p0 x + p1))                         hardswish  x max(0, min(1, x/6 + 1/2))
 *   softplus  log(1 + exp(x))       swish  x sigmoid(p0 x)         mish  x tanh(softplus(x))
 *   elu       p1 (x < 0 ? p0 (exp(x) - 1) : x): Elu with p1 = 1, Selu with p1 = gamma
 *   celu      x < 0 ? p0 (exp(x / p0) - 1) : x
 *   gelu      x/2 (1 + erf(x / sqrt 2))       gelu_tanh  x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
 *
 * Every row of a function gives the same bits. NaN goes to NaN (relu, clip and the rest included), -0 stays -0 where the function is odd or
 * the identity there, infinities give their limits, denormals are neither read nor written as zero. */
#ifndef MOTE_KERNELS_UNARY_UNARY_H
#define MOTE_KERNELS_UNARY_UNARY_H

#include "base/cpu.h"

typedef enum mote_unary {
#define UNARY(ID, id, n_params, ulp) MOTE_UNARY_##ID,
#define UNARY_SCALAR(ID, id, ulp) MOTE_UNARY_##ID,
#include "kernels/unary/unary_ops.inc"
#undef UNARY
#undef UNARY_SCALAR
    MOTE_UNARY_COUNT
} mote_unary;

typedef void (*mote_unary_fn)(const float *x, float *y, size_t n, const float *params);

typedef struct mote_unary_row {
    const char *name;
    uint32_t isa;      /* all of these features are needed */
    mote_unary op;
    int ulp;           /* largest error in units in the last place; 0 exact; -1 cancellation: 2 ULP of x */
    mote_unary_fn fn;
} mote_unary_row;

/* The best row for these features. Never NULL. */
const mote_unary_row *mote_unary_select(mote_unary op, uint32_t cpu);
/* All rows, best first for each function. */
const mote_unary_row *mote_unary_rows(size_t *count);

#define UNARY(ID, id, n_params, ulp)                                                                                   \
    void mote_unary_f32_f32_##id##_avx512(const float *x, float *y, size_t n, const float *params);                    \
    void mote_unary_f32_f32_##id##_avx2(const float *x, float *y, size_t n, const float *params);                      \
    void mote_unary_f32_f32_##id##_neon(const float *x, float *y, size_t n, const float *params);                      \
    void mote_unary_f32_f32_##id##_ref(const float *x, float *y, size_t n, const float *params);
#define UNARY_SCALAR(ID, id, ulp)                                                                                      \
    void mote_unary_f32_f32_##id##_ref(const float *x, float *y, size_t n, const float *params);
#include "kernels/unary/unary_ops.inc"
#undef UNARY
#undef UNARY_SCALAR

/* sin and cos of one number of any size, computed in double and rounded once. */
float mote_unary_sin_far(float x);
float mote_unary_cos_far(float x);

#endif
