/* ms_attention.c - com.microsoft: Attention, MultiHeadAttention
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: onnxruntime's ContribOperators documentation, version 1.32. A masked key's score gets mask_filter_value, a finite number: a row whose keys are
 * all masked is the mean that its scores give. Everything is computed in float and rounded once. */
#include "base/platform.h"
#include "ops/ms_attention.h"
#include "ops/types.h"
#include <math.h>
#include <string.h>

#define T_MS (MOTE_DT(F32) | MOTE_DT(F16) | MOTE_DT(BF16))

static size_t size(int64_t d) { return (size_t)d; }

static mote_status refuse(const mote_infer *c, uint32_t i, const char *name)
{
    MOTE_REQUIRE(!mote_infer_has(c, i), c->diag, MOTE_E_UNSUPPORTED, "%s is not supported", name);
    return MOTE_OK;
}

static mote_status heads_of(const mote_node *n, int64_t *heads, mote_diag *diag)
{
    *heads = mote_node_int(n, "num_heads", 0);
    MOTE_REQUIRE(*heads > 0, diag, MOTE_E_VALUE, "num_heads is %lld, expected 1 or more", (long long)*heads);
    return MOTE_OK;
}

mote_status mote_ms_bias_of(mote_attend *a, const mote_array *mask, const mote_array *bias, mote_attend *own, size_t *count, mote_diag *diag)
{
    *own = *a;
    *count = 0;
    if (bias != NULL)
        MOTE_TRY(mote_attend_bias(own, bias, false, "attention_bias", diag));
    if (mask == NULL) {
        *a = *own;
        return MOTE_OK;
    }
    const size_t n = mote_array_count(mask), b = a->batch, s = a->s;
    const bool rows = mask->rank == 3;
    MOTE_REQUIRE(mask->rank == 1 ? n == b || n == 2 * b || n == 3 * b + 2
                                 : mask->rank >= 2 && mask->rank <= 3 && size(mask->dims[0]) == b && size(mask->dims[mask->rank - 1]) == s && (!rows || size(mask->dims[1]) == a->l),
                 diag, MOTE_E_SHAPE, "the mask has %zu values and rank %d, which fit no form of it", n, mask->rank);
    const size_t heads = bias != NULL && own->bias_step[1] != 0 ? a->heads : 1, l = rows || (bias != NULL && own->bias_step[2] != 0) ? a->l : 1;
    MOTE_REQUIRE(mote_size_mul(b * heads, l, count) && mote_size_mul(*count, s, count), diag, MOTE_E_SHAPE, "the mask is too large");
    a->bias = true;
    a->bias_s = s;
    a->bias_step[0] = heads * l * s;
    a->bias_step[1] = heads == 1 ? 0 : l * s;
    a->bias_step[2] = l == 1 ? 0 : s;
    a->bias_step[3] = 1;
    return MOTE_OK;
}

void mote_ms_bias_fill(const mote_attend *a, const mote_attend *own, const mote_array *mask, const float *bias, float filter, float *to)
{
    const size_t n = mote_array_count(mask), b = a->batch, s = a->s, l = a->bias_step[2] != 0 ? a->l : 1, heads = a->bias_step[1] != 0 ? a->heads : 1;
    const bool flags = mask->rank >= 2, rows = mask->rank == 3;
    const int32_t *m = mask->data;
    for (size_t i = 0; i < b; i++) {
        const int64_t end = flags ? 0 : m[i], start = !flags && n == 2 * b ? m[b + i] : 0;
        for (size_t h = 0; h < heads; h++)
            for (size_t r = 0; r < l; r++, to += s) {
                for (size_t k = 0; k < s; k++)
                    to[k] = (flags ? m[(rows ? i * a->l + r : i) * s + k] > 0 : (int64_t)k < end && (int64_t)k >= start) ? 0.0f : filter;
                const float *add = bias != NULL ? bias + i * own->bias_step[0] + h * own->bias_step[1] + r * own->bias_step[2] : NULL;
                for (size_t k = 0; add != NULL && k < s; k++)
                    to[k] += add[k * own->bias_step[3]];
            }
    }
}

