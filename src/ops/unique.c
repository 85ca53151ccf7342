/* unique.c - Unique
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: ONNX Unique-11. Elements are sorted by the bytes of their keys, strings and slices along an axis by a stable merge sort; slices compare by their elements in order. NaN is above everything and equal
 * to itself, strings compare by bytes, complex numbers by their real parts first. */
#include "base/platform.h"
#include "ops/select.h"
#include "ops/types.h"
#include "ops/wide.h"
#include <string.h>

static mote_status infer_unique(mote_infer *c)
{
    const mote_type *x = c->in[0];
    const mote_attr *axis = mote_node_attr(c->node, "axis");
    const int64_t unknown[1] = {MOTE_DIM_UNKNOWN};
    if (axis == NULL) {
        mote_infer_out(c, 0, x->dtype, 1, unknown);
    } else if (x->rank < 0) {
        mote_infer_out(c, 0, x->dtype, -1, NULL);
    } else {
        int64_t dims[MOTE_MAX_RANK];
        int32_t d;
        MOTE_TRY(mote_arg_axis(axis->i, x->rank, "axis", c->diag, &d));
        memcpy(dims, x->dims, sizeof dims);
        dims[d] = MOTE_DIM_UNKNOWN;
        mote_infer_out(c, 0, x->dtype, x->rank, dims);
    }
    for (uint32_t i = 1; i < c->n_out; i++)
        mote_infer_out(c, i, MOTE_DTYPE_S64, 1, unknown);
    return MOTE_OK;
}

typedef struct slices {
    const mote_string *text; /* of strings; else */
    const uint64_t *key;     /* `parts` keys an element, in the values' order */
    size_t parts, outer, n, inner;
} slices;

static int compare(const slices *s, size_t a, size_t b)
{
    for (size_t o = 0; o < s->outer; o++)
        for (size_t k = 0; k < s->inner; k++) {
            const size_t i = (o * s->n + a) * s->inner + k, j = (o * s->n + b) * s->inner + k;
            if (s->text != NULL) {
                const mote_string x = s->text[i], y = s->text[j];
                const size_t least = x.length < y.length ? x.length : y.length;
                const int c = least == 0 ? 0 : memcmp(x.data, y.data, least);
                if (c != 0 || x.length != y.length)
                    return c != 0 ? c : x.length < y.length ? -1 : 1;
                continue;
            }
            for (size_t p = 0; p < s->parts; p++) {
                const uint64_t x = s->key[i * s->parts + p], y = s->key[j * s->parts + p];
                if (x != y)
                    return x < y ? -1 : 1;
            }
        }
    return 0;
}

/* One key each: the lowest byte first, stable; a byte that is the same in all is left out. Returns at or other, whichever has the order. */
static size_t *sort_keys(const uint64_t *key, size_t n, size_t *at, size_t *other)
{
    for (unsigned bit = 0; bit < 64; bit += 8) {
        size_t start[256] = {0}, sum = 0;
        for (size_t i = 0; i < n; i++)
            start[key[i] >> bit & 255]++;
        if (start[key[0] >> bit & 255] == n)
            continue;
        for (size_t b = 0; b < 256; b++) {
            const size_t count = start[b];
            start[b] = sum;
            sum += count;
        }
        for (size_t i = 0; i < n; i++)
            other[start[key[at[i]] >> bit & 255]++] = at[i];
        size_t *swap = at;
        at = other;
        other = swap;
    }
    return at;
}

/* at: 0 .. n-1 in the order of the slices, equal ones as they stood. */
static void sort(const slices *s, size_t *at, size_t *other)
{
    for (size_t i = 0; i < s->n; i++)
        at[i] = i;
    size_t *from = at, *to = other;
    const bool single = s->text == NULL && s->parts == 1 && s->outer == 1 && s->inner == 1 && s->n != 0;
    if (single)
        from = sort_keys(s->key, s->n, at, other);
    for (size_t width = 1; width < s->n && !single; width *= 2) {
        for (size_t first = 0; first < s->n; first += 2 * width) {
            const size_t middle = first + width < s->n ? first + width : s->n, end = first + 2 * width < s->n ? first + 2 * width : s->n;
            for (size_t i = first, j = middle, k = first; k < end; k++)
                to[k] = i < middle && (j >= end || compare(s, from[i], from[j]) <= 0) ? from[i++] : from[j++];
        }
        size_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != at)
        memcpy(at, from, s->n * sizeof *at);
}

static mote_status make_keys(mote_eval *c, mote_arena *temp, const mote_array *x, slices *s)
{
    const size_t n = mote_array_count(x);
    if (x->dtype == MOTE_DTYPE_STRING) {
        s->text = x->data;
        return MOTE_OK;
    }
    const bool complex = mote_dtype_in(x->dtype, MOTE_DTYPES_COMPLEX);
    const mote_dtype t = x->dtype == MOTE_DTYPE_C64 ? MOTE_DTYPE_F32 : x->dtype == MOTE_DTYPE_C128 ? MOTE_DTYPE_F64 : x->dtype;
    s->parts = complex ? 2 : 1;
    uint64_t *key = mote_temp(temp, n * s->parts + 1, sizeof *key, c->diag);
    if (key == NULL)
        return MOTE_E_MEMORY;
    for (size_t i = 0; i < n * s->parts; i++)
        key[i] = mote_dtype_in(t, MOTE_DTYPES_FLOAT)  ? mote_key_f64(mote_dtype_to_f64(t, x->data, i))
                 : mote_dtype_in(t, MOTE_DTYPES_SINT) ? mote_key_s64(mote_dtype_to_i64(t, x->data, i))
                                                      : (uint64_t)mote_dtype_to_i64(t, x->data, i);
    s->key = key;
    return MOTE_OK;
}

