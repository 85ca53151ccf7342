/* recurrent.c - LSTM, GRU, RNN
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ONNX LSTM-22, GRU-22, RNN-22. f32, an output's order of operations: both biases are added, then x w over k ascending, then h r over k
 * ascending, then peepholes, one fma a term; cell = fma(forget, cell, input candidate); GRU h = fma(z, h, (1 - z) candidate). Steps behind a
 * sequence's length give 0 in Y and leave the states. float16 and bfloat16 keep their states in float and are rounded once. */
#include "base/platform.h"
#include "ops/scalar.h"
#include "ops/types.h"
#include "ops/wide.h"
#include <math.h>
#include <string.h>

typedef enum form { FORM_AFFINE, FORM_RELU, FORM_LEAKY, FORM_THRESHOLD, FORM_TANH, FORM_SCALED, FORM_SIGMOID, FORM_HARD, FORM_ELU, FORM_SOFTSIGN, FORM_SOFTPLUS, FORM_COUNT } form;

typedef struct activation {
    form form;
    float alpha, beta;
} activation;

typedef struct form_spec {
    const char *name;
    bool has_alpha, has_beta;
    float alpha, beta;
} form_spec;

static const form_spec forms[FORM_COUNT] = {
    [FORM_AFFINE] = {"affine", true, true, 1, 0},         [FORM_RELU] = {"relu", false, false, 0, 0},
    [FORM_LEAKY] = {"leakyrelu", true, false, 0.01f, 0},  [FORM_THRESHOLD] = {"thresholdedrelu", true, false, 1, 0},
    [FORM_TANH] = {"tanh", false, false, 0, 0},           [FORM_SCALED] = {"scaledtanh", true, true, 1, 1},
    [FORM_SIGMOID] = {"sigmoid", false, false, 0, 0},     [FORM_HARD] = {"hardsigmoid", true, true, 0.2f, 0.5f},
    [FORM_ELU] = {"elu", true, false, 1, 0},              [FORM_SOFTSIGN] = {"softsign", false, false, 0, 0},
    [FORM_SOFTPLUS] = {"softplus", false, false, 0, 0},
};

typedef struct recurrent {
    size_t gates, states; /* activations a direction: 3, 2, 1 */
    size_t directions, steps, batch, input, hidden;
    bool reverse, batch_first, input_forget, linear_before_reset, has_clip;
    float clip;
    activation f[6];        /* three a direction */
    const int32_t *lengths; /* NULL: all steps */
} recurrent;

/* ---- activations ---- */

static float unary_f32(mote_unary op, float x, float p0, float p1)
{
    float y, p[2] = {p0, p1};
    mote_unary_select(op, 0)->fn(&x, &y, 1, p);
    return y;
}

static float act_f32(const activation *f, float x)
{
    switch (f->form) {
    case FORM_AFFINE: return fmaf(f->alpha, x, f->beta);
    case FORM_RELU: return x > 0 ? x : x != x ? x : 0;
    case FORM_LEAKY: return x < 0 ? f->alpha * x : x;
    case FORM_THRESHOLD: return x > f->alpha ? x : 0;
    case FORM_TANH: return unary_f32(MOTE_UNARY_TANH, x, 0, 0);
    case FORM_SCALED: return f->alpha * unary_f32(MOTE_UNARY_TANH, f->beta * x, 0, 0);
    case FORM_SIGMOID: return unary_f32(MOTE_UNARY_SIGMOID, x, 0, 0);
    case FORM_HARD: return unary_f32(MOTE_UNARY_HARDSIGMOID, x, f->alpha, f->beta);
    case FORM_ELU: return unary_f32(MOTE_UNARY_ELU, x, f->alpha, 1);
    case FORM_SOFTSIGN: return unary_f32(MOTE_UNARY_SOFTSIGN, x, 0, 0);
    default: return unary_f32(MOTE_UNARY_SOFTPLUS, x, 0, 0);
    }
}

static double act_f64(const activation *f, double x)
{
    double alpha = (double)f->alpha, beta = (double)f->beta;
    switch (f->form) {
    case FORM_AFFINE: return fma(alpha, x, beta);
    case FORM_RELU: return x > 0 ? x : x != x ? x : 0;
    case FORM_LEAKY: return x < 0 ? alpha * x : x;
    case FORM_THRESHOLD: return x > alpha ? x : 0;
    case FORM_TANH: return tanh(x);
    case FORM_SCALED: return alpha * tanh(beta * x);
    case FORM_SIGMOID: return scalar_sigmoid_f64(x);
    case FORM_HARD: return fmax(0, fmin(1, alpha * x + beta));
    case FORM_ELU: return x < 0 ? alpha * expm1(x) : x;
    case FORM_SOFTSIGN: return x / (1 + fabs(x));
    default: return scalar_softplus_f64(x);
    }
}

