/* print.c - a module as text (docs/ir.md has the grammar)
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "graph/graph.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { SHORT_CONSTANT = 16 }; /* elements: longer ones are abbreviated unless all are asked for */

static const char *const attr_kinds[] = {"none",    "float",  "int",    "string", "tensor",  "graph", "floats",
                                         "ints",    "strings", "tensors", "graphs", "sparse", "sparses", "type", "types"};

/* ---- words ---- */

static bool bare(mote_str s)
{
    static const char *const words[] = {"_", "as", "const", "default", "folded", "return"};
    if (s.n == 0 || s.n > 128)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (mote_str_is(s, words[i]))
            return false;
    for (size_t i = 0; i < s.n; i++) {
        char ch = s.p[i];
        bool letter = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_';
        if (!letter && (i == 0 || !((ch >= '0' && ch <= '9') || ch == '.' || ch == '/' || ch == '-')))
            return false;
    }
    return true;
}

static void put_quoted(mote_text *t, mote_str s)
{
    mote_text_put(t, "\"", 1);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char ch = (unsigned char)s.p[i];
        if (ch == '"' || ch == '\\')
            mote_text_printf(t, "\\%c", ch);
        else if (ch < 0x20 || ch >= 0x7f)
            mote_text_printf(t, "\\x%02x", (unsigned)ch);
        else
            mote_text_put(t, &s.p[i], 1);
    }
    mote_text_put(t, "\"", 1);
}

static void put_name(mote_text *t, mote_str s)
{
    if (bare(s))
        mote_text_str(t, s);
    else
        put_quoted(t, s);
}

/* `digits` significant digits; always with a point, an exponent or a word, so that it does not read as an integer. */
static void put_float(mote_text *t, double x, int digits)
{
    if (isnan(x)) {
        mote_text_printf(t, "nan");
        return;
    }
    if (isinf(x)) {
        mote_text_printf(t, x < 0 ? "-inf" : "inf");
        return;
    }
    char buf[48];
    for (int d = 1; d <= digits; d++) { /* the shortest that reads back as the same number */
        snprintf(buf, sizeof buf, "%.*g", d, x);
        double back = 0;
        for (char *p = buf; *p != 0; p++)
            if (*p == ',')
                *p = '.'; /* whatever the locale writes */
        if (sscanf(buf, "%lf", &back) == 1 && (digits > 9 ? back == x : (float)back == (float)x))
            break;
    }
    mote_text_printf(t, "%s%s", buf, strpbrk(buf, ".e") == NULL ? ".0" : "");
}

/* ---- types ---- */

static void put_dim(mote_text *t, const mote_module *m, int64_t d)
{
    if (d >= 0)
        mote_text_printf(t, "%" PRId64, d);
    else if (d == MOTE_DIM_UNKNOWN || MOTE_DIM_SYMBOL_INDEX(d) >= m->n_symbols)
        mote_text_printf(t, "?");
    else
        put_name(t, m->symbols[MOTE_DIM_SYMBOL_INDEX(d)]);
}

void mote_type_print(const mote_module *m, const mote_type *type, mote_text *t)
{
    int open = 0;
    while (type != NULL && type->kind != MOTE_KIND_TENSOR) {
        mote_text_printf(t, type->kind == MOTE_KIND_SEQUENCE ? "seq(" : "opt(");
        open++;
        type = type->element;
    }
    if (type == NULL || (type->dtype == MOTE_DTYPE_NONE && type->rank < 0)) {
        mote_text_printf(t, "?");
    } else {
        mote_text_printf(t, "%s[", type->dtype == MOTE_DTYPE_NONE ? "?" : mote_dtype_name(type->dtype));
        if (type->rank < 0)
            mote_text_printf(t, "*");
        for (int32_t i = 0; i < type->rank; i++) {
            if (i != 0)
                mote_text_printf(t, ",");
            put_dim(t, m, type->dims[i]);
        }
        mote_text_printf(t, "]");
    }
    while (open-- > 0)
        mote_text_printf(t, ")");
}

/* ---- constants ---- */

static void put_element(mote_text *t, const mote_array *a, size_t i)
{
    if (a->dtype == MOTE_DTYPE_STRING) {
        const mote_string *s = (const mote_string *)a->data + i;
        put_quoted(t, (mote_str){s->data, s->length});
    } else if (mote_dtype_in(a->dtype, MOTE_DTYPES_FLOAT | MOTE_DTYPES_F8 | MOTE_DT(F4E2M1))) {
        put_float(t, mote_array_f64(a, i), a->dtype == MOTE_DTYPE_F64 ? 17 : 9);
    } else if (a->dtype == MOTE_DTYPE_U64) {
        mote_text_printf(t, "%" PRIu64, (uint64_t)mote_array_i64(a, i));
    } else {
        mote_text_printf(t, "%" PRId64, mote_array_i64(a, i));
    }
}

