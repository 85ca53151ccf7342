/* roi.c - RoiAlign, MaxRoiPool, MaxUnpool
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ONNX RoiAlign-22 (He et al., "Mask R-CNN", 2017), MaxRoiPool-22 (Girshick, "Fast R-CNN", 2015), MaxUnpool-22. */
#include "base/platform.h"
#include "ops/types.h"
#include "ops/wide.h"
#include <math.h>
#include <string.h>

/* ---- RoiAlign ---- */

typedef struct roi_align {
    int64_t height, width, ratio;
    float scale;
    bool max, half_pixel;
} roi_align;

static mote_status roi_align_of(const mote_node *n, roi_align *r, mote_diag *diag)
{
    const mote_str mode = mote_node_string(n, "mode", "avg"), at = mote_node_string(n, "coordinate_transformation_mode", n->def->since < 16 ? "output_half_pixel" : "half_pixel");
    *r = (roi_align){mote_node_int(n, "output_height", 1), mote_node_int(n, "output_width", 1), mote_node_int(n, "sampling_ratio", 0), mote_node_float(n, "spatial_scale", 1),
                     mote_str_is(mode, "max"), mote_str_is(at, "half_pixel")};
    MOTE_REQUIRE(r->max || mote_str_is(mode, "avg"), diag, MOTE_E_VALUE, "mode is '%.*s', expected avg or max", MOTE_STR_ARG(mode));
    MOTE_REQUIRE(r->half_pixel || mote_str_is(at, "output_half_pixel"), diag, MOTE_E_VALUE, "coordinate_transformation_mode is '%.*s', expected half_pixel or output_half_pixel",
                 MOTE_STR_ARG(at));
    MOTE_REQUIRE(r->height >= 1 && r->width >= 1 && r->height <= INT32_MAX && r->width <= INT32_MAX, diag, MOTE_E_VALUE, "output_height is %lld and output_width %lld",
                 (long long)r->height, (long long)r->width);
    MOTE_REQUIRE(r->ratio >= 0 && r->ratio <= 4096, diag, MOTE_E_VALUE, "sampling_ratio is %lld, expected 0 to 4096", (long long)r->ratio);
    return MOTE_OK;
}

static mote_status infer_align(mote_infer *c)
{
    const mote_type *x = c->in[0], *rois = c->in[1], *at = c->in[2];
    roi_align r;
    MOTE_TRY(roi_align_of(c->node, &r, c->diag));
    MOTE_REQUIRE(x->rank < 0 || x->rank == 4, c->diag, MOTE_E_SHAPE, "X has rank %d, expected 4", x->rank);
    MOTE_REQUIRE(rois->rank < 0 || (rois->rank == 2 && mote_dim_may_equal(rois->dims[1], 4)), c->diag, MOTE_E_SHAPE, "rois is not [regions, 4]");
    MOTE_REQUIRE(at->rank < 0 || (at->rank == 1 && (rois->rank < 0 || mote_dim_may_equal(at->dims[0], rois->dims[0]))), c->diag, MOTE_E_SHAPE,
                 "batch_indices is not one number a region");
    const int64_t dims[4] = {rois->rank == 2 ? rois->dims[0] : MOTE_DIM_UNKNOWN, x->rank == 4 ? x->dims[1] : MOTE_DIM_UNKNOWN, r.height, r.width};
    mote_infer_out(c, 0, x->dtype, 4, dims);
    return MOTE_OK;
}

typedef struct roi_tap {
    size_t at[4];
    double w[4];
} roi_tap;

/* Four neighbours of a point; weights 0 outside. */
static void tap_at(double y, double x, int64_t height, int64_t width, roi_tap *t)
{
    memset(t, 0, sizeof *t);
    if (!(y >= -1 && y <= (double)height && x >= -1 && x <= (double)width))
        return;
    y = fmax(y, 0);
    x = fmax(x, 0);
    int64_t y0 = (int64_t)y, x0 = (int64_t)x, y1 = y0 + 1, x1 = x0 + 1;
    if (y0 >= height - 1) {
        y0 = y1 = height - 1;
        y = (double)y0;
    }
    if (x0 >= width - 1) {
        x0 = x1 = width - 1;
        x = (double)x0;
    }
    const double ly = y - (double)y0, lx = x - (double)x0;
    *t = (roi_tap){{(size_t)(y0 * width + x0), (size_t)(y0 * width + x1), (size_t)(y1 * width + x0), (size_t)(y1 * width + x1)},
                   {(1 - ly) * (1 - lx), (1 - ly) * lx, ly * (1 - lx), ly * lx}};
}

