/* parse.c - a module from text (docs/ir.md has the grammar)
 * SPDX-License-Identifier: Apache-2.0
 *
 * Limits: graphs nest at most MOTE_GRAPH_MAX_DEPTH, types 8; all constants together have at most 64 MB. */
#include "base/platform.h"
#include "graph/graph.h"
#include "graph/names.h"
#include "base/half.h"
#include "base/size.h"
#include <locale.h>
#include <math.h>
#include <stdlib.h>

enum { MAX_TYPE_DEPTH = 8, MAX_CONSTANTS = 64 << 20, MAX_LIST = 1 << 16 };

typedef struct parser {
    mote_module *m;
    mote_str text;
    size_t at, line;
    mote_names names;
    size_t constant_bytes;
    mote_diag *diag;
} parser;

#define BAD(p, ...) return bad((p), __VA_ARGS__)

static mote_status bad(parser *p, const char *what)
{
    return mote_fail(p->diag, MOTE_E_FORMAT, "line %zu: expected %s", p->line, what);
}

static mote_status no_memory(parser *p) { return MOTE_NO_MEMORY(p->diag, (size_t)0); }

/* ---- tokens ---- */

static char peek(parser *p)
{
    while (p->at < p->text.n) {
        char ch = p->text.p[p->at];
        if (ch == '\n')
            p->line++;
        else if (ch == '#')
            while (p->at + 1 < p->text.n && p->text.p[p->at + 1] != '\n')
                p->at++;
        else if (ch != ' ' && ch != '\t' && ch != '\r')
            return ch;
        p->at++;
    }
    return 0;
}

static bool accept(parser *p, char ch)
{
    if (peek(p) != ch || ch == 0)
        return false;
    p->at++;
    return true;
}

static mote_status expect(parser *p, char ch)
{
    const char what[] = {'\'', ch, '\'', 0};
    return accept(p, ch) ? MOTE_OK : bad(p, what);
}

