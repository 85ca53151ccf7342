/* test_node_cases.c - ONNX's own node test cases through the reader, inference, the passes, the reference executor and a session
 * SPDX-License-Identifier: Apache-2.0
 *
 * Usage: test_node_cases [-v] [part of a name ...]. The cases lie where MOTE_NODE_CASES says, else in <build>/node_cases; when they are absent they are
 * exported by $MOTE_PYTHON tests/ops/export_cases.py, and without onnx there the test is skipped (77). tests/ops/not_yet.txt lists the cases that do
 * not pass ("name reason") and the operators that are not there ("operator Name reason"); a listed case that passes fails the run. */
#include "base/platform.h"
#include "onnx/read.h"
#include "ops/op.h"
#include "passes/pass.h"
#include "session/values.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

typedef struct listed {
    char name[160];
    bool hit, is_operator;
} listed;

static listed not_yet[1000];
static size_t n_not_yet;
static char folder[512];
static bool verbose;

static char *read_file(mote_arena *arena, const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return NULL;
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    rewind(f);
    char *p = size < 0 ? NULL : mote_arena_calloc(arena, (size_t)size + 1, 1);
    if (p != NULL && fread(p, 1, (size_t)size, f) != (size_t)size)
        p = NULL;
    fclose(f);
    *n = size < 0 ? 0 : (size_t)size;
    return p;
}

/* The value of this kind at path (without its ending); false when there is none. */
static bool load(mote_arena *arena, const char *path, mote_kind kind, mote_array *out, mote_diag *diag)
{
    char file[1024];
    size_t n;
    mote_str name;
    snprintf(file, sizeof file, "%s.pb", path);
    const char *data = read_file(arena, file, &n);
    return data != NULL && mote_onnx_read_value(arena, data, n, kind, out, &name, diag) == MOTE_OK;
}

static bool close_to(double x, double y, double rtol, double atol)
{
    if (isnan(x) || isnan(y))
        return isnan(x) && isnan(y);
    return x == y || fabs(x - y) <= atol + rtol * fabs(y);
}

static bool compare(const mote_array *got, const mote_array *want, double rtol, double atol, char *why, size_t cap)
{
    char a[128], b[128];
    if (got->kind != want->kind || (got->kind != MOTE_KIND_TENSOR && got->dims[0] != want->dims[0]) ||
        (got->kind == MOTE_KIND_TENSOR && (got->dtype != want->dtype || !mote_array_same_shape(got, want)))) {
        snprintf(why, cap, "gives %s, expected %s", mote_array_describe(got, a, sizeof a), mote_array_describe(want, b, sizeof b));
        return false;
    }
    if (got->kind != MOTE_KIND_TENSOR) {
        for (int64_t i = 0; i < got->dims[0]; i++)
            if (!compare(&((const mote_array *)got->data)[i], &((const mote_array *)want->data)[i], rtol, atol, why, cap))
                return false;
        return true;
    }
    if (mote_dtype_in(got->dtype, MOTE_DT(F16)))
        rtol = fmax(rtol, 2e-3);
    if (mote_dtype_in(got->dtype, MOTE_DT(BF16)))
        rtol = fmax(rtol, 0x1p-6); /* two units in the last place */
    size_t n = mote_array_count(got), parts = 1;
    mote_dtype t = got->dtype;
    if (mote_dtype_in(t, MOTE_DTYPES_COMPLEX)) {
        parts = 2;
        t = t == MOTE_DTYPE_C64 ? MOTE_DTYPE_F32 : MOTE_DTYPE_F64;
    }
    for (size_t i = 0; i < n * parts; i++) {
        if (t == MOTE_DTYPE_STRING) {
            const mote_string *x = &((const mote_string *)got->data)[i], *y = &((const mote_string *)want->data)[i];
            if (x->length != y->length || (x->length != 0 && memcmp(x->data, y->data, x->length) != 0)) {
                snprintf(why, cap, "element %zu is '%.*s', expected '%.*s'", i, (int)x->length, x->data, (int)y->length, y->data);
                return false;
            }
            continue;
        }
        bool integer = mote_dtype_in(t, MOTE_DTYPES_INT | MOTE_DT(BOOL));
        double x = mote_dtype_to_f64(t, got->data, i), y = mote_dtype_to_f64(t, want->data, i);
        if (integer ? mote_dtype_to_i64(t, got->data, i) != mote_dtype_to_i64(t, want->data, i) : !close_to(x, y, rtol, atol)) {
            snprintf(why, cap, "element %zu is %.9g, expected %.9g", i, x, y);
            return false;
        }
    }
    return true;
}

