/* detect.c - operators whose output's size depends on data: NonZero, NonMaxSuppression
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ONNX NonZero-13, NonMaxSuppression-11. A box is kept while its score is above score_threshold (a NaN never is); boxes are taken by descending
 * score, the lower index first among equals; a box without area overlaps nothing. */
#include "base/platform.h"
#include "base/size.h"
#include "ops/args.h"
#include "ops/elements.h"
#include "ops/select.h"
#include "ops/types.h"
#include <math.h>

/* ---- NonZero ---- */

static mote_status infer_non_zero(mote_infer *c)
{
    const int64_t dims[2] = {c->in[0]->rank < 0 ? MOTE_DIM_UNKNOWN : c->in[0]->rank, MOTE_DIM_UNKNOWN};
    mote_infer_out(c, 0, MOTE_DTYPE_S64, 2, dims);
    return MOTE_OK;
}

/* Floats have two zeros; a string is zero when it is empty. */
static bool is_zero(const mote_array *x, size_t i)
{
    const size_t size = mote_dtype_bits(x->dtype) / 8;
    if (x->dtype == MOTE_DTYPE_STRING)
        return ((const mote_string *)x->data)[i].length == 0;
    if (x->dtype == MOTE_DTYPE_C64)
        return ((const float *)x->data)[2 * i] == 0 && ((const float *)x->data)[2 * i + 1] == 0;
    if (x->dtype == MOTE_DTYPE_C128)
        return ((const double *)x->data)[2 * i] == 0 && ((const double *)x->data)[2 * i + 1] == 0;
    if (mote_dtype_in(x->dtype, MOTE_DTYPES_FLOAT))
        return mote_array_f64(x, i) == 0;
    const uint8_t *p = (const uint8_t *)x->data + i * size;
    for (size_t b = 0; b < size; b++)
        if (p[b] != 0)
            return false;
    return true;
}

static mote_status eval_non_zero(mote_eval *c)
{
    const mote_array *x = c->in[0];
    const size_t n = mote_array_count(x);
    size_t count = 0, at = 0;
    for (size_t i = 0; i < n; i++)
        count += !is_zero(x, i);
    const int64_t dims[2] = {x->rank, (int64_t)count};
    MOTE_TRY(mote_eval_out(c, 0, MOTE_DTYPE_S64, 2, dims));
    int64_t *y = c->out[0]->data;
    for (size_t i = 0; i < n && at < count; i++) {
        if (is_zero(x, i))
            continue;
        size_t rest = i;
        for (int32_t d = x->rank - 1; d >= 0; d--) {
            y[(size_t)d * count + at] = (int64_t)(rest % (size_t)x->dims[d]);
            rest /= (size_t)x->dims[d];
        }
        at++;
    }
    return MOTE_OK;
}

/* ---- NonMaxSuppression ---- */

static mote_status infer_nms(mote_infer *c)
{
    const mote_type *boxes = c->in[0], *scores = c->in[1];
    const int64_t dims[2] = {MOTE_DIM_UNKNOWN, 3};
    MOTE_REQUIRE(boxes->rank < 0 || (boxes->rank == 3 && mote_dim_may_equal(boxes->dims[2], 4)), c->diag, MOTE_E_SHAPE,
                 "boxes is not of shape [batches, boxes, 4]");
    MOTE_REQUIRE(scores->rank < 0 || scores->rank == 3, c->diag, MOTE_E_SHAPE, "scores has rank %d, expected 3", scores->rank);
    if (boxes->rank == 3 && scores->rank == 3)
        MOTE_REQUIRE(mote_dim_may_equal(boxes->dims[0], scores->dims[0]) && mote_dim_may_equal(boxes->dims[1], scores->dims[2]), c->diag, MOTE_E_SHAPE,
                     "boxes are [%lld, %lld, 4], scores [%lld, .., %lld]: expected equal numbers of batches and boxes", (long long)boxes->dims[0],
                     (long long)boxes->dims[1], (long long)scores->dims[0], (long long)scores->dims[2]);
    mote_infer_out(c, 0, MOTE_DTYPE_S64, 2, dims);
    return MOTE_OK;
}

typedef struct box {
    float y0, x0, y1, x1, area;
} box;

