/* mote_quant.h - quantization: for tools and servers; in libmote_quant, which has all of libmote inside
 * SPDX-License-Identifier: Apache-2.0
 *
 *     mote_observer *seen;
 *     mote_observer_create(NULL, &seen);
 *     session_options.tap = mote_observer_tap;
 *     session_options.tap_ctx = seen;
 *     ... run the session on calibration inputs ...
 *     mote_observation o = MOTE_OBSERVATION_INIT;
 *     mote_observer_find(seen, "conv1_out", &o);        // o.min, o.max, o.histogram
 *
 * The rules of mote.h hold. */
#ifndef MOTE_QUANT_H
#define MOTE_QUANT_H

#include <mote/mote.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what tensors hold: collected by a session's tap ----------------------------------------------------------------
 *
 * Counts, extremes and integer histograms only, so that the result does not depend on the order of the inputs, on the number of threads, or on how the
 * inputs were divided over sessions, processes and machines: observers that are merged in any order hold what one observer would hold, bit for bit. */

typedef struct mote_observer mote_observer;

enum { MOTE_OBSERVER_BINS = 2048 };

/* One tensor. Values count as float32. The histogram covers [-2^exponent, 2^exponent) in bins of equal width 2^exponent / 1024: bin i is
 * [(i - 1024) w, (i - 1023) w). exponent is the smallest integer for which every finite value lies inside, at least -149. */
typedef struct mote_observation {
    size_t struct_size;
    const char *name;          /* owned by the observer */
    uint64_t times;            /* tensors of that name that were seen */
    uint64_t values;           /* finite values: the sum of the histogram */
    uint64_t nans, infinities;
    float min, max;            /* of the finite values; 0 without one. Never -0 */
    int32_t exponent;
    const uint64_t *histogram; /* MOTE_OBSERVER_BINS counts; valid until the observer changes */
} mote_observation;
#define MOTE_OBSERVATION_INIT {sizeof(mote_observation), NULL, 0, 0, 0, 0, 0, 0, 0, NULL}

/* An empty observer. It belongs to one thread at a time: one for each session. `allocator` NULL: malloc. Copied; its ctx must outlive the observer.
 * Returns MOTE_OK, MOTE_E_ARGUMENT or MOTE_E_MEMORY. */
MOTE_API mote_status mote_observer_create(const mote_allocator *allocator, mote_observer **out);
MOTE_API void mote_observer_destroy(mote_observer **observer);

/* A mote_tap_fn: `observer` is the tap's context. Tensors of float32, float16, bfloat16 and float64 are observed, others ignored. Tensors of one
 * name count together (iterations of a loop). When memory runs out the tensor is lost, and status says so. */
MOTE_API void mote_observer_tap(void *observer, const char *name, const mote_tensor *tensor);
/* MOTE_OK, or the first failure of a tap: what was observed is then not complete. */
MOTE_API mote_status mote_observer_status(const mote_observer *observer);

/* Tensors in the order of their names (strcmp). MOTE_E_ARGUMENT when there is none. */
MOTE_API size_t mote_observer_count(const mote_observer *observer);
MOTE_API mote_status mote_observer_at(const mote_observer *observer, size_t index, mote_observation *out);
MOTE_API mote_status mote_observer_find(const mote_observer *observer, const char *name, mote_observation *out);

/* Adds what `from` holds. MOTE_E_LIMIT when a count would pass 2^64. On failure `observer` may hold a part of it, and its status says so. */
MOTE_API mote_status mote_observer_merge(mote_observer *observer, const mote_observer *from);

/* Bytes for another process: the same content gives the same bytes. write gets pieces in order and returns false to stop. Returns MOTE_OK,
 * MOTE_E_ARGUMENT, MOTE_E_IO, or the observer's own failure. */
