/* fuse_conv.c - what follows a convolution becomes part of it
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "passes/fuse.h"

static mote_status fuse_graph(mote_pass_context *c, mote_graph *g)
{
    for (mote_node *n = g->first, *next; n != NULL; n = next) {
        next = n->next;
        if (!mote_node_is(n, "mote", "Conv"))
            continue;
        mote_node *before = n->prev;
        MOTE_TRY(mote_fuse_epilogue(c, n));
        next = before != NULL ? before->next : g->first; /* n may have moved to a later place, and its user is gone */
        if (next == n)
            next = n->next;
    }
    return MOTE_OK;
}

mote_status mote_pass_fuse_conv(mote_pass_context *c);
mote_status mote_pass_fuse_conv(mote_pass_context *c) { return mote_pass_each_graph(c, fuse_graph); }
