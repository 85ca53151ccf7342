/* stft.c - windows, spectra, mel filters
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/size.h"
#include "ops/fft.h"
#include <math.h>
#include <mote/mote_audio.h>
#include <string.h>

enum { MAX_FFT = 65536 };

struct mote_stft {
    mote_heap heap;
    mote_fft fft;
    size_t n_fft;
    float *window; /* n_fft, zeros around it */
};

/* w(t) of the usual windows; cosines of t turns over n points. Povey's is Hann's to the power 0.85 (Kaldi). */
static double window_value(mote_window kind, size_t t, size_t length)
{
    size_t n = kind == MOTE_WINDOW_POVEY ? (length > 1 ? length - 1 : 1) : length;
    double c1 = mote_unit_root(t, n).re, c2 = mote_unit_root(2 * t, n).re;
    switch (kind) {
    case MOTE_WINDOW_HANN: return 0.5 - 0.5 * c1;
    case MOTE_WINDOW_HAMMING: return 0.54 - 0.46 * c1;
    case MOTE_WINDOW_BLACKMAN: return 0.42 - 0.5 * c1 + 0.08 * c2;
    case MOTE_WINDOW_POVEY: return pow(0.5 - 0.5 * c1, 0.85);
    default: return 1;
    }
}

mote_status mote_stft_create(const mote_stft_options *options, mote_stft **out, mote_diag *diag)
{
    if (diag != NULL)
        *diag = (mote_diag)MOTE_DIAG_INIT;
    MOTE_REQUIRE(out != NULL, diag, MOTE_E_ARGUMENT, "out is NULL");
    *out = NULL;
    mote_stft_options o = MOTE_STFT_OPTIONS_INIT;
    if (options != NULL) {
        MOTE_REQUIRE(options->struct_size != 0 && options->struct_size <= sizeof o, diag, MOTE_E_ARGUMENT, "STFT options of %zu bytes", options->struct_size);
        memcpy(&o, options, options->struct_size);
    }
    size_t length = o.window_length != 0 ? o.window_length : o.n_fft;
    MOTE_REQUIRE(o.n_fft >= 2 && o.n_fft <= MAX_FFT && length <= o.n_fft, diag, MOTE_E_ARGUMENT, "n_fft %zu with a window of %zu: at most %d", o.n_fft,
                 length, MAX_FFT);
    MOTE_REQUIRE(o.window >= MOTE_WINDOW_RECTANGLE && o.window <= MOTE_WINDOW_POVEY, diag, MOTE_E_ARGUMENT, "window %d is not known", (int)o.window);
    mote_heap heap;
    mote_heap_init(&heap, o.allocator, 0);
    mote_stft *s = heap.allocator.alloc(heap.allocator.ctx, sizeof *s, MOTE_ALIGN);
    if (s == NULL)
        return MOTE_NO_MEMORY(diag, sizeof *s);
    memset(s, 0, sizeof *s);
    mote_heap_init(&s->heap, o.allocator, 0);
    s->n_fft = o.n_fft;
    s->window = mote_heap_calloc(&s->heap, o.n_fft, sizeof *s->window);
    mote_status status = s->window == NULL ? MOTE_NO_MEMORY(diag, o.n_fft * sizeof(float)) : mote_fft_init(&s->fft, o.n_fft, &s->heap, diag);
    if (status != MOTE_OK) {
        mote_stft_destroy(&s);
        return status;
    }
    for (size_t t = 0; t < length; t++)
        s->window[(o.n_fft - length) / 2 + t] = (float)window_value(o.window, t, length);
    *out = s;
    return MOTE_OK;
}

void mote_stft_destroy(mote_stft **stft)
{
    if (stft == NULL || *stft == NULL)
        return;
    mote_stft *s = *stft;
    mote_heap heap;
    mote_heap_init(&heap, &s->heap.allocator, 0);
    mote_heap_free(&s->heap, s->window, s->n_fft * sizeof *s->window);
    mote_fft_deinit(&s->fft, &s->heap);
    heap.allocator.free(heap.allocator.ctx, s, sizeof *s);
    *stft = NULL;
}

size_t mote_stft_scratch_bytes(const mote_stft *s) { return (s->n_fft + s->fft.m) * sizeof(mote_complex); }

