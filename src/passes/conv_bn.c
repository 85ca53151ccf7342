/* conv_bn.c - BatchNormalization, and sums and products by channel, into the weights of the product before them
 * SPDX-License-Identifier: Apache-2.0
 *
 * Conv, ConvTranspose or Gemm with constant weights W and bias b, whose output y only the next node uses:
 *
 *     BatchNormalization   W' = W a, b' = (b - mean) a + bias, a = scale / sqrt(var + epsilon)
 *     y + k, y - k         b' = b + k
 *     y k, y / k           W' = W k, b' = b k
 *     f(y) k, f(y) / k     the same, f then Relu, LeakyRelu or Clip with bounds times k; k one positive number
 *
 * for constants k of one element or one by channel; computed in double, rounded once. */
#include "base/platform.h"
#include "passes/rewrite.h"
#include <math.h>
#include <string.h>

/* y' = y a + b by channel */
typedef struct affine {
    double *a, *b;
} affine;

typedef struct product {
    mote_node *n;
    bool gemm, transposed;
    size_t channels, groups;
    const mote_array *w, *bias; /* bias NULL: none */
} product;

static const mote_array *tensor(const mote_value *v, mote_dtype t)
{
    const mote_array *a = mote_value_const(v);
    return a != NULL && a->kind == MOTE_KIND_TENSOR && a->dtype == t ? a : NULL;
}

static bool read_product(mote_node *n, product *p)
{
    *p = (product){.n = n, .gemm = mote_node_is(n, "", "Gemm"), .transposed = mote_node_is(n, "", "ConvTranspose"), .groups = 1};
    if (!p->gemm && !p->transposed && !mote_node_is(n, "", "Conv"))
        return false;
    mote_dtype t = n->out[0] != NULL ? n->out[0]->type.dtype : MOTE_DTYPE_NONE;
    if (!mote_dtype_in(t, MOTE_DTYPES_FLOAT) || n->n_in < 2 || (p->w = tensor(n->in[1].value, t)) == NULL || n->in[1].value->uses->next != NULL)
        return false; /* weights that others use would stand twice in the module */
    int64_t groups = mote_node_int(n, "group", 1);
    if (p->w->rank < 2 || groups < 1 || mote_array_count(p->w) == 0 || (p->transposed && p->w->dims[0] % groups != 0))
        return false;
    bool rows = p->gemm && mote_node_int(n, "transB", 0) == 0;
    p->groups = (size_t)groups;
    p->channels = (size_t)p->w->dims[rows || p->transposed ? 1 : 0] * (p->transposed ? p->groups : 1);
    if (mote_match_in(n, 2) == NULL)
        return true;
    p->bias = tensor(n->in[2].value, t);
    if (p->bias == NULL)
        return false;
    size_t count = mote_array_count(p->bias);
    bool row = p->bias->rank >= 1 && p->bias->dims[p->bias->rank - 1] == (int64_t)p->channels && count == p->channels;
    return row || (p->gemm && count == 1);
}

/* The output channel of element i of the weights. */
static size_t channel_of(const product *p, size_t i)
{
    const int64_t *d = p->w->dims;
    size_t taps = 1;
    for (int32_t k = 2; k < p->w->rank; k++)
        taps *= (size_t)d[k];
    if (p->transposed)
        return i / taps / (size_t)d[1] / ((size_t)d[0] / p->groups) * (size_t)d[1] + i / taps % (size_t)d[1];
    if (p->gemm && mote_node_int(p->n, "transB", 0) == 0)
        return i % (size_t)d[1];
    return i / (taps * (size_t)d[1]);
}

static mote_value *constant(mote_pass_context *c, mote_graph *g, const mote_array *like, size_t channels, mote_array *a)
{
    const int64_t dims[1] = {(int64_t)channels};
    if (mote_array_shape(a, like->dtype, channels != 0 ? 1 : like->rank, channels != 0 ? dims : like->dims, NULL) != MOTE_OK ||
        (a->data = mote_arena_calloc(&c->module->arena, a->bytes, 1)) == NULL)
        return NULL;
    mote_value *v = mote_graph_add_constant(g, MOTE_STR(""), a);
    if (v != NULL)
        v->is_folded = true;
    return v;
}

