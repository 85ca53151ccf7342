/* write.c - a module to ONNX bytes
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "onnx/write.h"
#include "base/outfile.h"
#include "base/sha256.h"
#include "base/size.h"
#include "onnx/emit.h"
#include "ops/op.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXTERNAL_LEAST = 1024, EXTERNAL_ALIGN = 16384, MAX_DEPTH = 100 }; /* 16 KiB: the largest page among phones */
static const uint64_t external_above = 1900000000;

/* Where constants go: NULL for inside; by value id, UINT64_MAX for those that stay inside. */
typedef struct placement {
    uint64_t *offset;
    const char *location;
    bool machine;      /* of a compiled model: offsets are numbers */
    mote_str *tensors; /* by number; NULL: only counted */
    size_t n_tensors;
} placement;

typedef struct graph_ctx {
    const mote_graph *g;
    const mote_value *v;
    const mote_node *node;
    const mote_attr *attr;
    const mote_array *array;
    const mote_type *type;
    const mote_prop *prop;
    const placement *place;
    mote_str name, doc, unknown;
    uint64_t external;
    int64_t dim;
} graph_ctx;

static void put_graph(mote_emit *e, const void *ctx);
static void put_type(mote_emit *e, const void *ctx);

static void put_prop(mote_emit *e, const void *ctx)
{
    const mote_prop *p = ctx;
    mote_emit_str(e, 1, p->key);
    mote_emit_str(e, 2, p->value);
}

static void put_props(mote_emit *e, uint32_t field, const mote_prop *props, size_t n)
{
    for (size_t i = 0; i < n; i++)
        mote_emit_nested(e, field, put_prop, &props[i]);
}

/* ---- types ---- */

static void put_dim(mote_emit *e, const void *ctx)
{
    const graph_ctx *c = ctx;
    if (mote_dim_known(c->dim))
        mote_emit_int(e, 1, c->dim);
    else if (c->dim != MOTE_DIM_UNKNOWN)
        mote_emit_str(e, 2, c->g->module->symbols[MOTE_DIM_SYMBOL_INDEX(c->dim)]);
}

static void put_shape(mote_emit *e, const void *ctx)
{
    graph_ctx c = *(const graph_ctx *)ctx;
    for (int32_t d = 0; d < c.type->rank; d++) {
        c.dim = c.type->dims[d];
        mote_emit_nested(e, 1, put_dim, &c);
    }
}

static void put_tensor_type(mote_emit *e, const void *ctx)
{
    const graph_ctx *c = ctx;
    mote_emit_int(e, 1, c->type->dtype);
    if (c->type->rank >= 0)
        mote_emit_nested(e, 2, put_shape, c);
}

static void put_element(mote_emit *e, const void *ctx)
{
    graph_ctx c = *(const graph_ctx *)ctx;
    if (c.type->element == NULL)
        return;
    c.type = c.type->element;
    mote_emit_nested(e, 1, put_type, &c);
}

static void put_type(mote_emit *e, const void *ctx)
{
    const graph_ctx *c = ctx;
    if (c->type->kind == MOTE_KIND_TENSOR)
        mote_emit_nested(e, 1, put_tensor_type, c);
    else
        mote_emit_nested(e, c->type->kind == MOTE_KIND_SEQUENCE ? 4 : 9, put_element, c);
}

static void put_value_info(mote_emit *e, const void *ctx)
{
    graph_ctx c = *(const graph_ctx *)ctx;
    mote_emit_str(e, 1, c.v->name);
    c.type = &c.v->type;
    if (c.type->kind != MOTE_KIND_TENSOR || c.type->dtype != MOTE_DTYPE_NONE)
        mote_emit_nested(e, 2, put_type, &c);
    mote_emit_text(e, 3, c.v->doc);
    mote_emit_bytes(e, c.v->unknown.p, c.v->unknown.n);
}

/* ---- tensors ---- */

static void put_number_prop(mote_emit *e, const char *key, uint64_t value)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    mote_prop p = {mote_str_c(key), {text, (size_t)n}};
    mote_emit_nested(e, 13, put_prop, &p);
}

