/* rewrite.c - nodes in the place of patterns
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "passes/rewrite.h"
#include <math.h>

mote_status mote_rewrite(mote_pass_context *c, mote_node *last, const char *op, int32_t since, uint32_t n_in, mote_value *const *in, mote_node **out)
{
    mote_node *n = mote_graph_add_node(last->graph, last, "", op, last->version > since ? last->version : since, n_in, 1, false);
    if (n == NULL)
        return MOTE_NO_MEMORY(c->diag, sizeof *n);
    n->name = last->name;
    n->def = mote_op_find(n->domain, n->op, n->version);
    for (uint32_t i = 0; i < n_in; i++)
        mote_node_set_input(n, i, in[i]);
    mote_value *v = last->out[0];
    MOTE_TRY(mote_node_set_output(last, 0, NULL));
    MOTE_TRY(mote_node_set_output(n, 0, v));
    mote_node_remove(last);
    c->edits++;
    *out = n;
    return MOTE_OK;
}

bool mote_match_by_number(const mote_node *n, mote_value **x, double *number)
{
    if (n->n_in != 2 || n->domain.n != 0 || n->n_out != 1 || n->out[0] == NULL)
        return false;
    bool ordered = mote_str_is(n->op, "Sub") || mote_str_is(n->op, "Div") || mote_str_is(n->op, "Pow");
    for (uint32_t k = 2; k-- > (ordered ? 1u : 0u);) {
        const mote_value *v = n->in[k].value;
        mote_value *other = n->in[1 - k].value;
        if (v == NULL || other == NULL || !mote_match_number(v, number) || (v->type.rank > 0 && v->type.rank > other->type.rank))
            continue;
        *x = other;
        return true;
    }
    return false;
}

mote_node *mote_match_user(const mote_value *v, const char *op)
{
    mote_node *n = v != NULL ? mote_value_single_user(v) : NULL;
    if (!mote_node_is(n, "", op) || n->n_out != 1 || n->out[0] == NULL)
        return NULL;
    for (uint32_t i = 0; i < n->n_in; i++)
        if (n->in[i].value == v)
            return n;
    return NULL;
}

mote_value *mote_match_other(const mote_node *n, const mote_value *v)
{
    return n->n_in != 2 ? NULL : n->in[0].value == v ? n->in[1].value : n->in[1].value == v ? n->in[0].value : NULL;
}

bool mote_match_near(double a, double b, mote_dtype t)
{
    double unit = t == MOTE_DTYPE_F16 ? 0x1p-10 : t == MOTE_DTYPE_BF16 ? 0x1p-7 : 0x1p-20;
    return fabs(a - b) <= unit * fabs(b);
}
