/* qint_chain.c - elementwise operators with constants by channel, of pass qint: mote.QChain
 * SPDX-License-Identifier: Apache-2.0
 *
 * With constants of one value such an island is a table. Equalization by channel leaves Mul, Add, HardSwish, Mul; a PRelu has its slopes. Constants go along
 * the last axis, or along the channels of an image, which then goes channels last. */
#include "base/platform.h"
#include "ops/chain.h"
#include "passes/fuse.h"
#include "passes/match.h"
#include "passes/qint.h"
#include <stdio.h>
#include <string.h>

typedef struct link {
    const char *name;
    float params[2];
    mote_value *with; /* NULL: unary */
} link;

/* A constant that does not add dimensions to `type` and is one value, or goes along one axis: the channels' (1) or the last, and then along *axis, where
 * that is set before. */
static bool is_constant_of(const mote_value *v, const mote_type *type, int32_t *axis)
{
    const mote_array *a = mote_value_const(v);
    if (a == NULL || a->dtype != MOTE_DTYPE_F32 || type->rank < 1 || a->rank > type->rank || a->data == NULL)
        return false;
    const size_t count = mote_array_count(a);
    if (count == 1)
        return true;
    for (int32_t i = 0; i < a->rank; i++) {
        const int32_t at = i + type->rank - a->rank;
        if ((size_t)a->dims[i] != count || type->dims[at] != a->dims[i] || !(at == type->rank - 1 || (at == 1 && type->rank >= 3)) || (*axis >= 0 && *axis != at))
            continue;
        *axis = at;
        return true;
    }
    return false;
}

/* Whether n is a step on *x. */
static bool step_of(const mote_node *n, link *s, mote_value **x, int32_t *axis)
{
    static const struct {
        const char *op, *name;
        bool either;
    } binary[] = {{"Mul", "mul", true}, {"Add", "add", true}, {"Sub", "sub", false}, {"Div", "div", false}, {"PRelu", "prelu", false}};
    if (n == NULL || n->domain.n != 0 || n->n_out != 1 || n->out[0]->type.dtype != MOTE_DTYPE_F32)
        return false;
    mote_activation a;
    if (mote_activation_of(n, &a)) {
        *s = (link){.name = a.name, .params = {a.p[0], a.p[1]}};
        *x = n->in[0].value;
        return true;
    }
    for (size_t i = 0; i < sizeof binary / sizeof *binary; i++) {
        if (!mote_str_is(n->op, binary[i].op) || n->n_in != 2)
            continue;
        const uint32_t at = binary[i].either && is_constant_of(n->in[0].value, &n->out[0]->type, axis) ? 0 : 1;
        *s = (link){.name = binary[i].name, .with = n->in[at].value};
        *x = n->in[1 - at].value;
        return *x != NULL && is_constant_of(s->with, &n->out[0]->type, axis) && (*x)->type.rank == n->out[0]->type.rank;
    }
    return false;
}

/* The constant as a vector or a scalar, as a form has it. */
static mote_value *flat(mote_graph *g, mote_value *v)
{
    const mote_array *a = mote_value_const(v);
    const size_t count = mote_array_count(a);
    return a->rank <= 1 && a->rank == (count != 1) ? v : mote_q_const(g, MOTE_DTYPE_F32, count == 1 ? 0 : count, a->data);
}

mote_status mote_qint_chain(mote_qint *k)
{
    link s[MOTE_CHAIN_STEPS];
    uint32_t n = 0, constants = 0;
    mote_qparam p;
    int32_t axis = -1;
    mote_value *v = k->q->in[0].value;
    const mote_node *user = k->q;
    for (mote_value *before; n < MOTE_CHAIN_STEPS && v->producer != NULL && v->producer->graph == k->graph && mote_value_single_user(v) == user; n++, v = before) {
        if (!step_of(v->producer, &s[n], &before, &axis))
            break;
        constants += s[n].with != NULL;
        user = v->producer;
    }
    const mote_node *d = n != 0 ? mote_dequantized(v, &p, NULL) : NULL;
    const int32_t rank = v->type.rank;
    if (d == NULL || d->graph != k->graph || axis < 0 || rank != k->q->out[0]->type.rank)
        return MOTE_OK;
    char text[MOTE_CHAIN_STEPS * 24];
    float params[2 * MOTE_CHAIN_STEPS];
    size_t at = 0;
    for (uint32_t i = 0; i < n; i++) { /* s[n - 1] is the first of them */
        const link *step = &s[n - 1 - i];
        const int written = snprintf(text + at, sizeof text - at, "%s%s", i == 0 ? "" : " ", step->name);
        at += written > 0 ? (size_t)written : 0;
        if (at >= sizeof text)
            return MOTE_OK;
        memcpy(params + 2 * i, step->params, sizeof step->params);
    }
    const bool turn = axis != rank - 1;
    mote_value *x = d->in[0].value, *zero;
    mote_node *made;
    if (turn)
        MOTE_TRY(mote_qint_transpose(k, x, rank, true, &x));
    MOTE_TRY(mote_qint_zero(k, &zero));
    MOTE_TRY(mote_qint_node(k, "QChain", 5 + constants, &made));
    mote_value *const first[5] = {x, p.scale_value, p.zero_value, k->y.scale_value, zero};
    for (uint32_t i = 0; i < 5; i++)
        mote_node_set_input(made, i, first[i]);
    for (uint32_t i = 0, in = 5; i < n; i++) {
        const link *step = &s[n - 1 - i];
        mote_value *with = step->with == NULL ? NULL : flat(k->graph, step->with);
        if (step->with != NULL && with == NULL)
            return MOTE_NO_MEMORY(k->c->diag, 0);
        if (with != NULL)
            mote_node_set_input(made, in++, with);
    }
    if (mote_node_set_string(made, "steps", text) != MOTE_OK || mote_node_set_floats(made, "params", params, 2 * (size_t)n) != MOTE_OK)
        return MOTE_NO_MEMORY(k->c->diag, 0);
    v = made->out[0];
    v->type.dtype = k->y.type;
    if (turn)
        MOTE_TRY(mote_qint_transpose(k, v, rank, false, &v));
    return mote_qint_finish(k, k->q->in[0].value, v);
}
