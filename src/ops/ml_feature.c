/* ml_feature.c - ArrayFeatureExtractor, Binarizer, FeatureVectorizer, Imputer, Normalizer, Scaler
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ai.onnx.ml, the operators of these names, version 1. */
#include "base/platform.h"
#include "ops/ml.h"
#include <math.h>

static mote_status infer_float_like(mote_infer *c)
{
    mote_infer_out(c, 0, MOTE_DTYPE_F32, c->in[0]->rank, c->in[0]->dims);
    return MOTE_OK;
}

/* The length of the last dimension; 1 for a scalar. */
static size_t row_of(const mote_array *x) { return x->rank == 0 ? 1 : (size_t)x->dims[x->rank - 1]; }

/* ---- ArrayFeatureExtractor ---- */

static mote_status infer_extract(mote_infer *c)
{
    const mote_type *x = c->in[0], *y = c->in[1];
    int64_t dims[MOTE_MAX_RANK] = {1}, n = 1;
    MOTE_REQUIRE(x->rank != 0, c->diag, MOTE_E_SHAPE, "X is a scalar, expected rank 1 or more");
    if (x->rank < 0) {
        mote_infer_out(c, 0, x->dtype, -1, NULL);
        return MOTE_OK;
    }
    for (int32_t i = 0; i < y->rank; i++) {
        if (!mote_dim_known(y->dims[i]) || !mote_i64_mul(n, y->dims[i], &n)) {
            n = MOTE_DIM_UNKNOWN;
            break;
        }
    }
    if (y->rank < 0)
        n = MOTE_DIM_UNKNOWN;
    const int32_t rank = x->rank == 1 ? 2 : x->rank; /* one row in any case */
    for (int32_t i = 0; i < x->rank - 1; i++)
        dims[i] = x->dims[i];
    dims[rank - 1] = n;
    mote_infer_out(c, 0, x->dtype, rank, dims);
    return MOTE_OK;
}

static mote_status eval_extract(mote_eval *c)
{
    const int64_t *at = c->in[1]->data;
    mote_bytes x, z;
    const size_t row = row_of(c->in[0]), n = mote_array_count(c->in[1]);
    for (size_t k = 0; k < n; k++)
        MOTE_REQUIRE(at[k] >= 0 && (uint64_t)at[k] < row, c->diag, MOTE_E_VALUE, "Y[%zu] is %lld, expected 0 to %lld", k, (long long)at[k],
                     (long long)row - 1);
    MOTE_TRY(mote_bytes_in(c, c->in[0], &x));
    mote_status status = mote_bytes_out(c, 0, &z);
    if (status == MOTE_OK) {
        for (size_t i = 0, o = 0; n != 0 && o < z.count; i++)
            for (size_t k = 0; k < n; k++, o++)
                memcpy(z.p + o * z.size, x.p + (i * row + (size_t)at[k]) * x.size, x.size);
        status = mote_bytes_finish(c, 0, &z);
    }
    mote_bytes_free(c, &x);
    return status;
}

MOTE_OP(ml, ArrayFeatureExtractor, 1, .in = "X:T Y:int64", .out = "Z:T", .types = MOTE_TYPES({"T", MOTE_T_ML | MOTE_DT(STRING), 0}),
        .infer = infer_extract, .eval = eval_extract, .doc = MOTE_DOC("z[.., k] = x[.., y[k]]"));

/* ---- Binarizer ---- */

static mote_status eval_binarizer(mote_eval *c)
{
    const float threshold = mote_node_float(c->node, "threshold", 0);
    const mote_array *x = c->in[0];
    const size_t n = mote_array_count(x);
    if (x->dtype == MOTE_DTYPE_F32) {
        const float *from = x->data;
        float *to = c->out[0]->data;
        for (size_t i = 0; i < n; i++)
            to[i] = from[i] > threshold ? 1.0f : 0.0f;
        return MOTE_OK;
    }
    for (size_t i = 0; i < n; i++)
        mote_dtype_from_f64(x->dtype, c->out[0]->data, i, mote_array_f64(x, i) > (double)threshold ? 1 : 0);
    return MOTE_OK;
}

