/* unary.c - elementwise functions of one tensor: arithmetic, roots, exponentials, trigonometry, tests
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: ONNX operators of the same names. float16 and bfloat16 are computed in float and rounded once. */
#include "base/platform.h"
#include "ops/args.h"
#include "kernels/unary/unary.h"
#include "ops/map.h"
#include "ops/types.h"
#include <float.h>
#include <math.h>
#include <string.h>

/* body: expression of x */
#define FORM(name, suffix, type, body)                                                                                 \
    static void name##_##suffix(type *v, size_t n, const double *p)                                                    \
    {                                                                                                                  \
        (void)p;                                                                                                       \
        for (size_t k = 0; k < n; k++) {                                                                               \
            const type x = v[k];                                                                                       \
            v[k] = (type)(body);                                                                                       \
        }                                                                                                              \
    }
/* float is the kernels' plain C form: the same bits as every other row */
#define FLOAT_FORMS(name, body)                                                                                        \
    static void name##_f32(float *v, size_t n, const double *p)                                                        \
    {                                                                                                                  \
        (void)p;                                                                                                       \
        mote_unary_f32_f32_##name##_ref(v, v, n, NULL);                                                                \
    }                                                                                                                  \
    FORM(name, f64, double, body)
#define EVAL(name, ...)                                                                                                \
    static mote_status eval_##name(mote_eval *c)                                                                       \
    {                                                                                                                  \
        static const mote_map1 f = {__VA_ARGS__};                                                                      \
        return mote_map_unary(c, &f, NULL);                                                                            \
    }
#define FLOAT_EVAL(name, body) FLOAT_FORMS(name, body) EVAL(name, name##_f32, name##_f64, NULL, NULL)

FLOAT_FORMS(abs, fabs(x))
FORM(abs, s64, int64_t, x < 0 ? (int64_t)(0 - (uint64_t)x) : x)
FORM(abs, u64, uint64_t, x)
EVAL(abs, abs_f32, abs_f64, abs_s64, abs_u64)

FLOAT_FORMS(neg, -x)
FORM(neg, s64, int64_t, 0 - (uint64_t)x)
EVAL(neg, neg_f32, neg_f64, neg_s64, NULL)

FLOAT_FORMS(sign, x > 0 ? 1 : x < 0 ? -1 : x)
FORM(sign, s64, int64_t, (x > 0) - (x < 0))
FORM(sign, u64, uint64_t, x > 0)
EVAL(sign, sign_f32, sign_f64, sign_s64, sign_u64)

/* whatever the width */
static mote_status eval_bitwise_not(mote_eval *c)
{
    const uint8_t *x = c->in[0]->data;
    uint8_t *y = c->out[0]->data;
    size_t i = 0, n = c->out[0]->bytes;
    for (; i + 8 <= n; i += 8) {
        uint64_t u;
        memcpy(&u, x + i, 8);
        u = ~u;
        memcpy(y + i, &u, 8);
    }
    for (; i < n; i++)
        y[i] = (uint8_t)~x[i];
    return MOTE_OK;
}
FORM(not, u64, uint64_t, x == 0)
EVAL(not, NULL, NULL, NULL, not_u64)

FLOAT_EVAL(ceil, ceil(x))
FLOAT_EVAL(floor, floor(x))
FLOAT_EVAL(round, rint(x))
FLOAT_EVAL(reciprocal, 1 / x)
FLOAT_EVAL(sqrt, sqrt(x))
FLOAT_EVAL(exp, exp(x))
FLOAT_EVAL(log, log(x))
FLOAT_EVAL(erf, erf(x))
FLOAT_EVAL(sin, sin(x))
FLOAT_EVAL(cos, cos(x))
FLOAT_EVAL(tan, tan(x))
FLOAT_EVAL(asin, asin(x))
FLOAT_EVAL(acos, acos(x))
FLOAT_EVAL(atan, atan(x))
FLOAT_EVAL(sinh, sinh(x))
FLOAT_EVAL(cosh, cosh(x))
FLOAT_EVAL(asinh, asinh(x))
FLOAT_EVAL(acosh, acosh(x))
FLOAT_EVAL(atanh, atanh(x))

