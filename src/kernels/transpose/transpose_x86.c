/* transpose_x86.c - 8 x 8 words with AVX2, 16 x 16 bytes with SSE2
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/transpose/transpose.h"
#include <immintrin.h>

MOTE_INLINE MOTE_TARGET("avx2") void tile8x8(const char *x, char *y, size_t in_stride, size_t out_stride)
{
    __m256 a[8], b[8];
    for (int i = 0; i < 8; i++)
        a[i] = _mm256_loadu_ps((const float *)(const void *)(x + (size_t)i * in_stride));
    for (int i = 0; i < 4; i++) {
        b[2 * i] = _mm256_unpacklo_ps(a[2 * i], a[2 * i + 1]);
        b[2 * i + 1] = _mm256_unpackhi_ps(a[2 * i], a[2 * i + 1]);
    }
    for (int i = 0; i < 2; i++) {
        a[4 * i] = _mm256_shuffle_ps(b[4 * i], b[4 * i + 2], 0x44);
        a[4 * i + 1] = _mm256_shuffle_ps(b[4 * i], b[4 * i + 2], 0xee);
        a[4 * i + 2] = _mm256_shuffle_ps(b[4 * i + 1], b[4 * i + 3], 0x44);
        a[4 * i + 3] = _mm256_shuffle_ps(b[4 * i + 1], b[4 * i + 3], 0xee);
    }
    for (int i = 0; i < 4; i++) {
        _mm256_storeu_ps((float *)(void *)(y + (size_t)i * out_stride), _mm256_permute2f128_ps(a[i], a[i + 4], 0x20));
        _mm256_storeu_ps((float *)(void *)(y + (size_t)(i + 4) * out_stride), _mm256_permute2f128_ps(a[i], a[i + 4], 0x31));
    }
}

MOTE_TARGET("avx2")
void mote_transpose_32_8x8_avx2(const void *in, void *out, size_t rows, size_t cols, size_t in_stride, size_t out_stride)
{
    const char *x = in;
    char *y = out;
    size_t full_rows = rows & ~(size_t)7, full_cols = cols & ~(size_t)7;
    for (size_t c = 0; c < full_cols; c += 8)
        for (size_t r = 0; r < full_rows; r += 8)
            tile8x8(x + r * in_stride + c * 4, y + c * out_stride + r * 4, in_stride, out_stride);
    if (full_rows < rows)
        mote_transpose_32_ref(x + full_rows * in_stride, y + full_rows * 4, rows - full_rows, full_cols, in_stride, out_stride);
    if (full_cols < cols)
        mote_transpose_32_ref(x + full_cols * 4, y + full_cols * out_stride, rows, cols - full_cols, in_stride, out_stride);
}

MOTE_INLINE void tile16x16(const char *x, char *y, size_t in_stride, size_t out_stride)
{
    __m128i a[16], b[16];
    for (int i = 0; i < 16; i++)
        a[i] = _mm_loadu_si128((const void *)(x + (size_t)i * in_stride));
    /* four rounds of perfect shuffles: interleave row i with row i + 8 */
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 8; i++) {
            b[2 * i] = _mm_unpacklo_epi8(a[i], a[i + 8]);
            b[2 * i + 1] = _mm_unpackhi_epi8(a[i], a[i + 8]);
        }
        for (int i = 0; i < 8; i++) {
            a[2 * i] = _mm_unpacklo_epi8(b[i], b[i + 8]);
            a[2 * i + 1] = _mm_unpackhi_epi8(b[i], b[i + 8]);
        }
    }
    for (int i = 0; i < 16; i++)
        _mm_storeu_si128((void *)(y + (size_t)i * out_stride), a[i]);
}

void mote_transpose_8_16x16_sse2(const void *in, void *out, size_t rows, size_t cols, size_t in_stride, size_t out_stride)
{
    const char *x = in;
    char *y = out;
    size_t full_rows = rows & ~(size_t)15, full_cols = cols & ~(size_t)15;
    for (size_t c = 0; c < full_cols; c += 16)
        for (size_t r = 0; r < full_rows; r += 16)
            tile16x16(x + r * in_stride + c, y + c * out_stride + r, in_stride, out_stride);
    if (full_rows < rows)
        mote_transpose_8_ref(x + full_rows * in_stride, y + full_rows, rows - full_rows, full_cols, in_stride, out_stride);
    if (full_cols < cols)
        mote_transpose_8_ref(x + full_cols, y + full_cols * out_stride, rows, cols - full_cols, in_stride, out_stride);
}
#else
typedef int transpose_x86_empty;
#endif
