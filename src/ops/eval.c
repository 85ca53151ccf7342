/* eval.c - the reference executor: nodes and graphs on arrays, one node after the other
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "ops/op.h"
#include "base/size.h"
#include <string.h>

enum { STEPS_DEFAULT = 10000000 };

typedef struct result {
    mote_array *arrays;
    size_t n;
} result;

typedef struct exec {
    mote_module *m;
    mote_heap *heap;
    mote_diag *diag;
    uint64_t steps, limit;
    uint64_t turns, turn; /* graphs begun; the one that runs */
    int depth;
    mote_eval_outer outer;
    void *outer_ctx;
    /* by value id, made when a graph runs */
    mote_array *values;
    uint8_t *state;
    size_t n_values;
} exec;
enum { UNSET = 0, BORROWED = 1, OWNED = 2 };

typedef struct call {
    mote_eval c;
    exec *x;
    result slots[2];
} call;

static mote_status run_graph(exec *x, mote_graph *g, const mote_array *const *in, size_t n_in, mote_array *out, size_t n_out);

/* ---- what an evaluation asks of its executor ---- */

static mote_status give_output(mote_eval *c, uint32_t i, mote_dtype dtype, int32_t rank, const int64_t *dims)
{
    const call *k = c->ctx;
    MOTE_REQUIRE(i < c->n_out, c->diag, MOTE_E_INTERNAL, "output %u of %u", i, c->n_out);
    if (c->out[i] == NULL)
        return MOTE_OK;
    mote_array a;
    MOTE_TRY(mote_array_shape(&a, dtype, rank, dims, c->diag));
    mote_array_free(k->x->heap, c->out[i]);
    MOTE_TRY(mote_array_make(k->x->heap, &a, c->diag));
    *c->out[i] = a;
    return MOTE_OK;
}

static mote_status give_items(mote_eval *c, uint32_t i, mote_kind kind, mote_dtype dtype, size_t n, const mote_array *const *items)
{
    const call *k = c->ctx;
    MOTE_REQUIRE(i < c->n_out, c->diag, MOTE_E_INTERNAL, "output %u of %u", i, c->n_out);
    if (c->out[i] == NULL)
        return MOTE_OK;
    mote_array a;
    MOTE_TRY(mote_array_items(k->x->heap, kind, dtype, n, items, &a, c->diag));
    mote_array_free(k->x->heap, c->out[i]);
    *c->out[i] = a;
    return MOTE_OK;
}

static char *give_chars(mote_eval *c, uint32_t i, size_t bytes)
{
    const call *k = c->ctx;
    return i < c->n_out && c->out[i] != NULL ? mote_array_chars(k->x->heap, c->out[i], bytes) : NULL;
}

static mote_status count_step(exec *x)
{
    MOTE_REQUIRE(x->steps < x->limit, x->diag, MOTE_E_LIMIT, "more than %llu steps", (unsigned long long)x->limit);
    x->steps++;
    return MOTE_OK;
}

static mote_status tick(mote_eval *c) { return count_step(((call *)c->ctx)->x); }

static void release(mote_heap *heap, result *r)
{
    for (size_t i = 0; i < r->n; i++)
        mote_array_free(heap, &r->arrays[i]);
    mote_heap_free(heap, r->arrays, r->n * sizeof *r->arrays);
    *r = (result){0};
}

static mote_status run_subgraph(mote_eval *c, mote_graph *g, int slot, const mote_array *const *in, size_t n_in, const mote_array **results,
                                size_t n_results)
{
    call *k = c->ctx;
    exec *x = k->x;
    MOTE_REQUIRE(slot == 0 || slot == 1, c->diag, MOTE_E_INTERNAL, "slot %d", slot);
    MOTE_REQUIRE(n_in == g->n_inputs && n_results == g->n_outputs, c->diag, MOTE_E_MODEL,
                 "the subgraph has %zu inputs and %zu outputs, expected %zu and %zu", g->n_inputs, g->n_outputs, n_in, n_results);
    MOTE_REQUIRE(x->depth < MOTE_GRAPH_MAX_DEPTH, c->diag, MOTE_E_LIMIT, "graphs nested deeper than %d", MOTE_GRAPH_MAX_DEPTH);
    result r = {mote_heap_calloc(x->heap, n_results, sizeof *r.arrays), n_results};
    if (r.arrays == NULL && n_results != 0)
        return MOTE_NO_MEMORY(c->diag, n_results * sizeof *r.arrays);
    x->depth++;
    mote_status status = run_graph(x, g, in, n_in, r.arrays, n_results);
    x->depth--;
    if (status != MOTE_OK) {
        release(x->heap, &r);
        return status;
    }
    release(x->heap, &k->slots[slot]); /* not before the run: its inputs may lie there */
    k->slots[slot] = r;
    for (size_t i = 0; i < n_results; i++)
        results[i] = &r.arrays[i];
    return MOTE_OK;
}

