/* edit.c - constants and nodes that the transforms add
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "quant/quantizer.h"
#include "ops/wide.h"
#include <string.h>

mote_value *mote_quant_constant(mote_graph *g, mote_dtype type, int32_t rank, const int64_t *dims, const void *data)
{
    mote_array a;
    if (mote_array_shape(&a, type, rank, dims, NULL) != MOTE_OK)
        return NULL;
    a.data = (void *)(uintptr_t)data; /* read only: it is copied */
    mote_value *v = mote_graph_copy_constant(g, MOTE_STR(""), &a);
    if (v != NULL)
        v->is_folded = true;
    return v;
}

float *mote_quant_floats(mote_arena *arena, const mote_array *a)
{
    return mote_arena_copy(arena, a->data, a->bytes); /* aligned, which the file's need not be */
}

mote_node *mote_quant_node(mote_graph *g, mote_node *before, const char *op, int32_t version, uint32_t n_in, mote_value *const *in)
{
    const int64_t set = mote_module_opset(g->module, MOTE_STR(""));
    mote_node *n = mote_graph_add_node(g, before, "", op, set > version ? (int32_t)set : version, n_in, 1, true);
    for (uint32_t i = 0; n != NULL && i < n_in; i++)
        mote_node_set_input(n, i, in[i]);
    return n;
}

mote_value *mote_quant_dequantize(mote_graph *g, mote_node *before, mote_value *x, mote_value *scale, mote_value *zero, int32_t axis)
{
    if (x == NULL || scale == NULL)
        return NULL;
    mote_value *const in[3] = {x, scale, zero};
    mote_node *n = mote_quant_node(g, before, "DequantizeLinear", 13, zero == NULL ? 2 : 3, in);
    if (n == NULL || (axis >= 0 && mote_node_set_int(n, "axis", axis) != MOTE_OK))
        return NULL;
    return n->out[0];
}

mote_conv_weight mote_quant_conv_weight(const mote_node *conv)
{
    const mote_array *a = conv->in[1].value->constant;
    mote_conv_weight w = {.m = (size_t)a->dims[0], .per = (size_t)a->dims[1], .inner = mote_dims_count(a->dims + 2, a->rank - 2)};
    w.m_per = w.m / (size_t)mote_node_int(conv, "group", 1);
    return w;
}

void mote_quant_add_energy(const mote_node *conv, double share, double *energy)
{
    const mote_array *a = conv->in[1].value->constant;
    const mote_conv_weight c = mote_quant_conv_weight(conv);
    for (size_t o = 0; o < c.m; o++)
        for (size_t i = 0; i < c.per; i++)
            for (size_t e = 0; e < c.inner; e++) {
                const double w = mote_array_f64(a, (o * c.per + i) * c.inner + e);
                energy[o / c.m_per * c.per + i] += w * w * share;
            }
}

void mote_quant_sweep(mote_graph *g)
{
    for (mote_value *v = g->values, *next; v != NULL; v = next) {
        next = v->next;
        if (v->constant != NULL && v->uses == NULL && v->producer == NULL)
            mote_value_remove(v);
    }
}

bool mote_quant_kept(const mote_quantizer *q, const mote_node *n)
{
    for (const char *at = q->o.keep; at != NULL && *at != 0;) {
        const size_t length = strcspn(at, ",");
        const bool prefix = length != 0 && at[length - 1] == '*';
        const size_t compared = prefix ? length - 1 : length;
        if ((prefix ? n->name.n >= compared : n->name.n == compared) && (compared == 0 || memcmp(n->name.p, at, compared) == 0))
            return true;
        at += length + (at[length] == ',');
    }
    return false;
}
