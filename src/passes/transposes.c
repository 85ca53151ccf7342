/* transposes.c - transposes out of the way: down through operators until they cancel, up where that saves work; views where only ones move
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "passes/match.h"
#include "passes/resize.h"
#include "passes/sink.h"

enum { REACH = 32 }; /* operators that a transpose is moved up through to meet one that it cancels */

#define IN(n, i) mote_match_in(n, i)

/* A transpose is cheaper before n than behind it. */
static bool grows(const mote_node *n)
{
    double scales[MOTE_MAX_RANK];
    return mote_resize_grows(n, scales);
}

/* Whether a transpose behind n would stay there. */
static bool ends_here(const mote_node *n)
{
    for (const mote_use *u = n->out[0]->uses; u != NULL; u = u->next)
        if (u->node != NULL && mote_sink_find(u->node) != NULL)
            return false;
    return true;
}

/* A Transpose of this graph stands before n. (One of an outer graph is better where it is: a body may run often.) */
static bool is_behind_transpose(const mote_node *n)
{
    for (uint32_t i = 0; i < n->n_in; i++)
        if (IN(n, i) != NULL && mote_node_is(IN(n, i)->producer, "", "Transpose") && IN(n, i)->graph == n->graph)
            return true;
    return false;
}

static mote_status sink_graph(mote_pass_context *c, mote_graph *g)
{
    for (mote_node *n = g->first, *next; n != NULL; n = next) {
        const bool is_transpose = mote_node_is(n, "", "Transpose"), may_go = is_transpose || mote_node_is(n, "", "BatchNormalization");
        mote_sink_fn fn = is_transpose || is_behind_transpose(n) ? mote_sink_find(n) : NULL;
        next = n->next;
        if (fn != NULL && !(grows(n) && ends_here(n)))
            MOTE_TRY(fn(c, n));
        if (!may_go)
            next = n->next;
    }
    return MOTE_OK;
}

/* ---- up ---- */

static bool is_elementwise(const mote_node *n)
{
    return n != NULL && n->def != NULL && (n->def->flags & MOTE_OP_ELEMENTWISE) != 0 && n->domain.n == 0 && n->n_out == 1;
}

/* Whether p, applied to v, is undone within reach. */
static bool undone(const mote_value *v, const mote_perm *p, const mote_node *user, int reach)
{
    for (; reach > 0; reach--) {
        mote_perm q;
        const mote_value *w = mote_perm_under(v, &q);
        if (w != NULL) {
            const bool view = mote_perm_is_view(&q, &w->type);
            q = mote_perm_then(&q, p);
            return !view && mote_perm_is_identity(&q);
        }
        const mote_node *n = v->producer;
        if (!is_elementwise(n) || mote_value_single_user(v) != user || n->graph != user->graph)
            return false;
        const mote_value *next = NULL; /* the last operand; those before it are looked at from here */
        for (uint32_t i = 0; i < n->n_in; i++) {
            const mote_value *x = IN(n, i);
            if (x == NULL || mote_sink_is_scalar(&x->type, p->rank))
                continue;
            if (x->type.rank != p->rank && (x->constant == NULL || x->type.rank > p->rank))
                return false;
            if (next != NULL && undone(next, p, n, reach / 4))
                return true;
            next = x;
        }
        if (next == NULL)
            return false;
        v = next;
        user = n;
    }
    return false;
}

/* The Transpose n, by p, of what m makes for it alone, moves to m's operands. */
static mote_status lift(mote_pass_context *c, mote_node *n, mote_node *m, const mote_perm *p)
{
    mote_value *x = m->out[0], *y = n->out[0];
    for (uint32_t i = 0; i < m->n_in; i++) {
        mote_value *v = IN(m, i);
        if (v == NULL || mote_sink_is_scalar(&v->type, p->rank))
            continue;
        if (v->type.rank < p->rank)
            MOTE_TRY(mote_sink_widened(c, v, p->rank, &v));
        MOTE_TRY(mote_perm_apply(c, v, p, &v));
        mote_perm_input(m, i, v);
    }
    mote_node_set_input(n, 0, NULL);
    x->type = y->type;
    mote_value_replace(y, x);
    mote_node_remove(n);
    c->edits++;
    return MOTE_OK;
}

