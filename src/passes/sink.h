/* sink.h - moving a Transpose from an operator's input to its output
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PASSES_SINK_H
#define MOTE_PASSES_SINK_H

#include "passes/perm.h"

/* Changes n, whose input is a Transpose, so that it works on what is below it and the Transpose comes behind n; counts an edit. Leaves n alone
 * when it cannot. */
typedef mote_status (*mote_sink_fn)(mote_pass_context *c, mote_node *n);
/* The rule for an operator; NULL: a Transpose cannot pass it. */
mote_sink_fn mote_sink_find(const mote_node *n);

/* Elementwise with broadcasting: every input is one element, a transpose by the same permutation, or cheap to transpose. */
mote_status mote_sink_elementwise(mote_pass_context *c, mote_node *n);

/* With constant operands: gives way to a product and a sum. */
mote_status mote_sink_batch_norm(mote_pass_context *c, mote_node *n);

/* One element (all dimensions 1) that broadcasts to `rank` dimensions in whatever order they are. */
bool mote_sink_is_scalar(const mote_type *t, int32_t rank);
/* A constant of a lower rank as one of `rank` dimensions, leading ones of 1. */
mote_status mote_sink_widened(mote_pass_context *c, const mote_value *v, int32_t rank, mote_value **out);
/* Input i of n, a vector with element k for dimension k, gets element k at p[k]. */
mote_status mote_sink_vector(mote_pass_context *c, mote_node *n, uint32_t i, const mote_perm *p);
/* A new vector of integers. */
mote_status mote_sink_ints(mote_pass_context *c, mote_graph *g, const int64_t *v, size_t n, mote_value **out);

#endif
