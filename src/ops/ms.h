/* ms.h - what evaluation and passes share of com.microsoft's fused operators
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_OPS_MS_H
#define MOTE_OPS_MS_H

#include "ops/op.h"

/* The activation of FusedConv or FusedGemm as a standard operator with float attributes (Clip: as of version 6). op NULL: none. */
typedef struct mote_ms_activation {
    const char *op;
    int32_t version;
    size_t n;
    const char *names[2];
    float values[2];
} mote_ms_activation;
mote_status mote_ms_activation_of(const mote_node *n, mote_ms_activation *a, mote_diag *diag);

/* FusedMatMul: the permutation of operand i (0, 1) of this rank; false: none. transBatch: dimension 0 moves behind the batch; trans: the last two change
 * places. MOTE_E_VALUE is left to inference. */
bool mote_ms_matmul_perm(const mote_node *n, uint32_t i, int32_t rank, int64_t *perm);

#endif
