/* norm_axes.c - LRN, LpNormalization, MeanVarianceNormalization
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ONNX LRN-13, LpNormalization-22, MeanVarianceNormalization-13. Sums along one axis as DESIGN's Numerics has them (mote_sum16); over a window of
 * channels ascending. A vector without length stays zero. Half floats are computed in float and rounded once. */
#include "base/platform.h"
#include "kernels/binary/binary.h"
#include "kernels/norm/norm.h"
#include "kernels/reduce/reduce.h"
#include "kernels/unary/unary.h"
#include "ops/types.h"
#include "ops/wide.h"
#include <math.h>
#include <string.h>

static float sum_f32(const float *x, size_t n) { return mote_sum16(x, n); }
static double sum_f64(const double *x, size_t n) { return mote_sum16_f64(x, n); }

/* ---- LRN ---- */

static mote_status infer_lrn(mote_infer *c)
{
    const mote_type *x = c->in[0];
    int64_t size = mote_node_int(c->node, "size", 0);
    MOTE_REQUIRE(size >= 1, c->diag, MOTE_E_VALUE, "size is %lld, expected 1 or more", (long long)size);
    MOTE_REQUIRE(x->rank < 0 || x->rank >= 2, c->diag, MOTE_E_SHAPE, "X has rank %d, expected 2 or more", x->rank);
    return mote_infer_like(c);
}

typedef struct lrn {
    size_t batch, channels, pixels, below, above;
    double scale, beta, bias;
    mote_binary_fn pow;
} lrn;

enum { LRN_BLOCK = 256 };

static void lrn_pow_f32(const lrn *p, float *x, size_t n, float beta) { p->pow(x, &beta, x, n, MOTE_FORM_VS); }
static void lrn_pow_f64(const lrn *p, double *x, size_t n, double beta)
{
    (void)p;
    for (size_t i = 0; i < n; i++)
        x[i] = pow(x[i], beta);
}

#define LRN(T, suffix)                                                                                                 \
    static void lrn_##suffix(const lrn *p, const T *x, T *y)                                                           \
    {                                                                                                                  \
        T sum[LRN_BLOCK];                                                                                              \
        const size_t plane = p->pixels;                                                                                \
        for (size_t k = 0; k < p->batch * p->channels; k++) {                                                          \
            const size_t c = k % p->channels, below = c > p->below ? p->below : c;                                     \
            const size_t above = p->channels - 1 - c > p->above ? p->above : p->channels - 1 - c;                      \
            for (size_t at = 0, n; at < plane; at += n) {                                                              \
                const T *from = x + k * plane + at;                                                                    \
                n = plane - at < LRN_BLOCK ? plane - at : LRN_BLOCK;                                                   \
                memset(sum, 0, n * sizeof *sum);                                                                       \
                for (size_t j = 0; j <= below + above; j++) {                                                          \
                    const T *next = from - below * plane + j * plane;                                                  \
                    for (size_t i = 0; i < n; i++)                                                                     \
                        sum[i] += next[i] * next[i];                                                                   \
                }                                                                                                      \
                for (size_t i = 0; i < n; i++)                                                                         \
                    sum[i] = (T)p->bias + (T)p->scale * sum[i];                                                        \
                lrn_pow_##suffix(p, sum, n, (T)p->beta);                                                               \
                for (size_t i = 0; i < n; i++)                                                                         \
                    y[k * plane + at + i] = from[i] / sum[i];                                                          \
            }                                                                                                          \
        }                                                                                                              \
    }
LRN(float, f32)
LRN(double, f64)

