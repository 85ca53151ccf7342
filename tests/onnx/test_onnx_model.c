/* test_onnx_model.c - versions, tensors of every type, sparse tensors, functions
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "onnx/read.h"
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

static void load(loaded *l, pb *model)
{
    memset(l, 0, sizeof *l);
    l->diag = (mote_diag)MOTE_DIAG_INIT;
    mote_heap_init(&l->heap, NULL, 0);
    l->bytes = malloc(model->n + 1);
    memcpy(l->bytes, model->p, model->n);
    mote_onnx_read_options o = {.copy = false};
    l->status = mote_onnx_read_memory(&l->heap, l->bytes, model->n, &o, &l->m, &l->files, &l->diag);
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

static void add(pb *m, uint32_t field, pb inner) { pb_msg(m, field, &inner); }

static pb graph(const char *op)
{
    pb g = {NULL, 0, 0};
    add(&g, 1, onnx_node(op, "x", "y"));
    add(&g, 11, onnx_value("x", 1, 1, (const int64_t[]){2}));
    add(&g, 12, onnx_value("y", 1, -1, NULL));
    return g;
}

static void opset(pb *m, const char *domain, int64_t version)
{
    pb o = {NULL, 0, 0};
    pb_str(&o, 1, domain);
    pb_int(&o, 2, version);
    pb_msg(m, 8, &o);
}

static void test_versions(void **state)
{
    (void)state;
    for (int64_t ir = 0; ir <= 16; ir++) {
        pb g = graph("Relu"), m = onnx_model(&g, 17);
        pb_int(&m, 1, ir);
        expect(&m, ir >= 3 && ir <= 14 ? MOTE_OK : MOTE_E_UNSUPPORTED, ir >= 3 && ir <= 14 ? NULL : "IR version");
    }
    for (int64_t version = 0; version <= 30; version++) {
        pb g = graph("Relu"), m = onnx_model(&g, version);
        loaded l;
        load(&l, &m);
        assert_int_equal(l.status, version == 0 ? MOTE_E_MODEL : MOTE_OK);
        if (l.status == MOTE_OK)
            assert_int_equal(l.m->graph->first->version, version < 7 ? 8 : version); /* older sets are brought to 8 */
        unload(&l);
    }
    pb g = graph("Relu"), m = onnx_model(&g, -1);
    expect(&m, MOTE_E_MODEL, "operator set");
    g = graph("Relu"), m = onnx_model(&g, INT64_MAX);
    expect(&m, MOTE_E_MODEL, "operator set");
    g = graph("Relu"), m = onnx_model(&g, 17);
    opset(&m, "ai.onnx", 17); /* the same as "": once is enough */
    expect(&m, MOTE_OK, NULL);
    g = graph("Relu"), m = onnx_model(&g, 17);
    opset(&m, "ai.onnx", 18);
    expect(&m, MOTE_E_MODEL, "as version 17 and as 18");
    m = (pb){NULL, 0, 0};
    g = graph("Relu");
    pb_int(&m, 1, 8);
    pb_msg(&m, 7, &g);
    expect(&m, MOTE_E_MODEL, "does not import");
}

/* ---- tensors ---- */

static const mote_array *constant(const loaded *l)
{
    mote_value *v = mote_graph_find(l->m->graph, MOTE_STR("t"), false);
    assert_non_null(v);
    return v->constant;
}

static pb with_tensor(pb *t)
{
    pb g = graph("Relu");
    pb_msg(&g, 5, t);
    return onnx_model(&g, 21);
}

