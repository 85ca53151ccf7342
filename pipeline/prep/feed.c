/* feed.c - pictures, texts and sounds into a session, as a description says
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/sha256.h"
#include "base/size.h"
#include "pipeline/prep/prep.h"
#include "tensor/dtype.h"
#include <math.h>
#include <string.h>

/* ---- shapes ---- */

/* A shape for one input; -1 leaves the model's. */
typedef struct wanted {
    size_t input;
    int32_t rank;
    int64_t shape[MOTE_MAX_RANK];
} wanted;

/* Prepares for the wanted shapes unless the session has them; open dimensions of the other inputs are 1. */
static mote_status prepare(const mote_prep *p, mote_session *session, const wanted *want, size_t n_want, mote_diag *diag)
{
    const size_t n = mote_model_input_count(p->model);
    mote_heap heap;
    mote_heap_init(&heap, &p->heap.allocator, 0);
    mote_tensor *shapes = mote_heap_calloc(&heap, n, sizeof *shapes);
    if (shapes == NULL)
        return MOTE_NO_MEMORY(diag, n * sizeof *shapes);
    bool same = true;
    mote_status status = MOTE_OK;
    for (size_t i = 0; i < n && status == MOTE_OK; i++) {
        mote_value_info info = MOTE_VALUE_INFO_INIT;
        const wanted *w = NULL;
        for (size_t k = 0; k < n_want; k++)
            w = want[k].input == i ? &want[k] : w;
        shapes[i] = (mote_tensor)MOTE_TENSOR_INIT;
        status = mote_model_input_info(p->model, i, &info);
        if (status != MOTE_OK || (info.optional && w == NULL))
            continue;
        int64_t shape[MOTE_MAX_RANK] = {0};
        for (int32_t d = 0; d < info.rank; d++)
            shape[d] = w != NULL && d < w->rank && w->shape[d] >= 0 ? w->shape[d] : info.shape[d] < 0 ? 1 : info.shape[d];
        if (info.rank < 0 || mote_tensor_describe(&shapes[i], info.dtype, info.rank, shape, NULL) != MOTE_OK)
            status = mote_fail(diag, MOTE_E_SHAPE, "input '%s' has no rank, or becomes too large", info.name);
        const mote_tensor *now = mote_session_input(session, i);
        same = same && now != NULL && now->buffer != NULL && now->dtype == info.dtype && now->rank == info.rank &&
               memcmp(now->shape, shape, (size_t)(info.rank < 0 ? 0 : info.rank) * sizeof *shape) == 0;
    }
    if (status == MOTE_OK && !same)
        status = mote_session_prepare(session, shapes, n, diag);
    mote_heap_free(&heap, shapes, n * sizeof *shapes);
    return status;
}

static mote_status find(const mote_prep *p, const char *name, mote_prep_kind kind, const char *what, const mote_prep_input **in, size_t *index, mote_diag *diag)
{
    MOTE_REQUIRE(p != NULL && p->model != NULL, diag, MOTE_E_ARGUMENT, "a description that was created with its model is needed");
    *in = mote_prep_input_find(p, name, kind);
    MOTE_REQUIRE(*in != NULL && (*in)->kind == kind, diag, MOTE_E_ARGUMENT, "the preprocessing has no %s input%s%s%s", what, name != NULL ? " '" : "",
                 name != NULL ? name : "", name != NULL ? "'" : "");
    *index = mote_model_input_index(p->model, (*in)->name);
    return MOTE_OK;
}

/* ---- ranges ---- */

/* `given`: the caller wrote the values, not this file. */
static mote_status check_range(const mote_prep *p, const mote_prep_input *in, const mote_tensor *t, bool given, mote_diag *diag)
{
    double least, most;
    const bool bounded = given && !p->trust && mote_prep_bounds(in, &least, &most);
    if (!in->has_range && !bounded)
        return MOTE_OK;
    double low = INFINITY, high = -INFINITY;
    const void *data = mote_tensor_map(t);
    const int64_t n = mote_tensor_count(t);
    for (int64_t i = 0; i < n; i++) {
        const double x = t->dtype == MOTE_DTYPE_F32 ? (double)((const float *)data)[i] : mote_dtype_to_f64(t->dtype, data, (size_t)i);
        MOTE_REQUIRE(x == x, diag, MOTE_E_VALUE, "input '%s': element %lld is NaN, the %s range is [%g, %g]", in->name, (long long)i,
                     in->has_range ? "declared" : "observed", in->has_range ? in->low : in->observed_low, in->has_range ? in->high : in->observed_high);
        low = x < low ? x : low;
        high = x > high ? x : high;
    }
    /* half a step of f32: what the description's f64 bounds become */
    MOTE_REQUIRE(n == 0 || !in->has_range || ((float)low >= (float)in->low && (float)high <= (float)in->high), diag, MOTE_E_VALUE,
                 "input '%s' has values in [%g, %g], the declared range is [%g, %g]", in->name, low, high, in->low, in->high);
    MOTE_REQUIRE(n == 0 || !bounded || (low >= least && high <= most), diag, MOTE_E_VALUE, "input '%s' has values in [%g, %g], the model was calibrated on [%g, %g]", in->name, low, high,
                 in->observed_low, in->observed_high);
    return MOTE_OK;
}

