/* conv_transpose.c - ConvTranspose
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: ONNX ConvTranspose-22. X[n, c, d1..dr], W[c, m/group, k1..kr]. An output is b[m] + t1 + t2 + ... over the taps that reach it, k1..kr ascending;
 * each t = sum over the group's channels, ascending, from 0, one fma a term. */
#include "base/platform.h"
#include "ops/conv_transpose.h"
#include "ops/types.h"
#include "ops/wide.h"
#include <math.h>

mote_status mote_transposed_window_of(const mote_node *n, int32_t r, const int64_t *kernel, const int64_t *in, mote_window *w, mote_diag *diag)
{
    *w = (mote_window){.r = r};
    int64_t pads[2 * MOTE_MAX_RANK], extra[MOTE_MAX_RANK], shape[MOTE_MAX_RANK];
    MOTE_TRY(mote_window_list(n, "strides", (size_t)r, 1, 1, w->stride, diag));
    MOTE_TRY(mote_window_list(n, "dilations", (size_t)r, 1, 1, w->dilation, diag));
    MOTE_TRY(mote_window_list(n, "pads", 2 * (size_t)r, 0, 0, pads, diag));
    MOTE_TRY(mote_window_list(n, "output_padding", (size_t)r, 0, 0, extra, diag));
    const bool shaped = mote_node_attr(n, "output_shape") != NULL;
    MOTE_TRY(mote_window_list(n, "output_shape", (size_t)r, 0, 0, shape, diag));
    mote_str how = mote_node_string(n, "auto_pad", "NOTSET");
    bool upper = mote_str_is(how, "SAME_UPPER"), same = upper || mote_str_is(how, "SAME_LOWER"), valid = mote_str_is(how, "VALID");
    MOTE_REQUIRE(same || valid || mote_str_is(how, "NOTSET") || how.n == 0, diag, MOTE_E_VALUE,
                 "auto_pad is '%.*s', expected NOTSET, SAME_UPPER, SAME_LOWER or VALID", MOTE_STR_ARG(how));
    for (int32_t i = 0; i < r; i++) {
        int64_t extent, span, full;
        w->kernel[i] = kernel[i];
        w->in[i] = in[i];
        w->out[i] = shaped ? shape[i] : MOTE_DIM_UNKNOWN;
        w->pad_begin[i] = valid ? 0 : pads[i];
        w->pad_end[i] = valid ? 0 : pads[r + i];
        if (!mote_dim_known(in[i]) || !mote_dim_known(kernel[i]))
            continue;
        MOTE_REQUIRE(kernel[i] >= 1 && mote_i64_mul(kernel[i] - 1, w->dilation[i], &extent) && mote_i64_add(extent, 1, &extent) &&
                         mote_i64_mul(in[i] > 0 ? in[i] - 1 : 0, w->stride[i], &span) && mote_i64_add(span, extent, &full) &&
                         mote_i64_add(full, extra[i], &full) && full < (int64_t)1 << 48,
                     diag, MOTE_E_SHAPE, "a window of %lld over %lld elements, expected 1 or more and a result below 2^48", (long long)kernel[i],
                     (long long)in[i]);
        if (same || shaped) {
            if (!shaped)
                MOTE_REQUIRE(mote_i64_mul(in[i], w->stride[i], &w->out[i]), diag, MOTE_E_SHAPE, "the output is too large");
            int64_t cut = full > w->out[i] ? full - w->out[i] : 0;
            w->pad_begin[i] = upper ? cut / 2 : cut - cut / 2;
            w->pad_end[i] = cut - w->pad_begin[i];
        } else {
            w->out[i] = in[i] == 0 ? 0 : full - w->pad_begin[i] - w->pad_end[i];
        }
        MOTE_REQUIRE(w->out[i] >= 0, diag, MOTE_E_SHAPE, "pads of %lld and %lld leave nothing of %lld elements", (long long)w->pad_begin[i],
                     (long long)w->pad_end[i], (long long)full);
    }
    return MOTE_OK;
}

