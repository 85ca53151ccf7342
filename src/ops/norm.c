/* norm.c - normalizations along trailing axes and channels
 * SPDX-License-Identifier: Apache-2.0
 *
 * BatchNormalization, InstanceNormalization, LayerNormalization, GroupNormalization, RMSNormalization.
 *
 * Sources: the ONNX operators of these names. float32, float16 and bfloat16 are computed in float as kernels/norm/norm.h has it and rounded once;
 * float64 in double. */
#include "base/platform.h"
#include "kernels/norm/norm.h"
#include "ops/types.h"
#include "ops/wide.h"
#include <math.h>

static float eps_of(const mote_node *n) { return mote_node_float(n, "epsilon", 1e-5f); }

static mote_status check_channels(mote_infer *c, uint32_t i, int64_t want)
{
    if (!mote_infer_ranked(c, i))
        return MOTE_OK;
    const mote_type *t = c->in[i];
    MOTE_REQUIRE(t->rank == 1 && mote_dim_may_equal(t->dims[0], want), c->diag, MOTE_E_SHAPE, "input %u does not have one value for each of %lld channels",
                 i, (long long)want);
    return MOTE_OK;
}

/* ---- BatchNormalization ---- */

static bool is_training(const mote_node *n) { return n->def->since >= 14 ? mote_node_int(n, "training_mode", 0) != 0 : false; }

static mote_status infer_batch(mote_infer *c)
{
    const mote_type *x = c->in[0];
    int64_t channels = x->rank >= 2 ? x->dims[1] : x->rank == 1 ? 1 : MOTE_DIM_UNKNOWN;
    MOTE_REQUIRE(c->node->def->since != 7 || mote_node_int(c->node, "spatial", 1) != 0, c->diag, MOTE_E_UNSUPPORTED,
                 "spatial 0 (one mean for each element), which later versions dropped");
    for (uint32_t i = 1; i < 5; i++)
        MOTE_TRY(check_channels(c, i, channels));
    mote_infer_like(c);
    for (uint32_t i = 1; i < c->n_out; i++) {
        MOTE_REQUIRE(is_training(c->node) || c->node->out[i] == NULL, c->diag, MOTE_E_UNSUPPORTED,
                     "output %u, which only training gives", i);
        mote_infer_out(c, i, c->in[c->node->def->since >= 14 ? 2 + i : 1]->dtype, 1, &channels);
    }
    return MOTE_OK;
}

typedef struct planes {
    size_t batch, channels, inner;
} planes;

static planes planes_of(const mote_array *x)
{
    planes p = {x->rank >= 1 ? (size_t)x->dims[0] : 1, x->rank >= 2 ? (size_t)x->dims[1] : 1,
                x->rank > 2 ? mote_dims_count(x->dims + 2, x->rank - 2) : 1};
    return p;
}

static mote_status batch_f64(mote_eval *c, const planes *p, const double *x, double *y, const double *mean, const double *var)
{
    for (size_t i = 0; i < p->batch * p->channels; i++) {
        size_t ch = i % p->channels;
        double scale = mote_array_f64(c->in[1], ch) / sqrt(var[ch] + (double)eps_of(c->node));
        for (size_t k = 0; k < p->inner; k++)
            y[i * p->inner + k] = (x[i * p->inner + k] - mean[ch]) * scale + mote_array_f64(c->in[2], ch);
    }
    return MOTE_OK;
}

/* scale' = scale / sqrt(var + eps), shift = bias - mean scale' (one fma), y = x scale' + shift (one fma): what folding into a product gives. */
static mote_status batch_f32(mote_eval *c, const planes *p, const float *x, float *y, const float *mean, const float *var, const float *scale,
                             const float *bias)
{
    float eps = eps_of(c->node);
    for (size_t i = 0; i < p->batch * p->channels; i++) {
        size_t ch = i % p->channels;
        float a = scale[ch] / sqrtf(var[ch] + eps), b = fmaf(-mean[ch], a, bias[ch]);
        for (size_t k = 0; k < p->inner; k++)
            y[i * p->inner + k] = fmaf(x[i * p->inner + k], a, b);
    }
    return MOTE_OK;
}

