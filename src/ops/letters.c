/* letters.c - code points of UTF-8 text: reading, upper and lower case, spaces
 * SPDX-License-Identifier: Apache-2.0
 *
 * The mappings are Unicode's simple ones; the table is made by tools/gen/case_table.py. */
#include "base/platform.h"
#include "ops/letters.h"

/* Code points first, first + step .. first + span change by `difference`. Eight bytes: there are hundreds. */
typedef struct case_range {
    uint32_t first : 21, span : 10, by_two : 1;
    int32_t difference;
} case_range;
#include "ops/case_table.inc"

uint32_t mote_letter_at(const char *p, size_t n, size_t *bytes)
{
    const unsigned char *u = (const unsigned char *)p;
    const size_t k = mote_utf8_length(p, n);
    *bytes = k != 0 ? k : 1;
    switch (k) {
    case 1: return u[0];
    case 2: return (u[0] & 0x1fu) << 6 | (u[1] & 0x3fu);
    case 3: return (u[0] & 0x0fu) << 12 | (u[1] & 0x3fu) << 6 | (u[2] & 0x3fu);
    case 4: return (u[0] & 0x07u) << 18 | (u[1] & 0x3fu) << 12 | (u[2] & 0x3fu) << 6 | (u[3] & 0x3fu);
    default: return 0xfffd;
    }
}

static uint32_t change(uint32_t c, const case_range *table, size_t n)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        const size_t middle = lo + (hi - lo) / 2;
        if (table[middle].first + table[middle].span < c)
            lo = middle + 1;
        else
            hi = middle;
    }
    /* a range of step 2 may lie between those of another: its first code point decides */
    for (size_t i = lo; i < n && table[i].first <= c; i++)
        if (c - table[i].first <= table[i].span && (table[i].by_two == 0 || (c - table[i].first) % 2 == 0))
            return (uint32_t)((int64_t)c + table[i].difference);
    return c;
}

uint32_t mote_letter_lower(uint32_t c)
{
    if (c < 128)
        return c >= 'A' && c <= 'Z' ? c + 32 : c;
    return change(c, to_lower, sizeof to_lower / sizeof to_lower[0]);
}

uint32_t mote_letter_upper(uint32_t c)
{
    if (c < 128)
        return c >= 'a' && c <= 'z' ? c - 32 : c;
    return change(c, to_upper, sizeof to_upper / sizeof to_upper[0]);
}

uint32_t mote_letter_fold(uint32_t c)
{
    return c == 0x130 || c == 0x131 ? c : mote_letter_lower(mote_letter_upper(c)); /* the dotted I and the dotless i are letters of their own */
}

size_t mote_letter_orbit(uint32_t c, uint32_t orbit[MOTE_LETTER_ORBIT])
{
    /* folds with a code point that is neither the fold nor its upper case: by fold */
    static const struct {
        uint16_t fold, other[2];
    } more[] = {{0x6b, {0x212a}}, {0x73, {0x17f}}, {0xdf, {0x1e9e}}, {0xe5, {0x212b}}, {0x1c6, {0x1c5}}, {0x1c9, {0x1c8}}, {0x1cc, {0x1cb}}, {0x1f3, {0x1f2}},
                {0x3b2, {0x3d0}}, {0x3b5, {0x3f5}}, {0x3b8, {0x3d1, 0x3f4}}, {0x3b9, {0x345, 0x1fbe}}, {0x3ba, {0x3f0}}, {0x3bc, {0xb5}}, {0x3c0, {0x3d6}}, {0x3c1, {0x3f1}},
                {0x3c3, {0x3c2}}, {0x3c6, {0x3d5}}, {0x3c9, {0x2126}}, {0x432, {0x1c80}}, {0x434, {0x1c81}}, {0x43e, {0x1c82}}, {0x441, {0x1c83}}, {0x442, {0x1c84, 0x1c85}},
                {0x44a, {0x1c86}}, {0x463, {0x1c87}}, {0x1e61, {0x1e9b}}, {0xa64b, {0x1c88}}};
    const uint32_t fold = mote_letter_fold(c), upper = fold == c && c == 0x131 ? c : mote_letter_upper(fold);
    size_t n = 0, lo = 0, hi = sizeof more / sizeof more[0];
    orbit[n++] = fold;
    if (upper != fold)
        orbit[n++] = upper;
    while (lo < hi) {
        const size_t middle = lo + (hi - lo) / 2;
        if (more[middle].fold < fold)
            lo = middle + 1;
        else
            hi = middle;
    }
    for (int i = 0; lo < sizeof more / sizeof more[0] && more[lo].fold == fold && i < 2; i++)
        if (more[lo].other[i] != 0)
            orbit[n++] = more[lo].other[i];
    return n;
}

bool mote_letter_is_space(uint32_t c)
{
    return (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
           c == 0x202f || c == 0x205f || c == 0x3000;
}

size_t mote_letters_change(mote_str text, bool upper, char *out)
{
    size_t n = 0, bytes;
    for (size_t i = 0; i < text.n; i += bytes) {
        const uint32_t c = mote_letter_at(text.p + i, text.n - i, &bytes), to = upper ? mote_letter_upper(c) : mote_letter_lower(c);
        if (to == c) {
            memcpy(out + n, text.p + i, bytes);
            n += bytes;
        } else {
            char utf8[4];
            const size_t k = mote_utf8_put(utf8, to);
            memcpy(out + n, utf8, k);
            n += k;
        }
    }
    return n;
}
