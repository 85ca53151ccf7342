/* graph.c - making modules, graphs and values; symbols, inputs, outputs, constants
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "graph/graph.h"
#include "base/size.h"

/* Fresh names are this and a number. A name of that form that comes from a file moves the counter past it, so they never meet. */
static const char fresh_prefix[] = "_m";

bool mote_type_known(const mote_type *t)
{
    if (t->kind != MOTE_KIND_TENSOR || t->dtype == MOTE_DTYPE_NONE || t->rank < 0)
        return false;
    for (int32_t i = 0; i < t->rank; i++)
        if (!mote_dim_known(t->dims[i]))
            return false;
    return true;
}

mote_status mote_module_create(mote_heap *heap, mote_module **out)
{
    *out = NULL;
    mote_module *m = mote_heap_calloc(heap, 1, sizeof *m);
    if (m == NULL)
        return MOTE_E_MEMORY;
    m->heap = heap;
    mote_arena_init(&m->arena, heap);
    m->graph = mote_graph_create(m, NULL, NULL);
    if (m->graph == NULL) {
        mote_module_destroy(&m);
        return MOTE_E_MEMORY;
    }
    *out = m;
    return MOTE_OK;
}

void mote_module_destroy(mote_module **m)
{
    if (*m == NULL)
        return;
    mote_heap *heap = (*m)->heap;
    mote_arena_deinit(&(*m)->arena);
    mote_heap_free(heap, *m, sizeof **m);
    *m = NULL;
}

mote_graph *mote_graph_create(mote_module *m, mote_graph *parent, mote_node *owner)
{
    int depth = 0;
    for (const mote_graph *g = parent; g != NULL; g = g->parent)
        if (++depth > MOTE_GRAPH_MAX_DEPTH)
            return NULL;
    mote_graph *g = mote_arena_calloc(&m->arena, 1, sizeof *g);
    if (g == NULL)
        return NULL;
    g->module = m;
    g->parent = parent;
    g->owner = owner;
    return g;
}

/* Makes room for one more pointer in an array of the arena. */
static bool grow_pointers(mote_module *m, void **array, size_t n, size_t *cap)
{
    if (n < *cap)
        return true;
    size_t more = *cap < 4 ? 8 : *cap * 2;
    void *p = mote_arena_calloc(&m->arena, more, sizeof(void *));
    if (p == NULL)
        return false;
    if (n != 0)
        memcpy(p, *array, n * sizeof(void *));
    *array = p;
    *cap = more;
    return true;
}

int64_t mote_module_symbol(mote_module *m, mote_str name)
{
    for (size_t i = 0; i < m->n_symbols; i++)
        if (mote_str_eq(m->symbols[i], name))
            return MOTE_DIM_SYMBOL(i);
    if (m->n_symbols == m->cap_symbols) {
        size_t more = m->cap_symbols < 4 ? 8 : m->cap_symbols * 2;
        mote_str *p = mote_arena_calloc(&m->arena, more, sizeof *p);
        if (p == NULL)
            return MOTE_DIM_UNKNOWN;
        if (m->n_symbols != 0)
            memcpy(p, m->symbols, m->n_symbols * sizeof *p);
        m->symbols = p;
        m->cap_symbols = more;
    }
    mote_str copy = mote_arena_str(&m->arena, name);
    if (copy.p == NULL)
        return MOTE_DIM_UNKNOWN;
    m->symbols[m->n_symbols++] = copy;
    return MOTE_DIM_SYMBOL(m->n_symbols - 1);
}

static mote_str plain_domain(mote_str domain) { return mote_str_is(domain, "ai.onnx") ? MOTE_STR("") : domain; }

int64_t mote_module_opset(const mote_module *m, mote_str domain)
{
    domain = plain_domain(domain);
    for (size_t i = 0; i < m->n_opsets; i++)
        if (mote_str_eq(plain_domain(m->opsets[i].domain), domain))
            return m->opsets[i].version;
    return 0;
}

const mote_prop *mote_module_prop(const mote_module *m, const char *key)
{
    for (size_t i = 0; i < m->n_props; i++)
        if (mote_str_is(m->props[i].key, key))
            return &m->props[i];
    return NULL;
}

/* The number of a name that has the form of a fresh one, or -1. */
static int64_t fresh_number(mote_str name)
{
    size_t prefix = sizeof fresh_prefix - 1;
    if (name.n <= prefix || name.n > prefix + 9 || memcmp(name.p, fresh_prefix, prefix) != 0)
        return -1;
    int64_t v = 0;
    for (size_t i = prefix; i < name.n; i++) {
        if (name.p[i] < '0' || name.p[i] > '9')
            return -1;
        v = v * 10 + (name.p[i] - '0');
    }
    return v;
}

mote_str mote_graph_fresh_name(mote_module *m)
{
    return mote_arena_printf(&m->arena, "%s%u", fresh_prefix, (unsigned)m->next_name++);
}

