/* channels.c - what the channels of tensors held
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "quant/quantizer.h"
#include <float.h>
#include <math.h>
#include <string.h>

static void widen(mote_channel *c, int32_t exponent)
{
    const int32_t half = MOTE_CHANNEL_BINS / 2, by = exponent - c->exponent > 30 ? 30 : exponent - c->exponent;
    if (by <= 0)
        return;
    uint64_t bins[MOTE_CHANNEL_BINS] = {0};
    for (int32_t i = 0; i < MOTE_CHANNEL_BINS; i++) {
        const int32_t v = i - half;
        bins[half + (v >= 0 ? v >> by : -((-v - 1) >> by) - 1)] += c->bins[i];
    }
    memcpy(c->bins, bins, sizeof bins);
    c->exponent = exponent;
}

static void see(mote_channel *c, const float *x, size_t n)
{
    float lo = c->count != 0 ? c->lo : INFINITY, hi = c->count != 0 ? c->hi : -INFINITY;
    double squares = 0, sum = 0;
    if (n == 0)
        return;
    for (size_t k = 0; k < n; k++) {
        if (!(fabsf(x[k]) <= FLT_MAX))
            return; /* the round of ranges says so */
        lo = x[k] < lo ? x[k] : lo;
        hi = x[k] > hi ? x[k] : hi;
        squares += (double)x[k] * (double)x[k];
        sum += (double)x[k];
    }
    int exponent = -100;
    const float top = fmaxf(-lo, hi);
    if (top > 0)
        (void)frexpf(top, &exponent);
    widen(c, exponent < -100 ? -100 : exponent);
    const double scale = ldexp(MOTE_CHANNEL_BINS / 2, -c->exponent);
    for (size_t k = 0; k < n; k++)
        c->bins[MOTE_CHANNEL_BINS / 2 + (int32_t)floor((double)x[k] * scale)]++;
    c->lo = lo;
    c->hi = hi;
    c->squares += squares;
    c->sum += sum;
    c->count += n;
}

void mote_quant_see_channels(mote_quantizer *q, const char *name, const mote_tensor *t)
{
    if (t->dtype != MOTE_DTYPE_F32 || t->rank < 3)
        return;
    for (size_t i = 0; i < q->n_channels; i++) {
        mote_channel_ranges *c = &q->channels[i];
        if (!mote_str_is(c->value->name, name) || (size_t)t->shape[1] != c->n)
            continue;
        const float *x = mote_tensor_map(t);
        const size_t outer = (size_t)t->shape[0], inner = (size_t)mote_tensor_count(t) / (outer * c->n + (outer == 0));
        for (size_t o = 0; o < outer; o++)
            for (size_t ch = 0; ch < c->n; ch++, x += inner)
                see(&c->channels[ch], x, inner);
        return;
    }
}
