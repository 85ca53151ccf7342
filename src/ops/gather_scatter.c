/* gather_scatter.c - reading and writing at indices: Gather, GatherElements, GatherND, Scatter, ScatterElements, ScatterND, TensorScatter
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: ONNX operators of the same names. A negative index counts from the end; one out of bounds is MOTE_E_VALUE. Where indices repeat, updates
 * are applied in the order of the indices. */
#include "base/platform.h"
#include "ops/args.h"
#include "ops/elements.h"
#include "ops/types.h"
#include <string.h>

/* indices[i] within 0 .. size-1 */
static mote_status index_at(mote_eval *c, const mote_array *indices, size_t i, int64_t size, int64_t *out)
{
    int64_t v = mote_array_i64(indices, i);
    MOTE_REQUIRE(v >= -size && v < size, c->diag, MOTE_E_VALUE, "index %lld at element %zu, expected %lld to %lld", (long long)v, i,
                 (long long)-size, (long long)size - 1);
    *out = v < 0 ? v + size : v;
    return MOTE_OK;
}

/* ---- Gather ---- */

static mote_status infer_gather(mote_infer *c)
{
    const mote_type *x = c->in[0], *indices = c->in[1];
    int64_t dims[MOTE_MAX_RANK];
    int32_t axis, rank = 0;
    mote_infer_out(c, 0, x->dtype, -1, NULL);
    if (x->rank < 0)
        return MOTE_OK;
    MOTE_REQUIRE(x->rank > 0, c->diag, MOTE_E_SHAPE, "data is a scalar, expected rank 1 or more");
    MOTE_TRY(mote_arg_axis(mote_node_int(c->node, "axis", 0), x->rank, "axis", c->diag, &axis));
    if (indices->rank < 0)
        return MOTE_OK;
    MOTE_TRY(mote_arg_rank(x->rank + indices->rank - 1, c->diag));
    for (int32_t d = 0; d < axis; d++)
        dims[rank++] = x->dims[d];
    for (int32_t d = 0; d < indices->rank; d++)
        dims[rank++] = indices->dims[d];
    for (int32_t d = axis + 1; d < x->rank; d++)
        dims[rank++] = x->dims[d];
    mote_infer_out(c, 0, x->dtype, rank, dims);
    return MOTE_OK;
}

static mote_status eval_gather(mote_eval *c)
{
    const mote_array *x = c->in[0], *indices = c->in[1];
    int32_t axis;
    mote_bytes from, to;
    MOTE_TRY(mote_arg_axis(mote_node_int(c->node, "axis", 0), x->rank, "axis", c->diag, &axis));
    MOTE_TRY(mote_bytes_in(c, x, &from)); /* no sub-byte types in this family but TensorScatter's: nothing is allocated */
    MOTE_TRY(mote_bytes_out(c, 0, &to));
    size_t n = mote_array_count(indices), outer = 1, inner = from.size, size = (size_t)x->dims[axis];
    for (int32_t d = 0; d < axis; d++)
        outer *= (size_t)x->dims[d];
    for (int32_t d = axis + 1; d < x->rank; d++)
        inner *= (size_t)x->dims[d];
    for (size_t i = 0; i < n; i++) {
        int64_t at;
        MOTE_TRY(index_at(c, indices, i, x->dims[axis], &at));
        for (size_t o = 0; o < outer && inner > 0; o++)
            memcpy(to.p + (o * n + i) * inner, from.p + (o * size + (size_t)at) * inner, inner);
    }
    return mote_bytes_finish(c, 0, &to);
}

/* ---- GatherElements, ScatterElements ---- */

/* indices fit data: equal rank, and no larger but along axis. */
static mote_status check_elements(mote_infer *c)
{
    const mote_type *x = c->in[0], *indices = c->in[1];
    int32_t axis;
    if (x->rank < 0)
        return MOTE_OK;
    MOTE_REQUIRE(x->rank > 0, c->diag, MOTE_E_SHAPE, "data is a scalar, expected rank 1 or more");
    MOTE_TRY(mote_arg_axis(mote_node_int(c->node, "axis", 0), x->rank, "axis", c->diag, &axis));
    if (indices->rank < 0)
        return MOTE_OK;
    MOTE_REQUIRE(indices->rank == x->rank, c->diag, MOTE_E_SHAPE, "indices has rank %d and data %d, expected equal ranks",
                 indices->rank, x->rank);
    for (int32_t d = 0; d < x->rank; d++)
        MOTE_REQUIRE(d == axis || !mote_dim_known(x->dims[d]) || indices->dims[d] <= x->dims[d], c->diag, MOTE_E_SHAPE,
                     "indices has size %lld in dimension %d, data has %lld", (long long)indices->dims[d], d,
                     (long long)x->dims[d]);
    return MOTE_OK;
}

