/* answer.c - classes, boxes and labels from a session's outputs, as a description says
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "pipeline/prep/prep.h"
#include "base/size.h"
#include "tensor/dtype.h"
#include <string.h>

/* An output as floats: the session's own memory, or a copy. */
typedef struct floats {
    mote_heap heap;
    const mote_tensor *t;
    const float *p;
    float *copy;
    size_t n;
} floats;

static mote_status open_output(const mote_prep *p, mote_session *session, const char *name, floats *f, mote_diag *diag)
{
    *f = (floats){.t = mote_session_output(session, mote_model_output_index(p->model, name))};
    mote_heap_init(&f->heap, &p->heap.allocator, 0);
    MOTE_REQUIRE(f->t != NULL && mote_tensor_map(f->t) != NULL, diag, MOTE_E_ARGUMENT, "output '%s' has no value: the session has not run", name);
    MOTE_REQUIRE(mote_dtype_in(f->t->dtype, MOTE_DTYPES_FLOAT), diag, MOTE_E_DTYPE, "output '%s' is %s, expected a float type", name, mote_dtype_name(f->t->dtype));
    f->n = (size_t)mote_tensor_count(f->t);
    if (f->t->dtype == MOTE_DTYPE_F32) {
        f->p = mote_tensor_map(f->t);
        return MOTE_OK;
    }
    f->copy = mote_heap_calloc(&f->heap, f->n, sizeof *f->copy);
    if (f->copy == NULL && f->n != 0)
        return MOTE_NO_MEMORY(diag, f->n * sizeof *f->copy);
    for (size_t i = 0; i < f->n; i++)
        f->copy[i] = (float)mote_dtype_to_f64(f->t->dtype, mote_tensor_map(f->t), i);
    f->p = f->copy;
    return MOTE_OK;
}

static void close_output(floats *f) { mote_heap_free(&f->heap, f->copy, f->n * sizeof *f->copy); }

static mote_status begin(const mote_prep *p, mote_session *session, mote_prep_task task, const char *what, mote_diag *diag)
{
    if (diag != NULL)
        *diag = (mote_diag)MOTE_DIAG_INIT;
    MOTE_REQUIRE(p != NULL && p->model != NULL && session != NULL, diag, MOTE_E_ARGUMENT, "a description that was created with its model, and a session, are needed");
    MOTE_REQUIRE(p->output.task == task, diag, MOTE_E_ARGUMENT, "the preprocessing's output.task is not %s", what);
    return MOTE_OK;
}

/* ---- classes ---- */

static mote_status best_classes(const mote_prep *p, const floats *f, mote_class *out, size_t top, size_t *n, mote_diag *diag)
{
    mote_heap heap;
    mote_heap_init(&heap, &p->heap.allocator, 0);
    top = mote_min_size(top, f->n);
    size_t *order = mote_heap_calloc(&heap, top, sizeof *order);
    float *scores = mote_heap_calloc(&heap, f->n, sizeof *scores);
    mote_status status = (order == NULL && top != 0) || (scores == NULL && f->n != 0) ? MOTE_NO_MEMORY(diag, f->n * sizeof *scores) : MOTE_OK;
    if (status == MOTE_OK && top != 0) {
        if (p->output.softmax)
            mote_softmax(f->p, f->n, scores);
        else
            memcpy(scores, f->p, f->n * sizeof *scores);
        *n = mote_top_k(f->p, f->n, order, top); /* of the outputs: softmax may make equals of them */
        for (size_t i = 0; i < *n; i++) {
            const int64_t index = (int64_t)order[i] - p->output.label_offset;
            out[i] = (mote_class){index, scores[order[i]], mote_prep_label(p, index)};
        }
    }
    mote_heap_free(&heap, order, top * sizeof *order);
    mote_heap_free(&heap, scores, f->n * sizeof *scores);
    return status;
}

mote_status mote_prep_classify(const mote_prep *p, mote_session *session, mote_class *out, size_t top, size_t *n, mote_diag *diag)
{
    floats f;
    MOTE_REQUIRE(out != NULL && n != NULL, diag, MOTE_E_ARGUMENT, "a NULL argument");
    *n = 0;
    MOTE_TRY(begin(p, session, MOTE_TASK_CLASSIFY, "classify", diag));
    MOTE_TRY(open_output(p, session, p->output.output, &f, diag));
    const size_t whole = f.n;
    if (f.t->rank > 1 && f.t->shape[0] > 1) /* the first of a batch */
        f.n /= (size_t)f.t->shape[0];
    mote_status status = best_classes(p, &f, out, top, n, diag);
    f.n = whole;
    close_output(&f);
    return status;
}

/* ---- boxes ---- */

