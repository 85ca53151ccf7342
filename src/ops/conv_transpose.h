/* conv_transpose.h - the window of a ConvTranspose
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_OPS_CONV_TRANSPOSE_H
#define MOTE_OPS_CONV_TRANSPOSE_H

#include "ops/forms.h"

/* From a node's auto_pad, dilations, output_padding, output_shape, pads and strides. Tap k of input i lands at i * stride - pad_begin + k * dilation.
 * out is MOTE_DIM_UNKNOWN where in is, unless output_shape says it. */
mote_status mote_transposed_window_of(const mote_node *n, int32_t r, const int64_t *kernel, const int64_t *in, mote_window *w, mote_diag *diag);

#endif
