/* quantize.c - QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ONNX QuantizeLinear-25, DequantizeLinear-25, DynamicQuantizeLinear-11. Per tensor, per axis (from version 13) or by blocks along an axis
 * (from version 21). Integers: y = clamp(round_half_even(x / scale) + zero), the division in float; float8 and smaller floats: x / scale, rounded once. */
#include "base/platform.h"
#include "ops/types.h"
#include "ops/wide.h"
#include <math.h>

/* ---- which scale belongs to an element ---- */

typedef struct scales {
    size_t inner, n, blocks, block; /* elements behind the axis, along it, blocks along it, elements of a block */
    bool single;
} scales;

static mote_status scales_of(const mote_node *node, int32_t rank, const int64_t *x, int32_t s_rank, const int64_t *s, mote_diag *diag, scales *out)
{
    *out = (scales){.inner = 1, .n = 1, .blocks = 1, .block = 1, .single = true};
    int64_t block = mote_node_int(node, "block_size", 0);
    MOTE_REQUIRE(block >= 0, diag, MOTE_E_VALUE, "block_size is %lld, expected 0 or more", (long long)block);
    bool one = true;
    for (int32_t d = 0; d < s_rank; d++)
        one = one && s[d] == 1;
    if (block == 0 && one && s_rank <= 1) /* along an axis of 1 it is the same */
        return MOTE_OK;
    if (rank == 0) {
        MOTE_REQUIRE(one, diag, MOTE_E_SHAPE, "a scalar with more than one scale");
        return MOTE_OK;
    }
    if (node->def->domain[0] == 0 && node->def->since < 13) {
        MOTE_REQUIRE(one && s_rank <= 1, diag, MOTE_E_SHAPE, "the scale has rank %d, expected one value", s_rank);
        return MOTE_OK;
    }
    int32_t axis;
    MOTE_TRY(mote_arg_axis(mote_node_int(node, "axis", 1), rank, "axis", diag, &axis));
    out->single = false;
    out->n = (size_t)x[axis];
    out->inner = mote_dims_count(x + axis + 1, rank - axis - 1);
    if (block == 0) {
        MOTE_REQUIRE(s_rank == 1, diag, MOTE_E_SHAPE, "the scale has rank %d, expected 1 or, with blocks, %d", s_rank, rank);
        MOTE_REQUIRE(s[0] == x[axis], diag, MOTE_E_SHAPE, "%lld scales for an axis of %lld", (long long)s[0], (long long)x[axis]);
        out->blocks = out->n;
        return MOTE_OK;
    }
    MOTE_REQUIRE(s_rank == rank, diag, MOTE_E_SHAPE, "the scale has rank %d, expected %d as the blocks' tensor", s_rank, rank);
    for (int32_t d = 0; d < rank; d++)
        MOTE_REQUIRE(d == axis ? s[d] == x[d] / block + (x[d] % block != 0) : s[d] == x[d], diag, MOTE_E_SHAPE,
                     "the scale has %lld elements in dimension %d for %lld and blocks of %lld", (long long)s[d], d, (long long)x[d],
                     (long long)block);
    out->block = (size_t)block;
    out->blocks = (size_t)s[axis];
    return MOTE_OK;
}

/* The scale of element i. By axis alone the scales do not repeat for the dimensions before it; by blocks they do. */
MOTE_INLINE size_t scale_index(const scales *s, bool blocked, size_t i)
{
    if (s->single)
        return 0;
    size_t along = i / s->inner % s->n;
    if (!blocked)
        return along;
    return (i / s->inner / s->n * s->blocks + along / s->block) * s->inner + i % s->inner;
}

