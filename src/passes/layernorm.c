/* layernorm.c - LayerNormalization from its parts
 * SPDX-License-Identifier: Apache-2.0
 *
 *     m = mean(x)   d = x - m   v = mean(d^2)   y = d / sqrt(v + epsilon) [* scale] [+ bias]
 *
 * with means over trailing axes that keep their dimensions; the square as Mul or Pow; the quotient as Div, or as Mul by a Reciprocal, by 1 / sqrt or by
 * a power of -1/2. Source: ONNX LayerNormalization-17. */
#include "base/platform.h"
#include "passes/rewrite.h"
#include <string.h>

enum { SCALE_MAX = 1 << 20 }; /* elements of a scale of ones that is made where there is none */

/* x and the axis from which on v is its mean. */
static bool is_mean(const mote_value *v, mote_value **x, int32_t *axis)
{
    const mote_node *n = mote_match_made_by(v, "ReduceMean");
    int64_t axes[MOTE_MAX_RANK];
    size_t count;
    bool given, seen[MOTE_MAX_RANK] = {false};
    if (n == NULL || mote_node_int(n, "keepdims", 1) != 1 || mote_match_in(n, 0) == NULL ||
        !mote_match_attr_or_input(n, "axes", 1, MOTE_MAX_RANK, axes, &count, &given) || (given && count == 0))
        return false;
    *x = n->in[0].value;
    int32_t rank = (*x)->type.rank;
    if (rank <= 0 || (!given && mote_node_int(n, "noop_with_empty_axes", 0) != 0))
        return false;
    for (size_t i = 0; i < count; i++) {
        int64_t a = axes[i] < 0 ? axes[i] + rank : axes[i];
        if (a < 0 || a >= rank)
            return false;
        seen[a] = true;
    }
    *axis = given ? rank : 0;
    while (*axis > 0 && seen[*axis - 1])
        --*axis;
    for (int32_t i = 0; i < *axis; i++)
        if (seen[i])
            return false;
    return *axis < rank;
}

/* x - mean(x) */
static bool is_centred(const mote_value *v, mote_value **x, int32_t *axis)
{
    const mote_node *n = mote_match_made_by(v, "Sub");
    return n != NULL && n->n_in == 2 && is_mean(n->in[1].value, x, axis) && n->in[0].value == *x;
}

static bool is_square(const mote_value *v, mote_value **x)
{
    const mote_node *n = mote_match_made_by(v, "Mul");
    double two;
    if (n != NULL && n->n_in == 2 && n->in[0].value == n->in[1].value) {
        *x = n->in[0].value;
        return true;
    }
    n = mote_match_made_by(v, "Pow");
    return n != NULL && mote_match_by_number(n, x, &two) && two == 2;
}

/* v = (variance + epsilon)^power for 1/2; the value under the root. */
static bool is_root(const mote_value *v, double power, mote_value **under)
{
    const mote_node *n = power > 0 ? mote_match_made_by(v, "Sqrt") : NULL;
    double p;
    if (n != NULL && n->n_in == 1) {
        *under = n->in[0].value;
        return *under != NULL;
    }
    n = mote_match_made_by(v, "Pow");
    return n != NULL && mote_match_by_number(n, under, &p) && p == power;
}

/* v = 1 / sqrt(under) */
static bool is_inverse_root(const mote_value *v, mote_value **under)
{
    const mote_node *n = mote_match_made_by(v, "Reciprocal");
    double one;
    if (n != NULL && n->n_in == 1)
        return is_root(n->in[0].value, 0.5, under);
    n = mote_match_made_by(v, "Div");
    if (n != NULL && n->n_in == 2 && mote_match_number(n->in[0].value, &one) && one == 1)
        return is_root(n->in[1].value, 0.5, under);
    return is_root(v, -0.5, under);
}

/* The centred value and the root's argument of a quotient. */
static bool is_quotient(const mote_node *n, mote_value **d, mote_value **under)
{
    if (n->n_in != 2 || n->in[0].value == NULL || n->in[1].value == NULL)
        return false;
    if (mote_node_is(n, "", "Div")) {
        *d = n->in[0].value;
        return is_root(n->in[1].value, 0.5, under);
    }
    for (uint32_t k = 0; k < 2 && mote_node_is(n, "", "Mul"); k++) {
        *d = n->in[1 - k].value;
        if (is_inverse_root(n->in[k].value, under))
            return true;
    }
    return false;
}

