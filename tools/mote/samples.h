/* samples.h - unlabelled data through a model, one sample at a time
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_SAMPLES_H
#define MOTE_TOOL_SAMPLES_H

#include "feed.h"

typedef struct samples {
    const char *data;   /* a folder of pictures (in the order of labels.csv, when there is one, else of their names), an .iob2 file, an .npz whose arrays are stacked, a
                           folder of .npz files, one sample each, or a .wav or a folder of them (samples_sound.h) */
    size_t limit;       /* SIZE_MAX: all */
    char at[4096];      /* the file at fault when a sample cannot be used */
    size_t n;           /* samples run */
    char name[256];     /* of the one that was run last: its file, "item 3", "sentence 3", "guitar.wav, step 3"; from 0 */
    double run_ms;          /* in the session */
    const char *file;       /* while a picture is run: its name in the folder, its pixels, where they went */
    const picture *picture;
    mote_image_map map;
} samples;

/* Runs the feed's session on each sample. each: called after a run; NULL: nothing. */
mote_status samples_run(samples *s, feed *f, mote_status (*each)(void *ctx, mote_diag *diag), void *ctx, mote_diag *diag);
/* Calls `each` with the .wav that s->data is, or with each of the folder, at most s->limit of them; s->n counts. */
mote_status samples_each_sound(samples *s, mote_status (*each)(void *ctx, const char *path, mote_diag *diag), void *ctx, mote_diag *diag);
bool samples_are_sounds(const char *data); /* a .wav, or a folder of them and of nothing that goes first */
/* Whether the data needs the model's preprocessing. */
bool samples_need_prep(const char *data);

#endif