/* Checks what shapes say, where they are known. */
static mote_status infer_scales(mote_infer *c)
{
    const mote_type *x = c->in[0], *s = c->in[1];
    if (mote_infer_ranked(c, 2) && s->rank >= 0) {
        /* a scalar and one value are the same */
        const mote_type *z = c->in[2];
        bool same = z->rank == s->rank || (z->rank <= 1 && s->rank <= 1);
        for (int32_t d = 0; same && d < z->rank && d < s->rank; d++)
            same = mote_dim_may_equal(z->dims[d], s->dims[d]);
        MOTE_REQUIRE(same, c->diag, MOTE_E_SHAPE, "the zero point's shape is not the scale's");
    }
    scales out;
    if (mote_type_known(x) && mote_type_known(s))
        MOTE_TRY(scales_of(c->node, x->rank, x->dims, s->rank, s->dims, c->diag, &out));
    return MOTE_OK;
}

/* ---- QuantizeLinear ---- */

#define SMALL_FLOATS (MOTE_T_F8_19 | MOTE_DT(F4E2M1))

static mote_status infer_quantize(mote_infer *c)
{
    MOTE_TRY(infer_scales(c));
    int64_t want = mote_node_int(c->node, "output_dtype", 0);
    mote_dtype dtype = MOTE_DTYPE_U8;
    MOTE_REQUIRE(want == 0 || mote_dtype_valid(want), c->diag, MOTE_E_UNSUPPORTED, "output_dtype %lld", (long long)want);
    if (mote_infer_has(c, 2)) {
        dtype = c->in[2]->dtype;
        MOTE_REQUIRE(want == 0 || dtype == MOTE_DTYPE_NONE || dtype == (mote_dtype)want, c->diag, MOTE_E_DTYPE,
                     "output_dtype is %s where the zero point has type %s", mote_dtype_name((mote_dtype)want), mote_dtype_name(dtype));
    } else if (want != 0) {
        dtype = (mote_dtype)want;
    }
    int64_t precision = mote_node_int(c->node, "precision", 0);
    MOTE_REQUIRE(precision == 0 || (mote_dtype_valid(precision) && mote_dtype_in((mote_dtype)precision, MOTE_DTYPES_FLOAT)), c->diag, MOTE_E_VALUE,
                 "precision is %lld, expected a float type", (long long)precision);
    mote_infer_out(c, 0, dtype, c->in[0]->rank, c->in[0]->dims);
    return MOTE_OK;
}

static void integer_limits(mote_dtype t, double *low, double *high)
{
    unsigned bits = mote_dtype_bits(t);
    bool is_signed = mote_dtype_in(t, MOTE_DTYPES_SINT | MOTE_DT(S4) | MOTE_DT(S2));
    *low = is_signed ? -(double)(1ull << (bits - 1)) : 0;
    *high = (double)((1ull << (is_signed ? bits - 1 : bits)) - 1);
}

/* Without saturation a value beyond a float8 becomes infinite or NaN, as the type has it. */
static uint8_t f8_overflow(mote_dtype t, double x)
{
    bool negative = signbit(x) != 0;
    switch (t) {
    case MOTE_DTYPE_F8E4M3FN: return (uint8_t)(0x7f | (negative ? 0x80 : 0));
    case MOTE_DTYPE_F8E5M2: return (uint8_t)(isnan(x) ? 0x7f : (0x7c | (negative ? 0x80 : 0)));
    default: return 0x80; /* the FNUZ types have this one NaN */
    }
}

static double f8_max(mote_dtype t)
{
    switch (t) {
    case MOTE_DTYPE_F8E4M3FN: return 448;
    case MOTE_DTYPE_F8E4M3FNUZ: return 240;
    default: return 57344;
    }
}

/* Half a step above the largest value rounds away from it. */
static double f8_overflows_at(mote_dtype t)
{
    switch (t) {
    case MOTE_DTYPE_F8E4M3FN: return 464;
    case MOTE_DTYPE_F8E4M3FNUZ: return 248;
    default: return 61440;
    }
}