/* The product takes f; *done. */
static mote_status apply(mote_pass_context *c, const product *p, const affine *f, bool *done)
{
    *done = false;
    mote_node *n = p->n;
    mote_array w, b;
    double alpha = p->gemm ? (double)mote_node_float(n, "beta", 1.0f) : 1;
    bool scaled = false;
    for (size_t m = 0; m < p->channels; m++) {
        if (!isfinite(f->a[m]) || !isfinite(f->b[m]))
            return MOTE_OK;
        scaled = scaled || f->a[m] != 1;
    }
    /* A chain of many such nodes copies the weights again and again: beyond the first copy it is counted. */
    size_t limit = c->options->fold_limit != 0 ? c->options->fold_limit : MOTE_FOLD_LIMIT;
    size_t again = (scaled && n->in[1].value->is_folded ? p->w->bytes : 0) + (p->bias != NULL && n->in[2].value->is_folded ? p->bias->bytes : 0);
    if (again > limit - c->folded_bytes)
        return MOTE_OK;
    c->folded_bytes += again;
    mote_value *bias = constant(c, n->graph, p->w, p->channels, &b);
    mote_value *weights = scaled ? constant(c, n->graph, p->w, 0, &w) : n->in[1].value;
    if (bias == NULL || weights == NULL)
        return MOTE_NO_MEMORY(c->diag, p->w->bytes);
    for (size_t i = 0, count = scaled ? mote_array_count(&w) : 0; i < count; i++)
        mote_dtype_from_f64(w.dtype, w.data, i, mote_array_f64(p->w, i) * f->a[channel_of(p, i)]);
    for (size_t m = 0; m < p->channels; m++) {
        double old = p->bias == NULL ? 0 : alpha * mote_array_f64(p->bias, mote_array_count(p->bias) == 1 ? 0 : m);
        mote_dtype_from_f64(b.dtype, b.data, m, old * f->a[m] + f->b[m]);
    }
    if (n->n_in < 3)
        MOTE_TRY(mote_node_resize_inputs(n, 3));
    mote_node_set_input(n, 1, weights);
    mote_node_set_input(n, 2, bias);
    if (p->gemm)
        mote_node_remove_attr(n, "beta");
    *done = true;
    return MOTE_OK;
}

/* The users of a node's output take its input y, which only the node used. */
static void bypass(mote_pass_context *c, mote_node *next, mote_value *y)
{
    mote_value_replace(next->out[0], y);
    mote_node_remove(next);
    c->edits++;
}

/* Element of a constant that applies to channel m of an output of this rank; false: not one value or one by channel. */
static bool by_channel(const mote_array *k, int32_t rank, size_t channels)
{
    size_t count = mote_array_count(k);
    if (k->rank > rank || rank < 2)
        return false;
    if (count == 1)
        return true;
    int32_t at = 1 - (rank - k->rank);
    return at >= 0 && count == channels && k->dims[at] == (int64_t)channels;
}

static bool from_batch(const mote_node *n, size_t channels, affine *f)
{
    if (n->n_in != 5 || !mote_match_only_first(n) || mote_node_int(n, "training_mode", 0) != 0 || mote_node_int(n, "spatial", 1) != 1)
        return false;
    const mote_array *in[5];
    for (uint32_t i = 1; i < 5; i++) {
        in[i] = mote_value_const(n->in[i].value);
        if (in[i] == NULL || in[i]->kind != MOTE_KIND_TENSOR || !mote_dtype_in(in[i]->dtype, MOTE_DTYPES_FLOAT) || mote_array_count(in[i]) != channels)
            return false;
    }
    double eps = (double)mote_node_float(n, "epsilon", 1e-5f);
    for (size_t m = 0; m < channels; m++) {
        f->a[m] = mote_array_f64(in[1], m) / sqrt(mote_array_f64(in[4], m) + eps);
        f->b[m] = mote_array_f64(in[2], m) - mote_array_f64(in[3], m) * f->a[m];
    }
    return true;
}

static bool from_arithmetic(const mote_node *n, const mote_value *y, size_t channels, affine *f)
{
    bool add = mote_node_is(n, "", "Add"), sub = mote_node_is(n, "", "Sub"), mul = mote_node_is(n, "", "Mul"), div = mote_node_is(n, "", "Div");
    if (!(add || sub || mul || div) || n->n_in != 2 || ((sub || div) && n->in[0].value != y))
        return false;
    const mote_array *k = tensor(mote_match_other(n, y), y->type.dtype);
    if (k == NULL || !by_channel(k, y->type.rank, channels))
        return false;
    for (size_t m = 0; m < channels; m++) {
        double v = mote_array_f64(k, mote_array_count(k) == 1 ? 0 : m);
        f->a[m] = mul ? v : div ? 1 / v : 1;
        f->b[m] = add ? v : sub ? -v : 0;
    }
    return true;
}

