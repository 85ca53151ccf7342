/* picture.c - JPEG (libjpeg-turbo) and PNG (libspng) files to and from 8-bit RGB
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "picture.h"
#include "base/size.h"
#include "files.h"
#include <setjmp.h>
#include <spng.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

enum {
    FILE_LIMIT = 256 << 20,
    JPEG_PIXELS_A_BYTE = 512, /* a block of 64 pixels takes at least a bit for its DC */
    PNG_PIXELS_A_BYTE = 8320, /* deflate makes at most 1032 bytes of one (1040 with headroom for its header), of 8 pixels at one bit each */
    /* what a second can decode */
    PNG_BYTES = 160000000,      /* 53 megapixels of RGB, 20 of RGBA at 16 bits */
    JPEG_SCANNED = 800000000,   /* pixels, counted once for each scan: 66 megapixels of 12 scans */
    JPEG_BLOCK = 32             /* the most pixels that sampling can round a side up to */
};

void picture_free(picture *p)
{
    free(p->rgb);
    *p = (picture){NULL, 0, 0};
}

mote_status picture_allocate(picture *p, size_t width, size_t height, size_t bytes, size_t most, mote_diag *diag)
{
    MOTE_REQUIRE(width > 0 && height > 0, diag, MOTE_E_FORMAT, "a picture of %zu x %zu", width, height);
    size_t pixels;
    MOTE_REQUIRE(width <= PICTURE_MAX_SIDE && height <= PICTURE_MAX_SIDE && mote_size_mul(width, height, &pixels) && pixels <= PICTURE_MAX_PIXELS, diag,
                 MOTE_E_LIMIT, "a picture of %zu x %zu: at most %d a side and %d pixels", width, height, PICTURE_MAX_SIDE, PICTURE_MAX_PIXELS);
    MOTE_REQUIRE(pixels / most <= bytes, diag, MOTE_E_FORMAT, "a picture of %zu x %zu in a file of %zu bytes", width, height, bytes);
    p->rgb = malloc(pixels * 3);
    if (p->rgb == NULL)
        return MOTE_NO_MEMORY(diag, pixels * 3);
    p->width = width;
    p->height = height;
    return MOTE_OK;
}

/* ---- JPEG ---- */

typedef struct jpeg_failure {
    struct jpeg_error_mgr base; /* first: libjpeg knows only this part */
    jmp_buf back;
    char message[JMSG_LENGTH_MAX];
    bool warned, limit;
} jpeg_failure;

static void jpeg_exit(j_common_ptr info)
{
    jpeg_failure *f = (jpeg_failure *)(void *)info->err;
    f->base.format_message(info, f->message);
    longjmp(f->back, 1);
}

static void jpeg_message(j_common_ptr info, int level)
{
    if (level < 0 && !((jpeg_failure *)(void *)info->err)->warned) {
        jpeg_failure *f = (jpeg_failure *)(void *)info->err;
        f->base.format_message(info, f->message);
        f->warned = true;
    }
}

/* Before each row of blocks that is read: a scan costs little file and a pass over the whole picture. */
static void jpeg_progress(j_common_ptr common)
{
    j_decompress_ptr info = (j_decompress_ptr)common;
    const uint64_t width = (info->image_width + JPEG_BLOCK - 1) / JPEG_BLOCK * JPEG_BLOCK, height = (info->image_height + JPEG_BLOCK - 1) / JPEG_BLOCK * JPEG_BLOCK;
    if ((uint64_t)info->input_scan_number * width * height <= JPEG_SCANNED)
        return;
    jpeg_failure *f = (jpeg_failure *)(void *)info->err;
    f->limit = true;
    snprintf(f->message, sizeof f->message, "%d scans over %u x %u pixels: at most %d pixels, counted in each scan", info->input_scan_number, (unsigned)info->image_width,
             (unsigned)info->image_height, JPEG_SCANNED);
    longjmp(f->back, 1);
}

static unsigned char mul_255(unsigned a, unsigned b)
{
    const unsigned t = a * b + 128;
    return (unsigned char)(((t >> 8) + t) >> 8);
}

/* A row of inks, inverted as Adobe's programs write them and readers take every such file, to RGB. */
static void inks_to_rgb(unsigned char *to, const unsigned char *inks, size_t width)
{
    for (size_t x = 0; x < width; x++, inks += 4, to += 3)
        for (int c = 0; c < 3; c++) /* of the light that the black lets through, what the ink does not take: never negative */
            to[c] = (unsigned char)(inks[3] - mul_255(255u - inks[c], inks[3]));
}

