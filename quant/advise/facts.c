/* facts.c - what is in a model that precision depends on
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "passes/match.h"
#include "passes/qdq.h"
#include "quant/advise/advise.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mote_op_facts *op_of(mote_facts *f, const mote_node *n)
{
    for (size_t i = 0; i < f->n_ops; i++)
        if (mote_str_eq(f->ops[i].op, n->op) && mote_str_eq(f->ops[i].domain, n->domain))
            return &f->ops[i];
    if (f->n_ops == MOTE_FACT_OPS)
        return NULL;
    f->ops[f->n_ops] = (mote_op_facts){.domain = n->domain, .op = n->op};
    return &f->ops[f->n_ops++];
}

static bool any_of(const mote_node *n, const char *const *ops)
{
    for (size_t i = 0; ops[i] != NULL; i++)
        if (mote_node_is(n, "", ops[i]))
            return true;
    return false;
}

static const char *const layers[] = {"Conv", "ConvTranspose", "Gemm", "MatMul", NULL}, *const recurrent[] = {"LSTM", "GRU", "RNN", NULL},
                        *const integers[] = {"QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger", "DynamicQuantizeLinear", NULL};

static void count_constants(mote_facts *f, const mote_node *n, mote_op_facts *op)
{
    for (uint32_t i = 0; i < n->n_in; i++) {
        const mote_value *v = n->in[i].value;
        const mote_array *a = v != NULL && v->graph == n->graph ? v->constant : NULL;
        if (a == NULL || a->kind != MOTE_KIND_TENSOR || v->uses != &n->in[i]) /* once: at its first use */
            continue;
        if (op != NULL) {
            op->parameters += mote_array_count(a);
            op->bytes += a->bytes;
        }
        if (a->dtype != MOTE_DTYPE_F32)
            continue;
        f->layer_bytes += any_of(n, layers) ? a->bytes : 0;
        f->recurrent_bytes += any_of(n, recurrent) ? a->bytes : 0;
        f->table_bytes += mote_node_is(n, "", "Gather") && i == 0 && a->rank > 1 ? a->bytes : 0;
    }
}

static bool is_dilated(const mote_node *n)
{
    size_t count = 0;
    const int64_t *d = mote_node_ints(n, "dilations", &count);
    return d != NULL && count == 1 && d[0] > 1;
}

static void count_node(mote_facts *f, const mote_node *n, bool inside)
{
    mote_op_facts *op = op_of(f, n);
    const bool constant = n->n_in > 1 && n->in[1].value != NULL && n->in[1].value->constant != NULL;
    if (op != NULL)
        op->nodes++;
    count_constants(f, n, op);
    const bool conv = mote_node_is(n, "", "Conv") || mote_node_is(n, "", "ConvTranspose"), product = constant && (mote_node_is(n, "", "Gemm") || mote_node_is(n, "", "MatMul"));
    f->convolutions += conv;
    f->dilated += mote_node_is(n, "", "Conv") && is_dilated(n);
    f->products += product;
    f->recurrent += any_of(n, recurrent);
    f->loops += mote_node_is(n, "", "Loop") || mote_node_is(n, "", "Scan");
    f->branches += mote_node_is(n, "", "If");
    f->inside += inside && (conv || product || any_of(n, recurrent));
    f->quantized += mote_is_quantize(n) || mote_is_dequantize(n) || any_of(n, integers) || (mote_str_is(n->domain, "com.microsoft") && n->op.n > 1 && n->op.p[0] == 'Q');
}

static void count_graph(mote_facts *f, const mote_graph *g, int depth)
{
    for (const mote_value *v = g->values; v != NULL; v = v->next) {
        const mote_array *a = v->constant != NULL && v->constant->kind == MOTE_KIND_TENSOR ? v->constant : NULL;
        if (a == NULL)
            continue;
        f->parameters += mote_array_count(a);
        f->bytes += a->bytes;
        f->half_bytes += a->dtype == MOTE_DTYPE_F16 || a->dtype == MOTE_DTYPE_BF16 ? a->bytes : 0;
    }
    for (const mote_node *n = g->first; n != NULL; n = n->next) {
        count_node(f, n, g->parent != NULL);
        for (const mote_attr *a = n->attrs; a != NULL && depth > 0; a = a->next) {
            if (a->kind == MOTE_ATTR_GRAPH)
                count_graph(f, a->g, depth - 1);
            for (size_t i = 0; a->kind == MOTE_ATTR_GRAPHS && i < a->n; i++)
                count_graph(f, a->graphs[i], depth - 1);
        }
    }
}

static void look_at_input(const mote_module *m, const mote_value *v, mote_facts *f)
{
    const mote_type *t = &v->type;
    bool open = t->rank < 0;
    f->open_lengths |= open;
    for (int32_t d = 0; d < t->rank; d++) {
        const bool known = mote_dim_known(t->dims[d]);
        open |= !known;
        f->open_batch |= !known && d == 0 && t->rank > 1;
        f->open_lengths |= !known && (d > 0 || t->rank == 1);
    }
    if ((t->dtype == MOTE_DTYPE_S64 || t->dtype == MOTE_DTYPE_S32) && (t->rank == 0 || (t->rank == 1 && t->dims[0] == 1)))
        f->chooser = v->name;
    if (!open)
        return;
    size_t n = strlen(f->open);
    n += (size_t)snprintf(f->open + n, sizeof f->open - n, "%s%.*s [", n != 0 ? ", " : "", (int)(v->name.n < 40 ? v->name.n : 40), v->name.p);
    for (int32_t d = 0; d < t->rank && n < sizeof f->open; d++) {
        const mote_str name = t->dims[d] < MOTE_DIM_UNKNOWN ? m->symbols[MOTE_DIM_SYMBOL_INDEX(t->dims[d])] : MOTE_STR("?");
        n += mote_dim_known(t->dims[d]) ? (size_t)snprintf(f->open + n, sizeof f->open - n, "%s%lld", d != 0 ? "," : "", (long long)t->dims[d])
                                        : (size_t)snprintf(f->open + n, sizeof f->open - n, "%s%.*s", d != 0 ? "," : "", (int)(name.n < 24 ? name.n : 24), name.p);
    }
    if (n + 1 < sizeof f->open)
        memcpy(f->open + n, "]", 2);
}

static int by_bytes(const void *a, const void *b)
{
    const mote_op_facts *x = a, *y = b;
    return x->bytes != y->bytes ? (x->bytes < y->bytes) - (x->bytes > y->bytes) : (x->nodes < y->nodes) - (x->nodes > y->nodes);
}

void mote_facts_of(const mote_module *m, mote_facts *out)
{
    *out = (mote_facts){.n_ops = 0};
    count_graph(out, m->graph, MOTE_GRAPH_MAX_DEPTH);
    for (size_t i = 0; i < m->graph->n_inputs; i++)
        if (m->graph->inputs[i]->constant == NULL)
            look_at_input(m, m->graph->inputs[i], out);
    if (out->n_ops != 0)
        qsort(out->ops, out->n_ops, sizeof *out->ops, by_bytes);
}
