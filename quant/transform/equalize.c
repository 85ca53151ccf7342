/* equalize.c - channels of tensors brought to ranges that one scale serves
 * SPDX-License-Identifier: Apache-2.0
 *
 * A tensor of 8 bits has one scale; where one channel reaches 40 and the next 0.5, the second is left with three levels. Channel c of what a convolution
 * makes is multiplied by s[c] (in its weights and bias), and divided again in the weights of the convolutions that read it: Nagel et al., "Data-Free
 * Quantization Through Weight Equalization and Bias Correction", 2019, here with s from the ranges of activations.
 *
 * Between the two may stand what lets factors pass: Relu, pools, squeeze-excite (GlobalAveragePool, whose first convolution takes 1/s, and the Mul by the gate,
 * which passes s on), and Add, which ties the channels of a residual stream together: everything that a stream connects is one group with one s.
 *
 * HardSwish lets none pass, but it is a function of one value: between what reads its quantized input and what quantizes its output, y = s hardswish(a x' + d)
 * by channel, in standard operators, takes factors off on one side and puts others on at the other. Where one convolution makes x for HardSwish alone, x' needs no
 * exact zero, and each channel's own stretch (what HardSwish flattens, below -3, left out) takes all the levels. */
#include "base/platform.h"
#include "quant/quantizer.h"
#include "passes/match.h"
#include <float.h>
#include <math.h>
#include <string.h>

static const double most = 64; /* the largest factor */

/* Values whose channels have one factor, and what is around them. */
typedef struct group {
    mote_value **values;
    mote_node **makers, **readers; /* convolutions: take s at their outputs; take 1/s */
    mote_node **made, **read;      /* HardSwish, alike */
    size_t n_values, n_makers, n_readers, n_made, n_read;
    int64_t channels;
    int32_t rank;
    uint8_t *marks; /* by value id: 1 a member of a group, or of what cannot be one */
    uint32_t n_marks;
} group;

/* ---- where factors can go ---- */

static bool is_conv(const mote_node *n)
{
    return mote_node_is(n, "", "Conv") && n->in[1].value != NULL && n->in[1].value->constant != NULL && n->in[1].value->constant->dtype == MOTE_DTYPE_F32 &&
           n->in[1].value->constant->rank >= 3;
}

static bool is_passing(const mote_node *n)
{
    return (mote_node_is(n, "", "Relu") || mote_node_is(n, "", "GlobalAveragePool") || mote_node_is(n, "", "AveragePool") || mote_node_is(n, "", "MaxPool")) &&
           n->n_out == 1;
}

/* The operand of a Mul that has one value a channel, the other its index; -1: none. */
static int gate_of(const mote_node *n)
{
    for (int g = 0; g < 2; g++) {
        const mote_value *gate = n->in[g].value, *x = n->in[1 - g].value;
        if (gate == NULL || x == NULL || gate == x || gate->type.rank != x->type.rank || x->type.rank < 3)
            continue;
        bool one = gate->type.dims[1] == x->type.dims[1], also = true;
        for (int32_t d = 2; d < gate->type.rank; d++) {
            one = one && gate->type.dims[d] == 1;
            also = also && x->type.dims[d] == 1;
        }
        if (one && !also)
            return g;
    }
    return -1;
}

static bool join(group *g, mote_value *v)
{
    if (v == NULL || v->id >= g->n_marks || v->constant != NULL || v->producer == NULL || v->type.dtype != MOTE_DTYPE_F32 || v->type.rank != g->rank || v->type.dims[1] != g->channels)
        return false;
    if (g->marks[v->id] == 0) {
        g->marks[v->id] = 1;
        g->values[g->n_values++] = v;
        return true;
    }
    for (size_t i = 0; i < g->n_values; i++)
        if (g->values[i] == v)
            return true;
    return false;
}

