/* activation.c - elementwise activation functions
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: ONNX operators of the same names. float16 and bfloat16 are computed in float and rounded once. NaN passes through. */
#include "base/platform.h"
#include "ops/args.h"
#include "kernels/unary/unary.h"
#include "ops/map.h"
#include "ops/scalar.h"
#include "ops/types.h"

/* float is the kernels' plain C form, double the expression of x with the parameters a and b */
#define FORMS(name, kernel, body)                                                                                      \
    static void name##_f32(float *v, size_t n, const double *p)                                                        \
    {                                                                                                                  \
        mote_unary_f32_f32_##kernel##_ref(v, v, n, (const float[2]){(float)p[0], (float)p[1]});                        \
    }                                                                                                                  \
    static void name##_f64(double *v, size_t n, const double *p)                                                       \
    {                                                                                                                  \
        const double a = p[0], b = p[1];                                                                               \
        (void)a, (void)b;                                                                                              \
        for (size_t k = 0; k < n; k++) {                                                                               \
            const double x = v[k];                                                                                     \
            v[k] = body;                                                                                               \
        }                                                                                                              \
    }
#define EVAL(name, kernel, p0, p1, body)                                                                               \
    FORMS(name, kernel, body)                                                                                          \
    static mote_status eval_##name(mote_eval *c)                                                                       \
    {                                                                                                                  \
        static const mote_map1 f = {name##_f32, name##_f64, NULL, NULL};                                               \
        const double p[2] = {p0, p1};                                                                                  \
        return mote_map_unary(c, &f, p);                                                                               \
    }
#define ATTR(name, absent) (double)mote_node_float(c->node, name, absent)

FORMS(relu, relu, x < 0 ? 0 : x)
static void relu_s64(int64_t *v, size_t n, const double *p)
{
    (void)p;
    for (size_t k = 0; k < n; k++)
        v[k] = v[k] < 0 ? 0 : v[k];
}
static mote_status eval_relu(mote_eval *c)
{
    static const mote_map1 f = {relu_f32, relu_f64, relu_s64, NULL};
    return mote_map_unary(c, &f, (const double[2]){0, 0});
}

EVAL(leaky_relu, leakyrelu, ATTR("alpha", 0.01f), 0, x < 0 ? a * x : x)
EVAL(thresholded_relu, thresholdedrelu, ATTR("alpha", 1.0f), 0, x <= a ? 0 : x)
EVAL(elu, elu, ATTR("alpha", 1.0f), 1, x < 0 ? a * expm1(x) : x)
EVAL(selu, elu, ATTR("alpha", 1.67326319f), ATTR("gamma", 1.05070102f), x <= 0 ? b * (a * expm1(x)) : b * x)
EVAL(celu, celu, ATTR("alpha", 1.0f), 0, x < 0 ? a * expm1(x / a) : x)
EVAL(sigmoid, sigmoid, 0, 0, scalar_sigmoid_f64(x))
EVAL(hard_sigmoid, hardsigmoid, ATTR("alpha", 0.2f), ATTR("beta", 0.5f), a * x + b < 0 ? 0 : a * x + b > 1 ? 1 : a * x + b)
EVAL(hard_swish, hardswish, 1.0 / 6, 0.5, x * (a * x + b < 0 ? 0 : a * x + b > 1 ? 1 : a * x + b))
EVAL(tanh, tanh, 0, 0, tanh(x))
EVAL(softplus, softplus, 0, 0, scalar_softplus_f64(x))
EVAL(softsign, softsign, 0, 0, x / (1 + fabs(x)))
EVAL(mish, mish, 0, 0, x *tanh(scalar_softplus_f64(x)))
EVAL(swish, swish, ATTR("alpha", 1.0f), 0, x *scalar_sigmoid_f64(a *x))
EVAL(shrink, shrink, ATTR("lambd", 0.5f), ATTR("bias", 0.0f), x < -a ? x + b : x > a ? x - b : x == x ? 0 : x)

FORMS(gelu_erf, gelu, x * 0.5 * (1 + erf(x * 0.70710678118654752440)))
FORMS(gelu_tanh, gelu_tanh, x * 0.5 * (1 + tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x))))
static mote_status infer_gelu(mote_infer *c)
{
    mote_str how = mote_node_string(c->node, "approximate", "none");
    MOTE_REQUIRE(mote_str_is(how, "tanh") || mote_str_is(how, "none"), c->diag, MOTE_E_VALUE, "approximate is '%.*s', expected 'none' or 'tanh'",
                 MOTE_STR_ARG(how));
    return mote_infer_like(c);
}

