/* run_model.h - a model that was loaded from hostile bytes: prepared for small shapes and run, all bounded
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_FUZZ_RUN_MODEL_H
#define MOTE_FUZZ_RUN_MODEL_H

#include <mote/mote.h>
#include <stdlib.h>

enum { MEMORY = 64 << 20, STEPS = 2000, MAX_INPUTS = 16 };

static void check(mote_status status, const mote_diag *diag)
{
    if (status == MOTE_E_INTERNAL || diag->code != status)
        abort();
}

/* Small shapes for what the model leaves open; its input memory is whatever the session made it: zeros. */
static mote_status prepare(const mote_model *model, mote_session *s, mote_diag *diag)
{
    mote_tensor shapes[MAX_INPUTS];
    size_t n = mote_model_input_count(model);
    if (n > MAX_INPUTS)
        return diag->code = MOTE_E_ARGUMENT;
    for (size_t i = 0; i < n; i++) {
        mote_value_info info = MOTE_VALUE_INFO_INIT;
        shapes[i] = (mote_tensor)MOTE_TENSOR_INIT;
        if (mote_model_input_info(model, i, &info) != MOTE_OK)
            abort();
        shapes[i].dtype = info.dtype;
        shapes[i].rank = info.rank < 0 ? 1 : info.rank;
        for (int32_t d = 0; d < shapes[i].rank; d++)
            shapes[i].shape[d] = info.rank >= 0 && info.shape[d] >= 0 ? info.shape[d] : 2;
    }
    return mote_session_prepare(s, shapes, n, diag);
}

static void run(mote_model *model)
{
    mote_session_options o = MOTE_SESSION_OPTIONS_INIT;
    o.threads = 1;
    o.memory_limit = MEMORY;
    o.step_limit = STEPS;
    mote_session *s;
    mote_diag diag = MOTE_DIAG_INIT;
    mote_status status = mote_session_create(model, &o, &s, &diag);
    check(status, &diag);
    if (status != MOTE_OK)
        return;
    status = prepare(model, s, &diag);
    if (status == MOTE_OK)
        check(mote_session_run(s, NULL, &diag), &diag);
    mote_session_destroy(&s);
}

#endif
