/* mote_pipeline.h - from pictures, text and sound to tensors, and from output tensors to answers
 * SPDX-License-Identifier: Apache-2.0
 *
 * Works on buffers: decoding of files is the application's. Nothing here keeps state between calls but what its handles hold;
 * different handles may be used by different threads at once. The rules of mote.h hold. */
#ifndef MOTE_MOTE_PIPELINE_H
#define MOTE_MOTE_PIPELINE_H

#include <mote/mote.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- images -------------------------------------------------------------------------------------------------- */

/* A picture's sides are 1 to this. */
#define MOTE_IMAGE_MAX_SIDE 65535

typedef enum mote_image_format {
    MOTE_IMAGE_RGB8 = 1,  /* 3 bytes a pixel: R, G, B */
    MOTE_IMAGE_BGR8 = 2,
    MOTE_IMAGE_RGBA8 = 3, /* alpha is dropped, as Pillow's convert("RGB") does: colours are not premultiplied */
    MOTE_IMAGE_BGRA8 = 4,
    MOTE_IMAGE_GRAY8 = 5,
    MOTE_IMAGE_NV21 = 6,  /* planes: Y, then V and U interleaved at half width and half height (rounded up) */
    MOTE_IMAGE_NV12 = 7   /* the same with U before V */
} mote_image_format;

/* The caller's pixels, row 0 on top. planes[1] and stride_bytes[1] are used by NV21 and NV12 only. A stride is at least a row's
 * bytes. NV21 and NV12 are full-range BT.601, as JPEG and Android's camera give them. */
typedef struct mote_image {
    size_t struct_size;
    mote_image_format format;
    int32_t width, height;
    const uint8_t *planes[2];
    size_t stride_bytes[2];
} mote_image;
#define MOTE_IMAGE_INIT {sizeof(mote_image), MOTE_IMAGE_RGB8, 0, 0, {NULL, NULL}, {0, 0}}

/* Numbered as Pillow and Hugging Face's `resample`. */
typedef enum mote_resample {
    MOTE_RESAMPLE_NEAREST = 0, MOTE_RESAMPLE_LANCZOS = 1, MOTE_RESAMPLE_BILINEAR = 2, MOTE_RESAMPLE_BICUBIC = 3, MOTE_RESAMPLE_BOX = 4,
    MOTE_RESAMPLE_HAMMING = 5
} mote_resample;

/* Whose bits: Pillow 13 runs the vertical pass first where that is less work, Pillow up to 12 always the horizontal one; a pixel may
 * differ by a step or two. */
typedef enum mote_resize_reference { MOTE_RESIZE_PILLOW12 = 0, MOTE_RESIZE_PILLOW13 = 1 } mote_resize_reference;

/* Resizes 8-bit pixels as Pillow's Image.resize does, bit for bit: antialiased, in fixed point (22 bits), rounded to 8 bits after
 * each pass. `source` is RGB8, BGR8, RGBA8, BGRA8 (alpha is treated as a colour) or GRAY8; `pixels` gets out_width*out_height pixels of the same format, rows
 * stride_bytes apart, and must not overlap it. `allocator` (NULL: malloc) gives scratch memory. Returns MOTE_OK, MOTE_E_ARGUMENT,
 * MOTE_E_UNSUPPORTED (the format), MOTE_E_LIMIT, MOTE_E_MEMORY. Thread-safe. */
MOTE_API mote_status mote_image_resize(const mote_image *source, int32_t out_width, int32_t out_height, mote_resample resample,
                                       mote_resize_reference reference, uint8_t *pixels, size_t stride_bytes,
                                       const mote_allocator *allocator, mote_diag *diag);

#ifdef __cplusplus
}
#endif
#endif
