/* read_graph.c - GraphProto, NodeProto, AttributeProto, ValueInfoProto, TypeProto
 * SPDX-License-Identifier: Apache-2.0
 *
 * A graph is read in the order that its meaning has, not its bytes: initializers, inputs, the names that nodes make, nodes, outputs, declared types. */
#include "base/platform.h"
#include "onnx/reader.h"

/* ---- small parts ---- */

enum { MAX_MERGED = 16 << 20 };

mote_status mote_onnx_keep_unknown(mote_onnx_reader *r, mote_str *all, const mote_wire *w, const mote_wire_field *f)
{
    size_t n = (size_t)(w->p - f->start);
    if (all->n == 0) {
        *all = (mote_str){(const char *)f->start, n};
        return MOTE_OK;
    }
    /* Joined pieces lie in a block of the next power of two; those of the file lie between w->file and w->end. */
    bool borrowed = (uintptr_t)all->p >= (uintptr_t)w->file && (uintptr_t)all->p < (uintptr_t)w->end;
    if (borrowed && all->p + all->n == (const char *)f->start) { /* the next field of the same run */
        all->n += n;
        return MOTE_OK;
    }
    size_t cap = 64, need = all->n + n;
    while (!borrowed && cap < all->n)
        cap *= 2;
    char *joined = (char *)(uintptr_t)all->p;
    if (borrowed || need > cap) {
        while (cap < need)
            cap *= 2;
        MOTE_TRY(mote_onnx_room(r, cap));
        joined = mote_arena_calloc(&r->module->arena, cap, 1);
        if (joined == NULL)
            return MOTE_NO_MEMORY(r->diag, cap);
        memcpy(joined, all->p, all->n);
    }
    memcpy(joined + all->n, f->start, n);
    *all = (mote_str){joined, need};
    return MOTE_OK;
}

mote_status mote_onnx_merge(mote_onnx_reader *r, const mote_wire *w, const mote_wire_field *f, mote_wire *all)
{
    MOTE_TRY(mote_wire_expect(w, f, MOTE_WIRE_BYTES, r->diag));
    if (all->p == NULL) {
        *all = mote_wire_in(w, f->bytes);
        return MOTE_OK;
    }
    size_t before = (size_t)(all->end - all->p), n = before + f->bytes.n;
    MOTE_REQUIRE(n <= MAX_MERGED - r->merged, r->diag, MOTE_E_LIMIT, "messages in pieces: more than %d bytes of them", MAX_MERGED);
    r->merged += n;
    char *joined = mote_arena_calloc(&r->module->arena, n, 1);
    if (joined == NULL)
        return MOTE_NO_MEMORY(r->diag, n);
    if (before != 0)
        memcpy(joined, all->p, before);
    if (f->bytes.n != 0)
        memcpy(joined + before, f->bytes.p, f->bytes.n);
    *all = mote_wire_of(joined, n);
    return MOTE_OK;
}

mote_status mote_onnx_room(const mote_onnx_reader *r, size_t bytes)
{
    size_t used = atomic_load(&r->heap->used), other = r->base + r->data_bytes;
    MOTE_REQUIRE(bytes <= MOTE_ONNX_MAX_STRUCTURE && (used < other || used - other <= MOTE_ONNX_MAX_STRUCTURE - bytes), r->diag, MOTE_E_LIMIT,
                 "the model's structure, its tensors' data aside, takes more than %d MiB", MOTE_ONNX_MAX_STRUCTURE >> 20);
    return MOTE_OK;
}

static mote_status text(mote_onnx_reader *r, const mote_wire *w, const mote_wire_field *f, mote_str *out)
{
    MOTE_TRY(mote_wire_expect(w, f, MOTE_WIRE_BYTES, r->diag));
    MOTE_TRY(mote_onnx_room(r, f->bytes.n));
    *out = mote_arena_str(&r->module->arena, f->bytes);
    return out->p != NULL ? MOTE_OK : MOTE_NO_MEMORY(r->diag, f->bytes.n);
}

static mote_status message(mote_onnx_reader *r, const mote_wire *w, const mote_wire_field *f, mote_wire *out)
{
    MOTE_TRY(mote_wire_expect(w, f, MOTE_WIRE_BYTES, r->diag));
    *out = mote_wire_in(w, f->bytes);
    return MOTE_OK;
}

mote_status mote_onnx_prop_read(mote_onnx_reader *r, mote_wire w, mote_prop *out)
{
    mote_wire_field f;
    bool more;
    *out = (mote_prop){{"", 0}, {"", 0}};
    for (;;) {
        MOTE_TRY(mote_wire_next(&w, &f, &more, r->diag));
        if (!more)
            return MOTE_OK;
        if (f.id == 1)
            MOTE_TRY(text(r, &w, &f, &out->key));
        else if (f.id == 2)
            MOTE_TRY(text(r, &w, &f, &out->value));
    }
}

mote_status mote_onnx_props_add(mote_onnx_reader *r, mote_wire w, mote_prop **props, size_t *n)
{
    if ((*n & (*n - 1)) == 0) { /* full at each power of two */
        MOTE_REQUIRE(*n < (size_t)MOTE_ONNX_MAX_STRUCTURE / sizeof(mote_prop), r->diag, MOTE_E_LIMIT, "%zu metadata entries", *n);
        MOTE_TRY(mote_onnx_room(r, 2 * *n * sizeof(mote_prop)));
        mote_prop *grown = mote_arena_calloc(&r->module->arena, *n == 0 ? 1 : *n * 2, sizeof *grown);
        if (grown == NULL)
            return MOTE_NO_MEMORY(r->diag, *n * sizeof *grown);
        if (*n != 0)
            memcpy(grown, *props, *n * sizeof *grown);
        *props = grown;
    }
    return mote_onnx_prop_read(r, w, &(*props)[(*n)++]);
}

