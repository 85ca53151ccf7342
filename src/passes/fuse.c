/* fuse.c - biases, residual sums and activations into the product before them
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "passes/fuse.h"
#include "passes/match.h"

enum { BIAS = 2, RESIDUAL = 3 };

#define IN(n, i) mote_match_in(n, i)

/* What node `user` made is now what n makes, at user's place. */
static void absorb(mote_pass_context *c, mote_node *n, mote_node *user)
{
    if (user->prev != n)
        mote_node_move_before(n, user);
    n->out[0]->type = user->out[0]->type;
    for (uint32_t i = 0; i < user->n_in; i++)
        mote_node_set_input(user, i, NULL);
    mote_value_replace(user->out[0], n->out[0]);
    mote_node_remove(user);
    c->edits++;
}

static mote_status set_input(mote_pass_context *c, mote_node *n, uint32_t i, mote_value *v)
{
    if (n->n_in <= i && mote_node_resize_inputs(n, i + 1) != MOTE_OK)
        return MOTE_NO_MEMORY(c->diag, 0);
    mote_node_set_input(n, i, v);
    return MOTE_OK;
}

/* A constant with one element for each index of the last axis, which y has `last` of. */
static bool is_bias(const mote_value *v, int32_t rank, int64_t last)
{
    const mote_array *a = mote_value_const(v);
    if (a == NULL || a->kind != MOTE_KIND_TENSOR || a->dtype != MOTE_DTYPE_F32 || a->rank < 1 || a->rank > rank || last < 1)
        return false;
    return a->dims[a->rank - 1] == last && mote_array_count(a) == (size_t)last;
}

static mote_status add_bias(mote_pass_context *c, mote_node *n, mote_value *v)
{
    const mote_array *a = v->constant, *b = mote_value_const(IN(n, BIAS));
    if (IN(n, BIAS) == NULL)
        return set_input(c, n, BIAS, v);
    const size_t count = mote_array_count(a);
    mote_array sum = *a;
    float *data = mote_arena_calloc(&c->module->arena, count, sizeof *data);
    if (data == NULL)
        return MOTE_NO_MEMORY(c->diag, count * sizeof *data);
    for (size_t i = 0; i < count; i++)
        data[i] = (float)mote_array_f64(a, i) + (float)mote_array_f64(b, i);
    sum.data = data;
    sum.rank = 1;
    sum.dims[0] = (int64_t)count;
    mote_value *now = mote_graph_add_constant(n->graph, MOTE_STR(""), &sum);
    if (now == NULL)
        return MOTE_NO_MEMORY(c->diag, sizeof sum);
    now->is_folded = true;
    mote_node_set_input(n, BIAS, now);
    return MOTE_OK;
}

/* Most likely of the shape of y. Where it turns out to be another at run, the two broadcast as in the sum before (forms.h). */
static bool is_residual(const mote_type *r, const mote_type *y)
{
    if (r->kind != MOTE_KIND_TENSOR || r->dtype != MOTE_DTYPE_F32 || r->rank != y->rank)
        return false;
    for (int32_t i = 0; i < y->rank; i++)
        if (r->dims[i] != y->dims[i] && (r->dims[i] == 1 || y->dims[i] == 1 || (mote_dim_known(r->dims[i]) && mote_dim_known(y->dims[i]))))
            return false;
    return true;
}

/* Whether the product that makes v comes between n and `user` and can take the sum in n's place: then it is cheaper to let n run first. */
static bool later_product(const mote_node *n, const mote_node *user, const mote_value *v)
{
    const mote_node *m = v->producer;
    if (m == NULL || m->graph != n->graph || mote_value_single_user(v) != user || IN(m, RESIDUAL) != NULL || mote_node_attr(m, "activation") != NULL ||
        mote_node_int(m, "gate", 0) != 0 || !(mote_node_is(m, "mote", "Conv") || mote_node_is(m, "mote", "Gemm") || mote_node_is(m, "", "MatMul")))
        return false;
    for (const mote_node *k = n->next; k != NULL && k != user; k = k->next)
        if (k == m)
            return true;
    return false;
}

static mote_status take_sum(mote_pass_context *c, mote_node *n, mote_node *user, bool *done)
{
    mote_value *y = n->out[0], *other = IN(user, 0) == y ? IN(user, 1) : IN(user, 0);
    const int32_t rank = y->type.rank;
    if (rank < 1 || other == NULL || user->out[0]->type.rank != rank)
        return MOTE_OK;
    const bool constant_bias = IN(n, BIAS) == NULL || mote_value_const(IN(n, BIAS)) != NULL;
    if (constant_bias && is_bias(other, rank, y->type.dims[rank - 1])) {
        MOTE_TRY(add_bias(c, n, other));
    } else if (IN(n, RESIDUAL) == NULL && other != y && is_residual(&other->type, &y->type) && !later_product(n, user, other)) {
        MOTE_TRY(set_input(c, n, RESIDUAL, other));
    } else {
        return MOTE_OK;
    }
    *done = true;
    absorb(c, n, user);
    return MOTE_OK;
}

mote_status mote_fuse_epilogue(mote_pass_context *c, mote_node *n)
{
    for (bool done = true; done && mote_node_attr(n, "activation") == NULL && mote_node_int(n, "gate", 0) == 0;) {
        done = false;
        mote_node *user = mote_value_single_user(n->out[0]);
        mote_activation a;
        if (user == NULL || user->graph != n->graph || user->n_out != 1 || user->out[0] == NULL)
            break;
        if (mote_node_is(user, "", "Add") && user->n_in == 2) {
            MOTE_TRY(take_sum(c, n, user, &done));
        } else if (mote_activation_of(user, &a) && IN(user, 0) == n->out[0]) {
            if (mote_node_set_string(n, "activation", a.name) != MOTE_OK || mote_node_set_float(n, "p0", a.p[0]) != MOTE_OK ||
                mote_node_set_float(n, "p1", a.p[1]) != MOTE_OK)
                return MOTE_NO_MEMORY(c->diag, 0);
            absorb(c, n, user);
            done = true;
        }
    }
    return MOTE_OK;
}