/* What inference said beforehand agrees with what came out. */
static bool fits_type(const mote_type *t, const mote_array *a, char *why, size_t cap)
{
    char b[128];
    bool fits = t->kind == MOTE_KIND_TENSOR && t->dtype == MOTE_DTYPE_NONE ? true : t->kind == a->kind;
    if (fits && t->kind == MOTE_KIND_TENSOR && t->dtype != MOTE_DTYPE_NONE) {
        fits = t->dtype == a->dtype && (t->rank < 0 || t->rank == a->rank);
        for (int32_t d = 0; fits && d < t->rank; d++)
            fits = t->dims[d] < 0 || t->dims[d] == a->dims[d];
    }
    if (!fits)
        snprintf(why, cap, "inferred another type (rank %d) than it gives: %s", t->rank, mote_array_describe(a, b, sizeof b));
    return fits;
}

enum { MAX_VALUES = 64 };

typedef enum stage { AS_READ, AFTER_PASSES, AFTER_FOLDING /* passes, the inputs being constants */, IN_SESSION, STAGES } stage;
static const char *const stage_names[STAGES] = {"", " after all passes", " after folding", " in a session"};

/* A public tensor, sequence or optional as an array. */
static bool array_of(mote_arena *arena, const mote_tensor *t, mote_array *a)
{
    if (t->kind == MOTE_KIND_TENSOR) {
        if (mote_array_shape(a, t->dtype, t->rank, t->shape, NULL) != MOTE_OK)
            return false;
        a->data = mote_tensor_map(t);
        return a->data != NULL || a->bytes == 0;
    }
    mote_array *items = mote_arena_calloc(arena, (size_t)t->shape[0] + 1, sizeof *items);
    *a = (mote_array){.kind = t->kind, .rank = 1, .dims = {t->shape[0]}, .data = items};
    for (int64_t i = 0; i < t->shape[0]; i++)
        if (!array_of(arena, &((const mote_tensor *)mote_tensor_map(t))[i], &items[i]))
            return false;
    return true;
}

/* The same through the public interface; out: memory of the session's and the arena's. */
static mote_status run_in_session(const char *path, mote_arena *arena, const mote_array *const *in, mote_array *out, mote_model **model, mote_session **session,
                                  mote_diag *diag)
{
    mote_session_options options = MOTE_SESSION_OPTIONS_INIT;
    options.threads = 1;
    MOTE_TRY(mote_model_load_path(path, NULL, model, diag));
    MOTE_TRY(mote_session_create(*model, &options, session, diag));
    for (size_t i = 0; i < mote_model_input_count(*model); i++) {
        mote_tensor t;
        if (in[i] == NULL)
            continue;
        MOTE_TRY(mote_value_show(arena, in[i], &t, diag));
        MOTE_TRY(mote_session_bind_input(*session, i, &t, diag));
    }
    for (int again = 0; again < 2; again++) /* what a run leaves must not disturb the next */
        MOTE_TRY(mote_session_run(*session, NULL, diag));
    for (size_t i = 0; i < mote_model_output_count(*model); i++)
        MOTE_REQUIRE(array_of(arena, mote_session_output(*session, i), &out[i]), diag, MOTE_E_INTERNAL, "output %zu is no value", i);
    return MOTE_OK;
}

