/* weight.c - constants in few bits: scales by channel, rounding
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "quant/ptq/weight.h"
#include <float.h>
#include <math.h>

int32_t mote_weight_round(float x, float scale, int32_t most)
{
    const float q = scale > 0 ? rintf(x / scale) : 0;
    return !(q > (float)-most) ? -most : q >= (float)most ? most : (int32_t)q;
}

static double squared_error(const float *x, size_t n, size_t stride, float scale, int32_t most)
{
    double sum = 0;
    for (size_t k = 0; k < n; k++) {
        const double v = (double)x[k * stride], d = v - (double)scale * mote_weight_round(x[k * stride], scale, most);
        sum += d * d;
    }
    return sum;
}

float mote_weight_scale(const float *x, size_t n, size_t stride, int32_t most, bool search)
{
    float largest = 0;
    for (size_t k = 0; k < n; k++)
        largest = fmaxf(largest, fabsf(x[k * stride]));
    const float full = largest / (float)most;
    if (!(full >= FLT_MIN * 0x1p24f)) /* no value, or none that matters */
        return 0;
    if (!search)
        return full;
    float best = full;
    double least = squared_error(x, n, stride, full, most);
    for (int k = 1; k <= 50; k++) {
        const float s = full * (1 - (float)k * 0.01f);
        const double e = squared_error(x, n, stride, s, most);
        if (e < least) {
            least = e;
            best = s;
        }
    }
    return best;
}

mote_channels mote_channels_of(const mote_array *a, int32_t axis)
{
    mote_channels c = {1, 1, 1};
    for (int32_t d = 0; d < a->rank; d++)
        *(d < axis ? &c.outer : d == axis ? &c.channels : &c.inner) *= (size_t)a->dims[d];
    return c;
}
