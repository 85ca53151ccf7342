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
    double score;           /* the one that --require is about, in percent; of signals the SNR in dB */
    bool against;           /* the pair's second model is the one that is evaluated: what `f` gives is right */
    bool has_threshold;     /* --score-threshold */
    double threshold;       /* of boxes: those with at least this score take part; else 0.05, or the description's when that is lower */
} eval;

/* Each reads e->data, runs it and adds its figures to `report`; they print nothing. */
mote_status eval_images(eval *e, json_t *report, mote_diag *diag);
mote_status eval_arrays(eval *e, json_t *report, mote_diag *diag);
mote_status eval_iob(eval *e, json_t *report, mote_diag *diag);

mote_status eval_boxes(eval *e, json_t *report, mote_diag *diag);   /* boxes.csv, or with a pair without one: what the first model finds */
mote_status eval_sounds(eval *e, json_t *report, mote_diag *diag);  /* .wav, or a folder of them, with a pair */
mote_status eval_signals(eval *e, json_t *report, mote_diag *diag); /* .npz without labels: arrays named as the outputs, or a pair */

/* Whether there are labels, boxes or expected outputs beside the data, by the names of files and arrays alone. MOTE_E_IO: there are no data. */
mote_status eval_has_labels(const char *data, bool *labels, mote_diag *diag);
bool eval_is_detector(const feed *f);
bool eval_makes_sound(const feed *f);
bool eval_has_file(const char *folder, const char *name);
/* A class by its number or, with labels, its name; false when it is neither. */
bool eval_class(const feed *f, const char *text, int64_t *out);

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
