/* op_use.c - one use of an operator as an ONNX file, right or made wrong in a place
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "op_use.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool op_use_integer(mote_dtype t) { return mote_dtype_in(t, MOTE_DTYPES_INT | MOTE_DT(BOOL) | MOTE_DT(U4) | MOTE_DT(S4) | MOTE_DT(U2) | MOTE_DT(S2)); }

int op_use_items(const input *in) { return in->kind == MOTE_KIND_TENSOR || in->kind == MOTE_KIND_OPTIONAL ? 1 : in->items; }

input op_use_item(const input *in, int k)
{
    input item = *in;
    if (in->kind == MOTE_KIND_SEQUENCE && k == in->items - 1) {
        if (in->odd_type)
            item.dtype = in->dtype == MOTE_DTYPE_F32 ? MOTE_DTYPE_S32 : MOTE_DTYPE_F32;
        if (in->odd_rank && in->rank < MAX_DIMS)
            item.dims[item.rank++] = 1;
    }
    return item;
}

bool op_use_fixed(const input *in) { return in->dtype == MOTE_DTYPE_STRING || in->rank > MOTE_MAX_RANK; }

void *op_use_data(const input *in, size_t *count, size_t *bytes)
{
    size_t n = 1;
    for (int d = 0; d < in->rank; d++)
        n *= in->dims[d] < 0 ? 0 : (size_t)in->dims[d];
    *count = n;
    if (in->dtype == MOTE_DTYPE_STRING || !mote_dtype_bytes(in->dtype, n, bytes))
        return NULL;
    char *p = calloc(1, *bytes + 16);
    if (p == NULL)
        abort();
    const size_t have = in->from.dtype == MOTE_DTYPE_STRING || mote_dtype_in(in->from.dtype, MOTE_DTYPES_COMPLEX) ? 0 : mote_array_count(&in->from);
    if (mote_dtype_in(in->dtype, MOTE_DTYPES_COMPLEX))
        return p;
    for (size_t i = 0; i < n; i++) {
        const bool replaced = in->filled && (i == 0 || !in->first_only);
        if (op_use_integer(in->dtype))
            mote_dtype_from_i64(in->dtype, p, i, in->dtype == MOTE_DTYPE_BOOL && replaced ? in->fill_int & 1 : replaced ? in->fill_int :
                                have == 0 ? 1 : op_use_integer(in->from.dtype) ? mote_array_i64(&in->from, i % have) : (int64_t)(mote_array_f64(&in->from, i % have) * 8));
        else
            mote_dtype_from_f64(in->dtype, p, i, replaced ? in->fill : have == 0 ? 1 : mote_array_f64(&in->from, i % have));
    }
    return p;
}

static void emit_attr(pb *node, mote_str name, mote_attr_kind kind, const mote_attr *a, body_change change);

static pb emit_node(const mote_node *n)
{
    pb node = {NULL, 0, 0};
    for (uint32_t i = 0; i < n->n_in; i++)
        if (n->in[i].value != NULL)
            pb_bytes(&node, 1, n->in[i].value->name.p, n->in[i].value->name.n);
        else
            pb_str(&node, 1, "");
    for (uint32_t i = 0; i < n->n_out; i++)
        if (n->out[i] != NULL)
            pb_bytes(&node, 2, n->out[i]->name.p, n->out[i]->name.n);
        else
            pb_str(&node, 2, "");
    pb_str(&node, 3, "the_node");
    pb_bytes(&node, 4, n->op.p, n->op.n);
    pb_bytes(&node, 7, n->domain.p, n->domain.n);
    for (const mote_attr *a = n->attrs; a != NULL; a = a->next)
        emit_attr(&node, a->name, a->kind, a, BODY_AS_IS);
    return node;
}

/* The last output by another node first: of another type, of another rank, in a sequence. */
static void change_output(pb *g, const mote_graph *from, body_change change)
{
    static const int64_t three = 3, dims[3] = {-1, 1, 1};
    const mote_str last = from->outputs[from->n_outputs - 1]->value->name;
    pb node = {NULL, 0, 0};
    pb_bytes(&node, 1, last.p, last.n);
    if (change == BODY_OUTPUT_RANK) {
        pb shape = onnx_tensor("changed_shape", MOTE_DTYPE_S64, 1, &three, dims, sizeof dims);
        pb_msg(g, 5, &shape);
        pb_str(&node, 1, "changed_shape");
    }
    pb_str(&node, 2, "changed");
    pb_str(&node, 3, "the_node");
    pb_str(&node, 4, change == BODY_OUTPUT_RANK ? "Reshape" : change == BODY_OUTPUT_TYPE ? "Cast" : "SequenceConstruct");
    if (change == BODY_OUTPUT_TYPE)
        onnx_attr_int(&node, "to", MOTE_DTYPE_S8);
    pb_msg(g, 1, &node);
}

