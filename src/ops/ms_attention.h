/* ms_attention.h - the geometry of com.microsoft's attention operators, for evaluation and lowering
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_OPS_MS_ATTENTION_H
#define MOTE_OPS_MS_ATTENTION_H

#include "ops/attend.h"

/* GroupQueryAttention's inputs. */
enum {
    MOTE_GQA_Q, MOTE_GQA_K, MOTE_GQA_V, MOTE_GQA_PAST_K, MOTE_GQA_PAST_V, MOTE_GQA_LENGTHS, MOTE_GQA_TOTAL, MOTE_GQA_COS, MOTE_GQA_SIN, MOTE_GQA_POSITIONS,
    MOTE_GQA_BIAS, MOTE_GQA_SINK, MOTE_GQA_K_SCALE, MOTE_GQA_V_SCALE, MOTE_GQA_Q_NORM, MOTE_GQA_K_NORM, MOTE_GQA_CHUNK, MOTE_GQA_INPUTS
};

typedef struct mote_gqa {
    mote_attend a;         /* s: rows of the caches given out; k, v: their steps */
    size_t new_q[3], new_k[3], new_v[3]; /* steps of the rows that come in, and where they begin in input 0 when all are packed there */
    size_t first_k, first_v;
    size_t past_rows;      /* of the caches that come in; 0: none */
    size_t half, cache_rows; /* of the rotary caches; half 0: no rotation */
    bool packed, interleaved;
} mote_gqa;

/* From the attributes and shapes; `total` is total_sequence_length. */
mote_status mote_gqa_of(const mote_node *n, const mote_array *const *in, uint32_t n_in, int64_t total, mote_gqa *g, mote_diag *diag);
/* Of batch b: `known` keys before the first row of the chunk, `rows` rows of it that count. */
mote_status mote_gqa_batch(const mote_gqa *g, const mote_array *const *in, uint32_t n_in, int64_t total, size_t b, int64_t *known, size_t *rows, mote_diag *diag);
/* The place in the rotary caches of row i. */
mote_status mote_gqa_position(const mote_gqa *g, const mote_array *positions, int64_t known, int64_t total, size_t b, size_t i, size_t *at, mote_diag *diag);

#endif
