/* insert.c - QuantizeLinear and DequantizeLinear around what is quantized; weights and biases as integers
 * SPDX-License-Identifier: Apache-2.0
 *
 *     x -> QuantizeLinear -> DequantizeLinear -> Conv <- DequantizeLinear <- weight s8, scales by output channel
 *                                                  ^-- DequantizeLinear <- bias s32, scales x's times the weight's
 *
 * One QuantizeLinear a tensor, one DequantizeLinear a user. */
#include "base/platform.h"
#include "quant/quantizer.h"
#include "quant/ptq/weight.h"
#include <math.h>
#include <string.h>

typedef struct inserter {
    mote_quantizer *q;
    mote_graph *g;
    mote_value **scale, **zero; /* by value id: constants of roots, once made */
    mote_diag *diag;
} inserter;

static mote_value *whole(mote_graph *g, mote_dtype type, int32_t rank, const int64_t *dims, size_t n, int32_t v)
{
    (void)n;
    union {
        uint8_t u8;
        int8_t s8;
        uint16_t u16;
        int16_t s16;
    } x;
    switch (type) {
    case MOTE_DTYPE_U8: x.u8 = (uint8_t)v; break;
    case MOTE_DTYPE_S8: x.s8 = (int8_t)v; break;
    case MOTE_DTYPE_U16: x.u16 = (uint16_t)v; break;
    default: x.s16 = (int16_t)v; break;
    }
    return mote_quant_constant(g, type, rank, dims, &x);
}

static mote_status constants_of(inserter *k, uint32_t id, mote_value **scale, mote_value **zero)
{
    const uint32_t root = k->q->values[id].root;
    const mote_scale *s = &k->q->values[root].scale;
    if (k->scale[root] == NULL) {
        k->scale[root] = mote_quant_constant(k->g, MOTE_DTYPE_F32, 0, NULL, &s->scale);
        k->zero[root] = whole(k->g, s->type, 0, NULL, 1, s->zero);
    }
    *scale = k->scale[root];
    *zero = k->zero[root];
    return *scale != NULL && *zero != NULL ? MOTE_OK : MOTE_NO_MEMORY(k->diag, 8);
}

static int32_t q_version(mote_dtype type) { return type == MOTE_DTYPE_U16 || type == MOTE_DTYPE_S16 ? 21 : 13; }

static mote_value *dequantized(inserter *k, mote_node *before, mote_value *x, mote_value *scale, mote_value *zero, mote_dtype type)
{
    (void)type;
    return mote_quant_dequantize(k->g, before, x, scale, zero, -1);
}

/* Whether this use of a value reads its quantized form. */
static bool reads_quantized(const mote_quantizer *q, const mote_use *u, const mote_qvalue *v)
{
    if (u->node == NULL)
        return v->everywhere;
    if (v->everywhere)
        return u->node->graph == u->value->graph;
    return u->node->graph == u->value->graph && u->node->id < q->n_nodes && q->quantized[u->node->id] && u->index < 2;
}

static mote_status insert_value(inserter *k, mote_value *v)
{
    mote_quantizer *q = k->q;
    const mote_qvalue *qv = &q->values[v->id];
    const mote_dtype type = q->values[qv->root].scale.type;
    mote_value *scale, *zero;
    size_t n = 0;
    for (const mote_use *u = v->uses; u != NULL; u = u->next)
        n += reads_quantized(q, u, qv);
    if (n == 0)
        return MOTE_OK;
    mote_use **uses = mote_arena_calloc(&q->arena, n, sizeof *uses);
    if (uses == NULL)
        return MOTE_NO_MEMORY(k->diag, n * sizeof *uses);
    n = 0;
    for (mote_use *u = v->uses; u != NULL; u = u->next)
        if (reads_quantized(q, u, qv))
            uses[n++] = u;
    MOTE_TRY(constants_of(k, v->id, &scale, &zero));
    mote_value *const in[3] = {v, scale, zero};
    mote_node *quantize = mote_quant_node(k->g, v->producer != NULL ? v->producer->next : k->g->first, "QuantizeLinear", q_version(type), 3, in);
    if (quantize == NULL)
        return MOTE_NO_MEMORY(k->diag, 0);
    mote_node *const behind = quantize->next;
    bool output = false;
    for (size_t i = 0; i < n; i++) {
        if (uses[i]->node == NULL) {
            output = true;
            continue;
        }
        mote_value *y = dequantized(k, uses[i]->node, quantize->out[0], scale, zero, type);
        if (y == NULL)
            return MOTE_NO_MEMORY(k->diag, 0);
        mote_node_set_input(uses[i]->node, uses[i]->index, y);
    }
    if (output) { /* the name stays with the output */
        mote_value *y = dequantized(k, behind, quantize->out[0], scale, zero, type);
        if (y == NULL)
            return MOTE_NO_MEMORY(k->diag, 0);
        y->type = v->type;
        mote_value_replace(v, y);
        mote_node_set_input(quantize, 0, v);
    }
    return MOTE_OK;
}

