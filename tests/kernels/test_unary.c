/* test_unary.c - every unary row: bits of the plain C row, accuracy, special values, bounds
 * SPDX-License-Identifier: Apache-2.0 */
#include "kcheck.h"
#include "kernels/unary/unary.h"

static const float params[2] = {0.25f, 1.5f};

static const char *check(const void *which)
{
    static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 13, 15, 16, 17, 23, 31, 32, 33, 47, 48, 49, 101, 1009};
    static guard gx, gy;
    static float want[1009], keep[1009];
    const mote_unary_row *row = which;
    mote_unary_fn ref = mote_unary_select(row->op, 0)->fn;
    uint64_t seed = kcheck_seed;
    if (gx.base == NULL)
        gx = guard_make(1009 * 4), gy = guard_make(1009 * 4);
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++)
        for (int side = 0; side < 2; side++) {
            size_t n = sizes[k];
            float *x = guard_at(&gx, n * 4, side), *y = guard_at(&gy, n * 4, side);
            for (size_t i = 0; i < n; i++)
                x[i] = rng_any(&seed);
            memcpy(keep, x, n * 4);
            ref(keep, want, n, params);
            row->fn(x, y, n, params);
            expect_same(row->name, y, want, n);
            row->fn(x, x, n, params);
            expect_same(row->name, x, want, n);
        }
    return NULL;
}

static void rows_agree(void **state)
{
    (void)state;
    size_t count;
    const mote_unary_row *rows = mote_unary_rows(&count);
    kcheck_rows(rows, count, sizeof *rows, check);
}

static void reads_behind(const float *x, float *y, size_t n, const float *p)
{
    const volatile float *v = x;
    if (n % 16 != 0)
        (void)v[n];
    mote_unary_select(MOTE_UNARY_RELU, 0)->fn(x, y, n, p);
}
static void forgets_tail(const float *x, float *y, size_t n, const float *p)
{
    mote_unary_select(MOTE_UNARY_RELU, 0)->fn(x, y, n & ~(size_t)3, p);
}
static void loses_nan(const float *x, float *y, size_t n, const float *p)
{
    (void)p;
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] > 0 ? x[i] : x[i] == 0 ? x[i] : 0.0f;
}

