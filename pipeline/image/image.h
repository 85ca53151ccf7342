/* image.h - pictures of the caller: checks, conversion to packed RGB or gray
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PIPELINE_IMAGE_IMAGE_H
#define MOTE_PIPELINE_IMAGE_IMAGE_H

#include "base/diag.h"
#include "base/heap.h"
#include <mote/mote_pipeline.h>

/* Format, sides, planes and strides are what mote_image says. Returns MOTE_OK, MOTE_E_ARGUMENT, MOTE_E_LIMIT. */
mote_status mote_image_check(const mote_image *image, mote_diag *diag);

/* Packed pixels of a checked image: channels 3 (R, G, B) or 1 (gray), rows width*channels bytes apart. Gray is Pillow's
 * (19595 R + 38470 G + 7471 B + 32768) >> 16. YUV is full-range BT.601 in 16-bit fixed point as JPEG decoders compute it, a 2x2 block sharing its colour. */
void mote_image_convert(const mote_image *image, int32_t channels, uint8_t *out);

#endif