/* ---- types ---- */

static mote_status dimension(mote_onnx_reader *r, mote_wire w, int64_t *out)
{
    mote_wire_field f;
    bool more;
    *out = MOTE_DIM_UNKNOWN;
    for (;;) {
        MOTE_TRY(mote_wire_next(&w, &f, &more, r->diag));
        if (!more)
            return MOTE_OK;
        if (f.id == 1) {
            MOTE_TRY(mote_wire_expect(&w, &f, MOTE_WIRE_VARINT, r->diag));
            MOTE_REQUIRE((int64_t)f.value >= -1, r->diag, MOTE_E_SHAPE, "a declared dimension of %lld", (long long)f.value);
            *out = (int64_t)f.value; /* some exporters write -1 for unknown */
        } else if (f.id == 2) {
            MOTE_TRY(mote_wire_expect(&w, &f, MOTE_WIRE_BYTES, r->diag));
            *out = MOTE_DIM_UNKNOWN; /* of number and name, the last stands */
            if (f.bytes.n != 0) {
                MOTE_REQUIRE(r->module->n_symbols < MOTE_ONNX_MAX_SYMBOLS, r->diag, MOTE_E_LIMIT, "more than %d named dimensions", MOTE_ONNX_MAX_SYMBOLS);
                *out = mote_module_symbol(r->module, f.bytes);
                if (*out == MOTE_DIM_UNKNOWN)
                    return MOTE_NO_MEMORY(r->diag, f.bytes.n);
            }
        }
    }
}

static mote_status shape(mote_onnx_reader *r, mote_wire w, mote_type *t)
{
    mote_wire_field f;
    mote_wire in;
    bool more;
    t->rank = t->rank < 0 ? 0 : t->rank;
    for (;;) {
        MOTE_TRY(mote_wire_next(&w, &f, &more, r->diag));
        if (!more)
            return MOTE_OK;
        if (f.id != 1)
            continue;
        MOTE_TRY(message(r, &w, &f, &in));
        MOTE_REQUIRE(t->rank < MOTE_MAX_RANK, r->diag, MOTE_E_LIMIT, "a declared shape of more than %d dimensions", MOTE_MAX_RANK);
        MOTE_TRY(dimension(r, in, &t->dims[t->rank]));
        t->rank++;
    }
}

static mote_status tensor_type(mote_onnx_reader *r, mote_wire w, mote_type *t)
{
    mote_wire_field f;
    mote_wire in;
    bool more;
    for (;;) {
        MOTE_TRY(mote_wire_next(&w, &f, &more, r->diag));
        if (!more)
            return MOTE_OK;
        if (f.id == 1) {
            MOTE_TRY(mote_wire_expect(&w, &f, MOTE_WIRE_VARINT, r->diag));
            MOTE_REQUIRE(f.value == 0 || (f.value < 1u << 30 && mote_dtype_valid((int64_t)f.value)), r->diag, MOTE_E_UNSUPPORTED,
                         "element type %llu is not known", (unsigned long long)f.value);
            t->dtype = (mote_dtype)f.value;
        } else if (f.id == 2) {
            MOTE_TRY(message(r, &w, &f, &in));
            MOTE_TRY(shape(r, in, t));
        }
    }
}

static mote_status element_type(mote_onnx_reader *r, mote_wire w, mote_type *t, int depth)
{
    mote_wire_field f;
    mote_wire in = {NULL, NULL, NULL};
    bool more;
    mote_type *element = mote_arena_calloc(&r->module->arena, 1, sizeof *element);
    if (element == NULL)
        return MOTE_NO_MEMORY(r->diag, sizeof *element);
    *element = (mote_type){.rank = -1};
    for (;;) {
        MOTE_TRY(mote_wire_next(&w, &f, &more, r->diag));
        if (!more)
            break;
        if (f.id == 1)
            MOTE_TRY(mote_onnx_merge(r, &w, &f, &in));
    }
    if (in.p != NULL)
        MOTE_TRY(mote_onnx_type_read(r, in, element, depth + 1));
    t->element = element;
    t->dtype = element->dtype;
    return MOTE_OK;
}

mote_status mote_onnx_type_read(mote_onnx_reader *r, mote_wire w, mote_type *t, int depth)
{
    MOTE_REQUIRE(depth < 16, r->diag, MOTE_E_LIMIT, "types nested deeper than 16");
    mote_wire_field f;
    mote_wire in = {NULL, NULL, NULL};
    uint32_t what = 0; /* of the kinds of type, the last one stands */
    bool more;
    *t = (mote_type){.kind = MOTE_KIND_TENSOR, .rank = -1};
    for (;;) {
        MOTE_TRY(mote_wire_next(&w, &f, &more, r->diag));
        if (!more)
            break;
        if (f.id != 1 && f.id != 4 && f.id != 5 && (f.id < 7 || f.id > 9))
            continue;
        if (f.id != what)
            in.p = NULL;
        what = f.id;
        MOTE_TRY(mote_onnx_merge(r, &w, &f, &in));
    }
    if (what == 1)
        return tensor_type(r, in, t);
    MOTE_REQUIRE(what != 5, r->diag, MOTE_E_UNSUPPORTED,
                 "a value of map type, which mote does not have: export the model without ZipMap, CastMap and DictVectorizer (skl2onnx: zipmap=False)");
    MOTE_REQUIRE(what == 0 || what == 4 || what == 9, r->diag, MOTE_E_UNSUPPORTED, "a value of %s type", what == 8 ? "sparse tensor" : "opaque");
    if (what == 0)
        return MOTE_OK;
    t->kind = what == 4 ? MOTE_KIND_SEQUENCE : MOTE_KIND_OPTIONAL;
    return element_type(r, in, t, depth);
}