static mote_status eval_lrn_temp(mote_eval *c, mote_arena *temp)
{
    const mote_array *xa = c->in[0];
    mote_array *ya = c->out[0];
    if (mote_array_count(ya) == 0)
        return MOTE_OK;
    const void *x = mote_widen(temp, xa);
    void *y = mote_wide_output(temp, ya);
    if (x == NULL || y == NULL)
        return MOTE_NO_MEMORY(c->diag, ya->bytes);
    const size_t size = (size_t)mote_node_int(c->node, "size", 1);
    lrn p = {.batch = (size_t)xa->dims[0], .channels = (size_t)xa->dims[1], .below = (size - 1) / 2, .above = size / 2,
             .beta = (double)mote_node_float(c->node, "beta", 0.75f), .bias = (double)mote_node_float(c->node, "bias", 1.0f),
             .pow = mote_binary_select(MOTE_BINARY_POW, c->cpu)->fn};
    p.pixels = mote_array_count(xa) / (p.batch * p.channels);
    const float alpha = mote_node_float(c->node, "alpha", 0.0001f);
    const bool wide = mote_class_of(ya->dtype) == MOTE_CLASS_F64;
    p.scale = wide ? (double)alpha / (double)size : (double)(alpha / (float)size);
    if (wide)
        lrn_f64(&p, x, y);
    else
        lrn_f32(&p, x, y);
    mote_narrow(ya, y);
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_lrn)

/* ---- LpNormalization ---- */

static mote_status infer_lp(mote_infer *c)
{
    int32_t axis;
    int64_t p = mote_node_int(c->node, "p", 2);
    MOTE_REQUIRE(p == 1 || p == 2, c->diag, MOTE_E_VALUE, "p is %lld, expected 1 or 2", (long long)p);
    if (c->in[0]->rank > 0)
        MOTE_TRY(mote_arg_axis(mote_node_int(c->node, "axis", -1), c->in[0]->rank, "axis", c->diag, &axis));
    return mote_infer_like(c);
}

#define LP(T, suffix, ABS, SQRT)                                                                                       \
    static void lp_##suffix(const T *x, T *y, size_t outer, size_t n, size_t inner, bool square, T *row)               \
    {                                                                                                                  \
        for (size_t o = 0; o < outer; o++, x += n * inner, y += n * inner)                                             \
            for (size_t j = 0; j < inner; j++) {                                                                       \
                for (size_t i = 0; i < n; i++)                                                                         \
                    row[i] = square ? x[i * inner + j] * x[i * inner + j] : ABS(x[i * inner + j]);                     \
                T length = sum_##suffix(row, n);                                                                       \
                length = square ? SQRT(length) : length;                                                               \
                for (size_t i = 0; i < n; i++)                                                                         \
                    y[i * inner + j] = length != 0 ? x[i * inner + j] / length : 0;                                    \
            }                                                                                                          \
    }
LP(float, f32, fabsf, sqrtf)
LP(double, f64, fabs, sqrt)

/* Rows of neighbours, by the kernels: the same sums and quotients. */
static void lp_rows(const float *x, float *y, size_t outer, size_t n, bool square, float *row, uint32_t cpu)
{
    const mote_binary_fn mul = mote_binary_select(MOTE_BINARY_MUL, cpu)->fn, div = mote_binary_select(MOTE_BINARY_DIV, cpu)->fn;
    const mote_unary_fn magnitude = mote_unary_select(MOTE_UNARY_ABS, cpu)->fn;
    for (size_t o = 0; o < outer; o++, x += n, y += n) {
        if (square)
            mul(x, x, row, n, MOTE_FORM_VV);
        else
            magnitude(x, row, n, NULL);
        float length = mote_sum16(row, n);
        length = square ? sqrtf(length) : length;
        if (length != 0)
            div(x, &length, y, n, MOTE_FORM_VS);
        else
            memset(y, 0, n * sizeof *y);
    }
}

