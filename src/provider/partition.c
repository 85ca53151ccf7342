/* partition.c - gives nodes to providers and joins them into groups
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "provider/group.h"

/* A group must not depend on itself through nodes outside. Each node's level counts the changes between claimed and unclaimed on the longest way
 * to it: claimed nodes of one level that touch form a group, since a way that leaves the group and returns ends on a higher level. */
typedef struct partition {
    mote_module *m;
    mote_node **nodes;
    uint8_t *claim;
    uint32_t *level, *group; /* group: index of the representative node, found with path halving */
    uint32_t *at;            /* by node id */
    size_t n;
} partition;

static uint32_t find(partition *p, uint32_t i)
{
    while (p->group[i] != i) {
        p->group[i] = p->group[p->group[i]];
        i = p->group[i];
    }
    return i;
}

static bool may_claim(const mote_node *n)
{
    if (mote_str_is(n->domain, "mote") || n->def == NULL || (n->def->flags & (MOTE_OP_CONTROL | MOTE_OP_DATA_SHAPE)) != 0)
        return false;
    for (uint32_t i = 0; i < n->n_out; i++)
        if (n->out[i] != NULL && (n->out[i]->type.kind != MOTE_KIND_TENSOR || n->out[i]->type.dtype == MOTE_DTYPE_STRING))
            return false;
    for (const mote_attr *a = n->attrs; a != NULL; a = a->next)
        if (a->kind == MOTE_ATTR_GRAPH || a->kind == MOTE_ATTR_GRAPHS)
            return false;
    return true;
}

static void group_nodes(partition *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        p->group[i] = i;
        for (uint32_t k = 0; k < p->nodes[i]->n_in; k++) {
            const mote_value *v = p->nodes[i]->in[k].value;
            if (v == NULL || v->producer == NULL || v->graph != p->m->graph)
                continue;
            uint32_t from = p->at[v->producer->id], level = p->level[from] + (p->claim[from] != p->claim[i]);
            p->level[i] = level > p->level[i] ? level : p->level[i];
        }
        for (uint32_t k = 0; k < p->nodes[i]->n_in && p->claim[i]; k++) {
            const mote_value *v = p->nodes[i]->in[k].value;
            if (v == NULL || v->producer == NULL || v->graph != p->m->graph)
                continue;
            uint32_t from = p->at[v->producer->id];
            if (p->claim[from] && p->level[from] == p->level[i])
                p->group[find(p, i)] = find(p, from);
        }
    }
}

/* ---- moving a group into a graph of its own ---- */

static mote_value *inner_value(mote_graph *body, mote_value **map, mote_value *v, mote_node *outer, mote_diag *diag)
{
    if (v == NULL || v->constant != NULL || map[v->id] != NULL)
        return v == NULL || v->constant != NULL ? v : map[v->id];
    mote_value *inner = mote_graph_add_value(body, MOTE_STR(""));
    if (inner == NULL || mote_graph_add_input(body, inner) != MOTE_OK || mote_node_resize_inputs(outer, outer->n_in + 1) != MOTE_OK) {
        (void)MOTE_NO_MEMORY(diag, 0);
        return NULL;
    }
    inner->type = v->type;
    mote_node_set_input(outer, outer->n_in - 1, v);
    return map[v->id] = inner;
}

static bool used_outside(const partition *p, const mote_value *v, uint32_t group, partition *q)
{
    for (const mote_use *u = v->uses; u != NULL; u = u->next)
        if (u->node == NULL || u->node->graph != p->m->graph || find(q, p->at[u->node->id]) != group || !p->claim[p->at[u->node->id]])
            return true;
    return false;
}

