/* read_function.c - model-local functions, put in place of the nodes that call them
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: onnx/docs/IR.md, Functions. A body sees only its own inputs, so it is read into a graph of its own, whose values and nodes then move into the
 * calling graph under fresh names. */
#include "base/platform.h"
#include "onnx/reader.h"

/* What all calls together may read of bodies and of what stands in them, and the memory that they may take. */
enum { MAX_EXPANDED = 1000000, MAX_WORK = 10000000, MAX_BYTES = 48 << 20 };

static mote_status message(mote_onnx_reader *r, const mote_wire *w, const mote_wire_field *f, mote_wire *out)
{
    MOTE_TRY(mote_wire_expect(w, f, MOTE_WIRE_BYTES, r->diag));
    *out = mote_wire_in(w, f->bytes);
    return MOTE_OK;
}

mote_onnx_function *mote_onnx_function_find(const mote_onnx_reader *r, mote_str domain, mote_str name, mote_str overload)
{
    for (size_t i = 0; i < r->n_functions; i++)
        if (mote_str_eq(r->functions[i].name, name) && mote_str_eq(r->functions[i].domain, domain) && mote_str_eq(r->functions[i].overload, overload))
            return &r->functions[i];
    return NULL;
}

static mote_status scan_one(mote_onnx_reader *r, mote_wire w, mote_onnx_function *out)
{
    *out = (mote_onnx_function){{"", 0}, {"", 0}, {"", 0}, w, false};
    mote_wire_field f;
    bool more;
    for (;;) {
        MOTE_TRY(mote_wire_next(&w, &f, &more, r->diag));
        if (!more)
            break;
        mote_str *to = f.id == 1 ? &out->name : f.id == 10 ? &out->domain : f.id == 13 ? &out->overload : NULL;
        if (to != NULL) {
            MOTE_TRY(mote_wire_expect(&w, &f, MOTE_WIRE_BYTES, r->diag));
            *to = f.bytes;
        }
    }
    if (mote_str_is(out->domain, "ai.onnx"))
        out->domain = MOTE_STR("");
    return MOTE_OK;
}

mote_status mote_onnx_functions_scan(mote_onnx_reader *r, mote_wire model)
{
    mote_wire_field f;
    mote_wire in;
    bool more;
    for (int pass = 0; pass < 2; pass++) {
        mote_wire w = model;
        size_t n = 0;
        for (;;) {
            MOTE_TRY(mote_wire_next(&w, &f, &more, r->diag));
            if (!more)
                break;
            if (f.id != 25)
                continue;
            MOTE_TRY(message(r, &w, &f, &in));
            if (pass == 1) {
                mote_onnx_function one;
                MOTE_TRY(scan_one(r, in, &one));
                MOTE_REQUIRE(mote_onnx_function_find(r, one.domain, one.name, one.overload) == NULL, r->diag, MOTE_E_MODEL,
                             "function '%.*s' stands twice", MOTE_STR_ARG(one.name));
                r->functions[r->n_functions++] = one;
            }
            n++;
        }
        MOTE_REQUIRE(n <= 10000, r->diag, MOTE_E_LIMIT, "%zu functions in one model", n);
        if (pass == 0 && n != 0) {
            r->functions = mote_arena_calloc(&r->module->arena, n, sizeof *r->functions);
            if (r->functions == NULL)
                return MOTE_NO_MEMORY(r->diag, n * sizeof *r->functions);
        }
    }
    return MOTE_OK;
}

/* ---- one call ---- */

typedef struct body {
    mote_onnx_scope scope;
    mote_value **inputs;
    mote_str *outputs;
    size_t n_inputs, n_outputs;
} body;

static mote_status count(mote_onnx_reader *r, mote_wire w, body *b)
{
    mote_wire_field f;
    bool more;
    size_t opsets = 0, fields = 0;
    for (;;) {
        MOTE_TRY(mote_wire_next(&w, &f, &more, r->diag));
        if (!more)
            break;
        fields++;
        b->n_inputs += f.id == 4;
        b->n_outputs += f.id == 5;
        opsets += f.id == 9;
    }
    MOTE_REQUIRE(fields <= MAX_EXPANDED - r->expanded, r->diag, MOTE_E_LIMIT, "functions expand to more than %d parts", MAX_EXPANDED);
    r->expanded += fields;
    MOTE_TRY(mote_onnx_room(r, fields * sizeof(mote_opset)));
    mote_arena *a = &r->module->arena;
    b->inputs = mote_arena_calloc(a, b->n_inputs, sizeof *b->inputs);
    b->outputs = mote_arena_calloc(a, b->n_outputs, sizeof *b->outputs);
    b->scope.opsets = mote_arena_calloc(a, opsets, sizeof *b->scope.opsets);
    return b->inputs != NULL && b->outputs != NULL && b->scope.opsets != NULL ? MOTE_OK : MOTE_NO_MEMORY(r->diag, opsets);
}

