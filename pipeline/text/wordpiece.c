/* wordpiece.c - WordPiece tokens, as the `tokenizers` package's BertWordPieceTokenizer makes them
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: Schuster and Nakajima 2012; Devlin et al. 2019; the package for every detail: greedy longest match, "##" for continuations, a word of more
 * than 100 characters or without a full match is one [UNK], special tokens written out in a text are taken as such before anything else. */
#include "base/platform.h"
#include "base/size.h"
#include "pipeline/text/normalize.h"
#include <mote/mote_text.h>

enum { MAX_WORD = 100, MAX_VOCAB = 1 << 24, N_SPECIAL = 5, UNK = 0, SEP = 1, CLS = 2, PAD = 3, MASK = 4 };
static const char *const special_names[N_SPECIAL] = {"[UNK]", "[SEP]", "[CLS]", "[PAD]", "[MASK]"};

typedef struct entry {
    mote_str text;
    int64_t id;
} entry;

struct mote_tokenizer {
    mote_heap heap;
    mote_tokenizer_options options;
    char *vocab;
    size_t vocab_bytes;
    entry *table; /* open addressing */
    size_t cap, n;
    int64_t special[N_SPECIAL];
};

/* ---- vocabulary ---- */

static entry *slot_of(const mote_tokenizer *t, mote_str s)
{
    size_t i = (size_t)mote_str_hash(s) & (t->cap - 1);
    while (t->table[i].text.p != NULL && !mote_str_eq(t->table[i].text, s))
        i = (i + 1) & (t->cap - 1);
    return &t->table[i];
}

static bool find(const mote_tokenizer *t, mote_str s, int64_t *id)
{
    const entry *e = slot_of(t, s);
    *id = e->id;
    return e->text.p != NULL;
}

static mote_status read_vocab(mote_tokenizer *t, mote_diag *diag)
{
    size_t lines = 0;
    for (size_t i = 0; i < t->vocab_bytes; i++)
        lines += t->vocab[i] == '\n';
    MOTE_REQUIRE(lines < MAX_VOCAB, diag, MOTE_E_LIMIT, "a vocabulary of %zu lines", lines);
    t->cap = 64;
    while (t->cap < (lines + 1) * 2)
        t->cap *= 2;
    t->table = mote_heap_calloc(&t->heap, t->cap, sizeof *t->table);
    if (t->table == NULL)
        return MOTE_NO_MEMORY(diag, t->cap * sizeof *t->table);
    int64_t id = 0;
    for (size_t at = 0; at < t->vocab_bytes; id++) {
        const char *end = memchr(t->vocab + at, '\n', t->vocab_bytes - at);
        size_t n = end == NULL ? t->vocab_bytes - at : (size_t)(end - t->vocab) - at;
        mote_str s = {t->vocab + at, n};
        while (s.n > 0 && (s.p[s.n - 1] == '\r' || s.p[s.n - 1] == ' '))
            s.n--;
        entry *e = slot_of(t, s);
        t->n += e->text.p == NULL;
        *e = (entry){s, id}; /* of two equal lines the later counts */
        at += n + 1;
    }
    for (int i = 0; i < N_SPECIAL; i++)
        if (!find(t, mote_str_c(special_names[i]), &t->special[i]))
            t->special[i] = -1;
    MOTE_REQUIRE(t->special[UNK] >= 0 && t->special[SEP] >= 0 && t->special[CLS] >= 0, diag, MOTE_E_FORMAT,
                 "not a WordPiece vocabulary: [UNK], [SEP] or [CLS] is missing among %zu lines", t->n);
    return MOTE_OK;
}