/* A constant that a sum or a product of tensors reads. */
static mote_status insert_constant(inserter *k, mote_value *v)
{
    const mote_quantizer *q = k->q;
    const mote_array *a = v->constant;
    const size_t n = mote_array_count(a);
    mote_range r = {0, 0};
    for (size_t i = 0; i < n; i++) {
        const float x = (float)mote_array_f64(a, i);
        r.lo = fminf(r.lo, x);
        r.hi = fmaxf(r.hi, x);
    }
    const mote_dtype type = q->values[v->id].type;
    const mote_scale s = mote_scale_of(r, type, false);
    const int32_t least = mote_scale_least(type), most = mote_scale_most(type);
    mote_array whole_array;
    MOTE_TRY(mote_array_shape(&whole_array, type, a->rank, a->dims, k->diag));
    void *data = mote_arena_calloc(&k->q->arena, 1, whole_array.bytes + 1);
    if (data == NULL)
        return MOTE_NO_MEMORY(k->diag, whole_array.bytes);
    for (size_t i = 0; i < n; i++) {
        const double x = rint(mote_array_f64(a, i) / (double)s.scale) + s.zero;
        mote_dtype_from_i64(type, data, i, x < least ? least : x > most ? most : (int64_t)x);
    }
    mote_value *x = mote_quant_constant(k->g, type, a->rank, a->dims, data), *scale = mote_quant_constant(k->g, MOTE_DTYPE_F32, 0, NULL, &s.scale),
               *zero = whole(k->g, type, 0, NULL, 1, s.zero);
    if (x == NULL || scale == NULL || zero == NULL)
        return MOTE_NO_MEMORY(k->diag, 0);
    for (mote_use *u = v->uses, *next; u != NULL; u = next) {
        next = u->next;
        if (u->node == NULL || u->node->id >= q->n_nodes || !q->quantized[u->node->id] || u->node->graph != k->g)
            continue;
        mote_value *y = dequantized(k, u->node, x, scale, zero, type);
        if (y == NULL)
            return MOTE_NO_MEMORY(k->diag, 0);
        mote_node_set_input(u->node, u->index, y);
    }
    return MOTE_OK;
}

/* ---- products ---- */

static mote_status insert_bias(inserter *k, const mote_layer *l, const float *bias, const float *scales, size_t channels, float x_scale)
{
    mote_node *n = l->node;
    const mote_value *old = n->n_in > 2 ? n->in[2].value : NULL;
    const size_t n_scales = l->axis < 0 || l->plan.per_tensor ? 1 : channels;
    int32_t *whole_bias = mote_arena_calloc(&k->q->arena, channels, sizeof *whole_bias);
    float *s = mote_arena_calloc(&k->q->arena, n_scales, sizeof *s);
    if (whole_bias == NULL || s == NULL)
        return MOTE_NO_MEMORY(k->diag, channels * sizeof *s);
    for (size_t c = 0; c < n_scales; c++)
        s[c] = x_scale * scales[c];
    for (size_t c = 0; c < channels; c++) {
        const double b = rint((double)bias[c] / (double)s[n_scales == 1 ? 0 : c]);
        whole_bias[c] = (int32_t)fmin(fmax(b, -0x1p31), 0x1p31 - 1);
    }
    const int64_t dims[MOTE_MAX_RANK] = {(int64_t)channels}, scale_dims[1] = {(int64_t)n_scales};
    const int32_t rank = old != NULL && mote_node_is(n, "", "Gemm") ? old->constant->rank : 1;
    mote_value *b = mote_quant_constant(k->g, MOTE_DTYPE_S32, 1, dims, whole_bias);
    mote_value *scale = mote_quant_constant(k->g, MOTE_DTYPE_F32, n_scales == 1 ? 0 : 1, scale_dims, s);
    (void)rank; /* [1, n] and [n] broadcast alike */
    mote_value *y = mote_quant_dequantize(k->g, n, b, scale, NULL, n_scales == 1 ? -1 : 0);
    if (y == NULL)
        return MOTE_NO_MEMORY(k->diag, 0);
    if (n->n_in < 3)
        MOTE_TRY(mote_node_resize_inputs(n, 3));
    mote_node_set_input(n, 2, y);
    return MOTE_OK;
}

