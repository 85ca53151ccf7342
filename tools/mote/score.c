/* score.c - the task's metric of a model in memory
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "score.h"
#include "eval.h"
#include "files.h"

mote_status scorer_run(scorer *s, mote_model *m, double *out, mote_diag *diag)
{
    eval e = {.data = s->data, .limit = s->limit};
    const feed_options fo = {.engine = s->engine, .model = s->model, .loaded = m, .prep = s->prep, .vocab = s->vocab, .max_length = s->max_length,
                             .prep_needed = !has_suffix(s->data, ".npz")};
    *out = 0;
    MOTE_TRY(feed_open(&e.f, &fo, diag));
    json_t *report = json_object();
    mote_status status = eval_data(&e, report, diag);
    s->metric = json_object_get(report, "f1") != NULL ? "f1" : json_object_get(report, "map") != NULL ? "mAP" : "top1";
    if (status != MOTE_OK)
        snprintf(s->at, sizeof s->at, "%s", e.at);
    *out = e.score;
    json_decref(report);
    feed_close(&e.f);
    return status;
}

mote_status scorer_original(scorer *s, mote_diag *diag)
{
    engine e;
    MOTE_TRY(engine_load(&e, s->model, s->engine, diag));
    return scorer_run(s, e.model, &s->original, diag);
}
