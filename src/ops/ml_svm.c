/* ml_svm.c - SVMRegressor, SVMClassifier
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ai.onnx.ml SVMRegressor-1, SVMClassifier-1; probabilities: T.-F. Wu, C.-J. Lin, R. C. Weng, Probability Estimates for Multi-class
 * Classification by Pairwise Coupling (2004), algorithm 2. What the standard leaves open is onnxruntime's: the order of the pairs and of the
 * coefficients (LIBSVM's), and without probabilities the scores of two classes [-s, s] (with a transform [1 - s, s]) and of more classes one for
 * each pair. */
#include "base/platform.h"
#include "ops/scalar.h"
#include "ops/trees.h"
#include <math.h>

typedef enum kernel { LINEAR, POLY, RBF, SIGMOID } kernel;

typedef struct svm {
    kernel kind;
    float gamma, coef0, degree;
    const float *coefficients, *vectors, *rho, *a, *b; /* a, b: of the probabilities, or NULL */
    size_t n_vectors, features, classes, pairs;        /* n_vectors 0: the coefficients are of x itself */
    const int64_t *per_class;
    mote_ml_post post;
    mote_ml_list labels;
    bool one_class;
} svm;

static mote_status kernel_of(const mote_node *n, svm *s, mote_diag *diag)
{
    static const char *const names[] = {"LINEAR", "POLY", "RBF", "SIGMOID"};
    const mote_str name = mote_node_string(n, "kernel_type", "LINEAR");
    size_t count;
    const float *params = mote_node_floats(n, "kernel_params", &count);
    int kind = 0;
    while (kind < 4 && !mote_str_is(name, names[kind]))
        kind++;
    MOTE_REQUIRE(kind < 4, diag, MOTE_E_VALUE, "kernel_type is '%.*s', expected LINEAR, POLY, RBF or SIGMOID", MOTE_STR_ARG(name));
    MOTE_REQUIRE(count >= 3 || kind == LINEAR, diag, MOTE_E_MODEL, "kernel_params has %zu values, expected 3", count);
    s->kind = (kernel)kind;
    if (count >= 3) {
        s->gamma = params[0];
        s->coef0 = params[1];
        s->degree = params[2];
    }
    return MOTE_OK;
}

/* features SIZE_MAX: not known yet. */
static mote_status check_features(size_t values, size_t rows, size_t features, const char *name, mote_diag *diag)
{
    MOTE_REQUIRE(values % rows == 0 && (features == SIZE_MAX || values / rows == features), diag, MOTE_E_SHAPE,
                 "%s has %zu values for %zu rows of X's columns", name, values, rows);
    return MOTE_OK;
}