static double pooled(const mote_array *x, size_t plane, const roi_tap *taps, size_t n, bool max)
{
    double best = 0, sum = 0;
    for (size_t k = 0; k < n; k++) {
        double v[4];
        for (int i = 0; i < 4; i++)
            v[i] = taps[k].w[i] * mote_array_f64(x, plane + taps[k].at[i]);
        const double top = fmax(fmax(v[0], v[1]), fmax(v[2], v[3]));
        best = k == 0 || top > best ? top : best;
        sum += v[0] + v[1] + v[2] + v[3];
    }
    return max ? best : n == 0 ? 0 : sum / (double)n;
}

static double pooled_f32(const float *x, const roi_tap *taps, size_t n, bool max)
{
    float best = 0, sum = 0;
    if (!max) { /* the same sums */
        for (size_t k = 0; k < n; k++) {
            const roi_tap *t = &taps[k];
            sum += (float)t->w[0] * x[t->at[0]] + (float)t->w[1] * x[t->at[1]] + (float)t->w[2] * x[t->at[2]] + (float)t->w[3] * x[t->at[3]];
        }
        return n == 0 ? 0 : (double)(sum / (float)n);
    }
    for (size_t k = 0; k < n; k++) {
        float v[4];
        for (int i = 0; i < 4; i++)
            v[i] = (float)taps[k].w[i] * x[taps[k].at[i]];
        const float top = fmaxf(fmaxf(v[0], v[1]), fmaxf(v[2], v[3]));
        best = k == 0 || top > best ? top : best;
        sum += v[0] + v[1] + v[2] + v[3];
    }
    return (double)(max ? best : n == 0 ? 0 : sum / (float)n);
}

static mote_status eval_align_temp(mote_eval *c, mote_arena *temp)
{
    const mote_array *x = c->in[0], *rois = c->in[1];
    mote_array *y = c->out[0];
    roi_align r;
    MOTE_TRY(roi_align_of(c->node, &r, c->diag));
    const size_t n = (size_t)rois->dims[0], channels = (size_t)x->dims[1], plane = (size_t)(x->dims[2] * x->dims[3]);
    MOTE_REQUIRE(plane != 0 || mote_array_count(y) == 0, c->diag, MOTE_E_SHAPE, "X has nothing to take samples of");
    roi_tap *taps = NULL;
    size_t room = 0;
    for (size_t k = 0; k < n; k++) {
        const int64_t b = mote_array_i64(c->in[2], k);
        MOTE_REQUIRE(b >= 0 && b < x->dims[0], c->diag, MOTE_E_VALUE, "batch_indices[%zu] is %lld, expected 0 to %lld", k, (long long)b, (long long)x->dims[0] - 1);
        double edge[4];
        for (size_t i = 0; i < 4; i++)
            edge[i] = mote_array_f64(rois, 4 * k + i) * (double)r.scale - (r.half_pixel ? 0.5 : 0);
        double w = edge[2] - edge[0], h = edge[3] - edge[1];
        if (!r.half_pixel) {
            w = fmax(w, 1);
            h = fmax(h, 1);
        }
        const double bin_h = h / (double)r.height, bin_w = w / (double)r.width;
        const double steps_h = r.ratio > 0 ? (double)r.ratio : ceil(bin_h), steps_w = r.ratio > 0 ? (double)r.ratio : ceil(bin_w);
        MOTE_REQUIRE(steps_h <= 4096 && steps_w <= 4096, c->diag, MOTE_E_LIMIT, "region %zu is %g by %g, which takes too many samples a bin", k, h, w);
        const size_t rows = steps_h > 0 ? (size_t)steps_h : 0, columns = steps_w > 0 ? (size_t)steps_w : 0, count = rows * columns;
        if (count > room) {
            taps = mote_temp(temp, count, sizeof *taps, c->diag);
            if (taps == NULL)
                return MOTE_E_MEMORY;
            room = count;
        }
        for (int64_t ph = 0; ph < r.height; ph++)
            for (int64_t pw = 0; pw < r.width; pw++) {
                for (size_t i = 0; i < count; i++)
                    tap_at(edge[1] + (double)ph * bin_h + ((double)(i / columns) + 0.5) * bin_h / steps_h,
                           edge[0] + (double)pw * bin_w + ((double)(i % columns) + 0.5) * bin_w / steps_w, x->dims[2], x->dims[3], &taps[i]);
                for (size_t ch = 0; ch < channels; ch++) {
                    const size_t from = ((size_t)b * channels + ch) * plane;
                    const double v = x->dtype == MOTE_DTYPE_F32 ? pooled_f32((const float *)x->data + from, taps, count, r.max) : pooled(x, from, taps, count, r.max);
                    const size_t to = ((k * channels + ch) * (size_t)r.height + (size_t)ph) * (size_t)r.width + (size_t)pw;
                    if (y->dtype == MOTE_DTYPE_F32)
                        ((float *)y->data)[to] = (float)v;
                    else
                        mote_dtype_from_f64(y->dtype, y->data, to, v);
                }
            }
    }
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_align)

