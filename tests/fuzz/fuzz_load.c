/* fuzz_load.c - a model from bytes to a run: load with every pass, prepare, run, all bounded
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "mutate_onnx.h"
#include "run_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const disabled[] = {NULL, "all"};
    for (int k = 0; k < 2; k++) {
        mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
        o.memory_limit = MEMORY;
        o.fold_limit = 1 << 20;
        o.disabled_passes = disabled[k];
        o.reference = k == 1;
        mote_model *model;
        mote_diag diag = MOTE_DIAG_INIT;
        mote_status status = mote_model_load_memory(data, size, &o, &model, &diag);
        check(status, &diag);
        if (status != MOTE_OK)
            continue;
        run(model);
        mote_model_destroy(&model);
    }
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    size_t n = seed % 4 == 0 ? 0 : mutate_onnx(data, size, max, seed, LLVMFuzzerMutate);
    return n != 0 ? n : LLVMFuzzerMutate(data, size, max);
}
