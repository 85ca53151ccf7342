/* cpu_broadcast.h - rows of a broadcast: how elementwise lowerings walk up to three operands
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PROVIDER_CPU_CPU_BROADCAST_H
#define MOTE_PROVIDER_CPU_CPU_BROADCAST_H

#include "tensor/array.h"

/* The output as rows of n elements, ones dropped and neighbours merged. Within a row operand k steps by step[k] (1 or 0); between rows by
 * stride[k]. All in elements. */
typedef struct mote_rows {
    int rank; /* of the outer dimensions */
    size_t n, count;
    size_t step[3];
    size_t dims[MOTE_MAX_RANK];
    ptrdiff_t stride[3][MOTE_MAX_RANK];
} mote_rows;

/* in: `operands` arrays (at most 3) that broadcast to out's shape; false when one does not. */
bool mote_rows_make(mote_rows *r, const mote_array *out, const mote_array *const *in, unsigned operands);

/* A walk from output element `begin` to `end`: each mote_walk_next gives a piece of one row: `n` elements from `at` on, operand k from at_in[k]. */
typedef struct mote_walk {
    const mote_rows *rows;
    size_t at, end, n;
    size_t at_in[3];
    size_t index[MOTE_MAX_RANK];
    ptrdiff_t base[3];
} mote_walk;
void mote_walk_begin(mote_walk *w, const mote_rows *r, size_t begin, size_t end);
bool mote_walk_next(mote_walk *w);

#endif
