/* elements.c - blocks of elements of any type: widening, broadcasting, moving
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "ops/elements.h"
#include "base/half.h"
#include "base/size.h"
#include <string.h>

mote_class mote_class_of(mote_dtype t)
{
    if (t == MOTE_DTYPE_F64)
        return MOTE_CLASS_F64;
    if (mote_dtype_in(t, MOTE_DTYPES_SINT | MOTE_DT(S4) | MOTE_DT(S2)))
        return MOTE_CLASS_S64;
    if (mote_dtype_in(t, MOTE_DTYPES_UINT | MOTE_DT(U4) | MOTE_DT(U2) | MOTE_DT(BOOL)))
        return MOTE_CLASS_U64;
    return MOTE_CLASS_F32;
}

void mote_elements_load(mote_dtype t, const void *data, size_t first, ptrdiff_t stride, size_t n, void *to)
{
#define LOAD(stored, wide, convert)                                                                                    \
    do {                                                                                                               \
        const stored *p = (const stored *)data + first;                                                                \
        wide *q = to;                                                                                                  \
        for (size_t k = 0; k < n; k++, p += stride)                                                                    \
            q[k] = convert(*p);                                                                                        \
    } while (0)
    switch (t) {
    case MOTE_DTYPE_F32: LOAD(float, float, ); break;
    case MOTE_DTYPE_F64: LOAD(double, double, ); break;
    case MOTE_DTYPE_F16: LOAD(uint16_t, float, mote_f32_from_f16); break;
    case MOTE_DTYPE_BF16: LOAD(uint16_t, float, mote_f32_from_bf16); break;
    case MOTE_DTYPE_S8: LOAD(int8_t, int64_t, ); break;
    case MOTE_DTYPE_S16: LOAD(int16_t, int64_t, ); break;
    case MOTE_DTYPE_S32: LOAD(int32_t, int64_t, ); break;
    case MOTE_DTYPE_S64: LOAD(int64_t, int64_t, ); break;
    case MOTE_DTYPE_U8: LOAD(uint8_t, uint64_t, ); break;
    case MOTE_DTYPE_U16: LOAD(uint16_t, uint64_t, ); break;
    case MOTE_DTYPE_U32: LOAD(uint32_t, uint64_t, ); break;
    case MOTE_DTYPE_U64: LOAD(uint64_t, uint64_t, ); break;
    case MOTE_DTYPE_BOOL: LOAD(uint8_t, uint64_t, !!); break;
    default:
        for (size_t k = 0; k < n; k++) {
            size_t at = first + (size_t)((ptrdiff_t)k * stride);
            switch (mote_class_of(t)) {
            case MOTE_CLASS_S64: ((int64_t *)to)[k] = mote_dtype_to_i64(t, data, at); break;
            case MOTE_CLASS_U64: ((uint64_t *)to)[k] = (uint64_t)mote_dtype_to_i64(t, data, at); break;
            case MOTE_CLASS_F32: ((float *)to)[k] = (float)mote_dtype_to_f64(t, data, at); break;
            case MOTE_CLASS_F64: break;
            }
        }
    }
#undef LOAD
}

void mote_elements_store(mote_dtype t, void *data, size_t first, size_t n, const void *from)
{
#define STORE(stored, wide, convert)                                                                                   \
    do {                                                                                                               \
        stored *p = (stored *)data + first;                                                                            \
        const wide *q = from;                                                                                          \
        for (size_t k = 0; k < n; k++)                                                                                 \
            p[k] = (stored)convert(q[k]);                                                                              \
    } while (0)
    switch (t) {
    case MOTE_DTYPE_F32: STORE(float, float, ); break;
    case MOTE_DTYPE_F64: STORE(double, double, ); break;
    case MOTE_DTYPE_F16: STORE(uint16_t, float, mote_f16_from_f32); break;
    case MOTE_DTYPE_BF16: STORE(uint16_t, float, mote_bf16_from_f32); break;
    case MOTE_DTYPE_S8: STORE(int8_t, int64_t, ); break;
    case MOTE_DTYPE_S16: STORE(int16_t, int64_t, ); break;
    case MOTE_DTYPE_S32: STORE(int32_t, int64_t, ); break;
    case MOTE_DTYPE_S64: STORE(int64_t, int64_t, ); break;
    case MOTE_DTYPE_U8: STORE(uint8_t, uint64_t, ); break;
    case MOTE_DTYPE_U16: STORE(uint16_t, uint64_t, ); break;
    case MOTE_DTYPE_U32: STORE(uint32_t, uint64_t, ); break;
    case MOTE_DTYPE_U64: STORE(uint64_t, uint64_t, ); break;
    case MOTE_DTYPE_BOOL: STORE(uint8_t, uint64_t, !!); break;
    default:
        for (size_t k = 0; k < n; k++)
            switch (mote_class_of(t)) {
            case MOTE_CLASS_S64: mote_dtype_from_i64(t, data, first + k, ((const int64_t *)from)[k]); break;
            case MOTE_CLASS_U64: mote_dtype_from_i64(t, data, first + k, (int64_t)((const uint64_t *)from)[k]); break;
            case MOTE_CLASS_F32: mote_dtype_from_f64(t, data, first + k, (double)((const float *)from)[k]); break;
            case MOTE_CLASS_F64: break;
            }
    }
#undef STORE
}

mote_status mote_broadcast_init(mote_broadcast *b, const mote_array *out, const mote_array *const *in, uint32_t operands,
                                mote_diag *diag)
{
    int64_t full[3][MOTE_MAX_RANK];
    MOTE_ASSERT(operands <= 3);
    for (uint32_t k = 0; k < operands; k++) {
        int32_t lead = out->rank - in[k]->rank;
        MOTE_REQUIRE(lead >= 0, diag, MOTE_E_SHAPE, "input %u has rank %d, expected at most %d", k, in[k]->rank, out->rank);
        int64_t stride = 1;
        for (int32_t d = out->rank - 1; d >= 0; d--) {
            int64_t n = d < lead ? 1 : in[k]->dims[d - lead];
            MOTE_REQUIRE(n == 1 || n == out->dims[d], diag, MOTE_E_SHAPE,
                         "input %u has %lld elements in dimension %d, expected 1 or %lld", k, (long long)n, d - lead,
                         (long long)out->dims[d]);
            full[k][d] = n == 1 ? 0 : stride;
            stride *= n;
        }
    }
    *b = (mote_broadcast){.operands = operands, .count = mote_array_count(out)};
    for (int32_t d = 0; d < out->rank; d++) {
        if (out->dims[d] == 1)
            continue;
        int32_t r = b->rank;
        bool merge = r > 0;
        for (uint32_t k = 0; merge && k < operands; k++)
            merge = b->strides[k][r - 1] == full[k][d] * out->dims[d];
        if (merge)
            r--;
        b->dims[r] = merge ? b->dims[r] * out->dims[d] : out->dims[d];
        for (uint32_t k = 0; k < operands; k++)
            b->strides[k][r] = full[k][d];
        b->rank = r + 1;
    }
    return MOTE_OK;
}

size_t mote_broadcast_index(const mote_broadcast *b, uint32_t k, size_t at)
{
    int64_t index = 0, rest = (int64_t)at;
    for (int32_t d = b->rank - 1; d >= 0; d--) {
        index += rest % b->dims[d] * b->strides[k][d];
        rest /= b->dims[d];
    }
    return (size_t)index;
}

void mote_broadcast_load(const mote_broadcast *b, uint32_t k, mote_dtype t, const void *data, size_t first, size_t n, void *to)
{
    size_t wide = mote_class_bytes(mote_class_of(t));
    if (b->rank == 0) {
        mote_elements_load(t, data, 0, 0, n, to);
        return;
    }
    int32_t last = b->rank - 1;
    size_t row = (size_t)b->dims[last];
    while (n > 0) {
        size_t in_row = first % row, run = mote_min_size(row - in_row, n);
        mote_elements_load(t, data, mote_broadcast_index(b, k, first), (ptrdiff_t)b->strides[k][last], run, to);
        to = (uint8_t *)to + run * wide;
        first += run;
        n -= run;
    }
}

/* ---- bytes ---- */

