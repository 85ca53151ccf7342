/* chain.h - elementwise functions one after the other on rows of floats: the inside of mote.QChain (ops/forms.h)
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_OPS_CHAIN_H
#define MOTE_OPS_CHAIN_H

#include "kernels/binary/binary.h"
#include "kernels/unary/unary.h"
#include "ops/op.h"

enum { MOTE_CHAIN_STEPS = 8 };

typedef struct mote_chain_step {
    mote_unary_fn unary;    /* NULL: binary with a constant on the right */
    float params[2];
    mote_binary_fn binary;
    const mote_array *with; /* one value, or one for each of a row */
} mote_chain_step;

typedef struct mote_chain {
    uint32_t n;
    mote_chain_step steps[MOTE_CHAIN_STEPS];
} mote_chain;

/* The binary functions that a chain may have: "add", "sub", "mul", "div", "prelu"; MOTE_BINARY_COUNT: another name. */
mote_binary mote_chain_binary(mote_str name);
/* Reads the attributes `steps` and `params` of a node whose inputs from `first` on are the constants, with kernels for these CPU features. in NULL: checks
 * the attributes only. */
mote_status mote_chain_of(const mote_node *node, const mote_array *const *in, uint32_t first, uint32_t cpu, mote_chain *chain, mote_diag *diag);

#endif
