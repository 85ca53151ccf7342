/* binary.c - elementwise arithmetic of two tensors, broadcast
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: ONNX operators of the same names. Integers wrap modulo their width; an integer division by zero is MOTE_E_VALUE. */
#include "base/platform.h"
#include "kernels/binary/binary.h"
#include "ops/args.h"
#include "ops/map.h"
#include "ops/scalar.h"
#include "ops/types.h"
#include "base/size.h"

/* body: expression of x and y, of type T */
#define FORM(name, suffix, type, body)                                                                                 \
    static void name##_##suffix(type *a, const type *b, size_t n, const double *p)                                     \
    {                                                                                                                  \
        typedef type T;                                                                                                \
        (void)p, (void)(T)0;                                                                                           \
        for (size_t k = 0; k < n; k++) {                                                                               \
            const T x = a[k], y = b[k];                                                                                \
            (void)y;                                                                                                   \
            a[k] = (T)(body);                                                                                          \
        }                                                                                                              \
    }
#define FLOAT_FORMS(name, body) FORM(name, f32, float, body) FORM(name, f64, double, body)
#define INT_FORMS(name, body) FORM(name, s64, int64_t, body) FORM(name, u64, uint64_t, body)
#define FORMS(name, floats, ints)                                                                                      \
    FLOAT_FORMS(name, floats)                                                                                          \
    INT_FORMS(name, ints)                                                                                              \
    static const mote_map2 name##_forms = {name##_f32, name##_f64, name##_s64, name##_u64};
#define EVAL(name)                                                                                                     \
    static mote_status eval_##name(mote_eval *c) { return mote_map_binary(c, &name##_forms, NULL); }
#define U(v) (uint64_t)(v)

FORMS(add, x + y, U(x) + U(y))
EVAL(add)
FORMS(sub, x - y, U(x) - U(y))
EVAL(sub)
FORMS(mul, x *y, U(x) * U(y))
EVAL(mul)

mote_status mote_divisor_check(const mote_array *b, mote_diag *diag)
{
    for (size_t i = 0, n = mote_array_count(b); i < n; i++)
        MOTE_REQUIRE(mote_array_i64(b, i) != 0, diag, MOTE_E_VALUE, "element %zu of the divisor is 0", i);
    return MOTE_OK;
}

/* Whether an integer divisor has a zero where there is something to divide. */
static mote_status check_divisor(mote_eval *c)
{
    if (mote_dtype_in(c->in[1]->dtype, MOTE_DTYPES_FLOAT) || mote_array_count(c->out[0]) == 0)
        return MOTE_OK;
    return mote_divisor_check(c->in[1], c->diag);
}

FLOAT_FORMS(div, x / y)
FORM(div, s64, int64_t, y == -1 ? (int64_t)(0 - U(x)) : x / y)
FORM(div, u64, uint64_t, x / y)
static mote_status eval_div(mote_eval *c)
{
    static const mote_map2 f = {div_f32, div_f64, div_s64, div_u64};
    MOTE_TRY(check_divisor(c));
    return mote_map_binary(c, &f, NULL);
}

/* the remainder r of truncation, moved to the divisor's sign; a zero takes that sign */
#define FLOORED(r, y, zero) ((r) != 0 ? (((r) < 0) != ((y) < 0) ? (r) + (y) : (r)) : (zero))
FORM(mod, f32, float, FLOORED(fmodf(x, y), y, fmodf(x, y) == 0 ? copysignf(0, y) : fmodf(x, y)))
FORM(mod, f64, double, FLOORED(fmod(x, y), y, fmod(x, y) == 0 ? copysign(0, y) : fmod(x, y)))
FORM(mod, s64, int64_t, y == -1 ? 0 : FLOORED(x % y, y, 0))
FORM(mod, u64, uint64_t, x % y)
FORM(fmod, f32, float, fmodf(x, y))
FORM(fmod, f64, double, fmod(x, y))
FORM(fmod, s64, int64_t, y == -1 ? 0 : x % y)
static mote_status eval_mod(mote_eval *c)
{
    static const mote_map2 floored = {mod_f32, mod_f64, mod_s64, mod_u64};
    static const mote_map2 truncated = {fmod_f32, fmod_f64, fmod_s64, mod_u64};
    int64_t fmod_attr = mote_node_int(c->node, "fmod", 0);
    MOTE_REQUIRE(fmod_attr == 0 || fmod_attr == 1, c->diag, MOTE_E_VALUE, "fmod is %lld, expected 0 or 1", (long long)fmod_attr);
    MOTE_REQUIRE(fmod_attr == 1 || c->node->def->since >= 28 || !mote_dtype_in(c->in[0]->dtype, MOTE_DTYPES_FLOAT), c->diag,
                 MOTE_E_VALUE, "fmod is 0, expected 1 for floating-point inputs");
    MOTE_TRY(check_divisor(c));
    return mote_map_binary(c, fmod_attr ? &truncated : &floored, NULL);
}

