/* constant.c - operators that make tensors: Constant, ConstantOfShape, Range, EyeLike, OneHot
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: ONNX operators of the same names. */
#include "base/platform.h"
#include "ops/args.h"
#include "ops/elements.h"
#include "ops/types.h"
#include "base/half.h"
#include "base/size.h"
#include <math.h>
#include <string.h>

/* ---- Constant ---- */

/* The one attribute that holds the value. */
static mote_status constant_attr(const mote_node *node, const mote_attr **out, mote_diag *diag)
{
    *out = NULL;
    for (const mote_attr *a = node->attrs; a != NULL; a = a->next) {
        if (a->name.n < 5 || (memcmp(a->name.p, "value", 5) != 0 && !mote_str_is(a->name, "sparse_value")))
            continue;
        MOTE_REQUIRE(*out == NULL, diag, MOTE_E_MODEL, "both %.*s and %.*s are given, expected one", MOTE_STR_ARG((*out)->name),
                     MOTE_STR_ARG(a->name));
        *out = a;
    }
    MOTE_REQUIRE(*out != NULL, diag, MOTE_E_MODEL, "no value attribute");
    MOTE_REQUIRE((*out)->kind != MOTE_ATTR_SPARSE, diag, MOTE_E_UNSUPPORTED, "sparse_value");
    return MOTE_OK;
}

static mote_status infer_constant(mote_infer *c)
{
    const mote_attr *a;
    MOTE_TRY(constant_attr(c->node, &a, c->diag));
    int64_t n = (int64_t)a->n;
    switch (a->kind) {
    case MOTE_ATTR_TENSOR: mote_infer_out(c, 0, a->t->dtype, a->t->rank, a->t->dims); break;
    case MOTE_ATTR_FLOAT: mote_infer_out(c, 0, MOTE_DTYPE_F32, 0, NULL); break;
    case MOTE_ATTR_FLOATS: mote_infer_out(c, 0, MOTE_DTYPE_F32, 1, &n); break;
    case MOTE_ATTR_INT: mote_infer_out(c, 0, MOTE_DTYPE_S64, 0, NULL); break;
    case MOTE_ATTR_INTS: mote_infer_out(c, 0, MOTE_DTYPE_S64, 1, &n); break;
    case MOTE_ATTR_STRING: mote_infer_out(c, 0, MOTE_DTYPE_STRING, 0, NULL); break;
    case MOTE_ATTR_STRINGS: mote_infer_out(c, 0, MOTE_DTYPE_STRING, 1, &n); break;
    default: MOTE_FAIL(c->diag, MOTE_E_MODEL, "attribute %.*s has kind %d", MOTE_STR_ARG(a->name), (int)a->kind);
    }
    return MOTE_OK;
}

static mote_status eval_constant(mote_eval *c)
{
    const mote_attr *a;
    const mote_array *y = c->out[0];
    MOTE_TRY(constant_attr(c->node, &a, c->diag));
    const void *from = NULL;
    size_t n = a->kind == MOTE_ATTR_STRING ? 1 : a->n;
    const mote_str *strings = a->kind == MOTE_ATTR_STRING ? &a->s : a->strings;
    switch (a->kind) {
    case MOTE_ATTR_TENSOR: from = a->t->data; break;
    case MOTE_ATTR_FLOAT: from = &a->f; break;
    case MOTE_ATTR_FLOATS: from = a->floats; break;
    case MOTE_ATTR_INT: from = &a->i; break;
    case MOTE_ATTR_INTS: from = a->ints; break;
    default: /* infer_constant lets only strings through */
        for (size_t i = 0; i < n; i++)
            ((mote_string *)y->data)[i] = (mote_string){strings[i].p, strings[i].n};
        return mote_eval_own_strings(c, 0);
    }
    if (y->bytes != 0)
        memcpy(y->data, from, y->bytes);
    return mote_eval_own_strings(c, 0);
}

/* ---- ConstantOfShape ---- */

