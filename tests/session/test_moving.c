/* test_moving.c - graphs of moving, reducing and choosing operators in a session: the reference executor's bits, nothing allocated when run again
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "onnx/write.h"
#include "ops/op.h"
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

/* Input 0 is of floats, the others of int64 and one element each, with the values of numbers[run]. Returns what the last run allocated. */
static size_t compare(const char *text, const char *disabled, unsigned threads, const int64_t (*numbers)[2], size_t runs)
{
    mote_heap heap;
    mote_diag diag = MOTE_DIAG_INIT;
    const mote_allocator allocator = {sizeof allocator, NULL, counting_alloc, plain_free};
    mote_heap_init(&heap, NULL, 0);
    mote_module *m = NULL;
    void *bytes;
    size_t n_bytes, during = 0;
    if (mote_module_parse(&heap, mote_str_c(text), &m, &diag) != MOTE_OK || mote_ops_resolve(m, &diag) != MOTE_OK ||
        mote_infer_module(m, &diag) != MOTE_OK || mote_onnx_write_memory(m, &heap, &bytes, &n_bytes, &diag) != MOTE_OK)
        fail_msg("%s: %s", diag.node, diag.message);
    mote_load_options load = MOTE_LOAD_OPTIONS_INIT;
    load.allocator = &allocator;
    load.disabled_passes = disabled;
    mote_session_options options = MOTE_SESSION_OPTIONS_INIT;
    options.threads = threads;
    mote_model *model;
    mote_session *session;
    if (mote_model_load_memory(bytes, n_bytes, &load, &model, &diag) != MOTE_OK || mote_session_create(model, &options, &session, &diag) != MOTE_OK)
        fail_msg("%s: %s", diag.node, diag.message);
    mote_array in[3], out[24];
    const mote_array *inputs[3];
    size_t n_in = m->graph->n_inputs, n_out = m->graph->n_outputs;
    assert_true(n_in <= 3 && n_out <= 24);
    for (size_t i = 0; i < n_in; i++) {
        const mote_type *t = &m->graph->inputs[i]->type;
        assert_int_equal(mote_array_shape(&in[i], t->dtype, t->rank, t->dims, NULL), MOTE_OK);
        in[i].data = mote_tensor_map(mote_session_input(session, i));
        inputs[i] = &in[i];
    }
    for (size_t r = 0; r < runs; r++) {
        for (size_t k = 0; k < mote_array_count(&in[0]); k++)
            ((float *)in[0].data)[k] = (float)((k * 37 + (r < 5 ? r : 5)) % 23) * 0.25f - 2.5f;
        for (size_t i = 1; i < n_in; i++)
            *(int64_t *)in[i].data = numbers[r][i - 1];
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
            if (out[i].bytes != 0)
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

static void everywhere(const char *text, const int64_t (*numbers)[2], size_t runs)
{
    assert_int_equal(compare(text, NULL, 1, numbers, runs), 0);
    assert_int_equal(compare(text, "all", 1, numbers, runs), 0);
    assert_int_equal(compare(text, "all", 3, numbers, runs), 0);
}

static void fixed_shapes(void **state)
{
    (void)state;
    static const char graph[] =
        "module ir 10 opset \"\" 21 graph (x: float32[2,12,9,40]) {\n"
        "  const axes: int64[2] {1, 3} const last: int64[1] {-1} const end: int64[] {-1} const starts: int64[2] {1, -1} const ends: int64[2] {100, 3}\n"
        "  const steps: int64[2] {2, -3} const pads: int64[8] {0, 1, 2, 1, 0, 0, -1, 3} const times: int64[4] {1, 2, 1, 1} const at: int64[3] {3, -1, 0}\n"
        "  const parts: int64[3] {5, 0, 7} const k: int64[1] {4} const where: int64[1,2] {1, -2} const c: float32[12] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}\n"
        "  a = Softmax(x) {axis=1} b = LogSoftmax(a) {axis=-1} d = Transpose(b) {perm=[0, 2, 3, 1]} e = Slice(d, starts, ends, axes, steps)\n"
        "  f = Pad(x, pads) {mode=\"reflect\"} g = Tile(e, times) h, i, j = Split(x, parts) {axis=1} l = Concat(j, x, h) {axis=1} n = Gather(l, at) {axis=2}\n"
        "  o = ReduceMean(n, axes) p = ReduceLogSumExp(l, axes) {keepdims=0} q = ReduceMax(x, last) r, s = TopK(x, k) {axis=-1} t = ArgMax(x) {axis=1}\n"
        "  u = InstanceNormalization(x, c, c) v = BatchNormalization(u, c, c, c, c) w = DepthToSpace(v) {blocksize=2} y = CumSum(w, end)\n"
        "  z = Trilu(y) aa = Cast(z) {to=7} ab = ReduceSum(aa, last) ac = Transpose(x) {perm=[0, 1, 3, 2]} ad = LayerNormalization(d, c) {axis=-1}\n"
        "  ae = GatherND(x, where) af = Neg(x) ag = ScatterND(af, where, ae) ah = Dropout(ag) ai = Flatten(ah)\n"
        "  return e, f, g, o, p, q, r, s, t, y, ab, ac, ad, ae, ai\n}";
    everywhere(graph, NULL, 3);
}

static void shapes_at_run(void **state)
{
    (void)state;
    static const char text[] =
        "module ir 10 opset \"\" 21 graph (x: float32[3,5,14], s: int64[1], k: int64[1]) {\n"
        "  const one: int64[1] {1} const many: int64[1] {1000} const flat: int64[2] {3, -1} const zero: int64[] {0} const unit: int64[] {1}\n"
        "  a = Slice(x, s, many, one) b = Reshape(a, flat) c = Relu(b) d, e = TopK(x, k) {axis=2, largest=0} f = GatherElements(x, e) {axis=2}\n"
        "  g = Sub(f, d) h = NonZero(a) i = Transpose(h) j = GatherND(a, i) l = CumSum(j, zero) m = Shape(a) n = Size(h) o = Range(zero, n, unit)\n"
        "  p = ConstantOfShape(m) q = Expand(p, m) r = ReduceSum(q, one) {keepdims=0} t = Concat(r, r) {axis=0} u = Softmax(t) {axis=-1}\n"
        "  return c, d, e, g, h, l, o, r, u\n}";
    static const int64_t numbers[][2] = {{1, 3}, {0, 14}, {4, 1}, {2, 0}, {2, 7}, {2, 7}, {2, 7}};
    everywhere(text, numbers, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fixed_shapes), cmocka_unit_test(shapes_at_run)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