static mote_status eval_lp_temp(mote_eval *c, mote_arena *temp)
{
    const mote_array *xa = c->in[0];
    mote_array *ya = c->out[0];
    int32_t axis = 0;
    if (mote_array_count(ya) == 0)
        return MOTE_OK;
    if (xa->rank > 0)
        MOTE_TRY(mote_arg_axis(mote_node_int(c->node, "axis", -1), xa->rank, "axis", c->diag, &axis));
    const size_t n = xa->rank > 0 ? (size_t)xa->dims[axis] : 1, outer = xa->rank > 0 ? mote_dims_count(xa->dims, axis) : 1;
    const void *x = mote_widen(temp, xa);
    void *y = mote_wide_output(temp, ya), *row = mote_temp(temp, n, sizeof(double), c->diag);
    if (x == NULL || y == NULL || row == NULL)
        return MOTE_NO_MEMORY(c->diag, ya->bytes);
    const bool square = mote_node_int(c->node, "p", 2) == 2;
    if (mote_class_of(ya->dtype) == MOTE_CLASS_F64)
        lp_f64(x, y, outer, n, mote_array_count(xa) / (outer * n), square, row);
    else if (mote_array_count(xa) == outer * n)
        lp_rows(x, y, outer, n, square, row, c->cpu);
    else
        lp_f32(x, y, outer, n, mote_array_count(xa) / (outer * n), square, row);
    mote_narrow(ya, y);
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_lp)

/* ---- MeanVarianceNormalization ---- */

/* The axes that are averaged over, as flags. */
static mote_status mvn_axes(const mote_node *node, int32_t rank, bool *over, mote_diag *diag)
{
    static const int64_t absent[] = {0, 2, 3};
    size_t n;
    int32_t at[MOTE_MAX_RANK];
    const int64_t *axes = mote_node_ints(node, "axes", &n);
    if (axes == NULL)
        axes = absent, n = 3;
    MOTE_TRY(mote_arg_axes(axes, n, rank, "axes", diag, at));
    for (int32_t d = 0; d < rank; d++)
        over[d] = false;
    for (size_t k = 0; k < n; k++)
        over[at[k]] = true;
    return MOTE_OK;
}

static mote_status infer_mvn(mote_infer *c)
{
    bool over[MOTE_MAX_RANK];
    if (c->in[0]->rank >= 0)
        MOTE_TRY(mvn_axes(c->node, c->in[0]->rank, over, c->diag));
    return mote_infer_like(c);
}

/* One group: y = (x - m) / (sqrt(mean(x^2) - m^2) + 1e-9), as the standard's own expansion has it. y may be x. */
static void mvn_f32(const mote_eval *c, const float *x, float *y, size_t n)
{
    float sum, squares;
    mote_reduce_select(MOTE_REDUCE_SUM, c->cpu)->rows(x, n, &sum, 1, n);
    mote_reduce_select(MOTE_REDUCE_SUMSQ, c->cpu)->rows(x, n, &squares, 1, n);
    const float mean = sum / (float)n, variance = squares / (float)n - mean * mean;
    const float deviation = sqrtf(variance > 0 ? variance : variance != variance ? variance : 0) + (float)1e-9;
    mote_norm_select(c->cpu)->plane(x, y, n, mean, 1 / deviation, 1, 0);
}

static void mvn_f64(double *x, size_t n, double *squares)
{
    const double mean = sum_f64(x, n) / (double)n;
    for (size_t i = 0; i < n; i++)
        squares[i] = x[i] * x[i];
    const double variance = sum_f64(squares, n) / (double)n - mean * mean;
    const double deviation = sqrt(variance > 0 ? variance : variance != variance ? variance : 0) + 1e-9;
    for (size_t i = 0; i < n; i++)
        x[i] = (x[i] - mean) / deviation;
}

