/* grid.c - AffineGrid and GridSample
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ONNX AffineGrid-20, GridSample-22 (1 to 6 spatial dimensions); Keys, "Cubic Convolution Interpolation for Digital Image Processing", 1981, a = -0.75. The
 * taps of a point (places and weights) are worked out once for all channels. */
#include "base/platform.h"
#include "ops/types.h"
#include "ops/wide.h"
#include <math.h>
#include <string.h>

/* ---- AffineGrid ---- */

static mote_status grid_dims(const mote_array *size, int64_t *dims, int32_t *r, mote_diag *diag)
{
    int64_t s[5];
    size_t n;
    MOTE_TRY(mote_arg_ints(size, 5, "size", diag, s, &n));
    MOTE_REQUIRE(n == 4 || n == 5, diag, MOTE_E_VALUE, "size has %zu values, expected 4 or 5", n);
    *r = (int32_t)n - 2;
    for (size_t i = 0; i < n; i++)
        MOTE_REQUIRE(s[i] >= 0, diag, MOTE_E_VALUE, "size[%zu] is %lld", i, (long long)s[i]);
    dims[0] = s[0];
    for (int32_t d = 0; d < *r; d++)
        dims[1 + d] = s[2 + d];
    dims[1 + *r] = *r;
    return MOTE_OK;
}

static mote_status check_theta(int32_t rank, const int64_t *dims, int64_t n, int32_t r, mote_diag *diag)
{
    MOTE_REQUIRE(rank == 3 && mote_dim_may_equal(dims[0], n) && mote_dim_may_equal(dims[1], r) && mote_dim_may_equal(dims[2], r + 1), diag, MOTE_E_SHAPE,
                 "theta is not [%lld, %d, %d]", (long long)n, (int)r, (int)r + 1);
    return MOTE_OK;
}

static mote_status infer_affine(mote_infer *c)
{
    int64_t dims[MOTE_MAX_RANK];
    int32_t r;
    const mote_array *size = mote_infer_value(c, 1);
    if (size == NULL) {
        const mote_type *s = c->in[1];
        mote_infer_out(c, 0, c->in[0]->dtype, s->rank == 1 && (s->dims[0] == 4 || s->dims[0] == 5) ? (int32_t)s->dims[0] : -1, NULL);
        return MOTE_OK;
    }
    MOTE_TRY(grid_dims(size, dims, &r, c->diag));
    if (c->in[0]->rank >= 0)
        MOTE_TRY(check_theta(c->in[0]->rank, c->in[0]->dims, dims[0], r, c->diag));
    mote_infer_out(c, 0, c->in[0]->dtype, r + 2, dims);
    return MOTE_OK;
}

/* Where pixel i of n lies, -1 to 1. */
static inline double position(int64_t i, int64_t n, bool corners)
{
    return corners ? (n == 1 ? -1 : -1 + 2 * (double)i / (double)(n - 1)) : (2 * (double)i + 1) / (double)n - 1;
}

