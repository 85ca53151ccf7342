/* trial.h - recipes tried on a model: samples and the original's answers are kept, one calibration serves all
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_TRIAL_H
#define MOTE_TOOL_TRIAL_H

#include "feed.h"
#include "quant/sensitivity/cut.h"
#include "quant/sensitivity/divergence.h"
#include <mote/mote_quant.h>

enum { TRIAL_SAMPLES = 64, TRIAL_OUTPUTS = 32 };

typedef struct trial_options {
    engine_options engine;
    const char *data, *prep, *vocab, *dims;
    size_t limit, max_length;      /* samples; tokens, 0: as described */
    mote_quantize_options quantize; /* mode, recipe and variants are the trial's */
} trial_options;

typedef struct trial_sample {
    named_arrays in;
    mote_array out[TRIAL_OUTPUTS]; /* of the original; data NULL: not float */
    named_arrays kept;             /* values of the float model that cuts take, by their inputs' names */
} trial_sample;

typedef struct trial {
    const trial_options *o;
    const char *model;
    mote_quantizer *q;
    trial_sample *samples;
    size_t n, cap, bytes;          /* samples; bytes that they hold */
    size_t n_out;                  /* outputs of the model, at most TRIAL_OUTPUTS */
    char at[4096];                 /* the file at fault, "": the model */
    const mote_str *wanted;        /* while values are kept: sorted names, n_wanted of them */
    size_t n_wanted;
    mote_status kept_status;
    feed feed;                     /* of the original, while samples are taken */
} trial;

typedef struct trial_result {
    mote_divergence each[TRIAL_OUTPUTS], all; /* all: ratios of the outputs summed */
    double ratio;                  /* noise to signal, the sum over outputs; infinity: broken */
    size_t bytes;                  /* of the file */
    double ms;                     /* of the fastest run of the first sample; 0: not timed */
} trial_result;

/* Runs the original on the samples of o->data (NULL: one random sample), then the quantizer's rounds with every layer in int8. What is at fault is named in t->at. */
mote_status trial_open(trial *t, const char *model, const trial_options *o, mote_diag *diag);
void trial_close(trial *t);
/* The model under a recipe, on every sample. time: as many further runs are timed. */
mote_status trial_run(trial *t, const char *recipe, size_t time, trial_result *out, mote_diag *diag);
/* Keeps what all of these cuts take, on every sample. *kept false: it would be more than there is room for, and nothing is. */
mote_status trial_keep(trial *t, const mote_cut *cuts, size_t n, bool *kept, mote_diag *diag);
/* trial_run for a recipe that is float32 but in the layer of this cut, whose values are kept: only what comes after is run. */
mote_status trial_run_cut(trial *t, const char *recipe, const mote_cut *cut, trial_result *out, mote_diag *diag);
/* The same for a model that is there, which is destroyed; out->bytes stays 0. */
mote_status trial_model(trial *t, mote_model *m, size_t time, trial_result *out, mote_diag *diag);
/* Opens the model under a recipe and feeds sample 0, for other measurements; the engine is the caller's to close before the next call. */
mote_status trial_engine(trial *t, const char *recipe, const engine_options *o, engine *e, size_t *bytes, mote_diag *diag);

/* A recipe: `rest` for all, but for the layers of `nodes` (their names) each its precision. Allocated by malloc; NULL: no memory. */
char *trial_recipe(const char *rest, const char *const *nodes, const char *const *precisions, size_t n, const char *about);

#endif
