/* rearrange.c - Compress, ReverseSequence, CenterCropPad: whole slices chosen, turned round, put in the middle
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ONNX Compress-11, ReverseSequence-10, CenterCropPad-18. */
#include "base/platform.h"
#include "ops/types.h"
#include "ops/wide.h"
#include <string.h>

/* ---- Compress ---- */

static mote_status infer_compress(mote_infer *c)
{
    const mote_type *x = c->in[0], *k = c->in[1];
    const mote_attr *axis = mote_node_attr(c->node, "axis");
    int64_t dims[MOTE_MAX_RANK] = {MOTE_DIM_UNKNOWN};
    int32_t d;
    MOTE_REQUIRE(k->rank < 0 || k->rank == 1, c->diag, MOTE_E_SHAPE, "condition has rank %d, expected 1", k->rank);
    if (axis == NULL) {
        mote_infer_out(c, 0, x->dtype, 1, dims);
        return MOTE_OK;
    }
    if (x->rank >= 0) {
        MOTE_TRY(mote_arg_axis(axis->i, x->rank, "axis", c->diag, &d));
        memcpy(dims, x->dims, sizeof dims);
        dims[d] = MOTE_DIM_UNKNOWN;
    }
    mote_infer_out(c, 0, x->dtype, x->rank, x->rank < 0 ? NULL : dims);
    return MOTE_OK;
}

static mote_status eval_compress(mote_eval *c)
{
    const mote_array *x = c->in[0];
    const mote_attr *attr = mote_node_attr(c->node, "axis");
    const uint8_t *keep = c->in[1]->data;
    size_t given = mote_array_count(c->in[1]), outer = 1, n = mote_array_count(x), inner = 1, kept = 0;
    int64_t dims[MOTE_MAX_RANK] = {0};
    int32_t axis = 0, rank = 1;
    if (attr != NULL) {
        MOTE_TRY(mote_arg_axis(attr->i, x->rank, "axis", c->diag, &axis));
        outer = mote_dims_count(x->dims, axis);
        n = (size_t)x->dims[axis];
        inner = mote_dims_count(x->dims + axis + 1, x->rank - axis - 1);
        rank = x->rank;
        memcpy(dims, x->dims, sizeof dims);
    }
    for (size_t i = 0; i < given; i++) {
        MOTE_REQUIRE(keep[i] == 0 || i < n, c->diag, MOTE_E_VALUE, "condition chooses element %zu of %zu", i, n);
        kept += keep[i] != 0;
    }
    given = given < n ? given : n;
    dims[axis] = (int64_t)kept;
    mote_bytes from, to;
    MOTE_TRY(c->output(c, 0, x->dtype, rank, dims));
    MOTE_TRY(mote_bytes_in(c, x, &from));
    mote_status status = mote_bytes_out(c, 0, &to);
    if (status != MOTE_OK) {
        mote_bytes_free(c, &from);
        return status;
    }
    const size_t piece = inner * from.size;
    uint8_t *at = to.p;
    for (size_t o = 0; o < outer && piece != 0; o++)
        for (size_t i = 0; i < given; i++)
            if (keep[i] != 0) {
                memcpy(at, from.p + (o * n + i) * piece, piece);
                at += piece;
            }
    mote_bytes_free(c, &from);
    return mote_bytes_finish(c, 0, &to);
}

#define COMPRESS(t)                                                                                                    \
    .in = "input:T condition:T1", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}, {"T1", MOTE_DT(BOOL), 0}),                  \
    .attrs = MOTE_ATTRS(MOTE_A(INT, "axis")), .flags = MOTE_OP_DATA_SHAPE, .infer = infer_compress, .eval = eval_compress,        \
    .doc = MOTE_DOC("the slices along an axis, or elements, where the condition is true")
MOTE_OP(onnx, Compress, 9, COMPRESS(MOTE_T_ALL_7));
MOTE_OP(onnx, Compress, 11, COMPRESS(MOTE_T_ALL_7));
MOTE_OP(onnx, Compress, 28, COMPRESS(MOTE_T_ALL_13));

