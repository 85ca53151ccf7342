/* half.h - IEEE binary16 and bfloat16, one value at a time; round to nearest even, NaN kept quiet
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_BASE_HALF_H
#define MOTE_BASE_HALF_H

#include "base/platform.h"
#include <stdint.h>
#include <string.h>

MOTE_INLINE uint32_t mote_f32_bits(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

MOTE_INLINE float mote_f32_from_bits(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

MOTE_INLINE float mote_f32_from_bf16(uint16_t h) { return mote_f32_from_bits((uint32_t)h << 16); }

MOTE_INLINE uint16_t mote_bf16_from_f32(float x)
{
    uint32_t u = mote_f32_bits(x);
    if ((u & 0x7fffffffu) > 0x7f800000u)
        return (uint16_t)(u >> 16 | 0x40);
    return (uint16_t)((u + 0x7fffu + (u >> 16 & 1u)) >> 16);
}

MOTE_INLINE float mote_f32_from_f16(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, e = h >> 10 & 31u, m = h & 1023u;
    if (e == 31)
        return mote_f32_from_bits(sign | 0x7f800000u | m << 13 | (m ? 0x400000u : 0));
    if (e != 0)
        return mote_f32_from_bits(sign | (e + 112) << 23 | m << 13);
    float x = (float)m * 0x1p-24f; /* subnormals are exact in f32 */
    return mote_f32_from_bits(sign | mote_f32_bits(x));
}

MOTE_INLINE uint16_t mote_f16_from_f32(float x)
{
    uint32_t u = mote_f32_bits(x), sign = u >> 16 & 0x8000u, a = u & 0x7fffffffu;
    if (a > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u | (a >> 13 & 0x3ffu));
    if (a >= 0x477ff000u) /* 65520 and up rounds to infinity */
        return (uint16_t)(sign | 0x7c00u);
    if (a >= 0x38800000u) { /* normal: 2^-14 and up */
        uint32_t r = a - (112u << 23);
        return (uint16_t)(sign | ((r + 0xfffu + (r >> 13 & 1u)) >> 13));
    }
    /* subnormal: adding 0.5 puts the value at the 2^-24 grid, rounded to nearest even by the adder */
    uint32_t r = mote_f32_bits(mote_f32_from_bits(a) + 0.5f);
    return (uint16_t)(sign | (r - 0x3f000000u));
}

#endif
