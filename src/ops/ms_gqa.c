/* ms_gqa.c - com.microsoft: GroupQueryAttention
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: onnxruntime's ContribOperators documentation, version 1.32; Ainslie et al., GQA, arXiv 2305.13245. Of batch b, T = seqlens_k[b] + 1 keys count
 * after the step; of the chunk's S rows the first Q = min(S, T) (query_seqlens[b] where given) stand at positions P = T - Q on; in the first prompt
 * (S = total_sequence_length) P is 0. Rows of the caches from T on are zero. Everything is computed in float and rounded once. */
#include "base/platform.h"
#include "ops/ms_attention.h"
#include "ops/rotary.h"
#include "ops/types.h"
#include <math.h>
#include <string.h>

#define T_MS (MOTE_DT(F32) | MOTE_DT(F16) | MOTE_DT(BF16))

static size_t size(int64_t d) { return (size_t)d; }
static bool has(const mote_array *const *in, uint32_t n_in, uint32_t i) { return i < n_in && in[i] != NULL; }

static mote_status attributes_of(const mote_node *n, int64_t *heads, int64_t *kv_heads, mote_diag *diag)
{
    *heads = mote_node_int(n, "num_heads", 0);
    *kv_heads = mote_node_int(n, "kv_num_heads", 0);
    MOTE_REQUIRE(*heads > 0 && *kv_heads > 0 && *heads % *kv_heads == 0, diag, MOTE_E_VALUE, "num_heads is %lld, expected a multiple of kv_num_heads, %lld",
                 (long long)*heads, (long long)*kv_heads);
    MOTE_REQUIRE(*heads < INT32_MAX && *kv_heads < INT32_MAX, diag, MOTE_E_VALUE, "num_heads is too large");
    const int64_t window = mote_node_int(n, "local_window_size", -1), qk = mote_node_int(n, "qk_output", 0);
    MOTE_REQUIRE(window == -1 || window > 0, diag, MOTE_E_VALUE, "local_window_size is %lld, expected -1, or 1 or more", (long long)window);
    MOTE_REQUIRE(qk >= 0 && qk <= 2, diag, MOTE_E_VALUE, "qk_output is %lld, expected 0 to 2", (long long)qk);
    MOTE_REQUIRE(mote_node_int(n, "causal", 1) != 0 || window == -1, diag, MOTE_E_VALUE, "local_window_size is %lld, expected -1 when causal is 0", (long long)window);
    MOTE_REQUIRE(mote_node_int(n, "sliding_window_cache", 0) == 0, diag, MOTE_E_UNSUPPORTED, "sliding_window_cache is not supported");
    return MOTE_OK;
}

