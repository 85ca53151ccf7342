/* cmd_tokens.c - mote tokens: text to WordPiece tokens, line by line
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "engine.h"
#include "files.h"
#include <mote/mote_text.h>
#include <stdlib.h>
#include <string.h>

typedef struct tokens_options {
    const char *vocab, *strip;
    uint64_t max_length;
    bool cased, json;
} tokens_options;

static const option_spec table[] = {
    {"vocab", OPTION_TEXT, offsetof(tokens_options, vocab), "FILE", "the vocabulary, a token a line"},
    {"cased", OPTION_FLAG, offsetof(tokens_options, cased), NULL, "keep upper case"},
    {"strip-accents", OPTION_TEXT, offsetof(tokens_options, strip), "yes|no", "remove accents (as lower case is applied, unless said)"},
    {"max-length", OPTION_COUNT, offsetof(tokens_options, max_length), "N", "cut longer texts to N tokens"},
    OPTION_JSON(tokens_options),
    OPTION_END};

enum { VOCAB_LIMIT = 64 << 20 };

static void print_line(const mote_encoding *e)
{
    for (size_t i = 0; i < e->n; i++)
        printf("%s%lld:%u-%u", i == 0 ? "" : " ", (long long)e->ids[i], (unsigned)e->spans[i].start, (unsigned)e->spans[i].end);
    printf("\n");

}

static json_t *line_json(const mote_encoding *e)
{
    json_t *ids = json_array(), *spans = json_array();
    for (size_t i = 0; i < e->n; i++) {
        json_array_append_new(ids, json_integer(e->ids[i]));
        json_array_append_new(spans, json_pack("[i, i]", (int)e->spans[i].start, (int)e->spans[i].end));
    }
    return json_pack("{s:o, s:o, s:b}", "ids", ids, "spans", spans, "truncated", e->truncated);
}

static int run_tokens(void *values, int n, char **operand)
{
    tokens_options *o = values;
    const command usage = {.name = "tokens", .usage = "--vocab FILE [TEXT.txt]"};
    if (o->vocab == NULL || n > 1)
        return tool_usage(&usage, "give --vocab and at most one file");
    if (o->strip != NULL && strcmp(o->strip, "yes") != 0 && strcmp(o->strip, "no") != 0)
        return tool_usage(&usage, "--strip-accents is yes or no");
    mote_diag diag = MOTE_DIAG_INIT;
    void *vocab = NULL, *text = NULL;
    size_t vocab_bytes, bytes = 0;
    mote_tokenizer *t = NULL;
    const char *at = o->vocab;
    mote_status status = file_read(o->vocab, VOCAB_LIMIT, &vocab, &vocab_bytes, &diag);
    mote_tokenizer_options to = MOTE_TOKENIZER_OPTIONS_INIT;
    to.lowercase = !o->cased;
    to.strip_accents = o->strip == NULL ? -1 : strcmp(o->strip, "yes") == 0;
    to.max_length = (size_t)o->max_length;
    if (status == MOTE_OK)
        status = mote_tokenizer_create(vocab, vocab_bytes, &to, &t, &diag);
    if (status == MOTE_OK) {
        at = n == 1 ? operand[0] : "-";
        status = file_read(at, VOCAB_LIMIT, &text, &bytes, &diag);
    }
    json_t *lines = json_array();
    for (size_t i = 0; i < bytes && status == MOTE_OK;) {
        const char *line = (const char *)text + i, *end = memchr(line, '\n', bytes - i);
        size_t length = end == NULL ? bytes - i : (size_t)(end - line);
        mote_encoding *e = NULL;
        status = mote_tokenizer_encode(t, line, length, NULL, 0, &e, &diag);
        if (status == MOTE_OK && o->json)
            json_array_append_new(lines, line_json(e));
        else if (status == MOTE_OK)
            print_line(e);
        mote_encoding_destroy(&e);
        i += length + 1;
    }
    mote_tokenizer_destroy(&t);
    free(vocab);
    free(text);
    if (status != MOTE_OK || !o->json)
        json_decref(lines);
    if (status != MOTE_OK)
        return tool_fail(o->json, at, status, &diag);
    return o->json ? tool_print_json(json_pack("{s:s, s:o}", "schema", "mote.tokens/1", "lines", lines)) : EXIT_DONE;
}

extern const command command_tokens;
const command command_tokens = {
    "tokens", "--vocab FILE [TEXT.txt]", "text to WordPiece tokens, line by line",
    "Prints id:start-end for each token, positions in bytes of the line. Without a file, standard input is read.", table, sizeof(tokens_options), run_tokens};
