/* cmd_run.c - mote run: one inference, on tensors, a picture, a sentence or a sound
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "answer.h"
#include "files.h"
#include "inputs.h"
#include "print.h"
#include <stdlib.h>
#include <string.h>

typedef struct run_options {
    engine_options engine;
    const char *inputs, *outputs, *prep, *draw, *dims, *labels, *vocab;
    option_list input, text;
    uint64_t top, random;
    bool json, overwrite, seeded, trust;
} run_options;

extern const command command_run;

enum { TEXT_LIMIT = 64 << 20 };

static const option_spec table[] = {
    {"inputs", OPTION_TEXT, offsetof(run_options, inputs), "IN.npz", "arrays named as the model's inputs"},
    {"input", OPTION_LIST, offsetof(run_options, input), "[NAME=]FILE", "a picture, a text (.txt, a line each), a sound (.wav) or an array (.npy); - is standard input; may be given many times"},
    {"text", OPTION_LIST, offsetof(run_options, text), "TEXT", "a text as it stands here; may be given many times"},
    {"prep", OPTION_TEXT, offsetof(run_options, prep), "PREP.json", "preprocessing to use instead of the model's own (docs/preprocess.md)"},
    {"labels", OPTION_TEXT, offsetof(run_options, labels), "FILE", "class names, one a line"},
    {"vocab", OPTION_TEXT, offsetof(run_options, vocab), "FILE", "the vocabulary, when it is not where the preprocessing says"},
    {"top", OPTION_COUNT, offsetof(run_options, top), "N", "classes to print (5)"},
    {"outputs", OPTION_TEXT, offsetof(run_options, outputs), "OUT.npz", "write the output arrays; OUT.wav for a model that makes sound"},
    {"draw", OPTION_TEXT, offsetof(run_options, draw), "OUT.png", "write the picture with the boxes found"},
    {"random", OPTION_FLAG, offsetof(run_options, seeded), NULL, "seeded random inputs, shaped by --dims"},
    {"dims", OPTION_TEXT, offsetof(run_options, dims), "N=1,L=128", "sizes of named dimensions for --random"},
    {"overwrite", OPTION_FLAG, offsetof(run_options, overwrite), NULL, "replace output files that exist"},
    OPTION_TRUST(run_options),
    ENGINE_OPTIONS(run_options),
    OPTION_JSON(run_options),
    OPTION_END};

/* ---- inputs ---- */

/* FILE of [NAME=]FILE; *name is the model's input, or NULL when there is no NAME. */
static const char *input_path(const char *text, const mote_model *m, const char **name)
{
    const char *equals = strchr(text, '=');
    *name = NULL;
    for (size_t i = 0; equals != NULL && i < mote_model_input_count(m); i++) {
        mote_value_info info = MOTE_VALUE_INFO_INIT;
        if (mote_model_input_info(m, i, &info) == MOTE_OK && strlen(info.name) == (size_t)(equals - text) &&
            memcmp(info.name, text, (size_t)(equals - text)) == 0) {
            *name = info.name;
            return equals + 1;
        }
    }
    return text;
}

static bool is_array(const char *path) { return has_suffix(path, ".npy") || has_suffix(path, ".npz"); }

/* The names that arrays may be for: those of --inputs and each NAME= of --input. */
static mote_status given_names(const run_options *o, const named_arrays *inputs, named_arrays *out, mote_diag *diag)
{
    out->items = calloc(inputs->n + o->input.n + 1, sizeof *out->items);
    if (out->items == NULL)
        return MOTE_NO_MEMORY(diag, (inputs->n + o->input.n) * sizeof *out->items);
    for (size_t i = 0; i < inputs->n + o->input.n; i++) {
        const char *name = i < inputs->n ? inputs->items[i].name : o->input.items[i - inputs->n];
        const char *end = i < inputs->n ? name + strlen(name) : strchr(name, '=');
        if (end == NULL)
            continue;
        if ((out->items[out->n].name = strndup(name, (size_t)(end - name))) == NULL)
            return MOTE_NO_MEMORY(diag, (size_t)(end - name));
        out->n++;
    }
    return MOTE_OK;
}

/* ---- pictures, texts, sounds ---- */

typedef struct job {
    run_options *o;
    feed *f;
    named_arrays arrays; /* for the inputs that no picture, text or sound takes */
    json_t *results;     /* NULL: text */
    double ms;
    size_t done;
    bool many;           /* more than one result: each says what it is of */
    const char *of;      /* the input at fault while one is read and put in; NULL: the model */
    mote_diag *diag;
} job;

