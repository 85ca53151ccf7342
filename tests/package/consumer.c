/* consumer.c - an application: loads a model, runs it on a pool of its own, sees an error
 * SPDX-License-Identifier: Apache-2.0 */
#include "model.h"
#include <mote/mote.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    mote_threadpool *pool;
    mote_model *model;
    mote_session *session;
    mote_diag diag = MOTE_DIAG_INIT;
    mote_session_options options = MOTE_SESSION_OPTIONS_INIT;
    if (mote_threadpool_create(2, &pool) != MOTE_OK)
        return 1;
    options.threadpool = pool;
    if (mote_model_load_memory(model_bytes, sizeof model_bytes, NULL, &model, &diag) != MOTE_OK ||
        mote_session_create(model, &options, &session, &diag) != MOTE_OK) {
        fprintf(stderr, "%s\n", diag.message);
        return 1;
    }
    float *x = mote_tensor_map(mote_session_input(session, 0));
    x[0] = 1, x[1] = 2, x[2] = 3;
    if (mote_session_run(session, NULL, &diag) != MOTE_OK)
        return 1;
    const float *y = mote_tensor_map(mote_session_output(session, 0));
    printf("mote %s: %g %g %g\n", mote_version(), (double)y[0], (double)y[1], (double)y[2]);
    int wrong = y[0] != 2 || y[1] != 4 || y[2] != 6;
    mote_session_destroy(&session);
    mote_model_destroy(&model);
    mote_threadpool_destroy(&pool);
    wrong = wrong || mote_model_load_memory(model_bytes, sizeof model_bytes - 4, NULL, &model, &diag) != MOTE_E_FORMAT;
    return wrong || strcmp(mote_status_string(MOTE_E_MODEL), "invalid model") != 0;
}
