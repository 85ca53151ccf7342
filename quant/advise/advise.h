/* advise.h - which precision suits a model, by what is in it and by the rules of the field
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_QUANT_ADVISE_H
#define MOTE_QUANT_ADVISE_H

#include "graph/graph.h"

enum { MOTE_FACT_OPS = 64, MOTE_ADVICE_MOST = 8 };

typedef struct mote_op_facts {
    mote_str domain, op;
    size_t nodes;
    uint64_t parameters, bytes; /* of the constants that it is the first to read */
} mote_op_facts;

typedef struct mote_facts {
    mote_op_facts ops[MOTE_FACT_OPS]; /* most bytes first; what does not fit is counted in the sums alone */
    size_t n_ops;
    uint64_t parameters, bytes; /* of all constants */
    uint64_t half_bytes;        /* in float16 and bfloat16 */
    uint64_t layer_bytes;       /* float32 weights of Conv, Gemm, MatMul, ConvTranspose */
    uint64_t recurrent_bytes;   /* of LSTM, GRU, RNN */
    uint64_t table_bytes;       /* float32 tables that Gather reads */
    size_t convolutions, dilated, products, recurrent, loops, branches; /* dilated: 1-D with steps; products: Gemm and MatMul with a constant; loops: Loop and Scan */
    size_t inside;              /* layers in bodies of If, Loop and Scan */
    size_t quantized;           /* operators that are quantized */
    bool open_batch, open_lengths; /* dimensions that have no size: the first of an input; others */
    char open[160];             /* of which inputs, for readers: "input_ids [batch, sequence]" */
    mote_str chooser;           /* an input of one integer, which branches may depend on; n 0: none */
} mote_facts;

/* Of a module whose types are inferred; simplified, or as it was read. Strings are the module's. */
void mote_facts_of(const mote_module *m, mote_facts *out);

typedef enum mote_advice_kind {
    MOTE_ADVICE_NOTHING, /* it is quantized already, or there is nothing to quantize */
    MOTE_ADVICE_SIZE,    /* what there is to gain */
    MOTE_ADVICE_FLOAT16, MOTE_ADVICE_STATIC, MOTE_ADVICE_DYNAMIC, MOTE_ADVICE_HYBRID, MOTE_ADVICE_TABLES, MOTE_ADVICE_WEIGHTS
} mote_advice_kind;
extern const char *const mote_advice_names[];

typedef enum mote_verdict { MOTE_VERDICT_YES, MOTE_VERDICT_MAYBE, MOTE_VERDICT_NO } mote_verdict;

typedef struct mote_advice {
    mote_advice_kind kind;
    mote_verdict verdict;
    char why[320];
} mote_advice;

/* What to do with a file of so many bytes on a CPU with these features, in the order to try it. Returns how many. */
size_t mote_advise(const mote_facts *f, uint64_t file_bytes, uint32_t cpu, mote_advice out[MOTE_ADVICE_MOST]);

#endif
