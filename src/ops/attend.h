/* attend.h - what the attention operators share: heads, steps, masks, caches; the row-wise evaluation
 * SPDX-License-Identifier: Apache-2.0
 *
 * For each batch b, head h and query row i, with key-value head h / (heads / kv_heads):
 *   score[j] = scale q[i] k[j]; with softcap c > 0: c tanh(score / c); + bias[j]; -inf for keys that row i does not see
 *   y[i] = sum_j softmax(score)[j] v[j]; 0 for a row that sees no key (or only keys with a bias of -inf)
 * Row i stands at position p = i + offset[b]. It sees keys j < valid[b]; causal: j <= p; left >= 0: j >= p - left; right >= 0: j <= p + right. */
#ifndef MOTE_OPS_ATTEND_H
#define MOTE_OPS_ATTEND_H

#include "ops/wide.h"

typedef struct mote_attend {
    size_t batch, heads, kv_heads, l, s, d, e; /* l query rows, s keys; d elements in a key, e in a value */
    size_t q[3], k[3], v[3], y[3];             /* steps in elements: batch, head, row */
    float scale, softcap;                      /* softcap 0: none */
    bool causal;
    int64_t left, right;                       /* -1: no bound */
    bool bias, smooth;                         /* smooth: a further score of 0 without a value in each row's sum (softmax) */
    size_t bias_step[4], bias_s;               /* batch, head, row, key: 0 where broadcast; keys from bias_s on are not seen */
} mote_attend;

/* What a row's scores are at some stage, for operators that give them out: [batch, heads, l, s]. */
typedef enum mote_attend_stage { MOTE_ATTEND_PRODUCT, MOTE_ATTEND_CAPPED, MOTE_ATTEND_BIASED, MOTE_ATTEND_SOFTMAX } mote_attend_stage;

typedef struct mote_attend_data {
    const void *q, *k, *v, *bias; /* float, or double when is_f64 */
    void *y, *scores;             /* scores NULL: not wanted */
    mote_attend_stage stage;
    const int64_t *offset, *valid; /* one a batch */
    const float *sinks;           /* one a head: a further score without a value; NULL: none */
    mote_dtype round;             /* scores and probabilities are rounded to it; NONE: not */
} mote_attend_data;

/* Steps of rows of n in [batch, heads, rows, n], and in [batch, rows, heads n]. */
void mote_attend_steps_4d(size_t *step, size_t heads, size_t rows, size_t n);
void mote_attend_steps_3d(size_t *step, size_t heads, size_t rows, size_t n);
/* The steps of a bias of this shape, right-aligned to [batch, heads, l, s]. short_ok: its last dimension may be less than s. MOTE_E_SHAPE names it. */
mote_status mote_attend_bias(mote_attend *a, const mote_array *bias, bool short_ok, const char *name, mote_diag *diag);
/* The keys that row i of batch b sees: *lo <= j < *hi. */
MOTE_INLINE void mote_attend_range(const mote_attend *a, int64_t offset, int64_t valid, size_t i, size_t *lo, size_t *hi)
{
    const int64_t p = (int64_t)i + offset;
    int64_t from = a->left >= 0 && p > a->left ? p - a->left : 0, to = valid < (int64_t)a->s ? valid : (int64_t)a->s;
    if (a->bias && (int64_t)a->bias_s < to)
        to = (int64_t)a->bias_s;
    if (a->causal && p + 1 < to)
        to = p + 1;
    if (a->right >= 0 && a->right < to - p)
        to = p + a->right + 1 < to ? p + a->right + 1 : to;
    *hi = to > 0 ? (size_t)to : 0;
    *lo = from < to ? (size_t)from : *hi;
}
/* The whole of it, row by row. */
mote_status mote_attend_run(const mote_attend *a, const mote_attend_data *x, bool is_f64, mote_arena *temp, mote_diag *diag);

/* The three parts of it without cap, bias and range, for what changes the scores in between: x->scores. */
void mote_attend_products(const mote_attend *a, const mote_attend_data *x, bool is_f64);
void mote_attend_softmax(const mote_attend *a, const mote_attend_data *x, bool is_f64);
void mote_attend_values(const mote_attend *a, const mote_attend_data *x, bool is_f64);

/* to[batch, heads, rows, n] = past[batch, heads, n_past, n], then n_new rows of `now` (steps in elements), then what was there: bytes alone are moved.
 * past NULL: none, or it lies in `to` already. */
void mote_attend_join(void *to, const void *past, const void *now, const size_t *step, size_t batch, size_t heads, size_t rows, size_t n_past, size_t n_new,
                      size_t n, size_t element_bytes);
/* A mask as a bias of the wide type: bool becomes 0 and -inf, numbers themselves. */
const void *mote_attend_bias_values(mote_arena *temp, const mote_array *mask, bool is_f64);

#endif
