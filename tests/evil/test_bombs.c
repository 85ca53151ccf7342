/* test_bombs.c - files made to break a reader: each is refused with its status, within 3 s and 64 MiB
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "support/hostile.h"
#include "support/onnx_build.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define STATUSES(...) ((const int[]){__VA_ARGS__, -1})

/* Runs and frees a model under a name. */
static void refuse(const char *name, pb *m, const int *allowed)
{
    char *exact = malloc(m->n + (m->n == 0));
    if (exact == NULL)
        abort();
    if (m->n != 0)
        memcpy(exact, m->p, m->n);
    hostile_result r = hostile_model(exact, m->n, NULL);
    free(exact);
    pb_free(m);
    hostile_expect(name, &r, allowed);
}

static void add(pb *g, uint32_t field, pb inner) { pb_msg(g, field, &inner); }
static int64_t two[] = {2};

/* x: float[2] to y, with room for more. */
static pb graph_xy(void)
{
    pb g = {NULL, 0, 0};
    add(&g, 11, onnx_value("x", 1, 1, two));
    add(&g, 12, onnx_value("y", 1, -1, NULL));
    return g;
}

static void finish(const char *name, pb *g, const int *allowed)
{
    pb m = onnx_model(g, 17);
    refuse(name, &m, allowed);
}

/* ---- nesting ---- */

/* A message in a message in ...: levels of the keys given, from the inside out, without building each level anew. */
static pb nested(const uint32_t *fields, size_t n_fields, size_t levels)
{
    size_t total = 0, *length = calloc(levels + 1, sizeof *length);
    if (length == NULL)
        abort();
    for (size_t i = 0; i < levels; i++) {
        uint64_t v = total;
        size_t bytes = 2; /* a key of one or two bytes, a length */
        if (fields[i % n_fields] < 16)
            bytes = 1;
        do {
            bytes++;
            v >>= 7;
        } while (v != 0);
        length[i] = total;
        total += bytes;
    }
    pb m = {NULL, 0, 0};
    for (size_t i = levels; i-- > 0;) {
        pb_key(&m, fields[i % n_fields], 2);
        pb_varint(&m, length[i]);
    }
    free(length);
    return m;
}

static void test_nesting(void **state)
{
    (void)state;
    /* 60,000 times graph, node, attribute, graph: reader stacks of other libraries end here */
    static const uint32_t graphs[] = {6, 5, 1};
    pb deep = nested(graphs, 3, 180000), m = {NULL, 0, 0};
    pb_msg(&m, 7, &deep);
    pb_int(&m, 1, 8);
    refuse("nested graphs without operators", &m, STATUSES(MOTE_E_MODEL, MOTE_E_FORMAT, MOTE_E_LIMIT));
    /* the same with everything that a reader wants to see, as deep as the limit and far beyond it */
    for (size_t levels = 30; levels <= 3000; levels *= 10) {
        pb inner = {NULL, 0, 0};
        add(&inner, 1, onnx_node("Identity", "x", "t"));
        add(&inner, 12, onnx_value("t", 1, -1, NULL));
        for (size_t i = 0; i < levels; i++) {
            char name[32];
            snprintf(name, sizeof name, "t%zu", i);
            pb n = onnx_node("If", "c", name), outer = {NULL, 0, 0}, other = {NULL, 0, 0};
            onnx_attr_msg(&n, "then_branch", 5, 6, &inner);
            char e[32];
            snprintf(e, sizeof e, "e%zu", i);
            add(&other, 1, onnx_node("Identity", "x", e));
            add(&other, 12, onnx_value(e, 1, -1, NULL));
            onnx_attr_msg(&n, "else_branch", 5, 6, &other);
            pb_msg(&outer, 1, &n);
            add(&outer, 12, onnx_value(name, 1, -1, NULL));
            inner = outer;
        }
        add(&inner, 11, onnx_value("x", 1, 1, two));
        add(&inner, 11, onnx_value("c", 9, 0, NULL));
        pb whole = onnx_model(&inner, 16);
        refuse("nested If", &whole, levels == 30 ? STATUSES(MOTE_OK) : STATUSES(MOTE_E_LIMIT));
    }
    static const uint32_t sequences[] = {1, 4};
    pb type = nested(sequences, 2, 100000), v = {NULL, 0, 0}, g = {NULL, 0, 0};
    pb_str(&v, 1, "x");
    pb_msg(&v, 2, &type);
    pb_msg(&g, 11, &v);
    finish("a sequence of sequences of ...", &g, STATUSES(MOTE_E_LIMIT));
    static const uint32_t unknown[] = {3};
    m = nested(unknown, 1, 200000); /* a text that happens to look like messages: never looked into */
    refuse("no graph", &m, STATUSES(MOTE_E_FORMAT));
    pb groups = {NULL, 0, 0};
    for (int i = 0; i < 500000; i++)
        pb_key(&groups, 100, 3);
    refuse("nested groups", &groups, STATUSES(MOTE_E_FORMAT));
}

