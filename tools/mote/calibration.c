/* calibration.c - what the samples of a quantizer are like, for readers and programs
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "calibration.h"
#include "files.h"
#include "print.h"
#include "record.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FEW = 32, NAMED = 3, TENSORS = 5 };

/* What is a difference: means apart by so many deviations, deviations of such a ratio; so much more of the values outside of the ranges than twice the samples' own. */
static const double apart = 0.25, wider = 1.25, beyond = 0.005;

/* ---- rounds ---- */

typedef struct noter {
    mote_quantizer *q;
    const samples *s;
    const feed *f;
    record *r; /* NULL: others */
} noter;

static mote_status note(void *ctx, mote_diag *diag)
{
    const noter *n = ctx;
    mote_quantizer_sample(n->q, n->s->name);
    return n->r != NULL ? record_sample(n->r, n->f, diag) : MOTE_OK;
}

static mote_status run_round(const calibration_options *o, mote_quantizer *q, feed *f, samples *s, record *r, mote_diag *diag)
{
    noter n = {q, s, f, r};
    MOTE_TRY(samples_run(s, f, note, &n, diag));
    if (o->compare == NULL || !mote_quantizer_others(q))
        return MOTE_OK;
    samples others = {.data = o->compare, .limit = o->compare_limit};
    n.s = &others;
    n.r = NULL;
    mote_status status = samples_run(&others, f, note, &n, diag);
    if (status != MOTE_OK)
        snprintf(s->at, sizeof s->at, "%s", others.at[0] != 0 ? others.at : o->compare);
    return status;
}

mote_status calibration_run(const calibration_options *o, mote_quantizer *q, samples *s, char **text, mote_diag *diag)
{
    const char *const paths[] = {o->data, o->compare};
    for (size_t i = 0; i < 2; i++) {
        struct stat st;
        if (paths[i] == NULL || stat(paths[i], &st) == 0)
            continue;
        snprintf(s->at, sizeof s->at, "%s", paths[i]);
        MOTE_FAIL(diag, MOTE_E_IO, "%s: there is no such file or folder", paths[i]);
    }
    for (mote_model *m;;) {
        MOTE_TRY(mote_quantizer_next(q, NULL, &m, diag));
        if (m == NULL)
            return MOTE_OK;
        if (o->data == NULL) {
            mote_model_destroy(&m);
            MOTE_FAIL(diag, MOTE_E_ARGUMENT, "a recipe with int8 needs --data");
        }
        engine_options e = *o->engine;
        feed f;
        e.tap = mote_quantizer_tap;
        e.tap_ctx = q;
        const feed_options fo = {.engine = &e, .model = o->model, .loaded = m, .prep = o->prep, .vocab = o->vocab, .max_length = o->max_length,
                                 .prep_needed = samples_need_prep(o->data) || (o->compare != NULL && samples_need_prep(o->compare))};
        MOTE_TRY(feed_open(&f, &fo, diag));
        record r = {.samples = 0};
        mote_status status = run_round(o, q, &f, s, &r, diag);
        if (status == MOTE_OK && text != NULL) {
            free(*text);
            status = record_text(&r, &f, o->prep, text, diag);
        }
        record_free(&r);
        feed_close(&f);
        MOTE_TRY(status);
    }
}

/* ---- report ---- */

static const char *kinds[] = {"outlier", "constant", "copy"};

static void print_findings(const mote_quantizer *q, mote_finding_kind kind, uint64_t n, const char *what)
{
    mote_finding f = MOTE_FINDING_INIT;
    size_t shown = 0;
    if (n == 0)
        return;
    printf("  %llu %s:", (unsigned long long)n, what);
    for (size_t i = 0; mote_quantizer_finding_at(q, i, &f) == MOTE_OK && shown < NAMED; i++) {
        if (f.kind != kind)
            continue;
        printf("%s %s", shown++ == 0 ? "" : ",", visible_c(f.sample));
        if (kind == MOTE_FINDING_COPY)
            printf(" is %s", visible_c(f.of));
        if (kind == MOTE_FINDING_OUTLIER && isfinite(f.factor))
            printf(" (%zu, '%.60s' %.3g times)", f.ranges, visible_c(f.of), f.factor);
        else if (kind == MOTE_FINDING_OUTLIER)
            printf(" (%zu, '%.60s' is 0 without it)", f.ranges, visible_c(f.of));
    }
    printf("%s\n", n > shown ? ", ..." : "");
}

static double distance(const mote_shift *s)
{
    return s->deviation > 0 ? fabs(s->others_mean - s->mean) / s->deviation : s->others_mean != s->mean || s->others_deviation > 0 ? (double)INFINITY : 0;
}

static double spread(const mote_shift *s) { return s->deviation > 0 ? s->others_deviation / s->deviation : s->others_deviation > 0 ? (double)INFINITY : 1; }

static bool differs(const mote_shift *s)
{
    return s->others_outside > 2 * s->outside + beyond || (s->input && (distance(s) > apart || spread(s) > wider || spread(s) < 1 / wider));
}

static int by_outside(const void *a, const void *b)
{
    const mote_shift *x = a, *y = b;
    const double p = x->others_outside - x->outside, q = y->others_outside - y->outside;
    return p != q ? (p < q) - (p > q) : strcmp(x->name, y->name);
}

