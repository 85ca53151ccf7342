/* equalize.c - channels of one tensor brought to ranges that one scale serves
 * SPDX-License-Identifier: Apache-2.0
 *
 * A tensor of 8 bits has one scale; where one channel reaches 40 and the next 0.5, the second is left with three levels. Channel c of what a convolution
 * makes is multiplied by s[c] (in its weights and bias), and divided again in the weights of the convolutions that read it: Nagel et al., "Data-Free
 * Quantization Through Weight Equalization and Bias Correction", 2019, here with s from the ranges of activations.
 *
 * Between the two may stand what lets factors pass: Relu, pools, and squeeze-excite (GlobalAveragePool, whose first convolution takes 1/s, and the Mul
 * by the gate, which passes s on). HardSwish does not, but y = s hardswish(x) is x' hardsigmoid(x' / s) for x' = s x, three standard operators and still a
 * function of one quantized value by channel. What decides for it is the stretch of x that it does not flatten, from -3 up. */
#include "base/platform.h"
#include "quant/quantizer.h"
#include "passes/match.h"
#include <float.h>
#include <math.h>
#include <string.h>

enum { DEPTH = 8 };
static const float most = 64; /* the largest factor */

/* ---- where factors can go ---- */

static bool is_conv(const mote_node *n)
{
    return mote_node_is(n, "", "Conv") && n->in[1].value != NULL && n->in[1].value->constant != NULL && n->in[1].value->constant->dtype == MOTE_DTYPE_F32 &&
           n->in[1].value->constant->rank >= 3;
}

static int64_t groups_of(const mote_node *n) { return mote_node_int(n, "group", 1); }

/* Whether this convolution reads every channel with weights that only that channel's outputs have. */
static bool is_depthwise(const mote_node *n) { return groups_of(n) > 1 && n->in[1].value->constant->dims[1] == 1; }

static bool is_passing(const mote_node *n)
{
    return (mote_node_is(n, "", "Relu") || mote_node_is(n, "", "GlobalAveragePool") || mote_node_is(n, "", "AveragePool") || mote_node_is(n, "", "MaxPool")) &&
           n->n_out == 1;
}

/* The convolutions that take 1/s when v is multiplied by s. False: something reads v that does not let factors pass. free: set to false when a weight mixes channels. */
static bool readers_of(const mote_value *v, mote_node **list, size_t cap, size_t *n, bool *free, int depth)
{
    if (depth == 0 || v->uses == NULL)
        return false;
    for (const mote_use *u = v->uses; u != NULL; u = u->next) {
        mote_node *k = u->node;
        if (k == NULL || k->graph != v->graph)
            return false;
        if (is_conv(k) && u->index == 0) {
            if (*n == cap)
                return false;
            list[(*n)++] = k;
            *free = *free && is_depthwise(k);
        } else if (is_passing(k)) {
            if (!readers_of(k->out[0], list, cap, n, free, depth - 1))
                return false;
        } else if (mote_node_is(k, "", "Mul")) { /* by a gate of one value a channel */
            const mote_value *gate = k->in[1 - u->index].value;
            const mote_type *t = gate == NULL ? NULL : &gate->type;
            if (t == NULL || gate == v || t->rank != v->type.rank || t->rank < 3)
                return false;
            for (int32_t d = 2; d < t->rank; d++)
                if (t->dims[d] != 1)
                    return false;
            if (gate->producer == NULL || is_passing(gate->producer)) /* a pooled v itself: s would count twice */
                return false;
            if (!readers_of(k->out[0], list, cap, n, free, depth - 1))
                return false;
        } else {
            return false;
        }
    }
    return true;
}

static mote_node *single(const mote_value *v)
{
    mote_node *n = mote_value_single_user(v);
    return n != NULL && n->graph == v->graph ? n : NULL;
}

/* A pair's beginning: v is what the convolution makes, `behind` what the factors pass (v itself, or what Relu or HardSwish makes of it). */
static bool begins(const mote_node *n, mote_value **v, mote_value **behind, mote_node **swish)
{
    *swish = NULL;
    if (!is_conv(n) || n->out[0]->type.rank < 3 || n->out[0]->type.dims[1] <= 1)
        return false;
    if (n->n_in > 2 && n->in[2].value != NULL && n->in[2].value->constant == NULL)
        return false;
    *v = *behind = n->out[0];
    mote_node *k = single(*v);
    if (k != NULL && mote_node_is(k, "", "HardSwish")) {
        *swish = k;
        *behind = k->out[0];
    }
    return true;
}