/* ---- counts ---- */

static void test_counts(void **state)
{
    (void)state;
    pb g = {NULL, 0, 0};
    for (int i = 0; i < 10000000; i++)
        pb_raw(&g, "\x0a", 2); /* field 1, length 0 */
    finish("10^7 empty nodes", &g, STATUSES(MOTE_E_MODEL, MOTE_E_LIMIT));
    for (int i = 0; i < 2000000; i++)
        pb_raw(&g, "\x0a\x03\x22\x01X", 5);
    finish("2*10^6 nodes of an operator X", &g, STATUSES(MOTE_E_LIMIT, MOTE_E_UNSUPPORTED));
    for (int i = 0; i < 1000000; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        pb v = {NULL, 0, 0};
        pb_str(&v, 1, name);
        pb_msg(&g, 11, &v);
    }
    finish("10^6 inputs", &g, STATUSES(MOTE_E_LIMIT));
    for (int i = 0; i < 1000000; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        pb v = {NULL, 0, 0};
        pb_int(&v, 2, 1);
        pb_int(&v, 1, 0);
        pb_str(&v, 8, name);
        pb_msg(&g, 5, &v);
    }
    finish("10^6 initializers", &g, STATUSES(MOTE_E_LIMIT));
    for (int i = 0; i < 2000000; i++)
        pb_raw(&g, "\x62", 2); /* outputs of no name */
    finish("2*10^6 outputs", &g, STATUSES(MOTE_E_MODEL));
    g = graph_xy();
    pb n = onnx_node("Relu", "x", "y");
    for (int i = 0; i < 3000000; i++)
        pb_raw(&n, "\x0a", 2);
    pb_msg(&g, 1, &n);
    finish("a node of 3*10^6 inputs", &g, STATUSES(MOTE_E_LIMIT, MOTE_E_MODEL));
    g = graph_xy();
    n = onnx_node("Relu", "x", "y");
    for (int i = 0; i < 200000; i++) {
        char name[16];
        snprintf(name, sizeof name, "a%d", i);
        onnx_attr_int(&n, name, 1);
    }
    pb_msg(&g, 1, &n);
    finish("a node of 200,000 attributes", &g, STATUSES(MOTE_E_LIMIT));
    g = graph_xy();
    n = onnx_node("Relu", "x", "y");
    pb a = {NULL, 0, 0}, list = {NULL, 0, 0};
    pb_str(&a, 1, "list");
    for (int i = 0; i < 20000000; i++)
        pb_raw(&list, "\0", 1);
    pb_msg(&a, 8, &list);
    pb_msg(&n, 5, &a);
    pb_msg(&g, 1, &n);
    finish("an attribute of 2*10^7 numbers", &g, STATUSES(MOTE_E_LIMIT));
    g = graph_xy();
    n = onnx_node("Relu", "x", "y");
    a = (pb){NULL, 0, 0};
    pb_str(&a, 1, "list");
    for (int i = 0; i < 3000000; i++)
        pb_raw(&a, "\x4a", 2); /* strings of no characters */
    pb_msg(&n, 5, &a);
    pb_msg(&g, 1, &n);
    finish("an attribute of 3*10^6 texts", &g, STATUSES(MOTE_E_LIMIT));
    pb m = {NULL, 0, 0};
    pb_int(&m, 1, 8);
    for (int i = 0; i < 300000; i++) {
        char name[16];
        snprintf(name, sizeof name, "d%d", i);
        pb o = {NULL, 0, 0};
        pb_str(&o, 1, name);
        pb_int(&o, 2, 1);
        pb_msg(&m, 8, &o);
    }
    refuse("300,000 operator sets", &m, STATUSES(MOTE_E_LIMIT));
    pb_int(&m, 1, 8);
    for (int i = 0; i < 300000; i++)
        pb_bytes(&m, 25, "", 0);
    pb_bytes(&m, 7, "", 0);
    refuse("300,000 functions", &m, STATUSES(MOTE_E_LIMIT, MOTE_E_MODEL));
    pb_int(&m, 1, 8);
    for (int i = 0; i < 3000000; i++)
        pb_bytes(&m, 14, "", 0);
    pb_bytes(&m, 7, "", 0);
    refuse("3*10^6 metadata entries", &m, STATUSES(MOTE_E_LIMIT));
    g = (pb){NULL, 0, 0};
    for (int k = 0; k < 100; k++) {
        pb shape = {NULL, 0, 0}, tt = {NULL, 0, 0}, type = {NULL, 0, 0}, v = {NULL, 0, 0};
        char name[32];
        for (int d = 0; d < 8; d++) {
            pb dim = {NULL, 0, 0};
            snprintf(name, sizeof name, "s%d", k * 8 + d);
            pb_str(&dim, 2, name);
            pb_msg(&shape, 1, &dim);
        }
        pb_int(&tt, 1, 1);
        pb_msg(&tt, 2, &shape);
        pb_msg(&type, 1, &tt);
        snprintf(name, sizeof name, "x%d", k);
        pb_str(&v, 1, name);
        pb_msg(&v, 2, &type);
        pb_msg(&g, 11, &v);
    }
    finish("800 symbols", &g, STATUSES(MOTE_OK, MOTE_E_ARGUMENT));
}

