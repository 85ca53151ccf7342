/* mote_attention.c - attention on unsplit heads; layer normalization of a sum (forms.h)
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/norm/norm.h"
#include "kernels/softmax/softmax.h"
#include "kernels/attend/attend.h"
#include "ops/args.h"
#include "ops/elements.h"
#include "ops/forms.h"
#include "ops/types.h"
#include "base/size.h"
#include <math.h>

/* ---- Attention ---- */

static mote_status infer_attention(mote_infer *c)
{
    const mote_type *q = c->in[0], *k = c->in[1], *v = c->in[2];
    int64_t heads = mote_node_int(c->node, "heads", 1);
    MOTE_REQUIRE(heads >= 1, c->diag, MOTE_E_VALUE, "heads is %lld, expected 1 or more", (long long)heads);
    int64_t dims[3] = {MOTE_DIM_UNKNOWN, MOTE_DIM_UNKNOWN, MOTE_DIM_UNKNOWN};
    for (uint32_t i = 0; i < 3; i++) {
        const mote_type *t = c->in[i];
        if (t->rank < 0)
            continue;
        MOTE_REQUIRE(t->rank == 3, c->diag, MOTE_E_SHAPE, "input %u has rank %d, expected 3", i, t->rank);
        MOTE_REQUIRE(t->dims[2] < 0 || t->dims[2] % heads == 0, c->diag, MOTE_E_SHAPE, "rows of %lld do not divide into %lld heads",
                     (long long)t->dims[2], (long long)heads);
        if (mote_dim_known(t->dims[0]) || dims[0] == MOTE_DIM_UNKNOWN)
            dims[0] = t->dims[0];
    }
    if (q->rank == 3 && k->rank == 3)
        MOTE_REQUIRE(mote_dim_may_equal(q->dims[2], k->dims[2]), c->diag, MOTE_E_SHAPE, "Q has rows of %lld and K of %lld, expected equal ones",
                     (long long)q->dims[2], (long long)k->dims[2]);
    if (k->rank == 3 && v->rank == 3)
        MOTE_REQUIRE(mote_dim_may_equal(k->dims[1], v->dims[1]), c->diag, MOTE_E_SHAPE, "K has %lld rows and V %lld, expected equally many",
                     (long long)k->dims[1], (long long)v->dims[1]);
    if (q->rank == 3)
        dims[1] = q->dims[1];
    if (v->rank == 3)
        dims[2] = v->dims[2];
    mote_infer_out(c, 0, q->dtype, 3, dims);
    return MOTE_OK;
}

static mote_status eval_attention(mote_eval *c)
{
    const mote_array *qa = c->in[0], *ka = c->in[1], *va = c->in[2];
    size_t heads = (size_t)mote_node_int(c->node, "heads", 1), batch = (size_t)qa->dims[0], l = (size_t)qa->dims[1], s = (size_t)ka->dims[1];
    size_t qw = (size_t)qa->dims[2], vw = (size_t)va->dims[2], d = qw / heads, e = vw / heads;
    MOTE_REQUIRE(ka->dims[0] == qa->dims[0] && va->dims[0] == qa->dims[0] && ka->dims[2] == qa->dims[2] && va->dims[1] == ka->dims[1],
                 c->diag, MOTE_E_SHAPE, "Q, K and V do not fit together");
    float scale = mote_node_float(c->node, "scale", 1.0f);
    const float *q = qa->data, *k = ka->data, *v = va->data, *mask = NULL;
    float *y = c->out[0]->data;
    mote_broadcast b;
    if (mote_eval_has(c, 3)) {
        const int64_t dims[4] = {qa->dims[0], (int64_t)heads, qa->dims[1], ka->dims[1]};
        mote_array scores;
        MOTE_TRY(mote_array_shape(&scores, MOTE_DTYPE_F32, 4, dims, c->diag));
        MOTE_TRY(mote_broadcast_init(&b, &scores, &c->in[3], 1, c->diag));
        mask = c->in[3]->data;
    }
    float *row = mote_heap_calloc(c->heap, s, sizeof *row);
    if (row == NULL && s != 0)
        return MOTE_NO_MEMORY(c->diag, s * sizeof *row);
    const mote_softmax_row *softmax = mote_softmax_select(false, 0);
    for (size_t n = 0; n < batch; n++)
        for (size_t h = 0; h < heads; h++)
            for (size_t i = 0; i < l; i++) {
                if (l <= MOTE_ATTEND_ROWS)
                    mote_attend_dot_f32_ref(q + (n * l + i) * qw + h * d, qw, 1, k + n * s * qw + h * d, qw, s, d, scale, row, s);
                for (size_t j = 0; j < s && l > MOTE_ATTEND_ROWS; j++) {
                    float acc = 0.0f;
                    for (size_t t = 0; t < d; t++)
                        acc = fmaf(q[(n * l + i) * qw + h * d + t], k[(n * s + j) * qw + h * d + t], acc);
                    row[j] = acc * scale;
                }
                for (size_t j = 0; mask != NULL && j < s; j++)
                    row[j] += mask[mote_broadcast_index(&b, 0, ((n * heads + h) * l + i) * s + j)];
                softmax->rows(row, row, s == 0 ? 0 : 1, s);
                for (size_t t = 0; t < e; t++) {
                    float acc = 0.0f;
                    for (size_t j = 0; j < s; j++)
                        acc = fmaf(row[j], v[(n * s + j) * vw + h * e + t], acc);
                    y[(n * l + i) * vw + h * e + t] = acc;
                }
            }
    mote_heap_free(c->heap, row, s * sizeof *row);
    return MOTE_OK;
}

