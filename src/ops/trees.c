/* trees.c - ensembles of decision trees: the compact form from the attributes of either description
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ai.onnx.ml TreeEnsemble-5 (nodes by index, leaves apart), TreeEnsembleRegressor-3, TreeEnsembleClassifier-3 (nodes by tree and id, the
 * first of a tree being its root). That no node has two parents, a root none, makes what a walk can reach a forest: it ends. */
#include "base/platform.h"
#include "ops/trees.h"
#include <stdlib.h>

/* ---- lists of attributes ---- */

static mote_status ints_of(const mote_node *n, const char *name, size_t want, const int64_t **out, mote_diag *diag)
{
    size_t count;
    *out = mote_node_ints(n, name, &count);
    MOTE_REQUIRE(count == want, diag, MOTE_E_MODEL, "%s has %zu values, expected %zu", name, count, want);
    return MOTE_OK;
}

/* Optional: none, or as many. */
static mote_status ints_or_none(const mote_node *n, const char *name, size_t want, const int64_t **out, mote_diag *diag)
{
    size_t count;
    *out = mote_node_ints(n, name, &count);
    return count == 0 ? MOTE_OK : ints_of(n, name, want, out, diag);
}

/* An attribute of floats, or of a tensor: name, or name_as_tensor. want SIZE_MAX: any number. */
static mote_status reals_of(const mote_node *n, const char *name, const char *as_tensor, size_t want, mote_ml_list *out, mote_diag *diag)
{
    const mote_ml_names names = {.floats = name, .tensor = as_tensor};
    MOTE_TRY(mote_ml_list_of(n, &names, out, diag));
    MOTE_REQUIRE(out->n == 0 || mote_dtype_in(out->dtype, MOTE_DT(F16) | MOTE_DT(F32) | MOTE_DT(F64)), diag, MOTE_E_DTYPE, "%s is %s", as_tensor,
                 mote_dtype_name(out->dtype));
    MOTE_REQUIRE(want == SIZE_MAX || out->n == want, diag, MOTE_E_MODEL, "%s has %zu values, expected %zu", name != NULL ? name : as_tensor, out->n,
                 want);
    return MOTE_OK;
}

static double real_at(const mote_ml_list *l, size_t i) { return mote_dtype_to_f64(l->dtype, l->data, i); }

/* ---- building ---- */

typedef struct builder {
    mote_arena *arena;
    mote_diag *diag;
    mote_trees *t;
    char *nodes;
    uint8_t *parents;
} builder;

static mote_tree_node *node_at(const builder *b, size_t i)
{
    return (mote_tree_node *)(void *)(b->nodes + i * (b->t->wide ? sizeof(mote_tree_node_f64) : sizeof(mote_tree_node_f32)));
}

static mote_status room(builder *b, size_t n, size_t size, void *out)
{
    void *p = mote_temp(b->arena, n + 1, size, b->diag);
    memcpy(out, &p, sizeof p);
    return p != NULL ? MOTE_OK : MOTE_E_MEMORY;
}

static void put_real(const mote_trees *t, void *to, size_t i, double v)
{
    if (t->wide)
        ((double *)to)[i] = v;
    else
        ((float *)to)[i] = (float)v;
}

static mote_status begin(builder *b, size_t n_nodes)
{
    MOTE_REQUIRE(n_nodes < INT32_MAX, b->diag, MOTE_E_LIMIT, "%zu nodes", n_nodes);
    b->t->n_nodes = n_nodes;
    b->t->plain = true;
    MOTE_TRY(room(b, n_nodes, b->t->wide ? sizeof(mote_tree_node_f64) : sizeof(mote_tree_node_f32), &b->nodes));
    MOTE_TRY(room(b, n_nodes, 1, &b->parents));
    b->t->nodes = b->nodes;
    return MOTE_OK;
}

static mote_status set_node(builder *b, size_t i, int64_t feature, bool missing, mote_branch mode, double split)
{
    MOTE_REQUIRE(feature >= 0 && feature < MOTE_TREE_FEATURES, b->diag, MOTE_E_VALUE, "nodes_featureids[%zu] is %lld", i, (long long)feature);
    node_at(b, i)->what = MOTE_TREE_WHAT(feature, missing, mode);
    b->t->plain = b->t->plain && mode == MOTE_BRANCH_LEQ && !missing;
    b->t->features = mote_max_size(b->t->features, (size_t)feature + 1);
    if (b->t->wide)
        ((mote_tree_node_f64 *)(void *)node_at(b, i))->split = split;
    else
        ((mote_tree_node_f32 *)(void *)node_at(b, i))->split = (float)split;
    return MOTE_OK;
}

