/* test_nbits.c - weights of few bits: every row against the formula in the same order
 * SPDX-License-Identifier: Apache-2.0 */
#include "kcheck.h"
#include "kernels/nbits/nbits.h"

enum { K_MAX = 260, GROUPS = 4, COLUMNS = 16 * GROUPS };

static float real[K_MAX][COLUMNS], want[K_MAX * 32];

static const char *check_nbits(const void *which)
{
    static const size_t ks[] = {1, 2, 3, 16, 17, 31, 32, 33, 64, 100, 259, 260}, blocks[] = {16, 32, 128};
    static guard gq, gs, gz, gx, gy, gb;
    const mote_nbits_row *row = which;
    uint64_t seed = kcheck_seed + 21;
    if (gq.base == NULL) {
        gq = guard_make(K_MAX * COLUMNS), gs = guard_make(K_MAX * COLUMNS), gz = guard_make(K_MAX * COLUMNS);
        gx = guard_make(K_MAX * 4), gy = guard_make(K_MAX * 32 * 4), gb = guard_make(COLUMNS * 4);
    }
    for (size_t a = 0; a < sizeof ks / sizeof ks[0]; a++)
        for (size_t c = 0; c < 6; c++) {
            const size_t k = ks[a], block = blocks[c % 3], n_blocks = (k + block - 1) / block, groups = 1 + (a + c) % GROUPS;
            const bool side = (a + c) & 1, given = c >= 3;
            const size_t bytes = mote_nbits_group_bytes(row->bits, k), params = n_blocks * 16;
            uint8_t *q = guard_at(&gq, groups * bytes, side);
            float *scale = guard_at(&gs, groups * params * 4, side), *zero = given ? guard_at(&gz, groups * params * 4, side) : NULL;
            float *x = guard_at(&gx, k * 4, side), *bias = guard_at(&gb, groups * 64, side);
            memset(q, 0, groups * bytes);
            for (size_t i = 0; i < groups * params; i++) {
                scale[i] = rng_float(&seed, 0.01f, 0.2f);
                if (given)
                    zero[i] = rng_float(&seed, 0.0f, 16.0f);
            }
            for (size_t i = 0; i < k; i++) {
                x[i] = rng_float(&seed, -2.0f, 2.0f);
                for (size_t n = 0; n < groups * 16; n++) {
                    const unsigned v = (unsigned)rng_next(&seed) & ((1u << row->bits) - 1u);
                    const size_t at = n / 16 * params + i / block * 16 + n % 16;
                    mote_nbits_set(row->bits, q + n / 16 * bytes, i, n % 16, v);
                    const float from = (float)v - (given ? zero[at] : 8.0f);
                    real[i][n] = from * scale[at];
                }
            }
            const mote_nbits_groups g = {.q = q, .scale = scale, .zero = zero, .middle = 8.0f, .k = k, .block = block, .q_step = bytes, .param_step = params};
            /* the whole, and from the second block on; rows 32 apart */
            for (size_t k0 = 0; k0 < k; k0 += k0 == 0 ? block : k) {
                float *y = guard_at(&gy, ((k - k0 - 1) * 32 + 16) * 4, side);
                for (size_t i = 0; i < (k - k0 - 1) * 32 + 16; i++)
                    y[i] = want[i] = -1.0f;
                for (size_t i = k0; i < k; i++)
                    memcpy(want + (i - k0) * 32, real[i], 64);
                row->unpack(&g, k0, k, y, 32);
                expect_same(row->name, y, want, (k - k0 - 1) * 32 + 16);
            }
            float *y = guard_at(&gy, groups * 64, side);
            for (size_t n = 0; n < groups * 16; n++) {
                want[n] = bias[n] = rng_float(&seed, -1.0f, 1.0f);
                for (size_t i = 0; i < k; i++)
                    want[n] = fmaf(x[i], real[i][n], want[n]);
            }
            row->gemv(&g, groups, x, bias, y);
            expect_same(row->name, y, want, groups * 16);
        }
    return NULL;
}

static void nbits_rows(void **state)
{
    (void)state;
    size_t count;
    const mote_nbits_row *rows = mote_nbits_rows(&count);
    kcheck_rows(rows, count, sizeof *rows, check_nbits);
}

/* ---- planted ---- */

static void unpack_far(const mote_nbits_groups *g, size_t k0, size_t k1, float *y, size_t step)
{
    mote_nbits_select(4, 0)->unpack(g, k0, k1, y, step);
    y[(k1 - k0 - 1) * step + 16] = 0.0f;
}

static void gemv_backwards(const mote_nbits_groups *g, size_t groups, const float *x, const float *bias, float *y)
{
    for (size_t n = 0; n < groups * 16; n++) {
        y[n] = bias[n];
        for (size_t k = g->k; k-- > 0;) {
            const size_t at = n / 16 * g->param_step + k / g->block * 16 + n % 16;
            const unsigned q = (unsigned)g->q[n / 16 * g->q_step + k / 2 * 16 + n % 16] >> (k % 2 * 4) & 15u;
            y[n] = fmaf(x[k], ((float)q - (g->zero != NULL ? g->zero[at] : g->middle)) * g->scale[at], y[n]);
        }
    }
}

static void planted(void **state)
{
    (void)state;
    mote_nbits_row far = *mote_nbits_select(4, 0), backwards = far;
    far.name = "planted: writes too far";
    far.unpack = unpack_far;
    backwards.name = "planted: another order";
    backwards.gemv = gemv_backwards;
    kcheck_caught(&far, check_nbits);
    kcheck_caught(&backwards, check_nbits);
}

/* ---- benchmark: K 2048, 4 groups ---- */

static const mote_nbits_row *timed;
static mote_nbits_groups timed_groups;
static float timed_x[2048], timed_y[COLUMNS], timed_bias[COLUMNS];

static void call_gemv(void *ctx)
{
    (void)ctx;
    timed->gemv(&timed_groups, GROUPS, timed_x, timed_bias, timed_y);
}

static void bench_gemv(const void *row)
{
    static uint8_t q[2048 * COLUMNS];
    static float scale[2048];
    timed = row;
    timed_groups = (mote_nbits_groups){.q = q, .scale = scale, .middle = 8.0f, .k = 2048, .block = 64, .param_step = 512,
                                       .q_step = mote_nbits_group_bytes(timed->bits, 2048)};
    const double s = kcheck_time(call_gemv, NULL);
    if (kcheck_json)
        printf("{\"row\":\"%s\",\"gemv_us\":%.3f}\n", timed->name, s * 1e6);
    else
        printf("%-32s gemv 2048 x 64: %8.2f us, %6.1f GMAC/s\n", timed->name, s * 1e6, 2048.0 * COLUMNS / s * 1e-9);
}

int main(int argc, char **argv)
{
    const char *filter = kcheck_args(argc, argv);
    if (kcheck_bench) {
        size_t n;
        const mote_nbits_row *rows = mote_nbits_rows(&n);
        kcheck_bench_rows(rows, n, sizeof *rows, filter, bench_gemv);
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(nbits_rows), cmocka_unit_test(planted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
