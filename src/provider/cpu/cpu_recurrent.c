/* cpu_recurrent.c - lowering of LSTM, GRU and RNN in f32: the inputs of all steps as one product, then a small product and a fused step each
 * SPDX-License-Identifier: Apache-2.0
 *
 * The order of a gate's sum is that of src/ops/recurrent.c: both biases, x w ascending (the first product), h r ascending (the second, which starts from
 * what the first has stored). Other activations than ONNX's default, peepholes, clip and input_forget are left to the reference evaluation. */
#include "base/platform.h"
#include "base/size.h"
#include "kernels/recurrent/recurrent.h"
#include "kernels/unary/unary.h"
#include "provider/cpu/cpu_product.h"
#include "provider/cpu/cpu_window.h"
#include <string.h>

enum { PARALLEL_MACS = 1 << 18 }; /* of one step's product, from which waking other threads is worth it */

typedef enum cell { LSTM, GRU, RNN } cell;

typedef struct weights {
    size_t gates, input, hidden, directions, nr;
    bool split;        /* GRU: the candidate's recurrence apart */
    bool linear;       /* linear_before_reset: its bias, too */
    size_t w, r, s;    /* floats of the packed input product, recurrent product, candidate's recurrent product */
    mote_transpose_fn transpose;
    const char *src[3]; /* W, R, B or NULL; any alignment */
} weights;

typedef struct recurrent_params {
    cell kind;
    weights weights;
    const float *packed; /* NULL: packed at run into scratch */
    size_t steps, batch, scratch_packed, scratch_states;
    bool reverse, batch_first;
    const mote_gemm_f32_row *gemm;
    const mote_recurrent_row *row;
    mote_unary_fn act; /* RNN */
} recurrent_params;

/* ---- packing ---- */

/* bias[j] of n columns into the panels' first rows: a[j], or a[j] + b[j]. */
static void pack_bias(size_t nr, size_t n, size_t k, const mote_f32u *a, const mote_f32u *b, float *dst)
{
    for (size_t p = 0; p < mote_gemm_panels(nr, n); p++) {
        const size_t n0 = mote_gemm_panel(nr, n, p), n1 = mote_min_size(n, mote_gemm_panel(nr, n, p + 1));
        for (size_t j = n0; j < n1; j++)
            dst[n0 * (k + 1) + j - n0] = b != NULL ? a[j] + b[j] : a[j];
    }
}

static void pack_product(const weights *v, const char *src, size_t n, size_t k, float *dst)
{
    const mote_gemm_f32_source s = {.src = src, .n = n, .taps = 1, .kc = k, .k_stride = 1, .n_stride = k, .transpose = v->transpose};
    mote_gemm_f32_pack(v->nr, &s, dst, 0, mote_gemm_panels(v->nr, n));
}

static mote_status pack_fill(void *ctx, void *to)
{
    const weights *v = ctx;
    float *dst = to;
    const size_t columns = v->gates * v->hidden, n = v->hidden, joint = v->split ? 2 * n : columns;
    for (size_t d = 0; d < v->directions; d++) {
        const char *w = v->src[0] + d * columns * v->input * sizeof(float), *r = v->src[1] + d * columns * n * sizeof(float);
        const mote_f32u *b = v->src[2] == NULL ? NULL : (const mote_f32u *)(const void *)(v->src[2] + d * 2 * columns * sizeof(float));
        pack_product(v, w, columns, v->input, dst);
        if (b != NULL)
            pack_bias(v->nr, columns, v->input, b, b + columns, dst);
        for (size_t p = 0; b != NULL && v->linear && p < mote_gemm_panels(v->nr, columns); p++) { /* the candidate's own bias stays with r */
            const size_t n0 = mote_gemm_panel(v->nr, columns, p), n1 = mote_min_size(columns, mote_gemm_panel(v->nr, columns, p + 1));
            for (size_t j = mote_max_size(n0, 2 * n); j < n1; j++)
                dst[n0 * (v->input + 1) + j - n0] = b[j];
        }
        dst += v->w;
        pack_product(v, r, joint, n, dst);
        dst += v->r;
        if (v->split) {
            pack_product(v, r + 2 * n * n * sizeof(float), n, n, dst);
            if (b != NULL && v->linear)
                pack_bias(v->nr, n, n, b + 5 * n, NULL, dst);
            dst += v->s;
        }
    }
    return MOTE_OK;
}

