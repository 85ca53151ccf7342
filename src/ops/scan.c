/* scan.c - Scan
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ONNX Scan-8 (with a batch axis before all others and sequence lengths), Scan-9 to Scan-25 (scan axes and directions). */
#include "base/platform.h"
#include "ops/control.h"
#include "ops/types.h"
#include <string.h>

typedef struct scan {
    mote_graph *g;
    bool batched;        /* version 8 */
    uint32_t first;      /* of the states among the node's inputs */
    size_t states, inputs, outputs; /* scanned inputs and outputs */
    const int64_t *in_axes, *out_axes, *in_back, *out_back; /* NULL: 0 */
} scan;

static mote_status list_attr(const mote_node *n, const char *name, size_t want, mote_diag *diag, const int64_t **out)
{
    size_t count;
    *out = mote_node_ints(n, name, &count);
    MOTE_REQUIRE(*out == NULL || count == want, diag, MOTE_E_MODEL, "%s has %zu values, expected %zu", name, count, want);
    return MOTE_OK;
}

static mote_status scan_of(const mote_node *n, uint32_t n_in, uint32_t n_out, mote_diag *diag, scan *s)
{
    *s = (scan){.g = mote_node_subgraph(n, "body"), .batched = n->def->since == 8, .first = n->def->since == 8 ? 1 : 0};
    int64_t count = mote_node_int(n, "num_scan_inputs", 0);
    MOTE_REQUIRE(count >= 1 && n_in >= s->first && count <= (int64_t)(n_in - s->first), diag, MOTE_E_VALUE,
                 "num_scan_inputs is %lld, expected 1 to the number of inputs", (long long)count);
    s->inputs = (size_t)count;
    s->states = n_in - s->first - s->inputs;
    MOTE_REQUIRE(s->g->n_inputs == s->states + s->inputs && s->g->n_outputs == n_out && n_out >= s->states, diag, MOTE_E_MODEL,
                 "the body has %zu inputs and %zu outputs, the node %zu states, %zu scanned inputs and %u outputs", s->g->n_inputs,
                 s->g->n_outputs, s->states, s->inputs, n_out);
    s->outputs = n_out - s->states;
    if (s->batched)
        return list_attr(n, "directions", s->inputs, diag, &s->in_back);
    MOTE_TRY(list_attr(n, "scan_input_axes", s->inputs, diag, &s->in_axes));
    MOTE_TRY(list_attr(n, "scan_output_axes", s->outputs, diag, &s->out_axes));
    MOTE_TRY(list_attr(n, "scan_input_directions", s->inputs, diag, &s->in_back));
    return list_attr(n, "scan_output_directions", s->outputs, diag, &s->out_back);
}

/* A type without dimension `axis`. */
static void drop_dim(mote_type *t, int32_t axis)
{
    for (int32_t d = axis; d + 1 < t->rank; d++)
        t->dims[d] = t->dims[d + 1];
    t->rank--;
}

static mote_status infer_scan_with(mote_infer *c, mote_arena *temp)
{
    scan s;
    MOTE_TRY(scan_of(c->node, c->n_in, c->n_out, c->diag, &s));
    size_t n = s.states + s.inputs;
    mote_type *in = mote_arena_calloc(temp, n + 1, sizeof *in), *out = mote_arena_calloc(temp, s.g->n_outputs + 1, sizeof *out);
    if (in == NULL || out == NULL)
        return MOTE_NO_MEMORY(c->diag, n * sizeof *in);
    int64_t batch = MOTE_DIM_UNKNOWN, length = MOTE_DIM_UNKNOWN;
    for (size_t i = 0; i < n; i++) {
        const mote_type *t = c->in[s.first + i];
        MOTE_REQUIRE(t != NULL, c->diag, MOTE_E_MODEL, "input %zu is missing", s.first + i);
        in[i] = *t;
        if (t->rank < 0)
            continue;
        if (s.batched) {
            MOTE_REQUIRE(t->rank >= (i < s.states ? 1 : 2), c->diag, MOTE_E_SHAPE, "input %zu has rank %d, expected a batch%s axis", s.first + i,
                         t->rank, i < s.states ? "" : " and a sequence");
            batch = mote_dim_known(t->dims[0]) ? t->dims[0] : batch;
            drop_dim(&in[i], 0);
        }
        if (i < s.states)
            continue;
        int32_t axis;
        MOTE_REQUIRE(in[i].rank >= 1, c->diag, MOTE_E_SHAPE, "scanned input %zu is a scalar", i - s.states);
        MOTE_TRY(mote_arg_axis(s.in_axes != NULL ? s.in_axes[i - s.states] : 0, in[i].rank, "scan_input_axes", c->diag, &axis));
        MOTE_REQUIRE(mote_dim_may_equal(length, in[i].dims[axis]), c->diag, MOTE_E_SHAPE, "scanned inputs of %lld and %lld elements",
                     (long long)length, (long long)in[i].dims[axis]);
        length = mote_dim_known(length) ? length : in[i].dims[axis];
        drop_dim(&in[i], axis);
    }
    for (size_t i = 0; i < s.g->n_outputs; i++)
        out[i] = (mote_type){.rank = -1};
    MOTE_TRY(mote_infer_carried(c, s.g, in, n, 0, s.states, 0, out, s.g->n_outputs, temp));
    for (uint32_t i = 0; i < c->n_out; i++) {
        mote_type t = i < s.states ? in[i] : out[i];
        MOTE_REQUIRE(t.kind == MOTE_KIND_TENSOR, c->diag, MOTE_E_DTYPE, "output %u is not a tensor in the body", i);
        if (t.rank >= 0) {
            int64_t dims[MOTE_MAX_RANK + 2];
            int32_t rank = 0, axis = 0;
            MOTE_TRY(mote_arg_rank(t.rank + (i >= s.states) + s.batched, c->diag));
            if (i >= s.states)
                MOTE_TRY(mote_arg_axis(s.out_axes != NULL ? s.out_axes[i - s.states] : 0, t.rank + 1, "scan_output_axes", c->diag, &axis));
            if (s.batched)
                dims[rank++] = batch;
            for (int32_t d = 0; d <= t.rank; d++) {
                if (d == axis && i >= s.states)
                    dims[rank++] = length;
                if (d < t.rank)
                    dims[rank++] = t.dims[d];
            }
            mote_infer_out(c, i, t.dtype, rank, dims);
        } else {
            mote_infer_out(c, i, t.dtype, -1, NULL);
        }
    }
    return MOTE_OK;
}

