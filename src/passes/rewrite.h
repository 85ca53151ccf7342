/* rewrite.h - nodes in the place of patterns
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PASSES_REWRITE_H
#define MOTE_PASSES_REWRITE_H

#include "passes/match.h"
#include "passes/pass.h"

/* A new standard operator makes the one output of `last`, under its name and with its users; `last` is removed, what only it used is left to dead code.
 * The version is that of `last`, at least `since`. *out: the node, to set attributes. Counts one edit. */
mote_status mote_rewrite(mote_pass_context *c, mote_node *last, const char *op, int32_t since, uint32_t n_in, mote_value *const *in, mote_node **out);

/* Input k of an operator with two inputs and one output is a constant of one element and does not change the shape of the other, *x. False: no such input. For Sub, Div and
 * Pow only input 1 is looked at. */
bool mote_match_by_number(const mote_node *n, mote_value **x, double *number);
/* The node that alone uses v, when it is this standard operator with v among its inputs and one output. */
mote_node *mote_match_user(const mote_value *v, const char *op);
/* The other input of a two-input node. */
mote_value *mote_match_other(const mote_node *n, const mote_value *v);
/* a and b are equal up to the rounding of a constant of this type. */
bool mote_match_near(double a, double b, mote_dtype t);

#endif
