/* attention_parts.c - RotaryEmbedding, LinearAttention, CausalConvWithState
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ONNX RotaryEmbedding-23, LinearAttention-27, CausalConvWithState-27. Half floats are computed in float and rounded once. */
#include "base/platform.h"
#include "ops/rotary.h"
#include "ops/scalar.h"
#include "ops/types.h"
#include "ops/wide.h"
#include <math.h>
#include <string.h>

static size_t size(int64_t d) { return (size_t)d; }

/* ---- RotaryEmbedding ---- */

void mote_rotate(const float *x, float *y, const float *cosine, const float *sine, size_t half, bool interleaved)
{
    const size_t step = interleaved ? 2 : 1, other = interleaved ? 1 : half;
    for (size_t i = 0; i < half; i++) {
        const float a = x[i * step], b = x[i * step + other];
        y[i * step] = cosine[i] * a - sine[i] * b;
        y[i * step + other] = sine[i] * a + cosine[i] * b;
    }
}

mote_status mote_infer_rotary(mote_infer *c, uint32_t cosine, uint32_t position)
{
    const mote_type *x = c->in[0];
    const int64_t heads = mote_node_int(c->node, "num_heads", 0), dim = mote_node_int(c->node, "rotary_embedding_dim", 0);
    MOTE_REQUIRE(heads >= 0, c->diag, MOTE_E_VALUE, "num_heads is %lld, expected 0 or more", (long long)heads);
    MOTE_REQUIRE(dim >= 0 && dim % 2 == 0, c->diag, MOTE_E_VALUE, "rotary_embedding_dim is %lld, expected an even number", (long long)dim);
    if (x->rank >= 0) {
        MOTE_REQUIRE(x->rank == 3 || x->rank == 4, c->diag, MOTE_E_SHAPE, "input 0 has rank %d, expected 3 or 4", x->rank);
        const int64_t last = x->dims[x->rank - 1];
        if (x->rank == 3 && mote_dim_known(last) && heads > 0)
            MOTE_REQUIRE(last % heads == 0, c->diag, MOTE_E_SHAPE, "rows of %lld, expected a multiple of num_heads, %lld", (long long)last, (long long)heads);
    }
    for (uint32_t i = cosine; i < cosine + 2; i++)
        MOTE_REQUIRE(c->in[i]->rank < 0 || c->in[i]->rank == 2 || c->in[i]->rank == 3, c->diag, MOTE_E_SHAPE, "input %u has rank %d, expected 2 or 3", i,
                     c->in[i]->rank);
    if (mote_infer_ranked(c, position))
        MOTE_REQUIRE(c->in[position]->rank <= 2, c->diag, MOTE_E_SHAPE, "input %u has rank %d, expected at most 2", position, c->in[position]->rank);
    return mote_infer_like(c);
}

static mote_status infer_rotary(mote_infer *c)
{
    const mote_type *x = c->in[0];
    MOTE_REQUIRE(x->rank != 3 || mote_node_int(c->node, "num_heads", 0) > 0, c->diag, MOTE_E_VALUE, "num_heads is missing, expected with an input of rank 3");
    return mote_infer_rotary(c, 1, 3);
}

