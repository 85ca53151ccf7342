/* store.c - weights kept in float16, arithmetic in float32
 * SPDX-License-Identifier: Apache-2.0
 *
 * A Cast stands between the constant and the node: half the bytes, and no more noise than rounding the weights makes. */
#include "base/platform.h"
#include "quant/quantizer.h"
#include <math.h>

static bool is_weight(const mote_node *n, uint32_t i)
{
    const mote_value *v = n->in[i].value;
    return i > 0 && v != NULL && v->constant != NULL && v->producer == NULL && v->constant->dtype == MOTE_DTYPE_F32 && mote_array_count(v->constant) > 1;
}

static mote_status store(mote_quantizer *q, mote_node *n, uint32_t i, mote_diag *diag)
{
    const mote_array *a = n->in[i].value->constant;
    mote_array half;
    MOTE_TRY(mote_array_shape(&half, MOTE_DTYPE_F16, a->rank, a->dims, diag));
    void *data = mote_arena_calloc(&q->arena, 1, half.bytes + 1);
    if (data == NULL)
        return MOTE_NO_MEMORY(diag, half.bytes);
    for (size_t k = 0, count = mote_array_count(a); k < count; k++)
        mote_dtype_from_f64(MOTE_DTYPE_F16, data, k, mote_array_f64(a, k));
    mote_value *c = mote_quant_constant(n->graph, MOTE_DTYPE_F16, a->rank, a->dims, data);
    mote_node *cast = c == NULL ? NULL : mote_quant_node(n->graph, n, "Cast", 13, 1, &c);
    if (cast == NULL || mote_node_set_int(cast, "to", MOTE_DTYPE_F32) != MOTE_OK)
        return MOTE_NO_MEMORY(diag, half.bytes);
    mote_node_set_input(n, i, cast->out[0]);
    return MOTE_OK;
}

mote_status mote_quant_store(mote_quantizer *q, mote_diag *diag)
{
    mote_graph *g = q->module->graph;
    for (size_t i = 0; i < q->n_layers; i++) {
        mote_layer *l = &q->layers[i];
        if (!mote_layer_takes(l, MOTE_PRECISION_WEIGHTS_F16))
            continue;
        size_t n = 0;
        for (uint32_t k = 0; k < l->node->n_in && l->why == NULL; k++) {
            if (!is_weight(l->node, k))
                continue;
            n++;
            const mote_array *a = l->node->in[k].value->constant;
            for (size_t e = 0, count = mote_array_count(a); e < count; e++)
                if (!(fabs(mote_array_f64(a, e)) < 65520))
                    l->why = "a weight does not fit float16";
        }
        if (l->why == NULL && n == 0)
            l->why = "both of its inputs are computed";
        for (uint32_t k = 0; k < l->node->n_in && l->why == NULL; k++)
            if (is_weight(l->node, k))
                MOTE_TRY(store(q, l->node, k, diag));
    }
    mote_quant_sweep(g);
    return MOTE_OK;
}
