/* select.c - which nodes are quantized, and which values get a scale
 * SPDX-License-Identifier: Apache-2.0
 *
 * Products (Conv, Gemm, MatMul) always; with scope ALL also what stands between them. A value that only moves (Reshape, MaxPool, Transpose ...) shares
 * the scale of what it comes from. Between a product or sum and the Relu or Clip that alone reads it there is no scale: the clamp is the quantizer's. */
#include "base/platform.h"
#include "quant/quantizer.h"
#include "passes/match.h"
#include <math.h>

/* ---- what a node is ---- */

static bool is_real(const mote_value *v)
{
    return v != NULL && v->type.kind == MOTE_KIND_TENSOR && v->type.dtype == MOTE_DTYPE_F32;
}

static bool is_constant(const mote_value *v) { return v != NULL && v->constant != NULL; }

static bool in_list(const mote_node *n, const char *const *list)
{
    if (n->domain.n != 0)
        return false;
    for (; *list != NULL; list++)
        if (mote_str_is(n->op, *list))
            return true;
    return false;
}

static bool is_product(const mote_node *n)
{
    static const char *const list[] = {"Conv", "Gemm", "MatMul", NULL};
    return in_list(n, list);
}

/* Has weights, and no integers in standard operators. */
static bool is_recurrent(const mote_node *n)
{
    static const char *const list[] = {"LSTM", "GRU", "RNN", "ConvTranspose", NULL};
    return in_list(n, list);
}

/* Elements of the output are elements of input 0. */
static bool is_mover(const mote_node *n)
{
    static const char *const list[] = {"Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze", "MaxPool", "Slice", "Identity", "DepthToSpace", "SpaceToDepth", NULL};
    return in_list(n, list) && n->n_out == 1 && is_real(n->out[0]) && is_real(n->in[0].value) && !is_constant(n->in[0].value);
}

static bool is_between(const mote_node *n)
{
    static const char *const one[] = {"AveragePool", "GlobalAveragePool", "HardSwish", "HardSigmoid", "Sigmoid", "LeakyRelu", "Gelu", "Swish", "Tanh", "Elu", "Mish", NULL};
    static const char *const two[] = {"Add", "Mul", NULL};
    if (n->n_out != 1 || !is_real(n->out[0]))
        return false;
    if (in_list(n, one))
        return !is_constant(n->in[0].value);
    if (in_list(n, two))
        return is_real(n->in[0].value) && is_real(n->in[1].value) && (!is_constant(n->in[0].value) || !is_constant(n->in[1].value));
    if (!mote_node_is(n, "", "Concat"))
        return false;
    for (uint32_t i = 0; i < n->n_in; i++)
        if (is_constant(n->in[i].value))
            return false;
    return true;
}

static bool is_clamp(const mote_node *n)
{
    if (mote_node_is(n, "", "Relu"))
        return true;
    if (!mote_node_is(n, "", "Clip"))
        return false;
    for (uint32_t i = 1; i < n->n_in; i++)
        if (n->in[i].value != NULL && !is_constant(n->in[i].value))
            return false;
    return true;
}

/* The one user of v, when it is a clamp that can be a quantizer's. */
static mote_node *clamp_behind(const mote_value *v)
{
    mote_node *n = mote_value_single_user(v);
    return n != NULL && n->graph == v->graph && is_clamp(n) && n->in[0].value == v ? n : NULL;
}

/* Mul by a constant, Add of a constant, HardSwish and perhaps another Mul by a constant, one behind the other (transform/equalize.c makes them): one function of what the
 * first reads, by channel, whose inner values get no scales. */
static mote_node *by_constant(const mote_value *v, const char *op)
{
    mote_node *n = mote_match_made_by(v, op);
    return n != NULL && is_constant(n->in[1].value) && !is_constant(n->in[0].value) ? n : NULL;
}

