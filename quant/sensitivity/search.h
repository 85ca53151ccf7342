/* search.h - which precision each layer gets, when noise and cost add up
 * SPDX-License-Identifier: Apache-2.0
 *
 * Noise (of the outputs, over the signal's energy) that layers cause one at a time is taken to add up, and so is what they cost; where two layers that follow each other
 * differ, the border costs, too. Minimizing noise + lambda cost for falling lambda gives the lower convex hull of what can be had. The caller then measures it. */
#ifndef MOTE_QUANT_SENSITIVITY_SEARCH_H
#define MOTE_QUANT_SENSITIVITY_SEARCH_H

#include "quant/quantizer.h"

/* Layer `to` reads what layer `from` gave, `elements` of it in a run. */
typedef struct mote_edge {
    size_t from, to;
    double elements;
} mote_edge;

/* By the layer that reads, and by the one that gives: those of layer i stand from first[i] up to first[i + 1]. */
typedef struct mote_edges {
    mote_edge *to, *from;
    size_t *to_first, *from_first;
    size_t n;
} mote_edges;

/* In the quantizer's arena. Elements are the mean over the samples that were run; 0 when none were. */
mote_status mote_search_edges(mote_quantizer *q, mote_edges *out, mote_diag *diag);

typedef struct mote_search {
    size_t layers, options;
    const double *noise, *cost; /* [layers, options]; noise infinity: not to be had */
    const mote_edges *edges;    /* NULL: borders cost nothing */
    const double *border;       /* [options, options]: cost of an element from one to another */
} mote_search;

typedef struct mote_search_point {
    uint8_t *option; /* by layer */
    double noise, cost;
} mote_search_point;

/* What an assignment is predicted to have. */
void mote_search_price(const mote_search *s, mote_search_point *p);
enum { MOTE_SEARCH_ROOM = 144 }; /* more than there are values of lambda */
/* The hull, from the cheapest to the one of least noise, no point beaten in both by another: at most `most` (2 or more) of them; where there are more, those go whose
 * neighbours are nearest to each other in noise. points[k].option is memory of `layers` bytes that the caller gives for each of MOTE_SEARCH_ROOM. Deterministic. */
size_t mote_search_hull(const mote_search *s, mote_search_point *points, size_t most);

#endif
