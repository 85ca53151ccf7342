/* cpu_qelement.c - lowering of integer forms element by element and by rows: QUnary, QAdd, QMul, QSoftmax
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/size.h"
#include "kernels/binary/binary.h"
#include "kernels/quantize/quantize.h"
#include "kernels/softmax/softmax.h"
#include "provider/cpu/cpu_broadcast.h"
#include "provider/cpu/lower.h"

enum { GRAIN = 16384 };

static bool is_8_bits(const mote_array *a) { return a->dtype == MOTE_DTYPE_U8 || a->dtype == MOTE_DTYPE_S8; }
static mote_qtype type_of(const mote_array *a) { return a->dtype == MOTE_DTYPE_S8 ? MOTE_Q_S8 : MOTE_Q_U8; }

/* The scale at input i and the zero point behind it, both constant. */
static bool constant(const mote_lower *l, uint32_t i, float *scale, int32_t *zero)
{
    const mote_array *s = l->value[i], *z = l->in[i + 1] != NULL ? l->value[i + 1] : NULL;
    if (s == NULL || s->dtype != MOTE_DTYPE_F32 || mote_array_count(s) != 1 || (l->in[i + 1] != NULL && (z == NULL || mote_array_count(z) != 1)))
        return false;
    *scale = *(const mote_f32u *)s->data;
    *zero = z != NULL ? (int32_t)mote_array_i64(z, 0) : 0;
    return true;
}

/* ---- QUnary ---- */

typedef struct table_job {
    mote_lookup_fn fn;
    const uint8_t *x, *table;
    uint8_t *y;
} table_job;

static void table_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const table_job *j = ctx;
    j->fn(j->x + begin, j->y + begin, end - begin, j->table);
}

static mote_status table_run(const mote_step *step, mote_exec *x)
{
    const mote_lookup_row *row = step->params;
    table_job j = {.fn = row->fn, .x = step->in[0]->data, .table = step->in[1]->data, .y = step->out[0]->data};
    mote_parallel_for(x->pool, step->in[0]->bytes, GRAIN, table_range, &j);
    return MOTE_OK;
}

static mote_status lower_table(mote_lower *l)
{
    if (l->out[0] == NULL || l->in[1]->bytes != 256)
        return MOTE_OK;
    const mote_lookup_row *row = mote_lookup_select(l->cpu);
    l->run = table_run;
    l->params = row;
    l->kernel = row->name;
    l->inplace = 1;
    return MOTE_OK;
}

/* ---- QAdd, QMul ---- */

typedef struct qbinary_params {
    mote_qbinary_fn fn;
    mote_qbinary q;
    mote_rows rows;
} qbinary_params;

typedef struct qbinary_job {
    const qbinary_params *p;
    const char *a, *b;
    char *y;
} qbinary_job;

static void qbinary_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const qbinary_job *j = ctx;
    const mote_rows *r = &j->p->rows;
    const unsigned form = r->step[0] == 0 ? MOTE_FORM_SV : r->step[1] == 0 ? MOTE_FORM_VS : MOTE_FORM_VV;
    mote_walk w;
    mote_walk_begin(&w, r, begin, end);
    while (mote_walk_next(&w))
        j->p->fn(j->a + w.at_in[0], j->b + w.at_in[1], j->y + w.at, w.n, form, &j->p->q);
}

static mote_status qbinary_run(const mote_step *step, mote_exec *x)
{
    const qbinary_params *p = step->params;
    qbinary_job j = {.p = p, .a = step->in[0]->data, .b = step->in[3]->data, .y = step->out[0]->data};
    mote_parallel_for(x->pool, p->rows.count, GRAIN, qbinary_range, &j);
    return MOTE_OK;
}

