/* regex.c - regular expressions over UTF-8, matched in time linear in the text
 * SPDX-License-Identifier: Apache-2.0
 *
 * Thompson, "Regular expression search algorithm", 1968: a parser makes a tree, the tree becomes a program, and all states that the text could be in are
 * followed at once. What matches is all that is asked, so greediness makes no difference. Syntax: github.com/google/re2/wiki/Syntax. */
#include "base/platform.h"
#include "ops/regex.h"
#include "ops/letters.h"
#include <stdlib.h>
#include <string.h>

enum { DEPTH = 200, LAST = 0x10ffff };

/* ---- sets of code points ---- */

typedef struct range {
    uint32_t lo, hi;
} range;

typedef struct set {
    range *r;
    size_t n, cap;
    bool negated;
} set;

/* ---- the tree ---- */

typedef enum kind { EMPTY, LETTER, SET, JOIN, OR, REPEAT, BEGIN_TEXT, END_TEXT, BEGIN_LINE, END_LINE, WORD_EDGE, NO_WORD_EDGE } kind;

typedef struct tree tree;
struct tree {
    kind kind;
    bool fold;        /* LETTER, SET: without regard to case */
    uint32_t letter;
    set *set;
    tree *a, *b;      /* JOIN, OR; a: REPEAT */
    int32_t least, most; /* most -1: any number */
};

typedef struct flags {
    bool fold, dot_all, lines;
} flags;

typedef struct parser {
    mote_arena *arena;
    mote_diag *diag;
    mote_str p;
    size_t at;
    flags f;
    bool quoted; /* between \\Q and \\E */
} parser;

static bool more(const parser *s) { return s->at < s->p.n; }
static bool looking_at(const parser *s, const char *what) { return s->p.n - s->at >= strlen(what) && memcmp(s->p.p + s->at, what, strlen(what)) == 0; }

static bool take(parser *s, const char *what)
{
    if (!looking_at(s, what))
        return false;
    s->at += strlen(what);
    return true;
}

static uint32_t next(parser *s)
{
    size_t bytes;
    const uint32_t c = mote_letter_at(s->p.p + s->at, s->p.n - s->at, &bytes);
    s->at += bytes;
    return c;
}

static mote_status make(parser *s, kind k, tree *a, tree *b, tree **out)
{
    tree *t = mote_arena_calloc(s->arena, 1, sizeof *t);
    if (t == NULL)
        return MOTE_NO_MEMORY(s->diag, sizeof *t);
    *t = (tree){.kind = k, .a = a, .b = b, .fold = s->f.fold};
    *out = t;
    return MOTE_OK;
}

static int by_begin(const void *a, const void *b)
{
    const range *x = a, *y = b;
    return (x->lo > y->lo) - (x->lo < y->lo);
}

/* In order and without overlap, for the search. */
static void settle(set *s)
{
    size_t n = 0;
    if (s->n > 1)
        qsort(s->r, s->n, sizeof *s->r, by_begin);
    for (size_t i = 0; i < s->n; i++)
        if (n != 0 && s->r[i].lo <= s->r[n - 1].hi + 1)
            s->r[n - 1].hi = s->r[i].hi > s->r[n - 1].hi ? s->r[i].hi : s->r[n - 1].hi;
        else
            s->r[n++] = s->r[i];
    s->n = n;
}

static mote_status add_range(parser *s, set *to, uint32_t lo, uint32_t hi)
{
    const bool full = to->n == to->cap;
    if (full) /* the same ones again and again take no room */
        settle(to);
    if (to->n == to->cap || (full && 2 * to->n > to->cap)) {
        const size_t cap = to->cap == 0 ? 8 : to->cap * 2;
        range *r = mote_arena_calloc(s->arena, cap, sizeof *r);
        if (r == NULL)
            return MOTE_NO_MEMORY(s->diag, cap * sizeof *r);
        if (to->n != 0)
            memcpy(r, to->r, to->n * sizeof *r);
        to->r = r;
        to->cap = cap;
    }
    to->r[to->n++] = (range){lo, hi};
    return MOTE_OK;
}

