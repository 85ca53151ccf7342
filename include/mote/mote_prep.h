/* mote_prep.h - what a model's inputs expect and what its outputs mean, as a description that goes with the model
 * SPDX-License-Identifier: Apache-2.0
 *
 *     mote_prep *prep;
 *     mote_image_map map = MOTE_IMAGE_MAP_INIT;
 *     mote_class best[5];
 *     size_t n;
 *     mote_prep_create(model, NULL, 0, NULL, &prep, &diag);          // the model's own, or JSON text
 *     mote_prep_image(prep, session, NULL, &photo, &map, &diag);     // shapes the session, writes the input
 *     mote_session_run(session, NULL, &diag);
 *     mote_prep_classify(prep, session, best, 5, &n, &diag);
 *
 * The text's fields, and which of them go together, are in docs/preprocess.md. A description is immutable; threads may share it. The rules
 * of mote.h hold. */
#ifndef MOTE_MOTE_PREP_H
#define MOTE_MOTE_PREP_H

#include <mote/mote_audio.h>
#include <mote/mote_pipeline.h>
#include <mote/mote_text.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The metadata key that holds a model's description. */
#define MOTE_PREP_KEY "mote.preprocess"

/* ---- the description ------------------------------------------------------------------------------------------- */

typedef struct mote_prep mote_prep;

typedef enum mote_prep_kind {
    MOTE_PREP_ARRAY = 0, /* given as it is */
    MOTE_PREP_IMAGE = 1,
    MOTE_PREP_TEXT = 2,
    MOTE_PREP_AUDIO = 3,
    MOTE_PREP_STATE = 4, /* carried from an output, zeros at first */
    MOTE_PREP_RATE = 5   /* the sample rate */
} mote_prep_kind;

typedef enum mote_prep_part { MOTE_PART_IDS = 0, MOTE_PART_MASK = 1, MOTE_PART_TYPES = 2 } mote_prep_part;

/* One input. Fields of other kinds than its own have their defaults. */
typedef struct mote_prep_input {
    const char *name;
    mote_prep_kind kind;
    bool has_range;
    double low, high;                /* declared range of the tensor's values */
    mote_image_prep image;
    int32_t min_width, min_height;   /* pictures that are taken; 0: any */
    int32_t max_width, max_height;
    mote_prep_part part;             /* of a text */
    uint32_t sampling_rate;
    uint64_t max_samples;            /* 0: any number */
    bool streamed;                   /* window, hop, context, feature hold; otherwise the whole sound goes in at once */
    size_t window, hop, context;
    mote_stream_feature feature;
    bool framed;                     /* frames hold: the input takes their features */
    mote_frames_options frames;
    const char *state_output;
    bool has_observed;
    double observed_low, observed_high; /* range of the values that the model was calibrated on */
} mote_prep_input;

typedef struct mote_prep_tokenizer {
    const char *vocab;         /* a path, relative to where the description came from; NULL: the caller knows */
    const char *vocab_sha256;  /* 64 hexadecimal digits, or NULL */
    bool lowercase;
    int strip_accents;         /* as mote_tokenizer_options */
    size_t max_length;         /* tokens; 0: any number */
    bool truncation;           /* longer texts are cut; otherwise they are refused */
} mote_prep_tokenizer;

typedef enum mote_prep_task {
    MOTE_TASK_NONE = 0, MOTE_TASK_CLASSIFY = 1, MOTE_TASK_DETECT = 2, MOTE_TASK_TAG = 3, MOTE_TASK_SPEECH = 4, MOTE_TASK_SOUND = 5
} mote_prep_task;

typedef enum mote_box_format { MOTE_BOX_XYXY = 0, MOTE_BOX_XYWH = 1, MOTE_BOX_CXCYWH = 2 } mote_box_format;

typedef struct mote_prep_output {
    mote_prep_task task;
    const char *output;          /* the scores, or the sound */
    const char *boxes;
    const char *const *labels;   /* n_labels names, or NULL */
    size_t n_labels;
    const char *labels_file;     /* a path, relative to where the description came from, or NULL */
    int32_t label_offset;        /* class = index - label_offset */
    bool softmax;                /* scores are softmax of the output */
    mote_box_format box_format;
    bool box_pixels;             /* boxes in pixels of the input, not in parts of its sides */
    int32_t background;          /* class that is no object; -1: none */
    float score_threshold, iou_threshold;
    size_t max_boxes;
    mote_speech_options speech;
    uint32_t sampling_rate;      /* of a sound that comes out */
    bool overlap_add;            /* steps' windows are added up; otherwise each step gives its newest `hop` samples */
} mote_prep_output;

