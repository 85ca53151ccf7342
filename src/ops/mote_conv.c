/* mote_conv.c - convolution and pooling, channels last (forms.h)
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "ops/args.h"
#include "ops/forms.h"
#include "ops/types.h"
#include "ops/wide.h"
#include "base/size.h"
#include <math.h>
#include <string.h>

/* ---- inference ---- */

static mote_status check_activation(mote_infer *c)
{
    mote_str name = mote_node_string(c->node, "activation", "");
    MOTE_REQUIRE(name.n == 0 || mote_unary_find(name) != MOTE_UNARY_COUNT, c->diag, MOTE_E_UNSUPPORTED, "activation '%.*s' is not known",
                 MOTE_STR_ARG(name));
    return MOTE_OK;
}

/* X[n, d.., c], W[m, c/group, k..] -> Y[n, o.., m] of type `dtype`, broadcast with input `residual` where there is one */
static mote_status infer_conv_of(mote_infer *c, uint32_t w_index, uint32_t residual, mote_dtype dtype)
{
    MOTE_TRY(check_activation(c));
    const mote_type *x = c->in[0], *w = c->in[w_index];
    if (x->rank < 0 || w->rank < 0) {
        mote_infer_out(c, 0, dtype, x->rank >= 0 ? x->rank : w->rank, NULL);
        return MOTE_OK;
    }
    int32_t r = x->rank - 2;
    MOTE_REQUIRE(r >= 1 && w->rank == x->rank, c->diag, MOTE_E_SHAPE, "X has rank %d and W %d, expected equal ones of 3 or more", x->rank,
                 w->rank);
    int64_t group = mote_node_int(c->node, "group", 1);
    MOTE_REQUIRE(group >= 1, c->diag, MOTE_E_VALUE, "group is %lld, expected 1 or more", (long long)group);
    int64_t channels;
    if (mote_dim_known(x->dims[r + 1]) && mote_dim_known(w->dims[1]))
        MOTE_REQUIRE(__builtin_mul_overflow(w->dims[1], group, &channels) == 0 && channels == x->dims[r + 1], c->diag, MOTE_E_SHAPE,
                     "X has %lld channels, expected %lld for each of %lld groups", (long long)x->dims[r + 1], (long long)w->dims[1],
                     (long long)group);
    MOTE_REQUIRE(!mote_dim_known(w->dims[0]) || w->dims[0] % group == 0, c->diag, MOTE_E_SHAPE,
                 "%lld output channels do not divide into %lld groups", (long long)w->dims[0], (long long)group);
    int64_t dims[MOTE_MAX_RANK];
    dims[0] = x->dims[0];
    dims[r + 1] = w->dims[0];
    bool known = true;
    for (int32_t i = 0; i < r; i++)
        known = known && mote_dim_known(w->dims[2 + i]);
    mote_window win;
    if (known)
        MOTE_TRY(mote_window_of(c->node, r, w->dims + 2, x->dims + 1, &win, c->diag));
    for (int32_t i = 0; i < r; i++)
        dims[1 + i] = known ? win.out[i] : MOTE_DIM_UNKNOWN;
    return mote_form_infer_sum(c, residual, dtype, x->rank, dims);
}

static mote_status infer_conv(mote_infer *c)
{
    MOTE_TRY(infer_conv_of(c, 1, 3, c->in[0]->dtype));
    mote_type *y = &c->out[0];
    if (mote_node_int(c->node, "gate", 0) == 0 || y->rank < 1)
        return MOTE_OK;
    int64_t *channels = &y->dims[y->rank - 1];
    MOTE_REQUIRE(*channels < 0 || *channels % 2 == 0, c->diag, MOTE_E_SHAPE, "a gate of %lld channels, expected an even number", (long long)*channels);
    *channels = mote_dim_known(*channels) ? *channels / 2 : MOTE_DIM_UNKNOWN;
    return MOTE_OK;
}
static mote_status infer_conv_integer(mote_infer *c) { return infer_conv_of(c, 1, UINT32_MAX, MOTE_DTYPE_S32); }
static mote_status infer_qconv(mote_infer *c) { return infer_conv_of(c, 3, UINT32_MAX, c->in[7]->dtype); }

