/* plan.c - how each node of a model is to compute, from the options of the quantizer
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "quant/quantizer.h"

static mote_precision of_mode(const mote_quantize_options *o)
{
    switch (o->mode) {
    case MOTE_QUANT_STATIC: return MOTE_PRECISION_INT8;
    case MOTE_QUANT_DYNAMIC: return MOTE_PRECISION_INT8_DYNAMIC;
    case MOTE_QUANT_WEIGHTS: return o->weight_bits == 4 ? MOTE_PRECISION_WEIGHTS_INT4 : MOTE_PRECISION_WEIGHTS_INT8;
    default: return MOTE_PRECISION_F16;
    }
}

mote_status mote_quant_plan(mote_quantizer *q, mote_diag *diag)
{
    const mote_graph *g = q->module->graph;
    q->usual = (mote_plan){of_mode(&q->o), q->o.activations, q->o.per_tensor, q->o.block, false};
    for (size_t i = 0; i < MOTE_PRECISIONS; i++)
        q->any[i] = false;
    if (q->o.mode != MOTE_QUANT_MIXED) {
        q->any[q->usual.precision] = true;
        return MOTE_OK;
    }
    q->n_plans = q->module->n_nodes;
    MOTE_TRY(mote_recipe_parse(&q->arena, mote_str_c(q->o.recipe), &q->usual, &q->recipe, diag));
    MOTE_TRY(mote_recipe_resolve(q->recipe, &q->arena, g, q->n_plans, &q->plans, diag));
    q->usual = q->recipe->others;
    for (const mote_node *n = g->first; n != NULL; n = n->next)
        q->any[mote_quant_plan_of(q, n)->precision] = true;
    return MOTE_OK;
}

const mote_plan *mote_quant_plan_of(const mote_quantizer *q, const mote_node *n) { return n->id < q->n_plans ? &q->plans[n->id] : &q->usual; }

bool mote_layer_takes(const mote_layer *l, mote_precision precision) { return l->why == NULL && l->plan.precision == precision; }

bool mote_quant_needs_21(const mote_quantizer *q)
{
    bool new = q->any[MOTE_PRECISION_WEIGHTS_INT8] || q->any[MOTE_PRECISION_WEIGHTS_INT4];
    for (const mote_node *n = q->module->graph->first; n != NULL; n = n->next) {
        const mote_plan *p = mote_quant_plan_of(q, n);
        new |= p->precision == MOTE_PRECISION_INT8 && (p->activations == MOTE_DTYPE_U16 || p->activations == MOTE_DTYPE_S16);
    }
    return new;
}
