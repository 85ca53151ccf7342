/* quantizer.h - a model on its way to fewer bits: what the transforms share
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_QUANT_QUANTIZER_H
#define MOTE_QUANT_QUANTIZER_H

#include "graph/graph.h"
#include "onnx/read.h"
#include "quant/observe/judge.h"
#include "quant/observe/observer.h"
#include "quant/ptq/range.h"
#include "quant/recipe/recipe.h"
#include <mote/mote_quant.h>

/* Second moments of what a product reads: x (one patch of a convolution's group, one row of a matrix) of k values. */
typedef struct mote_moments {
    size_t k, groups;
    double *before, *after; /* sums of x, and of x quantized; [groups, k] */
    float *products;        /* sums of x x', x quantized; [groups, k, k], the upper half; NULL: not asked for */
    uint64_t count;         /* of samples, a group */
} mote_moments;

/* A product: the operators that quantization is about. */
typedef struct mote_layer {
    mote_node *node;
    mote_plan plan;
    const char *why;       /* NULL: quantized */
    mote_value *weight;    /* a constant, or NULL for MatMul of two tensors */
    int32_t axis;          /* of the weight's output channels */
    float *scales;         /* of the weight: one, or one an output channel */
    size_t n_scales;
    int8_t *rounded;       /* the weight in integers, in its own order; NULL: to the nearest */
    float *shift;          /* what bias correction adds to the bias, by output channel; NULL: nothing */
    mote_moments *moments; /* NULL: not asked for */
} mote_layer;

/* What is known of a value, by its id. */
typedef struct mote_qvalue {
    bool wanted;     /* it is observed and gets a scale */
    bool everywhere; /* every user reads the quantized form, not only quantized nodes */
    bool watched;    /* it is observed */
    mote_dtype type; /* of its quantized form; NONE until wanted */
    uint32_t root;   /* the value whose scale it shares; itself when it has its own */
    mote_range_behind behind;
    double behind_p; /* its parameter */
    uint32_t *importance; /* by channel: how much of its error comes through the products behind; NULL: all alike */
    uint32_t n_importance;
    mote_scale scale;
    uint64_t times, elements; /* that were seen in the round of ranges */
} mote_qvalue;

/* What the channels (dimension 1) of a tensor held. */
enum { MOTE_CHANNEL_BINS = 256 };
typedef struct mote_channel {
    int32_t exponent; /* values lie in [-2^exponent, 2^exponent) */
    float lo, hi;     /* extremes */
    double sum, squares;
    uint64_t count, bins[MOTE_CHANNEL_BINS];
} mote_channel;
typedef struct mote_channel_ranges {
    mote_value *value;
    bool swish; /* HardSwish reads it, and flattens what lies below -3 */
    size_t n;
    mote_channel *channels;
} mote_channel_ranges;

typedef struct mote_inside {
    const char *node, *op;
} mote_inside;

typedef enum mote_quant_round { MOTE_ROUND_NONE, MOTE_ROUND_CHANNELS, MOTE_ROUND_RANGES, MOTE_ROUND_MOMENTS } mote_quant_round;

struct mote_quantizer {
    mote_heap heap;
    mote_quantize_options o;
    mote_arena arena;
    mote_module *module;
    mote_custom_ops *custom; /* NULL: none */
    mote_onnx_files *files;
    mote_layer *layers;
    size_t n_layers;
    mote_recipe *recipe;   /* MIXED; else NULL */
    mote_plan *plans, usual; /* by node id, n_plans of them; of nodes that came later, and without a recipe of all */
    uint32_t n_plans;
    bool any[MOTE_PRECISIONS]; /* precisions that a node has */
    bool *quantized;       /* by node id: reads and gives quantized values */
    bool *owned;           /* by node id: part of a quantized node, a clamp behind it or the inside of a swish; stays float32 */
    uint32_t n_nodes;
    mote_qvalue *values;   /* by value id */
    uint32_t n_values;
    mote_observer *seen;
    struct mote_named_value *index; /* values by name, for the tap */
    size_t n_index;
    mote_channel_ranges *channels; /* of tensors that may be equalized */
    size_t n_channels;
    mote_quant_round round;
    mote_status seen_status; /* the first failure of a tap */
    size_t first_layer, end_layer; /* of the round of moments: those whose sums fit memory together */
    bool running, done;
    void *bytes;           /* of the model of the round at hand */
    size_t n_bytes;
    mote_observer *half, *other; /* with o.judge: of the odd samples; of samples to compare with */
    mote_judge judge;
    bool others;           /* the samples at hand are such */
    mote_calibration calibration;
    mote_finding *findings;
    mote_shift *shifts;
    mote_module *before;   /* with o.inside: the float model, before the result is made of it */
    mote_inside *inside;   /* values that are looked at, in the order of the float model */
    size_t n_inside;
    void *inside_bytes[2]; /* of the float model and the result with these as outputs */
    size_t n_inside_bytes[2];
};

/* A value by its name. */
typedef struct mote_named_value {
    mote_str name;
    uint32_t id;
} mote_named_value;
const mote_named_value *mote_quant_named(const mote_quantizer *q, const char *name);

