/* rotary.h - rotary position embedding of heads that stand at one position
 * SPDX-License-Identifier: Apache-2.0
 *
 * Of each of `heads` heads, x_step and y_step floats apart, elements i and i + half, 0 <= i < half, become
 *   y[i] = cosine[i] x[i] - sine[i] x[i + half]      y[i + half] = sine[i] x[i] + cosine[i] x[i + half]
 * with two products and a sum, each rounded. y may be x. Nothing beyond 2 half elements of a head is touched. */
#ifndef MOTE_KERNELS_ROTARY_ROTARY_H
#define MOTE_KERNELS_ROTARY_ROTARY_H

#include "kernels/kernel.h"
#include <stddef.h>

typedef void (*mote_rotary_fn)(const float *x, size_t x_step, float *y, size_t y_step, size_t heads, const float *cosine, const float *sine, size_t half);

typedef struct mote_rotary_row {
    const char *name;
    uint32_t isa;
    mote_rotary_fn fn;
} mote_rotary_row;

const mote_rotary_row *mote_rotary_select(uint32_t cpu);
const mote_rotary_row *mote_rotary_rows(size_t *count);

#define ROTARY_ISA(isa)                                                                                                \
    void mote_rotary_f32_##isa(const float *x, size_t x_step, float *y, size_t y_step, size_t heads, const float *cosine, const float *sine, size_t half);
ROTARY_ISA(avx512)
ROTARY_ISA(avx2)
ROTARY_ISA(neon)
ROTARY_ISA(ref)
#undef ROTARY_ISA

#endif
