/* deform_conv.c - DeformConv
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: ONNX DeformConv-19; Zhu et al., "Deformable ConvNets v2", 2019. Two spatial dimensions, as the standard's reference. Samples (bilinear, 0 outside) of one image are
 * laid out by input channel and tap; the rest is a matrix product with the weights. */
#include "base/platform.h"
#include "base/size.h"
#include "kernels/gemm/gemm.h"
#include "ops/types.h"
#include "ops/wide.h"
#include <math.h>
#include <string.h>

typedef struct deform {
    mote_window w;
    int64_t group, offset_group;
} deform;

static mote_status deform_of(const mote_node *n, const int64_t *x, const int64_t *w, const int64_t *offset, deform *d, mote_diag *diag)
{
    size_t count;
    const int64_t *kernel = mote_node_ints(n, "kernel_shape", &count);
    MOTE_REQUIRE(kernel == NULL || (count == 2 && mote_dim_may_equal(kernel[0], w[2]) && mote_dim_may_equal(kernel[1], w[3])), diag, MOTE_E_SHAPE,
                 "kernel_shape is not W's");
    d->group = mote_node_int(n, "group", 1);
    d->offset_group = mote_node_int(n, "offset_group", 1);
    MOTE_REQUIRE(d->group >= 1 && d->offset_group >= 1, diag, MOTE_E_VALUE, "group is %lld and offset_group %lld, expected 1 or more", (long long)d->group,
                 (long long)d->offset_group);
    int64_t channels, offsets;
    const int64_t size[2] = {kernel != NULL ? kernel[0] : w[2], kernel != NULL ? kernel[1] : w[3]};
    if (!mote_dim_known(size[0]) || !mote_dim_known(size[1])) {
        d->w.out[0] = d->w.out[1] = MOTE_DIM_UNKNOWN;
        return MOTE_OK;
    }
    MOTE_REQUIRE(size[0] >= 1 && size[1] >= 1, diag, MOTE_E_SHAPE, "the kernel is %lld by %lld", (long long)size[0], (long long)size[1]);
    MOTE_TRY(mote_window_of(n, 2, size, x + 2, &d->w, diag));
    if (mote_dim_known(x[1]) && mote_dim_known(w[1]))
        MOTE_REQUIRE(mote_i64_mul(w[1], d->group, &channels) && x[1] == channels && x[1] % d->offset_group == 0, diag, MOTE_E_SHAPE, "X has %lld channels, W %lld for each of %lld groups, offset_group is %lld",
                     (long long)x[1], (long long)w[1], (long long)d->group, (long long)d->offset_group);
    MOTE_REQUIRE(!mote_dim_known(w[0]) || w[0] % d->group == 0, diag, MOTE_E_SHAPE, "%lld output channels in %lld groups", (long long)w[0], (long long)d->group);
    MOTE_REQUIRE(mote_i64_mul(size[0], size[1], &offsets) && mote_i64_mul(offsets, 2, &offsets) && mote_i64_mul(offsets, d->offset_group, &offsets), diag, MOTE_E_SHAPE,
                 "offset_group %lld times the kernel's %lld by %lld overflows", (long long)d->offset_group, (long long)size[0], (long long)size[1]);
    MOTE_REQUIRE(mote_dim_may_equal(offset[1], offsets) && mote_dim_may_equal(offset[2], d->w.out[0]) &&
                     mote_dim_may_equal(offset[3], d->w.out[1]) && mote_dim_may_equal(offset[0], x[0]),
                 diag, MOTE_E_SHAPE, "offset is not [%lld, %lld, %lld, %lld]", (long long)x[0], (long long)offsets, (long long)d->w.out[0],
                 (long long)d->w.out[1]);
    return MOTE_OK;
}

static mote_status check_mask(const int64_t *mask, const int64_t *offset, const deform *d, mote_diag *diag)
{
    MOTE_REQUIRE(mote_dim_may_equal(mask[0], offset[0]) && (!mote_dim_known(offset[1]) || mote_dim_may_equal(mask[1], offset[1] / 2)) &&
                     mote_dim_may_equal(mask[2], d->w.out[0]) && mote_dim_may_equal(mask[3], d->w.out[1]),
                 diag, MOTE_E_SHAPE, "mask does not fit offset");
    return MOTE_OK;
}

static mote_status infer_deform(mote_infer *c)
{
    deform d;
    for (uint32_t i = 0; i < c->n_in; i++)
        if (i != 3 && c->in[i] != NULL && c->in[i]->rank != 4) {
            MOTE_REQUIRE(c->in[i]->rank < 0, c->diag, MOTE_E_UNSUPPORTED, "input %u has rank %d: two spatial dimensions are supported", i, c->in[i]->rank);
            mote_infer_out(c, 0, c->in[0]->dtype, -1, NULL);
            return MOTE_OK;
        }
    MOTE_TRY(deform_of(c->node, c->in[0]->dims, c->in[1]->dims, c->in[2]->dims, &d, c->diag));
    if (mote_infer_has(c, 4) && mote_dim_known(d.w.out[0]))
        MOTE_TRY(check_mask(c->in[4]->dims, c->in[2]->dims, &d, c->diag));
    if (mote_infer_ranked(c, 3))
        MOTE_REQUIRE(c->in[3]->rank == 1 && mote_dim_may_equal(c->in[3]->dims[0], c->in[1]->dims[0]), c->diag, MOTE_E_SHAPE, "B is not one number for each output channel");
    const int64_t dims[4] = {c->in[0]->dims[0], c->in[1]->dims[0], d.w.out[0], d.w.out[1]};
    mote_infer_out(c, 0, c->in[0]->dtype, 4, dims);
    return MOTE_OK;
}

