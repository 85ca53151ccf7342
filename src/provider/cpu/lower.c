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

enum { MAX_KEYS = 8 };

typedef struct pack {
    struct pack *next;
    uint64_t variant;
    uint32_t keys[MAX_KEYS];
    size_t n_keys, bytes;
    void *data;
} pack;

struct mote_packs {
    mote_heap *heap;
    const mote_onnx_files *files;
    _Atomic bool made; /* a pack, since the pages of the files were released */
    pthread_mutex_t lock;
    pack *buckets[256];
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
            mote_heap_free(p->heap, k->data, k->bytes);
            mote_heap_free(p->heap, k, sizeof *k);
        }
    pthread_mutex_destroy(&p->lock);
    mote_heap_free(p->heap, p, sizeof *p);
    *packs = NULL;
}

void mote_packs_settle(mote_packs *p)
{
    if (atomic_exchange(&p->made, false))
        mote_onnx_files_release(p->files, NULL, 0);
}

static mote_status make_pack(mote_packs *p, pack *k, mote_pack_fill fill, void *ctx, mote_diag *diag)
{
    k->data = mote_heap_calloc(p->heap, 1, k->bytes);
    if (k->data == NULL)
        return MOTE_NO_MEMORY(diag, k->bytes);
    mote_status status = fill(ctx, k->data);
    if (status != MOTE_OK)
        mote_heap_free(p->heap, k->data, k->bytes);
    return status;
}

mote_status mote_packs_get(mote_packs *p, const mote_value *const *values, size_t n, uint64_t variant, size_t bytes, mote_pack_fill fill,
                           void *ctx, const void **out, mote_diag *diag)
{
    *out = NULL;
    MOTE_REQUIRE(n <= MAX_KEYS, diag, MOTE_E_INTERNAL, "%zu inputs to one packing", n);
    pack key = {.variant = variant, .n_keys = n, .bytes = bytes == 0 ? 1 : bytes};
    uint64_t hash = variant * 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < n; i++) {
        key.keys[i] = values[i] != NULL ? values[i]->id : UINT32_MAX;
        hash = (hash ^ key.keys[i]) * 0x9e3779b97f4a7c15u;
    }
    pthread_mutex_lock(&p->lock);
    pack **bucket = &p->buckets[hash >> 56], *k = *bucket;
    while (k != NULL && !(k->variant == variant && k->n_keys == n && k->bytes == key.bytes &&
                          memcmp(k->keys, key.keys, n * sizeof key.keys[0]) == 0))
        k = k->next;
    mote_status status = MOTE_OK;
    if (k == NULL) {
        k = mote_heap_alloc(p->heap, sizeof *k);
        if (k == NULL) {
            status = MOTE_NO_MEMORY(diag, sizeof *k);
        } else {
            *k = key;
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
                k = NULL;
            }
        }
    }
    pthread_mutex_unlock(&p->lock);
    if (k != NULL)
        *out = k->data;
    return status;
}

mote_status mote_lower_pack(mote_lower *l, const uint32_t *inputs, size_t n_inputs, uint64_t variant, size_t bytes, mote_pack_fill fill,
                            void *ctx, const void **out)
{
    *out = NULL;
    bool shared = n_inputs <= MAX_KEYS;
    const mote_value *values[MAX_KEYS] = {NULL};
    for (size_t i = 0; i < n_inputs && shared; i++) {
        const mote_value *v = inputs[i] < l->n_in ? l->node->in[inputs[i]].value : NULL;
        shared = v == NULL || (v->constant != NULL && l->value[inputs[i]] != NULL);
        values[i] = v;
    }
    if (shared)
        return mote_packs_get(l->packs, values, n_inputs, variant, bytes, fill, ctx, out, l->diag);
    void *data = mote_arena_calloc(l->arena, 1, mote_max_size(bytes, MOTE_ALIGN));
    if (data == NULL)
        return MOTE_NO_MEMORY(l->diag, bytes);
    MOTE_TRY(fill(ctx, data));
    *out = data;
    return MOTE_OK;
}