/* The first of them when this HardSwish is one of them, else NULL. */
static const mote_node *opened(const mote_node *swish)
{
    if (!mote_node_is(swish, "", "HardSwish"))
        return NULL;
    const mote_node *add = by_constant(swish->in[0].value, "Add");
    const mote_node *first = add == NULL ? NULL : by_constant(add->in[0].value, "Mul");
    return first != NULL && mote_value_single_user(add->out[0]) == swish && mote_value_single_user(first->out[0]) == add ? first : NULL;
}

static const mote_node *last_of(const mote_node *swish)
{
    const mote_node *n = mote_value_single_user(swish->out[0]);
    return n != NULL && mote_node_is(n, "", "Mul") && n->in[0].value == swish->out[0] && is_constant(n->in[1].value) ? n : swish;
}

/* The first when n is the last of them, else NULL. */
static const mote_node *swish_of(const mote_node *n)
{
    const mote_node *swish = mote_node_is(n, "", "HardSwish") ? n : mote_node_is(n, "", "Mul") ? mote_match_made_by(n->in[0].value, "HardSwish") : NULL;
    const mote_node *first = swish == NULL ? NULL : opened(swish);
    return first != NULL && last_of(swish) == n ? first : NULL;
}

static bool wants_integers(const mote_quantizer *q, const mote_node *n) { return mote_quant_plan_of(q, n)->precision == MOTE_PRECISION_INT8; }

/* Whether integers come in at every input: under a recipe, what stands between products follows them. */
static bool reads_integers(const mote_quantizer *q, const mote_node *n)
{
    for (uint32_t i = 0; i < n->n_in; i++) {
        const mote_value *v = n->in[i].value;
        if (!is_real(v) || is_constant(v))
            continue;
        const mote_node *from = v->producer;
        while (from != NULL && (is_mover(from) || (is_clamp(from) && !q->quantized[from->id])) && from->graph == n->graph)
            from = from->in[0].value != NULL ? from->in[0].value->producer : NULL;
        if (from == NULL || from->graph != n->graph || !q->quantized[from->id])
            return false;
    }
    return true;
}

/* Whether what a product gives has a reader that takes integers, or may. */
static bool read_as_integers(const mote_quantizer *q, const mote_value *v)
{
    for (const mote_use *u = v->uses; u != NULL; u = u->next)
        if (u->node != NULL && u->node->graph == v->graph && (wants_integers(q, u->node) || is_mover(u->node)))
            return true;
    return false;
}

static bool is_inside_swish(const mote_node *n)
{
    const mote_node *next = n->n_out != 0 && n->out[0] != NULL ? mote_value_single_user(n->out[0]) : NULL;
    if (mote_node_is(n, "", "HardSwish"))
        return opened(n) != NULL && last_of(n) != n;
    if (next != NULL && mote_node_is(n, "", "Add"))
        return opened(next) != NULL;
    return next != NULL && mote_node_is(n, "", "Mul") && mote_node_is(next, "", "Add") && mote_value_single_user(next->out[0]) != NULL &&
           opened(mote_value_single_user(next->out[0])) == n;
}

/* ---- layers ---- */

static const char *weight_of(mote_layer *l)
{
    const mote_node *n = l->node;
    mote_value *w = n->in[1].value;
    if (!is_real(n->in[0].value) || !is_real(w) || !is_real(n->out[0]))
        return "its tensors are not float32";
    if (is_constant(n->in[0].value))
        return "its first input is constant";
    if (!is_constant(w))
        return mote_node_is(n, "", "MatMul") ? NULL : "its weight is not constant";
    l->weight = w;
    for (size_t i = 0, count = mote_array_count(w->constant); i < count; i++)
        if (!isfinite(mote_array_f64(w->constant, i)))
            return "its weight is not finite";
    return NULL;
}

