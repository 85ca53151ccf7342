/* partition.c - gives nodes to providers and joins them into groups
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "provider/group.h"
#include "base/size.h"
#include <string.h>

/* A group must not depend on itself through nodes outside. Each node's level counts the changes between claimed and unclaimed on the longest way
 * to it, captures of its subgraphs included: claimed nodes of one level that touch form a group, since a way that leaves the group and returns ends
 * on a higher level. */
typedef struct partition {
    mote_module *m;
    const mote_log *log;
    mote_arena arena;        /* for the time of one provider */
    mote_node **nodes;       /* in order; NULL: moved into a group */
    uint8_t *claim;
    uint32_t *level, *root;  /* root: index of the group's representative node, found with path halving */
    uint32_t *next, *last;   /* members of a group in order: the next one; by root, the last one */
    uint32_t *at;            /* index by node id */
    size_t n, n_ids;
    mote_value **inner;      /* by value id: in the body of the group at hand */
    size_t n_values;
} partition;

enum { NONE = 0xffffffff };

static uint32_t find(partition *p, uint32_t i)
{
    while (p->root[i] != i) {
        p->root[i] = p->root[p->root[i]];
        i = p->root[i];
    }
    return i;
}

static bool is_plain(const mote_value *v) { return v == NULL || (v->type.kind == MOTE_KIND_TENSOR && v->type.dtype != MOTE_DTYPE_STRING); }

static bool may_claim(const mote_node *n)
{
    if (mote_str_is(n->domain, "mote") || n->def == NULL || (n->def->flags & (MOTE_OP_CONTROL | MOTE_OP_DATA_SHAPE)) != 0)
        return false;
    for (uint32_t i = 0; i < n->n_in; i++)
        if (!is_plain(n->in[i].value))
            return false;
    for (uint32_t i = 0; i < n->n_out; i++)
        if (!is_plain(n->out[i]))
            return false;
    for (const mote_attr *a = n->attrs; a != NULL; a = a->next)
        if (a->kind == MOTE_ATTR_GRAPH || a->kind == MOTE_ATTR_GRAPHS)
            return false;
    return true;
}

/* ---- who asks for what, and which nodes belong together ---- */

static mote_status claim_nodes(partition *p, const mote_provider *provider, mote_diag *diag)
{
    mote_view *view;
    MOTE_TRY(mote_view_create(p->m->graph, p->m->heap, &view, diag));
    char message[256] = "";
    mote_status status = provider->partition(provider->ctx, view, &mote_view_functions, p->claim, p->n, message, sizeof message);
    message[sizeof message - 1] = 0;
    bool failed = *view->failed;
    mote_view_destroy(&view);
    if (failed)
        return MOTE_NO_MEMORY(diag, 0);
    MOTE_REQUIRE(status == MOTE_OK, diag, MOTE_E_PROVIDER, "provider '%s': partition: %s", provider->name,
                 message[0] != 0 ? message : mote_status_string(status));
    for (size_t i = 0; i < p->n; i++) {
        if (p->claim[i] == 0)
            continue;
        p->claim[i] = may_claim(p->nodes[i]);
        if (p->claim[i] == 0)
            mote_log_line(p->log, MOTE_LOG_WARNING, "provider '%s' claims %.*s '%.*s', which mote keeps: control flow, strings, sequences and sizes "
                          "that depend on data stay on the CPU", provider->name, MOTE_STR_ARG(p->nodes[i]->op), MOTE_STR_ARG(p->nodes[i]->name));
    }
    return MOTE_OK;
}

static void depend(partition *p, uint32_t i, const mote_value *v)
{
    if (v == NULL || v->producer == NULL || v->graph != p->m->graph)
        return;
    uint32_t from = p->at[v->producer->id], level = p->level[from] + (p->claim[from] != p->claim[i]);
    p->level[i] = level > p->level[i] ? level : p->level[i];
}

