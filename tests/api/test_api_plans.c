/* test_api_plans.c - input and output tensors, plans by shapes, the caller's memory bound, inputs with defaults, what a caller may get wrong
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "support/model.h"
#include "support/nets.h"

/* y = x w + x, of any number of rows; z = y as one row. */
static const char rows_net[] = NET "(x: float32[N,4], k: float32[N,4]) { const w: float32[4,4] {2.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0,\n"
                                   "0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 2.0} a = MatMul(x, w) y = Add(a, k) z = Flatten(y) {axis=0} return y, z }";

typedef struct fixture {
    void *bytes;
    mote_model *model;
    mote_session *s;
    mote_diag diag;
} fixture;

static fixture open_net(const char *text, bool keep_optional)
{
    fixture f = {.diag = MOTE_DIAG_INIT};
    mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
    o.keep_optional_inputs = keep_optional;
    f.model = model_of(text, &o, &f.bytes);
    mote_session_options so = MOTE_SESSION_OPTIONS_INIT;
    so.threads = 1;
    f.s = session_of(f.model, &so);
    return f;
}

static void close_net(fixture *f)
{
    mote_session_destroy(&f->s);
    assert_null(f->s);
    mote_session_destroy(&f->s);
    mote_model_destroy(&f->model);
    mote_model_destroy(&f->model);
    free(f->bytes);
}

static void prepare_rows(fixture *f, int64_t n)
{
    mote_tensor shapes[2] = {SHAPE(MOTE_DTYPE_F32, n, 4), SHAPE(MOTE_DTYPE_F32, n, 4)};
    ASSERT_OK(mote_session_prepare(f->s, shapes, 2, &f->diag), f->diag);
}

static float *data(const mote_tensor *t) { return mote_tensor_map(t); }

static void run_rows(fixture *f, int64_t n)
{
    float *x = data(mote_session_input(f->s, 0)), *k = data(mote_session_input(f->s, 1));
    for (int64_t i = 0; i < n * 4; i++) {
        x[i] = (float)i;
        k[i] = (float)(n * 100);
    }
    ASSERT_OK(mote_session_run(f->s, NULL, &f->diag), f->diag);
    const mote_tensor *y = mote_session_output(f->s, 0), *z = mote_session_output(f->s, 1);
    assert_int_equal(y->rank, 2);
    assert_int_equal(y->shape[0], n);
    assert_int_equal(z->shape[1], n * 4);
    assert_int_equal(y->bytes, (size_t)n * 16);
    for (int64_t i = 0; i < n * 4; i++) {
        assert_true(data(y)[i] == (float)(2 * i + n * 100));
        assert_true(data(z)[i] == data(y)[i]);
    }
}

/* ---- memory ---- */

static void memory_stays(void **state)
{
    (void)state;
    static const char *const nets[] = {conv_net, transformer_net, lstm_net, quantized_net, loop_net};
    for (size_t k = 0; k < sizeof nets / sizeof *nets; k++) {
        fixture f = open_net(nets[k], false);
        mote_memory_info most = MOTE_MEMORY_INFO_INIT, now = MOTE_MEMORY_INFO_INIT;
        for (int i = 0; i < 1000; i++) { /* 20 sizes: more than the plans that are kept */
            prepare_for(f.model, f.s, 7 + i * 7 % 20);
            fill_inputs(f.model, f.s, (uint32_t)i % 20);
            ASSERT_OK(mote_session_run(f.s, NULL, &f.diag), f.diag);
            assert_int_equal(mote_session_memory(f.s, &now), MOTE_OK);
            if (i < 100) {
                most.model_bytes = now.model_bytes > most.model_bytes ? now.model_bytes : most.model_bytes;
                most.session_bytes = now.session_bytes > most.session_bytes ? now.session_bytes : most.session_bytes;
            }
            assert_true(now.model_bytes <= most.model_bytes);
            assert_true(now.session_bytes <= most.session_bytes);
        }
        close_net(&f);
    }
}

