/* normalize.c - BERT's text normalization
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "pipeline/text/normalize.h"

#include "pipeline/text/unicode_tables.inc"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* The last entry (code point << 8 | value) at or before c, or n. */
static size_t entry_of(const uint32_t *v, size_t n, uint32_t c)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (v[mid] >> 8 <= c)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo > 0 ? lo - 1 : n;
}

uint8_t mote_char_class(uint32_t c) { return (uint8_t)class_breaks[entry_of(class_breaks, COUNT(class_breaks), c)]; }

/* One code point, but for U+0130, whose form is i and U+0307. */
static uint32_t lower_of(uint32_t c)
{
    size_t k = entry_of(lower_runs, COUNT(lower_runs), c);
    if (k == COUNT(lower_runs))
        return c;
    uint32_t step = lower_runs[k] & 0xff, distance = c - (lower_runs[k] >> 8);
    if (distance % step != 0 || distance / step >= lower_counts[k])
        return c;
    return (c & ~0xffffu) | ((c + lower_moves[k]) & 0xffff);
}

/* c = *first, and then *mark unless that is 0; false when c does not decompose. *first may again. */
static bool decompose(uint32_t c, uint32_t *first, uint32_t *mark)
{
    size_t k = entry_of(decomposition_runs, COUNT(decomposition_runs), c);
    if (k == COUNT(decomposition_runs))
        return false;
    size_t at = decomposition_at[k] + (c - (decomposition_runs[k] >> 8));
    if (at >= decomposition_at[k + 1])
        return false;
    uint8_t m = decomposition_mark[at];
    *mark = decomposition_marks[m];
    *first = decomposition_first[at] | (m == 1 ? 0x20000 : *mark & 0x10000);
    return true;
}

void mote_chars_deinit(mote_chars_list *l)
{
    if (l->v != NULL)
        mote_heap_free(l->heap, l->v, l->cap * sizeof *l->v);
    l->v = NULL;
    l->n = l->cap = 0;
}

static mote_status add(mote_chars_list *l, uint32_t c, mote_char from, mote_diag *diag)
{
    void *v = l->v;
    if (!mote_heap_grow(l->heap, &v, &l->cap, l->n + 1, sizeof *l->v))
        return MOTE_NO_MEMORY(diag, l->cap * 2 * sizeof *l->v);
    l->v = v;
    l->v[l->n++] = (mote_char){c, from.start, from.end};
    return MOTE_OK;
}

/* One code point of UTF-8; ill-formed bytes give U+FFFD one at a time. */
static uint32_t next_char(const unsigned char *p, size_t n, size_t *length)
{
    *length = mote_utf8_length(p, n);
    switch (*length) {
    case 1: return p[0];
    case 2: return (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3fu);
    case 3: return (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3fu);
    case 4: return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 | (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3fu);
    default: *length = 1; return 0xfffd;
    }
}

/* Marks characters of a decomposition after its first. */
#define EXTRA 0x80000000u

/* Canonical decomposition; Hangul syllables by arithmetic (Unicode 3.12). */
static mote_status add_decomposed(mote_chars_list *l, mote_char m, mote_diag *diag)
{
    if (m.c >= 0xac00 && m.c < 0xd7a4) {
        uint32_t s = m.c - 0xac00;
        MOTE_TRY(add(l, 0x1100 + s / 588, m, diag));
        MOTE_TRY(add(l, (0x1161 + s % 588 / 28) | EXTRA, m, diag));
        return s % 28 == 0 ? MOTE_OK : add(l, (0x11a7 + s % 28) | EXTRA, m, diag);
    }
    uint32_t c = m.c, mark, marks[4];
    size_t n = 0;
    while (n < COUNT(marks) && decompose(c, &c, &mark))
        if (mark != 0)
            marks[n++] = mark;
    MOTE_TRY(add(l, c, m, diag));
    while (n > 0)
        MOTE_TRY(add(l, marks[--n] | EXTRA, m, diag));
    return MOTE_OK;
}

static uint8_t order_of(uint32_t c) { return (uint8_t)order_breaks[entry_of(order_breaks, COUNT(order_breaks), c & ~EXTRA)]; }

/* Canonical order: runs of combining characters sorted by class, equal classes kept in order. A run is bounded by the text, so insertion is bounded by
 * splitting runs at 64 (no real text has more; the order within one such run is then kept). */
static void reorder(mote_char *v, size_t n)
{
    size_t run = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t order = order_of(v[i].c);
        if (order == 0 || i - run > 64) {
            run = i + (order == 0);
            continue;
        }
        uint32_t c = v[i].c;
        size_t at = i;
        while (at > run && order_of(v[at - 1].c) > order) {
            v[at].c = v[at - 1].c;
            at--;
        }
        v[at].c = c;
    }
}

/* The package aligns reordered text by counting: each character that begins a decomposition takes the next original one, the rest stay with it. */
static void align(mote_char *v, size_t n, const mote_char *original)
{
    size_t next = 0;
    for (size_t i = 0; i < n; i++) {
        next += (v[i].c & EXTRA) == 0;
        v[i].c &= ~EXTRA;
        const mote_char *from = &original[next == 0 ? 0 : next - 1];
        v[i].start = from->start;
        v[i].end = from->end;
    }
}

static mote_status cleaned(mote_str text, uint32_t offset, mote_chars_list *l, mote_diag *diag)
{
    const unsigned char *p = (const unsigned char *)text.p;
    for (size_t i = 0, length; i < text.n; i += length) {
        uint32_t c = next_char(p + i, text.n - i, &length);
        mote_char m = {c, offset + (uint32_t)i, offset + (uint32_t)(i + length)};
        uint8_t class = mote_char_class(c);
        if ((class & MOTE_CHAR_REMOVE) != 0)
            continue;
        if ((class & MOTE_CHAR_SPACE) != 0)
            c = ' ';
        if ((class & MOTE_CHAR_CHINESE) != 0)
            MOTE_TRY(add(l, ' ', m, diag));
        MOTE_TRY(add(l, c, m, diag));
        if ((class & MOTE_CHAR_CHINESE) != 0)
            MOTE_TRY(add(l, ' ', m, diag));
    }
    return MOTE_OK;
}

mote_status mote_text_normalize(mote_str text, uint32_t offset, bool strip_accents, bool lowercase, mote_chars_list *out, mote_diag *diag)
{
    MOTE_REQUIRE(text.n <= MOTE_TEXT_LIMIT, diag, MOTE_E_LIMIT, "a text of %zu bytes, at most %d", text.n, MOTE_TEXT_LIMIT);
    mote_chars_list a = {out->heap, NULL, 0, 0}, b = {out->heap, NULL, 0, 0}, *from = &a;
    mote_status status = cleaned(text, offset, &a, diag);
    if (strip_accents) {
        for (size_t i = 0; i < a.n && status == MOTE_OK; i++)
            status = add_decomposed(&b, a.v[i], diag);
        reorder(b.v, b.n);
        align(b.v, b.n, a.v);
        from = &b;
    }
    for (size_t i = 0; i < from->n && status == MOTE_OK; i++) {
        mote_char m = from->v[i];
        if (strip_accents && (mote_char_class(m.c) & MOTE_CHAR_MARK) != 0)
            continue;
        status = add(out, !lowercase ? m.c : m.c == 0x130 ? 'i' : lower_of(m.c), m, diag);
        if (lowercase && m.c == 0x130 && status == MOTE_OK)
            status = add(out, 0x307, m, diag);
    }
    mote_chars_deinit(&a);
    mote_chars_deinit(&b);
    return status;
}
