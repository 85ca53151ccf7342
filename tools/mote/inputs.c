/* inputs.c - files of arrays for a model's inputs
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "inputs.h"
#include "base/size.h"
#include "engine.h"

static mote_status accept(void *ctx, const char *name, const mote_array *array, mote_diag *diag)
{
    const mote_model *model = ctx;
    if (name[0] == 0) /* a single array says no name: the caller gives it one */
        return MOTE_OK;
    const size_t i = mote_model_input_index(model, name);
    MOTE_REQUIRE(i != SIZE_MAX, diag, MOTE_E_ARGUMENT, "the model has no input '%s'", name);
    mote_value_info info = MOTE_VALUE_INFO_INIT;
    MOTE_TRY(mote_model_input_info(model, i, &info));
    int64_t count = 1;
    for (int32_t d = 0; d < info.rank; d++)
        if (info.shape[d] < 0 || !mote_i64_mul(count, info.shape[d], &count))
            return MOTE_OK;
    MOTE_REQUIRE(info.rank < 0 || mote_array_count(array) <= (size_t)count, diag, MOTE_E_SHAPE, "the array '%s' has %zu elements, the input takes %lld", name,
                 mote_array_count(array), (long long)count);
    return MOTE_OK;
}

mote_status inputs_read(const char *path, const mote_model *model, named_arrays *out, mote_diag *diag)
{
    return npz_read_accepted(path, INPUT_LIMIT, accept, (void *)(uintptr_t)model, out, diag);
}
