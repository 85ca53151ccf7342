/* test_onnx_wire.c - the rules of the wire format: varints, lengths, packed and not, repeated singular fields, unknown fields, wire types
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "onnx/read.h"
#include "onnx/wire.h"
#include "onnx/write.h"
#include "support/onnx_build.h"
#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct loaded {
    mote_heap heap;
    mote_module *m;
    mote_onnx_files *files;
    mote_status status;
    mote_diag diag;
    char *bytes;
} loaded;

/* Reads and frees the message. The bytes are copied to a block of their own size, so that a read past the end is seen. */
static void load(loaded *l, pb *model)
{
    memset(l, 0, sizeof *l);
    l->diag = (mote_diag)MOTE_DIAG_INIT;
    mote_heap_init(&l->heap, NULL, 0);
    l->bytes = malloc(model->n + (model->n == 0));
    if (model->n != 0)
        memcpy(l->bytes, model->p, model->n);
    mote_onnx_read_options o = {.copy = false};
    l->status = mote_onnx_read_memory(&l->heap, l->bytes, model->n, &o, &l->m, &l->files, &l->diag);
    assert_int_equal(l->status == MOTE_OK, l->m != NULL);
    assert_int_equal(l->diag.code, l->status);
    pb_free(model);
}

static void unload(loaded *l)
{
    mote_module_destroy(&l->m);
    mote_onnx_files_destroy(&l->files);
    assert_int_equal(l->heap.used, 0);
    free(l->bytes);
}

static void expect(pb *model, mote_status status, const char *words)
{
    loaded l;
    load(&l, model);
    if (l.status != status || (words != NULL && strstr(l.diag.message, words) == NULL))
        fail_msg("status %d '%s', expected %d with '%s'", (int)l.status, l.diag.message, (int)status, words);
    unload(&l);
}

/* A model of one Identity, x to y, with everything that `more` says appended to its graph. */
static pb graph(const pb *more)
{
    pb g = {NULL, 0, 0}, n = onnx_node("Identity", "x", "y"), x = onnx_value("x", 1, 1, (const int64_t[]){2}), y = onnx_value("y", 1, 1, (const int64_t[]){2});
    pb_msg(&g, 1, &n);
    pb_str(&g, 2, "g");
    pb_msg(&g, 11, &x);
    pb_msg(&g, 12, &y);
    if (more != NULL)
        pb_raw(&g, more->p, more->n);
    return g;
}

static pb plain(void)
{
    pb g = graph(NULL);
    return onnx_model(&g, 17);
}

static void test_plain(void **state)
{
    (void)state;
    pb m = plain();
    expect(&m, MOTE_OK, NULL);
}

/* ---- wire level ---- */

static mote_status first_varint(const char *bytes, size_t n, uint64_t *v)
{
    mote_wire w = mote_wire_of(bytes, n);
    mote_wire_field f;
    bool more;
    mote_status status = mote_wire_next(&w, &f, &more, NULL);
    *v = status == MOTE_OK ? f.value : 0;
    return status;
}

