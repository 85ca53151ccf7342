/* record.c - what a model was calibrated on, in the description that goes with it
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "record.h"
#include "files.h"
#include "tensor/dtype.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PREP_LIMIT = 8 << 20, FEW = 8 }; /* samples: too few to judge what arrays are like */

mote_status record_sample(record *r, const feed *f, mote_diag *diag)
{
    const mote_model *m = f->engine.model;
    if (r->ranges == NULL) {
        r->n = mote_model_input_count(m);
        r->ranges = calloc(r->n + 1, sizeof *r->ranges);
        if (r->ranges == NULL)
            return MOTE_NO_MEMORY(diag, r->n * sizeof *r->ranges);
        for (size_t i = 0; i < r->n; i++)
            r->ranges[i] = (record_range){INFINITY, -INFINITY};
    }
    r->samples++;
    for (size_t i = 0; i < r->n; i++) {
        const mote_tensor *t = mote_session_input(f->engine.session, i);
        if (t == NULL || t->buffer == NULL || t->kind != MOTE_KIND_TENSOR || !mote_dtype_in(t->dtype, MOTE_DTYPES_FLOAT))
            continue;
        const void *data = mote_tensor_map(t);
        for (size_t k = 0, n = (size_t)mote_tensor_count(t); k < n; k++) {
            const double x = mote_dtype_to_f64(t->dtype, data, k);
            r->ranges[i].low = x < r->ranges[i].low ? x : r->ranges[i].low;
            r->ranges[i].high = x > r->ranges[i].high ? x : r->ranges[i].high;
        }
    }
    return MOTE_OK;
}

void record_free(record *r)
{
    free(r->ranges);
    *r = (record){.samples = 0};
}

/* The description as JSON; *out NULL: it is in other keys (Image.*), which stay. */
static mote_status read_description(const feed *f, const char *prep, json_t **out, mote_diag *diag)
{
    const char *own = mote_model_metadata(f->engine.model, MOTE_PREP_KEY);
    void *text = NULL;
    size_t n;
    *out = NULL;
    if (prep == NULL && own == NULL) {
        *out = f->prep == NULL ? json_pack("{s:i, s:{}}", "version", 1, "inputs") : NULL;
        return MOTE_OK;
    }
    if (prep != NULL)
        MOTE_TRY(file_read(prep, PREP_LIMIT, &text, &n, diag));
    *out = json_loads(prep != NULL ? (const char *)text : own, JSON_REJECT_DUPLICATES, NULL);
    free(text);
    return MOTE_OK; /* what jansson does not read as our parser does stays as it is */
}

/* Whether what was seen says what may come: of pictures and sounds as they are, and of arrays when there were some. */
static bool says_something(const record *r, const feed *f, const mote_value_info *info, const record_range *seen)
{
    const mote_prep_input *in = f->prep != NULL ? mote_prep_input_find(f->prep, info->name, MOTE_PREP_ARRAY) : NULL;
    if (info->optional || !(seen->low < seen->high) || !isfinite(seen->low) || !isfinite(seen->high))
        return false;
    if (in == NULL || in->kind == MOTE_PREP_ARRAY)
        return r->samples >= FEW;
    return in->kind == MOTE_PREP_IMAGE || (in->kind == MOTE_PREP_AUDIO && !in->framed && in->feature == MOTE_STREAM_SAMPLES);
}

/* Files that a description of its own names lie beside it, not beside the model: labels go in, of the vocabulary's path the name stays. */
static void take_in(const feed *f, json_t *root)
{
    json_t *output = json_object_get(root, "output"), *tokenizer = json_object_get(root, "tokenizer");
    const char *vocab = json_string_value(json_object_get(tokenizer, "vocab")), *slash = vocab != NULL ? strrchr(vocab, '/') : NULL;
    if (slash != NULL)
        json_object_set_new(tokenizer, "vocab", json_string(slash + 1));
    if (json_object_del(output, "labels_file") != 0 || f->n_labels == 0)
        return;
    json_t *labels = json_array();
    for (size_t i = 0; i < f->n_labels; i++)
        json_array_append_new(labels, json_string(f->labels[i]));
    json_object_set_new(output, "labels", labels);
}

static bool is_good(const feed *f, const char *text)
{
    mote_diag diag = MOTE_DIAG_INIT;
    return text != NULL && preprocess_check(f->engine.model, text, strlen(text), &diag) == MOTE_OK;
}

mote_status record_text(const record *r, const feed *f, const char *prep, char **out, mote_diag *diag)
{
    json_t *root;
    *out = NULL;
    MOTE_TRY(read_description(f, prep, &root, diag));
    if (prep != NULL)
        take_in(f, root);
    json_t *inputs = json_object_get(root, "inputs"), *tokenizer = json_object_get(root, "tokenizer");
    for (size_t i = 0; i < r->n && json_is_object(inputs); i++) {
        mote_value_info info = MOTE_VALUE_INFO_INIT;
        if (mote_model_input_info(f->engine.model, i, &info) != MOTE_OK || !says_something(r, f, &info, &r->ranges[i]))
            continue;
        json_t *in = json_object_get(inputs, info.name);
        if (in == NULL && json_object_set_new(inputs, info.name, json_pack("{s:s}", "kind", "array")) == 0)
            in = json_object_get(inputs, info.name);
        json_object_set_new(in, "observed", json_pack("[f, f]", r->ranges[i].low, r->ranges[i].high));
    }
    if (json_is_object(tokenizer) && f->vocab_sha256[0] != 0)
        json_object_set_new(tokenizer, "vocab_sha256", json_string(f->vocab_sha256));
    if (json_object_size(inputs) != 0 && r->samples != 0) {
        json_object_set_new(root, "calibration_samples", json_integer((json_int_t)r->samples));
        *out = json_dumps(root, JSON_COMPACT);
        if (!is_good(f, *out) && json_object_del(json_object_get(root, "output"), "labels") == 0) { /* a file may have other lines, too */
            free(*out);
            *out = json_dumps(root, JSON_COMPACT);
        }
        if (!is_good(f, *out)) {
            free(*out);
            *out = NULL;
        }
    }
    json_decref(root);
    return MOTE_OK;
}
