/* scores.c - softmax, the best of many, boxes and their suppression
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/softmax/softmax.h"
#include <mote/mote_prep.h>
#include <stdlib.h>

void mote_softmax(const float *x, size_t n, float *y)
{
    if (n != 0)
        mote_softmax_select(false, mote_cpu_features())->rows(x, y, 1, n);
}

/* True when value i stands before value k: larger, then lower index; NaN last. */
static bool before(const float *x, size_t i, size_t k)
{
    if (x[i] == x[k] || (x[i] != x[i] && x[k] != x[k]))
        return i < k;
    return x[k] != x[k] || x[i] > x[k];
}

/* A heap of the k best so far, the worst of them on top. */
static void sink(const float *x, size_t *heap, size_t at, size_t n)
{
    for (;;) {
        size_t child = 2 * at + 1, worst = at;
        for (size_t c = child; c < n && c < child + 2; c++)
            worst = before(x, heap[worst], heap[c]) ? c : worst;
        if (worst == at)
            return;
        size_t moved = heap[at];
        heap[at] = heap[worst];
        heap[worst] = moved;
        at = worst;
    }
}

size_t mote_top_k(const float *x, size_t n, size_t *indices, size_t k)
{
    k = k < n ? k : n;
    for (size_t i = 0; i < k; i++)
        indices[i] = i;
    for (size_t i = k / 2; i-- > 0;)
        sink(x, indices, i, k);
    for (size_t i = k; i < n && k > 0; i++)
        if (before(x, i, indices[0])) {
            indices[0] = i;
            sink(x, indices, 0, k);
        }
    for (size_t left = k; left > 1; left--) { /* the worst goes to the end */
        size_t worst = indices[0];
        indices[0] = indices[left - 1];
        indices[left - 1] = worst;
        sink(x, indices, 0, left - 1);
    }
    return k;
}

/* ---- boxes ---- */

void mote_box_corners(const float in[4], mote_box_format format, mote_box *out)
{
    const float w = in[2], h = in[3], x = format == MOTE_BOX_CXCYWH ? in[0] - w / 2 : in[0], y = format == MOTE_BOX_CXCYWH ? in[1] - h / 2 : in[1];
    out->x0 = x;
    out->y0 = y;
    out->x1 = format == MOTE_BOX_XYXY ? w : x + w;
    out->y1 = format == MOTE_BOX_XYXY ? h : y + h;
}

static float area(const mote_box *b) { return b->x1 > b->x0 && b->y1 > b->y0 ? (b->x1 - b->x0) * (b->y1 - b->y0) : 0; }

float mote_box_iou(const mote_box *a, const mote_box *b)
{
    const mote_box both = {a->x0 > b->x0 ? a->x0 : b->x0, a->y0 > b->y0 ? a->y0 : b->y0, a->x1 < b->x1 ? a->x1 : b->x1, a->y1 < b->y1 ? a->y1 : b->y1, 0, 0};
    const float inside = area(&both), all = area(a) + area(b) - inside;
    return all > 0 ? inside / all : 0;
}

static bool better(const mote_box *a, const mote_box *b)
{
    if (a->score != b->score)
        return a->score > b->score;
    if (a->index != b->index)
        return a->index < b->index;
    const float left[4] = {a->x0, a->y0, a->x1, a->y1}, right[4] = {b->x0, b->y0, b->x1, b->y1};
    for (int i = 0; i < 4; i++)
        if (left[i] != right[i])
            return left[i] < right[i];
    return false;
}

/* A heap with the worst box on top. */
static void sift(mote_box *b, size_t at, size_t n)
{
    for (;;) {
        size_t child = 2 * at + 1, worst = at;
        for (size_t c = child; c < n && c < child + 2; c++)
            worst = better(&b[worst], &b[c]) ? c : worst;
        if (worst == at)
            return;
        mote_box moved = b[at];
        b[at] = b[worst];
        b[worst] = moved;
        at = worst;
    }
}

size_t mote_boxes_suppress(mote_box *boxes, size_t n, float iou_threshold, size_t max_keep)
{
    for (size_t i = n / 2; i-- > 0;)
        sift(boxes, i, n);
    for (size_t left = n; left > 1; left--) {
        mote_box worst = boxes[0];
        boxes[0] = boxes[left - 1];
        boxes[left - 1] = worst;
        sift(boxes, 0, left - 1);
    }
    size_t kept = 0;
    for (size_t i = 0; i < n && kept < max_keep; i++) {
        bool stays = true;
        for (size_t k = 0; k < kept && stays; k++)
            stays = boxes[k].index != boxes[i].index || !(mote_box_iou(&boxes[k], &boxes[i]) > iou_threshold);
        if (stays)
            boxes[kept++] = boxes[i];
    }
    return kept;
}

static float back(float x, double scale, double offset, int32_t side)
{
    const double p = ((double)x - offset) / scale;
    return (float)(p < 0 ? 0 : p > side ? side : p);
}

void mote_box_to_picture(mote_box *b, const mote_image_map *map, int32_t width, int32_t height)
{
    b->x0 = back(b->x0, map->scale_x, map->offset_x, width);
    b->x1 = back(b->x1, map->scale_x, map->offset_x, width);
    b->y0 = back(b->y0, map->scale_y, map->offset_y, height);
    b->y1 = back(b->y1, map->scale_y, map->offset_y, height);
}