mote_status mote_quant_find_pairs(mote_quantizer *q, mote_diag *diag)
{
    size_t n = 0;
    for (mote_node *k = q->module->graph->first; k != NULL; k = k->next)
        n += is_conv(k);
    q->channels = mote_arena_calloc(&q->arena, n + 1, sizeof *q->channels);
    if (q->channels == NULL)
        return MOTE_NO_MEMORY(diag, n * sizeof *q->channels);
    for (mote_node *k = q->module->graph->first; k != NULL; k = k->next) {
        mote_value *v, *behind;
        mote_node *swish, *readers[32];
        size_t n_readers = 0;
        bool free = true;
        if (!begins(k, &v, &behind, &swish) || mote_quant_kept(q, k) || !readers_of(behind, readers, 32, &n_readers, &free, DEPTH))
            continue;
        bool integers = q->quantized[k->id];
        for (size_t i = 0; i < n_readers; i++)
            integers |= q->quantized[readers[i]->id];
        if (!integers)
            continue;
        mote_channel_ranges *c = &q->channels[q->n_channels];
        c->value = v;
        c->swish = swish != NULL;
        c->clamped = single(v) != NULL && mote_node_is(single(v), "", "Relu");
        c->n = (size_t)k->in[1].value->constant->dims[0];
        c->channels = mote_arena_calloc(&q->arena, c->n, sizeof *c->channels);
        if (c->channels == NULL)
            return MOTE_NO_MEMORY(diag, c->n * sizeof *c->channels);
        for (size_t i = 0; i < c->n; i++)
            c->channels[i].exponent = -100;
        q->n_channels++;
    }
    return MOTE_OK;
}

static void widen(mote_channel *c, int32_t exponent)
{
    const int32_t half = MOTE_CHANNEL_BINS / 2, by = exponent - c->exponent > 30 ? 30 : exponent - c->exponent;
    if (by <= 0)
        return;
    uint64_t bins[MOTE_CHANNEL_BINS] = {0};
    for (int32_t i = 0; i < MOTE_CHANNEL_BINS; i++) {
        const int32_t v = i - half;
        bins[half + (v >= 0 ? v >> by : -((-v - 1) >> by) - 1)] += c->bins[i];
    }
    memcpy(c->bins, bins, sizeof bins);
    c->exponent = exponent;
}

static void see(mote_channel *c, bool swish, bool clamped, const float *x, size_t n)
{
    float lo = c->lo, hi = c->hi;
    double squares = 0;
    for (size_t k = 0; k < n; k++) {
        if (!(fabsf(x[k]) <= FLT_MAX))
            return; /* the round of ranges says so */
        lo = x[k] < lo ? x[k] : lo;
        hi = x[k] > hi ? x[k] : hi;
        const float y = swish ? x[k] * fminf(fmaxf(x[k] / 6 + 0.5f, 0), 1) : clamped ? fmaxf(x[k], 0) : x[k];
        squares += (double)y * (double)y;
    }
    int exponent = -100;
    const float top = fmaxf(-lo, hi);
    if (top > 0)
        (void)frexpf(top, &exponent);
    widen(c, exponent < -100 ? -100 : exponent);
    const double scale = ldexp(MOTE_CHANNEL_BINS / 2, -c->exponent);
    for (size_t k = 0; k < n; k++)
        c->bins[MOTE_CHANNEL_BINS / 2 + (int32_t)floor((double)x[k] * scale)]++;
    c->lo = lo;
    c->hi = hi;
    c->squares += squares;
    c->count += n;
}

void mote_quant_see_channels(mote_quantizer *q, const char *name, const mote_tensor *t)
{
    if (t->dtype != MOTE_DTYPE_F32 || t->rank < 3)
        return;
    for (size_t i = 0; i < q->n_channels; i++) {
        mote_channel_ranges *c = &q->channels[i];
        if (!mote_str_is(c->value->name, name) || (size_t)t->shape[1] != c->n)
            continue;
        const float *x = mote_tensor_map(t);
        const size_t outer = (size_t)t->shape[0], inner = (size_t)mote_tensor_count(t) / (outer * c->n + (outer == 0));
        for (size_t o = 0; o < outer; o++)
            for (size_t ch = 0; ch < c->n; ch++, x += inner)
                see(&c->channels[ch], c->swish, c->clamped, x, inner);
        return;
    }
}

/* ---- factors ---- */

/* Largest weight that reads input channel c. */
static float reads(const mote_node *n, size_t c)
{
    const mote_array *a = n->in[1].value->constant;
    const size_t m = (size_t)a->dims[0], per = (size_t)a->dims[1], groups = (size_t)groups_of(n), inner = mote_array_count(a) / (m * per);
    const size_t group = c / per, m_per = m / groups;
    float largest = 0;
    for (size_t o = group * m_per; o < (group + 1) * m_per; o++)
        for (size_t k = 0; k < inner; k++)
            largest = fmaxf(largest, fabsf((float)mote_array_f64(a, (o * per + c % per) * inner + k)));
    return largest;
}