static mote_status make_bias(mote_eval *c, mote_arena *temp, mote_attend *a, const mote_array *mask, const mote_array *bias, const float **out)
{
    mote_attend own;
    size_t count;
    MOTE_TRY(mote_ms_bias_of(a, mask, bias, &own, &count, c->diag));
    const float *add = bias != NULL ? mote_widen_f32(temp, bias) : NULL;
    *out = add;
    if (bias != NULL && add == NULL)
        return MOTE_NO_MEMORY(c->diag, bias->bytes);
    if (mask == NULL)
        return MOTE_OK;
    float *to = mote_temp(temp, count + 1, sizeof *to, c->diag);
    if (to == NULL)
        return MOTE_E_MEMORY;
    mote_ms_bias_fill(a, &own, mask, add, mote_node_float(c->node, "mask_filter_value", -10000.0f), to);
    *out = to;
    return MOTE_OK;
}

/* The keys or values (floats, steps) behind the past ones, in `made`; present: NULL, or gets a copy, `first` elements from its start. */
static mote_status join(mote_eval *c, mote_arena *temp, const mote_attend *a, const float *now, size_t *step, size_t n, const mote_array *past, size_t past_first,
                        size_t n_past, mote_array *present, size_t first, const float **out)
{
    const size_t heads = a->kv_heads, count = a->batch * heads * a->s * n, was = a->batch * heads * n_past * n;
    *out = now;
    if (n_past == 0 && present == NULL)
        return MOTE_OK;
    float *made = mote_temp(temp, count + 1, sizeof *made, c->diag), *old = n_past != 0 ? mote_temp(temp, was + 1, sizeof *old, c->diag) : NULL;
    if (made == NULL || (n_past != 0 && old == NULL))
        return MOTE_E_MEMORY;
    if (n_past != 0 && was != 0)
        mote_elements_load(past->dtype, past->data, past_first, 1, was, old);
    mote_attend_join(made, old, now, step, a->batch, heads, a->s, n_past, a->s - n_past, n, sizeof *made);
    mote_attend_steps_4d(step, heads, a->s, n);
    if (present != NULL && count != 0)
        mote_elements_store(present->dtype, present->data, first, count, made);
    *out = made;
    return MOTE_OK;
}

static mote_status finish(mote_eval *c, mote_arena *temp, const mote_attend *a, mote_attend_data *x, size_t past, mote_array *scores)
{
    int64_t *offset = mote_temp(temp, 2 * a->batch + 1, sizeof *offset, c->diag);
    size_t count;
    MOTE_REQUIRE(mote_size_mul(a->batch * a->l, a->heads * a->e, &count), c->diag, MOTE_E_SHAPE, "the output is too large");
    x->y = mote_temp(temp, count + 1, sizeof(float), c->diag);
    x->scores = scores != NULL ? mote_temp(temp, mote_array_count(scores) + 1, sizeof(float), c->diag) : NULL;
    if (offset == NULL || x->y == NULL || (scores != NULL && x->scores == NULL))
        return MOTE_E_MEMORY;
    for (size_t b = 0; b < a->batch; b++) {
        offset[b] = (int64_t)past;
        offset[a->batch + b] = (int64_t)a->s;
    }
    x->offset = offset;
    x->valid = offset + a->batch;
    MOTE_TRY(mote_attend_run(a, x, false, temp, c->diag));
    if (c->out[0] != NULL && count != 0)
        mote_elements_store(c->out[0]->dtype, c->out[0]->data, 0, count, x->y);
    if (scores != NULL && mote_array_count(scores) != 0)
        mote_elements_store(scores->dtype, scores->data, 0, mote_array_count(scores), x->scores);
    return MOTE_OK;
}

/* ---- MultiHeadAttention ---- */

enum { QUERY, KEY, VALUE, BIAS, MASK, SCORE_BIAS, PAST_K, PAST_V, PAST_LENGTH, INDIRECTION }; /* ms_attention.h has them with their prefix */

/* What the shapes say; sizes unknown where they are. */
typedef struct mha_shapes {
    int64_t batch, l, s, d, e, past; /* s: rows of key; past: rows before them */
    bool packed_q, packed_k, four;   /* query holds all; key holds both; keys and values of rank 4 */
} mha_shapes;

static int64_t over(int64_t n, int64_t by) { return mote_dim_known(n) ? n / by : MOTE_DIM_UNKNOWN; }

