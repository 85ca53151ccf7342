/* picture_plain.c - BMP (uncompressed) and PNM (P1 to P6) files to 8-bit RGB
 * SPDX-License-Identifier: Apache-2.0
 *
 * BMP: BITMAPFILEHEADER, then BITMAPCOREHEADER or BITMAPINFOHEADER (and its longer forms), 1, 4 or 8 bits with a palette, 24 or 32 bits (the fourth byte is
 * left out), BI_RGB or BI_BITFIELDS with whole bytes as masks. PNM: the netpbm formats, maxval up to 255; samples are scaled to 0..255, half to even. */
#include "base/platform.h"
#include "picture.h"
#include <string.h>

static uint32_t u16(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8; }
static uint32_t u32(const uint8_t *p) { return u16(p) | u16(p + 2) << 16; }

/* ---- BMP ---- */

enum { FILE_HEADER = 14, CORE_HEADER = 12, INFO_HEADER = 40, BI_RGB = 0, BI_BITFIELDS = 3 };

typedef struct bitmap {
    size_t width, height;
    bool top_down;
    unsigned bits, at[3]; /* at: which byte of a pixel is red, green, blue */
    const uint8_t *palette;
    size_t colors, color_bytes;
    const uint8_t *rows;
    size_t stride;
} bitmap;

static mote_status read_masks(const uint8_t *masks, bitmap *b, mote_diag *diag)
{
    for (int c = 0; c < 3; c++) {
        uint32_t m = u32(masks + 4 * c);
        MOTE_REQUIRE(m == 0xffu || m == 0xff00u || m == 0xff0000u || m == 0xff000000u, diag, MOTE_E_UNSUPPORTED, "BMP: a mask of %#x, expected a whole byte", (unsigned)m);
        b->at[c] = m == 0xffu ? 0 : m == 0xff00u ? 1 : m == 0xff0000u ? 2 : 3;
    }
    return MOTE_OK;
}

static mote_status read_header(const uint8_t *p, size_t n, bitmap *b, mote_diag *diag)
{
    MOTE_REQUIRE(n >= FILE_HEADER + CORE_HEADER, diag, MOTE_E_FORMAT, "BMP: %zu bytes", n);
    const size_t offset = u32(p + 10), header = u32(p + 14);
    MOTE_REQUIRE((header == CORE_HEADER || header >= INFO_HEADER) && header <= n - FILE_HEADER, diag, MOTE_E_FORMAT, "BMP: a header of %zu bytes", header);
    uint32_t planes, compression = BI_RGB, used = 0;
    const uint8_t *h = p + FILE_HEADER;
    if (header == CORE_HEADER) {
        b->width = u16(h + 4), b->height = u16(h + 6), planes = u16(h + 8), b->bits = u16(h + 10), b->color_bytes = 3;
    } else {
        const uint32_t width = u32(h + 4), height = u32(h + 8);
        MOTE_REQUIRE(width <= INT32_MAX && height != 0x80000000u, diag, MOTE_E_FORMAT, "BMP: a side of %#x", (unsigned)(width > INT32_MAX ? width : height));
        b->width = width, b->top_down = height > INT32_MAX, b->height = b->top_down ? 0u - height : height;
        planes = u16(h + 12), b->bits = u16(h + 14), compression = u32(h + 16), used = u32(h + 32);
    }
    MOTE_REQUIRE(planes == 1, diag, MOTE_E_FORMAT, "BMP: %u planes, expected 1", (unsigned)planes);
    MOTE_REQUIRE(b->bits == 1 || b->bits == 4 || b->bits == 8 || b->bits == 24 || b->bits == 32, diag, MOTE_E_UNSUPPORTED, "BMP: %u bits a pixel, expected 1, 4, 8, 24 or 32", b->bits);
    MOTE_REQUIRE(compression == BI_RGB || (compression == BI_BITFIELDS && b->bits == 32), diag, MOTE_E_UNSUPPORTED, "BMP: compression %u", (unsigned)compression);
    size_t after = FILE_HEADER + header;
    if (compression == BI_BITFIELDS) {
        MOTE_REQUIRE(FILE_HEADER + INFO_HEADER + 12 <= n, diag, MOTE_E_FORMAT, "BMP: its masks are missing");
        MOTE_TRY(read_masks(h + INFO_HEADER, b, diag));
        after += header == INFO_HEADER ? 12 : 0;
    }
    if (b->bits <= 8) {
        b->colors = used == 0 ? (size_t)1 << b->bits : used;
        MOTE_REQUIRE(b->colors <= (size_t)1 << b->bits && b->colors * b->color_bytes <= n - after, diag, MOTE_E_FORMAT, "BMP: a palette of %zu colours", b->colors);
        b->palette = p + after;
    }
    MOTE_REQUIRE(offset <= n, diag, MOTE_E_FORMAT, "BMP: its pixels begin at byte %zu of %zu", offset, n);
    b->rows = p + offset;
    b->stride = (b->width * b->bits + 31) / 32 * 4;
    MOTE_REQUIRE(b->width > 0 && b->height > 0, diag, MOTE_E_FORMAT, "BMP: a picture of %zu x %zu", b->width, b->height);
    MOTE_REQUIRE(b->stride <= (n - offset) / b->height, diag, MOTE_E_FORMAT, "BMP: %zu x %zu pixels of %u bits in %zu bytes", b->width, b->height, b->bits, n - offset);
    return MOTE_OK;
}

