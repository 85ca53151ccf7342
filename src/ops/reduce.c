/* reduce.c - reductions over axes: sums, means, extremes, products, norms, logarithms of sums
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: ONNX operators of the same names. The reduced elements of an output are taken in ascending order of their place. Floats up to 32 bits: as
 * kernels/reduce/reduce.h has it, by rows or by columns (moves.h), float16 and bfloat16 in float and rounded once. Others: element i goes to lane
 * i mod 16, then lanes fold l with l+8, l+4, l+2, l+1; integers modulo 2^64. Nothing to reduce: sums 0, products 1, extremes the type's smallest or
 * largest value, means NaN. */
#include "base/platform.h"
#include "kernels/reduce/reduce.h"
#include "ops/args.h"
#include "ops/elements.h"
#include "ops/moves.h"
#include "ops/scalar.h"
#include "ops/types.h"
#include "ops/wide.h"
#include <math.h>
#include <string.h>

/* ---- axes ---- */

static bool axes_are_input(const mote_node *node)
{
    return node->def->since >= (mote_str_is(node->op, "ReduceSum") ? 13 : 18);
}

mote_status mote_reduce_axes(const mote_node *node, int32_t rank, bool given, const mote_array *value, bool *drop, bool *known, mote_diag *diag)
{
    int64_t axes[MOTE_MAX_RANK];
    int32_t at[MOTE_MAX_RANK];
    size_t n = 0;
    *known = true;
    if (!axes_are_input(node)) {
        const int64_t *a = mote_node_ints(node, "axes", &n);
        MOTE_REQUIRE(n <= MOTE_MAX_RANK, diag, MOTE_E_VALUE, "axes names %zu axes, the input has rank %d", n, rank);
        if (n > 0)
            memcpy(axes, a, n * sizeof *axes);
    } else if (given) {
        *known = value != NULL;
        if (!*known)
            return MOTE_OK;
        MOTE_TRY(mote_arg_ints(value, MOTE_MAX_RANK, "axes", diag, axes, &n));
    }
    bool all = n == 0 && mote_node_int(node, "noop_with_empty_axes", 0) == 0;
    for (int32_t d = 0; d < rank; d++)
        drop[d] = all;
    if (rank == 0) { /* a scalar: some writers name axis 0 or -1 of it */
        for (size_t k = 0; k < n; k++)
            MOTE_REQUIRE(axes[k] == 0 || axes[k] == -1, diag, MOTE_E_VALUE, "axes names %lld of a scalar", (long long)axes[k]);
        return MOTE_OK;
    }
    MOTE_TRY(mote_arg_axes(axes, n, rank, "axes", diag, at));
    for (size_t k = 0; k < n; k++)
        drop[at[k]] = true;
    return MOTE_OK;
}

static mote_status infer_reduce(mote_infer *c)
{
    const mote_type *x = c->in[0];
    bool drop[MOTE_MAX_RANK], known, keep = mote_node_int(c->node, "keepdims", 1) != 0;
    int64_t dims[MOTE_MAX_RANK];
    int32_t rank = 0;
    mote_infer_out(c, 0, x->dtype, -1, NULL);
    if (x->rank < 0)
        return MOTE_OK;
    bool input = mote_infer_has(c, 1);
    MOTE_TRY(mote_reduce_axes(c->node, x->rank, input, input ? mote_infer_value(c, 1) : NULL, drop, &known, c->diag));
    if (!known) {
        const mote_type *a = c->in[1];
        if (keep)
            mote_infer_out(c, 0, x->dtype, x->rank, NULL);
        else if (a->rank == 1 && a->dims[0] > 0 && a->dims[0] <= x->rank)
            mote_infer_out(c, 0, x->dtype, x->rank - (int32_t)a->dims[0], NULL);
        return MOTE_OK;
    }
    for (int32_t d = 0; d < x->rank; d++)
        if (!drop[d] || keep)
            dims[rank++] = drop[d] ? 1 : x->dims[d];
    mote_infer_out(c, 0, x->dtype, rank, dims);
    return MOTE_OK;
}

