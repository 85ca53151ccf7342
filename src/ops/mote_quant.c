/* mote_quant.c - integer elementwise functions, means, softmax (forms.h)
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/softmax/softmax.h"
#include "ops/args.h"
#include "ops/forms.h"
#include "ops/types.h"
#include <math.h>

#define Q8 (MOTE_DT(U8) | MOTE_DT(S8))

/* One value of a scale or a zero point. */
static mote_status scalar_at(mote_eval *c, uint32_t i, const char *name)
{
    MOTE_REQUIRE(!mote_eval_has(c, i) || mote_array_count(c->in[i]) == 1, c->diag, MOTE_E_SHAPE, "%s has %zu values, expected 1", name,
                 mote_array_count(c->in[i]));
    return MOTE_OK;
}

typedef struct param {
    float scale;
    int64_t zero;
} param;

static mote_status param_of(mote_eval *c, uint32_t scale, param *p)
{
    MOTE_TRY(scalar_at(c, scale, "a scale"));
    MOTE_TRY(scalar_at(c, scale + 1, "a zero point"));
    *p = (param){(float)mote_array_f64(c->in[scale], 0), mote_eval_has(c, scale + 1) ? mote_array_i64(c->in[scale + 1], 0) : 0};
    return MOTE_OK;
}

/* clamp(v + zero), v already rounded or NaN */
static void put(mote_array *y, size_t i, double v, int64_t zero)
{
    const double low = y->dtype == MOTE_DTYPE_S8 ? -128 : 0, high = low + 255;
    v += (double)zero;
    mote_dtype_from_i64(y->dtype, y->data, i, (int64_t)(!(v >= low) ? low : v > high ? high : v));
}

static float real_at(const mote_array *a, size_t i, const param *p) { return (float)(mote_array_i64(a, i) - p->zero) * p->scale; }

/* ---- QAdd, QMul ---- */

enum { A, AS, AZ, B, BS, BZ, YS, YZ };

static mote_status infer_qbinary(mote_infer *c)
{
    int32_t rank = c->in[A]->rank;
    int64_t dims[MOTE_MAX_RANK];
    for (int32_t i = 0; i < rank; i++)
        dims[i] = c->in[A]->dims[i];
    MOTE_TRY(mote_dims_broadcast(&rank, dims, c->in[B], c->diag));
    mote_infer_out(c, 0, c->in[YZ]->dtype, rank, dims);
    return MOTE_OK;
}

/* The element of `a` that output element i reads: the trailing dimensions line up, those of 1 repeat. */
static size_t source_of(const mote_array *a, const mote_array *y, size_t i)
{
    size_t at = 0, step = 1;
    for (int32_t d = y->rank - 1, k = a->rank - 1; d >= 0; d--, k--) {
        const size_t n = (size_t)y->dims[d], o = i % n;
        i /= n;
        if (k < 0)
            break;
        at += a->dims[k] == 1 ? 0 : o * step;
        step *= (size_t)a->dims[k];
    }
    return at;
}

static mote_status eval_qbinary(mote_eval *c, bool mul)
{
    param a, b, y;
    MOTE_TRY(param_of(c, AS, &a));
    MOTE_TRY(param_of(c, BS, &b));
    MOTE_TRY(param_of(c, YS, &y));
    mote_array *ya = c->out[0];
    for (size_t i = 0, n = mote_array_count(ya); i < n; i++) {
        const float u = real_at(c->in[A], source_of(c->in[A], ya, i), &a), v = real_at(c->in[B], source_of(c->in[B], ya, i), &b);
        const float r = mul ? u * v : u + v;
        put(ya, i, (double)rintf(r / y.scale), y.zero);
    }
    return MOTE_OK;
}

static mote_status eval_qadd(mote_eval *c) { return eval_qbinary(c, false); }
static mote_status eval_qmul(mote_eval *c) { return eval_qbinary(c, true); }

/* ---- means, softmax: X, xs, xz?, ys, yz ---- */