/* What makes v: its factor must come from somewhere. */
static bool look_up(group *g, const mote_value *v)
{
    mote_node *n = v->producer;
    if (n->graph != v->graph || v->output_index != 0)
        return false;
    if (is_conv(n)) {
        if (n->n_in > 2 && n->in[2].value != NULL && n->in[2].value->constant == NULL)
            return false;
        g->makers[g->n_makers++] = n;
        return true;
    }
    if (mote_node_is(n, "", "HardSwish")) {
        g->made[g->n_made++] = n;
        return true;
    }
    if (is_passing(n))
        return join(g, n->in[0].value);
    if (mote_node_is(n, "", "Add"))
        return join(g, n->in[0].value) && join(g, n->in[1].value);
    const int gate = mote_node_is(n, "", "Mul") ? gate_of(n) : -1;
    return gate >= 0 && join(g, n->in[1 - gate].value);
}

/* What reads v: someone must divide. */
static bool look_down(group *g, const mote_value *v)
{
    for (const mote_use *u = v->uses; u != NULL; u = u->next) {
        mote_node *n = u->node;
        if (n == NULL || n->graph != v->graph)
            return false;
        if (is_conv(n) && u->index == 0) {
            g->readers[g->n_readers++] = n;
        } else if (mote_node_is(n, "", "HardSwish")) {
            g->read[g->n_read++] = n;
        } else if (is_passing(n) || mote_node_is(n, "", "Add")) {
            if (!join(g, n->out[0]))
                return false;
        } else {
            const int gate = mote_node_is(n, "", "Mul") ? gate_of(n) : -1;
            if (gate < 0 || u->index != (uint32_t)(1 - gate) || !join(g, n->out[0]))
                return false;
        }
    }
    return v->uses != NULL;
}

/* The group that v belongs to. False: there is none whose factors all come and go. */
static bool gather(group *g, mote_value *v)
{
    bool whole = true;
    g->n_values = g->n_makers = g->n_readers = g->n_made = g->n_read = 0;
    g->rank = v->type.rank;
    g->channels = g->rank >= 3 ? v->type.dims[1] : 0;
    if (g->channels <= 1 || g->channels > 65536 || !join(g, v))
        return false;
    for (size_t i = 0; i < g->n_values; i++) {
        const bool up = look_up(g, g->values[i]), down = look_down(g, g->values[i]);
        whole = whole && up && down;
    }
    return whole && g->n_readers + g->n_read != 0;
}

/* Room for a group of any size, nothing marked. */
static mote_status prepare(mote_quantizer *q, group *g, mote_diag *diag)
{
    const mote_module *m = q->module;
    size_t uses = 0;
    for (const mote_node *n = m->graph->first; n != NULL; n = n->next)
        uses += n->n_in;
    *g = (group){.values = mote_arena_calloc(&q->arena, m->n_values + 1, sizeof(mote_value *)),
                 .makers = mote_arena_calloc(&q->arena, m->n_values + 1, sizeof(mote_node *)),
                 .made = mote_arena_calloc(&q->arena, m->n_values + 1, sizeof(mote_node *)),
                 .read = mote_arena_calloc(&q->arena, uses + 1, sizeof(mote_node *)),
                 .readers = mote_arena_calloc(&q->arena, uses + 1, sizeof(mote_node *)),
                 .marks = mote_arena_calloc(&q->arena, m->n_values + 1, 1), .n_marks = m->n_values};
    return g->values != NULL && g->makers != NULL && g->made != NULL && g->read != NULL && g->readers != NULL && g->marks != NULL ? MOTE_OK : MOTE_NO_MEMORY(diag, m->n_values);
}

/* Whether v's factor is worth a look: it gets a scale of its own. */
static bool has_scale(const mote_quantizer *q, const mote_value *v) { return v->id < q->n_values && q->values[v->id].wanted && q->values[v->id].root == v->id; }

mote_status mote_quant_find_groups(mote_quantizer *q, mote_diag *diag)
{
    group g;
    MOTE_TRY(prepare(q, &g, diag));
    q->channels = mote_arena_calloc(&q->arena, q->module->n_values + 1, sizeof *q->channels);
    if (q->channels == NULL)
        return MOTE_NO_MEMORY(diag, q->module->n_values * sizeof *q->channels);
    for (mote_node *k = q->module->graph->first; k != NULL; k = k->next) {
        if (!(is_conv(k) || mote_node_is(k, "", "HardSwish")) || g.marks[k->out[0]->id] != 0 || !gather(&g, k->out[0]))
            continue;
        for (size_t i = 0; i < g.n_values; i++) {
            if (!has_scale(q, g.values[i]))
                continue;
            mote_channel_ranges *c = &q->channels[q->n_channels];
            const mote_node *user = mote_value_single_user(g.values[i]);
            c->value = g.values[i];
            c->swish = user != NULL && mote_node_is(user, "", "HardSwish");
            c->n = (size_t)g.channels;
            c->channels = mote_arena_calloc(&q->arena, c->n, sizeof *c->channels);
            if (c->channels == NULL)
                return MOTE_NO_MEMORY(diag, c->n * sizeof *c->channels);
            for (size_t ch = 0; ch < c->n; ch++)
                c->channels[ch].exponent = -100;
            q->n_channels++;
        }
    }
    return MOTE_OK;
}

