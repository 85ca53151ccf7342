/* resize.c - Resize, Upsample: sizes, positions and weights along each axis
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ONNX Resize-10 to Resize-19, Upsample-7 and -9. */
#include "base/platform.h"
#include "ops/resize.h"
#include "base/size.h"
#include "ops/args.h"
#include "ops/types.h"
#include <math.h>
#include <string.h>

enum { HALF_PIXEL, HALF_PIXEL_SYMMETRIC, PYTORCH_HALF_PIXEL, ALIGN_CORNERS, ASYMMETRIC, TF_HALF_PIXEL_FOR_NN, TF_CROP_AND_RESIZE };
enum { PREFER_FLOOR, PREFER_CEIL, FLOOR, CEIL, SIMPLE }; /* SIMPLE: before version 11 */
enum { STRETCH, NOT_LARGER, NOT_SMALLER };

typedef struct choice {
    const char *name;
    int32_t since;
} choice;

static mote_status choose(const mote_node *node, const char *attr, const char *absent, const choice *list, size_t n, int *out, mote_diag *diag)
{
    mote_str s = mote_node_string(node, attr, absent);
    for (size_t i = 0; i < n; i++)
        if (mote_str_is(s, list[i].name) && node->def->since >= list[i].since) {
            *out = (int)i;
            return MOTE_OK;
        }
    MOTE_FAIL(diag, MOTE_E_VALUE, "%s is '%.*s', which this version does not have", attr, MOTE_STR_ARG(s));
}
#define CHOOSE(node, attr, absent, list, out, diag) choose(node, attr, absent, list, sizeof list / sizeof list[0], out, diag)

static mote_status read_attrs(const mote_node *node, mote_resize *r, int *policy, mote_diag *diag)
{
    static const choice modes[] = {{"nearest", 1}, {"linear", 1}, {"cubic", 11}, {"bilinear", 1}};
    static const choice coordinates[] = {{"half_pixel", 11}, {"half_pixel_symmetric", 19}, {"pytorch_half_pixel", 11}, {"align_corners", 11},
                                         {"asymmetric", 11}, {"tf_half_pixel_for_nn", 11}, {"tf_crop_and_resize", 11}};
    static const choice roundings[] = {{"round_prefer_floor", 11}, {"round_prefer_ceil", 11}, {"floor", 11}, {"ceil", 11}};
    static const choice policies[] = {{"stretch", 18}, {"not_larger", 18}, {"not_smaller", 18}};
    int mode;
    *policy = STRETCH;
    MOTE_TRY(CHOOSE(node, "mode", "nearest", modes, &mode, diag));
    r->mode = mode == 3 ? MOTE_RESIZE_LINEAR : (mote_resize_mode)mode;
    r->coordinates = ASYMMETRIC;
    r->rounding = SIMPLE;
    if (node->def->since >= 11) {
        MOTE_TRY(CHOOSE(node, "coordinate_transformation_mode", "half_pixel", coordinates, &r->coordinates, diag));
        MOTE_TRY(CHOOSE(node, "nearest_mode", "round_prefer_floor", roundings, &r->rounding, diag));
    }
    if (node->def->since >= 18)
        MOTE_TRY(CHOOSE(node, "keep_aspect_ratio_policy", "stretch", policies, policy, diag));
    r->crop = r->coordinates == TF_CROP_AND_RESIZE;
    r->antialias = mote_node_int(node, "antialias", 0) != 0 && r->mode != MOTE_RESIZE_NEAREST;
    r->exclude_outside = mote_node_int(node, "exclude_outside", 0) != 0;
    r->cubic_a = mote_node_float(node, "cubic_coeff_a", -0.75f);
    r->outside = mote_node_float(node, "extrapolation_value", 0.0f);
    return MOTE_OK;
}

static mote_status scale_is_good(float s, mote_diag *diag)
{
    MOTE_REQUIRE(s > 0 && s < INFINITY, diag, MOTE_E_VALUE, "a scale is %g, expected a positive number", (double)s);
    return MOTE_OK;
}

