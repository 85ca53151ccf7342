/* cmd_advise.c - mote advise: which precision suits a model, and the commands to try
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "calibration.h"
#include "decoder.h"
#include "files.h"
#include "print.h"
#include "quant/advise/advise.h"
#include "quant/quantizer.h"
#include "session/model.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { USUAL_SAMPLES = 100, LACKS = 6, TEXT = 1200, COMMAND = 8192 };

typedef struct advise_options {
    engine_options engine;
    const char *data, *compare, *prep, *vocab, *fix;
    uint64_t limit, max_length;
    bool json;
} advise_options;

extern const command command_advise;

static const option_spec table[] = {
    {"data", OPTION_TEXT, offsetof(advise_options, data), "DIR|F.iob2|F.npz", "calibration samples, as quantize takes them: they are judged, too"},
    {"compare-data", OPTION_TEXT, offsetof(advise_options, compare), "DIR|F.iob2|F.npz", "samples of production: how far those of --data lie from them"},
    {"limit", OPTION_COUNT, offsetof(advise_options, limit), "N", "the first N samples only"},
    {"fix", OPTION_TEXT, offsetof(advise_options, fix), "LIST", "as quantize has it"},
    {"prep", OPTION_TEXT, offsetof(advise_options, prep), "PREP.json", "preprocessing to use instead of the model's own (docs/preprocess.md)"},
    {"vocab", OPTION_TEXT, offsetof(advise_options, vocab), "FILE", "the vocabulary, when it is not where the preprocessing says"},
    {"max-length", OPTION_COUNT, offsetof(advise_options, max_length), "N", "cut sentences to N tokens"},
    ENGINE_OPTIONS(advise_options),
    OPTION_JSON(advise_options),
    OPTION_END};

typedef struct adviser {
    const advise_options *o;
    const char *model;
    uint64_t bytes;
    mote_facts facts;
    mote_advice advice[MOTE_ADVICE_MOST];
    size_t n;
    mote_quantizer *q;           /* of the samples; NULL: none were judged */
    samples s;
    char lacks[LACKS][160], unjudged[sizeof ((mote_diag *)0)->message];
    size_t n_lacks;
} adviser;

/* ---- commands ---- */

static void quoted(char *out, size_t cap, const char *text)
{
    const bool plain = text[0] != 0 && text[0] != '-' && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+=:@,") == strlen(text);
    size_t n = 0;
    if (plain) {
        snprintf(out, cap, "%s", text);
        return;
    }
    for (const char *p = text; n + 8 < cap; p++) {
        if (p == text)
            out[n++] = '\'';
        if (*p == 0)
            break;
        if (*p == '\'')
            n += (size_t)snprintf(out + n, cap - n, "'\\''");
        else
            out[n++] = *p;
    }
    snprintf(out + n, cap - n, "'");
}

static void option(char *out, size_t cap, const char *name, const char *value)
{
    char text[TEXT - 40];
    out[0] = 0;
    if (value == NULL)
        return;
    quoted(text, sizeof text, value);
    snprintf(out, cap, " --%s %s", name, text);
}

/* mote quantize MODEL -o STEM-what.onnx how [--data D] --eval E --require ... */
static void quantize(const adviser *a, const char *what, const char *how, bool data, char out[COMMAND])
{
    char model[TEXT], target[TEXT], path[TEXT], d[TEXT], fix[TEXT], prep[TEXT], vocab[TEXT], stem[TEXT - 40];
    const char *base = strrchr(a->model, '/');
    snprintf(stem, sizeof stem, "%s", base != NULL ? base + 1 : a->model);
    if (has_suffix(stem, ".onnx"))
        stem[strlen(stem) - 5] = 0;
    snprintf(target, sizeof target, "%s-%s.onnx", stem, what);
    quoted(model, sizeof model, a->model);
    quoted(path, sizeof path, target);
    quoted(d, sizeof d, a->o->data != NULL ? a->o->data : "D");
    option(fix, sizeof fix, "fix", a->o->fix);
    option(prep, sizeof prep, "prep", a->o->prep);
    option(vocab, sizeof vocab, "vocab", a->o->vocab);
    const bool sound = a->facts.recurrent + a->facts.loops + a->facts.dilated != 0;
    snprintf(out, COMMAND, "mote quantize %s -o %s %s%s%s%s%s%s --eval E --require %s", model, path, how, data ? " --data " : "", data ? d : "", prep, vocab, fix, sound ? strcmp(what, "hybrid") == 0 ? "sqnr=30" : "smaller,sqnr=30" : "smaller,same=99");
}