/* ---- running ---- */

typedef struct run {
    const recurrent_params *p;
    mote_pool *pool;
    const float *w, *r, *s;
    float *gates, *h, *c, *reset, *y; /* gates: a row for each step and item; c: LSTM; reset: a row for each item; y NULL: not wanted */
    size_t h_stride;                  /* from one item's state to the next */
    size_t direction;
} run;

static void product(const run *v, const float *a, size_t a_stride, const float *b, float *c, size_t c_stride, size_t m, size_t n, size_t k, bool add)
{
    const mote_gemm_f32_op op = {.row = v->p->gemm, .m = m, .n = n, .taps = 1, .kc = k, .a = a, .a_stride = a_stride, .b = b, .c = c,
                                 .c_stride = c_stride, .flags = add ? MOTE_GEMM_ADD_C : 0u};
    mote_cpu_product(m * n * k >= PARALLEL_MACS ? v->pool : NULL, &op, NULL, 0);
}

/* One step t of items i .. i + m. */
static void step_items(const run *v, size_t t, size_t i, size_t m)
{
    const recurrent_params *p = v->p;
    const size_t n = p->weights.hidden, columns = p->weights.gates * n, hs = v->h_stride;
    const size_t g_stride = (p->batch_first ? p->steps : 1) * columns;
    float *gates = v->gates + (p->batch_first ? i * p->steps + t : t * p->batch + i) * columns, *h = v->h + i * hs;
    const float *recurrence = NULL;
    if (p->kind != GRU) {
        product(v, h, hs, v->r, gates, g_stride, m, columns, n, true);
    } else {
        product(v, h, hs, v->r, gates, g_stride, m, 2 * n, n, true);
        for (size_t k = 0; k < m; k++)
            p->row->gru_gates(gates + k * g_stride, h + k * hs, p->weights.linear ? NULL : v->reset + k * n, n);
        if (p->weights.linear) {
            product(v, h, hs, v->s, v->reset, n, m, n, n, false);
            recurrence = v->reset;
        } else {
            product(v, v->reset, n, v->s, gates + 2 * n, g_stride, m, n, n, true);
        }
    }
    for (size_t k = 0; k < m; k++) {
        float *state = h + k * hs, *g = gates + k * g_stride;
        if (p->kind == LSTM)
            p->row->lstm(g, v->c + (i + k) * hs, state, n);
        else if (p->kind == GRU)
            p->row->gru_state(g, recurrence != NULL ? recurrence + k * n : NULL, state, n);
        else
            p->act(g, state, n, NULL);
        const size_t directions = p->weights.directions;
        const size_t row = p->batch_first ? ((i + k) * p->steps + t) * directions + v->direction : (t * directions + v->direction) * p->batch + i + k;
        if (v->y != NULL)
            memcpy(v->y + row * n, state, n * sizeof *state);
    }
}

static mote_status run_direction(const run *v, const float *x, const int32_t *lengths, mote_diag *diag)
{
    const recurrent_params *p = v->p;
    const weights *q = &p->weights;
    const bool back = p->reverse || v->direction == 1;
    product(v, x, q->input, v->w, v->gates, q->gates * q->hidden, p->steps * p->batch, q->gates * q->hidden, q->input, false);
    for (size_t s = 0; s < p->steps && lengths == NULL; s++)
        step_items(v, back ? p->steps - 1 - s : s, 0, p->batch);
    for (size_t i = 0; i < p->batch && lengths != NULL; i++) {
        MOTE_REQUIRE(lengths[i] >= 0 && (size_t)lengths[i] <= p->steps, diag, MOTE_E_VALUE, "sequence %zu has length %d, expected 0 to %zu", i,
                     (int)lengths[i], p->steps);
        const size_t length = (size_t)lengths[i];
        for (size_t s = 0; s < length; s++)
            step_items(v, back ? length - 1 - s : s, i, 1);
    }
    return MOTE_OK;
}