static void emit_output(pb *g, mote_str name)
{
    pb v = {NULL, 0, 0};
    pb_bytes(&v, 1, name.p, name.n);
    pb_msg(g, 12, &v);
}

static pb emit_graph(const mote_graph *from, body_change change)
{
    static const int64_t one = 1;
    pb g = {NULL, 0, 0};
    char name[64];
    for (size_t i = 0; i < from->n_inputs - (change == BODY_INPUT_LESS && from->n_inputs != 0); i++) {
        const mote_value *in = from->inputs[i];
        int64_t dims[MOTE_MAX_RANK];
        for (int d = 0; d < in->type.rank; d++)
            dims[d] = in->type.dims[d] < 0 ? -1 : in->type.dims[d];
        snprintf(name, sizeof name, "%.*s", (int)in->name.n, in->name.p);
        pb v = onnx_value(name, change == BODY_INPUT_TYPE && i + 1 == from->n_inputs ? MOTE_DTYPE_S8 : in->type.dtype, in->type.rank, dims);
        pb_msg(&g, 11, &v);
    }
    if (change == BODY_INPUT_MORE) {
        pb v = onnx_value("more", MOTE_DTYPE_F32, 1, &one);
        pb_msg(&g, 11, &v);
    }
    for (const mote_value *v = from->values; v != NULL; v = v->next) {
        if (v->constant == NULL || v->is_input)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)v->name.n, v->name.p);
        pb t = onnx_tensor(name, v->constant->dtype, v->constant->rank, v->constant->dims, v->constant->data, v->constant->bytes);
        pb_msg(&g, 5, &t);
    }
    for (const mote_node *n = from->first; n != NULL; n = n->next) {
        pb node = emit_node(n);
        pb_msg(&g, 1, &node);
    }
    const bool changed = change == BODY_OUTPUT_TYPE || change == BODY_OUTPUT_RANK || change == BODY_OUTPUT_SEQUENCE;
    if (changed)
        change_output(&g, from, change);
    for (size_t i = 0; i < from->n_outputs && change != BODY_NO_OUTPUT; i++) {
        const bool last = i + 1 == from->n_outputs;
        if (last && change == BODY_OUTPUT_LESS)
            break;
        emit_output(&g, last && changed ? MOTE_STR("changed") : last && change == BODY_OUTPUT_UNKNOWN ? MOTE_STR("nowhere") : from->outputs[i]->value->name);
        if (last && change == BODY_OUTPUT_MORE)
            emit_output(&g, from->outputs[i]->value->name);
    }
    pb_str(&g, 2, "body");
    return g;
}

