/* shape.c - operators about shapes: Shape, Size, Reshape, Flatten, Squeeze, Unsqueeze, Expand, Tile, Identity
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: ONNX operators of the same names. */
#include "base/platform.h"
#include "ops/args.h"
#include "ops/elements.h"
#include "ops/moves.h"
#include "ops/types.h"
#include "base/size.h"
#include <string.h>

static mote_status eval_identity(mote_eval *c)
{
    const mote_array *x = c->in[0];
    if (x->kind == MOTE_KIND_TENSOR)
        return mote_eval_view(c);
    size_t n = mote_array_count(x);
    const mote_array *elements = x->data;
    const mote_array **items = mote_heap_calloc(c->heap, n + 1, sizeof *items);
    if (items == NULL)
        return MOTE_NO_MEMORY(c->diag, (n + 1) * sizeof *items);
    for (size_t i = 0; i < n; i++)
        items[i] = &elements[i];
    mote_status status = c->output_items(c, 0, x->kind, x->dtype, n, items);
    mote_heap_free(c->heap, items, (n + 1) * sizeof *items);
    return status;
}

/* ---- Shape, Size ---- */

/* Clamped, as Shape-15 says. */
void mote_shape_range(const mote_node *node, int32_t rank, int32_t *start, int32_t *end)
{
    int64_t s = mote_node_int(node, "start", 0), e = mote_node_int(node, "end", rank);
    s = s < 0 ? s + rank : s;
    e = e < 0 ? e + rank : e;
    *start = (int32_t)(s < 0 ? 0 : s > rank ? rank : s);
    *end = (int32_t)(e < 0 ? 0 : e > rank ? rank : e);
    if (*end < *start)
        *end = *start;
}

static mote_status infer_shape(mote_infer *c)
{
    int64_t n = MOTE_DIM_UNKNOWN;
    if (mote_infer_ranked(c, 0)) {
        int32_t start, end;
        mote_shape_range(c->node, c->in[0]->rank, &start, &end);
        n = end - start;
    }
    mote_infer_out(c, 0, MOTE_DTYPE_S64, 1, &n);
    return MOTE_OK;
}

static mote_status eval_shape(mote_eval *c)
{
    int32_t start, end;
    mote_shape_range(c->node, c->in[0]->rank, &start, &end);
    int64_t *y = c->out[0]->data;
    for (int32_t d = start; d < end; d++)
        y[d - start] = c->in[0]->dims[d];
    return MOTE_OK;
}

static mote_status infer_size(mote_infer *c)
{
    mote_infer_out(c, 0, MOTE_DTYPE_S64, 0, NULL);
    return MOTE_OK;
}

static mote_status eval_size(mote_eval *c)
{
    int64_t n = 1;
    for (int32_t d = 0; d < c->in[0]->rank; d++)
        n *= c->in[0]->dims[d];
    *(int64_t *)c->out[0]->data = n;
    return MOTE_OK;
}

/* ---- Reshape ---- */

/* The dimension that -1 stands for: what remains of x after the other dimensions of y; dims[k] may be unknown. keep[k]: copied from x. */
static mote_status reshape_rest(mote_infer *c, const mote_type *x, int32_t rank, const int64_t *dims, const bool *keep, int64_t *rest)
{
    int64_t in = 1, out = 1, open = MOTE_DIM_UNKNOWN;
    int unknown = 0;
    bool exact = true;
    for (int32_t d = 0; d < x->rank; d++) {
        if (d < rank && keep[d])
            continue;
        if (mote_dim_known(x->dims[d])) {
            exact = exact && mote_i64_mul(in, x->dims[d], &in);
        } else {
            unknown++;
            open = x->dims[d];
        }
    }
    for (int32_t d = 0; d < rank; d++)
        if (dims[d] >= 0 && !keep[d])
            exact = exact && mote_i64_mul(out, dims[d], &out);
    MOTE_REQUIRE(exact, c->diag, MOTE_E_SHAPE, "the product of dimensions overflows");
    *rest = MOTE_DIM_UNKNOWN;
    if (unknown == 1 && in == out)
        *rest = open;
    if (unknown > 0)
        return MOTE_OK;
    MOTE_REQUIRE(out != 0 && in % out == 0, c->diag, MOTE_E_SHAPE,
                 "shape leaves no size for -1: %lld elements over %lld", (long long)in, (long long)out);
    *rest = in / out;
    return MOTE_OK;
}

