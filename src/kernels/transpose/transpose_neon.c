/* transpose_neon.c - tiles of bytes, half words and words with NEON, and its loads and stores of two to four channels
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_AARCH64
#include "kernels/transpose/transpose.h"
#include <arm_neon.h>

#define VTARGET

/* Half of a perfect shuffle of n registers; log2 n of these transpose. */
#define SHUFFLE(n, bits, to, from)                                                                                     \
    _Pragma("GCC unroll 8") for (int i = 0; i < (n) / 2; i++)                                                          \
    {                                                                                                                  \
        (to)[2 * i] = vzip1q_u##bits((from)[i], (from)[i + (n) / 2]);                                                  \
        (to)[2 * i + 1] = vzip2q_u##bits((from)[i], (from)[i + (n) / 2]);                                              \
    }

#define LOAD(n, bits, a)                                                                                               \
    _Pragma("GCC unroll 16") for (size_t i = 0; i < (n); i++)                                                          \
        (a)[i] = vreinterpretq_u##bits##_u8(vld1q_u8((const uint8_t *)x + i * in_stride));

#define STORE(n, bits, a)                                                                                              \
    _Pragma("GCC unroll 16") for (size_t i = 0; i < (n); i++)                                                          \
        vst1q_u8((uint8_t *)y + i * out_stride, vreinterpretq_u8_u##bits((a)[i]));

#define vreinterpretq_u8_u8(v) (v)

MOTE_INLINE void tile8(const char *x, char *y, size_t in_stride, size_t out_stride)
{
    uint8x16_t a[16], b[16];
    LOAD(16, 8, a)
    SHUFFLE(16, 8, b, a)
    SHUFFLE(16, 8, a, b)
    SHUFFLE(16, 8, b, a)
    SHUFFLE(16, 8, a, b)
    STORE(16, 8, a)
}

MOTE_INLINE void tile16(const char *x, char *y, size_t in_stride, size_t out_stride)
{
    uint16x8_t a[8], b[8];
    LOAD(8, 16, a)
    SHUFFLE(8, 16, b, a)
    SHUFFLE(8, 16, a, b)
    SHUFFLE(8, 16, b, a)
    STORE(8, 16, b)
}

MOTE_INLINE void tile32(const char *x, char *y, size_t in_stride, size_t out_stride)
{
    _Pragma("GCC unroll 2") for (int half = 0; half < 2; half++, x += 16, y += 4 * out_stride)
    {
        uint32x4_t a[4], b[4];
        LOAD(4, 32, a)
        SHUFFLE(4, 32, b, a)
        SHUFFLE(4, 32, a, b)
        STORE(4, 32, a)
    }
}

/* Of n rows without a gap in the output, or n columns without one in the input, what fills registers; returns how many columns or rows are done. */
#define FEW(n, bits, lanes)                                                                                            \
    static size_t rows##n##_##bits(const uint##bits##_t *x, uint##bits##_t *y, size_t cols, size_t stride)             \
    {                                                                                                                  \
        size_t c = 0;                                                                                                  \
        for (; c + (lanes) <= cols; c += (lanes)) {                                                                    \
            uint##bits##x##lanes##x##n##_t v;                                                                          \
            _Pragma("GCC unroll 4") for (size_t i = 0; i < (n); i++)                                                   \
                v.val[i] = vld1q_u##bits((const void *)((const char *)(x + c) + i * stride));                          \
            vst##n##q_u##bits(y + c * (n), v);                                                                         \
        }                                                                                                              \
        return c;                                                                                                      \
    }                                                                                                                  \
    static size_t cols##n##_##bits(const uint##bits##_t *x, uint##bits##_t *y, size_t rows, size_t stride)             \
    {                                                                                                                  \
        size_t r = 0;                                                                                                  \
        for (; r + (lanes) <= rows; r += (lanes)) {                                                                    \
            const uint##bits##x##lanes##x##n##_t v = vld##n##q_u##bits(x + r * (n));                                   \
            _Pragma("GCC unroll 4") for (size_t i = 0; i < (n); i++)                                                   \
                vst1q_u##bits((void *)((char *)(y + r) + i * stride), v.val[i]);                                       \
        }                                                                                                              \
        return r;                                                                                                      \
    }
#define FEW_OF(bits, lanes)                                                                                            \
    FEW(2, bits, lanes)                                                                                                \
    FEW(3, bits, lanes)                                                                                                \
    FEW(4, bits, lanes)                                                                                                \
    static void small##bits(const char *x, char *y, size_t rows, size_t cols, size_t in_stride, size_t out_stride)     \
    {                                                                                                                  \
        const void *from = x;                                                                                          \
        void *to = y;                                                                                                  \
        const size_t size = (bits) / 8;                                                                                \
        size_t r = 0, c = 0;                                                                                           \
        if (rows >= 2 && rows <= 4 && out_stride == rows * size)                                                       \
            c = (rows == 2 ? rows2_##bits : rows == 3 ? rows3_##bits : rows4_##bits)(from, to, cols, in_stride);       \
        else if (cols >= 2 && cols <= 4 && in_stride == cols * size)                                                   \
            r = (cols == 2 ? cols2_##bits : cols == 3 ? cols3_##bits : cols4_##bits)(from, to, rows, out_stride);      \
        mote_transpose_##bits##_ref(x + r * in_stride + c * size, y + c * out_stride + r * size, rows - r, cols - c, in_stride, out_stride); \
    }
FEW_OF(8, 16)
FEW_OF(16, 8)
FEW_OF(32, 4)

#define SMALL(bits, ...) small##bits(__VA_ARGS__)
#include "kernels/transpose/transpose_tmpl.h"
TRANSPOSE(mote_transpose_8_16x16_neon, 8, 16, 16)
TRANSPOSE(mote_transpose_16_8x8_neon, 16, 8, 8)
TRANSPOSE(mote_transpose_32_4x8_neon, 32, 4, 8)
#else
typedef int transpose_neon_empty;
#endif