/* Depth is bounded by MOTE_GRAPH_MAX_DEPTH, which the verifier has checked. */
static void depend_on_captures(partition *p, uint32_t i, const mote_graph *g)
{
    for (const mote_node *n = g->first; n != NULL; n = n->next) {
        for (uint32_t k = 0; k < n->n_in; k++)
            depend(p, i, n->in[k].value);
        for (const mote_attr *a = n->attrs; a != NULL; a = a->next)
            for (size_t k = 0; k < (a->kind == MOTE_ATTR_GRAPH ? 1 : a->kind == MOTE_ATTR_GRAPHS ? a->n : 0); k++)
                depend_on_captures(p, i, a->kind == MOTE_ATTR_GRAPH ? a->g : a->graphs[k]);
    }
    for (size_t o = 0; o < g->n_outputs; o++)
        depend(p, i, g->outputs[o]->value);
}

static void group_nodes(partition *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        const mote_node *n = p->nodes[i];
        p->root[i] = i;
        for (uint32_t k = 0; k < n->n_in; k++)
            depend(p, i, n->in[k].value);
        for (const mote_attr *a = n->attrs; a != NULL; a = a->next)
            for (size_t k = 0; k < (a->kind == MOTE_ATTR_GRAPH ? 1 : a->kind == MOTE_ATTR_GRAPHS ? a->n : 0); k++)
                depend_on_captures(p, i, a->kind == MOTE_ATTR_GRAPH ? a->g : a->graphs[k]);
        for (uint32_t k = 0; k < n->n_in && p->claim[i]; k++) {
            const mote_value *v = n->in[k].value;
            if (v == NULL || v->producer == NULL || v->graph != p->m->graph)
                continue;
            uint32_t from = p->at[v->producer->id];
            if (!p->claim[from] || p->level[from] != p->level[i])
                continue;
            uint32_t a = find(p, i), b = find(p, from); /* the first member represents the group */
            p->root[a > b ? a : b] = a > b ? b : a;
        }
    }
    for (uint32_t i = 0; i < p->n; i++)
        p->next[i] = p->last[i] = NONE;
    for (uint32_t i = 0; i < p->n; i++) {
        uint32_t r = find(p, i);
        if (i != r)
            p->next[p->last[r] == NONE ? r : p->last[r]] = i;
        p->last[r] = i;
    }
}

/* ---- a group's nodes as a module ---- */

static bool in_group(partition *p, const mote_node *n, uint32_t root)
{
    return n != NULL && n->graph == p->m->graph && n->id < p->n_ids && find(p, p->at[n->id]) == root;
}

static bool used_outside(partition *p, const mote_value *v, uint32_t root)
{
    for (const mote_use *u = v->uses; u != NULL; u = u->next)
        if (!in_group(p, u->node, root))
            return true;
    return false;
}

typedef struct boundary {
    mote_value **in, **out; /* of the main graph */
    uint32_t n_in, n_out;
    uint32_t *members;      /* indices, in order */
    size_t n_members;
} boundary;

static mote_status size_boundary(partition *p, uint32_t root, boundary *b)
{
    size_t n_in = 0, n_out = 0, n = 0;
    for (uint32_t i = root; i != NONE; i = p->next[i], n++) {
        n_in += p->nodes[i]->n_in;
        n_out += p->nodes[i]->n_out;
    }
    *b = (boundary){mote_arena_calloc(&p->arena, n_in, sizeof *b->in), mote_arena_calloc(&p->arena, n_out, sizeof *b->out), 0, 0,
                    mote_arena_calloc(&p->arena, n, sizeof *b->members), 0};
    if (b->in == NULL || b->out == NULL || b->members == NULL)
        return MOTE_E_MEMORY;
    for (uint32_t i = root; i != NONE; i = p->next[i])
        b->members[b->n_members++] = i;
    return MOTE_OK;
}