static mote_status infer_constant_of_shape(mote_infer *c)
{
    const mote_attr *a = mote_node_attr(c->node, "value");
    MOTE_REQUIRE(a == NULL || mote_array_count(a->t) == 1, c->diag, MOTE_E_SHAPE, "value has %zu elements, expected 1",
                 mote_array_count(a->t));
    mote_dtype dtype = a == NULL ? MOTE_DTYPE_F32 : a->t->dtype;
    const mote_array *shape = mote_infer_value(c, 0);
    int64_t dims[MOTE_MAX_RANK];
    size_t n;
    if (shape == NULL) {
        int32_t rank = mote_infer_ranked(c, 0) && c->in[0]->rank == 1 && mote_dim_known(c->in[0]->dims[0]) &&
                               c->in[0]->dims[0] <= MOTE_MAX_RANK
                           ? (int32_t)c->in[0]->dims[0]
                           : -1;
        mote_infer_out(c, 0, dtype, rank, NULL);
        return MOTE_OK;
    }
    MOTE_TRY(mote_arg_rank((int64_t)mote_array_count(shape), c->diag));
    MOTE_TRY(mote_arg_ints(shape, MOTE_MAX_RANK, "shape", c->diag, dims, &n));
    for (size_t d = 0; d < n; d++)
        MOTE_REQUIRE(dims[d] >= 0, c->diag, MOTE_E_VALUE, "shape has %lld at position %zu, expected 0 or more", (long long)dims[d], d);
    mote_infer_out(c, 0, dtype, (int32_t)n, dims);
    return MOTE_OK;
}

static mote_status eval_constant_of_shape(mote_eval *c)
{
    const mote_attr *a = mote_node_attr(c->node, "value");
    mote_bytes to, value;
    if (a == NULL) {
        if (c->out[0]->bytes != 0)
            memset(c->out[0]->data, 0, c->out[0]->bytes);
        return MOTE_OK;
    }
    MOTE_TRY(mote_bytes_in(c, a->t, &value));
    mote_status status = mote_bytes_out(c, 0, &to);
    if (status == MOTE_OK) {
        for (size_t i = 0; i < to.count; i++)
            memcpy(to.p + i * to.size, value.p, to.size);
        status = mote_bytes_finish(c, 0, &to);
    }
    mote_bytes_free(c, &value);
    return status;
}

/* ---- Range ---- */

/* max(ceil((limit - start) / delta), 0) */
static mote_status range_count(const mote_array *start, const mote_array *limit, const mote_array *delta, int64_t *n, mote_diag *diag)
{
    *n = 0;
    const mote_array *a[3] = {start, limit, delta};
    static const char *const names[3] = {"start", "limit", "delta"};
    for (int k = 0; k < 3; k++)
        MOTE_REQUIRE(mote_array_count(a[k]) == 1, diag, MOTE_E_SHAPE, "%s has %zu elements, expected a scalar", names[k],
                     mote_array_count(a[k]));
    if (!mote_dtype_in(start->dtype, MOTE_DTYPES_FLOAT)) {
        int64_t s = mote_array_i64(start, 0), l = mote_array_i64(limit, 0), d = mote_array_i64(delta, 0);
        MOTE_REQUIRE(d != 0, diag, MOTE_E_VALUE, "delta is 0");
        if (d > 0 ? l <= s : l >= s)
            return MOTE_OK;
        uint64_t span = d > 0 ? (uint64_t)l - (uint64_t)s : (uint64_t)s - (uint64_t)l;
        uint64_t by = d > 0 ? (uint64_t)d : 0 - (uint64_t)d, count = (span - 1) / by + 1;
        MOTE_REQUIRE(count <= INT64_MAX, diag, MOTE_E_SHAPE, "%llu elements", (unsigned long long)count);
        *n = (int64_t)count;
        return MOTE_OK;
    }
    double s = mote_array_f64(start, 0), l = mote_array_f64(limit, 0), d = mote_array_f64(delta, 0);
    MOTE_REQUIRE(d != 0 && isfinite(s) && isfinite(l) && isfinite(d), diag, MOTE_E_VALUE,
                 "start %g, limit %g, delta %g: expected finite numbers and a delta other than 0", s, l, d);
    double count = ceil((l - s) / d);
    MOTE_REQUIRE(count < 0x1p62, diag, MOTE_E_SHAPE, "%g elements", count);
    *n = count > 0 ? (int64_t)count : 0;
    return MOTE_OK;
}

