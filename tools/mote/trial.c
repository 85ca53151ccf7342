/* trial.c - recipes tried on a model: samples and the original's answers are kept, one calibration serves all
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "trial.h"
#include "decoder.h"
#include "differ.h"
#include "eval.h"
#include "samples.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const size_t room = (size_t)1 << 30; /* bytes of samples and answers */

/* ---- samples ---- */

static mote_status copy_array(trial *t, const mote_array *from, mote_array *to, mote_diag *diag)
{
    *to = *from;
    MOTE_REQUIRE(from->bytes <= room - t->bytes, diag, MOTE_E_LIMIT, "samples and answers of more than %zu MB: give --limit", room >> 20);
    to->data = malloc(from->bytes + 1);
    if (to->data == NULL)
        return MOTE_NO_MEMORY(diag, from->bytes);
    if (from->bytes != 0)
        memcpy(to->data, from->data, from->bytes);
    t->bytes += from->bytes;
    return MOTE_OK;
}

static mote_status copy_inputs(trial *t, const named_arrays *from, named_arrays *to, mote_diag *diag)
{
    to->items = calloc(from->n + 1, sizeof *to->items);
    if (to->items == NULL)
        return MOTE_NO_MEMORY(diag, from->n * sizeof *to->items);
    for (size_t i = 0; i < from->n; i++) {
        const named_array *a = &from->items[i];
        MOTE_REQUIRE(a->array.dtype != MOTE_DTYPE_STRING, diag, MOTE_E_UNSUPPORTED, "the input '%s' holds strings", a->name);
        MOTE_TRY(copy_array(t, &a->array, &to->items[to->n].array, diag));
        to->items[to->n++].name = strdup(a->name);
        if (to->items[i].name == NULL)
            return MOTE_NO_MEMORY(diag, strlen(a->name));
    }
    return MOTE_OK;
}

static mote_status keep_inputs(trial *t, trial_sample *s, mote_diag *diag)
{
    named_arrays borrowed;
    mote_status status = engine_inputs(&t->feed.engine, &borrowed, diag);
    if (status == MOTE_OK)
        status = copy_inputs(t, &borrowed, &s->in, diag);
    free(borrowed.items);
    return status;
}

static mote_status keep_sample(void *ctx, mote_diag *diag)
{
    trial *t = ctx;
    if (t->n == t->cap) {
        const size_t cap = t->cap == 0 ? 64 : t->cap * 2;
        trial_sample *grown = realloc(t->samples, cap * sizeof *grown);
        if (grown == NULL)
            return MOTE_NO_MEMORY(diag, cap * sizeof *grown);
        t->samples = grown;
        t->cap = cap;
    }
    trial_sample *s = &t->samples[t->n++];
    memset(s, 0, sizeof *s);
    MOTE_TRY(keep_inputs(t, s, diag));
    t->n_out = engine_output_count(&t->feed.engine);
    MOTE_REQUIRE(t->n_out <= TRIAL_OUTPUTS, diag, MOTE_E_LIMIT, "the model has %zu outputs, at most %d are compared", t->n_out, TRIAL_OUTPUTS);
    for (size_t i = 0; i < t->n_out; i++) {
        const mote_array a = engine_output(&t->feed.engine, i);
        if (a.dtype == MOTE_DTYPE_F32)
            MOTE_TRY(copy_array(t, &a, &s->out[i], diag));
    }
    return MOTE_OK;
}

static mote_status take_samples(trial *t, mote_diag *diag)
{
    const trial_options *o = t->o;
    if (o->data == NULL) {
        MOTE_TRY(engine_feed_random(&t->feed.engine, o->dims, NULL, 0, diag));
        MOTE_TRY(mote_session_run(t->feed.engine.session, NULL, diag));
        return keep_sample(t, diag);
    }
    samples s = {.data = o->data, .limit = o->limit};
    mote_status status = samples_run(&s, &t->feed, keep_sample, t, diag);
    if (status != MOTE_OK)
        snprintf(t->at, sizeof t->at, "%s", s.at);
    return status;
}

/* ---- calibration ---- */