/* ---- factors ---- */

/* What counts in choosing: a tensor with a scale, and a convolution that reads. */
typedef struct tensor {
    const mote_channel_ranges *seen;
    double *lo, *hi;    /* by channel: the stretch that is worth levels, of least error, not the extremes */
    double *through;    /* by channel: what becomes of noise of variance 1 at the readers, beside their signals */
    double *held;       /* by channel: the square of half of what it reached, which rounding cannot exceed */
} tensor;

typedef struct choice {
    const mote_quantizer *q;
    group *g;
    tensor *tensors;
    size_t n_tensors, n; /* n: channels */
    double *energy;      /* by reader and channel: mean square of what it reads; 0: not known */
    double *share;       /* by reader: 1 / the mean square of what it makes, summed over outputs */
    double swish_share;  /* of HardSwish as a reader */
} choice;

static const mote_channel_ranges *seen_of(const mote_quantizer *q, const mote_value *v)
{
    for (size_t i = 0; i < q->n_channels; i++)
        if (q->channels[i].value == v)
            return &q->channels[i];
    return NULL;
}

/* Noise in v reaches the readers of v and of what is made of it; HardSwish, in every channel alike. A mean over a plane takes it away. */
static void follow(const choice *c, const mote_value *v, double *through, int depth)
{
    for (const mote_use *u = v->uses; u != NULL && depth > 0; u = u->next) {
        if (u->node == NULL)
            continue;
        bool reads = mote_node_is(u->node, "", "HardSwish");
        for (size_t ch = 0; reads && ch < c->n; ch++)
            through[ch] += c->swish_share;
        for (size_t r = 0; r < c->g->n_readers; r++)
            if (c->g->readers[r] == u->node && u->index == 0 && !reads) {
                mote_quant_add_energy(u->node, c->share[r], through);
                reads = true;
            }
        if (!reads && !mote_node_is(u->node, "", "GlobalAveragePool") && u->node->n_out == 1)
            for (size_t i = 0; i < c->g->n_values; i++)
                if (c->g->values[i] == u->node->out[0])
                    follow(c, u->node->out[0], through, depth - 1);
    }
}

/* Means do not count: biases are corrected. */
static double variance(const mote_channel *c)
{
    const double n = (double)c->count, mean = n > 0 ? c->sum / n : 0;
    return n > 0 ? fmax(c->squares / n - mean * mean, 0) : 0;
}

static void measure(choice *c)
{
    enum { DEPTH = 6 }; /* what a residual stream carries on counts less and less beside what it becomes */
    for (size_t r = 0; r < c->g->n_readers; r++) {
        const mote_node *n = c->g->readers[r];
        const mote_channel_ranges *x = seen_of(c->q, n->in[0].value);
        double *energy = c->energy + r * c->n, *signal = c->energy + c->g->n_readers * c->n, all = 0;
        for (size_t ch = 0; x != NULL && ch < c->n; ch++)
            energy[ch] = variance(&x->channels[ch]);
        memset(signal, 0, c->n * sizeof *signal);
        mote_quant_add_energy(n, 1, signal);
        for (size_t ch = 0; ch < c->n; ch++)
            all += signal[ch] * energy[ch];
        c->share[r] = all > 0 ? 1 / all : 0;
    }
    for (size_t t = 0; t < c->n_tensors; t++) {
        const tensor *x = &c->tensors[t];
        double all = 0;
        for (size_t ch = 0; ch < c->n; ch++)
            all += variance(&x->seen->channels[ch]);
        c->swish_share = all > 0 ? 1 / all : 0;
        for (size_t ch = 0; ch < c->n; ch++) {
            const mote_channel *k = &x->seen->channels[ch];
            const mote_range r = mote_range_least_mse(k->bins, MOTE_CHANNEL_BINS, ldexp(2.0 / MOTE_CHANNEL_BINS, k->exponent), (double)k->lo, (double)k->hi, 256,
                                                      x->seen->swish ? mote_range_hardswish : NULL, 0);
            x->lo[ch] = fmin((double)r.lo, 0);
            x->hi[ch] = fmax((double)r.hi, 0);
            if (x->seen->swish)
                x->lo[ch] = fmax(x->lo[ch], -3);
            x->held[ch] = (x->hi[ch] - x->lo[ch]) * (x->hi[ch] - x->lo[ch]) / 4;
        }
        follow(c, x->seen->value, x->through, DEPTH);
    }
}

