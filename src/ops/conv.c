/* conv.c - Conv, ConvInteger, QLinearConv
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ONNX Conv-22, ConvInteger-10, QLinearConv-10. X[n, c, d1..dr], W[m, c/group, k1..kr]. f32: from the bias, k1..kr then c ascending, one fma a
 * term; padding counts as zeros (in integers: as the zero point). */
#include "base/platform.h"
#include "ops/matmul.h"
#include "ops/types.h"

static mote_status infer_conv_of(mote_infer *c, uint32_t iw, uint32_t ib, mote_dtype dtype)
{
    const mote_type *x = c->in[0], *w = c->in[iw];
    int32_t rank = x->rank >= 0 ? x->rank : w->rank;
    if (rank < 0) {
        mote_infer_out(c, 0, dtype, -1, NULL);
        return MOTE_OK;
    }
    int32_t r = rank - 2;
    MOTE_REQUIRE(r >= 1 && (x->rank < 0 || w->rank < 0 || w->rank == x->rank), c->diag, MOTE_E_SHAPE,
                 "X has rank %d and W %d, expected equal ones of 3 or more", x->rank, w->rank);
    int64_t group = mote_node_int(c->node, "group", 1), dims[MOTE_MAX_RANK], kernel[MOTE_MAX_RANK], in[MOTE_MAX_RANK];
    MOTE_REQUIRE(group >= 1, c->diag, MOTE_E_VALUE, "group is %lld, expected 1 or more", (long long)group);
    dims[0] = x->rank >= 0 ? x->dims[0] : MOTE_DIM_UNKNOWN;
    dims[1] = w->rank >= 0 ? w->dims[0] : MOTE_DIM_UNKNOWN;
    if (x->rank >= 0 && w->rank >= 0 && mote_dim_known(x->dims[1]) && mote_dim_known(w->dims[1])) {
        int64_t channels;
        MOTE_REQUIRE(mote_i64_mul(w->dims[1], group, &channels) && channels == x->dims[1], c->diag, MOTE_E_SHAPE,
                     "X has %lld channels, expected %lld for each of %lld groups", (long long)x->dims[1], (long long)w->dims[1],
                     (long long)group);
    }
    MOTE_REQUIRE(!mote_dim_known(dims[1]) || dims[1] % group == 0, c->diag, MOTE_E_SHAPE, "%lld output channels do not divide into %lld groups",
                 (long long)dims[1], (long long)group);
    if (mote_infer_ranked(c, ib))
        MOTE_REQUIRE(c->in[ib]->rank == 1 && mote_dim_may_equal(c->in[ib]->dims[0], dims[1]), c->diag, MOTE_E_SHAPE,
                     "the bias does not have one value for each of the %lld output channels", (long long)dims[1]);
    size_t n;
    const int64_t *attr = mote_node_ints(c->node, "kernel_shape", &n);
    MOTE_REQUIRE(attr == NULL || n == (size_t)r, c->diag, MOTE_E_SHAPE, "kernel_shape has %zu values, expected %d", n, r);
    bool known = true;
    for (int32_t i = 0; i < r; i++) {
        in[i] = x->rank >= 0 ? x->dims[2 + i] : MOTE_DIM_UNKNOWN;
        kernel[i] = w->rank >= 0 && mote_dim_known(w->dims[2 + i]) ? w->dims[2 + i] : attr != NULL ? attr[i] : MOTE_DIM_UNKNOWN;
        MOTE_REQUIRE(attr == NULL || attr[i] == kernel[i], c->diag, MOTE_E_SHAPE, "kernel_shape says %lld where W has %lld", (long long)attr[i],
                     (long long)kernel[i]);
        known = known && mote_dim_known(kernel[i]);
        dims[2 + i] = MOTE_DIM_UNKNOWN;
    }
    if (known) {
        mote_window win;
        MOTE_TRY(mote_window_of(c->node, r, kernel, in, &win, c->diag));
        for (int32_t i = 0; i < r; i++)
            dims[2 + i] = win.out[i];
    }
    mote_infer_out(c, 0, dtype, rank, dims);
    return MOTE_OK;
}

