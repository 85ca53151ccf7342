/* ms_quant_expand.c - com.microsoft's operators on quantized tensors as standard operators
 * SPDX-License-Identifier: Apache-2.0
 *
 *   QLinearAdd, Mul, Sigmoid, LeakyRelu, AveragePool, GlobalAveragePool, Softmax, ReduceMean, Concat, QGemm with y_scale
 *                             QuantizeLinear(operator(DequantizeLinear(x) ...))
 *   QLinearWhere              Where of both inputs in the output's scale: choosing and quantizing commute
 *   QLinearConv               ONNX's, with transposes around it for channels_last
 *   MatMulIntegerToFloat, DynamicQuantizeMatMul, QGemm without y_scale
 *                             (float)(MatMulInteger(a, b) [+ C]) as bs [+ bias]
 *   QAttention                that product, and MultiHeadAttention; or Attention of the dequantized input and weight
 *   DynamicQuantizeLSTM       LSTM with the weights dequantized: its inputs lose nothing by being quantized, so this is the
 *                             answer that the operator approximates */
#include "base/platform.h"
#include "ops/ms_quant.h"
#include "ops/wide.h"
#include <string.h>

typedef struct expansion {
    mote_graph *g;
    mote_node *n; /* new nodes go before it */
    mote_diag *diag;
} expansion;

static mote_value *in(const expansion *e, uint32_t i) { return i < e->n->n_in ? e->n->in[i].value : NULL; }

/* A standard node with these inputs (the last ones may be NULL: left out). */
static mote_status add(const expansion *e, const char *op, int32_t version, uint32_t n_in, mote_value *const *inputs, mote_node **out)
{
    while (n_in > 1 && inputs[n_in - 1] == NULL)
        n_in--;
    mote_node *n = mote_graph_add_node(e->g, e->n, "", op, version, n_in, 1, true);
    *out = n;
    if (n == NULL)
        return MOTE_NO_MEMORY(e->diag, 0);
    for (uint32_t i = 0; i < n_in; i++)
        mote_node_set_input(n, i, inputs[i]);
    n->name = e->n->name;
    return MOTE_OK;
}

static mote_status memory(const expansion *e, mote_status status) { return status == MOTE_OK ? MOTE_OK : MOTE_NO_MEMORY(e->diag, 0); }

static mote_status value_of(const expansion *e, const char *op, int32_t version, mote_value *a, mote_value *b, mote_value **out)
{
    mote_node *n;
    mote_value *const inputs[] = {a, b};
    MOTE_TRY(add(e, op, version, 2, inputs, &n));
    *out = n->out[0];
    return MOTE_OK;
}

/* The operator of e->n under a standard name, with its attributes but channels_last, alpha of QGemm and opset. */
static mote_status same(const expansion *e, const char *op, int32_t version, uint32_t n_in, mote_value *const *inputs, mote_node **out)
{
    MOTE_TRY(add(e, op, version, n_in, inputs, out));
    MOTE_TRY(memory(e, mote_node_copy_attrs(*out, e->n)));
    mote_node_remove_attr(*out, "channels_last");
    mote_node_remove_attr(*out, "opset");
    return MOTE_OK;
}

static mote_status constant(const expansion *e, mote_dtype dtype, int32_t rank, const int64_t *dims, const void *data, mote_value **out)
{
    mote_array a;
    MOTE_TRY(mote_array_shape(&a, dtype, rank, dims, e->diag));
    a.data = (void *)(uintptr_t)data; /* read only: it is copied */
    *out = mote_graph_copy_constant(e->g, MOTE_STR(""), &a);
    if (*out == NULL)
        return MOTE_NO_MEMORY(e->diag, a.bytes);
    (*out)->is_folded = true;
    return MOTE_OK;
}

static mote_status dequantize(const expansion *e, mote_value *x, mote_value *scale, mote_value *zero, int64_t axis, mote_value **out)
{
    mote_node *n;
    mote_value *const inputs[] = {x, scale, zero};
    MOTE_TRY(add(e, "DequantizeLinear", 13, 3, inputs, &n));
    *out = n->out[0];
    return axis == 1 ? MOTE_OK : memory(e, mote_node_set_int(n, "axis", axis));
}

