/* test_binary.c - every binary row: bits of the plain C row in every form; pow and fmod against libm; integers
 * SPDX-License-Identifier: Apache-2.0 */
#include "kcheck.h"
#include "kernels/binary/binary.h"

static const char *check(const void *which)
{
    static const size_t sizes[] = {1, 2, 3, 4, 5, 7, 8, 9, 13, 15, 16, 17, 23, 31, 32, 33, 47, 101, 211};
    static const float exponents[] = {2, 0.5f, 1, -1, 3, 0, -2, 0.25f};
    static guard ga, gb, gy;
    static float want[256];
    const mote_binary_row *row = which;
    bool test = row->op >= MOTE_BINARY_EQ;
    mote_binary_fn ref = mote_binary_select(row->op, 0)->fn;
    uint64_t seed = kcheck_seed + 2;
    if (ga.base == NULL)
        ga = guard_make(1024), gb = guard_make(1024), gy = guard_make(1024);
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++)
        for (unsigned form = 0; form < 3; form++)
            for (int side = 0; side < 2; side++) {
                size_t n = sizes[k], na = form == MOTE_FORM_SV ? 1 : n, nb = form == MOTE_FORM_VS ? 1 : n,
                       size = test ? 1 : 4;
                float *a = guard_at(&ga, na * 4, side), *b = guard_at(&gb, nb * 4, side);
                void *y = guard_at(&gy, n * size, side);
                for (size_t i = 0; i < na; i++)
                    a[i] = rng_any(&seed);
                for (size_t i = 0; i < nb; i++)
                    b[i] = row->op == MOTE_BINARY_POW && (k & 1) ? exponents[rng_next(&seed) & (k & 2 ? 3 : 7)]
                           : test && (i & 1)                     ? a[i < na ? i : 0]
                                                                 : rng_any(&seed);
                ref(a, b, want, n, form);
                row->fn(a, b, y, n, form);
                if (test) {
                    expect_bytes(row->name, y, want, n);
                } else {
                    expect_same(row->name, y, want, n);
                    float *v = form == MOTE_FORM_SV ? b : a;
                    row->fn(a, b, v, n, form);
                    expect_same(row->name, v, want, n);
                }
            }
    return NULL;
}

static void rows_agree(void **state)
{
    (void)state;
    size_t count;
    const mote_binary_row *rows = mote_binary_rows(&count);
    kcheck_rows(rows, count, sizeof *rows, check);
}

static void swaps(const float *a, const float *b, void *y, size_t n, unsigned form)
{
    mote_binary_select(MOTE_BINARY_SUB, 0)
        ->fn(b, a, y, n,
             form == MOTE_FORM_SV   ? MOTE_FORM_VS
             : form == MOTE_FORM_VS ? MOTE_FORM_SV
                                    : form);
}
static void ignores_form(const float *a, const float *b, void *y, size_t n, unsigned form)
{
    (void)form;
    mote_binary_select(MOTE_BINARY_SUB, 0)->fn(a, b, y, n, MOTE_FORM_VV);
}
static void writes_behind(const float *a, const float *b, void *y, size_t n, unsigned form)
{
    mote_binary_select(MOTE_BINARY_SUB, 0)->fn(a, b, y, n, form);
    ((volatile float *)y)[n] = 0;
}

