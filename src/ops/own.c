/* own.c - arrays that own their memory: results of evaluation
 * SPDX-License-Identifier: Apache-2.0
 *
 * data stands 64 bytes behind the start of its block; the block's head knows its size and the string bytes that belong to it. The tensors in sequences are never
 * written: a copy of a sequence shares them with it (an array names its block in `own`, so that a view made of it does not pass for it), so that a loop that
 * appends to a sequence does not copy all of it each time. One thread at a time, as all of a session. */
#include "base/platform.h"
#include "ops/op.h"
#include "base/size.h"
#include <string.h>

typedef struct chunk {
    struct chunk *next;
    size_t bytes; /* with this head */
} chunk;

typedef struct head {
    size_t bytes; /* with this head */
    chunk *chunks;
    const mote_heap *heap;
    size_t sharers; /* arrays beside the first */
} head;
enum { HEAD_BYTES = 64 };
_Static_assert(sizeof(head) <= HEAD_BYTES, "the head fits before the data");

static head *head_of(const mote_array *a) { return (head *)(void *)((char *)a->data - HEAD_BYTES); }

static mote_status make_block(mote_heap *heap, mote_array *a, size_t bytes, mote_diag *diag)
{
    size_t total;
    a->data = NULL;
    /* at least one byte behind the head, so that data is never the block's end */
    if (!mote_size_add(bytes == 0 ? 1 : bytes, HEAD_BYTES, &total))
        return MOTE_NO_MEMORY(diag, bytes);
    char *block = mote_heap_alloc(heap, total);
    if (block == NULL)
        return MOTE_NO_MEMORY(diag, total);
    head *h = (head *)(void *)block;
    *h = (head){total, NULL, heap, 0};
    a->data = block + HEAD_BYTES;
    return MOTE_OK;
}

mote_status mote_array_make(mote_heap *heap, mote_array *a, mote_diag *diag)
{
    MOTE_TRY(make_block(heap, a, a->bytes, diag));
    if (a->dtype == MOTE_DTYPE_STRING && a->bytes != 0)
        memset(a->data, 0, a->bytes);
    return MOTE_OK;
}

char *mote_array_chars(mote_heap *heap, mote_array *a, size_t bytes)
{
    size_t total;
    if (a->data == NULL || !mote_size_add(bytes, sizeof(chunk), &total))
        return NULL;
    chunk *k = mote_heap_alloc(heap, total);
    if (k == NULL)
        return NULL;
    *k = (chunk){head_of(a)->chunks, total};
    head_of(a)->chunks = k;
    return (char *)(k + 1);
}

static void free_block(mote_heap *heap, mote_array *a)
{
    if (a->data == NULL)
        return;
    head *h = head_of(a);
    if (h->sharers != 0) {
        h->sharers--;
        a->data = NULL;
        return;
    }
    for (chunk *k = h->chunks, *next; k != NULL; k = next) {
        next = k->next;
        mote_heap_free(heap, k, k->bytes);
    }
    mote_heap_free(heap, h, h->bytes);
    a->data = NULL;
}

/* Not 0, and another one for another block. */
static uint32_t name_of(const void *data) { return (uint32_t)((uintptr_t)data / HEAD_BYTES) | 0x80000000u; }

/* `from` is an element of a sequence in this heap: to becomes the same. */
static bool share(const mote_heap *heap, const mote_array *from, mote_array *to)
{
    if (from->kind != MOTE_KIND_TENSOR || from->own == 0 || from->own != name_of(from->data) || head_of(from)->heap != heap)
        return false;
    *to = *from;
    head_of(from)->sharers++;
    return true;
}

enum { NEST_MAX = 8 };

static void free_deep(mote_heap *heap, mote_array *a, int depth)
{
    if (a->kind != MOTE_KIND_TENSOR && a->data != NULL && depth < NEST_MAX)
        for (int64_t i = 0; i < a->dims[0]; i++)
            free_deep(heap, &((mote_array *)a->data)[i], depth + 1);
    free_block(heap, a);
}

void mote_array_free(mote_heap *heap, mote_array *a)
{
    free_deep(heap, a, 0);
    *a = (mote_array){0};
}

static mote_status clone_deep(mote_heap *heap, const mote_array *from, mote_array *to, int depth, mote_diag *diag);