/* The noise of rounding at the readers' outputs, beside their signals: of activations through the weights, of weights under the activations. */
static double cost_of(const choice *c, const double *s)
{
    double cost = 0;
    for (size_t t = 0; t < c->n_tensors; t++) {
        const tensor *x = &c->tensors[t];
        double lo = 0, hi = 0;
        for (size_t ch = 0; ch < c->n; ch++) {
            lo = fmin(lo, x->lo[ch] * s[ch]);
            hi = fmax(hi, x->hi[ch] * s[ch]);
        }
        const double step = (hi - lo) / 255;
        for (size_t ch = 0; ch < c->n; ch++) /* a channel that rounds to one value loses no more than it held */
            cost += x->through[ch] * fmin(step * step / (12 * s[ch] * s[ch]), x->held[ch]);
    }
    for (size_t r = 0; r < c->g->n_readers; r++) {
        const mote_node *n = c->g->readers[r];
        const mote_array *a = n->in[1].value->constant;
        const double *energy = c->energy + r * c->n;
        const mote_conv_weight w = mote_quant_conv_weight(n);
        double sum = 0, whole = 0, under_all = 0;
        for (size_t o = 0; o < w.m && c->share[r] > 0; o++) {
            double largest = 0, under = 0;
            for (size_t i = 0; i < w.per; i++) {
                const size_t ch = o / w.m_per * w.per + i;
                for (size_t e = 0; e < w.inner; e++)
                    largest = fmax(largest, fabs(mote_array_f64(a, (o * w.per + i) * w.inner + e)) / s[ch]);
                under += energy[ch] * s[ch] * s[ch] * (double)w.inner;
            }
            sum += largest * largest * under;
            whole = fmax(whole, largest);
            under_all += under;
        }
        cost += c->share[r] * (c->q->o.per_tensor ? whole * whole * under_all : sum) / (12 * 127.0 * 127);
    }
    return cost;
}

/* Factors that take every channel's stretch to [-low, 1 - low] of one range, to the power alpha, and weights to one size, to the power 1 - alpha. */
static bool factors(const choice *c, double low, double alpha, const double *weight, const double *whole, double *s)
{
    double least = INFINITY;
    for (size_t ch = 0; ch < c->n; ch++) {
        double width = 0;
        for (size_t t = 0; t < c->n_tensors; t++)
            if (whole[t] > 0) {
                const double up = c->tensors[t].hi[ch] / (1 - low), down = -c->tensors[t].lo[ch] / low, here = fmax(up, down) / whole[t];
                width = fmax(width, here > 1e-6 ? here : 0); /* less: nothing comes through */
            }
        s[ch] = width > 0 && weight[ch] > 0 ? pow(weight[ch], 1 - alpha) / pow(width, alpha) : 0;
        if (s[ch] > 0)
            least = fmin(least, s[ch]);
    }
    for (size_t ch = 0; ch < c->n; ch++)
        s[ch] = fmin(s[ch] > 0 ? s[ch] / least : 1, most);
    return least < INFINITY;
}

