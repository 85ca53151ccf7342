/* product.c - matrix products: MatMul, Gemm, MatMulInteger, QLinearMatMul
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ONNX MatMul-13 (numpy.matmul), Gemm-13, MatMulInteger-10, QLinearMatMul-21. f32: k ascending, one fma a term, from 0 or, in Gemm with
 * alpha 1, from beta C. float16 and bfloat16 are computed in float and rounded once; integers modulo 2^64. */
#include "base/platform.h"
#include "ops/matmul.h"
#include "ops/types.h"
#include <math.h>
#include <string.h>

/* ---- shapes ---- */

mote_status mote_infer_matmul(mote_infer *c, uint32_t ia, uint32_t ib, mote_dtype dtype)
{
    const mote_type *a = c->in[ia], *b = c->in[ib];
    if (a->rank < 0 || b->rank < 0) {
        mote_infer_out(c, 0, dtype, -1, NULL);
        return MOTE_OK;
    }
    MOTE_REQUIRE(a->rank >= 1 && b->rank >= 1, c->diag, MOTE_E_SHAPE, "a factor is a scalar, expected rank 1 or more");
    int64_t k1 = a->dims[a->rank - 1], k2 = b->dims[b->rank == 1 ? 0 : b->rank - 2];
    MOTE_REQUIRE(mote_dim_may_equal(k1, k2), c->diag, MOTE_E_SHAPE, "rows of %lld elements times columns of %lld, expected equally many",
                 (long long)k1, (long long)k2);
    mote_type batch_b = *b;
    batch_b.rank = b->rank > 2 ? b->rank - 2 : 0;
    int64_t dims[MOTE_MAX_RANK];
    int32_t rank = a->rank > 2 ? a->rank - 2 : 0;
    memcpy(dims, a->dims, sizeof dims);
    MOTE_TRY(mote_dims_broadcast(&rank, dims, &batch_b, c->diag));
    MOTE_TRY(mote_arg_rank(rank + (a->rank > 1) + (b->rank > 1), c->diag));
    if (a->rank > 1)
        dims[rank++] = a->dims[a->rank - 2];
    if (b->rank > 1)
        dims[rank++] = b->dims[b->rank - 1];
    mote_infer_out(c, 0, dtype, rank, dims);
    return MOTE_OK;
}

static mote_status infer_matmul(mote_infer *c) { return mote_infer_matmul(c, 0, 1, c->in[0]->dtype); }
static mote_status infer_matmul_integer(mote_infer *c) { return mote_infer_matmul(c, 0, 1, MOTE_DTYPE_S32); }
static mote_status infer_to_float(mote_infer *c) { return mote_infer_matmul(c, 0, 1, MOTE_DTYPE_F32); }
static mote_status infer_qlinear(mote_infer *c) { return mote_infer_matmul(c, 0, 3, c->in[7]->dtype); }

mote_status mote_matmul_of(const mote_array *a, const mote_array *b, const mote_array *y, mote_matmul *m, mote_diag *diag)
{
    *m = (mote_matmul){.m = a->rank > 1 ? (size_t)a->dims[a->rank - 2] : 1, .k = (size_t)a->dims[a->rank - 1],
                       .n = b->rank > 1 ? (size_t)b->dims[b->rank - 1] : 1};
    int32_t lead = y->rank - (a->rank > 1) - (b->rank > 1);
    mote_array batch = {.rank = lead}, ba = {.rank = a->rank > 2 ? a->rank - 2 : 0}, bb = {.rank = b->rank > 2 ? b->rank - 2 : 0};
    memcpy(batch.dims, y->dims, sizeof batch.dims);
    memcpy(ba.dims, a->dims, sizeof ba.dims);
    memcpy(bb.dims, b->dims, sizeof bb.dims);
    const mote_array *operands[2] = {&ba, &bb};
    m->batch = mote_array_count(&batch);
    return mote_broadcast_init(&m->of, &batch, operands, 2, diag);
}

/* ---- MatMul ---- */