MOTE_OP(ml, Binarizer, 1, .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", MOTE_T_ML, 0}), .attrs = MOTE_ATTRS(MOTE_A_FLOAT("threshold", 0)),
        .flags = MOTE_OP_ELEMENTWISE, .infer = mote_infer_like, .eval = eval_binarizer, .doc = MOTE_DOC("x > threshold ? 1 : 0"));

/* ---- Imputer ---- */

static mote_status imputed_of(const mote_node *n, mote_dtype x, mote_ml_list *out, mote_diag *diag)
{
    const bool real = mote_dtype_in(x, MOTE_DTYPES_FLOAT);
    const mote_ml_names names = {.ints = real ? NULL : "imputed_value_int64s", .floats = real ? "imputed_value_floats" : NULL};
    MOTE_TRY(mote_ml_list_of(n, &names, out, diag));
    MOTE_REQUIRE(out->n != 0, diag, MOTE_E_MODEL, "%s has no value", real ? "imputed_value_floats" : "imputed_value_int64s");
    return MOTE_OK;
}

static mote_status infer_imputer(mote_infer *c)
{
    const mote_type *x = c->in[0];
    mote_ml_list values;
    if (x->dtype != MOTE_DTYPE_NONE) {
        MOTE_TRY(imputed_of(c->node, x->dtype, &values, c->diag));
        MOTE_REQUIRE(values.n == 1 || x->rank < 0 || (x->rank > 0 && mote_dim_may_equal(x->dims[x->rank - 1], (int64_t)values.n)), c->diag,
                     MOTE_E_SHAPE, "%zu imputed values, expected 1 or one for each column", values.n);
    }
    return mote_infer_like(c);
}

static mote_status eval_imputer(mote_eval *c)
{
    const mote_array *x = c->in[0];
    mote_array *y = c->out[0];
    mote_ml_list values;
    const size_t n = mote_array_count(x), row = row_of(x);
    MOTE_TRY(imputed_of(c->node, x->dtype, &values, c->diag));
    MOTE_REQUIRE(values.n == 1 || values.n == row, c->diag, MOTE_E_SHAPE, "%zu imputed values for rows of %zu, expected 1 or as many", values.n, row);
    const size_t step = values.n == 1 ? 0 : 1;
    if (n != 0 && x->dtype != MOTE_DTYPE_F32)
        memcpy(y->data, x->data, x->bytes);
    if (mote_dtype_in(x->dtype, MOTE_DTYPES_FLOAT)) {
        const float replaced = mote_node_float(c->node, "replaced_value_float", 0);
        const float *old = x->data, *now = values.data;
        const bool nan = replaced != replaced;
        for (size_t at = 0; x->dtype == MOTE_DTYPE_F32 && at < n; at += row)
            for (size_t k = 0; k < row; k++)
                ((float *)y->data)[at + k] = (nan ? old[at + k] != old[at + k] : old[at + k] == replaced) ? now[k * step] : old[at + k];
        for (size_t i = 0, k = 0; x->dtype != MOTE_DTYPE_F32 && i < n; i++, k = k + 1 < row ? k + 1 : 0) {
            const double v = mote_array_f64(x, i);
            if (v == (double)replaced || (v != v && replaced != replaced))
                mote_dtype_from_f64(y->dtype, y->data, i, (double)((const float *)values.data)[k * step]);
        }
    } else {
        const int64_t replaced = mote_node_int(c->node, "replaced_value_int64", 0);
        for (size_t i = 0, k = 0; i < n; i++, k = k + 1 < row ? k + 1 : 0)
            if (mote_array_i64(x, i) == replaced)
                mote_dtype_from_i64(y->dtype, y->data, i, ((const int64_t *)values.data)[k * step]);
    }
    return MOTE_OK;
}

MOTE_OP(ml, Imputer, 1, .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", MOTE_T_ML, 0}),
        .attrs = MOTE_ATTRS(MOTE_A(FLOATS, "imputed_value_floats"), MOTE_A(INTS, "imputed_value_int64s"), MOTE_A_FLOAT("replaced_value_float", 0),
                            MOTE_A_INT("replaced_value_int64", 0)),
        .infer = infer_imputer, .eval = eval_imputer, .doc = MOTE_DOC("x, or the imputed value where x is the one to be replaced"));

/* ---- Scaler ---- */