static void test_varints(void **state)
{
    (void)state;
    uint64_t v;
    static const struct { const char *bytes; size_t n; mote_status status; uint64_t value; } cases[] = {
        {"\x08\x00", 2, MOTE_OK, 0},
        {"\x08\x7f", 2, MOTE_OK, 127},
        {"\x08\x80\x01", 3, MOTE_OK, 128},
        {"\x08\x80\x00", 3, MOTE_OK, 0}, /* not the shortest form: allowed */
        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, MOTE_OK, UINT64_MAX},
        {"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 11, MOTE_OK, 0},
        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11, MOTE_E_FORMAT, 0},      /* bit 64 */
        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 11, MOTE_E_FORMAT, 0},
        {"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 12, MOTE_E_FORMAT, 0},  /* 11 bytes */
        {"\x08\x80", 2, MOTE_E_FORMAT, 0},
        {"\x08", 1, MOTE_E_FORMAT, 0},
        {"\x80", 1, MOTE_E_FORMAT, 0},
        {"\x00\x00", 2, MOTE_E_FORMAT, 0},                                           /* field 0 */
        {"\x80\x80\x80\x80\x10\x00", 6, MOTE_E_FORMAT, 0},                           /* field 2^29 */
        {"\xf8\xff\xff\xff\x0f\x05", 6, MOTE_OK, 5},                                 /* field 2^29-1 */
        {"\x0d\x01\x02\x03", 4, MOTE_E_FORMAT, 0},                                   /* 3 of 4 bytes */
        {"\x0d\x01\x02\x03\x04", 5, MOTE_OK, 0x04030201},
        {"\x09\x01\x02\x03\x04\x05\x06\x07", 8, MOTE_E_FORMAT, 0},
        {"\x09\x01\x02\x03\x04\x05\x06\x07\x80", 9, MOTE_OK, 0x8007060504030201u},
        {"\x0a\x01", 2, MOTE_E_FORMAT, 0},
        {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, MOTE_E_FORMAT, 0},      /* a length of 2^64-1 */
        {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10, MOTE_E_FORMAT, 0},          /* 2^63-1 */
        {"\x0b", 1, MOTE_E_FORMAT, 0}, {"\x0c", 1, MOTE_E_FORMAT, 0}, {"\x0e\x00", 2, MOTE_E_FORMAT, 0}, {"\x0f\x00", 2, MOTE_E_FORMAT, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mote_status status = first_varint(cases[i].bytes, cases[i].n, &v);
        if (status != cases[i].status || v != cases[i].value)
            fail_msg("case %zu: status %d, value %llx", i, (int)status, (unsigned long long)v);
    }
}

/* Wire types 3, 4, 6 and 7 are refused wherever they stand, also in fields that are not known; 0, 1, 2 and 5 of unknown fields are skipped. */
static void test_wire_types(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 8; type++)
        for (int where = 0; where < 3; where++) {
            pb more = {NULL, 0, 0};
            pb_key(&more, 1000, type);
            pb_raw(&more, "\x04\0\0\0\0\0\0\0", type == 0 ? 1 : type == 1 ? 8 : type == 2 ? 5 : type == 5 ? 4 : 0);
            pb g = graph(where == 1 ? &more : NULL);
            if (where == 2) {
                pb n = onnx_node("Relu", "x", "z");
                pb_raw(&n, more.p, more.n);
                pb_msg(&g, 1, &n);
            }
            pb m = onnx_model(&g, 17);
            if (where == 0)
                pb_raw(&m, more.p, more.n);
            pb_free(&more);
            bool known = type == 0 || type == 1 || type == 2 || type == 5;
            expect(&m, known ? MOTE_OK : MOTE_E_FORMAT, known ? NULL : "wire type");
        }
}

