/* rotary.h - rotary position embedding, for the operators that have it in them
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: Su et al., RoFormer, arXiv 2104.09864, section 3.2. Of each head's elements the first 2 half are turned: pairs (i, i + half), interleaved
 * (2i, 2i + 1), by the angle whose cosine and sine stand in row `position`, column i of the caches. */
#ifndef MOTE_OPS_ROTARY_H
#define MOTE_OPS_ROTARY_H

#include "ops/attend.h"

/* 2 half elements of x, turned, into y; y may be x. */
void mote_rotate(const float *x, float *y, const float *cosine, const float *sine, size_t half, bool interleaved);

typedef struct mote_rotary {
    size_t batch, heads, rows, n, half, cache_rows; /* n elements in a head */
    size_t step[3];                                 /* in elements: batch, head, row */
    bool interleaved;
} mote_rotary;
/* From the node's attributes (num_heads, rotary_embedding_dim, interleaved) and the shapes. rank_3_by_cache: without num_heads, heads are as wide as
 * the caches say. */
mote_status mote_rotary_of(const mote_node *n, const mote_array *x, const mote_array *cosine, const mote_array *sine, bool rank_3_by_cache, mote_rotary *r, mote_diag *diag);
/* The row of the caches for row i of batch b. */
mote_status mote_rotary_place(const mote_rotary *r, const mote_array *position, size_t b, size_t i, size_t *at, mote_diag *diag);
/* The numbers of positions and of the caches' rows fit the input. */
mote_status mote_rotary_check(const mote_rotary *r, const mote_array *position, mote_diag *diag);
/* position: one a row of each batch, or a single one for row 0; NULL: the caches have a row for each. */
mote_status mote_rotary_run(const mote_rotary *r, const float *x, float *y, const float *cosine, const float *sine, const mote_array *position, mote_diag *diag);
/* Output 0 as input 0, the caches at inputs `cosine` and the next. */
mote_status mote_infer_rotary(mote_infer *c, uint32_t cosine, uint32_t position);

#endif
