/* upgrade.c - operators of operator sets 1 to 6 as set 8 says the same
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: onnx.defs, the schemas of those sets. Hints about memory (consumed_inputs) go; attributes that became inputs move there; broadcasting by an axis becomes a Reshape
 * of the smaller operand: its shape, then as many 1 as the other has dimensions behind it, by shape arithmetic that folds to a constant once ranks are known. Dropout and
 * BatchNormalization are taken as in inference. */
#include "base/platform.h"
#include "onnx/upgrade.h"
#include "ops/op.h"
#include "tensor/dtype.h"
#include <string.h>

static mote_status no_memory(mote_diag *diag) { return MOTE_NO_MEMORY(diag, sizeof(mote_node)); }

static mote_status refuse(const mote_node *n, mote_diag *diag, const char *why)
{
    mote_node_name_in(n, diag);
    const mote_status status = mote_fail(diag, MOTE_E_UNSUPPORTED, "operator set %d: %s", (int)n->version, why);
    mote_node_name_in(n, diag);
    return status;
}

static mote_node *add(mote_node *before, const char *op, uint32_t n_in, mote_value *const *in)
{
    mote_node *n = mote_graph_add_node(before->graph, before, "", op, MOTE_ONNX_UPGRADED, n_in, 1, true);
    for (uint32_t i = 0; n != NULL && i < n_in; i++)
        mote_node_set_input(n, i, in[i]);
    return n;
}

static mote_value *one(mote_node *before, const char *op, mote_value *x)
{
    mote_node *n = x == NULL ? NULL : add(before, op, 1, &x);
    return n == NULL ? NULL : n->out[0];
}

static mote_value *two(mote_node *before, const char *op, mote_value *x, mote_value *y)
{
    mote_value *const in[2] = {x, y};
    mote_node *n = x == NULL || y == NULL ? NULL : add(before, op, 2, in);
    return n == NULL ? NULL : n->out[0];
}

/* Input 1 gets its shape followed by 1 for each dimension of input 0 behind axis + its own rank. */
static mote_status align(mote_node *n, int64_t axis, mote_diag *diag)
{
    static const int64_t alone[1] = {1};
    mote_graph *g = n->graph;
    mote_value *a = n->in[0].value, *b = n->in[1].value;
    mote_value *shape = one(n, "Shape", b);
    mote_value *rank = one(n, "Size", one(n, "Shape", a)), *own = one(n, "Size", shape), *first = mote_graph_const_i64(g, 0, 1, &axis);
    mote_value *missing = two(n, "Sub", two(n, "Sub", rank, own), first);
    mote_value *count = two(n, "Reshape", missing, mote_graph_const_i64(g, 1, 1, alone));
    mote_value *ones = two(n, "Expand", mote_graph_const_i64(g, 1, 1, alone), count);
    mote_value *const parts[2] = {shape, ones};
    mote_node *whole = shape == NULL || ones == NULL ? NULL : add(n, "Concat", 2, parts);
    if (whole == NULL || mote_node_set_int(whole, "axis", 0) != MOTE_OK)
        return no_memory(diag);
    mote_value *aligned = two(n, "Reshape", b, whole->out[0]);
    if (aligned == NULL)
        return no_memory(diag);
    mote_node_set_input(n, 1, aligned);
    return MOTE_OK;
}

static mote_status binary(mote_node *n, mote_diag *diag)
{
    const mote_attr *axis = mote_node_attr(n, "axis");
    const bool broadcast = mote_node_int(n, "broadcast", 0) != 0;
    const int64_t at = axis != NULL ? axis->i : 0;
    mote_node_remove_attr(n, "axis");
    mote_node_remove_attr(n, "broadcast");
    if (!broadcast || axis == NULL || n->n_in != 2 || n->in[0].value == NULL || n->in[1].value == NULL)
        return MOTE_OK; /* without an axis: aligned at the end, as today */
    if (at < 0)
        return refuse(n, diag, "a negative axis");
    return align(n, at, diag);
}