/* ---- one row ---- */

/* The result in x[0] for a row of n elements in x (n = 0 allowed: x has room for one). x may be overwritten. */
typedef struct reduction {
    mote_reduce kernel; /* f32: this, then `post` */
    enum post { AS_IS, MEAN, ROOT, LOG, LOG_EXP } post;
    void (*f64)(double *x, size_t n);
    void (*s64)(int64_t *x, size_t n);  /* NULL: through double, truncated */
    void (*u64)(uint64_t *x, size_t n);
} reduction;

/* step: from lane a and element x */
#define LANES(name, suffix, type, first, step, fold)                                                                   \
    static void name##_##suffix(type *v, size_t n)                                                                     \
    {                                                                                                                  \
        type lane[16];                                                                                                 \
        for (size_t l = 0; l < 16; l++)                                                                                \
            lane[l] = first;                                                                                           \
        for (size_t i = 0; i < n; i++) {                                                                               \
            const type a = lane[i % 16], x = v[i];                                                                     \
            lane[i % 16] = (type)(step);                                                                               \
        }                                                                                                              \
        for (size_t half = 8; half > 0; half /= 2)                                                                     \
            for (size_t l = 0; l < half; l++) {                                                                        \
                const type a = lane[l], x = lane[l + half];                                                            \
                lane[l] = (type)(fold);                                                                                \
            }                                                                                                          \
        v[0] = lane[0];                                                                                                \
    }
#define WRAP(op) ((uint64_t)a op (uint64_t)x)
LANES(sum, f64, double, 0, a + x, a + x)
LANES(sum, s64, int64_t, 0, WRAP(+), WRAP(+))
LANES(sum, u64, uint64_t, 0, WRAP(+), WRAP(+))
LANES(prod, f64, double, 1, a *x, a *x)
LANES(prod, s64, int64_t, 1, WRAP(*), WRAP(*))
LANES(prod, u64, uint64_t, 1, WRAP(*), WRAP(*))
LANES(max, f64, double, -(double)INFINITY, a > x || a != a ? a : x, a > x || a != a ? a : x)
LANES(max, s64, int64_t, INT64_MIN, a > x ? a : x, a > x ? a : x)
LANES(max, u64, uint64_t, 0, a > x ? a : x, a > x ? a : x)
LANES(min, f64, double, (double)INFINITY, a < x || a != a ? a : x, a < x || a != a ? a : x)
LANES(min, s64, int64_t, INT64_MAX, a < x ? a : x, a < x ? a : x)
LANES(min, u64, uint64_t, UINT64_MAX, a < x ? a : x, a < x ? a : x)
LANES(sum_square, f64, double, 0, fma(x, x, a), a + x)
LANES(sum_square, s64, int64_t, 0, (uint64_t)a + (uint64_t)x * (uint64_t)x, WRAP(+))
LANES(sum_square, u64, uint64_t, 0, a + x * x, a + x)
LANES(l1, f64, double, 0, a + fabs(x), a + x)
LANES(l1, s64, int64_t, 0, (uint64_t)a + (x < 0 ? 0 - (uint64_t)x : (uint64_t)x), WRAP(+))
LANES(l1, u64, uint64_t, 0, a + x, a + x)

static void mean_f64(double *x, size_t n)
{
    sum_f64(x, n);
    x[0] /= (double)n;
}
static void mean_s64(int64_t *x, size_t n)
{
    sum_s64(x, n);
    x[0] = n == 0 ? 0 : x[0] / (int64_t)n;
}
static void mean_u64(uint64_t *x, size_t n)
{
    sum_u64(x, n);
    x[0] = n == 0 ? 0 : x[0] / n;
}

static void l2_f64(double *x, size_t n)
{
    sum_square_f64(x, n);
    x[0] = sqrt(x[0]);
}

