/* cpu_scatter.c - lowering of GatherND, ScatterND and ScatterElements: indices checked first, then slices moved
 * SPDX-License-Identifier: Apache-2.0
 *
 * Scatters in place where the data's memory is free; updates are applied in the order of the indices by one thread. Those that reduce keep their
 * reference evaluation. */
#include "base/platform.h"
#include "base/size.h"
#include "provider/cpu/cpu_copy.h"
#include <string.h>

enum { GRAIN_BYTES = 16384 };

static int64_t index_of(const void *indices, bool wide, size_t i)
{
    return wide ? ((const int64_t *)indices)[i] : (int64_t)((const int32_t *)indices)[i];
}

static mote_status out_of_range(mote_diag *diag, int64_t v, size_t i, int64_t size)
{
    MOTE_FAIL(diag, MOTE_E_VALUE, "index %lld at element %zu, expected %lld to %lld", (long long)v, i, (long long)-size, (long long)size - 1);
}

/* ---- coordinate tuples ---- */

typedef struct tuple_params {
    size_t tuple, n;          /* n tuples */
    size_t slice;             /* bytes that one names */
    size_t per_batch, batch_bytes; /* tuples in a batch, and the bytes of its data */
    int64_t dims[MOTE_MAX_RANK], strides[MOTE_MAX_RANK]; /* strides in bytes */
    bool scatter;
} tuple_params;

typedef struct tuple_job {
    const tuple_params *p;
    const int64_t *indices;
    const char *x;
    char *y;
} tuple_job;

static size_t place_of(const tuple_params *p, const int64_t *indices, size_t i)
{
    int64_t at = 0;
    for (size_t k = 0; k < p->tuple; k++) {
        const int64_t v = indices[i * p->tuple + k];
        at += (v < 0 ? v + p->dims[k] : v) * p->strides[k];
    }
    return (size_t)at + (p->scatter ? 0 : i / p->per_batch * p->batch_bytes);
}

static void gather_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const tuple_job *j = ctx;
    for (size_t i = begin; i < end; i++)
        memcpy(j->y + i * j->p->slice, j->x + place_of(j->p, j->indices, i), j->p->slice);
}

static mote_status check_tuples(const tuple_params *p, const int64_t *indices, mote_diag *diag)
{
    for (size_t i = 0; i < p->n; i++)
        for (size_t k = 0; k < p->tuple; k++) {
            const int64_t v = indices[i * p->tuple + k];
            if (v < -p->dims[k] || v >= p->dims[k])
                return out_of_range(diag, v, i * p->tuple + k, p->dims[k]);
        }
    return MOTE_OK;
}

static mote_status gather_nd_run(const mote_step *step, mote_exec *x)
{
    tuple_job j = {.p = step->params, .indices = step->in[1]->data, .x = step->in[0]->data, .y = step->out[0]->data};
    MOTE_TRY(check_tuples(j.p, j.indices, x->diag));
    if (j.p->slice != 0)
        mote_parallel_for(x->pool, j.p->n, 1 + GRAIN_BYTES / j.p->slice, gather_range, &j);
    return MOTE_OK;
}

typedef struct bytes_job {
    const char *x;
    char *y;
} bytes_job;

static void bytes_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const bytes_job *j = ctx;
    memcpy(j->y + begin, j->x + begin, end - begin);
}

static void copy_data(const mote_step *step, mote_exec *x)
{
    bytes_job j = {step->in[0]->data, step->out[0]->data};
    if (j.x != j.y)
        mote_parallel_for(x->pool, step->out[0]->bytes, 65536, bytes_range, &j);
}

static mote_status scatter_nd_run(const mote_step *step, mote_exec *x)
{
    const tuple_params *p = step->params;
    const int64_t *indices = step->in[1]->data;
    const char *updates = step->in[2]->data;
    char *y = step->out[0]->data;
    MOTE_TRY(check_tuples(p, indices, x->diag));
    copy_data(step, x);
    for (size_t i = 0; i < p->n && p->slice != 0; i++)
        memcpy(y + place_of(p, indices, i), updates + i * p->slice, p->slice);
    return MOTE_OK;
}

