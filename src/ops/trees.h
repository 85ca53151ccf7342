/* trees.h - ensembles of decision trees in a compact form: 16 bytes a node (24 with double thresholds), no recursion, nothing to check while walking
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_OPS_TREES_H
#define MOTE_OPS_TREES_H

#include "ops/ml.h"

typedef enum mote_branch {
    MOTE_BRANCH_LEQ,
    MOTE_BRANCH_LT,
    MOTE_BRANCH_GTE,
    MOTE_BRANCH_GT,
    MOTE_BRANCH_EQ,
    MOTE_BRANCH_NEQ,
    MOTE_BRANCH_MEMBER
} mote_branch;
typedef enum mote_tree_sum { MOTE_TREES_AVERAGE, MOTE_TREES_SUM, MOTE_TREES_MIN, MOTE_TREES_MAX } mote_tree_sum;

/* Where a branch leads: a node, or, negative, ~leaf. The threshold stands behind it; of a set: its number. */
typedef struct mote_tree_node {
    uint32_t what; /* MOTE_TREE_WHAT */
    int32_t child[2]; /* where the comparison holds, and where not */
} mote_tree_node;
typedef struct mote_tree_node_f32 {
    mote_tree_node n;
    float split;
} mote_tree_node_f32;
typedef struct mote_tree_node_f64 {
    mote_tree_node n;
    double split;
} mote_tree_node_f64;
enum { MOTE_TREE_FEATURE_BITS = 27, MOTE_TREE_FEATURES = 1 << MOTE_TREE_FEATURE_BITS };
#define MOTE_TREE_WHAT(feature, missing, mode)                                                                         \
    ((uint32_t)(feature) | (uint32_t)(missing) << MOTE_TREE_FEATURE_BITS | (uint32_t)(mode) << (MOTE_TREE_FEATURE_BITS + 1))

typedef struct mote_trees {
    bool wide;             /* thresholds, weights and sums in double (then X is read as double), else float */
    bool plain;            /* every node is x <= threshold, and NaN goes to `no` */
    size_t n_nodes, n_roots, n_leaves, n_targets, features; /* features: columns that X must have at least */
    const void *nodes;     /* mote_tree_node_f32, or, wide, mote_tree_node_f64 */
    const int32_t *roots;
    const uint32_t *first; /* of n_leaves + 1: the leaf's first weight */
    const uint32_t *target;
    const void *weight;
    const uint32_t *set_first; /* of each set, and the end of the last */
    const double *members;     /* of each set ascending */
    mote_tree_sum how;
    mote_ml_post post;
    const double *base;    /* NULL: none */
    size_t n_base;
    bool classifier, binary, positive; /* binary: two classes, weights for one of them; positive: no weight is below 0 */
} mote_trees;

/* Of a TreeEnsemble, TreeEnsembleRegressor or TreeEnsembleClassifier. x: X's type. MOTE_E_MODEL, MOTE_E_VALUE: a child, class or target out of
 * range, a node with two parents (hence every cycle), lists of different lengths. */
mote_status mote_trees_build(mote_arena *arena, const mote_node *n, mote_dtype x, const mote_trees **out, mote_diag *diag);
/* The columns of the scores: targets or classes. */
mote_status mote_trees_targets(const mote_node *n, int64_t *targets, mote_diag *diag);
/* The class labels of a node with classlabels_*; ints: the integers' attribute's name. */
mote_status mote_ml_labels(const mote_node *n, const char *ints, mote_ml_list *out, mote_diag *diag);

/* Rows that are walked side by side; bytes that this takes. */
enum { MOTE_TREES_ROWS = 8 };
size_t mote_trees_scratch(const mote_trees *t, size_t columns);
/* Rows first .. first + n - 1 of X (n <= MOTE_TREES_ROWS), which has `columns` >= t->features columns: their scores, of z's type, into z (NULL: not
 * wanted), their best classes into best[n]. */
void mote_trees_rows(const mote_trees *t, const mote_array *x, size_t columns, size_t first, size_t n, void *scratch, mote_array *z, size_t *best);

#endif
