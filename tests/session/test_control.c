/* test_control.c - control flow in a session: the values of the reference executor, shift registers, nothing allocated when run again
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "onnx/write.h"
#include "ops/op.h"
#include "passes/pass.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static size_t made;
static void *counting_alloc(void *ctx, size_t bytes, size_t align)
{
    (void)ctx;
    made++;
    return aligned_alloc(align, (bytes + align - 1) / align * align);
}
static void plain_free(void *ctx, void *p, size_t bytes)
{
    (void)ctx, (void)bytes;
    free(p);
}

static mote_module *parse(mote_heap *heap, const char *text)
{
    mote_module *m = NULL;
    mote_diag diag = MOTE_DIAG_INIT;
    if (mote_module_parse(heap, mote_str_c(text), &m, &diag) != MOTE_OK || mote_ops_resolve(m, &diag) != MOTE_OK ||
        mote_infer_module(m, &diag) != MOTE_OK)
        fail_msg("%s", diag.message);
    return m;
}

/* Runs a text in a session and by the reference executor, several times with other numbers; `last` is the value of its last input, a bool or an
 * int64, in each run. Returns the allocations of the last run. */
static size_t compare(const char *text, const char *disabled, const int64_t *last, size_t runs)
{
    mote_heap heap;
    mote_diag diag = MOTE_DIAG_INIT;
    const mote_allocator allocator = {sizeof allocator, NULL, counting_alloc, plain_free};
    mote_heap_init(&heap, NULL, 0);
    mote_module *m = parse(&heap, text);
    void *bytes;
    size_t n_bytes, during = 0;
    if (mote_onnx_write_memory(m, &heap, &bytes, &n_bytes, &diag) != MOTE_OK)
        fail_msg("%s", diag.message);
    mote_load_options load = MOTE_LOAD_OPTIONS_INIT;
    load.allocator = &allocator;
    load.disabled_passes = disabled;
    mote_session_options options = MOTE_SESSION_OPTIONS_INIT;
    options.threads = 1;
    mote_model *model;
    mote_session *session;
    if (mote_model_load_memory(bytes, n_bytes, &load, &model, &diag) != MOTE_OK || mote_session_create(model, &options, &session, &diag) != MOTE_OK)
        fail_msg("%s: %s", diag.node, diag.message);
    mote_array in[4], out[4];
    const mote_array *inputs[4];
    size_t n_in = m->graph->n_inputs, n_out = m->graph->n_outputs;
    for (size_t i = 0; i < n_in; i++) {
        const mote_type *t = &m->graph->inputs[i]->type;
        assert_int_equal(mote_array_shape(&in[i], t->dtype, t->rank, t->dims, NULL), MOTE_OK);
        in[i].data = mote_tensor_map(mote_session_input(session, i));
        inputs[i] = &in[i];
    }
    for (size_t r = 0; r < runs; r++) {
        for (size_t i = 0; i + 1 < n_in; i++)
            for (size_t k = 0; k < mote_array_count(&in[i]); k++)
                ((float *)in[i].data)[k] = (float)(k % 7) - 2.5f + (float)(r + i);
        mote_dtype_from_i64(in[n_in - 1].dtype, in[n_in - 1].data, 0, last[r]);
        if (mote_eval_graph(m->graph, inputs, n_in, out, n_out, &heap, 0, NULL, NULL, &diag) != MOTE_OK)
            fail_msg("%s: %s", diag.node, diag.message);
        size_t before = made;
        if (mote_session_run(session, NULL, &diag) != MOTE_OK)
            fail_msg("%s: %s", diag.node, diag.message);
        during = made - before;
        for (size_t i = 0; i < n_out; i++) {
            const mote_tensor *y = mote_session_output(session, i);
            assert_int_equal(y->rank, out[i].rank);
            for (int32_t d = 0; d < y->rank; d++)
                assert_int_equal(y->shape[d], out[i].dims[d]);
            assert_memory_equal(mote_tensor_map(y), out[i].data, out[i].bytes);
            mote_array_free(&heap, &out[i]);
        }
    }
    mote_session_destroy(&session);
    mote_model_destroy(&model);
    mote_heap_free(&heap, bytes, n_bytes);
    mote_module_destroy(&m);
    assert_int_equal(heap.used, 0);
    return during;
}

#define DELAY                                                                                                          \
    "module ir 8 opset \"\" 17 graph (x: float32[2,1,3], line: float32[2,4,3], m: int64[1]) {\n"                        \
    "  a, b, c = Loop(m, _, line, x) {body=graph (i: int64[], go: bool[], s: float32[2,4,3], v: float32[2,1,3]) {\n"     \
    "    const zero: int64[1] {0} const one: int64[1] {1} const five: int64[1] {5} const two: int64[1] {2}\n"            \
    "    all = Concat(s, v) {axis=1} old = Slice(all, zero, one, one) mid = Slice(all, two, five, one, one)\n"           \
    "    next = Slice(all, one, five, one)\n"                                                                            \
    "    sum = ReduceSum(mid, one) {keepdims=1} w = Add(old, sum) y = Tanh(w) g = Identity(go) t = Identity(y)\n"         \
    "    return g, next, y, t } } return a, b, c }"

