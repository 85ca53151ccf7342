/* qsink.c - pass qsink: DequantizeLinear moves behind operators that only move elements, which then move a quarter of the bytes
 * SPDX-License-Identifier: Apache-2.0
 *
 *     DequantizeLinear -> Reshape     becomes     Reshape -> DequantizeLinear
 *
 * for one scale and zero point. MaxPool goes along: a positive scale keeps the order. Pad of 0 pads with the zero point. Concat when all inputs have
 * the same parameters (qint makes tables of the others). Behind it the next QuantizeLinear meets its DequantizeLinear, or an island begins later. */
#include "base/platform.h"
#include "passes/qdq.h"

/* Operators whose output 0.. has elements of input 0 alone. since: the version from which the operator takes 8-bit integers. */
static const struct {
    const char *name;
    int32_t since;
} movers[] = {{"Reshape", 1},    {"Transpose", 1},      {"Flatten", 9},      {"Squeeze", 1},      {"Unsqueeze", 1}, {"Identity", 1},
              {"Slice", 1},      {"Gather", 1},         {"GatherElements", 11}, {"GatherND", 11}, {"Split", 2},     {"Expand", 8},
              {"Tile", 6},       {"DepthToSpace", 1},   {"SpaceToDepth", 1}, {"MaxPool", 12},     {"Resize", 11},   {"Pad", 13}};

static bool is_mover(const mote_node *n, int32_t *since)
{
    if (n->domain.n != 0 || n->def == NULL)
        return false;
    for (size_t i = 0; i < sizeof movers / sizeof movers[0]; i++)
        if (mote_str_is(n->op, movers[i].name)) {
            *since = movers[i].since;
            return true;
        }
    return false;
}

/* Resize by choosing elements, without values from outside. */
static bool chooses(const mote_node *n)
{
    return mote_str_is(mote_node_string(n, "mode", "nearest"), "nearest") && n->version >= 11 &&
           !mote_str_is(mote_node_string(n, "coordinate_transformation_mode", "half_pixel"), "tf_crop_and_resize");
}

/* Pad whose constant is 0, or which has none. */
static bool pads_zero(const mote_node *n)
{
    if (n->version < 11)
        return false;
    if (!mote_str_is(mote_node_string(n, "mode", "constant"), "constant") || n->n_in < 3 || n->in[2].value == NULL)
        return true;
    const mote_array *a = mote_value_const(n->in[2].value);
    return a != NULL && a->data != NULL && a->dtype == MOTE_DTYPE_F32 && mote_array_count(a) == 1 && mote_array_f64(a, 0) == 0;
}

static bool may_move(const mote_node *n)
{
    if (mote_str_is(n->op, "Resize"))
        return chooses(n);
    if (mote_str_is(n->op, "Pad"))
        return pads_zero(n);
    if (mote_str_is(n->op, "MaxPool")) /* the second output has indices */
        return n->n_out == 1 || n->out[1] == NULL;
    return true;
}

static mote_status set_pad(mote_node *n, const mote_qparam *p)
{
    if (!mote_str_is(mote_node_string(n, "mode", "constant"), "constant"))
        return MOTE_OK;
    const int8_t zero = (int8_t)p->zero; /* the same bits for u8 */
    mote_value *v = mote_q_const(n->graph, p->type, 0, &zero);
    if (v == NULL)
        return MOTE_E_MEMORY;
    if (n->n_in < 3)
        MOTE_TRY(mote_node_resize_inputs(n, 3));
    mote_node_set_input(n, 2, v);
    return MOTE_OK;
}

/* Every output of n becomes quantized, with a DequantizeLinear like `like` behind it. */
static mote_status dequantize_outputs(mote_pass_context *c, mote_node *n, const mote_node *like, const mote_qparam *p)
{
    for (uint32_t i = 0; i < n->n_out; i++) {
        mote_value *real = n->out[i], *whole;
        if (real == NULL)
            continue;
        mote_node *d = mote_graph_add_node(n->graph, n->next, "", "DequantizeLinear", like->version, 3, 1, false);
        if (d == NULL || (whole = mote_graph_add_value(n->graph, MOTE_STR(""))) == NULL)
            return MOTE_NO_MEMORY(c->diag, 0);
        MOTE_TRY(mote_node_set_output(n, i, NULL));
        whole->type = real->type;
        whole->type.dtype = p->type;
        MOTE_TRY(mote_node_set_output(n, i, whole));
        mote_node_set_input(d, 0, whole);
        mote_node_set_input(d, 1, p->scale_value);
        mote_node_set_input(d, 2, p->zero_value);
        MOTE_TRY(mote_node_set_output(d, 0, real));
        d->def = like->def;
    }
    return MOTE_OK;
}

static mote_status sink_through(mote_pass_context *c, mote_node *n, int32_t since)
{
    mote_qparam p;
    mote_node *d = mote_dequantized(n->in[0].value, &p, NULL);
    if (d == NULL || d->domain.n != 0 || !may_move(n))
        return MOTE_OK;
    if (mote_value_const(d->in[0].value) != NULL && !mote_str_is(n->op, "Gather")) /* weights; but rows of a table are fewer than the table */
        return MOTE_OK;
    if (mote_str_is(n->op, "Pad"))
        MOTE_TRY(set_pad(n, &p));
    mote_node_set_input(n, 0, d->in[0].value);
    if (n->version < since)
        n->version = since;
    c->edits++;
    return dequantize_outputs(c, n, d, &p);
}

static mote_status sink_concat(mote_pass_context *c, mote_node *n)
{
    mote_qparam first, p;
    mote_node *d = mote_dequantized(n->in[0].value, &first, NULL);
    if (d == NULL || d->domain.n != 0)
        return MOTE_OK;
    for (uint32_t i = 1; i < n->n_in; i++)
        if (mote_dequantized(n->in[i].value, &p, NULL) == NULL || !mote_qparam_equal(&p, &first))
            return MOTE_OK;
    for (uint32_t i = 0; i < n->n_in; i++)
        mote_node_set_input(n, i, n->in[i].value->producer->in[0].value);
    c->edits++;
    return dequantize_outputs(c, n, d, &first);
}

static mote_status sink_graph(mote_pass_context *c, mote_graph *g)
{
    int32_t since;
    for (mote_node *n = g->first, *next; n != NULL; n = next) {
        next = n->next; /* what is put behind n is no mover */
        if (mote_node_is(n, "", "Concat") && n->def != NULL)
            MOTE_TRY(sink_concat(c, n));
        else if (is_mover(n, &since))
            MOTE_TRY(sink_through(c, n, since));
    }
    if (c->edits != 0)
        mote_q_sweep(g);
    return MOTE_OK;
}

mote_status mote_pass_qsink(mote_pass_context *c);
mote_status mote_pass_qsink(mote_pass_context *c) { return mote_pass_each_graph(c, sink_graph); }