static box box_of(const float *p, bool centered)
{
    box b;
    if (centered) { /* x, y, width, height */
        const float w = p[2] / 2, h = p[3] / 2;
        b = (box){p[1] - h, p[0] - w, p[1] + h, p[0] + w, 0};
    } else { /* y, x of any two opposite corners */
        b = (box){fminf(p[0], p[2]), fminf(p[1], p[3]), fmaxf(p[0], p[2]), fmaxf(p[1], p[3]), 0};
    }
    b.area = (b.x1 - b.x0) * (b.y1 - b.y0);
    return b;
}

static bool overlap(const box *a, const box *b, float threshold)
{
    if (!(a->area > 0) || !(b->area > 0)) /* where a corner is NaN, too: the comparisons below are of numbers */
        return false;
    const float y0 = a->y0 > b->y0 ? a->y0 : b->y0, y1 = a->y1 < b->y1 ? a->y1 : b->y1;
    if (!(y1 > y0))
        return false;
    const float x0 = a->x0 > b->x0 ? a->x0 : b->x0, x1 = a->x1 < b->x1 ? a->x1 : b->x1;
    if (!(x1 > x0))
        return false;
    const float both = (x1 - x0) * (y1 - y0), either = a->area + b->area - both;
    return both > 0 && either > 0 && both / either > threshold;
}

typedef struct picks {
    int64_t (*at)[3];
    size_t n, capacity;
} picks;

static mote_status pick(mote_eval *c, picks *p, int64_t batch, int64_t class_index, int64_t index)
{
    if (p->n == p->capacity) {
        size_t capacity = p->capacity == 0 ? 64 : 2 * p->capacity, bytes;
        if (!mote_size_mul(capacity, sizeof *p->at, &bytes))
            return MOTE_NO_MEMORY(c->diag, capacity);
        int64_t(*more)[3] = mote_heap_alloc(c->heap, bytes);
        if (more == NULL)
            return MOTE_NO_MEMORY(c->diag, bytes);
        if (p->n != 0)
            memcpy(more, p->at, p->n * sizeof *p->at);
        mote_heap_free(c->heap, p->at, p->capacity * sizeof *p->at);
        p->at = more;
        p->capacity = capacity;
    }
    memcpy(p->at[p->n++], (int64_t[3]){batch, class_index, index}, sizeof *p->at);
    return MOTE_OK;
}

typedef struct limits {
    size_t most;
    float iou, score;
    bool scored;
} limits;

static mote_status read_limits(mote_eval *c, limits *l)
{
    int64_t most = 0;
    *l = (limits){0};
    if (mote_eval_has(c, 2) && mote_array_count(c->in[2]) != 0)
        MOTE_TRY(mote_arg_int(c->in[2], "max_output_boxes_per_class", c->diag, &most));
    l->most = most < 0 ? 0 : (size_t)most;
    for (uint32_t i = 3; i < 5; i++) {
        const size_t n = mote_eval_has(c, i) ? mote_array_count(c->in[i]) : 0;
        MOTE_REQUIRE(n <= 1, c->diag, MOTE_E_SHAPE, "input %u has %zu elements, expected a scalar", i, n);
        if (n == 0)
            continue;
        const float v = *(const float *)c->in[i]->data;
        MOTE_REQUIRE(i == 4 || (v >= 0 && v <= 1), c->diag, MOTE_E_VALUE, "iou_threshold is %g, expected 0 to 1", (double)v);
        l->scored = l->scored || i == 4;
        *(i == 3 ? &l->iou : &l->score) = v;
    }
    return MOTE_OK;
}

/* Room for one class: candidates in the order of their scores, and which of them were kept. */
typedef struct room {
    box *boxes, *kept;
    uint64_t *key;
    size_t *place, *order; /* of candidates among the boxes; of candidates among themselves */
} room;

