/* infer_module.c - types of all values of a module; small constants carried through shape arithmetic
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "ops/op.h"
#include <string.h>

enum {
    VALUE_MAX = 1024,       /* elements of a value that is carried */
    VALUE_MAX_REAL = 64,    /* of real numbers: scales of Resize and the like */
    BYTES_MAX = 16 << 20,   /* of all values that are carried */
    ALIGN_MAX = 1 << 16,    /* bytes of a misaligned constant that is copied to be read */
    NODES_BASE = 200000,    /* nodes inferred in all: bodies of loops are inferred again until their types settle, and they nest */
    NODES_FACTOR = 16,
};

typedef struct owned {
    struct owned *next;
    mote_array a;
} owned;

typedef struct walk {
    mote_module *m;
    mote_diag *diag;
    mote_arena arena;          /* for the time of the walk */
    const mote_array **known;  /* by value id; NULL: not known */
    size_t n_values;
    owned *results;            /* evaluated values, their data from the heap */
    size_t bytes;              /* of theirs */
    uint64_t budget;
    int depth;
} walk;

static mote_status infer_graph(walk *w, mote_graph *g);

static const mote_array *value_of(walk *w, const mote_value *v)
{
    if (v == NULL || v->id >= w->n_values)
        return NULL;
    if (w->known[v->id] != NULL || v->constant == NULL)
        return w->known[v->id];
    const mote_array *a = v->constant;
    if (mote_array_aligned(a) || a->kind != MOTE_KIND_TENSOR)
        return a;
    if (a->bytes > ALIGN_MAX || a->dtype == MOTE_DTYPE_STRING || mote_array_absent(a))
        return NULL;
    mote_array *copy = mote_arena_copy(&w->arena, a, sizeof *a);
    if (copy == NULL || (copy->data = mote_arena_copy(&w->arena, a->data, a->bytes)) == NULL)
        return NULL;
    w->known[v->id] = copy;
    return copy;
}

static bool is_small(mote_dtype dtype, size_t count)
{
    if (mote_dtype_in(dtype, MOTE_DTYPES_INT | MOTE_DT(BOOL)))
        return count <= VALUE_MAX;
    return mote_dtype_in(dtype, MOTE_DTYPES_FLOAT) && count <= VALUE_MAX_REAL;
}

static bool is_small_type(const mote_type *t)
{
    mote_array a;
    return t->kind == MOTE_KIND_TENSOR && mote_type_known(t) && mote_array_shape(&a, t->dtype, t->rank, t->dims, NULL) == MOTE_OK &&
           is_small(t->dtype, mote_array_count(&a));
}

/* Evaluates a node whose inputs are known and small. Its failure is its own affair when the node runs: only memory is reported here. */
static mote_status evaluate(walk *w, const mote_node *n, const mote_type *const *in, const mote_array *const *value, const mote_type *out)
{
    const mote_op_def *def = n->def;
    if ((def->flags & (MOTE_OP_RANDOM | MOTE_OP_CONTROL)) != 0 || def->eval == NULL || n->n_out == 0 || n->n_out > 16)
        return MOTE_OK;
    for (uint32_t i = 0; i < n->n_out; i++)
        if (n->out[i] != NULL && (def->flags & MOTE_OP_DATA_SHAPE) == 0 && !is_small_type(&out[i]))
            return MOTE_OK;
    bool shape_only = (def->flags & MOTE_OP_SHAPE_ONLY) != 0;
    const mote_array **arrays = mote_arena_calloc(&w->arena, n->n_in, sizeof *arrays);
    if (arrays == NULL && n->n_in != 0)
        return MOTE_NO_MEMORY(w->diag, n->n_in * sizeof *arrays);
    for (uint32_t i = 0; i < n->n_in; i++) {
        if (in[i] == NULL)
            continue;
        if (shape_only && in[i]->kind == MOTE_KIND_TENSOR && mote_type_known(in[i])) {
            mote_array *shape = mote_arena_calloc(&w->arena, 1, sizeof *shape);
            if (shape == NULL)
                return MOTE_NO_MEMORY(w->diag, sizeof *shape);
            MOTE_TRY(mote_array_shape(shape, in[i]->dtype, in[i]->rank, in[i]->dims, w->diag));
            arrays[i] = shape;
        } else if (value[i] != NULL && value[i]->kind == MOTE_KIND_TENSOR && is_small(value[i]->dtype, mote_array_count(value[i]))) {
            arrays[i] = value[i];
        } else {
            return MOTE_OK;
        }
    }
    mote_array results[16];
    mote_status status = mote_eval_node(w->m, n, arrays, results, w->m->heap, NULL, NULL, NULL);
    if (status == MOTE_E_MEMORY)
        return MOTE_NO_MEMORY(w->diag, 0);
    if (status != MOTE_OK)
        return MOTE_OK;
    for (uint32_t i = 0; i < n->n_out; i++) {
        bool keep = n->out[i] != NULL && results[i].kind == MOTE_KIND_TENSOR && is_small(results[i].dtype, mote_array_count(&results[i])) &&
                    w->bytes + results[i].bytes <= BYTES_MAX;
        owned *o = keep ? mote_arena_calloc(&w->arena, 1, sizeof *o) : NULL;
        if (o == NULL) {
            mote_array_free(w->m->heap, &results[i]);
            continue;
        }
        o->a = results[i];
        o->next = w->results;
        w->results = o;
        w->bytes += o->a.bytes;
        w->known[n->out[i]->id] = &o->a;
    }
    return MOTE_OK;
}

