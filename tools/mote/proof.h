/* proof.h - a quantized model beside its original on data that it was not made from, before it is written
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_PROOF_H
#define MOTE_TOOL_PROOF_H

#include "eval.h"
#include "require.h"
#include <mote/mote_quant.h>

enum { PROOF_REASONS = 8 };

typedef struct proof_options {
    const engine_options *engine;
    const char *model, *data, *prep, *vocab; /* paths; data: labelled as eval takes it, or samples as quantize takes them */
    size_t limit, max_length;
    bool trust;
    require require;
} proof_options;

typedef struct proof_side {
    size_t bytes;              /* of the file */
    size_t weights, tensors;   /* bytes in memory: weights and graph, a plan's tensors */
    double ms;                 /* median, one thread */
    double score;              /* labelled: percent */
} proof_side;

typedef struct proof_layer {
    char *node, *op;
    double ratio;              /* noise to signal at what it gives, of all noise up to there */
} proof_layer;

typedef struct proof {
    proof_side side[2];        /* original, result */
    pair pair;
    char *names[PAIR_OUTPUTS]; /* of outputs */
    proof_layer *layers;       /* the worst first */
    size_t n_layers;
    const char *metric;        /* "top1", "f1", "mAP"; NULL: no labels */
    bool answers;              /* pair.answers and same are known */
    size_t runs;               /* that ms is the median of */
    char reasons[PROOF_REASONS][160]; /* why it is refused */
    size_t n_reasons;
    char at[4096];             /* the file at fault, "": the model */
} proof;

/* Looks at the data with the original alone, on one sample: to be asked before the work. */
mote_status proof_check(proof *p, const proof_options *o, mote_diag *diag);
/* The quantizer's result (its rounds are done) and the original on every sample. */
mote_status proof_run(proof *p, const proof_options *o, mote_quantizer *q, mote_diag *diag);
void proof_print(const proof *p, const proof_options *o);
json_t *proof_json(const proof *p);
void proof_free(proof *p);

#endif
