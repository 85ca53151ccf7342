/* test_plugins.c - loading plug-ins; the dummy provider on real models; a provider that does as it is told, well and badly
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "plugins/puppet.h"
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "support/model.h"

static puppet_strings *puppet;
static const char *const use_puppet[] = {"puppet", NULL}, *const use_dummy[] = {"dummy", NULL};

static const char *plugin(const char *name)
{
    static char path[4096];
    const char *folder = getenv("MOTE_PLUGINS");
    snprintf(path, sizeof path, "%s/%s.so", folder != NULL ? folder : "build/release/tests/plugins", name);
    return path;
}

static int load_plugins(void **state)
{
    (void)state;
    mote_diag diag = MOTE_DIAG_INIT;
    if (mote_provider_load(plugin("puppet"), &diag) != MOTE_OK || mote_provider_load(plugin("dummy"), &diag) != MOTE_OK) {
        print_error("%s\n", diag.message);
        return -1;
    }
    void *library = dlopen(plugin("puppet"), RTLD_NOW | RTLD_LOCAL);
    puppet = library != NULL ? dlsym(library, "puppet") : NULL;
    return puppet != NULL ? 0 : -1;
}

static int reset(void **state)
{
    (void)state;
    *puppet = (puppet_strings){0};
    return 0;
}

/* After every test: what was made is gone, and nothing was out of order. */
static int balance(void **state)
{
    (void)state;
    if (puppet->loads == puppet->unloads && puppet->binds == puppet->unbinds && puppet->complaints == 0)
        return 0;
    print_error("%u loads, %u unloads, %u binds, %u unbinds, %u complaints\n", puppet->loads, puppet->unloads, puppet->binds, puppet->unbinds,
                puppet->complaints);
    return -1;
}

/* ---- loading ---- */

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        mote_status status;
        const char *says;
    } cases[] = {{"bad_symbol", MOTE_E_PROVIDER, "exports no mote_provider_get"},
                 {"bad_abi", MOTE_E_PROVIDER, "serves version 2 of the provider interface"},
                 {"bad_null", MOTE_E_PROVIDER, "does not serve version 1"},
                 {"bad_size", MOTE_E_PROVIDER, "in 16 bytes"},
                 {"bad_functions", MOTE_E_PROVIDER, "'half' lacks a function"},
                 {"bad_name", MOTE_E_PROVIDER, "is 'cpu'"},
                 {"bad_device", MOTE_E_PROVIDER, "nothing is plugged in"},
                 {"bad_twin", MOTE_E_PROVIDER, "another provider is named 'puppet'"},
                 {"not_there", MOTE_E_IO, "not_there.so"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mote_diag diag = MOTE_DIAG_INIT;
        assert_int_equal(mote_provider_load(plugin(cases[i].name), &diag), cases[i].status);
        assert_int_equal(diag.code, cases[i].status);
        ASSERT_SAYS(diag, cases[i].says);
        assert_int_equal(mote_provider_load(plugin(cases[i].name), NULL), cases[i].status);
    }
    mote_diag diag = MOTE_DIAG_INIT;
    assert_int_equal(mote_provider_load("dummy.so", &diag), MOTE_E_ARGUMENT);
    assert_int_equal(mote_provider_load(NULL, NULL), MOTE_E_ARGUMENT);
}

static void *load_dummy(void *path) { return mote_provider_load(path, NULL) == MOTE_OK ? NULL : path; }

static void loaded_twice(void **state)
{
    (void)state;
    pthread_t t[4];
    char path[4096];
    snprintf(path, sizeof path, "%s", plugin("dummy"));
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, load_dummy, path), 0);
    for (int i = 0; i < 4; i++) {
        void *failed;
        pthread_join(t[i], &failed);
        assert_null(failed);
    }
}

/* ---- models ---- */

static const char conv_net[] = "module ir 8 opset \"\" 17 graph (x: float32[N,3,8,8]) {\n"
                               "const w: float32[4,3,3,3] random 1 const b: float32[4] random 2 const v: float32[4,4,1,1] random 3\n"
                               "a = Conv(x, w, b) {pads=[1, 1, 1, 1]} as \"first\" c = Relu(a) as \"act\" d = Conv(c, v) as \"second\"\n"
                               "e = Add(c, d) as \"sum\" y = GlobalAveragePool(e) as \"pool\" return y, d }";