static mote_status scaler_of(const mote_node *node, size_t row, const float **scale, size_t *n_scale, const float **offset, size_t *n_offset,
                             mote_diag *diag)
{
    *scale = mote_node_floats(node, "scale", n_scale);
    *offset = mote_node_floats(node, "offset", n_offset);
    MOTE_REQUIRE(*n_scale <= 1 || *n_scale == row, diag, MOTE_E_SHAPE, "scale has %zu values for rows of %zu, expected 1 or as many", *n_scale, row);
    MOTE_REQUIRE(*n_offset <= 1 || *n_offset == row, diag, MOTE_E_SHAPE, "offset has %zu values for rows of %zu, expected 1 or as many", *n_offset,
                 row);
    return MOTE_OK;
}

static mote_status infer_scaler(mote_infer *c)
{
    const mote_type *x = c->in[0];
    const float *s, *o;
    size_t ns, no;
    if (x->rank > 0 && mote_dim_known(x->dims[x->rank - 1]))
        MOTE_TRY(scaler_of(c->node, (size_t)x->dims[x->rank - 1], &s, &ns, &o, &no, c->diag));
    return infer_float_like(c);
}

static mote_status eval_scaler(mote_eval *c)
{
    const mote_array *x = c->in[0];
    const float *s, *o;
    size_t ns, no;
    const size_t row = row_of(x);
    float *y = c->out[0]->data;
    MOTE_TRY(scaler_of(c->node, row, &s, &ns, &o, &no, c->diag));
    for (size_t i = 0, k = 0, n = mote_array_count(x); i < n; i++, k = k + 1 < row ? k + 1 : 0) {
        const float scale = ns == 0 ? 1 : s[ns == 1 ? 0 : k], offset = no == 0 ? 0 : o[no == 1 ? 0 : k];
        if (x->dtype == MOTE_DTYPE_F64)
            y[i] = (float)((((const double *)x->data)[i] - (double)offset) * (double)scale);
        else
            y[i] = ((float)mote_array_f64(x, i) - offset) * scale;
    }
    return MOTE_OK;
}

MOTE_OP(ml, Scaler, 1, .in = "X:T", .out = "Y:float", .types = MOTE_TYPES({"T", MOTE_T_ML, 0}),
        .attrs = MOTE_ATTRS(MOTE_A(FLOATS, "offset"), MOTE_A(FLOATS, "scale")), .infer = infer_scaler, .eval = eval_scaler,
        .doc = MOTE_DOC("y = (x - offset) scale, by columns"));

/* ---- Normalizer ---- */

typedef enum norm { MAX, L1, L2 } norm;

static mote_status norm_of(const mote_node *n, norm *out, mote_diag *diag)
{
    const mote_str name = mote_node_string(n, "norm", "MAX");
    MOTE_REQUIRE(mote_str_is(name, "MAX") || mote_str_is(name, "L1") || mote_str_is(name, "L2"), diag, MOTE_E_VALUE,
                 "norm is '%.*s', expected MAX, L1 or L2", MOTE_STR_ARG(name));
    *out = mote_str_is(name, "MAX") ? MAX : mote_str_is(name, "L1") ? L1 : L2;
    return MOTE_OK;
}

static mote_status infer_normal(mote_infer *c)
{
    norm how;
    MOTE_TRY(norm_of(c->node, &how, c->diag));
    return infer_float_like(c);
}

/* What a row is divided by; 0: it stays. */
static float divisor(norm how, const float *x, size_t n)
{
    float d = how == MAX ? -INFINITY : 0;
    for (size_t i = 0; i < n; i++)
        d = how == MAX ? (x[i] > d ? x[i] : d) : d + (how == L1 ? fabsf(x[i]) : x[i] * x[i]);
    return how == L2 ? sqrtf(d) : d;
}

static mote_status eval_normal_temp(mote_eval *c, mote_arena *temp)
{
    norm how;
    const size_t count = mote_array_count(c->in[0]), row = row_of(c->in[0]);
    MOTE_TRY(norm_of(c->node, &how, c->diag));
    if (count == 0)
        return MOTE_OK;
    const float *x = mote_widen_f32(temp, c->in[0]);
    float *y = c->out[0]->data;
    if (x == NULL)
        return MOTE_NO_MEMORY(c->diag, count * sizeof *x);
    for (size_t at = 0; at < count; at += row) {
        const float d = divisor(how, x + at, row);
        for (size_t i = at; i < at + row; i++)
            y[i] = d == 0 ? x[i] : x[i] / d;
    }
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_normal)

