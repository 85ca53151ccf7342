/* cpu_window.h - a node's sliding window in the form that kernels read
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PROVIDER_CPU_CPU_WINDOW_H
#define MOTE_PROVIDER_CPU_CPU_WINDOW_H

#include "kernels/conv/conv.h"
#include "provider/cpu/lower.h"

/* Window over input 0 (channels last, one or two spatial dimensions) of elements of `bytes`, kernel[] giving its sizes. False: not a case for the
 * kernels (three dimensions, empty). */
bool mote_cpu_window_of(const mote_lower *l, const int64_t *kernel, size_t bytes, mote_conv_window *window);

/* Tells layouts of packed weights apart (mote_lower_pack). */
#define MOTE_VARIANT(kind, tile) ((uint64_t)(kind) << 32 | (uint64_t)(tile))

#endif
