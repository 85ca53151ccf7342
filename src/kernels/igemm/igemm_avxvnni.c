/* igemm_avxvnni.c - integer gemm with VEX-coded VPDPBUSD
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/igemm/igemm.h"
#include "kernels/vec/vec_avx2.h"
#undef VTARGET
#define VTARGET MOTE_TARGET("avx2,fma,f16c,avxvnni")

typedef __m256i dot_a;
typedef vi dot_b;
VF dot_a dot_spread(uint32_t word, uint32_t flip) { return _mm256_xor_si256(_mm256_set1_epi32((int32_t)word), _mm256_set1_epi32((int32_t)flip)); }
VF dot_b dot_load(const int8_t *b) { return vi_load(b); }
VF vi dot(vi sum, dot_a a, dot_b b)
{
    return (vi){_mm256_dpbusd_avx_epi32(sum.a, a, b.a), _mm256_dpbusd_avx_epi32(sum.b, a, b.b)};
}

#define TILE_MR 6
#define TILE_NV 1
#define TILE_NAME mote_igemm_u8_s8_s32_6x16c4_avxvnni
#include "kernels/igemm/igemm_tmpl.h"
#else
typedef int igemm_avxvnni_empty;
#endif
