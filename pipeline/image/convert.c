/* convert.c - pictures of the caller: checks, conversion to packed RGB or gray
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "pipeline/image/image.h"
#include <string.h>

static const struct {
    const char *name;
    uint8_t bytes, r, g, b; /* of a pixel: length and places of the colours */
} formats[] = {
    {"", 0, 0, 0, 0},      {"RGB8", 3, 0, 1, 2},  {"BGR8", 3, 2, 1, 0}, {"RGBA8", 4, 0, 1, 2},
    {"BGRA8", 4, 2, 1, 0}, {"GRAY8", 1, 0, 0, 0}, {"NV21", 1, 0, 0, 0}, {"NV12", 1, 0, 0, 0},
};

mote_status mote_image_check(const mote_image *image, mote_diag *diag)
{
    MOTE_REQUIRE(image != NULL && image->struct_size >= sizeof(mote_image), diag, MOTE_E_ARGUMENT, "an image made with MOTE_IMAGE_INIT is needed");
    MOTE_REQUIRE(image->format >= MOTE_IMAGE_RGB8 && image->format <= MOTE_IMAGE_NV12, diag, MOTE_E_ARGUMENT, "image format is %d, expected 1 to 7",
                 (int)image->format);
    MOTE_REQUIRE(image->width > 0 && image->height > 0, diag, MOTE_E_ARGUMENT, "image is %dx%d: sides are positive", (int)image->width,
                 (int)image->height);
    MOTE_REQUIRE(image->width <= MOTE_IMAGE_MAX_SIDE && image->height <= MOTE_IMAGE_MAX_SIDE, diag, MOTE_E_LIMIT,
                 "image is %dx%d: sides are at most %d", (int)image->width, (int)image->height, MOTE_IMAGE_MAX_SIDE);
    const size_t row = (size_t)image->width * formats[image->format].bytes;
    MOTE_REQUIRE(image->planes[0] != NULL && image->stride_bytes[0] >= row, diag, MOTE_E_ARGUMENT,
                 "%s image: %s%zu bytes between rows, expected at least %zu", formats[image->format].name,
                 image->planes[0] == NULL ? "no pixels; " : "", image->stride_bytes[0], row);
    if (image->format >= MOTE_IMAGE_NV21) {
        const size_t chroma = ((size_t)image->width + 1) / 2 * 2;
        MOTE_REQUIRE(image->planes[1] != NULL && image->stride_bytes[1] >= chroma, diag, MOTE_E_ARGUMENT,
                     "%s image: %s%zu bytes between rows of plane 1, expected at least %zu", formats[image->format].name,
                     image->planes[1] == NULL ? "no colours; " : "", image->stride_bytes[1], chroma);
    }
    return MOTE_OK;
}

MOTE_INLINE uint8_t clip(int32_t x) { return (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x); }

MOTE_INLINE uint8_t gray(uint32_t r, uint32_t g, uint32_t b) { return (uint8_t)((19595u * r + 38470u * g + 7471u * b + 32768u) >> 16); }

/* Weights are round(65536 * {1.402, 0.344136, 0.714136, 1.772}); shifts of negative numbers round down. */
static void yuv_row(const mote_image *image, size_t y, uint8_t *out)
{
    const uint8_t *luma = image->planes[0] + y * image->stride_bytes[0], *chroma = image->planes[1] + y / 2 * image->stride_bytes[1];
    const size_t u_at = image->format == MOTE_IMAGE_NV12 ? 0 : 1;
    for (size_t x = 0; x < (size_t)image->width; x++, out += 3) {
        const int32_t l = luma[x], u = chroma[(x & ~(size_t)1) + u_at] - 128, v = chroma[(x & ~(size_t)1) + 1 - u_at] - 128;
        out[0] = clip(l + ((91881 * v + 32768) >> 16));
        out[1] = clip(l + ((-22554 * u - 46802 * v + 32768) >> 16));
        out[2] = clip(l + ((116130 * u + 32768) >> 16));
    }
}

static void to_gray(const mote_image *image, uint8_t *out)
{
    const size_t w = (size_t)image->width, bytes = formats[image->format].bytes;
    const size_t r = formats[image->format].r, g = formats[image->format].g, b = formats[image->format].b;
    for (size_t y = 0; y < (size_t)image->height; y++, out += w) {
        const uint8_t *p = image->planes[0] + y * image->stride_bytes[0];
        if (bytes == 1) /* gray, or the luma plane */
            memcpy(out, p, w);
        else
            for (size_t x = 0; x < w; x++, p += bytes)
                out[x] = gray(p[r], p[g], p[b]);
    }
}

void mote_image_convert(const mote_image *image, int32_t channels, uint8_t *out)
{
    if (channels == 1) {
        to_gray(image, out);
        return;
    }
    const size_t w = (size_t)image->width, bytes = formats[image->format].bytes;
    const size_t r = formats[image->format].r, g = formats[image->format].g, b = formats[image->format].b;
    for (size_t y = 0; y < (size_t)image->height; y++, out += w * 3) {
        const uint8_t *p = image->planes[0] + y * image->stride_bytes[0];
        if (image->format >= MOTE_IMAGE_NV21) {
            yuv_row(image, y, out);
            continue;
        }
        for (size_t x = 0; x < w; x++, p += bytes) {
            out[3 * x] = p[r];
            out[3 * x + 1] = p[g];
            out[3 * x + 2] = p[b];
        }
    }
}
