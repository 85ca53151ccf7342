/* cpu_select.c - lowering of ArgMax, ArgMin and TopK of floats up to 32 bits
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/size.h"
#include "kernels/reduce/reduce.h"
#include "ops/select.h"
#include "provider/cpu/cpu_wide.h"

enum { GRAIN = 4096 };

typedef struct select_params {
    const mote_reduce_row *extreme;
    mote_axis_split s;
    size_t k;
    bool max, last;
} select_params;

typedef struct select_job {
    const select_params *p;
    const float *x;
    float *values;  /* may be NULL */
    int64_t *places; /* may be NULL */
    char *scratch;  /* for each worker n keys and k places */
} select_job;

/* ---- ArgMax, ArgMin ---- */

static void arg_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const select_job *j = ctx;
    const select_params *p = j->p;
    const size_t n = p->s.n, inner = p->s.inner;
    if (inner == 1) {
        mote_reduce_arg_rows(p->extreme, j->x + begin * n, n, j->places + begin, end - begin, n, p->last);
        return;
    }
    for (size_t i = begin, m; i < end; i += m) {
        const size_t o = i / inner, c = i % inner;
        m = mote_min_size(inner - c, end - i);
        mote_reduce_arg_cols(p->max, j->x + o * n * inner + c, inner, j->places + i, n, m, p->last);
    }
}

static mote_status arg_run(const mote_step *step, mote_exec *x)
{
    select_job j = {.p = step->params, .x = step->in[0]->data, .places = step->out[0]->data};
    mote_parallel_for(x->pool, j.p->s.outer * j.p->s.inner, 1 + GRAIN / (j.p->s.n + 1), arg_range, &j);
    return MOTE_OK;
}

static mote_status lower_arg(mote_lower *l, bool max)
{
    const mote_array *x = l->in[0];
    mote_axis_split s;
    select_params *p;
    MOTE_TRY(mote_axis_split_of(l->node, 0, x, &s, l->diag));
    if (l->out[0] == NULL || x->dtype != MOTE_DTYPE_F32 || s.n > UINT32_MAX || (s.n == 0 && s.outer * s.inner != 0)) /* the evaluation says what is wrong */
        return MOTE_OK;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = (select_params){.extreme = mote_reduce_select(max ? MOTE_REDUCE_MAX : MOTE_REDUCE_MIN, l->cpu), .s = s, .max = max,
                         .last = mote_node_int(l->node, "select_last_index", 0) != 0};
    l->run = arg_run;
    l->params = p;
    l->kernel = s.inner == 1 ? p->extreme->name : "mote_reduce_arg_cols";
    return MOTE_OK;
}
static mote_status lower_arg_max(mote_lower *l)
{
    return mote_cpu_is_half(l->in[0]->dtype) ? mote_cpu_lower_wide(l, lower_arg_max) : lower_arg(l, true);
}
static mote_status lower_arg_min(mote_lower *l)
{
    return mote_cpu_is_half(l->in[0]->dtype) ? mote_cpu_lower_wide(l, lower_arg_min) : lower_arg(l, false);
}

/* ---- TopK ---- */

static size_t worker_bytes(const select_params *p) { return p->s.n * sizeof(uint64_t) + p->k * sizeof(size_t); }

static void top_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    const select_job *j = ctx;
    const select_params *p = j->p;
    const size_t n = p->s.n, inner = p->s.inner;
    uint64_t *key = (uint64_t *)(void *)(j->scratch + worker * worker_bytes(p));
    size_t *at = (size_t *)(void *)(key + n);
    for (size_t i = begin; i < end; i++) {
        const float *x = j->x + i / inner * n * inner + i % inner;
        const size_t to = i / inner * p->k * inner + i % inner;
        mote_top_f32(x, inner, n, p->max, p->k, key, at);
        for (size_t k = 0; k < p->k && j->values != NULL; k++)
            j->values[to + k * inner] = x[at[k] * inner];
        for (size_t k = 0; k < p->k && j->places != NULL; k++)
            j->places[to + k * inner] = (int64_t)at[k];
    }
}

static mote_status top_run(const mote_step *step, mote_exec *x)
{
    select_job j = {.p = step->params, .x = step->in[0]->data, .scratch = x->scratch};
    j.values = step->out[0] != NULL ? step->out[0]->data : NULL;
    j.places = step->n_out > 1 && step->out[1] != NULL ? step->out[1]->data : NULL;
    if (j.p->k != 0)
        mote_parallel_for(x->pool, j.p->s.outer * j.p->s.inner, 1 + GRAIN / j.p->s.n, top_range, &j);
    return MOTE_OK;
}

static mote_status lower_top_k(mote_lower *l)
{
    const mote_array *x = l->in[0], *y = l->out[0] != NULL ? l->out[0] : l->n_out > 1 ? l->out[1] : NULL;
    mote_axis_split s, to;
    select_params *p;
    if (mote_cpu_is_half(x->dtype))
        return mote_cpu_lower_wide(l, lower_top_k);
    if (y == NULL || x->dtype != MOTE_DTYPE_F32)
        return MOTE_OK;
    MOTE_TRY(mote_axis_split_of(l->node, -1, x, &s, l->diag));
    MOTE_TRY(mote_axis_split_of(l->node, -1, y, &to, l->diag)); /* K made its size */
    if (to.n > s.n)
        return MOTE_OK;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = (select_params){.s = s, .k = to.n, .max = mote_node_int(l->node, "largest", 1) != 0};
    if (!mote_size_mul(worker_bytes(p), l->workers, &l->scratch_bytes)) /* n elements of 4 bytes are there: n * 16 is a size */
        return MOTE_OK;
    l->run = top_run;
    l->params = p;
    l->kernel = "mote_top_k";
    return MOTE_OK;
}

MOTE_LOWER(onnx, ArgMax, lower_arg_max)
MOTE_LOWER(onnx, ArgMin, lower_arg_min)
MOTE_LOWER(onnx, TopK, lower_top_k)
