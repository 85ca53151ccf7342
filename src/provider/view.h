/* view.h - the graph as plug-ins see it
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PROVIDER_VIEW_H
#define MOTE_PROVIDER_VIEW_H

#include "graph/graph.h"
#include <mote/mote_provider.h>

struct mote_view {
    mote_graph *graph;          /* the main graph, or a group's body */
    const mote_node **nodes;
    size_t n_nodes;
    const mote_value **values;  /* by value id */
    size_t n_values;
    bool group;
};

extern const mote_view_api mote_view_functions;

/* A view of g in the module's memory. */
mote_status mote_view_create(mote_graph *g, bool group, mote_view **out, mote_diag *diag);
/* Output types of a group's body for input types: by inference node by node, touching nothing of the module. */
mote_status mote_view_infer_types(const mote_view *v, const mote_type *in, size_t n_in, mote_type *out, size_t n_out, mote_heap *heap, mote_diag *diag);

#endif
