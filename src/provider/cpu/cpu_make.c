/* cpu_make.c - lowering of operators that make a tensor of little: Shape, Size, ConstantOfShape, Range, CumSum
 * SPDX-License-Identifier: Apache-2.0
 *
 * Of fixed shapes the plan folds the first three; these run where shapes are known only then. */
#include "base/platform.h"
#include "base/size.h"
#include "ops/args.h"
#include "ops/moves.h"
#include "provider/cpu/cpu_copy.h"
#include "provider/cpu/cpu_wide.h"
#include <string.h>

/* ---- Shape, Size ---- */

static mote_status shape_run(const mote_step *step, mote_exec *x)
{
    (void)x;
    int32_t start, end;
    int64_t *y = step->out[0]->data;
    mote_shape_range(step->node, step->in[0]->rank, &start, &end);
    for (int32_t d = start; d < end; d++)
        y[d - start] = step->in[0]->dims[d];
    return MOTE_OK;
}

static mote_status size_run(const mote_step *step, mote_exec *x)
{
    (void)x;
    *(int64_t *)step->out[0]->data = (int64_t)mote_array_count(step->in[0]);
    return MOTE_OK;
}

static mote_status lower_shape(mote_lower *l)
{
    l->run = l->out[0] != NULL && l->in[0]->kind == MOTE_KIND_TENSOR ? shape_run : NULL;
    l->kernel = "mote_shape";
    l->unread = 1;
    return MOTE_OK;
}

static mote_status lower_size(mote_lower *l)
{
    l->run = l->out[0] != NULL && l->in[0]->kind == MOTE_KIND_TENSOR ? size_run : NULL;
    l->kernel = "mote_size";
    l->unread = 1;
    return MOTE_OK;
}

/* ---- ConstantOfShape ---- */

typedef struct fill_params {
    mote_copy_plan plan;
    uint8_t value[16];
} fill_params;

static mote_status fill_run(const mote_step *step, mote_exec *x)
{
    const fill_params *p = step->params;
    mote_cpu_copy_run(x->pool, &p->plan, p->value, step->out[0]->data);
    return MOTE_OK;
}

static mote_status lower_constant_of_shape(mote_lower *l)
{
    const mote_attr *a = mote_node_attr(l->node, "value");
    fill_params *p;
    const size_t size = l->out[0] == NULL ? 0 : mote_cpu_element_size(l->out[0]->dtype);
    if (size == 0 || size > sizeof p->value)
        return MOTE_OK;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    if (a != NULL)
        memcpy(p->value, a->t->data, size);
    /* threads share rows; an element repeats along each */
    const size_t n = mote_array_count(l->out[0]), row = 4096;
    const int64_t dims[2] = {(int64_t)(n / row), row}, none[2] = {0, 0}, out[2] = {row, 1}, rest = (int64_t)n;
    if (n % row == 0 && n != 0)
        mote_cpu_copy_plan(&p->plan, size, 2, dims, none, out, l->cpu);
    else
        mote_cpu_copy_plan(&p->plan, size, 1, &rest, none, out + 1, l->cpu);
    l->run = fill_run;
    l->params = p;
    l->kernel = "mote_copy_repeat";
    return MOTE_OK;
}

/* ---- Range ---- */

/* INDEX: what holds the number of an element; 32 bits become a float in one instruction. */
#define RANGE(name, T, U, INDEX)                                                                                           \
    static mote_status range_##name(const mote_step *step, mote_exec *x)                                               \
    {                                                                                                                  \
        (void)x;                                                                                                       \
        const U start = (U)*(const T *)step->in[0]->data, delta = (U)*(const T *)step->in[2]->data;                    \
        T *y = step->out[0]->data;                                                                                     \
        const size_t n = mote_array_count(step->out[0]);                                                               \
        for (size_t i = 0; i < n; i++)                                                                                 \
            y[i] = (T)(start + (U)(INDEX)i * delta);                                                                         \
        return MOTE_OK;                                                                                                \
    }
