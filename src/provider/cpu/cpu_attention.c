/* cpu_attention.c - lowering of attention: the form of domain "mote", ONNX's, com.microsoft's GroupQueryAttention and MultiHeadAttention
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/size.h"
#include "kernels/rotary/rotary.h"
#include "ops/attention.h"
#include "ops/ms_attention.h"
#include "ops/rotary.h"
#include "provider/cpu/cpu_attend.h"
#include <string.h>

/* ---- mote.Attention ---- */

static mote_status form_run(const mote_step *step, mote_exec *x)
{
    const mote_cpu_attend *p = step->params;
    float *scratch = x->scratch;
    int64_t *places = x->scratch; /* two a batch, then floats */
    for (size_t b = 0; b < p->a.batch; b++) {
        places[b] = 0;
        places[p->a.batch + b] = (int64_t)p->a.s;
    }
    const mote_cpu_attend_data d = {.q = step->in[0]->data, .k = step->in[1]->data, .v = step->in[2]->data, .bias = p->a.bias ? step->in[3]->data : NULL,
                                    .y = step->out[0]->data, .offset = places, .valid = places + p->a.batch};
    mote_cpu_attend_run(p, &d, x->pool, scratch + mote_div_up(4 * p->a.batch, MOTE_LANES) * MOTE_LANES);
    return MOTE_OK;
}

/* Scratch of `floats` behind two integers a batch. */
static bool with_places(const mote_attend *a, size_t floats, size_t *bytes)
{
    size_t places;
    return mote_size_mul(a->batch, 4, &places) && mote_size_align(places, MOTE_LANES, &places) && mote_size_add(floats, places, &floats) &&
           mote_size_mul(floats, sizeof(float), bytes);
}

static mote_status lower_form(mote_lower *l)
{
    const mote_array *q = l->in[0], *k = l->in[1], *v = l->in[2], *mask = l->n_in > 3 ? l->in[3] : NULL;
    if (l->out[0] == NULL || q->rank != 3 || k->rank != 3 || v->rank != 3)
        return MOTE_OK;
    const size_t heads = (size_t)mote_node_int(l->node, "heads", 1), batch = (size_t)q->dims[0], qw = (size_t)q->dims[2], vw = (size_t)v->dims[2];
    if (heads == 0 || qw % heads != 0 || vw % heads != 0 || k->dims[0] != q->dims[0] || v->dims[0] != q->dims[0] || k->dims[2] != q->dims[2] ||
        v->dims[1] != k->dims[1])
        return MOTE_OK;
    mote_cpu_attend *p;
    mote_attend a = {.batch = batch, .heads = heads, .kv_heads = heads, .l = (size_t)q->dims[1], .s = (size_t)k->dims[1], .d = qw / heads, .e = vw / heads,
                     .scale = mote_node_float(l->node, "scale", 1.0f), .left = -1, .right = -1};
    size_t floats;
    mote_attend_steps_3d(a.q, heads, a.l, a.d);
    mote_attend_steps_3d(a.k, heads, a.s, a.d);
    mote_attend_steps_3d(a.v, heads, a.s, a.e);
    mote_attend_steps_3d(a.y, heads, a.l, a.e);
    if (mask != NULL && mote_attend_bias(&a, mask, false, "the mask", NULL) != MOTE_OK)
        return MOTE_OK;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    if (!mote_cpu_attend_of(p, &a, false, l->cpu, l->workers, &floats) || !with_places(&a, floats, &l->scratch_bytes))
        return MOTE_OK;
    l->run = form_run;
    l->params = p;
    l->kernel = mote_cpu_attend_kernel(p);
    return MOTE_OK;
}

MOTE_LOWER(mote, Attention, lower_form)

/* ---- Attention ---- */

enum { Q, K, V, MASK, PAST_K, PAST_V, NONPAD };

typedef struct attention_params {
    mote_cpu_attend at;
    size_t past, own_k[3], own_v[3]; /* rows of the caches; steps of K and V */
    size_t bias_floats, join_floats[2]; /* of a bool mask as floats; of keys and values joined where no output takes them */
} attention_params;

typedef struct join_job {
    const attention_params *p;
    const float *past[2], *now[2];
    float *to[2];
} join_job;

