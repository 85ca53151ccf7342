/* cpu_pad.c - lowering of Pad: the inside by one copy, the borders dimension by dimension, from the constant or from the output itself
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "provider/cpu/cpu_copy.h"
#include "base/size.h"
#include "ops/elements.h"
#include "ops/moves.h"
#include <string.h>

/* A slab of width one across dimension d of the output; its places to write, and, but for the constant, to read. In bytes. */
typedef struct border {
    mote_copy_plan plan; /* the slab; for the constant, a whole side */
    size_t n;
    ptrdiff_t *to, *from;
} border;

typedef struct pad_params {
    bool constant;
    uint8_t value[16]; /* of an attribute, or zero */
    mote_copy_plan inside;
    ptrdiff_t in_at, out_at;
    size_t n_borders;
    border borders[2 * MOTE_MAX_RANK];
} pad_params;

typedef struct border_job {
    const border *b;
    char *y;
} border_job;

static void border_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const border_job *j = ctx;
    const size_t units = j->b->plan.units;
    for (size_t u = begin; u < end;) {
        const size_t slab = u / units, first = u % units, n = mote_min_size(units - first, end - u);
        mote_copy_run(&j->b->plan, j->y + j->b->from[slab], j->y + j->b->to[slab], first, first + n);
        u += n;
    }
}

static mote_status pad_run(const mote_step *step, mote_exec *x)
{
    const pad_params *p = step->params;
    char *y = step->out[0]->data;
    const void *value = step->n_in > 2 && step->in[2] != NULL && step->in[2]->bytes != 0 ? step->in[2]->data : p->value;
    if (p->inside.units != 0)
        mote_cpu_copy_run(x->pool, &p->inside, (const char *)step->in[0]->data + p->in_at, y + p->out_at);
    for (size_t i = 0; i < p->n_borders; i++) { /* each reads what the ones before it have made */
        border_job j = {&p->borders[i], y};
        if (p->constant)
            mote_cpu_copy_run(x->pool, &j.b->plan, value, y + j.b->to[0]);
        else
            mote_parallel_for(x->pool, j.b->n * j.b->plan.units, 1 + 32768 / j.b->plan.unit_bytes, border_range, &j);
    }
    return MOTE_OK;
}

/* One side of dimension d: outputs [first, end) along it. box: what is there already, or all of the output behind d. */
static mote_status add_border(mote_lower *l, pad_params *p, int32_t d, int64_t first, int64_t end, const int64_t *box, const int64_t *begin,
                              const int64_t *ys, size_t size, const int64_t *source)
{
    int64_t dims[MOTE_MAX_RANK], zero[MOTE_MAX_RANK] = {0}, at = 0;
    const int32_t rank = l->out[0]->rank;
    border *b = &p->borders[p->n_borders];
    if (first >= end)
        return MOTE_OK;
    for (int32_t k = 0; k < rank; k++) { /* before d: the inside; behind it: everything */
        dims[k] = box[k];
        at += begin[k] * ys[k];
    }
    dims[d] = p->constant ? end - first : 1;
    mote_cpu_copy_plan(&b->plan, size, rank, dims, p->constant ? zero : ys, ys, l->cpu);
    if (b->plan.units == 0)
        return MOTE_OK;
    b->n = p->constant ? 1 : (size_t)(end - first);
    size_t bytes;
    if (!mote_size_mul(b->n, sizeof *b->to, &bytes))
        return MOTE_NO_MEMORY(l->diag, b->n);
    MOTE_TRY(mote_lower_params(l, bytes, (void **)&b->to));
    MOTE_TRY(mote_lower_params(l, bytes, (void **)&b->from));
    for (size_t i = 0; i < b->n; i++) {
        b->to[i] = (ptrdiff_t)(at + (first + (int64_t)i) * ys[d]) * (ptrdiff_t)size;
        if (!p->constant)
            b->from[i] = (ptrdiff_t)(at + source[first + (int64_t)i] * ys[d]) * (ptrdiff_t)size;
    }
    p->n_borders++;
    return MOTE_OK;
}

