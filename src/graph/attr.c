/* attr.c - attributes of nodes: read, set, copy
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "graph/graph.h"
#include "base/size.h"

mote_attr *mote_node_attr(const mote_node *n, const char *name)
{
    for (mote_attr *a = n->attrs; a != NULL; a = a->next)
        if (mote_str_is(a->name, name))
            return a;
    return NULL;
}

static mote_attr *of_kind(const mote_node *n, const char *name, mote_attr_kind kind)
{
    mote_attr *a = mote_node_attr(n, name);
    return a != NULL && a->kind == kind ? a : NULL;
}

int64_t mote_node_int(const mote_node *n, const char *name, int64_t absent)
{
    const mote_attr *a = of_kind(n, name, MOTE_ATTR_INT);
    return a != NULL ? a->i : absent;
}

float mote_node_float(const mote_node *n, const char *name, float absent)
{
    const mote_attr *a = of_kind(n, name, MOTE_ATTR_FLOAT);
    return a != NULL ? a->f : absent;
}

mote_str mote_node_string(const mote_node *n, const char *name, const char *absent)
{
    const mote_attr *a = of_kind(n, name, MOTE_ATTR_STRING);
    return a != NULL ? a->s : mote_str_c(absent);
}

const int64_t *mote_node_ints(const mote_node *n, const char *name, size_t *count)
{
    const mote_attr *a = of_kind(n, name, MOTE_ATTR_INTS);
    *count = a != NULL ? a->n : 0;
    return a != NULL ? a->ints : NULL;
}

const float *mote_node_floats(const mote_node *n, const char *name, size_t *count)
{
    const mote_attr *a = of_kind(n, name, MOTE_ATTR_FLOATS);
    *count = a != NULL ? a->n : 0;
    return a != NULL && a->n != 0 ? a->floats : NULL;
}

mote_graph *mote_node_subgraph(const mote_node *n, const char *name)
{
    const mote_attr *a = of_kind(n, name, MOTE_ATTR_GRAPH);
    return a != NULL ? a->g : NULL;
}

/* The attribute of that name, made at the end of the list when new. NULL: out of memory. */
static mote_attr *make(mote_node *n, mote_str name, mote_attr_kind kind)
{
    mote_arena *arena = &n->graph->module->arena;
    mote_attr **at = &n->attrs;
    while (*at != NULL && !mote_str_eq((*at)->name, name))
        at = &(*at)->next;
    if (*at == NULL) {
        mote_attr *a = mote_arena_calloc(arena, 1, sizeof *a);
        if (a == NULL || (a->name = mote_arena_str(arena, name)).p == NULL)
            return NULL;
        *at = a;
    }
    (*at)->kind = kind;
    (*at)->n = 0;
    (*at)->ref = MOTE_STR("");
    return *at;
}

mote_status mote_node_set_int(mote_node *n, const char *name, int64_t v)
{
    mote_attr *a = make(n, mote_str_c(name), MOTE_ATTR_INT);
    if (a == NULL)
        return MOTE_E_MEMORY;
    a->i = v;
    return MOTE_OK;
}

mote_status mote_node_set_float(mote_node *n, const char *name, float v)
{
    mote_attr *a = make(n, mote_str_c(name), MOTE_ATTR_FLOAT);
    if (a == NULL)
        return MOTE_E_MEMORY;
    a->f = v;
    return MOTE_OK;
}

mote_status mote_node_set_string(mote_node *n, const char *name, const char *v)
{
    mote_str copy = mote_arena_str(&n->graph->module->arena, mote_str_c(v));
    mote_attr *a = copy.p != NULL ? make(n, mote_str_c(name), MOTE_ATTR_STRING) : NULL;
    if (a == NULL)
        return MOTE_E_MEMORY;
    a->s = copy;
    return MOTE_OK;
}

mote_status mote_node_set_ints(mote_node *n, const char *name, const int64_t *v, size_t count)
{
    size_t bytes;
    if (!mote_size_mul(count, sizeof *v, &bytes))
        return MOTE_E_MEMORY;
    int64_t *copy = mote_arena_copy(&n->graph->module->arena, v, bytes);
    mote_attr *a = copy != NULL ? make(n, mote_str_c(name), MOTE_ATTR_INTS) : NULL;
    if (a == NULL)
        return MOTE_E_MEMORY;
    a->ints = copy;
    a->n = count;
    return MOTE_OK;
}

mote_status mote_node_set_floats(mote_node *n, const char *name, const float *v, size_t count)
{
    size_t bytes;
    if (!mote_size_mul(count, sizeof *v, &bytes))
        return MOTE_E_MEMORY;
    float *copy = mote_arena_copy(&n->graph->module->arena, v, bytes);
    mote_attr *a = copy != NULL ? make(n, mote_str_c(name), MOTE_ATTR_FLOATS) : NULL;
    if (a == NULL)
        return MOTE_E_MEMORY;
    a->floats = copy;
    a->n = count;
    return MOTE_OK;
}

