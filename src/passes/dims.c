/* dims.c - equal shapes where types leave dimensions open: both come from one value
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "passes/fuse.h"
#include "passes/match.h"
#include "passes/perm.h"

enum { BUDGET = 2000, DEPTH = 8 }; /* steps back in all; sums within sums */

/* Dimension d of v; v NULL: the size, or symbol, d itself. */
typedef struct origin {
    const mote_value *v;
    int64_t d;
} origin;

static bool equal(origin a, origin b) { return a.v == b.v && a.d == b.d; }

static origin origin_of(const mote_value *v, int64_t d, int *budget, int depth);

/* Of a broadcast of the node's inputs. False: cannot be said. */
static bool of_broadcast(const mote_node *n, int64_t from_last, int *budget, int depth, origin *out)
{
    bool found = false;
    for (uint32_t i = 0; i < n->n_in; i++) {
        const mote_value *x = mote_match_in(n, i);
        if (x == NULL)
            continue;
        if (x->type.rank < 0)
            return false;
        const int64_t d = x->type.rank - 1 - from_last;
        if (d < 0 || x->type.dims[d] == 1)
            continue;
        const origin o = origin_of(x, d, budget, depth - 1);
        if (found && !equal(o, *out))
            return false;
        *out = o;
        found = true;
    }
    return found;
}

/* The dimension of an input that dimension d of n's output 0 is for sure; false: none. */
static bool step_back(const mote_node *n, int64_t d, int32_t rank, const mote_value **v, int64_t *at)
{
    static const char *const same[] = {"LayerNormalization", "Softmax", "LogSoftmax", "BatchNormalization", "Identity"};
    const mote_value *x = mote_match_in(n, 0);
    if (x == NULL || x->type.rank < 0)
        return false;
    *v = x;
    *at = d;
    if (n->domain.n == 0) {
        for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
            if (mote_str_is(n->op, same[i]))
                return true;
        mote_perm p;
        if (mote_perm_under(n->out[0], &p) != NULL) {
            *at = p.p[d];
            return true;
        }
        const mote_value *w = mote_match_in(n, 1);
        if (mote_str_is(n->op, "MatMul") && w != NULL && w->type.rank == 2 && x->type.rank == rank && rank >= 2) {
            *v = d == rank - 1 ? w : x;
            *at = d == rank - 1 ? 1 : d;
            return true;
        }
        int64_t dims[MOTE_MAX_RANK];
        size_t count;
        return mote_str_is(n->op, "Reshape") && w != NULL && mote_match_ints(w, MOTE_MAX_RANK, dims, &count) && d < (int64_t)count &&
               dims[d] == 0 && d < x->type.rank && mote_node_int(n, "allowzero", 0) == 0;
    }
    if (mote_node_is(n, "mote", "Gemm"))
        return d < rank - 1;
    if (mote_node_is(n, "mote", "Attention"))
        return d < 2;
    return mote_node_is(n, "mote", "AddLayerNormalization") || (d == 0 && mote_str_is(n->domain, "mote"));
}

static origin origin_of(const mote_value *v, int64_t d, int *budget, int depth)
{
    while (*budget > 0 && depth > 0) {
        --*budget;
        if (v->type.dims[d] != MOTE_DIM_UNKNOWN)
            return (origin){NULL, v->type.dims[d]};
        const mote_node *n = v->producer;
        const mote_value *x;
        origin o;
        if (n == NULL || n->def == NULL || v->output_index != 0)
            break;
        if ((n->def->flags & MOTE_OP_ELEMENTWISE) != 0 && n->domain.n == 0) {
            if (n->n_in == 1 && mote_match_in(n, 0) != NULL && mote_match_in(n, 0)->type.rank == v->type.rank) {
                v = mote_match_in(n, 0);
                continue;
            }
            return of_broadcast(n, v->type.rank - 1 - d, budget, depth, &o) ? o : (origin){v, d};
        }
        if (!step_back(n, d, v->type.rank, &x, &d))
            break;
        v = x;
    }
    return (origin){v, d};
}

bool mote_same_dims(const mote_value *a, const mote_value *b)
{
    if (a->type.kind != MOTE_KIND_TENSOR || b->type.kind != MOTE_KIND_TENSOR || a->type.rank < 0 || a->type.rank != b->type.rank)
        return false;
    for (int32_t i = 0; i < a->type.rank; i++) {
        const int64_t x = a->type.dims[i], y = b->type.dims[i];
        if (x == y && x != MOTE_DIM_UNKNOWN)
            continue;
        if (mote_dim_known(x) && mote_dim_known(y))
            return false;
        int budget = BUDGET;
        if (!equal(origin_of(a, i, &budget, DEPTH), origin_of(b, i, &budget, DEPTH)))
            return false;
    }
    return true;
}
