/* histogram.c - counts of values in bins whose edges are powers of two times integers
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "quant/observe/histogram.h"
#include <math.h>
#include <string.h>

enum { HALF = MOTE_OBSERVER_BINS / 2, HALF_LOG2 = 10 };

void mote_histogram_init(mote_histogram *h)
{
    memset(h, 0, sizeof *h);
    h->exponent = MOTE_HISTOGRAM_LEAST;
}

/* The bits of |x|: in the order of the values, so that integers are compared. */
static uint32_t magnitude(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u & 0x7fffffffu;
}

/* The smallest e >= MOTE_HISTOGRAM_LEAST with |x| < 2^e, for a finite x given by its magnitude's bits. */
static int32_t exponent_of(uint32_t bits)
{
    if (bits >= 0x00800000u)
        return (int32_t)(bits >> 23) - 126;
    int32_t e = MOTE_HISTOGRAM_LEAST; /* subnormal: bits * 2^-149 */
    while (bits != 0) {
        bits >>= 1;
        e++;
    }
    return e;
}

static void widen(mote_histogram *h, int32_t exponent)
{
    int32_t by = exponent - h->exponent;
    if (by <= 0)
        return;
    by = by > 30 ? 30 : by;
    uint64_t bins[MOTE_OBSERVER_BINS] = {0};
    for (int32_t i = 0; i < MOTE_OBSERVER_BINS; i++) {
        int32_t v = i - HALF;
        bins[HALF + (v >= 0 ? v >> by : -((-v - 1) >> by) - 1)] += h->bins[i];
    }
    memcpy(h->bins, bins, sizeof bins);
    h->exponent = exponent;
}

void mote_histogram_add(mote_histogram *h, const float *x, size_t n) { mote_histogram_add_weighted(h, x, n, 1); }

void mote_histogram_add_weighted(mote_histogram *h, const float *x, size_t n, uint64_t weight)
{
    uint32_t largest = 0;
    float min = h->values != 0 ? h->min : INFINITY, max = h->values != 0 ? h->max : -INFINITY;
    uint64_t finite = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t m = magnitude(x[i]);
        if (m > 0x7f800000u) {
            h->nans++;
        } else if (m == 0x7f800000u) {
            h->infinities++;
        } else {
            finite++;
            largest = m > largest ? m : largest;
            min = x[i] < min ? x[i] : min;
            max = x[i] > max ? x[i] : max;
        }
    }
    if (finite == 0)
        return;
    widen(h, exponent_of(largest));
    h->values += finite * weight;
    h->min = min + 0.0f; /* never -0 */
    h->max = max + 0.0f;
    double scale = ldexp(1, HALF_LOG2 - h->exponent); /* x scale is exact in double for every f32 */
    for (size_t i = 0; i < n; i++)
        if (magnitude(x[i]) < 0x7f800000u)
            h->bins[HALF + (int32_t)floor((double)x[i] * scale)] += weight;
}

static bool sum(uint64_t *a, uint64_t b, bool write)
{
    uint64_t s;
    if (__builtin_add_overflow(*a, b, &s))
        return false;
    if (write)
        *a = s;
    return true;
}

bool mote_histogram_merge(mote_histogram *h, const mote_histogram *from)
{
    /* No bin holds more than `values`. */
    if (!sum(&h->values, from->values, false) || !sum(&h->nans, from->nans, false) || !sum(&h->infinities, from->infinities, false))
        return false;
    mote_histogram other = *from;
    widen(h, other.exponent);
    widen(&other, h->exponent);
    if (other.values != 0) {
        h->min = h->values == 0 || other.min < h->min ? other.min : h->min;
        h->max = h->values == 0 || other.max > h->max ? other.max : h->max;
    }
    sum(&h->values, other.values, true);
    sum(&h->nans, other.nans, true);
    sum(&h->infinities, other.infinities, true);
    for (size_t i = 0; i < MOTE_OBSERVER_BINS; i++)
        h->bins[i] += other.bins[i];
    return true;
}
