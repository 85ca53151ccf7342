/* vec_avx2.h - sixteen lanes in two 256-bit registers (contract: kernels/vec/vec_c.h)
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_KERNELS_VEC_AVX2_H
#define MOTE_KERNELS_VEC_AVX2_H

#include "base/platform.h"
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VW 16
#define VEC_WIDE 1
#define VTARGET MOTE_TARGET("avx2,fma,f16c")
#define VF MOTE_INLINE VTARGET
#define VNAME(name) name##_avx2

typedef struct { __m256 a, b; } vf;
typedef struct { __m256i a, b; } vi;
typedef struct { __m256 a, b; } vm;

#define VF1(name, op) VF vf name(vf x) { return (vf){op(x.a), op(x.b)}; }
#define VF2(name, op) VF vf name(vf x, vf y) { return (vf){op(x.a, y.a), op(x.b, y.b)}; }
#define VI2(name, op) VF vi name(vi x, vi y) { return (vi){op(x.a, y.a), op(x.b, y.b)}; }
#define VCMP(name, how)                                                                                                \
    VF vm name(vf x, vf y) { return (vm){_mm256_cmp_ps(x.a, y.a, how), _mm256_cmp_ps(x.b, y.b, how)}; }

/* lane i of a mask vector for the first n: loads from a sliding table */
static const int32_t vec_tail_table[32] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
VF vi vec_tail(size_t n)
{
    const int32_t *t = vec_tail_table + 16 - (n > 16 ? 16 : n);
    return (vi){_mm256_loadu_si256((const void *)t), _mm256_loadu_si256((const void *)(t + 8))};
}
VF vm vm_first(size_t n)
{
    vi t = vec_tail(n);
    return (vm){_mm256_castsi256_ps(t.a), _mm256_castsi256_ps(t.b)};
}

