/* json.c - a strict, bounded JSON reader
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/json.h"
#include "base/decimal.h"
#include <math.h>

typedef struct reader {
    mote_arena *arena;
    mote_diag *diag;
    const char *p, *end, *line_start;
    uint32_t line;
    unsigned depth;
    size_t values;
} reader;

static mote_status bad(const reader *r, const char *what) MOTE_COLD;
static mote_status bad(const reader *r, const char *what)
{
    return mote_fail(r->diag, MOTE_E_FORMAT, "JSON line %u, column %zu: %s", (unsigned)r->line, (size_t)(r->p - r->line_start) + 1, what);
}

static mote_status no_memory(const reader *r) { return mote_fail(r->diag, MOTE_E_MEMORY, "out of memory reading JSON"); }

static void skip_space(reader *r)
{
    for (; r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\r' || *r->p == '\n'); r->p++)
        if (*r->p == '\n') {
            r->line++;
            r->line_start = r->p + 1;
        }
}

static bool take(reader *r, char c)
{
    if (r->p == r->end || *r->p != c)
        return false;
    r->p++;
    return true;
}

/* ---- strings ---------------------------------------------------------------------------------------------------- */

static mote_status read_hex4(reader *r, uint32_t *out)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++, r->p++) {
        char c = r->p < r->end ? *r->p : 0;
        if (c >= '0' && c <= '9')
            v = v * 16 + (uint32_t)(c - '0');
        else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
            v = v * 16 + (uint32_t)((c | 0x20) - 'a') + 10;
        else
            return bad(r, "expected four hexadecimal digits");
    }
    *out = v;
    return MOTE_OK;
}

/* After the backslash; writes at most 4 bytes, fewer than the escape takes in the text. */
static mote_status read_escape(reader *r, char **to)
{
    static const char from[] = "\"\\/bfnrt", as[] = "\"\\/\b\f\n\r\t";
    char c = r->p < r->end ? *r->p : 0;
    const char *at = c == 0 ? NULL : strchr(from, c);
    if (at != NULL) {
        r->p++;
        *(*to)++ = as[at - from];
        return MOTE_OK;
    }
    if (!take(r, 'u'))
        return bad(r, "unknown escape");
    uint32_t u = 0;
    MOTE_TRY(read_hex4(r, &u));
    if (u >= 0xdc00 && u <= 0xdfff)
        return bad(r, "second half of a surrogate pair without the first");
    if (u >= 0xd800 && u <= 0xdbff) {
        uint32_t low = 0;
        if (!take(r, '\\') || !take(r, 'u'))
            return bad(r, "first half of a surrogate pair without the second");
        MOTE_TRY(read_hex4(r, &low));
        if (low < 0xdc00 || low > 0xdfff)
            return bad(r, "first half of a surrogate pair without the second");
        u = 0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00);
    }
    *to += mote_utf8_put(*to, u);
    return MOTE_OK;
}

/* After the opening quote, up to the closing one. */
static mote_status read_string(reader *r, mote_str *out)
{
    const char *close = r->p;
    while (close < r->end && *close != '"')
        close += *close == '\\' && r->end - close > 1 ? 2 : 1;
    if (close >= r->end)
        return bad(r, "string without an end");
    char *text = mote_arena_calloc(r->arena, (size_t)(close - r->p) + 1, 1), *to = text;
    if (text == NULL)
        return no_memory(r);
    while (r->p < close) {
        if (*r->p == '\\') {
            r->p++;
            MOTE_TRY(read_escape(r, &to));
            continue;
        }
        size_t n = mote_utf8_length(r->p, (size_t)(close - r->p));
        if (n == 0)
            return bad(r, "invalid UTF-8");
        if ((unsigned char)*r->p < 0x20)
            return bad(r, "control character in a string");
        memcpy(to, r->p, n);
        to += n;
        r->p += n;
    }
    r->p = close + 1;
    *out = (mote_str){text, (size_t)(to - text)};
    return MOTE_OK;
}

/* ---- numbers ---------------------------------------------------------------------------------------------------- */

static bool digits(reader *r)
{
    const char *start = r->p;
    while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
        r->p++;
    return r->p != start;
}