static mote_status infer_reshape(mote_infer *c)
{
    const mote_type *x = c->in[0];
    const mote_array *shape = mote_infer_value(c, 1);
    bool allow_zero = mote_node_int(c->node, "allowzero", 0) != 0;
    bool none = mote_infer_ranked(c, 1) && c->in[1]->rank == 1 && c->in[1]->dims[0] == 0; /* a shape without numbers is a scalar's: no value to wait for */
    if (shape == NULL && !none) {
        int32_t rank = mote_infer_ranked(c, 1) && c->in[1]->rank == 1 && mote_dim_known(c->in[1]->dims[0]) &&
                               c->in[1]->dims[0] <= MOTE_MAX_RANK
                           ? (int32_t)c->in[1]->dims[0]
                           : -1;
        mote_infer_out(c, 0, x->dtype, rank, NULL);
        return MOTE_OK;
    }
    int64_t dims[MOTE_MAX_RANK];
    bool keep[MOTE_MAX_RANK] = {false}, zero = false;
    size_t n = 0;
    if (!none) {
        MOTE_TRY(mote_arg_rank((int64_t)mote_array_count(shape), c->diag));
        MOTE_TRY(mote_arg_ints(shape, MOTE_MAX_RANK, "shape", c->diag, dims, &n));
    }
    int32_t rank = (int32_t)n, wild = -1;
    for (int32_t d = 0; d < rank; d++) {
        if (dims[d] == -1) {
            MOTE_REQUIRE(wild < 0, c->diag, MOTE_E_VALUE, "shape has -1 at positions %d and %d, expected at most one", wild, d);
            wild = d;
            continue;
        }
        MOTE_REQUIRE(dims[d] >= 0, c->diag, MOTE_E_VALUE, "shape has %lld at position %d, expected -1 or more", (long long)dims[d],
                     d);
        if (dims[d] != 0)
            continue;
        zero = true;
        if (allow_zero)
            continue;
        MOTE_REQUIRE(x->rank < 0 || d < x->rank, c->diag, MOTE_E_VALUE,
                     "shape has 0 (keep) at position %d, but the input has rank %d", d, x->rank);
        keep[d] = true;
        dims[d] = x->rank < 0 ? MOTE_DIM_UNKNOWN : x->dims[d];
    }
    MOTE_REQUIRE(!(allow_zero && zero && wild >= 0), c->diag, MOTE_E_VALUE, "shape has both 0 and -1 while allowzero is set");
    if (x->rank < 0) {
        if (wild >= 0)
            dims[wild] = MOTE_DIM_UNKNOWN;
        mote_infer_out(c, 0, x->dtype, rank, dims);
        return MOTE_OK;
    }
    if (wild >= 0) {
        int64_t rest;
        keep[wild] = false;
        MOTE_TRY(reshape_rest(c, x, rank, dims, keep, &rest));
        dims[wild] = rest;
    } else {
        int64_t in = 1, out = 1;
        bool known = true, exact = true;
        for (int32_t d = 0; d < x->rank; d++) {
            known = known && mote_dim_known(x->dims[d]);
            exact = exact && (!known || mote_i64_mul(in, x->dims[d], &in));
        }
        for (int32_t d = 0; d < rank; d++) {
            known = known && mote_dim_known(dims[d]);
            exact = exact && (!known || mote_i64_mul(out, dims[d], &out));
        }
        MOTE_REQUIRE(!known || (exact && in == out), c->diag, MOTE_E_SHAPE, "shape has %lld elements, the input has %lld",
                     (long long)out, (long long)in);
    }
    mote_infer_out(c, 0, x->dtype, rank, dims);
    return MOTE_OK;
}