static void put_small_float(mote_array *y, size_t i, double v, bool saturate)
{
    mote_dtype t = y->dtype;
    if (t == MOTE_DTYPE_F4E2M1) {
        mote_dtype_from_f64(t, y->data, i, v != v ? 6.0 : v);
        return;
    }
    double limit = f8_max(t);
    if (saturate && v == v && fabs(v) > limit)
        v = copysign(limit, v);
    if (v != v || (!saturate && fabs(v) >= f8_overflows_at(t)))
        ((uint8_t *)y->data)[i] = f8_overflow(t, v);
    else
        mote_dtype_from_f64(t, y->data, i, v);
}

static mote_status check_zero(mote_eval *c)
{
    MOTE_REQUIRE(!mote_eval_has(c, 2) || mote_array_count(c->in[2]) == mote_array_count(c->in[1]), c->diag, MOTE_E_SHAPE,
                 "%zu zero points for %zu scales", mote_array_count(c->in[2]), mote_array_count(c->in[1]));
    return MOTE_OK;
}

/* x / scale in the type that `precision`, or else the wider of the operands', says: rounded to it once. */
static float quotient(float x, float scale, mote_dtype in)
{
    float q = x / scale;
    if (in == MOTE_DTYPE_F16) {
        uint16_t h = 0;
        mote_dtype_from_f64(in, &h, 0, (double)q);
        return (float)mote_dtype_to_f64(in, &h, 0);
    }
    if (in == MOTE_DTYPE_BF16) {
        uint16_t h = 0;
        mote_dtype_from_f64(in, &h, 0, (double)q);
        return (float)mote_dtype_to_f64(in, &h, 0);
    }
    return q;
}

static mote_status eval_quantize_temp(mote_eval *c, mote_arena *temp)
{
    const mote_array *xa = c->in[0], *sa = c->in[1], *za = mote_eval_has(c, 2) ? c->in[2] : NULL;
    mote_array *ya = c->out[0];
    scales s;
    MOTE_TRY(scales_of(c->node, xa->rank, xa->dims, sa->rank, sa->dims, c->diag, &s));
    MOTE_TRY(check_zero(c));
    bool blocked = mote_node_int(c->node, "block_size", 0) != 0, saturate = mote_node_int(c->node, "saturate", 1) != 0;
    mote_dtype precision = (mote_dtype)mote_node_int(c->node, "precision", 0);
    if (precision == MOTE_DTYPE_NONE) /* integers and 8-bit scales divide in float */
        precision = mote_dtype_in(sa->dtype, MOTE_DTYPES_FLOAT) ? sa->dtype : MOTE_DTYPE_F32;
    size_t n = mote_array_count(xa);
    const float *x = mote_widen_f32(temp, xa), *scale = mote_widen_f32(temp, sa);
    if (x == NULL || scale == NULL)
        return MOTE_NO_MEMORY(c->diag, 0);
    bool small = mote_dtype_in(ya->dtype, SMALL_FLOATS);
    double low = 0, high = 0;
    if (!small)
        integer_limits(ya->dtype, &low, &high);
    for (size_t i = 0; i < n; i++) {
        size_t k = scale_index(&s, blocked, i);
        float q = quotient(x[i], scale[k], precision);
        if (small) {
            put_small_float(ya, i, (double)q + (za != NULL ? mote_array_f64(za, k) : 0), saturate);
            continue;
        }
        double v = (double)rintf(q) + (za != NULL ? (double)mote_array_i64(za, k) : 0);
        mote_dtype_from_i64(ya->dtype, ya->data, i, (int64_t)(!(v >= low) ? low : v > high ? high : v));
    }
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_quantize)

