/* calibration.h - what the samples of a quantizer are like, for readers and programs
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_CALIBRATION_H
#define MOTE_TOOL_CALIBRATION_H

#include "samples.h"
#include <mote/mote_quant.h>

typedef struct calibration_options {
    const engine_options *engine;
    const char *model, *data, *compare, *prep, *vocab; /* paths; data, compare NULL: none */
    size_t compare_limit, max_length;
} calibration_options;

/* *record (may be NULL): the description, with what the samples were like, for the result's metadata, malloced; NULL: there is none.
 * The quantizer's rounds over the samples and, where the round takes them, over those to compare with. s->data may be NULL: then the rounds must need none. */
mote_status calibration_run(const calibration_options *o, mote_quantizer *q, samples *s, char **record, mote_diag *diag);

/* Nothing when nothing was judged. */
void calibration_print(const mote_quantizer *q, const calibration_options *o);
json_t *calibration_json(const mote_quantizer *q); /* NULL: nothing was judged */

#endif