mote_status mote_rotary_of(const mote_node *n, const mote_array *x, const mote_array *cosine, const mote_array *sine, bool rank_3_by_cache, mote_rotary *r, mote_diag *diag)
{
    MOTE_REQUIRE(x->rank == 3 || x->rank == 4, diag, MOTE_E_SHAPE, "the input has rank %d, expected 3 or 4", x->rank);
    const size_t last = size(x->dims[x->rank - 1]);
    size_t dim = size(mote_node_int(n, "rotary_embedding_dim", 0)), heads = size(mote_node_int(n, "num_heads", 0));
    *r = (mote_rotary){.batch = size(x->dims[0]), .interleaved = mote_node_int(n, "interleaved", 0) != 0};
    r->half = size(cosine->dims[cosine->rank - 1]);
    if (x->rank == 3) {
        if (heads == 0 && rank_3_by_cache) {
            MOTE_REQUIRE(r->half > 0 && last % (2 * r->half) == 0, diag, MOTE_E_SHAPE, "rows of %zu, expected a multiple of %zu", last, 2 * r->half);
            heads = last / (2 * r->half);
        }
        MOTE_REQUIRE(heads > 0 && last % heads == 0, diag, MOTE_E_SHAPE, "rows of %zu, expected a multiple of num_heads, %zu", last, heads);
        r->heads = heads;
        r->rows = size(x->dims[1]);
        r->n = last / heads;
        mote_attend_steps_3d(r->step, r->heads, r->rows, r->n);
    } else {
        r->heads = size(x->dims[1]);
        r->rows = size(x->dims[2]);
        r->n = last;
        mote_attend_steps_4d(r->step, r->heads, r->rows, r->n);
    }
    dim = dim == 0 ? r->n : dim;
    MOTE_REQUIRE(dim <= r->n && dim % 2 == 0, diag, MOTE_E_SHAPE, "%zu elements of a head are rotated, expected an even number of at most %zu", dim, r->n);
    MOTE_REQUIRE(r->half == dim / 2 && mote_array_same_shape(cosine, sine), diag, MOTE_E_SHAPE, "the caches have rows of %zu, expected %zu in both", r->half, dim / 2);
    r->cache_rows = r->half == 0 ? 0 : mote_array_count(cosine) / r->half;
    return MOTE_OK;
}

mote_status mote_rotary_check(const mote_rotary *r, const mote_array *position, mote_diag *diag)
{
    const size_t count = position != NULL ? mote_array_count(position) : r->batch * r->rows;
    MOTE_REQUIRE(count == r->batch * r->rows || count == 1, diag, MOTE_E_SHAPE, "position_ids has %zu values, expected %zu", count, r->batch * r->rows);
    MOTE_REQUIRE(position != NULL || r->cache_rows == r->batch * r->rows, diag, MOTE_E_SHAPE, "the caches have %zu rows, expected %zu without position_ids",
                 r->cache_rows, r->batch * r->rows);
    return MOTE_OK;
}

mote_status mote_rotary_place(const mote_rotary *r, const mote_array *position, size_t b, size_t i, size_t *at, mote_diag *diag)
{
    const bool one = position != NULL && mote_array_count(position) == 1;
    const size_t row = b * r->rows + i, more = one ? i : 0;
    const int64_t p = position != NULL ? mote_array_i64(position, one ? 0 : row) : (int64_t)row;
    *at = 0;
    MOTE_REQUIRE(p >= 0 && (size_t)p < r->cache_rows && more < r->cache_rows - (size_t)p, diag, MOTE_E_VALUE, "position %lld, expected 0 to %lld", (long long)p,
                 (long long)r->cache_rows - 1 - (long long)more);
    *at = (size_t)p + more;
    return MOTE_OK;
}

mote_status mote_rotary_run(const mote_rotary *r, const float *x, float *y, const float *cosine, const float *sine, const mote_array *position, mote_diag *diag)
{
    MOTE_TRY(mote_rotary_check(r, position, diag));
    for (size_t b = 0; b < r->batch; b++)
        for (size_t i = 0; i < r->rows; i++) {
            size_t at;
            MOTE_TRY(mote_rotary_place(r, position, b, i, &at, diag));
            for (size_t h = 0; h < r->heads; h++) {
                const size_t first = b * r->step[0] + h * r->step[1] + i * r->step[2];
                mote_rotate(x + first, y + first, cosine + at * r->half, sine + at * r->half, r->half, r->interleaved);
                if (r->n > 2 * r->half && y != x)
                    memcpy(y + first + 2 * r->half, x + first + 2 * r->half, (r->n - 2 * r->half) * sizeof *y);
            }
        }
    return MOTE_OK;
}