static void put_tensor(mote_emit *e, const void *ctx)
{
    const graph_ctx *c = ctx;
    const mote_array *a = c->array;
    mote_emit_ints(e, 1, a->dims, (size_t)a->rank);
    mote_emit_int(e, 2, a->dtype);
    for (size_t i = 0, n = a->dtype == MOTE_DTYPE_STRING ? mote_array_count(a) : 0; i < n; i++) {
        const mote_string *s = (const mote_string *)a->data + i;
        mote_emit_str(e, 6, (mote_str){s->data, s->length});
    }
    mote_emit_text(e, 8, c->name);
    if (c->external != UINT64_MAX) {
        mote_prop location = {MOTE_STR("location"), mote_str_c(c->place->location)};
        mote_emit_text(e, 12, c->doc);
        mote_emit_nested(e, 13, put_prop, &location);
        put_number_prop(e, "offset", c->external);
        put_number_prop(e, "length", a->bytes);
        mote_emit_int(e, 14, 1);
    } else {
        if (a->dtype != MOTE_DTYPE_STRING)
            mote_emit_str(e, 9, (mote_str){a->data, a->bytes});
        mote_emit_text(e, 12, c->doc);
    }
    mote_emit_bytes(e, c->unknown.p, c->unknown.n);
}

/* ---- nodes ---- */

static void set_text(graph_ctx *c, const mote_attr *a, size_t i)
{
    static const mote_tensor_text none = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    const mote_tensor_text *t = a->text != NULL ? &a->text[i] : &none;
    c->name = t->name;
    c->doc = t->doc;
    c->unknown = t->unknown;
}

static void put_attr(mote_emit *e, const void *ctx)
{
    graph_ctx c = *(const graph_ctx *)ctx;
    const mote_attr *a = c.attr;
    c.external = UINT64_MAX;
    mote_emit_str(e, 1, a->name);
    switch (a->kind) {
    case MOTE_ATTR_FLOAT: mote_emit_float(e, 2, a->f); break;
    case MOTE_ATTR_INT: mote_emit_int(e, 3, a->i); break;
    case MOTE_ATTR_STRING: mote_emit_str(e, 4, a->s); break;
    case MOTE_ATTR_TENSOR: c.array = a->t; set_text(&c, a, 0); mote_emit_nested(e, 5, put_tensor, &c); break;
    case MOTE_ATTR_GRAPH: c.g = a->g; mote_emit_nested(e, 6, put_graph, &c); break;
    case MOTE_ATTR_FLOATS:
        for (size_t i = 0; i < a->n; i++)
            mote_emit_float(e, 7, a->floats[i]);
        break;
    case MOTE_ATTR_INTS: mote_emit_ints(e, 8, a->ints, a->n); break;
    case MOTE_ATTR_STRINGS:
        for (size_t i = 0; i < a->n; i++)
            mote_emit_str(e, 9, a->strings[i]);
        break;
    case MOTE_ATTR_TENSORS:
        for (size_t i = 0; i < a->n; i++) {
            c.array = a->tensors[i];
            set_text(&c, a, i);
            mote_emit_nested(e, 10, put_tensor, &c);
        }
        break;
    case MOTE_ATTR_GRAPHS:
        for (size_t i = 0; i < a->n; i++) {
            c.g = a->graphs[i];
            mote_emit_nested(e, 11, put_graph, &c);
        }
        break;
    case MOTE_ATTR_TYPE: c.type = a->type; mote_emit_nested(e, 14, put_type, &c); break;
    case MOTE_ATTR_TYPES: case MOTE_ATTR_SPARSES: mote_emit_bytes(e, a->raw.p, a->raw.n); break;
    default: break;
    }
    mote_emit_text(e, 13, a->doc);
    mote_emit_int(e, 20, a->kind);
    mote_emit_bytes(e, a->unknown.p, a->unknown.n);
}

