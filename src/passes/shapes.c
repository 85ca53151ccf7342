/* shapes.c - shape arithmetic of shapes that are known in part
 * SPDX-License-Identifier: Apache-2.0
 *
 * A small integer value is followed element by element: a number, a symbol of the module, or unknown; from Shape through Gather, Slice, Concat, Squeeze,
 * Unsqueeze, Reshape, Cast and Identity, and Mul, Add, Sub, Div where numbers meet. A value of numbers alone becomes a constant (Gather(Shape(x), 1) of
 * x[N, 3]); a Reshape to a shape of which at most one element is neither a number nor x's own dimension there gets a constant shape with 0 and -1. */
#include "base/platform.h"
#include "base/size.h"
#include "passes/match.h"
#include "passes/pass.h"

enum { PARTIAL_MAX = 16 }; /* elements */

/* v >= 0 or symbol false: a number; symbol: a dimension of the module, as in mote_type.dims; MOTE_DIM_UNKNOWN: unknown. */
typedef struct element {
    int64_t v;
    bool symbol;
} element;

typedef struct partial {
    size_t n;
    int32_t rank; /* 0 or 1 */
    element e[PARTIAL_MAX];
} partial;

static const element unknown = {MOTE_DIM_UNKNOWN, true};

static bool is_number(element e) { return !e.symbol; }

static bool read_value(const mote_value *v, partial *p)
{
    int64_t numbers[PARTIAL_MAX];
    if (v == NULL)
        return false;
    if (v->producer != NULL && v->scratch != NULL) {
        *p = *(const partial *)v->scratch;
        return true;
    }
    if (!mote_match_ints(v, PARTIAL_MAX, numbers, &p->n))
        return false;
    p->rank = v->constant->rank;
    for (size_t i = 0; i < p->n; i++)
        p->e[i] = (element){numbers[i], false};
    return true;
}

static bool from_shape(const mote_node *n, partial *p)
{
    const mote_type *t = &n->in[0].value->type;
    if (t->kind != MOTE_KIND_TENSOR || t->rank < 0)
        return false;
    int64_t start = mote_node_int(n, "start", 0), end = mote_node_int(n, "end", t->rank);
    start = start < 0 ? start + t->rank : start;
    end = end < 0 ? end + t->rank : end;
    start = start < 0 ? 0 : start;
    end = end > t->rank ? t->rank : end;
    p->rank = 1;
    p->n = 0;
    for (int64_t i = start; i < end; i++)
        p->e[p->n++] = (element){t->dims[i], !mote_dim_known(t->dims[i])};
    return true;
}

static bool from_gather(const mote_node *n, partial *p)
{
    partial x, at;
    if (n->n_in != 2 || mote_node_int(n, "axis", 0) != 0 || !read_value(n->in[0].value, &x) || x.rank != 1 || !read_value(n->in[1].value, &at))
        return false;
    p->rank = at.rank;
    p->n = at.n;
    for (size_t i = 0; i < at.n; i++) {
        int64_t k = at.e[i].v < 0 ? at.e[i].v + (int64_t)x.n : at.e[i].v;
        if (!is_number(at.e[i]) || k < 0 || k >= (int64_t)x.n)
            return false;
        p->e[i] = x.e[k];
    }
    return true;
}

static bool from_slice(const mote_node *n, partial *p)
{
    partial x;
    int64_t start, end, step = 1, axis = 0;
    size_t one;
    if (n->n_in < 3 || !read_value(n->in[0].value, &x) || x.rank != 1 || !mote_match_ints(n->in[1].value, 1, &start, &one) || one != 1 ||
        !mote_match_ints(n->in[2].value, 1, &end, &one) || one != 1)
        return false;
    if (mote_match_in(n, 3) != NULL && (!mote_match_ints(n->in[3].value, 1, &axis, &one) || one != 1 || (axis != 0 && axis != -1)))
        return false;
    if (mote_match_in(n, 4) != NULL && (!mote_match_ints(n->in[4].value, 1, &step, &one) || one != 1 || step != 1))
        return false;
    int64_t size = (int64_t)x.n;
    start = start < 0 ? (start < -size ? 0 : start + size) : start;
    end = end < 0 ? (end < -size ? 0 : end + size) : end > size ? size : end;
    p->rank = 1;
    p->n = 0;
    for (int64_t i = start; i < end; i++)
        p->e[p->n++] = x.e[i];
    return true;
}

static bool from_concat(const mote_node *n, partial *p)
{
    p->rank = 1;
    p->n = 0;
    for (uint32_t i = 0; i < n->n_in; i++) {
        partial x = {0};
        const mote_type *t = n->in[i].value != NULL ? &n->in[i].value->type : NULL;
        if (t == NULL || t->rank != 1)
            return false;
        if (!read_value(n->in[i].value, &x)) { /* of a known length at least */
            if (!mote_dim_known(t->dims[0]) || t->dims[0] > PARTIAL_MAX)
                return false;
            x.n = (size_t)t->dims[0];
            for (size_t k = 0; k < x.n; k++)
                x.e[k] = unknown;
        }
        if (p->n + x.n > PARTIAL_MAX)
            return false;
        for (size_t k = 0; k < x.n; k++)
            p->e[p->n++] = x.e[k];
    }
    return true;
}