static mote_status infer_pool(mote_infer *c)
{
    const mote_type *x = c->in[0];
    if (x->rank < 0)
        return mote_infer_like(c);
    int32_t r = x->rank - 2;
    size_t n;
    const int64_t *kernel = mote_node_ints(c->node, "kernel_shape", &n);
    MOTE_REQUIRE(r >= 1 && kernel != NULL && n == (size_t)r, c->diag, MOTE_E_SHAPE, "kernel_shape has %zu values for an X of rank %d", n,
                 x->rank);
    mote_window win;
    MOTE_TRY(mote_window_of(c->node, r, kernel, x->dims + 1, &win, c->diag));
    int64_t dims[MOTE_MAX_RANK];
    dims[0] = x->dims[0];
    dims[r + 1] = x->dims[r + 1];
    for (int32_t i = 0; i < r; i++)
        dims[1 + i] = win.out[i];
    mote_infer_out(c, 0, x->dtype, x->rank, dims);
    return MOTE_OK;
}

static mote_status infer_global(mote_infer *c)
{
    const mote_type *x = c->in[0];
    if (x->rank < 0)
        return mote_infer_like(c);
    MOTE_REQUIRE(x->rank >= 3, c->diag, MOTE_E_SHAPE, "X has rank %d, expected 3 or more", x->rank);
    int64_t dims[MOTE_MAX_RANK];
    for (int32_t i = 0; i < x->rank; i++)
        dims[i] = i == 0 || i == x->rank - 1 ? x->dims[i] : 1;
    mote_infer_out(c, 0, x->dtype, x->rank, dims);
    return MOTE_OK;
}

/* ---- evaluation ---- */

/* Steps over the positions of a box; false after the last. */
static bool next(int32_t r, const int64_t *dims, int64_t *at)
{
    for (int32_t i = r - 1; i >= 0; i--) {
        if (++at[i] < dims[i])
            return true;
        at[i] = 0;
    }
    return false;
}

/* The input position of tap k at output o, as an index of spatial elements; false in the padding. */
static bool tap(const mote_window *w, const int64_t *o, const int64_t *k, size_t *index)
{
    size_t at = 0;
    for (int32_t i = 0; i < w->r; i++) {
        int64_t p = o[i] * w->stride[i] + k[i] * w->dilation[i] - w->pad_begin[i];
        if (p < 0 || p >= w->in[i])
            return false;
        at = at * (size_t)w->in[i] + (size_t)p;
    }
    *index = at;
    return true;
}

typedef struct conv_shape {
    mote_window win;
    size_t batch, in_pixels, out_pixels, taps, channels, outputs, group; /* channels: of X; outputs: of Y */
} conv_shape;

static mote_status conv_shape_of(mote_eval *c, const mote_array *x, const mote_array *w, conv_shape *s)
{
    int32_t r = x->rank - 2;
    MOTE_TRY(mote_window_of(c->node, r, w->dims + 2, x->dims + 1, &s->win, c->diag));
    s->batch = (size_t)x->dims[0];
    s->channels = (size_t)x->dims[r + 1];
    s->outputs = (size_t)w->dims[0];
    s->group = (size_t)mote_node_int(c->node, "group", 1);
    s->in_pixels = s->out_pixels = s->taps = 1;
    for (int32_t i = 0; i < r; i++) {
        s->in_pixels *= (size_t)s->win.in[i];
        s->out_pixels *= (size_t)s->win.out[i];
        s->taps *= (size_t)s->win.kernel[i];
    }
    return MOTE_OK;
}