#define MATMUL(T, suffix, FMA)                                                                                         \
    static void matmul_##suffix(const mote_matmul *s, const T *a, const T *b, T *y)                                    \
    {                                                                                                                  \
        for (size_t i = 0; i < s->batch; i++, y += s->m * s->n) {                                                      \
            const T *p = a + mote_broadcast_index(&s->of, 0, i) * s->m * s->k;                                         \
            const T *q = b + mote_broadcast_index(&s->of, 1, i) * s->k * s->n;                                         \
            for (size_t m = 0; m < s->m; m++)                                                                          \
                for (size_t n = 0; n < s->n; n++) {                                                                    \
                    T acc = 0;                                                                                         \
                    for (size_t k = 0; k < s->k; k++)                                                                  \
                        acc = FMA(p[m * s->k + k], q[k * s->n + n], acc);                                              \
                    y[m * s->n + n] = acc;                                                                             \
                }                                                                                                      \
        }                                                                                                              \
    }
#define WRAP_FMA(x, y, z) ((z) + (x) * (y))
MATMUL(float, f32, fmaf)
MATMUL(double, f64, fma)
MATMUL(uint64_t, u64, WRAP_FMA)

static mote_status eval_matmul_temp(mote_eval *c, mote_arena *temp)
{
    mote_matmul s;
    mote_array *y = c->out[0];
    MOTE_TRY(mote_matmul_of(c->in[0], c->in[1], y, &s, c->diag));
    const void *a = mote_widen(temp, c->in[0]), *b = mote_widen(temp, c->in[1]);
    void *to = mote_wide_output(temp, y);
    if (a == NULL || b == NULL || to == NULL)
        return MOTE_NO_MEMORY(c->diag, 0);
    switch (mote_class_of(y->dtype)) {
    case MOTE_CLASS_F32: matmul_f32(&s, a, b, to); break;
    case MOTE_CLASS_F64: matmul_f64(&s, a, b, to); break;
    default: matmul_u64(&s, a, b, to); break;
    }
    mote_narrow(y, to);
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_matmul)

#define MATMUL_1(t)                                                                                                    \
    .in = "A:T B:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_QUANT_INT, .infer = infer_matmul,           \
    .eval = eval_matmul, .doc = MOTE_DOC("y[m,n] = sum_k a[m,k] b[k,n], batches broadcast")
MOTE_OP(onnx, MatMul, 1, MATMUL_1(MOTE_T_FLOAT_7));
MOTE_OP(onnx, MatMul, 9, MATMUL_1(MOTE_T_ARITH_7));
MOTE_OP(onnx, MatMul, 13, MATMUL_1(MOTE_T_ARITH_13));

/* ---- Gemm ---- */

static mote_status infer_gemm(mote_infer *c)
{
    const mote_type *a = c->in[0], *b = c->in[1];
    bool ta = mote_node_int(c->node, "transA", 0) != 0, tb = mote_node_int(c->node, "transB", 0) != 0;
    int64_t dims[2] = {MOTE_DIM_UNKNOWN, MOTE_DIM_UNKNOWN}, k[2] = {MOTE_DIM_UNKNOWN, MOTE_DIM_UNKNOWN};
    if (a->rank >= 0) {
        MOTE_REQUIRE(a->rank == 2, c->diag, MOTE_E_SHAPE, "A has rank %d, expected 2", a->rank);
        dims[0] = a->dims[ta ? 1 : 0];
        k[0] = a->dims[ta ? 0 : 1];
    }
    if (b->rank >= 0) {
        MOTE_REQUIRE(b->rank == 2, c->diag, MOTE_E_SHAPE, "B has rank %d, expected 2", b->rank);
        dims[1] = b->dims[tb ? 0 : 1];
        k[1] = b->dims[tb ? 1 : 0];
    }
    MOTE_REQUIRE(mote_dim_may_equal(k[0], k[1]), c->diag, MOTE_E_SHAPE, "rows of %lld elements times columns of %lld, expected equally many",
                 (long long)k[0], (long long)k[1]);
    if (mote_infer_ranked(c, 2)) {
        const mote_type *t = c->in[2];
        MOTE_REQUIRE(t->rank <= 2, c->diag, MOTE_E_SHAPE, "C has rank %d, expected at most 2", t->rank);
        for (int32_t d = 0; d < t->rank; d++) {
            int64_t want = dims[2 - t->rank + d];
            MOTE_REQUIRE(!mote_dim_known(t->dims[d]) || t->dims[d] == 1 || mote_dim_may_equal(t->dims[d], want), c->diag, MOTE_E_SHAPE,
                         "C has %lld elements in dimension %d, expected 1 or %lld", (long long)t->dims[d], d, (long long)want);
        }
    }
    mote_infer_out(c, 0, a->dtype, 2, dims);
    return MOTE_OK;
}

