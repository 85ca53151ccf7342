/* histogram.h - counts of values in bins whose edges are powers of two times integers: any order of adding and merging gives the same
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_QUANT_OBSERVE_HISTOGRAM_H
#define MOTE_QUANT_OBSERVE_HISTOGRAM_H

#include "base/platform.h"
#include <mote/mote_quant.h>

enum { MOTE_HISTOGRAM_LEAST = -149, MOTE_HISTOGRAM_MOST = 128 }; /* of exponent: every finite f32 fits */

/* See mote_observation: bin i counts floor(x 2^(10 - exponent)) == i - 1024. Doubling the range halves an index, rounding down, which is what counting
 * at the larger exponent would have given: floor(floor(v) / 2) = floor(v / 2). */
typedef struct mote_histogram {
    uint64_t values, nans, infinities;
    float min, max;
    int32_t exponent;
    uint64_t bins[MOTE_OBSERVER_BINS];
} mote_histogram;

void mote_histogram_init(mote_histogram *h);
/* Fewer than 2^63 values in all. */
void mote_histogram_add(mote_histogram *h, const float *x, size_t n);
/* Each value counts `weight` times. */
void mote_histogram_add_weighted(mote_histogram *h, const float *x, size_t n, uint64_t weight);
/* False, and nothing done, when a count would pass 2^64. */
bool mote_histogram_merge(mote_histogram *h, const mote_histogram *from);

#endif
