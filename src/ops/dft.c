/* dft.c - DFT and STFT
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ONNX DFT-20 (version 17 has the axis as an attribute), STFT-17. Transforms are computed in double by ops/fft.h, whatever the element type, and rounded once. */
#include "base/platform.h"
#include "ops/fft.h"
#include "ops/types.h"
#include "ops/wide.h"
#include <string.h>

enum { LENGTH_LIMIT = 1 << 28 };

typedef struct dft {
    int32_t axis;
    int64_t length;   /* of the transform; MOTE_DIM_UNKNOWN */
    bool inverse, onesided;
} dft;

/* rank and dims of the input; length, axis: the inputs' values where they are given. */
static mote_status dft_of(const mote_node *n, int32_t rank, const int64_t *dims, const mote_array *length, bool length_given, const mote_array *axis, dft *d, mote_diag *diag)
{
    int64_t at = n->def->since < 20 ? mote_node_int(n, "axis", 1) : -2;
    *d = (dft){.inverse = mote_node_int(n, "inverse", 0) != 0, .onesided = mote_node_int(n, "onesided", 0) != 0};
    if (axis != NULL)
        MOTE_TRY(mote_arg_int(axis, "axis", diag, &at));
    MOTE_REQUIRE(rank >= 2, diag, MOTE_E_SHAPE, "the input has rank %d, expected 2 or more", rank);
    MOTE_TRY(mote_arg_axis(at, rank, "axis", diag, &d->axis));
    MOTE_REQUIRE(d->axis != rank - 1, diag, MOTE_E_VALUE, "axis is the last dimension, which holds real and imaginary parts");
    MOTE_REQUIRE(!mote_dim_known(dims[rank - 1]) || dims[rank - 1] == 1 || dims[rank - 1] == 2, diag, MOTE_E_SHAPE, "the last dimension is %lld, expected 1 or 2",
                 (long long)dims[rank - 1]);
    const int64_t size = dims[d->axis];
    d->length = !mote_dim_known(size) ? MOTE_DIM_UNKNOWN : d->inverse && d->onesided ? 2 * (size - 1) : size;
    if (length != NULL)
        MOTE_TRY(mote_arg_int(length, "dft_length", diag, &d->length));
    else if (length_given)
        d->length = MOTE_DIM_UNKNOWN;
    MOTE_REQUIRE((length == NULL && (length_given || !mote_dim_known(size))) || (d->length >= 1 && d->length <= LENGTH_LIMIT), diag, MOTE_E_VALUE,
                 "%s is %lld, expected 1 to %d", length != NULL ? "dft_length" : "the transform's length", (long long)d->length, LENGTH_LIMIT);
    return MOTE_OK;
}

static mote_status infer_dft(mote_infer *c)
{
    const mote_type *x = c->in[0];
    int64_t dims[MOTE_MAX_RANK];
    dft d;
    if (x->rank < 0 || (mote_infer_has(c, 2) && mote_infer_value(c, 2) == NULL)) {
        mote_infer_out(c, 0, x->dtype, x->rank, NULL);
        return MOTE_OK;
    }
    MOTE_TRY(dft_of(c->node, x->rank, x->dims, mote_infer_value(c, 1), mote_infer_has(c, 1), mote_infer_value(c, 2), &d, c->diag));
    memcpy(dims, x->dims, sizeof dims);
    dims[d.axis] = d.onesided && !d.inverse && mote_dim_known(d.length) ? d.length / 2 + 1 : d.length;
    dims[x->rank - 1] = d.onesided && d.inverse ? 1 : 2;
    mote_infer_out(c, 0, x->dtype, x->rank, dims);
    return MOTE_OK;
}

/* One transform: from[k * step], `have` complex or real values (parts 2 or 1), cut or filled up with zeros to the length. The one-sided half of an inverse is
 * completed by its conjugates. */
static void load(const mote_array *a, size_t first, size_t step, size_t parts, size_t have, const dft *d, mote_complex *x)
{
    const size_t n = (size_t)d->length;
    for (size_t k = 0; k < n; k++) {
        size_t from = k;
        bool conjugate = false;
        if (d->inverse && d->onesided && k > n / 2) {
            from = n - k;
            conjugate = true;
        }
        x[k] = (mote_complex){0, 0};
        if (from >= have)
            continue;
        x[k].re = mote_array_f64(a, first + from * step * parts);
        if (parts == 2)
            x[k].im = mote_array_f64(a, first + from * step * parts + 1);
        if (conjugate)
            x[k].im = -x[k].im;
        else if (d->inverse && d->onesided && (k == 0 || 2 * k == n))
            x[k].im = 0; /* its own conjugate */
    }
}

