/* ms_quant.c - com.microsoft: operators on quantized tensors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: onnxruntime's ContribOperators documentation, version 1.32. Each means what its expansion into standard operators does
 * (ms_quant_expand.c), and is evaluated by it: y = clamp(round_half_even(f / ys) + yz) of f, the operator's result on the real values. */
#include "base/platform.h"
#include "ops/matmul.h"
#include "ops/ms_quant.h"
#include "ops/types.h"
#include <string.h>

#define Q8 (MOTE_DT(U8) | MOTE_DT(S8))

/* ---- evaluation ---- */

static mote_status run(mote_eval *c, mote_module *m)
{
    mote_array out[8] = {{0}};
    size_t n_out = 0, at = 0;
    bool done;
    mote_graph *g = m->graph;
    mote_node *n = mote_graph_add_node(g, NULL, c->node->domain.p, c->node->op.p, c->node->version, c->n_in, c->n_out, true);
    if (n == NULL || mote_node_copy_attrs(n, c->node) != MOTE_OK)
        return MOTE_NO_MEMORY(c->diag, 0);
    for (uint32_t i = 0; i < c->n_in; i++) {
        mote_value *v = c->in[i] == NULL ? NULL : mote_graph_add_constant(g, MOTE_STR(""), c->in[i]);
        if (c->in[i] != NULL && v == NULL)
            return MOTE_NO_MEMORY(c->diag, 0);
        mote_node_set_input(n, i, v);
    }
    for (uint32_t i = 0; i < c->n_out; i++)
        if (c->out[i] != NULL) {
            if (mote_graph_add_output(g, n->out[i]) != MOTE_OK)
                return MOTE_NO_MEMORY(c->diag, 0);
            n_out++;
        }
    MOTE_TRY(mote_ms_quant_expand(n, &done, c->diag));
    MOTE_REQUIRE(done, c->diag, MOTE_E_SHAPE, "input 0 has rank %d", (int)c->in[0]->rank);
    MOTE_TRY(mote_ops_resolve(m, c->diag));
    MOTE_TRY(mote_infer_module(m, c->diag));
    mote_status status = mote_eval_graph(g, NULL, 0, out, n_out, c->heap, 0, NULL, NULL, c->diag);
    for (uint32_t i = 0; i < c->n_out && status == MOTE_OK; i++)
        if (c->out[i] != NULL)
            status = mote_eval_copy_output(c, i, &out[at++]);
    for (size_t i = 0; i < n_out; i++)
        mote_array_free(c->heap, &out[i]);
    return status;
}

static mote_status eval_expanded(mote_eval *c)
{
    mote_module *m;
    MOTE_TRY(mote_module_create(c->heap, &m));
    m->graph = mote_graph_create(m, NULL, NULL);
    mote_status status = m->graph != NULL ? run(c, m) : MOTE_NO_MEMORY(c->diag, 0);
    mote_module_destroy(&m);
    return status;
}

/* ---- inference ---- */

/* Of a standard operator (or a form of domain mote) with n's attributes. */
static mote_status borrow(mote_infer *c, const char *domain, const char *op, int32_t version, uint32_t n_in, const mote_type *const *in)
{
    mote_node node = *c->node;
    mote_infer sub = *c;
    const mote_array *unknown[16] = {NULL};
    node.domain = mote_str_c(domain);
    node.op = mote_str_c(op);
    node.version = version;
    node.def = mote_op_find(node.domain, node.op, version);
    sub.node = &node;
    sub.n_in = n_in;
    sub.in = in;
    sub.value = unknown;
    return node.def->infer(&sub);
}

/* A scale or zero point is one value. */
static mote_status single(mote_infer *c, uint32_t i)
{
    const mote_type *t = mote_infer_has(c, i) ? c->in[i] : NULL;
    for (int32_t d = 0; t != NULL && d < t->rank; d++)
        MOTE_REQUIRE(t->rank == 1 && mote_dim_may_equal(t->dims[d], 1), c->diag, MOTE_E_SHAPE, "input %u, a scale or zero point, is not one value",
                     i);
    return MOTE_OK;
}

static mote_status infer_like(mote_infer *c)
{
    for (uint32_t i = 1; i < 5; i++)
        MOTE_TRY(single(c, i));
    return mote_infer_like(c);
}

static mote_status infer_softmax(mote_infer *c)
{
    const mote_type *x = c->in[0];
    int32_t axis;
    if (x->rank >= 0)
        MOTE_TRY(mote_arg_axis(mote_node_int(c->node, "axis", -1), x->rank, "axis", c->diag, &axis));
    return infer_like(c);
}

