/* cpu_quantize.c - lowering of QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear, between f32 and integers of 8, 16 and 32 bits
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/size.h"
#include "kernels/quantize/quantize.h"
#include "kernels/reduce/reduce.h"
#include "provider/cpu/lower.h"

enum { GRAIN = 8192, ROW_GRAIN = 64 };

typedef struct quant_params {
    const mote_quantize_row *row; /* NULL: s32 */
    size_t count, n, inner;       /* elements; scales along the axis, elements behind it. n 1: one scale */
    uint32_t zero_input;          /* 0: no zero point */
} quant_params;

typedef struct quant_job {
    const quant_params *p;
    const char *x;
    char *y;
    size_t x_size, y_size;
    const float *scale;
    const int32_t *zero;
    bool quantize;
} quant_job;

/* n elements from `at` on with the scales from k on. */
static void apply(const quant_job *j, size_t at, size_t n, size_t k, size_t step)
{
    const void *x = j->x + at * j->x_size;
    void *y = j->y + at * j->y_size;
    if (j->quantize)
        j->p->row->quantize(x, y, n, j->scale + k, j->zero + k, step);
    else if (j->p->row != NULL)
        j->p->row->dequantize(x, y, n, j->scale + k, j->zero + k, step);
    else
        mote_dequantize_s32(x, y, n, j->scale + k, step);
}

/* elements */
static void single_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    apply(ctx, begin, end - begin, 0, 0);
}

/* rows of `inner` elements, or of n when every element has its own scale */
static void axis_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const quant_job *j = ctx;
    const quant_params *p = j->p;
    for (size_t r = begin; r < end; r++)
        if (p->inner == 1)
            apply(j, r * p->n, p->n, 0, 1);
        else
            apply(j, r * p->inner, p->inner, r % p->n, 0);
}

static mote_status quant_run(const mote_step *step, mote_exec *x)
{
    const quant_params *p = step->params;
    int32_t *zero = x->scratch;
    for (size_t i = 0; i < p->n; i++)
        zero[i] = p->zero_input != 0 ? (int32_t)mote_array_i64(step->in[p->zero_input], i) : 0;
    const mote_array *from = step->in[0], *to = step->out[0];
    quant_job j = {.p = p, .x = from->data, .y = to->data, .x_size = mote_dtype_bits(from->dtype) / 8, .y_size = mote_dtype_bits(to->dtype) / 8,
                   .scale = step->in[1]->data, .zero = zero, .quantize = from->dtype == MOTE_DTYPE_F32};
    if (p->n == 1)
        mote_parallel_for(x->pool, p->count, GRAIN, single_range, &j);
    else
        mote_parallel_for(x->pool, p->inner == 1 ? p->count / p->n : p->count / p->inner, ROW_GRAIN, axis_range, &j);
    return MOTE_OK;
}

static bool type_of(mote_dtype t, mote_qtype *type)
{
    switch (t) {
    case MOTE_DTYPE_U8: *type = MOTE_Q_U8; return true;
    case MOTE_DTYPE_S8: *type = MOTE_Q_S8; return true;
    case MOTE_DTYPE_U16: *type = MOTE_Q_U16; return true;
    case MOTE_DTYPE_S16: *type = MOTE_Q_S16; return true;
    default: return false;
    }
}

static mote_status lower_quant(mote_lower *l, bool quantize)
{
    const mote_array *x = l->in[0], *scale = l->in[1], *zero = l->n_in > 2 ? l->in[2] : NULL, *y = l->out[0];
    mote_qtype type = MOTE_Q_U8;
    if (y == NULL || scale->dtype != MOTE_DTYPE_F32 || scale->rank > 1 || mote_array_count(x) == 0)
        return MOTE_OK;
    const mote_array *real = quantize ? x : y, *whole = quantize ? y : x;
    const bool s32 = !quantize && whole->dtype == MOTE_DTYPE_S32;
    const int64_t precision = mote_node_int(l->node, "precision", 0);
    if (real->dtype != MOTE_DTYPE_F32 || (!s32 && !type_of(whole->dtype, &type)) || mote_node_int(l->node, "block_size", 0) != 0 ||
        (precision != 0 && precision != MOTE_DTYPE_F32))
        return MOTE_OK;
    const size_t scales = mote_array_count(scale);
    if (zero != NULL && mote_array_count(zero) != scales)
        return MOTE_OK;
    if (s32 && zero != NULL) { /* the kernel has no zero point: the standard wants it to be 0 */
        const mote_array *z = l->value[2];
        for (size_t i = 0; i < scales; i++)
            if (z == NULL || mote_array_i64(z, i) != 0)
                return MOTE_OK;
    }
    quant_params *p;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = (quant_params){.row = s32 ? NULL : mote_quantize_select(type, l->cpu), .count = mote_array_count(x), .n = 1, .inner = 1};
    p->zero_input = zero != NULL && !s32 ? 2 : 0;
    if (scales != 1) {
        int64_t axis = mote_node_int(l->node, "axis", 1);
        axis += axis < 0 ? x->rank : 0;
        if (axis < 0 || axis >= x->rank || x->dims[axis] != scale->dims[0])
            return MOTE_OK; /* evaluation says what is wrong */
        p->n = scales;
        for (int32_t d = (int32_t)axis + 1; d < x->rank; d++)
            p->inner *= (size_t)x->dims[d];
    }
    l->scratch_bytes = p->n * sizeof(int32_t);
    l->run = quant_run;
    l->params = p;
    l->kernel = s32 ? "mote_dequantize_s32" : p->row->name;
    return MOTE_OK;
}

