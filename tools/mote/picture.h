/* picture.h - JPEG, PNG, BMP and PNM files to 8-bit RGB, PNG from it
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_PICTURE_H
#define MOTE_TOOL_PICTURE_H

#include "base/diag.h"

enum { PICTURE_MAX_SIDE = 32768, PICTURE_MAX_PIXELS = 100000000 }; /* checked before anything is allocated */

typedef struct picture {
    uint8_t *rgb; /* height rows of width*3 bytes, malloced */
    size_t width, height;
} picture;

/* Decodes by content, not by name. Gray, palette, alpha (dropped, as Pillow's convert("RGB") does) and CMYK become RGB; JPEG as libjpeg's
 * defaults (bit-exact with Pillow). What would take long to decode is MOTE_E_LIMIT: a PNG of more than 160 MB (the larger of its pixels as stored and as
 * RGB; twice for interlaced pixels below a byte), a JPEG of more than 100 megapixels or whose scans pass over 800 megapixels in sum. MOTE_E_FORMAT (damaged, not a picture), MOTE_E_LIMIT (too large), MOTE_E_IO, MOTE_E_MEMORY. */
mote_status picture_read(const char *path, picture *out, mote_diag *diag);
mote_status picture_decode(const void *bytes, size_t n, picture *out, mote_diag *diag);
mote_status picture_write_png(const char *path, const picture *p, bool overwrite, mote_diag *diag);
void picture_free(picture *p);

/* For decoders: room for a picture out of `bytes` of file at `most` pixels a byte; what the file merely claims to show is not allocated. */
mote_status picture_allocate(picture *p, size_t width, size_t height, size_t bytes, size_t most, mote_diag *diag);
/* picture_plain.c; the first two bytes are known to be the format's. */
mote_status picture_decode_bmp(const void *bytes, size_t n, picture *out, mote_diag *diag);
mote_status picture_decode_pnm(const void *bytes, size_t n, picture *out, mote_diag *diag);

#endif
