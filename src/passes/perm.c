/* perm.c - permutations of dimensions and the transposes that stand for them
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "passes/perm.h"
#include "base/size.h"
#include <string.h>

enum { USES_MAX = 64 }; /* uses of a value that are searched for a Transpose to share */

/* ---- permutations ---- */

mote_perm mote_perm_to_last(int32_t rank)
{
    mote_perm a = {.rank = rank};
    for (int32_t i = 1; i < rank - 1; i++)
        a.p[i] = i + 1;
    a.p[rank - 1] = 1;
    return a;
}

mote_perm mote_perm_to_first(int32_t rank)
{
    mote_perm a = mote_perm_to_last(rank);
    return mote_perm_inverse(&a);
}

mote_perm mote_perm_inverse(const mote_perm *a)
{
    mote_perm b = {.rank = a->rank};
    for (int32_t i = 0; i < a->rank; i++)
        b.p[a->p[i]] = i;
    return b;
}

mote_perm mote_perm_then(const mote_perm *first, const mote_perm *then)
{
    mote_perm b = {.rank = first->rank};
    for (int32_t i = 0; i < first->rank; i++)
        b.p[i] = first->p[then->p[i]];
    return b;
}

bool mote_perm_equal(const mote_perm *a, const mote_perm *b)
{
    return a->rank == b->rank && memcmp(a->p, b->p, (size_t)a->rank * sizeof a->p[0]) == 0;
}

bool mote_perm_is_identity(const mote_perm *a)
{
    for (int32_t i = 0; i < a->rank; i++)
        if (a->p[i] != i)
            return false;
    return true;
}

bool mote_perm_is_view(const mote_perm *a, const mote_type *t)
{
    int32_t last = -1;
    if (t->rank != a->rank)
        return false;
    for (int32_t i = 0; i < a->rank; i++) {
        if (t->dims[a->p[i]] == 1)
            continue;
        if (a->p[i] < last)
            return false;
        last = a->p[i];
    }
    return true;
}

mote_type mote_perm_type(const mote_perm *a, const mote_type *t)
{
    mote_type out = *t;
    for (int32_t i = 0; t->rank == a->rank && i < a->rank; i++)
        out.dims[i] = t->dims[a->p[i]];
    return out;
}

/* ---- transposes ---- */

static bool perm_of(const mote_node *n, mote_perm *p)
{
    size_t count;
    const int64_t *perm = mote_node_ints(n, "perm", &count);
    const mote_value *x = n->in[0].value;
    const int32_t rank = x->type.rank >= 0 || perm == NULL || count > MOTE_MAX_RANK ? x->type.rank : (int32_t)count;
    if (rank < 1 || x->type.kind != MOTE_KIND_TENSOR || (perm != NULL && count != (size_t)rank))
        return false;
    *p = (mote_perm){.rank = rank};
    for (int32_t i = 0; i < rank; i++) {
        const int64_t d = perm != NULL ? perm[i] : rank - 1 - i;
        p->p[i] = (int32_t)(d < 0 ? d + rank : d);
        if (p->p[i] < 0 || p->p[i] >= rank)
            return false;
    }
    return true;
}

mote_value *mote_perm_under(const mote_value *v, mote_perm *p)
{
    if (v == NULL || !mote_node_is(v->producer, "", "Transpose") || v->producer->n_in != 1 || v->producer->in[0].value == NULL || !perm_of(v->producer, p))
        return NULL;
    return v->producer->in[0].value;
}

static void drop(mote_value *v)
{
    if (v->uses == NULL && mote_node_is(v->producer, "", "Transpose"))
        mote_node_remove(v->producer);
}

void mote_perm_input(mote_node *n, uint32_t i, mote_value *v)
{
    mote_value *old = n->in[i].value;
    mote_node_set_input(n, i, v);
    if (old != NULL && old != v)
        drop(old);
}

/* A Transpose of v by p that is there, moved to where every user of v can use it. */
static mote_value *same_transpose(const mote_value *v, const mote_perm *p)
{
    int left = USES_MAX;
    for (const mote_use *u = v->uses; u != NULL && left-- > 0; u = u->next) {
        mote_node *n = u->node;
        mote_perm q;
        if (n == NULL || n->graph != v->graph || n->n_out != 1 || n->out[0] == NULL || mote_perm_under(n->out[0], &q) != v || !mote_perm_equal(&q, p))
            continue;
        mote_node *first = v->producer != NULL ? v->producer->next : v->graph->first;
        if (first != n)
            mote_node_move_before(n, first);
        return n->out[0];
    }
    return NULL;
}

static size_t element_bytes(const mote_array *a)
{
    const unsigned bits = mote_dtype_bits(a->dtype);
    return a->kind == MOTE_KIND_TENSOR && a->dtype != MOTE_DTYPE_STRING && bits >= 8 ? bits / 8 : 0;
}

static bool foldable(const mote_pass_context *c, const mote_value *v)
{
    const mote_array *a = mote_value_const(v);
    const size_t limit = c->options->fold_limit != 0 ? c->options->fold_limit : MOTE_FOLD_LIMIT;
    return a != NULL && element_bytes(a) != 0 && c->folded_bytes <= limit && a->bytes <= limit - c->folded_bytes;
}