static mote_status signature(mote_onnx_reader *r, mote_wire w, mote_graph *g, body *b, int depth)
{
    mote_wire_field f;
    mote_wire in;
    bool more;
    size_t n_in = 0, n_out = 0;
    mote_attr **last = &b->scope.defaults;
    for (;;) {
        MOTE_TRY(mote_wire_next(&w, &f, &more, r->diag));
        if (!more)
            return MOTE_OK;
        if (f.id == 4) {
            MOTE_TRY(mote_wire_expect(&w, &f, MOTE_WIRE_BYTES, r->diag));
            mote_value *v = mote_graph_add_value(g, f.bytes);
            if (v == NULL)
                return MOTE_NO_MEMORY(r->diag, f.bytes.n);
            v->type.rank = -1;
            MOTE_REQUIRE(mote_names_find(&r->names, g, f.bytes) == NULL, r->diag, MOTE_E_MODEL, "two inputs of a function are named '%.*s'",
                         MOTE_STR_ARG(f.bytes));
            if (mote_names_add(&r->names, v) != MOTE_OK)
                return MOTE_NO_MEMORY(r->diag, sizeof v);
            b->inputs[n_in++] = v;
        } else if (f.id == 5) {
            MOTE_TRY(mote_wire_expect(&w, &f, MOTE_WIRE_BYTES, r->diag));
            b->outputs[n_out++] = f.bytes;
        } else if (f.id == 9) {
            MOTE_TRY(message(r, &w, &f, &in));
            MOTE_TRY(mote_onnx_opset_read(r, in, &b->scope.opsets[b->scope.n_opsets++]));
        } else if (f.id == 11) {
            MOTE_TRY(message(r, &w, &f, &in));
            MOTE_TRY(mote_onnx_attr_read(r, in, NULL, last, depth));
            last = &(*last)->next;
        }
    }
}

/* What moves to g gets fresh names: two calls of one function have the same, and a body knows nothing of those around its call. */
static mote_status rename_subgraphs(mote_onnx_reader *r, const mote_node *n, const mote_graph *g, int depth);

static mote_status rename_graph(mote_onnx_reader *r, mote_graph *inner, const mote_graph *g, int depth)
{
    MOTE_REQUIRE(depth <= MOTE_GRAPH_MAX_DEPTH, r->diag, MOTE_E_LIMIT, "graphs nested deeper than %d", MOTE_GRAPH_MAX_DEPTH);
    for (mote_value *v = inner->values; v != NULL; v = v->next)
        MOTE_TRY(mote_onnx_rename(r, v, g));
    for (const mote_node *n = inner->first; n != NULL; n = n->next)
        MOTE_TRY(rename_subgraphs(r, n, g, depth));
    return MOTE_OK;
}

static mote_status rename_subgraphs(mote_onnx_reader *r, const mote_node *n, const mote_graph *g, int depth)
{
    for (const mote_attr *a = n->attrs; a != NULL; a = a->next) {
        if (a->kind == MOTE_ATTR_GRAPH)
            MOTE_TRY(rename_graph(r, a->g, g, depth + 1));
        for (size_t i = 0; a->kind == MOTE_ATTR_GRAPHS && i < a->n; i++)
            MOTE_TRY(rename_graph(r, a->graphs[i], g, depth + 1));
    }
    return MOTE_OK;
}

/* Moves everything of `from` into g. */
static mote_status splice(mote_onnx_reader *r, mote_graph *from, mote_graph *g)
{
    mote_value *next_value;
    for (mote_value *v = from->values; v != NULL; v = next_value) {
        next_value = v->next;
        v->scratch = NULL;
        if (v->producer == NULL && v->constant == NULL) { /* an input, or handed over to an output of the call: nothing uses it */
            v->graph = NULL;
            continue;
        }
        v->graph = g;
        v->prev = g->values_last;
        v->next = NULL;
        *(g->values_last != NULL ? &g->values_last->next : &g->values) = v;
        g->values_last = v;
        MOTE_TRY(mote_onnx_rename(r, v, g));
        if (mote_names_add(&r->names, v) != MOTE_OK)
            return MOTE_NO_MEMORY(r->diag, sizeof v);
    }
    from->values = from->values_last = NULL;
    mote_node *next_node;
    for (mote_node *n = from->first; n != NULL; n = next_node) {
        next_node = n->next;
        n->graph = g;
        if (n->name.n != 0) { /* unique, as a value's: other runtimes insist */
            n->name = mote_arena_printf(&r->module->arena, "%.*s/%u", (int)(n->name.n > 64 ? 64 : n->name.n), n->name.p, (unsigned)r->module->next_name++);
            if (n->name.p == NULL)
                return MOTE_NO_MEMORY(r->diag, sizeof *n);
        }
        n->prev = g->last;
        n->next = NULL;
        *(g->last != NULL ? &g->last->next : &g->first) = n;
        g->last = n;
        for (mote_attr *a = n->attrs; a != NULL; a = a->next) {
            if (a->kind == MOTE_ATTR_GRAPH)
                a->g->parent = g;
            for (size_t i = 0; a->kind == MOTE_ATTR_GRAPHS && i < a->n; i++)
                a->graphs[i]->parent = g;
        }
        MOTE_TRY(rename_subgraphs(r, n, g, 0));
    }
    from->first = from->last = NULL;
    return MOTE_OK;
}