#define QUANTIZE_DOC .flags = MOTE_OP_QUANT_INT, .infer = infer_quantize, .eval = eval_quantize, .doc = MOTE_DOC("y = clamp(round(x / scale) + zero)")
#define Q8 (MOTE_DT(U8) | MOTE_DT(S8))
#define X_10 (MOTE_DT(F32) | MOTE_DT(S32))
#define X_19 (X_10 | MOTE_DT(F16) | MOTE_DT(BF16))
#define Q_21 (Q8 | MOTE_DT(U16) | MOTE_DT(S16) | MOTE_T_F8_19 | MOTE_DT(U4) | MOTE_DT(S4))
#define Q_23 (Q_21 | MOTE_DT(F4E2M1))
#define Q_25 (Q_23 | MOTE_DT(U2) | MOTE_DT(S2))
MOTE_OP(onnx, QuantizeLinear, 10, .in = "x:T1 y_scale:float y_zero_point?:T2", .out = "y:T2", .types = MOTE_TYPES({"T1", X_10, 0}, {"T2", Q8, 0}), QUANTIZE_DOC);
MOTE_OP(onnx, QuantizeLinear, 13, .in = "x:T1 y_scale:float y_zero_point?:T2", .out = "y:T2", .types = MOTE_TYPES({"T1", X_10, 0}, {"T2", Q8, 0}),
        .attrs = MOTE_ATTRS(MOTE_A_INT("axis", 1)), QUANTIZE_DOC);
MOTE_OP(onnx, QuantizeLinear, 19, .in = "x:T1 y_scale:T1 y_zero_point?:T2", .out = "y:T2", .types = MOTE_TYPES({"T1", X_19, 0}, {"T2", Q8 | MOTE_T_F8_19, 0}),
        .attrs = MOTE_ATTRS(MOTE_A_INT("axis", 1), MOTE_A_INT("saturate", 1)), QUANTIZE_DOC);
MOTE_OP(onnx, QuantizeLinear, 21, .in = "x:T1 y_scale:T1 y_zero_point?:T2", .out = "y:T2", .types = MOTE_TYPES({"T1", X_19, 0}, {"T2", Q_21, 0}),
        .attrs = MOTE_ATTRS(MOTE_A_INT("axis", 1), MOTE_A_INT("saturate", 1), MOTE_A_INT("block_size", 0), MOTE_A_INT("output_dtype", 0)), QUANTIZE_DOC);
#define QUANTIZE_23(s, q)                                                                                              \
    .in = "x:T1 y_scale:T2 y_zero_point?:T3", .out = "y:T3", .types = MOTE_TYPES({"T1", X_19, 0}, {"T2", s, 0}, {"T3", q, 0}),    \
    .attrs = MOTE_ATTRS(MOTE_A_INT("axis", 1), MOTE_A_INT("saturate", 1), MOTE_A_INT("block_size", 0), MOTE_A_INT("output_dtype", 0), \
              MOTE_A_INT("precision", 0)), QUANTIZE_DOC
MOTE_OP(onnx, QuantizeLinear, 23, QUANTIZE_23(X_19, Q_23));
MOTE_OP(onnx, QuantizeLinear, 24, QUANTIZE_23(X_19 | MOTE_DT(F8E8M0), Q_23));
MOTE_OP(onnx, QuantizeLinear, 25, QUANTIZE_23(X_19 | MOTE_DT(F8E8M0), Q_25));
/* The 6-bit floats of version 28 are no element types of this build: loading such a tensor is refused. */
MOTE_OP(onnx, QuantizeLinear, 28, QUANTIZE_23(X_19 | MOTE_DT(F8E8M0), Q_25));

/* ---- DequantizeLinear ---- */

static mote_status infer_dequantize(mote_infer *c)
{
    MOTE_TRY(infer_scales(c));
    int64_t want = mote_node_int(c->node, "output_dtype", 0);
    MOTE_REQUIRE(want == 0 || (mote_dtype_valid(want) && mote_dtype_in((mote_dtype)want, MOTE_DTYPES_FLOAT)), c->diag, MOTE_E_VALUE,
                 "output_dtype is %lld, expected a float type", (long long)want);
    mote_dtype dtype = want != 0 ? (mote_dtype)want : c->in[1]->dtype == MOTE_DTYPE_F8E8M0 ? MOTE_DTYPE_F32 : c->in[1]->dtype;
    mote_infer_out(c, 0, dtype, c->in[0]->rank, c->in[0]->dims);
    return MOTE_OK;
}

