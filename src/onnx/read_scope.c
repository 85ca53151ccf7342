/* read_scope.c - names that a subgraph uses anew
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: onnx/docs/IR.md, Names Within a Graph. In a file a subgraph's inputs, initializers and outputs of nodes may
 * have names of the graphs around it, which they hide: an If that makes `y` by branches that make `y`. While a file is
 * read its names are kept; they bind every use to its value. Then the hiding values get names of their own, because in
 * a module a name is one value's in a graph and the graphs around it (docs/ir.md). */
#include "base/platform.h"
#include "onnx/reader.h"

enum { KEPT = 64 }; /* bytes of the old name in the new one */

/* The length of the name's beginning, cut between UTF-8 characters. */
static int kept(mote_str name)
{
    size_t n = name.n > KEPT ? KEPT : name.n;
    while (n < name.n && n > KEPT - 4 && ((unsigned char)name.p[n] & 0xc0) == 0x80)
        n--;
    return (int)n;
}

mote_status mote_onnx_rename(mote_onnx_reader *r, mote_value *v, const mote_graph *g)
{
    mote_str name;
    do {
        MOTE_TRY(mote_onnx_room(r, KEPT + 16));
        name =
            mote_arena_printf(&r->module->arena, "%.*s/%u", kept(v->name), v->name.p, (unsigned)r->module->next_name++);
        if (name.p == NULL)
            return MOTE_NO_MEMORY(r->diag, KEPT + 16);
    } while (mote_names_find(&r->names, g, name) != NULL);
    v->name = name;
    return MOTE_OK;
}

static mote_status rename_graph(mote_onnx_reader *r, mote_graph *g, int depth)
{
    MOTE_REQUIRE(depth <= MOTE_GRAPH_MAX_DEPTH, r->diag, MOTE_E_LIMIT, "graphs nested deeper than %d",
                 MOTE_GRAPH_MAX_DEPTH);
    for (mote_value *v = g->values; v != NULL; v = v->next) {
        if (mote_names_find(&r->names, g, v->name) != NULL)
            MOTE_TRY(mote_onnx_rename(r, v, g));
        if (mote_names_add(&r->names, v) != MOTE_OK)
            return MOTE_NO_MEMORY(r->diag, sizeof v); /* the name is new */
    }
    for (const mote_node *n = g->first; n != NULL; n = n->next)
        for (const mote_attr *a = n->attrs; a != NULL; a = a->next) {
            if (a->kind == MOTE_ATTR_GRAPH)
                MOTE_TRY(rename_graph(r, a->g, depth + 1));
            for (size_t i = 0; a->kind == MOTE_ATTR_GRAPHS && i < a->n; i++)
                MOTE_TRY(rename_graph(r, a->graphs[i], depth + 1));
        }
    return MOTE_OK;
}

mote_status mote_onnx_scopes_rename(mote_onnx_reader *r)
{
    mote_names_deinit(&r->names); /* it knows values also under names and graphs that they had before */
    mote_names_init(&r->names, r->heap);
    return rename_graph(r, r->module->graph, 0);
}
