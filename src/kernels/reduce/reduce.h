/* reduce.h - sums, products, extremes and their places
 * SPDX-License-Identifier: Apache-2.0
 *
 * Rows:     y[r] = f(x[r][0..n-1])              x: rows of n, `stride` floats apart; n = 0 gives the neutral element
 * Columns:  y[j] = f over i of x[i][j]          x: n rows of m, `stride` floats apart; y of m
 * Order: in a row, lane i of 16 takes elements i, i + 16, ... ascending, and the lanes fold i with i + 8, + 4, + 2, + 1. Over columns, blocks of 256 rows
 * are folded ascending and the blocks' results folded ascending. The same bits on every instruction set and however rows or columns are split
 * over threads.
 *   sum   sumsq (one fma each)   sumabs   prod   max   min (NaN if there is one) */
#ifndef MOTE_KERNELS_REDUCE_REDUCE_H
#define MOTE_KERNELS_REDUCE_REDUCE_H

#include "base/cpu.h"
#include <stdbool.h>

#define REDUCE_OPS(X) X(SUM, sum) X(SUMSQ, sumsq) X(SUMABS, sumabs) X(PROD, prod) X(MAX, max) X(MIN, min)

typedef enum mote_reduce {
#define REDUCE(ID, id) MOTE_REDUCE_##ID,
    REDUCE_OPS(REDUCE)
#undef REDUCE
    MOTE_REDUCE_COUNT
} mote_reduce;

typedef void (*mote_reduce_rows_fn)(const float *x, size_t stride, float *y, size_t rows, size_t n);
typedef void (*mote_reduce_cols_fn)(const float *x, size_t stride, float *y, size_t n, size_t m);

typedef struct mote_reduce_row {
    const char *name; /* of the rows function; the columns function has "cols" for "rows" */
    uint32_t isa;
    mote_reduce op;
    mote_reduce_rows_fn rows;
    mote_reduce_cols_fn cols;
} mote_reduce_row;

const mote_reduce_row *mote_reduce_select(mote_reduce op, uint32_t cpu);
const mote_reduce_row *mote_reduce_rows(size_t *count);

/* The index of the largest (smallest) element of each row, the first or the last of equals; a NaN counts as the extreme. n >= 1. */
void mote_reduce_arg_rows(const mote_reduce_row *extreme, const float *x, size_t stride, int64_t *y, size_t rows, size_t n, bool last);
void mote_reduce_arg_cols(bool max, const float *x, size_t stride, int64_t *y, size_t n, size_t m, bool last);

#define REDUCE(ID, id)                                                                                                 \
    void mote_reduce_f32_rows_##id##_avx512(const float *x, size_t stride, float *y, size_t rows, size_t n);           \
    void mote_reduce_f32_rows_##id##_avx2(const float *x, size_t stride, float *y, size_t rows, size_t n);             \
    void mote_reduce_f32_rows_##id##_neon(const float *x, size_t stride, float *y, size_t rows, size_t n);             \
    void mote_reduce_f32_rows_##id##_ref(const float *x, size_t stride, float *y, size_t rows, size_t n);              \
    void mote_reduce_f32_cols_##id##_avx512(const float *x, size_t stride, float *y, size_t n, size_t m);              \
    void mote_reduce_f32_cols_##id##_avx2(const float *x, size_t stride, float *y, size_t n, size_t m);                \
    void mote_reduce_f32_cols_##id##_neon(const float *x, size_t stride, float *y, size_t n, size_t m);                \
    void mote_reduce_f32_cols_##id##_ref(const float *x, size_t stride, float *y, size_t n, size_t m);
REDUCE_OPS(REDUCE)
#undef REDUCE

#endif
