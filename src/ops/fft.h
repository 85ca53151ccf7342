/* fft.h - the discrete Fourier transform of any length
 * SPDX-License-Identifier: Apache-2.0
 *
 * Powers of two by Cooley and Tukey (1965), other lengths by Bluestein (1970) over the next power of two that holds 2n-1. Twiddles come from a fixed
 * series in double, not from libm: the same bits on every machine. */
#ifndef MOTE_OPS_FFT_H
#define MOTE_OPS_FFT_H

#include "base/diag.h"
#include "base/heap.h"

typedef struct mote_complex {
    double re, im;
} mote_complex;

typedef struct mote_fft {
    size_t n, m;              /* m: the power of two that is transformed; n itself, or Bluestein's */
    mote_complex *roots;      /* exp(-2 pi i k / m), k < m/2 */
    mote_complex *chirp;      /* exp(-pi i k^2 / n), k < n; NULL for powers of two */
    mote_complex *chirp_fft;  /* of the conjugate chirp, wrapped; m */
} mote_fft;

/* cos and sin of 2 pi k / n, each within 1 ulp of double. */
mote_complex mote_unit_root(uint64_t k, uint64_t n);
/* Its real part. */
double mote_unit_cos(uint64_t k, uint64_t n);
mote_status mote_fft_init(mote_fft *f, size_t n, mote_heap *heap, mote_diag *diag);
void mote_fft_deinit(mote_fft *f, mote_heap *heap);
/* In place on n values; work: m values (not used for powers of two). inverse: without the factor 1/n. */
void mote_fft_run(const mote_fft *f, mote_complex *x, mote_complex *work, bool inverse);

#endif
