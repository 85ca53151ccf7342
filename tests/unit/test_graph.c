/* test_graph.c - the graph: editing, sorting, verifying, cloning, text
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "graph/graph.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static mote_heap heap;

static mote_module *parse(const char *text)
{
    mote_module *m;
    mote_diag diag = MOTE_DIAG_INIT;
    if (mote_module_parse(&heap, mote_str_c(text), &m, &diag) != MOTE_OK)
        fail_msg("%s", diag.message);
    return m;
}

static void expect_text(const mote_module *m, const char *want)
{
    mote_text t;
    mote_text_init(&t, &heap);
    mote_module_print(m, &t, true);
    assert_false(t.failed);
    assert_string_equal(t.p, want);
    mote_text_deinit(&t);
}

static mote_value *value(const mote_module *m, const char *name)
{
    mote_value *v = mote_graph_find(m->graph, mote_str_c(name), false);
    assert_non_null(v);
    return v;
}

static void assert_sound(const mote_module *m)
{
    mote_diag diag = MOTE_DIAG_INIT;
    if (mote_module_verify(m, &diag) != MOTE_OK)
        fail_msg("%s: %s", diag.node, diag.message);
}

static const char sample[] = "module ir 8\n"
                             "opset \"\" 17\n"
                             "meta \"a\" \"b\\x0a\"\n"
                             "graph \"g\" (x: float32[N,3], k: bool[]) {\n"
                             "  default k: bool[] {1}\n"
                             "  const c: float32[2] {0.1, -inf}\n"
                             "  folded d: int64[1] {-5}\n"
                             "  y: float32[N,3] = Relu(x) as \"first\"\n"
                             "  s, _ = Split@2(y, _) {axis=1, split=[1, 2], scale=1.0, mode=\"m\", none=floats[]}\n"
                             "  \"return\" = If(k) {then_branch=graph \"t\" () {\n"
                             "      inner = Add(y, c)\n"
                             "      return inner\n"
                             "    }, else_branch=graph \"e\" () {\n"
                             "      return y\n"
                             "    }}\n"
                             "  o = com.microsoft::Gelu(\"return\")\n"
                             "  return o, s\n"
                             "}\n";

static void text_round_trip(void **state)
{
    (void)state;
    mote_module *m = parse(sample), *copy;
    expect_text(m, sample);
    assert_int_equal(mote_module_clone(m, &heap, &copy), MOTE_OK);
    assert_sound(copy);
    expect_text(copy, sample);
    mote_module_destroy(&copy);
    mote_module_destroy(&m);
}

static void abbreviated(void **state)
{
    (void)state;
    mote_module *m = parse("graph (x) {\n const c: float32[100] random 3\n const f: int8[100] fill 3\n y = Add(x, c)\n z = Add(y, f)\n return z\n}");
    mote_text t;
    mote_text_init(&t, &heap);
    mote_module_print(m, &t, false);
    assert_non_null(strstr(t.p, "const c: float32[100] ... 400 bytes, hash "));
    assert_non_null(strstr(t.p, "const f: int8[100] fill 3\n"));
    mote_text_deinit(&t);
    mote_module_destroy(&m);
}

static void bad_text(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
        mote_status status;
    } rows[] = {
        {"", "line 1: expected 'graph'", MOTE_E_FORMAT},
        {"graph () {\n y = Add(x)\n return y }", "line 2: 'x' is not defined here", MOTE_E_MODEL},
        {"graph (x) {\n x = Relu(x)\n return x }", "line 3: 'x' is defined twice", MOTE_E_MODEL},
        {"graph (x) {\n y = Relu(y)\n return y }", "line 2: 'y' is not defined here", MOTE_E_MODEL},
        {"graph (x) {\n const c: float32[N] {}\n return x }", "line 2: expected a type with fixed dimensions for a constant", MOTE_E_FORMAT},
        {"graph (x) {\n const c: float32[2] {1.0}\n return x }", "line 2: expected ','", MOTE_E_FORMAT},
        {"graph (x) {\n const c: int8[100000000000] fill 1\n return x }", "line 2: constants of more than 67108864 bytes", MOTE_E_LIMIT},
        {"graph (x) {\n const c: float32[4] ... 16 bytes\n return x }", "line 2: expected data (this text abbreviates it)", MOTE_E_FORMAT},
        {"graph (x: float32[1,2,3,4,5,6,7,8,9]) { return x }", "line 1: expected at most 8 dimensions", MOTE_E_FORMAT},
        {"graph (x: flot[1]) { return x }", "line 1: expected an element type", MOTE_E_FORMAT},
        {"graph (x) { y = Op(x) {a=99999999999999999999} return y }", "line 1: expected an integer of 64 bits", MOTE_E_FORMAT},
        {"graph (x) { return x", "line 1: expected ','", MOTE_E_FORMAT},
        {"graph (x) {", "line 1: expected 'return'", MOTE_E_FORMAT},
        {"graph (x) { return x } x", "line 1: expected the end of the text", MOTE_E_FORMAT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mote_module *m;
        mote_diag diag = MOTE_DIAG_INIT;
        assert_int_equal(mote_module_parse(&heap, mote_str_c(rows[i].text), &m, &diag), rows[i].status);
        assert_null(m);
        assert_string_equal(diag.message, rows[i].message);
    }
    /* A bomb of nested graphs is refused at the limit, not at the stack's end. */
    mote_text t;
    mote_text_init(&t, &heap);
    for (int i = 0; i < 100000; i++)
        mote_text_printf(&t, "graph () { = A() {b=");
    mote_module *m;
    assert_int_equal(mote_module_parse(&heap, (mote_str){t.p, t.n}, &m, NULL), MOTE_E_LIMIT);
    mote_text_deinit(&t);
}