VF vf vf_load(const float *p) { return (vf){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
VF vf vf_gather(const float *p, const int32_t *index)
{
    return (vf){_mm256_i32gather_ps(p, _mm256_loadu_si256((const void *)index), 4), _mm256_i32gather_ps(p, _mm256_loadu_si256((const void *)(index + 8)), 4)};
}
VF void vf_store(float *p, vf x)
{
    _mm256_storeu_ps(p, x.a);
    _mm256_storeu_ps(p + 8, x.b);
}
VF void vf_store_twice(float *p, vf x)
{
    const __m256i at = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3), to = _mm256_or_si256(at, _mm256_set1_epi32(4));
    _mm256_storeu_ps(p, _mm256_permutevar8x32_ps(x.a, at));
    _mm256_storeu_ps(p + 8, _mm256_permutevar8x32_ps(x.a, to));
    _mm256_storeu_ps(p + 16, _mm256_permutevar8x32_ps(x.b, at));
    _mm256_storeu_ps(p + 24, _mm256_permutevar8x32_ps(x.b, to));
}
VF vf vf_loadn(const float *p, size_t n)
{
    vi t = vec_tail(n);
    return (vf){_mm256_maskload_ps(p, t.a), _mm256_maskload_ps(p + 8, t.b)};
}
VF void vf_storen(float *p, size_t n, vf x)
{
    vi t = vec_tail(n);
    _mm256_maskstore_ps(p, t.a, x.a);
    if (n > 8)
        _mm256_maskstore_ps(p + 8, t.b, x.b);
}
VF vf vf_set(float x) { return (vf){_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
VF2(vf_add, _mm256_add_ps)
VF2(vf_sub, _mm256_sub_ps)
VF2(vf_mul, _mm256_mul_ps)
VF2(vf_div, _mm256_div_ps)
VF2(vf_min, _mm256_min_ps)
VF2(vf_max, _mm256_max_ps)
VF1(vf_sqrt, _mm256_sqrt_ps)
#define R(x, how) _mm256_round_ps(x, (how) | _MM_FROUND_NO_EXC)
VF vf vf_rne(vf x) { return (vf){R(x.a, 0), R(x.b, 0)}; }
VF vf vf_floor(vf x) { return (vf){R(x.a, 1), R(x.b, 1)}; }
VF vf vf_ceil(vf x) { return (vf){R(x.a, 2), R(x.b, 2)}; }
VF vf vf_trunc(vf x) { return (vf){R(x.a, 3), R(x.b, 3)}; }
#undef R
VF vf vf_fma(vf x, vf y, vf z) { return (vf){_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)}; }
VF vf vf_fnma(vf x, vf y, vf z) { return (vf){_mm256_fnmadd_ps(x.a, y.a, z.a), _mm256_fnmadd_ps(x.b, y.b, z.b)}; }
VCMP(vf_lt, _CMP_LT_OQ)
VCMP(vf_le, _CMP_LE_OQ)
VCMP(vf_gt, _CMP_GT_OQ)
VCMP(vf_ge, _CMP_GE_OQ)
VCMP(vf_eq, _CMP_EQ_OQ)
VCMP(vf_ne, _CMP_NEQ_UQ)
VF vf vf_sel(vm m, vf x, vf y) { return (vf){_mm256_blendv_ps(y.a, x.a, m.a), _mm256_blendv_ps(y.b, x.b, m.b)}; }
VF vm vm_and(vm x, vm y) { return (vm){_mm256_and_ps(x.a, y.a), _mm256_and_ps(x.b, y.b)}; }
VF vm vm_or(vm x, vm y) { return (vm){_mm256_or_ps(x.a, y.a), _mm256_or_ps(x.b, y.b)}; }
VF uint32_t vm_bits(vm m) { return (uint32_t)_mm256_movemask_ps(m.a) | (uint32_t)_mm256_movemask_ps(m.b) << 8; }

VF vi vf_bits(vf x) { return (vi){_mm256_castps_si256(x.a), _mm256_castps_si256(x.b)}; }
VF vf vf_from_bits(vi x) { return (vf){_mm256_castsi256_ps(x.a), _mm256_castsi256_ps(x.b)}; }
VF vi vf_to_i(vf x) { return (vi){_mm256_cvtps_epi32(x.a), _mm256_cvtps_epi32(x.b)}; }
VF vi vf_to_i_trunc(vf x) { return (vi){_mm256_cvttps_epi32(x.a), _mm256_cvttps_epi32(x.b)}; }
VF vf vi_to_f(vi x) { return (vf){_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)}; }
VF vi vi_set(int32_t x) { return (vi){_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
VF vi vi_load(const void *p)
{
    return (vi){_mm256_loadu_si256(p), _mm256_loadu_si256((const void *)((const char *)p + 32))};
}
VF void vi_store(void *p, vi x)
{
    _mm256_storeu_si256(p, x.a);
    _mm256_storeu_si256((void *)((char *)p + 32), x.b);
}
VI2(vi_add, _mm256_add_epi32)
VI2(vi_sub, _mm256_sub_epi32)
VI2(vi_mul, _mm256_mullo_epi32)
VI2(vi_mul_small, _mm256_madd_epi16)
VI2(vi_and, _mm256_and_si256)
VI2(vi_or, _mm256_or_si256)
VI2(vi_xor, _mm256_xor_si256)
VI2(vi_andnot, _mm256_andnot_si256)
VI2(vi_min, _mm256_min_epi32)
VI2(vi_max, _mm256_max_epi32)
#define vi_sll(x, n) ((vi){_mm256_slli_epi32((x).a, n), _mm256_slli_epi32((x).b, n)})
#define vi_srl(x, n) ((vi){_mm256_srli_epi32((x).a, n), _mm256_srli_epi32((x).b, n)})
#define vi_sra(x, n) ((vi){_mm256_srai_epi32((x).a, n), _mm256_srai_epi32((x).b, n)})
VF vm vi_eq(vi x, vi y)
{
    return (vm){_mm256_castsi256_ps(_mm256_cmpeq_epi32(x.a, y.a)), _mm256_castsi256_ps(_mm256_cmpeq_epi32(x.b, y.b))};
}
VF vm vi_gt(vi x, vi y)
{
    return (vm){_mm256_castsi256_ps(_mm256_cmpgt_epi32(x.a, y.a)), _mm256_castsi256_ps(_mm256_cmpgt_epi32(x.b, y.b))};
}
VF vi vi_sel(vm m, vi x, vi y) { return vf_bits(vf_sel(m, vf_from_bits(x), vf_from_bits(y))); }

VF vi vi_load_u8(const void *p)
{
    __m128i x = _mm_loadu_si128(p);
    return (vi){_mm256_cvtepu8_epi32(x), _mm256_cvtepu8_epi32(_mm_srli_si128(x, 8))};
}
VF vi vi_load_s8(const void *p)
{
    __m128i x = _mm_loadu_si128(p);
    return (vi){_mm256_cvtepi8_epi32(x), _mm256_cvtepi8_epi32(_mm_srli_si128(x, 8))};
}
VF vi vi_load_u16(const void *p)
{
    __m256i x = _mm256_loadu_si256(p);
    return (vi){_mm256_cvtepu16_epi32(_mm256_castsi256_si128(x)), _mm256_cvtepu16_epi32(_mm256_extracti128_si256(x, 1))};
}
VF vi vi_load_s16(const void *p)
{
    __m256i x = _mm256_loadu_si256(p);
    return (vi){_mm256_cvtepi16_epi32(_mm256_castsi256_si128(x)), _mm256_cvtepi16_epi32(_mm256_extracti128_si256(x, 1))};
}
VF void vi_store_16(void *p, vi x)
{
    const __m256i low = _mm256_set1_epi32(0xffff);
    __m256i y = _mm256_packus_epi32(_mm256_and_si256(x.a, low), _mm256_and_si256(x.b, low));
    _mm256_storeu_si256(p, _mm256_permute4x64_epi64(y, 0xd8));
}
VF void vi_store_8(void *p, vi x)
{
    const __m256i low = _mm256_set1_epi32(0xff);
    __m256i y = _mm256_packus_epi32(_mm256_and_si256(x.a, low), _mm256_and_si256(x.b, low)); /* a0-3 b0-3 | a4-7 b4-7 */
    y = _mm256_permute4x64_epi64(y, 0xd8);
    _mm_storeu_si128(p, _mm_packus_epi16(_mm256_castsi256_si128(y), _mm256_extracti128_si256(y, 1)));
}
VF vf vf_load_f16(const void *p)
{
    return (vf){_mm256_cvtph_ps(_mm_loadu_si128(p)), _mm256_cvtph_ps(_mm_loadu_si128((const void *)((const char *)p + 16)))};
}
VF void vf_store_f16(void *p, vf x)
{
    _mm_storeu_si128(p, _mm256_cvtps_ph(x.a, 0));
    _mm_storeu_si128((void *)((char *)p + 16), _mm256_cvtps_ph(x.b, 0));
}

/* One lane tree for sums, minima and maxima: i with i+8, then i+4, i+2, i+1. */
#define VFOLD(name, op, op1)                                                                                           \
    VF float name(vf x)                                                                                                \
    {                                                                                                                  \
        __m256 y = op(x.a, x.b);                                                                                       \
        __m128 z = op1(_mm256_castps256_ps128(y), _mm256_extractf128_ps(y, 1));                                        \
        z = op1(z, _mm_movehl_ps(z, z));                                                                               \
        z = op1(z, _mm_shuffle_ps(z, z, 1));                                                                           \
        return _mm_cvtss_f32(z);                                                                                       \
    }
VFOLD(vf_hsum, _mm256_add_ps, _mm_add_ps)
VFOLD(vf_hmul, _mm256_mul_ps, _mm_mul_ps)
VFOLD(vf_hmin, _mm256_min_ps, _mm_min_ps)
VFOLD(vf_hmax, _mm256_max_ps, _mm_max_ps)

#undef VFOLD
#undef VF1
#undef VF2
#undef VI2
#undef VCMP
#endif