/* ---- one node ---- */

static mote_status type_of(const mote_array *a, mote_arena *arena, mote_type *t)
{
    *t = (mote_type){.kind = a->kind, .dtype = a->dtype, .rank = a->rank};
    memcpy(t->dims, a->dims, sizeof t->dims);
    if (a->kind == MOTE_KIND_TENSOR)
        return MOTE_OK;
    t->dtype = MOTE_DTYPE_NONE;
    t->rank = -1;
    mote_type *element = mote_arena_calloc(arena, 1, sizeof *element);
    if (element == NULL)
        return MOTE_E_MEMORY;
    t->element = element;
    const mote_array *first = a->dims[0] > 0 ? a->data : NULL;
    *element = (mote_type){.dtype = a->dtype, .rank = -1};
    for (int depth = 0; first != NULL && first->kind != MOTE_KIND_TENSOR && depth < 8; depth++) {
        mote_type *inner = mote_arena_calloc(arena, 1, sizeof *inner);
        if (inner == NULL)
            return MOTE_E_MEMORY;
        *inner = *element;
        *element = (mote_type){.kind = first->kind, .rank = -1, .element = inner};
        element = inner;
        first = first->dims[0] > 0 ? first->data : NULL;
    }
    return MOTE_OK;
}

/* Shapes the outputs by inference, gives them memory where everything is known. */
static mote_status shape_outputs(exec *x, const mote_node *n, const mote_array *const *in, mote_array *const *out, mote_module *local)
{
    mote_arena *arena = &local->arena;
    mote_type *types = mote_arena_calloc(arena, (size_t)n->n_in + n->n_out + 1, sizeof *types);
    const mote_type **in_types = mote_arena_calloc(arena, (size_t)n->n_in + 1, sizeof *in_types);
    if (types == NULL || in_types == NULL)
        return MOTE_NO_MEMORY(x->diag, 0);
    for (uint32_t i = 0; i < n->n_in; i++)
        if (in[i] != NULL) {
            if (type_of(in[i], arena, &types[i]) != MOTE_OK)
                return MOTE_NO_MEMORY(x->diag, sizeof(mote_type));
            in_types[i] = &types[i];
        }
    const mote_array **value = mote_arena_calloc(arena, (size_t)n->n_in + 1, sizeof *value);
    if (value == NULL)
        return MOTE_NO_MEMORY(x->diag, 0);
    for (uint32_t i = 0; i < n->n_in; i++) /* a shape without data says its shape alone */
        value[i] = in[i] != NULL && in[i]->kind == MOTE_KIND_TENSOR && (in[i]->data != NULL || in[i]->bytes == 0) ? in[i] : NULL;
    mote_type *found = types + n->n_in;
    mote_infer c = {.module = local, .node = n, .n_in = n->n_in, .n_out = n->n_out, .in = in_types, .value = value, .out = found, .diag = x->diag};
    MOTE_TRY(mote_infer_node(&c));
    if ((n->def->flags & MOTE_OP_DATA_SHAPE) != 0)
        return MOTE_OK;
    for (uint32_t i = 0; i < n->n_out; i++) {
        if (out[i] == NULL || found[i].kind != MOTE_KIND_TENSOR || !mote_type_known(&found[i]))
            continue;
        MOTE_TRY(mote_array_shape(out[i], found[i].dtype, found[i].rank, found[i].dims, x->diag));
        MOTE_TRY(mote_array_make(x->heap, out[i], x->diag));
    }
    return MOTE_OK;
}

