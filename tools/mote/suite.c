/* suite.c - folders of ONNX test cases, each run three ways
 * SPDX-License-Identifier: Apache-2.0
 *
 * A case is ROOT/.../NAME/model.onnx with test_data_set_N/input_K.pb and output_K.pb, each a TensorProto, SequenceProto or OptionalProto as the graph declares. It runs by
 * the reference evaluations without passes, as an application runs it, and as that again from what our writer makes of it. */
#include "base/platform.h"
#include "suite.h"
#include "differ.h"
#include "files.h"
#include "onnx/read.h"
#include "onnx/write.h"
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MODEL_LIMIT = 1 << 30, VALUE_LIMIT = 1 << 30, MAX_VALUES = 1024, DEPTH = 6 };

typedef enum way { REFERENCE, OPTIMISED, ROUND_TRIP, WAYS } way;
static const char *const way_names[WAYS] = {"reference", "optimised", "round trip"};

static const char *const way_options[WAYS] = {"reference", "optimised", "round-trip"};

typedef struct listed {
    char *name, *reason;
    bool used;
} listed;

typedef struct suite {
    const suite_options *o;
    listed *list;
    size_t n_list;
    size_t passed, failed, known, surprising, ways[WAYS];
    json_t *cases;
} suite;

/* What one run needs. */
typedef struct run {
    mote_heap heap;
    mote_arena arena;
    mote_model *model;
    mote_session *session;
    void *bytes; /* of the round trip */
    size_t n_bytes;
} run;

/* ---- values ---- */

/* Describes an array, deeply, for the session. */
static mote_status describe(mote_arena *arena, mote_array *a, mote_tensor *t, mote_diag *diag)
{
    *t = (mote_tensor)MOTE_TENSOR_INIT;
    if (a->kind == MOTE_KIND_TENSOR)
        return mote_tensor_describe(t, a->dtype, a->rank, a->dims, a->data) == MOTE_OK ? MOTE_OK : mote_fail(diag, MOTE_E_SHAPE, "an input is too large");
    const size_t n = (size_t)a->dims[0];
    mote_tensor *items = mote_arena_calloc(arena, n + 1, sizeof *items);
    if (items == NULL)
        return MOTE_NO_MEMORY(diag, n * sizeof *items);
    for (size_t i = 0; i < n; i++)
        MOTE_TRY(describe(arena, (mote_array *)a->data + i, &items[i], diag));
    const mote_status status = mote_tensor_describe_items(t, a->kind, n, items);
    MOTE_REQUIRE(status == MOTE_OK, diag, status, "an input cannot be described");
    return MOTE_OK;
}

/* Half floats may be out by two units in the last place. */
static double tolerance(mote_dtype t, double rtol)
{
    return t == MOTE_DTYPE_F16 ? fmax(rtol, 2e-3) : t == MOTE_DTYPE_BF16 ? fmax(rtol, 0x1p-6) : rtol;
}

static mote_status compare(const mote_tensor *got, const mote_array *want, double rtol, double atol, const char *name, mote_diag *diag)
{
    MOTE_REQUIRE(got->kind == want->kind, diag, MOTE_E_MISMATCH, "'%s' is of another kind (tensor, sequence, optional) than expected", name);
    if (want->kind == MOTE_KIND_TENSOR) {
        difference d;
        mote_array a = {.dtype = got->dtype, .rank = got->rank, .data = mote_tensor_map(got), .bytes = got->bytes};
        memcpy(a.dims, got->shape, sizeof a.dims);
        return array_difference(&a, want, tolerance(want->dtype, rtol), atol, DIFFERENCE_EACH, name, &d, diag);
    }
    MOTE_REQUIRE(got->shape[0] == want->dims[0], diag, MOTE_E_MISMATCH, "'%s' has %lld elements, expected %lld", name, (long long)got->shape[0], (long long)want->dims[0]);
    const mote_tensor *items = mote_tensor_map(got);
    for (int64_t i = 0; i < want->dims[0]; i++)
        MOTE_TRY(compare(&items[i], (const mote_array *)want->data + i, rtol, atol, name, diag));
    return MOTE_OK;
}

