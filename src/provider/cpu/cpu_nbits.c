/* cpu_nbits.c - lowering of com.microsoft MatMulNBits
 * SPDX-License-Identifier: Apache-2.0
 *
 * Weights stay in few bits: one row is multiplied from them, more rows from a panel that is unpacked while it is in the cache. */
#include "base/platform.h"
#include "base/size.h"
#include "kernels/gemm/gemm.h"
#include "kernels/nbits/nbits.h"
#include "ops/ms_nbits.h"
#include "provider/cpu/lower.h"
#include <string.h>

enum { CHUNK = 256 }; /* rows of weights that are unpacked together: with 48 columns, 48 KiB */

typedef struct nbits_params {
    const mote_nbits_row *row;
    const mote_gemm_f32_row *gemm;
    mote_nbits_groups groups; /* the first */
    size_t rows, n, chunk, worker_floats;
} nbits_params;

typedef struct nbits_job {
    const nbits_params *p;
    const float *x, *bias;
    float *y, *scratch;
} nbits_job;

static mote_nbits_groups group_at(const nbits_params *p, size_t group)
{
    mote_nbits_groups g = p->groups;
    g.q += group * g.q_step;
    g.scale += group * g.param_step;
    if (g.zero != NULL)
        g.zero += group * g.param_step;
    return g;
}

static void bias_of(const nbits_job *j, size_t n0, size_t n, float *to, size_t w)
{
    for (size_t i = 0; i < w; i++)
        to[i] = j->bias != NULL && i < n ? j->bias[n0 + i] : 0.0f;
}

/* Items: MOTE_NBITS_GEMV groups of 16 columns each. */
static void by_row(void *ctx, unsigned worker, size_t begin, size_t end)
{
    const nbits_job *j = ctx;
    const nbits_params *p = j->p;
    float *bias = j->scratch + worker * p->worker_floats, *out = bias + 16 * MOTE_NBITS_GEMV;
    for (size_t item = begin; item < end; item++) {
        const size_t n0 = item * MOTE_NBITS_GEMV * MOTE_LANES, n = mote_min_size(p->n - n0, MOTE_NBITS_GEMV * MOTE_LANES), groups = mote_div_up(n, MOTE_LANES);
        const mote_nbits_groups g = group_at(p, item * MOTE_NBITS_GEMV);
        bias_of(j, n0, n, bias, groups * MOTE_LANES);
        for (size_t r = 0; r < p->rows; r++) {
            p->row->gemv(&g, groups, j->x + r * g.k, bias, out);
            memcpy(j->y + r * p->n + n0, out, n * sizeof *out);
        }
    }
}

/* Items: panels of the product. */
static void by_panel(void *ctx, unsigned worker, size_t begin, size_t end)
{
    const nbits_job *j = ctx;
    const nbits_params *p = j->p;
    float *panel = j->scratch + worker * p->worker_floats;
    const size_t nr = p->gemm->nr, k = p->groups.k;
    for (size_t item = begin; item < end; item++) {
        const size_t n0 = mote_gemm_panel(nr, p->n, item), w = mote_gemm_panel(nr, p->n, item + 1) - n0, n = mote_min_size(w, p->n - n0);
        bias_of(j, n0, n, panel, w);
        for (size_t k0 = 0; k0 < k; k0 += p->chunk) {
            const size_t k1 = mote_min_size(k, k0 + p->chunk);
            for (size_t i = 0; i < w / MOTE_LANES; i++) {
                const mote_nbits_groups g = group_at(p, n0 / MOTE_LANES + i);
                p->row->unpack(&g, k0, k1, panel + w + i * MOTE_LANES, w);
            }
            const mote_gemm_f32_op op = {.row = p->gemm, .m = p->rows, .n = n, .taps = 1, .kc = k1 - k0, .a = j->x + k0, .a_stride = k, .b = panel, .c = j->y + n0,
                                         .c_stride = p->n, .flags = k0 != 0 ? MOTE_GEMM_ADD_C : 0};
            mote_gemm_f32_block(&op, 0, p->rows, 0, 1);
        }
    }
}

static mote_status nbits_run(const mote_step *step, mote_exec *x)
{
    const nbits_params *p = step->params;
    nbits_job j = {.p = p, .x = step->in[0]->data, .y = step->out[0]->data, .scratch = x->scratch,
                   .bias = step->n_in > MOTE_NBITS_BIAS && step->in[MOTE_NBITS_BIAS] != NULL ? step->in[MOTE_NBITS_BIAS]->data : NULL};
    if (p->chunk == 0)
        mote_parallel_for(x->pool, mote_div_up(p->n, MOTE_NBITS_GEMV * MOTE_LANES), 1, by_row, &j);
    else
        mote_parallel_for(x->pool, mote_gemm_panels(p->gemm->nr, p->n), 1, by_panel, &j);
    return MOTE_OK;
}

/* ---- packing: groups' weights, then scales, then zero points (where given) ---- */

typedef struct pack_job {
    mote_nbits w;
    unsigned bits;
    size_t groups, q_bytes, param_floats;
    const mote_array *b, *scale, *zero;
} pack_job;

