/* forms.c - what the internal forms share: activations, windows
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "ops/forms.h"
#include "base/size.h"
#include "ops/args.h"
#include "ops/elements.h"
#include <string.h>

static const char *const names[] = {
#define UNARY(ID, id, n_params, ulp) #id,
#define UNARY_SCALAR(ID, id, ulp) #id,
#include "kernels/unary/unary_ops.inc"
#undef UNARY
#undef UNARY_SCALAR
};

mote_unary mote_unary_find(mote_str name)
{
    for (unsigned i = 0; i < MOTE_UNARY_COUNT; i++)
        if (mote_str_is(name, names[i]))
            return (mote_unary)i;
    return MOTE_UNARY_COUNT;
}

const char *mote_unary_name(mote_unary op) { return names[op]; }

bool mote_form_activation(const mote_node *n, mote_unary *op, float params[2])
{
    *op = mote_unary_find(mote_node_string(n, "activation", ""));
    params[0] = mote_node_float(n, "p0", 0.0f);
    params[1] = mote_node_float(n, "p1", 0.0f);
    return *op != MOTE_UNARY_COUNT;
}

mote_status mote_form_infer_sum(mote_infer *c, uint32_t residual, mote_dtype dtype, int32_t rank, int64_t *dims)
{
    if (mote_infer_has(c, residual)) {
        const int64_t repeat = mote_node_int(c->node, "repeat", 1);
        mote_type r = *c->in[residual];
        MOTE_REQUIRE(repeat >= 1 && (repeat == 1 || r.rank < 0 || r.rank >= 2), c->diag, MOTE_E_VALUE, "repeat is %lld for an R of rank %d",
                     (long long)repeat, r.rank);
        if (repeat > 1 && r.rank >= 2 && mote_dim_known(r.dims[1]))
            MOTE_REQUIRE(mote_i64_mul(r.dims[1], repeat, &r.dims[1]), c->diag, MOTE_E_SHAPE, "R repeated %lld times is too large", (long long)repeat);
        else if (repeat > 1 && r.rank >= 2)
            r.dims[1] = MOTE_DIM_UNKNOWN;
        MOTE_TRY(mote_dims_broadcast(&rank, dims, &r, c->diag));
    }
    mote_infer_out(c, 0, dtype, rank, dims);
    return MOTE_OK;
}

mote_status mote_form_sum(mote_eval *c, int32_t rank, const int64_t *dims, mote_array *sum)
{
    MOTE_TRY(mote_array_shape(sum, MOTE_DTYPE_F32, rank, dims, c->diag));
    sum->data = c->out[0]->data;
    return mote_array_same_shape(sum, c->out[0]) ? MOTE_OK : mote_array_make(c->heap, sum, c->diag);
}

/* r with each element of dimension 1 `repeat` times, from c->heap. */
static mote_status repeated(mote_eval *c, const mote_array *r, int64_t repeat, mote_array *out)
{
    int64_t dims[MOTE_MAX_RANK];
    size_t inner = sizeof(float);
    memcpy(dims, r->dims, sizeof dims);
    for (int32_t i = 2; i < r->rank; i++)
        inner *= (size_t)r->dims[i];
    MOTE_REQUIRE(mote_i64_mul(dims[1], repeat, &dims[1]), c->diag, MOTE_E_SHAPE, "R repeated %lld times is too large", (long long)repeat);
    MOTE_TRY(mote_array_shape(out, MOTE_DTYPE_F32, r->rank, dims, c->diag));
    MOTE_TRY(mote_array_make(c->heap, out, c->diag));
    for (size_t i = 0; inner != 0 && i < out->bytes / inner; i++)
        memcpy((char *)out->data + i * inner, (const char *)r->data + i / (size_t)repeat * inner, inner);
    return MOTE_OK;
}

static mote_status add_residual(mote_eval *c, const mote_array *sum, const mote_array *r)
{
    const mote_array *const operands[2] = {sum, r};
    mote_broadcast b;
    MOTE_TRY(mote_broadcast_init(&b, c->out[0], operands, 2, c->diag));
    const float *s = sum->data, *x = r->data;
    float *y = c->out[0]->data;
    for (size_t i = 0, count = mote_array_count(c->out[0]); i < count; i++)
        y[i] = s[mote_broadcast_index(&b, 0, i)] + x[mote_broadcast_index(&b, 1, i)];
    return MOTE_OK;
}

mote_status mote_form_finish(mote_eval *c, mote_array *sum, uint32_t residual, mote_status status)
{
    const int64_t repeat = mote_node_int(c->node, "repeat", 1);
    float *y = c->out[0]->data;
    const size_t count = mote_array_count(c->out[0]);
    mote_unary op;
    float params[2];
    if (status == MOTE_OK && mote_eval_has(c, residual) && repeat <= 1)
        status = add_residual(c, sum, c->in[residual]);
    else if (status == MOTE_OK && mote_eval_has(c, residual)) {
        mote_array r;
        status = repeated(c, c->in[residual], repeat, &r);
        if (status == MOTE_OK) {
            status = add_residual(c, sum, &r);
            mote_array_free(c->heap, &r);
        }
    }
    if (sum->data != c->out[0]->data)
        mote_array_free(c->heap, sum);
    if (status == MOTE_OK && mote_form_activation(c->node, &op, params))
        mote_unary_select(op, 0)->fn(y, y, count, params);
    return status;
}