void mote_stft_forward(const mote_stft *s, const float *x, float *out, void *scratch)
{
    mote_complex *c = scratch;
    for (size_t t = 0; t < s->n_fft; t++)
        c[t] = (mote_complex){(double)(x[t] * s->window[t]), 0};
    mote_fft_run(&s->fft, c, c + s->n_fft, false);
    for (size_t k = 0; k <= s->n_fft / 2; k++) {
        out[2 * k] = (float)c[k].re;
        out[2 * k + 1] = (float)c[k].im;
    }
}

void mote_stft_inverse(const mote_stft *s, const float *in, float *out, void *scratch)
{
    mote_complex *c = scratch;
    size_t n = s->n_fft;
    for (size_t k = 0; k < n; k++) {
        size_t from = k <= n / 2 ? k : n - k;
        c[k] = (mote_complex){(double)in[2 * from], k <= n / 2 ? (double)in[2 * from + 1] : -(double)in[2 * from + 1]};
    }
    mote_fft_run(&s->fft, c, c + n, true);
    for (size_t t = 0; t < n; t++)
        out[t] = (float)(c[t].re / (double)n);
}

/* ---- mel ---- */

static double to_mel(double f, mote_mel_scale scale)
{
    if (scale == MOTE_MEL_HTK)
        return 2595.0 * log10(1.0 + f / 700.0);
    return f < 1000.0 ? f * 3.0 / 200.0 : 15.0 + log(f / 1000.0) * 27.0 / log(6.4);
}

static double from_mel(double m, mote_mel_scale scale)
{
    if (scale == MOTE_MEL_HTK)
        return 700.0 * (pow(10.0, m / 2595.0) - 1.0);
    return m < 15.0 ? m * 200.0 / 3.0 : 1000.0 * exp((m - 15.0) * log(6.4) / 27.0);
}

mote_status mote_mel_filters(const mote_mel_options *options, float *out, mote_diag *diag)
{
    if (diag != NULL)
        *diag = (mote_diag)MOTE_DIAG_INIT;
    mote_mel_options o = MOTE_MEL_OPTIONS_INIT;
    MOTE_REQUIRE(options != NULL && out != NULL && options->struct_size != 0 && options->struct_size <= sizeof o, diag, MOTE_E_ARGUMENT, "a NULL argument");
    memcpy(&o, options, options->struct_size);
    double top = o.f_max != 0 ? (double)o.f_max : (double)o.sample_rate / 2;
    MOTE_REQUIRE(o.n_fft >= 2 && o.n_fft <= MAX_FFT && o.n_mels >= 1 && o.n_mels <= 4096 && o.sample_rate >= 1 && o.f_min >= 0 && (double)o.f_min < top &&
                     top <= (double)o.sample_rate / 2,
                 diag, MOTE_E_ARGUMENT, "%zu mel bands from %g to %g Hz of %u Hz with n_fft %zu", o.n_mels, (double)o.f_min, top, o.sample_rate, o.n_fft);
    size_t bins = o.n_fft / 2 + 1;
    double lo = to_mel((double)o.f_min, o.scale), hi = to_mel(top, o.scale), step = (hi - lo) / (double)(o.n_mels + 1);
    for (size_t m = 0; m < o.n_mels; m++) {
        double left = from_mel(lo + step * (double)m, o.scale), mid = from_mel(lo + step * (double)(m + 1), o.scale),
               right = from_mel(lo + step * (double)(m + 2), o.scale), norm = o.slaney_norm ? 2.0 / (right - left) : 1.0;
        for (size_t k = 0; k < bins; k++) {
            double f = (double)o.sample_rate * (double)k / (double)o.n_fft, up = (f - left) / (mid - left), down = (right - f) / (right - mid);
            double w = up < down ? up : down;
            out[m * bins + k] = (float)(w > 0 ? w * norm : 0);
        }
    }
    return MOTE_OK;
}

void mote_mel_apply(const float *filters, size_t n_mels, size_t bins, const float *power, mote_log_kind log_kind, float floor, float *out)
{
    for (size_t m = 0; m < n_mels; m++) {
        double sum = 0;
        for (size_t k = 0; k < bins; k++)
            sum += (double)filters[m * bins + k] * (double)power[k];
        double v = log_kind == MOTE_LOG_NONE || sum > (double)floor ? sum : (double)floor;
        out[m] = (float)(log_kind == MOTE_LOG_NATURAL ? log(v) : log_kind == MOTE_LOG_10 ? log10(v) : log_kind == MOTE_LOG_DB ? 10 * log10(v) : v);
    }
}