static mote_status infer_qpool(mote_infer *c)
{
    const mote_type *x = c->in[0];
    const mote_dtype dtype = c->in[4]->dtype;
    if (x->rank < 0) {
        mote_infer_out(c, 0, dtype, -1, NULL);
        return MOTE_OK;
    }
    const int32_t r = x->rank - 2;
    size_t n;
    const int64_t *kernel = mote_node_ints(c->node, "kernel_shape", &n);
    MOTE_REQUIRE(r >= 1 && kernel != NULL && n == (size_t)r, c->diag, MOTE_E_SHAPE, "kernel_shape has %zu values for an X of rank %d", n, x->rank);
    mote_window win;
    MOTE_TRY(mote_window_of(c->node, r, kernel, x->dims + 1, &win, c->diag));
    int64_t dims[MOTE_MAX_RANK];
    for (int32_t i = 0; i < x->rank; i++)
        dims[i] = i == 0 || i == r + 1 ? x->dims[i] : win.out[i - 1];
    mote_infer_out(c, 0, dtype, x->rank, dims);
    return MOTE_OK;
}

static mote_status infer_qglobal(mote_infer *c)
{
    const mote_type *x = c->in[0];
    MOTE_REQUIRE(x->rank < 0 || x->rank >= 3, c->diag, MOTE_E_SHAPE, "X has rank %d, expected 3 or more", x->rank);
    int64_t dims[MOTE_MAX_RANK];
    for (int32_t i = 0; i < x->rank; i++)
        dims[i] = i == 0 || i == x->rank - 1 ? x->dims[i] : 1;
    mote_infer_out(c, 0, c->in[4]->dtype, x->rank, dims);
    return MOTE_OK;
}

/* Steps over the positions of a box; false after the last. */
static bool next(int32_t r, const int64_t *dims, int64_t *at)
{
    for (int32_t i = r - 1; i >= 0; i--) {
        if (++at[i] < dims[i])
            return true;
        at[i] = 0;
    }
    return false;
}

/* The sum of one window in one channel, how many elements it has, and how many with the padding around the input. */
typedef struct window_sum {
    int64_t sum;
    size_t used, padded;
} window_sum;

static window_sum sum_of(const mote_array *x, const mote_window *w, size_t image, const int64_t *o, size_t ch, int64_t zero)
{
    window_sum s = {0};
    int64_t k[MOTE_MAX_RANK] = {0};
    const size_t channels = (size_t)x->dims[x->rank - 1];
    do {
        size_t at = image;
        bool inside = true, counted = true;
        for (int32_t d = 0; d < w->r; d++) {
            const int64_t p = o[d] * w->stride[d] + k[d] * w->dilation[d] - w->pad_begin[d];
            inside = inside && p >= 0 && p < w->in[d];
            counted = counted && p < w->in[d] + w->pad_end[d]; /* ceil_mode may reach past the padding */
            at = at * (size_t)w->in[d] + (size_t)p;
        }
        s.padded += counted;
        if (inside) {
            s.sum += mote_array_i64(x, at * channels + ch) - zero;
            s.used++;
        }
    } while (next(w->r, w->kernel, k));
    return s;
}

static mote_status eval_qmean(mote_eval *c, bool global)
{
    const mote_array *xa = c->in[0];
    mote_array *ya = c->out[0];
    param x, y;
    MOTE_TRY(param_of(c, 1, &x));
    MOTE_TRY(param_of(c, 3, &y));
    const int32_t r = xa->rank - 2;
    mote_window w = {.r = r};
    if (global) {
        for (int32_t i = 0; i < r; i++) {
            w.kernel[i] = w.in[i] = xa->dims[1 + i];
            w.stride[i] = w.dilation[i] = w.out[i] = 1;
        }
    } else {
        size_t n;
        MOTE_TRY(mote_window_of(c->node, r, mote_node_ints(c->node, "kernel_shape", &n), xa->dims + 1, &w, c->diag));
    }
    const bool include = mote_node_int(c->node, "count_include_pad", 0) != 0;
    const size_t channels = (size_t)xa->dims[r + 1];
    if (mote_array_count(ya) == 0)
        return MOTE_OK;
    MOTE_REQUIRE(mote_array_count(xa) != 0, c->diag, MOTE_E_SHAPE, "the mean of no elements");
    size_t i = 0;
    for (size_t n = 0; n < (size_t)xa->dims[0]; n++) {
        int64_t o[MOTE_MAX_RANK] = {0};
        do {
            for (size_t ch = 0; ch < channels; ch++, i++) {
                const window_sum s = sum_of(xa, &w, n, o, ch, x.zero);
                const float m = mote_requant_mean(x.scale, include ? s.padded : s.used, y.scale);
                put(ya, i, (double)rintf((float)(int32_t)s.sum * m), y.zero);
            }
        } while (next(r, w.out, o));
    }
    return MOTE_OK;
}

