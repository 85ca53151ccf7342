/* eval_signals.c - sounds and output arrays against those that should have come out
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "answer.h"
#include "eval.h"
#include "files.h"
#include "print.h"
#include "samples.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- what there is beside the data ---- */

bool eval_has_file(const char *folder, const char *name)
{
    char path[4096];
    struct stat st;
    return (size_t)snprintf(path, sizeof path, "%s/%s", folder, name) < sizeof path && stat(path, &st) == 0;
}

static mote_status find_label(void *ctx, const char *name, const mote_array *array, mote_diag *diag)
{
    (void)array;
    *(bool *)ctx |= strcmp(name, "label") == 0 || strcmp(name, "labels") == 0;
    return *(bool *)ctx ? mote_fail(diag, MOTE_E_CANCELLED, "found") : MOTE_OK;
}

/* Whether a file of words has a second column. */
static bool has_columns(const char *path)
{
    char line[4096];
    bool more = false;
    FILE *f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        const size_t first = strcspn(line, " \t\r\n");
        if (first == 0 || (line[0] == '#' && strchr(line, '\t') == NULL))
            continue;
        more = line[first + strspn(line + first, " \t\r\n")] != 0;
        break;
    }
    if (f != NULL)
        fclose(f);
    return more;
}

mote_status eval_has_labels(const char *data, bool *labels, mote_diag *diag)
{
    struct stat st;
    *labels = false;
    MOTE_REQUIRE(stat(data, &st) == 0, diag, MOTE_E_IO, "%s: there is no such file or folder", data);
    if (S_ISDIR(st.st_mode)) {
        MOTE_REQUIRE(strlen(data) < 4000, diag, MOTE_E_ARGUMENT, "a path of more than 4000 bytes");
        *labels = eval_has_file(data, "labels.csv") || eval_has_file(data, "boxes.csv");
    } else if (has_suffix(data, ".npz")) {
        named_arrays in = {NULL, 0};
        mote_diag own = MOTE_DIAG_INIT;
        const mote_status status = npz_read_accepted(data, INPUT_LIMIT, find_label, labels, &in, &own);
        named_arrays_free(&in);
        MOTE_REQUIRE(*labels || status == MOTE_OK, diag, status, "%s", own.message);
    } else if (!has_suffix(data, ".wav")) {
        *labels = has_columns(data);
    }
    return MOTE_OK;
}

/* ---- figures ---- */

static json_t *score_json(const char *name, const mote_signal_score *s)
{
    const bool any = s->sounds != 0 && !s->broken;
    return json_pack("{s:s, s:o, s:o, s:o, s:I, s:b, s:b}", "name", visible_c(name), "snr_db", json_double(mote_signal_snr_db(s)), "si_sdr_db", json_double(mote_signal_si_sdr_db(s)),
                     "stft_distance", json_double(mote_signal_stft(s)), "silent", (json_int_t)s->silent, "broken", s->broken, "equal", any && isinf(mote_signal_snr_db(s)));
}

/* ---- recordings ---- */

typedef struct sounds_run {
    eval *e;
    samples s;
    mote_signal_meter meter;
} sounds_run;

static mote_status each_sound(void *ctx, const char *path, mote_diag *diag)
{
    sounds_run *r = ctx;
    pair *p = r->e->pair;
    feed_sound in, a = {NULL, 0, 0}, b = {NULL, 0, 0};
    MOTE_REQUIRE(!tool_interrupted, diag, MOTE_E_CANCELLED, "interrupted");
    MOTE_TRY(feed_read_sound(path, &in, diag));
    mote_status status = answer_sound(&r->e->f, NULL, &in, &a, diag);
    const double start = clock_ms();
    if (status == MOTE_OK)
        status = answer_sound(&p->second, NULL, &in, &b, diag);
    r->e->run_ms += clock_ms() - start;
    if (status == MOTE_OK && (a.n != b.n || a.rate != b.rate))
        status = mote_fail(diag, MOTE_E_MISMATCH, "the models give %zu samples at %u Hz, and %zu at %u", a.n, (unsigned)a.rate, b.n, (unsigned)b.rate);
    if (status == MOTE_OK)
        mote_signal_add(&r->meter, &p->sound, a.samples, b.samples, a.n);
    free(in.samples);
    free(a.samples);
    free(b.samples);
    return status;
}

bool eval_makes_sound(const feed *f) { return f->prep != NULL && mote_prep_output_info(f->prep)->task == MOTE_TASK_SOUND; }

mote_status eval_sounds(eval *e, json_t *report, mote_diag *diag)
{
    sounds_run r = {.e = e, .s = {.data = e->data, .limit = e->limit}};
    MOTE_REQUIRE(e->pair != NULL, diag, MOTE_E_ARGUMENT, "a recording has no label: give --against, or an .npz with the expected output");
    MOTE_REQUIRE(eval_makes_sound(&e->f) && eval_makes_sound(&e->pair->second), diag, MOTE_E_ARGUMENT, "the preprocessing's output.task is not sound");
    MOTE_TRY(mote_signal_meter_init(&r.meter, diag));
    const mote_status status = samples_each_sound(&r.s, each_sound, &r, diag);
    memcpy(e->at, r.s.at, sizeof e->at);
    mote_signal_meter_deinit(&r.meter);
    MOTE_TRY(status);
    e->at[0] = 0;
    e->pair->sounds = true;
    e->score = mote_signal_snr_db(&e->pair->sound);
    json_object_set_new(report, "n", json_integer((json_int_t)r.s.n));
    json_object_set_new(report, "outputs", json_pack("[o]", score_json(mote_prep_output_info(e->f.prep)->output, &e->pair->sound)));
    return MOTE_OK;
}

