/* dwconv.h - f32 depthwise convolution, NHWC: y[pixel][c] = clamp(bias[c] + sum_t x[tap t of pixel][c] w[t][c])
 * SPDX-License-Identifier: Apache-2.0
 *
 * Any window, stride, dilation and padding: the taps come as pointers (kernels/conv/conv.h). CONSISTENT: each output starts from the bias and adds
 * its taps in order, one fma each; taps in the padding are zeros that count. Packed weights: for each 16 channels a block of (1 + taps) * 16
 * floats: bias, then a row for each tap; channels beyond c are zero.
 * Source: ONNX Conv with group = input channels = output channels. */
#ifndef MOTE_KERNELS_DWCONV_DWCONV_H
#define MOTE_KERNELS_DWCONV_DWCONV_H

#include "base/size.h"
#include "kernels/kernel.h"

enum { MOTE_DWCONV_CLAMP = 1 << 0 };

/* pixels (1..row->pixels) outputs, all c channels. Tap t of pixel i begins at a[t * a_step + i]; c floats are read there. y: y_stride floats from one
 * pixel to the next, c written in each; overlaps nothing. */
typedef struct mote_dwconv_f32_tile {
    const void *const *a;
    size_t a_step, pixels, taps, c;
    const float *w; /* packed */
    float *y;
    size_t y_stride;
    float lo, hi;
    uint32_t flags;
} mote_dwconv_f32_tile;

typedef void (*mote_dwconv_f32_fn)(const mote_dwconv_f32_tile *t);

typedef struct mote_dwconv_f32_row {
    const char *name;
    uint32_t isa;
    uint8_t pixels;
    mote_check check;
    mote_dwconv_f32_fn fn;
} mote_dwconv_f32_row;

const mote_dwconv_f32_row *mote_dwconv_f32_select(uint32_t cpu);
const mote_dwconv_f32_row *mote_dwconv_f32_rows(size_t *count);

#define DWCONV_F32(name, isa, pixels, check) void name(const mote_dwconv_f32_tile *t);
#include "kernels/dwconv/dwconv_f32.inc"
#undef DWCONV_F32

MOTE_INLINE bool mote_dwconv_f32_packed(size_t c, size_t taps, size_t *floats)
{
    return mote_size_align(c, MOTE_LANES, &c) && mote_size_add(taps, 1, &taps) && mote_size_mul(c, taps, floats);
}
/* w: [c][taps] floats without alignment (ONNX: c, 1, kh, kw); bias: c floats without alignment, or NULL. */
void mote_dwconv_f32_pack(const void *w, const void *bias, size_t c, size_t taps, float *dst);

/* Rows m0..m1 of the output. table: at least row->pixels * taps pointers of scratch. rows_fn, ctx: kernels/conv/conv.h. */
typedef struct mote_dwconv_f32_op {
    const mote_dwconv_f32_row *row;
    size_t taps, c;
    void (*rows_fn)(const void *ctx, size_t m0, size_t rows, size_t t0, size_t taps, const void **table);
    const void *ctx;
    const float *w;
    float *y;
    size_t y_stride;
    float lo, hi;
    uint32_t flags;
} mote_dwconv_f32_op;
void mote_dwconv_f32_block(const mote_dwconv_f32_op *op, size_t m0, size_t m1, const void **table, size_t pointers);

#endif
