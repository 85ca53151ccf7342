/* cpu_window.h - a node's sliding window in the form that kernels read
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PROVIDER_CPU_CPU_WINDOW_H
#define MOTE_PROVIDER_CPU_CPU_WINDOW_H

#include "kernels/conv/conv.h"
#include "provider/cpu/lower.h"

/* Window over input 0 (channels last, one or two spatial dimensions) of elements of `bytes`, kernel[] giving its sizes. False: not a case for the
 * kernels (three dimensions, empty). */
bool mote_cpu_window_of(const mote_lower *l, const int64_t *kernel, size_t bytes, mote_conv_window *window);

/* How many of k taps at output o, along one dimension, lie inside of the input; with `padding`, of the input and what `pad_end` adds behind it (and of
 * the padding before it). */
size_t mote_cpu_window_inside(size_t o, size_t stride, size_t k, size_t dilation, size_t pad, size_t in, size_t pad_end, bool padding);

/* Tells layouts of packed weights apart (mote_lower_pack). */
#define MOTE_VARIANT(kind, tile) ((uint64_t)(kind) << 32 | (uint64_t)(tile))

#endif