/* Ranges in ascending order outside `list`. */
static mote_status add_others(parser *s, set *to, const range *list, size_t n)
{
    uint32_t from = 0;
    for (size_t i = 0; i < n; i++) {
        if (list[i].lo > from)
            MOTE_TRY(add_range(s, to, from, list[i].lo - 1));
        from = list[i].hi + 1;
    }
    return from <= LAST ? add_range(s, to, from, LAST) : MOTE_OK;
}

static const struct {
    const char *name;
    size_t n;
    range r[4];
} classes[] = {
    {"alnum", 3, {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}}, {"alpha", 2, {{'A', 'Z'}, {'a', 'z'}}}, {"ascii", 1, {{0, 127}}}, {"blank", 2, {{9, 9}, {' ', ' '}}},
    {"cntrl", 2, {{0, 31}, {127, 127}}}, {"digit", 1, {{'0', '9'}}}, {"graph", 1, {{'!', '~'}}}, {"lower", 1, {{'a', 'z'}}}, {"print", 1, {{' ', '~'}}},
    {"punct", 4, {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}}, {"space", 2, {{9, 13}, {' ', ' '}}}, {"upper", 1, {{'A', 'Z'}}},
    {"word", 4, {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}}, {"xdigit", 3, {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}}};

static mote_status add_class(parser *s, set *to, size_t k, bool negated)
{
    const range *r = classes[k].r;
    if (negated && s->f.fold) { /* what is no member without regard to case: the others are added first */
        range room[256];
        set with = {.r = room, .cap = sizeof room / sizeof room[0]};
        uint32_t orbit[MOTE_LETTER_ORBIT];
        for (size_t i = 0; i < classes[k].n; i++)
            for (uint32_t c = r[i].lo; c <= r[i].hi; c++)
                for (size_t n = mote_letter_orbit(c, orbit); n-- > 0;)
                    MOTE_TRY(add_range(s, &with, orbit[n], orbit[n]));
        settle(&with);
        return add_others(s, to, with.r, with.n);
    }
    if (negated)
        return add_others(s, to, r, classes[k].n);
    for (size_t i = 0; i < classes[k].n; i++)
        MOTE_TRY(add_range(s, to, r[i].lo, r[i].hi));
    return MOTE_OK;
}

/* \d \D \s \S \w \W behind the backslash; *done: it was one. */
static mote_status perl_class(parser *s, set *to, bool *done)
{
    static const struct {
        char letter;
        const char *name;
    } names[] = {{'d', "digit"}, {'w', "word"}};
    static const range space[] = {{9, 10}, {12, 13}, {' ', ' '}};
    const char c = more(s) ? s->p.p[s->at] : 0;
    *done = true;
    if (c == 's' || c == 'S') {
        s->at++;
        if (c == 'S')
            return add_others(s, to, space, 3);
        for (size_t i = 0; i < 3; i++)
            MOTE_TRY(add_range(s, to, space[i].lo, space[i].hi));
        return MOTE_OK;
    }
    for (size_t i = 0; i < 2; i++)
        if (c == names[i].letter || c == names[i].letter - 32)
            for (size_t k = 0; k < sizeof classes / sizeof classes[0]; k++)
                if (strcmp(classes[k].name, names[i].name) == 0) {
                    s->at++;
                    return add_class(s, to, k, c != names[i].letter);
                }
    *done = false;
    return MOTE_OK;
}

