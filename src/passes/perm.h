/* perm.h - permutations of dimensions: transposes that compose, cancel, fold into constants, and move past a node
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PASSES_PERM_H
#define MOTE_PASSES_PERM_H

#include "passes/pass.h"

/* As Transpose's: dimension i of the result is dimension p[i] of the operand. */
typedef struct mote_perm {
    int32_t rank;
    int32_t p[MOTE_MAX_RANK];
} mote_perm;

/* [n, c, d1..dr] -> [n, d1..dr, c], and back. rank >= 2 */
mote_perm mote_perm_to_last(int32_t rank);
mote_perm mote_perm_to_first(int32_t rank);
mote_perm mote_perm_inverse(const mote_perm *a);
/* Transpose(Transpose(x, first), then) = Transpose(x, mote_perm_then(first, then)); equal ranks. */
mote_perm mote_perm_then(const mote_perm *first, const mote_perm *then);
bool mote_perm_equal(const mote_perm *a, const mote_perm *b);
bool mote_perm_is_identity(const mote_perm *a);
/* Whether on a tensor of type t the order of the elements in memory stays as it is: only dimensions of 1 move. */
bool mote_perm_is_view(const mote_perm *a, const mote_type *t);
mote_type mote_perm_type(const mote_perm *a, const mote_type *t);

/* The operand of the Transpose that makes v, and its permutation; NULL when v is made by no Transpose of a known rank >= 1 (by its operand's
 * type or its own attribute). */
mote_value *mote_perm_under(const mote_value *v, mote_perm *p);

/* The version of a Transpose or Reshape that a pass makes for this type: 13, or the first that takes it. */
int32_t mote_perm_version(mote_dtype t);
/* *out = Transpose(v, p), by what is cheapest: v itself, the operand of a transpose that p undoes, a permuted copy of a constant (within the fold
 * limit), a Transpose that is there already, else a new one behind v's producer. v's rank is p's, or unknown. */
mote_status mote_perm_apply(mote_pass_context *c, mote_value *v, const mote_perm *p, mote_value **out);
/* Whether mote_perm_apply would add no Transpose that costs anything. */
bool mote_perm_is_free(const mote_value *v, const mote_perm *p);

/* Node n has just been changed so that what it makes at output i is, transposed by p, what it made before: puts that Transpose between the output
 * and its uses, and corrects the output's type. */
mote_status mote_perm_output(mote_pass_context *c, mote_node *n, uint32_t i, const mote_perm *p);

/* Gives input i of n the value v; what made the old one goes when it was a Transpose and nobody else uses it. */
void mote_perm_input(mote_node *n, uint32_t i, mote_value *v);

#endif