/* The body's value for one of the main graph that a member reads: made by a member, a constant, or a new input. */
static mote_value *inner_value(partition *p, mote_graph *body, mote_value *v, boundary *b)
{
    if (p->inner[v->id] != NULL)
        return p->inner[v->id];
    mote_value *x;
    if (v->constant != NULL) {
        mote_array a = *v->constant;
        if (!mote_array_aligned(&a) && a.bytes != 0)
            a.data = mote_arena_copy(&body->module->arena, a.data, a.bytes);
        x = a.data == NULL && a.bytes != 0 ? NULL : mote_graph_add_constant(body, v->name, &a);
    } else {
        x = mote_graph_add_value(body, v->name);
        if (x == NULL || mote_graph_add_input(body, x) != MOTE_OK)
            return NULL;
        x->type = v->type;
        b->in[b->n_in++] = v;
    }
    return p->inner[v->id] = x;
}

static mote_status copy_member(partition *p, mote_graph *body, const mote_node *from, boundary *b)
{
    mote_node *to = mote_graph_add_node(body, NULL, from->domain.p, from->op.p, from->version, from->n_in, from->n_out, false);
    if (to == NULL)
        return MOTE_E_MEMORY;
    to->name = from->name; /* texts lie in the main module's arena, which goes after the groups */
    to->def = from->def;
    MOTE_TRY(mote_node_copy_attrs(to, from));
    for (uint32_t k = 0; k < from->n_in; k++) {
        mote_value *v = from->in[k].value, *x = v != NULL ? inner_value(p, body, v, b) : NULL;
        if (v != NULL && x == NULL)
            return MOTE_E_MEMORY;
        mote_node_set_input(to, k, x);
    }
    for (uint32_t k = 0; k < from->n_out; k++) {
        if (from->out[k] == NULL)
            continue;
        mote_value *x = mote_graph_add_value(body, from->out[k]->name);
        if (x == NULL)
            return MOTE_E_MEMORY;
        x->type = from->out[k]->type;
        MOTE_TRY(mote_node_set_output(to, k, x));
        p->inner[from->out[k]->id] = x;
    }
    return MOTE_OK;
}

static mote_status build_body(partition *p, uint32_t root, mote_group *g, boundary *b)
{
    const mote_module *m = p->m;
    MOTE_TRY(size_boundary(p, root, b));
    MOTE_TRY(mote_module_create(g->heap, &g->body));
    mote_module *body = g->body;
    body->ir_version = m->ir_version;
    body->opsets = m->opsets;
    body->n_opsets = m->n_opsets;
    body->symbols = m->symbols;
    body->n_symbols = body->cap_symbols = m->n_symbols;
    for (uint32_t i = root; i != NONE; i = p->next[i])
        MOTE_TRY(copy_member(p, body->graph, p->nodes[i], b));
    for (uint32_t i = root; i != NONE; i = p->next[i])
        for (uint32_t k = 0; k < p->nodes[i]->n_out; k++) {
            mote_value *v = p->nodes[i]->out[k];
            if (v == NULL || !used_outside(p, v, root))
                continue;
            MOTE_TRY(mote_graph_add_output(body->graph, p->inner[v->id]));
            b->out[b->n_out++] = v;
        }
    return MOTE_OK;
}

static void forget_body(partition *p, uint32_t root)
{
    for (uint32_t i = root; i != NONE; i = p->next[i]) {
        for (uint32_t k = 0; k < p->nodes[i]->n_in; k++)
            if (p->nodes[i]->in[k].value != NULL)
                p->inner[p->nodes[i]->in[k].value->id] = NULL;
        for (uint32_t k = 0; k < p->nodes[i]->n_out; k++)
            if (p->nodes[i]->out[k] != NULL)
                p->inner[p->nodes[i]->out[k]->id] = NULL;
    }
}

/* ---- its node in the main graph ---- */

