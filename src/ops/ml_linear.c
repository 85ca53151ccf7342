/* ml_linear.c - LinearRegressor, LinearClassifier
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ai.onnx.ml LinearRegressor-1, LinearClassifier-1. Sums ascending over the features, one fma a term, the intercept first. One score s for
 * two classes becomes, after the transform, [1 - s, s], and class 1 where the score before it is above 0. */
#include "base/platform.h"
#include "ops/trees.h"
#include <math.h>

typedef struct linear {
    const float *w, *b; /* w[n][f]; b NULL: 0 */
    size_t n, f;
    mote_ml_post post;
    mote_ml_list labels; /* of a classifier */
    bool pair;           /* one score for two classes */
} linear;

/* f SIZE_MAX: not known yet. */
static mote_status linear_of(const mote_node *node, size_t f, linear *l, mote_diag *diag)
{
    const bool classifier = mote_str_is(node->op, "LinearClassifier");
    size_t weights, intercepts;
    *l = (linear){.f = f};
    l->w = mote_node_floats(node, "coefficients", &weights);
    l->b = mote_node_floats(node, "intercepts", &intercepts);
    MOTE_TRY(mote_ml_post_of(node, &l->post, diag));
    if (classifier) {
        MOTE_TRY(mote_ml_labels(node, "classlabels_ints", &l->labels, diag));
        l->pair = l->labels.n == 2 && (intercepts != 0 ? intercepts == 1 : f != SIZE_MAX && weights == f);
        l->n = l->pair ? 1 : l->labels.n;
    } else {
        const int64_t targets = mote_node_int(node, "targets", 1);
        MOTE_REQUIRE(targets >= 1 && targets <= INT32_MAX, diag, MOTE_E_VALUE, "targets is %lld, expected 1 or more", (long long)targets);
        l->n = (size_t)targets;
    }
    MOTE_REQUIRE(intercepts == 0 || intercepts == l->n, diag, MOTE_E_MODEL, "intercepts has %zu values, expected %zu", intercepts, l->n);
    MOTE_REQUIRE(f == SIZE_MAX ? weights % l->n == 0 : weights / l->n == f && weights % l->n == 0, diag, MOTE_E_SHAPE,
                 "coefficients has %zu values for %zu scores of X's columns", weights, l->n);
    return MOTE_OK;
}

static mote_status infer_linear(mote_infer *c)
{
    const mote_type *x = c->in[0];
    int64_t dims[2] = {MOTE_DIM_UNKNOWN, MOTE_DIM_UNKNOWN};
    size_t f = SIZE_MAX;
    linear l;
    MOTE_REQUIRE(x->rank < 0 || x->rank == 1 || x->rank == 2, c->diag, MOTE_E_SHAPE, "X has rank %d, expected 1 or 2", (int)x->rank);
    if (x->rank > 0) {
        dims[0] = x->rank == 2 ? x->dims[0] : 1;
        f = mote_dim_known(x->dims[x->rank - 1]) ? (size_t)x->dims[x->rank - 1] : SIZE_MAX;
    }
    MOTE_TRY(linear_of(c->node, f, &l, c->diag));
    if (l.labels.n == 0 || f != SIZE_MAX || l.b != NULL)
        dims[1] = (int64_t)(l.pair ? 2 : l.n);
    else
        dims[1] = (int64_t)l.labels.n; /* two labels: two columns in any case */
    if (l.labels.n != 0)
        mote_infer_out(c, 0, l.labels.dtype, 1, dims);
    mote_infer_out(c, l.labels.n != 0 ? 1 : 0, MOTE_DTYPE_F32, 2, dims);
    return MOTE_OK;
}

/* Scores of a row before the transform; the best class. */
static size_t row_of(const linear *l, const float *x, float *z)
{
    size_t best = 0;
    for (size_t j = 0; j < l->n; j++) {
        const float *w = l->w + j * l->f;
        float s = l->b != NULL ? l->b[j] : 0;
        for (size_t i = 0; i < l->f; i++)
            s = fmaf(x[i], w[i], s);
        z[j] = s;
        best = s > z[best] ? j : best;
    }
    if (l->pair)
        best = z[0] > 0;
    mote_ml_transform(l->post, z, l->n);
    if (l->pair) {
        z[1] = z[0];
        z[0] = 1 - z[0];
    }
    return best;
}

static mote_status eval_linear_temp(mote_eval *c, mote_arena *temp)
{
    size_t rows, columns;
    linear l;
    MOTE_TRY(mote_ml_matrix(c->in[0], &rows, &columns, c->diag));
    MOTE_TRY(linear_of(c->node, columns, &l, c->diag));
    const bool classifier = l.labels.n != 0;
    mote_array *y = classifier ? c->out[0] : NULL, *z = classifier ? (c->n_out > 1 ? c->out[1] : NULL) : c->out[0];
    const float *x = mote_widen_f32(temp, c->in[0]);
    float *scores = mote_temp(temp, l.n + 2, sizeof *scores, c->diag);
    if (x == NULL || scores == NULL)
        return MOTE_NO_MEMORY(c->diag, 0);
    const size_t width = l.pair ? 2 : l.n;
    for (size_t r = 0; r < rows; r++) {
        const size_t best = row_of(&l, x + r * columns, scores);
        if (z != NULL)
            memcpy((float *)z->data + r * width, scores, width * sizeof *scores);
        if (y != NULL)
            mote_ml_copy(&l.labels, best, y, r);
    }
    return y != NULL ? mote_eval_own_strings(c, 0) : MOTE_OK;
}
MOTE_EVAL_TEMP(eval_linear)

MOTE_OP(ml, LinearRegressor, 1, .in = "X:T", .out = "Y:float", .types = MOTE_TYPES({"T", MOTE_T_ML, 0}),
        .attrs = MOTE_ATTRS(MOTE_A_STRING("post_transform", "NONE"), MOTE_A(FLOATS, "coefficients"), MOTE_A(FLOATS, "intercepts"),
                            MOTE_A_INT("targets", 1)),
        .infer = infer_linear, .eval = eval_linear, .doc = MOTE_DOC("y = transform(x w' + b)"));
MOTE_OP(ml, LinearClassifier, 1, .in = "X:T1", .out = "Y:T2 Z:float",
        .types = MOTE_TYPES({"T1", MOTE_T_ML, 0}, {"T2", MOTE_DT(STRING) | MOTE_DT(S64), 0}),
        .attrs = MOTE_ATTRS(MOTE_A_STRING("post_transform", "NONE"), MOTE_A_REQUIRED(FLOATS, "coefficients"), MOTE_A(FLOATS, "intercepts"),
                            MOTE_A_INT("multi_class", 0), MOTE_A(INTS, "classlabels_ints"), MOTE_A(STRINGS, "classlabels_strings")),
        .infer = infer_linear, .eval = eval_linear, .doc = MOTE_DOC("z = transform(x w' + b), and the class of the largest"));
