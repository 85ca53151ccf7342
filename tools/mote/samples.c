/* samples.c - unlabelled data through a model, one sample at a time
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "samples.h"
#include "eval.h"
#include "files.h"
#include "samples_sound.h"
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_LIMIT = 256 << 20, TEXT_LIMIT = 256 << 20, MAX_WORDS = 65536 };

typedef struct runner {
    samples *s;
    feed *f;
    mote_status (*each)(void *ctx, mote_diag *diag);
    void *ctx;
    const char *file, *unit; /* what samples are called: by their files, or by what is counted; with both, by parts of the file */
    size_t first;            /* of the file's samples */
} runner;

static void name_sample(runner *r)
{
    const char *slash = r->file != NULL ? strrchr(r->file, '/') : NULL;
    const char *file = slash != NULL ? slash + 1 : r->file != NULL ? r->file : "";
    if (r->unit == NULL)
        snprintf(r->s->name, sizeof r->s->name, "%s", file);
    else
        snprintf(r->s->name, sizeof r->s->name, "%.200s%s%s %zu", file, file[0] != 0 ? ", " : "", r->unit, r->s->n - r->first);
}

static mote_status run_one(runner *r, mote_diag *diag)
{
    name_sample(r);
    r->s->at[0] = 0;
    MOTE_REQUIRE(!tool_interrupted, diag, MOTE_E_CANCELLED, "interrupted");
    const double start = clock_ms();
    MOTE_TRY(mote_session_run(r->f->engine.session, NULL, diag));
    r->s->run_ms += clock_ms() - start;
    r->s->n++;
    return r->each != NULL ? r->each(r->ctx, diag) : MOTE_OK;
}

static mote_status at_file(samples *s, const char *folder, const char *name, mote_diag *diag)
{
    MOTE_REQUIRE((size_t)snprintf(s->at, sizeof s->at, "%s/%s", folder, name) < sizeof s->at, diag, MOTE_E_ARGUMENT, "a path of more than %zu bytes", sizeof s->at);
    return MOTE_OK;
}

/* ---- names ---- */

typedef struct names {
    char **items;
    size_t n, cap;
} names;

static mote_status add_name(names *list, const char *name, size_t length, mote_diag *diag)
{
    if (list->n == list->cap) {
        const size_t cap = list->cap == 0 ? 64 : list->cap * 2;
        char **grown = realloc(list->items, cap * sizeof *grown);
        if (grown == NULL)
            return MOTE_NO_MEMORY(diag, cap * sizeof *grown);
        list->items = grown;
        list->cap = cap;
    }
    char *copy = malloc(length + 1);
    if (copy == NULL)
        return MOTE_NO_MEMORY(diag, length + 1);
    memcpy(copy, name, length);
    copy[length] = 0;
    list->items[list->n++] = copy;
    return MOTE_OK;
}

static void free_names(names *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->items[i]);
    free(list->items);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* The first column of labels.csv. */
static mote_status names_of_table(samples *s, names *list, mote_diag *diag)
{
    void *text;
    size_t n, line = 0;
    MOTE_TRY(file_read(s->at, TABLE_LIMIT, &text, &n, diag));
    mote_status status = MOTE_OK;
    for (char *at = text; status == MOTE_OK && *at != 0; line++) {
        const size_t length = strcspn(at, "\r\n"), file = strcspn(at, ",\r\n");
        const bool heading = line == 0 && (strncmp(at + file, ",class", 6) == 0 || strncmp(at + file, ",label", 6) == 0);
        if (file != 0 && !heading)
            status = add_name(list, at, file, diag);
        at += length + strspn(at + length, "\r\n");
    }
    free(text);
    return status;
}

static bool is_picture(const char *name) { return has_suffix(name, ".jpg") || has_suffix(name, ".jpeg") || has_suffix(name, ".png"); }

