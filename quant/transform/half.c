/* half.c - weights and arithmetic in float16
 * SPDX-License-Identifier: Apache-2.0
 *
 * A node computes in float16 when its definition allows it, its constants keep their meaning there, and nothing that it reads or gives was seen beyond half of
 * float16's largest value. The model's inputs and outputs keep their types. Casts stand where the two kinds meet. Under a recipe, nodes that it does not name and that
 * are no products follow what they read. */
#include "base/platform.h"
#include "quant/quantizer.h"
#include "ops/op.h"
#include "ops/signature.h"
#include "passes/match.h"
#include <math.h>
#include <string.h>

static const double largest = 65504, least = 0x1p-24, margin = 2;

typedef struct half {
    mote_quantizer *q;
    mote_graph *g;
    bool *nodes;         /* by id: computes in float16 */
    mote_value **other;  /* by value id: the same in the other type, once made */
    uint32_t n_nodes, n_values;
    mote_diag *diag;
} half;

static bool is_real(const mote_value *v) { return v != NULL && v->type.kind == MOTE_KIND_TENSOR && v->type.dtype == MOTE_DTYPE_F32; }

static bool seen_fits(const half *h, const mote_value *v)
{
    mote_observation seen = MOTE_OBSERVATION_INIT;
    const mote_node *d = v->producer, *s = d != NULL && mote_node_is(d, "", "DequantizeLinear") ? d->in[0].value->producer : NULL;
    if (s != NULL && mote_node_is(s, "", "QuantizeLinear"))
        v = s->in[0].value;
    if (h->q->seen == NULL || mote_observer_find(h->q->seen, v->name.p, &seen) != MOTE_OK)
        return true;
    return seen.nans == 0 && seen.infinities == 0 && fmax(fabs((double)seen.min), fabs((double)seen.max)) <= largest / margin;
}

/* Whether float16 keeps what a constant says. Masks may be cut: what is added to a score, or chosen instead of it, is only large. */
static bool constant_fits(const mote_node *n, const mote_array *a)
{
    static const char *const masks[] = {"Add", "Where", "Clip", "Max", "Min", "Pad", NULL};
    bool cut = false;
    for (const char *const *m = masks; *m != NULL; m++)
        cut |= mote_str_is(n->op, *m);
    for (size_t i = 0, count = mote_array_count(a); i < count; i++) {
        const double x = fabs(mote_array_f64(a, i));
        if (x > largest && !(cut && x >= 1e9))
            return false;
        if (count == 1 && x != 0 && x < least * 64) /* an epsilon */
            return false;
    }
    return true;
}

/* Whether every f32 among these arguments may be float16 instead. */
static bool takes_half(const mote_op_def *def, const char *text, size_t i)
{
    mote_signature s;
    if (mote_signature_read(def, text, &s) != MOTE_OK)
        return false;
    const mote_op_arg *arg = mote_signature_arg(&s, i);
    return arg != NULL && arg->kind == MOTE_KIND_TENSOR && arg->var >= 0 && mote_dtype_in(MOTE_DTYPE_F16, def->types[arg->var].dtypes);
}

static bool is_fixed(const mote_op_def *def, size_t i)
{
    mote_signature s;
    const mote_op_arg *arg = mote_signature_read(def, def->in, &s) == MOTE_OK ? mote_signature_arg(&s, i) : NULL;
    return arg != NULL && arg->var < 0;
}

/* Whether the plan has n in float16. */
static bool asked_half(const half *h, const mote_node *n)
{
    static const char *const products[] = {"Conv", "Gemm", "MatMul"};
    const mote_quantizer *q = h->q;
    const mote_plan *p = mote_quant_plan_of(q, n);
    if (n->id >= q->n_nodes || q->quantized[n->id] || q->owned[n->id])
        return false;
    if (p->precision == MOTE_PRECISION_F16)
        return true;
    for (size_t i = 0; i < sizeof products / sizeof products[0]; i++)
        if (mote_node_is(n, "", products[i]))
            return false;
    size_t halves = 0, others = 0;
    for (uint32_t i = 0; i < n->n_in && !p->ruled; i++) {
        const mote_value *v = n->in[i].value;
        if (!is_real(v) || v->constant != NULL)
            continue;
        const bool half_made = v->producer != NULL && v->producer->graph == h->g && v->producer->id < h->n_nodes && h->nodes[v->producer->id];
        halves += half_made;
        others += !half_made;
    }
    return halves != 0 && (others == 0 || p->precision == MOTE_PRECISION_INT8);
}

static bool computes_half(const half *h, const mote_node *n)
{
    static const char *const never[] = {"Cast", "CastLike", "Resize", "Range", "ConstantOfShape", "CumSum", NULL};
    if (n->domain.n != 0 || n->def == NULL || (n->def->flags & (MOTE_OP_CONTROL | MOTE_OP_RANDOM)) != 0 || mote_quant_kept(h->q, n) || !asked_half(h, n))
        return false;
    for (const char *const *m = never; *m != NULL; m++)
        if (mote_str_is(n->op, *m))
            return false;
    bool any = false;
    for (uint32_t i = 0; i < n->n_in; i++) {
        const mote_value *v = n->in[i].value;
        if (!is_real(v) || is_fixed(n->def, i))
            continue;
        any = true;
        if (!takes_half(n->def, n->def->in, i) || (v->constant != NULL ? !constant_fits(n, v->constant) : !seen_fits(h, v)))
            return false;
    }
    for (uint32_t i = 0; i < n->n_out; i++)
        if (is_real(n->out[i]) && (!takes_half(n->def, n->def->out, i) || !seen_fits(h, n->out[i])))
            return false;
    return any;
}

