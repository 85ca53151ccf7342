/* wide.c - whole tensors widened and narrowed
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "ops/wide.h"

static bool is_wide(mote_dtype t) { return mote_dtype_in(t, MOTE_DT(F32) | MOTE_DT(F64) | MOTE_DT(S64) | MOTE_DT(U64)); }

const void *mote_widen(mote_arena *temp, const mote_array *a)
{
    static const double nothing = 0;
    size_t n = mote_array_count(a);
    if (n == 0)
        return &nothing;
    if (is_wide(a->dtype))
        return a->data;
    void *p = mote_arena_calloc(temp, n, mote_class_bytes(mote_class_of(a->dtype)));
    if (p != NULL)
        mote_elements_load(a->dtype, a->data, 0, 1, n, p);
    return p;
}

const float *mote_widen_f32(mote_arena *temp, const mote_array *a)
{
    if (mote_class_of(a->dtype) == MOTE_CLASS_F32)
        return mote_widen(temp, a);
    size_t n = mote_array_count(a);
    float *p = mote_arena_calloc(temp, n, sizeof *p);
    for (size_t i = 0; p != NULL && i < n; i++)
        p[i] = (float)mote_array_f64(a, i);
    return p;
}

const int32_t *mote_widen_s32(mote_arena *temp, const mote_array *a)
{
    size_t n = mote_array_count(a);
    int32_t *p = mote_arena_calloc(temp, n, sizeof *p);
    for (size_t i = 0; p != NULL && i < n; i++)
        p[i] = (int32_t)mote_array_i64(a, i);
    return p;
}

void *mote_wide_output(mote_arena *temp, const mote_array *a)
{
    return is_wide(a->dtype) ? a->data : mote_arena_calloc(temp, mote_array_count(a), mote_class_bytes(mote_class_of(a->dtype)));
}

void mote_narrow(mote_array *a, const void *y)
{
    if (y != a->data)
        mote_elements_store(a->dtype, a->data, 0, mote_array_count(a), y);
}

void *mote_temp(mote_arena *temp, size_t n, size_t size, mote_diag *diag)
{
    void *p = mote_arena_calloc(temp, n, size);
    if (p == NULL)
        mote_fail(diag, MOTE_E_MEMORY, "out of memory (%zu elements of %zu bytes asked)", n, size);
    return p;
}