static mote_status eval_affine(mote_eval *c)
{
    const mote_array *theta = c->in[0];
    const bool corners = mote_node_int(c->node, "align_corners", 0) != 0;
    int64_t dims[MOTE_MAX_RANK], at[MOTE_MAX_RANK] = {0};
    int32_t r;
    MOTE_TRY(grid_dims(c->in[1], dims, &r, c->diag));
    MOTE_TRY(check_theta(theta->rank, theta->dims, dims[0], r, c->diag));
    MOTE_TRY(mote_eval_out(c, 0, theta->dtype, r + 2, dims));
    if (mote_array_count(c->out[0]) == 0)
        return MOTE_OK;
    size_t k = 0;
    if (theta->dtype == MOTE_DTYPE_F32 && r == 2) { /* the same sums, a row of the picture at a time */
        float *y = c->out[0]->data;
        const int64_t height = dims[1], width = dims[2];
        for (int64_t n = 0; n < dims[0]; n++) {
            const float *t = (const float *)theta->data + 6 * n;
            for (int64_t w0 = 0, columns; w0 < width; w0 += columns) {
                double a[64], b[64]; /* what a column gives, the same in every row */
                columns = width - w0 < 64 ? width - w0 : 64;
                for (int64_t w = 0; w < columns; w++) {
                    const double u = position(w0 + w, width, corners);
                    a[w] = (double)t[2] + (double)t[0] * u;
                    b[w] = (double)t[5] + (double)t[3] * u;
                }
                for (int64_t h = 0; h < height; h++) {
                    const double v = position(h, height, corners), down = (double)t[1] * v, across = (double)t[4] * v;
                    float *row = y + 2 * (h * width + w0);
                    for (int64_t w = 0; w < columns; w++) {
                        row[2 * w] = (float)(a[w] + down);
                        row[2 * w + 1] = (float)(b[w] + across);
                    }
                }
            }
            y += 2 * height * width;
        }
        return MOTE_OK;
    }
    double matrix[12] = {0};
    int64_t of = -1; /* the picture that matrix is of */
    do {
        double p[3];
        if (at[0] != of)
            for (size_t e = 0, n = (size_t)(r * (r + 1)); e < n; e++)
                matrix[e] = mote_array_f64(theta, (size_t)at[0] * n + e);
        of = at[0];
        for (int32_t d = 0; d < r; d++) { /* x, y, z: the last dimension first */
            const int64_t n = dims[r - d], i = at[r - d];
            p[d] = position(i, n, corners);
        }
        for (int32_t d = 0; d < r; d++) {
            const double *row = matrix + d * (r + 1);
            double v = row[r];
            for (int32_t e = 0; e < r; e++)
                v += row[e] * p[e];
            if (theta->dtype == MOTE_DTYPE_F32)
                ((float *)c->out[0]->data)[k++] = (float)v;
            else
                mote_dtype_from_f64(theta->dtype, c->out[0]->data, k++, v);
        }
    } while (mote_box_next(r + 1, dims, at));
    return MOTE_OK;
}

MOTE_OP(onnx, AffineGrid, 20, .in = "theta:T1 size:T2", .out = "grid:T1", .types = MOTE_TYPES({"T1", MOTE_DTYPES_FLOAT, 0}, {"T2", MOTE_DT(S64), 0}),
        .attrs = MOTE_ATTRS(MOTE_A_INT("align_corners", 0)), .infer = infer_affine, .eval = eval_affine, .doc = MOTE_DOC("where each pixel comes from: theta (x, y, 1)"));

/* ---- GridSample ---- */

typedef enum sample_mode { SAMPLE_LINEAR, SAMPLE_NEAREST, SAMPLE_CUBIC } sample_mode;
typedef enum sample_padding { PADDING_ZEROS, PADDING_BORDER, PADDING_REFLECTION } sample_padding;

typedef struct sampler {
    sample_mode mode;
    sample_padding padding;
    bool corners;
    int32_t r;
    int64_t size[MOTE_MAX_RANK]; /* of the input, spatial */
    int32_t taps;                /* along a dimension */
} sampler;

static mote_status sampler_of(const mote_node *n, sampler *s, mote_diag *diag)
{
    const mote_str mode = mote_node_string(n, "mode", n->def->since < 20 ? "bilinear" : "linear"), padding = mote_node_string(n, "padding_mode", "zeros");
    const bool old = n->def->since < 20;
    *s = (sampler){.corners = mote_node_int(n, "align_corners", 0) != 0};
    if (mote_str_is(mode, "nearest"))
        s->mode = SAMPLE_NEAREST;
    else if (mote_str_is(mode, old ? "bicubic" : "cubic"))
        s->mode = SAMPLE_CUBIC;
    else
        MOTE_REQUIRE(mote_str_is(mode, old ? "bilinear" : "linear"), diag, MOTE_E_VALUE, "mode is '%.*s'", MOTE_STR_ARG(mode));
    if (mote_str_is(padding, "border"))
        s->padding = PADDING_BORDER;
    else if (mote_str_is(padding, "reflection"))
        s->padding = PADDING_REFLECTION;
    else
        MOTE_REQUIRE(mote_str_is(padding, "zeros"), diag, MOTE_E_VALUE, "padding_mode is '%.*s', expected zeros, border or reflection", MOTE_STR_ARG(padding));
    s->taps = s->mode == SAMPLE_NEAREST ? 1 : s->mode == SAMPLE_LINEAR ? 2 : 4;
    return MOTE_OK;
}