static mote_status mha_shapes_of(const mote_node *n, const mote_type *const *t, mha_shapes *s, mote_diag *diag)
{
    int64_t heads;
    const mote_type *q = t[QUERY], *k = t[KEY], *v = t[VALUE];
    MOTE_TRY(heads_of(n, &heads, diag));
    *s = (mha_shapes){MOTE_DIM_UNKNOWN, MOTE_DIM_UNKNOWN, MOTE_DIM_UNKNOWN, MOTE_DIM_UNKNOWN, MOTE_DIM_UNKNOWN, 0, false, false, false};
    for (int i = 0; i < 3; i++)
        MOTE_REQUIRE(t[i] == NULL || t[i]->rank < 0 || (t[i]->rank >= 3 && t[i]->rank <= 5), diag, MOTE_E_SHAPE, "input %d has rank %d, expected 3 to 5", i, t[i]->rank);
    if (q->rank >= 0) {
        s->batch = q->dims[0];
        s->l = q->dims[1];
        s->packed_q = q->rank == 5;
        MOTE_REQUIRE(q->rank != 4, diag, MOTE_E_SHAPE, "query has rank 4, expected 3 or 5");
        if (q->rank == 3) {
            MOTE_REQUIRE(!mote_dim_known(q->dims[2]) || q->dims[2] % heads == 0, diag, MOTE_E_SHAPE, "query has rows of %lld, expected a multiple of %lld heads",
                         (long long)q->dims[2], (long long)heads);
            s->d = over(q->dims[2], heads);
        } else {
            MOTE_REQUIRE(mote_dim_may_equal(q->dims[2], heads) && mote_dim_may_equal(q->dims[3], 3) && k == NULL && v == NULL, diag, MOTE_E_SHAPE,
                         "query has rank 5, expected [batch, rows, %lld, 3, size] without key and value", (long long)heads);
            s->d = s->e = q->dims[4];
            s->s = s->l;
        }
    }
    MOTE_REQUIRE(k != NULL || q->rank != 3, diag, MOTE_E_MODEL, "key is missing");
    if (k != NULL && k->rank >= 0) {
        s->packed_k = k->rank == 5;
        s->four = k->rank == 4;
        MOTE_REQUIRE(mote_dim_may_equal(k->dims[0], s->batch), diag, MOTE_E_SHAPE, "key has a batch of %lld, query of %lld", (long long)k->dims[0], (long long)s->batch);
        MOTE_REQUIRE(k->rank == 3 || mote_dim_may_equal(k->dims[k->rank == 4 ? 1 : 2], heads), diag, MOTE_E_SHAPE, "key has another number of heads than %lld",
                     (long long)heads);
        MOTE_REQUIRE(k->rank != 5 || (mote_dim_may_equal(k->dims[3], 2) && v == NULL), diag, MOTE_E_SHAPE,
                     "key has rank 5, expected [batch, rows, %lld, 2, size] without value", (long long)heads);
        MOTE_REQUIRE(k->rank == 5 || v != NULL, diag, MOTE_E_MODEL, "value is missing");
        MOTE_REQUIRE(k->rank != 3 || !mote_dim_known(k->dims[2]) || k->dims[2] % heads == 0, diag, MOTE_E_SHAPE, "key has rows of %lld, expected a multiple of %lld heads",
                     (long long)k->dims[2], (long long)heads);
        const int64_t d = k->rank == 3 ? over(k->dims[2], heads) : k->dims[k->rank - 1];
        MOTE_REQUIRE(mote_dim_may_equal(d, s->d), diag, MOTE_E_SHAPE, "key has heads of %lld, query of %lld", (long long)d, (long long)s->d);
        s->d = mote_dim_known(s->d) ? s->d : d;
        s->s = k->dims[k->rank == 4 ? 2 : 1];
        if (k->rank == 5)
            s->e = d;
    }
    if (v != NULL && v->rank >= 0) {
        MOTE_REQUIRE(v->rank != 5 && (k == NULL || k->rank < 0 || v->rank == k->rank), diag, MOTE_E_SHAPE, "value has rank %d, expected that of key", v->rank);
        const int64_t rows = v->dims[v->rank == 4 ? 2 : 1];
        MOTE_REQUIRE(mote_dim_may_equal(v->dims[0], s->batch) && mote_dim_may_equal(rows, s->s), diag, MOTE_E_SHAPE, "value has %lld rows, key %lld", (long long)rows,
                     (long long)s->s);
        MOTE_REQUIRE(v->rank == 3 ? !mote_dim_known(v->dims[2]) || v->dims[2] % heads == 0 : mote_dim_may_equal(v->dims[1], heads), diag, MOTE_E_SHAPE,
                     "value does not divide into %lld heads", (long long)heads);
        s->e = v->rank == 3 ? over(v->dims[2], heads) : v->dims[3];
        s->s = mote_dim_known(s->s) ? s->s : rows;
    }
    MOTE_REQUIRE((t[PAST_K] == NULL) == (t[PAST_V] == NULL), diag, MOTE_E_MODEL, "one of past_key and past_value is there, expected both or none");
    MOTE_REQUIRE(t[PAST_K] == NULL || !s->four, diag, MOTE_E_MODEL, "past_key is not taken with a key of rank 4");
    for (int i = PAST_K; t[PAST_K] != NULL && i <= PAST_V; i++) {
        const mote_type *p = t[i];
        const int64_t n_own = i == PAST_K ? s->d : s->e;
        MOTE_REQUIRE(p->rank < 0 || (p->rank == 4 && mote_dim_may_equal(p->dims[0], s->batch) && mote_dim_may_equal(p->dims[1], heads) &&
                                     mote_dim_may_equal(p->dims[3], n_own) && (i == PAST_K || t[PAST_K]->rank < 0 || mote_dim_may_equal(p->dims[2], t[PAST_K]->dims[2]))),
                     diag, MOTE_E_SHAPE, "%s has another shape than [batch, %lld, rows, %lld]", i == PAST_K ? "past_key" : "past_value", (long long)heads,
                     (long long)n_own);
        if (i == PAST_K)
            s->past = p->rank < 0 ? MOTE_DIM_UNKNOWN : p->dims[2];
    }
    if (t[BIAS] != NULL && t[BIAS]->rank >= 0) {
        int64_t want = MOTE_DIM_UNKNOWN;
        if (mote_dim_known(s->d) && mote_dim_known(s->e))
            MOTE_REQUIRE(mote_i64_mul(heads, 2 * s->d + s->e, &want), diag, MOTE_E_SHAPE, "the heads are too large");
        MOTE_REQUIRE(t[BIAS]->rank == 1 && mote_dim_may_equal(t[BIAS]->dims[0], want), diag, MOTE_E_SHAPE, "bias has %lld values, expected %lld",
                     t[BIAS]->rank == 1 ? (long long)t[BIAS]->dims[0] : -1LL, (long long)want);
    }
    return MOTE_OK;
}

