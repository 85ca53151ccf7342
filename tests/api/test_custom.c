/* test_custom.c - operators of an application's own: what they compute, what is checked of them, what is refused
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "onnx/read.h"
#include "ops/op.h"
#include "support/hostile.h"
#include "support/model.h"
#include <mote/mote_custom.h>

/* ---- operators ---- */

static mote_status same_type(void *user, mote_custom_call *c)
{
    (void)user;
    const mote_tensor *x = mote_custom_input(c, 0);
    return mote_custom_set_output(c, 0, MOTE_DTYPE_NONE, x->rank, x->shape);
}

/* y = alpha x + the sum of the other inputs' first elements; user counts the calls. */
static mote_status scaled(void *user, mote_custom_call *c)
{
    if (user != NULL)
        ++*(int *)user;
    const mote_tensor *x = mote_custom_input(c, 0);
    const float *p = mote_tensor_map(x);
    float *y = mote_tensor_map(mote_custom_output(c, 0)), add = 0;
    for (size_t i = 1; i < mote_custom_input_count(c); i++)
        add += mote_custom_input(c, i) != NULL ? *(const float *)mote_tensor_map(mote_custom_input(c, i)) : 0;
    for (int64_t i = 0; i < mote_tensor_count(x); i++)
        y[i] = mote_custom_float(c, "alpha") * p[i] + add;
    return MOTE_OK;
}

/* The elements above a threshold, and how many. */
static mote_status above(void *user, mote_custom_call *c)
{
    (void)user;
    const mote_tensor *x = mote_custom_input(c, 0);
    const float *p = mote_tensor_map(x), limit = mote_custom_float(c, "threshold");
    int64_t n = mote_tensor_count(x), kept = 0;
    float *chosen = mote_custom_scratch(c, (size_t)n * sizeof *chosen);
    if (chosen == NULL && n != 0)
        return MOTE_E_MEMORY;
    for (int64_t i = 0; i < n; i++)
        if (p[i] > limit)
            chosen[kept++] = p[i];
    mote_status status = mote_custom_set_output(c, 0, MOTE_DTYPE_NONE, 1, &kept);
    if (status == MOTE_OK)
        status = mote_custom_set_output(c, 1, MOTE_DTYPE_S64, 0, NULL);
    if (status != MOTE_OK)
        return status;
    if (mote_custom_output(c, 0) != NULL && kept != 0)
        memcpy(mote_tensor_map(mote_custom_output(c, 0)), chosen, (size_t)kept * sizeof *chosen);
    if (mote_custom_wants(c, 1))
        *(int64_t *)mote_tensor_map(mote_custom_output(c, 1)) = kept;
    return MOTE_OK;
}

/* Each string with a suffix, repeated `times`. */
static mote_status echo(void *user, mote_custom_call *c)
{
    (void)user;
    const mote_tensor *x = mote_custom_input(c, 0);
    mote_string suffix = mote_custom_string(c, "suffix");
    for (int64_t i = 0; i < mote_tensor_count(x); i++) {
        const mote_string s = ((const mote_string *)mote_tensor_map(x))[i];
        size_t times = (size_t)mote_custom_int(c, "times"), n = (s.length + suffix.length) * times;
        char *text = mote_custom_scratch(c, n);
        if (text == NULL)
            return MOTE_E_MEMORY;
        for (size_t k = 0, at = 0; k < times; k++, at += s.length + suffix.length) {
            if (s.length != 0)
                memcpy(text + at, s.data, s.length);
            memcpy(text + at + s.length, suffix.data, suffix.length);
        }
        if (s.length != 0) /* the empty string stays as it is */
            MOTE_TRY(mote_custom_set_string(c, 0, (size_t)i, text, n));
    }
    return MOTE_OK;
}

/* What the attributes are, as one row of numbers. */
static mote_status attributes_infer(void *user, mote_custom_call *c)
{
    (void)user;
    return mote_custom_set_output(c, 0, MOTE_DTYPE_F64, 1, (int64_t[]){12});
}

static mote_status attributes(void *user, mote_custom_call *c)
{
    (void)user;
    double *y = mote_tensor_map(mote_custom_output(c, 0));
    size_t n_ints, n_floats, n_strings;
    const int64_t *ints = mote_custom_ints(c, "ints", &n_ints);
    const float *floats = mote_custom_floats(c, "floats", &n_floats);
    mote_string last = mote_custom_strings(c, "strings", 1, &n_strings);
    const mote_tensor *t = mote_custom_tensor(c, "t");
    y[0] = (double)mote_custom_int(c, "i");
    y[1] = mote_custom_float(c, "f");
    y[2] = (double)mote_custom_string(c, "s").length;
    y[3] = (double)n_ints + (n_ints > 0 ? (double)ints[n_ints - 1] / 100 : 0);
    y[4] = (double)n_floats + (n_floats > 0 ? floats[0] / 4.0 : 0);
    y[5] = (double)n_strings + (double)last.length / 100;
    y[6] = t == NULL ? -1 : (double)((const int64_t *)mote_tensor_map(t))[1];
    y[7] = mote_custom_has(c, "i");
    y[8] = mote_custom_has(c, "f");
    y[9] = (double)mote_custom_int(c, "none") + (double)mote_custom_int(c, "nobody") + mote_custom_float(c, "i") + (mote_custom_ints(c, "f", NULL) != NULL);
    y[10] = (double)mote_custom_strings(c, "s", 0, &n_strings).length + (double)n_strings;
    y[11] = (double)mote_custom_output_count(c);
    return MOTE_OK;
}