/* ---- values ---- */

typedef struct value_info {
    mote_str name, doc, unknown;
    mote_wire type; /* p NULL: none */
} value_info;

static mote_status value_info_read(mote_onnx_reader *r, mote_wire w, value_info *out)
{
    mote_wire_field f;
    bool more;
    *out = (value_info){.name = {NULL, 0}};
    for (;;) {
        MOTE_TRY(mote_wire_next(&w, &f, &more, r->diag));
        if (!more)
            return MOTE_OK;
        switch (f.id) {
        case 1: MOTE_TRY(mote_wire_expect(&w, &f, MOTE_WIRE_BYTES, r->diag)); out->name = f.bytes; break;
        case 2: MOTE_TRY(mote_onnx_merge(r, &w, &f, &out->type)); break;
        case 3: MOTE_TRY(text(r, &w, &f, &out->doc)); break;
        default: MOTE_TRY(mote_onnx_keep_unknown(r, &out->unknown, &w, &f));
        }
    }
}

static mote_status describe(mote_onnx_reader *r, const value_info *info, mote_value *v)
{
    v->doc = info->doc;
    v->unknown = info->unknown;
    return info->type.p != NULL ? mote_onnx_type_read(r, info->type, &v->type, 0) : MOTE_OK;
}

/* The graph's own value of that name, made when it is new; it may hide one of a graph around (read_scope.c). */
static mote_status own_value(mote_onnx_reader *r, mote_graph *g, mote_str name, mote_value **out)
{
    mote_value *v = mote_names_find(&r->names, g, name);
    if (v != NULL && v->graph == g) {
        *out = v;
        return MOTE_OK;
    }
    MOTE_TRY(mote_onnx_room(r, name.n));
    v = mote_graph_add_value(g, name);
    if (v == NULL)
        return MOTE_NO_MEMORY(r->diag, name.n);
    v->type.rank = -1;
    *out = v;
    return mote_names_shadow(&r->names, v) == MOTE_OK ? MOTE_OK : MOTE_NO_MEMORY(r->diag, sizeof v); /* the name is new */
}

static mote_status initializer(mote_onnx_reader *r, mote_wire w, mote_graph *g, bool sparse)
{
    mote_onnx_tensor t;
    MOTE_TRY(sparse ? mote_onnx_sparse_read(r, w, &t) : mote_onnx_tensor_read(r, w, &t));
    MOTE_REQUIRE(t.name.n != 0, r->diag, MOTE_E_MODEL, "an initializer without a name");
    const mote_value *there = mote_names_find(&r->names, g, t.name);
    MOTE_REQUIRE(there == NULL || there->graph != g, r->diag, MOTE_E_MODEL, "two values are named '%.*s'", MOTE_STR_ARG(t.name));
    MOTE_TRY(mote_onnx_room(r, t.name.n));
    mote_value *v = mote_graph_add_constant(g, t.name, t.array);
    if (v == NULL)
        return MOTE_NO_MEMORY(r->diag, t.name.n);
    v->tensor_doc = t.doc;
    v->tensor_unknown = t.unknown;
    return mote_names_shadow(&r->names, v) == MOTE_OK ? MOTE_OK : MOTE_NO_MEMORY(r->diag, sizeof v); /* the name is new */
}

static mote_status graph_input(mote_onnx_reader *r, mote_wire w, mote_graph *g)
{
    value_info info;
    mote_value *v;
    MOTE_TRY(value_info_read(r, w, &info));
    MOTE_REQUIRE(info.name.n != 0, r->diag, MOTE_E_MODEL, "a graph input without a name");
    MOTE_TRY(own_value(r, g, info.name, &v));
    MOTE_REQUIRE(!v->is_input, r->diag, MOTE_E_MODEL, "two graph inputs are named '%.*s'", MOTE_STR_ARG(info.name));
    mote_type constant = v->type;
    MOTE_TRY(describe(r, &info, v));
    if (v->constant != NULL) {
        MOTE_REQUIRE(v->type.kind == MOTE_KIND_TENSOR && (v->type.dtype == MOTE_DTYPE_NONE || v->type.dtype == constant.dtype), r->diag, MOTE_E_DTYPE,
                     "input '%.*s' is declared %s, its initializer is %s", MOTE_STR_ARG(info.name), mote_dtype_name(v->type.dtype),
                     mote_dtype_name(constant.dtype));
        v->type = constant;
    }
    if (mote_graph_add_input(g, v) != MOTE_OK)
        return MOTE_NO_MEMORY(r->diag, sizeof v);
    return MOTE_OK;
}

/* ---- attributes ---- */

typedef struct counts {
    size_t floats, ints, strings, tensors, graphs, bytes;
} counts;

