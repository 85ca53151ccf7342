/* npz.c - .npz archives by libzip
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "npy.h"
#include "npy_write.h"
#include "base/size.h"
#include "files.h"
#include <stdlib.h>
#include <string.h>
#include <zip.h>

enum { MAX_ENTRIES = 65536, HEAD = 12 + 65536 /* the longest that a header of .npy may be */ };

typedef struct taker {
    npz_accept accept; /* NULL: all */
    void *ctx;
} taker;

static mote_status ask(const taker *t, const char *name, size_t name_length, const void *bytes, size_t there, size_t n, mote_diag *diag)
{
    if (t->accept == NULL)
        return MOTE_OK;
    mote_array a;
    MOTE_TRY(npy_describe(bytes, there, n, &a, diag));
    char *copy = strndup(name, name_length);
    if (copy == NULL)
        return MOTE_NO_MEMORY(diag, name_length);
    mote_status status = t->accept(t->ctx, copy, &a, diag);
    free(copy);
    return status;
}

void named_arrays_free(named_arrays *a)
{
    for (size_t i = 0; i < a->n; i++) {
        free(a->items[i].name);
        free(a->items[i].array.data);
    }
    free(a->items);
    *a = (named_arrays){NULL, 0};
}

const mote_array *named_arrays_find(const named_arrays *a, const char *name)
{
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->items[i].name, name) == 0)
            return &a->items[i].array;
    return NULL;
}

static mote_status append(named_arrays *a, const char *name, size_t name_length, const mote_array *array, mote_diag *diag)
{
    named_array *grown = realloc(a->items, (a->n + 1) * sizeof *grown);
    if (grown == NULL)
        return MOTE_NO_MEMORY(diag, (a->n + 1) * sizeof *grown);
    a->items = grown;
    char *copy = malloc(name_length + 1);
    if (copy == NULL)
        return MOTE_NO_MEMORY(diag, name_length + 1);
    memcpy(copy, name, name_length);
    copy[name_length] = 0;
    a->items[a->n++] = (named_array){copy, *array};
    return MOTE_OK;
}

/* Reads entry i. The size that the directory claims is checked against `left` before anything is taken, and never trusted for how much there is. */
static mote_status read_entry(zip_t *z, zip_uint64_t i, size_t archive, size_t left, const taker *t, void **out, size_t *n, mote_diag *diag)
{
    zip_stat_t st;
    MOTE_REQUIRE(zip_stat_index(z, i, 0, &st) == 0 && (st.valid & ZIP_STAT_SIZE) != 0, diag, MOTE_E_FORMAT, "entry %llu of the archive cannot be read",
                 (unsigned long long)i);
    MOTE_REQUIRE(st.size <= left, diag, MOTE_E_LIMIT, "'%s' unpacks to %llu bytes, which passes the limit", st.name, (unsigned long long)st.size);
    /* deflate makes at most 1032 bytes of one: a directory that claims more lies, and is not believed */
    MOTE_REQUIRE((st.valid & ZIP_STAT_COMP_SIZE) != 0 && st.comp_size <= archive && st.size / 1040 <= st.comp_size, diag, MOTE_E_FORMAT, "'%s' claims %llu bytes from %llu", st.name,
                 (unsigned long long)st.size, (unsigned long long)st.comp_size);
    zip_file_t *f = zip_fopen_index(z, i, 0);
    MOTE_REQUIRE(f != NULL, diag, MOTE_E_FORMAT, "'%s': %s", st.name, zip_strerror(z));
    /* the header first: most of what is wrong shows there, before the data takes memory and time */
    const size_t size = (size_t)st.size, head = mote_min_size(size, HEAD);
    char *data = malloc(head + 1);
    mote_status status = data == NULL ? MOTE_NO_MEMORY(diag, head) : MOTE_OK;
    size_t got = 0;
    zip_int64_t r = 0;
    while (status == MOTE_OK && got < head && (r = zip_fread(f, data + got, head - got)) > 0)
        got += (size_t)r;
    if (status == MOTE_OK && got == head)
        status = ask(t, st.name, strlen(st.name) - 4, data, head, size, diag);
    char *grown = status == MOTE_OK && got == head ? realloc(data, size + 1) : NULL;
    if (status == MOTE_OK && got == head && grown == NULL)
        status = MOTE_NO_MEMORY(diag, size);
    if (status != MOTE_OK) {
        free(data);
        zip_fclose(f);
        return status;
    }
    data = grown != NULL ? grown : data;
    while (grown != NULL && got < size && (r = zip_fread(f, data + got, size - got)) > 0)
        got += (size_t)r;
    char extra;
    bool longer = got == st.size && zip_fread(f, &extra, 1) > 0;
    int closed = zip_fclose(f);
    if (r < 0 || got != st.size || longer || closed != 0) {
        free(data);
        MOTE_FAIL(diag, MOTE_E_FORMAT, "'%s' is damaged: %zu of %llu bytes", st.name, got, (unsigned long long)st.size);
    }
    *out = data;
    *n = got;
    return MOTE_OK;
}

