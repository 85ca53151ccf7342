/* custom.c - the registry of an application's operators, and the texts that describe one
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "ops/custom.h"
#include "base/decimal.h"
#include "ops/signature.h"
#include <math.h>
#include <string.h>

enum { TEXT_MAX = 4096, NAME_MAX_BYTES = 63 };

/* ---- life ---- */

mote_status mote_custom_ops_create(const mote_allocator *allocator, mote_custom_ops **out)
{
    if (out == NULL)
        return MOTE_E_ARGUMENT;
    *out = NULL;
    if (allocator != NULL && (allocator->struct_size != sizeof *allocator || allocator->alloc == NULL || allocator->free == NULL))
        return MOTE_E_ARGUMENT;
    mote_heap heap;
    mote_heap_init(&heap, allocator, 0);
    mote_custom_ops *ops = mote_heap_calloc(&heap, 1, sizeof *ops);
    if (ops == NULL)
        return MOTE_E_MEMORY;
    mote_heap_init(&ops->heap, allocator, 0);
    mote_arena_init(&ops->arena, &ops->heap);
    atomic_init(&ops->references, 1);
    *out = ops;
    return MOTE_OK;
}

mote_custom_ops *mote_custom_ops_keep(const mote_custom_ops *ops)
{
    mote_custom_ops *kept = (mote_custom_ops *)(uintptr_t)ops; /* the count is the only thing that changes */
    if (kept != NULL)
        atomic_fetch_add(&kept->references, 1);
    return kept;
}

void mote_custom_ops_release(mote_custom_ops *ops)
{
    if (ops == NULL || atomic_fetch_sub(&ops->references, 1) != 1)
        return;
    for (mote_custom_def *d = ops->first; d != NULL; d = d->next)
        if (d->release != NULL)
            d->release(d->user);
    mote_arena_deinit(&ops->arena);
    mote_heap heap;
    mote_heap_init(&heap, &ops->heap.allocator, 0);
    heap.allocator.free(heap.allocator.ctx, ops, sizeof *ops);
}

void mote_custom_ops_destroy(mote_custom_ops **ops)
{
    if (ops == NULL)
        return;
    mote_custom_ops_release(*ops);
    *ops = NULL;
}

const mote_op_def *mote_custom_find(const mote_custom_ops *ops, mote_str domain, mote_str name, int64_t version, int32_t *since)
{
    const mote_op_def *found = NULL;
    int32_t oldest = 0;
    if (mote_str_is(domain, "ai.onnx"))
        domain = MOTE_STR("");
    for (const mote_custom_def *d = ops->first; d != NULL; d = d->next) {
        if (!mote_str_is(name, d->def.name) || !mote_str_is(domain, d->def.domain))
            continue;
        oldest = oldest == 0 || d->def.since < oldest ? d->def.since : oldest;
        if (d->def.since <= version && (found == NULL || d->def.since > found->since))
            found = &d->def;
    }
    if (since != NULL)
        *since = oldest;
    return found;
}

/* ---- the texts ---- */

typedef struct word {
    const char *p;
    size_t n;
} word;

/* The next word of *at; false at the end. */
static bool next_word(const char **at, word *w)
{
    *at += strspn(*at, " ");
    *w = (word){*at, strcspn(*at, " ")};
    *at += w->n;
    return w->n != 0;
}

static bool is_name(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(p[i] == '_' || (p[i] >= '0' && p[i] <= '9') || (p[i] >= 'a' && p[i] <= 'z') || (p[i] >= 'A' && p[i] <= 'Z')))
            return false;
    return n != 0 && n <= NAME_MAX_BYTES;
}

static mote_status read_dtypes(const char *p, size_t n, mote_dtypes *out, mote_diag *diag)
{
    *out = 0;
    if (n == 3 && memcmp(p, "any", 3) == 0) {
        *out = MOTE_DTYPES_ALL;
        return MOTE_OK;
    }
    for (const char *end = p + n; p <= end;) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        size_t k = comma != NULL ? (size_t)(comma - p) : (size_t)(end - p);
        mote_dtype t = mote_dtype_from_name(p, k);
        MOTE_REQUIRE(t != MOTE_DTYPE_NONE, diag, MOTE_E_ARGUMENT, "types: '%.*s' is no element type", (int)(k > 60 ? 60 : k), p);
        *out |= 1u << (unsigned)t;
        p += k + 1;
    }
    return MOTE_OK;
}