/* ---- tensors and plans ---- */

static void before_a_plan(void **state)
{
    (void)state;
    fixture f = open_net(rows_net, false);
    const mote_tensor *x = mote_session_input(f.s, 0);
    assert_int_equal(x->rank, -1);
    assert_int_equal(x->dtype, MOTE_DTYPE_F32);
    assert_null(mote_tensor_map(x));
    assert_int_equal(mote_tensor_count(x), 0);
    assert_null(mote_session_input(f.s, 2));
    assert_null(mote_session_output(f.s, 2));
    assert_null(mote_session_input(NULL, 0));
    assert_int_equal(mote_session_run(f.s, NULL, &f.diag), MOTE_E_ARGUMENT);
    ASSERT_SAYS(f.diag, "input 'x' is not given");
    close_net(&f);
}

static void in_place(void **state)
{
    (void)state;
    fixture f = open_net(rows_net, false);
    prepare_rows(&f, 3);
    mote_tensor *x = mote_session_input(f.s, 0);
    const mote_tensor *y = mote_session_output(f.s, 0);
    void *at = mote_tensor_map(x), *out = mote_tensor_map(y);
    assert_int_equal((uintptr_t)at % 64, 0);
    assert_int_equal((uintptr_t)out % 64, 0);
    run_rows(&f, 3);
    for (int i = 0; i < 3; i++) { /* the input keeps its contents; nothing moves */
        for (int k = 0; k < 12; k++)
            assert_true(data(x)[k] == (float)k);
        ASSERT_OK(mote_session_run(f.s, NULL, NULL), f.diag);
        assert_ptr_equal(mote_session_input(f.s, 0), x);
        assert_ptr_equal(mote_tensor_map(x), at);
        assert_ptr_equal(mote_tensor_map(y), out);
    }
    close_net(&f);
}

static void by_shapes(void **state)
{
    (void)state;
    fixture f = open_net(rows_net, false);
    prepare_rows(&f, 2);
    void *two = mote_tensor_map(mote_session_input(f.s, 0));
    run_rows(&f, 2);
    prepare_rows(&f, 5);
    run_rows(&f, 5);
    prepare_rows(&f, 2); /* the plan that was made */
    assert_ptr_equal(mote_tensor_map(mote_session_input(f.s, 0)), two);
    assert_true(data(mote_session_input(f.s, 0))[3] == 3); /* with its contents */
    run_rows(&f, 2);
    prepare_rows(&f, 0);
    run_rows(&f, 0);
    size_t most = 0;
    for (int64_t n = 1; n <= 60; n++) { /* old plans leave */
        prepare_rows(&f, n);
        run_rows(&f, n);
        mote_memory_info m = MOTE_MEMORY_INFO_INIT;
        assert_int_equal(mote_session_memory(f.s, &m), MOTE_OK);
        if (n == 20)
            most = m.session_bytes;
        if (n > 20)
            assert_true(m.session_bytes < most + 8 * 60 * 16 * 8);
    }
    close_net(&f);
}

