/* test_rows.c - reductions, softmax and normalization: every row against the plain C row and against double
 * SPDX-License-Identifier: Apache-2.0 */
#include "kcheck.h"
#include "kernels/norm/norm.h"
#include "kernels/reduce/reduce.h"
#include "kernels/softmax/softmax.h"

static const size_t widths[] = {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 48, 65, 130, 257, 515};
static const size_t heights[] = {1, 2, 3, 4, 5, 9, 300};
enum { N_WIDTHS = sizeof widths / sizeof widths[0], N_HEIGHTS = sizeof heights / sizeof heights[0], MAX = 300 * 515 };

static float want[MAX];

/* finite values, or one array in four with a special value in it */
static void fill(float *x, size_t n, uint64_t *seed)
{
    for (size_t i = 0; i < n; i++)
        x[i] = rng_float(seed, -4.0f, 4.0f);
    if ((rng_next(seed) & 3) == 0)
        x[rng_next(seed) % n] = rng_any(seed);
}

static const char *check_reduce(const void *which)
{
    static guard gx, gy;
    const mote_reduce_row *row = which;
    uint64_t seed = kcheck_seed + 10;
    if (gx.base == NULL)
        gx = guard_make(MAX * 4), gy = guard_make(MAX * 4);
    const mote_reduce_row *ref = mote_reduce_select(row->op, 0);
    for (size_t a = 0; a < N_HEIGHTS; a++)
        for (size_t b = 0; b < N_WIDTHS; b++) {
            size_t h = heights[a], w = widths[b];
            bool side = (a + b) & 1;
            float *x = guard_at(&gx, h * w * 4, side), *y = guard_at(&gy, h * 4, side), *z = guard_at(&gy, w * 4, side);
            fill(x, h * w, &seed);
            ref->rows(x, w, want, h, w);
            row->rows(x, w, y, h, w);
            expect_same(row->name, y, want, h);
            ref->cols(x, w, want, h, w);
            row->cols(x, w, z, h, w);
            expect_same(row->name, z, want, w);
            if (h > 1 && w > 2) { /* a part of each row, a part of the columns */
                row->cols(x + 1, w, z, h, w - 2);
                expect_same(row->name, z, want + 1, w - 2);
                ref->rows(x + 1, w, want, h, w - 1);
                row->rows(x + 1, w, y, h, w - 1);
                expect_same(row->name, y, want, h);
            }
        }
    return NULL;
}

static void reduce_rows(void **state)
{
    (void)state;
    size_t count;
    const mote_reduce_row *rows = mote_reduce_rows(&count);
    kcheck_rows(rows, count, sizeof *rows, check_reduce);
}

static void arg_extremes(void **state)
{
    (void)state;
    float x[5] = {1, 5, 5, -2, -2}, nan[3] = {1, NAN, 2}, v;
    int64_t at[5];
    const mote_reduce_row *max = mote_reduce_select(MOTE_REDUCE_MAX, mote_cpu_features());
    const mote_reduce_row *min = mote_reduce_select(MOTE_REDUCE_MIN, mote_cpu_features());
    mote_reduce_arg_rows(max, x, 5, at, 1, 5, false);
    assert_int_equal(at[0], 1);
    mote_reduce_arg_rows(max, x, 5, at, 1, 5, true);
    assert_int_equal(at[0], 2);
    mote_reduce_arg_rows(min, x, 5, at, 1, 5, true);
    assert_int_equal(at[0], 4);
    mote_reduce_arg_cols(false, x, 1, at, 5, 1, false);
    assert_int_equal(at[0], 3);
    mote_reduce_arg_rows(max, nan, 3, at, 1, 3, false);
    assert_int_equal(at[0], 1);
    max->rows(nan, 3, &v, 1, 3);
    assert_true(v != v);
}

static const char *check_softmax(const void *which)
{
    static guard gx, gy;
    const mote_softmax_row *row = which;
    uint64_t seed = kcheck_seed + 11;
    if (gx.base == NULL)
        gx = guard_make(MAX * 4), gy = guard_make(MAX * 4);
    const mote_softmax_row *ref = mote_softmax_select(row->log, 0);
    for (size_t a = 0; a < 6; a++)
        for (size_t b = 0; b < N_WIDTHS; b++) {
            size_t h = heights[a], w = widths[b];
            bool side = (a + b) & 1;
            float *x = guard_at(&gx, h * w * 4, side), *y = guard_at(&gy, h * w * 4, side);
            fill(x, h * w, &seed);
            ref->rows(x, want, h, w);
            row->rows(x, y, h, w);
            expect_same(row->name, y, want, h * w);
            for (size_t i = 0; i < h; i++) {
                double max = -INFINITY, sum = 0;
                for (size_t j = 0; j < w; j++)
                    max = fmax(max, (double)x[i * w + j]);
                for (size_t j = 0; j < w; j++)
                    sum += exp((double)x[i * w + j] - max);
                for (size_t j = 0; j < w; j++) {
                    double e = (double)x[i * w + j] - max, v = row->log ? e - log(sum) : exp(e) / sum;
                    if (isfinite(v) &&
                        fabs((double)y[i * w + j] - v) > 2e-6 * (fabs(v) + (row->log ? fabs(max) + 1 : 0)) + 1e-37)
                        guard_wrong("%s: %a, expected %a", row->name, (double)y[i * w + j], v);
                }
            }
            ref->cols(x, want, h, w, 0, w);
            memset(y, 0, h * w * 4);
            size_t cut = w > 3 ? 3 : 0;
            row->cols(x, y, h, w, 0, cut);
            row->cols(x, y, h, w, cut, w);
            expect_same(row->name, y, want, h * w);
            row->cols(x, x, h, w, 0, w);
            expect_same(row->name, x, want, h * w);
        }
    return NULL;
}

