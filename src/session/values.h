/* values.h - sequences and optionals at the border of a session: the caller's tensors as arrays, arrays as tensors for the caller
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_SESSION_VALUES_H
#define MOTE_SESSION_VALUES_H

#include "base/arena.h"
#include "graph/graph.h"

/* What the caller bound to an input that is a sequence or optional: lists are copies, elements are the caller's. */
typedef struct mote_bound_value {
    mote_arena arena;
    mote_array value;
    mote_tensor shown;
} mote_bound_value;

/* The type at the bottom of a sequence or optional: the tensors'. */
const mote_type *mote_type_leaf(const mote_type *t);
/* An array of the declared kind without elements: what a plan needs to know of an input that is not a tensor. */
mote_array mote_value_key(const mote_type *t);
/* Checks t against the input's declared type; *out is NULL after a failure. */
mote_status mote_value_bind(mote_heap *heap, const mote_value *v, const mote_tensor *t, mote_bound_value **out, mote_diag *diag);
/* Frees and NULLs. */
void mote_value_unbind(mote_bound_value **b);
/* The array as a public tensor; the lists of what is not a tensor come from the arena. */
mote_status mote_value_show(mote_arena *arena, const mote_array *a, mote_tensor *t, mote_diag *diag);
/* The caller's memory is enough for an array of this shape, aligned and contiguous. */
mote_status mote_value_check_memory(const mote_tensor *t, const mote_array *a, mote_diag *diag);

#endif