/* infer and compute that misbehave as `user` says. */
typedef struct bad {
    mote_status infer, compute;
    const char *words;
    mote_dtype dtype, compute_dtype;
    int32_t rank;
    int64_t shape[MOTE_MAX_RANK + 1];
    int64_t compute_shape; /* of a data-shaped output; < 0: gives none */
    int calls;
    bool grows;            /* after load infer says one more */
} bad;

static mote_status bad_infer(void *user, mote_custom_call *c)
{
    bad *b = user;
    if (b->infer != MOTE_OK)
        return b->words != NULL ? mote_custom_fail(c, b->infer, "%s", b->words) : b->infer;
    return mote_custom_set_output(c, 0, b->dtype, b->rank, b->shape);
}

static mote_status bad_compute(void *user, mote_custom_call *c)
{
    bad *b = user;
    b->calls++;
    if (b->compute != MOTE_OK)
        return b->words != NULL ? mote_custom_fail(c, b->compute, "%s %d", b->words, 7) : b->compute;
    if (b->compute_shape >= 0)
        return mote_custom_set_output(c, 0, b->compute_dtype, 1, &b->compute_shape);
    return MOTE_OK;
}

/* ---- registries, models ---- */

static mote_custom_op op_of(const char *name, const char *in, const char *out, const char *types, const char *attrs, mote_custom_fn infer, mote_custom_fn compute)
{
    mote_custom_op o = MOTE_CUSTOM_OP_INIT;
    o.domain = "com.example";
    o.name = name;
    o.inputs = in;
    o.outputs = out;
    o.types = types;
    o.attributes = attrs;
    o.infer = infer;
    o.compute = compute;
    return o;
}

static mote_custom_ops *registry_of(const mote_custom_op *list, size_t n)
{
    mote_custom_ops *ops = NULL;
    assert_int_equal(mote_custom_ops_create(NULL, &ops), MOTE_OK);
    for (size_t i = 0; i < n; i++) {
        mote_diag diag = MOTE_DIAG_INIT;
        ASSERT_OK(mote_custom_ops_add(ops, &list[i], &diag), diag);
    }
    return ops;
}
#define REGISTRY(...) registry_of((const mote_custom_op[]){__VA_ARGS__}, sizeof((const mote_custom_op[]){__VA_ARGS__}) / sizeof(mote_custom_op))

static mote_custom_op scaled_op(int *calls)
{
    mote_custom_op o = op_of("Scaled", "X:T B?:T C?*:T", "Y:T", "T:float32,float16", "alpha:float=2", same_type, scaled);
    o.user = calls;
    return o;
}

static mote_custom_op above_op(void)
{
    mote_custom_op o = op_of("Above", "X:float32", "Y:float32 N?:int64", NULL, "threshold:float!", NULL, above);
    o.flags = MOTE_CUSTOM_DATA_SHAPE;
    return o;
}

typedef struct fixture {
    mote_model *model;
    mote_session *session;
    void *bytes;
} fixture;

static fixture open_with(mote_custom_ops **ops, const char *text)
{
    fixture f = {0};
    mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
    o.custom_ops = *ops;
    f.model = model_of(text, &o, &f.bytes);
    mote_custom_ops_destroy(ops); /* the model keeps what it needs */
    assert_null(*ops);
    mote_session_options so = MOTE_SESSION_OPTIONS_INIT;
    so.threads = 1;
    f.session = session_of(f.model, &so);
    return f;
}

static void close_all(fixture *f)
{
    mote_session_destroy(&f->session);
    mote_model_destroy(&f->model);
    free(f->bytes);
}

static void run(fixture *f)
{
    mote_diag diag = MOTE_DIAG_INIT;
    ASSERT_OK(mote_session_run(f->session, NULL, &diag), diag);
}

static const char *const scaled_net = "opset \"\" 17\nopset \"com.example\" 1\n"
                                      "graph \"g\" (x: float32[N,3]) { y: float32[N,3] = com.example::Scaled(x) {alpha=0.5} as \"first\"\n"
                                      " z: float32[N,3] = Relu(y)\n w: float32[N,3] = com.example::Scaled(z, z) as \"second\"\n return w }";

/* ---- what works ---- */

