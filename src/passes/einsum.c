/* einsum.c - pass einsum: Einsum of two operands becomes transposes and a matrix product, which have kernels
 * SPDX-License-Identifier: Apache-2.0
 *
 *     bqhd,bkhd->bhqk      becomes      MatMul(Transpose(a; b h q d), Transpose(b; b h d k))
 *
 * Letters of both operands and the output are the product's batch; of one operand and the output, its rows or columns; of both operands alone, what it sums over. Several
 * letters in one of these places become one dimension by Reshape, whose sizes are copied (0) or, at most one, left to be found out (-1). */
#include "base/platform.h"
#include "ops/einsum.h"
#include "passes/rewrite.h"
#include <string.h>

typedef struct group {
    int32_t n;
    int8_t letter[MOTE_MAX_RANK];
} group;

typedef struct parts {
    group batch, rows, columns, sum;
    int64_t dim[MOTE_EINSUM_LETTERS]; /* as a type has it: symbols too */
} parts;

static bool in_term(const mote_einsum_term *t, int letter)
{
    for (int32_t d = 0; d < t->n; d++)
        if (t->letter[d] == letter)
            return true;
    return false;
}

static void add(group *g, int8_t letter) { g->letter[g->n++] = letter; }

/* False: something that a product cannot say (diagonals, sums of one operand, sizes that may be broadcast). */
static bool split(const mote_einsum *e, const mote_type *const *types, parts *p)
{
    memset(p, 0, sizeof *p);
    for (size_t i = 0; i < 2; i++)
        for (int32_t d = 0; d < e->in[i].n; d++) {
            const int8_t letter = e->in[i].letter[d];
            for (int32_t k = 0; k < d; k++)
                if (e->in[i].letter[k] == letter)
                    return false;
            const bool both = in_term(&e->in[1 - i], letter), out = in_term(&e->out, letter);
            if (!both && !out)
                return false;
            if (i == 1 && both && (p->dim[letter] != types[1]->dims[d] || p->dim[letter] == MOTE_DIM_UNKNOWN))
                return false;
            p->dim[letter] = types[i]->dims[d];
            if (i == 0 && both && !out)
                add(&p->sum, letter);
        }
    for (int32_t d = 0; d < e->out.n; d++) {
        const int8_t letter = e->out.letter[d];
        const bool a = in_term(&e->in[0], letter), b = in_term(&e->in[1], letter);
        add(a && b ? &p->batch : a ? &p->rows : &p->columns, letter);
    }
    return true;
}

static mote_value *transpose(mote_graph *g, mote_node *before, mote_value *x, const mote_einsum_term *t, const int8_t *order, int32_t n)
{
    int64_t perm[MOTE_MAX_RANK];
    bool same = true;
    for (int32_t d = 0; d < n; d++) {
        for (int32_t k = 0; k < t->n; k++)
            if (t->letter[k] == order[d])
                perm[d] = k;
        same = same && perm[d] == d;
    }
    if (same)
        return x;
    mote_node *node = mote_graph_add_node(g, before, "", "Transpose", 13, 1, 1, true);
    if (node == NULL || mote_node_set_ints(node, "perm", perm, (size_t)n) != MOTE_OK)
        return NULL;
    mote_node_set_input(node, 0, x);
    return node->out[0];
}

/* The product of a group's sizes; 0 when it is not known or 0, which Reshape cannot say. */
static int64_t known_size(const parts *p, const group *g)
{
    int64_t n = 1;
    for (int32_t k = 0; k < g->n; k++)
        if (!mote_dim_known(p->dim[g->letter[k]]) || __builtin_mul_overflow(n, p->dim[g->letter[k]], &n))
            return 0;
    return n;
}

/* One dimension a group: of `first` leading ones copied, then groups a and b. False: their sizes cannot be said. */
static bool joined(const parts *p, int32_t first, const group *a, const group *b, int64_t *shape)
{
    const int64_t x = known_size(p, a), y = known_size(p, b);
    if (x == 0 && y == 0)
        return false;
    for (int32_t d = 0; d < first; d++)
        shape[d] = 0;
    shape[first] = x != 0 ? x : -1;
    shape[first + 1] = y != 0 ? y : -1;
    return true;
}

static mote_value *reshape(mote_graph *g, mote_node *before, mote_value *x, const int64_t *shape, size_t n)
{
    mote_node *node = mote_graph_add_node(g, before, "", "Reshape", 13, 2, 1, true);
    mote_value *s = mote_graph_const_i64(g, 1, n, shape);
    if (node == NULL || s == NULL)
        return NULL;
    mote_node_set_input(node, 0, x);
    mote_node_set_input(node, 1, s);
    return node->out[0];
}