static mote_status infer_scan(mote_infer *c)
{
    mote_arena temp;
    mote_arena_init(&temp, c->module->heap);
    mote_status status = infer_scan_with(c, &temp);
    mote_arena_deinit(&temp);
    return status;
}

/* ---- evaluation ---- */

/* One sequence: of the whole tensors, or of one item of a batch. */
typedef struct sequence {
    mote_array *views;               /* the node's states and scanned inputs, without the batch axis */
    mote_array *slices;              /* of the scanned inputs, at one step */
    int32_t *axes;                   /* of the scanned inputs */
    const mote_array **in, **results; /* of the body */
    mote_stack *stacks;
    size_t length;                   /* steps to run */
} sequence;

static mote_status slice_shape(mote_eval *c, const mote_array *view, int32_t axis, mote_arena *temp, mote_array *slice)
{
    int64_t dims[MOTE_MAX_RANK];
    int32_t rank = 0;
    for (int32_t d = 0; d < view->rank; d++)
        if (d != axis)
            dims[rank++] = view->dims[d];
    MOTE_TRY(mote_array_shape(slice, view->dtype, rank, dims, c->diag));
    slice->data = mote_temp(temp, slice->bytes, 1, c->diag);
    return slice->data != NULL ? MOTE_OK : MOTE_E_MEMORY;
}

static void take_slice(const mote_array *view, int32_t axis, size_t at, mote_array *slice)
{
    size_t outer = mote_dims_count(view->dims, axis), inner = mote_dims_count(view->dims + axis + 1, view->rank - axis - 1);
    size_t n = (size_t)view->dims[axis];
    for (size_t o = 0; o < outer; o++)
        mote_copy_elements(view->dtype, slice->data, o * inner, view->data, (o * n + at) * inner, inner);
}

static mote_status run_sequence(mote_eval *c, const scan *s, sequence *q)
{
    for (size_t i = 0; i < s->states; i++)
        q->in[i] = &q->views[i];
    for (size_t i = 0; i < s->inputs; i++)
        q->in[s->states + i] = &q->slices[i];
    for (size_t t = 0; t < q->length; t++) {
        MOTE_TRY(c->tick(c));
        for (size_t i = 0; i < s->inputs; i++) {
            bool back = s->in_back != NULL && s->in_back[i] != 0;
            take_slice(&q->views[s->states + i], q->axes[i], back ? q->length - 1 - t : t, &q->slices[i]);
        }
        MOTE_TRY(c->subgraph(c, s->g, (int)(t & 1), q->in, s->states + s->inputs, q->results, s->g->n_outputs));
        for (size_t i = 0; i < s->states; i++)
            q->in[i] = q->results[i];
        for (size_t i = 0; i < s->outputs; i++)
            MOTE_TRY(mote_stack_push(c->heap, &q->stacks[i], q->results[s->states + i], c->diag));
    }
    return MOTE_OK;
}

