/* cpu_labels.c - lowering of LabelEncoder, CategoryMapper and OneHotEncoder: the table of keys is made once for the plan
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "ops/ml.h"
#include "provider/cpu/lower.h"

enum { GRAIN = 4096, MANY = 1 << 20 /* as many may be asked for over the runs */ };

typedef struct labels_params {
    mote_ml_mapping map;
    mote_ml_finder cats;
    bool zeros;
} labels_params;

static void map_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const mote_step *step = ctx;
    mote_ml_map(&((const labels_params *)step->params)->map, step->in[0], step->out[0], begin, end);
}

static mote_status map_run(const mote_step *step, mote_exec *x)
{
    mote_step copy = *step;
    mote_parallel_for(x->pool, mote_array_count(step->in[0]), GRAIN, map_range, &copy);
    return MOTE_OK;
}

static mote_status lower_labels(mote_lower *l)
{
    labels_params *p;
    if (l->out[0] == NULL || l->out[0]->dtype == MOTE_DTYPE_STRING) /* strings belong to the session's heap */
        return MOTE_OK;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    MOTE_TRY(mote_ml_mapping_of(l->node, l->in[0]->dtype, l->arena, MANY, &p->map, l->diag));
    l->run = map_run;
    l->params = p;
    l->kernel = "mote_ml_map";
    return MOTE_OK;
}

static mote_status hot_run(const mote_step *step, mote_exec *x)
{
    const labels_params *p = step->params;
    return mote_ml_one_hot(&p->cats, step->in[0], step->out[0]->data, p->zeros, 0, mote_array_count(step->in[0]), x->diag);
}

static mote_status lower_hot(mote_lower *l)
{
    labels_params *p;
    mote_ml_list cats;
    if (l->out[0] == NULL)
        return MOTE_OK;
    MOTE_TRY(mote_ml_categories_of(l->node, l->in[0]->dtype, &cats, l->diag));
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    MOTE_TRY(mote_ml_finder_init(&p->cats, l->arena, &cats, MANY, l->diag));
    p->zeros = mote_node_int(l->node, "zeros", 1) != 0;
    l->run = hot_run;
    l->params = p;
    l->kernel = "mote_ml_one_hot";
    return MOTE_OK;
}

MOTE_LOWER(ml, LabelEncoder, lower_labels)
MOTE_LOWER(ml, CategoryMapper, lower_labels)
MOTE_LOWER(ml, OneHotEncoder, lower_hot)