static mote_status pack_fill(void *ctx, void *dst)
{
    const pack_job *j = ctx;
    const mote_nbits *w = &j->w;
    float *scale = (float *)(void *)((uint8_t *)dst + j->groups * j->q_bytes), *zero = scale + j->groups * j->param_floats;
    for (size_t n = 0; n < w->n; n++) {
        uint8_t *group = (uint8_t *)dst + n / MOTE_LANES * j->q_bytes;
        for (size_t k = 0; k < w->k; k++)
            mote_nbits_set(j->bits, group, k, n % MOTE_LANES, mote_nbits_q(w, j->b->data, n, k));
        for (size_t b = 0; b < w->blocks; b++) {
            const size_t at = n / MOTE_LANES * j->param_floats + b * MOTE_LANES + n % MOTE_LANES;
            scale[at] = ((const mote_f32u *)j->scale->data)[n * w->blocks + b];
            if (j->zero != NULL)
                zero[at] = j->zero->dtype == MOTE_DTYPE_U8 ? mote_nbits_zero(w, j->zero, n, b) : ((const mote_f32u *)j->zero->data)[n * w->blocks + b];
        }
    }
    return MOTE_OK;
}

/* g_idx that says what is the case without it */
static bool in_order(const mote_array *group, const mote_nbits *w)
{
    for (size_t k = 0; k < w->k; k++)
        if (((const mote_s32u *)group->data)[k] != (int32_t)(k / w->block))
            return false;
    return true;
}

static mote_status lower_nbits(mote_lower *l)
{
    const uint32_t used[3] = {MOTE_NBITS_B, MOTE_NBITS_SCALES, MOTE_NBITS_ZERO};
    const mote_array *zero = l->n_in > MOTE_NBITS_ZERO && l->in[MOTE_NBITS_ZERO] != NULL ? l->value[MOTE_NBITS_ZERO] : NULL;
    const bool has_zero = l->n_in > MOTE_NBITS_ZERO && l->in[MOTE_NBITS_ZERO] != NULL, has_group = l->n_in > MOTE_NBITS_GROUP && l->in[MOTE_NBITS_GROUP] != NULL;
    pack_job j = {.b = mote_lower_fixed(l, MOTE_NBITS_B) ? l->in[MOTE_NBITS_B] : NULL,
                  .scale = mote_lower_fixed(l, MOTE_NBITS_SCALES) ? l->in[MOTE_NBITS_SCALES] : NULL, .zero = zero};
    if (l->out[0] == NULL || l->in[0]->dtype != MOTE_DTYPE_F32 || j.b == NULL || j.scale == NULL || (has_zero && zero == NULL) || mote_array_count(l->out[0]) == 0 ||
        (zero != NULL && zero->dtype != MOTE_DTYPE_U8 && zero->dtype != MOTE_DTYPE_F32))
        return MOTE_OK;
    MOTE_TRY(mote_nbits_of(l->node, l->in, l->n_in, &j.w, l->diag));
    if (j.w.empty || (has_group && (l->value[MOTE_NBITS_GROUP] == NULL || !in_order(l->value[MOTE_NBITS_GROUP], &j.w))))
        return MOTE_OK;
    nbits_params *p;
    size_t bytes, params;
    j.bits = j.w.bits == 8 ? 8 : 4; /* 2 bits are kept in 4 */
    j.groups = mote_div_up(j.w.n, MOTE_LANES);
    j.q_bytes = mote_nbits_group_bytes(j.bits, j.w.k);
    j.param_floats = j.w.blocks * MOTE_LANES;
    if (!mote_size_mul(j.groups, j.param_floats, &params) || !mote_size_mul(params, has_zero ? 8 : 4, &params) || !mote_size_mul(j.groups, j.q_bytes, &bytes) ||
        !mote_size_add(bytes, params, &bytes))
        return MOTE_OK;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    const void *packed;
    MOTE_TRY(mote_lower_pack(l, used, has_zero ? 3 : 2, (uint64_t)j.w.block * 1000003 + j.w.bits * 64 + j.w.k, bytes, pack_fill, &j, &packed));
    const float *scale = (const float *)(const void *)((const uint8_t *)packed + j.groups * j.q_bytes);
    *p = (nbits_params){.row = mote_nbits_select(j.bits, l->cpu), .gemm = mote_gemm_f32_select(l->cpu), .rows = mote_array_count(l->in[0]) / j.w.k, .n = j.w.n,
                        .groups = {.q = packed, .scale = scale, .zero = has_zero ? scale + j.groups * j.param_floats : NULL, .middle = (float)(1u << (j.w.bits - 1)),
                                   .k = j.w.k, .block = j.w.block, .q_step = j.q_bytes, .param_step = j.param_floats}};
    if (p->rows <= 2) {
        p->worker_floats = 2 * MOTE_LANES * MOTE_NBITS_GEMV;
    } else {
        p->chunk = mote_max_size(CHUNK, j.w.block); /* both powers of two: chunks begin at blocks */
        if (!mote_size_mul(mote_min_size(p->chunk, j.w.k) + 1, p->gemm->nr, &p->worker_floats))
            return MOTE_OK;
    }
    size_t floats;
    if (!mote_size_align(p->worker_floats, MOTE_LANES, &p->worker_floats) || !mote_size_mul(p->worker_floats, l->workers, &floats) ||
        !mote_size_mul(floats, sizeof(float), &l->scratch_bytes))
        return MOTE_OK;
    l->run = nbits_run;
    l->params = p;
    l->kernel = p->row->name;
    l->gone = 1u << MOTE_NBITS_B | 1u << MOTE_NBITS_SCALES;
    l->unread = 1u << MOTE_NBITS_B | 1u << MOTE_NBITS_SCALES | (has_zero ? 1u << MOTE_NBITS_ZERO : 0u) | (has_group ? 1u << MOTE_NBITS_GROUP : 0u);
    return MOTE_OK;
}

MOTE_LOWER(ms, MatMulNBits, lower_nbits)
