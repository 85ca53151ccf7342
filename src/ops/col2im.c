/* col2im.c - Col2Im
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: ONNX Col2Im-18. X[n, c prod(block), windows] -> Y[n, c, image]: the elements of every window are added where they lie in the image; taps, then
 * windows, ascending. */
#include "base/platform.h"
#include "ops/forms.h"
#include "ops/types.h"
#include "ops/wide.h"

static mote_status window_of(const mote_node *node, const mote_array *image, const mote_array *block, mote_window *w, mote_diag *diag)
{
    int64_t size[MOTE_MAX_RANK], kernel[MOTE_MAX_RANK];
    size_t r, rk;
    MOTE_TRY(mote_arg_ints(image, MOTE_MAX_RANK - 2, "image_shape", diag, size, &r));
    MOTE_TRY(mote_arg_ints(block, MOTE_MAX_RANK - 2, "block_shape", diag, kernel, &rk));
    MOTE_REQUIRE(r >= 1 && r == rk, diag, MOTE_E_SHAPE, "image_shape has %zu values and block_shape %zu, expected equally many", r, rk);
    for (size_t i = 0; i < r; i++)
        MOTE_REQUIRE(size[i] >= 0, diag, MOTE_E_VALUE, "image_shape has value %lld", (long long)size[i]);
    return mote_window_of(node, (int32_t)r, kernel, size, w, diag);
}

static mote_status infer_col2im(mote_infer *c)
{
    const mote_type *x = c->in[0];
    const mote_array *image = mote_infer_value(c, 1), *block = mote_infer_value(c, 2);
    mote_infer_out(c, 0, x->dtype, -1, NULL);
    MOTE_REQUIRE(x->rank < 0 || x->rank == 3, c->diag, MOTE_E_SHAPE, "input has rank %d, expected 3", x->rank);
    if (x->rank < 0 || image == NULL || block == NULL)
        return MOTE_OK;
    mote_window w;
    MOTE_TRY(window_of(c->node, image, block, &w, c->diag));
    int64_t dims[MOTE_MAX_RANK] = {x->dims[0], MOTE_DIM_UNKNOWN}, taps = 1, windows = 1;
    for (int32_t i = 0; i < w.r; i++) {
        MOTE_REQUIRE(mote_i64_mul(taps, w.kernel[i], &taps) && mote_i64_mul(windows, w.out[i], &windows), c->diag, MOTE_E_SHAPE, "a window is too large");
        dims[2 + i] = w.in[i];
    }
    MOTE_REQUIRE(mote_dim_may_equal(x->dims[2], windows), c->diag, MOTE_E_SHAPE, "input has %lld windows, expected %lld", (long long)x->dims[2],
                 (long long)windows);
    if (mote_dim_known(x->dims[1])) {
        MOTE_REQUIRE(x->dims[1] % taps == 0, c->diag, MOTE_E_SHAPE, "%lld rows do not divide into blocks of %lld", (long long)x->dims[1], (long long)taps);
        dims[1] = x->dims[1] / taps;
    }
    mote_infer_out(c, 0, x->dtype, w.r + 2, dims);
    return MOTE_OK;
}

/* The rows of one channel, taps x windows, into its image. */
#define ADD(T, suffix)                                                                                                 \
    static void add_##suffix(const mote_window *w, const T *x, T *y)                                                   \
    {                                                                                                                  \
        int64_t k[MOTE_MAX_RANK] = {0};                                                                                \
        do {                                                                                                           \
            int64_t o[MOTE_MAX_RANK] = {0};                                                                            \
            do {                                                                                                       \
                size_t at;                                                                                             \
                if (mote_window_tap(w, o, k, &at))                                                                     \
                    y[at] = y[at] + *x;                                                                                \
                x++;                                                                                                   \
            } while (mote_box_next(w->r, w->out, o));                                                                  \
        } while (mote_box_next(w->r, w->kernel, k));                                                                   \
    }
ADD(float, f32)

