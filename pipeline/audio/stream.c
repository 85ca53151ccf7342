/* stream.c - a model fed window by window, with context and carried states
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/diag.h"
#include "base/heap.h"
#include "base/size.h"
#include <math.h>
#include <mote/mote_audio.h>
#include <string.h>

enum { MAX_WINDOW = 1 << 22, MAX_STATES = 64 };

typedef struct state {
    size_t input, output;
} state;

struct mote_stream {
    mote_heap heap;
    mote_session *session;
    mote_stream_options o;
    const char *name;     /* of the input, the model's */
    size_t input, output, rate, n_states;
    state states[MAX_STATES];
    mote_stft *stft;      /* for magnitudes */
    float *buffer;        /* context + window samples, the newest last */
    float *spectrum;
    void *scratch;
    size_t scratch_bytes, length, waiting; /* length: context + window; waiting: new samples not yet seen by a step */
    uint64_t position;    /* of the first waiting sample */
};

static mote_status find(const mote_model *m, const char *name, bool output, size_t *out, mote_diag *diag)
{
    *out = output ? mote_model_output_index(m, name) : mote_model_input_index(m, name);
    MOTE_REQUIRE(*out != SIZE_MAX, diag, MOTE_E_ARGUMENT, "the model has no %s '%s'", output ? "output" : "input", name);
    return MOTE_OK;
}

static mote_status find_names(mote_stream *s, const mote_model *m, mote_diag *diag)
{
    const mote_stream_options *o = &s->o;
    MOTE_REQUIRE(o->n_states <= MAX_STATES, diag, MOTE_E_LIMIT, "%zu states, at most %d", o->n_states, MAX_STATES);
    for (size_t i = 0; i < o->n_states; i++) {
        MOTE_TRY(find(m, o->states[i].input, false, &s->states[i].input, diag));
        MOTE_TRY(find(m, o->states[i].output, true, &s->states[i].output, diag));
    }
    s->n_states = o->n_states;
    s->rate = SIZE_MAX;
    if (o->rate_input != NULL)
        MOTE_TRY(find(m, o->rate_input, false, &s->rate, diag));
    s->input = s->output = SIZE_MAX;
    if (o->input != NULL)
        MOTE_TRY(find(m, o->input, false, &s->input, diag));
    if (o->output != NULL)
        MOTE_TRY(find(m, o->output, true, &s->output, diag));
    for (size_t i = 0; i < mote_model_input_count(m) && s->input == SIZE_MAX; i++) {
        bool taken = i == s->rate;
        for (size_t k = 0; k < s->n_states; k++)
            taken = taken || s->states[k].input == i;
        s->input = taken ? SIZE_MAX : i;
    }
    for (size_t i = 0; i < mote_model_output_count(m) && s->output == SIZE_MAX; i++) {
        bool taken = false;
        for (size_t k = 0; k < s->n_states; k++)
            taken = taken || s->states[k].output == i;
        s->output = taken ? SIZE_MAX : i;
    }
    MOTE_REQUIRE(s->input != SIZE_MAX && s->output != SIZE_MAX, diag, MOTE_E_ARGUMENT, "no input or output is left for the sound and its result");
    return MOTE_OK;
}

static size_t features(const mote_stream *s) { return s->o.feature == MOTE_STREAM_MAGNITUDE ? s->o.window / 2 + 1 : s->length; }

/* Every dimension that the model leaves open is 1, but the last open one of the sound's input, which takes the features. */
static mote_status prepare(mote_stream *s, mote_model *m, mote_diag *diag)
{
    size_t n = mote_model_input_count(m);
    mote_tensor *shapes = mote_heap_calloc(&s->heap, n, sizeof *shapes);
    if (shapes == NULL)
        return MOTE_NO_MEMORY(diag, n * sizeof *shapes);
    mote_status status = MOTE_OK;
    for (size_t i = 0; i < n && status == MOTE_OK; i++) {
        mote_value_info info = MOTE_VALUE_INFO_INIT;
        status = mote_model_input_info(m, i, &info);
        int64_t shape[MOTE_MAX_RANK], count = 1, open = -1;
        for (int32_t d = 0; d < info.rank; d++) {
            shape[d] = info.shape[d] < 0 ? 1 : info.shape[d];
            open = info.shape[d] < 0 ? d : open;
            count *= shape[d];
        }
        shapes[i] = (mote_tensor)MOTE_TENSOR_INIT;
        if (i == s->input)
            s->name = info.name;
        if (info.optional)
            continue;
        if (i == s->input && open >= 0 && count != 0) {
            shape[open] = (int64_t)features(s) / (count / shape[open]);
            count = count * shape[open];
        }
        if (status == MOTE_OK && i == s->input && (info.dtype != MOTE_DTYPE_F32 || count != (int64_t)features(s)))
            status = mote_fail(diag, MOTE_E_SHAPE, "input '%s' takes %lld values of %s, a step gives %zu of float32", info.name, (long long)count,
                               mote_dtype_name(info.dtype), features(s));
        if (status == MOTE_OK && mote_tensor_describe(&shapes[i], info.dtype, info.rank, shape, NULL) != MOTE_OK)
            status = mote_fail(diag, MOTE_E_SHAPE, "input '%s' has no shape of fixed rank", info.name);
    }
    if (status == MOTE_OK)
        status = mote_session_prepare(s->session, shapes, n, diag);
    mote_heap_free(&s->heap, shapes, n * sizeof *shapes);
    return status;
}

