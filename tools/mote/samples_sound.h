/* samples_sound.h - sounds as samples
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_SAMPLES_SOUND_H
#define MOTE_TOOL_SAMPLES_SOUND_H

#include "feed.h"

/* Runs the session on what its inputs hold; *more false: it was the last. */
typedef mote_status (*sound_step)(void *ctx, bool *more, mote_diag *diag);

/* A WAV file through the feed's session as its description says: streamed inputs step by step, free-running (each step's states are what the session gave in the one before, zeros
 * at first); else in pieces of 32,768 samples, or whole where the input takes features. */
mote_status sound_run(feed *f, const char *path, sound_step run, void *ctx, mote_diag *diag);

#endif
