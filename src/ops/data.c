/* data.c - operators that join, cut and permute: Concat, Split, Slice, Transpose
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

/* ---- Concat ---- */

static mote_status infer_concat(mote_infer *c)
{
    int64_t dims[MOTE_MAX_RANK], total = 0;
    int32_t rank = -1, axis = 0;
    bool known = true;
    mote_dtype dtype = c->in[0]->dtype;
    for (uint32_t i = 0; i < c->n_in; i++) {
        const mote_type *x = c->in[i];
        if (x->rank < 0) {
            known = false;
            continue;
        }
        if (rank < 0) {
            rank = x->rank;
            MOTE_REQUIRE(rank > 0, c->diag, MOTE_E_SHAPE, "input %u is a scalar, expected rank 1 or more", i);
            MOTE_TRY(mote_arg_axis(mote_node_int(c->node, "axis", 1), rank, "axis", c->diag, &axis));
            memcpy(dims, x->dims, sizeof dims);
        }
        MOTE_REQUIRE(x->rank == rank, c->diag, MOTE_E_SHAPE, "input %u has rank %d, expected %d as the others", i, x->rank, rank);
        for (int32_t d = 0; d < rank; d++) {
            if (d == axis)
                continue;
            MOTE_REQUIRE(mote_dim_may_equal(dims[d], x->dims[d]), c->diag, MOTE_E_SHAPE,
                         "input %u has size %lld in dimension %d, expected %lld as the others", i, (long long)x->dims[d], d,
                         (long long)dims[d]);
            if (!mote_dim_known(dims[d]))
                dims[d] = x->dims[d];
        }
        if (!mote_dim_known(x->dims[axis]))
            known = false;
        else
            MOTE_REQUIRE(mote_i64_add(total, x->dims[axis], &total), c->diag, MOTE_E_SHAPE, "the joined dimension overflows");
    }
    if (rank >= 0)
        dims[axis] = known ? total : c->n_in == 1 ? dims[axis] : MOTE_DIM_UNKNOWN;
    mote_infer_out(c, 0, dtype, rank, rank < 0 ? NULL : dims);
    return MOTE_OK;
}

static mote_status eval_concat(mote_eval *c)
{
    const mote_array *y = c->out[0];
    int32_t axis;
    mote_bytes to;
    MOTE_TRY(mote_arg_axis(mote_node_int(c->node, "axis", 1), y->rank, "axis", c->diag, &axis));
    MOTE_TRY(mote_bytes_out(c, 0, &to));
    size_t outer = 1, inner = to.size, at = 0;
    for (int32_t d = 0; d < axis; d++)
        outer *= (size_t)y->dims[d];
    for (int32_t d = axis + 1; d < y->rank; d++)
        inner *= (size_t)y->dims[d];
    size_t row = (size_t)y->dims[axis] * inner;
    mote_status status = MOTE_OK;
    for (uint32_t i = 0; i < c->n_in && status == MOTE_OK; i++) {
        mote_bytes from;
        status = mote_bytes_in(c, c->in[i], &from);
        if (status != MOTE_OK)
            break;
        size_t piece = (size_t)c->in[i]->dims[axis] * inner;
        for (size_t o = 0; o < outer && piece > 0; o++)
            memcpy(to.p + o * row + at, from.p + o * piece, piece);
        at += piece;
        mote_bytes_free(c, &from);
    }
    if (status == MOTE_OK)
        return mote_bytes_finish(c, 0, &to);
    mote_bytes_free(c, &to);
    return status;
}

/* ---- Split ---- */