/* ---- Flatten ---- */

/* The product of dimensions; a single open one among ones stays what it is. */
static mote_status product(mote_infer *c, const int64_t *dims, int32_t n, int64_t *out)
{
    int64_t known = 1, open = 0;
    int unknown = 0;
    *out = MOTE_DIM_UNKNOWN;
    for (int32_t d = 0; d < n; d++)
        if (mote_dim_known(dims[d]))
            MOTE_REQUIRE(mote_i64_mul(known, dims[d], &known), c->diag, MOTE_E_SHAPE, "the product of dimensions overflows");
        else {
            open = dims[d];
            unknown++;
        }
    if (unknown == 0)
        *out = known;
    else if (unknown == 1 && known == 1)
        *out = open;
    return MOTE_OK;
}

static mote_status infer_flatten(mote_infer *c)
{
    const mote_type *x = c->in[0];
    int64_t axis = mote_node_int(c->node, "axis", 1), dims[2];
    if (x->rank < 0) {
        mote_infer_out(c, 0, x->dtype, 2, NULL);
        return MOTE_OK;
    }
    MOTE_REQUIRE(axis >= -x->rank && axis <= x->rank, c->diag, MOTE_E_VALUE, "axis is %lld, expected %d to %d", (long long)axis,
                 -x->rank, x->rank);
    int32_t at = (int32_t)(axis < 0 ? axis + x->rank : axis);
    MOTE_TRY(product(c, x->dims, at, &dims[0]));
    MOTE_TRY(product(c, x->dims + at, x->rank - at, &dims[1]));
    mote_infer_out(c, 0, x->dtype, 2, dims);
    return MOTE_OK;
}

/* ---- Squeeze, Unsqueeze ---- */

/* The axes from the attribute or from input 1. *known false: an input whose value is not known yet; *given false: neither is there. */
static mote_status shape_axes(mote_infer *c, int64_t *axes, size_t *n, bool *given, bool *known)
{
    *n = 0;
    *known = true;
    if (c->node->def->since < 13) {
        const int64_t *a = mote_node_ints(c->node, "axes", n);
        *given = mote_node_attr(c->node, "axes") != NULL;
        MOTE_REQUIRE(*n <= MOTE_MAX_RANK, c->diag, MOTE_E_VALUE, "axes names %zu axes, expected at most %d", *n, MOTE_MAX_RANK);
        if (*n > 0)
            memcpy(axes, a, *n * sizeof *axes);
        return MOTE_OK;
    }
    *given = mote_infer_has(c, 1);
    if (!*given)
        return MOTE_OK;
    const mote_array *a = mote_infer_value(c, 1);
    *known = a != NULL;
    return a == NULL ? MOTE_OK : mote_arg_ints(a, MOTE_MAX_RANK, "axes", c->diag, axes, n);
}

static mote_status infer_squeeze(mote_infer *c)
{
    const mote_type *x = c->in[0];
    int64_t axes[MOTE_MAX_RANK], dims[MOTE_MAX_RANK];
    int32_t at[MOTE_MAX_RANK], rank = 0;
    bool drop[MOTE_MAX_RANK] = {false}, given, known;
    size_t n;
    mote_infer_out(c, 0, x->dtype, -1, NULL);
    MOTE_TRY(shape_axes(c, axes, &n, &given, &known));
    if (x->rank < 0 || !known)
        return MOTE_OK;
    if (given && n > 0) {
        MOTE_TRY(mote_arg_axes(axes, n, x->rank, "axes", c->diag, at));
        for (size_t k = 0; k < n; k++) {
            MOTE_REQUIRE(mote_dim_may_equal(x->dims[at[k]], 1), c->diag, MOTE_E_SHAPE,
                         "axis %d has size %lld, expected 1 to squeeze it", at[k], (long long)x->dims[at[k]]);
            drop[at[k]] = true;
        }
    } else if (!given) {
        for (int32_t d = 0; d < x->rank; d++) {
            if (!mote_dim_known(x->dims[d]))
                return MOTE_OK;
            drop[d] = x->dims[d] == 1;
        }
    }
    for (int32_t d = 0; d < x->rank; d++)
        if (!drop[d])
            dims[rank++] = x->dims[d];
    mote_infer_out(c, 0, x->dtype, rank, dims);
    return MOTE_OK;
}

