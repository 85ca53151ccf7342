/* compare_logic.c - comparisons, boolean functions and choice of two tensors, broadcast
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: ONNX operators of the same names. */
#include "base/platform.h"
#include "ops/args.h"
#include "ops/map.h"
#include "ops/types.h"
#include <string.h>

#define FORM(name, suffix, type, body)                                                                                 \
    static void name##_##suffix(uint8_t *to, const type *a, const type *b, size_t n)                                   \
    {                                                                                                                  \
        for (size_t k = 0; k < n; k++) {                                                                               \
            const type x = a[k], y = b[k];                                                                             \
            to[k] = body;                                                                                              \
        }                                                                                                              \
    }
#define EVAL(name, body)                                                                                               \
    FORM(name, f32, float, body)                                                                                       \
    FORM(name, f64, double, body)                                                                                      \
    FORM(name, s64, int64_t, body)                                                                                     \
    FORM(name, u64, uint64_t, body)                                                                                    \
    static mote_status eval_##name(mote_eval *c)                                                                       \
    {                                                                                                                  \
        static const mote_map_test f = {name##_f32, name##_f64, name##_s64, name##_u64};                               \
        return mote_map_compare(c, &f);                                                                                \
    }
EVAL(equal_numbers, x == y)
EVAL(greater, x > y)
EVAL(greater_or_equal, x >= y)
EVAL(less, x < y)
EVAL(less_or_equal, x <= y)

#define LOGIC(name, body)                                                                                              \
    FORM(name, u64, uint64_t, body)                                                                                    \
    static mote_status eval_##name(mote_eval *c)                                                                       \
    {                                                                                                                  \
        static const mote_map_test f = {NULL, NULL, NULL, name##_u64};                                                 \
        return mote_map_compare(c, &f);                                                                                \
    }
LOGIC(and, x && y)
LOGIC(or, x || y)
LOGIC(xor, !x != !y)

static mote_status eval_equal(mote_eval *c)
{
    if (c->in[0]->dtype != MOTE_DTYPE_STRING)
        return eval_equal_numbers(c);
    const mote_string *a = c->in[0]->data, *b = c->in[1]->data;
    uint8_t *y = c->out[0]->data;
    mote_broadcast bc;
    MOTE_TRY(mote_broadcast_init(&bc, c->out[0], c->in, 2, c->diag));
    for (size_t i = 0; i < bc.count; i++) {
        mote_string s = a[mote_broadcast_index(&bc, 0, i)], t = b[mote_broadcast_index(&bc, 1, i)];
        y[i] = s.length == t.length && (s.length == 0 || memcmp(s.data, t.data, s.length) == 0);
    }
    return MOTE_OK;
}

/* ---- Where ---- */

static mote_status infer_where(mote_infer *c)
{
    int64_t dims[MOTE_MAX_RANK] = {0};
    int32_t rank = 0;
    for (uint32_t i = 0; i < 3; i++)
        MOTE_TRY(mote_dims_broadcast(&rank, dims, c->in[i], c->diag));
    mote_infer_out(c, 0, c->in[1]->dtype, rank, dims);
    return MOTE_OK;
}

static mote_status eval_where(mote_eval *c)
{
    mote_bytes x, y, z;
    mote_broadcast bc;
    MOTE_TRY(mote_broadcast_init(&bc, c->out[0], c->in, 3, c->diag));
    MOTE_TRY(mote_bytes_in(c, c->in[1], &x)); /* no sub-byte types here: nothing is allocated */
    MOTE_TRY(mote_bytes_in(c, c->in[2], &y));
    MOTE_TRY(mote_bytes_out(c, 0, &z));
    const uint8_t *condition = c->in[0]->data;
    for (size_t i = 0; i < bc.count; i++) {
        bool first = condition[mote_broadcast_index(&bc, 0, i)] != 0;
        const uint8_t *from = first ? x.p + mote_broadcast_index(&bc, 1, i) * x.size : y.p + mote_broadcast_index(&bc, 2, i) * y.size;
        memcpy(z.p + i * z.size, from, z.size);
    }
    return mote_bytes_finish(c, 0, &z);
}

#define EQUAL_7(t)                                                                                                      \
    .in = "A:T B:T", .out = "C:T1", .types = MOTE_TYPES({"T", t, 0}, {"T1", MOTE_DT(BOOL), 0}), .flags = MOTE_OP_ELEMENTWISE,     \
    .infer = mote_infer_broadcast_bool, .eval = eval_equal, .doc = MOTE_DOC("c = a == b")
MOTE_OP(onnx, Equal, 7, EQUAL_7(MOTE_T_INDEX | MOTE_DT(BOOL)));
MOTE_OP(onnx, Equal, 11, EQUAL_7(MOTE_T_NUM_BOOL_7));
MOTE_OP(onnx, Equal, 13, EQUAL_7(MOTE_T_NUM_BOOL_13));
MOTE_OP(onnx, Equal, 19, EQUAL_7((MOTE_T_ALL_13 & ~MOTE_DTYPES_COMPLEX)));

#define GREATER_7(t)                                                                                                    \
    .in = "A:T B:T", .out = "C:T1", .types = MOTE_TYPES({"T", t, 0}, {"T1", MOTE_DT(BOOL), 0}), .flags = MOTE_OP_ELEMENTWISE,     \
    .infer = mote_infer_broadcast_bool, .eval = eval_greater, .doc = MOTE_DOC("c = a > b")
MOTE_OP(onnx, Greater, 7, GREATER_7(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Greater, 9, GREATER_7(MOTE_T_NUM_7));
MOTE_OP(onnx, Greater, 13, GREATER_7(MOTE_DTYPES_NUMERIC));

#define GREATER_OR_EQUAL_12(t)                                                                                          \
    .in = "A:T B:T", .out = "C:T1", .types = MOTE_TYPES({"T", t, 0}, {"T1", MOTE_DT(BOOL), 0}), .flags = MOTE_OP_ELEMENTWISE,     \
    .infer = mote_infer_broadcast_bool, .eval = eval_greater_or_equal, .doc = MOTE_DOC("c = a >= b")
MOTE_OP(onnx, GreaterOrEqual, 12, GREATER_OR_EQUAL_12(MOTE_T_NUM_7));
MOTE_OP(onnx, GreaterOrEqual, 16, GREATER_OR_EQUAL_12(MOTE_DTYPES_NUMERIC));

#define LESS_7(t)                                                                                                       \
    .in = "A:T B:T", .out = "C:T1", .types = MOTE_TYPES({"T", t, 0}, {"T1", MOTE_DT(BOOL), 0}), .flags = MOTE_OP_ELEMENTWISE,     \
    .infer = mote_infer_broadcast_bool, .eval = eval_less, .doc = MOTE_DOC("c = a < b")
MOTE_OP(onnx, Less, 7, LESS_7(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Less, 9, LESS_7(MOTE_T_NUM_7));
MOTE_OP(onnx, Less, 13, LESS_7(MOTE_DTYPES_NUMERIC));

#define LESS_OR_EQUAL_12(t)                                                                                             \
    .in = "A:T B:T", .out = "C:T1", .types = MOTE_TYPES({"T", t, 0}, {"T1", MOTE_DT(BOOL), 0}), .flags = MOTE_OP_ELEMENTWISE,     \
    .infer = mote_infer_broadcast_bool, .eval = eval_less_or_equal, .doc = MOTE_DOC("c = a <= b")
MOTE_OP(onnx, LessOrEqual, 12, LESS_OR_EQUAL_12(MOTE_T_NUM_7));
MOTE_OP(onnx, LessOrEqual, 16, LESS_OR_EQUAL_12(MOTE_DTYPES_NUMERIC));

MOTE_OP(onnx, And, 7, .in = "A:T B:T", .out = "C:T1", .types = MOTE_TYPES({"T", MOTE_DT(BOOL), 0}, {"T1", MOTE_DT(BOOL), 0}),
        .flags = MOTE_OP_ELEMENTWISE, .infer = mote_infer_broadcast_bool, .eval = eval_and, .doc = MOTE_DOC("c = a && b"));

MOTE_OP(onnx, Or, 7, .in = "A:T B:T", .out = "C:T1", .types = MOTE_TYPES({"T", MOTE_DT(BOOL), 0}, {"T1", MOTE_DT(BOOL), 0}),
        .flags = MOTE_OP_ELEMENTWISE, .infer = mote_infer_broadcast_bool, .eval = eval_or, .doc = MOTE_DOC("c = a || b"));

MOTE_OP(onnx, Xor, 7, .in = "A:T B:T", .out = "C:T1", .types = MOTE_TYPES({"T", MOTE_DT(BOOL), 0}, {"T1", MOTE_DT(BOOL), 0}),
        .flags = MOTE_OP_ELEMENTWISE, .infer = mote_infer_broadcast_bool, .eval = eval_xor, .doc = MOTE_DOC("c = a != b"));

#define WHERE_9(t)                                                                                                      \
    .in = "condition:B X:T Y:T", .out = "output:T", .types = MOTE_TYPES({"B", MOTE_DT(BOOL), 0}, {"T", t, 0}),                    \
    .flags = MOTE_OP_ELEMENTWISE | MOTE_OP_QUANT_KEEP, .infer = infer_where, .eval = eval_where,                        \
    .doc = MOTE_DOC("y = condition ? x : y")
MOTE_OP(onnx, Where, 9, WHERE_9(MOTE_T_ALL_7));
MOTE_OP(onnx, Where, 16, WHERE_9(MOTE_T_ALL_13));

