/* pass.h - rewrites of a module, and the ordered list of them
 * SPDX-License-Identifier: Apache-2.0
 *
 * A pass is one file src/passes/<name>.c with a function mote_pass_<name> (MOTE_PASS), and one line in pipeline.c. It edits the module in place through
 * graph.h and says how many edits it made. It may leave new nodes unresolved and new values untyped: when a pass changed something, the pipeline
 * resolves nodes, infers types and verifies before the next. Portable passes leave standard operators, so that their result can be written to a
 * file; passes after "simplify" (lower = true) make the forms of ops/forms.h for this machine. */
#ifndef MOTE_PASSES_PASS_H
#define MOTE_PASSES_PASS_H

#include "graph/graph.h"
#include "ops/op.h"

typedef struct mote_pass_options {
    const char *disabled;   /* comma-separated names, or "all"; NULL: none */
    const char *stop_after; /* a pass, "simplify" (the portable passes), "assign" or "lower"; NULL: all */
    size_t fold_limit;      /* bytes that constant folding may add; 0: MOTE_FOLD_LIMIT */
    bool lower;             /* run the passes that make machine forms, too */
    mote_status (*assign)(void *ctx, mote_module *m, mote_diag *diag); /* called between the portable passes and the others; NULL: nothing to do */
    void *assign_ctx;
} mote_pass_options;

enum { MOTE_FOLD_LIMIT = 16 << 20 };

typedef struct mote_pass_context {
    mote_module *module;
    const mote_pass_options *options;
    mote_diag *diag;
    size_t edits;           /* a pass adds what it changed */
    size_t folded_bytes;    /* of all folding passes so far */
    void *state;            /* of the pass that runs */
} mote_pass_context;

typedef mote_status (*mote_pass_fn)(mote_pass_context *c);

typedef struct mote_pass {
    const char *name; /* as in "--disable NAME"; one pass may stand in the list twice */
    bool lower;
    mote_pass_fn run;
    const char *doc;  /* one line, for help and docs */
} mote_pass;

/* Declares and begins the function of a pass: MOTE_PASS(dead) { ... } */
#define MOTE_PASS(name)                                                                                                \
    mote_status mote_pass_##name(mote_pass_context *c);                                                                \
    mote_status mote_pass_##name(mote_pass_context *c)

/* The list in its order. */
const mote_pass *mote_pass_list(size_t *count);

/* Runs the passes in their order on a module that is resolved and inferred; it is so afterwards. MOTE_E_ARGUMENT for a name in `disabled` or
 * `stop_after` that is no pass; else what a pass, resolution or inference returns. */
mote_status mote_passes_run(mote_module *m, const mote_pass_options *o, mote_diag *diag);

/* Calls fn for the main graph and every graph inside it, outer ones first, as they are when it is their turn. */
mote_status mote_pass_each_graph(mote_pass_context *c, mote_status (*fn)(mote_pass_context *c, mote_graph *g));

#endif
