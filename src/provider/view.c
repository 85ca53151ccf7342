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

/* A constant of a mapped file may lie anywhere: plug-ins get a copy that is aligned, made once. A group's constants are aligned already. */
static const void *aligned(const mote_view *v, uint32_t id, const mote_array *a)
{
    if (mote_array_aligned(a) || a->bytes == 0)
        return a->data;
    if (v->aligned[id] == NULL) {
        v->aligned[id] = mote_arena_copy(v->arena, a->data, a->bytes);
        *v->failed = *v->failed || v->aligned[id] == NULL;
    }
    return v->aligned[id];
}

static bool value_constant(const mote_view *v, uint32_t id, mote_tensor *constant)
{
    const mote_value *x = value_of(v, id);
    const mote_array *a = x != NULL ? x->constant : NULL;
    if (a == NULL || a->kind != MOTE_KIND_TENSOR || a->dtype == MOTE_DTYPE_STRING)
        return false;
    const void *data = aligned(v, id, a);
    if (data == NULL && a->bytes != 0)
        return false;
    describe(constant, a->dtype, a->rank, a->dims);
    memcpy(&constant->buffer, &data, sizeof data); /* plug-ins read it only; a tensor's buffer is not const because others' are not */
    constant->bytes = a->bytes;
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

/* What a symbol of one module is in another that shares the first `n` of them. */
static void clamp_symbols(mote_type *t, size_t n)
{
    for (int32_t d = 0; d < t->rank; d++)
        if (t->dims[d] < MOTE_DIM_UNKNOWN && MOTE_DIM_SYMBOL_INDEX(t->dims[d]) >= n)
            t->dims[d] = MOTE_DIM_UNKNOWN;
}

static mote_status infer_clone(mote_module *m, const mote_type *in, const mote_array *const *value, mote_type *out, mote_diag *diag)
{
    size_t n = m->n_symbols;
    mote_graph *g = m->graph;
    for (mote_value *v = g->values; v != NULL; v = v->next)
        if (v->producer != NULL)
            v->type = (mote_type){.rank = -1};
    for (size_t i = 0; i < g->n_inputs; i++) {
        g->inputs[i]->type = in[i];
        g->inputs[i]->constant = value != NULL ? value[i] : NULL;
        clamp_symbols(&g->inputs[i]->type, n);
    }
    MOTE_TRY(mote_infer_module(m, diag));
    for (size_t i = 0; i < g->n_outputs; i++) {
        out[i] = g->outputs[i]->value->type;
        clamp_symbols(&out[i], n);
    }
    return MOTE_OK;
}

mote_status mote_view_infer_types(const mote_view *v, const mote_type *in, const mote_array *const *value, size_t n_in, mote_type *out, size_t n_out,
                                  mote_heap *heap, mote_diag *diag)
{
    MOTE_REQUIRE(n_in == v->graph->n_inputs && n_out == v->graph->n_outputs, diag, MOTE_E_ARGUMENT, "the group has %zu inputs and %zu outputs",
                 v->graph->n_inputs, v->graph->n_outputs);
    mote_module *m;
    if (mote_module_clone(v->graph->module, heap, &m) != MOTE_OK)
        return MOTE_NO_MEMORY(diag, 0);
    mote_status status = infer_clone(m, in, value, out, diag);
    mote_module_destroy(&m);
    return status;
}

static void type_of(mote_type *t, const mote_tensor *x)
{
    *t = (mote_type){.kind = MOTE_KIND_TENSOR, .dtype = x->dtype, .rank = x->rank <= MOTE_MAX_RANK ? x->rank : -1};
    for (int32_t d = 0; d < t->rank; d++)
        t->dims[d] = x->shape[d] >= 0 ? x->shape[d] : MOTE_DIM_UNKNOWN;
}

static mote_status infer(const mote_view *v, const mote_tensor *inputs, size_t n_inputs, mote_tensor *outputs, size_t n_outputs)
{
    mote_heap *heap = v->graph->module->heap;
    mote_type *types = mote_heap_calloc(heap, n_inputs + n_outputs + 1, sizeof *types);
    if (types == NULL)
        return MOTE_E_MEMORY;
    for (size_t i = 0; i < n_inputs; i++)
        type_of(&types[i], &inputs[i]);
    mote_status status = mote_view_infer_types(v, types, NULL, n_inputs, types + n_inputs, n_outputs, heap, NULL);
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
        status = mote_eval_graph(v->graph, in, n_inputs, out, n_outputs, heap, 0, NULL, NULL, NULL);
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

mote_status mote_view_create(mote_graph *g, mote_heap *heap, mote_view **out, mote_diag *diag)
{
    *out = NULL;
    mote_arena arena;
    mote_arena_init(&arena, heap);
    size_t n = 0, n_values = g->module->n_values;
    for (const mote_node *x = g->first; x != NULL; x = x->next)
        n++;
    mote_view *v = mote_arena_calloc(&arena, 1, sizeof *v);
    if (v != NULL)
        *v = (mote_view){g, mote_arena_calloc(&arena, n, sizeof *v->nodes), 0, mote_arena_calloc(&arena, n_values, sizeof *v->values), n_values,
                         mote_arena_calloc(&arena, 1, sizeof *v->arena), mote_arena_calloc(&arena, n_values, sizeof *v->aligned),
                         mote_arena_calloc(&arena, 1, sizeof *v->failed)};
    if (v == NULL || v->nodes == NULL || v->values == NULL || v->arena == NULL || v->aligned == NULL || v->failed == NULL) {
        mote_arena_deinit(&arena);
        return MOTE_NO_MEMORY(diag, n_values);
    }
    for (const mote_value *x = g->values; x != NULL; x = x->next)
        v->values[x->id] = x;
    for (const mote_node *x = g->first; x != NULL; x = x->next)
        v->nodes[v->n_nodes++] = x;
    *v->arena = arena;
    *out = v;
    return MOTE_OK;
}

void mote_view_destroy(mote_view **view)
{
    if (*view == NULL)
        return;
    mote_arena arena = *(*view)->arena; /* the view itself lies in it */
    mote_arena_deinit(&arena);
    *view = NULL;
}
