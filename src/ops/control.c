/* control.c - If and Loop
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ONNX If-25, Loop-25. Subgraphs run through the executor (mote_eval.subgraph), which counts steps and sees cancellation. */
#include "base/platform.h"
#include "ops/control.h"
#include "ops/types.h"
#include <string.h>

/* ---- shared ---- */

/* The type that both a and b are of: what differs becomes unknown. False when nothing fits both. */
bool mote_type_join(mote_type *a, const mote_type *b)
{
    if (b->kind == MOTE_KIND_TENSOR && b->dtype == MOTE_DTYPE_NONE && b->rank < 0)
        return true;
    if (a->kind == MOTE_KIND_TENSOR && a->dtype == MOTE_DTYPE_NONE && a->rank < 0) {
        *a = *b;
        return true;
    }
    if (a->kind != b->kind) { /* an optional, and what it may hold: which of them is known at run time */
        if (a->kind != MOTE_KIND_OPTIONAL && b->kind != MOTE_KIND_OPTIONAL)
            return false;
        *a = (mote_type){.rank = -1};
        return true;
    }
    if (a->kind != MOTE_KIND_TENSOR)
        return true;
    if (a->dtype == MOTE_DTYPE_NONE)
        a->dtype = b->dtype;
    if (b->dtype != MOTE_DTYPE_NONE && a->dtype != b->dtype)
        return false;
    if (a->rank != b->rank)
        a->rank = -1;
    for (int32_t d = 0; d < a->rank; d++)
        if (a->dims[d] != b->dims[d])
            a->dims[d] = MOTE_DIM_UNKNOWN;
    return true;
}

static bool same_type(const mote_type *a, const mote_type *b)
{
    if (a->kind != b->kind || a->dtype != b->dtype || a->rank != b->rank)
        return false;
    for (int32_t d = 0; d < a->rank; d++)
        if (a->dims[d] != b->dims[d])
            return false;
    return true;
}

mote_status mote_infer_carried(mote_infer *c, mote_graph *g, mote_type *in, size_t n_in, size_t first, size_t n, size_t out_first, mote_type *out,
                               size_t n_out, mote_arena *temp)
{
    const mote_type **list = mote_arena_calloc(temp, n_in + 1, sizeof *list);
    if (list == NULL)
        return MOTE_NO_MEMORY(c->diag, n_in * sizeof *list);
    for (size_t i = 0; i < n_in; i++)
        list[i] = &in[i];
    /* each round makes a type more general: ranks and dimensions become unknown once and stay so */
    for (int round = 0;; round++) {
        MOTE_TRY(c->subgraph(c, g, list, n_in, out, n_out));
        bool settled = true;
        for (size_t i = 0; i < n; i++) {
            mote_type before = in[first + i];
            MOTE_REQUIRE(mote_type_join(&in[first + i], &out[out_first + i]), c->diag, MOTE_E_DTYPE,
                         "state %zu is of another type after an iteration than before it", i);
            if (round > MOTE_MAX_RANK && !same_type(&before, &in[first + i]))
                in[first + i].rank = -1;
            settled = settled && same_type(&before, &in[first + i]);
        }
        if (settled || round > MOTE_MAX_RANK + 2)
            return MOTE_OK;
    }
}

mote_status mote_one_bool(const mote_array *a, const char *name, mote_diag *diag, bool *out)
{
    *out = false;
    MOTE_REQUIRE(a->kind == MOTE_KIND_TENSOR && a->dtype == MOTE_DTYPE_BOOL && mote_array_count(a) == 1, diag, MOTE_E_SHAPE,
                 "%s is not one boolean", name);
    *out = *(const uint8_t *)a->data != 0;
    return MOTE_OK;
}

/* ---- results of iterations ---- */

void mote_stack_free(mote_heap *heap, mote_stack *s)
{
    for (size_t i = 0; s->items != NULL && i < s->n; i++)
        mote_array_free(heap, &s->items[i]);
    mote_heap_free(heap, s->items, s->cap * sizeof *s->items);
    mote_heap_free(heap, s->bytes, s->cap * s->shape.bytes);
    *s = (mote_stack){0};
}

bool mote_stack_is_flat(const mote_stack *s)
{
    return s->shape.dtype != MOTE_DTYPE_STRING && !mote_dtype_in(s->shape.dtype, MOTE_DTYPES_SUBBYTE);
}

const void *mote_stack_item(const mote_stack *s, size_t k)
{
    return mote_stack_is_flat(s) ? (const char *)s->bytes + k * s->shape.bytes : s->items[k].data;
}