typedef struct int_list {
    int64_t *v;
    size_t n;
} int_list;

static mote_status add_int(void *ctx, uint64_t v)
{
    int_list *l = ctx;
    l->v[l->n++] = (int64_t)v;
    return MOTE_OK;
}

typedef struct float_list {
    float *v;
    size_t n;
} float_list;

static mote_status add_float(void *ctx, uint64_t v)
{
    float_list *l = ctx;
    uint32_t bits = (uint32_t)v;
    memcpy(&l->v[l->n++], &bits, 4);
    return MOTE_OK;
}

static mote_status count_one(void *ctx, uint64_t v)
{
    (void)v;
    ++*(size_t *)ctx;
    return MOTE_OK;
}

static mote_status attr_scan(mote_onnx_reader *r, mote_wire w, mote_attr *a, counts *n)
{
    mote_wire_field f;
    bool more, has_kind = false;
    uint32_t seen = 0;
    for (;;) {
        MOTE_TRY(mote_wire_next(&w, &f, &more, r->diag));
        if (!more)
            break;
        r->work++;
        switch (f.id) {
        case 1: MOTE_TRY(text(r, &w, &f, &a->name)); break;
        case 13: MOTE_TRY(text(r, &w, &f, &a->doc)); break;
        case 21: MOTE_TRY(text(r, &w, &f, &a->ref)); break;
        case 20:
            MOTE_TRY(mote_wire_expect(&w, &f, MOTE_WIRE_VARINT, r->diag));
            MOTE_REQUIRE(f.value <= MOTE_ATTR_TYPES, r->diag, MOTE_E_UNSUPPORTED, "attribute '%.*s' has kind %llu, which is not known", MOTE_STR_ARG(a->name),
                         (unsigned long long)f.value);
            a->kind = (mote_attr_kind)f.value;
            has_kind = true;
            break;
        case 2: seen |= 1u << MOTE_ATTR_FLOAT; break;
        case 3: seen |= 1u << MOTE_ATTR_INT; break;
        case 4: seen |= 1u << MOTE_ATTR_STRING; break;
        case 5: seen |= 1u << MOTE_ATTR_TENSOR; break;
        case 6: seen |= 1u << MOTE_ATTR_GRAPH; break;
        case 7: seen |= 1u << MOTE_ATTR_FLOATS; MOTE_TRY(mote_wire_repeated(&w, &f, MOTE_WIRE_32, count_one, &n->floats, r->diag)); break;
        case 8: seen |= 1u << MOTE_ATTR_INTS; MOTE_TRY(mote_wire_repeated(&w, &f, MOTE_WIRE_VARINT, count_one, &n->ints, r->diag)); break;
        case 9: seen |= 1u << MOTE_ATTR_STRINGS; n->strings++; break;
        case 10: seen |= 1u << MOTE_ATTR_TENSORS; n->tensors++; break;
        case 11: seen |= 1u << MOTE_ATTR_GRAPHS; n->graphs++; break;
        case 14: seen |= 1u << MOTE_ATTR_TYPE; break;
        case 15: seen |= 1u << MOTE_ATTR_TYPES; break;
        case 22: seen |= 1u << MOTE_ATTR_SPARSE; break;
        case 23: seen |= 1u << MOTE_ATTR_SPARSES; break;
        default: MOTE_TRY(mote_onnx_keep_unknown(r, &a->unknown, &w, &f));
        }
    }
    MOTE_REQUIRE(a->name.n != 0, r->diag, MOTE_E_MODEL, "an attribute without a name");
    if (a->ref.n != 0)
        return MOTE_OK;
    for (int k = 1; k <= MOTE_ATTR_TYPES && !has_kind; k++) /* old files leave the kind out: the field that is there tells */
        if (seen == 1u << k)
            a->kind = (mote_attr_kind)k;
    bool plural = (a->kind >= MOTE_ATTR_FLOATS && a->kind <= MOTE_ATTR_GRAPHS) || a->kind == MOTE_ATTR_SPARSES || a->kind == MOTE_ATTR_TYPES;
    bool zero = a->kind == MOTE_ATTR_FLOAT || a->kind == MOTE_ATTR_INT || a->kind == MOTE_ATTR_STRING; /* proto3 writers leave out a zero */
    MOTE_REQUIRE(a->kind != MOTE_ATTR_NONE && (seen & ~(1u << a->kind)) == 0 && (plural || zero || seen != 0), r->diag, MOTE_E_MODEL,
                 "attribute '%.*s' of kind %d holds something else", MOTE_STR_ARG(a->name), (int)a->kind);
    return MOTE_OK;
}

static mote_status attr_memory(mote_onnx_reader *r, mote_attr *a, const counts *n, void **to)
{
    size_t count = a->kind == MOTE_ATTR_FLOATS ? n->floats : a->kind == MOTE_ATTR_INTS ? n->ints : a->kind == MOTE_ATTR_STRINGS ? n->strings
                   : a->kind == MOTE_ATTR_TENSORS ? n->tensors : a->kind == MOTE_ATTR_GRAPHS ? n->graphs : 0;
    size_t size = a->kind == MOTE_ATTR_FLOATS ? sizeof(float) : a->kind == MOTE_ATTR_STRINGS ? sizeof(mote_str) : 8;
    a->n = count;
    *to = NULL;
    if (a->kind < MOTE_ATTR_FLOATS || a->kind > MOTE_ATTR_GRAPHS)
        return MOTE_OK;
    MOTE_REQUIRE(count <= (size_t)MOTE_ONNX_MAX_STRUCTURE / size, r->diag, MOTE_E_LIMIT, "attribute '%.*s' has %zu elements", MOTE_STR_ARG(a->name), count);
    MOTE_TRY(mote_onnx_room(r, count * size));
    *to = mote_arena_calloc(&r->module->arena, count, size);
    a->ints = *to;
    return *to != NULL ? MOTE_OK : MOTE_NO_MEMORY(r->diag, count * size);
}