mote_value *mote_graph_add_value(mote_graph *g, mote_str name)
{
    mote_module *m = g->module;
    mote_value *v = mote_arena_calloc(&m->arena, 1, sizeof *v);
    if (v == NULL)
        return NULL;
    if (name.n == 0) {
        v->name = mote_graph_fresh_name(m);
    } else {
        v->name = mote_arena_str(&m->arena, name);
        int64_t number = fresh_number(name);
        if (number >= (int64_t)m->next_name)
            m->next_name = (uint32_t)(number + 1);
    }
    if (v->name.p == NULL)
        return NULL;
    v->id = m->n_values++;
    v->type.rank = -1;
    v->graph = g;
    v->prev = g->values_last;
    if (g->values_last != NULL)
        g->values_last->next = v;
    else
        g->values = v;
    g->values_last = v;
    return v;
}

void mote_value_remove(mote_value *v)
{
    mote_graph *g = v->graph;
    MOTE_ASSERT(v->uses == NULL && v->producer == NULL);
    if (v->uses != NULL || g == NULL)
        return;
    if (v->is_input) {
        size_t k = 0;
        for (size_t i = 0; i < g->n_inputs; i++)
            if (g->inputs[i] != v)
                g->inputs[k++] = g->inputs[i];
        g->n_inputs = k;
        v->is_input = false;
    }
    *(v->prev != NULL ? &v->prev->next : &g->values) = v->next;
    *(v->next != NULL ? &v->next->prev : &g->values_last) = v->prev;
    v->prev = v->next = NULL;
    v->graph = NULL;
}

mote_status mote_graph_add_input(mote_graph *g, mote_value *v)
{
    void *array = g->inputs;
    if (!grow_pointers(g->module, &array, g->n_inputs, &g->cap_inputs))
        return MOTE_E_MEMORY;
    g->inputs = array;
    g->inputs[g->n_inputs++] = v;
    v->is_input = true;
    return MOTE_OK;
}

mote_status mote_graph_add_output(mote_graph *g, mote_value *v)
{
    void *array = g->outputs;
    if (!grow_pointers(g->module, &array, g->n_outputs, &g->cap_outputs))
        return MOTE_E_MEMORY;
    g->outputs = array;
    mote_use *u = mote_arena_calloc(&g->module->arena, 1, sizeof *u);
    if (u == NULL)
        return MOTE_E_MEMORY;
    u->graph = g;
    u->index = (uint32_t)g->n_outputs;
    u->value = v;
    u->next = v->uses;
    if (v->uses != NULL)
        v->uses->prev = u;
    v->uses = u;
    g->outputs[g->n_outputs++] = u;
    return MOTE_OK;
}

mote_value *mote_graph_add_constant(mote_graph *g, mote_str name, const mote_array *array)
{
    mote_array *copy = mote_arena_copy(&g->module->arena, array, sizeof *array);
    mote_value *v = copy != NULL ? mote_graph_add_value(g, name) : NULL;
    if (v == NULL)
        return NULL;
    v->constant = copy;
    v->type.kind = array->kind;
    v->type.dtype = array->dtype;
    v->type.rank = array->rank;
    for (int32_t i = 0; i < array->rank; i++)
        v->type.dims[i] = array->dims[i];
    return v;
}

mote_value *mote_graph_copy_constant(mote_graph *g, mote_str name, const mote_array *array)
{
    mote_array copy = *array;
    copy.data = mote_arena_copy(&g->module->arena, array->data, array->bytes);
    if (copy.data == NULL)
        return NULL;
    if (array->dtype == MOTE_DTYPE_STRING) {
        mote_string *s = copy.data;
        for (size_t i = 0, n = mote_array_count(array); i < n; i++) {
            mote_str text = mote_arena_str(&g->module->arena, (mote_str){s[i].data, s[i].length});
            if (text.p == NULL)
                return NULL;
            s[i].data = text.p;
        }
    }
    return mote_graph_add_constant(g, name, &copy);
}

mote_value *mote_graph_const_i64(mote_graph *g, int32_t rank, size_t n, const int64_t *values)
{
    mote_array a;
    const int64_t dims[1] = {(int64_t)n};
    if (rank < 0 || rank > 1 || (rank == 0 && n != 1) || mote_array_shape(&a, MOTE_DTYPE_S64, rank, dims, NULL) != MOTE_OK)
        return NULL;
    a.data = mote_arena_copy(&g->module->arena, values, a.bytes);
    mote_value *v = a.data != NULL ? mote_graph_add_constant(g, MOTE_STR(""), &a) : NULL;
    if (v != NULL)
        v->is_folded = true;
    return v;
}

mote_value *mote_graph_const_f32(mote_graph *g, float value)
{
    mote_array a;
    if (mote_array_shape(&a, MOTE_DTYPE_F32, 0, NULL, NULL) != MOTE_OK)
        return NULL;
    a.data = mote_arena_copy(&g->module->arena, &value, sizeof value);
    mote_value *v = a.data != NULL ? mote_graph_add_constant(g, MOTE_STR(""), &a) : NULL;
    if (v != NULL)
        v->is_folded = true;
    return v;
}

mote_value *mote_graph_find(const mote_graph *g, mote_str name, bool outer)
{
    for (; g != NULL; g = outer ? g->parent : NULL)
        for (mote_value *v = g->values; v != NULL; v = v->next)
            if (mote_str_eq(v->name, name))
                return v;
    return NULL;
}
