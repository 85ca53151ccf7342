/* map.c - elementwise functions over blocks
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "ops/map.h"
#include "base/size.h"

typedef union block {
    float f32[MOTE_MAP_BLOCK];
    double f64[MOTE_MAP_BLOCK];
    int64_t s64[MOTE_MAP_BLOCK];
    uint64_t u64[MOTE_MAP_BLOCK];
} block;

/* The integer types through double, towards zero; what does not fit is clamped, NaN is 0. */
static void through_double(const mote_map1 *f, mote_class cls, block *x, size_t n, const double *p)
{
    double t[MOTE_MAP_BLOCK];
    for (size_t k = 0; k < n; k++)
        t[k] = cls == MOTE_CLASS_S64 ? (double)x->s64[k] : (double)x->u64[k];
    f->f64(t, n, p);
    for (size_t k = 0; k < n; k++)
        if (cls == MOTE_CLASS_S64)
            x->s64[k] = !(t[k] >= -0x1p63) ? (t[k] < 0 ? INT64_MIN : 0) : t[k] < 0x1p63 ? (int64_t)t[k] : INT64_MAX;
        else
            x->u64[k] = !(t[k] > 0) ? 0 : t[k] < 0x1p64 ? (uint64_t)t[k] : UINT64_MAX;
}

mote_status mote_map_unary(mote_eval *c, const mote_map1 *f, const double *p)
{
    const mote_array *x = c->in[0], *y = c->out[0];
    mote_class cls = mote_class_of(x->dtype);
    block b;
    for (size_t i = 0, count = mote_array_count(x); i < count; i += MOTE_MAP_BLOCK) {
        size_t n = mote_min_size(count - i, MOTE_MAP_BLOCK);
        mote_elements_load(x->dtype, x->data, i, 1, n, &b);
        if (cls == MOTE_CLASS_F32)
            f->f32(b.f32, n, p);
        else if (cls == MOTE_CLASS_F64)
            f->f64(b.f64, n, p);
        else if (cls == MOTE_CLASS_S64 && f->s64 != NULL)
            f->s64(b.s64, n, p);
        else if (cls == MOTE_CLASS_U64 && f->u64 != NULL)
            f->u64(b.u64, n, p);
        else
            through_double(f, cls, &b, n, p);
        mote_elements_store(y->dtype, y->data, i, n, &b);
    }
    return MOTE_OK;
}

mote_status mote_map_binary(mote_eval *c, const mote_map2 *f, const double *p)
{
    const mote_array *y = c->out[0];
    mote_dtype t = c->in[0]->dtype;
    mote_broadcast bc;
    block a, b;
    MOTE_TRY(mote_broadcast_init(&bc, y, c->in, 2, c->diag));
    for (size_t i = 0; i < bc.count; i += MOTE_MAP_BLOCK) {
        size_t n = mote_min_size(bc.count - i, MOTE_MAP_BLOCK);
        mote_broadcast_load(&bc, 0, t, c->in[0]->data, i, n, &a);
        mote_broadcast_load(&bc, 1, t, c->in[1]->data, i, n, &b);
        switch (mote_class_of(t)) {
        case MOTE_CLASS_F32: f->f32(a.f32, b.f32, n, p); break;
        case MOTE_CLASS_F64: f->f64(a.f64, b.f64, n, p); break;
        case MOTE_CLASS_S64: f->s64(a.s64, b.s64, n, p); break;
        case MOTE_CLASS_U64: f->u64(a.u64, b.u64, n, p); break;
        }
        mote_elements_store(y->dtype, y->data, i, n, &a);
    }
    return MOTE_OK;
}

mote_status mote_map_compare(mote_eval *c, const mote_map_test *f)
{
    const mote_array *y = c->out[0];
    mote_dtype t = c->in[0]->dtype;
    mote_broadcast bc;
    block a, b;
    MOTE_TRY(mote_broadcast_init(&bc, y, c->in, 2, c->diag));
    for (size_t i = 0; i < bc.count; i += MOTE_MAP_BLOCK) {
        size_t n = mote_min_size(bc.count - i, MOTE_MAP_BLOCK);
        uint8_t *to = (uint8_t *)y->data + i;
        mote_broadcast_load(&bc, 0, t, c->in[0]->data, i, n, &a);
        mote_broadcast_load(&bc, 1, t, c->in[1]->data, i, n, &b);
        switch (mote_class_of(t)) {
        case MOTE_CLASS_F32: f->f32(to, a.f32, b.f32, n); break;
        case MOTE_CLASS_F64: f->f64(to, a.f64, b.f64, n); break;
        case MOTE_CLASS_S64: f->s64(to, a.s64, b.s64, n); break;
        case MOTE_CLASS_U64: f->u64(to, a.u64, b.u64, n); break;
        }
    }
    return MOTE_OK;
}