static mote_status infer_binary(mote_infer *c)
{
    int32_t rank = c->in[0]->rank;
    int64_t dims[MOTE_MAX_RANK];
    for (uint32_t i = 1; i < 8; i++)
        if (i != 3)
            MOTE_TRY(single(c, i));
    for (int32_t i = 0; i < rank; i++)
        dims[i] = c->in[0]->dims[i];
    MOTE_TRY(mote_dims_broadcast(&rank, dims, c->in[3], c->diag));
    mote_infer_out(c, 0, c->in[0]->dtype, rank, dims);
    return MOTE_OK;
}

static mote_status infer_pool(mote_infer *c, const char *op, int32_t version)
{
    for (uint32_t i = 1; i < 5; i++)
        MOTE_TRY(single(c, i));
    const bool last = mote_node_int(c->node, "channels_last", 0) != 0;
    MOTE_REQUIRE(c->in[0]->rank < 0 || c->in[0]->rank >= 3, c->diag, MOTE_E_SHAPE, "X has rank %d, expected 3 or more", (int)c->in[0]->rank);
    return borrow(c, last ? "mote" : "", op, last ? 1 : version, 1, c->in);
}
static mote_status infer_average(mote_infer *c) { return infer_pool(c, "AveragePool", 11); }
static mote_status infer_global(mote_infer *c) { return infer_pool(c, "GlobalAveragePool", 1); }

static mote_status infer_mean(mote_infer *c)
{
    for (uint32_t i = 1; i < 5; i++)
        MOTE_TRY(single(c, i));
    return borrow(c, "", "ReduceMean", 13, 1, c->in);
}

static mote_status infer_concat(mote_infer *c)
{
    const uint32_t parts = (c->n_in - 2) / 3;
    MOTE_REQUIRE(c->n_in >= 5 && (c->n_in - 2) % 3 == 0, c->diag, MOTE_E_MODEL, "%u inputs, expected 2 and 3 for each tensor", c->n_in);
    MOTE_TRY(single(c, 0));
    MOTE_TRY(single(c, 1));
    for (uint32_t i = 0; i < parts; i++) {
        MOTE_REQUIRE(c->in[2 + 3 * i] != NULL && c->in[3 + 3 * i] != NULL, c->diag, MOTE_E_MODEL, "input %u is missing", 2 + 3 * i);
        for (uint32_t k = 0; k < 3; k++) {
            const mote_type *t = c->in[2 + 3 * i + k];
            MOTE_REQUIRE(t == NULL || t->dtype == MOTE_DTYPE_NONE || mote_dtype_in(t->dtype, k == 1 ? MOTE_DT(F32) : Q8), c->diag, MOTE_E_DTYPE,
                         "input %u is %s", 2 + 3 * i + k, mote_dtype_name(t->dtype));
        }
        MOTE_TRY(single(c, 3 + 3 * i));
        MOTE_TRY(single(c, 4 + 3 * i));
    }
    const mote_type **in = mote_heap_calloc(c->module->heap, parts, sizeof *in);
    if (in == NULL)
        return MOTE_NO_MEMORY(c->diag, parts * sizeof *in);
    for (uint32_t i = 0; i < parts; i++)
        in[i] = c->in[2 + 3 * i];
    mote_status status = borrow(c, "", "Concat", 13, parts, in);
    mote_heap_free(c->module->heap, in, parts * sizeof *in);
    MOTE_TRY(status);
    c->out[0].dtype = c->in[1]->dtype;
    return MOTE_OK;
}

static mote_status infer_where(mote_infer *c)
{
    int32_t rank = 0;
    int64_t dims[MOTE_MAX_RANK];
    for (uint32_t i = 2; i < 9; i++)
        if (i != 4)
            MOTE_TRY(single(c, i));
    MOTE_TRY(mote_dims_broadcast(&rank, dims, c->in[0], c->diag));
    MOTE_TRY(mote_dims_broadcast(&rank, dims, c->in[1], c->diag));
    MOTE_TRY(mote_dims_broadcast(&rank, dims, c->in[4], c->diag));
    mote_infer_out(c, 0, c->in[1]->dtype, rank, dims);
    return MOTE_OK;
}

static mote_status infer_conv(mote_infer *c)
{
    const bool last = mote_node_int(c->node, "channels_last", 0) != 0;
    return borrow(c, last ? "mote" : "", last ? "QConv" : "QLinearConv", last ? 1 : 10, c->n_in, c->in);
}