/* Everything that may not be given away, and nodes between it. The branch captures what claimed nodes make. */
static const char odd_net[] =
    "module ir 8 opset \"\" 17 graph (x: float32[N,4], c: bool[], s: string[2]) {\n"
    "const w: float32[4,4] random 1 const trip: int64[] {3} const shape: int64[2] {-1, 2} const one: float32[] {1.0}\n"
    "a = MatMul(x, w) n = Neg(x) b = Relu(a)\n"
    "i = If(c) {then_branch=graph () { t = Mul(a, b) return t }, else_branch=graph () { e = Sub(n, b) return e }}\n"
    "j = Add(i, b) k = Mul(j, a)\n"
    "l, scan = Loop(trip, _, k) {body=graph (it: int64[], go: bool[], z: float32[N,4]) { g = Identity(go) z2 = MatMul(z, w) q = Add(z2, n)\n"
    "  return g, q, z2 }}\n"
    "f = Flatten(l) h = NonZero(f) r = Cast(h) {to=1}\n"
    "size = Shape(l) big = Reshape(l, shape) fill = Expand(one, size) o = Mul(l, fill)\n"
    "u = Identity(s) v = Abs(scan) return r, big, o, u, v }";
static const char diamond[] = /* claimed nodes around unclaimed ones in every way */
    "module ir 8 opset \"\" 17 graph (x: float32[2,8], z: float32[2,8]) {\n"
    "const k: float32[8] random 4 const w: float32[8,8] random 5\n"
    "a = Relu(x) b = Neg(a) c = Abs(a) d = Add(b, c) e = Mul(d, k) f = Sub(e, a) g = Add(f, f) h = MatMul(g, w) i = Add(h, z) j = Mul(i, a)\n"
    "l = Tanh(j) m = Add(l, b) n = Sigmoid(m) o, p = Split(n) {axis=1} q = Add(o, p) r = Concat(q, o) {axis=1} return r, b, l }";

typedef struct results {
    size_t n;
    mote_dtype dtype[16];
    int32_t rank[16];
    size_t bytes[16];
    void *data[16];
} results;

static void results_free(results *r)
{
    for (size_t i = 0; i < r->n; i++)
        free(r->data[i]);
}

static void take(const mote_model *model, mote_session *s, results *r)
{
    r->n = mote_model_output_count(model);
    assert_in_range(r->n, 1, 16);
    for (size_t i = 0; i < r->n; i++) {
        const mote_tensor *t = mote_session_output(s, i);
        r->dtype[i] = t->dtype;
        r->rank[i] = t->rank;
        r->bytes[i] = t->bytes;
        r->data[i] = malloc(t->bytes + 1);
        memcpy(r->data[i], mote_tensor_map(t), t->bytes);
        if (t->dtype == MOTE_DTYPE_STRING)
            memset(r->data[i], 0, t->bytes);
    }
}

static void assert_same(const results *a, const results *b)
{
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        assert_int_equal(a->dtype[i], b->dtype[i]);
        assert_int_equal(a->rank[i], b->rank[i]);
        assert_int_equal(a->bytes[i], b->bytes[i]);
        if (memcmp(a->data[i], b->data[i], a->bytes[i]) != 0)
            fail_msg("output %zu differs", i);
    }
}

static void count_lines(void *ctx, mote_log_level level, const char *line)
{
    (void)level;
    char *log = ctx;
    size_t n = strlen(log);
    snprintf(log + n, 8192 - n, "%s\n", line);
}

/* Runs a text's model for N rows. log: 8 KiB, or NULL. */
static void run_text(const char *text, const char *const *providers, int64_t n, char *log, results *out)
{
    mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
    o.providers = providers;
    o.disabled_passes = "all"; /* so that the bits can be compared: see assert_close */
    o.log = log != NULL ? count_lines : NULL;
    o.log_ctx = log;
    void *bytes;
    mote_model *model = model_of(text, &o, &bytes);
    mote_session_options so = MOTE_SESSION_OPTIONS_INIT;
    so.threads = 2;
    mote_session *s = session_of(model, &so);
    mote_diag diag = MOTE_DIAG_INIT;
    prepare_for(model, s, n);
    fill_inputs(model, s, 7);
    ASSERT_OK(mote_session_run(s, NULL, &diag), diag);
    ASSERT_OK(mote_session_run(s, NULL, &diag), diag);
    take(model, s, out);
    mote_session_destroy(&s);
    mote_model_destroy(&model);
    free(bytes);
}

