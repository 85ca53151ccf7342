/* pad.c - Pad: borders of a constant, reflected, repeated or wrapped; negative widths crop
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: ONNX Pad 2 to 25. A negative width crops; with reflect, edge and wrap the borders are then made of what is left. */
#include "base/platform.h"
#include "ops/args.h"
#include "ops/elements.h"
#include "ops/moves.h"
#include "ops/types.h"
#include "base/size.h"
#include <string.h>

mote_status mote_pad_read(const mote_node *node, int32_t rank, const mote_array *pads, const mote_array *axes, mote_pad_widths *w, mote_diag *diag)
{
    int64_t v[2 * MOTE_MAX_RANK], axis_values[MOTE_MAX_RANK];
    int32_t at[MOTE_MAX_RANK];
    size_t n, n_axes = (size_t)rank;
    for (int32_t d = 0; d < MOTE_MAX_RANK; d++) {
        w->begin[d] = w->end[d] = 0;
        axis_values[d] = d;
    }
    if (axes != NULL)
        MOTE_TRY(mote_arg_ints(axes, MOTE_MAX_RANK, "axes", diag, axis_values, &n_axes));
    MOTE_TRY(mote_arg_axes(axis_values, n_axes, rank, "axes", diag, at));
    if (node->def->since < 11) {
        const int64_t *a = mote_node_ints(node, "pads", &n);
        MOTE_REQUIRE(n <= 2 * MOTE_MAX_RANK, diag, MOTE_E_VALUE, "pads has %zu values, expected %zu", n, 2 * n_axes);
        if (n > 0)
            memcpy(v, a, n * sizeof *v);
    } else {
        MOTE_REQUIRE(pads->rank == 1 || (pads->rank == 2 && pads->dims[0] == 1), diag, MOTE_E_SHAPE,
                     "pads has rank %d, expected 1", pads->rank);
        n = mote_array_count(pads);
        MOTE_REQUIRE(n <= 2 * MOTE_MAX_RANK, diag, MOTE_E_VALUE, "pads has %zu values, expected %zu", n, 2 * n_axes);
        for (size_t k = 0; k < n; k++)
            v[k] = mote_array_i64(pads, k);
    }
    MOTE_REQUIRE(n == 2 * n_axes, diag, MOTE_E_VALUE, "pads has %zu values, expected %zu: two for each axis", n, 2 * n_axes);
    for (size_t k = 0; k < n; k++) /* no tensor is that large; sums of what passes cannot overflow */
        MOTE_REQUIRE(v[k] > -((int64_t)1 << 48) && v[k] < (int64_t)1 << 48, diag, MOTE_E_VALUE, "pads has %lld at position %zu", (long long)v[k], k);
    for (size_t k = 0; k < n_axes; k++) {
        w->begin[at[k]] = v[k];
        w->end[at[k]] = v[n_axes + k];
    }
    return MOTE_OK;
}

static mote_status infer_pad(mote_infer *c)
{
    const mote_type *x = c->in[0];
    mote_infer_out(c, 0, x->dtype, x->rank, NULL);
    bool attributes = c->node->def->since < 11;
    const mote_array *pads = mote_infer_value(c, 1), *axes = mote_infer_value(c, 3);
    if (x->rank < 0 || (!attributes && pads == NULL) || (mote_infer_has(c, 3) && axes == NULL))
        return MOTE_OK;
    mote_pad_widths w;
    int64_t dims[MOTE_MAX_RANK];
    MOTE_TRY(mote_pad_read(c->node, x->rank, pads, axes, &w, c->diag));
    for (int32_t d = 0; d < x->rank; d++) {
        int64_t sum;
        MOTE_REQUIRE(mote_i64_add(w.begin[d], w.end[d], &sum), c->diag, MOTE_E_VALUE, "pads of dimension %d overflow", d);
        dims[d] = x->dims[d];
        if (!mote_dim_known(dims[d])) {
            dims[d] = w.begin[d] == 0 && w.end[d] == 0 ? dims[d] : MOTE_DIM_UNKNOWN;
            continue;
        }
        MOTE_REQUIRE(mote_i64_add(dims[d], sum, &dims[d]) && dims[d] >= 0, c->diag, MOTE_E_SHAPE,
                     "pads %lld and %lld leave no size for dimension %d of %lld", (long long)w.begin[d], (long long)w.end[d], d,
                     (long long)x->dims[d]);
    }
    mote_infer_out(c, 0, x->dtype, x->rank, dims);
    return MOTE_OK;
}