static void softmax_rows(void **state)
{
    (void)state;
    size_t count;
    const mote_softmax_row *rows = mote_softmax_rows(&count);
    kcheck_rows(rows, count, sizeof *rows, check_softmax);
}

static const char *check_norm(const void *which)
{
    static guard gx, gy, gs, gb;
    const mote_norm_row *row = which;
    const mote_norm_row *ref = mote_norm_select(0);
    uint64_t seed = kcheck_seed + 12;
    if (gx.base == NULL)
        gx = guard_make(MAX * 4), gy = guard_make(MAX * 4), gs = guard_make(4096), gb = guard_make(4096);
    for (size_t a = 0; a < 6; a++)
        for (size_t b = 0; b < N_WIDTHS; b++)
            for (int form = 0; form < 4; form++) {
                size_t h = heights[a], w = widths[b];
                bool side = (a + b) & 1;
                float *x = guard_at(&gx, h * w * 4, side), *y = guard_at(&gy, h * w * 4, side);
                float *scale = form & 1 ? guard_at(&gs, w * 4, side) : NULL,
                      *bias = form & 2 ? guard_at(&gb, w * 4, side) : NULL;
                float mean[9], inv[9], mean_ref[9], inv_ref[9];
                fill(x, h * w, &seed);
                if (scale != NULL)
                    fill(scale, w, &seed);
                if (bias != NULL)
                    fill(bias, w, &seed);
                ref->layer(x, scale, bias, want, h, w, 1e-5f, mean_ref, inv_ref);
                row->layer(x, scale, bias, y, h, w, 1e-5f, mean, inv);
                expect_same(row->name, y, want, h * w);
                expect_same(row->name, mean, mean_ref, h);
                expect_same(row->name, inv, inv_ref, h);
                if (form == 0)
                    for (size_t i = 0; i < h; i++) {
                        double m = 0, v = 0;
                        for (size_t j = 0; j < w; j++)
                            m += (double)x[i * w + j] / (double)w;
                        for (size_t j = 0; j < w; j++)
                            v += ((double)x[i * w + j] - m) * ((double)x[i * w + j] - m) / (double)w;
                        for (size_t j = 0; j < w && fabs(m) < 10 && v > 0.1; j++)
                            guard_expect(fabs((double)y[i * w + j] - ((double)x[i * w + j] - m) / sqrt(v + 1e-5)) <
                                         1e-5);
                    }
                ref->stats(x, h, w, 1e-5f, mean_ref, inv_ref);
                row->stats(x, h, w, 1e-5f, mean, inv);
                expect_same(row->name, mean, mean_ref, h);
                expect_same(row->name, inv, inv_ref, h);
                ref->rms(x, scale, bias, want, h, w, 1e-6f, NULL, inv_ref);
                row->rms(x, scale, bias, y, h, w, 1e-6f, NULL, inv);
                expect_same(row->name, y, want, h * w);
                expect_same(row->name, inv, inv_ref, h);
                ref->plane(x, want, h * w, mean_ref[0], inv_ref[0], 0.75f, -0.5f);
                row->plane(x, y, h * w, mean_ref[0], inv_ref[0], 0.75f, -0.5f);
                expect_same(row->name, y, want, h * w);
                if (scale != NULL) {
                    ref->affine(x, scale, bias, want, h, w);
                    row->affine(x, scale, bias, x, h, w);
                    expect_same(row->name, x, want, h * w);
                }
            }
    return NULL;
}

static void norm_rows(void **state)
{
    (void)state;
    size_t count;
    const mote_norm_row *rows = mote_norm_rows(&count);
    kcheck_rows(rows, count, sizeof *rows, check_norm);
}

/* ---- planted ---- */

