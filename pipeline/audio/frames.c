/* frames.c - features of a sound frame by frame: spectra, mel, cepstra
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/diag.h"
#include "base/heap.h"
#include "base/size.h"
#include "ops/fft.h"
#include <math.h>
#include <mote/mote_audio.h>
#include <string.h>

enum { MAX_WEIGHTS = 1 << 22 };

size_t mote_frames_count(const mote_frames_options *o, size_t n)
{
    return o == NULL || o->hop == 0 || n < o->window_length ? 0 : (n - o->window_length) / o->hop + 1;
}

typedef struct work {
    mote_heap heap;
    mote_stft *stft;
    float *filters, *buffer, *spectrum, *mel;
    double *cosines; /* [n_mfcc][n_mels] */
    void *scratch;
    size_t scratch_bytes, filter_count, cosine_count;
} work;

static mote_status check(const mote_frames_options *o, mote_diag *diag)
{
    MOTE_REQUIRE(o->window_length >= 1 && o->window_length <= o->n_fft && o->hop >= 1, diag, MOTE_E_ARGUMENT, "frames of %zu samples every %zu, n_fft %zu",
                 o->window_length, o->hop, o->n_fft);
    MOTE_REQUIRE(o->power == 1 || o->power == 2, diag, MOTE_E_ARGUMENT, "power is %u, expected 1 or 2", o->power);
    MOTE_REQUIRE(o->n_mels >= 1 && o->n_mels <= 4096 && o->n_fft <= 65536, diag, MOTE_E_ARGUMENT, "%zu mel bands of n_fft %zu, expected 1 to 4096 of at most 65536",
                 o->n_mels, o->n_fft);
    MOTE_REQUIRE(o->n_mels * (o->n_fft / 2 + 1) <= MAX_WEIGHTS && o->n_mels * o->n_mfcc <= MAX_WEIGHTS, diag, MOTE_E_LIMIT,
                 "%zu mel bands of n_fft %zu with %zu coefficients: filters of more than %d weights", o->n_mels, o->n_fft, o->n_mfcc, MAX_WEIGHTS);
    MOTE_REQUIRE(o->n_mfcc <= o->n_mels, diag, MOTE_E_ARGUMENT, "%zu coefficients of %zu mel values", o->n_mfcc, o->n_mels);
    MOTE_REQUIRE(o->log_kind == MOTE_LOG_NONE || o->floor > 0, diag, MOTE_E_ARGUMENT, "floor is %g, expected more than 0 under a logarithm", (double)o->floor);
    return MOTE_OK;
}

static mote_status set_up(const mote_frames_options *o, work *w, mote_diag *diag)
{
    const size_t bins = o->n_fft / 2 + 1;
    mote_stft_options so = MOTE_STFT_OPTIONS_INIT;
    so.allocator = &w->heap.allocator;
    so.n_fft = o->n_fft;
    so.window_length = o->window_length;
    so.window = o->window;
    MOTE_TRY(mote_stft_create(&so, &w->stft, diag));
    mote_mel_options mo = MOTE_MEL_OPTIONS_INIT;
    mo.sample_rate = o->sample_rate;
    mo.n_fft = o->n_fft;
    mo.n_mels = o->n_mels;
    mo.f_min = o->f_min;
    mo.f_max = o->f_max;
    mo.scale = o->scale;
    mo.slaney_norm = o->slaney_norm;
    w->filter_count = o->n_mels * bins;
    w->cosine_count = o->n_mfcc * o->n_mels;
    w->scratch_bytes = mote_stft_scratch_bytes(w->stft);
    w->filters = mote_heap_calloc(&w->heap, w->filter_count, sizeof *w->filters);
    w->buffer = mote_heap_calloc(&w->heap, o->n_fft, sizeof *w->buffer);
    w->spectrum = mote_heap_calloc(&w->heap, bins, 2 * sizeof *w->spectrum);
    w->mel = mote_heap_calloc(&w->heap, o->n_mels, sizeof *w->mel);
    w->scratch = mote_heap_alloc(&w->heap, w->scratch_bytes);
    w->cosines = mote_heap_calloc(&w->heap, w->cosine_count, sizeof *w->cosines);
    if (w->filters == NULL || w->buffer == NULL || w->spectrum == NULL || w->mel == NULL || w->scratch == NULL || (w->cosines == NULL && o->n_mfcc != 0))
        return MOTE_NO_MEMORY(diag, w->filter_count * sizeof *w->filters);
    for (size_t k = 0; k < o->n_mfcc; k++)
        for (size_t m = 0; m < o->n_mels; m++)
            w->cosines[k * o->n_mels + m] = sqrt(2.0 / (double)o->n_mels) * (k == 0 && o->orthonormal ? sqrt(0.5) : 1) * mote_unit_root(k * (2 * m + 1), 4 * o->n_mels).re;
    return mote_mel_filters(&mo, w->filters, diag);
}

