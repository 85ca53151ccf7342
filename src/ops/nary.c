/* nary.c - Max, Min, Sum, Mean of any number of tensors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: ONNX operators of the same names. Inputs are folded in their order; half floats are summed in float and rounded once. */
#include "base/platform.h"
#include "ops/args.h"
#include "ops/map.h"
#include "ops/types.h"
#include "base/size.h"
#include <string.h>

static mote_status infer_nary(mote_infer *c)
{
    if (c->node->def->since < 8) /* no broadcasting yet */
        for (uint32_t i = 1; i < c->n_in; i++)
            if (mote_infer_ranked(c, 0) && mote_infer_ranked(c, i))
                MOTE_REQUIRE(c->in[0]->rank == c->in[i]->rank, c->diag, MOTE_E_SHAPE,
                             "input %u has rank %d, expected the rank %d of input 0", i, c->in[i]->rank, c->in[0]->rank);
    return mote_infer_broadcast(c);
}

#define FORM(name, suffix, type, body)                                                                                 \
    static void name##_##suffix(type *a, const type *b, size_t n, const double *p)                                     \
    {                                                                                                                  \
        (void)p;                                                                                                       \
        for (size_t k = 0; k < n; k++) {                                                                               \
            const type x = a[k], y = b[k];                                                                             \
            a[k] = (type)(body);                                                                                       \
        }                                                                                                              \
    }
#define FORMS(name, floats, ints)                                                                                      \
    FORM(name, f32, float, floats)                                                                                     \
    FORM(name, f64, double, floats)                                                                                    \
    FORM(name, s64, int64_t, ints)                                                                                     \
    FORM(name, u64, uint64_t, ints)                                                                                    \
    static const mote_map2 name##_forms = {name##_f32, name##_f64, name##_s64, name##_u64};
/* a NaN on either side is the result */
FORMS(max, x > y || x != x ? x : y, x > y ? x : y)
FORMS(min, x < y || x != x ? x : y, x < y ? x : y)
FORMS(sum, x + y, (uint64_t)x + (uint64_t)y)

static bool same_f32(const mote_eval *c)
{
    bool same = c->out[0]->dtype == MOTE_DTYPE_F32;
    for (uint32_t k = 0; k < c->n_in && same; k++)
        same = mote_array_same_shape(c->in[k], c->out[0]);
    return same;
}

static mote_status fold(mote_eval *c, const mote_map2 *f, bool mean)
{
    union {
        float f32[MOTE_MAP_BLOCK];
        double f64[MOTE_MAP_BLOCK];
        int64_t s64[MOTE_MAP_BLOCK];
        uint64_t u64[MOTE_MAP_BLOCK];
    } a, b;
    const mote_array *y = c->out[0];
    mote_dtype t = y->dtype;
    if (same_f32(c)) {
        float *to = y->data;
        const size_t count = mote_array_count(y);
        for (size_t i = 0; i < count; i += MOTE_MAP_BLOCK) { /* a block at a time stays in the cache */
            const size_t n = mote_min_size(count - i, MOTE_MAP_BLOCK);
            memcpy(a.f32, (const float *)c->in[0]->data + i, n * sizeof(float));
            for (uint32_t k = 1; k < c->n_in; k++)
                f->f32(a.f32, (const float *)c->in[k]->data + i, n, NULL);
            for (size_t k = 0; mean && k < n; k++)
                a.f32[k] /= (float)c->n_in;
            memcpy(to + i, a.f32, n * sizeof(float));
        }
        return MOTE_OK;
    }
    for (size_t i = 0, count = mote_array_count(y); i < count; i += MOTE_MAP_BLOCK) {
        size_t n = mote_min_size(count - i, MOTE_MAP_BLOCK);
        for (uint32_t k = 0; k < c->n_in; k++) {
            mote_broadcast bc;
            MOTE_TRY(mote_broadcast_init(&bc, y, &c->in[k], 1, c->diag));
            mote_broadcast_load(&bc, 0, t, c->in[k]->data, i, n, k == 0 ? &a : &b);
            if (k == 0)
                continue;
            switch (mote_class_of(t)) {
            case MOTE_CLASS_F32: f->f32(a.f32, b.f32, n, NULL); break;
            case MOTE_CLASS_F64: f->f64(a.f64, b.f64, n, NULL); break;
            case MOTE_CLASS_S64: f->s64(a.s64, b.s64, n, NULL); break;
            case MOTE_CLASS_U64: f->u64(a.u64, b.u64, n, NULL); break;
            }
        }
        for (size_t k = 0; mean && k < n; k++)
            if (t == MOTE_DTYPE_F64)
                a.f64[k] /= (double)c->n_in;
            else
                a.f32[k] /= (float)c->n_in;
        mote_elements_store(t, y->data, i, n, &a);
    }
    return MOTE_OK;
}

static mote_status eval_max(mote_eval *c) { return fold(c, &max_forms, false); }
static mote_status eval_min(mote_eval *c) { return fold(c, &min_forms, false); }
static mote_status eval_sum(mote_eval *c) { return fold(c, &sum_forms, false); }
static mote_status eval_mean(mote_eval *c) { return fold(c, &sum_forms, true); }

#define MAX_6(t)                                                                                                        \
    .in = "data_0*:T", .out = "max:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE | MOTE_OP_QUANT_INT,        \
    .infer = infer_nary, .eval = eval_max, .doc = MOTE_DOC("y = max of the inputs")
MOTE_OP(onnx, Max, 6, MAX_6(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Max, 8, MAX_6(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Max, 12, MAX_6(MOTE_T_NUM_7));
MOTE_OP(onnx, Max, 13, MAX_6(MOTE_DTYPES_NUMERIC));

#define MIN_6(t)                                                                                                        \
    .in = "data_0*:T", .out = "min:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE | MOTE_OP_QUANT_INT,        \
    .infer = infer_nary, .eval = eval_min, .doc = MOTE_DOC("y = min of the inputs")
MOTE_OP(onnx, Min, 6, MIN_6(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Min, 8, MIN_6(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Min, 12, MIN_6(MOTE_T_NUM_7));
MOTE_OP(onnx, Min, 13, MIN_6(MOTE_DTYPES_NUMERIC));

#define SUM_6(t)                                                                                                        \
    .in = "data_0*:T", .out = "sum:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE | MOTE_OP_QUANT_INT,        \
    .infer = infer_nary, .eval = eval_sum, .doc = MOTE_DOC("y = sum of the inputs")
MOTE_OP(onnx, Sum, 6, SUM_6(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Sum, 8, SUM_6(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Sum, 13, SUM_6(MOTE_DTYPES_FLOAT));

#define MEAN_6(t)                                                                                                       \
    .in = "data_0*:T", .out = "mean:T", .types = MOTE_TYPES({"T", t, 0}), .flags = MOTE_OP_ELEMENTWISE, .infer = infer_nary,      \
    .eval = eval_mean, .doc = MOTE_DOC("y = mean of the inputs")
MOTE_OP(onnx, Mean, 6, MEAN_6(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Mean, 8, MEAN_6(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Mean, 13, MEAN_6(MOTE_DTYPES_FLOAT));