int64_t mote_pad_source(mote_pad_mode mode, int64_t n, int64_t begin, int64_t end, int64_t o)
{
    if (mode == MOTE_PAD_CONSTANT) {
        int64_t i = o - begin;
        return i >= 0 && i < n ? i : -1;
    }
    int64_t cut = begin < 0 ? -begin : 0;
    int64_t left = n - cut + (end < 0 ? end : 0); /* > 0, checked */
    int64_t i = o - (begin > 0 ? begin : 0);
    if (mode == MOTE_PAD_EDGE) {
        i = i < 0 ? 0 : i >= left ? left - 1 : i;
    } else if (mode == MOTE_PAD_WRAP) {
        i %= left;
        i = i < 0 ? i + left : i;
    } else if (left == 1) {
        i = 0;
    } else {
        int64_t period = 2 * (left - 1);
        i %= period;
        i = i < 0 ? i + period : i;
        i = i < left ? i : period - i;
    }
    return i + cut;
}

mote_status mote_pad_mode_of(const mote_node *node, mote_pad_mode *mode, mote_diag *diag)
{
    mote_str s = mote_node_string(node, "mode", "constant");
    bool wrap = mote_str_is(s, "wrap");
    *mode = mote_str_is(s, "reflect") ? MOTE_PAD_REFLECT : mote_str_is(s, "edge") ? MOTE_PAD_EDGE : wrap ? MOTE_PAD_WRAP : MOTE_PAD_CONSTANT;
    MOTE_REQUIRE(*mode != MOTE_PAD_CONSTANT || mote_str_is(s, "constant"), diag, MOTE_E_VALUE,
                 "mode is '%.*s', expected constant, reflect, edge or wrap", MOTE_STR_ARG(s));
    MOTE_REQUIRE(!wrap || node->def->since >= 19, diag, MOTE_E_VALUE, "mode 'wrap' came with operator set 19");
    return MOTE_OK;
}

/* Fills y by rows of its last dimension; table: the source index of each output index, dimension after dimension. */
static void pad_fill(const mote_array *x, const mote_array *y, const int64_t *table, const uint8_t *from, uint8_t *to, size_t size,
                     const uint8_t *constant)
{
    int64_t at[MOTE_MAX_RANK] = {0}, xs[MOTE_MAX_RANK];
    const int64_t *index[MOTE_MAX_RANK];
    int32_t last = y->rank - 1;
    mote_strides_of(x->rank, x->dims, xs);
    for (int32_t d = 0; d <= last; d++) {
        index[d] = table;
        table += y->dims[d];
    }
    for (;;) {
        int64_t base = 0;
        for (int32_t d = 0; d < last && base >= 0; d++)
            base = index[d][at[d]] < 0 ? -1 : base + index[d][at[d]] * xs[d];
        for (int64_t o = 0; o < y->dims[last]; o++, to += size) {
            bool inside = base >= 0 && index[last][o] >= 0;
            memcpy(to, inside ? from + (size_t)(base + index[last][o]) * size : constant, size);
        }
        int32_t d = last - 1;
        for (; d >= 0 && ++at[d] == y->dims[d]; d--)
            at[d] = 0;
        if (d < 0)
            return;
    }
}

