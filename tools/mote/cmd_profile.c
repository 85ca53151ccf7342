/* cmd_profile.c - mote profile: what each layer takes at each precision on this machine
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "files.h"
#include "latency.h"
#include "print.h"
#include <stdlib.h>
#include <string.h>

typedef struct profile_options {
    engine_options engine;
    const char *output, *data, *prep, *vocab, *dims, *fix;
    uint64_t runs, max_length;
    bool json, overwrite;
} profile_options;

extern const command command_profile;

static const option_spec table[] = {
    {"output", OPTION_TEXT, offsetof(profile_options, output), "FILE", "the profile to write; -o for short"},
    {"data", OPTION_TEXT, offsetof(profile_options, data), "DIR|F.iob2|F.npz", "where the input comes from, the first sample; without it, seeded random values"},
    {"dims", OPTION_TEXT, offsetof(profile_options, dims), "N=1,L=128", "sizes of named dimensions for random inputs; 1 where nothing says"},
    {"prep", OPTION_TEXT, offsetof(profile_options, prep), "PREP.json", "preprocessing to use instead of the model's own (docs/preprocess.md)"},
    {"vocab", OPTION_TEXT, offsetof(profile_options, vocab), "FILE", "the vocabulary, when it is not where the preprocessing says"},
    {"max-length", OPTION_COUNT, offsetof(profile_options, max_length), "N", "cut sentences to N tokens"},
    {"runs", OPTION_COUNT, offsetof(profile_options, runs), "N", "runs of each precision, of which the least counts; 30 by default"},
    {"fix", OPTION_TEXT, offsetof(profile_options, fix), "LIST", "as quantize has it"},
    {"overwrite", OPTION_FLAG, offsetof(profile_options, overwrite), NULL, "replace FILE when it exists"},
    ENGINE_OPTIONS(profile_options),
    OPTION_JSON(profile_options),
    OPTION_END};

static void print_profile(const latency *l, const trial *t)
{
    printf("%-40s %-10s %10s %10s %10s\n", "layer, and what follows it", "operator", "f32 ms", "f16 ms", "int8 ms");
    for (size_t i = 0; i < l->n; i++) {
        mote_quantized_layer q = MOTE_QUANTIZED_LAYER_INIT;
        (void)mote_quantizer_layer_at(t->q, i, &q);
        const double *ms = &l->ms[i * LATENCY_PRECISIONS];
        printf("%-40.40s %-10s %10.4f %10.4f %10.4f\n", visible_c(q.node), visible_c(q.op), ms[0], ms[1], ms[2]);
    }
    printf("%-51s %10.4f %10.4f %10.4f\n", "(before the first)", l->before[0], l->before[1], l->before[2]);
    printf("%-51s %10.4f %10.4f %10.4f\n", "(a run)", l->total[0], l->total[1], l->total[2]);
    printf("borders, ns an element: to float16 %.3f, back %.3f, quantize %.3f, dequantize %.3f\n", l->border[LATENCY_TO_F16], l->border[LATENCY_TO_F32],
           l->border[LATENCY_QUANTIZE], l->border[LATENCY_DEQUANTIZE]);
}

static int run_profile(void *values, int n, char **operand)
{
    profile_options *o = values;
    if (n != 1)
        return tool_usage(&command_profile, "give one model");
    if (o->runs > 100000)
        return tool_usage(&command_profile, "--runs is at most 100000");
    mote_diag diag = MOTE_DIAG_INIT;
    trial_options to = {.engine = o->engine, .data = o->data, .prep = o->prep, .vocab = o->vocab, .dims = o->dims, .limit = 1, .max_length = (size_t)o->max_length,
                        .quantize = MOTE_QUANTIZE_OPTIONS_INIT};
    to.quantize.fix = o->fix;
    to.quantize.effort = 0;
    const size_t runs = o->runs != 0 ? (size_t)o->runs : 30;
    trial t = {0};
    latency l = {0};
    mote_status status = file_output_allowed(o->output, o->overwrite, &diag);
    if (status == MOTE_OK)
        status = trial_open(&t, operand[0], &to, &diag);
    if (status == MOTE_OK)
        status = latency_measure(&t, runs, &l, &diag);
    int code = EXIT_DONE;
    json_t *j = status == MOTE_OK ? latency_json(&l, &t, runs, o->engine.threads) : NULL;
    char *text = j != NULL ? json_dumps(j, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) : NULL;
    if (status == MOTE_OK && text == NULL)
        status = MOTE_NO_MEMORY(&diag, 1);
    if (status == MOTE_OK && o->output != NULL)
        status = file_write(o->output, text, strlen(text), o->overwrite, &diag);
    free(text);
    if (status != MOTE_OK)
        code = tool_fail(o->json, t.at[0] != 0 ? t.at : operand[0], status, &diag);
    else if (o->json)
        code = tool_print_json(json_incref(j));
    else
        print_profile(&l, &t);
    json_decref(j);
    latency_free(&l);
    trial_close(&t);
    return code;
}

const command command_profile = {
    "profile", "MODEL [-o FILE] [options]", "what each layer takes at each precision on this machine",
    "Runs the model whole in float32, float16 and INT8 (on ranges of the one input: times do not depend on them) with the clock on each operator, and the borders between "
    "precisions. `mote quantize --latency` chooses by such a file, on any machine. docs/mixed-precision.md.",
    table, sizeof(profile_options), run_profile};