static bool letter(char ch) { return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_'; }
static bool digit(char ch) { return ch >= '0' && ch <= '9'; }

/* A bare word without consuming it; empty when there is none. */
static mote_str word_ahead(parser *p)
{
    if (!letter(peek(p)))
        return (mote_str){NULL, 0};
    size_t end = p->at;
    while (end < p->text.n && (letter(p->text.p[end]) || digit(p->text.p[end]) || p->text.p[end] == '.' || p->text.p[end] == '/' ||
                               p->text.p[end] == '-'))
        end++;
    return (mote_str){p->text.p + p->at, end - p->at};
}

static bool accept_word(parser *p, const char *w)
{
    mote_str s = word_ahead(p);
    if (!mote_str_is(s, w))
        return false;
    p->at += s.n;
    return true;
}

static int hex(char ch)
{
    return digit(ch) ? ch - '0' : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : ch >= 'A' && ch <= 'F' ? ch - 'A' + 10 : -1;
}

/* A quoted string, copied into the arena. */
static mote_status quoted(parser *p, mote_str *out)
{
    MOTE_TRY(expect(p, '"'));
    size_t end = p->at;
    while (end < p->text.n && p->text.p[end] != '"' && p->text.p[end] != '\n')
        end += p->text.p[end] == '\\' && end + 1 < p->text.n ? 2 : 1;
    if (end >= p->text.n || p->text.p[end] != '"')
        BAD(p, "a closing quote");
    char *to = mote_arena_calloc(&p->m->arena, end - p->at + 1, 1);
    if (to == NULL)
        return no_memory(p);
    size_t n = 0;
    while (p->at < end) {
        char ch = p->text.p[p->at++];
        if (ch == '\\') {
            ch = p->text.p[p->at++];
            if (ch == 'x') {
                int hi = end - p->at >= 2 ? hex(p->text.p[p->at]) : -1, lo = hi >= 0 ? hex(p->text.p[p->at + 1]) : -1;
                if (lo < 0)
                    BAD(p, "two hexadecimal digits after \\x");
                p->at += 2;
                ch = (char)(unsigned char)(hi * 16 + lo);
            } else if (ch != '"' && ch != '\\') {
                BAD(p, "\\\", \\\\ or \\x after a backslash");
            }
        }
        to[n++] = ch;
    }
    p->at = end + 1;
    *out = (mote_str){to, n};
    return MOTE_OK;
}

/* A name: a bare word (borrowed from the text) or a quoted one. */
static mote_status name(parser *p, mote_str *out)
{
    if (peek(p) == '"')
        return quoted(p, out);
    *out = word_ahead(p);
    if (out->n == 0)
        BAD(p, "a name");
    p->at += out->n;
    return MOTE_OK;
}

/* A number as text: digits, sign, point, exponent, or inf and nan. real: it is not an integer. */
static mote_status number_text(parser *p, char *buf, size_t cap, bool *real)
{
    peek(p);
    size_t n = 0;
    *real = false;
    while (p->at < p->text.n) {
        char ch = p->text.p[p->at];
        bool sign = (ch == '-' || ch == '+') && (n == 0 || buf[n - 1] == 'e' || buf[n - 1] == 'E');
        bool exponent = n != 0 && (ch == 'e' || ch == 'E');
        bool special = strchr("infa", ch) != NULL && ch != 0 && (n == 0 || !digit(buf[n - 1]));
        if (!digit(ch) && !sign && !exponent && ch != '.' && !special)
            break;
        if (n + 1 >= cap)
            BAD(p, "a shorter number");
        *real = *real || exponent || ch == '.' || special;
        buf[n++] = ch;
        p->at++;
    }
    buf[n] = 0;
    if (n == 0)
        BAD(p, "a number");
    return MOTE_OK;
}

static mote_status to_real(parser *p, char *buf, double *out)
{
    const char *body = buf + (buf[0] == '-' || buf[0] == '+');
    if (strcmp(body, "nan") == 0) {
        *out = (double)NAN;
        return MOTE_OK;
    }
    if (strcmp(body, "inf") == 0) {
        *out = buf[0] == '-' ? -(double)INFINITY : (double)INFINITY;
        return MOTE_OK;
    }
    const char *point = localeconv()->decimal_point; /* strtod reads the locale's point */
    for (char *c = buf; *c != 0; c++) {
        if (strchr("infa", *c) != NULL)
            BAD(p, "a number");
        if (*c == '.' && point[0] != 0)
            *c = point[0];
    }
    char *end;
    *out = strtod(buf, &end);
    if (*end != 0)
        BAD(p, "a number");
    return MOTE_OK;
}

static mote_status to_int(parser *p, const char *buf, int64_t *out)
{
    bool negative = buf[0] == '-';
    uint64_t v = 0;
    size_t i = negative ? 1 : 0, first = i;
    for (; digit(buf[i]); i++) {
        uint64_t d = (uint64_t)(buf[i] - '0');
        if (v > (UINT64_MAX - d) / 10)
            BAD(p, "an integer of 64 bits");
        v = v * 10 + d;
    }
    if (i == first || buf[i] != 0 || (negative && v > (uint64_t)1 << 63))
        BAD(p, "an integer");
    *out = (int64_t)(negative ? 0 - v : v);
    return MOTE_OK;
}

static mote_status integer(parser *p, int64_t *out)
{
    char buf[64];
    bool real;
    MOTE_TRY(number_text(p, buf, sizeof buf, &real));
    return to_int(p, buf, out);
}

/* ---- types ---- */

static mote_status type_of(parser *p, mote_type *t, int depth)
{
    *t = (mote_type){.kind = MOTE_KIND_TENSOR, .rank = -1};
    mote_str w = word_ahead(p);
    bool seq = mote_str_is(w, "seq"), opt = mote_str_is(w, "opt");
    if (seq || opt) {
        if (depth >= MAX_TYPE_DEPTH)
            BAD(p, "a type that nests less deeply");
        p->at += w.n;
        t->kind = seq ? MOTE_KIND_SEQUENCE : MOTE_KIND_OPTIONAL;
        mote_type *e = mote_arena_calloc(&p->m->arena, 1, sizeof *e);
        if (e == NULL)
            return no_memory(p);
        MOTE_TRY(expect(p, '('));
        MOTE_TRY(type_of(p, e, depth + 1));
        t->element = e;
        return expect(p, ')');
    }
    if (!accept(p, '?')) {
        t->dtype = mote_dtype_from_name(w.p, w.n);
        if (t->dtype == MOTE_DTYPE_NONE)
            BAD(p, "an element type");
        p->at += w.n;
    } else if (peek(p) != '[') {
        return MOTE_OK;
    }
    MOTE_TRY(expect(p, '['));
    if (accept(p, '*'))
        return expect(p, ']');
    t->rank = 0;
    if (accept(p, ']'))
        return MOTE_OK;
    do {
        if (t->rank == MOTE_MAX_RANK)
            BAD(p, "at most 8 dimensions");
        int64_t d = MOTE_DIM_UNKNOWN;
        if (digit(peek(p))) {
            MOTE_TRY(integer(p, &d));
            if (d < 0)
                BAD(p, "a dimension below 2^63");
        } else if (!accept(p, '?')) {
            mote_str symbol;
            MOTE_TRY(name(p, &symbol));
            d = mote_module_symbol(p->m, symbol);
            if (d == MOTE_DIM_UNKNOWN)
                return no_memory(p);
        }
        t->dims[t->rank++] = d;
    } while (accept(p, ','));
    return expect(p, ']');
}

/* ---- constants ---- */

static mote_status element(parser *p, mote_array *a, size_t i)
{
    if (a->dtype == MOTE_DTYPE_STRING) {
        mote_str s;
        MOTE_TRY(quoted(p, &s));
        ((mote_string *)a->data)[i] = (mote_string){s.p, s.n};
        return MOTE_OK;
    }
    char buf[64];
    bool real;
    MOTE_TRY(number_text(p, buf, sizeof buf, &real));
    if (mote_dtype_in(a->dtype, MOTE_DTYPES_FLOAT | MOTE_DTYPES_F8 | MOTE_DT(F4E2M1))) {
        double x;
        MOTE_TRY(to_real(p, buf, &x));
        mote_dtype_from_f64(a->dtype, a->data, i, x);
        return MOTE_OK;
    }
    int64_t x;
    MOTE_TRY(to_int(p, buf, &x));
    mote_dtype_from_i64(a->dtype, a->data, i, x);
    return MOTE_OK;
}

/* Seeded numbers for tests: reals in [-1, 1), integers over their range (64-bit ones in 0..99). SplitMix64. */
static void fill_random(mote_array *a, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t z = (seed += 0x9e3779b97f4a7c15u);
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        z ^= z >> 31;
        if (mote_dtype_in(a->dtype, MOTE_DTYPES_FLOAT | MOTE_DTYPES_F8 | MOTE_DT(F4E2M1)))
            mote_dtype_from_f64(a->dtype, a->data, i, (double)(z >> 40) * 0x1p-23 - 1.0);
        else
            mote_dtype_from_i64(a->dtype, a->data, i,
                                (int64_t)(mote_dtype_bits(a->dtype) == 64 ? z % 100 : a->dtype == MOTE_DTYPE_BOOL ? z & 1 : z));
    }
}