static mote_status infer_bool(mote_infer *c)
{
    mote_infer_out(c, 0, MOTE_DTYPE_BOOL, c->in[0]->rank, c->in[0]->dims);
    return MOTE_OK;
}

static mote_status eval_isnan(mote_eval *c)
{
    uint8_t *y = c->out[0]->data;
    if (c->in[0]->dtype == MOTE_DTYPE_F32) {
        const float *x = c->in[0]->data;
        for (size_t i = 0, n = mote_array_count(c->in[0]); i < n; i++)
            y[i] = x[i] != x[i];
        return MOTE_OK;
    }
    for (size_t i = 0, n = mote_array_count(c->in[0]); i < n; i++)
        y[i] = (uint8_t)(isnan(mote_array_f64(c->in[0], i)) != 0);
    return MOTE_OK;
}

static mote_status eval_isinf(mote_eval *c)
{
    bool negative = mote_node_int(c->node, "detect_negative", 1) != 0;
    bool positive = mote_node_int(c->node, "detect_positive", 1) != 0;
    uint8_t *y = c->out[0]->data;
    if (c->in[0]->dtype == MOTE_DTYPE_F32) { /* without a wanted sign: one that no number is above, or below */
        const float *x = c->in[0]->data, high = positive ? FLT_MAX : INFINITY, low = negative ? -FLT_MAX : -INFINITY;
        for (size_t i = 0, n = mote_array_count(c->in[0]); i < n; i++)
            y[i] = (x[i] > high) | (x[i] < low);
        return MOTE_OK;
    }
    for (size_t i = 0, n = mote_array_count(c->in[0]); i < n; i++) {
        double x = mote_array_f64(c->in[0], i);
        y[i] = isinf(x) && (x < 0 ? negative : positive);
    }
    return MOTE_OK;
}

#define ABS_6(t)                                                                                                        \
    .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE, .infer = mote_infer_like,          \
    .eval = eval_abs, .doc = MOTE_DOC("y = |x|")
MOTE_OP(onnx, Abs, 6, ABS_6(MOTE_T_NUM_7));
MOTE_OP(onnx, Abs, 13, ABS_6(MOTE_DTYPES_NUMERIC));

#define NEG_6(t)                                                                                                        \
    .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE, .infer = mote_infer_like,          \
    .eval = eval_neg, .doc = MOTE_DOC("y = -x")
MOTE_OP(onnx, Neg, 6, NEG_6(MOTE_T_FLOAT_7 | MOTE_DT(S8) | MOTE_DT(S16) | MOTE_DT(S32) | MOTE_DT(S64)));
MOTE_OP(onnx, Neg, 13, NEG_6(MOTE_DTYPES_FLOAT | MOTE_DT(S8) | MOTE_DT(S16) | MOTE_DT(S32) | MOTE_DT(S64)));

#define SIGN_9(t)                                                                                                       \
    .in = "input:T", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE,                           \
    .infer = mote_infer_like, .eval = eval_sign, .doc = MOTE_DOC("y = (x > 0) - (x < 0)")
MOTE_OP(onnx, Sign, 9, SIGN_9(MOTE_T_NUM_7));
MOTE_OP(onnx, Sign, 13, SIGN_9(MOTE_DTYPES_NUMERIC));

#define CEIL_6(t)                                                                                                       \
    .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE, .infer = mote_infer_like,          \
    .eval = eval_ceil, .doc = MOTE_DOC("y = smallest integer >= x")
