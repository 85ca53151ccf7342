/* contrib.c - com.microsoft's fused operators as standard ones, which the kernels and the other passes know
 * SPDX-License-Identifier: Apache-2.0
 *
 * Gelu, FastGelu, QuickGelu, BiasGelu; FusedMatMul; FusedConv, FusedGemm; SkipLayerNormalization, SkipSimplifiedLayerNormalization, and the standard
 * domain's SimplifiedLayerNormalization. Attention becomes its product, and MultiHeadAttention, which has a kernel. In half floats only what rounds once either way: a sum in between would be rounded. */
#include "base/platform.h"
#include "ops/ms.h"
#include "passes/match.h"
#include "passes/pass.h"

#define IN(n, i) mote_match_in(n, i)

static bool has_output(const mote_node *n, uint32_t i) { return i < n->n_out && n->out[i] != NULL && n->out[i]->uses != NULL; }

/* A standard operator before `at`; a, b, d: its inputs as far as n_in says. */
static mote_value *add(mote_pass_context *c, mote_node *at, const char *op, int32_t since, uint32_t n_in, mote_value *a, mote_value *b, mote_value *d)
{
    const int64_t opset = mote_module_opset(c->module, MOTE_STR(""));
    mote_value *const in[3] = {a, b, d};
    mote_node *n = mote_graph_add_node(at->graph, at, "", op, opset > since && opset < INT32_MAX ? (int32_t)opset : since, n_in, 1, true);
    if (n == NULL) {
        (void)MOTE_NO_MEMORY(c->diag, sizeof *n);
        return NULL;
    }
    n->name = at->name;
    for (uint32_t i = 0; i < n_in; i++)
        mote_node_set_input(n, i, in[i]);
    return n->out[0];
}

/* y is what n made; n goes when nothing else of it is used. */
static mote_status finish(mote_pass_context *c, mote_node *n, mote_value *y)
{
    if (y == NULL)
        return MOTE_E_MEMORY;
    y->type = n->out[0]->type;
    mote_value_replace(n->out[0], y);
    mote_node_remove(n);
    c->edits++;
    return MOTE_OK;
}

static bool is_wide(const mote_value *v) { return v->type.dtype == MOTE_DTYPE_F32 || v->type.dtype == MOTE_DTYPE_F64; }

static mote_status gelu(mote_pass_context *c, mote_node *n)
{
    const bool fast = mote_str_is(n->op, "FastGelu");
    mote_value *x = IN(n, 0), *bias = IN(n, 1), *y;
    if (bias != NULL && !is_wide(x))
        return MOTE_OK;
    if (bias != NULL && (x = add(c, n, "Add", 14, 2, x, bias, NULL)) == NULL)
        return MOTE_E_MEMORY;
    if (mote_str_is(n->op, "QuickGelu")) {
        y = add(c, n, "Swish", 24, 1, x, NULL, NULL);
        if (y != NULL)
            MOTE_TRY(mote_node_set_float(y->producer, "alpha", mote_node_float(n, "alpha", 1.702f)));
    } else {
        y = add(c, n, "Gelu", 20, 1, x, NULL, NULL);
        if (y != NULL && fast)
            MOTE_TRY(mote_node_set_string(y->producer, "approximate", "tanh"));
    }
    return finish(c, n, y);
}

