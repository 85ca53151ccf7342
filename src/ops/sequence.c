/* sequence.c - sequences of tensors: made, taken apart, joined, mapped
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ONNX SequenceConstruct-11, SequenceEmpty-11, SequenceInsert-11, SequenceErase-11, SequenceAt-11, SequenceLength-11, ConcatFromSequence-11,
 * SplitToSequence-24, SequenceMap-17. */
#include "base/platform.h"
#include "ops/control.h"
#include "ops/types.h"
#include <string.h>

/* Output i is a sequence of tensors of this type, of shapes that differ. */
static mote_status infer_sequence(mote_infer *c, uint32_t i, mote_dtype dtype)
{
    if (i >= c->n_out)
        return MOTE_OK;
    mote_type *element = mote_arena_calloc(&c->module->arena, 1, sizeof *element);
    if (element == NULL)
        return MOTE_NO_MEMORY(c->diag, sizeof *element);
    *element = (mote_type){.dtype = dtype, .rank = -1};
    c->out[i] = (mote_type){.kind = MOTE_KIND_SEQUENCE, .rank = -1, .element = element};
    return MOTE_OK;
}

static mote_dtype element_dtype(const mote_type *t) { return t->element != NULL ? t->element->dtype : MOTE_DTYPE_NONE; }
static const mote_array *items_of(const mote_array *s) { return s->data; }
static size_t count_of(const mote_array *s) { return (size_t)s->dims[0]; }

/* A position among n items, negative ones counted from the end; last: the largest that is allowed. */
static mote_status position_of(const mote_eval *c, uint32_t input, size_t n, int64_t last, int64_t absent, size_t *out)
{
    int64_t at = absent;
    *out = 0;
    if (mote_eval_has(c, input))
        MOTE_TRY(mote_arg_int(c->in[input], "position", c->diag, &at));
    MOTE_REQUIRE(at >= -(int64_t)n && at <= last, c->diag, MOTE_E_VALUE, "position is %lld in a sequence of %zu, expected %lld to %lld", (long long)at, n,
                 -(long long)n, (long long)last);
    *out = (size_t)(at < 0 ? at + (int64_t)n : at);
    return MOTE_OK;
}

/* ---- SequenceConstruct, SequenceEmpty, SequenceInsert, SequenceErase, SequenceAt, SequenceLength ---- */

static mote_status infer_construct(mote_infer *c)
{
    mote_dtype dtype = MOTE_DTYPE_NONE;
    for (uint32_t i = 0; i < c->n_in; i++)
        dtype = c->in[i]->dtype != MOTE_DTYPE_NONE ? c->in[i]->dtype : dtype;
    return infer_sequence(c, 0, dtype);
}

static mote_status eval_construct(mote_eval *c) { return c->output_items(c, 0, MOTE_KIND_SEQUENCE, c->in[0]->dtype, c->n_in, c->in); }

static mote_status empty_dtype(const mote_node *n, mote_diag *diag, mote_dtype *out)
{
    const int64_t t = mote_node_int(n, "dtype", MOTE_DTYPE_F32);
    *out = MOTE_DTYPE_NONE;
    MOTE_REQUIRE(mote_dtype_valid(t) && mote_dtype_in((mote_dtype)t, MOTE_T_ALL_7), diag, MOTE_E_VALUE, "dtype is %lld, which is no element type of a sequence", (long long)t);
    *out = (mote_dtype)t;
    return MOTE_OK;
}

static mote_status infer_empty(mote_infer *c)
{
    mote_dtype dtype;
    MOTE_TRY(empty_dtype(c->node, c->diag, &dtype));
    return infer_sequence(c, 0, dtype);
}

static mote_status eval_empty(mote_eval *c)
{
    mote_dtype dtype;
    MOTE_TRY(empty_dtype(c->node, c->diag, &dtype));
    return c->output_items(c, 0, MOTE_KIND_SEQUENCE, dtype, 0, NULL);
}

static mote_status infer_same_sequence(mote_infer *c)
{
    mote_dtype dtype = element_dtype(c->in[0]);
    if (dtype == MOTE_DTYPE_NONE && c->n_in > 1 && c->in[1] != NULL && mote_str_is(c->node->op, "SequenceInsert"))
        dtype = c->in[1]->dtype;
    return infer_sequence(c, 0, dtype);
}

