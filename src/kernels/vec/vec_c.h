/* vec_c.h - lanes in plain C, and the contract of the other vec_*.h
 * SPDX-License-Identifier: Apache-2.0
 *
 * A kernel body written once (<family>_tmpl.h) is compiled for each instruction set by a file that includes one vec_*.h before it. Every
 * operation here is one IEEE-754 operation in each of 16 lanes, the same on all instruction sets, so that whatever is built from them has equal
 * bits everywhere (a NaN's sign and payload excepted).
 *
 *   vf vi vm        16 floats, 16 s32, 16 truth values
 *   VTARGET VF      attributes of an exported function, and of an inline one
 *   VNAME(name)     name with the instruction set's suffix
 *   VEC_WIDE        whether several rows at once hide latency (they only make plain C larger)
 *   VW              lanes: 16, but 1 in plain C files that define VEC_C_LANES 1 first: enough for elementwise bodies, and small code
 *
 * vf_min(x, y) is x < y ? x : y and vf_max(x, y) is x > y ? x : y: y when either is NaN or both are zero.
 * vf_fnma(x, y, z) is z - x * y, rounded once. vf_to_i rounds half to even and vf_to_i_trunc towards zero; the result is not specified outside
 * of s32's range. vf_eq ... are false and vf_ne true for NaN. vf_sel(m, x, y) is m ? x : y. vi_andnot(x, y) is ~x & y.
 * vf_loadn reads the first n (at most 16) floats, zeros elsewhere; vf_storen writes the first n. No byte beyond them is touched.
 * vf_gather reads p[index[i]], indices of 16 lanes at any address.
 * vf_store_twice writes 32 floats, each lane two times.
 * vi_mul_small(x, y): x within s16, y 0 to 32767.
 * vi_store_8 and vi_store_16 keep the low bits. vf_hsum, hmul, hmin, hmax fold lane i with i+8, then i+4, i+2, i+1, in this operand order. */
#ifndef MOTE_KERNELS_VEC_C_H
#define MOTE_KERNELS_VEC_C_H

#include "base/half.h"
#include "base/platform.h"
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef VEC_C_LANES
#define VEC_C_LANES 16
#endif
#define VW VEC_C_LANES
#define VEC_WIDE 0
#define VTARGET
#if VW == 1
#define VF MOTE_INLINE
#else
#define VF MOTE_UNUSED static /* the compiler chooses: inlining everything makes the code many times larger */
#endif
#define VNAME(name) name##_ref

typedef struct { float v[VW]; } vf;
typedef struct { int32_t v[VW]; } vi;
typedef struct { int32_t v[VW]; } vm;

#define EACH(type, expr)                                                                                               \
    type r;                                                                                                            \
    for (int i = 0; i < VW; i++)                                                                                       \
        r.v[i] = expr;                                                                                                 \
    return r;
#define VF1(name, expr) VF vf name(vf x) { EACH(vf, expr) }
#define VF2(name, expr) VF vf name(vf x, vf y) { EACH(vf, expr) }
#define VI2(name, expr) VF vi name(vi x, vi y) { EACH(vi, expr) }
#define VC2(name, op) VF vm name(vf x, vf y) { EACH(vm, -(int32_t)(x.v[i] op y.v[i])) }

VF vm vm_first(size_t n) { EACH(vm, -(int32_t)((size_t)i < n)) }
VF vf vf_load(const float *p)
{
    vf r;
    memcpy(&r, p, sizeof r);
    return r;
}
VF void vf_store(float *p, vf x) { memcpy(p, &x, sizeof x); }
VF void vf_store_twice(float *p, vf x)
{
    for (int i = 0; i < 2 * VW; i++)
        p[i] = x.v[i / 2];
}
VF vf vf_gather(const float *p, const int32_t *index) { EACH(vf, p[index[i]]) }
VF vf vf_loadn(const float *p, size_t n)
{
    vf r = {{0}};
    memcpy(&r, p, (n > VW ? VW : n) * sizeof *p);
    return r;
}
VF void vf_storen(float *p, size_t n, vf x) { memcpy(p, &x, (n > VW ? VW : n) * sizeof *p); }
VF vf vf_set(float x) { EACH(vf, x) }
VF2(vf_add, x.v[i] + y.v[i])
VF2(vf_sub, x.v[i] - y.v[i])
VF2(vf_mul, x.v[i] * y.v[i])
VF2(vf_div, x.v[i] / y.v[i])
VF2(vf_min, x.v[i] < y.v[i] ? x.v[i] : y.v[i])
VF2(vf_max, x.v[i] > y.v[i] ? x.v[i] : y.v[i])
VF1(vf_sqrt, sqrtf(x.v[i]))
VF1(vf_rne, nearbyintf(x.v[i]))
VF1(vf_floor, floorf(x.v[i]))
VF1(vf_ceil, ceilf(x.v[i]))
VF1(vf_trunc, truncf(x.v[i]))
VF vf vf_fma(vf x, vf y, vf z) { EACH(vf, fmaf(x.v[i], y.v[i], z.v[i])) }
VF vf vf_fnma(vf x, vf y, vf z) { EACH(vf, fmaf(-x.v[i], y.v[i], z.v[i])) }
VC2(vf_lt, <)
VC2(vf_le, <=)
VC2(vf_gt, >)
VC2(vf_ge, >=)
VC2(vf_eq, ==)
VC2(vf_ne, !=)
VF vf vf_sel(vm m, vf x, vf y) { EACH(vf, m.v[i] ? x.v[i] : y.v[i]) }
VF vm vm_and(vm x, vm y) { EACH(vm, x.v[i] & y.v[i]) }
VF vm vm_or(vm x, vm y) { EACH(vm, x.v[i] | y.v[i]) }
VF uint32_t vm_bits(vm m)
{
    uint32_t r = 0;
    for (int i = 0; i < VW; i++)
        r |= (uint32_t)(m.v[i] & 1) << i;
    return r;
}

