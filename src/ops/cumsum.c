/* cumsum.c - CumSum and CumProd
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ONNX CumSum-14, CumProd-26. Along the axis ascending (descending with reverse), one operation each; half floats in float, rounded once. */
#include "base/platform.h"
#include "ops/types.h"
#include "ops/wide.h"
#include <string.h>

static mote_status infer_cumsum(mote_infer *c)
{
    const mote_array *axis = mote_infer_value(c, 1);
    int64_t at;
    int32_t d;
    if (axis != NULL && c->in[0]->rank > 0) {
        MOTE_TRY(mote_arg_int(axis, "axis", c->diag, &at));
        MOTE_TRY(mote_arg_axis(at, c->in[0]->rank, "axis", c->diag, &d));
    }
    return mote_infer_like(c);
}

/* Along the middle of outer x n x inner elements. */
#define CUMULATE(name, T, suffix, start, op)                                                                           \
    static void name##_##suffix(const T *x, T *y, size_t outer, size_t n, size_t inner, bool exclusive, bool reverse)  \
    {                                                                                                                  \
        for (size_t o = 0; o < outer; o++, x += n * inner, y += n * inner)                                             \
            for (size_t j = 0; j < inner; j++) {                                                                       \
                T sum = start;                                                                                         \
                for (size_t i = 0; i < n; i++) {                                                                       \
                    size_t at = (reverse ? n - 1 - i : i) * inner + j;                                                 \
                    T next = sum op x[at];                                                                             \
                    y[at] = exclusive ? sum : next;                                                                    \
                    sum = next;                                                                                        \
                }                                                                                                      \
            }                                                                                                          \
    }
CUMULATE(cumsum, float, f32, 0, +)
CUMULATE(cumsum, double, f64, 0, +)
CUMULATE(cumsum, uint64_t, u64, 0, +)
CUMULATE(cumprod, float, f32, 1, *)
CUMULATE(cumprod, double, f64, 1, *)
CUMULATE(cumprod, uint64_t, u64, 1, *)

static mote_status cumulate(mote_eval *c, mote_arena *temp, bool product)
{
    const mote_array *xa = c->in[0];
    mote_array *ya = c->out[0];
    int64_t at;
    int32_t d = 0;
    MOTE_TRY(mote_arg_int(c->in[1], "axis", c->diag, &at));
    if (xa->rank > 0)
        MOTE_TRY(mote_arg_axis(at, xa->rank, "axis", c->diag, &d));
    if (mote_array_count(ya) == 0)
        return MOTE_OK;
    bool exclusive = mote_node_int(c->node, "exclusive", 0) != 0, reverse = mote_node_int(c->node, "reverse", 0) != 0;
    const void *x = mote_widen(temp, xa);
    void *y = mote_wide_output(temp, ya);
    if (x == NULL || y == NULL)
        return MOTE_NO_MEMORY(c->diag, ya->bytes);
    size_t outer = xa->rank > 0 ? mote_dims_count(xa->dims, d) : 1, n = xa->rank > 0 ? (size_t)xa->dims[d] : 1;
    size_t inner = mote_array_count(xa) / (outer * n);
    switch (mote_class_of(xa->dtype)) {
    case MOTE_CLASS_F32: (product ? cumprod_f32 : cumsum_f32)(x, y, outer, n, inner, exclusive, reverse); break;
    case MOTE_CLASS_F64: (product ? cumprod_f64 : cumsum_f64)(x, y, outer, n, inner, exclusive, reverse); break;
    default: (product ? cumprod_u64 : cumsum_u64)(x, y, outer, n, inner, exclusive, reverse); break; /* signed ones modulo 2^64 */
    }
    mote_narrow(ya, y);
    return MOTE_OK;
}

static mote_status eval_cumsum_temp(mote_eval *c, mote_arena *temp) { return cumulate(c, temp, false); }
MOTE_EVAL_TEMP(eval_cumsum)
static mote_status eval_cumprod_temp(mote_eval *c, mote_arena *temp) { return cumulate(c, temp, true); }
MOTE_EVAL_TEMP(eval_cumprod)

#define CUMSUM_11(t)                                                                                                   \
    .in = "x:T axis:T2", .out = "y:T", .types = MOTE_TYPES({"T", t, 0}, {"T2", MOTE_T_INDEX, 0}),                                 \
    .attrs = MOTE_ATTRS(MOTE_A_INT("exclusive", 0), MOTE_A_INT("reverse", 0)), .infer = infer_cumsum, .eval = eval_cumsum,        \
    .doc = MOTE_DOC("y[i] = sum_(k <= i) x[k] along an axis")
MOTE_OP(onnx, CumSum, 11, CUMSUM_11(MOTE_T_ARITH_7));
MOTE_OP(onnx, CumSum, 14, CUMSUM_11(MOTE_T_ARITH_13));
MOTE_OP(onnx, CumProd, 26, .in = "x:T axis:T2", .out = "y:T", .types = MOTE_TYPES({"T", MOTE_T_ARITH_13, 0}, {"T2", MOTE_T_INDEX, 0}),
        .attrs = MOTE_ATTRS(MOTE_A_INT("exclusive", 0), MOTE_A_INT("reverse", 0)), .infer = infer_cumsum, .eval = eval_cumprod,
        .doc = MOTE_DOC("y[i] = prod_(k <= i) x[k] along an axis"));