static mote_status decode_jpeg(const void *bytes, size_t n, picture *out, mote_diag *diag)
{
    struct jpeg_decompress_struct info;
    jpeg_failure failure;
    memset(&info, 0, sizeof info);
    memset(&failure, 0, sizeof failure);
    info.err = jpeg_std_error(&failure.base);
    failure.base.error_exit = jpeg_exit;
    failure.base.emit_message = jpeg_message;
    volatile mote_status status = MOTE_OK;
    if (setjmp(failure.back) != 0) {
        jpeg_destroy_decompress(&info);
        picture_free(out);
        MOTE_FAIL(diag, failure.limit ? MOTE_E_LIMIT : MOTE_E_FORMAT, "JPEG: %s", failure.message);
    }
    jpeg_create_decompress(&info);
    struct jpeg_progress_mgr progress = {.progress_monitor = jpeg_progress};
    info.progress = &progress;
    info.mem->max_memory_to_use = 512l << 20;
    jpeg_mem_src(&info, (const unsigned char *)bytes, (unsigned long)n);
    jpeg_read_header(&info, TRUE);
    const bool inks = info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
    info.out_color_space = inks ? JCS_CMYK : JCS_RGB;
    status = picture_allocate(out, info.image_width, info.image_height, n, JPEG_PIXELS_A_BYTE, diag);
    if (status == MOTE_OK) {
        JSAMPARRAY four = inks ? info.mem->alloc_sarray((j_common_ptr)&info, JPOOL_IMAGE, info.image_width * 4, 1) : NULL;
        jpeg_start_decompress(&info);
        while (info.output_scanline < info.output_height) {
            JSAMPROW row = out->rgb + (size_t)info.output_scanline * out->width * 3;
            const JDIMENSION read = jpeg_read_scanlines(&info, inks ? four : &row, 1);
            if (inks && read == 1)
                inks_to_rgb(row, four[0], out->width);
        }
        jpeg_finish_decompress(&info);
        if (failure.warned && strstr(failure.message, "Premature") != NULL)
            status = mote_fail(diag, MOTE_E_FORMAT, "JPEG: %s", failure.message);
    }
    jpeg_destroy_decompress(&info);
    if (status != MOTE_OK)
        picture_free(out);
    return status;
}

/* ---- PNG ---- */

/* What decoding costs: the bytes that the picture has as stored, or as RGB where that is more; interlaced pixels below a byte are placed one by one. */
static mote_status check_cost(const struct spng_ihdr *h, mote_diag *diag)
{
    static const unsigned char channels[] = {[SPNG_COLOR_TYPE_GRAYSCALE] = 1, [SPNG_COLOR_TYPE_TRUECOLOR] = 3, [SPNG_COLOR_TYPE_INDEXED] = 1, [SPNG_COLOR_TYPE_GRAYSCALE_ALPHA] = 2, [SPNG_COLOR_TYPE_TRUECOLOR_ALPHA] = 4};
    const uint64_t bits = (uint64_t)channels[h->color_type] * h->bit_depth, each = bits > 24 ? bits / 8 : h->interlace_method != 0 && h->bit_depth < 8 ? 6 : 3;
    const uint64_t bytes = (uint64_t)h->width * h->height * each;
    MOTE_REQUIRE(bytes <= PNG_BYTES, diag, MOTE_E_LIMIT, "PNG: %u x %u pixels of %u bits%s are %llu bytes to decode: at most %d", (unsigned)h->width, (unsigned)h->height,
                 (unsigned)bits, h->interlace_method != 0 ? ", interlaced," : "", (unsigned long long)bytes, PNG_BYTES);
    return MOTE_OK;
}