static mote_status infer_gqa(mote_infer *c)
{
    const mote_type *q = c->in[MOTE_GQA_Q], *past = mote_infer_has(c, MOTE_GQA_PAST_K) ? c->in[MOTE_GQA_PAST_K] : NULL;
    const bool packed = !mote_infer_has(c, MOTE_GQA_K);
    int64_t heads, kv_heads;
    MOTE_TRY(attributes_of(c->node, &heads, &kv_heads, c->diag));
    for (uint32_t i = MOTE_GQA_K_SCALE; i <= MOTE_GQA_K_NORM; i++)
        MOTE_REQUIRE(!mote_infer_has(c, i), c->diag, MOTE_E_UNSUPPORTED, "input %u (%s) is not supported", i, i <= MOTE_GQA_V_SCALE ? "a quantized cache" : "a norm of Q and K");
    MOTE_REQUIRE(packed == !mote_infer_has(c, MOTE_GQA_V), c->diag, MOTE_E_MODEL, "one of key and value is there, expected both or none");
    MOTE_REQUIRE(mote_infer_has(c, MOTE_GQA_PAST_K) == mote_infer_has(c, MOTE_GQA_PAST_V), c->diag, MOTE_E_MODEL,
                 "one of past_key and past_value is there, expected both or none");
    MOTE_REQUIRE(mote_node_int(c->node, "do_rotary", 0) == 0 || (mote_infer_has(c, MOTE_GQA_COS) && mote_infer_has(c, MOTE_GQA_SIN)), c->diag, MOTE_E_MODEL,
                 "do_rotary without cos_cache and sin_cache");
    MOTE_REQUIRE(!mote_infer_has(c, MOTE_GQA_CHUNK) || (past != NULL && mote_node_int(c->node, "causal", 1) != 0), c->diag, MOTE_E_MODEL,
                 "query_seqlens without past_key, or with causal 0");
    int64_t y[3] = {MOTE_DIM_UNKNOWN, MOTE_DIM_UNKNOWN, MOTE_DIM_UNKNOWN}, d = MOTE_DIM_UNKNOWN, rows = MOTE_DIM_UNKNOWN;
    if (q->rank >= 0) {
        MOTE_REQUIRE(q->rank == 3, c->diag, MOTE_E_SHAPE, "query has rank %d, expected 3", q->rank);
        const int64_t all = packed ? heads + 2 * kv_heads : heads;
        MOTE_REQUIRE(!mote_dim_known(q->dims[2]) || q->dims[2] % all == 0, c->diag, MOTE_E_SHAPE, "query has rows of %lld, expected a multiple of %lld heads",
                     (long long)q->dims[2], (long long)all);
        y[0] = q->dims[0];
        y[1] = q->dims[1];
        if (mote_dim_known(q->dims[2])) {
            d = q->dims[2] / all;
            y[2] = d * heads;
        }
    }
    for (uint32_t i = MOTE_GQA_K; i <= MOTE_GQA_V && !packed; i++) {
        const mote_type *t = c->in[i];
        MOTE_REQUIRE(t->rank < 0 || (t->rank == 3 && mote_dim_may_equal(t->dims[0], y[0]) && mote_dim_may_equal(t->dims[1], y[1]) &&
                                     (!mote_dim_known(t->dims[2]) || (t->dims[2] % kv_heads == 0 && mote_dim_may_equal(t->dims[2] / kv_heads, d)))),
                     c->diag, MOTE_E_SHAPE, "%s has another shape than [batch, rows, %lld heads of %lld]", i == MOTE_GQA_K ? "key" : "value", (long long)kv_heads,
                     (long long)d);
    }
    for (uint32_t i = MOTE_GQA_PAST_K; i <= MOTE_GQA_PAST_V && past != NULL; i++) {
        const mote_type *t = c->in[i];
        MOTE_REQUIRE(t->rank < 0 || (t->rank == 4 && mote_dim_may_equal(t->dims[0], y[0]) && mote_dim_may_equal(t->dims[1], kv_heads) && mote_dim_may_equal(t->dims[3], d) &&
                                     (past->rank < 0 || mote_dim_may_equal(t->dims[2], past->dims[2]))),
                     c->diag, MOTE_E_SHAPE, "%s has another shape than [batch, %lld, rows, %lld]", i == MOTE_GQA_PAST_K ? "past_key" : "past_value", (long long)kv_heads,
                     (long long)d);
    }
    const mote_array *total = mote_infer_value(c, MOTE_GQA_TOTAL);
    int64_t keys = MOTE_DIM_UNKNOWN;
    if (total != NULL)
        MOTE_TRY(mote_arg_int(total, "total_sequence_length", c->diag, &keys));
    if (total != NULL && (past == NULL || (past->rank == 4 && mote_dim_known(past->dims[2])))) {
        rows = keys;
        MOTE_REQUIRE(rows > 0, c->diag, MOTE_E_VALUE, "total_sequence_length is %lld, expected 1 or more", (long long)rows);
        rows = past != NULL && past->dims[2] > rows ? past->dims[2] : rows;
    }
    const int64_t cache[4] = {y[0], kv_heads, rows, d};
    const mote_dtype kept = past != NULL ? past->dtype : q->dtype;
    mote_infer_out(c, 0, q->dtype, 3, y);
    mote_infer_out(c, 1, kept, 4, cache);
    mote_infer_out(c, 2, kept, 4, cache);
    const int64_t scores[4] = {y[0], heads, y[1], keys > 0 ? keys : MOTE_DIM_UNKNOWN};
    mote_infer_out(c, 3, q->dtype, 4, scores);
    return MOTE_OK;
}

