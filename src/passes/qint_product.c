/* qint_product.c - convolutions and matrix products of pass qint
 * SPDX-License-Identifier: Apache-2.0
 *
 *     DequantizeLinear(x), DequantizeLinear(w constant), bias -> Conv | Gemm | MatMul [-> Add bias] [-> Relu | Clip]* -> QuantizeLinear
 *
 * becomes QConv (channels last, between transpositions that later passes move away) or QGemm. The bias goes into the s32 sum in units of xs ws: a
 * quantized one must have been made for that (its scale is xs ws); a float one must lose nothing that the output could show. Clamps become qmin and
 * qmax, since quantizing keeps order. A matrix product that nothing quantizes again becomes MatMulInteger, its sum taken to float32 by xs ws. */
#include "base/platform.h"
#include "passes/qint.h"
#include "ops/forms.h"
#include <float.h>
#include <math.h>
#include <string.h>

typedef struct product {
    mote_node *node;
    mote_node *x, *w;         /* DequantizeLinear */
    mote_qparam px;
    mote_value *bias;         /* NULL: none */
    mote_value *w_value, *ws_value, *wz_value; /* of the weight; wz_value NULL: 0 */
    int64_t outputs;
    int32_t w_axis;           /* the output channels' dimension in the weight */
    const mote_value *result; /* what QuantizeLinear reads */
} product;

static float float_at(const mote_array *a, size_t i)
{
    float v;
    memcpy(&v, (const char *)a->data + (a->rank == 0 || mote_array_count(a) == 1 ? 0 : i) * sizeof v, sizeof v);
    return v;
}

/* ---- weight ---- */

/* Its scale has one value or one for each output, along the outputs' dimension. */
static bool check_weight(product *p, const char **why)
{
    const mote_node *d = p->w;
    const mote_array *w = mote_value_const(d->in[0].value), *z = d->n_in > 2 ? mote_value_const(d->in[2].value) : NULL;
    const mote_array *ws = mote_value_const(d->in[1].value);
    p->w_value = d->in[0].value;
    p->ws_value = d->in[1].value;
    p->wz_value = d->n_in > 2 ? d->in[2].value : NULL;
    *why = "its weight is not constant";
    if (w == NULL || ws == NULL || ws->data == NULL || (z == NULL && d->n_in > 2 && d->in[2].value != NULL))
        return false;
    *why = "its weight is empty";
    if (p->outputs < 1)
        return false;
    *why = "its weight is not quantized to 8 bits";
    if ((w->dtype != MOTE_DTYPE_U8 && w->dtype != MOTE_DTYPE_S8) || ws->dtype != MOTE_DTYPE_F32 || mote_node_int(d, "block_size", 0) != 0 ||
        d->out[0]->type.dtype != MOTE_DTYPE_F32)
        return false;
    const size_t n = mote_array_count(ws), nz = z != NULL ? mote_array_count(z) : 1;
    int64_t axis = mote_node_int(d, "axis", 1);
    axis += axis < 0 ? w->rank : 0;
    *why = "the scales of its weight do not go along its outputs";
    if ((n != 1 && (n != (size_t)p->outputs || axis != p->w_axis || ws->rank != 1)) || (nz != 1 && nz != n))
        return false;
    *why = "a scale of its weight is not positive and finite";
    for (size_t i = 0; i < n; i++)
        if (!(float_at(ws, i) > 0) || float_at(ws, i) > FLT_MAX)
            return false;
    *why = NULL;
    return true;
}

/* ---- bias ---- */

/* The bias of each output as the file has it: real, or whole numbers with a scale. */
typedef struct bias_data {
    const mote_array *b, *scale, *zero; /* scale NULL: b is float32 */
} bias_data;