static bool same_type(const mote_type *a, const mote_type *b, bool *dtype)
{
    *dtype = a->kind != MOTE_KIND_TENSOR || b->kind != MOTE_KIND_TENSOR || a->dtype == MOTE_DTYPE_NONE || b->dtype == MOTE_DTYPE_NONE ||
             a->dtype == b->dtype;
    if (!*dtype || a->kind != MOTE_KIND_TENSOR || b->kind != MOTE_KIND_TENSOR || a->rank < 0 || b->rank < 0)
        return *dtype;
    if (a->rank != b->rank)
        return false;
    for (int32_t i = 0; i < a->rank; i++)
        if (mote_dim_known(a->dims[i]) && mote_dim_known(b->dims[i]) && a->dims[i] != b->dims[i])
            return false;
    return true;
}

static mote_status check_declared(walk *w, const mote_value *v, const mote_type *found)
{
    bool dtype;
    if (v->graph != w->m->graph || !mote_value_is_output(v) || same_type(&v->type, found, &dtype))
        return MOTE_OK;
    mote_text seen, declared;
    mote_text_init(&seen, w->m->heap);
    mote_text_init(&declared, w->m->heap);
    mote_type_print(w->m, found, &seen);
    mote_type_print(w->m, &v->type, &declared);
    mote_status status = mote_fail(w->diag, dtype ? MOTE_E_SHAPE : MOTE_E_DTYPE, "output '%.*s' is %s, declared as %s", MOTE_STR_ARG(v->name),
                                   seen.p != NULL ? seen.p : "", declared.p != NULL ? declared.p : "");
    mote_text_deinit(&seen);
    mote_text_deinit(&declared);
    return status;
}

static mote_status keep_element(walk *w, mote_type *t)
{
    const mote_type **link = &t->element;
    for (int depth = 0; *link != NULL && depth < 8; depth++) {
        mote_type *copy = mote_arena_copy(&w->m->arena, *link, sizeof *copy);
        if (copy == NULL)
            return MOTE_NO_MEMORY(w->diag, sizeof *copy);
        *link = copy;
        link = &copy->element;
    }
    return MOTE_OK;
}

/* Before inference writes over them. */
static mote_status keep_declared(walk *w, mote_graph *g)
{
    if (g->n_declared != 0 || g->n_outputs == 0)
        return MOTE_OK;
    mote_type *declared = mote_arena_calloc(&w->m->arena, g->n_outputs, sizeof *declared);
    if (declared == NULL)
        return MOTE_NO_MEMORY(w->diag, g->n_outputs * sizeof *declared);
    for (size_t i = 0; i < g->n_outputs; i++)
        declared[i] = g->outputs[i]->value->type;
    g->declared = declared;
    g->n_declared = g->n_outputs;
    return MOTE_OK;
}

static mote_status infer_subgraph(mote_infer *c, mote_graph *g, const mote_type *const *in, size_t n_in, mote_type *out, size_t n_out)
{
    walk *w = c->ctx;
    MOTE_REQUIRE(n_in == g->n_inputs, c->diag, MOTE_E_MODEL, "the subgraph '%.*s' has %zu inputs, expected %zu", MOTE_STR_ARG(g->name),
                 g->n_inputs, n_in);
    MOTE_REQUIRE(n_out == g->n_outputs, c->diag, MOTE_E_MODEL, "the subgraph '%.*s' has %zu outputs, expected %zu", MOTE_STR_ARG(g->name),
                 g->n_outputs, n_out);
    MOTE_TRY(keep_declared(w, g));
    for (size_t i = 0; i < n_in; i++) {
        mote_value *v = g->inputs[i];
        w->known[v->id] = NULL;
        if (in[i] == NULL)
            continue;
        mote_dtype dtype = in[i]->dtype;
        if (in[i]->kind == MOTE_KIND_TENSOR && dtype == MOTE_DTYPE_NONE && v->type.kind == MOTE_KIND_TENSOR)
            dtype = v->type.dtype;
        v->type = *in[i];
        v->type.dtype = dtype;
        MOTE_TRY(keep_element(w, &v->type));
    }
    MOTE_TRY(infer_graph(w, g));
    for (size_t i = 0; i < n_out; i++)
        out[i] = g->outputs[i]->value->type;
    return MOTE_OK;
}

