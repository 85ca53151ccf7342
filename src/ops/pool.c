/* pool.c - MaxPool, AveragePool, LpPool and their global forms
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ONNX MaxPool-22, AveragePool-22, LpPool-22, GlobalAveragePool-22, GlobalMaxPool-22, GlobalLpPool-22. Sums ascending over the window; the
 * average is the sum divided by the count; a maximum is replaced by what is not
 * less or equal, so that a NaN stays only until a number follows it. */
#include "base/platform.h"
#include "ops/types.h"
#include "ops/wide.h"
#include <math.h>

static mote_status infer_pool(mote_infer *c)
{
    const mote_type *x = c->in[0];
    size_t n;
    const int64_t *kernel = mote_node_ints(c->node, "kernel_shape", &n);
    int32_t rank = x->rank >= 0 ? x->rank : (int32_t)(n <= MOTE_MAX_RANK - 2 ? n + 2 : 0);
    MOTE_REQUIRE(rank >= 3 && kernel != NULL && n == (size_t)rank - 2, c->diag, MOTE_E_SHAPE,
                 "kernel_shape has %zu values for an X of rank %d, expected two fewer than its rank", n, rank);
    mote_window win;
    int64_t dims[MOTE_MAX_RANK], in[MOTE_MAX_RANK];
    for (int32_t i = 0; i < rank; i++)
        dims[i] = x->rank >= 0 ? x->dims[i] : MOTE_DIM_UNKNOWN;
    for (int32_t i = 2; i < rank; i++)
        in[i - 2] = dims[i];
    MOTE_TRY(mote_window_of(c->node, rank - 2, kernel, in, &win, c->diag));
    for (int32_t i = 2; i < rank; i++)
        dims[i] = win.out[i - 2];
    mote_infer_out(c, 0, x->dtype, rank, dims);
    mote_infer_out(c, 1, MOTE_DTYPE_S64, rank, dims);
    return MOTE_OK;
}

static mote_status infer_global(mote_infer *c)
{
    const mote_type *x = c->in[0];
    if (x->rank < 0)
        return mote_infer_like(c);
    MOTE_REQUIRE(x->rank >= 2, c->diag, MOTE_E_SHAPE, "X has rank %d, expected 2 or more", x->rank);
    int64_t dims[MOTE_MAX_RANK];
    for (int32_t i = 0; i < x->rank; i++)
        dims[i] = i < 2 ? x->dims[i] : 1;
    mote_infer_out(c, 0, x->dtype, x->rank, dims);
    return MOTE_OK;
}

typedef enum pool_kind { POOL_MAX, POOL_AVERAGE, POOL_LP } pool_kind;

typedef struct pool {
    pool_kind kind;
    mote_window win;
    size_t images, in_pixels, out_pixels, taps; /* images: batch times channels */
    bool include;
    double p;
    size_t *at; /* the window's pixels, those in the padding left out */
} pool;

#define POOL(T, suffix, FMA, ABS, POW, SQRT)                                                                           \
    static T pool_##suffix(const pool *s, const T *x, size_t counted, size_t *where)                                   \
    {                                                                                                                  \
        T sum = 0, top = (T)-INFINITY;                                                                                 \
        size_t used = 0;                                                                                               \
        *where = SIZE_MAX;                                                                                             \
        for (size_t t = 0; t < s->taps; t++) {                                                                         \
            T v = x[s->at[t]];                                                                                         \
            used++;                                                                                                    \
            if (s->kind == POOL_MAX) {                                                                                 \
                if (*where == SIZE_MAX || !(v <= top)) {                                                                  \
                    top = v;                                                                                           \
                    *where = s->at[t];                                                                                 \
                }                                                                                                      \
            } else if (s->kind == POOL_AVERAGE) {                                                                      \
                sum += v;                                                                                              \
            } else {                                                                                                   \
                sum = s->p == 2 ? FMA(v, v, sum) : s->p == 1 ? sum + ABS(v) : sum + (T)POW(ABS(v), s->p);              \
            }                                                                                                          \
        }                                                                                                              \
        if (s->kind == POOL_MAX)                                                                                       \
            return top;                                                                                                \
        if (s->kind == POOL_AVERAGE)                                                                                   \
            return sum / (T)(s->include ? counted : used);                                                             \
        return s->p == 2 ? SQRT(sum) : s->p == 1 ? sum : (T)POW(sum, 1.0 / s->p);                                      \
    }