/* ---- arrays ---- */

typedef struct signals_run {
    eval *e;
    samples s;
    mote_signal_meter meter;
    named_arrays expected;              /* stacked; none with a pair */
    mote_signal_score score[PAIR_OUTPUTS]; /* by output */
} signals_run;

static mote_status accept_outputs(void *ctx, const char *name, const mote_array *array, mote_diag *diag)
{
    signals_run *r = ctx;
    MOTE_REQUIRE(mote_model_output_index(r->e->f.engine.model, name) == SIZE_MAX || array->dtype == MOTE_DTYPE_F32, diag, MOTE_E_DTYPE, "'%s' is %s, expected outputs are float32", name,
                 mote_dtype_name(array->dtype));
    return MOTE_OK;
}

/* What output i should be: item `at` of the file's array, or the first model's. data NULL: it is not known. */
static mote_status expected(const signals_run *r, size_t i, const mote_array *got, mote_array *want, mote_diag *diag)
{
    char name[ENGINE_NAME];
    *want = (mote_array){.data = NULL};
    if (r->e->pair != NULL) {
        *want = engine_output(&r->e->f.engine, i);
        MOTE_REQUIRE(want->dtype == got->dtype && mote_array_same_shape(want, got), diag, MOTE_E_MISMATCH, "output %zu has another type or shape than the original's", i);
        return MOTE_OK;
    }
    const mote_array *all = named_arrays_find(&r->expected, engine_output_name(&r->e->f.engine, i, name));
    if (all == NULL || got->dtype != MOTE_DTYPE_F32)
        return MOTE_OK;
    const size_t n = all->rank > 0 ? (size_t)all->dims[0] : 0;
    MOTE_REQUIRE(n >= r->s.n && all->bytes / n == got->bytes, diag, MOTE_E_SHAPE, "'%s' has %zu items of %zu bytes; for item %zu the model gives %zu", name, n, n != 0 ? all->bytes / n : 0,
                 r->s.n - 1, got->bytes);
    *want = *all;
    want->data = (char *)all->data + (r->s.n - 1) * got->bytes;
    return MOTE_OK;
}

static mote_status each_item(void *ctx, mote_diag *diag)
{
    signals_run *r = ctx;
    const double start = clock_ms();
    if (r->e->pair != NULL)
        MOTE_TRY(pair_run(r->e->pair, &r->e->f.engine, diag));
    r->e->run_ms += r->e->pair != NULL ? clock_ms() - start : 0;
    const engine *given = r->e->pair != NULL ? &r->e->pair->second.engine : &r->e->f.engine;
    for (size_t i = 0, n = engine_output_count(given); i < n && i < PAIR_OUTPUTS; i++) {
        const mote_array got = engine_output(given, i);
        mote_array want;
        MOTE_TRY(expected(r, i, &got, &want, diag));
        if (want.data != NULL && got.dtype == MOTE_DTYPE_F32)
            mote_signal_add(&r->meter, &r->score[i], want.data, got.data, mote_array_count(&got));
    }
    return MOTE_OK;
}

static mote_status report_signals(signals_run *r, json_t *report, mote_diag *diag)
{
    json_t *outputs = json_array();
    char name[ENGINE_NAME];
    r->e->score = NAN;
    for (size_t i = 0; i < PAIR_OUTPUTS; i++) {
        const mote_signal_score *s = &r->score[i];
        if (s->sounds == 0 && s->silent == 0 && !s->broken)
            continue;
        if (isnan(r->e->score))
            r->e->score = mote_signal_snr_db(s);
        json_array_append_new(outputs, score_json(engine_output_name(&r->e->f.engine, i, name), s));
    }
    const size_t n = json_array_size(outputs);
    json_object_set_new(report, "n", json_integer((json_int_t)r->s.n));
    json_object_set_new(report, "outputs", outputs);
    MOTE_REQUIRE(n != 0, diag, MOTE_E_ARGUMENT, "no output of float32 to compare");
    return MOTE_OK;
}

mote_status eval_signals(eval *e, json_t *report, mote_diag *diag)
{
    signals_run r = {.e = e, .s = {.data = e->data, .limit = e->limit}};
    bool any = e->pair != NULL;
    snprintf(e->at, sizeof e->at, "%s", e->data);
    if (e->pair == NULL)
        MOTE_TRY(npz_read_accepted(e->data, INPUT_LIMIT, accept_outputs, &r, &r.expected, diag));
    for (size_t i = 0; i < r.expected.n; i++)
        any = any || mote_model_output_index(e->f.engine.model, r.expected.items[i].name) != SIZE_MAX;
    mote_status status = any ? mote_signal_meter_init(&r.meter, diag) : mote_fail(diag, MOTE_E_ARGUMENT, "no integer array 'label' with one dimension and something in it, and none that is named as an output");
    if (status == MOTE_OK) {
        status = samples_run(&r.s, &e->f, each_item, &r, diag);
        memcpy(e->at, r.s.at, sizeof e->at);
    }
    if (status == MOTE_OK)
        status = report_signals(&r, report, diag);
    e->run_ms += e->pair == NULL ? r.s.run_ms : 0;
    if (any)
        mote_signal_meter_deinit(&r.meter);
    named_arrays_free(&r.expected);
    return status;
}
