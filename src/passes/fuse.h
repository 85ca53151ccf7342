/* fuse.h - what comes behind a product: bias, residual, activation (forms.h: act(b + sum + r))
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PASSES_FUSE_H
#define MOTE_PASSES_FUSE_H

#include "passes/pass.h"

/* A node that is one of the functions of kernels/unary: its name there and its parameters. */
typedef struct mote_activation {
    const char *name;
    float p[2];
} mote_activation;
/* Whether f32 node n is such a function of input 0 alone, worth running on what a product has just written. */
bool mote_activation_of(const mote_node *n, mote_activation *a);

/* Takes into n (mote.Conv or mote.Gemm: inputs X W B? R?), as long as its output has one use, a sum with a constant of its last axis, a sum with a
 * tensor of its shape, an activation. Counts edits. */
mote_status mote_fuse_epilogue(mote_pass_context *c, mote_node *n);

#endif