/* Keys (even items) and values of one head of one batch behind the past ones. */
static void join_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    const join_job *j = ctx;
    const attention_params *p = j->p;
    const mote_attend *a = &p->at.a;
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        const size_t i = item % 2, b = item / 2 / a->kv_heads, h = item / 2 % a->kv_heads, n = i == 0 ? a->d : a->e;
        const size_t *own = i == 0 ? p->own_k : p->own_v;
        if (j->to[i] != NULL)
            mote_attend_join(j->to[i] + item / 2 * a->s * n, j->past[i] != NULL ? j->past[i] + item / 2 * p->past * n : NULL, j->now[i] + b * own[0] + h * own[1], own, 1, 1,
                             a->s, p->past, a->s - p->past, n, sizeof(float));
    }
}

static mote_status attention_run(const mote_step *step, mote_exec *x)
{
    const attention_params *p = step->params;
    const mote_attend *a = &p->at.a;
    int64_t *places = x->scratch;
    float *scratch = (float *)x->scratch + mote_div_up(4 * a->batch, MOTE_LANES) * MOTE_LANES;
    mote_cpu_attend_data d = {.q = step->in[Q]->data, .k = step->in[K]->data, .v = step->in[V]->data, .y = step->out[0]->data, .offset = places,
                              .valid = places + a->batch};
    MOTE_TRY(mote_attention_places(a, step->n_in > NONPAD ? step->in[NONPAD] : NULL, p->past, places, places + a->batch, x->diag));
    if (a->bias) {
        const mote_array *mask = step->in[MASK];
        d.bias = mask->data;
        if (p->bias_floats != 0) {
            const uint8_t *m = mask->data;
            for (size_t i = 0, n = mote_array_count(mask); i < n; i++) { /* 0 or -inf, without a branch that random masks would mislead */
                const uint32_t bits = ((uint32_t)(m[i] != 0) - 1u) & 0xff800000u;
                memcpy(&scratch[i], &bits, sizeof bits);
            }
            d.bias = scratch;
            scratch += p->bias_floats;
        }
    }
    join_job j = {.p = p, .now = {d.k, d.v}};
    for (uint32_t i = 0; i < 2; i++) {
        j.to[i] = step->n_out > 1 + i && step->out[1 + i] != NULL ? step->out[1 + i]->data : NULL;
        if (p->past != 0) {
            j.past[i] = step->in[PAST_K + i]->data;
            if (j.to[i] == NULL) {
                j.to[i] = scratch;
                scratch += p->join_floats[i];
            }
        }
    }
    if (j.to[0] != NULL || j.to[1] != NULL)
        mote_parallel_for(x->pool, 2 * a->batch * a->kv_heads, 1, join_range, &j);
    if (p->past != 0) {
        d.k = j.to[0];
        d.v = j.to[1];
    }
    mote_cpu_attend_run(&p->at, &d, x->pool, scratch);
    return MOTE_OK;
}

static bool is_f32(const mote_lower *l, uint32_t i) { return i >= l->n_in || l->in[i] == NULL || l->in[i]->dtype == MOTE_DTYPE_F32; }

static mote_status lower_attention(mote_lower *l)
{
    const mote_array *mask = l->n_in > MASK ? l->in[MASK] : NULL;
    mote_attend a;
    attention_params *p;
    size_t past, floats, count;
    if (l->out[0] == NULL || (l->n_out > 3 && l->out[3] != NULL) || !is_f32(l, Q) || !is_f32(l, K) || !is_f32(l, V) || !is_f32(l, PAST_K) || !is_f32(l, PAST_V) ||
        (mask != NULL && mask->dtype != MOTE_DTYPE_F32 && mask->dtype != MOTE_DTYPE_BOOL) ||
        mote_node_int(l->node, "softmax_precision", MOTE_DTYPE_F32) != MOTE_DTYPE_F32)
        return MOTE_OK;
    MOTE_TRY(mote_attention_of(l->node, l->in, l->n_in, &a, &past, l->diag));
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = (attention_params){.past = past};
    memcpy(p->own_k, a.k, sizeof p->own_k);
    memcpy(p->own_v, a.v, sizeof p->own_v);
    if (past != 0) {
        mote_attend_steps_4d(a.k, a.kv_heads, a.s, a.d);
        mote_attend_steps_4d(a.v, a.kv_heads, a.s, a.e);
    }
    if (!mote_cpu_attend_of(&p->at, &a, false, l->cpu, l->workers, &floats))
        return MOTE_OK;
    if (mask != NULL && mask->dtype == MOTE_DTYPE_BOOL) {
        if (!mote_size_align(mote_array_count(mask), MOTE_LANES, &p->bias_floats) || !mote_size_add(floats, p->bias_floats, &floats))
            return MOTE_OK;
    }
    for (uint32_t i = 0; i < 2 && past != 0; i++) {
        if (l->n_out > 1 + i && l->out[1 + i] != NULL)
            continue;
        if (!mote_size_mul(a.batch * a.kv_heads, a.s, &count) || !mote_size_mul(count, i == 0 ? a.d : a.e, &count) || !mote_size_align(count, MOTE_LANES, &count) ||
            !mote_size_add(floats, count, &floats))
            return MOTE_OK;
        p->join_floats[i] = count;
    }
    if (!with_places(&a, floats, &l->scratch_bytes))
        return MOTE_OK;
    l->run = attention_run;
    l->params = p;
    l->kernel = mote_cpu_attend_kernel(&p->at);
    return MOTE_OK;
}