static void put_node(mote_emit *e, const void *ctx)
{
    graph_ctx c = *(const graph_ctx *)ctx;
    const mote_node *n = c.node;
    for (uint32_t i = 0; i < n->n_in; i++)
        mote_emit_str(e, 1, n->in[i].value != NULL ? n->in[i].value->name : MOTE_STR(""));
    for (uint32_t i = 0; i < n->n_out; i++)
        mote_emit_str(e, 2, n->out[i] != NULL ? n->out[i]->name : MOTE_STR(""));
    mote_emit_text(e, 3, n->name);
    mote_emit_str(e, 4, n->op);
    for (c.attr = n->attrs; c.attr != NULL; c.attr = c.attr->next)
        mote_emit_nested(e, 5, put_attr, &c);
    mote_emit_text(e, 6, n->doc);
    mote_emit_text(e, 7, n->domain);
    mote_emit_text(e, 8, n->overload);
    put_props(e, 9, n->props, n->n_props);
    mote_emit_bytes(e, n->unknown.p, n->unknown.n);
    if (c.place != NULL && c.place->machine) {
        mote_emit_int(e, 40, n->version);
        mote_emit_text(e, 41, n->from);
    }
}

/* ---- graphs ---- */

static void put_graph(mote_emit *e, const void *ctx)
{
    graph_ctx c = *(const graph_ctx *)ctx;
    const mote_graph *g = c.g;
    for (c.node = g->first; c.node != NULL; c.node = c.node->next)
        mote_emit_nested(e, 1, put_node, &c);
    mote_emit_str(e, 2, g->name.n != 0 ? g->name : MOTE_STR("graph"));
    for (c.v = g->values; c.v != NULL; c.v = c.v->next) {
        if (c.v->constant == NULL)
            continue;
        c.array = c.v->constant;
        c.name = c.v->name;
        c.doc = c.v->tensor_doc;
        c.unknown = c.v->tensor_unknown;
        c.external = c.place != NULL ? c.place->offset[c.v->id] : UINT64_MAX;
        mote_emit_nested(e, 5, put_tensor, &c);
    }
    mote_emit_text(e, 10, g->doc);
    for (size_t i = 0; i < g->n_inputs; i++) {
        c.v = g->inputs[i];
        mote_emit_nested(e, 11, put_value_info, &c);
    }
    for (size_t i = 0; i < g->n_outputs; i++) {
        c.v = g->outputs[i]->value;
        mote_emit_nested(e, 12, put_value_info, &c);
    }
    for (c.v = g->values; c.v != NULL; c.v = c.v->next) {
        const mote_type *t = &c.v->type;
        if (c.v->constant == NULL && !c.v->is_input && !mote_value_is_output(c.v) && !(c.place != NULL && c.place->machine) && (t->kind != MOTE_KIND_TENSOR || t->dtype != MOTE_DTYPE_NONE))
            mote_emit_nested(e, 13, put_value_info, &c);
    }
    put_props(e, 16, g->props, g->n_props);
    mote_emit_bytes(e, g->unknown.p, g->unknown.n);
}

static void put_opset(mote_emit *e, const void *ctx)
{
    const mote_opset *o = ctx;
    mote_emit_text(e, 1, o->domain);
    mote_emit_int(e, 2, o->version);
}

typedef struct model_ctx {
    const mote_module *m;
    const mote_opset *opsets;
    size_t n_opsets;
    int64_t ir_version;
    const placement *place;
} model_ctx;

static void put_model(mote_emit *e, const model_ctx *c)
{
    const mote_module *m = c->m;
    graph_ctx g = {.g = m->graph, .place = c->place, .external = UINT64_MAX};
    mote_emit_int(e, 1, c->ir_version);
    mote_emit_text(e, 2, m->producer_name);
    mote_emit_text(e, 3, m->producer_version);
    mote_emit_text(e, 4, m->domain);
    if (m->model_version != 0)
        mote_emit_int(e, 5, m->model_version);
    mote_emit_text(e, 6, m->doc);
    mote_emit_nested(e, 7, put_graph, &g);
    for (size_t i = 0; i < c->n_opsets; i++)
        mote_emit_nested(e, 8, put_opset, &c->opsets[i]);
    put_props(e, 14, m->props, m->n_props);
    mote_emit_bytes(e, m->unknown.p, m->unknown.n);
}

/* ---- operator sets ---- */

typedef struct versions {
    mote_opset *opsets;
    size_t n;
} versions;

static mote_opset *opset_of(const versions *v, mote_str domain)
{
    for (size_t i = 0; i < v->n; i++)
        if (mote_str_eq(v->opsets[i].domain, domain))
            return &v->opsets[i];
    return NULL;
}