/* unknown_op: the operator that the case needs and the table lacks, or "" */
static bool run_case(const char *name, stage at, double rtol, double atol, char *why, size_t cap, char unknown_op[64])
{
    mote_heap heap;
    mote_arena arena;
    mote_diag diag = MOTE_DIAG_INIT;
    mote_module *m = NULL;
    mote_onnx_files *files = NULL;
    mote_array in[MAX_VALUES], want, out[MAX_VALUES] = {{0}};
    const mote_array *given[MAX_VALUES];
    size_t n_out = 0;
    char path[900];
    bool passed = false;
    mote_heap_init(&heap, NULL, (size_t)1 << 32);
    mote_arena_init(&arena, &heap);
    snprintf(path, sizeof path, "%s/%s/model.onnx", folder, name);
    const mote_onnx_read_options options = {0};
    mote_status status = mote_onnx_read_path(&heap, path, &options, &m, &files, &diag);
    unknown_op[0] = 0;
    if (status == MOTE_OK && (status = mote_ops_resolve(m, &diag)) == MOTE_E_UNSUPPORTED)
        memcpy(unknown_op, diag.op, sizeof diag.op);
    if (status == MOTE_OK)
        status = mote_infer_module(m, &diag);
    if (status == MOTE_OK && (m->graph->n_inputs > MAX_VALUES || m->graph->n_outputs > MAX_VALUES))
        status = mote_fail(&diag, MOTE_E_LIMIT, "too many inputs or outputs");
    for (size_t i = 0; status == MOTE_OK && i < m->graph->n_inputs; i++) {
        snprintf(path, sizeof path, "%s/%s/test_data_set_0/input_%zu", folder, name, i);
        given[i] = load(&arena, path, m->graph->inputs[i]->type.kind, &in[i], &diag) ? &in[i] : NULL;
        if (given[i] != NULL && in[i].kind != MOTE_KIND_TENSOR && in[i].dims[0] == 0) { /* an empty sequence does not say of what */
            const mote_type *t = &m->graph->inputs[i]->type;
            while (t->kind != MOTE_KIND_TENSOR && t->element != NULL)
                t = t->element;
            in[i].dtype = t->dtype;
        }
    }
    for (size_t i = 0; at == AFTER_FOLDING && status == MOTE_OK && i < m->graph->n_inputs; i++)
        if (given[i] != NULL && given[i]->kind == MOTE_KIND_TENSOR) {
            m->graph->inputs[i]->constant = given[i];
            given[i] = NULL;
        }
    const mote_pass_options passes = {.lower = at == AFTER_PASSES};
    mote_model *model = NULL;
    mote_session *session = NULL;
    if (status == MOTE_OK && at != AS_READ && at != IN_SESSION)
        status = mote_passes_run(m, &passes, &diag);
    if (status == MOTE_OK && at == IN_SESSION) {
        snprintf(path, sizeof path, "%s/%s/model.onnx", folder, name);
        status = run_in_session(path, &arena, given, out, &model, &session, &diag);
        n_out = m->graph->n_outputs;
    } else if (status == MOTE_OK)
        status = mote_eval_graph(m->graph, given, m->graph->n_inputs, out, n_out = m->graph->n_outputs, &heap, 0, NULL, NULL, &diag);
    if (status != MOTE_OK) {
        snprintf(why, cap, "status %d: %s%s%s", (int)status, diag.op, diag.op[0] != 0 ? ": " : "", diag.message);
    } else {
        passed = true;
        for (size_t i = 0; i < n_out && passed; i++) {
            snprintf(path, sizeof path, "%s/%s/test_data_set_0/output_%zu", folder, name, i);
            if (!load(&arena, path, out[i].kind, &want, &diag)) {
                snprintf(why, cap, "output %zu cannot be read: %s", i, diag.message);
                passed = false;
                break;
            }
            char detail[300];
            passed = compare(&out[i], &want, rtol, atol, detail, sizeof detail) &&
                     fits_type(&m->graph->outputs[i]->value->type, &out[i], detail, sizeof detail);
            if (!passed)
                snprintf(why, cap, "output %zu %s", i, detail);
        }
    }
    for (size_t i = 0; i < n_out && at != IN_SESSION; i++)
        mote_array_free(&heap, &out[i]);
    mote_session_destroy(&session);
    mote_model_destroy(&model);
    mote_module_destroy(&m);
    mote_onnx_files_destroy(&files);
    mote_arena_deinit(&arena);
    if (heap.used != 0) {
        snprintf(why, cap, "%zu bytes are lost", (size_t)heap.used);
        passed = false;
    }
    return passed;
}

