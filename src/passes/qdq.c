/* qdq.c - reading QuantizeLinear and DequantizeLinear; small edits that the passes over quantized models share
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "passes/qdq.h"
#include <float.h>
#include <math.h>
#include <string.h>

const char mote_prop_float[] = "mote.float";

static bool is_onnx(const mote_node *n) { return n->domain.n == 0 || mote_str_is(n->domain, "com.microsoft"); }
bool mote_is_quantize(const mote_node *n) { return n != NULL && mote_str_is(n->op, "QuantizeLinear") && is_onnx(n); }
bool mote_is_dequantize(const mote_node *n) { return n != NULL && mote_str_is(n->op, "DequantizeLinear") && is_onnx(n); }

int32_t mote_qtype_least(mote_dtype type) { return type == MOTE_DTYPE_S8 ? -128 : 0; }

static bool is_one(const mote_array *a) { return a != NULL && a->data != NULL && a->rank <= 1 && mote_array_count(a) == 1; }

static bool no(const char **why, const char *what)
{
    if (why != NULL)
        *why = what;
    return false;
}

bool mote_qparam_of(const mote_node *n, mote_qparam *p, const char **why)
{
    *p = (mote_qparam){0};
    const mote_value *x = n->in[0].value, *y = n->out[0];
    const mote_value *real = mote_is_quantize(n) ? x : y, *whole = mote_is_quantize(n) ? y : x;
    if (x == NULL || y == NULL || n->n_in < 2)
        return no(why, "a quantization without input or output");
    p->type = whole->type.dtype;
    if (p->type != MOTE_DTYPE_U8 && p->type != MOTE_DTYPE_S8)
        return no(why, "quantized values are not of 8 bits");
    if (real->type.dtype != MOTE_DTYPE_F32)
        return no(why, "real values are not float32");
    if (mote_node_int(n, "block_size", 0) != 0)
        return no(why, "quantized by blocks");
    const int64_t precision = mote_node_int(n, "precision", 0);
    if (precision != 0 && precision != MOTE_DTYPE_F32)
        return no(why, "quantized at another precision than float32");
    p->scale_value = n->in[1].value;
    const mote_array *scale = mote_value_const(p->scale_value);
    if (scale == NULL)
        return no(why, "a scale is not constant");
    if (!is_one(scale))
        return no(why, "activations have more than one scale");
    if (scale->dtype != MOTE_DTYPE_F32)
        return no(why, "a scale is not float32");
    memcpy(&p->scale, scale->data, sizeof p->scale);
    if (!(p->scale > 0) || p->scale > FLT_MAX)
        return no(why, "a scale is not positive and finite");
    if (n->n_in > 2 && n->in[2].value != NULL) {
        p->zero_value = n->in[2].value;
        const mote_array *zero = mote_value_const(p->zero_value);
        if (zero == NULL || zero->data == NULL)
            return no(why, "a zero point is not constant");
        if (!is_one(zero) || zero->dtype != p->type)
            return no(why, "a zero point is not one value of the quantized type");
        p->zero = (int32_t)mote_array_i64(zero, 0);
    }
    return true;
}

bool mote_qparam_equal(const mote_qparam *a, const mote_qparam *b) { return a->type == b->type && a->zero == b->zero && a->scale == b->scale; }

mote_node *mote_dequantized(const mote_value *v, mote_qparam *p, const char **why)
{
    if (v == NULL || !mote_is_dequantize(v->producer)) {
        no(why, "an input is not dequantized");
        return NULL;
    }
    return mote_qparam_of(v->producer, p, why) ? v->producer : NULL;
}

int32_t mote_qparam_limit(const mote_qparam *p, float bound)
{
    const int32_t least = mote_qtype_least(p->type), most = least + 255;
    const double v = (double)rintf(bound / p->scale) + (double)p->zero;
    return v <= least ? least : v >= most ? most : (int32_t)v;
}

mote_value *mote_q_const(mote_graph *g, mote_dtype type, size_t n, const void *data)
{
    mote_array a;
    const int64_t dims[1] = {(int64_t)n};
    if (mote_array_shape(&a, type, n == 0 ? 0 : 1, dims, NULL) != MOTE_OK)
        return NULL;
    a.data = (void *)(uintptr_t)data; /* read only: it is copied */
    mote_value *v = mote_graph_copy_constant(g, MOTE_STR(""), &a);
    if (v != NULL)
        v->is_folded = true;
    return v;
}

mote_status mote_q_stay(mote_pass_context *c, mote_node *n, const char *why)
{
    for (size_t i = 0; i < n->n_props; i++)
        if (mote_str_is(n->props[i].key, mote_prop_float))
            return MOTE_OK;
    mote_prop *props = mote_arena_calloc(&c->module->arena, n->n_props + 1, sizeof *props);
    if (props == NULL)
        return MOTE_NO_MEMORY(c->diag, (n->n_props + 1) * sizeof *props);
    if (n->n_props != 0)
        memcpy(props, n->props, n->n_props * sizeof *props);
    props[n->n_props] = (mote_prop){mote_str_c(mote_prop_float), mote_str_c(why)};
    n->props = props;
    n->n_props++;
    return MOTE_OK;
}

static bool is_unused(const mote_node *n)
{
    for (uint32_t i = 0; i < n->n_out; i++)
        if (n->out[i] != NULL && n->out[i]->uses != NULL)
            return false;
    return n->def == NULL || (n->def->flags & (MOTE_OP_CONTROL | MOTE_OP_RANDOM)) == 0;
}

void mote_q_sweep(mote_graph *g)
{
    for (mote_node *n = g->last, *before; n != NULL; n = before) {
        before = n->prev;
        if (is_unused(n))
            mote_node_remove(n);
    }
}