static mote_status eval_gelu(mote_eval *c)
{
    static const mote_map1 none = {gelu_erf_f32, gelu_erf_f64, NULL, NULL};
    static const mote_map1 tanh_form = {gelu_tanh_f32, gelu_tanh_f64, NULL, NULL};
    bool approximate = mote_str_is(mote_node_string(c->node, "approximate", "none"), "tanh");
    return mote_map_unary(c, approximate ? &tanh_form : &none, (const double[2]){0, 0});
}

/* ---- Clip ---- */

static mote_status infer_clip(mote_infer *c)
{
    for (uint32_t i = 1; i < c->n_in; i++)
        if (mote_infer_ranked(c, i)) /* the definition says scalar; writers also give one element of rank 1 */
            MOTE_REQUIRE(c->in[i]->rank == 0 || (c->in[i]->rank == 1 && mote_dim_may_equal(c->in[i]->dims[0], 1)), c->diag,
                         MOTE_E_SHAPE, "bound %u has rank %d, expected a scalar", i - 1, c->in[i]->rank);
    return mote_infer_like(c);
}

#define CLIP(suffix, type)                                                                                             \
    static void clip_##suffix(type *v, size_t n, const type *lo, const type *hi)                                       \
    {                                                                                                                  \
        for (size_t k = 0; k < n; k++) {                                                                               \
            type x = v[k];                                                                                             \
            x = lo != NULL && x < *lo ? *lo : x;                                                                       \
            v[k] = hi != NULL && x > *hi ? *hi : x;                                                                    \
        }                                                                                                              \
    }
CLIP(f32, float)
CLIP(f64, double)
CLIP(s64, int64_t)
CLIP(u64, uint64_t)

typedef union scalar {
    float f32;
    double f64;
    int64_t s64;
    uint64_t u64;
} scalar;

static mote_status eval_clip(mote_eval *c)
{
    const mote_array *x = c->in[0], *y = c->out[0];
    mote_class cls = mote_class_of(x->dtype);
    scalar bound[2], *lo = NULL, *hi = NULL;
    if (c->node->def->since < 11) {
        static const char *const names[2] = {"min", "max"};
        for (int k = 0; k < 2; k++) {
            if (mote_node_attr(c->node, names[k]) == NULL)
                continue;
            float v = mote_node_float(c->node, names[k], 0);
            if (cls == MOTE_CLASS_F64)
                bound[k].f64 = (double)v;
            else
                bound[k].f32 = v;
            *(k == 0 ? &lo : &hi) = &bound[k];
        }
    } else {
        for (uint32_t k = 0; k < 2; k++) {
            if (!mote_eval_has(c, k + 1) || mote_array_count(c->in[k + 1]) == 0)
                continue;
            mote_elements_load(x->dtype, c->in[k + 1]->data, 0, 0, 1, &bound[k]);
            *(k == 0 ? &lo : &hi) = &bound[k];
        }
    }
    union {
        float f32[MOTE_MAP_BLOCK];
        double f64[MOTE_MAP_BLOCK];
        int64_t s64[MOTE_MAP_BLOCK];
        uint64_t u64[MOTE_MAP_BLOCK];
    } b;
    for (size_t i = 0, count = mote_array_count(x); i < count; i += MOTE_MAP_BLOCK) {
        size_t n = count - i < MOTE_MAP_BLOCK ? count - i : MOTE_MAP_BLOCK;
        mote_elements_load(x->dtype, x->data, i, 1, n, &b);
        switch (cls) {
        case MOTE_CLASS_F32: clip_f32(b.f32, n, lo ? &lo->f32 : NULL, hi ? &hi->f32 : NULL); break;
        case MOTE_CLASS_F64: clip_f64(b.f64, n, lo ? &lo->f64 : NULL, hi ? &hi->f64 : NULL); break;
        case MOTE_CLASS_S64: clip_s64(b.s64, n, lo ? &lo->s64 : NULL, hi ? &hi->s64 : NULL); break;
        case MOTE_CLASS_U64: clip_u64(b.u64, n, lo ? &lo->u64 : NULL, hi ? &hi->u64 : NULL); break;
        }
        mote_elements_store(y->dtype, y->data, i, n, &b);
    }
    return MOTE_OK;
}

