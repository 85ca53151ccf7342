/* pointwise.c - convolutions of single pixels before what repeats pixels: a nearest Resize, a Gather of a loop's body
 * SPDX-License-Identifier: Apache-2.0
 *
 *   Conv(Resize(X))      = Resize(Conv(X))       where Resize copies pixels (mode nearest) and makes more of them
 *   Conv(Gather(X, i))   = Gather(Conv(X), i)    where X comes from outside the body: the product leaves the loop
 *
 * Bit for bit: each pixel goes through the same sum. */
#include "base/platform.h"
#include "passes/match.h"
#include "passes/resize.h"

#define IN(n, i) mote_match_in(n, i)

static bool all_are(const mote_node *n, const char *attr, int64_t x)
{
    size_t count;
    const int64_t *v = mote_node_ints(n, attr, &count);
    for (size_t i = 0; i < count; i++)
        if (v[i] != x)
            return false;
    return true;
}

/* A mote.Conv of kernel, stride and padding 1, 1 and 0, with constant weights and no residual. */
static bool is_pointwise(const mote_node *n)
{
    if (!mote_node_is(n, "mote", "Conv") || IN(n, 0) == NULL || IN(n, 3) != NULL || mote_value_const(IN(n, 1)) == NULL ||
        (IN(n, 2) != NULL && mote_value_const(IN(n, 2)) == NULL) || !all_are(n, "strides", 1) || !all_are(n, "pads", 0))
        return false;
    const mote_array *w = IN(n, 1)->constant;
    for (int32_t i = 2; i < w->rank; i++)
        if (w->dims[i] != 1)
            return false;
    return w->rank == IN(n, 0)->type.rank;
}

/* A Resize that repeats pixels, not channels. */
static bool repeats(const mote_node *n)
{
    double scales[MOTE_MAX_RANK];
    const int32_t rank = IN(n, 0) != NULL ? IN(n, 0)->type.rank : -1;
    return rank >= 3 && mote_resize_copies(n, scales) && scales[rank - 1] == 1;
}

/* A Gather from a tensor of an outer graph, not along its last axis, that keeps the rank. */
static bool gathers(const mote_node *n)
{
    if (!mote_node_is(n, "", "Gather") || IN(n, 0) == NULL || IN(n, 1) == NULL || IN(n, 0)->graph == n->graph || IN(n, 1)->type.rank != 1)
        return false;
    const int32_t rank = IN(n, 0)->type.rank;
    const int64_t axis = mote_node_int(n, "axis", 0);
    return rank >= 3 && IN(n, 0)->constant == NULL && axis != -1 && axis != rank - 1 && n->out[0]->type.rank == rank;
}

/* v as a value that graph g sees: itself, or a constant with the same data. */
static mote_value *seen_from(mote_graph *g, mote_value *v)
{
    for (const mote_graph *outer = g; outer != NULL; outer = outer->parent)
        if (v->graph == outer)
            return v;
    mote_value *copy = mote_graph_add_constant(g, MOTE_STR(""), v->constant);
    if (copy != NULL)
        copy->is_folded = true;
    return copy;
}

/* The convolution n of what `move` makes is done on move's operand, in that operand's graph; a copy of `move` takes n's place. */
static mote_status swap(mote_pass_context *c, mote_node *n, mote_node *move)
{
    mote_value *x = IN(move, 0);
    mote_graph *g = x->graph;
    mote_node *before = g == n->graph ? n : x->producer != NULL ? x->producer->next : g->first;
    mote_node *conv = mote_graph_add_node(g, before, "mote", "Conv", 1, n->n_in, 1, true);
    mote_node *again = mote_graph_add_node(n->graph, n, "", mote_str_is(move->op, "Resize") ? "Resize" : "Gather", move->version, move->n_in, 1, true);
    if (conv == NULL || again == NULL || mote_node_copy_attrs(conv, n) != MOTE_OK || mote_node_copy_attrs(again, move) != MOTE_OK)
        return MOTE_NO_MEMORY(c->diag, 0);
    conv->name = n->name;
    again->name = move->name;
    mote_node_set_input(conv, 0, x);
    for (uint32_t i = 1; i < n->n_in; i++) {
        mote_value *v = IN(n, i) != NULL ? seen_from(g, IN(n, i)) : NULL;
        if (v == NULL && IN(n, i) != NULL)
            return MOTE_NO_MEMORY(c->diag, 0);
        mote_node_set_input(conv, i, v);
    }
    mote_node_set_input(again, 0, conv->out[0]);
    for (uint32_t i = 1; i < move->n_in; i++)
        mote_node_set_input(again, i, IN(move, i));
    conv->out[0]->type = x->type;
    conv->out[0]->type.dims[x->type.rank - 1] = IN(n, 1)->constant->dims[0];
    again->out[0]->type = n->out[0]->type;
    mote_value_replace(n->out[0], again->out[0]);
    mote_node_remove(n);
    if (move->out[0]->uses == NULL)
        mote_node_remove(move);
    c->edits++;
    return MOTE_OK;
}

static mote_status pointwise_graph(mote_pass_context *c, mote_graph *g)
{
    for (mote_node *n = g->first, *next; n != NULL; n = next) {
        next = n->next;
        mote_node *move = is_pointwise(n) ? IN(n, 0)->producer : NULL;
        if (move != NULL && move->graph == g && (repeats(move) || gathers(move)))
            MOTE_TRY(swap(c, n, move));
    }
    return MOTE_OK;
}

mote_status mote_pass_pointwise(mote_pass_context *c);
mote_status mote_pass_pointwise(mote_pass_context *c) { return mote_pass_each_graph(c, pointwise_graph); }