#define T float
#define TNAME(name) name##_f32
#define TFMA fmaf
#include "ops/recurrent_tmpl.h"
#undef T
#undef TNAME
#undef TFMA
#define T double
#define TNAME(name) name##_f64
#define TFMA fma
#include "ops/recurrent_tmpl.h"
#undef T
#undef TNAME
#undef TFMA

/* ---- attributes ---- */

static bool is_name(mote_str s, const char *lower)
{
    for (size_t i = 0; i < s.n; i++) {
        char ch = s.p[i];
        if (lower[i] == 0 || (ch >= 'A' && ch <= 'Z' ? (char)(ch - 'A' + 'a') : ch) != lower[i])
            return false;
    }
    return lower[s.n] == 0;
}

/* alpha and beta: the values go to those functions that have such a parameter, in order. */
static mote_status read_activations(const mote_node *n, recurrent *r, mote_diag *diag)
{
    static const form absent[3] = {FORM_SIGMOID, FORM_TANH, FORM_TANH};
    size_t n_alpha, n_beta, a = 0, b = 0, want = r->states * r->directions;
    const mote_attr *names = mote_node_attr(n, "activations");
    const float *alpha = mote_node_floats(n, "activation_alpha", &n_alpha), *beta = mote_node_floats(n, "activation_beta", &n_beta);
    MOTE_REQUIRE(names == NULL || names->n == want || names->n == 0, diag, MOTE_E_MODEL, "%zu activations, expected %zu", names->n, want);
    for (size_t i = 0; i < want; i++) {
        form f = r->gates == 1 ? FORM_TANH : absent[i % r->states];
        if (names != NULL && names->n != 0) {
            for (f = 0; f < FORM_COUNT && !is_name(names->strings[i], forms[f].name);)
                f++;
            MOTE_REQUIRE(f < FORM_COUNT, diag, MOTE_E_UNSUPPORTED, "activation '%.*s', which is not known", MOTE_STR_ARG(names->strings[i]));
        }
        activation *out = &r->f[i / r->states * 3 + i % r->states];
        *out = (activation){f, forms[f].alpha, forms[f].beta};
        if (forms[f].has_alpha && a < n_alpha)
            out->alpha = alpha[a++];
        if (forms[f].has_beta && b < n_beta)
            out->beta = beta[b++];
    }
    return MOTE_OK;
}

static mote_status read_attrs(const mote_node *n, recurrent *r, mote_diag *diag)
{
    *r = (recurrent){.gates = mote_str_is(n->op, "LSTM") ? 4 : mote_str_is(n->op, "GRU") ? 3 : 1};
    r->states = r->gates == 4 ? 3 : r->gates == 3 ? 2 : 1;
    mote_str direction = mote_node_string(n, "direction", "forward");
    bool both = mote_str_is(direction, "bidirectional");
    r->reverse = mote_str_is(direction, "reverse");
    MOTE_REQUIRE(both || r->reverse || mote_str_is(direction, "forward"), diag, MOTE_E_VALUE,
                 "direction is '%.*s', expected forward, reverse or bidirectional", MOTE_STR_ARG(direction));
    r->directions = both ? 2 : 1;
    int64_t layout = mote_node_int(n, "layout", 0);
    MOTE_REQUIRE(layout == 0 || layout == 1, diag, MOTE_E_VALUE, "layout is %lld, expected 0 or 1", (long long)layout);
    r->batch_first = layout == 1;
    r->input_forget = mote_node_int(n, "input_forget", 0) != 0;
    r->linear_before_reset = mote_node_int(n, "linear_before_reset", 0) != 0;
    r->has_clip = mote_node_attr(n, "clip") != NULL;
    r->clip = mote_node_float(n, "clip", 0);
    MOTE_REQUIRE(!r->has_clip || r->clip >= 0, diag, MOTE_E_VALUE, "clip is %g, expected 0 or more", (double)r->clip);
    return read_activations(n, r, diag);
}

/* ---- inference ---- */

/* Joins a size that several inputs say. */
static mote_status agree(int64_t *size, int64_t said, const char *what, mote_diag *diag)
{
    MOTE_REQUIRE(mote_dim_may_equal(*size, said), diag, MOTE_E_SHAPE, "%s is %lld by one input and %lld by another", what, (long long)*size,
                 (long long)said);
    if (!mote_dim_known(*size))
        *size = said;
    return MOTE_OK;
}

