/* dmath.h - elementary functions in double, plain C without fma: the same bits on every machine
 * SPDX-License-Identifier: Apache-2.0
 *
 * For f32 results that are rounded once from double (largest error of each function: below 2^-48 relative, so 0.5001 ULP of f32), where speed
 * matters less than accuracy: trigonometric and hyperbolic functions, pow. Taylor series on short intervals; only + - * / and sqrt are used. */
#ifndef MOTE_KERNELS_VEC_DMATH_H
#define MOTE_KERNELS_VEC_DMATH_H

#include "base/platform.h"
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

MOTE_INLINE double dm_from_bits(uint64_t u)
{
    double x;
    memcpy(&x, &u, sizeof x);
    return x;
}
MOTE_INLINE uint64_t dm_bits(double x)
{
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}
/* to the nearest integer, halves to even; |x| < 2^51 */
MOTE_INLINE double dm_round(double x)
{
    double t = x + 0x1.8p52;
    return t - 0x1.8p52;
}

/* exp(x); results outside of the normal range become 0 or inf (f32's own range is far inside) */
MOTE_INLINE double dm_exp(double x)
{
    static const double c[] = {1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320,
                               1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1.0, 1.0};
    if (x != x)
        return x;
    if (x > 709.0)
        return (double)INFINITY;
    if (x < -708.0)
        return 0.0;
    double n = dm_round(x * 0x1.71547652b82fep0);
    double r = (x - n * 0x1.62e42fee00000p-1) - n * 0x1.a39ef35793c76p-33;
    double p = c[0];
    for (unsigned i = 1; i < sizeof c / sizeof c[0]; i++)
        p = p * r + c[i];
    return p * dm_from_bits((uint64_t)((int64_t)n + 1023) << 52);
}

/* log(x) for normal x > 0: every positive f32 */
MOTE_INLINE double dm_log(double x)
{
    uint64_t u = dm_bits(x);
    int64_t k = (int64_t)(u - 0x3fe6a09e667f3bcdu) >> 52; /* sqrt(1/2) */
    double m = dm_from_bits(u - ((uint64_t)k << 52));
    double s = (m - 1.0) / (m + 1.0), z = s * s, p = 1.0 / 23;
    for (int i = 21; i >= 3; i -= 2)
        p = p * z + 1.0 / i;
    double n = (double)k;
    return n * 0x1.62e42fee00000p-1 + (2.0 * s + (2.0 * s * z * p + n * 0x1.a39ef35793c76p-33));
}

/* The first 256 bits of 2/pi behind the binary point, 64 a word (Payne and Hanek's reduction needs 128 + 24 + 64 of them for f32). */
static const uint64_t dm_two_over_pi[4] = {0xa2f9836e4e441529u, 0xfc2757d1f534ddc0u, 0xdb6295993c439041u, 0xfe5163abdebbc561u};

/* x = q pi/2 + r, |r| <= pi/4 (a little more from rounding); returns r, and q modulo 4 in *q. x: a finite f32. */
MOTE_INLINE double dm_reduce(double x, unsigned *q)
{
    if (fabs(x) < 0x1p18) {
        double n = dm_round(x * 0x1.45f306dc9c883p-1);
        *q = (unsigned)(int64_t)n & 3u;
        /* pi/2 in parts of 33 bits: n * part is exact */
        return ((x - n * 0x1.921fb544p0) - n * 0x1.0b4611a6p-34) - n * 0x1.3198a2e037073p-69;
    }
    uint64_t u = dm_bits(fabs(x));
    unsigned e = (unsigned)(u >> 52) - 1023 - 23;      /* |x| = m 2^e, m of 24 bits, e >= 0 here (2^18 <= |x| < 2^23 gives e < 0) */
    uint64_t m = ((u & 0xfffffffffffffu) | 1ull << 52) >> 29;
    int from = (int)e - 2;                            /* bits of weight 4 and more drop out: take the window from weight 2 down */
    uint64_t w[2];
    for (int k = 0; k < 2; k++) {
        int at = from + 64 * k;
        uint64_t v = 0;
        for (int b = 0; b < 64; b++) {
            int bit = at + b;
            v = v << 1 | (bit < 0 || bit > 255 ? 0 : dm_two_over_pi[bit >> 6] >> (63 - (bit & 63)) & 1u);
        }
        w[k] = v;
    }
    /* (m * w) mod 2^128 with the binary point after the two top bits */
    uint64_t lo0 = (m * (w[1] & 0xffffffffu)), lo1 = m * (w[1] >> 32) + (lo0 >> 32);
    uint64_t top = m * w[0] + (lo1 >> 32), next = lo1 << 32 | (lo0 & 0xffffffffu);
    unsigned quadrant = (unsigned)(top >> 62);
    uint64_t frac = top << 2 | next >> 62;
    int64_t f = (int64_t)frac; /* as signed: -1/2 .. 1/2 */
    if (f < 0)
        quadrant++;
    double r = (double)f * 0x1p-64 * 0x1.921fb54442d18p0;
    if (x < 0) {
        r = -r;
        quadrant = 0u - quadrant;
    }
    *q = quadrant & 3u;
    return r;
}
MOTE_INLINE double dm_sin_poly(double r)
{
    double z = r * r, p = 1.0 / 355687428096000;
    p = p * z - 1.0 / 1307674368000;
    p = p * z + 1.0 / 6227020800;
    p = p * z - 1.0 / 39916800;
    p = p * z + 1.0 / 362880;
    p = p * z - 1.0 / 5040;
    p = p * z + 1.0 / 120;
    p = p * z - 1.0 / 6;
    return r + r * z * p;
}
MOTE_INLINE double dm_cos_poly(double r)
{
    double z = r * r, p = -1.0 / 6402373705728000;
    p = p * z + 1.0 / 20922789888000;
    p = p * z - 1.0 / 87178291200;
    p = p * z + 1.0 / 479001600;
    p = p * z - 1.0 / 3628800;
    p = p * z + 1.0 / 40320;
    p = p * z - 1.0 / 720;
    p = p * z + 1.0 / 24;
    p = p * z - 0.5;
    return 1.0 + z * p;
}
/* sine and cosine of a finite f32, or of any |x| < 2^18 */
MOTE_INLINE void dm_sincos(double x, double *sine, double *cosine)
{
    unsigned q;
    double r = dm_reduce(x, &q), s = dm_sin_poly(r), c = dm_cos_poly(r);
    double a = q & 1 ? c : s, b = q & 1 ? s : c;
    *sine = q & 2 ? -a : a;
    *cosine = (q + 1) & 2 ? -b : b;
}
#endif