static mote_value *cast(half *h, mote_node *before, mote_value *v, mote_dtype to)
{
    mote_node *n = mote_quant_node(h->g, before, "Cast", 13, 1, &v);
    if (n == NULL || mote_node_set_int(n, "to", to) != MOTE_OK)
        return NULL;
    n->out[0]->type = v->type;
    n->out[0]->type.dtype = to;
    return n->out[0];
}

static mote_value *half_constant(half *h, const mote_value *v)
{
    const mote_array *a = v->constant;
    mote_array to;
    if (mote_array_shape(&to, MOTE_DTYPE_F16, a->rank, a->dims, h->diag) != MOTE_OK)
        return NULL;
    void *data = mote_arena_calloc(&h->q->arena, 1, to.bytes + 1);
    for (size_t i = 0, n = mote_array_count(a); data != NULL && i < n; i++)
        mote_dtype_from_f64(MOTE_DTYPE_F16, data, i, fmax(-largest, fmin(largest, mote_array_f64(a, i))));
    return data == NULL ? NULL : mote_quant_constant(h->g, MOTE_DTYPE_F16, a->rank, a->dims, data);
}

/* v in float16 for a node of the main graph. */
static mote_value *in_half(half *h, mote_value *v)
{
    if (v->type.dtype == MOTE_DTYPE_F16 || v->id >= h->n_values)
        return v;
    if (h->other[v->id] == NULL)
        h->other[v->id] = v->constant != NULL && v->producer == NULL ? half_constant(h, v)
                                                                     : cast(h, v->producer != NULL ? v->producer->next : h->g->first, v, MOTE_DTYPE_F16);
    return h->other[v->id];
}

static bool is_half_node(const half *h, const mote_node *n) { return n != NULL && n->graph == h->g && n->id < h->n_nodes && h->nodes[n->id]; }

/* A float16 value for those who compute in float. */
static mote_status serve_float(half *h, mote_value *v)
{
    mote_value *wide = NULL;
    bool output = false;
    for (mote_use *u = v->uses, *next; u != NULL; u = next) {
        next = u->next;
        if (u->node != NULL && is_half_node(h, u->node) && !is_fixed(u->node->def, u->index))
            continue;
        if (u->node != NULL && mote_node_is(u->node, "", "Cast") && u->node->id >= h->n_nodes)
            continue;
        if (wide == NULL && (wide = cast(h, v->producer->next, v, MOTE_DTYPE_F32)) == NULL)
            return MOTE_NO_MEMORY(h->diag, 0);
        if (u->node == NULL)
            output = true;
        else
            mote_node_set_input(u->node, u->index, wide);
    }
    if (output) {
        mote_node *c = wide->producer;
        /* what reads v keeps reading it; the output, with its name, is the Cast's */
        mote_value_replace(v, wide);
        for (mote_use *u = wide->uses, *next; u != NULL; u = next) {
            next = u->next;
            if (u->node != NULL && is_half_node(h, u->node) && !is_fixed(u->node->def, u->index))
                mote_node_set_input(u->node, u->index, v);
        }
        mote_node_set_input(c, 0, v);
    }
    return MOTE_OK;
}

mote_status mote_quant_half(mote_quantizer *q, mote_diag *diag)
{
    mote_module *m = q->module;
    half h = {q, m->graph, mote_arena_calloc(&q->arena, m->n_nodes + 1, sizeof(bool)), mote_arena_calloc(&q->arena, m->n_values + 1, sizeof(mote_value *)),
              m->n_nodes, m->n_values, diag};
    if (h.nodes == NULL || h.other == NULL)
        return MOTE_NO_MEMORY(diag, m->n_values * sizeof(mote_value *));
    for (mote_node *n = h.g->first; n != NULL; n = n->next)
        h.nodes[n->id] = computes_half(&h, n);
    for (size_t i = 0; i < q->n_layers; i++)
        if (mote_layer_takes(&q->layers[i], MOTE_PRECISION_F16) && !h.nodes[q->layers[i].node->id])
            q->layers[i].why = "its values do not fit float16";
    for (mote_node *n = h.g->first, *next; n != NULL; n = next) {
        next = n->next;
        if (!is_half_node(&h, n))
            continue;
        for (uint32_t i = 0; i < n->n_in; i++) {
            mote_value *v = n->in[i].value;
            if (!is_real(v) || is_fixed(n->def, i))
                continue;
            if ((v = in_half(&h, v)) == NULL)
                return MOTE_NO_MEMORY(diag, 0);
            mote_node_set_input(n, i, v);
        }
        for (uint32_t i = 0; i < n->n_out; i++)
            if (is_real(n->out[i]))
                n->out[i]->type.dtype = MOTE_DTYPE_F16;
    }
    for (mote_value *v = h.g->values, *next; v != NULL; v = next) {
        next = v->next;
        if (v->id < h.n_values && v->producer != NULL && is_half_node(&h, v->producer) && v->type.dtype == MOTE_DTYPE_F16)
            MOTE_TRY(serve_float(&h, v));
    }
    mote_quant_sweep(h.g);
    return mote_graph_sort(h.g, diag);
}