/* A known field of another wire type than its own. */
static void test_known_fields_of_wrong_type(void **state)
{
    (void)state;
    static const struct { uint32_t field; unsigned wrong; } model[] = {{1, 2}, {1, 5}, {2, 0}, {6, 0}, {7, 0}, {8, 0}, {14, 0}, {25, 0}};
    for (size_t i = 0; i < sizeof model / sizeof model[0]; i++) {
        pb m = plain();
        pb_key(&m, model[i].field, model[i].wrong);
        pb_raw(&m, "\0\0\0\0", model[i].wrong == 5 ? 4 : 1);
        expect(&m, MOTE_E_FORMAT, "wire type");
    }
    static const uint32_t in_graph[] = {1, 2, 5, 10, 11, 12, 13, 15, 16};
    for (size_t i = 0; i < sizeof in_graph / sizeof in_graph[0]; i++) {
        pb more = {NULL, 0, 0};
        pb_int(&more, in_graph[i], 1);
        pb g = graph(&more);
        pb_free(&more);
        pb m = onnx_model(&g, 17);
        expect(&m, MOTE_E_FORMAT, "wire type");
    }
    static const uint32_t in_node[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    for (size_t i = 0; i < sizeof in_node / sizeof in_node[0]; i++) {
        pb n = onnx_node("Relu", "x", "z"), g = graph(NULL);
        pb_int(&n, in_node[i], 1);
        pb_msg(&g, 1, &n);
        pb m = onnx_model(&g, 17);
        expect(&m, MOTE_E_FORMAT, "wire type");
    }
    static const struct { uint32_t field; unsigned wrong; } tensor[] = {{1, 5}, {2, 2}, {4, 0}, {5, 5}, {6, 0}, {7, 1}, {8, 0}, {9, 0}, {10, 0}, {11, 5}, {12, 0}, {13, 0}, {14, 2}};
    for (size_t i = 0; i < sizeof tensor / sizeof tensor[0]; i++) {
        pb t = onnx_floats("t", 1, (const int64_t[]){1}, (const float[]){1}), g = graph(NULL);
        pb_key(&t, tensor[i].field, tensor[i].wrong);
        pb_raw(&t, "\0\0\0\0\0\0\0\0", tensor[i].wrong == 5 ? 4 : tensor[i].wrong == 1 ? 8 : 1);
        pb_msg(&g, 5, &t);
        pb m = onnx_model(&g, 17);
        expect(&m, MOTE_E_FORMAT, "wire type");
    }
}

/* ---- repeated and singular ---- */

static const mote_array *constant(const loaded *l, const char *name)
{
    mote_value *v = mote_graph_find(l->m->graph, mote_str_c(name), false);
    assert_non_null(v);
    assert_non_null(v->constant);
    return v->constant;
}

/* dims, data and attribute elements: packed, unpacked, and both mixed are one list. */
static void test_packed(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        pb t = {NULL, 0, 0}, g = graph(NULL), n = onnx_node("Foo", "x", "z"), a = {NULL, 0, 0};
        const int64_t dims[] = {2, 3}, values[] = {1, -1, 300, -300, INT64_MAX, INT64_MIN};
        if (how < 2) {
            pb_ints(&t, 1, dims, 2, how);
            pb_ints(&t, 7, values, 6, how);
            pb_ints(&a, 8, values, 6, how);
        } else {
            pb_ints(&t, 1, dims, 1, 1);
            pb_ints(&t, 1, dims + 1, 1, 0);
            pb_ints(&t, 7, values, 2, 0);
            pb_ints(&t, 7, values + 2, 0, 1);
            pb_ints(&t, 7, values + 2, 3, 1);
            pb_ints(&t, 7, values + 5, 1, 0);
            pb_ints(&a, 8, values, 4, 1);
            pb_ints(&a, 8, values + 4, 2, 1);
        }
        pb_int(&t, 2, 7);
        pb_str(&t, 8, "t");
        pb_str(&a, 1, "list");
        pb_msg(&n, 5, &a);
        pb_msg(&g, 5, &t);
        pb_msg(&g, 1, &n);
        pb m = onnx_model(&g, 17);
        loaded l;
        load(&l, &m);
        assert_int_equal(l.status, MOTE_OK);
        const mote_array *c = constant(&l, "t");
        assert_int_equal(c->rank, 2);
        assert_int_equal(c->dims[0] * 10 + c->dims[1], 23);
        assert_memory_equal(c->data, values, sizeof values);
        size_t count;
        const int64_t *list = mote_node_ints(l.m->graph->last, "list", &count);
        assert_int_equal(count, 6);
        assert_memory_equal(list, values, sizeof values);
        unload(&l);
    }
    pb t = {NULL, 0, 0}, g = graph(NULL); /* a packed list whose last number is cut off */
    pb_bytes(&t, 1, "\x01\x82", 2);
    pb_msg(&g, 5, &t);
    pb m = onnx_model(&g, 17);
    expect(&m, MOTE_E_FORMAT, "cut off");
    pb f = {NULL, 0, 0};
    g = graph(NULL);
    pb_bytes(&f, 4, "\0\0\0\0\0", 5); /* packed floats of 5 bytes */
    pb_msg(&g, 5, &f);
    m = onnx_model(&g, 17);
    expect(&m, MOTE_E_FORMAT, "cut off");
}