MOTE_LOWER(onnx, Attention, lower_attention)

/* ---- GroupQueryAttention ---- */

typedef struct gqa_params {
    mote_cpu_attend at;
    mote_rotary_fn turn;
    size_t q_floats, cache_floats, at_floats; /* rotated queries; a cache that no output takes; the rows of the rotary caches */
} gqa_params;

typedef struct gqa_job {
    const mote_gqa *g;
    const mote_step *step;
    const float *q, *now[2];
    float *rotated, *cache[2];
    const int64_t *known, *valid;
    const uint32_t *at;
    mote_rotary_fn turn;
} gqa_job;

/* `heads` heads behind each other, in place. */
static void turn(const gqa_job *j, float *x, size_t heads, size_t at)
{
    const mote_gqa *g = j->g;
    const float *cosine = (const float *)j->step->in[MOTE_GQA_COS]->data + at * g->half, *sine = (const float *)j->step->in[MOTE_GQA_SIN]->data + at * g->half;
    if (!g->interleaved)
        j->turn(x, g->a.d, x, g->a.d, heads, cosine, sine, g->half);
    for (size_t h = 0; h < heads && g->interleaved; h++)
        mote_rotate(x + h * g->a.d, x + h * g->a.d, cosine, sine, g->half, true);
}

/* Keys (even items) and values of one head of one batch: what was there, the chunk's rows (keys turned), zeros. */
static void cache_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    const gqa_job *j = ctx;
    const mote_gqa *g = j->g;
    const mote_attend *a = &g->a;
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        const size_t i = item % 2, b = item / 2 / a->kv_heads, h = item / 2 % a->kv_heads, known = (size_t)j->known[b], valid = (size_t)j->valid[b], d = a->d;
        const size_t *step = i == 0 ? g->new_k : g->new_v;
        const float *now = j->now[i] + b * step[0] + h * step[1];
        float *to = j->cache[i] + item / 2 * a->s * d;
        if (known != 0)
            memcpy(to, (const float *)j->step->in[MOTE_GQA_PAST_K + i]->data + item / 2 * g->past_rows * d, known * d * sizeof *to);
        for (size_t r = known; r < valid; r++) {
            memcpy(to + r * d, now + (r - known) * step[2], d * sizeof *to);
            if (i == 0 && g->half != 0)
                turn(j, to + r * d, 1, j->at[b * a->l + r - known]);
        }
        memset(to + valid * d, 0, (a->s - valid) * d * sizeof *to);
    }
}

/* Rows of queries, turned. */
static void query_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    const gqa_job *j = ctx;
    const mote_gqa *g = j->g;
    const mote_attend *a = &g->a;
    const size_t width = a->heads * a->d;
    (void)worker;
    for (size_t row = begin; row < end; row++) {
        const size_t b = row / a->l, i = row % a->l;
        float *to = j->rotated + row * width;
        memcpy(to, j->q + b * g->new_q[0] + i * g->new_q[2], width * sizeof *to);
        if (i < (size_t)(j->valid[b] - j->known[b]))
            turn(j, to, a->heads, j->at[row]);
    }
}