static mote_status svm_of(const mote_node *n, size_t features, svm *s, mote_diag *diag)
{
    const bool classifier = mote_str_is(n->op, "SVMClassifier");
    size_t n_coefficients, n_values, n_rho, n_a = 0, n_b = 0, n_classes = 0;
    *s = (svm){.features = features};
    MOTE_TRY(kernel_of(n, s, diag));
    MOTE_TRY(mote_ml_post_of(n, &s->post, diag));
    s->coefficients = mote_node_floats(n, "coefficients", &n_coefficients);
    s->vectors = mote_node_floats(n, "support_vectors", &n_values);
    s->rho = mote_node_floats(n, "rho", &n_rho);
    if (classifier) {
        s->per_class = mote_node_ints(n, "vectors_per_class", &n_classes);
        MOTE_TRY(mote_ml_labels(n, "classlabels_ints", &s->labels, diag));
        s->classes = s->labels.n;
        MOTE_REQUIRE(s->classes < 65536, diag, MOTE_E_LIMIT, "%zu classes, expected at most 65535", s->classes);
        s->pairs = s->classes * (s->classes - 1) / 2;
        s->a = mote_node_floats(n, "prob_a", &n_a);
        s->b = mote_node_floats(n, "prob_b", &n_b);
        for (size_t i = 0; i < n_classes; i++) {
            MOTE_REQUIRE(s->per_class[i] >= 0 && s->per_class[i] <= INT32_MAX, diag, MOTE_E_VALUE, "vectors_per_class[%zu] is %lld", i,
                         (long long)s->per_class[i]);
            s->n_vectors += (size_t)s->per_class[i];
        }
        MOTE_REQUIRE(n_classes == 0 || n_classes == s->classes, diag, MOTE_E_MODEL, "vectors_per_class has %zu values, expected %zu", n_classes,
                     s->classes);
    } else {
        const int64_t vectors = mote_node_int(n, "n_supports", 0);
        MOTE_REQUIRE(vectors >= 0 && vectors <= INT32_MAX, diag, MOTE_E_VALUE, "n_supports is %lld, expected 0 or more", (long long)vectors);
        s->n_vectors = (size_t)vectors;
        s->one_class = mote_node_int(n, "one_class", 0) != 0;
    }
    if (s->n_vectors == 0) {
        s->kind = LINEAR;
        s->a = s->b = NULL;
        MOTE_REQUIRE(n_rho >= 1, diag, MOTE_E_MODEL, "rho has no value");
        return check_features(n_coefficients, classifier ? s->classes : 1, features, "coefficients", diag);
    }
    MOTE_REQUIRE(s->classes != 1, diag, MOTE_E_MODEL, "support vectors of one class");
    const size_t want = classifier ? (s->classes - 1) * s->n_vectors : s->n_vectors, rho = classifier ? s->pairs : 1;
    MOTE_REQUIRE(n_coefficients == want, diag, MOTE_E_MODEL, "coefficients has %zu values, expected %zu", n_coefficients, want);
    MOTE_REQUIRE(n_rho >= rho, diag, MOTE_E_MODEL, "rho has %zu values, expected %zu", n_rho, rho);
    MOTE_REQUIRE(n_a == n_b && (n_a == 0 || n_a == s->pairs), diag, MOTE_E_MODEL, "prob_a and prob_b have %zu and %zu values, expected %zu", n_a, n_b,
                 s->pairs);
    return check_features(n_values, s->n_vectors, features, "support_vectors", diag);
}

/* Columns of Z. */
static size_t width_of(const svm *s) { return s->n_vectors == 0 || s->a != NULL || s->classes <= 2 ? s->classes : s->pairs; }

static mote_status infer_svm(mote_infer *c)
{
    const mote_type *x = c->in[0];
    int64_t dims[2] = {MOTE_DIM_UNKNOWN, 1};
    size_t f = SIZE_MAX;
    svm s;
    MOTE_REQUIRE(x->rank < 0 || x->rank == 1 || x->rank == 2, c->diag, MOTE_E_SHAPE, "X has rank %d, expected 1 or 2", (int)x->rank);
    if (x->rank > 0) {
        dims[0] = x->rank == 2 ? x->dims[0] : 1;
        f = mote_dim_known(x->dims[x->rank - 1]) ? (size_t)x->dims[x->rank - 1] : SIZE_MAX;
    }
    MOTE_TRY(svm_of(c->node, f, &s, c->diag));
    if (s.classes != 0) {
        mote_infer_out(c, 0, s.labels.dtype, 1, dims);
        dims[1] = (int64_t)width_of(&s);
    }
    mote_infer_out(c, s.classes != 0 ? 1 : 0, MOTE_DTYPE_F32, 2, dims);
    return MOTE_OK;
}

static float tanh_of(float x)
{
    float y;
    mote_unary_f32_f32_tanh_ref(&x, &y, 1, NULL);
    return y;
}

