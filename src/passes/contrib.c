/* contrib.c - com.microsoft's fused operators as standard ones, which the kernels and the other passes know
 * SPDX-License-Identifier: Apache-2.0
 *
 * Gelu, FastGelu, QuickGelu, BiasGelu; FusedMatMul; FusedConv, FusedGemm; SkipLayerNormalization, SkipSimplifiedLayerNormalization, and the standard
 * domain's SimplifiedLayerNormalization. In half floats only what rounds once either way: a sum in between would be rounded. */
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
