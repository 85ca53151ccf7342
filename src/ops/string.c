/* string.c - StringConcat, StringSplit, StringNormalizer
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ONNX StringConcat-20, StringSplit-20, StringNormalizer-10. Strings are bytes; case and spaces are those of Unicode where the bytes are UTF-8. The
 * locale of StringNormalizer is not looked at: the answer is the same everywhere. */
#include "base/platform.h"
#include "ops/letters.h"
#include "ops/types.h"
#include "ops/wide.h"
#include <string.h>

static mote_str view(mote_string s) { return (mote_str){s.data, s.length}; }

/* ---- StringConcat ---- */

static mote_status eval_string_concat(mote_eval *c)
{
    mote_broadcast b;
    const mote_string *x = c->in[0]->data, *y = c->in[1]->data;
    size_t total = 0;
    MOTE_TRY(mote_broadcast_init(&b, c->out[0], c->in, 2, c->diag));
    for (size_t i = 0; i < b.count; i++)
        MOTE_REQUIRE(mote_size_add(total, x[mote_broadcast_index(&b, 0, i)].length, &total) && mote_size_add(total, y[mote_broadcast_index(&b, 1, i)].length, &total), c->diag,
                     MOTE_E_LIMIT, "the strings are longer than memory can be");
    char *to = c->output_chars(c, 0, total + 1);
    if (to == NULL)
        return MOTE_NO_MEMORY(c->diag, total);
    mote_string *z = c->out[0]->data;
    for (size_t i = 0; i < b.count; i++) {
        const mote_string p = x[mote_broadcast_index(&b, 0, i)], q = y[mote_broadcast_index(&b, 1, i)];
        z[i] = (mote_string){to, p.length + q.length};
        if (p.length != 0)
            memcpy(to, p.data, p.length);
        if (q.length != 0)
            memcpy(to + p.length, q.data, q.length);
        to += p.length + q.length;
    }
    return MOTE_OK;
}

MOTE_OP(onnx, StringConcat, 20, .in = "X:T Y:T", .out = "Z:T", .types = MOTE_TYPES({"T", MOTE_DT(STRING), 0}), .flags = MOTE_OP_ELEMENTWISE, .infer = mote_infer_broadcast,
        .eval = eval_string_concat, .doc = MOTE_DOC("x followed by y"));

/* ---- StringSplit ---- */

typedef struct splitter {
    mote_str delimiter; /* empty: runs of spaces */
    uint64_t most;      /* splits */
} splitter;

static mote_status splitter_of(const mote_node *n, splitter *s, mote_diag *diag)
{
    const mote_attr *most = mote_node_attr(n, "maxsplit");
    s->delimiter = mote_node_string(n, "delimiter", "");
    s->most = most == NULL || most->i < 0 ? UINT64_MAX : (uint64_t)most->i;
    (void)diag;
    return MOTE_OK;
}

static size_t skip_spaces(mote_str t, size_t at)
{
    size_t bytes;
    while (at < t.n && mote_letter_is_space(mote_letter_at(t.p + at, t.n - at, &bytes)))
        at += bytes;
    return at;
}

/* The number of parts; parts[] gets them unless it is NULL. */
static size_t split(const splitter *s, mote_str t, mote_string *parts)
{
    size_t n = 0, at = 0;
    if (s->delimiter.n != 0) {
        for (size_t i = 0; n < s->most && i + s->delimiter.n <= t.n;) {
            if (memcmp(t.p + i, s->delimiter.p, s->delimiter.n) != 0) {
                i++;
                continue;
            }
            if (parts != NULL)
                parts[n] = (mote_string){t.p + at, i - at};
            n++;
            at = i += s->delimiter.n;
        }
        if (parts != NULL)
            parts[n] = (mote_string){t.p + at, t.n - at};
        return n + 1;
    }
    for (at = skip_spaces(t, 0); at < t.n; at = skip_spaces(t, at)) {
        size_t end = at, bytes;
        if (n == s->most)
            end = t.n;
        while (end < t.n && !mote_letter_is_space(mote_letter_at(t.p + end, t.n - end, &bytes)))
            end += bytes;
        if (parts != NULL)
            parts[n] = (mote_string){t.p + at, end - at};
        n++;
        at = end;
    }
    return n;
}

