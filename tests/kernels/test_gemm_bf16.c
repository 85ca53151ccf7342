/* test_gemm_bf16.c - gemm in bfloat16: every row against sums in double of the rounded operands, bad rows that must be caught, benchmark
 * SPDX-License-Identifier: Apache-2.0 */
#include "kcheck.h"
#include "base/half.h"
#include "kernels/gemm/gemm_bf16.h"

typedef struct shape {
    size_t m, n, taps, kc, run; /* run: of the packing; 0: kc */
    bool residual, clamp, add_c, infinite;
} shape;

static float rounded(float x) { return mote_f32_from_bf16(mote_bf16_from_f32(x)); }

typedef struct scattered {
    const float *a;
    size_t kc, m;
} scattered;

/* Taps lie one after the other, each of m rows. */
static void taps_of(const void *ctx, size_t m0, size_t rows, size_t t0, size_t taps, const void **table)
{
    const scattered *s = ctx;
    for (size_t t = 0; t < taps; t++)
        for (size_t i = 0; i < rows; i++)
            table[t * rows + i] = s->a + ((t0 + t) * s->m + m0 + i) * s->kc;
}

static const char *check_shape(const mote_gemm_f32_row *row, const shape *s, bool upper, uint64_t *seed)
{
    const size_t k = s->taps * s->kc, cs = s->n + 3, c_bytes = ((s->m - 1) * cs + s->n) * 4;
    size_t floats = 0;
    if (!mote_gemm_f32_packed(s->n, mote_gemm_bf16_depth(s->taps, s->kc), &floats))
        return "size";
    guard ga = guard_make(s->m * k * 4), gb = guard_make(floats * 4), gc = guard_make(c_bytes), gr = guard_make(c_bytes);
    float *a = guard_at(&ga, s->m * k * 4, upper), *b = guard_at(&gb, floats * 4, upper), *c = guard_at(&gc, c_bytes, upper), *r = guard_at(&gr, c_bytes, upper);
    float *w = malloc(s->n * k * 4 + 1), *bias = malloc(s->n * 4), *before = malloc(c_bytes);
    for (size_t i = 0; i < s->m * k; i++)
        a[i] = rng_float(seed, -1.0f, 1.0f);
    for (size_t i = 0; i < s->n * k; i++)
        w[i] = rng_float(seed, -1.0f, 1.0f);
    for (size_t i = 0; i < s->n; i++)
        bias[i] = rng_float(seed, -1.0f, 1.0f);
    for (size_t i = 0; i < c_bytes / 4; i++)
        before[i] = c[i] = rng_float(seed, -1.0f, 1.0f), r[i] = rng_float(seed, -1.0f, 1.0f);
    if (s->m * k > 4)
        a[s->m * k - 2] = NAN; /* one row has it */
    if (s->infinite) /* in one column, and there where a last, shorter cut might meet it twice */
        w[(s->n - 1) * k + k - k / 4 - 1] = INFINITY;
    const mote_gemm_f32_source src = {.src = w, .bias = bias, .n = s->n, .taps = s->taps, .kc = s->kc, .tap_stride = s->kc, .k_stride = 1, .n_stride = k};
    mote_gemm_bf16_pack(row->nr, &src, s->kc, b, 0, mote_gemm_panels(row->nr, s->n));
    const scattered rows = {a, s->kc, s->m};
    mote_gemm_f32_op op = {.row = row, .m = s->m, .n = s->n, .taps = s->taps, .kc = s->kc, .a = a, .a_stride = k, .b = b, .c = c, .c_stride = cs,
                           .residual = s->residual ? r : NULL, .residual_stride = cs, .flags = (s->clamp ? MOTE_GEMM_CLAMP : 0u) | (s->add_c ? MOTE_GEMM_ADD_C : 0u),
                           .lo = -0.75f, .hi = 0.5f};
    if (s->taps > 1)
        op.rows_fn = taps_of, op.rows_ctx = &rows;
    op.scratch = aligned_alloc(64, mote_gemm_f32_scratch(&op) / 64 * 64 + 64);
    mote_gemm_f32_block(&op, 0, s->m / 2, 0, mote_gemm_panels(row->nr, s->n));
    mote_gemm_f32_block(&op, s->m / 2, s->m, 0, 1);
    mote_gemm_f32_block(&op, s->m / 2, s->m, 1, mote_gemm_panels(row->nr, s->n));
    const char *answer = NULL;
    for (size_t i = 0; i < s->m && answer == NULL; i++)
        for (size_t n = 0; n < cs && i * cs + n < c_bytes / 4 && answer == NULL; n++) {
            const float got = c[i * cs + n];
            if (n >= s->n) {
                if (memcmp(&got, before + i * cs + n, 4) != 0)
                    answer = kcheck_wrong("%s writes between the rows", row->name);
                continue;
            }
            double sum = (double)(s->add_c ? before[i * cs + n] : bias[n]), size = fabs(sum);
            for (size_t t = 0; t < s->taps; t++)
                for (size_t j = 0; j < s->kc; j++) {
                    const double term = (double)rounded(s->taps > 1 ? a[(t * s->m + i) * s->kc + j] : a[i * k + j]) * (double)rounded(w[n * k + t * s->kc + j]);
                    sum += term;
                    size += fabs(term);
                }
            if (s->residual)
                sum += (double)r[i * cs + n], size += fabs((double)r[i * cs + n]);
            if (s->clamp)
                sum = sum < -0.75 ? -0.75 : sum > 0.5 ? 0.5 : sum;
            const double bound = (double)(k + 4) * 0x1p-23 * size + fabs(sum) * 0x1p-22 + 0x1p-100 * (double)k;
            if (sum != sum ? got == got : (double)got != sum && !(fabs((double)got - sum) <= bound))
                answer = kcheck_wrong("%s m=%zu n=%zu taps=%zu kc=%zu%s%s%s: [%zu][%zu] is %g, expected %g", row->name, s->m, s->n, s->taps, s->kc,
                                      s->residual ? " residual" : "", s->clamp ? " clamp" : "", s->add_c ? " c" : "", i, n, (double)got, sum);
        }
    guard_free(&ga), guard_free(&gb), guard_free(&gc), guard_free(&gr);
    free(w), free(bias), free(before), free(op.scratch);
    return answer;
}