#define ALIGN_ATTRS MOTE_A_STRING("mode", "avg"), MOTE_A_INT("output_height", 1), MOTE_A_INT("output_width", 1), MOTE_A_INT("sampling_ratio", 0), MOTE_A_FLOAT("spatial_scale", 1)
#define ALIGN(t, ...)                                                                                                  \
    .in = "X:T1 rois:T1 batch_indices:T2", .out = "Y:T1", .types = MOTE_TYPES({"T1", t, 0}, {"T2", MOTE_DT(S64), 0}),             \
    .attrs = MOTE_ATTRS(__VA_ARGS__),                                                                                  \
    .infer = infer_align, .eval = eval_align, .doc = MOTE_DOC("regions of X in bins, from samples between the pixels")
MOTE_OP(onnx, RoiAlign, 10, ALIGN(MOTE_T_FLOAT_7, ALIGN_ATTRS));
MOTE_OP(onnx, RoiAlign, 16, ALIGN(MOTE_T_FLOAT_7, ALIGN_ATTRS, MOTE_A_STRING("coordinate_transformation_mode", "half_pixel")));
MOTE_OP(onnx, RoiAlign, 22, ALIGN(MOTE_DTYPES_FLOAT, ALIGN_ATTRS, MOTE_A_STRING("coordinate_transformation_mode", "half_pixel")));

/* ---- MaxRoiPool ---- */

static mote_status pooled_shape(const mote_node *n, int64_t *shape, mote_diag *diag)
{
    size_t count;
    const int64_t *v = mote_node_ints(n, "pooled_shape", &count);
    MOTE_REQUIRE(count == 2 && v[0] >= 1 && v[1] >= 1 && v[0] <= INT32_MAX && v[1] <= INT32_MAX, diag, MOTE_E_VALUE, "pooled_shape is not two sizes");
    shape[0] = v[0];
    shape[1] = v[1];
    return MOTE_OK;
}

static mote_status infer_roi_pool(mote_infer *c)
{
    const mote_type *x = c->in[0], *rois = c->in[1];
    int64_t shape[2] = {0, 0};
    MOTE_TRY(pooled_shape(c->node, shape, c->diag));
    MOTE_REQUIRE(x->rank < 0 || x->rank == 4, c->diag, MOTE_E_SHAPE, "X has rank %d, expected 4", x->rank);
    MOTE_REQUIRE(rois->rank < 0 || (rois->rank == 2 && mote_dim_may_equal(rois->dims[1], 5)), c->diag, MOTE_E_SHAPE, "rois is not [regions, 5]");
    const int64_t dims[4] = {rois->rank == 2 ? rois->dims[0] : MOTE_DIM_UNKNOWN, x->rank == 4 ? x->dims[1] : MOTE_DIM_UNKNOWN, shape[0], shape[1]};
    mote_infer_out(c, 0, x->dtype, 4, dims);
    return MOTE_OK;
}

static int64_t clamped(double x, int64_t n) { return !(x > 0) ? 0 : x >= (double)n ? n : (int64_t)x; }

static double largest(const mote_array *x, size_t first, size_t n)
{
    double top = -INFINITY;
    if (x->dtype == MOTE_DTYPE_F32) {
        const float *from = (const float *)x->data + first;
        float best = -INFINITY;
        for (size_t i = 0; i < n; i++)
            best = from[i] > best ? from[i] : best;
        return (double)best;
    }
    for (size_t i = 0; i < n; i++)
        top = fmax(top, mote_array_f64(x, first + i));
    return top;
}