mote_status mote_node_set_graph(mote_node *n, const char *name, mote_graph *g)
{
    mote_attr *a = make(n, mote_str_c(name), MOTE_ATTR_GRAPH);
    if (a == NULL)
        return MOTE_E_MEMORY;
    a->g = g;
    g->owner = n;
    return MOTE_OK;
}

void mote_node_remove_attr(mote_node *n, const char *name)
{
    for (mote_attr **at = &n->attrs; *at != NULL; at = &(*at)->next)
        if (mote_str_is((*at)->name, name)) {
            *at = (*at)->next;
            return;
        }
}

/* ---- copies ---- */

static mote_status copy_array(mote_arena *arena, const mote_array *from, const mote_array **out)
{
    mote_array *a = mote_arena_copy(arena, from, sizeof *from);
    *out = a;
    return a != NULL ? MOTE_OK : MOTE_E_MEMORY;
}

/* The payload again in another arena (the data of tensors stays shared). Graphs are left out. */
static mote_status copy_payload(mote_arena *arena, mote_attr *to, const mote_attr *from)
{
    const void *p = NULL;
    switch (from->kind) {
    case MOTE_ATTR_STRING:
        to->s = mote_arena_str(arena, from->s);
        return to->s.p != NULL ? MOTE_OK : MOTE_E_MEMORY;
    case MOTE_ATTR_TENSOR:
        return copy_array(arena, from->t, &to->t);
    case MOTE_ATTR_FLOATS:
        to->floats = p = mote_arena_copy(arena, from->floats, from->n * sizeof(float));
        break;
    case MOTE_ATTR_INTS:
        to->ints = p = mote_arena_copy(arena, from->ints, from->n * sizeof(int64_t));
        break;
    case MOTE_ATTR_STRINGS: {
        mote_str *s = mote_arena_calloc(arena, from->n, sizeof *s);
        for (size_t i = 0; s != NULL && i < from->n; i++)
            if ((s[i] = mote_arena_str(arena, from->strings[i])).p == NULL)
                return MOTE_E_MEMORY;
        to->strings = s;
        p = s;
        break;
    }
    case MOTE_ATTR_TENSORS: {
        const mote_array **t = mote_arena_calloc(arena, from->n, sizeof(mote_array *));
        for (size_t i = 0; t != NULL && i < from->n; i++)
            MOTE_TRY(copy_array(arena, from->tensors[i], &t[i]));
        to->tensors = t;
        p = t;
        break;
    }
    case MOTE_ATTR_TYPE: {
        /* Element types nest; the chain is as long as what the reader let in. */
        const mote_type **link = &to->type;
        for (const mote_type *t = from->type; t != NULL; t = t->element) {
            mote_type *copy = mote_arena_copy(arena, t, sizeof *t);
            if (copy == NULL)
                return MOTE_E_MEMORY;
            copy->element = NULL;
            *link = copy;
            link = &copy->element;
        }
        return MOTE_OK;
    }
    case MOTE_ATTR_SPARSE:
    case MOTE_ATTR_SPARSES:
    case MOTE_ATTR_TYPES:
        to->raw = mote_arena_str(arena, from->raw);
        return to->raw.p != NULL ? MOTE_OK : MOTE_E_MEMORY;
    default:
        return MOTE_OK;
    }
    return p != NULL ? MOTE_OK : MOTE_E_MEMORY;
}

mote_status mote_node_copy_attrs(mote_node *to, const mote_node *from)
{
    mote_arena *arena = &to->graph->module->arena;
    bool same = to->graph->module == from->graph->module;
    for (const mote_attr *a = from->attrs; a != NULL; a = a->next) {
        if (a->kind == MOTE_ATTR_GRAPH || a->kind == MOTE_ATTR_GRAPHS)
            continue;
        mote_attr *b = make(to, a->name, a->kind);
        if (b == NULL)
            return MOTE_E_MEMORY;
        mote_attr *next = b->next;
        mote_str name = b->name;
        *b = *a;
        b->next = next;
        b->name = name;
        if (same)
            continue;
        MOTE_TRY(copy_payload(arena, b, a));
        b->doc = mote_arena_str(arena, a->doc);
        b->ref = mote_arena_str(arena, a->ref);
        b->unknown = mote_arena_str(arena, a->unknown);
        if (b->doc.p == NULL || b->ref.p == NULL || b->unknown.p == NULL)
            return MOTE_E_MEMORY;
    }
    return MOTE_OK;
}