static mote_status infer_transposed(mote_infer *c)
{
    const mote_type *x = c->in[0], *w = c->in[1];
    int32_t rank = x->rank >= 0 ? x->rank : w->rank, r = rank - 2;
    mote_infer_out(c, 0, x->dtype, rank, NULL);
    if (rank < 0)
        return MOTE_OK;
    MOTE_REQUIRE(r >= 1 && (x->rank < 0 || w->rank < 0 || w->rank == x->rank), c->diag, MOTE_E_SHAPE,
                 "X has rank %d and W %d, expected equal ones of 3 or more", x->rank, w->rank);
    int64_t group = mote_node_int(c->node, "group", 1), dims[MOTE_MAX_RANK], kernel[MOTE_MAX_RANK], in[MOTE_MAX_RANK];
    MOTE_REQUIRE(group >= 1, c->diag, MOTE_E_VALUE, "group is %lld, expected 1 or more", (long long)group);
    int64_t channels = w->rank >= 0 ? w->dims[0] : MOTE_DIM_UNKNOWN;
    MOTE_REQUIRE(x->rank < 0 || mote_dim_may_equal(x->dims[1], channels), c->diag, MOTE_E_SHAPE, "X has %lld channels, W %lld",
                 (long long)x->dims[1], (long long)channels);
    MOTE_REQUIRE(!mote_dim_known(channels) || channels % group == 0, c->diag, MOTE_E_SHAPE, "%lld channels do not divide into %lld groups",
                 (long long)channels, (long long)group);
    dims[0] = x->rank >= 0 ? x->dims[0] : MOTE_DIM_UNKNOWN;
    dims[1] = MOTE_DIM_UNKNOWN;
    if (w->rank >= 0 && mote_dim_known(w->dims[1]))
        MOTE_REQUIRE(mote_i64_mul(w->dims[1], group, &dims[1]), c->diag, MOTE_E_SHAPE, "too many output channels");
    if (mote_infer_ranked(c, 2))
        MOTE_REQUIRE(c->in[2]->rank == 1 && mote_dim_may_equal(c->in[2]->dims[0], dims[1]), c->diag, MOTE_E_SHAPE,
                     "the bias does not have one value for each of the %lld output channels", (long long)dims[1]);
    size_t n;
    const int64_t *attr = mote_node_ints(c->node, "kernel_shape", &n);
    MOTE_REQUIRE(attr == NULL || n == (size_t)r, c->diag, MOTE_E_SHAPE, "kernel_shape has %zu values, expected %d", n, r);
    for (int32_t i = 0; i < r; i++) {
        in[i] = x->rank >= 0 ? x->dims[2 + i] : MOTE_DIM_UNKNOWN;
        kernel[i] = w->rank >= 0 && mote_dim_known(w->dims[2 + i]) ? w->dims[2 + i] : attr != NULL ? attr[i] : MOTE_DIM_UNKNOWN;
        MOTE_REQUIRE(attr == NULL || attr[i] == kernel[i], c->diag, MOTE_E_SHAPE, "kernel_shape says %lld where W has %lld", (long long)attr[i],
                     (long long)kernel[i]);
    }
    mote_window win;
    MOTE_TRY(mote_transposed_window_of(c->node, r, kernel, in, &win, c->diag));
    for (int32_t i = 0; i < r; i++)
        dims[2 + i] = win.out[i];
    mote_infer_out(c, 0, x->dtype, rank, dims);
    return MOTE_OK;
}

typedef struct shape {
    mote_window win;
    size_t batch, channels, outputs, cg, mg, in_pixels, out_pixels, taps;
} shape;

/* The input pixel whose tap k lands on output o; SIZE_MAX: none. */
static size_t source(const mote_window *w, const int64_t *o, const int64_t *k)
{
    size_t at = 0;
    for (int32_t i = 0; i < w->r; i++) {
        int64_t p = o[i] + w->pad_begin[i] - k[i] * w->dilation[i];
        if (p < 0 || p % w->stride[i] != 0 || p / w->stride[i] >= w->in[i])
            return SIZE_MAX;
        at = at * (size_t)w->in[i] + (size_t)(p / w->stride[i]);
    }
    return at;
}

