/* control.h - what If, Loop and Scan share: types that settle, results of iterations
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_OPS_CONTROL_H
#define MOTE_OPS_CONTROL_H

#include "ops/wide.h"

/* *a becomes the type that both are of: what differs becomes unknown. False when nothing fits both. */
bool mote_type_join(mote_type *a, const mote_type *b);
/* Infers a body until the types of its n states (inputs first.., outputs out_first..) settle: in and out then hold for every iteration. */
mote_status mote_infer_carried(mote_infer *c, mote_graph *g, mote_type *in, size_t n_in, size_t first, size_t n, size_t out_first, mote_type *out,
                               size_t n_out, mote_arena *temp);
mote_status mote_one_bool(const mote_array *a, const char *name, mote_diag *diag, bool *out);

/* Copies of one scan output, an iteration each; all of one type and shape: one behind the other, or arrays of their own for strings and for packed
 * elements of less than a byte. */
typedef struct mote_stack {
    mote_array shape; /* of one; data NULL */
    size_t n, cap;
    void *bytes;
    mote_array *items;
} mote_stack;
mote_status mote_stack_push(mote_heap *heap, mote_stack *s, const mote_array *a, mote_diag *diag);
void mote_stack_free(mote_heap *heap, mote_stack *s);
/* The elements of item k. */
const void *mote_stack_item(const mote_stack *s, size_t k);
/* Whether the items lie one behind the other. */
bool mote_stack_is_flat(const mote_stack *s);
/* The shape of one item; without iterations what inference says of the body's output, then what the file declares, unknown dimensions as 0, and of an unknown
 * rank none, as onnxruntime has it. */
mote_status mote_scan_shape(const mote_stack *s, const mote_graph *body, size_t output, mote_diag *diag, mote_array *shape);
/* Elements of any type, packed sub-byte ones and (without their bytes) strings included. */
void mote_copy_elements(mote_dtype t, void *to, size_t to_first, const void *from, size_t from_first, size_t n);

#endif
