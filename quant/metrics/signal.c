/* signal.c - how far a sound lies from the one that it should be
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "quant/metrics/signal.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const size_t sizes[MOTE_SIGNAL_FFTS] = {512, 1024, 2048};
enum { LARGEST = 2048, BINS = LARGEST / 2 + 1 };

mote_status mote_signal_meter_init(mote_signal_meter *m, mote_diag *diag)
{
    size_t scratch = 0;
    *m = (mote_signal_meter){.room = malloc((LARGEST + 4 * BINS) * sizeof(float))};
    mote_status status = m->room != NULL ? MOTE_OK : MOTE_NO_MEMORY(diag, (LARGEST + 4 * BINS) * sizeof(float));
    for (size_t k = 0; k < MOTE_SIGNAL_FFTS && status == MOTE_OK; k++) {
        mote_stft_options o = MOTE_STFT_OPTIONS_INIT;
        o.n_fft = sizes[k];
        status = mote_stft_create(&o, &m->stft[k], diag);
        if (status == MOTE_OK && mote_stft_scratch_bytes(m->stft[k]) > scratch)
            scratch = mote_stft_scratch_bytes(m->stft[k]);
    }
    if (status == MOTE_OK && (m->scratch = malloc(scratch)) == NULL)
        status = MOTE_NO_MEMORY(diag, scratch);
    if (status != MOTE_OK)
        mote_signal_meter_deinit(m);
    return status;
}

void mote_signal_meter_deinit(mote_signal_meter *m)
{
    for (size_t k = 0; k < MOTE_SIGNAL_FFTS; k++)
        mote_stft_destroy(&m->stft[k]);
    free(m->room);
    free(m->scratch);
    *m = (mote_signal_meter){.room = NULL};
}

/* The magnitudes of the frame whose first sample is `at` less half an FFT, into `to`. */
static void magnitudes(const mote_signal_meter *m, size_t k, const float *x, size_t n, size_t at, float *to)
{
    const size_t size = sizes[k], half = size / 2;
    float *frame = m->room, *spectrum = m->room + LARGEST;
    for (size_t i = 0; i < size; i++)
        frame[i] = at + i >= half && at + i - half < n ? x[at + i - half] : 0;
    mote_stft_forward(m->stft[k], frame, spectrum, m->scratch);
    for (size_t i = 0; i <= half; i++) {
        const double re = (double)spectrum[2 * i], im = (double)spectrum[2 * i + 1];
        to[i] = (float)sqrt(fmax(re * re + im * im, 1e-7));
    }
}

static double stft_distance(const mote_signal_meter *m, const float *s, const float *x, size_t n)
{
    float *a = m->room + LARGEST + 2 * BINS, *b = a + BINS;
    double all = 0;
    for (size_t k = 0; k < MOTE_SIGNAL_FFTS; k++) {
        const size_t hop = sizes[k] / 4, frames = (n + hop - 1) / hop + 1; /* padded: n + size samples, and what fills the last frame */
        double apart = 0, size = 0, logs = 0;
        for (size_t f = 0; f < frames; f++) {
            magnitudes(m, k, s, n, f * hop, a);
            magnitudes(m, k, x, n, f * hop, b);
            for (size_t i = 0; i <= sizes[k] / 2; i++) {
                const double p = (double)a[i], q = (double)b[i];
                apart += (p - q) * (p - q);
                size += p * p;
                logs += fabs(log(p) - log(q));
            }
        }
        all += sqrt(apart / size) + logs / (double)(frames * (sizes[k] / 2 + 1));
    }
    return all / MOTE_SIGNAL_FFTS;
}

static double ratio_db(double signal, double noise) { return noise > 0 ? 10 * log10(signal / noise) : (double)INFINITY; }

void mote_signal_add(const mote_signal_meter *m, mote_signal_score *score, const float *s, const float *x, size_t n)
{
    double ss = 0, sx = 0, noise = 0, residue = 0;
    bool finite = true;
    for (size_t i = 0; i < n; i++) {
        const double a = (double)s[i], b = (double)x[i];
        finite = finite && isfinite(a) && isfinite(b);
        ss += a * a;
        sx += a * b;
        noise += (a - b) * (a - b);
    }
    score->broken = score->broken || !finite;
    score->silent += ss == 0;
    if (!finite || ss == 0)
        return;
    const double scale = sx / ss;
    for (size_t i = 0; i < n; i++) {
        const double d = scale * (double)s[i] - (double)x[i];
        residue += d * d;
    }
    score->sounds++;
    score->snr += ratio_db(ss, noise);
    score->si_sdr += noise == 0 ? (double)INFINITY : ratio_db(scale * scale * ss, residue);
    if (n < sizes[0])
        return;
    score->spectra++;
    score->stft += stft_distance(m, s, x, n);
}

static double mean(const mote_signal_score *score, double sum, uint64_t n, double broken)
{
    return score->broken ? broken : n != 0 ? sum / (double)n : (double)NAN;
}

double mote_signal_snr_db(const mote_signal_score *score) { return mean(score, score->snr, score->sounds, -(double)INFINITY); }
double mote_signal_si_sdr_db(const mote_signal_score *score) { return mean(score, score->si_sdr, score->sounds, -(double)INFINITY); }
double mote_signal_stft(const mote_signal_score *score) { return mean(score, score->stft, score->spectra, (double)INFINITY); }
