/* trees_walk.c - ensembles of decision trees: one row through all trees, and its scores
 * SPDX-License-Identifier: Apache-2.0
 *
 * Weights are added in the order of the trees, in float, or in double where a threshold, a weight or X is double or X integer. The scores of two
 * classes of which one alone has weights s, which the standard leaves open, are onnxruntime's: class 1 where s > 0.5, and [1 - s, s], for weights
 * that are all positive; else class 1 where s > 0, and [-s, s]. With LOGISTIC the logistic functions of -s and s. */
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

/* One row of X from node `at`: its leaf. rows: several rows down one tree of x <= threshold, side by side, since a walk waits for memory at each
 * step. */
#define WALK(name, type)                                                                                               \
    static int32_t leaf_##name(const mote_trees *t, const type *x, int32_t at)                                         \
    {                                                                                                                  \
        const mote_tree_node_##name *nodes = t->nodes;                                                                 \
        while (at >= 0) {                                                                                              \
            const mote_tree_node_##name *n = &nodes[at];                                                               \
            const type v = x[n->n.what & (MOTE_TREE_FEATURES - 1)], s = n->split;                                      \
            bool yes = false;                                                                                          \
            switch ((mote_branch)(n->n.what >> (MOTE_TREE_FEATURE_BITS + 1))) {                                        \
            case MOTE_BRANCH_LEQ: yes = v <= s; break;                                                                 \
            case MOTE_BRANCH_LT: yes = v < s; break;                                                                   \
            case MOTE_BRANCH_GTE: yes = v >= s; break;                                                                 \
            case MOTE_BRANCH_GT: yes = v > s; break;                                                                   \
            case MOTE_BRANCH_EQ: yes = v == s; break;                                                                  \
            case MOTE_BRANCH_NEQ: yes = v != s; break;                                                                 \
            case MOTE_BRANCH_MEMBER: yes = is_member(t, (size_t)s, (double)v); break;                                  \
            }                                                                                                          \
            yes = yes || (v != v && (n->n.what >> MOTE_TREE_FEATURE_BITS & 1) != 0);                                   \
            at = n->n.child[!yes];                                                                                     \
        }                                                                                                              \
        return ~at;                                                                                                    \
    }                                                                                                                  \
    static void leaves_##name(const mote_trees *t, const type *x, size_t columns, int32_t root, int32_t *at)           \
    {                                                                                                                  \
        const mote_tree_node_##name *nodes = t->nodes;                                                                 \
        int32_t more = root >= 0;                                                                                      \
        for (size_t k = 0; k < MOTE_TREES_ROWS; k++)                                                                   \
            at[k] = root;                                                                                              \
        while (more) {                                                                                                 \
            more = 0;                                                                                                  \
            for (size_t k = 0; k < MOTE_TREES_ROWS; k++) {                                                             \
                const int32_t now = at[k];                                                                             \
                const mote_tree_node_##name *n = &nodes[now >= 0 ? now : root];                                        \
                const int32_t next = n->n.child[!(x[k * columns + (n->n.what & (MOTE_TREE_FEATURES - 1))] <= n->split)]; \
                at[k] = now >= 0 ? next : now;                                                                         \
                more |= at[k] >= 0;                                                                                    \
            }                                                                                                          \
        }                                                                                                              \
        for (size_t k = 0; k < MOTE_TREES_ROWS; k++)                                                                   \
            at[k] = ~at[k];                                                                                            \
    }                                                                                                                  \
    static void add_##name(const mote_trees *t, int32_t leaf, type *score, uint8_t *scored)                            \
    {                                                                                                                  \
        const type *weight = t->weight;                                                                                \
        for (uint32_t k = t->first[leaf]; k < t->first[leaf + 1]; k++) {                                               \
            const uint32_t to = t->target[k];                                                                          \
            type *s = &score[to];                                                                                      \
            const type w = weight[k];                                                                                  \
            if (t->how == MOTE_TREES_SUM || t->how == MOTE_TREES_AVERAGE)                                              \
                *s += w;                                                                                               \
            else if (scored[to] == 0 || (t->how == MOTE_TREES_MIN ? w < *s : w > *s))                                  \
                *s = w;                                                                                                \
            scored[to] = 1;                                                                                            \
        }                                                                                                              \
    }                                                                                                                  \
    static void sum_##name(const mote_trees *t, const type *x, size_t columns, size_t n, type *score, uint8_t *scored) \
    {                                                                                                                  \
        int32_t leaf[MOTE_TREES_ROWS];                                                                                 \
        const bool together = t->plain && n == MOTE_TREES_ROWS;                                                        \
        for (size_t i = 0; i < n * t->n_targets; i++)                                                                  \
            score[i] = 0, scored[i] = 0;                                                                               \
        for (size_t r = 0; r < t->n_roots; r++) {                                                                      \
            if (together)                                                                                              \
                leaves_##name(t, x, columns, t->roots[r], leaf);                                                       \
            for (size_t k = 0; k < n; k++)                                                                             \
                add_##name(t, together ? leaf[k] : leaf_##name(t, x + k * columns, t->roots[r]), score + k * t->n_targets, \
                           scored + k * t->n_targets);                                                                 \
        }                                                                                                              \
        for (size_t i = 0; i < n * t->n_targets; i++) {                                                                \
            if (t->how == MOTE_TREES_AVERAGE)                                                                          \
                score[i] /= (type)t->n_roots;                                                                          \
            if (t->n_base == t->n_targets && !t->binary)                                                               \
                score[i] += (type)t->base[i % t->n_targets];                                                           \
        }                                                                                                              \
    }
