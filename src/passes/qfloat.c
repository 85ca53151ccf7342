/* qfloat.c - integer products whose sums become float32 take scale and bias in: mote.MatMulIntegerToFloat
 * SPDX-License-Identifier: Apache-2.0
 *
 *     MatMulInteger(a, b constant) -> Cast to float32 -> Mul by one value or one for each column [-> Add of one value for each column]
 *
 * What dynamic quantization writes, and what qint makes of a product that nothing quantizes again. Every rounding stays. */
#include "base/platform.h"
#include "passes/match.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

/* One value, or one for each of n columns; `each`: only the latter. */
static bool by_column(const mote_value *v, int64_t n, bool each)
{
    if (v == NULL || v->type.kind != MOTE_KIND_TENSOR || v->type.dtype != MOTE_DTYPE_F32)
        return false;
    const mote_type *t = &v->type;
    return (t->rank == 0 && !each) || (t->rank == 1 && (t->dims[0] == n || (t->dims[0] == 1 && !each)));
}

static mote_status take_in(mote_pass_context *c, mote_node *product)
{
    const mote_value *b = mote_match_in(product, 1);
    if (product->n_out != 1 || product->out[0] == NULL || mote_value_const(b) == NULL || b->type.rank != 2 || mote_match_in(product, 0)->type.rank < 2)
        return MOTE_OK;
    const int64_t n = b->type.dims[1];
    mote_node *cast = mote_match_user(product->out[0], "Cast");
    if (cast == NULL || mote_node_int(cast, "to", 0) != MOTE_DTYPE_F32)
        return MOTE_OK;
    mote_node *mul = mote_match_user(cast->out[0], "Mul");
    mote_value *scale = mul == NULL ? NULL : mote_match_other(mul, cast->out[0]);
    if (!by_column(scale, n, false))
        return MOTE_OK;
    mote_node *last = mul, *add = mote_match_user(mul->out[0], "Add");
    mote_value *bias = add == NULL ? NULL : mote_match_other(add, mul->out[0]);
    if (by_column(bias, n, true))
        last = add;
    else
        bias = NULL;
    if (cast->graph != product->graph || mul->graph != product->graph || last->graph != product->graph)
        return MOTE_OK;
    mote_node *made = mote_graph_add_node(product->graph, last, "mote", "MatMulIntegerToFloat", 1, 6, 1, true);
    if (made == NULL)
        return MOTE_NO_MEMORY(c->diag, 0);
    made->name = product->name;
    for (uint32_t i = 0; i < 4; i++)
        mote_node_set_input(made, i, mote_match_in(product, i));
    mote_node_set_input(made, 4, scale);
    mote_node_set_input(made, 5, bias);
    made->out[0]->type = last->out[0]->type;
    mote_value_replace(last->out[0], made->out[0]);
    if (last != mul)
        mote_node_remove(last);
    mote_node_remove(mul);
    mote_node_remove(cast);
    mote_node_remove(product);
    c->edits++;
    return MOTE_OK;
}

static mote_status each(mote_pass_context *c, mote_graph *g)
{
    for (mote_node *n = g->first, *next; n != NULL; n = next) {
        next = n->next;
        if (mote_node_is(n, "", "MatMulInteger")) {
            mote_node *before = n->prev;
            MOTE_TRY(take_in(c, n));
            next = before != NULL ? before->next : g->first; /* what went may have been next */
            if (next == n)
                next = n->next;
        }
    }
    return MOTE_OK;
}

mote_status mote_pass_qfloat(mote_pass_context *c);
mote_status mote_pass_qfloat(mote_pass_context *c) { return mote_pass_each_graph(c, each); }
