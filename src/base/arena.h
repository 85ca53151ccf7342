/* arena.h - allocation that is freed all at once: a model's graph, a plan's steps
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_BASE_ARENA_H
#define MOTE_BASE_ARENA_H

#include "base/heap.h"
#include "base/str.h"

typedef struct mote_arena_block mote_arena_block;

/* Not thread-safe. */
typedef struct mote_arena {
    mote_heap *heap; /* borrowed */
    mote_arena_block *blocks;
    size_t next_block; /* size of the next block: doubles up to a cap, so that small models stay small */
} mote_arena;

void mote_arena_init(mote_arena *arena, mote_heap *heap);
void mote_arena_deinit(mote_arena *arena);

/* Zeroed, 16-byte aligned (64 from 64 bytes up). n and size as calloc. NULL on failure; never for n*size == 0. */
void *mote_arena_calloc(mote_arena *arena, size_t n, size_t size);
void *mote_arena_copy(mote_arena *arena, const void *data, size_t bytes);
/* A copy with a NUL after it (the view's length excludes it). .p is NULL on failure. */
mote_str mote_arena_str(mote_arena *arena, mote_str s);
mote_str mote_arena_printf(mote_arena *arena, const char *fmt, ...) MOTE_PRINTF(2, 3);

#endif
