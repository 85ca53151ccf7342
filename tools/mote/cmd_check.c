/* cmd_check.c - mote check: recorded inputs in, recorded outputs compared
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "differ.h"
#include "engine.h"
#include "files.h"
#include "inputs.h"
#include "suite.h"
#include "testdata.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct check_options {
    engine_options engine;
    double rtol, atol;
    const char *suite, *only, *list, *ways;
    bool json, rms, largest, verbose;
} check_options;

static const option_spec table[] = {
    {"rtol", OPTION_NUMBER, offsetof(check_options, rtol), "X", "tolerance relative to each expected value (1e-3)"},
    {"atol", OPTION_NUMBER, offsetof(check_options, atol), "X", "absolute tolerance (1e-7)"},
    {"of-largest", OPTION_FLAG, offsetof(check_options, largest), NULL, "--rtol is relative to the largest expected value of the output, not to each"},
    {"rms", OPTION_FLAG, offsetof(check_options, rms), NULL,
     "judge floating-point outputs as a whole: --rtol bounds the root mean square of the difference over that of the expected output"},
    {"suite", OPTION_TEXT, offsetof(check_options, suite), "ROOT", "run every case below ROOT (folders with model.onnx and test_data_set_*) three ways: reference, optimised, written and read again"},
    {"list", OPTION_TEXT, offsetof(check_options, list), "FILE", "with --suite: cases that do not pass, \"name reason\" a line; one that passes is a failure"},
    {"ways", OPTION_TEXT, offsetof(check_options, ways), "LIST", "with --suite: some of reference,optimised,round-trip"},
    {"only", OPTION_TEXT, offsetof(check_options, only), "TEXT", "with --suite: cases whose name contains TEXT"},
    {"verbose", OPTION_FLAG, offsetof(check_options, verbose), NULL, "a line for cases that agree, too"},
    ENGINE_OPTIONS(check_options),
    OPTION_JSON(check_options),
    OPTION_END};

typedef struct verdict {
    mote_status status; /* MOTE_OK, MOTE_E_MISMATCH, or why it did not run */
    mote_diag diag;
    double max_abs, rms_ratio;
    const char *of; /* the file that could not be read; NULL: the model */
} verdict;

static void compare_outputs(const engine *e, const named_arrays *expected, const check_options *o, verdict *v)
{
    size_t n = engine_output_count(e), compared = 0;
    char buffer[ENGINE_NAME];
    for (size_t i = 0; i < n && v->status == MOTE_OK; i++) {
        const char *name = engine_output_name(e, i, buffer);
        const mote_array *want = named_arrays_find(expected, name);
        if (want == NULL && expected->n == 1 && n == 1)
            want = &expected->items[0].array;
        if (want == NULL) /* recorded for some outputs only */
            continue;
        mote_array got = engine_output(e, i);
        difference d;
        const difference_rule rule = o->rms ? DIFFERENCE_RMS : o->largest ? DIFFERENCE_LARGEST : DIFFERENCE_EACH;
        v->status = array_difference(&got, want, isnan(o->rtol) ? (o->rms ? 0.02 : 1e-3) : o->rtol, isnan(o->atol) ? 1e-7 : o->atol, rule, name, &d,
                                     &v->diag);
        compared++;
        v->max_abs = fmax(v->max_abs, d.max_abs);
        v->rms_ratio = fmax(v->rms_ratio, d.rms_ratio);
    }
    for (size_t k = 0; k < expected->n && v->status == MOTE_OK && n > 1 && compared < expected->n; k++) {
        bool there = false;
        for (size_t i = 0; i < n && !there; i++)
            there = strcmp(engine_output_name(e, i, buffer), expected->items[k].name) == 0;
        if (!there)
            v->status = mote_fail(&v->diag, MOTE_E_ARGUMENT, "the model has no output '%s'", expected->items[k].name);
    }
    if (v->status == MOTE_OK && compared == 0)
        v->status = mote_fail(&v->diag, MOTE_E_ARGUMENT, "nothing is recorded for any output");
}

static verdict check_arrays(engine *e, const named_arrays *inputs, const named_arrays *expected, const check_options *o)
{
    verdict v = {MOTE_OK, MOTE_DIAG_INIT, 0, 0, NULL};
    v.status = engine_feed(e, inputs, &v.diag);
    if (v.status == MOTE_OK)
        v.status = mote_session_run(e->session, NULL, &v.diag);
    if (v.status == MOTE_OK)
        compare_outputs(e, expected, o, &v);
    return v;
}

static verdict check_files(const char *model, const char *in_path, const char *out_path, const check_options *o)
{
    verdict v = {MOTE_OK, MOTE_DIAG_INIT, 0, 0, NULL};
    named_arrays in = {0}, out = {0};
    engine e = {0};
    v.status = engine_open(&e, model, &o->engine, &v.diag);
    if (v.status == MOTE_OK) {
        v.status = inputs_read(in_path, e.model, &in, &v.diag);
        v.of = v.status != MOTE_OK ? in_path : NULL;
    }
    if (v.status == MOTE_OK) {
        v.status = npz_read(out_path, INPUT_LIMIT, &out, &v.diag);
        v.of = v.status != MOTE_OK ? out_path : NULL;
    }
    if (v.status == MOTE_OK)
        v.status = engine_admit(&e, &in, &v.diag);
    if (v.status == MOTE_OK)
        v = check_arrays(&e, &in, &out, o);
    engine_close(&e);
    named_arrays_free(&in);
    named_arrays_free(&out);
    return v;
}

