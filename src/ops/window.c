/* window.c - HannWindow, HammingWindow, BlackmanWindow, MelWeightMatrix
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ONNX operators of these names, version 17: w[k] = a - b cos(2 pi k / n) + c cos(4 pi k / n), n one less unless periodic; mel(f) = 2595 log10(1 + f / 700).
 * Cosines come from a fixed series (fft.h), so that the bits are the same on every machine. */
#include "base/platform.h"
#include "ops/fft.h"
#include "ops/types.h"
#include "ops/wide.h"
#include <math.h>
#include <string.h>

static mote_status output_dtype(const mote_node *n, mote_dtype *out, mote_diag *diag)
{
    const int64_t t = mote_node_int(n, "output_datatype", MOTE_DTYPE_F32);
    *out = MOTE_DTYPE_NONE;
    MOTE_REQUIRE(mote_dtype_valid(t) && mote_dtype_in((mote_dtype)t, MOTE_DTYPES_NUMERIC), diag, MOTE_E_VALUE, "output_datatype is %lld, expected a number type", (long long)t);
    *out = (mote_dtype)t;
    return MOTE_OK;
}

static mote_status size_of(const mote_array *a, const char *name, mote_diag *diag, int64_t *out)
{
    MOTE_TRY(mote_arg_int(a, name, diag, out));
    MOTE_REQUIRE(*out >= 0 && *out <= INT32_MAX, diag, MOTE_E_VALUE, "%s is %lld, expected 0 to %d", name, (long long)*out, INT32_MAX);
    return MOTE_OK;
}

/* ---- windows ---- */

static mote_status infer_window(mote_infer *c)
{
    mote_dtype dtype;
    int64_t n = MOTE_DIM_UNKNOWN;
    MOTE_TRY(output_dtype(c->node, &dtype, c->diag));
    if (mote_infer_value(c, 0) != NULL)
        MOTE_TRY(size_of(c->value[0], "size", c->diag, &n));
    mote_infer_out(c, 0, dtype, 1, &n);
    return MOTE_OK;
}

static mote_status eval_window(mote_eval *c, double a, double b, double d)
{
    mote_dtype dtype;
    int64_t n;
    MOTE_TRY(output_dtype(c->node, &dtype, c->diag));
    MOTE_TRY(size_of(c->in[0], "size", c->diag, &n));
    MOTE_TRY(mote_eval_out(c, 0, dtype, 1, &n));
    const uint64_t period = (uint64_t)(mote_node_int(c->node, "periodic", 1) != 0 ? n : n - 1);
    for (int64_t k = 0; k < n; k++) {
        const uint64_t p = period == 0 ? 1 : period; /* a window of one value, not periodic: 1 */
        if ((uint64_t)k > p / 2 && (uint64_t)k < p && dtype == MOTE_DTYPE_F32) { /* cosines are symmetric, bit by bit */
            ((float *)c->out[0]->data)[k] = ((const float *)c->out[0]->data)[p - (uint64_t)k];
            continue;
        }
        const double w = period == 0 ? 1 : a - b * mote_unit_cos((uint64_t)k, p) + (d != 0 ? d * mote_unit_cos(2 * (uint64_t)k, p) : 0);
        mote_dtype_from_f64(dtype, c->out[0]->data, (size_t)k, w);
    }
    return MOTE_OK;
}

static mote_status eval_hann(mote_eval *c) { return eval_window(c, 0.5, 0.5, 0); }
static mote_status eval_hamming(mote_eval *c) { return eval_window(c, 25.0 / 46, 1 - 25.0 / 46, 0); }
static mote_status eval_blackman(mote_eval *c) { return eval_window(c, 0.42, 0.5, 0.08); }

#define WINDOW(evaluation, formula)                                                                                    \
    .in = "size:T1", .out = "output:T2", .types = MOTE_TYPES({"T1", MOTE_T_INDEX, 0}, {"T2", MOTE_DTYPES_NUMERIC, 0}),            \
    .attrs = MOTE_ATTRS(MOTE_A_INT("output_datatype", 1), MOTE_A_INT("periodic", 1)), .infer = infer_window, .eval = evaluation, .doc = MOTE_DOC(formula)
MOTE_OP(onnx, HannWindow, 17, WINDOW(eval_hann, "0.5 - 0.5 cos(2 pi k / n)"));
MOTE_OP(onnx, HammingWindow, 17, WINDOW(eval_hamming, "25/46 - 21/46 cos(2 pi k / n)"));
MOTE_OP(onnx, BlackmanWindow, 17, WINDOW(eval_blackman, "0.42 - 0.5 cos(2 pi k / n) + 0.08 cos(4 pi k / n)"));