typedef struct gemm_shape {
    size_t m, n, k;
    size_t am, ak, bk, bn; /* strides */
    mote_broadcast of;     /* C's */
    bool has_c;
    float alpha, beta;
} gemm_shape;

/* alpha 1: the sum begins with beta C. Else: alpha sum + beta C, the last step one fma. */
#define GEMM(T, suffix, FMA)                                                                                           \
    static void gemm_##suffix(const gemm_shape *s, const T *a, const T *b, const T *c, T *y)                            \
    {                                                                                                                  \
        for (size_t m = 0; m < s->m; m++)                                                                              \
            for (size_t n = 0; n < s->n; n++) {                                                                        \
                T start = s->has_c ? c[mote_broadcast_index(&s->of, 0, m * s->n + n)] : 0;                             \
                if (s->beta != 1.0f)                                                                                   \
                    start = (T)s->beta * start;                                                                        \
                T acc = s->alpha == 1.0f ? start : 0;                                                                  \
                for (size_t k = 0; k < s->k; k++)                                                                      \
                    acc = FMA(a[m * s->am + k * s->ak], b[k * s->bk + n * s->bn], acc);                                \
                y[m * s->n + n] = s->alpha == 1.0f ? acc : FMA((T)s->alpha, acc, start);                               \
            }                                                                                                          \
    }
GEMM(float, f32, fmaf)
GEMM(double, f64, fma)

/* Integers with a fractional alpha or beta: the scaled terms are truncated, as a cast does. */
static uint64_t scaled(uint64_t v, float by, bool is_signed)
{
    if (by == 1.0f)
        return v;
    double x = (is_signed ? (double)(int64_t)v : (double)v) * (double)by;
    if (!(x > -9223372036854775808.0))
        return (uint64_t)INT64_MIN;
    return x >= 9223372036854775808.0 ? (x < 18446744073709551616.0 && !is_signed ? (uint64_t)x : (uint64_t)INT64_MAX) : (uint64_t)(int64_t)x;
}

static void gemm_u64(const gemm_shape *s, const uint64_t *a, const uint64_t *b, const uint64_t *c, uint64_t *y, bool is_signed)
{
    for (size_t m = 0; m < s->m; m++)
        for (size_t n = 0; n < s->n; n++) {
            uint64_t acc = 0, start = s->has_c ? c[mote_broadcast_index(&s->of, 0, m * s->n + n)] : 0;
            for (size_t k = 0; k < s->k; k++)
                acc += a[m * s->am + k * s->ak] * b[k * s->bk + n * s->bn];
            y[m * s->n + n] = scaled(acc, s->alpha, is_signed) + scaled(start, s->beta, is_signed);
        }
}

static mote_status eval_gemm_temp(mote_eval *c, mote_arena *temp)
{
    const mote_array *aa = c->in[0], *ba = c->in[1];
    mote_array *ya = c->out[0];
    bool ta = mote_node_int(c->node, "transA", 0) != 0, tb = mote_node_int(c->node, "transB", 0) != 0;
    gemm_shape s = {.m = (size_t)ya->dims[0], .n = (size_t)ya->dims[1], .k = (size_t)aa->dims[ta ? 0 : 1], .has_c = mote_eval_has(c, 2),
                    .alpha = mote_node_float(c->node, "alpha", 1.0f), .beta = mote_node_float(c->node, "beta", 1.0f)};
    s.am = ta ? 1 : s.k;
    s.ak = ta ? s.m : 1;
    s.bk = tb ? 1 : s.n;
    s.bn = tb ? s.k : 1;
    if (s.has_c)
        MOTE_TRY(mote_broadcast_init(&s.of, ya, &c->in[2], 1, c->diag));
    const void *a = mote_widen(temp, aa), *b = mote_widen(temp, ba), *bias = s.has_c ? mote_widen(temp, c->in[2]) : NULL;
    void *y = mote_wide_output(temp, ya);
    if (a == NULL || b == NULL || y == NULL || (s.has_c && bias == NULL))
        return MOTE_NO_MEMORY(c->diag, 0);
    switch (mote_class_of(ya->dtype)) {
    case MOTE_CLASS_F32: gemm_f32(&s, a, b, bias, y); break;
    case MOTE_CLASS_F64: gemm_f64(&s, a, b, bias, y); break;
    case MOTE_CLASS_S64: gemm_u64(&s, a, b, bias, y, true); break;
    case MOTE_CLASS_U64: gemm_u64(&s, a, b, bias, y, false); break;
    }
    mote_narrow(ya, y);
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_gemm)

