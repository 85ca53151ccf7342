/* mote_gemm.c - matrix product with bias, residual, activation; integer matrix product; gate; table (forms.h)
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "ops/args.h"
#include "ops/forms.h"
#include "ops/types.h"
#include <math.h>
#include <string.h>

/* X[.., k], W[k, n] or W[n, k] -> Y[.., n] */
static mote_status infer_gemm_of(mote_infer *c, uint32_t w_index, uint32_t residual, mote_dtype dtype)
{
    const mote_type *x = c->in[0], *w = c->in[w_index];
    mote_str name = mote_node_string(c->node, "activation", "");
    MOTE_REQUIRE(name.n == 0 || mote_unary_find(name) != MOTE_UNARY_COUNT, c->diag, MOTE_E_UNSUPPORTED, "activation '%.*s' is not known",
                 MOTE_STR_ARG(name));
    bool trans = mote_node_int(c->node, "transB", 0) != 0;
    if (x->rank < 0 || w->rank < 0) {
        mote_infer_out(c, 0, dtype, mote_infer_has(c, residual) ? -1 : x->rank, NULL);
        return MOTE_OK;
    }
    MOTE_REQUIRE(x->rank >= 1 && w->rank == 2, c->diag, MOTE_E_SHAPE, "X has rank %d and W %d, expected 1 or more and 2", x->rank, w->rank);
    MOTE_REQUIRE(mote_dim_may_equal(x->dims[x->rank - 1], w->dims[trans ? 1 : 0]), c->diag, MOTE_E_SHAPE,
                 "X has rows of %lld, expected %lld as W", (long long)x->dims[x->rank - 1], (long long)w->dims[trans ? 1 : 0]);
    int64_t dims[MOTE_MAX_RANK];
    for (int32_t i = 0; i < x->rank; i++)
        dims[i] = x->dims[i];
    dims[x->rank - 1] = w->dims[trans ? 0 : 1];
    return mote_form_infer_sum(c, residual, dtype, x->rank, dims);
}

static mote_status infer_gemm(mote_infer *c) { return infer_gemm_of(c, 1, 3, c->in[0]->dtype); }
static mote_status infer_qgemm(mote_infer *c) { return infer_gemm_of(c, 3, UINT32_MAX, c->in[7]->dtype); }

static mote_status eval_gemm(mote_eval *c)
{
    const mote_array *xa = c->in[0], *wa = c->in[1];
    bool trans = mote_node_int(c->node, "transB", 0) != 0;
    size_t k = (size_t)wa->dims[trans ? 1 : 0], n = (size_t)wa->dims[trans ? 0 : 1];
    if (mote_eval_has(c, 2))
        MOTE_REQUIRE(mote_array_count(c->in[2]) == n, c->diag, MOTE_E_SHAPE, "B has %zu values, expected %zu", mote_array_count(c->in[2]), n);
    mote_array sum;
    int64_t dims[MOTE_MAX_RANK];
    memcpy(dims, xa->dims, sizeof dims);
    dims[xa->rank - 1] = (int64_t)n;
    MOTE_TRY(mote_form_sum(c, xa->rank, dims, &sum));
    const float *x = xa->data, *w = wa->data, *b = mote_eval_has(c, 2) ? c->in[2]->data : NULL;
    float *y = sum.data;
    for (size_t r = 0, rows = n == 0 ? 0 : mote_array_count(&sum) / n; r < rows; r++)
        for (size_t j = 0; j < n; j++) {
            float acc = b != NULL ? b[j] : 0.0f;
            for (size_t i = 0; i < k; i++)
                acc = fmaf(x[r * k + i], trans ? w[j * k + i] : w[i * n + j], acc);
            y[r * n + j] = acc;
        }
    return mote_form_finish(c, &sum, 3, MOTE_OK);
}

static size_t count_of(const mote_eval *c, uint32_t i) { return mote_eval_has(c, i) ? mote_array_count(c->in[i]) : 1; }

static mote_status eval_qgemm(mote_eval *c)
{
    const mote_array *xa = c->in[0], *wa = c->in[3], *ba = mote_eval_has(c, 8) ? c->in[8] : NULL;
    mote_array *ya = c->out[0];
    bool trans = mote_node_int(c->node, "transB", 0) != 0;
    size_t k = (size_t)wa->dims[trans ? 1 : 0], n = (size_t)wa->dims[trans ? 0 : 1], rows = n == 0 ? 0 : mote_array_count(ya) / n;
    for (uint32_t i = 4; i <= 5; i++)
        MOTE_REQUIRE(count_of(c, i) == 1 || count_of(c, i) == n, c->diag, MOTE_E_SHAPE, "a quantization parameter of W has %zu values, expected 1 or %zu",
                     count_of(c, i), n);
    MOTE_REQUIRE(ba == NULL || mote_array_count(ba) == n, c->diag, MOTE_E_SHAPE, "B has %zu values, expected %zu", count_of(c, 8), n);
    int64_t xz = mote_eval_has(c, 2) ? mote_array_i64(c->in[2], 0) : 0, yz = mote_array_i64(c->in[7], 0);
    float xs = (float)mote_array_f64(c->in[1], 0), ys = (float)mote_array_f64(c->in[6], 0);
    int64_t low = ya->dtype == MOTE_DTYPE_S8 ? -128 : 0;
    int64_t qmin = mote_node_int(c->node, "qmin", low), qmax = mote_node_int(c->node, "qmax", low + 255);
    const uint8_t *table = mote_eval_has(c, 9) ? c->in[9]->data : NULL;
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < n; j++) {
            int64_t acc = ba != NULL ? mote_array_i64(ba, j) : 0;
            int64_t wz = mote_eval_has(c, 5) ? mote_array_i64(c->in[5], count_of(c, 5) == 1 ? 0 : j) : 0;
            for (size_t i = 0; i < k; i++)
                acc += (mote_array_i64(xa, r * k + i) - xz) * (mote_array_i64(wa, trans ? j * k + i : i * n + j) - wz);
            float ws = (float)mote_array_f64(c->in[4], count_of(c, 4) == 1 ? 0 : j);
            double q = (double)rintf((float)(int32_t)acc * mote_requant_scale(xs, ws, ys)) + (double)yz;
            int64_t v = !(q >= (double)qmin) ? qmin : q > (double)qmax ? qmax : (int64_t)q;
            mote_dtype_from_i64(ya->dtype, ya->data, r * n + j, v);
            if (table != NULL)
                ((uint8_t *)ya->data)[r * n + j] = table[((uint8_t *)ya->data)[r * n + j]];
        }
    return MOTE_OK;
}