/* Which axes scales, sizes and roi speak of. */
static mote_status axes_of(const mote_node *node, const mote_resize *r, int32_t *axes, size_t *n, mote_diag *diag)
{
    const int64_t *list = node->def->since >= 18 ? mote_node_ints(node, "axes", n) : NULL;
    if (list != NULL)
        return mote_arg_axes(list, *n, r->rank, "axes", diag, axes);
    *n = (size_t)r->rank;
    for (int32_t d = 0; d < r->rank; d++)
        axes[d] = d;
    return MOTE_OK;
}

/* The size that a scale gives: floor(in * scale) in float; unknown stays unknown unless nothing changes. */
static mote_status scaled(int64_t in, float scale, int64_t *out, mote_diag *diag)
{
    *out = scale == 1.0f ? in : MOTE_DIM_UNKNOWN;
    if (!mote_dim_known(in) || scale == 1.0f)
        return MOTE_OK;
    float size = floorf((float)in * scale);
    MOTE_REQUIRE(size < 0x1p48f, diag, MOTE_E_LIMIT, "a scale of %g makes %lld elements of %lld", (double)scale, (long long)(double)fminf(size, 0x1p62f),
                 (long long)in);
    *out = (int64_t)size;
    return MOTE_OK;
}

static mote_status apply_sizes(mote_resize *r, const mote_array *sizes, int policy, const int32_t *axes, size_t n, mote_diag *diag)
{
    float scale = 0;
    for (size_t k = 0; k < n; k++) {
        int32_t d = axes[k];
        int64_t size = mote_array_i64(sizes, k);
        MOTE_REQUIRE(size >= 0, diag, MOTE_E_VALUE, "a size is %lld, expected 0 or more", (long long)size);
        MOTE_REQUIRE(r->in[d] != 0 || size == 0, diag, MOTE_E_SHAPE, "axis %d has no element to make %lld of", d, (long long)size);
        r->out[d] = size;
        r->scale[d] = mote_dim_known(r->in[d]) && r->in[d] != 0 ? (float)size / (float)r->in[d] : 1.0f;
        if (k == 0 || (policy == NOT_LARGER ? r->scale[d] < scale : r->scale[d] > scale))
            scale = r->scale[d];
    }
    if (policy == STRETCH)
        return MOTE_OK;
    bool known = true;
    for (size_t k = 0; k < n; k++)
        known = known && mote_dim_known(r->in[axes[k]]);
    for (size_t k = 0; k < n; k++) {
        int32_t d = axes[k];
        if (!known) {
            r->out[d] = MOTE_DIM_UNKNOWN;
            continue;
        }
        float size = roundf((float)r->in[d] * scale);
        MOTE_REQUIRE(size < 0x1p48f, diag, MOTE_E_LIMIT, "a scale of %g is too large", (double)scale);
        r->scale[d] = scale;
        r->out[d] = (int64_t)size;
    }
    return MOTE_OK;
}

/* Inputs to one output. Antialiasing widens the filter by 1/scale when the image shrinks. */
static mote_status taps_of(const mote_resize *r, int32_t d, size_t *taps, mote_diag *diag)
{
    static const size_t plain[] = {1, 2, 4};
    *taps = plain[r->mode];
    float s = fminf(r->scale[d], 1.0f);
    if (!r->antialias || s == 1.0f || r->out[d] <= 0)
        return MOTE_OK;
    double half = -(floor(-(r->mode == MOTE_RESIZE_CUBIC ? 2.0 : 1.0) / (double)s) + 1);
    MOTE_REQUIRE(half < 0x1p30, diag, MOTE_E_LIMIT, "a scale of %g is too small for antialiasing", (double)r->scale[d]);
    *taps = 2 + 2 * (size_t)half;
    return MOTE_OK;
}

