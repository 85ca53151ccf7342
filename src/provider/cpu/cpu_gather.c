/* cpu_gather.c - lowering of Gather and GatherElements: indices checked first, then elements moved
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/size.h"
#include "provider/cpu/cpu_copy.h"
#include <string.h>

enum { GRAIN_BYTES = 16384 };

typedef struct gather_params {
    size_t outer, n, inner;  /* y[outer, n, inner] = x[outer, axis, inner] at n indices; inner in bytes */
    int64_t axis;            /* size of the dimension */
    bool wide, checked;      /* indices of 64 bits; constant ones were checked when the plan was made */
} gather_params;

typedef struct gather_job {
    const gather_params *p;
    const char *x;
    const void *indices;
    char *y;
} gather_job;

static int64_t index_of(const void *indices, bool wide, size_t i)
{
    return wide ? ((const int64_t *)indices)[i] : (int64_t)((const int32_t *)indices)[i];
}

static mote_status check(const void *indices, bool wide, size_t n, int64_t size, mote_diag *diag)
{
    size_t i = 0;
    while (i < n && (uint64_t)index_of(indices, wide, i) + (uint64_t)size < 2 * (uint64_t)size) /* -size to size - 1 */
        i++;
    MOTE_REQUIRE(i == n, diag, MOTE_E_VALUE, "index %lld at element %zu, expected %lld to %lld", (long long)index_of(indices, wide, i), i, (long long)-size,
                 (long long)size - 1);
    return MOTE_OK;
}

#define MOVE(bytes)                                                                                                    \
    for (size_t i = first; i < first + n; i++, y += (bytes)) {                                                         \
        const int64_t v = index_of(j->indices, p->wide, i);                                                            \
        memcpy(y, x + (size_t)(v < 0 ? v + p->axis : v) * (bytes), bytes);                                             \
    }                                                                                                                  \
    break

static void gather_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const gather_job *j = ctx;
    const gather_params *p = j->p;
    for (size_t u = begin; u < end;) {
        const size_t o = u / p->n, first = u % p->n, n = mote_min_size(p->n - first, end - u);
        const char *x = j->x + o * (size_t)p->axis * p->inner;
        char *y = j->y + u * p->inner;
        switch (p->inner) {
        case 1: MOVE(1);
        case 2: MOVE(2);
        case 4: MOVE(4);
        case 8: MOVE(8);
        default: MOVE(p->inner);
        }
        u += n;
    }
}

static mote_status gather_run(const mote_step *step, mote_exec *x)
{
    const gather_params *p = step->params;
    gather_job j = {.p = p, .x = step->in[0]->data, .indices = step->in[1]->data, .y = step->out[0]->data};
    if (!p->checked)
        MOTE_TRY(check(j.indices, p->wide, p->n, p->axis, x->diag));
    if (p->inner != 0)
        mote_parallel_for(x->pool, p->outer * p->n, 1 + GRAIN_BYTES / p->inner, gather_range, &j);
    return MOTE_OK;
}

static mote_status lower_gather(mote_lower *l)
{
    const mote_array *x = l->in[0], *indices = l->in[1];
    gather_params *p;
    const size_t size = mote_cpu_element_size(x->dtype);
    int64_t axis = mote_node_int(l->node, "axis", 0);
    axis = axis < 0 ? axis + x->rank : axis;
    if (l->out[0] == NULL || size == 0 || axis < 0 || axis >= x->rank)
        return MOTE_OK;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = (gather_params){.outer = 1, .n = mote_array_count(indices), .inner = size, .axis = x->dims[axis], .wide = indices->dtype == MOTE_DTYPE_S64};
    for (int32_t d = 0; d < x->rank; d++)
        if (d != (int32_t)axis)
            *(d < axis ? &p->outer : &p->inner) *= (size_t)x->dims[d];
    if (l->value[1] != NULL && mote_array_aligned(l->value[1])) /* a bad one is the run's error */
        p->checked = check(l->value[1]->data, p->wide, p->n, p->axis, NULL) == MOTE_OK;
    l->run = gather_run;
    l->params = p;
    l->kernel = "mote_gather";
    l->loose = 1;
    return MOTE_OK;
}

