/* lookup.c - tables of 256 bytes: AVX-512 VBMI, NEON, plain C
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/quantize/quantize.h"
#if MOTE_X86_64
#include <immintrin.h>
#endif
#if MOTE_AARCH64
#include <arm_neon.h>
#endif

void mote_lookup_u8_ref(const uint8_t *x, uint8_t *y, size_t n, const uint8_t *table)
{
    size_t i = 0;
    for (; n - i >= 8; i += 8) { /* read before written: a byte written might be the next one's table */
        const uint8_t a = table[x[i]], b = table[x[i + 1]], c = table[x[i + 2]], d = table[x[i + 3]], e = table[x[i + 4]], f = table[x[i + 5]], g = table[x[i + 6]],
                      h = table[x[i + 7]];
        y[i] = a, y[i + 1] = b, y[i + 2] = c, y[i + 3] = d, y[i + 4] = e, y[i + 5] = f, y[i + 6] = g, y[i + 7] = h;
    }
    for (; i < n; i++)
        y[i] = table[x[i]];
}

#if MOTE_X86_64
/* VPERMI2B looks seven bits up in two registers; the eighth chooses between the two halves of the table. */
MOTE_TARGET("avx512f,avx512bw,avx512vbmi")
void mote_lookup_u8_avx512vbmi(const uint8_t *x, uint8_t *y, size_t n, const uint8_t *table)
{
    const __m512i a = _mm512_loadu_si512(table), b = _mm512_loadu_si512(table + 64), c = _mm512_loadu_si512(table + 128),
                  d = _mm512_loadu_si512(table + 192);
    for (size_t i = 0; i < n; i += 64) {
        __mmask64 m = n - i >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << (n - i)) - 1;
        __m512i v = _mm512_maskz_loadu_epi8(m, x + i);
        __m512i low = _mm512_permutex2var_epi8(a, v, b), high = _mm512_permutex2var_epi8(c, v, d);
        _mm512_mask_storeu_epi8(y + i, m, _mm512_mask_blend_epi8(_mm512_movepi8_mask(v), low, high));
    }
}
#endif

#if MOTE_AARCH64
/* TBL gives 0 beyond its 64 entries, TBX keeps what was there. */
void mote_lookup_u8_neon(const uint8_t *x, uint8_t *y, size_t n, const uint8_t *table)
{
    const uint8x16x4_t a = vld1q_u8_x4(table), b = vld1q_u8_x4(table + 64), c = vld1q_u8_x4(table + 128), d = vld1q_u8_x4(table + 192);
    const uint8x16_t step = vdupq_n_u8(64);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        uint8x16_t v = vld1q_u8(x + i), r = vqtbl4q_u8(a, v);
        v = vsubq_u8(v, step);
        r = vqtbx4q_u8(r, b, v);
        v = vsubq_u8(v, step);
        r = vqtbx4q_u8(r, c, v);
        v = vsubq_u8(v, step);
        vst1q_u8(y + i, vqtbx4q_u8(r, d, v));
    }
    mote_lookup_u8_ref(x + i, y + i, n - i, table);
}
#endif
