/* ranking.c - layers by what they do to the outputs at each precision
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "ranking.h"
#include "eval.h"
#include "quant/recipe/recipe.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

mote_status ranking_precisions(ranking *k, const char *list, mote_diag *diag)
{
    for (const char *at = list; *at != 0;) {
        const size_t n = strcspn(at, ",");
        const char *name = NULL;
        for (size_t i = 1; i < MOTE_PRECISIONS; i++)
            if (strlen(mote_precision_names[i]) == n && memcmp(at, mote_precision_names[i], n) == 0)
                name = mote_precision_names[i];
        for (size_t i = 0; name != NULL && i < k->n_precisions; i++)
            name = strcmp(k->precisions[i], name) == 0 ? NULL : name;
        MOTE_REQUIRE(name != NULL, diag, MOTE_E_ARGUMENT, "--precisions: '%.*s' is none of f16, int8, int8-dynamic, weights-int8, weights-int4, weights-f16, or there twice", (int)(n > 60 ? 60 : n), at);
        k->precisions[k->n_precisions++] = name;
        at += n + (at[n] == ',');
    }
    MOTE_REQUIRE(k->n_precisions != 0, diag, MOTE_E_ARGUMENT, "--precisions names none");
    return MOTE_OK;
}

bool ranking_possible(const mote_quantized_layer *l, const char *precision)
{
    if (strcmp(precision, "f16") == 0 || strcmp(precision, "f32") == 0)
        return true;
    if (strcmp(precision, "weights-f16") == 0)
        return l->weights != 0;
    return l->why == NULL && (l->weights != 0 || strcmp(precision, "int8") == 0);
}

static mote_status list_layers(trial *t, ranking *k, mote_diag *diag)
{
    k->n_layers = mote_quantizer_layer_count(t->q);
    k->samples = t->n;
    k->layers = calloc(k->n_layers + 1, sizeof *k->layers);
    k->in = calloc(k->n_layers * k->n_precisions + 1, sizeof *k->in);
    k->out = calloc(k->n_layers * k->n_precisions + 1, sizeof *k->out);
    k->order = calloc(k->n_layers + 1, sizeof *k->order);
    if (k->layers == NULL || k->in == NULL || k->out == NULL || k->order == NULL)
        return MOTE_NO_MEMORY(diag, k->n_layers * sizeof *k->in);
    for (size_t i = 0; i < k->n_layers; i++) {
        k->layers[i] = (mote_quantized_layer)MOTE_QUANTIZED_LAYER_INIT;
        MOTE_TRY(mote_quantizer_layer_at(t->q, i, &k->layers[i]));
        k->order[i] = i;
    }
    return MOTE_OK;
}

static mote_status measure(trial *t, const char *rest, const char *node, const char *precision, const mote_cut *cut, ranking_entry *e, mote_diag *diag)
{
    char *recipe = trial_recipe(rest, &node, &precision, node != NULL, NULL);
    MOTE_REQUIRE(recipe != NULL, diag, MOTE_E_MEMORY, "no recipe for '%s'", node != NULL ? node : rest);
    mote_status status = cut != NULL && cut->usable ? trial_run_cut(t, recipe, cut, &e->result, diag) : trial_run(t, recipe, 0, &e->result, diag);
    free(recipe);
    e->done = status == MOTE_OK;
    return status;
}

/* What is before each layer, kept where there is room. */
static mote_status find_cuts(trial *t, ranking *k, mote_cut **out, mote_diag *diag)
{
    if (k->whole || k->n_layers == 0)
        return MOTE_OK;
    *out = mote_arena_calloc(&t->q->arena, k->n_layers, sizeof **out);
    if (*out == NULL)
        return MOTE_NO_MEMORY(diag, k->n_layers * sizeof **out);
    for (size_t i = 0; i < k->n_layers; i++)
        MOTE_TRY(mote_cut_find(t->q, i, &(*out)[i], diag));
    return trial_keep(t, *out, k->n_layers, &k->kept, diag);
}

/* A rule for its name is about other nodes, too. */
static bool shares_name(const trial *t, const ranking *k, size_t layer)
{
    const mote_str pattern = mote_str_c(k->layers[layer].node);
    size_t n = 0;
    for (const mote_node *x = t->q->module->graph->first; x != NULL; x = x->next)
        n += mote_pattern_matches(pattern, x->name.n != 0 ? x->name : x->n_out != 0 && x->out[0] != NULL ? x->out[0]->name : MOTE_STR(""));
    return n != 1;
}

mote_status ranking_measure(trial *t, ranking *k, bool one_out, mote_diag *diag)
{
    size_t done = 0;
    mote_cut *cuts = NULL;
    MOTE_TRY(list_layers(t, k, diag));
    MOTE_TRY(find_cuts(t, k, &cuts, diag));
    k->one_out = one_out;
    const size_t total = k->n_precisions * (1 + k->n_layers * (one_out ? 2 : 1));
    for (size_t p = 0; p < k->n_precisions; p++) {
        MOTE_TRY(measure(t, k->precisions[p], NULL, NULL, NULL, &k->all[p], diag));
        eval_progress(++done, total);
        for (size_t i = 0; i < k->n_layers; i++) {
            const mote_quantized_layer *l = &k->layers[i];
            if (ranking_possible(l, k->precisions[p])) {
                MOTE_TRY(measure(t, "f32", l->node, k->precisions[p], k->kept && !shares_name(t, k, i) ? &cuts[i] : NULL, &k->in[i * k->n_precisions + p], diag));
                if (one_out)
                    MOTE_TRY(measure(t, k->precisions[p], l->node, "f32", NULL, &k->out[i * k->n_precisions + p], diag));
            }
            eval_progress(done += one_out ? 2 : 1, total);
        }
    }
    ranking_sort(k, SIZE_MAX);
    return MOTE_OK;
}

mote_status ranking_score(trial *t, ranking *k, scorer *s, const char *rest, const char *node, const char *precision, ranking_entry *e, mote_diag *diag)
{
    (void)k;
    mote_model *m;
    char *recipe = trial_recipe(rest, &node, &precision, node != NULL, NULL);
    MOTE_REQUIRE(recipe != NULL, diag, MOTE_E_MEMORY, "no recipe for '%s'", node != NULL ? node : rest);
    mote_status status = mote_quantizer_variant(t->q, recipe, NULL, &m, NULL, diag);
    free(recipe);
    MOTE_TRY(status);
    MOTE_TRY(scorer_run(s, m, &e->score, diag));
    e->scored = true;
    return MOTE_OK;
}

static double severity(const ranking *k, size_t layer, size_t p)
{
    double worst = -1;
    for (size_t i = 0; i < k->n_precisions; i++)
        if ((p == SIZE_MAX || p == i) && k->in[layer * k->n_precisions + i].done)
            worst = fmax(worst, k->in[layer * k->n_precisions + i].result.ratio);
    return worst;
}

void ranking_sort(ranking *k, size_t p)
{
    for (size_t i = 0; i < k->n_layers; i++) /* insertion: stable, and there are hundreds at most */
        k->order[i] = i;
    for (size_t i = 1; i < k->n_layers; i++)
        for (size_t j = i; j > 0 && severity(k, k->order[j], p) > severity(k, k->order[j - 1], p); j--) {
            const size_t swap = k->order[j];
            k->order[j] = k->order[j - 1];
            k->order[j - 1] = swap;
        }
}

void ranking_free(ranking *k)
{
    free(k->layers);
    free(k->in);
    free(k->out);
    free(k->order);
    *k = (ranking){.n_layers = 0};
}
