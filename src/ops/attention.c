/* attention.c - Attention, FlexAttention
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ONNX Attention-23, Attention-24, Attention-25; ai.onnx.preview FlexAttention-1. Half floats are computed in float and rounded once; with
 * softmax_precision, scores and probabilities are rounded to that type. */
#include "base/platform.h"
#include "ops/attention.h"
#include "ops/types.h"
#include <math.h>
#include <string.h>

enum { Q, K, V, MASK, PAST_K, PAST_V, NONPAD };

static size_t size(int64_t d) { return (size_t)d; }

/* ---- shapes ---- */

static mote_status heads_of(const mote_node *n, int64_t *q_heads, int64_t *kv_heads, mote_diag *diag)
{
    *q_heads = mote_node_int(n, "q_num_heads", 0);
    *kv_heads = mote_node_int(n, "kv_num_heads", 0);
    MOTE_REQUIRE(*q_heads > 0 && *kv_heads > 0, diag, MOTE_E_VALUE, "q_num_heads is %lld and kv_num_heads %lld, expected 1 or more with inputs of rank 3",
                 (long long)*q_heads, (long long)*kv_heads);
    return MOTE_OK;
}

/* dims[b, heads, rows, n] of input i (of rank 3: by `heads`), unknown where it is not known */
static mote_status dims_of(const mote_type *t, int64_t heads, const char *name, mote_diag *diag, int64_t *dims)
{
    for (int i = 0; i < 4; i++)
        dims[i] = t->rank == 4 ? t->dims[i] : MOTE_DIM_UNKNOWN;
    if (t->rank != 3)
        return MOTE_OK;
    MOTE_REQUIRE(t->dims[2] < 0 || t->dims[2] % heads == 0, diag, MOTE_E_SHAPE, "%s has rows of %lld, expected a multiple of %lld heads", name, (long long)t->dims[2],
                 (long long)heads);
    dims[0] = t->dims[0];
    dims[1] = heads;
    dims[2] = t->dims[1];
    dims[3] = mote_dim_known(t->dims[2]) ? t->dims[2] / heads : MOTE_DIM_UNKNOWN;
    return MOTE_OK;
}

static mote_status agree(int64_t a, int64_t b, const char *what, mote_diag *diag)
{
    MOTE_REQUIRE(mote_dim_may_equal(a, b), diag, MOTE_E_SHAPE, "%s: %lld and %lld, expected equal ones", what, (long long)a, (long long)b);
    return MOTE_OK;
}

typedef struct shapes {
    int64_t q[4], k[4], v[4], past; /* past: rows of the caches */
} shapes;