static mote_status set_rate(mote_stream *s, mote_diag *diag)
{
    if (s->rate == SIZE_MAX)
        return MOTE_OK;
    mote_tensor *t = mote_session_input(s->session, s->rate);
    MOTE_REQUIRE((t->dtype == MOTE_DTYPE_S64 || t->dtype == MOTE_DTYPE_S32) && mote_tensor_count(t) == 1, diag, MOTE_E_DTYPE,
                 "the input for the sample rate is not one integer");
    if (t->dtype == MOTE_DTYPE_S64)
        *(int64_t *)mote_tensor_map(t) = s->o.sample_rate;
    else
        *(int32_t *)mote_tensor_map(t) = (int32_t)s->o.sample_rate;
    return MOTE_OK;
}

void mote_stream_reset(mote_stream *s)
{
    for (size_t i = 0; i < s->n_states; i++) {
        mote_tensor *t = mote_session_input(s->session, s->states[i].input);
        memset(mote_tensor_map(t), 0, t->bytes);
    }
    memset(s->buffer, 0, s->length * sizeof *s->buffer);
    s->waiting = 0;
    s->position = 0;
}

static mote_status build(mote_stream *s, mote_model *model, mote_diag *diag)
{
    mote_stream_options *o = &s->o;
    o->hop = o->hop == 0 ? o->window : o->hop;
    MOTE_REQUIRE(o->window >= 1 && o->window <= MAX_WINDOW && o->hop <= o->window && o->context <= MAX_WINDOW, diag, MOTE_E_ARGUMENT,
                 "window %zu, hop %zu, context %zu: at most %d, the hop within the window", o->window, o->hop, o->context, MAX_WINDOW);
    MOTE_REQUIRE(o->low <= o->high, diag, MOTE_E_ARGUMENT, "a declared range of [%g, %g]", o->low, o->high);
    MOTE_REQUIRE(o->feature == MOTE_STREAM_SAMPLES || o->context == 0, diag, MOTE_E_ARGUMENT, "a spectrum has no context");
    s->length = o->context + o->window;
    MOTE_TRY(find_names(s, model, diag));
    s->buffer = mote_heap_calloc(&s->heap, s->length, sizeof *s->buffer);
    if (s->buffer == NULL)
        return MOTE_NO_MEMORY(diag, s->length * sizeof *s->buffer);
    if (o->feature == MOTE_STREAM_MAGNITUDE) {
        mote_stft_options f = MOTE_STFT_OPTIONS_INIT;
        f.n_fft = o->window;
        f.window = MOTE_WINDOW_RECTANGLE;
        f.allocator = &s->heap.allocator;
        MOTE_TRY(mote_stft_create(&f, &s->stft, diag));
        s->scratch_bytes = mote_stft_scratch_bytes(s->stft);
        s->scratch = mote_heap_alloc(&s->heap, s->scratch_bytes);
        s->spectrum = mote_heap_calloc(&s->heap, o->window / 2 + 1, 2 * sizeof *s->spectrum);
        if (s->scratch == NULL || s->spectrum == NULL)
            return MOTE_NO_MEMORY(diag, s->scratch_bytes);
    }
    mote_session_options so = MOTE_SESSION_OPTIONS_INIT;
    so.threads = o->threads;
    MOTE_TRY(mote_session_create(model, &so, &s->session, diag));
    MOTE_TRY(prepare(s, model, diag));
    mote_stream_reset(s);
    return set_rate(s, diag);
}

mote_status mote_stream_create(mote_model *model, const mote_stream_options *options, mote_stream **out, mote_diag *diag)
{
    if (diag != NULL)
        *diag = (mote_diag)MOTE_DIAG_INIT;
    MOTE_REQUIRE(model != NULL && out != NULL, diag, MOTE_E_ARGUMENT, "a NULL argument");
    *out = NULL;
    mote_stream_options o = MOTE_STREAM_OPTIONS_INIT;
    if (options != NULL) {
        MOTE_REQUIRE(options->struct_size != 0 && options->struct_size <= sizeof o, diag, MOTE_E_ARGUMENT, "stream options of %zu bytes",
                     options->struct_size);
        memcpy(&o, options, options->struct_size);
    }
    mote_heap heap;
    mote_heap_init(&heap, NULL, 0);
    mote_stream *s = mote_heap_calloc(&heap, 1, sizeof *s);
    if (s == NULL)
        return MOTE_NO_MEMORY(diag, sizeof *s);
    mote_heap_init(&s->heap, NULL, 0);
    s->o = o;
    mote_status status = build(s, model, diag);
    if (status != MOTE_OK) {
        mote_stream_destroy(&s);
        return status;
    }
    s->o.states = NULL; /* borrowed until here */
    *out = s;
    return MOTE_OK;
}