static mote_status run_one(engine *e, const named_arrays *in, mote_diag *diag)
{
    if (tool_interrupted)
        return mote_fail(diag, MOTE_E_CANCELLED, "interrupted");
    MOTE_TRY(engine_feed(e, in, diag));
    return mote_session_run(e->session, NULL, diag);
}

static mote_status run_round(trial *t, mote_model *m, mote_diag *diag)
{
    engine_options eo = t->o->engine;
    engine e;
    eo.tap = mote_quantizer_tap;
    eo.tap_ctx = t->q;
    MOTE_TRY(engine_open_model(&e, m, &eo, diag));
    mote_status status = MOTE_OK;
    for (size_t i = 0; i < t->n && status == MOTE_OK; i++)
        status = run_one(&e, &t->samples[i].in, diag);
    engine_close(&e);
    return status;
}

mote_status trial_open(trial *t, const char *model, const trial_options *o, mote_diag *diag)
{
    *t = (trial){.o = o, .model = model};
    const feed_options fo = {.engine = &o->engine, .model = model, .prep = o->prep, .vocab = o->vocab, .max_length = o->max_length,
                             .prep_needed = o->data != NULL && samples_need_prep(o->data)};
    MOTE_TRY(feed_open(&t->feed, &fo, diag));
    mote_status status = take_samples(t, diag);
    feed_close(&t->feed);
    MOTE_TRY(status);
    mote_quantize_options q = o->quantize;
    q.mode = MOTE_QUANT_MIXED;
    q.recipe = "{\"default\": \"int8\"}";
    q.variants = true;
    q.custom_ops = tool_operators();
    MOTE_TRY(mote_quantizer_create(model, &q, &t->q, diag));
    for (mote_model *m;;) {
        MOTE_TRY(mote_quantizer_next(t->q, NULL, &m, diag));
        if (m == NULL)
            return MOTE_OK;
        MOTE_TRY(run_round(t, m, diag));
    }
}

void trial_close(trial *t)
{
    for (size_t i = 0; i < t->n; i++) {
        named_arrays_free(&t->samples[i].in);
        named_arrays_free(&t->samples[i].kept);
        for (size_t k = 0; k < TRIAL_OUTPUTS; k++)
            free(t->samples[i].out[k].data);
    }
    free(t->samples);
    mote_quantizer_destroy(&t->q);
    *t = (trial){0};
}

/* ---- trying ---- */

mote_status trial_engine(trial *t, const char *recipe, const engine_options *o, engine *e, size_t *bytes, mote_diag *diag)
{
    mote_model *m;
    engine_providers names;
    mote_load_options load;
    MOTE_TRY(engine_load_options(o, &names, &load, diag));
    MOTE_TRY(mote_quantizer_variant(t->q, recipe, &load, &m, bytes, diag));
    MOTE_TRY(engine_open_model(e, m, o, diag));
    mote_status status = engine_feed(e, &t->samples[0].in, diag);
    if (status != MOTE_OK)
        engine_close(e);
    return status;
}

static mote_status compare(const trial_sample *s, const engine *e, size_t n_out, trial_result *r, mote_diag *diag)
{
    for (size_t k = 0; k < n_out; k++) {
        const mote_array a = engine_output(e, k);
        if (s->out[k].data == NULL)
            continue;
        MOTE_TRY(array_divergence(&a, &s->out[k], k, &r->each[k], diag));
    }
    return MOTE_OK;
}

static void sum_up(trial_result *r, size_t n_out)
{
    for (size_t k = 0; k < n_out; k++) {
        const mote_divergence *d = &r->each[k];
        r->ratio += mote_divergence_ratio(d);
        r->all.signal += d->signal;
        r->all.noise += d->noise;
        r->all.given += d->given;
        r->all.product += d->product;
        r->all.kl += d->kl;
        r->all.rows += d->rows;
        r->all.same += d->same;
        r->all.broken |= d->broken;
    }
}

static mote_status run_all(trial *t, engine *e, size_t time, trial_result *out, mote_diag *diag)
{
    mote_status status = MOTE_OK;
    for (size_t k = 0; k < time && status == MOTE_OK; k++) {
        const double start = clock_ms();
        status = mote_session_run(e->session, NULL, diag);
        const double ms = clock_ms() - start;
        out->ms = k == 0 || ms < out->ms ? ms : out->ms;
    }
    for (size_t i = 0; i < t->n && status == MOTE_OK; i++) {
        status = run_one(e, &t->samples[i].in, diag);
        if (status == MOTE_OK)
            status = compare(&t->samples[i], e, t->n_out, out, diag);
    }
    engine_close(e);
    sum_up(out, t->n_out);
    return status;
}