/* A slope of one value is for all; others are one a channel, dimension 1. */
static mote_status prelu(mote_node *n, mote_diag *diag)
{
    if (n->n_in != 2 || n->in[0].value == NULL || n->in[1].value == NULL)
        return MOTE_OK;
    const mote_type *t = &n->in[1].value->type;
    if (t->rank > 1 || t->rank == 0 || (t->rank == 1 && t->dims[0] == 1))
        return MOTE_OK;
    return align(n, 1, diag);
}

static mote_status ints_to_input(mote_node *n, const char *name, mote_diag *diag)
{
    size_t count;
    const int64_t *v = mote_node_ints(n, name, &count);
    if (v == NULL)
        return refuse(n, diag, "the attribute shape is missing");
    mote_value *c = mote_graph_const_i64(n->graph, 1, count, v);
    if (c == NULL)
        return no_memory(diag);
    if (n->n_in < 2)
        MOTE_TRY(mote_node_resize_inputs(n, 2));
    mote_node_set_input(n, 1, c);
    mote_node_remove_attr(n, name);
    return MOTE_OK;
}

static mote_status reshape(mote_node *n, mote_diag *diag) { return n->version < 5 ? ints_to_input(n, "shape", diag) : MOTE_OK; }

static mote_status pad(mote_node *n, mote_diag *diag)
{
    size_t count;
    const int64_t *v = mote_node_ints(n, "paddings", &count);
    (void)diag;
    if (n->version >= 2 || v == NULL)
        return MOTE_OK;
    MOTE_TRY(mote_node_set_ints(n, "pads", v, count));
    mote_node_remove_attr(n, "paddings");
    return MOTE_OK;
}

static mote_status upsample(mote_node *n, mote_diag *diag)
{
    if (n->version >= 7 || mote_node_attr(n, "height_scale") == NULL)
        return MOTE_OK;
    const float scales[4] = {1, 1, mote_node_float(n, "height_scale", 1), mote_node_float(n, "width_scale", 1)};
    (void)diag;
    mote_node_remove_attr(n, "height_scale");
    mote_node_remove_attr(n, "width_scale");
    return mote_node_set_floats(n, "scales", scales, 4);
}

static mote_status split(mote_node *n, mote_diag *diag)
{
    const mote_array *sizes = n->n_in > 1 && n->in[1].value != NULL ? n->in[1].value->constant : NULL;
    if (n->n_in < 2 || n->in[1].value == NULL)
        return MOTE_OK;
    if (sizes == NULL || sizes->rank != 1 || sizes->dims[0] > 1 << 16)
        return refuse(n, diag, "sizes that are not constant");
    int64_t *v = mote_arena_calloc(&n->graph->module->arena, (size_t)sizes->dims[0] + 1, sizeof *v);
    if (v == NULL)
        return no_memory(diag);
    for (size_t i = 0; i < (size_t)sizes->dims[0]; i++)
        v[i] = (int64_t)mote_array_f64(sizes, i); /* that set has them in the input's type */
    MOTE_TRY(mote_node_set_ints(n, "split", v, (size_t)sizes->dims[0]));
    return mote_node_resize_inputs(n, 1);
}

static mote_status concat(mote_node *n, mote_diag *diag)
{
    (void)diag;
    return n->version < 4 && mote_node_attr(n, "axis") == NULL ? mote_node_set_int(n, "axis", 1) : MOTE_OK;
}

static mote_status cast(mote_node *n, mote_diag *diag)
{
    const mote_attr *to = mote_node_attr(n, "to");
    char name[32] = "";
    if (to == NULL || to->kind != MOTE_ATTR_STRING)
        return MOTE_OK;
    for (size_t i = 0; i < to->s.n && i + 1 < sizeof name; i++)
        name[i] = (char)(to->s.p[i] >= 'A' && to->s.p[i] <= 'Z' ? to->s.p[i] + 32 : to->s.p[i]);
    const mote_dtype t = mote_dtype_from_name(name, strlen(name));
    if (t == MOTE_DTYPE_NONE)
        return refuse(n, diag, "to names no element type");
    return mote_node_set_int(n, "to", t);
}

