/* dwconv.h - f32 depthwise convolution, NHWC: y[pixel][c] = clamp(bias[c] + sum_t x[tap t of pixel][c] w[t][c])
 * SPDX-License-Identifier: Apache-2.0
 *
 * Any window, stride, dilation and padding (kernels/conv/conv.h). CONSISTENT: each output starts from the bias and adds its taps in order, one fma
 * each; taps in the padding are zeros that count. Packed weights: for each 16 channels a block of (1 + taps) * 16 floats: bias, then a row for
 * each tap; channels beyond c are zero. Source: ONNX Conv with group = input channels = output channels. */
#ifndef MOTE_KERNELS_DWCONV_DWCONV_H
#define MOTE_KERNELS_DWCONV_DWCONV_H

#include "base/size.h"
#include "kernels/conv/conv.h"

enum { MOTE_DWCONV_CLAMP = 1 << 0 };

/* What the two forms of a row share: c channels from w's first block on; y, one pixel every y_stride floats. */
typedef struct mote_dwconv_f32_out {
    size_t c;
    const float *w; /* packed */
    float *y;
    size_t y_stride;
    float lo, hi;
    uint32_t flags;
} mote_dwconv_f32_out;

/* A run: `pixels` neighbouring outputs of one row, no tap of which lies left or right of the image. Pixel i's tap (ky, kx) is at
 * rows[ky] + i * steps[ky] + kx * tap_steps[ky] (floats; both steps 0 for a row of zeros). */
typedef struct mote_dwconv_f32_run {
    mote_dwconv_f32_out out;
    const float *const *rows;
    const size_t *steps, *tap_steps;
    size_t kh, kw, pixels;
} mote_dwconv_f32_run;

/* One pixel with a pointer to each tap. */
typedef struct mote_dwconv_f32_pixel {
    mote_dwconv_f32_out out;
    const void *const *a;
    size_t taps;
} mote_dwconv_f32_pixel;

typedef struct mote_dwconv_f32_row {
    const char *name;
    uint32_t isa;
    mote_check check;
    void (*run)(const mote_dwconv_f32_run *t);
    void (*pixel)(const mote_dwconv_f32_pixel *t);
} mote_dwconv_f32_row;

const mote_dwconv_f32_row *mote_dwconv_f32_select(uint32_t cpu);
const mote_dwconv_f32_row *mote_dwconv_f32_rows(size_t *count);

#define DWCONV_F32(name, one, isa, check)                                                                              \
    void name(const mote_dwconv_f32_run *t);                                                                           \
    void one(const mote_dwconv_f32_pixel *t);
#include "kernels/dwconv/dwconv_f32.inc"
#undef DWCONV_F32

MOTE_INLINE bool mote_dwconv_f32_packed(size_t c, size_t taps, size_t *floats)
{
    return mote_size_align(c, MOTE_LANES, &c) && mote_size_add(taps, 1, &taps) && mote_size_mul(c, taps, floats);
}
/* w: [c][taps] floats without alignment (ONNX: c, 1, kh, kw); bias: c floats without alignment, or NULL. */
void mote_dwconv_f32_pack(const void *w, const void *bias, size_t c, size_t taps, float *dst);

enum { MOTE_DWCONV_TAPS = 1024 }; /* kh * kw may not be more */

/* Rows m0..m1 (pixels) of the output, as kernels/conv/conv.h counts them; pixel_bytes is that of c floats. */
typedef struct mote_dwconv_f32_op {
    const mote_dwconv_f32_row *row;
    const mote_conv_window *window;
    const float *x, *zero; /* zero: c zeros */
    mote_dwconv_f32_out out;
} mote_dwconv_f32_op;
void mote_dwconv_f32_block(const mote_dwconv_f32_op *op, size_t m0, size_t m1);

#endif