WALK(f32, float)
WALK(f64, double)

static size_t padded(size_t bytes) { return (bytes + 63) / 64 * 64; }

/* The rows, the sums, whether there are any, one row's scores. */
size_t mote_trees_scratch(const mote_trees *t, size_t columns)
{
    const size_t sums = MOTE_TREES_ROWS * t->n_targets;
    return padded(MOTE_TREES_ROWS * columns * sizeof(double)) + padded(sums * sizeof(double)) + padded(sums) +
           padded((t->n_targets + 1) * sizeof(float));
}

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

/* One row's sums (float in scores, or, wide, double in sums, too) as its scores in z; the best class. */
static size_t finish(const mote_trees *t, float *scores, double *sums, const uint8_t *scored, size_t row, mote_array *z)
{
    const size_t n = t->n_targets;
    size_t best = 0;
    if (t->binary) {
        best = two_classes(t, scores, scored);
    } else {
        if (t->classifier)
            best = best_of(scores, n);
        if (z != NULL && z->dtype == MOTE_DTYPE_F64) {
            mote_ml_transform_f64(t->post, sums, n);
            memcpy((double *)z->data + row * n, sums, n * sizeof *sums);
            return best;
        }
        mote_ml_transform(t->post, scores, n);
    }
    for (size_t i = 0; z != NULL && i < n; i++) {
        if (z->dtype == MOTE_DTYPE_F32)
            ((float *)z->data)[row * n + i] = scores[i];
        else
            mote_dtype_from_f64(z->dtype, z->data, row * n + i, (double)scores[i]);
    }
    return best;
}

void mote_trees_rows(const mote_trees *t, const mote_array *x, size_t columns, size_t first, size_t n, void *scratch, mote_array *z, size_t *best)
{
    char *at = scratch;
    void *rows = at, *sums = at + padded(MOTE_TREES_ROWS * columns * sizeof(double));
    uint8_t *scored = (uint8_t *)sums + padded(MOTE_TREES_ROWS * t->n_targets * sizeof(double));
    float *scores = (float *)(void *)(scored + padded(MOTE_TREES_ROWS * t->n_targets));
    const size_t begin = first * columns, count = n * columns, targets = t->n_targets;
    const bool in_place = x->dtype == (t->wide ? MOTE_DTYPE_F64 : MOTE_DTYPE_F32);
    if (!in_place && !t->wide)
        mote_elements_load(x->dtype, x->data, begin, 1, count, rows);
    for (size_t i = 0; !in_place && t->wide && i < count; i++)
        ((double *)rows)[i] = mote_dtype_in(x->dtype, MOTE_DTYPES_INT) ? (double)mote_array_i64(x, begin + i) : mote_array_f64(x, begin + i);
    if (t->wide)
        sum_f64(t, in_place ? (const double *)x->data + begin : rows, columns, n, sums, scored);
    else
        sum_f32(t, in_place ? (const float *)x->data + begin : rows, columns, n, sums, scored);
    for (size_t k = 0; k < n; k++) {
        double *wide = (double *)sums + k * targets;
        for (size_t i = 0; i < targets; i++)
            scores[i] = t->wide ? (float)wide[i] : ((const float *)sums)[k * targets + i];
        best[k] = finish(t, scores, wide, scored + k * targets, first + k, z);
    }
}
