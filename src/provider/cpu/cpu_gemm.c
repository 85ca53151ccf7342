/* cpu_gemm.c - lowering of f32 matrix products: Gemm with fused bias, residual and activation; ONNX Gemm; ONNX MatMul with batches
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/size.h"
#include "provider/cpu/cpu_product.h"
#include "provider/cpu/cpu_window.h"

/* ---- one product ---- */

typedef struct gemm_params {
    mote_gemm_f32_op op; /* without addresses */
    mote_cpu_act act;
    mote_cpu_pack pack;
    const float *packed; /* NULL: packed at run into scratch */
    uint32_t bias, residual;
    size_t packed_bytes;
    size_t a_rows;       /* of a stored transposed: k; 0: not */
} gemm_params;

static const float *input_data(const mote_step *step, uint32_t i)
{
    return i < step->n_in && step->in[i] != NULL ? step->in[i]->data : NULL;
}

static mote_status gemm_run(const mote_step *step, mote_exec *x)
{
    const gemm_params *p = step->params;
    mote_gemm_f32_op op = p->op;
    float *scratch = x->scratch;
    op.scratch = x->scratch;
    op.a = step->in[0]->data;
    op.b = p->packed;
    op.c = step->out[0]->data;
    op.residual = input_data(step, p->residual);
    op.act_params = p->act.params;
    if (p->packed == NULL) {
        mote_cpu_pack pack = p->pack;
        pack.source.src = step->in[1]->data;
        pack.source.bias = input_data(step, p->bias);
        mote_cpu_pack_run(&pack, scratch, x->pool);
        op.b = scratch;
        scratch += p->packed_bytes / sizeof *scratch;
    }
    if (p->a_rows != 0) {
        for (size_t i = 0; i < op.m; i++)
            for (size_t j = 0; j < p->a_rows; j++)
                scratch[i * p->a_rows + j] = op.a[j * op.m + i];
        op.a = scratch;
    }
    mote_cpu_product(x->pool, &op, NULL, 0);
    return MOTE_OK;
}

static bool present(const mote_lower *l, uint32_t i) { return i < l->n_in && l->in[i] != NULL; }

/* m x k by k x n. bias, residual: inputs, UINT32_MAX for none. */
static mote_status lower_product(mote_lower *l, size_t m, size_t n, size_t k, bool trans_a, bool trans_b, uint32_t bias, uint32_t residual)
{
    const bool constant = mote_lower_fixed(l, 1) && (bias == UINT32_MAX || mote_lower_fixed(l, bias));
    const mote_gemm_f32_row *half = l->bf16 && constant && !(trans_a && m > 1) ? mote_gemm_bf16_select(l->cpu, 1, k, n) : NULL, *row = half != NULL ? half : mote_gemm_f32_select(l->cpu);
    size_t floats, bytes, a_bytes;
    if (!mote_gemm_f32_packed(n, half != NULL ? mote_gemm_bf16_depth(1, k) : k, &floats) || !mote_size_mul(floats, sizeof(float), &bytes) || !mote_size_mul(m, k, &a_bytes) ||
        !mote_size_mul(a_bytes, sizeof(float), &a_bytes))
        return MOTE_OK;
    gemm_params *p;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = (gemm_params){.bias = bias, .residual = residual, .packed_bytes = bytes, .a_rows = trans_a && m > 1 ? k : 0};
    mote_cpu_act_of(l->node, l->cpu, &p->act);
    p->op = (mote_gemm_f32_op){.row = row, .m = m, .n = n, .taps = 1, .kc = k, .a_stride = k, .c_stride = n, .residual_stride = n,
                               .flags = p->act.clamp ? MOTE_GEMM_CLAMP : 0u, .lo = p->act.lo, .hi = p->act.hi, .act = p->act.fn};
    p->pack = (mote_cpu_pack){.source = {.n = n, .taps = 1, .kc = k, .k_stride = trans_b ? 1 : n, .n_stride = trans_b ? k : 1,
                                          .transpose = mote_transpose_select(sizeof(float), l->cpu)->fn}, .nr = row->nr, .groups = 1, .run = half != NULL ? k : 0};
    if (constant) {
        const uint32_t inputs[] = {1, bias};
        p->pack.source.src = l->in[1]->data;
        p->pack.source.bias = bias != UINT32_MAX ? l->in[bias]->data : NULL;
        p->pack.pool = l->pool;
        MOTE_TRY(mote_lower_pack(l, inputs, bias != UINT32_MAX ? 2 : 1, MOTE_VARIANT((trans_b ? 't' : 'g') + (half != NULL ? 512 : 0), row->nr), bytes, mote_cpu_pack_fill, &p->pack,
                                 (const void **)&p->packed));
        l->gone = l->unread = bias != UINT32_MAX ? 2u | 1u << bias : 2u;
    } else {
        l->scratch_bytes = bytes;
    }
    if (p->a_rows != 0 && !mote_size_add(l->scratch_bytes, a_bytes, &l->scratch_bytes))
        return MOTE_OK;
    if (half != NULL && !mote_size_mul(mote_cpu_product_scratch(&p->op), l->workers, &l->scratch_bytes))
        return MOTE_OK;
    l->run = gemm_run;
    l->params = p;
    l->kernel = row->name;
    return MOTE_OK;
}