static mote_status check_input(mote_infer *c, uint32_t i, const char *name, int32_t rank, int64_t d0, int64_t d1, int64_t d2)
{
    if (!mote_infer_ranked(c, i))
        return MOTE_OK;
    const int64_t want[3] = {d0, d1, d2};
    MOTE_REQUIRE(c->in[i]->rank == rank, c->diag, MOTE_E_SHAPE, "%s has rank %d, expected %d", name, c->in[i]->rank, rank);
    for (int32_t d = 0; d < rank; d++)
        MOTE_REQUIRE(mote_dim_may_equal(c->in[i]->dims[d], want[d]), c->diag, MOTE_E_SHAPE, "%s has %lld elements in dimension %d, expected %lld",
                     name, (long long)c->in[i]->dims[d], d, (long long)want[d]);
    return MOTE_OK;
}

/* A multiple of a size that may not be known. */
static int64_t times(int64_t n, int64_t size)
{
    int64_t out;
    return mote_dim_known(size) && mote_i64_mul(n, size, &out) ? out : MOTE_DIM_UNKNOWN;
}

static mote_status infer_recurrent(mote_infer *c)
{
    recurrent r;
    MOTE_TRY(read_attrs(c->node, &r, c->diag));
    const mote_type *x = c->in[0], *w = c->in[1], *u = c->in[2];
    int64_t steps = MOTE_DIM_UNKNOWN, batch = steps, input = steps, hidden = mote_node_int(c->node, "hidden_size", MOTE_DIM_UNKNOWN);
    int64_t gates = (int64_t)r.gates, dirs = (int64_t)r.directions;
    MOTE_REQUIRE(hidden >= 1 || mote_node_attr(c->node, "hidden_size") == NULL, c->diag, MOTE_E_VALUE, "hidden_size is %lld, expected 1 or more",
                 (long long)hidden);
    if (u->rank >= 0) {
        MOTE_REQUIRE(u->rank == 3, c->diag, MOTE_E_SHAPE, "R has rank %d, expected 3", u->rank);
        MOTE_TRY(agree(&hidden, u->dims[2], "the hidden size", c->diag));
    }
    if (x->rank >= 0) {
        MOTE_REQUIRE(x->rank == 3, c->diag, MOTE_E_SHAPE, "X has rank %d, expected 3", x->rank);
        steps = x->dims[r.batch_first ? 1 : 0];
        batch = x->dims[r.batch_first ? 0 : 1];
        input = x->dims[2];
    }
    if (w->rank == 3)
        MOTE_TRY(agree(&input, w->dims[2], "the input size", c->diag));
    MOTE_TRY(check_input(c, 1, "W", 3, dirs, times(gates, hidden), input));
    MOTE_TRY(check_input(c, 2, "R", 3, dirs, times(gates, hidden), hidden));
    MOTE_TRY(check_input(c, 3, "B", 2, dirs, times(2 * gates, hidden), 0));
    MOTE_TRY(check_input(c, 4, "sequence_lens", 1, batch, 0, 0));
    int64_t s0 = r.batch_first ? batch : dirs, s1 = r.batch_first ? dirs : batch;
    MOTE_TRY(check_input(c, 5, "initial_h", 3, s0, s1, hidden));
    MOTE_TRY(check_input(c, 6, "initial_c", 3, s0, s1, hidden));
    MOTE_TRY(check_input(c, 7, "P", 2, dirs, times(3, hidden), 0));
    const int64_t y[2][4] = {{steps, dirs, batch, hidden}, {batch, steps, dirs, hidden}}, state[3] = {s0, s1, hidden};
    mote_infer_out(c, 0, x->dtype, 4, y[r.batch_first]);
    mote_infer_out(c, 1, x->dtype, 3, state);
    mote_infer_out(c, 2, x->dtype, 3, state);
    return MOTE_OK;
}

/* ---- evaluation ---- */

/* A state in wide memory of its own, with its initial value. */
static mote_status state_of(mote_eval *c, mote_arena *temp, uint32_t i, size_t count, mote_class class, void **out)
{
    size_t size = mote_class_bytes(class);
    *out = mote_temp(temp, count, size, c->diag);
    if (*out == NULL)
        return MOTE_E_MEMORY;
    if (mote_eval_has(c, i) && count != 0)
        mote_elements_load(c->in[i]->dtype, c->in[i]->data, 0, 1, count, *out);
    return MOTE_OK;
}