/* The other input of n when it is a scale or bias over the axes from `axis` on: those dimensions, fixed or equal symbols, nothing more. */
static mote_value *parameter(const mote_node *n, const mote_value *y, const mote_type *x, int32_t axis)
{
    mote_value *p = mote_match_other(n, y);
    if (p == NULL || p == y || p->type.kind != MOTE_KIND_TENSOR || p->type.rank != x->rank - axis || p->type.dtype != x->dtype)
        return NULL;
    for (int32_t i = 0; i < p->type.rank; i++)
        if (p->type.dims[i] == MOTE_DIM_UNKNOWN || p->type.dims[i] != x->dims[axis + i])
            return NULL;
    return p;
}

static mote_value *ones(mote_pass_context *c, mote_graph *g, const mote_type *x, int32_t axis, bool *possible)
{
    mote_array a;
    *possible = false;
    for (int32_t i = axis; i < x->rank; i++)
        if (!mote_dim_known(x->dims[i]))
            return NULL;
    if (mote_array_shape(&a, x->dtype, x->rank - axis, x->dims + axis, NULL) != MOTE_OK || mote_array_count(&a) > SCALE_MAX)
        return NULL;
    *possible = true;
    a.data = mote_arena_calloc(&c->module->arena, a.bytes, 1);
    if (a.data == NULL)
        return NULL;
    for (size_t i = 0, n = mote_array_count(&a); i < n; i++)
        mote_dtype_from_f64(a.dtype, a.data, i, 1);
    mote_value *v = mote_graph_add_constant(g, MOTE_STR(""), &a);
    if (v != NULL)
        v->is_folded = true;
    return v;
}

static mote_status rewrite(mote_pass_context *c, mote_node *n)
{
    mote_value *d, *under, *x, *again, *squared, *variance, *in[3];
    int32_t axis, axis2;
    double eps;
    if (!is_quotient(n, &d, &under) || !is_centred(d, &x, &axis) || !mote_dtype_in(x->type.dtype, MOTE_DTYPES_FLOAT))
        return MOTE_OK;
    const mote_node *add = mote_match_made_by(under, "Add");
    if (add == NULL || !mote_match_by_number(add, &variance, &eps) || !(eps >= 0) || !is_mean(variance, &squared, &axis2) || axis2 != axis ||
        !is_square(squared, &again))
        return MOTE_OK;
    if (again != d && !(is_centred(again, &squared, &axis2) && squared == x && axis2 == axis))
        return MOTE_OK;
    mote_node *last = n, *next = mote_match_user(n->out[0], "Mul");
    in[0] = x;
    in[1] = next != NULL && next->graph == n->graph ? parameter(next, n->out[0], &x->type, axis) : NULL;
    last = in[1] != NULL ? next : n;
    next = mote_match_user(last->out[0], "Add");
    in[2] = next != NULL && next->graph == n->graph ? parameter(next, last->out[0], &x->type, axis) : NULL;
    last = in[2] != NULL ? next : last;
    bool possible = true;
    if (in[1] == NULL && (in[1] = ones(c, n->graph, &x->type, axis, &possible)) == NULL)
        return possible ? MOTE_NO_MEMORY(c->diag, 0) : MOTE_OK;
    mote_node *norm;
    int64_t from_end = axis - x->type.rank;
    MOTE_TRY(mote_rewrite(c, last, "LayerNormalization", 17, in[2] != NULL ? 3 : 2, in, &norm));
    MOTE_TRY(mote_node_set_int(norm, "axis", from_end));
    return mote_node_set_float(norm, "epsilon", (float)eps);
}

static mote_status each(mote_pass_context *c, mote_graph *g)
{
    for (mote_node *n = g->first, *next; n != NULL; n = next) {
        next = n->next; /* of what goes, n is the first: behind it stand its scale and bias */
        if ((!mote_node_is(n, "", "Div") && !mote_node_is(n, "", "Mul")) || n->out[0] == NULL || n->out[0]->uses == NULL)
            continue;
        size_t edits = c->edits;
        mote_node *prev = n->prev;
        MOTE_TRY(rewrite(c, n));
        if (edits != c->edits)
            next = prev != NULL ? prev->next : g->first;
    }
    return MOTE_OK;
}

MOTE_PASS(layernorm) { return mote_pass_each_graph(c, each); }