static mote_status subgraph(mote_onnx_reader *r, mote_wire w, mote_node *node, mote_graph **out, int depth)
{
    MOTE_REQUIRE(node != NULL, r->diag, MOTE_E_MODEL, "a graph where no node is");
    int around = 0;
    for (const mote_graph *g = node->graph; g != NULL; g = g->parent)
        around++;
    MOTE_REQUIRE(depth < MOTE_ONNX_MAX_DEPTH && around <= MOTE_GRAPH_MAX_DEPTH, r->diag, MOTE_E_LIMIT, "graphs nested deeper than %d",
                 MOTE_GRAPH_MAX_DEPTH);
    *out = mote_graph_create(r->module, node->graph, node);
    if (*out == NULL)
        return MOTE_NO_MEMORY(r->diag, sizeof **out);
    r->has_subgraphs = true;
    return mote_onnx_graph_read(r, w, *out, depth + 1);
}

/* Name, documentation and unknown fields of an attribute's tensor number i, kept for writing. */
static mote_status keep_text(mote_onnx_reader *r, mote_attr *a, size_t i, const mote_onnx_tensor *t)
{
    if (t->name.n == 0 && t->doc.n == 0 && t->unknown.n == 0)
        return MOTE_OK;
    size_t n = a->kind == MOTE_ATTR_TENSORS ? a->n : 1;
    if (a->text == NULL) {
        MOTE_TRY(mote_onnx_room(r, n * sizeof *a->text));
        a->text = mote_arena_calloc(&r->module->arena, n, sizeof *a->text);
    }
    if (a->text == NULL)
        return MOTE_NO_MEMORY(r->diag, n * sizeof *a->text);
    a->text[i] = (mote_tensor_text){t->name, t->doc, t->unknown};
    return MOTE_OK;
}

/* The messages that an attribute has one of. */
typedef struct attr_parts {
    mote_wire tensor, graph, type, sparse; /* p NULL: none */
} attr_parts;

static mote_status attr_messages(mote_onnx_reader *r, mote_attr *a, const attr_parts *p, mote_node *node, int depth)
{
    mote_onnx_tensor t;
    if (p->tensor.p != NULL) {
        MOTE_TRY(mote_onnx_tensor_read(r, p->tensor, &t));
        a->t = t.array;
        MOTE_TRY(keep_text(r, a, 0, &t));
    } else if (p->graph.p != NULL) {
        mote_graph *g = NULL;
        MOTE_TRY(subgraph(r, p->graph, node, &g, depth));
        a->g = g;
    } else if (p->type.p != NULL) {
        mote_type *type = mote_arena_calloc(&r->module->arena, 1, sizeof *type);
        if (type == NULL)
            return MOTE_NO_MEMORY(r->diag, sizeof *type);
        MOTE_TRY(mote_onnx_type_read(r, p->type, type, 0));
        a->type = type;
    } else if (p->sparse.p != NULL) { /* made dense: an attribute's reader sees a tensor */
        MOTE_TRY(mote_onnx_sparse_read(r, p->sparse, &t));
        a->kind = MOTE_ATTR_TENSOR;
        a->t = t.array;
        if (mote_str_is(a->name, "sparse_value"))
            a->name = MOTE_STR("value");
    }
    return MOTE_OK;
}

mote_status mote_onnx_attr_read(mote_onnx_reader *r, mote_wire w, mote_node *node, mote_attr **out, int depth)
{
    mote_attr *a = mote_arena_calloc(&r->module->arena, 1, sizeof *a);
    if (a == NULL)
        return MOTE_NO_MEMORY(r->diag, sizeof *a);
    counts n = {0};
    void *to;
    *out = a;
    MOTE_TRY(attr_scan(r, w, a, &n));
    if (a->ref.n != 0)
        return MOTE_OK;
    MOTE_TRY(attr_memory(r, a, &n, &to));
    if (a->kind == MOTE_ATTR_STRING)
        a->s = MOTE_STR("");
    int_list ints = {to, 0};
    float_list floats = {to, 0};
    attr_parts parts = {.tensor = {NULL, NULL, NULL}};
    size_t at = 0;
    mote_wire_field f;
    mote_wire in;
    bool more;
    for (;;) {
        MOTE_TRY(mote_wire_next(&w, &f, &more, r->diag));
        if (!more)
            return attr_messages(r, a, &parts, node, depth);
        switch (f.id) {
        case 2: {
            MOTE_TRY(mote_wire_expect(&w, &f, MOTE_WIRE_32, r->diag));
            uint32_t bits = (uint32_t)f.value;
            memcpy(&a->f, &bits, 4);
            break;
        }
        case 3: MOTE_TRY(mote_wire_expect(&w, &f, MOTE_WIRE_VARINT, r->diag)); a->i = (int64_t)f.value; break;
        case 4: MOTE_TRY(text(r, &w, &f, &a->s)); break;
        case 5: MOTE_TRY(mote_onnx_merge(r, &w, &f, &parts.tensor)); break;
        case 6: MOTE_TRY(mote_onnx_merge(r, &w, &f, &parts.graph)); break;
        case 7: MOTE_TRY(mote_wire_repeated(&w, &f, MOTE_WIRE_32, add_float, &floats, r->diag)); break;
        case 8: MOTE_TRY(mote_wire_repeated(&w, &f, MOTE_WIRE_VARINT, add_int, &ints, r->diag)); break;
        case 9: MOTE_TRY(text(r, &w, &f, (mote_str *)to + at++)); break;
        case 10: {
            mote_onnx_tensor t;
            MOTE_TRY(message(r, &w, &f, &in));
            MOTE_TRY(mote_onnx_tensor_read(r, in, &t));
            MOTE_TRY(keep_text(r, a, at, &t));
            ((const mote_array **)to)[at++] = t.array;
            break;
        }
        case 11: {
            mote_graph *g = NULL;
            MOTE_TRY(message(r, &w, &f, &in));
            MOTE_TRY(subgraph(r, in, node, &g, depth));
            ((mote_graph **)to)[at++] = g;
            break;
        }
        case 14: MOTE_TRY(mote_onnx_merge(r, &w, &f, &parts.type)); break;
        case 22: MOTE_TRY(mote_onnx_merge(r, &w, &f, &parts.sparse)); break;
        case 15: case 23: MOTE_TRY(mote_onnx_keep_unknown(r, &a->raw, &w, &f)); break;
        default: break;
        }
    }
}