static mote_status read_types(mote_custom_def *def, const char *text, mote_diag *diag)
{
    size_t n = 0;
    for (word w; next_word(&text, &w); n++) {
        const char *colon = memchr(w.p, ':', w.n);
        int shown = (int)(w.n > 60 ? 60 : w.n);
        MOTE_REQUIRE(colon != NULL && is_name(w.p, (size_t)(colon - w.p)), diag, MOTE_E_ARGUMENT, "types: '%.*s' is not of the form NAME:TYPE,TYPE", shown, w.p);
        MOTE_REQUIRE(n < MOTE_OP_MAX_VARS, diag, MOTE_E_ARGUMENT, "types: more than %d", MOTE_OP_MAX_VARS);
        mote_type_var *v = &def->types[n];
        MOTE_REQUIRE(colon - w.p < (ptrdiff_t)sizeof v->name, diag, MOTE_E_ARGUMENT, "types: '%.*s' has a name of more than %zu letters", shown, w.p,
                     sizeof v->name - 1);
        memcpy(v->name, w.p, (size_t)(colon - w.p));
        for (size_t i = 0; i < n; i++)
            MOTE_REQUIRE(strcmp(def->types[i].name, v->name) != 0, diag, MOTE_E_ARGUMENT, "types: '%s' stands there twice", v->name);
        MOTE_TRY(read_dtypes(colon + 1, (size_t)(w.p + w.n - colon - 1), &v->dtypes, diag));
    }
    return MOTE_OK;
}

static const struct {
    const char *name;
    mote_attr_kind kind;
} kinds[] = {{"int", MOTE_ATTR_INT},   {"float", MOTE_ATTR_FLOAT},   {"string", MOTE_ATTR_STRING},  {"tensor", MOTE_ATTR_TENSOR},
             {"ints", MOTE_ATTR_INTS}, {"floats", MOTE_ATTR_FLOATS}, {"strings", MOTE_ATTR_STRINGS}};

static bool read_int(const char *p, size_t n, int64_t *out)
{
    bool minus = n != 0 && *p == '-';
    uint64_t u = 0;
    for (size_t i = minus ? 1 : 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9' || u > ((uint64_t)INT64_MAX - (uint64_t)(p[i] - '0')) / 10)
            return false;
        u = u * 10 + (uint64_t)(p[i] - '0');
    }
    *out = minus ? -(int64_t)u : (int64_t)u;
    return n > (minus ? 1u : 0u);
}

/* "NAME:KIND", "NAME:KIND!", "NAME:KIND=DEFAULT" */
static mote_status read_attr(mote_custom_ops *ops, mote_attr_spec *s, word w, mote_diag *diag)
{
    int shown = (int)(w.n > 60 ? 60 : w.n);
    const char *end = w.p + w.n, *colon = memchr(w.p, ':', w.n), *equals = colon != NULL ? memchr(colon, '=', (size_t)(end - colon)) : NULL;
    MOTE_REQUIRE(colon != NULL && is_name(w.p, (size_t)(colon - w.p)), diag, MOTE_E_ARGUMENT, "attributes: '%.*s' is not of the form NAME:KIND", shown, w.p);
    const char *kind_end = equals != NULL ? equals : end;
    s->required = equals == NULL && kind_end[-1] == '!';
    size_t n = (size_t)(kind_end - colon - 1) - (s->required ? 1 : 0);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strlen(kinds[i].name) == n && memcmp(kinds[i].name, colon + 1, n) == 0)
            s->kind = kinds[i].kind;
    MOTE_REQUIRE(s->kind != MOTE_ATTR_NONE, diag, MOTE_E_ARGUMENT, "attributes: '%.*s' is of a kind that there is not", shown, w.p);
    s->name = mote_arena_str(&ops->arena, (mote_str){w.p, (size_t)(colon - w.p)}).p;
    if (s->name == NULL)
        return MOTE_NO_MEMORY(diag, w.n);
    if (equals == NULL)
        return MOTE_OK;
    const char *value = equals + 1;
    size_t length = (size_t)(end - value);
    double f = 0;
    bool good = false;
    if (s->kind == MOTE_ATTR_INT) {
        good = read_int(value, length, &s->i);
    } else if (s->kind == MOTE_ATTR_FLOAT) {
        good = mote_f64_from_text(value, length, &f) && isfinite((float)f);
        s->f = good ? (float)f : 0;
    } else if (s->kind == MOTE_ATTR_STRING) {
        good = true;
        s->s = mote_arena_str(&ops->arena, (mote_str){value, length}).p;
        if (s->s == NULL && length != 0)
            return MOTE_NO_MEMORY(diag, length);
    }
    MOTE_REQUIRE(good, diag, MOTE_E_ARGUMENT, "attributes: '%.*s' has a default that its kind cannot have", shown, w.p);
    return MOTE_OK;
}