/* ---- Gate ---- */

static mote_status infer_gate(mote_infer *c)
{
    mote_type t = *c->in[0];
    if (t.rank >= 0) {
        MOTE_REQUIRE(t.rank >= 1, c->diag, MOTE_E_SHAPE, "X is a scalar, expected rank 1 or more");
        int64_t *last = &t.dims[t.rank - 1];
        MOTE_REQUIRE(*last < 0 || *last % 2 == 0, c->diag, MOTE_E_SHAPE, "X has rows of %lld, expected an even number", (long long)*last);
        *last = mote_dim_known(*last) ? *last / 2 : MOTE_DIM_UNKNOWN;
    }
    mote_infer_out(c, 0, t.dtype, t.rank, t.dims);
    return MOTE_OK;
}

void mote_form_gate(const float *x, float *y, size_t rows, size_t n)
{
    const mote_unary_row *f = mote_unary_select(MOTE_UNARY_TANH, 0), *g = mote_unary_select(MOTE_UNARY_SIGMOID, 0);
    float block[64];
    for (size_t r = 0; r < rows; r++, x += 2 * n, y += n) {
        f->fn(x, y, n, NULL);
        for (size_t i = 0; i < n; i += 64) {
            size_t m = n - i < 64 ? n - i : 64;
            g->fn(x + n + i, block, m, NULL);
            for (size_t k = 0; k < m; k++)
                y[i + k] *= block[k];
        }
    }
}

static mote_status eval_gate(mote_eval *c)
{
    const mote_array *y = c->out[0];
    size_t n = (size_t)y->dims[y->rank - 1];
    mote_form_gate(c->in[0]->data, y->data, n == 0 ? 0 : mote_array_count(y) / n, n);
    return MOTE_OK;
}

/* ---- QUnary ---- */

static mote_status infer_table(mote_infer *c)
{
    mote_infer_out(c, 0, c->in[1]->dtype, c->in[0]->rank, c->in[0]->dims);
    return MOTE_OK;
}

static mote_status eval_table(mote_eval *c)
{
    MOTE_REQUIRE(mote_array_count(c->in[1]) == 256, c->diag, MOTE_E_SHAPE, "the table has %zu entries, expected 256",
                 mote_array_count(c->in[1]));
    const uint8_t *x = c->in[0]->data, *t = c->in[1]->data;
    uint8_t *y = c->out[0]->data;
    for (size_t i = 0, n = mote_array_count(c->in[0]); i < n; i++)
        y[i] = t[x[i]];
    return MOTE_OK;
}

#define Q8 (MOTE_DT(U8) | MOTE_DT(S8))

MOTE_OP(mote, Gemm, 1, .in = "X:T W:T B?:T R?:T", .out = "Y:T", .types = MOTE_TYPES({"T", MOTE_DT(F32), 0}),
        .attrs = MOTE_ATTRS(MOTE_A_INT("transB", 0), MOTE_A_STRING("activation", ""), MOTE_A_FLOAT("p0", 0.0f), MOTE_A_FLOAT("p1", 0.0f)),
        .infer = infer_gemm, .eval = eval_gemm, .doc = MOTE_DOC("y = act(x W + b + r)"));
MOTE_OP(mote, QGemm, 1, .in = "X:T xs:float xz?:T W:W ws:float wz?:W ys:float yz:Y B?:int32 T?:Y", .out = "Y:Y",
        .types = MOTE_TYPES({"T", Q8, 0}, {"W", Q8, 0}, {"Y", Q8, 0}),
        .attrs = MOTE_ATTRS(MOTE_A_INT("transB", 0), MOTE_A(INT, "qmin"), MOTE_A(INT, "qmax")), .infer = infer_qgemm, .eval = eval_qgemm,
        .doc = MOTE_DOC("integer matrix product with clamp and table"));
MOTE_OP(mote, Gate, 1, .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", MOTE_DT(F32), 0}), .infer = infer_gate, .eval = eval_gate,
        .doc = MOTE_DOC("y = tanh(first half) sigmoid(second half)"));
MOTE_OP(mote, QUnary, 1, .in = "X:T table:Y", .out = "Y:Y", .types = MOTE_TYPES({"T", Q8, 0}, {"Y", Q8, 0}), .flags = MOTE_OP_ELEMENTWISE,
        .infer = infer_table, .eval = eval_table, .doc = MOTE_DOC("y = table[(uint8)x]"));