static const char *examine(mote_layer *l)
{
    const mote_node *n = l->node;
    if (is_recurrent(n))
        return mote_node_is(n, "", "ConvTranspose") ? "it is a transposed convolution" : "it is recurrent";
    const char *why = weight_of(l);
    if (why != NULL)
        return why;
    const mote_array *w = l->weight != NULL ? l->weight->constant : NULL;
    if (mote_node_is(n, "", "Conv")) {
        l->axis = 0;
        return n->n_in > 2 && n->in[2].value != NULL && !is_constant(n->in[2].value) ? "its bias is not constant" : NULL;
    }
    if (mote_node_is(n, "", "MatMul")) {
        l->axis = w != NULL && w->rank == 2 ? 1 : -1;
        return w != NULL && w->rank < 2 ? "its weight is a vector" : NULL;
    }
    if (mote_node_float(n, "alpha", 1) != 1 || mote_node_int(n, "transA", 0) != 0)
        return "alpha is not 1, or A is transposed";
    if (n->n_in > 2 && n->in[2].value != NULL) {
        const mote_array *b = n->in[2].value->constant;
        const int64_t channels = w->dims[mote_node_int(n, "transB", 0) != 0 ? 0 : 1];
        if (b == NULL || mote_node_float(n, "beta", 1) != 1 || mote_array_count(b) != (size_t)channels || b->rank < 1 || b->dims[b->rank - 1] != channels)
            return "its C is not a bias";
    }
    l->axis = mote_node_int(n, "transB", 0) != 0 ? 0 : 1;
    return NULL;
}

static mote_status find_layers(mote_quantizer *q, mote_diag *diag)
{
    size_t n = 0;
    for (const mote_node *k = q->module->graph->first; k != NULL; k = k->next)
        n += is_product(k) || is_recurrent(k);
    q->layers = mote_arena_calloc(&q->arena, n + 1, sizeof *q->layers);
    if (q->layers == NULL)
        return MOTE_NO_MEMORY(diag, n * sizeof *q->layers);
    for (mote_node *k = q->module->graph->first; k != NULL; k = k->next)
        if (is_product(k) || is_recurrent(k)) {
            mote_layer *l = &q->layers[q->n_layers++];
            l->node = k;
            l->plan = *mote_quant_plan_of(q, k);
            l->why = mote_quant_kept(q, k) || l->plan.precision == MOTE_PRECISION_F32 ? "asked for" : examine(l);
            if ((l->plan.precision == MOTE_PRECISION_F16 || l->plan.precision == MOTE_PRECISION_WEIGHTS_F16) && !mote_quant_kept(q, k))
                l->why = NULL; /* half.c and store.c have their own reasons */
            q->quantized[k->id] = mote_layer_takes(l, MOTE_PRECISION_INT8);
        }
    return MOTE_OK;
}

/* ---- what a range counts for ---- */

static double behind_sigmoid(double x, double p)
{
    (void)p;
    return 1 / (1 + exp(-x));
}

static double behind_tanh(double x, double p)
{
    (void)p;
    return tanh(x);
}

static double behind_hardsigmoid(double x, double p)
{
    (void)p;
    return fmin(fmax(x / 6 + 0.5, 0), 1);
}

static double behind_floor(double x, double p) { return fmax(x, p); }

static void behind(const mote_value *v, mote_qvalue *out)
{
    const mote_node *n = mote_value_single_user(v);
    const mote_node *add = n != NULL && mote_node_is(n, "", "Mul") ? mote_value_single_user(n->out[0]) : NULL, *swish = add != NULL ? mote_value_single_user(add->out[0]) : NULL;
    if (swish != NULL && opened(swish) == n) { /* flat below (-3 - d) / a */
        const mote_array *a = n->in[1].value->constant, *d = add->in[1].value->constant;
        bool shifted = false;
        double p = 0;
        for (size_t i = 0; i < mote_array_count(d); i++)
            shifted = shifted || mote_array_f64(d, i) != 0;
        for (size_t i = 0; i < mote_array_count(a) && !shifted; i++)
            p = fmin(p, -3 / fmax(fabs(mote_array_f64(a, i)), 1e-9));
        out->behind = behind_floor;
        out->behind_p = p;
        return;
    }
    if (n == NULL || n->domain.n != 0)
        return;
    if (mote_str_is(n->op, "HardSwish"))
        out->behind = mote_range_hardswish;
    else if (mote_str_is(n->op, "Sigmoid"))
        out->behind = behind_sigmoid;
    else if (mote_str_is(n->op, "Tanh"))
        out->behind = behind_tanh;
    else if (mote_str_is(n->op, "HardSigmoid") && fabsf(mote_node_float(n, "alpha", 0.2f) * 6 - 1) < 1e-3f && mote_node_float(n, "beta", 0.5f) == 0.5f)
        out->behind = behind_hardsigmoid;
}