static mote_status check_operands(mote_eval *c, const mote_array *w, uint32_t bias, size_t outputs)
{
    MOTE_REQUIRE(w->dims[0] > 0 || outputs == 0, c->diag, MOTE_E_SHAPE, "W is empty");
    if (mote_eval_has(c, bias))
        MOTE_REQUIRE(mote_array_count(c->in[bias]) == outputs, c->diag, MOTE_E_SHAPE, "B has %zu values, expected %zu",
                     mote_array_count(c->in[bias]), outputs);
    return MOTE_OK;
}

static void convolve(const conv_shape *s, const float *x, const float *w, const float *b, float *y)
{
    size_t cg = s->channels / s->group, mg = s->outputs / s->group;
    if (s->out_pixels == 0)
        return;
    for (size_t n = 0; n < s->batch; n++, x += s->in_pixels * s->channels) {
        int64_t o[MOTE_MAX_RANK] = {0};
        do {
            for (size_t m = 0; m < s->outputs; m++) {
                float acc = b != NULL ? b[m] : 0.0f;
                int64_t k[MOTE_MAX_RANK] = {0};
                size_t at, t = 0;
                do {
                    bool inside = tap(&s->win, o, k, &at); /* padding is zeros that count: they turn -0 into 0 */
                    for (size_t ch = 0; ch < cg; ch++)
                        acc = fmaf(inside ? x[at * s->channels + m / mg * cg + ch] : 0.0f, w[(m * cg + ch) * s->taps + t], acc);
                    t++;
                } while (next(s->win.r, s->win.kernel, k));
                *y++ = acc;
            }
        } while (next(s->win.r, s->win.out, o));
    }
}

static mote_status eval_sum(mote_eval *c)
{
    const mote_array *x = c->in[0], *w = c->in[1];
    conv_shape s;
    mote_array sum;
    int64_t dims[MOTE_MAX_RANK];
    MOTE_TRY(conv_shape_of(c, x, w, &s));
    MOTE_TRY(check_operands(c, w, 2, s.outputs));
    dims[0] = x->dims[0];
    for (int32_t i = 0; i < s.win.r; i++)
        dims[1 + i] = s.win.out[i];
    dims[x->rank - 1] = w->dims[0];
    MOTE_TRY(mote_form_sum(c, x->rank, dims, &sum));
    convolve(&s, x->data, w->data, mote_eval_has(c, 2) ? c->in[2]->data : NULL, sum.data);
    return mote_form_finish(c, &sum, 3, MOTE_OK);
}

static mote_status eval_conv(mote_eval *c)
{
    if (mote_node_int(c->node, "gate", 0) == 0)
        return eval_sum(c);
    const mote_array *y = c->out[0];
    mote_array both, *out = &both; /* twice the channels */
    int64_t dims[MOTE_MAX_RANK];
    memcpy(dims, y->dims, sizeof dims);
    MOTE_REQUIRE(mote_i64_mul(dims[y->rank - 1], 2, &dims[y->rank - 1]), c->diag, MOTE_E_SHAPE, "too many channels");
    MOTE_TRY(mote_array_shape(&both, MOTE_DTYPE_F32, y->rank, dims, c->diag));
    MOTE_TRY(mote_array_make(c->heap, &both, c->diag));
    mote_eval e = *c;
    e.out = &out;
    e.n_out = 1;
    mote_status status = eval_sum(&e);
    if (status == MOTE_OK)
        mote_form_gate(both.data, y->data, mote_array_count(y) / (size_t)mote_max_size(1, (size_t)y->dims[y->rank - 1]), (size_t)y->dims[y->rank - 1]);
    mote_array_free(c->heap, &both);
    return status;
}

/* Value i of a scalar or per-channel parameter. */
static double param_f64(const mote_array *a, size_t i) { return mote_array_f64(a, mote_array_count(a) == 1 ? 0 : i); }
static int64_t param_i64(const mote_array *a, size_t i)
{
    return a == NULL ? 0 : mote_array_i64(a, mote_array_count(a) == 1 ? 0 : i);
}