static mote_status rotary(mote_eval *c, mote_arena *temp, uint32_t first_cache, uint32_t position, bool by_cache)
{
    mote_rotary r;
    MOTE_TRY(mote_rotary_of(c->node, c->in[0], c->in[first_cache], c->in[first_cache + 1], by_cache, &r, c->diag));
    if (mote_array_count(c->out[0]) == 0)
        return MOTE_OK;
    const float *x = mote_widen(temp, c->in[0]), *cosine = mote_widen(temp, c->in[first_cache]), *sine = mote_widen(temp, c->in[first_cache + 1]);
    float *y = mote_wide_output(temp, c->out[0]);
    if (x == NULL || cosine == NULL || sine == NULL || y == NULL)
        return MOTE_NO_MEMORY(c->diag, c->out[0]->bytes);
    const mote_array *ids = mote_eval_has(c, position) ? c->in[position] : NULL;
    MOTE_REQUIRE(by_cache || ids == NULL || mote_array_count(ids) == r.batch * r.rows, c->diag, MOTE_E_SHAPE, "position_ids has %zu values, expected %zu",
                 mote_array_count(ids), r.batch * r.rows);
    MOTE_TRY(mote_rotary_run(&r, x, y, cosine, sine, ids, c->diag));
    mote_narrow(c->out[0], y);
    return MOTE_OK;
}

static mote_status eval_rotary_temp(mote_eval *c, mote_arena *temp) { return rotary(c, temp, 1, 3, false); }
MOTE_EVAL_TEMP(eval_rotary)

#define T_ROTARY (MOTE_DT(F32) | MOTE_DT(F16) | MOTE_DT(BF16))
MOTE_OP(onnx, RotaryEmbedding, 23, .in = "X:T cos_cache:T sin_cache:T position_ids?:int64", .out = "Y:T", .types = MOTE_TYPES({"T", T_ROTARY, 0}),
        .attrs = MOTE_ATTRS(MOTE_A_INT("interleaved", 0), MOTE_A(INT, "num_heads"), MOTE_A_INT("rotary_embedding_dim", 0)), .infer = infer_rotary, .eval = eval_rotary,
        .doc = MOTE_DOC("pairs of elements of each head, turned by the angle of their position"));

/* com.microsoft: position_ids before the caches; one position is that of the first row */
static mote_status infer_ms_rotary(mote_infer *c) { return mote_infer_rotary(c, 2, 1); }
static mote_status eval_ms_rotary_temp(mote_eval *c, mote_arena *temp) { return rotary(c, temp, 2, 1, true); }
MOTE_EVAL_TEMP(eval_ms_rotary)

MOTE_OP(ms, RotaryEmbedding, 1, .in = "input:T position_ids:int64 cos_cache:T sin_cache:T", .out = "output:T", .types = MOTE_TYPES({"T", T_ROTARY, 0}),
        .attrs = MOTE_ATTRS(MOTE_A_INT("interleaved", 0), MOTE_A_INT("is_packed_batching", 0), MOTE_A_INT("num_heads", 0), MOTE_A_INT("rotary_embedding_dim", 0),
                  MOTE_A_FLOAT("scale", 1.0f)),
        .infer = infer_ms_rotary, .eval = eval_ms_rotary, .doc = MOTE_DOC("pairs of elements of each head, turned by the angle of their position"));

/* ---- LinearAttention ---- */

enum { QUERY, KEY, VALUE, STATE, DECAY, BETA };

static mote_status linear_rule(const mote_node *n, bool *gated, bool *delta, mote_diag *diag)
{
    const mote_str rule = mote_node_string(n, "update_rule", "gated_delta");
    *gated = mote_str_is(rule, "gated") || mote_str_is(rule, "gated_delta");
    *delta = mote_str_is(rule, "delta") || mote_str_is(rule, "gated_delta");
    MOTE_REQUIRE(*gated || *delta || mote_str_is(rule, "linear"), diag, MOTE_E_VALUE, "update_rule is '%.*s', expected linear, gated, delta or gated_delta",
                 MOTE_STR_ARG(rule));
    return MOTE_OK;
}

static int64_t quotient(int64_t a, int64_t b) { return mote_dim_known(a) ? a / b : MOTE_DIM_UNKNOWN; }