static mote_status infer_gather_elements(mote_infer *c)
{
    MOTE_TRY(check_elements(c));
    mote_infer_out(c, 0, c->in[0]->dtype, c->in[1]->rank, c->in[1]->dims);
    return MOTE_OK;
}

/* Walks the elements of indices in order; gives the place in x that each names. */
typedef struct element_walk {
    const mote_array *x, *indices;
    int64_t strides[MOTE_MAX_RANK], at[MOTE_MAX_RANK], base; /* base: the place without the axis' coordinate */
    int32_t axis;
} element_walk;

static mote_status walk_init(mote_eval *c, element_walk *w)
{
    *w = (element_walk){.x = c->in[0], .indices = c->in[1]};
    mote_strides_of(w->x->rank, w->x->dims, w->strides);
    return mote_arg_axis(mote_node_int(c->node, "axis", 0), w->x->rank, "axis", c->diag, &w->axis);
}

static mote_status walk_place(mote_eval *c, const element_walk *w, size_t i, size_t *place)
{
    int64_t index;
    MOTE_TRY(index_at(c, w->indices, i, w->x->dims[w->axis], &index));
    *place = (size_t)(w->base + index * w->strides[w->axis]);
    return MOTE_OK;
}

static void walk_next(element_walk *w)
{
    for (int32_t d = w->x->rank - 1; d >= 0; d--) {
        int64_t stride = d == w->axis ? 0 : w->strides[d];
        w->base += stride;
        if (++w->at[d] < w->indices->dims[d])
            return;
        w->base -= stride * w->indices->dims[d];
        w->at[d] = 0;
    }
}

static mote_status eval_gather_elements(mote_eval *c)
{
    element_walk w;
    mote_bytes from, to;
    MOTE_TRY(walk_init(c, &w));
    MOTE_TRY(mote_bytes_in(c, c->in[0], &from));
    MOTE_TRY(mote_bytes_out(c, 0, &to));
    for (size_t i = 0; i < to.count; i++, walk_next(&w)) {
        size_t place;
        MOTE_TRY(walk_place(c, &w, i, &place));
        memcpy(to.p + i * to.size, from.p + place * from.size, from.size);
    }
    return mote_bytes_finish(c, 0, &to);
}

/* ---- reductions ---- */

typedef enum reduction { NONE, ADD, MUL, MAX, MIN } reduction;

static mote_status reduction_of(mote_eval *c, reduction *r)
{
    static const char *const names[] = {"none", "add", "mul", "max", "min"};
    mote_str s = mote_node_string(c->node, "reduction", "none");
    mote_dtype t = c->in[0]->dtype;
    for (int k = 0; k < 5; k++)
        if (mote_str_is(s, names[k])) {
            *r = (reduction)k;
            MOTE_REQUIRE(k < MAX || c->node->def->since >= 18, c->diag, MOTE_E_VALUE, "reduction '%s' came with operator set 18",
                         names[k]);
            MOTE_REQUIRE(k == NONE || !mote_dtype_in(t, MOTE_DTYPES_COMPLEX | MOTE_DT(STRING)), c->diag, MOTE_E_UNSUPPORTED,
                         "reduction '%s' of %s", names[k], mote_dtype_name(t));
            return MOTE_OK;
        }
    MOTE_FAIL(c->diag, MOTE_E_VALUE, "reduction is '%.*s', expected none, add, mul, max or min", MOTE_STR_ARG(s));
}

#define COMBINE(r, a, b) ((r) == ADD ? (a) + (b) : (r) == MUL ? (a) * (b) : (r) == MAX ? ((a) > (b) ? (a) : (b)) : ((a) < (b) ? (a) : (b)))