/* Node k is the child of another, or a root. */
static mote_status use_node(builder *b, int64_t k)
{
    MOTE_REQUIRE(b->parents[k] == 0, b->diag, MOTE_E_MODEL, "node %lld is reached in two ways: the nodes are no trees", (long long)k);
    b->parents[k] = 1;
    return MOTE_OK;
}

/* ---- labels, targets ---- */

mote_status mote_ml_labels(const mote_node *n, const char *ints, mote_ml_list *out, mote_diag *diag)
{
    const mote_ml_names names = {.strings = "classlabels_strings", .ints = ints};
    MOTE_TRY(mote_ml_list_of(n, &names, out, diag));
    MOTE_REQUIRE(out->n != 0, diag, MOTE_E_MODEL, "there is neither classlabels_strings nor %s", ints);
    return MOTE_OK;
}

mote_status mote_trees_targets(const mote_node *n, int64_t *targets, mote_diag *diag)
{
    if (mote_str_is(n->op, "TreeEnsembleClassifier")) {
        mote_ml_list labels;
        MOTE_TRY(mote_ml_labels(n, "classlabels_int64s", &labels, diag));
        *targets = (int64_t)labels.n;
        return MOTE_OK;
    }
    *targets = mote_node_int(n, "n_targets", 0);
    MOTE_REQUIRE(*targets >= 1 && *targets <= INT32_MAX, diag, MOTE_E_VALUE, "n_targets is %lld, expected 1 or more", (long long)*targets);
    return MOTE_OK;
}

/* ---- TreeEnsemble-5 ---- */

