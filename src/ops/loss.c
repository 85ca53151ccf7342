/* loss.c - NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ONNX NegativeLogLikelihoodLoss-22, SoftmaxCrossEntropyLoss-13. Scores are [n, c, d...], targets [n, d...]; sums ascend over n, then d, in double. */
#include "base/platform.h"
#include "ops/types.h"
#include "ops/wide.h"
#include <math.h>

typedef enum reduction { REDUCE_NONE, REDUCE_MEAN, REDUCE_SUM } reduction;

static mote_status reduction_of(const mote_node *n, reduction *out, mote_diag *diag)
{
    const mote_str s = mote_node_string(n, "reduction", "mean");
    *out = mote_str_is(s, "none") ? REDUCE_NONE : mote_str_is(s, "sum") ? REDUCE_SUM : REDUCE_MEAN;
    MOTE_REQUIRE(*out != REDUCE_MEAN || mote_str_is(s, "mean"), diag, MOTE_E_VALUE, "reduction is '%.*s', expected none, mean or sum", MOTE_STR_ARG(s));
    return MOTE_OK;
}

static mote_status infer_loss(mote_infer *c)
{
    const mote_type *x = c->in[0], *t = c->in[1];
    reduction r;
    MOTE_TRY(reduction_of(c->node, &r, c->diag));
    if (c->n_out > 1)
        mote_infer_out(c, 1, x->dtype, x->rank, x->rank < 0 ? NULL : x->dims);
    if (x->rank >= 0) {
        MOTE_REQUIRE(x->rank >= 2, c->diag, MOTE_E_SHAPE, "scores have rank %d, expected 2 or more", x->rank);
        MOTE_REQUIRE(t->rank < 0 || t->rank == x->rank - 1, c->diag, MOTE_E_SHAPE, "targets have rank %d, expected %d", t->rank, x->rank - 1);
    }
    for (int32_t d = 0; x->rank >= 0 && d < t->rank; d++)
        MOTE_REQUIRE(mote_dim_may_equal(t->dims[d], x->dims[d == 0 ? 0 : d + 1]), c->diag, MOTE_E_SHAPE, "targets have size %lld in dimension %d, scores %lld",
                     (long long)t->dims[d], d, (long long)x->dims[d == 0 ? 0 : d + 1]);
    if (mote_infer_ranked(c, 2)) {
        const mote_type *w = c->in[2];
        MOTE_REQUIRE(w->rank == 1 && (x->rank < 0 || mote_dim_may_equal(w->dims[0], x->dims[1])), c->diag, MOTE_E_SHAPE, "weights are not one a class");
    }
    if (r != REDUCE_NONE)
        mote_infer_out(c, 0, x->dtype, 0, NULL);
    else if (t->rank >= 0)
        mote_infer_out(c, 0, x->dtype, t->rank, t->dims);
    else
        mote_infer_out(c, 0, x->dtype, -1, NULL);
    return MOTE_OK;
}

/* The loss of log-probabilities of [n, classes, inner]; logp NULL: the first input. */
static mote_status reduce(mote_eval *c, mote_arena *temp, const double *logp, size_t n, size_t classes, size_t inner)
{
    const mote_array *target = c->in[1], *weights = mote_eval_has(c, 2) ? c->in[2] : NULL;
    const mote_attr *ignored = mote_node_attr(c->node, "ignore_index");
    mote_array *y = c->out[0];
    reduction r;
    MOTE_TRY(reduction_of(c->node, &r, c->diag));
    const double *w = NULL;
    if (weights != NULL) {
        double *to = mote_temp(temp, classes + 1, sizeof *to, c->diag);
        if (to == NULL)
            return MOTE_E_MEMORY;
        for (size_t k = 0; k < classes; k++)
            to[k] = mote_array_f64(weights, k);
        w = to;
    }
    double sum = 0, total = 0;
    for (size_t i = 0; i < n * inner; i++) {
        const int64_t t = mote_array_i64(target, i);
        const bool skip = ignored != NULL && t == ignored->i;
        MOTE_REQUIRE(skip || (t >= 0 && (uint64_t)t < classes), c->diag, MOTE_E_VALUE, "target %zu is %lld, expected 0 to %zu", i, (long long)t, classes - 1);
        const double weight = skip ? 0 : w != NULL ? w[t] : 1;
        const size_t at = skip ? 0 : (i / inner * classes + (size_t)t) * inner + i % inner;
        const double loss = skip ? 0 : -(logp != NULL ? logp[at] : mote_array_f64(c->in[0], at)) * weight;
        sum += loss;
        total += weight;
        if (r == REDUCE_NONE && y != NULL)
            mote_dtype_from_f64(y->dtype, y->data, i, loss);
    }
    if (r != REDUCE_NONE && y != NULL)
        mote_dtype_from_f64(y->dtype, y->data, 0, r == REDUCE_MEAN ? sum / total : sum);
    return MOTE_OK;
}