static mote_status infer_mha(mote_infer *c)
{
    const mote_type *t[INDIRECTION + 1] = {NULL};
    mha_shapes s;
    int64_t heads, total = MOTE_DIM_UNKNOWN;
    for (uint32_t i = 0; i <= INDIRECTION && i < c->n_in; i++)
        t[i] = c->in[i];
    MOTE_TRY(refuse(c, PAST_LENGTH, "past_sequence_length (a shared buffer)"));
    MOTE_TRY(refuse(c, INDIRECTION, "cache_indirection"));
    MOTE_TRY(mha_shapes_of(c->node, t, &s, c->diag));
    MOTE_TRY(heads_of(c->node, &heads, c->diag));
    if (t[PAST_K] == NULL)
        total = s.s;
    else if (mote_dim_known(s.s) && mote_dim_known(s.past))
        MOTE_REQUIRE(mote_i64_add(s.s, s.past, &total), c->diag, MOTE_E_SHAPE, "the rows of key and past_key overflow");
    int64_t y[3] = {s.batch, s.l, MOTE_DIM_UNKNOWN};
    if (mote_dim_known(s.e))
        MOTE_REQUIRE(mote_i64_mul(heads, s.e, &y[2]), c->diag, MOTE_E_SHAPE, "the rows of output overflow");
    const int64_t k[4] = {s.batch, heads, total, s.d}, v[4] = {s.batch, heads, total, s.e}, scores[4] = {s.batch, heads, s.l, total};
    mote_infer_out(c, 0, t[QUERY]->dtype, 3, y);
    mote_infer_out(c, 1, t[QUERY]->dtype, 4, k);
    mote_infer_out(c, 2, t[QUERY]->dtype, 4, v);
    mote_infer_out(c, 3, t[QUERY]->dtype, 4, scores);
    return MOTE_OK;
}