/* Where one sample comes from, for all channels of an offset group. */
typedef struct place {
    int32_t at[4]; /* in the plane; weight 0 where outside */
    float w[4];
} place;

static void place_of(double y, double x, int64_t height, int64_t width, double mask, place *p)
{
    memset(p, 0, sizeof *p);
    if (!(y > -1 && y < (double)height && x > -1 && x < (double)width))
        return;
    const int64_t y0 = (int64_t)(y + 1) - 1, x0 = (int64_t)(x + 1) - 1; /* floor, of numbers above -1 */
    const double fy = y - (double)y0, fx = x - (double)x0, wy[2] = {1 - fy, fy}, wx[2] = {1 - fx, fx};
    for (int k = 0; k < 4; k++) {
        const int64_t i = y0 + k / 2, j = x0 + k % 2;
        if (i < 0 || i >= height || j < 0 || j >= width)
            continue;
        p->at[k] = (int32_t)(i * width + j);
        p->w[k] = (float)(wy[k / 2] * wx[k % 2] * mask);
    }
}

static double wide_at(const char *x, bool f32, size_t i) { return f32 ? (double)((const float *)(const void *)x)[i] : ((const double *)(const void *)x)[i]; }

#define COLUMNS(T, suffix)                                                                                             \
    static void columns_##suffix(const T *plane, const place *p, size_t n, T *to)                                      \
    {                                                                                                                  \
        for (size_t i = 0; i < n; i++)                                                                                 \
            to[i] = (T)p[i].w[0] * plane[p[i].at[0]] + (T)p[i].w[1] * plane[p[i].at[1]] + (T)p[i].w[2] * plane[p[i].at[2]] + (T)p[i].w[3] * plane[p[i].at[3]]; \
    }

COLUMNS(float, f32)
COLUMNS(double, f64)

/* y[m, n] += w[m, k] columns[k, n], k ascending, one fma a term. packed: memory for what the kernel reads. */
static void product_f32(const float *w, const float *columns, size_t m, size_t k, size_t n, float *y, uint32_t cpu, float *packed)
{
    const mote_gemm_f32_row *row = mote_gemm_f32_select(cpu);
    const mote_gemm_f32_source s = {.src = columns, .n = n, .taps = 1, .kc = k, .k_stride = n, .n_stride = 1};
    const mote_gemm_f32_op op = {.row = row, .m = m, .n = n, .taps = 1, .kc = k, .a = w, .a_stride = k, .b = packed, .c = y, .c_stride = n, .flags = MOTE_GEMM_ADD_C};
    const size_t panels = mote_gemm_panels(row->nr, n);
    mote_gemm_f32_pack(row->nr, &s, packed, 0, panels);
    mote_gemm_f32_block(&op, 0, m, 0, panels);
}

static void product_f64(const double *w, const double *columns, size_t m, size_t k, size_t n, double *y)
{
    for (size_t i = 0; i < m; i++)
        for (size_t s = 0; s < k; s++) {
            const double v = w[i * k + s], *row = columns + s * n;
            double *to = y + i * n;
            for (size_t j = 0; j < n; j++)
                to[j] += v * row[j];
        }
}

