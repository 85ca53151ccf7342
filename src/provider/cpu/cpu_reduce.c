/* cpu_reduce.c - lowering of reductions of floats up to 32 bits, and of the common ones of 32- and 64-bit integers
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/size.h"
#include "kernels/reduce/reduce.h"
#include "kernels/unary/unary.h"
#include "kernels/binary/binary.h"
#include "ops/elements.h"
#include "ops/moves.h"
#include "provider/cpu/cpu_copy.h"
#include "provider/cpu/cpu_wide.h"
#include <math.h>

enum { GRAIN = 8192, COLUMNS = 64 };

typedef enum post { AS_IS, MEAN, ROOT, LOG, LOG_EXP } post;

static const struct {
    const char *op;
    mote_reduce kernel;
    post post;
} table[] = {{"ReduceSum", MOTE_REDUCE_SUM, AS_IS},         {"ReduceMean", MOTE_REDUCE_SUM, MEAN},
             {"ReduceMax", MOTE_REDUCE_MAX, AS_IS},         {"ReduceMin", MOTE_REDUCE_MIN, AS_IS},
             {"ReduceProd", MOTE_REDUCE_PROD, AS_IS},       {"ReduceL1", MOTE_REDUCE_SUMABS, AS_IS},
             {"ReduceL2", MOTE_REDUCE_SUMSQ, ROOT},         {"ReduceSumSquare", MOTE_REDUCE_SUMSQ, AS_IS},
             {"ReduceLogSum", MOTE_REDUCE_SUM, LOG},        {"ReduceLogSumExp", MOTE_REDUCE_MAX, LOG_EXP}};

typedef struct reduce_params {
    const mote_reduce_row *row, *sum;
    mote_unary_fn exp, log;
    mote_binary_fn sub;
    post post;
    mote_reduce_form f;
    mote_copy_plan move; /* where the order in memory is another one */
    size_t moved_floats;
} reduce_params;

typedef struct reduce_job {
    const reduce_params *p;
    const float *x;
    float *y, *rows; /* rows: of n, one a worker, for LOG_EXP */
} reduce_job;

static void finish(const reduce_params *p, float *y, size_t n)
{
    if (p->post == MEAN)
        for (size_t i = 0; i < n; i++)
            y[i] /= (float)p->f.n;
    else if (p->post == ROOT)
        for (size_t i = 0; i < n; i++)
            y[i] = sqrtf(y[i]);
    else if (p->post == LOG)
        p->log(y, y, n, NULL);
}

/* max + log(sum exp(x - max)) */
static void log_exp(const reduce_params *p, const float *x, float *row, float *y)
{
    const size_t n = p->f.n;
    float top, sum;
    p->row->rows(x, n, &top, 1, n);
    *y = top;
    if (!isfinite(top))
        return;
    p->sub(x, &top, row, n, MOTE_FORM_VS);
    p->exp(row, row, n, NULL);
    p->sum->rows(row, n, &sum, 1, n);
    p->log(&sum, &sum, 1, NULL);
    *y = top + sum;
}

static void rows_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    const reduce_job *j = ctx;
    const reduce_params *p = j->p;
    const size_t n = p->f.n;
    if (p->post == LOG_EXP) {
        for (size_t r = begin; r < end; r++)
            log_exp(p, j->x + r * n, j->rows + worker * n, j->y + r);
        return;
    }
    p->row->rows(j->x + begin * n, n, j->y + begin, end - begin, n);
    finish(p, j->y + begin, end - begin);
}

static void cols_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const reduce_job *j = ctx;
    const reduce_params *p = j->p;
    for (size_t i = begin, m; i < end; i += m) {
        const size_t o = i / p->f.inner, c = i % p->f.inner;
        m = mote_min_size(p->f.inner - c, end - i);
        p->row->cols(j->x + o * p->f.n * p->f.inner + c, p->f.inner, j->y + i, p->f.n, m);
        finish(p, j->y + i, m);
    }
}

static mote_status reduce_run(const mote_step *step, mote_exec *x)
{
    const reduce_params *p = step->params;
    reduce_job j = {.p = p, .x = step->in[0]->data, .y = step->out[0]->data};
    float *scratch = x->scratch;
    if (p->f.moved && p->move.units != 0) {
        mote_cpu_copy_run(x->pool, &p->move, j.x, scratch);
        j.x = scratch;
    }
    if (p->post == LOG_EXP)
        j.rows = scratch + p->moved_floats;
    if (p->f.inner == 1)
        mote_parallel_for(x->pool, p->f.outer, 1 + GRAIN / (p->f.n + 1), rows_range, &j);
    else
        mote_parallel_for(x->pool, p->f.outer * p->f.inner, (1 + GRAIN / ((p->f.n + 1) * COLUMNS)) * COLUMNS, cols_range, &j);
    return MOTE_OK;
}

/* ---- integers: modulo 2^64, then modulo their width ---- */

typedef struct whole_params {
    mote_reduce op;
    bool mean, wide;
    size_t n, inner, count; /* count outputs */
} whole_params;

typedef struct whole_job {
    const whole_params *p;
    const void *x;
    void *y;
} whole_job;