static void edits(void **state)
{
    (void)state;
    mote_module *m = parse("opset \"\" 17\ngraph \"\" (x: float32[2]) {\n a = Relu(x)\n b = Identity(a)\n c = Add(a, b)\n return c, b\n}");
    mote_value *a = value(m, "a"), *b = value(m, "b"), *x = value(m, "x");
    assert_int_equal(mote_value_use_count(a), 2);
    assert_null(mote_value_single_user(a));
    assert_true(mote_value_is_output(b));
    assert_false(mote_value_can_replace(b, x));
    assert_true(mote_value_can_replace(b, a));
    mote_node *identity = b->producer;
    mote_value_replace(b, a); /* the output keeps its name */
    mote_node_remove(identity);
    assert_sound(m);
    expect_text(m, "module ir 8\nopset \"\" 17\ngraph \"\" (x: float32[2]) {\n  b = Relu(x)\n  c = Add(b, b)\n  return c, b\n}\n");

    mote_node *n = mote_graph_add_node(m->graph, m->graph->last, "mote", "Conv", 1, 1, 2, true);
    assert_non_null(n);
    mote_node_set_input(n, 0, a);
    assert_int_equal(mote_node_resize_inputs(n, 5), MOTE_OK);
    mote_node_set_input(n, 4, a);
    mote_node_set_input(n, 0, x);
    assert_int_equal(mote_node_set_ints(n, "pads", (const int64_t[]){1, 2}, 2), MOTE_OK);
    assert_int_equal(mote_node_set_int(n, "group", 3), MOTE_OK);
    assert_int_equal(mote_node_set_int(n, "group", 4), MOTE_OK);
    assert_int_equal(mote_node_set_float(n, "alpha", 0.25f), MOTE_OK);
    assert_int_equal(mote_node_set_string(n, "activation", "Relu"), MOTE_OK);
    assert_int_equal(mote_node_int(n, "group", 0), 4);
    assert_int_equal(mote_node_int(n, "pads", 9), 9); /* of another kind */
    mote_node_remove_attr(n, "alpha");
    assert_null(mote_node_attr(n, "alpha"));
    assert_sound(m);
    expect_text(m, "module ir 8\nopset \"\" 17\ngraph \"\" (x: float32[2]) {\n  b = Relu(x)\n"
                   "  _m0, _m1 = mote::Conv(x, _, _, _, b) {pads=[1, 2], group=4, activation=\"Relu\"}\n"
                   "  c = Add(b, b)\n  return c, b\n}\n");
    assert_int_equal(mote_node_resize_inputs(n, 1), MOTE_OK);
    assert_int_equal(mote_value_use_count(a), 3);
    mote_node_remove(n);
    assert_sound(m);
    mote_module_destroy(&m);

    /* Removing a node gives back what its subgraphs use. */
    m = parse(sample);
    mote_node *gelu = value(m, "o")->producer, *branch = value(m, "return")->producer;
    mote_value_replace(value(m, "o"), value(m, "y"));
    mote_node_remove(gelu);
    mote_node_remove(branch);
    assert_sound(m);
    assert_int_equal(mote_value_use_count(value(m, "c")), 0);
    mote_value_remove(value(m, "c"));
    assert_sound(m);
    mote_module_destroy(&m);
}

