/* cpu_rotary.c - lowering of RotaryEmbedding, ONNX's and com.microsoft's
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/size.h"
#include "kernels/rotary/rotary.h"
#include "ops/rotary.h"
#include "provider/cpu/lower.h"
#include <string.h>

enum { WORK = 4096 }; /* elements that are worth a piece of their own */

typedef struct rotary_params {
    mote_rotary r;
    const mote_rotary_row *row;
    uint32_t cosine, position; /* inputs */
} rotary_params;

typedef struct rotary_job {
    const rotary_params *p;
    const float *x, *cosine, *sine;
    float *y;
    const uint32_t *at;
} rotary_job;

static void rotary_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    const rotary_job *j = ctx;
    const mote_rotary *r = &j->p->r;
    (void)worker;
    for (size_t row = begin; row < end; row++) {
        const size_t first = row / r->rows * r->step[0] + row % r->rows * r->step[2], at = j->at[row] * r->half, rest = r->n - 2 * r->half;
        if (!r->interleaved)
            j->p->row->fn(j->x + first, r->step[1], j->y + first, r->step[1], r->heads, j->cosine + at, j->sine + at, r->half);
        for (size_t h = 0; h < r->heads && (r->interleaved || rest != 0); h++) {
            const float *x = j->x + first + h * r->step[1];
            float *y = j->y + first + h * r->step[1];
            if (r->interleaved)
                mote_rotate(x, y, j->cosine + at, j->sine + at, r->half, true);
            if (rest != 0 && x != y)
                memcpy(y + 2 * r->half, x + 2 * r->half, rest * sizeof *y);
        }
    }
}

static mote_status rotary_run(const mote_step *step, mote_exec *x)
{
    const rotary_params *p = step->params;
    const mote_array *position = p->position < step->n_in ? step->in[p->position] : NULL;
    uint32_t *at = x->scratch;
    MOTE_TRY(mote_rotary_check(&p->r, position, x->diag));
    for (size_t row = 0; row < p->r.batch * p->r.rows; row++) {
        size_t place;
        MOTE_TRY(mote_rotary_place(&p->r, position, row / p->r.rows, row % p->r.rows, &place, x->diag));
        at[row] = (uint32_t)place;
    }
    rotary_job j = {.p = p, .x = step->in[0]->data, .cosine = step->in[p->cosine]->data, .sine = step->in[p->cosine + 1]->data, .y = step->out[0]->data, .at = at};
    mote_parallel_for(x->pool, p->r.batch * p->r.rows, mote_max_size(1, WORK / mote_max_size(1, p->r.heads * p->r.n)), rotary_range, &j);
    return MOTE_OK;
}

static mote_status lower(mote_lower *l, uint32_t cosine, uint32_t position, bool by_cache)
{
    rotary_params *p;
    if (l->out[0] == NULL || l->in[0]->dtype != MOTE_DTYPE_F32 || mote_array_count(l->out[0]) == 0)
        return MOTE_OK;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = (rotary_params){.row = mote_rotary_select(l->cpu), .cosine = cosine, .position = position};
    MOTE_TRY(mote_rotary_of(l->node, l->in[0], l->in[cosine], l->in[cosine + 1], by_cache, &p->r, l->diag));
    /* with the standard's operator, one position is that of one row */
    const mote_array *ids = position < l->n_in ? l->in[position] : NULL;
    if (p->r.cache_rows > UINT32_MAX || (!by_cache && ids != NULL && mote_array_count(ids) != p->r.batch * p->r.rows) ||
        !mote_size_mul(p->r.batch * p->r.rows, sizeof(uint32_t), &l->scratch_bytes))
        return MOTE_OK;
    l->run = rotary_run;
    l->params = p;
    l->kernel = p->row->name;
    return MOTE_OK;
}

static mote_status lower_rotary(mote_lower *l) { return lower(l, 1, 3, false); }
static mote_status lower_ms_rotary(mote_lower *l) { return lower(l, 2, 1, true); }

MOTE_LOWER(onnx, RotaryEmbedding, lower_rotary)
MOTE_LOWER(ms, RotaryEmbedding, lower_ms_rotary)
