/* signature.h - the inputs and outputs that an operator's definition names, read from their text
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_OPS_SIGNATURE_H
#define MOTE_OPS_SIGNATURE_H

#include "ops/op.h"

enum { MOTE_OP_MAX_ARGS = 40 };

typedef struct mote_op_arg {
    mote_str name;
    bool optional, variadic, mixed; /* mixed: the variadic's elements may differ in type */
    mote_kind kind;                 /* of a form seq(...) or opt(...) */
    int var;                        /* index of the type variable; -1: fixed */
    mote_dtype fixed;
} mote_op_arg;

typedef struct mote_signature {
    size_t n;
    mote_op_arg args[MOTE_OP_MAX_ARGS];
    uint32_t min, max; /* how many a node may have; max UINT32_MAX: any number */
} mote_signature;

/* text: def->in or def->out. MOTE_E_INTERNAL when it is ill-formed: a test reads every definition's. */
mote_status mote_signature_read(const mote_op_def *def, const char *text, mote_signature *out);
/* The argument of input or output i of a node; a variadic takes the rest. */
MOTE_INLINE const mote_op_arg *mote_signature_arg(const mote_signature *s, size_t i)
{
    return s->n == 0 ? NULL : i < s->n ? &s->args[i] : &s->args[s->n - 1];
}

#endif
