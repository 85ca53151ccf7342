/* search.c - which precision each layer gets, when noise and cost add up
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "quant/sensitivity/search.h"
#include <math.h>
#include <string.h>

enum { SWEEPS = 24, STEPS_BELOW = 90, STEPS_ABOVE = 40 };

/* ---- what reads what ---- */

typedef struct walk {
    const mote_quantizer *q;
    const size_t *layer; /* by node id: its layer + 1; 0: none */
    uint32_t *seen;      /* by node id: the last layer + 1 that came by */
    mote_node **stack;
} walk;

/* The layers before `to`, over whatever is none. */
static void walk_back(const walk *w, mote_value *from, size_t to, double elements, mote_edge *edges, size_t *n, size_t cap)
{
    size_t top = 0;
    if (from == NULL || from->producer == NULL || from->producer->graph != w->q->module->graph)
        return;
    w->stack[top++] = from->producer;
    while (top > 0) {
        mote_node *k = w->stack[--top];
        if (w->seen[k->id] == to + 1)
            continue;
        w->seen[k->id] = (uint32_t)to + 1;
        if (w->layer[k->id] != 0) {
            if (*n < cap)
                edges[*n] = (mote_edge){w->layer[k->id] - 1, to, elements};
            ++*n;
            continue;
        }
        for (uint32_t i = 0; i < k->n_in; i++) {
            const mote_value *v = k->in[i].value;
            if (v != NULL && v->producer != NULL && v->producer->graph == k->graph && w->seen[v->producer->id] != to + 1)
                w->stack[top++] = v->producer;
        }
    }
}

static size_t collect(const walk *w, mote_edge *edges, size_t cap)
{
    size_t n = 0;
    memset(w->seen, 0, w->q->module->n_nodes * sizeof *w->seen);
    for (size_t i = 0; i < w->q->n_layers; i++) {
        const mote_node *node = w->q->layers[i].node;
        for (uint32_t k = 0; k < node->n_in; k++) {
            mote_value *v = node->in[k].value;
            if (v == NULL || v->constant != NULL || v->id >= w->q->n_values)
                continue;
            const mote_qvalue *seen = &w->q->values[v->id];
            walk_back(w, v, i, seen->times != 0 ? (double)seen->elements / (double)seen->times : 0, edges, &n, cap);
        }
    }
    return n;
}

mote_status mote_search_edges(mote_quantizer *q, mote_edges *out, mote_diag *diag)
{
    const size_t nodes = q->module->n_nodes;
    size_t inputs = 0;
    for (const mote_node *k = q->module->graph->first; k != NULL; k = k->next)
        inputs += k->n_in;
    size_t *layer = mote_arena_calloc(&q->arena, nodes + 1, sizeof *layer);
    walk w = {q, layer, mote_arena_calloc(&q->arena, nodes + 1, sizeof(uint32_t)), mote_arena_calloc(&q->arena, inputs + 2, sizeof(mote_node *))};
    if (layer == NULL || w.seen == NULL || w.stack == NULL)
        return MOTE_NO_MEMORY(diag, nodes * sizeof *layer);
    for (size_t i = 0; i < q->n_layers; i++)
        layer[q->layers[i].node->id] = i + 1;
    *out = (mote_edges){.n = collect(&w, NULL, 0)};
    out->to = mote_arena_calloc(&q->arena, out->n + 1, sizeof *out->to);
    out->from = mote_arena_calloc(&q->arena, out->n + 1, sizeof *out->from);
    out->to_first = mote_arena_calloc(&q->arena, q->n_layers + 2, sizeof *out->to_first);
    out->from_first = mote_arena_calloc(&q->arena, q->n_layers + 2, sizeof *out->from_first);
    if (out->to == NULL || out->from == NULL || out->to_first == NULL || out->from_first == NULL)
        return MOTE_NO_MEMORY(diag, out->n * sizeof *out->to);
    (void)collect(&w, out->to, out->n);
    for (size_t e = 0; e < out->n; e++) { /* first[i + 1] counts those of i, then first[i] is where they begin */
        out->to_first[out->to[e].to + 1]++;
        out->from_first[out->to[e].from + 2]++;
    }
    for (size_t i = 0; i < q->n_layers; i++) {
        out->to_first[i + 1] += out->to_first[i];
        out->from_first[i + 2] += out->from_first[i + 1];
    }
    for (size_t e = 0; e < out->n; e++)
        out->from[out->from_first[out->to[e].from + 1]++] = out->to[e];
    return MOTE_OK;
}

/* ---- the hull ---- */