static void against_cpu(const char *text, const char *const *providers, int64_t n, char *log)
{
    results want, got;
    run_text(text, NULL, n, NULL, &want);
    run_text(text, providers, n, log, &got);
    assert_same(&want, &got);
    results_free(&want);
    results_free(&got);
}

static void unknown(void **state)
{
    (void)state;
    static const char *const lists[][3] = {{"nobody", NULL}, {"dummy", "nobody", NULL}, {"cpu", "nobody", NULL}, {"", NULL}};
    size_t n;
    void *bytes = onnx_of(conv_net, &n);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
        mote_model *model;
        mote_diag diag = MOTE_DIAG_INIT;
        o.providers = lists[i];
        assert_int_equal(mote_model_load_memory(bytes, n, &o, &model, &diag), MOTE_E_ARGUMENT);
        assert_null(model);
        ASSERT_SAYS(diag, i == 3 ? "no provider ''" : "no provider 'nobody' is loaded");
    }
    free(bytes);
    static const char *const nothing[] = {NULL}, *const cpu_first[] = {"cpu", "puppet", NULL};
    puppet->claims = PUPPET_EVERYTHING;
    against_cpu(conv_net, nothing, 1, NULL);
    against_cpu(conv_net, cpu_first, 1, NULL);
    assert_int_equal(puppet->compiles, 0);
}

/* Every kind of claim gives the bits of the CPU. */
static void claims(void **state)
{
    (void)state;
    char log[8192] = "";
    against_cpu(conv_net, use_dummy, 2, NULL);
    puppet->claims = PUPPET_NOTHING;
    against_cpu(conv_net, use_puppet, 2, NULL);
    assert_int_equal(puppet->compiles, 0);
    puppet->claims = PUPPET_OPERATOR;
    puppet->op = "Conv";
    against_cpu(conv_net, use_puppet, 2, NULL);
    assert_int_equal(puppet->compiles, 2);
    assert_int_equal(puppet->nodes, 2);
    assert_int_equal(puppet->runs, 4);
    puppet->claims = PUPPET_EVERYTHING;
    puppet->compiles = 0;
    puppet->nodes = 0;
    against_cpu(conv_net, use_puppet, 3, log);
    assert_int_equal(puppet->compiles, 1);
    assert_string_equal(log, "");
    against_cpu(diamond, use_puppet, 0, NULL);
    against_cpu(odd_net, use_puppet, 2, log);
    static const char *const kept[] = {"If", "Loop", "NonZero", "Identity"};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (strstr(log, kept[i]) == NULL)
            fail_msg("the log does not say that %s was kept:\n%s", kept[i], log);
}

static void random_claims(void **state)
{
    (void)state;
    static const char *const nets[] = {conv_net, odd_net, diamond};
    static const char *const both[] = {"puppet", "dummy", NULL};
    puppet->claims = PUPPET_RANDOM;
    for (size_t k = 0; k < 3; k++) {
        results want;
        run_text(nets[k], NULL, 2, NULL, &want);
        for (uint32_t seed = 0; seed < 48; seed++) {
            results got;
            puppet->seed = seed * 7919;
            puppet->refuse = seed % 3 == 0 ? 5 : 0;
            puppet->compiles = 0;
            run_text(nets[k], seed % 2 == 0 ? use_puppet : both, 2, NULL, &got);
            assert_same(&want, &got);
            results_free(&got);
        }
        results_free(&want);
    }
    assert_in_range(puppet->runs, 100, UINT32_MAX);
}

