/* resize.h - what Resize and Upsample do along each axis: sizes, source positions, weights
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: ONNX Resize-19, Upsample-9. The work is separable: each axis that changes is interpolated alone, the last axis first. A lowering makes the
 * same tables and so gets the same bits. Positions are computed in float, as onnxruntime does. */
#ifndef MOTE_OPS_RESIZE_H
#define MOTE_OPS_RESIZE_H

#include "ops/op.h"

typedef enum mote_resize_mode { MOTE_RESIZE_NEAREST, MOTE_RESIZE_LINEAR, MOTE_RESIZE_CUBIC } mote_resize_mode;

typedef struct mote_resize {
    mote_resize_mode mode;
    bool antialias, exclude_outside, crop; /* crop: tf_crop_and_resize, where a position outside gives `outside` */
    int coordinates, rounding;             /* of resize.c */
    float cubic_a, outside;
    int32_t rank;
    int64_t in[MOTE_MAX_RANK], out[MOTE_MAX_RANK]; /* in may be unknown while inferring: then out is unknown unless sizes say it */
    float scale[MOTE_MAX_RANK], start[MOTE_MAX_RANK], end[MOTE_MAX_RANK];
    float length[MOTE_MAX_RANK];           /* in * scale, which need not be whole; out where sizes are given */
    bool active[MOTE_MAX_RANK];            /* false: the axis stays as it is */
    size_t taps[MOTE_MAX_RANK];            /* inputs to one output */
} mote_resize;

/* Reads the attributes, and roi, scales and sizes (NULL: omitted). x gives rank and sizes. */
mote_status mote_resize_of(const mote_node *node, const mote_type *x, const mote_array *roi, const mote_array *scales, const mote_array *sizes,
                           mote_resize *r, mote_diag *diag);
/* The same with the inputs where each version has them: input(i) NULL when omitted or not known. */
mote_status mote_resize_of_inputs(const mote_node *node, const mote_type *x, const mote_array *const *value, uint32_t n_in, mote_resize *r,
                                  mote_diag *diag);
/* Tables of axis d: output i is the sum over k < taps, ascending, of weights[k * out + i] x[index[k * out + i]], 0 <= index < in. NEAREST: taps 1,
 * weight 1. outside[i] (crop only; may be NULL): output i takes the value `outside`. */
void mote_resize_axis(const mote_resize *r, int32_t d, int32_t *index, float *weights, uint8_t *outside);

#endif
