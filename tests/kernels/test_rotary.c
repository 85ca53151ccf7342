/* test_rotary.c - rotary position embedding: every row against the formula
 * SPDX-License-Identifier: Apache-2.0 */
#include "kcheck.h"
#include "kernels/rotary/rotary.h"

enum { MAX = 5 * 300 };

static float want[MAX];

static const char *check_rotary(const void *which)
{
    static const size_t halves[] = {1, 2, 4, 8, 15, 16, 17, 32, 33, 64, 100};
    static guard gx, gy, gc, gs;
    const mote_rotary_row *row = which;
    uint64_t seed = kcheck_seed + 22;
    if (gx.base == NULL)
        gx = guard_make(MAX * 4), gy = guard_make(MAX * 4), gc = guard_make(400), gs = guard_make(400);
    for (size_t a = 0; a < sizeof halves / sizeof halves[0]; a++)
        for (size_t heads = 1; heads <= 4; heads++) {
            const size_t half = halves[a], x_step = 2 * half + heads, y_step = 2 * half + 3, nx = (heads - 1) * x_step + 2 * half, ny = (heads - 1) * y_step + 2 * half;
            const bool side = (a + heads) & 1;
            float *x = guard_at(&gx, nx * 4, side), *y = guard_at(&gy, ny * 4, side), *c = guard_at(&gc, half * 4, side), *s = guard_at(&gs, half * 4, side);
            for (size_t i = 0; i < nx; i++)
                x[i] = rng_float(&seed, -4.0f, 4.0f);
            for (size_t i = 0; i < half; i++)
                c[i] = rng_float(&seed, -1.0f, 1.0f), s[i] = rng_float(&seed, -1.0f, 1.0f);
            x[rng_next(&seed) % nx] = rng_any(&seed);
            for (size_t i = 0; i < ny; i++)
                y[i] = want[i] = 7.0f;
            for (size_t h = 0; h < heads; h++)
                for (size_t i = 0; i < half; i++) {
                    const float u = x[h * x_step + i], v = x[h * x_step + half + i];
                    const volatile float cu = c[i] * u, sv = s[i] * v, su = s[i] * u, cv = c[i] * v;
                    want[h * y_step + i] = cu - sv;
                    want[h * y_step + half + i] = su + cv;
                }
            row->fn(x, x_step, y, y_step, heads, c, s, half);
            expect_same(row->name, y, want, ny);
            row->fn(x, x_step, x, x_step, heads, c, s, half); /* in place */
            for (size_t h = 0; h < heads; h++)
                expect_same(row->name, x + h * x_step, want + h * y_step, 2 * half);
        }
    return NULL;
}

static void rotary_rows(void **state)
{
    (void)state;
    size_t count;
    const mote_rotary_row *rows = mote_rotary_rows(&count);
    kcheck_rows(rows, count, sizeof *rows, check_rotary);
}

static void one_fma(const float *x, size_t x_step, float *y, size_t y_step, size_t heads, const float *cosine, const float *sine, size_t half)
{
    for (size_t h = 0; h < heads; h++)
        for (size_t i = 0; i < half; i++) {
            const float u = x[h * x_step + i], v = x[h * x_step + half + i];
            y[h * y_step + i] = fmaf(cosine[i], u, -sine[i] * v);
            y[h * y_step + half + i] = fmaf(sine[i], u, cosine[i] * v);
        }
}

static void planted(void **state)
{
    (void)state;
    mote_rotary_row row = *mote_rotary_select(0);
    row.name = "planted: one rounding less";
    row.fn = one_fma;
    kcheck_caught(&row, check_rotary);
}

/* ---- benchmark: 32 heads of 128 ---- */

static const mote_rotary_row *timed;
static float timed_x[32 * 128], timed_y[32 * 128], timed_c[64], timed_s[64];

static void call(void *ctx)
{
    (void)ctx;
    timed->fn(timed_x, 128, timed_y, 128, 32, timed_c, timed_s, 64);
}

static void bench(const void *row)
{
    timed = row;
    const double s = kcheck_time(call, NULL);
    if (kcheck_json)
        printf("{\"row\":\"%s\",\"us\":%.3f}\n", timed->name, s * 1e6);
    else
        printf("%-28s 32 heads of 128: %8.3f us\n", timed->name, s * 1e6);
}

int main(int argc, char **argv)
{
    const char *filter = kcheck_args(argc, argv);
    if (kcheck_bench) {
        size_t n;
        const mote_rotary_row *rows = mote_rotary_rows(&n);
        kcheck_bench_rows(rows, n, sizeof *rows, filter, bench);
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(rotary_rows), cmocka_unit_test(planted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
