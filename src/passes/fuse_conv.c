/* fuse_conv.c - what follows a convolution becomes part of it
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "passes/fuse.h"
#include "passes/match.h"
#include "passes/resize.h"

enum { MAX_REPEAT = 1 << 20 };

/* A residual whose rows a Resize repeats is read as it was before. */
static mote_status take_repeat(mote_pass_context *c, mote_node *n)
{
    mote_value *r = mote_match_in(n, 3);
    mote_node *resize = r != NULL ? r->producer : NULL;
    double scales[MOTE_MAX_RANK];
    if (resize == NULL || r->type.rank != 3 || mote_value_single_user(r) != n || mote_node_attr(n, "repeat") != NULL ||
        mote_node_int(n, "group", 1) != 1 || !mote_resize_repeats(resize, scales) || scales[0] != 1 || scales[2] != 1 || scales[1] > MAX_REPEAT)
        return MOTE_OK;
    const int64_t repeat = (int64_t)scales[1];
    if ((double)repeat != scales[1])
        return MOTE_OK;
    if (mote_node_set_int(n, "repeat", repeat) != MOTE_OK)
        return MOTE_NO_MEMORY(c->diag, 0);
    mote_node_set_input(n, 3, mote_match_in(resize, 0));
    mote_node_remove(resize);
    c->edits++;
    return MOTE_OK;
}

static mote_status fuse_graph(mote_pass_context *c, mote_graph *g)
{
    for (mote_node *n = g->first, *next; n != NULL; n = next) {
        next = n->next;
        if (!mote_node_is(n, "mote", "Conv"))
            continue;
        mote_node *before = n->prev;
        MOTE_TRY(mote_fuse_epilogue(c, n));
        MOTE_TRY(take_repeat(c, n));
        next = before != NULL ? before->next : g->first; /* n may have moved to a later place, and its user is gone */
        if (next == n)
            next = n->next;
    }
    return MOTE_OK;
}

mote_status mote_pass_fuse_conv(mote_pass_context *c);
mote_status mote_pass_fuse_conv(mote_pass_context *c) { return mote_pass_each_graph(c, fuse_graph); }