static const char *check_row(const void *arg)
{
    static const size_t ns[] = {1, 15, 16, 17, 32, 33, 48, 101}, ks[] = {1, 2, 3, 7, 16, 31, 32, 33, 64, 100, 130};
    uint64_t seed = kcheck_seed;
    for (size_t m = 1; m < 70; m += m < 5 ? 1 : 9)
        for (size_t n = 0; n < 8; n++)
            for (unsigned v = 0; v < 6; v++) {
                const shape s = {m, ns[n], v == 3 ? 4 : v == 4 ? 9 : 1, ks[(m + n + v) % 11], 0, v & 1, v == 2 || v == 5, v == 4, v == 0};
                const char *answer = check_shape(arg, &s, (m + v) & 1, &seed);
                if (answer != NULL)
                    return answer;
            }
    return NULL;
}

static void rows(void **state)
{
    (void)state;
    size_t count;
    const mote_gemm_f32_row *r = mote_gemm_bf16_rows(&count);
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        const bool here = (r[i].isa & ~mote_cpu_features()) == 0;
        const char *answer = here ? kcheck_row(r[i].name, check_row, &r[i]) : NULL;
        if (answer != NULL)
            fail_msg("%s", answer);
        any = any || here;
        assert_ptr_equal(mote_gemm_bf16_select(r[i].isa, 1, 64, 64), &r[i]);
    }
    assert_null(mote_gemm_bf16_select(0, 1, 64, 64));
    assert_null(mote_gemm_bf16_select(UINT32_MAX, 2048, 64, 64));
    if (!any)
        skip();
}