static mote_status choose(mote_quantizer *q, choice *c, float *out, mote_diag *diag)
{
    double *weight = mote_arena_calloc(&q->arena, 3 * c->n + c->n_tensors, sizeof *weight), *s = weight + c->n, *best = s + c->n, *whole = best + c->n;
    if (weight == NULL)
        return MOTE_NO_MEMORY(diag, 3 * c->n * sizeof *weight);
    for (size_t t = 0; t < c->n_tensors; t++) {
        double lo = 0, hi = 0;
        for (size_t ch = 0; ch < c->n; ch++) {
            lo = fmin(lo, c->tensors[t].lo[ch]);
            hi = fmax(hi, c->tensors[t].hi[ch]);
        }
        whole[t] = hi - lo;
    }
    for (size_t r = 0; r < c->g->n_readers; r++) {
        const mote_array *a = c->g->readers[r]->in[1].value->constant;
        const mote_conv_weight w = mote_quant_conv_weight(c->g->readers[r]);
        for (size_t k = 0; k < w.m * w.per * w.inner; k++) {
            const size_t row = k / w.inner, ch = row / w.per / w.m_per * w.per + row % w.per;
            weight[ch] = fmax(weight[ch], fabs(mote_array_f64(a, k)));
        }
    }
    for (size_t ch = 0; ch < c->n; ch++)
        best[ch] = s[ch] = 1;
    double least = cost_of(c, s); /* as it is may be best */
    for (int alpha = 0; alpha <= 10; alpha++)
        for (int low = 1; low < 10; low++) {
            if (!factors(c, low / 10.0, alpha / 10.0, weight, whole, s))
                continue;
            const double cost = cost_of(c, s);
            if (cost < least) {
                least = cost;
                memcpy(best, s, c->n * sizeof *best);
            }
        }
    for (size_t ch = 0; ch < c->n; ch++)
        out[ch] = (float)best[ch];
    return MOTE_OK;
}

static mote_status scale_weight(mote_quantizer *q, mote_node *n, const float *s, bool outputs, mote_diag *diag)
{
    const mote_array *a = n->in[1].value->constant;
    const mote_conv_weight c = mote_quant_conv_weight(n);
    float *w = mote_quant_floats(&q->arena, a);
    if (w == NULL)
        return MOTE_NO_MEMORY(diag, a->bytes);
    for (size_t o = 0; o < c.m; o++)
        for (size_t i = 0; i < c.per; i++)
            for (size_t k = 0; k < c.inner; k++)
                w[(o * c.per + i) * c.inner + k] *= outputs ? s[o] : 1 / s[o / c.m_per * c.per + i];
    mote_value *v = mote_quant_constant(n->graph, MOTE_DTYPE_F32, a->rank, a->dims, w);
    if (v == NULL)
        return MOTE_NO_MEMORY(diag, a->bytes);
    mote_node_set_input(n, 1, v);
    const mote_array *b = n->n_in > 2 && n->in[2].value != NULL ? n->in[2].value->constant : NULL;
    if (!outputs || b == NULL)
        return MOTE_OK;
    float *bias = mote_quant_floats(&q->arena, b);
    for (size_t o = 0; bias != NULL && o < c.m; o++)
        bias[o] *= s[o];
    v = bias == NULL ? NULL : mote_quant_constant(n->graph, MOTE_DTYPE_F32, 1, b->dims, bias);
    if (v == NULL)
        return MOTE_NO_MEMORY(diag, b->bytes);
    mote_node_set_input(n, 2, v);
    return MOTE_OK;
}

/* The bias, which may be missing, less by[c] s[c]. */
static mote_status shift_bias(mote_quantizer *q, mote_node *n, const float *by, const float *s, mote_diag *diag)
{
    const mote_array *b = n->n_in > 2 && n->in[2].value != NULL ? n->in[2].value->constant : NULL;
    const int64_t m = n->in[1].value->constant->dims[0];
    float *bias = mote_arena_calloc(&q->arena, (size_t)m, sizeof *bias);
    for (size_t c = 0; bias != NULL && c < (size_t)m; c++)
        bias[c] = (b != NULL ? (float)mote_array_f64(b, c) : 0) - by[c] * s[c];
    mote_value *v = bias == NULL ? NULL : mote_quant_constant(n->graph, MOTE_DTYPE_F32, 1, &m, bias);
    if (v == NULL)
        return MOTE_NO_MEMORY(diag, (size_t)m * sizeof *bias);
    if (n->n_in < 3)
        MOTE_TRY(mote_node_resize_inputs(n, 3));
    mote_node_set_input(n, 2, v);
    return MOTE_OK;
}

