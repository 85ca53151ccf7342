/* packs.h - weights packed for this machine, made once for a model, shared by its sessions
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PROVIDER_CPU_PACKS_H
#define MOTE_PROVIDER_CPU_PACKS_H

#include "base/heap.h"
#include "base/size.h"
#include "onnx/read.h"
#include "provider/cpu/lower.h"

/* `heap`: the model's; `files`: where its constants lie, or NULL. Both must outlive the packs. Lookups and fills are thread-safe (see mote_lower_pack).
 * What was packed is not read again: its pages of the files go back to the system at once. */
mote_status mote_packs_create(mote_heap *heap, const mote_onnx_files *files, mote_packs **out);
/* What a pack is found by: the ids of the constants it is made of (UINT32_MAX: an omitted one) and the layout. */
enum { MOTE_PACK_KEYS = 8, MOTE_PACK_ALIGN = 0x414c4947 }; /* the variant of copies that are only aligned */
typedef struct mote_pack_key {
    uint64_t variant;
    uint32_t n, ids[MOTE_PACK_KEYS];
} mote_pack_key;
/* Packs that are there already: room for n of them, once, then each (i < n). data outlives the packs; where it is not aligned it is copied when it is
 * first used. */
mote_status mote_packs_room(mote_packs *packs, size_t n);
void mote_packs_give(mote_packs *packs, size_t i, const mote_pack_key *key, const void *data, size_t bytes);
/* Every pack but aligned copies, in an order that depends on the keys and the order of making alone. No other thread may use the packs meanwhile. */
mote_status mote_packs_each(mote_packs *packs, mote_status (*fn)(void *ctx, const mote_pack_key *key, const void *data, size_t bytes), void *ctx);
/* After planning: when something was packed since the last call, all pages of the files go back, for what was read beside them; not those of a compiled
 * model, where packs lie in them. */
void mote_packs_settle(mote_packs *packs);
void mote_packs_destroy(mote_packs **packs);

#endif