/* Item b of output i: of all (version 9 on, b 0), or of a batch, whose first item shapes it. */
static mote_status put_state(mote_eval *c, uint32_t i, const mote_array *a, bool batched, size_t b, size_t batch)
{
    if (c->out[i] == NULL)
        return MOTE_OK;
    if (!batched)
        return mote_eval_copy_output(c, i, a);
    if (b == 0) {
        int64_t dims[MOTE_MAX_RANK + 1] = {(int64_t)batch};
        MOTE_TRY(mote_arg_rank(a->rank + 1, c->diag));
        memcpy(dims + 1, a->dims, (size_t)a->rank * sizeof *dims);
        MOTE_TRY(c->output(c, i, a->dtype, a->rank + 1, dims));
    }
    size_t n = mote_array_count(a);
    MOTE_REQUIRE(n * batch == mote_array_count(c->out[i]), c->diag, MOTE_E_SHAPE, "state %u differs in shape within the batch", i);
    mote_copy_elements(a->dtype, c->out[i]->data, b * n, a->data, 0, n);
    return MOTE_OK;
}

static mote_status put_stack(mote_eval *c, const scan *s, uint32_t i, const mote_stack *stack, size_t b, size_t batch, size_t longest)
{
    size_t k = i - s->states;
    mote_array item;
    if (c->out[i] == NULL)
        return MOTE_OK;
    MOTE_TRY(mote_scan_shape(stack, s->g, i, c->diag, &item));
    int32_t axis;
    MOTE_TRY(mote_arg_rank(item.rank + 1 + s->batched, c->diag));
    MOTE_TRY(mote_arg_axis(s->out_axes != NULL ? s->out_axes[k] : 0, item.rank + 1, "scan_output_axes", c->diag, &axis));
    size_t outer = mote_dims_count(item.dims, axis), inner = mote_dims_count(item.dims + axis, item.rank - axis);
    if (b == 0) {
        int64_t dims[MOTE_MAX_RANK + 2];
        int32_t rank = 0;
        if (s->batched)
            dims[rank++] = (int64_t)batch;
        for (int32_t d = 0; d <= item.rank; d++) {
            if (d == axis)
                dims[rank++] = (int64_t)longest;
            if (d < item.rank)
                dims[rank++] = item.dims[d];
        }
        MOTE_TRY(c->output(c, i, item.dtype, rank, dims));
        if (c->out[i]->bytes != 0)
            memset(c->out[i]->data, 0, c->out[i]->bytes); /* what lies behind a shorter sequence */
    }
    MOTE_REQUIRE(outer * inner * longest * (s->batched ? batch : 1) == mote_array_count(c->out[i]), c->diag, MOTE_E_SHAPE,
                 "scan output %zu differs in shape within the batch", k);
    bool back = s->out_back != NULL && s->out_back[k] != 0;
    for (size_t t = 0; t < stack->n; t++)
        for (size_t o = 0; o < outer; o++)
            mote_copy_elements(item.dtype, c->out[i]->data, ((b * outer + o) * longest + (back ? stack->n - 1 - t : t)) * inner,
                               mote_stack_item(stack, t), o * inner, inner);
    return b + 1 == batch ? mote_eval_own_strings(c, i) : MOTE_OK;
}

static void item_of(const mote_array *a, bool batched, size_t b, mote_array *view)
{
    *view = *a;
    if (!batched)
        return;
    for (int32_t d = 0; d + 1 < a->rank; d++)
        view->dims[d] = a->dims[d + 1];
    view->rank = a->rank - 1;
    view->bytes = a->dims[0] == 0 ? 0 : a->bytes / (size_t)a->dims[0];
    view->data = (char *)a->data + b * view->bytes;
}