#define POW_F32(x, y) pow((double)(x), y)
POOL(float, f32, fmaf, fabsf, POW_F32, sqrtf)
POOL(double, f64, fma, fabs, pow, sqrt)

static int64_t pool_integer(const pool *s, const mote_array *x, size_t image, size_t *where)
{
    int64_t top = x->dtype == MOTE_DTYPE_U8 ? 0 : INT8_MIN;
    *where = SIZE_MAX;
    for (size_t t = 0; t < s->taps; t++) {
        int64_t v = mote_array_i64(x, image * s->in_pixels + s->at[t]);
        if (*where == SIZE_MAX || v > top) {
            top = v;
            *where = s->at[t];
        }
    }
    return top;
}

/* The pixel's number when the first spatial dimension is the fastest. */
static size_t column_major(const mote_window *w, size_t pixel)
{
    size_t at = 0, stride = mote_dims_count(w->in, w->r);
    for (int32_t d = w->r - 1; d >= 0; d--) {
        stride /= (size_t)w->in[d];
        at += pixel % (size_t)w->in[d] * stride;
        pixel /= (size_t)w->in[d];
    }
    return at;
}

static mote_status run(mote_eval *c, mote_arena *temp, pool *s)
{
    const mote_array *xa = c->in[0];
    mote_array *ya = c->out[0], *ia = c->n_out > 1 ? c->out[1] : NULL;
    s->images = mote_dims_count(xa->dims, 2);
    s->in_pixels = mote_dims_count(s->win.in, s->win.r);
    s->out_pixels = mote_dims_count(s->win.out, s->win.r);
    size_t most = 1;
    for (int32_t d = 0; d < s->win.r; d++)
        most *= (size_t)(s->win.kernel[d] < s->win.in[d] ? s->win.kernel[d] : s->win.in[d]);
    bool columns = mote_node_int(c->node, "storage_order", 0) != 0;
    if (s->images == 0 || s->out_pixels == 0)
        return MOTE_OK;
    mote_array scratch;
    if (ya == NULL) { /* only the indices are wanted */
        MOTE_TRY(mote_array_shape(&scratch, xa->dtype, ia->rank, ia->dims, c->diag));
        scratch.data = mote_temp(temp, scratch.bytes, 1, c->diag);
        if (scratch.data == NULL)
            return MOTE_E_MEMORY;
        ya = &scratch;
    }
    mote_class class = mote_class_of(xa->dtype);
    bool real = class == MOTE_CLASS_F32 || class == MOTE_CLASS_F64;
    const void *x = real ? mote_widen(temp, xa) : xa->data;
    void *y = real ? mote_wide_output(temp, ya) : ya->data;
    s->at = mote_arena_calloc(temp, most, sizeof *s->at);
    if (x == NULL || y == NULL || s->at == NULL)
        return MOTE_NO_MEMORY(c->diag, 0);
    int64_t o[MOTE_MAX_RANK] = {0};
    for (size_t pixel = 0; pixel < s->out_pixels; pixel++, mote_box_next(s->win.r, s->win.out, o)) {
        int64_t first[MOTE_MAX_RANK], n[MOTE_MAX_RANK], box[MOTE_MAX_RANK] = {0}, k[MOTE_MAX_RANK];
        mote_window_inside(&s->win, o, first, n);
        s->taps = mote_dims_count(n, s->win.r);
        for (size_t t = 0; t < s->taps; t++, mote_box_next(s->win.r, n, box)) {
            for (int32_t d = 0; d < s->win.r; d++)
                k[d] = first[d] + box[d];
            if (!mote_window_tap(&s->win, o, k, &s->at[t]))
                return mote_fail(c->diag, MOTE_E_INTERNAL, "a window's tap lies outside");
        }
        size_t counted = mote_window_counted(&s->win, o), where;
        for (size_t i = 0; i < s->images; i++) {
            size_t to = i * s->out_pixels + pixel;
            if (class == MOTE_CLASS_F32)
                ((float *)y)[to] = pool_f32(s, (const float *)x + i * s->in_pixels, counted, &where);
            else if (class == MOTE_CLASS_F64)
                ((double *)y)[to] = pool_f64(s, (const double *)x + i * s->in_pixels, counted, &where);
            else
                mote_dtype_from_i64(ya->dtype, y, to, pool_integer(s, xa, i, &where));
            if (ia != NULL)
                ((int64_t *)ia->data)[to] =
                    where == SIZE_MAX ? -1 : (int64_t)(i * s->in_pixels + (columns ? column_major(&s->win, where) : where));
        }
    }
    if (real)
        mote_narrow(ya, y);
    return MOTE_OK;
}