static mote_status infer_sample(mote_infer *c)
{
    const mote_type *x = c->in[0], *g = c->in[1];
    int64_t dims[MOTE_MAX_RANK];
    sampler s;
    MOTE_TRY(sampler_of(c->node, &s, c->diag));
    MOTE_REQUIRE(x->dtype != MOTE_DTYPE_STRING || s.mode == SAMPLE_NEAREST, c->diag, MOTE_E_DTYPE, "strings can only be chosen (mode nearest)");
    if (x->rank < 0 || g->rank < 0) {
        mote_infer_out(c, 0, x->dtype, x->rank < 0 ? g->rank : x->rank, NULL);
        return MOTE_OK;
    }
    MOTE_REQUIRE(x->rank >= 3 && g->rank == x->rank, c->diag, MOTE_E_SHAPE, "X has rank %d and grid %d, expected equal ones from 3", x->rank, g->rank);
    MOTE_REQUIRE(c->node->def->since >= 20 || x->rank == 4, c->diag, MOTE_E_SHAPE, "X has rank %d, expected 4", x->rank);
    MOTE_REQUIRE(mote_dim_may_equal(g->dims[g->rank - 1], x->rank - 2) && mote_dim_may_equal(x->dims[0], g->dims[0]), c->diag, MOTE_E_SHAPE,
                 "grid is not [%lld, ..., %d]", (long long)x->dims[0], (int)x->rank - 2);
    dims[0] = mote_dim_known(x->dims[0]) ? x->dims[0] : g->dims[0];
    dims[1] = x->dims[1];
    for (int32_t d = 2; d < x->rank; d++)
        dims[d] = g->dims[d - 1];
    mote_infer_out(c, 0, x->dtype, x->rank, dims);
    return MOTE_OK;
}

/* x within [lo, hi], turned back at the borders. */
static double reflect(double x, double lo, double hi)
{
    const double width = hi - lo;
    if (!(width > 0))
        return lo;
    double past = fmod(fabs(x - lo), 2 * width);
    return past > width ? hi - (past - width) : lo + past;
}