static mote_status eval_insert_temp(mote_eval *c, mote_arena *temp)
{
    const size_t n = count_of(c->in[0]);
    const mote_array **list = mote_temp(temp, n + 1, sizeof *list, c->diag);
    size_t at;
    if (list == NULL)
        return MOTE_E_MEMORY;
    MOTE_TRY(position_of(c, 2, n, (int64_t)n, (int64_t)n, &at));
    for (size_t i = 0; i <= n; i++)
        list[i] = i == at ? c->in[1] : &items_of(c->in[0])[i - (i > at)];
    return c->output_items(c, 0, MOTE_KIND_SEQUENCE, c->in[1]->dtype, n + 1, list);
}
MOTE_EVAL_TEMP(eval_insert)

static mote_status eval_erase_temp(mote_eval *c, mote_arena *temp)
{
    const size_t n = count_of(c->in[0]);
    const mote_array **list = mote_temp(temp, n + 1, sizeof *list, c->diag);
    size_t at;
    if (list == NULL)
        return MOTE_E_MEMORY;
    MOTE_TRY(position_of(c, 1, n, (int64_t)n - 1, -1, &at));
    for (size_t i = 0; i + 1 < n; i++)
        list[i] = &items_of(c->in[0])[i + (i >= at)];
    return c->output_items(c, 0, MOTE_KIND_SEQUENCE, c->in[0]->dtype, n - 1, list);
}
MOTE_EVAL_TEMP(eval_erase)

static mote_status infer_at(mote_infer *c)
{
    mote_infer_out(c, 0, element_dtype(c->in[0]), -1, NULL);
    return MOTE_OK;
}

static mote_status eval_at(mote_eval *c)
{
    size_t at, n = count_of(c->in[0]);
    MOTE_TRY(position_of(c, 1, n, (int64_t)n - 1, 0, &at));
    return mote_eval_copy_output(c, 0, &items_of(c->in[0])[at]);
}

static mote_status infer_length(mote_infer *c)
{
    mote_infer_out(c, 0, MOTE_DTYPE_S64, 0, NULL);
    return MOTE_OK;
}

static mote_status eval_length(mote_eval *c)
{
    *(int64_t *)c->out[0]->data = c->in[0]->dims[0];
    return MOTE_OK;
}

#define SEQUENCE_TYPES .types = MOTE_TYPES({"T", MOTE_T_ALL_7, 0}, {"I", MOTE_T_INDEX, 0})
MOTE_OP(onnx, SequenceConstruct, 11, .in = "inputs*:T", .out = "output_sequence:seq(T)", SEQUENCE_TYPES, .infer = infer_construct, .eval = eval_construct,
        .doc = MOTE_DOC("the inputs as a sequence"));
MOTE_OP(onnx, SequenceEmpty, 11, .in = "", .out = "output:seq(T)", SEQUENCE_TYPES, .attrs = MOTE_ATTRS(MOTE_A(INT, "dtype")), .infer = infer_empty, .eval = eval_empty,
        .doc = MOTE_DOC("a sequence without items"));
MOTE_OP(onnx, SequenceInsert, 11, .in = "input_sequence:seq(T) tensor:T position?:I", .out = "output_sequence:seq(T)", SEQUENCE_TYPES, .infer = infer_same_sequence,
        .eval = eval_insert, .doc = MOTE_DOC("the sequence with the tensor before the item at a position"));
MOTE_OP(onnx, SequenceErase, 11, .in = "input_sequence:seq(T) position?:I", .out = "output_sequence:seq(T)", SEQUENCE_TYPES, .infer = infer_same_sequence,
        .eval = eval_erase, .doc = MOTE_DOC("the sequence without the item at a position"));
MOTE_OP(onnx, SequenceAt, 11, .in = "input_sequence:seq(T) position:I", .out = "tensor:T", SEQUENCE_TYPES, .flags = MOTE_OP_DATA_SHAPE, .infer = infer_at,
        .eval = eval_at, .doc = MOTE_DOC("the item at a position"));
MOTE_OP(onnx, SequenceLength, 11, .in = "input_sequence:seq(T)", .out = "length:int64", SEQUENCE_TYPES, .infer = infer_length, .eval = eval_length,
        .doc = MOTE_DOC("the number of items"));

/* ---- ConcatFromSequence ---- */