static void delay_lines(void **state)
{
    (void)state;
    const int64_t trips[] = {3, 9, 9, 1, 0, 9};
    assert_int_equal(compare(DELAY, NULL, trips, 6), 0);
    assert_int_equal(compare(DELAY, "all", trips, 6), 0);
}

/* The slice `mid` spans both parts in DELAY, so nothing is rewritten there; without it the register is shifted. */
static void registers(void **state)
{
    (void)state;
    static const char text[] = "module ir 8 opset \"\" 17 graph (x: float32[2,1,3], line: float32[2,4,3], m: int64[1]) {\n"
                               "  a, b, c = Loop(m, _, line, x) {body=graph (i: int64[], go: bool[], s: float32[2,4,3], v: float32[2,1,3]) {\n"
                               "    const zero: int64[1] {0} const one: int64[1] {1} const many: int64[1] {9223372036854775807} const minus: int64[1] {-2}\n"
                               "    all = Concat(s, v) {axis=-2} old = Slice(all, zero, one, one)\n"
                               "    next = Slice(all, one, many, minus) w = Add(old, v) y = Tanh(w) g = Identity(go) t = Identity(y)\n"
                               "    return g, next, y, t } } return a, b, c }";
    const int64_t trips[] = {3, 9, 9, 1, 0, 2500, 9, 2500}; /* long enough to reach the end of the memory that a state slides through */
    assert_int_equal(compare(text, NULL, trips, 8), 0);
    assert_int_equal(compare(text, "shift", trips, 8), 0);
    mote_heap heap;
    mote_diag diag = MOTE_DIAG_INIT;
    mote_heap_init(&heap, NULL, 0);
    mote_module *m = parse(&heap, text);
    mote_pass_options o = {.lower = true};
    if (mote_passes_run(m, &o, &diag) != MOTE_OK)
        fail_msg("%s", diag.message);
    size_t shifts = 0, concats = 0;
    for (const mote_node *n = m->graph->first; n != NULL; n = n->next)
        if (mote_node_is(n, "", "Loop"))
            for (const mote_node *k = mote_node_subgraph(n, "body")->first; k != NULL; k = k->next) {
                shifts += mote_node_is(k, "mote", "Shift");
                concats += mote_node_is(k, "", "Concat");
            }
    assert_int_equal(shifts, 1);
    assert_int_equal(concats, 0);
    mote_module_destroy(&m);
}

/* A register shorter than what comes, and one as long. */
static void short_registers(void **state)
{
    (void)state;
    static const char text[] = "module ir 8 opset \"\" 17 graph (x: float32[2,3], s: float32[2,2], m: int64[1]) {\n"
                               "  const zero: int64[1] {0} const two: int64[1] {2} const three: int64[1] {3} const five: int64[1] {5} const one: int64[1] {1}\n"
                               "  all = Concat(s, x) {axis=1} a = Slice(all, three, five, one) b = Slice(all, zero, two, one) c = Slice(all, two, five, one)\n"
                               "  d = Concat(x, s) {axis=1} e = Slice(d, two, five, one) f = Neg(e) return a, b, c, f }";
    const int64_t last[] = {0, 1};
    assert_int_equal(compare(text, NULL, last, 2), 0);
}

/* Branches of different shapes; a step behind them whose shape comes from a value. */
static void branches(void **state)
{
    (void)state;
    static const char four[] = "module ir 8 opset \"\" 17 graph (x: float32[3,4], c: bool[]) {\n"
                               "  const one: int64[1] {1} const three: int64[1] {3}\n"
                               "  y, z, w = If(c) {then_branch=graph () { a = Relu(x) b = Neg(a) return a, b, a },\n"
                               "    else_branch=graph () { a2 = Slice(x, one, three, one) b2 = Exp(a2) return x, b2, a2 } }\n"
                               "  u = Tanh(z) s = Shape(w) v = Reshape(z, s) t = Add(y, y) q = Mul(v, w) return y, u, t, q }";
    const int64_t last[] = {1, 0, 1, 1, 0, 0, 0};
    assert_int_equal(compare(four, NULL, last, 7), 0);
    assert_int_equal(compare(four, NULL, last, 4), 0);
}

/* A state that grows: other shapes in each iteration. */
static void growing(void **state)
{
    (void)state;
    static const char text[] = "module ir 8 opset \"\" 17 graph (x: float32[1,3], m: int64[1]) {\n"
                               "  a, c = Loop(m, _, x) {body=graph (i: int64[], go: bool[], s: float32[?,3]) {\n"
                               "    const one: int64[1] {1}  t = ReduceSum(s) {keepdims=1} u = Mul(x, t) next = Concat(s, u) {axis=0} g = Identity(go) f = Tanh(t)\n"
                               "    return g, next, f } } return a, c }";
    const int64_t last[] = {3, 7, 7};
    (void)compare(text, NULL, last, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(delay_lines), cmocka_unit_test(registers), cmocka_unit_test(short_registers),
                                       cmocka_unit_test(branches), cmocka_unit_test(growing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
