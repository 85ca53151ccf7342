/* arena.c - allocation that is freed all at once
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/arena.h"
#include "base/size.h"
#include <stdarg.h>
#include <stdio.h>

enum { FIRST_BLOCK = 4096, LAST_BLOCK = 1 << 20 };

struct mote_arena_block {
    mote_arena_block *next;
    size_t bytes, used; /* of the whole block, this header included */
};

void mote_arena_init(mote_arena *arena, mote_heap *heap)
{
    *arena = (mote_arena){heap, NULL, FIRST_BLOCK};
}

void mote_arena_deinit(mote_arena *arena)
{
    for (mote_arena_block *b = arena->blocks, *next; b != NULL; b = next) {
        next = b->next;
        mote_heap_free(arena->heap, b, b->bytes);
    }
    arena->blocks = NULL;
}

void *mote_arena_calloc(mote_arena *arena, size_t n, size_t size)
{
    size_t bytes, end;
    if (!mote_size_mul(n, size, &bytes))
        return NULL;
    if (bytes == 0)
        bytes = 1;
    size_t align = bytes >= MOTE_ALIGN ? MOTE_ALIGN : 16;
    mote_arena_block *b = arena->blocks;
    if (b != NULL) {
        size_t at = (b->used + align - 1) & ~(align - 1);
        if (mote_size_add(at, bytes, &end) && end <= b->bytes) {
            b->used = end;
            return memset((char *)b + at, 0, bytes);
        }
    }
    size_t need;
    if (!mote_size_add(bytes, MOTE_ALIGN, &need))
        return NULL;
    bool alone = need > arena->next_block; /* a large piece gets a block of its own behind the current one */
    size_t block = alone ? need : arena->next_block;
    mote_arena_block *fresh = mote_heap_alloc(arena->heap, block);
    if (fresh == NULL)
        return NULL;
    fresh->bytes = block;
    fresh->used = MOTE_ALIGN + bytes;
    if (alone && b != NULL) {
        fresh->next = b->next;
        b->next = fresh;
    } else {
        fresh->next = b;
        arena->blocks = fresh;
        if (arena->next_block < LAST_BLOCK)
            arena->next_block *= 2;
    }
    return memset((char *)fresh + MOTE_ALIGN, 0, bytes);
}

void *mote_arena_copy(mote_arena *arena, const void *data, size_t bytes)
{
    void *p = mote_arena_calloc(arena, bytes, 1);
    if (p != NULL && bytes != 0)
        memcpy(p, data, bytes);
    return p;
}

mote_str mote_arena_str(mote_arena *arena, mote_str s)
{
    size_t bytes;
    char *p = mote_size_add(s.n, 1, &bytes) ? mote_arena_calloc(arena, bytes, 1) : NULL;
    if (p == NULL)
        return (mote_str){NULL, 0};
    if (s.n != 0)
        memcpy(p, s.p, s.n);
    return (mote_str){p, s.n};
}

mote_str mote_arena_printf(mote_arena *arena, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *p = n < 0 ? NULL : mote_arena_calloc(arena, (size_t)n + 1, 1);
    if (p != NULL)
        vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return (mote_str){p, p == NULL ? 0 : (size_t)n};
}