/* ---- ReverseSequence ---- */

static mote_status reverse_axes(const mote_node *n, int32_t *batch, int32_t *time, mote_diag *diag)
{
    const int64_t b = mote_node_int(n, "batch_axis", 1), t = mote_node_int(n, "time_axis", 0);
    *batch = *time = 0;
    MOTE_REQUIRE((b == 0 && t == 1) || (b == 1 && t == 0), diag, MOTE_E_VALUE, "batch_axis is %lld and time_axis %lld, expected 0 and 1, or 1 and 0", (long long)b,
                 (long long)t);
    *batch = (int32_t)b;
    *time = (int32_t)t;
    return MOTE_OK;
}

static mote_status infer_reverse(mote_infer *c)
{
    const mote_type *x = c->in[0], *lens = c->in[1];
    int32_t batch, time;
    MOTE_TRY(reverse_axes(c->node, &batch, &time, c->diag));
    MOTE_REQUIRE(x->rank < 0 || x->rank >= 2, c->diag, MOTE_E_SHAPE, "input has rank %d, expected 2 or more", x->rank);
    MOTE_REQUIRE(lens->rank < 0 || (lens->rank == 1 && (x->rank < 0 || mote_dim_may_equal(lens->dims[0], x->dims[batch]))), c->diag, MOTE_E_SHAPE,
                 "sequence_lens is not one number for each item of the batch");
    return mote_infer_like(c);
}

static mote_status eval_reverse(mote_eval *c)
{
    const mote_array *x = c->in[0];
    int32_t batch, time;
    mote_bytes from, to;
    MOTE_TRY(reverse_axes(c->node, &batch, &time, c->diag));
    const size_t n = (size_t)x->dims[batch], steps = (size_t)x->dims[time], inner = mote_dims_count(x->dims + 2, x->rank - 2);
    MOTE_REQUIRE(mote_array_count(c->in[1]) == n, c->diag, MOTE_E_SHAPE, "sequence_lens has %zu values, the batch %zu items", mote_array_count(c->in[1]), n);
    for (size_t b = 0; b < n; b++) {
        const int64_t length = mote_array_i64(c->in[1], b);
        MOTE_REQUIRE(length >= 0 && (uint64_t)length <= steps, c->diag, MOTE_E_VALUE, "sequence_lens[%zu] is %lld, expected 0 to %zu", b, (long long)length, steps);
    }
    MOTE_TRY(mote_bytes_in(c, x, &from));
    mote_status status = mote_bytes_out(c, 0, &to);
    if (status != MOTE_OK) {
        mote_bytes_free(c, &from);
        return status;
    }
    const size_t piece = inner * from.size, b_step = batch == 0 ? steps * piece : piece, t_step = time == 0 ? n * piece : piece;
    for (size_t b = 0; b < n && piece != 0; b++) {
        const size_t length = (size_t)mote_array_i64(c->in[1], b);
        for (size_t t = 0; t < steps; t++)
            memcpy(to.p + b * b_step + t * t_step, from.p + b * b_step + (t < length ? length - 1 - t : t) * t_step, piece);
    }
    mote_bytes_free(c, &from);
    return mote_bytes_finish(c, 0, &to);
}

#define REVERSE(t)                                                                                                     \
    .in = "input:T sequence_lens:int64", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}),                                          \
    .attrs = MOTE_ATTRS(MOTE_A_INT("batch_axis", 1), MOTE_A_INT("time_axis", 0)), .infer = infer_reverse, .eval = eval_reverse,   \
    .doc = MOTE_DOC("the first sequence_lens[b] steps of item b in reverse order")
MOTE_OP(onnx, ReverseSequence, 10, REVERSE(MOTE_T_ALL_7));
MOTE_OP(onnx, ReverseSequence, 28, REVERSE(MOTE_T_ALL_13));

/* ---- CenterCropPad ---- */