static mote_status run_node_inner(exec *x, const mote_node *n, const mote_array *const *in, mote_array *out, mote_module *local)
{
    mote_arena *arena = &local->arena;
    MOTE_REQUIRE(n->def != NULL && n->def->eval != NULL, x->diag, MOTE_E_UNSUPPORTED, "no reference evaluation of this operator");
    MOTE_TRY(count_step(x));
    const mote_array **aligned = mote_arena_calloc(arena, (size_t)n->n_in + 1, sizeof *aligned);
    mote_array **wanted = mote_arena_calloc(arena, (size_t)n->n_out + 1, sizeof *wanted);
    if (aligned == NULL || wanted == NULL)
        return MOTE_NO_MEMORY(x->diag, 0);
    for (uint32_t i = 0; i < n->n_in; i++) {
        aligned[i] = in[i];
        if (in[i] == NULL || in[i]->kind != MOTE_KIND_TENSOR || in[i]->data == NULL || in[i]->bytes == 0 || mote_array_aligned(in[i]))
            continue;
        mote_array *copy = mote_arena_copy(arena, in[i], sizeof *copy);
        if (copy == NULL || (copy->data = mote_arena_copy(arena, in[i]->data, in[i]->bytes)) == NULL)
            return MOTE_NO_MEMORY(x->diag, in[i]->bytes);
        aligned[i] = copy;
    }
    for (uint32_t i = 0; i < n->n_out; i++)
        wanted[i] = n->out[i] != NULL ? &out[i] : NULL;
    if ((n->def->flags & MOTE_OP_CONTROL) == 0)
        MOTE_TRY(shape_outputs(x, n, aligned, wanted, local));
    call k = {.x = x};
    k.c = (mote_eval){.node = n, .n_in = n->n_in, .n_out = n->n_out, .in = aligned, .out = wanted, .heap = x->heap, .diag = x->diag,
                      .output = give_output, .output_items = give_items, .output_chars = give_chars, .subgraph = run_subgraph, .tick = tick,
                      .ctx = &k, .turn = x->turn};
    mote_status status = n->def->eval(&k.c);
    release(x->heap, &k.slots[0]);
    release(x->heap, &k.slots[1]);
    MOTE_TRY(status);
    for (uint32_t i = 0; i < n->n_out; i++)
        MOTE_REQUIRE(n->out[i] == NULL || out[i].data != NULL, x->diag, MOTE_E_INTERNAL, "output %u was not made", i);
    return MOTE_OK;
}

static mote_status run_node(exec *x, const mote_node *n, const mote_array *const *in, mote_array *out)
{
    mote_module local = *x->m; /* shared and immutable: new symbols and memory of this node go to an arena of its own */
    local.cap_symbols = local.n_symbols;
    mote_arena_init(&local.arena, x->heap);
    for (uint32_t i = 0; i < n->n_out; i++)
        out[i] = (mote_array){0};
    mote_status status = run_node_inner(x, n, in, out, &local);
    mote_arena_deinit(&local.arena);
    if (status != MOTE_OK) {
        mote_node_name_in(n, x->diag);
        for (uint32_t i = 0; i < n->n_out; i++)
            mote_array_free(x->heap, &out[i]);
    }
    return status;
}

/* ---- graphs ---- */

static mote_status open_table(exec *x)
{
    if (x->values != NULL)
        return MOTE_OK;
    x->n_values = x->m->n_values;
    x->values = mote_heap_calloc(x->heap, x->n_values + 1, sizeof *x->values);
    x->state = mote_heap_calloc(x->heap, x->n_values + 1, 1);
    return x->values != NULL && x->state != NULL ? MOTE_OK : MOTE_NO_MEMORY(x->diag, x->n_values * sizeof *x->values);
}

static void close_table(exec *x)
{
    mote_heap_free(x->heap, x->values, (x->n_values + 1) * sizeof *x->values);
    mote_heap_free(x->heap, x->state, x->n_values + 1);
}

static mote_status lookup(exec *x, const mote_value *v, const mote_array **out)
{
    *out = NULL;
    if (v == NULL)
        return MOTE_OK;
    if (x->state[v->id] != UNSET)
        *out = &x->values[v->id];
    else if (v->constant != NULL)
        *out = v->constant;
    else if (x->outer != NULL)
        *out = x->outer(x->outer_ctx, v);
    MOTE_REQUIRE(*out != NULL, x->diag, MOTE_E_ARGUMENT, "value '%.*s' is not given", MOTE_STR_ARG(v->name));
    return MOTE_OK;
}

static void unset(exec *x, const mote_value *v)
{
    if (x->state[v->id] == OWNED)
        mote_array_free(x->heap, &x->values[v->id]);
    x->state[v->id] = UNSET;
}

