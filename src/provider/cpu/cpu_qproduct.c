/* cpu_qproduct.c - quantization parameters, packing and the parallel loop of integer products and convolutions
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "provider/cpu/cpu_qproduct.h"
#include "ops/forms.h"

enum { X, XS, XZ, W, WS, WZ, YS, YZ, B, T }; /* inputs */

static bool present(const mote_lower *l, uint32_t i) { return i < l->n_in && l->in[i] != NULL; }

static float float_at(const mote_array *a, size_t i) { return ((const mote_f32u *)a->data)[i]; }

mote_status mote_cpu_quant_of(mote_lower *l, size_t outputs, mote_cpu_quant *q, bool *ok)
{
    static const uint32_t constants[] = {XS, XZ, W, WS, WZ, YS, YZ, B};
    *ok = false;
    for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++)
        if (present(l, constants[i]) && (constants[i] == W || constants[i] == B ? !mote_lower_fixed(l, constants[i]) : l->value[constants[i]] == NULL))
            return MOTE_OK;
    const mote_array *x = l->in[X], *w = l->in[W], *ws = l->value[WS], *wz = present(l, WZ) ? l->value[WZ] : NULL, *y = l->out[0];
    const size_t n_ws = mote_array_count(ws), n_wz = wz != NULL ? mote_array_count(wz) : 1;
    if ((n_ws != 1 && n_ws != outputs) || (n_wz != 1 && n_wz != outputs) || mote_array_count(l->value[XS]) != 1 || mote_array_count(l->value[YS]) != 1 ||
        (present(l, XZ) && mote_array_count(l->value[XZ]) != 1) || mote_array_count(l->value[YZ]) != 1 || (present(l, B) && mote_array_count(l->in[B]) != outputs) ||
        (present(l, T) && l->in[T]->bytes < 256) || ws->dtype != MOTE_DTYPE_F32)
        return MOTE_OK;
    size_t bytes;
    float *scale;
    if (!mote_size_mul(outputs, sizeof *scale, &bytes) || outputs == 0)
        return MOTE_OK;
    MOTE_TRY(mote_lower_params(l, bytes, (void **)&scale));
    for (size_t i = 0; i < outputs; i++)
        scale[i] = mote_requant_scale(float_at(l->value[XS], 0), float_at(ws, n_ws == 1 ? 0 : i), float_at(l->value[YS], 0));
    *q = (mote_cpu_quant){.w = w->data, .bias = present(l, B) ? l->in[B]->data : NULL, .w_zero = wz != NULL ? wz->data : NULL, .w_zero_step = n_wz == 1 ? 0 : 1,
                          .scale = scale, .x_signed = x->dtype == MOTE_DTYPE_S8, .w_signed = w->dtype == MOTE_DTYPE_S8,
                          .xz = present(l, XZ) ? (int32_t)mote_array_i64(l->value[XZ], 0) : 0, .yz = (int32_t)mote_array_i64(l->value[YZ], 0),
                          .table = present(l, T)};
    for (size_t i = 0; i < n_wz; i++)
        q->w_zero_any = q->w_zero_any || (wz != NULL ? mote_array_i64(wz, i) : 0) != (q->w_signed ? 0 : 128);
    const int64_t least = y->dtype == MOTE_DTYPE_S8 ? -128 : 0;
    const int64_t lo = mote_node_int(l->node, "qmin", least), hi = mote_node_int(l->node, "qmax", least + 255);
    if (lo < least || hi > least + 255 || lo > hi)
        return MOTE_OK;
    q->lo = (int32_t)lo;
    q->hi = (int32_t)hi;
    *ok = true;
    return MOTE_OK;
}

typedef struct packing {
    const mote_cpu_qpack *p;
    char *dst;
    size_t panels;
} packing;

static void pack_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const packing *j = ctx;
    const mote_cpu_qpack *p = j->p;
    for (size_t i = begin, p0, p1; i < end; i += p1 - p0) {
        const size_t g = i / j->panels;
        mote_igemm_source s = p->source;
        p0 = i % j->panels;
        p1 = mote_min_size(j->panels, p0 + (end - i));
        s.src += g * p->src_step;
        if (s.bias != NULL)
            s.bias = (const char *)s.bias + g * p->n_step * sizeof(int32_t);
        if (s.scale != NULL)
            s.scale += g * p->n_step;
        if (s.zero != NULL)
            s.zero += g * p->n_step * s.zero_step;
        mote_igemm_pack(p->nr, &s, j->dst + g * p->dst_step, p0, p1);
    }
}

mote_status mote_cpu_qpack_fill(void *ctx, void *dst)
{
    const mote_cpu_qpack *p = ctx;
    packing j = {p, dst, mote_gemm_panels(p->nr, p->source.n)};
    if (j.panels != 0)
        mote_parallel_for(p->pool, j.panels * p->groups, 1, pack_range, &j);
    return MOTE_OK;
}

size_t mote_cpu_qproduct_scratch(const mote_igemm_op *op) { return mote_div_up(mote_igemm_scratch(op), 64) * 64; }

typedef struct product {
    const mote_igemm_op *op;
    const mote_conv_rows *rows;
    size_t runs_bytes, panels;
    bool by_panels;
    mote_lookup_fn lookup;
    const uint8_t *table;
} product;

static void product_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    const product *j = ctx;
    mote_igemm_op op = *j->op;
    mote_conv_rows rows;
    op.scratch = (char *)op.scratch + worker * mote_cpu_qproduct_scratch(&op);
    if (j->rows != NULL) {
        rows = *j->rows;
        if (rows.runs != NULL)
            rows.runs = (char *)rows.runs + worker * j->runs_bytes;
        op.rows_ctx = &rows;
    }
    const size_t m0 = j->by_panels ? 0 : begin, m1 = j->by_panels ? op.m : end, p0 = j->by_panels ? begin : 0, p1 = j->by_panels ? end : j->panels;
    mote_igemm_block(&op, m0, m1, p0, p1);
    if (j->table == NULL)
        return;
    const size_t n0 = mote_gemm_panel(op.row->nr, op.n, p0), n1 = mote_min_size(op.n, mote_gemm_panel(op.row->nr, op.n, p1));
    const bool whole = n0 == 0 && n1 == op.y_stride;
    for (size_t m = m0; m < m1; m = whole ? m1 : m + 1) {
        uint8_t *y = (uint8_t *)op.y + m * op.y_stride + n0;
        j->lookup(y, y, whole ? (m1 - m0) * op.y_stride : n1 - n0, j->table);
    }
}

void mote_cpu_qproduct(mote_pool *pool, const mote_igemm_op *op, const mote_conv_rows *rows, size_t runs_bytes, mote_lookup_fn lookup,
                       const uint8_t *table)
{
    product j = {.op = op, .rows = rows, .runs_bytes = runs_bytes, .panels = mote_gemm_panels(op->row->nr, op->n), .lookup = lookup, .table = table};
    j.by_panels = op->n > op->m && j.panels >= mote_pool_workers(pool);
    if (op->m == 0 || op->n == 0)
        return;
    if (j.by_panels)
        mote_parallel_for(pool, j.panels, 1, product_range, &j);
    else
        mote_parallel_for(pool, op->m, 2 * (size_t)op->row->mr, product_range, &j);
}
