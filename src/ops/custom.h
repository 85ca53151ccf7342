/* custom.h - operators that an application registered
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_OPS_CUSTOM_H
#define MOTE_OPS_CUSTOM_H

#include "ops/op.h"
#include <mote/mote_custom.h>
#include <stdatomic.h>

/* An operator: its definition as the table's are (flags has MOTE_OP_CUSTOM), and the application's functions. */
typedef struct mote_custom_def {
    mote_op_def def; /* first: a node's def leads here */
    mote_type_var types[MOTE_OP_MAX_VARS + 1];
    mote_attr_spec attrs[MOTE_OP_MAX_ATTRS + 1];
    struct mote_custom_def *next;
    mote_custom_fn infer, compute;
    void *user;
    void (*release)(void *user);
} mote_custom_def;

struct mote_custom_ops {
    mote_heap heap;
    mote_arena arena;             /* of everything that was added */
    mote_custom_def *first;
    _Atomic unsigned references;  /* the handle and each model */
};

/* The newest of that name with since <= version, else NULL. *since (may be NULL): the oldest there is of that name, 0 for none. */
const mote_op_def *mote_custom_find(const mote_custom_ops *ops, mote_str domain, mote_str name, int64_t version, int32_t *since);
/* One reference more; gives the handle back to release it by. NULL stays NULL. */
mote_custom_ops *mote_custom_ops_keep(const mote_custom_ops *ops);
void mote_custom_ops_release(mote_custom_ops *ops);

/* custom_call.c: a definition's infer and eval. */
mote_status mote_custom_infer_node(mote_infer *c);
mote_status mote_custom_eval_node(mote_eval *c);

#endif
