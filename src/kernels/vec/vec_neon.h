/* vec_neon.h - sixteen lanes in four 128-bit registers (contract: kernels/vec/vec_c.h)
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_KERNELS_VEC_NEON_H
#define MOTE_KERNELS_VEC_NEON_H

#include "base/platform.h"
#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VW 16
#define VEC_WIDE 1
#define VTARGET
#define VF MOTE_INLINE
#define VNAME(name) name##_neon

typedef struct { float32x4_t a, b, c, d; } vf;
typedef struct { int32x4_t a, b, c, d; } vi;
typedef struct { uint32x4_t a, b, c, d; } vm;

#define EACH1(type, op, x) ((type){op((x).a), op((x).b), op((x).c), op((x).d)})
#define EACH2(type, op, x, y) ((type){op((x).a, (y).a), op((x).b, (y).b), op((x).c, (y).c), op((x).d, (y).d)})
#define EACH3(type, op, x, y, z)                                                                                       \
    ((type){op((x).a, (y).a, (z).a), op((x).b, (y).b, (z).b), op((x).c, (y).c, (z).c), op((x).d, (y).d, (z).d)})
#define VF1(name, op) VF vf name(vf x) { return EACH1(vf, op, x); }
#define VF2(name, op) VF vf name(vf x, vf y) { return EACH2(vf, op, x, y); }
#define VI2(name, op) VF vi name(vi x, vi y) { return EACH2(vi, op, x, y); }
#define VC2(name, op) VF vm name(vf x, vf y) { return EACH2(vm, op, x, y); }

static const int32_t vec_tail_table[32] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
VF vm vm_first(size_t n)
{
    const int32_t *t = vec_tail_table + 16 - (n > 16 ? 16 : n);
    return (vm){vreinterpretq_u32_s32(vld1q_s32(t)), vreinterpretq_u32_s32(vld1q_s32(t + 4)),
                vreinterpretq_u32_s32(vld1q_s32(t + 8)), vreinterpretq_u32_s32(vld1q_s32(t + 12))};
}
VF vf vf_load(const float *p) { return (vf){vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)}; }
VF void vf_store_twice(float *p, vf x)
{
    vst2q_f32(p, ((float32x4x2_t){{x.a, x.a}}));
    vst2q_f32(p + 8, ((float32x4x2_t){{x.b, x.b}}));
    vst2q_f32(p + 16, ((float32x4x2_t){{x.c, x.c}}));
    vst2q_f32(p + 24, ((float32x4x2_t){{x.d, x.d}}));
}
VF vf vf_gather(const float *p, const int32_t *index)
{
    float t[16];
    for (int i = 0; i < 16; i++)
        t[i] = p[index[i]];
    return vf_load(t);
}
VF void vf_store(float *p, vf x)
{
    vst1q_f32(p, x.a);
    vst1q_f32(p + 4, x.b);
    vst1q_f32(p + 8, x.c);
    vst1q_f32(p + 12, x.d);
}
VF vf vf_loadn(const float *p, size_t n)
{
    if (n >= 16)
        return vf_load(p);
    float t[16] = {0};
    memcpy(t, p, n * sizeof *t);
    return vf_load(t);
}
VF void vf_storen(float *p, size_t n, vf x)
{
    float t[16];
    vf_store(t, x);
    memcpy(p, t, (n > 16 ? 16 : n) * sizeof *t);
}
VF vf vf_set(float x) { return (vf){vdupq_n_f32(x), vdupq_n_f32(x), vdupq_n_f32(x), vdupq_n_f32(x)}; }
VF float32x4_t vec_min(float32x4_t x, float32x4_t y) { return vbslq_f32(vcltq_f32(x, y), x, y); }
VF float32x4_t vec_max(float32x4_t x, float32x4_t y) { return vbslq_f32(vcgtq_f32(x, y), x, y); }
VF uint32x4_t vec_ne(float32x4_t x, float32x4_t y) { return vmvnq_u32(vceqq_f32(x, y)); }
VF float32x4_t vec_fma(float32x4_t x, float32x4_t y, float32x4_t z) { return vfmaq_f32(z, x, y); }
VF float32x4_t vec_fnma(float32x4_t x, float32x4_t y, float32x4_t z) { return vfmsq_f32(z, x, y); }
VF2(vf_add, vaddq_f32)
VF2(vf_sub, vsubq_f32)
VF2(vf_mul, vmulq_f32)
VF2(vf_div, vdivq_f32)
VF2(vf_min, vec_min)
VF2(vf_max, vec_max)
VF1(vf_sqrt, vsqrtq_f32)
VF1(vf_rne, vrndnq_f32)
VF1(vf_floor, vrndmq_f32)
VF1(vf_ceil, vrndpq_f32)
VF1(vf_trunc, vrndq_f32)
VF vf vf_fma(vf x, vf y, vf z) { return EACH3(vf, vec_fma, x, y, z); }
VF vf vf_fnma(vf x, vf y, vf z) { return EACH3(vf, vec_fnma, x, y, z); }
VC2(vf_lt, vcltq_f32)
VC2(vf_le, vcleq_f32)
VC2(vf_gt, vcgtq_f32)
VC2(vf_ge, vcgeq_f32)
VC2(vf_eq, vceqq_f32)
VC2(vf_ne, vec_ne)
VF vf vf_sel(vm m, vf x, vf y) { return EACH3(vf, vbslq_f32, m, x, y); }
VF vm vm_and(vm x, vm y) { return EACH2(vm, vandq_u32, x, y); }
VF vm vm_or(vm x, vm y) { return EACH2(vm, vorrq_u32, x, y); }
VF uint32_t vec_bits4(uint32x4_t m)
{
    static const uint32_t w[4] = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(m, vld1q_u32(w)));
}
VF uint32_t vm_bits(vm m) { return vec_bits4(m.a) | vec_bits4(m.b) << 4 | vec_bits4(m.c) << 8 | vec_bits4(m.d) << 12; }

VF vi vf_bits(vf x) { return EACH1(vi, vreinterpretq_s32_f32, x); }
VF vf vf_from_bits(vi x) { return EACH1(vf, vreinterpretq_f32_s32, x); }
VF vi vf_to_i(vf x) { return EACH1(vi, vcvtnq_s32_f32, x); }
VF vi vf_to_i_trunc(vf x) { return EACH1(vi, vcvtq_s32_f32, x); }
VF vf vi_to_f(vi x) { return EACH1(vf, vcvtq_f32_s32, x); }
VF vi vi_set(int32_t x) { return (vi){vdupq_n_s32(x), vdupq_n_s32(x), vdupq_n_s32(x), vdupq_n_s32(x)}; }
VF vi vi_load(const void *p)
{
    const int32_t *q = p;
    return (vi){vld1q_s32(q), vld1q_s32(q + 4), vld1q_s32(q + 8), vld1q_s32(q + 12)};
}
VF void vi_store(void *p, vi x)
{
    int32_t *q = p;
    vst1q_s32(q, x.a);
    vst1q_s32(q + 4, x.b);
    vst1q_s32(q + 8, x.c);
    vst1q_s32(q + 12, x.d);
}
VF int32x4_t vec_andnot(int32x4_t x, int32x4_t y) { return vbicq_s32(y, x); }
VI2(vi_add, vaddq_s32)
VI2(vi_sub, vsubq_s32)
VI2(vi_mul, vmulq_s32)
VI2(vi_mul_small, vmulq_s32)
VI2(vi_and, vandq_s32)
VI2(vi_or, vorrq_s32)
VI2(vi_xor, veorq_s32)
VI2(vi_andnot, vec_andnot)
VI2(vi_min, vminq_s32)
VI2(vi_max, vmaxq_s32)
#define vec_srl(x, n) vreinterpretq_s32_u32(vshrq_n_u32(vreinterpretq_u32_s32(x), n))
#define vi_sll(x, n) ((vi){vshlq_n_s32((x).a, n), vshlq_n_s32((x).b, n), vshlq_n_s32((x).c, n), vshlq_n_s32((x).d, n)})
#define vi_srl(x, n) ((vi){vec_srl((x).a, n), vec_srl((x).b, n), vec_srl((x).c, n), vec_srl((x).d, n)})
#define vi_sra(x, n) ((vi){vshrq_n_s32((x).a, n), vshrq_n_s32((x).b, n), vshrq_n_s32((x).c, n), vshrq_n_s32((x).d, n)})
VF vm vi_eq(vi x, vi y) { return EACH2(vm, vceqq_s32, x, y); }
VF vm vi_gt(vi x, vi y) { return EACH2(vm, vcgtq_s32, x, y); }
VF vi vi_sel(vm m, vi x, vi y) { return EACH3(vi, vbslq_s32, m, x, y); }

VF vi vi_load_u16(const void *p)
{
    uint16x8_t x, y;
    memcpy(&x, p, 16);
    memcpy(&y, (const char *)p + 16, 16);
    return (vi){vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(x))), vreinterpretq_s32_u32(vmovl_u16(vget_high_u16(x))),
                vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(y))), vreinterpretq_s32_u32(vmovl_u16(vget_high_u16(y)))};
}
VF vi vi_load_s16(const void *p)
{
    int16x8_t x, y;
    memcpy(&x, p, 16);
    memcpy(&y, (const char *)p + 16, 16);
    return (vi){vmovl_s16(vget_low_s16(x)), vmovl_s16(vget_high_s16(x)), vmovl_s16(vget_low_s16(y)),
                vmovl_s16(vget_high_s16(y))};
}
VF vi vi_load_u8(const void *p)
{
    uint8x16_t x = vld1q_u8(p);
    uint16_t t[16];
    vst1q_u16(t, vmovl_u8(vget_low_u8(x)));
    vst1q_u16(t + 8, vmovl_u8(vget_high_u8(x)));
    return vi_load_u16(t);
}
VF vi vi_load_s8(const void *p)
{
    int8x16_t x = vld1q_s8(p);
    int16x8_t y = vmovl_s8(vget_low_s8(x)), z = vmovl_s8(vget_high_s8(x));
    return (vi){vmovl_s16(vget_low_s16(y)), vmovl_s16(vget_high_s16(y)), vmovl_s16(vget_low_s16(z)),
                vmovl_s16(vget_high_s16(z))};
}
VF void vi_store_16(void *p, vi x)
{
    int16x8_t y = vcombine_s16(vmovn_s32(x.a), vmovn_s32(x.b)), z = vcombine_s16(vmovn_s32(x.c), vmovn_s32(x.d));
    memcpy(p, &y, 16);
    memcpy((char *)p + 16, &z, 16);
}
VF void vi_store_8(void *p, vi x)
{
    int16x8_t y = vcombine_s16(vmovn_s32(x.a), vmovn_s32(x.b)), z = vcombine_s16(vmovn_s32(x.c), vmovn_s32(x.d));
    vst1q_s8(p, vcombine_s8(vmovn_s16(y), vmovn_s16(z)));
}
VF vf vf_load_f16(const void *p)
{
    float16x8_t x, y;
    memcpy(&x, p, 16);
    memcpy(&y, (const char *)p + 16, 16);
    return (vf){vcvt_f32_f16(vget_low_f16(x)), vcvt_f32_f16(vget_high_f16(x)), vcvt_f32_f16(vget_low_f16(y)),
                vcvt_f32_f16(vget_high_f16(y))};
}
VF void vf_store_f16(void *p, vf x)
{
    float16x8_t y = vcombine_f16(vcvt_f16_f32(x.a), vcvt_f16_f32(x.b)), z = vcombine_f16(vcvt_f16_f32(x.c), vcvt_f16_f32(x.d));
    memcpy(p, &y, 16);
    memcpy((char *)p + 16, &z, 16);
}

#define VFOLD(name, op)                                                                                                \
    VF float name(vf x)                                                                                                \
    {                                                                                                                  \
        float32x4_t y = op(op(x.a, x.c), op(x.b, x.d));                                                                \
        y = op(y, vextq_f32(y, y, 2));                                                                                 \
        y = op(y, vextq_f32(y, y, 1));                                                                                 \
        return vgetq_lane_f32(y, 0);                                                                                   \
    }
VFOLD(vf_hsum, vaddq_f32)
VFOLD(vf_hmul, vmulq_f32)
VFOLD(vf_hmin, vec_min)
VFOLD(vf_hmax, vec_max)
#undef VFOLD
#undef EACH1
#undef EACH2
#undef EACH3
#undef VF1
#undef VF2
#undef VI2
#undef VC2
#endif