static double keys(double d)
{
    const double a = -0.75, x = fabs(d);
    return x <= 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/* Places (-1: zero) and weights along one dimension of n > 0. */
static void taps_along(const sampler *s, int64_t n, double g, int64_t *place, double *weight)
{
    const double lo = s->corners ? 0 : -0.5, hi = s->corners ? (double)(n - 1) : (double)n - 0.5;
    double x = s->corners ? (g + 1) / 2 * (double)(n - 1) : ((g + 1) * (double)n - 1) / 2;
    if (s->mode == SAMPLE_NEAREST)
        x = rint(x);
    if (!(x >= lo && x <= hi) && s->padding == PADDING_BORDER)
        x = !(x > 0) ? 0 : (double)(n - 1);
    else if (!(x >= lo && x <= hi) && s->padding == PADDING_REFLECTION)
        x = reflect(x, lo, hi);
    const bool sane = x >= -0x1p40 && x <= 0x1p40; /* what lies further out, and NaN, is nowhere */
    const double base = !sane ? -4 : s->mode == SAMPLE_NEAREST ? rint(x) : s->mode == SAMPLE_LINEAR ? floor(x) : floor(x) - 1;
    for (int32_t t = 0; t < s->taps; t++) {
        int64_t at = (int64_t)base + t;
        if (at < 0 || at >= n) {
            if (s->padding == PADDING_ZEROS || !sane)
                at = -1;
            else if (s->padding == PADDING_BORDER)
                at = at < 0 ? 0 : n - 1;
            else
                at = (int64_t)reflect((double)at, lo, hi);
            at = at >= n ? n - 1 : at;
        }
        const double d = x - (base + t);
        place[t] = at;
        weight[t] = !sane ? 0 : s->mode == SAMPLE_NEAREST ? 1 : s->mode == SAMPLE_LINEAR ? 1 - fabs(d) : keys(d);
    }
}

/* The taps of one point: products of those along its dimensions. */
static void taps_of(const sampler *s, const double *g, size_t all, int64_t *place, double *weight)
{
    int64_t p[MOTE_MAX_RANK][4];
    double w[MOTE_MAX_RANK][4];
    for (int32_t d = 0; d < s->r; d++) /* the grid has x first */
        taps_along(s, s->size[d], g[s->r - 1 - d], p[d], w[d]);
    if (s->r == 2 && s->taps == 2) { /* a picture between its pixels */
        for (size_t t = 0; t < 4; t++) {
            const int64_t i = p[0][t / 2], j = p[1][t % 2];
            place[t] = i < 0 || j < 0 ? -1 : i * s->size[1] + j;
            weight[t] = place[t] < 0 ? 0 : w[1][t % 2] * w[0][t / 2];
        }
        return;
    }
    for (size_t t = 0; t < all; t++) {
        size_t rest = t;
        int64_t at = 0;
        double product = 1;
        for (int32_t d = s->r - 1; d >= 0; d--, rest /= (size_t)s->taps)
            product *= w[d][rest % (size_t)s->taps];
        rest = all;
        for (int32_t d = 0; d < s->r && at >= 0; d++) {
            rest /= (size_t)s->taps;
            const int64_t i = p[d][t / rest % (size_t)s->taps];
            at = i < 0 ? -1 : at * s->size[d] + i;
        }
        place[t] = at;
        weight[t] = at < 0 ? 0 : product;
    }
}

enum { POINTS = 128 };

/* Points of one channel: y[k] = sum of taps; place -1 counts 0. */
static void gather_f32(const float *x, size_t n, size_t all, const int64_t *place, const float *weight, float *y)
{
    for (size_t k = 0; k < n; k++, place += all, weight += all) {
        float sum = 0;
        if (all == 4 && (place[0] | place[1] | place[2] | place[3]) >= 0) { /* none is outside */
            y[k] = 0.0f + weight[0] * x[place[0]] + weight[1] * x[place[1]] + weight[2] * x[place[2]] + weight[3] * x[place[3]];
            continue;
        }
        for (size_t t = 0; t < all; t++)
            sum += weight[t] * (place[t] < 0 ? 0 : x[place[t]]);
        y[k] = sum;
    }
}

static void gather_any(const mote_array *x, size_t first, size_t parts, size_t n, size_t all, const int64_t *place, const double *weight, mote_array *y, size_t to)
{
    mote_dtype t = x->dtype == MOTE_DTYPE_C64 ? MOTE_DTYPE_F32 : x->dtype == MOTE_DTYPE_C128 ? MOTE_DTYPE_F64 : x->dtype;
    for (size_t k = 0; k < n; k++)
        for (size_t p = 0; p < parts; p++) {
            if (all == 1 && place[k] < 0 && t != MOTE_DTYPE_STRING) {
                mote_dtype_from_f64(t, y->data, (to + k) * parts + p, 0);
            } else if (t == MOTE_DTYPE_STRING) {
                ((mote_string *)y->data)[to + k] = place[k] < 0 ? (mote_string){NULL, 0} : ((const mote_string *)x->data)[first + (size_t)place[k]];
            } else if (all == 1 && mote_dtype_in(t, MOTE_DTYPES_INT | MOTE_DT(BOOL))) {
                mote_dtype_from_i64(t, y->data, to + k, mote_dtype_to_i64(t, x->data, first + (size_t)place[k]));
            } else {
                double sum = 0;
                for (size_t q = 0; q < all; q++)
                    if (place[k * all + q] >= 0)
                        sum += weight[k * all + q] * mote_dtype_to_f64(t, x->data, (first + (size_t)place[k * all + q]) * parts + p);
                mote_dtype_from_f64(t, y->data, (to + k) * parts + p, sum);
            }
        }
}

static mote_status eval_sample_temp(mote_eval *c, mote_arena *temp)
{
    const mote_array *x = c->in[0], *grid = c->in[1];
    mote_array *y = c->out[0];
    sampler s;
    MOTE_TRY(sampler_of(c->node, &s, c->diag));
    MOTE_REQUIRE(x->rank >= 3 && grid->rank == x->rank && grid->dims[grid->rank - 1] == x->rank - 2, c->diag, MOTE_E_SHAPE, "grid does not fit X");
    s.r = x->rank - 2;
    size_t all = 1;
    for (int32_t d = 0; d < s.r; d++) {
        s.size[d] = x->dims[2 + d];
        all *= (size_t)s.taps;
    }
    const size_t in_plane = mote_dims_count(x->dims + 2, s.r), out_plane = mote_dims_count(y->dims + 2, s.r), channels = (size_t)x->dims[1], r = (size_t)s.r;
    const size_t parts = mote_dtype_in(x->dtype, MOTE_DTYPES_COMPLEX) ? 2 : 1;
    if (mote_array_count(y) == 0)
        return MOTE_OK;
    MOTE_REQUIRE(in_plane != 0, c->diag, MOTE_E_SHAPE, "X has nothing to take samples of");
    int64_t *place = mote_temp(temp, POINTS * all, sizeof *place, c->diag);
    double *weight = mote_temp(temp, POINTS * all, sizeof *weight, c->diag), *g = mote_temp(temp, r, sizeof *g, c->diag);
    float *weight_f32 = mote_temp(temp, POINTS * all, sizeof *weight_f32, c->diag);
    if (place == NULL || weight == NULL || g == NULL || weight_f32 == NULL)
        return MOTE_E_MEMORY;
    for (size_t b = 0; b < (size_t)x->dims[0]; b++)
        for (size_t first = 0; first < out_plane; first += POINTS) {
            const size_t n = out_plane - first < POINTS ? out_plane - first : POINTS;
            for (size_t k = 0; k < n; k++) {
                for (size_t d = 0; d < r; d++)
                    g[d] = mote_array_f64(grid, (b * out_plane + first + k) * r + d);
                taps_of(&s, g, all, place + k * all, weight + k * all);
            }
            for (size_t k = 0; k < n * all; k++)
                weight_f32[k] = (float)weight[k];
            for (size_t ch = 0; ch < channels; ch++) {
                const size_t from = (b * channels + ch) * in_plane, to = (b * channels + ch) * out_plane + first;
                if (x->dtype == MOTE_DTYPE_F32)
                    gather_f32((const float *)x->data + from, n, all, place, weight_f32, (float *)y->data + to);
                else
                    gather_any(x, from, parts, n, all, place, weight, y, to);
            }
        }
    return mote_eval_own_strings(c, 0);
}
MOTE_EVAL_TEMP(eval_sample)

#define SAMPLE(t1, t2, absent)                                                                                         \
    .in = "X:T1 grid:T2", .out = "Y:T1", .types = MOTE_TYPES({"T1", t1, 0}, {"T2", t2, 0}),                                       \
    .attrs = MOTE_ATTRS(MOTE_A_INT("align_corners", 0), MOTE_A_STRING("mode", absent), MOTE_A_STRING("padding_mode", "zeros")),   \
    .infer = infer_sample, .eval = eval_sample, .doc = MOTE_DOC("values of X between its pixels, where the grid says")
MOTE_OP(onnx, GridSample, 16, SAMPLE(MOTE_T_ALL_7, MOTE_T_FLOAT_7, "bilinear"));
MOTE_OP(onnx, GridSample, 20, SAMPLE(MOTE_T_ALL_7, MOTE_T_FLOAT_7, "linear"));
MOTE_OP(onnx, GridSample, 22, SAMPLE(MOTE_T_ALL_13, MOTE_DTYPES_FLOAT, "linear"));
