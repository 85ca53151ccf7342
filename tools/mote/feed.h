/* feed.h - a model with its description: files found beside it, pictures, texts and sounds put into its session
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_FEED_H
#define MOTE_TOOL_FEED_H

#include "engine.h"
#include "picture.h"
#include <mote/mote_prep.h>

typedef struct feed_options {
    const engine_options *engine;
    const char *model, *prep, *labels, *vocab; /* paths; prep, labels, vocab may be NULL */
    mote_model *loaded;                        /* the model itself, which the feed takes over (files are still looked for beside `model`); NULL: read `model` */
    size_t max_length;                         /* tokens, instead of the description's; 0: as described */
    mote_status (*read)(void *ctx, const mote_model *model, mote_diag *diag); /* once the model is open, before `given` is looked at; NULL: nothing */
    void *read_ctx;
    const named_arrays *given;                 /* arrays whose names decide which inputs are kept (engine_admit); NULL: none */
    bool prep_needed;                          /* a model without description is refused */
    bool trust;                                /* --trust-input */
} feed_options;

typedef struct feed {
    engine engine;
    unsigned threads;
    mote_prep *prep; /* NULL: the model has none and none was needed */
    mote_tokenizer *tokenizer;
    char *label_text;
    const char **labels;
    size_t n_labels;
    char vocab_sha256[65]; /* with a tokenizer */
} feed;

#define OPTION_TRUST(type) \
    {"trust-input", OPTION_FLAG, offsetof(type, trust), NULL, "take inputs that the model was not calibrated on: another range, vocabulary or sample rate"}

/* Opens model, session and description: --prep or the model's own. Files that it names are looked for in the description's folder, then in the model's; paths that
 * stand in a model file stay below its folder (MOTE_E_PATH). On failure everything is closed. */
mote_status feed_open(feed *f, const feed_options *o, mote_diag *diag);
void feed_close(feed *f);
bool feed_stays_below(const char *path); /* relative, without ".." */

/* The name of a class, from --labels, the description or its labels file; NULL: it has none. */
const char *feed_label(const feed *f, int64_t index);

typedef struct feed_sound {
    float *samples;
    size_t n;
    uint32_t rate;
} feed_sound;
mote_status feed_read_sound(const char *path, feed_sound *out, mote_diag *diag);

mote_status feed_picture(feed *f, const char *input, const picture *p, mote_image_map *map, mote_diag *diag);
/* Copies the arrays into inputs of the shapes that the session has; ranges are checked. */
mote_status feed_arrays(feed *f, const named_arrays *arrays, mote_diag *diag);

/* MOTE_E_FORMAT or MOTE_E_VALUE, naming the field, when the text is no description for this model (NULL: for any). */
mote_status preprocess_check(mote_model *model, const char *text, size_t n, mote_diag *diag);

#endif