static mote_status infer_conv(mote_infer *c) { return infer_conv_of(c, 1, 2, c->in[0]->dtype); }
static mote_status infer_conv_integer(mote_infer *c) { return infer_conv_of(c, 1, UINT32_MAX, MOTE_DTYPE_S32); }
static mote_status infer_qlinear(mote_infer *c)
{
    const int64_t outputs = mote_infer_ranked(c, 3) && c->in[3]->rank > 0 ? c->in[3]->dims[0] : MOTE_DIM_UNKNOWN;
    for (uint32_t i = 4; i < 6; i++)
        if (mote_infer_ranked(c, i) && c->in[i]->rank != 0)
            MOTE_REQUIRE(c->in[i]->rank == 1 && (mote_dim_may_equal(c->in[i]->dims[0], 1) || mote_dim_may_equal(c->in[i]->dims[0], outputs)), c->diag,
                         MOTE_E_SHAPE, "%s is no scalar and does not have one value for each of the %lld output channels",
                         i == 4 ? "w_scale" : "w_zero_point", (long long)outputs);
    return infer_conv_of(c, 3, 8, c->in[7]->dtype);
}

typedef struct shape {
    mote_window win;
    size_t batch, channels, outputs, cg, mg, in_pixels, out_pixels, taps;
} shape;

static mote_status shape_of(mote_eval *c, const mote_array *x, const mote_array *w, shape *s)
{
    int32_t r = x->rank - 2;
    MOTE_TRY(mote_window_of(c->node, r, w->dims + 2, x->dims + 2, &s->win, c->diag));
    size_t group = (size_t)mote_node_int(c->node, "group", 1);
    s->batch = (size_t)x->dims[0];
    s->channels = (size_t)x->dims[1];
    s->outputs = (size_t)w->dims[0];
    s->cg = (size_t)w->dims[1];
    s->mg = s->outputs / group;
    s->in_pixels = mote_dims_count(s->win.in, r);
    s->out_pixels = mote_dims_count(s->win.out, r);
    s->taps = mote_dims_count(s->win.kernel, r);
    return MOTE_OK;
}

/* Which input pixel each tap reads at output position o; SIZE_MAX in the padding. */
static void find_taps(const shape *s, const int64_t *o, size_t *taps)
{
    int64_t k[MOTE_MAX_RANK] = {0};
    size_t t = 0;
    do {
        if (!mote_window_tap(&s->win, o, k, &taps[t]))
            taps[t] = SIZE_MAX;
        t++;
    } while (mote_box_next(s->win.r, s->win.kernel, k));
}

#define CONV(T, suffix, FMA)                                                                                           \
    static void conv_##suffix(const shape *s, const T *x, const T *w, const T *b, T *y, size_t *taps)                  \
    {                                                                                                                  \
        for (size_t n = 0; n < s->batch; n++, x += s->channels * s->in_pixels, y += s->outputs * s->out_pixels) {      \
            int64_t o[MOTE_MAX_RANK] = {0};                                                                            \
            size_t pixel = 0;                                                                                          \
            do {                                                                                                       \
                find_taps(s, o, taps);                                                                                 \
                for (size_t m = 0; m < s->outputs; m++) {                                                              \
                    const T *p = x + m / s->mg * s->cg * s->in_pixels, *q = w + m * s->cg * s->taps;                   \
                    T acc = b != NULL ? b[m] : 0;                                                                      \
                    for (size_t t = 0; t < s->taps; t++)                                                               \
                        for (size_t ch = 0; ch < s->cg; ch++)                                                          \
                            acc = FMA(taps[t] == SIZE_MAX ? 0 : p[ch * s->in_pixels + taps[t]], q[ch * s->taps + t], acc); \
                    y[m * s->out_pixels + pixel] = acc;                                                                \
                }                                                                                                      \
                pixel++;                                                                                               \
            } while (mote_box_next(s->win.r, s->win.out, o));                                                          \
        }                                                                                                              \
    }
CONV(float, f32, fmaf)
CONV(double, f64, fma)

