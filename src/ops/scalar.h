/* scalar.h - transcendental functions of one float or double, for the reference evaluations
 * SPDX-License-Identifier: Apache-2.0
 *
 * The float forms are computed in double and rounded once. */
#ifndef MOTE_OPS_SCALAR_H
#define MOTE_OPS_SCALAR_H

#include "base/platform.h"
#include <math.h>

#define SCALAR1(name)                                                                                                  \
    MOTE_INLINE float scalar_##name##_f32(float x) { return (float)name((double)x); }                                  \
    MOTE_INLINE double scalar_##name##_f64(double x) { return name(x); }
SCALAR1(exp)
SCALAR1(expm1)
SCALAR1(log)
SCALAR1(log1p)
SCALAR1(tanh)
SCALAR1(erf)
SCALAR1(sin)
SCALAR1(cos)
SCALAR1(tan)
SCALAR1(asin)
SCALAR1(acos)
SCALAR1(atan)
SCALAR1(sinh)
SCALAR1(cosh)
SCALAR1(asinh)
SCALAR1(acosh)
SCALAR1(atanh)
#undef SCALAR1
MOTE_INLINE float scalar_pow_f32(float x, float y) { return (float)pow((double)x, (double)y); }
MOTE_INLINE double scalar_pow_f64(double x, double y) { return pow(x, y); }
MOTE_INLINE double scalar_sigmoid_f64(double x)
{
    double e = exp(-fabs(x));
    return (x < 0 ? e : 1) / (1 + e);
}
MOTE_INLINE float scalar_sigmoid_f32(float x) { return (float)scalar_sigmoid_f64((double)x); }
MOTE_INLINE double scalar_softplus_f64(double x) { return (x > 0 ? x : x < 0 ? 0 : x) + log1p(exp(-fabs(x))); }
MOTE_INLINE float scalar_softplus_f32(float x) { return (float)scalar_softplus_f64((double)x); }

/* The function of the argument's type. */
#define SCALAR(name, x) _Generic((x), float: scalar_##name##_f32, double: scalar_##name##_f64)(x)
#define SCALAR2(name, x, y) _Generic((x), float: scalar_##name##_f32, double: scalar_##name##_f64)(x, y)
#define SCALAR_FABS(x) _Generic((x), float: fabsf, double: fabs)(x)
#define SCALAR_SQRT(x) _Generic((x), float: sqrtf, double: sqrt)(x)
#define SCALAR_FLOOR(x) _Generic((x), float: floorf, double: floor)(x)
#define SCALAR_CEIL(x) _Generic((x), float: ceilf, double: ceil)(x)
#define SCALAR_TRUNC(x) _Generic((x), float: truncf, double: trunc)(x)
#define SCALAR_RINT(x) _Generic((x), float: rintf, double: rint)(x)
#define SCALAR_FMOD(x, y) _Generic((x), float: fmodf, double: fmod)(x, y)

#endif