static mote_status infer_range(mote_infer *c)
{
    int64_t n = MOTE_DIM_UNKNOWN;
    const mote_array *s = mote_infer_value(c, 0), *l = mote_infer_value(c, 1), *d = mote_infer_value(c, 2);
    if (s != NULL && l != NULL && d != NULL)
        MOTE_TRY(range_count(s, l, d, &n, c->diag));
    mote_infer_out(c, 0, c->in[0]->dtype, 1, &n);
    return MOTE_OK;
}

static mote_status eval_range(mote_eval *c)
{
    const mote_array *y = c->out[0];
    size_t n = mote_array_count(y);
    union {
        float f32;
        double f64;
        int64_t s64;
        uint64_t u64;
    } s, d, v;
    mote_elements_load(y->dtype, c->in[0]->data, 0, 1, 1, &s);
    mote_elements_load(y->dtype, c->in[2]->data, 0, 1, 1, &d);
    for (size_t i = 0; i < n; i++) {
        switch (mote_class_of(y->dtype)) {
        case MOTE_CLASS_F32: v.f32 = s.f32 + (float)i * d.f32; break;
        case MOTE_CLASS_F64: v.f64 = s.f64 + (double)i * d.f64; break;
        default: v.u64 = s.u64 + (uint64_t)i * d.u64; break;
        }
        mote_elements_store(y->dtype, y->data, i, 1, &v);
    }
    return MOTE_OK;
}

/* ---- EyeLike ---- */

static mote_status infer_eye_like(mote_infer *c)
{
    const mote_type *x = c->in[0];
    int64_t dtype = mote_node_int(c->node, "dtype", (int64_t)x->dtype);
    MOTE_REQUIRE(x->rank < 0 || x->rank == 2, c->diag, MOTE_E_SHAPE, "input has rank %d, expected 2", x->rank);
    MOTE_REQUIRE(mote_dtype_valid(dtype) || (dtype == MOTE_DTYPE_NONE && mote_node_attr(c->node, "dtype") == NULL), c->diag, MOTE_E_UNSUPPORTED,
                 "dtype is %lld, which is no element type that is known", (long long)dtype);
    mote_infer_out(c, 0, (mote_dtype)dtype, 2, x->rank < 0 ? NULL : x->dims);
    return MOTE_OK;
}

static mote_status eval_eye_like(mote_eval *c)
{
    const mote_array *y = c->out[0];
    int64_t k = mote_node_int(c->node, "k", 0), cols = y->dims[1];
    if (y->bytes == 0)
        return MOTE_OK;
    memset(y->data, 0, y->bytes);
    for (int64_t i = 0; i < y->dims[0]; i++) {
        int64_t j;
        if (mote_i64_add(i, k, &j) && j >= 0 && j < cols)
            mote_dtype_from_f64(y->dtype, y->data, (size_t)(i * cols + j), 1);
    }
    return MOTE_OK;
}

/* ---- OneHot ---- */

static mote_status one_hot_depth(const mote_array *depth, int64_t *out, mote_diag *diag)
{
    *out = 0;
    MOTE_REQUIRE(mote_array_count(depth) == 1, diag, MOTE_E_SHAPE, "depth has %zu elements, expected 1", mote_array_count(depth));
    if (mote_dtype_in(depth->dtype, MOTE_DTYPES_FLOAT)) {
        double d = trunc(mote_array_f64(depth, 0));
        MOTE_REQUIRE(d >= 0 && d < 0x1p62, diag, MOTE_E_VALUE, "depth is %g, expected 0 or more", d);
        *out = (int64_t)d;
    } else {
        *out = mote_array_i64(depth, 0);
        MOTE_REQUIRE(*out >= 0, diag, MOTE_E_VALUE, "depth is %lld, expected 0 or more", (long long)*out);
    }
    return MOTE_OK;
}

static mote_status infer_one_hot(mote_infer *c)
{
    const mote_type *x = c->in[0], *values = c->in[2];
    int64_t dims[MOTE_MAX_RANK], depth = MOTE_DIM_UNKNOWN;
    int32_t axis;
    MOTE_REQUIRE(values->rank < 0 || (values->rank == 1 && mote_dim_may_equal(values->dims[0], 2)), c->diag, MOTE_E_SHAPE,
                 "values is not of shape [2]");
    mote_infer_out(c, 0, values->dtype, -1, NULL);
    if (x->rank < 0)
        return MOTE_OK;
    MOTE_TRY(mote_arg_rank(x->rank + 1, c->diag));
    MOTE_TRY(mote_arg_axis(mote_node_int(c->node, "axis", -1), x->rank + 1, "axis", c->diag, &axis));
    if (mote_infer_value(c, 1) != NULL)
        MOTE_TRY(one_hot_depth(mote_infer_value(c, 1), &depth, c->diag));
    for (int32_t d = 0; d <= x->rank; d++)
        dims[d] = d == axis ? depth : x->dims[d < axis ? d : d - 1];
    mote_infer_out(c, 0, values->dtype, x->rank + 1, dims);
    return MOTE_OK;
}

