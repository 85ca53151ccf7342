/* npy.h - arrays from and to .npy and .npz files
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_NPY_H
#define MOTE_TOOL_NPY_H

#include "base/diag.h"
#include "tensor/array.h"

typedef struct named_array {
    char *name;
    mote_array array; /* data malloced; strings as one block after the mote_string table */
} named_array;

typedef struct named_arrays {
    named_array *items;
    size_t n;
} named_arrays;

/* One .npy in memory (format versions 1 to 3; C or Fortran order; either byte order; bool, integers, floats, complex, fixed-width text and bytes).
 * The header is read by a strict parser, never evaluated. MOTE_E_FORMAT, MOTE_E_UNSUPPORTED, MOTE_E_LIMIT (more than `limit` bytes), MOTE_E_MEMORY. */
mote_status npy_parse(const void *bytes, size_t n, size_t limit, mote_array *out, mote_diag *diag);
/* Reads the header alone, of an array of `n` bytes whose first `there` (65548, or all) are given: type and shape in `out`, no data. As npy_parse. */
mote_status npy_describe(const void *bytes, size_t there, size_t n, mote_array *out, mote_diag *diag);

/* Asked of each array (type and shape, no data; name "" for a single .npy) before its data is unpacked: any status but MOTE_OK ends the reading with it. */
typedef mote_status (*npz_accept)(void *ctx, const char *name, const mote_array *array, mote_diag *diag);
/* A .npz (zip of .npy, stored or deflated) or, when the file is one, a single .npy (name ""). The sum of sizes is bounded by `limit`; what an
 * archive claims to hold is not allocated unless its bytes can hold it. MOTE_E_IO (read) and as npy_parse. */
mote_status npz_parse(const void *bytes, size_t n, size_t limit, named_arrays *out, mote_diag *diag);
mote_status npz_read(const char *path, size_t limit, named_arrays *out, mote_diag *diag);
/* The same for the arrays that `accept` (NULL: all) takes. */
mote_status npz_parse_accepted(const void *bytes, size_t n, size_t limit, npz_accept accept, void *ctx, named_arrays *out, mote_diag *diag);
mote_status npz_read_accepted(const char *path, size_t limit, npz_accept accept, void *ctx, named_arrays *out, mote_diag *diag);
/* Writes beside and renames. bf16, f8 and sub-byte types are written as their raw unsigned bytes under "NAME:dtype". */
mote_status npz_write(const char *path, const named_array *items, size_t n, bool overwrite, mote_diag *diag);
void named_arrays_free(named_arrays *a);
const mote_array *named_arrays_find(const named_arrays *a, const char *name);

#endif