static mote_status infer_linear(mote_infer *c)
{
    const mote_type *q = c->in[QUERY], *k = c->in[KEY], *v = c->in[VALUE];
    const int64_t heads = mote_node_int(c->node, "q_num_heads", 0), kv_heads = mote_node_int(c->node, "kv_num_heads", 0);
    bool gated, delta;
    MOTE_TRY(linear_rule(c->node, &gated, &delta, c->diag));
    MOTE_REQUIRE(heads > 0 && kv_heads > 0 && heads % kv_heads == 0, c->diag, MOTE_E_VALUE, "q_num_heads is %lld, expected a multiple of kv_num_heads, %lld",
                 (long long)heads, (long long)kv_heads);
    MOTE_REQUIRE(gated == mote_infer_has(c, DECAY), c->diag, MOTE_E_MODEL, "decay is %s with this update_rule", gated ? "missing" : "not taken");
    MOTE_REQUIRE(delta == mote_infer_has(c, BETA), c->diag, MOTE_E_MODEL, "beta is %s with this update_rule", delta ? "missing" : "not taken");
    for (uint32_t i = 0; i < c->n_in; i++)
        MOTE_REQUIRE(c->in[i] == NULL || c->in[i]->rank < 0 || c->in[i]->rank == (i == STATE ? 4 : 3), c->diag, MOTE_E_SHAPE, "input %u has rank %d, expected %d", i,
                     c->in[i]->rank, i == STATE ? 4 : 3);
    for (uint32_t i = 0; i < 3; i++) {
        const int64_t last = c->in[i]->rank == 3 ? c->in[i]->dims[2] : MOTE_DIM_UNKNOWN, h = i == QUERY ? heads : kv_heads;
        MOTE_REQUIRE(!mote_dim_known(last) || last % h == 0, c->diag, MOTE_E_SHAPE, "input %u has rows of %lld, expected a multiple of %lld heads", i, (long long)last,
                     (long long)h);
    }
    int64_t y[3] = {MOTE_DIM_UNKNOWN, MOTE_DIM_UNKNOWN, MOTE_DIM_UNKNOWN}, state[4] = {MOTE_DIM_UNKNOWN, kv_heads, MOTE_DIM_UNKNOWN, MOTE_DIM_UNKNOWN};
    if (q->rank == 3) {
        y[0] = state[0] = q->dims[0];
        y[1] = q->dims[1];
        state[2] = quotient(q->dims[2], heads);
        if (k->rank == 3 && mote_dim_known(state[2]) && mote_dim_known(k->dims[2]))
            MOTE_REQUIRE(k->dims[2] / kv_heads == state[2], c->diag, MOTE_E_SHAPE, "heads of %lld in key, expected %lld as in query", (long long)k->dims[2] / kv_heads,
                         (long long)state[2]);
    }
    if (v->rank == 3) {
        state[3] = quotient(v->dims[2], kv_heads);
        if (mote_dim_known(state[3]))
            MOTE_REQUIRE(mote_i64_mul(state[3], heads, &y[2]), c->diag, MOTE_E_SHAPE, "the rows of output overflow");
    }
    mote_infer_out(c, 0, q->dtype, 3, y);
    mote_infer_out(c, 1, mote_infer_has(c, STATE) ? c->in[STATE]->dtype : q->dtype, 4, state);
    return MOTE_OK;
}

typedef struct linear {
    size_t batch, rows, heads, kv_heads, dk, dv, decay_n, beta_n;
    const float *q, *k, *v, *decay, *beta;
    float *y, *state, *row, scale;
} linear;

/* One step of one key-value head: the state becomes that after row t. */
static void linear_step(const linear *l, size_t b, size_t h, size_t t, float *s)
{
    const size_t at = b * l->rows + t;
    const float *k = l->k + (at * l->kv_heads + h) * l->dk, *v = l->v + (at * l->kv_heads + h) * l->dv;
    float *w = l->row;
    if (l->decay != NULL) {
        const float *g = l->decay + at * l->decay_n + (l->decay_n == l->kv_heads ? h : h * l->dk);
        for (size_t i = 0; i < l->dk; i++) {
            const float f = scalar_exp_f32(g[l->decay_n == l->kv_heads ? 0 : i]);
            for (size_t j = 0; j < l->dv; j++)
                s[i * l->dv + j] *= f;
        }
    }
    if (l->beta == NULL) {
        memcpy(w, v, l->dv * sizeof *w);
    } else {
        const float beta = l->beta[at * l->beta_n + (l->beta_n == 1 ? 0 : h)];
        memset(w, 0, l->dv * sizeof *w);
        for (size_t i = 0; i < l->dk; i++)
            for (size_t j = 0; j < l->dv; j++)
                w[j] += s[i * l->dv + j] * k[i];
        for (size_t j = 0; j < l->dv; j++)
            w[j] = beta * (v[j] - w[j]);
    }
    for (size_t i = 0; i < l->dk; i++)
        for (size_t j = 0; j < l->dv; j++)
            s[i * l->dv + j] += k[i] * w[j];
}