static mote_status names_of_folder(samples *s, bool *pictures, bool *sounds, names *list, mote_diag *diag)
{
    DIR *d = opendir(s->data);
    MOTE_REQUIRE(d != NULL, diag, MOTE_E_IO, "%s: cannot be listed", s->data);
    bool table = false;
    names arrays = {NULL, 0, 0}, wavs = {NULL, 0, 0};
    mote_status status = MOTE_OK;
    for (struct dirent *e; status == MOTE_OK && (e = readdir(d)) != NULL;) {
        table |= strcmp(e->d_name, "labels.csv") == 0;
        if (is_picture(e->d_name))
            status = add_name(list, e->d_name, strlen(e->d_name), diag);
        else if (has_suffix(e->d_name, ".npz"))
            status = add_name(&arrays, e->d_name, strlen(e->d_name), diag);
        else if (has_suffix(e->d_name, ".wav"))
            status = add_name(&wavs, e->d_name, strlen(e->d_name), diag);
    }
    closedir(d);
    *pictures = list->n != 0 || table;
    if (status == MOTE_OK && !*pictures) {
        names *from = arrays.n != 0 ? &arrays : &wavs;
        const names swap = *list;
        *sounds = from == &wavs && wavs.n != 0;
        *list = *from;
        *from = swap;
    }
    free_names(&arrays);
    free_names(&wavs);
    if (status == MOTE_OK && list->n != 0)
        qsort(list->items, list->n, sizeof *list->items, by_name);
    if (status == MOTE_OK && table) {
        free_names(list);
        *list = (names){NULL, 0, 0};
        MOTE_TRY(at_file(s, s->data, "labels.csv", diag));
        status = names_of_table(s, list, diag);
    }
    return status;
}

/* ---- kinds of data ---- */

static mote_status run_picture(runner *r, const char *name, mote_diag *diag)
{
    picture p;
    MOTE_REQUIRE(feed_stays_below(name), diag, MOTE_E_PATH, "labels.csv names '%s', outside its folder", name);
    MOTE_TRY(at_file(r->s, r->s->data, name, diag));
    r->file = name;
    MOTE_TRY(picture_read(r->s->at, &p, diag));
    r->s->file = name;
    r->s->picture = &p;
    r->s->map = (mote_image_map)MOTE_IMAGE_MAP_INIT;
    mote_status status = feed_picture(r->f, NULL, &p, &r->s->map, diag);
    if (status == MOTE_OK)
        status = run_one(r, diag);
    r->s->file = NULL;
    r->s->picture = NULL;
    picture_free(&p);
    return status;
}

/* Arrays that the model takes; labels and others are left out. */
static mote_status run_arrays_of(runner *r, const char *name, mote_diag *diag)
{
    named_arrays in;
    MOTE_TRY(at_file(r->s, r->s->data, name, diag));
    r->file = name;
    MOTE_TRY(npz_read(r->s->at, INPUT_LIMIT, &in, diag));
    mote_status status = engine_feed(&r->f->engine, &in, diag);
    named_arrays_free(&in);
    return status == MOTE_OK ? run_one(r, diag) : status;
}

static mote_status run_step(void *ctx, bool *more, mote_diag *diag)
{
    runner *r = ctx;
    const mote_status status = run_one(r, diag);
    *more = r->s->n < r->s->limit;
    return status;
}

/* The limit counts steps and pieces. */
static mote_status run_sound(runner *r, const char *path, mote_diag *diag)
{
    snprintf(r->s->at, sizeof r->s->at, "%s", path);
    r->file = path;
    r->unit = "step";
    r->first = r->s->n;
    return sound_run(r->f, path, run_step, r, diag);
}

static mote_status run_sounds(runner *r, const names *list, mote_diag *diag)
{
    for (size_t i = 0; i < list->n && r->s->n < r->s->limit; i++) {
        MOTE_TRY(at_file(r->s, r->s->data, list->items[i], diag));
        char path[sizeof r->s->at];
        memcpy(path, r->s->at, sizeof path);
        MOTE_TRY(run_sound(r, path, diag));
    }
    return MOTE_OK;
}

static mote_status run_folder(runner *r, mote_diag *diag)
{
    names list = {NULL, 0, 0};
    bool pictures = false, sounds = false;
    mote_status status = names_of_folder(r->s, &pictures, &sounds, &list, diag);
    if (status == MOTE_OK && sounds) {
        status = run_sounds(r, &list, diag);
        free_names(&list);
        return status;
    }
    const size_t n = list.n < r->s->limit ? list.n : r->s->limit;
    if (status == MOTE_OK && n == 0)
        status = mote_fail(diag, MOTE_E_FORMAT, "%s: no pictures (.jpg, .png), arrays (.npz) or sounds (.wav)", r->s->data);
    if (status == MOTE_OK && pictures && r->f->prep == NULL)
        status = mote_fail(diag, MOTE_E_ARGUMENT, "pictures need preprocessing: give --prep, or store it in the model (mote meta)");
    for (size_t i = 0; i < n && status == MOTE_OK; i++) {
        status = pictures ? run_picture(r, list.items[i], diag) : run_arrays_of(r, list.items[i], diag);
        eval_progress(i + 1, n);
    }
    free_names(&list);
    return status;
}

