/* tensor.c - the public tensor
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "tensor/array.h"

mote_status mote_tensor_describe(mote_tensor *tensor, mote_dtype dtype, int32_t rank, const int64_t *shape, void *data)
{
    if (tensor == NULL || (rank > 0 && shape == NULL))
        return MOTE_E_ARGUMENT;
    *tensor = (mote_tensor)MOTE_TENSOR_INIT;
    mote_array a = {0};
    mote_status status = mote_dtype_valid(dtype) ? mote_array_shape(&a, dtype, rank, shape, NULL) : MOTE_E_ARGUMENT;
    if (status != MOTE_OK)
        return status == MOTE_E_LIMIT ? MOTE_E_SHAPE : status;
    tensor->buffer = data;
    tensor->bytes = a.bytes;
    tensor->dtype = dtype;
    tensor->rank = rank;
    int64_t stride = 1;
    for (int32_t d = rank; d-- > 0;) {
        tensor->shape[d] = shape[d];
        tensor->strides[d] = stride;
        stride *= shape[d] > 0 ? shape[d] : 1;
    }
    return MOTE_OK;
}

mote_status mote_tensor_describe_items(mote_tensor *tensor, mote_kind kind, size_t n, mote_tensor *items)
{
    if (tensor == NULL || (kind != MOTE_KIND_SEQUENCE && kind != MOTE_KIND_OPTIONAL) || (n != 0 && items == NULL) || n > (kind == MOTE_KIND_OPTIONAL ? 1 : INT32_MAX))
        return MOTE_E_ARGUMENT;
    *tensor = (mote_tensor)MOTE_TENSOR_INIT;
    tensor->kind = kind;
    tensor->buffer = items;
    tensor->bytes = n * sizeof *items;
    tensor->rank = 1;
    tensor->shape[0] = (int64_t)n;
    tensor->strides[0] = 1;
    return MOTE_OK;
}

void *mote_tensor_map(const mote_tensor *tensor)
{
    return tensor == NULL || tensor->buffer == NULL ? NULL : (char *)tensor->buffer + tensor->offset;
}

int64_t mote_tensor_count(const mote_tensor *tensor)
{
    if (tensor == NULL || tensor->rank < 0)
        return 0;
    int64_t n = 1;
    for (int32_t d = 0; d < tensor->rank && d < MOTE_MAX_RANK; d++)
        n *= tensor->shape[d];
    return n;
}
