/* cpu_attention.c - lowering of attention: for each head and block of rows, scores, softmax and their product with V while they are in the cache
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/size.h"
#include "kernels/binary/binary.h"
#include "kernels/gemm/gemm.h"
#include "kernels/softmax/softmax.h"
#include "kernels/unary/unary.h"
#include "provider/cpu/lower.h"

enum { SCORES = 64 << 10, MAX_ROWS = 128 }; /* floats of scores that are worked on together, and rows at most */

typedef struct attention_params {
    const mote_gemm_f32_row *row;
    const mote_softmax_row *softmax;
    mote_binary_fn add;
    mote_unary_fn linear;
    mote_transpose_fn transpose;
    size_t heads, items, l, s, d, e, qw, vw; /* items: batch * heads; qw, vw: rows of Q and K, of V and Y */
    size_t rows;                             /* of a block */
    size_t k_floats, v_floats, worker_floats;
    float scale[2];
    bool mask;
    size_t mask_step[4]; /* floats, 0 where broadcast: batch, head, l, s */
} attention_params;

typedef struct attention_job {
    const attention_params *p;
    const float *q, *k, *v, *mask;
    float *y, *scratch;
} attention_job;

static void attend(void *ctx, unsigned worker, size_t begin, size_t end)
{
    const attention_job *j = ctx;
    const attention_params *p = j->p;
    float *keys = j->scratch + worker * p->worker_floats, *values = keys + p->k_floats, *scores = values + p->v_floats;
    const size_t nr = p->row->nr;
    for (size_t i = begin; i < end; i++) {
        const size_t b = i / p->heads, h = i % p->heads;
        const mote_gemm_f32_source ks = {.src = j->k + b * p->s * p->qw + h * p->d, .n = p->s, .taps = 1, .kc = p->d, .k_stride = 1, .n_stride = p->qw,
                                         .transpose = p->transpose};
        const mote_gemm_f32_source vs = {.src = j->v + b * p->s * p->vw + h * p->e, .n = p->e, .taps = 1, .kc = p->s, .k_stride = p->vw, .n_stride = 1};
        mote_gemm_f32_pack(nr, &ks, keys, 0, mote_gemm_panels(nr, p->s));
        mote_gemm_f32_pack(nr, &vs, values, 0, mote_gemm_panels(nr, p->e));
        for (size_t m = 0; m < p->l; m += p->rows) {
            const size_t n = mote_min_size(p->rows, p->l - m);
            const mote_gemm_f32_op qk = {.row = p->row, .m = n, .n = p->s, .taps = 1, .kc = p->d, .a = j->q + (b * p->l + m) * p->qw + h * p->d, .a_stride = p->qw,
                                         .b = keys, .c = scores, .c_stride = p->s, .act = p->linear, .act_params = p->scale};
            mote_gemm_f32_block(&qk, 0, n, 0, mote_gemm_panels(nr, p->s));
            for (size_t r = 0; p->mask && r < n; r++) {
                const float *mask = j->mask + b * p->mask_step[0] + h * p->mask_step[1] + (m + r) * p->mask_step[2];
                p->add(scores + r * p->s, mask, scores + r * p->s, p->s, p->mask_step[3] != 0 ? MOTE_FORM_VV : MOTE_FORM_VS);
            }
            p->softmax->rows(scores, scores, n, p->s);
            const mote_gemm_f32_op pv = {.row = p->row, .m = n, .n = p->e, .taps = 1, .kc = p->s, .a = scores, .a_stride = p->s, .b = values,
                                         .c = j->y + (b * p->l + m) * p->vw + h * p->e, .c_stride = p->vw};
            mote_gemm_f32_block(&pv, 0, n, 0, mote_gemm_panels(nr, p->e));
        }
    }
}

static mote_status attention_run(const mote_step *step, mote_exec *x)
{
    const attention_params *p = step->params;
    attention_job j = {.p = p, .q = step->in[0]->data, .k = step->in[1]->data, .v = step->in[2]->data, .mask = p->mask ? step->in[3]->data : NULL,
                       .y = step->out[0]->data, .scratch = x->scratch};
    mote_parallel_for(x->pool, p->items, 1, attend, &j);
    return MOTE_OK;
}

/* Steps of the mask's dimensions within [b, heads, l, s]; false when it does not fit. */
static bool mask_steps(const mote_array *mask, const size_t *dims, size_t *step)
{
    size_t product = 1;
    if (mask->rank > 4)
        return false;
    for (int32_t i = 3; i >= 0; i--) {
        const int32_t own = i - (4 - mask->rank);
        const size_t n = own >= 0 ? (size_t)mask->dims[own] : 1;
        if (n != 1 && n != dims[i])
            return false;
        step[i] = n == 1 ? 0 : product;
        product *= n;
    }
    return true;
}

static mote_status lower_attention(mote_lower *l)
{
    const mote_array *q = l->in[0], *k = l->in[1], *v = l->in[2], *y = l->out[0], *mask = l->n_in > 3 ? l->in[3] : NULL;
    if (y == NULL || q->rank != 3 || k->rank != 3 || v->rank != 3 || mote_array_count(q) == 0 || mote_array_count(k) == 0 || mote_array_count(v) == 0)
        return MOTE_OK;
    const size_t heads = (size_t)mote_node_int(l->node, "heads", 1), batch = (size_t)q->dims[0], qw = (size_t)q->dims[2], vw = (size_t)v->dims[2];
    if (heads == 0 || qw % heads != 0 || vw % heads != 0 || k->dims[0] != q->dims[0] || v->dims[0] != q->dims[0] || k->dims[2] != q->dims[2] ||
        v->dims[1] != k->dims[1])
        return MOTE_OK;
    attention_params *p;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = (attention_params){.row = mote_gemm_f32_select(l->cpu), .softmax = mote_softmax_select(false, l->cpu), .add = mote_binary_select(MOTE_BINARY_ADD, l->cpu)->fn,
                            .linear = mote_unary_select(MOTE_UNARY_LINEAR, l->cpu)->fn, .transpose = mote_transpose_select(sizeof(float), l->cpu)->fn,
                            .heads = heads, .items = batch * heads, .l = (size_t)q->dims[1], .s = (size_t)k->dims[1], .d = qw / heads, .e = vw / heads, .qw = qw,
                            .vw = vw, .mask = mask != NULL};
    p->scale[0] = mote_node_float(l->node, "scale", 1.0f);
    p->scale[1] = -0.0f; /* x scale + -0 is x scale, rounded once, signs of zeros kept */
    const size_t dims[4] = {batch, heads, p->l, p->s};
    if (mask != NULL && !mask_steps(mask, dims, p->mask_step))
        return MOTE_OK;
    p->rows = mote_min_size(p->l, mote_max_size(p->row->mr, mote_min_size(MAX_ROWS, SCORES / p->s)));
    size_t scores, floats;
    if (!mote_gemm_f32_packed(p->s, p->d, &p->k_floats) || !mote_gemm_f32_packed(p->e, p->s, &p->v_floats) || !mote_size_mul(p->rows, p->s, &scores) ||
        !mote_size_add(p->k_floats, p->v_floats, &floats) || !mote_size_add(floats, scores, &floats) || !mote_size_align(floats, MOTE_LANES, &floats))
        return MOTE_OK;
    p->worker_floats = floats;
    if (!mote_size_mul(floats, l->workers, &floats) || !mote_size_mul(floats, sizeof(float), &l->scratch_bytes))
        return MOTE_OK;
    l->run = attention_run;
    l->params = p;
    l->kernel = p->row->name;
    return MOTE_OK;
}

MOTE_LOWER(mote, Attention, lower_attention)