/* Item i of the arrays, which are stacked along their first dimension, as arrays of their own that point into them. */
static void item_of(const named_arrays *all, const bool *batch, size_t n, size_t i, named_arrays *one)
{
    for (size_t k = 0; k < all->n; k++) {
        mote_array a = all->items[k].array;
        a.bytes /= n;
        a.data = (char *)a.data + i * a.bytes;
        if (batch[k]) {
            a.dims[0] = 1;
        } else {
            a.rank--;
            memmove(a.dims, a.dims + 1, sizeof a.dims - sizeof a.dims[0]);
        }
        one->items[k] = (named_array){all->items[k].name, a};
    }
}

static mote_status run_stacked(runner *r, named_arrays *all, mote_diag *diag)
{
    size_t kept = 0, n = SIZE_MAX;
    for (size_t k = 0; k < all->n; k++) { /* what is no input (labels) goes */
        if (mote_model_input_index(r->f->engine.model, all->items[k].name) == SIZE_MAX) {
            free(all->items[k].name);
            free(all->items[k].array.data);
            continue;
        }
        all->items[kept++] = all->items[k];
    }
    all->n = kept;
    MOTE_REQUIRE(kept != 0, diag, MOTE_E_ARGUMENT, "no array is named as an input of the model");
    bool *batch = calloc(kept, sizeof *batch);
    named_arrays one = {calloc(kept, sizeof *one.items), kept};
    mote_status status = batch == NULL || one.items == NULL ? MOTE_NO_MEMORY(diag, kept) : MOTE_OK;
    for (size_t k = 0; k < kept && status == MOTE_OK; k++) {
        const mote_array *a = &all->items[k].array;
        mote_value_info info = MOTE_VALUE_INFO_INIT;
        status = mote_model_input_info(r->f->engine.model, mote_model_input_index(r->f->engine.model, all->items[k].name), &info);
        if (status == MOTE_OK && (a->rank < 1 || a->dims[0] == 0 || (n != SIZE_MAX && (size_t)a->dims[0] != n)))
            status = mote_fail(diag, MOTE_E_SHAPE, "'%s' has %lld items, expected %s", all->items[k].name, a->rank < 1 ? 0LL : (long long)a->dims[0],
                               n == SIZE_MAX ? "at least one" : "as many as the others");
        if (status == MOTE_OK)
            n = (size_t)a->dims[0];
        batch[k] = info.rank == a->rank;
    }
    const size_t used = status != MOTE_OK ? 0 : n < r->s->limit ? n : r->s->limit;
    for (size_t i = 0; i < used && status == MOTE_OK; i++) {
        item_of(all, batch, n, i, &one);
        status = engine_feed(&r->f->engine, &one, diag);
        for (size_t k = 0; k < kept && status == MOTE_OK && r->f->prep != NULL; k++)
            status = mote_prep_check_range(r->f->prep, r->f->engine.session, one.items[k].name, diag);
        if (status == MOTE_OK)
            status = run_one(r, diag);
        eval_progress(i + 1, used);
    }
    free(batch);
    free(one.items);
    return status;
}

static mote_status run_npz(runner *r, mote_diag *diag)
{
    named_arrays all;
    MOTE_TRY(at_file(r->s, ".", "", diag));
    snprintf(r->s->at, sizeof r->s->at, "%s", r->s->data);
    r->unit = "item";
    MOTE_TRY(npz_read(r->s->data, INPUT_LIMIT, &all, diag));
    mote_status status = run_stacked(r, &all, diag);
    named_arrays_free(&all);
    return status;
}

/* Sentences of an .iob2 file: a word a line (column 2 after an index, else column 1), an empty line between them. */
static mote_status run_sentence(runner *r, mote_string *words, size_t *n, mote_diag *diag)
{
    mote_encoding *e = NULL;
    if (*n == 0)
        return MOTE_OK;
    MOTE_TRY(mote_prep_words(r->f->prep, r->f->engine.session, r->f->tokenizer, words, *n, &e, diag));
    mote_encoding_destroy(&e);
    *n = 0;
    return run_one(r, diag);
}