/* Whether all elements have the same bytes (types of whole bytes only). */
static bool uniform(const mote_array *a, size_t n)
{
    size_t bits = mote_dtype_bits(a->dtype), size = bits / 8;
    return n > 1 && bits >= 8 && a->bytes > size && memcmp(a->data, (const char *)a->data + size, a->bytes - size) == 0;
}

static void put_data(mote_text *t, const mote_array *a, bool full)
{
    if (a->kind != MOTE_KIND_TENSOR) {
        mote_text_printf(t, "... %s of %" PRId64, a->kind == MOTE_KIND_SEQUENCE ? "sequence" : "optional", a->dims[0]);
        return;
    }
    size_t n = mote_array_count(a);
    if (n != 0 && a->data == NULL) {
        mote_text_printf(t, "... without data");
        return;
    }
    if (uniform(a, n) && !mote_dtype_in(a->dtype, MOTE_DTYPES_COMPLEX)) {
        mote_text_printf(t, "fill ");
        put_element(t, a, 0);
    } else if (!full && n > SHORT_CONSTANT) {
        uint64_t h = a->dtype == MOTE_DTYPE_STRING ? 0 : mote_str_hash((mote_str){a->data, a->bytes});
        mote_text_printf(t, "... %zu bytes, hash %016" PRIx64, a->bytes, h);
    } else if (mote_dtype_in(a->dtype, MOTE_DTYPES_COMPLEX)) {
        mote_text_printf(t, "bytes ");
        put_quoted(t, (mote_str){a->data, a->bytes});
    } else {
        mote_text_printf(t, "{");
        for (size_t i = 0; i < n; i++) {
            if (i != 0)
                mote_text_printf(t, ", ");
            put_element(t, a, i);
        }
        mote_text_printf(t, "}");
    }
}

static void put_array(mote_text *t, const mote_module *m, const mote_array *a, bool full)
{
    mote_type type = {.kind = a->kind, .dtype = a->dtype, .rank = a->rank};
    for (int32_t i = 0; i < a->rank; i++)
        type.dims[i] = a->dims[i];
    mote_type_print(m, &type, t);
    mote_text_printf(t, " ");
    put_data(t, a, full);
}

/* ---- nodes, graphs ---- */

static void indent(mote_text *t, int depth) { mote_text_printf(t, "%*s", 2 * depth, ""); }

static void put_graph(mote_text *t, const mote_graph *g, int depth, bool full);

static void put_attr(mote_text *t, const mote_module *m, const mote_attr *a, int depth, bool full)
{
    put_name(t, a->name);
    mote_text_printf(t, "=");
    if (a->ref.n != 0) {
        mote_text_printf(t, "ref ");
        put_quoted(t, a->ref);
        return;
    }
    bool list = a->kind == MOTE_ATTR_FLOATS || a->kind == MOTE_ATTR_INTS || a->kind == MOTE_ATTR_STRINGS ||
                a->kind == MOTE_ATTR_TENSORS || a->kind == MOTE_ATTR_GRAPHS;
    if (list) {
        bool named = a->n == 0 || a->kind == MOTE_ATTR_TENSORS || a->kind == MOTE_ATTR_GRAPHS;
        mote_text_printf(t, "%s[", named ? attr_kinds[a->kind] : "");
    }
    for (size_t i = 0; i < (list ? a->n : 1); i++) {
        if (i != 0)
            mote_text_printf(t, ", ");
        switch (a->kind) {
        case MOTE_ATTR_FLOAT: put_float(t, (double)a->f, 9); break;
        case MOTE_ATTR_INT: mote_text_printf(t, "%" PRId64, a->i); break;
        case MOTE_ATTR_STRING: put_quoted(t, a->s); break;
        case MOTE_ATTR_TENSOR: mote_text_printf(t, "tensor "); put_array(t, m, a->t, full); break;
        case MOTE_ATTR_GRAPH: put_graph(t, a->g, depth + 1, full); break;
        case MOTE_ATTR_FLOATS: put_float(t, (double)a->floats[i], 9); break;
        case MOTE_ATTR_INTS: mote_text_printf(t, "%" PRId64, a->ints[i]); break;
        case MOTE_ATTR_STRINGS: put_quoted(t, a->strings[i]); break;
        case MOTE_ATTR_TENSORS: put_array(t, m, a->tensors[i], full); break;
        case MOTE_ATTR_GRAPHS: put_graph(t, a->graphs[i], depth + 1, full); break;
        case MOTE_ATTR_TYPE: mote_text_printf(t, "type "); mote_type_print(m, a->type, t); break;
        default: mote_text_printf(t, "%s", "none"); break; /* SPARSE and the like: kept for writing, not shown */
        }
    }
    if (list)
        mote_text_printf(t, "]");
}