mote_status mote_gqa_of(const mote_node *n, const mote_array *const *in, uint32_t n_in, int64_t total, mote_gqa *g, mote_diag *diag)
{
    const mote_array *q = in[MOTE_GQA_Q], *past = has(in, n_in, MOTE_GQA_PAST_K) ? in[MOTE_GQA_PAST_K] : NULL;
    int64_t heads, kv_heads;
    MOTE_TRY(attributes_of(n, &heads, &kv_heads, diag));
    *g = (mote_gqa){.packed = !has(in, n_in, MOTE_GQA_K), .interleaved = mote_node_int(n, "rotary_interleaved", 0) != 0};
    mote_attend *a = &g->a;
    const int64_t all = g->packed ? heads + 2 * kv_heads : heads, window = mote_node_int(n, "local_window_size", -1);
    MOTE_REQUIRE(q->rank == 3 && q->dims[2] % all == 0, diag, MOTE_E_SHAPE, "query does not divide into %lld heads", (long long)all);
    *a = (mote_attend){.batch = size(q->dims[0]), .heads = size(heads), .kv_heads = size(kv_heads), .l = size(q->dims[1]), .d = size(q->dims[2] / all),
                       .softcap = mote_node_float(n, "softcap", 0.0f), .causal = mote_node_int(n, "causal", 1) != 0, .left = window > 0 ? window - 1 : -1, .right = -1,
                       .smooth = mote_node_int(n, "smooth_softmax", -1) == 1};
    a->e = a->d;
    a->scale = mote_node_float(n, "scale", 0.0f);
    if (a->scale == 0.0f)
        a->scale = (float)(1.0 / sqrt((double)a->d));
    for (uint32_t i = MOTE_GQA_K; i <= MOTE_GQA_V && !g->packed; i++)
        MOTE_REQUIRE(has(in, n_in, i) && in[i]->rank == 3 && in[i]->dims[0] == q->dims[0] && in[i]->dims[1] == q->dims[1] && size(in[i]->dims[2]) == a->kv_heads * a->d, diag,
                     MOTE_E_SHAPE, "%s has another shape than [%zu, %zu, %zu]", i == MOTE_GQA_K ? "key" : "value", a->batch, a->l, a->kv_heads * a->d);
    MOTE_REQUIRE(total > 0, diag, MOTE_E_VALUE, "total_sequence_length is %lld, expected 1 or more", (long long)total);
    a->s = size(total);
    if (past != NULL) {
        for (uint32_t i = MOTE_GQA_PAST_K; i <= MOTE_GQA_PAST_V; i++)
            MOTE_REQUIRE(in[i]->rank == 4 && in[i]->dims[0] == q->dims[0] && in[i]->dims[1] == kv_heads && in[i]->dims[2] == past->dims[2] && size(in[i]->dims[3]) == a->d &&
                             in[i]->dtype == past->dtype,
                         diag, MOTE_E_SHAPE, "a past has another shape than [%zu, %zu, rows, %zu]", a->batch, a->kv_heads, a->d);
        g->past_rows = size(past->dims[2]);
        a->s = g->past_rows > a->s ? g->past_rows : a->s;
    }
    const size_t width = size(q->dims[2]), kv_width = g->packed ? width : a->kv_heads * a->d;
    const size_t q_step[3] = {a->l * width, a->d, width}, k_step[3] = {a->l * kv_width, a->d, kv_width};
    memcpy(g->new_q, q_step, sizeof g->new_q);
    memcpy(g->new_k, k_step, sizeof g->new_k);
    memcpy(g->new_v, k_step, sizeof g->new_v);
    g->first_k = g->packed ? a->heads * a->d : 0;
    g->first_v = g->packed ? (a->heads + a->kv_heads) * a->d : 0;
    mote_attend_steps_3d(a->q, a->heads, a->l, a->d);
    mote_attend_steps_3d(a->y, a->heads, a->l, a->d);
    mote_attend_steps_4d(a->k, a->kv_heads, a->s, a->d);
    mote_attend_steps_4d(a->v, a->kv_heads, a->s, a->d);
    if (mote_node_int(n, "do_rotary", 0) != 0) {
        const mote_array *cosine = in[MOTE_GQA_COS], *sine = in[MOTE_GQA_SIN];
        MOTE_REQUIRE(cosine->rank == 2 && mote_array_same_shape(cosine, sine) && cosine->dims[1] > 0 && size(cosine->dims[1]) <= a->d / 2, diag, MOTE_E_SHAPE,
                     "the rotary caches have another shape than [rows, at most %zu]", a->d / 2);
        g->half = size(cosine->dims[1]);
        g->cache_rows = size(cosine->dims[0]);
    }
    if (has(in, n_in, MOTE_GQA_BIAS)) {
        const size_t s = a->s;
        a->s = size(total); /* its last dimension is that of the keys that count */
        MOTE_TRY(mote_attend_bias(a, in[MOTE_GQA_BIAS], false, "attention_bias", diag));
        a->bias_s = a->s;
        a->s = s;
    }
    MOTE_REQUIRE(!has(in, n_in, MOTE_GQA_SINK) || mote_array_count(in[MOTE_GQA_SINK]) == a->heads, diag, MOTE_E_SHAPE, "head_sink has another shape than [%zu]", a->heads);
    MOTE_REQUIRE(mote_array_count(in[MOTE_GQA_LENGTHS]) == a->batch, diag, MOTE_E_SHAPE, "seqlens_k has %zu values, expected %zu", mote_array_count(in[MOTE_GQA_LENGTHS]),
                 a->batch);
    MOTE_REQUIRE(!has(in, n_in, MOTE_GQA_CHUNK) || mote_array_count(in[MOTE_GQA_CHUNK]) == a->batch, diag, MOTE_E_SHAPE, "query_seqlens has another shape than [%zu]",
                 a->batch);
    if (has(in, n_in, MOTE_GQA_POSITIONS) && g->half != 0) {
        const size_t count = mote_array_count(in[MOTE_GQA_POSITIONS]);
        MOTE_REQUIRE(count == a->batch * a->l || count == 1, diag, MOTE_E_SHAPE, "position_ids has %zu values, expected %zu", count, a->batch * a->l);
    }
    return MOTE_OK;
}

