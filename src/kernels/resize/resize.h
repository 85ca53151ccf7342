/* resize.h - interpolation along one axis: weighted sums of rows, of elements within a row, and picks of the nearest
 * SPDX-License-Identifier: Apache-2.0
 *
 * Numerics: CONSISTENT. A sum is w[0] x[0], then one fma for each further tap, ascending, as src/ops/resize_eval.c has it.
 *   blend    y[i] = sum_k w[k] x[k][i]: taps rows of n floats                     pick32   y[i] = x[index[i]], elements of 4 bytes
 *   cols     y[i] = sum_k w[k stride + i] x[index[k stride + i]]                  pick8    the same for bytes
 *   repeat32 y[factor i + k] = x[i], k < factor, elements of 4 bytes: what pick32 does where the size grows by a whole factor
 *   widen    y[i] = x[i], bytes to floats                                         narrow   y[i] = clamp(trunc(x[i]), 0, 255); NaN gives 0
 * i < n; taps at least 1; only what these formulas name is read or written. y overlaps nothing. Any addresses that fit the elements. */
#ifndef MOTE_KERNELS_RESIZE_RESIZE_H
#define MOTE_KERNELS_RESIZE_RESIZE_H

#include "kernels/kernel.h"
#include <stddef.h>
#include <stdint.h>

typedef void (*mote_resize_blend_fn)(const float *const *x, const float *w, size_t taps, float *y, size_t n);
typedef void (*mote_resize_cols_fn)(const float *x, const int32_t *index, const float *w, size_t stride, size_t taps, float *y, size_t n);
typedef void (*mote_resize_pick32_fn)(const void *x, const int32_t *index, void *y, size_t n);
typedef void (*mote_resize_pick8_fn)(const void *x, const int32_t *index, void *y, size_t n);
typedef void (*mote_resize_repeat32_fn)(const void *x, void *y, size_t n, size_t factor);
typedef void (*mote_resize_widen_fn)(const uint8_t *x, float *y, size_t n);
typedef void (*mote_resize_narrow_fn)(const float *x, uint8_t *y, size_t n);

typedef struct mote_resize_row {
    const char *name;
    uint32_t isa;
    mote_check check;
    mote_resize_blend_fn blend;
    mote_resize_cols_fn cols;
    mote_resize_pick32_fn pick32;
    mote_resize_pick8_fn pick8;
    mote_resize_repeat32_fn repeat32;
    mote_resize_widen_fn widen;
    mote_resize_narrow_fn narrow;
} mote_resize_row;

const mote_resize_row *mote_resize_select(uint32_t cpu);
const mote_resize_row *mote_resize_rows(size_t *count);

#define RESIZE(isa_name, isa, check)                                                                                   \
    void mote_resize_blend_f32_##isa_name(const float *const *x, const float *w, size_t taps, float *y, size_t n);     \
    void mote_resize_cols_f32_##isa_name(const float *x, const int32_t *index, const float *w, size_t stride, size_t taps, float *y, size_t n); \
    void mote_resize_pick32_##isa_name(const void *x, const int32_t *index, void *y, size_t n);                        \
    void mote_resize_pick8_##isa_name(const void *x, const int32_t *index, void *y, size_t n);                         \
    void mote_resize_repeat32_##isa_name(const void *x, void *y, size_t n, size_t factor);                             \
    void mote_resize_widen_u8_##isa_name(const uint8_t *x, float *y, size_t n);                                        \
    void mote_resize_narrow_u8_##isa_name(const float *x, uint8_t *y, size_t n);
#include "kernels/resize/resize.inc"
#undef RESIZE

#endif
