/* labels.c - pass labels: classifiers of trees number their classes, and the names are looked up behind them
 * SPDX-License-Identifier: Apache-2.0
 *
 * TreeEnsembleClassifier with classlabels_strings -> the same with classlabels_int64s 0, 1 .. and Gather of the strings: what has to be fast makes
 * no strings. */
#include "base/platform.h"
#include "passes/pass.h"

static mote_status number_classes(mote_pass_context *c, mote_node *n, const mote_attr *labels)
{
    mote_arena *arena = &c->module->arena;
    const int64_t dims[1] = {(int64_t)labels->n};
    mote_array names;
    int64_t *ids = mote_arena_calloc(arena, labels->n, sizeof *ids);
    mote_string *text = mote_arena_calloc(arena, labels->n, sizeof *text);
    if (ids == NULL || text == NULL)
        return MOTE_NO_MEMORY(c->diag, labels->n * sizeof *text);
    for (size_t i = 0; i < labels->n; i++) {
        ids[i] = (int64_t)i;
        text[i] = (mote_string){labels->strings[i].p, labels->strings[i].n};
    }
    MOTE_TRY(mote_array_shape(&names, MOTE_DTYPE_STRING, 1, dims, c->diag));
    names.data = text;
    mote_value *table = mote_graph_add_constant(n->graph, MOTE_STR(""), &names);
    mote_node *gather = table == NULL ? NULL : mote_graph_add_node(n->graph, n->next, "", "Gather", 13, 2, 1, true);
    if (gather == NULL || mote_node_set_ints(n, "classlabels_int64s", ids, labels->n) != MOTE_OK)
        return MOTE_NO_MEMORY(c->diag, 0);
    table->is_folded = true;
    mote_node_remove_attr(n, "classlabels_strings");
    mote_value *old = n->out[0];
    mote_value_replace(old, gather->out[0]);
    old->type.dtype = MOTE_DTYPE_S64;
    mote_node_set_input(gather, 0, table);
    mote_node_set_input(gather, 1, old);
    c->edits++;
    return MOTE_OK;
}

static mote_status number_graph(mote_pass_context *c, mote_graph *g)
{
    for (mote_node *n = g->first; n != NULL; n = n->next) {
        const mote_attr *labels = mote_node_is(n, "ai.onnx.ml", "TreeEnsembleClassifier") ? mote_node_attr(n, "classlabels_strings") : NULL;
        if (labels != NULL && labels->n != 0 && n->out[0] != NULL && n->out[0]->uses != NULL)
            MOTE_TRY(number_classes(c, n, labels));
    }
    return MOTE_OK;
}

MOTE_PASS(labels) { return mote_pass_each_graph(c, number_graph); }