static mote_status quantize(const expansion *e, mote_value *x, mote_value *scale, mote_value *zero, mote_dtype type, mote_value **out)
{
    mote_node *n;
    const int64_t nothing = 0;
    if (zero == NULL)
        MOTE_TRY(constant(e, type, 0, NULL, &nothing, &zero));
    mote_value *const inputs[] = {x, scale, zero};
    MOTE_TRY(add(e, "QuantizeLinear", 13, 3, inputs, &n));
    *out = n->out[0];
    return MOTE_OK;
}

static mote_status transpose(const expansion *e, mote_value *x, int32_t rank, const int64_t *perm, mote_value **out)
{
    mote_node *n;
    MOTE_TRY(add(e, "Transpose", 13, 1, &x, &n));
    *out = n->out[0];
    return memory(e, mote_node_set_ints(n, "perm", perm, (size_t)rank));
}

/* Channels from the last dimension to the second, or back. */
static mote_status move_channels(const expansion *e, mote_value *x, int32_t rank, bool to_last, mote_value **out)
{
    int64_t perm[MOTE_MAX_RANK];
    for (int32_t i = 0; i < rank; i++)
        perm[i] = i == 0 ? 0 : to_last ? (i == rank - 1 ? 1 : i + 1) : (i == 1 ? rank - 1 : i - 1);
    return transpose(e, x, rank, perm, out);
}

/* ---- X, xs, xz?, ys, yz? ---- */

static bool channels_last(const expansion *e) { return mote_node_int(e->n, "channels_last", 0) != 0; }

static mote_status of_one(const expansion *e, const char *op, int32_t version, mote_value **out)
{
    mote_value *x = in(e, 0);
    const int32_t rank = x->type.rank;
    const mote_dtype type = x->type.dtype;
    mote_node *n;
    if (channels_last(e))
        MOTE_TRY(move_channels(e, x, rank, false, &x));
    MOTE_TRY(dequantize(e, x, in(e, 1), in(e, 2), 1, &x));
    MOTE_TRY(same(e, op, version, 1, &x, &n));
    MOTE_TRY(quantize(e, n->out[0], in(e, 3), in(e, 4), type, out));
    return channels_last(e) ? move_channels(e, *out, rank, true, out) : MOTE_OK;
}

static mote_status of_two(const expansion *e, const char *op, int32_t version, mote_value **out)
{
    mote_value *a, *b;
    MOTE_TRY(dequantize(e, in(e, 0), in(e, 1), in(e, 2), 1, &a));
    MOTE_TRY(dequantize(e, in(e, 3), in(e, 4), in(e, 5), 1, &b));
    MOTE_TRY(value_of(e, op, version, a, b, out));
    return quantize(e, *out, in(e, 6), in(e, 7), in(e, 0)->type.dtype, out);
}

static mote_status concat(const expansion *e, mote_value **out)
{
    const uint32_t parts = (e->n->n_in - 2) / 3;
    mote_node *n = mote_graph_add_node(e->g, e->n, "", "Concat", 13, parts, 1, true);
    if (n == NULL || mote_node_copy_attrs(n, e->n) != MOTE_OK)
        return MOTE_NO_MEMORY(e->diag, 0);
    n->name = e->n->name;
    for (uint32_t i = 0; i < parts; i++) {
        const expansion before = {e->g, n, e->diag};
        mote_value *x;
        MOTE_TRY(dequantize(&before, in(e, 2 + 3 * i), in(e, 3 + 3 * i), in(e, 4 + 3 * i), 1, &x));
        mote_node_set_input(n, i, x);
    }
    return quantize(e, n->out[0], in(e, 0), in(e, 1), MOTE_DTYPE_U8, out);
}

static mote_status where(const expansion *e, mote_value **out)
{
    mote_value *v[3] = {in(e, 0), NULL, NULL};
    mote_node *n;
    for (uint32_t i = 0; i < 2; i++) {
        MOTE_TRY(dequantize(e, in(e, 1 + 3 * i), in(e, 2 + 3 * i), in(e, 3 + 3 * i), 1, &v[1 + i]));
        MOTE_TRY(quantize(e, v[1 + i], in(e, 7), in(e, 8), MOTE_DTYPE_U8, &v[1 + i]));
    }
    MOTE_TRY(add(e, "Where", 16, 3, v, &n));
    *out = n->out[0];
    return MOTE_OK;
}

