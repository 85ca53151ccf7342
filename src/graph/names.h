/* names.h - values by name and scope, hashed: for reading, checking, printing
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_GRAPH_NAMES_H
#define MOTE_GRAPH_NAMES_H

#include "graph/graph.h"

/* Borrows the values' names. Not thread-safe. */
typedef struct mote_names {
    mote_heap *heap;
    mote_value **slots;
    size_t cap, n;
    mote_hash_key key;
} mote_names;

void mote_names_init(mote_names *names, mote_heap *heap);
void mote_names_deinit(mote_names *names);
/* Adds v under (v->graph, v->name); a value that was renamed or moved is added again. MOTE_E_MODEL when that graph or one around it has the name for
 * another value, MOTE_E_MEMORY. */
mote_status mote_names_add(mote_names *names, mote_value *v);
/* The same, where a graph around may have the name too: seen from v's graph and those in it, the name is v's. */
mote_status mote_names_shadow(mote_names *names, mote_value *v);
/* The value of that name seen from graph g: g's own or the nearest around it; NULL when there is none. */
mote_value *mote_names_find(const mote_names *names, const mote_graph *g, mote_str name);

#endif
