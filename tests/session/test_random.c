/* test_random.c - the random operators: the generator's published answers, distributions by their formulas, what a seed says, what is refused
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/half.h"
#include "ops/random.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "support/model.h"
#include "support/nets.h"

#define HEAD "module ir 8 opset \"\" 22 graph "

/* Random123's known-answer tests of philox4x32 with 10 rounds. */
static void generator(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], want[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}, {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint32_t out[4];
        mote_philox(known[i].counter, known[i].key, out);
        assert_memory_equal(out, known[i].want, sizeof out);
    }
}

typedef struct net {
    void *bytes;
    mote_model *model;
    mote_session *s;
} net;

static net open_net(const char *text, uint64_t seed)
{
    net n = {0};
    n.model = model_of(text, NULL, &n.bytes);
    mote_session_options o = MOTE_SESSION_OPTIONS_INIT;
    o.threads = 1;
    o.random_seed = seed;
    n.s = session_of(n.model, &o);
    return n;
}

static void close_net(net *n)
{
    mote_session_destroy(&n->s);
    mote_model_destroy(&n->model);
    free(n->bytes);
}

static const mote_tensor *run_net(const net *n)
{
    mote_diag diag = MOTE_DIAG_INIT;
    ASSERT_OK(mote_session_run(n->s, NULL, &diag), diag);
    return mote_session_output(n->s, 0);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The elements of the first output as doubles. */
static double *draw(const char *text, size_t *count)
{
    net n = open_net(text, 0);
    const mote_tensor *t = run_net(&n);
    *count = (size_t)mote_tensor_count(t);
    double *x = malloc(*count * sizeof *x);
    for (size_t i = 0; i < *count; i++)
        x[i] = mote_dtype_to_f64(t->dtype, mote_tensor_map(t), i);
    close_net(&n);
    return x;
}

/* Kolmogorov's distance of a sample from a distribution, times sqrt(n): above 1.95 with probability 0.001. */
static double distance(double *x, size_t n, double (*cdf)(double))
{
    double d = 0;
    qsort(x, n, sizeof *x, ascending);
    for (size_t i = 0; i < n; i++) {
        const double f = cdf(x[i]);
        d = fmax(d, fmax((double)(i + 1) / (double)n - f, f - (double)i / (double)n));
    }
    return d * sqrt((double)n);
}

static double correlation(const double *x, size_t n, size_t lag, double mean, double variance)
{
    double sum = 0;
    for (size_t i = 0; i + lag < n; i++)
        sum += (x[i] - mean) * (x[i + lag] - mean);
    return sum / variance / sqrt((double)(n - lag)); /* of a standard normal size */
}

static double uniform_cdf(double x) { return (x + 2) / 5; } /* in [-2, 3) */
static double normal_cdf(double x) { return 0.5 * erfc(-(x - 1.5) / (0.25 * sqrt(2))); }

static void uniform(void **state)
{
    (void)state;
    static const struct {
        const char *dtype;
        double bound; /* the grid of the type adds to the distance */
    } types[] = {{"1", 1.95}, {"11", 1.95}, {"10", 2.5}, {"16", 20}};
    for (size_t k = 0; k < 4; k++) {
        char text[300];
        size_t n;
        snprintf(text, sizeof text, HEAD "() { y = RandomUniform() {shape=[250,401], dtype=%s, low=-2.0, high=3.0} return y }", types[k].dtype);
        double *x = draw(text, &n);
        assert_int_equal(n, 250 * 401);
        for (size_t i = 0; i < n; i++)
            assert_true(x[i] >= -2 && (k >= 2 ? x[i] <= 3 : x[i] < 3));
        for (size_t lag = 1; lag <= 4; lag++)
            assert_true(fabs(correlation(x, n, lag, 0.5, 25.0 / 12)) < 4);
        const double d = distance(x, n, uniform_cdf);
        if (d >= types[k].bound)
            fail_msg("dtype %s: %g", types[k].dtype, d);
        free(x);
    }
    size_t n; /* half floats below 1: their unit is a power of two */
    double *x = draw(HEAD "() { y = RandomUniform() {shape=[100000], dtype=10} return y }", &n);
    for (size_t i = 0; i < n; i++)
        assert_true(x[i] >= 0 && x[i] < 1);
    free(x);
    x = draw(HEAD "() { y = RandomUniform() {shape=[5], low=3.0, high=3.0} return y }", &n);
    for (size_t i = 0; i < n; i++)
        assert_true(x[i] == 3);
    free(x);
}

static void normal(void **state)
{
    (void)state;
    static const char *const types[] = {"1", "11", "10"};
    for (size_t k = 0; k < 3; k++) {
        char text[300];
        size_t n;
        snprintf(text, sizeof text, HEAD "() { y = RandomNormal() {shape=[100001], dtype=%s, mean=1.5, scale=0.25} return y }", types[k]);
        double *x = draw(text, &n), moment[5] = {0};
        for (size_t i = 0; i < n; i++)
            for (int p = 1; p <= 4; p++)
                moment[p] += pow((x[i] - 1.5) / 0.25, p) / (double)n;
        const double root = sqrt((double)n); /* the moments' standard deviations: 1, sqrt 2, sqrt 15, sqrt 96 */
        assert_true(fabs(moment[1]) * root < 4 && fabs(moment[2] - 1) * root < 4 * sqrt(2) && fabs(moment[3]) * root < 4 * sqrt(15) &&
                    fabs(moment[4] - 3) * root < 4 * sqrt(96));
        for (size_t lag = 1; lag <= 4; lag++)
            assert_true(fabs(correlation(x, n, lag, 1.5, 0.0625)) < 4);
        const double d = distance(x, n, normal_cdf);
        if (d >= (k == 2 ? 2.5 : 1.95))
            fail_msg("dtype %s: %g", types[k], d);
        free(x);
    }
}

static void choices(void **state)
{
    (void)state;
    size_t n;
    /* p = 0, 0.25, 0.5, 1 in turn */
    double *x = draw(HEAD "() { const p: float32[4] {0.0, 0.25, 0.5, 1.0} const s: int64[2] {25000, 4} q = Expand(p, s) y = Bernoulli(q) {dtype=7} return y }", &n);
    double ones[4] = {0};
    assert_int_equal(n, 100000);
    for (size_t i = 0; i < n; i++) {
        assert_true(x[i] == 0 || x[i] == 1);
        ones[i % 4] += x[i];
    }
    free(x);
    assert_true(ones[0] == 0 && ones[3] == 25000);
    assert_true(fabs(ones[1] - 6250) < 4 * sqrt(25000 * 0.1875) && fabs(ones[2] - 12500) < 4 * sqrt(25000 * 0.25));
    /* classes in proportion 1 : 2 : 0 : 5, and one class alone */
    x = draw(HEAD "() { const p: float32[2,4] {1.0, 2.0, 0.0, 5.0, 0.0, 0.0, 3.0, 0.0} l = Log(p) y = Multinomial(l) {sample_size=40000} return y }", &n);
    double counts[4] = {0};
    assert_int_equal(n, 80000);
    for (size_t i = 0; i < n; i++) {
        assert_true(x[i] >= 0 && x[i] < 4 && (i < 40000 || x[i] == 2));
        counts[(size_t)x[i]] += i < 40000;
    }
    free(x);
    assert_true(counts[2] == 0);
    const double chi = pow(counts[0] - 5000, 2) / 5000 + pow(counts[1] - 10000, 2) / 10000 + pow(counts[3] - 25000, 2) / 25000;
    assert_true(chi < 13.8); /* above with probability 0.001 */
    /* Dropout in training: a tenth is lost, the rest grows */
    x = draw(HEAD "() { const s: int64[1] {100000} const r: float32[] {0.1} const t: bool[] {1} o = ConstantOfShape(s) {value=tensor float32[1] {1.0}} y = Dropout(o, r, t) return y }", &n);
    double lost = 0;
    for (size_t i = 0; i < n; i++) {
        assert_true(x[i] == 0 || fabs(x[i] - 1 / 0.9) < 1e-6);
        lost += x[i] == 0;
    }
    free(x);
    assert_true(fabs(lost - 10000) < 4 * sqrt(9000));
}

/* The sum of what a net gives: equal sums, equal numbers. */
static double sum(const net *n)
{
    const mote_tensor *t = run_net(n);
    double s = 0;
    for (int64_t i = 0; i < mote_tensor_count(t); i++)
        s += mote_dtype_to_f64(t->dtype, mote_tensor_map(t), (size_t)i);
    return s;
}

static void seeds(void **state)
{
    (void)state;
    static const char free_text[] = HEAD "() { y = RandomNormal() {shape=[64]} return y }";
    static const char seeded_text[] = HEAD "() { y = RandomNormal() {shape=[64], seed=7.0} return y }";
    net a = open_net(free_text, 0), b = open_net(free_text, 0), other = open_net(free_text, 1), seeded = open_net(seeded_text, 0),
        again = open_net(seeded_text, 5);
    const double a1 = sum(&a), a2 = sum(&a), s1 = sum(&seeded);
    assert_true(a1 != a2);
    assert_true(sum(&b) == a1);
    assert_true(sum(&b) == a2);
    assert_true(sum(&other) != a1);
    assert_true(sum(&seeded) == s1);
    assert_true(sum(&again) == s1);
    assert_true(s1 != a1);
    close_net(&a);
    close_net(&b);
    close_net(&other);
    close_net(&seeded);
    close_net(&again);
    /* two nodes: other numbers; in a loop: other numbers in each iteration, seeded or not */
    net two = open_net(HEAD "() { a = RandomUniform() {shape=[64]} b = RandomUniform() {shape=[64]} y = Sub(a, b) return y }", 0);
    const float *d = mote_tensor_map(run_net(&two));
    for (int i = 0; i < 64; i++)
        assert_true(d[i] != 0);
    close_net(&two);
    static const char *const seed[] = {"", ", seed=3.0"};
    for (int k = 0; k < 2; k++) {
        char text[500];
        snprintf(text, sizeof text, HEAD "() { const m: int64[] {5} y = Loop(m, _) {body=graph (i: int64[], go: bool[]) { g = Identity(go) "
                                         "r = RandomUniform() {shape=[8]%s} return g, r }} return y }", seed[k]);
        net loop = open_net(text, 0);
        const mote_tensor *t = run_net(&loop);
        const float *x = mote_tensor_map(t);
        assert_int_equal(mote_tensor_count(t), 40);
        for (int i = 0; i < 40; i++)
            for (int j = 0; j < i; j++)
                assert_true(x[i] != x[j]);
        float first[40];
        memcpy(first, x, sizeof first);
        x = mote_tensor_map(run_net(&loop));
        assert_int_equal(memcmp(first, x, sizeof first) == 0, k == 1);
        close_net(&loop);
    }
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *body, *what;
    } cases[] = {
        {"y = RandomUniform() {shape=[2,-1]}", "shape"},
        {"y = RandomUniform() {shape=[2], dtype=7}", "int64"},
        {"y = RandomUniform() {shape=[2], dtype=77}", "dtype"},
        {"y = RandomUniform() {shape=[2], low=2.0, high=1.0}", "low"},
        {"y = RandomUniform() {shape=[1,1,1,1,1,1,1,1,1]}", "rank"},
        {"y = RandomNormal() {shape=[2], scale=-1.0}", "scale"},
        {"y = RandomUniform() {shape=[4294967296,4294967296,4294967296]}", ""},
        {"const i: int64[2] {1, 2} y = RandomNormalLike(i)", "int64"},
        {"const p: float32[2] {0.5, 1.5} y = Bernoulli(p)", "1.5"},
        {"const z: float32[1] {0.0} p = Log(z) q = Sub(p, p) y = Bernoulli(q)", "probability"},
        {"const p: float32[2] {0.5, 1.5} y = Multinomial(p)", "rank"},
        {"const p: float32[1,2] {0.5, 1.5} y = Multinomial(p) {sample_size=0}", "sample_size"},
        {"const p: float32[1,2] {0.5, 1.5} y = Multinomial(p) {dtype=1}", "float"},
        {"const z: float32[1,2] {0.0, 0.0} p = Log(z) y = Multinomial(p)", "probability"},
        {"const p: float32[3,0] {} y = Multinomial(p)", "classes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[600];
        snprintf(text, sizeof text, HEAD "() { %s return y }", cases[i].body);
        mote_heap heap;
        mote_diag diag = MOTE_DIAG_INIT;
        mote_heap_init(&heap, NULL, 0);
        mote_module *m = NULL;
        mote_array out;
        mote_status status = mote_module_parse(&heap, mote_str_c(text), &m, &diag);
        if (status != MOTE_OK)
            fail_msg("%s: %s", cases[i].body, diag.message);
        if ((status = mote_ops_resolve(m, &diag)) == MOTE_OK && (status = mote_infer_module(m, &diag)) == MOTE_OK)
            status = mote_eval_graph(m->graph, NULL, 0, &out, 1, &heap, 0, NULL, NULL, &diag);
        if (status == MOTE_OK || strstr(diag.message, cases[i].what) == NULL)
            fail_msg("%s: status %d, '%s' lacks '%s'", cases[i].body, (int)status, diag.message, cases[i].what);
        mote_module_destroy(&m);
        assert_int_equal(heap.used, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(generator), cmocka_unit_test(uniform), cmocka_unit_test(normal),
                                       cmocka_unit_test(choices), cmocka_unit_test(seeds), cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