/* ptq/calibration.c: the samples of the round of ranges. named NULL: the tensor is not observed. */
mote_status mote_quant_begin_judge(mote_quantizer *q, mote_diag *diag);
void mote_quant_judge_tensor(mote_quantizer *q, const char *name, const mote_named_value *named, const mote_tensor *t);
mote_status mote_quant_check_samples(const mote_quantizer *q, mote_diag *diag); /* MOTE_E_VALUE names one that is not finite */
mote_status mote_quant_end_judge(mote_quantizer *q, mote_diag *diag);

/* transform/importance.c: how much each channel of the wanted values counts. */
mote_status mote_quant_weigh(mote_quantizer *q, mote_diag *diag);
/* transform/select.c: which nodes are quantized and which values get a scale. */
mote_status mote_quant_select(mote_quantizer *q, mote_diag *diag);
/* transform/equalize.c: finds tensors whose channels can be brought to like ranges; does it, once channels.c has looked at them. */
mote_status mote_quant_find_groups(mote_quantizer *q, mote_diag *diag);
void mote_quant_see_channels(mote_quantizer *q, const char *name, const mote_tensor *t);
mote_status mote_quant_equalize(mote_quantizer *q, mote_diag *diag);
/* transform/scales.c: the scale of each weight, once those of activations are known. Layers with a bias leave room for it. */
mote_status mote_quant_weight_scales(mote_quantizer *q, mote_diag *diag);
size_t mote_layer_channels(const mote_layer *l);
/* The scale's index of weight element i. */
size_t mote_layer_scale_of(const mote_layer *l, size_t i);

/* ptq/moments.c: the layers from first_layer on whose sums fit memory; what a tap adds; rounding and bias correction from the sums, which go. */
mote_status mote_quant_begin_moments(mote_quantizer *q, mote_diag *diag);
mote_status mote_quant_see_moments(mote_quantizer *q, const char *name, const mote_tensor *t);
mote_status mote_quant_end_moments(mote_quantizer *q, mote_diag *diag);
void mote_quant_free_moments(mote_quantizer *q);
/* transform/insert.c: QuantizeLinear and DequantizeLinear, quantized constants. */
mote_status mote_quant_insert(mote_quantizer *q, mote_diag *diag);
/* transform/raise.c: the standard operators of the module come to mean the same in at least this operator set. */
mote_status mote_quant_raise(mote_module *m, int64_t version, mote_diag *diag);
/* transform/dynamic.c, weights.c, store.c, half.c */
mote_status mote_quant_store(mote_quantizer *q, mote_diag *diag);
mote_status mote_quant_dynamic(mote_quantizer *q, mote_diag *diag);
mote_status mote_quant_weights(mote_quantizer *q, mote_diag *diag);
mote_status mote_quant_half(mote_quantizer *q, mote_diag *diag);

/* transform/fix.c: o.fix, on a module whose types are inferred; they are not afterwards. */
mote_status mote_quant_fix(mote_quantizer *q, mote_diag *diag);
/* recipe/plan.c: the plan of every node, from the options; that of one. */
mote_status mote_quant_plan(mote_quantizer *q, mote_diag *diag);
const mote_plan *mote_quant_plan_of(const mote_quantizer *q, const mote_node *n);
bool mote_quant_needs_21(const mote_quantizer *q); /* blocks of weights, or activations of 16 bits */
/* Whether a layer is to be quantized this way, and can be. */
bool mote_layer_takes(const mote_layer *l, mote_precision precision);

/* A Conv's weight: m outputs, each of `per` input channels and `inner` taps; m_per outputs a group. Output o reads channel o / m_per * per + i as its channel i. */
typedef struct mote_conv_weight {
    size_t m, per, inner, m_per;
} mote_conv_weight;
/* transform/edit.c */
mote_conv_weight mote_quant_conv_weight(const mote_node *conv);
/* energy[channel] += share w^2 for every weight of a Conv that reads the channel: what it makes of noise there. */
void mote_quant_add_energy(const mote_node *conv, double share, double *energy);
/* A constant; data is copied. NULL: no memory. */
mote_value *mote_quant_constant(mote_graph *g, mote_dtype type, int32_t rank, const int64_t *dims, const void *data);
/* A constant tensor of f32 as floats in the arena. NULL: no memory. */
float *mote_quant_floats(mote_arena *arena, const mote_array *a);
/* A standard node with one output; NULL: no memory. */
mote_node *mote_quant_node(mote_graph *g, mote_node *before, const char *op, int32_t version, uint32_t n_in, mote_value *const *in);
/* real = (x - zero) scale along axis (negative: one scale). zero may be NULL. */
mote_value *mote_quant_dequantize(mote_graph *g, mote_node *before, mote_value *x, mote_value *scale, mote_value *zero, int32_t axis);
/* Removes the constants that nothing reads any more. */
void mote_quant_sweep(mote_graph *g);
/* Whether a node's name is one of q->o.keep. */
bool mote_quant_kept(const mote_quantizer *q, const mote_node *n);

/* A key of a module's metadata, new or in place of what it was. */
mote_status mote_quant_set_property(mote_module *m, mote_str key, mote_str value, mote_diag *diag);

#endif
