/* image.c - a picture becomes a tensor: fit, crop, pad, rescale, normalize, layout
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "pipeline/image/image.h"
#include "base/half.h"
#include "base/size.h"
#include "pipeline/image/resize.h"
#include "tensor/dtype.h"
#include <math.h>
#include <string.h>

/* ---- sizes ----------------------------------------------------------------------------------------------------------- */

/* Steps of one picture, in pixels: the picture is scaled to fit_*, whose point (0, 0) then lies at (x, y) of the tensor, out_*. */
typedef struct steps {
    int32_t fit_width, fit_height, x, y, out_width, out_height;
    uint8_t around; /* value where there is no picture */
} steps;

static mote_status check_side(const char *field, int32_t value, bool may_be_zero, mote_diag *diag)
{
    MOTE_REQUIRE(value >= (may_be_zero ? 0 : 1), diag, MOTE_E_ARGUMENT, "image preprocessing: %s is %d, expected %s", field, (int)value,
                 may_be_zero ? "0 (none) or a positive number" : "a positive number");
    MOTE_REQUIRE(value <= MOTE_IMAGE_MAX_SIDE, diag, MOTE_E_LIMIT, "image preprocessing: %s is %d, expected at most %d", field, (int)value,
                 MOTE_IMAGE_MAX_SIDE);
    return MOTE_OK;
}

static mote_status check_prep(const mote_image_prep *p, mote_diag *diag)
{
    MOTE_REQUIRE(p != NULL && p->struct_size >= sizeof(mote_image_prep), diag, MOTE_E_ARGUMENT,
                 "image preprocessing made with MOTE_IMAGE_PREP_INIT is needed");
    MOTE_REQUIRE((unsigned)p->fit <= MOTE_FIT_LETTERBOX, diag, MOTE_E_ARGUMENT, "image preprocessing: fit is %d, expected 0 to 3", (int)p->fit);
    if (p->fit == MOTE_FIT_EXACT || p->fit == MOTE_FIT_LETTERBOX) {
        MOTE_TRY(check_side("width", p->width, false, diag));
        MOTE_TRY(check_side("height", p->height, false, diag));
    } else if (p->fit == MOTE_FIT_SHORTEST_EDGE) {
        MOTE_TRY(check_side("shortest_edge", p->shortest_edge, false, diag));
    }
    MOTE_REQUIRE((p->crop_width == 0) == (p->crop_height == 0), diag, MOTE_E_ARGUMENT,
                 "image preprocessing: crop_width is %d and crop_height %d, expected both or none", (int)p->crop_width, (int)p->crop_height);
    MOTE_TRY(check_side("crop_width", p->crop_width, true, diag));
    MOTE_TRY(check_side("crop_height", p->crop_height, true, diag));
    MOTE_REQUIRE(p->crop_width == 0 || (p->pad_width == 0 && p->pad_height == 0 && p->fit != MOTE_FIT_LETTERBOX), diag, MOTE_E_UNSUPPORTED,
                 "image preprocessing: a center crop together with padding or a letterbox");
    MOTE_TRY(check_side("pad_width", p->pad_width, true, diag));
    MOTE_TRY(check_side("pad_height", p->pad_height, true, diag));
    MOTE_REQUIRE((unsigned)p->resample <= MOTE_RESAMPLE_HAMMING, diag, MOTE_E_ARGUMENT, "image preprocessing: resample is %d, expected 0 to 5",
                 (int)p->resample);
    MOTE_REQUIRE((unsigned)p->reference <= MOTE_RESIZE_PILLOW13, diag, MOTE_E_ARGUMENT, "image preprocessing: reference is %d, expected 0 or 1",
                 (int)p->reference);
    MOTE_REQUIRE((unsigned)p->layout <= MOTE_LAYOUT_NHWC, diag, MOTE_E_ARGUMENT, "image preprocessing: layout is %d, expected 0 or 1", (int)p->layout);
    MOTE_REQUIRE((unsigned)p->channels <= MOTE_CHANNELS_GRAY, diag, MOTE_E_ARGUMENT, "image preprocessing: channels is %d, expected 0 to 2",
                 (int)p->channels);
    MOTE_REQUIRE(!p->rescale || isfinite(p->rescale_factor), diag, MOTE_E_ARGUMENT, "image preprocessing: rescale_factor is %g, expected a finite number",
                 p->rescale_factor);
    for (size_t c = 0; p->normalize && c < (p->channels == MOTE_CHANNELS_GRAY ? 1u : 3u); c++) {
        MOTE_REQUIRE(isfinite(p->mean[c]), diag, MOTE_E_ARGUMENT, "image preprocessing: mean[%zu] is %g, expected a finite number", c, p->mean[c]);
        MOTE_REQUIRE(isfinite(p->std[c]) && (float)p->std[c] > 0, diag, MOTE_E_ARGUMENT, "image preprocessing: std[%zu] is %g, expected a positive number",
                     c, p->std[c]);
    }
    return MOTE_OK;
}