/* A singular scalar that stands twice: the last one counts. */
static void test_last_wins(void **state)
{
    (void)state;
    pb m = plain();
    pb_int(&m, 1, 99);
    pb_int(&m, 1, 7);
    pb_str(&m, 2, "first");
    pb_str(&m, 2, "second");
    loaded l;
    load(&l, &m);
    assert_int_equal(l.status, MOTE_OK);
    assert_int_equal(l.m->ir_version, 7);
    assert_true(mote_str_is(l.m->producer_name, "second"));
    unload(&l);
    pb t = onnx_tensor("no", 99, 1, (const int64_t[]){1}, "xx", 2), g = graph(NULL);
    pb_int(&t, 2, 2);
    pb_str(&t, 8, "t");
    pb_bytes(&t, 9, "\x2a", 1);
    pb_msg(&g, 5, &t);
    m = onnx_model(&g, 17);
    load(&l, &m);
    assert_int_equal(l.status, MOTE_OK);
    assert_int_equal(*(uint8_t *)constant(&l, "t")->data, 42);
    unload(&l);
}

/* A message that stands in pieces is one message: graph, type, shape, tensor of an attribute, subgraph. */
static void test_merge(void **state)
{
    (void)state;
    pb g1 = {NULL, 0, 0}, g2 = {NULL, 0, 0}, n = onnx_node("Identity", "x", "y"), y = onnx_value("y", 1, 0, NULL);
    pb x = {NULL, 0, 0}, half = {NULL, 0, 0}, other = {NULL, 0, 0}, tt = {NULL, 0, 0}, shape = {NULL, 0, 0}, dim = {NULL, 0, 0}, shape2 = {NULL, 0, 0}, dim2 = {NULL, 0, 0};
    pb_str(&x, 1, "x"); /* x: float[2] and float[.., 3] in two halves: type {tensor {dtype}}, type {tensor {shape{2} shape{3}}} */
    pb_int(&tt, 1, 1);
    pb_msg(&half, 1, &tt);
    pb_msg(&x, 2, &half);
    pb_int(&dim, 1, 2);
    pb_msg(&shape, 1, &dim);
    pb_int(&dim2, 1, 3);
    pb_msg(&shape2, 1, &dim2);
    pb_msg(&tt, 2, &shape);
    pb_msg(&tt, 2, &shape2);
    pb_msg(&other, 1, &tt);
    pb_msg(&x, 2, &other);
    pb c = onnx_node("Constant", "", "c"), a = {NULL, 0, 0}, t1 = {NULL, 0, 0}, t2 = {NULL, 0, 0};
    pb_str(&a, 1, "value");
    pb_int(&t1, 1, 1);
    pb_int(&t1, 2, 3);
    pb_msg(&a, 5, &t1);
    pb_bytes(&t2, 9, "\x07", 1);
    pb_msg(&a, 5, &t2);
    pb_int(&a, 20, 4);
    pb_msg(&c, 5, &a);
    pb_msg(&g1, 1, &n);
    pb_msg(&g1, 11, &x);
    pb_msg(&g2, 12, &y);
    pb_msg(&g2, 1, &c);
    pb_str(&g2, 2, "whole");
    pb m = onnx_model(&g1, 17);
    pb_msg(&m, 7, &g2);
    loaded l;
    load(&l, &m);
    assert_int_equal(l.status, MOTE_OK);
    const mote_graph *g = l.m->graph;
    assert_true(mote_str_is(g->name, "whole"));
    assert_int_equal(g->n_inputs, 1);
    assert_int_equal(g->n_outputs, 1);
    assert_int_equal(g->inputs[0]->type.rank, 2);
    assert_int_equal(g->inputs[0]->type.dims[1], 3);
    const mote_attr *value = mote_node_attr(g->last, "value");
    assert_int_equal(*(int8_t *)value->t->data, 7);
    unload(&l);
    /* each piece of a bomb is joined again: bounded */
    pb g0 = graph(NULL);
    m = onnx_model(&g0, 17);
    pb doc = {NULL, 0, 0};
    char *text = calloc(1, 4000);
    pb_bytes(&doc, 10, text, 4000);
    for (int i = 0; i < 1000; i++)
        pb_bytes(&m, 7, doc.p, doc.n);
    free(text);
    pb_free(&doc);
    expect(&m, MOTE_E_LIMIT, "pieces");
}