/* Floats of input i with a bias added to each row of n, b; the rows are in order [.., n]. */
static mote_status with_bias(mote_eval *c, mote_arena *temp, const mote_array *x, const float *b, size_t n, const float **out)
{
    const float *from = mote_widen_f32(temp, x);
    const size_t count = mote_array_count(x);
    *out = from;
    if (from == NULL)
        return MOTE_NO_MEMORY(c->diag, x->bytes);
    if (b == NULL || count == 0)
        return MOTE_OK;
    float *to = mote_temp(temp, count, sizeof *to, c->diag);
    if (to == NULL)
        return MOTE_E_MEMORY;
    for (size_t i = 0; i < count; i += n)
        for (size_t k = 0; k < n; k++)
            to[i + k] = from[i + k] + b[k];
    *out = to;
    return MOTE_OK;
}

mote_status mote_mha_of(const mote_node *n, const mote_array *const *in, uint32_t n_in, mote_mha *m, mote_diag *diag)
{
    mote_type types[INDIRECTION + 1];
    const mote_type *t[INDIRECTION + 1] = {NULL};
    mha_shapes s;
    for (uint32_t i = 0; i <= INDIRECTION && i < n_in; i++) {
        if (in[i] == NULL)
            continue;
        types[i] = (mote_type){.dtype = in[i]->dtype, .rank = in[i]->rank};
        memcpy(types[i].dims, in[i]->dims, sizeof types[i].dims);
        t[i] = &types[i];
    }
    MOTE_TRY(mha_shapes_of(n, t, &s, diag));
    const size_t heads = size(mote_node_int(n, "num_heads", 1));
    *m = (mote_mha){.past = size(s.past), .packed_q = s.packed_q, .packed_k = s.packed_k, .four = s.four};
    mote_attend *a = &m->a;
    *a = (mote_attend){.batch = size(s.batch), .heads = heads, .kv_heads = heads, .l = size(s.l), .s = size(s.s) + m->past, .d = size(s.d), .e = size(s.e),
                       .causal = mote_node_int(n, "unidirectional", 0) != 0, .left = -1, .right = -1};
    a->scale = mote_node_float(n, "scale", 0.0f);
    if (a->scale == 0.0f)
        a->scale = (float)(1.0 / sqrt((double)a->d));
    void (*steps)(size_t *, size_t, size_t, size_t) = s.four ? mote_attend_steps_4d : mote_attend_steps_3d;
    mote_attend_steps_3d(a->q, heads, a->l, a->d);
    mote_attend_steps_3d(a->y, heads, a->l, a->e);
    steps(a->k, heads, a->s - m->past, a->d);
    steps(a->v, heads, a->s - m->past, a->e);
    return MOTE_OK;
}

static mote_status eval_mha_temp(mote_eval *c, mote_arena *temp)
{
    mote_mha m;
    MOTE_TRY(mote_mha_of(c->node, c->in, c->n_in, &m, c->diag));
    mote_attend a = m.a;
    const size_t heads = a.heads, past = m.past;
    mote_attend_data x = {.stage = MOTE_ATTEND_BIASED};
    const float *bias = mote_eval_has(c, BIAS) ? mote_widen_f32(temp, c->in[BIAS]) : NULL, *q, *k, *v;
    if (mote_eval_has(c, BIAS) && bias == NULL)
        return MOTE_NO_MEMORY(c->diag, 0);
    if (m.packed_q || m.packed_k) { /* [.., heads, parts, d]: all of one size; the bias is that of each part's rows */
        const size_t parts = m.packed_q ? 3 : 2, rows = a.s - past;
        const mote_array *p = c->in[m.packed_q ? QUERY : KEY];
        const float *from = mote_widen_f32(temp, p);
        float *split = mote_temp(temp, mote_array_count(p) + 1, sizeof *split, c->diag);
        if (from == NULL || split == NULL)
            return MOTE_NO_MEMORY(c->diag, p->bytes);
        const size_t each = a.batch * rows * heads * a.d;
        for (size_t r = 0; r < a.batch * rows * heads; r++)
            for (size_t i = 0; i < parts; i++) {
                const size_t part = i + 3 - parts;
                for (size_t d = 0; d < a.d; d++)
                    split[i * each + r * a.d + d] = from[(r * parts + i) * a.d + d] + (bias != NULL ? bias[(part * heads + r % heads) * a.d + d] : 0.0f);
            }
        v = split + (parts - 1) * each;
        k = split + (parts - 2) * each;
        q = split;
        if (!m.packed_q)
            MOTE_TRY(with_bias(c, temp, c->in[QUERY], bias, heads * a.d, &q));
    } else {
        const bool plain = m.four; /* keys and values of rank 4 come from a cache: no bias */
        MOTE_TRY(with_bias(c, temp, c->in[QUERY], bias, heads * a.d, &q));
        MOTE_TRY(with_bias(c, temp, c->in[KEY], bias != NULL && !plain ? bias + heads * a.d : NULL, heads * a.d, &k));
        MOTE_TRY(with_bias(c, temp, c->in[VALUE], bias != NULL && !plain ? bias + 2 * heads * a.d : NULL, heads * a.e, &v));
    }
    x.q = q;
    MOTE_TRY(join(c, temp, &a, k, a.k, a.d, past != 0 ? c->in[PAST_K] : NULL, 0, past, c->n_out > 1 ? c->out[1] : NULL, 0, &k));
    MOTE_TRY(join(c, temp, &a, v, a.v, a.e, past != 0 ? c->in[PAST_V] : NULL, 0, past, c->n_out > 2 ? c->out[2] : NULL, 0, &v));
    x.k = k;
    x.v = v;
    const float *score_bias;
    MOTE_TRY(make_bias(c, temp, &a, mote_eval_has(c, MASK) ? c->in[MASK] : NULL, mote_eval_has(c, SCORE_BIAS) ? c->in[SCORE_BIAS] : NULL, &score_bias));
    x.bias = score_bias;
    return finish(c, temp, &a, &x, past, c->n_out > 3 ? c->out[3] : NULL);
}
MOTE_EVAL_TEMP(eval_mha)