static mote_status gqa_run(const mote_step *step, mote_exec *x)
{
    const gqa_params *p = step->params;
    const mote_array *const *in = (const mote_array *const *)step->in, *positions = step->n_in > MOTE_GQA_POSITIONS ? in[MOTE_GQA_POSITIONS] : NULL;
    mote_gqa g;
    int64_t total;
    MOTE_TRY(mote_arg_int(in[MOTE_GQA_TOTAL], "total_sequence_length", x->diag, &total));
    MOTE_TRY(mote_gqa_of(step->node, in, step->n_in, total, &g, x->diag));
    const mote_attend *a = &g.a;
    MOTE_REQUIRE(a->s == p->at.a.s, x->diag, MOTE_E_VALUE, "total_sequence_length is %lld, expected to give caches of %zu rows", (long long)total, p->at.a.s);
    int64_t *known = x->scratch, *valid = known + a->batch;
    float *scratch = (float *)x->scratch + mote_div_up(4 * a->batch, MOTE_LANES) * MOTE_LANES;
    uint32_t *at = (uint32_t *)(void *)scratch;
    scratch += p->at_floats;
    for (size_t b = 0; b < a->batch; b++) {
        size_t rows;
        MOTE_TRY(mote_gqa_batch(&g, in, step->n_in, total, b, &known[b], &rows, x->diag));
        valid[b] = known[b] + (int64_t)rows;
        for (size_t i = 0; g.half != 0 && i < a->l; i++) {
            size_t place = 0;
            if (i < rows)
                MOTE_TRY(mote_gqa_position(&g, positions, known[b], total, b, i, &place, x->diag));
            at[b * a->l + i] = (uint32_t)place;
        }
    }
    gqa_job j = {.g = &g, .step = step, .q = in[0]->data, .known = known, .valid = valid, .at = at, .turn = p->turn};
    for (uint32_t i = 0; i < 2; i++) {
        j.now[i] = g.packed ? (const float *)in[0]->data + (i == 0 ? g.first_k : g.first_v) : in[1 + i]->data;
        j.cache[i] = step->n_out > 1 + i && step->out[1 + i] != NULL ? step->out[1 + i]->data : scratch;
        if (j.cache[i] == scratch)
            scratch += p->cache_floats;
    }
    mote_parallel_for(x->pool, 2 * a->batch * a->kv_heads, 1, cache_range, &j);
    mote_cpu_attend run = p->at;
    run.a.bias_s = a->bias_s;
    memcpy(run.a.bias_step, a->bias_step, sizeof run.a.bias_step);
    mote_cpu_attend_data d = {.q = j.q, .k = j.cache[0], .v = j.cache[1], .bias = a->bias ? in[MOTE_GQA_BIAS]->data : NULL, .y = step->out[0]->data, .offset = known,
                              .valid = valid, .sinks = step->n_in > MOTE_GQA_SINK && in[MOTE_GQA_SINK] != NULL ? in[MOTE_GQA_SINK]->data : NULL};
    memcpy(run.a.q, g.new_q, sizeof run.a.q);
    if (g.half != 0) {
        j.rotated = scratch;
        scratch += p->q_floats;
        mote_parallel_for(x->pool, a->batch * a->l, 1, query_range, &j);
        d.q = j.rotated;
        mote_attend_steps_3d(run.a.q, a->heads, a->l, a->d);
    }
    mote_cpu_attend_run(&run, &d, x->pool, scratch);
    return MOTE_OK;
}

