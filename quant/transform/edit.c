/* edit.c - constants and nodes that the transforms add
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "quant/quantizer.h"
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