typedef struct mote_prep_options {
    size_t struct_size;
    const mote_allocator *allocator; /* NULL: malloc. Copied; its ctx outlives the description */
    mote_log_fn log;                 /* warnings; NULL: none. Called during create only */
    void *log_ctx;
    bool trust_input;                /* nothing is refused because the model was calibrated on other inputs */
} mote_prep_options;
#define MOTE_PREP_OPTIONS_INIT {sizeof(mote_prep_options), NULL, NULL, NULL, false}

/* Reads a description and checks it against the model (NULL: the text alone): names, types, shapes, numbers of labels. json NULL: the model's
 * metadata under MOTE_PREP_KEY or, without that, ONNX's Image.* keys; where both are there and disagree, a warning says so. `model` is borrowed and
 * outlives the description. Returns MOTE_OK, MOTE_E_ARGUMENT (the model has no description), MOTE_E_FORMAT (not JSON), MOTE_E_VALUE (a field that is unknown,
 * missing, of the wrong kind or outside its domain: diag names it, with its line; or json says another range of pictures' values, vocabulary or sample rate than the model's own
 * description, with which it was calibrated), MOTE_E_UNSUPPORTED (a version), MOTE_E_SHAPE, MOTE_E_DTYPE
 * (the model's inputs and outputs do not fit), MOTE_E_LIMIT, MOTE_E_MEMORY. */
MOTE_API mote_status mote_prep_create(const mote_model *model, const char *json, size_t bytes, const mote_prep_options *options, mote_prep **out,
                                      mote_diag *diag);
MOTE_API void mote_prep_destroy(mote_prep **prep);

/* What it says; owned by the description. Inputs in the text's order. */
MOTE_API size_t mote_prep_input_count(const mote_prep *prep);
MOTE_API const mote_prep_input *mote_prep_input_at(const mote_prep *prep, size_t index);
/* The input of that name or, name NULL, the first of that kind; NULL when there is none. */
MOTE_API const mote_prep_input *mote_prep_input_find(const mote_prep *prep, const char *name, mote_prep_kind kind);
MOTE_API const mote_prep_tokenizer *mote_prep_tokenizer_info(const mote_prep *prep); /* NULL: no text */
MOTE_API const mote_prep_output *mote_prep_output_info(const mote_prep *prep);
/* The label of a class (after the offset), or NULL. */
MOTE_API const char *mote_prep_label(const mote_prep *prep, int64_t class_index);

/* ---- into the session ------------------------------------------------------------------------------------------
 * Each shapes the session for its input (open dimensions of other inputs are 1; contents of inputs survive only where no shape changed), writes it, and refuses
 * with MOTE_E_VALUE what the description excludes, naming what was seen and what is declared. `input` NULL: the first of the kind. The session is one of the
 * model that the description was created with. They return what mote_session_prepare returns as well. */

/* One picture. `map` (may be NULL) gets where points went. */
MOTE_API mote_status mote_prep_image(const mote_prep *prep, mote_session *session, const char *input, const mote_image *image, mote_image_map *map,
                                     mote_diag *diag);

/* A tokenizer as described. The vocabulary's bytes are checked against vocab_sha256 (MOTE_E_MISMATCH). */
MOTE_API mote_status mote_prep_tokenizer_create(const mote_prep *prep, const void *vocab, size_t bytes, mote_tokenizer **out, mote_diag *diag);
/* A text into all inputs that take parts of it; [1, tokens], or the model's own length, filled up with [PAD] and mask 0. `encoding` (may be NULL) is the
 * caller's to destroy. */
MOTE_API mote_status mote_prep_text(const mote_prep *prep, mote_session *session, const mote_tokenizer *tokenizer, const char *text, size_t n,
                                    mote_encoding **encoding, mote_diag *diag);
