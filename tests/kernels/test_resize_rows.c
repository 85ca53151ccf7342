/* test_resize_rows.c - interpolation rows against their formulas on guarded memory, bad rows that must be caught
 * SPDX-License-Identifier: Apache-2.0 */
#include "kcheck.h"
#include "kernels/resize/resize.h"

enum { MAX_N = 130, MAX_IN = 70, MAX_TAPS = 8 };

typedef struct buffers {
    guard x[MAX_TAPS], y, index, w, bytes;
} buffers;

static float weighted(const float *x, const float *w, size_t taps)
{
    float sum = w[0] * x[0];
    for (size_t k = 1; k < taps; k++)
        sum = fmaf(w[k], x[k], sum);
    return sum;
}

static const char *check_sums(const mote_resize_row *row, buffers *b, size_t n, size_t taps, bool upper, uint64_t *seed)
{
    const float *rows[MAX_TAPS];
    float *w = guard_at(&b->w, taps * sizeof *w, upper), *y = guard_at(&b->y, n * sizeof *y, upper);
    for (size_t k = 0; k < taps; k++) {
        float *x = guard_at(&b->x[k], n * sizeof *x, upper);
        kcheck_fill(x, n, seed, true);
        rows[k] = x;
    }
    kcheck_fill(w, taps, seed, false);
    row->blend(rows, w, taps, y, n);
    for (size_t i = 0; i < n; i++) {
        float x[MAX_TAPS];
        for (size_t k = 0; k < taps; k++)
            x[k] = rows[k][i];
        if (!same_f32(y[i], weighted(x, w, taps)))
            return kcheck_wrong("%s: blend of %zu rows of %zu: element %zu", row->name, taps, n, i);
    }
    const size_t stride = n + 3, in = 1 + rng_next(seed) % MAX_IN, all = (taps - 1) * stride + n;
    int32_t *index = guard_at(&b->index, all * sizeof *index, upper);
    float *x = guard_at(&b->x[0], in * sizeof *x, upper);
    w = guard_at(&b->w, all * sizeof *w, upper);
    kcheck_fill(x, in, seed, true);
    kcheck_fill(w, all, seed, false);
    for (size_t i = 0; i < all; i++)
        index[i] = (int32_t)(rng_next(seed) % in);
    row->cols(x, index, w, stride, taps, y, n);
    for (size_t i = 0; i < n; i++) {
        float xs[MAX_TAPS], ws[MAX_TAPS];
        for (size_t k = 0; k < taps; k++)
            xs[k] = x[index[k * stride + i]], ws[k] = w[k * stride + i];
        if (!same_f32(y[i], weighted(xs, ws, taps)))
            return kcheck_wrong("%s: %zu columns, %zu taps: element %zu is %a", row->name, n, taps, i, (double)y[i]);
    }
    return NULL;
}

static const char *check_moves(const mote_resize_row *row, buffers *b, size_t n, bool upper, uint64_t *seed)
{
    const size_t in = 1 + rng_next(seed) % MAX_IN;
    int32_t *index = guard_at(&b->index, n * sizeof *index, upper);
    for (size_t i = 0; i < n; i++)
        index[i] = (int32_t)(rng_next(seed) % in);
    for (size_t size = 1; size <= 4; size += 3) {
        uint8_t *x = guard_at(&b->x[0], in * size, upper), *y = guard_at(&b->y, n * size, upper);
        for (size_t i = 0; i < in * size; i++)
            x[i] = (uint8_t)rng_next(seed);
        (size == 4 ? row->pick32 : row->pick8)(x, index, y, n);
        for (size_t i = 0; i < n; i++)
            if (memcmp(y + i * size, x + (size_t)index[i] * size, size) != 0)
                return kcheck_wrong("%s: pick of %zu elements of %zu bytes: element %zu", row->name, n, size, i);
    }
    for (size_t factor = 1; factor <= 3; factor++) {
        const size_t count = (n + factor - 1) / factor;
        uint32_t *x = guard_at(&b->x[0], count * 4, upper), *y = guard_at(&b->y, count * factor * 4, upper);
        for (size_t i = 0; i < count; i++)
            x[i] = (uint32_t)rng_next(seed);
        row->repeat32(x, y, count, factor);
        for (size_t i = 0; i < count * factor; i++)
            if (y[i] != x[i / factor])
                return kcheck_wrong("%s: %zu elements repeated %zu times: element %zu", row->name, count, factor, i);
    }
    uint8_t *u = guard_at(&b->bytes, n, upper);
    float *f = guard_at(&b->x[0], n * sizeof *f, upper);
    for (size_t i = 0; i < n; i++)
        u[i] = (uint8_t)rng_next(seed);
    row->widen(u, f, n);
    for (size_t i = 0; i < n; i++)
        if (f[i] != (float)u[i])
            return kcheck_wrong("%s: widen of %zu: element %zu", row->name, n, i);
    for (size_t i = 0; i < n; i++)
        f[i] = i % 5 == 4 ? rng_any(seed) : rng_float(seed, -20.0f, 280.0f);
    row->narrow(f, u, n);
    for (size_t i = 0; i < n; i++)
        if (u[i] != (f[i] >= 0 ? f[i] >= 255 ? 255 : (uint8_t)f[i] : 0))
            return kcheck_wrong("%s: narrow of %zu: element %zu, %a, is %u", row->name, n, i, (double)f[i], u[i]);
    return NULL;
}