/* Each type's 5 elements of raw data come back as they lie, one byte more or less is refused, and the data need not be aligned. */
static void test_raw(void **state)
{
    (void)state;
    for (int t = 1; t < 27; t++) {
        size_t bits = mote_dtype_bits((mote_dtype)t), bytes = (5 * bits + 7) / 8;
        if (t == MOTE_DTYPE_STRING)
            continue;
        assert_true(bits != 0);
        char data[100];
        for (size_t i = 0; i < sizeof data; i++)
            data[i] = t == MOTE_DTYPE_BOOL ? (char)(i & 1) : (char)(i * 37 + 1);
        for (size_t shift = 0; shift < 8; shift++) {
            pb tensor = {NULL, 0, 0};
            char name[16] = "tttttttttttttt";
            pb_bytes(&tensor, 12, name, shift); /* a text before it moves the data */
            pb rest = onnx_tensor("t", t, 1, (const int64_t[]){5}, data, bytes);
            pb_raw(&tensor, rest.p, rest.n);
            pb_free(&rest);
            pb m = with_tensor(&tensor);
            loaded l;
            load(&l, &m);
            assert_int_equal(l.status, MOTE_OK);
            assert_int_equal(constant(&l)->dtype, t);
            assert_int_equal(constant(&l)->bytes, bytes);
            assert_memory_equal(constant(&l)->data, data, bytes);
            assert_true((const char *)constant(&l)->data > l.bytes); /* in place */
            unload(&l);
        }
        for (int more = -1; more <= 1; more += 2) {
            pb tensor = onnx_tensor("t", t, 1, (const int64_t[]){5}, data, bytes + (size_t)more), m = with_tensor(&tensor);
            expect(&m, MOTE_E_MODEL, "bytes of data");
        }
    }
    pb tensor = onnx_tensor("t", MOTE_DTYPE_BOOL, 1, (const int64_t[]){3}, "\x00\x02\xff", 3), m = with_tensor(&tensor);
    loaded l;
    load(&l, &m);
    assert_int_equal(l.status, MOTE_OK);
    assert_memory_equal(constant(&l)->data, "\0\1\1", 3); /* any other bool would be undefined to read */
    unload(&l);
}

static void test_unknown_types(void **state)
{
    (void)state;
    static const int64_t types[] = {0, 27, 28, 100, INT32_MAX, -1, INT64_MIN};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        pb t = onnx_tensor("t", types[i], 1, (const int64_t[]){1}, "1234", 4), m = with_tensor(&t);
        expect(&m, MOTE_E_UNSUPPORTED, "which is not known");
        if (types[i] == 0)
            continue;
        pb g = {NULL, 0, 0};
        add(&g, 11, onnx_value("x", types[i], 0, NULL));
        m = onnx_model(&g, 17);
        expect(&m, MOTE_E_UNSUPPORTED, "not known");
    }
}

