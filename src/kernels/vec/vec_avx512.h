/* vec_avx512.h - sixteen lanes in one 512-bit register (contract: kernels/vec/vec_c.h)
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_KERNELS_VEC_AVX512_H
#define MOTE_KERNELS_VEC_AVX512_H

#include "base/platform.h"
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VW 16
#define VEC_WIDE 1
#define VTARGET MOTE_TARGET("avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx2,fma,f16c")
#define VF MOTE_INLINE VTARGET
#define VNAME(name) name##_avx512

typedef __m512 vf;
typedef __m512i vi;
typedef __mmask16 vm;

VF __mmask16 vm_first(size_t n) { return n >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << n) - 1u); }
VF vf vf_load(const float *p) { return _mm512_loadu_ps(p); }
VF void vf_store(float *p, vf x) { _mm512_storeu_ps(p, x); }
VF void vf_store_twice(float *p, vf x)
{
    const __m512i at = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
    _mm512_storeu_ps(p, _mm512_permutexvar_ps(at, x));
    _mm512_storeu_ps(p + 16, _mm512_permutexvar_ps(_mm512_or_si512(at, _mm512_set1_epi32(8)), x));
}
VF vf vf_gather(const float *p, const int32_t *index) { return _mm512_i32gather_ps(_mm512_loadu_si512(index), p, 4); }
VF vf vf_loadn(const float *p, size_t n) { return _mm512_maskz_loadu_ps(vm_first(n), p); }
VF void vf_storen(float *p, size_t n, vf x) { _mm512_mask_storeu_ps(p, vm_first(n), x); }
VF vf vf_set(float x) { return _mm512_set1_ps(x); }
VF vf vf_add(vf x, vf y) { return _mm512_add_ps(x, y); }
VF vf vf_sub(vf x, vf y) { return _mm512_sub_ps(x, y); }
VF vf vf_mul(vf x, vf y) { return _mm512_mul_ps(x, y); }
VF vf vf_div(vf x, vf y) { return _mm512_div_ps(x, y); }
VF vf vf_min(vf x, vf y) { return _mm512_min_ps(x, y); }
VF vf vf_max(vf x, vf y) { return _mm512_max_ps(x, y); }
VF vf vf_sqrt(vf x) { return _mm512_sqrt_ps(x); }
VF vf vf_rne(vf x) { return _mm512_roundscale_ps(x, 0 | _MM_FROUND_NO_EXC); }
VF vf vf_floor(vf x) { return _mm512_roundscale_ps(x, 1 | _MM_FROUND_NO_EXC); }
VF vf vf_ceil(vf x) { return _mm512_roundscale_ps(x, 2 | _MM_FROUND_NO_EXC); }
VF vf vf_trunc(vf x) { return _mm512_roundscale_ps(x, 3 | _MM_FROUND_NO_EXC); }
VF vf vf_fma(vf x, vf y, vf z) { return _mm512_fmadd_ps(x, y, z); }
VF vf vf_fnma(vf x, vf y, vf z) { return _mm512_fnmadd_ps(x, y, z); }
VF vm vf_lt(vf x, vf y) { return _mm512_cmp_ps_mask(x, y, _CMP_LT_OQ); }
VF vm vf_le(vf x, vf y) { return _mm512_cmp_ps_mask(x, y, _CMP_LE_OQ); }
VF vm vf_gt(vf x, vf y) { return _mm512_cmp_ps_mask(x, y, _CMP_GT_OQ); }
VF vm vf_ge(vf x, vf y) { return _mm512_cmp_ps_mask(x, y, _CMP_GE_OQ); }
VF vm vf_eq(vf x, vf y) { return _mm512_cmp_ps_mask(x, y, _CMP_EQ_OQ); }
VF vm vf_ne(vf x, vf y) { return _mm512_cmp_ps_mask(x, y, _CMP_NEQ_UQ); }
VF vf vf_sel(vm m, vf x, vf y) { return _mm512_mask_blend_ps(m, y, x); }
VF vm vm_and(vm x, vm y) { return (vm)(x & y); }
VF vm vm_or(vm x, vm y) { return (vm)(x | y); }
VF uint32_t vm_bits(vm m) { return m; }

VF vi vf_bits(vf x) { return _mm512_castps_si512(x); }
VF vf vf_from_bits(vi x) { return _mm512_castsi512_ps(x); }
VF vi vf_to_i(vf x) { return _mm512_cvtps_epi32(x); }
VF vi vf_to_i_trunc(vf x) { return _mm512_cvttps_epi32(x); }
VF vf vi_to_f(vi x) { return _mm512_cvtepi32_ps(x); }
VF vi vi_set(int32_t x) { return _mm512_set1_epi32(x); }
VF vi vi_load(const void *p) { return _mm512_loadu_si512(p); }
VF void vi_store(void *p, vi x) { _mm512_storeu_si512(p, x); }
VF vi vi_add(vi x, vi y) { return _mm512_add_epi32(x, y); }
VF vi vi_sub(vi x, vi y) { return _mm512_sub_epi32(x, y); }
VF vi vi_mul(vi x, vi y) { return _mm512_mullo_epi32(x, y); }
VF vi vi_mul_small(vi x, vi y) { return _mm512_madd_epi16(x, y); }
VF vi vi_and(vi x, vi y) { return _mm512_and_si512(x, y); }
VF vi vi_or(vi x, vi y) { return _mm512_or_si512(x, y); }
VF vi vi_xor(vi x, vi y) { return _mm512_xor_si512(x, y); }
VF vi vi_andnot(vi x, vi y) { return _mm512_andnot_si512(x, y); }
VF vi vi_min(vi x, vi y) { return _mm512_min_epi32(x, y); }
VF vi vi_max(vi x, vi y) { return _mm512_max_epi32(x, y); }
#define vi_sll(x, n) _mm512_slli_epi32(x, n)
#define vi_srl(x, n) _mm512_srli_epi32(x, n)
#define vi_sra(x, n) _mm512_srai_epi32(x, n)
VF vm vi_eq(vi x, vi y) { return _mm512_cmpeq_epi32_mask(x, y); }
VF vm vi_gt(vi x, vi y) { return _mm512_cmpgt_epi32_mask(x, y); }
VF vi vi_sel(vm m, vi x, vi y) { return _mm512_mask_blend_epi32(m, y, x); }

VF vi vi_load_u8(const void *p) { return _mm512_cvtepu8_epi32(_mm_loadu_si128(p)); }
VF vi vi_load_s8(const void *p) { return _mm512_cvtepi8_epi32(_mm_loadu_si128(p)); }
VF vi vi_load_u16(const void *p) { return _mm512_cvtepu16_epi32(_mm256_loadu_si256(p)); }
VF vi vi_load_s16(const void *p) { return _mm512_cvtepi16_epi32(_mm256_loadu_si256(p)); }
VF void vi_store_16(void *p, vi x) { _mm256_storeu_si256(p, _mm512_cvtepi32_epi16(x)); }
VF void vi_store_8(void *p, vi x) { _mm_storeu_si128(p, _mm512_cvtepi32_epi8(x)); }
VF vf vf_load_f16(const void *p) { return _mm512_cvtph_ps(_mm256_loadu_si256(p)); }
VF void vf_store_f16(void *p, vf x) { _mm256_storeu_si256(p, _mm512_cvtps_ph(x, 0)); }

#define VFOLD(name, op, op1)                                                                                           \
    VF float name(vf x)                                                                                                \
    {                                                                                                                  \
        __m256 y = op(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));                                        \
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
#endif