/* floor(a/2), of negative numbers too. */
MOTE_INLINE int32_t half_down(int32_t a) { return a >= 0 ? a / 2 : -((1 - a) / 2); }

static mote_status plan(const mote_image_prep *p, int32_t width, int32_t height, steps *s, mote_diag *diag)
{
    MOTE_TRY(check_prep(p, diag));
    MOTE_REQUIRE(width > 0 && height > 0 && width <= MOTE_IMAGE_MAX_SIDE && height <= MOTE_IMAGE_MAX_SIDE, diag, MOTE_E_ARGUMENT,
                 "image is %dx%d, expected sides of 1 to %d", (int)width, (int)height, MOTE_IMAGE_MAX_SIDE);
    *s = (steps){width, height, 0, 0, width, height, p->pad_value};
    if (p->fit == MOTE_FIT_EXACT) {
        s->fit_width = p->width;
        s->fit_height = p->height;
    } else if (p->fit == MOTE_FIT_SHORTEST_EDGE) {
        const int64_t shorter = width < height ? width : height, longer = width < height ? height : width;
        const int64_t side = (int64_t)((double)p->shortest_edge * (double)longer / (double)shorter);
        MOTE_REQUIRE(side <= MOTE_IMAGE_MAX_SIDE, diag, MOTE_E_LIMIT, "an image of %dx%d with a shortest edge of %d would be longer than %d", (int)width,
                     (int)height, (int)p->shortest_edge, MOTE_IMAGE_MAX_SIDE);
        s->fit_width = width <= height ? p->shortest_edge : (int32_t)side;
        s->fit_height = width <= height ? (int32_t)side : p->shortest_edge;
    } else if (p->fit == MOTE_FIT_LETTERBOX) {
        const double across = (double)p->width / width, down = (double)p->height / height, scale = across < down ? across : down;
        s->fit_width = (int32_t)fmin(fmax(rint(width * scale), 1), p->width);
        s->fit_height = (int32_t)fmin(fmax(rint(height * scale), 1), p->height);
        s->x = (p->width - s->fit_width) / 2;
        s->y = (p->height - s->fit_height) / 2;
    }
    s->out_width = p->fit == MOTE_FIT_LETTERBOX ? p->width : s->fit_width;
    s->out_height = p->fit == MOTE_FIT_LETTERBOX ? p->height : s->fit_height;
    if (p->crop_width > 0) {
        s->around = 0;
        s->x -= half_down(s->out_width - p->crop_width);
        s->y -= half_down(s->out_height - p->crop_height);
        s->out_width = p->crop_width;
        s->out_height = p->crop_height;
    }
    s->out_width = p->pad_width > s->out_width ? p->pad_width : s->out_width;
    s->out_height = p->pad_height > s->out_height ? p->pad_height : s->out_height;
    MOTE_REQUIRE((int64_t)s->fit_width * s->fit_height <= MOTE_IMAGE_MAX_PIXELS && (int64_t)s->out_width * s->out_height <= MOTE_IMAGE_MAX_PIXELS, diag, MOTE_E_LIMIT,
                 "image of %dx%d: preprocessing resizes it to %dx%d and makes a tensor of %dx%d, expected at most %d pixels", (int)width, (int)height,
                 (int)s->fit_width, (int)s->fit_height, (int)s->out_width, (int)s->out_height, MOTE_IMAGE_MAX_PIXELS);
    return MOTE_OK;
}

static mote_status fill_map(const mote_image_prep *p, int32_t width, int32_t height, steps *s, mote_image_map *map, mote_diag *diag)
{
    MOTE_TRY(plan(p, width, height, s, diag));
    if (map != NULL) {
        MOTE_REQUIRE(map->struct_size >= sizeof(mote_image_map), diag, MOTE_E_ARGUMENT, "a map made with MOTE_IMAGE_MAP_INIT is needed");
        map->scale_x = (double)s->fit_width / width;
        map->scale_y = (double)s->fit_height / height;
        map->offset_x = s->x;
        map->offset_y = s->y;
        map->width = s->out_width;
        map->height = s->out_height;
    }
    return MOTE_OK;
}