/* Without the provider, passes join a Conv with what stands around it, which may round a sum once less. */
static void assert_close(const results *a, const results *b)
{
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        assert_int_equal(a->dtype[i], MOTE_DTYPE_F32);
        assert_int_equal(a->bytes[i], b->bytes[i]);
        const float *x = a->data[i], *y = b->data[i];
        float largest = 0;
        for (size_t k = 0; k < a->bytes[i] / sizeof *x; k++)
            largest = x[k] > largest ? x[k] : -x[k] > largest ? -x[k] : largest;
        for (size_t k = 0; k < a->bytes[i] / sizeof *x; k++)
            if (!(x[k] - y[k] <= largest * 1e-5f && y[k] - x[k] <= largest * 1e-5f))
                fail_msg("output %zu[%zu] is %g, expected %g (the largest is %g)", i, k, (double)y[k], (double)x[k], (double)largest);
    }
}

static void real_model(const char *onnx, const char *const *providers)
{
    char path[4096];
    shared_file(path, sizeof path, onnx);
    results r[2];
    for (int k = 0; k < 2; k++) {
        mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
        o.providers = k == 0 ? NULL : providers;
        mote_model *model;
        mote_diag diag = MOTE_DIAG_INIT;
        ASSERT_OK(mote_model_load_path(path, &o, &model, &diag), diag);
        mote_session *s = session_of(model, NULL);
        prepare_for(model, s, 1);
        fill_inputs(model, s, 3);
        ASSERT_OK(mote_session_run(s, NULL, &diag), diag);
        take(model, s, &r[k]);
        mote_model_destroy(&model); /* the session keeps it */
        mote_session_destroy(&s);
    }
    assert_close(&r[0], &r[1]);
    results_free(&r[0]);
    results_free(&r[1]);
}

static void dummy_mnist(void **state)
{
    (void)state;
    real_model("vision/mnist.onnx", use_dummy);
}

static void dummy_efficientnet(void **state)
{
    (void)state;
    real_model("vision/efficientnet-lite0.onnx", use_dummy);
}

/* ---- a provider in trouble ---- */

static void refusals_go_on(void **state)
{
    (void)state;
    static const char *const both[] = {"puppet", "dummy", NULL};
    char log[8192] = "";
    puppet->claims = PUPPET_OPERATOR;
    puppet->op = "Conv";
    puppet->refuse = 1;
    puppet->message = "kernels of 3x3 are too much";
    against_cpu(conv_net, use_puppet, 1, log);
    if (strstr(log, "kernels of 3x3 are too much") == NULL || strstr(log, "'first'") == NULL)
        fail_msg("the log does not say what was refused: %s", log);
    assert_int_equal(puppet->loads, 1);
    puppet->load = MOTE_E_UNSUPPORTED; /* now at load, and the next provider takes both */
    against_cpu(conv_net, both, 1, NULL);
    assert_int_equal(puppet->loads, 1);
}

static mote_status load_text(const char *text, mote_model **model, void **bytes, mote_diag *diag)
{
    size_t n;
    mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
    o.providers = use_puppet;
    *bytes = onnx_of(text, &n);
    return mote_model_load_memory(*bytes, n, &o, model, diag);
}

static void failures_at_load(void **state)
{
    (void)state;
    for (int k = 0; k < 6; k++) {
        *puppet = (puppet_strings){.claims = PUPPET_OPERATOR, .op = "Conv", .message = k % 2 == 0 ? "a string broke" : NULL};
        *(k < 2 ? &puppet->partition : k < 4 ? &puppet->compile : &puppet->load) = MOTE_E_LIMIT;
        mote_model *model;
        void *bytes;
        mote_diag diag = MOTE_DIAG_INIT;
        assert_int_equal(load_text(conv_net, &model, &bytes, &diag), MOTE_E_PROVIDER);
        assert_null(model);
        ASSERT_SAYS(diag, "provider 'puppet'");
        ASSERT_SAYS(diag, k < 2 ? "partition" : k < 4 ? "compile" : "load");
        ASSERT_SAYS(diag, k % 2 == 0 ? "a string broke" : "limit exceeded");
        assert_int_equal(puppet->loads, puppet->unloads);
        free(bytes);
    }
}

