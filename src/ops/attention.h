/* attention.h - the geometry of ONNX Attention, for evaluation and lowering
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_OPS_ATTENTION_H
#define MOTE_OPS_ATTENTION_H

#include "ops/attend.h"

/* From the node's attributes and the shapes of Q, K, V, attn_mask, past_key, past_value (in[i] NULL: absent), checked. The steps of k and v are those of
 * the inputs K and V; a->s counts the `past` rows before them. */
mote_status mote_attention_of(const mote_node *n, const mote_array *const *in, uint32_t n_in, mote_attend *a, size_t *past, mote_diag *diag);
/* offset and valid of each batch. nonpad: nonpad_kv_seqlen or NULL. */
mote_status mote_attention_places(const mote_attend *a, const mote_array *nonpad, size_t past, int64_t *offset, int64_t *valid, mote_diag *diag);

#endif
