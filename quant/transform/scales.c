/* scales.c - the scale of each weight
 * SPDX-License-Identifier: Apache-2.0
 *
 * A scale is at least what keeps the bias within 2^30 of the product's integers: channels whose weights are near 0 would else have biases that do not fit 32 bits. */
#include "base/platform.h"
#include "quant/quantizer.h"
#include "quant/ptq/weight.h"
#include <float.h>
#include <math.h>

size_t mote_layer_channels(const mote_layer *l) { return l->axis >= 0 ? mote_channels_of(l->weight->constant, l->axis).channels : 1; }

size_t mote_layer_scale_of(const mote_layer *l, size_t i)
{
    if (l->n_scales == 1)
        return 0;
    const mote_channels c = mote_channels_of(l->weight->constant, l->axis);
    return i / c.inner % c.channels;
}

static mote_status layer_scales(mote_quantizer *q, mote_layer *l, mote_diag *diag)
{
    const mote_node *n = l->node;
    const mote_array *a = l->weight->constant;
    const bool by_channel = l->axis >= 0 && !l->plan.per_tensor, search = q->o.effort > 0;
    const mote_channels c = mote_channels_of(a, l->axis >= 0 ? l->axis : 0);
    const size_t count = mote_array_count(a), channels = l->axis >= 0 ? c.channels : 1;
    const int32_t most = q->o.reduce_range ? 63 : 127;
    const float x_scale = q->values[q->values[n->in[0].value->id].root].scale.scale;
    const mote_array *b = n->n_in > 2 && n->in[2].value != NULL && !mote_node_is(n, "", "MatMul") ? n->in[2].value->constant : NULL;
    const float *w = mote_quant_floats(&q->arena, a);
    l->n_scales = by_channel ? channels : 1;
    l->scales = mote_arena_calloc(&q->arena, l->n_scales, sizeof *l->scales);
    if ((w == NULL && count != 0) || l->scales == NULL)
        return MOTE_NO_MEMORY(diag, count);
    for (size_t k = 0; k < l->n_scales; k++)
        l->scales[k] = !by_channel      ? mote_weight_scale(w, count, 1, most, search)
                       : c.outer == 1 ? mote_weight_scale(w + k * c.inner, c.inner, 1, most, search)
                                      : mote_weight_scale(w + k, c.outer, c.channels, most, search); /* [K, N]: inner is 1 */
    for (size_t k = 0; k < channels && b != NULL; k++) { /* where there is nothing but a bias, it has 24 bits */
        float *s = &l->scales[by_channel ? k : 0];
        *s = fmaxf(*s, fabsf((float)mote_array_f64(b, k)) / (x_scale * (*s > 0 ? 0x1p30f : 0x1p24f)));
    }
    for (size_t k = 0; k < l->n_scales; k++)
        l->scales[k] = l->scales[k] * x_scale >= FLT_MIN ? l->scales[k] : 1;
    return MOTE_OK;
}

mote_status mote_quant_weight_scales(mote_quantizer *q, mote_diag *diag)
{
    for (size_t i = 0; i < q->n_layers; i++)
        if (mote_layer_takes(&q->layers[i], MOTE_PRECISION_INT8) && q->layers[i].weight != NULL && q->layers[i].scales == NULL)
            MOTE_TRY(layer_scales(q, &q->layers[i], diag));
    return MOTE_OK;
}