/* x as double, and its form. */
static mote_status read_scores(mote_eval *c, mote_arena *temp, double **logp, size_t *n, size_t *classes, size_t *inner)
{
    const mote_array *x = c->in[0];
    *n = (size_t)x->dims[0];
    *classes = (size_t)x->dims[1];
    *inner = mote_dims_count(x->dims + 2, x->rank - 2);
    const size_t count = mote_array_count(x);
    *logp = mote_temp(temp, count + 1, sizeof **logp, c->diag);
    if (*logp == NULL)
        return MOTE_E_MEMORY;
    for (size_t i = 0; i < count; i++)
        (*logp)[i] = mote_array_f64(x, i);
    return MOTE_OK;
}

static mote_status eval_nll_temp(mote_eval *c, mote_arena *temp)
{
    const mote_array *x = c->in[0];
    return reduce(c, temp, NULL, (size_t)x->dims[0], (size_t)x->dims[1], mote_dims_count(x->dims + 2, x->rank - 2));
}
MOTE_EVAL_TEMP(eval_nll)

static mote_status eval_cross_entropy_temp(mote_eval *c, mote_arena *temp)
{
    double *x;
    size_t n, classes, inner;
    MOTE_TRY(read_scores(c, temp, &x, &n, &classes, &inner));
    for (size_t i = 0; i < n * inner; i++) {
        double *at = x + i / inner * classes * inner + i % inner, top = -INFINITY, sum = 0;
        for (size_t k = 0; k < classes; k++)
            top = fmax(top, at[k * inner]);
        for (size_t k = 0; k < classes; k++)
            sum += exp(at[k * inner] - top);
        const double base = top + log(sum);
        for (size_t k = 0; k < classes; k++)
            at[k * inner] -= base;
    }
    if (c->n_out > 1 && c->out[1] != NULL)
        for (size_t i = 0, count = n * classes * inner; i < count; i++)
            mote_dtype_from_f64(c->out[1]->dtype, c->out[1]->data, i, x[i]);
    return reduce(c, temp, x, n, classes, inner);
}
MOTE_EVAL_TEMP(eval_cross_entropy)

#define NLL(t)                                                                                                         \
    .in = "input:T target:Tind weight?:T", .out = "loss:T", .types = MOTE_TYPES({"T", t, 0}, {"Tind", MOTE_T_INDEX, 0}),          \
    .attrs = MOTE_ATTRS(MOTE_A(INT, "ignore_index"), MOTE_A_STRING("reduction", "mean")), .infer = infer_loss, .eval = eval_nll,  \
    .doc = MOTE_DOC("-x[n, t, d] w[t], summed or averaged by the weights")
MOTE_OP(onnx, NegativeLogLikelihoodLoss, 12, NLL(MOTE_T_FLOAT_7));
MOTE_OP(onnx, NegativeLogLikelihoodLoss, 13, NLL(MOTE_T_FLOAT_7));
MOTE_OP(onnx, NegativeLogLikelihoodLoss, 22, NLL(MOTE_DTYPES_FLOAT));

#define CROSS_ENTROPY(t)                                                                                               \
    .in = "scores:T labels:Tind weights?:T", .out = "output:T log_prob?:T",                                             \
    .types = MOTE_TYPES({"T", t, 0}, {"Tind", MOTE_T_INDEX, 0}),                                                                  \
    .attrs = MOTE_ATTRS(MOTE_A(INT, "ignore_index"), MOTE_A_STRING("reduction", "mean")), .infer = infer_loss,                    \
    .eval = eval_cross_entropy, .doc = MOTE_DOC("NegativeLogLikelihoodLoss of log softmax along dimension 1")
MOTE_OP(onnx, SoftmaxCrossEntropyLoss, 12, CROSS_ENTROPY(MOTE_T_FLOAT_7));
MOTE_OP(onnx, SoftmaxCrossEntropyLoss, 13, CROSS_ENTROPY(MOTE_DTYPES_FLOAT));
