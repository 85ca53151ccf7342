/* widen.c - products, convolutions, pools and attention of half floats in float
 * SPDX-License-Identifier: Apache-2.0
 *
 * Y = Conv(X, W) on float16 or bfloat16 becomes Cast(Conv(Cast(X), W in float)): what the operator's evaluation does, which computes in float and
 * rounds once, so the bits stay. The kernels are those of float; constant weights are converted here, not at each run. */
#include "base/platform.h"
#include "base/half.h"
#include "base/size.h"
#include "passes/pass.h"
#include <string.h>

enum { HALF = MOTE_DT(F16) | MOTE_DT(BF16) };

static const struct {
    const char *domain, *op;
    bool outputs; /* more than one, each cast back */
} table[] = {
    {"", "Conv", false},
    {"", "ConvTranspose", false},
    {"", "Gemm", false},
    {"", "MatMul", false},
    {"", "MaxPool", false},
    {"", "AveragePool", false},
    {"", "GlobalAveragePool", false},
    {"", "GlobalMaxPool", false},
    {"", "Attention", true},
    {"", "RotaryEmbedding", false},
    {"com.microsoft", "MultiHeadAttention", true},
    {"com.microsoft", "GroupQueryAttention", true},
    {"com.microsoft", "RotaryEmbedding", false},
    {"com.microsoft", "MatMulNBits", false},
};

static bool takes(const mote_node *n)
{
    if (n->n_out == 0 || n->out[0] == NULL || n->n_in == 0 || n->in[0].value == NULL)
        return false;
    const mote_type *t = &n->in[0].value->type;
    if (t->kind != MOTE_KIND_TENSOR || !mote_dtype_in(t->dtype, HALF) || n->out[0]->type.dtype != t->dtype)
        return false;
    /* softmax in another type is no float inside */
    if (mote_node_int(n, "softmax_precision", MOTE_DTYPE_F32) != MOTE_DTYPE_F32)
        return false;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (!mote_node_is(n, table[i].domain, table[i].op))
            continue;
        for (uint32_t k = 1; k < n->n_out; k++)
            if (n->out[k] != NULL && (!table[i].outputs || n->out[k]->type.dtype != t->dtype))
                return false;
        for (uint32_t k = 1; k < n->n_in; k++) /* all halves of one type, so that outputs keep theirs */
            if (table[i].outputs && n->in[k].value != NULL && mote_dtype_in(n->in[k].value->type.dtype, MOTE_DTYPES_FLOAT) && n->in[k].value->type.dtype != t->dtype)
                return false;
        return true;
    }
    return false;
}

static mote_node *add_cast(mote_pass_context *c, mote_node *before, mote_value *v, mote_dtype to)
{
    mote_node *cast = mote_graph_add_node(before->graph, before, "", "Cast", 13, 1, 1, true);
    if (cast == NULL || mote_node_set_int(cast, "to", to) != MOTE_OK) {
        (void)MOTE_NO_MEMORY(c->diag, 0);
        return NULL;
    }
    mote_node_set_input(cast, 0, v);
    cast->out[0]->type = v->type;
    cast->out[0]->type.dtype = to;
    return cast;
}

/* The constant in float; its elements may lie anywhere. */
static mote_value *wide_constant(mote_pass_context *c, const mote_value *v)
{
    const mote_array *a = v->constant;
    mote_array wide;
    size_t n = mote_array_count(a);
    if (mote_array_shape(&wide, MOTE_DTYPE_F32, a->rank, a->dims, c->diag) != MOTE_OK)
        return NULL;
    float *to = mote_arena_calloc(&c->module->arena, 1, mote_max_size(wide.bytes, 1));
    if (to == NULL) {
        (void)MOTE_NO_MEMORY(c->diag, wide.bytes);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        uint16_t bits;
        memcpy(&bits, (const char *)a->data + 2 * i, sizeof bits);
        to[i] = a->dtype == MOTE_DTYPE_F16 ? mote_f32_from_f16(bits) : mote_f32_from_bf16(bits);
    }
    wide.data = to;
    mote_value *made = mote_graph_add_constant(v->graph, MOTE_STR(""), &wide);
    if (made == NULL)
        (void)MOTE_NO_MEMORY(c->diag, sizeof *made);
    else
        made->is_folded = true;
    return made;
}

static mote_status widen(mote_pass_context *c, mote_node *n)
{
    mote_node *now = mote_graph_add_node(n->graph, n, n->domain.n != 0 ? "com.microsoft" : "", n->op.p, n->version, n->n_in, n->n_out, false);
    if (now == NULL || mote_node_copy_attrs(now, n) != MOTE_OK)
        return MOTE_NO_MEMORY(c->diag, 0);
    now->name = n->name;
    for (uint32_t k = 0; k < n->n_out; k++) {
        mote_value *wide = n->out[k] != NULL ? mote_graph_add_value(n->graph, MOTE_STR("")) : NULL;
        if (n->out[k] == NULL)
            continue;
        if (wide == NULL || mote_node_set_output(now, k, wide) != MOTE_OK)
            return MOTE_NO_MEMORY(c->diag, sizeof *wide);
        wide->type = n->out[k]->type;
        wide->type.dtype = MOTE_DTYPE_F32;
    }
    for (uint32_t i = 0; i < n->n_in; i++) {
        mote_value *v = n->in[i].value, *wide = v;
        if (v != NULL && v->type.kind == MOTE_KIND_TENSOR && mote_dtype_in(v->type.dtype, HALF)) {
            /* v->scratch: its float form, once made; a Cast serves the graph that it stands in */
            wide = v->scratch;
            if (wide == NULL || (v->constant == NULL && wide->graph != n->graph)) {
                if (v->constant != NULL && !v->is_input) {
                    wide = wide_constant(c, v);
                } else {
                    mote_node *cast = add_cast(c, now, v, MOTE_DTYPE_F32);
                    wide = cast == NULL ? NULL : cast->out[0];
                }
                if (wide == NULL)
                    return MOTE_E_MEMORY;
                v->scratch = wide;
            }
        }
        mote_node_set_input(now, i, wide);
    }
    for (uint32_t k = 0; k < n->n_out; k++) {
        if (n->out[k] == NULL)
            continue;
        mote_node *back = add_cast(c, n, now->out[k], n->out[k]->type.dtype);
        if (back == NULL)
            return MOTE_E_MEMORY;
        mote_value_replace(n->out[k], back->out[0]);
    }
    mote_node_remove(n);
    c->edits++;
    return MOTE_OK;
}

static mote_status widen_graph(mote_pass_context *c, mote_graph *g)
{
    for (mote_node *n = g->first, *next; n != NULL; n = next) {
        next = n->next;
        if (takes(n))
            MOTE_TRY(widen(c, n));
    }
    return MOTE_OK;
}

static mote_status forget(mote_pass_context *c, mote_graph *g)
{
    (void)c;
    for (mote_value *v = g->values; v != NULL; v = v->next)
        v->scratch = NULL;
    return MOTE_OK;
}

MOTE_PASS(widen)
{
    mote_status status = mote_pass_each_graph(c, widen_graph), cleared = mote_pass_each_graph(c, forget);
    return status != MOTE_OK ? status : cleared;
}