#define GEMM_7(inputs, t)                                                                                              \
    .in = inputs, .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}),                                                                \
    .attrs = MOTE_ATTRS(MOTE_A_FLOAT("alpha", 1.0f), MOTE_A_FLOAT("beta", 1.0f), MOTE_A_INT("transA", 0), MOTE_A_INT("transB", 0)), \
    .flags = MOTE_OP_QUANT_INT, .infer = infer_gemm, .eval = eval_gemm, .doc = MOTE_DOC("y = alpha A' B' + beta C")
MOTE_OP(onnx, Gemm, 7, GEMM_7("A:T B:T C:T", MOTE_T_FLOAT_7));
MOTE_OP(onnx, Gemm, 9, GEMM_7("A:T B:T C:T", MOTE_T_ARITH_7));
MOTE_OP(onnx, Gemm, 11, GEMM_7("A:T B:T C?:T", MOTE_T_ARITH_7));
MOTE_OP(onnx, Gemm, 13, GEMM_7("A:T B:T C?:T", MOTE_T_ARITH_13));

/* ---- integer products ---- */

mote_status mote_matmul_zero_of(const mote_array *z, const mote_array *x, bool rows, mote_matmul_zero *out, mote_diag *diag)
{
    *out = (mote_matmul_zero){z, 0, 0};
    if (z == NULL || mote_array_count(z) == 1)
        return MOTE_OK;
    /* one value a row of A (or column of B), for all batches or each of them */
    int32_t axis = rows ? x->rank - 2 : x->rank - 1;
    size_t lines = axis < 0 ? 1 : (size_t)x->dims[axis], batch = x->rank > 2 ? mote_dims_count(x->dims, x->rank - 2) : 1;
    MOTE_REQUIRE(mote_array_count(z) == lines || mote_array_count(z) == lines * batch, diag, MOTE_E_SHAPE,
                 "a quantization parameter has %zu values, expected 1 or one for each of %zu %s", mote_array_count(z), lines,
                 rows ? "rows" : "columns");
    out->line = 1;
    out->batch = mote_array_count(z) == lines ? 0 : lines;
    return MOTE_OK;
}

static int64_t zero_at(const mote_matmul_zero *z, size_t batch, size_t line)
{
    return z->a == NULL ? 0 : mote_array_i64(z->a, batch * z->batch + line * z->line);
}

int64_t mote_matmul_integer_at(const mote_matmul *s, const int32_t *a, const int32_t *b, const mote_matmul_zero *za, const mote_matmul_zero *zb,
                               size_t i, size_t m, size_t n)
{
    size_t ia = mote_broadcast_index(&s->of, 0, i), ib = mote_broadcast_index(&s->of, 1, i);
    const int32_t *p = a + (ia * s->m + m) * s->k, *q = b + ib * s->k * s->n + n;
    int64_t acc = 0, az = zero_at(za, ia, m), bz = zero_at(zb, ib, n);
    for (size_t k = 0; k < s->k; k++)
        acc += ((int64_t)p[k] - az) * ((int64_t)q[k * s->n] - bz);
    return acc;
}