/* The sets of members, in the order of the nodes that have one, from values with NaN behind each set. */
static int compare_reals(const void *x, const void *y)
{
    const double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static mote_status read_sets(builder *b, const mote_node *n, size_t n_sets)
{
    mote_ml_list values;
    uint32_t *first;
    double *members;
    size_t sets = 0, kept = 0, begin_at = 0;
    MOTE_TRY(reals_of(n, NULL, "membership_values", SIZE_MAX, &values, b->diag));
    MOTE_REQUIRE(values.n < UINT32_MAX, b->diag, MOTE_E_LIMIT, "membership_values has %zu values", values.n);
    MOTE_TRY(room(b, n_sets, sizeof *first, &first));
    MOTE_TRY(room(b, values.n, sizeof *members, &members));
    for (size_t i = 0; i <= values.n && sets < n_sets; i++) {
        const double v = i < values.n ? real_at(&values, i) : 0;
        if (i < values.n && v == v) {
            members[kept++] = v;
            continue;
        }
        if (i == values.n && (i == 0 || real_at(&values, i - 1) != real_at(&values, i - 1)))
            break; /* a NaN behind the last set, too */
        qsort(members + begin_at, kept - begin_at, sizeof *members, compare_reals);
        first[sets++] = (uint32_t)begin_at;
        begin_at = kept;
    }
    MOTE_REQUIRE(sets == n_sets, b->diag, MOTE_E_MODEL, "membership_values has %zu sets for %zu nodes of mode BRANCH_MEMBER", sets, n_sets);
    first[sets] = (uint32_t)kept;
    b->t->set_first = first;
    b->t->members = members;
    return MOTE_OK;
}

static mote_status child_5(builder *b, const char *which, size_t node, int64_t is_leaf, int64_t id, int32_t *out)
{
    const size_t n = is_leaf != 0 ? b->t->n_leaves : b->t->n_nodes;
    MOTE_REQUIRE(is_leaf == 0 || is_leaf == 1, b->diag, MOTE_E_VALUE, "nodes_%sleafs[%zu] is %lld, expected 0 or 1", which, node, (long long)is_leaf);
    MOTE_REQUIRE(id >= 0 && (uint64_t)id < n, b->diag, MOTE_E_VALUE, "nodes_%snodeids[%zu] is %lld, expected 0 to %lld", which, node, (long long)id,
                 (long long)n - 1);
    *out = is_leaf != 0 ? ~(int32_t)id : (int32_t)id;
    return is_leaf != 0 ? MOTE_OK : use_node(b, id);
}

static mote_status nodes_5(builder *b, const mote_node *n)
{
    const mote_attr *modes = mote_node_attr(n, "nodes_modes");
    const int64_t *feature, *yes, *no, *yes_leaf, *no_leaf, *missing;
    mote_ml_list splits;
    size_t sets = 0;
    const size_t count = mote_array_count(modes->t);
    MOTE_REQUIRE(modes->t->dtype == MOTE_DTYPE_U8 && modes->t->rank <= 1, b->diag, MOTE_E_DTYPE,
                 "nodes_modes is %s of rank %d, expected uint8 of rank 1", mote_dtype_name(modes->t->dtype), (int)modes->t->rank);
    MOTE_TRY(ints_of(n, "nodes_featureids", count, &feature, b->diag));
    MOTE_TRY(ints_of(n, "nodes_truenodeids", count, &yes, b->diag));
    MOTE_TRY(ints_of(n, "nodes_falsenodeids", count, &no, b->diag));
    MOTE_TRY(ints_of(n, "nodes_trueleafs", count, &yes_leaf, b->diag));
    MOTE_TRY(ints_of(n, "nodes_falseleafs", count, &no_leaf, b->diag));
    MOTE_TRY(ints_or_none(n, "nodes_missing_value_tracks_true", count, &missing, b->diag));
    MOTE_TRY(reals_of(n, NULL, "nodes_splits", count, &splits, b->diag));
    MOTE_TRY(begin(b, count));
    for (size_t i = 0; i < count; i++) {
        const int64_t mode = mote_array_i64(modes->t, i);
        MOTE_REQUIRE(mode <= MOTE_BRANCH_MEMBER, b->diag, MOTE_E_VALUE, "nodes_modes[%zu] is %lld, expected 0 to 6", i, (long long)mode);
        MOTE_REQUIRE(missing == NULL || missing[i] == 0 || missing[i] == 1, b->diag, MOTE_E_VALUE,
                     "nodes_missing_value_tracks_true[%zu] is %lld, expected 0 or 1", i, (long long)missing[i]);
        const double split = mode == MOTE_BRANCH_MEMBER ? (double)sets++ : real_at(&splits, i);
        MOTE_REQUIRE(sets < 1 << 24, b->diag, MOTE_E_LIMIT, "too many nodes of mode BRANCH_MEMBER"); /* their numbers stand in floats */
        MOTE_TRY(set_node(b, i, feature[i], missing != NULL && missing[i] != 0, (mote_branch)mode, split));
        MOTE_TRY(child_5(b, "true", i, yes_leaf[i], yes[i], &node_at(b, i)->child[0]));
        MOTE_TRY(child_5(b, "false", i, no_leaf[i], no[i], &node_at(b, i)->child[1]));
    }
    return read_sets(b, n, sets);
}

static mote_status leaves_5(builder *b, const mote_node *n)
{
    size_t count;
    const int64_t *target = mote_node_ints(n, "leaf_targetids", &count);
    mote_ml_list weights;
    uint32_t *first, *to;
    void *weight;
    MOTE_TRY(reals_of(n, NULL, "leaf_weights", count, &weights, b->diag));
    MOTE_REQUIRE(count < INT32_MAX, b->diag, MOTE_E_LIMIT, "%zu leaves", count);
    MOTE_TRY(room(b, count, sizeof *first, &first));
    MOTE_TRY(room(b, count, sizeof *to, &to));
    MOTE_TRY(room(b, count, sizeof(double), &weight));
    for (size_t i = 0; i < count; i++) {
        MOTE_REQUIRE(target[i] >= 0 && (uint64_t)target[i] < b->t->n_targets, b->diag, MOTE_E_VALUE,
                     "leaf_targetids[%zu] is %lld, expected 0 to %lld", i, (long long)target[i], (long long)b->t->n_targets - 1);
        first[i + 1] = (uint32_t)i + 1;
        to[i] = (uint32_t)target[i];
        put_real(b->t, weight, i, real_at(&weights, i));
    }
    b->t->n_leaves = count;
    b->t->first = first;
    b->t->target = to;
    b->t->weight = weight;
    return MOTE_OK;
}

static mote_status build_5(builder *b, const mote_node *n)
{
    size_t count;
    const int64_t *roots = mote_node_ints(n, "tree_roots", &count), how = mote_node_int(n, "aggregate_function", 1),
                  post = mote_node_int(n, "post_transform", 0);
    int32_t *at;
    MOTE_REQUIRE(how >= 0 && how <= 3, b->diag, MOTE_E_VALUE, "aggregate_function is %lld, expected 0 to 3", (long long)how);
    MOTE_REQUIRE(post >= 0 && post <= 4, b->diag, MOTE_E_VALUE, "post_transform is %lld, expected 0 to 4", (long long)post);
    b->t->how = (mote_tree_sum)how;
    b->t->post = (mote_ml_post)post;
    MOTE_TRY(leaves_5(b, n));
    MOTE_TRY(nodes_5(b, n));
    MOTE_TRY(room(b, count, sizeof *at, &at));
    for (size_t i = 0; i < count; i++) {
        MOTE_REQUIRE(roots[i] >= 0 && (uint64_t)roots[i] < b->t->n_nodes, b->diag, MOTE_E_VALUE, "tree_roots[%zu] is %lld, expected 0 to %lld", i,
                     (long long)roots[i], (long long)b->t->n_nodes - 1);
        MOTE_TRY(use_node(b, roots[i]));
        at[i] = (int32_t)roots[i];
    }
    b->t->roots = at;
    b->t->n_roots = count;
    return MOTE_OK;
}

/* ---- TreeEnsembleRegressor, TreeEnsembleClassifier ---- */

typedef struct place {
    int64_t tree, id;
    uint32_t at;
} place;

static int compare_places(const void *x, const void *y)
{
    const place *a = x, *b = y;
    return a->tree != b->tree ? (a->tree > b->tree) - (a->tree < b->tree) : (a->id > b->id) - (a->id < b->id);
}

typedef struct node_index {
    place *places;
    size_t n, last; /* last: the one found last */
} node_index;

static mote_status index_of(builder *b, const int64_t *tree, const int64_t *id, size_t n, node_index *x)
{
    bool sorted = true;
    x->n = n;
    MOTE_TRY(room(b, n, sizeof *x->places, &x->places));
    for (size_t i = 0; i < n; i++) {
        x->places[i] = (place){tree[i], id[i], (uint32_t)i};
        sorted = sorted && (i == 0 || compare_places(&x->places[i - 1], &x->places[i]) < 0);
    }
    if (!sorted)
        qsort(x->places, n, sizeof *x->places, compare_places);
    for (size_t i = 1; i < n && !sorted; i++)
        MOTE_REQUIRE(compare_places(&x->places[i - 1], &x->places[i]) != 0, b->diag, MOTE_E_MODEL, "tree %lld has node %lld twice",
                     (long long)x->places[i].tree, (long long)x->places[i].id);
    return MOTE_OK;
}

/* Ids of a tree mostly ascend by 1: first what stands as far from the last one found as the ids say. */
static const place *find(node_index *x, int64_t tree, int64_t id)
{
    if (x->n == 0)
        return NULL;
    const place key = {tree, id, 0}, *p = &x->places[x->last];
    const uint64_t guess = (uint64_t)x->last + (uint64_t)id - (uint64_t)p->id;
    if (guess < x->n && compare_places(&x->places[guess], &key) == 0)
        p = &x->places[guess];
    else
        p = bsearch(&key, x->places, x->n, sizeof *x->places, compare_places);
    if (p != NULL)
        x->last = (size_t)(p - x->places);
    return p;
}

enum { LEAF = MOTE_BRANCH_MEMBER };

static mote_status mode_of(const mote_str name, size_t i, int *out, mote_diag *diag)
{
    static const char *const names[] = {"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", "LEAF"};
    for (*out = 0; *out <= LEAF; ++*out)
        if (mote_str_is(name, names[*out]))
            return MOTE_OK;
    MOTE_FAIL(diag, MOTE_E_VALUE, "nodes_modes[%zu] is '%.*s'", i, MOTE_STR_ARG(name));
}

static mote_status child_3(builder *b, node_index *x, const int32_t *leaf, const char *which, size_t i, int64_t tree, int64_t id, int32_t *out)
{
    const place *p = find(x, tree, id);
    MOTE_REQUIRE(p != NULL, b->diag, MOTE_E_VALUE, "nodes_%snodeids[%zu] is %lld, which tree %lld does not have", which, i, (long long)id,
                 (long long)tree);
    *out = leaf[p->at] >= 0 ? ~leaf[p->at] : (int32_t)p->at;
    return use_node(b, p->at);
}

/* leaf[i]: the leaf's number, or -1. */
static mote_status nodes_3(builder *b, const mote_node *n, node_index *x, int32_t **leaf_out)
{
    size_t count;
    const int64_t *tree = mote_node_ints(n, "nodes_treeids", &count), *id, *feature, *yes, *no, *missing;
    const mote_attr *modes = mote_node_attr(n, "nodes_modes");
    int32_t *leaf, *roots;
    mote_ml_list splits;
    int mode = 0;
    MOTE_REQUIRE((modes == NULL ? 0 : modes->n) == count, b->diag, MOTE_E_MODEL, "nodes_modes has %zu values, expected %zu",
                 modes == NULL ? 0 : modes->n, count);
    MOTE_TRY(ints_of(n, "nodes_nodeids", count, &id, b->diag));
    MOTE_TRY(ints_of(n, "nodes_featureids", count, &feature, b->diag));
    MOTE_TRY(ints_of(n, "nodes_truenodeids", count, &yes, b->diag));
    MOTE_TRY(ints_of(n, "nodes_falsenodeids", count, &no, b->diag));
    MOTE_TRY(ints_or_none(n, "nodes_missing_value_tracks_true", count, &missing, b->diag));
    MOTE_TRY(reals_of(n, "nodes_values", "nodes_values_as_tensor", count, &splits, b->diag));
    MOTE_TRY(begin(b, count));
    MOTE_TRY(index_of(b, tree, id, count, x));
    MOTE_TRY(room(b, count, sizeof *leaf, &leaf));
    MOTE_TRY(room(b, count, sizeof *roots, &roots));
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !mote_str_eq(modes->strings[i], modes->strings[i - 1]))
            MOTE_TRY(mode_of(modes->strings[i], i, &mode, b->diag));
        leaf[i] = mode == LEAF ? (int32_t)b->t->n_leaves++ : -1;
        if (mode != LEAF)
            MOTE_TRY(set_node(b, i, feature[i], missing != NULL && missing[i] != 0, (mote_branch)mode, real_at(&splits, i)));
    }
    for (size_t i = 0; i < count; i++) {
        if (leaf[i] >= 0)
            continue;
        MOTE_TRY(child_3(b, x, leaf, "true", i, tree[i], yes[i], &node_at(b, i)->child[0]));
        MOTE_TRY(child_3(b, x, leaf, "false", i, tree[i], no[i], &node_at(b, i)->child[1]));
    }
    for (size_t i = 0; i < count; i++)
        if (i == 0 || tree[i] != tree[i - 1]) {
            MOTE_REQUIRE(find(x, tree[i], id[i])->at == i, b->diag, MOTE_E_INTERNAL, "the index of nodes is wrong");
            MOTE_TRY(use_node(b, (int64_t)i));
            roots[b->t->n_roots++] = leaf[i] >= 0 ? ~leaf[i] : (int32_t)i;
        }
    b->t->roots = roots;
    *leaf_out = leaf;
    return MOTE_OK;
}

