/* igemm_neon.c - integer gemm for NEON without the dot product: products in 16 bits, widened as pairs are added
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_AARCH64
#include "kernels/igemm/igemm.h"
#include "kernels/vec/vec_neon.h"

typedef int8x8_t dot_a;
typedef struct { int8x16_t a, b, c, d; } dot_b;
VF dot_a dot_spread(uint32_t word, uint32_t flip) { return vreinterpret_s8_u32(vdup_n_u32(word ^ flip)); }
VF dot_b dot_load(const int8_t *b) { return (dot_b){vld1q_s8(b), vld1q_s8(b + 16), vld1q_s8(b + 32), vld1q_s8(b + 48)}; }
VF int32x4_t dot_part(int32x4_t sum, dot_a a, int8x16_t b)
{
    int32x4_t x = vpaddlq_s16(vmull_s8(vget_low_s8(b), a)), y = vpaddlq_s16(vmull_s8(vget_high_s8(b), a));
    return vaddq_s32(sum, vpaddq_s32(x, y));
}
VF vi dot(vi s, dot_a a, dot_b b)
{
    return (vi){dot_part(s.a, a, b.a), dot_part(s.b, a, b.b), dot_part(s.c, a, b.c), dot_part(s.d, a, b.d)};
}

#define TILE_MR 4
#define TILE_NV 1
#define TILE_NAME mote_igemm_s8_s8_s32_4x16c4_neon
#include "kernels/igemm/igemm_tmpl.h"
#else
typedef int igemm_neon_empty;
#endif
