/* cpu_trees.c - lowering of tree ensembles: the compact form is made once for the plan, rows are split over the threads
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/size.h"
#include "ops/trees.h"
#include "provider/cpu/lower.h"

enum { GRAIN = 1 << 14 }; /* steps down a tree that are worth another thread */

typedef struct trees_params {
    const mote_trees *trees;
    mote_ml_list labels;
    bool classifier;
    size_t rows, columns, worker_bytes, grain;
} trees_params;

typedef struct trees_job {
    const trees_params *p;
    const mote_array *x;
    mote_array *y, *z; /* NULL: not wanted */
    char *scratch;
} trees_job;

static void rows_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    const trees_job *j = ctx;
    const trees_params *p = j->p;
    for (size_t r = begin, n; r < end; r += n) {
        size_t best[MOTE_TREES_ROWS];
        n = mote_min_size(MOTE_TREES_ROWS, end - r);
        mote_trees_rows(p->trees, j->x, p->columns, r, n, j->scratch + worker * p->worker_bytes, j->z, best);
        for (size_t k = 0; j->y != NULL && k < n; k++)
            mote_ml_copy(&p->labels, best[k], j->y, r + k);
    }
}

static mote_status trees_run(const mote_step *step, mote_exec *x)
{
    const trees_params *p = step->params;
    trees_job j = {.p = p, .x = step->in[0], .scratch = x->scratch};
    j.z = p->classifier ? (step->n_out > 1 ? step->out[1] : NULL) : step->out[0];
    j.y = p->classifier ? step->out[0] : NULL;
    mote_parallel_for(x->pool, p->rows, p->grain, rows_range, &j);
    return MOTE_OK;
}

static mote_status lower_trees(mote_lower *l)
{
    trees_params *p;
    const bool classifier = mote_str_is(l->node->op, "TreeEnsembleClassifier");
    mote_ml_list labels = {0};
    const mote_trees *trees;
    size_t rows, columns, depth = 1;
    if (classifier)
        MOTE_TRY(mote_ml_labels(l->node, "classlabels_int64s", &labels, l->diag));
    if (labels.dtype == MOTE_DTYPE_STRING && l->out[0] != NULL) /* strings belong to the session's heap */
        return MOTE_OK;
    MOTE_TRY(mote_ml_matrix(l->in[0], &rows, &columns, l->diag));
    MOTE_TRY(mote_trees_build(l->arena, l->node, l->in[0]->dtype, &trees, l->diag));
    if (columns < trees->features) /* the evaluation says what is wrong */
        return MOTE_OK;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    while (depth < 32 && ((trees->n_nodes / (trees->n_roots + 1)) >> depth) != 0)
        depth++;
    *p = (trees_params){.trees = trees,
                        .labels = labels,
                        .classifier = classifier,
                        .rows = rows,
                        .columns = columns,
                        .worker_bytes = mote_trees_scratch(trees, columns),
                        .grain = MOTE_TREES_ROWS * (1 + GRAIN / (MOTE_TREES_ROWS * trees->n_roots * depth + 1))};
    if (!mote_size_mul(p->worker_bytes, l->workers, &l->scratch_bytes))
        return MOTE_OK;
    l->run = trees_run;
    l->params = p;
    l->kernel = "mote_trees_rows";
    return MOTE_OK;
}

MOTE_LOWER(ml, TreeEnsemble, lower_trees)
MOTE_LOWER(ml, TreeEnsembleRegressor, lower_trees)
MOTE_LOWER(ml, TreeEnsembleClassifier, lower_trees)
