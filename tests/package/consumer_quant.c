/* consumer_quant.c - a tool: what the tensors of a model hold
 * SPDX-License-Identifier: Apache-2.0 */
#include "model.h"
#include <mote/mote_quant.h>
#include <stdio.h>

int main(void)
{
    mote_observer *seen;
    mote_model *model;
    mote_session *session;
    mote_session_options options = MOTE_SESSION_OPTIONS_INIT;
    mote_observation y = MOTE_OBSERVATION_INIT;
    if (mote_observer_create(NULL, &seen) != MOTE_OK || mote_model_load_memory(model_bytes, sizeof model_bytes, NULL, &model, NULL) != MOTE_OK)
        return 1;
    options.threads = 1;
    options.tap = mote_observer_tap;
    options.tap_ctx = seen;
    if (mote_session_create(model, &options, &session, NULL) != MOTE_OK)
        return 1;
    float *x = mote_tensor_map(mote_session_input(session, 0));
    x[0] = -1, x[1] = 2, x[2] = 3;
    if (mote_session_run(session, NULL, NULL) != MOTE_OK || mote_observer_find(seen, "y", &y) != MOTE_OK)
        return 1;
    printf("%s: %g to %g, below 2^%d\n", y.name, (double)y.min, (double)y.max, (int)y.exponent);
    int wrong = y.min != -2 || y.max != 6 || y.exponent != 3 || y.values != 3;
    mote_session_destroy(&session);
    mote_model_destroy(&model);
    mote_observer_destroy(&seen);
    return wrong;
}