typedef struct names_3 {
    const char *tree, *node, *id, *weight, *weight_tensor;
} names_3;

static mote_status leaves_3(builder *b, const mote_node *n, node_index *x, const int32_t *leaf, const names_3 *names)
{
    size_t count, kept = 0;
    const int64_t *tree = mote_node_ints(n, names->tree, &count), *id, *target;
    mote_ml_list weights;
    uint32_t *first, *to;
    int32_t *of;
    void *weight;
    int64_t single = -1;
    MOTE_TRY(ints_of(n, names->node, count, &id, b->diag));
    MOTE_TRY(ints_of(n, names->id, count, &target, b->diag));
    MOTE_TRY(reals_of(n, names->weight, names->weight_tensor, count, &weights, b->diag));
    MOTE_REQUIRE(count < UINT32_MAX, b->diag, MOTE_E_LIMIT, "%zu weights", count);
    MOTE_TRY(room(b, b->t->n_leaves + 1, sizeof *first, &first));
    MOTE_TRY(room(b, count, sizeof *to, &to));
    MOTE_TRY(room(b, count, sizeof *of, &of));
    MOTE_TRY(room(b, count, sizeof(double), &weight));
    b->t->positive = true;
    b->t->binary = b->t->classifier && b->t->n_targets == 2;
    for (size_t i = 0; i < count; i++) { /* how many each leaf has, at the place behind it */
        const place *p = find(x, tree[i], id[i]);
        MOTE_REQUIRE(p != NULL, b->diag, MOTE_E_VALUE, "%s[%zu] is %lld, which tree %lld does not have", names->node, i, (long long)id[i],
                     (long long)tree[i]);
        MOTE_REQUIRE(target[i] >= 0 && (uint64_t)target[i] < b->t->n_targets, b->diag, MOTE_E_VALUE, "%s[%zu] is %lld, expected 0 to %lld", names->id,
                     i, (long long)target[i], (long long)b->t->n_targets - 1);
        b->t->positive = b->t->positive && !(real_at(&weights, i) < 0);
        b->t->binary = b->t->binary && (i == 0 || target[i] == single);
        single = target[i];
        of[i] = leaf[p->at]; /* the weight of a node that is no leaf is never reached */
        if (of[i] >= 0)
            first[of[i] + 2]++;
    }
    for (size_t k = 2; k <= b->t->n_leaves; k++)
        first[k] += first[k - 1];
    for (size_t i = 0; i < count; i++)
        if (of[i] >= 0) {
            const uint32_t at = first[of[i] + 1]++;
            to[at] = (uint32_t)target[i];
            put_real(b->t, weight, at, real_at(&weights, i));
            kept++;
        }
    first[b->t->n_leaves] = (uint32_t)kept;
    b->t->first = first;
    b->t->target = to;
    b->t->weight = weight;
    return MOTE_OK;
}

