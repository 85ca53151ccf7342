/* cpu_wide.c - an operator on half floats by its lowering for float
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "provider/cpu/cpu_wide.h"
#include "base/size.h"
#include "kernels/quantize/quantize.h"
#include <string.h>

enum { MAX_TENSORS = 8, GRAIN = 16384 };

typedef struct wide_params {
    mote_step_fn run;
    const void *params;
    void (*release)(const void *params);
    const mote_convert_row *convert;
    size_t at[2 * MAX_TENSORS]; /* where inputs, then outputs, are in scratch; SIZE_MAX: as they are */
    size_t inner_at, inner_bytes;
} wide_params;

typedef struct wide_job {
    void (*widen)(const uint16_t *x, float *y, size_t n);
    void (*narrow)(const float *x, uint16_t *y, size_t n);
    float *wide;
    uint16_t *half;
} wide_job;

static void widen_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const wide_job *j = ctx;
    j->widen(j->half + begin, j->wide + begin, end - begin);
}
static void narrow_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const wide_job *j = ctx;
    j->narrow(j->wide + begin, j->half + begin, end - begin);
}

static mote_status wide_run(const mote_step *step, mote_exec *x)
{
    const wide_params *p = step->params;
    char *scratch = x->scratch;
    mote_array wide[2 * MAX_TENSORS], *in[MAX_TENSORS], *out[MAX_TENSORS];
    for (uint32_t i = 0; i < step->n_in + step->n_out; i++) {
        const bool is_in = i < step->n_in;
        mote_array *a = is_in ? step->in[i] : step->out[i - step->n_in];
        *(is_in ? &in[i] : &out[i - step->n_in]) = a;
        if (p->at[i] == SIZE_MAX)
            continue;
        wide[i] = *a;
        wide[i].dtype = MOTE_DTYPE_F32;
        wide[i].bytes = 2 * a->bytes;
        wide[i].data = scratch + p->at[i];
        *(is_in ? &in[i] : &out[i - step->n_in]) = &wide[i];
        wide_job j = {.widen = a->dtype == MOTE_DTYPE_F16 ? p->convert->f16_f32 : p->convert->bf16_f32, .wide = wide[i].data, .half = a->data};
        if (is_in)
            mote_parallel_for(x->pool, a->bytes / 2, GRAIN, widen_range, &j);
    }
    const mote_step inner = {.run = p->run, .params = p->params, .kernel = step->kernel, .node = step->node, .n_in = step->n_in, .n_out = step->n_out,
                             .in = in, .out = out, .scratch_bytes = p->inner_bytes};
    mote_exec y = *x;
    y.scratch = scratch + p->inner_at;
    y.scratch_bytes = p->inner_bytes;
    MOTE_TRY(p->run(&inner, &y));
    for (uint32_t i = 0; i < step->n_out; i++) {
        mote_array *a = step->out[i];
        if (p->at[step->n_in + i] == SIZE_MAX)
            continue;
        wide_job j = {.narrow = a->dtype == MOTE_DTYPE_F16 ? p->convert->f32_f16 : p->convert->f32_bf16, .wide = out[i]->data, .half = a->data};
        mote_parallel_for(x->pool, a->bytes / 2, GRAIN, narrow_range, &j);
    }
    return MOTE_OK;
}

static void wide_release(const void *params)
{
    const wide_params *p = params;
    if (p->release != NULL)
        p->release(p->params);
}

mote_status mote_cpu_lower_wide(mote_lower *l, mote_lower_fn fn)
{
    wide_params *p;
    mote_array shapes[2 * MAX_TENSORS];
    const mote_array *in[MAX_TENSORS], *value[MAX_TENSORS], *out[MAX_TENSORS];
    size_t at = 0, bytes;
    if (l->n_in > MAX_TENSORS || l->n_out > MAX_TENSORS)
        return MOTE_OK;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    p->convert = mote_convert_select(l->cpu);
    for (uint32_t i = 0; i < l->n_in + l->n_out; i++) {
        const bool is_in = i < l->n_in;
        const mote_array *a = is_in ? l->in[i] : l->out[i - l->n_in], **to = is_in ? &in[i] : &out[i - l->n_in];
        *to = a;
        p->at[i] = SIZE_MAX;
        if (is_in)
            value[i] = l->value[i];
        if (a == NULL || !mote_cpu_is_half(a->dtype))
            continue;
        shapes[i] = *a;
        shapes[i].dtype = MOTE_DTYPE_F32;
        shapes[i].bytes = 2 * a->bytes;
        shapes[i].data = NULL;
        *to = &shapes[i];
        if (is_in)
            value[i] = NULL;
        p->at[i] = at;
        if (!mote_size_align(shapes[i].bytes, MOTE_ALIGN, &bytes) || !mote_size_add(at, bytes, &at))
            return MOTE_OK;
    }
    mote_lower inner = *l;
    inner.in = in;
    inner.value = value;
    inner.out = out;
    MOTE_TRY(fn(&inner));
    if (inner.run == NULL)
        return MOTE_OK;
    p->run = inner.run;
    p->params = inner.params;
    p->release = inner.release;
    p->inner_at = at;
    p->inner_bytes = inner.scratch_bytes;
    if (!mote_size_add(at, inner.scratch_bytes, &l->scratch_bytes)) {
        wide_release(p);
        return MOTE_OK;
    }
    l->run = wide_run;
    l->params = p;
    l->kernel = inner.kernel;
    l->release = inner.release != NULL ? wide_release : NULL;
    return MOTE_OK;
}
