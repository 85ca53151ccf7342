/* resize_eval.c - reference evaluation of Resize and Upsample
 * SPDX-License-Identifier: Apache-2.0
 *
 * An output of one axis is w[0] x[0], then one fma for each further tap, ascending. Arithmetic is in float for elements of up to 16 bits and float32,
 * in double for the others; integers are clamped and truncated towards zero (with antialias: rounded to nearest even). */
#include "base/platform.h"
#include "ops/resize.h"
#include "ops/scalar.h"
#include "ops/wide.h"
#include <math.h>
#include <string.h>

mote_status mote_resize_eval(mote_eval *c);

typedef struct axis_table {
    int32_t *index;
    float *weights;
    uint8_t *outside; /* NULL: nowhere */
} axis_table;

static mote_status make_table(mote_eval *c, mote_arena *temp, const mote_resize *r, int32_t d, axis_table *t)
{
    size_t n;
    MOTE_REQUIRE(mote_size_mul((size_t)r->out[d], r->taps[d], &n), c->diag, MOTE_E_LIMIT, "too many weights on axis %d", d);
    t->index = mote_temp(temp, n + 1, sizeof *t->index, c->diag);
    t->weights = mote_temp(temp, n + 1, sizeof *t->weights, c->diag);
    t->outside = r->crop ? mote_temp(temp, (size_t)r->out[d] + 1, 1, c->diag) : NULL;
    if (t->index == NULL || t->weights == NULL || (r->crop && t->outside == NULL))
        return MOTE_E_MEMORY;
    mote_resize_axis(r, d, t->index, t->weights, t->outside);
    return MOTE_OK;
}

/* x: outer x in x inner elements; y: outer x out x inner. */
#define INTERPOLATE(T, suffix, FMA)                                                                                    \
    static void interpolate_##suffix(const T *x, T *y, size_t outer, size_t in, size_t out, size_t inner, size_t taps, const axis_table *t) \
    {                                                                                                                  \
        for (size_t o = 0; o < outer; o++, x += in * inner)                                                            \
            for (size_t i = 0; i < out; i++, y += inner)                                                               \
                for (size_t j = 0; j < inner; j++) {                                                                   \
                    T acc = (T)t->weights[i] * x[(size_t)t->index[i] * inner + j];                                     \
                    for (size_t k = 1; k < taps; k++)                                                                  \
                        acc = FMA((T)t->weights[k * out + i], x[(size_t)t->index[k * out + i] * inner + j], acc);      \
                    y[j] = acc;                                                                                        \
                }                                                                                                      \
    }
INTERPOLATE(float, f32, fmaf)
INTERPOLATE(double, f64, fma)

static void move(const uint8_t *x, uint8_t *y, size_t outer, size_t in, size_t out, size_t bytes, const int32_t *index)
{
    for (size_t o = 0; o < outer; o++, x += in * bytes)
        for (size_t i = 0; i < out; i++, y += bytes)
            memcpy(y, x + (size_t)index[i] * bytes, bytes);
}

/* Calls of fn for the elements that lie outside along any axis. */
static void find_outside(const mote_resize *r, const axis_table *tables, void (*fn)(void *ctx, size_t at), void *ctx)
{
    int64_t at[MOTE_MAX_RANK] = {0};
    size_t n = 0;
    do {
        bool outside = false;
        for (int32_t d = 0; d < r->rank; d++)
            outside = outside || (tables[d].outside != NULL && tables[d].outside[at[d]] != 0);
        if (outside)
            fn(ctx, n);
        n++;
    } while (mote_box_next(r->rank, r->out, at));
}

/* ---- nearest: elements of any type are moved ---- */

typedef struct filler {
    uint8_t *to;
    size_t size;
    uint8_t value[16];
} filler;

static void fill_bytes(void *ctx, size_t at)
{
    filler *f = ctx;
    memcpy(f->to + at * f->size, f->value, f->size);
}

