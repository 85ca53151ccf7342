/* shift.c - Concat of a register with new elements, then Slices: the slices read the parts, and the register is shifted in one move
 * SPDX-License-Identifier: Apache-2.0
 *
 *   all = Concat(S, X); y = Slice(all, len(X), len(S) + len(X))   ->  y = mote.Shift(S, X)
 *   all = Concat(S, X); y = Slice(all, within S or within X)      ->  y = Slice(S or X)
 *
 * when nothing but such slices along the axis of the Concat uses `all`. A delay line in the body of a Loop or in a streaming model looks so. */
#include "base/platform.h"
#include "passes/pass.h"

typedef struct part {
    int64_t begin, end; /* of `all` */
} part;

static bool one_int(const mote_value *v, int64_t *out)
{
    const mote_array *a = mote_value_const(v);
    if (a == NULL || v->is_input || !mote_dtype_in(a->dtype, MOTE_DT(S32) | MOTE_DT(S64)) || mote_array_count(a) != 1)
        return false;
    *out = mote_array_i64(a, 0);
    return true;
}

/* What a Slice along one axis with step 1 takes of n elements. */
static bool slice_of(const mote_node *n, int32_t rank, int64_t axis, int64_t length, part *p)
{
    int64_t at, step = 1;
    if (!mote_node_is(n, "", "Slice") || n->def == NULL || n->def->since < 10 || n->n_in < 3 || !one_int(n->in[1].value, &p->begin) ||
        !one_int(n->in[2].value, &p->end))
        return false;
    if (n->n_in > 3 && n->in[3].value != NULL) {
        if (!one_int(n->in[3].value, &at))
            return false;
    } else {
        at = 0;
    }
    if (n->n_in > 4 && n->in[4].value != NULL && !one_int(n->in[4].value, &step))
        return false;
    if (step != 1 || (at < 0 ? at + rank : at) != axis)
        return false;
    p->begin += p->begin < 0 ? length : 0;
    p->end += p->end < 0 ? length : 0;
    p->begin = p->begin < 0 ? 0 : p->begin > length ? length : p->begin;
    p->end = p->end < 0 ? 0 : p->end > length ? length : p->end;
    return p->begin < p->end;
}

static mote_status reslice(mote_pass_context *c, mote_node *slice, mote_value *from, int64_t axis, part p)
{
    mote_graph *g = slice->graph;
    mote_value *begin = mote_graph_const_i64(g, 1, 1, &p.begin), *end = mote_graph_const_i64(g, 1, 1, &p.end);
    mote_value *axes = mote_graph_const_i64(g, 1, 1, &axis);
    if (begin == NULL || end == NULL || axes == NULL)
        return MOTE_NO_MEMORY(c->diag, 0);
    MOTE_TRY(mote_node_resize_inputs(slice, 4));
    mote_node_set_input(slice, 0, from);
    mote_node_set_input(slice, 1, begin);
    mote_node_set_input(slice, 2, end);
    mote_node_set_input(slice, 3, axes);
    return MOTE_OK;
}

static mote_status rewrite(mote_pass_context *c, mote_node *concat)
{
    const mote_value *s = concat->in[0].value, *x = concat->in[1].value;
    const mote_type *ts = &s->type, *tx = &x->type;
    mote_value *all = concat->out[0];
    if (all == NULL || ts->kind != MOTE_KIND_TENSOR || ts->rank < 1 || tx->rank != ts->rank || all->uses == NULL ||
        !mote_dtype_in(ts->dtype, MOTE_DTYPES_NUMERIC & ~MOTE_DTYPES_SUBBYTE))
        return MOTE_OK;
    int64_t axis = mote_node_int(concat, "axis", 0);
    axis += axis < 0 ? ts->rank : 0;
    if (axis < 0 || axis >= ts->rank || !mote_dim_known(ts->dims[axis]) || !mote_dim_known(tx->dims[axis]))
        return MOTE_OK;
    const int64_t n = ts->dims[axis], k = tx->dims[axis];
    for (const mote_use *u = all->uses; u != NULL; u = u->next) {
        part p;
        if (u->node == NULL || u->index != 0 || u->node->graph != concat->graph || !slice_of(u->node, ts->rank, axis, n + k, &p))
            return MOTE_OK;
        if (!(p.end <= n || p.begin >= n || (p.begin == k && p.end == n + k)))
            return MOTE_OK;
    }
    for (mote_use *u = all->uses, *next; u != NULL; u = next) {
        part p;
        next = u->next;
        mote_node *slice = u->node;
        (void)slice_of(slice, ts->rank, axis, n + k, &p);
        if (p.begin == k && p.end == n + k && p.begin < n) {
            mote_node *shift = mote_graph_add_node(concat->graph, slice, "mote", "Shift", 1, 2, 1, true);
            if (shift == NULL)
                return MOTE_NO_MEMORY(c->diag, 0);
            MOTE_TRY(mote_node_set_int(shift, "axis", axis));
            mote_node_set_input(shift, 0, concat->in[0].value);
            mote_node_set_input(shift, 1, concat->in[1].value);
            shift->out[0]->type = slice->out[0]->type;
            mote_value_replace(slice->out[0], shift->out[0]);
            mote_node_remove(slice);
            bool inner = false; /* a state of a loop is shifted last, so that nothing reads it afterwards and it can slide */
            for (const mote_use *v = shift->out[0]->uses; v != NULL; v = v->next)
                inner = inner || v->node != NULL;
            if (!inner)
                mote_node_move_before(shift, NULL);
        } else if (p.end <= n) {
            MOTE_TRY(reslice(c, slice, concat->in[0].value, axis, p));
        } else {
            MOTE_TRY(reslice(c, slice, concat->in[1].value, axis, (part){p.begin - n, p.end - n}));
        }
    }
    mote_node_remove(concat);
    c->edits++;
    return MOTE_OK;
}

static mote_status shift_graph(mote_pass_context *c, mote_graph *g)
{
    for (mote_node *n = g->first; n != NULL;) {
        mote_node *before = n->prev;
        const size_t edits = c->edits;
        if (mote_node_is(n, "", "Concat") && n->n_in == 2 && n->in[0].value != NULL && n->in[1].value != NULL)
            MOTE_TRY(rewrite(c, n));
        n = c->edits == edits ? n->next : before != NULL ? before->next : g->first;
    }
    return MOTE_OK;
}

mote_status mote_pass_shift(mote_pass_context *c);
mote_status mote_pass_shift(mote_pass_context *c) { return mote_pass_each_graph(c, shift_graph); }
