/* qdq_table.c - elementwise islands of one quantized tensor as tables of 256 bytes
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "passes/qdq.h"
#include <string.h>

enum { REGION_MAX = 24, DEPTH_MAX = 24, INPUTS_MAX = 8 };

/* The operators between the tensor and the QuantizeLinear, inputs first, and what they make of the 256 values. */
typedef struct region {
    mote_pass_context *c;
    mote_node *source; /* DequantizeLinear: the one way in */
    mote_value *x;
    mote_qparam param;
    const mote_node *nodes[REGION_MAX];
    mote_array results[REGION_MAX];
    size_t n;
    int32_t rank;
} region;

static bool has(const region *r, const mote_node *n, size_t *at)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->nodes[i] == n) {
            *at = i;
            return true;
        }
    return false;
}

static bool is_scalar(const region *r, const mote_value *v)
{
    const mote_array *a = mote_value_const(v);
    return a != NULL && a->kind == MOTE_KIND_TENSOR && a->data != NULL && mote_array_count(a) == 1 && a->rank <= r->rank &&
           a->dtype != MOTE_DTYPE_STRING;
}

static bool add(region *r, const mote_node *n)
{
    if (r->n == REGION_MAX)
        return false;
    r->nodes[r->n++] = n;
    return true;
}

static bool collect(region *r, const mote_value *v, int depth)
{
    size_t at;
    mote_node *n = v->producer;
    mote_qparam param;
    if (n == NULL || depth == 0)
        return false;
    if (has(r, n, &at))
        return true;
    if (mote_is_dequantize(n) && n->in[0].value != NULL && is_scalar(r, n->in[0].value)) { /* a constant that was quantized, too */
        for (uint32_t i = 1; i < n->n_in; i++)
            if (n->in[i].value != NULL && !is_scalar(r, n->in[i].value))
                return false;
        return add(r, n);
    }
    if (mote_is_dequantize(n)) {
        if (!mote_qparam_of(n, &param, NULL) || n->in[0].value->type.rank != r->rank)
            return false;
        if (r->source != NULL)
            return n->in[0].value == r->x && mote_qparam_equal(&param, &r->param);
        r->source = n;
        r->x = n->in[0].value;
        r->param = param;
        return mote_value_const(r->x) == NULL;
    }
    if (n->def == NULL || (n->def->flags & MOTE_OP_ELEMENTWISE) == 0 || (n->def->flags & (MOTE_OP_RANDOM | MOTE_OP_CONTROL)) != 0 ||
        n->def->eval == NULL || n->n_out != 1 || n->n_in > INPUTS_MAX || mote_str_is(n->domain, "mote"))
        return false;
    for (uint32_t i = 0; i < n->n_in; i++) {
        const mote_value *in = n->in[i].value;
        if (in != NULL && !is_scalar(r, in) && !collect(r, in, depth - 1))
            return false;
    }
    return add(r, n);
}

/* Evaluates a node whose inputs are the source's real values, scalars, or earlier nodes' results. */
static mote_status apply(region *r, const mote_node *n, const mote_array *real, mote_array *out)
{
    const mote_array *in[INPUTS_MAX] = {NULL};
    size_t at;
    for (uint32_t i = 0; i < n->n_in; i++) {
        const mote_value *v = n->in[i].value;
        if (v == NULL)
            continue;
        in[i] = mote_value_const(v);
        if (in[i] == NULL)
            in[i] = has(r, v->producer, &at) ? &r->results[at] : mote_is_dequantize(v->producer) ? real : NULL;
    }
    return mote_eval_node(r->c->module, n, in, out, r->c->module->heap, NULL, NULL, r->c->diag);
}

