/* identity.c - operators that return their input; chains of reshapes, of transposes
 * SPDX-License-Identifier: Apache-2.0
 *
 * Exact: the same bits, for NaN, infinities and negative zeros too (the payload of a NaN aside). x + 0 therefore stays for real numbers (-0 + 0 is 0),
 * x - 0, x * 1 and x / 1 go. */
#include "base/platform.h"
#include "passes/match.h"
#include "passes/pass.h"
#include <math.h>

#define IN(n, i) mote_match_in(n, i)

/* The value that equals output 0 of a node at every run; NULL: none that is known. */
typedef mote_value *(*same_fn)(const mote_node *n);

static bool keeps_type(const mote_node *n, uint32_t i)
{
    return IN(n, i) != NULL && n->out[0] != NULL && mote_match_same_type(&IN(n, i)->type, &n->out[0]->type);
}

static mote_value *always(const mote_node *n) { return IN(n, 0); }
static mote_value *lone_input(const mote_node *n) { return n->n_in == 1 ? IN(n, 0) : NULL; }
static mote_value *same_shape(const mote_node *n) { return keeps_type(n, 0) ? IN(n, 0) : NULL; }

static mote_value *cast(const mote_node *n)
{
    const mote_type *x = &IN(n, 0)->type, *y = &n->out[0]->type;
    return x->kind == MOTE_KIND_TENSOR && x->dtype != MOTE_DTYPE_NONE && x->dtype == y->dtype ? IN(n, 0) : NULL;
}

static mote_value *transpose(const mote_node *n)
{
    size_t count;
    const int64_t *perm = mote_node_ints(n, "perm", &count);
    int32_t rank = IN(n, 0)->type.rank;
    if (perm == NULL)
        return rank == 0 || rank == 1 ? IN(n, 0) : NULL;
    for (size_t i = 0; i < count; i++)
        if (perm[i] != (int64_t)i)
            return NULL;
    return IN(n, 0);
}

static mote_value *pad(const mote_node *n)
{
    int64_t pads[4 * MOTE_MAX_RANK];
    size_t count;
    bool given;
    if (!mote_match_attr_or_input(n, "pads", 1, 4 * MOTE_MAX_RANK, pads, &count, &given) || !given)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (pads[i] != 0)
            return NULL;
    return IN(n, 0);
}

/* A slice as long as its input that walks forward by ones takes all of it. */
static mote_value *slice(const mote_node *n)
{
    if (!keeps_type(n, 0))
        return NULL;
    if (IN(n, 4) != NULL && !mote_match_all(IN(n, 4), 1))
        return NULL;
    return IN(n, 0);
}

static mote_value *unless_other(const mote_node *n, uint32_t kept, uint32_t other, double x)
{
    return keeps_type(n, kept) && mote_match_all(IN(n, other), x) ? IN(n, kept) : NULL;
}

static mote_value *either_unless(const mote_node *n, double x)
{
    mote_value *v = unless_other(n, 0, 1, x);
    return v != NULL ? v : unless_other(n, 1, 0, x);
}

static mote_value *mul(const mote_node *n) { return either_unless(n, 1); }
static mote_value *div_one(const mote_node *n) { return unless_other(n, 0, 1, 1); }
static mote_value *sub(const mote_node *n) { return unless_other(n, 0, 1, 0); }
static mote_value *add(const mote_node *n) { return either_unless(n, mote_dtype_in(n->out[0]->type.dtype, MOTE_DTYPES_FLOAT) ? -0.0 : 0.0); }

static mote_value *clip(const mote_node *n)
{
    mote_dtype t = IN(n, 0)->type.dtype;
    bool real = mote_dtype_in(t, MOTE_DTYPES_FLOAT);
    if (n->def->since < 11) {
        float lo = mote_node_float(n, "min", -INFINITY), hi = mote_node_float(n, "max", INFINITY);
        return real && isinf(lo) && lo < 0 && isinf(hi) && hi > 0 ? IN(n, 0) : NULL;
    }
    if (IN(n, 1) != NULL && !(real && mote_match_all(IN(n, 1), -INFINITY)))
        return NULL;
    if (IN(n, 2) != NULL && !(real && mote_match_all(IN(n, 2), INFINITY)))
        return NULL;
    return IN(n, 0);
}

