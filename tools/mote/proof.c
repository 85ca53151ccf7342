/* proof.c - a quantized model beside its original on data that it was not made from
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "proof.h"
#include "files.h"
#include "print.h"
#include "samples.h"
#include "quant/sensitivity/paired.h"
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ROUNDS = 20, RUNS_A_ROUND = 3, LATENCY_MS = 2000, WORST = 5 };

/* ---- data ---- */

static mote_status look(proof *p, const proof_options *o, bool *labels, mote_diag *diag)
{
    snprintf(p->at, sizeof p->at, "%s", o->data);
    MOTE_TRY(eval_has_labels(o->data, labels, diag));
    p->at[0] = 0;
    return MOTE_OK;
}

static mote_status open_feed(const proof_options *o, bool labels, mote_model *m, feed *f, mote_diag *diag)
{
    const feed_options fo = {.engine = o->engine, .model = o->model, .loaded = m, .prep = o->prep, .vocab = o->vocab, .max_length = o->max_length,
                             .prep_needed = samples_need_prep(o->data) || (labels && !has_suffix(o->data, ".npz")),
                             .trust = o->trust};
    return feed_open(f, &fo, diag);
}

static mote_status each_sample(void *ctx, mote_diag *diag)
{
    eval *e = ctx;
    return e->pair != NULL ? pair_run(e->pair, &e->f.engine, diag) : MOTE_OK;
}

/* Of a detector's pictures labels.csv says nothing. */
static bool labelled(const proof_options *o, const feed *f, bool labels)
{
    return labels && (!file_is_directory(o->data) || eval_has_file(o->data, eval_is_detector(f) ? "boxes.csv" : "labels.csv"));
}

/* Every sample through the original and, where there is a pair, the result. */
static mote_status run_data(proof *p, const proof_options *o, eval *e, bool labels, mote_diag *diag)
{
    json_t *report = json_object();
    mote_status status;
    const bool boxes = eval_is_detector(&e->f) && file_is_directory(o->data) && (labels || e->pair != NULL);
    if (labels || boxes) {
        status = eval_data(e, report, diag);
        memcpy(p->at, e->at, sizeof p->at);
        p->metric = !labels ? NULL : boxes ? "mAP" : json_object_get(report, "f1") != NULL ? "f1" : "top1";
    } else {
        samples s = {.data = o->data, .limit = e->limit};
        status = samples_run(&s, &e->f, each_sample, e, diag);
        memcpy(p->at, s.at, sizeof p->at);
        p->metric = NULL;
    }
    json_decref(report);
    return status;
}

/* ---- figures ---- */

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

typedef struct stopwatch {
    mote_session *session;
    double ms[ROUNDS * RUNS_A_ROUND];
    size_t n;
} stopwatch;

static mote_status time_runs(stopwatch *w, bool note, mote_diag *diag)
{
    for (size_t i = 0; i < RUNS_A_ROUND; i++) {
        MOTE_REQUIRE(!tool_interrupted, diag, MOTE_E_CANCELLED, "interrupted");
        const double start = clock_ms();
        MOTE_TRY(mote_session_run(w->session, NULL, diag));
        w->ms[w->n] = clock_ms() - start;
        w->n += note;
    }
    return MOTE_OK;
}

/* Sessions of one thread, on the inputs that the engine holds, a few runs of each in turn. */
static mote_status time_both(proof *p, engine *const e[2], mote_diag *diag)
{
    stopwatch w[2] = {{.session = NULL}, {.session = NULL}};
    mote_status status = MOTE_OK;
    named_arrays in = {NULL, 0};
    for (size_t k = 0; k < 2 && status == MOTE_OK; k++) {
        mote_session_options so = MOTE_SESSION_OPTIONS_INIT;
        mote_memory_info memory = MOTE_MEMORY_INFO_INIT;
        so.threads = 1;
        status = mote_session_create(e[k]->model, &so, &w[k].session, diag);
        if (status == MOTE_OK && k == 0)
            status = engine_inputs(e[0], &in, diag);
        engine one = {.model = e[k]->model, .session = w[k].session};
        if (status == MOTE_OK)
            status = engine_feed(&one, &in, diag);
        if (status == MOTE_OK)
            status = time_runs(&w[k], false, diag);
        if (status == MOTE_OK)
            status = mote_session_memory(w[k].session, &memory);
        p->side[k].weights = memory.model_bytes;
        p->side[k].tensors = memory.arena_bytes + memory.dynamic_bytes;
    }
    const double end = clock_ms() + LATENCY_MS;
    for (size_t i = 0; i < ROUNDS && status == MOTE_OK && (i < 2 || clock_ms() < end); i++)
        for (size_t k = 0; k < 2 && status == MOTE_OK; k++)
            status = time_runs(&w[k], true, diag);
    for (size_t k = 0; k < 2; k++) {
        qsort(w[k].ms, w[k].n, sizeof *w[k].ms, by_value);
        p->side[k].ms = w[k].ms[w[k].n / 2];
        mote_session_destroy(&w[k].session);
    }
    p->runs = w[0].n;
    free(in.items);
    return status;
}

