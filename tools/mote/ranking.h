/* ranking.h - layers by what they do to the outputs at each precision
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_RANKING_H
#define MOTE_TOOL_RANKING_H

#include "score.h"
#include "trial.h"

enum { RANKING_PRECISIONS = 6 };

typedef struct ranking_entry {
    bool done, scored;
    trial_result result;
    double score;
} ranking_entry;

typedef struct ranking {
    const char *precisions[RANKING_PRECISIONS];
    size_t n_precisions, n_layers, samples;
    mote_quantized_layer *layers;
    ranking_entry *in, *out;       /* [layers, precisions]: this layer alone, all but this one */
    ranking_entry all[RANKING_PRECISIONS];
    size_t *order;                 /* layers, the most sensitive first */
    bool one_out, whole;           /* whole: nothing is kept, the model is run from its beginning each time */
    bool kept;
} ranking;

/* "int8,f16": names of recipes, each once, f32 not among them. */
mote_status ranking_precisions(ranking *k, const char *list, mote_diag *diag);
/* Fills everything but the scores. A layer that cannot have a precision is not done there. */
mote_status ranking_measure(trial *t, ranking *k, bool one_out, mote_diag *diag);
/* The score of `rest` for all layers but one, which has `precision`; node NULL: of all. */
mote_status ranking_score(trial *t, ranking *k, scorer *s, const char *rest, const char *node, const char *precision, ranking_entry *e, mote_diag *diag);
/* By the ratio at precision p; SIZE_MAX: by the largest at any. */
void ranking_sort(ranking *k, size_t p);
/* Whether a layer can have a precision at all. */
bool ranking_possible(const mote_quantized_layer *l, const char *precision);
void ranking_free(ranking *k);

/* ranking_svg.c: a picture, which says the same as the table. */
mote_status ranking_svg(const ranking *k, const char *model, const char *path, bool overwrite, mote_diag *diag);

#endif
