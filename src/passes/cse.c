/* cse.c - equal constants, and nodes that compute the same, once in each graph
 * SPDX-License-Identifier: Apache-2.0
 *
 * Constants of at most 4 KB are compared by their bytes. Nodes are equal when operator, version, inputs and attributes (in their order) are; random
 * operators and those with subgraphs are left alone, and so are readers of dequantized values: between dequantization and quantization an operator has one
 * scale, and two of them merged would have two. One walk in topological order: a node's inputs have been merged when it is looked at. */
#include "base/platform.h"
#include "passes/pass.h"
#include <string.h>

enum { CONSTANT_MAX = 4096 };

typedef struct table {
    void **slots; /* mote_node or mote_value */
    size_t cap;   /* a power of two, more than twice the entries */
} table;

static uint64_t mix(uint64_t h, uint64_t x) { return (h ^ x) * 0x9e3779b97f4a7c15u ^ (h >> 29); }
static uint64_t mix_bytes(uint64_t h, const void *p, size_t n) { return mix(h, mote_str_hash((mote_str){p, n})); }

static mote_status open_table(mote_pass_context *c, table *t, size_t entries)
{
    t->cap = 16;
    while (t->cap < entries * 2 + 2)
        t->cap *= 2;
    t->slots = mote_heap_calloc(c->module->heap, t->cap, sizeof *t->slots);
    return t->slots != NULL ? MOTE_OK : MOTE_NO_MEMORY(c->diag, t->cap * sizeof *t->slots);
}

static void close_table(mote_pass_context *c, table *t) { mote_heap_free(c->module->heap, t->slots, t->cap * sizeof *t->slots); }

/* The equal entry, or x itself, which is then in the table. */
static void *find(table *t, void *x, uint64_t hash, bool (*equal)(const void *, const void *))
{
    size_t i = (size_t)(hash ^ hash >> 32) & (t->cap - 1);
    while (t->slots[i] != NULL && !equal(t->slots[i], x))
        i = (i + 1) & (t->cap - 1);
    if (t->slots[i] == NULL)
        t->slots[i] = x;
    return t->slots[i];
}

/* ---- constants ---- */

static bool is_small(const mote_value *v)
{
    const mote_array *a = v->constant;
    return a != NULL && !v->is_input && v->uses != NULL && a->kind == MOTE_KIND_TENSOR && a->dtype != MOTE_DTYPE_STRING && a->bytes <= CONSTANT_MAX;
}

static bool equal_arrays(const mote_array *a, const mote_array *b)
{
    return a->kind == MOTE_KIND_TENSOR && b->kind == MOTE_KIND_TENSOR && a->dtype == b->dtype && a->dtype != MOTE_DTYPE_STRING &&
           mote_array_same_shape(a, b) && a->bytes == b->bytes && (a->bytes == 0 || memcmp(a->data, b->data, a->bytes) == 0);
}

static bool equal_constants(const void *a, const void *b)
{
    return equal_arrays(((const mote_value *)a)->constant, ((const mote_value *)b)->constant);
}

static mote_status merge_constants(mote_pass_context *c, mote_graph *g)
{
    table t;
    size_t n = 0;
    for (const mote_value *v = g->values; v != NULL; v = v->next)
        n += is_small(v);
    MOTE_TRY(open_table(c, &t, n));
    for (mote_value *v = g->values, *next; v != NULL; v = next) {
        next = v->next;
        if (!is_small(v))
            continue;
        const mote_array *a = v->constant;
        mote_value *first = find(&t, v, mix_bytes(mix((uint64_t)a->dtype, (uint64_t)a->rank), a->data, a->bytes), equal_constants);
        if (first == v || mote_value_is_output(v))
            continue;
        mote_value_replace(v, first);
        mote_value_remove(v);
        c->edits++;
    }
    close_table(c, &t);
    return MOTE_OK;
}

/* ---- nodes ---- */

static bool equal_lists(const mote_attr *a, const mote_attr *b, const void *x, const void *y, size_t size)
{
    return a->n == b->n && (a->n == 0 || memcmp(x, y, a->n * size) == 0);
}

