/* temp_heap.h - a heap for temporaries that keeps freed blocks, so that the same work twice allocates once
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_SESSION_TEMP_HEAP_H
#define MOTE_SESSION_TEMP_HEAP_H

#include "base/heap.h"

typedef struct mote_temp_block mote_temp_block;

/* `heap` is what callers allocate from; its blocks come from `parent` and return there with deinit or trim. One thread. */
typedef struct mote_temp_heap {
    mote_heap heap;
    mote_heap *parent;
    mote_temp_block *free;
    size_t free_bytes;
} mote_temp_heap;

void mote_temp_heap_init(mote_temp_heap *t, mote_heap *parent);
void mote_temp_heap_trim(mote_temp_heap *t);   /* gives free blocks back */
void mote_temp_heap_deinit(mote_temp_heap *t); /* everything taken has been freed */

#endif