mote_status mote_prep_check_range(const mote_prep *p, mote_session *session, const char *input, mote_diag *diag)
{
    if (diag != NULL)
        *diag = (mote_diag)MOTE_DIAG_INIT;
    MOTE_REQUIRE(p != NULL && session != NULL && input != NULL && p->model != NULL, diag, MOTE_E_ARGUMENT, "a NULL argument");
    const mote_prep_input *in = mote_prep_input_find(p, input, MOTE_PREP_ARRAY);
    if (in == NULL)
        return MOTE_OK;
    const mote_tensor *t = mote_session_input(session, mote_model_input_index(p->model, input));
    MOTE_REQUIRE(t != NULL && t->buffer != NULL, diag, MOTE_E_ARGUMENT, "the session's input '%s' has no memory yet", input);
    return check_range(p, in, t, true, diag);
}

/* ---- pictures ---- */

mote_status mote_prep_image(const mote_prep *p, mote_session *session, const char *input, const mote_image *image, mote_image_map *map, mote_diag *diag)
{
    if (diag != NULL)
        *diag = (mote_diag)MOTE_DIAG_INIT;
    const mote_prep_input *in;
    wanted w = {0};
    MOTE_REQUIRE(session != NULL && image != NULL && image->struct_size >= sizeof *image, diag, MOTE_E_ARGUMENT, "a session and an image are needed");
    MOTE_TRY(find(p, input, MOTE_PREP_IMAGE, "image", &in, &w.input, diag));
    MOTE_REQUIRE(in->min_width == 0 || (image->width >= in->min_width && image->height >= in->min_height), diag, MOTE_E_VALUE,
                 "a picture of %d x %d; the preprocessing declares at least %d x %d", (int)image->width, (int)image->height, (int)in->min_width, (int)in->min_height);
    MOTE_REQUIRE(in->max_width == 0 || (image->width <= in->max_width && image->height <= in->max_height), diag, MOTE_E_VALUE,
                 "a picture of %d x %d; the preprocessing declares at most %d x %d", (int)image->width, (int)image->height, (int)in->max_width, (int)in->max_height);
    mote_image_map own = MOTE_IMAGE_MAP_INIT;
    map = map != NULL ? map : &own;
    MOTE_TRY(mote_image_prep_map(&in->image, image->width, image->height, map, diag));
    mote_value_info info = MOTE_VALUE_INFO_INIT;
    MOTE_TRY(mote_model_input_info(p->model, w.input, &info));
    const int64_t channels = in->image.channels == MOTE_CHANNELS_GRAY ? 1 : 3;
    const bool last = in->image.layout == MOTE_LAYOUT_NHWC;
    const int64_t shape[3] = {last ? map->height : channels, last ? map->width : map->height, last ? channels : map->width};
    w.rank = info.rank;
    w.shape[0] = 1;
    for (int32_t d = info.rank - 3; d < info.rank; d++) {
        const int64_t made = shape[d - (info.rank - 3)];
        MOTE_REQUIRE(info.shape[d] < 0 || info.shape[d] == made, diag, MOTE_E_VALUE,
                     "a picture of %d x %d becomes a tensor of %d x %d; dimension %d of input '%s' is %lld, the model takes %lld", (int)image->width, (int)image->height,
                     (int)map->width, (int)map->height, (int)d, in->name, (long long)made, (long long)info.shape[d]);
        w.shape[d] = made;
    }
    if (info.rank == 4 && info.shape[0] >= 0)
        w.shape[0] = info.shape[0];
    MOTE_TRY(prepare(p, session, &w, 1, diag));
    mote_tensor *t = mote_session_input(session, w.input);
    MOTE_TRY(mote_image_to_tensor(image, &in->image, t, 0, map, &p->heap.allocator, diag));
    return check_range(p, in, t, false, diag);
}