static verdict check_set(const char *model, const char *folder, const check_options *o)
{
    verdict v = {MOTE_OK, MOTE_DIAG_INIT, 0, 0, NULL};
    named_arrays in = {0}, out = {0};
    engine e;
    v.status = engine_open(&e, model, &o->engine, &v.diag);
    if (v.status != MOTE_OK)
        return v;
    v.status = testdata_read(e.model, folder, &in, &out, &v.diag);
    if (v.status == MOTE_OK)
        v.status = engine_admit(&e, &in, &v.diag);
    if (v.status == MOTE_OK)
        v = check_arrays(&e, &in, &out, o);
    engine_close(&e);
    named_arrays_free(&in);
    named_arrays_free(&out);
    return v;
}

static json_t *verdict_json(const char *name, const verdict *v)
{
    json_t *j = json_pack("{s:s, s:b, s:s, s:s, s:s, s:s}", "case", name, "passed", v->status == MOTE_OK, "status", mote_status_string(v->status), "op",
                          v->diag.op, "node", v->diag.node, "message", v->diag.message);
    if (j == NULL)
        j = json_pack("{s:s, s:b}", "case", name, "passed", v->status == MOTE_OK);
    json_object_set_new(j, "max_abs", json_double(v->max_abs));
    json_object_set_new(j, "rms_ratio", json_double(v->rms_ratio));
    return j;
}

static void verdict_text(const char *name, const verdict *v, bool verbose)
{
    if (v->status == MOTE_OK && verbose)
        printf("ok    %s  (largest difference %.3g, RMS ratio %.3g)\n", name, v->max_abs, v->rms_ratio);
    else if (v->status != MOTE_OK)
        printf("FAIL  %s  %s: %s%s%s%s\n", name, mote_status_string(v->status), v->diag.op, v->diag.op[0] ? " '" : "", v->diag.op[0] ? v->diag.node : "",
               v->diag.op[0] ? "': " : "");
    if (v->status != MOTE_OK && v->diag.message[0] != 0)
        printf("      %s\n", v->diag.message);
}

/* A compiled model's data against their checksum. */
static int check_payload(const char *path, const check_options *o)
{
    mote_diag diag = MOTE_DIAG_INIT;
    engine e;
    mote_status status = engine_load(&e, path, &o->engine, &diag);
    if (status == MOTE_OK)
        status = mote_model_check(e.model, &diag);
    engine_close(&e);
    if (status != MOTE_OK)
        return tool_fail(o->json, path, status, &diag);
    if (o->json)
        return tool_print_json(json_pack("{s:s, s:i, s:i, s:[]}", "schema", "mote.check/1", "passed", 1, "failed", 0, "cases"));
    printf("ok    %s  (header, tables and data are as they were written)\n", path);
    return EXIT_DONE;
}

static int run_check(void *values, int n, char **operand)
{
    check_options *o = values;
    const suite_options so = {o->suite, o->list, o->only, o->ways, o->rtol, o->atol, o->json, o->verbose, &o->engine};
    if (o->suite != NULL)
        return n == 0 ? suite_run(&so) : tool_usage(&(command){.name = "check", .usage = "--suite ROOT"}, "--suite takes no other operand");
    if (n == 1 && file_is_compiled(operand[0]))
        return check_payload(operand[0], o);
    bool sets = n >= 2 && file_is_directory(operand[1]);
    if (n < 2 || (!sets && n != 3))
        return tool_usage(&(command){.name = "check", .usage = "MODEL (IN.npz OUT.npz | TEST_DATA_SET ...) | F.mote | --suite ROOT"},
                          "give a model, and recorded inputs and outputs; or a compiled model alone");
    size_t failed = 0, total = sets ? (size_t)n - 1 : 1;
    json_t *cases = json_array();
    for (size_t i = 0; i < total; i++) {
        verdict v = sets ? check_set(operand[0], operand[1 + i], o) : check_files(operand[0], operand[1], operand[2], o);
        failed += v.status != MOTE_OK;
        if (v.status != MOTE_OK && v.status != MOTE_E_MISMATCH && total == 1) {
            json_decref(cases);
            return tool_fail(o->json, v.of != NULL ? v.of : operand[0], v.status, &v.diag);
        }
        if (o->json)
            json_array_append_new(cases, verdict_json(sets ? operand[1 + i] : operand[0], &v));
        else
            verdict_text(sets ? operand[1 + i] : operand[0], &v, true);
    }
    if (o->json)
        (void)tool_print_json(json_pack("{s:s, s:i, s:i, s:o}", "schema", "mote.check/1", "passed", (int)(total - failed), "failed", (int)failed, "cases", cases));
    else
        json_decref(cases);
    return failed == 0 ? EXIT_DONE : EXIT_DIFFERENT;
}

extern const command command_check;
const command command_check = {
    "check", "MODEL (IN.npz OUT.npz | TEST_DATA_SET ...) | F.mote | --suite ROOT [options]", "compare a model's outputs with recorded ones",
    "A compiled model alone: its data against their checksum, which loading does not look at. Types and shapes must be equal; integers, booleans and strings exactly; floating-point values within atol + rtol * |expected|, NaN where NaN is "
    "expected. Recorded outputs are arrays of a .npz named as the model's outputs, or the output_N.pb files of ONNX's test folders.",
    table, sizeof(check_options), run_check};