static void computes(void **state)
{
    (void)state;
    int calls = 0;
    mote_custom_ops *ops = REGISTRY(scaled_op(&calls));
    fixture f = open_with(&ops, scaled_net);
    mote_value_info info = MOTE_VALUE_INFO_INIT;
    assert_int_equal(mote_model_output_info(f.model, 0, &info), MOTE_OK);
    assert_string_equal(info.symbols[0], "N"); /* a named size passes through */
    for (int64_t n = 1; n <= 4; n++) {         /* one plan a shape */
        mote_tensor shape = SHAPE(MOTE_DTYPE_F32, n, 3);
        mote_diag diag = MOTE_DIAG_INIT;
        ASSERT_OK(mote_session_prepare(f.session, &shape, 1, &diag), diag);
        float *x = mote_tensor_map(mote_session_input(f.session, 0));
        for (int64_t i = 0; i < 3 * n; i++)
            x[i] = (float)(i - 2);
        x[0] = 5;
        run(&f);
        const mote_tensor *out = mote_session_output(f.session, 0);
        assert_int_equal(out->shape[0], n);
        const float *y = mote_tensor_map(out);
        for (int64_t i = 0; i < 3 * n; i++) /* 2 relu(x / 2) + relu(x[0] / 2) */
            assert_true(y[i] == (x[i] > 0 ? x[i] : 0) + 2.5f);
    }
    assert_int_equal(calls, 8);
    close_all(&f);
}

static void data_shapes(void **state)
{
    (void)state;
    mote_custom_ops *ops = REGISTRY(above_op(), scaled_op(NULL));
    fixture f = open_with(&ops, "opset \"\" 17\nopset \"com.example\" 1\ngraph \"g\" (x: float32[6]) {\n"
                                " a, n = com.example::Above(x) {threshold=0.0}\n b = com.example::Scaled(a)\n c = com.example::Above(b) {threshold=5.0}\n"
                                " d = Add(b, b)\n return d, n, c }");
    static const float inputs[3][6] = {{1, -1, 3, 0, 2, -7}, {-1, -2, -3, -4, -5, -6}, {9, 8, 7, 6, 5, 4}};
    for (int k = 0; k < 3; k++) {
        memcpy(mote_tensor_map(mote_session_input(f.session, 0)), inputs[k], sizeof inputs[k]);
        run(&f);
        float want[6];
        int64_t n = 0, big = 0;
        for (int i = 0; i < 6; i++)
            if (inputs[k][i] > 0) {
                want[n++] = 4 * inputs[k][i];
                big += 2 * inputs[k][i] > 5;
            }
        const mote_tensor *d = mote_session_output(f.session, 0), *count = mote_session_output(f.session, 1), *c = mote_session_output(f.session, 2);
        assert_int_equal(d->rank, 1);
        assert_int_equal(d->shape[0], n);
        assert_int_equal(count->rank, 0);
        assert_int_equal(*(int64_t *)mote_tensor_map(count), n);
        assert_int_equal(c->shape[0], big);
        for (int64_t i = 0; i < n; i++)
            assert_true(((float *)mote_tensor_map(d))[i] == want[i]);
    }
    close_all(&f);
}

static void strings(void **state)
{
    (void)state;
    mote_custom_ops *ops = REGISTRY(op_of("Echo", "X:string", "Y:string", NULL, "suffix:string=! times:int=2", same_type, echo));
    fixture f = open_with(&ops, "opset \"com.example\" 3\ngraph \"g\" (x: string[4]) { y = com.example::Echo(x)\n z = com.example::Echo(y) {suffix=\"-\", times=900}\n return y, z }");
    mote_string in[4] = {{"ab", 2}, {"", 0}, {"\0c", 2}, {"d", 1}};
    for (int k = 0; k < 3; k++) {
        memcpy(mote_tensor_map(mote_session_input(f.session, 0)), in, sizeof in);
        run(&f);
        const mote_string *y = mote_tensor_map(mote_session_output(f.session, 0)), *z = mote_tensor_map(mote_session_output(f.session, 1));
        for (int i = 0; i < 4; i++) {
            size_t n = in[i].length == 0 ? 0 : 2 * (in[i].length + 1);
            assert_int_equal(y[i].length, n);
            assert_int_equal(z[i].length, n == 0 ? 0 : 900 * (n + 1));
            for (size_t j = 0; j < n; j++)
                assert_int_equal(y[i].data[j], j % (in[i].length + 1) < in[i].length ? in[i].data[j % (in[i].length + 1)] : '!');
            for (size_t j = 0; n != 0 && j < z[i].length; j++)
                assert_int_equal(z[i].data[j], j % (n + 1) < n ? y[i].data[j % (n + 1)] : '-');
        }
        in[1] = k == 0 ? (mote_string){"now", 3} : (mote_string){"", 0}; /* what a run leaves behind does not show in the next */
    }
    close_all(&f);
}

