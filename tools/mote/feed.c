/* feed.c - a model with its description: files found beside it, pictures, texts and sounds put into its session
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "feed.h"
#include "base/sha256.h"
#include "files.h"
#include <stdlib.h>
#include <string.h>

enum { PREP_LIMIT = 8 << 20, VOCAB_LIMIT = 64 << 20, LABELS_LIMIT = 16 << 20, SOUND_LIMIT = 1 << 30 };

static void warn(void *ctx, mote_log_level level, const char *line)
{
    (void)ctx, (void)level;
    fprintf(stderr, "mote: warning: %s\n", line);
}

mote_status preprocess_check(mote_model *model, const char *text, size_t n, mote_diag *diag)
{
    mote_prep *p;
    mote_prep_options o = MOTE_PREP_OPTIONS_INIT;
    o.log = warn;
    MOTE_TRY(mote_prep_create(model, text, n, &o, &p, diag));
    mote_prep_destroy(&p);
    return MOTE_OK;
}

/* ---- files that a description names ---- */

bool feed_stays_below(const char *path)
{
    if (path[0] == '/')
        return false;
    for (const char *p = path; p != NULL; p = strchr(p, '/') != NULL ? strchr(p, '/') + 1 : NULL)
        if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || p[2] == 0))
            return false;
    return true;
}

/* `name` beside `beside`, malloced. */
static char *sibling(const char *beside, const char *name)
{
    const char *slash = strrchr(beside, '/');
    size_t folder = slash == NULL || name[0] == '/' ? 0 : (size_t)(slash - beside) + 1, n = strlen(name);
    char *path = malloc(folder + n + 1);
    if (path != NULL) {
        memcpy(path, beside, folder);
        memcpy(path + folder, name, n + 1);
    }
    return path;
}

static mote_status read_named(const feed_options *o, const char *name, size_t limit, void **out, size_t *n, mote_diag *diag)
{
    MOTE_REQUIRE(o->prep != NULL || feed_stays_below(name), diag, MOTE_E_PATH, "the model's description names '%s', outside the model's folder", name);
    mote_status status = MOTE_E_IO;
    for (int i = o->prep == NULL; i < 2 && status == MOTE_E_IO; i++) {
        char *path = sibling(i == 0 ? o->prep : o->model, name);
        mote_diag own = MOTE_DIAG_INIT;
        status = path == NULL ? MOTE_NO_MEMORY(&own, strlen(name)) : file_read(path, limit, out, n, &own);
        if (status != MOTE_OK && (i == 1 || status != MOTE_E_IO))
            mote_fail(diag, status, "%s", own.message);
        free(path);
    }
    return status;
}

/* ---- labels ---- */

static mote_status split_labels(feed *f, size_t n, mote_diag *diag)
{
    size_t lines = 1, at = 0;
    for (size_t i = 0; i < n; i++)
        lines += f->label_text[i] == '\n';
    f->labels = calloc(lines, sizeof *f->labels);
    if (f->labels == NULL)
        return MOTE_NO_MEMORY(diag, lines * sizeof *f->labels);
    while (at < n) {
        char *end = memchr(f->label_text + at, '\n', n - at);
        size_t next = end == NULL ? n : (size_t)(end - f->label_text) + 1;
        if (end != NULL)
            *end = 0;
        f->labels[f->n_labels++] = f->label_text + at;
        at = next;
        char *last = f->label_text + (end == NULL ? n : next - 1);
        if (last > f->labels[f->n_labels - 1] && last[-1] == '\r')
            last[-1] = 0;
    }
    return MOTE_OK;
}

static mote_status read_labels(feed *f, const feed_options *o, mote_diag *diag)
{
    const mote_prep_output *out = mote_prep_output_info(f->prep);
    size_t n;
    void *text = NULL;
    if (o->labels != NULL)
        MOTE_TRY(file_read(o->labels, LABELS_LIMIT, &text, &n, diag));
    else if (out->labels_file != NULL)
        MOTE_TRY(read_named(o, out->labels_file, LABELS_LIMIT, &text, &n, diag));
    f->label_text = text;
    return text != NULL ? split_labels(f, n, diag) : MOTE_OK;
}

const char *feed_label(const feed *f, int64_t index)
{
    if (f->labels != NULL)
        return index >= 0 && (uint64_t)index < f->n_labels ? f->labels[index] : NULL;
    return f->prep != NULL ? mote_prep_label(f->prep, index) : NULL;
}

/* ---- opening ---- */

static mote_status make_tokenizer(feed *f, const feed_options *o, mote_diag *diag)
{
    const mote_prep_tokenizer *t = mote_prep_tokenizer_info(f->prep);
    if (t == NULL)
        return MOTE_OK;
    void *vocab;
    size_t n;
    MOTE_REQUIRE(o->vocab != NULL || t->vocab != NULL, diag, MOTE_E_ARGUMENT, "the description names no vocabulary: give --vocab");
    if (o->vocab != NULL)
        MOTE_TRY(file_read(o->vocab, VOCAB_LIMIT, &vocab, &n, diag));
    else
        MOTE_TRY(read_named(o, t->vocab, VOCAB_LIMIT, &vocab, &n, diag));
    mote_status status = mote_prep_tokenizer_create(f->prep, vocab, n, &f->tokenizer, diag); /* checks the sum */
    mote_sha256 sum;
    uint8_t digest[32];
    mote_sha256_init(&sum);
    mote_sha256_put(&sum, vocab, n);
    mote_sha256_end(&sum, digest);
    mote_sha256_hex(digest, f->vocab_sha256);
    if (status == MOTE_OK && o->max_length != 0) {
        mote_tokenizer_options shorter = MOTE_TOKENIZER_OPTIONS_INIT;
        mote_tokenizer_destroy(&f->tokenizer);
        shorter.lowercase = t->lowercase;
        shorter.strip_accents = t->strip_accents;
        shorter.max_length = o->max_length;
        status = mote_tokenizer_create(vocab, n, &shorter, &f->tokenizer, diag);
    }
    free(vocab);
    return status;
}

