/* nbits.h - weights of 4 or 8 bits in blocks with a scale and a zero point: unpacking, and the product with one row
 * SPDX-License-Identifier: Apache-2.0
 *
 *   w[k][n] = (q[k][n] - zero[k / block][n]) * scale[k / block][n], each step rounded to f32
 *   unpack: y[(k - k0) * step + n] = w[k][n], k0 <= k < k1, n < 16 of one group          gemv: y[n] = bias[n] + sum over k ascending of x[k] w[k][n], one fma each
 *
 * Columns stand in groups of 16, a group's bytes behind each other: 4 bits, pairs of rows in 16 bytes, the even row in the low half; 8 bits, a row in 16
 * bytes. k is even in memory (a row of zeros is added); scale and zero are [blocks][16] a group. block is even. */
#ifndef MOTE_KERNELS_NBITS_NBITS_H
#define MOTE_KERNELS_NBITS_NBITS_H

#include "base/size.h"
#include "kernels/kernel.h"

enum { MOTE_NBITS_GEMV = 4 }; /* groups that gemv takes together at most */

typedef struct mote_nbits_groups {
    const uint8_t *q;
    const float *scale, *zero; /* zero NULL: `middle` everywhere */
    float middle;
    size_t k, block;
    size_t q_step, param_step; /* from one group to the next: bytes, floats */
} mote_nbits_groups;

typedef void (*mote_nbits_unpack_fn)(const mote_nbits_groups *g, size_t k0, size_t k1, float *y, size_t step); /* k0 a multiple of block */
typedef void (*mote_nbits_gemv_fn)(const mote_nbits_groups *g, size_t groups, const float *x, const float *bias, float *y); /* bias, y: 16 a group */

typedef struct mote_nbits_row {
    const char *name;
    uint32_t isa;
    uint8_t bits;
    mote_nbits_unpack_fn unpack;
    mote_nbits_gemv_fn gemv;
} mote_nbits_row;

const mote_nbits_row *mote_nbits_select(unsigned bits, uint32_t cpu);
const mote_nbits_row *mote_nbits_rows(size_t *count);

/* Bytes of a group. */
MOTE_INLINE size_t mote_nbits_group_bytes(unsigned bits, size_t k) { return (k + 1) / 2 * (bits == 4 ? 16 : 32); }
MOTE_INLINE void mote_nbits_set(unsigned bits, uint8_t *group, size_t k, size_t n, unsigned q)
{
    if (bits == 4)
        group[k / 2 * 16 + n] |= (uint8_t)(q << (k % 2 * 4));
    else
        group[k * 16 + n] = (uint8_t)q;
}

#define NBITS_ISA(isa)                                                                                                 \
    void mote_nbits_unpack_u4_f32_##isa(const mote_nbits_groups *g, size_t k0, size_t k1, float *y, size_t step);      \
    void mote_nbits_unpack_u8_f32_##isa(const mote_nbits_groups *g, size_t k0, size_t k1, float *y, size_t step);      \
    void mote_nbits_gemv_f32_u4_f32_##isa(const mote_nbits_groups *g, size_t groups, const float *x, const float *bias, float *y); \
    void mote_nbits_gemv_f32_u8_f32_##isa(const mote_nbits_groups *g, size_t groups, const float *x, const float *bias, float *y);
NBITS_ISA(avx512)
NBITS_ISA(avx2)
NBITS_ISA(neon)
NBITS_ISA(ref)
#undef NBITS_ISA

#endif