/* What inference and evaluation ask of the inputs' shapes. types: Q, K, V, then PAST_K, PAST_V at their places or NULL. */
static mote_status shapes_of(const mote_node *n, const mote_type *const *t, shapes *s, mote_diag *diag)
{
    int64_t heads = 1, kv_heads = 1;
    int32_t rank = -1;
    for (int i = 0; i < 3; i++) {
        MOTE_REQUIRE(t[i]->rank < 0 || t[i]->rank == 3 || t[i]->rank == 4, diag, MOTE_E_SHAPE, "input %d has rank %d, expected 3 or 4", i, t[i]->rank);
        MOTE_REQUIRE(t[i]->rank < 0 || rank < 0 || t[i]->rank == rank, diag, MOTE_E_SHAPE, "Q, K and V have ranks %d and %d, expected equal ones", rank, t[i]->rank);
        rank = t[i]->rank >= 0 ? t[i]->rank : rank;
    }
    if (rank == 3)
        MOTE_TRY(heads_of(n, &heads, &kv_heads, diag));
    MOTE_TRY(dims_of(t[Q], heads, "Q", diag, s->q));
    MOTE_TRY(dims_of(t[K], kv_heads, "K", diag, s->k));
    MOTE_TRY(dims_of(t[V], kv_heads, "V", diag, s->v));
    MOTE_TRY(agree(s->q[0], s->k[0], "the batch of Q and K", diag));
    MOTE_TRY(agree(s->k[0], s->v[0], "the batch of K and V", diag));
    MOTE_TRY(agree(s->k[1], s->v[1], "the heads of K and V", diag));
    MOTE_TRY(agree(s->k[2], s->v[2], "the rows of K and V", diag));
    MOTE_TRY(agree(s->q[3], s->k[3], "the head size of Q and K", diag));
    MOTE_REQUIRE(!mote_dim_known(s->q[1]) || !mote_dim_known(s->k[1]) || (s->k[1] > 0 && s->q[1] % s->k[1] == 0) || s->q[1] == 0, diag, MOTE_E_SHAPE,
                 "%lld heads of Q, expected a multiple of the %lld of K", (long long)s->q[1], (long long)s->k[1]);
    s->past = 0;
    for (int i = PAST_K; i <= PAST_V && t[i] != NULL; i++) {
        const int64_t *own = i == PAST_K ? s->k : s->v;
        if (t[i]->rank < 0) {
            s->past = MOTE_DIM_UNKNOWN;
            continue;
        }
        MOTE_REQUIRE(t[i]->rank == 4, diag, MOTE_E_SHAPE, "the past of %s has rank %d, expected 4", i == PAST_K ? "K" : "V", t[i]->rank);
        MOTE_TRY(agree(t[i]->dims[0], own[0], "the batch of a past", diag));
        MOTE_TRY(agree(t[i]->dims[1], own[1], "the heads of a past", diag));
        MOTE_TRY(agree(t[i]->dims[3], own[3], "the head size of a past", diag));
        if (i == PAST_V)
            MOTE_TRY(agree(t[i]->dims[2], s->past, "the rows of the pasts", diag));
        s->past = i == PAST_K || !mote_dim_known(s->past) ? t[i]->dims[2] : s->past;
    }
    return MOTE_OK;
}

static mote_status check_attributes(const mote_node *n, mote_diag *diag)
{
    const int64_t mode = mote_node_int(n, "qk_matmul_output_mode", 0), precision = mote_node_int(n, "softmax_precision", MOTE_DTYPE_F32);
    MOTE_REQUIRE(mode >= 0 && mode <= 3, diag, MOTE_E_VALUE, "qk_matmul_output_mode is %lld, expected 0 to 3", (long long)mode);
    MOTE_REQUIRE(mote_dtype_valid(precision) && mote_dtype_in((mote_dtype)precision, MOTE_DTYPES_FLOAT), diag, MOTE_E_VALUE,
                 "softmax_precision is %lld, which is no float type", (long long)precision);
    MOTE_REQUIRE(mote_node_int(n, "left_window_size", -1) >= -1 && mote_node_int(n, "right_window_size", -1) >= -1, diag, MOTE_E_VALUE,
                 "a window size is less than -1");
    return MOTE_OK;
}

static int64_t known_or(int64_t a, int64_t b) { return mote_dim_known(a) || b == MOTE_DIM_UNKNOWN ? a : b; }