/* A sentence that is split into words already. */
MOTE_API mote_status mote_prep_words(const mote_prep *prep, mote_session *session, const mote_tokenizer *tokenizer, const mote_string *words, size_t n,
                                     mote_encoding **encoding, mote_diag *diag);

/* A whole sound (not for streamed inputs): its samples, or frames of features. States are set to zero, the rate input to the sample rate. */
MOTE_API mote_status mote_prep_sound(const mote_prep *prep, mote_session *session, const char *input, const float *samples, size_t n, uint32_t sampling_rate,
                                     mote_diag *diag);
/* A stream for sound of that rate, as the description says. */
MOTE_API mote_status mote_prep_stream(const mote_prep *prep, mote_model *model, unsigned threads, uint32_t sampling_rate, mote_stream **out, mote_diag *diag);

/* MOTE_E_VALUE when a value of the session's input lies outside the declared range, or far outside of what the model was calibrated on (docs/preprocess.md, Calibration), or is NaN; for
 * callers that write inputs themselves. */
MOTE_API mote_status mote_prep_check_range(const mote_prep *prep, mote_session *session, const char *input, mote_diag *diag);

/* ---- out of the session ---------------------------------------------------------------------------------------- */

typedef struct mote_class {
    int64_t index;      /* label_offset subtracted; may be negative */
    float score;
    const char *label;  /* owned by the description; NULL: it has none */
} mote_class;

/* The `top` best classes of the first item of the batch, best first, ties to the lower index; *n: how many were written. MOTE_E_DTYPE, MOTE_E_MEMORY. */
MOTE_API mote_status mote_prep_classify(const mote_prep *prep, mote_session *session, mote_class *out, size_t top, size_t *n, mote_diag *diag);

typedef struct mote_box {
    float x0, y0, x1, y1;
    float score;
    int32_t index; /* of the class, label_offset subtracted */
} mote_box;

/* Boxes with score >= score_threshold that survive mote_boxes_suppress, best first, in pixels of a width x height picture that went in through
 * `map`, cut at its edges. *n: how many were written, at most cap. MOTE_E_SHAPE, MOTE_E_DTYPE, MOTE_E_MEMORY. */
MOTE_API mote_status mote_prep_detect(const mote_prep *prep, mote_session *session, const mote_image_map *map, int32_t width, int32_t height, mote_box *out,
                                      size_t cap, size_t *n, mote_diag *diag);

/* The label of each of n_words words, as mote_word_labels; mote_entities makes entities of them. MOTE_E_SHAPE, MOTE_E_DTYPE, MOTE_E_MEMORY. */
MOTE_API mote_status mote_prep_tag(const mote_prep *prep, mote_session *session, const mote_encoding *encoding, int32_t *word_labels, size_t n_words,
                                   mote_diag *diag);

/* ---- scores and boxes ------------------------------------------------------------------------------------------ */

/* y[i] = exp(x[i] - max x) / sum, the same bits on every machine. y may be x. */
MOTE_API void mote_softmax(const float *x, size_t n, float *y);
/* Indices of the k largest values, largest first, ties to the lower index, NaN last. Returns min(k, n). */
MOTE_API size_t mote_top_k(const float *x, size_t n, size_t *indices, size_t k);
/* A box's corners from its four numbers. */
MOTE_API void mote_box_corners(const float in[4], mote_box_format format, mote_box *out);
/* Intersection over union; 0 when both are empty. */
MOTE_API float mote_box_iou(const mote_box *a, const mote_box *b);
/* Greedy non-maximum suppression within each class: sorts by score (ties: lower class, then smaller
 * coordinates) and keeps, moved to the front, at most max_keep boxes whose IoU
 * with every better kept one of their class is <= iou_threshold; returns how many. What is behind them is unspecified. Source: ONNX NonMaxSuppression 11. */
MOTE_API size_t mote_boxes_suppress(mote_box *boxes, size_t n, float iou_threshold, size_t max_keep);
/* A box of the tensor back to the picture: x = (x_tensor - offset_x) / scale_x, cut to 0..width. */
MOTE_API void mote_box_to_picture(mote_box *box, const mote_image_map *map, int32_t width, int32_t height);

#ifdef __cplusplus
}
#endif
#endif