static mote_status evaluate(region *r, const mote_node *q, uint8_t table[256])
{
    mote_heap *heap = r->c->module->heap;
    uint8_t bytes[256];
    int64_t dims[MOTE_MAX_RANK];
    for (int32_t d = 0; d < MOTE_MAX_RANK; d++)
        dims[d] = 1;
    if (r->rank > 0)
        dims[r->rank - 1] = 256;
    for (size_t i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    mote_array all, real = {0}, quantized = {0};
    MOTE_TRY(mote_array_shape(&all, r->param.type, r->rank == 0 ? 1 : r->rank, r->rank == 0 ? (const int64_t[]){256} : dims, r->c->diag));
    all.data = bytes;
    const mote_array *in[3] = {&all, mote_value_const(r->param.scale_value), mote_value_const(r->param.zero_value)};
    mote_status status = mote_eval_node(r->c->module, r->source, in, &real, heap, NULL, NULL, r->c->diag);
    for (size_t i = 0; i < r->n && status == MOTE_OK; i++)
        status = apply(r, r->nodes[i], &real, &r->results[i]);
    if (status == MOTE_OK)
        status = apply(r, q, &real, &quantized);
    if (status == MOTE_OK && mote_array_count(&quantized) == 256)
        memcpy(table, quantized.data, 256);
    else if (status == MOTE_OK)
        r->x = NULL;
    mote_array_free(heap, &quantized);
    mote_array_free(heap, &real);
    for (size_t i = 0; i < r->n; i++)
        mote_array_free(heap, &r->results[i]);
    return status;
}

mote_status mote_q_table(mote_pass_context *c, const mote_node *q, mote_value **x, uint8_t table[256])
{
    *x = NULL;
    region r = {.c = c, .rank = q->out[0]->type.rank};
    if (r.rank < 0 || !collect(&r, q->in[0].value, DEPTH_MAX) || r.source == NULL)
        return MOTE_OK;
    MOTE_TRY(evaluate(&r, q, table));
    *x = r.x;
    return MOTE_OK;
}

/* ---- pass qtable: a table behind a product or another table becomes part of it ---- */

/* The node that makes v, behind operators that move elements and have no other user; NULL where a value in between has one. */
static mote_node *maker_of(mote_value *v)
{
    for (int i = 0; i < 8; i++) {
        mote_node *n = v->producer;
        if (n == NULL || mote_value_single_user(v) == NULL)
            return NULL;
        if (!mote_node_is(n, "", "Transpose") && (n->def == NULL || (n->def->flags & MOTE_OP_VIEW) == 0))
            return n;
        v = n->in[0].value;
        if (v == NULL)
            return NULL;
    }
    return NULL;
}

static int value_of(mote_dtype type, uint8_t byte) { return type == MOTE_DTYPE_S8 ? (int8_t)byte : byte; }

/* Whether the table is a clamp on [*lo, *hi], which it narrows. */
static bool is_clamp(const uint8_t table[256], mote_dtype type, int *lo, int *hi)
{
    const int a = value_of(type, table[(uint8_t)*lo]), b = value_of(type, table[(uint8_t)*hi]);
    if (a > b)
        return false;
    for (int v = *lo; v <= *hi; v++)
        if (value_of(type, table[(uint8_t)v]) != (v < a ? a : v > b ? b : v))
            return false;
    *lo = a;
    *hi = b;
    return true;
}

/* QConv, QGemm: [qmin, qmax], then T. */
static mote_status fuse_product(mote_node *n, mote_dtype type, const uint8_t table[256], mote_dtype to, bool *done)
{
    enum { T = 9 };
    const mote_array *old = n->n_in > T ? mote_value_const(n->in[T].value) : NULL;
    uint8_t t[256];
    *done = type == to && (n->n_in <= T || n->in[T].value == NULL || (old != NULL && old->bytes == 256));
    if (!*done)
        return MOTE_OK;
    int lo = (int)mote_node_int(n, "qmin", mote_qtype_least(type)), hi = (int)mote_node_int(n, "qmax", mote_qtype_least(type) + 255);
    if (old == NULL && lo <= hi && is_clamp(table, type, &lo, &hi)) {
        MOTE_TRY(mote_node_set_int(n, "qmin", lo));
        return mote_node_set_int(n, "qmax", hi);
    }
    for (size_t i = 0; i < 256; i++)
        t[i] = table[old != NULL ? ((const uint8_t *)old->data)[i] : i];
    mote_value *v = mote_q_const(n->graph, type, 256, t);
    if (v == NULL)
        return MOTE_E_MEMORY;
    if (n->n_in <= T)
        MOTE_TRY(mote_node_resize_inputs(n, T + 1));
    mote_node_set_input(n, T, v);
    return MOTE_OK;
}

static mote_status fuse_table(mote_node *n, const uint8_t table[256], mote_dtype to, bool *done)
{
    const mote_array *old = mote_value_const(n->in[1].value);
    *done = old != NULL && old->bytes == 256 && old->dtype == to;
    if (!*done)
        return MOTE_OK;
    uint8_t t[256];
    for (size_t i = 0; i < 256; i++)
        t[i] = table[((const uint8_t *)old->data)[i]];
    mote_value *v = mote_q_const(n->graph, to, 256, t);
    if (v == NULL)
        return MOTE_E_MEMORY;
    mote_node_set_input(n, 1, v);
    return MOTE_OK;
}

static mote_status fuse_graph(mote_pass_context *c, mote_graph *g)
{
    for (mote_node *n = g->first, *next; n != NULL; n = next) {
        next = n->next;
        const mote_array *table = mote_node_is(n, "mote", "QUnary") ? mote_value_const(n->in[1].value) : NULL;
        if (table == NULL || table->bytes != 256 || !mote_value_can_replace(n->out[0], n->in[0].value))
            continue;
        mote_node *maker = maker_of(n->in[0].value);
        bool done = false;
        if (mote_node_is(maker, "mote", "QConv") || mote_node_is(maker, "mote", "QGemm"))
            MOTE_TRY(fuse_product(maker, n->in[0].value->type.dtype, table->data, table->dtype, &done));
        else if (mote_node_is(maker, "mote", "QUnary") && maker != n)
            MOTE_TRY(fuse_table(maker, table->data, table->dtype, &done));
        if (!done)
            continue;
        mote_value_replace(n->out[0], n->in[0].value);
        mote_node_remove(n);
        c->edits++;
    }
    return MOTE_OK;
}

mote_status mote_pass_qtable(mote_pass_context *c);
mote_status mote_pass_qtable(mote_pass_context *c) { return mote_pass_each_graph(c, fuse_graph); }
