/* score.h - the task's metric of a model in memory
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_SCORE_H
#define MOTE_TOOL_SCORE_H

#include "engine.h"

typedef struct scorer {
    const engine_options *engine;
    const char *model, *data, *prep, *vocab; /* paths; the model's, that files are looked for beside */
    size_t limit, max_length;
    const char *metric;  /* "top1", "f1" or "mAP", once something was scored */
    double original;     /* percent */
    char at[4096];       /* the file at fault, "": the model */
} scorer;

/* The score of the file itself, into s->original. */
mote_status scorer_original(scorer *s, mote_diag *diag);
/* The score of a model, which is destroyed. */
mote_status scorer_run(scorer *s, mote_model *m, double *out, mote_diag *diag);

#endif