/* y[at] = y[at] (r) u[from], n elements */
static void combine(reduction r, mote_dtype t, uint8_t *y, size_t at, const uint8_t *u, size_t from, size_t n, size_t size)
{
    if (r == NONE) {
        memcpy(y + at * size, u + from * size, n * size);
        return;
    }
    for (size_t k = 0; k < n; k++) {
        union {
            float f32;
            double f64;
            int64_t s64;
            uint64_t u64;
        } a, b;
        mote_elements_load(t, y, at + k, 1, 1, &a);
        mote_elements_load(t, u, from + k, 1, 1, &b);
        switch (mote_class_of(t)) {
        case MOTE_CLASS_F32: a.f32 = b.f32 != b.f32 ? b.f32 : COMBINE(r, a.f32, b.f32); break;
        case MOTE_CLASS_F64: a.f64 = b.f64 != b.f64 ? b.f64 : COMBINE(r, a.f64, b.f64); break;
        case MOTE_CLASS_S64: a.u64 = r >= MAX ? (uint64_t)COMBINE(r, a.s64, b.s64) : COMBINE(r, a.u64, b.u64); break;
        case MOTE_CLASS_U64: a.u64 = COMBINE(r, a.u64, b.u64); break;
        }
        mote_elements_store(t, y, at + k, 1, &a);
    }
}

/* ---- ScatterElements ---- */

static mote_status infer_scatter(mote_infer *c)
{
    const mote_type *indices = c->in[1], *updates = c->in[2];
    MOTE_TRY(check_elements(c));
    if (indices->rank >= 0 && updates->rank >= 0) {
        MOTE_REQUIRE(indices->rank == updates->rank, c->diag, MOTE_E_SHAPE, "indices has rank %d and updates %d, expected equal shapes",
                     indices->rank, updates->rank);
        for (int32_t d = 0; d < indices->rank; d++)
            MOTE_REQUIRE(mote_dim_may_equal(indices->dims[d], updates->dims[d]), c->diag, MOTE_E_SHAPE,
                         "indices has size %lld in dimension %d and updates %lld, expected equal shapes",
                         (long long)indices->dims[d], d, (long long)updates->dims[d]);
    }
    return mote_infer_like(c);
}

static mote_status eval_scatter_elements(mote_eval *c)
{
    element_walk w;
    reduction r;
    mote_bytes from, to, updates;
    MOTE_TRY(reduction_of(c, &r));
    MOTE_TRY(walk_init(c, &w));
    MOTE_TRY(mote_bytes_in(c, c->in[0], &from));
    MOTE_TRY(mote_bytes_in(c, c->in[2], &updates));
    MOTE_TRY(mote_bytes_out(c, 0, &to));
    if (to.count > 0)
        memcpy(to.p, from.p, to.count * to.size);
    for (size_t i = 0, n = mote_array_count(c->in[1]); i < n; i++, walk_next(&w)) {
        size_t place;
        MOTE_TRY(walk_place(c, &w, i, &place));
        combine(r, c->in[0]->dtype, to.p, place, updates.p, i, 1, to.size);
    }
    return mote_bytes_finish(c, 0, &to);
}

/* ---- GatherND, ScatterND ---- */

static mote_status batch_dims_of(const mote_node *node, int64_t *batch, mote_diag *diag)
{
    *batch = mote_node_int(node, "batch_dims", 0);
    MOTE_REQUIRE(*batch >= 0 && *batch < MOTE_MAX_RANK, diag, MOTE_E_VALUE, "batch_dims is %lld, expected 0 or more", (long long)*batch);
    return MOTE_OK;
}