static void emit_attr(pb *node, mote_str name, mote_attr_kind kind, const mote_attr *a, body_change change)
{
    pb m = {NULL, 0, 0};
    pb_bytes(&m, 1, name.p, name.n);
    pb_int(&m, 20, (int64_t)kind);
    switch (kind) {
    case MOTE_ATTR_INT: pb_int(&m, 3, a->i); break;
    case MOTE_ATTR_FLOAT: pb_float(&m, 2, a->f); break;
    case MOTE_ATTR_STRING: pb_bytes(&m, 4, a->s.p, a->s.n); break;
    case MOTE_ATTR_INTS: pb_ints(&m, 8, a->ints, a->n, 0); break;
    case MOTE_ATTR_FLOATS:
        for (size_t k = 0; k < a->n; k++)
            pb_float(&m, 7, a->floats[k]);
        break;
    case MOTE_ATTR_STRINGS:
        for (size_t k = 0; k < a->n; k++)
            pb_bytes(&m, 9, a->strings[k].p, a->strings[k].n);
        break;
    case MOTE_ATTR_TENSOR: {
        pb t = onnx_tensor("", a->t->dtype, a->t->rank, a->t->dims, a->t->data, a->t->bytes);
        pb_msg(&m, 5, &t);
        break;
    }
    case MOTE_ATTR_GRAPH: {
        pb g = emit_graph(a->g, change);
        pb_msg(&m, 6, &g);
        break;
    }
    default: break;
    }
    pb_msg(node, 5, &m);
}

static void emit_tensor(pb *g, const char *name, const input *in, bool constant)
{
    if (!constant && !op_use_fixed(in)) {
        pb v = onnx_value(name, in->dtype, in->rank, in->dims);
        pb_msg(g, 11, &v);
        return;
    }
    size_t n, bytes = 0;
    void *p = op_use_data(in, &n, &bytes);
    pb t = onnx_tensor(name, in->dtype, in->rank, in->dims, p, bytes);
    for (size_t k = 0; in->dtype == MOTE_DTYPE_STRING && k < n; k++)
        pb_str(&t, 6, in->text != NULL ? in->text : in->from.dtype == MOTE_DTYPE_STRING && mote_array_count(&in->from) != 0 ? "ab" : "x");
    pb_msg(g, 5, &t);
    free(p);
}

/* The node that makes a sequence or optional, and its tensors. */
static void emit_container(pb *g, const char *name, const input *in, bool constant)
{
    pb maker = {NULL, 0, 0};
    const int items = op_use_items(in);
    for (int k = 0; k < items; k++) {
        const input item = op_use_item(in, k);
        char item_name[48];
        snprintf(item_name, sizeof item_name, "%s_%d", name, k);
        emit_tensor(g, item_name, &item, constant);
        pb_str(&maker, 1, item_name);
    }
    pb_str(&maker, 2, name);
    pb_str(&maker, 3, "the_node");
    pb_str(&maker, 4, in->kind == MOTE_KIND_OPTIONAL ? "Optional" : items == 0 ? "SequenceEmpty" : "SequenceConstruct");
    if (in->kind == MOTE_KIND_SEQUENCE && items == 0)
        onnx_attr_int(&maker, "dtype", (int64_t)in->dtype);
    pb_msg(g, 1, &maker);
}

pb op_use_file(const job *j, bool constant)
{
    pb g = {NULL, 0, 0}, node = {NULL, 0, 0};
    char name[32];
    for (int i = 0; i < j->n_in; i++) {
        const input *in = &j->in[i];
        snprintf(name, sizeof name, "in%d", i);
        pb_str(&node, 1, in->here ? name : "");
        if (in->here && in->kind == MOTE_KIND_TENSOR)
            emit_tensor(&g, name, in, constant);
        else if (in->here)
            emit_container(&g, name, in, constant);
    }
    for (int i = 0; i < j->n_out; i++) {
        snprintf(name, sizeof name, "out%d", i);
        pb_str(&node, 2, name);
        emit_output(&g, mote_str_c(name));
    }
    pb_str(&node, 3, "the_node");
    pb_str(&node, 4, j->op);
    pb_str(&node, 7, j->domain);
    for (int i = 0; i < j->n_attrs; i++)
        emit_attr(&node, mote_str_c(j->attrs[i].name), j->attrs[i].kind, &j->attrs[i].value, j->attrs[i].change);
    pb_msg(&g, 1, &node);
    pb m = onnx_model(&g, j->opset);
    if (j->domain[0] != 0) {
        pb o = {NULL, 0, 0};
        pb_str(&o, 1, j->domain);
        pb_int(&o, 2, j->domain_version);
        pb_msg(&m, 8, &o);
    }
    return m;
}
