/* view.c - the graph as plug-ins see it
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "provider/view.h"
#include "ops/op.h"

static const mote_node *node_of(const mote_view_node *n) { return (const mote_node *)(const void *)n; }

static size_t node_count(const mote_view *v) { return v->n_nodes; }
static const mote_view_node *node_at(const mote_view *v, size_t i) { return i < v->n_nodes ? (const mote_view_node *)(const void *)v->nodes[i] : NULL; }

static const char *text(mote_str s, size_t *length)
{
    if (length != NULL)
        *length = s.n;
    return s.p == NULL ? "" : s.p;
}

static const char *node_op(const mote_view_node *n, size_t *length) { return text(node_of(n)->op, length); }
static const char *node_domain(const mote_view_node *n, size_t *length) { return text(node_of(n)->domain, length); }
static const char *node_name(const mote_view_node *n, size_t *length) { return text(node_of(n)->name, length); }
static int32_t node_version(const mote_view_node *n) { return node_of(n)->version; }
static size_t input_count(const mote_view_node *n) { return node_of(n)->n_in; }
static size_t output_count(const mote_view_node *n) { return node_of(n)->n_out; }

static uint32_t input(const mote_view_node *n, size_t i)
{
    const mote_value *v = i < node_of(n)->n_in ? node_of(n)->in[i].value : NULL;
    return v == NULL ? MOTE_PROVIDER_NO_VALUE : v->id;
}

static uint32_t output(const mote_view_node *n, size_t i)
{
    const mote_value *v = i < node_of(n)->n_out ? node_of(n)->out[i] : NULL;
    return v == NULL ? MOTE_PROVIDER_NO_VALUE : v->id;
}

static const mote_attr *attr(const mote_view_node *n, const char *name, mote_attr_kind kind)
{
    const mote_attr *a = mote_node_attr(node_of(n), name);
    return a != NULL && a->kind == kind ? a : NULL;
}

static bool attr_int(const mote_view_node *n, const char *name, int64_t *value)
{
    const mote_attr *a = attr(n, name, MOTE_ATTR_INT);
    if (a != NULL)
        *value = a->i;
    return a != NULL;
}

static bool attr_float(const mote_view_node *n, const char *name, float *value)
{
    const mote_attr *a = attr(n, name, MOTE_ATTR_FLOAT);
    if (a != NULL)
        *value = a->f;
    return a != NULL;
}

static bool attr_string(const mote_view_node *n, const char *name, const char **value, size_t *length)
{
    const mote_attr *a = attr(n, name, MOTE_ATTR_STRING);
    if (a != NULL)
        *value = text(a->s, length);
    return a != NULL;
}

static bool attr_ints(const mote_view_node *n, const char *name, const int64_t **values, size_t *count)
{
    const mote_attr *a = attr(n, name, MOTE_ATTR_INTS);
    if (a != NULL) {
        *values = a->ints;
        *count = a->n;
    }
    return a != NULL;
}

static void describe(mote_tensor *t, mote_dtype dtype, int32_t rank, const int64_t *dims)
{
    *t = (mote_tensor)MOTE_TENSOR_INIT;
    t->dtype = dtype;
    t->rank = rank;
    int64_t stride = 1;
    for (int32_t d = rank; d-- > 0;) {
        t->shape[d] = mote_dim_known(dims[d]) ? dims[d] : -1;
        t->strides[d] = stride;
        stride = stride < 0 || dims[d] < 0 ? -1 : stride * (dims[d] > 0 ? dims[d] : 1);
    }
}

static const mote_value *value_of(const mote_view *v, uint32_t id) { return id < v->n_values ? v->values[id] : NULL; }

static bool value_type(const mote_view *v, uint32_t id, mote_tensor *type)
{
    const mote_value *x = value_of(v, id);
    if (x == NULL || x->type.kind != MOTE_KIND_TENSOR)
        return false;
    describe(type, x->type.dtype, x->type.rank, x->type.dims);
    return true;
}

static bool value_constant(const mote_view *v, uint32_t id, mote_tensor *constant)
{
    const mote_value *x = value_of(v, id);
    if (x == NULL || x->constant == NULL || x->constant->kind != MOTE_KIND_TENSOR)
        return false;
    describe(constant, x->constant->dtype, x->constant->rank, x->constant->dims);
    constant->buffer = x->constant->data;
    constant->bytes = x->constant->bytes;
    return true;
}

static size_t view_input_count(const mote_view *v) { return v->graph->n_inputs; }
static uint32_t view_input(const mote_view *v, size_t i) { return i < v->graph->n_inputs ? v->graph->inputs[i]->id : MOTE_PROVIDER_NO_VALUE; }
static size_t view_output_count(const mote_view *v) { return v->graph->n_outputs; }
static uint32_t view_output(const mote_view *v, size_t i)
{
    return i < v->graph->n_outputs ? v->graph->outputs[i]->value->id : MOTE_PROVIDER_NO_VALUE;
}

/* ---- inference and evaluation of a group ---- */