INT_FORMS(bitwise_and, x &y)
INT_FORMS(bitwise_or, x | y)
INT_FORMS(bitwise_xor, x ^ y)
#define BITWISE(name)                                                                                                  \
    static mote_status eval_##name(mote_eval *c)                                                                       \
    {                                                                                                                  \
        static const mote_map2 f = {NULL, NULL, name##_s64, name##_u64};                                               \
        return mote_map_binary(c, &f, NULL);                                                                           \
    }
BITWISE(bitwise_and)
BITWISE(bitwise_or)
BITWISE(bitwise_xor)

/* An amount outside 0 .. width-1 leaves what the sign's extension leaves: -1 for a right shift of a negative number, else 0 (BitShift-28; earlier
 * versions say nothing). p[0]: the width. */
#define IN_WIDTH (y >= 0 && y < (T)p[0])
FORM(shl, s64, int64_t, IN_WIDTH ? (int64_t)(U(x) << y) : 0)
FORM(shl, u64, uint64_t, y < (T)p[0] ? x << y : 0)
FORM(shr, s64, int64_t, IN_WIDTH ? x >> y : x < 0 ? -1 : 0)
FORM(shr, u64, uint64_t, y < (T)p[0] ? x >> y : 0)
static mote_status eval_bit_shift(mote_eval *c)
{
    static const mote_map2 left = {NULL, NULL, shl_s64, shl_u64}, right = {NULL, NULL, shr_s64, shr_u64};
    mote_str how = mote_node_string(c->node, "direction", "");
    bool to_left = mote_str_is(how, "LEFT");
    MOTE_REQUIRE(to_left || mote_str_is(how, "RIGHT"), c->diag, MOTE_E_VALUE, "direction is '%.*s', expected LEFT or RIGHT",
                 MOTE_STR_ARG(how));
    const double p[1] = {(double)mote_dtype_bits(c->in[0]->dtype)};
    return mote_map_binary(c, to_left ? &left : &right, p);
}

/* ---- PRelu ---- */

static mote_status infer_prelu(mote_infer *c)
{
    if (mote_infer_ranked(c, 0) && mote_infer_ranked(c, 1)) {
        int64_t dims[MOTE_MAX_RANK];
        int32_t rank = c->in[0]->rank;
        for (int32_t d = 0; d < rank; d++)
            dims[d] = c->in[0]->dims[d];
        MOTE_TRY(mote_dims_broadcast(&rank, dims, c->in[1], c->diag));
        for (int32_t d = 0; rank != c->in[0]->rank || d < rank; d++)
            MOTE_REQUIRE(rank == c->in[0]->rank && mote_dim_may_equal(dims[d], c->in[0]->dims[d]), c->diag, MOTE_E_SHAPE,
                         "slope does not broadcast to the input's shape");
    }
    return mote_infer_like(c);
}

FORM(prelu, f32, float, x < 0 ? x * y : x)
FORM(prelu, f64, double, x < 0 ? x * y : x)
FORM(prelu, s64, int64_t, x < 0 ? (int64_t)(U(x) * U(y)) : x)
FORM(prelu, u64, uint64_t, x)
static mote_status eval_prelu(mote_eval *c)
{
    static const mote_map2 f = {prelu_f32, prelu_f64, prelu_s64, prelu_u64};
    return mote_map_binary(c, &f, NULL);
}

/* ---- Pow ---- */

typedef union block {
    float f32[MOTE_MAP_BLOCK];
    double f64[MOTE_MAP_BLOCK];
    int64_t s64[MOTE_MAP_BLOCK];
    uint64_t u64[MOTE_MAP_BLOCK];
} block;

/* x^y modulo 2^64 */
static uint64_t power(uint64_t x, uint64_t y)
{
    uint64_t r = 1;
    for (; y != 0; y >>= 1, x *= x)
        if (y & 1)
            r *= x;
    return r;
}

/* Integers to integer powers; a negative power of 1 and -1 is exact, of others 0 (the truncated quotient), of 0 an error. */
static mote_status pow_ints(mote_eval *c, block *a, const block *b, bool a_signed, bool b_signed, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        uint64_t x = a->u64[k], y = b->u64[k];
        if (!b_signed || b->s64[k] >= 0) {
            a->u64[k] = power(x, y);
            continue;
        }
        MOTE_REQUIRE(x != 0, c->diag, MOTE_E_VALUE, "0 to the power %lld", (long long)b->s64[k]);
        a->u64[k] = x == 1 ? 1 : a_signed && a->s64[k] == -1 ? (y & 1 ? UINT64_MAX : 1) : 0;
    }
    return MOTE_OK;
}