static mote_status eval_conv_temp(mote_eval *c, mote_arena *temp)
{
    shape s;
    mote_array *ya = c->out[0];
    MOTE_TRY(shape_of(c, c->in[0], c->in[1], &s));
    if (mote_array_count(ya) == 0)
        return MOTE_OK;
    const void *x = mote_widen(temp, c->in[0]), *w = mote_widen(temp, c->in[1]), *b = mote_eval_has(c, 2) ? mote_widen(temp, c->in[2]) : NULL;
    void *y = mote_wide_output(temp, ya);
    size_t *taps = mote_arena_calloc(temp, s.taps, sizeof *taps);
    if (x == NULL || w == NULL || y == NULL || taps == NULL || (mote_eval_has(c, 2) && b == NULL))
        return MOTE_NO_MEMORY(c->diag, 0);
    if (mote_class_of(ya->dtype) == MOTE_CLASS_F64)
        conv_f64(&s, x, w, b, y, taps);
    else
        conv_f32(&s, x, w, b, y, taps);
    mote_narrow(ya, y);
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_conv)

/* ---- integers ---- */

typedef struct integer_conv {
    shape s;
    const int32_t *x, *w;
    const mote_array *bias, *wz;
    int64_t xz;
    size_t *taps;
} integer_conv;

static mote_status integer_of(mote_eval *c, mote_arena *temp, uint32_t iw, uint32_t ixz, uint32_t iwz, integer_conv *v)
{
    MOTE_TRY(shape_of(c, c->in[0], c->in[iw], &v->s));
    v->wz = mote_eval_has(c, iwz) ? c->in[iwz] : NULL;
    MOTE_REQUIRE(!mote_eval_has(c, ixz) || mote_array_count(c->in[ixz]) == 1, c->diag, MOTE_E_SHAPE, "x_zero_point has %zu values, expected 1",
                 mote_array_count(c->in[ixz]));
    MOTE_REQUIRE(v->wz == NULL || mote_array_count(v->wz) == 1 || mote_array_count(v->wz) == v->s.outputs, c->diag, MOTE_E_SHAPE,
                 "w_zero_point has %zu values, expected 1 or %zu", mote_array_count(v->wz), v->s.outputs);
    v->xz = mote_eval_has(c, ixz) ? mote_array_i64(c->in[ixz], 0) : 0;
    v->x = mote_widen_s32(temp, c->in[0]);
    v->w = mote_widen_s32(temp, c->in[iw]);
    v->taps = mote_arena_calloc(temp, v->s.taps, sizeof *v->taps);
    return v->x != NULL && v->w != NULL && v->taps != NULL ? MOTE_OK : MOTE_NO_MEMORY(c->diag, 0);
}

/* The sum of output channel m at the position whose taps stand in v->taps, modulo 2^32. */
static int32_t integer_sum(const integer_conv *v, const int32_t *x, size_t m)
{
    const shape *s = &v->s;
    const int32_t *p = x + m / s->mg * s->cg * s->in_pixels, *q = v->w + m * s->cg * s->taps;
    int64_t acc = v->bias != NULL ? mote_array_i64(v->bias, m) : 0;
    int64_t wz = v->wz == NULL ? 0 : mote_array_i64(v->wz, mote_array_count(v->wz) == 1 ? 0 : m);
    for (size_t t = 0; t < s->taps; t++)
        for (size_t ch = 0; v->taps[t] != SIZE_MAX && ch < s->cg; ch++)
            acc += ((int64_t)p[ch * s->in_pixels + v->taps[t]] - v->xz) * ((int64_t)q[ch * s->taps + t] - wz);
    return (int32_t)(uint32_t)(uint64_t)acc;
}

static mote_status eval_conv_integer_temp(mote_eval *c, mote_arena *temp)
{
    integer_conv v = {0};
    MOTE_TRY(integer_of(c, temp, 1, 2, 3, &v));
    int32_t *y = c->out[0]->data;
    if (mote_array_count(c->out[0]) == 0)
        return MOTE_OK;
    for (size_t n = 0; n < v.s.batch; n++, y += v.s.outputs * v.s.out_pixels) {
        int64_t o[MOTE_MAX_RANK] = {0};
        size_t pixel = 0;
        do {
            find_taps(&v.s, o, v.taps);
            for (size_t m = 0; m < v.s.outputs; m++)
                y[m * v.s.out_pixels + pixel] = integer_sum(&v, v.x + n * v.s.channels * v.s.in_pixels, m);
            pixel++;
        } while (mote_box_next(v.s.win.r, v.s.win.out, o));
    }
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_conv_integer)