static mote_status joined_shape(const mote_eval *c, int32_t *axis, int32_t *rank, int64_t *dims)
{
    const mote_array *s = c->in[0], *items = items_of(s);
    const bool fresh = mote_node_int(c->node, "new_axis", 0) != 0;
    MOTE_REQUIRE(count_of(s) != 0, c->diag, MOTE_E_VALUE, "the sequence has no item to join");
    MOTE_REQUIRE(fresh || items[0].rank > 0, c->diag, MOTE_E_SHAPE, "items are scalars, and new_axis is 0");
    *rank = items[0].rank + fresh;
    MOTE_TRY(mote_arg_rank(*rank, c->diag));
    MOTE_TRY(mote_arg_axis(mote_node_int(c->node, "axis", 0), *rank, "axis", c->diag, axis));
    for (int32_t d = 0; d < *rank; d++)
        dims[d] = fresh && d == *axis ? (int64_t)count_of(s) : items[0].dims[d - (fresh && d > *axis)];
    for (size_t i = 1; i < count_of(s); i++) {
        MOTE_REQUIRE(items[i].rank == items[0].rank, c->diag, MOTE_E_SHAPE, "item %zu has rank %d, the first %d", i, items[i].rank, items[0].rank);
        for (int32_t d = 0; d < items[i].rank; d++)
            if (fresh || d != *axis)
                MOTE_REQUIRE(items[i].dims[d] == items[0].dims[d], c->diag, MOTE_E_SHAPE, "item %zu has size %lld in dimension %d, the first %lld", i,
                             (long long)items[i].dims[d], d, (long long)items[0].dims[d]);
        if (!fresh)
            MOTE_REQUIRE(mote_i64_add(dims[*axis], items[i].dims[*axis], &dims[*axis]), c->diag, MOTE_E_SHAPE, "the joined dimension overflows");
    }
    return MOTE_OK;
}

static mote_status eval_join(mote_eval *c)
{
    const mote_array *s = c->in[0], *items = items_of(s);
    int64_t dims[MOTE_MAX_RANK];
    int32_t axis = 0, rank = 0;
    mote_bytes to;
    MOTE_TRY(joined_shape(c, &axis, &rank, dims));
    MOTE_TRY(c->output(c, 0, items[0].dtype, rank, dims));
    MOTE_TRY(mote_bytes_out(c, 0, &to));
    const size_t outer = mote_dims_count(dims, axis), inner = mote_dims_count(dims + axis + 1, rank - axis - 1) * to.size, row = (size_t)dims[axis] * inner;
    mote_status status = MOTE_OK;
    for (size_t i = 0, at = 0; i < count_of(s) && status == MOTE_OK; i++) {
        mote_bytes from;
        status = mote_bytes_in(c, &items[i], &from);
        if (status != MOTE_OK)
            break;
        const size_t piece = outer == 0 ? 0 : mote_array_count(&items[i]) * to.size / outer;
        for (size_t o = 0; o < outer && piece != 0; o++)
            memcpy(to.p + o * row + at, from.p + o * piece, piece);
        at += piece;
        mote_bytes_free(c, &from);
    }
    if (status == MOTE_OK)
        return mote_bytes_finish(c, 0, &to);
    mote_bytes_free(c, &to);
    return status;
}

MOTE_OP(onnx, ConcatFromSequence, 11, .in = "input_sequence:seq(T)", .out = "concat_result:T", SEQUENCE_TYPES,
        .attrs = MOTE_ATTRS(MOTE_A_REQUIRED(INT, "axis"), MOTE_A_INT("new_axis", 0)), .flags = MOTE_OP_DATA_SHAPE, .infer = infer_at, .eval = eval_join,
        .doc = MOTE_DOC("the items joined along an axis, or stacked on a new one"));

/* ---- SplitToSequence ---- */

static mote_status infer_split(mote_infer *c)
{
    int32_t axis;
    if (c->in[0]->rank >= 0)
        MOTE_TRY(mote_arg_axis(mote_node_int(c->node, "axis", 0), c->in[0]->rank, "axis", c->diag, &axis));
    return infer_sequence(c, 0, c->in[0]->dtype);
}

/* Sizes along the axis: a number gives equal parts, the last one what is left. */
static mote_status part_sizes(mote_eval *c, mote_arena *temp, int64_t dim, int64_t **sizes, size_t *n)
{
    const mote_array *split = mote_eval_has(c, 1) ? c->in[1] : NULL;
    int64_t each = 1, sum = 0;
    *n = 0;
    if (split != NULL && split->rank == 0)
        MOTE_TRY(mote_arg_int(split, "split", c->diag, &each));
    MOTE_REQUIRE(each > 0, c->diag, MOTE_E_VALUE, "split is %lld, expected 1 or more", (long long)each);
    MOTE_REQUIRE(split == NULL || split->rank <= 1, c->diag, MOTE_E_SHAPE, "split has rank %d, expected 0 or 1", split->rank);
    *n = split != NULL && split->rank == 1 ? (size_t)split->dims[0] : (size_t)(dim / each + (dim % each != 0));
    *sizes = mote_temp(temp, *n + 1, sizeof **sizes, c->diag);
    if (*sizes == NULL)
        return MOTE_E_MEMORY;
    for (size_t i = 0; i < *n; i++) {
        const int64_t size = split != NULL && split->rank == 1 ? mote_array_i64(split, i) : each < dim - sum ? each : dim - sum;
        MOTE_REQUIRE(size >= 0 && size <= dim - sum, c->diag, MOTE_E_VALUE, "split %zu is %lld, and %lld of %lld are left", i, (long long)size, (long long)(dim - sum),
                     (long long)dim);
        (*sizes)[i] = size;
        sum += size;
    }
    MOTE_REQUIRE(sum == dim, c->diag, MOTE_E_VALUE, "split sums to %lld, but the dimension is %lld", (long long)sum, (long long)dim);
    return MOTE_OK;
}