mote_status mote_stack_push(mote_heap *heap, mote_stack *s, const mote_array *a, mote_diag *diag)
{
    MOTE_REQUIRE(a->kind == MOTE_KIND_TENSOR, diag, MOTE_E_DTYPE, "a scan output is a sequence or optional, expected a tensor");
    MOTE_REQUIRE(a->rank < MOTE_MAX_RANK, diag, MOTE_E_UNSUPPORTED, "a scan output of rank %d, at most %d is supported", a->rank + 1, MOTE_MAX_RANK);
    MOTE_REQUIRE(s->n == 0 || (s->shape.dtype == a->dtype && mote_array_same_shape(&s->shape, a)), diag, MOTE_E_SHAPE,
                 "a scan output changes its shape or type between iterations");
    if (s->n == 0) {
        s->shape = *a;
        s->shape.data = NULL;
    }
    if (mote_stack_is_flat(s)) {
        if (a->bytes != 0 && s->n == s->cap && !mote_heap_grow(heap, &s->bytes, &s->cap, s->n + 1, a->bytes))
            return MOTE_NO_MEMORY(diag, a->bytes);
        if (a->bytes != 0)
            memcpy((char *)s->bytes + s->n * a->bytes, a->data, a->bytes);
        s->n++;
        return MOTE_OK;
    }
    void *items = s->items;
    if (s->n == s->cap && !mote_heap_grow(heap, &items, &s->cap, s->n + 1, sizeof *s->items))
        return MOTE_NO_MEMORY(diag, s->n * sizeof *s->items);
    s->items = items;
    MOTE_TRY(mote_array_clone(heap, a, &s->items[s->n], diag));
    s->n++;
    return MOTE_OK;
}

void mote_copy_elements(mote_dtype t, void *to, size_t to_first, const void *from, size_t from_first, size_t n)
{
    if (mote_dtype_in(t, MOTE_DTYPES_SUBBYTE)) {
        for (size_t i = 0; i < n; i++)
            mote_dtype_from_i64(t == MOTE_DTYPE_F4E2M1 ? MOTE_DTYPE_U4 : t, to, to_first + i,
                                mote_dtype_to_i64(t == MOTE_DTYPE_F4E2M1 ? MOTE_DTYPE_U4 : t, from, from_first + i));
        return;
    }
    size_t size = t == MOTE_DTYPE_STRING ? sizeof(mote_string) : mote_dtype_bits(t) / 8;
    if (n != 0)
        memcpy((char *)to + to_first * size, (const char *)from + from_first * size, n * size);
}

mote_status mote_scan_shape(const mote_stack *s, const mote_graph *body, size_t output, mote_diag *diag, mote_array *shape)
{
    if (s->n != 0) {
        *shape = s->shape;
        return MOTE_OK;
    }
    const mote_value *v = body->outputs[output]->value;
    const mote_type *t = &v->type, *declared = output < body->n_declared ? &body->declared[output] : t;
    const mote_dtype dtype = t->dtype != MOTE_DTYPE_NONE ? t->dtype : declared->dtype;
    MOTE_REQUIRE(t->kind == MOTE_KIND_TENSOR && declared->kind == MOTE_KIND_TENSOR && dtype != MOTE_DTYPE_NONE, diag, MOTE_E_UNSUPPORTED,
                 "no iteration, and the type of scan output '%.*s' is not known", MOTE_STR_ARG(v->name));
    const int32_t rank = t->rank >= 0 ? t->rank : declared->rank >= 0 ? declared->rank : 0;
    MOTE_REQUIRE(rank < MOTE_MAX_RANK, diag, MOTE_E_UNSUPPORTED, "a scan output of rank %d, at most %d is supported", (int)rank + 1, MOTE_MAX_RANK);
    int64_t dims[MOTE_MAX_RANK];
    for (int32_t d = 0; d < rank; d++) {
        const int64_t seen = t->rank == rank ? t->dims[d] : MOTE_DIM_UNKNOWN, said = declared->rank == rank ? declared->dims[d] : MOTE_DIM_UNKNOWN;
        dims[d] = mote_dim_known(seen) ? seen : mote_dim_known(said) ? said : 0;
    }
    return mote_array_shape(shape, dtype, rank, dims, diag);
}

/* ---- If ---- */

