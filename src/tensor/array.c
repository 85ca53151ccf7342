/* array.c - shapes of arrays, checked once
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "tensor/array.h"
#include "base/size.h"
#include <inttypes.h>
#include <stdio.h>

/* No machine maps more; below it, products of a byte count with any element size stay in 64 bits. */
#define COUNT_LIMIT ((size_t)1 << 48)

size_t mote_array_count(const mote_array *a)
{
    size_t n = 1;
    for (int32_t i = 0; i < a->rank; i++)
        n *= (size_t)a->dims[i];
    return n;
}

mote_status mote_array_shape(mote_array *a, mote_dtype dtype, int32_t rank, const int64_t *dims, mote_diag *diag)
{
    *a = (mote_array){.kind = MOTE_KIND_TENSOR};
    MOTE_REQUIRE(mote_dtype_valid(dtype), diag, MOTE_E_DTYPE, "element type %d, which is not known", (int)dtype);
    MOTE_REQUIRE(rank >= 0 && rank <= MOTE_MAX_RANK, diag, MOTE_E_SHAPE, "rank %" PRId32 ", expected 0 to %d", rank,
                 MOTE_MAX_RANK);
    /* A dimension of 0 empties the tensor, but the others must still multiply: strides are made of them. */
    size_t product = 1, bytes;
    bool empty = false;
    for (int32_t i = 0; i < rank; i++) {
        MOTE_REQUIRE(dims[i] >= 0, diag, MOTE_E_SHAPE, "dimension %" PRId32 " is %" PRId64 ", expected at least 0", i, dims[i]);
        empty = empty || dims[i] == 0;
        size_t d = dims[i] == 0 ? 1 : (size_t)dims[i];
        MOTE_REQUIRE(mote_size_mul(product, d, &product) && product < COUNT_LIMIT, diag, MOTE_E_SHAPE,
                     "dimension %" PRId32 " is %" PRId64 ": the tensor would have 2^48 elements or more", i, dims[i]);
    }
    MOTE_REQUIRE(mote_dtype_bytes(dtype, product, &bytes) && bytes < COUNT_LIMIT, diag, MOTE_E_SHAPE,
                 "the tensor would have 2^48 bytes or more");
    a->dtype = dtype;
    a->rank = rank;
    for (int32_t i = 0; i < rank; i++)
        a->dims[i] = dims[i];
    a->bytes = empty ? 0 : bytes;
    return MOTE_OK;
}

const char *mote_array_describe(const mote_array *a, char *buf, size_t cap)
{
    static const char *const kinds[] = {"", "sequence of ", "optional "};
    if (cap == 0)
        return buf;
    size_t n = 0;
    int w = snprintf(buf, cap, "%s%s[", kinds[a->kind], mote_dtype_name(a->dtype));
    for (int32_t i = 0; i <= a->rank && w >= 0; i++) {
        n += (size_t)w;
        if (n >= cap)
            return buf;
        if (i < a->rank)
            w = snprintf(buf + n, cap - n, "%s%" PRId64, i == 0 ? "" : ",", a->dims[i]);
        else
            w = snprintf(buf + n, cap - n, "]");
    }
    return buf;
}