/* size[d]: the output's, -1 where it is not known. */
static mote_status center_sizes(const mote_node *n, int32_t rank, const int64_t *in, const mote_array *shape, int64_t *size, mote_diag *diag)
{
    size_t count;
    const int64_t *attr = mote_node_ints(n, "axes", &count);
    int32_t axes[MOTE_MAX_RANK];
    if (attr != NULL) {
        MOTE_TRY(mote_arg_axes(attr, count, rank, "axes", diag, axes));
    } else {
        count = (size_t)rank;
        for (int32_t d = 0; d < rank; d++)
            axes[d] = d;
    }
    memcpy(size, in, (size_t)rank * sizeof *size);
    MOTE_REQUIRE(shape == NULL || mote_array_count(shape) == count, diag, MOTE_E_SHAPE, "shape has %zu sizes for %zu axes", shape == NULL ? 0 : mote_array_count(shape), count);
    for (size_t k = 0; k < count; k++) {
        size[axes[k]] = shape == NULL ? MOTE_DIM_UNKNOWN : mote_array_i64(shape, k);
        MOTE_REQUIRE(shape == NULL || size[axes[k]] >= 0, diag, MOTE_E_VALUE, "shape has the size %lld", (long long)size[axes[k]]);
    }
    return MOTE_OK;
}

static mote_status infer_center(mote_infer *c)
{
    const mote_type *x = c->in[0];
    int64_t size[MOTE_MAX_RANK];
    if (x->rank < 0) {
        mote_infer_out(c, 0, x->dtype, -1, NULL);
        return MOTE_OK;
    }
    MOTE_TRY(center_sizes(c->node, x->rank, x->dims, mote_infer_value(c, 1), size, c->diag));
    mote_infer_out(c, 0, x->dtype, x->rank, size);
    return MOTE_OK;
}

static mote_status eval_center(mote_eval *c)
{
    const mote_array *x = c->in[0];
    int64_t size[MOTE_MAX_RANK], box[MOTE_MAX_RANK], from_strides[MOTE_MAX_RANK], to_strides[MOTE_MAX_RANK], from_at = 0, to_at = 0;
    mote_bytes from, to;
    MOTE_TRY(center_sizes(c->node, x->rank, x->dims, c->in[1], size, c->diag));
    MOTE_TRY(mote_eval_out(c, 0, x->dtype, x->rank, size));
    mote_strides_of(x->rank, x->dims, from_strides);
    mote_strides_of(x->rank, size, to_strides);
    bool some = true;
    for (int32_t d = 0; d < x->rank; d++) {
        const int64_t less = size[d] - x->dims[d];
        box[d] = less < 0 ? size[d] : x->dims[d];
        some = some && box[d] > 0;
        from_at += less < 0 ? -less / 2 * from_strides[d] : 0;
        to_at += less > 0 ? less / 2 * to_strides[d] : 0;
    }
    MOTE_TRY(mote_bytes_in(c, x, &from));
    mote_status status = mote_bytes_out(c, 0, &to);
    if (status != MOTE_OK) {
        mote_bytes_free(c, &from);
        return status;
    }
    if (to.count != 0)
        memset(to.p, 0, to.count * to.size);
    if (some)
        mote_copy_block(to.p + (size_t)to_at * to.size, to_strides, from.p + (size_t)from_at * from.size, from_strides, x->rank, box, from.size);
    mote_bytes_free(c, &from);
    return mote_bytes_finish(c, 0, &to);
}

MOTE_OP(onnx, CenterCropPad, 18, .in = "input_data:T shape:Tind", .out = "output_data:T", .types = MOTE_TYPES({"T", MOTE_T_ALL_13, 0}, {"Tind", MOTE_T_INDEX, 0}),
        .attrs = MOTE_ATTRS(MOTE_A(INTS, "axes")), .infer = infer_center, .eval = eval_center, .doc = MOTE_DOC("the middle of the input, or the input in the middle of zeros"));
