/* array.h - the tensor inside the library: shape and contiguous host bytes, never owned
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TENSOR_ARRAY_H
#define MOTE_TENSOR_ARRAY_H

#include "base/diag.h"
#include "base/heap.h"
#include "tensor/dtype.h"

/* Row-major and contiguous. data may be unaligned for its type only in constants that lie in a mapped file: whoever reads those with typed loads asks
 * mote_array_aligned first (evaluation and lowering only ever see aligned ones). Strings: data is mote_string[count]. */
typedef struct mote_array {
    mote_kind kind; /* SEQUENCE, OPTIONAL: data is mote_array[dims[0]], rank 1; OPTIONAL: dims[0] is 0 or 1 */
    mote_dtype dtype; /* of the elements' elements for a sequence or optional */
    int32_t rank;
    uint32_t own; /* ops/own.c: an element of a sequence, which other sequences may share; 0 for all else */
    int64_t dims[MOTE_MAX_RANK];
    void *data; /* NULL: no memory yet, or no element */
    size_t bytes;
} mote_array;

/* Number of elements: the product of dims, all known to be >= 0 and checked when the array was made. 1 for a scalar. */
size_t mote_array_count(const mote_array *a);
/* Checks dims (>= 0, product and bytes representable, below 2^48) and fills dtype, rank, dims, bytes; data NULL. */
mote_status mote_array_shape(mote_array *a, mote_dtype dtype, int32_t rank, const int64_t *dims, mote_diag *diag);
MOTE_INLINE bool mote_array_same_shape(const mote_array *a, const mote_array *b)
{
    if (a->rank != b->rank)
        return false;
    for (int32_t i = 0; i < a->rank; i++)
        if (a->dims[i] != b->dims[i])
            return false;
    return true;
}
/* A constant that a compiled model has only packed: nothing may read it. */
MOTE_INLINE bool mote_array_absent(const mote_array *a) { return a->data == NULL && a->bytes != 0; }
/* Whether data may be read with typed loads. */
MOTE_INLINE bool mote_array_aligned(const mote_array *a)
{
    if (mote_array_absent(a))
        return false;
    unsigned bits = mote_dtype_bits(a->dtype), bytes = bits == 0 ? (unsigned)sizeof(void *) : bits >= 64 ? 8 : bits / 8;
    return bytes <= 1 || a->bytes == 0 || (uintptr_t)a->data % bytes == 0;
}
/* "float32[1,3,224,224]" into buf (clipped); returns buf. */
const char *mote_array_describe(const mote_array *a, char *buf, size_t cap);

/* Integer element i of any integer or bool array. */
MOTE_INLINE int64_t mote_array_i64(const mote_array *a, size_t i) { return mote_dtype_to_i64(a->dtype, a->data, i); }
MOTE_INLINE double mote_array_f64(const mote_array *a, size_t i) { return mote_dtype_to_f64(a->dtype, a->data, i); }

#endif
