/* args.h - what inference and evaluation ask of attributes, shape inputs and types, checked
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_OPS_ARGS_H
#define MOTE_OPS_ARGS_H

#include "ops/op.h"

/* Input i stands in the node. */
MOTE_INLINE bool mote_infer_has(const mote_infer *c, uint32_t i) { return i < c->n_in && c->in[i] != NULL; }
MOTE_INLINE bool mote_eval_has(const mote_eval *c, uint32_t i) { return i < c->n_in && c->in[i] != NULL; }
/* Its rank is known. */
MOTE_INLINE bool mote_infer_ranked(const mote_infer *c, uint32_t i) { return mote_infer_has(c, i) && c->in[i]->rank >= 0; }
/* Its value where known, else NULL. */
MOTE_INLINE const mote_array *mote_infer_value(const mote_infer *c, uint32_t i)
{
    return mote_infer_has(c, i) ? c->value[i] : NULL;
}

/* Output i is a tensor of this type; rank -1 or dims NULL: unknown dimensions. No effect when there is no output i. */
void mote_infer_out(mote_infer *c, uint32_t i, mote_dtype dtype, int32_t rank, const int64_t *dims);
/* Output 0 has input 0's type (any kind). */
mote_status mote_infer_like(mote_infer *c);
/* Output 0 has input 0's element type and the multidirectional broadcast of all inputs' shapes. */
mote_status mote_infer_broadcast(mote_infer *c);
/* The same with bool elements. */
mote_status mote_infer_broadcast_bool(mote_infer *c);
/* The broadcast of two dimensions (0..); MOTE_DIM_UNKNOWN where it cannot be said; false when they do not fit. */
bool mote_dim_broadcast(int64_t a, int64_t b, int64_t *out);
/* dims = broadcast of dims and t's; *rank -1: unknown. */
mote_status mote_dims_broadcast(int32_t *rank, int64_t *dims, const mote_type *t, mote_diag *diag);
/* a == b, or unknown; false only when both are known and differ. */
MOTE_INLINE bool mote_dim_may_equal(int64_t a, int64_t b) { return !mote_dim_known(a) || !mote_dim_known(b) || a == b; }

/* 0 <= *out < rank, counted from the end when negative; MOTE_E_VALUE names `name` otherwise. */
mote_status mote_arg_axis(int64_t axis, int32_t rank, const char *name, mote_diag *diag, int32_t *out);
/* Each a valid axis, none twice: out[k] for axes[k]. n <= MOTE_MAX_RANK is checked. */
mote_status mote_arg_axes(const int64_t *axes, size_t n, int32_t rank, const char *name, mote_diag *diag, int32_t *out);
/* The integers of a tensor of rank 0 or 1 with at most `max` elements. */
mote_status mote_arg_ints(const mote_array *a, size_t max, const char *name, mote_diag *diag, int64_t *out, size_t *n);
/* The one integer of a tensor with one element. */
mote_status mote_arg_int(const mote_array *a, const char *name, mote_diag *diag, int64_t *out);
/* No element of integers to divide by is 0. */
mote_status mote_divisor_check(const mote_array *b, mote_diag *diag);
/* Rank at most MOTE_MAX_RANK: MOTE_E_UNSUPPORTED otherwise. */
mote_status mote_arg_rank(int64_t rank, mote_diag *diag);

/* Output i has this shape with memory: through c->output for those whose shape inference left open, else checked against it. */
mote_status mote_eval_out(mote_eval *c, uint32_t i, mote_dtype dtype, int32_t rank, const int64_t *dims);
/* Copies input 0 to output 0: the evaluation of Identity and of every operator that only changes the shape. */
mote_status mote_eval_view(mote_eval *c);

#endif
