/* parse.h - the parts of a description's text
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PIPELINE_PREP_PARSE_H
#define MOTE_PIPELINE_PREP_PARSE_H

#include "pipeline/prep/prep.h"

/* The member "output" of the whole text. Inputs are read already. */
mote_status mote_prep_parse_output(mote_prep *p, const prep_scope *root);

#endif
