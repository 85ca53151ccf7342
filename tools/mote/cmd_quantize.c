/* cmd_quantize.c - a model in fewer bits
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "budget.h"
#include "calibration.h"
#include "decoder.h"
#include "files.h"
#include "print.h"
#include "proof.h"
#include "samples.h"
#include <math.h>
#include <mote/mote_quant.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { RECIPE_LIMIT = 8 << 20 };

typedef struct quantize_options {
    engine_options engine;
    const char *output, *int8, *weights_only, *data, *prep, *vocab, *activations, *weights, *ranges, *scope, *keep, *recipe, *recipe_out, *profile, *eval, *latency, *fix, *require, *compare;
    uint64_t limit, max_length, block, size, eval_limit;
    double drop, sqnr, share;
    bool fp16, reduce_range, overwrite, json, trust;
    const char *effort_text;
} quantize_options;

extern const command command_quantize;

static const option_spec table[] = {
    {"output", OPTION_TEXT, offsetof(quantize_options, output), "FILE", "the model to write; -o for short"},
    {"fp16", OPTION_FLAG, offsetof(quantize_options, fp16), NULL, "weights and arithmetic in float16; with --data, what would overflow stays in float32"},
    {"int8", OPTION_TEXT, offsetof(quantize_options, int8), "static|dynamic", "8 bits: ranges of activations from --data, or found at run time"},
    {"weights-only", OPTION_TEXT, offsetof(quantize_options, weights_only), "int8|int4", "weights in blocks of few bits, arithmetic in float"},
    {"recipe", OPTION_TEXT, offsetof(quantize_options, recipe), "R.json", "precision by layer (docs/mixed-precision.md)"},
    {"drop", OPTION_NUMBER, offsetof(quantize_options, drop), "X", "the cheapest recipe that loses at most X points of the score on --eval (--data without it)"},
    {"sqnr", OPTION_NUMBER, offsetof(quantize_options, sqnr), "DB", "the cheapest recipe whose outputs keep this signal to noise ratio on the samples"},
    {"size", OPTION_SIZE, offsetof(quantize_options, size), "SIZE", "the most faithful recipe with a file of at most so many bytes (\"5MB\")"},
    {"int8-share", OPTION_NUMBER, offsetof(quantize_options, share), "PERCENT", "the most faithful recipe with at least so much of the multiplications in int8"},
    {"latency", OPTION_TEXT, offsetof(quantize_options, latency), "MS", "the most faithful recipe that takes at most so long by --profile (\"4ms\")"},
    {"profile", OPTION_TEXT, offsetof(quantize_options, profile), "P.json", "what mote profile wrote; the search keeps milliseconds small instead of bytes"},
    {"eval", OPTION_TEXT, offsetof(quantize_options, eval), "DIR|F.iob2|F.npz", "held-out data: the result is run beside the original on them before it is written; labelled ones (as eval takes them) are scored; for --drop, too"},
    {"eval-limit", OPTION_COUNT, offsetof(quantize_options, eval_limit), "N", "the first N of these only"},
    {"require", OPTION_TEXT, offsetof(quantize_options, require), "LIST", "write only what is, on --eval: " REQUIRE_WORDS "; else exit with 3"},
    {"recipe-out", OPTION_TEXT, offsetof(quantize_options, recipe_out), "FILE", "write the recipe that a search found"},
    {"data", OPTION_TEXT, offsetof(quantize_options, data), "DIR|F.iob2|F.npz", "samples: a folder of pictures, .npz or .wav files, a file of words, a sound, or stacked arrays"},
    {"limit", OPTION_COUNT, offsetof(quantize_options, limit), "N", "the first N samples only"},
    {"compare-data", OPTION_TEXT, offsetof(quantize_options, compare), "DIR|F.iob2|F.npz", "other samples, those of production: how far the calibration's lie from them"},
    {"prep", OPTION_TEXT, offsetof(quantize_options, prep), "PREP.json", "preprocessing to use instead of the model's own (docs/preprocess.md)"},
    {"vocab", OPTION_TEXT, offsetof(quantize_options, vocab), "FILE", "the vocabulary, when it is not where the preprocessing says"},
    {"max-length", OPTION_COUNT, offsetof(quantize_options, max_length), "N", "cut sentences to N tokens"},
    {"weights", OPTION_TEXT, offsetof(quantize_options, weights), "per-channel|per-tensor", "scales of a weight: one for each output channel (default), or one"},
    {"activations", OPTION_TEXT, offsetof(quantize_options, activations), "u8|s8|u16|s16", "type of quantized activations; u8 by default"},
    {"ranges", OPTION_TEXT, offsetof(quantize_options, ranges), "mse|minmax|percentile|entropy", "how ranges come from what was seen; mse by default"},
    {"scope", OPTION_TEXT, offsetof(quantize_options, scope), "auto|products|all", "what becomes integers: products alone (default where there is a layer normalization), or all between them"},
    {"reduce-range", OPTION_FLAG, offsetof(quantize_options, reduce_range), NULL, "weights of 7 bits, for processors whose 8-bit products saturate"},
    {"block", OPTION_COUNT, offsetof(quantize_options, block), "N", "weights that share a scale with --weights-only; 32 by default"},
    {"effort", OPTION_TEXT, offsetof(quantize_options, effort_text), "0|1|2", "0: ranges alone; 1: also equalized channels and corrected biases; 2, the default: also adaptive rounding"},
    {"fix", OPTION_TEXT, offsetof(quantize_options, fix), "LIST", "inputs that always have one value or shape: \"sr=16000;input=[1,576]\"; branches on them go"},
    {"keep", OPTION_TEXT, offsetof(quantize_options, keep), "LIST", "names of nodes that stay in float, by commas; a name may end in '*'"},
    {"overwrite", OPTION_FLAG, offsetof(quantize_options, overwrite), NULL, "replace FILE when it exists"},
    OPTION_TRUST(quantize_options),
    ENGINE_OPTIONS(quantize_options),
    OPTION_JSON(quantize_options),
    OPTION_END};

/* The index of a word in a list that ends with NULL; -1: none. */
static int word_of(const char *text, const char *const *list)
{
    for (int i = 0; list[i] != NULL; i++)
        if (strcmp(text, list[i]) == 0)
            return i;
    return -1;
}