static void linear_read(const linear *l, size_t b, size_t hq, size_t t, const float *s)
{
    const float *q = l->q + ((b * l->rows + t) * l->heads + hq) * l->dk;
    float *y = l->y + ((b * l->rows + t) * l->heads + hq) * l->dv;
    memset(y, 0, l->dv * sizeof *y);
    for (size_t i = 0; i < l->dk; i++)
        for (size_t j = 0; j < l->dv; j++)
            y[j] += q[i] * s[i * l->dv + j];
    for (size_t j = 0; j < l->dv; j++)
        y[j] *= l->scale;
}

static mote_status linear_checks(const mote_eval *c, const linear *l)
{
    for (uint32_t i = 0; i < c->n_in; i++) {
        const mote_array *a = c->in[i];
        MOTE_REQUIRE(a == NULL || size(a->dims[0]) == l->batch, c->diag, MOTE_E_SHAPE, "input %u has a batch of %lld, expected %zu", i, (long long)a->dims[0], l->batch);
        MOTE_REQUIRE(a == NULL || i == STATE || size(a->dims[1]) == l->rows, c->diag, MOTE_E_SHAPE, "input %u has %lld rows, expected %zu", i, (long long)a->dims[1],
                     l->rows);
    }
    MOTE_REQUIRE(size(c->in[KEY]->dims[2]) == l->kv_heads * l->dk, c->diag, MOTE_E_SHAPE, "key has rows of %lld, expected %zu", (long long)c->in[KEY]->dims[2],
                 l->kv_heads * l->dk);
    if (mote_eval_has(c, STATE)) {
        const int64_t *d = c->in[STATE]->dims;
        MOTE_REQUIRE(size(d[1]) == l->kv_heads && size(d[2]) == l->dk && size(d[3]) == l->dv, c->diag, MOTE_E_SHAPE,
                     "past_state has states of [%lld, %lld, %lld], expected [%zu, %zu, %zu]", (long long)d[1], (long long)d[2], (long long)d[3], l->kv_heads, l->dk, l->dv);
    }
    if (mote_eval_has(c, DECAY))
        MOTE_REQUIRE(l->decay_n == l->kv_heads || l->decay_n == l->kv_heads * l->dk, c->diag, MOTE_E_SHAPE, "decay has rows of %zu, expected %zu or %zu", l->decay_n,
                     l->kv_heads, l->kv_heads * l->dk);
    if (mote_eval_has(c, BETA))
        MOTE_REQUIRE(l->beta_n == l->kv_heads || l->beta_n == 1, c->diag, MOTE_E_SHAPE, "beta has rows of %zu, expected %zu or 1", l->beta_n, l->kv_heads);
    return MOTE_OK;
}

