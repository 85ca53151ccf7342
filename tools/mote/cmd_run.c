/* cmd_run.c - mote run: one inference, on tensors, a picture, a sentence or a sound
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "engine.h"
#include "feed.h"
#include "files.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct run_options {
    engine_options engine;
    const char *inputs, *outputs, *prep, *draw, *dims, *labels;
    option_list input;
    uint64_t top, random;
    bool json, overwrite, seeded;
} run_options;

static const option_spec table[] = {
    {"inputs", OPTION_TEXT, offsetof(run_options, inputs), "IN.npz", "arrays named as the model's inputs"},
    {"input", OPTION_LIST, offsetof(run_options, input), "[NAME=]FILE", "a picture, a text (.txt, or - for standard input), a sound (.wav) or an array (.npy)"},
    {"prep", OPTION_TEXT, offsetof(run_options, prep), "PREP.json", "preprocessing to use instead of the model's own (docs/preprocessing.md)"},
    {"labels", OPTION_TEXT, offsetof(run_options, labels), "FILE", "class names, one a line"},
    {"top", OPTION_COUNT, offsetof(run_options, top), "N", "classes to print (5)"},
    {"outputs", OPTION_TEXT, offsetof(run_options, outputs), "OUT.npz", "write the output arrays"},
    {"draw", OPTION_TEXT, offsetof(run_options, draw), "OUT.png", "write the picture with the boxes found"},
    {"random", OPTION_FLAG, offsetof(run_options, seeded), NULL, "seeded random inputs, shaped by --dims"},
    {"dims", OPTION_TEXT, offsetof(run_options, dims), "N=1,L=128", "sizes of named dimensions for --random"},
    {"overwrite", OPTION_FLAG, offsetof(run_options, overwrite), NULL, "replace output files that exist"},
    ENGINE_OPTIONS(run_options),
    OPTION_JSON(run_options),
    OPTION_END};

/* A few values and the range of an output, for a reader. */
static void print_output(const char *name, const mote_array *a)
{
    char type[128];
    printf("%s  %s", name, mote_array_describe(a, type, sizeof type));
    size_t n = mote_array_count(a);
    if (a->dtype == MOTE_DTYPE_STRING) {
        for (size_t i = 0; i < n && i < 8; i++)
            printf(" \"%.*s\"", (int)((const mote_string *)a->data)[i].length, ((const mote_string *)a->data)[i].data);
        printf("\n");
        return;
    }
    if (mote_dtype_in(a->dtype, MOTE_DTYPES_COMPLEX) || n == 0) {
        printf("\n");
        return;
    }
    double low = INFINITY, high = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++) {
        double x = mote_array_f64(a, i);
        low = fmin(low, x);
        high = fmax(high, x);
        sum += x;
    }
    printf("  min %.6g  max %.6g  mean %.6g\n   ", low, high, sum / (double)n);
    for (size_t i = 0; i < n && i < 8; i++)
        printf(" %.6g", mote_array_f64(a, i));
    printf(n > 8 ? " ...\n" : "\n");
}

static json_t *output_json(const char *name, const mote_array *a)
{
    enum { MAX_VALUES = 100000 };
    json_t *shape = json_array(), *values = json_array();
    for (int32_t d = 0; d < a->rank; d++)
        json_array_append_new(shape, json_integer(a->dims[d]));
    size_t n = mote_array_count(a), shown = n > MAX_VALUES ? 0 : n;
    bool real = mote_dtype_in(a->dtype, MOTE_DTYPES_FLOAT | MOTE_DTYPES_F8 | MOTE_DT(F4E2M1));
    for (size_t i = 0; i < shown && !mote_dtype_in(a->dtype, MOTE_DTYPES_COMPLEX); i++) {
        json_t *v;
        if (a->dtype == MOTE_DTYPE_STRING)
            v = json_stringn(((const mote_string *)a->data)[i].data, ((const mote_string *)a->data)[i].length);
        else
            v = real ? json_double(mote_array_f64(a, i)) : json_integer(mote_array_i64(a, i));
        json_array_append_new(values, v != NULL ? v : json_null());
    }
    json_t *j = json_pack("{s:s, s:s, s:o, s:o, s:b}", "name", name, "dtype", mote_dtype_name(a->dtype), "shape", shape, "values", values, "abbreviated",
                          shown != n);
    return j != NULL ? j : json_null();
}

static int print_tensors(const run_options *o, const engine *e, double ms)
{
    json_t *outputs = json_array();
    for (size_t i = 0; i < mote_model_output_count(e->model); i++) {
        mote_array a = engine_output(e, i);
        if (o->json)
            json_array_append_new(outputs, output_json(engine_output_name(e, i), &a));
        else
            print_output(engine_output_name(e, i), &a);
    }
    if (!o->json) {
        json_decref(outputs);
        fprintf(stderr, "load %.1f ms, run %.2f ms, peak memory %.1f MB\n", e->load_ms, ms, peak_rss_mb());
        return EXIT_DONE;
    }
    return tool_print_json(json_pack("{s:s, s:f, s:f, s:f, s:o}", "schema", "mote.run/1", "load_ms", e->load_ms, "run_ms", ms, "peak_rss_mb", peak_rss_mb(),
                                     "outputs", outputs));
}

