/* memory.h - offsets in one arena for buffers with lifetimes
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PLAN_MEMORY_H
#define MOTE_PLAN_MEMORY_H

#include "base/diag.h"
#include "base/heap.h"

/* A buffer in use from step `first` to step `last`, both included. */
typedef struct mote_buffer {
    size_t bytes;
    uint32_t first, last;
    size_t offset; /* result: a multiple of MOTE_ALIGN */
} mote_buffer;

/* Gives every buffer an offset so that buffers whose lifetimes meet do not overlap, and *total the bytes in all. Greedy by size, each into the
 * smallest gap that holds it (Pisarchyk and Lee 2020, arXiv 2001.03288, section 5.3); above 4,000 buffers, first fit in order of first use, to stay
 * within bounded time. `heap` for temporaries. MOTE_E_MEMORY, or MOTE_E_LIMIT when sizes overflow. Deterministic. */
mote_status mote_plan_offsets(mote_buffer *buffers, size_t n, mote_heap *heap, size_t *total, mote_diag *diag);

#endif