#define TRANSPOSED(T, suffix, FMA)                                                                                     \
    static void transposed_##suffix(const shape *s, const T *x, const T *w, const T *b, T *y, size_t *taps)            \
    {                                                                                                                  \
        for (size_t n = 0; n < s->batch; n++, x += s->channels * s->in_pixels, y += s->outputs * s->out_pixels) {      \
            int64_t o[MOTE_MAX_RANK] = {0};                                                                            \
            size_t pixel = 0;                                                                                          \
            do {                                                                                                       \
                int64_t k[MOTE_MAX_RANK] = {0};                                                                        \
                size_t t = 0;                                                                                          \
                do                                                                                                     \
                    taps[t++] = source(&s->win, o, k);                                                                 \
                while (mote_box_next(s->win.r, s->win.kernel, k));                                                     \
                for (size_t m = 0; m < s->outputs; m++) {                                                              \
                    size_t first = m / s->mg * s->cg;                                                                  \
                    T acc = b != NULL ? b[m] : 0;                                                                      \
                    for (t = 0; t < s->taps; t++) {                                                                    \
                        if (taps[t] == SIZE_MAX)                                                                       \
                            continue;                                                                                  \
                        T sum = 0;                                                                                     \
                        for (size_t ch = first; ch < first + s->cg; ch++)                                              \
                            sum = FMA(x[ch * s->in_pixels + taps[t]], w[(ch * s->mg + m % s->mg) * s->taps + t], sum); \
                        acc = acc + sum;                                                                               \
                    }                                                                                                  \
                    y[m * s->out_pixels + pixel] = acc;                                                                \
                }                                                                                                      \
                pixel++;                                                                                               \
            } while (mote_box_next(s->win.r, s->win.out, o));                                                          \
        }                                                                                                              \
    }
TRANSPOSED(float, f32, fmaf)
TRANSPOSED(double, f64, fma)

static mote_status eval_transposed_temp(mote_eval *c, mote_arena *temp)
{
    const mote_array *xa = c->in[0], *wa = c->in[1];
    mote_array *ya = c->out[0];
    if (mote_array_count(ya) == 0)
        return MOTE_OK;
    int32_t r = xa->rank - 2;
    shape s;
    MOTE_TRY(mote_transposed_window_of(c->node, r, wa->dims + 2, xa->dims + 2, &s.win, c->diag));
    s.batch = (size_t)xa->dims[0];
    s.channels = (size_t)xa->dims[1];
    s.outputs = (size_t)ya->dims[1];
    s.mg = (size_t)wa->dims[1];
    s.cg = s.channels / (s.outputs / s.mg);
    s.in_pixels = mote_dims_count(s.win.in, r);
    s.out_pixels = mote_dims_count(s.win.out, r);
    s.taps = mote_dims_count(s.win.kernel, r);
    const void *x = mote_widen(temp, xa), *w = mote_widen(temp, wa), *b = mote_eval_has(c, 2) ? mote_widen(temp, c->in[2]) : NULL;
    void *y = mote_wide_output(temp, ya);
    size_t *taps = mote_temp(temp, s.taps + 1, sizeof *taps, c->diag);
    if (x == NULL || w == NULL || y == NULL || taps == NULL || (mote_eval_has(c, 2) && b == NULL))
        return MOTE_NO_MEMORY(c->diag, 0);
    if (mote_class_of(ya->dtype) == MOTE_CLASS_F64)
        transposed_f64(&s, x, w, b, y, taps);
    else
        transposed_f32(&s, x, w, b, y, taps);
    mote_narrow(ya, y);
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_transposed)

#define TRANSPOSED_1(t)                                                                                                \
    .in = "X:T W:T B?:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}),                                                         \
    .attrs = MOTE_ATTRS(MOTE_A_STRING("auto_pad", "NOTSET"), MOTE_A(INTS, "dilations"), MOTE_A_INT("group", 1), MOTE_A(INTS, "kernel_shape"),   \
              MOTE_A(INTS, "output_padding"), MOTE_A(INTS, "output_shape"), MOTE_A(INTS, "pads"), MOTE_A(INTS, "strides")),            \
    .infer = infer_transposed, .eval = eval_transposed,                                                                 \
    .doc = MOTE_DOC("y[i stride - pad + k dilation] += sum_c x[c, i] w[c, m, k], from b[m], in groups")
MOTE_OP(onnx, ConvTranspose, 1, TRANSPOSED_1(MOTE_T_FLOAT_7));
MOTE_OP(onnx, ConvTranspose, 11, TRANSPOSED_1(MOTE_T_FLOAT_7));
MOTE_OP(onnx, ConvTranspose, 22, TRANSPOSED_1(MOTE_DTYPES_FLOAT));