static mote_status convolution(const expansion *e, mote_value **out)
{
    mote_value *inputs[9];
    const int32_t rank = in(e, 0)->type.rank;
    mote_node *n;
    for (uint32_t i = 0; i < 9; i++)
        inputs[i] = in(e, i);
    if (channels_last(e))
        MOTE_TRY(move_channels(e, inputs[0], rank, false, &inputs[0]));
    MOTE_TRY(same(e, "QLinearConv", 10, 9, inputs, &n));
    *out = n->out[0];
    return channels_last(e) ? move_channels(e, *out, rank, true, out) : MOTE_OK;
}

/* ---- products ---- */

/* as bs alpha: a constant where they are. as of several values: a column. */
static mote_status joint_scale(const expansion *e, mote_value *as, mote_value *bs, float alpha, mote_value **out)
{
    const mote_array *a = mote_value_const(as), *b = mote_value_const(bs);
    if (a != NULL && b != NULL && mote_array_count(a) == 1 && mote_dtype_in(a->dtype, MOTE_DTYPES_FLOAT) && a->data != NULL && b->data != NULL) {
        const size_t n = mote_array_count(b);
        const int64_t dims[1] = {(int64_t)n};
        float *v = mote_heap_calloc(e->g->module->heap, n + 1, sizeof *v);
        if (v == NULL)
            return MOTE_NO_MEMORY(e->diag, n * sizeof *v);
        for (size_t i = 0; i < n; i++)
            v[i] = (float)(mote_array_f64(a, 0) * mote_array_f64(b, i) * (double)alpha);
        const bool scalar = n == 1 && b->rank <= 1;
        mote_status status = constant(e, MOTE_DTYPE_F32, scalar ? 0 : b->rank, scalar ? dims : b->dims, v, out);
        mote_heap_free(e->g->module->heap, v, (n + 1) * sizeof *v);
        return status;
    }
    if (as->type.rank == 1 && as->type.dims[0] != 1) {
        const int64_t column[2] = {-1, 1}, two = 2;
        mote_value *shape;
        MOTE_TRY(constant(e, MOTE_DTYPE_S64, 1, &two, column, &shape));
        MOTE_TRY(value_of(e, "Reshape", 13, as, shape, &as));
    }
    MOTE_TRY(value_of(e, "Mul", 14, as, bs, out));
    if (alpha == 1)
        return MOTE_OK;
    mote_value *factor;
    MOTE_TRY(constant(e, MOTE_DTYPE_F32, 0, NULL, &alpha, &factor));
    return value_of(e, "Mul", 14, *out, factor, out);
}

static mote_status cast(const expansion *e, mote_value *x, mote_dtype to, mote_value **out)
{
    mote_node *n;
    MOTE_TRY(add(e, "Cast", 13, 1, &x, &n));
    *out = n->out[0];
    return memory(e, mote_node_set_int(n, "to", to));
}

/* f32(MatMulInteger(a, b, az, bz) + c) scale + bias */
static mote_status scaled_product(const expansion *e, mote_value *a, mote_value *b, mote_value *az, mote_value *bz, mote_value *c, mote_value *scale,
                                  mote_value *bias, mote_value **out)
{
    mote_node *n;
    mote_value *const inputs[] = {a, b, az, bz};
    MOTE_TRY(add(e, "MatMulInteger", 10, 4, inputs, &n));
    *out = n->out[0];
    if (c != NULL)
        MOTE_TRY(value_of(e, "Add", 14, *out, c, out));
    MOTE_TRY(cast(e, *out, MOTE_DTYPE_F32, out));
    MOTE_TRY(value_of(e, "Mul", 14, *out, scale, out));
    return bias != NULL ? value_of(e, "Add", 14, *out, bias, out) : MOTE_OK;
}

static mote_status to_float(const expansion *e, mote_value **out)
{
    mote_value *as = in(e, 2), *bs = in(e, 3), *bias = in(e, 6), *scale;
    const bool half = as->type.dtype == MOTE_DTYPE_F16;
    if (half) {
        MOTE_TRY(cast(e, as, MOTE_DTYPE_F32, &as));
        MOTE_TRY(cast(e, bs, MOTE_DTYPE_F32, &bs));
        if (bias != NULL)
            MOTE_TRY(cast(e, bias, MOTE_DTYPE_F32, &bias));
    }
    MOTE_TRY(joint_scale(e, as, bs, 1, &scale));
    MOTE_TRY(scaled_product(e, in(e, 0), in(e, 1), in(e, 4), in(e, 5), NULL, scale, bias, out));
    return half ? cast(e, *out, MOTE_DTYPE_F16, out) : MOTE_OK;
}