static mote_status eval_dft_temp(mote_eval *c, mote_arena *temp)
{
    const mote_array *x = c->in[0];
    dft d;
    MOTE_TRY(dft_of(c->node, x->rank, x->dims, mote_eval_has(c, 1) ? c->in[1] : NULL, mote_eval_has(c, 1), mote_eval_has(c, 2) ? c->in[2] : NULL, &d, c->diag));
    int64_t dims[MOTE_MAX_RANK];
    memcpy(dims, x->dims, sizeof dims);
    dims[d.axis] = d.onesided && !d.inverse ? d.length / 2 + 1 : d.length;
    dims[x->rank - 1] = d.onesided && d.inverse ? 1 : 2;
    MOTE_TRY(mote_eval_out(c, 0, x->dtype, x->rank, dims));
    mote_array *y = c->out[0];
    if (mote_array_count(y) == 0)
        return MOTE_OK;
    const size_t n = (size_t)d.length, have = (size_t)x->dims[d.axis], parts = (size_t)x->dims[x->rank - 1], kept = (size_t)dims[d.axis], out_parts = (size_t)dims[x->rank - 1];
    const size_t outer = mote_dims_count(x->dims, d.axis), inner = mote_dims_count(x->dims + d.axis + 1, x->rank - d.axis - 2);
    mote_fft f;
    MOTE_TRY(mote_fft_init(&f, n, c->heap, c->diag));
    mote_complex *value = mote_temp(temp, n, sizeof *value, c->diag), *work = mote_temp(temp, f.m, sizeof *work, c->diag);
    const double scale = d.inverse ? 1 / (double)n : 1;
    for (size_t o = 0; value != NULL && work != NULL && o < outer; o++)
        for (size_t i = 0; i < inner; i++) {
            load(x, (o * have * inner + i) * parts, inner, parts, have, &d, value);
            mote_fft_run(&f, value, work, d.inverse);
            for (size_t k = 0; k < kept; k++) {
                const size_t at = ((o * kept + k) * inner + i) * out_parts;
                mote_dtype_from_f64(y->dtype, y->data, at, value[k].re * scale);
                if (out_parts == 2)
                    mote_dtype_from_f64(y->dtype, y->data, at + 1, value[k].im * scale);
            }
        }
    mote_fft_deinit(&f, c->heap);
    return value != NULL && work != NULL ? MOTE_OK : MOTE_E_MEMORY;
}
MOTE_EVAL_TEMP(eval_dft)

#define DFT_TYPES .types = MOTE_TYPES({"T1", MOTE_DTYPES_FLOAT, 0}, {"T2", MOTE_T_INDEX, 0})
MOTE_OP(onnx, DFT, 17, .in = "input:T1 dft_length?:T2", .out = "output:T1", DFT_TYPES,
        .attrs = MOTE_ATTRS(MOTE_A_INT("axis", 1), MOTE_A_INT("inverse", 0), MOTE_A_INT("onesided", 0)), .infer = infer_dft, .eval = eval_dft,
        .doc = MOTE_DOC("sum_k x[k] exp(-2 pi i j k / n)"));
MOTE_OP(onnx, DFT, 20, .in = "input:T1 dft_length?:T2 axis?:int64", .out = "output:T1", DFT_TYPES, .attrs = MOTE_ATTRS(MOTE_A_INT("inverse", 0), MOTE_A_INT("onesided", 0)),
        .infer = infer_dft, .eval = eval_dft, .doc = MOTE_DOC("sum_k x[k] exp(-2 pi i j k / n)"));

/* ---- STFT ---- */

typedef struct stft {
    int64_t step, length; /* MOTE_DIM_UNKNOWN */
    bool onesided;
} stft;

static mote_status stft_of(const mote_node *n, int64_t signal, const mote_array *step, bool has_window, int64_t window, bool has_length, const mote_array *length, stft *s,
                           mote_diag *diag)
{
    *s = (stft){MOTE_DIM_UNKNOWN, MOTE_DIM_UNKNOWN, mote_node_int(n, "onesided", 1) != 0};
    if (step != NULL) {
        MOTE_TRY(mote_arg_int(step, "frame_step", diag, &s->step));
        MOTE_REQUIRE(s->step >= 1, diag, MOTE_E_VALUE, "frame_step is %lld, expected 1 or more", (long long)s->step);
    }
    if (length != NULL)
        MOTE_TRY(mote_arg_int(length, "frame_length", diag, &s->length));
    else if (!has_length)
        s->length = has_window ? window : signal;
    MOTE_REQUIRE(length == NULL || (s->length >= 1 && s->length <= LENGTH_LIMIT), diag, MOTE_E_VALUE, "frame_length is %lld, expected 1 to %d", (long long)s->length, LENGTH_LIMIT);
    MOTE_REQUIRE(!has_window || mote_dim_may_equal(window, s->length), diag, MOTE_E_SHAPE, "the window has %lld values, a frame %lld", (long long)window, (long long)s->length);
    MOTE_REQUIRE(!mote_dim_known(s->length) || !mote_dim_known(signal) || s->length <= signal, diag, MOTE_E_SHAPE, "a frame has %lld values, the signal %lld",
                 (long long)s->length, (long long)signal);
    return MOTE_OK;
}

