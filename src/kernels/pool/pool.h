/* pool.h - largest and mean element of windows, sums of integers, channels last
 * SPDX-License-Identifier: Apache-2.0
 *
 *     max    y[c] = largest of x[tap][c], taps in order: t > y ? t : y keeps the latter of equals' bits, and a NaN only until a number follows it
 *     mean   y[c] = (0 + x[tap 0][c] + x[tap 1][c] ...) / count, taps in order
 *     sum    y[c] = x[tap 0][c] + x[tap 1][c] ..., of 8 bits in s32: at most 2^23 taps
 *
 * CONSISTENT for f32, EXACT for 8 bits. The taps come as pointers (kernels/conv/conv.h): padding is a row of zeros (zero points) for the mean (the sum); for the maximum it is
 * replaced by a neighbour (mote_pool_fill). Source: ONNX MaxPool, AveragePool, GlobalMaxPool, GlobalAveragePool. */
#ifndef MOTE_KERNELS_POOL_POOL_H
#define MOTE_KERNELS_POOL_POOL_H

#include "base/size.h"
#include "kernels/kernel.h"

typedef enum mote_pool_kind { MOTE_POOL_MAX_F32, MOTE_POOL_MEAN_F32, MOTE_POOL_MAX_U8, MOTE_POOL_MAX_S8, MOTE_POOL_SUM_U8, MOTE_POOL_SUM_S8 } mote_pool_kind;

/* y, pixel i: tap t begins at a[t * a_step + i], c elements. count: divisor of each pixel, for the mean. */
typedef struct mote_pool_tile {
    const void *const *a;
    size_t a_step, pixels, taps, c;
    void *y;
    size_t y_stride; /* elements of y */
    const float *count;
} mote_pool_tile;

typedef void (*mote_pool_fn)(const mote_pool_tile *t);
/* The same over `taps` rows that lie x_stride elements apart, one output of c elements. */
typedef void (*mote_pool_global_fn)(const void *x, size_t x_stride, size_t taps, size_t c, float count, void *y);

typedef struct mote_pool_row {
    const char *name;
    uint32_t isa;
    mote_pool_kind kind;
    mote_check check;
    mote_pool_fn fn;
    mote_pool_global_fn global;
} mote_pool_row;

const mote_pool_row *mote_pool_select(mote_pool_kind kind, uint32_t cpu);
const mote_pool_row *mote_pool_rows(size_t *count);

#define POOL(name, all, isa, kind, check)                                                                              \
    void name(const mote_pool_tile *t);                                                                                \
    void all(const void *x, size_t x_stride, size_t taps, size_t c, float count, void *y);
#include "kernels/pool/pool.inc"
#undef POOL

/* For the maximum: replaces each NULL of table[taps][n] by the pixel's tap before it, leading ones by the first that is there; none: `empty`. */
void mote_pool_fill(const void **table, size_t taps, size_t n, const void *empty);

#endif
