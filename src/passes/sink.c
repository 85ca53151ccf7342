/* sink.c - the rules by which a transpose passes operators, from their inputs to their outputs
 * SPDX-License-Identifier: Apache-2.0
 *
 * With x = Transpose(u, p), dimension i of x is dimension p[i] of u: an operator on axis a of x works on axis p[a] of u. */
#include "base/platform.h"
#include "passes/match.h"
#include "passes/sink.h"
#include <math.h>
#include <string.h>

#define IN(n, i) mote_match_in(n, i)

mote_status mote_sink_ints(mote_pass_context *c, mote_graph *g, const int64_t *v, size_t n, mote_value **out)
{
    *out = mote_graph_const_i64(g, 1, n, v);
    if (*out == NULL)
        return MOTE_NO_MEMORY(c->diag, n * sizeof *v);
    (*out)->is_folded = true;
    return MOTE_OK;
}

static mote_status out_of_memory(mote_pass_context *c) { return MOTE_NO_MEMORY(c->diag, 0); }

/* Input 0 becomes u; output i, transposed by `out`, is what it was. */
static mote_status finish(mote_pass_context *c, mote_node *n, mote_value *u, const mote_perm *out)
{
    mote_perm_input(n, 0, u);
    c->edits++;
    for (uint32_t i = n->n_out; i-- > 0;)
        MOTE_TRY(mote_perm_output(c, n, i, out));
    return MOTE_OK;
}

/* Axis a (counted from the end when negative) of x as an axis of u; -1 when it is none. */
static int64_t renamed(const mote_perm *p, int64_t a)
{
    a += a < 0 ? p->rank : 0;
    return a < 0 || a >= p->rank ? -1 : p->p[a];
}

static bool rename_all(const mote_perm *p, int64_t *axes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        axes[i] = renamed(p, axes[i]);
        if (axes[i] < 0)
            return false;
    }
    return true;
}

/* Gives the axes back where they came from: the attribute, else input i. */
static mote_status set_axes(mote_pass_context *c, mote_node *n, uint32_t input, const int64_t *axes, size_t count)
{
    if (mote_node_attr(n, "axes") != NULL)
        return mote_node_set_ints(n, "axes", axes, count) == MOTE_OK ? MOTE_OK : out_of_memory(c);
    mote_value *v;
    MOTE_TRY(mote_sink_ints(c, n->graph, axes, count, &v));
    mote_node_set_input(n, input, v);
    return MOTE_OK;
}

/* What the remaining dimensions of x are among those of u, when `gone` (a set of axes of u) are not there any more. */
static mote_perm without(const mote_perm *p, uint32_t gone)
{
    int32_t place[MOTE_MAX_RANK], n = 0;
    for (int32_t i = 0; i < p->rank; i++)
        place[i] = (gone >> i & 1u) != 0 ? -1 : n++;
    mote_perm q = {.rank = n};
    n = 0;
    for (int32_t i = 0; i < p->rank; i++)
        if (place[p->p[i]] >= 0)
            q.p[n++] = place[p->p[i]];
    return q;
}

/* ---- elementwise ---- */

bool mote_sink_is_scalar(const mote_type *t, int32_t rank)
{
    if (t->rank < 0 || t->rank > rank)
        return false;
    for (int32_t i = 0; i < t->rank; i++)
        if (t->dims[i] != 1)
            return false;
    return true;
}

mote_status mote_sink_widened(mote_pass_context *c, const mote_value *v, int32_t rank, mote_value **out)
{
    mote_array a = *v->constant;
    for (int32_t i = rank - 1; i >= 0; i--)
        a.dims[i] = i >= rank - v->constant->rank ? v->constant->dims[i - (rank - v->constant->rank)] : 1;
    a.rank = rank;
    *out = mote_graph_add_constant(v->graph, MOTE_STR(""), &a);
    if (*out == NULL)
        return out_of_memory(c);
    (*out)->is_folded = true;
    return MOTE_OK;
}

