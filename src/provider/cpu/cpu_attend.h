/* cpu_attend.h - attention (ops/attend.h) with the kernels of float products
 * SPDX-License-Identifier: Apache-2.0
 *
 * For each head and block of rows: scores, softmax and their product with V while they are in the cache. */
#ifndef MOTE_PROVIDER_CPU_CPU_ATTEND_H
#define MOTE_PROVIDER_CPU_CPU_ATTEND_H

#include "kernels/attend/attend.h"
#include "kernels/binary/binary.h"
#include "kernels/gemm/gemm.h"
#include "kernels/softmax/softmax.h"
#include "kernels/unary/unary.h"
#include "ops/attend.h"
#include "provider/cpu/lower.h"

typedef struct mote_cpu_attend {
    const mote_gemm_f32_row *row;
    const mote_softmax_row *softmax;
    const mote_attend_row *few;   /* for a few rows that share keys: nothing is packed; else NULL */
    mote_binary_fn add;
    mote_unary_fn linear, tanh;
    mote_transpose_fn transpose;
    mote_attend a;
    bool extra;                   /* a further score without a value: a->smooth, or sinks */
    size_t rows, blocks, parts;   /* rows of a block, blocks of a head, parts of the blocks of the heads that share keys: an item each */
    size_t k_floats, v_floats, worker_floats;
    float scale[2];
} mote_cpu_attend;

typedef struct mote_cpu_attend_data {
    const float *q, *k, *v, *bias, *sinks; /* bias where a.bias; sinks: one a head, or NULL */
    float *y;
    const int64_t *offset, *valid; /* one a batch */
} mote_cpu_attend_data;

/* Chooses; *floats: scratch for all workers. False: too large. */
bool mote_cpu_attend_of(mote_cpu_attend *p, const mote_attend *a, bool sinks, uint32_t cpu, unsigned workers, size_t *floats);
/* For the profile. */
MOTE_INLINE const char *mote_cpu_attend_kernel(const mote_cpu_attend *p) { return p->few != NULL ? p->few->name : p->row->name; }
void mote_cpu_attend_run(const mote_cpu_attend *p, const mote_cpu_attend_data *x, mote_pool *pool, float *scratch);

#endif