static mote_status infer_unsqueeze(mote_infer *c)
{
    const mote_type *x = c->in[0];
    int64_t axes[MOTE_MAX_RANK], dims[MOTE_MAX_RANK];
    int32_t at[MOTE_MAX_RANK];
    bool fresh[MOTE_MAX_RANK] = {false}, given, known;
    size_t n;
    mote_infer_out(c, 0, x->dtype, -1, NULL);
    MOTE_TRY(shape_axes(c, axes, &n, &given, &known));
    if (x->rank < 0)
        return MOTE_OK;
    if (!known) {
        if (mote_infer_ranked(c, 1) && c->in[1]->rank == 1 && mote_dim_known(c->in[1]->dims[0]) &&
            c->in[1]->dims[0] <= MOTE_MAX_RANK - x->rank)
            mote_infer_out(c, 0, x->dtype, x->rank + (int32_t)c->in[1]->dims[0], NULL);
        return MOTE_OK;
    }
    int32_t rank = x->rank + (int32_t)n;
    MOTE_TRY(mote_arg_rank(rank, c->diag));
    MOTE_TRY(mote_arg_axes(axes, n, rank, "axes", c->diag, at));
    for (size_t k = 0; k < n; k++)
        fresh[at[k]] = true;
    for (int32_t d = 0, from = 0; d < rank; d++)
        dims[d] = fresh[d] ? 1 : x->dims[from++];
    mote_infer_out(c, 0, x->dtype, rank, dims);
    return MOTE_OK;
}

/* ---- Expand, Tile ---- */

static mote_status infer_expand(mote_infer *c)
{
    const mote_type *x = c->in[0];
    const mote_array *shape = mote_infer_value(c, 1);
    if (shape == NULL || x->rank < 0) {
        int32_t rank = -1;
        if (x->rank >= 0 && mote_infer_ranked(c, 1) && c->in[1]->rank == 1 && mote_dim_known(c->in[1]->dims[0]) &&
            c->in[1]->dims[0] <= MOTE_MAX_RANK)
            rank = c->in[1]->dims[0] > x->rank ? (int32_t)c->in[1]->dims[0] : x->rank;
        mote_infer_out(c, 0, x->dtype, rank, NULL);
        return MOTE_OK;
    }
    MOTE_TRY(mote_arg_rank((int64_t)mote_array_count(shape), c->diag));
    mote_type t = {.kind = MOTE_KIND_TENSOR};
    size_t n;
    MOTE_TRY(mote_arg_ints(shape, MOTE_MAX_RANK, "shape", c->diag, t.dims, &n));
    t.rank = (int32_t)n;
    for (int32_t d = 0; d < t.rank; d++)
        MOTE_REQUIRE(t.dims[d] >= 0, c->diag, MOTE_E_VALUE, "shape has %lld at position %d, expected 0 or more",
                     (long long)t.dims[d], d);
    int64_t dims[MOTE_MAX_RANK];
    int32_t rank = x->rank;
    memcpy(dims, x->dims, sizeof dims);
    MOTE_TRY(mote_dims_broadcast(&rank, dims, &t, c->diag));
    mote_infer_out(c, 0, x->dtype, rank, dims);
    return MOTE_OK;
}