MOTE_OP(ms, MultiHeadAttention, 1,
        .in = "query:T key?:T value?:T bias?:T key_padding_mask?:M attention_bias?:T past_key?:T past_value?:T past_sequence_length?:M cache_indirection?:M",
        .out = "output:T present_key?:T present_value?:T qk?:QK", .types = MOTE_TYPES({"T", T_MS, 0}, {"QK", T_MS, 0}, {"M", MOTE_DT(S32), 0}),
        .attrs = MOTE_ATTRS(MOTE_A_FLOAT("mask_filter_value", -10000.0f), MOTE_A_REQUIRED(INT, "num_heads"), MOTE_A(FLOAT, "scale"), MOTE_A_INT("unidirectional", 0)),
        .infer = infer_mha, .eval = eval_mha, .doc = MOTE_DOC("softmax(scale Q K' + mask) V for each head, a bias on each of the three"));

/* ---- Attention ---- */

enum { INPUT, WEIGHTS, A_BIAS, A_MASK, A_PAST, A_SCORE_BIAS, A_PAST_LENGTH };

static mote_status sizes_of(const mote_node *n, int64_t width, int64_t heads, int64_t *sizes, mote_diag *diag)
{
    size_t count;
    const int64_t *given = mote_node_ints(n, "qkv_hidden_sizes", &count);
    for (int i = 0; i < 3; i++)
        sizes[i] = mote_dim_known(width) ? width / 3 : MOTE_DIM_UNKNOWN;
    if (given == NULL) {
        MOTE_REQUIRE(!mote_dim_known(width) || width % 3 == 0, diag, MOTE_E_SHAPE, "weights have rows of %lld, expected a multiple of 3", (long long)width);
    } else {
        MOTE_REQUIRE(count == 3, diag, MOTE_E_VALUE, "qkv_hidden_sizes has %zu values, expected 3", count);
        int64_t sum = 0;
        for (int i = 0; i < 3; i++) {
            sizes[i] = given[i];
            MOTE_REQUIRE(given[i] > 0 && mote_i64_add(sum, given[i], &sum), diag, MOTE_E_VALUE, "qkv_hidden_sizes has %lld, expected 1 or more", (long long)given[i]);
        }
        MOTE_REQUIRE(mote_dim_may_equal(sum, width), diag, MOTE_E_SHAPE, "qkv_hidden_sizes add up to %lld, weights have rows of %lld", (long long)sum, (long long)width);
        MOTE_REQUIRE(sizes[0] == sizes[1], diag, MOTE_E_VALUE, "qkv_hidden_sizes has %lld and %lld, expected equal ones", (long long)sizes[0], (long long)sizes[1]);
    }
    for (int i = 0; i < 3; i++)
        MOTE_REQUIRE(!mote_dim_known(sizes[i]) || (sizes[i] > 0 && sizes[i] % heads == 0), diag, MOTE_E_SHAPE, "a hidden size of %lld, expected a multiple of %lld heads",
                     (long long)sizes[i], (long long)heads);
    return MOTE_OK;
}