/* Names that are equal but for their end, and many of them: neither hashing nor comparing degrades. */
static void test_names(void **state)
{
    (void)state;
    pb g = {NULL, 0, 0};
    char name[600];
    memset(name, 'n', sizeof name);
    for (int i = 0; i < 60000; i++) {
        snprintf(name + 500, 20, "%d", i);
        pb v = {NULL, 0, 0};
        pb_str(&v, 1, name);
        pb_msg(&g, 11, &v);
    }
    finish("60,000 long names", &g, STATUSES(MOTE_E_ARGUMENT, MOTE_OK));
}

/* ---- structure ---- */

static void test_structure(void **state)
{
    (void)state;
    pb g = graph_xy();
    add(&g, 1, onnx_node("Add", "x,b", "a"));
    add(&g, 1, onnx_node("Relu", "a", "b"));
    add(&g, 1, onnx_node("Relu", "b", "y"));
    finish("a cycle", &g, STATUSES(MOTE_E_MODEL));
    g = graph_xy();
    add(&g, 1, onnx_node("Add", "x,y", "y"));
    finish("a node that reads its own output", &g, STATUSES(MOTE_E_MODEL));
    g = graph_xy();
    add(&g, 1, onnx_node("Relu", "nowhere", "y"));
    finish("an input that nothing makes", &g, STATUSES(MOTE_E_MODEL));
    g = graph_xy();
    finish("an output that nothing makes", &g, STATUSES(MOTE_E_MODEL));
    g = graph_xy();
    add(&g, 1, onnx_node("Relu", "x", "y"));
    add(&g, 1, onnx_node("Neg", "x", "y"));
    finish("an output made twice", &g, STATUSES(MOTE_E_MODEL));
    g = graph_xy();
    add(&g, 1, onnx_node("Split", "x", "y,y"));
    finish("one node makes an output twice", &g, STATUSES(MOTE_E_MODEL));
    g = graph_xy();
    add(&g, 1, onnx_node("Relu", "x", "x"));
    add(&g, 1, onnx_node("Relu", "x", "y"));
    finish("a node makes an input", &g, STATUSES(MOTE_E_MODEL));
    g = graph_xy();
    add(&g, 11, onnx_value("x", 1, 1, two));
    add(&g, 1, onnx_node("Relu", "x", "y"));
    finish("an input twice", &g, STATUSES(MOTE_E_MODEL));
    g = graph_xy();
    for (int i = 0; i < 2; i++)
        add(&g, 5, onnx_floats("w", 1, two, (const float[]){1, 2}));
    add(&g, 1, onnx_node("Add", "x,w", "y"));
    finish("an initializer twice", &g, STATUSES(MOTE_E_MODEL));
    g = graph_xy();
    add(&g, 5, onnx_floats("y", 1, two, (const float[]){1, 2}));
    add(&g, 1, onnx_node("Relu", "x", "y"));
    finish("a node makes an initializer", &g, STATUSES(MOTE_E_MODEL));
    g = graph_xy();
    add(&g, 5, onnx_i64("x", 2, (const int64_t[]){1, 2}));
    add(&g, 1, onnx_node("Relu", "x", "y"));
    finish("an input declared otherwise than its initializer", &g, STATUSES(MOTE_E_DTYPE));
    g = graph_xy();
    add(&g, 1, onnx_node("", "x", "y"));
    finish("a node without operator", &g, STATUSES(MOTE_E_MODEL));
    g = graph_xy();
    add(&g, 1, onnx_node("NoSuchOperator", "x", "y"));
    finish("an unknown operator", &g, STATUSES(MOTE_E_UNSUPPORTED));
    g = graph_xy();
    pb n = onnx_node("Relu", "x", "y");
    pb_str(&n, 7, "no.such.domain");
    pb_msg(&g, 1, &n);
    finish("a domain that is not imported", &g, STATUSES(MOTE_E_MODEL));
    g = graph_xy();
    n = onnx_node("Conv2", "x", "y");
    pb_str(&n, 7, "mote");
    pb_msg(&g, 1, &n);
    finish("an operator of the machine's own", &g, STATUSES(MOTE_E_MODEL, MOTE_E_UNSUPPORTED));
    g = graph_xy();
    n = onnx_node("Relu", "x", "y");
    pb sub = graph_xy();
    onnx_attr_msg(&n, "body", 5, 6, &sub);
    pb_msg(&g, 1, &n);
    finish("a subgraph where none belongs", &g, STATUSES(MOTE_E_MODEL));
    g = graph_xy();
    add(&g, 1, onnx_node("Relu", "x", "y"));
    add(&g, 1, onnx_node("Relu", "", ""));
    finish("a node of nothing", &g, STATUSES(MOTE_E_MODEL, MOTE_E_ARGUMENT));
    for (int self = 0; self < 2; self++) { /* a function that calls itself, and two that call each other */
        g = graph_xy();
        n = onnx_node("F", "x", "y");
        pb_str(&n, 7, "local");
        pb_msg(&g, 1, &n);
        pb m = onnx_model(&g, 17), o = {NULL, 0, 0};
        pb_str(&o, 1, "local");
        pb_int(&o, 2, 1);
        for (int k = 0; k < 2 - self; k++) {
            pb f = {NULL, 0, 0};
            pb_str(&f, 1, k == 0 ? "F" : "G");
            pb_str(&f, 10, "local");
            pb_str(&f, 4, "a");
            pb_str(&f, 5, "b");
            n = onnx_node(self || k == 1 ? "F" : "G", "a", "b");
            pb_str(&n, 7, "local");
            pb_msg(&f, 7, &n);
            pb_bytes(&f, 9, o.p, o.n);
            pb_msg(&m, 25, &f);
        }
        pb_msg(&m, 8, &o);
        refuse("recursion of functions", &m, STATUSES(MOTE_E_MODEL));
    }
    pb m = {NULL, 0, 0}, o = {NULL, 0, 0}; /* 40 functions, each calls the next twice: 2^40 nodes */
    pb_str(&o, 1, "local");
    pb_int(&o, 2, 1);
    g = graph_xy();
    n = onnx_node("F0", "x", "y");
    pb_str(&n, 7, "local");
    pb_msg(&g, 1, &n);
    m = onnx_model(&g, 17);
    for (int k = 0; k < 40; k++) {
        pb f = {NULL, 0, 0};
        char name[8];
        snprintf(name, sizeof name, "F%d", k);
        pb_str(&f, 1, name);
        pb_str(&f, 10, "local");
        pb_str(&f, 4, "a");
        pb_str(&f, 5, "b");
        snprintf(name, sizeof name, "F%d", k + 1);
        for (int twice = 0; twice < 2; twice++) {
            n = onnx_node(k == 39 ? "Relu" : name, twice == 0 ? "a" : "t", twice == 0 ? "t" : "b");
            if (k != 39)
                pb_str(&n, 7, "local");
            pb_msg(&f, 7, &n);
        }
        pb_bytes(&f, 9, o.p, o.n);
        pb std = {NULL, 0, 0};
        pb_int(&std, 2, 17);
        pb_msg(&f, 9, &std);
        pb_msg(&m, 25, &f);
    }
    pb_msg(&m, 8, &o);
    refuse("functions that double", &m, STATUSES(MOTE_E_LIMIT));
}

