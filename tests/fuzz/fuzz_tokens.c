/* fuzz_tokens.c - WordPiece: the input is a vocabulary, an empty line, a text, optionally another empty line and its pair
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include <mote/mote_text.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *cut(const char **p, size_t *n, size_t *part)
{
    const char *at = memmem(*p, *n, "\n\n", 2), *from = *p;
    *part = at == NULL ? *n : (size_t)(at - from) + 1;
    size_t skip = at == NULL ? *n : *part + 1;
    *p += skip;
    *n -= skip;
    return from;
}

static void check(const mote_encoding *e, size_t text, size_t pair, size_t max)
{
    if (max != 0 && e->n > max)
        abort();
    for (size_t i = 0; i < e->n; i++)
        if (e->spans[i].start > e->spans[i].end || e->spans[i].end > (e->types[i] == 0 ? text : pair) || e->ids[i] < 0 || e->mask[i] != 1)
            abort();
}

static void encode(const mote_tokenizer *t, const char *text, size_t n, const char *pair, size_t pair_n, size_t max)
{
    mote_encoding *e;
    if (mote_tokenizer_encode(t, text, n, pair, pair_n, &e, NULL) == MOTE_OK) {
        check(e, n, pair_n, max);
        mote_encoding_destroy(&e);
    }
    mote_string words[64];
    size_t k = 0;
    for (size_t at = 0; at < n && k < 64; at += words[k++].length + 1) {
        const char *space = memchr(text + at, ' ', n - at);
        words[k] = (mote_string){text + at, space == NULL ? n - at : (size_t)(space - text) - at};
    }
    if (mote_tokenizer_encode_words(t, words, k, &e, NULL) == MOTE_OK) {
        for (size_t i = 0; i < e->n; i++)
            if (e->spans[i].word != MOTE_NO_WORD && (e->spans[i].word >= k || e->spans[i].end > words[e->spans[i].word].length))
                abort();
        mote_encoding_destroy(&e);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *p = (const char *)data;
    size_t n = size, vocab_n, text_n;
    const char *vocab = cut(&p, &n, &vocab_n), *text = cut(&p, &n, &text_n);
    for (int k = 0; k < 3; k++) {
        mote_tokenizer_options o = MOTE_TOKENIZER_OPTIONS_INIT;
        o.lowercase = k != 1;
        o.max_length = k == 2 ? 5 : 0;
        mote_tokenizer *t;
        mote_diag diag = MOTE_DIAG_INIT;
        mote_status status = mote_tokenizer_create(vocab, vocab_n, &o, &t, &diag);
        if (diag.code != status)
            abort();
        if (status != MOTE_OK)
            return 0;
        encode(t, text, text_n, n == 0 ? NULL : p, n, o.max_length);
        mote_tokenizer_destroy(&t);
    }
    return 0;
}