static mote_status build_3(builder *b, const mote_node *n)
{
    static const char *const functions[] = {"AVERAGE", "SUM", "MIN", "MAX"};
    static const names_3 classes = {"class_treeids", "class_nodeids", "class_ids", "class_weights", "class_weights_as_tensor"},
                         targets = {"target_treeids", "target_nodeids", "target_ids", "target_weights", "target_weights_as_tensor"};
    const mote_str function = mote_node_string(n, "aggregate_function", "SUM");
    mote_ml_list base;
    double *values;
    node_index x = {0};
    int32_t *leaf = NULL;
    int how = 0;
    while (how < 4 && !mote_str_is(function, functions[how]))
        how++;
    MOTE_REQUIRE(how < 4, b->diag, MOTE_E_VALUE, "aggregate_function is '%.*s', expected AVERAGE, SUM, MIN or MAX", MOTE_STR_ARG(function));
    b->t->how = (mote_tree_sum)how;
    MOTE_TRY(mote_ml_post_of(n, &b->t->post, b->diag));
    MOTE_TRY(nodes_3(b, n, &x, &leaf));
    MOTE_TRY(leaves_3(b, n, &x, leaf, b->t->classifier ? &classes : &targets));
    MOTE_TRY(reals_of(n, "base_values", "base_values_as_tensor", SIZE_MAX, &base, b->diag));
    MOTE_REQUIRE(base.n == 0 || base.n == b->t->n_targets || (b->t->classifier && base.n == 1 && b->t->n_targets == 2), b->diag, MOTE_E_MODEL,
                 "base_values has %zu values, expected %zu", base.n, b->t->n_targets);
    MOTE_TRY(room(b, base.n, sizeof *values, &values));
    for (size_t i = 0; i < base.n; i++)
        values[i] = real_at(&base, i);
    b->t->base = base.n != 0 ? values : NULL;
    b->t->n_base = base.n;
    return MOTE_OK;
}