static mote_status dynamic(const expansion *e, mote_value **out)
{
    mote_value *scale, *a = in(e, 0);
    mote_node *q = mote_graph_add_node(e->g, e->n, "", "DynamicQuantizeLinear", 11, 1, 3, true);
    if (q == NULL)
        return MOTE_NO_MEMORY(e->diag, 0);
    mote_node_set_input(q, 0, a);
    q->name = e->n->name;
    MOTE_TRY(joint_scale(e, q->out[1], in(e, 2), 1, &scale));
    return scaled_product(e, q->out[0], in(e, 1), q->out[2], in(e, 3), NULL, scale, in(e, 4), out);
}

static mote_status gemm(const expansion *e, mote_value **out)
{
    const int64_t back[2] = {1, 0};
    const bool trans_a = mote_node_int(e->n, "transA", 0) != 0, trans_b = mote_node_int(e->n, "transB", 0) != 0;
    const float alpha = mote_node_float(e->n, "alpha", 1);
    mote_value *a = in(e, 0), *b = in(e, 3), *c = in(e, 6), *ys = in(e, 7), *scale = NULL;
    if (ys == NULL || c != NULL)
        MOTE_TRY(joint_scale(e, in(e, 1), in(e, 4), alpha, &scale));
    if (ys == NULL) {
        if (trans_a)
            MOTE_TRY(transpose(e, a, 2, back, &a));
        if (trans_b)
            MOTE_TRY(transpose(e, b, 2, back, &b));
        return scaled_product(e, a, b, in(e, 2), in(e, 5), c, scale, NULL, out);
    }
    mote_node *n;
    mote_value *inputs[3] = {NULL, NULL, NULL};
    MOTE_TRY(dequantize(e, a, in(e, 1), in(e, 2), 1, &inputs[0]));
    MOTE_TRY(dequantize(e, b, in(e, 4), in(e, 5), trans_b ? 0 : 1, &inputs[1]));
    if (c != NULL)
        MOTE_TRY(dequantize(e, c, scale, NULL, c->type.rank > 0 ? c->type.rank - 1 : 1, &inputs[2]));
    MOTE_TRY(same(e, "Gemm", 13, 3, inputs, &n));
    return quantize(e, n->out[0], ys, in(e, 8), MOTE_DTYPE_U8, out);
}

/* ---- DynamicQuantizeLSTM ---- */

/* W[d, k, 4h] with its scale and zero point, one of each or one for each direction and column, as W[d, 4h, k] in float. */
static mote_status real_weights(const expansion *e, uint32_t w, uint32_t s, bool *done, mote_value **out)
{
    const mote_array *q = mote_value_const(in(e, w)), *scale = mote_value_const(in(e, s)), *zero = mote_value_const(in(e, s + 1));
    *done = q != NULL && scale != NULL && zero != NULL && q->rank == 3 && q->data != NULL && scale->data != NULL && zero->data != NULL;
    if (!*done)
        return MOTE_OK;
    const size_t directions = (size_t)q->dims[0], k = (size_t)q->dims[1], n = (size_t)q->dims[2], scales = mote_array_count(scale),
                 zeros = mote_array_count(zero);
    MOTE_REQUIRE((scales == 1 || scales == directions || scales == directions * n) && (zeros == 1 || zeros == directions || zeros == directions * n),
                 e->diag, MOTE_E_SHAPE, "%zu scales and %zu zero points for %zu directions of %zu columns", scales, zeros, directions, n);
    const int64_t dims[3] = {q->dims[0], q->dims[2], q->dims[1]};
    mote_array real;
    MOTE_TRY(mote_array_shape(&real, MOTE_DTYPE_F32, 3, dims, e->diag));
    float *v = mote_arena_calloc(&e->g->module->arena, real.bytes + 1, 1);
    if (v == NULL)
        return MOTE_NO_MEMORY(e->diag, real.bytes);
    real.data = v;
    for (size_t d = 0; d < directions; d++)
        for (size_t j = 0; j < n; j++) {
            const size_t each = d * n + j;
            const float f = (float)mote_array_f64(scale, scales == 1 ? 0 : scales == directions ? d : each);
            const int64_t z = mote_array_i64(zero, zeros == 1 ? 0 : zeros == directions ? d : each);
            for (size_t i = 0; i < k; i++)
                v[each * k + i] = (float)(mote_array_i64(q, (d * k + i) * n + j) - z) * f;
        }
    *out = mote_graph_add_constant(e->g, MOTE_STR(""), &real);
    if (*out == NULL)
        return MOTE_NO_MEMORY(e->diag, 0);
    (*out)->is_folded = true;
    return MOTE_OK;
}