/* ---- text ---- */

mote_status mote_prep_tokenizer_create(const mote_prep *p, const void *vocab, size_t bytes, mote_tokenizer **out, mote_diag *diag)
{
    if (diag != NULL)
        *diag = (mote_diag)MOTE_DIAG_INIT;
    MOTE_REQUIRE(p != NULL && out != NULL && p->has_tokenizer, diag, MOTE_E_ARGUMENT, "a description with a tokenizer is needed");
    *out = NULL;
    if (p->tokenizer.vocab_sha256 != NULL && vocab != NULL && !p->trust) {
        mote_sha256 sum;
        uint8_t digest[32];
        char hex[65];
        mote_sha256_init(&sum);
        mote_sha256_put(&sum, vocab, bytes);
        mote_sha256_end(&sum, digest);
        mote_sha256_hex(digest, hex);
        MOTE_REQUIRE(strcmp(hex, p->tokenizer.vocab_sha256) == 0, diag, MOTE_E_MISMATCH, "the vocabulary's SHA-256 is %s, tokenizer.vocab_sha256 is %s", hex,
                     p->tokenizer.vocab_sha256);
    }
    mote_tokenizer_options o = MOTE_TOKENIZER_OPTIONS_INIT;
    o.allocator = &p->heap.allocator;
    o.lowercase = p->tokenizer.lowercase;
    o.strip_accents = p->tokenizer.strip_accents;
    o.max_length = p->tokenizer.truncation ? p->tokenizer.max_length : 0;
    return mote_tokenizer_create(vocab, bytes, &o, out, diag);
}

static void put_integer(mote_tensor *t, size_t i, int64_t x)
{
    if (t->dtype == MOTE_DTYPE_S64)
        ((int64_t *)mote_tensor_map(t))[i] = x;
    else
        ((int32_t *)mote_tensor_map(t))[i] = (int32_t)x;
}

static mote_status write_text(const mote_prep *p, mote_session *session, const mote_encoding *e, int64_t pad, mote_diag *diag)
{
    wanted want[3];
    size_t n = 0;
    MOTE_REQUIRE(p->tokenizer.max_length == 0 || e->n <= p->tokenizer.max_length, diag, MOTE_E_VALUE,
                 "the text has %zu tokens, tokenizer.model_max_length is %zu", e->n, p->tokenizer.max_length);
    for (size_t i = 0; i < p->n_inputs && n < 3; i++) {
        if (p->inputs[i].kind != MOTE_PREP_TEXT)
            continue;
        mote_value_info info = MOTE_VALUE_INFO_INIT;
        wanted *w = &want[n++];
        *w = (wanted){.input = mote_model_input_index(p->model, p->inputs[i].name), .rank = 2};
        MOTE_TRY(mote_model_input_info(p->model, w->input, &info));
        w->shape[0] = info.shape[0] < 0 ? 1 : info.shape[0];
        w->shape[1] = info.shape[1] < 0 ? (int64_t)e->n : info.shape[1];
        MOTE_REQUIRE((int64_t)e->n <= w->shape[1], diag, MOTE_E_VALUE, "the text has %zu tokens, input '%s' takes %lld", e->n, info.name, (long long)w->shape[1]);
    }
    MOTE_TRY(prepare(p, session, want, n, diag));
    for (size_t i = 0; i < p->n_inputs; i++) {
        const mote_prep_input *in = &p->inputs[i];
        if (in->kind != MOTE_PREP_TEXT)
            continue;
        mote_tensor *t = mote_session_input(session, mote_model_input_index(p->model, in->name));
        const int64_t *from = in->part == MOTE_PART_IDS ? e->ids : in->part == MOTE_PART_MASK ? e->mask : e->types, count = mote_tensor_count(t);
        for (int64_t k = 0; k < count; k++)
            put_integer(t, (size_t)k, k < (int64_t)e->n ? from[k] : in->part == MOTE_PART_IDS ? pad : 0);
    }
    return MOTE_OK;
}