/* Some threshold or weight is given in double. */
static bool is_wide(const mote_node *n)
{
    static const char *const names[] = {"nodes_splits", "leaf_weights", "nodes_values_as_tensor", "target_weights_as_tensor",
                                        "class_weights_as_tensor"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const mote_attr *a = mote_node_attr(n, names[i]);
        if (a != NULL && a->t->dtype == MOTE_DTYPE_F64)
            return true;
    }
    return false;
}

mote_status mote_trees_build(mote_arena *arena, const mote_node *n, mote_dtype x, const mote_trees **out, mote_diag *diag)
{
    builder b = {.arena = arena, .diag = diag, .t = mote_temp(arena, 1, sizeof *b.t, diag)};
    int64_t targets;
    *out = b.t;
    if (b.t == NULL)
        return MOTE_E_MEMORY;
    MOTE_TRY(mote_trees_targets(n, &targets, diag));
    b.t->n_targets = (size_t)targets;
    b.t->classifier = mote_str_is(n->op, "TreeEnsembleClassifier");
    b.t->wide = (x != MOTE_DTYPE_F32 && x != MOTE_DTYPE_F16) || is_wide(n); /* integers compare exactly */
    return mote_str_is(n->op, "TreeEnsemble") ? build_5(&b, n) : build_3(&b, n);
}