/* ---- tensors ---- */

static pb tensor_model(pb *t)
{
    pb g = graph_xy();
    pb_msg(&g, 5, t);
    add(&g, 1, onnx_node("Identity", "w", "y"));
    return onnx_model(&g, 17);
}

static void test_tensors(void **state)
{
    (void)state;
    static const struct { const char *name; int rank; int64_t dims[10]; int64_t dtype; mote_status status; } cases[] = {
        {"a product that wraps", 4, {1ll << 32, 1ll << 32, 1, 1}, 1, MOTE_E_SHAPE},
        {"a product that wraps to 4", 3, {(int64_t)0x4000000000000001, 4, 1}, 1, MOTE_E_SHAPE},
        {"a negative dimension", 1, {-1}, 1, MOTE_E_SHAPE},
        {"two negative dimensions", 2, {-2, -2}, 1, MOTE_E_SHAPE},
        {"the smallest dimension", 1, {INT64_MIN}, 1, MOTE_E_SHAPE},
        {"a huge dimension", 1, {INT64_MAX}, 1, MOTE_E_SHAPE},
        {"2^46 elements", 1, {1ll << 46}, 1, MOTE_E_SHAPE},
        {"2^40 elements without data", 1, {1ll << 40}, 1, MOTE_E_MODEL},
        {"2^20 times nothing", 2, {1ll << 20, 0}, 1, MOTE_OK},
        {"2^62 times nothing", 3, {1ll << 31, 1ll << 31, 0}, 1, MOTE_E_SHAPE},
        {"9 dimensions", 9, {1, 1, 1, 1, 1, 1, 1, 1, 1}, 1, MOTE_E_LIMIT},
        {"type 0", 1, {1}, 0, MOTE_E_UNSUPPORTED},
        {"type 27", 1, {1}, 27, MOTE_E_UNSUPPORTED},
        {"type -1", 1, {1}, -1, MOTE_E_UNSUPPORTED},
        {"type 2^32+1", 1, {1}, (1ll << 32) + 1, MOTE_E_UNSUPPORTED},
        {"more elements than data", 1, {3}, 1, MOTE_E_MODEL},
        {"fewer elements than data", 1, {1}, 1, MOTE_E_MODEL},
        {"half a byte of 4-bit elements too few", 1, {17}, 21, MOTE_E_MODEL},
        {"strings in raw data", 1, {8}, 8, MOTE_E_MODEL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool empty = cases[i].status == MOTE_OK;
        pb t = onnx_tensor("w", cases[i].dtype, cases[i].rank, cases[i].dims, empty || cases[i].dims[0] == 1ll << 40 ? NULL : "12345678", 8);
        pb m = tensor_model(&t);
        refuse(cases[i].name, &m, STATUSES((int)cases[i].status, cases[i].status == MOTE_E_SHAPE ? MOTE_E_LIMIT : (int)cases[i].status));
    }
    pb t = {NULL, 0, 0};
    for (int i = 0; i < 1000000; i++)
        pb_int(&t, 1, 1);
    pb m = tensor_model(&t);
    refuse("10^6 dimensions", &m, STATUSES(MOTE_E_LIMIT));
    t = onnx_tensor("w", 1, 1, two, NULL, 0); /* says 2 floats, has 10^7 */
    pb list = {NULL, 0, 0};
    for (int i = 0; i < 2000000; i++)
        pb_raw(&list, "\0\0\0\0", 4);
    pb_msg(&t, 4, &list);
    m = tensor_model(&t);
    refuse("data for another shape", &m, STATUSES(MOTE_E_MODEL));
    t = onnx_tensor("w", 1, 1, two, "12345678", 8);
    pb_float(&t, 4, 1);
    m = tensor_model(&t);
    refuse("raw and typed data", &m, STATUSES(MOTE_E_MODEL));
    t = onnx_tensor("w", 1, 1, two, NULL, 0);
    pb_int(&t, 7, 1);
    pb_int(&t, 7, 1);
    m = tensor_model(&t);
    refuse("floats in the field of integers", &m, STATUSES(MOTE_E_MODEL));
    t = onnx_tensor("w", 1, 1, two, NULL, 0);
    pb_int(&t, 14, 1);
    m = tensor_model(&t);
    refuse("external data of a model without a folder", &m, STATUSES(MOTE_E_PATH));
    for (int k = 0; k < 7; k++) {
        pb g = graph_xy(), s = {NULL, 0, 0};
        int64_t shape[2] = {k == 0 ? 1ll << 40 : k == 1 ? -1 : 2, k == 2 ? 1ll << 31 : 2}, index[2] = {k == 3 ? 4 : 0, k == 4 ? -1 : 3};
        pb values = onnx_floats("w", 1, two, (const float[]){1, 2}), indices = onnx_i64("", k == 5 ? 1 : 2, index);
        pb_msg(&s, 1, &values);
        if (k != 6)
            pb_msg(&s, 2, &indices);
        else
            pb_free(&indices);
        pb_ints(&s, 3, shape, 2, 0);
        pb_msg(&g, 15, &s);
        add(&g, 1, onnx_node("Identity", "w", "y"));
        finish("a sparse tensor", &g, STATUSES(MOTE_E_LIMIT, MOTE_E_MODEL, MOTE_E_SHAPE));
    }
}

/* ---- declared types ---- */

static void test_types(void **state)
{
    (void)state;
    static const struct { int64_t dims[2]; int64_t dtype; mote_status status; } cases[] = {
        {{-5, 1}, 1, MOTE_OK}, {{INT64_MAX, INT64_MAX}, 1, MOTE_E_SHAPE}, {{1ll << 40, 1ll << 40}, 1, MOTE_E_SHAPE}, {{1ll << 40, 1}, 1, MOTE_E_LIMIT}, {{1, 1}, 99, MOTE_E_UNSUPPORTED}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pb g = {NULL, 0, 0};
        add(&g, 11, onnx_value("x", cases[i].dtype, 2, cases[i].dims));
        add(&g, 12, onnx_value("y", cases[i].dtype, -1, NULL));
        add(&g, 1, onnx_node("Relu", "x", "y"));
        pb m = onnx_model(&g, 17);
        hostile_options o = {.memory_limit = 32 << 20};
        hostile_result r = hostile_model(m.p, m.n, &o);
        pb_free(&m);
        hostile_expect("a declared input", &r, STATUSES((int)cases[i].status, cases[i].status == MOTE_E_SHAPE ? MOTE_E_LIMIT : (int)cases[i].status));
    }
    pb shape = {NULL, 0, 0}, tt = {NULL, 0, 0}, type = {NULL, 0, 0}, v = {NULL, 0, 0}, g = {NULL, 0, 0};
    for (int i = 0; i < 1000000; i++)
        pb_bytes(&shape, 1, "", 0);
    pb_msg(&tt, 2, &shape);
    pb_msg(&type, 1, &tt);
    pb_str(&v, 1, "x");
    pb_msg(&v, 2, &type);
    pb_msg(&g, 11, &v);
    finish("a rank of 10^6", &g, STATUSES(MOTE_E_LIMIT));
    for (int k = 0; k < 3; k++) {
        type = v = g = (pb){NULL, 0, 0};
        pb_bytes(&type, k == 0 ? 5 : k == 1 ? 7 : 8, "", 0);
        pb_str(&v, 1, "x");
        pb_msg(&v, 2, &type);
        pb_msg(&g, 11, &v);
        finish("a type that is not read", &g, STATUSES(MOTE_E_UNSUPPORTED));
    }
}

/* ---- what loading computes ---- */

/* Operators that make much of little, on constants: folding them stops at its budget, running them at the memory limit. */
static void test_folding(void **state)
{
    (void)state;
    const int64_t huge[] = {1ll << 20, 1ll << 20}, wrap[] = {1ll << 32, 1ll << 32}, negative[] = {-(1ll << 40), 3}, pads[] = {1ll << 40, 0}, lots[] = {1ll << 34, 1}, big[] = {1 << 13, 1 << 13};
    static const struct { const char *op; int operand; } ops[] = {{"Expand", 2}, {"Tile", 2}, {"ConstantOfShape", 1}, {"Pad", 2}, {"Range", 3}, {"Reshape", 2}, {"OneHot", 3}, {"Resize", 4}, {"EyeLike", 1}};
    const int64_t *lists[] = {huge, wrap, negative, lots, big, pads};
    for (size_t k = 0; k < sizeof ops / sizeof ops[0]; k++)
        for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++) {
            pb g = {NULL, 0, 0};
            const char *op = ops[k].op;
            const int64_t *v = lists[l];
            bool flat = strcmp(op, "Pad") == 0;
            add(&g, 5, onnx_floats("one", flat ? 1 : 2, (const int64_t[]){1, 1}, (const float[]){1}));
            add(&g, 5, onnx_i64("list", 2, v));
            add(&g, 5, onnx_tensor("start", 7, 0, NULL, &v[1], 8));
            add(&g, 5, onnx_tensor("limit", 7, 0, NULL, &v[0], 8));
            add(&g, 5, onnx_tensor("delta", 7, 0, NULL, (const int64_t[]){1}, 8));
            add(&g, 5, onnx_floats("values", 1, two, (const float[]){0, 1}));
            float scales[2] = {(float)v[0], (float)v[1]};
            add(&g, 5, onnx_floats("scales", 1, two, scales));
            pb n = strcmp(op, "Range") == 0             ? onnx_node(op, "start,limit,delta", "t")
                   : strcmp(op, "ConstantOfShape") == 0 ? onnx_node(op, "list", "t")
                   : strcmp(op, "OneHot") == 0          ? onnx_node(op, "list,limit,values", "t")
                   : strcmp(op, "Resize") == 0          ? onnx_node(op, "one,,scales", "t")
                   : strcmp(op, "EyeLike") == 0         ? onnx_node(op, "one", "t")
                                                        : onnx_node(op, "one,list", "t");
            pb_msg(&g, 1, &n);
            add(&g, 1, onnx_node("Shape", "t", "y"));
            add(&g, 12, onnx_value("y", 7, -1, NULL));
            pb m = onnx_model(&g, 17);
            hostile_options o = {.memory_limit = 32 << 20};
            hostile_result r = hostile_model(m.p, m.n, &o);
            pb_free(&m);
            char name[64];
            snprintf(name, sizeof name, "%s of %lld, %lld", op, (long long)v[0], (long long)v[1]);
            hostile_expect(name, &r, STATUSES(MOTE_OK, MOTE_E_LIMIT, MOTE_E_SHAPE, MOTE_E_VALUE, MOTE_E_MEMORY, MOTE_E_UNSUPPORTED));
        }
}

