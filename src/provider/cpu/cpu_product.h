/* cpu_product.h - what the lowerings of matrix products and convolutions share: fused activations, packing, the parallel loops
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PROVIDER_CPU_CPU_PRODUCT_H
#define MOTE_PROVIDER_CPU_CPU_PRODUCT_H

#include "kernels/conv/conv.h"
#include "kernels/gemm/gemm_bf16.h"
#include "provider/cpu/lower.h"

/* The activation of a node of domain "mote", for a kernel: a clamp, or a function that runs on what the kernel wrote. */
typedef struct mote_cpu_act {
    bool clamp;
    float lo, hi;
    mote_gemm_f32_act_fn fn; /* NULL: none */
    float params[2];
} mote_cpu_act;
void mote_cpu_act_of(const mote_node *node, uint32_t cpu, mote_cpu_act *act);

/* Packs s into dst: for mote_lower_pack (ctx: mote_cpu_pack) and for weights that are no constants. */
typedef struct mote_cpu_pack {
    mote_gemm_f32_source source; /* of the first group */
    size_t nr, groups, run; /* run: of gemm_bf16.h, 0: packed for f32 */
    size_t src_step, bias_step, dst_step; /* floats from one group to the next */
    mote_pool *pool;             /* of mote_cpu_pack_fill; NULL: one thread */
} mote_cpu_pack;
mote_status mote_cpu_pack_fill(void *ctx, void *dst);
void mote_cpu_pack_run(const mote_cpu_pack *p, float *dst, mote_pool *pool);

/* What each worker has of the memory at op->scratch; a multiple of 64 bytes. */
size_t mote_cpu_product_scratch(const mote_gemm_f32_op *op);
/* The whole of op on the pool. rows: NULL, or the window whose copy (with its own piece of runs_bytes at rows->runs for each worker) becomes
 * op->rows_ctx. */
void mote_cpu_product(mote_pool *pool, const mote_gemm_f32_op *op, const mote_conv_rows *rows, size_t runs_bytes);
/* The same, where row i of the residual belongs to rows repeat * i .. of the result. */
void mote_cpu_product_repeat(mote_pool *pool, const mote_gemm_f32_op *op, const mote_conv_rows *rows, size_t runs_bytes, size_t repeat);

#endif
