/* record.h - what a model was calibrated on, in the description that goes with it
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_RECORD_H
#define MOTE_TOOL_RECORD_H

#include "feed.h"

typedef struct record_range {
    double low, high;
} record_range;

/* {0} to begin with. */
typedef struct record {
    record_range *ranges; /* by input of the model */
    size_t n;
    uint64_t samples;
} record;

/* What the session's inputs hold. */
mote_status record_sample(record *r, const feed *f, mote_diag *diag);
/* The description (`prep`: its file; NULL: the model's own) with the number of samples, each input's range and the vocabulary's SHA-256, malloced. *out NULL: there is nothing to say. */
mote_status record_text(const record *r, const feed *f, const char *prep, char **out, mote_diag *diag);
void record_free(record *r);

#endif