/* Of the members of a oneof, the last stands: a type's kind, a dimension's number or name. */
static void test_oneof(void **state)
{
    (void)state;
    pb dim = {NULL, 0, 0}, shape = {NULL, 0, 0}, tt = {NULL, 0, 0}, type = {NULL, 0, 0}, v = {NULL, 0, 0}, seq = {NULL, 0, 0}, g = {NULL, 0, 0};
    pb_int(&dim, 1, 4);
    pb_str(&dim, 2, "N");
    pb_msg(&shape, 1, &dim);
    pb_str(&dim, 2, "N");
    pb_int(&dim, 1, 4);
    pb_msg(&shape, 1, &dim);
    pb_int(&dim, 1, 4);
    pb_str(&dim, 2, "");
    pb_msg(&shape, 1, &dim);
    pb_int(&tt, 1, 1);
    pb_msg(&tt, 2, &shape);
    pb_bytes(&type, 4, "", 0);
    pb_raw(&seq, tt.p, tt.n);
    pb_msg(&type, 1, &tt);
    pb_free(&seq);
    pb_str(&v, 1, "x");
    pb_msg(&v, 2, &type);
    pb n = onnx_node("Identity", "x", "y"), y = onnx_value("y", 1, -1, NULL);
    pb_msg(&g, 11, &v);
    pb_msg(&g, 1, &n);
    pb_msg(&g, 12, &y);
    pb m = onnx_model(&g, 17);
    loaded l;
    load(&l, &m);
    assert_int_equal(l.status, MOTE_OK);
    const mote_type *t = &l.m->graph->inputs[0]->type;
    assert_int_equal(t->kind, MOTE_KIND_TENSOR);
    assert_int_equal(t->rank, 3);
    assert_true(t->dims[0] < MOTE_DIM_UNKNOWN);
    assert_int_equal(t->dims[1], 4);
    assert_int_equal(t->dims[2], MOTE_DIM_UNKNOWN);
    unload(&l);
}

/* ---- unknown fields ---- */

static bool contains(const void *hay, size_t n, const pb *needle) { return memmem(hay, n, needle->p, needle->n) != NULL; }

/* Unknown fields of model, graph, node, attribute, tensor and value survive a rewrite byte for byte, in their order, also when known ones stand between. */
static void test_unknown_kept(void **state)
{
    (void)state;
    pb u[6], joined[6];
    for (int i = 0; i < 6; i++) {
        pb part[3] = {{NULL, 0, 0}, {NULL, 0, 0}, {NULL, 0, 0}};
        char text[32];
        snprintf(text, sizeof text, "unknown %d", i);
        pb_str(&part[0], 2000, text);
        pb_key(&part[1], 77, 0); /* a varint that is not in its shortest form */
        pb_raw(&part[1], "\x81\x80\x00", 3);
        pb_key(&part[2], 78, 1);
        pb_raw(&part[2], "12345678", 8);
        u[i] = joined[i] = (pb){NULL, 0, 0};
        for (int k = 0; k < 3; k++) {
            pb_raw(&joined[i], part[k].p, part[k].n);
            pb_raw(&u[i], part[k].p, part[k].n);
            if (i != 3 && i != 4)
                pb_str(&u[i], i == 0 ? 2 : i == 1 ? 10 : i == 2 ? 6 : 3, "doc"); /* a known field between */
            else
                pb_str(&u[i], i == 3 ? 13 : 12, "doc");
            pb_free(&part[k]);
        }
    }
    pb g = {NULL, 0, 0}, n = onnx_node("Identity", "x", "y"), x = onnx_value("x", 1, 0, NULL), y = onnx_value("y", 1, 0, NULL);
    pb t = onnx_floats("t", 0, NULL, (const float[]){1}), a = {NULL, 0, 0};
    pb_str(&a, 1, "a");
    pb_int(&a, 3, 1);
    pb_int(&a, 20, 2);
    pb_raw(&a, u[3].p, u[3].n);
    pb_msg(&n, 5, &a);
    pb_raw(&n, u[2].p, u[2].n);
    pb_raw(&t, u[4].p, u[4].n);
    pb_raw(&x, u[5].p, u[5].n);
    pb_msg(&g, 1, &n);
    pb_msg(&g, 5, &t);
    pb_msg(&g, 11, &x);
    pb_msg(&g, 12, &y);
    pb_raw(&g, u[1].p, u[1].n);
    pb m = onnx_model(&g, 17);
    pb_raw(&m, u[0].p, u[0].n);
    loaded l;
    load(&l, &m);
    assert_int_equal(l.status, MOTE_OK);
    void *out;
    size_t bytes;
    assert_int_equal(mote_onnx_write_memory(l.m, &l.heap, &out, &bytes, NULL), MOTE_OK);
    for (int i = 0; i < 6; i++) {
        if (!contains(out, bytes, &joined[i]))
            fail_msg("unknown fields of message %d are not kept", i);
        pb_free(&u[i]);
        pb_free(&joined[i]);
    }
    mote_heap_free(&l.heap, out, bytes);
    unload(&l);
}

