/* normalize.h - BERT's text normalization, each character with the bytes it came from
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: the `tokenizers` package's BertNormalizer and BertPreTokenizer: controls removed, white space to spaces, ideographs set apart, canonical
 * decomposition (Unicode NFD) with nonspacing marks removed, lower case; in this order. */
#ifndef MOTE_PIPELINE_TEXT_NORMALIZE_H
#define MOTE_PIPELINE_TEXT_NORMALIZE_H

#include "base/diag.h"
#include "base/heap.h"
#include "base/str.h"

enum { MOTE_CHAR_REMOVE = 1, MOTE_CHAR_SPACE = 2, MOTE_CHAR_PUNCT = 4, MOTE_CHAR_MARK = 8, MOTE_CHAR_CHINESE = 16, MOTE_TEXT_LIMIT = 1 << 26 };

typedef struct mote_char {
    uint32_t c;
    uint32_t start, end; /* bytes of the original text */
} mote_char;

typedef struct mote_chars_list {
    mote_heap *heap;
    mote_char *v;
    size_t n, cap;
} mote_chars_list;

/* The class bits of a code point. */
uint8_t mote_char_class(uint32_t c);
/* Appends the normalized form of `text`; ill-formed UTF-8 is removed like U+FFFD. offset: of text's first byte in the original. MOTE_E_MEMORY,
 * MOTE_E_LIMIT (more than 64 MiB). */
mote_status mote_text_normalize(mote_str text, uint32_t offset, bool strip_accents, bool lowercase, mote_chars_list *out, mote_diag *diag);
void mote_chars_deinit(mote_chars_list *l);

#endif
