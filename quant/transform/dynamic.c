/* dynamic.c - products whose activations are quantized at run time
 * SPDX-License-Identifier: Apache-2.0
 *
 *     x -> DynamicQuantizeLinear -> MatMulInteger (ConvInteger) -> Cast -> Mul (x's scale times the weight's) -> Add bias
 *
 * Standard operators; x has one scale, the weight one for each output channel. ConvInteger's padding is x's zero point, which is what 0 is. */
#include "base/platform.h"
#include "quant/quantizer.h"
#include "quant/ptq/weight.h"
#include <string.h>

typedef struct weights {
    mote_value *q, *scale, *zero;
    size_t channels;
} weights;

/* The weight in 8 bits; Gemm's transposed to [K, N]. Scales of rank 1 (MatMul) or [channels, 1 ...] (Conv). */
static mote_status make_weights(mote_quantizer *k, const mote_layer *l, weights *out, mote_diag *diag)
{
    const mote_array *a = l->weight->constant;
    mote_graph *g = l->node->graph;
    const bool conv = mote_node_is(l->node, "", "Conv"), transpose = mote_node_is(l->node, "", "Gemm") && l->axis == 0;
    const int32_t most = k->o.reduce_range ? 63 : 127;
    const size_t count = mote_array_count(a);
    const mote_channels c = mote_channels_of(a, l->axis >= 0 ? l->axis : 0);
    const bool by_channel = !l->plan.per_tensor && l->axis >= 0;
    const size_t n_scales = by_channel ? c.channels : 1;
    float *w = mote_quant_floats(&k->arena, a), *scales = mote_arena_calloc(&k->arena, n_scales, sizeof *scales);
    int8_t *q = mote_arena_calloc(&k->arena, 1, count + 1), zero = 0;
    if ((w == NULL && count != 0) || scales == NULL || q == NULL)
        return MOTE_NO_MEMORY(diag, count);
    for (size_t s = 0; s < n_scales; s++)
        scales[s] = !by_channel      ? mote_weight_scale(w, count, 1, most, k->o.effort > 0)
                    : c.outer == 1 ? mote_weight_scale(w + s * c.inner, c.inner, 1, most, k->o.effort > 0)
                                   : mote_weight_scale(w + s, c.outer, c.channels, most, k->o.effort > 0);
    for (size_t s = 0; s < n_scales; s++)
        scales[s] = scales[s] > 0 ? scales[s] : 1;
    for (size_t o = 0, i = 0; o < c.outer; o++)
        for (size_t ch = 0; ch < c.channels; ch++)
            for (size_t e = 0; e < c.inner; e++, i++)
                q[transpose ? e * c.channels + ch : i] = (int8_t)mote_weight_round(w[i], scales[by_channel ? ch : 0], most);
    int64_t dims[MOTE_MAX_RANK], scale_dims[MOTE_MAX_RANK];
    for (int32_t d = 0; d < a->rank; d++) {
        dims[d] = a->dims[transpose ? a->rank - 1 - d : d];
        scale_dims[d] = 1;
    }
    scale_dims[0] = (int64_t)n_scales;
    out->q = mote_quant_constant(g, MOTE_DTYPE_S8, a->rank, dims, q);
    out->scale = mote_quant_constant(g, MOTE_DTYPE_F32, !by_channel ? 0 : conv ? a->rank - 1 : 1, scale_dims, scales);
    out->zero = mote_quant_constant(g, MOTE_DTYPE_S8, 0, NULL, &zero);
    out->channels = c.channels;
    return out->q != NULL && out->scale != NULL && out->zero != NULL ? MOTE_OK : MOTE_NO_MEMORY(diag, count);
}