static mote_status eval_nearest(mote_eval *c, mote_arena *temp, const mote_resize *r)
{
    axis_table tables[MOTE_MAX_RANK] = {0};
    mote_bytes from, to;
    MOTE_TRY(mote_bytes_in(c, c->in[0], &from));
    mote_status status = mote_bytes_out(c, 0, &to);
    if (status != MOTE_OK) {
        mote_bytes_free(c, &from);
        return status;
    }
    int64_t dims[MOTE_MAX_RANK];
    memcpy(dims, r->in, sizeof dims);
    const uint8_t *x = from.p;
    int32_t left = 0;
    for (int32_t d = 0; d < r->rank; d++)
        left += r->active[d];
    if (left == 0 && to.count != 0)
        memcpy(to.p, x, to.count * to.size);
    for (int32_t d = r->rank - 1; d >= 0 && status == MOTE_OK && to.count != 0; d--) {
        if (!r->active[d])
            continue;
        size_t inner = mote_dims_count(dims + d + 1, r->rank - d - 1) * from.size, outer = mote_dims_count(dims, d), bytes = 0;
        status = make_table(c, temp, r, d, &tables[d]);
        if (status == MOTE_OK && (!mote_size_mul(outer, (size_t)r->out[d], &bytes) || !mote_size_mul(bytes, inner, &bytes)))
            status = mote_fail(c->diag, MOTE_E_LIMIT, "the interpolated tensor is too large");
        uint8_t *y = status != MOTE_OK ? NULL : --left == 0 ? to.p : mote_temp(temp, bytes, 1, c->diag);
        if (status == MOTE_OK && y == NULL)
            status = MOTE_E_MEMORY;
        if (status == MOTE_OK)
            move(x, y, outer, (size_t)r->in[d], (size_t)r->out[d], inner, tables[d].index);
        x = y;
        dims[d] = r->out[d];
    }
    if (status == MOTE_OK && r->crop && to.count != 0 && c->in[0]->dtype != MOTE_DTYPE_STRING) {
        filler f = {.to = to.p, .size = to.size};
        mote_dtype_from_f64(c->in[0]->dtype, f.value, 0, (double)r->outside);
        find_outside(r, tables, fill_bytes, &f);
    }
    mote_bytes_free(c, &from);
    if (status == MOTE_OK)
        return mote_bytes_finish(c, 0, &to);
    mote_bytes_free(c, &to);
    return status;
}

/* ---- linear and cubic ---- */

static void fill_f32(void *ctx, size_t at) { ((float *)((filler *)ctx)->to)[at] = *(float *)(void *)((filler *)ctx)->value; }
static void fill_f64(void *ctx, size_t at) { ((double *)((filler *)ctx)->to)[at] = *(double *)(void *)((filler *)ctx)->value; }

static bool in_float(mote_dtype t) { return mote_class_of(t) == MOTE_CLASS_F32 || mote_dtype_bits(t) <= 16; }

static void *load(mote_arena *temp, const mote_array *a, bool single)
{
    size_t n = mote_array_count(a);
    if (single)
        return (void *)(uintptr_t)mote_widen_f32(temp, a);
    if (a->dtype == MOTE_DTYPE_F64)
        return a->data;
    double *p = mote_arena_calloc(temp, n, sizeof *p);
    for (size_t i = 0; p != NULL && i < n; i++)
        p[i] = mote_array_f64(a, i);
    return p;
}