/* ---- SwiGLU ---- */

static mote_status infer_swiglu(mote_infer *c)
{
    if (mote_infer_ranked(c, 0) && mote_infer_ranked(c, 1)) {
        MOTE_REQUIRE(c->in[0]->rank == c->in[1]->rank, c->diag, MOTE_E_SHAPE, "A has rank %d and B %d, expected equal shapes",
                     c->in[0]->rank, c->in[1]->rank);
        for (int32_t d = 0; d < c->in[0]->rank; d++)
            MOTE_REQUIRE(mote_dim_may_equal(c->in[0]->dims[d], c->in[1]->dims[d]), c->diag, MOTE_E_SHAPE,
                         "dimension %d is %lld in A and %lld in B, expected equal shapes", d, (long long)c->in[0]->dims[d],
                         (long long)c->in[1]->dims[d]);
    }
    return mote_infer_like(c);
}

static void swiglu_f32(float *a, const float *b, size_t n, const double *p)
{
    mote_unary_f32_f32_swish_ref(a, a, n, (const float[2]){(float)p[0], 0});
    for (size_t k = 0; k < n; k++)
        a[k] *= b[k];
}

static void swiglu_f64(double *a, const double *b, size_t n, const double *p)
{
    for (size_t k = 0; k < n; k++)
        a[k] = a[k] * scalar_sigmoid_f64(p[0] * a[k]) * b[k];
}

static mote_status eval_swiglu(mote_eval *c)
{
    static const mote_map2 f = {swiglu_f32, swiglu_f64, NULL, NULL};
    const double p[1] = {ATTR("alpha", 1.0f)};
    return mote_map_binary(c, &f, p);
}

#define RELU_6(t)                                                                                                       \
    .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE | MOTE_OP_QUANT_INT,                \
    .infer = mote_infer_like, .eval = eval_relu, .doc = MOTE_DOC("y = max(x, 0)")
MOTE_OP(onnx, Relu, 6, RELU_6(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Relu, 13, RELU_6(MOTE_DTYPES_FLOAT));
MOTE_OP(onnx, Relu, 14, RELU_6(MOTE_DTYPES_FLOAT | MOTE_DT(S8) | MOTE_DT(S16) | MOTE_DT(S32) | MOTE_DT(S64)));

#define LEAKY_RELU_6(t)                                                                                                 \
    .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A_FLOAT("alpha", 0.01f)),                         \
    .flags = MOTE_OP_ELEMENTWISE | MOTE_OP_QUANT_INT, .infer = mote_infer_like, .eval = eval_leaky_relu,                \
    .doc = MOTE_DOC("y = x < 0 ? alpha x : x")
MOTE_OP(onnx, LeakyRelu, 6, LEAKY_RELU_6(MOTE_T_FLOAT_7));
MOTE_OP(onnx, LeakyRelu, 16, LEAKY_RELU_6(MOTE_DTYPES_FLOAT));

#define THRESHOLDED_RELU_10(t)                                                                                          \
    .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A_FLOAT("alpha", 1.0f)),                          \
    .flags = MOTE_OP_ELEMENTWISE, .infer = mote_infer_like, .eval = eval_thresholded_relu,                              \
    .doc = MOTE_DOC("y = x > alpha ? x : 0")