static mote_status eval_one_hot(mote_eval *c)
{
    const mote_array *x = c->in[0], *y = c->out[0];
    int32_t axis;
    mote_bytes values, to;
    MOTE_TRY(mote_arg_axis(mote_node_int(c->node, "axis", -1), y->rank, "axis", c->diag, &axis));
    MOTE_REQUIRE(mote_array_count(c->in[2]) == 2, c->diag, MOTE_E_SHAPE, "values is not of shape [2]");
    MOTE_TRY(mote_bytes_in(c, c->in[2], &values)); /* no sub-byte types here: nothing is allocated */
    MOTE_TRY(mote_bytes_out(c, 0, &to));
    size_t inner = 1, depth = (size_t)y->dims[axis], size = to.size;
    for (int32_t d = axis + 1; d < y->rank; d++)
        inner *= (size_t)y->dims[d];
    for (size_t i = 0; i < to.count; i++)
        memcpy(to.p + i * size, values.p, size);
    for (size_t i = 0, n = mote_array_count(x); i < n && depth > 0; i++) {
        double at = mote_dtype_in(x->dtype, MOTE_DTYPES_FLOAT) ? trunc(mote_array_f64(x, i)) : (double)mote_array_i64(x, i);
        at = at < 0 ? at + (double)depth : at;
        if (at >= 0 && at < (double)depth)
            memcpy(to.p + ((i / inner * depth + (size_t)at) * inner + i % inner) * size, values.p + size, size);
    }
    return mote_bytes_finish(c, 0, &to);
}

#define CONSTANT_1(t)                                                                                                   \
    .in = "", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A_REQUIRED(TENSOR, "value")),                   \
    .infer = infer_constant, .eval = eval_constant, .doc = MOTE_DOC("y = the attribute's value")
MOTE_OP(onnx, Constant, 1, CONSTANT_1(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Constant, 9, CONSTANT_1(MOTE_T_ALL_7));
MOTE_OP(onnx, Constant, 11, .in = "", .out = "output:T", .types = MOTE_TYPES({"T", MOTE_T_ALL_7, 0}),
        .attrs = MOTE_ATTRS(MOTE_A(SPARSE, "sparse_value"), MOTE_A(TENSOR, "value")), .infer = infer_constant,
        .eval = eval_constant, .doc = MOTE_DOC("y = the attribute's value"));
#define CONSTANT_12(t)                                                                                                  \
    .in = "", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A(SPARSE, "sparse_value"),                      \
    MOTE_A(TENSOR, "value"), MOTE_A(FLOAT, "value_float"), MOTE_A(FLOATS, "value_floats"),                              \
    MOTE_A(INT, "value_int"), MOTE_A(INTS, "value_ints"), MOTE_A(STRING, "value_string"),                               \
    MOTE_A(STRINGS, "value_strings")), .infer = infer_constant, .eval = eval_constant,                                  \
    .doc = MOTE_DOC("y = the attribute's value")
MOTE_OP(onnx, Constant, 12, CONSTANT_12(MOTE_T_ALL_7));
MOTE_OP(onnx, Constant, 13, CONSTANT_12(MOTE_T_ALL_13));
MOTE_OP(onnx, Constant, 19, CONSTANT_12(MOTE_T_ALL_19));
MOTE_OP(onnx, Constant, 21, CONSTANT_12(MOTE_T_ALL_21));
MOTE_OP(onnx, Constant, 23, CONSTANT_12(MOTE_T_ALL_23));
MOTE_OP(onnx, Constant, 24, CONSTANT_12(MOTE_T_ALL_24));
MOTE_OP(onnx, Constant, 25, CONSTANT_12(MOTE_T_ALL_25));