static mote_status infer_attention(mote_infer *c)
{
    const mote_type *t[NONPAD + 1] = {NULL};
    shapes s;
    for (uint32_t i = 0; i <= NONPAD && i < c->n_in; i++)
        t[i] = c->in[i];
    MOTE_REQUIRE((t[PAST_K] == NULL) == (t[PAST_V] == NULL), c->diag, MOTE_E_MODEL, "one of past_key and past_value is there, expected both or none");
    MOTE_REQUIRE(t[NONPAD] == NULL || t[PAST_K] == NULL, c->diag, MOTE_E_MODEL, "nonpad_kv_seqlen and past_key exclude each other");
    MOTE_TRY(check_attributes(c->node, c->diag));
    MOTE_TRY(shapes_of(c->node, t, &s, c->diag));
    const int64_t batch = known_or(s.q[0], s.k[0]), heads = s.q[1], kv_heads = known_or(s.k[1], s.v[1]), rows = known_or(s.k[2], s.v[2]);
    int64_t total = t[PAST_K] == NULL ? rows : MOTE_DIM_UNKNOWN;
    if (t[PAST_K] != NULL && mote_dim_known(rows) && mote_dim_known(s.past))
        MOTE_REQUIRE(mote_i64_add(rows, s.past, &total), c->diag, MOTE_E_SHAPE, "the rows of K and past_key overflow");
    const int64_t y4[4] = {batch, heads, s.q[2], s.v[3]}, key[4] = {batch, kv_heads, total, known_or(s.k[3], s.q[3])}, value[4] = {batch, kv_heads, total, s.v[3]};
    const int64_t scores[4] = {batch, heads, s.q[2], total};
    int64_t y3[3] = {batch, s.q[2], MOTE_DIM_UNKNOWN};
    if (mote_dim_known(heads) && mote_dim_known(s.v[3]))
        MOTE_REQUIRE(mote_i64_mul(heads, s.v[3], &y3[2]), c->diag, MOTE_E_SHAPE, "the rows of Y overflow");
    const int32_t rank = t[Q]->rank >= 0 ? t[Q]->rank : t[K]->rank >= 0 ? t[K]->rank : t[V]->rank;
    mote_infer_out(c, 0, t[Q]->dtype, rank, rank == 3 ? y3 : y4);
    mote_infer_out(c, 1, t[K]->dtype, 4, key);
    mote_infer_out(c, 2, t[V]->dtype, 4, value);
    mote_infer_out(c, 3, t[Q]->dtype, 4, scores);
    return MOTE_OK;
}

/* ---- evaluation ---- */

mote_status mote_attention_of(const mote_node *n, const mote_array *const *in, uint32_t n_in, mote_attend *a, size_t *past, mote_diag *diag)
{
    mote_type types[PAST_V + 1];
    const mote_type *t[PAST_V + 1] = {NULL};
    shapes s;
    for (uint32_t i = 0; i <= PAST_V && i < n_in; i++) {
        if (in[i] == NULL)
            continue;
        types[i] = (mote_type){.dtype = in[i]->dtype, .rank = in[i]->rank};
        memcpy(types[i].dims, in[i]->dims, sizeof types[i].dims);
        t[i] = &types[i];
    }
    MOTE_TRY(check_attributes(n, diag));
    MOTE_TRY(shapes_of(n, t, &s, diag));
    *past = size(s.past);
    *a = (mote_attend){.batch = size(s.q[0]), .heads = size(s.q[1]), .kv_heads = size(s.k[1]), .l = size(s.q[2]), .s = size(s.k[2]) + *past, .d = size(s.q[3]),
                       .e = size(s.v[3]), .softcap = mote_node_float(n, "softcap", 0.0f), .causal = mote_node_int(n, "is_causal", 0) != 0,
                       .left = mote_node_int(n, "left_window_size", -1), .right = mote_node_int(n, "right_window_size", -1)};
    a->scale = mote_node_float(n, "scale", (float)(1.0 / sqrt((double)a->d)));
    void (*steps)(size_t *, size_t, size_t, size_t) = in[Q]->rank == 3 ? mote_attend_steps_3d : mote_attend_steps_4d;
    steps(a->q, a->heads, a->l, a->d);
    steps(a->y, a->heads, a->l, a->e);
    steps(a->k, a->kv_heads, a->s - *past, a->d);
    steps(a->v, a->kv_heads, a->s - *past, a->e);
    if (n_in > MASK && in[MASK] != NULL)
        MOTE_TRY(mote_attend_bias(a, in[MASK], n->def->since >= 24, "attn_mask", diag));
    return MOTE_OK;
}