static mote_status infer_attention(mote_infer *c)
{
    const mote_type *x = c->in[INPUT], *w = c->in[WEIGHTS], *p = mote_infer_has(c, A_PAST) ? c->in[A_PAST] : NULL;
    int64_t heads, sizes[3];
    MOTE_TRY(heads_of(c->node, &heads, c->diag));
    MOTE_TRY(refuse(c, A_PAST_LENGTH, "past_sequence_length (a shared buffer)"));
    MOTE_REQUIRE(mote_node_int(c->node, "do_rotary", 0) == 0, c->diag, MOTE_E_UNSUPPORTED, "do_rotary is not supported");
    MOTE_REQUIRE(mote_node_int(c->node, "past_present_share_buffer", 0) == 0, c->diag, MOTE_E_UNSUPPORTED, "past_present_share_buffer is not supported");
    MOTE_REQUIRE(x->rank < 0 || x->rank == 3, c->diag, MOTE_E_SHAPE, "input has rank %d, expected 3", x->rank);
    MOTE_REQUIRE(w->rank < 0 || w->rank == 2, c->diag, MOTE_E_SHAPE, "weights have rank %d, expected 2", w->rank);
    MOTE_REQUIRE(x->rank < 0 || w->rank < 0 || mote_dim_may_equal(x->dims[2], w->dims[0]), c->diag, MOTE_E_SHAPE, "input has rows of %lld, weights %lld rows",
                 (long long)x->dims[2], (long long)w->dims[0]);
    const int64_t width = w->rank == 2 ? w->dims[1] : MOTE_DIM_UNKNOWN;
    MOTE_TRY(sizes_of(c->node, width, heads, sizes, c->diag));
    if (mote_infer_ranked(c, A_BIAS))
        MOTE_REQUIRE(c->in[A_BIAS]->rank == 1 && mote_dim_may_equal(c->in[A_BIAS]->dims[0], width), c->diag, MOTE_E_SHAPE, "bias has another shape than [%lld]",
                     (long long)width);
    int64_t y[3] = {MOTE_DIM_UNKNOWN, MOTE_DIM_UNKNOWN, sizes[2]}, total = MOTE_DIM_UNKNOWN;
    if (x->rank == 3) {
        y[0] = x->dims[0];
        y[1] = x->dims[1];
        total = p == NULL ? x->dims[1] : total;
    }
    if (p != NULL && p->rank >= 0) {
        MOTE_REQUIRE(p->rank == 5 && mote_dim_may_equal(p->dims[0], 2) && mote_dim_may_equal(p->dims[1], y[0]) && mote_dim_may_equal(p->dims[2], heads) &&
                         (!mote_dim_known(sizes[0]) || mote_dim_may_equal(p->dims[4], sizes[0] / heads)) && mote_dim_may_equal(sizes[0], sizes[2]),
                     c->diag, MOTE_E_SHAPE, "past has another shape than [2, batch, %lld, rows, head size]", (long long)heads);
        if (mote_dim_known(p->dims[3]) && mote_dim_known(y[1]))
            MOTE_REQUIRE(mote_i64_add(p->dims[3], y[1], &total), c->diag, MOTE_E_SHAPE, "the rows of input and past overflow");
    }
    const int64_t present[5] = {2, y[0], heads, total, mote_dim_known(sizes[0]) ? sizes[0] / heads : MOTE_DIM_UNKNOWN};
    MOTE_REQUIRE(c->n_out < 2 || mote_dim_may_equal(sizes[0], sizes[2]), c->diag, MOTE_E_SHAPE, "present is not given with values of another size");
    mote_infer_out(c, 0, x->dtype, 3, y);
    mote_infer_out(c, 1, x->dtype, 5, present);
    return MOTE_OK;
}

