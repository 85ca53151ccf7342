/* attention.c - the decomposition of multi-head attention becomes one mote.Attention on unsplit heads
 * SPDX-License-Identifier: Apache-2.0
 *
 *   q = Transpose(Reshape(Q, [b, l, h, d]), [0, 2, 1, 3])        k = Transpose(Reshape(K, [b, s, h, d]), [0, 2, 3, 1])
 *   v = Transpose(Reshape(V, [b, s, h, e]), [0, 2, 1, 3])        each in one or several transposes; factors may stand on q and k
 *   y = Reshape(Transpose(MatMul(Softmax(factor MatMul(q, k) + mask), v), [0, 2, 1, 3]), [b, l, h e]) */
#include "base/platform.h"
#include "passes/fuse.h"
#include "passes/match.h"
#include "passes/perm.h"
#include <math.h>

#define IN(n, i) mote_match_in(n, i)

/* Whether n is the product of one tensor and one constant number (or its quotient by one): multiplies *factor, *v is the tensor. */
static bool is_scaled(const mote_node *n, mote_value **v, double *factor)
{
    double x;
    const bool div = n != NULL && mote_node_is(n, "", "Div");
    if (n == NULL || n->n_in != 2 || !(div || mote_node_is(n, "", "Mul")))
        return false;
    const uint32_t k = mote_match_number(IN(n, 1), &x) ? 1 : !div && mote_match_number(IN(n, 0), &x) ? 0 : 2;
    if (k == 2 || IN(n, 1 - k) == NULL || IN(n, k)->type.rank > IN(n, 1 - k)->type.rank)
        return false;
    *v = IN(n, 1 - k);
    *factor = div ? *factor / x : *factor * x;
    return true;
}

/* Whether the Reshape n keeps dimensions 0 and 1 of what has rank `from`; in both, what follows has `rest` elements. As the number of elements
 * stays, it is enough to see one of them. */
static bool keeps_rows(const mote_node *n)
{
    const mote_type *x = &IN(n, 0)->type, *y = &n->out[0]->type;
    int64_t dims[MOTE_MAX_RANK];
    size_t count;
    if (x->rank < 2 || y->rank < 2)
        return false;
    const bool constant = mote_match_ints(IN(n, 1), MOTE_MAX_RANK, dims, &count) && mote_node_int(n, "allowzero", 0) == 0;
    for (int32_t i = 0; i < 2; i++)
        if ((constant && (size_t)i < count && dims[i] == 0) || (x->dims[i] != MOTE_DIM_UNKNOWN && x->dims[i] == y->dims[i]))
            return true;
    return false;
}

/* v = Transpose(Reshape(X[b, l, h d], [b, l, h, d]), want), times a factor: X, or NULL. */
static mote_value *unsplit(mote_value *v, const mote_perm *want, double *factor, int64_t *heads)
{
    mote_perm p = {.rank = 4, .p = {0, 1, 2, 3}}, q;
    for (int left = 8; left > 0 && v != NULL; left--) {
        mote_value *u = mote_perm_under(v, &q);
        if (u != NULL && q.rank == 4) {
            p = mote_perm_then(&q, &p);
            v = u;
            continue;
        }
        if (is_scaled(v->producer, &u, factor)) {
            v = u;
            continue;
        }
        const mote_node *r = mote_match_made_by(v, "Reshape");
        if (r == NULL || IN(r, 0) == NULL)
            return NULL;
        const mote_type *x = &IN(r, 0)->type, *y = &v->type;
        int64_t width;
        if (!mote_perm_equal(&p, want) || x->rank != 3 || y->rank != 4 || y->dims[2] < 1 || y->dims[3] < 1 || (*heads != 0 && *heads != y->dims[2]) ||
            __builtin_mul_overflow(y->dims[2], y->dims[3], &width) || x->dims[2] != width || !keeps_rows(r))
            return NULL;
        *heads = y->dims[2];
        return IN(r, 0);
    }
    return NULL;
}

/* A tensor that can be added to scores[b, h, l, s]: no dimension is known to be another than 1 or theirs. */
static bool is_mask(const mote_value *m, const mote_type *scores)
{
    if (m->type.kind != MOTE_KIND_TENSOR || m->type.dtype != MOTE_DTYPE_F32 || m->type.rank < 0 || m->type.rank > 4)
        return false;
    for (int32_t i = 0; i < m->type.rank; i++) {
        const int64_t d = m->type.dims[i], s = scores->dims[4 - m->type.rank + i];
        if (mote_dim_known(d) && d != 1 && d != s)
            return false;
    }
    return true;
}

typedef struct found {
    mote_value *q, *k, *v, *mask;
    double factor;
    int64_t heads;
    mote_node *last; /* whose output becomes the attention's */
} found;

static mote_node *only_user(const mote_value *v, const mote_graph *g)
{
    mote_node *n = mote_value_single_user(v);
    return n != NULL && n->graph == g ? n : NULL;
}