/* 200,000 unknown fields with known ones between: joined in linear time and memory. */
static void test_unknown_many(void **state)
{
    (void)state;
    pb m = plain();
    for (int i = 0; i < 200000; i++) {
        pb_int(&m, 100, i);
        pb_int(&m, 5, 1);
    }
    loaded l;
    load(&l, &m);
    assert_int_equal(l.status, MOTE_OK);
    assert_true(l.heap.peak < (size_t)8 << 20);
    unload(&l);
}

/* ---- names ---- */

/* NUL and ill-formed UTF-8 in names: kept, and never cut short. */
static void test_names(void **state)
{
    (void)state;
    pb g = {NULL, 0, 0}, n = {NULL, 0, 0}, k = {NULL, 0, 0}, x = {NULL, 0, 0}, y = {NULL, 0, 0};
    pb_bytes(&n, 1, "a\0b", 3);
    pb_bytes(&n, 2, "\xff\xfe", 2);
    pb_str(&n, 4, "Relu");
    pb_bytes(&n, 3, "no\0de\n\x1b[31m", 11);
    pb_bytes(&k, 1, "a\0c", 3); /* another name than a\0b */
    pb_bytes(&k, 2, "z", 1);
    pb_str(&k, 4, "Relu");
    pb_bytes(&x, 1, "a\0b", 3);
    pb_bytes(&y, 1, "\xff\xfe", 2);
    pb_msg(&g, 1, &n);
    pb_msg(&g, 11, &x);
    pb_msg(&g, 12, &y);
    pb whole = {NULL, 0, 0};
    pb_raw(&whole, g.p, g.n);
    pb m = onnx_model(&g, 17);
    loaded l;
    load(&l, &m);
    assert_int_equal(l.status, MOTE_OK);
    assert_int_equal(l.m->graph->inputs[0]->name.n, 3);
    assert_memory_equal(l.m->graph->outputs[0]->value->name.p, "\xff\xfe", 2);
    unload(&l);
    pb_msg(&whole, 1, &k);
    m = onnx_model(&whole, 17);
    load(&l, &m);
    assert_int_equal(l.status, MOTE_E_MODEL);
    for (const char *p = l.diag.message; *p != 0; p++)
        assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
    for (const char *p = l.diag.node; *p != 0; p++)
        assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
    unload(&l);
    pb bad = onnx_node("", "x", "z"), g2 = graph(NULL);
    pb_bytes(&bad, 4, "Re\0lu", 5); /* an operator's name with NUL is no operator */
    pb_msg(&g2, 1, &bad);
    m = onnx_model(&g2, 17);
    expect(&m, MOTE_E_MODEL, "names no operator");
}

static void test_empty(void **state)
{
    (void)state;
    pb m = {NULL, 0, 0};
    expect(&m, MOTE_E_FORMAT, "no graph");
    pb_raw(&m, "\0", 1);
    expect(&m, MOTE_E_FORMAT, NULL);
    pb_raw(&m, "This is a text, and no model of anything.", 41);
    expect(&m, MOTE_E_FORMAT, NULL);
    pb_bytes(&m, 7, "", 0);
    expect(&m, MOTE_E_UNSUPPORTED, "IR version 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain), cmocka_unit_test(test_varints), cmocka_unit_test(test_wire_types), cmocka_unit_test(test_known_fields_of_wrong_type),
        cmocka_unit_test(test_packed), cmocka_unit_test(test_last_wins), cmocka_unit_test(test_merge), cmocka_unit_test(test_oneof),
        cmocka_unit_test(test_unknown_kept), cmocka_unit_test(test_unknown_many), cmocka_unit_test(test_names), cmocka_unit_test(test_empty)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