static void failures_at_run(void **state)
{
    (void)state;
    mote_model *model;
    void *bytes;
    mote_diag diag = MOTE_DIAG_INIT;
    puppet->claims = PUPPET_OPERATOR;
    puppet->op = "Conv";
    puppet->message = "out of string";
    ASSERT_OK(load_text(conv_net, &model, &bytes, &diag), diag);
    mote_session *s = session_of(model, NULL);
    mote_tensor shape = SHAPE(MOTE_DTYPE_F32, 1, 3, 8, 8);
    puppet->bind = MOTE_E_MEMORY;
    assert_int_equal(mote_session_prepare(s, &shape, 1, &diag), MOTE_E_PROVIDER);
    ASSERT_SAYS(diag, "bind: out of string");
    puppet->bind = MOTE_OK;
    ASSERT_OK(mote_session_prepare(s, &shape, 1, &diag), diag);
    fill_inputs(model, s, 1);
    puppet->run = MOTE_E_IO;
    assert_int_equal(mote_session_run(s, NULL, &diag), MOTE_E_PROVIDER);
    ASSERT_SAYS(diag, "provider 'puppet': run: out of string");
    assert_string_equal(diag.node, "puppet-0");
    puppet->run = MOTE_OK;
    puppet->completion = MOTE_E_VALUE;
    puppet->later = true;
    assert_int_equal(mote_session_run(s, NULL, &diag), MOTE_E_PROVIDER);
    puppet->completion = MOTE_OK;
    for (int i = 0; i < 20; i++)
        ASSERT_OK(mote_session_run(s, NULL, &diag), diag);
    mote_session_destroy(&s);
    mote_model_destroy(&model);
    free(bytes);
}

static void later(void **state)
{
    (void)state;
    puppet->claims = PUPPET_RANDOM;
    puppet->seed = 3;
    puppet->later = true;
    against_cpu(diamond, use_puppet, 0, NULL);
    against_cpu(odd_net, use_puppet, 2, NULL);
}

/* ---- memory ---- */

static void wishes_for_memory(void **state)
{
    (void)state;
    static const size_t wishes[][2] = {{1, 0}, {64, 0}, {128, 0}, {4096, 0}, {4, 64}, {4096, 1000}};
    puppet->claims = PUPPET_RANDOM;
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++) {
        puppet->requirements = (mote_buffer_requirements){sizeof(mote_buffer_requirements), wishes[i][0], wishes[i][1], true};
        for (uint32_t seed = 0; seed < 4; seed++) {
            puppet->seed = seed * 131;
            against_cpu(diamond, use_puppet, 0, NULL);
            against_cpu(odd_net, use_puppet, 3, NULL);
        }
    }
    puppet->claims = PUPPET_OPERATOR;
    puppet->op = "Conv";
    for (int k = 0; k < 3; k++) {
        puppet->requirements = (mote_buffer_requirements){sizeof(mote_buffer_requirements), k == 0 ? 8192 : k == 1 ? 48 : 64, 0, k != 2};
        mote_model *model;
        void *bytes;
        mote_diag diag = MOTE_DIAG_INIT;
        ASSERT_OK(load_text(conv_net, &model, &bytes, &diag), diag);
        mote_session *s = session_of(model, NULL);
        mote_tensor shape = SHAPE(MOTE_DTYPE_F32, 1, 3, 8, 8);
        assert_int_equal(mote_session_prepare(s, &shape, 1, &diag), MOTE_E_PROVIDER);
        ASSERT_SAYS(diag, "asks for memory that mote does not have");
        mote_session_destroy(&s);
        mote_model_destroy(&model);
        free(bytes);
    }
}

/* The caller's memory is aligned to its elements only; providers may rely on more. */
static void unaligned_bindings(void **state)
{
    (void)state;
    static const char text[] = "module ir 8 opset \"\" 17 graph (x: float32[5,7]) { v = Flatten(x) {axis=0} a = Neg(v) y = Abs(a) return y }";
    _Alignas(64) static float in[64], out[64];
    puppet->claims = PUPPET_EVERYTHING;
    mote_model *model;
    void *bytes;
    mote_diag diag = MOTE_DIAG_INIT;
    ASSERT_OK(load_text(text, &model, &bytes, &diag), diag);
    mote_session *s = session_of(model, NULL);
    for (size_t shift = 0; shift < 4; shift++) {
        mote_tensor x = MOTE_TENSOR_INIT, y = MOTE_TENSOR_INIT;
        assert_int_equal(mote_tensor_describe(&x, MOTE_DTYPE_F32, 2, (int64_t[]){5, 7}, in + shift), MOTE_OK);
        assert_int_equal(mote_tensor_describe(&y, MOTE_DTYPE_F32, 2, (int64_t[]){1, 35}, out + 3 - shift), MOTE_OK);
        ASSERT_OK(mote_session_bind_input(s, 0, &x, &diag), diag);
        ASSERT_OK(mote_session_bind_output(s, 0, &y, &diag), diag);
        for (int i = 0; i < 35; i++)
            in[(int)shift + i] = (float)(i - 17);
        ASSERT_OK(mote_session_run(s, NULL, &diag), diag);
        for (int i = 0; i < 35; i++)
            assert_true(out[3 - (int)shift + i] == (float)abs(i - 17));
    }
    mote_session_destroy(&s);
    mote_model_destroy(&model);
    free(bytes);
}