static void tear_down(const mote_frames_options *o, work *w)
{
    mote_stft_destroy(&w->stft);
    mote_heap_free(&w->heap, w->filters, w->filter_count * sizeof *w->filters);
    mote_heap_free(&w->heap, w->buffer, o->n_fft * sizeof *w->buffer);
    mote_heap_free(&w->heap, w->spectrum, (o->n_fft / 2 + 1) * 2 * sizeof *w->spectrum);
    mote_heap_free(&w->heap, w->mel, o->n_mels * sizeof *w->mel);
    mote_heap_free(&w->heap, w->scratch, w->scratch_bytes);
    mote_heap_free(&w->heap, w->cosines, w->cosine_count * sizeof *w->cosines);
}

static float logarithm(float v, const mote_frames_options *o)
{
    double x = o->floor_added ? (double)v + (double)o->floor : v > o->floor ? (double)v : (double)o->floor;
    return (float)(o->log_kind == MOTE_LOG_NATURAL ? log(x) : o->log_kind == MOTE_LOG_10 ? log10(x) : o->log_kind == MOTE_LOG_DB ? 10 * log10(x) : (double)v);
}

static void one_frame(const mote_frames_options *o, work *w, const float *x, float *out)
{
    const size_t bins = o->n_fft / 2 + 1;
    /* the window stands in the middle of n_fft: magnitudes do not change with the place */
    memcpy(w->buffer + (o->n_fft - o->window_length) / 2, x, o->window_length * sizeof *x);
    mote_stft_forward(w->stft, w->buffer, w->spectrum, w->scratch);
    for (size_t k = 0; k < bins; k++) {
        const float re = w->spectrum[2 * k], im = w->spectrum[2 * k + 1], power = re * re + im * im;
        w->spectrum[k] = o->power == 2 ? power : sqrtf(power);
    }
    float *mel = o->n_mfcc != 0 ? w->mel : out;
    mote_mel_apply(w->filters, o->n_mels, bins, w->spectrum, MOTE_LOG_NONE, 0, mel);
    for (size_t m = 0; m < o->n_mels; m++)
        mel[m] = logarithm(mel[m], o);
    for (size_t k = 0; k < o->n_mfcc; k++) {
        double sum = 0;
        for (size_t m = 0; m < o->n_mels; m++)
            sum += w->cosines[k * o->n_mels + m] * (double)mel[m];
        out[k] = (float)sum;
    }
}

mote_status mote_frames_compute(const mote_frames_options *options, const float *samples, size_t n, float *out, const mote_allocator *allocator, mote_diag *diag)
{
    if (diag != NULL)
        *diag = (mote_diag)MOTE_DIAG_INIT;
    mote_frames_options o = MOTE_FRAMES_OPTIONS_INIT;
    MOTE_REQUIRE(options != NULL && options->struct_size != 0 && options->struct_size <= sizeof o && samples != NULL && out != NULL, diag, MOTE_E_ARGUMENT,
                 "a NULL argument");
    memcpy(&o, options, options->struct_size);
    MOTE_TRY(check(&o, diag));
    work w = {0};
    mote_heap_init(&w.heap, allocator, 0);
    mote_status status = set_up(&o, &w, diag);
    const size_t frames = mote_frames_count(&o, n), values = o.n_mfcc != 0 ? o.n_mfcc : o.n_mels;
    for (size_t f = 0; f < frames && status == MOTE_OK; f++)
        one_frame(&o, &w, samples + f * o.hop, out + f * values);
    tear_down(&o, &w);
    return status;
}