/* A chain of constants that doubles at each step: 2^60 elements if it were computed. */
static void test_folding_chain(void **state)
{
    (void)state;
    pb g = {NULL, 0, 0};
    add(&g, 5, onnx_floats("t0", 1, two, (const float[]){1, 2}));
    char in[32], out[16];
    for (int i = 0; i < 60; i++) {
        snprintf(in, sizeof in, "t%d,t%d", i, i);
        snprintf(out, sizeof out, "t%d", i + 1);
        pb n = onnx_node("Concat", in, out);
        onnx_attr_int(&n, "axis", 0);
        pb_msg(&g, 1, &n);
    }
    add(&g, 12, onnx_value("t60", 1, -1, NULL));
    pb m = onnx_model(&g, 17);
    hostile_options o = {.memory_limit = 32 << 20};
    hostile_result r = hostile_model(m.p, m.n, &o);
    pb_free(&m);
    hostile_expect("Concat that doubles", &r, STATUSES(MOTE_E_LIMIT, MOTE_E_SHAPE, MOTE_E_MEMORY));
}

/* ---- loops ---- */

static pb loop(bool by_count, pb *body, const char *in, const char *out)
{
    pb g = {NULL, 0, 0}, n = onnx_node("Loop", in, out);
    onnx_attr_msg(&n, "body", 5, 6, body);
    add(&g, 11, onnx_value("x", 1, 1, two));
    add(&g, 5, onnx_tensor("trip", 7, 0, NULL, (const int64_t[]){INT64_MAX}, 8));
    add(&g, 5, onnx_tensor("cond", 9, 0, NULL, "\1", 1));
    pb_msg(&g, 1, &n);
    add(&g, 12, onnx_value("y", 1, -1, NULL));
    (void)by_count;
    return g;
}