/* ---- f(y) k ---- */

/* Clip's bounds times k. */
static mote_status scale_bounds(mote_pass_context *c, mote_node *clip, double k)
{
    static const char *const names[2] = {"min", "max"};
    for (uint32_t i = 0; i < 2; i++) {
        if (clip->def->since < 11) {
            if (mote_node_attr(clip, names[i]) != NULL)
                MOTE_TRY(mote_node_set_float(clip, names[i], (float)((double)mote_node_float(clip, names[i], 0) * k)));
            continue;
        }
        const mote_value *old = mote_match_in(clip, i + 1);
        mote_array a;
        if (old == NULL)
            continue;
        mote_value *bound = constant(c, clip->graph, old->constant, 0, &a);
        if (bound == NULL)
            return MOTE_NO_MEMORY(c->diag, 8);
        mote_dtype_from_f64(a.dtype, a.data, 0, mote_array_f64(old->constant, 0) * k);
        mote_node_set_input(clip, i + 1, bound);
    }
    return MOTE_OK;
}

/* Whether f(k y) = k f(y) for k > 0 when bounds scale, too. */
static bool is_homogeneous(const mote_node *n, const mote_value *y)
{
    double bound;
    if (n->n_in == 0 || n->in[0].value != y || n->def == NULL || n->n_out != 1 || n->out[0] == NULL)
        return false;
    if (!mote_node_is(n, "", "Clip"))
        return mote_node_is(n, "", "Relu") || mote_node_is(n, "", "LeakyRelu");
    for (uint32_t i = 1; i < n->n_in; i++)
        if (n->in[i].value != NULL && !mote_match_number(n->in[i].value, &bound))
            return false;
    return true;
}

static bool positive_scale(const mote_node *n, const mote_value *y, double *k)
{
    mote_value *x;
    if (!(mote_node_is(n, "", "Mul") || mote_node_is(n, "", "Div")) || !mote_match_by_number(n, &x, k) || x != y)
        return false;
    *k = mote_str_is(n->op, "Div") ? 1 / *k : *k;
    return *k > 0 && isfinite(*k);
}

static mote_status absorb(mote_pass_context *c, mote_node *n, bool *again)
{
    product p;
    *again = false;
    mote_value *y = n->out[0];
    mote_node *next = y != NULL ? mote_value_single_user(y) : NULL, *scale = NULL;
    double k = 1;
    if (next == NULL || next->graph != n->graph || next->n_out == 0 || next->out[0] == NULL || !read_product(n, &p))
        return MOTE_OK;
    if (is_homogeneous(next, y)) {
        scale = mote_value_single_user(next->out[0]);
        if (scale == NULL || scale->graph != n->graph || scale->n_out != 1 || scale->out[0] == NULL || !positive_scale(scale, next->out[0], &k))
            return MOTE_OK;
    }
    mote_heap *heap = c->module->heap;
    affine f = {.a = mote_heap_calloc(heap, p.channels, 2 * sizeof *f.a)};
    if (f.a == NULL)
        return MOTE_NO_MEMORY(c->diag, p.channels * 2 * sizeof *f.a);
    f.b = f.a + p.channels;
    for (size_t m = 0; scale != NULL && m < p.channels; m++)
        f.a[m] = k;
    bool batch = mote_node_is(next, "", "BatchNormalization") && next->in[0].value == y;
    bool fits = scale != NULL || (batch ? from_batch(next, p.channels, &f) : from_arithmetic(next, y, p.channels, &f));
    mote_status status = fits ? apply(c, &p, &f, again) : MOTE_OK;
    mote_heap_free(heap, f.a, p.channels * 2 * sizeof *f.a);
    if (status != MOTE_OK || !*again)
        return status;
    if (scale == NULL) {
        bypass(c, next, y);
        return MOTE_OK;
    }
    bypass(c, scale, next->out[0]);
    return mote_node_is(next, "", "Clip") ? scale_bounds(c, next, k) : MOTE_OK;
}

static mote_status each(mote_pass_context *c, mote_graph *g)
{
    for (mote_node *n = g->first; n != NULL; n = n->next)
        for (bool again = true; again;) /* each turn removes a node */
            MOTE_TRY(absorb(c, n, &again));
    return MOTE_OK;
}

MOTE_PASS(conv_bn) { return mote_pass_each_graph(c, each); }
