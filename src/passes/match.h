/* match.h - what passes ask of values and types
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PASSES_MATCH_H
#define MOTE_PASSES_MATCH_H

#include "graph/graph.h"

/* Both types are known to be the same at every run: tensors of one known element type, with equal ranks and dimensions (fixed or the same symbol). */
bool mote_match_same_type(const mote_type *a, const mote_type *b);

/* The integers of a constant integer tensor of rank 0 or 1 with at most `max` elements. */
bool mote_match_ints(const mote_value *v, size_t max, int64_t *out, size_t *n);
/* Every element of a constant number tensor equals x, -0 and 0 told apart; at least one, at most 2^20 elements. */
bool mote_match_all(const mote_value *v, double x);
/* The one element of a constant number tensor (of any rank). */
bool mote_match_number(const mote_value *v, double *out);
/* The integers of an attribute, or of input i where the operator takes them there (absent: *n = 0, *given = false). False: given by a value that is
 * not constant, or too many. */
bool mote_match_attr_or_input(const mote_node *n, const char *attr, uint32_t input, size_t max, int64_t *out, size_t *count, bool *given);

/* The node that makes v, when it is this standard operator; else NULL. */
mote_node *mote_match_made_by(const mote_value *v, const char *op);
MOTE_INLINE mote_value *mote_match_in(const mote_node *n, uint32_t i) { return i < n->n_in ? n->in[i].value : NULL; }
/* Whether a node has no output but 0 that anyone uses. */
bool mote_match_only_first(const mote_node *n);

#endif