mote_status mote_split_sizes(const mote_node *node, uint32_t n, int64_t dim, const mote_array *split, bool split_given, int64_t *sizes, bool *known,
                             mote_diag *diag)
{
    const int64_t *attr = NULL;
    size_t count = 0;
    *known = true;
    if (node->def->since < 13)
        attr = mote_node_ints(node, "split", &count);
    else if (split != NULL)
        count = mote_array_count(split);
    if (attr != NULL || split != NULL) {
        int64_t sum = 0;
        MOTE_REQUIRE(count == n, diag, MOTE_E_VALUE, "split has %zu sizes for %u outputs", count, n);
        for (uint32_t i = 0; i < n; i++) {
            sizes[i] = attr != NULL ? attr[i] : mote_array_i64(split, i);
            MOTE_REQUIRE(sizes[i] >= 0, diag, MOTE_E_VALUE, "split has size %lld at position %u, expected 0 or more",
                         (long long)sizes[i], i);
            MOTE_REQUIRE(mote_i64_add(sum, sizes[i], &sum), diag, MOTE_E_VALUE, "the sum of split overflows");
        }
        MOTE_REQUIRE(!mote_dim_known(dim) || sum == dim, diag, MOTE_E_SHAPE, "split sums to %lld, but the dimension is %lld",
                     (long long)sum, (long long)dim);
        return MOTE_OK;
    }
    int64_t parts = n;
    if (node->def->since >= 18 && !split_given) {
        parts = mote_node_int(node, "num_outputs", 0);
        MOTE_REQUIRE(parts == n, diag, MOTE_E_VALUE, "num_outputs is %lld for %u outputs, and there is no split",
                     (long long)parts, n);
    }
    *known = mote_dim_known(dim) && !split_given;
    if (!*known)
        return MOTE_OK;
    bool uneven = node->def->since >= 18;
    MOTE_REQUIRE(uneven || dim % parts == 0, diag, MOTE_E_SHAPE, "size %lld does not divide into %u equal outputs", (long long)dim,
                 n);
    int64_t part = dim / parts + (dim % parts != 0), rest = dim;
    for (uint32_t i = 0; i < n; i++) {
        sizes[i] = part < rest ? part : rest;
        rest -= sizes[i];
    }
    return MOTE_OK;
}

static mote_status infer_split(mote_infer *c)
{
    const mote_type *x = c->in[0];
    for (uint32_t i = 0; i < c->n_out; i++)
        mote_infer_out(c, i, x->dtype, x->rank, NULL);
    if (x->rank < 0)
        return MOTE_OK;
    int32_t axis;
    bool known;
    int64_t few[16], *sizes = few, dims[MOTE_MAX_RANK];
    MOTE_TRY(mote_arg_axis(mote_node_int(c->node, "axis", 0), x->rank, "axis", c->diag, &axis));
    size_t bytes = c->n_out * sizeof *sizes;
    if (c->n_out > sizeof few / sizeof *few && (sizes = mote_heap_alloc(c->module->heap, bytes)) == NULL)
        return MOTE_NO_MEMORY(c->diag, bytes);
    mote_status status = mote_split_sizes(c->node, c->n_out, x->dims[axis], mote_infer_value(c, 1), mote_infer_has(c, 1), sizes, &known,
                                     c->diag);
    memcpy(dims, x->dims, sizeof dims);
    for (uint32_t i = 0; i < c->n_out && status == MOTE_OK; i++) {
        dims[axis] = known ? sizes[i] : MOTE_DIM_UNKNOWN;
        mote_infer_out(c, i, x->dtype, x->rank, dims);
    }
    if (sizes != few)
        mote_heap_free(c->module->heap, sizes, bytes);
    return status;
}

