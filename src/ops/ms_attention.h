/* ms_attention.h - the geometry of com.microsoft's attention operators, for evaluation and lowering
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_OPS_MS_ATTENTION_H
#define MOTE_OPS_MS_ATTENTION_H

#include "ops/attend.h"

/* The bias that a mask and attention_bias (each may be NULL) add to the scores. mask: keys [batch] from the left that count, [2 batch]: ends, then starts
 * (also the ends of [3 batch + 2]), flags [batch, keys] or [batch, l, keys]. *count: the floats that mote_ms_bias_fill makes; 0: there is none, or it is
 * attention_bias as it lies. `own`: attention_bias' own steps. */
mote_status mote_ms_bias_of(mote_attend *a, const mote_array *mask, const mote_array *bias, mote_attend *own, size_t *count, mote_diag *diag);
void mote_ms_bias_fill(const mote_attend *a, const mote_attend *own, const mote_array *mask, const float *bias, float filter, float *to);

/* MultiHeadAttention's inputs. */
enum { MOTE_MHA_Q, MOTE_MHA_K, MOTE_MHA_V, MOTE_MHA_BIAS, MOTE_MHA_MASK, MOTE_MHA_SCORE_BIAS, MOTE_MHA_PAST_K, MOTE_MHA_PAST_V, MOTE_MHA_PAST_LENGTH,
       MOTE_MHA_INDIRECTION, MOTE_MHA_INPUTS };

typedef struct mote_mha {
    mote_attend a; /* k, v: steps of what comes in; s counts the past rows */
    size_t past;
    bool packed_q, packed_k, four; /* query holds all; key holds both; keys and values of rank 4, without a bias */
} mote_mha;
/* From the attributes and shapes, the masks aside. */
mote_status mote_mha_of(const mote_node *n, const mote_array *const *in, uint32_t n_in, mote_mha *m, mote_diag *diag);

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