mote_status mote_gqa_batch(const mote_gqa *g, const mote_array *const *in, uint32_t n_in, int64_t total, size_t b, int64_t *known, size_t *rows, mote_diag *diag)
{
    const int64_t keys = mote_array_i64(in[MOTE_GQA_LENGTHS], b) + 1, l = (int64_t)g->a.l;
    *known = 0;
    *rows = 0;
    MOTE_REQUIRE(keys >= 1 && keys <= total, diag, MOTE_E_VALUE, "seqlens_k has %lld, expected 0 to %lld", (long long)keys - 1, (long long)total - 1);
    if (has(in, n_in, MOTE_GQA_CHUNK)) {
        const int64_t valid = mote_array_i64(in[MOTE_GQA_CHUNK], b);
        MOTE_REQUIRE(valid >= 0 && valid <= l && valid <= keys, diag, MOTE_E_VALUE, "query_seqlens has %lld, expected 0 to %lld", (long long)valid,
                     (long long)(l < keys ? l : keys));
        *rows = size(valid);
    } else {
        *rows = size(l < keys ? l : keys);
    }
    *known = keys - (int64_t)*rows;
    MOTE_REQUIRE(size(*known) <= g->past_rows, diag, MOTE_E_VALUE, "seqlens_k has %lld: %lld keys before the chunk, of which past_key has %zu", (long long)keys - 1,
                 (long long)*known, g->past_rows);
    return MOTE_OK;
}

mote_status mote_gqa_position(const mote_gqa *g, const mote_array *positions, int64_t known, int64_t total, size_t b, size_t i, size_t *at, mote_diag *diag)
{
    (void)total;
    int64_t p = known + (int64_t)i;
    if (positions != NULL && mote_array_count(positions) == g->a.batch * g->a.l)
        p = mote_array_i64(positions, b * g->a.l + i);
    *at = 0;
    MOTE_REQUIRE(p >= 0 && size(p) < g->cache_rows, diag, MOTE_E_VALUE, "position %lld, expected 0 to %lld as the rotary caches have", (long long)p,
                 (long long)g->cache_rows - 1);
    *at = size(p);
    return MOTE_OK;
}

/* rows of the chunk behind those of the past: made[kv_heads, s, d] of one batch */
static void append(const mote_gqa *g, const mote_array *past, size_t b, size_t known, size_t rows, const float *now, const size_t *step, float *made)
{
    const size_t d = g->a.d, s = g->a.s;
    memset(made, 0, g->a.kv_heads * s * d * sizeof *made);
    for (size_t h = 0; h < g->a.kv_heads && d != 0; h++) {
        if (known != 0)
            mote_elements_load(past->dtype, past->data, (b * g->a.kv_heads + h) * g->past_rows * d, 1, known * d, made + h * s * d);
        for (size_t i = 0; i < rows; i++)
            memcpy(made + (h * s + known + i) * d, now + h * step[1] + i * step[2], d * sizeof *made);
    }
}

