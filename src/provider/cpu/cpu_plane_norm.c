/* cpu_plane_norm.c - lowering of normalizations by planes: InstanceNormalization, GroupNormalization, BatchNormalization
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/size.h"
#include "kernels/norm/norm.h"
#include "provider/cpu/cpu_wide.h"
#include <math.h>
#include <string.h>

enum { GRAIN = 4096 };

typedef struct planes {
    const mote_norm_row *row;
    size_t batch, channels, inner;
    size_t groups;        /* instance, group: rows of channels / groups planes share a mean */
    bool by_group;        /* one scale and bias for a group */
    float eps;
    const float *factors; /* batch: `channels` factors, then as many offsets; NULL: made at run */
} planes;

typedef struct plane_job {
    const planes *p;
    const float *x, *scale, *bias;
    float *y;
} plane_job;

static planes planes_of(const mote_lower *l)
{
    const mote_array *x = l->in[0];
    planes p = {.row = mote_norm_select(l->cpu), .batch = x->rank >= 1 ? (size_t)x->dims[0] : 1, .channels = x->rank >= 2 ? (size_t)x->dims[1] : 1,
                .inner = 1, .eps = mote_node_float(l->node, "epsilon", 1e-5f)};
    for (int32_t d = 2; d < x->rank; d++)
        p.inner *= (size_t)x->dims[d];
    return p;
}

static bool all_f32(const mote_lower *l, size_t count)
{
    for (uint32_t i = 0; i < l->n_in; i++)
        if (l->in[i] == NULL || l->in[i]->dtype != MOTE_DTYPE_F32 || (i > 0 && mote_array_count(l->in[i]) != count))
            return false;
    for (uint32_t i = 1; i < l->n_out; i++)
        if (l->out[i] != NULL)
            return false;
    return l->out[0] != NULL && mote_array_count(l->in[0]) > 0;
}

/* ---- instances and groups ---- */

static void group_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const plane_job *j = ctx;
    const planes *p = j->p;
    const size_t per = p->channels / p->groups, row = per * p->inner;
    for (size_t g = begin; g < end; g++) {
        float mean, inv;
        p->row->stats(j->x + g * row, 1, row, p->eps, &mean, &inv);
        for (size_t c = 0; c < per; c++) {
            const size_t at = g * row + c * p->inner, param = p->by_group ? g % p->groups : g % p->groups * per + c;
            p->row->plane(j->x + at, j->y + at, p->inner, mean, inv, j->scale[param], j->bias[param]);
        }
    }
}

static mote_status group_run(const mote_step *step, mote_exec *x)
{
    const planes *p = step->params;
    plane_job j = {.p = p, .x = step->in[0]->data, .scale = step->in[1]->data, .bias = step->in[2]->data, .y = step->out[0]->data};
    mote_parallel_for(x->pool, p->batch * p->groups, 1 + GRAIN / (p->channels / p->groups * p->inner), group_range, &j);
    return MOTE_OK;
}

static mote_status lower_groups(mote_lower *l, size_t groups)
{
    planes *p, t = planes_of(l);
    t.groups = groups;
    t.by_group = groups != t.channels && mote_array_count(l->in[1]) == groups;
    if (groups == 0 || t.channels % groups != 0 || !all_f32(l, t.by_group ? groups : t.channels))
        return MOTE_OK;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = t;
    l->run = group_run;
    l->params = p;
    l->kernel = t.row->name;
    l->inplace = 1;
    return MOTE_OK;
}

static mote_status lower_instance(mote_lower *l)
{
    if (mote_cpu_is_half(l->in[0]->dtype))
        return mote_cpu_lower_wide(l, lower_instance);
     return lower_groups(l, l->in[0]->rank >= 2 ? (size_t)l->in[0]->dims[1] : 0);
}
static mote_status lower_group(mote_lower *l)
{
    const int64_t groups = mote_node_int(l->node, "num_groups", 1);
    if (mote_cpu_is_half(l->in[0]->dtype))
        return mote_cpu_lower_wide(l, lower_group);
    return lower_groups(l, groups < 1 ? 0 : (size_t)groups);
}

