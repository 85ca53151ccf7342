/* cpu_norm.c - lowering of normalizations along trailing axes: LayerNormalization, RMSNormalization, the sum with a LayerNormalization
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/size.h"
#include "kernels/binary/binary.h"
#include "kernels/norm/norm.h"
#include "ops/args.h"
#include "ops/elements.h"
#include "provider/cpu/cpu_halves.h"
#include "provider/cpu/lower.h"

enum { GRAIN = 4096, PARAMS = 2 };

typedef struct norm_params {
    mote_norm_rows_fn fn;
    mote_binary_fn add; /* NULL: one operand */
    const mote_convert_row *convert;
    mote_dtype in, out;
    size_t rows, n;
    float eps;
    uint32_t first;              /* the input of scale; bias behind it */
    bool given[PARAMS];
    bool spread[PARAMS];         /* not n floats as they lie: spread into scratch at run */
    mote_broadcast at[PARAMS];
    bool stats[PARAMS];          /* outputs 1 and 2: mean, inverse deviation */
} norm_params;

typedef struct norm_job {
    const norm_params *p;
    const void *x, *b;
    void *y;
    float *sum, *mean, *inv;
    float *rows; /* one a worker, for half floats; else NULL */
    const float *param[PARAMS];
} norm_job;

static void norm_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    const norm_job *j = ctx;
    const norm_params *p = j->p;
    const size_t n = p->n, block = p->in == MOTE_DTYPE_F32 && p->out == MOTE_DTYPE_F32 ? 4 : 1;
    float *row = j->rows != NULL ? j->rows + worker * n : NULL;
    for (size_t r = begin, k; r < end; r += k) {
        k = mote_min_size(block, end - r);
        const float *x = mote_cpu_row_in(p->convert, p->in, j->x, r * n, k * n, row);
        float *y = mote_cpu_row_out(p->out, j->y, r * n, row);
        if (p->add != NULL) {
            float *sum = j->sum != NULL ? j->sum + r * n : y;
            p->add(x, (const float *)j->b + r * n, sum, k * n, MOTE_FORM_VV);
            x = sum;
        }
        p->fn(x, j->param[0], j->param[1], y, k, n, p->eps, j->mean != NULL ? j->mean + r : NULL, j->inv != NULL ? j->inv + r : NULL);
        mote_cpu_row_store(p->convert, p->out, row, j->y, r * n, k * n);
    }
}

static mote_status norm_run(const mote_step *step, mote_exec *x)
{
    const norm_params *p = step->params;
    float *scratch = x->scratch;
    norm_job j = {.p = p, .x = step->in[0]->data, .y = step->out[0]->data};
    if (p->add != NULL) {
        j.b = step->in[1]->data;
        j.sum = step->n_out > 1 && step->out[1] != NULL ? step->out[1]->data : NULL;
    }
    for (uint32_t i = 0; i < PARAMS; i++) {
        if (!p->given[i])
            continue;
        const mote_array *a = step->in[p->first + i];
        j.param[i] = a->data;
        if (p->spread[i]) {
            mote_broadcast_load(&p->at[i], 0, a->dtype, a->data, 0, p->n, scratch);
            j.param[i] = scratch;
            scratch += p->n;
        }
    }
    j.mean = p->stats[0] ? step->out[1]->data : NULL;
    j.inv = p->stats[1] ? step->out[2]->data : NULL;
    if (p->in != MOTE_DTYPE_F32 || p->out != MOTE_DTYPE_F32)
        j.rows = scratch;
    mote_parallel_for(x->pool, p->rows, (1 + GRAIN / p->n + 3) / 4 * 4, norm_range, &j);
    return MOTE_OK;
}

/* Whether input i has one value for each element of a row, the same for all rows. */
static bool same_for_rows(const mote_array *x, const mote_array *a, int32_t axis)
{
    for (int32_t d = 0; d < a->rank - (x->rank - axis); d++)
        if (a->dims[d] != 1)
            return false;
    return true;
}

