/* describe.h - a model's description of its preprocessing, in words
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_DESCRIBE_H
#define MOTE_TOOL_DESCRIBE_H

#include "engine.h"

/* A line an input, a line for the output; what is wrong with the description when it does not hold; nothing when there is none. */
void describe_prep(const mote_model *model);
/* The same as a document: {"error"} or {"inputs": {name: kind}, "task"}; null when there is none. */
json_t *describe_prep_json(const mote_model *model);

#endif