static void read_not_yet(void)
{
    char path[600], line[600];
    snprintf(path, sizeof path, "%s/tests/ops/not_yet.txt", MOTE_TEST_SOURCE_DIR);
    FILE *f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (line[0] != '#' && line[0] != '\n' && n_not_yet < sizeof not_yet / sizeof *not_yet) {
            listed *l = &not_yet[n_not_yet++];
            l->is_operator = strncmp(line, "operator ", 9) == 0;
            sscanf(line + (l->is_operator ? 9 : 0), "%159s", l->name);
        }
    if (f != NULL)
        fclose(f);
}

static bool is_not_yet(const char *name, bool is_operator)
{
    for (size_t i = 0; i < n_not_yet; i++)
        if (not_yet[i].is_operator == is_operator && strcmp(not_yet[i].name, name) == 0)
            return not_yet[i].hit = true;
    return false;
}

static bool wanted(const char *name, int argc, char **argv)
{
    bool any = false;
    for (int i = 1; i < argc; i++)
        if (argv[i][0] != '-') {
            any = true;
            if (strstr(name, argv[i]) != NULL)
                return true;
        }
    return !any;
}

static FILE *open_list(void)
{
    char root[400], path[700], command[1500];
    const char *at = getenv("MOTE_NODE_CASES"), *build = getenv("MOTE_BINARY_DIR"), *python = getenv("MOTE_PYTHON");
    snprintf(root, sizeof root, "%s%s", at != NULL ? at : build != NULL ? build : "build", at != NULL ? "" : "/node_cases");
    snprintf(folder, sizeof folder, "%s/node", root);
    snprintf(path, sizeof path, "%s/node.txt", root);
    FILE *f = fopen(path, "r");
    if (f != NULL || python == NULL || python[0] == 0)
        return f;
    snprintf(command, sizeof command, "'%s' '%s/tests/ops/export_cases.py' '%s'", python, MOTE_TEST_SOURCE_DIR, root);
    int rc = system(command);
    return WIFEXITED(rc) && WEXITSTATUS(rc) == 0 ? fopen(path, "r") : NULL;
}

/* The case's own tolerance. */
static void read_tolerance(const char *name, double *rtol, double *atol)
{
    char path[900];
    snprintf(path, sizeof path, "%s/%s/tolerance.txt", folder, name);
    FILE *f = fopen(path, "r");
    if (f == NULL || fscanf(f, "%lf %lf", rtol, atol) != 2) {
        *rtol = 1e-3;
        *atol = 1e-7;
    }
    if (f != NULL)
        fclose(f);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        verbose = verbose || strcmp(argv[i], "-v") == 0;
    FILE *f = open_list();
    if (f == NULL) {
        printf("skipped: no ONNX node cases in %s, and no Python with onnx to export them\n", folder);
        return 77;
    }
    read_not_yet();
    char line[400], name[200], why[600];
    size_t passed = 0, known = 0, failed = 0, surprising = 0;
    double rtol, atol;
    while (fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "%199s", name) != 1 || !wanted(name, argc, argv))
            continue;
        read_tolerance(name, &rtol, &atol);
        if (verbose)
            printf("%s\n", name), fflush(stdout);
        char op[64];
        bool ok = true;
        stage at = AS_READ;
        while (at < STAGES && (ok = run_case(name, at, rtol, atol, why, sizeof why, op)))
            at++;
        bool listed_here = is_not_yet(name, false);
        if (op[0] != 0 && is_not_yet(op, true)) {
            known++;
            continue;
        }
        passed += ok;
        if (!ok && listed_here)
            known++;
        else if (!ok)
            failed++, printf("FAIL %s%s: %s\n", name, stage_names[at < STAGES ? at : 0], why);
        else if (listed_here)
            surprising++, printf("PASSES, though listed in tests/ops/not_yet.txt: %s\n", name);
    }
    fclose(f);
    for (size_t i = 0; argc == 1 && i < n_not_yet; i++)
        if (!not_yet[i].hit)
            printf("note: tests/ops/not_yet.txt lists %s, which no case needs any more\n", not_yet[i].name);
    printf("%zu passed, %zu not yet, %zu failed, %zu pass though listed\n", passed, known, failed, surprising);
    return failed + surprising == 0 ? 0 : 1;
}