/* Output s32, or f32: with a scale of one value or one for each column (input 4), and a bias (5). */
static mote_status eval_matmul_integer_temp(mote_eval *c, mote_arena *temp)
{
    mote_matmul s;
    mote_matmul_zero za, zb;
    MOTE_TRY(mote_matmul_of(c->in[0], c->in[1], c->out[0], &s, c->diag));
    MOTE_TRY(mote_matmul_zero_of(mote_eval_has(c, 2) ? c->in[2] : NULL, c->in[0], true, &za, c->diag));
    MOTE_TRY(mote_matmul_zero_of(mote_eval_has(c, 3) ? c->in[3] : NULL, c->in[1], false, &zb, c->diag));
    const int32_t *a = mote_widen_s32(temp, c->in[0]), *b = mote_widen_s32(temp, c->in[1]);
    if (a == NULL || b == NULL)
        return MOTE_NO_MEMORY(c->diag, 0);
    const bool real = c->out[0]->dtype == MOTE_DTYPE_F32;
    const size_t scales = real ? mote_array_count(c->in[4]) : 0;
    const float *scale = real ? c->in[4]->data : NULL, *bias = real && mote_eval_has(c, 5) ? c->in[5]->data : NULL;
    MOTE_REQUIRE(!real || ((scales == 1 || scales == s.n) && (bias == NULL || mote_array_count(c->in[5]) == s.n)), c->diag, MOTE_E_SHAPE,
                 "scale or bias do not have one value for each of %zu columns", s.n);
    int32_t *y = c->out[0]->data;
    float *f = c->out[0]->data;
    for (size_t i = 0; i < s.batch; i++)
        for (size_t m = 0; m < s.m; m++)
            for (size_t n = 0; n < s.n; n++) {
                const int32_t sum = (int32_t)(uint32_t)(uint64_t)mote_matmul_integer_at(&s, a, b, &za, &zb, i, m, n);
                if (!real) {
                    *y++ = sum;
                    continue;
                }
                *f = (float)sum * scale[scales == 1 ? 0 : n];
                *f = bias != NULL ? *f + bias[n] : *f;
                f++;
            }
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_matmul_integer)

#define Q8 (MOTE_DT(S8) | MOTE_DT(U8))
MOTE_OP(onnx, MatMulInteger, 10, .in = "A:T1 B:T2 a_zero_point?:T1 b_zero_point?:T2", .out = "Y:int32",
        .types = MOTE_TYPES({"T1", Q8, 0}, {"T2", Q8, 0}), .flags = MOTE_OP_QUANT_INT, .infer = infer_matmul_integer, .eval = eval_matmul_integer,
        .doc = MOTE_DOC("y[m,n] = sum_k (a[m,k] - za) (b[k,n] - zb)"));

MOTE_OP(mote, MatMulIntegerToFloat, 1, .in = "A:T1 B:T2 a_zero_point?:T1 b_zero_point?:T2 scale:float bias?:float", .out = "Y:float",
        .types = MOTE_TYPES({"T1", Q8, 0}, {"T2", Q8, 0}), .infer = infer_to_float, .eval = eval_matmul_integer,
        .doc = MOTE_DOC("y[m,n] = f32(MatMulInteger's sum) scale[n] + bias[n]"));

/* Value i of a parameter that matmul_zero checked. */
static double scale_at(const mote_matmul_zero *z, size_t batch, size_t line) { return mote_array_f64(z->a, batch * z->batch + line * z->line); }

static mote_status eval_qlinear_float(mote_eval *c, mote_arena *temp, const mote_matmul *s, const mote_matmul_zero *p)
{
    /* float8 factors: exact in double, one rounding into the output's type */
    const float *a = mote_widen_f32(temp, c->in[0]), *b = mote_widen_f32(temp, c->in[3]);
    if (a == NULL || b == NULL)
        return MOTE_NO_MEMORY(c->diag, 0);
    mote_array *y = c->out[0];
    size_t at = 0;
    double sy = mote_array_f64(c->in[6], 0), zy = mote_array_f64(c->in[7], 0);
    for (size_t i = 0; i < s->batch; i++) {
        size_t ia = mote_broadcast_index(&s->of, 0, i), ib = mote_broadcast_index(&s->of, 1, i);
        for (size_t m = 0; m < s->m; m++)
            for (size_t n = 0; n < s->n; n++) {
                double acc = 0, za = scale_at(&p[1], ia, m), zb = scale_at(&p[3], ib, n);
                for (size_t k = 0; k < s->k; k++)
                    acc += ((double)a[(ia * s->m + m) * s->k + k] - za) * ((double)b[(ib * s->k + k) * s->n + n] - zb);
                double v = acc * scale_at(&p[0], ia, m) * scale_at(&p[2], ib, n) / sy + zy;
                if (mote_dtype_in(y->dtype, Q8))
                    v = rint(v);
                mote_dtype_from_f64(y->dtype, y->data, at++, v);
            }
    }
    return MOTE_OK;
}