static mote_status infer_gather_nd(mote_infer *c)
{
    const mote_type *x = c->in[0], *indices = c->in[1];
    int64_t dims[MOTE_MAX_RANK], batch;
    mote_infer_out(c, 0, x->dtype, -1, NULL);
    MOTE_TRY(batch_dims_of(c->node, &batch, c->diag));
    if (x->rank < 0 || indices->rank < 0)
        return MOTE_OK;
    MOTE_REQUIRE(x->rank > batch && indices->rank > batch, c->diag, MOTE_E_SHAPE,
                 "data has rank %d and indices %d, expected both above batch_dims %lld", x->rank, indices->rank, (long long)batch);
    for (int32_t d = 0; d < batch; d++)
        MOTE_REQUIRE(mote_dim_may_equal(x->dims[d], indices->dims[d]), c->diag, MOTE_E_SHAPE,
                     "batch dimension %d is %lld in data and %lld in indices, expected equal ones", d, (long long)x->dims[d],
                     (long long)indices->dims[d]);
    int64_t tuple = indices->dims[indices->rank - 1];
    if (!mote_dim_known(tuple))
        return MOTE_OK;
    MOTE_REQUIRE(tuple >= 1 && tuple <= x->rank - batch, c->diag, MOTE_E_SHAPE, "indices has tuples of %lld, expected 1 to %lld",
                 (long long)tuple, (long long)(x->rank - batch));
    MOTE_TRY(mote_arg_rank(indices->rank - 1 + x->rank - tuple - batch, c->diag));
    int32_t rank = 0;
    for (int32_t d = 0; d < indices->rank - 1; d++)
        dims[rank++] = indices->dims[d];
    for (int32_t d = (int32_t)(batch + tuple); d < x->rank; d++)
        dims[rank++] = x->dims[d];
    mote_infer_out(c, 0, x->dtype, rank, dims);
    return MOTE_OK;
}

/* The place of the slice that tuple number i names: its first element, relative to the batch's. */
static mote_status tuple_place(mote_eval *c, const mote_array *indices, size_t i, size_t tuple, const int64_t *dims,
                               const int64_t *strides, size_t *place)
{
    int64_t sum = 0;
    for (size_t k = 0; k < tuple; k++) {
        int64_t index = 0;
        MOTE_TRY(index_at(c, indices, i * tuple + k, dims[k], &index));
        sum += index * strides[k];
    }
    *place = (size_t)sum;
    return MOTE_OK;
}

static mote_status eval_gather_nd(mote_eval *c)
{
    const mote_array *x = c->in[0], *indices = c->in[1];
    int64_t batch, strides[MOTE_MAX_RANK];
    mote_bytes from, to;
    MOTE_TRY(batch_dims_of(c->node, &batch, c->diag));
    MOTE_TRY(mote_bytes_in(c, x, &from));
    MOTE_TRY(mote_bytes_out(c, 0, &to));
    mote_strides_of(x->rank, x->dims, strides);
    size_t tuple = (size_t)indices->dims[indices->rank - 1], batches = 1, slice = 1, per_batch = 1;
    for (int32_t d = 0; d < batch; d++)
        batches *= (size_t)x->dims[d];
    for (int32_t d = (int32_t)batch; d < x->rank; d++)
        per_batch *= (size_t)x->dims[d];
    for (int32_t d = (int32_t)batch + (int32_t)tuple; d < x->rank; d++)
        slice *= (size_t)x->dims[d];
    size_t n = mote_array_count(indices) / tuple;
    for (size_t i = 0; i < n; i++) {
        size_t place;
        MOTE_TRY(tuple_place(c, indices, i, tuple, x->dims + batch, strides + batch, &place));
        place += i / (n / batches) * per_batch;
        if (slice > 0)
            memcpy(to.p + i * slice * to.size, from.p + place * to.size, slice * to.size);
    }
    return mote_bytes_finish(c, 0, &to);
}

static mote_status infer_scatter_nd(mote_infer *c)
{
    const mote_type *x = c->in[0], *indices = c->in[1], *updates = c->in[2];
    if (x->rank >= 0 && indices->rank >= 0) {
        MOTE_REQUIRE(x->rank > 0 && indices->rank > 0, c->diag, MOTE_E_SHAPE, "data has rank %d and indices %d, expected 1 or more",
                     x->rank, indices->rank);
        int64_t tuple = indices->dims[indices->rank - 1];
        MOTE_REQUIRE(!mote_dim_known(tuple) || (tuple >= 1 && tuple <= x->rank), c->diag, MOTE_E_SHAPE,
                     "indices has tuples of %lld, expected 1 to %d", (long long)tuple, x->rank);
        if (mote_dim_known(tuple) && updates->rank >= 0) {
            int32_t rank = indices->rank - 1 + x->rank - (int32_t)tuple;
            MOTE_REQUIRE(updates->rank == rank, c->diag, MOTE_E_SHAPE, "updates has rank %d, expected %d", updates->rank, rank);
            for (int32_t d = 0; d < rank; d++) {
                int64_t want = d < indices->rank - 1 ? indices->dims[d] : x->dims[d - (indices->rank - 1) + (int32_t)tuple];
                MOTE_REQUIRE(mote_dim_may_equal(updates->dims[d], want), c->diag, MOTE_E_SHAPE,
                             "updates has size %lld in dimension %d, expected %lld", (long long)updates->dims[d], d,
                             (long long)want);
            }
        }
    }
    return mote_infer_like(c);
}

