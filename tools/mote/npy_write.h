/* npy_write.h - the header of a .npy array, for npz.c
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_NPY_WRITE_H
#define MOTE_TOOL_NPY_WRITE_H

#include "base/diag.h"
#include "tensor/array.h"

/* Writes the header of a version 1 .npy (a multiple of 64 bytes) to `to`. text_width: bytes of each string. */
mote_status npy_header(const mote_array *a, size_t text_width, char *to, size_t cap, size_t *length, mote_diag *diag);

#endif
