/* cut.c - the part of a model that one layer can change, fed with what comes into it
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "quant/sensitivity/cut.h"
#include "quant/recipe/variant.h"
#include <stdlib.h>
#include <string.h>

/* Multiplications that a kept element saves at least. Feeding one (a copy, a transposition, pages that are new) takes what some hundred of them do: with fewer,
 * wavenet-amp's sensitivity took 10 % longer than without. */
enum { PAYS = 512 };

/* ---- where ---- */

static bool has_graphs(const mote_node *n)
{
    for (const mote_attr *a = n->attrs; a != NULL; a = a->next)
        if (a->kind == MOTE_ATTR_GRAPH || a->kind == MOTE_ATTR_GRAPHS)
            return true;
    return false;
}

mote_status mote_cut_find(mote_quantizer *q, size_t layer, mote_cut *out, mote_diag *diag)
{
    const mote_graph *g = q->module->graph;
    bool *after = mote_arena_calloc(&q->arena, (size_t)q->module->n_nodes + 1, 1), *comes = mote_arena_calloc(&q->arena, (size_t)q->module->n_values + 1, 1);
    *out = (mote_cut){.usable = true};
    if (after == NULL || comes == NULL)
        return MOTE_NO_MEMORY(diag, q->module->n_values);
    after[q->layers[layer].node->id] = true;
    for (const mote_node *n = q->layers[layer].node; n != NULL; n = n->next) /* in topological order */
        for (uint32_t i = 0; i < n->n_in && !after[n->id]; i++)
            after[n->id] = n->in[i].value != NULL && n->in[i].value->producer != NULL && after[n->in[i].value->producer->id];
    size_t n_comes = 0;
    for (const mote_node *n = g->first; n != NULL; n = n->next) {
        out->usable = out->usable && !has_graphs(n);
        for (uint32_t i = 0; i < n->n_in && after[n->id]; i++) {
            const mote_value *v = n->in[i].value;
            if (v == NULL || v->producer == NULL || after[v->producer->id] || comes[v->id])
                continue;
            comes[v->id] = true;
            n_comes++;
        }
    }
    for (size_t i = 0; i < g->n_outputs; i++) {
        const mote_node *from = g->outputs[i]->value->producer;
        out->usable = out->usable && from != NULL && after[from->id];
    }
    out->names = mote_arena_calloc(&q->arena, n_comes + 1, sizeof *out->names);
    if (out->names == NULL)
        return MOTE_NO_MEMORY(diag, n_comes * sizeof *out->names);
    double elements = 0, saved = 0;
    for (const mote_value *v = g->values; v != NULL; v = v->next)
        if (v->id < q->module->n_values && comes[v->id]) {
            out->names[out->n++] = v->name;
            elements += v->id < q->n_values && q->values[v->id].times != 0 ? (double)q->values[v->id].elements / (double)q->values[v->id].times : 0;
        }
    for (size_t i = 0; i < q->n_layers; i++) {
        mote_quantized_layer l = MOTE_QUANTIZED_LAYER_INIT;
        if (!after[q->layers[i].node->id] && mote_quantizer_layer_at(q, i, &l) == MOTE_OK)
            saved += l.products;
    }
    out->usable = out->usable && saved >= PAYS * elements && saved > 0;
    return MOTE_OK;
}

/* ---- making ---- */

typedef struct editor {
    const mote_str *names;
    size_t n;
} editor;

/* The named values become inputs, what only they needed goes. */
static mote_status cut(void *ctx, mote_module *m, mote_diag *diag)
{
    const editor *e = ctx;
    mote_graph *g = m->graph;
    for (size_t i = 0; i < e->n; i++) {
        mote_value *v = mote_graph_find(g, e->names[i], false);
        MOTE_REQUIRE(v != NULL, diag, MOTE_E_MODEL, "no value '%.*s' to cut at", MOTE_STR_ARG(e->names[i]));
        const mote_str name = mote_arena_printf(&m->arena, MOTE_CUT_PREFIX "%.*s", (int)v->name.n, v->name.p);
        mote_value *in = name.p == NULL ? NULL : mote_graph_add_value(g, name);
        if (in == NULL)
            return MOTE_NO_MEMORY(diag, v->name.n);
        in->type = v->type;
        MOTE_TRY(mote_graph_add_input(g, in));
        mote_value_replace(v, in);
    }
    for (mote_node *n = g->last, *before; n != NULL; n = before) {
        bool used = false;
        before = n->prev;
        for (uint32_t i = 0; i < n->n_out; i++)
            used |= n->out[i] != NULL && n->out[i]->uses != NULL;
        if (!used)
            mote_node_remove(n);
    }
    return MOTE_OK;
}

static mote_status outputs(void *ctx, mote_module *m, mote_diag *diag)
{
    const editor *e = ctx;
    for (size_t i = 0; i < e->n; i++) {
        mote_value *v = mote_graph_find(m->graph, e->names[i], false);
        MOTE_REQUIRE(v != NULL, diag, MOTE_E_MODEL, "no value '%.*s' to look at", MOTE_STR_ARG(e->names[i]));
        if (!mote_value_is_output(v))
            MOTE_TRY(mote_graph_add_output(m->graph, v));
    }
    return MOTE_OK;
}

mote_status mote_cut_variant(mote_quantizer *q, const char *recipe, const mote_cut *c, const mote_load_options *load, mote_model **out, size_t *bytes,
                             mote_diag *diag)
{
    editor e = {c->names, c->n};
    return mote_quant_edited(q, recipe, cut, &e, load, out, bytes, diag);
}

mote_status mote_cut_outputs(mote_quantizer *q, const char *recipe, const mote_str *names, size_t n, const mote_load_options *load, mote_model **out, mote_diag *diag)
{
    editor e = {names, n};
    return mote_quant_edited(q, recipe, outputs, &e, load, out, NULL, diag);
}
