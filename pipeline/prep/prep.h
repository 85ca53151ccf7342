/* prep.h - the description of a model's pre- and postprocessing, as its parts share it
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PIPELINE_PREP_PREP_H
#define MOTE_PIPELINE_PREP_PREP_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/json.h"
#include <mote/mote_prep.h>

enum { MOTE_PREP_VERSION = 1, MOTE_PREP_MAX_INPUTS = 256 };

struct mote_prep {
    mote_heap heap;
    mote_arena arena; /* holds everything below */
    const mote_model *model;
    mote_log_fn log;
    void *log_ctx;
    mote_prep_input *inputs;
    size_t n_inputs;
    bool has_tokenizer;
    mote_prep_tokenizer tokenizer;
    mote_prep_output output;
    bool trust;
    int64_t samples; /* that the model was calibrated on; 0: it was not, or none knows */
};

/* A warning of one line through the caller's log. */
void mote_prep_warn(const mote_prep *p, const char *fmt, ...) MOTE_PRINTF(2, 3);

/* The text's fields into *p: names, kinds, domains. */
mote_status mote_prep_parse(mote_prep *p, mote_str text, mote_diag *diag);
/* What is there, against p->model. */
mote_status mote_prep_check_model(const mote_prep *p, mote_diag *diag);
/* A description from ONNX's Image.* metadata; *found says whether there is one. */
mote_status mote_prep_from_image_keys(mote_prep *p, bool *found, mote_diag *diag);
/* Warns where Image.* metadata says otherwise than *p. */
void mote_prep_compare_image_keys(const mote_prep *p);
/* Takes over what the model's own description says of its calibration; MOTE_E_VALUE where *p says otherwise. */
mote_status mote_prep_agree(mote_prep *p, mote_diag *diag);
/* What an input may hold, by what the model was calibrated on: far beyond it. False: anything. */
bool mote_prep_bounds(const mote_prep_input *in, double *low, double *high);
/* Range of the tensor's values that pixels of 0..255 can give. */
void mote_prep_image_range(const mote_image_prep *image, double *low, double *high);

/* ---- reading fields (fields.c): each takes the object at hand, with its path for messages ---- */

typedef struct prep_scope {
    const mote_json *object;
    const char *path; /* "inputs.input", "" for the whole text */
    mote_arena *arena;
    mote_diag *diag;
} prep_scope;

/* Every member's name is one of `names` (NULL-terminated); names that begin with "x-" are the user's own. */
mote_status mote_field_only(const prep_scope *s, const char *const *names);
/* Each leaves *out alone when the member is absent or null. */
mote_status mote_field_bool(const prep_scope *s, const char *name, bool *out);
mote_status mote_field_number(const prep_scope *s, const char *name, double low, double high, double *out);
mote_status mote_field_float(const prep_scope *s, const char *name, double low, double high, float *out);
mote_status mote_field_integer(const prep_scope *s, const char *name, int64_t low, int64_t high, int64_t *out);
mote_status mote_field_side(const prep_scope *s, const char *name, int32_t *out); /* 1..MOTE_IMAGE_MAX_SIDE */
mote_status mote_field_size(const prep_scope *s, const char *name, int64_t high, size_t *out); /* 1..high */
mote_status mote_field_string(const prep_scope *s, const char *name, const char **out);
/* One of the words (NULL-terminated): its place. */
mote_status mote_field_word(const prep_scope *s, const char *name, const char *const *words, int *out);
/* An array of n numbers. */
mote_status mote_field_numbers(const prep_scope *s, const char *name, size_t n, double *out, bool *there);
/* The member as an object of its own; there->object is NULL when it is absent. */
mote_status mote_field_object(const prep_scope *s, const char *name, prep_scope *there);
/* A failure about a field. */
mote_status mote_field_fail(const prep_scope *s, const char *name, const char *fmt, ...) MOTE_PRINTF(3, 4);
bool mote_field_there(const prep_scope *s, const char *name); /* and not null */

#endif