static mote_status eval_dequantize_temp(mote_eval *c, mote_arena *temp)
{
    const mote_array *xa = c->in[0], *sa = c->in[1], *za = mote_eval_has(c, 2) ? c->in[2] : NULL;
    mote_array *ya = c->out[0];
    scales s;
    MOTE_TRY(scales_of(c->node, xa->rank, xa->dims, sa->rank, sa->dims, c->diag, &s));
    MOTE_TRY(check_zero(c));
    bool blocked = mote_node_int(c->node, "block_size", 0) != 0, small = mote_dtype_in(xa->dtype, SMALL_FLOATS);
    const float *scale = mote_widen_f32(temp, sa);
    if (scale == NULL)
        return MOTE_NO_MEMORY(c->diag, 0);
    for (size_t i = 0, n = mote_array_count(xa); i < n; i++) {
        size_t k = scale_index(&s, blocked, i);
        float v;
        if (small)
            v = (float)(mote_array_f64(xa, i) - (za != NULL ? mote_array_f64(za, k) : 0)) * scale[k];
        else
            v = (float)(mote_array_i64(xa, i) - (za != NULL ? mote_array_i64(za, k) : 0)) * scale[k];
        if (ya->dtype == MOTE_DTYPE_F32)
            ((float *)ya->data)[i] = v;
        else
            mote_dtype_from_f64(ya->dtype, ya->data, i, (double)v);
    }
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_dequantize)

#define DEQUANTIZE_DOC .flags = MOTE_OP_QUANT_INT, .infer = infer_dequantize, .eval = eval_dequantize, .doc = MOTE_DOC("y = (x - zero) scale")
#define Y_19 (MOTE_DT(F32) | MOTE_DT(F16) | MOTE_DT(BF16))
MOTE_OP(onnx, DequantizeLinear, 10, .in = "x:T x_scale:float x_zero_point?:T", .out = "y:float", .types = MOTE_TYPES({"T", Q8 | MOTE_DT(S32), 0}), DEQUANTIZE_DOC);
MOTE_OP(onnx, DequantizeLinear, 13, .in = "x:T x_scale:float x_zero_point?:T", .out = "y:float", .types = MOTE_TYPES({"T", Q8 | MOTE_DT(S32), 0}),
        .attrs = MOTE_ATTRS(MOTE_A_INT("axis", 1)), DEQUANTIZE_DOC);
MOTE_OP(onnx, DequantizeLinear, 19, .in = "x:T1 x_scale:T2 x_zero_point?:T1", .out = "y:T2",
        .types = MOTE_TYPES({"T1", Q8 | MOTE_DT(S32) | MOTE_T_F8_19, 0}, {"T2", Y_19, 0}), .attrs = MOTE_ATTRS(MOTE_A_INT("axis", 1)), DEQUANTIZE_DOC);
MOTE_OP(onnx, DequantizeLinear, 21, .in = "x:T1 x_scale:T2 x_zero_point?:T1", .out = "y:T2",
        .types = MOTE_TYPES({"T1", Q_21 | MOTE_DT(S32), 0}, {"T2", Y_19, 0}), .attrs = MOTE_ATTRS(MOTE_A_INT("axis", 1), MOTE_A_INT("block_size", 0)), DEQUANTIZE_DOC);
#define DEQUANTIZE_23(q, s)                                                                                            \
    .in = "x:T1 x_scale:T2 x_zero_point?:T1", .out = "y:T3", .types = MOTE_TYPES({"T1", (q) | MOTE_DT(S32), 0}, {"T2", s, 0}, {"T3", Y_19, 0}), \
    .attrs = MOTE_ATTRS(MOTE_A_INT("axis", 1), MOTE_A_INT("block_size", 0), MOTE_A_INT("output_dtype", 0)), DEQUANTIZE_DOC
