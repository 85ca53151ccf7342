/* clone.c - deep copies of graphs and modules
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "graph/graph.h"
#include "base/size.h"

typedef struct cloner {
    mote_module *to;
    const mote_module *from;
    mote_value **map; /* by the old value's id */
    mote_value *(*outer)(void *ctx, mote_value *v);
    void *ctx;
} cloner;

/* Strings of the same module are shared; those of another are copied. False: out of memory. */
static bool copy_str(const cloner *c, mote_str from, mote_str *to)
{
    *to = from;
    if (c->to == c->from || from.p == NULL)
        return true;
    *to = mote_arena_str(&c->to->arena, from);
    return to->p != NULL;
}

static bool copy_props(const cloner *c, const mote_prop *from, size_t n, mote_prop **to, size_t *n_to)
{
    *to = mote_arena_calloc(&c->to->arena, n, sizeof **to);
    *n_to = 0;
    if (*to == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!copy_str(c, from[i].key, &(*to)[i].key) || !copy_str(c, from[i].value, &(*to)[i].value))
            return false;
    *n_to = n;
    return true;
}

static bool copy_type(const cloner *c, const mote_type *from, mote_type *to)
{
    *to = *from;
    if (c->to == c->from)
        return true;
    for (int32_t i = 0; i < from->rank; i++)
        if (from->dims[i] < MOTE_DIM_UNKNOWN && MOTE_DIM_SYMBOL_INDEX(from->dims[i]) < c->from->n_symbols)
            to->dims[i] = mote_module_symbol(c->to, c->from->symbols[MOTE_DIM_SYMBOL_INDEX(from->dims[i])]);
    const mote_type **link = &to->element;
    for (const mote_type *e = from->element; e != NULL; e = e->element) {
        mote_type *copy = mote_arena_copy(&c->to->arena, e, sizeof *e);
        if (copy == NULL)
            return false;
        *link = copy;
        link = &copy->element;
    }
    return true;
}

static mote_value *map_value(const cloner *c, mote_value *v)
{
    if (v == NULL)
        return NULL;
    if (c->map[v->id] != NULL)
        return c->map[v->id];
    return c->outer != NULL ? c->outer(c->ctx, v) : v;
}

static mote_status clone_into(cloner *c, const mote_graph *from, mote_graph *g);

static mote_status clone_subgraph(cloner *c, const mote_graph *from, mote_node *owner, mote_graph **out)
{
    *out = mote_graph_create(c->to, owner->graph, owner);
    return *out != NULL ? clone_into(c, from, *out) : MOTE_E_MEMORY;
}

static mote_status clone_node(cloner *c, const mote_node *n, mote_graph *g)
{
    mote_node *k = mote_graph_add_node(g, NULL, "", "?", n->version, n->n_in, n->n_out, false);
    if (k == NULL || !copy_str(c, n->op, &k->op) || !copy_str(c, n->domain, &k->domain) || !copy_str(c, n->name, &k->name) ||
        !copy_str(c, n->overload, &k->overload) || !copy_str(c, n->doc, &k->doc) || !copy_str(c, n->unknown, &k->unknown) ||
        !copy_str(c, n->from, &k->from) ||
        !copy_props(c, n->props, n->n_props, &k->props, &k->n_props))
        return MOTE_E_MEMORY;
    k->def = n->def;
    for (uint32_t i = 0; i < n->n_in; i++)
        mote_node_set_input(k, i, map_value(c, n->in[i].value));
    for (uint32_t i = 0; i < n->n_out; i++)
        if (n->out[i] != NULL)
            MOTE_TRY(mote_node_set_output(k, i, c->map[n->out[i]->id]));
    MOTE_TRY(mote_node_copy_attrs(k, n));
    for (const mote_attr *a = n->attrs; a != NULL; a = a->next) {
        if (a->kind != MOTE_ATTR_GRAPH && a->kind != MOTE_ATTR_GRAPHS)
            continue;
        mote_attr *b = mote_arena_copy(&c->to->arena, a, sizeof *a), **at = &k->attrs;
        if (b == NULL || !copy_str(c, a->name, &b->name) || !copy_str(c, a->doc, &b->doc) || !copy_str(c, a->ref, &b->ref) ||
            !copy_str(c, a->unknown, &b->unknown))
            return MOTE_E_MEMORY;
        b->next = NULL;
        while (*at != NULL)
            at = &(*at)->next;
        *at = b;
        if (a->kind == MOTE_ATTR_GRAPH) {
            b->g = NULL;
            MOTE_TRY(clone_subgraph(c, a->g, k, &b->g));
            continue;
        }
        mote_graph **graphs = mote_arena_calloc(&c->to->arena, a->n, sizeof(mote_graph *));
        if (graphs == NULL)
            return MOTE_E_MEMORY;
        for (size_t i = 0; i < a->n; i++)
            MOTE_TRY(clone_subgraph(c, a->graphs[i], k, &graphs[i]));
        b->graphs = graphs;
    }
    return MOTE_OK;
}

