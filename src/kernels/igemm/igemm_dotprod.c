/* igemm_dotprod.c - integer gemm with SDOT
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_AARCH64
#include "kernels/igemm/igemm.h"
#include "kernels/vec/vec_neon.h"
#undef VTARGET
#undef VF
#if defined(__clang__)
#define VTARGET MOTE_TARGET("dotprod")
#else
#define VTARGET MOTE_TARGET("arch=armv8.2-a+dotprod")
#endif
#define VF MOTE_INLINE VTARGET

typedef int8x16_t dot_a;
typedef struct { int8x16_t a, b, c, d; } dot_b;
VF dot_a dot_spread(uint32_t word, uint32_t flip) { return vreinterpretq_s8_u32(vdupq_n_u32(word ^ flip)); }
VF dot_b dot_load(const int8_t *b) { return (dot_b){vld1q_s8(b), vld1q_s8(b + 16), vld1q_s8(b + 32), vld1q_s8(b + 48)}; }
/* Written out, for some compilers have vdotq_s32 only with the feature on for the whole file. */
VF int32x4_t dot_part(int32x4_t sum, dot_a a, int8x16_t b)
{
    __asm__("sdot %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(b), "w"(a));
    return sum;
}
VF vi dot(vi s, dot_a a, dot_b b)
{
    return (vi){dot_part(s.a, a, b.a), dot_part(s.b, a, b.b), dot_part(s.c, a, b.c), dot_part(s.d, a, b.d)};
}

#define TILE_MR 6
#define TILE_NV 1
#define TILE_NAME mote_igemm_s8_s8_s32_6x16c4_dotprod
#include "kernels/igemm/igemm_tmpl.h"
#else
typedef int igemm_dotprod_empty;
#endif
