/* ml_tree.c - TreeEnsemble, TreeEnsembleRegressor, TreeEnsembleClassifier
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ai.onnx.ml TreeEnsemble-5, TreeEnsembleRegressor-1, -3 and -5, TreeEnsembleClassifier-1, -3 and -5 (5: deprecated, and still there). */
#include "base/platform.h"
#include "ops/trees.h"

/* The attributes are checked at load, as a whole. */
static mote_status infer_trees(mote_infer *c)
{
    const mote_type *x = c->in[0];
    const bool classifier = mote_str_is(c->node->op, "TreeEnsembleClassifier");
    const mote_dtype z = mote_str_is(c->node->op, "TreeEnsemble") ? x->dtype : MOTE_DTYPE_F32;
    const mote_trees *t;
    mote_arena temp;
    int64_t dims[2] = {MOTE_DIM_UNKNOWN, 0};
    mote_arena_init(&temp, c->module->heap);
    mote_status status = mote_trees_build(&temp, c->node, x->dtype == MOTE_DTYPE_NONE ? MOTE_DTYPE_F32 : x->dtype, &t, c->diag);
    const size_t features = status == MOTE_OK ? t->features : 0, targets = status == MOTE_OK ? t->n_targets : 0;
    mote_arena_deinit(&temp);
    MOTE_TRY(status);
    MOTE_REQUIRE(x->rank < 0 || x->rank == 1 || x->rank == 2, c->diag, MOTE_E_SHAPE, "X has rank %d, expected 1 or 2", (int)x->rank);
    if (x->rank > 0) {
        const int64_t columns = x->dims[x->rank - 1];
        MOTE_REQUIRE(!mote_dim_known(columns) || (uint64_t)columns >= features, c->diag, MOTE_E_SHAPE,
                     "X has %lld columns, a node asks for column %zu", (long long)columns, features - 1);
        dims[0] = x->rank == 2 ? x->dims[0] : 1;
    }
    dims[1] = (int64_t)targets;
    if (classifier) {
        mote_ml_list labels;
        MOTE_TRY(mote_ml_labels(c->node, "classlabels_int64s", &labels, c->diag));
        mote_infer_out(c, 0, labels.dtype, 1, dims);
    }
    mote_infer_out(c, classifier ? 1 : 0, z, 2, dims);
    return MOTE_OK;
}

static mote_status eval_trees_temp(mote_eval *c, mote_arena *temp)
{
    const mote_array *x = c->in[0];
    const bool classifier = mote_str_is(c->node->op, "TreeEnsembleClassifier");
    mote_array *z = classifier ? (c->n_out > 1 ? c->out[1] : NULL) : c->out[0], *y = classifier ? c->out[0] : NULL;
    const mote_trees *t;
    mote_ml_list labels = {0};
    size_t rows, columns;
    MOTE_TRY(mote_ml_matrix(x, &rows, &columns, c->diag));
    MOTE_TRY(mote_trees_build(temp, c->node, x->dtype, &t, c->diag));
    MOTE_REQUIRE(columns >= t->features, c->diag, MOTE_E_SHAPE, "X has %zu columns, a node asks for column %zu", columns, t->features - 1);
    if (classifier)
        MOTE_TRY(mote_ml_labels(c->node, "classlabels_int64s", &labels, c->diag));
    void *scratch = mote_temp(temp, 1, mote_trees_scratch(t, columns), c->diag);
    if (scratch == NULL)
        return MOTE_E_MEMORY;
    for (size_t r = 0, n; r < rows; r += n) {
        size_t best[MOTE_TREES_ROWS];
        n = mote_min_size(MOTE_TREES_ROWS, rows - r);
        mote_trees_rows(t, x, columns, r, n, scratch, z, best);
        for (size_t k = 0; y != NULL && k < n; k++)
            mote_ml_copy(&labels, best[k], y, r + k);
    }
    return y != NULL ? mote_eval_own_strings(c, 0) : MOTE_OK;
}
MOTE_EVAL_TEMP(eval_trees)

