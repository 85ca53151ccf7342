/* answer.c - a run's outputs as the description says: classes, boxes, labelled words
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "print.h"
#include "answer.h"
#include "draw.h"
#include <stdlib.h>
#include <string.h>

static json_t *text_json(const char *text, size_t n)
{
    json_t *j = json_stringn(text, n);
    return j != NULL ? j : json_null();
}

mote_status answer_classes(const feed *f, size_t top, json_t **json, mote_diag *diag)
{
    mote_class *best = calloc(top + 1, sizeof *best);
    size_t n;
    if (best == NULL)
        return MOTE_NO_MEMORY(diag, top * sizeof *best);
    mote_status status = mote_prep_classify(f->prep, f->engine.session, best, top, &n, diag);
    json_t *list = json_array();
    for (size_t i = 0; i < n && status == MOTE_OK; i++) {
        const char *label = feed_label(f, best[i].index);
        if (json == NULL)
            printf("%9.4f  %5lld%s%s\n", (double)best[i].score, (long long)best[i].index, label != NULL ? "  " : "", label != NULL ? visible_c(label) : "");
        else
            json_array_append_new(list, json_pack("{s:I, s:f, s:o}", "class", (json_int_t)best[i].index, "score", (double)best[i].score, "label",
                                                  label != NULL ? text_json(label, strlen(label)) : json_null()));
    }
    free(best);
    if (json != NULL && status == MOTE_OK)
        *json = json_pack("{s:s, s:o}", "task", "classify", "classes", list);
    else
        json_decref(list);
    return status;
}

mote_status answer_boxes(const feed *f, const mote_image_map *map, picture *p, bool draw, json_t **json, mote_diag *diag)
{
    const size_t cap = mote_prep_output_info(f->prep)->max_boxes;
    mote_box *boxes = calloc(cap + 1, sizeof *boxes);
    size_t n;
    if (boxes == NULL)
        return MOTE_NO_MEMORY(diag, cap * sizeof *boxes);
    mote_status status = mote_prep_detect(f->prep, f->engine.session, map, (int32_t)p->width, (int32_t)p->height, boxes, cap, &n, diag);
    json_t *list = json_array();
    for (size_t i = 0; i < n && status == MOTE_OK; i++) {
        const mote_box *b = &boxes[i];
        const char *label = feed_label(f, b->index);
        if (draw)
            draw_box(p, b);
        if (json == NULL)
            printf("%7.4f  %5d  %8.1f %8.1f %8.1f %8.1f%s%s\n", (double)b->score, (int)b->index, (double)b->x0, (double)b->y0, (double)b->x1, (double)b->y1,
                   label != NULL ? "  " : "", label != NULL ? visible_c(label) : "");
        else
            json_array_append_new(list, json_pack("{s:i, s:f, s:o, s:[f,f,f,f]}", "class", (int)b->index, "score", (double)b->score, "label",
                                                  label != NULL ? text_json(label, strlen(label)) : json_null(), "box", (double)b->x0, (double)b->y0,
                                                  (double)b->x1, (double)b->y1));
    }
    if (json == NULL && status == MOTE_OK && n == 0)
        printf("nothing found\n");
    free(boxes);
    if (json != NULL && status == MOTE_OK)
        *json = json_pack("{s:s, s:[I,I], s:o}", "task", "detect", "size", (json_int_t)p->width, (json_int_t)p->height, "boxes", list);
    else
        json_decref(list);
    return status;
}

/* ---- words ---- */

typedef struct words {
    uint32_t *start, *end;
    int32_t *label;
    mote_entity *entity;
    size_t n, n_entities;
} words;

static mote_status find_words(const feed *f, const mote_encoding *e, words *w, mote_diag *diag)
{
    const mote_prep_output *o = mote_prep_output_info(f->prep);
    *w = (words){0};
    for (size_t i = 0; i < e->n; i++)
        if (e->spans[i].word != MOTE_NO_WORD && e->spans[i].word >= w->n)
            w->n = (size_t)e->spans[i].word + 1;
    w->start = calloc(w->n + 1, sizeof *w->start);
    w->end = calloc(w->n + 1, sizeof *w->end);
    w->label = calloc(w->n + 1, sizeof *w->label);
    w->entity = calloc(w->n + 1, sizeof *w->entity);
    if (w->start == NULL || w->end == NULL || w->label == NULL || w->entity == NULL)
        return MOTE_NO_MEMORY(diag, w->n * 32);
    for (size_t i = e->n; i-- > 0;) {
        const mote_token_span *s = &e->spans[i];
        if (s->word == MOTE_NO_WORD)
            continue;
        w->start[s->word] = s->start;
        w->end[s->word] = w->end[s->word] == 0 ? s->end : w->end[s->word];
    }
    MOTE_TRY(mote_prep_tag(f->prep, f->engine.session, e, w->label, w->n, diag));
    w->n_entities = mote_entities(w->label, w->n, o->labels, o->n_labels, false, w->entity, w->n);
    return MOTE_OK;
}

static json_t *words_json(const feed *f, const words *w, const char *text)
{
    json_t *list = json_array(), *entities = json_array();
    for (size_t i = 0; i < w->n; i++) {
        const char *label = feed_label(f, w->label[i]);
        json_array_append_new(list, json_pack("{s:o, s:i, s:i, s:s}", "text", text_json(text + w->start[i], w->end[i] - w->start[i]), "start", (int)w->start[i],
                                              "end", (int)w->end[i], "label", label != NULL ? label : "O"));
    }
    for (size_t i = 0; i < w->n_entities; i++) {
        const uint32_t start = w->start[w->entity[i].first], end = w->end[w->entity[i].last];
        json_array_append_new(entities, json_pack("{s:s, s:o, s:i, s:i}", "type", w->entity[i].type, "text", text_json(text + start, end - start), "start",
                                                  (int)start, "end", (int)end));
    }
    return json_pack("{s:s, s:o, s:o}", "task", "tag", "words", list, "entities", entities);
}

mote_status answer_words(const feed *f, const mote_encoding *e, const char *text, json_t **json, mote_diag *diag)
{
    words w;
    mote_status status = find_words(f, e, &w, diag);
    if (status == MOTE_OK && json != NULL)
        *json = words_json(f, &w, text);
    for (size_t i = 0; i < w.n && status == MOTE_OK && json == NULL; i++) {
        const char *label = feed_label(f, w.label[i]);
        printf("%.*s\t%s\n", (int)(w.end[i] - w.start[i]), text + w.start[i], label != NULL ? visible_c(label) : "O");
    }
    free(w.start);
    free(w.end);
    free(w.label);
    free(w.entity);
    return status;
}