static void store(mote_array *y, const void *from, bool single, bool nearest)
{
    const float *f = from;
    const double *d = from;
    size_t n = mote_array_count(y);
    if (y->dtype == MOTE_DTYPE_F32 || y->dtype == MOTE_DTYPE_F64) {
        memcpy(y->data, from, y->bytes);
        return;
    }
    if (mote_class_of(y->dtype) == MOTE_CLASS_F32) {
        mote_elements_store(y->dtype, y->data, 0, n, from);
        return;
    }
    const unsigned bits = mote_dtype_bits(y->dtype);
    const bool is_signed = mote_class_of(y->dtype) == MOTE_CLASS_S64;
    const double low = is_signed ? -ldexp(1, (int)bits - 1) : 0, high = y->dtype == MOTE_DTYPE_BOOL ? 2 : ldexp(1, (int)bits - is_signed);
    for (size_t i = 0; i < n; i++) {
        double v = single ? (double)f[i] : d[i];
        v = nearest ? rint(v) : trunc(v);
        if (!(v >= low))
            v = low;
        if (v >= high && mote_class_of(y->dtype) == MOTE_CLASS_U64 && bits == 64)
            ((uint64_t *)y->data)[i] = UINT64_MAX;
        else if (bits == 64 && !is_signed)
            ((uint64_t *)y->data)[i] = (uint64_t)v;
        else
            mote_dtype_from_i64(y->dtype, y->data, i, v >= high ? (bits == 64 ? INT64_MAX : (int64_t)(high - 1)) : (int64_t)v);
    }
}

static mote_status eval_interpolated(mote_eval *c, mote_arena *temp, const mote_resize *r)
{
    axis_table tables[MOTE_MAX_RANK] = {0};
    mote_array *ya = c->out[0];
    MOTE_REQUIRE(ya->dtype != MOTE_DTYPE_STRING && !mote_dtype_in(ya->dtype, MOTE_DT(C64) | MOTE_DT(C128)), c->diag, MOTE_E_UNSUPPORTED,
                 "elements of %s can only be resized by the nearest", mote_dtype_name(ya->dtype));
    const bool single = in_float(ya->dtype);
    const void *x = load(temp, c->in[0], single);
    int64_t dims[MOTE_MAX_RANK];
    memcpy(dims, r->in, sizeof dims);
    if (x == NULL)
        return MOTE_NO_MEMORY(c->diag, c->in[0]->bytes);
    for (int32_t d = r->rank - 1; d >= 0; d--) {
        if (!r->active[d])
            continue;
        size_t inner = mote_dims_count(dims + d + 1, r->rank - d - 1), outer = mote_dims_count(dims, d), n;
        MOTE_TRY(make_table(c, temp, r, d, &tables[d]));
        MOTE_REQUIRE(mote_size_mul(outer, (size_t)r->out[d], &n) && mote_size_mul(n, inner, &n), c->diag, MOTE_E_LIMIT,
                     "the interpolated tensor is too large");
        void *y = mote_temp(temp, n, single ? sizeof(float) : sizeof(double), c->diag);
        if (y == NULL)
            return MOTE_E_MEMORY;
        if (single)
            interpolate_f32(x, y, outer, (size_t)r->in[d], (size_t)r->out[d], inner, r->taps[d], &tables[d]);
        else
            interpolate_f64(x, y, outer, (size_t)r->in[d], (size_t)r->out[d], inner, r->taps[d], &tables[d]);
        x = y;
        dims[d] = r->out[d];
    }
    if (r->crop && x != c->in[0]->data) {
        filler f = {.to = (uint8_t *)(uintptr_t)x};
        memcpy(f.value, single ? (const void *)&r->outside : &(double){(double)r->outside}, single ? sizeof(float) : sizeof(double));
        find_outside(r, tables, single ? fill_f32 : fill_f64, &f);
    }
    store(ya, x, single, r->antialias);
    return MOTE_OK;
}

static mote_status eval_temp(mote_eval *c, mote_arena *temp)
{
    mote_resize r;
    const mote_array *x = c->in[0];
    mote_type t = {.dtype = x->dtype, .rank = x->rank};
    memcpy(t.dims, x->dims, sizeof t.dims);
    MOTE_TRY(mote_resize_of_inputs(c->node, &t, c->in, c->n_in, &r, c->diag));
    MOTE_TRY(mote_eval_out(c, 0, x->dtype, r.rank, r.out));
    if (mote_array_count(c->out[0]) == 0)
        return MOTE_OK;
    return r.mode == MOTE_RESIZE_NEAREST ? eval_nearest(c, temp, &r) : eval_interpolated(c, temp, &r);
}

mote_status mote_resize_eval(mote_eval *c) { return mote_eval_with_temp(c, eval_temp); }
