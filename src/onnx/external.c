/* external.c - tensor data in files beside the model
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "onnx/external.h"
#include "base/size.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct external_file {
    struct external_file *next;
    mote_map map;
    size_t name_length;
    char name[]; /* the location as the model writes it */
} external_file;

struct mote_external {
    mote_heap *heap;
    bool copy;
    size_t bytes;
    external_file *files;
    char folder[PATH_MAX], real_folder[PATH_MAX]; /* both absolute and without links; real_folder may be empty */
};

static bool decimal(mote_str s, uint64_t *out)
{
    uint64_t v = 0;
    if (s.n == 0 || s.n > 19)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        v = v * 10 + (uint64_t)(s.p[i] - '0');
    }
    *out = v;
    return v <= INT64_MAX;
}

mote_status mote_external_key(mote_external_ref *ref, mote_str key, mote_str value, mote_diag *diag)
{
    bool *seen = mote_str_is(key, "location") ? &ref->has_location : mote_str_is(key, "offset") ? &ref->has_offset : mote_str_is(key, "length") ? &ref->has_length : mote_str_is(key, "checksum") ? &ref->has_checksum : NULL;
    MOTE_REQUIRE(seen != NULL, diag, MOTE_E_MODEL, "external data has the key '%.*s', which is not known", MOTE_STR_ARG(key));
    MOTE_REQUIRE(!*seen, diag, MOTE_E_MODEL, "external data has the key '%.*s' twice", MOTE_STR_ARG(key));
    *seen = true;
    if (seen == &ref->has_location)
        ref->location = value;
    uint64_t *number = seen == &ref->has_offset ? &ref->offset : seen == &ref->has_length ? &ref->length : NULL;
    MOTE_REQUIRE(number == NULL || decimal(value, number), diag, MOTE_E_MODEL, "external data: %.*s is '%.*s', which is no number of bytes",
                 MOTE_STR_ARG(key), MOTE_STR_ARG(value));
    return MOTE_OK;
}

mote_status mote_external_create(mote_heap *heap, const char *folder, const char *real_folder, bool copy, mote_external **out, mote_diag *diag)
{
    *out = NULL;
    mote_external *e = mote_heap_calloc(heap, 1, sizeof *e);
    if (e == NULL)
        return MOTE_NO_MEMORY(diag, sizeof *e);
    e->heap = heap;
    e->copy = copy;
    if (realpath(folder, e->folder) == NULL || (real_folder != NULL && realpath(real_folder, e->real_folder) == NULL)) {
        mote_heap_free(heap, e, sizeof *e);
        MOTE_FAIL(diag, MOTE_E_IO, "%s: %s", folder, strerror(errno));
    }
    *out = e;
    return MOTE_OK;
}

void mote_external_destroy(mote_external **external)
{
    mote_external *e = *external;
    if (e == NULL)
        return;
    for (external_file *f = e->files, *next; f != NULL; f = next) {
        next = f->next;
        mote_map_deinit(&f->map);
        mote_heap_free(e->heap, f, sizeof *f + f->name_length + 1);
    }
    mote_heap_free(e->heap, e, sizeof *e);
    *external = NULL;
}

void mote_external_release(const mote_external *e, const void *bytes, size_t n)
{
    for (const external_file *f = e == NULL ? NULL : e->files; f != NULL; f = f->next)
        mote_map_release(&f->map, bytes, n);
}

size_t mote_external_bytes(const mote_external *e) { return e == NULL ? 0 : e->bytes; }

/* ---- opening ---- */

static mote_status check_location(mote_str s, mote_diag *diag)
{
    MOTE_REQUIRE(s.n > 0 && s.n < 1024 && memchr(s.p, 0, s.n) == NULL, diag, MOTE_E_PATH, "external data: a location that is empty, very long or has a NUL");
    MOTE_REQUIRE(s.p[0] != '/' && memchr(s.p, '\\', s.n) == NULL, diag, MOTE_E_PATH, "external data '%.*s': not a relative path of the model's folder",
                 MOTE_STR_ARG(s));
    for (size_t at = 0; at <= s.n;) {
        size_t end = at;
        while (end < s.n && s.p[end] != '/')
            end++;
        mote_str part = {s.p + at, end - at};
        MOTE_REQUIRE(part.n != 0 && !mote_str_is(part, ".") && !mote_str_is(part, ".."), diag, MOTE_E_PATH,
                     "external data '%.*s' has the component '%.*s'", MOTE_STR_ARG(s), MOTE_STR_ARG(part));
        at = end + 1;
    }
    return MOTE_OK;
}