/* Window sizes and positions multiply and add: below this bound none of it overflows. */
#define EXTENT_LIMIT ((int64_t)1 << 40)

mote_status mote_window_list(const mote_node *n, const char *name, size_t want, int64_t low, int64_t absent, int64_t *out, mote_diag *diag)
{
    size_t count;
    const int64_t *v = mote_node_ints(n, name, &count);
    MOTE_REQUIRE(v == NULL || count == want, diag, MOTE_E_SHAPE, "%s has %zu values, expected %zu", name, count, want);
    for (size_t i = 0; i < want; i++) {
        out[i] = v != NULL ? v[i] : absent;
        MOTE_REQUIRE(out[i] >= low && out[i] < EXTENT_LIMIT, diag, MOTE_E_VALUE, "%s has value %lld, expected at least %lld", name,
                     (long long)out[i], (long long)low);
    }
    return MOTE_OK;
}

mote_status mote_window_of(const mote_node *n, int32_t r, const int64_t *kernel, const int64_t *in, mote_window *w, mote_diag *diag)
{
    *w = (mote_window){.r = r};
    int64_t pads[2 * MOTE_MAX_RANK];
    MOTE_TRY(mote_window_list(n, "strides", (size_t)r, 1, 1, w->stride, diag));
    MOTE_TRY(mote_window_list(n, "dilations", (size_t)r, 1, 1, w->dilation, diag));
    MOTE_TRY(mote_window_list(n, "pads", 2 * (size_t)r, 0, 0, pads, diag));
    mote_str how = mote_node_string(n, "auto_pad", "NOTSET");
    bool upper = mote_str_is(how, "SAME_UPPER"), lower = mote_str_is(how, "SAME_LOWER"), valid = mote_str_is(how, "VALID");
    MOTE_REQUIRE(upper || lower || valid || mote_str_is(how, "NOTSET") || how.n == 0, diag, MOTE_E_VALUE,
                 "auto_pad is '%.*s', expected NOTSET, SAME_UPPER, SAME_LOWER or VALID", MOTE_STR_ARG(how));
    bool ceil_mode = mote_node_int(n, "ceil_mode", 0) != 0;
    for (int32_t i = 0; i < r; i++) {
        int64_t k = kernel[i], s = w->stride[i], d = w->dilation[i];
        MOTE_REQUIRE(k >= 1 && k < EXTENT_LIMIT && in[i] < EXTENT_LIMIT, diag, MOTE_E_SHAPE,
                     "window of %lld over %lld, expected 1 or more and below 2^40", (long long)k, (long long)in[i]);
        int64_t extent;
        MOTE_REQUIRE(mote_i64_mul(k - 1, d, &extent) && extent < EXTENT_LIMIT, diag, MOTE_E_SHAPE,
                     "a window of %lld with dilation %lld is too large", (long long)k, (long long)d);
        extent++;
        w->kernel[i] = k;
        w->in[i] = in[i];
        w->out[i] = MOTE_DIM_UNKNOWN;
        w->pad_begin[i] = upper || lower || valid ? 0 : pads[i];
        w->pad_end[i] = upper || lower || valid ? 0 : pads[r + i];
        if (in[i] < 0) {
            /* A stride of 1 with padding that makes up for the window keeps the size, known or not. */
            if (s == 1 && (upper || lower || w->pad_begin[i] + w->pad_end[i] == extent - 1))
                w->out[i] = in[i];
            continue;
        }
        if (upper || lower) {
            int64_t out = (in[i] + s - 1) / s, need = out > 0 ? (out - 1) * s + extent - in[i] : 0;
            need = need > 0 ? need : 0;
            w->pad_begin[i] = upper ? need / 2 : need - need / 2;
            w->pad_end[i] = need - w->pad_begin[i];
            w->out[i] = out;
            continue;
        }
        int64_t span = in[i] + w->pad_begin[i] + w->pad_end[i] - extent;
        MOTE_REQUIRE(span >= 0, diag, MOTE_E_SHAPE, "a window of %lld over %lld elements and %lld of padding", (long long)extent,
                     (long long)in[i], (long long)(w->pad_begin[i] + w->pad_end[i]));
        w->out[i] = (ceil_mode ? (span + s - 1) / s : span / s) + 1;
        if (ceil_mode && (w->out[i] - 1) * s >= in[i] + w->pad_begin[i])
            w->out[i]--;
    }
    return MOTE_OK;
}
