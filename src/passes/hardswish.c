/* hardswish.c - HardSigmoid, HardSwish and Swish from their parts
 * SPDX-License-Identifier: Apache-2.0
 *
 *     clip(x + b, 0, h) s     with s h = 1      HardSigmoid(alpha = s, beta = b s)
 *     clip(a x + b, 0, 1)                       HardSigmoid(alpha = a, beta = b)
 *     x clip(x + 3, 0, 6) / 6                   HardSwish; so x HardSigmoid(x; 1/6, 1/2)
 *     x sigmoid(a x)                            Swish(alpha = a)
 *
 * Sources: ONNX HardSigmoid-6, HardSwish-14, Swish-24. */
#include "base/platform.h"
#include "passes/rewrite.h"
#include <math.h>

#define REAL(v) ((v)->type.kind == MOTE_KIND_TENSOR && mote_dtype_in((v)->type.dtype, MOTE_DTYPES_FLOAT))

/* A product by a constant, or a quotient. */
static bool scaling(const mote_node *n, mote_value **x, double *s)
{
    if (n == NULL || !(mote_node_is(n, "", "Mul") || mote_node_is(n, "", "Div")) || !mote_match_by_number(n, x, s))
        return false;
    if (mote_str_is(n->op, "Div"))
        *s = 1 / *s;
    return isfinite(*s);
}

static bool shifting(const mote_node *n, mote_value **x, double *b)
{
    return mote_node_is(n, "", "Add") && mote_match_by_number(n, x, b) && isfinite(*b);
}

static bool bounds(const mote_node *n, double *lo, double *hi)
{
    if (n->def != NULL && n->def->since < 11) {
        *lo = (double)mote_node_float(n, "min", -INFINITY);
        *hi = (double)mote_node_float(n, "max", INFINITY);
        return true;
    }
    return mote_match_number(mote_match_in(n, 1), lo) && mote_match_number(mote_match_in(n, 2), hi);
}

static mote_status hard_sigmoid(mote_pass_context *c, mote_node *last, mote_value *x, double alpha, double beta)
{
    mote_node *n;
    MOTE_TRY(mote_rewrite(c, last, "HardSigmoid", 6, 1, &x, &n));
    MOTE_TRY(mote_node_set_float(n, "alpha", (float)alpha));
    return mote_node_set_float(n, "beta", (float)beta);
}

static mote_status from_clip(mote_pass_context *c, mote_node *clip)
{
    double lo, hi, b = 0, s = 1;
    mote_value *v = mote_match_in(clip, 0), *x = v, *y = clip->out[0], *o;
    if (v == NULL || y == NULL || !REAL(v) || !bounds(clip, &lo, &hi) || lo != 0 || !(hi > 0) || !isfinite(hi))
        return MOTE_OK;
    mote_dtype t = v->type.dtype;
    bool shifted = shifting(v->producer, &x, &b) && mote_value_single_user(v) == clip;
    x = shifted ? x : v;
    b = shifted ? b : 0;
    if (hi == 1 && shifted && scaling(x->producer, &o, &s) && mote_value_single_user(x) == v->producer)
        return hard_sigmoid(c, clip, o, s, b);
    mote_node *user = mote_value_single_user(y);
    if (user == NULL || user->graph != clip->graph || hi == 1)
        return MOTE_OK;
    if (scaling(user, &o, &s) && o == y)
        return mote_match_near(s * hi, 1, t) ? hard_sigmoid(c, user, x, s, b * s) : MOTE_OK;
    if (!mote_node_is(user, "", "Mul") || user->n_out != 1 || user->out[0] == NULL || (o = mote_match_other(user, y)) == NULL || b != 3 || hi != 6)
        return MOTE_OK;
    mote_node *swish, *last = NULL;
    mote_value *w;
    if (o == x) { /* x clip, then / 6 */
        mote_node *n = mote_value_single_user(user->out[0]);
        if (n != NULL && n->graph == clip->graph && scaling(n, &w, &s) && w == user->out[0])
            last = n;
    } else if (scaling(o->producer, &w, &s) && w == x) { /* (x / 6) clip */
        last = user;
    }
    return last != NULL && mote_match_near(s, 1.0 / 6, t) ? mote_rewrite(c, last, "HardSwish", 14, 1, &x, &swish) : MOTE_OK;
}

static mote_status from_hard_sigmoid(mote_pass_context *c, mote_node *n)
{
    mote_value *x = mote_match_in(n, 0);
    mote_node *user = mote_match_user(n->out[0], "Mul");
    if (user == NULL || user->graph != n->graph || mote_match_other(user, n->out[0]) != x || !REAL(x) ||
        !mote_match_near((double)mote_node_float(n, "alpha", 0.2f), 1.0 / 6, x->type.dtype) || mote_node_float(n, "beta", 0.5f) != 0.5f)
        return MOTE_OK;
    return mote_rewrite(c, user, "HardSwish", 14, 1, &x, &n);
}

static mote_status from_sigmoid(mote_pass_context *c, mote_node *n)
{
    mote_value *v = mote_match_in(n, 0), *x;
    mote_node *user = mote_match_user(n->out[0], "Mul"), *swish;
    double s = 1;
    if (user == NULL || user->graph != n->graph || !REAL(v))
        return MOTE_OK;
    mote_value *o = mote_match_other(user, n->out[0]);
    if (o != v && !(scaling(v->producer, &x, &s) && x == o && mote_value_single_user(v) == n))
        return MOTE_OK;
    s = o == v ? 1 : s;
    MOTE_TRY(mote_rewrite(c, user, "Swish", 24, 1, &o, &swish));
    return s == 1 ? MOTE_OK : mote_node_set_float(swish, "alpha", (float)s);
}

static mote_status each(mote_pass_context *c, mote_graph *g)
{
    for (mote_node *n = g->first, *next; n != NULL; n = next) {
        /* n itself may go; a node that takes its place stands before it and is looked at next */
        mote_node *prev = n->prev;
        next = n->next;
        size_t edits = c->edits;
        if (n->n_in == 0 || n->n_out == 0 || n->out[0] == NULL || n->out[0]->uses == NULL)
            continue;
        if (mote_node_is(n, "", "Clip"))
            MOTE_TRY(from_clip(c, n));
        else if (mote_node_is(n, "", "HardSigmoid"))
            MOTE_TRY(from_hard_sigmoid(c, n));
        else if (mote_node_is(n, "", "Sigmoid"))
            MOTE_TRY(from_sigmoid(c, n));
        if (edits != c->edits)
            next = prev != NULL ? prev->next : g->first;
    }
    return MOTE_OK;
}

MOTE_PASS(hardswish) { return mote_pass_each_graph(c, each); }