static bool read_bias(const product *p, bias_data *out, const char **why)
{
    const mote_node *d = p->bias->producer;
    const size_t n = (size_t)p->outputs;
    *out = (bias_data){.b = mote_value_const(p->bias)};
    *why = "its bias is not constant";
    if (mote_is_dequantize(d)) {
        *out = (bias_data){mote_value_const(d->in[0].value), mote_value_const(d->in[1].value), d->n_in > 2 ? mote_value_const(d->in[2].value) : NULL};
        if (out->scale == NULL || out->scale->dtype != MOTE_DTYPE_F32 || out->scale->data == NULL || mote_node_int(d, "block_size", 0) != 0 ||
            (out->zero == NULL && d->n_in > 2 && d->in[2].value != NULL))
            return false;
    } else if (out->b != NULL && out->b->dtype != MOTE_DTYPE_F32) {
        return false;
    }
    if (out->b == NULL || out->b->data == NULL)
        return false;
    *why = "its bias does not have one value for each output";
    const size_t count = mote_array_count(out->b), scales = out->scale != NULL ? mote_array_count(out->scale) : 1;
    if ((count != n && count != 1) || (count == n && count != 1 && out->b->dims[out->b->rank - 1] != p->outputs) || (scales != 1 && scales != n) ||
        (out->zero != NULL && mote_array_count(out->zero) != 1 && mote_array_count(out->zero) != scales))
        return false;
    *why = NULL;
    return true;
}

static size_t index_of(const mote_array *a, size_t i) { return mote_array_count(a) == 1 ? 0 : i; }

static double bias_at(const bias_data *b, size_t i)
{
    if (b->scale == NULL)
        return (double)float_at(b->b, i);
    const int64_t zero = b->zero != NULL ? mote_array_i64(b->zero, index_of(b->zero, i)) : 0;
    return (double)(mote_array_i64(b->b, index_of(b->b, i)) - zero) * (double)float_at(b->scale, i);
}

/* Where the weights of output i lie, less their zero point: element k at base + k step, of n. */
typedef struct channel {
    size_t base, step, n;
    int64_t zero;
} channel;

static channel channel_of(const product *p, const mote_array *w, const mote_array *zero, size_t i)
{
    const size_t n = (size_t)p->outputs, count = mote_array_count(w) / n;
    const int64_t z = zero != NULL ? mote_array_i64(zero, index_of(zero, i)) : 0;
    return p->w_axis == 0 ? (channel){i * count, 1, count, z} : (channel){i, n, count, z};
}

/* What the sum of products and bias need at most, and what coarser weights, in units of 2^shift, would lose of the sum. */
static void reach_of(const mote_array *w, const channel *ch, double x_most, int shift, double *reach, double *loss)
{
    const double out = ldexp(1.0, -shift), in = ldexp(1.0, shift);
    const bool is_signed = w->dtype == MOTE_DTYPE_S8;
    const uint8_t *p = (const uint8_t *)w->data + ch->base;
    double lost = 0, coarse = 0;
    int64_t sum = 0;
    for (size_t k = 0; k < ch->n; k++, p += ch->step) {
        const int64_t v = (is_signed ? (int8_t)*p : *p) - ch->zero;
        sum += v < 0 ? -v : v;
        if (shift != 0) {
            const double kept = rint((double)v * out) * in;
            coarse += fabs(kept);
            lost += fabs((double)v - kept);
        }
    }
    *reach = (shift == 0 ? (double)sum : coarse) * x_most;
    *loss = lost * x_most;
}

typedef struct fit {
    int32_t *sums;  /* the bias in units of xs ws */
    float *scales;  /* ws, coarser where the sum needs it */
    uint8_t *w;     /* the weights in these scales */
    bool coarser;
} fit;

/* One output. A channel whose weights are all but 0 has a scale so small that its bias, in that unit, leaves no room for the products: such a one gets a
 * coarser unit, if what its weights lose by it is nothing that the output could show. */
