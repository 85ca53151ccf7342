/* eval_iob.c - labelled words: precision, recall and F1 of entities
 * SPDX-License-Identifier: Apache-2.0
 *
 * An entity counts as found when its first word, its last word and its type are right: Tjong Kim Sang and De Meulder, CoNLL-2003; strict IOB2 as
 * mote_entities has it. The lenient figures, where an I- without its B- begins an entity, stand beside for comparison. */
#include "base/platform.h"
#include "eval.h"
#include "files.h"
#include <stdlib.h>
#include <string.h>

enum { FILE_LIMIT = 256 << 20, MAX_WORDS = 65536, MAX_TYPES = 256 };

typedef struct tally {
    const char *type;
    size_t right, predicted, gold;
} tally;

typedef struct tallies {
    tally types[MAX_TYPES], lenient;
    size_t n_types;
} tallies;

typedef struct sentences {
    eval *e;
    mote_string *words;
    int32_t *gold, *answer[2]; /* labels; of the pair's second model, if there is one */
    mote_entity *gold_entities, *found;
    size_t n;               /* words at hand */
    bool indexed, known;    /* columns: index, word, label; known once a line was seen */
    size_t count, others, words_seen;
    tallies by[2];          /* model */
} sentences;

static mote_status count(tallies *s, const char *type, size_t right, size_t predicted, size_t gold, mote_diag *diag)
{
    size_t i = 0;
    while (i < s->n_types && strcmp(s->types[i].type, type) != 0)
        i++;
    MOTE_REQUIRE(i < MAX_TYPES, diag, MOTE_E_LIMIT, "more than %d types of entities", MAX_TYPES);
    if (i == s->n_types)
        s->types[s->n_types++] = (tally){.type = type};
    s->types[i].right += right;
    s->types[i].predicted += predicted;
    s->types[i].gold += gold;
    return MOTE_OK;
}

/* Entities of both sides, in order; right ones found by walking the two lists together. */
static mote_status count_entities(sentences *s, size_t model, bool strict, mote_diag *diag)
{
    tallies *to = &s->by[model];
    const mote_prep_output *o = mote_prep_output_info(s->e->f.prep);
    const size_t gold = mote_entities(s->gold, s->n, o->labels, o->n_labels, strict, s->gold_entities, s->n);
    const size_t found = mote_entities(s->answer[model], s->n, o->labels, o->n_labels, strict, s->found, s->n);
    for (size_t i = 0; i < gold && strict; i++)
        MOTE_TRY(count(to, s->gold_entities[i].type, 0, 0, 1, diag));
    for (size_t i = 0, k = 0; i < found; i++) {
        while (k < gold && s->gold_entities[k].first < s->found[i].first)
            k++;
        const bool right = k < gold && s->gold_entities[k].first == s->found[i].first && s->gold_entities[k].last == s->found[i].last &&
                           strcmp(s->gold_entities[k].type, s->found[i].type) == 0;
        if (strict)
            MOTE_TRY(count(to, s->found[i].type, right, 1, 0, diag));
        else
            to->lenient.right += right;
    }
    if (!strict) {
        to->lenient.predicted += found;
        to->lenient.gold += gold;
    }
    return MOTE_OK;
}

static const char *label_at(const mote_prep_output *o, int32_t label) { return label >= 0 ? o->labels[label] : "O"; }

static mote_status tag(sentences *s, feed *f, size_t model, const mote_encoding *e, mote_diag *diag)
{
    MOTE_TRY(mote_prep_tag(f->prep, f->engine.session, e, s->answer[model], s->n, diag));
    for (int strict = 0; strict < 2; strict++)
        MOTE_TRY(count_entities(s, model, strict == 1, diag));
    return MOTE_OK;
}

/* A word is an answer; a sentence is right when all of its words are. */
static void compare_answers(sentences *s, const mote_prep_output *o)
{
    bool right[2] = {true, true};
    for (size_t i = 0; i < s->n; i++) {
        pair_answer(s->e->pair, strcmp(label_at(o, s->answer[0][i]), label_at(o, s->answer[1][i])) == 0);
        for (int k = 0; k < 2; k++)
            right[k] = right[k] && strcmp(label_at(o, s->gold[i]), label_at(o, s->answer[k][i])) == 0;
    }
    pair_item(s->e->pair, right[0], right[1]);
}

