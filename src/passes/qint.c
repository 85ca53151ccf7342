/* qint.c - pass qint: islands between DequantizeLinear and QuantizeLinear become integer forms
 * SPDX-License-Identifier: Apache-2.0
 *
 * Starts from each QuantizeLinear and looks at what makes its input:
 *
 *     DequantizeLinear            equal parameters: nothing is left; else a table (QUnary)
 *     elementwise, one tensor     a table, from the reference evaluation of the whole chain; with constants by channel QChain (qint_chain.c)
 *     Add, Mul, means, Softmax    QAdd, QMul, QAveragePool, QGlobalAveragePool, QSoftmax
 *     Concat                      Concat of 8 bits, a table before each input whose parameters are not the output's
 *     Conv, Gemm, MatMul          QConv, QGemm (qint_product.c)
 *     Relu, Clip behind these     a clamp of the quantized values, since quantizing keeps order
 *
 * QLinearConv and QLinearMatMul become the same products. An operator between quantized tensors that stays in float gets the reason as a property. */
#include "base/platform.h"
#include "passes/qint.h"
#include <math.h>
#include <string.h>

/* ---- one island ---- */

static const mote_type *rank_type(const mote_value *v) { return v->type.rank >= 0 ? &v->type : NULL; }

mote_status mote_qint_node(const mote_qint *k, const char *op, uint32_t n_in, mote_node **out)
{
    *out = mote_graph_add_node(k->graph, k->q, "mote", op, 1, n_in, 1, true);
    if (*out == NULL)
        return MOTE_NO_MEMORY(k->c->diag, 0);
    (*out)->name = k->name;
    return MOTE_OK;
}

mote_status mote_qint_transpose(const mote_qint *k, mote_value *x, int32_t rank, bool to_last, mote_value **out)
{
    int64_t perm[MOTE_MAX_RANK];
    for (int32_t i = 0; i < rank; i++)
        perm[i] = i == 0 ? 0 : to_last ? (i == rank - 1 ? 1 : i + 1) : (i == 1 ? rank - 1 : i - 1);
    mote_node *n = mote_graph_add_node(k->graph, k->q, "", "Transpose", 13, 1, 1, true);
    if (n == NULL || mote_node_set_ints(n, "perm", perm, (size_t)rank) != MOTE_OK)
        return MOTE_NO_MEMORY(k->c->diag, 0);
    mote_node_set_input(n, 0, x);
    *out = n->out[0];
    return MOTE_OK;
}

mote_status mote_qint_zero(const mote_qint *k, mote_value **out)
{
    const uint8_t zero = 0;
    *out = k->y.zero_value != NULL ? k->y.zero_value : mote_q_const(k->graph, k->y.type, 0, &zero);
    return *out != NULL ? MOTE_OK : MOTE_NO_MEMORY(k->c->diag, 1);
}

/* The results of every QuantizeLinear that reads `real`, which have equal parameters, are `whole`. */
mote_status mote_qint_finish(mote_qint *k, const mote_value *real, mote_value *whole)
{
    whole->type = k->q->out[0]->type;
    for (mote_use *u = real->uses; u != NULL; u = u->next)
        if (mote_is_quantize(u->node) && u->node->out[0] != whole && mote_value_can_replace(u->node->out[0], whole))
            mote_value_replace(u->node->out[0], whole);
    k->c->edits++;
    k->done = true;
    return MOTE_OK;
}

static mote_status finish_one(mote_qint *k, mote_value *whole)
{
    whole->type = k->q->out[0]->type;
    mote_value_replace(k->q->out[0], whole);
    k->c->edits++;
    k->done = true;
    return MOTE_OK;
}

static mote_status add_table(const mote_qint *k, mote_value *x, const uint8_t table[256], mote_value **out)
{
    mote_node *n;
    mote_value *t = mote_q_const(k->graph, k->y.type, 256, table);
    if (t == NULL)
        return MOTE_NO_MEMORY(k->c->diag, 256);
    MOTE_TRY(mote_qint_node(k, "QUnary", 2, &n));
    mote_node_set_input(n, 0, x);
    mote_node_set_input(n, 1, t);
    *out = n->out[0];
    return MOTE_OK;
}

/* Whether every user of `real` quantizes it with the island's parameters: then its float value need not exist. */
static bool only_quantized(const mote_qint *k, const mote_value *real)
{
    mote_qparam p;
    for (const mote_use *u = real->uses; u != NULL; u = u->next)
        if (!mote_is_quantize(u->node) || u->node->graph != k->graph || u->index != 0 || !mote_qparam_of(u->node, &p, NULL) || !mote_qparam_equal(&p, &k->y))
            return false;
    return true;
}