static const void *input_data(const mote_step *step, uint32_t i) { return i < step->n_in && step->in[i] != NULL ? step->in[i]->data : NULL; }
static float *output_data(const mote_step *step, uint32_t i) { return i < step->n_out && step->out[i] != NULL ? step->out[i]->data : NULL; }

/* The memory of a state: the output, or scratch; with its initial value. */
static float *state(const mote_step *step, uint32_t output, uint32_t input, float *scratch, size_t floats)
{
    float *s = output_data(step, output);
    const float *first = input_data(step, input);
    if (s == NULL)
        s = scratch;
    if (first != NULL)
        memcpy(s, first, floats * sizeof *s);
    else
        memset(s, 0, floats * sizeof *s);
    return s;
}

static mote_status recurrent_run(const mote_step *step, mote_exec *x)
{
    const recurrent_params *p = step->params;
    const weights *q = &p->weights;
    float *at = x->scratch;
    const float *packed = p->packed;
    if (packed == NULL) {
        weights v = *q;
        for (uint32_t i = 0; i < 3; i++)
            v.src[i] = input_data(step, 1 + i);
        MOTE_TRY(pack_fill(&v, at));
        packed = at;
        at += p->scratch_packed;
    }
    const size_t states = q->directions * p->batch * q->hidden;
    run v = {.p = p, .pool = x->pool, .y = output_data(step, 0), .h_stride = (p->batch_first ? q->directions : 1) * q->hidden};
    float *h = state(step, 1, 5, at, states), *c = NULL;
    at += p->scratch_states;
    if (p->kind == LSTM)
        c = state(step, 2, 6, at, states);
    at += p->scratch_states;
    v.reset = at;
    at += p->scratch_states;
    v.gates = at;
    const int32_t *lengths = input_data(step, 4);
    if (lengths != NULL && v.y != NULL)
        memset(v.y, 0, step->out[0]->bytes); /* behind the sequences */
    for (size_t d = 0; d < q->directions; d++) {
        const size_t first = d * (p->batch_first ? 1 : p->batch) * q->hidden;
        v.direction = d;
        v.w = packed + d * (q->w + q->r + q->s);
        v.r = v.w + q->w;
        v.s = v.r + q->r;
        v.h = h + first;
        v.c = c != NULL ? c + first : NULL;
        MOTE_TRY(run_direction(&v, step->in[0]->data, lengths, x->diag));
    }
    return MOTE_OK;
}

/* ---- choice ---- */

static bool default_activations(const mote_node *node, cell kind, size_t directions, mote_unary *rnn)
{
    static const char *const names[3][3] = {{"Sigmoid", "Tanh", "Tanh"}, {"Sigmoid", "Tanh", NULL}, {"Tanh", NULL, NULL}};
    const size_t each = kind == LSTM ? 3 : kind == GRU ? 2 : 1;
    const mote_attr *a = mote_node_attr(node, "activations");
    *rnn = MOTE_UNARY_TANH;
    if (a == NULL || a->n == 0)
        return true;
    if (a->n != each * directions)
        return false;
    if (kind == RNN && mote_str_is(a->strings[0], "Relu") && (directions == 1 || mote_str_is(a->strings[1], "Relu"))) {
        *rnn = MOTE_UNARY_RELU;
        return true;
    }
    for (size_t i = 0; i < a->n; i++)
        if (!mote_str_is(a->strings[i], names[kind][i % each]))
            return false;
    return true;
}

static bool present(const mote_lower *l, uint32_t i) { return i < l->n_in && l->in[i] != NULL; }