static mote_status rotate(const mote_gqa *g, const mote_array *positions, int64_t known, int64_t total, size_t b, size_t heads, size_t rows, float *x, size_t row_step,
                          const float *cosine, const float *sine, mote_diag *diag)
{
    for (size_t i = 0; i < rows; i++) {
        size_t at;
        MOTE_TRY(mote_gqa_position(g, positions, known, total, b, i, &at, diag));
        for (size_t h = 0; h < heads; h++)
            mote_rotate(x + i * row_step + h * g->a.d, x + i * row_step + h * g->a.d, cosine + at * g->half, sine + at * g->half, g->half, g->interleaved);
    }
    return MOTE_OK;
}

static mote_status eval_gqa_temp(mote_eval *c, mote_arena *temp)
{
    mote_gqa g;
    int64_t total;
    MOTE_TRY(mote_arg_int(c->in[MOTE_GQA_TOTAL], "total_sequence_length", c->diag, &total));
    MOTE_TRY(mote_gqa_of(c->node, c->in, c->n_in, total, &g, c->diag));
    const mote_attend *a = &g.a;
    const mote_array *past[2] = {g.past_rows != 0 ? c->in[MOTE_GQA_PAST_K] : NULL, g.past_rows != 0 ? c->in[MOTE_GQA_PAST_V] : NULL};
    const mote_array *positions = mote_eval_has(c, MOTE_GQA_POSITIONS) ? c->in[MOTE_GQA_POSITIONS] : NULL;
    const mote_dtype kept = mote_eval_has(c, MOTE_GQA_PAST_K) ? c->in[MOTE_GQA_PAST_K]->dtype : c->in[0]->dtype;
    const int64_t cache[4] = {(int64_t)a->batch, (int64_t)a->kv_heads, (int64_t)a->s, (int64_t)a->d}, scores_dims[4] = {cache[0], (int64_t)a->heads, (int64_t)a->l, total};
    const int stage = (int)mote_node_int(c->node, "qk_output", 0);
    for (uint32_t i = 1; i < c->n_out && i < 4; i++)
        if (c->out[i] != NULL)
            MOTE_TRY(mote_eval_out(c, i, i == 3 ? c->in[0]->dtype : kept, 4, i == 3 ? scores_dims : cache));
    mote_array *scores = c->n_out > 3 ? c->out[3] : NULL;
    size_t count;
    MOTE_REQUIRE(mote_size_mul(a->batch * a->kv_heads * a->s, a->d, &count), c->diag, MOTE_E_SHAPE, "the caches are too large");
    const float *in[3], *cosine = NULL, *sine = NULL, *sinks = NULL, *bias = NULL;
    for (uint32_t i = 0; i < 3; i++) {
        in[i] = g.packed && i > 0 ? in[0] + (i == 1 ? g.first_k : g.first_v) : mote_widen_f32(temp, c->in[i]);
        if (in[i] == NULL)
            return MOTE_NO_MEMORY(c->diag, c->in[i]->bytes);
    }
    if (g.half != 0) {
        cosine = mote_widen_f32(temp, c->in[MOTE_GQA_COS]);
        sine = mote_widen_f32(temp, c->in[MOTE_GQA_SIN]);
    }
    if (mote_eval_has(c, MOTE_GQA_SINK))
        sinks = mote_widen_f32(temp, c->in[MOTE_GQA_SINK]);
    if (a->bias)
        bias = mote_widen_f32(temp, c->in[MOTE_GQA_BIAS]);
    const size_t per_batch = a->kv_heads * a->s * a->d, q_count = a->l * a->heads * a->d, score_count = a->heads * a->l * a->s;
    float *q = mote_temp(temp, q_count + 1, sizeof *q, c->diag), *y = mote_temp(temp, q_count + 1, sizeof *y, c->diag);
    float *kv = mote_temp(temp, 2 * per_batch + 1, sizeof *kv, c->diag), *rotated = mote_temp(temp, a->l * a->kv_heads * a->d + 1, sizeof *rotated, c->diag);
    float *kept_scores = scores != NULL ? mote_temp(temp, score_count + 1, sizeof *kept_scores, c->diag) : NULL;
    if (q == NULL || y == NULL || kv == NULL || rotated == NULL || (g.half != 0 && (cosine == NULL || sine == NULL)) || (a->bias && bias == NULL) ||
        (mote_eval_has(c, MOTE_GQA_SINK) && sinks == NULL) || (scores != NULL && kept_scores == NULL))
        return MOTE_NO_MEMORY(c->diag, count);
    for (size_t b = 0; b < a->batch && a->d != 0; b++) {
        int64_t known, valid;
        size_t rows;
        MOTE_TRY(mote_gqa_batch(&g, c->in, c->n_in, total, b, &known, &rows, c->diag));
        const size_t q_width = a->heads * a->d, k_width = a->kv_heads * a->d;
        for (size_t i = 0; i < a->l; i++)
            memcpy(q + i * q_width, in[0] + b * g.new_q[0] + i * g.new_q[2], q_width * sizeof *q);
        for (size_t i = 0; i < rows; i++)
            memcpy(rotated + i * k_width, in[1] + b * g.new_k[0] + i * g.new_k[2], k_width * sizeof *q);
        if (g.half != 0) {
            MOTE_TRY(rotate(&g, positions, known, total, b, a->heads, rows, q, q_width, cosine, sine, c->diag));
            MOTE_TRY(rotate(&g, positions, known, total, b, a->kv_heads, rows, rotated, k_width, cosine, sine, c->diag));
        }
        const size_t step[3] = {0, a->d, k_width};
        append(&g, past[0], b, size(known), rows, rotated, step, kv);
        append(&g, past[1], b, size(known), rows, in[2] + b * g.new_v[0], g.new_v, kv + per_batch);
        for (uint32_t i = 0; i < 2; i++)
            if (i + 1 < c->n_out && c->out[i + 1] != NULL && per_batch != 0)
                mote_elements_store(kept, c->out[i + 1]->data, b * per_batch, per_batch, kv + i * per_batch);
        mote_attend one = *a;
        one.batch = 1;
        valid = known + (int64_t)rows;
        const mote_attend_data x = {.q = q, .k = kv, .v = kv + per_batch, .bias = bias != NULL ? bias + b * a->bias_step[0] : NULL, .y = y, .scores = kept_scores,
                                    .stage = stage == 2 ? MOTE_ATTEND_SOFTMAX : MOTE_ATTEND_BIASED, .offset = &known, .valid = &valid, .sinks = sinks};
        MOTE_TRY(mote_attend_run(&one, &x, false, temp, c->diag));
        if (c->out[0] != NULL && q_count != 0)
            mote_elements_store(c->out[0]->dtype, c->out[0]->data, b * q_count, q_count, y);
        for (size_t i = 0; scores != NULL && stage != 2 && i < score_count; i++) /* keys that a row does not see */
            kept_scores[i] = kept_scores[i] == -INFINITY ? 0.0f : kept_scores[i];
        for (size_t r = 0; scores != NULL && r < a->heads * a->l; r++)
            mote_elements_store(scores->dtype, scores->data, (b * a->heads * a->l + r) * size(total), size(total), kept_scores + r * a->s);
    }
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_gqa)