static mote_status infer_string_split(mote_infer *c)
{
    const mote_type *x = c->in[0];
    int64_t dims[MOTE_MAX_RANK + 1];
    if (c->n_out > 1)
        mote_infer_out(c, 1, MOTE_DTYPE_S64, x->rank, x->rank < 0 ? NULL : x->dims);
    if (x->rank < 0) {
        mote_infer_out(c, 0, MOTE_DTYPE_STRING, -1, NULL);
        return MOTE_OK;
    }
    MOTE_TRY(mote_arg_rank(x->rank + 1, c->diag));
    memcpy(dims, x->dims, sizeof x->dims);
    dims[x->rank] = MOTE_DIM_UNKNOWN;
    mote_infer_out(c, 0, MOTE_DTYPE_STRING, x->rank + 1, dims);
    return MOTE_OK;
}

static mote_status eval_string_split(mote_eval *c)
{
    const mote_array *x = c->in[0];
    const mote_string *s = x->data;
    const size_t n = mote_array_count(x);
    splitter how;
    size_t most = 0;
    int64_t dims[MOTE_MAX_RANK + 1] = {0};
    MOTE_TRY(splitter_of(c->node, &how, c->diag));
    if (c->n_out > 1 && c->out[1] != NULL)
        MOTE_TRY(c->output(c, 1, MOTE_DTYPE_S64, x->rank, x->dims));
    for (size_t i = 0; i < n; i++) {
        const size_t parts = split(&how, view(s[i]), NULL);
        most = parts > most ? parts : most;
        if (c->n_out > 1 && c->out[1] != NULL)
            ((int64_t *)c->out[1]->data)[i] = (int64_t)parts;
    }
    memcpy(dims, x->dims, sizeof x->dims);
    dims[x->rank] = (int64_t)most;
    if (c->out[0] == NULL)
        return MOTE_OK;
    MOTE_TRY(c->output(c, 0, MOTE_DTYPE_STRING, x->rank + 1, dims));
    for (size_t i = 0; i < n; i++) /* what is behind a string's parts stays empty */
        split(&how, view(s[i]), (mote_string *)c->out[0]->data + i * most);
    return mote_eval_own_strings(c, 0);
}

MOTE_OP(onnx, StringSplit, 20, .in = "X:T1", .out = "Y:T2 Z:T3", .types = MOTE_TYPES({"T1", MOTE_DT(STRING), 0}, {"T2", MOTE_DT(STRING), 0}, {"T3", MOTE_DT(S64), 0}),
        .attrs = MOTE_ATTRS(MOTE_A(STRING, "delimiter"), MOTE_A(INT, "maxsplit")), .flags = MOTE_OP_DATA_SHAPE, .infer = infer_string_split, .eval = eval_string_split,
        .doc = MOTE_DOC("the parts of each string, filled up with empty ones, and how many there are"));

/* ---- StringNormalizer ---- */

static mote_status infer_normalizer(mote_infer *c)
{
    const mote_type *x = c->in[0];
    const mote_str change = mote_node_string(c->node, "case_change_action", "NONE");
    int64_t dims[2] = {1, MOTE_DIM_UNKNOWN};
    MOTE_REQUIRE(mote_str_is(change, "NONE") || mote_str_is(change, "LOWER") || mote_str_is(change, "UPPER"), c->diag, MOTE_E_VALUE,
                 "case_change_action is '%.*s', expected NONE, LOWER or UPPER", MOTE_STR_ARG(change));
    MOTE_REQUIRE(x->rank < 0 || x->rank == 1 || (x->rank == 2 && mote_dim_may_equal(x->dims[0], 1)), c->diag, MOTE_E_SHAPE, "X is neither [n] nor [1, n]");
    mote_infer_out(c, 0, MOTE_DTYPE_STRING, x->rank, x->rank < 0 ? NULL : x->rank == 1 ? dims + 1 : dims);
    return MOTE_OK;
}

