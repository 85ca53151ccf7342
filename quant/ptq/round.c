/* round.c - which way each weight is rounded, by what it does to the product's output
 * SPDX-License-Identifier: Apache-2.0
 *
 * Nagel et al., "Up or Down? Adaptive Rounding for Post-Training Quantization", 2020: the error of the output is d' G d with G the second moments of the input. Solved here
 * by descent: from the nearest integers, the one change that gains most, until none gains. */
#include "base/platform.h"
#include "quant/ptq/round.h"
#include "quant/ptq/weight.h"
#include <math.h>

void mote_round_row(const float *w, size_t stride, size_t k, float scale, int32_t most, const float *g, int32_t *q, float *d, float *e)
{
    for (size_t i = 0; i < k; i++) {
        q[i] = mote_weight_round(w[i * stride], scale, most);
        d[i] = (float)q[i] * scale - w[i * stride];
        e[i] = 0;
    }
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < k; j++)
            e[j] += d[i] * g[i * k + j];
    for (size_t flips = 0; flips < 4 * k; flips++) {
        float best = 0;
        size_t at = k;
        for (size_t i = 0; i < k; i++) {
            const float step = d[i] > 0 ? -scale : scale;
            const float gain = -(2 * step * e[i] + step * step * g[i * k + i]);
            if (gain > best && fabsf(d[i]) < scale) {
                best = gain;
                at = i;
            }
        }
        if (at == k || !(best > 0))
            return;
        const int32_t by = d[at] > 0 ? -1 : 1;
        if (q[at] + by > most || q[at] + by < -most) {
            d[at] = 2 * scale; /* cut off at the end of the range: it stays */
            continue;
        }
        const float step = (float)by * scale;
        q[at] += by;
        d[at] += step;
        for (size_t j = 0; j < k; j++)
            e[j] += step * g[at * k + j];
    }
}