/* "type data" */
static mote_status constant(parser *p, mote_array *a)
{
    mote_type t;
    MOTE_TRY(type_of(p, &t, 0));
    if (!mote_type_known(&t))
        BAD(p, "a type with fixed dimensions for a constant");
    MOTE_TRY(mote_array_shape(a, t.dtype, t.rank, t.dims, p->diag));
    size_t n = mote_array_count(a);
    if (a->bytes > MAX_CONSTANTS - p->constant_bytes)
        return mote_fail(p->diag, MOTE_E_LIMIT, "line %zu: constants of more than %d bytes", p->line, (int)MAX_CONSTANTS);
    p->constant_bytes += a->bytes;
    a->data = mote_arena_calloc(&p->m->arena, a->bytes, 1);
    if (a->data == NULL)
        return no_memory(p);
    bool numbers = !mote_dtype_in(a->dtype, MOTE_DTYPES_COMPLEX);
    if (numbers && accept_word(p, "fill")) {
        if (n == 0)
            BAD(p, "{} for a constant without elements");
        MOTE_TRY(element(p, a, 0));
        if (a->dtype == MOTE_DTYPE_STRING)
            for (size_t i = 1; i < n; i++)
                ((mote_string *)a->data)[i] = ((mote_string *)a->data)[0];
        else if (mote_dtype_bits(a->dtype) < 8)
            for (size_t i = 1; i < n; i++)
                mote_dtype_from_i64(a->dtype, a->data, i, mote_array_i64(a, 0));
        else
            for (size_t i = 1, size = mote_dtype_bits(a->dtype) / 8; i < n; i++)
                memcpy((char *)a->data + i * size, a->data, size);
        return MOTE_OK;
    }
    if (numbers && a->dtype != MOTE_DTYPE_STRING && accept_word(p, "random")) {
        int64_t seed;
        MOTE_TRY(integer(p, &seed));
        fill_random(a, n, (uint64_t)seed);
        return MOTE_OK;
    }
    if (accept_word(p, "bytes")) {
        mote_str s;
        MOTE_TRY(quoted(p, &s));
        if (a->dtype == MOTE_DTYPE_STRING || s.n != a->bytes)
            BAD(p, "as many bytes as the type has");
        if (s.n != 0)
            memcpy(a->data, s.p, s.n);
        return MOTE_OK;
    }
    if (!numbers)
        BAD(p, "'bytes' for a complex constant");
    if (peek(p) == '.')
        BAD(p, "data (this text abbreviates it)");
    MOTE_TRY(expect(p, '{'));
    for (size_t i = 0; i < n; i++) {
        if (i != 0)
            MOTE_TRY(expect(p, ','));
        MOTE_TRY(element(p, a, i));
    }
    return expect(p, '}');
}