static mote_status feed_text(const mote_prep *p, mote_session *session, const mote_tokenizer *tokenizer, mote_status encoded, mote_encoding *e,
                             mote_encoding **encoding, mote_diag *diag)
{
    if (encoded == MOTE_OK)
        encoded = write_text(p, session, e, mote_tokenizer_pad(tokenizer), diag);
    if (encoded == MOTE_OK && encoding != NULL)
        *encoding = e;
    else
        mote_encoding_destroy(&e);
    return encoded;
}

static mote_status begin_text(const mote_prep *p, mote_session *session, const mote_tokenizer *tokenizer, mote_encoding **encoding, mote_diag *diag)
{
    if (diag != NULL)
        *diag = (mote_diag)MOTE_DIAG_INIT;
    if (encoding != NULL)
        *encoding = NULL;
    MOTE_REQUIRE(p != NULL && p->model != NULL && session != NULL && tokenizer != NULL, diag, MOTE_E_ARGUMENT, "a NULL argument");
    MOTE_REQUIRE(p->has_tokenizer, diag, MOTE_E_ARGUMENT, "the preprocessing has no text input");
    return MOTE_OK;
}

mote_status mote_prep_text(const mote_prep *p, mote_session *session, const mote_tokenizer *tokenizer, const char *text, size_t n, mote_encoding **encoding,
                           mote_diag *diag)
{
    MOTE_TRY(begin_text(p, session, tokenizer, encoding, diag));
    mote_encoding *e = NULL;
    mote_status status = mote_tokenizer_encode(tokenizer, text, n, NULL, 0, &e, diag);
    return feed_text(p, session, tokenizer, status, e, encoding, diag);
}

mote_status mote_prep_words(const mote_prep *p, mote_session *session, const mote_tokenizer *tokenizer, const mote_string *words, size_t n,
                            mote_encoding **encoding, mote_diag *diag)
{
    MOTE_TRY(begin_text(p, session, tokenizer, encoding, diag));
    mote_encoding *e = NULL;
    mote_status status = mote_tokenizer_encode_words(tokenizer, words, n, &e, diag);
    return feed_text(p, session, tokenizer, status, e, encoding, diag);
}

/* ---- sound ---- */

static mote_status check_rate(const mote_prep_input *in, uint32_t rate, mote_diag *diag)
{
    MOTE_REQUIRE(rate == in->sampling_rate, diag, MOTE_E_VALUE, "the sound has %u Hz, inputs.%s.sampling_rate is %u", (unsigned)rate, in->name,
                 (unsigned)in->sampling_rate);
    return MOTE_OK;
}

/* Dimensions of the input for `rows` frames of `values`, or for `values` samples (rows 0): the last open dimension takes what is open. */
static mote_status sound_shape(const mote_value_info *info, size_t rows, size_t values, wanted *w, mote_diag *diag)
{
    int64_t count = 1, open = -1;
    const size_t total = rows == 0 ? values : rows * values;
    w->rank = info->rank;
    for (int32_t d = 0; d < info->rank; d++) {
        w->shape[d] = info->shape[d] < 0 ? 1 : info->shape[d];
        open = info->shape[d] < 0 ? d : open;
        MOTE_REQUIRE(mote_i64_mul(count, w->shape[d], &count), diag, MOTE_E_SHAPE, "input '%s' is too large", info->name);
    }
    if (rows != 0 && info->rank >= 2) {
        int64_t *d = w->shape + info->rank - 2;
        if (info->shape[info->rank - 1] < 0)
            d[1] = (int64_t)values;
        if (info->shape[info->rank - 2] < 0)
            d[0] = (int64_t)rows;
        MOTE_REQUIRE(d[0] == (int64_t)rows && d[1] == (int64_t)values, diag, MOTE_E_VALUE, "the sound gives %zu frames of %zu values, input '%s' takes %lld of %lld",
                     rows, values, info->name, (long long)d[0], (long long)d[1]);
        return MOTE_OK;
    }
    if (open >= 0 && count != 0 && total % (size_t)count == 0) {
        w->shape[open] = (int64_t)total / count;
        count = (int64_t)total;
    }
    MOTE_REQUIRE(count == (int64_t)total, diag, MOTE_E_VALUE, "the sound gives %zu values, input '%s' takes %lld", total, info->name, (long long)count);
    return MOTE_OK;
}

