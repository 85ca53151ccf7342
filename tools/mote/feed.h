/* feed.h - pictures, texts and sounds through the pipeline, and its results printed
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_FEED_H
#define MOTE_TOOL_FEED_H

#include "engine.h"

typedef struct feed_options {
    const engine_options *engine;
    option_list inputs;                           /* [NAME=]FILE */
    const char *prep, *labels, *draw, *outputs;   /* paths, or NULL */
    uint64_t top;
    bool json, overwrite;
} feed_options;

/* MOTE_E_FORMAT or MOTE_E_VALUE, naming the field, when the text is not a preprocessing description. */
mote_status preprocess_check(const char *text, size_t n, mote_diag *diag);

/* Runs each input and prints what the preprocessing says. Gives the exit code. */
int feed_and_print(const char *model, const feed_options *o);

#endif