static mote_status end_sentence(sentences *s, mote_diag *diag)
{
    if (s->n == 0)
        return MOTE_OK;
    feed *f = &s->e->f;
    const mote_prep_output *o = mote_prep_output_info(f->prep);
    mote_encoding *e = NULL;
    MOTE_TRY(mote_prep_words(f->prep, f->engine.session, f->tokenizer, s->words, s->n, &e, diag));
    mote_status status = eval_run(s->e, diag);
    if (status == MOTE_OK)
        status = tag(s, f, 0, e, diag);
    if (status == MOTE_OK && s->e->pair != NULL) {
        status = pair_run(s->e->pair, &f->engine, diag);
        if (status == MOTE_OK)
            status = tag(s, &s->e->pair->second, 1, e, diag);
        if (status == MOTE_OK)
            compare_answers(s, o);
    }
    mote_encoding_destroy(&e);
    MOTE_TRY(status);
    for (size_t i = 0; i < s->n && s->e->predictions != NULL; i++)
        fprintf(s->e->predictions, "%.*s\t%s\t%s\n", (int)s->words[i].length, s->words[i].data, label_at(o, s->gold[i]), label_at(o, s->answer[0][i]));
    if (s->e->predictions != NULL)
        fputc('\n', s->e->predictions);
    s->words_seen += s->n;
    s->count++;
    s->n = 0;
    return MOTE_OK;
}

/* Fields of a line, split at tabs (or, without one, at blanks); the last of `cap` places gets the last field. Returns how many there are. */
static size_t split(char *line, char **fields, size_t cap)
{
    const char *blanks = strchr(line, '\t') != NULL ? "\t" : " ";
    char *save = NULL;
    size_t n = 0;
    for (char *p = strtok_r(line, blanks, &save); p != NULL; p = strtok_r(NULL, blanks, &save), n++)
        fields[n < cap ? n : cap - 1] = p;
    return n;
}

static int32_t label_of(sentences *s, const char *text)
{
    const mote_prep_output *o = mote_prep_output_info(s->e->f.prep);
    for (size_t i = 0; i < o->n_labels; i++)
        if (strcmp(o->labels[i], text) == 0)
            return (int32_t)i;
    s->others += strcmp(text, "O") != 0;
    return -1;
}

static mote_status read_line(sentences *s, char *line, size_t number, mote_diag *diag)
{
    char *fields[4];
    size_t n = strlen(line);
    if (n > 0 && line[n - 1] == '\r')
        line[n - 1] = 0;
    if (line[strspn(line, " \t")] == 0)
        return end_sentence(s, diag);
    if (line[0] == '#' && strchr(line, '\t') == NULL)
        return MOTE_OK;
    const size_t count_fields = split(line, fields, 4);
    if (!s->known) {
        s->indexed = count_fields >= 3 && fields[0][strspn(fields[0], "0123456789")] == 0;
        s->known = true;
    }
    if (s->indexed && count_fields >= 3 && strpbrk(fields[0], ".-") != NULL) /* CoNLL-U: joined words, empty nodes */
        return MOTE_OK;
    MOTE_REQUIRE(count_fields >= (s->indexed ? 3u : 2u), diag, MOTE_E_FORMAT, "line %zu has %zu columns, expected %s", number, count_fields,
                 s->indexed ? "index, word, label" : "word and label");
    MOTE_REQUIRE(s->n < MAX_WORDS, diag, MOTE_E_LIMIT, "line %zu: a sentence of more than %d words", number, MAX_WORDS);
    const char *word = fields[s->indexed], *label = s->indexed ? fields[2] : fields[count_fields < 4 ? count_fields - 1 : 3];
    s->words[s->n] = (mote_string){word, strlen(word)};
    s->gold[s->n++] = label_of(s, label);
    return MOTE_OK;
}

static json_t *figures(const tally *t)
{
    const double p = t->predicted != 0 ? 100.0 * (double)t->right / (double)t->predicted : 0, r = t->gold != 0 ? 100.0 * (double)t->right / (double)t->gold : 0;
    return json_pack("{s:I, s:I, s:I, s:f, s:f, s:f}", "right", (json_int_t)t->right, "predicted", (json_int_t)t->predicted, "gold", (json_int_t)t->gold, "precision",
                     p, "recall", r, "f1", p + r > 0 ? 2 * p * r / (p + r) : 0);
}