/* ---- nodes ---- */

mote_status mote_onnx_node_scan(mote_onnx_reader *r, mote_wire w, mote_onnx_node *out)
{
    mote_wire_field f;
    bool more;
    *out = (mote_onnx_node){.wire = w, .name = {"", 0}, .op = {"", 0}, .domain = {"", 0}, .overload = {"", 0}, .from = {"", 0}};
    for (;;) {
        MOTE_TRY(mote_wire_next(&w, &f, &more, r->diag));
        if (!more)
            break;
        r->work++;
        switch (f.id) {
        case 1: MOTE_TRY(mote_wire_expect(&w, &f, MOTE_WIRE_BYTES, r->diag)); out->n_in++; break;
        case 2: MOTE_TRY(mote_wire_expect(&w, &f, MOTE_WIRE_BYTES, r->diag)); out->n_out++; break;
        case 3: MOTE_TRY(text(r, &w, &f, &out->name)); break;
        case 4: MOTE_TRY(text(r, &w, &f, &out->op)); break;
        case 5: MOTE_TRY(mote_wire_expect(&w, &f, MOTE_WIRE_BYTES, r->diag)); out->n_attrs++; break;
        case 9: MOTE_TRY(mote_wire_expect(&w, &f, MOTE_WIRE_BYTES, r->diag)); break;
        case 6: MOTE_TRY(text(r, &w, &f, &out->doc)); break;
        case 7: MOTE_TRY(text(r, &w, &f, &out->domain)); break;
        case 8: MOTE_TRY(text(r, &w, &f, &out->overload)); break;
        default:
            if (r->stored == NULL || (f.id != 40 && f.id != 41)) {
                MOTE_TRY(mote_onnx_keep_unknown(r, &out->unknown, &w, &f));
            } else if (f.id == 41) {
                MOTE_TRY(text(r, &w, &f, &out->from));
            } else {
                MOTE_TRY(mote_wire_expect(&w, &f, MOTE_WIRE_VARINT, r->diag));
                out->version = (int32_t)(f.value & INT32_MAX);
            }
        }
    }
    if (mote_str_is(out->domain, "ai.onnx"))
        out->domain = MOTE_STR("");
    MOTE_REQUIRE(out->op.n != 0 && memchr(out->op.p, 0, out->op.n) == NULL && memchr(out->domain.p, 0, out->domain.n) == NULL, r->diag, MOTE_E_MODEL,
                 "node '%.*s' names no operator", MOTE_STR_ARG(out->name));
    MOTE_REQUIRE(out->n_attrs <= MOTE_ONNX_MAX_ATTRS, r->diag, MOTE_E_LIMIT, "node '%.*s' has %u attributes, more than %d", MOTE_STR_ARG(out->name),
                 out->n_attrs, MOTE_ONNX_MAX_ATTRS);
    MOTE_TRY(mote_onnx_room(r, out->n_in * sizeof(mote_use) + out->n_out * sizeof(mote_value *)));
    MOTE_REQUIRE(r->stored != NULL || !mote_str_is(out->domain, "mote"), r->diag, MOTE_E_UNSUPPORTED, "node '%.*s': operators of the domain 'mote' never stand in a file",
                 MOTE_STR_ARG(out->name));
    return MOTE_OK;
}

