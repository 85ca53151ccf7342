/* linear.c - pass linear: linear models of ai.onnx.ml become matrix products, which have kernels; linear kernels lose their support vectors
 * SPDX-License-Identifier: Apache-2.0
 *
 *   LinearRegressor  -> Gemm [-> Sigmoid | Softmax]
 *   LinearClassifier -> Gemm [-> Sigmoid | Softmax] for the scores, ArgMax and Gather of the labels for the class
 *
 *   SVMRegressor, SVMClassifier of a linear kernel: the support vectors added up beforehand, times their coefficients
 *
 * Left as they are: the other transforms, one row of coefficients for two classes, inputs whose columns are not known. */
#include "base/platform.h"
#include "ops/trees.h"
#include "passes/pass.h"

typedef struct model {
    mote_graph *g;
    mote_node *n;
    size_t rows, columns;
    mote_diag *diag;
} model;

static mote_status add(const model *m, const char *op, int32_t version, uint32_t n_in, mote_value *const *in, mote_node **out)
{
    *out = mote_graph_add_node(m->g, m->n, "", op, version, n_in, 1, true);
    if (*out == NULL)
        return MOTE_NO_MEMORY(m->diag, 0);
    for (uint32_t i = 0; i < n_in; i++)
        mote_node_set_input(*out, i, in[i]);
    (*out)->name = m->n->name;
    return MOTE_OK;
}

static mote_status constant(const model *m, mote_dtype dtype, int32_t rank, const int64_t *dims, const void *data, mote_value **out)
{
    mote_array a;
    MOTE_TRY(mote_array_shape(&a, dtype, rank, dims, m->diag));
    a.data = (void *)(uintptr_t)data; /* read only: it is copied */
    *out = mote_graph_copy_constant(m->g, MOTE_STR(""), &a);
    if (*out == NULL)
        return MOTE_NO_MEMORY(m->diag, a.bytes);
    (*out)->is_folded = true;
    return MOTE_OK;
}

static mote_status scores(const model *m, mote_value **out)
{
    size_t n;
    const int64_t w_dims[2] = {(int64_t)m->rows, (int64_t)m->columns}, b_dims[1] = {(int64_t)m->rows};
    const float *w = mote_node_floats(m->n, "coefficients", &n), *b = mote_node_floats(m->n, "intercepts", &n);
    mote_value *in[3] = {m->n->in[0].value, NULL, NULL};
    mote_node *gemm;
    if (in[0]->type.dtype != MOTE_DTYPE_F32) {
        mote_node *cast;
        MOTE_TRY(add(m, "Cast", 13, 1, in, &cast));
        if (mote_node_set_int(cast, "to", MOTE_DTYPE_F32) != MOTE_OK)
            return MOTE_NO_MEMORY(m->diag, 0);
        in[0] = cast->out[0];
    }
    MOTE_TRY(constant(m, MOTE_DTYPE_F32, 2, w_dims, w, &in[1]));
    if (b != NULL)
        MOTE_TRY(constant(m, MOTE_DTYPE_F32, 1, b_dims, b, &in[2]));
    MOTE_TRY(add(m, "Gemm", 13, b != NULL ? 3 : 2, in, &gemm));
    *out = gemm->out[0];
    return mote_node_set_int(gemm, "transB", 1) == MOTE_OK ? MOTE_OK : MOTE_NO_MEMORY(m->diag, 0);
}

static mote_status transformed(const model *m, mote_ml_post post, mote_value *x, mote_value **out)
{
    mote_node *n;
    *out = x;
    if (post == MOTE_ML_NONE)
        return MOTE_OK;
    MOTE_TRY(add(m, post == MOTE_ML_SOFTMAX ? "Softmax" : "Sigmoid", 13, 1, &x, &n));
    *out = n->out[0];
    return MOTE_OK;
}