/* Typed fields: which field holds a type, how many entries, what each becomes. */
static void test_typed(void **state)
{
    (void)state;
    static const struct { mote_dtype t; uint32_t field; int64_t n; size_t entries; int64_t v[6]; size_t bytes; const char *expected; } cases[] = {
        {MOTE_DTYPE_U8, 5, 3, 3, {1, 255, 0}, 3, "\x01\xff\x00"},
        {MOTE_DTYPE_S8, 5, 3, 3, {-1, -128, 127}, 3, "\xff\x80\x7f"},
        {MOTE_DTYPE_U16, 5, 2, 2, {65535, 258}, 4, "\xff\xff\x02\x01"},
        {MOTE_DTYPE_S16, 5, 2, 2, {-2, 258}, 4, "\xfe\xff\x02\x01"},
        {MOTE_DTYPE_S32, 5, 2, 2, {-2, 1 << 24}, 8, "\xfe\xff\xff\xff\0\0\0\1"},
        {MOTE_DTYPE_BOOL, 5, 3, 3, {0, 1, 2}, 3, "\0\1\1"},
        {MOTE_DTYPE_F16, 5, 2, 2, {0x3c00, 0xfbff}, 4, "\x00\x3c\xff\xfb"},
        {MOTE_DTYPE_BF16, 5, 2, 2, {0x3f80, 0xff7f}, 4, "\x80\x3f\x7f\xff"},
        {MOTE_DTYPE_F8E4M3FN, 5, 2, 2, {0x38, 0xfe}, 2, "\x38\xfe"},
        {MOTE_DTYPE_F8E5M2FNUZ, 5, 1, 1, {0x80}, 1, "\x80"},
        {MOTE_DTYPE_F8E8M0, 5, 1, 1, {0x7f}, 1, "\x7f"},
        {MOTE_DTYPE_U4, 5, 3, 2, {0x21, 0x03}, 2, "\x21\x03"},
        {MOTE_DTYPE_S4, 5, 4, 2, {0x8f, 0x70}, 2, "\x8f\x70"},
        {MOTE_DTYPE_F4E2M1, 5, 1, 1, {0x0f}, 1, "\x0f"},
        {MOTE_DTYPE_U2, 5, 5, 2, {0xe4, 0x01}, 2, "\xe4\x01"},
        {MOTE_DTYPE_S2, 5, 4, 1, {0x1b}, 1, "\x1b"},
        {MOTE_DTYPE_S64, 7, 2, 2, {-1, INT64_MIN}, 16, "\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\x80"},
        {MOTE_DTYPE_U32, 11, 2, 2, {0xffffffff, 1}, 8, "\xff\xff\xff\xff\1\0\0\0"},
        {MOTE_DTYPE_U64, 11, 1, 1, {-1}, 8, "\xff\xff\xff\xff\xff\xff\xff\xff"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int how = 0; how < 4; how++) { /* unpacked, packed, one entry too few, one too many */
            pb t = onnx_tensor("t", cases[i].t, 1, &cases[i].n, NULL, 0);
            pb_ints(&t, cases[i].field, cases[i].v, cases[i].entries - (how == 2) + (how == 3), how == 1);
            pb m = with_tensor(&t);
            loaded l;
            load(&l, &m);
            assert_int_equal(l.status, how < 2 ? MOTE_OK : MOTE_E_MODEL);
            if (how < 2 && memcmp(constant(&l)->data, cases[i].expected, cases[i].bytes) != 0)
                fail_msg("%s, %d", mote_dtype_name(cases[i].t), how);
            unload(&l);
        }
    const float f[] = {1.5f, -2, 3, 4};
    const double d[] = {1.5, -2, 3, 4};
    for (int c = 0; c < 4; c++) { /* float, complex64, double, complex128 */
        bool wide = c >= 2, complex = c & 1;
        pb t = onnx_tensor("t", c == 0 ? 1 : c == 1 ? 14 : c == 2 ? 11 : 15, 1, complex ? (const int64_t[]){2} : (const int64_t[]){4}, NULL, 0);
        pb_bytes(&t, wide ? 10 : 4, wide ? (const void *)d : f, wide ? sizeof d : sizeof f);
        pb m = with_tensor(&t);
        loaded l;
        load(&l, &m);
        assert_int_equal(l.status, MOTE_OK);
        assert_memory_equal(constant(&l)->data, wide ? (const void *)d : f, wide ? sizeof d : sizeof f);
        unload(&l);
    }
    pb t = onnx_tensor("t", 8, 1, (const int64_t[]){3}, NULL, 0);
    pb_bytes(&t, 6, "a\0b", 3);
    pb_bytes(&t, 6, "", 0);
    pb_bytes(&t, 6, "\xff", 1);
    pb m = with_tensor(&t);
    loaded l;
    load(&l, &m);
    assert_int_equal(l.status, MOTE_OK);
    const mote_string *s = constant(&l)->data;
    assert_int_equal(s[0].length * 100 + s[1].length * 10 + s[2].length, 301);
    assert_memory_equal(s[0].data, "a\0b", 3);
    unload(&l);
    t = onnx_tensor("t", 1, 1, (const int64_t[]){0}, NULL, 0); /* nothing of nothing */
    m = with_tensor(&t);
    expect(&m, MOTE_OK, NULL);
    t = onnx_tensor("t", 1, 0, NULL, NULL, 0); /* a scalar needs one */
    m = with_tensor(&t);
    expect(&m, MOTE_E_MODEL, "0 elements");
    t = onnx_tensor("t", 1, 1, (const int64_t[]){1}, "1234", 4);
    add(&t, 3, (pb){NULL, 0, 0});
    m = with_tensor(&t);
    expect(&m, MOTE_E_UNSUPPORTED, "segments");
}

/* Sparse initializers become dense ones: indices along one axis or all of them. */
static void test_sparse(void **state)
{
    (void)state;
    for (int linear = 0; linear < 2; linear++) {
        pb s = {NULL, 0, 0}, g = graph("Relu");
        const int64_t flat[] = {1, 5}, coordinates[] = {0, 1, 1, 2}, dims[] = {2, 3}, rows[] = {2, 2};
        add(&s, 1, onnx_floats("t", 1, (const int64_t[]){2}, (const float[]){7, 8}));
        add(&s, 2, linear ? onnx_i64("", 2, flat) : onnx_tensor("", 7, 2, rows, coordinates, sizeof coordinates));
        pb_ints(&s, 3, dims, 2, 0);
        pb_msg(&g, 15, &s);
        pb m = onnx_model(&g, 17);
        loaded l;
        load(&l, &m);
        assert_int_equal(l.status, MOTE_OK);
        assert_memory_equal(constant(&l)->data, ((const float[]){0, 7, 0, 0, 0, 8}), 24);
        unload(&l);
    }
}

/* ---- functions ---- */

static void function(pb *m, const char *name, const char *in, const char *out, pb *nodes, size_t n_nodes, const char *attribute)
{
    pb f = {NULL, 0, 0};
    pb_str(&f, 1, name);
    pb_str(&f, 10, "local");
    pb signature = onnx_node("", in, out);
    for (size_t at = 0; at < signature.n; at += 2 + (size_t)signature.p[at + 1]) /* fields 1 and 2 become 4 and 5 */
        if (signature.p[at] == 0x0a || signature.p[at] == 0x12)
            pb_bytes(&f, signature.p[at] == 0x0a ? 4 : 5, signature.p + at + 2, (size_t)signature.p[at + 1]);
    pb_free(&signature);
    if (attribute != NULL)
        pb_str(&f, 6, attribute);
    for (size_t i = 0; i < n_nodes; i++)
        pb_msg(&f, 7, &nodes[i]);
    pb std = {NULL, 0, 0}, own = {NULL, 0, 0};
    pb_int(&std, 2, 17);
    pb_msg(&f, 9, &std);
    pb_str(&own, 1, "local");
    pb_int(&own, 2, 1);
    pb_msg(&f, 9, &own);
    pb_msg(m, 25, &f);
}

static pb call(const char *op, const char *in, const char *out)
{
    pb n = onnx_node(op, in, out);
    pb_str(&n, 7, "local");
    return n;
}

/* The graph as text, after reading. */
static char *text_of(pb *m)
{
    loaded l;
    load(&l, m);
    if (l.status != MOTE_OK)
        fail_msg("%s", l.diag.message);
    mote_text t;
    mote_text_init(&t, &l.heap);
    mote_module_print(l.m, &t, true);
    char *copy = strdup(strstr(t.p, "graph"));
    mote_text_deinit(&t);
    unload(&l);
    return copy;
}

static void test_functions(void **state)
{
    (void)state;
    /* G(a) = F(F(a)); F(a) = (Relu(a), a, Relu(a)): an output given twice, and an input handed through */
    pb g = {NULL, 0, 0};
    add(&g, 1, call("G", "x", "y"));
    add(&g, 11, onnx_value("x", 1, 1, (const int64_t[]){2}));
    add(&g, 12, onnx_value("y", 1, -1, NULL));
    pb m = onnx_model(&g, 17);
    opset(&m, "local", 1);
    pb f[] = {onnx_node("Relu", "a", "r")}, h[] = {call("F", "a", "p,q,s"), onnx_node("Sum", "p,q,s", "b")};
    function(&m, "F", "a", "r,a,r", f, 1, NULL);
    function(&m, "G", "a", "b", h, 2, NULL);
    char *text = text_of(&m);
    assert_non_null(strstr(text, "Relu(x)"));
    assert_non_null(strstr(text, "Identity(x)"));
    assert_non_null(strstr(text, "y: float32[*] = Sum("));
    assert_null(strstr(text, "local"));
    free(text);
    /* a body with an If whose branches' values have names of the calling graph; one branch gives the function's own input */
    g = (pb){NULL, 0, 0};
    add(&g, 1, onnx_node("Neg", "x", "t"));
    add(&g, 1, call("H", "c,t", "y"));
    add(&g, 1, call("H", "c,y", "e"));
    add(&g, 11, onnx_value("x", 1, 1, (const int64_t[]){2}));
    add(&g, 11, onnx_value("c", 9, 0, NULL));
    add(&g, 12, onnx_value("y", 1, -1, NULL));
    add(&g, 12, onnx_value("e", 1, -1, NULL));
    m = onnx_model(&g, 17);
    opset(&m, "local", 1);
    pb branch = onnx_node("If", "k", "b"), then = {NULL, 0, 0}, other = {NULL, 0, 0};
    add(&then, 1, onnx_node("Relu", "a", "t"));
    add(&then, 12, onnx_value("t", 1, -1, NULL));
    add(&other, 12, onnx_value("a", 1, -1, NULL));
    onnx_attr_msg(&branch, "then_branch", 5, 6, &then);
    onnx_attr_msg(&branch, "else_branch", 5, 6, &other);
    function(&m, "H", "k,a", "b", &branch, 1, NULL);
    text = text_of(&m);
    assert_non_null(strstr(text, "Relu(t)"));
    assert_non_null(strstr(text, "Relu(y)"));
    free(text);
    /* attributes: the call's, the function's default, none */
    for (int k = 0; k < 3; k++) {
        g = (pb){NULL, 0, 0};
        pb n = call("L", "x", "y"), leaky = onnx_node("LeakyRelu", "a", "b"), a = {NULL, 0, 0};
        if (k == 0)
            onnx_attr_float(&n, "slope", 0.25f);
        pb_str(&a, 1, "alpha");
        pb_str(&a, 21, "slope");
        pb_int(&a, 20, 1);
        pb_msg(&leaky, 5, &a);
        pb_msg(&g, 1, &n);
        add(&g, 11, onnx_value("x", 1, 1, (const int64_t[]){2}));
        add(&g, 12, onnx_value("y", 1, -1, NULL));
        m = onnx_model(&g, 17);
        opset(&m, "local", 1);
        if (k == 1) {
            pb fn = {NULL, 0, 0}, d = {NULL, 0, 0}, std = {NULL, 0, 0};
            pb_str(&d, 1, "slope");
            pb_float(&d, 2, 0.75f);
            pb_int(&d, 20, 1);
            pb_str(&fn, 1, "L");
            pb_str(&fn, 10, "local");
            pb_str(&fn, 4, "a");
            pb_str(&fn, 5, "b");
            pb_msg(&fn, 7, &leaky);
            pb_msg(&fn, 11, &d);
            pb_int(&std, 2, 17);
            pb_msg(&fn, 9, &std);
            pb_msg(&m, 25, &fn);
        } else {
            function(&m, "L", "a", "b", &leaky, 1, "slope");
        }
        text = text_of(&m);
        assert_true(k == 0 ? strstr(text, "alpha=0.25") != NULL : k == 1 ? strstr(text, "alpha=0.75") != NULL : strstr(text, "alpha") == NULL);
        free(text);
    }
}

static void test_bad_functions(void **state)
{
    (void)state;
    static const struct { const char *in, *out, *call_in, *call_out, *node_in, *node_out; mote_status status; } cases[] = {
        {"a", "b", "x", "y", "a", "b", MOTE_OK},
        {"a", "b", "x,x", "y", "a", "b", MOTE_E_MODEL},       /* more inputs than the function has */
        {"a", "b", "x", "y,z", "a", "b", MOTE_E_MODEL},
        {"a", "c", "x", "y", "a", "b", MOTE_E_MODEL},         /* an output that nothing makes */
        {"a", "b", "x", "y", "nothing", "b", MOTE_E_MODEL},
        {"a", "b", "x", "y", "x", "b", MOTE_E_MODEL},         /* a body does not see the graph around the call */
        {"a,a", "b", "x,x", "y", "a", "b", MOTE_E_MODEL},
        {"a", "b", "x", "y", "b", "b", MOTE_E_MODEL},
        {"a", "b", "x", "y", "a", "a", MOTE_E_MODEL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pb g = {NULL, 0, 0};
        add(&g, 1, call("F", cases[i].call_in, cases[i].call_out));
        add(&g, 11, onnx_value("x", 1, 1, (const int64_t[]){2}));
        add(&g, 12, onnx_value("y", 1, -1, NULL));
        pb m = onnx_model(&g, 17), n = onnx_node("Relu", cases[i].node_in, cases[i].node_out);
        opset(&m, "local", 1);
        function(&m, "F", cases[i].in, cases[i].out, &n, 1, NULL);
        loaded l;
        load(&l, &m);
        if (l.status != cases[i].status)
            fail_msg("case %zu: status %d '%s'", i, (int)l.status, l.diag.message);
        unload(&l);
    }
    pb g = graph("Relu"), m = onnx_model(&g, 17), n = onnx_node("Relu", "a", "b"), k = onnx_node("Relu", "a", "b");
    function(&m, "F", "a", "b", &n, 1, NULL);
    function(&m, "F", "a", "b", &k, 1, NULL);
    expect(&m, MOTE_E_MODEL, "stands twice");
    pb leaky = onnx_node("LeakyRelu", "x", "y"), a = {NULL, 0, 0};
    pb_str(&a, 1, "alpha");
    pb_str(&a, 21, "slope");
    pb_msg(&leaky, 5, &a);
    g = (pb){NULL, 0, 0};
    add(&g, 11, onnx_value("x", 1, 1, (const int64_t[]){2}));
    pb_msg(&g, 1, &leaky);
    m = onnx_model(&g, 17);
    expect(&m, MOTE_E_MODEL, "refers to one of a function");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_versions), cmocka_unit_test(test_raw), cmocka_unit_test(test_unknown_types), cmocka_unit_test(test_typed),
                                       cmocka_unit_test(test_sparse), cmocka_unit_test(test_functions), cmocka_unit_test(test_bad_functions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