/* ---- MelWeightMatrix ---- */

static mote_status infer_mel(mote_infer *c)
{
    mote_dtype dtype;
    int64_t dims[2] = {MOTE_DIM_UNKNOWN, MOTE_DIM_UNKNOWN}, length;
    MOTE_TRY(output_dtype(c->node, &dtype, c->diag));
    if (mote_infer_value(c, 0) != NULL)
        MOTE_TRY(size_of(c->value[0], "num_mel_bins", c->diag, &dims[1]));
    if (mote_infer_value(c, 1) != NULL) {
        MOTE_TRY(size_of(c->value[1], "dft_length", c->diag, &length));
        dims[0] = length / 2 + 1;
    }
    mote_infer_out(c, 0, dtype, 2, dims);
    return MOTE_OK;
}

static mote_status one_number(const mote_array *a, const char *name, mote_diag *diag, double *out)
{
    *out = 0;
    MOTE_REQUIRE(mote_array_count(a) == 1, diag, MOTE_E_SHAPE, "%s has %zu elements, expected 1", name, mote_array_count(a));
    *out = mote_array_f64(a, 0);
    MOTE_REQUIRE(*out >= 0 && *out < 1e12, diag, MOTE_E_VALUE, "%s is %g, expected 0 or more", name, *out);
    return MOTE_OK;
}

static mote_status eval_mel_temp(mote_eval *c, mote_arena *temp)
{
    mote_dtype dtype;
    int64_t bins, length, rate;
    double low, high;
    MOTE_TRY(output_dtype(c->node, &dtype, c->diag));
    MOTE_TRY(size_of(c->in[0], "num_mel_bins", c->diag, &bins));
    MOTE_TRY(size_of(c->in[1], "dft_length", c->diag, &length));
    MOTE_TRY(size_of(c->in[2], "sample_rate", c->diag, &rate));
    MOTE_TRY(one_number(c->in[3], "lower_edge_hertz", c->diag, &low));
    MOTE_TRY(one_number(c->in[4], "upper_edge_hertz", c->diag, &high));
    MOTE_REQUIRE(rate > 0 && low <= high, c->diag, MOTE_E_VALUE, "sample_rate is %lld, and the edges are %g and %g", (long long)rate, low, high);
    const int64_t rows = length / 2 + 1, dims[2] = {rows, bins};
    MOTE_TRY(mote_eval_out(c, 0, dtype, 2, dims));
    int64_t *at = mote_temp(temp, (size_t)bins + 3, sizeof *at, c->diag);
    if (at == NULL)
        return MOTE_E_MEMORY;
    const double low_mel = 2595 * log1p(low / 700) / log(10), step = (2595 * log1p(high / 700) / log(10) - low_mel) / (double)(bins + 2);
    for (int64_t k = 0; k < bins + 2; k++) {
        const double hertz = 700 * expm1(((double)k * step + low_mel) / 2595 * log(10));
        at[k] = (int64_t)floor((double)(length + 1) * hertz / (double)rate);
        MOTE_REQUIRE(at[k] < rows || k == bins + 1, c->diag, MOTE_E_VALUE, "upper_edge_hertz is %g, beyond the spectrum's %g", high, (double)rate / 2);
    }
    if (c->out[0]->bytes != 0)
        memset(c->out[0]->data, 0, c->out[0]->bytes);
    for (int64_t b = 0; b < bins; b++) {
        const int64_t left = at[b], middle = at[b + 1], right = at[b + 2];
        for (int64_t k = left; k < right || k == middle; k++) {
            const double rise = left == middle ? 1 : (double)(k - left) / (double)(middle - left);
            const double v = k < middle || right <= middle ? rise : (double)(right - k) / (double)(right - middle);
            if (k < rows)
                mote_dtype_from_f64(dtype, c->out[0]->data, (size_t)(k * bins + b), v);
        }
    }
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_mel)

MOTE_OP(onnx, MelWeightMatrix, 17, .in = "num_mel_bins:T1 dft_length:T1 sample_rate:T1 lower_edge_hertz:T2 upper_edge_hertz:T2", .out = "output:T3",
        .types = MOTE_TYPES({"T1", MOTE_T_INDEX, 0}, {"T2", MOTE_DTYPES_FLOAT, 0}, {"T3", MOTE_DTYPES_NUMERIC, 0}), .attrs = MOTE_ATTRS(MOTE_A_INT("output_datatype", 1)),
        .infer = infer_mel, .eval = eval_mel, .doc = MOTE_DOC("triangles on the mel scale: spectrum bins by mel bins"));