static mote_status eval_qaverage(mote_eval *c) { return eval_qmean(c, false); }
static mote_status eval_qglobal(mote_eval *c) { return eval_qmean(c, true); }

static mote_status infer_qsoftmax(mote_infer *c)
{
    mote_infer_out(c, 0, c->in[4]->dtype, c->in[0]->rank, c->in[0]->dims);
    MOTE_REQUIRE(c->in[0]->rank != 0, c->diag, MOTE_E_SHAPE, "X is a scalar, expected rank 1 or more");
    return MOTE_OK;
}

static mote_status eval_qsoftmax(mote_eval *c)
{
    const mote_array *xa = c->in[0];
    mote_array *ya = c->out[0];
    param x, y;
    MOTE_TRY(param_of(c, 1, &x));
    MOTE_TRY(param_of(c, 3, &y));
    const size_t count = mote_array_count(xa), n = (size_t)xa->dims[xa->rank - 1];
    float *row = mote_heap_calloc(c->heap, n + 1, sizeof *row);
    if (row == NULL)
        return MOTE_NO_MEMORY(c->diag, n * sizeof *row);
    for (size_t at = 0; at < count; at += n) {
        for (size_t i = 0; i < n; i++)
            row[i] = real_at(xa, at + i, &x);
        mote_softmax_select(false, 0)->rows(row, row, 1, n);
        for (size_t i = 0; i < n; i++)
            put(ya, at + i, (double)rintf(row[i] / y.scale), y.zero);
    }
    mote_heap_free(c->heap, row, (n + 1) * sizeof *row);
    return MOTE_OK;
}

#define BINARY .in = "A:T as:float az?:T B:T bs:float bz?:T ys:float yz:Y", .out = "Y:Y", .types = MOTE_TYPES({"T", Q8, 0}, {"Y", Q8, 0}), .flags = MOTE_OP_ELEMENTWISE, .infer = infer_qbinary
#define MEAN .in = "X:T xs:float xz?:T ys:float yz:Y", .out = "Y:Y", .types = MOTE_TYPES({"T", Q8, 0}, {"Y", Q8, 0})

MOTE_OP(mote, QAdd, 1, BINARY, .eval = eval_qadd, .doc = MOTE_DOC("y = quantize(a + b)"));
MOTE_OP(mote, QMul, 1, BINARY, .eval = eval_qmul, .doc = MOTE_DOC("y = quantize(a b)"));
MOTE_OP(mote, QAveragePool, 1, MEAN,
        .attrs = MOTE_ATTRS(MOTE_A_STRING("auto_pad", "NOTSET"), MOTE_A(INTS, "dilations"), MOTE_A(INTS, "kernel_shape"), MOTE_A(INTS, "pads"),
                  MOTE_A(INTS, "strides"), MOTE_A_INT("ceil_mode", 0), MOTE_A_INT("count_include_pad", 0)),
        .infer = infer_qpool, .eval = eval_qaverage, .doc = MOTE_DOC("integer mean of each window, channels last"));
MOTE_OP(mote, QGlobalAveragePool, 1, MEAN, .infer = infer_qglobal, .eval = eval_qglobal, .doc = MOTE_DOC("integer mean of each channel, channels last"));
MOTE_OP(mote, QSoftmax, 1, MEAN, .infer = infer_qsoftmax, .eval = eval_qsoftmax, .doc = MOTE_DOC("y = quantize(softmax(x)) along the last axis"));
