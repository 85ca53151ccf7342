/* draw.h - outlines of boxes on a picture
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_DRAW_H
#define MOTE_TOOL_DRAW_H

#include "picture.h"
#include <mote/mote_prep.h>

/* A frame of about 1/200 of the picture, in a colour that its class chooses; what lies outside the picture is left out. */
void draw_box(picture *p, const mote_box *box);

#endif