static mote_status window_pool(mote_eval *c, mote_arena *temp, pool_kind kind)
{
    pool s = {.kind = kind, .include = mote_node_int(c->node, "count_include_pad", 0) != 0, .p = (double)mote_node_int(c->node, "p", 2)};
    size_t n;
    const int64_t *kernel = mote_node_ints(c->node, "kernel_shape", &n);
    MOTE_REQUIRE(kind != POOL_LP || s.p >= 1, c->diag, MOTE_E_VALUE, "p is %g, expected 1 or more", s.p);
    MOTE_TRY(mote_window_of(c->node, c->in[0]->rank - 2, kernel, c->in[0]->dims + 2, &s.win, c->diag));
    return run(c, temp, &s);
}

static mote_status global_pool(mote_eval *c, mote_arena *temp, pool_kind kind)
{
    pool s = {.kind = kind, .p = (double)mote_node_int(c->node, "p", 2), .win = {.r = c->in[0]->rank - 2}};
    MOTE_REQUIRE(kind != POOL_LP || s.p >= 1, c->diag, MOTE_E_VALUE, "p is %g, expected 1 or more", s.p);
    for (int32_t i = 0; i < s.win.r; i++) {
        s.win.kernel[i] = s.win.in[i] = c->in[0]->dims[2 + i];
        s.win.stride[i] = s.win.dilation[i] = s.win.out[i] = 1;
    }
    return run(c, temp, &s);
}

static mote_status eval_max_temp(mote_eval *c, mote_arena *temp) { return window_pool(c, temp, POOL_MAX); }
static mote_status eval_average_temp(mote_eval *c, mote_arena *temp) { return window_pool(c, temp, POOL_AVERAGE); }
static mote_status eval_lp_temp(mote_eval *c, mote_arena *temp) { return window_pool(c, temp, POOL_LP); }
static mote_status eval_global_max_temp(mote_eval *c, mote_arena *temp) { return global_pool(c, temp, POOL_MAX); }
static mote_status eval_global_average_temp(mote_eval *c, mote_arena *temp) { return global_pool(c, temp, POOL_AVERAGE); }
static mote_status eval_global_lp_temp(mote_eval *c, mote_arena *temp) { return global_pool(c, temp, POOL_LP); }
MOTE_EVAL_TEMP(eval_max)
MOTE_EVAL_TEMP(eval_average)
MOTE_EVAL_TEMP(eval_lp)
MOTE_EVAL_TEMP(eval_global_max)
MOTE_EVAL_TEMP(eval_global_average)
MOTE_EVAL_TEMP(eval_global_lp)

#define POOL_ATTRS                                                                                                     \
    MOTE_A_STRING("auto_pad", "NOTSET"), MOTE_A_REQUIRED(INTS, "kernel_shape"), MOTE_A(INTS, "pads"), MOTE_A(INTS, "strides")
#define MAX_DOC .doc = MOTE_DOC("largest element of each window, and where it stands")
#define MAX_POOL_10(t)                                                                                                 \
    .in = "X:T", .out = "Y:T Indices?:I", .types = MOTE_TYPES({"T", t, 0}, {"I", MOTE_DT(S64), 0}),                               \
    .attrs = MOTE_ATTRS(POOL_ATTRS, MOTE_A_INT("storage_order", 0), MOTE_A_INT("ceil_mode", 0), MOTE_A(INTS, "dilations")),       \
    .flags = MOTE_OP_QUANT_KEEP, .infer = infer_pool, .eval = eval_max, MAX_DOC
MOTE_OP(onnx, MaxPool, 1, .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", MOTE_T_FLOAT_7, 0}), .attrs = MOTE_ATTRS(POOL_ATTRS),
        .flags = MOTE_OP_QUANT_KEEP, .infer = infer_pool, .eval = eval_max, MAX_DOC);
MOTE_OP(onnx, MaxPool, 8, .in = "X:T", .out = "Y:T Indices?:I", .types = MOTE_TYPES({"T", MOTE_T_FLOAT_7, 0}, {"I", MOTE_DT(S64), 0}),
        .attrs = MOTE_ATTRS(POOL_ATTRS, MOTE_A_INT("storage_order", 0)), .flags = MOTE_OP_QUANT_KEEP, .infer = infer_pool, .eval = eval_max, MAX_DOC);