static mote_status selu(mote_node *n, mote_diag *diag)
{
    (void)diag;
    if (n->version >= 6) /* the defaults were rounded before */
        return MOTE_OK;
    if (mote_node_attr(n, "alpha") == NULL)
        MOTE_TRY(mote_node_set_float(n, "alpha", 1.6732f));
    return mote_node_attr(n, "gamma") == NULL ? mote_node_set_float(n, "gamma", 1.0507f) : MOTE_OK;
}

static mote_status inference(mote_node *n, mote_diag *diag)
{
    (void)diag;
    mote_node_remove_attr(n, "is_test");
    return MOTE_OK;
}

static mote_status drop_broadcast(mote_node *n, mote_diag *diag)
{
    (void)diag;
    mote_node_remove_attr(n, "broadcast"); /* C broadcasts to the product now, which those shapes do */
    return MOTE_OK;
}

static mote_status lp_pool(mote_node *n, mote_diag *diag)
{
    const mote_attr *p = mote_node_attr(n, "p");
    if (n->version >= 2 || p == NULL || p->kind != MOTE_ATTR_FLOAT)
        return MOTE_OK;
    const float v = p->f;
    if (!(v >= 1 && v <= 1e6f && v == (float)(int64_t)v))
        return refuse(n, diag, "p is not a whole number");
    mote_node_remove_attr(n, "p");
    return mote_node_set_int(n, "p", (int64_t)v);
}

static mote_status recurrent(mote_node *n, mote_diag *diag)
{
    (void)diag;
    mote_node_remove_attr(n, "output_sequence"); /* Y is there when it is asked for */
    return MOTE_OK;
}

static mote_status tile(mote_node *n, mote_diag *diag) { return n->version < 6 ? refuse(n, diag, "Tile by tiles and axis") : MOTE_OK; }

static const struct {
    const char *op;
    mote_status (*fn)(mote_node *n, mote_diag *diag);
} changes[] = {{"Add", binary}, {"Sub", binary}, {"Mul", binary}, {"Div", binary}, {"Pow", binary}, {"And", binary}, {"Or", binary}, {"Xor", binary}, {"Equal", binary},
               {"Greater", binary}, {"Less", binary}, {"PRelu", prelu}, {"Reshape", reshape}, {"Pad", pad}, {"Upsample", upsample}, {"Split", split}, {"Concat", concat},
               {"Cast", cast}, {"Selu", selu}, {"Dropout", inference}, {"BatchNormalization", inference}, {"Gemm", drop_broadcast}, {"LpPool", lp_pool},
               {"GlobalLpPool", lp_pool}, {"RNN", recurrent}, {"GRU", recurrent}, {"LSTM", recurrent}, {"Tile", tile}};

static mote_status upgrade_graph(mote_graph *g, int depth, mote_diag *diag)
{
    MOTE_REQUIRE(depth < MOTE_GRAPH_MAX_DEPTH, diag, MOTE_E_LIMIT, "graphs nested deeper than %d", MOTE_GRAPH_MAX_DEPTH);
    for (mote_node *n = g->first; n != NULL; n = n->next) {
        for (const mote_attr *a = n->attrs; a != NULL; a = a->next) {
            if (a->kind == MOTE_ATTR_GRAPH)
                MOTE_TRY(upgrade_graph(a->g, depth + 1, diag));
            for (size_t i = 0; a->kind == MOTE_ATTR_GRAPHS && i < a->n; i++)
                MOTE_TRY(upgrade_graph(a->graphs[i], depth + 1, diag));
        }
        if (n->domain.n != 0 || n->version >= 7)
            continue;
        mote_node_remove_attr(n, "consumed_inputs");
        for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
            if (mote_str_is(n->op, changes[i].op))
                MOTE_TRY(changes[i].fn(n, diag));
        n->version = MOTE_ONNX_UPGRADED;
    }
    return MOTE_OK;
}

mote_status mote_onnx_upgrade(mote_module *m, mote_diag *diag)
{
    MOTE_TRY(upgrade_graph(m->graph, 0, diag));
    for (size_t i = 0; i < m->n_opsets; i++)
        if (m->opsets[i].domain.n == 0 && m->opsets[i].version < 7)
            m->opsets[i].version = MOTE_ONNX_UPGRADED;
    return MOTE_OK;
}
