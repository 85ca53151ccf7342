/* samples_sound.c - sounds as samples: pieces of a sound, or the steps of a stream with the states that the model itself gives
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "samples_sound.h"
#include "eval.h"
#include "samples.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 32768, MAX_INPUTS = 64 };

/* One step of a stream: arrays for every input, which are the stream's own memory. */
typedef struct steps {
    feed *f;
    const mote_prep_input *sound;
    named_arrays in;
    const char *output[MAX_INPUTS]; /* of the states: where they come from */
    float *x, *spectrum;            /* where the sound goes; for magnitudes */
    void *scratch;
    mote_stft *stft;
    size_t length;                  /* context + window */
} steps;

/* Open dimensions are 1, but the last of the sound, which takes `values`. */
static mote_status make_input(steps *k, size_t i, size_t values, uint32_t rate, mote_diag *diag)
{
    mote_value_info info = MOTE_VALUE_INFO_INIT;
    MOTE_TRY(mote_model_input_info(k->f->engine.model, i, &info));
    const mote_prep_input *p = mote_prep_input_find(k->f->prep, info.name, MOTE_PREP_ARRAY);
    MOTE_REQUIRE(p != NULL && (p == k->sound || p->kind == MOTE_PREP_STATE || p->kind == MOTE_PREP_RATE), diag, MOTE_E_UNSUPPORTED, "the input '%s' takes neither sound nor state", info.name);
    mote_array *a = &k->in.items[k->in.n].array;
    int64_t dims[MOTE_MAX_RANK], others = 1;
    int32_t last = -1;
    for (int32_t d = 0; d < info.rank; d++)
        last = info.shape[d] < 0 ? d : last;
    for (int32_t d = 0; d < info.rank; d++) {
        dims[d] = info.shape[d] < 0 ? 1 : info.shape[d];
        others *= dims[d];
    }
    if (p == k->sound && last >= 0 && others > 0)
        dims[last] = (int64_t)values / others;
    MOTE_TRY(mote_array_shape(a, info.dtype, info.rank, dims, diag));
    MOTE_REQUIRE(p != k->sound || (mote_array_count(a) == values && a->dtype == MOTE_DTYPE_F32), diag, MOTE_E_SHAPE, "the input '%s' takes %zu values, a step has %zu", info.name,
                 mote_array_count(a), values);
    a->data = calloc(1, a->bytes + 1);
    k->in.items[k->in.n].name = strdup(info.name);
    k->output[k->in.n] = p->kind == MOTE_PREP_STATE ? p->state_output : NULL;
    k->in.n++;
    if (a->data == NULL || k->in.items[k->in.n - 1].name == NULL)
        return MOTE_NO_MEMORY(diag, a->bytes);
    if (p == k->sound)
        k->x = a->data;
    for (size_t e = 0; p->kind == MOTE_PREP_RATE && e < mote_array_count(a); e++)
        mote_dtype_from_i64(a->dtype, a->data, e, rate);
    return MOTE_OK;
}

static mote_status make_steps(steps *k, uint32_t rate, mote_diag *diag)
{
    const size_t n = mote_model_input_count(k->f->engine.model), window = k->sound->window;
    const bool magnitudes = k->sound->feature == MOTE_STREAM_MAGNITUDE;
    k->length = window + k->sound->context;
    MOTE_REQUIRE(n <= MAX_INPUTS, diag, MOTE_E_LIMIT, "the model has %zu inputs, at most %d are fed", n, MAX_INPUTS);
    k->in.items = calloc(n + 1, sizeof *k->in.items);
    if (k->in.items == NULL)
        return MOTE_NO_MEMORY(diag, n * sizeof *k->in.items);
    for (size_t i = 0; i < n; i++)
        MOTE_TRY(make_input(k, i, magnitudes ? window / 2 + 1 : k->length, rate, diag));
    MOTE_REQUIRE(k->x != NULL, diag, MOTE_E_ARGUMENT, "the model has no input '%s'", k->sound->name);
    if (!magnitudes)
        return MOTE_OK;
    mote_stft_options so = MOTE_STFT_OPTIONS_INIT;
    so.n_fft = window;
    so.window = MOTE_WINDOW_RECTANGLE;
    MOTE_TRY(mote_stft_create(&so, &k->stft, diag));
    k->scratch = malloc(mote_stft_scratch_bytes(k->stft) + 1);
    k->spectrum = calloc(window / 2 + 1, 2 * sizeof *k->spectrum);
    return k->scratch != NULL && k->spectrum != NULL ? MOTE_OK : MOTE_NO_MEMORY(diag, window * sizeof(float));
}

