/* dropout.c - Dropout
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: ONNX Dropout-22. Outside of training y = x, and the mask is true. In training an element is kept with probability 1 - ratio (random.h). */
#include "base/platform.h"
#include "ops/random.h"
#include "ops/types.h"
#include "ops/wide.h"

static mote_status infer_dropout(mote_infer *c)
{
    const mote_type *x = c->in[0];
    mote_infer_like(c);
    mote_infer_out(c, 1, c->node->def->since < 10 ? x->dtype : MOTE_DTYPE_BOOL, x->rank, x->dims);
    return MOTE_OK;
}

/* A block at a time: y = x / (1 - ratio) where the element is kept, else 0. */
static mote_status train(mote_eval *c, double ratio)
{
    enum { BLOCK = 256 };
    const mote_array *x = c->in[0];
    mote_array *y = c->out[0], *mask = c->n_out > 1 ? c->out[1] : NULL;
    const mote_attr *seed = mote_node_attr(c->node, "seed");
    const bool wide = mote_class_of(x->dtype) == MOTE_CLASS_F64;
    const double limit = ratio * 0x1p32, scale = 1 / (1 - ratio);
    mote_random r;
    mote_random_begin(&r, c, seed != NULL, seed != NULL ? (uint64_t)seed->i : 0);
    for (size_t at = 0, n = mote_array_count(x), m; at < n; at += m) {
        uint32_t words[BLOCK];
        union { float f[BLOCK]; double d[BLOCK]; } block;
        m = n - at < BLOCK ? n - at : BLOCK;
        mote_random_words(&r, at / 4, (m + 3) / 4, words);
        if (y != NULL)
            mote_elements_load(x->dtype, x->data, at, 1, m, &block);
        for (size_t i = 0; i < m; i++) {
            const bool keep = (double)words[i] >= limit;
            if (mask != NULL)
                mote_dtype_from_i64(mask->dtype, mask->data, at + i, keep);
            if (y != NULL && wide)
                block.d[i] = keep ? block.d[i] * scale : 0;
            else if (y != NULL)
                block.f[i] = keep ? (float)((double)block.f[i] * scale) : 0;
        }
        if (y != NULL)
            mote_elements_store(y->dtype, y->data, at, m, &block);
    }
    return MOTE_OK;
}

static mote_status eval_dropout(mote_eval *c)
{
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
    if (y != NULL && ratio == 0)
        MOTE_TRY(mote_eval_view(c));
    if (mask != NULL && ratio == 0)
        for (size_t i = 0, n = mote_array_count(mask); i < n; i++)
            mote_dtype_from_f64(mask->dtype, mask->data, i, 1);
    return ratio == 0 ? MOTE_OK : train(c, ratio);
}

#define DROPOUT_DOC .infer = infer_dropout, .eval = eval_dropout, .doc = MOTE_DOC("y = x; in training some elements 0 and the others x / (1 - ratio)")
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