static void sorting(void **state)
{
    (void)state;
    mote_module *m = parse("opset \"\" 17\ngraph \"\" (x) {\n a = A(x)\n b = B(x)\n c = C(a)\n d = If(x) {then_branch=graph \"\" () {\n e = E(b)\n return e }}\n return c, d\n}");
    mote_node *a = value(m, "a")->producer, *b = value(m, "b")->producer;
    mote_node_move_before(a, NULL);
    mote_node_move_before(b, NULL);
    mote_diag diag = MOTE_DIAG_INIT;
    assert_int_equal(mote_module_verify(m, &diag), MOTE_E_MODEL);
    assert_string_equal(diag.message, "value 'a' is used before it is made");
    assert_int_equal(mote_graph_sort(m->graph, NULL), MOTE_OK);
    assert_sound(m);
    expect_text(m, "module ir 8\nopset \"\" 17\ngraph \"\" (x: ?) {\n  a = A(x)\n  c = C(a)\n  b = B(x)\n  d = If(x) {then_branch=graph \"\" () {\n      e = E(b)\n      return e\n    }}\n  return c, d\n}\n");
    mote_node_set_input(a, 0, value(m, "c"));
    diag = (mote_diag)MOTE_DIAG_INIT;
    assert_int_equal(mote_graph_sort(m->graph, &diag), MOTE_E_MODEL);
    assert_string_equal(diag.message, "the graph has a cycle: node '' (A) needs its own result");
    mote_module_destroy(&m);
}

static void verifying(void **state)
{
    (void)state;
    mote_diag diag = MOTE_DIAG_INIT;
    mote_module *m = parse("graph (x) {\n const c: float32[2] {1.0, 2.0}\n y = Add(x, c)\n return y\n}");
    mote_value *y = value(m, "y"), *x = value(m, "x"), *c = value(m, "c");
    mote_str name = y->name;
    y->name = x->name;
    assert_int_equal(mote_module_verify(m, &diag), MOTE_E_MODEL);
    assert_string_equal(diag.message, "value 'x' is defined twice");
    y->name = name;
    c->type.dims[0] = 3;
    assert_int_equal(mote_module_verify(m, NULL), MOTE_E_MODEL);
    c->type.dims[0] = 2;
    mote_use *uses = x->uses;
    x->uses = NULL;
    assert_int_equal(mote_module_verify(m, NULL), MOTE_E_MODEL);
    x->uses = uses;
    x->type.rank = 1;
    x->type.dims[0] = MOTE_DIM_SYMBOL(0);
    assert_int_equal(mote_module_verify(m, NULL), MOTE_E_MODEL);
    x->type.rank = -1;
    y->producer->prev = y->producer;
    assert_int_equal(mote_module_verify(m, NULL), MOTE_E_MODEL);
    y->producer->prev = NULL;
    assert_sound(m);
    mote_module_destroy(&m);
}

/* Allocation N fails, for every N until all succeed: a status, no leak. */
static size_t countdown;

static void *failing_alloc(void *ctx, size_t bytes, size_t align)
{
    (void)ctx;
    if (countdown-- == 0) {
        countdown = 0;
        return NULL;
    }
    return aligned_alloc(align, (bytes + align - 1) / align * align);
}

static void failing_free(void *ctx, void *p, size_t bytes)
{
    (void)ctx;
    (void)bytes;
    free(p);
}

static void out_of_memory(void **state)
{
    (void)state;
    mote_allocator allocator = MOTE_ALLOCATOR_INIT;
    allocator.alloc = failing_alloc;
    allocator.free = failing_free;
    mote_heap small;
    bool done = false;
    for (size_t n = 0; n < 1000 && !done; n++) {
        mote_heap_init(&small, &allocator, 0);
        countdown = n;
        mote_module *m, *copy;
        mote_status st = mote_module_parse(&small, MOTE_STR(sample), &m, NULL);
        if (st == MOTE_OK) {
            st = mote_module_clone(m, &small, &copy);
            if (st == MOTE_OK) {
                done = mote_graph_sort(copy->graph, NULL) == MOTE_OK;
                mote_module_destroy(&copy);
            }
            mote_module_destroy(&m);
        }
        assert_true(st == MOTE_OK || st == MOTE_E_MEMORY);
        assert_int_equal(small.used, 0);
    }
    assert_true(done);
}

int main(void)
{
    mote_heap_init(&heap, NULL, 0);
    const struct CMUnitTest tests[] = {cmocka_unit_test(text_round_trip), cmocka_unit_test(abbreviated), cmocka_unit_test(bad_text),
                                       cmocka_unit_test(edits),           cmocka_unit_test(sorting),     cmocka_unit_test(verifying),
                                       cmocka_unit_test(out_of_memory)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed != 0 ? failed : heap.used != 0;
}
