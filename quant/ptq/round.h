/* round.h - which way each weight is rounded, by what it does to the product's output
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_QUANT_PTQ_ROUND_H
#define MOTE_QUANT_PTQ_ROUND_H

#include <stddef.h>
#include <stdint.h>

/* q[k]: w[k * stride] / scale rounded down or up so that d' g d is small, d = q scale - w; g: k x k, symmetric. e: room for k values, d for k. Deterministic. */
void mote_round_row(const float *w, size_t stride, size_t k, float scale, int32_t most, const float *g, int32_t *q, float *d, float *e);

#endif
