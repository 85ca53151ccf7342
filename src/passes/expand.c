/* expand.c - standard operators that are functions of others, as those, where they have kernels
 * SPDX-License-Identifier: Apache-2.0
 *
 * CausalConvWithState-27: with x = Concat(past_state, input) along the length, or input padded by k - 1, a depthwise Conv of x, SiLU, and the last k - 1 of
 * x as the state. In float alone: in half floats the sum would be rounded before SiLU.
 *
 * SoftmaxCrossEntropyLoss-13: NegativeLogLikelihoodLoss of LogSoftmax along dimension 1, as the standard says. In float alone, again. */
#include "base/platform.h"
#include "passes/match.h"
#include "passes/pass.h"

#define IN(n, i) mote_match_in(n, i)

enum { INPUT, WEIGHT, BIAS, STATE };

static mote_node *add(mote_pass_context *c, mote_node *at, const char *op, int32_t since, uint32_t n_in, mote_value *const *in)
{
    const int64_t opset = mote_module_opset(c->module, MOTE_STR(""));
    mote_node *n = mote_graph_add_node(at->graph, at, "", op, opset > since && opset < INT32_MAX ? (int32_t)opset : since, n_in, 1, true);
    if (n == NULL) {
        (void)MOTE_NO_MEMORY(c->diag, sizeof *n);
        return NULL;
    }
    n->name = at->name;
    n->from = at->op;
    for (uint32_t i = 0; i < n_in; i++)
        mote_node_set_input(n, i, in[i]);
    return n;
}

static mote_value *ints(mote_node *at, size_t n, const int64_t *values)
{
    mote_value *v = mote_graph_const_i64(at->graph, 1, n, values);
    if (v != NULL)
        v->is_folded = true;
    return v;
}

static void give(mote_node *n, uint32_t i, mote_value *y)
{
    y->type = n->out[i]->type;
    mote_value_replace(n->out[i], y);
}

static mote_status causal_conv(mote_pass_context *c, mote_node *n)
{
    const mote_type *w = &IN(n, WEIGHT)->type, *x = &IN(n, INPUT)->type;
    const bool silu = !mote_str_is(mote_node_string(n, "activation", "none"), "none"), state = n->n_out > 1 && n->out[1] != NULL && n->out[1]->uses != NULL;
    if (x->dtype != MOTE_DTYPE_F32 || n->out[0] == NULL || w->rank != 3 || !mote_dim_known(w->dims[0]) || !mote_dim_known(w->dims[2]) || w->dims[2] < 2 || w->dims[0] < 1)
        return MOTE_OK;
    const int64_t back = w->dims[2] - 1, pads[6] = {0, 0, back, 0, 0, 0}, minus = -back, end = INT64_MAX, axis = 2;
    mote_value *joined[2] = {IN(n, STATE), IN(n, INPUT)}, *padded[2] = {IN(n, INPUT), NULL};
    mote_node *all;
    if (joined[0] != NULL) {
        all = add(c, n, "Concat", 13, 2, joined);
        if (all == NULL || mote_node_set_int(all, "axis", 2) != MOTE_OK)
            return MOTE_E_MEMORY;
    } else {
        padded[1] = ints(n, 6, pads);
        all = padded[1] != NULL ? add(c, n, "Pad", 13, 2, padded) : NULL;
        if (all == NULL)
            return MOTE_NO_MEMORY(c->diag, 0);
    }
    mote_value *const in[3] = {all->out[0], IN(n, WEIGHT), IN(n, BIAS)};
    mote_node *y = add(c, n, "Conv", 11, in[2] != NULL ? 3 : 2, in);
    if (y == NULL)
        return MOTE_E_MEMORY;
    MOTE_TRY(mote_node_set_int(y, "group", w->dims[0]));
    if (silu && (y = add(c, n, "Swish", 24, 1, &y->out[0])) == NULL)
        return MOTE_E_MEMORY;
    if (state) {
        mote_value *const cut[4] = {all->out[0], ints(n, 1, &minus), ints(n, 1, &end), ints(n, 1, &axis)};
        mote_node *last = cut[1] != NULL && cut[2] != NULL && cut[3] != NULL ? add(c, n, "Slice", 13, 4, cut) : NULL;
        if (last == NULL)
            return MOTE_NO_MEMORY(c->diag, 0);
        give(n, 1, last->out[0]);
    }
    give(n, 0, y->out[0]);
    mote_node_remove(n);
    c->edits++;
    return MOTE_OK;
}

/* The logarithm of the softmax along dimension 1, which has kernels, and what is made of it. */
static mote_status cross_entropy(mote_pass_context *c, mote_node *n)
{
    mote_value *scores = IN(n, 0);
    if (n->version < 13 || scores == NULL || scores->type.dtype != MOTE_DTYPE_F32 || n->out[0] == NULL)
        return MOTE_OK;
    mote_node *logs = add(c, n, "LogSoftmax", 13, 1, &scores);
    if (logs == NULL || mote_node_set_int(logs, "axis", 1) != MOTE_OK)
        return MOTE_E_MEMORY;
    mote_value *const in[3] = {logs->out[0], IN(n, 1), IN(n, 2)};
    mote_node *loss = add(c, n, "NegativeLogLikelihoodLoss", 13, in[2] != NULL ? 3 : 2, in);
    if (loss == NULL || mote_node_copy_attrs(loss, n) != MOTE_OK)
        return MOTE_E_MEMORY;
    if (n->n_out > 1 && n->out[1] != NULL)
        give(n, 1, logs->out[0]);
    give(n, 0, loss->out[0]);
    mote_node_remove(n);
    c->edits++;
    return MOTE_OK;
}

static mote_status each(mote_pass_context *c, mote_graph *g)
{
    for (mote_node *n = g->first, *next; n != NULL; n = next) {
        next = n->next;
        if (mote_node_is(n, "", "CausalConvWithState") && n->def != NULL)
            MOTE_TRY(causal_conv(c, n));
        else if (mote_node_is(n, "", "SoftmaxCrossEntropyLoss") && n->def != NULL)
            MOTE_TRY(cross_entropy(c, n));
    }
    return MOTE_OK;
}

MOTE_PASS(expand) { return mote_pass_each_graph(c, each); }