/* A permuted copy of a constant. */
static mote_status fold(mote_pass_context *c, const mote_value *v, const mote_perm *p, mote_value **out)
{
    const mote_array *a = v->constant;
    mote_array b = *a;
    for (int32_t i = 0; i < a->rank; i++)
        b.dims[i] = a->dims[p->p[i]];
    b.data = NULL;
    if (a->bytes != 0 && (b.data = mote_arena_calloc(&c->module->arena, a->bytes, 1)) == NULL)
        return MOTE_NO_MEMORY(c->diag, a->bytes);
    const size_t size = element_bytes(a), count = mote_array_count(a);
    size_t step[MOTE_MAX_RANK], at[MOTE_MAX_RANK] = {0}, from = 0;
    for (int32_t i = 0; i < a->rank; i++) {
        step[i] = size;
        for (int32_t k = p->p[i] + 1; k < a->rank; k++)
            step[i] *= (size_t)a->dims[k];
    }
    for (size_t i = 0; i < count; i++) {
        memcpy((char *)b.data + i * size, (const char *)a->data + from, size);
        for (int32_t d = a->rank - 1; d >= 0; d--) {
            from += step[d];
            if (++at[d] < (size_t)b.dims[d])
                break;
            from -= at[d] * step[d];
            at[d] = 0;
        }
    }
    *out = mote_graph_add_constant(v->graph, MOTE_STR(""), &b);
    if (*out == NULL)
        return MOTE_NO_MEMORY(c->diag, sizeof b);
    (*out)->is_folded = true;
    c->folded_bytes += a->bytes;
    return MOTE_OK;
}

bool mote_perm_is_free(const mote_value *v, const mote_perm *p)
{
    mote_perm q;
    if (v->constant != NULL || mote_perm_is_view(p, &v->type))
        return true;
    const mote_value *u = mote_perm_under(v, &q);
    if (u == NULL)
        return false;
    q = mote_perm_then(&q, p);
    return mote_perm_is_view(&q, &u->type);
}

int32_t mote_perm_version(mote_dtype t)
{
    static const struct {
        mote_dtypes types;
        int32_t version;
    } since[] = {{MOTE_DT(U2) | MOTE_DT(S2), 25}, {MOTE_DT(F8E8M0), 24}, {MOTE_DT(F4E2M1), 23}, {MOTE_DT(U4) | MOTE_DT(S4) | MOTE_DTYPES_F8, 21}};
    for (size_t i = 0; i < sizeof since / sizeof since[0]; i++)
        if (mote_dtype_in(t, since[i].types))
            return since[i].version;
    return 13;
}

mote_status mote_perm_apply(mote_pass_context *c, mote_value *v, const mote_perm *p, mote_value **out)
{
    mote_perm now = *p, q;
    for (mote_value *u; (u = mote_perm_under(v, &q)) != NULL; v = u)
        now = mote_perm_then(&q, &now);
    if (mote_perm_is_identity(&now)) {
        *out = v;
        return MOTE_OK;
    }
    if (foldable(c, v))
        return fold(c, v, &now, out);
    *out = same_transpose(v, &now);
    if (*out != NULL)
        return MOTE_OK;
    mote_node *n = mote_graph_add_node(v->graph, v->producer != NULL ? v->producer->next : v->graph->first, "", "Transpose",
                                       mote_perm_version(v->type.dtype), 1, 1, true);
    int64_t perm[MOTE_MAX_RANK];
    for (int32_t i = 0; i < now.rank; i++)
        perm[i] = now.p[i];
    if (n == NULL || mote_node_set_ints(n, "perm", perm, (size_t)now.rank) != MOTE_OK)
        return MOTE_NO_MEMORY(c->diag, 0);
    mote_node_set_input(n, 0, v);
    *out = n->out[0];
    (*out)->type = mote_perm_type(&now, &v->type);
    return MOTE_OK;
}

mote_status mote_perm_output(mote_pass_context *c, mote_node *n, uint32_t i, const mote_perm *p)
{
    mote_value *v = n->out[i];
    if (v == NULL || mote_perm_is_identity(p))
        return MOTE_OK;
    mote_node *t = mote_graph_add_node(n->graph, n->next, "", "Transpose", mote_perm_version(v->type.dtype), 1, 1, true);
    int64_t perm[MOTE_MAX_RANK];
    for (int32_t k = 0; k < p->rank; k++)
        perm[k] = p->p[k];
    if (t == NULL || mote_node_set_ints(t, "perm", perm, (size_t)p->rank) != MOTE_OK)
        return MOTE_NO_MEMORY(c->diag, 0);
    t->out[0]->type = v->type;
    mote_value_replace(v, t->out[0]);
    const mote_perm back = mote_perm_inverse(p);
    v->type = mote_perm_type(&back, &t->out[0]->type);
    mote_node_set_input(t, 0, v);
    return MOTE_OK;
}