/* ---- shapes, names, profiles, threads ---- */

static void many_shapes(void **state)
{
    (void)state;
    static const char text[] = /* the group's own shape arithmetic says the output's size */
        "module ir 8 opset \"\" 17 graph (x: float32[N,L,6], t: int64[2]) { const two: int64[1] {2} const m: int64[1] {-1}\n"
        "s = Shape(x) {start=0, end=1} q = Concat(s, two, m) {axis=0} y = Reshape(x, q) z = Reshape(x, t) a = Neg(y) b = Neg(z) return a, b }";
    for (int k = 0; k < 2; k++) {
        puppet->claims = k == 0 ? PUPPET_EVERYTHING : PUPPET_OPERATOR;
        puppet->op = "Reshape";
        mote_model *model;
        void *bytes;
        mote_diag diag = MOTE_DIAG_INIT;
        ASSERT_OK(load_text(text, &model, &bytes, &diag), diag);
        mote_session *s = session_of(model, NULL);
        for (int64_t n = 1; n < 6; n++)
            for (int64_t l = 1; l < 4; l++) {
                mote_tensor shapes[2] = {SHAPE(MOTE_DTYPE_F32, n, l, 6), SHAPE(MOTE_DTYPE_S64, 2)};
                ASSERT_OK(mote_session_prepare(s, shapes, 2, &diag), diag);
                fill_inputs(model, s, 1);
                int64_t *t = mote_tensor_map(mote_session_input(s, 1));
                t[0] = 3 * l;
                t[1] = -1;
                ASSERT_OK(mote_session_run(s, NULL, &diag), diag);
                const mote_tensor *a = mote_session_output(s, 0), *b = mote_session_output(s, 1);
                assert_int_equal(a->rank, 3);
                assert_int_equal(a->shape[0], n);
                assert_int_equal(a->shape[2], 3 * l);
                assert_int_equal(b->shape[0], 3 * l);
                assert_int_equal(b->shape[1], 2 * n);
            }
        mote_session_destroy(&s);
        mote_model_destroy(&model);
        free(bytes);
    }
}

/* What is inside a group must not decide its own output's size by values that inference cannot know. */
static void sizes_by_values_inside(void **state)
{
    (void)state;
    static const char text[] = "module ir 8 opset \"\" 17 graph (x: float32[100]) { const z: float32[] {0.0} const o: float32[] {1.0}\n"
                               "m = ReduceMax(x) {keepdims=0} y = Range(z, m, o) return y }";
    puppet->claims = PUPPET_EVERYTHING;
    mote_model *model;
    void *bytes;
    mote_diag diag = MOTE_DIAG_INIT;
    ASSERT_OK(load_text(text, &model, &bytes, &diag), diag);
    mote_session *s = session_of(model, NULL);
    fill_inputs(model, s, 1);
    assert_int_equal(mote_session_run(s, NULL, &diag), MOTE_E_UNSUPPORTED);
    ASSERT_SAYS(diag, "provider 'puppet' must not claim those nodes");
    mote_session_destroy(&s);
    mote_model_destroy(&model);
    free(bytes);
}

typedef struct seen {
    char names[64][64];
    size_t n;
    mote_profile_event events[32];
    size_t n_events;
} seen;

static void see_tensor(void *ctx, const char *name, const mote_tensor *t)
{
    seen *s = ctx;
    assert_non_null(mote_tensor_map(t));
    snprintf(s->names[s->n++ % 64], 64, "%s", name);
}

static void see_event(void *ctx, const mote_profile_event *e)
{
    seen *s = ctx;
    s->events[s->n_events++ % 32] = *e;
}