static mote_status find_boxes(const mote_prep *p, const mote_image_map *map, int32_t width, int32_t height, const floats *scores, const floats *corners,
                              mote_box *out, size_t cap, size_t *n, mote_diag *diag)
{
    const mote_prep_output *o = &p->output;
    const size_t boxes = corners->n / 4, classes = boxes == 0 ? 0 : scores->n / boxes;
    MOTE_REQUIRE(corners->n % 4 == 0 && classes * boxes == scores->n, diag, MOTE_E_SHAPE, "output '%s' has %zu values, '%s' %zu: not 4 and some for each box",
                 o->boxes, corners->n, o->output, scores->n);
    mote_heap heap;
    mote_heap_init(&heap, &p->heap.allocator, 0);
    mote_box *found = NULL;
    float *row = mote_heap_calloc(&heap, classes, sizeof *row);
    size_t space = 0, count = 0;
    mote_status status = row == NULL && classes != 0 ? MOTE_NO_MEMORY(diag, classes * sizeof *row) : MOTE_OK;
    for (size_t b = 0; b < boxes && status == MOTE_OK; b++) {
        if (o->softmax)
            mote_softmax(scores->p + b * classes, classes, row);
        else
            memcpy(row, scores->p + b * classes, classes * sizeof *row);
        for (size_t c = 0; c < classes && status == MOTE_OK; c++) {
            if (!(row[c] >= o->score_threshold) || (int64_t)c == o->background)
                continue;
            if (count == space && !mote_heap_grow(&heap, (void **)&found, &space, count + 1, sizeof *found)) {
                status = MOTE_NO_MEMORY(diag, count * sizeof *found);
                break;
            }
            mote_box *box = &found[count++];
            mote_box_corners(corners->p + 4 * b, o->box_format, box);
            box->score = row[c];
            box->index = (int32_t)c - o->label_offset;
            if (!o->box_pixels) {
                box->x0 *= (float)map->width, box->x1 *= (float)map->width;
                box->y0 *= (float)map->height, box->y1 *= (float)map->height;
            }
        }
    }
    if (status == MOTE_OK) {
        *n = mote_boxes_suppress(found, count, o->iou_threshold, mote_min_size(cap, o->max_boxes));
        for (size_t i = 0; i < *n; i++) {
            out[i] = found[i];
            mote_box_to_picture(&out[i], map, width, height);
        }
    }
    mote_heap_free(&heap, found, space * sizeof *found);
    mote_heap_free(&heap, row, classes * sizeof *row);
    return status;
}

mote_status mote_prep_detect(const mote_prep *p, mote_session *session, const mote_image_map *map, int32_t width, int32_t height, mote_box *out, size_t cap,
                             size_t *n, mote_diag *diag)
{
    floats scores, corners;
    MOTE_REQUIRE(map != NULL && n != NULL && (out != NULL || cap == 0) && width > 0 && height > 0, diag, MOTE_E_ARGUMENT, "a NULL argument");
    *n = 0;
    MOTE_TRY(begin(p, session, MOTE_TASK_DETECT, "detect", diag));
    MOTE_TRY(open_output(p, session, p->output.output, &scores, diag));
    mote_status status = open_output(p, session, p->output.boxes, &corners, diag);
    if (status == MOTE_OK) {
        status = find_boxes(p, map, width, height, &scores, &corners, out, cap, n, diag);
        close_output(&corners);
    }
    close_output(&scores);
    return status;
}

/* ---- labels of words ---- */

mote_status mote_prep_tag(const mote_prep *p, mote_session *session, const mote_encoding *e, int32_t *word_labels, size_t n_words, mote_diag *diag)
{
    floats f;
    MOTE_REQUIRE(e != NULL && (word_labels != NULL || n_words == 0), diag, MOTE_E_ARGUMENT, "a NULL argument");
    MOTE_TRY(begin(p, session, MOTE_TASK_TAG, "tag", diag));
    MOTE_TRY(open_output(p, session, p->output.output, &f, diag));
    const size_t classes = f.t->rank > 0 && f.t->shape[f.t->rank - 1] > 0 ? (size_t)f.t->shape[f.t->rank - 1] : 0;
    mote_status status = MOTE_OK;
    if (classes != p->output.n_labels + (size_t)p->output.label_offset || f.n / classes < e->n)
        status = mote_fail(diag, MOTE_E_SHAPE, "output '%s' has %zu scores in rows of %zu: expected %zu rows of %zu labels", p->output.output, f.n, classes, e->n,
                           p->output.n_labels);
    else
        mote_word_labels(e, f.p, classes, word_labels, n_words);
    for (size_t i = 0; i < n_words && status == MOTE_OK; i++)
        word_labels[i] -= word_labels[i] >= 0 ? p->output.label_offset : 0;
    close_output(&f);
    return status;
}