static mote_status eval_mvn_temp(mote_eval *c, mote_arena *temp)
{
    const mote_array *xa = c->in[0];
    mote_array *ya = c->out[0];
    bool over[MOTE_MAX_RANK];
    MOTE_TRY(mvn_axes(c->node, xa->rank, over, c->diag));
    if (mote_array_count(ya) == 0)
        return MOTE_OK;
    int64_t strides[MOTE_MAX_RANK], kept[MOTE_MAX_RANK] = {1}, kept_strides[MOTE_MAX_RANK], folded[MOTE_MAX_RANK] = {1}, folded_strides[MOTE_MAX_RANK];
    int32_t n_kept = 0, n_folded = 0;
    size_t n = 1;
    mote_strides_of(xa->rank, xa->dims, strides);
    for (int32_t d = 0; d < xa->rank; d++)
        if (over[d]) {
            folded[n_folded] = xa->dims[d], folded_strides[n_folded++] = strides[d];
            n *= (size_t)xa->dims[d];
        } else {
            kept[n_kept] = xa->dims[d], kept_strides[n_kept++] = strides[d];
        }
    const void *x = mote_widen(temp, xa);
    void *y = mote_wide_output(temp, ya), *row = mote_temp(temp, n, 2 * sizeof(double), c->diag);
    size_t *index = mote_temp(temp, n, sizeof *index, c->diag);
    if (x == NULL || y == NULL || row == NULL || index == NULL)
        return MOTE_NO_MEMORY(c->diag, ya->bytes);
    int64_t at[MOTE_MAX_RANK] = {0}, run = 1;
    const bool wide = mote_class_of(ya->dtype) == MOTE_CLASS_F64;
    bool side_by_side = !wide;
    for (int32_t d = n_folded - 1; d >= 0; d--)
        if (folded[d] != 1) {
            side_by_side = side_by_side && folded_strides[d] == run;
            run *= folded[d];
        }
    do {
        size_t base = 0, i = 0;
        int64_t in[MOTE_MAX_RANK] = {0};
        for (int32_t d = 0; d < n_kept; d++)
            base += (size_t)(at[d] * kept_strides[d]);
        if (side_by_side) {
            mvn_f32(c, (const float *)x + base, (float *)y + base, n);
            continue;
        }
        do {
            size_t from = base;
            for (int32_t d = 0; d < n_folded; d++)
                from += (size_t)(in[d] * folded_strides[d]);
            index[i++] = from;
        } while (mote_box_next(n_folded, folded, in));
        double *d = row;
        float *f = row;
        for (i = 0; i < n; i++)
            if (wide)
                d[i] = ((const double *)x)[index[i]];
            else
                f[i] = ((const float *)x)[index[i]];
        if (wide)
            mvn_f64(d, n, d + n);
        else
            mvn_f32(c, f, f, n);
        for (i = 0; i < n; i++)
            if (wide)
                ((double *)y)[index[i]] = d[i];
            else
                ((float *)y)[index[i]] = f[i];
    } while (mote_box_next(n_kept, kept, at));
    mote_narrow(ya, y);
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_mvn)

#define LRN_1(t)                                                                                                       \
    .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}),                                                                  \
    .attrs = MOTE_ATTRS(MOTE_A_FLOAT("alpha", 0.0001f), MOTE_A_FLOAT("beta", 0.75f), MOTE_A_FLOAT("bias", 1.0f), MOTE_A_REQUIRED(INT, "size")), \
    .infer = infer_lrn, .eval = eval_lrn, .doc = MOTE_DOC("y = x / (bias + alpha / size sum x^2 over neighbouring channels)^beta")
MOTE_OP(onnx, LRN, 1, LRN_1(MOTE_T_FLOAT_7));
MOTE_OP(onnx, LRN, 13, LRN_1(MOTE_DTYPES_FLOAT));
#define LP_1(t)                                                                                                        \
    .in = "input:T", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A_INT("axis", -1), MOTE_A_INT("p", 2)),   \
    .infer = infer_lp, .eval = eval_lp, .doc = MOTE_DOC("y = x / (the sum of |x|^p along an axis)^(1/p)")
MOTE_OP(onnx, LpNormalization, 1, LP_1(MOTE_T_FLOAT_7));
MOTE_OP(onnx, LpNormalization, 22, LP_1(MOTE_DTYPES_FLOAT));
#define MVN_9(t)                                                                                                       \
    .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A(INTS, "axes")), .infer = infer_mvn, .eval = eval_mvn, \
    .doc = MOTE_DOC("y = (x - mean) / (deviation + 1e-9) over some axes")
MOTE_OP(onnx, MeanVarianceNormalization, 9, MVN_9(MOTE_T_FLOAT_7));
MOTE_OP(onnx, MeanVarianceNormalization, 13, MVN_9(MOTE_DTYPES_FLOAT));
