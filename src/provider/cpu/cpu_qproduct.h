/* cpu_qproduct.h - what the lowerings of integer products and convolutions share: quantization parameters, packing, the parallel loop
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PROVIDER_CPU_CPU_QPRODUCT_H
#define MOTE_PROVIDER_CPU_CPU_QPRODUCT_H

#include "kernels/conv/conv.h"
#include "kernels/igemm/igemm.h"
#include "kernels/quantize/quantize.h"
#include "provider/cpu/lower.h"

/* Parameters of mote QConv and QGemm (ops/forms.h), all constant. */
typedef struct mote_cpu_quant {
    const void *w, *bias;      /* bias: s32, or NULL */
    const uint8_t *w_zero;     /* NULL: 0 */
    size_t w_zero_step;
    const float *scale;        /* of each output: xs ws / ys, in the plan's arena */
    bool x_signed, w_signed, w_zero_any; /* any: some zero point is neither 0 of s8 nor 128 of u8 */
    int32_t xz, yz, lo, hi;
    bool table;                /* input 9 */
} mote_cpu_quant;
/* *ok false: something is not constant, or not of the expected size: no case for the kernels. */
mote_status mote_cpu_quant_of(mote_lower *l, size_t outputs, mote_cpu_quant *q, bool *ok);

/* Packs every group (ctx of mote_lower_pack). Steps in bytes for w, in elements for the rest. */
typedef struct mote_cpu_qpack {
    mote_igemm_source source;
    size_t nr, groups, src_step, n_step, dst_step;
    mote_pool *pool; /* NULL: one thread */
} mote_cpu_qpack;
mote_status mote_cpu_qpack_fill(void *ctx, void *dst);

/* What each worker has of the memory at op->scratch; a multiple of 64 bytes. */
size_t mote_cpu_qproduct_scratch(const mote_igemm_op *op);
/* The whole of op on the pool, then, if table is not NULL, y = table[y] on its n columns. rows, runs_bytes: as mote_cpu_product has them. */
void mote_cpu_qproduct(mote_pool *pool, const mote_igemm_op *op, const mote_conv_rows *rows, size_t runs_bytes, mote_lookup_fn lookup,
                       const uint8_t *table);

#endif
