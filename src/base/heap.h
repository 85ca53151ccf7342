/* heap.h - allocation through the caller's allocator, counted and bounded
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_BASE_HEAP_H
#define MOTE_BASE_HEAP_H

#include "base/platform.h"
#include <mote/mote.h>
#include <stdatomic.h>

/* Thread-safe: alloc and free may be called from any thread. */
typedef struct mote_heap {
    mote_allocator allocator;
    size_t limit; /* bytes; 0: none */
    _Atomic size_t used, peak, count; /* count: allocations made so far */
} mote_heap;

/* `allocator` NULL: malloc. Copies *allocator; the functions and ctx must outlive the heap. */
void mote_heap_init(mote_heap *heap, const mote_allocator *allocator, size_t limit_bytes);

/* 64-byte aligned, not zeroed. NULL when bytes is 0, the allocator fails or the limit would be passed. */
void *mote_heap_alloc(mote_heap *heap, size_t bytes);
/* n*size bytes, zeroed; NULL also when the product overflows. */
void *mote_heap_calloc(mote_heap *heap, size_t n, size_t size);
/* `bytes` as given to alloc. p may be NULL. */
void mote_heap_free(mote_heap *heap, void *p, size_t bytes);

/* Grows an array to hold at least `need` elements (capacity doubles); keeps contents. False on failure, array untouched. */
bool mote_heap_grow(mote_heap *heap, void **array, size_t *capacity, size_t need, size_t element_size);

#endif