static bool fits_integer(mote_str text, int64_t *out)
{
    bool negative = text.p[0] == '-';
    int64_t v = 0; /* kept negative: that side has one more */
    for (size_t i = negative; i < text.n; i++)
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, text.p[i] - '0', &v))
            return false;
    if (!negative && v == INT64_MIN)
        return false;
    *out = negative ? v : -v;
    return true;
}

static mote_status read_number(reader *r, mote_json *j)
{
    const char *start = r->p;
    bool whole = true;
    take(r, '-');
    if (take(r, '0')) {
        if (r->p < r->end && *r->p >= '0' && *r->p <= '9')
            return bad(r, "number with a leading zero");
    } else if (!digits(r))
        return bad(r, "expected a value");
    if (take(r, '.')) {
        whole = false;
        if (!digits(r))
            return bad(r, "expected a digit after the point");
    }
    if (take(r, 'e') || take(r, 'E')) {
        whole = false;
        if (!take(r, '+'))
            take(r, '-');
        if (!digits(r))
            return bad(r, "expected a digit in the exponent");
    }
    mote_str text = {start, (size_t)(r->p - start)};
    bool minus_zero = text.n == 2 && text.p[0] == '-' && text.p[1] == '0';
    if (whole && !minus_zero && fits_integer(text, &j->u.integer)) {
        j->kind = MOTE_JSON_INT;
        return MOTE_OK;
    }
    j->kind = MOTE_JSON_REAL;
    if (!mote_f64_from_text(text.p, text.n, &j->u.real) || isinf(j->u.real))
        return bad(r, "number out of range");
    return MOTE_OK;
}

/* ---- objects ---------------------------------------------------------------------------------------------------- */

static void sift_down(mote_json **a, size_t i, size_t n)
{
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && mote_str_compare(a[child]->key, a[child + 1]->key) < 0)
            child++;
        if (mote_str_compare(a[i]->key, a[child]->key) >= 0)
            return;
        mote_json *t = a[i];
        a[i] = a[child];
        a[child] = t;
    }
}

/* Heapsort: n log n whatever the names are, and no memory. */
static void sort_members(mote_json **a, size_t n)
{
    for (size_t i = n / 2; i-- > 0;)
        sift_down(a, i, n);
    while (n > 1) {
        mote_json *t = a[--n];
        a[n] = a[0];
        a[0] = t;
        sift_down(a, 0, n);
    }
}

static mote_status index_members(const reader *r, mote_json *object)
{
    if (object->count == 0)
        return MOTE_OK;
    mote_json **sorted = mote_arena_calloc(r->arena, object->count, sizeof(mote_json *));
    if (sorted == NULL)
        return no_memory(r);
    size_t n = 0;
    for (mote_json *m = object->u.items.first; m != NULL; m = m->next)
        sorted[n++] = m;
    sort_members(sorted, n);
    for (size_t i = 1; i < n; i++)
        MOTE_REQUIRE(!mote_str_eq(sorted[i - 1]->key, sorted[i]->key), r->diag, MOTE_E_FORMAT,
                     "JSON line %u: the object has two members \"%.*s\"", (unsigned)object->line, MOTE_STR_ARG(sorted[i]->key));
    object->u.items.sorted = sorted;
    return MOTE_OK;
}

/* ---- values ----------------------------------------------------------------------------------------------------- */

static mote_status read_value(reader *r, mote_str key, mote_json **out);

/* The elements or members up to the closing bracket; recursion is limited by depth. */
static mote_status read_items(reader *r, mote_json *parent, char close)
{
    MOTE_REQUIRE(++r->depth <= MOTE_JSON_MAX_DEPTH, r->diag, MOTE_E_LIMIT, "JSON line %u: nested deeper than %d", (unsigned)r->line,
                 MOTE_JSON_MAX_DEPTH);
    mote_json **link = &parent->u.items.first;
    skip_space(r);
    for (bool end = take(r, close); !end;) {
        mote_str key = {NULL, 0};
        skip_space(r);
        if (parent->kind == MOTE_JSON_OBJECT) {
            if (!take(r, '"'))
                return bad(r, "expected a member's name");
            MOTE_TRY(read_string(r, &key));
            skip_space(r);
            if (!take(r, ':'))
                return bad(r, "expected ':'");
        }
        MOTE_TRY(read_value(r, key, link));
        link = &(*link)->next;
        parent->count++;
        skip_space(r);
        end = take(r, close);
        if (!end && !take(r, ','))
            return bad(r, close == ']' ? "expected ',' or ']'" : "expected ',' or '}'");
    }
    r->depth--;
    return parent->kind == MOTE_JSON_OBJECT ? index_members(r, parent) : MOTE_OK;
}