static mote_status eval_expand(mote_eval *c)
{
    const mote_array *y = c->out[0];
    mote_broadcast bc;
    mote_bytes x, z;
    int64_t strides[MOTE_MAX_RANK];
    MOTE_TRY(mote_broadcast_init(&bc, y, c->in, 1, c->diag));
    MOTE_TRY(mote_bytes_in(c, c->in[0], &x)); /* no sub-byte types here: nothing is allocated */
    MOTE_TRY(mote_bytes_out(c, 0, &z));
    mote_strides_of(bc.rank, bc.dims, strides);
    if (bc.count > 0)
        mote_copy_block(z.p, strides, x.p, bc.strides[0], bc.rank, bc.dims, x.size);
    return mote_bytes_finish(c, 0, &z);
}

static mote_status infer_tile(mote_infer *c)
{
    const mote_type *x = c->in[0];
    const mote_array *repeats = mote_infer_value(c, 1);
    mote_infer_out(c, 0, x->dtype, x->rank, NULL);
    if (repeats == NULL || x->rank < 0)
        return MOTE_OK;
    int64_t times[MOTE_MAX_RANK], dims[MOTE_MAX_RANK];
    size_t n;
    MOTE_TRY(mote_arg_ints(repeats, MOTE_MAX_RANK, "repeats", c->diag, times, &n));
    MOTE_REQUIRE(n == (size_t)x->rank, c->diag, MOTE_E_SHAPE, "repeats has %zu elements, expected the input's rank %d", n, x->rank);
    for (int32_t d = 0; d < x->rank; d++) {
        MOTE_REQUIRE(times[d] >= 0, c->diag, MOTE_E_VALUE, "repeats has %lld at position %d, expected 0 or more",
                     (long long)times[d], d);
        dims[d] = times[d] == 1 ? x->dims[d] : MOTE_DIM_UNKNOWN;
        if (mote_dim_known(x->dims[d]))
            MOTE_REQUIRE(mote_i64_mul(x->dims[d], times[d], &dims[d]), c->diag, MOTE_E_SHAPE,
                         "dimension %d of the output overflows", d);
    }
    mote_infer_out(c, 0, x->dtype, x->rank, dims);
    return MOTE_OK;
}

static mote_status eval_tile(mote_eval *c)
{
    const mote_array *x = c->in[0], *y = c->out[0];
    mote_bytes from, to;
    int64_t xs[MOTE_MAX_RANK], ys[MOTE_MAX_RANK];
    int64_t dims[MOTE_COPY_MAX_RANK], ss[MOTE_COPY_MAX_RANK], ds[MOTE_COPY_MAX_RANK];
    MOTE_REQUIRE(mote_array_count(c->in[1]) == (size_t)x->rank, c->diag, MOTE_E_SHAPE, "repeats has %zu elements, expected the input's rank %d",
                 mote_array_count(c->in[1]), x->rank);
    MOTE_TRY(mote_bytes_in(c, x, &from)); /* no sub-byte types here: nothing is allocated */
    MOTE_TRY(mote_bytes_out(c, 0, &to));
    if (to.count > 0) {
        mote_strides_of(x->rank, x->dims, xs);
        mote_strides_of(y->rank, y->dims, ys);
        for (int32_t d = 0; d < x->rank; d++) {
            dims[2 * d] = y->dims[d] / x->dims[d];
            ds[2 * d] = ys[d] * x->dims[d];
            ss[2 * d] = 0;
            dims[2 * d + 1] = x->dims[d];
            ds[2 * d + 1] = ys[d];
            ss[2 * d + 1] = xs[d];
        }
        mote_copy_block(to.p, ds, from.p, ss, 2 * x->rank, dims, from.size);
    }
    return mote_bytes_finish(c, 0, &to);
}

#define IDENTITY_1(t)                                                                                                   \
    .in = "input:T", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_VIEW | MOTE_OP_QUANT_KEEP,             \
    .infer = mote_infer_like, .eval = eval_identity, .doc = MOTE_DOC("y = x")