/* The outputs' shapes say where to cut; an output that is not wanted has no array, but the sizes are needed for what follows it. */
static mote_status eval_split(mote_eval *c)
{
    const mote_array *x = c->in[0];
    int32_t axis;
    bool known;
    mote_bytes from;
    MOTE_TRY(mote_arg_axis(mote_node_int(c->node, "axis", 0), x->rank, "axis", c->diag, &axis));
    size_t bytes = c->n_out * sizeof(int64_t);
    int64_t *sizes = mote_heap_alloc(c->heap, bytes);
    if (sizes == NULL)
        return MOTE_NO_MEMORY(c->diag, bytes);
    mote_status status = mote_split_sizes(c->node, c->n_out, x->dims[axis], mote_eval_has(c, 1) ? c->in[1] : NULL, mote_eval_has(c, 1),
                                     sizes, &known, c->diag);
    if (status == MOTE_OK)
        status = mote_bytes_in(c, x, &from);
    if (status != MOTE_OK) {
        mote_heap_free(c->heap, sizes, bytes);
        return status;
    }
    size_t outer = 1, inner = from.size, at = 0;
    for (int32_t d = 0; d < axis; d++)
        outer *= (size_t)x->dims[d];
    for (int32_t d = axis + 1; d < x->rank; d++)
        inner *= (size_t)x->dims[d];
    size_t row = (size_t)x->dims[axis] * inner;
    for (uint32_t i = 0; i < c->n_out && status == MOTE_OK; i++) {
        size_t piece = (size_t)sizes[i] * inner;
        if (c->out[i] != NULL) {
            mote_bytes to;
            status = mote_bytes_out(c, i, &to);
            for (size_t o = 0; o < outer && piece > 0 && status == MOTE_OK; o++)
                memcpy(to.p + o * piece, from.p + o * row + at, piece);
            if (status == MOTE_OK)
                status = mote_bytes_finish(c, i, &to);
        }
        at += piece;
    }
    mote_bytes_free(c, &from);
    mote_heap_free(c->heap, sizes, bytes);
    return status;
}

/* ---- Slice ---- */

typedef struct slice_args {
    size_t n; /* of axes */
    int64_t starts[MOTE_MAX_RANK], ends[MOTE_MAX_RANK], steps[MOTE_MAX_RANK];
    int32_t axes[MOTE_MAX_RANK];
    bool axes_known, known; /* all the others */
} slice_args;

static mote_status slice_list(const mote_node *node, const char *name, const mote_array *input, int64_t *out, size_t *n,
                              mote_diag *diag)
{
    if (input != NULL)
        return mote_arg_ints(input, MOTE_MAX_RANK, name, diag, out, n);
    const int64_t *a = mote_node_ints(node, name, n);
    MOTE_REQUIRE(*n <= MOTE_MAX_RANK, diag, MOTE_E_VALUE, "%s has %zu values, expected at most %d", name, *n, MOTE_MAX_RANK);
    if (*n > 0)
        memcpy(out, a, *n * sizeof *out);
    return MOTE_OK;
}

/* starts, ends, axes, steps: the inputs' values where given and known; given[]: which stand in the node. */
static mote_status slice_read(const mote_node *node, int32_t rank, const mote_array *const *value, const bool *given, slice_args *s,
                              mote_diag *diag)
{
    bool attributes = node->def->since < 10;
    size_t n_ends, n_axes, n_steps = 0;
    int64_t axes[MOTE_MAX_RANK];
    s->known = attributes || (value[0] != NULL && value[1] != NULL && (!given[3] || value[3] != NULL));
    s->axes_known = attributes || !given[2] || value[2] != NULL;
    if (!s->axes_known || (!s->known && !given[2]))
        return MOTE_OK;
    MOTE_TRY(slice_list(node, "axes", value[2], axes, &n_axes, diag));
    s->n = n_axes;
    if (s->known) {
        MOTE_TRY(slice_list(node, "starts", value[0], s->starts, &s->n, diag));
        MOTE_TRY(slice_list(node, "ends", value[1], s->ends, &n_ends, diag));
        MOTE_REQUIRE(n_ends == s->n, diag, MOTE_E_VALUE, "starts has %zu values and ends %zu, expected equally many", s->n, n_ends);
        if (value[3] != NULL)
            MOTE_TRY(mote_arg_ints(value[3], MOTE_MAX_RANK, "steps", diag, s->steps, &n_steps));
        for (size_t k = n_steps; !given[3] && k < s->n; k++)
            s->steps[k] = 1;
        MOTE_REQUIRE(!given[3] || n_steps == s->n, diag, MOTE_E_VALUE, "steps has %zu values and starts %zu, expected equally many",
                     n_steps, s->n);
    }
    bool have_axes = attributes ? mote_node_attr(node, "axes") != NULL : given[2];
    MOTE_REQUIRE(!have_axes || n_axes == s->n, diag, MOTE_E_VALUE, "axes has %zu values and starts %zu, expected equally many",
                 n_axes, s->n);
    for (size_t k = 0; !have_axes && k < s->n; k++)
        axes[k] = (int64_t)k;
    MOTE_TRY(mote_arg_axes(axes, s->n, rank, "axes", diag, s->axes));
    for (size_t k = 0; s->known && k < s->n; k++)
        MOTE_REQUIRE(s->steps[k] != 0, diag, MOTE_E_VALUE, "step %zu is 0", k);
    return MOTE_OK;
}