static mote_status eval_linear_temp(mote_eval *c, mote_arena *temp)
{
    const mote_array *qa = c->in[QUERY];
    linear l = {.batch = size(qa->dims[0]), .rows = size(qa->dims[1]), .heads = size(mote_node_int(c->node, "q_num_heads", 1)),
                .kv_heads = size(mote_node_int(c->node, "kv_num_heads", 1))};
    l.dk = size(qa->dims[2]) / l.heads;
    l.dv = size(c->in[VALUE]->dims[2]) / l.kv_heads;
    l.decay_n = mote_eval_has(c, DECAY) ? size(c->in[DECAY]->dims[2]) : 0;
    l.beta_n = mote_eval_has(c, BETA) ? size(c->in[BETA]->dims[2]) : 0;
    MOTE_TRY(linear_checks(c, &l));
    l.scale = mote_node_float(c->node, "scale", 0.0f);
    if (l.scale == 0.0f)
        l.scale = (float)(1.0 / sqrt((double)l.dk));
    mote_array *ya = c->out[0], *sa = c->n_out > 1 ? c->out[1] : NULL;
    const size_t each = l.dk * l.dv, states = l.batch * l.kv_heads * each, count = l.batch * l.rows * l.heads * l.dv;
    l.q = mote_widen(temp, qa);
    l.k = mote_widen(temp, c->in[KEY]);
    l.v = mote_widen(temp, c->in[VALUE]);
    l.decay = mote_eval_has(c, DECAY) ? mote_widen(temp, c->in[DECAY]) : NULL;
    l.beta = mote_eval_has(c, BETA) ? mote_widen(temp, c->in[BETA]) : NULL;
    l.state = mote_temp(temp, states + 1, sizeof *l.state, c->diag);
    l.y = mote_temp(temp, count + 1, sizeof *l.y, c->diag);
    l.row = mote_temp(temp, l.dv + 1, sizeof *l.row, c->diag);
    if (l.q == NULL || l.k == NULL || l.v == NULL || l.state == NULL || l.y == NULL || l.row == NULL || (l.decay_n != 0 && l.decay == NULL) ||
        (l.beta_n != 0 && l.beta == NULL))
        return MOTE_NO_MEMORY(c->diag, qa->bytes);
    if (mote_eval_has(c, STATE) && states != 0)
        mote_elements_load(c->in[STATE]->dtype, c->in[STATE]->data, 0, 1, states, l.state);
    for (size_t b = 0; b < l.batch; b++)
        for (size_t h = 0; h < l.kv_heads; h++) {
            float *s = l.state + (b * l.kv_heads + h) * each;
            const size_t group = l.heads / l.kv_heads;
            for (size_t t = 0; t < l.rows; t++) {
                linear_step(&l, b, h, t, s);
                for (size_t g = 0; g < group; g++)
                    linear_read(&l, b, h * group + g, t, s);
            }
        }
    if (ya != NULL && count != 0)
        mote_elements_store(ya->dtype, ya->data, 0, count, l.y);
    if (sa != NULL && states != 0)
        mote_elements_store(sa->dtype, sa->data, 0, states, l.state);
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_linear)

MOTE_OP(onnx, LinearAttention, 27, .in = "query:T key:T value:T past_state?:S decay?:T beta?:T", .out = "output:T present_state:S",
        .types = MOTE_TYPES({"T", T_ROTARY, 0}, {"S", T_ROTARY, 0}),
        .attrs = MOTE_ATTRS(MOTE_A_INT("chunk_size", 64), MOTE_A_REQUIRED(INT, "kv_num_heads"), MOTE_A_REQUIRED(INT, "q_num_heads"), MOTE_A_FLOAT("scale", 0.0f),
                  MOTE_A_STRING("update_rule", "gated_delta")),
        .infer = infer_linear, .eval = eval_linear, .doc = MOTE_DOC("S = exp(g) S + beta k (v - (exp(g) S)' k)', y = scale q' S, row after row"));

/* ---- CausalConvWithState ---- */

static mote_status infer_causal(mote_infer *c)
{
    const mote_type *x = c->in[0], *w = c->in[1];
    const mote_str act = mote_node_string(c->node, "activation", "none");
    MOTE_REQUIRE(mote_str_is(act, "none") || mote_str_is(act, "silu") || mote_str_is(act, "swish"), c->diag, MOTE_E_VALUE,
                 "activation is '%.*s', expected none, silu or swish", MOTE_STR_ARG(act));
    for (uint32_t i = 0; i < c->n_in; i++)
        MOTE_REQUIRE(c->in[i] == NULL || c->in[i]->rank < 0 || c->in[i]->rank == (i == 2 ? 1 : 3), c->diag, MOTE_E_SHAPE, "input %u has rank %d, expected %d", i,
                     c->in[i]->rank, i == 2 ? 1 : 3);
    int64_t state[3] = {MOTE_DIM_UNKNOWN, MOTE_DIM_UNKNOWN, MOTE_DIM_UNKNOWN};
    if (x->rank == 3)
        state[0] = x->dims[0], state[1] = x->dims[1];
    if (w->rank == 3) {
        MOTE_REQUIRE(mote_dim_may_equal(w->dims[1], 1), c->diag, MOTE_E_SHAPE, "weight has %lld in dimension 1, expected 1", (long long)w->dims[1]);
        MOTE_REQUIRE(w->dims[2] != 0, c->diag, MOTE_E_SHAPE, "weight has a kernel of 0, expected 1 or more");
        MOTE_REQUIRE(x->rank != 3 || mote_dim_may_equal(w->dims[0], x->dims[1]), c->diag, MOTE_E_SHAPE, "weight has %lld channels, input %lld", (long long)w->dims[0],
                     (long long)x->dims[1]);
        state[2] = mote_dim_known(w->dims[2]) ? w->dims[2] - 1 : MOTE_DIM_UNKNOWN;
    }
    c->out[0] = *x;
    mote_infer_out(c, 1, x->dtype, 3, state);
    return MOTE_OK;
}

