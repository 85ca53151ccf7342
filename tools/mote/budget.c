/* budget.c - the best recipe under a budget: of bytes, of milliseconds, of what may be lost
 * SPDX-License-Identifier: Apache-2.0
 *
 * One layer at a time gives the noise of each; the search (quant/sensitivity/search.h) gives the assignments that are worth trying, these and the plain recipes are run,
 * and what was measured decides, not what was added up. */
#include "base/platform.h"
#include "budget.h"
#include "eval.h"
#include "quant/sensitivity/search.h"
#include "ranking.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { P = LATENCY_PRECISIONS }; /* f32, f16, int8 */
static const double bytes_of[P] = {4, 2, 1};
/* Without a profile: a Cast and its names in a file, and about what casting an element takes in multiplications. */
enum { BORDER_BYTES = 150, BORDER_PRODUCTS = 4 };

typedef struct searcher {
    trial *t;
    const budget_options *o;
    ranking k;
    latency l;
    bool has_latency;
    double *noise, *cost;
    double border[P * P];
    mote_edges edges;
    mote_search s;
    budget *b;
} searcher;

/* ---- what layers cost ---- */

static mote_status set_up(searcher *r, mote_diag *diag)
{
    const size_t n = r->k.n_layers;
    r->noise = calloc(n * P + 1, sizeof *r->noise);
    r->cost = calloc(n * P + 1, sizeof *r->cost);
    if (r->noise == NULL || r->cost == NULL)
        return MOTE_NO_MEMORY(diag, n * P * sizeof *r->cost);
    for (size_t i = 0; i < n; i++)
        for (size_t p = 0; p < P; p++) {
            const ranking_entry *e = p != 0 ? &r->k.in[i * r->k.n_precisions + p - 1] : NULL;
            r->noise[i * P + p] = e == NULL ? 0 : e->done ? e->result.ratio : (double)INFINITY;
            const mote_quantized_layer *l = &r->k.layers[i];
            r->cost[i * P + p] = r->has_latency ? r->l.ms[i * P + p] : !r->b->by_products ? bytes_of[p] * (double)l->weights : p != 2 ? l->products : 0;
        }
    for (size_t i = 0; i < n && !r->has_latency; i++) /* nothing to gain: between float32 and float16 the borders decide */
        if (r->k.layers[i].weights == 0)
            r->noise[i * P] = r->noise[i * P + 1];
    for (size_t a = 0; a < P * P; a++)
        r->border[a] = r->has_latency ? latency_border_ms(&r->l, a / P, a % P) : a / P == a % P ? 0 : r->b->by_products ? BORDER_PRODUCTS : BORDER_BYTES;
    MOTE_TRY(mote_search_edges(r->t->q, &r->edges, diag));
    for (size_t e = 0; e < r->edges.n && !r->has_latency && !r->b->by_products; e++)
        r->edges.to[e].elements = r->edges.from[e].elements = 1; /* a node, however much passes */
    r->s = (mote_search){.layers = n, .options = P, .noise = r->noise, .cost = r->cost, .edges = &r->edges, .border = r->border};
    return MOTE_OK;
}

/* ---- points ---- */

/* The precision that most layers have is the default, so that what stands between follows it. */
static char *recipe_of(const searcher *r, const uint8_t *option, const char *about)
{
    const size_t n = r->k.n_layers;
    const char **nodes = calloc(n + 1, sizeof *nodes), **precisions = calloc(n + 1, sizeof *precisions);
    size_t count[P] = {0}, most = 0;
    char *text = NULL;
    for (size_t i = 0; nodes != NULL && precisions != NULL && i < n; i++) {
        nodes[i] = r->k.layers[i].node;
        precisions[i] = latency_precisions[option[i]];
        count[option[i]]++;
    }
    for (size_t p = 1; p < P; p++)
        most = count[p] > count[most] ? p : most;
    if (nodes != NULL && precisions != NULL)
        text = trial_recipe(latency_precisions[most], nodes, precisions, n, about);
    free(nodes);
    free(precisions);
    return text;
}

