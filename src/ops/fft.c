/* fft.c - the discrete Fourier transform of any length
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "ops/fft.h"
#include "base/size.h"

static mote_complex mul(mote_complex a, mote_complex b) { return (mote_complex){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re}; }

/* Taylor series on |x| <= pi/4: the last term kept is below 2^-56. */
static double series(double x, bool sine)
{
    double x2 = x * x, term = sine ? x : 1, sum = term;
    for (int k = sine ? 2 : 1; k < 24; k += 2) {
        term = -term * x2 / (double)(k * (k + 1));
        sum += term;
    }
    return sum;
}

/* The angle of k of n turns: the nearest multiple of pi/2, and what it lies off that. */
static uint64_t angle(uint64_t k, uint64_t n, double *x)
{
    if (k >= n)
        k %= n;
    uint64_t eighth = 8 * k / n; /* octant 0..7 */
    uint64_t quarter = (eighth + 1) / 2;
    double turns = (double)((int64_t)(4 * k) - (int64_t)(quarter * n)) / (double)n; /* exact numerator, in quarter turns, |.| <= 1/2 */
    *x = turns * 1.5707963267948966;
    return quarter & 3;
}

double mote_unit_cos(uint64_t k, uint64_t n)
{
    double x;
    const uint64_t quarter = angle(k, n, &x);
    const double v = series(x, (quarter & 1) != 0);
    return quarter == 1 || quarter == 2 ? -v : v;
}

mote_complex mote_unit_root(uint64_t k, uint64_t n)
{
    double x;
    const uint64_t quarter = angle(k, n, &x);
    const double c = series(x, false), s = series(x, true);
    switch (quarter) {
    case 0: return (mote_complex){c, s};
    case 1: return (mote_complex){-s, c};
    case 2: return (mote_complex){-c, -s};
    default: return (mote_complex){s, -c};
    }
}

static void radix2(const mote_complex *roots, size_t m, mote_complex *x, bool inverse)
{
    for (size_t i = 1, j = 0; i < m; i++) { /* bit reversal */
        size_t bit = m >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j |= bit;
        if (i < j) {
            mote_complex t = x[i];
            x[i] = x[j];
            x[j] = t;
        }
    }
    for (size_t half = 1; half < m; half *= 2)
        for (size_t base = 0; base < m; base += 2 * half)
            for (size_t k = 0; k < half; k++) {
                mote_complex w = roots[k * (m / (2 * half))];
                w.im = inverse ? -w.im : w.im;
                mote_complex a = x[base + k], b = mul(x[base + half + k], w);
                x[base + k] = (mote_complex){a.re + b.re, a.im + b.im};
                x[base + half + k] = (mote_complex){a.re - b.re, a.im - b.im};
            }
}

mote_status mote_fft_init(mote_fft *f, size_t n, mote_heap *heap, mote_diag *diag)
{
    *f = (mote_fft){n, 1, NULL, NULL, NULL};
    bool power = (n & (n - 1)) == 0;
    while (f->m < (power ? n : 2 * n - 1))
        f->m *= 2;
    f->roots = mote_heap_calloc(heap, f->m, sizeof *f->roots);
    if (!power) {
        f->chirp = mote_heap_calloc(heap, n, sizeof *f->chirp);
        f->chirp_fft = mote_heap_calloc(heap, f->m, sizeof *f->chirp_fft);
    }
    if (f->roots == NULL || (!power && (f->chirp == NULL || f->chirp_fft == NULL))) {
        mote_fft_deinit(f, heap);
        return MOTE_NO_MEMORY(diag, f->m * sizeof *f->roots);
    }
    for (size_t k = 0; k < f->m / 2 || k == 0; k++) {
        f->roots[k] = mote_unit_root(k, f->m);
        f->roots[k].im = -f->roots[k].im;
    }
    for (size_t k = 0; k < n && !power; k++) {
        mote_complex c = mote_unit_root((uint64_t)k * k % (2 * n), 2 * n);
        f->chirp[k] = (mote_complex){c.re, -c.im};
        f->chirp_fft[k] = c;
        if (k != 0)
            f->chirp_fft[f->m - k] = c;
    }
    if (!power)
        radix2(f->roots, f->m, f->chirp_fft, false);
    return MOTE_OK;
}

void mote_fft_deinit(mote_fft *f, mote_heap *heap)
{
    mote_heap_free(heap, f->roots, f->m * sizeof *f->roots);
    mote_heap_free(heap, f->chirp, f->n * sizeof *f->chirp);
    mote_heap_free(heap, f->chirp_fft, f->m * sizeof *f->chirp_fft);
    f->roots = f->chirp = f->chirp_fft = NULL;
}

void mote_fft_run(const mote_fft *f, mote_complex *x, mote_complex *work, bool inverse)
{
    if (f->chirp == NULL) {
        radix2(f->roots, f->m, x, inverse);
        return;
    }
    for (size_t k = 0; k < f->m; k++) { /* the inverse of x is the conjugate of the transform of its conjugate */
        mote_complex v = k < f->n ? x[k] : (mote_complex){0, 0};
        v.im = inverse ? -v.im : v.im;
        work[k] = k < f->n ? mul(v, f->chirp[k]) : v;
    }
    radix2(f->roots, f->m, work, false);
    for (size_t k = 0; k < f->m; k++)
        work[k] = mul(work[k], f->chirp_fft[k]);
    radix2(f->roots, f->m, work, true);
    for (size_t k = 0; k < f->n; k++) {
        mote_complex v = mul((mote_complex){work[k].re / (double)f->m, work[k].im / (double)f->m}, f->chirp[k]);
        x[k] = (mote_complex){v.re, inverse ? -v.im : v.im};
    }
}