mote_status mote_tokenizer_create(const void *vocab, size_t bytes, const mote_tokenizer_options *options, mote_tokenizer **out, mote_diag *diag)
{
    if (diag != NULL)
        *diag = (mote_diag)MOTE_DIAG_INIT;
    MOTE_REQUIRE(vocab != NULL && out != NULL, diag, MOTE_E_ARGUMENT, "vocab or out is NULL");
    *out = NULL;
    mote_tokenizer_options o = MOTE_TOKENIZER_OPTIONS_INIT;
    if (options != NULL) {
        MOTE_REQUIRE(options->struct_size != 0 && options->struct_size <= sizeof o, diag, MOTE_E_ARGUMENT,
                     "tokenizer options of %zu bytes are not of this version", options->struct_size);
        memcpy(&o, options, options->struct_size);
    }
    MOTE_REQUIRE(o.max_length == 0 || o.max_length >= 3, diag, MOTE_E_ARGUMENT, "max_length %zu: at least 3", o.max_length);
    MOTE_REQUIRE(bytes > 0 && bytes <= MOTE_TEXT_LIMIT, diag, MOTE_E_LIMIT, "a vocabulary of %zu bytes, at most %d", bytes, MOTE_TEXT_LIMIT);
    mote_heap heap;
    mote_heap_init(&heap, o.allocator, 0);
    mote_tokenizer *t = heap.allocator.alloc(heap.allocator.ctx, sizeof *t, MOTE_ALIGN);
    if (t == NULL)
        return MOTE_NO_MEMORY(diag, sizeof *t);
    memset(t, 0, sizeof *t);
    mote_heap_init(&t->heap, o.allocator, 0);
    t->options = o;
    t->vocab_bytes = bytes;
    t->vocab = mote_heap_alloc(&t->heap, bytes);
    mote_status status = t->vocab == NULL ? MOTE_NO_MEMORY(diag, bytes) : MOTE_OK;
    if (status == MOTE_OK) {
        memcpy(t->vocab, vocab, bytes);
        status = read_vocab(t, diag);
    }
    if (status != MOTE_OK) {
        mote_tokenizer_destroy(&t);
        return status;
    }
    *out = t;
    return MOTE_OK;
}

void mote_tokenizer_destroy(mote_tokenizer **tokenizer)
{
    if (tokenizer == NULL || *tokenizer == NULL)
        return;
    mote_tokenizer *t = *tokenizer;
    mote_heap heap;
    mote_heap_init(&heap, &t->heap.allocator, 0);
    mote_heap_free(&t->heap, t->vocab, t->vocab_bytes);
    mote_heap_free(&t->heap, t->table, t->cap * sizeof *t->table);
    heap.allocator.free(heap.allocator.ctx, t, sizeof *t);
    *tokenizer = NULL;
}

/* ---- tokens ---- */

typedef struct token {
    int64_t id;
    uint32_t start, end, word;
} token;

typedef struct tokens {
    mote_heap *heap;
    token *v;
    size_t n, cap;
} tokens;

static mote_status add_token(tokens *l, token t, mote_diag *diag)
{
    void *v = l->v;
    if (!mote_heap_grow(l->heap, &v, &l->cap, l->n + 1, sizeof t))
        return MOTE_NO_MEMORY(diag, l->cap * 2 * sizeof t);
    l->v = v;
    l->v[l->n++] = t;
    return MOTE_OK;
}

/* One word: the longest piece that the vocabulary has, again and again. */
static mote_status pieces(const mote_tokenizer *t, const mote_char *c, size_t n, uint32_t word, tokens *out, mote_diag *diag)
{
    char text[2 + 4 * MAX_WORD] = "##";
    size_t at[MAX_WORD + 1], first = out->n;
    token unknown = {t->special[UNK], c[0].start, c[n - 1].end, word};
    if (n > MAX_WORD)
        return add_token(out, unknown, diag);
    at[0] = 2;
    for (size_t i = 0; i < n; i++)
        at[i + 1] = at[i] + mote_utf8_put(text + at[i], c[i].c);
    for (size_t start = 0; start < n;) {
        size_t end = n;
        int64_t id = 0;
        char held[2] = {text[at[start] - 2], text[at[start] - 1]}; /* "##" stands before the rest while it is looked up */
        if (start > 0)
            memcpy(text + at[start] - 2, "##", 2);
        size_t from = start > 0 ? at[start] - 2 : at[start];
        while (end > start && !find(t, (mote_str){text + from, at[end] - from}, &id))
            end--;
        memcpy(text + at[start] - 2, held, 2);
        if (end == start) {
            out->n = first;
            return add_token(out, unknown, diag);
        }
        MOTE_TRY(add_token(out, (token){id, c[start].start, c[end - 1].end, word}, diag));
        start = end;
    }
    return MOTE_OK;
}

