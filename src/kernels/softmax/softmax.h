/* softmax.h - softmax and log-softmax along rows and along columns
 * SPDX-License-Identifier: Apache-2.0
 *
 *   e[i] = exp(x[i] - max x), y[i] = e[i] / sum e      or, log, y[i] = (x[i] - max x) - log(sum e)
 *
 * The sum in 16 lanes and the fixed tree for rows, ascending for columns; the quotient as a product with 1 / sum. exp below 2^-126 is 0. A row
 * with NaN, or of -inf alone, gives NaN. y may be x. The same bits on every instruction set and any split over threads.
 *   rows:  x, y rows of n, one behind the other            cols:  n rows of m floats, softmax down each column; rows m apart */
#ifndef MOTE_KERNELS_SOFTMAX_SOFTMAX_H
#define MOTE_KERNELS_SOFTMAX_SOFTMAX_H

#include "base/cpu.h"
#include <stdbool.h>

typedef void (*mote_softmax_rows_fn)(const float *x, float *y, size_t rows, size_t n);
/* columns [begin, end) */
typedef void (*mote_softmax_cols_fn)(const float *x, float *y, size_t n, size_t m, size_t begin, size_t end);

typedef struct mote_softmax_row {
    const char *name;
    uint32_t isa;
    bool log;
    mote_softmax_rows_fn rows;
    mote_softmax_cols_fn cols;
} mote_softmax_row;

const mote_softmax_row *mote_softmax_select(bool log, uint32_t cpu);
const mote_softmax_row *mote_softmax_rows(size_t *count);

#define SOFTMAX_ISA(isa)                                                                                               \
    void mote_softmax_f32_rows_##isa(const float *x, float *y, size_t rows, size_t n);                                 \
    void mote_softmax_f32_cols_##isa(const float *x, float *y, size_t n, size_t m, size_t begin, size_t end);          \
    void mote_softmax_log_f32_rows_##isa(const float *x, float *y, size_t rows, size_t n);                             \
    void mote_softmax_log_f32_cols_##isa(const float *x, float *y, size_t n, size_t m, size_t begin, size_t end);
SOFTMAX_ISA(avx512)
SOFTMAX_ISA(avx2)
SOFTMAX_ISA(neon)
SOFTMAX_ISA(ref)
#undef SOFTMAX_ISA

#endif