/* ---- attributes ---- */

static mote_status graph_body(parser *p, mote_graph *g);

static mote_status subgraph(parser *p, mote_node *n, mote_graph **out)
{
    int depth = 0;
    for (const mote_graph *g = n->graph; g != NULL; g = g->parent)
        depth++;
    MOTE_REQUIRE(depth <= MOTE_GRAPH_MAX_DEPTH, p->diag, MOTE_E_LIMIT, "line %zu: graphs nest deeper than %d", p->line, MOTE_GRAPH_MAX_DEPTH);
    *out = mote_graph_create(p->m, n->graph, n);
    if (*out == NULL)
        return no_memory(p);
    return graph_body(p, *out);
}

/* Grows a list of the arena to hold element n. */
static mote_status list_room(parser *p, void **list, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return MOTE_OK;
    size_t more = *cap == 0 ? 8 : *cap * 2;
    if (more > MAX_LIST * 2)
        return mote_fail(p->diag, MOTE_E_LIMIT, "line %zu: a list of more than %d elements", p->line, MAX_LIST);
    void *to = mote_arena_calloc(&p->m->arena, more, size);
    if (to == NULL)
        return no_memory(p);
    if (n != 0)
        memcpy(to, *list, n * size);
    *list = to;
    *cap = more;
    return MOTE_OK;
}

static mote_status attr_list(parser *p, mote_node *n, mote_attr *a)
{
    void *list = NULL;
    size_t cap = 0;
    bool named = a->kind != MOTE_ATTR_NONE;
    if (!named)
        a->kind = peek(p) == '"' ? MOTE_ATTR_STRINGS : MOTE_ATTR_INTS;
    while (peek(p) != ']') {
        if (a->n != 0)
            MOTE_TRY(expect(p, ','));
        if (a->kind == MOTE_ATTR_STRINGS) {
            MOTE_TRY(list_room(p, &list, a->n, &cap, sizeof(mote_str)));
            MOTE_TRY(quoted(p, (mote_str *)list + a->n));
        } else if (a->kind == MOTE_ATTR_TENSORS) {
            MOTE_TRY(list_room(p, &list, a->n, &cap, sizeof(mote_array *)));
            mote_array *t = mote_arena_calloc(&p->m->arena, 1, sizeof *t);
            if (t == NULL)
                return no_memory(p);
            MOTE_TRY(constant(p, t));
            ((const mote_array **)list)[a->n] = t;
        } else if (a->kind == MOTE_ATTR_GRAPHS) {
            MOTE_TRY(list_room(p, &list, a->n, &cap, sizeof(mote_graph *)));
            MOTE_TRY(subgraph(p, n, (mote_graph **)list + a->n));
        } else {
            char buf[64];
            bool real;
            MOTE_TRY(list_room(p, &list, a->n, &cap, 8)); /* an element of either kind */
            MOTE_TRY(number_text(p, buf, sizeof buf, &real));
            if (a->n == 0 && real && !named)
                a->kind = MOTE_ATTR_FLOATS;
            if (a->kind == MOTE_ATTR_FLOATS) {
                double x;
                MOTE_TRY(to_real(p, buf, &x));
                ((float *)list)[a->n] = (float)x;
            } else {
                MOTE_TRY(to_int(p, buf, (int64_t *)list + a->n));
            }
        }
        a->n++;
    }
    switch (a->kind) {
    case MOTE_ATTR_FLOATS: a->floats = list; break;
    case MOTE_ATTR_STRINGS: a->strings = list; break;
    case MOTE_ATTR_TENSORS: a->tensors = list; break;
    case MOTE_ATTR_GRAPHS: a->graphs = list; break;
    default: a->ints = list; break;
    }
    return expect(p, ']');
}