/* The rules of a recipe for the operators of a list that the model has. */
static void recipe(const mote_facts *f, const char *rest, const char *const *ops, const char *precision, char out[COMMAND])
{
    size_t n = (size_t)snprintf(out, COMMAND, "echo '{\"default\": \"%s\", \"rules\": [", rest);
    bool first = true;
    for (size_t k = 0; ops[k] != NULL; k++)
        for (size_t i = 0; i < f->n_ops; i++)
            if (mote_str_is(f->ops[i].op, ops[k]) && f->ops[i].domain.n == 0) {
                const int put = snprintf(out + n, COMMAND - n, "%s{\"op\": \"%s\", \"precision\": \"%s\"}", first ? "" : ", ", ops[k], precision);
                n += put > 0 ? (size_t)put : 0;
                first = false;
            }
    snprintf(out + n, COMMAND - n, "]}' > recipe.json");
}

/* At most two commands; returns how many. */
static size_t commands_of(const adviser *a, const mote_advice *advice, char out[2][COMMAND])
{
    static const char *const states[] = {"LSTM", "GRU", "RNN", NULL}, *const tables[] = {"Gather", NULL};
    const mote_facts *f = &a->facts;
    switch (advice->kind) {
    case MOTE_ADVICE_FLOAT16: return quantize(a, "fp16", "--fp16", false, out[0]), 1;
    case MOTE_ADVICE_STATIC:
        if (advice->verdict == MOTE_VERDICT_NO)
            return 0;
        return quantize(a, "int8", "--int8 static", true, out[0]), 1;
    case MOTE_ADVICE_DYNAMIC: return quantize(a, "dynamic", "--int8 dynamic", false, out[0]), 1;
    case MOTE_ADVICE_WEIGHTS: return quantize(a, "weights", "--weights-only int8", false, out[0]), 1;
    case MOTE_ADVICE_HYBRID:
        if (f->recurrent == 0 || f->convolutions + f->products == 0) {
            quantize(a, "hybrid", f->recurrent == 0 ? "--int8-share 50" : "--fp16", f->recurrent == 0, out[0]);
            return 1;
        }
        recipe(f, "int8", states, "f16", out[0]);
        return quantize(a, "hybrid", "--recipe recipe.json", true, out[1]), 2;
    case MOTE_ADVICE_TABLES:
        recipe(f, f->open_lengths ? "int8-dynamic" : "int8", tables, "f16", out[0]);
        return quantize(a, "tables", "--recipe recipe.json", !f->open_lengths, out[1]), 2;
    default: return 0;
    }
}

/* ---- samples ---- */

