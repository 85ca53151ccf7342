/* cpu_qpool.c - lowering of means of 8-bit integers, channels last: sums in s32, then requantized
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/pool/pool.h"
#include "kernels/quantize/quantize.h"
#include "ops/forms.h"
#include "provider/cpu/cpu_window.h"
#include <string.h>

enum { TAPS_MAX = 2048, BLOCK = 256, ELEMENTS_MAX = 1 << 23 }; /* 2^23 values of at most 255 stay inside of s32 */

typedef struct qpool_params {
    const mote_pool_row *row;
    mote_requantize_fn requantize;
    mote_conv_window window;
    size_t m, c, taps;
    const void *border;   /* c zero points */
    const float *factor;  /* of each output pixel of an image; a single one for whole images */
    int32_t zero_sum, zero, lo, hi; /* zero_sum: what the zero points add to a sum */
} qpool_params;

typedef struct qpool_job {
    const qpool_params *p;
    const char *x;
    uint8_t *y;
} qpool_job;

static void finish(const qpool_params *p, int32_t *sum, size_t n, float factor, uint8_t *y)
{
    for (size_t i = 0; i < n; i++)
        sum[i] -= p->zero_sum;
    p->requantize(sum, y, n, &factor, 0, p->zero, p->lo, p->hi);
}

static void qpool_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const qpool_job *j = ctx;
    const qpool_params *p = j->p;
    const mote_conv_rows rows = {.window = &p->window, .x = j->x, .zero = p->border};
    const void *table[TAPS_MAX], *part[TAPS_MAX];
    const size_t pixels = p->window.oh * p->window.ow;
    int32_t sum[BLOCK];
    for (size_t m = begin; m < end; m++) {
        mote_conv_taps(&rows, m, 1, 0, p->taps, table);
        for (size_t c = 0, n; c < p->c; c += n) {
            n = mote_min_size(BLOCK, p->c - c);
            for (size_t t = 0; t < p->taps; t++)
                part[t] = (const char *)table[t] + c;
            const mote_pool_tile tile = {.a = part, .a_step = 1, .pixels = 1, .taps = p->taps, .c = n, .y = sum, .y_stride = n};
            p->row->fn(&tile);
            finish(p, sum, n, p->factor[m % pixels], j->y + m * p->c + c);
        }
    }
}

static mote_status qpool_run(const mote_step *step, mote_exec *x)
{
    const qpool_params *p = step->params;
    qpool_job j = {.p = p, .x = step->in[0]->data, .y = step->out[0]->data};
    mote_parallel_for(x->pool, p->m, mote_max_size(4, 4096 / p->c), qpool_range, &j);
    return MOTE_OK;
}

/* ---- whole images: items are channels of images ---- */

static void global_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const qpool_job *j = ctx;
    const qpool_params *p = j->p;
    int32_t sum[BLOCK];
    for (size_t i = begin, n; i < end; i += n) {
        const size_t image = i / p->c, c = i % p->c;
        n = mote_min_size(mote_min_size(p->c - c, end - i), BLOCK);
        p->row->global(j->x + image * p->taps * p->c + c, p->c, p->taps, n, 1.0f, sum);
        finish(p, sum, n, p->factor[0], j->y + i);
    }
}

static mote_status global_run(const mote_step *step, mote_exec *x)
{
    const qpool_params *p = step->params;
    qpool_job j = {.p = p, .x = step->in[0]->data, .y = step->out[0]->data};
    mote_parallel_for(x->pool, p->m * p->c, 64, global_range, &j);
    return MOTE_OK;
}

/* ---- lowering ---- */