MOTE_OP(onnx, ThresholdedRelu, 10, THRESHOLDED_RELU_10(MOTE_T_FLOAT_7));
MOTE_OP(onnx, ThresholdedRelu, 22, THRESHOLDED_RELU_10(MOTE_DTYPES_FLOAT));

#define ELU_6(t)                                                                                                        \
    .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A_FLOAT("alpha", 1.0f)),                          \
    .flags = MOTE_OP_ELEMENTWISE | MOTE_OP_QUANT_INT, .infer = mote_infer_like, .eval = eval_elu,                       \
    .doc = MOTE_DOC("y = x < 0 ? alpha (e^x - 1) : x")
MOTE_OP(onnx, Elu, 6, ELU_6(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Elu, 22, ELU_6(MOTE_DTYPES_FLOAT));

#define SELU_6(t)                                                                                                       \
    .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A_FLOAT("alpha", 1.6732632f),                     \
    MOTE_A_FLOAT("gamma", 1.050701f)), .flags = MOTE_OP_ELEMENTWISE, .infer = mote_infer_like,                          \
    .eval = eval_selu, .doc = MOTE_DOC("y = gamma (x > 0 ? x : alpha (e^x - 1))")
MOTE_OP(onnx, Selu, 6, SELU_6(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Selu, 22, SELU_6(MOTE_DTYPES_FLOAT));

#define CELU_12(t)                                                                                                      \
    .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A_FLOAT("alpha", 1.0f)),                          \
    .flags = MOTE_OP_ELEMENTWISE, .infer = mote_infer_like, .eval = eval_celu,                                          \
    .doc = MOTE_DOC("y = max(0, x) + min(0, alpha (e^(x/alpha) - 1))")
MOTE_OP(onnx, Celu, 12, CELU_12(MOTE_DT(F32)));
MOTE_OP(onnx, Celu, 28, CELU_12(MOTE_DTYPES_FLOAT));

#define SIGMOID_6(t)                                                                                                    \
    .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE | MOTE_OP_QUANT_INT,                \
    .infer = mote_infer_like, .eval = eval_sigmoid, .doc = MOTE_DOC("y = 1 / (1 + e^-x)")
MOTE_OP(onnx, Sigmoid, 6, SIGMOID_6(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Sigmoid, 13, SIGMOID_6(MOTE_DTYPES_FLOAT));

#define HARD_SIGMOID_6(t)                                                                                               \
    .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A_FLOAT("alpha", 0.2f),                           \
    MOTE_A_FLOAT("beta", 0.5f)), .flags = MOTE_OP_ELEMENTWISE | MOTE_OP_QUANT_INT, .infer = mote_infer_like,            \
    .eval = eval_hard_sigmoid, .doc = MOTE_DOC("y = max(0, min(1, alpha x + beta))")
MOTE_OP(onnx, HardSigmoid, 6, HARD_SIGMOID_6(MOTE_T_FLOAT_7));
MOTE_OP(onnx, HardSigmoid, 22, HARD_SIGMOID_6(MOTE_DTYPES_FLOAT));

#define HARD_SWISH_14(t)                                                                                                \
    .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE | MOTE_OP_QUANT_INT,                \
    .infer = mote_infer_like, .eval = eval_hard_swish, .doc = MOTE_DOC("y = x max(0, min(1, x/6 + 1/2))")
MOTE_OP(onnx, HardSwish, 14, HARD_SWISH_14(MOTE_T_FLOAT_7));
MOTE_OP(onnx, HardSwish, 22, HARD_SWISH_14(MOTE_DTYPES_FLOAT));

#define TANH_6(t)                                                                                                       \
    .in = "input:T", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE | MOTE_OP_QUANT_INT,       \
    .infer = mote_infer_like, .eval = eval_tanh, .doc = MOTE_DOC("y = tanh(x)")
