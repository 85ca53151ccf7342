/* args.c - attributes, shape inputs and types, checked
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "ops/args.h"
#include "ops/elements.h"
#include <string.h>

void mote_infer_out(mote_infer *c, uint32_t i, mote_dtype dtype, int32_t rank, const int64_t *dims)
{
    if (i >= c->n_out)
        return;
    mote_type *t = &c->out[i];
    t->kind = MOTE_KIND_TENSOR;
    t->dtype = dtype;
    t->rank = rank;
    t->element = NULL;
    for (int32_t d = 0; d < rank; d++)
        t->dims[d] = dims == NULL ? MOTE_DIM_UNKNOWN : dims[d];
}

mote_status mote_infer_like(mote_infer *c)
{
    if (mote_infer_has(c, 0) && c->n_out > 0)
        c->out[0] = *c->in[0];
    return MOTE_OK;
}

bool mote_dim_broadcast(int64_t a, int64_t b, int64_t *out)
{
    if (a == 1 || b == 1) {
        *out = a == 1 ? b : a;
        return true;
    }
    if (mote_dim_known(a) && mote_dim_known(b)) {
        *out = a;
        return a == b;
    }
    /* a fixed size other than 1 is the result's; equal symbols stay */
    *out = mote_dim_known(a) ? a : mote_dim_known(b) || a == b ? b : MOTE_DIM_UNKNOWN;
    return true;
}

mote_status mote_dims_broadcast(int32_t *rank, int64_t *dims, const mote_type *t, mote_diag *diag)
{
    if (*rank < 0 || t->rank < 0) {
        *rank = -1;
        return MOTE_OK;
    }
    int64_t out[MOTE_MAX_RANK];
    int32_t r = *rank > t->rank ? *rank : t->rank;
    for (int32_t d = 0; d < r; d++) {
        int32_t da = d - (r - *rank), db = d - (r - t->rank);
        int64_t a = da < 0 ? 1 : dims[da], b = db < 0 ? 1 : t->dims[db];
        MOTE_REQUIRE(mote_dim_broadcast(a, b, &out[d]), diag, MOTE_E_SHAPE,
                     "sizes %lld and %lld in dimension %d of the broadcast, expected equal ones or 1", (long long)a, (long long)b,
                     d);
    }
    memcpy(dims, out, (size_t)r * sizeof *dims);
    *rank = r;
    return MOTE_OK;
}

static mote_status broadcast_as(mote_infer *c, mote_dtype dtype)
{
    int64_t dims[MOTE_MAX_RANK] = {0};
    int32_t rank = 0;
    for (uint32_t i = 0; i < c->n_in; i++)
        if (c->in[i] != NULL)
            MOTE_TRY(mote_dims_broadcast(&rank, dims, c->in[i], c->diag));
    mote_infer_out(c, 0, dtype, rank, dims);
    return MOTE_OK;
}

mote_status mote_infer_broadcast(mote_infer *c) { return broadcast_as(c, c->in[0]->dtype); }
mote_status mote_infer_broadcast_bool(mote_infer *c) { return broadcast_as(c, MOTE_DTYPE_BOOL); }

mote_status mote_arg_axis(int64_t axis, int32_t rank, const char *name, mote_diag *diag, int32_t *out)
{
    *out = 0;
    MOTE_REQUIRE(axis >= -rank && axis < rank, diag, MOTE_E_VALUE, "%s is %lld, expected %d to %d", name, (long long)axis, -rank,
                 rank - 1);
    *out = (int32_t)(axis < 0 ? axis + rank : axis);
    return MOTE_OK;
}

mote_status mote_arg_axes(const int64_t *axes, size_t n, int32_t rank, const char *name, mote_diag *diag, int32_t *out)
{
    bool seen[MOTE_MAX_RANK] = {false};
    MOTE_REQUIRE(n <= (size_t)rank, diag, MOTE_E_VALUE, "%s names %zu axes, expected at most %d", name, n, rank);
    for (size_t k = 0; k < n; k++) {
        MOTE_TRY(mote_arg_axis(axes[k], rank, name, diag, &out[k]));
        MOTE_REQUIRE(!seen[out[k]], diag, MOTE_E_VALUE, "%s names axis %lld twice", name, (long long)axes[k]);
        seen[out[k]] = true;
    }
    return MOTE_OK;
}

mote_status mote_arg_ints(const mote_array *a, size_t max, const char *name, mote_diag *diag, int64_t *out, size_t *n)
{
    *n = 0;
    MOTE_REQUIRE(a->rank <= 1, diag, MOTE_E_SHAPE, "%s has rank %d, expected 1", name, a->rank);
    size_t count = mote_array_count(a);
    MOTE_REQUIRE(count <= max, diag, MOTE_E_SHAPE, "%s has %zu elements, expected at most %zu", name, count, max);
    for (size_t k = 0; k < count; k++)
        out[k] = mote_array_i64(a, k);
    *n = count;
    return MOTE_OK;
}

mote_status mote_arg_int(const mote_array *a, const char *name, mote_diag *diag, int64_t *out)
{
    size_t count = mote_array_count(a);
    *out = 0;
    MOTE_REQUIRE(count == 1, diag, MOTE_E_SHAPE, "%s has %zu elements, expected 1", name, count);
    *out = mote_array_i64(a, 0);
    return MOTE_OK;
}

mote_status mote_arg_rank(int64_t rank, mote_diag *diag)
{
    MOTE_REQUIRE(rank <= MOTE_MAX_RANK, diag, MOTE_E_UNSUPPORTED, "rank %lld, at most %d is supported", (long long)rank,
                 MOTE_MAX_RANK);
    return MOTE_OK;
}

mote_status mote_eval_out(mote_eval *c, uint32_t i, mote_dtype dtype, int32_t rank, const int64_t *dims)
{
    const mote_array *a = c->out[i];
    if ((c->node->def->flags & MOTE_OP_DATA_SHAPE) != 0 || a->dtype == MOTE_DTYPE_NONE)
        return c->output(c, i, dtype, rank, dims);
    mote_array want = {.rank = rank};
    memcpy(want.dims, dims, (size_t)rank * sizeof *dims);
    MOTE_REQUIRE(a->dtype == dtype && mote_array_same_shape(a, &want), c->diag, MOTE_E_INTERNAL,
                 "output %u was inferred otherwise than evaluated", i);
    return MOTE_OK;
}

mote_status mote_eval_view(mote_eval *c)
{
    const mote_array *x = c->in[0], *y = c->out[0];
    MOTE_REQUIRE(y->bytes == x->bytes, c->diag, MOTE_E_INTERNAL, "output has %zu bytes, input %zu", y->bytes, x->bytes);
    if (x->bytes != 0 && y->data != x->data)
        memcpy(y->data, x->data, x->bytes);
    return mote_eval_own_strings(c, 0);
}