static void log_sum_f64(double *x, size_t n)
{
    sum_f64(x, n);
    x[0] = log(x[0]);
}

/* max + log(sum exp(x - max)) */
static void log_sum_exp_f64(double *x, size_t n)
{
    double top = -(double)INFINITY;
    for (size_t i = 0; i < n; i++)
        top = top > x[i] || top != top ? top : x[i];
    if (!isfinite(top)) {
        x[0] = top;
        return;
    }
    for (size_t i = 0; i < n; i++)
        x[i] = exp(x[i] - top);
    sum_f64(x, n);
    x[0] = top + log(x[0]);
}

/* ---- all rows ---- */

/* The smallest or largest value of t, for an extreme of nothing; floats have infinities already. */
static void clamp_to_type(mote_dtype t, mote_class cls, int64_t *x)
{
    unsigned bits = t == MOTE_DTYPE_BOOL ? 1 : mote_dtype_bits(t);
    if (bits >= 64)
        return;
    if (cls == MOTE_CLASS_S64) {
        int64_t top = (int64_t)((UINT64_C(1) << (bits - 1)) - 1);
        *x = *x > top ? top : *x < -top - 1 ? -top - 1 : *x;
    } else if (cls == MOTE_CLASS_U64) {
        uint64_t top = (UINT64_C(1) << bits) - 1;
        *x = (int64_t)((uint64_t)*x > top ? top : (uint64_t)*x);
    }
}

static void through_double(const reduction *r, mote_class cls, void *row, double *wide, size_t n)
{
    int64_t *s = row;
    for (size_t i = 0; i < n; i++)
        wide[i] = cls == MOTE_CLASS_S64 ? (double)s[i] : (double)(uint64_t)s[i];
    r->f64(wide, n);
    mote_dtype_from_f64(cls == MOTE_CLASS_S64 ? MOTE_DTYPE_S64 : MOTE_DTYPE_U64, s, 0, trunc(wide[0]));
}

void mote_reduce_form_of(const mote_array *x, const bool *drop, bool rows, mote_reduce_form *f)
{
    int64_t xs[MOTE_MAX_RANK], natural[MOTE_MAX_RANK];
    int32_t behind = x->rank, rank = 0; /* the first kept dimension behind all reduced ones */
    while (behind > 0 && (!drop[behind - 1] || x->dims[behind - 1] == 1))
        behind--;
    *f = (mote_reduce_form){.outer = 1, .n = 1, .inner = 1};
    mote_strides_of(x->rank, x->dims, xs);
    for (int pass = 0; pass < 3; pass++)
        for (int32_t d = 0; d < x->rank; d++)
            if (pass == (drop[d] ? 1 : d >= behind && !rows ? 2 : 0)) {
                f->dims[rank] = x->dims[d];
                f->strides[rank++] = xs[d];
                *(pass == 0 ? &f->outer : pass == 1 ? &f->n : &f->inner) *= (size_t)x->dims[d];
            }
    mote_strides_of(rank, f->dims, natural);
    for (int32_t d = 0; d < rank; d++)
        f->moved = f->moved || (f->dims[d] != 1 && f->strides[d] != natural[d]);
}

/* max + log(sum exp(x - max)) for each row, in place */
static float log_sum_exp(float *x, size_t n)
{
    float top, sum;
    mote_reduce_select(MOTE_REDUCE_MAX, 0)->rows(x, n, &top, 1, n);
    if (!isfinite(top))
        return top;
    for (size_t i = 0; i < n; i++)
        x[i] -= top;
    mote_unary_f32_f32_exp_ref(x, x, n, NULL);
    mote_reduce_select(MOTE_REDUCE_SUM, 0)->rows(x, n, &sum, 1, n);
    return top + scalar_log_f32(sum);
}