/* A computed operand with known sizes of which at most one is not 1: to permute it is to reshape it. */
static bool is_vector(const mote_value *v, int32_t rank)
{
    int32_t long_ones = 0;
    if (v->type.kind != MOTE_KIND_TENSOR || v->type.rank < 0 || v->type.rank >= rank)
        return false;
    for (int32_t i = 0; i < v->type.rank; i++) {
        if (!mote_dim_known(v->type.dims[i]))
            return false;
        long_ones += v->type.dims[i] != 1;
    }
    return long_ones <= 1;
}

static mote_status reshaped(mote_pass_context *c, mote_node *before, mote_value *v, const mote_perm *back, mote_value **out)
{
    int64_t wide[MOTE_MAX_RANK], dims[MOTE_MAX_RANK];
    const int32_t add = back->rank - v->type.rank;
    for (int32_t i = 0; i < back->rank; i++)
        wide[i] = i < add ? 1 : v->type.dims[i - add];
    for (int32_t i = 0; i < back->rank; i++)
        dims[i] = wide[back->p[i]];
    const int64_t count = back->rank;
    mote_array shape;
    MOTE_TRY(mote_array_shape(&shape, MOTE_DTYPE_S64, 1, &count, c->diag));
    shape.data = dims;
    mote_value *s = mote_graph_copy_constant(before->graph, MOTE_STR(""), &shape);
    mote_node *r = mote_graph_add_node(before->graph, before, "", "Reshape", 13, 2, 1, true);
    if (s == NULL || r == NULL)
        return out_of_memory(c);
    s->is_folded = true;
    mote_node_set_input(r, 0, v);
    mote_node_set_input(r, 1, s);
    r->out[0]->type = v->type;
    r->out[0]->type.rank = back->rank;
    memcpy(r->out[0]->type.dims, dims, (size_t)back->rank * sizeof *dims);
    *out = r->out[0];
    return MOTE_OK;
}

mote_status mote_sink_elementwise(mote_pass_context *c, mote_node *n)
{
    if (n->n_out != 1 || n->out[0] == NULL)
        return MOTE_OK;
    const int32_t rank = n->out[0]->type.rank;
    mote_perm p = {.rank = 0}, q;
    for (uint32_t i = 0; i < n->n_in && p.rank == 0; i++)
        if (mote_perm_under(IN(n, i), &q) != NULL && q.rank == rank)
            p = q;
    if (p.rank == 0)
        return MOTE_OK;
    const mote_perm back = mote_perm_inverse(&p);
    for (uint32_t i = 0; i < n->n_in; i++) {
        const mote_value *v = IN(n, i);
        if (v == NULL || mote_sink_is_scalar(&v->type, rank))
            continue;
        const bool constant = v->constant != NULL && v->type.kind == MOTE_KIND_TENSOR && v->type.rank <= rank;
        const bool same = mote_perm_under(v, &q) != NULL && mote_perm_equal(&p, &q);
        if (!constant && !same && !is_vector(v, rank) && !(v->type.rank == rank && mote_perm_is_free(v, &back)))
            return MOTE_OK;
    }
    for (uint32_t i = 0; i < n->n_in; i++) {
        mote_value *v = IN(n, i);
        if (v == NULL || mote_sink_is_scalar(&v->type, rank))
            continue;
        if (v->constant == NULL && is_vector(v, rank)) {
            MOTE_TRY(reshaped(c, n, v, &back, &v));
        } else {
            if (v->type.rank < rank)
                MOTE_TRY(mote_sink_widened(c, v, rank, &v));
            MOTE_TRY(mote_perm_apply(c, v, &back, &v));
        }
        mote_perm_input(n, i, v);
    }
    c->edits++;
    return mote_perm_output(c, n, 0, &p);
}

/* Elementwise in input 0; the others are tables and the like. */
static mote_status first_only(mote_pass_context *c, mote_node *n)
{
    mote_perm p;
    mote_value *u = mote_perm_under(IN(n, 0), &p);
    return u != NULL ? finish(c, n, u, &p) : MOTE_OK;
}