static mote_status infer_one(walk *w, mote_graph *g, mote_node *n)
{
    (void)g;
    MOTE_REQUIRE(w->budget-- > 0, w->diag, MOTE_E_LIMIT, "inference does not settle: too many nested loops");
    mote_arena temp;
    mote_arena_init(&temp, w->m->heap);
    mote_status status = MOTE_OK;
    const mote_type **in = mote_arena_calloc(&temp, n->n_in + 1, sizeof *in);
    const mote_array **value = mote_arena_calloc(&temp, n->n_in + 1, sizeof *value);
    mote_type *out = mote_arena_calloc(&temp, n->n_out + 1, sizeof *out);
    if (in == NULL || value == NULL || out == NULL) {
        status = MOTE_NO_MEMORY(w->diag, 0);
        goto done;
    }
    for (uint32_t i = 0; i < n->n_in; i++) {
        const mote_value *v = n->in[i].value;
        if (v != NULL) {
            in[i] = &v->type;
            value[i] = value_of(w, v);
        }
    }
    mote_infer c = {.module = w->m, .node = n, .n_in = n->n_in, .n_out = n->n_out, .in = in, .value = value, .out = out, .diag = w->diag,
                    .subgraph = infer_subgraph, .ctx = w, .depth = w->depth};
    status = mote_infer_node(&c);
    for (uint32_t i = 0; status == MOTE_OK && i < n->n_out; i++) {
        mote_value *v = n->out[i];
        if (v == NULL)
            continue;
        w->known[v->id] = NULL;
        status = check_declared(w, v, &out[i]);
        if (status == MOTE_OK) {
            v->type = out[i];
            status = keep_element(w, &v->type);
        }
    }
    if (status == MOTE_OK)
        status = evaluate(w, n, in, value, out);
    for (uint32_t i = 0; status == MOTE_OK && i < n->n_out; i++) {
        mote_value *v = n->out[i];
        const mote_array *a = v != NULL ? w->known[v->id] : NULL;
        if (a == NULL || v->type.kind != MOTE_KIND_TENSOR || mote_type_known(&v->type))
            continue;
        v->type.dtype = a->dtype;
        v->type.rank = a->rank;
        memcpy(v->type.dims, a->dims, sizeof a->dims);
    }
done:
    if (status != MOTE_OK)
        mote_node_name_in(n, w->diag);
    mote_arena_deinit(&temp);
    return status;
}

static mote_status infer_graph(walk *w, mote_graph *g)
{
    MOTE_REQUIRE(w->depth <= MOTE_GRAPH_MAX_DEPTH, w->diag, MOTE_E_LIMIT, "graphs nested deeper than %d", MOTE_GRAPH_MAX_DEPTH);
    w->depth++;
    mote_status status = MOTE_OK;
    for (mote_node *n = g->first; n != NULL && status == MOTE_OK; n = n->next)
        status = infer_one(w, g, n);
    w->depth--;
    return status;
}

static mote_status tell_known(walk *w, mote_graph *g, mote_infer_known fn, void *ctx, int depth)
{
    for (mote_node *n = g->first; n != NULL; n = n->next) {
        for (const mote_attr *a = n->attrs; a != NULL && depth > 0; a = a->next) {
            if (a->kind == MOTE_ATTR_GRAPH)
                MOTE_TRY(tell_known(w, a->g, fn, ctx, depth - 1));
            for (size_t i = 0; a->kind == MOTE_ATTR_GRAPHS && i < a->n; i++)
                MOTE_TRY(tell_known(w, a->graphs[i], fn, ctx, depth - 1));
        }
        for (uint32_t i = 0; i < n->n_out; i++)
            if (n->out[i] != NULL && w->known[n->out[i]->id] != NULL)
                MOTE_TRY(fn(ctx, n->out[i], w->known[n->out[i]->id]));
    }
    return MOTE_OK;
}

mote_status mote_infer_module_known(mote_module *m, mote_infer_known fn, void *ctx, mote_diag *diag)
{
    walk w = {.m = m, .diag = diag, .n_values = m->n_values, .budget = NODES_BASE + (uint64_t)NODES_FACTOR * m->n_nodes};
    mote_arena_init(&w.arena, m->heap);
    w.known = mote_heap_calloc(m->heap, w.n_values + 1, sizeof *w.known);
    mote_status status = w.known != NULL ? infer_graph(&w, m->graph) : MOTE_NO_MEMORY(diag, w.n_values * sizeof *w.known);
    if (status == MOTE_OK && fn != NULL)
        status = tell_known(&w, m->graph, fn, ctx, MOTE_GRAPH_MAX_DEPTH);
    while (w.results != NULL) {
        mote_array_free(m->heap, &w.results->a);
        w.results = w.results->next;
    }
    mote_heap_free(m->heap, w.known, (w.n_values + 1) * sizeof *w.known);
    mote_arena_deinit(&w.arena);
    return status;
}

mote_status mote_infer_module(mote_module *m, mote_diag *diag) { return mote_infer_module_known(m, NULL, NULL, diag); }