static pb body(void)
{
    pb b = {NULL, 0, 0};
    add(&b, 11, onnx_value("i", 7, 0, NULL));
    add(&b, 11, onnx_value("c", 9, 0, NULL));
    add(&b, 11, onnx_value("s", 1, 1, two));
    return b;
}

static void test_loops(void **state)
{
    (void)state;
    for (int k = 0; k < 3; k++) { /* endless by its count, by its condition, and with a scan output that grows */
        pb b = body();
        add(&b, 1, onnx_node("Neg", "s", "so"));
        add(&b, 1, onnx_node("Identity", "c", "co"));
        add(&b, 12, onnx_value("co", 9, 0, NULL));
        add(&b, 12, onnx_value("so", 1, 1, two));
        if (k == 2) {
            add(&b, 1, onnx_node("Identity", "so", "scan"));
            add(&b, 12, onnx_value("scan", 1, 1, two));
        }
        pb g = loop(true, &b, k == 0 ? "trip,,x" : k == 1 ? ",cond,x" : "trip,cond,x", k == 2 ? "y,all" : "y"), m = onnx_model(&g, 16);
        hostile_options o = {.step_limit = 20000, .memory_limit = 32 << 20};
        hostile_result r = hostile_model(m.p, m.n, &o);
        pb_free(&m);
        hostile_expect("an endless Loop", &r, STATUSES(MOTE_E_LIMIT));
        assert_string_equal(r.step, "run");
    }
    for (int k = 0; k < 12; k++) { /* bodies of nonsense */
        pb b = k == 0 ? (pb){NULL, 0, 0} : body();
        if (k == 1)
            add(&b, 5, onnx_floats("s", 1, two, (const float[]){1, 2})); /* an input that is an initializer, too */
        if (k == 2)
            add(&b, 11, onnx_value("more", 1, 1, two));
        add(&b, 1, onnx_node(k == 3 ? "Cast" : "Neg", k == 0 ? "x" : k == 4 ? "y" : "s", "so"));
        add(&b, 1, onnx_node("Identity", k == 0 ? "cond" : "c", "co"));
        if (k != 5)
            add(&b, 12, onnx_value(k == 6 ? "so" : "co", 9, 0, NULL));
        if (k != 7)
            add(&b, 12, onnx_value("so", k == 8 ? 7 : 1, 1, two));
        if (k == 9)
            add(&b, 12, onnx_value("nothing", 1, 1, two));
        pb g = loop(true, &b, k == 10 ? "x,cond,x" : k == 11 ? "trip,x,x" : "trip,cond,x", "y"), m = onnx_model(&g, 16);
        hostile_options o = {.step_limit = 1000, .memory_limit = 32 << 20};
        hostile_result r = hostile_model(m.p, m.n, &o);
        pb_free(&m);
        char name[64];
        snprintf(name, sizeof name, "a Loop of nonsense, kind %d", k);
        hostile_expect(name, &r, STATUSES(MOTE_E_MODEL, MOTE_E_DTYPE, MOTE_E_SHAPE, MOTE_E_LIMIT));
    }
    for (int k = 0; k < 8; k++) {
        pb b = {NULL, 0, 0}, g = graph_xy(), n = onnx_node("Scan", k == 0 ? "" : "x,x", k == 1 ? "" : "s,y");
        if (k != 2)
            add(&b, 11, onnx_value("a", 1, -1, NULL));
        add(&b, 11, onnx_value("e", 1, k == 3 ? 1 : 0, two));
        add(&b, 1, onnx_node("Identity", "e", "o"));
        add(&b, 1, onnx_node(k == 4 ? "Shape" : "Identity", k == 2 ? "e" : "a", "p"));
        add(&b, 12, onnx_value("p", 1, -1, NULL));
        if (k != 5)
            add(&b, 12, onnx_value("o", 1, -1, NULL));
        onnx_attr_msg(&n, "body", 5, 6, &b);
        onnx_attr_int(&n, "num_scan_inputs", k == 6 ? INT64_MIN : k == 7 ? 1000000 : 1);
        pb_msg(&g, 1, &n);
        pb m = onnx_model(&g, 16);
        hostile_options o = {.step_limit = 1000, .memory_limit = 32 << 20};
        hostile_result r = hostile_model(m.p, m.n, &o);
        pb_free(&m);
        char name[64];
        snprintf(name, sizeof name, "a Scan of nonsense, kind %d", k);
        hostile_expect(name, &r, STATUSES(MOTE_E_MODEL, MOTE_E_DTYPE, MOTE_E_SHAPE, MOTE_E_LIMIT, MOTE_OK, MOTE_E_ARGUMENT, MOTE_E_VALUE));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nesting), cmocka_unit_test(test_counts),  cmocka_unit_test(test_names),
                                       cmocka_unit_test(test_structure), cmocka_unit_test(test_tensors), cmocka_unit_test(test_types),
                                       cmocka_unit_test(test_folding), cmocka_unit_test(test_folding_chain), cmocka_unit_test(test_loops)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