static mote_status infer_branches(mote_infer *c, mote_arena *temp)
{
    mote_graph *branches[2] = {mote_node_subgraph(c->node, "then_branch"), mote_node_subgraph(c->node, "else_branch")};
    const mote_array *cond = mote_infer_value(c, 0);
    mote_type *out = mote_arena_calloc(temp, c->n_out + 1, sizeof *out);
    if (out == NULL)
        return MOTE_NO_MEMORY(c->diag, c->n_out * sizeof *out);
    bool first = true;
    for (int b = 0; b < 2; b++) {
        MOTE_REQUIRE(branches[b]->n_inputs == 0 && branches[b]->n_outputs == c->n_out, c->diag, MOTE_E_MODEL,
                     "the branch '%.*s' has %zu inputs and %zu outputs, expected 0 and %u", MOTE_STR_ARG(branches[b]->name), branches[b]->n_inputs,
                     branches[b]->n_outputs, c->n_out);
        if (cond != NULL && mote_array_count(cond) == 1 && (*(const uint8_t *)cond->data != 0) != (b == 0))
            continue; /* never taken: it may not even fit the shapes */
        for (uint32_t i = 0; i < c->n_out; i++)
            out[i] = (mote_type){.rank = -1};
        MOTE_TRY(c->subgraph(c, branches[b], NULL, 0, out, c->n_out));
        for (uint32_t i = 0; i < c->n_out; i++) {
            if (first)
                c->out[i] = out[i];
            else
                MOTE_REQUIRE(mote_type_join(&c->out[i], &out[i]), c->diag, MOTE_E_DTYPE, "output %u is of different types in the two branches", i);
        }
        first = false;
    }
    return MOTE_OK;
}

static mote_status infer_if(mote_infer *c)
{
    mote_arena temp;
    mote_arena_init(&temp, c->module->heap);
    mote_status status = infer_branches(c, &temp);
    mote_arena_deinit(&temp);
    return status;
}

static mote_status eval_if_temp(mote_eval *c, mote_arena *temp)
{
    bool cond;
    MOTE_TRY(mote_one_bool(c->in[0], "cond", c->diag, &cond));
    mote_graph *g = mote_node_subgraph(c->node, cond ? "then_branch" : "else_branch");
    MOTE_REQUIRE(g->n_outputs == c->n_out, c->diag, MOTE_E_MODEL, "the branch has %zu outputs, expected %u", g->n_outputs, c->n_out);
    const mote_array **results = mote_temp(temp, c->n_out + 1, sizeof *results, c->diag);
    if (results == NULL)
        return MOTE_E_MEMORY;
    MOTE_TRY(c->subgraph(c, g, 0, NULL, 0, results, c->n_out));
    for (uint32_t i = 0; i < c->n_out; i++)
        MOTE_TRY(mote_eval_copy_output(c, i, results[i]));
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_if)

#define CONTROL (MOTE_OP_CONTROL | MOTE_OP_DATA_SHAPE)
#define KINDS_13 (MOTE_T_TENSOR | MOTE_T_SEQUENCE)
#define KINDS_16 (KINDS_13 | MOTE_T_OPTIONAL)
#define IF_1(t, kinds)                                                                                                 \
    .in = "cond:B", .out = "outputs**:V", .types = MOTE_TYPES({"V", t, kinds}, {"B", MOTE_DT(BOOL), 0}),                          \
    .attrs = MOTE_ATTRS(MOTE_A_REQUIRED(GRAPH, "then_branch"), MOTE_A_REQUIRED(GRAPH, "else_branch")), .flags = CONTROL,          \
    .infer = infer_if, .eval = eval_if, .doc = MOTE_DOC("runs one of two graphs")
MOTE_OP(onnx, If, 1, IF_1(MOTE_T_ALL_7, MOTE_T_TENSOR));
MOTE_OP(onnx, If, 11, IF_1(MOTE_T_ALL_7, MOTE_T_TENSOR));
MOTE_OP(onnx, If, 13, IF_1(MOTE_T_ALL_7, KINDS_13));
MOTE_OP(onnx, If, 16, IF_1(MOTE_T_ALL_13, KINDS_16));
MOTE_OP(onnx, If, 19, IF_1(MOTE_T_ALL_19, KINDS_16));
MOTE_OP(onnx, If, 21, IF_1(MOTE_T_ALL_21, KINDS_16));
MOTE_OP(onnx, If, 23, IF_1(MOTE_T_ALL_23, KINDS_16));
MOTE_OP(onnx, If, 24, IF_1(MOTE_T_ALL_24, KINDS_16));
MOTE_OP(onnx, If, 25, IF_1(MOTE_T_ALL_25, KINDS_16));

/* ---- Loop ---- */

/* Scalars that the body gets have the rank that it declares: 0, or 1 with one element. */
static int32_t scalar_rank(const mote_graph *g, size_t i) { return g->inputs[i]->type.rank == 1 ? 1 : 0; }