/* ---- HardSwish, opened ---- */

/* y = s hardswish(a x + d) by channel; NULL: 1, 0. */
typedef struct opening {
    mote_node *swish;
    const float *a, *d, *s;
} opening;

static opening *opening_of(opening *all, size_t *n, mote_node *swish)
{
    for (size_t i = 0; i < *n; i++)
        if (all[i].swish == swish)
            return &all[i];
    all[*n] = (opening){swish, NULL, NULL, NULL};
    return &all[(*n)++];
}

/* x op c, c by channel, before `at`. NULL: no memory. */
static mote_value *by_channel(mote_quantizer *q, mote_node *at, const char *op, mote_value *x, const float *c, size_t n, float otherwise)
{
    int64_t dims[MOTE_MAX_RANK];
    const int32_t rank = x->type.rank - 1; /* [c, 1 ...] */
    float *values = mote_arena_calloc(&q->arena, n, sizeof *values);
    for (int32_t d = 0; d < rank; d++)
        dims[d] = d == 0 ? (int64_t)n : 1;
    for (size_t i = 0; values != NULL && i < n; i++)
        values[i] = c != NULL ? c[i] : otherwise;
    mote_value *k = values == NULL ? NULL : mote_quant_constant(at->graph, MOTE_DTYPE_F32, rank, dims, values);
    mote_value *const in[2] = {x, k};
    mote_node *y = k == NULL ? NULL : mote_quant_node(at->graph, at, op, 13, 2, in);
    if (y == NULL)
        return NULL;
    y->out[0]->type = x->type;
    return y->out[0];
}

static mote_status open_swish(mote_quantizer *q, const opening *o, mote_diag *diag)
{
    mote_node *swish = o->swish;
    const size_t n = (size_t)swish->in[0].value->type.dims[1];
    mote_value *x = by_channel(q, swish, "Mul", swish->in[0].value, o->a, n, 1);
    x = x == NULL ? NULL : by_channel(q, swish, "Add", x, o->d, n, 0);
    if (x == NULL)
        return MOTE_NO_MEMORY(diag, n * sizeof(float));
    mote_node_set_input(swish, 0, x);
    if (o->s == NULL)
        return MOTE_OK;
    mote_value *const in[1] = {x};
    mote_node *inner = mote_quant_node(swish->graph, swish, "HardSwish", 14, 1, in);
    if (inner == NULL)
        return MOTE_NO_MEMORY(diag, 0);
    inner->out[0]->type = swish->out[0]->type;
    mote_value *y = by_channel(q, swish, "Mul", inner->out[0], o->s, n, 1);
    if (y == NULL)
        return MOTE_NO_MEMORY(diag, n * sizeof(float));
    y->producer->name = swish->name;
    mote_value_replace(swish->out[0], y);
    mote_node_remove(swish);
    return MOTE_OK;
}

/* One convolution makes x for HardSwish alone: x' = (x - lo) top / (hi - lo), lo and hi the channel's own. */
static mote_status stretch(mote_quantizer *q, const group *g, opening *o, mote_diag *diag)
{
    const mote_channel_ranges *seen = seen_of(q, g->values[0]);
    const size_t n = (size_t)g->channels;
    float *lo = mote_arena_calloc(&q->arena, 3 * n, sizeof *lo), *a = lo + n, *s = a + n, top = 0;
    mote_node *conv = g->makers[0];
    if (seen == NULL)
        return MOTE_OK;
    if (lo == NULL)
        return MOTE_NO_MEMORY(diag, 3 * n * sizeof *lo);
    for (size_t c = 0; c < n; c++) {
        const mote_channel *k = &seen->channels[c];
        const mote_range r = mote_range_least_mse(k->bins, MOTE_CHANNEL_BINS, ldexp(2.0 / MOTE_CHANNEL_BINS, k->exponent), (double)k->lo, (double)k->hi, 256, mote_range_hardswish, 0);
        lo[c] = fmaxf(fmaxf(k->lo, r.lo < 0 ? r.lo : k->lo), -3);
        a[c] = fminf(k->hi, r.hi > 0 ? r.hi : k->hi) - lo[c];
        top = fmaxf(top, a[c]);
    }
    if (!(top > 0)) /* flat everywhere */
        return MOTE_OK;
    for (size_t c = 0; c < n; c++) {
        a[c] = fmaxf(a[c] / top, 1 / 4096.0f);
        s[c] = 1 / a[c];
    }
    MOTE_TRY(scale_weight(q, conv, s, true, diag));
    MOTE_TRY(shift_bias(q, conv, lo, s, diag));
    o->a = a;
    o->d = lo;
    return MOTE_OK;
}

