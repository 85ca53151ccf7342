/* matmul.h - what the matrix products of ops/ share: shapes, batches, zero points
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_OPS_MATMUL_H
#define MOTE_OPS_MATMUL_H

#include "ops/wide.h"
#include <math.h>

/* Output 0 is numpy.matmul of inputs ia and ib. */
mote_status mote_infer_matmul(mote_infer *c, uint32_t ia, uint32_t ib, mote_dtype dtype);

typedef struct mote_matmul {
    size_t batch, m, n, k;
    mote_broadcast of; /* which matrix of A (0) and B (1) belongs to batch i */
} mote_matmul;
/* Of arrays whose shapes inference has checked. */
mote_status mote_matmul_of(const mote_array *a, const mote_array *b, const mote_array *y, mote_matmul *m, mote_diag *diag);

/* A quantization parameter: one value, one a row (of A) or column (of B), or those for each matrix of the batch. */
typedef struct mote_matmul_zero {
    const mote_array *a; /* NULL: 0 */
    size_t line, batch;  /* steps in elements */
} mote_matmul_zero;
mote_status mote_matmul_zero_of(const mote_array *z, const mote_array *x, bool rows, mote_matmul_zero *out, mote_diag *diag);
/* sum_k (a[m,k] - za) (b[k,n] - zb) of batch i */
int64_t mote_matmul_integer_at(const mote_matmul *s, const int32_t *a, const int32_t *b, const mote_matmul_zero *za, const mote_matmul_zero *zb,
                               size_t i, size_t m, size_t n);

/* clamp(round_half_even(f32(acc) m) + zero, low, high); NaN gives low. */
MOTE_INLINE int64_t mote_requantize(int32_t acc, float m, int64_t zero, int64_t low, int64_t high)
{
    double q = (double)rintf((float)acc * m) + (double)zero;
    return !(q >= (double)low) ? low : q > (double)high ? high : (int64_t)q;
}

#endif
