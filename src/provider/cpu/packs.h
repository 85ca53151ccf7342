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
/* After planning: when something was packed since the last call, all pages of the files go back, for what was read beside them. */
void mote_packs_settle(mote_packs *packs);
void mote_packs_destroy(mote_packs **packs);

#endif