static mote_status attr_value(parser *p, mote_node *n, mote_attr *a)
{
    static const struct {
        const char *word;
        mote_attr_kind kind;
    } lists[] = {{"floats", MOTE_ATTR_FLOATS}, {"ints", MOTE_ATTR_INTS}, {"strings", MOTE_ATTR_STRINGS}, {"tensors", MOTE_ATTR_TENSORS}, {"graphs", MOTE_ATTR_GRAPHS}};
    char ch = peek(p);
    if (ch == '"') {
        a->kind = MOTE_ATTR_STRING;
        return quoted(p, &a->s);
    }
    if (accept(p, '['))
        return attr_list(p, n, a);
    mote_str w = word_ahead(p);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (mote_str_is(w, lists[i].word)) {
            p->at += w.n;
            a->kind = lists[i].kind;
            MOTE_TRY(expect(p, '['));
            return attr_list(p, n, a);
        }
    if (accept_word(p, "tensor")) {
        mote_array *t = mote_arena_calloc(&p->m->arena, 1, sizeof *t);
        if (t == NULL)
            return no_memory(p);
        MOTE_TRY(constant(p, t));
        a->kind = MOTE_ATTR_TENSOR;
        a->t = t;
        return MOTE_OK;
    }
    if (mote_str_is(w, "graph")) {
        mote_graph *g;
        MOTE_TRY(subgraph(p, n, &g));
        a->kind = MOTE_ATTR_GRAPH;
        a->g = g;
        return MOTE_OK;
    }
    if (accept_word(p, "type")) {
        mote_type *t = mote_arena_calloc(&p->m->arena, 1, sizeof *t);
        if (t == NULL)
            return no_memory(p);
        a->kind = MOTE_ATTR_TYPE;
        a->type = t;
        return type_of(p, t, 0);
    }
    char buf[64];
    bool real;
    MOTE_TRY(number_text(p, buf, sizeof buf, &real));
    if (real) {
        double x;
        MOTE_TRY(to_real(p, buf, &x));
        a->kind = MOTE_ATTR_FLOAT;
        a->f = (float)x;
        return MOTE_OK;
    }
    a->kind = MOTE_ATTR_INT;
    return to_int(p, buf, &a->i);
}

static mote_status attrs(parser *p, mote_node *n)
{
    if (!accept(p, '{'))
        return MOTE_OK;
    mote_attr **tail = &n->attrs;
    while (!accept(p, '}')) {
        if (n->attrs != NULL)
            MOTE_TRY(expect(p, ','));
        mote_str key;
        MOTE_TRY(name(p, &key));
        MOTE_TRY(expect(p, '='));
        mote_attr *a = mote_arena_calloc(&p->m->arena, 1, sizeof *a);
        if (a == NULL || (a->name = mote_arena_str(&p->m->arena, key)).p == NULL)
            return no_memory(p);
        MOTE_TRY(attr_value(p, n, a));
        *tail = a;
        tail = &a->next;
    }
    return MOTE_OK;
}

/* ---- nodes and graphs ---- */

static mote_status define(parser *p, mote_value *v)
{
    mote_status st = mote_names_add(&p->names, v);
    if (st == MOTE_OK)
        return MOTE_OK;
    return mote_fail(p->diag, st, "line %zu: '%.*s' is defined twice", p->line, MOTE_STR_ARG(v->name));
}

static mote_status reference(parser *p, const mote_graph *g, mote_value **out)
{
    mote_str key;
    *out = NULL;
    if (mote_str_is(word_ahead(p), "_")) {
        p->at++;
        return MOTE_OK;
    }
    MOTE_TRY(name(p, &key));
    *out = mote_names_find(&p->names, g, key);
    if (*out == NULL)
        return mote_fail(p->diag, MOTE_E_MODEL, "line %zu: '%.*s' is not defined here", p->line, MOTE_STR_ARG(key));
    return MOTE_OK;
}