/* Scale and zero point are of the whole tensor. */
static mote_status dynamic(mote_pass_context *c, mote_node *n)
{
    mote_perm p;
    mote_value *u = mote_perm_under(IN(n, 0), &p);
    if (u == NULL || n->out[0] == NULL)
        return MOTE_OK;
    mote_perm_input(n, 0, u);
    c->edits++;
    return mote_perm_output(c, n, 0, &p);
}

/* QuantizeLinear, DequantizeLinear: one scale, or one for each index along `axis`. */
static mote_status quantize(mote_pass_context *c, mote_node *n)
{
    mote_perm p;
    mote_value *u = mote_perm_under(IN(n, 0), &p);
    const mote_value *scale = IN(n, 1);
    if (u == NULL || scale == NULL || mote_node_int(n, "block_size", 0) != 0)
        return MOTE_OK;
    if (!mote_sink_is_scalar(&scale->type, 1)) {
        const int64_t axis = renamed(&p, mote_node_int(n, "axis", 1));
        if (scale->type.rank != 1 || axis < 0)
            return MOTE_OK;
        if (mote_node_set_int(n, "axis", axis) != MOTE_OK)
            return out_of_memory(c);
    }
    return finish(c, n, u, &p);
}

/* ---- along one axis ---- */

static mote_status set_axis(mote_pass_context *c, mote_node *n, int64_t axis) { return mote_node_set_int(n, "axis", axis) == MOTE_OK ? MOTE_OK : out_of_memory(c); }

static mote_status concat(mote_pass_context *c, mote_node *n)
{
    mote_perm p = {.rank = 0}, q;
    for (uint32_t i = 0; i < n->n_in && p.rank == 0; i++)
        if (mote_perm_under(IN(n, i), &q) != NULL)
            p = q;
    const int64_t axis = p.rank == 0 ? -1 : renamed(&p, mote_node_int(n, "axis", 0));
    if (axis < 0)
        return MOTE_OK;
    const mote_perm back = mote_perm_inverse(&p);
    for (uint32_t i = 0; i < n->n_in; i++)
        if (IN(n, i) == NULL || IN(n, i)->type.rank != p.rank || !(mote_perm_is_free(IN(n, i), &back) || (mote_perm_under(IN(n, i), &q) != NULL && mote_perm_equal(&p, &q))))
            return MOTE_OK;
    for (uint32_t i = 0; i < n->n_in; i++) {
        mote_value *v;
        MOTE_TRY(mote_perm_apply(c, IN(n, i), &back, &v));
        mote_perm_input(n, i, v);
    }
    MOTE_TRY(set_axis(c, n, axis));
    c->edits++;
    return mote_perm_output(c, n, 0, &p);
}

static mote_status split(mote_pass_context *c, mote_node *n)
{
    mote_perm p;
    mote_value *u = mote_perm_under(IN(n, 0), &p);
    const int64_t axis = u == NULL ? -1 : renamed(&p, mote_node_int(n, "axis", 0));
    if (axis < 0)
        return MOTE_OK;
    MOTE_TRY(set_axis(c, n, axis));
    return finish(c, n, u, &p);
}

/* Softmax and its like: before version 13 they run over all axes from `axis` on, which is one axis only when it is the last. */
static mote_status softmax(mote_pass_context *c, mote_node *n)
{
    mote_perm p;
    mote_value *u = mote_perm_under(IN(n, 0), &p);
    if (u == NULL)
        return MOTE_OK;
    const bool old = n->def->since < 13;
    int64_t axis = mote_node_int(n, "axis", old ? 1 : -1);
    axis += axis < 0 ? p.rank : 0;
    if (old && axis != p.rank - 1)
        return MOTE_OK;
    axis = renamed(&p, axis);
    if (axis < 0)
        return MOTE_OK;
    if (old)
        n->version = 13;
    MOTE_TRY(set_axis(c, n, axis));
    return finish(c, n, u, &p);
}