/* Y is quantized where there is a y_scale, else float. */
static mote_status infer_gemm(mote_infer *c)
{
    const mote_type *in[3] = {c->in[0], c->in[3], mote_infer_has(c, 6) ? c->in[6] : NULL};
    const bool quantized = mote_infer_has(c, 7), zero = mote_infer_has(c, 8);
    MOTE_REQUIRE(quantized || !zero, c->diag, MOTE_E_MODEL, "y_zero_point without y_scale");
    MOTE_TRY(single(c, 1));
    MOTE_TRY(single(c, 2));
    MOTE_TRY(single(c, 7));
    MOTE_TRY(single(c, 8));
    MOTE_TRY(borrow(c, "", "Gemm", 13, in[2] != NULL ? 3 : 2, in));
    c->out[0].dtype = !quantized ? MOTE_DTYPE_F32 : zero ? c->in[8]->dtype : MOTE_DTYPE_U8;
    return MOTE_OK;
}

/* Scales, zero points and bias broadcast to the product, and do not add dimensions to it. */
static mote_status infer_product(mote_infer *c, mote_dtype dtype)
{
    static const char *const names[] = {"input 2", "input 3", "input 4", "input 5", "input 6"};
    const int32_t a = c->in[0]->rank, b = c->in[1]->rank, rank = a > b ? a : b;
    for (uint32_t i = 2; i < 7 && a >= 0 && b >= 0; i++)
        if (mote_infer_ranked(c, i))
            MOTE_REQUIRE(c->in[i]->rank <= 1 || c->in[i]->rank <= rank, c->diag, MOTE_E_SHAPE, "%s has rank %d, expected 0 to %d", names[i - 2], c->in[i]->rank, rank);
    return mote_infer_matmul(c, 0, 1, dtype);
}
static mote_status infer_to_float(mote_infer *c) { return infer_product(c, c->in[2]->dtype); }
static mote_status infer_dynamic(mote_infer *c) { return infer_product(c, MOTE_DTYPE_F32); }

static mote_status infer_lstm(mote_infer *c)
{
    mote_type turned[2] = {*c->in[1], *c->in[2]};
    const mote_type *in[8] = {c->in[0], &turned[0], &turned[1]};
    for (uint32_t i = 0; i < 2; i++)
        if (turned[i].rank == 3) {
            turned[i].dims[1] = c->in[1 + i]->dims[2];
            turned[i].dims[2] = c->in[1 + i]->dims[1];
        }
    for (uint32_t i = 3; i < 8; i++)
        in[i] = mote_infer_has(c, i) ? c->in[i] : NULL;
    return borrow(c, "", "LSTM", 14, 8, in);
}

/* Attention's inputs stand among the scales. */
static mote_status infer_attention(mote_infer *c)
{
    const mote_type *in[5] = {c->in[0], c->in[1], c->in[2], mote_infer_has(c, 5) ? c->in[5] : NULL, mote_infer_has(c, 8) ? c->in[8] : NULL};
    MOTE_TRY(single(c, 3));
    MOTE_TRY(single(c, 6));
    MOTE_TRY(borrow(c, "com.microsoft", "Attention", 1, 5, in));
    for (uint32_t i = 0; i < c->n_out; i++)
        c->out[i].dtype = MOTE_DTYPE_F32;
    return MOTE_OK;
}

/* ---- MatMulInteger16 ---- */

static mote_status infer_16(mote_infer *c)
{
    const bool is_unsigned = c->in[0]->dtype == MOTE_DTYPE_U16 && c->in[1]->dtype == MOTE_DTYPE_U16;
    return mote_infer_matmul(c, 0, 1, is_unsigned ? MOTE_DTYPE_U32 : MOTE_DTYPE_S32);
}

static mote_status eval_16_temp(mote_eval *c, mote_arena *temp)
{
    mote_matmul s;
    const mote_matmul_zero none = {NULL, 0, 0};
    MOTE_TRY(mote_matmul_of(c->in[0], c->in[1], c->out[0], &s, c->diag));
    const int32_t *a = mote_widen_s32(temp, c->in[0]), *b = mote_widen_s32(temp, c->in[1]);
    uint32_t *y = c->out[0]->data;
    if (a == NULL || b == NULL)
        return MOTE_NO_MEMORY(c->diag, 0);
    for (size_t i = 0; i < s.batch; i++)
        for (size_t m = 0; m < s.m; m++)
            for (size_t n = 0; n < s.n; n++)
                *y++ = (uint32_t)(uint64_t)mote_matmul_integer_at(&s, a, b, &none, &none, i, m, n);
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_16)