mote_status trial_run(trial *t, const char *recipe, size_t time, trial_result *out, mote_diag *diag)
{
    engine e;
    *out = (trial_result){.ms = 0};
    MOTE_TRY(trial_engine(t, recipe, &t->o->engine, &e, &out->bytes, diag));
    return run_all(t, &e, time, out, diag);
}

mote_status trial_model(trial *t, mote_model *m, size_t time, trial_result *out, mote_diag *diag)
{
    engine e;
    *out = (trial_result){.ms = 0};
    MOTE_TRY(engine_open_model(&e, m, &t->o->engine, diag));
    mote_status status = engine_feed(&e, &t->samples[0].in, diag);
    if (status != MOTE_OK) {
        engine_close(&e);
        return status;
    }
    return run_all(t, &e, time, out, diag);
}

/* ---- kept values ---- */

static int by_name(const void *a, const void *b) { return mote_str_compare(*(const mote_str *)a, *(const mote_str *)b); }

typedef struct keeper {
    trial *t;
    trial_sample *sample;
} keeper;

/* A tap. */
static void keep_value(void *ctx, const char *name, const mote_tensor *x)
{
    keeper *k = ctx;
    trial *t = k->t;
    const mote_str key = mote_str_c(name);
    if (t->kept_status != MOTE_OK || bsearch(&key, t->wanted, t->n_wanted, sizeof key, by_name) == NULL || k->sample->kept.n == t->n_wanted)
        return;
    named_array *to = &k->sample->kept.items[k->sample->kept.n];
    mote_array a = {.dtype = x->dtype, .rank = x->rank, .data = mote_tensor_map(x), .bytes = x->bytes};
    memcpy(a.dims, x->shape, sizeof a.dims);
    t->kept_status = x->dtype == MOTE_DTYPE_STRING ? MOTE_E_LIMIT : copy_array(t, &a, &to->array, NULL);
    if (t->kept_status != MOTE_OK)
        return;
    k->sample->kept.n++;
    const size_t size = sizeof MOTE_CUT_PREFIX + key.n;
    to->name = malloc(size);
    if (to->name == NULL)
        t->kept_status = MOTE_E_MEMORY;
    else
        snprintf(to->name, size, MOTE_CUT_PREFIX "%s", name);
}

static void forget(trial *t)
{
    for (size_t i = 0; i < t->n; i++) {
        named_arrays *k = &t->samples[i].kept;
        for (size_t e = 0; e < k->n; e++)
            t->bytes -= k->items[e].array.bytes;
        named_arrays_free(k);
        *k = (named_arrays){NULL, 0};
    }
}

static mote_status run_keeping(trial *t, mote_diag *diag)
{
    mote_model *m;
    mote_load_options load = MOTE_LOAD_OPTIONS_INIT;
    keeper k = {t, NULL};
    engine_options eo = t->o->engine;
    engine e;
    load.custom_ops = tool_operators();
    MOTE_TRY(mote_cut_outputs(t->q, "{\"default\": \"f32\"}", t->wanted, t->n_wanted, &load, &m, diag));
    eo.tap = keep_value;
    eo.tap_ctx = &k;
    MOTE_TRY(engine_open_model(&e, m, &eo, diag));
    mote_status status = MOTE_OK;
    for (size_t i = 0; i < t->n && status == MOTE_OK && t->kept_status == MOTE_OK; i++) {
        k.sample = &t->samples[i];
        k.sample->kept.items = calloc(t->n_wanted + 1, sizeof *k.sample->kept.items);
        status = k.sample->kept.items == NULL ? MOTE_NO_MEMORY(diag, t->n_wanted) : run_one(&e, &t->samples[i].in, diag);
        if (status == MOTE_OK && t->kept_status == MOTE_OK && k.sample->kept.n != t->n_wanted)
            t->kept_status = MOTE_E_LIMIT; /* a value that was not seen */
    }
    engine_close(&e);
    return status;
}