#define CONSTANT_OF_SHAPE_9(t)                                                                                          \
    .in = "input:T1", .out = "output:T2", .types = MOTE_TYPES({"T1", MOTE_DT(S64), 0}, {"T2", t, 0}),                             \
    .attrs = MOTE_ATTRS(MOTE_A(TENSOR, "value")), .infer = infer_constant_of_shape, .eval = eval_constant_of_shape,               \
    .doc = MOTE_DOC("y = a tensor of the given shape, each element the value")
MOTE_OP(onnx, ConstantOfShape, 9, CONSTANT_OF_SHAPE_9(MOTE_T_NUM_BOOL_7));
MOTE_OP(onnx, ConstantOfShape, 20, CONSTANT_OF_SHAPE_9((MOTE_T_ALL_19 & ~(MOTE_DTYPES_COMPLEX | MOTE_DT(STRING)))));
MOTE_OP(onnx, ConstantOfShape, 21, CONSTANT_OF_SHAPE_9((MOTE_T_ALL_21 & ~(MOTE_DTYPES_COMPLEX | MOTE_DT(STRING)))));
MOTE_OP(onnx, ConstantOfShape, 23, CONSTANT_OF_SHAPE_9((MOTE_T_ALL_23 & ~(MOTE_DTYPES_COMPLEX | MOTE_DT(STRING)))));
MOTE_OP(onnx, ConstantOfShape, 24, CONSTANT_OF_SHAPE_9((MOTE_T_ALL_24 & ~(MOTE_DTYPES_COMPLEX | MOTE_DT(STRING)))));
MOTE_OP(onnx, ConstantOfShape, 25, CONSTANT_OF_SHAPE_9((MOTE_T_ALL_25 & ~(MOTE_DTYPES_COMPLEX | MOTE_DT(STRING)))));

MOTE_OP(onnx, Range, 11, .in = "start:T limit:T delta:T", .out = "output:T",
        .types = MOTE_TYPES({"T", MOTE_T_INDEX | MOTE_DT(F32) | MOTE_DT(S16) | MOTE_DT(F64), 0}), .infer = infer_range,
        .eval = eval_range, .doc = MOTE_DOC("y_i = start + i delta, below (above) limit"));
MOTE_OP(onnx, Range, 27, .in = "start:T limit:T delta:T", .out = "output:T",
        .types = MOTE_TYPES({"T", MOTE_DTYPES_FLOAT | MOTE_DT(S16) | MOTE_DT(S32) | MOTE_DT(S64), 0}),
        .attrs = MOTE_ATTRS(MOTE_A_INT("stash_type", 1)), .infer = infer_range, .eval = eval_range,
        .doc = MOTE_DOC("y_i = start + i delta, below (above) limit"));

#define EYE_LIKE_9(t1, t2)                                                                                              \
    .in = "input:T1", .out = "output:T2", .types = MOTE_TYPES({"T1", t1, 0}, {"T2", t2, 0}), .attrs = MOTE_ATTRS(MOTE_A(INT, "dtype"),      \
    MOTE_A_INT("k", 0)), .infer = infer_eye_like, .eval = eval_eye_like, .doc = MOTE_DOC("y_ij = j - i == k")
MOTE_OP(onnx, EyeLike, 9, EYE_LIKE_9(MOTE_T_NUM_BOOL_7, MOTE_T_NUM_BOOL_7));
MOTE_OP(onnx, EyeLike, 22, EYE_LIKE_9(MOTE_T_NUM_BOOL_13, MOTE_T_NUM_BOOL_13));

#define ONE_HOT_9(t)                                                                                                    \
    .in = "indices:T1 depth:T2 values:T3", .out = "output:T3",                                                          \
    .types = MOTE_TYPES({"T1", MOTE_T_NUM_7, 0}, {"T2", MOTE_T_NUM_7, 0}, {"T3", t, 0}),                                          \
    .attrs = MOTE_ATTRS(MOTE_A_INT("axis", -1)), .infer = infer_one_hot, .eval = eval_one_hot,                                    \
    .doc = MOTE_DOC("y = on where the axis' index is the input's element, else off")
MOTE_OP(onnx, OneHot, 9, ONE_HOT_9(MOTE_T_ALL_7));
MOTE_OP(onnx, OneHot, 11, ONE_HOT_9(MOTE_T_ALL_7));
MOTE_OP(onnx, OneHot, 28, ONE_HOT_9(MOTE_T_ALL_13));