static void put_node(mote_text *t, const mote_module *m, const mote_node *n, int depth, bool full)
{
    indent(t, depth);
    for (uint32_t i = 0; i < n->n_out; i++) {
        if (i != 0)
            mote_text_printf(t, ", ");
        if (n->out[i] == NULL) {
            mote_text_printf(t, "_");
            continue;
        }
        put_name(t, n->out[i]->name);
        const mote_type *type = &n->out[i]->type;
        if (type->kind != MOTE_KIND_TENSOR || type->dtype != MOTE_DTYPE_NONE || type->rank >= 0) {
            mote_text_printf(t, ": ");
            mote_type_print(m, type, t);
        }
    }
    mote_text_printf(t, n->n_out != 0 ? " = " : "= ");
    if (n->domain.n != 0) {
        put_name(t, n->domain);
        mote_text_printf(t, "::");
    }
    put_name(t, n->op);
    if (n->overload.n != 0) {
        mote_text_printf(t, ":");
        put_name(t, n->overload);
    }
    int64_t version = mote_module_opset(m, n->domain);
    if (n->version != (version == 0 ? 1 : version))
        mote_text_printf(t, "@%" PRId32, n->version);
    mote_text_printf(t, "(");
    for (uint32_t i = 0; i < n->n_in; i++) {
        if (i != 0)
            mote_text_printf(t, ", ");
        if (n->in[i].value == NULL)
            mote_text_printf(t, "_");
        else
            put_name(t, n->in[i].value->name);
    }
    mote_text_printf(t, ")");
    if (n->attrs != NULL) {
        mote_text_printf(t, " {");
        for (const mote_attr *a = n->attrs; a != NULL; a = a->next) {
            put_attr(t, m, a, depth, full);
            if (a->next != NULL)
                mote_text_printf(t, ", ");
        }
        mote_text_printf(t, "}");
    }
    if (n->name.n != 0) {
        mote_text_printf(t, " as ");
        put_quoted(t, n->name);
    }
    mote_text_printf(t, "\n");
}

static void put_graph(mote_text *t, const mote_graph *g, int depth, bool full)
{
    const mote_module *m = g->module;
    mote_text_printf(t, "graph ");
    put_quoted(t, g->name);
    mote_text_printf(t, " (");
    for (size_t i = 0; i < g->n_inputs; i++) {
        if (i != 0)
            mote_text_printf(t, ", ");
        put_name(t, g->inputs[i]->name);
        mote_text_printf(t, ": ");
        mote_type_print(m, &g->inputs[i]->type, t);
    }
    mote_text_printf(t, ") {\n");
    for (const mote_value *v = g->values; v != NULL; v = v->next) {
        if (v->constant == NULL)
            continue;
        indent(t, depth + 1);
        mote_text_printf(t, v->is_input ? "default " : v->is_folded ? "folded " : "const ");
        put_name(t, v->name);
        mote_text_printf(t, ": ");
        put_array(t, m, v->constant, full);
        mote_text_printf(t, "\n");
    }
    for (const mote_node *n = g->first; n != NULL; n = n->next)
        put_node(t, m, n, depth + 1, full);
    indent(t, depth + 1);
    mote_text_printf(t, "return");
    for (size_t i = 0; i < g->n_outputs; i++) {
        mote_text_printf(t, i == 0 ? " " : ", ");
        put_name(t, g->outputs[i]->value->name);
    }
    mote_text_printf(t, "\n");
    indent(t, depth);
    mote_text_printf(t, "}");
}

void mote_module_print(const mote_module *m, mote_text *t, bool full)
{
    mote_text_printf(t, "module ir %" PRId64 "\n", m->ir_version);
    for (size_t i = 0; i < m->n_opsets; i++) {
        mote_text_printf(t, "opset ");
        put_quoted(t, m->opsets[i].domain);
        mote_text_printf(t, " %" PRId64 "\n", m->opsets[i].version);
    }
    for (size_t i = 0; i < m->n_props; i++) {
        mote_text_printf(t, "meta ");
        put_quoted(t, m->props[i].key);
        mote_text_printf(t, " ");
        put_quoted(t, m->props[i].value);
        mote_text_printf(t, "\n");
    }
    put_graph(t, m->graph, 0, full);
    mote_text_printf(t, "\n");
}