static void sees_attributes(void **state)
{
    (void)state;
    mote_custom_ops *ops = REGISTRY(op_of("Attributes", NULL, "Y:float64", "", "i:int=-3 f:float=2.5e-1 s:string=abc ints:ints floats:floats strings:strings t:tensor none:int",
                                          attributes_infer, attributes));
    fixture f = open_with(&ops, "opset \"com.example\" 1\ngraph \"g\" () { y = com.example::Attributes() {ints=[7, 8]}\n"
                                " z = com.example::Attributes() {i=4, f=1.0, s=\"\", floats=[2.0], strings=[\"a\", \"bc\", \"d\"], ints=[1], t=tensor int64[2] {5, 6}}\n return y, z }");
    run(&f);
    const double *y = mote_tensor_map(mote_session_output(f.session, 0)), *z = mote_tensor_map(mote_session_output(f.session, 1));
    static const double want_y[12] = {-3, 0.25, 3, 2.08, 0, 0, -1, 0, 0, 0, 0, 1}, want_z[12] = {4, 1, 0, 1.01, 1.5, 3.02, 6, 1, 1, 0, 0, 1};
    for (int i = 0; i < 12; i++) {
        assert_true(y[i] == want_y[i]);
        assert_true(z[i] == want_z[i]);
    }
    close_all(&f);
}

static const char *const constant_net = "opset \"\" 17\nopset \"com.example\" 1\ngraph \"g\" (x: float32[2]) { const c: float32[2] {1.0, 2.0}\n"
                                        " a = com.example::Scaled(c)\n b = com.example::Scaled(c)\n y = Add(a, x)\n z = Add(b, y)\n return z }";

static bool count_steps(void *ctx, const char *text, size_t n)
{
    for (size_t i = 0; i + 6 < n; i++)
        *(int *)ctx += memcmp(text + i, "Scaled", 6) == 0;
    return true;
}

/* Constants are computed once, at load; what is not deterministic never is, nor is one result used for two nodes. */
static void folding(void **state)
{
    (void)state;
    for (int open = 0; open < 2; open++) {
        int calls = 0, steps = 0;
        mote_custom_op o = scaled_op(&calls);
        o.flags = open ? MOTE_CUSTOM_NONDETERMINISTIC : 0;
        mote_custom_ops *ops = REGISTRY(o);
        fixture f = open_with(&ops, constant_net);
        int at_load = calls;
        assert_true(open ? at_load == 0 : at_load > 0);
        for (int k = 1; k <= 3; k++) {
            memcpy(mote_tensor_map(mote_session_input(f.session, 0)), (float[]){10, 20}, 8);
            run(&f);
            const float *z = mote_tensor_map(mote_session_output(f.session, 0));
            assert_true(z[0] == 14 && z[1] == 28);
            assert_int_equal(calls, open ? 2 * k : at_load);
        }
        assert_int_equal(mote_model_dump(f.model, count_steps, &steps), MOTE_OK);
        assert_int_equal(steps, open ? 2 : 0);
        close_all(&f);
    }
}

/* In a subgraph, from a value that the loop carries. */
static void in_a_loop(void **state)
{
    (void)state;
    int calls = 0;
    mote_custom_ops *ops = REGISTRY(scaled_op(&calls));
    fixture f = open_with(&ops, "opset \"\" 17\nopset \"com.example\" 1\ngraph \"g\" (x: float32[2], n: int64[]) {\n"
                                " y = Loop(n, _, x) {body=graph \"b\" (i: int64[], c: bool[], v: float32[2]) {\n"
                                "  o = Identity(c)\n w = com.example::Scaled(v) as \"inner\"\n return o, w }}\n return y }");
    memcpy(mote_tensor_map(mote_session_input(f.session, 0)), (float[]){1, -3}, 8);
    *(int64_t *)mote_tensor_map(mote_session_input(f.session, 1)) = 5;
    run(&f);
    const float *y = mote_tensor_map(mote_session_output(f.session, 0));
    assert_true(y[0] == 32 && y[1] == -96);
    assert_int_equal(calls, 5);
    close_all(&f);
}

static mote_status third(void *user, mote_custom_call *c)
{
    (void)user;
    *(float *)mote_tensor_map(mote_custom_output(c, 0)) = 3;
    return MOTE_OK;
}

/* A node gets the newest form that its operator set has. */
static void versions(void **state)
{
    (void)state;
    static const char *const net = "opset \"com.example\" %d\ngraph \"g\" (x: float32[1]) { y = com.example::Scaled(x) as \"n\"\n return y }";
    for (int version = 1; version <= 9; version += 4) { /* 1, 5, 9 */
        mote_custom_op old = scaled_op(NULL), new = op_of("Scaled", "X:T", "Y:T", "T:float32", NULL, same_type, third);
        old.since = 4;
        new.since = 6;
        mote_custom_ops *ops = REGISTRY(new, old);
        char text[200];
        snprintf(text, sizeof text, net, version);
        if (version >= 4) {
            fixture f = open_with(&ops, text);
            *(float *)mote_tensor_map(mote_session_input(f.session, 0)) = 11;
            run(&f);
            assert_true(*(float *)mote_tensor_map(mote_session_output(f.session, 0)) == (version >= 6 ? 3 : 22));
            close_all(&f);
            continue;
        }
        size_t n;
        void *bytes = onnx_of(text, &n);
        mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
        o.custom_ops = ops;
        mote_model *m;
        mote_diag diag = MOTE_DIAG_INIT;
        assert_int_equal(mote_model_load_memory(bytes, n, &o, &m, &diag), MOTE_E_UNSUPPORTED);
        ASSERT_SAYS(diag, "from version 4 on");
        mote_custom_ops_destroy(&ops);
        free(bytes);
    }
}