/* ---- clamps ---- */

static float bound_of(const mote_node *n, uint32_t input, const char *attribute, float absent)
{
    if (n->def->since < 11)
        return mote_node_float(n, attribute, absent);
    if (input >= n->n_in || n->in[input].value == NULL)
        return absent;
    const mote_array *a = mote_value_const(n->in[input].value);
    float v = NAN;
    if (a != NULL && a->data != NULL && a->dtype == MOTE_DTYPE_F32 && mote_array_count(a) == 1)
        memcpy(&v, a->data, sizeof v);
    return v;
}

/* Steps over Relu and Clip, upward from k->real. */
static void step_over_clamps(mote_qint *k)
{
    k->lo = -INFINITY;
    k->hi = INFINITY;
    k->real = k->q->in[0].value;
    for (mote_node *n = k->real->producer; n != NULL && n->domain.n == 0 && n->def != NULL; n = k->real->producer) {
        float lo, hi;
        if (mote_str_is(n->op, "Relu")) {
            lo = 0;
            hi = INFINITY;
        } else if (mote_str_is(n->op, "Clip")) {
            lo = bound_of(n, 1, "min", -INFINITY);
            hi = bound_of(n, 2, "max", INFINITY);
        } else {
            return;
        }
        mote_value *inner = n->in[0].value;
        if (!(lo <= hi) || mote_value_single_user(inner) != n)
            return;
        /* behind this clamp come those already seen: clamp(clamp(v, lo, hi), k->lo, k->hi) */
        lo = lo < k->lo ? k->lo : lo > k->hi ? k->hi : lo;
        hi = hi < k->lo ? k->lo : hi > k->hi ? k->hi : hi;
        k->lo = lo;
        k->hi = hi;
        k->real = inner;
    }
}

/* Quantized values as the clamps behind the operator would have left them: a table, unless the type's limits are as tight. */
static mote_status clamped(mote_qint *k, mote_value *whole)
{
    const int32_t lo = mote_qparam_limit(&k->y, k->lo), hi = mote_qparam_limit(&k->y, k->hi), least = mote_qtype_least(k->y.type);
    if (lo > least || hi < least + 255) {
        uint8_t table[256];
        for (int32_t v = least; v < least + 256; v++)
            table[(uint8_t)v] = (uint8_t)(v < lo ? lo : v > hi ? hi : v);
        MOTE_TRY(add_table(k, whole, table, &whole));
    }
    return mote_qint_finish(k, k->q->in[0].value, whole);
}

/* ---- elementwise ---- */

static mote_status table_of_chain(mote_qint *k)
{
    mote_value *x, *whole;
    mote_qparam p;
    uint8_t table[256];
    const mote_node *d = mote_dequantized(k->q->in[0].value, &p, NULL);
    if (d != NULL && mote_qparam_equal(&p, &k->y)) {
        x = d->in[0].value;
        return mote_value_can_replace(k->q->out[0], x) ? finish_one(k, x) : MOTE_OK;
    }
    MOTE_TRY(mote_q_table(k->c, k->q, &x, table));
    if (x == NULL)
        return MOTE_OK;
    MOTE_TRY(add_table(k, x, table, &whole));
    return finish_one(k, whole);
}

static mote_status binary(mote_qint *k, mote_node *p, const char *form)
{
    mote_qparam a, b;
    mote_node *da = mote_dequantized(p->in[0].value, &a, &k->why), *db = da != NULL ? mote_dequantized(p->in[1].value, &b, &k->why) : NULL, *n;
    if (db == NULL)
        return MOTE_OK;
    if (a.type != b.type) {
        k->why = "its inputs are of two quantized types";
        return MOTE_OK;
    }
    mote_value *zero;
    MOTE_TRY(mote_qint_zero(k, &zero));
    MOTE_TRY(mote_qint_node(k, form, 8, &n));
    mote_value *in[8] = {da->in[0].value, a.scale_value, a.zero_value, db->in[0].value, b.scale_value, b.zero_value, k->y.scale_value, zero};
    for (uint32_t i = 0; i < 8; i++)
        mote_node_set_input(n, i, in[i]);
    return clamped(k, n->out[0]);
}

/* ---- forms of one tensor: X, xs, xz, ys, yz ---- */