static mote_status named(const model *m, const mote_ml_list *labels, mote_value *x, mote_value **out)
{
    const int64_t dims[1] = {(int64_t)labels->n};
    mote_array a;
    mote_node *best, *gather;
    MOTE_TRY(mote_array_shape(&a, labels->dtype, 1, dims, m->diag));
    if ((a.data = mote_arena_calloc(&m->g->module->arena, 1, a.bytes)) == NULL)
        return MOTE_NO_MEMORY(m->diag, a.bytes);
    for (size_t i = 0; i < labels->n; i++)
        mote_ml_copy(labels, i, &a, i);
    mote_value *table = mote_graph_add_constant(m->g, MOTE_STR(""), &a);
    if (table == NULL)
        return MOTE_NO_MEMORY(m->diag, 0);
    table->is_folded = true;
    MOTE_TRY(add(m, "ArgMax", 13, 1, &x, &best));
    if (mote_node_set_int(best, "axis", 1) != MOTE_OK || mote_node_set_int(best, "keepdims", 0) != MOTE_OK)
        return MOTE_NO_MEMORY(m->diag, 0);
    mote_value *const in[2] = {table, best->out[0]};
    MOTE_TRY(add(m, "Gather", 13, 2, in, &gather));
    *out = gather->out[0];
    return MOTE_OK;
}

static mote_status convert(mote_pass_context *c, mote_node *n)
{
    const bool classifier = mote_node_is(n, "ai.onnx.ml", "LinearClassifier");
    const mote_type *x = &n->in[0].value->type;
    mote_ml_list labels = {0};
    mote_ml_post post;
    size_t weights;
    mote_value *raw = NULL, *out = NULL, *names = NULL;
    mote_node_floats(n, "coefficients", &weights);
    MOTE_TRY(mote_ml_post_of(n, &post, c->diag));
    if (classifier)
        MOTE_TRY(mote_ml_labels(n, "classlabels_ints", &labels, c->diag));
    if ((post != MOTE_ML_NONE && post != MOTE_ML_SOFTMAX && post != MOTE_ML_LOGISTIC) || x->rank != 2 || x->dims[1] < 1 || x->dtype == MOTE_DTYPE_NONE)
        return MOTE_OK;
    const model m = {n->graph, n, weights / (size_t)x->dims[1], (size_t)x->dims[1], c->diag};
    if (m.rows == 0 || (classifier && labels.n != m.rows))
        return MOTE_OK;
    MOTE_TRY(scores(&m, &raw));
    MOTE_TRY(transformed(&m, post, raw, &out));
    mote_value *z = !classifier ? n->out[0] : n->n_out > 1 ? n->out[1] : NULL;
    if (classifier && n->out[0] != NULL && n->out[0]->uses != NULL) {
        MOTE_TRY(named(&m, &labels, raw, &names));
        names->type = n->out[0]->type;
        mote_value_replace(n->out[0], names);
    }
    if (z != NULL) {
        out->type = z->type;
        mote_value_replace(z, out);
    }
    mote_node_remove(n);
    c->edits++;
    return MOTE_OK;
}

/* ---- support vectors ---- */

/* to[f] = sum over vectors [begin, end) of coefficient times vector, rounded once */
static void add_up(const float *vectors, const float *coefficients, size_t begin, size_t end, size_t features, float *to)
{
    for (size_t f = 0; f < features; f++) {
        double sum = 0;
        for (size_t v = begin; v < end; v++)
            sum += (double)coefficients[v] * (double)vectors[v * features + f];
        to[f] = (float)sum;
    }
}

static mote_status add_up_regressor(mote_pass_context *c, mote_node *n, const float *vectors, const float *coefficients, size_t count, size_t features)
{
    float *sum = mote_heap_calloc(c->module->heap, features + 1, sizeof *sum);
    if (sum == NULL)
        return MOTE_NO_MEMORY(c->diag, features * sizeof *sum);
    add_up(vectors, coefficients, 0, count, features, sum);
    mote_status status = mote_node_set_floats(n, "coefficients", sum, features);
    if (status == MOTE_OK)
        status = mote_node_set_int(n, "n_supports", 0);
    mote_heap_free(c->module->heap, sum, (features + 1) * sizeof *sum);
    mote_node_remove_attr(n, "support_vectors");
    c->edits++;
    return status == MOTE_OK ? MOTE_OK : MOTE_NO_MEMORY(c->diag, 0);
}