/* ---- GatherElements: y_i = x_i with the coordinate along axis replaced by indices_i ---- */

typedef struct elements_params {
    size_t size, row, rows;  /* indices as rows of its last dimension */
    int32_t rank;            /* of the outer dimensions */
    int64_t dims[MOTE_MAX_RANK], strides[MOTE_MAX_RANK]; /* x's strides, 0 along the axis */
    int64_t axis, axis_stride, last_stride;
    bool wide;
} elements_params;

typedef struct elements_job {
    const elements_params *p;
    const char *x;
    const void *indices;
    char *y;
} elements_job;

#define MOVE_ELEMENTS(bytes)                                                                                           \
    for (size_t i = 0; i < row; i++) {                                                                                 \
        const int64_t v = index_of(j->indices, wide, r * row + i), at = base + (v < 0 ? v + axis : v) * axis_stride;   \
        memcpy(y + i * (bytes), x + (size_t)at * (bytes), bytes);                                                      \
        base += last_stride;                                                                                           \
    }                                                                                                                  \
    break

static void elements_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const elements_job *j = ctx;
    const elements_params *p = j->p;
    const char *x = j->x;
    const size_t row = p->row; /* what a store through a char pointer might change, as the compiler sees it */
    const int64_t axis = p->axis, axis_stride = p->axis_stride, last_stride = p->last_stride;
    const bool wide = p->wide;
    for (size_t r = begin; r < end; r++) {
        int64_t base = 0;
        size_t at_row = r;
        for (int32_t d = p->rank - 1; d >= 0; d--) {
            base += (int64_t)(at_row % (size_t)p->dims[d]) * p->strides[d];
            at_row /= (size_t)p->dims[d];
        }
        char *y = j->y + r * row * p->size;
        switch (p->size) {
        case 1: MOVE_ELEMENTS(1);
        case 2: MOVE_ELEMENTS(2);
        case 4: MOVE_ELEMENTS(4);
        case 8: MOVE_ELEMENTS(8);
        default: MOVE_ELEMENTS(p->size);
        }
    }
}

static mote_status elements_run(const mote_step *step, mote_exec *x)
{
    const elements_params *p = step->params;
    elements_job j = {.p = p, .x = step->in[0]->data, .indices = step->in[1]->data, .y = step->out[0]->data};
    if (p->row == 0 || p->rows == 0)
        return MOTE_OK;
    MOTE_TRY(check(j.indices, p->wide, p->row * p->rows, p->axis, x->diag));
    mote_parallel_for(x->pool, p->rows, 1 + GRAIN_BYTES / (p->row * p->size), elements_range, &j);
    return MOTE_OK;
}

static mote_status lower_gather_elements(mote_lower *l)
{
    const mote_array *x = l->in[0], *indices = l->in[1];
    elements_params *p;
    const size_t size = mote_cpu_element_size(x->dtype);
    int64_t axis = mote_node_int(l->node, "axis", 0), stride = 1;
    axis = axis < 0 ? axis + x->rank : axis;
    if (l->out[0] == NULL || size == 0 || axis < 0 || axis >= x->rank || indices->rank != x->rank)
        return MOTE_OK;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = (elements_params){.size = size, .row = (size_t)indices->dims[x->rank - 1], .rows = 1, .rank = x->rank - 1, .axis = x->dims[axis],
                           .wide = indices->dtype == MOTE_DTYPE_S64};
    for (int32_t d = x->rank - 1; d >= 0; d--) {
        if (d == (int32_t)axis)
            p->axis_stride = stride;
        else if (d == x->rank - 1)
            p->last_stride = stride;
        if (d < x->rank - 1) {
            p->dims[d] = indices->dims[d];
            p->strides[d] = d == (int32_t)axis ? 0 : stride;
            p->rows *= (size_t)indices->dims[d];
        }
        stride *= x->dims[d];
    }
    l->run = elements_run;
    l->params = p;
    l->kernel = "mote_gather_elements";
    return MOTE_OK;
}

MOTE_LOWER(onnx, Gather, lower_gather)
MOTE_LOWER(onnx, GatherElements, lower_gather_elements)