static mote_status lower_rows(mote_lower *l, norm_params *p, int32_t axis)
{
    const mote_array *x = l->in[0];
    size_t floats = 0;
    p->convert = mote_convert_select(l->cpu);
    p->in = x->dtype;
    p->out = l->out[0]->dtype;
    p->eps = mote_node_float(l->node, "epsilon", 1e-5f);
    p->rows = p->n = 1;
    for (int32_t d = 0; d < x->rank; d++)
        *(d < axis ? &p->rows : &p->n) *= (size_t)x->dims[d];
    for (uint32_t i = 0; i < PARAMS; i++) {
        const mote_array *a = p->first + i < l->n_in ? l->in[p->first + i] : NULL;
        p->given[i] = a != NULL;
        if (a == NULL)
            continue;
        if (!mote_cpu_is_float(a->dtype) || !same_for_rows(x, a, axis) || mote_broadcast_init(&p->at[i], x, &a, 1, NULL) != MOTE_OK)
            return MOTE_OK;
        p->spread[i] = a->dtype != MOTE_DTYPE_F32 || mote_array_count(a) != p->n;
        floats += p->spread[i];
    }
    floats += p->in != MOTE_DTYPE_F32 || p->out != MOTE_DTYPE_F32 ? l->workers : 0;
    if (!mote_size_mul(p->n, floats * sizeof(float), &l->scratch_bytes))
        return MOTE_OK;
    l->run = norm_run;
    l->params = p;
    l->inplace = p->in == MOTE_DTYPE_F32 ? 1 : 0;
    return MOTE_OK;
}

static mote_status lower_trailing(mote_lower *l, bool rms)
{
    const mote_array *x = l->in[0];
    int32_t axis;
    norm_params *p;
    MOTE_TRY(mote_arg_axis(mote_node_int(l->node, "axis", -1), x->rank, "axis", l->diag, &axis));
    if (l->out[0] == NULL || !mote_cpu_is_float(x->dtype) || !mote_cpu_is_float(l->out[0]->dtype) || mote_array_count(x) == 0)
        return MOTE_OK;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    for (uint32_t i = 1; i < l->n_out; i++) {
        p->stats[i - 1] = l->out[i] != NULL;
        if (l->out[i] != NULL && l->out[i]->dtype != MOTE_DTYPE_F32)
            return MOTE_OK;
    }
    const mote_norm_row *row = mote_norm_select(l->cpu);
    p->fn = rms ? row->rms : row->layer;
    p->first = 1;
    l->kernel = row->name;
    return lower_rows(l, p, axis);
}
static mote_status lower_layer(mote_lower *l) { return lower_trailing(l, false); }
static mote_status lower_rms(mote_lower *l) { return lower_trailing(l, true); }

static mote_status lower_add_layer(mote_lower *l)
{
    const mote_array *a = l->in[0];
    norm_params *p;
    if (l->out[0] == NULL || a->rank < 1 || mote_array_count(a) == 0 || !mote_array_same_shape(a, l->in[1]))
        return MOTE_OK;
    for (uint32_t i = 2; i < l->n_in; i++)
        if (l->in[i] != NULL && mote_array_count(l->in[i]) != (size_t)a->dims[a->rank - 1])
            return MOTE_OK;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    const mote_norm_row *row = mote_norm_select(l->cpu);
    p->fn = row->layer;
    p->add = mote_binary_select(MOTE_BINARY_ADD, l->cpu)->fn;
    p->first = 2;
    l->kernel = row->name;
    MOTE_TRY(lower_rows(l, p, a->rank - 1));
    l->inplace = 3;
    return MOTE_OK;
}

MOTE_LOWER(onnx, LayerNormalization, lower_layer)
MOTE_LOWER(onnx, RMSNormalization, lower_rms)
MOTE_LOWER(mote, AddLayerNormalization, lower_add_layer)