static mote_status add_bias(mote_quantizer *k, const mote_layer *l, mote_value *y, mote_value **out, mote_diag *diag)
{
    mote_node *n = l->node;
    mote_value *b = n->n_in > 2 && !mote_node_is(n, "", "MatMul") ? n->in[2].value : NULL;
    *out = y;
    if (b == NULL)
        return MOTE_OK;
    if (mote_node_is(n, "", "Conv")) {
        int64_t dims[MOTE_MAX_RANK];
        const int32_t rank = l->weight->constant->rank - 1; /* [channels, 1 ...]: beside the spatial dimensions */
        for (int32_t d = 0; d < rank; d++)
            dims[d] = d == 0 ? b->constant->dims[0] : 1;
        b = mote_quant_constant(n->graph, MOTE_DTYPE_F32, rank, dims, mote_quant_floats(&k->arena, b->constant));
    }
    mote_value *const in[2] = {y, b};
    mote_node *add = b == NULL ? NULL : mote_quant_node(n->graph, n, "Add", 13, 2, in);
    if (add == NULL)
        return MOTE_NO_MEMORY(diag, 0);
    *out = add->out[0];
    return MOTE_OK;
}

/* The three results of the DynamicQuantizeLinear of x, made once. */
static mote_node *quantized(mote_value *x, mote_graph *g)
{
    for (const mote_use *u = x->uses; u != NULL; u = u->next)
        if (u->node != NULL && u->node->graph == g && mote_node_is(u->node, "", "DynamicQuantizeLinear"))
            return u->node;
    mote_node *n = mote_graph_add_node(g, x->producer != NULL && x->graph == g ? x->producer->next : g->first, "", "DynamicQuantizeLinear",
                                       (int32_t)mote_module_opset(g->module, MOTE_STR("")), 1, 3, true);
    if (n != NULL)
        mote_node_set_input(n, 0, x);
    return n;
}

static mote_status replace(mote_quantizer *k, const mote_layer *l, mote_diag *diag)
{
    mote_node *n = l->node;
    mote_graph *g = n->graph;
    const bool conv = mote_node_is(n, "", "Conv");
    weights w = {NULL, NULL, NULL, 0};
    mote_value *y;
    MOTE_TRY(make_weights(k, l, &w, diag));
    mote_node *x = quantized(n->in[0].value, g);
    if (x == NULL)
        return MOTE_NO_MEMORY(diag, 0);
    mote_value *const in[4] = {x->out[0], w.q, x->out[2], w.zero}, *scales[2] = {x->out[1], w.scale};
    mote_node *product = mote_quant_node(g, n, conv ? "ConvInteger" : "MatMulInteger", 10, 4, in);
    if (product == NULL || (conv && mote_node_copy_attrs(product, n) != MOTE_OK))
        return MOTE_NO_MEMORY(diag, 0);
    product->name = n->name;
    mote_node *cast = mote_quant_node(g, n, "Cast", 13, 1, &product->out[0]);
    mote_node *scale = mote_quant_node(g, n, "Mul", 13, 2, scales);
    if (cast == NULL || scale == NULL || mote_node_set_int(cast, "to", MOTE_DTYPE_F32) != MOTE_OK)
        return MOTE_NO_MEMORY(diag, 0);
    mote_value *const factors[2] = {cast->out[0], scale->out[0]};
    mote_node *real = mote_quant_node(g, n, "Mul", 13, 2, factors);
    if (real == NULL)
        return MOTE_NO_MEMORY(diag, 0);
    MOTE_TRY(add_bias(k, l, real->out[0], &y, diag));
    y->type = n->out[0]->type;
    if (!mote_value_is_output(n->out[0])) { /* tensors keep their names; those of outputs go with mote_value_replace */
        const mote_str name = n->out[0]->name;
        n->out[0]->name = y->name;
        y->name = name;
    }
    mote_value_replace(n->out[0], y);
    mote_node_remove(n);
    return MOTE_OK;
}

mote_status mote_quant_dynamic(mote_quantizer *q, mote_diag *diag)
{
    for (size_t i = 0; i < q->n_layers; i++) {
        mote_layer *l = &q->layers[i];
        if (mote_layer_takes(l, MOTE_PRECISION_INT8_DYNAMIC) && l->weight == NULL)
            l->why = "both of its inputs are computed";
        if (mote_layer_takes(l, MOTE_PRECISION_INT8_DYNAMIC))
            MOTE_TRY(replace(q, l, diag));
    }
    mote_graph *g = q->module->graph;
    mote_quant_sweep(g);
    return mote_graph_sort(g, diag);
}