/* Words of a piece of text without special tokens. *word counts on unless `fixed`. */
static mote_status words(const mote_tokenizer *t, mote_str text, uint32_t offset, uint32_t *word, bool fixed, tokens *out, mote_diag *diag)
{
    mote_chars_list l = {out->heap, NULL, 0, 0};
    bool strip = t->options.strip_accents < 0 ? t->options.lowercase : t->options.strip_accents != 0;
    mote_status status = mote_text_normalize(text, offset, strip, t->options.lowercase, &l, diag);
    for (size_t i = 0; i < l.n && status == MOTE_OK;) {
        uint8_t class = mote_char_class(l.v[i].c);
        size_t end = i + 1;
        if ((class & MOTE_CHAR_SPACE) == 0) {
            if ((class & MOTE_CHAR_PUNCT) == 0)
                while (end < l.n && (mote_char_class(l.v[end].c) & (MOTE_CHAR_SPACE | MOTE_CHAR_PUNCT)) == 0)
                    end++;
            status = pieces(t, l.v + i, end - i, *word, out, diag);
            *word += !fixed;
        }
        i = end;
    }
    mote_chars_deinit(&l);
    return status;
}

/* The first special token at or after `at`: its place and number, or n. */
static size_t next_special(const mote_tokenizer *t, mote_str s, size_t at, int *which)
{
    for (; at < s.n; at++) {
        if (s.p[at] != '[')
            continue;
        for (int i = 0; i < N_SPECIAL; i++) {
            size_t n = strlen(special_names[i]);
            if (t->special[i] >= 0 && s.n - at >= n && memcmp(s.p + at, special_names[i], n) == 0) {
                *which = i;
                return at;
            }
        }
    }
    return s.n;
}

static mote_status tokenize(const mote_tokenizer *t, mote_str text, uint32_t *word, bool fixed, tokens *out, mote_diag *diag)
{
    MOTE_REQUIRE(text.n <= MOTE_TEXT_LIMIT, diag, MOTE_E_LIMIT, "a text of %zu bytes, at most %d", text.n, MOTE_TEXT_LIMIT);
    for (size_t at = 0; at < text.n;) {
        int which = 0;
        size_t end = next_special(t, text, at, &which);
        if (end > at)
            MOTE_TRY(words(t, (mote_str){text.p + at, end - at}, (uint32_t)at, word, fixed, out, diag));
        if (end < text.n) {
            size_t n = strlen(special_names[which]);
            MOTE_TRY(add_token(out, (token){t->special[which], (uint32_t)end, (uint32_t)(end + n), *word}, diag));
            *word += !fixed;
            end += n;
        }
        at = end;
    }
    return MOTE_OK;
}

/* ---- encodings ---- */

typedef struct owned {
    mote_encoding e; /* first */
    mote_heap heap;
    size_t bytes;
} owned;

static void put(mote_encoding *e, size_t i, token t, int64_t type)
{
    e->ids[i] = t.id;
    e->types[i] = type;
    e->mask[i] = 1;
    e->spans[i] = (mote_token_span){t.start, t.end, t.word};
}

