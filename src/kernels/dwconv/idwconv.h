/* idwconv.h - 8-bit integer depthwise convolution, NHWC, exact s32 sums: y = requantize(bias + sum_t (x - xz) (w - wz))
 * SPDX-License-Identifier: Apache-2.0
 *
 * EXACT modulo 2^32; requantized as kernels/igemm/igemm.h has it, or s32 itself. Taps come as pointers (kernels/conv/conv.h); padding is a row of
 * xz. Packed weights: for each 16 channels rows of 16 32-bit values: bias, sums of w - wz, scale (f32), and w - wz for each tap. Rows that take four
 * taps at once (`dot`) need w - wz to fit 8 bits, and have blocks of 64 channels (the last: 16, 32 or 64) with rows of that many values: bias, sums,
 * scale, and for each four taps their four bytes, zeros beyond the last; the channels of a block in the order of mote_idwconv_channel.
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
    bool dot;
    mote_check check;
    mote_idwconv_fn fn;
} mote_idwconv_row;

/* narrow: every w - wz fits 8 bits. */
const mote_idwconv_row *mote_idwconv_select(uint32_t cpu, bool narrow);
const mote_idwconv_row *mote_idwconv_rows(size_t *count);

#define IDWCONV(name, isa, dot, check) void name(const mote_idwconv_tile *t);
#include "kernels/dwconv/idwconv.inc"
#undef IDWCONV

/* Channels of a dot row's last block, for n (1 to 64) left. */
MOTE_INLINE size_t mote_idwconv_width(size_t n) { return n > 32 ? 64 : n > 16 ? 32 : 16; }
/* The channel at place e of a block of `width`: each quarter has four of every sixteen. */
MOTE_INLINE size_t mote_idwconv_channel(size_t width, size_t e) { return e % (width / 4) / 4 * 16 + e / (width / 4) * 4 + e % 4; }
/* Bytes that a channel takes in a dot row's block. */
MOTE_INLINE size_t mote_idwconv_group_bytes(size_t taps) { return 4 * (3 + mote_div_up(taps, 4)); }

bool mote_idwconv_packed(const mote_idwconv_row *row, size_t c, size_t taps, size_t *bytes);
/* w: [c][taps] bytes. bias: c s32 without alignment or NULL; scale: c or NULL; zero: of w, one (zero_step 0) or c, or NULL. */
void mote_idwconv_pack(const mote_idwconv_row *row, const void *w, bool w_signed, const void *bias, const float *scale, const void *zero, size_t zero_step, size_t c, size_t taps,
                       void *dst);

#endif
