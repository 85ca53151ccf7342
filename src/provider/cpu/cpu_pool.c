/* cpu_pool.c - lowering of pooling, channels last
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/pool/pool.h"
#include "ops/forms.h"
#include "provider/cpu/cpu_window.h"
#include <string.h>

enum { POINTERS = 2048 };

typedef struct pool_params {
    const mote_pool_row *row;
    mote_conv_window window;
    size_t m, c, taps, element;
    const void *border;  /* a row of zeros for the mean, of the least value for the maximum */
    const float *counts; /* oh * ow divisors, for the mean */
} pool_params;

typedef struct pool_job {
    const pool_params *p;
    const char *x;
    char *y;
} pool_job;

static void pool_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const pool_job *j = ctx;
    const pool_params *p = j->p;
    const mote_conv_rows rows = {.window = &p->window, .x = j->x, .zero = p->counts != NULL ? p->border : NULL};
    const void *table[POINTERS];
    const size_t pixels = p->window.oh * p->window.ow, step = mote_min_size(POINTERS / p->taps, pixels);
    for (size_t m = begin, n; m < end; m += n) {
        n = mote_min_size(step, end - m);
        if (p->counts != NULL)
            n = mote_min_size(n, pixels - m % pixels); /* one image at a time: counts has one */
        mote_conv_taps(&rows, m, n, 0, p->taps, table);
        if (p->counts == NULL)
            mote_pool_fill(table, p->taps, n, p->border);
        const mote_pool_tile t = {.a = table, .a_step = n, .pixels = n, .taps = p->taps, .c = p->c, .y = j->y + m * p->c * p->element, .y_stride = p->c,
                                  .count = p->counts != NULL ? p->counts + m % pixels : NULL};
        p->row->fn(&t);
    }
}

static mote_status pool_run(const mote_step *step, mote_exec *x)
{
    const pool_params *p = step->params;
    pool_job j = {.p = p, .x = step->in[0]->data, .y = step->out[0]->data};
    mote_parallel_for(x->pool, p->m, mote_max_size(4, 4096 / p->c), pool_range, &j);
    return MOTE_OK;
}

/* ---- whole images ---- */

static void global_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const pool_job *j = ctx;
    const pool_params *p = j->p;
    for (size_t i = begin; i < end;) {
        const size_t image = i / p->c, c = i % p->c, n = mote_min_size(p->c - c, end - i);
        p->row->global(j->x + (image * p->taps * p->c + c) * p->element, p->c, p->taps, n, (float)p->taps, j->y + i * p->element);
        i += n;
    }
}

static mote_status global_run(const mote_step *step, mote_exec *x)
{
    const pool_params *p = step->params;
    pool_job j = {.p = p, .x = step->in[0]->data, .y = step->out[0]->data};
    mote_parallel_for(x->pool, p->m * p->c, 64, global_range, &j);
    return MOTE_OK;
}

/* ---- lowering ---- */

static bool kind_of(const mote_array *x, bool max, mote_pool_kind *kind)
{
    *kind = !max ? MOTE_POOL_MEAN_F32 : x->dtype == MOTE_DTYPE_F32 ? MOTE_POOL_MAX_F32 : x->dtype == MOTE_DTYPE_U8 ? MOTE_POOL_MAX_U8 : MOTE_POOL_MAX_S8;
    return x->dtype == MOTE_DTYPE_F32 || (max && (x->dtype == MOTE_DTYPE_U8 || x->dtype == MOTE_DTYPE_S8));
}

static mote_status lower_global(mote_lower *l, bool max)
{
    const mote_array *x = l->in[0];
    mote_pool_kind kind;
    if (l->out[0] == NULL || x->rank < 3 || mote_array_count(x) == 0 || !kind_of(x, max, &kind))
        return MOTE_OK;
    pool_params *p;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = (pool_params){.row = mote_pool_select(kind, l->cpu), .m = (size_t)x->dims[0], .c = (size_t)x->dims[x->rank - 1]};
    p->element = x->dtype == MOTE_DTYPE_F32 ? 4 : 1;
    p->taps = mote_array_count(x) / (p->m * p->c);
    l->run = global_run;
    l->params = p;
    l->kernel = p->row->name;
    return MOTE_OK;
}

static mote_status lower_pool(mote_lower *l, bool max)
{
    const mote_array *x = l->in[0];
    mote_pool_kind kind;
    mote_conv_window w;
    mote_window full;
    size_t n;
    const int64_t *kernel = mote_node_ints(l->node, "kernel_shape", &n);
    if (l->out[0] == NULL || kernel == NULL || n + 2 != (size_t)x->rank || mote_array_count(x) == 0 || !kind_of(x, max, &kind))
        return MOTE_OK;
    const size_t element = x->dtype == MOTE_DTYPE_F32 ? 4 : 1;
    if (!mote_cpu_window_of(l, kernel, element, &w) || w.kw > POINTERS || w.kh > POINTERS / w.kw)
        return MOTE_OK;
    MOTE_TRY(mote_window_of(l->node, x->rank - 2, kernel, x->dims + 1, &full, l->diag));
    pool_params *p;
    void *border;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = (pool_params){.row = mote_pool_select(kind, l->cpu), .window = w, .c = (size_t)x->dims[x->rank - 1], .taps = w.kh * w.kw, .element = element};
    MOTE_TRY(mote_lower_params(l, p->c * element, &border));
    p->m = (size_t)x->dims[0] * w.oh * w.ow;
    p->border = border;
    if (max && kind == MOTE_POOL_MAX_F32)
        for (size_t i = 0; i < p->c; i++)
            ((float *)border)[i] = -__builtin_inff();
    else if (kind == MOTE_POOL_MAX_S8)
        memset(border, 0x80, p->c);
    if (!max) {
        float *counts;
        size_t bytes;
        const bool padding = mote_node_int(l->node, "count_include_pad", 0) != 0;
        const size_t end_w = (size_t)full.pad_end[full.r - 1], end_h = full.r == 2 ? (size_t)full.pad_end[0] : 0;
        if (!mote_size_mul(w.oh * w.ow, sizeof *counts, &bytes))
            return MOTE_OK;
        MOTE_TRY(mote_lower_params(l, bytes, (void **)&counts));
        for (size_t y = 0; y < w.oh; y++)
            for (size_t i = 0; i < w.ow; i++)
                counts[y * w.ow + i] = (float)(mote_cpu_window_inside(y, w.stride_h, w.kh, w.dilation_h, w.pad_top, w.h, end_h, padding) *
                                               mote_cpu_window_inside(i, w.stride_w, w.kw, w.dilation_w, w.pad_left, w.w, end_w, padding));
        p->counts = counts;
    }
    l->run = pool_run;
    l->params = p;
    l->kernel = p->row->name;
    return MOTE_OK;
}

static mote_status lower_max(mote_lower *l) { return lower_pool(l, true); }
static mote_status lower_mean(mote_lower *l) { return lower_pool(l, false); }
static mote_status lower_global_max(mote_lower *l) { return lower_global(l, true); }
static mote_status lower_global_mean(mote_lower *l) { return lower_global(l, false); }

MOTE_LOWER(mote, MaxPool, lower_max)
MOTE_LOWER(mote, AveragePool, lower_mean)
MOTE_LOWER(mote, GlobalMaxPool, lower_global_max)
MOTE_LOWER(mote, GlobalAveragePool, lower_global_mean)
