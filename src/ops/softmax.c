/* softmax.c - Softmax, LogSoftmax, Hardmax
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ONNX Softmax-13, LogSoftmax-13, Hardmax-13; before version 13 the axes from `axis` on count as one. f32 as kernels/softmax/softmax.h. */
#include "base/platform.h"
#include "kernels/softmax/softmax.h"
#include "ops/moves.h"
#include "ops/types.h"
#include "ops/wide.h"
#include <math.h>
#include <string.h>

static mote_status axis_of(const mote_node *n, int32_t rank, mote_diag *diag, int32_t *axis)
{
    int64_t a = mote_node_int(n, "axis", n->def->since >= 13 ? -1 : 1);
    *axis = 0;
    if (rank == 0) {
        MOTE_REQUIRE(a == 0 || a == -1, diag, MOTE_E_VALUE, "axis is %lld for a scalar", (long long)a);
        return MOTE_OK;
    }
    if (n->def->since < 13 && a == rank) { /* nothing is left of the axis: rows of one */
        *axis = rank;
        return MOTE_OK;
    }
    return mote_arg_axis(a, rank, "axis", diag, axis);
}

static mote_status infer_softmax(mote_infer *c)
{
    int32_t axis;
    if (c->in[0]->rank >= 0)
        MOTE_TRY(axis_of(c->node, c->in[0]->rank, c->diag, &axis));
    return mote_infer_like(c);
}

mote_status mote_softmax_split_of(const mote_node *node, const mote_array *x, mote_softmax_split *s, mote_diag *diag)
{
    int32_t axis;
    MOTE_TRY(axis_of(node, x->rank, diag, &axis));
    bool coerced = node->def->since < 13 || x->rank == 0;
    s->outer = mote_dims_count(x->dims, axis);
    s->n = coerced ? mote_dims_count(x->dims + axis, x->rank - axis) : (size_t)x->dims[axis];
    s->inner = coerced ? 1 : mote_dims_count(x->dims + axis + 1, x->rank - axis - 1);
    return MOTE_OK;
}

static void softmax_f64(const mote_softmax_split *s, const double *x, double *y, bool log_form)
{
    for (size_t o = 0; o < s->outer; o++)
        for (size_t i = 0; i < s->inner; i++) {
            const double *p = x + o * s->n * s->inner + i;
            double *q = y + o * s->n * s->inner + i, max = -INFINITY, sum = 0;
            for (size_t k = 0; k < s->n; k++)
                max = !(p[k * s->inner] <= max) ? p[k * s->inner] : max;
            for (size_t k = 0; k < s->n; k++)
                sum += exp(p[k * s->inner] - max);
            for (size_t k = 0; k < s->n; k++)
                q[k * s->inner] = log_form ? p[k * s->inner] - max - log(sum) : exp(p[k * s->inner] - max) / sum;
        }
}

static mote_status softmax(mote_eval *c, mote_arena *temp, bool log_form)
{
    mote_softmax_split s;
    MOTE_TRY(mote_softmax_split_of(c->node, c->in[0], &s, c->diag));
    mote_array *ya = c->out[0];
    const void *x = mote_widen(temp, c->in[0]);
    void *y = mote_wide_output(temp, ya);
    if (x == NULL || y == NULL)
        return MOTE_NO_MEMORY(c->diag, 0);
    size_t block = s.n * s.inner;
    if (mote_array_count(ya) == 0)
        return MOTE_OK;
    const mote_softmax_row *row = mote_softmax_select(log_form, 0);
    if (mote_class_of(ya->dtype) == MOTE_CLASS_F64)
        softmax_f64(&s, x, y, log_form);
    else if (s.inner == 1)
        row->rows(x, y, s.outer, s.n);
    else
        for (size_t o = 0; o < s.outer; o++)
            row->cols((const float *)x + o * block, (float *)y + o * block, s.n, s.inner, 0, s.inner);
    mote_narrow(ya, y);
    return MOTE_OK;
}

static mote_status eval_softmax_temp(mote_eval *c, mote_arena *temp) { return softmax(c, temp, false); }
static mote_status eval_log_softmax_temp(mote_eval *c, mote_arena *temp) { return softmax(c, temp, true); }
MOTE_EVAL_TEMP(eval_softmax)
MOTE_EVAL_TEMP(eval_log_softmax)