static mote_status lower_gqa(mote_lower *l)
{
    mote_gqa g;
    gqa_params *p;
    int64_t total;
    size_t floats, count;
    if (l->out[0] == NULL || (l->n_out > 3 && l->out[3] != NULL))
        return MOTE_OK;
    for (uint32_t i = 0; i < l->n_in; i++)
        if (l->in[i] != NULL && (mote_dtype_in(l->in[i]->dtype, MOTE_DT(F16) | MOTE_DT(BF16))))
            return MOTE_OK;
    if (l->n_out > 1 && l->out[1] != NULL)
        total = l->out[1]->dims[2];
    else if (l->value[MOTE_GQA_TOTAL] != NULL)
        MOTE_TRY(mote_arg_int(l->value[MOTE_GQA_TOTAL], "total_sequence_length", l->diag, &total));
    else
        return MOTE_OK;
    /* the mask's last dimension is that of the keys, which the caches may be longer than */
    const mote_array *bias = l->n_in > MOTE_GQA_BIAS ? l->in[MOTE_GQA_BIAS] : NULL;
    if (bias != NULL && bias->rank > 0 && bias->dims[bias->rank - 1] > 1)
        total = bias->dims[bias->rank - 1];
    MOTE_TRY(mote_gqa_of(l->node, l->in, l->n_in, total, &g, l->diag));
    if (g.cache_rows > UINT32_MAX)
        return MOTE_OK;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    const mote_attend *a = &g.a;
    if (!mote_cpu_attend_of(&p->at, a, l->n_in > MOTE_GQA_SINK && l->in[MOTE_GQA_SINK] != NULL, l->cpu, l->workers, &floats))
        return MOTE_OK;
    if (!mote_size_mul(a->batch * a->l, a->heads * a->d, &p->q_floats) || !mote_size_align(p->q_floats, MOTE_LANES, &p->q_floats) ||
        !mote_size_align(a->batch * a->l, MOTE_LANES, &p->at_floats) || !mote_size_mul(a->batch * a->kv_heads * a->s, a->d, &p->cache_floats) ||
        !mote_size_align(p->cache_floats, MOTE_LANES, &p->cache_floats))
        return MOTE_OK;
    if (g.half == 0)
        p->q_floats = p->at_floats = 0;
    p->turn = mote_rotary_select(l->cpu)->fn;
    count = 0;
    for (uint32_t i = 0; i < 2; i++)
        count += l->n_out > 1 + i && l->out[1 + i] != NULL ? 0 : p->cache_floats;
    if (!mote_size_add(floats, count, &floats) || !mote_size_add(floats, p->q_floats, &floats) || !mote_size_add(floats, p->at_floats, &floats) ||
        !with_places(a, floats, &l->scratch_bytes))
        return MOTE_OK;
    l->run = gqa_run;
    l->params = p;
    l->kernel = mote_cpu_attend_kernel(&p->at);
    return MOTE_OK;
}

MOTE_LOWER(ms, GroupQueryAttention, lower_gqa)

/* ---- MultiHeadAttention ---- */

typedef struct mha_params {
    mote_cpu_attend at;
    mote_mha m;
    mote_attend own;                 /* attention_bias' own steps */
    size_t mask_floats, sum_floats[3], join_floats[2]; /* of the mask; of Q, K, V with their bias; of caches that no output takes */
} mha_params;

typedef struct add_job {
    mote_binary_fn add;
    const float *x, *bias;
    float *y;
    size_t n;
} add_job;

static void add_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    const add_job *j = ctx;
    (void)worker;
    for (size_t r = begin; r < end; r++)
        j->add(j->x + r * j->n, j->bias, j->y + r * j->n, j->n, MOTE_FORM_VV);
}