MOTE_OP(onnx, Identity, 1, IDENTITY_1(MOTE_T_ALL_7));
MOTE_OP(onnx, Identity, 13, IDENTITY_1(MOTE_T_ALL_13));
MOTE_OP(onnx, Identity, 14, .in = "input:V", .out = "output:V", .types = MOTE_TYPES({"V", MOTE_T_ALL_13, MOTE_T_TENSOR | MOTE_T_SEQUENCE}),
        .flags = MOTE_OP_VIEW | MOTE_OP_QUANT_KEEP, .infer = mote_infer_like, .eval = eval_identity, .doc = MOTE_DOC("y = x"));
#define IDENTITY_16(t)                                                                                                  \
    .in = "input:V", .out = "output:V", .types = MOTE_TYPES({"V", t, MOTE_T_TENSOR | MOTE_T_SEQUENCE | MOTE_T_OPTIONAL}), .flags = MOTE_OP_VIEW | MOTE_OP_QUANT_KEEP,             \
    .infer = mote_infer_like, .eval = eval_identity, .doc = MOTE_DOC("y = x")
MOTE_OP(onnx, Identity, 16, IDENTITY_16(MOTE_T_ALL_13));
MOTE_OP(onnx, Identity, 19, IDENTITY_16(MOTE_T_ALL_19));
MOTE_OP(onnx, Identity, 21, IDENTITY_16(MOTE_T_ALL_21));
MOTE_OP(onnx, Identity, 23, IDENTITY_16(MOTE_T_ALL_23));
MOTE_OP(onnx, Identity, 24, IDENTITY_16(MOTE_T_ALL_24));
MOTE_OP(onnx, Identity, 25, IDENTITY_16(MOTE_T_ALL_25));

#define SHAPE_1(t)                                                                                                      \
    .in = "data:T", .out = "shape:T1", .types = MOTE_TYPES({"T", t, 0}, {"T1", MOTE_DT(S64), 0}), .flags = MOTE_OP_SHAPE_ONLY,    \
    .infer = infer_shape, .eval = eval_shape, .doc = MOTE_DOC("y = the dimensions of x from start to end")
MOTE_OP(onnx, Shape, 1, SHAPE_1(MOTE_T_ALL_7));
MOTE_OP(onnx, Shape, 13, SHAPE_1(MOTE_T_ALL_13));
#define SHAPE_15(t)                                                                                                     \
    .in = "data:T", .out = "shape:T1", .types = MOTE_TYPES({"T", t, 0}, {"T1", MOTE_DT(S64), 0}),                                 \
    .attrs = MOTE_ATTRS(MOTE_A(INT, "end"), MOTE_A_INT("start", 0)), .flags = MOTE_OP_SHAPE_ONLY,                                 \
    .infer = infer_shape, .eval = eval_shape, .doc = MOTE_DOC("y = the dimensions of x from start to end")
MOTE_OP(onnx, Shape, 15, SHAPE_15(MOTE_T_ALL_13));
MOTE_OP(onnx, Shape, 19, SHAPE_15(MOTE_T_ALL_19));
MOTE_OP(onnx, Shape, 21, SHAPE_15(MOTE_T_ALL_21));
MOTE_OP(onnx, Shape, 23, SHAPE_15(MOTE_T_ALL_23));
MOTE_OP(onnx, Shape, 24, SHAPE_15(MOTE_T_ALL_24));
MOTE_OP(onnx, Shape, 25, SHAPE_15(MOTE_T_ALL_25));

#define SIZE_1(t)                                                                                                       \
    .in = "data:T", .out = "size:T1", .types = MOTE_TYPES({"T", t, 0}, {"T1", MOTE_DT(S64), 0}), .flags = MOTE_OP_SHAPE_ONLY,     \
    .infer = infer_size, .eval = eval_size, .doc = MOTE_DOC("y = number of elements of x")