static mote_status lower_gemm(mote_lower *l)
{
    const mote_array *x = l->in[0], *w = l->in[1], *y = l->out[0];
    if (y == NULL || w->rank != 2 || x->rank < 1)
        return MOTE_OK;
    const bool trans = mote_node_int(l->node, "transB", 0) != 0;
    const size_t k = (size_t)w->dims[trans ? 1 : 0], n = (size_t)w->dims[trans ? 0 : 1], count = mote_array_count(y);
    if (count == 0 || k == 0)
        return MOTE_OK;
    if (present(l, 3) && (!mote_array_same_shape(l->in[3], y) || count / n != mote_array_count(x) / k)) /* the sum and R broadcast */
        return MOTE_OK;
    return lower_product(l, count / n, n, k, false, trans, present(l, 2) ? 2 : UINT32_MAX, present(l, 3) ? 3 : UINT32_MAX);
}

static mote_status lower_onnx_gemm(mote_lower *l)
{
    const mote_array *a = l->in[0], *y = l->out[0];
    if (y == NULL || y->dtype != MOTE_DTYPE_F32 || y->rank != 2 || a->rank != 2 || mote_node_float(l->node, "alpha", 1.0f) != 1.0f)
        return MOTE_OK;
    const bool trans_a = mote_node_int(l->node, "transA", 0) != 0, trans_b = mote_node_int(l->node, "transB", 0) != 0;
    const size_t m = (size_t)y->dims[0], n = (size_t)y->dims[1], k = (size_t)a->dims[trans_a ? 0 : 1];
    uint32_t bias = UINT32_MAX, residual = UINT32_MAX;
    if (m == 0 || n == 0 || k == 0)
        return MOTE_OK;
    if (present(l, 2) && mote_node_float(l->node, "beta", 1.0f) != 0.0f) {
        const mote_array *c = l->in[2];
        if (mote_node_float(l->node, "beta", 1.0f) != 1.0f)
            return MOTE_OK;
        if (mote_array_count(c) == n && c->rank >= 1 && (size_t)c->dims[c->rank - 1] == n)
            bias = 2;
        else if (c->rank == 2 && (size_t)c->dims[0] == m && (size_t)c->dims[1] == n)
            residual = 2;
        else
            return MOTE_OK;
    }
    return lower_product(l, m, n, k, trans_a, trans_b, bias, residual);
}

/* ---- batches ---- */

typedef struct batch_params {
    mote_gemm_f32_op op; /* of one product */
    mote_cpu_pack pack;
    const float *packed; /* every matrix of b; NULL: packed at run */
    size_t batches, a_step, b_step, c_step, packed_step; /* floats */
    int32_t rank;        /* of the batch dimensions */
    size_t dims[MOTE_MAX_RANK], a_index[MOTE_MAX_RANK], b_index[MOTE_MAX_RANK]; /* steps in matrices; 0 where broadcast */
} batch_params;

typedef struct batch_job {
    const batch_params *p;
    const float *a, *b;
    float *c, *scratch;
} batch_job;

/* Batch i: matrix ia of a, ib of b. */
static void batch_at(const batch_params *p, size_t i, size_t *ia, size_t *ib)
{
    *ia = *ib = 0;
    for (int32_t d = p->rank - 1; d >= 0; d--, i /= p->dims[d + 1]) {
        *ia += i % p->dims[d] * p->a_index[d];
        *ib += i % p->dims[d] * p->b_index[d];
    }
}

static mote_gemm_f32_op batch_op(const batch_job *j, size_t i, float *scratch, mote_pool *pool)
{
    const batch_params *p = j->p;
    mote_gemm_f32_op op = p->op;
    size_t ia, ib;
    batch_at(p, i, &ia, &ib);
    op.a = j->a + ia * p->a_step;
    op.c = j->c + i * p->c_step;
    if (p->packed != NULL) {
        op.b = p->packed + ib * p->packed_step;
    } else {
        mote_cpu_pack pack = p->pack;
        pack.source.src = j->b + ib * p->b_step;
        mote_cpu_pack_run(&pack, scratch, pool);
        op.b = scratch;
    }
    return op;
}