static mote_status check_body(const mote_graph *g, uint32_t n_in, uint32_t n_out, mote_diag *diag)
{
    MOTE_REQUIRE(n_in >= 2 && g->n_inputs == n_in, diag, MOTE_E_MODEL, "the body has %zu inputs, expected %u", g->n_inputs, n_in);
    MOTE_REQUIRE(n_out >= n_in - 2 && g->n_outputs == (size_t)n_out + 1, diag, MOTE_E_MODEL,
                 "the body has %zu outputs for %u of the node with %u states", g->n_outputs, n_out, n_in - 2);
    return MOTE_OK;
}

static mote_status infer_loop_with(mote_infer *c, mote_arena *temp)
{
    mote_graph *g = mote_node_subgraph(c->node, "body");
    MOTE_TRY(check_body(g, c->n_in, c->n_out, c->diag));
    size_t states = c->n_in - 2;
    mote_type *in = mote_arena_calloc(temp, c->n_in, sizeof *in), *out = mote_arena_calloc(temp, g->n_outputs, sizeof *out);
    if (in == NULL || out == NULL)
        return MOTE_NO_MEMORY(c->diag, c->n_in * sizeof *in);
    for (size_t i = 0; i < g->n_outputs; i++)
        out[i] = (mote_type){.rank = -1};
    in[0] = (mote_type){.dtype = MOTE_DTYPE_S64, .rank = scalar_rank(g, 0), .dims = {1}};
    in[1] = (mote_type){.dtype = MOTE_DTYPE_BOOL, .rank = scalar_rank(g, 1), .dims = {1}};
    for (size_t i = 0; i < states; i++) {
        MOTE_REQUIRE(c->in[2 + i] != NULL, c->diag, MOTE_E_MODEL, "state %zu has no initial value", i);
        in[2 + i] = *c->in[2 + i];
    }
    MOTE_TRY(mote_infer_carried(c, g, in, c->n_in, 2, states, 1, out, g->n_outputs, temp));
    for (uint32_t i = 0; i < c->n_out; i++) {
        if (i < states) {
            c->out[i] = in[2 + i];
            continue;
        }
        const mote_type *t = &out[1 + i];
        MOTE_REQUIRE(t->kind == MOTE_KIND_TENSOR, c->diag, MOTE_E_DTYPE, "output %u, a scan output, is not a tensor in the body", i);
        MOTE_TRY(mote_arg_rank(t->rank + 1, c->diag));
        int64_t dims[MOTE_MAX_RANK] = {MOTE_DIM_UNKNOWN};
        for (int32_t d = 0; d < t->rank; d++)
            dims[d + 1] = t->dims[d];
        mote_infer_out(c, i, t->dtype, t->rank < 0 ? -1 : t->rank + 1, dims);
    }
    return MOTE_OK;
}

static mote_status infer_loop(mote_infer *c)
{
    mote_arena temp;
    mote_arena_init(&temp, c->module->heap);
    mote_status status = infer_loop_with(c, &temp);
    mote_arena_deinit(&temp);
    return status;
}

typedef struct loop {
    mote_graph *g;
    size_t states, scans;
    const mote_array **in, **results; /* of the body */
    mote_array iteration, cond;
    int64_t number;
    uint8_t go_on;
    mote_stack *stacks;
} loop;

static mote_status iterate(mote_eval *c, loop *l)
{
    int64_t trips = INT64_MAX;
    bool go_on = true;
    if (mote_eval_has(c, 0))
        MOTE_TRY(mote_arg_int(c->in[0], "M", c->diag, &trips));
    if (mote_eval_has(c, 1))
        MOTE_TRY(mote_one_bool(c->in[1], "cond", c->diag, &go_on));
    int64_t one = 1;
    MOTE_TRY(mote_array_shape(&l->iteration, MOTE_DTYPE_S64, scalar_rank(l->g, 0), &one, c->diag));
    MOTE_TRY(mote_array_shape(&l->cond, MOTE_DTYPE_BOOL, scalar_rank(l->g, 1), &one, c->diag));
    l->iteration.data = &l->number;
    l->cond.data = &l->go_on;
    l->in[0] = &l->iteration;
    l->in[1] = &l->cond;
    for (size_t i = 0; i < l->states; i++)
        l->in[2 + i] = c->in[2 + i];
    for (int64_t i = 0; i < trips && go_on; i++) {
        MOTE_TRY(c->tick(c));
        l->number = i;
        l->go_on = go_on;
        MOTE_TRY(c->subgraph(c, l->g, (int)(i & 1), l->in, l->states + 2, l->results, l->g->n_outputs));
        MOTE_TRY(mote_one_bool(l->results[0], "the body's condition", c->diag, &go_on));
        for (size_t s = 0; s < l->states; s++)
            l->in[2 + s] = l->results[1 + s];
        for (size_t s = 0; s < l->scans; s++)
            MOTE_TRY(mote_stack_push(c->heap, &l->stacks[s], l->results[1 + l->states + s], c->diag));
    }
    for (size_t s = 0; s < l->states; s++)
        MOTE_TRY(mote_eval_copy_output(c, (uint32_t)s, l->in[2 + s]));
    return MOTE_OK;
}

