/* unary_scalar.c - trigonometric and hyperbolic functions of f32, computed in double and rounded once
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/unary/unary.h"
#include "kernels/vec/dmath.h"

static double d_sin(double x)
{
    double s, c;
    if (!(fabs(x) < (double)INFINITY))
        return (double)NAN;
    dm_sincos(x, &s, &c);
    return x == 0 ? x : s;
}
static double d_cos(double x)
{
    double s, c;
    if (!(fabs(x) < (double)INFINITY))
        return (double)NAN;
    dm_sincos(x, &s, &c);
    return c;
}
static double d_tan(double x)
{
    double s, c;
    if (!(fabs(x) < (double)INFINITY))
        return (double)NAN;
    dm_sincos(x, &s, &c);
    return x == 0 ? x : s / c;
}
static double d_sinh(double x)
{
    if (x != x)
        return x;
    double a = fabs(x);
    if (a < 0.5) {
        double z = x * x, p = 1.0 / 1307674368000;
        p = p * z + 1.0 / 6227020800;
        p = p * z + 1.0 / 39916800;
        p = p * z + 1.0 / 362880;
        p = p * z + 1.0 / 5040;
        p = p * z + 1.0 / 120;
        p = p * z + 1.0 / 6;
        return x + x * z * p;
    }
    double e = dm_exp(a), s = 0.5 * (e - 1.0 / e);
    return x < 0 ? -s : s;
}
static double d_cosh(double x)
{
    if (x != x)
        return x;
    double e = dm_exp(fabs(x));
    return 0.5 * (e + 1.0 / e);
}
static double d_asinh(double x)
{
    double a = fabs(x), z = x * x;
    if (!(a < (double)INFINITY))
        return x;
    double r = a < 0x1p-10 ? a - a * z * (1.0 / 6 - z * (3.0 / 40)) : dm_log(a + sqrt(z + 1.0));
    return x < 0 ? -r : x == 0 ? x : r;
}
static double d_acosh(double x)
{
    if (!(x >= 1.0))
        return (double)NAN;
    return x == (double)INFINITY ? x : dm_log(x + sqrt(x * x - 1.0));
}
static double d_atanh(double x)
{
    double a = fabs(x), z = x * x;
    if (!(a <= 1.0))
        return (double)NAN;
    double r = a < 0x1p-10 ? a + a * z * (1.0 / 3 + z * (1.0 / 5)) : a == 1.0 ? (double)INFINITY : 0.5 * dm_log((1.0 + a) / (1.0 - a));
    return x < 0 ? -r : x == 0 ? x : r;
}

float mote_unary_sin_far(float x) { return (float)d_sin((double)x); }
float mote_unary_cos_far(float x) { return (float)d_cos((double)x); }

#define UNARY(ID, id, n_params, ulp)
#define UNARY_SCALAR(ID, id, ulp)                                                                                          \
    void mote_unary_f32_f32_##id##_ref(const float *x, float *y, size_t n, const float *params)                        \
    {                                                                                                                  \
        (void)params;                                                                                                  \
        for (size_t i = 0; i < n; i++)                                                                                 \
            y[i] = (float)d_##id((double)x[i]);                                                                        \
    }
#include "kernels/unary/unary_ops.inc"
#undef UNARY
#undef UNARY_SCALAR