/* sum over i of f(a[i], b[i]) in 16 lanes, folded as DESIGN's Numerics has it; four by four, which compilers keep in registers */
typedef float four __attribute__((vector_size(16), aligned(4), may_alias));
static four load(const float *p) { return *(const four *)(const void *)p; }
#define LANES(name, f)                                                                                                 \
    static float name(const float *a, const float *b, size_t n)                                                        \
    {                                                                                                                  \
        four s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};                                                                   \
        float lane[16];                                                                                                \
        size_t i = 0;                                                                                                  \
        for (; i + 16 <= n; i += 16) {                                                                                 \
            s0 += f(load(a + i), load(b + i));                                                                         \
            s1 += f(load(a + i + 4), load(b + i + 4));                                                                 \
            s2 += f(load(a + i + 8), load(b + i + 8));                                                                 \
            s3 += f(load(a + i + 12), load(b + i + 12));                                                               \
        }                                                                                                              \
        memcpy(lane, &s0, sizeof s0);                                                                                  \
        memcpy(lane + 4, &s1, sizeof s1);                                                                              \
        memcpy(lane + 8, &s2, sizeof s2);                                                                              \
        memcpy(lane + 12, &s3, sizeof s3);                                                                             \
        for (size_t l = 0; i + l < n; l++)                                                                             \
            lane[l] += f(a[i + l], b[i + l]);                                                                          \
        for (size_t half = 8; half > 0; half /= 2)                                                                     \
            for (size_t l = 0; l < half; l++)                                                                          \
                lane[l] += lane[l + half];                                                                             \
        return lane[0];                                                                                                \
    }
#define PRODUCT(x, y) ((x) * (y))
#define SQUARE(x, y) (((x) - (y)) * ((x) - (y)))
LANES(dot, PRODUCT)
LANES(distance, SQUARE)

static float kernel_at(const svm *s, const float *x, const float *v)
{
    if (s->kind == RBF)
        return scalar_exp_f32(-s->gamma * distance(x, v, s->features));
    const float p = dot(x, v, s->features);
    return s->kind == POLY ? scalar_pow_f32(s->gamma * p + s->coef0, s->degree) : s->kind == SIGMOID ? tanh_of(s->gamma * p + s->coef0) : p;
}

/* ---- regression ---- */

static mote_status eval_regressor_temp(mote_eval *c, mote_arena *temp)
{
    size_t rows, columns;
    svm s;
    MOTE_TRY(mote_ml_matrix(c->in[0], &rows, &columns, c->diag));
    MOTE_TRY(svm_of(c->node, columns, &s, c->diag));
    const float *x = mote_widen_f32(temp, c->in[0]);
    float *y = c->out[0]->data;
    if (x == NULL)
        return MOTE_NO_MEMORY(c->diag, 0);
    for (size_t r = 0; r < rows; r++, x += columns) {
        y[r] = 0;
        for (size_t v = 0; v < s.n_vectors; v++)
            y[r] = fmaf(kernel_at(&s, x, s.vectors + v * columns), s.coefficients[v], y[r]);
        if (s.n_vectors == 0)
            y[r] = dot(x, s.coefficients, columns);
        y[r] += s.rho[0];
        if (s.one_class)
            y[r] = y[r] > 0 ? 1.0f : -1.0f;
        else
            mote_ml_transform(s.post, &y[r], 1);
    }
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_regressor)

/* ---- classification ---- */

typedef struct work {
    float *kernels, *scores; /* of the vectors; of the pairs */
    size_t *votes, *first;   /* first: each class's first vector */
    float *r, *q, *qp;       /* classes x classes, classes x classes, classes */
} work;