/* What is done to an input file: when it fails, the report names this file. */
static mote_status blame(job *j, const char *path, mote_status status)
{
    if (status != MOTE_OK)
        j->of = strcmp(path, "-") == 0 ? "standard input" : path;
    return status;
}

typedef struct inputs_job {
    job *j;
    named_arrays *given;
} inputs_job;

/* --inputs, once the model can say what it takes. */
static mote_status read_inputs(void *ctx, const mote_model *model, mote_diag *diag)
{
    const inputs_job *i = ctx;
    const run_options *o = i->j->o;
    if (o->inputs != NULL)
        MOTE_TRY(blame(i->j, o->inputs, inputs_read(o->inputs, model, &i->j->arrays, diag)));
    return given_names(o, &i->j->arrays, i->given, diag);
}

/* [NAME=]FILE.npy into arrays by input name. */
static mote_status read_array(job *j, const char *text)
{
    const mote_model *m = j->f->engine.model;
    named_arrays *in = &j->arrays;
    mote_diag *diag = j->diag;
    const char *name, *path = input_path(text, m, &name);
    mote_value_info info = MOTE_VALUE_INFO_INIT;
    if (name == NULL && mote_model_input_count(m) == 1) {
        MOTE_TRY(mote_model_input_info(m, 0, &info));
        name = info.name;
    }
    named_arrays one = {0};
    MOTE_TRY(blame(j, path, inputs_read(path, m, &one, diag)));
    mote_status status = MOTE_OK;
    named_array *grown = realloc(in->items, (in->n + one.n + 1) * sizeof *grown);
    if (grown == NULL) {
        status = MOTE_NO_MEMORY(diag, (in->n + one.n) * sizeof *grown);
    } else {
        in->items = grown;
        for (size_t i = 0; i < one.n; i++) {
            if (one.items[i].name[0] == 0 && name != NULL) {
                free(one.items[i].name);
                one.items[i].name = strdup(name);
            }
            if (one.items[i].name == NULL)
                status = MOTE_NO_MEMORY(diag, 1);
            else
                in->items[in->n++] = one.items[i];
            one.items[i] = (named_array){NULL, {0}};
        }
    }
    named_arrays_free(&one);
    return status;
}

/* The arrays of --input, behind those of --inputs. */
static mote_status read_arrays(job *j)
{
    const char *name;
    for (size_t i = 0; i < j->o->input.n; i++)
        if (is_array(input_path(j->o->input.items[i], j->f->engine.model, &name)))
            MOTE_TRY(read_array(j, j->o->input.items[i]));
    return MOTE_OK;
}

static mote_status run_session(job *j)
{
    if (j->arrays.n != 0)
        MOTE_TRY(feed_arrays(j->f, &j->arrays, j->diag));
    const double start = clock_ms();
    mote_status status = mote_session_run(j->f->engine.session, NULL, j->diag);
    j->ms += clock_ms() - start;
    return status;
}

/* The outputs of one run: refused for a second one, which would replace the first. */
static mote_status save_outputs(job *j)
{
    if (j->o->outputs == NULL)
        return MOTE_OK;
    MOTE_REQUIRE(j->done == 0, j->diag, MOTE_E_ARGUMENT, "--outputs takes the outputs of one input");
    MOTE_REQUIRE(!has_suffix(j->o->outputs, ".wav"), j->diag, MOTE_E_ARGUMENT, "--outputs %s: the model makes no sound", j->o->outputs);
    return engine_save_outputs(&j->f->engine, j->o->outputs, j->o->overwrite, j->diag);
}

static void begin_result(const job *j, const char *of)
{
    if (j->results == NULL && j->many)
        printf("%s%s\n", j->done != 0 ? "\n" : "", of);
}

static void end_result(job *j, const char *of, json_t *result)
{
    if (j->results != NULL && result != NULL) {
        json_t *name = json_string(of);
        json_object_set_new(result, "input", name != NULL ? name : json_null());
        json_array_append_new(j->results, result);
    }
    j->done++;
}

static json_t *outputs_json(const engine *e)
{
    json_t *outputs = json_array();
    char name[ENGINE_NAME];
    for (size_t i = 0, n = engine_output_count(e); i < n; i++) {
        mote_array a = engine_output(e, i);
        json_array_append_new(outputs, print_output_json(engine_output_name(e, i, name), &a));
    }
    return outputs;
}