/* All types together, and each. */
static json_t *sum_types(const tallies *t, json_t *types)
{
    tally all = {.type = ""};
    for (size_t i = 0; i < t->n_types; i++) {
        json_object_set_new(types, t->types[i].type, figures(&t->types[i]));
        all.right += t->types[i].right;
        all.predicted += t->types[i].predicted;
        all.gold += t->types[i].gold;
    }
    return figures(&all);
}

static mote_status run_lines(sentences *s, char *text, size_t n, mote_diag *diag)
{
    size_t number = 0, shown = 0;
    for (size_t at = 0; at < n && s->count < s->e->limit;) {
        char *line = text + at, *end = memchr(line, '\n', n - at);
        const size_t length = end == NULL ? n - at : (size_t)(end - line);
        line[length] = 0;
        at += length + 1;
        MOTE_TRY(read_line(s, line, ++number, diag));
        if (s->count != shown)
            eval_progress(at, n + 1);
        shown = s->count;
    }
    if (s->count < s->e->limit)
        MOTE_TRY(end_sentence(s, diag));
    eval_progress(1, 1);
    MOTE_REQUIRE(s->count != 0, diag, MOTE_E_FORMAT, "the file has no sentence");
    return MOTE_OK;
}

mote_status eval_iob(eval *e, json_t *report, mote_diag *diag)
{
    void *text;
    size_t n;
    MOTE_REQUIRE(mote_prep_output_info(e->f.prep)->task == MOTE_TASK_TAG && e->f.tokenizer != NULL, diag, MOTE_E_ARGUMENT,
                 "labelled words need preprocessing with output.task \"tag\"");
    snprintf(e->at, sizeof e->at, "%s", e->data);
    MOTE_TRY(file_read(e->data, FILE_LIMIT, &text, &n, diag));
    e->at[0] = 0;
    sentences *s = calloc(1, sizeof *s);
    mote_status status = s == NULL ? MOTE_NO_MEMORY(diag, sizeof *s) : MOTE_OK;
    if (status == MOTE_OK) {
        s->e = e;
        s->words = calloc(MAX_WORDS, sizeof *s->words);
        s->gold = calloc(MAX_WORDS, sizeof *s->gold);
        s->answer[0] = calloc(MAX_WORDS, sizeof *s->gold);
        s->answer[1] = calloc(MAX_WORDS, sizeof *s->gold);
        s->gold_entities = calloc(MAX_WORDS, sizeof *s->gold_entities);
        s->found = calloc(MAX_WORDS, sizeof *s->found);
        if (s->words == NULL || s->gold == NULL || s->answer[0] == NULL || s->answer[1] == NULL || s->gold_entities == NULL || s->found == NULL)
            status = MOTE_NO_MEMORY(diag, MAX_WORDS);
    }
    if (status == MOTE_OK)
        status = run_lines(s, text, n, diag);
    if (status == MOTE_OK) {
        json_t *types = json_object(), *whole = sum_types(&s->by[0], types);
        if (e->pair != NULL) {
            json_t *others = json_object(), *second = sum_types(&s->by[1], others);
            e->pair->score = json_real_value(json_object_get(second, "f1"));
            json_decref(second);
            json_decref(others);
        }
        e->score = json_real_value(json_object_get(whole, "f1"));
        json_object_set_new(report, "n", json_integer((json_int_t)s->count));
        json_object_set_new(report, "words", json_integer((json_int_t)s->words_seen));
        json_object_set_new(report, "labels_as_o", json_integer((json_int_t)s->others));
        json_object_update(report, whole);
        json_object_set_new(report, "types", types);
        json_object_set_new(report, "lenient", figures(&s->by[0].lenient));
        json_decref(whole);
    }
    if (s != NULL) {
        free(s->words);
        free(s->gold);
        free(s->answer[0]);
        free(s->answer[1]);
        free(s->gold_entities);
        free(s->found);
    }
    free(s);
    free(text);
    return status;
}