static mote_status read_attrs(mote_custom_ops *ops, mote_custom_def *def, const char *text, mote_diag *diag)
{
    size_t n = 0;
    for (word w; next_word(&text, &w); n++) {
        MOTE_REQUIRE(n < MOTE_OP_MAX_ATTRS, diag, MOTE_E_ARGUMENT, "attributes: more than %d", MOTE_OP_MAX_ATTRS);
        MOTE_TRY(read_attr(ops, &def->attrs[n], w, diag));
        for (size_t i = 0; i < n; i++)
            MOTE_REQUIRE(strcmp(def->attrs[i].name, def->attrs[n].name) != 0, diag, MOTE_E_ARGUMENT, "attributes: '%s' stands there twice", def->attrs[i].name);
    }
    return MOTE_OK;
}

static mote_status read_args(mote_custom_ops *ops, const mote_op_def *def, const char *text, const char *what, const char **out, mote_diag *diag)
{
    mote_signature s;
    const char *p = text;
    size_t n = 0;
    for (word w; next_word(&p, &w); n++)
        MOTE_REQUIRE(n < MOTE_OP_MAX_ARGS, diag, MOTE_E_ARGUMENT, "%s: more than %d", what, MOTE_OP_MAX_ARGS);
    MOTE_REQUIRE(mote_signature_read(def, text, &s) == MOTE_OK, diag, MOTE_E_ARGUMENT,
                 "%s: '%.200s' is not of the form NAME:TYPE ..., with types that `types` names or that there are", what, text);
    for (size_t i = 0; i < s.n; i++) {
        MOTE_REQUIRE(s.args[i].kind == MOTE_KIND_TENSOR, diag, MOTE_E_ARGUMENT, "%s: '%.*s' is no tensor, which is all that there may be", what,
                     MOTE_STR_ARG(s.args[i].name));
        MOTE_REQUIRE(is_name(s.args[i].name.p, s.args[i].name.n), diag, MOTE_E_ARGUMENT, "%s: '%.*s' is no name", what, MOTE_STR_ARG(s.args[i].name));
    }
    *out = "";
    if (text[0] != 0 && (*out = mote_arena_str(&ops->arena, mote_str_c(text)).p) == NULL)
        return MOTE_NO_MEMORY(diag, strlen(text));
    return MOTE_OK;
}

/* ---- adding ---- */

static bool is_text(const char *s) { return s == NULL || strnlen(s, TEXT_MAX) < TEXT_MAX; }