static mote_status eval_causal_temp(mote_eval *c, mote_arena *temp)
{
    const mote_array *xa = c->in[0], *wa = c->in[1], *ba = mote_eval_has(c, 2) ? c->in[2] : NULL, *pa = mote_eval_has(c, 3) ? c->in[3] : NULL;
    mote_array *ya = c->out[0], *sa = c->n_out > 1 ? c->out[1] : NULL;
    const size_t batch = size(xa->dims[0]), channels = size(xa->dims[1]), n = size(xa->dims[2]), k = size(wa->dims[2]), back = k - 1;
    MOTE_REQUIRE(k >= 1 && size(wa->dims[0]) == channels, c->diag, MOTE_E_SHAPE, "weight has %lld channels, expected %zu", (long long)wa->dims[0], channels);
    MOTE_REQUIRE(ba == NULL || mote_array_count(ba) == channels, c->diag, MOTE_E_SHAPE, "bias has %zu values, expected %zu", ba == NULL ? 0 : mote_array_count(ba), channels);
    MOTE_REQUIRE(pa == NULL || (size(pa->dims[0]) == batch && size(pa->dims[1]) == channels && size(pa->dims[2]) == back), c->diag, MOTE_E_SHAPE,
                 "past_state has another shape than [%zu, %zu, %zu]", batch, channels, back);
    size_t total;
    MOTE_REQUIRE(mote_size_add(n, back, &total), c->diag, MOTE_E_SHAPE, "the input is too long");
    const float *w = mote_widen(temp, wa), *bias = ba != NULL ? mote_widen(temp, ba) : NULL;
    float *row = mote_temp(temp, total + 1, sizeof *row, c->diag), *y = mote_temp(temp, n + 1, sizeof *y, c->diag);
    if (w == NULL || row == NULL || y == NULL || (ba != NULL && bias == NULL))
        return MOTE_NO_MEMORY(c->diag, total);
    const bool silu = !mote_str_is(mote_node_string(c->node, "activation", "none"), "none");
    const float one[2] = {1.0f, 0.0f};
    for (size_t r = 0; r < batch * channels; r++) {
        const size_t ch = r % channels;
        memset(row, 0, back * sizeof *row);
        if (pa != NULL && back != 0)
            mote_elements_load(pa->dtype, pa->data, r * back, 1, back, row);
        if (n != 0)
            mote_elements_load(xa->dtype, xa->data, r * n, 1, n, row + back);
        if (ya != NULL && n != 0) {
            for (size_t i = 0; i < n; i++)
                y[i] = bias != NULL ? bias[ch] : 0.0f;
            for (size_t t = 0; t < k; t++)
                for (size_t i = 0; i < n; i++)
                    y[i] = fmaf(row[i + t], w[ch * k + t], y[i]);
            if (silu)
                mote_unary_f32_f32_swish_ref(y, y, n, one);
            mote_elements_store(ya->dtype, ya->data, r * n, n, y);
        }
        if (sa != NULL && back != 0)
            mote_elements_store(sa->dtype, sa->data, r * back, back, row + n);
    }
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_causal)

MOTE_OP(onnx, CausalConvWithState, 27, .in = "input:T weight:T bias?:T past_state?:T", .out = "output:T present_state:T", .types = MOTE_TYPES({"T", T_ROTARY, 0}),
        .attrs = MOTE_ATTRS(MOTE_A_STRING("activation", "none")), .infer = infer_causal, .eval = eval_causal,
        .doc = MOTE_DOC("y[c,i] = act(b[c] + sum_t w[c,t] x[c,i+t-k+1]); the last k - 1 of x are the state"));
