/* test_recurrent.c - LSTM and GRU steps against their formulas on guarded memory, bad rows that must be caught
 * SPDX-License-Identifier: Apache-2.0 */
#include "kcheck.h"
#include "kernels/recurrent/recurrent.h"
#include "kernels/unary/unary.h"

enum { MAX_N = 257 };

static float sig(float x)
{
    float y;
    mote_unary_select(MOTE_UNARY_SIGMOID, 0)->fn(&x, &y, 1, NULL);
    return y;
}
static float th(float x)
{
    float y;
    mote_unary_select(MOTE_UNARY_TANH, 0)->fn(&x, &y, 1, NULL);
    return y;
}

typedef struct buffers {
    guard g[4];
    float *gates, *a, *h, *rec;
    float gates0[4 * MAX_N], a0[MAX_N], h0[MAX_N];
} buffers;

static void fill(buffers *b, size_t n, bool upper, uint64_t *seed)
{
    b->gates = guard_at(&b->g[0], 4 * n * sizeof(float), upper);
    b->a = guard_at(&b->g[1], n * sizeof(float), upper);
    b->h = guard_at(&b->g[2], n * sizeof(float), upper);
    b->rec = guard_at(&b->g[3], n * sizeof(float), upper);
    for (size_t i = 0; i < 4 * n; i++)
        b->gates0[i] = b->gates[i] = rng_any(seed);
    kcheck_fill(b->a, n, seed, true);
    kcheck_fill(b->h, n, seed, true);
    kcheck_fill(b->rec, n, seed, true);
    memcpy(b->a0, b->a, n * sizeof(float));
    memcpy(b->h0, b->h, n * sizeof(float));
}

static const char *differs(const char *row, const char *what, size_t n, size_t j, float got, float want)
{
    return same_f32(got, want) ? NULL : kcheck_wrong("%s: %s of %zu: unit %zu is %a, expected %a", row, what, n, j, (double)got, (double)want);
}
#define DIFFERS(what, j, got, want)                                                                                    \
    do {                                                                                                               \
        const char *d_ = differs(row->name, what, n, j, got, want);                                                    \
        if (d_ != NULL)                                                                                                \
            return d_;                                                                                                 \
    } while (0)

static const char *check_size(const mote_recurrent_row *row, buffers *b, size_t n, bool upper, uint64_t *seed)
{
    fill(b, n, upper, seed);
    row->lstm(b->gates, b->a, b->h, n);
    for (size_t j = 0; j < n; j++) {
        float c = fmaf(sig(b->gates0[2 * n + j]), b->a0[j], sig(b->gates0[j]) * th(b->gates0[3 * n + j]));
        DIFFERS("lstm cell", j, b->a[j], c);
        DIFFERS("lstm state", j, b->h[j], sig(b->gates0[n + j]) * th(c));
    }
    for (int linear = 0; linear < 2; linear++) {
        fill(b, n, upper, seed);
        float *gates = guard_at(&b->g[0], 3 * n * sizeof(float), upper);
        memmove(gates, b->gates, 3 * n * sizeof(float));
        row->gru_gates(gates, b->h, linear ? NULL : b->a, n);
        for (size_t j = 0; j < n; j++) {
            DIFFERS("gru z", j, gates[j], sig(b->gates0[j]));
            DIFFERS("gru r", j, gates[n + j], sig(b->gates0[n + j]));
            DIFFERS("gru candidate, unread", j, gates[2 * n + j], b->gates0[2 * n + j]);
            DIFFERS("gru reset", j, b->a[j], linear ? b->a0[j] : sig(b->gates0[n + j]) * b->h0[j]);
        }
        row->gru_state(gates, linear ? b->rec : NULL, b->h, n);
        for (size_t j = 0; j < n; j++) {
            float z = gates[j], v = gates[2 * n + j];
            v = linear ? fmaf(gates[n + j], b->rec[j], v) : v;
            DIFFERS("gru state", j, b->h[j], fmaf(z, b->h0[j], (1 - z) * th(v)));
        }
    }
    return NULL;
}

