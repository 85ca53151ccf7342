/* node.c - making nodes and editing how they hang together
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "graph/graph.h"
#include "base/size.h"

/* ---- uses ---- */

static void use_link(mote_use *u, mote_value *v)
{
    u->value = v;
    u->prev = NULL;
    u->next = NULL;
    if (v == NULL)
        return;
    u->next = v->uses;
    if (v->uses != NULL)
        v->uses->prev = u;
    v->uses = u;
}

static void use_unlink(mote_use *u)
{
    if (u->value == NULL)
        return;
    *(u->prev != NULL ? &u->prev->next : &u->value->uses) = u->next;
    if (u->next != NULL)
        u->next->prev = u->prev;
    u->value = NULL;
    u->prev = u->next = NULL;
}

/* ---- nodes ---- */

static void list_insert(mote_graph *g, mote_node *n, mote_node *before)
{
    n->next = before;
    n->prev = before != NULL ? before->prev : g->last;
    *(n->prev != NULL ? &n->prev->next : &g->first) = n;
    *(before != NULL ? &before->prev : &g->last) = n;
}

static void list_remove(mote_node *n)
{
    *(n->prev != NULL ? &n->prev->next : &n->graph->first) = n->next;
    *(n->next != NULL ? &n->next->prev : &n->graph->last) = n->prev;
    n->prev = n->next = NULL;
}

void mote_node_name_in(const mote_node *n, mote_diag *diag)
{
    const mote_str op = n->from.n != 0 ? n->from : n->op;
    mote_diag_node(diag, op.p, op.n, n->name.p, n->name.n);
}

mote_node *mote_graph_add_node(mote_graph *g, mote_node *before, const char *domain, const char *op, int32_t version,
                               uint32_t n_in, uint32_t n_out, bool make_outputs)
{
    mote_arena *arena = &g->module->arena;
    mote_node *n = mote_arena_calloc(arena, 1, sizeof *n);
    if (n == NULL)
        return NULL;
    n->op = mote_arena_str(arena, mote_str_c(op));
    n->domain = mote_arena_str(arena, mote_str_c(domain));
    n->in = mote_arena_calloc(arena, n_in, sizeof *n->in);
    n->out = mote_arena_calloc(arena, n_out, sizeof(mote_value *));
    if (n->op.p == NULL || n->domain.p == NULL || n->in == NULL || n->out == NULL)
        return NULL;
    n->version = version;
    n->graph = g;
    n->n_in = n->cap_in = n_in;
    n->n_out = n_out;
    for (uint32_t i = 0; i < n_in; i++) {
        n->in[i].node = n;
        n->in[i].index = i;
    }
    for (uint32_t i = 0; i < n_out && make_outputs; i++) {
        mote_value *v = mote_graph_add_value(g, MOTE_STR(""));
        if (v == NULL)
            return NULL;
        v->producer = n;
        v->output_index = i;
        n->out[i] = v;
    }
    n->id = g->module->n_nodes++;
    list_insert(g, n, before);
    return n;
}

mote_status mote_node_set_output(mote_node *n, uint32_t i, mote_value *v)
{
    if (i >= n->n_out || (v != NULL && (v->producer != NULL || v->is_input || v->constant != NULL)))
        return MOTE_E_ARGUMENT;
    if (n->out[i] != NULL)
        n->out[i]->producer = NULL;
    n->out[i] = v;
    if (v != NULL) {
        v->producer = n;
        v->output_index = i;
    }
    return MOTE_OK;
}

void mote_node_set_input(mote_node *n, uint32_t i, mote_value *v)
{
    MOTE_ASSERT(i < n->n_in);
    use_unlink(&n->in[i]);
    use_link(&n->in[i], v);
}

mote_status mote_node_resize_inputs(mote_node *n, uint32_t n_in)
{
    for (uint32_t i = n_in; i < n->n_in; i++)
        use_unlink(&n->in[i]);
    if (n_in > n->cap_in) {
        mote_use *in = mote_arena_calloc(&n->graph->module->arena, n_in, sizeof *in);
        if (in == NULL)
            return MOTE_E_MEMORY;
        for (uint32_t i = 0; i < n->n_in; i++) {
            /* A use is known by its address: the copy takes the old one's place in the list. */
            mote_use *u = &n->in[i];
            in[i] = *u;
            if (u->value != NULL)
                *(u->prev != NULL ? &u->prev->next : &u->value->uses) = &in[i];
            if (u->next != NULL)
                u->next->prev = &in[i];
        }
        n->in = in;
        n->cap_in = n_in;
    }
    for (uint32_t i = n->n_in; i < n_in; i++)
        n->in[i] = (mote_use){.node = n, .index = i};
    n->n_in = n_in;
    return MOTE_OK;
}

