/* ms_nbits.h - the weights of com.microsoft MatMulNBits, for evaluation and lowering
 * SPDX-License-Identifier: Apache-2.0
 *
 * Column n of the matrix, block b of its `block` rows: q bits each, low bits first, in bytes [n][b][blob]; w = (q - zero[n][b]) scale[n][b]. With g_idx, row k
 * belongs to block g_idx[k]. zero: packed q bits each, a row of bytes for each n; or numbers; absent: 2^(bits - 1). */
#ifndef MOTE_OPS_MS_NBITS_H
#define MOTE_OPS_MS_NBITS_H

#include "ops/wide.h"

enum { MOTE_NBITS_A, MOTE_NBITS_B, MOTE_NBITS_SCALES, MOTE_NBITS_ZERO, MOTE_NBITS_GROUP, MOTE_NBITS_BIAS, MOTE_NBITS_INPUTS };

typedef struct mote_nbits {
    size_t n, k, block, blocks, blob, bits;
    bool empty; /* no weights: Y is the bias */
} mote_nbits;

/* From the attributes, and the shapes of the inputs (in[i] NULL: absent), checked. */
mote_status mote_nbits_of(const mote_node *node, const mote_array *const *in, uint32_t n_in, mote_nbits *w, mote_diag *diag);
MOTE_INLINE unsigned mote_nbits_q(const mote_nbits *w, const uint8_t *b, size_t n, size_t k)
{
    const size_t in_block = k % w->block * w->bits;
    return (unsigned)b[(n * w->blocks + k / w->block) * w->blob + in_block / 8] >> (in_block % 8) & ((1u << w->bits) - 1u);
}
/* The zero point of block b of column n; zero NULL: absent. */
MOTE_INLINE float mote_nbits_zero(const mote_nbits *w, const mote_array *zero, size_t n, size_t b)
{
    if (zero == NULL)
        return (float)(1u << (w->bits - 1));
    if (zero->dtype != MOTE_DTYPE_U8)
        return (float)mote_array_f64(zero, n * w->blocks + b);
    const size_t row = (w->blocks * w->bits + 7) / 8, bit = b * w->bits;
    return (float)((unsigned)((const uint8_t *)zero->data)[n * row + bit / 8] >> (bit % 8) & ((1u << w->bits) - 1u));
}

#endif
