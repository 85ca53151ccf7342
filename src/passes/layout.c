/* layout.c - images and sequences channels last: convolutions and pools take their forms of domain "mote", with transposes around them
 * SPDX-License-Identifier: Apache-2.0
 *
 * Y = Conv(X, W, B) becomes Y = Transpose(mote.Conv(Transpose(X), W, B)). Neighbours' transposes cancel as they are made; pass "transposes" moves
 * the others out of the way. */
#include "base/platform.h"
#include "passes/perm.h"

enum { CONV_TYPES = MOTE_DT(F32), MEAN_TYPES = MOTE_DT(F32), INTEGER_TYPES = MOTE_DT(U8) | MOTE_DT(S8), MAX_TYPES = MOTE_DT(F32) | INTEGER_TYPES };

/* The rank of the image: its type's, or that of the weights of a Conv. */
static int32_t rank_of(const mote_node *n)
{
    const mote_type *x = &n->in[0].value->type;
    const bool weights = x->rank < 0 && n->n_in > 1 && n->in[1].value != NULL && n->in[1].value->type.kind == MOTE_KIND_TENSOR;
    return weights ? n->in[1].value->type.rank : x->rank;
}

/* An operator with a channels-last form of the same name: input 0 and output 0 are images, other inputs stay as they are. */
static const struct form {
    const char *op;
    mote_dtypes types; /* of input 0 that the form takes */
    uint32_t max_in;
    const char *drop;  /* an attribute that means nothing without a second output */
} forms[] = {
    {"Conv", CONV_TYPES, 3, NULL},
    {"ConvInteger", INTEGER_TYPES, 4, NULL},
    {"MaxPool", MAX_TYPES, 1, "storage_order"},
    {"AveragePool", MEAN_TYPES, 1, NULL},
    {"GlobalMaxPool", MAX_TYPES, 1, NULL},
    {"GlobalAveragePool", MEAN_TYPES, 1, NULL},
};

static const struct form *form_of(const mote_node *n)
{
    if (n->domain.n != 0 || n->n_in == 0 || n->in[0].value == NULL || n->n_out == 0 || n->out[0] == NULL)
        return NULL;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (mote_str_is(n->op, forms[i].op)) {
            const mote_type *x = &n->in[0].value->type;
            const bool fits = x->kind == MOTE_KIND_TENSOR && rank_of(n) >= 3 && rank_of(n) <= MOTE_MAX_RANK && mote_dtype_in(x->dtype, forms[i].types) && n->n_in <= forms[i].max_in;
            return fits && (n->n_out == 1 || n->out[1] == NULL || n->out[1]->uses == NULL) ? &forms[i] : NULL;
        }
    return NULL;
}

static mote_status convert(mote_pass_context *c, mote_node *n, const struct form *f)
{
    const int32_t rank = rank_of(n);
    const mote_perm last = mote_perm_to_last(rank), first = mote_perm_to_first(rank);
    mote_value *x;
    MOTE_TRY(mote_perm_apply(c, n->in[0].value, &last, &x));
    mote_node *now = mote_graph_add_node(n->graph, n, "mote", f->op, 1, n->n_in, 1, true);
    if (now == NULL || mote_node_copy_attrs(now, n) != MOTE_OK)
        return MOTE_NO_MEMORY(c->diag, 0);
    if (f->drop != NULL)
        mote_node_remove_attr(now, f->drop);
    now->name = n->name;
    mote_node_set_input(now, 0, x);
    for (uint32_t i = 1; i < n->n_in; i++)
        mote_node_set_input(now, i, n->in[i].value);
    now->out[0]->type = n->out[0]->type;
    mote_value_replace(n->out[0], now->out[0]);
    mote_perm_input(n, 0, NULL);
    mote_node_remove(n);
    c->edits++;
    return mote_perm_output(c, now, 0, &first);
}

static mote_status layout_graph(mote_pass_context *c, mote_graph *g)
{
    for (mote_node *n = g->first, *next; n != NULL; n = next) {
        next = n->next;
        const struct form *f = form_of(n);
        if (f != NULL)
            MOTE_TRY(convert(c, n, f));
    }
    return MOTE_OK;
}

mote_status mote_pass_layout(mote_pass_context *c);
mote_status mote_pass_layout(mote_pass_context *c) { return mote_pass_each_graph(c, layout_graph); }
