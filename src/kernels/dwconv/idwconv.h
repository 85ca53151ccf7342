/* idwconv.h - 8-bit integer depthwise convolution, NHWC, exact s32 sums: y = requantize(bias + sum_t (x - xz) (w - wz))
 * SPDX-License-Identifier: Apache-2.0
 *
 * EXACT modulo 2^32; requantized as kernels/igemm/igemm.h has it, or s32 itself. Taps come as pointers (kernels/conv/conv.h); padding is a row of
 * xz. Packed weights: for each 16 channels rows of 16 32-bit values: bias, sums of w - wz, scale (f32), and w - wz for each tap.
 * Sources: ONNX QLinearConv-10, ConvInteger-10 with group = channels. */
#ifndef MOTE_KERNELS_DWCONV_IDWCONV_H
#define MOTE_KERNELS_DWCONV_IDWCONV_H

#include "base/size.h"
#include "kernels/kernel.h"

typedef struct mote_idwconv_tile {
    const void *const *a; /* pixel i, tap t at a[t * a_step + i]: c bytes */
    size_t a_step, pixels, taps, c;
    bool a_signed;
    int32_t az;
    const void *w; /* packed */
    void *y;
    size_t y_stride; /* elements */
    bool s32;
    float lo, hi; /* without zero */
    int32_t zero;
} mote_idwconv_tile;

typedef void (*mote_idwconv_fn)(const mote_idwconv_tile *t);

typedef struct mote_idwconv_row {
    const char *name;
    uint32_t isa;
    mote_check check;
    mote_idwconv_fn fn;
} mote_idwconv_row;

const mote_idwconv_row *mote_idwconv_select(uint32_t cpu);
const mote_idwconv_row *mote_idwconv_rows(size_t *count);

#define IDWCONV(name, isa, check) void name(const mote_idwconv_tile *t);
#include "kernels/dwconv/idwconv.inc"
#undef IDWCONV

MOTE_INLINE bool mote_idwconv_packed(size_t c, size_t taps, size_t *bytes)
{
    return mote_size_align(c, MOTE_LANES, &c) && mote_size_add(taps, 3, &taps) && mote_size_mul(c, taps, bytes) && mote_size_mul(*bytes, 4, bytes);
}
/* w: [c][taps] bytes. bias: c s32 without alignment or NULL; scale: c or NULL; zero: of w, one (zero_step 0) or c, or NULL. */
void mote_idwconv_pack(const void *w, bool w_signed, const void *bias, const float *scale, const void *zero, size_t zero_step, size_t c, size_t taps,
                       void *dst);

#endif
