/* cpu_qgemm.c - lowering of integer matrix products: QGemm, MatMulIntegerToFloat, ONNX MatMulInteger
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "provider/cpu/cpu_qproduct.h"
#include "provider/cpu/cpu_window.h"

typedef struct qgemm_params {
    mote_igemm_op op; /* without addresses */
    mote_lookup_fn lookup;
    const void *packed;
    bool table;
    uint32_t a_zero;  /* the input that holds a's zero point when it is known only at run; 0: op.az */
} qgemm_params;

static mote_status qgemm_run(const mote_step *step, mote_exec *x)
{
    const qgemm_params *p = step->params;
    mote_igemm_op op = p->op;
    op.a = step->in[0]->data;
    op.b = p->packed;
    op.y = step->out[0]->data;
    op.scratch = x->scratch;
    if (op.f32) {
        op.real = step->in[4]->data;
        op.add = step->n_in > 5 && step->in[5] != NULL ? step->in[5]->data : NULL;
    }
    if (p->a_zero != 0)
        op.az = (int32_t)mote_array_i64(step->in[p->a_zero], 0);
    mote_cpu_qproduct(x->pool, &op, NULL, 0, p->lookup, p->table ? step->in[9]->data : NULL);
    return MOTE_OK;
}

static mote_status lower_qgemm(mote_lower *l)
{
    static const uint32_t inputs[] = {1, 3, 4, 5, 6, 8};
    const mote_array *w = l->in[3], *y = l->out[0];
    if (y == NULL || w->rank != 2)
        return MOTE_OK;
    const bool trans = mote_node_int(l->node, "transB", 0) != 0;
    const size_t k = (size_t)w->dims[trans ? 1 : 0], n = (size_t)w->dims[trans ? 0 : 1];
    const mote_igemm_row *row = mote_igemm_select(l->cpu, 1);
    mote_cpu_quant q;
    bool ok;
    size_t bytes;
    if (k == 0 || mote_array_count(y) == 0 || !mote_igemm_packed(n, 1, k, &bytes))
        return MOTE_OK;
    MOTE_TRY(mote_cpu_quant_of(l, n, &q, &ok));
    if (!ok)
        return MOTE_OK;
    qgemm_params *p;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = (qgemm_params){.lookup = mote_lookup_select(l->cpu)->fn, .table = q.table};
    p->op = (mote_igemm_op){.row = row, .m = mote_array_count(y) / n, .n = n, .taps = 1, .kc = k, .a_stride = k, .a_is_signed = q.x_signed, .b_zero = q.w_zero_any, .az = q.xz,
                            .y_stride = n, .zero = q.yz, .lo = q.lo, .hi = q.hi};
    mote_cpu_qpack pack = {.source = {.src = q.w, .b_signed = q.w_signed, .n = n, .taps = 1, .kc = k, .k_stride = trans ? 1 : n, .n_stride = trans ? k : 1, .bias = q.bias,
                                      .scale = q.scale, .zero = q.w_zero, .zero_step = q.w_zero_step},
                           .nr = row->nr, .groups = 1, .pool = l->pool};
    MOTE_TRY(mote_lower_pack(l, inputs, sizeof inputs / sizeof inputs[0], MOTE_VARIANT(trans ? 'T' : 'G', row->nr), bytes, mote_cpu_qpack_fill, &pack, &p->packed));
    if (!mote_size_mul(mote_cpu_qproduct_scratch(&p->op), l->workers, &l->scratch_bytes))
        return MOTE_OK;
    l->run = qgemm_run;
    l->params = p;
    l->kernel = row->name;
    l->unread = 0x1fe; /* inputs 1 to 8 */
    l->gone = 1u << 3 | 1u << 8;
    return MOTE_OK;
}

/* A, B, a_zero_point (one value), b_zero_point: s32 sums, or floats with scale, bias. B constant and without batches. */
static mote_status lower_matmul_integer(mote_lower *l)
{
    static const uint32_t inputs[] = {1, 3};
    const mote_array *a = l->in[0], *b = l->in[1], *y = l->out[0];
    const bool has_az = l->n_in > 2 && l->in[2] != NULL, has_bz = l->n_in > 3 && l->in[3] != NULL;
    if (y == NULL || a->rank < 1 || b->rank != 2 || !mote_lower_fixed(l, 1) || (has_bz && l->value[3] == NULL) || mote_array_count(y) == 0 ||
        (has_az && mote_array_count(l->in[2]) != 1))
        return MOTE_OK;
    const size_t k = (size_t)b->dims[0], n = (size_t)b->dims[1], n_bz = has_bz ? mote_array_count(l->in[3]) : 1;
    const mote_igemm_row *row = mote_igemm_select(l->cpu, 1);
    size_t bytes;
    if (k == 0 || (n_bz != 1 && n_bz != n) || (n_bz != 1 && l->in[3]->rank != 1) || !mote_igemm_packed(n, 1, k, &bytes))
        return MOTE_OK;
    const bool real = y->dtype == MOTE_DTYPE_F32, biased = real && l->n_in > 5 && l->in[5] != NULL;
    const size_t scales = real ? mote_array_count(l->in[4]) : 1;
    if ((scales != 1 && scales != n) || (biased && mote_array_count(l->in[5]) != n))
        return MOTE_OK;
    qgemm_params *p;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = (qgemm_params){.a_zero = has_az && l->value[2] == NULL ? 2 : 0};
    const bool b_signed = b->dtype == MOTE_DTYPE_S8;
    p->op = (mote_igemm_op){.row = row, .m = mote_array_count(y) / n, .n = n, .taps = 1, .kc = k, .a_stride = k, .a_is_signed = a->dtype == MOTE_DTYPE_S8,
                            .az = has_az && l->value[2] != NULL ? (int32_t)mote_array_i64(l->value[2], 0) : 0, .y_stride = n, .s32 = !real, .f32 = real, .one_real = scales == 1};
    for (size_t i = 0; i < n_bz; i++)
        p->op.b_zero = p->op.b_zero || (has_bz ? mote_array_i64(l->value[3], i) : 0) != (b_signed ? 0 : 128);
    mote_cpu_qpack pack = {.source = {.src = l->in[1]->data, .b_signed = b_signed, .n = n, .taps = 1, .kc = k, .k_stride = n, .n_stride = 1,
                                      .zero = has_bz ? l->value[3]->data : NULL, .zero_step = n_bz == 1 ? 0 : 1},
                           .nr = row->nr, .groups = 1, .pool = l->pool};
    MOTE_TRY(mote_lower_pack(l, inputs, has_bz ? 2 : 1, MOTE_VARIANT('m', row->nr), bytes, mote_cpu_qpack_fill, &pack, &p->packed));
    if (!mote_size_mul(mote_cpu_qproduct_scratch(&p->op), l->workers, &l->scratch_bytes))
        return MOTE_OK;
    l->run = qgemm_run;
    l->params = p;
    l->kernel = row->name;
    l->unread = has_bz ? 10 : 2;
    l->gone = 2;
    return MOTE_OK;
}

MOTE_LOWER(mote, QGemm, lower_qgemm)
MOTE_LOWER(onnx, MatMulInteger, lower_matmul_integer)
MOTE_LOWER(mote, MatMulIntegerToFloat, lower_matmul_integer)