/* Whether no element of v is below 0 (NaN may be). */
static bool not_negative(const mote_value *v, int depth)
{
    static const char *const always_so[] = {"Relu", "Sigmoid", "HardSigmoid", "Softmax", "Abs", "Exp", "Sqrt", "Softplus"};
    static const char *const if_inputs_are[] = {"Mul", "Add", "MaxPool", "AveragePool", "GlobalAveragePool", "Reshape", "Transpose", "Concat"};
    const mote_node *n = v != NULL ? v->producer : NULL;
    double lo;
    if (n == NULL || n->n_in == 0 || n->domain.n != 0 || n->def == NULL || v->output_index != 0 || !mote_dtype_in(v->type.dtype, MOTE_DTYPES_FLOAT))
        return false;
    for (size_t i = 0; i < sizeof always_so / sizeof *always_so; i++)
        if (mote_str_is(n->op, always_so[i]))
            return true;
    if (mote_str_is(n->op, "Clip"))
        return n->def->since >= 11 && mote_match_number(IN(n, 1), &lo) && lo >= 0;
    for (size_t i = 0; depth > 0 && n->n_in <= 2 && i < sizeof if_inputs_are / sizeof *if_inputs_are; i++)
        if (mote_str_is(n->op, if_inputs_are[i])) {
            bool data = mote_str_is(n->op, "Reshape"); /* its second input is no factor */
            return not_negative(IN(n, 0), depth - 1) && (n->n_in == 1 || data || (IN(n, 1) != NULL && not_negative(IN(n, 1), depth - 1)));
        }
    return false;
}

static mote_value *relu(const mote_node *n) { return not_negative(IN(n, 0), 3) ? IN(n, 0) : NULL; }

/* not(not(x)) */

static mote_value *twice(const mote_node *n, const char *op)
{
    const mote_node *inner = mote_match_made_by(IN(n, 0), op);
    return inner != NULL ? IN(inner, 0) : NULL;
}

static mote_value *not_not(const mote_node *n) { return twice(n, "Not"); }
static mote_value *neg_neg(const mote_node *n) { return twice(n, "Neg"); }

/* Where it cannot train. */
static mote_value *dropout(const mote_node *n)
{
    const mote_array *training = IN(n, 2) != NULL ? mote_value_const(IN(n, 2)) : NULL;
    if (IN(n, 2) != NULL && (training == NULL || mote_array_count(training) != 1 || mote_array_i64(training, 0) != 0))
        return NULL;
    return IN(n, 0);
}

static mote_value *where(const mote_node *n)
{
    const mote_array *a = mote_value_const(IN(n, 0));
    size_t count = a != NULL && a->dtype == MOTE_DTYPE_BOOL ? mote_array_count(a) : 0;
    if (count == 0 || count > 1 << 20)
        return NULL;
    for (size_t i = 1; i < count; i++)
        if (mote_array_i64(a, i) != mote_array_i64(a, 0))
            return NULL;
    uint32_t kept = mote_array_i64(a, 0) != 0 ? 1 : 2;
    return keeps_type(n, kept) ? IN(n, kept) : NULL;
}

static const struct {
    const char *op;
    same_fn same;
} rules[] = {
    {"Identity", always},    {"Cast", cast},         {"CastLike", cast},        {"Transpose", transpose},
    {"Pad", pad},            {"Slice", slice},       {"Concat", lone_input},    {"Sum", lone_input},    {"Mean", lone_input},
    {"Max", lone_input},     {"Min", lone_input},    {"Mul", mul},              {"Div", div_one},       {"Sub", sub},
    {"Add", add},            {"Pow", div_one},       {"Clip", clip},            {"Relu", relu},         {"Not", not_not},
    {"Neg", neg_neg},        {"Where", where},       {"Reshape", same_shape},   {"Flatten", same_shape}, {"Squeeze", same_shape},
    {"Unsqueeze", same_shape}, {"Expand", same_shape}, {"Tile", same_shape}, {"Dropout", dropout},
};

static mote_value *same_as(const mote_node *n)
{
    if (n->domain.n != 0 || n->def == NULL || n->n_out == 0 || n->out[0] == NULL || (n->n_in != 0 && IN(n, 0) == NULL) || n->n_in == 0)
        return NULL;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (mote_str_is(n->op, rules[i].op))
            return rules[i].same(n);
    return NULL;
}

/* ---- chains ---- */

