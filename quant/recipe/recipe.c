/* recipe.c - precision by layer: reading a recipe, and what it means for a graph
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "quant/recipe/recipe.h"
#include "base/json.h"
#include <stdio.h>

const char *const mote_precision_names[MOTE_PRECISIONS] = {"f32", "f16", "int8", "int8-dynamic", "weights-int8", "weights-int4", "weights-f16"};

/* ---- patterns ---- */

bool mote_pattern_matches(mote_str pattern, mote_str text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, from = 0;
    while (t < text.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            from = t;
        } else if (p < pattern.n && pattern.p[p] == text.p[t]) {
            p++;
            t++;
        } else if (star != SIZE_MAX) { /* the last '*' takes one more */
            p = star + 1;
            t = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

/* Nodes without a name go by that of their first output. */
static mote_str name_of(const mote_node *n)
{
    return n->name.n != 0 ? n->name : n->n_out != 0 && n->out[0] != NULL ? n->out[0]->name : MOTE_STR("");
}

static bool matches(const mote_rule *r, const mote_node *n)
{
    return (r->node.p == NULL || mote_pattern_matches(r->node, name_of(n))) && (r->op.p == NULL || mote_pattern_matches(r->op, n->op));
}

/* ---- reading ---- */

static mote_status text_of(const mote_json *j, mote_str *out, mote_diag *diag)
{
    MOTE_REQUIRE(j->kind == MOTE_JSON_STRING && j->u.string.n != 0, diag, MOTE_E_FORMAT, "line %u: '%.*s' is %s, expected a text that is not empty", j->line, MOTE_STR_ARG(j->key),
                 mote_json_kind_name(j->kind));
    *out = j->u.string;
    return MOTE_OK;
}

static mote_status one_of(const mote_json *j, const char *const *list, size_t n, size_t *out, mote_diag *diag)
{
    mote_str s;
    MOTE_TRY(text_of(j, &s, diag));
    for (*out = 0; *out < n; ++*out)
        if (mote_str_is(s, list[*out]))
            return MOTE_OK;
    char known[200] = "";
    for (size_t i = 0, at = 0; i < n && at < sizeof known; i++)
        at += (size_t)snprintf(known + at, sizeof known - at, "%s%s", i == 0 ? "" : ", ", list[i]);
    MOTE_FAIL(diag, MOTE_E_FORMAT, "line %u: '%.*s' is \"%.*s\", expected one of %s", j->line, MOTE_STR_ARG(j->key), MOTE_STR_ARG(s), known);
}

/* What both a rule and the whole recipe may say. *known: it was one of these. */
static mote_status read_common(const mote_json *j, mote_plan *p, bool *known, mote_diag *diag)
{
    static const char *const activations[] = {"u8", "s8", "u16", "s16"}, *const weights[] = {"per-channel", "per-tensor"};
    static const mote_dtype types[] = {MOTE_DTYPE_U8, MOTE_DTYPE_S8, MOTE_DTYPE_U16, MOTE_DTYPE_S16};
    size_t k = 0;
    *known = true;
    if (mote_str_is(j->key, "activations")) {
        MOTE_TRY(one_of(j, activations, 4, &k, diag));
        p->activations = types[k];
    } else if (mote_str_is(j->key, "weights")) {
        MOTE_TRY(one_of(j, weights, 2, &k, diag));
        p->per_tensor = k == 1;
    } else if (mote_str_is(j->key, "block")) {
        int64_t b;
        MOTE_REQUIRE(mote_json_integer(j, &b) && b >= 16 && b <= 65536 && (b & (b - 1)) == 0, diag, MOTE_E_FORMAT, "line %u: 'block' is no power of two from 16 to 65536", j->line);
        p->block = (uint32_t)b;
    } else {
        *known = false;
    }
    return MOTE_OK;
}

static mote_status read_rule(const mote_json *j, const mote_plan *usual, mote_rule *r, mote_diag *diag)
{
    MOTE_REQUIRE(j->kind == MOTE_JSON_OBJECT, diag, MOTE_E_FORMAT, "line %u: a rule is %s, expected an object", j->line, mote_json_kind_name(j->kind));
    bool says = false, details = false;
    *r = (mote_rule){.plan = *usual, .line = j->line};
    for (const mote_json *m = j->u.items.first; m != NULL; m = m->next) {
        bool known;
        size_t k;
        MOTE_TRY(read_common(m, &r->plan, &known, diag));
        details |= known;
        if (known)
            continue;
        if (mote_str_is(m->key, "node")) {
            MOTE_TRY(text_of(m, &r->node, diag));
        } else if (mote_str_is(m->key, "op")) {
            MOTE_TRY(text_of(m, &r->op, diag));
        } else if (mote_str_is(m->key, "as")) {
            MOTE_TRY(text_of(m, &r->as, diag));
        } else if (mote_str_is(m->key, "precision")) {
            MOTE_TRY(one_of(m, mote_precision_names, MOTE_PRECISIONS, &k, diag));
            r->plan.precision = (mote_precision)k;
            says = true;
        } else {
            MOTE_FAIL(diag, MOTE_E_FORMAT, "line %u: a rule has no '%.*s'; it has node, op, precision or as, activations, weights, block", m->line, MOTE_STR_ARG(m->key));
        }
    }
    MOTE_REQUIRE(r->node.n <= MOTE_RECIPE_MAX_PATTERN && r->op.n <= MOTE_RECIPE_MAX_PATTERN, diag, MOTE_E_LIMIT, "line %u: a pattern of more than %d bytes", j->line,
                 MOTE_RECIPE_MAX_PATTERN);
    MOTE_REQUIRE(r->node.p != NULL || r->op.p != NULL, diag, MOTE_E_FORMAT, "line %u: a rule names neither 'node' nor 'op'", j->line);
    MOTE_REQUIRE(says != (r->as.p != NULL), diag, MOTE_E_FORMAT, "line %u: a rule has %s 'precision' and 'as'", j->line, says ? "both" : "neither");
    MOTE_REQUIRE(!details || says, diag, MOTE_E_FORMAT, "line %u: a rule with 'as' takes everything from there", j->line);
    return MOTE_OK;
}

/* Whether keys contradict the precision that they stand beside. */
static mote_status check_plan(const mote_json *j, const mote_plan *p, mote_diag *diag)
{
    const bool weights = p->precision == MOTE_PRECISION_INT8 || p->precision == MOTE_PRECISION_INT8_DYNAMIC;
    const bool block = p->precision == MOTE_PRECISION_WEIGHTS_INT8 || p->precision == MOTE_PRECISION_WEIGHTS_INT4;
    const char *wrong = mote_json_get(j, "activations") != NULL && p->precision != MOTE_PRECISION_INT8 ? "activations"
                        : mote_json_get(j, "weights") != NULL && !weights                              ? "weights"
                        : mote_json_get(j, "block") != NULL && !block                                  ? "block"
                                                                                                       : NULL;
    MOTE_REQUIRE(wrong == NULL, diag, MOTE_E_FORMAT, "line %u: '%s' does not go with precision %s", j->line, wrong, mote_precision_names[p->precision]);
    return MOTE_OK;
}

mote_status mote_recipe_parse(mote_arena *arena, mote_str text, const mote_plan *usual, mote_recipe **out, mote_diag *diag)
{
    mote_json *root;
    *out = NULL;
    MOTE_TRY(mote_json_parse(arena, text, &root, diag));
    MOTE_REQUIRE(root->kind == MOTE_JSON_OBJECT, diag, MOTE_E_FORMAT, "line %u: a recipe is %s, expected an object", root->line, mote_json_kind_name(root->kind));
    mote_recipe *r = mote_arena_calloc(arena, 1, sizeof *r);
    if (r == NULL)
        return MOTE_NO_MEMORY(diag, sizeof *r);
    r->others = *usual;
    r->others.precision = MOTE_PRECISION_F32;
    const mote_json *rules = NULL;
    for (const mote_json *m = root->u.items.first; m != NULL; m = m->next) {
        bool known;
        size_t k;
        mote_str s;
        MOTE_TRY(read_common(m, &r->others, &known, diag));
        if (known)
            continue;
        if (mote_str_is(m->key, "schema")) {
            MOTE_TRY(text_of(m, &s, diag));
            MOTE_REQUIRE(mote_str_is(s, "mote.recipe/1"), diag, MOTE_E_FORMAT, "line %u: the schema is \"%.*s\", expected mote.recipe/1", m->line, MOTE_STR_ARG(s));
        } else if (mote_str_is(m->key, "default")) {
            MOTE_TRY(one_of(m, mote_precision_names, MOTE_PRECISIONS, &k, diag));
            r->others.precision = (mote_precision)k;
        } else if (mote_str_is(m->key, "rules")) {
            MOTE_REQUIRE(m->kind == MOTE_JSON_ARRAY, diag, MOTE_E_FORMAT, "line %u: 'rules' is %s, expected an array", m->line, mote_json_kind_name(m->kind));
            rules = m;
        } else if (!mote_str_is(m->key, "about")) {
            MOTE_FAIL(diag, MOTE_E_FORMAT, "line %u: a recipe has no '%.*s'; it has schema, about, default, rules, activations, weights, block", m->line, MOTE_STR_ARG(m->key));
        }
    }
    MOTE_REQUIRE(rules != NULL || mote_json_get(root, "default") != NULL, diag, MOTE_E_FORMAT, "line %u: a recipe without 'default' and 'rules'", root->line);
    const size_t n = rules != NULL ? rules->count : 0;
    MOTE_REQUIRE(n <= MOTE_RECIPE_MAX_RULES, diag, MOTE_E_LIMIT, "line %u: %zu rules, at most %d", rules->line, n, MOTE_RECIPE_MAX_RULES);
    r->rules = mote_arena_calloc(arena, n + 1, sizeof *r->rules);
    if (r->rules == NULL)
        return MOTE_NO_MEMORY(diag, n * sizeof *r->rules);
    for (const mote_json *j = rules != NULL ? rules->u.items.first : NULL; j != NULL; j = j->next, r->n++) {
        MOTE_TRY(read_rule(j, &r->others, &r->rules[r->n], diag));
        MOTE_TRY(check_plan(j, &r->rules[r->n].plan, diag));
    }
    *out = r;
    return MOTE_OK;
}

/* ---- meaning ---- */

typedef struct resolver {
    const mote_recipe *r;
    const mote_node **nodes; /* by id; NULL: of another graph */
    uint32_t *rule;          /* by id: the rule that decides, r->n: none */
    mote_plan *plans;
    uint32_t n;
    mote_diag *diag;
} resolver;

static mote_status referred(const resolver *k, const mote_rule *rule, uint32_t *out)
{
    size_t found = 0;
    for (uint32_t i = 0; i < k->n; i++)
        if (k->nodes[i] != NULL && mote_str_eq(name_of(k->nodes[i]), rule->as)) {
            *out = i;
            found++;
        }
    MOTE_REQUIRE(found == 1, k->diag, MOTE_E_ARGUMENT, "line %u: 'as' names '%.*s', which %s", rule->line, MOTE_STR_ARG(rule->as), found == 0 ? "no node has as its name" : "several nodes have as their name");
    return MOTE_OK;
}

/* Follows references from node i; a way longer than there are rules is a circle. */
static mote_status settle(const resolver *k, uint32_t i, const uint32_t *target)
{
    uint32_t at = i;
    for (size_t steps = 0; k->rule[at] < k->r->n && k->r->rules[k->rule[at]].as.p != NULL; steps++) {
        const mote_rule *rule = &k->r->rules[k->rule[at]];
        MOTE_REQUIRE(steps <= k->r->n, k->diag, MOTE_E_ARGUMENT, "line %u: '%.*s' is to be as '%.*s', which comes back to it: rules in a circle", rule->line,
                     MOTE_STR_ARG(name_of(k->nodes[at])), MOTE_STR_ARG(rule->as));
        at = target[k->rule[at]];
    }
    k->plans[i] = k->rule[at] < k->r->n ? k->r->rules[k->rule[at]].plan : k->r->others;
    k->plans[i].ruled = k->rule[i] < k->r->n;
    return MOTE_OK;
}

static mote_status check_used(const resolver *k, const bool *decides, const bool *any)
{
    for (size_t i = 0; i < k->r->n; i++) {
        const mote_rule *r = &k->r->rules[i];
        const mote_str what = r->node.p != NULL ? r->node : r->op;
        MOTE_REQUIRE(decides[i], k->diag, MOTE_E_ARGUMENT, "line %u: the rule for %s '%.*s' %s", r->line, r->node.p != NULL ? "node" : "op", MOTE_STR_ARG(what),
                     any[i] ? "never decides: earlier rules match every node that it matches" : "matches no node of the model");
    }
    return MOTE_OK;
}

mote_status mote_recipe_resolve(const mote_recipe *r, mote_arena *arena, const mote_graph *g, uint32_t n, mote_plan **out, mote_diag *diag)
{
    resolver k = {r, mote_arena_calloc(arena, (size_t)n + 1, sizeof *k.nodes), mote_arena_calloc(arena, (size_t)n + 1, sizeof *k.rule),
                  mote_arena_calloc(arena, (size_t)n + 1, sizeof *k.plans), n, diag};
    bool *decides = mote_arena_calloc(arena, r->n + 1, 1), *any = mote_arena_calloc(arena, r->n + 1, 1);
    uint32_t *target = mote_arena_calloc(arena, r->n + 1, sizeof *target);
    *out = NULL;
    if (k.nodes == NULL || k.rule == NULL || k.plans == NULL || decides == NULL || any == NULL || target == NULL)
        return MOTE_NO_MEMORY(diag, n * sizeof *k.plans);
    for (uint32_t i = 0; i < n; i++) {
        k.rule[i] = (uint32_t)r->n;
        k.plans[i] = r->others;
    }
    for (const mote_node *node = g->first; node != NULL; node = node->next) {
        if (node->id >= n)
            continue;
        k.nodes[node->id] = node;
        for (size_t i = 0; i < r->n; i++)
            if (matches(&r->rules[i], node)) {
                any[i] = true;
                if (k.rule[node->id] == r->n) {
                    k.rule[node->id] = (uint32_t)i;
                    decides[i] = true;
                }
            }
    }
    MOTE_TRY(check_used(&k, decides, any));
    for (size_t i = 0; i < r->n; i++)
        if (r->rules[i].as.p != NULL)
            MOTE_TRY(referred(&k, &r->rules[i], &target[i]));
    for (uint32_t i = 0; i < n; i++)
        if (k.nodes[i] != NULL)
            MOTE_TRY(settle(&k, i, target));
    *out = k.plans;
    return MOTE_OK;
}
