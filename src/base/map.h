/* map.h - files as memory: mapped, or read into it
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_BASE_MAP_H
#define MOTE_BASE_MAP_H

#include "base/diag.h"
#include "base/heap.h"

/* The bytes of a regular file or of a part of one. Mapped bytes must not be written, and vanish (SIGBUS) when another process shortens the
 * file; a copy is safe from that. data is never NULL after success, also for 0 bytes; mapped data is aligned as its place in the file is. */
typedef struct mote_map {
    const uint8_t *data;
    size_t bytes;
    void *base; /* of the mapping, or of the copy */
    size_t base_bytes;
    mote_heap *heap; /* borrowed: where the copy came from; NULL: mapped */
} mote_map;

/* Maps the file, or copies it into memory of `heap` (which outlives the map) when `copy`. Devices, pipes and folders are refused. Returns
 * MOTE_OK, MOTE_E_IO (also when a file changes its size while it is copied), MOTE_E_MEMORY, MOTE_E_LIMIT (more than an address space holds). */
mote_status mote_map_path(mote_map *map, const char *path, bool copy, mote_heap *heap, mote_diag *diag);
/* `length` bytes from `offset` (any, not only multiples of a page) of an open file; 0: to its end. The descriptor stays the caller's, its
 * position is not used or moved. `name` stands in messages. Also MOTE_E_FORMAT: the range does not lie in the file. */
mote_status mote_map_fd(mote_map *map, int fd, uint64_t offset, uint64_t length, bool copy, const char *name, mote_heap *heap,
                        mote_diag *diag);
/* Gives the pages that lie wholly in bytes[0 .. n), of the whole map for NULL, back to the system: they are fetched from the file when they are read
 * again. Does nothing for a copy and for bytes that are not this map's. Thread-safe. */
void mote_map_release(const mote_map *map, const void *bytes, size_t n);
/* Tells the system that p[0 .. n), allocated and not touched yet, will be used whole: it may give large pages, of which fewer are faulted in. */
void mote_memory_whole(void *p, size_t n);
/* For a map that was made, or is all zeros. */
void mote_map_deinit(mote_map *map);

#endif