mote_status mote_prep_sound(const mote_prep *p, mote_session *session, const char *input, const float *samples, size_t n, uint32_t rate, mote_diag *diag)
{
    if (diag != NULL)
        *diag = (mote_diag)MOTE_DIAG_INIT;
    const mote_prep_input *in;
    wanted w = {0};
    mote_value_info info = MOTE_VALUE_INFO_INIT;
    MOTE_REQUIRE(session != NULL && samples != NULL && n > 0, diag, MOTE_E_ARGUMENT, "a session and samples are needed");
    MOTE_TRY(find(p, input, MOTE_PREP_AUDIO, "audio", &in, &w.input, diag));
    MOTE_REQUIRE(!in->streamed, diag, MOTE_E_ARGUMENT, "inputs.%s is streamed: mote_prep_stream", in->name);
    MOTE_TRY(check_rate(in, rate, diag));
    MOTE_REQUIRE(in->max_samples == 0 || n <= in->max_samples, diag, MOTE_E_VALUE, "the sound has %zu samples, inputs.%s.max_samples is %llu", n, in->name,
                 (unsigned long long)in->max_samples);
    for (size_t i = 0; i < n; i++)
        MOTE_REQUIRE(isfinite(samples[i]), diag, MOTE_E_VALUE, "sample %zu of the sound is %g", i, (double)samples[i]);
    MOTE_TRY(mote_model_input_info(p->model, w.input, &info));
    const size_t rows = in->framed ? mote_frames_count(&in->frames, n) : 0, values = in->frames.n_mfcc != 0 ? in->frames.n_mfcc : in->frames.n_mels;
    MOTE_REQUIRE(!in->framed || rows > 0, diag, MOTE_E_VALUE, "the sound has %zu samples, a frame takes %zu", n, in->frames.window_length);
    MOTE_TRY(sound_shape(&info, rows, in->framed ? values : n, &w, diag));
    MOTE_TRY(prepare(p, session, &w, 1, diag));
    for (size_t i = 0; i < p->n_inputs; i++) {
        mote_tensor *t = mote_session_input(session, mote_model_input_index(p->model, p->inputs[i].name));
        if (p->inputs[i].kind == MOTE_PREP_STATE)
            memset(mote_tensor_map(t), 0, t->bytes);
        for (int64_t k = 0; p->inputs[i].kind == MOTE_PREP_RATE && k < mote_tensor_count(t); k++)
            put_integer(t, (size_t)k, rate);
    }
    mote_tensor *t = mote_session_input(session, w.input);
    if (in->framed)
        MOTE_TRY(mote_frames_compute(&in->frames, samples, n, mote_tensor_map(t), &p->heap.allocator, diag));
    else
        memcpy(mote_tensor_map(t), samples, n * sizeof *samples);
    return check_range(p, in, t, !in->framed, diag);
}

mote_status mote_prep_stream(const mote_prep *p, mote_model *model, unsigned threads, uint32_t rate, mote_stream **out, mote_diag *diag)
{
    if (diag != NULL)
        *diag = (mote_diag)MOTE_DIAG_INIT;
    const mote_prep_input *in;
    size_t index;
    mote_stream_state states[64];
    mote_stream_options o = MOTE_STREAM_OPTIONS_INIT;
    MOTE_REQUIRE(out != NULL && model != NULL, diag, MOTE_E_ARGUMENT, "a NULL argument");
    *out = NULL;
    MOTE_TRY(find(p, NULL, MOTE_PREP_AUDIO, "audio", &in, &index, diag));
    MOTE_REQUIRE(in->streamed, diag, MOTE_E_ARGUMENT, "inputs.%s has no stream: mote_prep_sound", in->name);
    MOTE_TRY(check_rate(in, rate, diag));
    for (size_t i = 0; i < p->n_inputs; i++) {
        const mote_prep_input *other = &p->inputs[i];
        if (other->kind == MOTE_PREP_RATE)
            o.rate_input = other->name;
        if (other->kind != MOTE_PREP_STATE)
            continue;
        MOTE_REQUIRE(o.n_states < sizeof states / sizeof *states, diag, MOTE_E_LIMIT, "more than %zu states", sizeof states / sizeof *states);
        states[o.n_states++] = (mote_stream_state){other->name, other->state_output};
    }
    o.input = in->name;
    o.output = p->output.output;
    o.window = in->window;
    o.hop = in->hop;
    o.context = in->context;
    o.feature = in->feature;
    o.states = states;
    o.sample_rate = rate;
    o.threads = threads;
    o.low = in->has_range ? in->low : 0;
    o.high = in->has_range ? in->high : 0;
    return mote_stream_create(model, &o, out, diag);
}