mote_status mote_image_prep_map(const mote_image_prep *prep, int32_t width, int32_t height, mote_image_map *map, mote_diag *diag)
{
    steps s;
    MOTE_REQUIRE(map != NULL, diag, MOTE_E_ARGUMENT, "a map made with MOTE_IMAGE_MAP_INIT is needed");
    return fill_map(prep, width, height, &s, map, diag);
}

/* ---- values ------------------------------------------------------------------------------------------------------------ */

/* Elements of the tensor by channel and pixel value. */
typedef union values {
    uint8_t b8[3][256];
    uint16_t b16[3][256];
    uint32_t b32[3][256];
} values;

static void fill_values(const mote_image_prep *p, mote_dtype dtype, size_t channels, values *v)
{
    for (size_t c = 0; c < channels; c++) {
        const float mean = (float)p->mean[c], std = (float)p->std[c];
        for (unsigned i = 0; i < 256; i++) {
            float x = p->rescale ? (float)(i * p->rescale_factor) : (float)i;
            if (p->normalize)
                x = (x - mean) / std;
            switch (dtype) {
            case MOTE_DTYPE_U8: v->b8[c][i] = (uint8_t)i; break;
            case MOTE_DTYPE_F16: v->b16[c][i] = mote_f16_from_f32(x); break;
            case MOTE_DTYPE_BF16: v->b16[c][i] = mote_bf16_from_f32(x); break;
            default: v->b32[c][i] = mote_f32_bits(x); break;
            }
        }
    }
}

#define WRITE_ROWS(type, table)                                                                                                            \
    for (size_t y = 0; y < out_h; y++)                                                                                                     \
        for (size_t c = 0; c < channels; c++) {                                                                                            \
            const size_t from = p->channels == MOTE_CHANNELS_BGR ? 2 - c : c;                                                              \
            type *o = (type *)data + (planar ? (c * out_h + y) * out_w : y * out_w * channels + c);                                        \
            const int64_t row = (int64_t)y - s->y;                                                                                         \
            const bool inside = row >= 0 && row < s->fit_height;                                                                           \
            const uint8_t *in = pixels + (inside ? (size_t)row * stride : 0);                                                              \
            for (size_t x = 0; x < out_w; x++) {                                                                                           \
                const int64_t column = (int64_t)x - s->x;                                                                                  \
                const bool there = inside && column >= 0 && column < s->fit_width;                                                         \
                o[x * step] = (table)[c][there ? in[(size_t)column * channels + from] : s->around];                                        \
            }                                                                                                                              \
        }

static void write_pixels(const mote_image_prep *p, const steps *s, const uint8_t *pixels, size_t stride, size_t channels, mote_dtype dtype, void *data)
{
    values v;
    fill_values(p, dtype, channels, &v);
    const bool planar = p->layout == MOTE_LAYOUT_NCHW;
    const size_t out_w = (size_t)s->out_width, out_h = (size_t)s->out_height, step = planar ? 1 : channels;
    if (dtype == MOTE_DTYPE_U8) {
        WRITE_ROWS(uint8_t, v.b8)
    } else if (dtype == MOTE_DTYPE_F32) {
        WRITE_ROWS(uint32_t, v.b32)
    } else {
        WRITE_ROWS(uint16_t, v.b16)
    }
}