static mote_status of_one(mote_qint *k, const mote_qparam *p, mote_value *x, const char *form, mote_node **out)
{
    mote_value *zero;
    MOTE_TRY(mote_qint_zero(k, &zero));
    MOTE_TRY(mote_qint_node(k, form, 5, out));
    mote_value *in[5] = {x, p->scale_value, p->zero_value, k->y.scale_value, zero};
    for (uint32_t i = 0; i < 5; i++)
        mote_node_set_input(*out, i, in[i]);
    return MOTE_OK;
}

static mote_status mean(mote_qint *k, mote_node *p, const char *form, bool windows)
{
    mote_qparam x;
    const mote_node *d = mote_dequantized(p->in[0].value, &x, &k->why);
    const mote_type *type = d != NULL ? rank_type(d->in[0].value) : NULL;
    mote_node *n;
    mote_value *v;
    if (d == NULL)
        return MOTE_OK;
    if (type == NULL || type->rank < 3) {
        k->why = "the rank of its input is not known, or below 3";
        return MOTE_OK;
    }
    MOTE_TRY(mote_qint_transpose(k, d->in[0].value, type->rank, true, &v));
    MOTE_TRY(of_one(k, &x, v, form, &n));
    if (windows)
        MOTE_TRY(mote_node_copy_attrs(n, p));
    MOTE_TRY(mote_qint_transpose(k, n->out[0], type->rank, false, &v));
    return clamped(k, v);
}

/* ReduceMean over exactly the dimensions of space, which it keeps, is GlobalAveragePool. */
static bool is_global_mean(const mote_node *p)
{
    const mote_type *t = rank_type(p->in[0].value);
    size_t n = 0;
    const int64_t *axes = mote_node_ints(p, "axes", &n);
    int64_t copied[MOTE_MAX_RANK];
    const mote_array *a = p->n_in > 1 ? mote_value_const(p->in[1].value) : NULL;
    if (a != NULL && a->dtype == MOTE_DTYPE_S64 && mote_array_count(a) <= MOTE_MAX_RANK && a->data != NULL) {
        n = mote_array_count(a);
        for (size_t i = 0; i < n; i++)
            copied[i] = mote_array_i64(a, i);
        axes = copied;
    }
    if (t == NULL || t->rank < 3 || axes == NULL || n != (size_t)t->rank - 2 || mote_node_int(p, "keepdims", 1) == 0)
        return false;
    uint32_t seen = 0;
    for (size_t i = 0; i < n; i++) {
        const int64_t axis = axes[i] < 0 ? axes[i] + t->rank : axes[i];
        if (axis < 2 || axis >= t->rank)
            return false;
        seen |= 1u << axis;
    }
    return seen == (1u << t->rank) - 4u;
}

static mote_status softmax(mote_qint *k, mote_node *p)
{
    mote_qparam x;
    const mote_node *d = mote_dequantized(p->in[0].value, &x, &k->why);
    const mote_type *type = d != NULL ? rank_type(d->in[0].value) : NULL;
    mote_node *n;
    if (d == NULL)
        return MOTE_OK;
    const int64_t axis = mote_node_int(p, "axis", p->def->since >= 13 ? -1 : 1);
    if (type == NULL || type->rank < 1 || (axis != -1 && axis != type->rank - 1)) {
        k->why = "it does not run along the last axis";
        return MOTE_OK;
    }
    MOTE_TRY(of_one(k, &x, d->in[0].value, "QSoftmax", &n));
    return clamped(k, n->out[0]);
}

/* ---- Concat of several scales ---- */

static mote_status concat(mote_qint *k, mote_node *p)
{
    mote_qparam x;
    uint8_t table[256];
    for (uint32_t i = 0; i < p->n_in; i++)
        if (mote_dequantized(p->in[i].value, &x, &k->why) == NULL)
            return MOTE_OK;
    mote_node *n = mote_graph_add_node(k->graph, k->q, "", "Concat", p->version, p->n_in, 1, true);
    if (n == NULL)
        return MOTE_NO_MEMORY(k->c->diag, 0);
    MOTE_TRY(mote_node_copy_attrs(n, p));
    for (uint32_t i = 0; i < p->n_in; i++) {
        mote_value *v = mote_dequantized(p->in[i].value, &x, NULL)->in[0].value;
        if (!mote_qparam_equal(&x, &k->y)) { /* what quantizing its real values again would give */
            for (int t = 0; t < 256; t++) {
                const int32_t byte = x.type == MOTE_DTYPE_S8 ? (int8_t)t : t;
                table[t] = (uint8_t)mote_qparam_limit(&k->y, (float)(byte - x.zero) * x.scale);
            }
            MOTE_TRY(add_table(k, v, table, &v));
            mote_node_move_before(v->producer, n);
        }
        mote_node_set_input(n, i, v);
    }
    return clamped(k, n->out[0]);
}