/* Everything that uses `old`, a subgraph's output too, uses `now` instead; now NULL: an input that the call leaves out. Names stay. */
static mote_status move_uses(mote_onnx_reader *r, mote_value *old, mote_value *now)
{
    mote_use *last = NULL;
    for (mote_use *u = old->uses; u != NULL; last = u, u = u->next) {
        MOTE_REQUIRE(u->node != NULL || now != NULL, r->diag, MOTE_E_MODEL, "function input '%.*s' is a subgraph's output, and the call leaves it out",
                     MOTE_STR_ARG(old->name));
        u->value = now;
    }
    if (now == NULL) {
        for (mote_use *u = old->uses, *next; u != NULL; u = next) {
            next = u->next;
            u->prev = u->next = NULL;
        }
    } else if (last != NULL) {
        last->next = now->uses;
        if (now->uses != NULL)
            now->uses->prev = last;
        now->uses = old->uses;
    }
    old->uses = NULL;
    return MOTE_OK;
}

/* The call's outputs become the values that the body makes. A body that hands an input through, or gives one value twice, does so by an Identity. */
static mote_status join_outputs(mote_onnx_reader *r, mote_graph *inner, mote_node *call, const body *b)
{
    for (uint32_t k = 0; k < call->n_out; k++) {
        mote_value *out = call->out[k];
        if (out == NULL)
            continue;
        mote_value *v = mote_names_find(&r->names, inner, b->outputs[k]);
        MOTE_REQUIRE(v != NULL, r->diag, MOTE_E_MODEL, "function output '%.*s' is a value that nothing makes", MOTE_STR_ARG(b->outputs[k]));
        out->producer = NULL;
        call->out[k] = NULL;
        mote_node *producer = v->producer;
        if (producer == NULL) {
            int64_t version = mote_onnx_opset(r, MOTE_STR(""));
            mote_node *id = mote_graph_add_node(inner, NULL, "", "Identity", (int32_t)(version > 0 ? version : 7), 1, 1, false);
            if (id == NULL)
                return MOTE_NO_MEMORY(r->diag, sizeof *id);
            mote_node_set_input(id, 0, v->scratch != NULL ? v->scratch : v);
            MOTE_TRY(mote_node_set_output(id, 0, out));
            continue;
        }
        MOTE_TRY(move_uses(r, v, out));
        producer->out[v->output_index] = NULL;
        v->producer = NULL;
        v->scratch = out; /* it stands for v from here on */
        MOTE_TRY(mote_node_set_output(producer, v->output_index, out));
    }
    return MOTE_OK;
}

static mote_status expand(mote_onnx_reader *r, mote_onnx_function *f, mote_node *call, int depth)
{
    size_t before = atomic_load(&r->heap->used), work = r->work;
    mote_graph *g = call->graph, *inner = mote_graph_create(r->module, NULL, call);
    if (inner == NULL)
        return MOTE_NO_MEMORY(r->diag, sizeof *inner);
    body b = {.scope = {.call = call}};
    MOTE_TRY(count(r, f->body, &b));
    MOTE_REQUIRE(call->n_in <= b.n_inputs && call->n_out <= b.n_outputs, r->diag, MOTE_E_MODEL,
                 "function '%.*s' has %zu inputs and %zu outputs, the call %u and %u", MOTE_STR_ARG(f->name), b.n_inputs, b.n_outputs,
                 (unsigned)call->n_in, (unsigned)call->n_out);
    MOTE_TRY(signature(r, f->body, inner, &b, depth));
    const mote_onnx_scope *outer = r->scope;
    r->scope = &b.scope;
    mote_status status = mote_onnx_nodes_read(r, f->body, inner, 7, depth + 1);
    if (status == MOTE_OK)
        status = join_outputs(r, inner, call, &b);
    r->scope = outer;
    MOTE_TRY(status);
    for (uint32_t i = 0; i < b.n_inputs; i++)
        MOTE_TRY(move_uses(r, b.inputs[i], i < call->n_in ? call->in[i].value : NULL));
    mote_node_remove(call);
    MOTE_TRY(splice(r, inner, g));
    size_t used = atomic_load(&r->heap->used);
    r->function_bytes += used > before ? used - before : 0;
    r->function_work += r->work - work;
    MOTE_REQUIRE(r->function_work <= MAX_WORK && r->function_bytes <= MAX_BYTES, r->diag, MOTE_E_LIMIT, "functions expand to more than %d bytes", MAX_BYTES);
    return MOTE_OK;
}

mote_status mote_onnx_function_expand(mote_onnx_reader *r, mote_onnx_function *f, mote_node *call, int depth)
{
    MOTE_REQUIRE(!f->active, r->diag, MOTE_E_MODEL, "function '%.*s' calls itself", MOTE_STR_ARG(f->name));
    MOTE_REQUIRE(depth < MOTE_ONNX_MAX_DEPTH, r->diag, MOTE_E_LIMIT, "functions nested deeper than %d", MOTE_ONNX_MAX_DEPTH);
    f->active = true;
    mote_status status = expand(r, f, call, depth);
    f->active = false;
    return status;
}