static bool searches(const quantize_options *o) { return !isnan(o->drop) || !isnan(o->sqnr) || !isnan(o->share) || o->size != 0 || o->latency != NULL; }

/* "4", "4ms", "4000us", "0.004s"; NaN: none of these. */
static double milliseconds(const char *text)
{
    char *end;
    const double x = strtod(text, &end);
    return end == text                                      ? (double)NAN
           : *end == 0 || strcmp(end, "ms") == 0            ? x
           : strcmp(end, "us") == 0                         ? x * 1e-3
           : strcmp(end, "s") == 0                          ? x * 1e3
                                                            : (double)NAN;
}

static const char *read_options(const quantize_options *o, mote_quantize_options *q)
{
    static const char *const modes[] = {"static", "dynamic", NULL}, *const bits[] = {"int8", "int4", NULL}, *const weights[] = {"per-channel", "per-tensor", NULL};
    static const char *const activations[] = {"u8", "s8", "u16", "s16", NULL}, *const ranges[] = {"mse", "minmax", "percentile", "entropy", NULL};
    static const char *const scopes[] = {"auto", "products", "all", NULL}, *const efforts[] = {"0", "1", "2", NULL};
    static const mote_dtype types[] = {MOTE_DTYPE_U8, MOTE_DTYPE_S8, MOTE_DTYPE_U16, MOTE_DTYPE_S16};
    int k = 0;
    const bool search = searches(o);
    if (o->fp16 + (o->int8 != NULL) + (o->weights_only != NULL) + (o->recipe != NULL) + search != 1)
        return "give one of --fp16, --int8, --weights-only, --recipe, and budgets (--drop, --sqnr, --size, --latency, --int8-share)";
    if (search && o->data == NULL)
        return "a budget needs --data";
    if (!search && (o->recipe_out != NULL || o->profile != NULL))
        return "--recipe-out and --profile are for budgets";
    if (o->compare != NULL && o->data == NULL)
        return "--compare-data needs --data to compare with";
    if (o->require != NULL && o->eval == NULL)
        return "--require needs --eval: data that the result is judged on";
    if (o->eval_limit != 0 && o->eval == NULL && !search)
        return "--eval-limit is for --eval";
    if (o->latency != NULL && (o->profile == NULL || !(milliseconds(o->latency) > 0)))
        return "--latency is a number of milliseconds (\"4ms\"), and needs --profile";
    if (o->share < 0 || o->share > 100)
        return "--int8-share is from 0 to 100";
    if (o->drop < 0)
        return "--drop is not negative";
    if (o->int8 != NULL && (k = word_of(o->int8, modes)) < 0)
        return "--int8 is static or dynamic";
    q->mode = o->recipe != NULL || search ? MOTE_QUANT_MIXED : o->fp16 ? MOTE_QUANT_FLOAT16 : o->weights_only != NULL ? MOTE_QUANT_WEIGHTS : k == 0 ? MOTE_QUANT_STATIC : MOTE_QUANT_DYNAMIC;
    if (o->weights_only != NULL && (k = word_of(o->weights_only, bits)) < 0)
        return "--weights-only is int8 or int4";
    q->weight_bits = o->weights_only != NULL && k == 1 ? 4 : 8;
    if (o->weights != NULL && (k = word_of(o->weights, weights)) < 0)
        return "--weights is per-channel or per-tensor";
    q->per_tensor = o->weights != NULL && k == 1;
    if (o->activations != NULL && (k = word_of(o->activations, activations)) < 0)
        return "--activations is u8, s8, u16 or s16";
    q->activations = o->activations != NULL ? types[k] : MOTE_DTYPE_U8;
    if (o->ranges != NULL && (k = word_of(o->ranges, ranges)) < 0)
        return "--ranges is mse, minmax, percentile or entropy";
    q->ranges = o->ranges != NULL ? (mote_range_method)k : MOTE_RANGE_MSE;
    if (o->scope != NULL && (k = word_of(o->scope, scopes)) < 0)
        return "--scope is auto, products or all";
    q->scope = o->scope != NULL ? (mote_quant_scope)k : MOTE_SCOPE_AUTO;
    if (o->effort_text != NULL && (k = word_of(o->effort_text, efforts)) < 0)
        return "--effort is 0, 1 or 2";
    q->effort = o->effort_text != NULL ? (unsigned)k : 2;
    if (q->mode == MOTE_QUANT_STATIC && o->data == NULL)
        return "--int8 static needs --data";
    if ((q->mode == MOTE_QUANT_DYNAMIC || q->mode == MOTE_QUANT_WEIGHTS) && o->data != NULL)
        return "--data is for --int8 static and --fp16";
    if (o->block > 65536)
        return "--block is at most 65536";
    q->block = (unsigned)o->block;
    q->reduce_range = o->reduce_range;
    q->samples = o->data != NULL;
    q->keep = o->keep;
    q->fix = o->fix;
    q->inside = o->eval != NULL;
    q->judge = o->data != NULL;
    return NULL;
}

