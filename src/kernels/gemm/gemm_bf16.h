/* gemm_bf16.h - the products of gemm.h with both operands rounded to bfloat16 and sums in f32
 * SPDX-License-Identifier: Apache-2.0
 *
 * Only where a model is asked for this precision and the CPU has the arithmetic. a and c stay f32 in memory: a block's rows of a are rounded once, to the
 * nearest even, into scratch; b is packed so. Check class BOUND: the order of a sum is the hardware's, denormals count as zeros:
 *
 *     |c - exact| <= (k + 4) 2^-23 (|bias| + sum |a| |b|) + |c| 2^-22, of the rounded a and b, and 2^-100 k
 *
 * A row is a mote_gemm_f32_row with hooks. Packed b: panels as gemm.h has them, where after the bias one row of w pairs, k even below, stands for each two
 * terms of a run; a run is what a tap's channels are (or a whole kernel row, when that is read as one tap), filled up to an even number. More than
 * sixteen pairs are filled up to a multiple of that: no term may be multiplied twice, not by 0 either, since it may be infinite. So column n0 begins at
 * n0 (1 + depth) floats, depth = mote_gemm_bf16_depth. */
#ifndef MOTE_KERNELS_GEMM_GEMM_BF16_H
#define MOTE_KERNELS_GEMM_GEMM_BF16_H

#include "kernels/gemm/gemm.h"

/* NULL: this CPU has no such arithmetic, no row takes so many taps, or b is so small that rounding a costs what the arithmetic gains. */
const mote_gemm_f32_row *mote_gemm_bf16_select(uint32_t cpu, size_t taps, size_t kc, size_t n);
const mote_gemm_f32_row *mote_gemm_bf16_rows(size_t *count);

/* Pairs of a column: what k is for the panels of gemm.h. kc: of a tap as the kernel reads it. */
MOTE_INLINE size_t mote_gemm_bf16_depth(size_t taps, size_t kc)
{
    const size_t pairs = taps * mote_div_up(kc, 2);
    return pairs <= 16 ? pairs : mote_div_up(pairs, 16) * 16;
}
/* As mote_gemm_f32_pack; run: terms that a tap has for the kernel, a multiple of s->kc or a divisor of it that divides s->taps * s->kc. */
void mote_gemm_bf16_pack(size_t nr, const mote_gemm_f32_source *s, size_t run, float *dst, size_t p0, size_t p1);

/* Rows m0..m1, panels p0..p1: what mote_gemm_f32_block does for rows with hooks. */
void mote_gemm_bf16_block(const mote_gemm_f32_op *op, size_t m0, size_t m1, size_t p0, size_t p1);

/* What such a row needs besides fn: between begin and end, on one thread, any number of gather, which rounds the rows of one tile for fn, and fn. */
struct mote_gemm_f32_hooks {
    size_t gathered_32; /* bytes that gather writes, 64-byte aligned, for each 32 terms (runs filled up) */
    void (*begin)(size_t taps, size_t kc);
    void (*end)(void);
    void (*gather)(const mote_gemm_f32_tile *t, void *dst);
};
extern const struct mote_gemm_f32_hooks mote_gemm_bf16_amx_hooks;
void mote_gemm_f32_bf16_f32_32x48_amx(const mote_gemm_f32_tile *t);

#endif