/* text in the case, in memory of its own. */
static mote_status in_case(mote_arena *temp, mote_str text, const char *change, mote_str *out, mote_diag *diag)
{
    *out = text;
    if (strcmp(change, "NONE") == 0 || text.n == 0)
        return MOTE_OK;
    char *to = mote_temp(temp, text.n, 3, diag);
    if (to == NULL)
        return MOTE_E_MEMORY;
    *out = (mote_str){to, mote_letters_change(text, strcmp(change, "UPPER") == 0, to)};
    return MOTE_OK;
}

static mote_status eval_normalizer_temp(mote_eval *c, mote_arena *temp)
{
    const mote_array *x = c->in[0];
    const mote_string *s = x->data;
    const mote_attr *stop = mote_node_attr(c->node, "stopwords");
    const mote_str action = mote_node_string(c->node, "case_change_action", "NONE");
    const char *change = mote_str_is(action, "LOWER") ? "LOWER" : mote_str_is(action, "UPPER") ? "UPPER" : "NONE";
    const bool sensitive = mote_node_int(c->node, "is_case_sensitive", 0) != 0;
    const char *compared = sensitive ? "NONE" : strcmp(change, "NONE") == 0 ? "LOWER" : change;
    const size_t n = mote_array_count(x), stops = stop != NULL ? stop->n : 0;
    MOTE_REQUIRE(x->rank == 1 || (x->rank == 2 && x->dims[0] == 1), c->diag, MOTE_E_SHAPE, "X is neither [n] nor [1, n]");
    mote_str *words = mote_temp(temp, stops + 1, sizeof *words, c->diag), *kept = mote_temp(temp, n + 1, sizeof *kept, c->diag);
    if (words == NULL || kept == NULL)
        return MOTE_E_MEMORY;
    for (size_t i = 0; i < stops; i++)
        MOTE_TRY(in_case(temp, stop->strings[i], compared, &words[i], c->diag));
    size_t left = 0;
    for (size_t i = 0; i < n; i++) {
        mote_str word;
        bool stopped = false;
        if (stops != 0)
            MOTE_TRY(in_case(temp, view(s[i]), compared, &word, c->diag));
        for (size_t k = 0; k < stops && !stopped; k++)
            stopped = mote_str_eq(word, words[k]);
        if (!stopped)
            MOTE_TRY(in_case(temp, view(s[i]), change, &kept[left++], c->diag));
    }
    int64_t dims[2] = {1, 1};
    dims[x->rank - 1] = left != 0 ? (int64_t)left : 1; /* nothing left: one empty string */
    MOTE_TRY(c->output(c, 0, MOTE_DTYPE_STRING, x->rank, dims));
    for (size_t i = 0; i < left; i++)
        ((mote_string *)c->out[0]->data)[i] = (mote_string){kept[i].p, kept[i].n};
    return mote_eval_own_strings(c, 0);
}
MOTE_EVAL_TEMP(eval_normalizer)

MOTE_OP(onnx, StringNormalizer, 10, .in = "X:string", .out = "Y:string", .attrs = MOTE_ATTRS(MOTE_A_STRING("case_change_action", "NONE"), MOTE_A_INT("is_case_sensitive", 0),
        MOTE_A(STRING, "locale"), MOTE_A(STRINGS, "stopwords")), .flags = MOTE_OP_DATA_SHAPE, .infer = infer_normalizer, .eval = eval_normalizer,
        .doc = MOTE_DOC("strings without the stop words, in lower or upper case"));
