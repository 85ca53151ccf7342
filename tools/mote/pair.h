/* pair.h - a second model beside a first one, on the same inputs: how far outputs lie apart, which answers change
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_PAIR_H
#define MOTE_TOOL_PAIR_H

#include "feed.h"
#include "quant/metrics/boxes.h"
#include "quant/metrics/signal.h"
#include "quant/sensitivity/divergence.h"

enum { PAIR_OUTPUTS = 32, PAIR_INSIDE = 16 }; /* samples that layers are compared on */

typedef struct pair {
    feed second;
    mote_divergence each[PAIR_OUTPUTS]; /* by output; those that are not float32 stay empty */
    size_t n_out;
    size_t samples;
    engine inside[2];      /* both models with what their layers give as further outputs; models NULL: not looked at */
    mote_divergence *layers; /* by further output, of the first PAIR_INSIDE samples */
    size_t n_layers;
    size_t answers, same;  /* answers, and those that are equal in both */
    size_t items, only[2]; /* what is right or wrong as a whole; of it, what is right in one model alone */
    double score;          /* of the second model, in percent */
    bool detects, sounds;  /* `boxes`: of the second model, the first one's are right; `sound`: what a recording becomes, the first one's is right */
    mote_boxes_score boxes;
    mote_signal_score sound;
} pair;

/* Frees the models inside and what is known of layers; the feed is the caller's. */
void pair_free(pair *p);
/* Gives the second model what the first one's inputs hold, runs it, and adds what the outputs differ by. */
mote_status pair_run(pair *p, const engine *first, mote_diag *diag);
/* MOTE_E_VALUE when the first model's outputs are NaN: data on which the original gives no number are no measure. */
mote_status pair_check(const engine *first, mote_diag *diag);
void pair_answer(pair *p, bool same);
void pair_item(pair *p, bool first_right, bool second_right);
/* The output that holds classes: the described one, else the first. */
size_t pair_output(const feed *f);
/* Unlabelled: whether rows of that output are answers, as the description says or, without one, its shape: [N,C], [N,L,C]. */
bool pair_has_answers(const feed *f);

#endif
