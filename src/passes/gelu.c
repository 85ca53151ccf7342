/* gelu.c - Gelu from its parts: x (1 + erf(x / sqrt 2)) / 2, and the form with tanh
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ONNX Gelu-20; Hendrycks and Gimpel, Gaussian Error Linear Units, arXiv 1606.08415, section 2. The argument of erf or tanh is compared as a
 * polynomial in x, so any order of operands and any placing of the factors is found. */
#include "base/platform.h"
#include "passes/rewrite.h"
#include <math.h>

enum { DEGREE = 3, DEPTH_MAX = 6 };

typedef struct poly {
    double c[DEGREE + 1];
} poly;

static bool multiply(const poly *a, const poly *b, poly *out)
{
    poly p = {{0}};
    for (int i = 0; i <= DEGREE; i++)
        for (int k = 0; k <= DEGREE; k++) {
            double t = a->c[i] * b->c[k];
            if (i + k <= DEGREE)
                p.c[i + k] += t;
            else if (t < 0 || t > 0)
                return false;
        }
    *out = p;
    return true;
}

/* v as a polynomial in x. */
static bool read_poly(const mote_value *v, const mote_value *x, int depth, poly *out)
{
    *out = (poly){{0}};
    if (v == NULL)
        return false;
    if (v == x) {
        out->c[1] = 1;
        return true;
    }
    if (mote_match_number(v, &out->c[0]))
        return true;
    const mote_node *n = v->producer;
    if (n == NULL || n->domain.n != 0 || n->n_in != 2 || depth == 0)
        return false;
    poly a, b;
    if (!read_poly(n->in[0].value, x, depth - 1, &a) || !read_poly(n->in[1].value, x, depth - 1, &b))
        return false;
    bool constant = b.c[1] == 0 && b.c[2] == 0 && b.c[3] == 0;
    if (mote_str_is(n->op, "Mul"))
        return multiply(&a, &b, out);
    if (mote_str_is(n->op, "Pow") && constant && (b.c[0] == 2 || b.c[0] == 3))
        return multiply(&a, &a, out) && (b.c[0] == 2 || multiply(out, &a, out));
    bool add = mote_str_is(n->op, "Add"), sub = mote_str_is(n->op, "Sub"), div = mote_str_is(n->op, "Div") && constant && b.c[0] != 0;
    for (int i = 0; i <= DEGREE; i++)
        out->c[i] = add ? a.c[i] + b.c[i] : sub ? a.c[i] - b.c[i] : a.c[i] / b.c[0];
    return add || sub || div;
}

static bool argument_fits(const mote_value *u, const mote_value *x, bool is_erf)
{
    const double k = is_erf ? 0.70710678118654752 : 0.79788456080286536, cube = is_erf ? 0 : k * 0.044715;
    poly p;
    mote_dtype t = x->type.dtype;
    return read_poly(u, x, DEPTH_MAX, &p) && p.c[0] == 0 && mote_match_near(p.c[1], k, t) && p.c[2] == 0 &&
           (is_erf ? p.c[3] == 0 : mote_match_near(p.c[3], cube, t));
}

/* v times or plus constants as long as one node after the other is its only user: *scale and *shift of the first value; the last value. */
static mote_value *follow(mote_value *v, double *scale, double *shift)
{
    for (int k = 0; k < 4; k++) {
        mote_node *n = mote_value_single_user(v);
        mote_value *x;
        double c;
        if (n == NULL || n->graph != v->graph || !mote_match_by_number(n, &x, &c) || x != v)
            break;
        if (mote_str_is(n->op, "Mul"))
            *scale *= c, *shift *= c;
        else if (mote_str_is(n->op, "Div") && c != 0)
            *scale /= c, *shift /= c;
        else if (mote_str_is(n->op, "Add"))
            *shift += c;
        else
            break;
        v = n->out[0];
    }
    return v;
}

static mote_status rewrite(mote_pass_context *c, mote_node *f)
{
    bool is_erf = mote_str_is(f->op, "Erf");
    if (f->n_in != 1 || f->in[0].value == NULL || f->out[0] == NULL)
        return MOTE_OK;
    double scale = 1, shift = 0;
    mote_value *s = follow(f->out[0], &scale, &shift), *x = NULL, *o;
    mote_node *product = mote_match_user(s, "Mul");
    if (product == NULL || product->graph != f->graph || f->in[0].value->type.kind != MOTE_KIND_TENSOR || (o = mote_match_other(product, s)) == NULL)
        return MOTE_OK;
    double factor = 1;
    if (argument_fits(f->in[0].value, o, is_erf)) {
        x = o;
    } else if (o->producer != NULL && mote_match_by_number(o->producer, &x, &factor)) {
        bool div = mote_str_is(o->producer->op, "Div");
        factor = div && factor != 0 ? 1 / factor : factor;
        if (!(div || mote_str_is(o->producer->op, "Mul")) || !argument_fits(f->in[0].value, x, is_erf))
            return MOTE_OK;
    } else {
        return MOTE_OK;
    }
    mote_dtype t = x->type.dtype;
    mote_node *last = product;
    if (!mote_match_near(scale * factor, 0.5, t)) { /* the half comes after the product */
        mote_node *n = mote_value_single_user(product->out[0]);
        mote_value *v;
        double half;
        if (n == NULL || n->graph != f->graph || !mote_match_by_number(n, &v, &half) || v != product->out[0])
            return MOTE_OK;
        bool div = mote_str_is(n->op, "Div");
        if (!div && !mote_str_is(n->op, "Mul"))
            return MOTE_OK;
        factor *= div ? 1 / half : half;
        last = n;
    }
    if (!mote_match_near(scale * factor, 0.5, t) || !mote_match_near(shift * factor, 0.5, t) || x->type.rank < 0 ||
        !mote_dtype_in(t, MOTE_DTYPES_FLOAT))
        return MOTE_OK;
    mote_node *gelu;
    MOTE_TRY(mote_rewrite(c, last, "Gelu", 20, 1, &x, &gelu));
    return is_erf ? MOTE_OK : mote_node_set_string(gelu, "approximate", "tanh");
}

static mote_status each(mote_pass_context *c, mote_graph *g)
{
    for (mote_node *n = g->first; n != NULL; n = n->next) /* what goes stands behind n */
        if (mote_node_is(n, "", "Erf") || mote_node_is(n, "", "Tanh"))
            MOTE_TRY(rewrite(c, n));
    return MOTE_OK;
}

MOTE_PASS(gelu) { return mote_pass_each_graph(c, each); }