void mote_search_price(const mote_search *s, mote_search_point *p)
{
    p->noise = p->cost = 0;
    for (size_t i = 0; i < s->layers; i++) {
        p->noise += s->noise[i * s->options + p->option[i]];
        p->cost += s->cost[i * s->options + p->option[i]];
    }
    for (size_t e = 0; s->edges != NULL && e < s->edges->n; e++)
        p->cost += s->edges->to[e].elements * s->border[p->option[s->edges->to[e].from] * s->options + p->option[s->edges->to[e].to]];
}

/* What the borders around layer i cost when it has option o. */
static double borders_of(const mote_search *s, const uint8_t *option, size_t i, size_t o)
{
    const mote_edges *e = s->edges;
    double v = 0;
    for (size_t k = e != NULL ? e->to_first[i] : 1; e != NULL && k < e->to_first[i + 1]; k++)
        v += e->to[k].from != i ? e->to[k].elements * s->border[option[e->to[k].from] * s->options + o] : 0;
    for (size_t k = e != NULL ? e->from_first[i] : 1; e != NULL && k < e->from_first[i + 1]; k++)
        v += e->from[k].to != i ? e->from[k].elements * s->border[o * s->options + option[e->from[k].to]] : 0;
    return v;
}

/* Each layer in turn takes what is best beside its neighbours, until none changes. */
static void settle(const mote_search *s, double lambda, uint8_t *option)
{
    for (int sweep = 0, changed = 1; sweep < SWEEPS && changed; sweep++) {
        changed = 0;
        for (size_t i = 0; i < s->layers; i++) {
            double best = INFINITY;
            uint8_t at = option[i];
            for (size_t o = s->options; o-- > 0;) { /* of equals the last option */
                double v = s->noise[i * s->options + o] + lambda * s->cost[i * s->options + o];
                v += lambda * borders_of(s, option, i, o);
                if (v < best) {
                    best = v;
                    at = (uint8_t)o;
                }
            }
            changed |= at != option[i];
            option[i] = at;
        }
    }
}

/* Keeps p when no point beats it, and what it does not beat; points stay in order of cost. */
static size_t admit(mote_search_point *points, size_t n, size_t cap, mote_search_point p, size_t layers)
{
    for (size_t i = 0; i < n; i++)
        if (points[i].noise <= p.noise && points[i].cost <= p.cost)
            return n;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (p.noise <= points[i].noise && p.cost <= points[i].cost)
            continue;
        const mote_search_point swap = points[kept];
        points[kept++] = points[i];
        points[i] = swap;
    }
    if (kept == cap)
        return kept;
    size_t at = kept;
    while (at > 0 && points[at - 1].cost > p.cost) {
        const mote_search_point swap = points[at];
        points[at] = points[at - 1];
        points[at - 1] = swap;
        at--;
    }
    memcpy(points[at].option, p.option, layers);
    points[at].noise = p.noise;
    points[at].cost = p.cost;
    return kept + 1;
}

/* One point after the other goes, whose neighbours' noise has the smallest ratio: so that those that stay lie evenly in dB. */
static size_t thin(mote_search_point *points, size_t n, size_t most)
{
    for (; n > most && n > 2; n--) {
        size_t at = 1;
        double least = INFINITY;
        for (size_t i = 1; i + 1 < n; i++) {
            const double ratio = points[i + 1].noise > 0 ? points[i - 1].noise / points[i + 1].noise : (double)INFINITY;
            if (ratio < least) {
                least = ratio;
                at = i;
            }
        }
        const mote_search_point gone = points[at];
        memmove(points + at, points + at + 1, (n - at - 1) * sizeof *points);
        points[n - 1] = gone;
    }
    return n;
}

size_t mote_search_hull(const mote_search *s, mote_search_point *points, size_t most)
{
    double scale_noise = 0, scale_cost = 0;
    size_t n = 0;
    mote_search_point trial = points[MOTE_SEARCH_ROOM - 1];
    for (size_t i = 0; i < s->layers * s->options; i++) {
        scale_noise = isfinite(s->noise[i]) ? fmax(scale_noise, s->noise[i]) : scale_noise;
        scale_cost = fmax(scale_cost, s->cost[i]);
    }
    const double unit = scale_noise > 0 && scale_cost > 0 ? scale_noise / scale_cost : 1;
    memset(trial.option, 0, s->layers);
    for (int step = STEPS_ABOVE; step >= -STEPS_BELOW; step--) { /* lambda falls: by the root of 2 */
        settle(s, ldexp(unit * (step % 2 == 0 ? 1 : 0x1.6a09e667f3bcdp+0), step >= 0 || step % 2 == 0 ? step / 2 : (step - 1) / 2), trial.option);
        mote_search_price(s, &trial);
        if (isfinite(trial.noise))
            n = admit(points, n, MOTE_SEARCH_ROOM - 1, trial, s->layers);
    }
    return thin(points, n, most);
}