static bool is_subbyte(mote_dtype t) { return mote_dtype_in(t, MOTE_DTYPES_SUBBYTE); }

/* Bits per element of a sub-byte type. */
static unsigned sub_bits(mote_dtype t) { return mote_dtype_in(t, MOTE_DT(U2) | MOTE_DT(S2)) ? 2 : 4; }

static size_t element_bytes(mote_dtype t)
{
    return t == MOTE_DTYPE_STRING ? sizeof(mote_string) : is_subbyte(t) ? 1 : mote_dtype_bits(t) / 8;
}

mote_status mote_bytes_in(mote_eval *c, const mote_array *a, mote_bytes *b)
{
    *b = (mote_bytes){a->data, element_bytes(a->dtype), mote_array_count(a), NULL, 0};
    if (!is_subbyte(a->dtype) || b->count == 0)
        return MOTE_OK;
    b->temp = mote_heap_alloc(c->heap, b->count);
    if (b->temp == NULL)
        return MOTE_NO_MEMORY(c->diag, b->count);
    b->temp_bytes = b->count;
    b->p = b->temp;
    const uint8_t *from = a->data;
    unsigned bits = sub_bits(a->dtype), per = 8 / bits;
    for (size_t i = 0; i < b->count; i++)
        b->p[i] = (uint8_t)(from[i / per] >> (i % per * bits) & ((1u << bits) - 1));
    return MOTE_OK;
}

mote_status mote_bytes_out(mote_eval *c, uint32_t i, mote_bytes *b)
{
    const mote_array *a = c->out[i];
    *b = (mote_bytes){a->data, element_bytes(a->dtype), mote_array_count(a), NULL, 0};
    if (!is_subbyte(a->dtype) || b->count == 0)
        return MOTE_OK;
    b->temp = mote_heap_alloc(c->heap, b->count);
    if (b->temp == NULL)
        return MOTE_NO_MEMORY(c->diag, b->count);
    b->temp_bytes = b->count;
    b->p = b->temp;
    return MOTE_OK;
}