static mote_status eval_roi_pool(mote_eval *c)
{
    const mote_array *x = c->in[0], *rois = c->in[1];
    mote_array *y = c->out[0];
    const double scale = (double)mote_node_float(c->node, "spatial_scale", 1);
    int64_t shape[2] = {0, 0};
    MOTE_TRY(pooled_shape(c->node, shape, c->diag));
    const int64_t height = x->dims[2], width = x->dims[3];
    const size_t channels = (size_t)x->dims[1], plane = (size_t)(height * width);
    for (size_t k = 0; k < (size_t)rois->dims[0]; k++) {
        const double b = mote_array_f64(rois, 5 * k);
        double edge[4];
        MOTE_REQUIRE(b >= 0 && b < (double)x->dims[0], c->diag, MOTE_E_VALUE, "region %zu is of item %g, expected 0 to %lld", k, b, (long long)x->dims[0] - 1);
        for (size_t i = 0; i < 4; i++) {
            edge[i] = round(mote_array_f64(rois, 5 * k + 1 + i) * scale);
            MOTE_REQUIRE(fabs(edge[i]) < 1e9, c->diag, MOTE_E_VALUE, "an edge of region %zu is %g", k, edge[i]);
        }
        const double h = fmax(edge[3] - edge[1] + 1, 1), w = fmax(edge[2] - edge[0] + 1, 1);
        for (int64_t ph = 0; ph < shape[0]; ph++) {
            const int64_t y0 = clamped(floor((double)ph * h / (double)shape[0]) + edge[1], height), y1 = clamped(ceil((double)(ph + 1) * h / (double)shape[0]) + edge[1], height);
            for (int64_t pw = 0; pw < shape[1]; pw++) {
                const int64_t x0 = clamped(floor((double)pw * w / (double)shape[1]) + edge[0], width), x1 = clamped(ceil((double)(pw + 1) * w / (double)shape[1]) + edge[0], width);
                size_t first = (size_t)b * channels * plane + (size_t)x0, to = (k * channels * (size_t)shape[0] + (size_t)ph) * (size_t)shape[1] + (size_t)pw;
                for (size_t ch = 0; ch < channels; ch++, first += plane, to += (size_t)(shape[0] * shape[1])) {
                    double top = y1 > y0 && x1 > x0 ? -INFINITY : 0;
                    for (int64_t i = y0; i < y1 && x1 > x0; i++) {
                        const double best = largest(x, first + (size_t)(i * width), (size_t)(x1 - x0));
                        top = best > top ? best : top;
                    }
                    mote_dtype_from_f64(y->dtype, y->data, to, top);
                }
            }
        }
    }
    return MOTE_OK;
}

#define ROI_POOL(t)                                                                                                    \
    .in = "X:T rois:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}),                                                           \
    .attrs = MOTE_ATTRS(MOTE_A_REQUIRED(INTS, "pooled_shape"), MOTE_A_FLOAT("spatial_scale", 1)), .infer = infer_roi_pool,        \
    .eval = eval_roi_pool, .doc = MOTE_DOC("the largest of each bin of a region")
MOTE_OP(onnx, MaxRoiPool, 1, ROI_POOL(MOTE_T_FLOAT_7));
MOTE_OP(onnx, MaxRoiPool, 22, ROI_POOL(MOTE_DTYPES_FLOAT));

/* ---- MaxUnpool ---- */

/* The shape that the pool's input had, by the attributes. */
static mote_status unpooled(const mote_node *n, int32_t rank, const int64_t *in, int64_t *dims, mote_diag *diag)
{
    size_t kernels;
    const int64_t *kernel = mote_node_ints(n, "kernel_shape", &kernels);
    int64_t pads[2 * MOTE_MAX_RANK], strides[MOTE_MAX_RANK];
    MOTE_REQUIRE(rank >= 3 && kernels == (size_t)rank - 2, diag, MOTE_E_SHAPE, "kernel_shape has %zu sizes, X rank %d", kernels, rank);
    MOTE_TRY(mote_window_list(n, "strides", kernels, 1, 1, strides, diag));
    MOTE_TRY(mote_window_list(n, "pads", 2 * kernels, 0, 0, pads, diag));
    memcpy(dims, in, 2 * sizeof *dims);
    for (size_t d = 0; d < kernels; d++) {
        MOTE_REQUIRE(kernel[d] >= 1 && kernel[d] < INT32_MAX, diag, MOTE_E_VALUE, "kernel_shape[%zu] is %lld", d, (long long)kernel[d]);
        const int64_t size = in[2 + d];
        int64_t grown;
        if (!mote_dim_known(size)) {
            dims[2 + d] = MOTE_DIM_UNKNOWN;
            continue;
        }
        MOTE_REQUIRE(mote_i64_mul(size - 1, strides[d], &grown) && mote_i64_add(grown, kernel[d] - pads[d] - pads[kernels + d], &dims[2 + d]) && dims[2 + d] >= 0, diag,
                     MOTE_E_SHAPE, "dimension %zu would not have a size", 2 + d);
    }
    return MOTE_OK;
}