/* ---- definitions ---- */

#define EXPANDED .flags = MOTE_OP_QUANT_INT, .eval = eval_expanded
#define T8 .types = MOTE_TYPES({"T", Q8, 0})
#define ONE .in = "X:T X_scale:float X_zero_point?:T Y_scale:float Y_zero_point?:T", .out = "Y:T", T8, EXPANDED
#define TWO                                                                                                            \
    .in = "A:T A_scale:float A_zero_point?:T B:T B_scale:float B_zero_point?:T C_scale:float C_zero_point?:T", .out = "C:T", \
    T8, EXPANDED, .infer = infer_binary
#define LAST MOTE_A_INT("channels_last", 0)
MOTE_OP(ms, QLinearAdd, 1, TWO, .doc = MOTE_DOC("c = quantize(a + b)"));
MOTE_OP(ms, QLinearMul, 1, TWO, .doc = MOTE_DOC("c = quantize(a b)"));
MOTE_OP(ms, QLinearSigmoid, 1, ONE, .infer = infer_like, .doc = MOTE_DOC("y = quantize(1 / (1 + exp(-x)))"));
MOTE_OP(ms, QLinearLeakyRelu, 1, ONE, .attrs = MOTE_ATTRS(MOTE_A_FLOAT("alpha", 0.01f)), .infer = infer_like,
        .doc = MOTE_DOC("y = quantize(x < 0 ? alpha x : x)"));
MOTE_OP(ms, QLinearSoftmax, 1, ONE, .attrs = MOTE_ATTRS(MOTE_A_INT("axis", -1), MOTE_A_REQUIRED(INT, "opset")), .infer = infer_softmax,
        .doc = MOTE_DOC("y = quantize(softmax(x))"));
MOTE_OP(ms, QLinearReduceMean, 1, ONE, .attrs = MOTE_ATTRS(MOTE_A_REQUIRED(INTS, "axes"), MOTE_A_REQUIRED(INT, "keepdims")), .infer = infer_mean,
        .doc = MOTE_DOC("y = quantize(mean of x over axes)"));
MOTE_OP(ms, QLinearGlobalAveragePool, 1, ONE, .attrs = MOTE_ATTRS(LAST), .infer = infer_global,
        .doc = MOTE_DOC("y = quantize(mean of each channel)"));
MOTE_OP(ms, QLinearAveragePool, 1, ONE,
        .attrs = MOTE_ATTRS(LAST, MOTE_A_STRING("auto_pad", "NOTSET"), MOTE_A_INT("ceil_mode", 0), MOTE_A_INT("count_include_pad", 0),
                            MOTE_A_REQUIRED(INTS, "kernel_shape"), MOTE_A(INTS, "pads"), MOTE_A(INTS, "strides")),
        .infer = infer_average, .doc = MOTE_DOC("y = quantize(mean of each window)"));
MOTE_OP(ms, QLinearConcat, 1, .in = "Y_scale:float Y_zero_point:T8 inputs**:TV", .out = "Y:T8",
        .types = MOTE_TYPES({"T8", Q8, 0}, {"TV", Q8 | MOTE_DT(F32), 0}), .attrs = MOTE_ATTRS(MOTE_A_REQUIRED(INT, "axis")), EXPANDED,
        .infer = infer_concat, .doc = MOTE_DOC("y = quantize(the inputs joined along the axis), each in its own scale"));
MOTE_OP(ms, QLinearWhere, 1, .in = "condition:bool X:T x_scale:float x_zero_point:T Y:T y_scale:float y_zero_point:T z_scale:float z_zero_point:T",
        .out = "Z:T", T8, EXPANDED, .infer = infer_where, .doc = MOTE_DOC("z = quantize(condition ? x : y)"));
MOTE_OP(ms, QLinearConv, 1, .in = "x:T1 x_scale:float x_zero_point:T1 w:T2 w_scale:float w_zero_point:T2 y_scale:float y_zero_point:T3 B?:int32",
        .out = "y:T3", .types = MOTE_TYPES({"T1", Q8, 0}, {"T2", Q8, 0}, {"T3", Q8, 0}),
        .attrs = MOTE_ATTRS(LAST, MOTE_A_STRING("auto_pad", "NOTSET"), MOTE_A(INTS, "dilations"), MOTE_A_INT("group", 1),
                            MOTE_A(INTS, "kernel_shape"), MOTE_A(INTS, "pads"), MOTE_A(INTS, "strides")),
        EXPANDED, .infer = infer_conv, .doc = MOTE_DOC("ONNX QLinearConv, of channels-last images where channels_last"));
