/* packs.h - weights packed for this machine, made once for a model, shared by its sessions
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PROVIDER_CPU_PACKS_H
#define MOTE_PROVIDER_CPU_PACKS_H

#include "base/heap.h"
#include "base/size.h"
#include "provider/cpu/lower.h"

/* `heap`: the model's; it must outlive the packs. Lookups and fills are thread-safe (see mote_lower_pack). */
mote_status mote_packs_create(mote_heap *heap, mote_packs **out);
void mote_packs_destroy(mote_packs **packs);

#endif