static mote_status make_prep(feed *f, const feed_options *o, mote_diag *diag)
{
    mote_prep_options po = MOTE_PREP_OPTIONS_INIT;
    po.log = warn;
    po.trust_input = o->trust;
    if (o->prep == NULL) {
        mote_model *m = f->engine.model;
        if (mote_model_metadata(m, MOTE_PREP_KEY) == NULL && mote_model_metadata(m, "Image.BitmapPixelFormat") == NULL && !o->prep_needed)
            return MOTE_OK;
        return mote_prep_create(m, NULL, 0, &po, &f->prep, diag);
    }
    void *text;
    size_t n;
    MOTE_TRY(file_read(o->prep, PREP_LIMIT, &text, &n, diag));
    mote_status status = mote_prep_create(f->engine.model, text, n, &po, &f->prep, diag);
    free(text);
    return status;
}

mote_status feed_open(feed *f, const feed_options *o, mote_diag *diag)
{
    *f = (feed){.threads = (unsigned)o->engine->threads};
    MOTE_TRY(o->loaded != NULL ? engine_open_model(&f->engine, o->loaded, o->engine, diag) : engine_open(&f->engine, o->model, o->engine, diag));
    mote_status status = o->read != NULL ? o->read(o->read_ctx, f->engine.model, diag) : MOTE_OK;
    if (status == MOTE_OK && o->given != NULL)
        status = engine_admit(&f->engine, o->given, diag);
    if (status == MOTE_OK)
        status = make_prep(f, o, diag);
    if (status == MOTE_OK && f->prep != NULL)
        status = read_labels(f, o, diag);
    if (status == MOTE_OK && f->prep != NULL && o->prep_needed)
        status = make_tokenizer(f, o, diag);
    if (status != MOTE_OK)
        feed_close(f);
    return status;
}

void feed_close(feed *f)
{
    mote_tokenizer_destroy(&f->tokenizer);
    mote_prep_destroy(&f->prep);
    free(f->label_text);
    free(f->labels);
    f->label_text = NULL;
    f->labels = NULL;
    engine_close(&f->engine);
}

/* ---- inputs ---- */

mote_status feed_read_sound(const char *path, feed_sound *out, mote_diag *diag)
{
    void *bytes;
    size_t n;
    *out = (feed_sound){NULL, 0, 0};
    MOTE_TRY(file_read(path, SOUND_LIMIT, &bytes, &n, diag));
    mote_wav wav = MOTE_WAV_INIT;
    mote_status status = mote_wav_parse(bytes, n, false, &wav, diag);
    if (status == MOTE_OK && wav.frames == 0)
        status = mote_fail(diag, MOTE_E_FORMAT, "WAV: no samples");
    if (status == MOTE_OK) {
        out->samples = malloc((size_t)wav.frames * sizeof *out->samples);
        if (out->samples == NULL)
            status = MOTE_NO_MEMORY(diag, (size_t)wav.frames * sizeof *out->samples);
        else
            out->n = mote_wav_mono(&wav, 0, (size_t)wav.frames, out->samples);
        out->rate = wav.sample_rate;
    }
    free(bytes);
    return status;
}

mote_status feed_picture(feed *f, const char *input, const picture *p, mote_image_map *map, mote_diag *diag)
{
    mote_image image = MOTE_IMAGE_INIT;
    image.width = (int32_t)p->width;
    image.height = (int32_t)p->height;
    image.planes[0] = p->rgb;
    image.stride_bytes[0] = p->width * 3;
    return mote_prep_image(f->prep, f->engine.session, input, &image, map, diag);
}

mote_status feed_arrays(feed *f, const named_arrays *arrays, mote_diag *diag)
{
    for (size_t i = 0; i < arrays->n; i++) {
        const named_array *a = &arrays->items[i];
        mote_tensor *t = mote_session_input(f->engine.session, mote_model_input_index(f->engine.model, a->name));
        MOTE_REQUIRE(t != NULL, diag, MOTE_E_ARGUMENT, "the model has no input '%s'", a->name);
        MOTE_REQUIRE(t->dtype == a->array.dtype && t->bytes == a->array.bytes, diag, MOTE_E_SHAPE, "the array '%s' has %zu bytes of %s, the input takes %zu of %s",
                     a->name, a->array.bytes, mote_dtype_name(a->array.dtype), t->bytes, mote_dtype_name(t->dtype));
        memcpy(mote_tensor_map(t), a->array.data, a->array.bytes);
        if (f->prep != NULL)
            MOTE_TRY(mote_prep_check_range(f->prep, f->engine.session, a->name, diag));
    }
    return MOTE_OK;
}