MOTE_API mote_status mote_observer_save(const mote_observer *observer, bool (*write)(void *ctx, const void *bytes, size_t n), void *ctx);
/* Adds what such bytes hold. MOTE_E_FORMAT when they are not what save writes (nothing is added), and what merge returns. */
MOTE_API mote_status mote_observer_load(mote_observer *observer, const void *bytes, size_t n, mote_diag *diag);

/* ---- the quantizer -------------------------------------------------------------------------------------------------
 *
 *     mote_quantizer *q;
 *     mote_quantizer_create("m.onnx", &options, &q, &diag);
 *     mote_model *m;
 *     while (mote_quantizer_next(q, NULL, &m, &diag) == MOTE_OK && m != NULL) {      // a round over the calibration samples
 *         session_options.tap = mote_quantizer_tap;
 *         session_options.tap_ctx = q;
 *         ... a session of m, run on every sample; destroy both ...
 *     }
 *     mote_quantizer_write(q, "small.onnx", false, &diag);
 *
 * The result is standard ONNX: QuantizeLinear and DequantizeLinear around what is quantized, bias as 32 bits, placed so that onnxruntime and openvino
 * find integer kernels for it; metadata and preprocessing stay. The same model, options and samples give the same bytes, on every machine. */

typedef struct mote_quantizer mote_quantizer;

typedef enum mote_quant_mode {
    MOTE_QUANT_STATIC = 0,   /* weights and activations of 8 bits, ranges from samples */
    MOTE_QUANT_DYNAMIC = 1,  /* weights of 8 bits; activations are quantized at run time. No samples */
    MOTE_QUANT_WEIGHTS = 2,  /* weights of 8 or 4 bits in blocks, arithmetic in float. No samples */
    MOTE_QUANT_FLOAT16 = 3,  /* float16; with samples, what would overflow stays in float32 */
    MOTE_QUANT_MIXED = 4,    /* each node as the recipe says */
} mote_quant_mode;

typedef enum mote_range_method {
    MOTE_RANGE_MSE = 0,        /* the least squared error, behind the operator that reads the tensor */
    MOTE_RANGE_MINMAX = 1,     /* everything that was seen */
    MOTE_RANGE_PERCENTILE = 2, /* all but a part in 100,000 at each end */
    MOTE_RANGE_ENTROPY = 3,    /* the least loss of information (KL divergence) */
} mote_range_method;

typedef enum mote_quant_scope {
    MOTE_SCOPE_AUTO = 0,       /* PRODUCTS for models with LayerNormalization, else ALL */
    MOTE_SCOPE_PRODUCTS = 1,   /* inputs and weights of Conv, Gemm and MatMul; sums, normalizations and activations stay in float */
    MOTE_SCOPE_ALL = 2,        /* what lies between them, too, so that whole stretches of the graph are integers */
} mote_quant_scope;

typedef struct mote_quantize_options {
    size_t struct_size;
    mote_quant_mode mode;
    mote_dtype activations;     /* U8, S8, U16 or S16; NONE: U8 */
    bool per_tensor;            /* one scale for a whole weight, else one for each output channel */
    bool reduce_range;          /* weights of 7 bits, for machines whose 8-bit products saturate */
    mote_range_method ranges;
    mote_quant_scope scope;
    unsigned effort;            /* 0: ranges alone; 1: also equalized channels, weights of least error, corrected biases; 2: also adaptive rounding */
    unsigned weight_bits;       /* WEIGHTS: 8 or 4; 0: 8 */
    unsigned block;             /* WEIGHTS: weights that share a scale, a power of two from 16; 0: 32 */
    bool samples;               /* FLOAT16: there will be samples, in one round */
    const char *keep;           /* comma-separated names of nodes that stay in float; NULL: none. A name may end in '*' */
    const mote_allocator *allocator; /* NULL: malloc */
    const mote_custom_ops *custom_ops; /* operators of the application's own (mote_custom.h), NULL: none */
    const char *recipe;         /* MIXED: JSON, docs/mixed-precision.md; the fields above have what it leaves out. Copied */
    const char *fix;            /* inputs that always have one value or shape: "sr=16000;input=[1,576]" (docs/mixed-precision.md); NULL: none. Copied */
    bool variants;              /* MIXED: other recipes will be tried on what the rounds saw (mote_quantizer_variant) */
    bool inside;                /* mote_quantizer_inside will be asked for */
    bool judge;                 /* mote_quantizer_calibration will be asked for */
} mote_quantize_options;
#define MOTE_QUANTIZE_OPTIONS_INIT                                                                                     \
    {sizeof(mote_quantize_options), MOTE_QUANT_STATIC, MOTE_DTYPE_NONE, false, false, MOTE_RANGE_MSE, MOTE_SCOPE_AUTO, 2, 0, 0, false, NULL, NULL, NULL, NULL, NULL, false, false, false}