static mote_status matmul(mote_pass_context *c, mote_node *n)
{
    const float alpha = mote_node_float(n, "alpha", 1.0f);
    mote_value *v[2] = {IN(n, 0), IN(n, 1)}, *y;
    int64_t perm[2][MOTE_MAX_RANK];
    bool turned[2];
    if (v[0]->type.rank < 0 || v[1]->type.rank < 0 || (alpha != 1.0f && v[0]->type.dtype != MOTE_DTYPE_F32))
        return MOTE_OK;
    for (uint32_t i = 0; i < 2; i++)
        turned[i] = mote_ms_matmul_perm(n, i, v[i]->type.rank, perm[i]);
    if (v[0]->type.rank == 2 && v[1]->type.rank == 2 && v[0]->type.dtype == MOTE_DTYPE_F32) {
        y = add(c, n, "Gemm", 13, 2, v[0], v[1], NULL);
        if (y == NULL)
            return MOTE_E_MEMORY;
        MOTE_TRY(mote_node_set_float(y->producer, "alpha", alpha));
        MOTE_TRY(mote_node_set_int(y->producer, "transA", turned[0]));
        MOTE_TRY(mote_node_set_int(y->producer, "transB", turned[1]));
        return finish(c, n, y);
    }
    for (uint32_t i = 0; i < 2; i++) {
        const size_t rank = (size_t)v[i]->type.rank;
        if (!turned[i])
            continue;
        if ((v[i] = add(c, n, "Transpose", 13, 1, v[i], NULL, NULL)) == NULL)
            return MOTE_E_MEMORY;
        MOTE_TRY(mote_node_set_ints(v[i]->producer, "perm", perm[i], rank));
    }
    y = add(c, n, "MatMul", 13, 2, v[0], v[1], NULL);
    if (y != NULL && alpha != 1.0f) {
        mote_value *factor = mote_graph_const_f32(n->graph, alpha);
        if (factor == NULL)
            return MOTE_NO_MEMORY(c->diag, sizeof *factor);
        factor->is_folded = true;
        y = add(c, n, "Mul", 14, 2, y, factor, NULL);
    }
    return finish(c, n, y);
}

static mote_value *activation(mote_pass_context *c, mote_node *at, const mote_ms_activation *a, mote_value *x)
{
    if (a->op == NULL)
        return x;
    if (mote_str_is(mote_str_c(a->op), "Clip")) {
        mote_value *low = mote_graph_const_f32(at->graph, a->values[0]), *high = mote_graph_const_f32(at->graph, a->values[1]);
        if (low == NULL || high == NULL)
            return NULL;
        low->is_folded = high->is_folded = true;
        return add(c, at, "Clip", 13, 3, x, low, high);
    }
    mote_value *y = add(c, at, a->op, a->version, 1, x, NULL, NULL);
    for (size_t i = 0; y != NULL && i < a->n; i++)
        if (mote_node_set_float(y->producer, a->names[i], a->values[i]) != MOTE_OK)
            return NULL;
    return y;
}

static mote_status product(mote_pass_context *c, mote_node *n)
{
    static const char *const own[] = {"activation", "activation_params", "activation_alpha", "activation_beta", "activation_gamma"};
    const bool conv = mote_str_is(n->op, "FusedConv");
    mote_ms_activation a;
    if (IN(n, 0)->type.dtype != MOTE_DTYPE_F32)
        return MOTE_OK;
    MOTE_TRY(mote_ms_activation_of(n, &a, c->diag));
    mote_value *z = conv ? IN(n, 3) : NULL, *y = add(c, n, conv ? "Conv" : "Gemm", conv ? 11 : 13, IN(n, 2) != NULL ? 3 : 2, IN(n, 0), IN(n, 1), IN(n, 2));
    if (y == NULL)
        return MOTE_E_MEMORY;
    MOTE_TRY(mote_node_copy_attrs(y->producer, n));
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        mote_node_remove_attr(y->producer, own[i]);
    if (z != NULL && (y = add(c, n, "Add", 14, 2, y, z, NULL)) == NULL)
        return MOTE_E_MEMORY;
    y = activation(c, n, &a, y);
    return y == NULL ? MOTE_NO_MEMORY(c->diag, 0) : finish(c, n, y);
}

static mote_status skip_norm(mote_pass_context *c, mote_node *n)
{
    const bool rms = mote_str_is(n->op, "SkipSimplifiedLayerNormalization");
    mote_value *x = IN(n, 0), *bias = IN(n, rms ? 3 : 4), *beta = rms ? NULL : IN(n, 3);
    if (n->out[0] == NULL || !is_wide(x) || has_output(n, 1) || has_output(n, 2))
        return MOTE_OK;
    mote_value *sum = add(c, n, "Add", 14, 2, x, IN(n, 1), NULL);
    if (sum != NULL && bias != NULL)
        sum = add(c, n, "Add", 14, 2, sum, bias, NULL);
    if (sum == NULL)
        return MOTE_E_MEMORY;
    mote_value *y = add(c, n, rms ? "RMSNormalization" : "LayerNormalization", rms ? 23 : 17, beta != NULL ? 3 : 2, sum, IN(n, 2), beta);
    if (y == NULL)
        return MOTE_E_MEMORY;
    MOTE_TRY(mote_node_set_float(y->producer, "epsilon", mote_node_float(n, "epsilon", 1e-12f)));
    if (has_output(n, 3)) {
        sum->type = n->out[3]->type;
        mote_value_replace(n->out[3], sum);
    }
    return finish(c, n, y);
}