static mote_status eval_pad(mote_eval *c)
{
    const mote_array *x = c->in[0], *y = c->out[0];
    mote_pad_mode mode;
    mote_pad_widths w;
    uint8_t constant[16] = {0}; /* the largest element: complex128 or mote_string */
    bool attributes = c->node->def->since < 11;
    MOTE_TRY(mote_pad_mode_of(c->node, &mode, c->diag));
    MOTE_TRY(mote_pad_read(c->node, x->rank, attributes ? NULL : c->in[1], mote_eval_has(c, 3) ? c->in[3] : NULL, &w, c->diag));
    size_t total = 0, table_bytes = 0;
    for (int32_t d = 0; d < y->rank; d++) {
        int64_t left = x->dims[d] + (w.begin[d] < 0 ? w.begin[d] : 0) + (w.end[d] < 0 ? w.end[d] : 0);
        MOTE_REQUIRE(mode == MOTE_PAD_CONSTANT || left > 0 || y->dims[d] == 0, c->diag, MOTE_E_SHAPE,
                     "dimension %d has nothing left to make a border of", d);
        total += (size_t)y->dims[d];
    }
    mote_bytes from, to;
    MOTE_TRY(mote_bytes_in(c, x, &from));
    mote_status status = mote_bytes_out(c, 0, &to);
    if (status != MOTE_OK) {
        mote_bytes_free(c, &from);
        return status;
    }
    int64_t *table = NULL;
    if (!mote_size_mul(total + 1, sizeof *table, &table_bytes) || (table = mote_heap_alloc(c->heap, table_bytes)) == NULL) {
        status = MOTE_NO_MEMORY(c->diag, total);
        goto done;
    }
    if (attributes) {
        mote_dtype_from_f64(x->dtype, constant, 0, (double)mote_node_float(c->node, "value", 0));
    } else if (mote_eval_has(c, 2) && mote_array_count(c->in[2]) > 0) {
        mote_bytes value;
        status = mote_bytes_in(c, c->in[2], &value);
        if (status != MOTE_OK)
            goto done;
        memcpy(constant, value.p, value.size);
        mote_bytes_free(c, &value);
    }
    int64_t *t = table;
    for (int32_t d = 0; d < y->rank; d++)
        for (int64_t o = 0; o < y->dims[d]; o++)
            *t++ = mote_pad_source(mode, x->dims[d], w.begin[d], w.end[d], o);
    if (y->rank == 0)
        memcpy(to.p, from.p, from.size);
    else if (to.count > 0)
        pad_fill(x, y, table, from.p, to.p, from.size, constant);
done:
    mote_heap_free(c->heap, table, table_bytes);
    mote_bytes_free(c, &from);
    if (status == MOTE_OK)
        return mote_bytes_finish(c, 0, &to);
    mote_bytes_free(c, &to);
    return status;
}

MOTE_OP(onnx, Pad, 2, .in = "data:T", .out = "output:T", .types = MOTE_TYPES({"T", MOTE_T_FLOAT_7, 0}),
        .attrs = MOTE_ATTRS(MOTE_A_STRING("mode", "constant"), MOTE_A_REQUIRED(INTS, "pads"), MOTE_A_FLOAT("value", 0.0f)),
        .flags = MOTE_OP_QUANT_KEEP, .infer = infer_pad, .eval = eval_pad,
        .doc = MOTE_DOC("y = x with borders: constant, reflected, edge or wrapped"));
#define PAD_11(t)                                                                                                       \
    .in = "data:T pads:int64 constant_value?:T", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}),                             \
    .attrs = MOTE_ATTRS(MOTE_A_STRING("mode", "constant")), .flags = MOTE_OP_QUANT_KEEP, .infer = infer_pad,                      \
    .eval = eval_pad, .doc = MOTE_DOC("y = x with borders: constant, reflected, edge or wrapped")
MOTE_OP(onnx, Pad, 11, PAD_11(MOTE_T_NUM_7));
MOTE_OP(onnx, Pad, 13, PAD_11(MOTE_T_ALL_13));
#define PAD_18(t)                                                                                                       \
    .in = "data:T pads:int64 constant_value?:T axes?:Tind", .out = "output:T",                                          \
    .types = MOTE_TYPES({"T", t, 0}, {"Tind", MOTE_T_INDEX, 0}), .attrs = MOTE_ATTRS(MOTE_A_STRING("mode", "constant")),                    \
    .flags = MOTE_OP_QUANT_KEEP, .infer = infer_pad, .eval = eval_pad,                                                  \
    .doc = MOTE_DOC("y = x with borders: constant, reflected, edge or wrapped")
MOTE_OP(onnx, Pad, 18, PAD_18(MOTE_T_ALL_13));
MOTE_OP(onnx, Pad, 19, PAD_18(MOTE_T_ALL_13));
MOTE_OP(onnx, Pad, 21, PAD_18(MOTE_T_ALL_21));
MOTE_OP(onnx, Pad, 23, PAD_18(MOTE_T_ALL_23));
MOTE_OP(onnx, Pad, 24, PAD_18(MOTE_T_ALL_24));
MOTE_OP(onnx, Pad, 25, PAD_18(MOTE_T_ALL_25));