static mote_status lstm(const expansion *e, bool *done)
{
    mote_value *w = NULL, *r = NULL;
    MOTE_TRY(real_weights(e, 1, 8, done, &w));
    if (*done)
        MOTE_TRY(real_weights(e, 2, 10, done, &r));
    if (!*done)
        return MOTE_OK;
    mote_value *const inputs[8] = {in(e, 0), w, r, in(e, 3), in(e, 4), in(e, 5), in(e, 6), in(e, 7)};
    uint32_t n_in = 8;
    while (inputs[n_in - 1] == NULL)
        n_in--;
    mote_node *n = mote_graph_add_node(e->g, e->n, "", "LSTM", 14, n_in, e->n->n_out, true);
    if (n == NULL || mote_node_copy_attrs(n, e->n) != MOTE_OK)
        return MOTE_NO_MEMORY(e->diag, 0);
    n->name = e->n->name;
    for (uint32_t i = 0; i < n_in; i++)
        mote_node_set_input(n, i, inputs[i]);
    for (uint32_t i = 0; i < e->n->n_out; i++)
        if (e->n->out[i] != NULL) {
            n->out[i]->type = e->n->out[i]->type;
            mote_value_replace(e->n->out[i], n->out[i]);
        }
    return MOTE_OK;
}

/* ---- QAttention: input, weight, bias, input_scale, weight_scale, mask?, input_zero?, weight_zero?, past? ---- */

/* A node of that domain with e->n's attributes. */
static mote_status microsoft(const expansion *e, const char *op, uint32_t n_in, mote_value *const *inputs, uint32_t n_out, mote_node **out)
{
    while (n_in > 1 && inputs[n_in - 1] == NULL)
        n_in--;
    *out = mote_graph_add_node(e->g, e->n, "com.microsoft", op, 1, n_in, n_out, true);
    if (*out == NULL || mote_node_copy_attrs(*out, e->n) != MOTE_OK)
        return MOTE_NO_MEMORY(e->diag, 0);
    for (uint32_t i = 0; i < n_in; i++)
        mote_node_set_input(*out, i, inputs[i]);
    (*out)->name = e->n->name;
    return MOTE_OK;
}

/* The product in integers, its three parts to MultiHeadAttention, which knows neither a past in one tensor nor all forms of masks. */
static mote_status attention_of_parts(const expansion *e, mote_value **out)
{
    mote_value *scale, *all;
    mote_node *n;
    MOTE_TRY(joint_scale(e, in(e, 3), in(e, 4), 1, &scale));
    MOTE_TRY(scaled_product(e, in(e, 0), in(e, 1), in(e, 6), in(e, 7), NULL, scale, in(e, 2), &all));
    mote_node *split = mote_graph_add_node(e->g, e->n, "", "Split", 13, 1, 3, true);
    if (split == NULL || mote_node_set_int(split, "axis", -1) != MOTE_OK)
        return MOTE_NO_MEMORY(e->diag, 0);
    mote_node_set_input(split, 0, all);
    mote_value *const inputs[5] = {split->out[0], split->out[1], split->out[2], NULL, in(e, 5)};
    MOTE_TRY(microsoft(e, "MultiHeadAttention", 5, inputs, 1, &n));
    mote_node_remove_attr(n, "do_rotary");
    mote_node_remove_attr(n, "past_present_share_buffer");
    *out = n->out[0];
    return MOTE_OK;
}