static mote_status eval_split_temp(mote_eval *c, mote_arena *temp)
{
    const mote_array *x = c->in[0];
    int32_t axis;
    int64_t *sizes = NULL;
    size_t n;
    MOTE_TRY(mote_arg_axis(mote_node_int(c->node, "axis", 0), x->rank, "axis", c->diag, &axis));
    MOTE_TRY(part_sizes(c, temp, x->dims[axis], &sizes, &n));
    const bool squeeze = !mote_eval_has(c, 1) && mote_node_int(c->node, "keepdims", 1) == 0;
    const size_t outer = mote_dims_count(x->dims, axis), inner = mote_dims_count(x->dims + axis + 1, x->rank - axis - 1);
    const size_t size = x->dtype == MOTE_DTYPE_STRING ? sizeof(mote_string) : mote_dtype_bits(x->dtype) / 8, row = (size_t)x->dims[axis] * inner * size;
    mote_array *parts = mote_temp(temp, n + 1, sizeof *parts, c->diag);
    const mote_array **list = mote_temp(temp, n + 1, sizeof *list, c->diag);
    if (parts == NULL || list == NULL)
        return MOTE_E_MEMORY;
    for (size_t i = 0, at = 0; i < n; i++) {
        int64_t dims[MOTE_MAX_RANK];
        int32_t rank = 0;
        for (int32_t d = 0; d < x->rank; d++)
            if (d != axis || !squeeze)
                dims[rank++] = d == axis ? sizes[i] : x->dims[d];
        MOTE_TRY(mote_array_shape(&parts[i], x->dtype, rank, dims, c->diag));
        char *to = mote_temp(temp, parts[i].bytes + 1, 1, c->diag);
        if (to == NULL)
            return MOTE_E_MEMORY;
        parts[i].data = to;
        list[i] = &parts[i];
        const size_t piece = (size_t)sizes[i] * inner * size;
        for (size_t o = 0; o < outer && piece != 0; o++)
            memcpy(to + o * piece, (const char *)x->data + o * row + at, piece);
        at += piece;
    }
    return c->output_items(c, 0, MOTE_KIND_SEQUENCE, x->dtype, n, list);
}
MOTE_EVAL_TEMP(eval_split)

#define SPLIT_TO(t)                                                                                                    \
    .in = "input:T split?:I", .out = "output_sequence:seq(T)", .types = MOTE_TYPES({"T", t, 0}, {"I", MOTE_T_INDEX, 0}),          \
    .attrs = MOTE_ATTRS(MOTE_A_INT("axis", 0), MOTE_A_INT("keepdims", 1)), .infer = infer_split, .eval = eval_split,              \
    .doc = MOTE_DOC("parts of a tensor along an axis as a sequence")
MOTE_OP(onnx, SplitToSequence, 11, SPLIT_TO(MOTE_T_ALL_7));
MOTE_OP(onnx, SplitToSequence, 24, SPLIT_TO(MOTE_T_ALL_13));

/* ---- SequenceMap ---- */

