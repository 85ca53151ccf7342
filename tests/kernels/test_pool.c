/* test_pool.c - pooling rows against plain loops on guarded memory, bad rows that must be caught
 * SPDX-License-Identifier: Apache-2.0 */
#include "kcheck.h"
#include "kernels/pool/pool.h"

static size_t element_of(mote_pool_kind kind) { return kind <= MOTE_POOL_MEAN_F32 ? 4 : 1; }
static bool is_sum(mote_pool_kind kind) { return kind == MOTE_POOL_SUM_U8 || kind == MOTE_POOL_SUM_S8; }
static size_t result_of(mote_pool_kind kind) { return is_sum(kind) ? 4 : element_of(kind); }

static void expected(mote_pool_kind kind, const void *const *a, size_t step, size_t taps, size_t c, float count,
                     void *y)
{
    float sum = 0.0f, top = -INFINITY;
    int32_t itop = -1000, isum = 0;
    for (size_t t = 0; t < taps; t++) {
        const void *p = a[t * step];
        if (element_of(kind) == 4) {
            float v = ((const float *)p)[c];
            sum += v;
            top = v <= top ? top : v;
        } else {
            const bool is_signed = kind == MOTE_POOL_MAX_S8 || kind == MOTE_POOL_SUM_S8;
            int v = is_signed ? ((const int8_t *)p)[c] : ((const uint8_t *)p)[c];
            itop = v > itop ? v : itop;
            isum += v;
        }
    }
    sum = kind == MOTE_POOL_MEAN_F32 ? sum / count : top;
    uint8_t b = (uint8_t)itop;
    memcpy(y, element_of(kind) == 4 ? (const void *)&sum : is_sum(kind) ? (const void *)&isum : &b, result_of(kind));
}

static const char *check_one(const mote_pool_row *row, size_t pixels, size_t taps, size_t c, bool upper, uint64_t *seed)
{
    const size_t e = element_of(row->kind), r = result_of(row->kind), ys = c + 1, y_bytes = ((pixels - 1) * ys + c) * r;
    guard gx[8], gy = guard_make(y_bytes), gg = guard_make(taps * (c + 3) * e), go = guard_make(c * r);
    const void *table[8 * 32];
    float counts[8];
    unsigned char *x[8];
    for (size_t i = 0; i < 8; i++) {
        gx[i] = guard_make(c * e);
        x[i] = guard_at(&gx[i], c * e, upper);
        for (size_t k = 0; k < c * e; k++)
            x[i][k] = (unsigned char)rng_next(seed);
        if (e == 4)
            kcheck_fill((float *)(void *)x[i], c, seed, i == 3);
    }
    for (size_t i = 0; i < pixels * taps; i++)
        table[i] = x[rng_next(seed) % 8];
    for (size_t i = 0; i < pixels; i++)
        counts[i] = (float)(1 + rng_next(seed) % 9);
    unsigned char *y = guard_at(&gy, y_bytes, upper), *g = guard_at(&gg, ((taps - 1) * (c + 3) + c) * e, upper),
                  *o = guard_at(&go, c * r, upper);
    memset(y, 0x55, y_bytes);
    const mote_pool_tile t = {table, pixels, pixels, taps, c, y, ys, row->kind == MOTE_POOL_MEAN_F32 ? counts : NULL};
    row->fn(&t);
    for (size_t k = 0; k < taps; k++)
        memcpy(g + k * (c + 3) * e, table[k * pixels], c * e);
    row->global(g, c + 3, taps, c, counts[0], o);
    const char *answer = NULL;
    for (size_t i = 0; i < pixels && answer == NULL; i++)
        for (size_t k = 0; k < (i + 1 < pixels ? ys : c) && answer == NULL; k++) {
            unsigned char want[4] = {0x55, 0x55, 0x55, 0x55};
            if (k < c)
                expected(row->kind, table + i, pixels, taps, k, counts[i], want);
            float fw, fg;
            memcpy(&fw, want, 4), memcpy(&fg, want, 4);
            memcpy(&fg, y + (i * ys + k) * r, r);
            bool nan = e == 4 && fw != fw && fg != fg;
            if (memcmp(y + (i * ys + k) * r, want, r) != 0 && !nan)
                answer = kcheck_wrong("%s: pixel %zu of %zu, channel %zu of %zu, %zu taps", row->name, i, pixels, k, c,
                                      taps);
            memcpy(&fg, want, 4);
            if (i == 0 && k < c)
                memcpy(&fg, o + k * r, r);
            nan = e == 4 && fw != fw && fg != fg;
            if (i == 0 && k < c && memcmp(o + k * r, want, r) != 0 && !nan)
                answer = kcheck_wrong("%s: global form, channel %zu of %zu, %zu taps", row->name, k, c, taps);
        }
    for (size_t i = 0; i < 8; i++)
        guard_free(&gx[i]);
    guard_free(&gy), guard_free(&gg), guard_free(&go);
    return answer;
}

