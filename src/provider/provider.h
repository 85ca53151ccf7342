/* provider.h - execution providers: the registry of plug-ins, the partitioner, groups of nodes that a provider runs
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PROVIDER_PROVIDER_H
#define MOTE_PROVIDER_PROVIDER_H

#include "graph/graph.h"
#include <mote/mote_provider.h>

/* A provider by name among those loaded in this process; NULL when there is none. "cpu" is always there and is not in this list: it takes what
 * is left. Thread-safe. */
const mote_provider *mote_provider_find(const char *name);

/* The groups of one model, in the module's memory; what providers loaded for them is released by destroy. */
typedef struct mote_group mote_group;
typedef struct mote_groups {
    mote_group *first;
} mote_groups;

/* Asks each provider named (NULL-terminated, in order of preference, "cpu" or the end stops) for the nodes it takes in the main graph, and puts a
 * node mote.Provider in the place of each connected group: its attribute `body` is the group as a graph. Nodes that a provider refused to compile
 * stay for the next one. MOTE_E_ARGUMENT for an unknown name, MOTE_E_PROVIDER when one fails, MOTE_E_MEMORY. */
mote_status mote_partition(mote_module *m, const char *const *providers, mote_groups *groups, mote_diag *diag);
void mote_groups_destroy(mote_groups *groups);

#endif