mote_status mote_attention_places(const mote_attend *a, const mote_array *nonpad, size_t past, int64_t *offset, int64_t *valid, mote_diag *diag)
{
    MOTE_REQUIRE(nonpad == NULL || mote_array_count(nonpad) == a->batch, diag, MOTE_E_SHAPE, "nonpad_kv_seqlen has %zu values, expected %zu",
                 nonpad == NULL ? (size_t)0 : mote_array_count(nonpad), a->batch);
    for (size_t b = 0; b < a->batch; b++) {
        valid[b] = nonpad != NULL ? mote_array_i64(nonpad, b) : (int64_t)a->s;
        MOTE_REQUIRE(valid[b] >= 0 && valid[b] <= (int64_t)a->s, diag, MOTE_E_VALUE, "nonpad_kv_seqlen has %lld, expected 0 to %zu", (long long)valid[b], a->s);
        offset[b] = nonpad != NULL ? valid[b] - (int64_t)a->l : (int64_t)past;
    }
    return MOTE_OK;
}

/* The keys or values with the past before them: in output i where it is wanted, else in temporary memory; `step` becomes theirs. */
static mote_status with_past(mote_eval *c, mote_arena *temp, const mote_attend *a, const mote_array *now, const mote_array *past, size_t n_past, uint32_t i, size_t n,
                             size_t *step, mote_array *out)
{
    *out = *now;
    mote_array *present = i < c->n_out ? c->out[i] : NULL;
    if (present == NULL && past == NULL)
        return MOTE_OK;
    if (present != NULL) {
        *out = *present;
    } else {
        const int64_t dims[4] = {(int64_t)a->batch, (int64_t)a->kv_heads, (int64_t)a->s, (int64_t)n};
        MOTE_TRY(mote_array_shape(out, now->dtype, 4, dims, c->diag));
        out->data = mote_temp(temp, out->bytes + 1, 1, c->diag);
        if (out->data == NULL)
            return MOTE_E_MEMORY;
    }
    mote_attend_join(out->data, past != NULL ? past->data : NULL, now->data, step, a->batch, a->kv_heads, a->s, n_past, a->s - n_past, n, mote_dtype_bits(now->dtype) / 8);
    mote_attend_steps_4d(step, a->kv_heads, a->s, n);
    return MOTE_OK;
}

/* Numbers in the type of the computation. */
static const void *values(mote_arena *temp, const mote_array *a, bool is_f64)
{
    if ((mote_class_of(a->dtype) == MOTE_CLASS_F64) == is_f64)
        return mote_widen(temp, a);
    if (!is_f64)
        return mote_widen_f32(temp, a);
    const size_t n = mote_array_count(a);
    double *p = mote_arena_calloc(temp, n + 1, sizeof *p);
    for (size_t i = 0; p != NULL && i < n; i++)
        p[i] = mote_array_f64(a, i);
    return p;
}

static void *room(mote_arena *temp, const mote_array *a, bool is_f64)
{
    return (mote_class_of(a->dtype) == MOTE_CLASS_F64) == is_f64 ? mote_wide_output(temp, a)
                                                                 : mote_arena_calloc(temp, mote_array_count(a) + 1, is_f64 ? sizeof(double) : sizeof(float));
}

static void give(mote_array *a, const void *y, bool is_f64)
{
    if ((mote_class_of(a->dtype) == MOTE_CLASS_F64) == is_f64) {
        mote_narrow(a, y);
        return;
    }
    for (size_t i = 0, n = mote_array_count(a); i < n; i++)
        mote_dtype_from_f64(a->dtype, a->data, i, is_f64 ? ((const double *)y)[i] : (double)((const float *)y)[i]);
}

static bool empty(const mote_array *a) { return mote_array_count(a) == 0; }

