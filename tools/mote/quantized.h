/* quantized.h - what of a quantized model runs in integers, and what does not and why
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_QUANTIZED_H
#define TOOLS_QUANTIZED_H

#include "session/model.h"
#include <jansson.h>

/* Whether a model as it was read has quantized operators. */
bool quantized_any(const mote_model *m);
/* Of a model that was loaded up to the stage QUANTIZED_STAGE: counts, and a line for each operator that reads quantized tensors and runs in float. */
#define QUANTIZED_STAGE "qint"
void quantized_print(const mote_model *m);
/* {"integer": n, "float": [{"op", "node", "reason"}]} */
json_t *quantized_json(const mote_model *m);

#endif
