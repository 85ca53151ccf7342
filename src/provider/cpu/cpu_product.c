/* cpu_product.c - activations, packing and parallel loops of matrix products and convolutions
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "provider/cpu/cpu_product.h"
#include "ops/forms.h"
#include <math.h>

void mote_cpu_act_of(const mote_node *node, uint32_t cpu, mote_cpu_act *act)
{
    mote_unary op;
    *act = (mote_cpu_act){.clamp = false};
    if (!mote_form_activation(node, &op, act->params))
        return;
    if (op == MOTE_UNARY_RELU || op == MOTE_UNARY_CLIP) {
        act->clamp = true;
        act->lo = op == MOTE_UNARY_RELU ? 0.0f : act->params[0];
        act->hi = op == MOTE_UNARY_RELU ? INFINITY : act->params[1];
        return;
    }
    act->fn = mote_unary_select(op, cpu)->fn;
}

typedef struct packing {
    const mote_cpu_pack *p;
    float *dst;
    size_t panels;
} packing;

static void pack_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const packing *j = ctx;
    for (size_t i = begin; i < end;) {
        const size_t g = i / j->panels, p0 = i % j->panels, p1 = mote_min_size(j->panels, p0 + (end - i));
        mote_gemm_f32_source s = j->p->source;
        s.src = (const char *)s.src + g * j->p->src_step * sizeof(float);
        if (s.bias != NULL)
            s.bias = (const char *)s.bias + g * j->p->bias_step * sizeof(float);
        if (j->p->run != 0)
            mote_gemm_bf16_pack(j->p->nr, &s, j->p->run, j->dst + g * j->p->dst_step, p0, p1);
        else
            mote_gemm_f32_pack(j->p->nr, &s, j->dst + g * j->p->dst_step, p0, p1);
        i += p1 - p0;
    }
}

void mote_cpu_pack_run(const mote_cpu_pack *p, float *dst, mote_pool *pool)
{
    packing j = {.p = p, .dst = dst, .panels = mote_gemm_panels(p->nr, p->source.n)};
    if (j.panels != 0)
        mote_parallel_for(pool, j.panels * p->groups, 1, pack_range, &j);
}

mote_status mote_cpu_pack_fill(void *ctx, void *dst)
{
    mote_cpu_pack_run(ctx, dst, ((const mote_cpu_pack *)ctx)->pool);
    return MOTE_OK;
}

size_t mote_cpu_product_scratch(const mote_gemm_f32_op *op) { return mote_div_up(mote_gemm_f32_scratch(op), 64) * 64; }

typedef struct product {
    const mote_gemm_f32_op *op;
    const mote_conv_rows *rows;
    size_t runs_bytes, panels, repeat;
    bool by_panels;
} product;

/* Rows that share a row of the residual at a time. */
static void product_block(const product *j, mote_gemm_f32_op *op, size_t m0, size_t m1, size_t p0, size_t p1)
{
    const float *residual = op->residual;
    if (residual == NULL || j->repeat == 1) {
        mote_gemm_f32_block(op, m0, m1, p0, p1);
        return;
    }
    op->residual_stride = 0;
    for (size_t m = m0, end; m < m1; m = end) {
        end = mote_min_size(m1, (m / j->repeat + 1) * j->repeat);
        op->residual = residual + m / j->repeat * j->op->residual_stride;
        mote_gemm_f32_block(op, m, end, p0, p1);
    }
}

static void product_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    const product *j = ctx;
    mote_gemm_f32_op op = *j->op;
    mote_conv_rows rows;
    op.scratch = (char *)op.scratch + worker * mote_cpu_product_scratch(&op);
    if (j->rows != NULL) {
        rows = *j->rows;
        if (rows.runs != NULL)
            rows.runs = (char *)rows.runs + worker * j->runs_bytes;
        op.rows_ctx = &rows;
    }
    if (j->by_panels)
        product_block(j, &op, 0, op.m, begin, end);
    else
        product_block(j, &op, begin, end, 0, j->panels);
}

void mote_cpu_product(mote_pool *pool, const mote_gemm_f32_op *op, const mote_conv_rows *rows, size_t runs_bytes)
{
    mote_cpu_product_repeat(pool, op, rows, runs_bytes, 1);
}

void mote_cpu_product_repeat(mote_pool *pool, const mote_gemm_f32_op *op, const mote_conv_rows *rows, size_t runs_bytes, size_t repeat)
{
    product j = {.op = op, .rows = rows, .runs_bytes = runs_bytes, .repeat = repeat, .panels = mote_gemm_panels(op->row->nr, op->n)};
    const size_t workers = mote_pool_workers(pool), mr = op->row->mr;
    /* Split what is longer, so that the other operand is read once by each worker; m if there are too few panels. */
    j.by_panels = op->n > op->m && j.panels >= workers;
    if (op->m == 0 || op->n == 0)
        return;
    if (j.by_panels)
        mote_parallel_for(pool, j.panels, 1, product_range, &j);
    else
        mote_parallel_for(pool, op->m, 2 * mr, product_range, &j);
}