static mote_status eval_scatter_nd(mote_eval *c)
{
    const mote_array *x = c->in[0], *indices = c->in[1];
    int64_t strides[MOTE_MAX_RANK];
    reduction r;
    mote_bytes from, to, updates;
    MOTE_TRY(reduction_of(c, &r));
    MOTE_TRY(mote_bytes_in(c, x, &from));
    MOTE_TRY(mote_bytes_in(c, c->in[2], &updates));
    MOTE_TRY(mote_bytes_out(c, 0, &to));
    mote_strides_of(x->rank, x->dims, strides);
    if (to.count > 0)
        memcpy(to.p, from.p, to.count * to.size);
    size_t tuple = (size_t)indices->dims[indices->rank - 1], slice = 1;
    for (int32_t d = (int32_t)tuple; d < x->rank; d++)
        slice *= (size_t)x->dims[d];
    for (size_t i = 0, n = mote_array_count(indices) / tuple; i < n; i++) {
        size_t place;
        MOTE_TRY(tuple_place(c, indices, i, tuple, x->dims, strides, &place));
        combine(r, x->dtype, to.p, place, updates.p, i * slice, slice, to.size);
    }
    return mote_bytes_finish(c, 0, &to);
}

/* ---- TensorScatter ---- */

static mote_status infer_tensor_scatter(mote_infer *c)
{
    const mote_type *x = c->in[0], *u = c->in[1];
    int32_t axis;
    if (x->rank < 0)
        return mote_infer_like(c);
    MOTE_TRY(mote_arg_axis(mote_node_int(c->node, "axis", -2), x->rank, "axis", c->diag, &axis));
    MOTE_REQUIRE(axis != 0, c->diag, MOTE_E_VALUE, "axis is the batch dimension, expected another one");
    if (u->rank >= 0) {
        MOTE_REQUIRE(u->rank == x->rank, c->diag, MOTE_E_SHAPE, "update has rank %d and past_cache %d, expected equal ranks", u->rank,
                     x->rank);
        for (int32_t d = 0; d < x->rank; d++)
            MOTE_REQUIRE(!mote_dim_known(x->dims[d]) || !mote_dim_known(u->dims[d]) ||
                             (d == axis ? u->dims[d] <= x->dims[d] : u->dims[d] == x->dims[d]),
                         c->diag, MOTE_E_SHAPE, "update has size %lld in dimension %d, past_cache has %lld", (long long)u->dims[d], d,
                         (long long)x->dims[d]);
    }
    if (mote_infer_ranked(c, 2))
        MOTE_REQUIRE(c->in[2]->rank == 1 && mote_dim_may_equal(c->in[2]->dims[0], x->dims[0]), c->diag, MOTE_E_SHAPE,
                     "write_indices is not one index for each of %lld samples", (long long)x->dims[0]);
    return mote_infer_like(c);
}

