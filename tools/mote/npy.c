/* npy.c - parsing and writing the .npy format (numpy.lib.format, versions 1 to 3)
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "npy.h"
#include "npy_write.h"
#include "base/size.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_HEADER = 1 << 16 };

typedef struct header {
    char descr[16];
    bool fortran;
    int32_t rank;
    int64_t dims[MOTE_MAX_RANK];
} header;

typedef struct cursor {
    const char *p, *end;
} cursor;

static void skip_space(cursor *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\n' || *c->p == '\t' || *c->p == '\r'))
        c->p++;
}

static bool accept(cursor *c, char ch)
{
    skip_space(c);
    if (c->p == c->end || *c->p != ch)
        return false;
    c->p++;
    return true;
}

static bool text(cursor *c, char *to, size_t cap)
{
    skip_space(c);
    if (c->p == c->end || (*c->p != '\'' && *c->p != '"'))
        return false;
    char quote = *c->p++;
    size_t n = 0;
    while (c->p < c->end && *c->p != quote) {
        if (n + 1 >= cap || *c->p == '\\')
            return false;
        to[n++] = *c->p++;
    }
    to[n] = 0;
    return c->p < c->end && *c->p++ == quote;
}

static bool word(cursor *c, const char *w)
{
    skip_space(c);
    size_t n = strlen(w);
    if ((size_t)(c->end - c->p) < n || memcmp(c->p, w, n) != 0)
        return false;
    c->p += n;
    return true;
}

static bool shape(cursor *c, header *h)
{
    if (!accept(c, '('))
        return false;
    while (!accept(c, ')')) {
        skip_space(c);
        int64_t v = 0;
        bool digits = false;
        while (c->p < c->end && *c->p >= '0' && *c->p <= '9') {
            if (!mote_i64_mul(v, 10, &v) || !mote_i64_add(v, *c->p - '0', &v))
                return false;
            c->p++;
            digits = true;
        }
        (void)(digits && accept(c, 'L')); /* Python 2 wrote 3L */
        if (!digits || h->rank == MOTE_MAX_RANK)
            return false;
        h->dims[h->rank++] = v;
        if (!accept(c, ',') && (skip_space(c), c->p == c->end || *c->p != ')'))
            return false;
    }
    return true;
}

static bool parse_header(cursor c, header *h)
{
    bool have_descr = false, have_order = false, have_shape = false;
    if (!accept(&c, '{'))
        return false;
    while (!accept(&c, '}')) {
        char key[32];
        if (!text(&c, key, sizeof key) || !accept(&c, ':'))
            return false;
        if (strcmp(key, "descr") == 0 && !have_descr)
            have_descr = text(&c, h->descr, sizeof h->descr);
        else if (strcmp(key, "fortran_order") == 0 && !have_order)
            have_order = word(&c, "True") ? (h->fortran = true) : word(&c, "False");
        else if (strcmp(key, "shape") == 0 && !have_shape)
            have_shape = shape(&c, h);
        else
            return false;
        (void)accept(&c, ',');
        skip_space(&c);
        if (c.p == c.end)
            return false;
    }
    return have_descr && have_order && have_shape;
}

/* Element type, bytes of one element in the file, and whether bytes are swapped. width: characters of fixed-width text. */
static bool parse_descr(const char *d, mote_dtype *dtype, size_t *item, bool *swap, bool *wide)
{
    static const struct { const char *code; mote_dtype dtype; size_t bytes; } codes[] = {
        {"b1", MOTE_DTYPE_BOOL, 1}, {"i1", MOTE_DTYPE_S8, 1}, {"i2", MOTE_DTYPE_S16, 2}, {"i4", MOTE_DTYPE_S32, 4}, {"i8", MOTE_DTYPE_S64, 8},
        {"u1", MOTE_DTYPE_U8, 1}, {"u2", MOTE_DTYPE_U16, 2}, {"u4", MOTE_DTYPE_U32, 4}, {"u8", MOTE_DTYPE_U64, 8}, {"f2", MOTE_DTYPE_F16, 2},
        {"f4", MOTE_DTYPE_F32, 4}, {"f8", MOTE_DTYPE_F64, 8}, {"c8", MOTE_DTYPE_C64, 8}, {"c16", MOTE_DTYPE_C128, 16}};
    char order = d[0];
    if (order != '<' && order != '>' && order != '|' && order != '=')
        return false;
    *swap = order == '>';
    *wide = false;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (strcmp(d + 1, codes[i].code) == 0) {
            *dtype = codes[i].dtype;
            *item = codes[i].bytes;
            return true;
        }
    if ((d[1] == 'U' || d[1] == 'S') && d[2] >= '0' && d[2] <= '9') {
        char *end;
        unsigned long width = strtoul(d + 2, &end, 10);
        if (*end != 0 || width > (1u << 24))
            return false;
        *dtype = MOTE_DTYPE_STRING;
        *wide = d[1] == 'U';
        *item = *wide ? width * 4 : width;
        return true;
    }
    return false;
}