/* Sizes of packed weights and scratch, in floats; false if not representable. */
static bool sizes(recurrent_params *p, size_t *packed, size_t *scratch)
{
    weights *v = &p->weights;
    size_t columns, gates;
    if (!mote_size_mul(v->gates, v->hidden, &columns) || !mote_gemm_f32_packed(columns, v->input, &v->w) ||
        !mote_gemm_f32_packed(v->split ? 2 * v->hidden : columns, v->hidden, &v->r) ||
        (v->split && !mote_gemm_f32_packed(v->hidden, v->hidden, &v->s)))
        return false;
    if (!mote_size_add(v->w, v->r, packed) || !mote_size_add(*packed, v->s, packed) || !mote_size_mul(*packed, v->directions, packed))
        return false;
    if (!mote_size_mul(v->directions * v->hidden, p->batch, &p->scratch_states) || !mote_size_align(p->scratch_states, MOTE_LANES, &p->scratch_states) ||
        !mote_size_mul(p->steps, p->batch, &gates) || !mote_size_mul(gates, columns, &gates))
        return false;
    p->scratch_packed = *packed;
    return mote_size_mul(p->scratch_states, 3, scratch) && mote_size_add(*scratch, gates, scratch);
}

static mote_status lower_recurrent(mote_lower *l)
{
    const mote_array *x = l->in[0], *w = l->in[1], *r = l->in[2];
    const mote_node *node = l->node;
    const cell kind = mote_str_is(node->op, "LSTM") ? LSTM : mote_str_is(node->op, "GRU") ? GRU : RNN;
    const mote_str direction = mote_node_string(node, "direction", "forward");
    mote_unary act;
    if (x->dtype != MOTE_DTYPE_F32 || x->rank != 3 || w->rank != 3 || r->rank != 3 || mote_node_attr(node, "clip") != NULL || present(l, 7) ||
        mote_node_int(node, "input_forget", 0) != 0 || !default_activations(node, kind, (size_t)w->dims[0], &act))
        return MOTE_OK;
    recurrent_params *p;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = (recurrent_params){.kind = kind, .reverse = mote_str_is(direction, "reverse"), .batch_first = mote_node_int(node, "layout", 0) == 1,
                            .gemm = mote_gemm_f32_select(l->cpu), .row = mote_recurrent_select(l->cpu), .act = mote_unary_select(act, l->cpu)->fn};
    p->steps = (size_t)x->dims[p->batch_first ? 1 : 0];
    p->batch = (size_t)x->dims[p->batch_first ? 0 : 1];
    p->weights = (weights){.gates = kind == LSTM ? 4 : kind == GRU ? 3 : 1, .input = (size_t)x->dims[2], .hidden = (size_t)r->dims[2],
                           .directions = (size_t)w->dims[0], .nr = p->gemm->nr, .split = kind == GRU,
                           .linear = kind == GRU && mote_node_int(node, "linear_before_reset", 0) != 0,
                           .transpose = mote_transpose_select(sizeof(float), l->cpu)->fn};
    size_t packed, scratch, bytes;
    if (p->steps == 0 || p->batch == 0 || p->weights.input == 0 || p->weights.hidden == 0 || !sizes(p, &packed, &scratch) ||
        !mote_size_mul(packed, sizeof(float), &bytes))
        return MOTE_OK;
    const bool bias = present(l, 3);
    if (mote_lower_fixed(l, 1) && mote_lower_fixed(l, 2) && (!bias || mote_lower_fixed(l, 3))) {
        static const uint32_t inputs[] = {1, 2, 3};
        p->weights.src[0] = l->in[1]->data;
        p->weights.src[1] = l->in[2]->data;
        p->weights.src[2] = bias ? l->in[3]->data : NULL;
        MOTE_TRY(mote_lower_pack(l, inputs, bias ? 3 : 2, MOTE_VARIANT('r' << 8 | (int)kind << 1 | (int)p->weights.linear, p->gemm->nr), bytes, pack_fill,
                                 &p->weights, (const void **)&p->packed));
        l->gone = l->unread = bias ? 14u : 6u;
    } else if (!mote_size_add(scratch, packed, &scratch)) {
        return MOTE_OK;
    }
    if (!mote_size_mul(scratch, sizeof(float), &l->scratch_bytes))
        return MOTE_OK;
    l->run = recurrent_run;
    l->params = p;
    l->kernel = p->row->name;
    return MOTE_OK;
}

MOTE_LOWER(onnx, LSTM, lower_recurrent)
MOTE_LOWER(onnx, GRU, lower_recurrent)
MOTE_LOWER(onnx, RNN, lower_recurrent)