static mote_status check_op(const mote_custom_ops *ops, const mote_custom_op *o, mote_str domain, mote_diag *diag)
{
    MOTE_REQUIRE(o->name != NULL && o->domain != NULL, diag, MOTE_E_ARGUMENT, "the operator has no name or domain");
    MOTE_REQUIRE(is_name(o->name, strnlen(o->name, TEXT_MAX)), diag, MOTE_E_ARGUMENT, "the operator's name is not one of 1 to %d letters, digits and '_'",
                 NAME_MAX_BYTES);
    MOTE_REQUIRE(domain.n < 256, diag, MOTE_E_ARGUMENT, "the domain's name is longer than 255 bytes");
    MOTE_REQUIRE(!mote_str_is(domain, "mote"), diag, MOTE_E_ARGUMENT, "domain 'mote' is the library's own");
    MOTE_REQUIRE(is_text(o->inputs) && is_text(o->outputs) && is_text(o->types) && is_text(o->attributes), diag, MOTE_E_ARGUMENT,
                 "a text is longer than %d bytes", TEXT_MAX - 1);
    MOTE_REQUIRE(o->since >= 1, diag, MOTE_E_ARGUMENT, "since is %d, expected 1 or more", (int)o->since);
    MOTE_REQUIRE((o->flags & ~(uint32_t)(MOTE_CUSTOM_DATA_SHAPE | MOTE_CUSTOM_NONDETERMINISTIC)) == 0, diag, MOTE_E_ARGUMENT, "flags has bits that mean nothing: %#x",
                 (unsigned)o->flags);
    MOTE_REQUIRE(o->compute != NULL, diag, MOTE_E_ARGUMENT, "the operator has no compute function");
    MOTE_REQUIRE(o->infer != NULL || (o->flags & MOTE_CUSTOM_DATA_SHAPE) != 0, diag, MOTE_E_ARGUMENT,
                 "the operator has no infer function, and not MOTE_CUSTOM_DATA_SHAPE either");
    MOTE_REQUIRE(!mote_op_is_known(domain, mote_str_c(o->name)), diag, MOTE_E_ARGUMENT, "the library has this operator itself");
    for (const mote_custom_def *d = ops->first; d != NULL; d = d->next)
        MOTE_REQUIRE(strcmp(d->def.name, o->name) != 0 || !mote_str_is(domain, d->def.domain) || d->def.since != o->since, diag, MOTE_E_ARGUMENT,
                     "version %d of this operator is registered already", (int)o->since);
    return MOTE_OK;
}

static mote_status add(mote_custom_ops *ops, const mote_custom_op *o, mote_diag *diag)
{
    mote_str domain = o->domain != NULL && strcmp(o->domain, "ai.onnx") == 0 ? MOTE_STR("") : mote_str_c(o->domain);
    MOTE_TRY(check_op(ops, o, domain, diag));
    mote_custom_def *d = mote_arena_calloc(&ops->arena, 1, sizeof *d);
    if (d == NULL)
        return MOTE_NO_MEMORY(diag, sizeof *d);
    *d = (mote_custom_def){.next = ops->first, .infer = o->infer, .compute = o->compute, .user = o->user, .release = o->release};
    mote_op_def *def = &d->def;
    def->domain = domain.n == 0 ? "" : mote_arena_str(&ops->arena, domain).p;
    def->name = mote_arena_str(&ops->arena, mote_str_c(o->name)).p;
    if (def->domain == NULL || def->name == NULL)
        return MOTE_NO_MEMORY(diag, domain.n);
    def->since = o->since;
    def->flags = MOTE_OP_CUSTOM | ((o->flags & MOTE_CUSTOM_DATA_SHAPE) != 0 ? MOTE_OP_DATA_SHAPE : 0) |
                 ((o->flags & MOTE_CUSTOM_NONDETERMINISTIC) != 0 ? MOTE_OP_RANDOM : 0);
    def->infer = mote_custom_infer_node;
    def->eval = mote_custom_eval_node;
    def->types = d->types;
    def->attrs = d->attrs;
    MOTE_TRY(read_types(d, o->types != NULL ? o->types : "", diag));
    MOTE_TRY(read_attrs(ops, d, o->attributes != NULL ? o->attributes : "", diag));
    MOTE_TRY(read_args(ops, def, o->inputs != NULL ? o->inputs : "", "inputs", &def->in, diag));
    MOTE_TRY(read_args(ops, def, o->outputs != NULL ? o->outputs : "", "outputs", &def->out, diag));
    ops->first = d;
    return MOTE_OK;
}

mote_status mote_custom_ops_add(mote_custom_ops *ops, const mote_custom_op *op, mote_diag *diag)
{
    mote_custom_op o = MOTE_CUSTOM_OP_INIT;
    if (diag != NULL)
        *diag = (mote_diag)MOTE_DIAG_INIT;
    MOTE_REQUIRE(ops != NULL && op != NULL, diag, MOTE_E_ARGUMENT, "ops or op is NULL");
    MOTE_REQUIRE(op->struct_size != 0 && op->struct_size <= sizeof o, diag, MOTE_E_ARGUMENT, "an operator of %zu bytes is not of this version",
                 op->struct_size);
    memcpy(&o, op, op->struct_size);
    mote_status status = add(ops, &o, diag);
    if (status != MOTE_OK && o.name != NULL)
        mote_diag_node(diag, o.name, strnlen(o.name, TEXT_MAX), "", 0);
    return status;
}
