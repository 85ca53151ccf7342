/* importance.c - how much each channel of a tensor counts when its range is chosen
 * SPDX-License-Identifier: Apache-2.0
 *
 * An error in channel c reaches the outputs of the products behind it with the energy of the weights that read c. Where something else reads the tensor, all channels
 * count alike. */
#include "base/platform.h"
#include "quant/quantizer.h"
#include "passes/match.h"
#include <math.h>
#include <string.h>

enum { DEPTH = 8, FULL = 4096, MOST = 4096 };

static bool add_energy(const mote_node *n, double *e, size_t channels)
{
    const mote_array *a = n->in[1].value->constant;
    if (a == NULL || a->rank < 3 || (size_t)a->dims[1] * (size_t)mote_node_int(n, "group", 1) != channels)
        return false;
    mote_quant_add_energy(n, 1, e);
    return true;
}

static bool follow(const mote_value *v, double *e, size_t channels, int depth);

/* Behind a product with a constant by channel. */
static bool follow_scaled(const mote_value *v, const mote_array *by, double *e, size_t channels, int depth)
{
    double sum[MOST];
    if (channels > MOST || mote_array_count(by) != channels)
        return false;
    memset(sum, 0, channels * sizeof *sum);
    if (!follow(v, sum, channels, depth))
        return false;
    for (size_t i = 0; i < channels; i++)
        e[i] += sum[i] * mote_array_f64(by, i) * mote_array_f64(by, i);
    return true;
}

static bool follow(const mote_value *v, double *e, size_t channels, int depth)
{
    if (depth == 0 || v->uses == NULL)
        return false;
    for (const mote_use *u = v->uses; u != NULL; u = u->next) {
        const mote_node *n = u->node;
        if (n == NULL || n->graph != v->graph)
            return false;
        if (mote_node_is(n, "", "Conv") && u->index == 0) {
            if (!add_energy(n, e, channels))
                return false;
        } else if (mote_node_is(n, "", "Relu") || mote_node_is(n, "", "Clip") || mote_node_is(n, "", "HardSwish") || mote_node_is(n, "", "AveragePool") ||
                   mote_node_is(n, "", "MaxPool")) {
            if (!follow(n->out[0], e, channels, depth - 1))
                return false;
        } else if (mote_node_is(n, "", "Mul")) {
            const mote_value *other = n->in[1 - u->index].value;
            const mote_type *t = other != NULL ? &other->type : NULL;
            if (other != NULL && other->constant != NULL ? !follow_scaled(n->out[0], other->constant, e, channels, depth - 1)
                                                          : t == NULL || other == v || t->rank != v->type.rank || !follow(n->out[0], e, channels, depth - 1))
                return false;
        } else if (mote_node_is(n, "", "Add")) {
            if (!follow(n->out[0], e, channels, depth - 1))
                return false;
        } else if (!mote_node_is(n, "", "GlobalAveragePool")) { /* a mean takes the noise away */
            return false;
        }
    }
    return true;
}

mote_status mote_quant_weigh(mote_quantizer *q, mote_diag *diag)
{
    for (const mote_value *v = q->module->graph->values; v != NULL; v = v->next) {
        if (v->id >= q->n_values || (!q->values[v->id].wanted && !q->values[v->id].watched) || v->constant != NULL || v->type.rank < 3 || v->type.dims[1] < 2 || v->type.dims[1] > 65536)
            continue;
        const size_t n = (size_t)v->type.dims[1];
        double *e = mote_arena_calloc(&q->arena, n, sizeof *e), top = 0;
        uint32_t *weight = mote_arena_calloc(&q->arena, n, sizeof *weight);
        if (e == NULL || weight == NULL)
            return MOTE_NO_MEMORY(diag, n * sizeof *e);
        if (!follow(v, e, n, DEPTH))
            continue;
        for (size_t i = 0; i < n; i++)
            top = fmax(top, e[i]);
        for (size_t i = 0; i < n; i++)
            weight[i] = top > 0 ? (uint32_t)fmax(1, rint(e[i] / top * FULL)) : 1;
        q->values[v->id].importance = weight;
        q->values[v->id].n_importance = (uint32_t)n;
    }
    return MOTE_OK;
}
