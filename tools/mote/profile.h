/* profile.h - time by node, by operator and kernel, and as a Chrome trace
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_PROFILE_H
#define MOTE_TOOL_PROFILE_H

#include "base/diag.h"
#include <jansson.h>
#include <mote/mote.h>

typedef struct profile_row {
    const char *name, *op, *kernel; /* the model's: it outlives the profile */
    unsigned depth;
    uint64_t calls, total_ns;
} profile_row;

typedef struct profile {
    profile_row *rows;
    size_t n, cap, at;
    mote_profile_event *last; /* the events of the last run, for the trace */
    size_t n_last, cap_last;
    bool failed;
} profile;

void profile_init(profile *p);
void profile_deinit(profile *p);
void profile_reset(profile *p);
void profile_begin_run(profile *p);
void profile_event(void *ctx, const mote_profile_event *event); /* a mote_profile_fn */
json_t *profile_json(const profile *p, size_t runs);
void profile_print(const profile *p, size_t runs);
mote_status profile_write_trace(const profile *p, const char *path, bool overwrite, mote_diag *diag);

#endif