/* The rounds over the samples. */
static mote_status run_rounds(const quantize_options *o, const char *path, mote_quantizer *q, samples *s, mote_diag *diag)
{
    const calibration_options co = {.engine = &o->engine, .model = path, .data = o->data, .compare = o->compare, .prep = o->prep, .vocab = o->vocab,
                                    .compare_limit = o->limit != 0 ? (size_t)o->limit : SIZE_MAX, .max_length = (size_t)o->max_length};
    char *record = NULL;
    mote_status status = calibration_run(&co, q, s, &record, diag);
    if (status == MOTE_OK && record != NULL)
        status = mote_quantizer_set_metadata(q, MOTE_PREP_KEY, record, diag);
    free(record);
    return status;
}

/* ---- budgets ---- */

typedef struct search {
    trial t;
    trial_options to;
    budget b;
    budget_options bo;
    scorer s;
    size_t taken;
    double score;
    trial_result result; /* of what is written */
} search;

/* Quantizes by the recipe, as --recipe does, and looks at what comes out: at the end *q is to be written, or NULL when it does not keep the budget. */
static mote_status try_recipe(const quantize_options *o, const char *path, mote_quantize_options *qo, search *k, samples *s, const char *recipe, mote_quantizer **q,
                              mote_diag *diag)
{
    mote_model *m;
    size_t bytes;
    bool keeps = true;
    k->score = NAN; /* not scored */
    qo->recipe = recipe;
    MOTE_TRY(mote_quantizer_create(path, qo, q, diag));
    MOTE_TRY(run_rounds(o, path, *q, s, diag));
    MOTE_TRY(mote_quantizer_result(*q, NULL, &m, &bytes, diag));
    MOTE_TRY(trial_model(&k->t, m, 0, &k->result, diag));
    k->result.bytes = bytes;
    keeps = (o->size == 0 || bytes <= o->size) && (isnan(o->sqnr) || mote_divergence_sqnr_db(&k->result.all) >= o->sqnr);
    if (keeps && !isnan(o->drop)) {
        MOTE_TRY(mote_quantizer_result(*q, NULL, &m, NULL, diag));
        MOTE_TRY(scorer_run(&k->s, m, &k->score, diag));
        keeps = budget_keeps(&k->bo, k->b.original, k->score);
    }
    if (!keeps)
        mote_quantizer_destroy(q);
    return MOTE_OK;
}