static mote_status lower_qbinary(mote_lower *l, bool mul)
{
    enum { A, AS, AZ, B, BS, BZ, YS, YZ };
    const mote_array *y = l->out[0], *pair[2] = {l->in[A], l->in[B]};
    if (y == NULL || !is_8_bits(y) || y->dtype != pair[0]->dtype || pair[1]->dtype != y->dtype)
        return MOTE_OK;
    qbinary_params *p;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    mote_qbinary *q = &p->q;
    if (!constant(l, AS, &q->scale_a, &q->zero_a) || !constant(l, BS, &q->scale_b, &q->zero_b) || !constant(l, YS, &q->scale_y, &q->zero_y) ||
        !mote_rows_make(&p->rows, y, pair, 2))
        return MOTE_OK;
    const mote_quantize_row *row = mote_quantize_select(type_of(y), l->cpu);
    p->fn = mul ? row->mul : row->add;
    l->run = qbinary_run;
    l->params = p;
    l->kernel = mul ? row->mul_name : row->add_name;
    for (uint32_t i = 0; i < 2; i++)
        if (mote_array_same_shape(pair[i], y))
            l->inplace |= i == 0 ? 1u << A : 1u << B;
    return MOTE_OK;
}

static mote_status lower_qadd(mote_lower *l) { return lower_qbinary(l, false); }
static mote_status lower_qmul(mote_lower *l) { return lower_qbinary(l, true); }

/* ---- QSoftmax ---- */

typedef struct qsoftmax_params {
    const mote_softmax_row *softmax;
    mote_dequantize_fn dequantize;
    mote_quantize_fn quantize;
    float scale_x, scale_y;
    int32_t zero_x, zero_y;
    size_t n, row_bytes; /* of scratch for a worker */
} qsoftmax_params;

typedef struct qsoftmax_job {
    const qsoftmax_params *p;
    const char *x;
    char *y, *scratch;
} qsoftmax_job;

static void qsoftmax_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    const qsoftmax_job *j = ctx;
    const qsoftmax_params *p = j->p;
    float *row = (float *)(void *)(j->scratch + worker * p->row_bytes);
    for (size_t r = begin; r < end; r++) {
        p->dequantize(j->x + r * p->n, row, p->n, &p->scale_x, &p->zero_x, 0);
        p->softmax->rows(row, row, 1, p->n);
        p->quantize(row, j->y + r * p->n, p->n, &p->scale_y, &p->zero_y, 0);
    }
}

static mote_status qsoftmax_run(const mote_step *step, mote_exec *x)
{
    const qsoftmax_params *p = step->params;
    qsoftmax_job j = {.p = p, .x = step->in[0]->data, .y = step->out[0]->data, .scratch = x->scratch};
    mote_parallel_for(x->pool, step->in[0]->bytes / p->n, 1 + GRAIN / 8 / p->n, qsoftmax_range, &j);
    return MOTE_OK;
}

static mote_status lower_qsoftmax(mote_lower *l)
{
    const mote_array *x = l->in[0], *y = l->out[0];
    if (y == NULL || !is_8_bits(x) || !is_8_bits(y) || mote_array_count(x) == 0)
        return MOTE_OK;
    qsoftmax_params *p;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    if (!constant(l, 1, &p->scale_x, &p->zero_x) || !constant(l, 3, &p->scale_y, &p->zero_y))
        return MOTE_OK;
    p->softmax = mote_softmax_select(false, l->cpu);
    p->dequantize = mote_quantize_select(type_of(x), l->cpu)->dequantize;
    p->quantize = mote_quantize_select(type_of(y), l->cpu)->quantize;
    p->n = (size_t)x->dims[x->rank - 1];
    p->row_bytes = (p->n * sizeof(float) + 63) / 64 * 64;
    if (!mote_size_mul(p->row_bytes, l->workers, &l->scratch_bytes))
        return MOTE_OK;
    l->run = qsoftmax_run;
    l->params = p;
    l->kernel = p->softmax->name;
    return MOTE_OK;
}

MOTE_LOWER(mote, QUnary, lower_table)
MOTE_LOWER(mote, QAdd, lower_qadd)
MOTE_LOWER(mote, QMul, lower_qmul)
MOTE_LOWER(mote, QSoftmax, lower_qsoftmax)