MOTE_OP(ms, QGemm, 1, .in = "A:TA a_scale:float a_zero_point:TA B:TB b_scale:float b_zero_point:TB C?:int32 y_scale?:float y_zero_point?:TYZ",
        .out = "Y:TY", .types = MOTE_TYPES({"TA", Q8, 0}, {"TB", Q8, 0}, {"TYZ", Q8, 0}, {"TY", Q8 | MOTE_DT(F32), 0}),
        .attrs = MOTE_ATTRS(MOTE_A_FLOAT("alpha", 1), MOTE_A_INT("transA", 0), MOTE_A_INT("transB", 0)), EXPANDED, .infer = infer_gemm,
        .doc = MOTE_DOC("y = alpha as bs ((a - az) (b - bz) + c), quantized where there is a y_scale"));
MOTE_OP(ms, MatMulIntegerToFloat, 1, .in = "A:T1 B:T2 a_scale:T3 b_scale:T3 a_zero_point?:T1 b_zero_point?:T2 bias?:T3", .out = "Y:T3",
        .types = MOTE_TYPES({"T1", Q8, 0}, {"T2", Q8, 0}, {"T3", MOTE_DT(F32) | MOTE_DT(F16), 0}), EXPANDED, .infer = infer_to_float,
        .doc = MOTE_DOC("y = as bs sum_k (a - az) (b - bz) + bias"));
MOTE_OP(ms, DynamicQuantizeMatMul, 1, .in = "A:T1 B:T2 b_scale:T1 b_zero_point?:T2 bias?:T1", .out = "Y:T1",
        .types = MOTE_TYPES({"T1", MOTE_DT(F32), 0}, {"T2", Q8, 0}), EXPANDED, .infer = infer_dynamic,
        .doc = MOTE_DOC("MatMulIntegerToFloat of a quantized as DynamicQuantizeLinear does"));
MOTE_OP(ms, DynamicQuantizeLSTM, 1,
        .in = "X:T W:T2 R:T2 B?:T sequence_lens?:T1 initial_h?:T initial_c?:T P?:T W_scale:T W_zero_point:T2 R_scale:T R_zero_point:T2",
        .out = "Y?:T Y_h?:T Y_c?:T", .types = MOTE_TYPES({"T", MOTE_DT(F32), 0}, {"T1", MOTE_DT(S32), 0}, {"T2", Q8, 0}),
        .attrs = MOTE_ATTRS(MOTE_A(FLOATS, "activation_alpha"), MOTE_A(FLOATS, "activation_beta"), MOTE_A(STRINGS, "activations"),
                            MOTE_A(FLOAT, "clip"), MOTE_A_STRING("direction", "forward"), MOTE_A(INT, "hidden_size"), MOTE_A_INT("input_forget", 0)),
        EXPANDED, .infer = infer_lstm, .doc = MOTE_DOC("LSTM of the dequantized weights W[d, k, 4h] and R[d, h, 4h]"));
MOTE_OP(ms, QAttention, 1,
        .in = "input:T1 weight:T2 bias:T3 input_scale:T3 weight_scale:T3 mask_index?:T4 input_zero_point?:T1 weight_zero_point?:T2 past?:T3",
        .out = "output:T3 present?:T3", .types = MOTE_TYPES({"T1", Q8, 0}, {"T2", Q8, 0}, {"T3", MOTE_DT(F32), 0}, {"T4", MOTE_DT(S32), 0}),
        .attrs = MOTE_ATTRS(MOTE_A_INT("do_rotary", 0), MOTE_A_FLOAT("mask_filter_value", -10000.0f), MOTE_A_REQUIRED(INT, "num_heads"),
                            MOTE_A_INT("past_present_share_buffer", 0), MOTE_A(FLOAT, "scale"), MOTE_A_INT("unidirectional", 0)),
        EXPANDED, .infer = infer_attention, .doc = MOTE_DOC("Attention of the dequantized input and weight"));
MOTE_OP(ms, MatMulInteger16, 1, .in = "A:T1 B:T2", .out = "Y:T3",
        .types = MOTE_TYPES({"T1", MOTE_DT(S16) | MOTE_DT(U16), 0}, {"T2", MOTE_DT(S16) | MOTE_DT(U16), 0}, {"T3", MOTE_DT(S32) | MOTE_DT(U32), 0}),
        .infer = infer_16, .eval = eval_16, .doc = MOTE_DOC("y[m,n] = sum_k a[m,k] b[k,n], modulo 2^32"));