/* ---- values ---- */

static bool any_in_list(const mote_graph *g, const char *const *list)
{
    for (const mote_node *n = g->first; n != NULL; n = n->next)
        if (in_list(n, list))
            return true;
    return false;
}

/* v gets a scale because of n. A tensor has one type of quantized values. */
static mote_status want(mote_quantizer *q, const mote_node *n, const mote_value *v, bool everywhere, mote_diag *diag)
{
    if (!is_real(v) || v->id >= q->n_values)
        return MOTE_OK;
    mote_qvalue *k = &q->values[v->id];
    const mote_dtype type = mote_quant_plan_of(q, n)->activations;
    MOTE_REQUIRE(k->type == MOTE_DTYPE_NONE || k->type == type || is_constant(v), diag, MOTE_E_ARGUMENT,
                 "the rules contradict each other: '%.*s' would be %s for one node and %s for '%.*s'", MOTE_STR_ARG(v->name), mote_dtype_name(k->type), mote_dtype_name(type),
                 MOTE_STR_ARG(n->name));
    k->type = type;
    k->wanted = true;
    k->everywhere |= everywhere && !is_constant(v);
    return MOTE_OK;
}

/* A clamp that is no quantizer's: others read its input, too, or a float operator makes it. */
static bool is_lone_clamp(const mote_quantizer *q, const mote_node *n)
{
    if (!is_clamp(n) || !is_real(n->in[0].value) || is_constant(n->in[0].value))
        return false;
    const mote_node *from = n->in[0].value->producer;
    return from == NULL || !q->quantized[from->id] || is_mover(from) || clamp_behind(n->in[0].value) != n;
}

/* A node that is quantized gives its value through a clamp to those who read it. */
static const mote_value *given(const mote_quantizer *q, const mote_node *n)
{
    const mote_node *clamp = clamp_behind(n->out[0]);
    if (clamp == NULL)
        return n->out[0];
    q->owned[clamp->id] = true;
    return clamp->out[0];
}

static bool only_output(const mote_value *v)
{
    for (const mote_use *u = v->uses; u != NULL; u = u->next)
        if (u->node != NULL)
            return false;
    return true;
}

static mote_status want_values(mote_quantizer *q, bool all, mote_diag *diag)
{
    for (mote_node *n = q->module->graph->first; n != NULL; n = n->next) {
        if (!q->quantized[n->id])
            continue;
        for (uint32_t i = 0; i < n->n_in; i++) {
            const mote_value *v = n->in[i].value;
            if (swish_of(n) != NULL)
                continue;
            if (v == NULL || !is_real(v) || (is_product(n) && (i > 1 || is_constant(v))) || (i > 0 && is_clamp(n)))
                continue;
            MOTE_TRY(want(q, n, v, false, diag));
        }
        const mote_value *y = given(q, n);
        /* a Gemm or MatMul whose result leaves the model gives it in float, exactly */
        const bool gives_float = is_product(n) && !mote_node_is(n, "", "Conv") && (only_output(y) || (q->recipe != NULL && !read_as_integers(q, y)));
        if (all && !gives_float)
            MOTE_TRY(want(q, n, y, true, diag));
        if (!all && mote_node_is(n, "", "Conv"))
            MOTE_TRY(want(q, n, y, true, diag));
    }
    return MOTE_OK;
}