static mote_status run_search(const quantize_options *o, const char *path, mote_quantize_options *qo, search *k, samples *s, mote_quantizer **q, mote_diag *diag)
{
    k->to = (trial_options){.engine = o->engine, .data = o->data, .prep = o->prep, .vocab = o->vocab, .limit = o->limit != 0 ? (size_t)o->limit : SIZE_MAX,
                            .max_length = (size_t)o->max_length, .quantize = *qo};
    k->bo = (budget_options){.drop = o->drop, .sqnr = o->sqnr, .bytes = o->size, .share = o->share, .ms = o->latency != NULL ? milliseconds(o->latency) : (double)NAN, .profile = o->profile,
                             .measured = TRIAL_SAMPLES};
    k->s = (scorer){.engine = &o->engine, .model = path, .data = o->eval != NULL ? o->eval : o->data, .prep = o->prep, .vocab = o->vocab, .max_length = (size_t)o->max_length,
                    .limit = o->eval_limit != 0 ? (size_t)o->eval_limit : SIZE_MAX};
    MOTE_TRY(file_output_allowed(o->recipe_out, o->overwrite, diag));
    mote_status status = trial_open(&k->t, path, &k->to, diag);
    if (status == MOTE_OK)
        status = budget_search(&k->t, &k->bo, &k->s, &k->b, diag);
    snprintf(s->at, sizeof s->at, "%s", k->s.at[0] != 0 ? k->s.at : k->t.at);
    MOTE_TRY(status);
    for (size_t i = 0; i < k->b.n_order; i++) {
        budget_point *p = &k->b.points[k->taken = k->b.order[i]];
        if (p->cost > 0 && strcmp(p->name, "float32") == 0)
            continue; /* nothing to write: it is the model itself */
        MOTE_TRY(try_recipe(o, path, qo, k, s, p->recipe, q, diag));
        if (!isnan(k->score)) { /* of the file, or of what would have been it */
            p->score = k->score;
            p->scored = true;
        }
        if (*q != NULL)
            return MOTE_OK;
    }
    MOTE_FAIL(diag, MOTE_E_LIMIT, "no recipe that was found keeps the budget once it is made; the model itself does");
}