static mote_status insert_layer(inserter *k, const mote_layer *l)
{
    mote_quantizer *q = k->q;
    mote_node *n = l->node;
    const mote_array *a = l->weight->constant;
    const size_t channels = mote_layer_channels(l), count = mote_array_count(a);
    const int32_t most = q->o.reduce_range ? 63 : 127;
    const float x_scale = q->values[q->values[n->in[0].value->id].root].scale.scale;
    const mote_array *b = n->n_in > 2 && n->in[2].value != NULL && !mote_node_is(n, "", "MatMul") ? n->in[2].value->constant : NULL;
    const bool has_bias = b != NULL || l->shift != NULL;
    int8_t *whole_weight = l->rounded;
    float *bias = mote_arena_calloc(&q->arena, channels, sizeof *bias);
    if (whole_weight == NULL) {
        const float *w = mote_quant_floats(&q->arena, a);
        whole_weight = mote_arena_calloc(&q->arena, 1, count + 1);
        if (w == NULL || whole_weight == NULL)
            return MOTE_NO_MEMORY(k->diag, count);
        for (size_t i = 0; i < count; i++)
            whole_weight[i] = (int8_t)mote_weight_round(w[i], l->scales[mote_layer_scale_of(l, i)], most);
    }
    for (size_t c = 0; c < channels && bias != NULL && has_bias; c++)
        bias[c] = (b != NULL ? (float)mote_array_f64(b, c) : 0) + (l->shift != NULL ? l->shift[c] : 0);
    const int64_t scale_dims[1] = {(int64_t)l->n_scales};
    const int32_t rank = l->n_scales == 1 && (l->axis < 0 || l->plan.per_tensor) ? 0 : 1;
    int8_t *zeros = mote_arena_calloc(&q->arena, l->n_scales, 1);
    mote_value *x = mote_quant_constant(k->g, MOTE_DTYPE_S8, a->rank, a->dims, whole_weight);
    mote_value *scale = mote_quant_constant(k->g, MOTE_DTYPE_F32, rank, scale_dims, l->scales);
    mote_value *zero = zeros == NULL ? NULL : mote_quant_constant(k->g, MOTE_DTYPE_S8, rank, scale_dims, zeros);
    mote_value *y = zero == NULL ? NULL : mote_quant_dequantize(k->g, n, x, scale, zero, rank == 1 ? l->axis : -1);
    if (y == NULL || bias == NULL)
        return MOTE_NO_MEMORY(k->diag, count);
    mote_node_set_input(n, 1, y);
    return has_bias ? insert_bias(k, l, bias, l->scales, channels, x_scale) : MOTE_OK;
}

mote_status mote_quant_insert(mote_quantizer *q, mote_diag *diag)
{
    mote_graph *g = q->module->graph;
    inserter k = {q, g, mote_arena_calloc(&q->arena, q->n_values + 1, sizeof(mote_value *)), mote_arena_calloc(&q->arena, q->n_values + 1, sizeof(mote_value *)), diag};
    if (k.scale == NULL || k.zero == NULL)
        return MOTE_NO_MEMORY(diag, q->n_values * sizeof(mote_value *));
    for (size_t i = 0; i < q->n_layers; i++)
        if (mote_layer_takes(&q->layers[i], MOTE_PRECISION_INT8) && q->layers[i].weight != NULL)
            MOTE_TRY(insert_layer(&k, &q->layers[i]));
    for (mote_value *v = g->values, *next; v != NULL; v = next) {
        next = v->next;
        if (v->id >= q->n_values || !q->values[v->id].wanted)
            continue;
        MOTE_TRY(v->constant != NULL ? insert_constant(&k, v) : insert_value(&k, v));
    }
    mote_quant_sweep(g);
    return mote_graph_sort(g, diag);
}
