/* fuzz_compiled.c - a compiled model from bytes to a run, its header and checksum made to agree: what lies behind them is hostile
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/cpu.h"
#include "base/sum.h"
#include "mutate_onnx.h"
#include "provider/cpu/family.h"
#include "run_model.h"
#include "session/compiled.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

/* What any reader would refuse at once is put right. */
static void mend(uint8_t *p, size_t size)
{
    mote_compiled_header h;
    memcpy(&h, p, sizeof h);
    memcpy(h.magic, MOTE_COMPILED_MAGIC, sizeof h.magic);
    h.format = MOTE_COMPILED_FORMAT;
    memset(h.library, 0, sizeof h.library);
    memset(h.family, 0, sizeof h.family);
    memcpy(h.library, mote_version(), strlen(mote_version()));
    memcpy(h.family, mote_family_of(MOTE_CPU_NONE), strlen(mote_family_of(MOTE_CPU_NONE)));
    h.file_bytes = size;
    if (h.payload_at < sizeof h || h.payload_at > size)
        h.payload_at = size;
    memcpy(p, &h, sizeof h);
    h.head_sum = mote_compiled_head_sum(p, (size_t)h.payload_at);
    memcpy(p, &h, sizeof h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < sizeof(mote_compiled_header))
        return 0;
    for (size_t shift = 0; shift < 2; shift++) { /* where packs are used in place, and where they are copied */
        void *room;
        if (posix_memalign(&room, 64, size + shift) != 0)
            return 0;
        uint8_t *p = (uint8_t *)room + shift;
        memcpy(p, data, size);
        mend(p, size);
        mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
        o.memory_limit = MEMORY;
        o.cpu_mask = 1u << 31; /* no feature: the same on every machine */
        mote_model *model;
        mote_diag diag = MOTE_DIAG_INIT;
        mote_status status = mote_model_load_memory(p, size, &o, &model, &diag);
        check(status, &diag);
        if (status == MOTE_OK) {
            run(model);
            (void)mote_model_check(model, &diag);
            mote_model_destroy(&model);
        }
        free(room);
    }
    return 0;
}

/* The graph as a message, in the room up to the payload; else any bytes. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    mote_compiled_header h;
    if (seed % 4 == 0 || size < sizeof h)
        return LLVMFuzzerMutate(data, size, max);
    memcpy(&h, data, sizeof h);
    if (h.n_tensors > size || h.n_packs > size || h.graph_bytes > size || h.payload_at > size)
        return LLVMFuzzerMutate(data, size, max);
    const size_t at = sizeof h + (size_t)h.n_tensors * sizeof(mote_compiled_tensor) + (size_t)h.n_packs * sizeof(mote_compiled_pack);
    if (at + h.graph_bytes > h.payload_at)
        return LLVMFuzzerMutate(data, size, max);
    const size_t n = mutate_onnx(data + at, (size_t)h.graph_bytes, (size_t)h.payload_at - at, seed, LLVMFuzzerMutate);
    if (n == 0)
        return LLVMFuzzerMutate(data, size, max);
    memset(data + at + n, 0, (size_t)h.payload_at - at - n);
    h.graph_bytes = n;
    memcpy(data, &h, sizeof h);
    return size;
}
