/* fuse_gemm.c - matrix products with one matrix on the right become mote.Gemm with the bias, sum and activation that follow
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "passes/fuse.h"
#include "passes/match.h"

#define IN(n, i) mote_match_in(n, i)

static bool is_matrix(const mote_value *v, int32_t low, int32_t high)
{
    return v != NULL && v->type.kind == MOTE_KIND_TENSOR && v->type.dtype == MOTE_DTYPE_F32 && v->type.rank >= low && v->type.rank <= high;
}

/* What the third operand of an ONNX Gemm is in mote.Gemm. */
typedef enum addend { NONE, AS_BIAS, AS_RESIDUAL, MISFIT } addend;

static addend addend_of(const mote_node *n)
{
    const mote_value *c = IN(n, 2), *y = n->out[0];
    if (c == NULL || mote_node_float(n, "beta", 1.0f) == 0.0f)
        return NONE;
    if (mote_node_float(n, "beta", 1.0f) != 1.0f || !is_matrix(c, 1, 2))
        return MISFIT;
    const int64_t width = y->type.rank == 2 ? y->type.dims[1] : MOTE_DIM_UNKNOWN, *dims = c->type.dims;
    if (mote_dim_known(width) && dims[c->type.rank - 1] == width && (c->type.rank == 1 || dims[0] == 1))
        return c->constant != NULL || IN(n, 1)->constant == NULL ? AS_BIAS : MISFIT; /* a bias that changes would have W packed again at each run */
    return c->type.rank == 2 && mote_match_same_type(&c->type, &y->type) ? AS_RESIDUAL : MISFIT;
}

static bool is_product(const mote_node *n, addend *add)
{
    *add = NONE;
    if (n->n_out != 1 || n->out[0] == NULL || !is_matrix(IN(n, 1), 2, 2))
        return false;
    if (mote_node_is(n, "", "MatMul"))
        return is_matrix(IN(n, 0), 1, MOTE_MAX_RANK);
    if (!mote_node_is(n, "", "Gemm") || !is_matrix(IN(n, 0), 2, 2) || mote_node_int(n, "transA", 0) != 0 || mote_node_float(n, "alpha", 1.0f) != 1.0f)
        return false;
    *add = addend_of(n);
    return *add != MISFIT;
}

static mote_status convert(mote_pass_context *c, mote_node *n, addend add, mote_node **out)
{
    mote_node *g = mote_graph_add_node(n->graph, n, "mote", "Gemm", 1, 2 + (uint32_t)add, 1, true);
    if (g == NULL || (mote_node_int(n, "transB", 0) != 0 && mote_node_set_int(g, "transB", 1) != MOTE_OK))
        return MOTE_NO_MEMORY(c->diag, 0);
    g->name = n->name;
    mote_node_set_input(g, 0, IN(n, 0));
    mote_node_set_input(g, 1, IN(n, 1));
    if (add != NONE)
        mote_node_set_input(g, 1 + (uint32_t)add, IN(n, 2));
    g->out[0]->type = n->out[0]->type;
    mote_value_replace(n->out[0], g->out[0]);
    mote_node_remove(n);
    c->edits++;
    *out = g;
    return MOTE_OK;
}

static mote_status fuse_graph(mote_pass_context *c, mote_graph *g)
{
    for (mote_node *n = g->first, *next; n != NULL; n = next) {
        mote_node *before = n->prev;
        addend add;
        if (is_product(n, &add))
            MOTE_TRY(convert(c, n, add, &n));
        if (mote_node_is(n, "mote", "Gemm"))
            MOTE_TRY(mote_fuse_epilogue(c, n));
        next = before != NULL ? before->next : g->first; /* n may have moved to a later place, and its user is gone */
        if (next == n)
            next = n->next;
    }
    return MOTE_OK;
}

mote_status mote_pass_fuse_gemm(mote_pass_context *c);
mote_status mote_pass_fuse_gemm(mote_pass_context *c) { return mote_pass_each_graph(c, fuse_graph); }