static const char *fit_channel(const mote_qint *k, const product *p, const bias_data *b, const mote_array *w, const mote_array *zero, size_t i, fit *f)
{
    enum { SHIFT_MAX = 6 };
    const double step = (double)k->y.scale, least = mote_qtype_least(p->px.type), x_most = fmax(p->px.zero - least, least + 255 - p->px.zero);
    const channel ch = channel_of(p, w, zero, i);
    const double real = bias_at(b, i);
    for (int shift = 0; shift <= SHIFT_MAX; shift++) {
        const double unit = ldexp((double)p->px.scale * (double)f->scales[i], shift), whole = rint(real / unit);
        double reach, loss;
        reach_of(w, &ch, x_most, shift, &reach, &loss);
        if (!(fabs(whole) + ldexp(reach, -shift) <= 2147483647.0))
            continue;
        if (fabs(real - whole * unit) + ldexp(loss * unit, -shift) > step / 64)
            return "its bias is finer than the s32 sum";
        f->sums[i] = (int32_t)whole;
        if (shift == 0)
            return NULL;
        f->coarser = true;
        f->scales[i] = ldexpf(f->scales[i], shift);
        for (size_t j = 0; j < ch.n; j++) {
            const size_t at = ch.base + j * ch.step;
            f->w[at] = (uint8_t)(int64_t)(rint(ldexp((double)(mote_array_i64(w, at) - ch.zero), -shift)) + (double)ch.zero);
        }
        return NULL;
    }
    return "its bias does not fit into the s32 sum";
}

/* The bias as s32[outputs], and, where a channel needs it, weights and scales of their own. */
static mote_status fit_bias(const mote_qint *k, product *p, mote_value **out, const char **why)
{
    *out = NULL;
    *why = NULL;
    bias_data b;
    if (p->bias == NULL || !read_bias(p, &b, why))
        return MOTE_OK;
    const mote_array *w = mote_value_const(p->w_value), *ws = mote_value_const(p->ws_value), *zero = mote_value_const(p->wz_value);
    const size_t n = (size_t)p->outputs;
    mote_arena temp;
    mote_arena_init(&temp, k->c->module->heap);
    fit f = {.sums = mote_arena_calloc(&temp, n, sizeof *f.sums), .scales = mote_arena_calloc(&temp, n, sizeof *f.scales), .w = mote_arena_copy(&temp, w->data, w->bytes)};
    mote_status status = f.sums != NULL && f.scales != NULL && f.w != NULL ? MOTE_OK : MOTE_NO_MEMORY(k->c->diag, w->bytes);
    for (size_t i = 0; i < n && status == MOTE_OK; i++)
        f.scales[i] = float_at(ws, i);
    for (size_t i = 0; i < n && status == MOTE_OK && *why == NULL; i++)
        *why = fit_channel(k, p, &b, w, zero, i, &f);
    if (status == MOTE_OK && *why == NULL) {
        *out = mote_q_const(k->graph, MOTE_DTYPE_S32, n, f.sums);
        if (f.coarser) {
            mote_array copy = *w;
            copy.data = f.w;
            p->w_value = mote_graph_copy_constant(k->graph, MOTE_STR(""), &copy);
            p->ws_value = mote_q_const(k->graph, MOTE_DTYPE_F32, n, f.scales);
            if (p->w_value != NULL)
                p->w_value->is_folded = true;
        }
        if (*out == NULL || p->w_value == NULL || p->ws_value == NULL)
            status = MOTE_NO_MEMORY(k->c->diag, w->bytes);
    }
    mote_arena_deinit(&temp);
    return status;
}

/* Inputs 1 to 8 of QConv and QGemm, [qmin, qmax]. */
static mote_status set_params(const mote_qint *k, const product *p, mote_node *n, mote_value *bias)
{
    mote_value *zero;
    MOTE_TRY(mote_qint_zero(k, &zero));
    mote_value *in[8] = {p->px.scale_value, p->px.zero_value, p->w_value, p->ws_value, p->wz_value, k->y.scale_value, zero, bias};
    for (uint32_t i = 0; i < (bias != NULL ? 8 : 7); i++)
        mote_node_set_input(n, 1 + i, in[i]);
    const int32_t lo = mote_qparam_limit(&k->y, k->lo), hi = mote_qparam_limit(&k->y, k->hi), least = mote_qtype_least(k->y.type);
    if (lo != least || hi != least + 255) {
        MOTE_TRY(mote_node_set_int(n, "qmin", lo));
        MOTE_TRY(mote_node_set_int(n, "qmax", hi));
    }
    return MOTE_OK;
}

