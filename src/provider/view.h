/* view.h - the graph as plug-ins see it
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PROVIDER_VIEW_H
#define MOTE_PROVIDER_VIEW_H

#include "graph/graph.h"
#include <mote/mote_provider.h>

struct mote_view {
    mote_graph *graph;         /* the main graph, or a group's body: the main graph of a module of its own */
    const mote_node **nodes;
    size_t n_nodes;
    const mote_value **values; /* by value id */
    size_t n_values;
    mote_arena *arena;         /* what the view is made of */
    const void **aligned;      /* by value id: copies of constants that lie unaligned in a file */
    bool *failed;              /* memory ran out for one of them */
};

extern const mote_view_api mote_view_functions;

mote_status mote_view_create(mote_graph *g, mote_heap *heap, mote_view **out, mote_diag *diag);
void mote_view_destroy(mote_view **view);
/* Output types of a group's body for input types and, where known (NULL: nowhere, or at i), input values: inference over a copy, touching nothing of
 * the body. Symbols of `in` that the body does not know count as unknown sizes. `heap` for temporaries. */
mote_status mote_view_infer_types(const mote_view *v, const mote_type *in, const mote_array *const *value, size_t n_in, mote_type *out, size_t n_out,
                                  mote_heap *heap, mote_diag *diag);

#endif
