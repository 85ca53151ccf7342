/* print.h - output tensors for readers and programs
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_PRINT_H
#define MOTE_TOOL_PRINT_H

#include "engine.h"

/* A few values and the range of an output. */
void print_output(const char *name, const mote_array *a);
/* Its values, left out above 100,000. */
json_t *print_output_json(const char *name, const mote_array *a);

#endif