static mote_status assemble(const mote_tokenizer *t, const tokens *a, const tokens *b, mote_encoding **out, mote_diag *diag)
{
    size_t na = a->n, nb = b == NULL ? 0 : b->n, extra = b == NULL ? 2 : 3, max = t->options.max_length;
    bool cut = false;
    while (max != 0 && na + nb + extra > max && na + nb > 0) { /* the longer of the two gives way, the second when they are equal */
        if (nb == 0 || na > nb)
            na -= na + nb + extra - max < na - nb ? na + nb + extra - max : (na > nb ? na - nb : 1);
        else
            nb--;
        cut = true;
    }
    size_t n = na + nb + extra, size, bytes;
    if (!mote_size_mul(n, 3 * sizeof(int64_t) + sizeof(mote_token_span), &size) || !mote_size_add(size, sizeof(owned), &bytes))
        return MOTE_NO_MEMORY(diag, n);
    mote_heap heap;
    mote_heap_init(&heap, &t->heap.allocator, 0);
    owned *o = heap.allocator.alloc(heap.allocator.ctx, bytes, MOTE_ALIGN);
    if (o == NULL)
        return MOTE_NO_MEMORY(diag, bytes);
    o->heap = heap;
    o->bytes = bytes;
    mote_encoding *e = &o->e;
    *e = (mote_encoding){.struct_size = sizeof *e, .n = n, .truncated = cut};
    e->ids = (int64_t *)(void *)(o + 1);
    e->types = e->ids + n;
    e->mask = e->types + n;
    e->spans = (mote_token_span *)(void *)(e->mask + n);
    size_t at = 0;
    put(e, at++, (token){t->special[CLS], 0, 0, MOTE_NO_WORD}, 0);
    for (size_t i = 0; i < na; i++)
        put(e, at++, a->v[i], 0);
    put(e, at++, (token){t->special[SEP], 0, 0, MOTE_NO_WORD}, 0);
    for (size_t i = 0; i < nb; i++)
        put(e, at++, b->v[i], 1);
    if (b != NULL)
        put(e, at++, (token){t->special[SEP], 0, 0, MOTE_NO_WORD}, 1);
    *out = e;
    return MOTE_OK;
}

mote_status mote_tokenizer_encode(const mote_tokenizer *t, const char *text, size_t n, const char *pair, size_t pair_n, mote_encoding **out,
                                  mote_diag *diag)
{
    if (diag != NULL)
        *diag = (mote_diag)MOTE_DIAG_INIT;
    MOTE_REQUIRE(t != NULL && out != NULL && (text != NULL || n == 0), diag, MOTE_E_ARGUMENT, "a NULL argument");
    *out = NULL;
    mote_heap heap; /* temporaries: the tokenizer itself is never written, so that threads may share it */
    mote_heap_init(&heap, &t->heap.allocator, 0);
    tokens a = {&heap, NULL, 0, 0}, b = {&heap, NULL, 0, 0};
    uint32_t word = 0, pair_word = 0;
    mote_status status = tokenize(t, (mote_str){text, n}, &word, false, &a, diag);
    if (status == MOTE_OK && pair != NULL)
        status = tokenize(t, (mote_str){pair, pair_n}, &pair_word, false, &b, diag);
    if (status == MOTE_OK)
        status = assemble(t, &a, pair != NULL ? &b : NULL, out, diag);
    mote_heap_free(&heap, a.v, a.cap * sizeof *a.v);
    mote_heap_free(&heap, b.v, b.cap * sizeof *b.v);
    return status;
}

mote_status mote_tokenizer_encode_words(const mote_tokenizer *t, const mote_string *list, size_t n, mote_encoding **out, mote_diag *diag)
{
    if (diag != NULL)
        *diag = (mote_diag)MOTE_DIAG_INIT;
    MOTE_REQUIRE(t != NULL && out != NULL && (list != NULL || n == 0) && n < MOTE_NO_WORD, diag, MOTE_E_ARGUMENT, "a NULL argument, or too many words");
    *out = NULL;
    mote_heap heap;
    mote_heap_init(&heap, &t->heap.allocator, 0);
    tokens a = {&heap, NULL, 0, 0};
    mote_status status = MOTE_OK;
    for (size_t i = 0; i < n && status == MOTE_OK; i++) {
        uint32_t word = (uint32_t)i;
        status = tokenize(t, (mote_str){list[i].data, list[i].length}, &word, true, &a, diag);
    }
    if (status == MOTE_OK)
        status = assemble(t, &a, NULL, out, diag);
    mote_heap_free(&heap, a.v, a.cap * sizeof *a.v);
    return status;
}

void mote_encoding_destroy(mote_encoding **encoding)
{
    if (encoding == NULL || *encoding == NULL)
        return;
    owned *o = (owned *)(void *)*encoding;
    mote_heap heap = o->heap;
    heap.allocator.free(heap.allocator.ctx, o, o->bytes);
    *encoding = NULL;
}

int64_t mote_tokenizer_pad(const mote_tokenizer *t) { return t == NULL || t->special[PAD] < 0 ? 0 : t->special[PAD]; }
