/* print.h - names, texts and output tensors for readers and programs
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_PRINT_H
#define MOTE_TOOL_PRINT_H

#include "base/str.h"
#include "engine.h"

/* What a file says, for a terminal: control characters, and bytes that are no UTF-8, as \\xHH, so that no name can send it commands. Cut to 500
 * bytes; valid until the eighth call after. Keys of JSON objects, too. */
const char *visible(mote_str s);
const char *visible_c(const char *s);
/* The same for a whole text; line ends and tabs stay. */
void print_visible(const char *p, size_t n);

/* A few values and the range of an output. */
void print_output(const char *name, const mote_array *a);
/* Its values, left out above 100,000. */
json_t *print_output_json(const char *name, const mote_array *a);

#endif
