/* test_op_table.c - the table of operators, resolution, inference and the reference executor
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "ops/op.h"
#include "ops/signature.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void well_formed(void **state)
{
    (void)state;
    size_t count;
    const mote_op_def *const *t = mote_op_table(&count);
    for (size_t i = 0; i < count; i++) {
        mote_signature s;
        const mote_op_def *d = t[i];
        if (mote_signature_read(d, d->in, &s) != MOTE_OK || mote_signature_read(d, d->out, &s) != MOTE_OK)
            fail_msg("%s-%d: ill-formed signature", d->name, (int)d->since);
        for (int v = 0; d->types != NULL && d->types[v].name[0] != 0; v++)
            if (d->types[v].dtypes == 0)
                fail_msg("%s-%d: type variable %s has no type", d->name, (int)d->since, d->types[v].name);
        if (i == 0)
            continue;
        const mote_op_def *p = t[i - 1];
        int c = strcmp(p->domain, d->domain);
        if (c == 0)
            c = strcmp(p->name, d->name);
        if (c > 0 || (c == 0 && p->since >= d->since))
            fail_msg("%s-%d stands before %s-%d", p->name, (int)p->since, d->name, (int)d->since);
    }
}

static void versions(void **state)
{
    (void)state;
    mote_str add = MOTE_STR("Add"), onnx = MOTE_STR("");
    assert_int_equal(mote_op_find(onnx, add, 7)->since, 7);
    assert_int_equal(mote_op_find(onnx, add, 12)->since, 7);
    assert_int_equal(mote_op_find(onnx, add, 13)->since, 13);
    assert_int_equal(mote_op_find(MOTE_STR("ai.onnx"), add, 99)->since, 14);
    assert_null(mote_op_find(onnx, add, 1));
    assert_null(mote_op_find(onnx, MOTE_STR("Ad"), 14));
    assert_null(mote_op_find(onnx, MOTE_STR("Addd"), 14));
    assert_null(mote_op_find(MOTE_STR("com.example"), add, 14));
}

static mote_module *parse(mote_heap *heap, const char *text)
{
    mote_module *m = NULL;
    mote_diag diag = MOTE_DIAG_INIT;
    mote_heap_init(heap, NULL, 0);
    if (mote_module_parse(heap, mote_str_c(text), &m, &diag) != MOTE_OK)
        fail_msg("%s", diag.message);
    return m;
}

static void check_refused(const char *text, mote_status code, const char *words)
{
    mote_heap heap;
    mote_diag diag = MOTE_DIAG_INIT;
    mote_module *m = parse(&heap, text);
    mote_status status = mote_ops_resolve(m, &diag);
    if (status == MOTE_OK)
        status = mote_infer_module(m, &diag);
    if (status != code || strstr(diag.message, words) == NULL)
        fail_msg("%s\nstatus %d, %s '%s': %s\nexpected %d, ...%s...", text, (int)status, diag.op, diag.node, diag.message, (int)code, words);
    mote_module_destroy(&m);
    assert_int_equal(heap.used, 0);
}

static void refused(void **state)
{
    (void)state;
    check_refused("module ir 8 opset \"\" 17 graph (x: float32[2]) { y = Nope(x) return y }", MOTE_E_UNSUPPORTED, "not known");
    check_refused("module ir 8 opset \"\" 13 graph (x: float32[2]) { y = Mish(x) return y }", MOTE_E_UNSUPPORTED, "from version 18 on");
    check_refused("module ir 8 opset \"\" 17 graph (x: float32[2]) { y = Relu(x) {alpha=1.0} return y }", MOTE_E_MODEL, "'alpha'");
    check_refused("module ir 8 opset \"\" 17 graph (x: float32[2]) { y = LeakyRelu(x) {alpha=1} return y }", MOTE_E_MODEL, "a float");
    check_refused("module ir 8 opset \"\" 17 graph (x: float32[2]) { y = Relu(x, x) return y }", MOTE_E_MODEL, "2 inputs");
    check_refused("module ir 8 opset \"\" 17 graph (x: float32[2]) { y = Add(x, _) return y }", MOTE_E_MODEL, "missing");
    check_refused("module ir 8 opset \"\" 17 graph (x: float32[2]) { y = Cast(x) return y }", MOTE_E_MODEL, "'to' is missing");
    check_refused("module ir 8 opset \"\" 17 graph (x: float32[2], z: int64[2]) { y = Add(x, z) return y }", MOTE_E_DTYPE, "int64");
    check_refused("module ir 8 opset \"\" 17 graph (x: int64[2]) { y = Exp(x) return y }", MOTE_E_DTYPE, "does not take");
    check_refused("module ir 8 opset \"\" 17 graph (x: float32[2], z: float32[3]) { y = Add(x, z) return y }", MOTE_E_SHAPE, "2 and 3");
    check_refused("module ir 8 opset \"\" 17 graph (x: float32[2]) { y: float32[3] = Relu(x) return y }", MOTE_E_SHAPE, "declared");
    check_refused("module ir 8 opset \"\" 17 graph (x: float32[2]) { y: float16[2] = Relu(x) return y }", MOTE_E_DTYPE, "declared");
    check_refused("module ir 8 opset \"\" 17 graph (x: float32[4294967296,4294967296]) { y = Relu(x) return y }", MOTE_E_SHAPE, "2^48");
}

static void shapes_flow(void **state)
{
    (void)state;
    mote_heap heap;
    mote_diag diag = MOTE_DIAG_INIT;
    mote_module *m = parse(&heap, "module ir 8 opset \"\" 17 graph (x: float32[2,3,4], z: float32[N,4]) {\n"
                                  " const zero: int64[1] {0} const two: int64[1] {2} const minus: int64[1] {-1}\n"
                                  " s = Shape(x) a = Gather(s, zero) b = Mul(a, two) c = Concat(b, minus) {axis=0}\n"
                                  " lie: float32[99] = Reshape(x, c) t = Relu(lie) u = Relu(z) return t, u }");
    assert_int_equal(mote_ops_resolve(m, &diag), MOTE_OK);
    if (mote_infer_module(m, &diag) != MOTE_OK)
        fail_msg("%s", diag.message);
    const mote_type *t = &m->graph->outputs[0]->value->type;
    assert_int_equal(t->dtype, MOTE_DTYPE_F32);
    assert_int_equal(t->rank, 2);
    assert_int_equal(t->dims[0], 4);
    assert_int_equal(t->dims[1], 6);
    const mote_type *u = &m->graph->outputs[1]->value->type;
    assert_int_equal(u->dims[0], mote_module_symbol(m, MOTE_STR("N")));
    assert_int_equal(u->dims[1], 4);
    mote_module_destroy(&m);
    assert_int_equal(heap.used, 0);
}

static void runs(void **state)
{
    (void)state;
    mote_heap heap;
    mote_diag diag = MOTE_DIAG_INIT;
    mote_module *m = parse(&heap, "module ir 8 opset \"\" 17 graph (x: float32[2,2]) {\n"
                                  " const w: float32[2] {1.0, -2.0} a = Add(x, w) y = Relu(a) return y, a, y, x }");
    assert_int_equal(mote_ops_resolve(m, &diag), MOTE_OK);
    assert_int_equal(mote_infer_module(m, &diag), MOTE_OK);
    float data[] = {1, 2, 3, 4};
    int64_t dims[] = {2, 2};
    mote_array x, out[4];
    const mote_array *in[] = {&x};
    assert_int_equal(mote_array_shape(&x, MOTE_DTYPE_F32, 2, dims, NULL), MOTE_OK);
    x.data = data;
    if (mote_eval_graph(m->graph, in, 1, out, 4, &heap, 0, NULL, NULL, &diag) != MOTE_OK)
        fail_msg("%s", diag.message);
    const float relu[] = {2, 0, 4, 2};
    assert_memory_equal(out[0].data, relu, sizeof relu);
    assert_memory_equal(out[2].data, relu, sizeof relu);
    assert_memory_equal(out[3].data, data, sizeof data);
    for (int i = 0; i < 4; i++)
        mote_array_free(&heap, &out[i]);
    assert_int_equal(mote_eval_graph(m->graph, in, 1, out, 4, &heap, 1, NULL, NULL, &diag), MOTE_E_LIMIT);
    in[0] = NULL;
    diag = (mote_diag)MOTE_DIAG_INIT;
    assert_int_equal(mote_eval_graph(m->graph, in, 1, out, 4, &heap, 0, NULL, NULL, &diag), MOTE_E_ARGUMENT);
    mote_module_destroy(&m);
    assert_int_equal(heap.used, 0);
}

/* Every allocation in turn fails: a status, nothing lost. */
static size_t failing, made;
static void *failing_alloc(void *ctx, size_t bytes, size_t align)
{
    (void)ctx;
    return made++ == failing ? NULL : aligned_alloc(align, (bytes + align - 1) / align * align);
}
static void plain_free(void *ctx, void *p, size_t bytes)
{
    (void)ctx, (void)bytes;
    free(p);
}