/* A class has one vector against each of the others: row k of the coefficients is 1 for the k-th, else 0. */
static mote_status add_up_classes(mote_pass_context *c, mote_node *n, const float *vectors, const float *coefficients, size_t count, size_t features,
                                  size_t classes, const int64_t *per_class)
{
    const size_t others = classes - 1, now = classes * others;
    mote_arena temp;
    mote_arena_init(&temp, c->module->heap);
    float *sums = mote_arena_calloc(&temp, now * features, sizeof *sums), *ones = mote_arena_calloc(&temp, others * now, sizeof *ones);
    int64_t *each = mote_arena_calloc(&temp, classes, sizeof *each);
    mote_status status = sums != NULL && ones != NULL && each != NULL ? MOTE_OK : MOTE_E_MEMORY;
    for (size_t i = 0, begin = 0; i < classes && status == MOTE_OK; begin += (size_t)per_class[i++]) {
        each[i] = (int64_t)others;
        for (size_t k = 0; k < others; k++) {
            add_up(vectors, coefficients + k * count, begin, begin + (size_t)per_class[i], features, sums + (i * others + k) * features);
            ones[k * now + i * others + k] = 1;
        }
    }
    if (status == MOTE_OK)
        status = mote_node_set_floats(n, "support_vectors", sums, now * features);
    if (status == MOTE_OK)
        status = mote_node_set_floats(n, "coefficients", ones, others * now);
    if (status == MOTE_OK)
        status = mote_node_set_ints(n, "vectors_per_class", each, classes);
    mote_arena_deinit(&temp);
    c->edits++;
    return status == MOTE_OK ? MOTE_OK : MOTE_NO_MEMORY(c->diag, 0);
}

static mote_status fewer_vectors(mote_pass_context *c, mote_node *n)
{
    size_t n_vectors = 0, n_values, n_coefficients, classes;
    const float *vectors = mote_node_floats(n, "support_vectors", &n_values), *coefficients = mote_node_floats(n, "coefficients", &n_coefficients);
    const int64_t *per_class = mote_node_ints(n, "vectors_per_class", &classes);
    if (!mote_str_is(mote_node_string(n, "kernel_type", "LINEAR"), "LINEAR") || vectors == NULL || n_values == 0)
        return MOTE_OK;
    if (mote_str_is(n->op, "SVMRegressor")) {
        n_vectors = (size_t)mote_node_int(n, "n_supports", 0);
        return n_vectors < 2 ? MOTE_OK : add_up_regressor(c, n, vectors, coefficients, n_vectors, n_values / n_vectors);
    }
    for (size_t i = 0; i < classes; i++)
        n_vectors += (size_t)per_class[i];
    if (classes < 2 || n_vectors <= classes * (classes - 1))
        return MOTE_OK;
    return add_up_classes(c, n, vectors, coefficients, n_vectors, n_values / n_vectors, classes, per_class);
}

static mote_status convert_graph(mote_pass_context *c, mote_graph *g)
{
    for (mote_node *n = g->first, *next; n != NULL; n = next) {
        next = n->next;
        if (mote_node_is(n, "ai.onnx.ml", "LinearRegressor") || mote_node_is(n, "ai.onnx.ml", "LinearClassifier"))
            MOTE_TRY(convert(c, n));
        else if (mote_node_is(n, "ai.onnx.ml", "SVMRegressor") || mote_node_is(n, "ai.onnx.ml", "SVMClassifier"))
            MOTE_TRY(fewer_vectors(c, n));
    }
    return MOTE_OK;
}

MOTE_PASS(linear) { return mote_pass_each_graph(c, convert_graph); }