static mote_status no_subgraph(mote_infer *c, mote_graph *g, const mote_type *const *in, size_t n_in, mote_type *out, size_t n_out)
{
    (void)c, (void)g, (void)in, (void)n_in, (void)out, (void)n_out;
    return MOTE_OK;
}

/* Types are kept by value id: a body's values and the captured constants. */
static mote_status infer_node(const mote_view *v, const mote_node *n, mote_module *local, mote_type *types, bool *known, mote_diag *diag)
{
    const mote_type **in = mote_arena_calloc(&local->arena, n->n_in, sizeof *in);
    const mote_array **value = mote_arena_calloc(&local->arena, n->n_in, sizeof *value);
    mote_type *out = mote_arena_calloc(&local->arena, n->n_out, sizeof *out);
    if (in == NULL || value == NULL || out == NULL)
        return MOTE_NO_MEMORY(diag, 0);
    for (uint32_t i = 0; i < n->n_in; i++) {
        const mote_value *x = n->in[i].value;
        if (x == NULL)
            continue;
        in[i] = known[x->id] ? &types[x->id] : &x->type;
        value[i] = x->constant != NULL && mote_array_aligned(x->constant) ? x->constant : NULL;
    }
    for (uint32_t i = 0; i < n->n_out; i++)
        out[i] = (mote_type){.rank = -1};
    mote_infer c = {.module = local, .node = n, .n_in = n->n_in, .n_out = n->n_out, .in = in, .value = value, .out = out, .diag = diag,
                    .subgraph = no_subgraph};
    MOTE_TRY(mote_infer_node(&c));
    for (uint32_t i = 0; i < n->n_out; i++)
        if (n->out[i] != NULL && n->out[i]->id < v->n_values) {
            types[n->out[i]->id] = out[i];
            known[n->out[i]->id] = true;
        }
    return MOTE_OK;
}

mote_status mote_view_infer_types(const mote_view *v, const mote_type *in, size_t n_in, mote_type *out, size_t n_out, mote_heap *heap, mote_diag *diag)
{
    MOTE_REQUIRE(n_in == v->graph->n_inputs && n_out == v->graph->n_outputs, diag, MOTE_E_ARGUMENT, "the group has %zu inputs and %zu outputs",
                 v->graph->n_inputs, v->graph->n_outputs);
    mote_module local = *v->graph->module;
    local.cap_symbols = local.n_symbols;
    mote_arena_init(&local.arena, heap);
    mote_type *types = mote_arena_calloc(&local.arena, v->n_values, sizeof *types);
    bool *known = mote_arena_calloc(&local.arena, v->n_values, sizeof *known);
    mote_status status = types == NULL || known == NULL ? MOTE_NO_MEMORY(diag, 0) : MOTE_OK;
    for (size_t i = 0; i < n_in && status == MOTE_OK; i++) {
        types[v->graph->inputs[i]->id] = in[i];
        known[v->graph->inputs[i]->id] = true;
    }
    for (size_t i = 0; i < v->n_nodes && status == MOTE_OK; i++)
        status = infer_node(v, v->nodes[i], &local, types, known, diag);
    for (size_t i = 0; i < n_out && status == MOTE_OK; i++)
        out[i] = types[v->graph->outputs[i]->value->id];
    mote_arena_deinit(&local.arena);
    return status;
}

static void type_of(mote_type *t, const mote_tensor *x)
{
    *t = (mote_type){.kind = MOTE_KIND_TENSOR, .dtype = x->dtype, .rank = x->rank};
    for (int32_t d = 0; d < x->rank && d < MOTE_MAX_RANK; d++)
        t->dims[d] = x->shape[d];
}

