/* det.c - Det
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: ONNX Det-11. Elimination with partial pivoting in double, rounded once. */
#include "base/platform.h"
#include "ops/types.h"
#include "ops/wide.h"
#include <math.h>
#include <string.h>

static mote_status infer_det(mote_infer *c)
{
    const mote_type *x = c->in[0];
    if (x->rank >= 0) {
        MOTE_REQUIRE(x->rank >= 2 && mote_dim_may_equal(x->dims[x->rank - 1], x->dims[x->rank - 2]), c->diag, MOTE_E_SHAPE, "X is not of square matrices");
        mote_infer_out(c, 0, x->dtype, x->rank - 2, x->dims);
    } else {
        mote_infer_out(c, 0, x->dtype, -1, NULL);
    }
    return MOTE_OK;
}

static double determinant(double *a, size_t n)
{
    double d = 1;
    for (size_t k = 0; k < n; k++) {
        size_t best = k;
        for (size_t i = k + 1; i < n; i++)
            if (fabs(a[i * n + k]) > fabs(a[best * n + k]))
                best = i;
        if (best != k) {
            for (size_t j = k; j < n; j++) {
                const double t = a[k * n + j];
                a[k * n + j] = a[best * n + j];
                a[best * n + j] = t;
            }
            d = -d;
        }
        const double pivot = a[k * n + k];
        d *= pivot;
        if (pivot == 0)
            return 0;
        for (size_t i = k + 1; i < n; i++) {
            const double f = a[i * n + k] / pivot;
            for (size_t j = k + 1; j < n; j++)
                a[i * n + j] -= f * a[k * n + j];
        }
    }
    return d;
}

static mote_status eval_det_temp(mote_eval *c, mote_arena *temp)
{
    const mote_array *x = c->in[0];
    const size_t n = (size_t)x->dims[x->rank - 1], count = mote_array_count(c->out[0]);
    MOTE_REQUIRE(x->dims[x->rank - 2] == x->dims[x->rank - 1], c->diag, MOTE_E_SHAPE, "X is not of square matrices");
    double *a = mote_temp(temp, n * n + 1, sizeof *a, c->diag);
    if (a == NULL)
        return MOTE_E_MEMORY;
    for (size_t m = 0; m < count; m++) {
        for (size_t i = 0; i < n * n; i++)
            a[i] = mote_array_f64(x, m * n * n + i);
        mote_dtype_from_f64(c->out[0]->dtype, c->out[0]->data, m, determinant(a, n));
    }
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_det)

#define DET(t) .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}), .infer = infer_det, .eval = eval_det, .doc = MOTE_DOC("the determinant of each matrix")
MOTE_OP(onnx, Det, 11, DET(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Det, 22, DET(MOTE_DTYPES_FLOAT));