void mote_bytes_free(mote_eval *c, mote_bytes *b)
{
    mote_heap_free(c->heap, b->temp, b->temp_bytes);
    b->temp = NULL;
}

mote_status mote_bytes_finish(mote_eval *c, uint32_t i, mote_bytes *b)
{
    const mote_array *a = c->out[i];
    if (b->temp != NULL) {
        uint8_t *to = a->data;
        unsigned bits = sub_bits(a->dtype), per = 8 / bits;
        memset(to, 0, a->bytes);
        for (size_t k = 0; k < b->count; k++)
            to[k / per] = (uint8_t)(to[k / per] | b->p[k] << (k % per * bits));
    }
    mote_bytes_free(c, b);
    return mote_eval_own_strings(c, i);
}

mote_status mote_eval_own_strings(mote_eval *c, uint32_t i)
{
    const mote_array *a = c->out[i];
    if (a->dtype != MOTE_DTYPE_STRING)
        return MOTE_OK;
    mote_string *s = a->data;
    size_t n = mote_array_count(a), total = 0;
    for (size_t k = 0; k < n; k++)
        MOTE_REQUIRE(mote_size_add(total, s[k].length, &total), c->diag, MOTE_E_MEMORY, "strings too long");
    char *chars = total == 0 ? NULL : c->output_chars(c, i, total);
    if (total != 0 && chars == NULL)
        return MOTE_NO_MEMORY(c->diag, total);
    for (size_t k = 0; k < n; k++) {
        if (s[k].length == 0) {
            s[k].data = "";
            continue;
        }
        memcpy(chars, s[k].data, s[k].length);
        s[k].data = chars;
        chars += s[k].length;
    }
    return MOTE_OK;
}

static void copy_run(uint8_t *d, int64_t ds, const uint8_t *s, int64_t ss, int64_t n, size_t size)
{
    if (ds == 1 && ss == 1) {
        memcpy(d, s, (size_t)n * size);
        return;
    }
    ptrdiff_t db = (ptrdiff_t)(ds * (int64_t)size), sb = (ptrdiff_t)(ss * (int64_t)size);
    /* a constant size lets the compiler copy by register */
#define RUN(bytes)                                                                                                     \
    for (int64_t k = 0; k < n; k++)                                                                                    \
    memcpy(d + k * db, s + k * sb, bytes)
    switch (size) {
    case 1: RUN(1); break;
    case 2: RUN(2); break;
    case 4: RUN(4); break;
    case 8: RUN(8); break;
    default: RUN(size); break;
    }
#undef RUN
}

void mote_copy_block(uint8_t *dst, const int64_t *dst_strides, const uint8_t *src, const int64_t *src_strides, int32_t rank,
                     const int64_t *dims, size_t size)
{
    int64_t n[MOTE_COPY_MAX_RANK], ds[MOTE_COPY_MAX_RANK], ss[MOTE_COPY_MAX_RANK], at[MOTE_COPY_MAX_RANK] = {0};
    int32_t r = 0;
    for (int32_t d = 0; d < rank; d++) {
        if (dims[d] == 0)
            return;
        if (dims[d] == 1)
            continue;
        if (r > 0 && ds[r - 1] == dst_strides[d] * dims[d] && ss[r - 1] == src_strides[d] * dims[d]) {
            n[r - 1] *= dims[d];
            ds[r - 1] = dst_strides[d];
            ss[r - 1] = src_strides[d];
            continue;
        }
        n[r] = dims[d];
        ds[r] = dst_strides[d];
        ss[r] = src_strides[d];
        r++;
    }
    if (r == 0) {
        memcpy(dst, src, size);
        return;
    }
    int64_t bytes = (int64_t)size;
    for (;;) {
        copy_run(dst, ds[r - 1], src, ss[r - 1], n[r - 1], size);
        int32_t d = r - 2;
        for (; d >= 0; d--) {
            dst += ds[d] * bytes;
            src += ss[d] * bytes;
            if (++at[d] < n[d])
                break;
            dst -= ds[d] * n[d] * bytes;
            src -= ss[d] * n[d] * bytes;
            at[d] = 0;
        }
        if (d < 0)
            return;
    }
}

void mote_strides_of(int32_t rank, const int64_t *dims, int64_t *strides)
{
    int64_t s = 1;
    for (int32_t d = rank - 1; d >= 0; d--) {
        strides[d] = s;
        s *= dims[d];
    }
}

#define SUM16(name, type)                                                                                              \
    type name(const type *x, size_t n)                                                                                 \
    {                                                                                                                  \
        type lane[16] = {0};                                                                                           \
        for (size_t i = 0; i < n; i++)                                                                                 \
            lane[i % 16] += x[i];                                                                                      \
        for (size_t half = 8; half > 0; half /= 2)                                                                     \
            for (size_t l = 0; l < half; l++)                                                                          \
                lane[l] += lane[l + half];                                                                             \
        return lane[0];                                                                                                \
    }
SUM16(mote_sum16, float)
SUM16(mote_sum16_f64, double)