/* A weight whose kernel rows are read as single taps: the run of the packing has several taps of the source. */
static void runs(void **state)
{
    (void)state;
    enum { N = 5, TAPS = 9, KC = 3, RUN = 9 };
    float w[N * TAPS * KC], b[16 * (1 + 3 * 5)];
    for (size_t i = 0; i < N * TAPS * KC; i++)
        w[i] = (float)i;
    const mote_gemm_f32_source s = {.src = w, .n = N, .taps = TAPS, .kc = KC, .tap_stride = 1, .k_stride = TAPS, .n_stride = TAPS * KC};
    mote_gemm_bf16_pack(48, &s, RUN, b, 0, 1);
    const uint16_t *pairs = (const uint16_t *)(const void *)(b + 16);
    for (size_t n = 0; n < N; n++)
        for (size_t f = 0; f < TAPS * KC; f++)
            assert_int_equal(pairs[2 * (16 * (f / RUN * 5 + f % RUN / 2) + n) + f % RUN % 2], mote_bf16_from_f32(w[n * TAPS * KC + f % KC * TAPS + f / KC]));
}

static const mote_gemm_f32_row *good;
/* leaves out the last rows' bias */
static void bad_bias(const mote_gemm_f32_tile *t)
{
    good->fn(t);
    if (t->m > 20)
        t->c[(t->m - 1) * t->c_stride] -= t->bias[0];
}
static void bad_over_write(const mote_gemm_f32_tile *t)
{
    good->fn(t);
    t->c[(t->m - 1) * t->c_stride + t->n] = 0;
}
static void bad_residual(const mote_gemm_f32_tile *t)
{
    mote_gemm_f32_tile x = *t;
    x.residual = NULL;
    good->fn(&x);
}
static void planted(void **state)
{
    (void)state;
    good = mote_gemm_bf16_select(mote_cpu_features(), 1, 64, 64);
    if (good == NULL)
        skip();
    const mote_gemm_f32_fn bad[] = {bad_bias, bad_over_write, bad_residual};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mote_gemm_f32_row row = *good;
        row.fn = bad[i];
        if (kcheck_row("planted", check_row, &row) == NULL)
            fail_msg("planted row %zu was not caught", i);
    }
}

static void bench_one(void *ctx)
{
    const mote_gemm_f32_op *op = ctx;
    mote_gemm_f32_block(op, 0, op->m, 0, mote_gemm_panels(op->row->nr, op->n));
}
/* Beside the f32 row that would be taken in its place. */
static void bench(const char *filter)
{
    static const size_t shapes[][3] = {{128, 768, 768}, {128, 3072, 768}, {12544, 64, 16}, {3136, 24, 64}, {3136, 72, 24}, {784, 40, 120}, {784, 120, 40},
                                       {196, 80, 240}, {196, 480, 80}, {49, 160, 672}, {49, 960, 160}, {1, 1280, 960}, {16000, 256, 128}};
    const mote_gemm_f32_row *both[2] = {mote_gemm_bf16_select(mote_cpu_features(), 1, 64, 64), mote_gemm_f32_select(mote_cpu_features())};
    for (size_t j = 0; j < sizeof shapes / sizeof shapes[0]; j++)
        for (size_t i = 0; i < 2; i++) {
            const size_t m = shapes[j][0], n = shapes[j][1], k = shapes[j][2];
            size_t floats = 0;
            if (both[i] == NULL || strstr(both[i]->name, filter) == NULL || !mote_gemm_f32_packed(n, k, &floats))
                continue;
            float *a = calloc(m, k * 4), *b = aligned_alloc(64, floats * 4 / 64 * 64 + 64), *c = calloc(m, n * 4);
            for (size_t q = 0; q < m * k; q++)
                a[q] = 1;
            memset(b, 0, floats * 4);
            mote_gemm_f32_op op = {.row = both[i], .m = m, .n = n, .taps = 1, .kc = k, .a = a, .a_stride = k, .b = b, .c = c, .c_stride = n};
            op.scratch = aligned_alloc(64, mote_gemm_f32_scratch(&op) / 64 * 64 + 64);
            char text[64];
            snprintf(text, sizeof text, "m=%zu n=%zu k=%zu", m, n, k);
            kcheck_report(both[i]->name, text, kcheck_time(bench_one, &op), (double)(m * n * k), "MAC");
            free(a), free(b), free(c), free(op.scratch);
        }
}

int main(int argc, char **argv)
{
    const char *filter = kcheck_args(argc, argv);
    if (kcheck_bench) {
        bench(filter);
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows), cmocka_unit_test(runs), cmocka_unit_test(planted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