static mote_status eval_attention_temp(mote_eval *c, mote_arena *temp)
{
    mote_attend a;
    mote_attend_data x = {.stage = (mote_attend_stage)mote_node_int(c->node, "qk_matmul_output_mode", 0)};
    size_t past;
    mote_array k, v, *y = c->out[0], *scores = c->n_out > 3 ? c->out[3] : NULL;
    MOTE_TRY(mote_attention_of(c->node, c->in, c->n_in, &a, &past, c->diag));
    MOTE_TRY(with_past(c, temp, &a, c->in[K], past != 0 ? c->in[PAST_K] : NULL, past, 1, a.d, a.k, &k));
    MOTE_TRY(with_past(c, temp, &a, c->in[V], past != 0 ? c->in[PAST_V] : NULL, past, 2, a.e, a.v, &v));
    int64_t *offset = mote_temp(temp, 2 * a.batch + 1, sizeof *offset, c->diag);
    if (offset == NULL)
        return MOTE_E_MEMORY;
    MOTE_TRY(mote_attention_places(&a, mote_eval_has(c, NONPAD) ? c->in[NONPAD] : NULL, past, offset, offset + a.batch, c->diag));
    x.offset = offset;
    x.valid = offset + a.batch;
    const mote_dtype precision = (mote_dtype)mote_node_int(c->node, "softmax_precision", MOTE_DTYPE_NONE);
    const bool is_f64 = c->in[Q]->dtype == MOTE_DTYPE_F64 || precision == MOTE_DTYPE_F64 || c->in[V]->dtype == MOTE_DTYPE_F64;
    if (precision != MOTE_DTYPE_NONE && precision != (is_f64 ? MOTE_DTYPE_F64 : MOTE_DTYPE_F32))
        x.round = precision;
    mote_array none, own;
    const int64_t zero = 0;
    MOTE_TRY(mote_array_shape(&none, MOTE_DTYPE_F32, 1, &zero, c->diag));
    own = y != NULL ? *y : none;
    x.q = values(temp, c->in[Q], is_f64);
    x.k = values(temp, &k, is_f64);
    x.v = values(temp, &v, is_f64);
    x.bias = a.bias ? mote_attend_bias_values(temp, c->in[MASK], is_f64) : NULL;
    size_t bytes;
    if (y == NULL) { /* only the scores are wanted */
        MOTE_REQUIRE(mote_size_mul(a.batch * a.heads, a.l * a.e + 1, &bytes), c->diag, MOTE_E_SHAPE, "Y is too large");
        x.y = mote_temp(temp, bytes + 1, sizeof(double), c->diag);
    } else {
        x.y = empty(y) ? temp : room(temp, y, is_f64);
    }
    x.scores = scores != NULL && !empty(scores) ? room(temp, scores, is_f64) : NULL;
    if (x.q == NULL || x.k == NULL || x.v == NULL || x.y == NULL || (a.bias && x.bias == NULL) || (scores != NULL && !empty(scores) && x.scores == NULL))
        return MOTE_NO_MEMORY(c->diag, own.bytes);
    MOTE_TRY(mote_attend_run(&a, &x, is_f64, temp, c->diag));
    if (y != NULL && !empty(y))
        give(y, x.y, is_f64);
    if (x.scores != NULL)
        give(scores, x.scores, is_f64);
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_attention)

#define MASK_TYPES (MOTE_DTYPES_NUMERIC | MOTE_DT(BOOL))
#define ATTENTION(inputs, more)                                                                                        \
    .in = inputs, .out = "Y:T1 present_key?:T1 present_value?:T2 qk_matmul_output?:T1",                                 \
    .types = MOTE_TYPES({"T1", MOTE_DTYPES_FLOAT, 0}, {"T2", MOTE_DTYPES_FLOAT, 0}, {"U", MASK_TYPES, 0}),                         \
    .attrs = MOTE_ATTRS(MOTE_A_INT("is_causal", 0), MOTE_A(INT, "kv_num_heads"), MOTE_A(INT, "q_num_heads"), MOTE_A_INT("qk_matmul_output_mode", 0), \
              MOTE_A(FLOAT, "scale"), MOTE_A_FLOAT("softcap", 0.0f), MOTE_A(INT, "softmax_precision") more),             \
    .infer = infer_attention, .eval = eval_attention, .doc = MOTE_DOC("y = softmax(scale Q K' + mask) V for each head")