mote_status mote_resize_of(const mote_node *node, const mote_type *x, const mote_array *roi, const mote_array *scales, const mote_array *sizes,
                           mote_resize *r, mote_diag *diag)
{
    int policy;
    int32_t axes[MOTE_MAX_RANK];
    size_t n;
    *r = (mote_resize){.rank = x->rank};
    MOTE_TRY(read_attrs(node, r, &policy, diag));
    MOTE_TRY(axes_of(node, r, axes, &n, diag));
    for (int32_t d = 0; d < r->rank; d++) {
        r->in[d] = r->out[d] = x->dims[d];
        r->scale[d] = 1.0f;
        r->end[d] = 1.0f;
    }
    size_t n_attr, n_scales = scales != NULL ? mote_array_count(scales) : 0, n_sizes = sizes != NULL ? mote_array_count(sizes) : 0;
    const float *attr = mote_node_floats(node, "scales", &n_attr);
    if (attr != NULL)
        n_scales = n_attr;
    MOTE_REQUIRE((n_scales == 0) != (n_sizes == 0) || n == 0, diag, MOTE_E_MODEL, "%zu scales and %zu sizes, expected one of the two", n_scales, n_sizes);
    MOTE_REQUIRE(mote_max_size(n_scales, n_sizes) == n, diag, MOTE_E_SHAPE, "%zu %s, expected one for each of %zu axes",
                 mote_max_size(n_scales, n_sizes), n_scales != 0 ? "scales" : "sizes", n);
    if (n_sizes != 0)
        MOTE_TRY(apply_sizes(r, sizes, policy, axes, n, diag));
    for (size_t k = 0; k < n && n_sizes == 0; k++) {
        r->scale[axes[k]] = attr != NULL ? attr[k] : ((const float *)scales->data)[k];
        MOTE_TRY(scale_is_good(r->scale[axes[k]], diag));
        MOTE_TRY(scaled(r->in[axes[k]], r->scale[axes[k]], &r->out[axes[k]], diag));
    }
    if (r->crop && roi != NULL) {
        MOTE_REQUIRE(mote_array_count(roi) == 2 * n, diag, MOTE_E_SHAPE, "roi has %zu values, expected %zu", mote_array_count(roi), 2 * n);
        for (size_t k = 0; k < n; k++) {
            r->start[axes[k]] = (float)mote_array_f64(roi, k);
            r->end[axes[k]] = (float)mote_array_f64(roi, n + k);
            MOTE_REQUIRE(fabsf(r->start[axes[k]]) <= 0x1p20f && fabsf(r->end[axes[k]]) <= 0x1p20f, diag, MOTE_E_VALUE, "roi holds %g and %g",
                         (double)r->start[axes[k]], (double)r->end[axes[k]]);
        }
    }
    for (int32_t d = 0; d < r->rank; d++) {
        r->active[d] = r->scale[d] != 1.0f || r->in[d] != r->out[d] || (r->crop && (r->start[d] != 0.0f || r->end[d] != 1.0f));
        MOTE_REQUIRE(!r->active[d] || (r->in[d] <= INT32_MAX && r->out[d] <= INT32_MAX), diag, MOTE_E_LIMIT,
                     "axis %d of %lld elements becomes %lld, at most %d are supported", d, (long long)r->in[d], (long long)r->out[d], INT32_MAX);
        r->length[d] = n_sizes != 0 && policy == STRETCH ? (float)r->out[d] : (float)r->in[d] * r->scale[d];
        MOTE_TRY(taps_of(r, d, &r->taps[d], diag));
    }
    return MOTE_OK;
}

mote_status mote_resize_of_inputs(const mote_node *node, const mote_type *x, const mote_array *const *value, uint32_t n_in, mote_resize *r,
                                  mote_diag *diag)
{
    bool roi = node->def->since >= 11;
    uint32_t is = roi ? 2 : 1;
    return mote_resize_of(node, x, roi && n_in > 1 ? value[1] : NULL, n_in > is ? value[is] : NULL, roi && n_in > 3 ? value[3] : NULL, r, diag);
}

/* ---- positions and weights ---- */

