/* quantized.c - what of a quantized model runs in integers
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "print.h"
#include "quantized.h"
#include "passes/qdq.h"
#include <stdio.h>

typedef bool (*visit_fn)(void *ctx, const mote_node *n);

static bool each_node(const mote_graph *g, int depth, visit_fn fn, void *ctx)
{
    for (const mote_node *n = g->first; n != NULL; n = n->next) {
        if (!fn(ctx, n))
            return false;
        for (const mote_attr *a = n->attrs; a != NULL && depth > 0; a = a->next) {
            if (a->kind == MOTE_ATTR_GRAPH && !each_node(a->g, depth - 1, fn, ctx))
                return false;
            for (size_t i = 0; a->kind == MOTE_ATTR_GRAPHS && i < a->n; i++)
                if (!each_node(a->graphs[i], depth - 1, fn, ctx))
                    return false;
        }
    }
    return true;
}

static bool is_plain(void *ctx, const mote_node *n)
{
    (void)ctx;
    static const char *const operators[] = {"QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger"};
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
        if (mote_node_is(n, "", operators[i]))
            return false;
    return !mote_is_quantize(n) && !mote_is_dequantize(n);
}

bool quantized_any(const mote_model *m) { return !each_node(m->module->graph, MOTE_GRAPH_MAX_DEPTH, is_plain, NULL); }

static bool is_integer(const mote_node *n)
{
    return (mote_str_is(n->domain, "mote") && n->op.n > 0 && n->op.p[0] == 'Q') || mote_node_is(n, "", "MatMulInteger") || mote_node_is(n, "", "ConvInteger");
}

static const mote_prop *reason_of(const mote_node *n)
{
    for (size_t i = 0; i < n->n_props; i++)
        if (mote_str_is(n->props[i].key, mote_prop_float))
            return &n->props[i];
    return NULL;
}

typedef struct counts {
    size_t integer, real;
    json_t *list;
    bool print;
} counts;

static bool count(void *ctx, const mote_node *n)
{
    counts *c = ctx;
    const mote_prop *why = reason_of(n);
    c->integer += is_integer(n);
    c->real += why != NULL;
    if (why != NULL && c->print)
        printf("            %s '%s' in float: %s\n", visible(n->op), visible(n->name), visible(why->value));
    if (why != NULL && c->list != NULL)
        json_array_append_new(c->list, json_pack("{s:s%, s:s%, s:s%}", "op", n->op.p, n->op.n, "node", n->name.n != 0 ? n->name.p : "", n->name.n, "reason",
                                                 why->value.p, why->value.n));
    return true;
}

void quantized_print(const mote_model *m)
{
    counts c = {0};
    each_node(m->module->graph, MOTE_GRAPH_MAX_DEPTH, count, &c);
    printf("quantized   %zu operators in integers, %zu in float\n", c.integer, c.real);
    c.print = true;
    each_node(m->module->graph, MOTE_GRAPH_MAX_DEPTH, count, &c);
}

json_t *quantized_json(const mote_model *m)
{
    counts c = {.list = json_array()};
    each_node(m->module->graph, MOTE_GRAPH_MAX_DEPTH, count, &c);
    return json_pack("{s:I, s:o}", "integer", (json_int_t)c.integer, "float", c.list);
}