/* The sum of (x - xz) (w - wz) over the window of output o of image n, channel m. */
static int64_t product_sum(const conv_shape *s, const mote_array *x, const mote_array *w, size_t n, const int64_t *o, size_t m, int64_t xz, int64_t wz)
{
    const size_t cg = s->channels / s->group, group = m / (s->outputs / s->group), pixels = s->in_pixels * s->channels;
    int64_t k[MOTE_MAX_RANK] = {0}, sum = 0;
    size_t at, t = 0;
    do {
        if (tap(&s->win, o, k, &at))
            for (size_t ch = 0; ch < cg; ch++)
                sum += (mote_array_i64(x, n * pixels + at * s->channels + group * cg + ch) - xz) * (mote_array_i64(w, (m * cg + ch) * s->taps + t) - wz);
        t++;
    } while (next(s->win.r, s->win.kernel, k));
    return sum;
}

static mote_status eval_qconv(mote_eval *c)
{
    const mote_array *xa = c->in[0], *wa = c->in[3], *ba = mote_eval_has(c, 8) ? c->in[8] : NULL;
    conv_shape s;
    MOTE_TRY(conv_shape_of(c, xa, wa, &s));
    MOTE_TRY(check_operands(c, wa, 8, s.outputs));
    for (uint32_t i = 4; i <= 5; i++)
        MOTE_REQUIRE(!mote_eval_has(c, i) || mote_array_count(c->in[i]) == 1 || mote_array_count(c->in[i]) == s.outputs, c->diag,
                     MOTE_E_SHAPE, "a quantization parameter of W has %zu values, expected 1 or %zu", mote_array_count(c->in[i]), s.outputs);
    int64_t xz = param_i64(mote_eval_has(c, 2) ? c->in[2] : NULL, 0), yz = param_i64(c->in[7], 0);
    float xs = (float)param_f64(c->in[1], 0), ys = (float)param_f64(c->in[6], 0);
    mote_array *ya = c->out[0];
    int64_t low = ya->dtype == MOTE_DTYPE_S8 ? -128 : 0, high = low + 255;
    int64_t qmin = mote_node_int(c->node, "qmin", low), qmax = mote_node_int(c->node, "qmax", high);
    const uint8_t *table = mote_eval_has(c, 9) ? c->in[9]->data : NULL;
    size_t i = 0;
    if (s.out_pixels == 0)
        return MOTE_OK;
    for (size_t n = 0; n < s.batch; n++) {
        int64_t o[MOTE_MAX_RANK] = {0};
        do {
            for (size_t m = 0; m < s.outputs; m++, i++) {
                const int64_t wz = param_i64(mote_eval_has(c, 5) ? c->in[5] : NULL, m);
                const int64_t acc = (ba != NULL ? mote_array_i64(ba, m) : 0) + product_sum(&s, xa, wa, n, o, m, xz, wz);
                float scale = mote_requant_scale(xs, (float)param_f64(c->in[4], m), ys);
                double q = (double)rintf((float)(int32_t)acc * scale) + (double)yz;
                int64_t v = q < (double)qmin ? qmin : q > (double)qmax ? qmax : (int64_t)q;
                if (q != q)
                    v = qmin;
                mote_dtype_from_i64(ya->dtype, ya->data, i, v);
                if (table != NULL)
                    ((uint8_t *)ya->data)[i] = table[((uint8_t *)ya->data)[i]];
            }
        } while (next(s.win.r, s.win.out, o));
    }
    return MOTE_OK;
}