/* The scores below a Softmax's operand. */
static bool match_scores(const mote_node *softmax, found *f)
{
    static const mote_perm rows = {.rank = 4, .p = {0, 2, 1, 3}}, columns = {.rank = 4, .p = {0, 2, 3, 1}};
    mote_value *v = IN(softmax, 0);
    const mote_node *user = softmax, *add = mote_match_made_by(v, "Add");
    if (add != NULL) {
        for (uint32_t i = 0; i < 2 && f->mask == NULL; i++) {
            mote_value *scores = IN(add, i), *unused;
            double x = 1;
            if (scores == NULL || scores->type.rank != 4 || !(mote_match_made_by(scores, "MatMul") != NULL || is_scaled(scores->producer, &unused, &x)) ||
                IN(add, 1 - i) == NULL || !is_mask(IN(add, 1 - i), &scores->type) || mote_value_single_user(v) != user)
                continue;
            f->mask = IN(add, 1 - i);
            v = scores;
        }
        if (f->mask == NULL)
            return false;
        user = add;
    }
    while (mote_value_single_user(v) == user) {
        mote_value *u;
        const mote_node *n = v->producer;
        if (is_scaled(n, &u, &f->factor)) {
            v = u;
            user = n;
            continue;
        }
        if (mote_match_made_by(v, "MatMul") == NULL)
            return false;
        f->q = unsplit(IN(n, 0), &rows, &f->factor, &f->heads);
        f->k = f->q != NULL ? unsplit(IN(n, 1), &columns, &f->factor, &f->heads) : NULL;
        return f->k != NULL;
    }
    return false;
}

static bool match(mote_node *softmax, found *f)
{
    static const mote_perm rows = {.rank = 4, .p = {0, 2, 1, 3}};
    *f = (found){.factor = 1};
    const mote_type *t = &softmax->out[0]->type;
    const int64_t axis = mote_node_int(softmax, "axis", softmax->def->since < 13 ? 1 : -1);
    if (t->rank != 4 || t->dtype != MOTE_DTYPE_F32 || (axis != -1 && axis != 3))
        return false;
    mote_node *product = only_user(softmax->out[0], softmax->graph), *turn;
    double one = 1;
    mote_perm p;
    if (!mote_node_is(product, "", "MatMul") || IN(product, 0) != softmax->out[0] || !match_scores(softmax, f))
        return false;
    f->v = unsplit(IN(product, 1), &rows, &one, &f->heads);
    turn = only_user(product->out[0], softmax->graph);
    if (f->v == NULL || one != 1 || !isfinite(f->factor) || !mote_node_is(turn, "", "Transpose") || mote_perm_under(turn->out[0], &p) == NULL ||
        !mote_perm_equal(&p, &rows))
        return false;
    f->last = turn;
    mote_node *merge = only_user(turn->out[0], softmax->graph);
    if (mote_node_is(merge, "", "Reshape") && merge->out[0]->type.rank == 3 && merge->out[0]->type.dims[2] >= 0 &&
        merge->out[0]->type.dims[2] == f->v->type.dims[2] && keeps_rows(merge))
        f->last = merge;
    return true;
}

static mote_status make(mote_pass_context *c, const found *f)
{
    mote_graph *g = f->last->graph;
    mote_node *n = mote_graph_add_node(g, f->last, "mote", "Attention", 1, f->mask != NULL ? 4 : 3, 1, true);
    if (n == NULL || mote_node_set_int(n, "heads", f->heads) != MOTE_OK || mote_node_set_float(n, "scale", (float)f->factor) != MOTE_OK)
        return MOTE_NO_MEMORY(c->diag, 0);
    n->name = f->last->name;
    mote_node_set_input(n, 0, f->q);
    mote_node_set_input(n, 1, f->k);
    mote_node_set_input(n, 2, f->v);
    if (f->mask != NULL)
        mote_node_set_input(n, 3, f->mask);
    mote_value *y = n->out[0];
    y->type = f->q->type;
    y->type.dims[2] = f->v->type.dims[2];
    if (mote_node_is(f->last, "", "Transpose")) { /* someone wants [b, l, h, e] */
        const int64_t split[4] = {0, 0, f->heads, f->v->type.dims[2] / f->heads};
        mote_node *r = mote_graph_add_node(g, f->last, "", "Reshape", 13, 2, 1, true);
        mote_value *shape = mote_graph_const_i64(g, 1, 4, split);
        if (r == NULL || shape == NULL)
            return MOTE_NO_MEMORY(c->diag, 0);
        shape->is_folded = true;
        mote_node_set_input(r, 0, y);
        mote_node_set_input(r, 1, shape);
        y = r->out[0];
    }
    y->type = f->last->out[0]->type;
    mote_value_replace(f->last->out[0], y);
    c->edits++;
    return MOTE_OK;
}

static bool is_used(const mote_node *n)
{
    for (uint32_t i = 0; i < n->n_out; i++)
        if (n->out[i] != NULL && n->out[i]->uses != NULL)
            return true;
    return false;
}

static mote_status attention_graph(mote_pass_context *c, mote_graph *g)
{
    const size_t before = c->edits;
    for (mote_node *n = g->first; n != NULL; n = n->next) {
        found f;
        if (mote_node_is(n, "", "Softmax") && n->def != NULL && n->out[0] != NULL && match(n, &f))
            MOTE_TRY(make(c, &f));
    }
    for (mote_node *n = g->last, *prev; n != NULL && c->edits != before; n = prev) {
        prev = n->prev;
        if (!is_used(n))
            mote_node_remove(n);
    }
    return MOTE_OK;
}

mote_status mote_pass_attention(mote_pass_context *c);
mote_status mote_pass_attention(mote_pass_context *c) { return mote_pass_each_graph(c, attention_graph); }