static void names_and_events(void **state)
{
    (void)state;
    puppet->claims = PUPPET_OPERATOR;
    puppet->op = "Conv";
    puppet->profile = true;
    mote_model *model;
    void *bytes;
    mote_diag diag = MOTE_DIAG_INIT;
    ASSERT_OK(load_text(conv_net, &model, &bytes, &diag), diag);
    seen got = {.n = 0};
    mote_session_options o = MOTE_SESSION_OPTIONS_INIT;
    o.tap = see_tensor;
    o.tap_ctx = &got;
    o.profile = see_event;
    o.profile_ctx = &got;
    mote_session *s = session_of(model, &o);
    mote_tensor shape = SHAPE(MOTE_DTYPE_F32, 1, 3, 8, 8);
    ASSERT_OK(mote_session_prepare(s, &shape, 1, &diag), diag);
    fill_inputs(model, s, 1);
    ASSERT_OK(mote_session_run(s, NULL, &diag), diag);
    static const char *const wanted[] = {"a", "d", "y"}; /* inner tensors keep their names, graph outputs too */
    for (size_t k = 0; k < 3; k++) {
        bool found = false;
        for (size_t i = 0; i < got.n; i++)
            found = found || strcmp(got.names[i], wanted[k]) == 0;
        if (!found)
            fail_msg("tensor '%s' was not seen", wanted[k]);
    }
    size_t groups = 0, pulls = 0;
    for (size_t i = 0; i < got.n_events; i++) {
        const mote_profile_event *e = &got.events[i];
        assert_true(e->end_ns >= e->start_ns);
        if (strcmp(e->op, "Group") == 0) {
            assert_string_equal(e->kernel, "puppet");
            assert_int_equal(e->depth, 0);
            groups++;
        }
        if (e->depth == 1) {
            assert_string_equal(e->name, pulls % 2 == 0 ? "first pull" : "second pull");
            pulls++;
        }
    }
    assert_int_equal(groups, 2);
    assert_int_equal(pulls, 4);
    mote_session_destroy(&s);
    mote_model_destroy(&model);
    free(bytes);
}

typedef struct text {
    char *p;
    size_t n;
} text;

static bool append(void *ctx, const char *p, size_t n)
{
    text *t = ctx;
    t->p = realloc(t->p, t->n + n + 1);
    memcpy(t->p + t->n, p, n);
    t->n += n;
    t->p[t->n] = 0;
    return true;
}

static void dumps(void **state)
{
    (void)state;
    text t[2] = {{NULL, 0}, {NULL, 0}};
    puppet->claims = PUPPET_OPERATOR;
    puppet->op = "Conv";
    for (int k = 0; k < 2; k++) {
        mote_model *model;
        void *bytes;
        mote_diag diag = MOTE_DIAG_INIT;
        ASSERT_OK(load_text(conv_net, &model, &bytes, &diag), diag);
        assert_int_equal(mote_model_dump(model, append, &t[k]), MOTE_OK);
        mote_model_destroy(&model);
        free(bytes);
    }
    assert_string_equal(t[0].p, t[1].p);
    assert_non_null(strstr(t[0].p, "mote::Group(x) {group=0, provider=\"puppet\"}"));
    assert_non_null(strstr(t[0].p, "# group 1 of provider puppet"));
    assert_non_null(strstr(t[0].p, "#     a: float32[N,4,8,8] = Conv(x, w, b)"));
    free(t[0].p);
    free(t[1].p);
}

typedef struct runner {
    mote_model *model;
    const results *want;
    bool ok;
} runner;

static void *run_session(void *ctx)
{
    runner *r = ctx;
    mote_session *s;
    mote_session_options o = MOTE_SESSION_OPTIONS_INIT;
    o.threads = 1;
    if (mote_session_create(r->model, &o, &s, NULL) != MOTE_OK)
        return NULL;
    r->ok = true;
    for (int k = 0; k < 10 && r->ok; k++) {
        for (size_t i = 0; i < 2; i++)
            fill_tensor(mote_session_input(s, i), 7 + (uint32_t)i);
        r->ok = mote_session_run(s, NULL, NULL) == MOTE_OK;
        for (size_t i = 0; i < r->want->n && r->ok; i++)
            r->ok = memcmp(mote_tensor_map(mote_session_output(s, i)), r->want->data[i], r->want->bytes[i]) == 0;
    }
    mote_session_destroy(&s);
    return NULL;
}