/* "y: type, z = domain::Op:overload@version(a, b) {attributes} as "name"" */
static mote_status node_line(parser *p, mote_graph *g)
{
    enum { MAX_OUT = 4096 };
    mote_value **out = NULL;
    size_t n_out = 0, cap = 0;
    if (peek(p) != '=')
        do {
            void *list = out;
            MOTE_TRY(list_room(p, &list, n_out, &cap, sizeof(mote_value *)));
            out = list;
            if (n_out == MAX_OUT)
                BAD(p, "at most 4096 outputs");
            mote_value *v = NULL;
            if (mote_str_is(word_ahead(p), "_")) {
                p->at++;
            } else {
                mote_str key;
                MOTE_TRY(name(p, &key));
                if (key.n == 0)
                    BAD(p, "a name that is not empty");
                v = mote_graph_add_value(g, key);
                if (v == NULL)
                    return no_memory(p);
                if (accept(p, ':'))
                    MOTE_TRY(type_of(p, &v->type, 0));
            }
            out[n_out++] = v;
        } while (accept(p, ','));
    MOTE_TRY(expect(p, '='));
    mote_str domain = MOTE_STR(""), op, overload = MOTE_STR("");
    MOTE_TRY(name(p, &op));
    if (accept(p, ':')) {
        if (accept(p, ':')) {
            domain = op;
            MOTE_TRY(name(p, &op));
            if (accept(p, ':'))
                MOTE_TRY(name(p, &overload));
        } else {
            MOTE_TRY(name(p, &overload));
        }
    }
    int64_t version = mote_module_opset(p->m, domain);
    if (version == 0)
        version = 1;
    if (accept(p, '@'))
        MOTE_TRY(integer(p, &version));
    if (version < 0 || version > INT32_MAX)
        BAD(p, "a version of at most 31 bits");
    mote_node *n = mote_graph_add_node(g, NULL, "", "", (int32_t)version, 0, (uint32_t)n_out, false);
    if (n == NULL)
        return no_memory(p);
    n->op = mote_arena_str(&p->m->arena, op);
    n->domain = mote_arena_str(&p->m->arena, domain);
    n->overload = mote_arena_str(&p->m->arena, overload);
    if (n->op.p == NULL || n->domain.p == NULL || n->overload.p == NULL)
        return no_memory(p);
    if (op.n == 0)
        BAD(p, "an operator");
    MOTE_TRY(expect(p, '('));
    mote_value **in = NULL;
    uint32_t n_in = 0;
    cap = 0;
    while (!accept(p, ')')) {
        if (n_in != 0)
            MOTE_TRY(expect(p, ','));
        void *list = in;
        MOTE_TRY(list_room(p, &list, n_in, &cap, sizeof(mote_value *)));
        in = list;
        MOTE_TRY(reference(p, g, &in[n_in]));
        n_in++;
    }
    if (mote_node_resize_inputs(n, n_in) != MOTE_OK)
        return no_memory(p);
    for (uint32_t i = 0; i < n_in; i++)
        mote_node_set_input(n, i, in[i]);
    MOTE_TRY(attrs(p, n));
    if (accept_word(p, "as"))
        MOTE_TRY(quoted(p, &n->name));
    /* Only now: a node does not see its own outputs, neither do its subgraphs. */
    for (uint32_t i = 0; i < n_out; i++)
        if (out[i] != NULL) {
            MOTE_TRY(mote_node_set_output(n, i, out[i]));
            MOTE_TRY(define(p, out[i]));
        }
    return MOTE_OK;
}

static mote_status constant_line(parser *p, mote_graph *g, bool is_default, bool folded)
{
    mote_str key;
    MOTE_TRY(name(p, &key));
    MOTE_TRY(expect(p, ':'));
    mote_array a;
    MOTE_TRY(constant(p, &a));
    if (is_default) {
        mote_value *v = mote_names_find(&p->names, g, key);
        if (v == NULL || v->graph != g || !v->is_input)
            BAD(p, "the name of an input of this graph");
        v->constant = mote_arena_copy(&p->m->arena, &a, sizeof a);
        return v->constant != NULL ? MOTE_OK : no_memory(p);
    }
    if (key.n == 0)
        BAD(p, "a name that is not empty");
    mote_value *v = mote_graph_add_constant(g, key, &a);
    if (v == NULL)
        return no_memory(p);
    v->is_folded = folded;
    return define(p, v);
}

