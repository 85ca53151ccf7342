/* memory.c - offsets in one arena for buffers with lifetimes
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "plan/memory.h"
#include "base/size.h"
#include <stdlib.h>

enum { MANY = 4000 };

typedef struct placed {
    size_t begin, end; /* bytes */
    uint32_t first, last;
} placed;

typedef struct order {
    size_t bytes;
    uint32_t first, index;
} order;

static int by_size(const void *a, const void *b)
{
    const order *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return x->index < y->index ? -1 : 1;
}

static int by_first(const void *a, const void *b)
{
    const order *x = a, *y = b;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

/* The placed list is kept sorted by begin. */
static bool insert(placed *p, size_t *n, placed one)
{
    size_t at = *n;
    while (at > 0 && p[at - 1].begin > one.begin) {
        p[at] = p[at - 1];
        at--;
    }
    p[at] = one;
    ++*n;
    return true;
}

static bool best_gap(const placed *p, size_t n, const mote_buffer *b, size_t bytes, size_t *offset)
{
    size_t best = SIZE_MAX, at = 0, top = 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i].last < b->first || p[i].first > b->last)
            continue;
        if (p[i].begin > top && p[i].begin - top >= bytes && p[i].begin - top < best) {
            best = p[i].begin - top;
            at = top;
        }
        top = mote_max_size(top, p[i].end);
    }
    *offset = best == SIZE_MAX ? top : at;
    size_t end;
    return mote_size_add(*offset, bytes, &end);
}

/* Drops what is dead at b's start, then takes the first gap among what lives. */
static bool first_gap(placed *p, size_t *n, const mote_buffer *b, size_t bytes, size_t *offset)
{
    size_t kept = 0, top = 0, at = SIZE_MAX;
    for (size_t i = 0; i < *n; i++) {
        if (p[i].last < b->first)
            continue;
        if (at == SIZE_MAX && p[i].begin >= top && p[i].begin - top >= bytes)
            at = top;
        top = mote_max_size(top, p[i].end);
        p[kept++] = p[i];
    }
    *n = kept;
    *offset = at == SIZE_MAX ? top : at;
    size_t end;
    return mote_size_add(*offset, bytes, &end);
}

mote_status mote_plan_offsets(mote_buffer *buffers, size_t n, mote_heap *heap, size_t *total, mote_diag *diag)
{
    *total = 0;
    if (n == 0)
        return MOTE_OK;
    size_t bytes;
    MOTE_REQUIRE(mote_size_mul(n, sizeof(order) + sizeof(placed), &bytes), diag, MOTE_E_LIMIT, "%zu buffers", n);
    placed *p = mote_heap_alloc(heap, bytes);
    if (p == NULL)
        return MOTE_NO_MEMORY(diag, bytes);
    order *o = (order *)(void *)(p + n);
    for (size_t i = 0; i < n; i++)
        o[i] = (order){buffers[i].bytes, buffers[i].first, (uint32_t)i};
    bool many = n > MANY, fits = true;
    qsort(o, n, sizeof *o, many ? by_first : by_size);
    size_t n_placed = 0;
    for (size_t i = 0; i < n && fits; i++) {
        mote_buffer *b = &buffers[o[i].index];
        size_t size;
        fits = mote_size_align(b->bytes, MOTE_ALIGN, &size) &&
               (many ? first_gap(p, &n_placed, b, size, &b->offset) : best_gap(p, n_placed, b, size, &b->offset));
        if (fits) {
            insert(p, &n_placed, (placed){b->offset, b->offset + size, b->first, b->last});
            *total = mote_max_size(*total, b->offset + size);
        }
    }
    mote_heap_free(heap, p, bytes);
    MOTE_REQUIRE(fits, diag, MOTE_E_LIMIT, "the tensors of this plan are larger than memory can be");
    return MOTE_OK;
}
