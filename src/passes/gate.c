/* gate.c - tanh of one half times sigmoid of the other: mote.Gate, behind a convolution or alone
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "passes/match.h"
#include "passes/pass.h"

#define IN(n, i) mote_match_in(n, i)

/* The Split whose output `part` goes through this function alone into `product`. */
static mote_node *half(const mote_value *v, const char *function, uint32_t part, const mote_node *product)
{
    const mote_node *f = mote_match_made_by(v, function);
    if (f == NULL || mote_value_single_user(v) != product || IN(f, 0) == NULL || mote_value_single_user(IN(f, 0)) != f || IN(f, 0)->output_index != part)
        return NULL;
    mote_node *split = mote_match_made_by(IN(f, 0), "Split");
    return split != NULL && split->graph == product->graph ? split : NULL;
}

static bool cuts_last_axis_in_halves(const mote_node *split)
{
    if (split->n_out != 2 || split->out[0] == NULL || split->out[1] == NULL || IN(split, 0) == NULL)
        return false;
    const mote_type *x = &IN(split, 0)->type, *a = &split->out[0]->type, *b = &split->out[1]->type;
    const int64_t axis = mote_node_int(split, "axis", 0);
    return x->dtype == MOTE_DTYPE_F32 && x->rank >= 1 && a->rank == x->rank && b->rank == x->rank && (axis == -1 || axis == x->rank - 1) &&
           a->dims[x->rank - 1] > 0 && a->dims[x->rank - 1] == b->dims[x->rank - 1];
}

/* The gate behind a convolution becomes part of it. */
static mote_status into_conv(mote_pass_context *c, mote_node *gate)
{
    mote_value *x = IN(gate, 0);
    mote_node *conv = x->producer;
    if (!mote_node_is(conv, "mote", "Conv") || conv->graph != gate->graph || mote_value_single_user(x) != gate || mote_node_attr(conv, "activation") != NULL ||
        mote_node_int(conv, "gate", 0) != 0 || mote_node_int(conv, "group", 1) != 1)
        return MOTE_OK;
    if (mote_node_set_int(conv, "gate", 1) != MOTE_OK)
        return MOTE_NO_MEMORY(c->diag, 0);
    mote_node_set_input(gate, 0, NULL);
    x->type = gate->out[0]->type;
    mote_value_replace(gate->out[0], x);
    mote_node_remove(gate);
    c->edits++;
    return MOTE_OK;
}

static mote_status gate_graph(mote_pass_context *c, mote_graph *g)
{
    for (mote_node *n = g->first, *next; n != NULL; n = next) {
        next = n->next;
        if (!mote_node_is(n, "", "Mul") || n->n_in != 2 || n->out[0] == NULL)
            continue;
        mote_node *split = NULL;
        for (uint32_t i = 0; i < 2 && split == NULL; i++) {
            split = half(IN(n, i), "Tanh", 0, n);
            if (split != NULL && half(IN(n, 1 - i), "Sigmoid", 1, n) != split)
                split = NULL;
        }
        if (split == NULL || !cuts_last_axis_in_halves(split))
            continue;
        mote_node *made = mote_graph_add_node(g, n, "mote", "Gate", 1, 1, 1, true);
        if (made == NULL)
            return MOTE_NO_MEMORY(c->diag, 0);
        made->name = n->name;
        mote_node_set_input(made, 0, IN(split, 0));
        made->out[0]->type = n->out[0]->type;
        mote_value_replace(n->out[0], made->out[0]);
        mote_node *a = IN(n, 0)->producer, *b = IN(n, 1)->producer;
        mote_node_remove(n);
        mote_node_remove(a);
        mote_node_remove(b);
        mote_node_remove(split);
        c->edits++;
        MOTE_TRY(into_conv(c, made));
    }
    return MOTE_OK;
}

mote_status mote_pass_gate(mote_pass_context *c);
mote_status mote_pass_gate(mote_pass_context *c) { return mote_pass_each_graph(c, gate_graph); }
