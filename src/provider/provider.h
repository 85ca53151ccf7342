/* provider.h - execution providers: the registry of plug-ins, the partitioner, groups of nodes that a provider runs
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PROVIDER_PROVIDER_H
#define MOTE_PROVIDER_PROVIDER_H

#include "graph/graph.h"
#include "provider/cpu/lower.h"
#include <mote/mote_provider.h>

/* A provider by name among those loaded in this process; NULL when there is none. "cpu" is always there and is not in this list: it takes what
 * is left. Thread-safe. */
const mote_provider *mote_provider_find(const char *name);

/* The groups of one model, in the order in which they were made. Zeroed: none. */
typedef struct mote_group mote_group;
typedef struct mote_groups {
    mote_group *first, *last;
    uint32_t n;
} mote_groups;

/* Asks each provider named (NULL-terminated, in order of preference, "cpu" or the end stops) for the nodes it takes in the main graph; has each
 * connected group of them compiled and loaded, and puts a node mote.Group in its place. Claims on what may not be given away (control flow, strings,
 * sequences, sizes that depend on data) and groups that a provider refuses to compile are left to the next one, and the log says so. The module is
 * resolved and inferred, and stays so. MOTE_E_ARGUMENT for an unknown name, MOTE_E_PROVIDER when one fails, MOTE_E_MEMORY; then, too, the groups
 * made so far must be destroyed. `m` must outlive them. */
mote_status mote_partition(mote_module *m, const char *const *providers, const mote_log *log, mote_groups *groups, mote_diag *diag);
/* The groups' bodies as comments for the module's text. */
void mote_groups_print(const mote_groups *groups, mote_text *out);
void mote_groups_destroy(mote_groups *groups);

/* What the provider says about the last run of a step: at most cap events; 0 when the step is no group's or its provider says nothing. */
size_t mote_group_profile(const mote_step *step, mote_provider_event *events, size_t cap);

#endif