static mote_status check_tensor(const mote_image_prep *p, const steps *s, int64_t channels, const mote_tensor *t, size_t index, size_t *at, mote_diag *diag)
{
    MOTE_REQUIRE(t != NULL && t->struct_size >= sizeof(mote_tensor) && t->buffer != NULL, diag, MOTE_E_ARGUMENT, "a tensor in host memory is needed");
    const bool plain = !p->rescale && !p->normalize;
    MOTE_REQUIRE(t->dtype == MOTE_DTYPE_F32 || t->dtype == MOTE_DTYPE_F16 || t->dtype == MOTE_DTYPE_BF16 || (t->dtype == MOTE_DTYPE_U8 && plain), diag,
                 MOTE_E_DTYPE, "image input is %s%s, expected float32, float16, bfloat16 or, without rescale and normalize, uint8",
                 mote_dtype_name(t->dtype), plain ? "" : " and values are rescaled or normalized");
    const bool planar = p->layout == MOTE_LAYOUT_NCHW;
    const int64_t want[3] = {planar ? channels : s->out_height, planar ? s->out_height : s->out_width, planar ? s->out_width : channels};
    const int64_t *dims = t->rank == 4 ? t->shape + 1 : t->shape;
    MOTE_REQUIRE(t->rank == 3 || t->rank == 4, diag, MOTE_E_SHAPE, "image input has rank %d, expected 3 or 4", (int)t->rank);
    MOTE_REQUIRE(dims[0] == want[0] && dims[1] == want[1] && dims[2] == want[2], diag, MOTE_E_SHAPE,
                 "image input is [%lld,%lld,%lld] without the batch, but preprocessing makes [%lld,%lld,%lld] (%s)", (long long)dims[0], (long long)dims[1],
                 (long long)dims[2], (long long)want[0], (long long)want[1], (long long)want[2], planar ? "channels, height, width" : "height, width, channels");
    const int64_t batch = t->rank == 4 ? t->shape[0] : 1;
    MOTE_REQUIRE(batch > 0 && index < (size_t)batch, diag, MOTE_E_SHAPE, "picture %zu of a batch of %lld", index, (long long)batch);
    size_t one = mote_dtype_bits(t->dtype) / 8, all;
    for (size_t i = 0; i < 3; i++)
        MOTE_REQUIRE(mote_size_mul(one, (size_t)want[i], &one), diag, MOTE_E_LIMIT, "image input is too large");
    MOTE_REQUIRE(mote_size_mul(one, (size_t)batch, &all) && all <= t->bytes, diag, MOTE_E_SHAPE, "image input has %zu bytes of memory for %lld pictures of %zu",
                 t->bytes, (long long)batch, one);
    *at = t->offset + one * index;
    MOTE_REQUIRE(((uintptr_t)t->buffer + *at) % (mote_dtype_bits(t->dtype) / 8) == 0, diag, MOTE_E_ARGUMENT, "image input is not aligned for its type");
    return MOTE_OK;
}

mote_status mote_image_to_tensor(const mote_image *image, const mote_image_prep *prep, mote_tensor *out, size_t index, mote_image_map *map,
                                 const mote_allocator *allocator, mote_diag *diag)
{
    MOTE_TRY(mote_image_check(image, diag));
    steps s;
    size_t at = 0;
    MOTE_TRY(fill_map(prep, image->width, image->height, &s, map, diag));
    const int32_t channels = prep->channels == MOTE_CHANNELS_GRAY ? 1 : 3;
    MOTE_TRY(check_tensor(prep, &s, channels, out, index, &at, diag));

    mote_heap heap;
    mote_heap_init(&heap, allocator, 0);
    const uint8_t *pixels = image->planes[0];
    size_t stride = image->stride_bytes[0], converted_bytes = 0, fitted_bytes = 0;
    uint8_t *converted = NULL, *fitted = NULL;
    mote_status status = MOTE_OK;
    if (image->format != (channels == 1 ? MOTE_IMAGE_GRAY8 : MOTE_IMAGE_RGB8)) {
        stride = (size_t)image->width * (size_t)channels;
        if (mote_size_mul(stride, (size_t)image->height, &converted_bytes))
            converted = mote_heap_alloc(&heap, converted_bytes);
        if (converted == NULL)
            return MOTE_NO_MEMORY(diag, converted_bytes);
        mote_image_convert(image, channels, converted);
        pixels = converted;
    }
    if (s.fit_width != image->width || s.fit_height != image->height) {
        const size_t row = (size_t)s.fit_width * (size_t)channels;
        if (mote_size_mul(row, (size_t)s.fit_height, &fitted_bytes))
            fitted = mote_heap_alloc(&heap, fitted_bytes);
        if (fitted == NULL) {
            status = MOTE_NO_MEMORY(diag, fitted_bytes);
        } else {
            const mote_resize r = {.in = pixels, .in_stride = stride, .in_width = image->width, .in_height = image->height, .out = fitted,
                                   .out_stride = row, .out_width = s.fit_width, .out_height = s.fit_height, .channels = channels,
                                   .resample = prep->resample, .reference = prep->reference};
            status = mote_resize_run(&r, &heap, diag);
        }
        pixels = fitted;
        stride = row;
    }
    if (status == MOTE_OK)
        write_pixels(prep, &s, pixels, stride, (size_t)channels, out->dtype, (uint8_t *)out->buffer + at);
    mote_heap_free(&heap, fitted, fitted_bytes);
    mote_heap_free(&heap, converted, converted_bytes);
    return status;
}