static mote_status equalize(mote_quantizer *q, group *g, opening *open, size_t *n_open, mote_diag *diag)
{
    if (g->n_values == 1 && g->n_makers == 1 && g->n_readers == 0 && g->n_read == 1)
        return stretch(q, g, opening_of(open, n_open, g->read[0]), diag);
    choice c = {.q = q, .g = g, .n = (size_t)g->channels};
    c.tensors = mote_arena_calloc(&q->arena, g->n_values, sizeof *c.tensors);
    c.energy = mote_arena_calloc(&q->arena, (g->n_readers + 1) * c.n, sizeof *c.energy);
    c.share = mote_arena_calloc(&q->arena, g->n_readers, sizeof *c.share);
    float *s = mote_arena_calloc(&q->arena, c.n, sizeof *s);
    if (c.tensors == NULL || c.energy == NULL || c.share == NULL || s == NULL)
        return MOTE_NO_MEMORY(diag, (g->n_readers + 1) * c.n * sizeof *c.energy);
    for (size_t i = 0; i < g->n_values; i++) {
        const mote_channel_ranges *seen = seen_of(q, g->values[i]);
        tensor *t = &c.tensors[c.n_tensors];
        if (seen == NULL)
            continue;
        t->seen = seen;
        t->lo = mote_arena_calloc(&q->arena, 4 * c.n, sizeof *t->lo);
        if (t->lo == NULL)
            return MOTE_NO_MEMORY(diag, 4 * c.n * sizeof *t->lo);
        t->hi = t->lo + c.n;
        t->through = t->hi + c.n;
        t->held = t->through + c.n;
        c.n_tensors++;
    }
    if (c.n_tensors == 0)
        return MOTE_OK;
    measure(&c);
    MOTE_TRY(choose(q, &c, s, diag));
    for (size_t i = 0; i < g->n_makers; i++)
        MOTE_TRY(scale_weight(q, g->makers[i], s, true, diag));
    for (size_t i = 0; i < g->n_readers; i++)
        MOTE_TRY(scale_weight(q, g->readers[i], s, false, diag));
    for (size_t i = 0; i < g->n_made; i++)
        opening_of(open, n_open, g->made[i])->s = s;
    if (g->n_read == 0)
        return MOTE_OK;
    float *inverse = mote_arena_calloc(&q->arena, c.n, sizeof *inverse);
    for (size_t ch = 0; inverse != NULL && ch < c.n; ch++)
        inverse[ch] = 1 / s[ch];
    for (size_t i = 0; i < g->n_read; i++)
        opening_of(open, n_open, g->read[i])->a = inverse;
    return inverse != NULL ? MOTE_OK : MOTE_NO_MEMORY(diag, c.n * sizeof *inverse);
}

mote_status mote_quant_equalize(mote_quantizer *q, mote_diag *diag)
{
    group g;
    const size_t n = q->n_channels;
    MOTE_TRY(prepare(q, &g, diag));
    opening *open = mote_arena_calloc(&q->arena, q->module->n_nodes + 1, sizeof *open);
    size_t n_open = 0;
    if (open == NULL)
        return MOTE_NO_MEMORY(diag, q->module->n_nodes * sizeof *open);
    for (size_t i = 0; i < n; i++) {
        mote_value *v = q->channels[i].value;
        if (v->id < g.n_marks && g.marks[v->id] == 0 && gather(&g, v))
            MOTE_TRY(equalize(q, &g, open, &n_open, diag));
    }
    for (size_t i = 0; i < n_open; i++)
        if (open[i].a != NULL || open[i].s != NULL)
            MOTE_TRY(open_swish(q, &open[i], diag));
    return MOTE_OK;
}