static mote_status infer(const mote_view *v, const mote_tensor *inputs, size_t n_inputs, mote_tensor *outputs, size_t n_outputs)
{
    mote_heap *heap = v->graph->module->heap;
    mote_type *types = mote_heap_calloc(heap, n_inputs + n_outputs + 1, sizeof *types);
    if (types == NULL)
        return MOTE_E_MEMORY;
    for (size_t i = 0; i < n_inputs; i++)
        type_of(&types[i], &inputs[i]);
    mote_status status = mote_view_infer_types(v, types, n_inputs, types + n_inputs, n_outputs, heap, NULL);
    for (size_t i = 0; i < n_outputs && status == MOTE_OK; i++) {
        const mote_type *t = &types[n_inputs + i];
        if (!mote_type_known(t))
            status = MOTE_E_UNSUPPORTED;
        else
            status = mote_tensor_describe(&outputs[i], t->dtype, t->rank, t->dims, NULL);
    }
    mote_heap_free(heap, types, (n_inputs + n_outputs + 1) * sizeof *types);
    return status;
}

static const mote_array *captured(void *ctx, const mote_value *v)
{
    (void)ctx;
    return v->constant;
}

static mote_status evaluate(const mote_view *v, const mote_tensor *inputs, size_t n_inputs, mote_tensor *outputs, size_t n_outputs)
{
    mote_heap *heap = v->graph->module->heap;
    if (n_inputs != v->graph->n_inputs || n_outputs != v->graph->n_outputs)
        return MOTE_E_ARGUMENT;
    size_t n = n_inputs + n_outputs + 1;
    mote_array *arrays = mote_heap_calloc(heap, n, sizeof *arrays);
    const mote_array **in = mote_heap_calloc(heap, n, sizeof *in);
    mote_status status = arrays == NULL || in == NULL ? MOTE_E_MEMORY : MOTE_OK;
    for (size_t i = 0; i < n_inputs && status == MOTE_OK; i++) {
        status = mote_array_shape(&arrays[i], inputs[i].dtype, inputs[i].rank, inputs[i].shape, NULL);
        arrays[i].data = mote_tensor_map(&inputs[i]);
        in[i] = &arrays[i];
    }
    mote_array *out = arrays == NULL ? NULL : arrays + n_inputs;
    bool ran = status == MOTE_OK;
    if (ran)
        status = mote_eval_graph(v->graph, in, n_inputs, out, n_outputs, heap, 0, captured, NULL, NULL);
    for (size_t i = 0; i < n_outputs && ran; i++) {
        if (status == MOTE_OK && out[i].bytes != outputs[i].bytes)
            status = MOTE_E_SHAPE;
        if (status == MOTE_OK && out[i].bytes != 0)
            memcpy(mote_tensor_map(&outputs[i]), out[i].data, out[i].bytes);
        mote_array_free(heap, &out[i]);
    }
    mote_heap_free(heap, arrays, n * sizeof *arrays);
    mote_heap_free(heap, in, n * sizeof *in);
    return status;
}

const mote_view_api mote_view_functions = {
    sizeof(mote_view_api), node_count, node_at, node_op, node_domain, node_name, node_version, input_count, output_count, input, output, attr_int,
    attr_float, attr_string, attr_ints, value_type, value_constant, view_input_count, view_input, view_output_count, view_output, infer, evaluate};

mote_status mote_view_create(mote_graph *g, bool group, mote_view **out, mote_diag *diag)
{
    mote_arena *a = &g->module->arena;
    *out = NULL;
    mote_view *v = mote_arena_calloc(a, 1, sizeof *v);
    size_t n = 0;
    for (const mote_node *x = g->first; x != NULL; x = x->next)
        n++;
    if (v != NULL) {
        *v = (mote_view){g, mote_arena_calloc(a, n, sizeof *v->nodes), 0, mote_arena_calloc(a, g->module->n_values, sizeof *v->values),
                         g->module->n_values, group};
    }
    if (v == NULL || v->nodes == NULL || v->values == NULL)
        return MOTE_NO_MEMORY(diag, n);
    for (const mote_value *x = g->values; x != NULL; x = x->next)
        v->values[x->id] = x;
    for (const mote_node *x = g->first; x != NULL; x = x->next) {
        v->nodes[v->n_nodes++] = x;
        for (uint32_t i = 0; i < x->n_in; i++)
            if (x->in[i].value != NULL)
                v->values[x->in[i].value->id] = x->in[i].value;
    }
    *out = v;
    return MOTE_OK;
}
