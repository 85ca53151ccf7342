/* boxes.h - how well boxes were found: mean average precision by the rule of COCO's detection challenge
 * SPDX-License-Identifier: Apache-2.0
 *
 * For each class with a true box and each of the thresholds t = 0.50, 0.55 ... 0.95: the 100 best boxes of a picture, best first, each take the free true box of the picture and class
 * with the largest intersection over union, if that is at least t. Over the boxes of all pictures, best first, precision = right / given, recall = right / true; precision at a
 * recall is the largest at that recall or beyond; the average is over the recalls 0, 0.01 ... 1. The mean is over thresholds and classes; boxes of all sizes, none ignored.
 * Source: Lin et al. 2014, Microsoft COCO, and cocodataset.org, detection evaluation. */
#ifndef MOTE_QUANT_METRICS_BOXES_H
#define MOTE_QUANT_METRICS_BOXES_H

#include "base/diag.h"

typedef struct mote_scored_box {
    double x0, y0, x1, y1;
    float score; /* of a true box: 0 */
    int32_t label;
    uint32_t picture;
    uint32_t order; /* set by mote_boxes_meter_add */
} mote_scored_box;

typedef struct mote_box_list {
    mote_scored_box *items;
    size_t n, cap;
} mote_box_list;

/* {0} to begin with. */
typedef struct mote_boxes_meter {
    mote_box_list truth, given;
} mote_boxes_meter;

typedef struct mote_boxes_score {
    double map, map50, map75; /* 0 to 1; NaN: there is no true box */
    size_t classes, truth, given;
} mote_boxes_score;

/* Boxes that tie in score rank by picture, then in the order in which they were added. MOTE_E_MEMORY, MOTE_E_LIMIT (2^31 boxes). */
mote_status mote_boxes_meter_add(mote_box_list *list, const mote_scored_box *box, mote_diag *diag);
/* Sorts both lists. */
mote_status mote_boxes_meter_score(mote_boxes_meter *m, mote_boxes_score *out, mote_diag *diag);
void mote_boxes_meter_free(mote_boxes_meter *m);

#endif