static mote_status arg_extreme(mote_pass_context *c, mote_node *n)
{
    mote_perm p;
    mote_value *u = mote_perm_under(IN(n, 0), &p);
    const int64_t axis = u == NULL ? -1 : renamed(&p, mote_node_int(n, "axis", 0));
    if (axis < 0)
        return MOTE_OK;
    MOTE_TRY(set_axis(c, n, axis));
    if (mote_node_int(n, "keepdims", 1) == 0)
        p = without(&p, 1u << axis);
    return finish(c, n, u, &p);
}

/* Indices in one dimension: the axis gets another size. With a single index it goes. */
static mote_status gather(mote_pass_context *c, mote_node *n)
{
    mote_perm p;
    mote_value *u = mote_perm_under(IN(n, 0), &p);
    const int32_t rank = IN(n, 1) != NULL ? IN(n, 1)->type.rank : -1;
    const int64_t axis = u == NULL || rank < 0 || rank > 1 ? -1 : renamed(&p, mote_node_int(n, "axis", 0));
    if (axis < 0)
        return MOTE_OK;
    MOTE_TRY(set_axis(c, n, axis));
    if (rank == 0)
        p = without(&p, 1u << axis);
    return finish(c, n, u, &p);
}

/* ---- along several axes ---- */

static mote_status reduce(mote_pass_context *c, mote_node *n)
{
    mote_perm p;
    mote_value *u = mote_perm_under(IN(n, 0), &p);
    int64_t axes[MOTE_MAX_RANK];
    size_t count;
    bool given;
    if (u == NULL || !mote_match_attr_or_input(n, "axes", 1, MOTE_MAX_RANK, axes, &count, &given))
        return MOTE_OK;
    uint32_t gone = 0;
    if (count == 0) {
        if (mote_node_int(n, "noop_with_empty_axes", 0) != 0)
            return MOTE_OK;
        gone = (1u << p.rank) - 1;
    } else {
        if (!rename_all(&p, axes, count))
            return MOTE_OK;
        MOTE_TRY(set_axes(c, n, 1, axes, count));
        for (size_t i = 0; i < count; i++)
            gone |= 1u << axes[i];
    }
    if (mote_node_int(n, "keepdims", 1) == 0)
        p = without(&p, gone);
    return finish(c, n, u, &p);
}

static mote_status squeeze(mote_pass_context *c, mote_node *n)
{
    mote_perm p;
    mote_value *u = mote_perm_under(IN(n, 0), &p);
    int64_t axes[MOTE_MAX_RANK];
    size_t count;
    bool given;
    if (u == NULL || !mote_match_attr_or_input(n, "axes", 1, MOTE_MAX_RANK, axes, &count, &given) || count == 0 || !rename_all(&p, axes, count))
        return MOTE_OK;
    uint32_t gone = 0;
    for (size_t i = 0; i < count; i++)
        gone |= 1u << axes[i];
    MOTE_TRY(set_axes(c, n, 1, axes, count));
    p = without(&p, gone);
    return finish(c, n, u, &p);
}

/* The new dimensions stay where they are; the others are permuted around them. */
static mote_status unsqueeze(mote_pass_context *c, mote_node *n)
{
    mote_perm p;
    mote_value *u = mote_perm_under(IN(n, 0), &p);
    int64_t axes[MOTE_MAX_RANK];
    size_t count;
    bool given;
    if (u == NULL || !mote_match_attr_or_input(n, "axes", 1, MOTE_MAX_RANK, axes, &count, &given) || count == 0 || p.rank + (int32_t)count > MOTE_MAX_RANK)
        return MOTE_OK;
    mote_perm q = {.rank = p.rank + (int32_t)count};
    uint32_t fresh = 0;
    for (size_t i = 0; i < count; i++) {
        const int64_t a = axes[i] + (axes[i] < 0 ? q.rank : 0);
        if (a < 0 || a >= q.rank)
            return MOTE_OK;
        fresh |= 1u << a;
    }
    int32_t kept[MOTE_MAX_RANK], k = 0;
    for (int32_t i = 0; i < q.rank; i++)
        if ((fresh >> i & 1u) == 0 && k < p.rank)
            kept[k++] = i;
    if (k != p.rank)
        return MOTE_OK;
    k = 0;
    for (int32_t i = 0; i < q.rank; i++)
        q.p[i] = (fresh >> i & 1u) != 0 ? i : kept[p.p[k++]];
    return finish(c, n, u, &q);
}