/* The first largest of a row: the largest by 16 lanes, then its place. With a NaN, which no comparison finds, in order. */
static size_t first_largest(const float *x, size_t n)
{
    enum { LANES = 16 };
    size_t best = 0, i = 0;
    int odd = 0;
    if (n >= 2 * LANES) {
        float top[LANES], most;
        memcpy(top, x, sizeof top);
        for (; i + LANES <= n; i += LANES)
            for (size_t l = 0; l < LANES; l++) {
                const float v = x[i + l];
                top[l] = v > top[l] ? v : top[l];
                odd |= v != v;
            }
        for (; i < n; i++) {
            top[0] = x[i] > top[0] ? x[i] : top[0];
            odd |= x[i] != x[i];
        }
        most = top[0];
        for (size_t l = 1; l < LANES; l++)
            most = top[l] > most ? top[l] : most;
        for (; odd == 0 && x[best] != most;)
            best++;
        if (odd == 0)
            return best;
    }
    for (size_t k = 1; k < n; k++)
        if (x[k] > x[best])
            best = k;
    return best;
}

static mote_status eval_hardmax(mote_eval *c)
{
    mote_softmax_split s;
    MOTE_TRY(mote_softmax_split_of(c->node, c->in[0], &s, c->diag));
    const mote_array *x = c->in[0];
    mote_array *y = c->out[0];
    if (x->dtype == MOTE_DTYPE_F32 && s.inner == 1 && s.n != 0) {
        if (y->bytes != 0)
            memset(y->data, 0, y->bytes);
        for (size_t o = 0; o < s.outer; o++)
            ((float *)y->data)[o * s.n + first_largest((const float *)x->data + o * s.n, s.n)] = 1;
        return MOTE_OK;
    }
    for (size_t o = 0; o < s.outer; o++)
        for (size_t i = 0; i < s.inner; i++) {
            size_t base = o * s.n * s.inner + i, best = 0;
            for (size_t k = 1; k < s.n; k++)
                if (mote_array_f64(x, base + k * s.inner) > mote_array_f64(x, base + best * s.inner))
                    best = k;
            for (size_t k = 0; k < s.n; k++)
                mote_dtype_from_f64(y->dtype, y->data, base + k * s.inner, k == best ? 1 : 0);
        }
    return MOTE_OK;
}

#define FORM(t, absent, fn, text)                                                                                      \
    .in = "input:T", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A_INT("axis", absent)),                  \
    .infer = infer_softmax, .eval = fn, .doc = MOTE_DOC(text)
#define SOFTMAX(t, absent) FORM(t, absent, eval_softmax, "y = e^x / sum e^x along the axis")
MOTE_OP(onnx, Softmax, 1, SOFTMAX(MOTE_T_FLOAT_7, 1));
MOTE_OP(onnx, Softmax, 11, SOFTMAX(MOTE_T_FLOAT_7, 1));
MOTE_OP(onnx, Softmax, 13, SOFTMAX(MOTE_DTYPES_FLOAT, -1));
#define LOG_SOFTMAX(t, absent) FORM(t, absent, eval_log_softmax, "y = x - ln sum e^x along the axis")
MOTE_OP(onnx, LogSoftmax, 1, LOG_SOFTMAX(MOTE_T_FLOAT_7, 1));
MOTE_OP(onnx, LogSoftmax, 11, LOG_SOFTMAX(MOTE_T_FLOAT_7, 1));
MOTE_OP(onnx, LogSoftmax, 13, LOG_SOFTMAX(MOTE_DTYPES_FLOAT, -1));
#define HARDMAX(t, absent) FORM(t, absent, eval_hardmax, "y = 1 at the first largest element along the axis, 0 elsewhere")
MOTE_OP(onnx, Hardmax, 1, HARDMAX(MOTE_T_FLOAT_7, 1));
MOTE_OP(onnx, Hardmax, 11, HARDMAX(MOTE_T_FLOAT_7, 1));
MOTE_OP(onnx, Hardmax, 13, HARDMAX(MOTE_DTYPES_FLOAT, -1));