static double hard_swish(double x, double p)
{
    (void)p;
    return x * fmin(fmax(x / 6 + 0.5, 0), 1);
}

static double relu(double x, double p)
{
    (void)p;
    return fmax(x, 0);
}

/* The stretch of a channel that is worth levels: its own range of least error, not its extremes. */
static double width_of(const mote_channel *c, bool swish, bool clamped)
{
    const mote_range r = mote_range_least_mse(c->bins, MOTE_CHANNEL_BINS, ldexp(2.0 / MOTE_CHANNEL_BINS, c->exponent), (double)c->lo, (double)c->hi, 256,
                                              swish ? hard_swish : clamped ? relu : NULL, 0);
    return fmax((double)r.hi, 0) - (clamped ? 0 : swish ? fmax((double)r.lo, -3) : fmin((double)r.lo, 0));
}

/* What rounding costs at the outputs of the products that mix channels, up to a factor: noise of activations through the weights, noise of weights under the activations. */
static double cost_of(const mote_channel_ranges *c, const double *width, const double *s, mote_node *const *readers, size_t n_readers)
{
    double top = 0, cost = 0;
    for (size_t i = 0; i < c->n; i++)
        top = fmax(top, width[i] * s[i]);
    for (size_t k = 0; k < n_readers; k++) {
        const mote_array *a = readers[k]->in[1].value->constant;
        const size_t m = (size_t)a->dims[0], per = (size_t)a->dims[1], inner = mote_array_count(a) / (m * per + (m * per == 0)), m_per = m / (size_t)groups_of(readers[k]);
        for (size_t o = 0; o < m; o++) {
            double largest = 0, through = 0, energy = 0;
            for (size_t i = 0; i < per; i++) {
                const size_t ch = o / m_per * per + i;
                const mote_channel *x = &c->channels[ch];
                for (size_t e = 0; e < inner; e++) {
                    const double w = mote_array_f64(a, (o * per + i) * inner + e) / s[ch];
                    largest = fmax(largest, fabs(w));
                    through += w * w;
                }
                energy += x->count == 0 ? 0 : x->squares / (double)x->count * s[ch] * s[ch] * (double)inner;
            }
            cost += through * top * top / (255.0 * 255) + energy * largest * largest / (127.0 * 127);
        }
    }
    return cost;
}

static bool factors(const mote_channel_ranges *c, const double *width, const double *weight, double alpha, double *s)
{
    double least_s = INFINITY;
    for (size_t i = 0; i < c->n; i++) {
        s[i] = width[i] > 0 && weight[i] > 0 ? pow(weight[i], 1 - alpha) / pow(width[i], alpha) : 0;
        if (s[i] > 0)
            least_s = fmin(least_s, s[i]);
    }
    if (!(least_s < INFINITY))
        return false;
    for (size_t i = 0; i < c->n; i++)
        s[i] = fmin(s[i] > 0 ? s[i] / least_s : 1, most);
    return true;
}

static mote_status choose(mote_quantizer *q, const mote_channel_ranges *c, bool swish, bool clamped, bool free, mote_node *const *readers, size_t n_readers, float *out,
                          mote_diag *diag)
{
    double *width = mote_arena_calloc(&q->arena, 4 * c->n, sizeof *width), *weight = width + c->n, *s = weight + c->n, *best = s + c->n, top = 0, least_cost = INFINITY;
    if (width == NULL)
        return MOTE_NO_MEMORY(diag, 4 * c->n * sizeof *width);
    for (size_t i = 0; i < c->n; i++) {
        width[i] = width_of(&c->channels[i], swish, clamped);
        top = fmax(top, width[i]);
        for (size_t k = 0; k < n_readers; k++)
            weight[i] = fmax(weight[i], (double)reads(readers[k], i));
        best[i] = 1;
    }
    for (size_t i = 0; i < c->n; i++)
        width[i] = width[i] > top * 1e-6 ? width[i] : 0; /* nothing comes through */
    for (int k = free ? 10 : 0; k <= 10; k++) {
        if (free)
            for (size_t i = 0; i < c->n; i++)
                weight[i] = 1;
        if (!factors(c, width, weight, k / 10.0, s))
            continue;
        const double cost = free ? 0 : cost_of(c, width, s, readers, n_readers);
        if (cost < least_cost) {
            least_cost = cost;
            memcpy(best, s, c->n * sizeof *best);
        }
    }
    if (!free) { /* as it is may be best */
        for (size_t i = 0; i < c->n; i++)
            s[i] = 1;
        if (cost_of(c, width, s, readers, n_readers) <= least_cost)
            memcpy(best, s, c->n * sizeof *best);
    }
    for (size_t i = 0; i < c->n; i++)
        out[i] = (float)best[i];
    return MOTE_OK;
}

