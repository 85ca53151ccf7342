/* cmd_compare.c - mote compare: two models, or two settings of one, on the same input
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "print.h"
#include "differ.h"
#include "engine.h"
#include "files.h"
#include "inputs.h"
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct compare_options {
    engine_options engine;
    const char *data, *dims, *b_disable, *b_cpu;
    uint64_t b_threads;
    double rtol, atol;
    bool json, tensors, b_reference;
} compare_options;

static const option_spec table[] = {
    {"data", OPTION_TEXT, offsetof(compare_options, data), "IN.npz|DIR", "inputs: one .npz, or a folder of them; without it, seeded random values"},
    {"dims", OPTION_TEXT, offsetof(compare_options, dims), "N=1,L=128", "sizes of named dimensions for random inputs"},
    {"tensors", OPTION_FLAG, offsetof(compare_options, tensors), NULL, "compare every tensor that both graphs name, not the outputs alone"},
    {"b-disable-passes", OPTION_TEXT, offsetof(compare_options, b_disable), "LIST", "passes that B leaves out, or \"all\""},
    {"b-cpu", OPTION_TEXT, offsetof(compare_options, b_cpu), "LIST", "CPU features that B may use"},
    {"b-threads", OPTION_COUNT, offsetof(compare_options, b_threads), "N", "threads that B runs on"},
    {"b-reference", OPTION_FLAG, offsetof(compare_options, b_reference), NULL, "B runs every operator by its reference evaluation"},
    {"rtol", OPTION_NUMBER, offsetof(compare_options, rtol), "X", "fail (exit 3) when a difference passes atol + rtol * |A|"},
    {"atol", OPTION_NUMBER, offsetof(compare_options, atol), "X", "see --rtol"},
    ENGINE_OPTIONS(compare_options),
    OPTION_JSON(compare_options),
    OPTION_END};

/* Tensors of A's run, kept to meet B's. */
typedef struct kept {
    char *name;
    mote_array array;
} kept;

typedef struct row {
    char *name;
    double max_abs, rms, rms_ratio, sqnr_db, max_want;
    size_t n; /* inputs that it was compared on */
    bool output;
} row;

typedef struct comparison {
    kept *kept;
    size_t n_kept;
    row *rows;
    size_t n_rows;
    const compare_options *options;
    bool beyond, failed;
    mote_diag first; /* the first difference beyond the tolerance */
    char unread[8192]; /* the input file that could not be read, or "" */
} comparison;

static void keep(void *ctx, const char *name, const mote_tensor *t)
{
    comparison *c = ctx;
    kept *grown = realloc(c->kept, (c->n_kept + 1) * sizeof *grown);
    void *data = malloc(t->bytes + 1);
    char *copy = strdup(name);
    if (grown != NULL)
        c->kept = grown;
    if (grown == NULL || data == NULL || copy == NULL || t->dtype == MOTE_DTYPE_STRING) {
        c->failed = c->failed || t->dtype != MOTE_DTYPE_STRING;
        free(data);
        free(copy);
        return;
    }
    if (t->bytes != 0)
        memcpy(data, mote_tensor_map(t), t->bytes);
    mote_array a = {.dtype = t->dtype, .rank = t->rank, .data = data, .bytes = t->bytes};
    memcpy(a.dims, t->shape, sizeof a.dims);
    c->kept[c->n_kept++] = (kept){copy, a};
}

static row *row_of(comparison *c, const char *name, bool output)
{
    for (size_t i = 0; i < c->n_rows; i++)
        if (strcmp(c->rows[i].name, name) == 0)
            return &c->rows[i];
    row *grown = realloc(c->rows, (c->n_rows + 1) * sizeof *grown);
    char *copy = strdup(name);
    if (grown != NULL)
        c->rows = grown;
    if (grown == NULL || copy == NULL) {
        free(copy);
        c->failed = true;
        return NULL;
    }
    c->rows[c->n_rows] = (row){copy, 0, 0, 0, INFINITY, 0, 0, output};
    return &c->rows[c->n_rows++];
}