static mote_status slice(mote_pass_context *c, mote_node *n)
{
    mote_perm p;
    mote_value *u = mote_perm_under(IN(n, 0), &p);
    int64_t axes[MOTE_MAX_RANK];
    size_t count;
    bool given;
    if (u == NULL || !mote_match_attr_or_input(n, "axes", 3, MOTE_MAX_RANK, axes, &count, &given))
        return MOTE_OK;
    const bool attributes = n->def->since < 10;
    if (!given) { /* as many axes as there are starts, from the first on */
        const mote_value *starts = IN(n, 1);
        if (attributes)
            mote_node_ints(n, "starts", &count);
        else if (starts != NULL && starts->type.rank == 1 && mote_dim_known(starts->type.dims[0]))
            count = (size_t)starts->type.dims[0];
        if (count == 0 || count > (size_t)p.rank)
            return MOTE_OK;
        for (size_t i = 0; i < count; i++)
            axes[i] = (int64_t)i;
    }
    if (!rename_all(&p, axes, count))
        return MOTE_OK;
    if (attributes) {
        if (mote_node_set_ints(n, "axes", axes, count) != MOTE_OK)
            return out_of_memory(c);
    } else {
        mote_value *v;
        if (n->n_in < 4 && mote_node_resize_inputs(n, 4) != MOTE_OK)
            return out_of_memory(c);
        MOTE_TRY(mote_sink_ints(c, n->graph, axes, count, &v));
        if (IN(n, 3) == NULL ? IN(n, 1)->type.dtype == MOTE_DTYPE_S32 : IN(n, 3)->type.dtype == MOTE_DTYPE_S32) { /* of the type of `starts` */
            mote_array a = *v->constant;
            int32_t *narrow = mote_arena_calloc(&c->module->arena, count, sizeof *narrow);
            for (size_t i = 0; narrow != NULL && i < count; i++)
                narrow[i] = (int32_t)axes[i];
            a.dtype = MOTE_DTYPE_S32;
            a.data = narrow;
            a.bytes = count * sizeof *narrow;
            if (narrow == NULL || (v = mote_graph_add_constant(n->graph, MOTE_STR(""), &a)) == NULL)
                return out_of_memory(c);
            v->is_folded = true;
        }
        mote_node_set_input(n, 3, v);
    }
    return finish(c, n, u, &p);
}

static mote_status pad(mote_pass_context *c, mote_node *n)
{
    mote_perm p;
    mote_value *u = mote_perm_under(IN(n, 0), &p), *v;
    int64_t pads[2 * MOTE_MAX_RANK], now[2 * MOTE_MAX_RANK], axes[MOTE_MAX_RANK];
    size_t count;
    bool given;
    if (u == NULL)
        return MOTE_OK;
    if (IN(n, 3) != NULL) { /* pads go with axes */
        if (IN(n, 3)->type.dtype != MOTE_DTYPE_S64 || !mote_match_ints(IN(n, 3), MOTE_MAX_RANK, axes, &count) || !rename_all(&p, axes, count))
            return MOTE_OK;
        MOTE_TRY(mote_sink_ints(c, n->graph, axes, count, &v));
        mote_node_set_input(n, 3, v);
        return finish(c, n, u, &p);
    }
    const size_t rank = (size_t)p.rank;
    if (!mote_match_attr_or_input(n, "pads", 1, 2 * MOTE_MAX_RANK, pads, &count, &given) || count != 2 * rank)
        return MOTE_OK;
    for (size_t i = 0; i < rank; i++) {
        now[p.p[i]] = pads[i];
        now[rank + (size_t)p.p[i]] = pads[rank + i];
    }
    if (mote_node_attr(n, "pads") != NULL) {
        if (mote_node_set_ints(n, "pads", now, count) != MOTE_OK)
            return out_of_memory(c);
    } else {
        MOTE_TRY(mote_sink_ints(c, n->graph, now, count, &v));
        mote_node_set_input(n, 1, v);
    }
    return finish(c, n, u, &p);
}

