/* cmd_sensitivity.c - mote sensitivity: what each layer costs in accuracy at each precision
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "files.h"
#include "print.h"
#include "ranking.h"
#include "score.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct sensitivity_options {
    engine_options engine;
    const char *data, *eval, *prep, *vocab, *fix, *svg, *precisions, *effort;
    uint64_t limit, max_length, eval_limit, finalists;
    bool json, overwrite, one_out, whole;
} sensitivity_options;

extern const command command_sensitivity;

static const option_spec table[] = {
    {"data", OPTION_TEXT, offsetof(sensitivity_options, data), "DIR|F.iob2|F.npz", "samples, as quantize takes them"},
    {"limit", OPTION_COUNT, offsetof(sensitivity_options, limit), "N", "the first N samples; 64 by default"},
    {"precisions", OPTION_TEXT, offsetof(sensitivity_options, precisions), "LIST", "of f16, int8, int8-dynamic, weights-int8, weights-int4, weights-f16; \"int8,f16\" by default"},
    {"one-out", OPTION_FLAG, offsetof(sensitivity_options, one_out), NULL, "also all layers but one"},
    {"whole", OPTION_FLAG, offsetof(sensitivity_options, whole), NULL, "run the whole model for each layer, not only what comes after it: slower"},
    {"eval", OPTION_TEXT, offsetof(sensitivity_options, eval), "DIR|F.iob2|F.npz", "labelled data, as eval takes them, to score the finalists on"},
    {"eval-limit", OPTION_COUNT, offsetof(sensitivity_options, eval_limit), "N", "the first N of these only"},
    {"finalists", OPTION_COUNT, offsetof(sensitivity_options, finalists), "N", "the N layers of each precision that diverge most, scored with --eval; 5 by default"},
    {"prep", OPTION_TEXT, offsetof(sensitivity_options, prep), "PREP.json", "preprocessing to use instead of the model's own (docs/preprocess.md)"},
    {"vocab", OPTION_TEXT, offsetof(sensitivity_options, vocab), "FILE", "the vocabulary, when it is not where the preprocessing says"},
    {"max-length", OPTION_COUNT, offsetof(sensitivity_options, max_length), "N", "cut sentences to N tokens"},
    {"effort", OPTION_TEXT, offsetof(sensitivity_options, effort), "0|1|2", "as quantize has it; 1 by default"},
    {"svg", OPTION_TEXT, offsetof(sensitivity_options, svg), "FILE", "write a picture: a bar a layer and precision"},
    {"fix", OPTION_TEXT, offsetof(sensitivity_options, fix), "LIST", "as quantize has it"},
    {"overwrite", OPTION_FLAG, offsetof(sensitivity_options, overwrite), NULL, "replace FILE when it exists"},
    ENGINE_OPTIONS(sensitivity_options),
    OPTION_JSON(sensitivity_options),
    OPTION_END};

static json_t *describe_result(const ranking_entry *r)
{
    json_t *j = json_pack("{s:o, s:f, s:f, s:I}", "sqnr_db", json_double(mote_divergence_sqnr_db(&r->result.all)), "cosine", mote_divergence_cosine(&r->result.all), "kl",
                          mote_divergence_kl(&r->result.all), "bytes", (json_int_t)r->result.bytes);
    json_object_set_new(j, "ratio", json_double(r->result.ratio));
    if (r->result.all.broken)
        json_object_set_new(j, "broken", json_true());
    if (r->scored)
        json_object_set_new(j, "score", json_real(r->score));
    return j;
}

static json_t *describe(const ranking *k, const char *model, const char *metric, double original)
{
    json_t *layers = json_array(), *precisions = json_array(), *all = json_object(), *order = json_array();
    for (size_t p = 0; p < k->n_precisions; p++) {
        json_array_append_new(precisions, json_string(k->precisions[p]));
        json_object_set_new(all, k->precisions[p], describe_result(&k->all[p]));
    }
    for (size_t i = 0; i < k->n_layers; i++) {
        json_t *in = json_object(), *out = json_object(), *l = json_pack("{s:s, s:s, s:I, s:f}", "node", visible_c(k->layers[i].node), "op", k->layers[i].op, "weights",
                                                                         (json_int_t)k->layers[i].weights, "multiplications", k->layers[i].products);
        for (size_t p = 0; p < k->n_precisions; p++) {
            if (k->in[i * k->n_precisions + p].done)
                json_object_set_new(in, k->precisions[p], describe_result(&k->in[i * k->n_precisions + p]));
            if (k->out[i * k->n_precisions + p].done)
                json_object_set_new(out, k->precisions[p], describe_result(&k->out[i * k->n_precisions + p]));
        }
        json_object_set_new(l, "one_in", in);
        json_object_set_new(l, "one_out", out);
        json_array_append_new(layers, l);
        json_array_append_new(order, json_integer((json_int_t)k->order[i]));
    }
    json_t *j = json_pack("{s:s, s:s, s:I, s:o, s:o, s:o, s:o}", "schema", "mote.sensitivity/1", "model", model, "samples", (json_int_t)k->samples, "precisions", precisions, "all",
                          all, "layers", layers, "order", order);
    if (j != NULL && metric != NULL) {
        json_object_set_new(j, "metric", json_string(metric));
        json_object_set_new(j, "score", json_real(original));
    }
    return j;
}

static void print_entry(const ranking_entry *e)
{
    if (!e->done)
        printf(" %9s %9s", "", "");
    else
        printf(" %9.1f %9.2g", mote_divergence_sqnr_db(&e->result.all), mote_divergence_kl(&e->result.all));
    if (e->scored)
        printf(" (%.2f)", e->score);
}

static void print_table(const ranking *k, const char *metric, double original)
{
    printf("%zu samples; SQNR in dB and KL divergence of the outputs, one layer at a time, worst first%s\n%-36s %-10s", k->samples, metric != NULL ? "; the score in brackets" : "",
           "layer", "operator");
    for (size_t p = 0; p < k->n_precisions; p++)
        printf(" %19s", k->precisions[p]);
    for (size_t p = 0; p < k->n_precisions && k->one_out; p++)
        printf(" %12s but it", k->precisions[p]);
    printf("\n%-36s %-10s", "(all layers)", "");
    for (size_t p = 0; p < k->n_precisions; p++)
        print_entry(&k->all[p]);
    printf("\n");
    for (size_t i = 0; i < k->n_layers; i++) {
        const size_t l = k->order[i];
        printf("%-36.36s %-10s", visible_c(k->layers[l].node), k->layers[l].op);
        for (size_t p = 0; p < k->n_precisions; p++)
            print_entry(&k->in[l * k->n_precisions + p]);
        for (size_t p = 0; p < k->n_precisions && k->one_out; p++)
            print_entry(&k->out[l * k->n_precisions + p]);
        printf("\n");
    }
    if (metric != NULL)
        printf("%s of the original: %.2f\n", metric, original);
}

/* The finalists by the task's metric: of each precision the layers that diverge most. */
static mote_status score_finalists(trial *t, ranking *k, scorer *s, size_t finalists, mote_diag *diag)
{
    MOTE_TRY(scorer_original(s, diag));
    for (size_t p = 0; p < k->n_precisions; p++) {
        MOTE_TRY(ranking_score(t, k, s, k->precisions[p], NULL, NULL, &k->all[p], diag));
        ranking_sort(k, p);
        for (size_t i = 0; i < k->n_layers && i < finalists; i++) {
            ranking_entry *e = &k->in[k->order[i] * k->n_precisions + p];
            if (e->done && e->result.ratio > 0)
                MOTE_TRY(ranking_score(t, k, s, "f32", k->layers[k->order[i]].node, k->precisions[p], e, diag));
        }
    }
    ranking_sort(k, SIZE_MAX);
    return MOTE_OK;
}