static mote_status eval_qlinear_temp(mote_eval *c, mote_arena *temp)
{
    mote_matmul s;
    mote_matmul_zero p[4]; /* scale and zero point of A and B */
    MOTE_TRY(mote_matmul_of(c->in[0], c->in[3], c->out[0], &s, c->diag));
    for (uint32_t i = 0; i < 4; i++)
        MOTE_TRY(mote_matmul_zero_of(c->in[i < 2 ? 1 + i : 2 + i], c->in[i < 2 ? 0 : 3], i < 2, &p[i], c->diag));
    for (uint32_t i = 6; i < 8; i++)
        MOTE_REQUIRE(mote_array_count(c->in[i]) == 1, c->diag, MOTE_E_SHAPE, "%s has %zu values, expected 1", i == 6 ? "y_scale" : "y_zero_point",
                     mote_array_count(c->in[i]));
    mote_array *y = c->out[0];
    if (!mote_dtype_in(c->in[0]->dtype, Q8) || !mote_dtype_in(c->in[3]->dtype, Q8) || !mote_dtype_in(y->dtype, Q8))
        return eval_qlinear_float(c, temp, &s, p);
    const int32_t *a = mote_widen_s32(temp, c->in[0]), *b = mote_widen_s32(temp, c->in[3]);
    if (a == NULL || b == NULL)
        return MOTE_NO_MEMORY(c->diag, 0);
    float ys = (float)mote_array_f64(c->in[6], 0);
    int64_t yz = mote_array_i64(c->in[7], 0), low = y->dtype == MOTE_DTYPE_S8 ? -128 : 0;
    size_t at = 0;
    for (size_t i = 0; i < s.batch; i++) {
        size_t ia = mote_broadcast_index(&s.of, 0, i), ib = mote_broadcast_index(&s.of, 1, i);
        for (size_t m = 0; m < s.m; m++)
            for (size_t n = 0; n < s.n; n++) {
                int32_t acc = (int32_t)(uint32_t)(uint64_t)mote_matmul_integer_at(&s, a, b, &p[1], &p[3], i, m, n);
                float scale = mote_requant_scale((float)scale_at(&p[0], ia, m), (float)scale_at(&p[2], ib, n), ys);
                mote_dtype_from_i64(y->dtype, y->data, at++, mote_requantize(acc, scale, yz, low, low + 255));
            }
    }
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_qlinear)

#define QLINEAR_MATMUL_10(s, t)                                                                                        \
    .in = "a:T1 a_scale:TS a_zero_point:T1 b:T2 b_scale:TS b_zero_point:T2 y_scale:TS y_zero_point:T3", .out = "y:T3",  \
    .types = MOTE_TYPES({"TS", s, 0}, {"T1", t, 0}, {"T2", t, 0}, {"T3", t, 0}), .flags = MOTE_OP_QUANT_INT,                      \
    .infer = infer_qlinear, .eval = eval_qlinear, .doc = MOTE_DOC("y = clamp(round(sum_k (a - za) (b - zb) sa sb / sy) + zy)")
MOTE_OP(onnx, QLinearMatMul, 10, QLINEAR_MATMUL_10(MOTE_DT(F32), Q8));
MOTE_OP(onnx, QLinearMatMul, 21, QLINEAR_MATMUL_10(MOTE_DT(F32) | MOTE_DT(F16) | MOTE_DT(BF16), Q8 | MOTE_T_F8_19));
