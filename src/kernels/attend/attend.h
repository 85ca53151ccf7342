/* attend.h - few rows of queries with keys and values as they lie: scores, and the sum of values, without packing
 * SPDX-License-Identifier: Apache-2.0
 *
 *   dot:  s[r * s_step + j] = scale * (q_r . k_j)         q_r = q + r * q_step, k_j = k + j * k_step, d elements; the sum in 16 lanes (element t in lane
 *         t mod 16, one fma each) and a fixed tree; then the product with scale
 *   mix:  y[r * y_step + t] = sum over j ascending of p[r * p_step + j] v[j * v_step + t], one fma each from 0, t < e
 *
 * rows 1 to MOTE_ATTEND_ROWS. For a step of a language model: a row reads each key and value once, so that packing them (gemm) would cost more. */
#ifndef MOTE_KERNELS_ATTEND_ATTEND_H
#define MOTE_KERNELS_ATTEND_ATTEND_H

#include "kernels/kernel.h"
#include <stddef.h>

enum { MOTE_ATTEND_ROWS = 4 };

typedef void (*mote_attend_dot_fn)(const float *q, size_t q_step, size_t rows, const float *k, size_t k_step, size_t n, size_t d, float scale, float *s, size_t s_step);
typedef void (*mote_attend_mix_fn)(const float *p, size_t p_step, size_t rows, const float *v, size_t v_step, size_t n, size_t e, float *y, size_t y_step);

typedef struct mote_attend_row {
    const char *name;
    uint32_t isa;
    mote_attend_dot_fn dot;
    mote_attend_mix_fn mix;
} mote_attend_row;

const mote_attend_row *mote_attend_select(uint32_t cpu);
const mote_attend_row *mote_attend_rows(size_t *count);

#define ATTEND_ISA(isa)                                                                                                \
    void mote_attend_dot_f32_##isa(const float *q, size_t q_step, size_t rows, const float *k, size_t k_step, size_t n, size_t d, float scale, float *s, \
                                   size_t s_step);                                                                     \
    void mote_attend_mix_f32_##isa(const float *p, size_t p_step, size_t rows, const float *v, size_t v_step, size_t n, size_t e, float *y, size_t y_step);
ATTEND_ISA(avx512)
ATTEND_ISA(avx2)
ATTEND_ISA(neon)
ATTEND_ISA(ref)
#undef ATTEND_ISA

#endif