static mote_status decode_png(const void *bytes, size_t n, picture *out, mote_diag *diag)
{
    spng_ctx *c = spng_ctx_new(0);
    if (c == NULL)
        return MOTE_NO_MEMORY(diag, sizeof(void *));
    struct spng_ihdr head;
    spng_set_image_limits(c, PICTURE_MAX_SIDE, PICTURE_MAX_SIDE);
    spng_set_chunk_limits(c, 64u << 20, 64u << 20);
    int error = spng_set_png_buffer(c, bytes, n);
    if (error == 0)
        error = spng_get_ihdr(c, &head);
    mote_status status = MOTE_OK;
    if (error != 0)
        status = mote_fail(diag, error == SPNG_EUSER_WIDTH || error == SPNG_EUSER_HEIGHT ? MOTE_E_LIMIT : MOTE_E_FORMAT, "PNG: %s", spng_strerror(error));
    if (status == MOTE_OK)
        status = check_cost(&head, diag);
    if (status == MOTE_OK)
        status = picture_allocate(out, head.width, head.height, n, PNG_PIXELS_A_BYTE, diag);
    size_t size;
    if (status == MOTE_OK) {
        error = spng_decoded_image_size(c, SPNG_FMT_RGB8, &size);
        if (error == 0 && size != out->width * out->height * 3)
            status = mote_fail(diag, MOTE_E_INTERNAL, "PNG: %zu bytes decoded", size);
        if (error == 0 && status == MOTE_OK)
            error = spng_decode_image(c, out->rgb, size, SPNG_FMT_RGB8, 0);
        if (error != 0)
            status = mote_fail(diag, MOTE_E_FORMAT, "PNG: %s", spng_strerror(error));
    }
    spng_ctx_free(c);
    if (status != MOTE_OK)
        picture_free(out);
    return status;
}

/* The name of a format that is not read; NULL: it is none of those either. */
static const char *other_format(const unsigned char *b, size_t n)
{
    if (n >= 12 && memcmp(b, "RIFF", 4) == 0 && memcmp(b + 8, "WEBP", 4) == 0)
        return "WebP";
    if (n >= 4 && (memcmp(b, "II*\0", 4) == 0 || memcmp(b, "MM\0*", 4) == 0))
        return "TIFF";
    if (n >= 8 && (memcmp(b, "\0\0\0\fjP  ", 8) == 0 || memcmp(b, "\xff\x4f\xff\x51", 4) == 0))
        return "JPEG 2000";
    if (n >= 4 && memcmp(b, "GIF8", 4) == 0)
        return "GIF";
    return NULL;
}

mote_status picture_decode(const void *bytes, size_t n, picture *out, mote_diag *diag)
{
    *out = (picture){NULL, 0, 0};
    const unsigned char *b = bytes;
    if (n >= 3 && b[0] == 0xff && b[1] == 0xd8 && b[2] == 0xff)
        return decode_jpeg(bytes, n, out, diag);
    if (n >= 8 && memcmp(b, "\x89PNG\r\n\x1a\n", 8) == 0)
        return decode_png(bytes, n, out, diag);
    if (n >= 2 && b[0] == 'B' && b[1] == 'M')
        return picture_decode_bmp(bytes, n, out, diag);
    if (n >= 3 && b[0] == 'P' && b[1] >= '1' && b[1] <= '6')
        return picture_decode_pnm(bytes, n, out, diag);
    const char *what = other_format(b, n);
    MOTE_REQUIRE(what == NULL, diag, MOTE_E_UNSUPPORTED, "a %s, which is not decoded here: JPEG, PNG, BMP and PNM are", what);
    MOTE_FAIL(diag, MOTE_E_FORMAT, "not a JPEG, PNG, BMP or PNM");
}

mote_status picture_read(const char *path, picture *out, mote_diag *diag)
{
    void *bytes;
    size_t n;
    *out = (picture){NULL, 0, 0};
    MOTE_TRY(file_read(path, FILE_LIMIT, &bytes, &n, diag));
    mote_status status = picture_decode(bytes, n, out, diag);
    free(bytes);
    return status;
}

mote_status picture_write_png(const char *path, const picture *p, bool overwrite, mote_diag *diag)
{
    spng_ctx *c = spng_ctx_new(SPNG_CTX_ENCODER);
    if (c == NULL)
        return MOTE_NO_MEMORY(diag, sizeof(void *));
    struct spng_ihdr head = {(uint32_t)p->width, (uint32_t)p->height, 8, SPNG_COLOR_TYPE_TRUECOLOR, 0, 0, 0};
    size_t n = 0;
    void *bytes = NULL;
    spng_set_option(c, SPNG_ENCODE_TO_BUFFER, 1);
    int error = spng_set_ihdr(c, &head);
    if (error == 0)
        error = spng_encode_image(c, p->rgb, p->width * p->height * 3, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE);
    if (error == 0)
        bytes = spng_get_png_buffer(c, &n, &error);
    mote_status status = bytes == NULL ? mote_fail(diag, MOTE_E_IO, "%s: PNG: %s", path, spng_strerror(error)) : file_write(path, bytes, n, overwrite, diag);
    free(bytes);
    spng_ctx_free(c);
    return status;
}