static mote_status attention(const expansion *e, mote_value **out)
{
    const mote_value *mask = in(e, 5);
    const bool present = e->n->n_out > 1 && e->n->out[1] != NULL;
    mote_node *n;
    if (in(e, 8) == NULL && !present && mote_node_int(e->n, "do_rotary", 0) == 0 && (mask == NULL || mask->type.rank == 2 || mask->type.rank == 3))
        return attention_of_parts(e, out);
    mote_value *inputs[5] = {NULL, NULL, in(e, 2), in(e, 5), in(e, 8)};
    MOTE_TRY(dequantize(e, in(e, 0), in(e, 3), in(e, 6), 1, &inputs[0]));
    MOTE_TRY(dequantize(e, in(e, 1), in(e, 4), in(e, 7), 1, &inputs[1]));
    MOTE_TRY(microsoft(e, "Attention", 5, inputs, present ? 2 : 1, &n));
    if (present) {
        n->out[1]->type = e->n->out[1]->type;
        mote_value_replace(e->n->out[1], n->out[1]);
    }
    *out = n->out[0];
    return MOTE_OK;
}

/* ---- which ---- */

typedef enum form { ONE, TWO, CONCAT, WHERE, CONV, TO_FLOAT, DYNAMIC, GEMM, LSTM, ATTENTION } form;

static const struct entry {
    const char *op, *standard;
    int32_t version;
    form form;
} entries[] = {
    {"QLinearAdd", "Add", 14, TWO},
    {"QLinearMul", "Mul", 14, TWO},
    {"QLinearSigmoid", "Sigmoid", 13, ONE},
    {"QLinearLeakyRelu", "LeakyRelu", 16, ONE},
    {"QLinearAveragePool", "AveragePool", 11, ONE},
    {"QLinearGlobalAveragePool", "GlobalAveragePool", 1, ONE},
    {"QLinearSoftmax", "Softmax", 13, ONE},
    {"QLinearReduceMean", "ReduceMean", 13, ONE},
    {"QLinearConcat", NULL, 0, CONCAT},
    {"QLinearWhere", NULL, 0, WHERE},
    {"QLinearConv", NULL, 0, CONV},
    {"MatMulIntegerToFloat", NULL, 0, TO_FLOAT},
    {"DynamicQuantizeMatMul", NULL, 0, DYNAMIC},
    {"QGemm", NULL, 0, GEMM},
    {"DynamicQuantizeLSTM", NULL, 0, LSTM},
    {"QAttention", NULL, 0, ATTENTION},
};

static mote_status expand(const expansion *e, const struct entry *f, bool *done, mote_value **out)
{
    switch (f->form) {
    case ONE: /* Softmax before version 13 takes all dimensions from the axis on for one */
        return of_one(e, f->standard, mote_str_is(e->n->op, "QLinearSoftmax") && mote_node_int(e->n, "opset", 13) < 13 ? 11 : f->version, out);
    case TWO: return of_two(e, f->standard, f->version, out);
    case CONCAT: return concat(e, out);
    case WHERE: return where(e, out);
    case CONV: return convolution(e, out);
    case TO_FLOAT: return to_float(e, out);
    case DYNAMIC: return dynamic(e, out);
    case GEMM: return gemm(e, out);
    case ATTENTION: return attention(e, out);
    case LSTM: break;
    }
    return lstm(e, done);
}

mote_status mote_ms_quant_expand(mote_node *n, bool *done, mote_diag *diag)
{
    const struct entry *f = NULL;
    const expansion e = {n->graph, n, diag};
    mote_value *out = NULL;
    *done = false;
    for (size_t i = 0; i < sizeof entries / sizeof *entries && f == NULL; i++)
        if (mote_node_is(n, "com.microsoft", entries[i].op))
            f = &entries[i];
    if (f == NULL || n->n_out == 0 || in(&e, 0) == NULL || (f->form != LSTM && n->out[0] == NULL))
        return MOTE_OK;
    const mote_type *x = &in(&e, 0)->type;
    if (x->dtype == MOTE_DTYPE_NONE || (channels_last(&e) && (x->rank < 3 || x->rank > MOTE_MAX_RANK)) ||
        (f->form == GEMM && in(&e, 6) != NULL && in(&e, 6)->type.rank < 0))
        return MOTE_OK;
    if (f->form == TO_FLOAT && in(&e, 2)->type.rank < 0)
        return MOTE_OK;
    *done = true;
    MOTE_TRY(expand(&e, f, done, &out));
    if (!*done)
        return MOTE_OK;
    if (out != NULL) { /* its type is what the next operator asks for */
        out->type = n->out[0]->type;
        mote_value_replace(n->out[0], out);
    }
    mote_node_remove(n);
    return MOTE_OK;
}