static int64_t whole_at(const whole_job *j, size_t i) { return j->p->wide ? ((const int64_t *)j->x)[i] : (int64_t)((const int32_t *)j->x)[i]; }

static void whole_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const whole_job *j = ctx;
    const whole_params *p = j->p;
    for (size_t i = begin; i < end; i++) {
        const size_t first = i / p->inner * p->n * p->inner + i % p->inner;
        int64_t a = whole_at(j, first);
        for (size_t k = 1; k < p->n; k++) {
            const int64_t x = whole_at(j, first + k * p->inner);
            a = p->op == MOTE_REDUCE_SUM    ? (int64_t)((uint64_t)a + (uint64_t)x)
                : p->op == MOTE_REDUCE_PROD ? (int64_t)((uint64_t)a * (uint64_t)x)
                : p->op == MOTE_REDUCE_MAX  ? (x > a ? x : a)
                                            : (x < a ? x : a);
        }
        a = p->mean ? a / (int64_t)p->n : a;
        if (p->wide)
            ((int64_t *)j->y)[i] = a;
        else
            ((int32_t *)j->y)[i] = (int32_t)(uint32_t)a;
    }
}

static mote_status whole_run(const mote_step *step, mote_exec *x)
{
    whole_job j = {.p = step->params, .x = step->in[0]->data, .y = step->out[0]->data};
    mote_parallel_for(x->pool, j.p->count, 1 + GRAIN / j.p->n, whole_range, &j);
    return MOTE_OK;
}

static mote_status lower_whole(mote_lower *l, const bool *drop, mote_reduce op, post then)
{
    mote_reduce_form f;
    whole_params *p;
    mote_reduce_form_of(l->in[0], drop, false, &f);
    if (f.moved || f.n == 0 || then > MEAN || op == MOTE_REDUCE_SUMSQ || op == MOTE_REDUCE_SUMABS)
        return MOTE_OK;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = (whole_params){op, then == MEAN, l->in[0]->dtype == MOTE_DTYPE_S64, f.n, f.inner, f.outer * f.inner};
    l->run = whole_run;
    l->params = p;
    l->kernel = "mote_reduce_int";
    return MOTE_OK;
}

static mote_status lower_reduce(mote_lower *l)
{
    const mote_array *x = l->in[0];
    size_t at = 0;
    bool drop[MOTE_MAX_RANK], known;
    while (!mote_str_is(l->node->op, table[at].op))
        if (++at == sizeof table / sizeof table[0])
            return MOTE_OK;
    const bool given = l->n_in > 1 && l->in[1] != NULL;
    MOTE_TRY(mote_reduce_axes(l->node, x->rank, given, given ? l->value[1] : NULL, drop, &known, l->diag));
    if (l->out[0] == NULL || !known)
        return MOTE_OK;
    if (mote_cpu_is_half(x->dtype))
        return mote_cpu_lower_wide(l, lower_reduce);
    if (x->dtype == MOTE_DTYPE_S32 || x->dtype == MOTE_DTYPE_S64)
        return lower_whole(l, drop, table[at].kernel, table[at].post);
    if (x->dtype != MOTE_DTYPE_F32)
        return MOTE_OK;
    reduce_params *p;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = (reduce_params){.row = mote_reduce_select(table[at].kernel, l->cpu), .sum = mote_reduce_select(MOTE_REDUCE_SUM, l->cpu),
                         .exp = mote_unary_select(MOTE_UNARY_EXP, l->cpu)->fn, .log = mote_unary_select(MOTE_UNARY_LOG, l->cpu)->fn,
                         .sub = mote_binary_select(MOTE_BINARY_SUB, l->cpu)->fn, .post = table[at].post};
    mote_reduce_form_of(x, drop, p->post == LOG_EXP, &p->f);
    size_t floats = 0;
    if (p->f.moved) {
        int64_t out[MOTE_MAX_RANK];
        mote_strides_of(x->rank, p->f.dims, out);
        mote_cpu_copy_plan(&p->move, sizeof(float), x->rank, p->f.dims, p->f.strides, out, l->cpu);
        p->moved_floats = floats = mote_array_count(x);
    }
    size_t rows = 0;
    if (p->post == LOG_EXP && !mote_size_mul(p->f.n, l->workers, &rows))
        return MOTE_OK;
    if (!mote_size_add(floats, rows, &floats) || !mote_size_mul(floats, sizeof(float), &l->scratch_bytes))
        return MOTE_OK;
    l->run = reduce_run;
    l->params = p;
    l->kernel = p->row->name;
    return MOTE_OK;
}

MOTE_LOWER(onnx, ReduceSum, lower_reduce)
MOTE_LOWER(onnx, ReduceMean, lower_reduce)
MOTE_LOWER(onnx, ReduceMax, lower_reduce)
MOTE_LOWER(onnx, ReduceMin, lower_reduce)
MOTE_LOWER(onnx, ReduceProd, lower_reduce)
MOTE_LOWER(onnx, ReduceL1, lower_reduce)
MOTE_LOWER(onnx, ReduceL2, lower_reduce)
MOTE_LOWER(onnx, ReduceSumSquare, lower_reduce)
MOTE_LOWER(onnx, ReduceLogSum, lower_reduce)
MOTE_LOWER(onnx, ReduceLogSumExp, lower_reduce)