static bool is_int(mote_class cls) { return cls == MOTE_CLASS_S64 || cls == MOTE_CLASS_U64; }

static void to_double(mote_class cls, const block *x, size_t n, double *y)
{
    for (size_t k = 0; k < n; k++)
        y[k] = cls == MOTE_CLASS_F64   ? x->f64[k]
               : cls == MOTE_CLASS_F32 ? (double)x->f32[k]
               : cls == MOTE_CLASS_S64 ? (double)x->s64[k]
                                       : (double)x->u64[k];
}

/* In float when the base is float and the exponent float or integer, in integers when both are, else in double. */
static mote_status eval_pow(mote_eval *c)
{
    const mote_array *y = c->out[0];
    mote_dtype ta = c->in[0]->dtype, tb = c->in[1]->dtype;
    mote_class ca = mote_class_of(ta), cb = mote_class_of(tb);
    mote_broadcast bc;
    block a, b;
    double x64[MOTE_MAP_BLOCK], y64[MOTE_MAP_BLOCK];
    const mote_binary_fn to_power = mote_binary_select(MOTE_BINARY_POW, c->cpu)->fn;
    MOTE_TRY(mote_broadcast_init(&bc, y, c->in, 2, c->diag));
    for (size_t i = 0; i < bc.count; i += MOTE_MAP_BLOCK) {
        size_t n = mote_min_size(bc.count - i, MOTE_MAP_BLOCK);
        mote_broadcast_load(&bc, 0, ta, c->in[0]->data, i, n, &a);
        mote_broadcast_load(&bc, 1, tb, c->in[1]->data, i, n, &b);
        if (is_int(ca) && is_int(cb)) {
            MOTE_TRY(pow_ints(c, &a, &b, ca == MOTE_CLASS_S64, cb == MOTE_CLASS_S64, n));
        } else if (ca == MOTE_CLASS_F32 && cb != MOTE_CLASS_F64) {
            float power[MOTE_MAP_BLOCK];
            to_double(cb, &b, n, y64);
            for (size_t k = 0; k < n; k++)
                power[k] = (float)y64[k];
            to_power(a.f32, power, a.f32, n, MOTE_FORM_VV);
        } else {
            to_double(ca, &a, n, x64);
            to_double(cb, &b, n, y64);
            for (size_t k = 0; k < n; k++)
                x64[k] = pow(x64[k], y64[k]);
            for (size_t k = 0; k < n; k++)
                if (ca == MOTE_CLASS_F32)
                    a.f32[k] = (float)x64[k];
                else if (ca == MOTE_CLASS_F64)
                    a.f64[k] = x64[k];
                else /* both integer types that Pow has are signed */
                    mote_dtype_from_f64(MOTE_DTYPE_S64, a.s64, k, trunc(x64[k]));
        }
        mote_elements_store(y->dtype, y->data, i, n, &a);
    }
    return MOTE_OK;
}

#define ADD_7(t)                                                                                                        \
    .in = "A:T B:T", .out = "C:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE | MOTE_OP_QUANT_INT,            \
    .infer = mote_infer_broadcast, .eval = eval_add, .doc = MOTE_DOC("c = a + b")
MOTE_OP(onnx, Add, 7, ADD_7(MOTE_T_ARITH_7));
MOTE_OP(onnx, Add, 13, ADD_7(MOTE_T_ARITH_13));
MOTE_OP(onnx, Add, 14, ADD_7(MOTE_DTYPES_NUMERIC));

#define SUB_7(t)                                                                                                        \
    .in = "A:T B:T", .out = "C:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE | MOTE_OP_QUANT_INT,            \
    .infer = mote_infer_broadcast, .eval = eval_sub, .doc = MOTE_DOC("c = a - b")
MOTE_OP(onnx, Sub, 7, SUB_7(MOTE_T_ARITH_7));
MOTE_OP(onnx, Sub, 13, SUB_7(MOTE_T_ARITH_13));
MOTE_OP(onnx, Sub, 14, SUB_7(MOTE_DTYPES_NUMERIC));

#define MUL_7(t)                                                                                                        \
    .in = "A:T B:T", .out = "C:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE | MOTE_OP_QUANT_INT,            \
    .infer = mote_infer_broadcast, .eval = eval_mul, .doc = MOTE_DOC("c = a b")
MOTE_OP(onnx, Mul, 7, MUL_7(MOTE_T_ARITH_7));
MOTE_OP(onnx, Mul, 13, MUL_7(MOTE_T_ARITH_13));
MOTE_OP(onnx, Mul, 14, MUL_7(MOTE_DTYPES_NUMERIC));

#define DIV_7(t)                                                                                                        \
    .in = "A:T B:T", .out = "C:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE | MOTE_OP_QUANT_INT,            \
    .infer = mote_infer_broadcast, .eval = eval_div, .doc = MOTE_DOC("c = a / b, integers towards zero")