/* pass 0: the newest version that a node needs; pass 1: that no node means something else there. */
static mote_status scan_versions(versions *v, const mote_graph *g, int pass, int depth, mote_diag *diag)
{
    MOTE_REQUIRE(depth < MAX_DEPTH, diag, MOTE_E_LIMIT, "graphs nested deeper than %d", MAX_DEPTH);
    for (const mote_node *n = g->first; n != NULL; n = n->next) {
        MOTE_REQUIRE(!mote_str_is(n->domain, "mote"), diag, MOTE_E_UNSUPPORTED, "%.*s '%.*s' is a form of this machine: it has no place in a file",
                     MOTE_STR_ARG(n->op), MOTE_STR_ARG(n->name));
        mote_opset *o = opset_of(v, n->domain);
        MOTE_REQUIRE(o != NULL, diag, MOTE_E_MODEL, "%.*s is of the domain '%.*s', which the model does not import", MOTE_STR_ARG(n->op),
                     MOTE_STR_ARG(n->domain));
        const mote_op_def *now = mote_op_find_in(g->module, n->domain, n->op, n->version);
        if (pass == 0) {
            int64_t need = now != NULL ? now->since : n->version;
            o->version = need > o->version ? need : o->version;
        } else if (now != NULL) {
            MOTE_REQUIRE(mote_op_find_in(g->module, n->domain, n->op, o->version) == now, diag, MOTE_E_UNSUPPORTED,
                         "%.*s '%.*s' of version %d would mean something else in operator set %lld", MOTE_STR_ARG(n->op), MOTE_STR_ARG(n->name),
                         (int)n->version, (long long)o->version);
        }
        for (const mote_attr *a = n->attrs; a != NULL; a = a->next) {
            if (a->kind == MOTE_ATTR_GRAPH)
                MOTE_TRY(scan_versions(v, a->g, pass, depth + 1, diag));
            for (size_t i = 0; a->kind == MOTE_ATTR_GRAPHS && i < a->n; i++)
                MOTE_TRY(scan_versions(v, a->graphs[i], pass, depth + 1, diag));
        }
    }
    return MOTE_OK;
}

static mote_status prepare(const mote_module *m, mote_heap *heap, model_ctx *c, versions *v, mote_diag *diag)
{
    v->n = m->n_opsets;
    v->opsets = mote_heap_calloc(heap, v->n + 1, sizeof *v->opsets);
    if (v->opsets == NULL)
        return MOTE_NO_MEMORY(diag, v->n * sizeof *v->opsets);
    if (v->n != 0)
        memcpy(v->opsets, m->opsets, v->n * sizeof *v->opsets);
    MOTE_TRY(scan_versions(v, m->graph, 0, 0, diag));
    MOTE_TRY(scan_versions(v, m->graph, 1, 0, diag));
    *c = (model_ctx){m, v->opsets, v->n, m->ir_version, NULL};
    return MOTE_OK;
}

/* ---- external data ---- */

static mote_status total_constants(const mote_graph *g, uint64_t *total, int depth, mote_diag *diag)
{
    MOTE_REQUIRE(depth < MAX_DEPTH, diag, MOTE_E_LIMIT, "graphs nested deeper than %d", MAX_DEPTH);
    for (const mote_value *v = g->values; v != NULL; v = v->next)
        *total += v->constant != NULL ? v->constant->bytes : 0;
    for (const mote_node *n = g->first; n != NULL; n = n->next)
        for (const mote_attr *a = n->attrs; a != NULL; a = a->next) {
            if (a->kind == MOTE_ATTR_GRAPH)
                MOTE_TRY(total_constants(a->g, total, depth + 1, diag));
            for (size_t i = 0; a->kind == MOTE_ATTR_GRAPHS && i < a->n; i++)
                MOTE_TRY(total_constants(a->graphs[i], total, depth + 1, diag));
        }
    return MOTE_OK;
}