static mote_status read_word(reader *r, mote_str word)
{
    if ((size_t)(r->end - r->p) < word.n || memcmp(r->p, word.p, word.n) != 0)
        return bad(r, "expected a value");
    r->p += word.n;
    return MOTE_OK;
}

static mote_status read_value(reader *r, mote_str key, mote_json **out)
{
    MOTE_REQUIRE(r->values++ < MOTE_JSON_MAX_VALUES, r->diag, MOTE_E_LIMIT, "JSON with more than %d values", MOTE_JSON_MAX_VALUES);
    skip_space(r);
    mote_json *j = mote_arena_calloc(r->arena, 1, sizeof *j);
    if (j == NULL)
        return no_memory(r);
    j->line = r->line;
    j->key = key;
    *out = j;
    switch (r->p < r->end ? *r->p : 0) {
    case '{':
    case '[':
        j->kind = *r->p == '{' ? MOTE_JSON_OBJECT : MOTE_JSON_ARRAY;
        r->p++;
        return read_items(r, j, j->kind == MOTE_JSON_OBJECT ? '}' : ']');
    case '"':
        j->kind = MOTE_JSON_STRING;
        r->p++;
        return read_string(r, &j->u.string);
    case 't':
        j->kind = MOTE_JSON_BOOL;
        j->u.boolean = true;
        return read_word(r, MOTE_STR("true"));
    case 'f':
        j->kind = MOTE_JSON_BOOL;
        return read_word(r, MOTE_STR("false"));
    case 'n': return read_word(r, MOTE_STR("null"));
    default: return read_number(r, j);
    }
}

mote_status mote_json_parse(mote_arena *arena, mote_str text, mote_json **root, mote_diag *diag)
{
    *root = NULL;
    MOTE_REQUIRE(text.n <= MOTE_JSON_MAX_BYTES, diag, MOTE_E_LIMIT, "JSON of %zu bytes, at most %d are read", text.n,
                 MOTE_JSON_MAX_BYTES);
    const char *p = text.n == 0 ? "" : text.p;
    reader r = {arena, diag, p, p + text.n, p, 1, 0, 0};
    mote_json *j;
    MOTE_TRY(read_value(&r, (mote_str){NULL, 0}, &j));
    skip_space(&r);
    if (r.p != r.end)
        return bad(&r, "expected the end");
    *root = j;
    return MOTE_OK;
}

const mote_json *mote_json_get(const mote_json *j, const char *key)
{
    if (j == NULL || j->kind != MOTE_JSON_OBJECT)
        return NULL;
    mote_str wanted = mote_str_c(key);
    size_t lo = 0, hi = j->count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = mote_str_compare(j->u.items.sorted[mid]->key, wanted);
        if (c == 0)
            return j->u.items.sorted[mid];
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

bool mote_json_number(const mote_json *j, double *out)
{
    if (j == NULL || (j->kind != MOTE_JSON_INT && j->kind != MOTE_JSON_REAL))
        return false;
    *out = j->kind == MOTE_JSON_INT ? (double)j->u.integer : j->u.real;
    return true;
}

bool mote_json_integer(const mote_json *j, int64_t *out)
{
    if (j == NULL || (j->kind != MOTE_JSON_INT && j->kind != MOTE_JSON_REAL))
        return false;
    if (j->kind == MOTE_JSON_REAL && (!(j->u.real >= -0x1p63 && j->u.real < 0x1p63) || trunc(j->u.real) != j->u.real))
        return false;
    *out = j->kind == MOTE_JSON_INT ? j->u.integer : (int64_t)j->u.real;
    return true;
}

const char *mote_json_kind_name(mote_json_kind kind)
{
    static const char *const names[] = {"null", "a boolean", "an integer", "a number", "a string", "an array", "an object"};
    return (size_t)kind < sizeof names / sizeof *names ? names[kind] : "unknown";
}