#define IN_23 "Q:T1 K:T1 V:T2 attn_mask?:U past_key?:T1 past_value?:T2"
#define NOTHING
#define COMMA ,
MOTE_OP(onnx, Attention, 23, ATTENTION(IN_23, NOTHING));
MOTE_OP(onnx, Attention, 24, ATTENTION(IN_23 " nonpad_kv_seqlen?:int64", NOTHING));
MOTE_OP(onnx, Attention, 25,
        ATTENTION(IN_23 " nonpad_kv_seqlen?:int64", COMMA MOTE_A_INT("left_window_size", -1) COMMA MOTE_A_INT("right_window_size", -1)));

/* ---- FlexAttention ---- */

static mote_dtype flex_dtype(const mote_node *n, mote_dtype q)
{
    return (mote_dtype)mote_node_int(n, "softmax_precision", q == MOTE_DTYPE_F64 ? MOTE_DTYPE_F64 : MOTE_DTYPE_F32);
}

static mote_status infer_flex(mote_infer *c)
{
    const mote_type *t[PAST_V + 1] = {c->in[Q], c->in[K], c->in[V]};
    static const char *const mods[] = {"score_mod", "prob_mod"};
    shapes s;
    for (int i = 0; i < 3; i++)
        MOTE_REQUIRE(t[i]->rank < 0 || t[i]->rank == 4, c->diag, MOTE_E_SHAPE, "input %d has rank %d, expected 4", i, t[i]->rank);
    MOTE_TRY(check_attributes(c->node, c->diag));
    MOTE_TRY(shapes_of(c->node, t, &s, c->diag));
    const int64_t y[4] = {known_or(s.q[0], s.k[0]), s.q[1], s.q[2], s.v[3]};
    mote_type scores = {.dtype = flex_dtype(c->node, t[Q]->dtype), .rank = 4, .dims = {y[0], y[1], y[2], known_or(s.k[2], s.v[2])}};
    for (int i = 0; i < 2; i++) {
        mote_graph *g = mote_node_subgraph(c->node, mods[i]);
        const mote_type *list[1] = {&scores};
        mote_type out = {.rank = -1};
        if (g == NULL)
            continue;
        MOTE_REQUIRE(g->n_inputs == 1 && g->n_outputs == 1, c->diag, MOTE_E_MODEL, "%s has %zu inputs and %zu outputs, expected 1 and 1", mods[i], g->n_inputs, g->n_outputs);
        if (t[Q]->dtype == MOTE_DTYPE_NONE)
            continue;
        MOTE_TRY(c->subgraph(c, g, list, 1, &out, 1));
        MOTE_REQUIRE(out.kind == MOTE_KIND_TENSOR && (out.dtype == MOTE_DTYPE_NONE || out.dtype == scores.dtype), c->diag, MOTE_E_DTYPE,
                     "%s gives another type than it takes", mods[i]);
        MOTE_REQUIRE(out.rank < 0 || out.rank == 4, c->diag, MOTE_E_SHAPE, "%s gives rank %d, expected 4", mods[i], out.rank);
    }
    mote_infer_out(c, 0, t[Q]->dtype, 4, y);
    return MOTE_OK;
}