static float position(const mote_resize *r, int32_t d, int64_t i)
{
    const float x = (float)i, in = (float)r->in[d], length = r->length[d], centre = (x + 0.5f) / r->scale[d];
    switch (r->coordinates) {
    case HALF_PIXEL_SYMMETRIC: return in / 2 * (1 - (float)r->out[d] / (r->scale[d] * in)) + centre - 0.5f;
    case PYTORCH_HALF_PIXEL: return length > 1.0f ? centre - 0.5f : 0.0f;
    case ALIGN_CORNERS: return length != 1.0f ? x * (in - 1) / (length - 1) : 0.0f;
    case ASYMMETRIC: return x / r->scale[d];
    case TF_HALF_PIXEL_FOR_NN: return centre;
    case TF_CROP_AND_RESIZE:
        return length != 1.0f ? r->start[d] * (in - 1) + x * (r->end[d] - r->start[d]) * (in - 1) / (length - 1)
                              : 0.5f * (r->start[d] + r->end[d]) * (in - 1);
    default: return centre - 0.5f;
    }
}

static float round_position(const mote_resize *r, int32_t d, float x)
{
    const bool tie = fabsf(x - (floorf(x) + 0.5f)) < 1e-6f; /* as near as the quotient's rounding may have moved it */
    switch (r->rounding) {
    case PREFER_FLOOR: return tie ? floorf(x) : roundf(x);
    case PREFER_CEIL: return tie ? ceilf(x) : roundf(x);
    case FLOOR: return floorf(x);
    case CEIL: return ceilf(x);
    default: return r->scale[d] < 1 ? ceilf(x) : floorf(x);
    }
}