MOTE_OP(onnx, Size, 1, SIZE_1(MOTE_T_ALL_7));
MOTE_OP(onnx, Size, 13, SIZE_1(MOTE_T_ALL_13));
MOTE_OP(onnx, Size, 19, SIZE_1(MOTE_T_ALL_19));
MOTE_OP(onnx, Size, 21, SIZE_1(MOTE_T_ALL_21));
MOTE_OP(onnx, Size, 23, SIZE_1(MOTE_T_ALL_23));
MOTE_OP(onnx, Size, 24, SIZE_1(MOTE_T_ALL_24));
MOTE_OP(onnx, Size, 25, SIZE_1(MOTE_T_ALL_25));

#define RESHAPE_5(t)                                                                                                    \
    .in = "data:T shape:int64", .out = "reshaped:T", .types = MOTE_TYPES({"T", t, 0}),                                            \
    .flags = MOTE_OP_VIEW | MOTE_OP_QUANT_KEEP, .infer = infer_reshape, .eval = mote_eval_view,                         \
    .doc = MOTE_DOC("y = x with the given shape; 0 keeps a dimension, -1 is what remains")
MOTE_OP(onnx, Reshape, 5, RESHAPE_5(MOTE_T_ALL_7));
MOTE_OP(onnx, Reshape, 13, RESHAPE_5(MOTE_T_ALL_13));
#define RESHAPE_14(t)                                                                                                   \
    .in = "data:T shape:int64", .out = "reshaped:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A_INT("allowzero", 0)),     \
    .flags = MOTE_OP_VIEW | MOTE_OP_QUANT_KEEP, .infer = infer_reshape, .eval = mote_eval_view,                         \
    .doc = MOTE_DOC("y = x with the given shape; 0 keeps a dimension, -1 is what remains")
MOTE_OP(onnx, Reshape, 14, RESHAPE_14(MOTE_T_ALL_13));
MOTE_OP(onnx, Reshape, 19, RESHAPE_14(MOTE_T_ALL_19));
MOTE_OP(onnx, Reshape, 21, RESHAPE_14(MOTE_T_ALL_21));
MOTE_OP(onnx, Reshape, 23, RESHAPE_14(MOTE_T_ALL_23));
MOTE_OP(onnx, Reshape, 24, RESHAPE_14(MOTE_T_ALL_24));
MOTE_OP(onnx, Reshape, 25, RESHAPE_14(MOTE_T_ALL_25));

#define FLATTEN_1(t)                                                                                                    \
    .in = "input:T", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A_INT("axis", 1)),                       \
    .flags = MOTE_OP_VIEW | MOTE_OP_QUANT_KEEP, .infer = infer_flatten, .eval = mote_eval_view,                         \
    .doc = MOTE_DOC("y = x as a matrix, dimensions before axis in its rows")
