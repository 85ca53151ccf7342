/* cpu_chain.c - lowering of QChain: blocks of rows go through all steps while they are in the cache
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/size.h"
#include "kernels/quantize/quantize.h"
#include "ops/chain.h"
#include "provider/cpu/lower.h"
#include <string.h>

enum { BLOCK = 1024, GRAIN = 8192 };

typedef struct chain_params {
    mote_chain chain;
    const float *constant[MOTE_CHAIN_STEPS]; /* one, or a block of rows of them */
    bool one[MOTE_CHAIN_STEPS];
    const mote_quantize_row *from, *to;
    float xs, ys;
    int32_t xz, yz;
    size_t n, rows, block_rows; /* a row's elements; rows in all, and of a block */
} chain_params;

typedef struct chain_job {
    const chain_params *p;
    const uint8_t *x;
    uint8_t *y;
    float *scratch;
} chain_job;

static void chain_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    const chain_job *j = ctx;
    const chain_params *p = j->p;
    float *v = j->scratch + worker * p->block_rows * p->n;
    for (size_t r = begin, rows; r < end; r += rows) {
        rows = mote_min_size(p->block_rows, end - r);
        const size_t count = rows * p->n;
        p->from->dequantize(j->x + r * p->n, v, count, &p->xs, &p->xz, 0);
        for (uint32_t k = 0; k < p->chain.n; k++) {
            const mote_chain_step *s = &p->chain.steps[k];
            if (s->unary != NULL)
                s->unary(v, v, count, s->params);
            else
                s->binary(v, p->constant[k], v, count, p->one[k] ? MOTE_FORM_VS : MOTE_FORM_VV);
        }
        p->to->quantize(v, j->y + r * p->n, count, &p->ys, &p->yz, 0);
    }
}

static mote_status chain_run(const mote_step *step, mote_exec *x)
{
    const chain_params *p = step->params;
    chain_job j = {.p = p, .x = step->in[0]->data, .y = step->out[0]->data, .scratch = x->scratch};
    mote_parallel_for(x->pool, p->rows, mote_max_size(1, GRAIN / p->n), chain_range, &j);
    return MOTE_OK;
}

static mote_status lower_chain(mote_lower *l)
{
    const mote_array *x = l->in[0], *y = l->out[0];
    if (y == NULL || mote_array_count(y) == 0)
        return MOTE_OK;
    for (uint32_t i = 1; i < l->n_in; i++)
        if (l->in[i] != NULL && l->value[i] == NULL)
            return MOTE_OK;
    chain_params *p;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    MOTE_TRY(mote_chain_of(l->node, l->value, 5, l->cpu, &p->chain, l->diag));
    p->n = x->rank == 0 ? 1 : (size_t)x->dims[x->rank - 1];
    p->rows = mote_array_count(x) / p->n;
    p->block_rows = mote_min_size(p->rows, mote_max_size(1, BLOCK / p->n));
    p->from = mote_quantize_select(x->dtype == MOTE_DTYPE_U8 ? MOTE_Q_U8 : MOTE_Q_S8, l->cpu);
    p->to = mote_quantize_select(y->dtype == MOTE_DTYPE_U8 ? MOTE_Q_U8 : MOTE_Q_S8, l->cpu);
    p->xs = (float)mote_array_f64(l->value[1], 0);
    p->xz = l->in[2] != NULL ? (int32_t)mote_array_i64(l->value[2], 0) : 0;
    p->ys = (float)mote_array_f64(l->value[3], 0);
    p->yz = (int32_t)mote_array_i64(l->value[4], 0);
    size_t bytes;
    if (!mote_size_mul(p->block_rows * p->n, sizeof(float), &bytes) || !mote_size_mul(bytes, l->workers, &l->scratch_bytes))
        return MOTE_OK;
    for (uint32_t k = 0; k < p->chain.n; k++) {
        const mote_array *c = p->chain.steps[k].with;
        if (c == NULL)
            continue;
        const size_t count = mote_array_count(c);
        if (count != 1 && count != p->n)
            return MOTE_OK;
        p->one[k] = count == 1;
        float *constant;
        MOTE_TRY(mote_lower_params(l, p->one[k] ? sizeof *constant : bytes, (void **)&constant));
        for (size_t r = 0; r < (p->one[k] ? 1 : p->block_rows); r++)
            memcpy(constant + r * count, c->data, count * sizeof *constant);
        p->constant[k] = constant;
    }
    l->run = chain_run;
    l->params = p;
    l->kernel = p->to->name;
    return MOTE_OK;
}

MOTE_LOWER(mote, QChain, lower_chain)