static bool from_arithmetic(const mote_node *n, char op, partial *p)
{
    partial a, b;
    if (n->n_in != 2 || !read_value(n->in[0].value, &a) || !read_value(n->in[1].value, &b) || (a.n != b.n && a.n != 1 && b.n != 1))
        return false;
    p->rank = a.rank > b.rank ? a.rank : b.rank;
    p->n = a.n == 1 ? b.n : a.n;
    for (size_t i = 0; i < p->n; i++) {
        element x = a.e[a.n == 1 ? 0 : i], y = b.e[b.n == 1 ? 0 : i], z = unknown;
        bool exact = is_number(x) && is_number(y);
        if (exact)
            exact = op == '*'   ? mote_i64_mul(x.v, y.v, &z.v)
                    : op == '+' ? mote_i64_add(x.v, y.v, &z.v)
                    : op == '-' ? y.v != INT64_MIN && mote_i64_add(x.v, -y.v, &z.v)
                                : y.v > 0 && x.v >= 0;
        if (exact && op == '/')
            z.v = x.v / y.v;
        z.symbol = !exact;
        if (!exact)
            z = is_number(y) && y.v == (op == '*' || op == '/' ? 1 : 0) ? x : op == '*' && is_number(x) && x.v == 1 ? y : unknown;
        p->e[i] = z;
    }
    return true;
}

static bool follow(const mote_node *n, partial *p)
{
    const mote_type *t = n->n_out == 1 && n->out[0] != NULL ? &n->out[0]->type : NULL;
    if (t == NULL || n->domain.n != 0 || n->n_in == 0 || n->in[0].value == NULL || (t->dtype != MOTE_DTYPE_S64 && t->dtype != MOTE_DTYPE_S32))
        return false;
    bool found = false;
    if (mote_str_is(n->op, "Shape"))
        found = from_shape(n, p);
    else if (mote_str_is(n->op, "Gather"))
        found = from_gather(n, p);
    else if (mote_str_is(n->op, "Slice"))
        found = n->def != NULL && n->def->since >= 10 && from_slice(n, p);
    else if (mote_str_is(n->op, "Concat"))
        found = from_concat(n, p);
    else if (mote_str_is(n->op, "Mul") || mote_str_is(n->op, "Add") || mote_str_is(n->op, "Sub") || mote_str_is(n->op, "Div"))
        found = from_arithmetic(n, n->op.p[0] == 'M' ? '*' : n->op.p[0] == 'A' ? '+' : n->op.p[0] == 'S' ? '-' : '/', p);
    else if (mote_str_is(n->op, "Squeeze") || mote_str_is(n->op, "Unsqueeze") || mote_str_is(n->op, "Reshape") || mote_str_is(n->op, "Identity"))
        found = read_value(n->in[0].value, p);
    else if (mote_str_is(n->op, "Cast"))
        found = t->dtype == MOTE_DTYPE_S64 && mote_dtype_in(n->in[0].value->type.dtype, MOTE_DT(S32) | MOTE_DT(S64)) && read_value(n->in[0].value, p);
    if (!found || t->rank < 0 || t->rank > 1 || (t->rank == 0 && p->n != 1) || (t->rank == 1 && t->dims[0] != (int64_t)p->n))
        return false; /* the type must be known, too: what comes out is of this shape */
    p->rank = t->rank;
    for (size_t i = 0; i < p->n; i++)
        if (is_number(p->e[i]) && t->dtype == MOTE_DTYPE_S32 && (p->e[i].v > INT32_MAX || p->e[i].v < INT32_MIN))
            p->e[i] = unknown;
    return true;
}

/* The value becomes a constant; its node is left without users. */
static mote_status make_constant(mote_pass_context *c, mote_node *n, const partial *p)
{
    int64_t numbers[PARTIAL_MAX];
    mote_value *v = n->out[0];
    if (v->type.dtype != MOTE_DTYPE_S64 || v->uses == NULL)
        return MOTE_OK;
    for (size_t i = 0; i < p->n; i++) {
        if (!is_number(p->e[i]))
            return MOTE_OK;
        numbers[i] = p->e[i].v;
    }
    mote_value *k = mote_graph_const_i64(n->graph, p->rank, p->n, numbers);
    if (k == NULL)
        return MOTE_NO_MEMORY(c->diag, sizeof numbers);
    mote_value_replace(v, k);
    c->edits++;
    return MOTE_OK;
}