static double cubic(double x, double a)
{
    x = fabs(x);
    return x <= 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

void mote_resize_axis(const mote_resize *r, int32_t d, int32_t *index, float *weights, uint8_t *outside)
{
    const size_t out = (size_t)r->out[d], taps = r->taps[d];
    const int64_t last = r->in[d] - 1;
    const double s = r->antialias ? (double)fminf(r->scale[d], 1.0f) : 1.0;
    for (size_t i = 0; i < out; i++) {
        float x = position(r, d, (int64_t)i);
        if (outside != NULL)
            outside[i] = r->crop && (x < 0 || x > (float)last);
        x = fmaxf(fminf(x, 0x1p40f), -0x1p40f);
        if (r->mode == MOTE_RESIZE_NEAREST) {
            int64_t at = (int64_t)round_position(r, d, x);
            index[i] = (int32_t)(at < 0 ? 0 : at > last ? last : at);
            weights[i] = 1.0f;
            continue;
        }
        const int64_t first = (int64_t)floorf(x) - (int64_t)(taps / 2) + 1;
        const double ratio = (double)(x - floorf(x));
        double sum = 0, all = 0;
        for (int pass = 0; pass < 2; pass++) /* the sum, then the weights */
            for (size_t k = 0; k < taps; k++) {
                int64_t at = first + (int64_t)k;
                double distance = ((double)((int64_t)k - (int64_t)(taps / 2) + 1) - ratio) * s;
                double w = r->mode == MOTE_RESIZE_CUBIC ? cubic(distance, (double)r->cubic_a) : fmax(0, 1 - fabs(distance));
                bool inside = at >= 0 && at <= last;
                if (pass == 0) {
                    all += w;
                    sum += !r->exclude_outside || inside ? w : 0;
                    continue;
                }
                w = r->exclude_outside && !inside ? 0 : w;
                if ((r->exclude_outside || r->antialias) && (r->exclude_outside ? sum : all) != 0)
                    w /= r->exclude_outside ? sum : all;
                weights[k * out + i] = (float)w;
                index[k * out + i] = (int32_t)(at < 0 ? 0 : at > last ? last : at);
            }
    }
}

/* ---- inference ---- */

static mote_status infer_resize(mote_infer *c)
{
    const mote_type *x = c->in[0];
    bool later = c->node->def->since >= 11;
    mote_infer_out(c, 0, x->dtype, x->rank, NULL);
    if (x->rank < 0)
        return MOTE_OK;
    for (uint32_t i = 1; i < c->n_in; i++) /* an input without elements counts as omitted, so its value is not needed */
        if (mote_infer_has(c, i) && c->value[i] == NULL && !(later && i == 1) && !(c->in[i]->rank == 1 && c->in[i]->dims[0] == 0))
            return MOTE_OK;
    mote_resize r;
    MOTE_TRY(mote_resize_of_inputs(c->node, x, c->value, c->n_in, &r, c->diag));
    mote_infer_out(c, 0, x->dtype, x->rank, r.out);
    return MOTE_OK;
}

mote_status mote_resize_eval(mote_eval *c); /* resize_eval.c */

#define UPSAMPLE_DOC "Resize with positions x / scale"
#define RESIZE_DOC "y = x interpolated at other positions, axis by axis"
MOTE_OP(onnx, Upsample, 7, .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", MOTE_T_ALL_7, 0}),
        .attrs = MOTE_ATTRS(MOTE_A_STRING("mode", "nearest"), MOTE_A_REQUIRED(FLOATS, "scales")), .infer = infer_resize,
        .eval = mote_resize_eval, .doc = MOTE_DOC(UPSAMPLE_DOC));
MOTE_OP(onnx, Upsample, 9, .in = "X:T scales:float", .out = "Y:T", .types = MOTE_TYPES({"T", MOTE_T_ALL_7, 0}),
        .attrs = MOTE_ATTRS(MOTE_A_STRING("mode", "nearest")), .infer = infer_resize, .eval = mote_resize_eval, .doc = MOTE_DOC(UPSAMPLE_DOC));
MOTE_OP(onnx, Upsample, 10, .removed = true, .doc = MOTE_DOC("no longer an operator"));
MOTE_OP(onnx, Resize, 10, .in = "X:T scales:float", .out = "Y:T", .types = MOTE_TYPES({"T", MOTE_T_ALL_7, 0}), .attrs = MOTE_ATTRS(MOTE_A_STRING("mode", "nearest")),
        .infer = infer_resize, .eval = mote_resize_eval, .doc = MOTE_DOC(RESIZE_DOC));
#define RESIZE_11(t, inputs, ...)                                                                                      \
    .in = inputs, .out = "Y:T1", .types = MOTE_TYPES({"T1", t, 0}, {"T2", MOTE_T_FLOAT_7, 0}),                                    \
    .attrs = MOTE_ATTRS(MOTE_A_STRING("coordinate_transformation_mode", "half_pixel"), MOTE_A_FLOAT("cubic_coeff_a", -0.75f),     \
              MOTE_A_INT("exclude_outside", 0), MOTE_A_FLOAT("extrapolation_value", 0.0f), MOTE_A_STRING("mode", "nearest"), \
              MOTE_A_STRING("nearest_mode", "round_prefer_floor"), __VA_ARGS__),                                         \
    .infer = infer_resize, .eval = mote_resize_eval, .doc = MOTE_DOC(RESIZE_DOC)
#define RESIZE_18 MOTE_A_INT("antialias", 0), MOTE_A(INTS, "axes"), MOTE_A_STRING("keep_aspect_ratio_policy", "stretch")
#define NONE {.name = NULL}
MOTE_OP(onnx, Resize, 11, RESIZE_11(MOTE_T_ALL_7, "X:T1 roi:T2 scales:float sizes?:int64", NONE));
MOTE_OP(onnx, Resize, 13, RESIZE_11(MOTE_T_ALL_13, "X:T1 roi?:T2 scales?:float sizes?:int64", NONE));
MOTE_OP(onnx, Resize, 18, RESIZE_11(MOTE_T_ALL_13, "X:T1 roi?:T2 scales?:float sizes?:int64", RESIZE_18));
MOTE_OP(onnx, Resize, 19, RESIZE_11(MOTE_T_ALL_13, "X:T1 roi?:T2 scales?:float sizes?:int64", RESIZE_18));