static void print_shift(const mote_shift *s)
{
    printf("  %s '%.40s': outside %.3f %% (%.3f %%), mean %.3g (%.3g), deviation %.3g (%.3g), range %.3g to %.3g (scale holds %.3g to %.3g)\n", s->input ? "input" : "tensor",
           visible_c(s->name), s->others_outside * 100, s->outside * 100, s->others_mean, s->mean, s->others_deviation, s->deviation, s->others_lo, s->others_hi, s->lo, s->hi);
}

static void print_others(const mote_quantizer *q, const mote_calibration *c, const calibration_options *o)
{
    mote_shift *all = calloc(c->shifts + 1, sizeof *all);
    size_t n = 0, different = 0, inputs = 0, shown = 0;
    for (size_t i = 0; i < c->shifts && all != NULL; i++) {
        all[n] = (mote_shift)MOTE_SHIFT_INIT;
        if (mote_quantizer_shift_at(q, i, &all[n]) != MOTE_OK)
            continue;
        different += differs(&all[n]) && !all[n].input;
        inputs += differs(&all[n]) && all[n].input;
        n++;
    }
    if (n != 0)
        qsort(all, n, sizeof *all, by_outside);
    printf("beside them %llu samples of %s (in brackets: the calibration's)\n", (unsigned long long)c->others, o->compare);
    for (size_t i = 0; i < n; i++)
        if (all[i].input)
            print_shift(&all[i]);
    for (size_t i = 0; i < n && shown < TENSORS; i++)
        if (!all[i].input && differs(&all[i])) {
            print_shift(&all[i]);
            shown++;
        }
    if (inputs + different != 0)
        printf("  warning: the samples to compare with differ from those of calibration: %zu inputs and %zu of %zu other tensors\n", inputs, different, n);
    else
        printf("  alike: %zu tensors\n", n);
    free(all);
}

void calibration_print(const mote_quantizer *q, const calibration_options *o)
{
    mote_calibration c = MOTE_CALIBRATION_INIT;
    if (mote_quantizer_calibration(q, &c) != MOTE_OK)
        return;
    printf("calibration on %llu samples, %zu ranges\n", (unsigned long long)c.samples, c.ranges);
    if (c.samples < FEW)
        printf("  fewer than %d samples: not enough to judge by\n", FEW);
    if (!isnan(c.unsettled))
        printf("  %llu more samples would change about %.0f of %zu scales by over 5 %%\n", (unsigned long long)c.samples, c.unsettled, c.ranges);
    printf("  %zu ranges grew by over 5 %% in the last quarter\n", c.grown);
    print_findings(q, MOTE_FINDING_COPY, c.copies, c.copies == 1 ? "copy" : "copies");
    print_findings(q, MOTE_FINDING_CONSTANT, c.constant, "constant");
    print_findings(q, MOTE_FINDING_OUTLIER, c.outliers, "that alone make ranges over 1.5 times as wide");
    if (c.others != 0)
        print_others(q, &c, o);
}

json_t *calibration_json(const mote_quantizer *q)
{
    mote_calibration c = MOTE_CALIBRATION_INIT;
    mote_finding f = MOTE_FINDING_INIT;
    mote_shift s = MOTE_SHIFT_INIT;
    bool warning = false;
    if (mote_quantizer_calibration(q, &c) != MOTE_OK)
        return NULL;
    json_t *findings = json_array(), *shifts = json_array();
    for (size_t i = 0; mote_quantizer_finding_at(q, i, &f) == MOTE_OK; i++) {
        json_t *j = json_pack("{s:s, s:s, s:I}", "kind", kinds[f.kind], "sample", visible_c(f.sample), "index", (json_int_t)f.index);
        if (f.of != NULL)
            json_object_set_new(j, f.kind == MOTE_FINDING_COPY ? "of" : "tensor", json_string(visible_c(f.of)));
        if (f.kind == MOTE_FINDING_OUTLIER) {
            json_object_set_new(j, "ranges", json_integer((json_int_t)f.ranges));
            json_object_set_new(j, "factor", json_double(f.factor));
        }
        json_array_append_new(findings, j);
    }
    for (size_t i = 0; mote_quantizer_shift_at(q, i, &s) == MOTE_OK; i++) {
        warning |= differs(&s);
        json_array_append_new(shifts, json_pack("{s:s, s:b, s:b, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "name", visible_c(s.name), "input", s.input, "differs", differs(&s), "lo", s.lo,
                                                "hi", s.hi, "others_lo", s.others_lo, "others_hi", s.others_hi, "outside", s.outside, "others_outside", s.others_outside, "mean", s.mean,
                                                "others_mean", s.others_mean, "deviation", s.deviation, "others_deviation", s.others_deviation));
    }
    json_t *j = json_pack("{s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:o}", "samples", (json_int_t)c.samples, "ranges", (json_int_t)c.ranges, "grown", (json_int_t)c.grown, "unsettled", json_double(c.unsettled),
                          "copies", (json_int_t)c.copies, "constant", (json_int_t)c.constant, "outliers", (json_int_t)c.outliers, "findings", findings);
    if (c.others == 0) {
        json_decref(shifts);
        return j;
    }
    json_object_set_new(j, "others", json_integer((json_int_t)c.others));
    json_object_set_new(j, "tensors", shifts);
    json_object_set_new(j, "differ", json_boolean(warning));
    return j;
}
