/* labels.c - token labels back to words, words to entities
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include <mote/mote_text.h>
#include <string.h>

void mote_word_labels(const mote_encoding *e, const float *scores, size_t labels, int32_t *word_labels, size_t n_words)
{
    for (size_t i = 0; i < n_words; i++)
        word_labels[i] = -1;
    for (size_t i = 0; i < e->n; i++) {
        uint32_t word = e->spans[i].word;
        if (word >= n_words || word_labels[word] >= 0 || labels == 0)
            continue;
        const float *row = scores + i * labels;
        size_t best = 0;
        for (size_t k = 1; k < labels; k++)
            if (row[k] > row[best])
                best = k;
        word_labels[word] = (int32_t)best;
    }
}

size_t mote_entities(const int32_t *word_labels, size_t n_words, const char *const *names, size_t labels, bool strict, mote_entity *out, size_t cap)
{
    size_t n = 0;
    bool open = false;
    mote_entity now = {0, 0, ""};
    for (size_t i = 0; i <= n_words; i++) {
        const char *name = i < n_words && word_labels[i] >= 0 && (size_t)word_labels[i] < labels ? names[word_labels[i]] : "O";
        bool begins = name[0] == 'B' && name[1] == '-', inside = name[0] == 'I' && name[1] == '-';
        if (open && inside && strcmp(name + 2, now.type) == 0) {
            now.last = i;
            continue;
        }
        if (open) {
            if (n < cap)
                out[n] = now;
            n++;
        }
        open = begins || (inside && !strict);
        if (open)
            now = (mote_entity){i, i, name + 2};
    }
    return n;
}