/* [NAME=]FILE.npy into arrays by input name. */
static mote_status read_array(const char *text, const mote_model *m, named_arrays *in, mote_diag *diag)
{
    const char *equals = strchr(text, '=');
    char name[256] = "";
    const char *path = text;
    if (equals != NULL && (size_t)(equals - text) < sizeof name) {
        memcpy(name, text, (size_t)(equals - text));
        path = equals + 1;
    }
    if (name[0] == 0 && mote_model_input_count(m) == 1) {
        mote_value_info info = MOTE_VALUE_INFO_INIT;
        MOTE_TRY(mote_model_input_info(m, 0, &info));
        snprintf(name, sizeof name, "%s", info.name);
    }
    named_arrays one = {0};
    MOTE_TRY(npz_read(path, INPUT_LIMIT, &one, diag));
    mote_status status = MOTE_OK;
    for (size_t i = 0; i < one.n && status == MOTE_OK; i++) {
        named_array *grown = realloc(in->items, (in->n + 1) * sizeof *grown);
        if (grown == NULL) {
            status = MOTE_NO_MEMORY(diag, in->n);
            break;
        }
        in->items = grown;
        if (one.items[i].name[0] == 0) {
            free(one.items[i].name);
            one.items[i].name = strdup(name);
        }
        in->items[in->n++] = one.items[i];
        one.items[i] = (named_array){NULL, {0}};
    }
    for (size_t i = 0; i < one.n; i++) {
        free(one.items[i].name);
        free(one.items[i].array.data);
    }
    free(one.items);
    return status;
}

static mote_status run_tensors(run_options *o, engine *e, double *ms, mote_diag *diag)
{
    named_arrays in = {0};
    mote_status status = o->inputs != NULL ? npz_read(o->inputs, INPUT_LIMIT, &in, diag) : MOTE_OK;
    for (size_t i = 0; i < o->input.n && status == MOTE_OK; i++)
        status = read_array(o->input.items[i], e->model, &in, diag);
    if (status == MOTE_OK)
        status = o->seeded ? engine_feed_random(e, o->dims, 0, diag) : engine_feed(e, &in, diag);
    double start = clock_ms();
    if (status == MOTE_OK)
        status = mote_session_run(e->session, NULL, diag);
    *ms = clock_ms() - start;
    named_arrays_free(&in);
    return status;
}

static bool wants_pipeline(const run_options *o)
{
    for (size_t i = 0; i < o->input.n; i++)
        if (!has_suffix(o->input.items[i], ".npy") && !has_suffix(o->input.items[i], ".npz"))
            return true;
    return false;
}

static int run_run(void *values, int n, char **operand)
{
    run_options *o = values;
    const command usage = {.name = "run", .usage = "MODEL (--inputs IN.npz | --input [NAME=]FILE ... | --random) [options]"};
    if (n != 1)
        return tool_usage(&usage, "give one model");
    if (o->inputs == NULL && o->input.n == 0 && !o->seeded)
        return tool_usage(&usage, "give --inputs, --input or --random");
    if (wants_pipeline(o))
        return feed_and_print(operand[0], &(feed_options){.engine = &o->engine, .inputs = o->input, .prep = o->prep, .labels = o->labels, .draw = o->draw,
                                                          .outputs = o->outputs, .top = o->top == 0 ? 5 : o->top, .json = o->json,
                                                          .overwrite = o->overwrite});
    mote_diag diag = MOTE_DIAG_INIT;
    engine e;
    double ms = 0;
    mote_status status = engine_open(&e, operand[0], &o->engine, &diag);
    if (status == MOTE_OK)
        status = run_tensors(o, &e, &ms, &diag);
    if (status == MOTE_OK && o->outputs != NULL)
        status = engine_save_outputs(&e, o->outputs, o->overwrite, &diag);
    int code = status == MOTE_OK ? print_tensors(o, &e, ms) : tool_fail(o->json, operand[0], status, &diag);
    engine_close(&e);
    return code;
}

extern const command command_run;
const command command_run = {
    "run", "MODEL (--inputs IN.npz | --input [NAME=]FILE ... | --random) [options]", "one inference, on arrays, a picture, a sentence or a sound",
    "Pictures, texts and sounds go through the preprocessing that the model carries in its metadata, or that --prep gives; what comes out is printed as the "
    "preprocessing says: classes, boxes, labelled words, speech spans. Arrays go in as they are.",
    table, sizeof(run_options), run_run};