static mote_status read_archive(zip_t *z, size_t archive, size_t limit, const taker *t, named_arrays *out, mote_diag *diag)
{
    zip_int64_t entries = zip_get_num_entries(z, 0);
    MOTE_REQUIRE(entries >= 0 && entries <= MAX_ENTRIES, diag, MOTE_E_LIMIT, "%lld arrays in one archive", (long long)entries);
    size_t left = archive < limit / 1040 ? archive * 1040 : limit; /* entries may stand on the same bytes */

    for (zip_int64_t i = 0; i < entries; i++) {
        const char *name = zip_get_name(z, (zip_uint64_t)i, 0);
        MOTE_REQUIRE(name != NULL, diag, MOTE_E_FORMAT, "entry %lld has no name", (long long)i);
        size_t n = strlen(name), bytes = 0;
        if (n < 4 || strcmp(name + n - 4, ".npy") != 0)
            continue;
        void *data = NULL;
        mote_array a;
        MOTE_TRY(read_entry(z, (zip_uint64_t)i, archive, left, t, &data, &bytes, diag));
        left -= bytes;
        mote_status status = npy_parse(data, bytes, limit, &a, diag);
        free(data);
        MOTE_TRY(status);
        status = append(out, name, n - 4, &a, diag);
        if (status != MOTE_OK) {
            free(a.data);
            return status;
        }
    }
    return MOTE_OK;
}

mote_status npz_parse(const void *bytes, size_t n, size_t limit, named_arrays *out, mote_diag *diag)
{
    return npz_parse_accepted(bytes, n, limit, NULL, NULL, out, diag);
}

mote_status npz_parse_accepted(const void *bytes, size_t n, size_t limit, npz_accept accept, void *ctx, named_arrays *out, mote_diag *diag)
{
    *out = (named_arrays){NULL, 0};
    const taker t = {accept, ctx};
    mote_status status;
    if (n >= 6 && memcmp(bytes, "\x93NUMPY", 6) == 0) {
        mote_array a;
        status = ask(&t, "", 0, bytes, n, n, diag);
        if (status == MOTE_OK)
            status = npy_parse(bytes, n, limit, &a, diag);
        if (status == MOTE_OK && (status = append(out, "", 0, &a, diag)) != MOTE_OK)
            free(a.data);
    } else if (n < 22) {
        status = mote_fail(diag, MOTE_E_FORMAT, "neither .npy nor .npz: %zu bytes", n); /* libzip takes nothing for an archive of nothing */
    } else {
        zip_error_t error;
        zip_error_init(&error);
        zip_source_t *source = zip_source_buffer_create(bytes, n, 0, &error);
        zip_t *z = source == NULL ? NULL : zip_open_from_source(source, ZIP_RDONLY, &error);
        if (z == NULL) {
            if (source != NULL)
                zip_source_free(source);
            status = mote_fail(diag, MOTE_E_FORMAT, "not a .npz archive (%s)", zip_error_strerror(&error));
        } else {
            status = read_archive(z, n, limit, &t, out, diag);
            zip_discard(z);
        }
        zip_error_fini(&error);
    }
    if (status != MOTE_OK)
        named_arrays_free(out);
    return status;
}