static void memory_runs_out(void **state)
{
    (void)state;
    const mote_allocator allocator = {sizeof allocator, NULL, failing_alloc, plain_free};
    for (failing = 0; failing < 1000; failing++) {
        mote_heap heap;
        mote_module *m = NULL;
        mote_array x, out[1] = {{0}};
        float data[6] = {0};
        int64_t dims[] = {2, 3};
        made = 0;
        mote_heap_init(&heap, &allocator, 0);
        mote_status status = mote_module_parse(&heap, mote_str_c("module ir 8 opset \"\" 17 graph (x: float32[2,3]) { const m: int64[1] {-1}\n"
                                                                 "s = Shape(x) a = Mul(s, m) b = Neg(a) y = Reshape(x, b) return y }"),
                                               &m, NULL);
        if (status == MOTE_OK)
            status = mote_ops_resolve(m, NULL);
        if (status == MOTE_OK)
            status = mote_infer_module(m, NULL);
        const mote_array *in[] = {&x};
        assert_int_equal(mote_array_shape(&x, MOTE_DTYPE_F32, 2, dims, NULL), MOTE_OK);
        x.data = data;
        if (status == MOTE_OK)
            status = mote_eval_graph(m->graph, in, 1, out, 1, &heap, 0, NULL, NULL, NULL);
        if (status == MOTE_OK)
            mote_array_free(&heap, &out[0]);
        mote_module_destroy(&m);
        assert_int_equal(heap.used, 0);
        if (made <= failing) {
            assert_int_equal(status, MOTE_OK);
            return;
        }
        assert_int_equal(status, MOTE_E_MEMORY);
    }
    fail();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(well_formed), cmocka_unit_test(versions), cmocka_unit_test(refused),
                                       cmocka_unit_test(shapes_flow), cmocka_unit_test(runs), cmocka_unit_test(memory_runs_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