MOTE_OP(onnx, MaxPool, 10, MAX_POOL_10(MOTE_T_FLOAT_7));
MOTE_OP(onnx, MaxPool, 11, MAX_POOL_10(MOTE_T_FLOAT_7));
MOTE_OP(onnx, MaxPool, 12, MAX_POOL_10(MOTE_T_FLOAT_7 | MOTE_DT(S8) | MOTE_DT(U8)));
MOTE_OP(onnx, MaxPool, 22, MAX_POOL_10(MOTE_DTYPES_FLOAT | MOTE_DT(S8) | MOTE_DT(U8)));

#define AVERAGE_POOL(t, ...)                                                                                           \
    .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(POOL_ATTRS, MOTE_A_INT("count_include_pad", 0), __VA_ARGS__), \
    .flags = MOTE_OP_QUANT_INT, .infer = infer_pool, .eval = eval_average, .doc = MOTE_DOC("mean of each window")
MOTE_OP(onnx, AveragePool, 7, AVERAGE_POOL(MOTE_T_FLOAT_7, {.name = NULL}));
MOTE_OP(onnx, AveragePool, 10, AVERAGE_POOL(MOTE_T_FLOAT_7, MOTE_A_INT("ceil_mode", 0)));
MOTE_OP(onnx, AveragePool, 11, AVERAGE_POOL(MOTE_T_FLOAT_7, MOTE_A_INT("ceil_mode", 0)));
MOTE_OP(onnx, AveragePool, 19, AVERAGE_POOL(MOTE_T_FLOAT_7, MOTE_A_INT("ceil_mode", 0), MOTE_A(INTS, "dilations")));
MOTE_OP(onnx, AveragePool, 22, AVERAGE_POOL(MOTE_DTYPES_FLOAT, MOTE_A_INT("ceil_mode", 0), MOTE_A(INTS, "dilations")));

#define LP_POOL(t, ...)                                                                                                \
    .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(POOL_ATTRS, MOTE_A_INT("p", 2), __VA_ARGS__),          \
    .infer = infer_pool, .eval = eval_lp, .doc = MOTE_DOC("(sum |x|^p)^(1/p) of each window")
MOTE_OP(onnx, LpPool, 2, LP_POOL(MOTE_T_FLOAT_7, {.name = NULL}));
MOTE_OP(onnx, LpPool, 11, LP_POOL(MOTE_T_FLOAT_7, {.name = NULL}));
MOTE_OP(onnx, LpPool, 18, LP_POOL(MOTE_T_FLOAT_7, MOTE_A_INT("ceil_mode", 0), MOTE_A(INTS, "dilations")));
MOTE_OP(onnx, LpPool, 22, LP_POOL(MOTE_DTYPES_FLOAT, MOTE_A_INT("ceil_mode", 0), MOTE_A(INTS, "dilations")));

#define GLOBAL(t, trait, fn, text)                                                                                     \
    .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}), .flags = trait, .infer = infer_global, .eval = fn, .doc = MOTE_DOC(text)
MOTE_OP(onnx, GlobalMaxPool, 1, GLOBAL(MOTE_T_FLOAT_7, MOTE_OP_QUANT_KEEP, eval_global_max, "largest element of each channel"));
MOTE_OP(onnx, GlobalMaxPool, 22, GLOBAL(MOTE_DTYPES_FLOAT, MOTE_OP_QUANT_KEEP, eval_global_max, "largest element of each channel"));
MOTE_OP(onnx, GlobalAveragePool, 1, GLOBAL(MOTE_T_FLOAT_7, MOTE_OP_QUANT_INT, eval_global_average, "mean of each channel"));
MOTE_OP(onnx, GlobalAveragePool, 22, GLOBAL(MOTE_DTYPES_FLOAT, MOTE_OP_QUANT_INT, eval_global_average, "mean of each channel"));
#define GLOBAL_LP_2(t)                                                                                                 \
    .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A_INT("p", 2)), .infer = infer_global,            \
    .eval = eval_global_lp, .doc = MOTE_DOC("(sum |x|^p)^(1/p) of each channel")
MOTE_OP(onnx, GlobalLpPool, 2, GLOBAL_LP_2(MOTE_T_FLOAT_7));
MOTE_OP(onnx, GlobalLpPool, 22, GLOBAL_LP_2(MOTE_DTYPES_FLOAT));