/* FOLDER/{input,output}_K.pb; *there false: no such file. */
static mote_status read_value(run *r, const char *folder, const char *which, size_t k, mote_kind kind, mote_array *out, bool *there, mote_diag *diag)
{
    char path[8192 + 64];
    void *bytes;
    size_t n;
    mote_str name;
    snprintf(path, sizeof path, "%s/%s_%zu.pb", folder, which, k);
    *there = access(path, F_OK) == 0;
    if (!*there)
        return MOTE_OK;
    MOTE_TRY(file_read(path, VALUE_LIMIT, &bytes, &n, diag));
    void *kept = mote_arena_copy(&r->arena, bytes, n); /* the value points into it */
    free(bytes);
    if (kept == NULL && n != 0)
        return MOTE_NO_MEMORY(diag, n);
    mote_diag why = MOTE_DIAG_INIT;
    const mote_status status = mote_onnx_read_value(&r->arena, n != 0 ? kept : "", n, kind, out, &name, &why);
    return status == MOTE_OK ? MOTE_OK : mote_fail(diag, status, "%s: %s", path, why.message);
}

/* ---- one way ---- */

static size_t count_files(const char *folder, const char *which)
{
    char path[8192 + 64];
    size_t n = 0;
    for (; n < MAX_VALUES; n++) {
        snprintf(path, sizeof path, "%s/%s_%zu.pb", folder, which, n);
        if (access(path, F_OK) != 0)
            break;
    }
    return n;
}

static mote_status load(run *r, const char *path, way w, const suite_options *o, bool keep_optional, mote_diag *diag)
{
    engine e = {0};
    engine_options eo = *o->engine;
    eo.keep_optional = keep_optional;
    if (w == REFERENCE) {
        eo.reference = true;
        eo.disable = "all";
    }
    if (w != ROUND_TRIP) {
        const mote_status status = engine_load(&e, path, &eo, diag);
        r->model = e.model;
        return status;
    }
    mote_module *m;
    mote_onnx_files *files;
    const mote_onnx_read_options read = {0};
    MOTE_TRY(mote_onnx_read_path(&r->heap, path, &read, &m, &files, diag));
    mote_status status = mote_onnx_write_memory(m, &r->heap, &r->bytes, &r->n_bytes, diag);
    mote_module_destroy(&m);
    mote_onnx_files_destroy(&files);
    MOTE_TRY(status);
    status = engine_load_memory(&e, r->bytes, r->n_bytes, &eo, diag);
    r->model = e.model;
    return status;
}

static mote_status feed(run *r, const char *folder, bool keep_optional, mote_diag *diag)
{
    const size_t n = mote_model_input_count(r->model);
    mote_tensor *given = mote_arena_calloc(&r->arena, n + 1, sizeof *given);
    bool *there = mote_arena_calloc(&r->arena, n + 1, sizeof *there);
    size_t file = 0;
    if (given == NULL || there == NULL)
        return MOTE_NO_MEMORY(diag, n * sizeof *given);
    for (size_t i = 0; i < n; i++) {
        mote_value_info info = MOTE_VALUE_INFO_INIT;
        mote_array *a = mote_arena_calloc(&r->arena, 1, sizeof *a);
        MOTE_TRY(mote_model_input_info(r->model, i, &info));
        given[i] = (mote_tensor)MOTE_TENSOR_INIT;
        if (info.optional && !keep_optional)
            continue;
        if (a == NULL)
            return MOTE_NO_MEMORY(diag, sizeof *a);
        MOTE_TRY(read_value(r, folder, "input", file++, info.kind, a, &there[i], diag));
        MOTE_REQUIRE(there[i] || info.optional || info.kind == MOTE_KIND_OPTIONAL, diag, MOTE_E_ARGUMENT, "no file for input '%s'", info.name);
        if (!there[i])
            continue;
        MOTE_TRY(describe(&r->arena, a, &given[i], diag));
    }
    MOTE_TRY(mote_session_prepare(r->session, given, n, diag));
    for (size_t i = 0; i < n; i++)
        if (there[i])
            MOTE_TRY(mote_session_bind_input(r->session, i, &given[i], diag));
    return MOTE_OK;
}