static mote_status reduce_f32(mote_eval *c, mote_arena *temp, const reduction *r, const bool *drop)
{
    const mote_array *xa = c->in[0];
    mote_array *ya = c->out[0];
    mote_reduce_form f;
    mote_reduce_form_of(xa, drop, r->post == LOG_EXP, &f);
    const float *from = mote_widen_f32(temp, xa);
    float *x = mote_temp(temp, mote_array_count(xa), sizeof *x, c->diag), *y = mote_wide_output(temp, ya);
    if (from == NULL || x == NULL || y == NULL)
        return MOTE_NO_MEMORY(c->diag, xa->bytes);
    int64_t natural[MOTE_MAX_RANK];
    mote_strides_of(xa->rank, f.dims, natural);
    if (mote_array_count(xa) > 0)
        mote_copy_block((uint8_t *)x, natural, (const uint8_t *)from, f.strides, xa->rank, f.dims, sizeof *x);
    const mote_reduce_row *row = mote_reduce_select(r->kernel, 0);
    for (size_t o = 0; o < f.outer; o++)
        if (r->post == LOG_EXP)
            y[o] = log_sum_exp(x + o * f.n, f.n);
        else if (f.inner == 1)
            row->rows(x + o * f.n, f.n, y + o, 1, f.n);
        else
            row->cols(x + o * f.n * f.inner, f.inner, y + o * f.inner, f.n, f.inner);
    for (size_t i = 0; i < f.outer * f.inner && r->post != AS_IS && r->post != LOG_EXP; i++)
        y[i] = r->post == MEAN ? y[i] / (float)f.n : r->post == ROOT ? sqrtf(y[i]) : scalar_log_f32(y[i]);
    mote_narrow(ya, y);
    return MOTE_OK;
}

static mote_status reduce(mote_eval *c, const reduction *r, bool extreme)
{
    const mote_array *x = c->in[0], *y = c->out[0];
    bool drop[MOTE_MAX_RANK], known;
    bool input = mote_eval_has(c, 1);
    MOTE_TRY(mote_reduce_axes(c->node, x->rank, input, input ? c->in[1] : NULL, drop, &known, c->diag));
    if (mote_class_of(x->dtype) == MOTE_CLASS_F32) {
        mote_arena temp;
        mote_arena_init(&temp, c->heap);
        mote_status status = reduce_f32(c, &temp, r, drop);
        mote_arena_deinit(&temp);
        return status;
    }
    /* the kept dimensions first, the reduced ones after them, each in order */
    int64_t xs[MOTE_MAX_RANK], dims[MOTE_MAX_RANK], ss[MOTE_MAX_RANK], ds[MOTE_MAX_RANK];
    int32_t rank = 0;
    size_t n = 1, rows = 1, size = mote_dtype_bits(x->dtype) / 8;
    mote_strides_of(x->rank, x->dims, xs);
    for (int pass = 0; pass < 2; pass++)
        for (int32_t d = 0; d < x->rank; d++)
            if (drop[d] == (pass == 1)) {
                dims[rank] = x->dims[d];
                ss[rank++] = xs[d];
                *(pass ? &n : &rows) *= (size_t)x->dims[d];
            }
    mote_strides_of(rank, dims, ds);
    bool moved = false;
    for (int32_t d = 0; d < rank; d++)
        moved = moved || (dims[d] != 1 && ss[d] != ds[d]);
    mote_class cls = mote_class_of(x->dtype);
    size_t row_bytes, copy_bytes = moved ? x->bytes : 0;
    if (!mote_size_mul(n + 1, 2 * sizeof(double), &row_bytes))
        return MOTE_NO_MEMORY(c->diag, n);
    void *row = mote_heap_alloc(c->heap, row_bytes);
    void *copy = copy_bytes == 0 ? NULL : mote_heap_alloc(c->heap, copy_bytes);
    mote_status status = MOTE_OK;
    if (row == NULL || (copy_bytes != 0 && copy == NULL)) {
        status = MOTE_NO_MEMORY(c->diag, row_bytes + copy_bytes);
        goto done;
    }
    if (copy != NULL)
        mote_copy_block(copy, ds, x->data, ss, rank, dims, size);
    for (size_t i = 0; i < rows; i++) {
        mote_elements_load(x->dtype, copy != NULL ? copy : x->data, i * n, 1, n, row);
        if (cls == MOTE_CLASS_F64)
            r->f64(row, n);
        else if (cls == MOTE_CLASS_S64 && r->s64 != NULL)
            r->s64(row, n);
        else if (cls == MOTE_CLASS_U64 && r->u64 != NULL)
            r->u64(row, n);
        else
            through_double(r, cls, row, (double *)row + n + 1, n);
        if (extreme && n == 0 && cls != MOTE_CLASS_F64)
            clamp_to_type(x->dtype, cls, row);
        mote_elements_store(y->dtype, y->data, i, 1, row);
    }
done:
    mote_heap_free(c->heap, copy, copy_bytes);
    mote_heap_free(c->heap, row, row_bytes);
    return status;
}