/* Reads and simplifies the model. MOTE_E_ARGUMENT for options that do not go together or a name in `keep` that no node has; what mote_model_load_path
 * returns; MOTE_E_UNSUPPORTED when the model is quantized already, or has nothing that the mode could change. */
MOTE_API mote_status mote_quantizer_create(const char *path, const mote_quantize_options *options, mote_quantizer **out, mote_diag *diag);
MOTE_API void mote_quantizer_destroy(mote_quantizer **q);

/* Ends the round before, and gives the model to run in the next one, which the caller destroys; *out NULL: there is none. load: options for it, or NULL.
 * MOTE_E_VALUE when a round saw no sample, or values that are not finite. */
MOTE_API mote_status mote_quantizer_next(mote_quantizer *q, const mote_load_options *load, mote_model **out, mote_diag *diag);
/* A mote_tap_fn for the sessions of that model; its context is the quantizer. From one session at a time. */
MOTE_API void mote_quantizer_tap(void *quantizer, const char *name, const mote_tensor *tensor);

/* What the result carries under a key of its metadata, in place of what the model had there. Copied. */
MOTE_API mote_status mote_quantizer_set_metadata(mote_quantizer *q, const char *key, const char *value, mote_diag *diag);

/* Writes the result, when mote_quantizer_next has said that there are no more rounds. Under a temporary name beside, then renamed. */
MOTE_API mote_status mote_quantizer_write(const mote_quantizer *q, const char *path, bool overwrite, mote_diag *diag);

/* With `variants`, after the last round, in place of writing: the model as another recipe makes it, from what the rounds saw. Its bytes live in the quantizer: the
 * caller destroys the model before the next call. bytes (may be NULL): of the file that it would be. As mote_quantizer_create and mote_model_load_memory. */
MOTE_API mote_status mote_quantizer_variant(mote_quantizer *q, const char *recipe, const mote_load_options *load, mote_model **out, size_t *bytes, mote_diag *diag);

/* The result as a model, before or beside writing it; else as mote_quantizer_variant. */
MOTE_API mote_status mote_quantizer_result(mote_quantizer *q, const mote_load_options *load, mote_model **out, size_t *bytes, mote_diag *diag);

/* ---- what the samples are like: with `judge` ---- */

/* A sample was run; name: what findings call it. To be called after each; it does nothing in rounds that do not look. */
MOTE_API void mote_quantizer_sample(mote_quantizer *q, const char *name);
/* Samples from here to the end of the round are others, that those of calibration are compared with and nothing is made from. False: the round does not take them. */
MOTE_API bool mote_quantizer_others(mote_quantizer *q);

typedef struct mote_calibration {
    size_t struct_size;
    uint64_t samples, others;
    uint64_t copies, constant, outliers; /* samples like an earlier one; whose inputs hold one number each; that alone set ranges */
    size_t ranges;    /* tensors that have a scale of their own; without 8-bit activations, that were looked at */
    size_t grown;     /* of them, those whose range was over 5 % wider after the last quarter of the samples than before */
    double unsettled; /* of them, those whose scale as many samples again would change by over 5 %: judged by what either half alone would give. NaN: none gets a scale */
    size_t findings, shifts;
} mote_calibration;
#define MOTE_CALIBRATION_INIT {sizeof(mote_calibration), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
/* After the round of ranges. MOTE_E_ARGUMENT: not asked for, or mote_quantizer_sample was not called. */
MOTE_API mote_status mote_quantizer_calibration(const mote_quantizer *q, mote_calibration *out);