static mote_status connect(mote_onnx_reader *r, mote_node *n, mote_wire w)
{
    uint32_t in = 0, out = 0;
    mote_wire_field f;
    bool more;
    for (;;) {
        MOTE_TRY(mote_wire_next(&w, &f, &more, r->diag));
        if (!more)
            return MOTE_OK;
        if (f.id == 1) {
            mote_value *v = f.bytes.n == 0 ? NULL : mote_names_find(&r->names, n->graph, f.bytes);
            MOTE_REQUIRE(v != NULL || f.bytes.n == 0, r->diag, MOTE_E_MODEL, "%.*s '%.*s' reads '%.*s', which nothing makes", MOTE_STR_ARG(n->op),
                         MOTE_STR_ARG(n->name), MOTE_STR_ARG(f.bytes));
            mote_node_set_input(n, in++, v);
        } else if (f.id == 2) {
            mote_value *v = f.bytes.n == 0 ? NULL : mote_names_find(&r->names, n->graph, f.bytes);
            if (v != NULL && v->graph == n->graph) {
                MOTE_REQUIRE(v->producer == NULL && v->constant == NULL && !v->is_input, r->diag, MOTE_E_MODEL, "'%.*s' is made twice",
                             MOTE_STR_ARG(f.bytes));
                MOTE_TRY(mote_node_set_output(n, out, v));
            }
            out++;
        }
    }
}

/* An attribute inside a function's body that stands for one of the call: the call's, the function's default, or absent. */
static mote_status resolve_reference(mote_onnx_reader *r, mote_attr *a, bool *absent)
{
    MOTE_REQUIRE(r->scope != NULL, r->diag, MOTE_E_MODEL, "attribute '%.*s' refers to one of a function, and there is none around it",
                 MOTE_STR_ARG(a->name));
    const mote_attr *from = mote_node_attr(r->scope->call, a->ref.p);
    for (const mote_attr *d = r->scope->defaults; d != NULL && from == NULL; d = d->next)
        if (mote_str_eq(d->name, a->ref))
            from = d;
    *absent = from == NULL;
    if (from == NULL)
        return MOTE_OK;
    MOTE_REQUIRE(from->kind != MOTE_ATTR_GRAPH && from->kind != MOTE_ATTR_GRAPHS, r->diag, MOTE_E_UNSUPPORTED,
                 "attribute '%.*s' hands a graph to a function", MOTE_STR_ARG(a->ref));
    mote_str name = a->name;
    *a = *from;
    a->name = name;
    a->next = NULL;
    return MOTE_OK;
}

static mote_status attributes(mote_onnx_reader *r, mote_node *n, mote_wire w, int depth)
{
    mote_attr **last = &n->attrs;
    mote_wire_field f;
    mote_wire in;
    bool more;
    for (;;) {
        MOTE_TRY(mote_wire_next(&w, &f, &more, r->diag));
        if (!more)
            return MOTE_OK;
        if (f.id == 9) {
            MOTE_TRY(message(r, &w, &f, &in));
            MOTE_TRY(mote_onnx_props_add(r, in, &n->props, &n->n_props));
        }
        if (f.id != 5)
            continue;
        mote_attr *a;
        MOTE_TRY(message(r, &w, &f, &in));
        MOTE_TRY(mote_onnx_attr_read(r, in, n, &a, depth));
        MOTE_REQUIRE(a->name.n < 256 && mote_node_attr(n, a->name.p) == NULL, r->diag, MOTE_E_MODEL, "attribute '%.*s' stands twice", MOTE_STR_ARG(a->name));
        bool absent = false;
        if (a->ref.n != 0)
            MOTE_TRY(resolve_reference(r, a, &absent));
        if (!absent) {
            *last = a;
            last = &a->next;
        }
    }
}

static mote_status add_node(mote_onnx_reader *r, mote_graph *g, mote_wire w, int depth)
{
    mote_onnx_node s;
    MOTE_TRY(mote_onnx_node_scan(r, w, &s));
    mote_onnx_function *function = mote_onnx_function_find(r, s.domain, s.op, s.overload);
    int64_t version = mote_onnx_opset(r, s.domain);
    MOTE_REQUIRE(version > 0 || function != NULL, r->diag, MOTE_E_MODEL, "%.*s '%.*s' is of the domain '%.*s', which the model does not import",
                 MOTE_STR_ARG(s.op), MOTE_STR_ARG(s.name), MOTE_STR_ARG(s.domain));
    mote_node *n = mote_graph_add_node(g, NULL, s.domain.p, s.op.p, s.version != 0 ? s.version : (int32_t)version, s.n_in, s.n_out, false);
    if (n == NULL)
        return MOTE_NO_MEMORY(r->diag, sizeof *n);
    n->name = s.name;
    n->overload = s.overload;
    n->from = s.from;
    n->doc = s.doc;
    n->unknown = s.unknown;
    MOTE_TRY(connect(r, n, w));
    mote_status status = attributes(r, n, w, depth);
    if (status == MOTE_OK && function != NULL)
        status = mote_onnx_function_expand(r, function, n, depth);
    if (status != MOTE_OK)
        mote_diag_node(r->diag, s.op.p, s.op.n, s.name.p, s.name.n);
    return status;
}

/* The names that nodes make exist before any node is connected: a file's order may be wrong, subgraphs see what comes later only as an error, and what a
 * subgraph makes anywhere is its own everywhere in it. */
static mote_status declare_outputs(mote_onnx_reader *r, mote_graph *g, mote_wire w)
{
    mote_wire_field f;
    bool more;
    for (;;) {
        MOTE_TRY(mote_wire_next(&w, &f, &more, r->diag));
        if (!more)
            return MOTE_OK;
        if (f.id != 2)
            continue;
        MOTE_TRY(mote_wire_expect(&w, &f, MOTE_WIRE_BYTES, r->diag));
        if (f.bytes.n == 0)
            continue;
        mote_value *v = mote_names_find(&r->names, g, f.bytes);
        MOTE_REQUIRE(v == NULL || v->graph != g, r->diag, MOTE_E_MODEL, "two values are named '%.*s'", MOTE_STR_ARG(f.bytes));
        MOTE_TRY(own_value(r, g, f.bytes, &v));
    }
}