static mote_status run_set(run *r, const char *folder, const suite_options *o, double rtol, double atol, bool keep_optional, mote_diag *diag)
{
    mote_session_options so = MOTE_SESSION_OPTIONS_INIT;
    so.threads = o->engine->threads == 0 ? 1 : (unsigned)o->engine->threads;
    MOTE_TRY(mote_session_create(r->model, &so, &r->session, diag));
    tool_watch_session(r->session);
    MOTE_TRY(feed(r, folder, keep_optional, diag));
    MOTE_TRY(mote_session_run(r->session, NULL, diag));
    for (size_t i = 0; i < mote_model_output_count(r->model); i++) {
        mote_value_info info = MOTE_VALUE_INFO_INIT;
        mote_array want;
        bool there;
        MOTE_TRY(mote_model_output_info(r->model, i, &info));
        MOTE_TRY(read_value(r, folder, "output", i, mote_session_output(r->session, i)->kind, &want, &there, diag));
        if (there)
            MOTE_TRY(compare(mote_session_output(r->session, i), &want, rtol, atol, info.name, diag));
    }
    return MOTE_OK;
}

static mote_status run_way(const char *model, const char *folder, way w, const suite_options *o, double rtol, double atol, mote_diag *diag)
{
    run r = {.model = NULL};
    mote_heap_init(&r.heap, NULL, (size_t)1 << 32);
    mote_arena_init(&r.arena, &r.heap);
    /* more files than inputs without a default: some are given */
    mote_status status = load(&r, model, w, o, false, diag);
    bool keep_optional = false;
    size_t required = 0;
    for (size_t i = 0; status == MOTE_OK && i < mote_model_input_count(r.model); i++) {
        mote_value_info info = MOTE_VALUE_INFO_INIT;
        (void)mote_model_input_info(r.model, i, &info);
        required += !info.optional;
    }
    if (status == MOTE_OK && count_files(folder, "input") > required) {
        keep_optional = true;
        mote_model_destroy(&r.model);
        mote_heap_free(&r.heap, r.bytes, r.n_bytes);
        r.bytes = NULL;
        status = load(&r, model, w, o, true, diag);
    }
    if (status == MOTE_OK)
        status = run_set(&r, folder, o, rtol, atol, keep_optional, diag);
    tool_watch_session(NULL);
    mote_session_destroy(&r.session);
    mote_model_destroy(&r.model);
    mote_heap_free(&r.heap, r.bytes, r.n_bytes);
    mote_arena_deinit(&r.arena);
    return status;
}

/* ---- cases ---- */

static listed *find_listed(suite *s, const char *name)
{
    for (size_t i = 0; i < s->n_list; i++)
        if (strcmp(s->list[i].name, name) == 0)
            return &s->list[i];
    return NULL;
}

static void read_tolerance(const suite_options *o, const char *path, double *rtol, double *atol)
{
    char file[4096 + 64];
    snprintf(file, sizeof file, "%s/tolerance.txt", path);
    FILE *f = fopen(file, "r");
    *rtol = 1e-3;
    *atol = 1e-7;
    if (f != NULL) {
        if (fscanf(f, "%lf %lf", rtol, atol) != 2) {
            *rtol = 1e-3;
            *atol = 1e-7;
        }
        fclose(f);
    }
    *rtol = isnan(o->rtol) ? *rtol : o->rtol;
    *atol = isnan(o->atol) ? *atol : o->atol;
}

