/* boxes.c - mean average precision by the rule of COCO's detection challenge
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "quant/metrics/boxes.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { THRESHOLDS = 10, RECALLS = 101, MOST = 100 }; /* boxes of a picture and class */

mote_status mote_boxes_meter_add(mote_box_list *list, const mote_scored_box *box, mote_diag *diag)
{
    if (list->n == list->cap) {
        const size_t cap = list->cap == 0 ? 256 : list->cap * 2;
        MOTE_REQUIRE(cap <= INT32_MAX, diag, MOTE_E_LIMIT, "more than %d boxes", INT32_MAX / 2);
        mote_scored_box *grown = realloc(list->items, cap * sizeof *grown);
        if (grown == NULL)
            return MOTE_NO_MEMORY(diag, cap * sizeof *grown);
        list->items = grown;
        list->cap = cap;
    }
    list->items[list->n] = *box;
    list->items[list->n].order = (uint32_t)list->n;
    list->n++;
    return MOTE_OK;
}

void mote_boxes_meter_free(mote_boxes_meter *m)
{
    free(m->truth.items);
    free(m->given.items);
    *m = (mote_boxes_meter){.truth = {NULL, 0, 0}};
}

/* By class, picture, score (the best first), order. */
static int by_picture(const void *a, const void *b)
{
    const mote_scored_box *x = a, *y = b;
    if (x->label != y->label)
        return x->label < y->label ? -1 : 1;
    if (x->picture != y->picture)
        return x->picture < y->picture ? -1 : 1;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

static double iou(const mote_scored_box *a, const mote_scored_box *b)
{
    const double w = fmin(a->x1, b->x1) - fmax(a->x0, b->x0), h = fmin(a->y1, b->y1) - fmax(a->y0, b->y0);
    if (!(w > 0 && h > 0))
        return 0;
    return w * h / ((a->x1 - a->x0) * (a->y1 - a->y0) + (b->x1 - b->x0) * (b->y1 - b->y0) - w * h);
}

/* A box that was given: for which thresholds it is right. */
typedef struct judged {
    float score;
    uint32_t place;
    uint16_t right;
} judged;

static int by_score(const void *a, const void *b)
{
    const judged *x = a, *y = b;
    return x->score != y->score ? (x->score > y->score ? -1 : 1) : x->place < y->place ? -1 : 1;
}

/* The boxes of one picture and class. taken[k]: for which thresholds the true box k has its box. */
static void match(const mote_scored_box *given, size_t n, const mote_scored_box *truth, size_t n_truth, uint16_t *taken, judged *out)
{
    memset(taken, 0, n_truth * sizeof *taken);
    for (size_t i = 0; i < n; i++) {
        size_t best[THRESHOLDS];
        double most[THRESHOLDS];
        for (int t = 0; t < THRESHOLDS; t++) {
            best[t] = SIZE_MAX;
            most[t] = fmin(0.5 + t * ((0.95 - 0.5) / 9), 1 - 1e-10);
        }
        for (size_t k = 0; k < n_truth; k++) {
            const double v = iou(&given[i], &truth[k]);
            for (int t = 0; t < THRESHOLDS && v >= most[0]; t++)
                if ((taken[k] >> t & 1) == 0 && v >= most[t]) {
                    most[t] = v;
                    best[t] = k;
                }
        }
        out[i] = (judged){given[i].score, 0, 0};
        for (int t = 0; t < THRESHOLDS; t++)
            if (best[t] != SIZE_MAX) {
                out[i].right = (uint16_t)(out[i].right | 1u << t);
                taken[best[t]] = (uint16_t)(taken[best[t]] | 1u << t);
            }
    }
}

/* `precision`: room for n values. */
static double average_precision(const judged *j, size_t n, size_t n_truth, int t, double *precision)
{
    double right = 0, sum = 0;
    for (size_t i = 0; i < n; i++) {
        right += j[i].right >> t & 1;
        precision[i] = right / ((double)i + 1);
    }
    for (size_t i = n; i-- > 1;)
        precision[i - 1] = fmax(precision[i - 1], precision[i]);
    size_t i = 0; /* the first box with which the recall is reached */
    right = n != 0 ? j[0].right >> t & 1 : 0;
    for (int r = 0; r < RECALLS; r++) {
        while (i < n && right / (double)n_truth < r * 0.01)
            right += ++i < n ? j[i].right >> t & 1 : 0;
        if (i == n)
            break;
        sum += precision[i];
    }
    return sum / RECALLS;
}

static size_t end_of(const mote_box_list *l, size_t at, bool same_picture)
{
    size_t end = at;
    while (end < l->n && l->items[end].label == l->items[at].label && (!same_picture || l->items[end].picture == l->items[at].picture))
        end++;
    return end;
}

/* One class: truth [t0, t1), given [g0, g1). */
static void score_class(const mote_boxes_meter *m, size_t t0, size_t t1, size_t g0, size_t g1, uint16_t *taken, judged *j, double *precision, mote_boxes_score *out)
{
    size_t n = 0, truth = t0;
    for (size_t at = g0, end; at < g1; at = end) {
        const uint32_t picture = m->given.items[at].picture;
        end = end_of(&m->given, at, true);
        while (truth < t1 && m->truth.items[truth].picture < picture)
            truth++;
        const size_t last = truth < t1 && m->truth.items[truth].picture == picture ? end_of(&m->truth, truth, true) : truth, count = end - at < MOST ? end - at : MOST;
        match(m->given.items + at, count, m->truth.items + truth, last - truth, taken, j + n);
        for (size_t i = 0; i < count; i++, n++)
            j[n].place = (uint32_t)n;
    }
    if (n != 0)
        qsort(j, n, sizeof *j, by_score);
    for (int t = 0; t < THRESHOLDS; t++) {
        const double p = average_precision(j, n, t1 - t0, t, precision);
        out->map += p / THRESHOLDS;
        out->map50 += t == 0 ? p : 0;
        out->map75 += t == 5 ? p : 0;
    }
    out->classes++;
}

mote_status mote_boxes_meter_score(mote_boxes_meter *m, mote_boxes_score *out, mote_diag *diag)
{
    *out = (mote_boxes_score){.truth = m->truth.n, .given = m->given.n};
    uint16_t *taken = calloc(m->truth.n + 1, sizeof *taken);
    judged *j = calloc(m->given.n + 1, sizeof *j);
    double *precision = calloc(m->given.n + 1, sizeof *precision);
    mote_status status = taken != NULL && j != NULL && precision != NULL ? MOTE_OK : MOTE_NO_MEMORY(diag, m->given.n * sizeof *j);
    if (status == MOTE_OK && m->truth.n != 0)
        qsort(m->truth.items, m->truth.n, sizeof *m->truth.items, by_picture);
    if (status == MOTE_OK && m->given.n != 0)
        qsort(m->given.items, m->given.n, sizeof *m->given.items, by_picture);
    for (size_t t0 = 0, t1, g0 = 0, g1; t0 < m->truth.n && status == MOTE_OK; t0 = t1, g0 = g1) {
        const int32_t label = m->truth.items[t0].label;
        t1 = end_of(&m->truth, t0, false);
        while (g0 < m->given.n && m->given.items[g0].label < label)
            g0++;
        g1 = g0 < m->given.n && m->given.items[g0].label == label ? end_of(&m->given, g0, false) : g0;
        score_class(m, t0, t1, g0, g1, taken, j, precision, out);
    }
    const double classes = out->classes != 0 ? (double)out->classes : (double)NAN;
    out->map /= classes;
    out->map50 /= classes;
    out->map75 /= classes;
    free(taken);
    free(j);
    free(precision);
    return status;
}
