/* qdq.h - what the passes over quantized models share: parameters of QuantizeLinear and DequantizeLinear, tables, reasons
 * SPDX-License-Identifier: Apache-2.0
 *
 * An island is DequantizeLinear -> operators -> QuantizeLinear. The passes, in their order: qsink moves DequantizeLinear behind operators that only
 * move elements; qint makes integer forms (ops/forms.h) of islands; qtable takes tables of unary functions into the forms before them.
 * docs/quantized-models.md says what becomes of what. */
#ifndef MOTE_PASSES_QDQ_H
#define MOTE_PASSES_QDQ_H

#include "passes/pass.h"

/* One scale and zero point for a whole tensor of 8 bits. */
typedef struct mote_qparam {
    float scale;      /* positive and finite */
    int32_t zero;
    mote_dtype type;  /* u8 or s8 */
    mote_value *scale_value, *zero_value; /* zero_value NULL: 0 */
} mote_qparam;

bool mote_is_quantize(const mote_node *n);
bool mote_is_dequantize(const mote_node *n);
/* Of a QuantizeLinear or DequantizeLinear between f32 and 8 bits with constant parameters of one value. On false *why says what is in the way (a
 * static string; why may be NULL). */
bool mote_qparam_of(const mote_node *n, mote_qparam *p, const char **why);
bool mote_qparam_equal(const mote_qparam *a, const mote_qparam *b);
/* The DequantizeLinear that makes v, with its parameters; NULL: v comes from something else, *why says what. */
mote_node *mote_dequantized(const mote_value *v, mote_qparam *p, const char **why);
/* What QuantizeLinear makes of a bound that f32 values were clamped to; infinite: the type's own. */
int32_t mote_qparam_limit(const mote_qparam *p, float bound);
int32_t mote_qtype_least(mote_dtype type);

/* A constant of n elements (rank 1), or of one (n 0: a scalar). NULL: no memory. */
mote_value *mote_q_const(mote_graph *g, mote_dtype type, size_t n, const void *data);

/* Says on the node why it computes in float: a property that `mote inspect` shows. */
extern const char mote_prop_float[];
mote_status mote_q_stay(mote_pass_context *c, mote_node *n, const char *why);

/* Removes nodes that nobody needs, last first. */
void mote_q_sweep(mote_graph *g);

/* If everything between `q` and one quantized tensor is elementwise with scalar constants, *x is that tensor (else NULL) and table[(uint8_t)x]
 * what q gives for x: each operator's reference evaluation on the 256 values. */
mote_status mote_q_table(mote_pass_context *c, const mote_node *q, mote_value **x, uint8_t table[256]);

#endif
