/* transpose.h - strided copies in N dimensions: Transpose, Slice, Concat, Split, Expand, Tile, Pad's inside
 * SPDX-License-Identifier: Apache-2.0
 *
 *     out[sum_k i_k out_stride_k] = in[sum_k i_k in_stride_k]    0 <= i_k < dims_k; strides in bytes, in's may be 0 or negative
 *
 * A plan drops dimensions of one, merges those that lie behind each other in both, widens the element where the innermost run allows, and picks
 * one way: runs of bytes, a repeated element, a matrix transpose by tiles, or single elements. Its units can be run in any order on any thread. */
#ifndef MOTE_KERNELS_TRANSPOSE_TRANSPOSE_H
#define MOTE_KERNELS_TRANSPOSE_TRANSPOSE_H

#include "base/cpu.h"
#include <stdbool.h>

enum { MOTE_COPY_PLAN_RANK = 16 };

/* out[c][r] = in[r][c], elements of the row's size; strides in bytes. No alignment; nothing beyond the two matrices is touched. */
typedef void (*mote_transpose_fn)(const void *in, void *out, size_t rows, size_t cols, size_t in_stride, size_t out_stride);

typedef struct mote_transpose_row {
    const char *name;
    uint32_t isa;
    size_t size; /* 1, 2, 4, 8 */
    mote_transpose_fn fn;
} mote_transpose_row;

/* size: 1, 2, 4 or 8 */
const mote_transpose_row *mote_transpose_select(size_t size, uint32_t cpu);
const mote_transpose_row *mote_transpose_rows(size_t *count);

typedef enum mote_copy_way { MOTE_COPY_RUNS, MOTE_COPY_REPEAT, MOTE_COPY_TRANSPOSE, MOTE_COPY_ELEMENTS } mote_copy_way;

typedef struct mote_copy_plan {
    mote_copy_way way;
    int rank;                   /* of the outer dimensions */
    size_t size;                /* bytes of an element, or of a run */
    size_t dims[MOTE_COPY_PLAN_RANK];
    ptrdiff_t in[MOTE_COPY_PLAN_RANK], out[MOTE_COPY_PLAN_RANK];
    size_t n;                   /* REPEAT, ELEMENTS: inner count */
    ptrdiff_t in_step, out_step;
    size_t rows, cols, block;   /* TRANSPOSE: in is rows x cols, cols contiguous; a unit takes `block` of its columns */
    size_t in_stride, out_stride;
    size_t units, unit_bytes;   /* unit_bytes: about how much a unit writes, to choose a grain */
    mote_transpose_fn tile;
} mote_copy_plan;

/* size: bytes of an element. rank <= MOTE_COPY_PLAN_RANK. Out strides non-negative; no two indices meet in out. */
void mote_copy_plan_make(mote_copy_plan *p, size_t size, int rank, const size_t *dims, const ptrdiff_t *in_stride, const ptrdiff_t *out_stride,
                         uint32_t cpu);
/* Units [begin, end) of p->units. in and out do not overlap. */
void mote_copy_run(const mote_copy_plan *p, const void *in, void *out, size_t begin, size_t end);

void mote_transpose_8_16x32_avx2(const void *in, void *out, size_t rows, size_t cols, size_t in_stride, size_t out_stride);
void mote_transpose_16_8x16_avx2(const void *in, void *out, size_t rows, size_t cols, size_t in_stride, size_t out_stride);
void mote_transpose_32_4x8_avx2(const void *in, void *out, size_t rows, size_t cols, size_t in_stride, size_t out_stride);
void mote_transpose_16_8x8_neon(const void *in, void *out, size_t rows, size_t cols, size_t in_stride, size_t out_stride);
void mote_transpose_32_4x8_neon(const void *in, void *out, size_t rows, size_t cols, size_t in_stride, size_t out_stride);
void mote_transpose_8_16x16_neon(const void *in, void *out, size_t rows, size_t cols, size_t in_stride, size_t out_stride);
void mote_transpose_8_ref(const void *in, void *out, size_t rows, size_t cols, size_t in_stride, size_t out_stride);
void mote_transpose_16_ref(const void *in, void *out, size_t rows, size_t cols, size_t in_stride, size_t out_stride);
void mote_transpose_32_ref(const void *in, void *out, size_t rows, size_t cols, size_t in_stride, size_t out_stride);
void mote_transpose_64_ref(const void *in, void *out, size_t rows, size_t cols, size_t in_stride, size_t out_stride);

#endif