static mote_status eval_conv_integer(mote_eval *c)
{
    const mote_array *wz = mote_eval_has(c, 3) ? c->in[3] : NULL;
    conv_shape s;
    MOTE_TRY(conv_shape_of(c, c->in[0], c->in[1], &s));
    MOTE_TRY(check_operands(c, c->in[1], c->n_in, s.outputs));
    MOTE_REQUIRE(!mote_eval_has(c, 2) || mote_array_count(c->in[2]) == 1, c->diag, MOTE_E_SHAPE, "X has %zu zero points, expected 1", mote_array_count(c->in[2]));
    MOTE_REQUIRE(wz == NULL || mote_array_count(wz) == 1 || mote_array_count(wz) == s.outputs, c->diag, MOTE_E_SHAPE,
                 "W has %zu zero points, expected 1 or %zu", mote_array_count(wz), s.outputs);
    const int64_t xz = param_i64(mote_eval_has(c, 2) ? c->in[2] : NULL, 0);
    size_t i = 0;
    for (size_t n = 0; n < s.batch && s.out_pixels != 0; n++) {
        int64_t o[MOTE_MAX_RANK] = {0};
        do {
            for (size_t m = 0; m < s.outputs; m++, i++)
                ((int32_t *)c->out[0]->data)[i] = (int32_t)(uint32_t)(uint64_t)product_sum(&s, c->in[0], c->in[1], n, o, m, xz, param_i64(wz, m));
        } while (next(s.win.r, s.win.out, o));
    }
    return MOTE_OK;
}

/* Window reductions: any 8-bit or f32 type for max, f32 for the average. */
static mote_status eval_window(mote_eval *c, bool global, bool max)
{
    const mote_array *xa = c->in[0];
    mote_array *ya = c->out[0];
    int32_t r = xa->rank - 2;
    mote_window win = {.r = r};
    if (global) {
        for (int32_t i = 0; i < r; i++) {
            win.kernel[i] = win.in[i] = xa->dims[1 + i];
            win.stride[i] = win.dilation[i] = win.out[i] = 1;
        }
    } else {
        size_t n;
        const int64_t *kernel = mote_node_ints(c->node, "kernel_shape", &n);
        MOTE_TRY(mote_window_of(c->node, r, kernel, xa->dims + 1, &win, c->diag));
    }
    size_t channels = (size_t)xa->dims[r + 1], pixels = 1, out_pixels = 1, i = 0;
    for (int32_t d = 0; d < r; d++) {
        pixels *= (size_t)win.in[d];
        out_pixels *= (size_t)win.out[d];
    }
    bool include = mote_node_int(c->node, "count_include_pad", 0) != 0;
    if (out_pixels == 0)
        return MOTE_OK;
    for (size_t n = 0; n < (size_t)xa->dims[0]; n++) {
        int64_t o[MOTE_MAX_RANK] = {0};
        do {
            const size_t counted = mote_window_counted(&win, o);
            int64_t first[MOTE_MAX_RANK], there[MOTE_MAX_RANK];
            mote_window_inside(&win, o, first, there);
            size_t taps = 1;
            for (int32_t d = 0; d < r; d++)
                taps *= (size_t)there[d];
            for (size_t ch = 0; ch < channels; ch++, i++) {
                int64_t k[MOTE_MAX_RANK], box[MOTE_MAX_RANK] = {0};
                size_t at, used = 0;
                float sum = 0.0f, top = -INFINITY;
                int64_t itop = INT64_MIN;
                for (size_t t = 0; t < taps; t++, next(r, there, box)) {
                    for (int32_t d = 0; d < r; d++)
                        k[d] = first[d] + box[d];
                    if (!tap(&win, o, k, &at))
                        continue;
                    size_t e = (n * pixels + at) * channels + ch;
                    used++;
                    if (xa->dtype != MOTE_DTYPE_F32) {
                        int64_t v = mote_array_i64(xa, e);
                        itop = v > itop ? v : itop;
                        continue;
                    }
                    float v = ((const float *)xa->data)[e];
                    sum += v;
                    top = !(v <= top) ? v : top;
                }
                if (xa->dtype != MOTE_DTYPE_F32)
                    mote_dtype_from_i64(ya->dtype, ya->data, i, itop);
                else
                    ((float *)ya->data)[i] = max ? top : sum / (float)(include ? counted : used);
            }
        } while (next(r, win.out, o));
    }
    return MOTE_OK;
}