/* The same of pictures: the pixels of a window's row are a stride apart. */
static void add_picture(const mote_window *w, const float *x, float *y)
{
    for (int64_t kh = 0; kh < w->kernel[0]; kh++)
        for (int64_t kw = 0; kw < w->kernel[1]; kw++)
            for (int64_t oh = 0; oh < w->out[0]; oh++, x += w->out[1]) {
                const int64_t ih = oh * w->stride[0] + kh * w->dilation[0] - w->pad_begin[0], first = kw * w->dilation[1] - w->pad_begin[1], s = w->stride[1];
                if (ih < 0 || ih >= w->in[0])
                    continue;
                int64_t begin = first < 0 ? (s - 1 - first) / s : 0, end = w->in[1] > first ? (w->in[1] - first + s - 1) / s : 0;
                end = end < w->out[1] ? end : w->out[1];
                float *row = y + ih * w->in[1] + first;
                if (s == 1)
                    for (int64_t ow = begin; ow < end; ow++)
                        row[ow] += x[ow];
                else
                    for (int64_t ow = begin; ow < end; ow++)
                        row[ow * s] += x[ow];
            }
}
ADD(double, f64)
ADD(uint64_t, u64)

static mote_status eval_col2im_temp(mote_eval *c, mote_arena *temp)
{
    const mote_array *xa = c->in[0];
    mote_window w;
    MOTE_TRY(window_of(c->node, c->in[1], c->in[2], &w, c->diag));
    const size_t taps = mote_dims_count(w.kernel, w.r), windows = mote_dims_count(w.out, w.r), pixels = mote_dims_count(w.in, w.r);
    MOTE_REQUIRE((size_t)xa->dims[2] == windows && (size_t)xa->dims[1] % taps == 0, c->diag, MOTE_E_SHAPE,
                 "input has %lld rows of %lld, expected a multiple of %zu rows of %zu", (long long)xa->dims[1], (long long)xa->dims[2], taps, windows);
    int64_t dims[MOTE_MAX_RANK] = {xa->dims[0], xa->dims[1] / (int64_t)taps};
    for (int32_t i = 0; i < w.r; i++)
        dims[2 + i] = w.in[i];
    MOTE_TRY(mote_eval_out(c, 0, xa->dtype, w.r + 2, dims));
    mote_array *ya = c->out[0];
    const size_t count = mote_array_count(ya);
    if (count == 0)
        return MOTE_OK;
    const mote_class class = mote_class_of(xa->dtype);
    const char *x = mote_widen(temp, xa);
    char *y = mote_temp(temp, count, mote_class_bytes(class), c->diag);
    if (x == NULL || y == NULL)
        return MOTE_NO_MEMORY(c->diag, ya->bytes);
    const size_t size = mote_class_bytes(class);
    for (size_t i = 0; i < count / pixels && windows != 0; i++) {
        const void *from = x + i * taps * windows * size;
        void *to = y + i * pixels * size;
        if (class == MOTE_CLASS_F32 && w.r == 2)
            add_picture(&w, from, to);
        else if (class == MOTE_CLASS_F32)
            add_f32(&w, from, to);
        else if (class == MOTE_CLASS_F64)
            add_f64(&w, from, to);
        else
            add_u64(&w, from, to); /* signed ones modulo 2^64 */
    }
    mote_elements_store(ya->dtype, ya->data, 0, count, y);
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_col2im)

MOTE_OP(onnx, Col2Im, 18, .in = "input:T image_shape:int64 block_shape:int64", .out = "output:T", .types = MOTE_TYPES({"T", MOTE_T_NUM_BOOL_13 & ~MOTE_DT(BOOL), 0}),
        .attrs = MOTE_ATTRS(MOTE_A(INTS, "dilations"), MOTE_A(INTS, "pads"), MOTE_A(INTS, "strides")), .infer = infer_col2im, .eval = eval_col2im,
        .doc = MOTE_DOC("y[image] += x[tap, window]: overlapping windows added up"));