/* Movers join when what they read has a scale. */
static void join_movers(mote_quantizer *q)
{
    for (mote_node *n = q->module->graph->first; n != NULL; n = n->next) {
        if (!is_mover(n))
            continue;
        mote_qvalue *x = &q->values[n->in[0].value->id], *y = &q->values[n->out[0]->id];
        if (!x->wanted || !x->everywhere || only_output(n->out[0]))
            continue;
        q->quantized[n->id] = true;
        y->wanted = y->everywhere = true;
        y->type = x->type;
        y->root = q->values[x->root].root;
    }
}

/* A Concat that no product reads, directly or through others, joins results of the model: one scale for all of them, to which each is rounded again, would gain nothing. */
static mote_status leave_last_concats(mote_quantizer *q, mote_diag *diag)
{
    bool *read = mote_arena_calloc(&q->arena, q->n_nodes + 1, sizeof *read);
    if (read == NULL)
        return MOTE_NO_MEMORY(diag, q->n_nodes);
    for (const mote_node *n = q->module->graph->last; n != NULL; n = n->prev) {
        for (uint32_t i = 0; i < n->n_out; i++)
            for (const mote_use *u = n->out[i] != NULL ? n->out[i]->uses : NULL; u != NULL; u = u->next)
                read[n->id] = read[n->id] || (u->node != NULL && (u->node->graph != n->graph || is_product(u->node) || read[u->node->id]));
        if (!read[n->id] && mote_node_is(n, "", "Concat"))
            q->quantized[n->id] = false;
    }
    return MOTE_OK;
}

mote_status mote_quant_select(mote_quantizer *q, mote_diag *diag)
{
    static const char *const transformer[] = {"LayerNormalization", "Attention", "RMSNormalization", NULL};
    mote_graph *g = q->module->graph;
    q->n_layers = 0;
    q->n_nodes = q->module->n_nodes;
    q->n_values = q->module->n_values;
    q->quantized = mote_arena_calloc(&q->arena, q->n_nodes + 1, sizeof *q->quantized);
    q->owned = mote_arena_calloc(&q->arena, q->n_nodes + 1, sizeof *q->owned);
    q->values = mote_arena_calloc(&q->arena, q->n_values + 1, sizeof *q->values);
    if (q->quantized == NULL || q->owned == NULL || q->values == NULL)
        return MOTE_NO_MEMORY(diag, q->n_values * sizeof *q->values);
    for (uint32_t i = 0; i < q->n_values; i++)
        q->values[i].root = i;
    MOTE_TRY(find_layers(q, diag));
    if (q->any[MOTE_PRECISION_F16] || q->o.variants) /* everything is looked at */
        for (const mote_value *v = g->values; v != NULL; v = v->next)
            q->values[v->id].watched = is_real(v) && !is_constant(v);
    if (!q->any[MOTE_PRECISION_INT8])
        return MOTE_OK;
    const bool all = q->o.scope == MOTE_SCOPE_ALL || (q->o.scope == MOTE_SCOPE_AUTO && !any_in_list(g, transformer));
    for (mote_node *n = g->first; all && n != NULL; n = n->next)
        if (wants_integers(q, n) && (q->recipe == NULL || reads_integers(q, n)) && (is_between(n) || is_lone_clamp(q, n)) && !is_inside_swish(n) && !mote_quant_kept(q, n))
            q->quantized[n->id] = true;
    MOTE_TRY(leave_last_concats(q, diag));
    for (mote_node *n = g->first; n != NULL; n = n->next)
        if (is_inside_swish(n))
            q->owned[n->id] = true;
    MOTE_TRY(want_values(q, all, diag));
    if (all)
        join_movers(q);
    for (const mote_value *v = g->values; v != NULL; v = v->next)
        if (v->id < q->n_values && q->values[v->id].wanted)
            behind(v, &q->values[v->id]);
    return MOTE_OK;
}