/* Streams the large constants of a graph and its subgraphs, noting where each begins. */
static void place_constants(const mote_graph *g, placement *p, mote_emit *e, mote_sha256 *hash)
{
    static const char zeros[512];
    for (const mote_value *v = g->values; v != NULL; v = v->next) {
        const mote_array *a = v->constant;
        if (a == NULL || a->bytes < EXTERNAL_LEAST || a->dtype == MOTE_DTYPE_STRING)
            continue;
        for (size_t pad = (size_t)(-e->n & (EXTERNAL_ALIGN - 1)), m; pad > 0; pad -= m) {
            m = pad < sizeof zeros ? pad : sizeof zeros;
            mote_emit_bytes(e, zeros, m);
            mote_sha256_put(hash, zeros, m);
        }
        p->offset[v->id] = e->n;
        mote_emit_bytes(e, a->data, a->bytes);
        mote_sha256_put(hash, a->data, a->bytes);
    }
    for (const mote_node *n = g->first; n != NULL; n = n->next)
        for (const mote_attr *a = n->attrs; a != NULL; a = a->next) {
            if (a->kind == MOTE_ATTR_GRAPH)
                place_constants(a->g, p, e, hash);
            for (size_t i = 0; a->kind == MOTE_ATTR_GRAPHS && i < a->n; i++)
                place_constants(a->graphs[i], p, e, hash);
        }
}

/* Numbers the large constants of a graph and its subgraphs. */
static void number_constants(const mote_graph *g, placement *p)
{
    for (const mote_value *v = g->values; v != NULL; v = v->next) {
        const mote_array *a = v->constant;
        if (a == NULL || a->bytes < MOTE_ONNX_STORED_LEAST || a->dtype == MOTE_DTYPE_STRING || a->kind != MOTE_KIND_TENSOR)
            continue;
        if (p->tensors != NULL) {
            p->tensors[p->n_tensors] = (mote_str){a->data, a->bytes};
            p->offset[v->id] = p->n_tensors;
        }
        p->n_tensors++;
    }
    for (const mote_node *n = g->first; n != NULL; n = n->next)
        for (const mote_attr *a = n->attrs; a != NULL; a = a->next) {
            if (a->kind == MOTE_ATTR_GRAPH)
                number_constants(a->g, p);
            for (size_t i = 0; a->kind == MOTE_ATTR_GRAPHS && i < a->n; i++)
                number_constants(a->graphs[i], p);
        }
}

/* ---- files ---- */

