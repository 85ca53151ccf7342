/* compiled.c - reading compiled models: everything before the payload is checked, nothing is copied
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "session/compiled.h"
#include "base/size.h"
#include "base/sum.h"
#include "provider/cpu/family.h"
#include <stddef.h>
#include <string.h>

uint64_t mote_compiled_head_sum(const void *file, size_t payload_at)
{
    const size_t at = offsetof(mote_compiled_header, head_sum), after = at + sizeof(uint64_t);
    return mote_sum(mote_sum(0, file, at), (const char *)file + after, payload_at - after);
}

bool mote_compiled_is(mote_str file, const char *family, uint64_t source_sum)
{
    mote_compiled_header h;
    if (file.n < sizeof h)
        return false;
    memcpy(&h, file.p, sizeof h);
    return memcmp(h.magic, MOTE_COMPILED_MAGIC, sizeof h.magic) == 0 && h.format == MOTE_COMPILED_FORMAT && h.file_bytes == file.n &&
           h.source_sum == source_sum && strncmp(h.library, mote_version(), sizeof h.library) == 0 && strncmp(h.family, family, sizeof h.family) == 0 &&
           h.payload_at >= sizeof h && h.payload_at <= file.n && mote_compiled_head_sum(file.p, (size_t)h.payload_at) == h.head_sum;
}

/* Whether [at, at + bytes) lies in the payload, at a multiple of 64. */
static bool inside(const mote_compiled_header *h, uint64_t at, uint64_t bytes)
{
    return at >= h->payload_at && at <= h->file_bytes && bytes <= h->file_bytes - at && at % MOTE_ALIGN == 0;
}

static mote_compiled_pack pack_at(const mote_compiled *c, size_t i)
{
    mote_compiled_pack p;
    memcpy(&p, c->file + sizeof c->header + (size_t)c->header.n_tensors * sizeof(mote_compiled_tensor) + i * sizeof p, sizeof p);
    return p;
}

mote_status mote_compiled_unwrap(void *ctx, mote_str file, mote_str *graph, const mote_onnx_stored **stored, mote_diag *diag)
{
    mote_compiled *c = ctx;
    mote_compiled_header *h = &c->header;
    MOTE_REQUIRE(file.n >= sizeof *h, diag, MOTE_E_FORMAT, "a compiled model of %zu bytes: its header alone has %zu", file.n, sizeof *h);
    memcpy(h, file.p, sizeof *h);
    MOTE_REQUIRE(h->format == MOTE_COMPILED_FORMAT && strncmp(h->library, mote_version(), sizeof h->library) == 0, diag, MOTE_E_UNSUPPORTED,
                 "compiled by mote %.*s (format %u), this is mote %s (format %d): compile the model again", (int)sizeof h->library, h->library, (unsigned)h->format,
                 mote_version(), MOTE_COMPILED_FORMAT);
    MOTE_REQUIRE(h->file_bytes == file.n, diag, MOTE_E_FORMAT, "the compiled model has %zu bytes, its header says %llu", file.n, (unsigned long long)h->file_bytes);
    size_t tensors, packs, end;
    MOTE_REQUIRE(h->payload_at <= file.n && h->n_tensors <= file.n && h->n_packs <= file.n && h->graph_bytes <= file.n &&
                     mote_size_mul((size_t)h->n_tensors, sizeof(mote_compiled_tensor), &tensors) && mote_size_mul((size_t)h->n_packs, sizeof(mote_compiled_pack), &packs) &&
                     mote_size_add(tensors, packs, &end) && mote_size_add(end, (size_t)h->graph_bytes, &end) && mote_size_add(end, sizeof *h, &end) &&
                     end <= h->payload_at,
                 diag, MOTE_E_FORMAT, "the compiled model is damaged: its tables do not fit before its data");
    MOTE_REQUIRE(mote_compiled_head_sum(file.p, (size_t)h->payload_at) == h->head_sum, diag, MOTE_E_FORMAT, "the compiled model is damaged: the checksum of header and tables differs");
    MOTE_REQUIRE(strncmp(h->family, mote_family_of(c->cpu), sizeof h->family) == 0, diag, MOTE_E_UNSUPPORTED,
                 "compiled for machines of the family %.*s, this one is %s", (int)sizeof h->family, h->family, mote_family_of(c->cpu));
    c->file = file.p;
    mote_str *list = mote_heap_calloc(c->heap, (size_t)h->n_tensors + 1, sizeof *list);
    if (list == NULL)
        return MOTE_NO_MEMORY(diag, tensors);
    c->stored = (mote_onnx_stored){list, (size_t)h->n_tensors};
    for (size_t i = 0; i < c->stored.n; i++) {
        mote_compiled_tensor t;
        memcpy(&t, file.p + sizeof *h + i * sizeof t, sizeof t);
        MOTE_REQUIRE(t.at == UINT64_MAX ? t.bytes <= PTRDIFF_MAX : inside(h, t.at, t.bytes), diag, MOTE_E_FORMAT, "the compiled model is damaged: tensor %zu lies outside it", i);
        list[i] = (mote_str){t.at == UINT64_MAX ? NULL : file.p + t.at, (size_t)t.bytes};
    }
    for (size_t i = 0; i < h->n_packs; i++) {
        const mote_compiled_pack p = pack_at(c, i);
        MOTE_REQUIRE(inside(h, p.at, p.bytes) && p.bytes != 0 && p.n <= MOTE_PACK_KEYS, diag, MOTE_E_FORMAT, "the compiled model is damaged: pack %zu lies outside it", i);
    }
    *graph = (mote_str){file.p + sizeof *h + tensors + packs, (size_t)h->graph_bytes};
    *stored = &c->stored;
    return MOTE_OK;
}

mote_status mote_compiled_packs(const mote_compiled *c, mote_packs *packs)
{
    const size_t n = (size_t)c->header.n_packs;
    if (n == 0)
        return MOTE_OK;
    MOTE_TRY(mote_packs_room(packs, n));
    for (size_t i = 0; i < n; i++) {
        const mote_compiled_pack p = pack_at(c, i);
        mote_pack_key key = {.variant = p.variant, .n = p.n};
        memcpy(key.ids, p.ids, sizeof key.ids);
        mote_packs_give(packs, i, &key, c->file + p.at, (size_t)p.bytes);
    }
    return MOTE_OK;
}

void mote_compiled_close(mote_compiled *c)
{
    mote_heap_free(c->heap, (void *)(uintptr_t)c->stored.tensors, (c->stored.n + 1) * sizeof *c->stored.tensors);
    c->stored = (mote_onnx_stored){NULL, 0};
}