static mote_status replace_members(partition *p, const mote_group *g, const boundary *b)
{
    mote_module *m = p->m;
    mote_node *outer = mote_graph_add_node(m->graph, p->nodes[b->members[b->n_members - 1]]->next, "mote", "Group", 1, b->n_in, b->n_out, true);
    if (outer == NULL)
        return MOTE_E_MEMORY;
    outer->def = &g->def;
    outer->name = mote_arena_printf(&m->arena, "%s-%u", g->provider->name, (unsigned)g->index);
    MOTE_TRY(mote_node_set_int(outer, "group", g->index));
    MOTE_TRY(mote_node_set_string(outer, "provider", g->provider->name));
    for (uint32_t i = 0; i < b->n_in; i++)
        mote_node_set_input(outer, i, b->in[i]);
    mote_str *names = mote_arena_calloc(&p->arena, b->n_out, sizeof *names);
    if (outer->name.p == NULL || names == NULL)
        return MOTE_E_MEMORY;
    for (uint32_t i = 0; i < b->n_out; i++) {
        names[i] = b->out[i]->name;
        outer->out[i]->type = b->out[i]->type;
        mote_value_replace(b->out[i], outer->out[i]);
    }
    mote_value **dead = p->inner; /* cleared by forget_body, and again below */
    size_t n_dead = 0;
    for (size_t j = b->n_members; j-- > 0;) { /* users before what they use */
        mote_node *n = p->nodes[b->members[j]];
        for (uint32_t k = 0; k < n->n_in; k++) {
            mote_value *v = n->in[k].value;
            mote_node_set_input(n, k, NULL);
            if (v != NULL && v->constant != NULL && !v->is_input && v->uses == NULL && v->graph == m->graph)
                dead[n_dead++] = v;
        }
        mote_node_remove(n);
        p->nodes[b->members[j]] = NULL;
    }
    for (size_t i = 0; i < n_dead; i++) {
        mote_value_remove(dead[i]);
        dead[i] = NULL;
    }
    for (uint32_t i = 0; i < b->n_out; i++) /* whoever taps a tensor finds it by its name */
        outer->out[i]->name = names[i];
    return MOTE_OK;
}

static mote_status one_group(partition *p, uint32_t root, const mote_provider *provider, mote_groups *groups, mote_diag *diag)
{
    mote_group *g = mote_group_create(provider, groups->n, p->m->heap);
    boundary b;
    if (g == NULL)
        return MOTE_NO_MEMORY(diag, sizeof *g);
    mote_status status = build_body(p, root, g, &b);
    forget_body(p, root);
    if (status != MOTE_OK)
        (void)mote_fail(diag, status, "%s", mote_status_string(status));
    if (status == MOTE_OK)
        status = mote_module_verify(g->body, diag);
    if (status == MOTE_OK)
        status = mote_view_create(g->body->graph, g->heap, &g->view, diag);
    mote_diag refusal = MOTE_DIAG_INIT;
    if (status == MOTE_OK) {
        status = mote_group_compile(g, &refusal);
        if (status == MOTE_E_UNSUPPORTED) {
            mote_log_line(p->log, MOTE_LOG_WARNING, "%s; its %zu nodes from '%.*s' on go to the next provider", refusal.message, g->view->n_nodes,
                          MOTE_STR_ARG(p->nodes[root]->name));
            mote_group_destroy(&g);
            return MOTE_OK;
        }
        if (status != MOTE_OK && diag != NULL && diag->code == MOTE_OK)
            *diag = refusal;
    }
    if (status == MOTE_OK) {
        status = replace_members(p, g, &b);
        if (status != MOTE_OK)
            (void)MOTE_NO_MEMORY(diag, 0);
    }
    if (status != MOTE_OK) {
        mote_group_destroy(&g);
        return status;
    }
    *(groups->last != NULL ? &groups->last->next : &groups->first) = g;
    groups->last = g;
    groups->n++;
    return MOTE_OK;
}