static mote_status scale_weight(mote_quantizer *q, mote_node *n, const float *s, bool outputs, mote_diag *diag)
{
    const mote_array *a = n->in[1].value->constant;
    const size_t m = (size_t)a->dims[0], per = (size_t)a->dims[1], inner = mote_array_count(a) / (m * per), m_per = m / (size_t)groups_of(n);
    float *w = mote_quant_floats(&q->arena, a);
    if (w == NULL)
        return MOTE_NO_MEMORY(diag, a->bytes);
    for (size_t o = 0; o < m; o++)
        for (size_t i = 0; i < per; i++)
            for (size_t k = 0; k < inner; k++)
                w[(o * per + i) * inner + k] *= outputs ? s[o] : 1 / s[o / m_per * per + i];
    mote_value *v = mote_quant_constant(n->graph, MOTE_DTYPE_F32, a->rank, a->dims, w);
    if (v == NULL)
        return MOTE_NO_MEMORY(diag, a->bytes);
    mote_node_set_input(n, 1, v);
    const mote_array *b = n->n_in > 2 && n->in[2].value != NULL ? n->in[2].value->constant : NULL;
    if (!outputs || b == NULL)
        return MOTE_OK;
    float *bias = mote_quant_floats(&q->arena, b);
    for (size_t o = 0; bias != NULL && o < m; o++)
        bias[o] *= s[o];
    v = bias == NULL ? NULL : mote_quant_constant(n->graph, MOTE_DTYPE_F32, 1, b->dims, bias);
    if (v == NULL)
        return MOTE_NO_MEMORY(diag, b->bytes);
    mote_node_set_input(n, 2, v);
    return MOTE_OK;
}

/* HardSwish(x) becomes x HardSigmoid(x / s). */
static mote_status open_swish(mote_quantizer *q, mote_node *swish, const float *s, size_t n, mote_diag *diag)
{
    mote_value *x = swish->in[0].value;
    int64_t dims[MOTE_MAX_RANK];
    const int32_t rank = x->type.rank - 1; /* [c, 1 ...] */
    float *inverse = mote_arena_calloc(&q->arena, n, sizeof *inverse);
    for (int32_t d = 0; d < rank; d++)
        dims[d] = d == 0 ? (int64_t)n : 1;
    for (size_t i = 0; inverse != NULL && i < n; i++)
        inverse[i] = 1 / s[i];
    mote_value *by = inverse == NULL ? NULL : mote_quant_constant(swish->graph, MOTE_DTYPE_F32, rank, dims, inverse);
    if (by == NULL)
        return MOTE_NO_MEMORY(diag, n * sizeof *inverse);
    mote_value *const first[2] = {x, by};
    mote_node *scaled = mote_quant_node(swish->graph, swish, "Mul", 13, 2, first);
    mote_node *gate = scaled == NULL ? NULL : mote_quant_node(swish->graph, swish, "HardSigmoid", 6, 1, &scaled->out[0]);
    if (gate == NULL || mote_node_set_float(gate, "alpha", 1.0f / 6) != MOTE_OK || mote_node_set_float(gate, "beta", 0.5f) != MOTE_OK)
        return MOTE_NO_MEMORY(diag, 0);
    mote_value *const second[2] = {x, gate->out[0]};
    mote_node *y = mote_quant_node(swish->graph, swish, "Mul", 13, 2, second);
    if (y == NULL)
        return MOTE_NO_MEMORY(diag, 0);
    y->name = swish->name;
    y->out[0]->type = swish->out[0]->type;
    mote_value_replace(swish->out[0], y->out[0]);
    mote_node_remove(swish);
    return MOTE_OK;
}

mote_status mote_quant_equalize(mote_quantizer *q, mote_diag *diag)
{
    for (size_t i = 0; i < q->n_channels; i++) {
        const mote_channel_ranges *c = &q->channels[i];
        mote_node *n = c->value->producer, *swish, *readers[32];
        mote_value *v, *behind;
        size_t n_readers = 0;
        bool free = true;
        if (!begins(n, &v, &behind, &swish) || !readers_of(behind, readers, 32, &n_readers, &free, DEPTH))
            continue;
        float *s = mote_arena_calloc(&q->arena, c->n, sizeof *s);
        if (s == NULL)
            return MOTE_NO_MEMORY(diag, c->n * sizeof *s);
        MOTE_TRY(choose(q, c, c->swish, c->clamped, free && !q->o.per_tensor, readers, n_readers, s, diag));
        MOTE_TRY(scale_weight(q, n, s, true, diag));
        for (size_t k = 0; k < n_readers; k++)
            MOTE_TRY(scale_weight(q, readers[k], s, false, diag));
        if (swish != NULL)
            MOTE_TRY(open_swish(q, swish, s, c->n, diag));
    }
    return MOTE_OK;
}