/* A standard operator that the library leaves out. */
static void supplies_a_standard_one(void **state)
{
    (void)state;
    static const char *const net = "opset \"\" 20\ngraph \"g\" (x: uint8[N]) { y: uint8[?,?,?] = ImageDecoder(x) {pixel_format=\"RGB\"} as \"pic\"\n return y }";
    size_t n;
    void *bytes = onnx_of(net, &n);
    mote_model *m;
    mote_diag diag = MOTE_DIAG_INIT;
    assert_int_equal(mote_model_load_memory(bytes, n, NULL, &m, &diag), MOTE_E_UNSUPPORTED);
    ASSERT_SAYS(diag, "ImageDecoder of domain ai.onnx: decoding picture files is the application's");
    assert_string_equal(diag.node, "pic");
    free(bytes);
    mote_custom_op o = op_of("ImageDecoder", "E:uint8", "I:uint8", NULL, "pixel_format:string=RGB", NULL, bad_compute);
    bad b = {.compute = MOTE_E_FORMAT, .words = "picture"};
    o.domain = "ai.onnx";
    o.since = 20;
    o.flags = MOTE_CUSTOM_DATA_SHAPE;
    o.user = &b;
    mote_custom_ops *ops = REGISTRY(o);
    fixture f = open_with(&ops, net);
    mote_tensor shape = SHAPE(MOTE_DTYPE_U8, 4);
    ASSERT_OK(mote_session_prepare(f.session, &shape, 1, &diag), diag);
    assert_int_equal(mote_session_run(f.session, NULL, &diag), MOTE_E_FORMAT);
    ASSERT_SAYS(diag, "picture 7");
    close_all(&f);
}

/* Reading and writing keep the node: the bytes load again with the operator, and without it are refused by name. */
static void written(void **state)
{
    (void)state;
    mote_custom_ops *ops = REGISTRY(scaled_op(NULL));
    size_t n, written_n = 0;
    void *bytes = onnx_of(scaled_net, &n), *again = NULL;
    mote_heap heap;
    mote_heap_init(&heap, NULL, 0);
    mote_module *m = NULL;
    mote_onnx_files *files = NULL;
    mote_diag diag = MOTE_DIAG_INIT;
    mote_onnx_read_options r = {0};
    ASSERT_OK(mote_onnx_read_memory(&heap, bytes, n, &r, &m, &files, &diag), diag);
    m->custom = ops;
    ASSERT_OK(mote_ops_resolve(m, &diag), diag);
    ASSERT_OK(mote_infer_module(m, &diag), diag);
    mote_module *clone = NULL;
    ASSERT_OK(mote_module_clone(m, &heap, &clone), diag);
    ASSERT_OK(mote_ops_resolve(clone, &diag), diag);
    ASSERT_OK(mote_onnx_write_memory(clone, &heap, &again, &written_n, &diag), diag);
    mote_module_destroy(&clone);
    mote_module_destroy(&m);
    mote_onnx_files_destroy(&files);
    mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
    mote_model *model;
    assert_int_equal(mote_model_load_memory(again, written_n, &o, &model, &diag), MOTE_E_UNSUPPORTED);
    assert_null(model);
    ASSERT_SAYS(diag, "operator Scaled of domain com.example");
    assert_string_equal(diag.node, "first");
    o.custom_ops = ops;
    ASSERT_OK(mote_model_load_memory(again, written_n, &o, &model, &diag), diag);
    mote_model_destroy(&model);
    mote_custom_ops_destroy(&ops);
    mote_heap_free(&heap, again, written_n);
    assert_int_equal(heap.used, 0);
    free(bytes);
}

static void count_release(void *user) { ++*(int *)user; }

static void released_once(void **state)
{
    (void)state;
    int calls = 0;
    mote_custom_op o = op_of("Scaled", "X:T", "Y:T", "T:float32", NULL, same_type, third);
    o.user = &calls;
    o.release = count_release;
    mote_custom_ops *ops = REGISTRY(o);
    mote_diag diag = MOTE_DIAG_INIT;
    assert_int_equal(mote_custom_ops_add(ops, &o, &diag), MOTE_E_ARGUMENT);
    ASSERT_SAYS(diag, "registered already");
    assert_string_equal(diag.op, "Scaled");
    fixture f = open_with(&ops, "opset \"com.example\" 1\ngraph \"g\" (x: float32[1]) { y = com.example::Scaled(x)\n return y }");
    mote_model_destroy(&f.model);
    assert_int_equal(calls, 0); /* the session holds the model, the model the operator */
    run(&f);
    close_all(&f);
    assert_int_equal(calls, 1);
    mote_custom_ops_destroy(&ops);
    assert_int_equal(calls, 1);
}

/* ---- what is checked ---- */