static bool equal_attrs(const mote_attr *a, const mote_attr *b)
{
    if (a->kind != b->kind || !mote_str_eq(a->name, b->name))
        return false;
    switch (a->kind) {
    case MOTE_ATTR_FLOAT: return memcmp(&a->f, &b->f, sizeof a->f) == 0;
    case MOTE_ATTR_INT: return a->i == b->i;
    case MOTE_ATTR_STRING: return mote_str_eq(a->s, b->s);
    case MOTE_ATTR_TENSOR: return equal_arrays(a->t, b->t);
    case MOTE_ATTR_FLOATS: return equal_lists(a, b, a->floats, b->floats, sizeof(float));
    case MOTE_ATTR_INTS: return equal_lists(a, b, a->ints, b->ints, sizeof(int64_t));
    case MOTE_ATTR_STRINGS:
        for (size_t i = 0; i < a->n && a->n == b->n; i++)
            if (!mote_str_eq(a->strings[i], b->strings[i]))
                return false;
        return a->n == b->n;
    default: return false;
    }
}

static bool equal_nodes(const void *x, const void *y)
{
    const mote_node *a = x, *b = y;
    if (a->n_in != b->n_in || a->n_out != b->n_out || a->version != b->version || !mote_str_eq(a->op, b->op) || !mote_str_eq(a->domain, b->domain) ||
        !mote_str_eq(a->overload, b->overload))
        return false;
    for (uint32_t i = 0; i < a->n_in; i++)
        if (a->in[i].value != b->in[i].value)
            return false;
    for (uint32_t i = 0; i < a->n_out; i++)
        if ((a->out[i] == NULL) != (b->out[i] == NULL))
            return false;
    const mote_attr *p = a->attrs, *q = b->attrs;
    while (p != NULL && q != NULL && equal_attrs(p, q)) {
        p = p->next;
        q = q->next;
    }
    return p == NULL && q == NULL;
}

static uint64_t hash_node(const mote_node *n)
{
    uint64_t h = mix_bytes(mix(n->n_in, n->n_out), n->op.p, n->op.n);
    for (uint32_t i = 0; i < n->n_in; i++)
        h = mix(h, n->in[i].value != NULL ? n->in[i].value->id + 1 : 0);
    for (const mote_attr *a = n->attrs; a != NULL; a = a->next) {
        h = mix_bytes(mix(h, (uint64_t)a->kind), a->name.p, a->name.n);
        if (a->kind == MOTE_ATTR_INT)
            h = mix(h, (uint64_t)a->i);
        else if (a->kind == MOTE_ATTR_INTS)
            h = mix_bytes(h, a->ints, a->n * sizeof(int64_t));
        else if (a->kind == MOTE_ATTR_FLOAT)
            h = mix_bytes(h, &a->f, sizeof a->f);
    }
    return h;
}

static bool may_merge(const mote_node *n)
{
    if (n->def == NULL || (n->def->flags & (MOTE_OP_RANDOM | MOTE_OP_CONTROL)) != 0)
        return false;
    for (uint32_t i = 0; i < n->n_in; i++)
        if (n->in[i].value != NULL && n->in[i].value->producer != NULL && mote_str_is(n->in[i].value->producer->op, "DequantizeLinear"))
            return false;
    return true;
}

static bool replaceable(const mote_node *n, const mote_node *first)
{
    for (uint32_t i = 0; i < n->n_out; i++)
        if (n->out[i] != NULL && !mote_value_can_replace(n->out[i], first->out[i]))
            return false;
    return true;
}

static mote_status merge_nodes(mote_pass_context *c, mote_graph *g)
{
    table t;
    size_t count = 0;
    for (const mote_node *n = g->first; n != NULL; n = n->next)
        count++;
    MOTE_TRY(open_table(c, &t, count));
    for (mote_node *n = g->first, *next; n != NULL; n = next) {
        next = n->next;
        mote_node *first = may_merge(n) ? find(&t, n, hash_node(n), equal_nodes) : n;
        if (first == n || !replaceable(n, first))
            continue;
        for (uint32_t i = 0; i < n->n_out; i++)
            if (n->out[i] != NULL)
                mote_value_replace(n->out[i], first->out[i]);
        mote_node_remove(n);
        c->edits++;
    }
    close_table(c, &t);
    return MOTE_OK;
}

static mote_status each(mote_pass_context *c, mote_graph *g)
{
    MOTE_TRY(merge_constants(c, g));
    return merge_nodes(c, g);
}

MOTE_PASS(cse) { return mote_pass_each_graph(c, each); }