/* source: for dimension d, the place in the output that each of its places repeats. */
static mote_status sources(mote_lower *l, mote_pad_mode mode, int64_t n, int64_t begin, int64_t end, int64_t size, int64_t **source)
{
    size_t bytes;
    if (!mote_size_mul((size_t)size, sizeof **source, &bytes))
        return MOTE_NO_MEMORY(l->diag, (size_t)size);
    MOTE_TRY(mote_lower_params(l, bytes, (void **)source));
    const int64_t shift = begin; /* input index i stands at output i + begin */
    for (int64_t o = 0; o < size; o++)
        (*source)[o] = mote_pad_source(mode, n, begin, end, o) + shift;
    return MOTE_OK;
}

static mote_status lower_pad(mote_lower *l)
{
    const mote_array *x = l->in[0], *y = l->out[0];
    const size_t size = mote_cpu_element_size(x->dtype);
    const bool attributes = l->node->def->since < 11;
    mote_pad_mode mode;
    mote_pad_widths w;
    if (y == NULL || size == 0 || (l->n_in > 3 && l->in[3] != NULL && l->value[3] == NULL) || (!attributes && l->value[1] == NULL))
        return MOTE_OK;
    MOTE_TRY(mote_pad_mode_of(l->node, &mode, l->diag));
    MOTE_TRY(mote_pad_read(l->node, x->rank, attributes ? NULL : l->value[1], l->n_in > 3 ? l->value[3] : NULL, &w, l->diag));
    pad_params *p;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    p->constant = mode == MOTE_PAD_CONSTANT;
    if (attributes)
        mote_dtype_from_f64(x->dtype, p->value, 0, (double)mote_node_float(l->node, "value", 0));
    int64_t xs[MOTE_MAX_RANK], ys[MOTE_MAX_RANK], in_at = 0, out_at = 0, first[MOTE_MAX_RANK], box[MOTE_MAX_RANK];
    mote_strides_of(x->rank, x->dims, xs);
    mote_strides_of(y->rank, y->dims, ys);
    for (int32_t d = 0; d < y->rank; d++) { /* the outputs that show the input */
        const int64_t begin = w.begin[d] > 0 ? w.begin[d] : 0, end = w.begin[d] + x->dims[d] < y->dims[d] ? w.begin[d] + x->dims[d] : y->dims[d];
        if (mode != MOTE_PAD_CONSTANT && end <= begin && y->dims[d] != 0)
            return MOTE_OK; /* nothing to make a border of: the evaluation says so */
        first[d] = box[d] = 0; /* nothing of the input shows along d, wherever it would begin */
        if (end <= begin)
            continue;
        first[d] = begin;
        box[d] = end - begin;
        in_at += (begin - w.begin[d]) * xs[d];
        out_at += begin * ys[d];
    }
    mote_cpu_copy_plan(&p->inside, size, y->rank, box, xs, ys, l->cpu);
    p->in_at = (ptrdiff_t)in_at * (ptrdiff_t)size;
    p->out_at = (ptrdiff_t)out_at * (ptrdiff_t)size;
    for (int32_t d = y->rank - 1; d >= 0 && y->bytes != 0; d--) { /* from the innermost out: what is behind d is whole already */
        int64_t at[MOTE_MAX_RANK], *source = NULL;
        const int64_t n = box[d], begin = first[d];
        if (n == y->dims[d])
            continue;
        if (mode != MOTE_PAD_CONSTANT)
            MOTE_TRY(sources(l, mode, x->dims[d], w.begin[d], w.end[d], y->dims[d], &source));
        memcpy(at, first, sizeof at);
        at[d] = 0;
        if (n == 0) { /* all of it is border */
            MOTE_TRY(add_border(l, p, d, 0, y->dims[d], box, at, ys, size, source));
        } else {
            MOTE_TRY(add_border(l, p, d, 0, begin, box, at, ys, size, source));
            MOTE_TRY(add_border(l, p, d, begin + n, y->dims[d], box, at, ys, size, source));
        }
        box[d] = y->dims[d];
        first[d] = 0;
    }
    l->run = pad_run;
    l->params = p;
    l->kernel = "mote_copy_pad";
    return MOTE_OK;
}

MOTE_LOWER(onnx, Pad, lower_pad)
