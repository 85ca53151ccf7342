/* model.h - a loaded model: immutable after load, shared by sessions
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_SESSION_MODEL_H
#define MOTE_SESSION_MODEL_H

#include "graph/graph.h"
#include "provider/cpu/packs.h"
#include "onnx/read.h"
#include "provider/provider.h"
#include <pthread.h>
#include <stdatomic.h>

struct mote_onnx_files;

struct mote_model {
    mote_heap heap;
    _Atomic unsigned references;       /* the handle and each session */
    mote_module *module;
    struct mote_onnx_files *files;     /* mappings that constants point into; NULL when the caller owns the bytes */
    mote_packs *packs;
    uint32_t cpu;                      /* features that kernels may use */
    bool reference;
    bool bf16;                         /* MOTE_ARITHMETIC_BF16 */
    mote_custom_ops *custom;           /* operators of the application's; NULL: none */
    mote_groups groups;                /* nodes that other providers run */
    mote_log log;
    size_t mapped_bytes;
    bool compiled;                     /* the passes have run: the graph is as a file has it */
    mote_str payload;                  /* of a compiled model: its data and what their checksum should be */
    uint64_t payload_sum;
    uint32_t *index;                   /* by value id: its place among its graph's values */
    const mote_array **defaults;       /* by input: the initializer of an input that may be bound, else NULL */
};

/* The model of a compiled model's graph, to be packed with the features `cpu`. Nothing is copied: `graph` and what `stored` names must outlive it. */
mote_status mote_model_load_stored(mote_str graph, const mote_onnx_stored *stored, uint32_t cpu, const mote_load_options *options, mote_model **out,
                                   mote_diag *diag);
void mote_model_reference(mote_model *model);
void mote_model_release(mote_model *model);
/* Number of values that a graph defines. */
size_t mote_graph_value_count(const mote_graph *g);

#endif
