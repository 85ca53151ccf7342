/* sort.c - topological order of nodes, stable
 * SPDX-License-Identifier: Apache-2.0
 *
 * Kahn's algorithm with the ready nodes in a heap ordered by their present place: an order that already holds is kept exactly. A node depends on
 * whatever its subgraphs use, so a use is charged to its ancestor in the graph at hand. */
#include "base/platform.h"
#include "graph/graph.h"
#include "base/size.h"

typedef struct slot {
    mote_node *node;
    size_t waits; /* uses of values of this graph whose producers are not placed yet */
} slot;

/* The node of graph g that makes this use, itself or inside its subgraphs; NULL for an output of g. */
static mote_node *user_in(const mote_use *u, const mote_graph *g)
{
    mote_node *n = u->node;
    const mote_graph *at = n != NULL ? n->graph : u->graph;
    while (at != g && at != NULL) {
        n = at->owner;
        at = at->parent;
    }
    return at == g ? n : NULL;
}

static void heap_push(size_t *heap, size_t *n, size_t x)
{
    size_t i = (*n)++;
    for (; i != 0 && heap[(i - 1) / 2] > x; i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = x;
}

static size_t heap_pop(size_t *heap, size_t *n)
{
    size_t top = heap[0], x = heap[--*n], i = 0;
    for (;;) {
        size_t c = 2 * i + 1;
        if (c >= *n)
            break;
        if (c + 1 < *n && heap[c + 1] < heap[c])
            c++;
        if (heap[c] >= x)
            break;
        heap[i] = heap[c];
        i = c;
    }
    heap[i] = x;
    return top;
}

static mote_status sort_one(mote_graph *g, mote_diag *diag)
{
    size_t n = 0;
    for (mote_node *p = g->first; p != NULL; p = p->next)
        n++;
    if (n < 2)
        return MOTE_OK;
    mote_heap *heap = g->module->heap;
    slot *slots = mote_heap_calloc(heap, n, sizeof *slots);
    size_t *ready = mote_heap_calloc(heap, n, sizeof *ready);
    size_t n_ready = 0, placed = 0;
    mote_status st = MOTE_OK;
    if (slots == NULL || ready == NULL) {
        st = MOTE_NO_MEMORY(diag, n * sizeof *slots);
        goto done;
    }
    size_t k = 0;
    for (mote_node *p = g->first; p != NULL; p = p->next, k++) {
        slots[k].node = p;
        p->scratch = &slots[k];
    }
    for (k = 0; k < n; k++)
        for (uint32_t o = 0; o < slots[k].node->n_out; o++)
            for (mote_use *u = slots[k].node->out[o] != NULL ? slots[k].node->out[o]->uses : NULL; u != NULL; u = u->next) {
                mote_node *user = user_in(u, g);
                if (user != NULL)
                    ((slot *)user->scratch)->waits++;
            }
    for (k = 0; k < n; k++)
        if (slots[k].waits == 0)
            heap_push(ready, &n_ready, k);
    g->first = g->last = NULL;
    while (n_ready != 0) {
        mote_node *p = slots[heap_pop(ready, &n_ready)].node;
        p->prev = g->last;
        p->next = NULL;
        *(g->last != NULL ? &g->last->next : &g->first) = p;
        g->last = p;
        placed++;
        for (uint32_t o = 0; o < p->n_out; o++)
            for (mote_use *u = p->out[o] != NULL ? p->out[o]->uses : NULL; u != NULL; u = u->next) {
                mote_node *user = user_in(u, g);
                if (user == NULL)
                    continue;
                slot *s = user->scratch;
                if (--s->waits == 0)
                    heap_push(ready, &n_ready, (size_t)(s - slots));
            }
    }
    if (placed != n) {
        for (k = 0; k < n; k++) { /* the rest keeps its order behind what could be placed */
            if (slots[k].waits == 0)
                continue;
            mote_node *p = slots[k].node;
            if (st == MOTE_OK) {
                st = mote_fail(diag, MOTE_E_MODEL, "the graph has a cycle: node '%.*s' (%.*s) needs its own result", MOTE_STR_ARG(p->name),
                               MOTE_STR_ARG(p->op));
                mote_node_name_in(p, diag);
            }
            p->prev = g->last;
            p->next = NULL;
            *(g->last != NULL ? &g->last->next : &g->first) = p;
            g->last = p;
        }
    }
done:
    for (mote_node *p = g->first; p != NULL; p = p->next)
        p->scratch = NULL;
    mote_heap_free(heap, slots, n * sizeof *slots);
    mote_heap_free(heap, ready, n * sizeof *ready);
    return st;
}

mote_status mote_graph_sort(mote_graph *g, mote_diag *diag)
{
    MOTE_TRY(sort_one(g, diag));
    for (mote_node *n = g->first; n != NULL; n = n->next)
        for (mote_attr *a = n->attrs; a != NULL; a = a->next) {
            if (a->kind == MOTE_ATTR_GRAPH && a->g != NULL)
                MOTE_TRY(mote_graph_sort(a->g, diag));
            for (size_t i = 0; a->kind == MOTE_ATTR_GRAPHS && i < a->n; i++)
                MOTE_TRY(mote_graph_sort(a->graphs[i], diag));
        }
    return MOTE_OK;
}
