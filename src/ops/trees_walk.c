/* trees_walk.c - ensembles of decision trees: one row through all trees, and its scores
 * SPDX-License-Identifier: Apache-2.0
 *
 * Weights are added in the order of the trees, in float, or in double where a threshold, a weight or X is double or X integer. The scores of two classes of which
 * one alone has weights s, which the standard leaves open, are onnxruntime's: class 1 where s > 0.5, and [1 - s, s], for weights that are all positive; else class
 * 1 where s > 0, and [-s, s]. With LOGISTIC the logistic functions of -s and s. */
#include "base/platform.h"
#include "ops/trees.h"

static bool is_member(const mote_trees *t, size_t set, double v)
{
    size_t lo = t->set_first[set], end = t->set_first[set + 1], hi = end;
    while (lo < hi) {
        const size_t mid = lo + (hi - lo) / 2;
        if (t->members[mid] < v)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < end && t->members[lo] == v;
}

/* add: of a score of the walk's type, at[i] */
#define WALK(name, type)                                                                                               \
    static int32_t leaf_##name(const mote_trees *t, const type *x, int32_t at)                                         \
    {                                                                                                                  \
        const type *splits = t->splits;                                                                                \
        if (t->plain) {                                                                                                \
            while (at >= 0) {                                                                                          \
                const mote_tree_node *n = &t->nodes[at];                                                               \
                at = x[n->what & (MOTE_TREE_FEATURES - 1)] <= splits[at] ? n->yes : n->no;                             \
            }                                                                                                          \
            return ~at;                                                                                                \
        }                                                                                                              \
        while (at >= 0) {                                                                                              \
            const mote_tree_node *n = &t->nodes[at];                                                                   \
            const type v = x[n->what & (MOTE_TREE_FEATURES - 1)], s = splits[at];                                      \
            bool yes = false;                                                                                          \
            switch ((mote_branch)(n->what >> (MOTE_TREE_FEATURE_BITS + 1))) {                                          \
            case MOTE_BRANCH_LEQ: yes = v <= s; break;                                                                 \
            case MOTE_BRANCH_LT: yes = v < s; break;                                                                   \
            case MOTE_BRANCH_GTE: yes = v >= s; break;                                                                 \
            case MOTE_BRANCH_GT: yes = v > s; break;                                                                   \
            case MOTE_BRANCH_EQ: yes = v == s; break;                                                                  \
            case MOTE_BRANCH_NEQ: yes = v != s; break;                                                                 \
            case MOTE_BRANCH_MEMBER: yes = is_member(t, (size_t)s, (double)v); break;                                  \
            }                                                                                                          \
            yes = yes || (v != v && (n->what >> MOTE_TREE_FEATURE_BITS & 1) != 0);                                     \
            at = yes ? n->yes : n->no;                                                                                 \
        }                                                                                                              \
        return ~at;                                                                                                    \
    }                                                                                                                  \
    static void sum_##name(const mote_trees *t, const type *x, type *score, uint8_t *scored)                           \
    {                                                                                                                  \
        const type *weight = t->weight;                                                                                \
        for (size_t i = 0; i < t->n_targets; i++)                                                                      \
            score[i] = 0, scored[i] = 0;                                                                               \
        for (size_t r = 0; r < t->n_roots; r++) {                                                                      \
            const int32_t leaf = leaf_##name(t, x, t->roots[r]);                                                       \
            for (uint32_t k = t->first[leaf]; k < t->first[leaf + 1]; k++) {                                           \
                type *s = &score[t->target[k]];                                                                        \
                const type w = weight[k];                                                                              \
                if (t->how == MOTE_TREES_SUM || t->how == MOTE_TREES_AVERAGE)                                          \
                    *s += w;                                                                                           \
                else if (scored[t->target[k]] == 0 || (t->how == MOTE_TREES_MIN ? w < *s : w > *s))                    \
                    *s = w;                                                                                            \
                scored[t->target[k]] = 1;                                                                              \
            }                                                                                                          \
        }                                                                                                              \
        for (size_t i = 0; i < t->n_targets; i++) {                                                                    \
            if (t->how == MOTE_TREES_AVERAGE)                                                                          \
                score[i] /= (type)t->n_roots;                                                                          \
            if (t->n_base == t->n_targets && !t->binary)                                                               \
                score[i] += (type)t->base[i];                                                                          \
        }                                                                                                              \
    }
WALK(f32, float)
WALK(f64, double)

/* Room: the row, the sums, whether there are any, the scores. */
static size_t padded(size_t bytes) { return (bytes + 15) / 16 * 16; }
size_t mote_trees_scratch(const mote_trees *t, size_t columns) { return padded(columns * sizeof(double)) + padded(t->n_targets * sizeof(double)) + padded(t->n_targets) + padded((t->n_targets + 1) * sizeof(float)); }

static size_t best_of(const float *z, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (z[i] > z[best])
            best = i;
    return best;
}

/* Two classes, weights for one: z[2] from its sum, and the class. */
static size_t two_classes(const mote_trees *t, float *z, const uint8_t *scored)
{
    const size_t one = scored[1] != 0;
    float s = z[one];
    if (t->n_base != 0)
        s += (float)t->base[t->n_base - 1];
    const size_t best = s > (t->positive ? 0.5f : 0.0f);
    if (one != 0 && t->n_base == 0) { /* as if there were two */
        mote_ml_transform(t->post, z, 2);
    } else if (t->post == MOTE_ML_PROBIT) {
        z[0] = s;
        mote_ml_transform(t->post, z, 1);
        z[1] = 0;
    } else {
        z[0] = t->positive ? 1 - s : -s;
        z[1] = s;
        if (t->post == MOTE_ML_LOGISTIC) {
            z[0] = -s;
            mote_ml_transform(t->post, z, 2);
        }
    }
    return best;
}

size_t mote_trees_row(const mote_trees *t, const mote_array *x, size_t columns, size_t row, void *scratch, mote_array *z)
{
    char *at = scratch;
    void *wide = at, *sums = at + padded(columns * sizeof(double));
    uint8_t *scored = (uint8_t *)sums + padded(t->n_targets * sizeof(double));
    float *scores = (float *)(void *)(scored + padded(t->n_targets));
    const size_t first = row * columns;
    size_t best = 0;
    if (t->wide) {
        const double *v = wide;
        if (x->dtype == MOTE_DTYPE_F64)
            v = (const double *)x->data + first;
        else
            for (size_t i = 0; i < columns; i++)
                ((double *)wide)[i] = mote_dtype_in(x->dtype, MOTE_DTYPES_INT) ? (double)mote_array_i64(x, first + i) : mote_array_f64(x, first + i);
        sum_f64(t, v, sums, scored);
        for (size_t i = 0; i < t->n_targets; i++)
            scores[i] = (float)((double *)sums)[i];
    } else {
        if (x->dtype != MOTE_DTYPE_F32)
            mote_elements_load(x->dtype, x->data, first, 1, columns, wide);
        sum_f32(t, x->dtype == MOTE_DTYPE_F32 ? (const float *)x->data + first : wide, scores, scored);
    }
    if (t->binary) {
        best = two_classes(t, scores, scored);
    } else {
        if (t->classifier)
            best = best_of(scores, t->n_targets);
        if (z != NULL && z->dtype == MOTE_DTYPE_F64 && t->post == MOTE_ML_NONE) {
            memcpy((double *)z->data + row * t->n_targets, sums, t->n_targets * sizeof(double));
            return best;
        }
        mote_ml_transform(t->post, scores, t->n_targets);
    }
    for (size_t i = 0; z != NULL && i < t->n_targets; i++) {
        if (z->dtype == MOTE_DTYPE_F32)
            ((float *)z->data)[row * t->n_targets + i] = scores[i];
        else
            mote_dtype_from_f64(z->dtype, z->data, row * t->n_targets + i, (double)scores[i]);
    }
    return best;
}
