/* answer.h - a run's outputs as the description says: classes, boxes, labelled words, speech spans, a sound
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_ANSWER_H
#define MOTE_TOOL_ANSWER_H

#include "feed.h"

/* Each prints to stdout when `json` is NULL and otherwise gives the result as an object. */
mote_status answer_classes(const feed *f, size_t top, json_t **json, mote_diag *diag);
/* Boxes in the picture's pixels; `draw` (may be NULL) gets their outlines. */
mote_status answer_boxes(const feed *f, const mote_image_map *map, picture *p, bool draw, json_t **json, mote_diag *diag);
/* `text` is what the encoding was made of. */
mote_status answer_words(const feed *f, const mote_encoding *e, const char *text, json_t **json, mote_diag *diag);
/* Streams the sound through the model. */
mote_status answer_speech(feed *f, const feed_sound *sound, json_t **json, mote_diag *diag);

/* The sound that comes out of a sound: the session's output, or the steps' windows put together. samples malloced. */
mote_status answer_sound(feed *f, const char *input, const feed_sound *in, feed_sound *out, mote_diag *diag);
mote_status answer_sound_print(const feed_sound *out, json_t **json, mote_diag *diag);
/* A WAV of 16 bits, one channel. */
mote_status answer_sound_write(const char *path, const feed_sound *sound, bool overwrite, mote_diag *diag);

#endif
