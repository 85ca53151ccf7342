/* weight.h - constants in few bits: scales by channel, rounding
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_QUANT_PTQ_WEIGHT_H
#define MOTE_QUANT_PTQ_WEIGHT_H

#include "tensor/array.h"

/* The scale of n values at x[k * stride], symmetric in [-most, most]. search: the one of least squared error, else that of the largest value. 0
 * when there is nothing to scale: every value is 0, or as good as. */
float mote_weight_scale(const float *x, size_t n, size_t stride, int32_t most, bool search);
/* q = clamp(round half even(x / scale)) */
int32_t mote_weight_round(float x, float scale, int32_t most);

/* Channels of a weight along an axis: element (o, c, i) at (o * channels + c) * inner + i. */
typedef struct mote_channels {
    size_t outer, channels, inner;
} mote_channels;
mote_channels mote_channels_of(const mote_array *a, int32_t axis);

#endif