static void batch_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    const batch_job *j = ctx;
    for (size_t i = begin; i < end; i++) {
        mote_gemm_f32_op op = batch_op(j, i, j->scratch + worker * j->p->packed_step, NULL);
        mote_gemm_f32_block(&op, 0, op.m, 0, mote_gemm_panels(op.row->nr, op.n));
    }
}

static mote_status batch_run(const mote_step *step, mote_exec *x)
{
    const batch_params *p = step->params;
    batch_job j = {.p = p, .a = step->in[0]->data, .b = step->in[1]->data, .c = step->out[0]->data, .scratch = x->scratch};
    if (p->batches >= 2 * (size_t)mote_pool_workers(x->pool)) {
        mote_parallel_for(x->pool, p->batches, 1, batch_range, &j);
        return MOTE_OK;
    }
    for (size_t i = 0; i < p->batches; i++) {
        mote_gemm_f32_op op = batch_op(&j, i, x->scratch, x->pool);
        mote_cpu_product(x->pool, &op, NULL, 0);
    }
    return MOTE_OK;
}

/* Steps, in matrices, of an operand's batch dimensions within the result's. */
static void batch_steps(const mote_array *a, int32_t rank, size_t *index)
{
    size_t step = 1;
    for (int32_t d = rank - 1; d >= 0; d--) {
        const int32_t own = a->rank - 2 - (rank - d);
        const size_t n = own >= 0 ? (size_t)a->dims[own] : 1;
        index[d] = n == 1 ? 0 : step;
        step *= n;
    }
}

static mote_status lower_matmul(mote_lower *l)
{
    const mote_array *a = l->in[0], *b = l->in[1], *y = l->out[0];
    if (y == NULL || y->dtype != MOTE_DTYPE_F32 || a->rank < 1 || b->rank < 1 || mote_array_count(y) == 0)
        return MOTE_OK;
    const size_t k = (size_t)a->dims[a->rank - 1], n = b->rank == 1 ? 1 : (size_t)b->dims[b->rank - 1];
    if (k == 0)
        return MOTE_OK;
    size_t b_matrices = 1;
    for (int32_t d = 0; d + 2 < b->rank; d++)
        b_matrices *= (size_t)b->dims[d];
    if (b_matrices == 1) /* then a's rows stand one after another in the result, batches and all */
        return lower_product(l, mote_array_count(y) / n, n, k, false, false, UINT32_MAX, UINT32_MAX);

    const mote_gemm_f32_row *row = mote_gemm_f32_select(l->cpu);
    const size_t m = a->rank == 1 ? 1 : (size_t)a->dims[a->rank - 2];
    size_t floats, bytes;
    if (!mote_gemm_f32_packed(n, k, &floats))
        return MOTE_OK;
    batch_params *p;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = (batch_params){.batches = mote_array_count(y) / (m * n), .a_step = m * k, .b_step = k * n, .c_step = m * n, .packed_step = floats};
    p->rank = b->rank - 2 > a->rank - 2 ? b->rank - 2 : a->rank - 2;
    for (int32_t d = 0; d < p->rank; d++)
        p->dims[d] = (size_t)y->dims[d];
    batch_steps(a, p->rank, p->a_index);
    batch_steps(b, p->rank, p->b_index);
    p->op = (mote_gemm_f32_op){.row = row, .m = m, .n = n, .taps = 1, .kc = k, .a_stride = k, .c_stride = n};
    p->pack = (mote_cpu_pack){.source = {.n = n, .taps = 1, .kc = k, .k_stride = n, .n_stride = 1}, .nr = row->nr, .groups = 1};
    if (mote_lower_fixed(l, 1)) {
        static const uint32_t inputs[] = {1};
        mote_cpu_pack all = p->pack;
        all.source.src = l->in[1]->data;
        all.groups = b_matrices;
        all.pool = l->pool;
        all.src_step = k * n;
        all.dst_step = floats;
        if (!mote_size_mul(floats, b_matrices, &bytes) || !mote_size_mul(bytes, sizeof(float), &bytes))
            return MOTE_OK;
        MOTE_TRY(mote_lower_pack(l, inputs, 1, MOTE_VARIANT('b', row->nr), bytes, mote_cpu_pack_fill, &all, (const void **)&p->packed));
        l->gone = l->unread = 2;
    } else if (!mote_size_mul(floats, l->workers, &bytes) || !mote_size_mul(bytes, sizeof(float), &l->scratch_bytes)) {
        return MOTE_OK;
    }
    l->run = batch_run;
    l->params = p;
    l->kernel = row->name;
    return MOTE_OK;
}

MOTE_LOWER(mote, Gemm, lower_gemm)
MOTE_LOWER(onnx, Gemm, lower_onnx_gemm)
MOTE_LOWER(onnx, MatMul, lower_matmul)