static mote_status give_indices(mote_eval *c, uint32_t i, size_t n, const size_t *values)
{
    const int64_t dims[1] = {(int64_t)n};
    if (i >= c->n_out || c->out[i] == NULL)
        return MOTE_OK;
    MOTE_TRY(c->output(c, i, MOTE_DTYPE_S64, 1, dims));
    for (size_t k = 0; k < n; k++)
        ((int64_t *)c->out[i]->data)[k] = (int64_t)values[k];
    return MOTE_OK;
}

static mote_status give_slices(mote_eval *c, const mote_array *x, const slices *s, bool flat, int32_t axis, size_t n, const size_t *chosen)
{
    int64_t dims[MOTE_MAX_RANK] = {(int64_t)n};
    mote_bytes from, to;
    if (!flat) {
        memcpy(dims, x->dims, sizeof dims);
        dims[axis] = (int64_t)n;
    }
    MOTE_TRY(c->output(c, 0, x->dtype, flat ? 1 : x->rank, dims));
    MOTE_TRY(mote_bytes_in(c, x, &from));
    mote_status status = mote_bytes_out(c, 0, &to);
    if (status != MOTE_OK) {
        mote_bytes_free(c, &from);
        return status;
    }
    const size_t piece = s->inner * from.size;
    for (size_t o = 0; o < s->outer && piece != 0; o++)
        for (size_t k = 0; k < n; k++)
            memcpy(to.p + (o * n + k) * piece, from.p + (o * s->n + chosen[k]) * piece, piece);
    mote_bytes_free(c, &from);
    return mote_bytes_finish(c, 0, &to);
}

static mote_status eval_unique_temp(mote_eval *c, mote_arena *temp)
{
    const mote_array *x = c->in[0];
    const mote_attr *attr = mote_node_attr(c->node, "axis");
    slices s = {.outer = 1, .n = mote_array_count(x), .inner = 1};
    int32_t axis = 0;
    if (attr != NULL) {
        MOTE_TRY(mote_arg_axis(attr->i, x->rank, "axis", c->diag, &axis));
        s.outer = mote_dims_count(x->dims, axis);
        s.n = (size_t)x->dims[axis];
        s.inner = mote_dims_count(x->dims + axis + 1, x->rank - axis - 1);
    }
    MOTE_TRY(make_keys(c, temp, x, &s));
    size_t *at = mote_temp(temp, s.n + 1, sizeof *at, c->diag), *other = mote_temp(temp, s.n + 1, sizeof *other, c->diag);
    size_t *group = mote_temp(temp, s.n + 1, sizeof *group, c->diag), *rank = mote_temp(temp, s.n + 1, sizeof *rank, c->diag);
    size_t *counts = mote_temp(temp, s.n + 1, sizeof *counts, c->diag);
    if (at == NULL || other == NULL || group == NULL || rank == NULL || counts == NULL)
        return MOTE_E_MEMORY;
    sort(&s, at, other);
    size_t n = 0; /* groups in the order of their values; other[g]: the first slice of it */
    for (size_t i = 0; i < s.n; i++) {
        if (i == 0 || compare(&s, at[i - 1], at[i]) != 0)
            other[n++] = at[i];
        group[at[i]] = n - 1;
    }
    for (size_t g = 0; g < n; g++)
        rank[g] = g;
    if (mote_node_int(c->node, "sorted", 1) == 0) { /* in the order of the first slices */
        size_t next = 0;
        for (size_t i = 0; i < s.n; i++)
            if (other[group[i]] == i)
                rank[group[i]] = next++;
    }
    for (size_t g = 0; g < n; g++)
        at[rank[g]] = other[g];
    for (size_t i = 0; i < s.n; i++) {
        group[i] = rank[group[i]];
        counts[group[i]]++;
    }
    if (c->out[0] != NULL)
        MOTE_TRY(give_slices(c, x, &s, attr == NULL, axis, n, at));
    MOTE_TRY(give_indices(c, 1, n, at));
    MOTE_TRY(give_indices(c, 2, s.n, group));
    return give_indices(c, 3, n, counts);
}
MOTE_EVAL_TEMP(eval_unique)

#define UNIQUE(t)                                                                                                      \
    .in = "X:T", .out = "Y:T indices?:int64 inverse_indices?:int64 counts?:int64", .types = MOTE_TYPES({"T", t, 0}),              \
    .attrs = MOTE_ATTRS(MOTE_A(INT, "axis"), MOTE_A_INT("sorted", 1)), .flags = MOTE_OP_DATA_SHAPE, .infer = infer_unique,        \
    .eval = eval_unique, .doc = MOTE_DOC("the different elements or slices, where each was first, which each is, how often")
MOTE_OP(onnx, Unique, 11, UNIQUE(MOTE_T_ALL_7));
MOTE_OP(onnx, Unique, 28, UNIQUE(MOTE_T_ALL_13));