static mote_status run_in_graph(exec *x, const mote_node *n)
{
    const mote_array *few_in[16];
    mote_array few_out[8];
    const mote_array **in = few_in;
    mote_array *out = few_out;
    mote_status status = MOTE_OK;
    if (n->n_in > 16 && (in = mote_heap_calloc(x->heap, n->n_in, sizeof *in)) == NULL)
        return MOTE_NO_MEMORY(x->diag, n->n_in * sizeof *in);
    if (n->n_out > 8 && (out = mote_heap_calloc(x->heap, n->n_out, sizeof *out)) == NULL)
        status = MOTE_NO_MEMORY(x->diag, n->n_out * sizeof *out);
    for (uint32_t i = 0; i < n->n_in && status == MOTE_OK; i++)
        status = lookup(x, n->in[i].value, &in[i]);
    if (status == MOTE_OK)
        status = run_node(x, n, in, out);
    for (uint32_t i = 0; i < n->n_out && status == MOTE_OK; i++)
        if (n->out[i] != NULL) {
            x->values[n->out[i]->id] = out[i];
            x->state[n->out[i]->id] = OWNED;
        }
    if (in != few_in)
        mote_heap_free(x->heap, in, n->n_in * sizeof *in);
    if (out != few_out)
        mote_heap_free(x->heap, out, n->n_out * sizeof *out);
    return status;
}

/* The value of a graph's output: taken when the graph made it and no later output is the same, else copied. */
static mote_status take_output(exec *x, const mote_graph *g, size_t i, mote_array *out)
{
    const mote_value *v = g->outputs[i]->value;
    bool again = false;
    for (size_t j = i + 1; j < g->n_outputs && !again; j++)
        again = g->outputs[j]->value == v;
    if (!again && v->graph == g && x->state[v->id] == OWNED) {
        *out = x->values[v->id];
        x->state[v->id] = UNSET;
        return MOTE_OK;
    }
    const mote_array *from;
    MOTE_TRY(lookup(x, v, &from));
    return mote_array_clone(x->heap, from, out, x->diag);
}

static mote_status run_graph(exec *x, mote_graph *g, const mote_array *const *in, size_t n_in, mote_array *out, size_t n_out)
{
    mote_status status = open_table(x);
    MOTE_TRY(status);
    const uint64_t around = x->turn;
    x->turn = x->turns++;
    for (size_t i = 0; i < n_in; i++)
        if (in[i] != NULL) {
            x->values[g->inputs[i]->id] = *in[i];
            x->state[g->inputs[i]->id] = BORROWED;
        }
    for (const mote_node *n = g->first; n != NULL && status == MOTE_OK; n = n->next)
        status = run_in_graph(x, n);
    for (size_t i = 0; i < n_out && status == MOTE_OK; i++)
        status = take_output(x, g, i, &out[i]);
    for (const mote_value *v = g->values; v != NULL; v = v->next)
        unset(x, v);
    x->turn = around;
    return status;
}

mote_status mote_eval_node(mote_module *m, const mote_node *node, const mote_array *const *in, mote_array *out, mote_heap *heap,
                           mote_eval_outer outer, void *outer_ctx, mote_diag *diag)
{
    exec x = {.m = m, .heap = heap, .diag = diag, .limit = STEPS_DEFAULT, .outer = outer, .outer_ctx = outer_ctx};
    mote_status status = run_node(&x, node, in, out);
    close_table(&x);
    return status;
}

mote_status mote_eval_graph(mote_graph *g, const mote_array *const *inputs, size_t n_inputs, mote_array *outputs, size_t n_outputs,
                            mote_heap *heap, uint64_t step_limit, mote_eval_outer outer, void *outer_ctx, mote_diag *diag)
{
    exec x = {.m = g->module, .heap = heap, .diag = diag, .limit = step_limit != 0 ? step_limit : STEPS_DEFAULT, .outer = outer,
              .outer_ctx = outer_ctx};
    for (size_t i = 0; i < n_outputs; i++)
        outputs[i] = (mote_array){0};
    MOTE_REQUIRE(n_inputs == g->n_inputs && n_outputs == g->n_outputs, diag, MOTE_E_ARGUMENT,
                 "%zu inputs and %zu outputs given, expected %zu and %zu", n_inputs, n_outputs, g->n_inputs, g->n_outputs);
    mote_status status = run_graph(&x, g, inputs, n_inputs, outputs, n_outputs);
    close_table(&x);
    for (size_t i = 0; status != MOTE_OK && i < n_outputs; i++)
        mote_array_free(heap, &outputs[i]);
    return status;
}