/* One index list into a tensor of an outer graph: a transpose of that tensor leaves the body. */
static bool takes_from_outside(const mote_node *m)
{
    return mote_node_is(m, "", "Gather") && IN(m, 0) != NULL && IN(m, 0)->graph != m->graph && IN(m, 1) != NULL && IN(m, 1)->type.rank == 1;
}

/* As lift, where m moves elements and names dimensions of its own: m is a Resize or a Gather. */
static mote_status lift_mover(mote_pass_context *c, mote_node *n, mote_node *m, const mote_perm *p)
{
    const mote_perm back = mote_perm_inverse(p);
    mote_value *x = m->out[0], *y = n->out[0], *v;
    if (mote_node_is(m, "", "Gather")) {
        const int64_t axis = mote_node_int(m, "axis", 0);
        if (mote_node_set_int(m, "axis", back.p[axis < 0 ? axis + p->rank : axis]) != MOTE_OK)
            return MOTE_NO_MEMORY(c->diag, 0);
    } else {
        MOTE_TRY(mote_sink_vector(c, m, mote_resize_scales(m), &back));
    }
    MOTE_TRY(mote_perm_apply(c, IN(m, 0), p, &v));
    mote_perm_input(m, 0, v);
    mote_node_set_input(n, 0, NULL);
    x->type = y->type;
    mote_value_replace(y, x);
    mote_node_remove(n);
    c->edits++;
    return MOTE_OK;
}

static mote_status lift_graph(mote_pass_context *c, mote_graph *g)
{
    for (mote_node *n = g->last, *before; n != NULL; n = before) {
        before = n->prev;
        mote_perm p;
        mote_value *x = mote_node_is(n, "", "Transpose") ? mote_perm_under(n->out[0], &p) : NULL;
        mote_node *m = x != NULL ? x->producer : NULL;
        if (m == NULL || m->graph != g || mote_value_single_user(x) != n || !mote_value_can_replace(n->out[0], x))
            continue;
        if (is_elementwise(m) && undone(x, &p, n, REACH))
            MOTE_TRY(lift(c, n, m, &p));
        else if (takes_from_outside(m) || (grows(m) && !mote_perm_is_view(&p, &x->type)))
            MOTE_TRY(lift_mover(c, n, m, &p));
        else
            continue;
        before = m;
    }
    return MOTE_OK;
}

/* ---- views ---- */

static mote_status view_graph(mote_pass_context *c, mote_graph *g)
{
    for (mote_node *n = g->first; n != NULL; n = n->next) {
        mote_perm p;
        mote_value *x = mote_node_is(n, "", "Transpose") ? mote_perm_under(n->out[0], &p) : NULL, *shape;
        if (x == NULL || !mote_perm_is_view(&p, &x->type))
            continue;
        int64_t dims[MOTE_MAX_RANK];
        int free = 0;
        for (int32_t i = 0; i < p.rank; i++) {
            const int64_t d = x->type.dims[p.p[i]];
            const bool stays = p.p[i] == i || (d != MOTE_DIM_UNKNOWN && d == x->type.dims[i]);
            dims[i] = d > 0 ? d : stays ? 0 : -1; /* as Reshape reads them */
            free += dims[i] < 0 ? 1 : d == 0 ? 2 : 0;
        }
        if (free > 1)
            continue;
        MOTE_TRY(mote_sink_ints(c, g, dims, (size_t)p.rank, &shape));
        mote_node *r = mote_graph_add_node(g, n, "", "Reshape", mote_perm_version(x->type.dtype), 2, 1, true);
        if (r == NULL)
            return MOTE_NO_MEMORY(c->diag, 0);
        mote_node_set_input(r, 0, x);
        mote_node_set_input(r, 1, shape);
        r->out[0]->type = n->out[0]->type;
        mote_value_replace(n->out[0], r->out[0]);
        mote_node_set_input(n, 0, NULL);
        mote_node_remove(n);
        n = r;
        c->edits++;
    }
    return MOTE_OK;
}

static mote_status move_graph(mote_pass_context *c, mote_graph *g)
{
    MOTE_TRY(sink_graph(c, g));
    return lift_graph(c, g);
}

mote_status mote_pass_transposes(mote_pass_context *c);
mote_status mote_pass_transposes(mote_pass_context *c) { return mote_pass_each_graph(c, move_graph); }

mote_status mote_pass_views(mote_pass_context *c);
mote_status mote_pass_views(mote_pass_context *c) { return mote_pass_each_graph(c, view_graph); }