#define RUN .infer = infer_trees, .eval = eval_trees
MOTE_OP(ml, TreeEnsemble, 5, .in = "X:T", .out = "Y:T", .types = MOTE_TYPES({"T", MOTE_DT(F32) | MOTE_DT(F64) | MOTE_DT(F16), 0}),
        .attrs = MOTE_ATTRS(MOTE_A_INT("aggregate_function", 1), MOTE_A_INT("post_transform", 0), MOTE_A(INT, "n_targets"),
                            MOTE_A_REQUIRED(INTS, "tree_roots"), MOTE_A_REQUIRED(TENSOR, "nodes_modes"), MOTE_A_REQUIRED(TENSOR, "nodes_splits"),
                            MOTE_A_REQUIRED(INTS, "nodes_featureids"), MOTE_A_REQUIRED(INTS, "nodes_truenodeids"),
                            MOTE_A_REQUIRED(INTS, "nodes_falsenodeids"), MOTE_A_REQUIRED(INTS, "nodes_trueleafs"),
                            MOTE_A_REQUIRED(INTS, "nodes_falseleafs"), MOTE_A_REQUIRED(INTS, "leaf_targetids"),
                            MOTE_A_REQUIRED(TENSOR, "leaf_weights"), MOTE_A(INTS, "nodes_missing_value_tracks_true"),
                            MOTE_A(TENSOR, "membership_values"), MOTE_A(TENSOR, "nodes_hitrates")),
        RUN, .doc = MOTE_DOC("the aggregate, over the trees, of the weight of the leaf that x leads to"));

#define NODES                                                                                                          \
    MOTE_A_STRING("post_transform", "NONE"), MOTE_A(FLOATS, "base_values"), MOTE_A(INTS, "nodes_treeids"), MOTE_A(INTS, "nodes_nodeids"), \
        MOTE_A(INTS, "nodes_featureids"), MOTE_A(STRINGS, "nodes_modes"), MOTE_A(FLOATS, "nodes_values"),      \
        MOTE_A(INTS, "nodes_truenodeids"), MOTE_A(INTS, "nodes_falsenodeids"), MOTE_A(INTS, "nodes_missing_value_tracks_true"), MOTE_A(FLOATS, "nodes_hitrates")
#define TENSORS MOTE_A(TENSOR, "base_values_as_tensor"), MOTE_A(TENSOR, "nodes_values_as_tensor"), MOTE_A(TENSOR, "nodes_hitrates_as_tensor")
#define TARGETS                                                                                                        \
    NODES, MOTE_A_STRING("aggregate_function", "SUM"), MOTE_A(INT, "n_targets"), MOTE_A(INTS, "target_treeids"), MOTE_A(INTS, "target_nodeids"), \
        MOTE_A(INTS, "target_ids"), MOTE_A(FLOATS, "target_weights")
#define CLASSES                                                                                                        \
    NODES, MOTE_A(INTS, "classlabels_int64s"), MOTE_A(STRINGS, "classlabels_strings"), MOTE_A(INTS, "class_treeids"), MOTE_A(INTS, "class_nodeids"), \
        MOTE_A(INTS, "class_ids"), MOTE_A(FLOATS, "class_weights")
#define REGRESS                                                                                                        \
    .in = "X:T", .out = "Y:float", .types = MOTE_TYPES({"T", MOTE_T_ML, 0}), RUN,                                       \
    .doc = MOTE_DOC("the aggregate, over the trees, of the weights of the leaf that x leads to")
#define CLASSIFY                                                                                                       \
    .in = "X:T1", .out = "Y:T2 Z:float", .types = MOTE_TYPES({"T1", MOTE_T_ML, 0}, {"T2", MOTE_DT(STRING) | MOTE_DT(S64), 0}), RUN, \
    .doc = MOTE_DOC("the class of the largest sum of weights, and the sums")
MOTE_OP(ml, TreeEnsembleRegressor, 1, REGRESS, .attrs = MOTE_ATTRS(TARGETS));
MOTE_OP(ml, TreeEnsembleRegressor, 3, REGRESS, .attrs = MOTE_ATTRS(TARGETS, TENSORS, MOTE_A(TENSOR, "target_weights_as_tensor")));
MOTE_OP(ml, TreeEnsembleClassifier, 1, CLASSIFY, .attrs = MOTE_ATTRS(CLASSES));
MOTE_OP(ml, TreeEnsembleClassifier, 3, CLASSIFY, .attrs = MOTE_ATTRS(CLASSES, TENSORS, MOTE_A(TENSOR, "class_weights_as_tensor")));
