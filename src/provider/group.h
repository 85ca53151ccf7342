/* group.h - a connected group of nodes that one provider runs
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PROVIDER_GROUP_H
#define MOTE_PROVIDER_GROUP_H

#include "ops/op.h"
#include "provider/provider.h"
#include "provider/view.h"

struct mote_group {
    mote_group *next;
    const mote_provider *provider;
    mote_view *view;     /* of the body */
    void *blob;          /* from the module's heap */
    size_t blob_bytes;
    void *loaded;
};

/* The operator of a group's node: its attribute `group` holds the mote_group's address. */
extern const mote_op_def mote_group_op;
mote_group *mote_group_of(const mote_node *node);

/* Compiles and loads. On failure the group holds nothing. */
mote_status mote_group_compile(mote_group *g, mote_heap *heap, mote_diag *diag);
void mote_group_release(mote_group *g, mote_heap *heap);

#endif