/* Transpose(Transpose(x)) by one permutation. */
static mote_status merge_transposes(mote_pass_context *c, mote_node *n)
{
    const mote_node *inner = mote_match_made_by(IN(n, 0), "Transpose");
    size_t k_inner, k_outer;
    if (inner == NULL || IN(inner, 0) == NULL || IN(inner, 0)->type.rank < 0)
        return MOTE_OK;
    int32_t rank = IN(inner, 0)->type.rank;
    const int64_t *p = mote_node_ints(inner, "perm", &k_inner), *q = mote_node_ints(n, "perm", &k_outer);
    int64_t both[MOTE_MAX_RANK];
    for (int32_t i = 0; i < rank; i++) { /* inference has checked that they are permutations of the rank */
        int64_t at = q != NULL ? q[i] : rank - 1 - i;
        both[i] = p != NULL ? p[at] : rank - 1 - at;
    }
    MOTE_TRY(mote_node_set_ints(n, "perm", both, (size_t)rank));
    mote_node_set_input(n, 0, IN(inner, 0));
    c->edits++;
    return MOTE_OK;
}

static bool is_view(const mote_node *n)
{
    return n != NULL && n->domain.n == 0 && n->def != NULL && (n->def->flags & MOTE_OP_VIEW) != 0 && n->n_in >= 1 && IN(n, 0) != NULL && n->n_out == 1 && n->out[0] != NULL &&
           !mote_str_is(n->op, "Identity") && IN(n, 0)->type.kind == MOTE_KIND_TENSOR;
}

/* A constant shape for Reshape that gives y from x at every run: fixed sizes, 0 where y's dimension is x's at that place, one -1. The -1 takes what
 * the other dimensions leave, which must not be divided by a size of 0. */
static bool shape_between(const mote_type *x, const mote_type *y, int64_t *shape)
{
    if (x->rank < 0 || y->rank < 0)
        return false;
    int open = 0;
    for (int32_t i = 0; i < y->rank; i++) {
        if (mote_dim_known(y->dims[i])) {
            shape[i] = y->dims[i];
            if (shape[i] == 0)
                return false;
        } else if (y->dims[i] != MOTE_DIM_UNKNOWN && i < x->rank && y->dims[i] == x->dims[i]) {
            shape[i] = 0;
        } else {
            shape[i] = -1;
            open++;
        }
    }
    return open <= 1;
}

/* view(view(x)) is one Reshape of x. */
static mote_status merge_views(mote_pass_context *c, mote_node *n)
{
    const mote_node *inner = IN(n, 0) != NULL ? IN(n, 0)->producer : NULL;
    int64_t shape[MOTE_MAX_RANK];
    if (!is_view(n) || !is_view(inner) || !shape_between(&IN(inner, 0)->type, &n->out[0]->type, shape))
        return MOTE_OK;
    mote_value *s = mote_graph_const_i64(n->graph, 1, (size_t)n->out[0]->type.rank, shape);
    if (s == NULL)
        return MOTE_NO_MEMORY(c->diag, sizeof shape);
    if (!mote_str_is(n->op, "Reshape")) {
        n->op = mote_arena_str(&c->module->arena, MOTE_STR("Reshape"));
        if (n->op.p == NULL)
            return MOTE_NO_MEMORY(c->diag, 8);
    }
    n->def = NULL;
    n->attrs = NULL;
    MOTE_TRY(mote_node_resize_inputs(n, 2));
    mote_node_set_input(n, 0, IN(inner, 0));
    mote_node_set_input(n, 1, s);
    n->def = mote_op_find(n->domain, n->op, n->version);
    c->edits++;
    return MOTE_OK;
}

/* What a graph output that must keep its own node can do: its users take the value itself. */
static void bypass(mote_pass_context *c, mote_value *old, mote_value *same)
{
    for (mote_use *u = old->uses, *next; u != NULL; u = next) {
        next = u->next;
        if (u->node == NULL)
            continue;
        mote_node_set_input(u->node, u->index, same);
        c->edits++;
    }
}

static mote_status each(mote_pass_context *c, mote_graph *g)
{
    for (mote_node *n = g->first, *next; n != NULL; n = next) {
        next = n->next;
        if (mote_node_is(n, "", "Transpose"))
            MOTE_TRY(merge_transposes(c, n));
        else
            MOTE_TRY(merge_views(c, n));
        mote_value *same = same_as(n);
        if (same == NULL || n->out[0]->uses == NULL)
            continue;
        if (!mote_match_only_first(n) || !mote_value_can_replace(n->out[0], same)) {
            bypass(c, n->out[0], same);
            continue;
        }
        mote_value_replace(n->out[0], same);
        mote_node_remove(n);
        c->edits++;
    }
    return MOTE_OK;
}

MOTE_PASS(identity) { return mote_pass_each_graph(c, each); }