/* What a graph of the node makes of the scores or probabilities x, in place; none: x stays. */
static mote_status modify(mote_eval *c, mote_arena *temp, const char *name, mote_array *scores, void *x, bool is_f64)
{
    mote_graph *g = mote_node_subgraph(c->node, name);
    if (g == NULL)
        return MOTE_OK;
    const mote_array *in = scores, *result;
    give(scores, x, is_f64);
    MOTE_TRY(c->subgraph(c, g, 0, &in, 1, &result, 1));
    MOTE_REQUIRE(result->kind == MOTE_KIND_TENSOR && result->dtype == scores->dtype && mote_array_same_shape(result, scores), c->diag, MOTE_E_SHAPE,
                 "%s gives another type or shape than it takes", name);
    const void *now = values(temp, result, is_f64);
    if (now == NULL)
        return MOTE_NO_MEMORY(c->diag, result->bytes);
    if (now != x)
        memcpy(x, now, mote_array_count(scores) * (is_f64 ? sizeof(double) : sizeof(float)));
    return MOTE_OK;
}

static mote_status eval_flex_temp(mote_eval *c, mote_arena *temp)
{
    mote_attend a;
    mote_attend_data x = {.stage = MOTE_ATTEND_PRODUCT};
    size_t past;
    mote_array scores, *y = c->out[0];
    MOTE_TRY(mote_attention_of(c->node, c->in, 3, &a, &past, c->diag));
    const mote_dtype dtype = flex_dtype(c->node, c->in[Q]->dtype);
    const bool is_f64 = c->in[Q]->dtype == MOTE_DTYPE_F64 || dtype == MOTE_DTYPE_F64;
    const int64_t dims[4] = {(int64_t)a.batch, (int64_t)a.heads, (int64_t)a.l, (int64_t)a.s};
    const int64_t y_dims[4] = {dims[0], dims[1], dims[2], (int64_t)a.e};
    MOTE_TRY(mote_array_shape(&scores, dtype, 4, dims, c->diag));
    MOTE_TRY(mote_eval_out(c, 0, c->in[Q]->dtype, 4, y_dims));
    if (empty(y))
        return MOTE_OK;
    scores.data = mote_temp(temp, scores.bytes + 1, 1, c->diag);
    int64_t *offset = mote_temp(temp, 2 * a.batch + 1, sizeof *offset, c->diag);
    if (scores.data == NULL || offset == NULL)
        return MOTE_E_MEMORY;
    MOTE_TRY(mote_attention_places(&a, NULL, 0, offset, offset + a.batch, c->diag));
    x.offset = offset;
    x.valid = offset + a.batch;
    x.q = values(temp, c->in[Q], is_f64);
    x.k = values(temp, c->in[K], is_f64);
    x.v = values(temp, c->in[V], is_f64);
    x.y = room(temp, y, is_f64);
    x.scores = mote_temp(temp, mote_array_count(&scores) + 1, sizeof(double), c->diag);
    if (x.q == NULL || x.k == NULL || x.v == NULL || x.y == NULL || x.scores == NULL)
        return MOTE_NO_MEMORY(c->diag, y->bytes);
    mote_attend_products(&a, &x, is_f64);
    MOTE_TRY(modify(c, temp, "score_mod", &scores, x.scores, is_f64));
    mote_attend_softmax(&a, &x, is_f64);
    MOTE_TRY(modify(c, temp, "prob_mod", &scores, x.scores, is_f64));
    mote_attend_values(&a, &x, is_f64);
    give(y, x.y, is_f64);
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_flex)

MOTE_OP(preview, FlexAttention, 1, .in = "Q:T1 K:T1 V:T1", .out = "Y:T1", .types = MOTE_TYPES({"T1", MOTE_DTYPES_FLOAT, 0}),
        .attrs = MOTE_ATTRS(MOTE_A(GRAPH, "prob_mod"), MOTE_A(FLOAT, "scale"), MOTE_A(GRAPH, "score_mod"), MOTE_A(INT, "softmax_precision")), .flags = MOTE_OP_CONTROL,
        .infer = infer_flex, .eval = eval_flex, .doc = MOTE_DOC("y = prob_mod(softmax(score_mod(scale Q K'))) V for each head"));