/* The weight says the kernel's shape. */
static mote_status copy_conv_attrs(mote_node *to, const mote_node *from)
{
    MOTE_TRY(mote_node_copy_attrs(to, from));
    mote_node_remove_attr(to, "kernel_shape");
    return MOTE_OK;
}

static mote_status make_conv(mote_qint *k, product *p)
{
    const mote_array *w = mote_value_const(p->w->in[0].value);
    p->outputs = w != NULL && w->rank >= 3 ? w->dims[0] : 0;
    p->w_axis = 0;
    mote_value *bias, *x, *y;
    if (!check_weight(p, &k->why))
        return MOTE_OK;
    if (w->rank < 3 || p->x->in[0].value->type.rank != w->rank) {
        k->why = "its input's rank is not known";
        return MOTE_OK;
    }
    MOTE_TRY(fit_bias(k, p, &bias, &k->why));
    if (k->why != NULL)
        return MOTE_OK;
    mote_node *n;
    MOTE_TRY(mote_qint_transpose(k, p->x->in[0].value, w->rank, true, &x));
    MOTE_TRY(mote_qint_node(k, "QConv", bias != NULL ? 9 : 8, &n));
    mote_node_set_input(n, 0, x);
    MOTE_TRY(copy_conv_attrs(n, p->node));
    MOTE_TRY(set_params(k, p, n, bias));
    MOTE_TRY(mote_qint_transpose(k, n->out[0], w->rank, false, &y));
    return mote_qint_finish(k, p->result, y);
}

static mote_status make_gemm(mote_qint *k, product *p, bool trans)
{
    const mote_array *w = mote_value_const(p->w->in[0].value);
    p->w_axis = trans ? 0 : 1;
    p->outputs = w != NULL && w->rank == 2 ? w->dims[p->w_axis] : 0;
    mote_value *bias;
    if (!check_weight(p, &k->why))
        return MOTE_OK;
    if (w->rank != 2 || p->x->in[0].value->type.rank < 2) {
        k->why = "its weight is no matrix, or its input none of rows";
        return MOTE_OK;
    }
    MOTE_TRY(fit_bias(k, p, &bias, &k->why));
    if (k->why != NULL)
        return MOTE_OK;
    mote_node *n;
    MOTE_TRY(mote_qint_node(k, "QGemm", bias != NULL ? 9 : 8, &n));
    mote_node_set_input(n, 0, p->x->in[0].value);
    MOTE_TRY(set_params(k, p, n, bias));
    if (trans)
        MOTE_TRY(mote_node_set_int(n, "transB", 1));
    return mote_qint_finish(k, p->result, n->out[0]);
}

/* ---- matching ---- */

/* MatMul -> Add of a constant: the constant is the bias. */
static void step_over_bias(product *p, mote_value **v)
{
    mote_node *add = (*v)->producer;
    if (!mote_node_is(add, "", "Add"))
        return;
    for (uint32_t i = 0; i < 2; i++) {
        mote_value *a = add->in[i].value, *b = add->in[1 - i].value;
        const mote_node *d = b->producer;
        const bool constant = mote_value_const(b) != NULL || (mote_is_dequantize(d) && mote_value_const(d->in[0].value) != NULL);
        if (constant && mote_node_is(a->producer, "", "MatMul") && mote_value_single_user(a) == add && b->type.rank >= 0 && b->type.rank <= a->type.rank) {
            p->bias = b;
            *v = a;
            return;
        }
    }
}

static bool plain_gemm(const mote_node *n)
{
    return mote_node_float(n, "alpha", 1.0f) == 1.0f && mote_node_int(n, "transA", 0) == 0 &&
           (mote_node_float(n, "beta", 1.0f) == 1.0f || n->n_in < 3 || n->in[2].value == NULL);
}

