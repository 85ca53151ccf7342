/* igemm_avx2.c - integer gemm with VPMADDWD: bytes widened to 16 bits, so that nothing saturates
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/igemm/igemm.h"
#include "kernels/vec/vec_avx2.h"

/* bytes 0 and 2 of each lane, bytes 1 and 3 */
typedef struct { __m256i even, odd; } dot_a;
typedef struct { dot_a a, b; } dot_b;
/* A word goes from memory to all lanes before anything is done to it: scalar registers would need a transfer for each half. */
VF dot_a dot_spread(uint32_t word, uint32_t flip)
{
    const __m256i x = _mm256_xor_si256(_mm256_set1_epi32((int32_t)word), _mm256_set1_epi32((int32_t)flip));
    return (dot_a){_mm256_and_si256(x, _mm256_set1_epi16(0xff)), _mm256_srli_epi16(x, 8)};
}
VF dot_a dot_widen(__m256i x) { return (dot_a){_mm256_srai_epi16(_mm256_slli_epi16(x, 8), 8), _mm256_srai_epi16(x, 8)}; }
VF dot_b dot_load(const int8_t *b)
{
    vi x = vi_load(b);
    return (dot_b){dot_widen(x.a), dot_widen(x.b)};
}
VF __m256i dot_half(__m256i sum, dot_a a, dot_a b)
{
    return _mm256_add_epi32(sum, _mm256_add_epi32(_mm256_madd_epi16(a.even, b.even), _mm256_madd_epi16(a.odd, b.odd)));
}
VF vi dot(vi sum, dot_a a, dot_b b) { return (vi){dot_half(sum.a, a, b.a), dot_half(sum.b, a, b.b)}; }

#define TILE_MR 4
#define TILE_NV 1
#define TILE_NAME mote_igemm_u8_s8_s32_4x16c4_avx2
#include "kernels/igemm/igemm_tmpl.h"
#else
typedef int igemm_avx2_empty;
#endif