static mote_status eval_scan_temp(mote_eval *c, mote_arena *temp)
{
    scan s;
    MOTE_TRY(scan_of(c->node, c->n_in, c->n_out, c->diag, &s));
    size_t n = s.states + s.inputs, batch = s.batched && c->in[1] != NULL && c->in[1]->rank > 0 ? (size_t)c->in[1]->dims[0] : 1;
    sequence q = {.views = mote_temp(temp, n + 1, sizeof *q.views, c->diag), .slices = mote_temp(temp, s.inputs, sizeof *q.slices, c->diag),
                  .axes = mote_temp(temp, s.inputs, sizeof *q.axes, c->diag), .in = mote_temp(temp, n + 1, sizeof *q.in, c->diag),
                  .results = mote_temp(temp, s.g->n_outputs + 1, sizeof *q.results, c->diag),
                  .stacks = mote_temp(temp, s.outputs + 1, sizeof *q.stacks, c->diag)};
    if (q.views == NULL || q.slices == NULL || q.axes == NULL || q.in == NULL || q.results == NULL || q.stacks == NULL)
        return MOTE_E_MEMORY;
    MOTE_REQUIRE(batch >= 1, c->diag, MOTE_E_UNSUPPORTED, "an empty batch");
    size_t longest = 0;
    for (size_t b = 0; b < batch; b++) {
        for (size_t i = 0; i < n; i++) {
            const mote_array *a = c->in[s.first + i];
            MOTE_REQUIRE(a != NULL && a->kind == MOTE_KIND_TENSOR, c->diag, MOTE_E_DTYPE, "input %zu is not a tensor", s.first + i);
            MOTE_REQUIRE(!s.batched || (a->rank >= (i < s.states ? 1 : 2) && (size_t)a->dims[0] == batch), c->diag, MOTE_E_SHAPE,
                         "input %zu does not begin with a batch of %zu", s.first + i, batch);
            item_of(a, s.batched, b, &q.views[i]);
            if (i < s.states)
                continue;
            size_t k = i - s.states;
            MOTE_REQUIRE(q.views[i].rank >= 1, c->diag, MOTE_E_SHAPE, "scanned input %zu is a scalar", k);
            MOTE_TRY(mote_arg_axis(s.in_axes != NULL ? s.in_axes[k] : 0, q.views[i].rank, "scan_input_axes", c->diag, &q.axes[k]));
            size_t length = (size_t)q.views[i].dims[q.axes[k]];
            MOTE_REQUIRE(k == 0 || length == longest, c->diag, MOTE_E_SHAPE, "scanned inputs of %zu and %zu elements", longest, length);
            longest = length;
            if (b == 0)
                MOTE_TRY(slice_shape(c, &q.views[i], q.axes[k], temp, &q.slices[k]));
        }
        q.length = longest;
        if (s.batched && mote_eval_has(c, 0)) {
            MOTE_REQUIRE(mote_array_count(c->in[0]) == batch, c->diag, MOTE_E_SHAPE, "%zu sequence lengths for a batch of %zu",
                         mote_array_count(c->in[0]), batch);
            int64_t given = mote_array_i64(c->in[0], b);
            MOTE_REQUIRE(given >= 0 && (uint64_t)given <= longest, c->diag, MOTE_E_VALUE, "a sequence of %lld elements, expected 0 to %zu",
                         (long long)given, longest);
            q.length = (size_t)given;
        }
        mote_status status = run_sequence(c, &s, &q);
        for (uint32_t i = 0; i < c->n_out && status == MOTE_OK; i++)
            status = i < s.states ? put_state(c, i, q.in[i], s.batched, b, batch) : put_stack(c, &s, i, &q.stacks[i - s.states], b, batch, longest);
        for (size_t i = 0; i < s.outputs; i++)
            mote_stack_free(c->heap, &q.stacks[i]);
        MOTE_TRY(status);
    }
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_scan)

#define SCAN_FORM                                                                                                      \
    .flags = MOTE_OP_CONTROL | MOTE_OP_DATA_SHAPE, .infer = infer_scan, .eval = eval_scan, .doc = MOTE_DOC("runs a graph over slices of its inputs")
MOTE_OP(onnx, Scan, 8, .in = "sequence_lens?:I initial_state_and_scan_inputs**:V", .out = "final_state_and_scan_outputs**:V",
        .types = MOTE_TYPES({"I", MOTE_DT(S64), 0}, {"V", MOTE_T_ALL_7, 0}),
        .attrs = MOTE_ATTRS(MOTE_A_REQUIRED(GRAPH, "body"), MOTE_A_REQUIRED(INT, "num_scan_inputs"), MOTE_A(INTS, "directions")), SCAN_FORM);
#define SCAN_9(t)                                                                                                      \
    .in = "initial_state_and_scan_inputs**:V", .out = "final_state_and_scan_outputs**:V", .types = MOTE_TYPES({"V", t, 0}),       \
    .attrs = MOTE_ATTRS(MOTE_A_REQUIRED(GRAPH, "body"), MOTE_A_REQUIRED(INT, "num_scan_inputs"), MOTE_A(INTS, "scan_input_axes"),  \
              MOTE_A(INTS, "scan_output_axes"), MOTE_A(INTS, "scan_input_directions"), MOTE_A(INTS, "scan_output_directions")), SCAN_FORM
MOTE_OP(onnx, Scan, 9, SCAN_9(MOTE_T_ALL_7));
MOTE_OP(onnx, Scan, 11, SCAN_9(MOTE_T_ALL_7));
MOTE_OP(onnx, Scan, 16, SCAN_9(MOTE_T_ALL_13));
MOTE_OP(onnx, Scan, 19, SCAN_9(MOTE_T_ALL_19));
MOTE_OP(onnx, Scan, 21, SCAN_9(MOTE_T_ALL_21));
MOTE_OP(onnx, Scan, 23, SCAN_9(MOTE_T_ALL_23));
MOTE_OP(onnx, Scan, 24, SCAN_9(MOTE_T_ALL_24));
MOTE_OP(onnx, Scan, 25, SCAN_9(MOTE_T_ALL_25));