MOTE_OP(onnx, Ceil, 6, CEIL_6(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Ceil, 13, CEIL_6(MOTE_DTYPES_FLOAT));

#define FLOOR_6(t)                                                                                                      \
    .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE, .infer = mote_infer_like,          \
    .eval = eval_floor, .doc = MOTE_DOC("y = largest integer <= x")
MOTE_OP(onnx, Floor, 6, FLOOR_6(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Floor, 13, FLOOR_6(MOTE_DTYPES_FLOAT));

#define ROUND_11(t)                                                                                                     \
    .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE, .infer = mote_infer_like,          \
    .eval = eval_round, .doc = MOTE_DOC("y = nearest integer, halves to even")
MOTE_OP(onnx, Round, 11, ROUND_11(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Round, 22, ROUND_11(MOTE_DTYPES_FLOAT));

#define RECIPROCAL_6(t)                                                                                                 \
    .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE, .infer = mote_infer_like,          \
    .eval = eval_reciprocal, .doc = MOTE_DOC("y = 1 / x")
MOTE_OP(onnx, Reciprocal, 6, RECIPROCAL_6(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Reciprocal, 13, RECIPROCAL_6(MOTE_DTYPES_FLOAT));

#define SQRT_6(t)                                                                                                       \
    .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE, .infer = mote_infer_like,          \
    .eval = eval_sqrt, .doc = MOTE_DOC("y = sqrt(x)")
MOTE_OP(onnx, Sqrt, 6, SQRT_6(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Sqrt, 13, SQRT_6(MOTE_DTYPES_FLOAT));

#define EXP_6(t)                                                                                                        \
    .in = "input:T", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE,                           \
    .infer = mote_infer_like, .eval = eval_exp, .doc = MOTE_DOC("y = e^x")
MOTE_OP(onnx, Exp, 6, EXP_6(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Exp, 13, EXP_6(MOTE_DTYPES_FLOAT));

#define LOG_6(t)                                                                                                        \
    .in = "input:T", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE,                           \
    .infer = mote_infer_like, .eval = eval_log, .doc = MOTE_DOC("y = ln(x)")
MOTE_OP(onnx, Log, 6, LOG_6(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Log, 13, LOG_6(MOTE_DTYPES_FLOAT));

#define SIN_7(t)                                                                                                        \
    .in = "input:T", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE,                           \
    .infer = mote_infer_like, .eval = eval_sin, .doc = MOTE_DOC("y = sin(x)")
MOTE_OP(onnx, Sin, 7, SIN_7(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Sin, 22, SIN_7(MOTE_DTYPES_FLOAT));

#define COS_7(t)                                                                                                        \
    .in = "input:T", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE,                           \
    .infer = mote_infer_like, .eval = eval_cos, .doc = MOTE_DOC("y = cos(x)")
MOTE_OP(onnx, Cos, 7, COS_7(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Cos, 22, COS_7(MOTE_DTYPES_FLOAT));

#define TAN_7(t)                                                                                                        \
    .in = "input:T", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE,                           \
    .infer = mote_infer_like, .eval = eval_tan, .doc = MOTE_DOC("y = tan(x)")
MOTE_OP(onnx, Tan, 7, TAN_7(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Tan, 22, TAN_7(MOTE_DTYPES_FLOAT));

#define ASIN_7(t)                                                                                                       \
    .in = "input:T", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE,                           \
    .infer = mote_infer_like, .eval = eval_asin, .doc = MOTE_DOC("y = arcsin(x)")
MOTE_OP(onnx, Asin, 7, ASIN_7(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Asin, 22, ASIN_7(MOTE_DTYPES_FLOAT));

#define ACOS_7(t)                                                                                                       \
    .in = "input:T", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE,                           \
    .infer = mote_infer_like, .eval = eval_acos, .doc = MOTE_DOC("y = arccos(x)")
MOTE_OP(onnx, Acos, 7, ACOS_7(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Acos, 22, ACOS_7(MOTE_DTYPES_FLOAT));

#define ATAN_7(t)                                                                                                       \
    .in = "input:T", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE,                           \
    .infer = mote_infer_like, .eval = eval_atan, .doc = MOTE_DOC("y = arctan(x)")
MOTE_OP(onnx, Atan, 7, ATAN_7(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Atan, 22, ATAN_7(MOTE_DTYPES_FLOAT));

#define SINH_9(t)                                                                                                       \
    .in = "input:T", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE,                           \
    .infer = mote_infer_like, .eval = eval_sinh, .doc = MOTE_DOC("y = sinh(x)")
MOTE_OP(onnx, Sinh, 9, SINH_9(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Sinh, 22, SINH_9(MOTE_DTYPES_FLOAT));

#define COSH_9(t)                                                                                                       \
    .in = "input:T", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE,                           \
    .infer = mote_infer_like, .eval = eval_cosh, .doc = MOTE_DOC("y = cosh(x)")
MOTE_OP(onnx, Cosh, 9, COSH_9(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Cosh, 22, COSH_9(MOTE_DTYPES_FLOAT));

#define ASINH_9(t)                                                                                                      \
    .in = "input:T", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE,                           \
    .infer = mote_infer_like, .eval = eval_asinh, .doc = MOTE_DOC("y = arsinh(x)")
MOTE_OP(onnx, Asinh, 9, ASINH_9(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Asinh, 22, ASINH_9(MOTE_DTYPES_FLOAT));

#define ACOSH_9(t)                                                                                                      \
    .in = "input:T", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE,                           \
    .infer = mote_infer_like, .eval = eval_acosh, .doc = MOTE_DOC("y = arcosh(x)")
MOTE_OP(onnx, Acosh, 9, ACOSH_9(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Acosh, 22, ACOSH_9(MOTE_DTYPES_FLOAT));

#define ATANH_9(t)                                                                                                      \
    .in = "input:T", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE,                           \
    .infer = mote_infer_like, .eval = eval_atanh, .doc = MOTE_DOC("y = artanh(x)")
MOTE_OP(onnx, Atanh, 9, ATANH_9(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Atanh, 22, ATANH_9(MOTE_DTYPES_FLOAT));

#define ERF_9(t)                                                                                                        \
    .in = "input:T", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE,                           \
    .infer = mote_infer_like, .eval = eval_erf, .doc = MOTE_DOC("y = erf(x)")
MOTE_OP(onnx, Erf, 9, ERF_9(MOTE_T_NUM_7));
MOTE_OP(onnx, Erf, 13, ERF_9(MOTE_DTYPES_FLOAT));

MOTE_OP(onnx, BitwiseNot, 18, .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", MOTE_DTYPES_INT, 0}),
        .flags = MOTE_OP_ELEMENTWISE, .infer = mote_infer_like, .eval = eval_bitwise_not, .doc = MOTE_DOC("y = ~x"));

MOTE_OP(onnx, Not, 1, .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", MOTE_DT(BOOL), 0}), .flags = MOTE_OP_ELEMENTWISE,
        .infer = mote_infer_like, .eval = eval_not, .doc = MOTE_DOC("y = !x"));

#define IS_NAN_9(t)                                                                                                    \
    .in = "X:T1", .out = "Y:T2", .types = MOTE_TYPES({"T1", t, 0}, {"T2", MOTE_DT(BOOL), 0}), .flags = MOTE_OP_ELEMENTWISE,       \
    .infer = infer_bool, .eval = eval_isnan, .doc = MOTE_DOC("y = x is NaN")
MOTE_OP(onnx, IsNaN, 9, IS_NAN_9(MOTE_T_FLOAT_7));
MOTE_OP(onnx, IsNaN, 13, IS_NAN_9(MOTE_DTYPES_FLOAT));
MOTE_OP(onnx, IsNaN, 20, IS_NAN_9(MOTE_DTYPES_FLOAT | MOTE_T_F8_19));

#define IS_INF_10(t)                                                                                                    \
    .in = "X:T1", .out = "Y:T2", .types = MOTE_TYPES({"T1", t, 0}, {"T2", MOTE_DT(BOOL), 0}),                                     \
    .attrs = MOTE_ATTRS(MOTE_A_INT("detect_negative", 1), MOTE_A_INT("detect_positive", 1)),                                      \
    .flags = MOTE_OP_ELEMENTWISE, .infer = infer_bool, .eval = eval_isinf,                                              \
    .doc = MOTE_DOC("y = x is an infinity of a wanted sign")
MOTE_OP(onnx, IsInf, 10, IS_INF_10(MOTE_DT(F32) | MOTE_DT(F64)));
MOTE_OP(onnx, IsInf, 20, IS_INF_10(MOTE_DTYPES_FLOAT | MOTE_T_F8_19));

