/* tagger.c - a tagger: prints the persons, places and organizations that a sentence names
 * SPDX-License-Identifier: Apache-2.0
 *
 *     tagger ner-minilm.onnx examples/prep/ner-minilm.json vocab.txt "Ada Lovelace lived in London." */
#include <mote/mote_prep.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 512 };

static char *read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    char *text = f != NULL ? malloc(16 << 20) : NULL;
    *n = text != NULL ? fread(text, 1, 16 << 20, f) : 0;
    if (f != NULL)
        fclose(f);
    return text;
}

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "tagger: %s: %s\n", what, why);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return fprintf(stderr, "usage: tagger model.onnx prep.json vocab.txt TEXT\n"), 2;
    mote_diag diag = MOTE_DIAG_INIT;
    mote_model *model;
    mote_session *session;
    if (mote_model_load_path(argv[1], NULL, &model, &diag) || mote_session_create(model, NULL, &session, &diag))
        return fail(argv[1], diag.message);

    size_t json_bytes, vocab_bytes;
    char *json = read_file(argv[2], &json_bytes), *vocab = read_file(argv[3], &vocab_bytes);
    mote_prep *prep;
    mote_tokenizer *tokenizer;
    if (json == NULL || mote_prep_create(model, json, json_bytes, NULL, &prep, &diag))
        return fail(argv[2], json == NULL ? "cannot be read" : diag.message);
    if (vocab == NULL || mote_prep_tokenizer_create(prep, vocab, vocab_bytes, &tokenizer, &diag))
        return fail(argv[3], vocab == NULL ? "cannot be read" : diag.message);

    const char *text = argv[4];
    mote_encoding *encoding;
    int32_t labels[WORDS];
    if (mote_prep_text(prep, session, tokenizer, text, strlen(text), &encoding, &diag) || mote_session_run(session, NULL, &diag) ||
        mote_prep_tag(prep, session, encoding, labels, WORDS, &diag))
        return fail("run", diag.message);

    uint32_t start[WORDS] = {0}, end[WORDS] = {0}; /* of each word, in bytes of the text */
    for (size_t i = encoding->n; i-- > 0;)
        if (encoding->spans[i].word < WORDS) {
            start[encoding->spans[i].word] = encoding->spans[i].start;
            if (end[encoding->spans[i].word] == 0)
                end[encoding->spans[i].word] = encoding->spans[i].end;
        }
    mote_entity entities[WORDS];
    const mote_prep_output *o = mote_prep_output_info(prep);
    size_t n = mote_entities(labels, WORDS, o->labels, o->n_labels, false, entities, WORDS);
    for (size_t i = 0; i < n; i++)
        printf("%s  %.*s\n", entities[i].type, (int)(end[entities[i].last] - start[entities[i].first]), text + start[entities[i].first]);
    mote_encoding_destroy(&encoding);
    mote_tokenizer_destroy(&tokenizer);
    mote_prep_destroy(&prep);
    mote_session_destroy(&session);
    mote_model_destroy(&model);
    return free(json), free(vocab), 0;
}