static mote_status given_shape(const mote_array *shape, int32_t rank, const int64_t *least, int64_t *dims, mote_diag *diag)
{
    size_t n;
    MOTE_TRY(mote_arg_ints(shape, MOTE_MAX_RANK, "output_shape", diag, dims, &n));
    MOTE_REQUIRE(n == (size_t)rank, diag, MOTE_E_SHAPE, "output_shape has %zu sizes, expected %d", n, rank);
    for (size_t d = 0; d < n; d++)
        MOTE_REQUIRE(dims[d] >= 0 && (!mote_dim_known(least[d]) || dims[d] >= least[d]), diag, MOTE_E_SHAPE, "output_shape[%zu] is %lld, expected %lld or more", d,
                     (long long)dims[d], (long long)least[d]);
    return MOTE_OK;
}

static mote_status infer_unpool(mote_infer *c)
{
    const mote_type *x = c->in[0];
    int64_t least[MOTE_MAX_RANK], dims[MOTE_MAX_RANK];
    if (x->rank < 0) {
        mote_infer_out(c, 0, x->dtype, -1, NULL);
        return MOTE_OK;
    }
    MOTE_TRY(unpooled(c->node, x->rank, x->dims, least, c->diag));
    if (!mote_infer_has(c, 2)) {
        mote_infer_out(c, 0, x->dtype, x->rank, least);
    } else if (mote_infer_value(c, 2) == NULL) {
        mote_infer_out(c, 0, x->dtype, x->rank, NULL);
    } else {
        MOTE_TRY(given_shape(c->value[2], x->rank, least, dims, c->diag));
        mote_infer_out(c, 0, x->dtype, x->rank, dims);
    }
    return MOTE_OK;
}

static mote_status eval_unpool(mote_eval *c)
{
    const mote_array *x = c->in[0], *at = c->in[1];
    int64_t least[MOTE_MAX_RANK], dims[MOTE_MAX_RANK];
    MOTE_TRY(unpooled(c->node, x->rank, x->dims, least, c->diag));
    memcpy(dims, least, sizeof dims);
    if (mote_eval_has(c, 2))
        MOTE_TRY(given_shape(c->in[2], x->rank, least, dims, c->diag));
    MOTE_TRY(mote_eval_out(c, 0, x->dtype, x->rank, dims));
    MOTE_REQUIRE(mote_array_same_shape(x, at), c->diag, MOTE_E_SHAPE, "X and I are of different shapes");
    mote_array *y = c->out[0];
    if (y->bytes != 0)
        memset(y->data, 0, y->bytes);
    const size_t room = mote_dims_count(least, x->rank), size = mote_dtype_bits(x->dtype) / 8;
    const bool same = memcmp(least, dims, (size_t)x->rank * sizeof *dims) == 0;
    for (size_t i = 0, n = mote_array_count(x); i < n; i++) {
        const int64_t place = ((const int64_t *)at->data)[i];
        MOTE_REQUIRE(place >= 0 && (uint64_t)place < room, c->diag, MOTE_E_VALUE, "I has the index %lld, expected 0 to %zu", (long long)place, room - 1);
        size_t rest = (size_t)place, to = 0, step = 1; /* the same position in the larger tensor */
        if (same && x->dtype == MOTE_DTYPE_F32) {
            ((float *)y->data)[place] = ((const float *)x->data)[i];
            continue;
        }
        for (int32_t d = x->rank - 1; d >= 0; d--) {
            to += rest % (size_t)least[d] * step;
            rest /= (size_t)least[d];
            step *= (size_t)dims[d];
        }
        memcpy((char *)y->data + to * size, (const char *)x->data + i * size, size);
    }
    return MOTE_OK;
}

#define UNPOOL(t)                                                                                                      \
    .in = "X:T1 I:T2 output_shape?:T2", .out = "output:T1", .types = MOTE_TYPES({"T1", t, 0}, {"T2", MOTE_DT(S64), 0}),           \
    .attrs = MOTE_ATTRS(MOTE_A_REQUIRED(INTS, "kernel_shape"), MOTE_A(INTS, "pads"), MOTE_A(INTS, "strides")),                    \
    .infer = infer_unpool, .eval = eval_unpool, .doc = MOTE_DOC("each value where MaxPool took it from, 0 elsewhere")
MOTE_OP(onnx, MaxUnpool, 9, UNPOOL(MOTE_T_FLOAT_7));
MOTE_OP(onnx, MaxUnpool, 11, UNPOOL(MOTE_T_FLOAT_7));
MOTE_OP(onnx, MaxUnpool, 22, UNPOOL(MOTE_DTYPES_FLOAT));