static mote_status one_provider(partition *p, const mote_provider *provider, mote_groups *groups, mote_diag *diag)
{
    mote_module *m = p->m;
    for (const mote_node *n = m->graph->first; n != NULL; n = n->next)
        p->n++;
    p->n_ids = m->n_nodes;
    p->n_values = m->n_values; /* and what groups make in the place of their members' outputs */
    for (const mote_node *n = m->graph->first; n != NULL; n = n->next)
        p->n_values += n->n_out;
    p->nodes = mote_arena_calloc(&p->arena, p->n, sizeof *p->nodes);
    p->claim = mote_arena_calloc(&p->arena, p->n, 1);
    p->level = mote_arena_calloc(&p->arena, p->n, sizeof *p->level);
    p->root = mote_arena_calloc(&p->arena, p->n, sizeof *p->root);
    p->next = mote_arena_calloc(&p->arena, p->n, sizeof *p->next);
    p->last = mote_arena_calloc(&p->arena, p->n, sizeof *p->last);
    p->at = mote_arena_calloc(&p->arena, p->n_ids, sizeof *p->at);
    p->inner = mote_arena_calloc(&p->arena, p->n_values, sizeof *p->inner);
    if (p->nodes == NULL || p->claim == NULL || p->level == NULL || p->root == NULL || p->next == NULL || p->last == NULL || p->at == NULL ||
        p->inner == NULL)
        return MOTE_NO_MEMORY(diag, p->n);
    uint32_t at = 0;
    for (mote_node *n = m->graph->first; n != NULL; n = n->next) {
        p->at[n->id] = at;
        p->nodes[at++] = n;
    }
    MOTE_TRY(claim_nodes(p, provider, diag));
    group_nodes(p);
    for (uint32_t i = 0; i < p->n; i++)
        if (p->claim[i] && find(p, i) == i)
            MOTE_TRY(one_group(p, i, provider, groups, diag));
    return mote_graph_sort(m->graph, diag);
}

mote_status mote_partition(mote_module *m, const char *const *providers, const mote_log *log, mote_groups *groups, mote_diag *diag)
{
    for (size_t i = 0; providers != NULL && providers[i] != NULL; i++)
        MOTE_REQUIRE(strcmp(providers[i], "cpu") == 0 || mote_provider_find(providers[i]) != NULL, diag, MOTE_E_ARGUMENT,
                     "no provider '%s' is loaded", providers[i]);
    for (size_t i = 0; providers != NULL && providers[i] != NULL && strcmp(providers[i], "cpu") != 0; i++) {
        partition p = {.m = m, .log = log};
        mote_arena_init(&p.arena, m->heap);
        mote_status status = one_provider(&p, mote_provider_find(providers[i]), groups, diag);
        mote_arena_deinit(&p.arena);
        MOTE_TRY(status);
    }
    return groups->n == 0 ? MOTE_OK : mote_module_verify(m, diag);
}

void mote_groups_print(const mote_groups *groups, mote_text *out)
{
    for (const mote_group *g = groups->first; g != NULL; g = g->next) {
        mote_text body;
        mote_text_init(&body, g->heap);
        mote_module_print(g->body, &body, false);
        out->failed = out->failed || body.failed;
        mote_text_printf(out, "# group %u of provider %s, %zu bytes compiled\n", (unsigned)g->index, g->provider->name, g->blob_bytes);
        for (size_t i = 0, end; i < body.n; i = end + 1) {
            for (end = i; end < body.n && body.p[end] != '\n'; end++)
                ;
            mote_text_printf(out, "#   %.*s\n", (int)(end - i), body.p + i);
        }
        mote_text_deinit(&body);
    }
}

void mote_groups_destroy(mote_groups *groups)
{
    for (mote_group *g = groups->first, *next; g != NULL; g = next) {
        next = g->next;
        mote_group_destroy(&g);
    }
    *groups = (mote_groups){0};
}
