/* test_rows.c - reductions, softmax and normalization: every row against the plain C row and against double
 * SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"
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

static void reduce_rows(void **state)
{
    (void)state;
    size_t count;
    const mote_reduce_row *rows = mote_reduce_rows(&count);
    guard gx = guard_make(MAX * 4), gy = guard_make(MAX * 4);
    uint64_t seed = 11;
    for (size_t r = 0; r < count; r++) {
        if ((rows[r].isa & ~mote_cpu_features()) != 0)
            continue;
        const mote_reduce_row *ref = mote_reduce_select(rows[r].op, 0);
        for (size_t a = 0; a < N_HEIGHTS; a++)
            for (size_t b = 0; b < N_WIDTHS; b++) {
                size_t h = heights[a], w = widths[b];
                bool side = (a + b) & 1;
                float *x = guard_at(&gx, h * w * 4, side), *y = guard_at(&gy, h * 4, side), *z = guard_at(&gy, w * 4, side);
                fill(x, h * w, &seed);
                ref->rows(x, w, want, h, w);
                rows[r].rows(x, w, y, h, w);
                expect_same(rows[r].name, y, want, h);
                ref->cols(x, w, want, h, w);
                rows[r].cols(x, w, z, h, w);
                expect_same(rows[r].name, z, want, w);
                if (h > 1 && w > 2) { /* a part of each row, a part of the columns */
                    rows[r].cols(x + 1, w, z, h, w - 2);
                    expect_same(rows[r].name, z, want + 1, w - 2);
                    ref->rows(x + 1, w, want, h, w - 1);
                    rows[r].rows(x + 1, w, y, h, w - 1);
                    expect_same(rows[r].name, y, want, h);
                }
            }
    }
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
    guard_free(&gx);
    guard_free(&gy);
}

static void softmax_rows(void **state)
{
    (void)state;
    size_t count;
    const mote_softmax_row *rows = mote_softmax_rows(&count);
    guard gx = guard_make(MAX * 4), gy = guard_make(MAX * 4);
    uint64_t seed = 12;
    for (size_t r = 0; r < count; r++) {
        if ((rows[r].isa & ~mote_cpu_features()) != 0)
            continue;
        const mote_softmax_row *ref = mote_softmax_select(rows[r].log, 0);
        for (size_t a = 0; a < 6; a++)
            for (size_t b = 0; b < N_WIDTHS; b++) {
                size_t h = heights[a], w = widths[b];
                bool side = (a + b) & 1;
                float *x = guard_at(&gx, h * w * 4, side), *y = guard_at(&gy, h * w * 4, side);
                fill(x, h * w, &seed);
                ref->rows(x, want, h, w);
                rows[r].rows(x, y, h, w);
                expect_same(rows[r].name, y, want, h * w);
                for (size_t i = 0; i < h; i++) {
                    double max = -INFINITY, sum = 0;
                    for (size_t j = 0; j < w; j++)
                        max = fmax(max, (double)x[i * w + j]);
                    for (size_t j = 0; j < w; j++)
                        sum += exp((double)x[i * w + j] - max);
                    for (size_t j = 0; j < w; j++) {
                        double e = (double)x[i * w + j] - max, v = rows[r].log ? e - log(sum) : exp(e) / sum;
                        if (isfinite(v) && fabs((double)y[i * w + j] - v) > 2e-6 * (fabs(v) + (rows[r].log ? fabs(max) + 1 : 0)) + 1e-37)
                            fail_msg("%s: %a, expected %a", rows[r].name, (double)y[i * w + j], v);
                    }
                }
                ref->cols(x, want, h, w, 0, w);
                memset(y, 0, h * w * 4);
                size_t cut = w > 3 ? 3 : 0;
                rows[r].cols(x, y, h, w, 0, cut);
                rows[r].cols(x, y, h, w, cut, w);
                expect_same(rows[r].name, y, want, h * w);
                rows[r].cols(x, x, h, w, 0, w);
                expect_same(rows[r].name, x, want, h * w);
            }
    }
    guard_free(&gx);
    guard_free(&gy);
}

static void norm_rows(void **state)
{
    (void)state;
    size_t count;
    const mote_norm_row *rows = mote_norm_rows(&count), *ref = mote_norm_select(0);
    guard gx = guard_make(MAX * 4), gy = guard_make(MAX * 4), gs = guard_make(4096), gb = guard_make(4096);
    uint64_t seed = 13;
    for (size_t r = 0; r < count; r++) {
        if ((rows[r].isa & ~mote_cpu_features()) != 0)
            continue;
        for (size_t a = 0; a < 6; a++)
            for (size_t b = 0; b < N_WIDTHS; b++)
                for (int form = 0; form < 4; form++) {
                    size_t h = heights[a], w = widths[b];
                    bool side = (a + b) & 1;
                    float *x = guard_at(&gx, h * w * 4, side), *y = guard_at(&gy, h * w * 4, side);
                    float *scale = form & 1 ? guard_at(&gs, w * 4, side) : NULL, *bias = form & 2 ? guard_at(&gb, w * 4, side) : NULL;
                    float mean[9], inv[9], mean_ref[9], inv_ref[9];
                    fill(x, h * w, &seed);
                    if (scale != NULL)
                        fill(scale, w, &seed);
                    if (bias != NULL)
                        fill(bias, w, &seed);
                    ref->layer(x, scale, bias, want, h, w, 1e-5f, mean_ref, inv_ref);
                    rows[r].layer(x, scale, bias, y, h, w, 1e-5f, mean, inv);
                    expect_same(rows[r].name, y, want, h * w);
                    expect_same(rows[r].name, mean, mean_ref, h);
                    expect_same(rows[r].name, inv, inv_ref, h);
                    if (form == 0)
                        for (size_t i = 0; i < h; i++) {
                            double m = 0, v = 0;
                            for (size_t j = 0; j < w; j++)
                                m += (double)x[i * w + j] / (double)w;
                            for (size_t j = 0; j < w; j++)
                                v += ((double)x[i * w + j] - m) * ((double)x[i * w + j] - m) / (double)w;
                            for (size_t j = 0; j < w && fabs(m) < 10 && v > 0.1; j++)
                                assert_true(fabs((double)y[i * w + j] - ((double)x[i * w + j] - m) / sqrt(v + 1e-5)) < 1e-5);
                        }
                    ref->stats(x, h, w, 1e-5f, mean_ref, inv_ref);
                    rows[r].stats(x, h, w, 1e-5f, mean, inv);
                    expect_same(rows[r].name, mean, mean_ref, h);
                    expect_same(rows[r].name, inv, inv_ref, h);
                    ref->rms(x, scale, bias, want, h, w, 1e-6f, NULL, inv_ref);
                    rows[r].rms(x, scale, bias, y, h, w, 1e-6f, NULL, inv);
                    expect_same(rows[r].name, y, want, h * w);
                    expect_same(rows[r].name, inv, inv_ref, h);
                    if (scale != NULL) {
                        ref->affine(x, scale, bias, want, h, w);
                        rows[r].affine(x, scale, bias, x, h, w);
                        expect_same(rows[r].name, x, want, h * w);
                    }
                }
    }
    guard_free(&gx);
    guard_free(&gy);
    guard_free(&gs);
    guard_free(&gb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reduce_rows), cmocka_unit_test(softmax_rows), cmocka_unit_test(norm_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