static mote_status eval_max_pool(mote_eval *c) { return eval_window(c, false, true); }
static mote_status eval_average_pool(mote_eval *c) { return eval_window(c, false, false); }
static mote_status eval_global_max_pool(mote_eval *c) { return eval_window(c, true, true); }
static mote_status eval_global_average_pool(mote_eval *c) { return eval_window(c, true, false); }

#define WINDOW_ATTRS                                                                                                   \
    MOTE_A_STRING("auto_pad", "NOTSET"), MOTE_A(INTS, "dilations"), MOTE_A(INTS, "kernel_shape"), MOTE_A(INTS, "pads"),    \
        MOTE_A(INTS, "strides")
#define ACTIVATION_ATTRS MOTE_A_STRING("activation", ""), MOTE_A_FLOAT("p0", 0.0f), MOTE_A_FLOAT("p1", 0.0f)

MOTE_OP(mote, Conv, 1, .in = "X:T W:T B?:T R?:T", .out = "Y:T", .types = MOTE_TYPES({"T", MOTE_DT(F32), 0}),
        .attrs = MOTE_ATTRS(WINDOW_ATTRS, MOTE_A_INT("group", 1), MOTE_A_INT("repeat", 1), MOTE_A_INT("gate", 0), ACTIVATION_ATTRS), .infer = infer_conv, .eval = eval_conv,
        .doc = MOTE_DOC("convolution, channels last, with residual and activation"));
MOTE_OP(mote, QConv, 1, .in = "X:T xs:float xz?:T W:W ws:float wz?:W ys:float yz:Y B?:int32 T?:Y", .out = "Y:Y",
        .types = MOTE_TYPES({"T", MOTE_DT(U8) | MOTE_DT(S8), 0}, {"W", MOTE_DT(U8) | MOTE_DT(S8), 0}, {"Y", MOTE_DT(U8) | MOTE_DT(S8), 0}),
        .attrs = MOTE_ATTRS(WINDOW_ATTRS, MOTE_A_INT("group", 1), MOTE_A(INT, "qmin"), MOTE_A(INT, "qmax")), .infer = infer_qconv,
        .eval = eval_qconv, .doc = MOTE_DOC("integer convolution, channels last, with clamp and table"));
MOTE_OP(mote, ConvInteger, 1, .in = "X:T W:W xz?:T wz?:W", .out = "Y:int32",
        .types = MOTE_TYPES({"T", MOTE_DT(U8) | MOTE_DT(S8), 0}, {"W", MOTE_DT(U8) | MOTE_DT(S8), 0}), .attrs = MOTE_ATTRS(WINDOW_ATTRS, MOTE_A_INT("group", 1)),
        .infer = infer_conv_integer, .eval = eval_conv_integer, .doc = MOTE_DOC("s32 sums of an integer convolution, channels last"));
MOTE_OP(mote, MaxPool, 1, .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", MOTE_DT(F32) | MOTE_DT(U8) | MOTE_DT(S8), 0}),
        .attrs = MOTE_ATTRS(WINDOW_ATTRS, MOTE_A_INT("ceil_mode", 0)), .infer = infer_pool, .eval = eval_max_pool,
        .doc = MOTE_DOC("largest element of each window, channels last"));
MOTE_OP(mote, AveragePool, 1, .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", MOTE_DT(F32), 0}),
        .attrs = MOTE_ATTRS(WINDOW_ATTRS, MOTE_A_INT("ceil_mode", 0), MOTE_A_INT("count_include_pad", 0)), .infer = infer_pool,
        .eval = eval_average_pool, .doc = MOTE_DOC("mean of each window, channels last"));
MOTE_OP(mote, GlobalMaxPool, 1, .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", MOTE_DT(F32) | MOTE_DT(U8) | MOTE_DT(S8), 0}),
        .infer = infer_global, .eval = eval_global_max_pool, .doc = MOTE_DOC("largest element of each channel, channels last"));
MOTE_OP(mote, GlobalAveragePool, 1, .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", MOTE_DT(F32), 0}), .infer = infer_global,
        .eval = eval_global_average_pool, .doc = MOTE_DOC("mean of each channel, channels last"));
