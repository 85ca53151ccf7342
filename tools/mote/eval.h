/* eval.h - labelled data through a model: what the kinds of data share
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_EVAL_H
#define MOTE_TOOL_EVAL_H

#include "pair.h"

typedef struct eval {
    feed f;
    pair *pair;             /* a second model beside: what each input gives there is compared and counted; NULL: none */
    const char *data;       /* path */
    size_t limit;           /* items; SIZE_MAX: all */
    bool has_offset;        /* --label-offset */
    int64_t offset;
    FILE *predictions;      /* NULL: none */
    char at[4096];          /* the input file at fault when reading fails; "": the model */
    double run_ms;
    double score;           /* the one that --require is about, in percent */
} eval;

/* Each reads e->data, runs it and adds its figures to `report`; they print nothing. */
mote_status eval_images(eval *e, json_t *report, mote_diag *diag);
mote_status eval_arrays(eval *e, json_t *report, mote_diag *diag);
mote_status eval_iob(eval *e, json_t *report, mote_diag *diag);

mote_status eval_data(eval *e, json_t *report, mote_diag *diag); /* the one that the path says */

mote_status eval_run(eval *e, mote_diag *diag); /* the session, timed */

/* Counts of right answers among the best; of the pair's second model, if there is one. */
typedef struct eval_tops {
    size_t n, first, five, second;
} eval_tops;
/* The session's classes against the right one; *best gets the first. MOTE_E_VALUE when the model has no such class. */
mote_status eval_count(eval *e, int64_t right, eval_tops *t, mote_class *best, mote_diag *diag);
void eval_report_tops(eval *e, const eval_tops *t, json_t *report);

/* "done/total" on a terminal, nothing elsewhere. The last call has done == total. */
void eval_progress(size_t done, size_t total);

#endif
