/* igemm_avx512.c - integer gemm with VPMADDWD on 512 bits: bytes widened to 16 bits, so that nothing saturates
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/igemm/igemm.h"
#include "kernels/vec/vec_avx512.h"

/* bytes 0 and 2 of each lane, bytes 1 and 3 */
typedef struct { __m512i even, odd; } dot_a, dot_b;
VF dot_a dot_spread(uint32_t word, uint32_t flip)
{
    const vi x = vi_xor(vi_set((int32_t)word), vi_set((int32_t)flip));
    return (dot_a){_mm512_and_si512(x, _mm512_set1_epi16(0xff)), _mm512_srli_epi16(x, 8)};
}
VF dot_b dot_load(const int8_t *b)
{
    __m512i x = _mm512_loadu_si512(b);
    return (dot_b){_mm512_srai_epi16(_mm512_slli_epi16(x, 8), 8), _mm512_srai_epi16(x, 8)};
}
VF vi dot(vi sum, dot_a a, dot_b b)
{
    return vi_add(sum, vi_add(_mm512_madd_epi16(a.even, b.even), _mm512_madd_epi16(a.odd, b.odd)));
}

#define TILE_MR 8
#define TILE_NV 2
#define TILE_NAME mote_igemm_u8_s8_s32_8x32c4_avx512
#include "kernels/igemm/igemm_tmpl.h"
#else
typedef int igemm_avx512_empty;
#endif