static int run_sensitivity(void *values, int n, char **operand)
{
    sensitivity_options *o = values;
    if (n != 1 || o->data == NULL)
        return tool_usage(&command_sensitivity, "give one model, and --data");
    if (o->effort != NULL && (strlen(o->effort) != 1 || strchr("012", o->effort[0]) == NULL))
        return tool_usage(&command_sensitivity, "--effort is 0, 1 or 2");
    mote_diag diag = MOTE_DIAG_INIT;
    trial_options to = {.engine = o->engine, .data = o->data, .prep = o->prep, .vocab = o->vocab, .limit = o->limit != 0 ? (size_t)o->limit : TRIAL_SAMPLES,
                        .max_length = (size_t)o->max_length, .quantize = MOTE_QUANTIZE_OPTIONS_INIT};
    to.quantize.fix = o->fix;
    to.quantize.effort = o->effort != NULL ? (unsigned)(o->effort[0] - '0') : 1;
    trial t = {0};
    ranking k = {.whole = o->whole};
    scorer s = {.engine = &o->engine, .model = operand[0], .data = o->eval, .prep = o->prep, .vocab = o->vocab, .max_length = (size_t)o->max_length,
                .limit = o->eval_limit != 0 ? (size_t)o->eval_limit : SIZE_MAX};
    mote_status status = file_output_allowed(o->svg, o->overwrite, &diag);
    if (status == MOTE_OK)
        status = ranking_precisions(&k, o->precisions != NULL ? o->precisions : "int8,f16", &diag);
    if (status == MOTE_OK)
        status = trial_open(&t, operand[0], &to, &diag);
    if (status == MOTE_OK)
        status = ranking_measure(&t, &k, o->one_out, &diag);
    if (status == MOTE_OK && o->eval != NULL)
        status = score_finalists(&t, &k, &s, o->finalists != 0 ? (size_t)o->finalists : 5, &diag);
    if (status == MOTE_OK && o->svg != NULL)
        status = ranking_svg(&k, operand[0], o->svg, o->overwrite, &diag);
    int code = EXIT_DONE;
    const char *metric = o->eval != NULL ? s.metric : NULL;
    if (status != MOTE_OK)
        code = tool_fail(o->json, s.at[0] != 0 ? s.at : t.at[0] != 0 ? t.at : operand[0], status, &diag);
    else if (o->json)
        code = tool_print_json(describe(&k, operand[0], metric, s.original));
    else
        print_table(&k, metric, s.original);
    ranking_free(&k);
    trial_close(&t);
    return code;
}

const command command_sensitivity = {
    "sensitivity", "MODEL --data D [--eval E] [options]", "what each layer costs in accuracy at each precision",
    "Quantizes one layer at a time (one-in), with --one-out all layers but one, and compares the outputs with the original's on the samples: SQNR, KL divergence of the softmax of "
    "each row, cosine. Layers are listed with the most sensitive first. docs/mixed-precision.md.",
    table, sizeof(sensitivity_options), run_sensitivity};