static const char *const bad_net = "opset \"\" 17\nopset \"com.example\" 1\ngraph \"g\" (x: float32[2]) { y = com.example::Bad(x) as \"naughty\"\n z = Add(y, y)\n return z }";

/* Loads and runs; the status of the first step that fails. */
static mote_status try_bad(bad *b, uint32_t flags, const char *net, const char **step, mote_diag *diag)
{
    mote_custom_op o = op_of("Bad", "X:T", "Y:T", "T:float32", NULL, bad_infer, bad_compute);
    o.user = b;
    o.flags = flags;
    mote_custom_ops *ops = REGISTRY(o);
    mote_load_options lo = MOTE_LOAD_OPTIONS_INIT;
    lo.custom_ops = ops;
    size_t n;
    void *bytes = onnx_of(net, &n);
    mote_model *m = NULL;
    mote_session *s = NULL;
    *step = "load";
    mote_status status = mote_model_load_memory(bytes, n, &lo, &m, diag);
    mote_custom_ops_destroy(&ops);
    if (status == MOTE_OK) {
        *step = "create";
        b->shape[0] += b->grows;
        mote_session_options so = MOTE_SESSION_OPTIONS_INIT;
        so.threads = 1;
        status = mote_session_create(m, &so, &s, diag);
    }
    if (status == MOTE_OK) {
        *step = "run";
        status = mote_session_run(s, NULL, diag);
    }
    mote_session_destroy(&s);
    mote_model_destroy(&m);
    free(bytes);
    return status;
}