static mote_status infer_map_with(mote_infer *c, mote_arena *temp)
{
    mote_graph *g = mote_node_subgraph(c->node, "body");
    MOTE_REQUIRE(g->n_inputs == c->n_in && g->n_outputs == c->n_out, c->diag, MOTE_E_MODEL, "the body has %zu inputs and %zu outputs, expected %u and %u", g->n_inputs,
                 g->n_outputs, c->n_in, c->n_out);
    mote_type *in = mote_arena_calloc(temp, c->n_in + 1, sizeof *in), *out = mote_arena_calloc(temp, c->n_out + 1, sizeof *out);
    const mote_type **list = mote_arena_calloc(temp, c->n_in + 1, sizeof *list);
    if (in == NULL || out == NULL || list == NULL)
        return MOTE_NO_MEMORY(c->diag, c->n_in * sizeof *in);
    for (uint32_t i = 0; i < c->n_in; i++) {
        MOTE_REQUIRE(c->in[i] != NULL, c->diag, MOTE_E_MODEL, "input %u (additional_inputs) is missing", i);
        in[i] = *c->in[i];
        if (in[i].kind == MOTE_KIND_SEQUENCE) /* one item at a time, whose shapes may differ */
            in[i] = (mote_type){.dtype = element_dtype(c->in[i]), .rank = -1};
        list[i] = &in[i];
    }
    for (uint32_t i = 0; i < c->n_out; i++)
        out[i] = (mote_type){.rank = -1};
    MOTE_TRY(c->subgraph(c, g, list, c->n_in, out, c->n_out));
    for (uint32_t i = 0; i < c->n_out; i++) {
        MOTE_REQUIRE(out[i].kind == MOTE_KIND_TENSOR, c->diag, MOTE_E_DTYPE, "output %u of the body is not a tensor", i);
        MOTE_TRY(infer_sequence(c, i, out[i].dtype));
    }
    return MOTE_OK;
}

static mote_status infer_map(mote_infer *c)
{
    mote_arena temp;
    mote_arena_init(&temp, c->module->heap);
    mote_status status = infer_map_with(c, &temp);
    mote_arena_deinit(&temp);
    return status;
}

static mote_status run_items(mote_eval *c, mote_graph *g, size_t n, const mote_array **in, const mote_array **results, mote_array *made)
{
    for (size_t i = 0; i < n; i++) {
        MOTE_TRY(c->tick(c));
        for (uint32_t k = 0; k < c->n_in; k++)
            in[k] = c->in[k]->kind == MOTE_KIND_SEQUENCE ? &items_of(c->in[k])[i] : c->in[k];
        MOTE_TRY(c->subgraph(c, g, 0, in, c->n_in, results, c->n_out));
        for (uint32_t k = 0; k < c->n_out; k++) {
            MOTE_REQUIRE(results[k]->kind == MOTE_KIND_TENSOR, c->diag, MOTE_E_DTYPE, "output %u of the body is not a tensor", k);
            MOTE_TRY(mote_array_clone(c->heap, results[k], &made[k * n + i], c->diag));
        }
    }
    return MOTE_OK;
}

static mote_status eval_map_temp(mote_eval *c, mote_arena *temp)
{
    mote_graph *g = mote_node_subgraph(c->node, "body");
    const size_t n = count_of(c->in[0]);
    for (uint32_t k = 1; k < c->n_in; k++)
        MOTE_REQUIRE(c->in[k]->kind != MOTE_KIND_SEQUENCE || count_of(c->in[k]) == n, c->diag, MOTE_E_SHAPE, "input %u has %zu items, the first sequence %zu", k,
                     count_of(c->in[k]), n);
    const mote_array **in = mote_temp(temp, c->n_in + 1, sizeof *in, c->diag), **results = mote_temp(temp, c->n_out + 1, sizeof *results, c->diag);
    const mote_array **list = mote_temp(temp, n + 1, sizeof *list, c->diag);
    mote_array *made = mote_temp(temp, n * c->n_out + 1, sizeof *made, c->diag);
    if (in == NULL || results == NULL || list == NULL || made == NULL)
        return MOTE_E_MEMORY;
    mote_status status = run_items(c, g, n, in, results, made);
    for (uint32_t k = 0; k < c->n_out && status == MOTE_OK; k++) {
        for (size_t i = 0; i < n; i++)
            list[i] = &made[k * n + i];
        const mote_dtype declared = g->outputs[k]->value->type.dtype;
        status = c->output_items(c, k, MOTE_KIND_SEQUENCE, n != 0 ? made[k * n].dtype : declared, n, list);
    }
    for (size_t i = 0; i < n * c->n_out; i++)
        mote_array_free(c->heap, &made[i]);
    return status;
}
MOTE_EVAL_TEMP(eval_map)

MOTE_OP(onnx, SequenceMap, 17, .in = "input_sequence:S additional_inputs?**:V", .out = "out_sequence**:S",
        .types = MOTE_TYPES({"S", MOTE_T_ALL_7, MOTE_T_SEQUENCE}, {"V", MOTE_T_ALL_7, MOTE_T_TENSOR | MOTE_T_SEQUENCE}), .attrs = MOTE_ATTRS(MOTE_A_REQUIRED(GRAPH, "body")),
        .flags = MOTE_OP_CONTROL | MOTE_OP_DATA_SHAPE, .infer = infer_map, .eval = eval_map, .doc = MOTE_DOC("a graph of each item"));