VF vi vf_bits(vf x)
{
    vi r;
    memcpy(&r, &x, sizeof r);
    return r;
}
VF vf vf_from_bits(vi x)
{
    vf r;
    memcpy(&r, &x, sizeof r);
    return r;
}
/* Out of range is undefined in C and so never converted: INT32_MIN, as x86 has it. */
VF int32_t vec_to_i(float x) { return x >= -2147483648.0f && x < 2147483648.0f ? (int32_t)x : INT32_MIN; }
VF vi vf_to_i(vf x) { EACH(vi, vec_to_i(nearbyintf(x.v[i]))) }
VF vi vf_to_i_trunc(vf x) { EACH(vi, vec_to_i(x.v[i])) }
VF vf vi_to_f(vi x) { EACH(vf, (float)x.v[i]) }
VF vi vi_set(int32_t x) { EACH(vi, x) }
VF vi vi_load(const void *p)
{
    vi r;
    memcpy(&r, p, sizeof r);
    return r;
}
VF void vi_store(void *p, vi x) { memcpy(p, &x, sizeof x); }
VI2(vi_add, (int32_t)((uint32_t)x.v[i] + (uint32_t)y.v[i]))
VI2(vi_sub, (int32_t)((uint32_t)x.v[i] - (uint32_t)y.v[i]))
VI2(vi_mul, (int32_t)((uint32_t)x.v[i] * (uint32_t)y.v[i]))
VI2(vi_mul_small, x.v[i] * y.v[i])
VI2(vi_and, x.v[i] & y.v[i])
VI2(vi_or, x.v[i] | y.v[i])
VI2(vi_xor, x.v[i] ^ y.v[i])
VI2(vi_andnot, ~x.v[i] & y.v[i])
VI2(vi_min, x.v[i] < y.v[i] ? x.v[i] : y.v[i])
VI2(vi_max, x.v[i] > y.v[i] ? x.v[i] : y.v[i])
VF vi vi_sll(vi x, int n) { EACH(vi, (int32_t)((uint32_t)x.v[i] << n)) }
VF vi vi_srl(vi x, int n) { EACH(vi, (int32_t)((uint32_t)x.v[i] >> n)) }
VF vi vi_sra(vi x, int n) { EACH(vi, x.v[i] >> n) }
VF vm vi_eq(vi x, vi y) { EACH(vm, -(int32_t)(x.v[i] == y.v[i])) }
VF vm vi_gt(vi x, vi y) { EACH(vm, -(int32_t)(x.v[i] > y.v[i])) }
VF vi vi_sel(vm m, vi x, vi y) { EACH(vi, m.v[i] ? x.v[i] : y.v[i]) }

VF vi vi_load_u8(const void *p) { const uint8_t *q = p; EACH(vi, q[i]) }
VF vi vi_load_s8(const void *p) { const int8_t *q = p; EACH(vi, q[i]) }
VF vi vi_load_u16(const void *p)
{
    uint16_t q[VW];
    memcpy(q, p, sizeof q);
    EACH(vi, q[i])
}
VF vi vi_load_s16(const void *p)
{
    int16_t q[VW];
    memcpy(q, p, sizeof q);
    EACH(vi, q[i])
}
VF void vi_store_16(void *p, vi x)
{
    uint16_t q[VW];
    for (int i = 0; i < VW; i++)
        q[i] = (uint16_t)x.v[i];
    memcpy(p, q, sizeof q);
}
VF void vi_store_8(void *p, vi x)
{
    uint8_t *q = p;
    for (int i = 0; i < VW; i++)
        q[i] = (uint8_t)x.v[i];
}
VF vf vf_load_f16(const void *p)
{
    uint16_t q[VW];
    memcpy(q, p, sizeof q);
    EACH(vf, mote_f32_from_f16(q[i]))
}
VF void vf_store_f16(void *p, vf x)
{
    uint16_t q[VW];
    for (int i = 0; i < VW; i++)
        q[i] = mote_f16_from_f32(x.v[i]);
    memcpy(p, q, sizeof q);
}

#define VFOLD(name, expr)                                                                                              \
    VF float name(vf x)                                                                                                \
    {                                                                                                                  \
        for (int h = VW / 2; h > 0; h /= 2)                                                                                 \
            for (int i = 0; i < h; i++) {                                                                              \
                float a = x.v[i], b = x.v[i + h];                                                                      \
                x.v[i] = expr;                                                                                         \
            }                                                                                                          \
        return x.v[0];                                                                                                 \
    }
VFOLD(vf_hsum, a + b)
VFOLD(vf_hmul, a *b)
VFOLD(vf_hmin, a < b ? a : b)
VFOLD(vf_hmax, a > b ? a : b)
#undef VFOLD
#undef EACH
#undef VF1
#undef VF2
#undef VI2
#undef VC2
#endif