/* Training: the batch's own mean and variance; running values mix them with the inputs by momentum. */
static mote_status train(mote_eval *c, mote_arena *temp, const planes *p, const double **mean, const double **var)
{
    double *m = mote_temp(temp, p->channels, sizeof *m, c->diag), *v = mote_temp(temp, p->channels, sizeof *v, c->diag);
    if (m == NULL || v == NULL)
        return MOTE_E_MEMORY;
    double momentum = (double)mote_node_float(c->node, "momentum", 0.9f), n = (double)(p->batch * p->inner);
    for (size_t ch = 0; ch < p->channels; ch++) {
        for (size_t i = 0; i < p->batch * p->inner; i++)
            m[ch] += mote_array_f64(c->in[0], (i / p->inner * p->channels + ch) * p->inner + i % p->inner);
        m[ch] /= n;
        for (size_t i = 0; i < p->batch * p->inner; i++) {
            double d = mote_array_f64(c->in[0], (i / p->inner * p->channels + ch) * p->inner + i % p->inner) - m[ch];
            v[ch] += d * d;
        }
        v[ch] /= n;
        for (uint32_t i = 1; i < 3 && i < c->n_out; i++)
            if (c->out[i] != NULL)
                mote_dtype_from_f64(c->out[i]->dtype, c->out[i]->data, ch,
                                    mote_array_f64(c->in[2 + i], ch) * momentum + (i == 1 ? m[ch] : v[ch]) * (1 - momentum));
    }
    *mean = m;
    *var = v;
    return MOTE_OK;
}

static mote_status eval_batch_temp(mote_eval *c, mote_arena *temp)
{
    planes p = planes_of(c->in[0]);
    for (uint32_t i = 1; i < 5; i++)
        MOTE_REQUIRE(mote_array_count(c->in[i]) == p.channels, c->diag, MOTE_E_SHAPE, "input %u has %zu values, expected %zu", i,
                     mote_array_count(c->in[i]), p.channels);
    const double *trained[2] = {NULL, NULL};
    if (is_training(c->node))
        MOTE_TRY(train(c, temp, &p, &trained[0], &trained[1]));
    mote_array *ya = c->out[0];
    if (ya == NULL)
        return MOTE_OK;
    const void *x = mote_widen(temp, c->in[0]);
    void *y = mote_wide_output(temp, ya);
    const float *f[5];
    for (uint32_t i = 1; i < 5; i++)
        if ((f[i] = mote_widen_f32(temp, c->in[i])) == NULL)
            return MOTE_NO_MEMORY(c->diag, 0);
    if (x == NULL || y == NULL)
        return MOTE_NO_MEMORY(c->diag, 0);
    bool wide = mote_class_of(ya->dtype) == MOTE_CLASS_F64;
    double *stats = mote_temp(temp, 2 * p.channels + 1, sizeof *stats, c->diag);
    float *narrow = mote_temp(temp, 2 * p.channels + 1, sizeof *narrow, c->diag);
    if (stats == NULL || narrow == NULL)
        return MOTE_E_MEMORY;
    for (size_t i = 0; i < 2 * p.channels; i++) {
        size_t which = i / p.channels, ch = i % p.channels;
        stats[i] = trained[which] != NULL ? trained[which][ch] : mote_array_f64(c->in[3 + which], ch);
        narrow[i] = (float)stats[i];
    }
    if (wide)
        MOTE_TRY(batch_f64(c, &p, x, y, stats, stats + p.channels));
    else
        MOTE_TRY(batch_f32(c, &p, x, y, narrow, narrow + p.channels, f[1], f[2]));
    mote_narrow(ya, y);
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_batch)