static mote_status mha_run(const mote_step *step, mote_exec *x)
{
    const mha_params *p = step->params;
    const mote_attend *a = &p->at.a;
    int64_t *places = x->scratch;
    float *scratch = (float *)x->scratch + mote_div_up(4 * a->batch, MOTE_LANES) * MOTE_LANES;
    const float *in[3] = {step->in[MOTE_MHA_Q]->data, step->in[MOTE_MHA_K]->data, step->in[MOTE_MHA_V]->data};
    size_t first = 0;
    for (uint32_t i = 0; i < 3; i++) {
        const size_t n = a->heads * (i < 2 ? a->d : a->e);
        if (p->sum_floats[i] != 0) {
            add_job j = {.add = p->at.add, .x = in[i], .bias = (const float *)step->in[MOTE_MHA_BIAS]->data + first, .y = scratch, .n = n};
            mote_parallel_for(x->pool, a->batch * (i == 0 ? a->l : a->s - p->m.past), 8, add_range, &j);
            in[i] = scratch;
            scratch += p->sum_floats[i];
        }
        first += n;
    }
    for (size_t b = 0; b < a->batch; b++) {
        places[b] = (int64_t)p->m.past;
        places[a->batch + b] = (int64_t)a->s;
    }
    mote_cpu_attend_data d = {.q = in[0], .k = in[1], .v = in[2], .y = step->out[0]->data, .offset = places, .valid = places + a->batch};
    if (p->own.bias)
        d.bias = step->in[MOTE_MHA_SCORE_BIAS]->data;
    if (p->mask_floats != 0) {
        mote_ms_bias_fill(a, &p->own, step->in[MOTE_MHA_MASK], d.bias, mote_node_float(step->node, "mask_filter_value", -10000.0f), scratch);
        d.bias = scratch;
        scratch += p->mask_floats;
    }
    attention_params of = {.at = p->at, .past = p->m.past}; /* what joining reads */
    memcpy(of.own_k, p->m.a.k, sizeof of.own_k);
    memcpy(of.own_v, p->m.a.v, sizeof of.own_v);
    join_job j = {.p = &of, .now = {in[1], in[2]}};
    for (uint32_t i = 0; i < 2; i++) {
        j.to[i] = step->n_out > 1 + i && step->out[1 + i] != NULL ? step->out[1 + i]->data : NULL;
        if (p->m.past != 0) {
            j.past[i] = step->in[MOTE_MHA_PAST_K + i]->data;
            if (j.to[i] == NULL) {
                j.to[i] = scratch;
                scratch += p->join_floats[i];
            }
        }
    }
    if (j.to[0] != NULL || j.to[1] != NULL)
        mote_parallel_for(x->pool, 2 * a->batch * a->kv_heads, 1, join_range, &j);
    if (p->m.past != 0) {
        d.k = j.to[0];
        d.v = j.to[1];
    }
    mote_cpu_attend_run(&p->at, &d, x->pool, scratch);
    return MOTE_OK;
}

/* *to = a b floats in whole vectors, added to *sum. */
static bool take(size_t a, size_t b, size_t *to, size_t *sum)
{
    return mote_size_mul(a, b, to) && mote_size_align(*to, MOTE_LANES, to) && mote_size_add(*sum, *to, sum);
}

static mote_status lower_mha(mote_lower *l)
{
    const mote_array *mask = l->n_in > MOTE_MHA_MASK ? l->in[MOTE_MHA_MASK] : NULL, *bias = l->n_in > MOTE_MHA_SCORE_BIAS ? l->in[MOTE_MHA_SCORE_BIAS] : NULL;
    mha_params *p;
    size_t floats, count;
    if (l->out[0] == NULL || (l->n_out > 3 && l->out[3] != NULL) || l->in[MOTE_MHA_Q]->dtype != MOTE_DTYPE_F32)
        return MOTE_OK;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = (mha_params){.mask_floats = 0};
    MOTE_TRY(mote_mha_of(l->node, l->in, l->n_in, &p->m, l->diag));
    if (p->m.packed_q || p->m.packed_k)
        return MOTE_OK;
    mote_attend a = p->m.a;
    if (p->m.past != 0) {
        mote_attend_steps_4d(a.k, a.kv_heads, a.s, a.d);
        mote_attend_steps_4d(a.v, a.kv_heads, a.s, a.e);
    }
    MOTE_TRY(mote_ms_bias_of(&a, mask, bias, &p->own, &count, l->diag));
    if (!mote_cpu_attend_of(&p->at, &a, false, l->cpu, l->workers, &floats) || !take(count, 1, &p->mask_floats, &floats))
        return MOTE_OK;
    const size_t rows = a.batch * (a.s - p->m.past);
    for (uint32_t i = 0; i < 3 && l->n_in > MOTE_MHA_BIAS && l->in[MOTE_MHA_BIAS] != NULL && (i == 0 || !p->m.four); i++)
        if (!take(i == 0 ? a.batch * a.l : rows, a.heads * (i < 2 ? a.d : a.e), &p->sum_floats[i], &floats))
            return MOTE_OK;
    for (uint32_t i = 0; i < 2 && p->m.past != 0; i++)
        if (!(l->n_out > 1 + i && l->out[1 + i] != NULL) && !take(a.batch * a.kv_heads * a.s, i == 0 ? a.d : a.e, &p->join_floats[i], &floats))
            return MOTE_OK;
    if (!with_places(&a, floats, &l->scratch_bytes))
        return MOTE_OK;
    l->run = mha_run;
    l->params = p;
    l->kernel = mote_cpu_attend_kernel(&p->at);
    return MOTE_OK;
}

MOTE_LOWER(ms, MultiHeadAttention, lower_mha)