static mote_status bmp_row(const bitmap *b, const uint8_t *row, uint8_t *to, mote_diag *diag)
{
    for (size_t x = 0; x < b->width; x++, to += 3) {
        if (b->bits > 8) {
            const uint8_t *pixel = row + x * (b->bits / 8);
            for (int c = 0; c < 3; c++)
                to[c] = pixel[b->at[c]];
            continue;
        }
        const size_t bit = x * b->bits, index = (unsigned)row[bit / 8] >> (8 - b->bits - bit % 8) & ((1u << b->bits) - 1);
        MOTE_REQUIRE(index < b->colors, diag, MOTE_E_FORMAT, "BMP: colour %zu of a palette of %zu", index, b->colors);
        for (int c = 0; c < 3; c++)
            to[c] = b->palette[index * b->color_bytes + (size_t)(2 - c)];
    }
    return MOTE_OK;
}

mote_status picture_decode_bmp(const void *bytes, size_t n, picture *out, mote_diag *diag)
{
    bitmap b = {.at = {2, 1, 0}, .color_bytes = 4};
    MOTE_TRY(read_header(bytes, n, &b, diag));
    MOTE_TRY(picture_allocate(out, b.width, b.height, n, 8, diag));
    for (size_t y = 0; y < b.height; y++) {
        mote_status status = bmp_row(&b, b.rows + (b.top_down ? y : b.height - 1 - y) * b.stride, out->rgb + y * b.width * 3, diag);
        if (status != MOTE_OK) {
            picture_free(out);
            return status;
        }
    }
    return MOTE_OK;
}

/* ---- PNM ---- */

typedef struct text {
    const uint8_t *p, *end;
} text;

static bool is_space(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* White space, and comments from '#' to the end of the line. */
static void skip(text *t)
{
    for (bool comment = false; t->p < t->end && (comment || is_space(*t->p) || *t->p == '#'); t->p++)
        comment = *t->p == '#' || (comment && *t->p != '\n');
}

static bool number(text *t, uint32_t most, uint32_t *out)
{
    skip(t);
    uint32_t v = 0;
    const uint8_t *first = t->p;
    for (; t->p < t->end && *t->p >= '0' && *t->p <= '9' && v <= most; t->p++)
        v = 10 * v + (uint32_t)(*t->p - '0');
    *out = v;
    return t->p > first && v <= most;
}

/* v of 0..most to 0..255, half to even. */
static uint8_t scaled(uint32_t v, uint32_t most)
{
    const uint32_t q = v * 255 / most, r = 2 * (v * 255 % most);
    return (uint8_t)(q + (r > most || (r == most && q % 2 != 0)));
}

/* One sample: of bits (P1, P4: 1 is black), text or bytes. x, y and channels place it in the raw forms. */
static bool sample(text *t, char kind, uint32_t most, const uint8_t *row, size_t at, uint8_t *out)
{
    uint32_t v;
    if (kind == '4') {
        *out = (row[at / 8] >> (7 - at % 8) & 1) != 0 ? 0 : 255;
        return true;
    }
    if (kind == '1') { /* digits may touch */
        skip(t);
        if (t->p == t->end || (*t->p != '0' && *t->p != '1'))
            return false;
        *out = *t->p++ == '1' ? 0 : 255;
        return true;
    }
    if (kind <= '3') {
        if (!number(t, most, &v))
            return false;
    } else if ((v = row[at]) > most) {
        return false;
    }
    *out = scaled(v, most);
    return true;
}

mote_status picture_decode_pnm(const void *bytes, size_t n, picture *out, mote_diag *diag)
{
    const char kind = ((const char *)bytes)[1];
    text t = {(const uint8_t *)bytes + 2, (const uint8_t *)bytes + n};
    uint32_t width, height, most = 1;
    const bool bits = kind == '1' || kind == '4';
    MOTE_REQUIRE(number(&t, PICTURE_MAX_SIDE, &width) && number(&t, PICTURE_MAX_SIDE, &height) && width > 0 && height > 0, diag, MOTE_E_FORMAT,
                 "PNM: its sides are not two numbers of 1 to %d", PICTURE_MAX_SIDE);
    MOTE_REQUIRE(bits || (number(&t, 65535, &most) && most > 0), diag, MOTE_E_FORMAT, "PNM: its largest value is no number of 1 to 65535");
    MOTE_REQUIRE(most <= 255, diag, MOTE_E_UNSUPPORTED, "PNM: values of two bytes (up to %u)", (unsigned)most);
    const size_t channels = kind == '3' || kind == '6' ? 3 : 1, stride = kind == '4' ? ((size_t)width + 7) / 8 : width * channels;
    if (kind >= '4') {
        MOTE_REQUIRE(t.p < t.end && is_space(*t.p), diag, MOTE_E_FORMAT, "PNM: no space before its pixels");
        t.p++;
        MOTE_REQUIRE(stride <= (size_t)(t.end - t.p) / height, diag, MOTE_E_FORMAT, "PNM: %u x %u pixels in %zu bytes", (unsigned)width, (unsigned)height, (size_t)(t.end - t.p));
    }
    MOTE_TRY(picture_allocate(out, width, height, n, 8, diag));
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++) {
            uint8_t *to = out->rgb + (y * width + x) * 3;
            for (size_t c = 0; c < channels; c++)
                if (!sample(&t, kind, most, kind >= '4' ? t.p + y * stride : NULL, x * channels + c, &to[c])) {
                    picture_free(out);
                    MOTE_FAIL(diag, MOTE_E_FORMAT, "PNM: pixel %zu of row %zu is missing, or beyond %u", x, y, (unsigned)most);
                }
            if (channels == 1)
                to[1] = to[2] = to[0];
        }
    return MOTE_OK;
}
