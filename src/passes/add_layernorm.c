/* add_layernorm.c - layer normalization of a sum that no product has taken
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "passes/match.h"
#include "passes/pass.h"

#define IN(n, i) mote_match_in(n, i)

/* Absent, or a constant (which is there where the sum is) of `width` elements. */
static bool is_row(const mote_value *v, int64_t width)
{
    return v == NULL || (v->constant != NULL && v->type.dtype == MOTE_DTYPE_F32 && v->type.rank == 1 && v->type.dims[0] == width);
}

static bool fits(const mote_node *norm, const mote_node *add)
{
    const mote_value *a = IN(add, 0), *b = IN(add, 1), *x = IN(norm, 0);
    if (a == NULL || b == NULL || x->type.dtype != MOTE_DTYPE_F32 || x->type.rank < 1 || !mote_match_only_first(norm) || add->graph != norm->graph)
        return false;
    const int64_t axis = mote_node_int(norm, "axis", -1), width = x->type.dims[x->type.rank - 1];
    return (axis == -1 || axis == x->type.rank - 1) && width > 0 && IN(norm, 1) != NULL && is_row(IN(norm, 1), width) && is_row(IN(norm, 2), width) &&
           mote_match_same_type(&a->type, &b->type);
}

static mote_status norm_graph(mote_pass_context *c, mote_graph *g)
{
    for (mote_node *n = g->first, *next; n != NULL; n = next) {
        next = n->next;
        mote_node *add = mote_node_is(n, "", "LayerNormalization") && n->out[0] != NULL ? mote_match_made_by(IN(n, 0), "Add") : NULL;
        if (add == NULL || add->n_in != 2 || !fits(n, add))
            continue;
        const bool both = mote_value_single_user(IN(n, 0)) != n;
        mote_node *made = mote_graph_add_node(g, add, "mote", "AddLayerNormalization", 1, 4, both ? 2 : 1, true);
        if (made == NULL || mote_node_set_float(made, "epsilon", mote_node_float(n, "epsilon", 1e-5f)) != MOTE_OK)
            return MOTE_NO_MEMORY(c->diag, 0);
        made->name = n->name;
        for (uint32_t i = 0; i < 2; i++) {
            mote_node_set_input(made, i, IN(add, i));
            mote_node_set_input(made, 2 + i, IN(n, 1 + i));
        }
        made->out[0]->type = n->out[0]->type;
        mote_value_replace(n->out[0], made->out[0]);
        mote_node_remove(n);
        if (both) {
            made->out[1]->type = add->out[0]->type;
            mote_value_replace(add->out[0], made->out[1]);
        }
        mote_node_remove(add);
        c->edits++;
    }
    return MOTE_OK;
}

mote_status mote_pass_add_layernorm(mote_pass_context *c);
mote_status mote_pass_add_layernorm(mote_pass_context *c) { return mote_pass_each_graph(c, norm_graph); }