/* Samples [at - length, at), zeros before the beginning. */
static void put_sound(steps *k, const feed_sound *s, size_t at, float *buffer)
{
    for (size_t i = 0; i < k->length; i++)
        buffer[i] = at + i >= k->length && at + i - k->length < s->n ? s->samples[at + i - k->length] : 0;
    if (k->stft == NULL) {
        memcpy(k->x, buffer, k->length * sizeof *buffer);
        return;
    }
    mote_stft_forward(k->stft, buffer + k->sound->context, k->spectrum, k->scratch);
    for (size_t i = 0; i <= k->sound->window / 2; i++)
        k->x[i] = sqrtf(k->spectrum[2 * i] * k->spectrum[2 * i] + k->spectrum[2 * i + 1] * k->spectrum[2 * i + 1]);
}

static mote_status carry_states(steps *k, mote_diag *diag)
{
    const engine *e = &k->f->engine;
    for (size_t i = 0; i < k->in.n; i++) {
        if (k->output[i] == NULL)
            continue;
        const size_t from = mote_model_output_index(e->model, k->output[i]);
        const mote_tensor *t = from != SIZE_MAX ? mote_session_output(e->session, from) : NULL;
        MOTE_REQUIRE(t != NULL && t->bytes == k->in.items[i].array.bytes && t->dtype == k->in.items[i].array.dtype, diag, MOTE_E_SHAPE, "the output '%s' is no state for '%s'",
                     k->output[i], k->in.items[i].name);
        memcpy(k->in.items[i].array.data, mote_tensor_map(t), t->bytes);
    }
    return MOTE_OK;
}

static mote_status run_steps(steps *k, const feed_sound *s, sound_step run, void *ctx, mote_diag *diag)
{
    const size_t hop = k->sound->hop != 0 ? k->sound->hop : k->sound->window;
    float *buffer = calloc(k->length + 1, sizeof *buffer);
    mote_status status = buffer != NULL ? MOTE_OK : MOTE_NO_MEMORY(diag, k->length * sizeof *buffer);
    bool more = true;
    for (size_t at = hop; at <= s->n && more && status == MOTE_OK; at += hop) {
        put_sound(k, s, at, buffer);
        status = engine_feed(&k->f->engine, &k->in, diag);
        if (status == MOTE_OK)
            status = run(ctx, &more, diag);
        if (status == MOTE_OK)
            status = carry_states(k, diag);
        eval_progress(at, s->n);
    }
    eval_progress(s->n, s->n);
    free(buffer);
    return status;
}

static mote_status run_stream(feed *f, const mote_prep_input *in, const feed_sound *s, sound_step run, void *ctx, mote_diag *diag)
{
    steps k = {.f = f, .sound = in};
    mote_status status = make_steps(&k, s->rate, diag);
    if (status == MOTE_OK)
        status = run_steps(&k, s, run, ctx, diag);
    named_arrays_free(&k.in);
    mote_stft_destroy(&k.stft);
    free(k.scratch);
    free(k.spectrum);
    return status;
}

mote_status sound_run(feed *f, const char *path, sound_step run, void *ctx, mote_diag *diag)
{
    feed_sound s;
    MOTE_REQUIRE(f->prep != NULL, diag, MOTE_E_ARGUMENT, "sounds need preprocessing: give --prep, or store it in the model (mote meta)");
    const mote_prep_input *in = mote_prep_input_find(f->prep, NULL, MOTE_PREP_AUDIO);
    MOTE_REQUIRE(in != NULL, diag, MOTE_E_ARGUMENT, "the preprocessing has no audio input");
    MOTE_TRY(feed_read_sound(path, &s, diag));
    mote_status status = in->sampling_rate == 0 || in->sampling_rate == s.rate
                             ? MOTE_OK
                             : mote_fail(diag, MOTE_E_VALUE, "sound at %u Hz, the preprocessing declares %u", (unsigned)s.rate, (unsigned)in->sampling_rate);
    bool more = true;
    if (status == MOTE_OK && in->streamed)
        status = run_stream(f, in, &s, run, ctx, diag);
    for (size_t at = 0; status == MOTE_OK && !in->streamed && at < s.n && more; at += PIECE) {
        const bool whole = in->framed || s.n - at < 2 * PIECE; /* features of a sound are of all of it; no short piece at the end */
        const size_t n = whole ? s.n - at : PIECE;
        status = mote_prep_sound(f->prep, f->engine.session, in->name, s.samples + at, n, s.rate, diag);
        if (status == MOTE_OK)
            status = run(ctx, &more, diag);
        eval_progress(whole ? s.n : at + n, s.n);
        more = more && !whole;
    }
    free(s.samples);
    return status;
}