static const char *check_row(const void *row)
{
    static const size_t sizes[] = {1, 2, 3, 7, 15, 16, 17, 31, 32, 33, 48, 65, MAX_N};
    buffers b;
    uint64_t seed = kcheck_seed;
    const char *answer = NULL;
    for (size_t k = 0; k < MAX_TAPS; k++)
        b.x[k] = guard_make(MAX_N * sizeof(float));
    b.y = guard_make((MAX_N + 3) * sizeof(float)), b.bytes = guard_make(MAX_N);
    b.index = guard_make(MAX_TAPS * (MAX_N + 3) * sizeof(float)), b.w = guard_make(MAX_TAPS * (MAX_N + 3) * sizeof(float));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0] && answer == NULL; i++)
        for (size_t taps = 1; taps <= MAX_TAPS && answer == NULL; taps++) {
            answer = check_sums(row, &b, sizes[i], taps, taps & 1, &seed);
            if (answer == NULL)
                answer = check_moves(row, &b, sizes[i], taps & 1, &seed);
        }
    for (size_t k = 0; k < MAX_TAPS; k++)
        guard_free(&b.x[k]);
    guard_free(&b.y), guard_free(&b.bytes), guard_free(&b.index), guard_free(&b.w);
    return answer;
}

static void rows(void **state)
{
    (void)state;
    size_t count;
    const mote_resize_row *r = mote_resize_rows(&count);
    for (size_t i = 0; i < count; i++) {
        const char *answer = (r[i].isa & ~mote_cpu_features()) == 0 ? kcheck_row(r[i].name, check_row, &r[i]) : NULL;
        if (answer != NULL)
            fail_msg("%s", answer);
        assert_ptr_equal(mote_resize_select(r[i].isa), &r[i]);
    }
}

static void bad_blend(const float *const *x, const float *w, size_t taps, float *y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        y[i] = 0;
        for (size_t k = 0; k < taps; k++)
            y[i] += w[k] * x[k][i];
    }
}
static void bad_cols(const float *x, const int32_t *index, const float *w, size_t stride, size_t taps, float *y, size_t n)
{
    volatile int32_t beyond = index[(taps - 1) * stride + n];
    (void)beyond;
    mote_resize_select(0)->cols(x, index, w, stride, taps, y, n);
}
static void bad_pick(const void *x, const int32_t *index, void *y, size_t n) { mote_resize_select(0)->pick8(x, index, y, n > 16 ? n - 1 : n); }
static void bad_repeat(const void *x, void *y, size_t n, size_t factor)
{
    mote_resize_select(0)->repeat32(x, y, n, factor);
    ((uint32_t *)y)[n * factor] = 0;
}
static void bad_narrow(const float *x, uint8_t *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (uint8_t)(x[i] >= 255 ? 255 : x[i] > 0 ? lrintf(x[i]) : 0);
}
static void planted(void **state)
{
    (void)state;
    const mote_resize_row good = *mote_resize_select(0);
    mote_resize_row bad[5] = {good, good, good, good, good};
    bad[0].blend = bad_blend, bad[0].name = "bad_blend";
    bad[1].cols = bad_cols, bad[1].name = "bad_cols";
    bad[2].pick8 = bad_pick, bad[2].name = "bad_pick";
    bad[3].narrow = bad_narrow, bad[3].name = "bad_narrow";
    bad[4].repeat32 = bad_repeat, bad[4].name = "bad_repeat";
    for (size_t i = 0; i < 5; i++)
        if (kcheck_row(bad[i].name, check_row, &bad[i]) == NULL)
            fail_msg("planted row %s was not caught", bad[i].name);
}

enum { BENCH = 1024 };
typedef struct bench {
    const mote_resize_row *row;
    float a[BENCH], b[BENCH], y[BENCH], w[2 * BENCH];
    int32_t index[2 * BENCH];
} bench;
static void bench_blend(void *ctx)
{
    bench *b = ctx;
    const float *rows2[2] = {b->a, b->b};
    b->row->blend(rows2, b->w, 2, b->y, BENCH);
}
static void bench_cols(void *ctx)
{
    bench *b = ctx;
    b->row->cols(b->a, b->index, b->w, BENCH, 2, b->y, BENCH);
}
static void bench_pick(void *ctx)
{
    bench *b = ctx;
    b->row->pick32(b->a, b->index, b->y, BENCH);
}

int main(int argc, char **argv)
{
    kcheck_args(argc, argv);
    if (kcheck_bench) {
        static bench b;
        size_t count;
        const mote_resize_row *r = mote_resize_rows(&count);
        for (int32_t i = 0; i < 2 * BENCH; i++)
            b.index[i] = i % BENCH / 2;
        for (size_t i = 0; i < count; i++) {
            if ((r[i].isa & ~mote_cpu_features()) != 0)
                continue;
            b.row = &r[i];
            kcheck_report(r[i].name, "blend 2 x 1024", kcheck_time(bench_blend, &b), BENCH, "element");
            kcheck_report(r[i].name, "cols 2 x 1024", kcheck_time(bench_cols, &b), BENCH, "element");
            kcheck_report(r[i].name, "pick32 1024", kcheck_time(bench_pick, &b), BENCH, "element");
        }
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows), cmocka_unit_test(planted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