/* ---- batches: y = x factor + offset ---- */

typedef struct factors_of {
    size_t channels;
    float eps;
    const void *in[4]; /* scale, B, mean, var; of any alignment */
} factors_of;

static mote_status fill_factors(void *ctx, void *dst)
{
    const factors_of *f = ctx;
    const mote_f32u *scale = f->in[0], *bias = f->in[1], *mean = f->in[2], *var = f->in[3];
    float *to = dst;
    for (size_t c = 0; c < f->channels; c++) {
        to[c] = scale[c] / sqrtf(var[c] + f->eps);
        to[f->channels + c] = fmaf(-mean[c], to[c], bias[c]);
    }
    return MOTE_OK;
}

static void batch_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const plane_job *j = ctx;
    const planes *p = j->p;
    if (p->inner == 1) { /* rows of channels */
        p->row->affine(j->x + begin * p->channels, j->scale, j->bias, j->y + begin * p->channels, end - begin, p->channels);
        return;
    }
    for (size_t i = begin; i < end; i++)
        p->row->plane(j->x + i * p->inner, j->y + i * p->inner, p->inner, 0.0f, 1.0f, j->scale[i % p->channels], j->bias[i % p->channels]);
}

static mote_status batch_run(const mote_step *step, mote_exec *x)
{
    const planes *p = step->params;
    const float *factors = p->factors;
    if (factors == NULL) {
        factors_of f = {.channels = p->channels, .eps = p->eps};
        for (uint32_t i = 0; i < 4; i++)
            f.in[i] = step->in[1 + i]->data;
        MOTE_TRY(fill_factors(&f, x->scratch));
        factors = x->scratch;
    }
    plane_job j = {.p = p, .x = step->in[0]->data, .scale = factors, .bias = factors + p->channels, .y = step->out[0]->data};
    const bool rows = p->inner == 1;
    mote_parallel_for(x->pool, rows ? p->batch : p->batch * p->channels, 1 + GRAIN / (rows ? p->channels : p->inner), batch_range, &j);
    return MOTE_OK;
}

static mote_status lower_batch(mote_lower *l)
{
    planes *p, t = planes_of(l);
    size_t bytes;
    if (mote_cpu_is_half(l->in[0]->dtype))
        return mote_cpu_lower_wide(l, lower_batch);
    if (l->n_in != 5 || (l->node->def->since >= 14 && mote_node_int(l->node, "training_mode", 0) != 0) || !all_f32(l, t.channels) ||
        !mote_size_mul(t.channels, 2 * sizeof(float), &bytes))
        return MOTE_OK;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = t;
    static const uint32_t inputs[] = {1, 2, 3, 4};
    factors_of f = {.channels = t.channels, .eps = t.eps};
    bool fixed = true;
    for (uint32_t i = 0; i < 4; i++) {
        fixed = fixed && l->value[1 + i] != NULL;
        f.in[i] = fixed ? l->value[1 + i]->data : NULL;
    }
    if (fixed) {
        uint32_t bits;
        memcpy(&bits, &t.eps, sizeof bits);
        const void *factors;
        MOTE_TRY(mote_lower_pack(l, inputs, 4, 0x424e0000u ^ (uint64_t)bits << 32, bytes, fill_factors, &f, &factors));
        p->factors = factors;
        l->unread = 30;
    } else {
        l->scratch_bytes = bytes;
    }
    l->run = batch_run;
    l->params = p;
    l->kernel = t.row->name;
    l->inplace = 1;
    return MOTE_OK;
}

MOTE_LOWER(onnx, InstanceNormalization, lower_instance)
MOTE_LOWER(onnx, GroupNormalization, lower_group)
MOTE_LOWER(onnx, BatchNormalization, lower_batch)