static void compare_one(comparison *c, const char *name, const mote_array *a, const mote_array *b, bool output)
{
    if (a->dtype != b->dtype || !mote_array_same_shape(a, b)) {
        if (output) {
            difference d;
            c->beyond = true;
            (void)array_difference(b, a, 0, 0, DIFFERENCE_EACH, name, &d, &c->first);
        }
        return;
    }
    difference d;
    mote_diag diag = MOTE_DIAG_INIT;
    double rtol = isnan(c->options->rtol) ? 0 : c->options->rtol, atol = isnan(c->options->atol) ? 0 : c->options->atol;
    mote_status status = array_difference(b, a, rtol, atol, DIFFERENCE_EACH, name, &d, &diag);
    bool judged = !isnan(c->options->rtol) || !isnan(c->options->atol);
    if (output && judged && status != MOTE_OK && !c->beyond) {
        c->beyond = true;
        c->first = diag;
    }
    row *r = row_of(c, name, output);
    if (r == NULL)
        return;
    r->max_abs = fmax(r->max_abs, d.max_abs);
    r->rms = fmax(r->rms, d.rms);
    r->rms_ratio = fmax(r->rms_ratio, d.rms_ratio);
    r->max_want = fmax(r->max_want, d.max_want);
    r->sqnr_db = fmin(r->sqnr_db, d.rms_ratio > 0 ? -20 * log10(d.rms_ratio) : INFINITY);
    r->n++;
}

static void meet(void *ctx, const char *name, const mote_tensor *t)
{
    comparison *c = ctx;
    for (size_t i = 0; i < c->n_kept; i++)
        if (strcmp(c->kept[i].name, name) == 0) {
            mote_array b = {.dtype = t->dtype, .rank = t->rank, .data = mote_tensor_map(t), .bytes = t->bytes};
            memcpy(b.dims, t->shape, sizeof b.dims);
            compare_one(c, name, &c->kept[i].array, &b, false);
            return;
        }
}

static mote_status run_pair(engine *a, engine *b, const named_arrays *in, comparison *c, mote_diag *diag)
{
    if (in != NULL) {
        MOTE_TRY(engine_admit(a, in, diag));
        MOTE_TRY(engine_admit(b, in, diag));
        MOTE_TRY(engine_feed(a, in, diag));
        MOTE_TRY(engine_feed(b, in, diag));
    } else {
        MOTE_TRY(engine_feed_random(a, c->options->dims, b->model, 0, diag));
        MOTE_TRY(engine_feed_random(b, c->options->dims, a->model, 0, diag));
    }
    MOTE_TRY(mote_session_run(a->session, NULL, diag));
    MOTE_TRY(mote_session_run(b->session, NULL, diag));
    MOTE_REQUIRE(!c->failed, diag, MOTE_E_MEMORY, "no memory for the tensors to compare");
    size_t n = engine_output_count(a);
    char name[ENGINE_NAME];
    MOTE_REQUIRE(n == engine_output_count(b), diag, MOTE_E_ARGUMENT, "the models have %zu and %zu outputs", n, engine_output_count(b));
    for (size_t i = 0; i < n; i++) {
        mote_array x = engine_output(a, i), y = engine_output(b, i);
        compare_one(c, engine_output_name(a, i, name), &x, &y, true);
    }
    for (size_t i = 0; i < c->n_kept; i++) {
        free(c->kept[i].name);
        free(c->kept[i].array.data);
    }
    c->n_kept = 0;
    return MOTE_OK;
}

static mote_status read_data(comparison *c, const mote_model *model, const char *path, named_arrays *in, mote_diag *diag)
{
    mote_status status = inputs_read(path, model, in, diag);
    if (status != MOTE_OK)
        snprintf(c->unread, sizeof c->unread, "%s", path);
    return status;
}

static mote_status run_data(engine *a, engine *b, const char *data, comparison *c, size_t *n, mote_diag *diag)
{
    *n = 1;
    if (data == NULL)
        return run_pair(a, b, NULL, c, diag);
    named_arrays in = {0};
    if (!file_is_directory(data)) {
        mote_status status = read_data(c, a->model, data, &in, diag);
        if (status == MOTE_OK)
            status = run_pair(a, b, &in, c, diag);
        named_arrays_free(&in);
        return status;
    }
    DIR *d = opendir(data);
    MOTE_REQUIRE(d != NULL, diag, MOTE_E_IO, "%s: cannot be read", data);
    mote_status status = MOTE_OK;
    *n = 0;
    for (struct dirent *e; status == MOTE_OK && (e = readdir(d)) != NULL;) {
        if (!has_suffix(e->d_name, ".npz"))
            continue;
        char path[8192];
        snprintf(path, sizeof path, "%s/%s", data, e->d_name);
        status = read_data(c, a->model, path, &in, diag);
        if (status == MOTE_OK)
            status = run_pair(a, b, &in, c, diag);
        named_arrays_free(&in);
        ++*n;
    }
    closedir(d);
    MOTE_REQUIRE(status != MOTE_OK || *n > 0, diag, MOTE_E_ARGUMENT, "%s: no .npz file in this folder", data);
    return status;
}