#define EVAL(name, kernel, post, extreme, s, u)                                                                        \
    static mote_status eval_reduce_##name(mote_eval *c)                                                                \
    {                                                                                                                  \
        static const reduction r = {MOTE_REDUCE_##kernel, post, name##_f64, s, u};                                     \
        return reduce(c, &r, extreme);                                                                                 \
    }
EVAL(sum, SUM, AS_IS, false, sum_s64, sum_u64)
EVAL(mean, SUM, MEAN, false, mean_s64, mean_u64)
EVAL(prod, PROD, AS_IS, false, prod_s64, prod_u64)
EVAL(max, MAX, AS_IS, true, max_s64, max_u64)
EVAL(min, MIN, AS_IS, true, min_s64, min_u64)
EVAL(sum_square, SUMSQ, AS_IS, false, sum_square_s64, sum_square_u64)
EVAL(l1, SUMABS, AS_IS, false, l1_s64, l1_u64)
EVAL(l2, SUMSQ, ROOT, false, NULL, NULL)
EVAL(log_sum, SUM, LOG, false, NULL, NULL)
EVAL(log_sum_exp, MAX, LOG_EXP, false, NULL, NULL)

#define REDUCE_SUM_1                                                                                                    \
    .in = "data:T", .out = "reduced:T", .types = MOTE_TYPES({"T", MOTE_T_ARITH_7, 0}), .attrs = MOTE_ATTRS(MOTE_A(INTS, "axes"),            \
    MOTE_A_INT("keepdims", 1)), .infer = infer_reduce, .eval = eval_reduce_sum,                                         \
    .doc = MOTE_DOC("y = sum of x over axes")
MOTE_OP(onnx, ReduceSum, 1, REDUCE_SUM_1);
MOTE_OP(onnx, ReduceSum, 11, REDUCE_SUM_1);
MOTE_OP(onnx, ReduceSum, 13, .in = "data:T axes?:int64", .out = "reduced:T", .types = MOTE_TYPES({"T", MOTE_T_ARITH_13, 0}),
        .attrs = MOTE_ATTRS(MOTE_A_INT("keepdims", 1), MOTE_A_INT("noop_with_empty_axes", 0)), .infer = infer_reduce,
        .eval = eval_reduce_sum, .doc = MOTE_DOC("y = sum of x over axes"));

#define REDUCE_MEAN_1(t)                                                                                                \
    .in = "data:T", .out = "reduced:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A(INTS, "axes"),                         \
    MOTE_A_INT("keepdims", 1)), .infer = infer_reduce, .eval = eval_reduce_mean,                                        \
    .doc = MOTE_DOC("y = mean of x over axes")
MOTE_OP(onnx, ReduceMean, 1, REDUCE_MEAN_1(MOTE_T_ARITH_7));
MOTE_OP(onnx, ReduceMean, 11, REDUCE_MEAN_1(MOTE_T_ARITH_7));
MOTE_OP(onnx, ReduceMean, 13, REDUCE_MEAN_1(MOTE_T_ARITH_13));
MOTE_OP(onnx, ReduceMean, 18, .in = "data:T axes?:int64", .out = "reduced:T", .types = MOTE_TYPES({"T", MOTE_T_ARITH_13, 0}),
        .attrs = MOTE_ATTRS(MOTE_A_INT("keepdims", 1), MOTE_A_INT("noop_with_empty_axes", 0)), .infer = infer_reduce,
        .eval = eval_reduce_mean, .doc = MOTE_DOC("y = mean of x over axes"));

#define REDUCE_MAX_1(t)                                                                                                 \
    .in = "data:T", .out = "reduced:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A(INTS, "axes"),                         \
    MOTE_A_INT("keepdims", 1)), .infer = infer_reduce, .eval = eval_reduce_max,                                         \
    .doc = MOTE_DOC("y = max of x over axes")
MOTE_OP(onnx, ReduceMax, 1, REDUCE_MAX_1(MOTE_T_ARITH_7));
MOTE_OP(onnx, ReduceMax, 11, REDUCE_MAX_1(MOTE_T_ARITH_7));
MOTE_OP(onnx, ReduceMax, 12, REDUCE_MAX_1(MOTE_T_ARITH_7 | MOTE_DT(U8) | MOTE_DT(S8)));
MOTE_OP(onnx, ReduceMax, 13, REDUCE_MAX_1(MOTE_T_ARITH_13 | MOTE_DT(U8) | MOTE_DT(S8)));
#define REDUCE_MAX_18(t)                                                                                                \
    .in = "data:T axes?:int64", .out = "reduced:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A_INT("keepdims", 1),        \
    MOTE_A_INT("noop_with_empty_axes", 0)), .infer = infer_reduce, .eval = eval_reduce_max,                             \
    .doc = MOTE_DOC("y = max of x over axes")
MOTE_OP(onnx, ReduceMax, 18, REDUCE_MAX_18(MOTE_T_ARITH_13 | MOTE_DT(U8) | MOTE_DT(S8)));
MOTE_OP(onnx, ReduceMax, 20, REDUCE_MAX_18(MOTE_T_ARITH_13 | MOTE_DT(U8) | MOTE_DT(S8) | MOTE_DT(BOOL)));

#define REDUCE_MIN_1(t)                                                                                                 \
    .in = "data:T", .out = "reduced:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A(INTS, "axes"),                         \
    MOTE_A_INT("keepdims", 1)), .infer = infer_reduce, .eval = eval_reduce_min,                                         \
    .doc = MOTE_DOC("y = min of x over axes")
MOTE_OP(onnx, ReduceMin, 1, REDUCE_MIN_1(MOTE_T_ARITH_7));
MOTE_OP(onnx, ReduceMin, 11, REDUCE_MIN_1(MOTE_T_ARITH_7));
MOTE_OP(onnx, ReduceMin, 12, REDUCE_MIN_1(MOTE_T_ARITH_7 | MOTE_DT(U8) | MOTE_DT(S8)));
MOTE_OP(onnx, ReduceMin, 13, REDUCE_MIN_1(MOTE_T_ARITH_13 | MOTE_DT(U8) | MOTE_DT(S8)));
#define REDUCE_MIN_18(t)                                                                                                \
    .in = "data:T axes?:int64", .out = "reduced:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A_INT("keepdims", 1),        \
    MOTE_A_INT("noop_with_empty_axes", 0)), .infer = infer_reduce, .eval = eval_reduce_min,                             \
    .doc = MOTE_DOC("y = min of x over axes")
MOTE_OP(onnx, ReduceMin, 18, REDUCE_MIN_18(MOTE_T_ARITH_13 | MOTE_DT(U8) | MOTE_DT(S8)));
MOTE_OP(onnx, ReduceMin, 20, REDUCE_MIN_18(MOTE_T_ARITH_13 | MOTE_DT(U8) | MOTE_DT(S8) | MOTE_DT(BOOL)));

#define REDUCE_PROD_1(t)                                                                                                \
    .in = "data:T", .out = "reduced:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A(INTS, "axes"),                         \
    MOTE_A_INT("keepdims", 1)), .infer = infer_reduce, .eval = eval_reduce_prod,                                        \
    .doc = MOTE_DOC("y = product of x over axes")
MOTE_OP(onnx, ReduceProd, 1, REDUCE_PROD_1(MOTE_T_ARITH_7));
MOTE_OP(onnx, ReduceProd, 11, REDUCE_PROD_1(MOTE_T_ARITH_7));
MOTE_OP(onnx, ReduceProd, 13, REDUCE_PROD_1(MOTE_T_ARITH_13));
MOTE_OP(onnx, ReduceProd, 18, .in = "data:T axes?:int64", .out = "reduced:T", .types = MOTE_TYPES({"T", MOTE_T_ARITH_13, 0}),
        .attrs = MOTE_ATTRS(MOTE_A_INT("keepdims", 1), MOTE_A_INT("noop_with_empty_axes", 0)), .infer = infer_reduce,
        .eval = eval_reduce_prod, .doc = MOTE_DOC("y = product of x over axes"));

#define REDUCE_SUM_SQUARE_1(t)                                                                                          \
    .in = "data:T", .out = "reduced:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A(INTS, "axes"),                         \
    MOTE_A_INT("keepdims", 1)), .infer = infer_reduce, .eval = eval_reduce_sum_square,                                  \
    .doc = MOTE_DOC("y = sum of x^2 over axes")
MOTE_OP(onnx, ReduceSumSquare, 1, REDUCE_SUM_SQUARE_1(MOTE_T_ARITH_7));
MOTE_OP(onnx, ReduceSumSquare, 11, REDUCE_SUM_SQUARE_1(MOTE_T_ARITH_7));
MOTE_OP(onnx, ReduceSumSquare, 13, REDUCE_SUM_SQUARE_1(MOTE_T_ARITH_13));
MOTE_OP(onnx, ReduceSumSquare, 18, .in = "data:T axes?:int64", .out = "reduced:T",
        .types = MOTE_TYPES({"T", MOTE_T_ARITH_13, 0}), .attrs = MOTE_ATTRS(MOTE_A_INT("keepdims", 1),
        MOTE_A_INT("noop_with_empty_axes", 0)), .infer = infer_reduce, .eval = eval_reduce_sum_square,
        .doc = MOTE_DOC("y = sum of x^2 over axes"));

#define REDUCE_L1_1(t)                                                                                                  \
    .in = "data:T", .out = "reduced:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A(INTS, "axes"),                         \
    MOTE_A_INT("keepdims", 1)), .infer = infer_reduce, .eval = eval_reduce_l1,                                          \
    .doc = MOTE_DOC("y = sum of abs(x) over axes")
MOTE_OP(onnx, ReduceL1, 1, REDUCE_L1_1(MOTE_T_ARITH_7));
MOTE_OP(onnx, ReduceL1, 11, REDUCE_L1_1(MOTE_T_ARITH_7));
MOTE_OP(onnx, ReduceL1, 13, REDUCE_L1_1(MOTE_T_ARITH_13));
MOTE_OP(onnx, ReduceL1, 18, .in = "data:T axes?:int64", .out = "reduced:T", .types = MOTE_TYPES({"T", MOTE_T_ARITH_13, 0}),
        .attrs = MOTE_ATTRS(MOTE_A_INT("keepdims", 1), MOTE_A_INT("noop_with_empty_axes", 0)), .infer = infer_reduce,
        .eval = eval_reduce_l1, .doc = MOTE_DOC("y = sum of abs(x) over axes"));

#define REDUCE_L2_1(t)                                                                                                  \
    .in = "data:T", .out = "reduced:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A(INTS, "axes"),                         \
    MOTE_A_INT("keepdims", 1)), .infer = infer_reduce, .eval = eval_reduce_l2,                                          \
    .doc = MOTE_DOC("y = sqrt(sum of x^2 over axes)")
MOTE_OP(onnx, ReduceL2, 1, REDUCE_L2_1(MOTE_T_ARITH_7));
MOTE_OP(onnx, ReduceL2, 11, REDUCE_L2_1(MOTE_T_ARITH_7));
MOTE_OP(onnx, ReduceL2, 13, REDUCE_L2_1(MOTE_T_ARITH_13));
MOTE_OP(onnx, ReduceL2, 18, .in = "data:T axes?:int64", .out = "reduced:T", .types = MOTE_TYPES({"T", MOTE_T_ARITH_13, 0}),
        .attrs = MOTE_ATTRS(MOTE_A_INT("keepdims", 1), MOTE_A_INT("noop_with_empty_axes", 0)), .infer = infer_reduce,
        .eval = eval_reduce_l2, .doc = MOTE_DOC("y = sqrt(sum of x^2 over axes)"));

#define REDUCE_LOG_SUM_1(t)                                                                                             \
    .in = "data:T", .out = "reduced:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A(INTS, "axes"),                         \
    MOTE_A_INT("keepdims", 1)), .infer = infer_reduce, .eval = eval_reduce_log_sum,                                     \
    .doc = MOTE_DOC("y = ln(sum of x over axes)")
MOTE_OP(onnx, ReduceLogSum, 1, REDUCE_LOG_SUM_1(MOTE_T_ARITH_7));
MOTE_OP(onnx, ReduceLogSum, 11, REDUCE_LOG_SUM_1(MOTE_T_ARITH_7));
MOTE_OP(onnx, ReduceLogSum, 13, REDUCE_LOG_SUM_1(MOTE_T_ARITH_13));
#define REDUCE_LOG_SUM_18(t)                                                                                            \
    .in = "data:T axes?:int64", .out = "reduced:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A_INT("keepdims", 1),        \
    MOTE_A_INT("noop_with_empty_axes", 0)), .infer = infer_reduce, .eval = eval_reduce_log_sum,                         \
    .doc = MOTE_DOC("y = ln(sum of x over axes)")
MOTE_OP(onnx, ReduceLogSum, 18, REDUCE_LOG_SUM_18(MOTE_T_ARITH_13));
MOTE_OP(onnx, ReduceLogSum, 28, REDUCE_LOG_SUM_18(MOTE_DTYPES_FLOAT));

#define REDUCE_LOG_SUM_EXP_1(t)                                                                                         \
    .in = "data:T", .out = "reduced:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A(INTS, "axes"),                         \
    MOTE_A_INT("keepdims", 1)), .infer = infer_reduce, .eval = eval_reduce_log_sum_exp,                                 \
    .doc = MOTE_DOC("y = ln(sum of e^x over axes)")
MOTE_OP(onnx, ReduceLogSumExp, 1, REDUCE_LOG_SUM_EXP_1(MOTE_T_ARITH_7));
MOTE_OP(onnx, ReduceLogSumExp, 11, REDUCE_LOG_SUM_EXP_1(MOTE_T_ARITH_7));
MOTE_OP(onnx, ReduceLogSumExp, 13, REDUCE_LOG_SUM_EXP_1(MOTE_T_ARITH_13));
#define REDUCE_LOG_SUM_EXP_18(t)                                                                                        \
    .in = "data:T axes?:int64", .out = "reduced:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A_INT("keepdims", 1),        \
    MOTE_A_INT("noop_with_empty_axes", 0)), .infer = infer_reduce, .eval = eval_reduce_log_sum_exp,                     \
    .doc = MOTE_DOC("y = ln(sum of e^x over axes)")
MOTE_OP(onnx, ReduceLogSumExp, 18, REDUCE_LOG_SUM_EXP_18(MOTE_T_ARITH_13));
MOTE_OP(onnx, ReduceLogSumExp, 28, REDUCE_LOG_SUM_EXP_18(MOTE_DTYPES_FLOAT));