#define BATCH_DOC .doc = MOTE_DOC("y = (x - mean) scale / sqrt(var + epsilon) + B, by channel")
#define BATCH_7(...)                                                                                                   \
    .in = "X:T scale:T B:T mean:T var:T", .out = "Y:T mean?:T var?:T saved_mean?:T saved_var?:T", .types = MOTE_TYPES({"T", MOTE_T_FLOAT_7, 0}), \
    .attrs = MOTE_ATTRS(MOTE_A_FLOAT("epsilon", 1e-5f), MOTE_A_FLOAT("momentum", 0.9f), __VA_ARGS__), .infer = infer_batch,       \
    .eval = eval_batch, BATCH_DOC
MOTE_OP(onnx, BatchNormalization, 7, BATCH_7(MOTE_A_INT("spatial", 1)));
MOTE_OP(onnx, BatchNormalization, 9, BATCH_7({.name = NULL}));
#define BATCH_ATTRS MOTE_A_FLOAT("epsilon", 1e-5f), MOTE_A_FLOAT("momentum", 0.9f), MOTE_A_INT("training_mode", 0)
MOTE_OP(onnx, BatchNormalization, 14, .in = "X:T scale:T B:T input_mean:U input_var:U", .out = "Y:T running_mean?:U running_var?:U",
        .types = MOTE_TYPES({"T", MOTE_DTYPES_FLOAT, 0}, {"U", MOTE_DTYPES_FLOAT, 0}), .attrs = MOTE_ATTRS(BATCH_ATTRS), .infer = infer_batch,
        .eval = eval_batch, BATCH_DOC);
MOTE_OP(onnx, BatchNormalization, 15, .in = "X:T scale:T1 B:T1 input_mean:T2 input_var:T2", .out = "Y:T running_mean?:T2 running_var?:T2",
        .types = MOTE_TYPES({"T", MOTE_DTYPES_FLOAT, 0}, {"T1", MOTE_DTYPES_FLOAT, 0}, {"T2", MOTE_DTYPES_FLOAT, 0}), .attrs = MOTE_ATTRS(BATCH_ATTRS),
        .infer = infer_batch, .eval = eval_batch, BATCH_DOC);

/* ---- InstanceNormalization, GroupNormalization: rows of one or more planes, then a channel's scale and shift ---- */

static mote_status infer_planes(mote_infer *c)
{
    const mote_type *x = c->in[0];
    int64_t groups = mote_node_int(c->node, "num_groups", 1);
    MOTE_REQUIRE(groups >= 1, c->diag, MOTE_E_VALUE, "num_groups is %lld, expected 1 or more", (long long)groups);
    if (x->rank >= 0) {
        MOTE_REQUIRE(x->rank >= 2, c->diag, MOTE_E_SHAPE, "X has rank %d, expected 2 or more", x->rank);
        MOTE_REQUIRE(!mote_dim_known(x->dims[1]) || x->dims[1] % groups == 0, c->diag, MOTE_E_SHAPE, "%lld channels do not divide into %lld groups",
                     (long long)x->dims[1], (long long)groups);
        bool by_group = mote_str_is(c->node->op, "GroupNormalization") && c->node->def->since == 18;
        for (uint32_t i = 1; i < 3; i++)
            MOTE_TRY(check_channels(c, i, by_group ? groups : x->dims[1]));
    }
    return mote_infer_like(c);
}

/* y = ((x - mean) inv) scale + bias, the last step one fma */
#define ROWS(T, suffix, FMA, SQRT)                                                                                     \
    static void apply_##suffix(const T *x, T *y, size_t n, T mean, T inv, T scale, T bias)                             \
    {                                                                                                                  \
        for (size_t k = 0; k < n; k++)                                                                                 \
            y[k] = FMA((x[k] - mean) * inv, scale, bias);                                                              \
    }
ROWS(float, f32, fmaf, sqrtf)
ROWS(double, f64, fma, sqrt)

