/* pass.h - rewrites of a module, and the ordered list of them
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PASSES_PASS_H
#define MOTE_PASSES_PASS_H

#include "graph/graph.h"

typedef struct mote_pass_options {
    const char *disabled;   /* comma-separated names, or "all"; NULL: none */
    const char *stop_after; /* a pass, "simplify" or "lower"; NULL: all */
    size_t fold_limit;      /* bytes that constant folding may add; 0: the default */
    bool lower;             /* run the passes that make machine forms, too */
} mote_pass_options;

/* Runs the passes in their order; nodes are resolved and types inferred before and after. */
mote_status mote_passes_run(mote_module *m, const mote_pass_options *o, mote_diag *diag);

#endif
