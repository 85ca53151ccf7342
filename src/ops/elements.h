/* elements.h - reading and writing elements of any type in blocks, for the reference evaluations
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_OPS_ELEMENTS_H
#define MOTE_OPS_ELEMENTS_H

#include "ops/op.h"

/* The type in which arithmetic on a stored type is done: float for all floats up to 32 bits, double, int64_t for signed integers, uint64_t for unsigned
 * ones and bool. Exact for integers modulo 2^64, hence modulo the stored width. */
typedef enum mote_class { MOTE_CLASS_F32, MOTE_CLASS_F64, MOTE_CLASS_S64, MOTE_CLASS_U64 } mote_class;
mote_class mote_class_of(mote_dtype t);
MOTE_INLINE size_t mote_class_bytes(mote_class c) { return c == MOTE_CLASS_F32 ? 4 : 8; }

/* to[k] = data[first + k*stride], k < n, widened to the class of t. Not for strings or complex types. */
void mote_elements_load(mote_dtype t, const void *data, size_t first, ptrdiff_t stride, size_t n, void *to);
/* data[first + k] = from[k], rounded once to nearest even; integers wrap modulo their width; f8 saturates. */
void mote_elements_store(mote_dtype t, void *data, size_t first, size_t n, const void *from);

/* A broadcast of up to 3 operands to one shape (multidirectional), adjacent dimensions merged where every operand allows it. */
typedef struct mote_broadcast {
    int32_t rank;
    uint32_t operands;
    int64_t dims[MOTE_MAX_RANK];
    int64_t strides[3][MOTE_MAX_RANK]; /* in elements; 0 where the operand repeats */
    size_t count;
} mote_broadcast;
/* `out` has the broadcast shape already. MOTE_E_SHAPE when an operand does not fit it. */
mote_status mote_broadcast_init(mote_broadcast *b, const mote_array *out, const mote_array *const *in, uint32_t operands,
                                mote_diag *diag);
/* Operand k's elements for outputs first .. first+n-1, in order, as the class of t. */
void mote_broadcast_load(const mote_broadcast *b, uint32_t k, mote_dtype t, const void *data, size_t first, size_t n, void *to);
/* The element index in operand k of output `at`. */
size_t mote_broadcast_index(const mote_broadcast *b, uint32_t k, size_t at);

/* ---- elements as opaque bytes, for operators that only move them ---- */

/* One element is `size` bytes: sub-byte types are unpacked to a byte each; strings are mote_string. */
typedef struct mote_bytes {
    uint8_t *p;
    size_t size, count;
    void *temp;
    size_t temp_bytes;
} mote_bytes;
mote_status mote_bytes_in(mote_eval *c, const mote_array *a, mote_bytes *b);
/* Output i, which has its shape and memory. */
mote_status mote_bytes_out(mote_eval *c, uint32_t i, mote_bytes *b);
/* Packs sub-byte elements into output i, and gives its strings memory of their own. Frees the temporary in any case. */
mote_status mote_bytes_finish(mote_eval *c, uint32_t i, mote_bytes *b);
void mote_bytes_free(mote_eval *c, mote_bytes *b);
/* The strings of output i point to foreign memory: copies their bytes to memory that lives as long as the output. */
mote_status mote_eval_own_strings(mote_eval *c, uint32_t i);

enum { MOTE_COPY_MAX_RANK = 2 * MOTE_MAX_RANK };
/* Copies an n-dimensional block of elements; strides in elements, possibly 0 or negative. rank <= MOTE_COPY_MAX_RANK. */
void mote_copy_block(uint8_t *dst, const int64_t *dst_strides, const uint8_t *src, const int64_t *src_strides, int32_t rank,
                     const int64_t *dims, size_t size);
/* Row-major strides in elements of dims. */
void mote_strides_of(int32_t rank, const int64_t *dims, int64_t *strides);

/* Sum as DESIGN's Numerics has it: element i goes to lane i mod 16 in ascending order; then lanes l and l+8, l+4, l+2, l+1 are added. */
float mote_sum16(const float *x, size_t n);
double mote_sum16_f64(const double *x, size_t n);

#endif
