/* feed.c - pictures, texts and sounds through the pipeline, and its results printed
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "feed.h"
#include "base/diag.h"

mote_status preprocess_check(const char *text, size_t n, mote_diag *diag)
{
    json_error_t error;
    json_t *j = json_loadb(text, n, JSON_REJECT_DUPLICATES, &error);
    MOTE_REQUIRE(j != NULL, diag, MOTE_E_FORMAT, "preprocessing: line %d: %s", error.line, error.text);
    json_decref(j);
    return MOTE_OK;
}

int feed_and_print(const char *model, const feed_options *o)
{
    mote_diag diag = MOTE_DIAG_INIT;
    mote_status status = mote_fail(&diag, MOTE_E_UNSUPPORTED, "this build takes arrays (.npy, .npz) only");
    return tool_fail(o->json, model, status, &diag);
}