mote_status mote_sink_vector(mote_pass_context *c, mote_node *n, uint32_t i, const mote_perm *p)
{
    mote_value *v = IN(n, i), *index;
    if (v == NULL || (v->type.rank == 1 && v->type.dims[0] == 0))
        return MOTE_OK;
    int64_t order[MOTE_MAX_RANK];
    for (int32_t k = 0; k < p->rank; k++)
        order[p->p[k]] = k;
    const mote_array *a = mote_value_const(v);
    if (a != NULL && a->rank == 1 && a->dims[0] == p->rank) {
        const unsigned size = mote_dtype_bits(a->dtype) / 8;
        mote_array b = *a;
        b.data = mote_arena_calloc(&c->module->arena, a->bytes, 1);
        for (int32_t k = 0; b.data != NULL && k < p->rank; k++)
            memcpy((char *)b.data + (size_t)k * size, (const char *)a->data + (size_t)order[k] * size, size);
        if (b.data == NULL || (v = mote_graph_add_constant(n->graph, MOTE_STR(""), &b)) == NULL)
            return out_of_memory(c);
        v->is_folded = true;
        mote_node_set_input(n, i, v);
        return MOTE_OK;
    }
    MOTE_TRY(mote_sink_ints(c, n->graph, order, (size_t)p->rank, &index));
    mote_node *gather = mote_graph_add_node(n->graph, n, "", "Gather", 13, 2, 1, true);
    if (gather == NULL)
        return out_of_memory(c);
    mote_node_set_input(gather, 0, v);
    mote_node_set_input(gather, 1, index);
    gather->out[0]->type = v->type;
    mote_node_set_input(n, i, gather->out[0]);
    return MOTE_OK;
}

static mote_status resize(mote_pass_context *c, mote_node *n)
{
    mote_perm p;
    mote_value *u = mote_perm_under(IN(n, 0), &p);
    size_t count;
    const int64_t *attr = mote_node_ints(n, "axes", &count);
    int64_t axes[MOTE_MAX_RANK];
    if (u == NULL || count > MOTE_MAX_RANK || mote_str_is(mote_node_string(n, "coordinate_transformation_mode", ""), "tf_crop_and_resize") ||
        mote_node_attr(n, "scales") != NULL)
        return MOTE_OK;
    if (attr != NULL) {
        memcpy(axes, attr, count * sizeof axes[0]);
        if (!rename_all(&p, axes, count))
            return MOTE_OK;
        if (mote_node_set_ints(n, "axes", axes, count) != MOTE_OK)
            return out_of_memory(c);
        return finish(c, n, u, &p);
    }
    const uint32_t scales = n->def->since < 11 ? 1 : 2;
    for (uint32_t i = scales; i < n->n_in; i++)
        if (IN(n, i) != NULL && !(IN(n, i)->type.rank == 1 && mote_dim_known(IN(n, i)->type.dims[0])))
            return MOTE_OK;
    for (uint32_t i = scales; i < n->n_in; i++)
        MOTE_TRY(mote_sink_vector(c, n, i, &p));
    return finish(c, n, u, &p);
}

/* ---- what only reads the shape, or the channel ---- */