/* One lane instead of sixteen: the same sum in exact arithmetic, other bits. */
static void sums_in_order(const float *x, size_t stride, float *y, size_t rows, size_t n)
{
    for (size_t i = 0; i < rows; i++) {
        y[i] = 0;
        for (size_t j = 0; j < n; j++)
            y[i] += x[i * stride + j];
    }
}
static void ignores_stride(const float *x, size_t stride, float *y, size_t rows, size_t n)
{
    (void)stride;
    mote_reduce_select(MOTE_REDUCE_SUM, 0)->rows(x, n, y, rows, n);
}
static void no_maximum(const float *x, float *y, size_t rows, size_t n)
{
    for (size_t i = 0; i < rows; i++) {
        float sum = 0;
        for (size_t j = 0; j < n; j++)
            sum += expf(x[i * n + j]);
        for (size_t j = 0; j < n; j++)
            y[i * n + j] = expf(x[i * n + j]) / sum;
    }
}
static void no_epsilon(const float *x, const float *scale, const float *bias, float *y, size_t rows, size_t n,
                       float eps, float *mean, float *inv)
{
    (void)eps;
    mote_norm_select(0)->layer(x, scale, bias, y, rows, n, 0.0f, mean, inv);
}
static void two_roundings(const float *x, float *y, size_t n, float mean, float inv, float scale, float bias)
{
    for (size_t i = 0; i < n; i++) {
        volatile float t = (x[i] - mean) * inv * scale;
        y[i] = t + bias;
    }
}
static void bias_behind(const float *x, const float *scale, const float *bias, float *y, size_t rows, size_t n)
{
    const volatile float *b = bias;
    mote_norm_select(0)->affine(x, scale, bias, y, rows, n);
    if (b != NULL)
        (void)b[n];
}

static void planted(void **state)
{
    (void)state;
    mote_reduce_row reduce = *mote_reduce_select(MOTE_REDUCE_SUM, 0);
    reduce.rows = sums_in_order;
    kcheck_caught(&reduce, check_reduce);
    reduce.rows = ignores_stride;
    kcheck_caught(&reduce, check_reduce);
    mote_softmax_row softmax = *mote_softmax_select(false, 0);
    softmax.rows = no_maximum;
    kcheck_caught(&softmax, check_softmax);
    mote_norm_row norm = *mote_norm_select(0);
    norm.layer = no_epsilon;
    kcheck_caught(&norm, check_norm);
    norm = *mote_norm_select(0);
    norm.affine = bias_behind;
    kcheck_caught(&norm, check_norm);
    norm = *mote_norm_select(0);
    norm.plane = two_roundings;
    kcheck_caught(&norm, check_norm);
}

/* ---- benchmark ---- */

enum { BENCH_H = 128, BENCH_W = 768 };
typedef struct job {
    const void *row;
    float x[BENCH_H * BENCH_W], y[BENCH_H * BENCH_W], scale[BENCH_W], bias[BENCH_W], mean[BENCH_H], inv[BENCH_H];
} job;
static job *bench_job(const void *row)
{
    static job j;
    uint64_t seed = kcheck_seed;
    j.row = row;
    kcheck_fill(j.x, BENCH_H * BENCH_W, &seed, false);
    return &j;
}
static void run_reduce(void *ctx)
{
    job *j = ctx;
    ((const mote_reduce_row *)j->row)->rows(j->x, BENCH_W, j->y, BENCH_H, BENCH_W);
}
static void run_softmax(void *ctx)
{
    job *j = ctx;
    ((const mote_softmax_row *)j->row)->rows(j->x, j->y, BENCH_H, BENCH_W);
}
static void run_layer(void *ctx)
{
    job *j = ctx;
    ((const mote_norm_row *)j->row)->layer(j->x, j->scale, j->bias, j->y, BENCH_H, BENCH_W, 1e-5f, j->mean, j->inv);
}
#define BENCH(family)                                                                                                  \
    static void bench_##family(const void *row)                                                                        \
    {                                                                                                                  \
        kcheck_report(((const kcheck_head *)row)->name, "128x768", kcheck_time(run_##family, bench_job(row)),          \
                      BENCH_H *BENCH_W, "elements");                                                                   \
    }
BENCH(reduce)
BENCH(softmax)
BENCH(layer)

int main(int argc, char **argv)
{
    const char *filter = kcheck_args(argc, argv);
    if (kcheck_bench) {
        size_t n;
        const mote_reduce_row *reduce = mote_reduce_rows(&n);
        kcheck_bench_rows(reduce, n, sizeof *reduce, filter, bench_reduce);
        const mote_softmax_row *softmax = mote_softmax_rows(&n);
        kcheck_bench_rows(softmax, n, sizeof *softmax, filter, bench_softmax);
        const mote_norm_row *norm = mote_norm_rows(&n);
        kcheck_bench_rows(norm, n, sizeof *norm, filter, bench_layer);
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(reduce_rows), cmocka_unit_test(arg_extremes),
                                       cmocka_unit_test(softmax_rows), cmocka_unit_test(norm_rows),
                                       cmocka_unit_test(planted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