static mote_status eval_attention_temp(mote_eval *c, mote_arena *temp)
{
    const mote_array *xa = c->in[INPUT], *wa = c->in[WEIGHTS], *p = mote_eval_has(c, A_PAST) ? c->in[A_PAST] : NULL;
    const size_t heads = size(mote_node_int(c->node, "num_heads", 1)), batch = size(xa->dims[0]), l = size(xa->dims[1]), depth = size(xa->dims[2]);
    const size_t width = size(wa->dims[1]), past = p != NULL ? size(p->dims[3]) : 0;
    int64_t sizes[3];
    MOTE_TRY(sizes_of(c->node, wa->dims[1], (int64_t)heads, sizes, c->diag));
    MOTE_REQUIRE(size(wa->dims[0]) == depth, c->diag, MOTE_E_SHAPE, "input has rows of %zu, weights %lld rows", depth, (long long)wa->dims[0]);
    mote_attend a = {.batch = batch, .heads = heads, .kv_heads = heads, .l = l, .s = l + past, .d = size(sizes[0]) / heads, .e = size(sizes[2]) / heads,
                     .causal = mote_node_int(c->node, "unidirectional", 0) != 0, .left = -1, .right = -1};
    mote_attend_data x = {.stage = MOTE_ATTEND_PRODUCT};
    a.scale = mote_node_float(c->node, "scale", 0.0f);
    if (a.scale == 0.0f)
        a.scale = (float)(1.0 / sqrt((double)a.d));
    size_t count;
    MOTE_REQUIRE(mote_size_mul(batch * l, width, &count), c->diag, MOTE_E_SHAPE, "the projections are too large");
    const float *in = mote_widen_f32(temp, xa), *w = mote_widen_f32(temp, wa), *bias = mote_eval_has(c, A_BIAS) ? mote_widen_f32(temp, c->in[A_BIAS]) : NULL;
    float *made = mote_temp(temp, count + 1, sizeof *made, c->diag);
    if (in == NULL || w == NULL || made == NULL || (mote_eval_has(c, A_BIAS) && bias == NULL))
        return MOTE_NO_MEMORY(c->diag, count);
    for (size_t r = 0; r < batch * l; r++) {
        float *row = made + r * width;
        for (size_t i = 0; i < depth; i++)
            for (size_t k = 0; k < width; k++)
                row[k] = fmaf(in[r * depth + i], w[i * width + k], row[k]);
        for (size_t k = 0; bias != NULL && k < width; k++)
            row[k] += bias[k];
    }
    const size_t q_step[3] = {l * width, a.d, width}, v_step[3] = {l * width, a.e, width};
    memcpy(a.q, q_step, sizeof a.q);
    memcpy(a.k, q_step, sizeof a.k);
    memcpy(a.v, v_step, sizeof a.v);
    mote_attend_steps_3d(a.y, heads, l, a.e);
    const float *k = made + size(sizes[0]), *v = k + size(sizes[1]), *score_bias;
    mote_array *present = c->n_out > 1 ? c->out[1] : NULL;
    MOTE_TRY(join(c, temp, &a, k, a.k, a.d, p, 0, past, present, 0, &k));
    MOTE_TRY(join(c, temp, &a, v, a.v, a.e, p, batch * heads * past * a.d, past, present, batch * heads * a.s * a.d, &v));
    x.q = made;
    x.k = k;
    x.v = v;
    MOTE_TRY(make_bias(c, temp, &a, mote_eval_has(c, A_MASK) ? c->in[A_MASK] : NULL, mote_eval_has(c, A_SCORE_BIAS) ? c->in[A_SCORE_BIAS] : NULL, &score_bias));
    x.bias = score_bias;
    return finish(c, temp, &a, &x, past, NULL);
}
MOTE_EVAL_TEMP(eval_attention)

MOTE_OP(ms, Attention, 1, .in = "input:T weights:T bias?:T mask_index?:M past?:T attention_bias?:T past_sequence_length?:M", .out = "output:T present?:T",
        .types = MOTE_TYPES({"T", T_MS, 0}, {"M", MOTE_DT(S32), 0}),
        .attrs = MOTE_ATTRS(MOTE_A_INT("do_rotary", 0), MOTE_A_FLOAT("mask_filter_value", -10000.0f), MOTE_A_REQUIRED(INT, "num_heads"), MOTE_A_INT("past_present_share_buffer", 0),
                  MOTE_A(INTS, "qkv_hidden_sizes"), MOTE_A(INT, "rotary_embedding_dim"), MOTE_A(FLOAT, "scale"), MOTE_A_INT("unidirectional", 0)),
        .infer = infer_attention, .eval = eval_attention, .doc = MOTE_DOC("x W + b cut into Q, K, V; softmax(scale Q K' + mask) V for each head"));