static mote_status give_stack(mote_eval *c, uint32_t i, const mote_stack *s, const mote_graph *body, size_t output)
{
    if (c->out[i] == NULL)
        return MOTE_OK;
    mote_array shape;
    MOTE_TRY(mote_scan_shape(s, body, output, c->diag, &shape));
    int64_t dims[MOTE_MAX_RANK + 1] = {(int64_t)s->n};
    for (int32_t d = 0; d < shape.rank; d++)
        dims[d + 1] = shape.dims[d];
    MOTE_TRY(c->output(c, i, shape.dtype, shape.rank + 1, dims));
    size_t each = mote_array_count(&shape);
    if (mote_stack_is_flat(s) && s->bytes != NULL)
        memcpy(c->out[i]->data, s->bytes, s->n * s->shape.bytes);
    for (size_t k = 0; k < s->n && !mote_stack_is_flat(s); k++)
        mote_copy_elements(shape.dtype, c->out[i]->data, k * each, mote_stack_item(s, k), 0, each);
    return mote_eval_own_strings(c, i);
}

static mote_status eval_loop_temp(mote_eval *c, mote_arena *temp)
{
    loop l = {.g = mote_node_subgraph(c->node, "body")};
    MOTE_TRY(check_body(l.g, c->n_in, c->n_out, c->diag));
    l.states = c->n_in - 2;
    l.scans = c->n_out - l.states;
    for (size_t i = 0; i < l.states; i++)
        MOTE_REQUIRE(c->in[2 + i] != NULL, c->diag, MOTE_E_MODEL, "state %zu has no initial value", i);
    l.in = mote_temp(temp, l.states + 2, sizeof *l.in, c->diag);
    l.results = mote_temp(temp, l.g->n_outputs, sizeof *l.results, c->diag);
    l.stacks = mote_temp(temp, l.scans + 1, sizeof *l.stacks, c->diag);
    if (l.in == NULL || l.results == NULL || l.stacks == NULL)
        return MOTE_E_MEMORY;
    mote_status status = iterate(c, &l);
    for (size_t s = 0; s < l.scans; s++) {
        if (status == MOTE_OK)
            status = give_stack(c, (uint32_t)(l.states + s), &l.stacks[s], l.g, 1 + l.states + s);
        mote_stack_free(c->heap, &l.stacks[s]);
    }
    return status;
}
MOTE_EVAL_TEMP(eval_loop)

#define LOOP_1(t, kinds)                                                                                               \
    .in = "M?:I cond?:B v_initial?**:V", .out = "v_final_and_scan_outputs**:V",                                         \
    .types = MOTE_TYPES({"V", t, kinds}, {"I", MOTE_DT(S64), 0}, {"B", MOTE_DT(BOOL), 0}), .attrs = MOTE_ATTRS(MOTE_A_REQUIRED(GRAPH, "body")), \
    .flags = CONTROL, .infer = infer_loop, .eval = eval_loop, .doc = MOTE_DOC("runs a graph up to M times, while its condition holds")
MOTE_OP(onnx, Loop, 1, LOOP_1(MOTE_T_ALL_7, MOTE_T_TENSOR));
MOTE_OP(onnx, Loop, 11, LOOP_1(MOTE_T_ALL_7, MOTE_T_TENSOR));
MOTE_OP(onnx, Loop, 13, LOOP_1(MOTE_T_ALL_7, KINDS_13));
MOTE_OP(onnx, Loop, 16, LOOP_1(MOTE_T_ALL_13, KINDS_16));
MOTE_OP(onnx, Loop, 19, LOOP_1(MOTE_T_ALL_19, KINDS_16));
MOTE_OP(onnx, Loop, 21, LOOP_1(MOTE_T_ALL_21, KINDS_16));
MOTE_OP(onnx, Loop, 23, LOOP_1(MOTE_T_ALL_23, KINDS_16));
MOTE_OP(onnx, Loop, 24, LOOP_1(MOTE_T_ALL_24, KINDS_16));
MOTE_OP(onnx, Loop, 25, LOOP_1(MOTE_T_ALL_25, KINDS_16));