static void wrong_results(void **state)
{
    (void)state;
    static const struct {
        bad b;
        uint32_t flags;
        mote_status status;
        const char *step, *words;
    } cases[] = {
        {{.infer = MOTE_E_VALUE, .words = "too small"}, 0, MOTE_E_VALUE, "load", "too small"},
        {{.infer = MOTE_E_SHAPE}, 0, MOTE_E_SHAPE, "load", "infer failed: shape mismatch"},
        {{.infer = (mote_status)4711}, 0, MOTE_E_ARGUMENT, "load", "infer returned 4711, which is no status"},
        {{.rank = 1, .shape = {-5}}, 0, MOTE_E_SHAPE, "load", "dimension 0 of output 0 would be -5"},
        {{.rank = MOTE_MAX_RANK + 1}, 0, MOTE_E_ARGUMENT, "load", "cannot have rank 9"},
        {{.rank = -2}, 0, MOTE_E_ARGUMENT, "load", "cannot have rank -2"},
        {{.rank = 4, .shape = {1 << 30, 1 << 30, 1 << 30, 1 << 30}}, 0, MOTE_E_SHAPE, "load", "2^48 elements"},
        {{.rank = 1, .shape = {2}, .dtype = MOTE_DTYPE_S64}, 0, MOTE_E_DTYPE, "load", "output 0 (Y) has type int64"},
        {{.rank = 1, .shape = {2}, .dtype = (mote_dtype)77}, 0, MOTE_E_DTYPE, "load", "77 is no element type"},
        {{.rank = 1, .shape = {-1}, .compute_shape = -1}, 0, MOTE_E_SHAPE, "run", "the shape of output 0 cannot be told"},
        {{.rank = 1, .shape = {2}, .compute = MOTE_E_VALUE, .words = "no luck"}, 0, MOTE_E_VALUE, "run", "no luck 7"},
        {{.rank = 1, .shape = {2}, .compute = MOTE_E_MEMORY}, 0, MOTE_E_MEMORY, "run", "compute failed: out of memory"},
        {{.rank = 1, .shape = {2}, .compute = (mote_status)-3}, 0, MOTE_E_ARGUMENT, "run", "compute returned -3"},
        {{.rank = 1, .shape = {2}, .compute_shape = 3}, 0, MOTE_E_SHAPE, "run", "another shape or type than infer"},
        {{.rank = 1, .shape = {1}, .compute_shape = -1, .grows = true}, 0, MOTE_E_SHAPE, "run", "where infer said"},
        {{.rank = 1, .shape = {-1}, .compute_shape = -1}, MOTE_CUSTOM_DATA_SHAPE, MOTE_E_SHAPE, "run", "compute gave output 0 no shape"},
        {{.rank = 1, .shape = {4}, .compute_shape = 3}, MOTE_CUSTOM_DATA_SHAPE, MOTE_E_SHAPE, "run", "where infer said 4"},
        {{.rank = 2, .shape = {-1, -1}, .compute_shape = 3}, MOTE_CUSTOM_DATA_SHAPE, MOTE_E_SHAPE, "run", "has rank 1, where infer said 2"},
        {{.rank = 1, .shape = {-1}, .compute_shape = 3, .compute_dtype = MOTE_DTYPE_STRING}, MOTE_CUSTOM_DATA_SHAPE, MOTE_E_DTYPE, "run",
         "type string, expected float32"},
        {{.rank = 1, .shape = {-1}, .compute_shape = INT64_MAX}, MOTE_CUSTOM_DATA_SHAPE, MOTE_E_SHAPE, "run", "2^48 elements"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bad b = cases[i].b;
        mote_diag diag = MOTE_DIAG_INIT;
        const char *step;
        mote_status status = try_bad(&b, cases[i].flags, bad_net, &step, &diag);
        if (status != cases[i].status || (strcmp(step, "load") == 0) != (strcmp(cases[i].step, "load") == 0))
            fail_msg("case %zu: %s at %s: %s", i, mote_status_string(status), step, diag.message);
        ASSERT_SAYS(diag, cases[i].words);
        assert_string_equal(diag.op, "Bad");
        assert_string_equal(diag.node, "naughty");
        assert_int_equal(diag.code, status);
    }
}

/* A failure of what would have been folded shows when it runs. */
static void failing_constant(void **state)
{
    (void)state;
    bad b = {.rank = 1, .shape = {2}, .compute = MOTE_E_VALUE, .words = "always"};
    mote_diag diag = MOTE_DIAG_INIT;
    const char *step;
    assert_int_equal(try_bad(&b, 0, "opset \"\" 17\nopset \"com.example\" 1\ngraph \"g\" (x: float32[2]) { const c: float32[2] {1.0, 2.0}\n"
                                    " y = com.example::Bad(c) as \"naughty\"\n z = Add(x, y)\n return z }", &step, &diag), MOTE_E_VALUE);
    assert_string_not_equal(step, "load");
    assert_string_equal(diag.node, "naughty");
    ASSERT_SAYS(diag, "always 7");
}

static void wrong_nodes(void **state)
{
    (void)state;
    static const struct {
        const char *node;
        mote_status status;
        const char *words;
    } cases[] = {
        {"y = com.example::Scaled(x) {beta=1.0}", MOTE_E_MODEL, "attribute 'beta'"},
        {"y = com.example::Scaled(x) {alpha=1}", MOTE_E_MODEL, "attribute 'alpha' is an integer, expected a float"},
        {"y = com.example::Scaled()", MOTE_E_MODEL, "0 inputs, expected at least 1"},
        {"y, z = com.example::Scaled(x)", MOTE_E_MODEL, "2 outputs, expected 1"},
        {"y = com.example::Above(x)", MOTE_E_MODEL, "attribute 'threshold' is missing"},
        {"c = Cast(x) {to=11}\n y = com.example::Scaled(c)", MOTE_E_DTYPE, "has type float64"},
        {"c = Cast(x) {to=10}\n y = com.example::Scaled(x, c)", MOTE_E_DTYPE, "expected float32 as before it"},
        {"y = com.example::Scale(x)", MOTE_E_UNSUPPORTED, "operator Scale of domain com.example, which is not known"},
        {"y = mote::Scaled(x)", MOTE_E_UNSUPPORTED, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[400];
        snprintf(text, sizeof text, "opset \"\" 17\nopset \"com.example\" 1\nopset \"mote\" 1\ngraph \"g\" (x: float32[2]) { %s\n return y }", cases[i].node);
        mote_custom_ops *ops = REGISTRY(scaled_op(NULL), above_op());
        mote_heap heap;
        mote_heap_init(&heap, NULL, 0);
        mote_module *m = NULL;
        mote_diag diag = MOTE_DIAG_INIT;
        ASSERT_OK(mote_module_parse(&heap, mote_str_c(text), &m, &diag), diag);
        m->custom = ops;
        mote_status status = mote_ops_resolve(m, &diag);
        if (status == MOTE_OK)
            status = mote_infer_module(m, &diag);
        if (status != cases[i].status)
            fail_msg("case %zu: %s: %s", i, mote_status_string(status), diag.message);
        ASSERT_SAYS(diag, cases[i].words);
        mote_module_destroy(&m);
        mote_custom_ops_destroy(&ops);
    }
}

static void wrong_registrations(void **state)
{
    (void)state;
    mote_custom_op good = scaled_op(NULL);
    struct {
        mote_custom_op op;
        const char *words;
    } cases[32];
    size_t n = 0;
#define CASE(field, value, says)     \
    do {                             \
        cases[n].op = good;          \
        cases[n].op.since = 2;       \
        cases[n].op.field = (value); \
        cases[n++].words = (says);   \
    } while (0)
    CASE(struct_size, 0, "not of this version");
    CASE(struct_size, sizeof(mote_custom_op) + 8, "not of this version");
    CASE(name, NULL, "no name");
    CASE(name, "", "name is not one of");
    CASE(name, "a b", "name is not one of");
    CASE(domain, NULL, "no name or domain");
    CASE(domain, "mote", "the library's own");
    CASE(since, 0, "since is 0");
    CASE(flags, 64, "flags has bits that mean nothing: 0x40");
    CASE(compute, NULL, "no compute function");
    CASE(infer, NULL, "no infer function");
    CASE(inputs, "X", "inputs: 'X' is not of the form");
    CASE(inputs, "X:U", "inputs: 'X:U' is not of the form");
    CASE(inputs, "X:seq(T)", "inputs: 'X' is no tensor");
    CASE(inputs, "X*:T Y:T", "inputs: ");
    CASE(outputs, "Y:float33", "outputs: 'Y:float33'");
    CASE(types, "T:float33", "'float33' is no element type");
    CASE(types, "T:", "is no element type");
    CASE(types, "T", "types: 'T' is not of the form");
    CASE(types, "T:any T:any", "'T' stands there twice");
    CASE(attributes, "a", "attributes: 'a' is not of the form");
    CASE(attributes, "a:graph", "of a kind that there is not");
    CASE(attributes, "a:int=1.5", "a default that its kind cannot have");
    CASE(attributes, "a:float=x", "a default that its kind cannot have");
    CASE(attributes, "a:float=1e99", "a default that its kind cannot have");
    CASE(attributes, "a:ints=1", "a default that its kind cannot have");
    CASE(attributes, "a:int a:float", "'a' stands there twice");
#undef CASE
    cases[n].op = good;
    cases[n].op.domain = "", cases[n].op.name = "Relu";
    cases[n++].words = "the library has this operator itself";
    cases[n].op = good;
    cases[n].op.domain = "ai.onnx", cases[n].op.name = "Upsample", cases[n].op.since = 40; /* which newer sets no longer have */
    cases[n++].words = "the library has this operator itself";
    good.since = 1;
    mote_custom_ops *ops = REGISTRY(good);
    for (size_t i = 0; i < n; i++) {
        mote_diag diag = MOTE_DIAG_INIT;
        mote_status status = mote_custom_ops_add(ops, &cases[i].op, &diag);
        if (status != MOTE_E_ARGUMENT)
            fail_msg("case %zu (%s): %s: %s", i, cases[i].words, mote_status_string(status), diag.message);
        ASSERT_SAYS(diag, cases[i].words);
    }
    assert_int_equal(mote_custom_ops_add(NULL, &good, NULL), MOTE_E_ARGUMENT);
    assert_int_equal(mote_custom_ops_add(ops, NULL, NULL), MOTE_E_ARGUMENT);
    assert_int_equal(mote_custom_ops_create(NULL, NULL), MOTE_E_ARGUMENT);
    mote_allocator broken = MOTE_ALLOCATOR_INIT;
    mote_custom_ops *none = ops;
    assert_int_equal(mote_custom_ops_create(&broken, &none), MOTE_E_ARGUMENT);
    assert_null(none);
    mote_custom_ops_destroy(&ops);
    mote_custom_ops_destroy(NULL);
}

/* Every allocation fails once: a status each time, and nothing is lost. */
static void memory_runs_out(void **state)
{
    (void)state;
    size_t n;
    void *bytes = onnx_of("opset \"\" 17\nopset \"com.example\" 1\ngraph \"g\" (x: float32[3]) { a = com.example::Above(x) {threshold=0.0}\n"
                          " b = com.example::Scaled(a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a)\n return b }", &n);
    bool done = false;
    for (size_t at = 1; !done && at < 4000; at++) {
        hostile_heap h;
        hostile_init(&h);
        h.fail_at = at;
        mote_custom_ops *ops = NULL;
        mote_model *m = NULL;
        mote_session *s = NULL;
        mote_custom_op list[2] = {scaled_op(NULL), above_op()};
        mote_status status = mote_custom_ops_create(&h.allocator, &ops);
        for (int i = 0; i < 2 && status == MOTE_OK; i++)
            status = mote_custom_ops_add(ops, &list[i], NULL);
        mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
        o.allocator = &h.allocator;
        o.custom_ops = ops;
        mote_session_options so = MOTE_SESSION_OPTIONS_INIT;
        so.threads = 1;
        if (status == MOTE_OK)
            status = mote_model_load_memory(bytes, n, &o, &m, NULL);
        if (status == MOTE_OK)
            status = mote_session_create(m, &so, &s, NULL);
        if (status == MOTE_OK) {
            memcpy(mote_tensor_map(mote_session_input(s, 0)), (float[]){1, -1, 2}, 12);
            status = mote_session_run(s, NULL, NULL);
        }
        done = status == MOTE_OK && h.calls < at;
        assert_true(status == MOTE_OK || status == MOTE_E_MEMORY);
        if (status == MOTE_OK) {
            const float *y = mote_tensor_map(mote_session_output(s, 0));
            assert_true(mote_session_output(s, 0)->shape[0] == 2 && y[0] == 2 + 17 && y[1] == 4 + 17);
        }
        mote_session_destroy(&s);
        mote_custom_ops_destroy(&ops);
        mote_model_destroy(&m);
        assert_int_equal(h.used, 0);
    }
    assert_true(done);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(computes),      cmocka_unit_test(data_shapes),      cmocka_unit_test(strings),
        cmocka_unit_test(sees_attributes), cmocka_unit_test(folding),        cmocka_unit_test(in_a_loop),
        cmocka_unit_test(versions),      cmocka_unit_test(supplies_a_standard_one), cmocka_unit_test(written),
        cmocka_unit_test(released_once), cmocka_unit_test(wrong_results),    cmocka_unit_test(failing_constant),
        cmocka_unit_test(wrong_nodes),   cmocka_unit_test(wrong_registrations), cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
