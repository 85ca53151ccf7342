/* budget.h - the best recipe under a budget: of bytes, of milliseconds, of what may be lost
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_BUDGET_H
#define MOTE_TOOL_BUDGET_H

#include "latency.h"
#include "score.h"

enum { BUDGET_POINTS = 16 };

typedef struct budget_options {
    double drop;         /* points of the score, NaN: no matter; needs `scorer` */
    double sqnr;         /* dB that outputs keep at least, NaN: no matter */
    uint64_t bytes;      /* of the file, 0: no matter */
    double share;        /* of the multiplications in int8, percent, NaN: no matter; without `profile` cost is then what is not in int8 */
    double ms;           /* predicted by the profile, NaN: no matter; needs `profile` */
    const char *profile; /* path; NULL: cost is bytes */
    size_t measured;     /* samples that recipes are tried on */
} budget_options;

typedef struct budget_point {
    char *name, *recipe;     /* what it is, for readers; its text, malloced */
    trial_result result;
    double cost, ms, score;  /* what is kept small (bytes, ms or multiplications); predicted ms, 0 without a profile */
    double integers;         /* part of the multiplications in int8 */
    bool scored, best;       /* best: no other point costs less and diverges less */
} budget_point;

typedef struct budget {
    budget_point points[BUDGET_POINTS + 4];
    size_t n;
    size_t order[BUDGET_POINTS + 4]; /* those that keep the budgets that can be told without a score, the one to take first */
    size_t n_order;
    bool by_ms, by_products;
    double original;         /* score, with --drop */
} budget;

/* Ranks layers, searches, and measures what was found. MOTE_E_LIMIT, naming the least that was found, when nothing keeps the budgets. */
mote_status budget_search(trial *t, const budget_options *o, scorer *s, budget *out, mote_diag *diag);
/* Whether a score keeps the budget. */
bool budget_keeps(const budget_options *o, double original, double score);
void budget_free(budget *b);

/* budget_report.c: the curve, cheapest first. */
void budget_print(const budget *b, size_t taken);
json_t *budget_json(const budget *b, size_t taken);

#endif