MOTE_OP(onnx, Tanh, 6, TANH_6(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Tanh, 13, TANH_6(MOTE_DTYPES_FLOAT));

#define SOFTPLUS_1(t)                                                                                                   \
    .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE, .infer = mote_infer_like,          \
    .eval = eval_softplus, .doc = MOTE_DOC("y = ln(1 + e^x)")
MOTE_OP(onnx, Softplus, 1, SOFTPLUS_1(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Softplus, 22, SOFTPLUS_1(MOTE_DTYPES_FLOAT));

#define SOFTSIGN_1(t)                                                                                                   \
    .in = "input:T", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE,                           \
    .infer = mote_infer_like, .eval = eval_softsign, .doc = MOTE_DOC("y = x / (1 + |x|)")
MOTE_OP(onnx, Softsign, 1, SOFTSIGN_1(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Softsign, 22, SOFTSIGN_1(MOTE_DTYPES_FLOAT));

#define MISH_18(t)                                                                                                      \
    .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE, .infer = mote_infer_like,          \
    .eval = eval_mish, .doc = MOTE_DOC("y = x tanh(ln(1 + e^x))")
MOTE_OP(onnx, Mish, 18, MISH_18(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Mish, 22, MISH_18(MOTE_DTYPES_FLOAT));

MOTE_OP(onnx, Gelu, 20, .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", MOTE_DTYPES_FLOAT, 0}),
        .attrs = MOTE_ATTRS(MOTE_A_STRING("approximate", "none")), .flags = MOTE_OP_ELEMENTWISE | MOTE_OP_QUANT_INT,
        .infer = infer_gelu, .eval = eval_gelu, .doc = MOTE_DOC("y = x/2 (1 + erf(x / sqrt 2)), or its tanh approximation"));

MOTE_OP(onnx, Swish, 24, .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", MOTE_DTYPES_FLOAT, 0}),
        .attrs = MOTE_ATTRS(MOTE_A_FLOAT("alpha", 1.0f)), .flags = MOTE_OP_ELEMENTWISE | MOTE_OP_QUANT_INT,
        .infer = mote_infer_like, .eval = eval_swish, .doc = MOTE_DOC("y = x sigmoid(alpha x)"));

MOTE_OP(onnx, Shrink, 9, .in = "input:T", .out = "output:T", .types = MOTE_TYPES({"T", MOTE_T_NUM_7, 0}),
        .attrs = MOTE_ATTRS(MOTE_A_FLOAT("bias", 0.0f), MOTE_A_FLOAT("lambd", 0.5f)), .flags = MOTE_OP_ELEMENTWISE,
        .infer = mote_infer_like, .eval = eval_shrink, .doc = MOTE_DOC("y = x < -lambd ? x + bias : x > lambd ? x - bias : 0"));

MOTE_OP(onnx, Clip, 6, .in = "input:T", .out = "output:T", .types = MOTE_TYPES({"T", MOTE_T_FLOAT_7, 0}),
        .attrs = MOTE_ATTRS(MOTE_A_FLOAT("max", 3.4028235e+38f), MOTE_A_FLOAT("min", -3.4028235e+38f)),
        .flags = MOTE_OP_ELEMENTWISE | MOTE_OP_QUANT_INT, .infer = infer_clip, .eval = eval_clip,
        .doc = MOTE_DOC("y = min(max(x, lo), hi)"));
#define CLIP_11(t)                                                                                                      \
    .in = "input:T min?:T max?:T", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}),                                           \
    .flags = MOTE_OP_ELEMENTWISE | MOTE_OP_QUANT_INT, .infer = infer_clip, .eval = eval_clip,                           \
    .doc = MOTE_DOC("y = min(max(x, lo), hi)")
MOTE_OP(onnx, Clip, 11, CLIP_11(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Clip, 12, CLIP_11(MOTE_T_NUM_7));
MOTE_OP(onnx, Clip, 13, CLIP_11(MOTE_DTYPES_NUMERIC));

MOTE_OP(onnx, SwiGLU, 28, .in = "A:T B:T", .out = "Y:T", .types = MOTE_TYPES({"T", MOTE_DTYPES_FLOAT, 0}),
        .attrs = MOTE_ATTRS(MOTE_A_FLOAT("alpha", 1.0f)), .flags = MOTE_OP_ELEMENTWISE, .infer = infer_swiglu,
        .eval = eval_swiglu, .doc = MOTE_DOC("y = a sigmoid(alpha a) b"));

