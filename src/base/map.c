/* map.c - files as memory, on POSIX
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/map.h"
#include "base/size.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static mote_status io_error(mote_diag *diag, const char *what, const char *name)
{
    char words[96] = "";
    int error = errno;
#if defined(__GLIBC__)
    const char *text = strerror_r(error, words, sizeof words); /* the GNU one: may point elsewhere */
#else
    const char *text = strerror_r(error, words, sizeof words) == 0 ? words : "unknown error";
#endif
    return mote_fail(diag, MOTE_E_IO, "%s: cannot %s: %s", name, what, text);
}

static mote_status file_size(int fd, uint64_t *size, const char *name, mote_diag *diag)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return io_error(diag, "examine", name);
    MOTE_REQUIRE(S_ISREG(st.st_mode), diag, MOTE_E_IO, "%s: not a regular file", name);
    *size = (uint64_t)st.st_size;
    return MOTE_OK;
}

static mote_status read_all(int fd, uint64_t offset, uint8_t *to, size_t bytes, const char *name, mote_diag *diag)
{
    for (size_t done = 0; done < bytes;) {
        size_t ask = mote_min_size(bytes - done, (size_t)1 << 30); /* systems cap one read near 2^31 */
        ssize_t n = pread(fd, to + done, ask, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return io_error(diag, "read", name);
        MOTE_REQUIRE(n != 0, diag, MOTE_E_IO, "%s: became shorter while it was read: %zu bytes of %zu", name, done, bytes);
        done += (size_t)n;
    }
    return MOTE_OK;
}

static mote_status copy_in(mote_map *map, int fd, uint64_t offset, uint64_t file_bytes, const char *name, mote_diag *diag)
{
    uint8_t *copy = mote_heap_alloc(map->heap, map->bytes);
    if (copy == NULL)
        return MOTE_NO_MEMORY(diag, map->bytes);
    uint64_t now = 0;
    mote_status status = read_all(fd, offset, copy, map->bytes, name, diag);
    if (status == MOTE_OK)
        status = file_size(fd, &now, name, diag);
    if (status == MOTE_OK && now != file_bytes)
        status = mote_fail(diag, MOTE_E_IO, "%s: changed its size while it was read: %" PRIu64 " bytes, then %" PRIu64, name,
                           file_bytes, now);
    if (status != MOTE_OK) {
        mote_heap_free(map->heap, copy, map->bytes);
        return status;
    }
    map->data = map->base = copy;
    map->base_bytes = map->bytes;
    return MOTE_OK;
}

static mote_status map_in(mote_map *map, int fd, uint64_t offset, const char *name, mote_diag *diag)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), before = offset % page;
    size_t total;
    MOTE_REQUIRE(mote_size_add(map->bytes, (size_t)before, &total), diag, MOTE_E_LIMIT, "%s: too large to map", name);
    void *base = mmap(NULL, total, PROT_READ, MAP_PRIVATE, fd, (off_t)(offset - before));
    if (base == MAP_FAILED)
        return io_error(diag, "map", name);
    map->base = base;
    map->base_bytes = total;
    map->data = (const uint8_t *)base + before;
    return MOTE_OK;
}

mote_status mote_map_fd(mote_map *map, int fd, uint64_t offset, uint64_t length, bool copy, const char *name, mote_heap *heap,
                        mote_diag *diag)
{
    static const uint8_t nothing[1];
    *map = (mote_map){0};
    uint64_t size = 0;
    MOTE_TRY(file_size(fd, &size, name, diag));
    MOTE_REQUIRE(offset <= size && length <= size - offset, diag, MOTE_E_FORMAT,
                 "%s: %" PRIu64 " bytes from %" PRIu64 " asked, the file has %" PRIu64, name, length, offset, size);
    uint64_t bytes = length == 0 ? size - offset : length;
    MOTE_REQUIRE(bytes <= PTRDIFF_MAX, diag, MOTE_E_LIMIT, "%s: %" PRIu64 " bytes, too many for this machine", name, bytes);
    mote_map made = {.data = nothing, .bytes = (size_t)bytes, .heap = copy ? heap : NULL};
    if (bytes != 0)
        MOTE_TRY(copy ? copy_in(&made, fd, offset, size, name, diag) : map_in(&made, fd, offset, name, diag));
    *map = made;
    return MOTE_OK;
}

mote_status mote_map_path(mote_map *map, const char *path, bool copy, mote_heap *heap, mote_diag *diag)
{
    *map = (mote_map){0};
    int fd;
    do
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a pipe without a writer must not hold us */
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return io_error(diag, "open", path);
    mote_status status = mote_map_fd(map, fd, 0, 0, copy, path, heap, diag);
    close(fd);
    return status;
}

void mote_map_release(const mote_map *map, const void *bytes, size_t n)
{
    const uintptr_t base = (uintptr_t)map->base, p = bytes != NULL ? (uintptr_t)bytes : base, end = base + map->base_bytes;
    n = bytes != NULL ? n : map->base_bytes;
    if (map->heap != NULL || map->base == NULL || p < base || p > end || n > end - p)
        return;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), first = mote_div_up(p - base, page) * page, last = (p - base + n) / page * page;
    if (first < last || bytes == NULL)
        (void)madvise((char *)map->base + first, bytes != NULL ? last - first : n, MADV_DONTNEED);
}

void mote_memory_whole(void *p, size_t n)
{
#ifdef MADV_HUGEPAGE
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), skip = (page - (uintptr_t)p % page) % page;
    if (n >= (size_t)4 << 20) /* holds a page of 2 MiB wherever it begins */
        (void)madvise((char *)p + skip, (n - skip) / page * page, MADV_HUGEPAGE);
#else
    (void)p, (void)n;
#endif
}

void mote_map_deinit(mote_map *map)
{
    if (map->heap != NULL)
        mote_heap_free(map->heap, map->base, map->base_bytes);
    else if (map->base != NULL)
        munmap(map->base, map->base_bytes);
    *map = (mote_map){0};
}