static const char *check_row(const void *row)
{
    static const size_t channels[] = {1, 3, 15, 16, 17, 31, 32, 33, 63, 64, 65, 101};
    uint64_t seed = kcheck_seed;
    for (size_t i = 0; i < sizeof channels / sizeof channels[0]; i++)
        for (size_t k = 0; k < 6; k++) {
            static const size_t taps[] = {1, 2, 4, 9, 25, 32};
            const char *answer = check_one(row, 1 + (i + k) % 8, taps[k], channels[i], (i + k) & 1, &seed);
            if (answer != NULL)
                return answer;
        }
    return NULL;
}

static void rows(void **state)
{
    (void)state;
    size_t count;
    const mote_pool_row *r = mote_pool_rows(&count);
    for (size_t i = 0; i < count; i++) {
        const char *answer = (r[i].isa & ~mote_cpu_features()) == 0 ? kcheck_row(r[i].name, check_row, &r[i]) : NULL;
        if (answer != NULL)
            fail_msg("%s", answer);
        assert_ptr_equal(mote_pool_select(r[i].kind, r[i].isa), &r[i]);
    }
}

static void bad_order(const mote_pool_tile *t)
{
    const void *table[8 * 32];
    for (size_t k = 0; k < t->taps; k++)
        memcpy(table + k * t->a_step, t->a + (t->taps - 1 - k) * t->a_step, t->pixels * sizeof *table);
    mote_pool_tile x = *t;
    x.a = table;
    mote_pool_select(MOTE_POOL_MEAN_F32, 0)->fn(&x);
}
static void bad_tail(const mote_pool_tile *t)
{
    mote_pool_tile x = *t;
    x.c -= x.c > 16;
    mote_pool_select(MOTE_POOL_MEAN_F32, 0)->fn(&x);
}
static void planted(void **state)
{
    (void)state;
    mote_pool_global_fn global = mote_pool_select(MOTE_POOL_MEAN_F32, 0)->global;
    const mote_pool_row bad[] = {{"bad_order", 0, MOTE_POOL_MEAN_F32, MOTE_CHECK_CONSISTENT, bad_order, global},
                                 {"bad_tail", 0, MOTE_POOL_MEAN_F32, MOTE_CHECK_CONSISTENT, bad_tail, global},
                                 {"bad_sign", 0, MOTE_POOL_SUM_S8, MOTE_CHECK_EXACT,
                                  mote_pool_select(MOTE_POOL_SUM_U8, 0)->fn,
                                  mote_pool_select(MOTE_POOL_SUM_U8, 0)->global}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (kcheck_row(bad[i].name, check_row, &bad[i]) == NULL)
            fail_msg("planted row %s was not caught", bad[i].name);
}

static void fill(void **state)
{
    (void)state;
    int a = 0, b = 0, e = 0;
    const void *table[3][3] = {{NULL, &a, NULL}, {&a, NULL, NULL}, {NULL, &b, NULL}};
    mote_pool_fill(&table[0][0], 3, 3, &e);
    assert_ptr_equal(table[0][0], &a);
    assert_ptr_equal(table[1][0], &a);
    assert_ptr_equal(table[2][0], &a);
    assert_ptr_equal(table[0][1], &a);
    assert_ptr_equal(table[1][1], &a);
    assert_ptr_equal(table[2][1], &b);
    assert_ptr_equal(table[0][2], &e);
    assert_ptr_equal(table[2][2], &e);
}

enum { BENCH_C = 64, BENCH_PIXELS = 8, BENCH_TAPS = 9 };
typedef struct job {
    const mote_pool_row *row;
    float x[BENCH_PIXELS + BENCH_TAPS][BENCH_C], y[BENCH_PIXELS][BENCH_C], counts[BENCH_PIXELS];
    const void *table[BENCH_TAPS * BENCH_PIXELS];
} job;
static void run(void *ctx)
{
    job *j = ctx;
    const mote_pool_tile t = {
        j->table, BENCH_PIXELS, BENCH_PIXELS, BENCH_TAPS,
        BENCH_C,  j->y,         BENCH_C,      j->row->kind == MOTE_POOL_MEAN_F32 ? j->counts : NULL};
    j->row->fn(&t);
}
static void bench(const void *row)
{
    static job j;
    j.row = row;
    for (size_t t = 0; t < BENCH_TAPS; t++)
        for (size_t i = 0; i < BENCH_PIXELS; i++) {
            j.table[t * BENCH_PIXELS + i] = j.x[t + i];
            j.counts[i] = BENCH_TAPS;
        }
    kcheck_report(j.row->name, "8 pixels, 9 taps, 64 channels", kcheck_time(run, &j),
                  BENCH_PIXELS * BENCH_TAPS * BENCH_C, "elements");
}

int main(int argc, char **argv)
{
    const char *filter = kcheck_args(argc, argv);
    if (kcheck_bench) {
        size_t count;
        const mote_pool_row *r = mote_pool_rows(&count);
        kcheck_bench_rows(r, count, sizeof *r, filter, bench);
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows), cmocka_unit_test(planted), cmocka_unit_test(fill)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
