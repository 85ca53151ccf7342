/* lower.c - the table of lowerings, packed weights shared by a model's sessions, the reference step
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "provider/cpu/lower.h"
#include "provider/cpu/packs.h"
#include <pthread.h>
#include <string.h>

#define ROW(domain, op) mote_status mote_lower_##domain##_##op(mote_lower *l);
#include "provider/cpu/lower_table.inc"
#undef ROW

typedef struct lower_row {
    const char *domain, *op;
    mote_lower_fn fn;
} lower_row;

static const lower_row table[] = {
#define ROW(domain, op) {MOTE_DOMAIN_##domain, #op, mote_lower_##domain##_##op},
#include "provider/cpu/lower_table.inc"
#undef ROW
    {NULL, NULL, NULL}};

mote_lower_fn mote_lower_find(const char *domain, const char *op)
{
    for (const lower_row *r = table; r->op != NULL; r++)
        if (strcmp(r->op, op) == 0 && strcmp(r->domain, domain) == 0)
            return r->fn;
    return NULL;
}

mote_status mote_lower_params(mote_lower *l, size_t bytes, void **out)
{
    *out = mote_arena_calloc(l->arena, 1, bytes);
    return *out != NULL ? MOTE_OK : MOTE_NO_MEMORY(l->diag, bytes);
}

/* ---- packed weights ---- */

typedef struct pack {
    struct pack *next;
    mote_pack_key key;
    size_t bytes;
    const void *stored; /* in a compiled model; data is it, or NULL until a copy that is aligned is made */
    void *data;
} pack;

struct mote_packs {
    mote_heap *heap;
    const mote_onnx_files *files;
    _Atomic bool made; /* a pack, since the pages of the files were released */
    pthread_mutex_t lock;
    pack *buckets[256];
    pack *given; /* of the compiled model */
    size_t n_given;
};

mote_status mote_packs_create(mote_heap *heap, const mote_onnx_files *files, mote_packs **out)
{
    *out = NULL;
    mote_packs *p = mote_heap_calloc(heap, 1, sizeof *p);
    if (p == NULL)
        return MOTE_E_MEMORY;
    p->heap = heap;
    p->files = files;
    if (pthread_mutex_init(&p->lock, NULL) != 0) {
        mote_heap_free(heap, p, sizeof *p);
        return MOTE_E_MEMORY;
    }
    *out = p;
    return MOTE_OK;
}

void mote_packs_destroy(mote_packs **packs)
{
    mote_packs *p = *packs;
    if (p == NULL)
        return;
    for (size_t b = 0; b < 256; b++)
        for (pack *k = p->buckets[b], *next; k != NULL; k = next) {
            next = k->next;
            if (k->data != k->stored)
                mote_heap_free(p->heap, k->data, k->bytes);
            if (k->stored == NULL)
                mote_heap_free(p->heap, k, sizeof *k);
        }
    mote_heap_free(p->heap, p->given, p->n_given * sizeof *p->given);
    pthread_mutex_destroy(&p->lock);
    mote_heap_free(p->heap, p, sizeof *p);
    *packs = NULL;
}

void mote_packs_settle(mote_packs *p)
{
    if (atomic_exchange(&p->made, false) && p->n_given == 0) /* a compiled model's pages are the packs */
        mote_onnx_files_release(p->files, NULL, 0);
}

static mote_status make_pack(mote_packs *p, pack *k, mote_pack_fill fill, void *ctx, mote_diag *diag)
{
    k->data = mote_heap_calloc(p->heap, 1, k->bytes);
    if (k->data == NULL)
        return MOTE_NO_MEMORY(diag, k->bytes);
    mote_status status = fill(ctx, k->data);
    if (status != MOTE_OK) {
        mote_heap_free(p->heap, k->data, k->bytes);
        k->data = NULL;
    }
    return status;
}

static bool same_key(const mote_pack_key *a, const mote_pack_key *b)
{
    return a->variant == b->variant && a->n == b->n && memcmp(a->ids, b->ids, a->n * sizeof a->ids[0]) == 0;
}

static pack **bucket_of(mote_packs *p, const mote_pack_key *key)
{
    uint64_t hash = key->variant * 0x9e3779b97f4a7c15u;
    for (uint32_t i = 0; i < key->n; i++)
        hash = (hash ^ key->ids[i]) * 0x9e3779b97f4a7c15u;
    return &p->buckets[hash >> 56];
}

mote_status mote_packs_room(mote_packs *p, size_t n)
{
    p->given = mote_heap_calloc(p->heap, n, sizeof *p->given);
    p->n_given = p->given != NULL ? n : 0;
    return p->n_given == n ? MOTE_OK : MOTE_E_MEMORY;
}

