/* weights.c - weights alone in few bits, in blocks that share a scale
 * SPDX-License-Identifier: Apache-2.0
 *
 * DequantizeLinear of operator set 21 with block_size, before a MatMul, Gemm or Conv that computes in float. Blocks lie along the dimension that a product
 * sums over: K of [K, N], the input channels of a convolution. Where that dimension is not longer than a block, the scale is the output channel's. */
#include "base/platform.h"
#include "quant/quantizer.h"
#include "quant/ptq/weight.h"

static mote_status replace(mote_quantizer *k, const mote_layer *l, mote_diag *diag)
{
    mote_node *n = l->node;
    const mote_array *a = l->weight->constant;
    const mote_dtype type = l->plan.precision == MOTE_PRECISION_WEIGHTS_INT4 ? MOTE_DTYPE_S4 : MOTE_DTYPE_S8;
    const int32_t most = l->plan.precision == MOTE_PRECISION_WEIGHTS_INT4 ? 7 : 127, along = l->axis == 0 ? 1 : 0; /* where the sum runs */
    const bool blocked = l->axis >= 0 && a->rank >= 2 && a->dims[along] > (int64_t)l->plan.block;
    const mote_channels c = mote_channels_of(a, along);
    const size_t count = mote_array_count(a), block = blocked ? l->plan.block : 1, blocks = (c.channels + block - 1) / block;
    float *w = mote_quant_floats(&k->arena, a);
    mote_array q, s;
    int64_t dims[MOTE_MAX_RANK] = {0};
    int32_t rank = a->rank;
    for (int32_t d = 0; d < a->rank; d++)
        dims[d] = d == along ? (int64_t)blocks : a->dims[d];
    if (!blocked) {
        rank = l->axis >= 0 ? 1 : 0;
        dims[0] = l->axis >= 0 ? a->dims[l->axis] : 1;
    }
    MOTE_TRY(mote_array_shape(&q, type, a->rank, a->dims, diag));
    MOTE_TRY(mote_array_shape(&s, MOTE_DTYPE_F32, rank, dims, diag));
    float *scales = mote_arena_calloc(&k->arena, 1, s.bytes + 1);
    q.data = mote_arena_calloc(&k->arena, 1, q.bytes + 1);
    if (w == NULL || scales == NULL || q.data == NULL)
        return MOTE_NO_MEMORY(diag, a->bytes);
    if (blocked) {
        for (size_t o = 0; o < c.outer; o++)
            for (size_t b = 0; b < blocks; b++)
                for (size_t e = 0; e < c.inner; e++) {
                    const size_t first = b * block, length = c.channels - first < block ? c.channels - first : block;
                    const float *from = w + (o * c.channels + first) * c.inner + e;
                    const float scale = mote_weight_scale(from, length, c.inner, most, k->o.effort > 0);
                    scales[(o * blocks + b) * c.inner + e] = scale;
                    for (size_t i = 0; i < length; i++)
                        mote_dtype_from_i64(type, q.data, (o * c.channels + first + i) * c.inner + e, mote_weight_round(from[i * c.inner], scale, most));
                }
    } else {
        const mote_channels by = mote_channels_of(a, l->axis >= 0 ? l->axis : 0);
        const size_t n_scales = l->axis >= 0 ? by.channels : 1;
        for (size_t i = 0; i < n_scales; i++)
            scales[i] = l->axis < 0     ? mote_weight_scale(w, count, 1, most, k->o.effort > 0)
                        : by.outer == 1 ? mote_weight_scale(w + i * by.inner, by.inner, 1, most, k->o.effort > 0)
                                        : mote_weight_scale(w + i, by.outer, by.channels, most, k->o.effort > 0);
        for (size_t i = 0; i < count; i++)
            mote_dtype_from_i64(type, q.data, i, mote_weight_round(w[i], scales[l->axis >= 0 ? i / by.inner % by.channels : 0], most));
    }
    for (size_t i = 0, n_all = mote_array_count(&s); i < n_all; i++)
        scales[i] = scales[i] > 0 ? scales[i] : 1;
    mote_value *x = mote_quant_constant(n->graph, type, a->rank, a->dims, q.data), *scale = mote_quant_constant(n->graph, MOTE_DTYPE_F32, rank, dims, scales);
    mote_value *y = mote_quant_dequantize(n->graph, n, x, scale, NULL, blocked ? along : l->axis);
    if (y == NULL)
        return MOTE_NO_MEMORY(diag, 0);
    if (blocked)
        MOTE_TRY(mote_node_set_int(y->producer, "block_size", (int64_t)block));
    mote_node_set_input(n, 1, y);
    return MOTE_OK;
}

mote_status mote_quant_weights(mote_quantizer *q, mote_diag *diag)
{
    mote_graph *g = q->module->graph;
    for (size_t i = 0; i < q->n_layers; i++) {
        mote_layer *l = &q->layers[i];
        const bool takes = mote_layer_takes(l, MOTE_PRECISION_WEIGHTS_INT8) || mote_layer_takes(l, MOTE_PRECISION_WEIGHTS_INT4);
        if (takes && l->weight == NULL)
            l->why = "both of its inputs are computed";
        else if (takes)
            MOTE_TRY(replace(q, l, diag));
    }
    mote_quant_sweep(g);
    return MOTE_OK;
}