/* The scores of all pairs i < j, and each pair's vote. */
static void score_pairs(const svm *s, const float *x, const work *w)
{
    size_t pair = 0;
    for (size_t v = 0; v < s->n_vectors; v++)
        w->kernels[v] = kernel_at(s, x, s->vectors + v * s->features);
    for (size_t i = 0; i < s->classes; i++)
        w->votes[i] = 0;
    for (size_t i = 0; i < s->classes; i++)
        for (size_t j = i + 1; j < s->classes; j++, pair++) {
            const float *ci = s->coefficients + (j - 1) * s->n_vectors, *cj = s->coefficients + i * s->n_vectors;
            double sum = 0;
            for (size_t k = w->first[i]; k < w->first[i + 1]; k++)
                sum += (double)(ci[k] * w->kernels[k]);
            for (size_t k = w->first[j]; k < w->first[j + 1]; k++)
                sum += (double)(cj[k] * w->kernels[k]);
            sum += (double)s->rho[pair];
            w->scores[pair] = (float)sum;
            w->votes[sum > 0 ? i : j]++;
        }
}

/* p from the probabilities r[i][j] of i against j: minimizes sum (r[j][i] p[i] - r[i][j] p[j])^2, sum p = 1. */
static void couple(const float *r, size_t n, float *q, float *qp, float *p)
{
    const float enough = 0.005f / (float)n;
    for (size_t i = 0; i < n; i++) {
        p[i] = 1 / (float)n;
        q[i * n + i] = 0;
        for (size_t j = 0; j < n; j++)
            if (j != i) {
                q[i * n + i] += r[j * n + i] * r[j * n + i];
                q[i * n + j] = -r[j * n + i] * r[i * n + j];
            }
    }
    for (int round = 0; round < 100; round++) {
        float pqp = 0, worst = 0;
        for (size_t i = 0; i < n; i++) {
            qp[i] = 0;
            for (size_t j = 0; j < n; j++)
                qp[i] += q[i * n + j] * p[j];
            pqp += p[i] * qp[i];
        }
        for (size_t i = 0; i < n; i++)
            worst = fmaxf(worst, fabsf(qp[i] - pqp));
        if (worst < enough)
            return;
        for (size_t t = 0; t < n; t++) {
            const float step = (pqp - qp[t]) / q[t * n + t], norm = 1 + step;
            p[t] += step;
            pqp = (pqp + step * (step * q[t * n + t] + 2 * qp[t])) / norm / norm;
            for (size_t j = 0; j < n; j++) {
                qp[j] = (qp[j] + step * q[t * n + j]) / norm;
                p[j] /= norm;
            }
        }
    }
}

static void probabilities(const svm *s, const work *w, float *z)
{
    const size_t n = s->classes;
    size_t pair = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++, pair++) {
            const float p = 1 - scalar_sigmoid_f32(w->scores[pair] * s->a[pair] + s->b[pair]), kept = fminf(fmaxf(p, 1e-7f), 1 - 1e-7f);
            w->r[i * n + j] = kept;
            w->r[j * n + i] = 1 - kept;
        }
    couple(w->r, n, w->q, w->qp, z);
}

static size_t classify(const svm *s, const float *x, const work *w, float *z)
{
    size_t best = 0;
    if (s->n_vectors == 0) {
        for (size_t j = 0; j < s->classes; j++) {
            z[j] = dot(x, s->coefficients + j * s->features, s->features) + s->rho[0];
            best = z[j] > z[best] ? j : best;
        }
        mote_ml_transform(s->post, z, s->classes);
        return best;
    }
    score_pairs(s, x, w);
    for (size_t j = 1; j < s->classes; j++)
        best = w->votes[j] > w->votes[best] ? j : best;
    if (s->a != NULL) {
        probabilities(s, w, z);
        mote_ml_transform(s->post, z, s->classes);
    } else if (s->classes == 2) {
        z[1] = w->scores[0];
        z[0] = s->post == MOTE_ML_NONE ? -z[1] : 1 - z[1];
    } else {
        memcpy(z, w->scores, s->pairs * sizeof *z);
        mote_ml_transform(s->post, z, s->pairs);
    }
    return best;
}