static mote_status clone_items(mote_heap *heap, const mote_array *const *items, const mote_array *flat, size_t n, mote_array *to, int depth,
                               mote_diag *diag)
{
    size_t bytes;
    MOTE_REQUIRE(depth < NEST_MAX, diag, MOTE_E_LIMIT, "sequences nested deeper than %d", (int)NEST_MAX);
    MOTE_REQUIRE(n <= INT64_MAX && mote_size_mul(n, sizeof(mote_array), &bytes), diag, MOTE_E_LIMIT, "a sequence of %zu elements", n);
    to->bytes = bytes;
    MOTE_TRY(make_block(heap, to, bytes, diag));
    mote_array *elements = to->data;
    for (size_t i = 0; i < n; i++) {
        const mote_array *item = items != NULL ? items[i] : &flat[i];
        if (share(heap, item, &elements[i]))
            continue;
        mote_status status = clone_deep(heap, item, &elements[i], depth + 1, diag);
        elements[i].own = status == MOTE_OK && item->kind == MOTE_KIND_TENSOR ? name_of(elements[i].data) : 0;
        if (status != MOTE_OK) {
            to->dims[0] = (int64_t)i;
            free_deep(heap, to, depth);
            return status;
        }
    }
    return MOTE_OK;
}

static mote_status clone_strings(mote_heap *heap, mote_array *to, mote_diag *diag)
{
    mote_string *s = to->data;
    size_t n = mote_array_count(to), bytes = 0;
    for (size_t i = 0; i < n; i++)
        if (!mote_size_add(bytes, s[i].length, &bytes))
            return MOTE_NO_MEMORY(diag, bytes);
    char *p = bytes == 0 ? NULL : mote_array_chars(heap, to, bytes);
    if (p == NULL && bytes != 0)
        return MOTE_NO_MEMORY(diag, bytes);
    for (size_t i = 0; i < n; i++) {
        if (s[i].length == 0) {
            s[i].data = "";
            continue;
        }
        memcpy(p, s[i].data, s[i].length);
        s[i].data = p;
        p += s[i].length;
    }
    return MOTE_OK;
}

static mote_status clone_deep(mote_heap *heap, const mote_array *from, mote_array *to, int depth, mote_diag *diag)
{
    *to = *from;
    to->data = NULL;
    to->own = 0;
    if (from->kind != MOTE_KIND_TENSOR)
        return clone_items(heap, NULL, from->data, (size_t)from->dims[0], to, depth, diag);
    MOTE_TRY(make_block(heap, to, from->bytes, diag));
    if (from->bytes != 0)
        memcpy(to->data, from->data, from->bytes);
    mote_status status = from->dtype == MOTE_DTYPE_STRING ? clone_strings(heap, to, diag) : MOTE_OK;
    if (status != MOTE_OK)
        free_block(heap, to);
    return status;
}

mote_status mote_array_clone(mote_heap *heap, const mote_array *from, mote_array *to, mote_diag *diag)
{
    mote_status status = clone_deep(heap, from, to, 0, diag);
    if (status != MOTE_OK)
        *to = (mote_array){0};
    return status;
}

mote_status mote_array_items(mote_heap *heap, mote_kind kind, mote_dtype dtype, size_t n, const mote_array *const *items, mote_array *to,
                             mote_diag *diag)
{
    *to = (mote_array){.kind = kind, .dtype = dtype, .rank = 1, .dims = {(int64_t)n}};
    mote_status status = clone_items(heap, items, NULL, n, to, 0, diag);
    if (status != MOTE_OK)
        *to = (mote_array){0};
    return status;
}

mote_status mote_eval_copy_output(mote_eval *c, uint32_t i, const mote_array *from)
{
    if (i >= c->n_out || c->out[i] == NULL)
        return MOTE_OK;
    if (from->kind != MOTE_KIND_TENSOR) {
        size_t n = (size_t)from->dims[0];
        const mote_array *items = from->data;
        const mote_array **list = n == 0 ? NULL : mote_heap_calloc(c->heap, n, sizeof *list);
        if (list == NULL && n != 0)
            return MOTE_NO_MEMORY(c->diag, n * sizeof *list);
        for (size_t k = 0; k < n; k++)
            list[k] = &items[k];
        mote_status status = c->output_items(c, i, from->kind, from->dtype, n, list);
        mote_heap_free(c->heap, list, n * sizeof *list);
        return status;
    }
    MOTE_TRY(c->output(c, i, from->dtype, from->rank, from->dims));
    mote_array *to = c->out[i];
    if (from->bytes == 0 || to->data == from->data) /* an executor may have let a subgraph write into the output itself */
        return MOTE_OK;
    memcpy(to->data, from->data, from->bytes);
    if (from->dtype != MOTE_DTYPE_STRING)
        return MOTE_OK;
    mote_string *s = to->data;
    size_t bytes = 0, n = mote_array_count(to);
    for (size_t k = 0; k < n; k++)
        bytes += s[k].length;
    char *p = bytes == 0 ? NULL : c->output_chars(c, i, bytes);
    if (p == NULL && bytes != 0)
        return MOTE_NO_MEMORY(c->diag, bytes);
    for (size_t k = 0; k < n; k++) {
        if (s[k].length != 0)
            memcpy(p, s[k].data, s[k].length);
        s[k].data = p;
        p = p != NULL ? p + s[k].length : NULL;
    }
    return MOTE_OK;
}