static mote_status tensor_scatter(mote_eval *c, int32_t axis, bool circular, const mote_bytes *from, const mote_bytes *u, mote_bytes *to)
{
    const mote_array *x = c->in[0], *update = c->in[1];
    if (to->count == 0 || u->count == 0) {
        if (to->count > 0)
            memcpy(to->p, from->p, to->count * to->size);
        return MOTE_OK;
    }
    size_t rows = 1, inner = to->size, longest = (size_t)x->dims[axis], length = (size_t)update->dims[axis];
    memcpy(to->p, from->p, to->count * to->size);
    for (int32_t d = 1; d < axis; d++)
        rows *= (size_t)x->dims[d];
    for (int32_t d = axis + 1; d < x->rank; d++)
        inner *= (size_t)x->dims[d];
    for (size_t b = 0; b < (size_t)x->dims[0]; b++) {
        int64_t start = mote_eval_has(c, 2) ? mote_array_i64(c->in[2], b) : 0;
        MOTE_REQUIRE(start >= 0 && (circular || start <= (int64_t)(longest - length)), c->diag, MOTE_E_VALUE,
                     "write index %lld of sample %zu: %zu elements do not fit into %zu", (long long)start, b, length, longest);
        for (size_t r = 0; r < rows; r++)
            for (size_t s = 0; s < length; s++) {
                size_t at = ((size_t)start % longest + s) % longest;
                memcpy(to->p + ((b * rows + r) * longest + at) * inner, u->p + ((b * rows + r) * length + s) * inner, inner);
            }
    }
    return MOTE_OK;
}

static mote_status eval_tensor_scatter(mote_eval *c)
{
    int32_t axis;
    mote_bytes from = {0}, update = {0}, to = {0};
    mote_str mode = mote_node_string(c->node, "mode", "linear");
    bool circular = mote_str_is(mode, "circular");
    MOTE_REQUIRE(circular || mote_str_is(mode, "linear"), c->diag, MOTE_E_VALUE, "mode is '%.*s', expected linear or circular",
                 MOTE_STR_ARG(mode));
    MOTE_TRY(mote_arg_axis(mote_node_int(c->node, "axis", -2), c->in[0]->rank, "axis", c->diag, &axis));
    mote_status status = mote_bytes_in(c, c->in[0], &from);
    if (status == MOTE_OK)
        status = mote_bytes_in(c, c->in[1], &update);
    if (status == MOTE_OK)
        status = mote_bytes_out(c, 0, &to);
    if (status == MOTE_OK)
        status = tensor_scatter(c, axis, circular, &from, &update, &to);
    mote_bytes_free(c, &from);
    mote_bytes_free(c, &update);
    if (status == MOTE_OK)
        return mote_bytes_finish(c, 0, &to);
    mote_bytes_free(c, &to);
    return status;
}

#define GATHER_1(t)                                                                                                     \
    .in = "data:T indices:Tind", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}, {"Tind", MOTE_T_INDEX, 0}),                  \
    .attrs = MOTE_ATTRS(MOTE_A_INT("axis", 0)), .flags = MOTE_OP_QUANT_KEEP, .infer = infer_gather,                               \
    .eval = eval_gather, .doc = MOTE_DOC("y = x[.., indices, ..] along axis")
MOTE_OP(onnx, Gather, 1, GATHER_1(MOTE_T_ALL_7));
MOTE_OP(onnx, Gather, 11, GATHER_1(MOTE_T_ALL_7));
MOTE_OP(onnx, Gather, 13, GATHER_1(MOTE_T_ALL_13));

#define GATHER_ELEMENTS_11(t)                                                                                           \
    .in = "data:T indices:Tind", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}, {"Tind", MOTE_T_INDEX, 0}),                  \
    .attrs = MOTE_ATTRS(MOTE_A_INT("axis", 0)), .flags = MOTE_OP_QUANT_KEEP, .infer = infer_gather_elements,                      \
    .eval = eval_gather_elements, .doc = MOTE_DOC("y_i = x_i with the coordinate along axis replaced by indices_i")
MOTE_OP(onnx, GatherElements, 11, GATHER_ELEMENTS_11(MOTE_T_ALL_7));
MOTE_OP(onnx, GatherElements, 13, GATHER_ELEMENTS_11(MOTE_T_ALL_13));

MOTE_OP(onnx, GatherND, 11, .in = "data:T indices:int64", .out = "output:T", .types = MOTE_TYPES({"T", MOTE_T_ALL_7, 0}),
        .flags = MOTE_OP_QUANT_KEEP, .infer = infer_gather_nd, .eval = eval_gather_nd,
        .doc = MOTE_DOC("y = x at the coordinate tuples of indices"));
#define GATHER_ND_12(t)                                                                                                 \
    .in = "data:T indices:int64", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A_INT("batch_dims", 0)),    \
    .flags = MOTE_OP_QUANT_KEEP, .infer = infer_gather_nd, .eval = eval_gather_nd,                                      \
    .doc = MOTE_DOC("y = x at the coordinate tuples of indices")
