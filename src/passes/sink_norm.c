/* sink_norm.c - a transpose passes BatchNormalization, which becomes a product and a sum with constants
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "passes/match.h"
#include "passes/sink.h"
#include <math.h>

#define IN(n, i) mote_match_in(n, i)

static bool is_fixed(const mote_node *n)
{
    if (n->n_in < 5 || n->n_out == 0 || n->out[0] == NULL || !mote_match_only_first(n) || mote_node_int(n, "training_mode", 0) != 0 || mote_node_int(n, "spatial", 1) == 0 ||
        n->out[0]->type.dtype != MOTE_DTYPE_F32)
        return false;
    for (uint32_t i = 1; i < 5; i++) {
        const mote_array *a = mote_value_const(IN(n, i));
        if (a == NULL || a->dtype != MOTE_DTYPE_F32 || a->rank != 1 || a->dims[0] != IN(n, 1)->constant->dims[0])
            return false;
    }
    return true;
}

/* values, one a channel, as a constant that broadcasts along `axis` of `rank`. */
static mote_value *along(mote_graph *g, float *values, int64_t channels, int32_t rank, int32_t axis)
{
    mote_array a;
    int64_t dims[MOTE_MAX_RANK];
    for (int32_t i = 0; i < rank; i++)
        dims[i] = i == axis ? channels : 1;
    if (mote_array_shape(&a, MOTE_DTYPE_F32, rank, dims, NULL) != MOTE_OK)
        return NULL;
    a.data = values;
    mote_value *v = mote_graph_add_constant(g, MOTE_STR(""), &a);
    if (v != NULL)
        v->is_folded = true;
    return v;
}

static mote_node *combine(mote_node *before, const char *op, mote_value *a, mote_value *b, const mote_type *t)
{
    mote_node *n = mote_graph_add_node(before->graph, before, "", op, 13, 2, 1, true);
    if (n == NULL)
        return NULL;
    mote_node_set_input(n, 0, a);
    mote_node_set_input(n, 1, b);
    n->out[0]->type = *t;
    return n;
}

mote_status mote_sink_batch_norm(mote_pass_context *c, mote_node *n)
{
    mote_perm p;
    mote_value *u = mote_perm_under(IN(n, 0), &p);
    if (u == NULL || p.rank < 2 || !is_fixed(n))
        return MOTE_OK;
    const mote_array *scale = IN(n, 1)->constant, *shift = IN(n, 2)->constant, *mean = IN(n, 3)->constant, *var = IN(n, 4)->constant;
    const double epsilon = (double)mote_node_float(n, "epsilon", 1e-5f);
    const size_t channels = (size_t)scale->dims[0];
    float *s = mote_arena_calloc(&c->module->arena, channels, sizeof *s), *b = mote_arena_calloc(&c->module->arena, channels, sizeof *b);
    if ((s == NULL || b == NULL) && channels != 0)
        return MOTE_NO_MEMORY(c->diag, channels * sizeof *s);
    for (size_t i = 0; i < channels; i++) {
        const double factor = mote_array_f64(scale, i) / sqrt(mote_array_f64(var, i) + epsilon);
        s[i] = (float)factor;
        b[i] = (float)(mote_array_f64(shift, i) - mote_array_f64(mean, i) * factor);
    }
    const mote_type type = n->out[0]->type;
    mote_value *factor = along(n->graph, s, (int64_t)channels, p.rank, 1), *term = along(n->graph, b, (int64_t)channels, p.rank, 1);
    if (factor == NULL || term == NULL)
        return MOTE_NO_MEMORY(c->diag, 0);
    mote_node *mul = combine(n, "Mul", IN(n, 0), factor, &type), *add = mul != NULL ? combine(n, "Add", mul->out[0], term, &type) : NULL;
    if (add == NULL)
        return MOTE_NO_MEMORY(c->diag, 0);
    mote_value_replace(n->out[0], add->out[0]);
    mote_perm_input(n, 0, NULL);
    mote_node_remove(n);
    c->edits++;
    MOTE_TRY(mote_sink_elementwise(c, mul));
    return mote_sink_elementwise(c, add);
}
