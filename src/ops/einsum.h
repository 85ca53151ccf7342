/* einsum.h - an Einsum's equation, read
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_OPS_EINSUM_H
#define MOTE_OPS_EINSUM_H

#include "ops/op.h"

/* Letters a-z, A-Z, then the dimensions of "...", the last one last. */
enum { MOTE_EINSUM_LETTERS = 52 + MOTE_MAX_RANK, MOTE_EINSUM_MAX_TERMS = 64 };

typedef struct mote_einsum_term {
    int32_t n;
    int8_t letter[MOTE_MAX_RANK + 64]; /* by dimension */
} mote_einsum_term;

typedef struct mote_einsum {
    mote_einsum_term in[MOTE_EINSUM_MAX_TERMS], out;
    size_t n;
    int64_t size[MOTE_EINSUM_LETTERS]; /* MOTE_DIM_UNKNOWN */
    bool used[MOTE_EINSUM_LETTERS];
} mote_einsum;

/* ranks: of the n inputs, known. dims[i]: the input's sizes, or NULL. MOTE_E_VALUE, MOTE_E_SHAPE, MOTE_E_LIMIT. */
mote_status mote_einsum_read(mote_str text, size_t n, const int32_t *ranks, const int64_t *const *dims, mote_einsum *e, mote_diag *diag);

#endif