static mote_status move_group(partition *p, uint32_t group, mote_group *g, mote_diag *diag)
{
    mote_module *m = p->m;
    size_t n_out = 0;
    uint32_t last = 0;
    for (uint32_t i = 0; i < p->n; i++)
        if (p->claim[i] && find(p, i) == group) {
            last = i;
            for (uint32_t k = 0; k < p->nodes[i]->n_out; k++)
                n_out += p->nodes[i]->out[k] != NULL && used_outside(p, p->nodes[i]->out[k], group, p);
        }
    mote_node *outer = mote_graph_add_node(m->graph, p->nodes[last]->next, "mote", "Group", 1, 0, (uint32_t)n_out, false);
    mote_graph *body = mote_graph_create(m, m->graph, outer);
    mote_value **map = mote_arena_calloc(&m->arena, m->n_values + 1, sizeof *map);
    mote_value **results = mote_arena_calloc(&m->arena, n_out + 1, sizeof *results);
    if (outer == NULL || body == NULL || map == NULL || results == NULL)
        return MOTE_NO_MEMORY(diag, 0);
    size_t n_values = m->n_values, o = 0;
    (void)n_values;
    for (uint32_t i = 0; i < p->n; i++) {
        if (!p->claim[i] || find(p, i) != group)
            continue;
        mote_node *from = p->nodes[i], *to = mote_graph_add_node(body, NULL, from->domain.p, from->op.p, from->version, from->n_in, from->n_out, true);
        if (to == NULL)
            return MOTE_NO_MEMORY(diag, 0);
        to->name = from->name;
        to->def = from->def;
        MOTE_TRY(mote_node_copy_attrs(to, from));
        for (uint32_t k = 0; k < from->n_in; k++) {
            mote_value *v = from->in[k].value, *inner = inner_value(body, map, v, outer, diag);
            if (v != NULL && inner == NULL)
                return MOTE_E_MEMORY;
            mote_node_set_input(to, k, inner);
        }
        for (uint32_t k = 0; k < from->n_out; k++) {
            if (from->out[k] == NULL)
                continue;
            to->out[k]->type = from->out[k]->type;
            map[from->out[k]->id] = to->out[k];
            if (used_outside(p, from->out[k], group, p)) {
                MOTE_TRY(mote_graph_add_output(body, to->out[k]));
                results[o++] = from->out[k];
            }
        }
    }
    MOTE_TRY(mote_node_set_graph(outer, "body", body));
    MOTE_TRY(mote_node_set_int(outer, "group", (int64_t)(intptr_t)g));
    outer->def = &mote_group_op;
    outer->name = mote_arena_printf(&m->arena, "%s", g->provider->name);
    for (size_t k = 0; k < o; k++) {
        mote_value *v = mote_graph_add_value(m->graph, MOTE_STR(""));
        if (v == NULL)
            return MOTE_NO_MEMORY(diag, 0);
        v->type = results[k]->type;
        MOTE_TRY(mote_node_set_output(outer, (uint32_t)k, v));
        mote_value_replace(results[k], v);
    }
    for (uint32_t i = (uint32_t)p->n; i-- > 0;)
        if (p->claim[i] && find(p, i) == group) {
            mote_node_remove(p->nodes[i]);
            p->nodes[i] = NULL;
            p->claim[i] = 0;
        }
    return mote_view_create(body, true, &g->view, diag);
}

static mote_status claim_nodes(partition *p, const mote_provider *provider, mote_diag *diag)
{
    mote_view *view;
    MOTE_TRY(mote_view_create(p->m->graph, false, &view, diag));
    char message[256] = "";
    mote_status status = provider->partition(provider->ctx, view, &mote_view_functions, p->claim, p->n, message, sizeof message);
    message[sizeof message - 1] = 0;
    MOTE_REQUIRE(status == MOTE_OK, diag, MOTE_E_PROVIDER, "provider '%s': partition: %s", provider->name, message);
    for (size_t i = 0; i < p->n; i++)
        p->claim[i] = p->claim[i] != 0 && may_claim(p->nodes[i]);
    return MOTE_OK;
}

static mote_status one_provider(mote_module *m, const mote_provider *provider, mote_groups *groups, mote_diag *diag)
{
    partition p = {.m = m};
    for (const mote_node *n = m->graph->first; n != NULL; n = n->next)
        p.n++;
    p.nodes = mote_arena_calloc(&m->arena, p.n, sizeof *p.nodes);
    p.claim = mote_arena_calloc(&m->arena, p.n, 1);
    p.level = mote_arena_calloc(&m->arena, p.n, sizeof *p.level);
    p.group = mote_arena_calloc(&m->arena, p.n, sizeof *p.group);
    p.at = mote_arena_calloc(&m->arena, m->n_nodes, sizeof *p.at);
    if (p.nodes == NULL || p.claim == NULL || p.level == NULL || p.group == NULL || p.at == NULL)
        return MOTE_NO_MEMORY(diag, p.n);
    uint32_t at = 0;
    for (mote_node *n = m->graph->first; n != NULL; n = n->next) {
        p.at[n->id] = at;
        p.nodes[at++] = n;
    }
    MOTE_TRY(claim_nodes(&p, provider, diag));
    group_nodes(&p);
    for (uint32_t i = 0; i < p.n; i++) {
        if (!p.claim[i] || find(&p, i) != i)
            continue;
        mote_group *g = mote_arena_calloc(&m->arena, 1, sizeof *g);
        if (g == NULL)
            return MOTE_NO_MEMORY(diag, sizeof *g);
        g->provider = provider;
        g->next = groups->first;
        groups->first = g;
        MOTE_TRY(move_group(&p, i, g, diag));
    }
    return mote_graph_sort(m->graph, diag);
}

mote_status mote_partition(mote_module *m, const char *const *providers, mote_groups *groups, mote_diag *diag)
{
    groups->first = NULL;
    for (size_t i = 0; providers != NULL && providers[i] != NULL; i++) {
        if (strcmp(providers[i], "cpu") == 0)
            break;
        const mote_provider *p = mote_provider_find(providers[i]);
        MOTE_REQUIRE(p != NULL, diag, MOTE_E_ARGUMENT, "no provider '%s' is loaded", providers[i]);
        MOTE_TRY(one_provider(m, p, groups, diag));
    }
    for (mote_group *g = groups->first; g != NULL; g = g->next)
        MOTE_TRY(mote_group_compile(g, m->heap, diag));
    return MOTE_OK;
}

void mote_groups_destroy(mote_groups *groups)
{
    for (mote_group *g = groups->first; g != NULL; g = g->next)
        if (g->view != NULL)
            mote_group_release(g, g->view->graph->module->heap);
    groups->first = NULL;
}