/* Clamps as Slice-13 says; gives the first index and the number of elements. */
static void slice_range(int64_t dim, int64_t start, int64_t end, int64_t step, int64_t *first, int64_t *n)
{
    start = start < 0 ? start + dim : start;
    end = end < 0 ? end + dim : end;
    int64_t top = step > 0 ? dim : dim - 1, bottom = step > 0 ? 0 : -1;
    if (dim == 0)
        top = bottom = start = end = 0; /* backwards, the last index would be -1 */
    start = start < 0 ? 0 : start > top ? top : start;
    end = end < bottom ? bottom : end > top ? top : end;
    uint64_t span = step > 0 ? (uint64_t)(end - start) : (uint64_t)(start - end);
    uint64_t by = step > 0 ? (uint64_t)step : 0 - (uint64_t)step;
    *first = start;
    *n = (step > 0 ? end > start : start > end) ? (int64_t)((span - 1) / by + 1) : 0;
}

static mote_status infer_slice(mote_infer *c)
{
    const mote_type *x = c->in[0];
    mote_infer_out(c, 0, x->dtype, x->rank, NULL);
    if (x->rank < 0)
        return MOTE_OK;
    const mote_array *value[4];
    bool given[4];
    slice_args s = {0};
    int64_t dims[MOTE_MAX_RANK], first;
    for (uint32_t k = 0; k < 4; k++) {
        given[k] = mote_infer_has(c, k + 1);
        value[k] = mote_infer_value(c, k + 1);
    }
    MOTE_TRY(slice_read(c->node, x->rank, value, given, &s, c->diag));
    if (!s.axes_known || (!s.known && !given[2]))
        return MOTE_OK;
    memcpy(dims, x->dims, sizeof dims);
    for (size_t k = 0; k < s.n; k++) {
        int64_t dim = x->dims[s.axes[k]], *to = &dims[s.axes[k]];
        if (!s.known)
            *to = MOTE_DIM_UNKNOWN;
        else if (mote_dim_known(dim))
            slice_range(dim, s.starts[k], s.ends[k], s.steps[k], &first, to);
        else if (!(s.starts[k] == 0 && s.steps[k] == 1 && s.ends[k] >= INT32_MAX)) /* the whole of an open dimension stays it */
            *to = MOTE_DIM_UNKNOWN;
    }
    mote_infer_out(c, 0, x->dtype, x->rank, dims);
    return MOTE_OK;
}

mote_status mote_slice_box_of(const mote_node *node, const mote_array *const *in, uint32_t n_in, mote_slice_box *box, mote_diag *diag)
{
    const mote_array *x = in[0], *value[4];
    bool given[4];
    slice_args s = {0};
    for (uint32_t k = 0; k < 4; k++) {
        given[k] = k + 1 < n_in && in[k + 1] != NULL;
        value[k] = given[k] ? in[k + 1] : NULL;
    }
    MOTE_TRY(slice_read(node, x->rank, value, given, &s, diag));
    memcpy(box->dims, x->dims, sizeof box->dims);
    mote_strides_of(x->rank, x->dims, box->strides);
    box->offset = 0;
    for (size_t k = 0; k < s.n; k++) {
        int64_t first, *n = &box->dims[s.axes[k]], *stride = &box->strides[s.axes[k]];
        slice_range(*n, s.starts[k], s.ends[k], s.steps[k], &first, n);
        if (*n == 0)
            continue;
        box->offset += first * *stride;
        *stride = *n == 1 ? 0 : *stride * s.steps[k]; /* |step| < size where there are two elements or more */
    }
    return MOTE_OK;
}