static void refuse(proof *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void refuse(proof *p, const char *fmt, ...)
{
    va_list list;
    va_start(list, fmt);
    if (p->n_reasons < PROOF_REASONS)
        vsnprintf(p->reasons[p->n_reasons++], sizeof p->reasons[0], fmt, list);
    va_end(list);
}

static double percent(size_t part, size_t whole) { return whole != 0 ? 100.0 * (double)part / (double)whole : 0; }

static bool broken(const proof *p)
{
    for (size_t i = 0; i < p->pair.n_out; i++)
        if (p->pair.each[i].broken)
            return true;
    return false;
}

/* What was asked against what came out. */
static mote_status judge(proof *p, const require *r, mote_diag *diag)
{
    const proof_side *a = &p->side[0], *b = &p->side[1];
    const bool accurate = !isnan(r->drop) || !isnan(r->same) || !isnan(r->sqnr);
    MOTE_REQUIRE(isnan(r->drop) || p->metric != NULL, diag, MOTE_E_ARGUMENT, "--require drop needs labels, which these data do not have");
    MOTE_REQUIRE(isnan(r->same) || p->answers || p->pair.detects, diag, MOTE_E_ARGUMENT, "--require same needs answers, and the outputs are no classes");
    if (r->smaller && b->bytes >= a->bytes)
        refuse(p, "not smaller: %zu bytes, the original has %zu", b->bytes, a->bytes);
    if (r->faster && b->ms >= a->ms)
        refuse(p, "slower here: %.3f ms, the original takes %.3f", b->ms, a->ms);
    if (accurate && broken(p))
        refuse(p, "less accurate than asked: NaN or infinities where the original has none");
    if (!isnan(r->drop) && !(a->score - b->score <= r->drop + 1e-9))
        refuse(p, "less accurate than asked: %s %.2f, %.2f less than the original, allowed %g", p->metric, b->score, a->score - b->score, r->drop);
    if (!isnan(r->same) && p->pair.detects && !(100 * p->pair.boxes.map >= r->same - 1e-9))
        refuse(p, "less accurate than asked: mAP %.2f of the original's boxes, asked %g", 100 * p->pair.boxes.map, r->same);
    if (!isnan(r->same) && p->answers && percent(p->pair.same, p->pair.answers) < r->same - 1e-9)
        refuse(p, "less accurate than asked: %.2f %% of the answers are the original's, asked %g", percent(p->pair.same, p->pair.answers), r->same);
    size_t compared = 0;
    for (size_t i = 0; i < p->pair.n_out; i++) {
        const mote_divergence *d = &p->pair.each[i];
        compared += d->given != 0 || d->signal != 0;
        if (!isnan(r->sqnr) && !d->broken && !(mote_divergence_sqnr_db(d) >= r->sqnr))
            refuse(p, "less accurate than asked: '%.60s' keeps %.2f dB, asked %g", visible_c(p->names[i]), mote_divergence_sqnr_db(d), r->sqnr);
    }
    MOTE_REQUIRE(isnan(r->sqnr) || compared != 0 || broken(p), diag, MOTE_E_ARGUMENT, "--require sqnr needs an output of float32 that is not all 0");
    return MOTE_OK;
}

/* ---- layers ---- */

static mote_status open_inside(pair *k, const proof_options *o, mote_quantizer *q, const mote_load_options *load, mote_diag *diag)
{
    for (int i = 0; i < 2; i++) {
        mote_model *m;
        MOTE_TRY(mote_quantizer_inside(q, i == 1, load, &m, diag));
        MOTE_TRY(engine_open_model(&k->inside[i], m, o->engine, diag));
    }
    return MOTE_OK;
}

static int by_ratio(const void *a, const void *b)
{
    const proof_layer *x = a, *y = b;
    return (x->ratio < y->ratio) - (x->ratio > y->ratio);
}

static mote_status rank_layers(proof *p, const mote_quantizer *q, mote_diag *diag)
{
    p->layers = calloc(p->pair.n_layers + 1, sizeof *p->layers);
    for (size_t i = 0; i < p->pair.n_layers && p->layers != NULL; i++) {
        const char *node, *op;
        if (mote_quantizer_inside_at(q, i, &node, &op) != MOTE_OK)
            continue;
        proof_layer *l = &p->layers[p->n_layers++];
        *l = (proof_layer){strdup(node), strdup(op), mote_divergence_ratio(&p->pair.layers[i])};
        if (l->node == NULL || l->op == NULL)
            return MOTE_NO_MEMORY(diag, strlen(node));
    }
    if (p->layers == NULL)
        return MOTE_NO_MEMORY(diag, p->pair.n_layers * sizeof *p->layers);
    qsort(p->layers, p->n_layers, sizeof *p->layers, by_ratio);
    return MOTE_OK;
}

static double sqnr_db(const proof_layer *l) { return l->ratio > 0 ? -10 * log10(l->ratio) : (double)INFINITY; }

/* ---- the proof ---- */

static mote_status run_one_side(proof *p, const proof_options *o, mote_diag *diag)
{
    bool labels;
    eval e = {.data = o->data, .limit = 1};
    MOTE_TRY(look(p, o, &labels, diag));
    MOTE_TRY(open_feed(o, labels, NULL, &e.f, diag));
    labels = labelled(o, &e.f, labels);
    mote_status status = isnan(o->require.drop) || labels ? run_data(p, o, &e, labels, diag) : mote_fail(diag, MOTE_E_ARGUMENT, "--require drop needs labels, and %s has none", o->data);
    if (status == MOTE_OK)
        status = pair_check(&e.f.engine, diag);
    if (status == MOTE_OK && !isnan(o->require.same) && !labels && !pair_has_answers(&e.f) && !eval_is_detector(&e.f))
        status = mote_fail(diag, MOTE_E_ARGUMENT, "--require same needs answers, and the outputs are no classes");
    if (status != MOTE_OK && p->at[0] == 0)
        snprintf(p->at, sizeof p->at, "%s", o->data); /* the model was opened; what it was given is at fault */
    feed_close(&e.f);
    return status;
}

mote_status proof_check(proof *p, const proof_options *o, mote_diag *diag)
{
    *p = (proof){.metric = NULL};
    return run_one_side(p, o, diag);
}

static mote_status run_both(proof *p, const proof_options *o, eval *e, bool labels, mote_diag *diag)
{
    pair *k = &p->pair;
    const mote_status status = run_data(p, o, e, labels, diag);
    if (status == MOTE_E_VALUE && p->at[0] == 0)
        snprintf(p->at, sizeof p->at, "%s", o->data);
    MOTE_TRY(status);
    if (eval_makes_sound(&e->f) && o->limit == SIZE_MAX && samples_are_sounds(o->data)) { /* whole recordings: each model with its own states */
        eval whole = *e;
        json_t *report = json_object();
        const mote_status heard = eval_sounds(&whole, report, diag);
        memcpy(p->at, whole.at, sizeof p->at);
        json_decref(report);
        MOTE_TRY(heard);
    }
    p->side[0].score = e->score;
    p->side[1].score = k->score;
    p->answers = !k->detects && (labels || pair_has_answers(&e->f));
    if (!labels && p->answers) {
        k->answers = (size_t)k->each[pair_output(&e->f)].rows;
        k->same = (size_t)k->each[pair_output(&e->f)].same;
    }
    for (size_t i = 0; i < k->n_out; i++) {
        char name[ENGINE_NAME];
        p->names[i] = strdup(engine_output_name(&e->f.engine, i, name));
        if (p->names[i] == NULL)
            return MOTE_NO_MEMORY(diag, sizeof name);
    }
    engine *const both[2] = {&e->f.engine, &k->second.engine};
    MOTE_TRY(time_both(p, both, diag));
    return judge(p, &o->require, diag);
}

mote_status proof_run(proof *p, const proof_options *o, mote_quantizer *q, mote_diag *diag)
{
    struct stat st;
    engine_providers room;
    mote_load_options load;
    mote_model *m;
    bool labels;
    eval e = {.data = o->data, .limit = o->limit, .pair = &p->pair};
    *p = (proof){.metric = NULL};
    p->side[0].bytes = stat(o->model, &st) == 0 ? (size_t)st.st_size : 0;
    MOTE_TRY(look(p, o, &labels, diag));
    MOTE_TRY(engine_load_options(o->engine, &room, &load, diag));
    MOTE_TRY(mote_quantizer_result(q, &load, &m, &p->side[1].bytes, diag));
    MOTE_TRY(open_feed(o, labels, m, &p->pair.second, diag));
    mote_status status = open_feed(o, labels, NULL, &e.f, diag);
    if (status == MOTE_OK) {
        status = open_inside(&p->pair, o, q, &load, diag);
        if (status == MOTE_OK)
            status = run_both(p, o, &e, labelled(o, &e.f, labels), diag);
        feed_close(&e.f);
    }
    if (status == MOTE_OK)
        status = rank_layers(p, q, diag);
    pair_free(&p->pair);
    feed_close(&p->pair.second);
    return status;
}

void proof_free(proof *p)
{
    for (size_t i = 0; i < PAIR_OUTPUTS; i++)
        free(p->names[i]);
    for (size_t i = 0; i < p->n_layers; i++) {
        free(p->layers[i].node);
        free(p->layers[i].op);
    }
    free(p->layers);
    *p = (proof){.metric = NULL};
}

/* ---- report ---- */

static void print_two(const char *what, double a, double b, const char *more)
{
    printf("  %-22s %10.3f %10.3f %8.2f%s\n", what, a, b, a > 0 ? b / a : 0, more);
}

void proof_print(const proof *p, const proof_options *o)
{
    const proof_side *a = &p->side[0], *b = &p->side[1];
    const pair *k = &p->pair;
    char runs[64];
    snprintf(runs, sizeof runs, "  median of %zu, one thread, here%s", p->runs, b->ms >= a->ms ? ": slower" : "");
    printf("on %zu %s of %s\n  %-22s %10s %10s %8s\n", k->samples, k->samples == 1 ? "sample" : "samples", o->data, "", "original", "result", "ratio");
    print_two("file, MB", (double)a->bytes / 1e6, (double)b->bytes / 1e6, b->bytes >= a->bytes ? "  not smaller" : "");
    print_two("weights in memory, MB", (double)a->weights / 1e6, (double)b->weights / 1e6, "");
    print_two("tensors, MB", (double)a->tensors / 1e6, (double)b->tensors / 1e6, "");
    print_two("latency, ms", a->ms, b->ms, runs);
    if (p->metric != NULL && k->detects)
        printf("  %-22s %10.2f %10.2f %+8.2f\n", p->metric, a->score, b->score, b->score - a->score);
    else if (p->metric != NULL)
        printf("  %-22s %10.2f %10.2f %+8.2f  right in one alone: %zu and %zu of %zu, p = %.2g\n", p->metric, a->score, b->score, b->score - a->score, k->only[0], k->only[1],
               k->items, mote_mcnemar(k->only[0], k->only[1]));
    if (p->answers)
        printf("  %-22s %21.2f %%         %zu of %zu changed\n", "the same answers", percent(k->same, k->answers), k->answers - k->same, k->answers);
    if (k->detects && k->boxes.classes != 0)
        printf("  %-22s %21.2f mAP (at 0.50: %.2f, at 0.75: %.2f), %zu boxes\n", "the original's boxes", 100 * k->boxes.map, 100 * k->boxes.map50, 100 * k->boxes.map75, k->boxes.truth);
    if (k->sounds && !k->sound.broken && k->sound.sounds != 0)
        printf("  %-22s %21.1f dB SNR, %.1f dB SI-SDR, STFT distance %.4f, %zu whole\n", "the original's sound", mote_signal_snr_db(&k->sound), mote_signal_si_sdr_db(&k->sound),
               mote_signal_stft(&k->sound), (size_t)k->sound.sounds);
    for (size_t i = 0; i < k->n_out; i++)
        if (k->each[i].broken)
            printf("  %-22.60s NaN or infinities where the original has none\n", visible_c(p->names[i]));
        else if (k->each[i].signal != 0 || k->each[i].given != 0)
            printf("  %-22.60s %21.1f dB SQNR\n", visible_c(p->names[i]), mote_divergence_sqnr_db(&k->each[i]));
    for (size_t i = 0; i < p->n_layers && i < WORST && p->layers[i].ratio > 0; i++)
        printf("  %-22s %21.1f dB behind %s '%.80s'\n", i == 0 ? "the worst layers" : "", sqnr_db(&p->layers[i]), visible_c(p->layers[i].op), visible_c(p->layers[i].node));
}

static json_t *side_json(const proof *p, const proof_side *s)
{
    json_t *j = json_pack("{s:I, s:I, s:I, s:f}", "bytes", (json_int_t)s->bytes, "weight_bytes", (json_int_t)s->weights, "tensor_bytes", (json_int_t)s->tensors, "p50_ms", s->ms);
    if (p->metric != NULL)
        json_object_set_new(j, "score", json_real(s->score));
    return j;
}

json_t *proof_json(const proof *p)
{
    const pair *k = &p->pair;
    json_t *outputs = json_array(), *refused = json_array(), *layers = json_array();
    for (size_t i = 0; i < p->n_layers; i++)
        json_array_append_new(layers, json_pack("{s:s, s:s, s:o}", "node", visible_c(p->layers[i].node), "op", visible_c(p->layers[i].op), "sqnr_db", json_double(sqnr_db(&p->layers[i]))));
    for (size_t i = 0; i < k->n_out; i++)
        json_array_append_new(outputs, json_pack("{s:s, s:o, s:f, s:b}", "name", visible_c(p->names[i]), "sqnr_db", json_double(mote_divergence_sqnr_db(&k->each[i])), "kl",
                                                 mote_divergence_kl(&k->each[i]), "broken", k->each[i].broken));
    for (size_t i = 0; i < p->n_reasons; i++)
        json_array_append_new(refused, json_string(p->reasons[i]));
    json_t *j = json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:I}", "samples", (json_int_t)k->samples, "original", side_json(p, &p->side[0]), "result", side_json(p, &p->side[1]), "outputs",
                          outputs, "refused", refused, "layers", layers, "runs", (json_int_t)p->runs);
    if (k->detects)
        json_object_set_new(j, "boxes", json_pack("{s:o, s:o, s:o, s:I}", "map", json_double(100 * k->boxes.map), "map50", json_double(100 * k->boxes.map50), "map75", json_double(100 * k->boxes.map75),
                                                  "of", (json_int_t)k->boxes.truth));
    if (k->sounds)
        json_object_set_new(j, "sound", json_pack("{s:I, s:o, s:o, s:o, s:b}", "sounds", (json_int_t)k->sound.sounds, "snr_db", json_double(mote_signal_snr_db(&k->sound)), "si_sdr_db",
                                                  json_double(mote_signal_si_sdr_db(&k->sound)), "stft_distance", json_double(mote_signal_stft(&k->sound)), "broken", k->sound.broken));
    if (p->metric != NULL) {
        json_object_set_new(j, "metric", json_string(p->metric));
        json_object_set_new(j, "items", json_integer((json_int_t)k->items));
        json_object_set_new(j, "right_in_one", json_pack("[I, I]", (json_int_t)k->only[0], (json_int_t)k->only[1]));
        json_object_set_new(j, "p", json_real(mote_mcnemar(k->only[0], k->only[1])));
    }
    if (p->answers) {
        json_object_set_new(j, "answers", json_integer((json_int_t)k->answers));
        json_object_set_new(j, "same", json_integer((json_int_t)k->same));
    }
    return j;
}