static mote_status work_of(const svm *s, mote_arena *temp, work *w, mote_diag *diag)
{
    const size_t square = s->a != NULL ? s->classes * s->classes : 0;
    w->kernels = mote_temp(temp, s->n_vectors + 1, sizeof *w->kernels, diag);
    w->scores = mote_temp(temp, s->pairs + 1, sizeof *w->scores, diag);
    w->votes = mote_temp(temp, s->classes + 1, sizeof *w->votes, diag);
    w->first = mote_temp(temp, s->classes + 1, sizeof *w->first, diag);
    w->r = mote_temp(temp, square + 1, sizeof *w->r, diag);
    w->q = mote_temp(temp, square + 1, sizeof *w->q, diag);
    w->qp = mote_temp(temp, s->classes + 1, sizeof *w->qp, diag);
    if (w->kernels == NULL || w->scores == NULL || w->votes == NULL || w->first == NULL || w->r == NULL || w->q == NULL || w->qp == NULL)
        return MOTE_E_MEMORY;
    for (size_t i = 0; i < s->classes && s->n_vectors != 0; i++)
        w->first[i + 1] = w->first[i] + (size_t)s->per_class[i];
    return MOTE_OK;
}

static mote_status eval_classifier_temp(mote_eval *c, mote_arena *temp)
{
    size_t rows, columns;
    svm s;
    work w;
    MOTE_TRY(mote_ml_matrix(c->in[0], &rows, &columns, c->diag));
    MOTE_TRY(svm_of(c->node, columns, &s, c->diag));
    MOTE_TRY(work_of(&s, temp, &w, c->diag));
    const size_t width = width_of(&s);
    const float *x = mote_widen_f32(temp, c->in[0]);
    float *scores = mote_temp(temp, width + 1, sizeof *scores, c->diag);
    if (x == NULL || scores == NULL)
        return MOTE_NO_MEMORY(c->diag, 0);
    for (size_t r = 0; r < rows; r++) {
        float *z = c->n_out > 1 && c->out[1] != NULL ? (float *)c->out[1]->data + r * width : scores;
        const size_t best = classify(&s, x + r * columns, &w, z);
        if (c->out[0] != NULL)
            mote_ml_copy(&s.labels, best, c->out[0], r);
    }
    return c->out[0] != NULL ? mote_eval_own_strings(c, 0) : MOTE_OK;
}
MOTE_EVAL_TEMP(eval_classifier)

#define KERNEL                                                                                                         \
    MOTE_A_STRING("post_transform", "NONE"), MOTE_A_STRING("kernel_type", "LINEAR"), MOTE_A(FLOATS, "kernel_params"),   \
        MOTE_A(FLOATS, "support_vectors"), MOTE_A(FLOATS, "coefficients"), MOTE_A(FLOATS, "rho")
MOTE_OP(ml, SVMRegressor, 1, .in = "X:T", .out = "Y:float", .types = MOTE_TYPES({"T", MOTE_T_ML, 0}),
        .attrs = MOTE_ATTRS(KERNEL, MOTE_A_INT("n_supports", 0), MOTE_A_INT("one_class", 0)), .infer = infer_svm, .eval = eval_regressor,
        .doc = MOTE_DOC("y = sum coefficient kernel(x, vector) + rho"));
MOTE_OP(ml, SVMClassifier, 1, .in = "X:T1", .out = "Y:T2 Z:float",
        .types = MOTE_TYPES({"T1", MOTE_T_ML, 0}, {"T2", MOTE_DT(STRING) | MOTE_DT(S64), 0}),
        .attrs = MOTE_ATTRS(KERNEL, MOTE_A(INTS, "classlabels_ints"), MOTE_A(STRINGS, "classlabels_strings"), MOTE_A(INTS, "vectors_per_class"),
                            MOTE_A(FLOATS, "prob_a"), MOTE_A(FLOATS, "prob_b")),
        .infer = infer_svm, .eval = eval_classifier, .doc = MOTE_DOC("the class that most pairs vote for; scores or probabilities"));