static mote_status graph_body(parser *p, mote_graph *g)
{
    if (!accept_word(p, "graph"))
        BAD(p, "'graph'");
    if (peek(p) == '"')
        MOTE_TRY(quoted(p, &g->name));
    MOTE_TRY(expect(p, '('));
    while (!accept(p, ')')) {
        mote_str key;
        if (g->n_inputs != 0)
            MOTE_TRY(expect(p, ','));
        MOTE_TRY(name(p, &key));
        if (key.n == 0)
            BAD(p, "a name that is not empty");
        mote_value *v = mote_graph_add_value(g, key);
        if (v == NULL || mote_graph_add_input(g, v) != MOTE_OK)
            return no_memory(p);
        if (accept(p, ':'))
            MOTE_TRY(type_of(p, &v->type, 0));
        MOTE_TRY(define(p, v));
    }
    MOTE_TRY(expect(p, '{'));
    while (!accept_word(p, "return")) {
        bool folded = false, is_default = false;
        if (peek(p) == 0)
            BAD(p, "'return'");
        if (accept_word(p, "const") || (folded = accept_word(p, "folded")) || (is_default = accept_word(p, "default")))
            MOTE_TRY(constant_line(p, g, is_default, folded));
        else
            MOTE_TRY(node_line(p, g));
    }
    while (!accept(p, '}')) {
        mote_value *v;
        if (g->n_outputs != 0)
            MOTE_TRY(expect(p, ','));
        MOTE_TRY(reference(p, g, &v));
        if (v == NULL)
            BAD(p, "the name of a value");
        if (mote_graph_add_output(g, v) != MOTE_OK)
            return no_memory(p);
    }
    return MOTE_OK;
}

static mote_status header(parser *p)
{
    enum { MAX_ROWS = 256 };
    mote_module *m = p->m;
    m->ir_version = 8;
    m->opsets = mote_arena_calloc(&m->arena, MAX_ROWS, sizeof *m->opsets);
    m->props = mote_arena_calloc(&m->arena, MAX_ROWS, sizeof *m->props);
    if (m->opsets == NULL || m->props == NULL)
        return no_memory(p);
    if (accept_word(p, "module")) {
        if (!accept_word(p, "ir"))
            BAD(p, "'ir'");
        MOTE_TRY(integer(p, &m->ir_version));
    }
    for (;;) {
        if (accept_word(p, "opset")) {
            if (m->n_opsets == MAX_ROWS)
                BAD(p, "at most 256 opsets");
            MOTE_TRY(quoted(p, &m->opsets[m->n_opsets].domain));
            MOTE_TRY(integer(p, &m->opsets[m->n_opsets].version));
            m->n_opsets++;
        } else if (accept_word(p, "meta")) {
            if (m->n_props == MAX_ROWS)
                BAD(p, "at most 256 properties");
            MOTE_TRY(quoted(p, &m->props[m->n_props].key));
            MOTE_TRY(quoted(p, &m->props[m->n_props].value));
            m->n_props++;
        } else {
            return MOTE_OK;
        }
    }
}

mote_status mote_module_parse(mote_heap *heap, mote_str text, mote_module **out, mote_diag *diag)
{
    *out = NULL;
    parser p = {.text = text, .line = 1, .diag = diag};
    if (mote_module_create(heap, &p.m) != MOTE_OK)
        return MOTE_NO_MEMORY(diag, sizeof *p.m);
    mote_names_init(&p.names, heap);
    mote_status st = header(&p);
    if (st == MOTE_OK)
        st = graph_body(&p, p.m->graph);
    if (st == MOTE_OK && peek(&p) != 0)
        st = bad(&p, "the end of the text");
    mote_names_deinit(&p.names);
    if (st == MOTE_OK)
        st = mote_module_verify(p.m, diag);
    if (st != MOTE_OK)
        mote_module_destroy(&p.m);
    *out = p.m;
    return st;
}