static void print_outputs(const engine *e)
{
    char name[ENGINE_NAME];
    for (size_t i = 0, n = engine_output_count(e); i < n; i++) {
        mote_array a = engine_output(e, i);
        print_output(engine_output_name(e, i, name), &a);
    }
}

/* What the session gave, by the description's task; `tensors` where it has none that fits. */
static mote_status answer(job *j, const mote_image_map *map, picture *p, const mote_encoding *e, const char *text, json_t **out)
{
    const mote_prep_task task = mote_prep_output_info(j->f->prep)->task;
    if (task == MOTE_TASK_CLASSIFY)
        return answer_classes(j->f, (size_t)j->o->top, out, j->diag);
    if (task == MOTE_TASK_DETECT && p != NULL)
        return answer_boxes(j->f, map, p, j->o->draw != NULL, out, j->diag);
    if (task == MOTE_TASK_TAG && e != NULL)
        return answer_words(j->f, e, text, out, j->diag);
    if (out != NULL)
        *out = json_pack("{s:s, s:o}", "task", "none", "outputs", outputs_json(&j->f->engine));
    else
        print_outputs(&j->f->engine);
    return MOTE_OK;
}

static mote_status run_picture(job *j, const char *path, const char *input)
{
    picture p;
    mote_image_map map = MOTE_IMAGE_MAP_INIT;
    json_t *result = NULL;
    MOTE_TRY(blame(j, path, picture_read(path, &p, j->diag)));
    mote_status status = blame(j, path, feed_picture(j->f, input, &p, &map, j->diag));
    if (status == MOTE_OK && j->o->draw != NULL && mote_prep_output_info(j->f->prep)->task != MOTE_TASK_DETECT)
        status = mote_fail(j->diag, MOTE_E_ARGUMENT, "--draw: the preprocessing's output.task is not detect");
    if (status == MOTE_OK && j->o->draw != NULL && j->done != 0)
        status = mote_fail(j->diag, MOTE_E_ARGUMENT, "--draw takes one picture");
    if (status == MOTE_OK)
        status = run_session(j);
    if (status == MOTE_OK)
        status = save_outputs(j);
    if (status == MOTE_OK) {
        begin_result(j, path);
        status = answer(j, &map, &p, NULL, NULL, j->results != NULL ? &result : NULL);
    }
    if (status == MOTE_OK && j->o->draw != NULL)
        status = picture_write_png(j->o->draw, &p, j->o->overwrite, j->diag);
    if (status == MOTE_OK)
        end_result(j, path, result);
    else
        json_decref(result);
    picture_free(&p);
    return status;
}

static mote_status run_text(job *j, const char *text, size_t n, const char *of)
{
    mote_encoding *e = NULL;
    json_t *result = NULL;
    MOTE_REQUIRE(j->f->tokenizer != NULL, j->diag, MOTE_E_ARGUMENT, "%s: the preprocessing has no text input", of);
    mote_status status = blame(j, of, mote_prep_text(j->f->prep, j->f->engine.session, j->f->tokenizer, text, n, &e, j->diag));
    if (status == MOTE_OK)
        status = run_session(j);
    if (status == MOTE_OK)
        status = save_outputs(j);
    if (status == MOTE_OK) {
        if (e->truncated)
            fprintf(stderr, "mote: warning: %s: the text was cut after %zu tokens\n", of, e->n);
        if (j->done != 0 && j->results == NULL)
            printf("\n");
        status = answer(j, NULL, NULL, e, text, j->results != NULL ? &result : NULL);
    }
    if (status == MOTE_OK)
        end_result(j, of, result);
    else
        json_decref(result);
    mote_encoding_destroy(&e);
    return status;
}

static mote_status run_text_file(job *j, const char *path)
{
    void *text;
    size_t n;
    MOTE_TRY(blame(j, path, file_read(path, TEXT_LIMIT, &text, &n, j->diag)));
    mote_status status = MOTE_OK;
    for (size_t at = 0; at < n && status == MOTE_OK;) {
        const char *line = (const char *)text + at, *end = memchr(line, '\n', n - at);
        size_t length = end == NULL ? n - at : (size_t)(end - line);
        at += length + 1;
        if (length != 0 && line[length - 1] == '\r')
            length--;
        if (length != 0)
            status = run_text(j, line, length, path);
    }
    free(text);
    return status;
}

