/* eval_boxes.c - boxes that a model finds in pictures against boxes.csv, or against those of another model
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "eval.h"
#include "files.h"
#include "pipeline/prep/prep.h"
#include "print.h"
#include "samples.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_LIMIT = 256 << 20, BOXES_A_PICTURE = 10000, MOST = 100 };
static const double box_threshold = 0.05;

/* ---- boxes.csv ---- */

typedef struct true_box {
    const char *file; /* into the text */
    size_t line;
    mote_scored_box box;
} true_box;

typedef struct truth {
    char *text;
    true_box *boxes; /* by file, then line */
    bool *used;
    size_t n;
} truth;

static int by_file(const void *a, const void *b)
{
    const true_box *x = a, *y = b;
    const int order = strcmp(x->file, y->file);
    return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

/* image,class,x0,y0,x1,y1 */
static mote_status read_row(const feed *f, char *row, size_t line, true_box *out, mote_diag *diag)
{
    char *field[6] = {row};
    size_t n = 1;
    for (char *p = row; *p != 0; p++)
        if (*p == ',') {
            *p = 0;
            if (n < 6)
                field[n] = p + 1;
            n++;
        }
    MOTE_REQUIRE(n == 6 && row[0] != 0, diag, MOTE_E_FORMAT, "boxes.csv, line %zu: %zu fields, expected image,class,x0,y0,x1,y1", line, n);
    int64_t label;
    MOTE_REQUIRE(eval_class(f, field[1], &label) && label >= INT32_MIN && label <= INT32_MAX, diag, MOTE_E_FORMAT, "boxes.csv, line %zu: class '%.80s' is neither a number nor a label", line,
                 visible_c(field[1]));
    double at[4];
    for (size_t i = 0; i < 4; i++) {
        char *end;
        at[i] = strtod(field[2 + i], &end);
        MOTE_REQUIRE(end != field[2 + i] && *end == 0 && fabs(at[i]) <= 1e6, diag, MOTE_E_FORMAT, "boxes.csv, line %zu: '%.80s' is no coordinate", line, visible_c(field[2 + i]));
    }
    MOTE_REQUIRE(at[0] <= at[2] && at[1] <= at[3], diag, MOTE_E_FORMAT, "boxes.csv, line %zu: x0 and y0 are the lesser corner", line);
    *out = (true_box){row, line, {at[0], at[1], at[2], at[3], 0, (int32_t)label, 0, 0}};
    return MOTE_OK;
}

static mote_status read_truth(const eval *e, char *path, size_t cap, truth *t, mote_diag *diag)
{
    void *text;
    size_t bytes, lines = 1, line = 0;
    *t = (truth){NULL, NULL, NULL, 0};
    MOTE_REQUIRE((size_t)snprintf(path, cap, "%s/boxes.csv", e->data) < cap, diag, MOTE_E_ARGUMENT, "a path of more than %zu bytes", cap);
    MOTE_TRY(file_read(path, TABLE_LIMIT, &text, &bytes, diag));
    t->text = text;
    for (size_t i = 0; i < bytes; i++)
        lines += t->text[i] == '\n';
    t->boxes = calloc(lines, sizeof *t->boxes);
    t->used = calloc(lines, sizeof *t->used);
    if (t->boxes == NULL || t->used == NULL)
        return MOTE_NO_MEMORY(diag, lines * sizeof *t->boxes);
    for (char *at = t->text, *next; at < t->text + bytes; at = next) {
        const size_t n = strcspn(at, "\n");
        next = at + n + 1;
        at[n] = 0;
        at[n - (n != 0 && at[n - 1] == '\r')] = 0;
        const char *comma = strchr(at, ',');
        line++;
        if (*at == 0 || (line == 1 && comma != NULL && (strncmp(comma, ",class,", 7) == 0 || strncmp(comma, ",label,", 7) == 0)))
            continue;
        MOTE_TRY(read_row(&e->f, at, line, &t->boxes[t->n], diag));
        t->n++;
    }
    if (t->n != 0)
        qsort(t->boxes, t->n, sizeof *t->boxes, by_file);
    for (size_t i = BOXES_A_PICTURE; i < t->n; i++)
        MOTE_REQUIRE(strcmp(t->boxes[i].file, t->boxes[i - BOXES_A_PICTURE].file) != 0, diag, MOTE_E_LIMIT, "boxes.csv: '%.80s' has more than %d boxes", visible_c(t->boxes[i].file),
                     BOXES_A_PICTURE);
    return MOTE_OK;
}

static void free_truth(truth *t)
{
    free(t->text);
    free(t->boxes);
    free(t->used);
}

static mote_status take_truth(truth *t, const char *file, uint32_t of, mote_box_list *to, mote_diag *diag)
{
    size_t lo = 0, hi = t->n;
    while (lo < hi) { /* the first that is not before */
        const size_t mid = lo + (hi - lo) / 2;
        if (strcmp(t->boxes[mid].file, file) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < t->n && strcmp(t->boxes[lo].file, file) == 0; lo++) {
        t->used[lo] = true;
        t->boxes[lo].box.picture = of;
        MOTE_TRY(mote_boxes_meter_add(to, &t->boxes[lo].box, diag));
    }
    return MOTE_OK;
}

/* ---- pictures ---- */

/* What a detector may give from this score on. */
typedef struct lowered {
    float threshold; /* as described */
    mote_box *boxes;
    size_t cap;
} lowered;

typedef struct boxes_run {
    eval *e;
    samples s;
    bool known; /* there is a boxes.csv */
    truth t;
    lowered side[2];
    mote_boxes_meter meter[2], same; /* of each model against the file; of the second one against the first */
} boxes_run;

static mote_status lower(const eval *e, feed *f, lowered *l, mote_diag *diag)
{
    mote_prep_output *o = &f->prep->output;
    l->threshold = o->score_threshold;
    if (e->has_threshold)
        o->score_threshold = (float)e->threshold;
    else if (o->score_threshold > (float)box_threshold)
        o->score_threshold = (float)box_threshold;
    o->max_boxes = o->max_boxes < MOST ? MOST : o->max_boxes;
    l->cap = o->max_boxes;
    l->boxes = calloc(l->cap, sizeof *l->boxes);
    return l->boxes != NULL ? MOTE_OK : MOTE_NO_MEMORY(diag, l->cap * sizeof *l->boxes);
}

/* The boxes of one model into the lists; `right` (NULL: none) gets those that the description alone would give. */
static mote_status detect(boxes_run *r, size_t side, const mote_image_map *map, mote_box_list *given, mote_box_list *right, mote_diag *diag)
{
    const lowered *l = &r->side[side];
    feed *f = side == 0 ? &r->e->f : &r->e->pair->second;
    size_t n;
    MOTE_TRY(mote_prep_detect(f->prep, f->engine.session, map, (int32_t)r->s.picture->width, (int32_t)r->s.picture->height, l->boxes, l->cap, &n, diag));
    FILE *to = side == (r->e->against ? 1 : 0) ? r->e->predictions : NULL;
    for (size_t i = 0; i < n; i++) {
        const mote_box *b = &l->boxes[i];
        mote_scored_box box = {(double)b->x0, (double)b->y0, (double)b->x1, (double)b->y1, b->score, b->index, (uint32_t)(r->s.n - 1), 0};
        if (to != NULL)
            fprintf(to, "%s,%d,%.9g,%.9g,%.9g,%.9g,%.9g\n", r->s.file, (int)b->index, box.x0, box.y0, box.x1, box.y1, (double)b->score);
        if (given != NULL)
            MOTE_TRY(mote_boxes_meter_add(given, &box, diag));
        box.score = 0;
        if (right != NULL && b->score >= l->threshold)
            MOTE_TRY(mote_boxes_meter_add(right, &box, diag));
    }
    return MOTE_OK;
}

/* The second model on the picture that the first one has seen. */
static mote_status run_second(boxes_run *r, mote_image_map *map, mote_diag *diag)
{
    pair *p = r->e->pair;
    if (!r->e->against) { /* through its own description only when it may have another one */
        *map = r->s.map;
        return pair_run(p, &r->e->f.engine, diag);
    }
    MOTE_TRY(feed_picture(&p->second, NULL, r->s.picture, map, diag));
    const double start = clock_ms();
    mote_status status = mote_session_run(p->second.engine.session, NULL, diag);
    r->e->run_ms += clock_ms() - start;
    return status;
}

static mote_status each_picture(void *ctx, mote_diag *diag)
{
    boxes_run *r = ctx;
    mote_image_map map = MOTE_IMAGE_MAP_INIT;
    const uint32_t of = (uint32_t)(r->s.n - 1);
    pair *p = r->e->pair;
    MOTE_TRY(detect(r, 0, &r->s.map, r->known ? &r->meter[0].given : NULL, p != NULL ? &r->same.truth : NULL, diag));
    if (r->known)
        MOTE_TRY(take_truth(&r->t, r->s.file, of, &r->meter[0].truth, diag));
    if (p == NULL)
        return MOTE_OK;
    const size_t from = r->same.given.n;
    MOTE_TRY(run_second(r, &map, diag));
    MOTE_TRY(detect(r, 1, &map, &r->same.given, NULL, diag));
    for (size_t i = from; i < r->same.given.n && r->known; i++)
        MOTE_TRY(mote_boxes_meter_add(&r->meter[1].given, &r->same.given.items[i], diag));
    return r->known ? take_truth(&r->t, r->s.file, of, &r->meter[1].truth, diag) : MOTE_OK;
}

/* ---- figures ---- */

static void report_boxes(json_t *report, size_t n, const mote_boxes_score *s)
{
    json_object_set_new(report, "n", json_integer((json_int_t)n));
    json_object_set_new(report, "map", json_double(100 * s->map));
    json_object_set_new(report, "map50", json_double(100 * s->map50));
    json_object_set_new(report, "map75", json_double(100 * s->map75));
    json_object_set_new(report, "classes", json_integer((json_int_t)s->classes));
    json_object_set_new(report, "boxes", json_integer((json_int_t)s->truth));
    json_object_set_new(report, "found", json_integer((json_int_t)s->given));
}

static mote_status score_all(boxes_run *r, json_t *report, mote_diag *diag)
{
    eval *e = r->e;
    mote_boxes_score s = {0};
    for (size_t i = 0; i < r->t.n && e->limit == SIZE_MAX; i++)
        MOTE_REQUIRE(r->t.used[i], diag, MOTE_E_VALUE, "boxes.csv, line %zu: '%.80s' is not among the folder's pictures", r->t.boxes[i].line, visible_c(r->t.boxes[i].file));
    if (r->known) {
        MOTE_TRY(mote_boxes_meter_score(&r->meter[0], &s, diag));
        MOTE_REQUIRE(s.classes != 0 || e->limit != SIZE_MAX, diag, MOTE_E_VALUE, "boxes.csv has no box");
        report_boxes(report, r->s.n, &s);
        e->score = 100 * s.map;
    }
    if (e->pair == NULL)
        return MOTE_OK;
    if (r->known) {
        MOTE_TRY(mote_boxes_meter_score(&r->meter[1], &s, diag));
        e->pair->score = 100 * s.map;
    }
    MOTE_TRY(mote_boxes_meter_score(&r->same, &e->pair->boxes, diag));
    MOTE_REQUIRE(e->pair->boxes.classes != 0 || !e->against, diag, MOTE_E_VALUE, "the original finds nothing in these pictures");
    e->pair->detects = true;
    if (e->against) {
        report_boxes(report, r->s.n, &e->pair->boxes);
        e->score = 100 * e->pair->boxes.map;
    }
    return MOTE_OK;
}

mote_status eval_boxes(eval *e, json_t *report, mote_diag *diag)
{
    boxes_run r = {.e = e, .s = {.data = e->data, .limit = e->limit}, .known = !e->against && (e->pair == NULL || eval_has_file(e->data, "boxes.csv"))};
    mote_status status = lower(e, &e->f, &r.side[0], diag);
    if (status == MOTE_OK && e->pair != NULL)
        status = lower(e, &e->pair->second, &r.side[1], diag);
    if (status == MOTE_OK && r.known) {
        status = read_truth(e, e->at, sizeof e->at, &r.t, diag);
        if (status == MOTE_OK)
            e->at[0] = 0;
    }
    if (e->predictions != NULL)
        fputs("image,class,x0,y0,x1,y1,score\n", e->predictions);
    if (status == MOTE_OK) {
        status = samples_run(&r.s, &e->f, each_picture, &r, diag);
        e->run_ms += e->against ? 0 : r.s.run_ms;
        memcpy(e->at, r.s.at, sizeof e->at);
    }
    if (status == MOTE_OK)
        status = score_all(&r, report, diag);
    for (size_t i = 0; i < 2; i++) {
        mote_boxes_meter_free(&r.meter[i]);
        free(r.side[i].boxes);
    }
    mote_boxes_meter_free(&r.same);
    free_truth(&r.t);
    return status;
}