/* Opens path below the folder `from`, following no link at all. -1 with errno. */
static int open_plain(int from, const char *path)
{
    char part[NAME_MAX + 1];
    int fd = dup(from);
    while (fd >= 0) {
        size_t n = strcspn(path, "/");
        bool last = path[n] == 0;
        if (n == 0 || n >= sizeof part) {
            close(fd);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(part, path, n);
        part[n] = 0;
        int inner = openat(fd, part, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | (last ? 0 : O_DIRECTORY));
        int error = errno;
        close(fd);
        errno = error;
        if (last)
            return inner;
        fd = inner;
        path += n + 1;
    }
    return -1;
}

static bool under(const char *path, const char *folder)
{
    size_t n = strlen(folder);
    if (n == 1 && folder[0] == '/')
        return true;
    return n != 0 && strncmp(path, folder, n) == 0 && path[n] == '/';
}

/* A location that passes through a link: its target, which has none, must lie under a folder of the model and is opened from there. */
static mote_status open_linked(const mote_external *e, const char *location, int *fd, mote_diag *diag)
{
    char joined[PATH_MAX], target[PATH_MAX];
    int n = snprintf(joined, sizeof joined, "%s/%s", e->folder, location);
    MOTE_REQUIRE(n > 0 && (size_t)n < sizeof joined, diag, MOTE_E_PATH, "external data '%s': the path is too long", location);
    MOTE_REQUIRE(realpath(joined, target) != NULL, diag, MOTE_E_IO, "external data '%s': %s", location, strerror(errno));
    MOTE_REQUIRE(under(target, e->folder) || under(target, e->real_folder), diag, MOTE_E_PATH,
                 "external data '%s' is a link to a place outside the model's folder", location);
    const char *base = under(target, e->folder) ? e->folder : e->real_folder;
    int folder = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *fd = folder < 0 ? -1 : open_plain(folder, target + (base[1] == 0 ? 1 : strlen(base) + 1));
    if (folder >= 0)
        close(folder);
    MOTE_REQUIRE(*fd >= 0, diag, MOTE_E_IO, "external data '%s': %s", location, strerror(errno));
    return MOTE_OK;
}

static mote_status open_file(mote_external *e, mote_str location, external_file **out, mote_diag *diag)
{
    MOTE_TRY(check_location(location, diag));
    external_file *f = mote_heap_calloc(e->heap, 1, sizeof *f + location.n + 1);
    if (f == NULL)
        return MOTE_NO_MEMORY(diag, sizeof *f + location.n + 1);
    f->name_length = location.n;
    memcpy(f->name, location.p, location.n);
    int folder = open(e->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = folder < 0 ? -1 : open_plain(folder, f->name);
    int error = errno;
    if (folder >= 0)
        close(folder);
    mote_status status = MOTE_OK;
    if (fd < 0 && (error == ELOOP || error == ENOTDIR))
        status = open_linked(e, f->name, &fd, diag);
    else if (fd < 0)
        status = mote_fail(diag, MOTE_E_IO, "external data '%s': %s", f->name, strerror(error));
    struct stat st;
    if (status == MOTE_OK && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)))
        status = mote_fail(diag, MOTE_E_PATH, "external data '%s' is not a regular file", f->name);
    if (status == MOTE_OK)
        status = mote_map_fd(&f->map, fd, 0, 0, e->copy, f->name, e->heap, diag);
    if (fd >= 0)
        close(fd);
    if (status != MOTE_OK) {
        mote_heap_free(e->heap, f, sizeof *f + location.n + 1);
        return status;
    }
    e->bytes += f->map.bytes;
    f->next = e->files;
    e->files = f;
    *out = f;
    return MOTE_OK;
}

mote_status mote_external_map(mote_external *e, const mote_external_ref *ref, size_t bytes, mote_str *out, mote_diag *diag)
{
    MOTE_REQUIRE(ref->has_location, diag, MOTE_E_MODEL, "external data without a location");
    external_file *f = e->files;
    while (f != NULL && !(f->name_length == ref->location.n && memcmp(f->name, ref->location.p, f->name_length) == 0))
        f = f->next;
    if (f == NULL)
        MOTE_TRY(open_file(e, ref->location, &f, diag));
    uint64_t length = ref->has_length ? ref->length : bytes;
    MOTE_REQUIRE(length == bytes, diag, MOTE_E_MODEL, "external data '%s' says %llu bytes, the tensor has %zu", f->name, (unsigned long long)length, bytes);
    MOTE_REQUIRE(ref->offset <= f->map.bytes && bytes <= f->map.bytes - ref->offset, diag, MOTE_E_MODEL,
                 "external data '%s' has %zu bytes, the tensor needs %zu from %llu on", f->name, f->map.bytes, bytes, (unsigned long long)ref->offset);
    *out = (mote_str){(const char *)f->map.data + ref->offset, bytes};
    return MOTE_OK;
}
