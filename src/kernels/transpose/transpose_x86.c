/* transpose_x86.c - tiles of bytes, half words and words with AVX2
 * SPDX-License-Identifier: Apache-2.0
 *
 * A tile has as many rows as elements fit 16 bytes, and columns of 32 bytes. A picture's two to four channels, rows or columns without gaps, have ways of
 * their own. */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/transpose/transpose.h"
#include <immintrin.h>

#define VTARGET MOTE_TARGET("avx2")

/* Half of a perfect shuffle of n registers: log2 n of these transpose each half. */
#define SHUFFLE(n, bits, to, from)                                                                                     \
    _Pragma("GCC unroll 8") for (int i = 0; i < (n) / 2; i++)                                                          \
    {                                                                                                                  \
        (to)[2 * i] = _mm256_unpacklo_epi##bits((from)[i], (from)[i + (n) / 2]);                                       \
        (to)[2 * i + 1] = _mm256_unpackhi_epi##bits((from)[i], (from)[i + (n) / 2]);                                   \
    }

#define LOAD(n, a)                                                                                                     \
    _Pragma("GCC unroll 16") for (size_t i = 0; i < (n); i++)                                                          \
        (a)[i] = _mm256_loadu_si256((const void *)(x + i * in_stride));

/* The lower halves, then the upper ones, ascending: a store may run into the next one's place. */
#define STORE(n, a, stride)                                                                                            \
    _Pragma("GCC unroll 16") for (size_t i = 0; i < (n); i++)                                                          \
        _mm_storeu_si128((void *)(y + i * (stride)), _mm256_castsi256_si128((a)[i]));                                  \
    _Pragma("GCC unroll 16") for (size_t i = 0; i < (n); i++)                                                          \
        _mm_storeu_si128((void *)(y + ((n) + i) * (stride)), _mm256_extracti128_si256((a)[i], 1));

MOTE_INLINE VTARGET void tile8(const char *x, char *y, size_t in_stride, size_t out_stride)
{
    __m256i a[16], b[16];
    LOAD(16, a)
    SHUFFLE(16, 8, b, a)
    SHUFFLE(16, 8, a, b)
    SHUFFLE(16, 8, b, a)
    SHUFFLE(16, 8, a, b)
    STORE(16, a, out_stride)
}

MOTE_INLINE VTARGET void tile16(const char *x, char *y, size_t in_stride, size_t out_stride)
{
    __m256i a[8], b[8];
    LOAD(8, a)
    SHUFFLE(8, 16, b, a)
    SHUFFLE(8, 16, a, b)
    SHUFFLE(8, 16, b, a)
    STORE(8, b, out_stride)
}

MOTE_INLINE VTARGET void tile32(const char *x, char *y, size_t in_stride, size_t out_stride)
{
    __m256i a[4], b[4];
    LOAD(4, a)
    SHUFFLE(4, 32, b, a)
    SHUFFLE(4, 32, a, b)
    STORE(4, a, out_stride)
}

/* Two to four rows, columns without gaps, in blocks of 32 bytes of each row; returns how many columns are done. 4 bytes of each row become 16 of the
 * output, or fewer with the next store over the rest. */
static VTARGET size_t few_rows(size_t size, const char *x, char *y, size_t rows, size_t cols, size_t in_stride)
{
    const size_t pixel = rows * size, group = 4 / size * pixel;
    char order[16] = {0};
    for (size_t p = 0, k = 0; p < 4; p += size)
        for (size_t r = 0; r < rows; r++)
            for (size_t b = 0; b < size; b++)
                order[k++] = (char)(r * 4 + p + b);
    const __m256i mask = _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)order));
    const char *const end = y + cols * pixel, *const y0 = y;
    for (; (size_t)(end - y) >= 7 * group + 16; x += 32, y += 8 * group) {
        __m256i a[4], b[4];
        _Pragma("GCC unroll 4") for (size_t i = 0; i < 4; i++)
            a[i] = _mm256_loadu_si256((const void *)(x + (i < rows ? i * in_stride : 0)));
        SHUFFLE(4, 32, b, a)
        SHUFFLE(4, 32, a, b)
        _Pragma("GCC unroll 4") for (size_t i = 0; i < 4; i++)
            a[i] = _mm256_shuffle_epi8(a[i], mask);
        STORE(4, a, group)
    }
    return (size_t)(y - y0) / pixel;
}

/* The same backwards: two to four columns, rows without gaps; returns how many rows are done. */
static VTARGET size_t few_cols(size_t size, const char *x, char *y, size_t rows, size_t cols, size_t out_stride)
{
    const size_t pixel = cols * size, group = 4 / size * pixel;
    char order[16] = {0};
    for (size_t p = 0, k = 0; p < 4; p += size)
        for (size_t c = 0; c < cols; c++)
            for (size_t b = 0; b < size; b++)
                order[c * 4 + p + b] = (char)k++;
    const __m256i mask = _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)order));
    const char *const end = x + rows * pixel, *const x0 = x;
    for (; (size_t)(end - x) >= 7 * group + 16; x += 8 * group, y += 32) {
        __m256i a[4], b[4];
        _Pragma("GCC unroll 4") for (size_t i = 0; i < 4; i++)
        {
            const __m128i low = _mm_loadu_si128((const void *)(x + i * group)), high = _mm_loadu_si128((const void *)(x + (4 + i) * group));
            a[i] = _mm256_shuffle_epi8(_mm256_set_m128i(high, low), mask);
        }
        SHUFFLE(4, 32, b, a)
        SHUFFLE(4, 32, a, b)
        _Pragma("GCC unroll 4") for (size_t i = 0; i < 4; i++)
            if (i < cols)
                _mm256_storeu_si256((void *)(y + i * out_stride), a[i]);
    }
    return (size_t)(x - x0) / pixel;
}

static void small(size_t size, mote_transpose_fn rest, const char *x, char *y, size_t rows, size_t cols, size_t in_stride, size_t out_stride)
{
    size_t r = 0, c = 0;
    if (rows >= 2 && rows <= 4 && out_stride == rows * size)
        c = few_rows(size, x, y, rows, cols, in_stride);
    else if (cols >= 2 && cols <= 4 && in_stride == cols * size)
        r = few_cols(size, x, y, rows, cols, out_stride);
    rest(x + r * in_stride + c * size, y + c * out_stride + r * size, rows - r, cols - c, in_stride, out_stride);
}

#define SMALL(bits, ...) small((bits) / 8, mote_transpose_##bits##_ref, __VA_ARGS__)
#include "kernels/transpose/transpose_tmpl.h"
TRANSPOSE(mote_transpose_8_16x32_avx2, 8, 16, 32)
TRANSPOSE(mote_transpose_16_8x16_avx2, 16, 8, 16)
TRANSPOSE(mote_transpose_32_4x8_avx2, 32, 4, 8)
#else
typedef int transpose_x86_empty;
#endif
