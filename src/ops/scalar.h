/* scalar.h - transcendental functions of one float or double, for the reference evaluations
 * SPDX-License-Identifier: Apache-2.0
 *
 * Float: the kernels' plain C forms, the same bits everywhere. Double: libm. */
#ifndef MOTE_OPS_SCALAR_H
#define MOTE_OPS_SCALAR_H

#include "kernels/unary/unary.h"
#include <math.h>

#define SCALAR1(name)                                                                                                  \
    MOTE_INLINE float scalar_##name##_f32(float x)                                                                     \
    {                                                                                                                  \
        float y;                                                                                                       \
        mote_unary_f32_f32_##name##_ref(&x, &y, 1, NULL);                                                              \
        return y;                                                                                                      \
    }
SCALAR1(exp)
SCALAR1(log)
SCALAR1(sigmoid)
SCALAR1(cos)
SCALAR1(sin)
#undef SCALAR1
/* in double, rounded once */
MOTE_INLINE float scalar_pow_f32(float x, float y) { return (float)pow((double)x, (double)y); }
MOTE_INLINE double scalar_sigmoid_f64(double x)
{
    double e = exp(-fabs(x));
    return (x < 0 ? e : 1) / (1 + e);
}
MOTE_INLINE double scalar_softplus_f64(double x) { return (x > 0 ? x : x < 0 ? 0 : x) + log1p(exp(-fabs(x))); }

#endif
