/* resize.h - resampling of 8-bit pixels with Pillow's bits
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PIPELINE_IMAGE_RESIZE_H
#define MOTE_PIPELINE_IMAGE_RESIZE_H

#include "base/diag.h"
#include "base/heap.h"
#include <mote/mote_pipeline.h>

/* out[y][x][c] from in[y][x][c], c = 1..4 channels, each on its own. Per axis, with scale = in/out, s = max(scale, 1) and the filter's
 * support r: output i sums the inputs whose centers lie within r*s of (i + 0.5)*scale, weights f((x + 0.5 - center)/s) made to sum
 * to 1 and rounded to 22 bits; a pass rounds to 8 bits. Nearest takes floor((i + 0.5)*scale), the position summed up step by step. */
typedef struct mote_resize {
    const uint8_t *in;
    size_t in_stride; /* bytes, at least in_width*channels */
    int32_t in_width, in_height;
    uint8_t *out; /* does not overlap in */
    size_t out_stride;
    int32_t out_width, out_height;
    int32_t channels;
    mote_resample resample;
    mote_resize_reference reference;
} mote_resize;

/* Sides are 1..MOTE_IMAGE_MAX_SIDE. Scratch comes from the heap and returns to it. Returns MOTE_OK, MOTE_E_ARGUMENT, MOTE_E_LIMIT,
 * MOTE_E_MEMORY. */
mote_status mote_resize_run(const mote_resize *r, mote_heap *heap, mote_diag *diag);

/* sin(pi*x) and cos(pi*x) for |x| <= 64, in f64 within 2 ulp, the same bits on every machine. */
double mote_sinpi(double x);
double mote_cospi(double x);

#endif