static mote_status reshape(mote_pass_context *c, mote_node *n)
{
    partial s;
    const mote_value *x = mote_match_in(n, 0), *v = mote_match_in(n, 1);
    int64_t shape[PARTIAL_MAX];
    int open = 0;
    if (x == NULL || v == NULL || v->constant != NULL || v->scratch == NULL || !read_value(v, &s) || s.rank != 1 || s.n > MOTE_MAX_RANK ||
        mote_node_int(n, "allowzero", 0) != 0)
        return MOTE_OK;
    for (size_t i = 0; i < s.n; i++) {
        const element e = s.e[i];
        bool same = e.symbol && e.v != MOTE_DIM_UNKNOWN && (int32_t)i < x->type.rank && x->type.dims[i] == e.v;
        shape[i] = is_number(e) ? e.v : same ? 0 : -1;
        open += shape[i] == -1;
        if (is_number(e) && (e.v == 0 || e.v < -1)) /* 0 would keep the dimension; less than -1 is an error of the run */
            return MOTE_OK;
    }
    if (open > 1)
        return MOTE_OK;
    mote_value *k = mote_graph_const_i64(n->graph, 1, s.n, shape);
    if (k == NULL)
        return MOTE_NO_MEMORY(c->diag, sizeof shape);
    mote_node_set_input(n, 1, k);
    c->edits++;
    return MOTE_OK;
}

/* ---- types behind a Reshape whose shape became known: the next layer's arithmetic needs them ---- */

typedef struct walk {
    mote_arena temp;
    unsigned char *changed; /* by value id: the type is other than it was */
    size_t n_values;
} walk;

static bool any_changed(const walk *w, const mote_node *n)
{
    for (uint32_t i = 0; i < n->n_in; i++)
        if (n->in[i].value != NULL && n->in[i].value->id < w->n_values && w->changed[n->in[i].value->id])
            return true;
    return false;
}

static bool same_type(const mote_type *a, const mote_type *b)
{
    if (a->kind != b->kind || a->dtype != b->dtype || a->rank != b->rank)
        return false;
    for (int32_t i = 0; i < a->rank; i++)
        if (a->dims[i] != b->dims[i])
            return false;
    return true;
}

static mote_status infer_again(mote_pass_context *c, walk *w, mote_node *n)
{
    if (n->def == NULL || (n->def->flags & MOTE_OP_CONTROL) != 0)
        return MOTE_OK;
    const mote_type **in = mote_arena_calloc(&w->temp, (size_t)n->n_in + 1, sizeof *in);
    const mote_array **value = mote_arena_calloc(&w->temp, (size_t)n->n_in + 1, sizeof *value);
    mote_type *out = mote_arena_calloc(&w->temp, (size_t)n->n_out + 1, sizeof *out);
    if (in == NULL || value == NULL || out == NULL)
        return MOTE_NO_MEMORY(c->diag, 0);
    for (uint32_t i = 0; i < n->n_in; i++) {
        const mote_value *v = n->in[i].value;
        in[i] = v != NULL ? &v->type : NULL;
        if (v != NULL && v->constant != NULL && (mote_array_aligned(v->constant) || v->constant->kind != MOTE_KIND_TENSOR))
            value[i] = v->constant;
    }
    mote_infer infer = {.module = c->module, .node = n, .n_in = n->n_in, .n_out = n->n_out, .in = in, .value = value, .out = out, .diag = c->diag};
    MOTE_TRY(mote_infer_node(&infer));
    for (uint32_t i = 0; i < n->n_out; i++) {
        mote_value *v = n->out[i];
        if (v == NULL || v->type.kind != MOTE_KIND_TENSOR || out[i].kind != MOTE_KIND_TENSOR || same_type(&v->type, &out[i]))
            continue;
        v->type = out[i];
        if (v->id < w->n_values)
            w->changed[v->id] = 1;
    }
    return MOTE_OK;
}

static mote_status each(mote_pass_context *c, mote_graph *g)
{
    walk *w = c->state;
    mote_arena *temp = &w->temp;
    for (mote_node *n = g->first; n != NULL; n = n->next) {
        partial p = {0};
        size_t edits = c->edits;
        if (mote_node_is(n, "", "Reshape"))
            MOTE_TRY(reshape(c, n));
        if (edits != c->edits || any_changed(w, n))
            MOTE_TRY(infer_again(c, w, n));
        if (!follow(n, &p))
            continue;
        n->out[0]->scratch = mote_arena_copy(temp, &p, sizeof p);
        if (n->out[0]->scratch == NULL)
            return MOTE_NO_MEMORY(c->diag, sizeof p);
        MOTE_TRY(make_constant(c, n, &p));
    }
    return MOTE_OK;
}

static mote_status clear(mote_pass_context *c, mote_graph *g)
{
    (void)c;
    for (mote_value *v = g->values; v != NULL; v = v->next)
        v->scratch = NULL;
    return MOTE_OK;
}

MOTE_PASS(shapes)
{
    walk w = {.n_values = c->module->n_values};
    mote_arena_init(&w.temp, c->module->heap);
    w.changed = mote_arena_calloc(&w.temp, w.n_values + 1, 1);
    c->state = &w;
    mote_status status = w.changed != NULL ? mote_pass_each_graph(c, each) : MOTE_NO_MEMORY(c->diag, w.n_values);
    (void)mote_pass_each_graph(c, clear);
    c->state = NULL;
    mote_arena_deinit(&w.temp);
    return status;
}