static void lack(adviser *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void lack(adviser *a, const char *fmt, ...)
{
    va_list list;
    va_start(list, fmt);
    if (a->n_lacks < LACKS)
        vsnprintf(a->lacks[a->n_lacks++], sizeof a->lacks[0], fmt, list);
    va_end(list);
}

static void judge(adviser *a)
{
    mote_calibration c = MOTE_CALIBRATION_INIT;
    if (mote_quantizer_calibration(a->q, &c) != MOTE_OK)
        return;
    if (c.samples < USUAL_SAMPLES)
        lack(a, "%llu samples: %d to 500 are usual", (unsigned long long)c.samples, USUAL_SAMPLES);
    if ((double)c.grown > 0.1 * (double)c.ranges)
        lack(a, "%zu of %zu ranges still grew in the last quarter: more samples", c.grown, c.ranges);
    if (c.copies != 0)
        lack(a, "%llu copies, which add nothing", (unsigned long long)c.copies);
    if (c.constant != 0)
        lack(a, "%llu constant samples", (unsigned long long)c.constant);
    if (c.outliers != 0)
        lack(a, "%llu samples that alone set ranges: are they what will come?", (unsigned long long)c.outliers);
}

static mote_status see_samples(adviser *a, mote_diag *diag)
{
    const advise_options *o = a->o;
    mote_quantize_options qo = MOTE_QUANTIZE_OPTIONS_INIT;
    const calibration_options co = {.engine = &o->engine, .model = a->model, .data = o->data, .compare = o->compare, .prep = o->prep, .vocab = o->vocab,
                                    .compare_limit = o->limit != 0 ? (size_t)o->limit : SIZE_MAX, .max_length = (size_t)o->max_length};
    a->s = (samples){.data = o->data, .limit = co.compare_limit};
    qo.custom_ops = tool_operators();
    qo.effort = 0;
    qo.judge = true;
    qo.fix = o->fix;
    mote_status status = mote_quantizer_create(a->model, &qo, &a->q, diag);
    if (status == MOTE_E_UNSUPPORTED) { /* no layer that integers reach: the advice says so */
        snprintf(a->unjudged, sizeof a->unjudged, "%s", diag->message);
        return MOTE_OK;
    }
    if (status == MOTE_OK)
        status = calibration_run(&co, a->q, &a->s, NULL, diag);
    if (status == MOTE_OK)
        judge(a);
    return status;
}

/* ---- the advice ---- */

/* With --fix, of the model that is left when branches are folded. */
static mote_status read_facts(adviser *a, mote_diag *diag)
{
    struct stat st;
    a->bytes = stat(a->model, &st) == 0 ? (uint64_t)st.st_size : 0;
    mote_quantizer *fixed = NULL;
    engine e = {.model = NULL};
    engine_options eo = a->o->engine;
    mote_status status;
    if (a->o->fix != NULL) {
        mote_quantize_options qo = MOTE_QUANTIZE_OPTIONS_INIT;
        qo.mode = MOTE_QUANT_MIXED;
        qo.recipe = "{\"default\": \"f32\"}";
        qo.variants = true;
        qo.fix = a->o->fix;
        qo.custom_ops = tool_operators();
        status = mote_quantizer_create(a->model, &qo, &fixed, diag);
    } else {
        eo.stop_after = "simplify";
        status = engine_load(&e, a->model, &eo, diag);
        if (status == MOTE_OK && e.model->compiled)
            status = mote_fail(diag, MOTE_E_UNSUPPORTED, "a compiled model: give the .onnx that it was made from");
    }
    if (status == MOTE_OK) {
        mote_facts_of(fixed != NULL ? fixed->module : e.model->module, &a->facts);
        a->n = mote_advise(&a->facts, a->bytes, mote_cpu_available(), a->advice);
        for (size_t i = 0; i < a->facts.n_ops; i++) { /* the module goes */
            a->facts.ops[i].op = mote_str_c(strdup(visible(a->facts.ops[i].op)));
            a->facts.ops[i].domain = mote_str_c(strdup(visible(a->facts.ops[i].domain)));
            if (a->facts.ops[i].op.p == NULL || a->facts.ops[i].domain.p == NULL)
                status = MOTE_NO_MEMORY(diag, sizeof a->facts);
        }
    }
    engine_close(&e);
    mote_quantizer_destroy(&fixed);
    return status;
}

static void free_adviser(adviser *a)
{
    for (size_t i = 0; i < a->facts.n_ops; i++) {
        free((void *)(uintptr_t)a->facts.ops[i].op.p);
        free((void *)(uintptr_t)a->facts.ops[i].domain.p);
    }
    mote_quantizer_destroy(&a->q);
}

static const char *features(char out[256])
{
    size_t n = 0;
    out[0] = 0;
    for (int i = 0; i < 31; i++)
        if ((mote_cpu_available() & 1u << i) != 0 && mote_cpu_name(1u << i) != NULL && n < 240)
            n += (size_t)snprintf(out + n, 256 - n, "%s%s", n != 0 ? " " : "", mote_cpu_name(1u << i));
    return out;
}

static void print_advice(const adviser *a)
{
    static const char *const verdicts[] = {"yes", "maybe", "no"};
    const mote_facts *f = &a->facts;
    char text[256], commands[2][COMMAND];
    printf("%s: %.2f MB, %llu parameters, by operator:\n", a->model, (double)a->bytes / 1e6, (unsigned long long)f->parameters);
    for (size_t i = 0; i < f->n_ops && f->ops[i].bytes * 100 >= f->bytes && f->ops[i].bytes != 0; i++)
        printf("  %5.1f %%  %9.3f MB  %zu %s\n", 100 * (double)f->ops[i].bytes / (double)f->bytes, (double)f->ops[i].bytes / 1e6, f->ops[i].nodes, f->ops[i].op.p);
    printf("inputs    %s%s\nmachine   %s\n", f->open[0] != 0 ? "open: " : "of fixed shapes", f->open[0] != 0 ? visible_c(f->open) : "", features(text));
    for (size_t i = 0; i < a->n; i++) {
        printf("%-13s %-5s %s\n", mote_advice_names[a->advice[i].kind], verdicts[a->advice[i].verdict], visible_c(a->advice[i].why));
        for (size_t k = 0, n = commands_of(a, &a->advice[i], commands); k < n; k++) {
            printf("    ");
            print_visible(commands[k], strlen(commands[k]));
            printf("\n");
        }
    }
    if (a->unjudged[0] != 0)
        printf("the samples are not judged: %s\n", visible_c(a->unjudged));
    if (a->q == NULL)
        return;
    const calibration_options co = {.compare = a->o->compare};
    calibration_print(a->q, &co);
    for (size_t i = 0; i < a->n_lacks; i++)
        printf("  lacking: %s\n", a->lacks[i]);
}

static json_t *advice_json(const adviser *a)
{
    static const char *const verdicts[] = {"yes", "maybe", "no"};
    const mote_facts *f = &a->facts;
    char text[256], commands[2][COMMAND];
    json_t *ops = json_array(), *list = json_array();
    for (size_t i = 0; i < f->n_ops; i++)
        json_array_append_new(ops, json_pack("{s:s, s:s, s:I, s:I, s:I}", "domain", f->ops[i].domain.p, "op", f->ops[i].op.p, "nodes", (json_int_t)f->ops[i].nodes, "parameters",
                                             (json_int_t)f->ops[i].parameters, "bytes", (json_int_t)f->ops[i].bytes));
    for (size_t i = 0; i < a->n; i++) {
        json_t *run = json_array();
        for (size_t k = 0, n = commands_of(a, &a->advice[i], commands); k < n; k++)
            json_array_append_new(run, json_string(commands[k]));
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o}", "kind", mote_advice_names[a->advice[i].kind], "verdict", verdicts[a->advice[i].verdict], "why", visible_c(a->advice[i].why),
                                              "commands", run));
    }
    json_t *j = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:b, s:b, s:s, s:s, s:o, s:o}", "schema", "mote.advise/1", "model", a->model, "bytes", (json_int_t)a->bytes, "parameters",
                          (json_int_t)f->parameters, "parameter_bytes", (json_int_t)f->bytes, "table_bytes", (json_int_t)f->table_bytes, "open_batch", f->open_batch, "open_lengths",
                          f->open_lengths, "open", visible_c(f->open), "machine", features(text), "operators", ops, "advice", list);
    if (j == NULL || (a->q == NULL && a->unjudged[0] == 0))
        return j;
    json_t *lacks = json_array(), *calibration = a->q != NULL ? calibration_json(a->q) : NULL;
    for (size_t i = 0; i < a->n_lacks; i++)
        json_array_append_new(lacks, json_string(a->lacks[i]));
    json_object_set_new(j, "calibration", calibration != NULL ? calibration : json_null());
    json_object_set_new(j, "lacking", lacks);
    return j;
}