static mote_status run_sound(job *j, const char *path, const char *input)
{
    const mote_prep_task task = mote_prep_output_info(j->f->prep)->task;
    feed_sound in, out = {NULL, 0, 0};
    json_t *result = NULL, **to = j->results != NULL ? &result : NULL;
    MOTE_TRY(blame(j, path, feed_read_sound(path, &in, j->diag)));
    mote_status status = MOTE_OK;
    begin_result(j, path);
    const double start = clock_ms();
    if (task == MOTE_TASK_SPEECH) {
        if (j->o->outputs != NULL)
            status = mote_fail(j->diag, MOTE_E_ARGUMENT, "--outputs: speech spans are no arrays; --json prints them with the probabilities");
        if (status == MOTE_OK)
            status = blame(j, path, answer_speech(j->f, &in, to, j->diag));
        j->ms += clock_ms() - start;
    } else if (task == MOTE_TASK_SOUND) {
        const bool wav = j->o->outputs != NULL && has_suffix(j->o->outputs, ".wav");
        status = blame(j, path, answer_sound(j->f, input, &in, &out, j->diag));
        j->ms += clock_ms() - start;
        if (status == MOTE_OK && j->o->outputs != NULL && j->done != 0)
            status = mote_fail(j->diag, MOTE_E_ARGUMENT, "--outputs takes the outputs of one input");
        if (status == MOTE_OK && wav)
            status = answer_sound_write(j->o->outputs, &out, j->o->overwrite, j->diag);
        else if (status == MOTE_OK && j->o->outputs != NULL) {
            named_array a = {(char[]){"sound"}, {.dtype = MOTE_DTYPE_F32, .rank = 1, .dims = {(int64_t)out.n}, .data = out.samples, .bytes = out.n * sizeof(float)}};
            status = npz_write(j->o->outputs, &a, 1, j->o->overwrite, j->diag);
        }
        if (status == MOTE_OK)
            status = answer_sound_print(&out, to, j->diag);
    } else {
        status = blame(j, path, mote_prep_sound(j->f->prep, j->f->engine.session, input, in.samples, in.n, in.rate, j->diag));
        if (status == MOTE_OK)
            status = run_session(j);
        if (status == MOTE_OK)
            status = save_outputs(j);
        if (status == MOTE_OK)
            status = answer(j, NULL, NULL, NULL, NULL, to);
    }
    if (status == MOTE_OK)
        end_result(j, path, result);
    else
        json_decref(result);
    free(in.samples);
    free(out.samples);
    return status;
}

/* What FILE is: by the input that it is for, by its name, or (standard input) by what the description takes. */
static mote_status run_media(job *j, const char *text)
{
    const char *name, *path = input_path(text, j->f->engine.model, &name);
    const mote_prep_input *in = name != NULL ? mote_prep_input_find(j->f->prep, name, MOTE_PREP_ARRAY) : NULL;
    mote_prep_kind kind = in != NULL ? in->kind : MOTE_PREP_ARRAY;
    if (in == NULL && has_suffix(path, ".wav"))
        kind = MOTE_PREP_AUDIO;
    else if (in == NULL && has_suffix(path, ".txt"))
        kind = MOTE_PREP_TEXT;
    else if (in == NULL && strcmp(path, "-") != 0)
        kind = MOTE_PREP_IMAGE;
    for (mote_prep_kind k = MOTE_PREP_IMAGE; k <= MOTE_PREP_AUDIO && kind == MOTE_PREP_ARRAY; k++)
        if (mote_prep_input_find(j->f->prep, NULL, k) != NULL)
            kind = k;
    switch (kind) {
    case MOTE_PREP_IMAGE: return run_picture(j, path, name);
    case MOTE_PREP_TEXT: return run_text_file(j, path);
    case MOTE_PREP_AUDIO: return run_sound(j, path, name);
    default: return mote_fail(j->diag, MOTE_E_ARGUMENT, "--input %s: the preprocessing takes no picture, text or sound there", text);
    }
}

/* Arrays alone: into the session as they are, ranges checked. */
static mote_status run_arrays(job *j)
{
    json_t *result = NULL;
    MOTE_TRY(j->o->seeded ? engine_feed_random(&j->f->engine, j->o->dims, NULL, 0, j->diag) : engine_feed(&j->f->engine, &j->arrays, j->diag));
    for (size_t i = 0; j->f->prep != NULL && i < j->arrays.n && !j->o->seeded; i++)
        MOTE_TRY(mote_prep_check_range(j->f->prep, j->f->engine.session, j->arrays.items[i].name, j->diag));
    const double start = clock_ms();
    MOTE_TRY(mote_session_run(j->f->engine.session, NULL, j->diag));
    j->ms += clock_ms() - start;
    MOTE_TRY(save_outputs(j));
    if (j->f->prep != NULL && mote_prep_output_info(j->f->prep)->task == MOTE_TASK_CLASSIFY) {
        MOTE_TRY(answer(j, NULL, NULL, NULL, NULL, j->results != NULL ? &result : NULL));
        end_result(j, j->o->inputs != NULL ? j->o->inputs : j->o->input.n != 0 ? j->o->input.items[0] : "random", result);
    } else if (j->results == NULL) {
        print_outputs(&j->f->engine);
    }
    return MOTE_OK;
}