void mote_stream_destroy(mote_stream **stream)
{
    if (stream == NULL || *stream == NULL)
        return;
    mote_stream *s = *stream;
    mote_session_destroy(&s->session);
    mote_stft_destroy(&s->stft);
    mote_heap_free(&s->heap, s->buffer, s->length * sizeof *s->buffer);
    mote_heap_free(&s->heap, s->scratch, s->scratch_bytes);
    mote_heap_free(&s->heap, s->spectrum, (s->o.window / 2 + 1) * 2 * sizeof *s->spectrum);
    mote_heap heap;
    mote_heap_init(&heap, NULL, 0);
    heap.allocator.free(heap.allocator.ctx, s, sizeof *s);
    *stream = NULL;
}

static mote_status check_range(const mote_stream *s, const float *x, mote_diag *diag)
{
    if (s->o.low >= s->o.high)
        return MOTE_OK;
    float low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < features(s); i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    MOTE_REQUIRE(low >= (float)s->o.low && high <= (float)s->o.high, diag, MOTE_E_VALUE, "input '%s' has values in [%g, %g], the declared range is [%g, %g]", s->name,
                 (double)low, (double)high, s->o.low, s->o.high);
    return MOTE_OK;
}

static mote_status step(mote_stream *s, mote_stream_fn fn, void *ctx, bool *go_on, mote_diag *diag)
{
    float *x = mote_tensor_map(mote_session_input(s->session, s->input));
    if (s->o.feature == MOTE_STREAM_MAGNITUDE) {
        mote_stft_forward(s->stft, s->buffer, s->spectrum, s->scratch);
        for (size_t k = 0; k <= s->o.window / 2; k++)
            x[k] = sqrtf(s->spectrum[2 * k] * s->spectrum[2 * k] + s->spectrum[2 * k + 1] * s->spectrum[2 * k + 1]);
    } else {
        memcpy(x, s->buffer, s->length * sizeof *x);
    }
    MOTE_TRY(check_range(s, x, diag));
    MOTE_TRY(mote_session_run(s->session, NULL, diag));
    for (size_t i = 0; i < s->n_states; i++) {
        mote_tensor *to = mote_session_input(s->session, s->states[i].input);
        const mote_tensor *from = mote_session_output(s->session, s->states[i].output);
        MOTE_REQUIRE(to->bytes == from->bytes && to->dtype == from->dtype, diag, MOTE_E_SHAPE, "state %zu comes out with %zu bytes, its input takes %zu", i,
                     from->bytes, to->bytes);
        memcpy(mote_tensor_map(to), mote_tensor_map(from), to->bytes);
    }
    const mote_tensor *y = mote_session_output(s->session, s->output);
    MOTE_REQUIRE(y->dtype == MOTE_DTYPE_F32, diag, MOTE_E_DTYPE, "the result is %s, expected float32", mote_dtype_name(y->dtype));
    *go_on = fn == NULL || fn(ctx, s->position, mote_tensor_map(y), (size_t)mote_tensor_count(y));
    s->position += s->o.hop;
    s->waiting = 0;
    return MOTE_OK;
}

/* Shifts the buffer by n and appends n samples (NULL: zeros). */
static void take(mote_stream *s, const float *samples, size_t n)
{
    memmove(s->buffer, s->buffer + n, (s->length - n) * sizeof *s->buffer);
    if (samples != NULL)
        memcpy(s->buffer + s->length - n, samples, n * sizeof *samples);
    else
        memset(s->buffer + s->length - n, 0, n * sizeof *s->buffer);
    s->waiting += n;
}

mote_status mote_stream_push(mote_stream *s, const float *samples, size_t n, mote_stream_fn fn, void *ctx, mote_diag *diag)
{
    if (diag != NULL)
        *diag = (mote_diag)MOTE_DIAG_INIT;
    MOTE_REQUIRE(s != NULL && (samples != NULL || n == 0), diag, MOTE_E_ARGUMENT, "a NULL argument");
    for (size_t i = 0; i < n; i++)
        MOTE_REQUIRE(isfinite(samples[i]), diag, MOTE_E_VALUE, "sample %llu of the sound is %g", (unsigned long long)(s->position + s->waiting + i), (double)samples[i]);
    bool go_on = true;
    while (n > 0 && go_on) {
        size_t want = s->o.hop - s->waiting, now = n < want ? n : want;
        take(s, samples, now);
        samples += now;
        n -= now;
        if (s->waiting == s->o.hop)
            MOTE_TRY(step(s, fn, ctx, &go_on, diag));
    }
    return MOTE_OK;
}

mote_status mote_stream_flush(mote_stream *s, mote_stream_fn fn, void *ctx, mote_diag *diag)
{
    if (diag != NULL)
        *diag = (mote_diag)MOTE_DIAG_INIT;
    MOTE_REQUIRE(s != NULL, diag, MOTE_E_ARGUMENT, "a NULL argument");
    bool go_on;
    if (s->waiting == 0)
        return MOTE_OK;
    take(s, NULL, s->o.hop - s->waiting);
    return step(s, fn, ctx, &go_on, diag);
}
