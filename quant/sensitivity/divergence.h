/* divergence.h - how far outputs lie from those of the original, over many samples
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_QUANT_SENSITIVITY_DIVERGENCE_H
#define MOTE_QUANT_SENSITIVITY_DIVERGENCE_H

#include "base/platform.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sums in the order of the samples: the same on every machine. {0} to begin with. */
typedef struct mote_divergence {
    double signal, noise;      /* of the original, of the difference: squares */
    double given, product;     /* squares of what came out, products of both */
    double kl;                 /* sum over rows of KL(softmax(original) || softmax(given)), in nats */
    uint64_t rows, same;       /* rows of the last dimension; of them, those with the same largest element */
    bool broken;               /* NaN or infinities where the original has none */
} mote_divergence;

/* n values in rows of `width` (the last dimension; 1: no distribution, kl stays 0). */
void mote_divergence_add(mote_divergence *d, const float *original, const float *given, size_t n, size_t width);

/* noise / signal; 0 when nothing differs, infinity when broken. Rankings are by this: no logarithm takes part. */
double mote_divergence_ratio(const mote_divergence *d);
double mote_divergence_sqnr_db(const mote_divergence *d); /* infinity when nothing differs */
double mote_divergence_cosine(const mote_divergence *d);
double mote_divergence_kl(const mote_divergence *d); /* the mean of a row */

#endif