/* Releases every use that a subgraph makes of values, its own and outer ones. Depth is bounded by MOTE_GRAPH_MAX_DEPTH. */
static void release_graph(mote_graph *g);

static void release_node(mote_node *n)
{
    for (uint32_t i = 0; i < n->n_in; i++)
        use_unlink(&n->in[i]);
    for (mote_attr *a = n->attrs; a != NULL; a = a->next) {
        if (a->kind == MOTE_ATTR_GRAPH && a->g != NULL && a->g->owner == n)
            release_graph(a->g);
        else if (a->kind == MOTE_ATTR_GRAPHS)
            for (size_t i = 0; i < a->n; i++)
                release_graph(a->graphs[i]);
    }
}

static void release_graph(mote_graph *g)
{
    for (size_t i = 0; i < g->n_outputs; i++)
        use_unlink(g->outputs[i]);
    for (mote_node *n = g->first; n != NULL; n = n->next)
        release_node(n);
}

void mote_node_remove(mote_node *n)
{
    for (uint32_t i = 0; i < n->n_out; i++) {
        mote_value *v = n->out[i];
        if (v == NULL)
            continue;
        MOTE_ASSERT(v->uses == NULL);
        v->producer = NULL;
        n->out[i] = NULL;
        mote_value_remove(v);
    }
    release_node(n);
    list_remove(n);
}

void mote_node_move_before(mote_node *n, mote_node *before)
{
    if (n == before)
        return;
    list_remove(n);
    list_insert(n->graph, n, before);
}

static void reparent(mote_node *n, mote_graph *g)
{
    n->graph = g;
    for (mote_attr *a = n->attrs; a != NULL; a = a->next) {
        if (a->kind == MOTE_ATTR_GRAPH)
            a->g->parent = g;
        for (size_t i = 0; a->kind == MOTE_ATTR_GRAPHS && i < a->n; i++)
            a->graphs[i]->parent = g;
    }
}

mote_status mote_graph_inline(mote_graph *sub, mote_value **outputs)
{
    mote_graph *g = sub->parent;
    mote_module *m = sub->module;
    if (g == NULL || sub->owner == NULL || sub->owner->graph != g || sub->n_inputs != 0)
        return MOTE_E_ARGUMENT;
    for (mote_value *v = sub->values; v != NULL; v = v->next) {
        mote_str name = mote_graph_fresh_name(m);
        if (name.p == NULL)
            return MOTE_E_MEMORY;
        v->name = name;
    }
    for (mote_node *n = sub->first, *next; n != NULL; n = next) {
        next = n->next;
        list_remove(n);
        reparent(n, g);
        list_insert(g, n, sub->owner);
    }
    for (mote_value *v = sub->values; v != NULL; v = v->next)
        v->graph = g;
    if (sub->values != NULL) {
        sub->values->prev = g->values_last;
        *(g->values_last != NULL ? &g->values_last->next : &g->values) = sub->values;
        g->values_last = sub->values_last;
        sub->values = sub->values_last = NULL;
    }
    for (size_t i = 0; i < sub->n_outputs; i++) {
        outputs[i] = sub->outputs[i]->value;
        use_unlink(sub->outputs[i]);
    }
    sub->n_outputs = 0;
    return MOTE_OK;
}

/* ---- values ---- */

bool mote_value_is_output(const mote_value *v)
{
    for (const mote_use *u = v->uses; u != NULL; u = u->next)
        if (u->node == NULL)
            return true;
    return false;
}

bool mote_value_can_replace(const mote_value *old, const mote_value *now)
{
    if (!mote_value_is_output(old))
        return true;
    return old->graph == now->graph && !now->is_input && !mote_value_is_output(now);
}

void mote_value_replace(mote_value *old, mote_value *now)
{
    if (old == now)
        return;
    if (mote_value_is_output(old)) {
        mote_str name = old->name, doc = old->doc, unknown = old->unknown;
        old->name = now->name;
        old->doc = now->doc;
        old->unknown = now->unknown;
        now->name = name;
        now->doc = doc;
        now->unknown = unknown;
    }
    /* The list keeps its order behind what `now` has: printing and later passes see uses in the same order as before. */
    mote_use *last = NULL;
    for (mote_use *u = old->uses; u != NULL; u = u->next) {
        u->value = now;
        last = u;
    }
    if (last == NULL)
        return;
    last->next = now->uses;
    if (now->uses != NULL)
        now->uses->prev = last;
    now->uses = old->uses;
    old->uses = NULL;
}

size_t mote_value_use_count(const mote_value *v)
{
    size_t n = 0;
    for (const mote_use *u = v->uses; u != NULL; u = u->next)
        n++;
    return n;
}

mote_node *mote_value_single_user(const mote_value *v)
{
    const mote_use *u = v->uses;
    return u != NULL && u->next == NULL ? u->node : NULL;
}