static int32_t order_of(const group *a, const group *b, const group *c, int8_t *order)
{
    int32_t n = 0;
    for (int32_t k = 0; k < a->n; k++)
        order[n++] = a->letter[k];
    for (int32_t k = 0; k < b->n; k++)
        order[n++] = b->letter[k];
    for (int32_t k = 0; c != NULL && k < c->n; k++)
        order[n++] = c->letter[k];
    return n;
}

static mote_status replace(mote_pass_context *c, mote_node *n, const mote_einsum *e, const parts *p)
{
    mote_graph *g = n->graph;
    int8_t order[2 * MOTE_MAX_RANK];
    int64_t left[MOTE_MAX_RANK + 2], right[MOTE_MAX_RANK + 2], shape[MOTE_MAX_RANK];
    /* rows of a matrix of weights may be of any number of dimensions */
    const bool plain = p->columns.n == 1 && p->sum.n == 1 && (p->rows.n == 1 || (p->batch.n == 0 && p->rows.n > 1));
    const int32_t rank = p->batch.n + p->rows.n + p->columns.n;
    int32_t unknown = 0;
    if (p->batch.n + 2 > MOTE_MAX_RANK)
        return MOTE_OK;
    if (!plain) {
        if (!joined(p, p->batch.n, &p->rows, &p->sum, left) || !joined(p, p->batch.n, &p->sum, &p->columns, right))
            return MOTE_OK;
        order_of(&p->batch, &p->rows, &p->columns, order);
        for (int32_t d = 0; d < rank; d++) {
            const int64_t size = p->dim[order[d]];
            if (d >= p->batch.n && size == 0)
                return MOTE_OK;
            shape[d] = d < p->batch.n ? 0 : mote_dim_known(size) ? size : -1;
            unknown += shape[d] == -1;
        }
        if (unknown > 1)
            return MOTE_OK;
    }
    int32_t k = order_of(&p->batch, &p->rows, &p->sum, order);
    mote_value *a = transpose(g, n, n->in[0].value, &e->in[0], order, k), *b = NULL;
    k = order_of(&p->batch, &p->sum, &p->columns, order);
    if (a != NULL)
        b = transpose(g, n, n->in[1].value, &e->in[1], order, k);
    if (a != NULL && b != NULL && !plain) {
        a = reshape(g, n, a, left, (size_t)p->batch.n + 2);
        b = reshape(g, n, b, right, (size_t)p->batch.n + 2);
    }
    if (a == NULL || b == NULL)
        return MOTE_NO_MEMORY(c->diag, 0);
    mote_value *const in[2] = {a, b};
    mote_node *product = mote_graph_add_node(g, n, "", "MatMul", 13, 2, 1, true), *last;
    if (product == NULL)
        return MOTE_NO_MEMORY(c->diag, 0);
    for (uint32_t i = 0; i < 2; i++)
        mote_node_set_input(product, i, in[i]);
    product->name = n->name;
    mote_value *y = product->out[0];
    if (!plain && (y = reshape(g, n, y, shape, (size_t)rank)) == NULL)
        return MOTE_NO_MEMORY(c->diag, 0);
    mote_einsum_term made = {.n = rank};
    order_of(&p->batch, &p->rows, &p->columns, made.letter);
    int64_t perm[MOTE_MAX_RANK];
    for (int32_t d = 0; d < rank; d++)
        for (int32_t i = 0; i < rank; i++)
            if (made.letter[i] == e->out.letter[d])
                perm[d] = i;
    MOTE_TRY(mote_rewrite(c, n, "Transpose", 13, 1, &y, &last)); /* of no effect when the order is right: pass identity takes it away */
    return mote_node_set_ints(last, "perm", perm, (size_t)rank);
}

static mote_status einsum_graph(mote_pass_context *c, mote_graph *g)
{
    for (mote_node *n = g->first, *next; n != NULL; n = next) {
        next = n->next;
        if (!mote_node_is(n, "", "Einsum") || n->n_in != 2 || n->out[0] == NULL)
            continue;
        const mote_type *types[2] = {&n->in[0].value->type, &n->in[1].value->type};
        if (types[0]->rank < 0 || types[1]->rank < 0 || !mote_dtype_in(types[0]->dtype, MOTE_DTYPES_FLOAT))
            continue;
        mote_einsum e;
        parts p;
        const int32_t ranks[2] = {types[0]->rank, types[1]->rank};
        const int64_t *const dims[2] = {types[0]->dims, types[1]->dims};
        if (mote_einsum_read(mote_node_string(n, "equation", ""), 2, ranks, dims, &e, NULL) == MOTE_OK && e.out.n > 0 && split(&e, types, &p))
            MOTE_TRY(replace(c, n, &e, &p));
    }
    return MOTE_OK;
}

MOTE_PASS(einsum) { return mote_pass_each_graph(c, einsum_graph); }