static mote_status eval_slice(mote_eval *c)
{
    const mote_array *x = c->in[0];
    mote_slice_box box;
    int64_t ys[MOTE_MAX_RANK];
    MOTE_TRY(mote_slice_box_of(c->node, c->in, c->n_in, &box, c->diag));
    MOTE_TRY(mote_eval_out(c, 0, x->dtype, x->rank, box.dims));
    mote_bytes from, to;
    MOTE_TRY(mote_bytes_in(c, x, &from)); /* no sub-byte types here: nothing is allocated */
    MOTE_TRY(mote_bytes_out(c, 0, &to));
    mote_strides_of(x->rank, box.dims, ys);
    if (to.count > 0)
        mote_copy_block(to.p, ys, from.p + box.offset * (int64_t)from.size, box.strides, x->rank, box.dims, from.size);
    return mote_bytes_finish(c, 0, &to);
}

/* ---- Transpose ---- */

mote_status mote_transpose_perm(const mote_node *node, int32_t rank, int32_t *perm, mote_diag *diag)
{
    size_t n;
    const int64_t *p = mote_node_ints(node, "perm", &n);
    if (p == NULL && mote_node_attr(node, "perm") == NULL) {
        for (int32_t d = 0; d < rank; d++)
            perm[d] = rank - 1 - d;
        return MOTE_OK;
    }
    MOTE_REQUIRE(n == (size_t)rank, diag, MOTE_E_VALUE, "perm has %zu entries, expected the input's rank %d", n, rank);
    return mote_arg_axes(p, n, rank, "perm", diag, perm);
}

static mote_status infer_transpose(mote_infer *c)
{
    const mote_type *x = c->in[0];
    int32_t perm[MOTE_MAX_RANK];
    int64_t dims[MOTE_MAX_RANK];
    mote_infer_out(c, 0, x->dtype, x->rank, NULL);
    if (x->rank < 0)
        return MOTE_OK;
    MOTE_TRY(mote_transpose_perm(c->node, x->rank, perm, c->diag));
    for (int32_t d = 0; d < x->rank; d++)
        dims[d] = x->dims[perm[d]];
    mote_infer_out(c, 0, x->dtype, x->rank, dims);
    return MOTE_OK;
}

static mote_status eval_transpose(mote_eval *c)
{
    const mote_array *x = c->in[0], *y = c->out[0];
    int32_t perm[MOTE_MAX_RANK];
    int64_t xs[MOTE_MAX_RANK], ys[MOTE_MAX_RANK], ss[MOTE_MAX_RANK];
    mote_bytes from, to;
    MOTE_TRY(mote_transpose_perm(c->node, x->rank, perm, c->diag));
    mote_strides_of(x->rank, x->dims, xs);
    mote_strides_of(y->rank, y->dims, ys);
    for (int32_t d = 0; d < x->rank; d++)
        ss[d] = xs[perm[d]];
    MOTE_TRY(mote_bytes_in(c, x, &from));
    mote_status status = mote_bytes_out(c, 0, &to);
    if (status == MOTE_OK) {
        if (to.count > 0)
            mote_copy_block(to.p, ys, from.p, ss, y->rank, y->dims, from.size);
        status = mote_bytes_finish(c, 0, &to);
    }
    mote_bytes_free(c, &from);
    return status;
}

#define CONCAT_4(t)                                                                                                     \
    .in = "inputs*:T", .out = "concat_result:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A_REQUIRED(INT, "axis")),       \
    .flags = MOTE_OP_QUANT_KEEP, .infer = infer_concat, .eval = eval_concat,                                            \
    .doc = MOTE_DOC("y = the inputs joined along axis")
MOTE_OP(onnx, Concat, 4, CONCAT_4(MOTE_T_ALL_7));
MOTE_OP(onnx, Concat, 11, CONCAT_4(MOTE_T_ALL_7));
MOTE_OP(onnx, Concat, 13, CONCAT_4(MOTE_T_ALL_13));

