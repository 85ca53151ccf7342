/* verify.c - everything that holds between passes
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "graph/graph.h"
#include "graph/names.h"

typedef struct checker {
    const mote_module *m;
    mote_diag *diag;
    mote_names names;
    unsigned char *seen, *defined; /* by value id: in a value list; defined so far */
    size_t uses_listed, uses_held; /* uses in the values' lists; uses that nodes and outputs hold */
    size_t n_values, n_nodes;
    size_t cap_values;
} checker;

#define V_ARG(v) MOTE_STR_ARG((v)->name)

static mote_status check_type(const checker *c, const mote_value *v)
{
    const mote_type *t = &v->type;
    MOTE_REQUIRE(t->rank >= -1 && t->rank <= MOTE_MAX_RANK, c->diag, MOTE_E_MODEL, "value '%.*s' has rank %d, expected -1 to %d",
                 V_ARG(v), (int)t->rank, MOTE_MAX_RANK);
    for (int32_t i = 0; i < t->rank; i++)
        MOTE_REQUIRE(t->dims[i] >= MOTE_DIM_UNKNOWN || MOTE_DIM_SYMBOL_INDEX(t->dims[i]) < c->m->n_symbols, c->diag,
                     MOTE_E_MODEL, "value '%.*s' has a dimension that names no symbol", V_ARG(v));
    const mote_array *a = v->constant;
    if (a == NULL || v->is_input)
        return MOTE_OK;
    bool same = t->kind == a->kind && (t->kind != MOTE_KIND_TENSOR || (t->dtype == a->dtype && t->rank == a->rank));
    for (int32_t i = 0; same && t->kind == MOTE_KIND_TENSOR && i < t->rank; i++)
        same = t->dims[i] == a->dims[i];
    MOTE_REQUIRE(same, c->diag, MOTE_E_MODEL, "constant '%.*s' has a type that is not its array's", V_ARG(v));
    return MOTE_OK;
}

static mote_status check_values(checker *c, const mote_graph *g)
{
    const mote_value *prev = NULL;
    for (mote_value *v = g->values; v != NULL; prev = v, v = v->next) {
        MOTE_REQUIRE(++c->n_values <= c->cap_values, c->diag, MOTE_E_MODEL, "the list of values does not end");
        MOTE_REQUIRE(v->graph == g && v->prev == prev, c->diag, MOTE_E_MODEL, "value %u is linked into a graph that is not its own",
                     (unsigned)v->id);
        MOTE_REQUIRE(v->id < c->cap_values && !c->seen[v->id], c->diag, MOTE_E_MODEL, "value '%.*s' has id %u, which is not its own",
                     V_ARG(v), (unsigned)v->id);
        c->seen[v->id] = 1;
        MOTE_REQUIRE(v->name.n != 0, c->diag, MOTE_E_MODEL, "value %u has no name", (unsigned)v->id);
        mote_status st = mote_names_add(&c->names, v);
        MOTE_REQUIRE(st == MOTE_OK, c->diag, st, "value '%.*s' is defined twice", V_ARG(v));
        MOTE_TRY(check_type(c, v));
        if (v->producer != NULL) {
            MOTE_REQUIRE(!v->is_input && v->constant == NULL, c->diag, MOTE_E_MODEL,
                         "value '%.*s' is made by a node and also an input or constant", V_ARG(v));
            MOTE_REQUIRE(v->producer->graph == g && v->output_index < v->producer->n_out && v->producer->out[v->output_index] == v,
                         c->diag, MOTE_E_MODEL, "value '%.*s' is not an output of its producer", V_ARG(v));
        } else {
            MOTE_REQUIRE(v->is_input || v->constant != NULL || v->uses == NULL, c->diag, MOTE_E_MODEL,
                         "value '%.*s' is used and never made", V_ARG(v));
            c->defined[v->id] = 1;
        }
        const mote_use *up = NULL;
        for (const mote_use *u = v->uses; u != NULL; up = u, u = u->next) {
            bool held = u->node != NULL ? u->index < u->node->n_in && &u->node->in[u->index] == u
                                        : u->graph != NULL && u->index < u->graph->n_outputs && u->graph->outputs[u->index] == u;
            MOTE_REQUIRE(u->value == v && u->prev == up && held, c->diag, MOTE_E_MODEL, "a use of value '%.*s' is not its user's",
                         V_ARG(v));
            c->uses_listed++;
        }
    }
    MOTE_REQUIRE(g->values_last == prev, c->diag, MOTE_E_MODEL, "the list of values ends elsewhere");
    for (size_t i = 0; i < g->n_inputs; i++)
        MOTE_REQUIRE(g->inputs[i] != NULL && g->inputs[i]->is_input && g->inputs[i]->graph == g, c->diag, MOTE_E_MODEL,
                     "graph input %zu is no input of this graph", i);
    return MOTE_OK;
}

static mote_status check_graph(checker *c, const mote_graph *g, int depth);