static mote_status add_point(searcher *r, const char *name, const uint8_t *option, mote_diag *diag)
{
    budget_point *p = &r->b->points[r->b->n];
    mote_search_point priced = {.option = (uint8_t *)(uintptr_t)option}; /* read only */
    double all = 0, integers = 0;
    *p = (budget_point){.name = strdup(name), .recipe = recipe_of(r, option, name)};
    r->b->n++; /* it is freed with the others */
    if (p->name == NULL || p->recipe == NULL)
        return MOTE_NO_MEMORY(diag, strlen(name));
    for (size_t i = 0; i + 1 < r->b->n; i++)
        if (strcmp(strchr(r->b->points[i].recipe, '['), strchr(p->recipe, '[')) == 0 && memcmp(strstr(r->b->points[i].recipe, "\"default\""), strstr(p->recipe, "\"default\""), 16) == 0) {
            free(p->name);
            free(p->recipe);
            r->b->n--; /* the same was tried already */
            return MOTE_OK;
        }
    MOTE_TRY(trial_run(r->t, p->recipe, 0, &p->result, diag));
    mote_search_price(&r->s, &priced);
    for (size_t i = 0; i < r->k.n_layers; i++) {
        all += r->k.layers[i].products;
        integers += option[i] == 2 ? r->k.layers[i].products : 0;
    }
    size_t common = 0;
    for (size_t i = 0; i < r->k.n_layers; i++)
        common += option[i] != 0;
    p->ms = r->has_latency ? priced.cost + r->l.before[common * 2 > r->k.n_layers ? 2 : 0] : 0;
    p->integers = all > 0 ? integers / all : 0;
    p->cost = r->has_latency ? p->ms : r->b->by_products ? all - integers : (double)p->result.bytes;
    return MOTE_OK;
}

/* The plain recipes: all in one precision where it can be; and, where there are recurrent layers, INT8 with those in float16. */
static mote_status add_plain(searcher *r, uint8_t *option, mote_diag *diag)
{
    const size_t n = r->k.n_layers;
    bool recurrent = false, integers = false;
    memset(option, 0, n);
    MOTE_TRY(add_point(r, "float32", option, diag));
    memset(option, 1, n);
    MOTE_TRY(add_point(r, "float16", option, diag));
    for (size_t i = 0; i < n; i++) {
        option[i] = isfinite(r->noise[i * P + 2]) ? 2 : 0;
        recurrent |= option[i] == 0;
        integers |= option[i] == 2;
    }
    if (!integers)
        return MOTE_OK;
    MOTE_TRY(add_point(r, "int8", option, diag));
    for (size_t i = 0; i < n; i++)
        option[i] = option[i] == 0 ? 1 : 2;
    return recurrent ? add_point(r, "hybrid: int8, the rest float16", option, diag) : MOTE_OK;
}

static mote_status add_hull(searcher *r, mote_diag *diag)
{
    const size_t n = r->k.n_layers;
    uint8_t *memory = calloc(MOTE_SEARCH_ROOM + 1, n + 1);
    mote_search_point points[MOTE_SEARCH_ROOM];
    if (memory == NULL)
        return MOTE_NO_MEMORY(diag, (MOTE_SEARCH_ROOM + 1) * n);
    for (size_t i = 0; i < MOTE_SEARCH_ROOM; i++)
        points[i] = (mote_search_point){.option = memory + i * (n + 1)};
    mote_status status = add_plain(r, memory + MOTE_SEARCH_ROOM * (n + 1), diag);
    const size_t found = status == MOTE_OK ? mote_search_hull(&r->s, points, BUDGET_POINTS) : 0;
    for (size_t i = 0; i < found && status == MOTE_OK; i++) {
        char name[64];
        snprintf(name, sizeof name, "mix %zu", i + 1);
        status = add_point(r, name, points[i].option, diag);
        eval_progress(i + 1, found);
    }
    free(memory);
    return status;
}

/* ---- choosing ---- */

static int by_cost(const void *a, const void *b)
{
    const budget_point *x = a, *y = b;
    return x->cost != y->cost ? (x->cost > y->cost) - (x->cost < y->cost) : (x->result.ratio > y->result.ratio) - (x->result.ratio < y->result.ratio);
}

static void mark_best(budget *b)
{
    for (size_t i = 0; i < b->n; i++) {
        b->points[i].best = true;
        for (size_t k = 0; k < b->n; k++)
            if (k != i && b->points[k].cost <= b->points[i].cost && b->points[k].result.ratio <= b->points[i].result.ratio &&
                (b->points[k].cost < b->points[i].cost || b->points[k].result.ratio < b->points[i].result.ratio))
                b->points[i].best = false;
    }
}

