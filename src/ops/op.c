/* op.c - the table of operators, and nodes checked against it
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "ops/op.h"
#include "base/size.h"
#include "ops/custom.h"
#include "ops/signature.h"
#include <string.h>

#define ROW(domain, op, since) extern const mote_op_def mote_op_##domain##_##op##_##since;
#include "ops/op_table.inc"
#undef ROW

static const mote_op_def *const table[] = {
#define ROW(domain, op, since) &mote_op_##domain##_##op##_##since,
#include "ops/op_table.inc"
#undef ROW
};

const mote_op_def *const *mote_op_table(size_t *count)
{
    *count = sizeof table / sizeof *table;
    return table;
}

static int compare_str(const char *a, mote_str b)
{
    size_t n = strlen(a), least = n < b.n ? n : b.n;
    int c = least == 0 ? 0 : memcmp(a, b.p, least);
    return c != 0 ? c : (n > b.n) - (n < b.n);
}

static int compare(const mote_op_def *d, mote_str domain, mote_str name)
{
    int c = compare_str(d->domain, domain);
    return c != 0 ? c : compare_str(d->name, name);
}

/* The first and one past the last row of an operator. */
static void range_of(mote_str domain, mote_str name, size_t *first, size_t *last)
{
    size_t lo = 0, hi = sizeof table / sizeof *table;
    if (mote_str_is(domain, "ai.onnx"))
        domain = MOTE_STR("");
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (compare(table[mid], domain, name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    *first = *last = lo;
    while (*last < sizeof table / sizeof *table && compare(table[*last], domain, name) == 0)
        ++*last;
}

const mote_op_def *mote_op_find(mote_str domain, mote_str name, int64_t version)
{
    size_t first, last;
    range_of(domain, name, &first, &last);
    const mote_op_def *found = NULL;
    for (size_t i = first; i < last && table[i]->since <= version; i++)
        found = table[i];
    return found == NULL || found->removed ? NULL : found;
}

bool mote_op_is_known(mote_str domain, mote_str name)
{
    size_t first, last;
    range_of(domain, name, &first, &last);
    return first != last;
}

const mote_op_def *mote_op_find_in(const mote_module *m, mote_str domain, mote_str name, int64_t version)
{
    const mote_op_def *found = mote_op_find(domain, name, version);
    return found != NULL || m == NULL || m->custom == NULL || mote_op_is_known(domain, name) ? found : mote_custom_find(m->custom, domain, name, version, NULL);
}

/* ---- resolution ---- */

/* Why an operator is left out on purpose; NULL: it is not. */
static const char *left_out(mote_str domain, mote_str name)
{
    if (domain.n == 0 && mote_str_is(name, "ImageDecoder"))
        return "decoding picture files is the application's: it registers this operator (mote_custom.h), as the tool mote does";
    if (mote_str_is(domain, "ai.onnx.preview.training") || mote_str_is(domain, "ai.onnx.training"))
        return "it is for training";
    return NULL;
}

static mote_status unknown(const mote_node *n, mote_diag *diag)
{
    size_t first, last;
    range_of(n->domain, n->op, &first, &last);
    const char *domain = n->domain.n == 0 ? "ai.onnx" : n->domain.p;
    int length = n->domain.n == 0 ? 7 : (int)mote_min_size(n->domain.n, 100);
    const char *why = left_out(n->domain, n->op);
    int32_t since = 0;
    if (n->graph->module->custom != NULL)
        (void)mote_custom_find(n->graph->module->custom, n->domain, n->op, n->version, &since);
    if (first == last && since != 0)
        MOTE_FAIL(diag, MOTE_E_UNSUPPORTED, "operator %.*s of domain %.*s version %d, registered by the application from version %d on", MOTE_STR_ARG(n->op),
                  length, domain, (int)n->version, (int)since);
    if (first == last && why != NULL)
        MOTE_FAIL(diag, MOTE_E_UNSUPPORTED, "operator %.*s of domain %.*s: %s", MOTE_STR_ARG(n->op), length, domain, why);
    if (mote_str_is(n->domain, "ai.onnx.ml") && (mote_str_is(n->op, "ZipMap") || mote_str_is(n->op, "CastMap") || mote_str_is(n->op, "DictVectorizer")))
        MOTE_FAIL(diag, MOTE_E_UNSUPPORTED, "operator %.*s takes or makes maps, which mote does not have: export the model without them (skl2onnx: zipmap=False)",
                  MOTE_STR_ARG(n->op));
    if (first == last)
        MOTE_FAIL(diag, MOTE_E_UNSUPPORTED, "operator %.*s of domain %.*s, which is not known", MOTE_STR_ARG(n->op), length, domain);
    if (table[first]->since > n->version)
        MOTE_FAIL(diag, MOTE_E_UNSUPPORTED, "operator %.*s of domain %.*s version %d, supported from version %d on", MOTE_STR_ARG(n->op),
                  length, domain, (int)n->version, (int)table[first]->since);
    MOTE_FAIL(diag, MOTE_E_UNSUPPORTED, "operator %.*s, which domain %.*s version %d no longer has", MOTE_STR_ARG(n->op), length, domain,
              (int)n->version);
}

static const char *kind_name(mote_attr_kind kind)
{
    static const char *const names[] = {"nothing", "a float", "an integer", "a string", "a tensor", "a graph", "floats", "integers",
                                        "strings", "tensors", "graphs", "a sparse tensor", "sparse tensors", "a type", "types"};
    return (size_t)kind < sizeof names / sizeof *names ? names[kind] : "an unknown kind";
}

static const mote_attr_spec *find_spec(const mote_op_def *def, mote_str name)
{
    for (size_t i = 0; def->attrs != NULL && def->attrs[i].name != NULL; i++)
        if (mote_str_is(name, def->attrs[i].name))
            return &def->attrs[i];
    return NULL;
}

/* An empty list does not say of what: an exporter writes it as any plural kind. */
static bool is_empty_list(const mote_attr *a) { return a->kind >= MOTE_ATTR_FLOATS && a->kind <= MOTE_ATTR_GRAPHS && a->n == 0; }

static mote_status check_attrs(const mote_node *n, const mote_op_def *def, mote_diag *diag)
{
    bool seen[MOTE_OP_MAX_ATTRS] = {false};
    for (mote_attr *a = n->attrs; a != NULL; a = a->next) {
        const mote_attr_spec *s = find_spec(def, a->name);
        MOTE_REQUIRE(s != NULL, diag, MOTE_E_MODEL, "attribute '%.*s', which version %d of the operator does not have", MOTE_STR_ARG(a->name),
                     (int)def->since);
        MOTE_REQUIRE(a->ref.n == 0, diag, MOTE_E_MODEL, "attribute '%.*s' refers to one of a function, outside a function",
                     MOTE_STR_ARG(a->name));
        MOTE_REQUIRE(!seen[s - def->attrs], diag, MOTE_E_MODEL, "attribute '%.*s' stands there twice", MOTE_STR_ARG(a->name));
        seen[s - def->attrs] = true;
        if (is_empty_list(a) && s->kind >= MOTE_ATTR_FLOATS && s->kind <= MOTE_ATTR_GRAPHS)
            a->kind = s->kind;
        MOTE_REQUIRE(a->kind == s->kind, diag, MOTE_E_MODEL, "attribute '%s' is %s, expected %s", s->name, kind_name(a->kind),
                     kind_name(s->kind));
    }
    for (size_t i = 0; def->attrs != NULL && def->attrs[i].name != NULL; i++)
        MOTE_REQUIRE(seen[i] || !def->attrs[i].required, diag, MOTE_E_MODEL, "attribute '%s' is missing", def->attrs[i].name);
    return MOTE_OK;
}

static mote_status check_count(const mote_signature *s, uint32_t n, const char *what, mote_diag *diag)
{
    if (s->max == UINT32_MAX)
        MOTE_REQUIRE(n >= s->min, diag, MOTE_E_MODEL, "%u %s, expected at least %u", n, what, s->min);
    else if (s->min == s->max)
        MOTE_REQUIRE(n == s->min, diag, MOTE_E_MODEL, "%u %s, expected %u", n, what, s->min);
    else
        MOTE_REQUIRE(n >= s->min && n <= s->max, diag, MOTE_E_MODEL, "%u %s, expected %u to %u", n, what, s->min, s->max);
    return MOTE_OK;
}

static mote_status resolve_node(mote_node *n, mote_diag *diag)
{
    mote_signature s;
    const mote_op_def *def = n->def;
    if (def != NULL && (def->flags & MOTE_OP_OWN_DEF) != 0)
        return MOTE_OK;
    n->def = NULL;
    def = mote_op_find_in(n->graph->module, n->domain, n->op, n->version);
    if (def == NULL)
        return unknown(n, diag);
    MOTE_REQUIRE(mote_signature_read(def, def->in, &s) == MOTE_OK, diag, MOTE_E_INTERNAL, "the operator's signature is ill-formed");
    MOTE_TRY(check_count(&s, n->n_in, "inputs", diag));
    for (uint32_t i = 0; i < n->n_in; i++) {
        const mote_op_arg *a = mote_signature_arg(&s, i);
        MOTE_REQUIRE(n->in[i].value != NULL || a->optional, diag, MOTE_E_MODEL, "input %u (%.*s) is missing", i, MOTE_STR_ARG(a->name));
    }
    MOTE_REQUIRE(mote_signature_read(def, def->out, &s) == MOTE_OK, diag, MOTE_E_INTERNAL, "the operator's signature is ill-formed");
    MOTE_TRY(check_count(&s, n->n_out, "outputs", diag));
    MOTE_TRY(check_attrs(n, def, diag));
    n->def = def;
    return MOTE_OK;
}

static mote_status resolve_graph(mote_graph *g, int depth, mote_diag *diag)
{
    MOTE_REQUIRE(depth <= MOTE_GRAPH_MAX_DEPTH, diag, MOTE_E_LIMIT, "graphs nested deeper than %d", MOTE_GRAPH_MAX_DEPTH);
    for (mote_node *n = g->first; n != NULL; n = n->next) {
        mote_status status = resolve_node(n, diag);
        if (status != MOTE_OK) {
            mote_node_name_in(n, diag);
            return status;
        }
        for (mote_attr *a = n->attrs; a != NULL; a = a->next) {
            if (a->kind == MOTE_ATTR_GRAPH)
                MOTE_TRY(resolve_graph(a->g, depth + 1, diag));
            for (size_t i = 0; a->kind == MOTE_ATTR_GRAPHS && i < a->n; i++)
                MOTE_TRY(resolve_graph(a->graphs[i], depth + 1, diag));
        }
    }
    return MOTE_OK;
}

mote_status mote_ops_resolve(mote_module *m, mote_diag *diag) { return resolve_graph(m->graph, 0, diag); }