static void run_case(suite *s, const char *path, const char *name, size_t n_sets, char **sets)
{
    char model[4096 + 64], folder[8192];
    double rtol, atol;
    mote_diag diag = MOTE_DIAG_INIT;
    mote_status status = MOTE_OK;
    way w = REFERENCE;
    read_tolerance(s->o, path, &rtol, &atol);
    snprintf(model, sizeof model, "%s/model.onnx", path);
    for (; w < WAYS && status == MOTE_OK; w++) {
        if (s->o->ways != NULL && strstr(s->o->ways, way_options[w]) == NULL)
            continue;
        for (size_t k = 0; k < n_sets && status == MOTE_OK; k++) {
            diag = (mote_diag)MOTE_DIAG_INIT;
            snprintf(folder, sizeof folder, "%s/%s", path, sets[k]);
            status = run_way(model, folder, w, s->o, rtol, atol, &diag);
        }
        s->ways[w] += status == MOTE_OK;
        if (status != MOTE_OK)
            break;
    }
    listed *l = find_listed(s, name);
    if (l != NULL)
        l->used = true;
    const char *verdict = status == MOTE_OK ? (l == NULL ? "passed" : "passed though listed") : l == NULL ? "failed" : "listed";
    *(status == MOTE_OK ? (l == NULL ? &s->passed : &s->surprising) : l == NULL ? &s->failed : &s->known) += 1;
    if (s->cases != NULL) {
        json_t *j = json_pack("{s:s, s:s}", "case", name, "verdict", verdict);
        if (status != MOTE_OK) {
            json_t *why = json_pack("{s:s, s:s, s:s, s:s, s:s}", "way", way_names[w], "status", mote_status_string(status), "op", diag.op, "node", diag.node, "message",
                                    diag.message);
            json_object_update(j, why != NULL ? why : json_object());
            json_decref(why);
        }
        if (l != NULL)
            json_object_set_new(j, "reason", json_string(l->reason));
        json_array_append_new(s->cases, j);
    } else if (status == MOTE_OK ? l != NULL || s->o->verbose : l == NULL || s->o->verbose) {
        printf("%-6s %s%s%s%s%s%s\n", status != MOTE_OK ? (l == NULL ? "FAIL" : "listed") : l == NULL ? "ok" : "PASSES, though listed:", name, status != MOTE_OK ? " (" : "",
               status != MOTE_OK ? way_names[w] : "", status != MOTE_OK ? ") " : "", status != MOTE_OK && diag.op[0] ? diag.op : "", status != MOTE_OK && diag.op[0] ? ": " : "");
        if (status != MOTE_OK)
            printf("       %s: %s\n", mote_status_string(status), diag.message);
    }
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static mote_status entries(const char *path, char ***out, size_t *n, mote_diag *diag)
{
    DIR *d = opendir(path);
    *out = NULL;
    *n = 0;
    MOTE_REQUIRE(d != NULL, diag, MOTE_E_IO, "%s: not a folder that can be read", path);
    mote_status status = MOTE_OK;
    for (struct dirent *e; status == MOTE_OK && (e = readdir(d)) != NULL;) {
        if (e->d_name[0] == '.')
            continue;
        char **grown = realloc(*out, (*n + 1) * sizeof *grown), *name = strdup(e->d_name);
        if (grown != NULL)
            *out = grown;
        if (grown == NULL || name == NULL) {
            free(name);
            status = MOTE_NO_MEMORY(diag, *n);
        } else {
            (*out)[(*n)++] = name;
        }
    }
    closedir(d);
    if (*n > 1)
        qsort(*out, *n, sizeof **out, by_name);
    return status;
}

static mote_status walk(suite *s, const char *path, int depth, mote_diag *diag)
{
    char **names, inner[4096];
    size_t n, sets = 0;
    bool model = false;
    mote_status status = entries(path, &names, &n, diag);
    char **data = status == MOTE_OK ? calloc(n + 1, sizeof *data) : NULL;
    for (size_t i = 0; data != NULL && i < n; i++) {
        model |= strcmp(names[i], "model.onnx") == 0;
        if (strncmp(names[i], "test_data_set_", 14) == 0)
            data[sets++] = names[i];
    }
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    if (data != NULL && model && sets != 0) {
        if (s->o->only == NULL || strstr(name, s->o->only) != NULL)
            run_case(s, path, name, sets, data);
    } else {
        for (size_t i = 0; data != NULL && i < n && depth > 0 && status == MOTE_OK && !tool_interrupted; i++)
            if ((size_t)snprintf(inner, sizeof inner, "%s/%s", path, names[i]) < sizeof inner && file_is_directory(inner))
                status = walk(s, inner, depth - 1, diag);
    }
    free(data);
    for (size_t i = 0; i < n; i++)
        free(names[i]);
    free(names);
    return status;
}

static mote_status read_list(suite *s, mote_diag *diag)
{
    void *text;
    size_t n;
    if (s->o->list == NULL)
        return MOTE_OK;
    MOTE_TRY(file_read(s->o->list, MODEL_LIMIT, &text, &n, diag));
    char *save = NULL;
    mote_status status = MOTE_OK;
    for (char *line = strtok_r(text, "\n", &save); line != NULL && status == MOTE_OK; line = strtok_r(NULL, "\n", &save)) {
        if (line[0] == '#' || line[strspn(line, " \t\r")] == 0)
            continue;
        const size_t length = strcspn(line, " \t");
        const char *reason = line + length + strspn(line + length, " \t");
        listed *grown = realloc(s->list, (s->n_list + 1) * sizeof *grown);
        if (grown != NULL) {
            s->list = grown;
            s->list[s->n_list] = (listed){strndup(line, length), strdup(reason), false};
        }
        if (grown == NULL || s->list[s->n_list].name == NULL || s->list[s->n_list].reason == NULL)
            status = MOTE_NO_MEMORY(diag, n);
        else if (*reason == 0)
            status = mote_fail(diag, MOTE_E_FORMAT, "%s: '%s' has no reason", s->o->list, s->list[s->n_list].name);
        s->n_list += grown != NULL;
    }
    free(text);
    return status;
}

static int print(const suite *s, int code)
{
    size_t unused = 0;
    for (size_t i = 0; i < s->n_list; i++)
        unused += !s->list[i].used && s->o->only == NULL;
    if (s->cases != NULL) {
        (void)tool_print_json(json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:{s:I, s:I, s:I}, s:O}", "schema", "mote.suite/1", "passed", (json_int_t)s->passed, "failed",
                                        (json_int_t)s->failed, "listed", (json_int_t)s->known, "passed_though_listed", (json_int_t)s->surprising, "listed_but_absent",
                                        (json_int_t)unused, "ways", "reference", (json_int_t)s->ways[REFERENCE], "optimised", (json_int_t)s->ways[OPTIMISED], "round_trip",
                                        (json_int_t)s->ways[ROUND_TRIP], "cases", s->cases));
    } else {
        for (size_t i = 0; i < s->n_list; i++)
            if (!s->list[i].used && s->o->only == NULL)
                printf("note: %s is listed, and no case has that name\n", s->list[i].name);
        printf("%zu passed, %zu failed, %zu listed, %zu pass though listed\n", s->passed, s->failed, s->known, s->surprising);
    }
    return code;
}

int suite_run(const suite_options *o)
{
    mote_diag diag = MOTE_DIAG_INIT;
    suite s = {.o = o, .cases = o->json ? json_array() : NULL};
    mote_status status = read_list(&s, &diag);
    if (status == MOTE_OK)
        status = walk(&s, o->root, DEPTH, &diag);
    if (status == MOTE_OK && !tool_interrupted && s.passed + s.failed + s.known + s.surprising == 0)
        status = mote_fail(&diag, MOTE_E_ARGUMENT, "%s: no case below", o->root);
    const int code = status != MOTE_OK     ? tool_fail(o->json, o->root, status, &diag)
                     : tool_interrupted    ? EXIT_CANCELLED
                     : s.failed + s.surprising != 0 ? print(&s, EXIT_DIFFERENT)
                                                    : print(&s, EXIT_DONE);
    json_decref(s.cases);
    for (size_t i = 0; i < s.n_list; i++) {
        free(s.list[i].name);
        free(s.list[i].reason);
    }
    free(s.list);
    return code;
}