static void stats_f64(const double *x, size_t n, double eps, double *mean, double *inv)
{
    double m = 0, v = 0;
    for (size_t k = 0; k < n; k++)
        m += x[k];
    m /= (double)n;
    for (size_t k = 0; k < n; k++)
        v += (x[k] - m) * (x[k] - m);
    *mean = m;
    *inv = 1 / sqrt(v / (double)n + eps);
}

static mote_status plane_norm(mote_eval *c, mote_arena *temp, size_t groups)
{
    const mote_array *xa = c->in[0];
    mote_array *ya = c->out[0];
    planes p = planes_of(xa);
    size_t per = groups == 0 ? 0 : p.channels / groups, row = per * p.inner;
    size_t params = mote_array_count(c->in[1]);
    MOTE_REQUIRE((params == p.channels || params == groups) && mote_array_count(c->in[2]) == params, c->diag, MOTE_E_SHAPE,
                 "scale and bias have %zu and %zu values, expected %zu", params, mote_array_count(c->in[2]), p.channels);
    if (mote_array_count(ya) == 0)
        return MOTE_OK;
    const void *x = mote_widen(temp, xa);
    void *y = mote_wide_output(temp, ya);
    if (x == NULL || y == NULL)
        return MOTE_NO_MEMORY(c->diag, 0);
    bool wide = mote_class_of(ya->dtype) == MOTE_CLASS_F64;
    for (size_t g = 0; g < p.batch * groups; g++) {
        double mean = 0, inv = 0;
        float mean32 = 0, inv32 = 0;
        if (wide)
            stats_f64((const double *)x + g * row, row, (double)eps_of(c->node), &mean, &inv);
        else
            mote_norm_select(0)->stats((const float *)x + g * row, 1, row, eps_of(c->node), &mean32, &inv32);
        for (size_t ch = 0; ch < per; ch++) {
            size_t at = g * row + ch * p.inner, param = params == groups ? g % groups : g % groups * per + ch;
            double scale = mote_array_f64(c->in[1], param), bias = mote_array_f64(c->in[2], param);
            if (wide)
                apply_f64((const double *)x + at, (double *)y + at, p.inner, mean, inv, scale, bias);
            else
                apply_f32((const float *)x + at, (float *)y + at, p.inner, mean32, inv32, (float)scale, (float)bias);
        }
    }
    mote_narrow(ya, y);
    return MOTE_OK;
}

static mote_status eval_instance_temp(mote_eval *c, mote_arena *temp) { return plane_norm(c, temp, (size_t)c->in[0]->dims[1]); }
static mote_status eval_group_temp(mote_eval *c, mote_arena *temp) { return plane_norm(c, temp, (size_t)mote_node_int(c->node, "num_groups", 1)); }
MOTE_EVAL_TEMP(eval_instance)
MOTE_EVAL_TEMP(eval_group)

#define INSTANCE(t)                                                                                                    \
    .in = "input:T scale:T B:T", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A_FLOAT("epsilon", 1e-5f)),  \
    .infer = infer_planes, .eval = eval_instance, .doc = MOTE_DOC("y = scale (x - mean) / sqrt(var + epsilon) + B over each plane")
MOTE_OP(onnx, InstanceNormalization, 6, INSTANCE(MOTE_T_FLOAT_7));
MOTE_OP(onnx, InstanceNormalization, 22, INSTANCE(MOTE_DTYPES_FLOAT));
#define GROUP(...)                                                                                                     \
    .in = "X:T scale:T bias:T", .out = "Y:T", .types = MOTE_TYPES({"T", MOTE_DTYPES_FLOAT, 0}),                                   \
    .attrs = MOTE_ATTRS(MOTE_A_FLOAT("epsilon", 1e-5f), MOTE_A_REQUIRED(INT, "num_groups"), __VA_ARGS__), .infer = infer_planes,  \
    .eval = eval_group, .doc = MOTE_DOC("y = scale (x - mean) / sqrt(var + epsilon) + bias over each group of channels")