static mote_status run_lines(runner *r, char *text, size_t size, mote_string *words, mote_diag *diag)
{
    size_t n = 0;
    for (char *at = text, *end = text + size; at < end && r->s->n < r->s->limit;) {
        char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((stop == NULL ? end : stop) - at);
        char *next = at + length + 1;
        while (length > 0 && (at[length - 1] == '\r' || at[length - 1] == ' ' || at[length - 1] == '\t'))
            length--;
        at[length] = 0;
        if (length == 0) {
            MOTE_TRY(run_sentence(r, words, &n, diag));
            eval_progress((size_t)(at - text), size);
        } else if (at[0] != '#' || strchr(at, '\t') != NULL) {
            const size_t first = strcspn(at, " \t"), gap = strspn(at + first, " \t");
            const bool index = strspn(at, "0123456789.-") == first && at[first + gap] != 0 && strpbrk(at + first + gap, " \t") != NULL;
            char *word = index ? at + first + gap : at;
            MOTE_REQUIRE(n < MAX_WORDS, diag, MOTE_E_LIMIT, "a sentence of more than %d words", MAX_WORDS);
            if (!index || strcspn(at, ".-") >= first)
                words[n++] = (mote_string){word, strcspn(word, " \t")};
        }
        at = next;
    }
    MOTE_TRY(r->s->n < r->s->limit ? run_sentence(r, words, &n, diag) : MOTE_OK);
    eval_progress(size, size);
    return MOTE_OK;
}

static mote_status run_sentences(runner *r, mote_diag *diag)
{
    void *text;
    size_t n;
    MOTE_REQUIRE(r->f->tokenizer != NULL, diag, MOTE_E_ARGUMENT, "labelled words need preprocessing with a tokenizer");
    snprintf(r->s->at, sizeof r->s->at, "%s", r->s->data);
    r->unit = "sentence";
    MOTE_TRY(file_read(r->s->data, TEXT_LIMIT, &text, &n, diag));
    mote_string *words = calloc(MAX_WORDS, sizeof *words);
    mote_status status = words == NULL ? MOTE_NO_MEMORY(diag, MAX_WORDS * sizeof *words) : run_lines(r, text, n, words, diag);
    free(words);
    free(text);
    return status;
}

mote_status samples_each_sound(samples *s, mote_status (*each)(void *ctx, const char *path, mote_diag *diag), void *ctx, mote_diag *diag)
{
    names list = {NULL, 0, 0};
    bool pictures = false, sounds = false;
    s->n = 0;
    if (!file_is_directory(s->data)) {
        snprintf(s->at, sizeof s->at, "%s", s->data);
        MOTE_TRY(each(ctx, s->data, diag));
        s->n = 1;
        return MOTE_OK;
    }
    mote_status status = names_of_folder(s, &pictures, &sounds, &list, diag);
    if (status == MOTE_OK && !sounds)
        status = mote_fail(diag, MOTE_E_FORMAT, "%s: no sounds (.wav), or other samples beside them", s->data);
    for (size_t i = 0; i < list.n && i < s->limit && status == MOTE_OK; i++, s->n++) {
        char path[sizeof s->at];
        status = at_file(s, s->data, list.items[i], diag);
        memcpy(path, s->at, sizeof path);
        if (status == MOTE_OK)
            status = each(ctx, path, diag);
    }
    free_names(&list);
    return status;
}

bool samples_are_sounds(const char *data)
{
    names list = {NULL, 0, 0};
    samples s = {.data = data};
    bool pictures = false, sounds = false;
    if (!file_is_directory(data))
        return has_suffix(data, ".wav");
    const mote_status status = names_of_folder(&s, &pictures, &sounds, &list, NULL);
    free_names(&list);
    return status == MOTE_OK && sounds;
}

bool samples_need_prep(const char *data) { return !has_suffix(data, ".npz") && !file_is_directory(data); }

mote_status samples_run(samples *s, feed *f, mote_status (*each)(void *ctx, mote_diag *diag), void *ctx, mote_diag *diag)
{
    runner r = {.s = s, .f = f, .each = each, .ctx = ctx};
    s->n = 0;
    mote_status status = file_is_directory(s->data) ? run_folder(&r, diag) : has_suffix(s->data, ".wav") ? run_sound(&r, s->data, diag) : has_suffix(s->data, ".npz") ? run_npz(&r, diag) : run_sentences(&r, diag);
    MOTE_TRY(status);
    MOTE_REQUIRE(s->n != 0, diag, MOTE_E_FORMAT, "%s: no sample", s->data);
    return MOTE_OK;
}