/* Parameters that both forms have, scales of the input and output; false: no case for the kernels. */
static bool begin_params(mote_lower *l, qpool_params *p, float *xs, float *ys, int32_t *xz)
{
    const mote_array *x = l->in[0], *y = l->out[0];
    for (uint32_t i = 1; i < 5; i++)
        if (l->in[i] != NULL && (l->value[i] == NULL || mote_array_count(l->value[i]) != 1))
            return false;
    if (x->rank < 3 || (x->dtype != MOTE_DTYPE_U8 && x->dtype != MOTE_DTYPE_S8) || (y->dtype != MOTE_DTYPE_U8 && y->dtype != MOTE_DTYPE_S8) ||
        mote_array_count(x) == 0)
        return false;
    *xs = (float)mote_array_f64(l->value[1], 0);
    *ys = (float)mote_array_f64(l->value[3], 0);
    *xz = l->in[2] != NULL ? (int32_t)mote_array_i64(l->value[2], 0) : 0;
    const bool is_signed = y->dtype == MOTE_DTYPE_S8;
    p->row = mote_pool_select(x->dtype == MOTE_DTYPE_S8 ? MOTE_POOL_SUM_S8 : MOTE_POOL_SUM_U8, l->cpu);
    p->requantize = mote_quantize_select(is_signed ? MOTE_Q_S8 : MOTE_Q_U8, l->cpu)->requantize;
    p->zero = (int32_t)mote_array_i64(l->value[4], 0);
    p->lo = is_signed ? -128 : 0;
    p->hi = p->lo + 255;
    p->c = (size_t)x->dims[x->rank - 1];
    return true;
}

static mote_status lower_global(mote_lower *l)
{
    const mote_array *x = l->in[0];
    qpool_params *p;
    float xs, ys, *factor;
    int32_t xz;
    if (l->out[0] == NULL)
        return MOTE_OK;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    MOTE_TRY(mote_lower_params(l, sizeof *factor, (void **)&factor));
    if (!begin_params(l, p, &xs, &ys, &xz))
        return MOTE_OK;
    p->m = (size_t)x->dims[0];
    p->taps = mote_array_count(x) / (p->m * p->c);
    if (p->taps > ELEMENTS_MAX)
        return MOTE_OK;
    p->zero_sum = xz * (int32_t)p->taps;
    *factor = mote_requant_mean(xs, p->taps, ys);
    p->factor = factor;
    l->run = global_run;
    l->params = p;
    l->kernel = p->row->name;
    return MOTE_OK;
}

static mote_status lower_average(mote_lower *l)
{
    const mote_array *x = l->in[0];
    qpool_params *p;
    mote_window w;
    float xs, ys, *factor;
    int32_t xz;
    size_t n, bytes;
    const int64_t *kernel = mote_node_ints(l->node, "kernel_shape", &n);
    if (l->out[0] == NULL)
        return MOTE_OK;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    if (!begin_params(l, p, &xs, &ys, &xz) || kernel == NULL || n + 2 != (size_t)x->rank || !mote_cpu_window_of(l, kernel, 1, &p->window) ||
        p->window.kw > TAPS_MAX || p->window.kh > TAPS_MAX / p->window.kw || !mote_size_mul(p->window.oh * p->window.ow, sizeof *factor, &bytes))
        return MOTE_OK;
    MOTE_TRY(mote_window_of(l->node, x->rank - 2, kernel, x->dims + 1, &w, l->diag));
    void *border;
    MOTE_TRY(mote_lower_params(l, p->c, &border));
    MOTE_TRY(mote_lower_params(l, bytes, (void **)&factor));
    memset(border, xz, p->c);
    p->border = border;
    p->taps = p->window.kh * p->window.kw;
    p->m = (size_t)x->dims[0] * p->window.oh * p->window.ow;
    p->zero_sum = xz * (int32_t)p->taps;
    const bool padding = mote_node_int(l->node, "count_include_pad", 0) != 0;
    const size_t end_w = (size_t)w.pad_end[w.r - 1], end_h = w.r == 2 ? (size_t)w.pad_end[0] : 0;
    for (size_t i = 0; i < p->window.oh; i++)
        for (size_t k = 0; k < p->window.ow; k++)
            factor[i * p->window.ow + k] =
                mote_requant_mean(xs, mote_cpu_window_inside(i, p->window.stride_h, p->window.kh, p->window.dilation_h, p->window.pad_top, p->window.h, end_h, padding) *
                                          mote_cpu_window_inside(k, p->window.stride_w, p->window.kw, p->window.dilation_w, p->window.pad_left, p->window.w, end_w, padding),
                                  ys);
    p->factor = factor;
    l->run = qpool_run;
    l->params = p;
    l->kernel = p->row->name;
    return MOTE_OK;
}

MOTE_LOWER(mote, QAveragePool, lower_average)
MOTE_LOWER(mote, QGlobalAveragePool, lower_global)