MOTE_OP(onnx, GroupNormalization, 18, GROUP({.name = NULL}));
MOTE_OP(onnx, GroupNormalization, 21, GROUP(MOTE_A_INT("stash_type", 1)));

/* ---- LayerNormalization, RMSNormalization ---- */

static mote_status infer_layer(mote_infer *c)
{
    const mote_type *x = c->in[0];
    bool rms = !mote_str_is(c->node->op, "LayerNormalization");
    int64_t stash = mote_node_int(c->node, "stash_type", 1);
    MOTE_REQUIRE(stash == MOTE_DTYPE_F32 || stash == MOTE_DTYPE_BF16 || (stash == MOTE_DTYPE_F16 || stash == MOTE_DTYPE_F64), c->diag, MOTE_E_VALUE,
                 "stash_type is %lld, expected a float type", (long long)stash);
    mote_infer_out(c, 0, rms ? c->in[1]->dtype : x->dtype, x->rank, x->dims);
    int64_t dims[MOTE_MAX_RANK] = {0};
    int32_t axis = 0;
    if (x->rank >= 0) {
        MOTE_REQUIRE(x->rank >= 1, c->diag, MOTE_E_SHAPE, "X is a scalar, expected rank 1 or more");
        MOTE_TRY(mote_arg_axis(mote_node_int(c->node, "axis", -1), x->rank, "axis", c->diag, &axis));
        for (int32_t i = 0; i < x->rank; i++)
            dims[i] = i < axis ? x->dims[i] : 1;
        for (uint32_t i = 1; i < c->n_in; i++) { /* scale and bias broadcast to X */
            if (!mote_infer_ranked(c, i))
                continue;
            const mote_type *t = c->in[i];
            MOTE_REQUIRE(t->rank <= x->rank, c->diag, MOTE_E_SHAPE, "input %u has rank %d, expected at most %d", i, t->rank, x->rank);
            for (int32_t d = 0; d < t->rank; d++)
                MOTE_REQUIRE(t->dims[d] == 1 || mote_dim_may_equal(t->dims[d], x->dims[x->rank - t->rank + d]), c->diag, MOTE_E_SHAPE,
                             "input %u has %lld elements in dimension %d, expected 1 or %lld", i, (long long)t->dims[d], d,
                             (long long)x->dims[x->rank - t->rank + d]);
        }
    }
    for (uint32_t i = 1; i < c->n_out; i++)
        mote_infer_out(c, i, (mote_dtype)stash, x->rank, dims);
    return MOTE_OK;
}

/* An input's elements for each element of a row, when it does not depend on the row; else NULL and *each is set. */
static mote_status param_of(mote_eval *c, mote_arena *temp, uint32_t i, int32_t axis, mote_broadcast *b, const float **row, bool *each)
{
    const mote_array *x = c->in[0];
    *row = NULL;
    *each = false;
    if (!mote_eval_has(c, i))
        return MOTE_OK;
    MOTE_TRY(mote_broadcast_init(b, x, &c->in[i], 1, c->diag));
    const mote_array *a = c->in[i];
    int32_t leading = a->rank - (x->rank - axis); /* of its dimensions, those that stand for rows */
    for (int32_t d = 0; d < leading; d++)
        *each = *each || a->dims[d] != 1;
    size_t n = mote_dims_count(x->dims + axis, x->rank - axis);
    const float *from = mote_widen_f32(temp, a);
    float *to = from != NULL && !*each ? mote_arena_calloc(temp, n, sizeof *to) : NULL;
    if (from == NULL || (to == NULL && !*each))
        return MOTE_NO_MEMORY(c->diag, n * sizeof *to);
    for (size_t k = 0; !*each && k < n; k++)
        to[k] = from[mote_broadcast_index(b, 0, k)];
    *row = to;
    return MOTE_OK;
}