static void print_rows(const comparison *c, size_t n)
{
    printf("%-40s %12s %12s %12s %9s\n", n == 1 ? "" : "worst over the inputs", "largest", "RMS", "RMS ratio", "SQNR dB");
    for (size_t i = 0; i < c->n_rows; i++) {
        const row *r = &c->rows[i];
        printf("%-40.40s %12.4g %12.4g %12.4g %9.1f%s\n", visible_c(r->name), r->max_abs, r->rms, r->rms_ratio, r->sqnr_db, r->output ? "  output" : "");
    }
}

static int finish(comparison *c, const compare_options *o, size_t n, const engine *a, const engine *b)
{
    if (o->json) {
        json_t *rows = json_array();
        for (size_t i = 0; i < c->n_rows; i++) {
            const row *r = &c->rows[i];
            json_t *j = json_pack("{s:s, s:b, s:o, s:o, s:o, s:o}", "name", r->name, "output", r->output, "max_abs", json_double(r->max_abs), "rms",
                                  json_double(r->rms), "rms_ratio", json_double(r->rms_ratio), "sqnr_db", json_double(r->sqnr_db));
            json_array_append_new(rows, j != NULL ? j : json_null());
        }
        (void)tool_print_json(json_pack("{s:s, s:i, s:b, s:s, s:f, s:f, s:o}", "schema", "mote.compare/1", "inputs", (int)n, "within", !c->beyond, "message",
                                        c->first.message, "a_load_ms", a->load_ms, "b_load_ms", b->load_ms, "tensors", rows));
    } else {
        print_rows(c, n);
        if (c->beyond)
            printf("beyond the tolerance: %s\n", c->first.message);
    }
    return c->beyond ? EXIT_DIFFERENT : EXIT_DONE;
}

static int run_compare(void *values, int n, char **operand)
{
    compare_options *o = values;
    if (n != 1 && n != 2)
        return tool_usage(&(command){.name = "compare", .usage = "A [B] [--data D] [options]"}, "give one or two models");
    comparison c = {.options = o, .first = MOTE_DIAG_INIT};
    engine_options oa = o->engine, ob = o->engine;
    ob.disable = o->b_disable != NULL ? o->b_disable : ob.disable;
    ob.cpu = o->b_cpu != NULL ? o->b_cpu : ob.cpu;
    ob.threads = o->b_threads != 0 ? o->b_threads : ob.threads;
    ob.reference = ob.reference || o->b_reference;
    if (o->tensors) {
        oa.tap = keep, ob.tap = meet;
        oa.tap_ctx = ob.tap_ctx = &c;
    }
    mote_diag diag = MOTE_DIAG_INIT;
    engine a = {0}, b = {0};
    const char *second = n == 2 ? operand[1] : operand[0], *at = operand[0];
    size_t inputs = 0;
    mote_status status = engine_open(&a, operand[0], &oa, &diag);
    if (status == MOTE_OK) {
        at = second;
        status = engine_open(&b, second, &ob, &diag);
    }
    if (status == MOTE_OK)
        status = run_data(&a, &b, o->data, &c, &inputs, &diag);
    int code = status == MOTE_OK ? finish(&c, o, inputs, &a, &b) : tool_fail(o->json, c.unread[0] != 0 ? c.unread : at, status, &diag);
    engine_close(&a);
    engine_close(&b);
    for (size_t i = 0; i < c.n_kept; i++) {
        free(c.kept[i].name);
        free(c.kept[i].array.data);
    }
    for (size_t i = 0; i < c.n_rows; i++)
        free(c.rows[i].name);
    free(c.kept);
    free(c.rows);
    return code;
}

extern const command command_compare;
const command command_compare = {
    "compare", "A [B] [--data D] [options]", "the difference of two models, or of two settings of one model, on the same input",
    "Prints for each output (with --tensors: for each tensor that both graphs name) the largest absolute difference, the root mean square, its ratio to "
    "A's, and that ratio as SQNR in dB. With one model, B is the same model under the --b-... settings.",
    table, sizeof(compare_options), run_compare};
