/* cpu_softmax.c - lowering of Softmax and LogSoftmax
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/size.h"
#include "kernels/softmax/softmax.h"
#include "ops/moves.h"
#include "provider/cpu/cpu_halves.h"
#include "provider/cpu/cpu_wide.h"

enum { GRAIN = 2048, COLUMNS = 64 };

typedef struct softmax_params {
    const mote_softmax_row *row;
    const mote_convert_row *convert;
    mote_dtype dtype;
    mote_softmax_split s;
    size_t blocks; /* of columns */
} softmax_params;

typedef struct softmax_job {
    const softmax_params *p;
    const void *x;
    void *y;
    float *rows; /* of n, one a worker: for half floats */
} softmax_job;

static void rows_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    const softmax_job *j = ctx;
    const softmax_params *p = j->p;
    const size_t n = p->s.n;
    if (p->dtype == MOTE_DTYPE_F32) {
        p->row->rows((const float *)j->x + begin * n, (float *)j->y + begin * n, end - begin, n);
        return;
    }
    float *row = j->rows + worker * n;
    for (size_t r = begin; r < end; r++) {
        mote_cpu_row_in(p->convert, p->dtype, j->x, r * n, n, row);
        p->row->rows(row, row, 1, n);
        mote_cpu_row_store(p->convert, p->dtype, row, j->y, r * n, n);
    }
}

static mote_status rows_run(const mote_step *step, mote_exec *x)
{
    softmax_job j = {.p = step->params, .x = step->in[0]->data, .y = step->out[0]->data, .rows = x->scratch};
    mote_parallel_for(x->pool, j.p->s.outer, 1 + GRAIN / j.p->s.n, rows_range, &j);
    return MOTE_OK;
}

static void cols_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const softmax_job *j = ctx;
    const softmax_params *p = j->p;
    for (size_t u = begin; u < end; u++) {
        const size_t at = u / p->blocks * p->s.n * p->s.inner, c = u % p->blocks * COLUMNS;
        p->row->cols((const float *)j->x + at, (float *)j->y + at, p->s.n, p->s.inner, c, mote_min_size(c + COLUMNS, p->s.inner));
    }
}

static mote_status cols_run(const mote_step *step, mote_exec *x)
{
    softmax_job j = {.p = step->params, .x = step->in[0]->data, .y = step->out[0]->data};
    const softmax_params *p = j.p;
    mote_parallel_for(x->pool, p->s.outer * p->blocks, 1 + GRAIN / (p->s.n * mote_min_size(p->s.inner, COLUMNS)), cols_range, &j);
    return MOTE_OK;
}

static mote_status lower_softmax(mote_lower *l);
static mote_status lower_log_softmax(mote_lower *l);

static mote_status lower_as(mote_lower *l, bool log_form)
{
    const mote_array *x = l->in[0];
    softmax_params *p;
    mote_softmax_split s;
    MOTE_TRY(mote_softmax_split_of(l->node, x, &s, l->diag));
    if (l->out[0] == NULL || !mote_cpu_is_float(x->dtype) || mote_array_count(x) == 0)
        return MOTE_OK;
    if (s.inner != 1 && x->dtype != MOTE_DTYPE_F32)
        return mote_cpu_lower_wide(l, log_form ? lower_log_softmax : lower_softmax);
    size_t bytes = 0;
    if (x->dtype != MOTE_DTYPE_F32 && (!mote_size_mul(s.n, sizeof(float), &bytes) || !mote_size_mul(bytes, l->workers, &bytes)))
        return MOTE_OK;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = (softmax_params){.row = mote_softmax_select(log_form, l->cpu), .convert = mote_convert_select(l->cpu), .dtype = x->dtype, .s = s,
                          .blocks = mote_div_up(s.inner, COLUMNS)};
    l->run = s.inner == 1 ? rows_run : cols_run;
    l->params = p;
    l->kernel = p->row->name;
    l->scratch_bytes = bytes;
    l->inplace = 1;
    return MOTE_OK;
}

static mote_status lower_softmax(mote_lower *l) { return lower_as(l, false); }
static mote_status lower_log_softmax(mote_lower *l) { return lower_as(l, true); }

MOTE_LOWER(onnx, Softmax, lower_softmax)
MOTE_LOWER(onnx, LogSoftmax, lower_log_softmax)