static mote_status graph_output(mote_onnx_reader *r, mote_wire w, mote_graph *g)
{
    value_info info;
    MOTE_TRY(value_info_read(r, w, &info));
    mote_value *v = mote_names_find(&r->names, g, info.name);
    MOTE_REQUIRE(v != NULL, r->diag, MOTE_E_MODEL, "graph output '%.*s' is a value that nothing makes", MOTE_STR_ARG(info.name));
    if (v->graph == g && v->constant == NULL && !v->is_input)
        MOTE_TRY(describe(r, &info, v));
    return mote_graph_add_output(g, v) == MOTE_OK ? MOTE_OK : MOTE_NO_MEMORY(r->diag, sizeof v);
}

/* Declared types of inner values: kept, and corrected by inference. */
static mote_status inner_info(mote_onnx_reader *r, mote_wire w, mote_graph *g)
{
    value_info info;
    MOTE_TRY(value_info_read(r, w, &info));
    mote_value *v = info.name.n == 0 ? NULL : mote_names_find(&r->names, g, info.name);
    if (v == NULL || v->graph != g || v->constant != NULL || v->is_input)
        return MOTE_OK;
    return describe(r, &info, v);
}

typedef mote_status (*graph_part)(mote_onnx_reader *r, mote_wire w, mote_graph *g, int depth);

static mote_status part_initializer(mote_onnx_reader *r, mote_wire w, mote_graph *g, int depth) { return (void)depth, initializer(r, w, g, false); }
static mote_status part_sparse(mote_onnx_reader *r, mote_wire w, mote_graph *g, int depth) { return (void)depth, initializer(r, w, g, true); }
static mote_status part_input(mote_onnx_reader *r, mote_wire w, mote_graph *g, int depth) { return (void)depth, graph_input(r, w, g); }
static mote_status part_declare(mote_onnx_reader *r, mote_wire w, mote_graph *g, int depth) { return (void)depth, declare_outputs(r, g, w); }
static mote_status part_node(mote_onnx_reader *r, mote_wire w, mote_graph *g, int depth) { return add_node(r, g, w, depth); }
static mote_status part_info(mote_onnx_reader *r, mote_wire w, mote_graph *g, int depth) { return (void)depth, inner_info(r, w, g); }
static mote_status part_output(mote_onnx_reader *r, mote_wire w, mote_graph *g, int depth) { return (void)depth, graph_output(r, w, g); }

static mote_status each(mote_onnx_reader *r, mote_wire w, mote_graph *g, uint32_t id, graph_part part, int depth)
{
    mote_wire_field f;
    mote_wire in;
    bool more;
    for (;;) {
        MOTE_TRY(mote_wire_next(&w, &f, &more, r->diag));
        if (!more)
            return MOTE_OK;
        if (f.id != id)
            continue;
        MOTE_TRY(message(r, &w, &f, &in));
        MOTE_TRY(part(r, in, g, depth));
    }
}

mote_status mote_onnx_nodes_read(mote_onnx_reader *r, mote_wire w, mote_graph *g, uint32_t id, int depth)
{
    MOTE_TRY(each(r, w, g, id, part_declare, depth));
    return each(r, w, g, id, part_node, depth);
}

mote_status mote_onnx_graph_read(mote_onnx_reader *r, mote_wire w, mote_graph *g, int depth)
{
    mote_wire rest = w;
    mote_wire_field f;
    mote_wire in;
    bool more;
    const size_t most = (size_t)MOTE_ONNX_MAX_STRUCTURE / sizeof(mote_value);
    size_t parts = 0; /* nodes, initializers, inputs: what each takes at least is known before any is read */
    for (;;) {
        MOTE_TRY(mote_wire_next(&rest, &f, &more, r->diag));
        if (!more)
            break;
        parts += f.id == 1 || f.id == 5 || f.id == 11;
        MOTE_REQUIRE(parts <= most, r->diag, MOTE_E_LIMIT, "a graph of more than %zu nodes, initializers and inputs", most);
        switch (f.id) {
        case 1: case 5: case 11: case 12: case 13: case 15: MOTE_TRY(mote_wire_expect(&rest, &f, MOTE_WIRE_BYTES, r->diag)); break;
        case 2: MOTE_TRY(text(r, &rest, &f, &g->name)); break;
        case 10: MOTE_TRY(text(r, &rest, &f, &g->doc)); break;
        case 16: MOTE_TRY(message(r, &rest, &f, &in)); MOTE_TRY(mote_onnx_props_add(r, in, &g->props, &g->n_props)); break;
        default: MOTE_TRY(mote_onnx_keep_unknown(r, &g->unknown, &rest, &f));
        }
    }
    MOTE_TRY(each(r, w, g, 5, part_initializer, depth));
    MOTE_TRY(each(r, w, g, 15, part_sparse, depth));
    MOTE_TRY(each(r, w, g, 11, part_input, depth));
    MOTE_TRY(each(r, w, g, 1, part_declare, depth));
    MOTE_TRY(each(r, w, g, 13, part_info, depth));
    MOTE_TRY(each(r, w, g, 1, part_node, depth));
    MOTE_TRY(each(r, w, g, 12, part_output, depth));
    return mote_graph_sort(g, r->diag);
}
