/* qint.h - an island on its way into an integer form: between the files of pass qint
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PASSES_QINT_H
#define MOTE_PASSES_QINT_H

#include "passes/qdq.h"

typedef struct mote_qint {
    mote_pass_context *c;
    mote_graph *graph;
    mote_node *q;      /* new nodes go before it */
    mote_qparam y;     /* its parameters */
    mote_value *real;  /* what is quantized, before the clamps */
    float lo, hi;      /* the clamps */
    mote_str name;     /* that the form gets */
    const char *why;   /* set: why the island stays in float */
    bool done;
} mote_qint;

/* A node of domain mote before k->q, with empty inputs and a fresh output. */
mote_status mote_qint_node(const mote_qint *k, const char *op, uint32_t n_in, mote_node **out);
/* Channels to the last dimension, or back to the second. */
mote_status mote_qint_transpose(const mote_qint *k, mote_value *x, int32_t rank, bool to_last, mote_value **out);
/* The output's zero point, made when it is left out. */
mote_status mote_qint_zero(const mote_qint *k, mote_value **out);
/* `whole` takes the place of every quantization of `real`. */
mote_status mote_qint_finish(mote_qint *k, const mote_value *real, mote_value *whole);

/* Conv, Gemm, MatMul, with an addition of constants behind; neither done nor why: k->real is something else. */
mote_status mote_qint_product(mote_qint *k);
/* Elementwise operators with constants by channel. Leaves everything else. */
mote_status mote_qint_chain(mote_qint *k);
/* QLinearConv, QLinearMatMul. */
mote_status mote_qint_operator(mote_pass_context *c, mote_node *n);
/* A MatMul or Gemm of dequantized operands whose result is float: MatMulInteger and a product with the scales. Leaves what has no such form. */
mote_status mote_qint_to_float(mote_pass_context *c, mote_node *n);

#endif
