/* ms_nbits.c - com.microsoft: MatMulNBits
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: onnxruntime's ContribOperators documentation, version 1.32. accuracy_level, which allows A to be rounded, is not used. */
#include "base/platform.h"
#include "ops/ms_nbits.h"
#include "ops/types.h"
#include <math.h>
#include <string.h>

static mote_status attributes_of(const mote_node *node, mote_nbits *w, mote_diag *diag)
{
    const int64_t n = mote_node_int(node, "N", 0), k = mote_node_int(node, "K", 0), bits = mote_node_int(node, "bits", 4), block = mote_node_int(node, "block_size", 0);
    MOTE_REQUIRE(n > 0 && k > 0 && n < INT32_MAX && k < INT32_MAX, diag, MOTE_E_VALUE, "K is %lld and N %lld, expected 1 or more", (long long)k, (long long)n);
    MOTE_REQUIRE(bits == 2 || bits == 4 || bits == 8, diag, MOTE_E_VALUE, "bits is %lld, expected 2, 4 or 8", (long long)bits);
    MOTE_REQUIRE(block >= 16 && block < INT32_MAX && (block & (block - 1)) == 0, diag, MOTE_E_VALUE, "block_size is %lld, expected a power of two of 16 or more",
                 (long long)block);
    MOTE_REQUIRE(mote_node_int(node, "weight_prepacked", 0) == 0, diag, MOTE_E_UNSUPPORTED, "weight_prepacked is not supported");
    *w = (mote_nbits){.n = (size_t)n, .k = (size_t)k, .block = (size_t)block, .bits = (size_t)bits};
    w->blocks = mote_div_up(w->k, w->block);
    w->blob = w->block * w->bits / 8;
    return MOTE_OK;
}

static mote_status infer_nbits(mote_infer *c)
{
    mote_nbits w;
    MOTE_TRY(attributes_of(c->node, &w, c->diag));
    const mote_type *a = c->in[MOTE_NBITS_A];
    int64_t dims[MOTE_MAX_RANK];
    if (a->rank < 0) {
        mote_infer_out(c, 0, a->dtype, -1, NULL);
        return MOTE_OK;
    }
    MOTE_REQUIRE(a->rank >= 1 && mote_dim_may_equal(a->dims[a->rank - 1], (int64_t)w.k), c->diag, MOTE_E_SHAPE, "A has another row length than K, %zu", w.k);
    memcpy(dims, a->dims, sizeof dims);
    dims[a->rank - 1] = (int64_t)w.n;
    mote_infer_out(c, 0, a->dtype, a->rank, dims);
    return MOTE_OK;
}

static bool has(const mote_array *const *in, uint32_t n_in, uint32_t i) { return i < n_in && in[i] != NULL; }

mote_status mote_nbits_of(const mote_node *node, const mote_array *const *in, uint32_t n_in, mote_nbits *w, mote_diag *diag)
{
    MOTE_TRY(attributes_of(node, w, diag));
    const mote_array *b = in[MOTE_NBITS_B];
    const size_t params = w->n * w->blocks, weights = mote_array_count(b);
    MOTE_REQUIRE(!has(in, n_in, MOTE_NBITS_BIAS) || mote_array_count(in[MOTE_NBITS_BIAS]) == w->n, diag, MOTE_E_SHAPE, "bias has another shape than [%zu]", w->n);
    w->empty = weights == 0;
    if (w->empty)
        return MOTE_OK;
    size_t bytes;
    MOTE_REQUIRE(mote_size_mul(params, w->blob, &bytes) && weights == bytes, diag, MOTE_E_SHAPE, "B has %zu bytes, expected %zu x %zu x %zu", weights, w->n, w->blocks,
                 w->blob);
    MOTE_REQUIRE(mote_array_count(in[MOTE_NBITS_SCALES]) == params, diag, MOTE_E_SHAPE, "scales have %zu values, expected %zu", mote_array_count(in[MOTE_NBITS_SCALES]),
                 params);
    if (has(in, n_in, MOTE_NBITS_ZERO)) {
        const mote_array *z = in[MOTE_NBITS_ZERO];
        const size_t want = z->dtype == MOTE_DTYPE_U8 ? w->n * ((w->blocks * w->bits + 7) / 8) : params;
        MOTE_REQUIRE(mote_array_count(z) == want, diag, MOTE_E_SHAPE, "zero_points have %zu values, expected %zu", mote_array_count(z), want);
    }
    if (has(in, n_in, MOTE_NBITS_GROUP)) {
        const size_t groups = mote_array_count(in[MOTE_NBITS_GROUP]); /* some files pad it to whole blocks */
        MOTE_REQUIRE(groups == w->k || groups == w->blocks * w->block, diag, MOTE_E_SHAPE, "g_idx has %zu values, expected %zu", groups, w->k);
    }
    return MOTE_OK;
}