static mote_status eval_deform_temp(mote_eval *c, mote_arena *temp)
{
    const mote_array *x = c->in[0], *w = c->in[1], *offset = c->in[2], *mask = mote_eval_has(c, 4) ? c->in[4] : NULL;
    deform d;
    for (uint32_t i = 0; i < c->n_in; i++)
        MOTE_REQUIRE(i == 3 || c->in[i] == NULL || c->in[i]->rank == 4, c->diag, MOTE_E_UNSUPPORTED, "input %u has rank %d: two spatial dimensions are supported", i,
                     c->in[i] == NULL ? 0 : c->in[i]->rank);
    MOTE_TRY(deform_of(c->node, x->dims, w->dims, offset->dims, &d, c->diag));
    if (mask != NULL)
        MOTE_TRY(check_mask(mask->dims, offset->dims, &d, c->diag));
    const int64_t dims[4] = {x->dims[0], w->dims[0], d.w.out[0], d.w.out[1]};
    MOTE_TRY(mote_eval_out(c, 0, x->dtype, 4, dims));
    const bool f32 = mote_class_of(x->dtype) == MOTE_CLASS_F32;
    const size_t size = f32 ? 4 : 8, plane = (size_t)(x->dims[2] * x->dims[3]), taps = (size_t)(d.w.kernel[0] * d.w.kernel[1]), n = (size_t)(d.w.out[0] * d.w.out[1]);
    const size_t channels = (size_t)x->dims[1], per = (size_t)w->dims[1], m = (size_t)(w->dims[0] / d.group), shared = channels / (size_t)d.offset_group, width = (size_t)d.w.out[1];
    MOTE_REQUIRE(plane < INT32_MAX, c->diag, MOTE_E_LIMIT, "an image of %zu pixels", plane);
    const char *xw = mote_widen(temp, x), *ww = mote_widen(temp, w), *moves = mote_widen(temp, offset), *weights_of = mask != NULL ? mote_widen(temp, mask) : NULL;
    char *y = mote_wide_output(temp, c->out[0]);
    if (xw == NULL || ww == NULL || y == NULL || moves == NULL || (mask != NULL && weights_of == NULL))
        return MOTE_NO_MEMORY(c->diag, x->bytes);
    if (mote_array_count(c->out[0]) == 0)
        return MOTE_OK;
    size_t cells;
    MOTE_REQUIRE(mote_size_mul(channels * taps, n, &cells), c->diag, MOTE_E_LIMIT, "samples of more than memory can be");
    place *p = mote_temp(temp, n + 1, sizeof *p, c->diag);
    char *columns = mote_temp(temp, cells + 1, size, c->diag);
    size_t floats;
    MOTE_REQUIRE(mote_gemm_f32_packed(n, per * taps, &floats), c->diag, MOTE_E_LIMIT, "samples of more than memory can be");
    float *packed = f32 ? mote_temp(temp, floats, sizeof *packed, c->diag) : NULL;
    if (p == NULL || columns == NULL || (f32 && packed == NULL))
        return MOTE_E_MEMORY;
    for (size_t b = 0; b < (size_t)x->dims[0]; b++) {
        for (size_t g = 0; g < (size_t)d.offset_group && plane != 0; g++)
            for (size_t t = 0; t < taps; t++) {
                const size_t first = (b * (size_t)d.offset_group + g) * taps + t;
                const int64_t ty = (int64_t)(t / (size_t)d.w.kernel[1]) * d.w.dilation[0] - d.w.pad_begin[0], tx = (int64_t)(t % (size_t)d.w.kernel[1]) * d.w.dilation[1] - d.w.pad_begin[1];
                for (size_t i = 0; i < n; i++)
                    place_of((double)((int64_t)(i / width) * d.w.stride[0] + ty) + wide_at(moves, f32, (2 * first) * n + i),
                             (double)((int64_t)(i % width) * d.w.stride[1] + tx) + wide_at(moves, f32, (2 * first + 1) * n + i), x->dims[2], x->dims[3],
                             mask != NULL ? wide_at(weights_of, f32, first * n + i) : 1, &p[i]);
                for (size_t ch = g * shared; ch < (g + 1) * shared; ch++) {
                    const char *from = xw + (b * channels + ch) * plane * size;
                    char *to = columns + (ch * taps + t) * n * size;
                    if (f32)
                        columns_f32((const float *)(const void *)from, p, n, (float *)(void *)to);
                    else
                        columns_f64((const double *)(const void *)from, p, n, (double *)(void *)to);
                }
            }
        for (size_t o = 0; o < (size_t)w->dims[0]; o++) {
            const double bias = mote_eval_has(c, 3) ? mote_array_f64(c->in[3], o) : 0;
            for (size_t i = 0; i < n; i++)
                if (f32)
                    ((float *)(void *)y)[(b * (size_t)w->dims[0] + o) * n + i] = (float)bias;
                else
                    ((double *)(void *)y)[(b * (size_t)w->dims[0] + o) * n + i] = bias;
        }
        for (size_t g = 0; g < (size_t)d.group; g++) {
            const char *weights = ww + g * m * per * taps * size, *from = columns + g * per * taps * n * size;
            char *to = y + (b * (size_t)w->dims[0] + g * m) * n * size;
            if (f32)
                product_f32((const float *)(const void *)weights, (const float *)(const void *)from, m, per * taps, n, (float *)(void *)to, c->cpu, packed);
            else
                product_f64((const double *)(const void *)weights, (const double *)(const void *)from, m, per * taps, n, (double *)(void *)to);
        }
    }
    mote_narrow(c->out[0], y);
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_deform)

#define DEFORM(t)                                                                                                      \
    .in = "X:T W:T offset:T B?:T mask?:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}),                                        \
    .attrs = MOTE_ATTRS(MOTE_A(INTS, "dilations"), MOTE_A_INT("group", 1), MOTE_A(INTS, "kernel_shape"),                          \
              MOTE_A_INT("offset_group", 1), MOTE_A(INTS, "pads"), MOTE_A(INTS, "strides")),                            \
    .infer = infer_deform, .eval = eval_deform, .doc = MOTE_DOC("a convolution whose taps are moved by offset, between the pixels, and weighed by mask")
MOTE_OP(onnx, DeformConv, 19, DEFORM(MOTE_T_FLOAT_7));
MOTE_OP(onnx, DeformConv, 22, DEFORM(MOTE_DTYPES_FLOAT));
