/* temp_heap.c - a heap for temporaries that keeps freed blocks
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "session/temp_heap.h"
#include "base/size.h"

/* Stands before each block; 64 bytes, so that what follows stays aligned. */
struct mote_temp_block {
    mote_temp_block *next;
    size_t bytes; /* of the whole block, this header included */
    char pad[MOTE_ALIGN - sizeof(void *) - sizeof(size_t)];
};

static void *take(void *ctx, size_t bytes, size_t align)
{
    (void)align;
    mote_temp_heap *t = ctx;
    size_t need;
    if (!mote_size_add(bytes, sizeof(mote_temp_block), &need))
        return NULL;
    mote_temp_block **best = NULL;
    for (mote_temp_block **b = &t->free; *b != NULL; b = &(*b)->next)
        if ((*b)->bytes >= need && (best == NULL || (*b)->bytes < (*best)->bytes))
            best = b;
    mote_temp_block *block;
    if (best != NULL && (*best)->bytes / 2 <= need) { /* a much larger block is left for a larger request */
        block = *best;
        *best = block->next;
        t->free_bytes -= block->bytes;
    } else {
        block = mote_heap_alloc(t->parent, need);
        if (block == NULL && t->free != NULL) {
            mote_temp_heap_trim(t);
            block = mote_heap_alloc(t->parent, need);
        }
        if (block == NULL)
            return NULL;
        block->bytes = need;
    }
    return block + 1;
}

static void give(void *ctx, void *p, size_t bytes)
{
    (void)bytes;
    mote_temp_heap *t = ctx;
    mote_temp_block *block = (mote_temp_block *)p - 1;
    block->next = t->free;
    t->free = block;
    t->free_bytes += block->bytes;
}

void mote_temp_heap_init(mote_temp_heap *t, mote_heap *parent)
{
    mote_allocator a = {sizeof a, t, take, give};
    mote_heap_init(&t->heap, &a, 0);
    t->parent = parent;
    t->free = NULL;
    t->free_bytes = 0;
}

void mote_temp_heap_trim(mote_temp_heap *t)
{
    for (mote_temp_block *b = t->free, *next; b != NULL; b = next) {
        next = b->next;
        mote_heap_free(t->parent, b, b->bytes);
    }
    t->free = NULL;
    t->free_bytes = 0;
}

void mote_temp_heap_deinit(mote_temp_heap *t) { mote_temp_heap_trim(t); }