static mote_status run_all(job *j, bool media)
{
    MOTE_TRY(read_arrays(j));
    if (!media)
        return run_arrays(j);
    for (size_t i = 0; i < j->o->text.n; i++)
        MOTE_TRY(run_text(j, j->o->text.items[i], strlen(j->o->text.items[i]), "--text"));
    for (size_t i = 0; i < j->o->input.n; i++) {
        const char *name;
        if (!is_array(input_path(j->o->input.items[i], j->f->engine.model, &name)))
            MOTE_TRY(run_media(j, j->o->input.items[i]));
    }
    return MOTE_OK;
}

static bool wants_pipeline(const run_options *o)
{
    for (size_t i = 0; i < o->input.n; i++)
        if (!is_array(o->input.items[i]))
            return true;
    return o->text.n != 0;
}

static int report(job *j, const engine *e)
{
    if (j->results == NULL) {
        fprintf(stderr, "load %.1f ms, run %.2f ms, peak memory %.1f MB\n", e->load_ms, j->ms, peak_rss_mb());
        return EXIT_DONE;
    }
    const bool answers = json_array_size(j->results) != 0;
    json_t *all = answers ? json_incref(j->results) : outputs_json(e);
    return tool_print_json(json_pack("{s:s, s:f, s:f, s:f, s:o}", "schema", "mote.run/1", "load_ms", e->load_ms, "run_ms", j->ms, "peak_rss_mb", peak_rss_mb(),
                                     answers ? "results" : "outputs", all));
}

static int run_run(void *values, int n, char **operand)
{
    run_options *o = values;
    if (n != 1)
        return tool_usage(&command_run, "give one model");
    if (o->inputs == NULL && o->input.n == 0 && o->text.n == 0 && !o->seeded)
        return tool_usage(&command_run, "give --inputs, --input, --text or --random");
    o->top = o->top == 0 ? 5 : o->top;
    if (o->top > 100000)
        return tool_usage(&command_run, "--top is at most 100000");
    mote_diag diag = MOTE_DIAG_INIT;
    const bool media = wants_pipeline(o) && !o->seeded;
    if (o->draw != NULL && !media)
        return tool_usage(&command_run, "--draw needs a picture as --input");
    feed f;
    job j = {.o = o, .f = &f, .results = o->json ? json_array() : NULL, .many = o->input.n > 1, .diag = &diag};
    named_arrays given = {0};
    const feed_options fo = {.given = &given, .read = o->seeded ? NULL : read_inputs, .read_ctx = &(inputs_job){&j, &given}, .engine = &o->engine, .model = operand[0], .prep = o->prep, .labels = o->labels, .vocab = o->vocab, .prep_needed = media, .trust = o->trust};
    mote_status status = file_output_allowed(o->outputs, o->overwrite, &diag);
    if (status == MOTE_OK)
        status = file_output_allowed(o->draw, o->overwrite, &diag);
    if (status == MOTE_OK)
        status = feed_open(&f, &fo, &diag);
    int code;
    if (status == MOTE_OK) {
        status = run_all(&j, media);
        code = status == MOTE_OK ? report(&j, &f.engine) : tool_fail(o->json, j.of != NULL ? j.of : operand[0], status, &diag);
        feed_close(&f);
    } else {
        code = tool_fail(o->json, j.of != NULL ? j.of : operand[0], status, &diag);
    }
    named_arrays_free(&j.arrays);
    named_arrays_free(&given);
    json_decref(j.results);
    return code;
}

const command command_run = {
    "run", "MODEL (--inputs IN.npz | --input [NAME=]FILE ... | --text TEXT | --random) [options]", "one inference, on arrays, a picture, a sentence or a sound",
    "Pictures, texts and sounds go through the preprocessing that the model carries in its metadata, or that --prep gives; what comes out is printed as the "
    "preprocessing says: classes, boxes, labelled words, speech spans. Arrays go in as they are.",
    table, sizeof(run_options), run_run};