static int run_advise(void *values, int n, char **operand)
{
    advise_options *o = values;
    if (n != 1)
        return tool_usage(&command_advise, "give one model");
    if (o->compare != NULL && o->data == NULL)
        return tool_usage(&command_advise, "--compare-data needs --data to compare with");
    mote_diag diag = MOTE_DIAG_INIT;
    adviser a = {.o = o, .model = operand[0]};
    mote_status status = read_facts(&a, &diag);
    if (status == MOTE_OK && o->data != NULL && a.n != 0 && a.advice[0].kind != MOTE_ADVICE_NOTHING)
        status = see_samples(&a, &diag);
    int code = EXIT_DONE;
    if (status != MOTE_OK)
        code = tool_fail(o->json, a.s.at[0] != 0 ? a.s.at : operand[0], status, &diag);
    else if (o->json)
        code = tool_print_json(advice_json(&a));
    else
        print_advice(&a);
    free_adviser(&a);
    return code;
}

const command command_advise = {
    "advise", "MODEL [--data D] [options]", "which precision suits a model, and the commands to try",
    "Looks at size, operators, shapes and this machine, and says what the field's rules make of them: float16 first; INT8 static where latency counts and shapes are fixed, dynamic where lengths "
    "vary; a hybrid for recurrent and high-gain sound. With --data the calibration samples are judged, too. docs/quantize.md.",
    table, sizeof(advise_options), run_advise};
