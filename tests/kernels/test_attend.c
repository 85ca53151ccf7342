/* test_attend.c - few rows of queries: every row against the formula in the order that the family states
 * SPDX-License-Identifier: Apache-2.0 */
#include "kcheck.h"
#include "kernels/attend/attend.h"

enum { KEYS = 37, WIDTH = 150, STEP = WIDTH + 7, MAX = KEYS * STEP };

static float want[MAX];

static void fill(float *x, size_t n, uint64_t *seed)
{
    for (size_t i = 0; i < n; i++)
        x[i] = rng_float(seed, -2.0f, 2.0f);
}

static const char *check_attend(const void *which)
{
    static const size_t widths[] = {1, 3, 15, 16, 17, 33, 64, 65, 80, 128, 150}, counts[] = {1, 2, 5, 37};
    static guard gq, gk, gs;
    const mote_attend_row *row = which;
    uint64_t seed = kcheck_seed + 23;
    if (gq.base == NULL)
        gq = guard_make(MAX * 4), gk = guard_make(MAX * 4), gs = guard_make(MAX * 4);
    for (size_t a = 0; a < sizeof widths / sizeof widths[0]; a++)
        for (size_t b = 0; b < 4; b++)
            for (size_t rows = 1; rows <= MOTE_ATTEND_ROWS; rows++) {
                const size_t d = widths[a], n = counts[b], q_step = d + 1, k_step = d + b, s_step = n + 2;
                const bool side = (a + b + rows) & 1;
                const size_t nq = (rows - 1) * q_step + d, nk = (n - 1) * k_step + d, ns = (rows - 1) * s_step + n;
                float *q = guard_at(&gq, nq * 4, side), *k = guard_at(&gk, nk * 4, side), *s = guard_at(&gs, ns * 4, side);
                fill(q, nq, &seed);
                fill(k, nk, &seed);
                q[rng_next(&seed) % nq] = rng_any(&seed);
                for (size_t i = 0; i < ns; i++)
                    s[i] = want[i] = 5.0f;
                for (size_t r = 0; r < rows; r++)
                    for (size_t j = 0; j < n; j++) {
                        float c[16] = {0};
                        for (size_t t = 0; t < d; t++)
                            c[t % 16] = fmaf(q[r * q_step + t], k[j * k_step + t], c[t % 16]);
                        for (size_t half = 8; half > 0; half /= 2)
                            for (size_t i = 0; i < half; i++)
                                c[i] = c[i] + c[i + half];
                        want[r * s_step + j] = c[0] * 0.375f;
                    }
                row->dot(q, q_step, rows, k, k_step, n, d, 0.375f, s, s_step);
                expect_same(row->name, s, want, ns);
                /* the same buffers: p of n, values of d columns */
                const size_t np = (rows - 1) * s_step + n, ny = (rows - 1) * q_step + d;
                float *p = guard_at(&gs, np * 4, side), *y = guard_at(&gq, ny * 4, side);
                fill(p, np, &seed);
                for (size_t i = 0; i < ny; i++)
                    y[i] = want[i] = 5.0f;
                for (size_t r = 0; r < rows; r++)
                    for (size_t t = 0; t < d; t++) {
                        float c = 0;
                        for (size_t j = 0; j < n; j++)
                            c = fmaf(p[r * s_step + j], k[j * k_step + t], c);
                        want[r * q_step + t] = c;
                    }
                row->mix(p, s_step, rows, k, k_step, n, d, y, q_step);
                expect_same(row->name, y, want, ny);
            }
    return NULL;
}

static void attend_rows(void **state)
{
    (void)state;
    size_t count;
    const mote_attend_row *rows = mote_attend_rows(&count);
    kcheck_rows(rows, count, sizeof *rows, check_attend);
}

/* One lane. */
static void dot_in_order(const float *q, size_t q_step, size_t rows, const float *k, size_t k_step, size_t n, size_t d, float scale, float *s, size_t s_step)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < n; j++) {
            float c = 0;
            for (size_t t = 0; t < d; t++)
                c = fmaf(q[r * q_step + t], k[j * k_step + t], c);
            s[r * s_step + j] = c * scale;
        }
}

static void mix_whole_vectors(const float *p, size_t p_step, size_t rows, const float *v, size_t v_step, size_t n, size_t e, float *y, size_t y_step)
{
    mote_attend_select(0)->mix(p, p_step, rows, v, v_step, n, e, y, y_step);
    const volatile float *beyond = v + (n - 1) * v_step;
    (void)beyond[(e + 15) / 16 * 16 - 1];
}

static void planted(void **state)
{
    (void)state;
    mote_attend_row row = *mote_attend_select(0);
    row.dot = dot_in_order;
    kcheck_caught(&row, check_attend);
    row = *mote_attend_select(0);
    row.mix = mix_whole_vectors;
    kcheck_caught(&row, check_attend);
}

/* ---- benchmark: 1024 keys of 128, 4 rows ---- */

static const mote_attend_row *timed;
static float timed_q[4 * 128], timed_k[1024 * 128], timed_s[4 * 1024];

static void call(void *ctx)
{
    (void)ctx;
    timed->dot(timed_q, 128, 4, timed_k, 128, 1024, 128, 0.1f, timed_s, 1024);
    timed->mix(timed_s, 1024, 4, timed_k, 128, 1024, 128, timed_q, 128);
}

static void bench(const void *row)
{
    timed = row;
    const double s = kcheck_time(call, NULL);
    if (kcheck_json)
        printf("{\"row\":\"%s\",\"us\":%.3f}\n", timed->name, s * 1e6);
    else
        printf("%-28s 4 rows, 1024 keys of 128: %8.2f us\n", timed->name, s * 1e6);
}

int main(int argc, char **argv)
{
    const char *filter = kcheck_args(argc, argv);
    if (kcheck_bench) {
        size_t n;
        const mote_attend_row *rows = mote_attend_rows(&n);
        kcheck_bench_rows(rows, n, sizeof *rows, filter, bench);
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(attend_rows), cmocka_unit_test(planted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