/* The value of a use: from this graph or one around it, defined before. */
static mote_status check_use(checker *c, const mote_graph *g, const mote_use *u)
{
    const mote_value *v = u->value;
    c->uses_held++;
    const mote_graph *at = g;
    while (at != NULL && at != v->graph)
        at = at->parent;
    MOTE_REQUIRE(at != NULL, c->diag, MOTE_E_MODEL, "value '%.*s' is not visible here", V_ARG(v));
    MOTE_REQUIRE(v->id < c->cap_values && c->defined[v->id], c->diag, MOTE_E_MODEL, "value '%.*s' is used before it is made", V_ARG(v));
    return MOTE_OK;
}

static mote_status check_subgraph(checker *c, const mote_node *n, const mote_graph *g, int depth)
{
    MOTE_REQUIRE(g != NULL && g->owner == n && g->parent == n->graph && g->module == c->m, c->diag, MOTE_E_MODEL,
                 "a subgraph that is not the node's own");
    return check_graph(c, g, depth + 1);
}

static mote_status check_node(checker *c, const mote_node *n, int depth)
{
    MOTE_REQUIRE(n->op.n != 0, c->diag, MOTE_E_MODEL, "a node has no operator");
    for (uint32_t i = 0; i < n->n_in; i++) {
        const mote_use *u = &n->in[i];
        MOTE_REQUIRE(u->node == n && u->index == i && u->graph == NULL, c->diag, MOTE_E_MODEL, "input %u is not the node's own use",
                     (unsigned)i);
        if (u->value != NULL)
            MOTE_TRY(check_use(c, n->graph, u));
    }
    for (const mote_attr *a = n->attrs; a != NULL; a = a->next) {
        if (a->kind == MOTE_ATTR_GRAPH)
            MOTE_TRY(check_subgraph(c, n, a->g, depth));
        for (size_t i = 0; a->kind == MOTE_ATTR_GRAPHS && i < a->n; i++)
            MOTE_TRY(check_subgraph(c, n, a->graphs[i], depth));
    }
    for (uint32_t i = 0; i < n->n_out; i++) {
        const mote_value *v = n->out[i];
        if (v == NULL)
            continue;
        MOTE_REQUIRE(v->producer == n && v->output_index == i && v->graph == n->graph && v->id < c->cap_values && c->seen[v->id],
                     c->diag, MOTE_E_MODEL, "output %u is not the node's own value", (unsigned)i);
        c->defined[v->id] = 1;
    }
    return MOTE_OK;
}

static mote_status check_graph(checker *c, const mote_graph *g, int depth)
{
    MOTE_REQUIRE(depth <= MOTE_GRAPH_MAX_DEPTH, c->diag, MOTE_E_LIMIT, "subgraphs are nested deeper than %d", MOTE_GRAPH_MAX_DEPTH);
    MOTE_TRY(check_values(c, g));
    const mote_node *prev = NULL;
    for (const mote_node *n = g->first; n != NULL; prev = n, n = n->next) {
        MOTE_REQUIRE(++c->n_nodes <= c->m->n_nodes, c->diag, MOTE_E_MODEL, "the list of nodes does not end");
        mote_status st = n->graph == g && n->prev == prev
                             ? check_node(c, n, depth)
                             : mote_fail(c->diag, MOTE_E_MODEL, "a node is linked into a graph that is not its own");
        if (st != MOTE_OK) {
            mote_node_name_in(n, c->diag);
            return st;
        }
    }
    MOTE_REQUIRE(g->last == prev, c->diag, MOTE_E_MODEL, "the list of nodes ends elsewhere");
    for (size_t i = 0; i < g->n_outputs; i++) {
        const mote_use *u = g->outputs[i];
        MOTE_REQUIRE(u != NULL && u->graph == g && u->node == NULL && u->index == i && u->value != NULL, c->diag, MOTE_E_MODEL,
                     "graph output %zu is not the graph's own use", i);
        MOTE_TRY(check_use(c, g, u));
    }
    return MOTE_OK;
}

mote_status mote_module_verify(const mote_module *m, mote_diag *diag)
{
    size_t n = (size_t)m->n_values + 1;
    checker c = {.m = m, .diag = diag, .cap_values = m->n_values};
    mote_names_init(&c.names, m->heap);
    c.seen = mote_heap_calloc(m->heap, n, 2);
    if (c.seen == NULL)
        return MOTE_NO_MEMORY(diag, n * 2);
    c.defined = c.seen + n;
    mote_status st = MOTE_OK;
    if (m->graph == NULL || m->graph->parent != NULL || m->graph->owner != NULL || m->graph->module != m)
        st = mote_fail(diag, MOTE_E_MODEL, "the main graph is not the module's own");
    if (st == MOTE_OK)
        st = check_graph(&c, m->graph, 0);
    if (st == MOTE_OK && c.uses_listed != c.uses_held)
        st = mote_fail(diag, MOTE_E_MODEL, "%zu uses in the values' lists, %zu held by nodes and outputs", c.uses_listed, c.uses_held);
    mote_names_deinit(&c.names);
    mote_heap_free(m->heap, c.seen, n * 2);
    return st;
}
