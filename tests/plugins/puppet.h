/* puppet.h - what a test may tell the puppet, a provider that does as it is told
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PLUGINS_PUPPET_H
#define TESTS_PLUGINS_PUPPET_H

#include <mote/mote_provider.h>

typedef enum puppet_claims {
    PUPPET_NOTHING,
    PUPPET_EVERYTHING, /* what it may not, too */
    PUPPET_OPERATOR,   /* the nodes of `op` */
    PUPPET_RANDOM,     /* by `seed`, about half of the nodes */
} puppet_claims;

/* The library's symbol `puppet`. Zeroed at first. */
typedef struct puppet_strings {
    puppet_claims claims;
    const char *op;
    uint32_t seed;
    mote_status partition, compile, load, bind, run; /* what these functions return */
    uint64_t refuse;                                 /* bit i: the i-th compile returns MOTE_E_UNSUPPORTED */
    const char *message;                             /* with a failure */
    bool later;                                      /* completes from another thread */
    mote_status completion;
    mote_buffer_requirements requirements;           /* alignment 0: the function's defaults are left */
    bool profile;
    /* what happened */
    unsigned compiles, loads, unloads, binds, unbinds, runs;
    unsigned complaints; /* tensors that were not as asked for; constants not aligned; blobs that changed */
    size_t nodes;        /* in the groups compiled so far */
} puppet_strings;

#endif
