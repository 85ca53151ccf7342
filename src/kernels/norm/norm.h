/* norm.h - layer, RMS, instance, group and batch normalization
 * SPDX-License-Identifier: Apache-2.0
 *
 *   layer   mean = sum x / n, var = sum (x - mean)^2 / n, inv = 1 / sqrt(var + eps), y = (x - mean) inv scale + bias (the last step one fma)
 *   rms     inv = 1 / sqrt(sum x^2 / n + eps), y = x inv scale
 *   affine  y = x scale + bias, one fma, elementwise along the row
 *   plane   y = ((x - mean) inv) scale + bias, all four of them one value for the n elements (the last step one fma)
 *
 * x, y: rows of n floats, one behind the other; y may be x. scale, bias: n floats, NULL for 1 and 0. Sums in 16 lanes and the fixed tree. The same
 * bits on every instruction set and any split of rows over threads. Sources: ONNX LayerNormalization-17, RMSNormalization-23. */
#ifndef MOTE_KERNELS_NORM_NORM_H
#define MOTE_KERNELS_NORM_NORM_H

#include "base/cpu.h"
#include <stdbool.h>

/* mean, inv: one float a row, or NULL (layer writes both, rms inv) */
typedef void (*mote_norm_rows_fn)(const float *x, const float *scale, const float *bias, float *y, size_t rows, size_t n, float eps, float *mean,
                                  float *inv);
typedef void (*mote_norm_affine_fn)(const float *x, const float *scale, const float *bias, float *y, size_t rows, size_t n);
typedef void (*mote_norm_plane_fn)(const float *x, float *y, size_t n, float mean, float inv, float scale, float bias);
/* mean and inv of each row, for normalizations whose scale does not go along the row (instance, group) */
typedef void (*mote_norm_stats_fn)(const float *x, size_t rows, size_t n, float eps, float *mean, float *inv);

typedef struct mote_norm_row {
    const char *name;
    uint32_t isa;
    mote_norm_rows_fn layer, rms;
    mote_norm_affine_fn affine;
    mote_norm_plane_fn plane;
    mote_norm_stats_fn stats;
} mote_norm_row;

const mote_norm_row *mote_norm_select(uint32_t cpu);
const mote_norm_row *mote_norm_rows(size_t *count);

#define NORM_ISA(isa)                                                                                                  \
    void mote_norm_f32_layer_##isa(const float *x, const float *scale, const float *bias, float *y, size_t rows, size_t n, float eps, \
                                   float *mean, float *inv);                                                           \
    void mote_norm_f32_rms_##isa(const float *x, const float *scale, const float *bias, float *y, size_t rows, size_t n, float eps, \
                                 float *mean, float *inv);                                                             \
    void mote_norm_f32_affine_##isa(const float *x, const float *scale, const float *bias, float *y, size_t rows, size_t n); \
    void mote_norm_f32_plane_##isa(const float *x, float *y, size_t n, float mean, float inv, float scale, float bias); \
    void mote_norm_f32_stats_##isa(const float *x, size_t rows, size_t n, float eps, float *mean, float *inv);
NORM_ISA(avx512)
NORM_ISA(avx2)
NORM_ISA(neon)
NORM_ISA(ref)
#undef NORM_ISA

#endif