static mote_status simplified_norm(mote_pass_context *c, mote_node *n)
{
    if (has_output(n, 1))
        return MOTE_OK;
    mote_value *y = add(c, n, "RMSNormalization", 23, 2, IN(n, 0), IN(n, 1), NULL);
    if (y == NULL)
        return MOTE_E_MEMORY;
    MOTE_TRY(mote_node_copy_attrs(y->producer, n));
    return finish(c, n, y);
}

/* Columns [from, to) of a row, or of a matrix's rows. */
static mote_value *columns(mote_pass_context *c, mote_node *at, mote_value *x, int64_t from, int64_t to)
{
    const int64_t minus = -1;
    mote_value *starts = mote_graph_const_i64(at->graph, 1, 1, &from), *ends = mote_graph_const_i64(at->graph, 1, 1, &to);
    mote_value *axes = mote_graph_const_i64(at->graph, 1, 1, &minus);
    if (starts == NULL || ends == NULL || axes == NULL) {
        (void)MOTE_NO_MEMORY(c->diag, 0);
        return NULL;
    }
    starts->is_folded = ends->is_folded = axes->is_folded = true;
    mote_node *n = mote_graph_add_node(at->graph, at, "", "Slice", 13, 4, 1, true);
    if (n == NULL) {
        (void)MOTE_NO_MEMORY(c->diag, 0);
        return NULL;
    }
    mote_value *const in[4] = {x, starts, ends, axes};
    for (uint32_t i = 0; i < 4; i++)
        mote_node_set_input(n, i, in[i]);
    return n->out[0];
}

/* [2, ..] item i, or the two behind each other */
static mote_value *item(mote_pass_context *c, mote_node *at, mote_value *x, int64_t i)
{
    mote_value *index = mote_graph_const_i64(at->graph, 0, 1, &i);
    if (index == NULL)
        return NULL;
    index->is_folded = true;
    return add(c, at, "Gather", 13, 2, x, index, NULL);
}

static mote_value *both(mote_pass_context *c, mote_node *at, mote_value *a, mote_value *b)
{
    const int64_t zero = 0;
    mote_value *axis = mote_graph_const_i64(at->graph, 1, 1, &zero), *u, *v, *y;
    if (axis == NULL)
        return NULL;
    axis->is_folded = true;
    u = add(c, at, "Unsqueeze", 13, 2, a, axis, NULL);
    v = u == NULL ? NULL : add(c, at, "Unsqueeze", 13, 2, b, axis, NULL);
    y = v == NULL ? NULL : add(c, at, "Concat", 13, 2, u, v, NULL);
    return y == NULL || mote_node_set_int(y->producer, "axis", 0) != MOTE_OK ? NULL : y;
}

enum { INPUT, WEIGHTS, BIAS, MASK, PAST, SCORE_BIAS };

