/* files.c - reading whole files, and outputs that appear only when they are complete
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "files.h"
#include "base/outfile.h"
#include "onnx/read.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

mote_status file_read(const char *path, size_t limit, void **out, size_t *n, mote_diag *diag)
{
    *out = NULL;
    *n = 0;
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    MOTE_REQUIRE(fd >= 0, diag, MOTE_E_IO, "%s: %s", path, strerror(errno));
    struct stat st;
    if (fstat(fd, &st) != 0 || (!standard && !S_ISREG(st.st_mode))) {
        close(fd);
        MOTE_FAIL(diag, MOTE_E_IO, "%s: not a regular file", path);
    }
    size_t cap = S_ISREG(st.st_mode) && st.st_size > 0 ? (size_t)st.st_size : 65536, got = 0;
    mote_status status = MOTE_OK;
    char *data = NULL;
    if (S_ISREG(st.st_mode) && cap > limit && st.st_size > 0)
        status = mote_fail(diag, MOTE_E_LIMIT, "%s has %zu bytes, the limit is %zu", path, cap, limit);
    else if ((data = malloc(cap + 1)) == NULL)
        status = MOTE_NO_MEMORY(diag, cap);
    while (status == MOTE_OK) {
        if (got == cap) {
            if (S_ISREG(st.st_mode))
                break;
            char *grown = cap > limit ? NULL : realloc(data, cap * 2 + 1);
            if (grown == NULL) {
                status = mote_fail(diag, MOTE_E_LIMIT, "%s has more than %zu bytes", path, cap);
                break;
            }
            data = grown;
            cap *= 2;
        }
        ssize_t r = read(fd, data + got, cap - got);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            status = mote_fail(diag, MOTE_E_IO, "%s: %s", path, strerror(errno));
        if (r <= 0)
            break;
        got += (size_t)r;
    }
    close(fd);
    if (status == MOTE_OK && got > limit)
        status = mote_fail(diag, MOTE_E_LIMIT, "%s has more than %zu bytes", path, limit);
    if (status != MOTE_OK) {
        free(data);
        return status;
    }
    data[got] = 0;
    *out = data;
    *n = got;
    return MOTE_OK;
}

/* ---- outputs ---- */

enum { MAX_OPEN = 8 };
static char open_files[MAX_OPEN][4096]; /* for the signal handler: no allocation, no pointers that move */

static char *slot_of(const char *name)
{
    for (int i = 0; i < MAX_OPEN; i++)
        if (strcmp(open_files[i], name) == 0)
            return open_files[i];
    return NULL;
}

void file_outputs_abandon(void)
{
    for (int i = 0; i < MAX_OPEN; i++)
        if (open_files[i][0] != 0)
            unlink(open_files[i]);
}

mote_status file_output_allowed(const char *path, bool overwrite, mote_diag *diag)
{
    struct stat st;
    if (path != NULL && stat(path, &st) == 0) {
        MOTE_REQUIRE(S_ISREG(st.st_mode), diag, MOTE_E_IO, "%s exists and is not a regular file", path);
        MOTE_REQUIRE(overwrite, diag, MOTE_E_IO, "%s exists; --overwrite replaces it", path);
    }
    return MOTE_OK;
}

mote_status file_output_begin(file_output *o, const char *path, bool overwrite, mote_diag *diag)
{
    *o = (file_output){NULL, NULL, overwrite};
    MOTE_TRY(file_output_allowed(path, overwrite, diag));
    size_t n = strlen(path);
    MOTE_REQUIRE(n > 0 && n + 16 < sizeof open_files[0], diag, MOTE_E_ARGUMENT, "an output path of %zu bytes", n);
    o->path = strdup(path);
    o->temporary = malloc(n + 16);
    if (o->path == NULL || o->temporary == NULL)
        return file_output_end(o, MOTE_NO_MEMORY(diag, n), diag);
    int fd = mote_outfile_open(path, o->temporary, n + 16);
    if (fd < 0) {
        mote_status status = mote_fail(diag, MOTE_E_IO, "%s: %s", path, strerror(errno));
        free(o->temporary);
        o->temporary = NULL;
        return file_output_end(o, status, diag);
    }
    close(fd);
    char *slot = slot_of("");
    if (slot != NULL)
        memcpy(slot, o->temporary, strlen(o->temporary) + 1);
    return MOTE_OK;
}

mote_status file_output_end(file_output *o, mote_status status, mote_diag *diag)
{
    if (o->temporary != NULL) {
        int fd = status == MOTE_OK ? open(o->temporary, O_RDONLY | O_CLOEXEC) : -1;
        if (status == MOTE_OK && fd < 0)
            status = mote_fail(diag, MOTE_E_IO, "%s: %s", o->path, strerror(errno));
        if (fd >= 0)
            status = mote_outfile_finish(fd, o->temporary, o->path, o->overwrite, diag);
        else
            unlink(o->temporary);
        char *slot = slot_of(o->temporary);
        if (slot != NULL)
            slot[0] = 0;
    }
    free(o->path);
    free(o->temporary);
    *o = (file_output){NULL, NULL, false};
    return status;
}

mote_status file_write(const char *path, const void *bytes, size_t n, bool overwrite, mote_diag *diag)
{
    file_output o;
    MOTE_TRY(file_output_begin(&o, path, overwrite, diag));
    FILE *f = fopen(o.temporary, "wb");
    mote_status status = MOTE_OK;
    if (f == NULL || (n != 0 && fwrite(bytes, 1, n, f) != n) || fflush(f) != 0)
        status = mote_fail(diag, MOTE_E_IO, "%s: %s", path, strerror(errno));
    if (f != NULL && fclose(f) != 0 && status == MOTE_OK)
        status = mote_fail(diag, MOTE_E_IO, "%s: %s", path, strerror(errno));
    return file_output_end(&o, status, diag);
}

bool file_is_directory(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool file_is_compiled(const char *path)
{
    char first[sizeof MOTE_COMPILED_MAGIC - 1];
    FILE *f = file_is_directory(path) ? NULL : fopen(path, "rb");
    const bool is = f != NULL && fread(first, 1, sizeof first, f) == sizeof first && memcmp(first, MOTE_COMPILED_MAGIC, sizeof first) == 0;
    if (f != NULL)
        fclose(f);
    return is;
}

bool has_suffix(const char *path, const char *suffix)
{
    size_t n = strlen(path), m = strlen(suffix);
    return n >= m && strcasecmp(path + n - m, suffix) == 0;
}
