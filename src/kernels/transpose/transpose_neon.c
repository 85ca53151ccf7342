/* transpose_neon.c - 4 x 4 words and 16 x 16 bytes with NEON
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_AARCH64
#include "kernels/transpose/transpose.h"
#include <arm_neon.h>

MOTE_INLINE void tile4x4(const char *x, char *y, size_t in_stride, size_t out_stride)
{
    uint32x4_t a = vreinterpretq_u32_u8(vld1q_u8((const uint8_t *)x)), b = vreinterpretq_u32_u8(vld1q_u8((const uint8_t *)x + in_stride)),
               c = vreinterpretq_u32_u8(vld1q_u8((const uint8_t *)x + 2 * in_stride)),
               d = vreinterpretq_u32_u8(vld1q_u8((const uint8_t *)x + 3 * in_stride));
    uint64x2_t e = vreinterpretq_u64_u32(vtrn1q_u32(a, b)), f = vreinterpretq_u64_u32(vtrn2q_u32(a, b)),
               g = vreinterpretq_u64_u32(vtrn1q_u32(c, d)), h = vreinterpretq_u64_u32(vtrn2q_u32(c, d));
    vst1q_u8((uint8_t *)y, vreinterpretq_u8_u64(vtrn1q_u64(e, g)));
    vst1q_u8((uint8_t *)y + out_stride, vreinterpretq_u8_u64(vtrn1q_u64(f, h)));
    vst1q_u8((uint8_t *)y + 2 * out_stride, vreinterpretq_u8_u64(vtrn2q_u64(e, g)));
    vst1q_u8((uint8_t *)y + 3 * out_stride, vreinterpretq_u8_u64(vtrn2q_u64(f, h)));
}

void mote_transpose_32_4x4_neon(const void *in, void *out, size_t rows, size_t cols, size_t in_stride, size_t out_stride)
{
    const char *x = in;
    char *y = out;
    size_t full_rows = rows & ~(size_t)3, full_cols = cols & ~(size_t)3;
    for (size_t c = 0; c < full_cols; c += 4)
        for (size_t r = 0; r < full_rows; r += 4)
            tile4x4(x + r * in_stride + c * 4, y + c * out_stride + r * 4, in_stride, out_stride);
    if (full_rows < rows)
        mote_transpose_32_ref(x + full_rows * in_stride, y + full_rows * 4, rows - full_rows, full_cols, in_stride, out_stride);
    if (full_cols < cols)
        mote_transpose_32_ref(x + full_cols * 4, y + full_cols * out_stride, rows, cols - full_cols, in_stride, out_stride);
}

MOTE_INLINE void tile16x16(const uint8_t *x, uint8_t *y, size_t in_stride, size_t out_stride)
{
    uint8x16_t a[16], b[16];
    for (int i = 0; i < 16; i++)
        a[i] = vld1q_u8(x + (size_t)i * in_stride);
    /* four rounds of perfect shuffles: interleave row i with row i + 8 */
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 8; i++) {
            b[2 * i] = vzip1q_u8(a[i], a[i + 8]);
            b[2 * i + 1] = vzip2q_u8(a[i], a[i + 8]);
        }
        for (int i = 0; i < 8; i++) {
            a[2 * i] = vzip1q_u8(b[i], b[i + 8]);
            a[2 * i + 1] = vzip2q_u8(b[i], b[i + 8]);
        }
    }
    for (int i = 0; i < 16; i++)
        vst1q_u8(y + (size_t)i * out_stride, a[i]);
}

void mote_transpose_8_16x16_neon(const void *in, void *out, size_t rows, size_t cols, size_t in_stride, size_t out_stride)
{
    const uint8_t *x = in;
    uint8_t *y = out;
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
typedef int transpose_neon_empty;
#endif
