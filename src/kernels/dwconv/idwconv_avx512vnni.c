/* idwconv_avx512vnni.c - integer depthwise convolution with VPDPBUSD, four taps at a time
 * SPDX-License-Identifier: Apache-2.0
 *
 * Two rounds of interleaving turn the bytes of four taps into, for each channel, its four bytes side by side, within lanes of 16 channels: what comes
 * out as register j has channels 4j to 4j + 3 of each lane. Weights are packed in that order (idwconv.h), and the two narrowings at the end undo it.
 * A block of fewer than 64 channels takes more pixels at once: 2 of 32, 4 of 16. */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/dwconv/idwconv.h"
#include <immintrin.h>
#include <string.h>
#define VTARGET MOTE_TARGET("avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx512vnni,avx2,fma,f16c")
#define VF MOTE_INLINE VTARGET

/* The bytes of 64 / width pixels from p on, each at p[i] + c. */
VF __m512i load_pixels(const void *const *p, size_t c, __mmask64 mask, size_t width)
{
    if (width == 64)
        return _mm512_maskz_loadu_epi8(mask, (const char *)p[0] + c);
    if (width == 32)
        return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_maskz_loadu_epi8((__mmask32)mask, (const char *)p[0] + c)),
                                  _mm256_maskz_loadu_epi8((__mmask32)mask, (const char *)p[1] + c), 1);
    const __mmask16 m = (__mmask16)mask;
    const __m256i a = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_maskz_loadu_epi8(m, (const char *)p[0] + c)), _mm_maskz_loadu_epi8(m, (const char *)p[1] + c), 1);
    const __m256i b = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_maskz_loadu_epi8(m, (const char *)p[2] + c)), _mm_maskz_loadu_epi8(m, (const char *)p[3] + c), 1);
    return _mm512_inserti64x4(_mm512_castsi256_si512(a), b, 1);
}

/* `width` bytes, as often as they fit. */
VF __m512i load_weights(const char *p, size_t width)
{
    return width == 64   ? _mm512_loadu_si512(p)
           : width == 32 ? _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)(const void *)p))
                         : _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)p));
}

VF __m512i round_to(__m512i x, __m512 scale, __m512 lo, __m512 hi)
{
    return _mm512_cvtps_epi32(_mm512_min_ps(_mm512_max_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(x), scale), lo), hi)); /* NaN becomes lo */
}