static uint64_t file_bytes(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static json_t *describe(const quantize_options *o, const char *path, const mote_quantizer *q, const samples *s, const proof *p, double ms)
{
    json_t *kept = json_array();
    uint64_t all = 0, done = 0;
    size_t n = 0;
    for (size_t i = 0; i < mote_quantizer_layer_count(q); i++) {
        mote_quantized_layer l = MOTE_QUANTIZED_LAYER_INIT;
        if (mote_quantizer_layer_at(q, i, &l) != MOTE_OK)
            continue;
        all += l.weights;
        n += l.why == NULL;
        if (l.why == NULL)
            done += l.weights;
        else
            json_array_append_new(kept, json_pack("{s:s, s:s, s:s}", "node", l.node, "op", l.op, "why", l.why));
    }
    json_t *j = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:f, s:b}", "schema", "mote.quantize/1", "model", path, "output", o->output, "bytes_before",
                          (json_int_t)file_bytes(path), "bytes", (json_int_t)(p->n_reasons != 0 ? p->side[1].bytes : file_bytes(o->output)), "samples", (json_int_t)s->n, "layers",
                          (json_int_t)n, "weights", (json_int_t)done, "weights_of", (json_int_t)all, "kept", kept, "ms", ms, "written", p->n_reasons == 0);
    json_t *calibration = calibration_json(q);
    if (j != NULL && calibration != NULL)
        json_object_set_new(j, "calibration", calibration);
    if (j != NULL && o->eval != NULL)
        json_object_set_new(j, "proof", proof_json(p));
    return j;
}

static void describe_search(json_t *report, const search *k)
{
    json_t *j = budget_json(&k->b, k->taken);
    json_object_set_new(j, "sqnr_db", json_double(mote_divergence_sqnr_db(&k->result.all)));
    if (k->s.metric != NULL) {
        json_object_set_new(j, "metric", json_string(k->s.metric));
        json_object_set_new(j, "score", json_real(k->score));
        json_object_set_new(j, "original", json_real(k->b.original));
    }
    json_object_set_new(report, "search", j);
}

static void print_report(const json_t *r)
{
    const json_t *found = json_object_get(r, "search");
    const double before = (double)json_integer_value(json_object_get(r, "bytes_before")), after = (double)json_integer_value(json_object_get(r, "bytes"));
    const json_t *kept = json_object_get(r, "kept");
    size_t i;
    json_t *k;
    printf("%s: %.2f MB -> %.2f MB (%.2f), %lld layers, %lld samples, %.1f s\n", json_string_value(json_object_get(r, "output")), before / 1e6, after / 1e6,
           before > 0 ? after / before : 0, (long long)json_integer_value(json_object_get(r, "layers")), (long long)json_integer_value(json_object_get(r, "samples")),
           json_real_value(json_object_get(r, "ms")) / 1e3);
    if (found != NULL)
        printf("  outputs keep %.1f dB", json_number_value(json_object_get(found, "sqnr_db")));
    if (json_object_get(found, "metric") != NULL)
        printf(", %s %.2f of %.2f", json_string_value(json_object_get(found, "metric")), json_number_value(json_object_get(found, "score")),
               json_number_value(json_object_get(found, "original")));
    printf("%s", found != NULL ? "\n" : "");
    json_array_foreach(kept, i, k) {
        if (found != NULL && strcmp(json_string_value(json_object_get(k, "why")), "asked for") == 0)
            continue;
        printf("  %s '%s' stays in float: %s\n", json_string_value(json_object_get(k, "op")), json_string_value(json_object_get(k, "node")),
               json_string_value(json_object_get(k, "why")));
    }
    if (after >= before && json_object_get(r, "proof") == NULL)
        printf("  not smaller\n");
}

