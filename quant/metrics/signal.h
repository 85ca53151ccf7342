/* signal.h - how far a sound lies from the one that it should be
 * SPDX-License-Identifier: Apache-2.0
 *
 * s is what should be, x what is; both of n samples.
 *   SNR       10 log10(|s|^2 / |s - x|^2), in dB
 *   SI-SDR    10 log10(|a s|^2 / |a s - x|^2), a = <x, s> / |s|^2, in dB; no mean is taken away (Le Roux et al. 2019, SDR - half-baked or well done?, eq. 3)
 *   STFT      the mean, over FFTs of 512, 1024 and 2048 points, of
 *             ||S - X||_F / ||S||_F + (1 / N) sum |log S - log X|
 *             (spectral convergence and log magnitude: Yamamoto et al. 2020, Parallel WaveGAN, section 2.2). S and X are the N magnitudes sqrt(max(re^2 + im^2, 1e-7)) of
 *             frames under a periodic Hann window as long as the FFT, one every quarter of it, of the sound with half an FFT of zeros before it and at least as many behind. */
#ifndef MOTE_QUANT_METRICS_SIGNAL_H
#define MOTE_QUANT_METRICS_SIGNAL_H

#include "base/diag.h"
#include <mote/mote_audio.h>

enum { MOTE_SIGNAL_FFTS = 3 };

typedef struct mote_signal_meter {
    mote_stft *stft[MOTE_SIGNAL_FFTS];
    float *room;   /* frame, spectra */
    void *scratch;
} mote_signal_meter;

/* Means over sounds. {0} to begin with. */
typedef struct mote_signal_score {
    uint64_t sounds, spectra;     /* that the means are of; of the STFT distance: those of at least 512 samples */
    uint64_t silent;              /* those that should be silence: of none of the means */
    double snr, si_sdr, stft;     /* sums */
    bool broken;                  /* NaN or infinities */
} mote_signal_score;

mote_status mote_signal_meter_init(mote_signal_meter *m, mote_diag *diag);
void mote_signal_meter_deinit(mote_signal_meter *m);
void mote_signal_add(const mote_signal_meter *m, mote_signal_score *score, const float *s, const float *x, size_t n);
/* The mean of one of the sums. dB: infinity when nothing differs; minus infinity (the distance: infinity) when broken; NaN without a sound. */
double mote_signal_snr_db(const mote_signal_score *score);
double mote_signal_si_sdr_db(const mote_signal_score *score);
double mote_signal_stft(const mote_signal_score *score);

#endif