mote_status mote_qint_product(mote_qint *k)
{
    product p = {.result = k->q->in[0].value};
    mote_value *v = k->real;
    step_over_bias(&p, &v);
    p.node = v->producer;
    const bool conv = mote_node_is(p.node, "", "Conv"), gemm = mote_node_is(p.node, "", "Gemm");
    if (p.node == NULL || p.node->graph != k->graph || !(conv || gemm || mote_node_is(p.node, "", "MatMul")))
        return MOTE_OK;
    k->name = p.node->name;
    if (p.node->n_in < 2 || p.node->in[1].value == NULL)
        return MOTE_OK;
    if ((p.x = mote_dequantized(p.node->in[0].value, &p.px, &k->why)) == NULL)
        return MOTE_OK;
    p.w = p.node->in[1].value->producer;
    if (!mote_is_dequantize(p.w)) {
        k->why = "its weight is not dequantized";
        return MOTE_OK;
    }
    if (p.node->n_in > 2 && p.node->in[2].value != NULL)
        p.bias = p.node->in[2].value;
    if (gemm && !plain_gemm(p.node)) {
        k->why = "its alpha, beta or transA is not plain";
        return MOTE_OK;
    }
    return conv ? make_conv(k, &p) : make_gemm(k, &p, gemm && mote_node_int(p.node, "transB", 0) != 0);
}

/* ---- products whose result is float ---- */

/* The weight as [k, n], as MatMulInteger reads it. */
static mote_value *upright(mote_graph *g, const mote_array *w, bool trans, mote_value *as_it_is)
{
    if (!trans)
        return as_it_is;
    const size_t n = (size_t)w->dims[0], k = (size_t)w->dims[1];
    mote_array turned = *w;
    uint8_t *to = mote_arena_calloc(&g->module->arena, 1, w->bytes + 1);
    if (to == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < k; j++)
            to[j * n + i] = ((const uint8_t *)w->data)[i * k + j];
    turned.dims[0] = w->dims[1];
    turned.dims[1] = w->dims[0];
    turned.data = to;
    mote_value *v = mote_graph_add_constant(g, MOTE_STR(""), &turned);
    if (v != NULL)
        v->is_folded = true;
    return v;
}

static mote_value *two(mote_graph *g, mote_node *at, const char *op, mote_value *a, mote_value *b)
{
    mote_node *n = a == NULL || b == NULL ? NULL : mote_graph_add_node(g, at, "", op, 14, 2, 1, true);
    if (n == NULL)
        return NULL;
    mote_node_set_input(n, 0, a);
    mote_node_set_input(n, 1, b);
    n->out[0]->type = at->out[0]->type;
    return n->out[0];
}