static int hex_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* A letter behind a backslash. */
static mote_status escaped(parser *s, uint32_t *out)
{
    static const char names[] = "abfnrtv", values[] = "\a\b\f\n\r\t\v";
    MOTE_REQUIRE(more(s), s->diag, MOTE_E_VALUE, "pattern: ends in a backslash");
    const size_t at = s->at;
    const uint32_t c = next(s);
    const char *found = c < 128 && c != 'b' ? memchr(names, (int)c, sizeof names - 1) : NULL;
    *out = c;
    if (found != NULL) {
        *out = (unsigned char)values[found - names];
        return MOTE_OK;
    }
    if (c == 'x') {
        const bool braces = take(s, "{");
        uint32_t v = 0;
        int digits = 0;
        while (more(s) && hex_of(s->p.p[s->at]) >= 0 && digits < (braces ? 8 : 2)) {
            v = v * 16 + (uint32_t)hex_of(s->p.p[s->at++]);
            digits++;
        }
        MOTE_REQUIRE(digits != 0 && (braces ? take(s, "}") : digits == 2) && v <= LAST, s->diag, MOTE_E_VALUE, "pattern, byte %zu: \\x without its digits", at);
        *out = v;
        return MOTE_OK;
    }
    if (c >= '0' && c <= '7') {
        uint32_t v = c - '0';
        MOTE_REQUIRE(c == '0' || (more(s) && s->p.p[s->at] >= '0' && s->p.p[s->at] <= '7'), s->diag, MOTE_E_UNSUPPORTED, "pattern, byte %zu: a reference to a group", at);
        for (int i = 0; i < 2 && more(s) && s->p.p[s->at] >= '0' && s->p.p[s->at] <= '7'; i++)
            v = v * 8 + (uint32_t)(s->p.p[s->at++] - '0');
        *out = v;
        return MOTE_OK;
    }
    MOTE_REQUIRE(c != 'p' && c != 'P' && c != 'C', s->diag, MOTE_E_UNSUPPORTED, "pattern, byte %zu: \\%c", at, (char)c);
    const bool plain = c >= 128 || !((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'));
    MOTE_REQUIRE(plain, s->diag, MOTE_E_VALUE, "pattern, byte %zu: \\%c means nothing", at, (char)c);
    return MOTE_OK;
}

/* [...] behind its bracket. */
static mote_status parse_set(parser *s, tree **out)
{
    const size_t begin = s->at - 1;
    set *to = mote_arena_calloc(s->arena, 1, sizeof *to);
    if (to == NULL)
        return MOTE_NO_MEMORY(s->diag, sizeof *to);
    to->negated = take(s, "^");
    for (bool first = true; first || !looking_at(s, "]"); first = false) {
        uint32_t lo, hi;
        bool done = false;
        MOTE_REQUIRE(more(s), s->diag, MOTE_E_VALUE, "pattern, byte %zu: [ without its ]", begin);
        if (take(s, "[:")) {
            const bool negated = take(s, "^");
            for (size_t k = 0; k < sizeof classes / sizeof classes[0] && !done; k++) {
                const size_t n = strlen(classes[k].name);
                if (looking_at(s, classes[k].name) && s->p.n - s->at >= n + 2 && memcmp(s->p.p + s->at + n, ":]", 2) == 0) {
                    s->at += n + 2;
                    MOTE_TRY(add_class(s, to, k, negated));
                    done = true;
                }
            }
            MOTE_REQUIRE(done, s->diag, MOTE_E_VALUE, "pattern, byte %zu: no class of that name", s->at);
            continue;
        }
        if (take(s, "\\")) {
            MOTE_TRY(perl_class(s, to, &done));
            if (done)
                continue;
            MOTE_TRY(escaped(s, &lo));
        } else {
            lo = next(s);
        }
        hi = lo;
        if (looking_at(s, "-") && s->p.n - s->at > 1 && s->p.p[s->at + 1] != ']') {
            s->at++;
            if (take(s, "\\"))
                MOTE_TRY(escaped(s, &hi));
            else
                hi = next(s);
            MOTE_REQUIRE(lo <= hi, s->diag, MOTE_E_VALUE, "pattern, byte %zu: a range from its end to its beginning", s->at);
        }
        MOTE_TRY(add_range(s, to, lo, hi));
    }
    s->at++;
    settle(to);
    MOTE_TRY(make(s, SET, NULL, NULL, out));
    (*out)->set = to;
    return MOTE_OK;
}

static mote_status parse_or(parser *s, int depth, tree **out);

/* (?flags) and (?flags:...) behind "(?"; *group: a group follows. */
static mote_status parse_flags(parser *s, bool *group)
{
    bool on = true;
    *group = false;
    while (more(s)) {
        const char c = s->p.p[s->at++];
        switch (c) {
        case 'i': s->f.fold = on; break;
        case 's': s->f.dot_all = on; break;
        case 'm': s->f.lines = on; break;
        case 'U': break; /* which of several matches: none is asked for */
        case '-':
            MOTE_REQUIRE(on, s->diag, MOTE_E_VALUE, "pattern, byte %zu: a second -", s->at - 1);
            on = false;
            break;
        case ':': *group = true; return MOTE_OK;
        case ')': return MOTE_OK;
        default: MOTE_FAIL(s->diag, MOTE_E_VALUE, "pattern, byte %zu: no flag", s->at - 1);
        }
    }
    MOTE_FAIL(s->diag, MOTE_E_VALUE, "pattern: ends in flags");
}

static mote_status parse_group(parser *s, int depth, tree **out)
{
    const flags before = s->f;
    bool group = true;
    if (take(s, "?P<") || (looking_at(s, "?<") && !looking_at(s, "?<=") && !looking_at(s, "?<!") && take(s, "?<"))) {
        const size_t begin = s->at;
        while (more(s) && (hex_of(s->p.p[s->at]) >= 0 || s->p.p[s->at] == '_' || (s->p.p[s->at] >= 'A' && s->p.p[s->at] <= 'Z') ||
                           (s->p.p[s->at] >= 'a' && s->p.p[s->at] <= 'z')))
            s->at++;
        MOTE_REQUIRE(s->at > begin && take(s, ">"), s->diag, MOTE_E_VALUE, "pattern, byte %zu: a group's name", begin);
    } else if (take(s, "?")) {
        MOTE_TRY(parse_flags(s, &group));
    }
    if (!group)
        return make(s, EMPTY, NULL, NULL, out); /* the flags hold to the end of the group around */
    MOTE_TRY(parse_or(s, depth - 1, out));
    MOTE_REQUIRE(take(s, ")"), s->diag, MOTE_E_VALUE, "pattern: ( without its )");
    s->f = before;
    return MOTE_OK;
}

static mote_status parse_escape(parser *s, tree **out)
{
    static const struct {
        char letter;
        kind kind;
    } edges[] = {{'A', BEGIN_TEXT}, {'z', END_TEXT}, {'b', WORD_EDGE}, {'B', NO_WORD_EDGE}};
    for (size_t i = 0; i < 4 && more(s); i++)
        if (s->p.p[s->at] == edges[i].letter) {
            s->at++;
            return make(s, edges[i].kind, NULL, NULL, out);
        }
    bool done;
    MOTE_TRY(make(s, SET, NULL, NULL, out));
    (*out)->set = mote_arena_calloc(s->arena, 1, sizeof *(*out)->set);
    if ((*out)->set == NULL)
        return MOTE_NO_MEMORY(s->diag, sizeof *(*out)->set);
    MOTE_TRY(perl_class(s, (*out)->set, &done));
    if (done)
        return MOTE_OK;
    (*out)->kind = LETTER;
    return escaped(s, &(*out)->letter);
}

static mote_status parse_one(parser *s, int depth, tree **out)
{
    if (s->quoted) {
        MOTE_TRY(make(s, LETTER, NULL, NULL, out));
        (*out)->letter = next(s);
        return MOTE_OK;
    }
    if (take(s, "("))
        return parse_group(s, depth, out);
    if (take(s, "["))
        return parse_set(s, out);
    if (take(s, "\\"))
        return parse_escape(s, out);
    if (take(s, "^"))
        return make(s, s->f.lines ? BEGIN_LINE : BEGIN_TEXT, NULL, NULL, out);
    if (take(s, "$"))
        return make(s, s->f.lines ? END_LINE : END_TEXT, NULL, NULL, out);
    if (take(s, ".")) {
        MOTE_TRY(make(s, SET, NULL, NULL, out));
        (*out)->fold = false;
        (*out)->set = mote_arena_calloc(s->arena, 1, sizeof *(*out)->set);
        if ((*out)->set == NULL)
            return MOTE_NO_MEMORY(s->diag, sizeof *(*out)->set);
        (*out)->set->negated = true;
        return s->f.dot_all ? MOTE_OK : add_range(s, (*out)->set, '\n', '\n');
    }
    MOTE_REQUIRE(!looking_at(s, "*") && !looking_at(s, "+") && !looking_at(s, "?"), s->diag, MOTE_E_VALUE, "pattern, byte %zu: nothing to repeat", s->at);
    MOTE_TRY(make(s, LETTER, NULL, NULL, out));
    (*out)->letter = next(s);
    return MOTE_OK;
}

/* {n}, {n,}, {n,m}; otherwise the brace is a letter, and nothing is taken. */
static mote_status parse_counts(parser *s, bool *is, int32_t *least, int32_t *most)
{
    size_t at = s->at + 1;
    int32_t value[2] = {-1, -1};
    *is = false;
    for (int k = 0; k < 2; k++) {
        const size_t begin = at;
        int32_t v = 0;
        while (at < s->p.n && s->p.p[at] >= '0' && s->p.p[at] <= '9') {
            v = v > 100000 ? v : v * 10 + (s->p.p[at] - '0');
            at++;
        }
        value[k] = at > begin ? v : -1;
        if (k == 0 && (value[0] < 0 || at >= s->p.n))
            return MOTE_OK;
        if (k == 0 && s->p.p[at] != ',') {
            value[1] = v;
            break;
        }
        at += k == 0;
    }
    if (at >= s->p.n || s->p.p[at] != '}')
        return MOTE_OK;
    MOTE_REQUIRE(value[0] <= MOTE_REGEX_MAX_REPEAT && value[1] <= MOTE_REGEX_MAX_REPEAT && (value[1] < 0 || value[0] <= value[1]), s->diag, MOTE_E_VALUE,
                 "pattern, byte %zu: a repetition of %d to %d, expected at most %d", s->at, value[0], value[1], MOTE_REGEX_MAX_REPEAT);
    s->at = at + 1;
    *is = true;
    *least = value[0];
    *most = value[1];
    return MOTE_OK;
}

static mote_status parse_repeat(parser *s, int depth, tree **out)
{
    MOTE_TRY(parse_one(s, depth, out));
    if (s->quoted && take(s, "\\E"))
        s->quoted = false;
    for (int again = 0; more(s) && !s->quoted; again++) {
        int32_t least = 0, most = -1;
        bool is = true;
        if (looking_at(s, "{"))
            MOTE_TRY(parse_counts(s, &is, &least, &most));
        else if (take(s, "+"))
            least = 1;
        else if (take(s, "?"))
            most = 1;
        else
            is = take(s, "*");
        if (!is)
            return MOTE_OK;
        MOTE_REQUIRE(again == 0, s->diag, MOTE_E_VALUE, "pattern, byte %zu: a repetition of a repetition", s->at);
        take(s, "?"); /* lazy: the same texts */
        if ((*out)->kind == EMPTY || most == 0) {
            MOTE_TRY(make(s, EMPTY, NULL, NULL, out));
            continue;
        }
        MOTE_TRY(make(s, REPEAT, *out, NULL, out));
        (*out)->least = least;
        (*out)->most = most;
    }
    return MOTE_OK;
}

/* Joins and alternatives lean to the right: what walks them goes along, not down. What matches the empty text alone leaves no trace. */
static mote_status append(parser *s, kind k, tree *t, tree **out, tree ***last)
{
    if (*out == NULL) {
        *out = t;
        *last = out;
        return MOTE_OK;
    }
    MOTE_TRY(make(s, k, **last, t, *last));
    *last = &(**last)->b;
    return MOTE_OK;
}

static mote_status parse_join(parser *s, int depth, tree **out)
{
    tree **last = NULL;
    *out = NULL;
    while (more(s) && (s->quoted || (!looking_at(s, "|") && !looking_at(s, ")")))) {
        tree *b;
        if (s->quoted ? take(s, "\\E") : take(s, "\\Q")) {
            s->quoted = !s->quoted;
            continue;
        }
        MOTE_TRY(parse_repeat(s, depth, &b));
        if (b->kind != EMPTY)
            MOTE_TRY(append(s, JOIN, b, out, &last));
    }
    return *out != NULL ? MOTE_OK : make(s, EMPTY, NULL, NULL, out);
}

static mote_status parse_or(parser *s, int depth, tree **out)
{
    tree **last = NULL;
    *out = NULL;
    MOTE_REQUIRE(depth > 0, s->diag, MOTE_E_LIMIT, "pattern: groups nested deeper than %d", DEPTH);
    do {
        tree *b;
        MOTE_TRY(parse_join(s, depth, &b));
        MOTE_TRY(append(s, OR, b, out, &last));
    } while (take(s, "|"));
    return MOTE_OK;
}

/* ---- the program ---- */

typedef enum step_kind { STEP_LETTER, STEP_SET, STEP_FORK, STEP_GO, STEP_EDGE, STEP_MATCH } step_kind;

typedef struct step {
    step_kind kind;
    kind edge;
    bool fold;
    uint32_t letter;
    const set *set;
    uint32_t a, b; /* where to go on */
} step;

struct mote_regex {
    step *steps;
    uint32_t n;
    bool fold; /* some step is without regard to case */
    /* states of a match: a list without repetition (Briggs, Torczon 1993), now and next */
    uint32_t *dense[2], *sparse[2], *stack;
};

typedef struct compiler {
    mote_arena *arena;
    step *steps;
    uint32_t n, cap;
    bool fold;
    mote_diag *diag;
} compiler;

static mote_status emit(compiler *k, step s, uint32_t *at)
{
    MOTE_REQUIRE(k->n < MOTE_REGEX_MAX_STEPS, k->diag, MOTE_E_LIMIT, "pattern: more than %d steps when its repetitions are written out", MOTE_REGEX_MAX_STEPS);
    if (k->n == k->cap) {
        const uint32_t cap = k->cap == 0 ? 64 : 2 * k->cap;
        step *steps = mote_arena_calloc(k->arena, cap, sizeof *steps);
        if (steps == NULL)
            return MOTE_NO_MEMORY(k->diag, cap * sizeof *steps);
        if (k->n != 0)
            memcpy(steps, k->steps, k->n * sizeof *steps);
        k->steps = steps;
        k->cap = cap;
    }
    k->fold = k->fold || s.fold;
    *at = k->n;
    k->steps[k->n++] = s;
    return MOTE_OK;
}

static mote_status compile(compiler *k, const tree *t);

static mote_status compile_repeat(compiler *k, const tree *t)
{
    uint32_t at = 0, go = 0;
    for (int32_t i = 0; i < t->least; i++)
        MOTE_TRY(compile(k, t->a));
    if (t->most < 0) {
        MOTE_TRY(emit(k, (step){.kind = STEP_FORK}, &at));
        k->steps[at].a = k->n;
        MOTE_TRY(compile(k, t->a));
        MOTE_TRY(emit(k, (step){.kind = STEP_GO, .a = at}, &go));
        k->steps[at].b = k->n;
        return MOTE_OK;
    }
    for (int32_t i = t->least; i < t->most; i++) { /* each of the rest may be left out */
        MOTE_TRY(emit(k, (step){.kind = STEP_FORK}, &at));
        k->steps[at].a = k->n;
        MOTE_TRY(compile(k, t->a));
        k->steps[at].b = k->n;
    }
    return MOTE_OK;
}

static mote_status compile_or(compiler *k, const tree *t)
{
    uint32_t at = 0, go = 0, ends = UINT32_MAX; /* the jumps to the end: a list through their destinations, which are not known yet */
    for (; t->kind == OR; t = t->b) {
        MOTE_TRY(emit(k, (step){.kind = STEP_FORK}, &at));
        k->steps[at].a = k->n;
        MOTE_TRY(compile(k, t->a));
        MOTE_TRY(emit(k, (step){.kind = STEP_GO, .a = ends}, &go));
        ends = go;
        k->steps[at].b = k->n;
    }
    MOTE_TRY(compile(k, t));
    for (uint32_t next_end; ends != UINT32_MAX; ends = next_end) {
        next_end = k->steps[ends].a;
        k->steps[ends].a = k->n;
    }
    return MOTE_OK;
}

static mote_status compile(compiler *k, const tree *t)
{
    uint32_t at = 0;
    switch (t->kind) {
    case EMPTY: return MOTE_OK;
    case LETTER: return emit(k, (step){.kind = STEP_LETTER, .letter = t->fold ? mote_letter_fold(t->letter) : t->letter, .fold = t->fold}, &at);
    case SET: return emit(k, (step){.kind = STEP_SET, .set = t->set, .fold = t->fold}, &at);
    case JOIN:
        for (; t->kind == JOIN; t = t->b)
            MOTE_TRY(compile(k, t->a));
        return compile(k, t);
    case OR: return compile_or(k, t);
    case REPEAT: return compile_repeat(k, t);
    default: return emit(k, (step){.kind = STEP_EDGE, .edge = t->kind}, &at);
    }
}

enum { PATTERN_LIMIT = 1 << 16 }; /* bytes */

mote_status mote_regex_compile(mote_arena *arena, mote_str pattern, mote_regex **out, mote_diag *diag)
{
    parser s = {.arena = arena, .diag = diag, .p = pattern};
    compiler k = {.arena = arena, .diag = diag};
    tree *t;
    uint32_t at;
    *out = NULL;
    MOTE_REQUIRE(pattern.n <= PATTERN_LIMIT, diag, MOTE_E_LIMIT, "pattern: %zu bytes, at most %d are supported", pattern.n, PATTERN_LIMIT);
    for (size_t i = 0, bytes; i < pattern.n; i += bytes)
        MOTE_REQUIRE(mote_letter_at(pattern.p + i, pattern.n - i, &bytes) != 0xfffd || bytes != 1, diag, MOTE_E_VALUE, "pattern, byte %zu: no UTF-8", i);
    MOTE_TRY(parse_or(&s, DEPTH, &t));
    MOTE_REQUIRE(!more(&s), diag, MOTE_E_VALUE, "pattern, byte %zu: ) without its (", s.at);
    mote_regex *r = mote_arena_calloc(arena, 1, sizeof *r);
    if (r == NULL)
        return MOTE_NO_MEMORY(diag, sizeof *r);
    MOTE_TRY(compile(&k, t));
    MOTE_TRY(emit(&k, (step){.kind = STEP_MATCH}, &at));
    r->steps = k.steps;
    r->n = k.n;
    r->fold = k.fold;
    for (int i = 0; i < 2; i++) {
        r->dense[i] = mote_arena_calloc(arena, r->n + 1, sizeof(uint32_t));
        r->sparse[i] = mote_arena_calloc(arena, r->n + 1, sizeof(uint32_t));
    }
    r->stack = mote_arena_calloc(arena, 2 * (size_t)r->n + 2, sizeof(uint32_t));
    if (r->dense[0] == NULL || r->dense[1] == NULL || r->sparse[0] == NULL || r->sparse[1] == NULL || r->stack == NULL)
        return MOTE_NO_MEMORY(diag, r->n * sizeof(uint32_t));
    *out = r;
    return MOTE_OK;
}

/* ---- matching ---- */

static bool is_word(mote_str t, size_t at)
{
    const unsigned char c = at < t.n ? (unsigned char)t.p[at] : 0;
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool at_edge(kind k, mote_str t, size_t at)
{
    switch (k) {
    case BEGIN_TEXT: return at == 0;
    case END_TEXT: return at == t.n;
    case BEGIN_LINE: return at == 0 || t.p[at - 1] == '\n';
    case END_LINE: return at == t.n || t.p[at] == '\n';
    default: return ((at > 0 && is_word(t, at - 1)) != is_word(t, at)) == (k == WORD_EDGE);
    }
}

static bool in_set(const set *s, uint32_t c)
{
    size_t lo = 0, hi = s->n;
    while (lo < hi) {
        const size_t middle = lo + (hi - lo) / 2;
        if (s->r[middle].hi < c)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo < s->n && s->r[lo].lo <= c;
}

/* A code point of the text, and those that it is without regard to case; the first is the fold. */
typedef struct reading {
    uint32_t c, orbit[MOTE_LETTER_ORBIT];
    size_t n;
} reading;

static bool reads(const step *s, const reading *c)
{
    if (s->kind == STEP_LETTER)
        return (s->fold ? c->orbit[0] : c->c) == s->letter;
    if (!s->fold)
        return in_set(s->set, c->c) != s->set->negated;
    for (size_t i = 0; i < c->n; i++)
        if (in_set(s->set, c->orbit[i]))
            return !s->set->negated;
    return s->set->negated;
}

/* Adds a state and all that follow it without a letter. */
static uint32_t add(mote_regex *r, int list, uint32_t n, uint32_t first, mote_str text, size_t at)
{
    size_t depth = 0;
    r->stack[depth++] = first;
    while (depth != 0) {
        const uint32_t s = r->stack[--depth];
        const uint32_t where = r->sparse[list][s];
        if (where < n && r->dense[list][where] == s)
            continue;
        r->sparse[list][s] = n;
        r->dense[list][n++] = s;
        const step *p = &r->steps[s];
        if (p->kind == STEP_FORK) {
            r->stack[depth++] = p->b;
            r->stack[depth++] = p->a;
        } else if (p->kind == STEP_GO) {
            r->stack[depth++] = p->a;
        } else if (p->kind == STEP_EDGE && at_edge(p->edge, text, at)) {
            r->stack[depth++] = s + 1;
        }
    }
    return n;
}

bool mote_regex_matches(mote_regex *r, mote_str text)
{
    int now = 0;
    uint32_t n = add(r, now, 0, 0, text, 0);
    size_t bytes;
    for (size_t at = 0; at < text.n && n != 0; at += bytes) {
        reading c = {.c = mote_letter_at(text.p + at, text.n - at, &bytes)};
        uint32_t next_n = 0;
        if (c.c == 0xfffd && bytes == 1)
            return false;
        if (r->fold)
            c.n = mote_letter_orbit(c.c, c.orbit);
        for (uint32_t i = 0; i < n; i++) {
            const step *s = &r->steps[r->dense[now][i]];
            if ((s->kind == STEP_LETTER || s->kind == STEP_SET) && reads(s, &c))
                next_n = add(r, 1 - now, next_n, r->dense[now][i] + 1, text, at + bytes);
        }
        now = 1 - now;
        n = next_n;
    }
    for (uint32_t i = 0; i < n; i++)
        if (r->steps[r->dense[now][i]].kind == STEP_MATCH)
            return true;
    return false;
}