static mote_status lower_tuples(mote_lower *l, bool scatter)
{
    const mote_array *x = l->in[0], *indices = l->in[1];
    const size_t size = mote_cpu_element_size(x->dtype);
    const int64_t batch = scatter ? 0 : mote_node_int(l->node, "batch_dims", 0);
    const int64_t tuple = indices->rank < 1 ? 0 : indices->dims[indices->rank - 1];
    tuple_params *p;
    if (l->out[0] == NULL || size == 0 || indices->dtype != MOTE_DTYPE_S64 || batch < 0 || tuple < 1 || batch + tuple > x->rank ||
        (scatter && !mote_str_is(mote_node_string(l->node, "reduction", "none"), "none")))
        return MOTE_OK;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = (tuple_params){.tuple = (size_t)tuple, .n = mote_array_count(indices) / (size_t)tuple, .slice = size, .scatter = scatter};
    size_t stride = size, batches = 1;
    for (int32_t d = x->rank - 1; d >= 0; d--) {
        if (d >= batch + tuple)
            p->slice *= (size_t)x->dims[d];
        else if (d >= batch) {
            p->dims[d - batch] = x->dims[d];
            p->strides[d - batch] = (int64_t)stride;
        } else {
            batches *= (size_t)x->dims[d];
        }
        if (d == (int32_t)batch)
            p->batch_bytes = stride * (size_t)x->dims[d];
        stride *= (size_t)x->dims[d];
    }
    p->per_batch = batches == 0 ? 1 : mote_max_size(p->n / batches, 1);
    l->run = scatter ? scatter_nd_run : gather_nd_run;
    l->params = p;
    l->kernel = scatter ? "mote_scatter_nd" : "mote_gather_nd";
    l->inplace = scatter ? 1 : 0;
    return MOTE_OK;
}
static mote_status lower_gather_nd(mote_lower *l) { return lower_tuples(l, false); }
static mote_status lower_scatter_nd(mote_lower *l) { return lower_tuples(l, true); }

/* ---- ScatterElements: y_i = u_i with the coordinate along axis replaced by indices_i ---- */

typedef struct elements_params {
    size_t size, n;
    int32_t rank;
    int64_t dims[MOTE_MAX_RANK], strides[MOTE_MAX_RANK]; /* of the indices; of the data, 0 along the axis */
    int64_t axis, axis_stride;
    bool wide;
} elements_params;

#define PUT(bytes)                                                                                                     \
    memcpy(y + (size_t)to * (bytes), u + i * (bytes), bytes);                                                          \
    break

static mote_status scatter_elements_run(const mote_step *step, mote_exec *x)
{
    const elements_params *p = step->params;
    const void *indices = step->in[1]->data;
    const char *u = step->in[2]->data;
    char *y = step->out[0]->data;
    for (size_t i = 0; i < p->n; i++) {
        const int64_t v = index_of(indices, p->wide, i);
        if (v < -p->axis || v >= p->axis)
            return out_of_range(x->diag, v, i, p->axis);
    }
    copy_data(step, x);
    int64_t at[MOTE_MAX_RANK] = {0}, base = 0;
    for (size_t i = 0; i < p->n; i++) {
        const int64_t v = index_of(indices, p->wide, i), to = base + (v < 0 ? v + p->axis : v) * p->axis_stride;
        switch (p->size) {
        case 1: PUT(1);
        case 2: PUT(2);
        case 4: PUT(4);
        case 8: PUT(8);
        default: PUT(p->size);
        }
        for (int32_t d = p->rank - 1; d >= 0; d--) {
            base += p->strides[d];
            if (++at[d] < p->dims[d])
                break;
            base -= p->strides[d] * p->dims[d];
            at[d] = 0;
        }
    }
    return MOTE_OK;
}

static mote_status lower_scatter_elements(mote_lower *l)
{
    const mote_array *x = l->in[0], *indices = l->in[1];
    const size_t size = mote_cpu_element_size(x->dtype);
    int64_t axis = mote_node_int(l->node, "axis", 0), stride = 1;
    elements_params *p;
    axis = axis < 0 ? axis + x->rank : axis;
    if (l->out[0] == NULL || size == 0 || axis < 0 || axis >= x->rank || indices->rank != x->rank ||
        !mote_str_is(mote_node_string(l->node, "reduction", "none"), "none"))
        return MOTE_OK;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = (elements_params){.size = size, .n = mote_array_count(indices), .rank = x->rank, .axis = x->dims[axis], .wide = indices->dtype == MOTE_DTYPE_S64};
    for (int32_t d = x->rank - 1; d >= 0; d--) {
        p->dims[d] = indices->dims[d];
        p->strides[d] = d == (int32_t)axis ? 0 : stride;
        if (d == (int32_t)axis)
            p->axis_stride = stride;
        stride *= x->dims[d];
    }
    l->run = scatter_elements_run;
    l->params = p;
    l->kernel = "mote_scatter_elements";
    l->inplace = 1;
    return MOTE_OK;
}

MOTE_LOWER(onnx, GatherND, lower_gather_nd)
MOTE_LOWER(onnx, ScatterND, lower_scatter_nd)
MOTE_LOWER(onnx, ScatterElements, lower_scatter_elements)
MOTE_LOWER(onnx, Scatter, lower_scatter_elements)