MOTE_OP(onnx, Div, 7, DIV_7(MOTE_T_ARITH_7));
MOTE_OP(onnx, Div, 13, DIV_7(MOTE_T_ARITH_13));
MOTE_OP(onnx, Div, 14, DIV_7(MOTE_DTYPES_NUMERIC));

#define MOD_10(t)                                                                                                       \
    .in = "A:T B:T", .out = "C:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A_INT("fmod", 0)),                            \
    .flags = MOTE_OP_ELEMENTWISE, .infer = mote_infer_broadcast, .eval = eval_mod,                                      \
    .doc = MOTE_DOC("c = a - b floor(a / b), or with trunc when fmod is 1")
MOTE_OP(onnx, Mod, 10, MOD_10(MOTE_T_NUM_7));
MOTE_OP(onnx, Mod, 13, MOD_10(MOTE_DTYPES_NUMERIC));
MOTE_OP(onnx, Mod, 28, MOD_10(MOTE_DTYPES_NUMERIC));

MOTE_OP(onnx, Pow, 7, .in = "X:T Y:T", .out = "Z:T", .types = MOTE_TYPES({"T", MOTE_T_FLOAT_7, 0}),
        .flags = MOTE_OP_ELEMENTWISE, .infer = mote_infer_broadcast, .eval = eval_pow, .doc = MOTE_DOC("c = a^b"));
#define POW_12(t1, t2)                                                                                                  \
    .in = "X:T Y:T1", .out = "Z:T", .types = MOTE_TYPES({"T", t1, 0}, {"T1", t2, 0}), .flags = MOTE_OP_ELEMENTWISE,               \
    .infer = mote_infer_broadcast, .eval = eval_pow, .doc = MOTE_DOC("c = a^b")
MOTE_OP(onnx, Pow, 12, POW_12(MOTE_T_FLOAT_7 | MOTE_DT(S32) | MOTE_DT(S64), MOTE_T_NUM_7));
MOTE_OP(onnx, Pow, 13, POW_12(MOTE_DTYPES_FLOAT | MOTE_DT(S32) | MOTE_DT(S64), MOTE_T_NUM_7));
MOTE_OP(onnx, Pow, 15, POW_12(MOTE_DTYPES_FLOAT | MOTE_DT(S32) | MOTE_DT(S64), MOTE_DTYPES_NUMERIC));

#define PRELU_7(t)                                                                                                      \
    .in = "X:T slope:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE | MOTE_OP_QUANT_INT,        \
    .infer = infer_prelu, .eval = eval_prelu, .doc = MOTE_DOC("y = x < 0 ? slope x : x")
MOTE_OP(onnx, PRelu, 7, PRELU_7(MOTE_T_FLOAT_7));
MOTE_OP(onnx, PRelu, 9, PRELU_7(MOTE_T_ARITH_7));
MOTE_OP(onnx, PRelu, 16, PRELU_7(MOTE_T_ARITH_13));

#define BIT_SHIFT_11(t)                                                                                                 \
    .in = "X:T Y:T", .out = "Z:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A_REQUIRED(STRING, "direction")),             \
    .flags = MOTE_OP_ELEMENTWISE, .infer = mote_infer_broadcast, .eval = eval_bit_shift,                                \
    .doc = MOTE_DOC("z = x << y or x >> y")
MOTE_OP(onnx, BitShift, 11, BIT_SHIFT_11(MOTE_DTYPES_UINT));
MOTE_OP(onnx, BitShift, 28, BIT_SHIFT_11(MOTE_DTYPES_INT));

MOTE_OP(onnx, BitwiseAnd, 18, .in = "A:T B:T", .out = "C:T", .types = MOTE_TYPES({"T", MOTE_DTYPES_INT, 0}),
        .flags = MOTE_OP_ELEMENTWISE, .infer = mote_infer_broadcast, .eval = eval_bitwise_and, .doc = MOTE_DOC("c = a & b"));

MOTE_OP(onnx, BitwiseOr, 18, .in = "A:T B:T", .out = "C:T", .types = MOTE_TYPES({"T", MOTE_DTYPES_INT, 0}),
        .flags = MOTE_OP_ELEMENTWISE, .infer = mote_infer_broadcast, .eval = eval_bitwise_or, .doc = MOTE_DOC("c = a | b"));

MOTE_OP(onnx, BitwiseXor, 18, .in = "A:T B:T", .out = "C:T", .types = MOTE_TYPES({"T", MOTE_DTYPES_INT, 0}),
        .flags = MOTE_OP_ELEMENTWISE, .infer = mote_infer_broadcast, .eval = eval_bitwise_xor, .doc = MOTE_DOC("c = a ^ b"));