mote_status npz_read(const char *path, size_t limit, named_arrays *out, mote_diag *diag)
{
    return npz_read_accepted(path, limit, NULL, NULL, out, diag);
}

mote_status npz_read_accepted(const char *path, size_t limit, npz_accept accept, void *ctx, named_arrays *out, mote_diag *diag)
{
    *out = (named_arrays){NULL, 0};
    void *bytes;
    size_t n;
    MOTE_TRY(file_read(path, limit, &bytes, &n, diag));
    mote_status status = npz_parse_accepted(bytes, n, limit, accept, ctx, out, diag);
    free(bytes);
    return status;
}

/* ---- writing ---- */

static mote_status encode(const mote_array *a, char **out, size_t *n, mote_diag *diag)
{
    size_t count = mote_array_count(a), width = 1, length;
    const mote_string *s = a->data;
    for (size_t i = 0; a->dtype == MOTE_DTYPE_STRING && i < count; i++)
        width = mote_max_size(width, s[i].length);
    char head[1024];
    MOTE_TRY(npy_header(a, width, head, sizeof head, &length, diag));
    size_t body = a->bytes, total;
    MOTE_REQUIRE((a->dtype != MOTE_DTYPE_STRING || mote_size_mul(count, width, &body)) && mote_size_add(length, body, &total), diag, MOTE_E_LIMIT,
                 "an array of %zu elements is too large to write", count);
    char *to = calloc(1, total);
    if (to == NULL)
        return MOTE_NO_MEMORY(diag, total);
    memcpy(to, head, length);
    if (a->dtype == MOTE_DTYPE_STRING)
        for (size_t i = 0; i < count; i++)
            memcpy(to + length + i * width, s[i].data, s[i].length);
    else if (body != 0)
        memcpy(to + length, a->data, body);
    *out = to;
    *n = total;
    return MOTE_OK;
}

static bool own_type(mote_dtype t)
{
    return t == MOTE_DTYPE_BF16 || mote_dtype_in(t, MOTE_DTYPES_F8 | MOTE_DTYPES_SUBBYTE);
}

static mote_status add_array(zip_t *z, const named_array *item, mote_diag *diag)
{
    char *data = NULL, name[512];
    size_t n = 0;
    MOTE_TRY(encode(&item->array, &data, &n, diag));
    snprintf(name, sizeof name, own_type(item->array.dtype) ? "%s:%s.npy" : "%s.npy", item->name, mote_dtype_name(item->array.dtype));
    zip_source_t *source = zip_source_buffer(z, data, n, 1);
    if (source == NULL) {
        free(data);
        return MOTE_NO_MEMORY(diag, n);
    }
    zip_int64_t at = zip_file_add(z, name, source, ZIP_FL_ENC_UTF_8);
    if (at < 0)
        zip_source_free(source);
    MOTE_REQUIRE(at >= 0, diag, MOTE_E_IO, "'%s': %s", name, zip_strerror(z));
    /* the same inputs give the same bytes: no time of day */
    if (zip_file_set_mtime(z, (zip_uint64_t)at, 315532800, 0) != 0)
        MOTE_FAIL(diag, MOTE_E_IO, "'%s': %s", name, zip_strerror(z));
    return MOTE_OK;
}

mote_status npz_write(const char *path, const named_array *items, size_t n, bool overwrite, mote_diag *diag)
{
    file_output o;
    MOTE_TRY(file_output_begin(&o, path, overwrite, diag));
    int error = 0;
    zip_t *z = zip_open(o.temporary, ZIP_CREATE | ZIP_TRUNCATE, &error);
    mote_status status = z == NULL ? mote_fail(diag, MOTE_E_IO, "%s: cannot be written (libzip error %d)", path, error) : MOTE_OK;
    for (size_t i = 0; i < n && status == MOTE_OK; i++)
        status = add_array(z, &items[i], diag);
    if (z != NULL && status != MOTE_OK)
        zip_discard(z);
    else if (z != NULL && zip_close(z) != 0) {
        status = mote_fail(diag, MOTE_E_IO, "%s: %s", path, zip_strerror(z));
        zip_discard(z);
    }
    return file_output_end(&o, status, diag);
}
