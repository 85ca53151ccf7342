/* cpu_halves.h - rows of stored half floats for kernels that compute in float
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PROVIDER_CPU_CPU_HALVES_H
#define MOTE_PROVIDER_CPU_CPU_HALVES_H

#include "kernels/quantize/quantize.h"
#include "tensor/dtype.h"

MOTE_INLINE bool mote_cpu_is_float(mote_dtype t) { return t == MOTE_DTYPE_F32 || t == MOTE_DTYPE_F16 || t == MOTE_DTYPE_BF16; }

/* Elements [at, at + n) of x as float in `row`; for F32 the elements themselves, row untouched. */
MOTE_INLINE const float *mote_cpu_row_in(const mote_convert_row *c, mote_dtype t, const void *x, size_t at, size_t n, float *row)
{
    if (t == MOTE_DTYPE_F32)
        return (const float *)x + at;
    (t == MOTE_DTYPE_F16 ? c->f16_f32 : c->bf16_f32)((const uint16_t *)x + at, row, n);
    return row;
}
/* Where to compute elements [at, ..) of y, and, afterwards, how they get there. */
MOTE_INLINE float *mote_cpu_row_out(mote_dtype t, void *y, size_t at, float *row) { return t == MOTE_DTYPE_F32 ? (float *)y + at : row; }
MOTE_INLINE void mote_cpu_row_store(const mote_convert_row *c, mote_dtype t, const float *row, void *y, size_t at, size_t n)
{
    if (t == MOTE_DTYPE_F32)
        return;
    (t == MOTE_DTYPE_F16 ? c->f32_f16 : c->f32_bf16)(row, (uint16_t *)y + at, n);
}

#endif
