/* dead.c - what nobody uses goes: nodes, optional outputs, constants
 * SPDX-License-Identifier: Apache-2.0
 *
 * ONNX has no side effects, so a node without used outputs changes nothing (its errors go with it). Graph inputs stay. */
#include "base/platform.h"
#include "ops/signature.h"
#include "passes/pass.h"

static void sweep_graph(mote_pass_context *c, mote_graph *g, int depth);

static void sweep_subgraphs(mote_pass_context *c, mote_node *n, int depth)
{
    for (mote_attr *a = n->attrs; a != NULL; a = a->next) {
        if (a->kind == MOTE_ATTR_GRAPH)
            sweep_graph(c, a->g, depth - 1);
        for (size_t i = 0; a->kind == MOTE_ATTR_GRAPHS && i < a->n; i++)
            sweep_graph(c, a->graphs[i], depth - 1);
    }
}

static bool is_used(const mote_node *n)
{
    for (uint32_t i = 0; i < n->n_out; i++)
        if (n->out[i] != NULL && n->out[i]->uses != NULL)
            return true;
    return false;
}

/* Optional outputs that nobody uses are not asked for: no indices of MaxPool, no mask of Dropout. */
static void drop_outputs(mote_pass_context *c, mote_node *n)
{
    mote_signature s;
    if (n->n_out < 2 || n->def == NULL || mote_signature_read(n->def, n->def->out, &s) != MOTE_OK)
        return;
    for (uint32_t i = 0; i < n->n_out; i++) {
        mote_value *v = n->out[i];
        if (v == NULL || v->uses != NULL || !mote_signature_arg(&s, i)->optional)
            continue;
        (void)mote_node_set_output(n, i, NULL);
        mote_value_remove(v);
        c->edits++;
    }
    while (n->n_out > s.min && n->n_out > 1 && n->out[n->n_out - 1] == NULL)
        n->n_out--;
}

/* Users stand behind what they use, so one walk from the end sees every user go before its producer. */
static void sweep_graph(mote_pass_context *c, mote_graph *g, int depth)
{
    if (depth < 0)
        return;
    for (mote_node *n = g->last, *prev; n != NULL; n = prev) {
        prev = n->prev;
        if (is_used(n)) {
            drop_outputs(c, n);
            sweep_subgraphs(c, n, depth);
        } else {
            mote_node_remove(n);
            c->edits++;
        }
    }
}

static mote_status sweep_constants(mote_pass_context *c, mote_graph *g)
{
    for (mote_value *v = g->values, *next; v != NULL; v = next) {
        next = v->next;
        if (v->producer == NULL && !v->is_input && v->uses == NULL) {
            mote_value_remove(v);
            c->edits++;
        }
    }
    return MOTE_OK;
}

MOTE_PASS(dead)
{
    sweep_graph(c, c->module->graph, MOTE_GRAPH_MAX_DEPTH);
    return mote_pass_each_graph(c, sweep_constants);
}