static int run_quantize(void *values, int n, char **operand)
{
    quantize_options *o = values;
    mote_quantize_options qo = MOTE_QUANTIZE_OPTIONS_INIT;
    qo.custom_ops = tool_operators();
    if (n != 1 || o->output == NULL)
        return tool_usage(&command_quantize, "give one model, and --output");
    const char *wrong = read_options(o, &qo);
    proof p = {.metric = NULL};
    proof_options po = {.engine = &o->engine, .model = operand[0], .data = o->eval, .prep = o->prep, .vocab = o->vocab, .max_length = (size_t)o->max_length,
                        .limit = o->eval_limit != 0 ? (size_t)o->eval_limit : SIZE_MAX, .trust = o->trust};
    if (wrong == NULL)
        wrong = require_read(o->require, &po.require);
    if (wrong != NULL)
        return tool_usage(&command_quantize, wrong);
    mote_diag diag = MOTE_DIAG_INIT;
    mote_quantizer *q = NULL;
    samples s = {.data = o->data, .limit = o->limit != 0 ? (size_t)o->limit : SIZE_MAX};
    const double start = clock_ms();
    void *recipe = NULL;
    size_t recipe_bytes = 0;
    mote_status status = file_output_allowed(o->output, o->overwrite, &diag);
    if (status == MOTE_OK && o->recipe != NULL) {
        snprintf(s.at, sizeof s.at, "%s", o->recipe);
        status = file_read(o->recipe, RECIPE_LIMIT, &recipe, &recipe_bytes, &diag);
        if (status == MOTE_OK && memchr(recipe, 0, recipe_bytes) != NULL)
            status = mote_fail(&diag, MOTE_E_FORMAT, "a recipe with a byte 0 in it");
        qo.recipe = recipe;
    }
    search k = {.taken = SIZE_MAX};
    if (status == MOTE_OK && o->eval != NULL)
        status = proof_check(&p, &po, &diag);
    if (status == MOTE_OK && searches(o))
        status = run_search(o, operand[0], &qo, &k, &s, &q, &diag);
    if (status == MOTE_OK && q == NULL)
        status = mote_quantizer_create(operand[0], &qo, &q, &diag);
    if (status == MOTE_OK)
        s.at[0] = 0;
    if (status == MOTE_OK && !searches(o))
        status = run_rounds(o, operand[0], q, &s, &diag);
    if (status == MOTE_OK && o->eval != NULL)
        status = proof_run(&p, &po, q, &diag);
    if (status == MOTE_OK && p.n_reasons == 0 && searches(o) && o->recipe_out != NULL)
        status = file_write(o->recipe_out, k.b.points[k.taken].recipe, strlen(k.b.points[k.taken].recipe), o->overwrite, &diag);
    if (status == MOTE_OK && p.n_reasons == 0)
        status = mote_quantizer_write(q, o->output, o->overwrite, &diag);
    int code = EXIT_DONE;
    if (status != MOTE_OK) {
        code = tool_fail(o->json, p.at[0] != 0 ? p.at : s.at[0] != 0 ? s.at : operand[0], status, &diag);
    } else {
        json_t *report = describe(o, operand[0], q, &s, &p, clock_ms() - start);
        if (searches(o))
            describe_search(report, &k);
        if (searches(o) && !o->json)
            budget_print(&k.b, k.taken);
        if (o->json) {
            code = tool_print_json(report);
        } else {
            print_report(report);
            json_decref(report);
            const calibration_options co = {.compare = o->compare};
            calibration_print(q, &co);
            if (o->eval != NULL)
                proof_print(&p, &po);
        }
        for (size_t i = 0; i < p.n_reasons; i++)
            fprintf(stderr, "mote: %s: not written: %s\n", o->output, p.reasons[i]);
        code = code == EXIT_DONE && p.n_reasons != 0 ? EXIT_DIFFERENT : code;
    }
    proof_free(&p);
    mote_quantizer_destroy(&q);
    budget_free(&k.b);
    trial_close(&k.t);
    free(recipe);
    return code;
}

const command command_quantize = {
    "quantize", "MODEL -o FILE --int8 static|dynamic | --weights-only BITS | --fp16 | --recipe R.json | --drop X", "a model in fewer bits",
    "Writes standard ONNX. Static: QuantizeLinear and DequantizeLinear with ranges from samples, which go through the model's preprocessing. Dynamic: DynamicQuantizeLinear, "
    "MatMulInteger and ConvInteger. Weights only: DequantizeLinear with blocks (operator set 21). docs/quantize.md says what is done and why.",
    table, sizeof(quantize_options), run_quantize};