MOTE_OP(ml, Normalizer, 1, .in = "X:T", .out = "Y:float", .types = MOTE_TYPES({"T", MOTE_T_ML, 0}), .attrs = MOTE_ATTRS(MOTE_A_STRING("norm", "MAX")),
        .infer = infer_normal, .eval = eval_normal, .doc = MOTE_DOC("rows divided by their largest element, sum of absolute values, or length"));

/* ---- FeatureVectorizer ---- */

/* The columns that input i gives; MOTE_DIM_UNKNOWN. */
static mote_status width_of(const mote_node *n, uint32_t i, int64_t actual, int64_t *out, mote_diag *diag)
{
    size_t count;
    const int64_t *widths = mote_node_ints(n, "inputdimensions", &count);
    *out = actual;
    if (count == 0)
        return MOTE_OK;
    MOTE_REQUIRE(count == n->n_in, diag, MOTE_E_VALUE, "inputdimensions has %zu values for %u inputs", count, n->n_in);
    MOTE_REQUIRE(widths[i] >= 0, diag, MOTE_E_VALUE, "inputdimensions[%u] is %lld", i, (long long)widths[i]);
    *out = widths[i];
    return MOTE_OK;
}

static mote_status infer_vectorizer(mote_infer *c)
{
    int64_t dims[2] = {MOTE_DIM_UNKNOWN, 0};
    for (uint32_t i = 0; i < c->n_in; i++) {
        const mote_type *x = c->in[i];
        int64_t width, actual = MOTE_DIM_UNKNOWN;
        MOTE_REQUIRE(x->rank < 0 || x->rank == 1 || x->rank == 2, c->diag, MOTE_E_SHAPE, "input %u has rank %d, expected 1 or 2", i, (int)x->rank);
        if (x->rank > 0) {
            const int64_t rows = x->rank == 2 ? x->dims[0] : 1;
            MOTE_REQUIRE(mote_dim_may_equal(rows, dims[0]), c->diag, MOTE_E_SHAPE, "input %u has %lld rows, others %lld", i, (long long)rows,
                         (long long)dims[0]);
            dims[0] = dims[0] == MOTE_DIM_UNKNOWN || mote_dim_known(rows) ? rows : dims[0];
            actual = x->dims[x->rank - 1];
        }
        MOTE_TRY(width_of(c->node, i, actual, &width, c->diag));
        if (dims[1] < 0 || width < 0)
            dims[1] = MOTE_DIM_UNKNOWN;
        else
            MOTE_REQUIRE(mote_i64_add(dims[1], width, &dims[1]), c->diag, MOTE_E_LIMIT, "the inputs have too many columns together");
    }
    mote_infer_out(c, 0, MOTE_DTYPE_F32, 2, dims);
    return MOTE_OK;
}

static mote_status eval_vectorizer(mote_eval *c)
{
    float *y = c->out[0]->data;
    const size_t rows = (size_t)c->out[0]->dims[0], columns = (size_t)c->out[0]->dims[1];
    size_t at = 0;
    for (uint32_t k = 0; k < c->n_in; k++) {
        const mote_array *x = c->in[k];
        const size_t have = row_of(x);
        int64_t width;
        MOTE_REQUIRE((x->rank == 2 ? (size_t)x->dims[0] : 1) == rows, c->diag, MOTE_E_SHAPE, "input %u does not have %zu rows, as others have", k,
                     rows);
        MOTE_TRY(width_of(c->node, k, (int64_t)have, &width, c->diag));
        for (size_t r = 0; r < rows; r++) /* missing columns are 0, superfluous ones left out */
            for (size_t i = 0; i < (size_t)width; i++)
                y[r * columns + at + i] = i < have ? (float)mote_array_f64(x, r * have + i) : 0;
        at += (size_t)width;
    }
    return MOTE_OK;
}

MOTE_OP(ml, FeatureVectorizer, 1, .in = "X*:T1", .out = "Y:float", .types = MOTE_TYPES({"T1", MOTE_T_ML, 0}),
        .attrs = MOTE_ATTRS(MOTE_A(INTS, "inputdimensions")), .infer = infer_vectorizer, .eval = eval_vectorizer,
        .doc = MOTE_DOC("the inputs side by side, in float"));
