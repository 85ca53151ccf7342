/* resize.h - what passes ask of a Resize
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PASSES_RESIZE_H
#define MOTE_PASSES_RESIZE_H

#include "passes/pass.h"

/* Whether node n is a Resize or Upsample by constant factors, one for each dimension, none below 1: they are in scales[0..rank). */
bool mote_resize_grows(const mote_node *n, double *scales);
/* And by copying elements only (mode nearest), at least one factor above 1. */
bool mote_resize_copies(const mote_node *n, double *scales);
/* And so that an integer factor f gives each element f times. */
bool mote_resize_repeats(const mote_node *n, double *scales);
/* The input that holds the scales. */
uint32_t mote_resize_scales(const mote_node *n);

#endif