typedef enum mote_finding_kind { MOTE_FINDING_OUTLIER = 0, MOTE_FINDING_CONSTANT = 1, MOTE_FINDING_COPY = 2 } mote_finding_kind;

/* A sample to look at. Texts are owned by the quantizer. */
typedef struct mote_finding {
    size_t struct_size;
    mote_finding_kind kind;
    const char *sample, *of; /* of: COPY, the earlier sample; OUTLIER, the tensor whose range it widens most */
    uint64_t index;          /* of the sample */
    size_t ranges;           /* OUTLIER: ranges that it makes over 1.5 times as wide as all others do */
    double factor;           /* OUTLIER: the most that it does; infinity: nothing but this sample is not 0 */
} mote_finding;
#define MOTE_FINDING_INIT {sizeof(mote_finding), MOTE_FINDING_OUTLIER, NULL, NULL, 0, 0, 0}
/* By kind, outliers with the most ranges first. MOTE_E_ARGUMENT: there is none. */
MOTE_API mote_status mote_quantizer_finding_at(const mote_quantizer *q, size_t index, mote_finding *out);

/* A tensor of the samples beside the others. Means and deviations come from the histograms. */
typedef struct mote_shift {
    size_t struct_size;
    const char *name;
    bool input;                             /* of the model */
    double lo, hi;                          /* what the scale holds */
    double others_lo, others_hi;            /* the others' extremes */
    double outside, others_outside;         /* parts of the values beyond lo and hi: of the samples, of the others */
    double mean, others_mean, deviation, others_deviation;
} mote_shift;
#define MOTE_SHIFT_INIT {sizeof(mote_shift), NULL, false, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
/* In the order of the names. MOTE_E_ARGUMENT: there is none. */
MOTE_API mote_status mote_quantizer_shift_at(const mote_quantizer *q, size_t index, mote_shift *out);

/* With `inside`, after the last round: the float model that the result was made of or, result true, the result, each with what its layers give (and what else was
 * quantized) as further outputs behind its own, in one order: float32, comparable one by one. Both may be open at once; else as mote_quantizer_result. */
MOTE_API mote_status mote_quantizer_inside(mote_quantizer *q, bool result, const mote_load_options *load, mote_model **out, mote_diag *diag);
/* The node that gives further output `index`, and its operator; owned by the quantizer. MOTE_E_ARGUMENT: there is none. */
MOTE_API mote_status mote_quantizer_inside_at(const mote_quantizer *q, size_t index, const char **node, const char **op);

/* What became of a layer: Conv, Gemm, MatMul, ConvTranspose, LSTM, GRU or RNN. Nodes without a name go by that of their first output. */
typedef struct mote_quantized_layer {
    size_t struct_size;
    const char *node, *op; /* owned by the quantizer */
    const char *why;       /* NULL: it is as was asked for; else why it stays in float */
    const char *precision; /* that was asked for, as recipes write it: "int8" ... */
    uint64_t weights;      /* elements of its constant weights; 0: none */
    double products;       /* multiplications of one run, the mean over the samples; 0: not known, its output was not looked at */
} mote_quantized_layer;
#define MOTE_QUANTIZED_LAYER_INIT {sizeof(mote_quantized_layer), NULL, NULL, NULL, NULL, 0, 0}
MOTE_API size_t mote_quantizer_layer_count(const mote_quantizer *q);
MOTE_API mote_status mote_quantizer_layer_at(const mote_quantizer *q, size_t index, mote_quantized_layer *out);

#ifdef __cplusplus
}
#endif
#endif