MOTE_OP(ms, GroupQueryAttention, 1,
        .in = "query:T key?:T value?:T past_key?:C past_value?:C seqlens_k:M total_sequence_length:M cos_cache?:T sin_cache?:T position_ids?:int64 attention_bias?:T "
              "head_sink?:T k_scale?:float v_scale?:float q_norm_weight?:T k_norm_weight?:T query_seqlens?:M",
        .out = "output:T present_key?:C present_value?:C output_qk?:T", .types = MOTE_TYPES({"T", T_MS, 0}, {"C", T_MS, 0}, {"M", MOTE_DT(S32), 0}),
        .attrs = MOTE_ATTRS(MOTE_A_INT("causal", 1), MOTE_A_INT("do_rotary", 0), MOTE_A(FLOAT, "k_norm_epsilon"), MOTE_A_STRING("k_quant_type", "NONE"),
                  MOTE_A(INT, "kv_cache_bit_width"), MOTE_A_REQUIRED(INT, "kv_num_heads"), MOTE_A_INT("local_window_size", -1), MOTE_A_REQUIRED(INT, "num_heads"),
                  MOTE_A(FLOAT, "q_norm_epsilon"), MOTE_A_FLOAT("qk_norm_epsilon", 1e-6f), MOTE_A_INT("qk_output", 0), MOTE_A_INT("rotary_interleaved", 0),
                  MOTE_A(FLOAT, "scale"), MOTE_A_INT("sliding_window_cache", 0), MOTE_A_INT("smooth_softmax", -1), MOTE_A(FLOAT, "softcap"),
                  MOTE_A_STRING("v_quant_type", "NONE")),
        .infer = infer_gqa, .eval = eval_gqa, .doc = MOTE_DOC("softmax(scale Q K' + mask) V, several heads of Q with one of K and V, rotated and cached"));