void mote_packs_give(mote_packs *p, size_t i, const mote_pack_key *key, const void *data, size_t bytes)
{
    pack **bucket = bucket_of(p, key), *k = &p->given[i];
    *k = (pack){.next = *bucket, .key = *key, .bytes = bytes, .stored = data};
    if ((uintptr_t)data % MOTE_ALIGN == 0)
        memcpy(&k->data, &data, sizeof data); /* never written: the pointer is not const because others' are not */
    *bucket = k;
}

mote_status mote_packs_each(mote_packs *p, mote_status (*fn)(void *ctx, const mote_pack_key *key, const void *data, size_t bytes), void *ctx)
{
    for (size_t b = 0; b < 256; b++)
        for (const pack *k = p->buckets[b]; k != NULL; k = k->next)
            if (k->key.variant != MOTE_PACK_ALIGN)
                MOTE_TRY(fn(ctx, &k->key, k->data, k->bytes));
    return MOTE_OK;
}

static mote_status copy_stored(void *ctx, void *dst)
{
    const pack *k = ctx;
    memcpy(dst, k->stored, k->bytes);
    return MOTE_OK;
}

mote_status mote_packs_get(mote_packs *p, const mote_value *const *values, size_t n, uint64_t variant, size_t bytes, mote_pack_fill fill,
                           void *ctx, const void **out, mote_diag *diag)
{
    *out = NULL;
    MOTE_REQUIRE(n <= MOTE_PACK_KEYS, diag, MOTE_E_INTERNAL, "%zu inputs to one packing", n);
    mote_pack_key key = {.variant = variant, .n = (uint32_t)n};
    const mote_value *absent = NULL;
    for (size_t i = 0; i < n; i++) {
        key.ids[i] = values[i] != NULL ? values[i]->id : UINT32_MAX;
        if (values[i] != NULL && values[i]->constant != NULL && mote_array_absent(values[i]->constant))
            absent = values[i];
    }
    bytes = bytes == 0 ? 1 : bytes;
    pthread_mutex_lock(&p->lock);
    pack **bucket = bucket_of(p, &key), *k = *bucket;
    while (k != NULL && !(k->bytes == bytes && same_key(&k->key, &key)))
        k = k->next;
    mote_status status = MOTE_OK;
    if (k != NULL && k->data == NULL) {
        status = make_pack(p, k, copy_stored, k, diag);
    } else if (k == NULL && absent != NULL) {
        status = mote_fail(diag, MOTE_E_UNSUPPORTED, "constant '%.*s' is packed for other shapes: compile the model for these, or with its weights kept",
                           MOTE_STR_ARG(absent->name));
    } else if (k == NULL) {
        k = mote_heap_alloc(p->heap, sizeof *k);
        if (k == NULL) {
            status = MOTE_NO_MEMORY(diag, sizeof *k);
        } else {
            *k = (pack){.key = key, .bytes = bytes};
            status = make_pack(p, k, fill, ctx, diag);
            if (status == MOTE_OK) {
                k->next = *bucket;
                *bucket = k;
                atomic_store(&p->made, true);
                for (size_t i = 0; i < n; i++)
                    if (values[i] != NULL && values[i]->constant != NULL && values[i]->constant->data != NULL)
                        mote_onnx_files_release(p->files, values[i]->constant->data, values[i]->constant->bytes);
            } else {
                mote_heap_free(p->heap, k, sizeof *k);
            }
        }
    }
    if (status == MOTE_OK)
        *out = k->data;
    pthread_mutex_unlock(&p->lock);
    return status;
}

mote_status mote_lower_pack(mote_lower *l, const uint32_t *inputs, size_t n_inputs, uint64_t variant, size_t bytes, mote_pack_fill fill,
                            void *ctx, const void **out)
{
    *out = NULL;
    bool shared = n_inputs <= MOTE_PACK_KEYS;
    const mote_value *values[MOTE_PACK_KEYS] = {NULL};
    for (size_t i = 0; i < n_inputs && shared; i++) {
        const mote_value *v = inputs[i] < l->n_in ? l->node->in[inputs[i]].value : NULL;
        shared = v == NULL || (v->constant != NULL && mote_lower_fixed(l, inputs[i]));
        values[i] = v;
    }
    if (shared)
        return mote_packs_get(l->packs, values, n_inputs, variant, bytes, fill, ctx, out, l->diag);
    for (size_t i = 0; i < n_inputs; i++)
        if (inputs[i] < l->n_in && l->in[inputs[i]] != NULL && mote_array_absent(l->in[inputs[i]]))
            MOTE_FAIL(l->diag, MOTE_E_UNSUPPORTED, "input %u is packed for other shapes: compile the model for these, or with its weights kept", (unsigned)inputs[i]);
    void *data = mote_arena_calloc(l->arena, 1, mote_max_size(bytes, MOTE_ALIGN));
    if (data == NULL)
        return MOTE_NO_MEMORY(l->diag, bytes);
    MOTE_TRY(fill(ctx, data));
    *out = data;
    return MOTE_OK;
}
