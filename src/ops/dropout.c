/* dropout.c - Dropout
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: ONNX Dropout-22. Outside of training y = x, and the mask is true. In training element i is kept where a hash of (seed, i) of 32 bits is not below
 * ratio 2^32; without a seed it is 0: the same mask at each run. */
#include "base/platform.h"
#include "ops/types.h"
#include "ops/wide.h"

static mote_status infer_dropout(mote_infer *c)
{
    const mote_type *x = c->in[0];
    mote_infer_like(c);
    mote_infer_out(c, 1, c->node->def->since < 10 ? x->dtype : MOTE_DTYPE_BOOL, x->rank, x->dims);
    return MOTE_OK;
}

/* splitmix64's mixing function */
static uint32_t hash(uint64_t seed, uint64_t i)
{
    uint64_t z = seed + (i + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)(z >> 32);
}

static mote_status eval_dropout(mote_eval *c)
{
    const mote_array *x = c->in[0];
    mote_array *y = c->out[0], *mask = c->n_out > 1 ? c->out[1] : NULL;
    double ratio = 0;
    if (c->node->def->since >= 12 && mote_eval_has(c, 2)) { /* training_mode */
        int64_t training;
        MOTE_TRY(mote_arg_int(c->in[2], "training_mode", c->diag, &training));
        const size_t n = mote_eval_has(c, 1) ? mote_array_count(c->in[1]) : 0;
        MOTE_REQUIRE(n <= 1, c->diag, MOTE_E_SHAPE, "ratio has %zu elements, expected a scalar", n);
        ratio = training == 0 ? 0 : n == 0 ? 0.5 : mote_array_f64(c->in[1], 0);
        MOTE_REQUIRE(ratio >= 0 && ratio < 1, c->diag, MOTE_E_VALUE, "ratio is %g, expected 0 or more and less than 1", ratio);
    }
    const uint64_t seed = (uint64_t)mote_node_int(c->node, "seed", 0);
    const double limit = ratio * 0x1p32, scale = 1 / (1 - ratio);
    if (y != NULL && ratio == 0)
        MOTE_TRY(mote_eval_view(c));
    for (size_t i = 0, n = mote_array_count(x); i < n && (ratio != 0 || mask != NULL); i++) {
        const bool keep = (double)hash(seed, i) >= limit;
        if (mask != NULL)
            mote_dtype_from_f64(mask->dtype, mask->data, i, keep);
        if (y != NULL && ratio != 0)
            mote_dtype_from_f64(y->dtype, y->data, i, keep ? mote_array_f64(x, i) * scale : 0);
    }
    return MOTE_OK;
}

#define DROPOUT_DOC .infer = infer_dropout, .eval = eval_dropout, .doc = "y = x; in training some elements 0 and the others x / (1 - ratio)"
MOTE_OP(onnx, Dropout, 7, .in = "data:T", .out = "output:T mask?:T", .types = MOTE_TYPES({"T", MOTE_T_FLOAT_7, 0}), .attrs = MOTE_ATTRS(MOTE_A_FLOAT("ratio", 0.5f)),
        .flags = MOTE_OP_ELEMENTWISE, DROPOUT_DOC);
MOTE_OP(onnx, Dropout, 10, .in = "data:T", .out = "output:T mask?:bool", .types = MOTE_TYPES({"T", MOTE_T_FLOAT_7, 0}), .attrs = MOTE_ATTRS(MOTE_A_FLOAT("ratio", 0.5f)),
        .flags = MOTE_OP_ELEMENTWISE, DROPOUT_DOC);
#define DROPOUT_12(t, ratio)                                                                                           \
    .in = "data:T ratio?:T1 training_mode?:bool", .out = "output:T mask?:bool", .types = MOTE_TYPES({"T", t, 0}, {"T1", ratio, 0}), \
    .attrs = MOTE_ATTRS(MOTE_A(INT, "seed")), .flags = MOTE_OP_RANDOM, DROPOUT_DOC
MOTE_OP(onnx, Dropout, 12, DROPOUT_12(MOTE_T_FLOAT_7, MOTE_T_FLOAT_7));
MOTE_OP(onnx, Dropout, 13, DROPOUT_12(MOTE_DTYPES_FLOAT, MOTE_T_FLOAT_7));
MOTE_OP(onnx, Dropout, 22, DROPOUT_12(MOTE_DTYPES_FLOAT | MOTE_T_F8_19, MOTE_DTYPES_FLOAT | MOTE_T_F8_19));