static mote_status suppress(mote_eval *c, const limits *l, const room *r, const float *score, size_t n, int64_t batch, int64_t class_index, picks *p)
{
    size_t candidates = 0, kept = 0;
    for (size_t i = 0; i < n; i++)
        if (l->scored ? score[i] > l->score : score[i] == score[i]) {
            r->key[candidates] = mote_key_f64((double)score[i]);
            r->place[candidates++] = i;
        }
    mote_top_keys(r->key, candidates, candidates, r->order);
    for (size_t i = 0; i < candidates && kept < l->most; i++) {
        const size_t at = r->place[r->order[i]];
        const box *b = &r->boxes[at];
        bool free = true;
        for (size_t k = 0; k < kept && free; k++)
            free = !overlap(b, &r->kept[k], l->iou);
        if (!free)
            continue;
        r->kept[kept++] = *b;
        MOTE_TRY(pick(c, p, batch, class_index, (int64_t)at));
    }
    return MOTE_OK;
}

static mote_status nms(mote_eval *c, const limits *l, const room *r, picks *p)
{
    const mote_array *boxes = c->in[0], *scores = c->in[1];
    const size_t n = (size_t)boxes->dims[1];
    const bool centered = mote_node_int(c->node, "center_point_box", 0) != 0;
    for (int64_t b = 0; b < boxes->dims[0]; b++) {
        for (size_t i = 0; i < n; i++)
            r->boxes[i] = box_of((const float *)boxes->data + ((size_t)b * n + i) * 4, centered);
        for (int64_t k = 0; k < scores->dims[1]; k++)
            MOTE_TRY(suppress(c, l, r, (const float *)scores->data + (size_t)(b * scores->dims[1] + k) * n, n, b, k, p));
    }
    return MOTE_OK;
}

static mote_status eval_nms(mote_eval *c)
{
    const size_t n = (size_t)c->in[0]->dims[1], one = 2 * sizeof(box) + sizeof(uint64_t) + 2 * sizeof(size_t);
    const int64_t centered = mote_node_int(c->node, "center_point_box", 0);
    limits l;
    picks p = {0};
    size_t bytes;
    MOTE_REQUIRE(centered == 0 || centered == 1, c->diag, MOTE_E_VALUE, "center_point_box is %lld, expected 0 or 1", (long long)centered);
    MOTE_TRY(read_limits(c, &l));
    if (!mote_size_mul(n + 1, one, &bytes))
        return MOTE_NO_MEMORY(c->diag, n);
    char *memory = mote_heap_alloc(c->heap, bytes);
    if (memory == NULL)
        return MOTE_NO_MEMORY(c->diag, bytes);
    room r = {.key = (uint64_t *)(void *)memory};
    r.place = (size_t *)(void *)(r.key + n);
    r.order = r.place + n;
    r.boxes = (box *)(void *)(r.order + n);
    r.kept = r.boxes + n;
    mote_status status = l.most == 0 ? MOTE_OK : nms(c, &l, &r, &p);
    const int64_t dims[2] = {(int64_t)p.n, 3};
    if (status == MOTE_OK)
        status = mote_eval_out(c, 0, MOTE_DTYPE_S64, 2, dims);
    if (status == MOTE_OK && p.n != 0)
        memcpy(c->out[0]->data, p.at, p.n * sizeof *p.at);
    mote_heap_free(c->heap, p.at, p.capacity * sizeof *p.at);
    mote_heap_free(c->heap, memory, bytes);
    return status;
}

#define NON_ZERO(t)                                                                                                    \
    .in = "X:T", .out = "Y:int64", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_DATA_SHAPE, .infer = infer_non_zero, .eval = eval_non_zero, \
    .doc = MOTE_DOC("y = the coordinates of the elements that are not zero, in order, one column each")
MOTE_OP(onnx, NonZero, 9, NON_ZERO(MOTE_T_ALL_7));
MOTE_OP(onnx, NonZero, 13, NON_ZERO(MOTE_T_ALL_13));

#define NMS                                                                                                            \
    .in = "boxes:float scores:float max_output_boxes_per_class?:int64 iou_threshold?:float score_threshold?:float", .out = "selected_indices:int64", \
    .attrs = MOTE_ATTRS(MOTE_A_INT("center_point_box", 0)), .flags = MOTE_OP_DATA_SHAPE, .infer = infer_nms, .eval = eval_nms,   \
    .doc = MOTE_DOC("y = (batch, class, box) of the boxes by descending score that overlap none before them by more than the threshold")
MOTE_OP(onnx, NonMaxSuppression, 10, NMS);
MOTE_OP(onnx, NonMaxSuppression, 11, NMS);