static mote_status eval_recurrent_temp(mote_eval *c, mote_arena *temp)
{
    recurrent r;
    MOTE_TRY(read_attrs(c->node, &r, c->diag));
    const mote_array *xa = c->in[0];
    r.steps = (size_t)xa->dims[r.batch_first ? 1 : 0];
    r.batch = (size_t)xa->dims[r.batch_first ? 0 : 1];
    r.input = (size_t)xa->dims[2];
    r.hidden = (size_t)c->in[2]->dims[2];
    if (mote_eval_has(c, 4)) {
        r.lengths = c->in[4]->data;
        for (size_t i = 0; i < r.batch; i++)
            MOTE_REQUIRE(r.lengths[i] >= 0 && (size_t)r.lengths[i] <= r.steps, c->diag, MOTE_E_VALUE,
                         "sequence %zu has length %d, expected 0 to %zu", i, (int)r.lengths[i], r.steps);
    }
    mote_class class = mote_class_of(xa->dtype);
    size_t states = r.directions * r.batch * r.hidden;
    const void *in[8] = {NULL};
    static const uint8_t wide[5] = {0, 1, 2, 3, 7};
    for (size_t i = 0; i < 5; i++)
        if (mote_eval_has(c, wide[i]) && (in[wide[i]] = mote_widen(temp, c->in[wide[i]])) == NULL)
            return MOTE_NO_MEMORY(c->diag, c->in[wide[i]]->bytes);
    void *h, *cell, *y = NULL, *scratch = mote_temp(temp, 3 * r.hidden + 1, sizeof(double), c->diag);
    MOTE_TRY(state_of(c, temp, 5, states, class, &h));
    MOTE_TRY(state_of(c, temp, 6, states, class, &cell));
    mote_array *ya = c->n_out > 0 ? c->out[0] : NULL;
    if (scratch == NULL || (ya != NULL && (y = mote_wide_output(temp, ya)) == NULL))
        return MOTE_NO_MEMORY(c->diag, 0);
    if (ya != NULL && mote_array_count(ya) != 0)
        memset(y, 0, mote_array_count(ya) * mote_class_bytes(class)); /* behind the sequences */
    if (class == MOTE_CLASS_F64)
        run_f64(&r, in[0], in[1], in[2], in[3], in[7], y, h, cell, scratch);
    else
        run_f32(&r, in[0], in[1], in[2], in[3], in[7], y, h, cell, scratch);
    if (ya != NULL)
        mote_narrow(ya, y);
    for (uint32_t i = 1; i < c->n_out; i++)
        if (c->out[i] != NULL && states != 0)
            mote_elements_store(c->out[i]->dtype, c->out[i]->data, 0, states, i == 1 ? h : cell);
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_recurrent)

#define COMMON_ATTRS                                                                                                   \
    MOTE_A(FLOATS, "activation_alpha"), MOTE_A(FLOATS, "activation_beta"), MOTE_A(STRINGS, "activations"), MOTE_A(FLOAT, "clip"), \
        MOTE_A_STRING("direction", "forward"), MOTE_A(INT, "hidden_size")
#define RECURRENT(more, outputs, t, text, ...)                                                                         \
    .in = "X:T W:T R:T B?:T sequence_lens?:T1 initial_h?:T" more, .out = outputs, .types = MOTE_TYPES({"T", t, 0}, {"T1", MOTE_DT(S32), 0}), \
    .attrs = MOTE_ATTRS(COMMON_ATTRS, __VA_ARGS__), .infer = infer_recurrent, .eval = eval_recurrent, .doc = MOTE_DOC(text)
#define LSTM(t, ...)                                                                                                   \
    RECURRENT(" initial_c?:T P?:T", "Y?:T Y_h?:T Y_c?:T", t, "c = f c + i g(x W + h R), h = o tanh(c), gates f(x W + h R + P c)", \
              MOTE_A_INT("input_forget", 0), __VA_ARGS__)
#define GRU(t, ...)                                                                                                    \
    RECURRENT("", "Y?:T Y_h?:T", t, "h = (1 - z) g(x W + (r h) R) + z h, gates f(x W + h R)", MOTE_A_INT("linear_before_reset", 0), __VA_ARGS__)
#define RNN(t, ...) RECURRENT("", "Y?:T Y_h?:T", t, "h = f(x W + h R + b)", __VA_ARGS__)
#define LAYOUT MOTE_A_INT("layout", 0)
#define NONE {.name = NULL}
MOTE_OP(onnx, LSTM, 7, LSTM(MOTE_T_FLOAT_7, NONE));
MOTE_OP(onnx, LSTM, 14, LSTM(MOTE_T_FLOAT_7, LAYOUT));
MOTE_OP(onnx, LSTM, 22, LSTM(MOTE_DTYPES_FLOAT, LAYOUT));
MOTE_OP(onnx, GRU, 7, GRU(MOTE_T_FLOAT_7, NONE));
MOTE_OP(onnx, GRU, 14, GRU(MOTE_T_FLOAT_7, LAYOUT));
MOTE_OP(onnx, GRU, 22, GRU(MOTE_DTYPES_FLOAT, LAYOUT));
MOTE_OP(onnx, RNN, 7, RNN(MOTE_T_FLOAT_7, NONE));
MOTE_OP(onnx, RNN, 14, RNN(MOTE_T_FLOAT_7, LAYOUT));
MOTE_OP(onnx, RNN, 22, RNN(MOTE_DTYPES_FLOAT, LAYOUT));