static void swap_bytes(unsigned char *p, size_t n, size_t width)
{
    for (size_t i = 0; i < n; i++, p += width)
        for (size_t a = 0, b = width - 1; a < b; a++, b--) {
            unsigned char t = p[a];
            p[a] = p[b];
            p[b] = t;
        }
}

static void from_fortran(unsigned char *to, const unsigned char *from, const header *h, size_t count, size_t item)
{
    int64_t index[MOTE_MAX_RANK] = {0};
    for (size_t i = 0; i < count; i++) { /* i walks row-major; the file is column-major */
        size_t at = 0, stride = 1;
        for (int32_t d = 0; d < h->rank; d++) {
            at += (size_t)index[d] * stride;
            stride *= (size_t)h->dims[d];
        }
        memcpy(to + i * item, from + at * item, item);
        for (int32_t d = h->rank; d-- > 0;) {
            if (++index[d] < h->dims[d])
                break;
            index[d] = 0;
        }
    }
}

static size_t put_utf8(char *to, uint32_t c)
{
    if (c < 0x80)
        return (void)(to[0] = (char)c), 1;
    if (c < 0x800)
        return (void)(to[0] = (char)(0xc0 | c >> 6), to[1] = (char)(0x80 | (c & 63))), 2;
    if (c < 0x10000)
        return (void)(to[0] = (char)(0xe0 | c >> 12), to[1] = (char)(0x80 | (c >> 6 & 63)), to[2] = (char)(0x80 | (c & 63))), 3;
    return (void)(to[0] = (char)(0xf0 | (c >> 18 & 7)), to[1] = (char)(0x80 | (c >> 12 & 63)), to[2] = (char)(0x80 | (c >> 6 & 63)),
                  to[3] = (char)(0x80 | (c & 63))), 4;
}

/* Fixed-width text to strings: one allocation, the table first, then the characters. Trailing NULs are padding. */
static mote_status text_elements(mote_array *a, unsigned char *raw, size_t count, size_t item, bool wide, bool swap, size_t limit, mote_diag *diag)
{
    size_t table, chars, bytes;
    MOTE_REQUIRE(mote_size_mul(count, sizeof(mote_string), &table) && mote_size_mul(count, item + 1, &chars) && mote_size_add(table, chars, &bytes) &&
                     bytes <= limit,
                 diag, MOTE_E_LIMIT, "%zu strings of %zu bytes pass the limit of %zu bytes", count, item, limit);
    mote_string *s = malloc(bytes == 0 ? 1 : bytes);
    if (s == NULL)
        return MOTE_NO_MEMORY(diag, bytes);
    char *to = (char *)s + table;
    if (wide && swap)
        swap_bytes(raw, count * item / 4, 4);
    for (size_t i = 0; i < count; i++) {
        const unsigned char *from = raw + i * item;
        size_t n = 0, last = 0;
        for (size_t k = 0; wide && k < item; k += 4) {
            uint32_t c;
            memcpy(&c, from + k, 4);
            n += put_utf8(to + n, c);
            last = c != 0 ? n : last;
        }
        for (size_t k = 0; !wide && k < item; k++) {
            to[k] = (char)from[k];
            last = from[k] != 0 ? k + 1 : last;
        }
        s[i] = (mote_string){to, last};
        to += last;
    }
    a->data = s;
    return MOTE_OK;
}

/* What a header says; the array's type and shape are in `a`. */
typedef struct layout {
    header h;
    mote_array a;
    size_t data, item, count, need; /* data: where it begins */
    bool swap, wide;
} layout;

static mote_status parse_layout(const void *bytes, size_t there, size_t n, layout *l, mote_diag *diag)
{
    const unsigned char *b = bytes;
    *l = (layout){0};
    MOTE_REQUIRE(there >= 10 && memcmp(b, "\x93NUMPY", 6) == 0, diag, MOTE_E_FORMAT, "not a .npy array: the signature is missing");
    unsigned version = b[6];
    MOTE_REQUIRE(version >= 1 && version <= 3, diag, MOTE_E_UNSUPPORTED, ".npy format version %u", version);
    size_t prefix = version == 1 ? 10 : 12;
    MOTE_REQUIRE(there >= prefix, diag, MOTE_E_FORMAT, "the .npy header is cut off");
    size_t length = (size_t)b[8] | (size_t)b[9] << 8;
    if (version > 1)
        length |= (size_t)b[10] << 16 | (size_t)b[11] << 24;
    MOTE_REQUIRE(length <= MAX_HEADER && length <= there - prefix, diag, MOTE_E_FORMAT, "the .npy header says %zu bytes, %zu are there", length, there - prefix);
    const char *start = (const char *)b + prefix;
    MOTE_REQUIRE(parse_header((cursor){start, start + length}, &l->h), diag, MOTE_E_FORMAT, "the .npy header is not a dictionary of descr, fortran_order, "
                 "shape (at most %d dimensions)", MOTE_MAX_RANK);
    mote_dtype dtype;
    MOTE_REQUIRE(parse_descr(l->h.descr, &dtype, &l->item, &l->swap, &l->wide), diag, MOTE_E_UNSUPPORTED, ".npy element type '%s'", l->h.descr);
    MOTE_TRY(mote_array_shape(&l->a, dtype, l->h.rank, l->h.dims, diag));
    l->count = mote_array_count(&l->a);
    l->data = prefix + length;
    MOTE_REQUIRE(mote_size_mul(l->count, l->item, &l->need) && l->need <= n - l->data, diag, MOTE_E_FORMAT,
                 "the .npy array needs %zu elements of %zu bytes, %zu bytes are there", l->count, l->item, n - l->data);
    MOTE_REQUIRE(l->item != 0 || l->count <= n, diag, MOTE_E_LIMIT, "the array has %zu texts of no characters", l->count);
    return MOTE_OK;
}

