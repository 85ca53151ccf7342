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
/* What preprocessing makes of it, resized and as a tensor, has at most so many pixels. */
#define MOTE_IMAGE_MAX_PIXELS (1 << 27)

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
 * each pass. `source` is RGB8, BGR8, RGBA8, BGRA8 (alpha is treated as a colour) or GRAY8;
 * `pixels` gets out_width*out_height pixels of the same format, rows stride_bytes apart, and must not overlap it. `allocator` (NULL: malloc) gives scratch memory. Returns MOTE_OK, MOTE_E_ARGUMENT,
 * MOTE_E_UNSUPPORTED (the format), MOTE_E_LIMIT, MOTE_E_MEMORY. Thread-safe. */
MOTE_API mote_status mote_image_resize(const mote_image *source, int32_t out_width, int32_t out_height, mote_resample resample,
                                       mote_resize_reference reference, uint8_t *pixels, size_t stride_bytes,
                                       const mote_allocator *allocator, mote_diag *diag);

typedef enum mote_image_fit {
    MOTE_FIT_NONE = 0,
    MOTE_FIT_EXACT = 1,         /* to width x height, whatever the proportions */
    MOTE_FIT_SHORTEST_EDGE = 2, /* the shorter side becomes shortest_edge, the longer one floor(shortest_edge*longer/shorter) */
    MOTE_FIT_LETTERBOX = 3      /* the largest that fits width x height, sides rounded half to even; the rest is pad_value, the picture centered
                                   (an odd pixel goes to the right, to the bottom) */
} mote_image_fit;

typedef enum mote_image_layout { MOTE_LAYOUT_NCHW = 0, MOTE_LAYOUT_NHWC = 1 } mote_image_layout;
typedef enum mote_image_channels { MOTE_CHANNELS_RGB = 0, MOTE_CHANNELS_BGR = 1, MOTE_CHANNELS_GRAY = 2 } mote_image_channels;

/* How a picture becomes a tensor. Steps, in this order, each left out by its zero: colour conversion, fit, center crop, padding, then for a
 * value x of 0..255 in channel c: f32(x * rescale_factor), then (that - f32(mean[c])) / f32(std[c]) in f32: what Hugging Face's
 * image processors compute with numpy. mean and std are in the tensor's channel order. */
typedef struct mote_image_prep {
    size_t struct_size;
    mote_image_fit fit;
    int32_t width, height;     /* of EXACT and LETTERBOX */
    int32_t shortest_edge;
    mote_resample resample;
    mote_resize_reference reference;
    int32_t crop_width, crop_height; /* 0: none. From floor((side - crop)/2); what lies outside the picture is 0 */
    int32_t pad_width, pad_height;   /* 0: none. Pads to at least this with pad_value on the right and at the bottom; not with a crop */
    uint8_t pad_value;
    bool rescale, normalize;
    double rescale_factor;
    double mean[3], std[3];
    mote_image_layout layout;
    mote_image_channels channels;
} mote_image_prep;
#define MOTE_IMAGE_PREP_INIT                                                                                                          \
    {sizeof(mote_image_prep), MOTE_FIT_NONE, 0, 0, 0, MOTE_RESAMPLE_BILINEAR, MOTE_RESIZE_PILLOW13, 0, 0, 0, 0, 0, false, false, 1.0,    \
     {0, 0, 0}, {1, 1, 1}, MOTE_LAYOUT_NCHW, MOTE_CHANNELS_RGB}

/* Where a picture's point went: x_tensor = x*scale_x + offset_x, the same for y. */
typedef struct mote_image_map {
    size_t struct_size;
    double scale_x, scale_y, offset_x, offset_y;
    int32_t width, height; /* of the tensor */
} mote_image_map;
#define MOTE_IMAGE_MAP_INIT {sizeof(mote_image_map), 1, 1, 0, 0, 0, 0}

/* The tensor's size for a picture of width x height, in map->width and map->height, and the rest of *map. Returns MOTE_OK, MOTE_E_ARGUMENT (a
 * field of `prep` out of its domain, named in diag), MOTE_E_LIMIT. */
MOTE_API mote_status mote_image_prep_map(const mote_image_prep *prep, int32_t width, int32_t height, mote_image_map *map, mote_diag *diag);

/* Writes picture number `index` of the batch `out`: [n,c,h,w] or [n,h,w,c] as the layout says, or without n; float32, float16, bfloat16 or
 * (without rescale and normalize) uint8, in host memory. `map` (may be NULL) gets where points went. Returns MOTE_OK, MOTE_E_ARGUMENT,
 * MOTE_E_UNSUPPORTED (a crop with padding or a letterbox), MOTE_E_SHAPE (the tensor's size is not what `prep` makes), MOTE_E_DTYPE, MOTE_E_LIMIT, MOTE_E_MEMORY (`allocator`, NULL: malloc, gives the
 * scratch memory: at most the picture in RGB, its resized form and one of the two with one side resized). Thread-safe. */
MOTE_API mote_status mote_image_to_tensor(const mote_image *image, const mote_image_prep *prep, mote_tensor *out, size_t index,
                                          mote_image_map *map, const mote_allocator *allocator, mote_diag *diag);

#ifdef __cplusplus
}
#endif
#endif
