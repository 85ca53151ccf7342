/* consumer.cpp - the same from C++, every _INIT macro and a callback used
 * SPDX-License-Identifier: Apache-2.0 */
#include "model.h"
#include <mote/mote.h>
#include <mote/mote_provider.h>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>

namespace {
struct session_delete {
    void operator()(mote_session *s) const { mote_session_destroy(&s); }
};
bool read_model(void *, std::uint64_t offset, void *buf, std::size_t bytes)
{
    std::memcpy(buf, model_bytes + offset, bytes);
    return true;
}
} // namespace

int main()
{
    mote_diag diag = MOTE_DIAG_INIT;
    mote_load_options load = MOTE_LOAD_OPTIONS_INIT;
    mote_session_options options = MOTE_SESSION_OPTIONS_INIT;
    mote_run_options run = MOTE_RUN_OPTIONS_INIT;
    mote_memory_info memory = MOTE_MEMORY_INFO_INIT;
    mote_value_info info = MOTE_VALUE_INFO_INIT;
    mote_tensor tensor = MOTE_TENSOR_INIT;
    mote_allocator allocator = MOTE_ALLOCATOR_INIT;
    (void)allocator;
    mote_reader reader = {sizeof reader, nullptr, sizeof model_bytes, read_model};
    mote_model *model = nullptr;
    options.threads = 1;
    if (mote_model_load_reader(&reader, &load, &model, &diag) != MOTE_OK)
        return 1;
    mote_session *handle = nullptr;
    mote_status status = mote_session_create(model, &options, &handle, &diag);
    std::unique_ptr<mote_session, session_delete> session(handle);
    if (status != MOTE_OK || mote_model_input_info(model, 0, &info) != MOTE_OK)
        return 1;
    mote_model_destroy(&model);
    float x[3] = {1, 2, 3};
    const std::int64_t shape[] = {3};
    if (mote_tensor_describe(&tensor, MOTE_DTYPE_F32, 1, shape, x) != MOTE_OK ||
        mote_session_bind_input(session.get(), 0, &tensor, &diag) != MOTE_OK || mote_session_run(session.get(), &run, &diag) != MOTE_OK ||
        mote_session_memory(session.get(), &memory) != MOTE_OK)
        return 1;
    const float *y = static_cast<const float *>(mote_tensor_map(mote_session_output(session.get(), 0)));
    std::printf("mote %s from C++: %s %g %zu bytes\n", mote_version(), mote_dtype_name(info.dtype), static_cast<double>(y[2]), memory.session_bytes);
    return y[2] == 6.0f ? 0 : 1;
}