/* Cheapest first where what is lost has a bound, else the most faithful first. */
static mote_status choose(const budget_options *o, budget *b, mote_diag *diag)
{
    const bool lossy = !isnan(o->drop) || !isnan(o->sqnr);
    const double share = isnan(o->share) ? 0 : o->share / 100;
    double most_share = 0;
    size_t least_bytes = SIZE_MAX;
    double least_ms = INFINITY, most_sqnr = -INFINITY;
    for (size_t i = 0; i < b->n; i++) {
        const budget_point *p = &b->points[i];
        const double sqnr = mote_divergence_sqnr_db(&p->result.all);
        least_bytes = p->result.bytes < least_bytes ? p->result.bytes : least_bytes;
        least_ms = fmin(least_ms, p->ms);
        most_sqnr = fmax(most_sqnr, sqnr);
        most_share = fmax(most_share, p->integers);
        if (p->integers < share || (o->bytes != 0 && p->result.bytes > o->bytes) || (!isnan(o->ms) && p->ms > o->ms) || (!isnan(o->sqnr) && !(sqnr >= o->sqnr)) || p->result.all.broken)
            continue;
        size_t at = b->n_order++;
        for (; at > 0 && !lossy && b->points[b->order[at - 1]].result.ratio > p->result.ratio; at--)
            b->order[at] = b->order[at - 1];
        b->order[at] = i;
    }
    MOTE_REQUIRE(b->n_order != 0, diag, MOTE_E_LIMIT, "no recipe that was found keeps the budget: the smallest has %zu bytes%s%.3f%s, the most faithful %.1f dB, the most in int8 %.1f %%", least_bytes,
                 b->by_ms ? ", the fastest " : " (", b->by_ms ? least_ms : (double)least_bytes / 1e6, b->by_ms ? " ms" : " MB)", most_sqnr, most_share * 100);
    return MOTE_OK;
}

bool budget_keeps(const budget_options *o, double original, double score) { return isnan(o->drop) || original - score <= o->drop + 1e-9; }

/* Scores in the order of choice until one keeps the budget; the ones before it are out. */
static mote_status score_points(const budget_options *o, trial *t, scorer *s, budget *b, mote_diag *diag)
{
    MOTE_TRY(scorer_original(s, diag));
    b->original = s->original;
    double most = -INFINITY;
    for (size_t i = 0; i < b->n_order; i++) {
        budget_point *p = &b->points[b->order[i]];
        mote_model *m;
        MOTE_TRY(mote_quantizer_variant(t->q, p->recipe, NULL, &m, NULL, diag));
        MOTE_TRY(scorer_run(s, m, &p->score, diag));
        p->scored = true;
        most = fmax(most, p->score);
        if (!budget_keeps(o, s->original, p->score))
            continue;
        memmove(b->order, b->order + i, (b->n_order - i) * sizeof *b->order);
        b->n_order -= i;
        return MOTE_OK;
    }
    MOTE_FAIL(diag, MOTE_E_LIMIT, "no recipe that was found loses at most %g points of %s: the original has %.2f, the best within the other budgets %.2f", o->drop, s->metric, s->original, most);
}

mote_status budget_search(trial *t, const budget_options *o, scorer *s, budget *out, mote_diag *diag)
{
    searcher r = {.t = t, .o = o, .b = out};
    *out = (budget){.n = 0};
    const size_t all = t->n;
    if (o->profile != NULL) {
        mote_status status = latency_read(o->profile, t, &r.l, diag);
        if (status != MOTE_OK)
            snprintf(t->at, sizeof t->at, "%s", o->profile);
        MOTE_TRY(status);
    }
    r.has_latency = out->by_ms = o->profile != NULL;
    out->by_products = !out->by_ms && !isnan(o->share);
    t->n = all < o->measured ? all : o->measured; /* calibration took all */
    mote_status status = ranking_precisions(&r.k, "f16,int8", diag);
    if (status == MOTE_OK)
        status = ranking_measure(t, &r.k, false, diag);
    if (status == MOTE_OK)
        status = set_up(&r, diag);
    if (status == MOTE_OK)
        status = add_hull(&r, diag);
    if (status == MOTE_OK) {
        qsort(out->points, out->n, sizeof *out->points, by_cost);
        mark_best(out);
        status = choose(o, out, diag);
    }
    if (status == MOTE_OK && !isnan(o->drop))
        status = score_points(o, t, s, out, diag);
    t->n = all;
    ranking_free(&r.k);
    latency_free(&r.l);
    free(r.noise);
    free(r.cost);
    return status;
}

void budget_free(budget *b)
{
    for (size_t i = 0; i < b->n; i++) {
        free(b->points[i].name);
        free(b->points[i].recipe);
    }
    b->n = 0;
}