static void planted(void **state)
{
    (void)state;
    static const mote_binary_row bad[] = {{"swaps", 0, MOTE_BINARY_SUB, swaps},
                                          {"ignores_form", 0, MOTE_BINARY_SUB, ignores_form},
                                          {"writes_behind", 0, MOTE_BINARY_SUB, writes_behind}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        kcheck_caught(&bad[i], check);
}

static void pow_within(const mote_binary_row *row, const float *a, const float *b, size_t n)
{
    float y[256];
    row->fn(a, b, y, n, MOTE_FORM_VV);
    for (size_t i = 0; i < n; i++) {
        double want = pow((double)a[i], (double)b[i]);
        if (b[i] == 0.5f && a[i] == 0.0f)
            want = 0.0;
        if (ulps(y[i], want) > 0.8 || (want == want && !signbit(y[i]) != !signbit(want)))
            fail_msg("%s: pow(%a, %a) is %a, expected %a", row->name, (double)a[i], (double)b[i], (double)y[i], want);
    }
}

static void check_pow(const mote_binary_row *row)
{
    static const float edges[] = {0.0f,     0.5f,       1.0f,       0x1.fffffep-1f, 0x1.000002p+0f, 2.0f,        3.0f,         5.0f,         0x1.fp+3f, 0x1.5p+6f, 0x1p-126f,
                                  0x1p-149f, 0x1.8p-130f, 0x1.fffffep+127f, 0x1p+24f, 0x1.000002p+23f, 0x1.fffffep+23f, 0x1.6a09e6p-1f, 0x1.6a09e8p+0f, 1e-20f, 1e20f, INFINITY, NAN};
    enum { N = 2 * sizeof edges / sizeof edges[0] };
    float a[256], b[256];
    uint64_t seed = 5;
    for (size_t i = 0; i < N; i++) {
        for (size_t k = 0; k < N; k++) {
            a[k] = i & 1 ? -edges[i / 2] : edges[i / 2];
            b[k] = k & 1 ? -edges[k / 2] : edges[k / 2];
        }
        pow_within(row, a, b, N);
    }
    for (int round = 0; round < 1000; round++) {
        for (size_t i = 0; i < 256; i++) {
            a[i] = i & 1 ? rng_any(&seed) : rng_float(&seed, 0.0f, 4.0f);
            b[i] = i & 2   ? rng_any(&seed)
                   : i & 4 ? roundf(rng_float(&seed, -9.0f, 9.0f))
                           : rng_float(&seed, -30.0f, 30.0f);
            if ((i & 0x38) == 0x38 && a[i] > 0.0f) /* results all over f32's range */
                b[i] = (float)(rng_float(&seed, -150.0f, 129.0f) / log2((double)a[i]));
        }
        pow_within(row, a, b, 256);
    }
    for (int base = -20; base <= 20; base++) /* whole numbers stay whole */
        for (int e = 3; e < 24; e++) {
            const float x = (float)base, p = (float)e;
            float y;
            row->fn(&x, &p, &y, 1, MOTE_FORM_VV);
            if (fabs(pow(base, e)) <= 0x1p24)
                assert_true((double)y == pow(base, e));
        }
}

static void pow_is_accurate(void **state)
{
    (void)state;
    size_t count;
    const mote_binary_row *rows = mote_binary_rows(&count);
    for (size_t i = 0; i < count; i++)
        if (rows[i].op == MOTE_BINARY_POW && (rows[i].isa & ~mote_cpu_features()) == 0)
            check_pow(&rows[i]);
}

/* fmod is exact: C's, on every row */
static void fmod_is_exact(void **state)
{
    (void)state;
    static const float edges[] = {0.0f, 0x1p-149f, 0x1.8p-130f, 0x1p-126f, 0.1f, 0.5f, 0.75f, 0x1.fffffep-1f, 1.0f, 0x1.000002p+0f, 2.0f, 3.0f, 10.0f, 0x1.fffffep+23f, 0x1p+24f, 0x1.000002p+24f, 1e10f, 0x1.fffffep+127f, INFINITY, NAN};
    enum { N = sizeof edges / sizeof edges[0] };
    float a[256], b[256], y[256], want[256];
    uint64_t seed = 9;
    size_t count;
    const mote_binary_row *rows = mote_binary_rows(&count);
    for (size_t k = 0; k < count; k++) {
        if (rows[k].op != MOTE_BINARY_FMOD || (rows[k].isa & ~mote_cpu_features()) != 0)
            continue;
        for (size_t round = 0; round < 2000; round++) {
            for (size_t i = 0; i < 256; i++) {
                const float whole = roundf(rng_float(&seed, 1.0f, 1000.0f));
                b[i] = i & 1 ? rng_any(&seed) : rng_float(&seed, -3.0f, 3.0f);
                /* multiples and their neighbours, where the quotient is rounded to a whole number */
                a[i] = i & 2 ? rng_any(&seed) : i & 4 ? rng_float(&seed, -300.0f, 300.0f) : nextafterf(whole * b[i], i & 8 ? 0.0f : INFINITY);
                if (round < N)
                    a[i] = i & 1 ? -edges[round] : edges[round], b[i] = (i & 2 ? -1.0f : 1.0f) * edges[i / 4 % N];
                want[i] = fmodf(a[i], b[i]);
            }
            rows[k].fn(a, b, y, 256, MOTE_FORM_VV);
            expect_same(rows[k].name, y, want, 256);
        }
    }
}

/* Remainders and shifts of every type in every form, against 64-bit arithmetic of one element. */
static void remainders_and_shifts(void **state)
{
    (void)state;
    static const int64_t values[] = {0, 1, 2, 3, 7, 8, 9, 15, 16, 31, 32, 63, 64, 65, 100, 127, 128, 255, 1000, 32767, 65535, 2147483647, 4294967295, INT64_MAX, INT64_MIN, INT32_MIN, -32768, -128, -65, -9, -8, -7, -2, -1};
    enum { N = sizeof values / sizeof values[0] };
    static const unsigned widths[] = {8, 16, 32, 64};
    static const mote_binary ops[] = {MOTE_BINARY_MOD, MOTE_BINARY_FMOD, MOTE_BINARY_SHL, MOTE_BINARY_SHR};
    for (size_t w = 0; w < 8; w++)
        for (size_t o = 0; o < 4; o++)
            for (unsigned form = 0; form < 3; form++)
                for (size_t k = 0; k < N; k++) {
                    const unsigned bits = widths[w / 2], size = bits / 8;
                    const bool sign = w & 1;
                    uint64_t a[N], b[N];
                    uint8_t pa[8 * N], pb[8 * N], y[8 * N];
                    for (size_t i = 0; i < N; i++) { /* as the type has them, extended to 64 bits */
                        const int64_t both[] = {form == MOTE_FORM_SV ? values[k] : values[i], form == MOTE_FORM_VS ? values[k] : values[(i + k) % N]};
                        for (int c = 0; c < 2; c++) {
                            uint64_t u = (uint64_t)both[c] << (64 - bits);
                            (c == 0 ? a : b)[i] = sign ? (uint64_t)((int64_t)u >> (64 - bits)) : u >> (64 - bits);
                        }
                        memcpy(pa + i * size, &a[i], size);
                        memcpy(pb + i * size, &b[i], size);
                    }
                    mote_binary_int_select(ops[o], bits, sign)(pa, pb, y, N, form);
                    for (size_t i = 0; i < N; i++) {
                        const int64_t u = (int64_t)a[i], v = (int64_t)b[i];
                        uint64_t want;
                        if (o >= 2 && b[i] >= bits)
                            want = o == 3 && sign && u < 0 ? UINT64_MAX : 0;
                        else if (o >= 2)
                            want = o == 2 ? a[i] << b[i] : sign ? (uint64_t)(u >> v) : a[i] >> b[i];
                        else if (v == 0 || (sign && v == -1))
                            want = 0;
                        else if (!sign)
                            want = a[i] % b[i];
                        else
                            want = (uint64_t)(o == 0 && u % v != 0 && (u < 0) != (v < 0) ? u % v + v : u % v);
                        if (memcmp(y + i * size, &want, size) != 0)
                            fail_msg("function %zu of %s %u bits, form %u: %lld, %lld", o, sign ? "signed" : "unsigned", bits, form, (long long)u, (long long)v);
                    }
                }
}

static void integers(void **state)
{
    (void)state;
    int32_t a[] = {7, -7, INT32_MIN, INT32_MAX, 5}, b[] = {2, 2, -1, 1, 0}, y[5];
    uint8_t t[5];
    mote_binary_int_select(MOTE_BINARY_DIV, 32, true)(a, b, y, 5, MOTE_FORM_VV);
    const int32_t quotient[] = {3, -3, INT32_MIN, INT32_MAX, 0};
    expect_bytes("div", y, quotient, sizeof y);
    mote_binary_int_select(MOTE_BINARY_ADD, 32, true)(a, b, y, 5, MOTE_FORM_VV);
    const int32_t sum[] = {9, -5, INT32_MAX, INT32_MIN, 5};
    expect_bytes("add", y, sum, sizeof y);
    mote_binary_int_select(MOTE_BINARY_LT, 32, true)(a, b, t, 5, MOTE_FORM_VS);
    const uint8_t less[] = {0, 1, 1, 0, 0};
    expect_bytes("lt", t, less, sizeof t);
    uint8_t u[] = {250, 10}, v[] = {10}, w[2];
    mote_binary_int_select(MOTE_BINARY_ADD, 8, false)(u, v, w, 2, MOTE_FORM_VS);
    assert_int_equal(w[0], 4);
    mote_binary_int_select(MOTE_BINARY_SUB, 8, false)(v, u, w, 2, MOTE_FORM_SV);
    assert_int_equal(w[0], 16);
    uint8_t c[] = {1, 0, 1, 0, 1}, one[] = {1};
    mote_binary_where(c, a, b, y, 5, 4, 0);
    const int32_t chosen[] = {7, 2, INT32_MIN, 1, 5};
    expect_bytes("where", y, chosen, sizeof y);
    mote_binary_logic(MOTE_LOGIC_XOR, c, one, t, 5, MOTE_FORM_VS);
    const uint8_t inverse[] = {0, 1, 0, 1, 0};
    expect_bytes("xor", t, inverse, sizeof t);
    mote_binary_not(c, t, 5);
    expect_bytes("not", t, inverse, sizeof t);
}

typedef struct job {
    const mote_binary_row *row;
    unsigned form;
    float a[4096], b[4096], y[4096];
} job;
static void run(void *ctx)
{
    job *j = ctx;
    j->row->fn(j->a, j->b, j->y, 4096, j->form);
}
static void bench(const void *row)
{
    static job j;
    j.row = row;
    uint64_t seed = kcheck_seed;
    kcheck_fill(j.a, 4096, &seed, false);
    kcheck_fill(j.b, 4096, &seed, false);
    for (j.form = MOTE_FORM_VV; j.form <= MOTE_FORM_VS; j.form += MOTE_FORM_VS - MOTE_FORM_VV)
        kcheck_report(j.row->name, j.form == MOTE_FORM_VV ? "n=4096" : "n=4096, b one value", kcheck_time(run, &j),
                      4096, "elements");
}

int main(int argc, char **argv)
{
    const char *filter = kcheck_args(argc, argv);
    if (kcheck_bench) {
        size_t count;
        const mote_binary_row *rows = mote_binary_rows(&count);
        kcheck_bench_rows(rows, count, sizeof *rows, filter, bench);
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_agree), cmocka_unit_test(planted),
                                       cmocka_unit_test(pow_is_accurate), cmocka_unit_test(integers),
                                       cmocka_unit_test(fmod_is_exact), cmocka_unit_test(remainders_and_shifts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