static mote_status eval_qlinear_temp(mote_eval *c, mote_arena *temp)
{
    integer_conv v = {.bias = mote_eval_has(c, 8) ? c->in[8] : NULL};
    MOTE_TRY(integer_of(c, temp, 3, 2, 5, &v));
    static const char *const names[] = {"x_scale", "w_scale", "y_scale", "y_zero_point"};
    static const uint8_t index[] = {1, 4, 6, 7};
    for (size_t i = 0; i < 4; i++) {
        size_t count = mote_array_count(c->in[index[i]]);
        MOTE_REQUIRE(count == 1 || (i == 1 && count == v.s.outputs), c->diag, MOTE_E_SHAPE, "%s has %zu values, expected 1", names[i], count);
    }
    mote_array *ya = c->out[0];
    int64_t yz = mote_array_i64(c->in[7], 0), low = ya->dtype == MOTE_DTYPE_S8 ? -128 : 0;
    float xs = (float)mote_array_f64(c->in[1], 0), ys = (float)mote_array_f64(c->in[6], 0);
    if (mote_array_count(ya) == 0)
        return MOTE_OK;
    for (size_t n = 0; n < v.s.batch; n++) {
        int64_t o[MOTE_MAX_RANK] = {0};
        size_t pixel = 0;
        do {
            find_taps(&v.s, o, v.taps);
            for (size_t m = 0; m < v.s.outputs; m++) {
                float ws = (float)mote_array_f64(c->in[4], mote_array_count(c->in[4]) == 1 ? 0 : m);
                int32_t acc = integer_sum(&v, v.x + n * v.s.channels * v.s.in_pixels, m);
                mote_dtype_from_i64(ya->dtype, ya->data, (n * v.s.outputs + m) * v.s.out_pixels + pixel,
                                    mote_requantize(acc, mote_requant_scale(xs, ws, ys), yz, low, low + 255));
            }
            pixel++;
        } while (mote_box_next(v.s.win.r, v.s.win.out, o));
    }
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_qlinear)

#define CONV_ATTRS                                                                                                     \
    MOTE_A_STRING("auto_pad", "NOTSET"), MOTE_A(INTS, "dilations"), MOTE_A_INT("group", 1), MOTE_A(INTS, "kernel_shape"),   \
        MOTE_A(INTS, "pads"), MOTE_A(INTS, "strides")
#define CONV_1(t)                                                                                                      \
    .in = "X:T W:T B?:T", .out = "Y:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(CONV_ATTRS), .flags = MOTE_OP_QUANT_INT,      \
    .infer = infer_conv, .eval = eval_conv, .doc = MOTE_DOC("y[m] = b[m] + sum_(k,c) x[c] w[m,c,k] over a sliding window, in groups")
MOTE_OP(onnx, Conv, 1, CONV_1(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Conv, 11, CONV_1(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Conv, 22, CONV_1(MOTE_DTYPES_FLOAT));

#define Q8 (MOTE_DT(S8) | MOTE_DT(U8))
MOTE_OP(onnx, ConvInteger, 10, .in = "x:T1 w:T2 x_zero_point?:T1 w_zero_point?:T2", .out = "y:int32",
        .types = MOTE_TYPES({"T1", Q8, 0}, {"T2", Q8, 0}), .attrs = MOTE_ATTRS(CONV_ATTRS), .flags = MOTE_OP_QUANT_INT, .infer = infer_conv_integer,
        .eval = eval_conv_integer, .doc = MOTE_DOC("y[m] = sum_(k,c) (x[c] - zx) (w[m,c,k] - zw) over a sliding window"));
MOTE_OP(onnx, QLinearConv, 10, .in = "x:T1 x_scale:float x_zero_point:T1 w:T2 w_scale:float w_zero_point:T2 y_scale:float y_zero_point:T3 B?:int32",
        .out = "y:T3", .types = MOTE_TYPES({"T1", Q8, 0}, {"T2", Q8, 0}, {"T3", Q8, 0}), .attrs = MOTE_ATTRS(CONV_ATTRS), .flags = MOTE_OP_QUANT_INT,
        .infer = infer_qlinear, .eval = eval_qlinear, .doc = MOTE_DOC("y = clamp(round((B + sum (x - zx) (w - zw)) sx sw / sy) + zy)"));