VF void block(const mote_idwconv_tile *t, const char *w, size_t c, size_t n, size_t width)
{
    const size_t step = t->a_step, at_once = 64 / width;
    const __mmask64 mask = n == 64 ? ~(uint64_t)0 : ((uint64_t)1 << n) - 1;
    const __m512i flip = _mm512_set1_epi32((int32_t)0x80808080u), az = _mm512_set1_epi32(t->az + (t->a_signed ? 128 : 0));
    const __m512i zero = _mm512_set1_epi16((int16_t)t->zero);
    const __m512 lo = _mm512_set1_ps(t->lo), hi = _mm512_set1_ps(t->hi);
    const bool y_signed = t->lo + (float)t->zero < 0;
    __m512i start[4];
    __m512 scale[4];
    for (size_t j = 0; j < 4; j++, w += width) {
        start[j] = _mm512_sub_epi32(load_weights(w, width), _mm512_mullo_epi32(az, load_weights(w + 4 * width, width)));
        scale[j] = _mm512_castsi512_ps(load_weights(w + 8 * width, width));
    }
    w += 8 * width;
    for (size_t i = 0; i < t->pixels; i += at_once) {
        const size_t pixels = mote_min_size(at_once, t->pixels - i);
        __m512i s0 = start[0], s1 = start[1], s2 = start[2], s3 = start[3];
        const char *b = w;
        for (size_t k = 0; k < t->taps; k += 4, b += 4 * width) {
            const void *few[16];
            const void *const *a = t->a + k * step + i, *const *a1 = a + (k + 1 < t->taps ? step : 0), *const *a2 = a + (k + 2 < t->taps ? 2 * step : 0);
            const void *const *a3 = a + (k + 3 < t->taps ? 3 * step : 0);
            if (pixels < at_once) { /* the last one again */
                const void *const *from[4] = {a, a1, a2, a3};
                for (size_t q = 0; q < 16; q++)
                    few[q] = from[q / 4][mote_min_size(q % 4, pixels - 1)];
                a = few, a1 = few + 4, a2 = few + 8, a3 = few + 12;
            }
            __m512i v0 = load_pixels(a, c, mask, width), v1 = load_pixels(a1, c, mask, width);
            __m512i v2 = load_pixels(a2, c, mask, width), v3 = load_pixels(a3, c, mask, width);
            if (t->a_signed)
                v0 = _mm512_xor_si512(v0, flip), v1 = _mm512_xor_si512(v1, flip), v2 = _mm512_xor_si512(v2, flip), v3 = _mm512_xor_si512(v3, flip);
            const __m512i p0 = _mm512_unpacklo_epi8(v0, v1), p1 = _mm512_unpackhi_epi8(v0, v1);
            const __m512i q0 = _mm512_unpacklo_epi8(v2, v3), q1 = _mm512_unpackhi_epi8(v2, v3);
            s0 = _mm512_dpbusd_epi32(s0, _mm512_unpacklo_epi16(p0, q0), load_weights(b, width));
            s1 = _mm512_dpbusd_epi32(s1, _mm512_unpackhi_epi16(p0, q0), load_weights(b + width, width));
            s2 = _mm512_dpbusd_epi32(s2, _mm512_unpacklo_epi16(p1, q1), load_weights(b + 2 * width, width));
            s3 = _mm512_dpbusd_epi32(s3, _mm512_unpackhi_epi16(p1, q1), load_weights(b + 3 * width, width));
        }
        if (t->s32) {
            int32_t sums[64], ordered[64];
            _mm512_storeu_si512(sums, s0);
            _mm512_storeu_si512(sums + 16, s1);
            _mm512_storeu_si512(sums + 32, s2);
            _mm512_storeu_si512(sums + 48, s3);
            for (size_t e = 0; e < 64; e++)
                ordered[mote_idwconv_channel(64, e)] = sums[e];
            for (size_t q = 0; q < pixels; q++)
                memcpy((int32_t *)t->y + (i + q) * t->y_stride + c, ordered + q * width, n * sizeof *ordered);
            continue;
        }
        const __m512i h0 = _mm512_packs_epi32(round_to(s0, scale[0], lo, hi), round_to(s1, scale[1], lo, hi));
        const __m512i h1 = _mm512_packs_epi32(round_to(s2, scale[2], lo, hi), round_to(s3, scale[3], lo, hi));
        const __m512i z0 = _mm512_add_epi16(h0, zero), z1 = _mm512_add_epi16(h1, zero);
        const __m512i out = y_signed ? _mm512_packs_epi16(z0, z1) : _mm512_packus_epi16(z0, z1);
        uint8_t *y = (uint8_t *)t->y + i * t->y_stride + c;
        if (width == 64) {
            _mm512_mask_storeu_epi8(y, mask, out);
            continue;
        }
        _Alignas(64) uint8_t bytes[64];
        _mm512_store_si512(bytes, out);
        for (size_t q = 0; q < pixels; q++, y += t->y_stride)
            if (width == 32)
                _mm256_mask_storeu_epi8(y, (__mmask32)mask, _mm256_load_si256((const __m256i *)(const void *)(bytes + q * 32)));
            else
                _mm_mask_storeu_epi8(y, (__mmask16)mask, _mm_load_si128((const __m128i *)(const void *)(bytes + q * 16)));
    }
}

VTARGET void mote_idwconv_u8_s8_s32_64c4_avx512vnni(const mote_idwconv_tile *t)
{
    const char *w = t->w;
    for (size_t c = 0; c < t->c; c += 64) {
        const size_t n = mote_min_size(64, t->c - c), width = mote_idwconv_width(n);
        if (width == 64)
            block(t, w, c, n, 64);
        else if (width == 32)
            block(t, w, c, n, 32);
        else
            block(t, w, c, n, 16);
        w += width * mote_idwconv_group_bytes(t->taps);
    }
}
#else
typedef int idwconv_avx512vnni_empty;
#endif