static const char *check_row(const void *row)
{
    static const size_t sizes[] = {1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 47, 48, 64, 100, 128, MAX_N};
    static buffers b;
    uint64_t seed = kcheck_seed;
    const char *answer = NULL;
    for (size_t i = 0; i < 4; i++)
        b.g[i] = guard_make(4 * MAX_N * sizeof(float));
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof sizes[0] && answer == NULL; i++)
        answer = check_size(row, &b, sizes[i / 2], i & 1, &seed);
    for (size_t i = 0; i < 4; i++)
        guard_free(&b.g[i]);
    return answer;
}

static void rows(void **state)
{
    (void)state;
    size_t count;
    const mote_recurrent_row *r = mote_recurrent_rows(&count);
    for (size_t i = 0; i < count; i++) {
        const char *answer = (r[i].isa & ~mote_cpu_features()) == 0 ? kcheck_row(r[i].name, check_row, &r[i]) : NULL;
        if (answer != NULL)
            fail_msg("%s", answer);
        assert_ptr_equal(mote_recurrent_select(r[i].isa), &r[i]);
    }
}

static void bad_tail(const float *gates, float *c, float *h, size_t n)
{
    mote_recurrent_select(0)->lstm(gates, c, h, n > 16 && n % 16 != 0 ? n - 1 : n);
}
static void bad_read(const float *gates, float *c, float *h, size_t n)
{
    volatile float beyond = gates[4 * n];
    (void)beyond;
    mote_recurrent_select(0)->lstm(gates, c, h, n);
}
static void bad_write(float *gates, const float *h, float *reset, size_t n)
{
    mote_recurrent_select(0)->gru_gates(gates, h, reset, n);
    gates[3 * n - 1] = gates[3 * n - 1] + 1.0f;
}
static void bad_fusion(const float *gates, const float *recurrence, float *h, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        float v = recurrence != NULL ? fmaf(gates[n + j], recurrence[j], gates[2 * n + j]) : gates[2 * n + j];
        h[j] = gates[j] * h[j] + (1 - gates[j]) * th(v);
    }
}
static void planted(void **state)
{
    (void)state;
    const mote_recurrent_row good = *mote_recurrent_select(0);
    mote_recurrent_row bad[4] = {good, good, good, good};
    bad[0].lstm = bad_tail, bad[0].name = "bad_tail";
    bad[1].lstm = bad_read, bad[1].name = "bad_read";
    bad[2].gru_gates = bad_write, bad[2].name = "bad_write";
    bad[3].gru_state = bad_fusion, bad[3].name = "bad_fusion";
    for (size_t i = 0; i < 4; i++)
        if (kcheck_row(bad[i].name, check_row, &bad[i]) == NULL)
            fail_msg("planted row %s was not caught", bad[i].name);
}

typedef struct bench {
    const mote_recurrent_row *row;
    float gates[4 * MAX_N], c[MAX_N], h[MAX_N];
} bench;
static void bench_lstm(void *ctx)
{
    bench *b = ctx;
    b->row->lstm(b->gates, b->c, b->h, 256);
}
static void bench_gru(void *ctx)
{
    bench *b = ctx;
    b->row->gru_gates(b->gates, b->h, b->c, 256);
    b->row->gru_state(b->gates, NULL, b->h, 256);
}

int main(int argc, char **argv)
{
    kcheck_args(argc, argv);
    if (kcheck_bench) {
        static bench b;
        uint64_t seed = kcheck_seed;
        size_t count;
        const mote_recurrent_row *r = mote_recurrent_rows(&count);
        kcheck_fill(b.gates, 4 * MAX_N, &seed, false);
        for (size_t i = 0; i < count; i++) {
            if ((r[i].isa & ~mote_cpu_features()) != 0)
                continue;
            b.row = &r[i];
            kcheck_report(r[i].name, "lstm 256", kcheck_time(bench_lstm, &b), 256, "unit");
            kcheck_report(r[i].name, "gru 256", kcheck_time(bench_gru, &b), 256, "unit");
        }
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows), cmocka_unit_test(planted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