static mote_status lower_quantize(mote_lower *l) { return lower_quant(l, true); }
static mote_status lower_dequantize(mote_lower *l) { return lower_quant(l, false); }

/* ---- DynamicQuantizeLinear ---- */

enum { EXTREMES = 8192 }; /* elements of which both extremes are found while they are in the cache */

typedef struct dynamic_params {
    quant_params quant;
    const mote_reduce_row *least, *most;
} dynamic_params;

typedef struct dynamic_job {
    const dynamic_params *p;
    const float *x;
    float *found; /* pairs of each worker: the extremes of its elements and 0; a NaN is neither */
} dynamic_job;

static void extremes_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    const dynamic_job *j = ctx;
    float low = 0, high = 0, *found = j->found + 2 * worker;
    for (size_t i = begin, n; i < end; i += n) {
        float e[8];
        const float *x = j->x + i;
        n = end - i < EXTREMES ? end - i : EXTREMES;
        const size_t rows = n % 4 == 0 ? 4 : 1, row = n / rows;
        j->p->least->rows(x, row, e, rows, row);
        j->p->most->rows(x, row, e + rows, rows, row);
        bool nan = false;
        for (size_t k = 0; k < 2 * rows; k++)
            nan = nan || e[k] != e[k];
        if (!nan)
            x = e;
        for (size_t k = 0, count = nan ? n : 2 * rows; k < count; k++) {
            low = x[k] < low ? x[k] : low;
            high = x[k] > high ? x[k] : high;
        }
    }
    found[0] = low < found[0] ? low : found[0];
    found[1] = high > found[1] ? high : found[1];
}

static mote_status dynamic_run(const mote_step *step, mote_exec *x)
{
    const dynamic_params *params = step->params;
    const quant_params *p = &params->quant;
    const unsigned workers = mote_pool_workers(x->pool);
    dynamic_job d = {.p = params, .x = step->in[0]->data, .found = x->scratch};
    for (unsigned i = 0; i < 2 * workers; i++)
        d.found[i] = 0;
    mote_parallel_for(x->pool, p->count, GRAIN, extremes_range, &d);
    float low = 0, high = 0;
    for (unsigned i = 0; i < workers; i++) {
        low = d.found[2 * i] < low ? d.found[2 * i] : low;
        high = d.found[2 * i + 1] > high ? d.found[2 * i + 1] : high;
    }
    float scale = (high - low) / 255.0f;
    if (scale == 0)
        scale = 1; /* all zeros */
    const float minus = 0.0f - low; /* 0 when there is no negative element: the quotient is then rounded as the others are */
    uint8_t zero;
    const float one = scale;
    const int32_t none = 0;
    p->row->quantize(&minus, &zero, 1, &one, &none, 0);
    if (step->out[1] != NULL)
        *(float *)step->out[1]->data = scale;
    if (step->out[2] != NULL)
        *(uint8_t *)step->out[2]->data = zero;
    if (step->out[0] == NULL)
        return MOTE_OK;
    const int32_t z = zero;
    quant_job j = {.p = p, .x = step->in[0]->data, .y = step->out[0]->data, .x_size = sizeof(float), .y_size = 1, .scale = &scale, .zero = &z, .quantize = true};
    mote_parallel_for(x->pool, p->count, GRAIN, single_range, &j);
    return MOTE_OK;
}

static mote_status lower_dynamic(mote_lower *l)
{
    dynamic_params *p;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    p->quant = (quant_params){.row = mote_quantize_select(MOTE_Q_U8, l->cpu), .count = mote_array_count(l->in[0]), .n = 1, .inner = 1};
    p->least = mote_reduce_select(MOTE_REDUCE_MIN, l->cpu);
    p->most = mote_reduce_select(MOTE_REDUCE_MAX, l->cpu);
    if (!mote_size_mul(l->workers, 2 * sizeof(float), &l->scratch_bytes))
        return MOTE_OK;
    l->run = dynamic_run;
    l->params = p;
    l->kernel = p->quant.row->name;
    return MOTE_OK;
}

MOTE_LOWER(onnx, QuantizeLinear, lower_quantize)
MOTE_LOWER(onnx, DequantizeLinear, lower_dequantize)
MOTE_LOWER(onnx, DynamicQuantizeLinear, lower_dynamic)
MOTE_LOWER(ms, QuantizeLinear, lower_quantize)
MOTE_LOWER(ms, DequantizeLinear, lower_dequantize)