static void layer_f64(mote_eval *c, bool rms, const double *x, double *y, size_t rows, size_t n, const mote_broadcast *bs, const mote_broadcast *bb)
{
    for (size_t r = 0; r < rows; r++) {
        double mean = 0, inv = 0, eps = (double)eps_of(c->node), sq = 0;
        if (rms) {
            for (size_t k = 0; k < n; k++)
                sq += x[r * n + k] * x[r * n + k];
            inv = 1 / sqrt(sq / (double)n + eps);
        } else {
            stats_f64(x + r * n, n, eps, &mean, &inv);
        }
        for (size_t k = 0; k < n; k++) {
            double v = (x[r * n + k] - mean) * inv * mote_array_f64(c->in[1], mote_broadcast_index(bs, 0, r * n + k));
            y[r * n + k] = mote_eval_has(c, 2) ? v + mote_array_f64(c->in[2], mote_broadcast_index(bb, 0, r * n + k)) : v;
        }
        for (uint32_t i = 1; i < c->n_out; i++)
            if (c->out[i] != NULL)
                mote_dtype_from_f64(c->out[i]->dtype, c->out[i]->data, r, i == 1 && !rms ? mean : inv);
    }
}

static mote_status layer_f32(mote_eval *c, mote_arena *temp, bool rms, const float *x, float *y, size_t rows, size_t n, const float *scale,
                             const float *bias, const mote_broadcast *each)
{
    const mote_norm_row *norm = mote_norm_select(0);
    float *mean = mote_temp(temp, rows, sizeof *mean, c->diag), *inv = mote_temp(temp, rows, sizeof *inv, c->diag);
    if (mean == NULL || inv == NULL)
        return MOTE_E_MEMORY;
    if (n != 0)
        (rms ? norm->rms : norm->layer)(x, scale, bias, y, rows, n, eps_of(c->node), mean, inv);
    for (size_t i = 0; each != NULL && i < rows * n; i++) {
        float b = mote_eval_has(c, 2) ? (float)mote_array_f64(c->in[2], mote_broadcast_index(&each[1], 0, i)) : 0.0f;
        y[i] = fmaf(y[i], (float)mote_array_f64(c->in[1], mote_broadcast_index(&each[0], 0, i)), b);
    }
    for (uint32_t i = 1; i < c->n_out; i++)
        for (size_t r = 0; c->out[i] != NULL && r < rows; r++)
            mote_dtype_from_f64(c->out[i]->dtype, c->out[i]->data, r, (double)(i == 1 && !rms ? mean[r] : inv[r]));
    return MOTE_OK;
}

static mote_status trailing_norm(mote_eval *c, mote_arena *temp, bool rms)
{
    const mote_array *xa = c->in[0];
    mote_array *ya = c->out[0], spare;
    int32_t axis;
    MOTE_TRY(mote_arg_axis(mote_node_int(c->node, "axis", -1), xa->rank, "axis", c->diag, &axis));
    size_t n = mote_dims_count(xa->dims + axis, xa->rank - axis), rows = mote_dims_count(xa->dims, axis);
    if (rows == 0)
        return MOTE_OK; /* no output has an element */
    mote_broadcast b[2];
    const float *params[2];
    bool each[2] = {false, false};
    for (uint32_t i = 0; i < 2; i++)
        MOTE_TRY(param_of(c, temp, 1 + i, axis, &b[i], &params[i], &each[i]));
    if (ya == NULL) {
        spare = *xa;
        if ((spare.data = mote_temp(temp, xa->bytes, 1, c->diag)) == NULL)
            return MOTE_E_MEMORY;
        ya = &spare;
    }
    const void *x = mote_widen(temp, xa);
    void *y = mote_class_of(ya->dtype) == mote_class_of(xa->dtype) ? mote_wide_output(temp, ya)
                                                                   : mote_arena_calloc(temp, rows * n, mote_class_bytes(mote_class_of(xa->dtype)));
    if (x == NULL || y == NULL)
        return MOTE_NO_MEMORY(c->diag, 0);
    if (mote_class_of(xa->dtype) == MOTE_CLASS_F64)
        layer_f64(c, rms, x, y, rows, n, &b[0], &b[1]);
    else if (each[0] || each[1])
        MOTE_TRY(layer_f32(c, temp, rms, x, y, rows, n, NULL, NULL, b));
    else
        MOTE_TRY(layer_f32(c, temp, rms, x, y, rows, n, params[0], params[1], NULL));
    if (mote_class_of(ya->dtype) == mote_class_of(xa->dtype))
        mote_narrow(ya, y);
    else
        for (size_t i = 0; i < rows * n; i++)
            mote_dtype_from_f64(ya->dtype, ya->data, i,
                                mote_class_of(xa->dtype) == MOTE_CLASS_F64 ? ((const double *)y)[i] : (double)((const float *)y)[i]);
    return MOTE_OK;
}

