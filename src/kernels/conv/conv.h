/* conv.h - where a sliding window's taps lie: pointers to the rows that gemm, depthwise convolution and pooling read
 * SPDX-License-Identifier: Apache-2.0
 *
 * Layout NHWC: x[image][h][w][pixel_stride channels], of any element size. Output row m stands for (image, oy, ox), ox fastest. Tap t stands for
 * (ky, kx), kx fastest; it reads x at (oy stride_h + ky dilation_h - pad_top, ox stride_w + kx dilation_w - pad_left), and the zero row where that
 * lies outside. One dimension: h = oh = kh = 1. */
#ifndef MOTE_KERNELS_CONV_CONV_H
#define MOTE_KERNELS_CONV_CONV_H

#include "base/size.h"
#include "kernels/kernel.h"

typedef struct mote_conv_window {
    size_t h, w, oh, ow, kh, kw; /* each at least 1, and oh, ow no larger than the padded input allows or a ceil mode made them */
    size_t stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
    size_t pixel_bytes;          /* from one pixel of x to the next: all channels, all groups */
    size_t image_bytes;
} mote_conv_window;

/* What the functions below read. zero: as many bytes of zeros (or the value of padding) as a tap has; for runs kw times that. */
typedef struct mote_conv_rows {
    const mote_conv_window *window;
    const void *x; /* the first channel that is read, of image 0, pixel (0, 0) */
    const void *zero;
    void *runs;       /* mote_conv_runs only: mote_conv_runs_bytes bytes */
    size_t tap_bytes; /* mote_conv_runs only: bytes of one tap's channels: pixel_bytes */
} mote_conv_rows;

/* table[t * rows + i] = row m0 + i, tap t0 + t (mote_gemm_f32_rows_fn; ctx: mote_conv_rows). */
void mote_conv_taps(const void *ctx, size_t m0, size_t rows, size_t t0, size_t taps, const void **table);

/* The same for few channels, dilation_w 1: a "tap" is a whole kernel row ky, kw * channels contiguous elements, so that t counts kernel rows.
 * Where such a run crosses the left or right border it is copied, with its padding, into `runs`. The order of k is that of mote_conv_taps. */
void mote_conv_runs(const void *ctx, size_t m0, size_t rows, size_t t0, size_t taps, const void **table);
/* Bytes of `runs` for calls with rows * taps <= pointers; false if not representable. */
bool mote_conv_runs_bytes(const mote_conv_window *w, size_t pointers, size_t *bytes);

#endif