/* ---- from a QuantizeLinear ---- */

static mote_status island(mote_qint *k, mote_node *p)
{
    const bool onnx = p->domain.n == 0;
    if (onnx && mote_str_is(p->op, "Add"))
        return binary(k, p, "QAdd");
    if (onnx && mote_str_is(p->op, "Mul"))
        return binary(k, p, "QMul");
    if (onnx && (mote_str_is(p->op, "GlobalAveragePool") || (mote_str_is(p->op, "ReduceMean") && is_global_mean(p))))
        return mean(k, p, "QGlobalAveragePool", false);
    if (onnx && mote_str_is(p->op, "AveragePool"))
        return mean(k, p, "QAveragePool", true);
    if (onnx && mote_str_is(p->op, "Softmax"))
        return softmax(k, p);
    if (onnx && mote_str_is(p->op, "Concat"))
        return concat(k, p);
    k->why = "it has no integer form";
    return MOTE_OK;
}

static mote_status from_quantize(mote_pass_context *c, mote_graph *g, mote_node *q)
{
    mote_qint k = {.c = c, .graph = g, .q = q};
    mote_node *p = q->in[0].value != NULL ? q->in[0].value->producer : NULL;
    if (p == NULL || p->graph != g || p->def == NULL || q->out[0] == NULL || q->out[0]->uses == NULL)
        return MOTE_OK;
    k.name = p->name;
    if (!mote_qparam_of(q, &k.y, &k.why))
        return mote_is_dequantize(p) ? MOTE_OK : mote_q_stay(c, p, k.why);
    MOTE_TRY(table_of_chain(&k));
    if (k.done || mote_is_dequantize(p))
        return MOTE_OK;
    MOTE_TRY(mote_qint_chain(&k));
    if (k.done)
        return MOTE_OK;
    if (!only_quantized(&k, q->in[0].value))
        return mote_q_stay(c, p, "its result is used unquantized, too, or with several scales");
    step_over_clamps(&k);
    if ((p = k.real->producer) == NULL || p->graph != g || p->def == NULL)
        return MOTE_OK;
    k.name = p->name;
    MOTE_TRY(mote_qint_product(&k));
    if (!k.done && k.why == NULL)
        MOTE_TRY(island(&k, p));
    return k.done || k.why == NULL ? MOTE_OK : mote_q_stay(c, p, k.why);
}

/* Operators that read quantized tensors and have not become integer forms, nor have a reason yet. */
static mote_status explain(mote_pass_context *c, mote_graph *g)
{
    for (mote_node *n = g->first; n != NULL; n = n->next)
        for (uint32_t i = 0; i < n->n_in && !mote_is_quantize(n) && !mote_is_dequantize(n); i++) {
            const mote_value *v = n->in[i].value;
            if (v != NULL && mote_is_dequantize(v->producer) && mote_value_const(v->producer->in[0].value) == NULL)
                MOTE_TRY(mote_q_stay(c, n, "its result is not quantized"));
        }
    return MOTE_OK;
}

static mote_status integer_graph(mote_pass_context *c, mote_graph *g)
{
    const size_t before = c->edits;
    for (mote_node *n = g->first, *next; n != NULL; n = next) {
        next = n->next;
        if (mote_is_quantize(n))
            MOTE_TRY(from_quantize(c, g, n));
        else if (mote_node_is(n, "", "QLinearConv") || mote_node_is(n, "", "QLinearMatMul"))
            MOTE_TRY(mote_qint_operator(c, n));
    }
    if (c->edits != before)
        mote_q_sweep(g);
    for (mote_node *n = g->first, *next; n != NULL; n = next) {
        next = n->next;
        if (mote_node_is(n, "", "MatMul") || mote_node_is(n, "", "Gemm"))
            MOTE_TRY(mote_qint_to_float(c, n));
    }
    if (c->edits != before)
        mote_q_sweep(g);
    return explain(c, g);
}

mote_status mote_pass_qint(mote_pass_context *c);
mote_status mote_pass_qint(mote_pass_context *c) { return mote_pass_each_graph(c, integer_graph); }
