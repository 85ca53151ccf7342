/* mote_text.h - text to tokens, and token labels back to words and entities
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TEXT_H
#define MOTE_TEXT_H

#include <mote/mote.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- WordPiece ------------------------------------------------------------------------------------------------- */

/* Immutable: threads may share one. */
typedef struct mote_tokenizer mote_tokenizer;

typedef struct mote_tokenizer_options {
    size_t struct_size;
    const mote_allocator *allocator; /* NULL: malloc. Copied; its ctx outlives the tokenizer and its encodings */
    bool lowercase;                  /* as the model was trained: "uncased" models true */
    int strip_accents;               /* 1, 0, or -1: as lowercase */
    size_t max_length;               /* tokens, special ones included; longer texts are cut. 0: no limit */
} mote_tokenizer_options;
#define MOTE_TOKENIZER_OPTIONS_INIT {sizeof(mote_tokenizer_options), NULL, true, -1, 0}

/* A BERT vocabulary: UTF-8, a token a line, the line number is the id. Copied. Gives what the `tokenizers` package's BertWordPieceTokenizer gives.
 * Returns MOTE_OK, MOTE_E_ARGUMENT, MOTE_E_FORMAT (no [UNK], [CLS] or [SEP]), MOTE_E_LIMIT (64 MiB), MOTE_E_MEMORY. */
MOTE_API mote_status mote_tokenizer_create(const void *vocab, size_t bytes, const mote_tokenizer_options *options, mote_tokenizer **out, mote_diag *diag);
MOTE_API void mote_tokenizer_destroy(mote_tokenizer **tokenizer);
/* The id of [PAD], 0 when the vocabulary has none. */
MOTE_API int64_t mote_tokenizer_pad(const mote_tokenizer *tokenizer);

#define MOTE_NO_WORD 0xffffffffu

typedef struct mote_token_span {
    uint32_t start, end; /* bytes of the text (of the word, for encode_words); 0, 0 for [CLS] and [SEP] */
    uint32_t word;       /* counted from 0: pieces between white space and punctuation, or the words given; MOTE_NO_WORD for [CLS] and [SEP] */
} mote_token_span;

/* [CLS] text [SEP], or [CLS] text [SEP] pair [SEP]. Arrays of n. */
typedef struct mote_encoding {
    size_t struct_size;
    size_t n;
    int64_t *ids;
    int64_t *types;          /* 0, or 1 for the pair and its [SEP] */
    int64_t *mask;           /* 1 */
    mote_token_span *spans;
    bool truncated;
} mote_encoding;

/* `pair` may be NULL. Ill-formed UTF-8 is left out. Returns MOTE_OK, MOTE_E_ARGUMENT, MOTE_E_LIMIT (64 MiB), MOTE_E_MEMORY. Thread-safe. */
MOTE_API mote_status mote_tokenizer_encode(const mote_tokenizer *tokenizer, const char *text, size_t n, const char *pair, size_t pair_n,
                                           mote_encoding **out, mote_diag *diag);
/* A sentence that is split into words already. */
MOTE_API mote_status mote_tokenizer_encode_words(const mote_tokenizer *tokenizer, const mote_string *words, size_t n, mote_encoding **out,
                                                 mote_diag *diag);
MOTE_API void mote_encoding_destroy(mote_encoding **encoding);

/* ---- labels ---------------------------------------------------------------------------------------------------- */

/* The label of each word: the arg max over `labels` scores of its first token (ties to the lower index). scores f32[n][labels], row i for token i;
 * word_labels has n_words places, -1 where truncation left a word without a token. */
MOTE_API void mote_word_labels(const mote_encoding *encoding, const float *scores, size_t labels, int32_t *word_labels, size_t n_words);

/* An entity: words first..last of one type ("PER"). */
typedef struct mote_entity {
    size_t first, last;
    const char *type; /* points into the label's name, behind "B-" */
} mote_entity;

/* Entities of IOB2 labels ("O", "B-X", "I-X"); label -1 counts as O. strict: an I- that does not continue an entity of its type is no entity (what the
 * shared tasks count); otherwise it begins one. Returns how many there are; writes at most cap. Source: Tjong Kim Sang and Veenstra 1999. */
MOTE_API size_t mote_entities(const int32_t *word_labels, size_t n_words, const char *const *names, size_t labels, bool strict, mote_entity *out,
                              size_t cap);

#ifdef __cplusplus
}
#endif
#endif