static mote_status write_external(const mote_module *m, const char *path, placement *p, char *location, size_t cap, mote_diag *diag)
{
    char temporary[PATH_MAX], final[PATH_MAX];
    int fd = mote_outfile_open(path, temporary, sizeof temporary);
    MOTE_REQUIRE(fd >= 0, diag, MOTE_E_IO, "%s: %s", path, strerror(errno));
    mote_sha256 hash;
    mote_sha256_init(&hash);
    mote_emit e;
    mote_emit_begin(&e, fd, NULL);
    place_constants(m->graph, p, &e, &hash);
    bool ok = mote_emit_end(&e);
    uint8_t digest[32];
    char hex[17];
    mote_sha256_end(&hash, digest);
    for (int i = 0; i < 8; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    const char *base = strrchr(path, '/');
    base = base == NULL ? path : base + 1;
    ok = ok && snprintf(location, cap, "%s.%s.data", base, hex) < (int)cap && snprintf(final, sizeof final, "%s.%s.data", path, hex) < (int)sizeof final;
    if (!ok) {
        close(fd);
        unlink(temporary);
        MOTE_FAIL(diag, MOTE_E_IO, "%s: %s", path, strerror(e.error != 0 ? e.error : ENAMETOOLONG));
    }
    p->location = location;
    return mote_outfile_finish(fd, temporary, final, true, diag); /* the name says what is in it: replacing it changes nothing */
}

static mote_status write_file(const model_ctx *c, const char *path, bool overwrite, mote_diag *diag)
{
    char temporary[PATH_MAX];
    int fd = mote_outfile_open(path, temporary, sizeof temporary);
    MOTE_REQUIRE(fd >= 0, diag, MOTE_E_IO, "%s: %s", path, strerror(errno));
    mote_emit e;
    mote_emit_begin(&e, fd, NULL);
    put_model(&e, c);
    if (!mote_emit_end(&e)) {
        close(fd);
        unlink(temporary);
        MOTE_FAIL(diag, MOTE_E_IO, "%s: %s", path, strerror(e.error));
    }
    return mote_outfile_finish(fd, temporary, path, overwrite, diag);
}

mote_status mote_onnx_write_path(const mote_module *m, const char *path, const mote_onnx_write_options *o, mote_diag *diag)
{
    struct stat st;
    if (stat(path, &st) == 0) {
        MOTE_REQUIRE(S_ISREG(st.st_mode), diag, MOTE_E_IO, "%s exists and is not a regular file", path);
        MOTE_REQUIRE(o->overwrite, diag, MOTE_E_IO, "%s exists; allow overwriting to replace it", path);
    }
    mote_heap *heap = m->heap;
    model_ctx c;
    versions v = {NULL, 0};
    uint64_t total = 0;
    char location[NAME_MAX + 1];
    placement p = {.offset = NULL};
    mote_status status = prepare(m, heap, &c, &v, diag);
    if (status == MOTE_OK)
        status = total_constants(m->graph, &total, 0, diag);
    if (status == MOTE_OK && total > (o->external_above != 0 ? o->external_above : external_above)) {
        p.offset = mote_heap_alloc(heap, ((size_t)m->n_values + 1) * sizeof *p.offset);
        if (p.offset == NULL)
            status = MOTE_NO_MEMORY(diag, m->n_values * sizeof *p.offset);
        else {
            memset(p.offset, 0xff, ((size_t)m->n_values + 1) * sizeof *p.offset);
            status = write_external(m, path, &p, location, sizeof location, diag);
            c.place = &p;
        }
    }
    if (status == MOTE_OK)
        status = write_file(&c, path, o->overwrite, diag);
    mote_heap_free(heap, p.offset, ((size_t)m->n_values + 1) * sizeof *p.offset);
    mote_heap_free(heap, v.opsets, (v.n + 1) * sizeof *v.opsets);
    return status;
}

static mote_status put_memory(const model_ctx *c, mote_heap *heap, void **out, size_t *bytes, mote_diag *diag)
{
    mote_emit e;
    mote_emit_begin(&e, -1, NULL);
    put_model(&e, c);
    *bytes = (size_t)e.n;
    if (out == NULL)
        return MOTE_OK;
    *out = mote_heap_alloc(heap, *bytes);
    if (*out == NULL)
        return MOTE_NO_MEMORY(diag, e.n);
    mote_emit_begin(&e, -1, *out);
    put_model(&e, c);
    return MOTE_OK;
}

mote_status mote_onnx_write_memory(const mote_module *m, mote_heap *heap, void **out, size_t *bytes, mote_diag *diag)
{
    if (out != NULL)
        *out = NULL;
    *bytes = 0;
    model_ctx c;
    versions v = {NULL, 0};
    mote_status status = prepare(m, heap, &c, &v, diag);
    if (status == MOTE_OK)
        status = put_memory(&c, heap, out, bytes, diag);
    mote_heap_free(heap, v.opsets, (v.n + 1) * sizeof *v.opsets);
    return status;
}

mote_status mote_onnx_write_machine(const mote_module *m, mote_heap *heap, void **out, size_t *bytes, mote_str **tensors, size_t *n_tensors, mote_diag *diag)
{
    placement p = {.location = "*", .machine = true};
    const size_t places = ((size_t)m->n_values + 1) * sizeof *p.offset, opsets = (m->n_opsets + 1) * sizeof(mote_opset);
    number_constants(m->graph, &p);
    const size_t n = p.n_tensors;
    *out = NULL;
    *n_tensors = n;
    *tensors = p.tensors = mote_heap_calloc(heap, n + 1, sizeof *p.tensors);
    p.offset = mote_heap_alloc(heap, places);
    mote_opset *all = mote_heap_alloc(heap, opsets);
    mote_status status = *tensors != NULL && p.offset != NULL && all != NULL ? MOTE_OK : MOTE_NO_MEMORY(diag, places);
    if (status == MOTE_OK) {
        memset(p.offset, 0xff, places);
        p.n_tensors = 0;
        number_constants(m->graph, &p);
        if (m->n_opsets != 0)
            memcpy(all, m->opsets, opsets - sizeof *all);
        all[m->n_opsets] = (mote_opset){MOTE_STR("mote"), 1};
        const model_ctx c = {m, all, m->n_opsets + 1, m->ir_version, &p};
        status = put_memory(&c, heap, out, bytes, diag);
    }
    mote_heap_free(heap, all, opsets);
    mote_heap_free(heap, p.offset, places);
    if (status != MOTE_OK)
        mote_heap_free(heap, *tensors, (n + 1) * sizeof **tensors);
    return status;
}