static mote_status attention(mote_pass_context *c, mote_node *n)
{
    mote_value *x = IN(n, INPUT), *w = IN(n, WEIGHTS), *mask = IN(n, MASK), *past = IN(n, PAST);
    const bool present = has_output(n, 1);
    size_t count;
    const int64_t *given = mote_node_ints(n, "qkv_hidden_sizes", &count);
    if (x->type.dtype != MOTE_DTYPE_F32 || x->type.rank != 3 || w->type.rank != 2 || !mote_dim_known(w->type.dims[1]) || (given != NULL && count != 3))
        return MOTE_OK;
    /* lengths only where they are sure to be one a batch: MultiHeadAttention has no starts */
    if (mask != NULL && mask->type.rank != 2 && mask->type.rank != 3 && (mask->type.rank != 1 || mask->type.dims[0] == MOTE_DIM_UNKNOWN || mask->type.dims[0] != x->type.dims[0]))
        return MOTE_OK;
    const int64_t width = w->type.dims[1], q = given != NULL ? given[0] : width / 3, k = given != NULL ? given[1] : width / 3;
    mote_value *all = add(c, n, "MatMul", 13, 2, x, w, NULL), *part[3];
    if (all != NULL && IN(n, BIAS) != NULL)
        all = add(c, n, "Add", 14, 2, all, IN(n, BIAS), NULL);
    if (all == NULL)
        return MOTE_E_MEMORY;
    for (int i = 0; i < 3; i++)
        if ((part[i] = columns(c, n, all, i == 0 ? 0 : i == 1 ? q : q + k, i == 0 ? q : i == 1 ? q + k : width)) == NULL)
            return MOTE_E_MEMORY;
    mote_value *old[2] = {NULL, NULL};
    for (int i = 0; i < 2 && past != NULL; i++)
        if ((old[i] = item(c, n, past, i)) == NULL)
            return MOTE_NO_MEMORY(c->diag, 0);
    const uint32_t n_in = past != NULL ? 8 : IN(n, SCORE_BIAS) != NULL ? 6 : mask != NULL ? 5 : 3;
    mote_node *m = mote_graph_add_node(n->graph, n, "com.microsoft", "MultiHeadAttention", 1, n_in, present ? 3 : 1, true);
    static const char *const kept[] = {"mask_filter_value", "scale"};
    if (m == NULL || mote_node_set_int(m, "num_heads", mote_node_int(n, "num_heads", 1)) != MOTE_OK ||
        (mote_node_int(n, "unidirectional", 0) != 0 && mote_node_set_int(m, "unidirectional", 1) != MOTE_OK))
        return MOTE_NO_MEMORY(c->diag, 0);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        if (mote_node_attr(n, kept[i]) != NULL)
            MOTE_TRY(mote_node_set_float(m, kept[i], mote_node_float(n, kept[i], 0.0f)));
    m->name = n->name;
    mote_value *const in[8] = {part[0], part[1], part[2], NULL, mask, IN(n, SCORE_BIAS), old[0], old[1]};
    for (uint32_t i = 0; i < n_in; i++)
        mote_node_set_input(m, i, in[i]);
    if (present) {
        mote_value *state = both(c, n, m->out[1], m->out[2]);
        if (state == NULL)
            return MOTE_NO_MEMORY(c->diag, 0);
        state->type = n->out[1]->type;
        mote_value_replace(n->out[1], state);
    }
    return finish(c, n, m->out[0]);
}

static const struct {
    const char *domain, *op;
    mote_status (*fn)(mote_pass_context *c, mote_node *n);
} table[] = {
    {"com.microsoft", "Gelu", gelu},
    {"com.microsoft", "FastGelu", gelu},
    {"com.microsoft", "QuickGelu", gelu},
    {"com.microsoft", "BiasGelu", gelu},
    {"com.microsoft", "FusedMatMul", matmul},
    {"com.microsoft", "FusedConv", product},
    {"com.microsoft", "FusedGemm", product},
    {"com.microsoft", "SkipLayerNormalization", skip_norm},
    {"com.microsoft", "SkipSimplifiedLayerNormalization", skip_norm},
    {"com.microsoft", "Attention", attention},
    {"", "SimplifiedLayerNormalization", simplified_norm},
};

static mote_status each(mote_pass_context *c, mote_graph *g)
{
    for (mote_node *n = g->first, *next; n != NULL; n = next) {
        next = n->next;
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
            if (!mote_node_is(n, table[i].domain, table[i].op))
                continue;
            if (n->def != NULL && n->n_out > 0 && n->out[0] != NULL && IN(n, 0) != NULL && mote_dtype_in(IN(n, 0)->type.dtype, MOTE_DTYPES_FLOAT))
                MOTE_TRY(table[i].fn(c, n));
            break;
        }
    }
    return MOTE_OK;
}

MOTE_PASS(contrib) { return mote_pass_each_graph(c, each); }