static void wrong_shapes(void **state)
{
    (void)state;
    fixture f = open_net(rows_net, false);
    prepare_rows(&f, 2);
    const struct {
        mote_tensor shapes[2];
        size_t count;
        mote_status status;
        const char *says;
    } cases[] = {
        {{SHAPE(MOTE_DTYPE_F32, 2, 4), SHAPE(MOTE_DTYPE_F32, 3, 4)}, 2, MOTE_E_SHAPE, "dimension 'N' is 2 in input 'x' and 3 in input 'k'"},
        {{SHAPE(MOTE_DTYPE_F32, 2, 5), SHAPE(MOTE_DTYPE_F32, 2, 4)}, 2, MOTE_E_SHAPE, "input 'x' is float32[2,5], expected dimension 1 to be 4"},
        {{SHAPE(MOTE_DTYPE_F32, 8), SHAPE(MOTE_DTYPE_F32, 2, 4)}, 2, MOTE_E_SHAPE, "expected rank 2"},
        {{SHAPE(MOTE_DTYPE_F64, 2, 4), SHAPE(MOTE_DTYPE_F32, 2, 4)}, 2, MOTE_E_DTYPE, "input 'x' is float64, expected float32"},
        {{MOTE_TENSOR_INIT, SHAPE(MOTE_DTYPE_F32, 2, 4)}, 2, MOTE_E_ARGUMENT, "input 'x' is not given"},
        {{SHAPE(MOTE_DTYPE_F32, 2, 4)}, 1, MOTE_E_ARGUMENT, "1 shapes given, the model has 2 inputs"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(mote_session_prepare(f.s, cases[i].shapes, cases[i].count, &f.diag), cases[i].status);
        assert_int_equal(f.diag.code, cases[i].status);
        ASSERT_SAYS(f.diag, cases[i].says);
        run_rows(&f, 2); /* what was there stays */
    }
    mote_tensor t[2] = {SHAPE(MOTE_DTYPE_F32, 2, 4), SHAPE(MOTE_DTYPE_F32, 2, 4)};
    t[0].dtype = (mote_dtype)99;
    assert_int_equal(mote_session_prepare(f.s, t, 2, &f.diag), MOTE_E_DTYPE);
    t[0].dtype = MOTE_DTYPE_F32;
    t[0].shape[0] = -3;
    assert_int_equal(mote_session_prepare(f.s, t, 2, &f.diag), MOTE_E_SHAPE);
    t[0].shape[0] = INT64_MAX;
    assert_int_equal(mote_session_prepare(f.s, t, 2, &f.diag), MOTE_E_SHAPE);
    t[0].shape[0] = 2;
    t[0].rank = 9;
    assert_int_not_equal(mote_session_prepare(f.s, t, 2, &f.diag), MOTE_OK);
    t[0].rank = -1;
    assert_int_not_equal(mote_session_prepare(f.s, t, 2, &f.diag), MOTE_OK);
    t[0].rank = INT32_MAX;
    assert_int_not_equal(mote_session_prepare(f.s, t, 2, &f.diag), MOTE_OK);
    assert_int_equal(mote_session_prepare(f.s, NULL, 2, &f.diag), MOTE_E_ARGUMENT);
    assert_int_equal(mote_session_prepare(NULL, t, 2, &f.diag), MOTE_E_ARGUMENT);
    run_rows(&f, 2);
    close_net(&f);
}

/* ---- binding ---- */

static mote_tensor bound(mote_dtype dtype, int64_t n, int64_t m, void *p)
{
    mote_tensor t = MOTE_TENSOR_INIT;
    assert_int_equal(mote_tensor_describe(&t, dtype, 2, (int64_t[]){n, m}, p), MOTE_OK);
    return t;
}

static void bind_memory(void **state)
{
    (void)state;
    fixture f = open_net(rows_net, false);
    static float x[64], k[64], y[64], z[64];
    mote_tensor tx = bound(MOTE_DTYPE_F32, 2, 4, x), tk = bound(MOTE_DTYPE_F32, 2, 4, k + 1);
    assert_int_equal(mote_session_bind_output(f.s, 0, &tx, &f.diag), MOTE_E_ARGUMENT); /* nothing is planned yet */
    ASSERT_OK(mote_session_bind_input(f.s, 0, &tx, &f.diag), f.diag);                  /* one of two: the plan waits */
    ASSERT_OK(mote_session_bind_input(f.s, 1, &tk, &f.diag), f.diag);
    for (int i = 0; i < 8; i++) {
        x[i] = (float)i;
        k[i + 1] = 100;
    }
    assert_ptr_equal(mote_tensor_map(mote_session_input(f.s, 0)), x);
    ASSERT_OK(mote_session_run(f.s, NULL, &f.diag), f.diag);
    for (int i = 0; i < 8; i++)
        assert_true(data(mote_session_output(f.s, 0))[i] == (float)(2 * i + 100));
    mote_tensor ty = bound(MOTE_DTYPE_F32, 2, 4, y + 3), tz = bound(MOTE_DTYPE_F32, 1, 8, z);
    ASSERT_OK(mote_session_bind_output(f.s, 0, &ty, &f.diag), f.diag);
    ASSERT_OK(mote_session_bind_output(f.s, 1, &tz, &f.diag), f.diag);
    x[0] = 7;
    ASSERT_OK(mote_session_run(f.s, NULL, &f.diag), f.diag);
    assert_ptr_equal(mote_tensor_map(mote_session_output(f.s, 0)), y + 3);
    assert_true(y[3] == 114 && y[10] == 114 && z[0] == 114 && y[2] == 0 && y[11] == 0);
    for (int i = 0; i < 8; i++)
        assert_true(x[i] == (i == 0 ? 7 : (float)i) && k[i + 1] == 100); /* inputs are only read */
    ASSERT_OK(mote_session_bind_output(f.s, 0, NULL, &f.diag), f.diag);
    ASSERT_OK(mote_session_bind_input(f.s, 0, NULL, &f.diag), f.diag);
    run_rows(&f, 2);
    assert_true(y[3] == 114);
    close_net(&f);
}

static void bind_another_shape(void **state)
{
    (void)state;
    fixture f = open_net(rows_net, false);
    static float x[64], k[64], y[64];
    prepare_rows(&f, 2);
    mote_tensor ty = bound(MOTE_DTYPE_F32, 2, 4, y);
    ASSERT_OK(mote_session_bind_output(f.s, 0, &ty, &f.diag), f.diag);
    run_rows(&f, 2);
    for (int64_t n = 3; n < 6; n++) { /* N changes with the first, which leaves the second wrong until it is bound too */
        mote_tensor tx = bound(MOTE_DTYPE_F32, n, 4, x), tk = bound(MOTE_DTYPE_F32, n, 4, k);
        ASSERT_OK(mote_session_bind_input(f.s, 0, &tx, &f.diag), f.diag);
        assert_int_equal(mote_session_run(f.s, NULL, &f.diag), MOTE_E_SHAPE);
        ASSERT_OK(mote_session_bind_input(f.s, 1, &tk, &f.diag), f.diag);
        y[0] = -1;
        run_rows(&f, n);
        assert_true(y[0] == -1); /* the output's memory was for another size: it is the session's own again */
    }
    prepare_rows(&f, 7); /* a prepare for another size takes the session's memory */
    assert_ptr_not_equal(mote_tensor_map(mote_session_input(f.s, 0)), x);
    run_rows(&f, 7);
    close_net(&f);
}

static void bind_mistakes(void **state)
{
    (void)state;
    fixture f = open_net(rows_net, false);
    static float x[64];
    static double d[64];
    prepare_rows(&f, 2);
    mote_tensor t = bound(MOTE_DTYPE_F32, 2, 4, x);
    assert_int_equal(mote_session_bind_input(f.s, 2, &t, &f.diag), MOTE_E_ARGUMENT);
    assert_int_equal(mote_session_bind_output(f.s, 2, &t, &f.diag), MOTE_E_ARGUMENT);
    assert_int_equal(mote_session_bind_input(NULL, 0, &t, &f.diag), MOTE_E_ARGUMENT);
    t = bound(MOTE_DTYPE_F32, 2, 4, NULL);
    assert_int_equal(mote_session_bind_input(f.s, 0, &t, &f.diag), MOTE_E_ARGUMENT);
    ASSERT_SAYS(f.diag, "no memory");
    t = bound(MOTE_DTYPE_F64, 2, 4, d);
    assert_int_equal(mote_session_bind_input(f.s, 0, &t, &f.diag), MOTE_E_DTYPE);
    assert_int_equal(mote_session_bind_output(f.s, 0, &t, &f.diag), MOTE_E_DTYPE);
    t = bound(MOTE_DTYPE_F32, 2, 5, x);
    assert_int_equal(mote_session_bind_input(f.s, 0, &t, &f.diag), MOTE_E_SHAPE);
    t = bound(MOTE_DTYPE_F32, 2, 4, (char *)x + 1);
    assert_int_equal(mote_session_bind_input(f.s, 0, &t, &f.diag), MOTE_E_ARGUMENT);
    ASSERT_SAYS(f.diag, "not aligned");
    assert_int_equal(mote_session_bind_output(f.s, 0, &t, &f.diag), MOTE_E_ARGUMENT);
    t = bound(MOTE_DTYPE_F32, 2, 4, x);
    t.bytes = 31;
    assert_int_equal(mote_session_bind_input(f.s, 0, &t, &f.diag), MOTE_E_ARGUMENT);
    ASSERT_SAYS(f.diag, "31 bytes");
    assert_int_equal(mote_session_bind_output(f.s, 0, &t, &f.diag), MOTE_E_SHAPE);
    t = bound(MOTE_DTYPE_F32, 2, 4, x);
    t.strides[0] = 5;
    assert_int_equal(mote_session_bind_input(f.s, 0, &t, &f.diag), MOTE_E_UNSUPPORTED);
    ASSERT_SAYS(f.diag, "contiguous");
    t = bound(MOTE_DTYPE_F32, 1, 4, x);
    assert_int_equal(mote_session_bind_output(f.s, 0, &t, &f.diag), MOTE_E_SHAPE);
    run_rows(&f, 2); /* none of it changed anything */
    close_net(&f);
    f = open_net(loop_net, false); /* an output whose size depends on data */
    prepare_for(f.model, f.s, 2);
    static float scan[4096];
    t = bound(MOTE_DTYPE_F32, 2, 6, scan);
    assert_int_equal(mote_session_bind_output(f.s, 1, &t, &f.diag), MOTE_E_UNSUPPORTED);
    ASSERT_SAYS(f.diag, "depends on data");
    close_net(&f);
}

/* Graph outputs that are no tensors of their own: an input, a constant, the same value twice, views of each other. */
static void odd_outputs(void **state)
{
    (void)state;
    static const char text[] = NET "(x: float32[2,2]) { const c: float32[2] {3.0, 4.0} v = Flatten(x) {axis=0} a = Neg(x) w = Flatten(a) {axis=0}\n"
                                   "return x, c, a, a, w, v }";
    fixture f = open_net(text, false);
    float *x = data(mote_session_input(f.s, 0));
    for (int i = 0; i < 4; i++)
        x[i] = (float)i;
    ASSERT_OK(mote_session_run(f.s, NULL, &f.diag), f.diag);
    for (size_t i = 0; i < 6; i++) {
        const float *y = data(mote_session_output(f.s, i));
        for (int k = 0; k < (i == 1 ? 2 : 4); k++)
            assert_true(y[k] == (i == 1 ? (float)(3 + k) : i == 0 || i == 5 ? (float)k : (float)-k));
        for (size_t k = 0; k < i; k++)
            assert_ptr_not_equal(y, mote_tensor_map(mote_session_output(f.s, k)));
        assert_ptr_not_equal(y, x);
    }
    close_net(&f);
}

/* ---- inputs with defaults ---- */

static void defaults(void **state)
{
    (void)state;
    fixture f = open_net(optional_net, false); /* folded: constants of the model */
    mote_value_info info = MOTE_VALUE_INFO_INIT;
    assert_int_equal(mote_model_input_info(f.model, 1, &info), MOTE_OK);
    assert_true(info.optional);
    assert_int_equal(mote_model_input_info(f.model, 0, &info), MOTE_OK);
    assert_false(info.optional);
    float *x = data(mote_session_input(f.s, 0)), three = 3;
    for (int i = 0; i < 6; i++)
        x[i] = (float)i;
    ASSERT_OK(mote_session_run(f.s, NULL, &f.diag), f.diag);
    for (int i = 0; i < 6; i++)
        assert_true(data(mote_session_output(f.s, 0))[i] == (float)(2 * i + 1 + i % 3));
    mote_tensor t = MOTE_TENSOR_INIT;
    assert_int_equal(mote_tensor_describe(&t, MOTE_DTYPE_F32, 0, NULL, &three), MOTE_OK);
    assert_int_equal(mote_session_bind_input(f.s, 1, &t, &f.diag), MOTE_E_UNSUPPORTED);
    ASSERT_SAYS(f.diag, "keep_optional_inputs");
    mote_tensor given[3] = {SHAPE(MOTE_DTYPE_F32, 2, 3), shape_of(MOTE_DTYPE_F32, 0, NULL), MOTE_TENSOR_INIT};
    assert_int_equal(mote_session_prepare(f.s, given, 3, &f.diag), MOTE_E_UNSUPPORTED); /* part of the model by now: not to be half replaced */
    ASSERT_SAYS(f.diag, "keep_optional_inputs");
    close_net(&f);

    f = open_net(optional_net, true); /* kept: may be bound */
    x = data(mote_session_input(f.s, 0));
    for (int i = 0; i < 6; i++)
        x[i] = (float)i;
    ASSERT_OK(mote_session_run(f.s, NULL, &f.diag), f.diag);
    for (int i = 0; i < 6; i++)
        assert_true(data(mote_session_output(f.s, 0))[i] == (float)(2 * i + 1 + i % 3));
    ASSERT_OK(mote_session_bind_input(f.s, 1, &t, &f.diag), f.diag);
    ASSERT_OK(mote_session_run(f.s, NULL, &f.diag), f.diag);
    for (int i = 0; i < 6; i++)
        assert_true(data(mote_session_output(f.s, 0))[i] == (float)(3 * i + 1 + i % 3));
    ASSERT_OK(mote_session_bind_input(f.s, 1, NULL, &f.diag), f.diag);
    mote_tensor shapes[3] = {SHAPE(MOTE_DTYPE_F32, 2, 3), MOTE_TENSOR_INIT, SHAPE(MOTE_DTYPE_F32, 3)};
    ASSERT_OK(mote_session_prepare(f.s, shapes, 3, &f.diag), f.diag);
    ASSERT_OK(mote_session_run(f.s, NULL, &f.diag), f.diag);
    assert_true(data(mote_session_output(f.s, 0))[0] == 1 && data(mote_session_output(f.s, 0))[5] == 13);
    shapes[1] = SHAPE(MOTE_DTYPE_F32, 4);
    assert_int_equal(mote_session_prepare(f.s, shapes, 3, &f.diag), MOTE_E_SHAPE);
    close_net(&f);
}

static void weights_as_inputs(void **state)
{
    (void)state;
    char path[4096];
    mote_model *model;
    mote_diag diag = MOTE_DIAG_INIT;
    ASSERT_OK(mote_model_load_path(shared_file(path, sizeof path, "vision/ultraface-320.onnx"), NULL, &model, &diag), diag);
    size_t required = 0, n = mote_model_input_count(model);
    for (size_t i = 0; i < n; i++) {
        mote_value_info info = MOTE_VALUE_INFO_INIT;
        assert_int_equal(mote_model_input_info(model, i, &info), MOTE_OK);
        assert_int_equal(mote_model_input_index(model, info.name), i);
        required += !info.optional;
    }
    assert_true(n > 100);
    assert_int_equal(required, 1);
    assert_int_equal(mote_model_input_index(model, "nobody"), SIZE_MAX);
    mote_session *s = session_of(model, NULL);
    fill_tensor(mote_session_input(s, mote_model_input_index(model, "input")), 1);
    ASSERT_OK(mote_session_run(s, NULL, &diag), diag);
    mote_session_destroy(&s);
    mote_model_destroy(&model);
}

/* ---- questions ---- */

static void questions(void **state)
{
    (void)state;
    fixture f = open_net(rows_net, false);
    mote_value_info info = MOTE_VALUE_INFO_INIT;
    assert_int_equal(mote_model_input_count(f.model), 2);
    assert_int_equal(mote_model_output_count(f.model), 2);
    assert_int_equal(mote_model_input_count(NULL), 0);
    assert_int_equal(mote_model_input_info(f.model, 1, &info), MOTE_OK);
    assert_string_equal(info.name, "k");
    assert_int_equal(info.rank, 2);
    assert_int_equal(info.shape[0], -1);
    assert_string_equal(info.symbols[0], "N");
    assert_null(info.symbols[1]);
    assert_int_equal(info.shape[1], 4);
    assert_int_equal(mote_model_output_info(f.model, 0, &info), MOTE_OK);
    assert_string_equal(info.name, "y");
    assert_string_equal(info.symbols[0], "N");
    assert_int_equal(mote_model_output_index(f.model, "z"), 1);
    assert_int_equal(mote_model_output_index(f.model, "x"), SIZE_MAX);
    assert_int_equal(mote_model_input_info(f.model, 2, &info), MOTE_E_ARGUMENT);
    assert_int_equal(mote_model_input_info(NULL, 0, &info), MOTE_E_ARGUMENT);
    assert_int_equal(mote_model_input_info(f.model, 0, NULL), MOTE_E_ARGUMENT);
    info.struct_size = 1;
    assert_int_equal(mote_model_input_info(f.model, 0, &info), MOTE_E_ARGUMENT);
    mote_tensor t = MOTE_TENSOR_INIT;
    assert_int_equal(mote_tensor_describe(NULL, MOTE_DTYPE_F32, 0, NULL, NULL), MOTE_E_ARGUMENT);
    assert_int_equal(mote_tensor_describe(&t, MOTE_DTYPE_F32, 1, NULL, NULL), MOTE_E_ARGUMENT);
    assert_int_equal(mote_tensor_describe(&t, MOTE_DTYPE_NONE, 0, NULL, NULL), MOTE_E_ARGUMENT);
    assert_int_equal(mote_tensor_describe(&t, MOTE_DTYPE_F32, 1, (int64_t[]){-1}, NULL), MOTE_E_SHAPE);
    assert_int_equal(mote_tensor_describe(&t, MOTE_DTYPE_F32, 2, (int64_t[]){INT64_MAX, INT64_MAX}, NULL), MOTE_E_SHAPE);
    assert_int_equal(mote_tensor_describe(&t, MOTE_DTYPE_F32, 9, (int64_t[9]){1}, NULL), MOTE_E_SHAPE);
    assert_int_equal(mote_tensor_describe(&t, MOTE_DTYPE_S4, 1, (int64_t[]){5}, NULL), MOTE_OK);
    assert_int_equal(t.bytes, 3);
    assert_int_equal(mote_tensor_count(&t), 5);
    assert_null(mote_tensor_map(NULL));
    assert_int_equal(mote_tensor_count(NULL), 0);
    close_net(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_a_plan), cmocka_unit_test(in_place),           cmocka_unit_test(by_shapes),     cmocka_unit_test(wrong_shapes),
        cmocka_unit_test(bind_memory),   cmocka_unit_test(bind_another_shape), cmocka_unit_test(bind_mistakes), cmocka_unit_test(odd_outputs),
        cmocka_unit_test(memory_stays),  cmocka_unit_test(defaults),      cmocka_unit_test(weights_as_inputs),  cmocka_unit_test(questions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