/* Y = A W, each sum ascending over k, one fma a term from the bias. 16 columns at a time. */
static mote_status eval_nbits_temp(mote_eval *c, mote_arena *temp)
{
    enum { COLUMNS = 16 };
    mote_nbits w;
    MOTE_TRY(mote_nbits_of(c->node, c->in, c->n_in, &w, c->diag));
    const mote_array *xa = c->in[MOTE_NBITS_A], *zero = mote_eval_has(c, MOTE_NBITS_ZERO) ? c->in[MOTE_NBITS_ZERO] : NULL;
    const mote_array *group = mote_eval_has(c, MOTE_NBITS_GROUP) && !w.empty ? c->in[MOTE_NBITS_GROUP] : NULL;
    const size_t rows = mote_array_count(xa) / w.k;
    if (rows == 0)
        return MOTE_OK;
    const float *x = mote_widen_f32(temp, xa), *scale = mote_widen_f32(temp, c->in[MOTE_NBITS_SCALES]);
    const float *bias = mote_eval_has(c, MOTE_NBITS_BIAS) ? mote_widen_f32(temp, c->in[MOTE_NBITS_BIAS]) : NULL;
    float *wide = mote_temp(temp, w.k * COLUMNS, sizeof *wide, c->diag), *y = mote_wide_output(temp, c->out[0]);
    if (x == NULL || scale == NULL || wide == NULL || y == NULL || (mote_eval_has(c, MOTE_NBITS_BIAS) && bias == NULL))
        return MOTE_NO_MEMORY(c->diag, xa->bytes);
    for (size_t n = 0; n < w.n; n += COLUMNS) {
        const size_t columns = mote_min_size(COLUMNS, w.n - n);
        for (size_t k = 0; k < w.k && !w.empty; k++) {
            int64_t b = (int64_t)(k / w.block);
            if (group != NULL) {
                b = mote_array_i64(group, k);
                MOTE_REQUIRE(b >= 0 && b < (int64_t)w.blocks, c->diag, MOTE_E_VALUE, "g_idx has %lld, expected 0 to %zu", (long long)b, w.blocks - 1);
            }
            for (size_t i = 0; i < columns; i++)
                wide[k * COLUMNS + i] = ((float)mote_nbits_q(&w, c->in[MOTE_NBITS_B]->data, n + i, k) - mote_nbits_zero(&w, zero, n + i, (size_t)b)) *
                                        scale[(n + i) * w.blocks + (size_t)b];
        }
        for (size_t r = 0; r < rows; r++) {
            float acc[COLUMNS] = {0};
            for (size_t i = 0; bias != NULL && i < columns; i++)
                acc[i] = bias[n + i];
            for (size_t k = 0; k < w.k && !w.empty; k++)
                for (size_t i = 0; i < COLUMNS; i++)
                    acc[i] = fmaf(x[r * w.k + k], wide[k * COLUMNS + i], acc[i]);
            for (size_t i = 0; i < columns; i++)
                y[r * w.n + n + i] = acc[i];
        }
    }
    mote_narrow(c->out[0], y);
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_nbits)

#define T_MS (MOTE_DT(F32) | MOTE_DT(F16) | MOTE_DT(BF16))
MOTE_OP(ms, MatMulNBits, 1, .in = "A:T1 B:T2 scales:T1 zero_points?:T3 g_idx?:T4 bias?:T1", .out = "Y:T1",
        .types = MOTE_TYPES({"T1", T_MS, 0}, {"T2", MOTE_DT(U8), 0}, {"T3", T_MS | MOTE_DT(U8), 0}, {"T4", MOTE_DT(S32), 0}),
        .attrs = MOTE_ATTRS(MOTE_A_REQUIRED(INT, "K"), MOTE_A_REQUIRED(INT, "N"), MOTE_A_INT("accuracy_level", 0), MOTE_A_INT("bits", 4),
                            MOTE_A_REQUIRED(INT, "block_size"), MOTE_A_INT("weight_prepacked", 0)),
        .infer = infer_nbits, .eval = eval_nbits, .doc = MOTE_DOC("y = A ((B - zero_points) scales) + bias, blocks of weights of 2, 4 or 8 bits"));