static void sessions_in_threads(void **state)
{
    (void)state;
    results want;
    run_text(diamond, NULL, 0, NULL, &want);
    static const char *const dummies[] = {"dummy", NULL};
    static const char text_[] = "module ir 8 opset \"\" 17 graph (x: float32[1,2,6,6], w: float32[2,2,3,3]) {\n"
                                "a = Conv(x, w) y = Relu(a) return y }";
    results_free(&want);
    run_text(text_, NULL, 0, NULL, &want);
    mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
    o.providers = dummies;
    void *bytes;
    mote_model *model = model_of(text_, &o, &bytes);
    runner r[4];
    pthread_t t[4];
    for (int i = 0; i < 4; i++) {
        r[i] = (runner){model, &want, false};
        assert_int_equal(pthread_create(&t[i], NULL, run_session, &r[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], NULL);
        assert_true(r[i].ok);
    }
    mote_model_destroy(&model);
    free(bytes);
    results_free(&want);
}

/* ---- allocation N fails, for every N ---- */

typedef struct counter {
    _Atomic size_t left, live;
} counter;

static void *counted_alloc(void *ctx, size_t bytes, size_t align)
{
    counter *c = ctx;
    if (atomic_load(&c->left) == 0)
        return NULL;
    atomic_fetch_sub(&c->left, 1);
    void *p = NULL;
    if (posix_memalign(&p, align, bytes) != 0)
        return NULL;
    atomic_fetch_add(&c->live, bytes);
    return p;
}

static void counted_free(void *ctx, void *p, size_t bytes)
{
    counter *c = ctx;
    atomic_fetch_sub(&c->live, bytes);
    free(p);
}

static void no_memory(void **state)
{
    (void)state;
    size_t n;
    void *bytes = onnx_of(conv_net, &n);
    puppet->claims = PUPPET_OPERATOR;
    puppet->op = "Conv";
    bool done = false;
    for (size_t at = 0; !done; at++) {
        counter c = {at, 0};
        mote_allocator a = MOTE_ALLOCATOR_INIT;
        a.ctx = &c;
        a.alloc = counted_alloc;
        a.free = counted_free;
        mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
        o.allocator = &a;
        o.providers = use_puppet;
        mote_model *model = NULL;
        mote_session *s = NULL;
        mote_session_options so = MOTE_SESSION_OPTIONS_INIT;
        so.threads = 1;
        mote_tensor shape = SHAPE(MOTE_DTYPE_F32, 1, 3, 8, 8);
        mote_diag diag = MOTE_DIAG_INIT;
        mote_status status = mote_model_load_memory(bytes, n, &o, &model, &diag);
        if (status == MOTE_OK)
            status = mote_session_create(model, &so, &s, &diag);
        if (status == MOTE_OK)
            status = mote_session_prepare(s, &shape, 1, &diag);
        if (status == MOTE_OK)
            status = mote_session_run(s, NULL, &diag);
        done = status == MOTE_OK;
        if (!done && status != MOTE_E_MEMORY && status != MOTE_E_PROVIDER) /* the plug-in's own share is its failure */
            fail_msg("allocation %zu: %s: %s", at, mote_status_string(status), diag.message);
        assert_true(done || diag.code == status);
        mote_session_destroy(&s);
        mote_model_destroy(&model);
        assert_int_equal(c.live, 0);
        assert_in_range(at, 0, 5000);
    }
    free(bytes);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, reset, balance)
    const struct CMUnitTest tests[] = {
        TEST(refused), TEST(loaded_twice), TEST(unknown), TEST(claims), TEST(random_claims), TEST(dummy_mnist), TEST(dummy_efficientnet),
        TEST(refusals_go_on), TEST(failures_at_load), TEST(failures_at_run), TEST(later), TEST(wishes_for_memory), TEST(unaligned_bindings),
        TEST(many_shapes), TEST(sizes_by_values_inside), TEST(names_and_events), TEST(dumps), TEST(sessions_in_threads), TEST(no_memory),
    };
    return cmocka_run_group_tests(tests, load_plugins, NULL);
}