static void planted(void **state)
{
    (void)state;
    static const mote_unary_row bad[] = {{"reads_behind", 0, MOTE_UNARY_RELU, 0, reads_behind},
                                         {"forgets_tail", 0, MOTE_UNARY_RELU, 0, forgets_tail},
                                         {"loses_nan", 0, MOTE_UNARY_RELU, 0, loses_nan}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        kcheck_caught(&bad[i], check);
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double softplus(double x) { return x > 40 ? x : log1p(exp(x)); }
static double swish(double x) { return x * sigmoid(0.25 * x); }
static double mish(double x) { return x * tanh(softplus(x)); }
static double elu(double x) { return 1.5 * (x < 0 ? 0.25 * expm1(x) : x); }
static double celu(double x) { return x < 0 ? 0.25 * expm1(x / 0.25) : x; }
static double gelu(double x) { return 0.5 * x * erfc(-x * 0.70710678118654752); }
static double gelu_tanh(double x) { return x * sigmoid(2 * 0.79788456080286536 * (x + 0.044715 * x * x * x)); }
static double softsign(double x) { return isinf(x) ? (double)NAN : x / (1 + fabs(x)); }
static double rsqrt(double x) { return 1 / sqrt(x); }

static void accuracy(void **state)
{
    (void)state;
    static const struct {
        mote_unary op;
        double (*f)(double);
        double bound, lo, hi; /* error in ULP, or in ULP of x for the GELUs */
    } c[] = {
        {MOTE_UNARY_EXP, exp, 1.0, -INFINITY, INFINITY},
        {MOTE_UNARY_LOG, log, 0.9, -INFINITY, INFINITY},
        {MOTE_UNARY_TANH, tanh, 1.45, -INFINITY, INFINITY},
        {MOTE_UNARY_SIGMOID, sigmoid, 2.4, -INFINITY, INFINITY},
        {MOTE_UNARY_ERF, erf, 1.1, -INFINITY, INFINITY},
        {MOTE_UNARY_SOFTPLUS, softplus, 1.8, -INFINITY, INFINITY},
        {MOTE_UNARY_SWISH, swish, 4, -300, 1e30},
        {MOTE_UNARY_MISH, mish, 5, -80, 1e30},
        {MOTE_UNARY_ELU, elu, 3, -INFINITY, 1e30},
        {MOTE_UNARY_CELU, celu, 4, -INFINITY, 1e30},
        {MOTE_UNARY_SOFTSIGN, softsign, 2, -1e30, 1e30},
        {MOTE_UNARY_RSQRT, rsqrt, 2, 0, INFINITY},
        {MOTE_UNARY_SIN, sin, 1.8, -1e38, 1e38},
        {MOTE_UNARY_COS, cos, 1.8, -1e38, 1e38},
        {MOTE_UNARY_TAN, tan, 0.51, -1e38, 1e38},
        {MOTE_UNARY_ASIN, asin, 2.5, -2, 2},
        {MOTE_UNARY_ACOS, acos, 1.8, -2, 2},
        {MOTE_UNARY_ATAN, atan, 2.5, -INFINITY, INFINITY},
        {MOTE_UNARY_SINH, sinh, 0.51, -INFINITY, INFINITY},
        {MOTE_UNARY_COSH, cosh, 0.51, -INFINITY, INFINITY},
        {MOTE_UNARY_ASINH, asinh, 0.51, -INFINITY, INFINITY},
        {MOTE_UNARY_ACOSH, acosh, 0.51, -INFINITY, INFINITY},
        {MOTE_UNARY_ATANH, atanh, 0.51, -2, 2},
        {MOTE_UNARY_GELU, gelu, -2, -1e30, 1e30},
        {MOTE_UNARY_GELU_TANH, gelu_tanh, -3, -1e18, 1e18},
    };
    enum { N = 1 << 16 };
    static float x[N], y[N];
    uint32_t cpu = mote_cpu_features();
    uint64_t seed = 7;
    for (size_t k = 0; k < sizeof c / sizeof c[0]; k++) {
        const mote_unary_row *row = mote_unary_select(c[k].op, cpu);
        for (size_t i = 0; i < N; i++) /* half over all bit patterns, half where the function lives */
            x[i] = i & 1 ? rng_float(&seed, -12.0f, 12.0f)
                         : mote_f32_from_bits((uint32_t)(i << 16) | (uint32_t)(rng_next(&seed) & 0xffff));
        row->fn(x, y, N, params);
        for (size_t i = 0; i < N; i++) {
            double v = (double)x[i];
            if (v != v)
                assert_true(y[i] != y[i]);
            if (!(v >= c[k].lo && v <= c[k].hi))
                continue;
            double want = c[k].f(v);
            bool good = c[k].bound > 0
                            ? ulps(y[i], want) <= c[k].bound && (want != want || !signbit(want) == !signbit(y[i]))
                            : fabs((double)y[i] - want) <= -c[k].bound * (fabs(v) * 0x1p-24 + 0x1p-149);
            if (!good)
                fail_msg("%s(%a) is %a, expected %a (%g ULP)", row->name, v, (double)y[i], want, ulps(y[i], want));
        }
    }
}

static void special_values(void **state)
{
    (void)state;
    static const struct {
        mote_unary op;
        float x, y;
    } c[] = {
        {MOTE_UNARY_EXP, -INFINITY, 0.0f},
        {MOTE_UNARY_EXP, INFINITY, INFINITY},
        {MOTE_UNARY_EXP, 0.0f, 1.0f},
        {MOTE_UNARY_EXP, -103.0f, 0x1p-149f},
        {MOTE_UNARY_LOG, 0.0f, -INFINITY},
        {MOTE_UNARY_LOG, -0.0f, -INFINITY},
        {MOTE_UNARY_LOG, -1.0f, NAN},
        {MOTE_UNARY_LOG, INFINITY, INFINITY},
        {MOTE_UNARY_LOG, 1.0f, 0.0f},
        {MOTE_UNARY_TANH, -0.0f, -0.0f},
        {MOTE_UNARY_TANH, 0x1p-149f, 0x1p-149f},
        {MOTE_UNARY_TANH, -INFINITY, -1.0f},
        {MOTE_UNARY_ERF, -0.0f, -0.0f},
        {MOTE_UNARY_ERF, 30.0f, 1.0f},
        {MOTE_UNARY_SIGMOID, -INFINITY, 0.0f},
        {MOTE_UNARY_SIGMOID, INFINITY, 1.0f},
        {MOTE_UNARY_SIGMOID, 0.0f, 0.5f},
        {MOTE_UNARY_RELU, NAN, NAN},
        {MOTE_UNARY_RELU, -0.0f, -0.0f},
        {MOTE_UNARY_RELU, -1.0f, 0.0f},
        {MOTE_UNARY_CLIP, NAN, NAN},
        {MOTE_UNARY_CLIP, -5.0f, 0.25f},
        {MOTE_UNARY_CLIP, 5.0f, 1.5f},
        {MOTE_UNARY_ROUND, 2.5f, 2.0f},
        {MOTE_UNARY_ROUND, -0.25f, -0.0f},
        {MOTE_UNARY_ROUND, 3.5f, 4.0f},
        {MOTE_UNARY_FLOOR, -0.5f, -1.0f},
        {MOTE_UNARY_CEIL, -0.5f, -0.0f},
        {MOTE_UNARY_SIGN, -0.0f, -0.0f},
        {MOTE_UNARY_SIGN, -3.0f, -1.0f},
        {MOTE_UNARY_HARDSWISH, -3.0f, -0.0f},
        {MOTE_UNARY_HARDSWISH, 3.0f, 3.0f},
        {MOTE_UNARY_SHRINK, 0.25f, 0.0f},
        {MOTE_UNARY_SHRINK, -1.0f, 0.5f},
        {MOTE_UNARY_SOFTPLUS, -INFINITY, 0.0f},
        {MOTE_UNARY_SOFTPLUS, INFINITY, INFINITY},
        {MOTE_UNARY_ELU, -0.0f, -0.0f},
        {MOTE_UNARY_ELU, -INFINITY, -0.375f},
        {MOTE_UNARY_SQRT, -1.0f, NAN},
        {MOTE_UNARY_SIN, INFINITY, NAN},
        {MOTE_UNARY_SIN, -0.0f, -0.0f},
        {MOTE_UNARY_THRESHOLDEDRELU, 0.25f, 0.0f},
        {MOTE_UNARY_LEAKYRELU, -2.0f, -0.5f},
        {MOTE_UNARY_ABS, -0.0f, 0.0f},
        {MOTE_UNARY_NEG, 0.0f, -0.0f},
    };
    size_t count;
    const mote_unary_row *rows = mote_unary_rows(&count);
    uint32_t cpu = mote_cpu_features();
    for (size_t r = 0; r < count; r++)
        for (size_t k = 0; k < sizeof c / sizeof c[0]; k++)
            if (rows[r].op == c[k].op && (rows[r].isa & ~cpu) == 0) {
                float y;
                rows[r].fn(&c[k].x, &y, 1, params);
                expect_same(rows[r].name, &y, &c[k].y, 1);
            }
}

typedef struct job {
    const mote_unary_row *row;
    float x[4096], y[4096];
} job;
static void run(void *ctx)
{
    job *j = ctx;
    j->row->fn(j->x, j->y, 4096, params);
}
static void bench(const void *row)
{
    static job j;
    j.row = row;
    uint64_t seed = kcheck_seed;
    kcheck_fill(j.x, 4096, &seed, false);
    kcheck_report(j.row->name, "n=4096", kcheck_time(run, &j), 4096, "elements");
}

int main(int argc, char **argv)
{
    const char *filter = kcheck_args(argc, argv);
    if (kcheck_bench) {
        size_t count;
        const mote_unary_row *rows = mote_unary_rows(&count);
        kcheck_bench_rows(rows, count, sizeof *rows, filter, bench);
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_agree), cmocka_unit_test(planted),
                                       cmocka_unit_test(accuracy), cmocka_unit_test(special_values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