static mote_status shape(mote_pass_context *c, mote_node *n)
{
    mote_perm p;
    mote_value *u = mote_perm_under(IN(n, 0), &p), *index;
    if (u == NULL)
        return MOTE_OK;
    int64_t begin = mote_node_int(n, "start", 0), end = mote_node_int(n, "end", p.rank), order[MOTE_MAX_RANK];
    begin = begin < 0 ? begin + p.rank : begin;
    end = end < 0 ? end + p.rank : end;
    begin = begin < 0 ? 0 : begin > p.rank ? p.rank : begin;
    end = end < begin ? begin : end > p.rank ? p.rank : end;
    for (int64_t i = begin; i < end; i++)
        order[i - begin] = p.p[i];
    MOTE_TRY(mote_sink_ints(c, n->graph, order, (size_t)(end - begin), &index));
    mote_node *gather = mote_graph_add_node(n->graph, n->next, "", "Gather", 13, 2, 1, true);
    if (gather == NULL)
        return out_of_memory(c);
    mote_value *y = n->out[0];
    gather->out[0]->type = y->type;
    mote_value_replace(y, gather->out[0]);
    mote_node_set_input(gather, 0, y);
    mote_node_set_input(gather, 1, index);
    y->type.rank = 1;
    y->type.dims[0] = p.rank;
    mote_node_remove_attr(n, "start");
    mote_node_remove_attr(n, "end");
    mote_perm_input(n, 0, u);
    c->edits++;
    return MOTE_OK;
}

static mote_status size(mote_pass_context *c, mote_node *n)
{
    mote_perm p;
    mote_value *u = mote_perm_under(IN(n, 0), &p);
    if (u != NULL) {
        mote_perm_input(n, 0, u);
        c->edits++;
    }
    return MOTE_OK;
}

/* Transposes one behind the other are one, or none. */
static mote_status transpose(mote_pass_context *c, mote_node *n)
{
    mote_perm p, q;
    mote_value *y = n->out[0], *u = mote_perm_under(y, &p), *w = mote_perm_under(u, &q);
    if (u == NULL)
        return MOTE_OK;
    if (w != NULL)
        p = mote_perm_then(&q, &p);
    if (mote_perm_is_identity(&p)) {
        mote_value *same = w != NULL ? w : u;
        if (!mote_value_can_replace(y, same))
            return MOTE_OK;
        mote_value_replace(y, same);
        mote_perm_input(n, 0, NULL);
        mote_node_remove(n);
        c->edits++;
        return MOTE_OK;
    }
    if (w == NULL)
        return MOTE_OK;
    int64_t perm[MOTE_MAX_RANK];
    for (int32_t i = 0; i < p.rank; i++)
        perm[i] = p.p[i];
    if (mote_node_set_ints(n, "perm", perm, (size_t)p.rank) != MOTE_OK)
        return out_of_memory(c);
    mote_perm_input(n, 0, w);
    c->edits++;
    return MOTE_OK;
}

/* ---- the table ---- */

static const struct rule {
    const char *domain, *op;
    mote_sink_fn fn;
} rules[] = {
    {"", "ArgMax", arg_extreme}, {"", "ArgMin", arg_extreme}, {"", "BatchNormalization", mote_sink_batch_norm}, {"", "Concat", concat}, {"", "DequantizeLinear", quantize},
    {"", "DynamicQuantizeLinear", dynamic},
    {"", "Gather", gather}, {"", "Hardmax", softmax}, {"", "LogSoftmax", softmax}, {"", "Pad", pad}, {"", "QuantizeLinear", quantize},
    {"", "ReduceL1", reduce}, {"", "ReduceL2", reduce}, {"", "ReduceLogSum", reduce}, {"", "ReduceLogSumExp", reduce},
    {"", "ReduceMax", reduce}, {"", "ReduceMean", reduce}, {"", "ReduceMin", reduce}, {"", "ReduceProd", reduce},
    {"", "ReduceSum", reduce}, {"", "ReduceSumSquare", reduce}, {"", "Resize", resize}, {"", "Shape", shape}, {"", "Size", size},
    {"", "Slice", slice}, {"", "Softmax", softmax}, {"", "Split", split}, {"", "Squeeze", squeeze}, {"", "Transpose", transpose},
    {"", "Unsqueeze", unsqueeze}, {"", "Upsample", resize}, {"mote", "QUnary", first_only},
};

mote_sink_fn mote_sink_find(const mote_node *n)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (mote_node_is(n, rules[i].domain, rules[i].op))
            return rules[i].fn;
    return n->def != NULL && (n->def->flags & MOTE_OP_ELEMENTWISE) != 0 ? mote_sink_elementwise : NULL;
}
