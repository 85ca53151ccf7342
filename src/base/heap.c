/* heap.c - allocation through the caller's allocator, counted and bounded
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/heap.h"
#include "base/size.h"
#include <stdlib.h>
#include <string.h>

static void *default_alloc(void *ctx, size_t bytes, size_t align)
{
    (void)ctx;
    void *p = NULL;
    return posix_memalign(&p, align, bytes) == 0 ? p : NULL;
}

static void default_free(void *ctx, void *p, size_t bytes)
{
    (void)ctx, (void)bytes;
    free(p);
}

void mote_heap_init(mote_heap *heap, const mote_allocator *allocator, size_t limit_bytes)
{
    if (allocator != NULL && allocator->alloc != NULL && allocator->free != NULL)
        heap->allocator = *allocator;
    else
        heap->allocator = (mote_allocator){sizeof(mote_allocator), NULL, default_alloc, default_free};
    heap->limit = limit_bytes;
    atomic_init(&heap->used, 0);
    atomic_init(&heap->peak, 0);
    atomic_init(&heap->count, 0);
}

void *mote_heap_alloc(mote_heap *heap, size_t bytes)
{
    if (bytes == 0 || bytes > PTRDIFF_MAX)
        return NULL;
    size_t used = atomic_fetch_add(&heap->used, bytes) + bytes;
    if (used < bytes || (heap->limit != 0 && used > heap->limit)) {
        atomic_fetch_sub(&heap->used, bytes);
        return NULL;
    }
    void *p = heap->allocator.alloc(heap->allocator.ctx, bytes, MOTE_ALIGN);
    if (p == NULL) {
        atomic_fetch_sub(&heap->used, bytes);
        return NULL;
    }
    atomic_fetch_add(&heap->count, 1);
    size_t peak = atomic_load(&heap->peak);
    while (used > peak && !atomic_compare_exchange_weak(&heap->peak, &peak, used))
        ;
    return p;
}

void *mote_heap_calloc(mote_heap *heap, size_t n, size_t size)
{
    size_t bytes;
    if (!mote_size_mul(n, size, &bytes))
        return NULL;
    void *p = mote_heap_alloc(heap, bytes);
    if (p != NULL)
        memset(p, 0, bytes);
    return p;
}

void mote_heap_free(mote_heap *heap, void *p, size_t bytes)
{
    if (p == NULL)
        return;
    heap->allocator.free(heap->allocator.ctx, p, bytes);
    atomic_fetch_sub(&heap->used, bytes);
}

bool mote_heap_grow(mote_heap *heap, void **array, size_t *capacity, size_t need, size_t element_size)
{
    if (need <= *capacity)
        return true;
    size_t cap = *capacity < 8 ? 8 : *capacity, bytes;
    while (cap < need)
        if (!mote_size_mul(cap, 2, &cap))
            return false;
    if (!mote_size_mul(cap, element_size, &bytes))
        return false;
    void *p = mote_heap_alloc(heap, bytes);
    if (p == NULL)
        return false;
    if (*array != NULL) {
        memcpy(p, *array, *capacity * element_size);
        mote_heap_free(heap, *array, *capacity * element_size);
    }
    *array = p;
    *capacity = cap;
    return true;
}