mote_status npy_describe(const void *bytes, size_t there, size_t n, mote_array *out, mote_diag *diag)
{
    layout l;
    mote_status status = parse_layout(bytes, there, n, &l, diag);
    *out = l.a;
    return status;
}

mote_status npy_parse(const void *bytes, size_t n, size_t limit, mote_array *out, mote_diag *diag)
{
    *out = (mote_array){0};
    layout l;
    MOTE_TRY(parse_layout(bytes, n, n, &l, diag));
    mote_array a = l.a;
    const size_t item = l.item, count = l.count, need = l.need;
    MOTE_REQUIRE(need <= limit, diag, MOTE_E_LIMIT, "the array has %zu bytes, the limit is %zu", need, limit);
    unsigned char *raw = malloc(need == 0 ? 1 : need);
    if (raw == NULL)
        return MOTE_NO_MEMORY(diag, need);
    const unsigned char *from = (const unsigned char *)bytes + l.data;
    if (l.h.fortran && l.h.rank > 1 && item != 0)
        from_fortran(raw, from, &l.h, count, item);
    else if (need != 0)
        memcpy(raw, from, need);
    if (a.dtype == MOTE_DTYPE_STRING) {
        mote_status status = text_elements(&a, raw, count, item, l.wide, l.swap, limit, diag);
        free(raw);
        MOTE_TRY(status);
    } else {
        bool complex = a.dtype == MOTE_DTYPE_C64 || a.dtype == MOTE_DTYPE_C128;
        if (l.swap && item > 1)
            swap_bytes(raw, complex ? count * 2 : count, complex ? item / 2 : item);
        for (size_t i = 0; a.dtype == MOTE_DTYPE_BOOL && i < count; i++)
            raw[i] = raw[i] != 0;
        a.data = raw;
    }
    *out = a;
    return MOTE_OK;
}

/* ---- writing ---- */

mote_status npy_header(const mote_array *a, size_t text_width, char *to, size_t cap, size_t *length, mote_diag *diag)
{
    char descr[24];
    switch (a->dtype) {
    case MOTE_DTYPE_BOOL: strcpy(descr, "|b1"); break;
    case MOTE_DTYPE_S8: strcpy(descr, "|i1"); break;
    case MOTE_DTYPE_S16: strcpy(descr, "<i2"); break;
    case MOTE_DTYPE_S32: strcpy(descr, "<i4"); break;
    case MOTE_DTYPE_S64: strcpy(descr, "<i8"); break;
    case MOTE_DTYPE_U16: case MOTE_DTYPE_BF16: strcpy(descr, "<u2"); break;
    case MOTE_DTYPE_U32: strcpy(descr, "<u4"); break;
    case MOTE_DTYPE_U64: strcpy(descr, "<u8"); break;
    case MOTE_DTYPE_F16: strcpy(descr, "<f2"); break;
    case MOTE_DTYPE_F32: strcpy(descr, "<f4"); break;
    case MOTE_DTYPE_F64: strcpy(descr, "<f8"); break;
    case MOTE_DTYPE_C64: strcpy(descr, "<c8"); break;
    case MOTE_DTYPE_C128: strcpy(descr, "<c16"); break;
    case MOTE_DTYPE_STRING: snprintf(descr, sizeof descr, "|S%zu", text_width); break;
    default: strcpy(descr, "|u1"); break; /* U8, f8 and packed sub-byte types: their bytes */
    }
    bool packed = mote_dtype_bits(a->dtype) % 8 != 0;
    char dict[512];
    int n = snprintf(dict, sizeof dict, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
    if (packed)
        n += snprintf(dict + n, sizeof dict - (size_t)n, "%zu,", a->bytes);
    for (int32_t d = 0; d < a->rank && !packed; d++)
        n += snprintf(dict + n, sizeof dict - (size_t)n, "%lld%s", (long long)a->dims[d], a->rank == 1 ? "," : d + 1 < a->rank ? ", " : "");
    n += snprintf(dict + n, sizeof dict - (size_t)n, "), }");
    size_t total = (10 + (size_t)n + 1 + 63) / 64 * 64;
    MOTE_REQUIRE(total <= cap, diag, MOTE_E_INTERNAL, "a .npy header of %zu bytes", total);
    memset(to, ' ', total);
    memcpy(to, "\x93NUMPY\x01\x00", 8);
    to[8] = (char)((total - 10) & 0xff);
    to[9] = (char)((total - 10) >> 8);
    memcpy(to + 10, dict, (size_t)n);
    to[total - 1] = '\n';
    *length = total;
    return MOTE_OK;
}