static mote_status eval_layer_temp(mote_eval *c, mote_arena *temp) { return trailing_norm(c, temp, false); }
static mote_status eval_rms_temp(mote_eval *c, mote_arena *temp) { return trailing_norm(c, temp, true); }
MOTE_EVAL_TEMP(eval_layer)
MOTE_EVAL_TEMP(eval_rms)

#define LAYER_ATTRS MOTE_A_INT("axis", -1), MOTE_A_FLOAT("epsilon", 1e-5f), MOTE_A_INT("stash_type", 1)
/* onnxruntime's, from before the standard had them, in the standard's domain */
#define LAYER_TYPES MOTE_TYPES({"T", MOTE_DTYPES_FLOAT, 0}, {"U", MOTE_DTYPES_FLOAT, 0}, {"V", MOTE_DTYPES_FLOAT, 0})
MOTE_OP(onnx, LayerNormalization, 1, .in = "X:T Scale:V B?:V", .out = "Y:T Mean?:U InvStdDev?:U", .types = LAYER_TYPES, .attrs = MOTE_ATTRS(LAYER_ATTRS),
        .infer = infer_layer, .eval = eval_layer, .doc = MOTE_DOC("y = (x - mean) / sqrt(var + epsilon) Scale + B over the axes from `axis` on"));
MOTE_OP(onnx, SimplifiedLayerNormalization, 1, .in = "X:T scale:V", .out = "Y:V inv_std_var?:U", .types = LAYER_TYPES, .attrs = MOTE_ATTRS(LAYER_ATTRS),
        .infer = infer_layer, .eval = eval_rms, .doc = MOTE_DOC("y = x / sqrt(mean x^2 + epsilon) scale over the axes from `axis` on"));
MOTE_OP(onnx, LayerNormalization, 17, .in = "X:T Scale:T B?:T", .out = "Y:T Mean?:U InvStdDev?:U",
        .types = MOTE_TYPES({"T", MOTE_DTYPES_FLOAT, 0}, {"U", MOTE_DTYPES_FLOAT, 0}), .attrs = MOTE_ATTRS(LAYER_ATTRS), .infer = infer_layer,
        .eval = eval_layer, .doc = MOTE_DOC("y = (x - mean) / sqrt(var + epsilon) Scale + B over the axes from `axis` on"));
MOTE_OP(onnx, RMSNormalization, 23, .in = "X:T scale:V", .out = "Y:V", .types = MOTE_TYPES({"T", MOTE_DTYPES_FLOAT, 0}, {"V", MOTE_DTYPES_FLOAT, 0}),
        .attrs = MOTE_ATTRS(LAYER_ATTRS), .infer = infer_layer, .eval = eval_rms, .doc = MOTE_DOC("y = x / sqrt(mean x^2 + epsilon) scale over the axes from `axis` on"));