/* ---- AddLayerNormalization ---- */

static mote_status infer_add_norm(mote_infer *c)
{
    const mote_type *a = c->in[0], *b = c->in[1];
    mote_type t = *a;
    if (a->rank >= 0 && b->rank >= 0) {
        MOTE_REQUIRE(a->rank == b->rank && a->rank >= 1, c->diag, MOTE_E_SHAPE, "A has rank %d and B %d, expected equal shapes", a->rank,
                     b->rank);
        for (int32_t i = 0; i < a->rank; i++) {
            MOTE_REQUIRE(mote_dim_may_equal(a->dims[i], b->dims[i]), c->diag, MOTE_E_SHAPE, "A and B differ in dimension %d: %lld and %lld", i,
                         (long long)a->dims[i], (long long)b->dims[i]);
            if (!mote_dim_known(t.dims[i]))
                t.dims[i] = b->dims[i];
        }
    }
    mote_infer_out(c, 0, t.dtype, t.rank, t.dims);
    mote_infer_out(c, 1, t.dtype, t.rank, t.dims);
    return MOTE_OK;
}

static mote_status eval_add_norm(mote_eval *c)
{
    const mote_array *aa = c->in[0];
    size_t n = (size_t)aa->dims[aa->rank - 1], count = mote_array_count(aa);
    MOTE_REQUIRE(mote_array_same_shape(aa, c->in[1]), c->diag, MOTE_E_SHAPE, "A and B differ in shape");
    for (uint32_t i = 2; i < 4; i++)
        MOTE_REQUIRE(!mote_eval_has(c, i) || mote_array_count(c->in[i]) == n, c->diag, MOTE_E_SHAPE, "input %u does not have %zu values", i, n);
    const float *a = aa->data, *b = c->in[1]->data;
    float *y = c->out[0]->data;
    for (size_t i = 0; i < count; i++)
        y[i] = a[i] + b[i];
    if (c->n_out > 1 && c->out[1] != NULL && count != 0)
        memcpy(c->out[1]->data, y, count * sizeof *y);
    mote_norm_select(0)->layer(y, c->in[2]->data, mote_eval_has(c, 3) ? c->in[3]->data : NULL, y, n == 0 ? 0 : count / n, n,
                               mote_node_float(c->node, "epsilon", 1e-5f), NULL, NULL);
    return MOTE_OK;
}

MOTE_OP(mote, Attention, 1, .in = "Q:T K:T V:T M?:T", .out = "Y:T", .types = MOTE_TYPES({"T", MOTE_DT(F32), 0}),
        .attrs = MOTE_ATTRS(MOTE_A_INT("heads", 1), MOTE_A_FLOAT("scale", 1.0f)), .infer = infer_attention, .eval = eval_attention,
        .doc = MOTE_DOC("softmax(scale Q K' + M) V for each head, heads side by side in the rows"));
MOTE_OP(mote, AddLayerNormalization, 1, .in = "A:T B:T scale:T bias?:T", .out = "Y:T sum?:T", .types = MOTE_TYPES({"T", MOTE_DT(F32), 0}),
        .attrs = MOTE_ATTRS(MOTE_A_FLOAT("epsilon", 1e-5f)), .infer = infer_add_norm, .eval = eval_add_norm,
        .doc = MOTE_DOC("layer normalization of A + B over the last axis"));