MOTE_OP(onnx, Flatten, 1, FLATTEN_1(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Flatten, 9, FLATTEN_1(MOTE_T_ALL_7));
MOTE_OP(onnx, Flatten, 11, FLATTEN_1(MOTE_T_ALL_7));
MOTE_OP(onnx, Flatten, 13, FLATTEN_1(MOTE_T_ALL_13));
MOTE_OP(onnx, Flatten, 21, FLATTEN_1(MOTE_T_ALL_21));
MOTE_OP(onnx, Flatten, 23, FLATTEN_1(MOTE_T_ALL_23));
MOTE_OP(onnx, Flatten, 24, FLATTEN_1(MOTE_T_ALL_24));
MOTE_OP(onnx, Flatten, 25, FLATTEN_1(MOTE_T_ALL_25));

#define SQUEEZE_1                                                                                                       \
    .in = "data:T", .out = "squeezed:T", .types = MOTE_TYPES({"T", MOTE_T_ALL_7, 0}), .attrs = MOTE_ATTRS(MOTE_A(INTS, "axes")),            \
    .flags = MOTE_OP_VIEW | MOTE_OP_QUANT_KEEP, .infer = infer_squeeze, .eval = mote_eval_view,                         \
    .doc = MOTE_DOC("y = x without dimensions of size 1")
MOTE_OP(onnx, Squeeze, 1, SQUEEZE_1);
MOTE_OP(onnx, Squeeze, 11, SQUEEZE_1);
#define SQUEEZE_13(t)                                                                                                   \
    .in = "data:T axes?:int64", .out = "squeezed:T", .types = MOTE_TYPES({"T", t, 0}),                                            \
    .flags = MOTE_OP_VIEW | MOTE_OP_QUANT_KEEP, .infer = infer_squeeze, .eval = mote_eval_view,                         \
    .doc = MOTE_DOC("y = x without dimensions of size 1")
MOTE_OP(onnx, Squeeze, 13, SQUEEZE_13(MOTE_T_ALL_13));
MOTE_OP(onnx, Squeeze, 21, SQUEEZE_13(MOTE_T_ALL_21));
MOTE_OP(onnx, Squeeze, 23, SQUEEZE_13(MOTE_T_ALL_23));
MOTE_OP(onnx, Squeeze, 24, SQUEEZE_13(MOTE_T_ALL_24));
MOTE_OP(onnx, Squeeze, 25, SQUEEZE_13(MOTE_T_ALL_25));

#define UNSQUEEZE_1                                                                                                     \
    .in = "data:T", .out = "expanded:T", .types = MOTE_TYPES({"T", MOTE_T_ALL_7, 0}),                                             \
    .attrs = MOTE_ATTRS(MOTE_A_REQUIRED(INTS, "axes")), .flags = MOTE_OP_VIEW | MOTE_OP_QUANT_KEEP,                               \
    .infer = infer_unsqueeze, .eval = mote_eval_view, .doc = MOTE_DOC("y = x with dimensions of size 1 inserted")
MOTE_OP(onnx, Unsqueeze, 1, UNSQUEEZE_1);
MOTE_OP(onnx, Unsqueeze, 11, UNSQUEEZE_1);
#define UNSQUEEZE_13(t)                                                                                                 \
    .in = "data:T axes:int64", .out = "expanded:T", .types = MOTE_TYPES({"T", t, 0}),                                             \
    .flags = MOTE_OP_VIEW | MOTE_OP_QUANT_KEEP, .infer = infer_unsqueeze, .eval = mote_eval_view,                       \
    .doc = MOTE_DOC("y = x with dimensions of size 1 inserted")
MOTE_OP(onnx, Unsqueeze, 13, UNSQUEEZE_13(MOTE_T_ALL_13));
MOTE_OP(onnx, Unsqueeze, 21, UNSQUEEZE_13(MOTE_T_ALL_21));
MOTE_OP(onnx, Unsqueeze, 23, UNSQUEEZE_13(MOTE_T_ALL_23));
MOTE_OP(onnx, Unsqueeze, 24, UNSQUEEZE_13(MOTE_T_ALL_24));
MOTE_OP(onnx, Unsqueeze, 25, UNSQUEEZE_13(MOTE_T_ALL_25));

#define EXPAND_8(t)                                                                                                     \
    .in = "input:T shape:int64", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_QUANT_KEEP,                \
    .infer = infer_expand, .eval = eval_expand, .doc = MOTE_DOC("y = x broadcast to the given shape")
MOTE_OP(onnx, Expand, 8, EXPAND_8(MOTE_T_ALL_7));
MOTE_OP(onnx, Expand, 13, EXPAND_8(MOTE_T_ALL_13));

#define TILE_6(t)                                                                                                       \
    .in = "input:T repeats:T1", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}, {"T1", MOTE_DT(S64), 0}),                     \
    .flags = MOTE_OP_QUANT_KEEP, .infer = infer_tile, .eval = eval_tile,                                                \
    .doc = MOTE_DOC("y = x repeated along each dimension")
MOTE_OP(onnx, Tile, 6, TILE_6(MOTE_T_ALL_7));
MOTE_OP(onnx, Tile, 13, TILE_6(MOTE_T_ALL_13));

