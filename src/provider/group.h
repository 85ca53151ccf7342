/* group.h - a connected group of nodes that one provider runs
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PROVIDER_GROUP_H
#define MOTE_PROVIDER_GROUP_H

#include "ops/op.h"
#include "provider/provider.h"
#include "provider/view.h"

/* The node that stands for it in the main graph is mote.Group, whose definition is the group's own. */
struct mote_group {
    mote_op_def def; /* first: a node's def is its group */
    mote_group *next;
    const mote_provider *provider;
    uint32_t index;       /* in the list */
    mote_module *body;    /* the nodes, in a module of their own: nothing edits it once the provider has seen it */
    mote_view *view;      /* of the body */
    void *blob;           /* from `heap` */
    size_t blob_bytes, blob_capacity;
    void *loaded;
    mote_heap *heap;
};

/* Zeroed but for what it runs on; from `heap`. NULL when memory runs out. */
mote_group *mote_group_create(const mote_provider *provider, uint32_t index, mote_heap *heap);
/* Compiles the body to a blob and loads it. MOTE_E_UNSUPPORTED: the provider does not take these nodes after all; MOTE_E_PROVIDER: it failed. */
mote_status mote_group_compile(mote_group *g, mote_diag *diag);
void mote_group_destroy(mote_group **group);

#endif