MOTE_OP(onnx, GatherND, 12, GATHER_ND_12(MOTE_T_ALL_7));
MOTE_OP(onnx, GatherND, 13, GATHER_ND_12(MOTE_T_ALL_13));

#define SCATTER_ELEMENTS_11(t)                                                                                          \
    .in = "data:T indices:Tind updates:T", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}, {"Tind", MOTE_T_INDEX, 0}),        \
    .attrs = MOTE_ATTRS(MOTE_A_INT("axis", 0)), .infer = infer_scatter, .eval = eval_scatter_elements,                            \
    .doc = MOTE_DOC("y = x with updates_i put (reduced) at i, its axis coordinate replaced by indices_i")
MOTE_OP(onnx, ScatterElements, 11, SCATTER_ELEMENTS_11(MOTE_T_ALL_7));
MOTE_OP(onnx, ScatterElements, 13, SCATTER_ELEMENTS_11(MOTE_T_ALL_13));
#define SCATTER_ELEMENTS_16                                                                                             \
    .in = "data:T indices:Tind updates:T", .out = "output:T",                                                           \
    .types = MOTE_TYPES({"T", MOTE_T_ALL_13, 0}, {"Tind", MOTE_T_INDEX, 0}), .attrs = MOTE_ATTRS(MOTE_A_INT("axis", 0),                     \
    MOTE_A_STRING("reduction", "none")), .infer = infer_scatter, .eval = eval_scatter_elements,                         \
    .doc = MOTE_DOC("y = x with updates_i put (reduced) at i, its axis coordinate replaced by indices_i")
MOTE_OP(onnx, ScatterElements, 16, SCATTER_ELEMENTS_16);
MOTE_OP(onnx, ScatterElements, 18, SCATTER_ELEMENTS_16);

MOTE_OP(onnx, Scatter, 9, .in = "data:T indices:Tind updates:T", .out = "output:T",
        .types = MOTE_TYPES({"T", MOTE_T_ALL_7, 0}, {"Tind", MOTE_T_INDEX, 0}), .attrs = MOTE_ATTRS(MOTE_A_INT("axis", 0)),
        .infer = infer_scatter, .eval = eval_scatter_elements,
        .doc = MOTE_DOC("y = x with updates_i put at i, its axis coordinate replaced by indices_i"));
MOTE_OP(onnx, Scatter, 11, .removed = true, .doc = MOTE_DOC("no longer an operator"));

#define SCATTER_ND_11(t)                                                                                                \
    .in = "data:T indices:int64 updates:T", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}), .infer = infer_scatter_nd,       \
    .eval = eval_scatter_nd, .doc = MOTE_DOC("y = x with updates put (reduced) at the coordinate tuples of indices")
MOTE_OP(onnx, ScatterND, 11, SCATTER_ND_11(MOTE_T_ALL_7));
MOTE_OP(onnx, ScatterND, 13, SCATTER_ND_11(MOTE_T_ALL_13));
#define SCATTER_ND_16                                                                                                   \
    .in = "data:T indices:int64 updates:T", .out = "output:T", .types = MOTE_TYPES({"T", MOTE_T_ALL_13, 0}),                      \
    .attrs = MOTE_ATTRS(MOTE_A_STRING("reduction", "none")), .infer = infer_scatter_nd, .eval = eval_scatter_nd,                  \
    .doc = MOTE_DOC("y = x with updates put (reduced) at the coordinate tuples of indices")
MOTE_OP(onnx, ScatterND, 16, SCATTER_ND_16);
MOTE_OP(onnx, ScatterND, 18, SCATTER_ND_16);

MOTE_OP(onnx, TensorScatter, 24, .in = "past_cache:T update:T write_indices?:int64", .out = "present_cache:T",
        .types = MOTE_TYPES({"T", MOTE_T_ALL_24, 0}), .attrs = MOTE_ATTRS(MOTE_A_INT("axis", -2), MOTE_A_STRING("mode", "linear")),
        .infer = infer_tensor_scatter, .eval = eval_tensor_scatter,
        .doc = MOTE_DOC("y = past_cache with update written from write_indices on along axis"));