mote_status mote_qint_to_float(mote_pass_context *c, mote_node *n)
{
    enum { DEPTH_MAX = 65536 }; /* 255 * 128 * DEPTH_MAX fits s32 */
    const bool gemm = mote_node_is(n, "", "Gemm"), trans = gemm && mote_node_int(n, "transB", 0) != 0;
    product p = {.node = n, .w_axis = trans ? 0 : 1};
    const char *why = NULL;
    if (n->n_in < 2 || n->in[1].value == NULL || (gemm && !plain_gemm(n)) || (p.x = mote_dequantized(n->in[0].value, &p.px, &why)) == NULL)
        return MOTE_OK;
    p.w = n->in[1].value->producer;
    const mote_array *w = mote_is_dequantize(p.w) ? mote_value_const(p.w->in[0].value) : NULL;
    if (w == NULL || w->data == NULL || w->rank != 2 || w->dims[1 - p.w_axis] > DEPTH_MAX || w->dims[1 - p.w_axis] < 1 ||
        n->in[0].value->type.rank < 2 || n->out[0]->type.dtype != MOTE_DTYPE_F32)
        return MOTE_OK;
    p.outputs = w->dims[p.w_axis];
    if (!check_weight(&p, &why))
        return MOTE_OK;
    const mote_array *ws = mote_value_const(p.ws_value);
    const size_t scales = mote_array_count(ws);
    float *scale = mote_arena_calloc(&c->module->arena, scales, sizeof *scale);
    mote_node *sum = mote_graph_add_node(n->graph, n, "", "MatMulInteger", 10, 4, 1, true);
    mote_node *real = sum == NULL ? NULL : mote_graph_add_node(n->graph, n, "", "Cast", 13, 1, 1, true);
    mote_value *b = upright(n->graph, w, trans, p.w_value);
    if (scale == NULL || real == NULL || b == NULL || mote_node_set_int(real, "to", MOTE_DTYPE_F32) != MOTE_OK)
        return MOTE_NO_MEMORY(c->diag, w->bytes);
    for (size_t i = 0; i < scales; i++)
        scale[i] = (float)((double)p.px.scale * (double)float_at(ws, i));
    mote_value *const in[4] = {p.x->in[0].value, b, p.px.zero_value, p.wz_value};
    for (uint32_t i = 0; i < 4; i++)
        mote_node_set_input(sum, i, in[i]);
    sum->name = real->name = n->name;
    sum->out[0]->type = real->out[0]->type = n->out[0]->type;
    sum->out[0]->type.dtype = MOTE_DTYPE_S32;
    mote_node_set_input(real, 0, sum->out[0]);
    mote_value *y = two(n->graph, n, "Mul", real->out[0], mote_q_const(n->graph, MOTE_DTYPE_F32, scales == 1 ? 0 : scales, scale));
    if (n->n_in > 2 && n->in[2].value != NULL)
        y = two(n->graph, n, "Add", y, n->in[2].value);
    if (y == NULL)
        return MOTE_NO_MEMORY(c->diag, 0);
    mote_value_replace(n->out[0], y);
    c->edits++;
    return MOTE_OK;
}

/* ---- QLinearConv, QLinearMatMul ---- */

mote_status mote_qint_operator(mote_pass_context *c, mote_node *n)
{
    mote_qint k = {.c = c, .graph = n->graph, .q = n, .name = n->name};
    const bool conv = mote_str_is(n->op, "QLinearConv");
    const mote_array *w = mote_value_const(n->in[3].value), *ws = mote_value_const(n->in[4].value);
    if (n->in[0].value == NULL)
        return MOTE_OK;
    const int32_t rank = n->in[0].value->type.rank;
    static const uint32_t single[] = {1, 2, 6, 7};
    for (size_t i = 0; i < 4; i++) {
        const mote_array *a = mote_value_const(n->in[single[i]].value);
        if (a == NULL || mote_array_count(a) != 1)
            return mote_q_stay(c, n, "a scale or zero point of its input or output is not one constant");
    }
    if (w == NULL || ws == NULL || ws->dtype != MOTE_DTYPE_F32 || mote_value_const(n->in[5].value) == NULL)
        return mote_q_stay(c, n, "its weight is not constant");
    if (conv ? rank != w->rank || rank < 3 : w->rank != 2 || rank < 2 || ws->rank > 1)
        return mote_q_stay(c, n, "its input or weight has a rank without an integer form");
    mote_node *form;
    mote_value *x = n->in[0].value, *y;
    if (conv)
        MOTE_TRY(mote_qint_transpose(&k, x, rank, true, &x));
    const bool bias = n->n_in > 8 && n->in[8].value != NULL;
    MOTE_TRY(mote_qint_node(&k, conv ? "QConv" : "QGemm", bias ? 9 : 8, &form));
    for (uint32_t i = 0; i < (bias ? 9 : 8); i++)
        mote_node_set_input(form, i, i == 0 ? x : n->in[i].value);
    y = form->out[0];
    if (conv) {
        MOTE_TRY(copy_conv_attrs(form, n));
        MOTE_TRY(mote_qint_transpose(&k, y, rank, false, &y));
    }
    y->type = n->out[0]->type;
    mote_value_replace(n->out[0], y);
    c->edits++;
    return MOTE_OK;
}