#define SPLIT_2                                                                                                         \
    .in = "input:T", .out = "outputs*:T", .types = MOTE_TYPES({"T", MOTE_T_ALL_7, 0}), .attrs = MOTE_ATTRS(MOTE_A_INT("axis", 0),           \
    MOTE_A(INTS, "split")), .flags = MOTE_OP_QUANT_KEEP, .infer = infer_split, .eval = eval_split,                      \
    .doc = MOTE_DOC("y_i = consecutive parts of x along axis")
MOTE_OP(onnx, Split, 2, SPLIT_2);
MOTE_OP(onnx, Split, 11, SPLIT_2);
MOTE_OP(onnx, Split, 13, .in = "input:T split?:int64", .out = "outputs*:T", .types = MOTE_TYPES({"T", MOTE_T_ALL_13, 0}),
        .attrs = MOTE_ATTRS(MOTE_A_INT("axis", 0)), .flags = MOTE_OP_QUANT_KEEP, .infer = infer_split, .eval = eval_split,
        .doc = MOTE_DOC("y_i = consecutive parts of x along axis"));
MOTE_OP(onnx, Split, 18, .in = "input:T split?:int64", .out = "outputs*:T", .types = MOTE_TYPES({"T", MOTE_T_ALL_13, 0}),
        .attrs = MOTE_ATTRS(MOTE_A_INT("axis", 0), MOTE_A(INT, "num_outputs")), .flags = MOTE_OP_QUANT_KEEP,
        .infer = infer_split, .eval = eval_split, .doc = MOTE_DOC("y_i = consecutive parts of x along axis"));

MOTE_OP(onnx, Slice, 1, .in = "data:T", .out = "output:T", .types = MOTE_TYPES({"T", MOTE_T_ALL_7, 0}),
        .attrs = MOTE_ATTRS(MOTE_A(INTS, "axes"), MOTE_A_REQUIRED(INTS, "ends"), MOTE_A_REQUIRED(INTS, "starts")),
        .flags = MOTE_OP_QUANT_KEEP, .infer = infer_slice, .eval = eval_slice,
        .doc = MOTE_DOC("y = x[starts:ends:steps] along axes"));
#define SLICE_10(t)                                                                                                     \
    .in = "data:T starts:Tind ends:Tind axes?:Tind steps?:Tind", .out = "output:T",                                     \
    .types = MOTE_TYPES({"T", t, 0}, {"Tind", MOTE_T_INDEX, 0}), .flags = MOTE_OP_QUANT_KEEP, .infer = infer_slice,               \
    .eval = eval_slice, .doc = MOTE_DOC("y = x[starts:ends:steps] along axes")
MOTE_OP(onnx, Slice, 10, SLICE_10(MOTE_T_ALL_7));
MOTE_OP(onnx, Slice, 11, SLICE_10(MOTE_T_ALL_7));
MOTE_OP(onnx, Slice, 13, SLICE_10(MOTE_T_ALL_13));

#define TRANSPOSE_1(t)                                                                                                  \
    .in = "data:T", .out = "transposed:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A(INTS, "perm")),                     \
    .flags = MOTE_OP_QUANT_KEEP, .infer = infer_transpose, .eval = eval_transpose, .doc = MOTE_DOC("y_(i_perm) = x_i")
MOTE_OP(onnx, Transpose, 1, TRANSPOSE_1(MOTE_T_ALL_7));
MOTE_OP(onnx, Transpose, 13, TRANSPOSE_1(MOTE_T_ALL_13));
MOTE_OP(onnx, Transpose, 21, TRANSPOSE_1(MOTE_T_ALL_21));
MOTE_OP(onnx, Transpose, 23, TRANSPOSE_1(MOTE_T_ALL_23));
MOTE_OP(onnx, Transpose, 24, TRANSPOSE_1(MOTE_T_ALL_24));
MOTE_OP(onnx, Transpose, 25, TRANSPOSE_1(MOTE_T_ALL_25));