mote_status trial_keep(trial *t, const mote_cut *cuts, size_t n, bool *kept, mote_diag *diag)
{
    size_t all = 0, unique = 0;
    for (size_t i = 0; i < n; i++)
        all += cuts[i].usable ? cuts[i].n : 0;
    mote_str *names = calloc(all + 1, sizeof *names);
    if (names == NULL)
        return MOTE_NO_MEMORY(diag, all * sizeof *names);
    all = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; cuts[i].usable && k < cuts[i].n; k++)
            names[all++] = cuts[i].names[k];
    if (all != 0)
        qsort(names, all, sizeof *names, by_name);
    for (size_t i = 0; i < all; i++)
        if (unique == 0 || by_name(&names[unique - 1], &names[i]) != 0)
            names[unique++] = names[i];
    t->wanted = names;
    t->n_wanted = unique;
    t->kept_status = MOTE_OK;
    mote_status status = unique != 0 ? run_keeping(t, diag) : MOTE_OK;
    *kept = status == MOTE_OK && t->kept_status == MOTE_OK && unique != 0;
    if (!*kept)
        forget(t);
    t->wanted = NULL;
    free(names);
    return status;
}

/* A sample's own inputs and the values that the cut takes, borrowed. */
static mote_status inputs_of_cut(const trial_sample *s, const mote_cut *cut, named_arrays *to, mote_diag *diag)
{
    to->n = 0;
    for (size_t i = 0; i < s->in.n; i++)
        to->items[to->n++] = s->in.items[i];
    for (size_t i = 0; i < cut->n; i++) {
        const size_t before = to->n;
        for (size_t k = 0; k < s->kept.n && to->n == before; k++)
            if (mote_str_is(cut->names[i], s->kept.items[k].name + sizeof MOTE_CUT_PREFIX - 1))
                to->items[to->n++] = s->kept.items[k];
        MOTE_REQUIRE(to->n != before, diag, MOTE_E_MODEL, "'%.*s' was not kept", MOTE_STR_ARG(cut->names[i]));
    }
    return MOTE_OK;
}

mote_status trial_run_cut(trial *t, const char *recipe, const mote_cut *cut, trial_result *out, mote_diag *diag)
{
    mote_model *m;
    mote_load_options load = MOTE_LOAD_OPTIONS_INIT;
    engine e;
    named_arrays in = {calloc(t->samples[0].in.n + cut->n + 1, sizeof *in.items), 0};
    *out = (trial_result){.ms = 0};
    if (in.items == NULL)
        return MOTE_NO_MEMORY(diag, cut->n * sizeof *in.items);
    load.custom_ops = tool_operators();
    mote_status status = mote_cut_variant(t->q, recipe, cut, &load, &m, &out->bytes, diag);
    if (status == MOTE_OK)
        status = engine_open_model(&e, m, &t->o->engine, diag);
    if (status != MOTE_OK) {
        free(in.items);
        return status;
    }
    for (size_t i = 0; i < t->n && status == MOTE_OK; i++) {
        status = inputs_of_cut(&t->samples[i], cut, &in, diag);
        if (status == MOTE_OK)
            status = run_one(&e, &in, diag);
        if (status == MOTE_OK)
            status = compare(&t->samples[i], &e, t->n_out, out, diag);
    }
    engine_close(&e);
    free(in.items);
    sum_up(out, t->n_out);
    return status;
}

char *trial_recipe(const char *rest, const char *const *nodes, const char *const *precisions, size_t n, const char *about)
{
    json_t *rules = json_array(), *root = json_pack("{s:s, s:s}", "schema", "mote.recipe/1", "default", rest);
    if (about != NULL)
        json_object_set_new(root, "about", json_string(about));
    for (size_t i = 0; i < n; i++) {
        bool said = strcmp(precisions[i], rest) == 0;
        for (size_t k = 0; k < i && !said; k++)
            said = strcmp(nodes[k], nodes[i]) == 0; /* nodes of one name */
        if (!said)
            json_array_append_new(rules, json_pack("{s:s, s:s}", "node", nodes[i], "precision", precisions[i]));
    }
    json_object_set_new(root, "rules", rules);
    char *text = json_dumps(root, JSON_INDENT(1));
    json_decref(root);
    return text;
}