MOTE_OP(onnx, DequantizeLinear, 23, DEQUANTIZE_23(Q_23, Y_19));
MOTE_OP(onnx, DequantizeLinear, 24, DEQUANTIZE_23(Q_23, Y_19 | MOTE_DT(F8E8M0)));
MOTE_OP(onnx, DequantizeLinear, 25, DEQUANTIZE_23(Q_25, Y_19 | MOTE_DT(F8E8M0)));
MOTE_OP(onnx, DequantizeLinear, 28, DEQUANTIZE_23(Q_25, Y_19 | MOTE_DT(F8E8M0)));
/* com.microsoft's: the forms of the ONNX operators with 16- and 4-bit types, from before version 21 had them */
#define MS_AXIS .attrs = MOTE_ATTRS(MOTE_A_INT("axis", 1), MOTE_A_INT("block_size", 0))
#define MS_Q (Q8 | MOTE_DT(U16) | MOTE_DT(S16) | MOTE_DT(U4) | MOTE_DT(S4) | MOTE_DT(U2) | MOTE_DT(S2) | MOTE_T_F8_19)
MOTE_OP(ms, QuantizeLinear, 1, .in = "x:T1 y_scale:T1 y_zero_point?:T2", .out = "y:T2",
        .types = MOTE_TYPES({"T1", MOTE_DT(F32) | MOTE_DT(F16), 0}, {"T2", MS_Q, 0}),
        .attrs = MOTE_ATTRS(MOTE_A_INT("axis", 1), MOTE_A_INT("block_size", 0), MOTE_A_INT("saturate", 1)), QUANTIZE_DOC);
MOTE_OP(ms, DequantizeLinear, 1, .in = "x:T1 x_scale:T2 x_zero_point?:T1", .out = "y:T2",
        .types = MOTE_TYPES({"T1", MS_Q | MOTE_DT(S32), 0}, {"T2", MOTE_DT(F32) | MOTE_DT(F16), 0}), MS_AXIS, DEQUANTIZE_DOC);

/* ---- DynamicQuantizeLinear ---- */

static mote_status infer_dynamic(mote_infer *c)
{
    mote_infer_out(c, 0, MOTE_DTYPE_U8, c->in[0]->rank, c->in[0]->dims);
    mote_infer_out(c, 1, MOTE_DTYPE_F32, 0, NULL);
    mote_infer_out(c, 2, MOTE_DTYPE_U8, 0, NULL);
    return MOTE_OK;
}

static mote_status eval_dynamic(mote_eval *c)
{
    const float *x = c->in[0]->data;
    size_t n = mote_array_count(c->in[0]);
    float low = 0, high = 0;
    for (size_t i = 0; i < n; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    float scale = (high - low) / 255.0f;
    if (scale == 0)
        scale = 1; /* all zeros */
    float z = rintf(0.0f - low / scale);
    float zero = !(z >= 0) ? 0 : z > 255 ? 255 : z;
    if (c->out[1] != NULL)
        *(float *)c->out[1]->data = scale;
    if (c->out[2] != NULL)
        *(uint8_t *)c->out[2]->data = (uint8_t)zero;
    for (size_t i = 0; c->out[0] != NULL && i < n; i++) {
        double v = (double)rintf(x[i] / scale) + (double)zero;
        ((uint8_t *)c->out[0]->data)[i] = (uint8_t)(!(v >= 0) ? 0 : v > 255 ? 255 : v);
    }
    return MOTE_OK;
}

MOTE_OP(onnx, DynamicQuantizeLinear, 11, .in = "x:T1", .out = "y:T2 y_scale:float y_zero_point:T2",
        .types = MOTE_TYPES({"T1", MOTE_DT(F32), 0}, {"T2", MOTE_DT(U8), 0}), .infer = infer_dynamic, .eval = eval_dynamic,
        .doc = MOTE_DOC("scale = (max(x, 0) - min(x, 0)) / 255, zero = round(-min / scale), y = clamp(round(x / scale) + zero)"));