static mote_status infer_stft(mote_infer *c)
{
    const mote_type *x = c->in[0];
    int64_t dims[4] = {MOTE_DIM_UNKNOWN, MOTE_DIM_UNKNOWN, MOTE_DIM_UNKNOWN, 2}, signal = MOTE_DIM_UNKNOWN;
    stft s;
    if (x->rank >= 0) {
        MOTE_REQUIRE(x->rank == 3 && (!mote_dim_known(x->dims[2]) || x->dims[2] == 1 || x->dims[2] == 2), c->diag, MOTE_E_SHAPE,
                     "the signal is not [batch, length, 1] or [batch, length, 2]");
        dims[0] = x->dims[0];
        signal = x->dims[1];
    }
    const bool window = mote_infer_has(c, 2);
    MOTE_REQUIRE(!window || c->in[2]->rank < 0 || c->in[2]->rank == 1, c->diag, MOTE_E_SHAPE, "the window has rank %d, expected 1", c->in[2]->rank);
    MOTE_TRY(stft_of(c->node, signal, mote_infer_value(c, 1), window, window && c->in[2]->rank == 1 ? c->in[2]->dims[0] : MOTE_DIM_UNKNOWN, mote_infer_has(c, 3),
                     mote_infer_value(c, 3), &s, c->diag));
    if (mote_dim_known(s.length)) {
        dims[2] = s.onesided ? s.length / 2 + 1 : s.length;
        if (mote_dim_known(signal) && mote_dim_known(s.step))
            dims[1] = (signal - s.length) / s.step + 1;
    }
    mote_infer_out(c, 0, x->dtype, 4, dims);
    return MOTE_OK;
}

static mote_status eval_stft_temp(mote_eval *c, mote_arena *temp)
{
    const mote_array *x = c->in[0], *window = mote_eval_has(c, 2) ? c->in[2] : NULL;
    stft s;
    MOTE_TRY(stft_of(c->node, x->dims[1], c->in[1], window != NULL, window != NULL ? window->dims[0] : 0, mote_eval_has(c, 3), mote_eval_has(c, 3) ? c->in[3] : NULL, &s, c->diag));
    MOTE_REQUIRE(s.length >= 1, c->diag, MOTE_E_SHAPE, "the signal is empty");
    const size_t n = (size_t)s.length, parts = (size_t)x->dims[2], frames = (size_t)((x->dims[1] - s.length) / s.step + 1), kept = s.onesided ? n / 2 + 1 : n;
    const int64_t dims[4] = {x->dims[0], (int64_t)frames, (int64_t)kept, 2};
    MOTE_TRY(mote_eval_out(c, 0, x->dtype, 4, dims));
    mote_array *y = c->out[0];
    mote_fft f;
    MOTE_TRY(mote_fft_init(&f, n, c->heap, c->diag));
    mote_complex *value = mote_temp(temp, n, sizeof *value, c->diag), *work = mote_temp(temp, f.m, sizeof *work, c->diag);
    double *w = mote_temp(temp, n, sizeof *w, c->diag);
    const bool ready = value != NULL && work != NULL && w != NULL;
    for (size_t k = 0; ready && k < n; k++)
        w[k] = window != NULL ? mote_array_f64(window, k) : 1;
    for (size_t b = 0; ready && b < (size_t)x->dims[0]; b++)
        for (size_t t = 0; t < frames; t++) {
            const size_t first = (b * (size_t)x->dims[1] + t * (size_t)s.step) * parts;
            for (size_t k = 0; k < n; k++) {
                value[k].re = mote_array_f64(x, first + k * parts) * w[k];
                value[k].im = parts == 2 ? mote_array_f64(x, first + k * parts + 1) * w[k] : 0;
            }
            mote_fft_run(&f, value, work, false);
            for (size_t k = 0; k < kept; k++) {
                mote_dtype_from_f64(y->dtype, y->data, ((b * frames + t) * kept + k) * 2, value[k].re);
                mote_dtype_from_f64(y->dtype, y->data, ((b * frames + t) * kept + k) * 2 + 1, value[k].im);
            }
        }
    mote_fft_deinit(&f, c->heap);
    return ready ? MOTE_OK : MOTE_E_MEMORY;
}
MOTE_EVAL_TEMP(eval_stft)

MOTE_OP(onnx, STFT, 17, .in = "signal:T1 frame_step:T2 window?:T1 frame_length?:T2", .out = "output:T1", DFT_TYPES, .attrs = MOTE_ATTRS(MOTE_A_INT("onesided", 1)), .infer = infer_stft,
        .eval = eval_stft, .doc = MOTE_DOC("DFT of windows that move along the signal"));