RANGE(f32, float, float, int32_t)
RANGE(s32, int32_t, uint32_t, size_t)
RANGE(s64, int64_t, uint64_t, size_t)

static mote_status lower_range(mote_lower *l)
{
    if (l->out[0] == NULL || mote_array_count(l->out[0]) > INT32_MAX)
        return MOTE_OK;
    const mote_dtype t = l->out[0]->dtype;
    l->run = t == MOTE_DTYPE_F32 ? range_f32 : t == MOTE_DTYPE_S32 ? range_s32 : t == MOTE_DTYPE_S64 ? range_s64 : NULL;
    l->kernel = "mote_range";
    return MOTE_OK;
}

/* ---- CumSum ---- */

typedef struct cumsum_job {
    const void *x;
    void *y;
    size_t n, inner;
    bool exclusive, reverse;
} cumsum_job;

/* Lines of n elements, `inner` apart, each summed from its beginning; y may be x. */
#define CUMSUM(name, T, U)                                                                                             \
    static void cumsum_##name(void *ctx, unsigned worker, size_t begin, size_t end)                                    \
    {                                                                                                                  \
        (void)worker;                                                                                                  \
        const cumsum_job *j = ctx;                                                                                     \
        for (size_t k = begin; k < end; k++) {                                                                         \
            const size_t first = k / j->inner * j->n * j->inner + k % j->inner;                                        \
            const T *x = (const T *)j->x + first;                                                                      \
            T *y = (T *)j->y + first;                                                                                  \
            U sum = 0;                                                                                                 \
            for (size_t i = 0; i < j->n; i++) {                                                                        \
                const size_t at = (j->reverse ? j->n - 1 - i : i) * j->inner;                                          \
                const U next = sum + (U)x[at];                                                                         \
                y[at] = (T)(j->exclusive ? sum : next);                                                                \
                sum = next;                                                                                            \
            }                                                                                                          \
        }                                                                                                              \
    }
CUMSUM(f32, float, float)
CUMSUM(s32, int32_t, uint32_t)
CUMSUM(s64, int64_t, uint64_t)

static mote_status cumsum_run(const mote_step *step, mote_exec *x)
{
    const mote_array *a = step->in[0];
    cumsum_job j = {.x = a->data, .y = step->out[0]->data, .n = 1, .inner = 1, .exclusive = mote_node_int(step->node, "exclusive", 0) != 0,
                    .reverse = mote_node_int(step->node, "reverse", 0) != 0};
    int64_t at;
    int32_t axis;
    MOTE_TRY(mote_arg_int(step->in[1], "axis", x->diag, &at));
    MOTE_TRY(mote_arg_axis(at, a->rank, "axis", x->diag, &axis));
    size_t lines = 1;
    for (int32_t d = 0; d < a->rank; d++)
        *(d < axis ? &lines : d == axis ? &j.n : &j.inner) *= (size_t)a->dims[d];
    mote_parallel_for(x->pool, lines * j.inner, 1 + 4096 / (j.n + 1), a->dtype == MOTE_DTYPE_F32 ? cumsum_f32 : a->dtype == MOTE_DTYPE_S32 ? cumsum_s32 : cumsum_s64,
                      &j);
    return MOTE_OK;
}

static mote_status lower_cumsum(mote_lower *l)
{
    const mote_array *x = l->in[0];
    if (mote_cpu_is_half(x->dtype))
        return mote_cpu_lower_wide(l, lower_cumsum);
    if (l->out[0] == NULL || x->rank == 0 || !mote_dtype_in(x->dtype, MOTE_DT(F32) | MOTE_DT(S32) | MOTE_DT(S64)))
        return MOTE_OK;
    l->run = cumsum_run;
    l->kernel = "mote_cumsum";
    l->inplace = 1;
    return MOTE_OK;
}

MOTE_LOWER(onnx, Shape, lower_shape)
MOTE_LOWER(onnx, Size, lower_size)
MOTE_LOWER(onnx, ConstantOfShape, lower_constant_of_shape)
MOTE_LOWER(onnx, Range, lower_range)
MOTE_LOWER(onnx, CumSum, lower_cumsum)