static mote_status clone_into(cloner *c, const mote_graph *from, mote_graph *g)
{
    if (!copy_str(c, from->name, &g->name) || !copy_str(c, from->doc, &g->doc) || !copy_str(c, from->unknown, &g->unknown) ||
        !copy_props(c, from->props, from->n_props, &g->props, &g->n_props))
        return MOTE_E_MEMORY;
    for (const mote_value *v = from->values; v != NULL; v = v->next) {
        mote_value *k = mote_graph_add_value(g, v->name);
        if (k == NULL || !copy_type(c, &v->type, &k->type) || !copy_str(c, v->doc, &k->doc) || !copy_str(c, v->unknown, &k->unknown) ||
            !copy_str(c, v->tensor_doc, &k->tensor_doc) || !copy_str(c, v->tensor_unknown, &k->tensor_unknown))
            return MOTE_E_MEMORY;
        k->is_folded = v->is_folded;
        if (v->constant != NULL && (k->constant = mote_arena_copy(&c->to->arena, v->constant, sizeof *v->constant)) == NULL)
            return MOTE_E_MEMORY;
        c->map[v->id] = k;
    }
    for (size_t i = 0; i < from->n_inputs; i++)
        MOTE_TRY(mote_graph_add_input(g, c->map[from->inputs[i]->id]));
    for (const mote_node *n = from->first; n != NULL; n = n->next)
        MOTE_TRY(clone_node(c, n, g));
    for (size_t i = 0; i < from->n_outputs; i++)
        MOTE_TRY(mote_graph_add_output(g, map_value(c, from->outputs[i]->value)));
    if (from->n_declared == 0)
        return MOTE_OK;
    mote_type *declared = mote_arena_calloc(&c->to->arena, from->n_declared, sizeof *declared);
    for (size_t i = 0; declared != NULL && i < from->n_declared; i++)
        if (!copy_type(c, &from->declared[i], &declared[i]))
            return MOTE_E_MEMORY;
    g->declared = declared;
    g->n_declared = from->n_declared;
    return declared != NULL ? MOTE_OK : MOTE_E_MEMORY;
}

mote_status mote_graph_clone(const mote_graph *from, mote_module *to, mote_graph *parent, mote_node *owner,
                             mote_value *(*outer)(void *ctx, mote_value *v), void *ctx, mote_graph **out)
{
    *out = NULL;
    size_t n = (size_t)from->module->n_values + 1; /* before the clone adds its own, should the modules be one */
    cloner c = {to, from->module, mote_heap_calloc(to->heap, n, sizeof(mote_value *)), outer, ctx};
    if (c.map == NULL)
        return MOTE_E_MEMORY;
    mote_graph *g = mote_graph_create(to, parent, owner);
    mote_status st = g != NULL ? clone_into(&c, from, g) : MOTE_E_MEMORY;
    mote_heap_free(to->heap, c.map, n * sizeof(mote_value *));
    if (st == MOTE_OK)
        *out = g;
    return st;
}

static mote_status clone_module(const mote_module *from, mote_module *m)
{
    const cloner c = {.to = m, .from = from};
    if (!copy_str(&c, from->producer_name, &m->producer_name) || !copy_str(&c, from->producer_version, &m->producer_version) ||
        !copy_str(&c, from->domain, &m->domain) || !copy_str(&c, from->doc, &m->doc) || !copy_str(&c, from->unknown, &m->unknown) ||
        !copy_props(&c, from->props, from->n_props, &m->props, &m->n_props))
        return MOTE_E_MEMORY;
    m->custom = from->custom;
    m->ir_version = from->ir_version;
    m->model_version = from->model_version;
    m->opsets = mote_arena_calloc(&m->arena, from->n_opsets, sizeof *m->opsets);
    if (m->opsets == NULL)
        return MOTE_E_MEMORY;
    for (size_t i = 0; i < from->n_opsets; i++) {
        m->opsets[i].version = from->opsets[i].version;
        if (!copy_str(&c, from->opsets[i].domain, &m->opsets[i].domain))
            return MOTE_E_MEMORY;
    }
    m->n_opsets = from->n_opsets;
    /* In their order, so that dimensions keep their numbers. */
    for (size_t i = 0; i < from->n_symbols; i++)
        if (mote_module_symbol(m, from->symbols[i]) == MOTE_DIM_UNKNOWN)
            return MOTE_E_MEMORY;
    m->next_name = from->next_name;
    return mote_graph_clone(from->graph, m, NULL, NULL, NULL, NULL, &m->graph);
}

mote_status mote_module_clone(const mote_module *from, mote_heap *heap, mote_module **out)
{
    mote_module *m;
    *out = NULL;
    MOTE_TRY(mote_module_create(heap, &m));
    mote_status st = clone_module(from, m);
    if (st == MOTE_OK)
        *out = m;
    else
        mote_module_destroy(&m);
    return st;
}
