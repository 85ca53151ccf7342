/* igemm_avx512vnni.c - integer gemm with VPDPBUSD on 512 bits
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/igemm/igemm.h"
#include "kernels/vec/vec_avx512.h"
#undef VTARGET
#define VTARGET MOTE_TARGET("avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx512vnni,avx2,fma,f16c")

typedef vi dot_a, dot_b;
VF dot_a dot_spread(uint32_t word, uint32_t flip) { return vi_xor(vi_set((int32_t)word), vi_set((int32_t)flip)); }
VF dot_b dot_load(const int8_t *b) { return vi_load(b); }
VF vi dot(vi sum, dot_a a, dot_b b) { return _mm512_dpbusd_epi32(sum, a, b); }

#define TILE_MR 8
#define TILE_NV 3
#define TILE_NAME mote_igemm_u8_s8_s32_8x48c4_avx512vnni
#include "kernels/igemm/igemm_tmpl.h"
#else
typedef int igemm_avx512vnni_empty;
#endif
