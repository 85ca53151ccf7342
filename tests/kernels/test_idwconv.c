/* test_idwconv.c - integer depthwise convolution: every row against plain sums on guarded memory, bad rows that must be caught, benchmark
 * SPDX-License-Identifier: Apache-2.0 */
#include "kcheck.h"
#include "kernels/dwconv/idwconv.h"

static int byte_of(const uint8_t *p, bool is_signed) { return is_signed ? (int8_t)*p : *p; }

static const char *check_one(const mote_idwconv_row *row, size_t pixels, size_t taps, size_t c, unsigned v, bool upper, uint64_t *seed)
{
    const bool a_signed = v & 1, w_signed = v & 2, s32 = v & 4, extreme = v & 8;
    const size_t e = s32 ? 4 : 1, ys = c + 2, y_bytes = ((pixels - 1) * ys + c) * e;
    size_t packed = 0;
    if (!mote_idwconv_packed(row, c, taps, &packed))
        return "size";
    guard gx[8], gw = guard_make(packed), gy = guard_make(y_bytes);
    const void *table[9 * 32];
    uint8_t *x[8], *y = guard_at(&gy, y_bytes, upper), *weights = malloc(c * taps), *wz = malloc(c), *want = malloc(y_bytes);
    void *w = guard_at(&gw, packed, upper);
    int32_t *bias = malloc(c * 4 + 1);
    float *scale = malloc(c * 4);
    for (size_t i = 0; i < 8; i++) {
        gx[i] = guard_make(c);
        x[i] = guard_at(&gx[i], c, upper);
        for (size_t k = 0; k < c; k++)
            x[i][k] = extreme ? (uint8_t)(a_signed ? 128 : 255) : (uint8_t)rng_next(seed);
    }
    size_t which[9 * 32];
    for (size_t i = 0; i < pixels * taps; i++) {
        which[i] = rng_next(seed) % 8;
        table[i] = x[which[i]];
    }
    for (size_t i = 0; i < c * taps; i++)
        weights[i] = extreme ? (uint8_t)(w_signed ? 128 : 255) : (uint8_t)rng_next(seed);
    for (size_t i = 0; i < c; i++) {
        wz[i] = row->dot ? (uint8_t)(w_signed ? 0 : 128) : (uint8_t)rng_next(seed);
        const int32_t b = (int32_t)(rng_next(seed) % 2001) - 1000;
        memcpy((char *)bias + 1 + 4 * i, &b, 4);
        scale[i] = i % 13 == 5 ? NAN : rng_float(seed, 0.0f, 0.02f);
    }
    const int32_t az = a_signed ? -7 : 121, zero = a_signed ? -9 : 100, lo = a_signed ? -128 : 0, hi = a_signed ? 127 : 250;
    mote_idwconv_pack(row, weights, w_signed, (char *)bias + 1, scale, wz, 1, c, taps, w);
    memset(y, 0x5a, y_bytes);
    memset(want, 0x5a, y_bytes);
    for (size_t i = 0; i < pixels; i++)
        for (size_t k = 0; k < c; k++) {
            int32_t s;
            memcpy(&s, (char *)bias + 1 + 4 * k, 4);
            for (size_t t = 0; t < taps; t++)
                s += (byte_of(&x[which[t * pixels + i]][k], a_signed) - az) * (byte_of(&weights[k * taps + t], w_signed) - byte_of(&wz[k], w_signed));
            float q = rintf((float)s * scale[k]);
            q = q > (float)(lo - zero) ? q : (float)(lo - zero);
            q = q < (float)(hi - zero) ? q : (float)(hi - zero);
            if (s32)
                memcpy(want + (i * ys + k) * 4, &s, 4);
            else
                want[i * ys + k] = (uint8_t)((int32_t)q + zero);
        }
    const mote_idwconv_tile t = {.a = table, .a_step = pixels, .pixels = pixels, .taps = taps, .c = c, .a_signed = a_signed, .az = az, .w = w, .y = y, .y_stride = ys,
                                 .s32 = s32, .lo = (float)(lo - zero), .hi = (float)(hi - zero), .zero = zero};
    row->fn(&t);
    const char *answer = NULL;
    for (size_t i = 0; i < y_bytes && answer == NULL; i++)
        if (y[i] != want[i])
            answer = kcheck_wrong("%s pixels=%zu taps=%zu c=%zu variant %u: byte %zu is %u, expected %u", row->name, pixels, taps, c, v, i, y[i], want[i]);
    for (size_t i = 0; i < 8; i++)
        guard_free(&gx[i]);
    guard_free(&gw), guard_free(&gy);
    free(weights), free(wz), free(want), free(bias), free(scale);
    return answer;
}

static const char *check_row(const void *row)
{
    static const size_t channels[] = {1, 7, 15, 16, 17, 31, 32, 33, 50, 64, 65, 130}, taps[] = {1, 2, 9, 25, 32, 3};
    uint64_t seed = kcheck_seed;
    for (size_t c = 0; c < 12; c++)
        for (size_t k = 0; k < 6; k++)
            for (unsigned v = 0; v < 16; v++) {
                const char *answer = check_one(row, 1 + (c + k + v) % 9, taps[k], channels[c], v, (c + v) & 1, &seed);
                if (answer != NULL)
                    return answer;
            }
    return NULL;
}

static void rows(void **state)
{
    (void)state;
    size_t count;
    const mote_idwconv_row *r = mote_idwconv_rows(&count);
    for (size_t i = 0; i < count; i++) {
        const char *answer = (r[i].isa & ~mote_cpu_features()) == 0 ? kcheck_row(r[i].name, check_row, &r[i]) : NULL;
        if (answer != NULL)
            fail_msg("%s", answer);
        assert_ptr_equal(mote_idwconv_select(r[i].isa, r[i].dot), &r[i]);
    }
}

static void bad_over_read(const mote_idwconv_tile *t)
{
    volatile const uint8_t *a = t->a[0];
    (void)a[(t->c + 15) / 16 * 16 - 1];
    mote_idwconv_select(0, true)->fn(t);
}
static void bad_sign(const mote_idwconv_tile *t)
{
    mote_idwconv_tile x = *t;
    x.a_signed = false;
    mote_idwconv_select(0, true)->fn(&x);
}
static void bad_clamp(const mote_idwconv_tile *t)
{
    mote_idwconv_tile x = *t;
    x.hi += 1.0f;
    mote_idwconv_select(0, true)->fn(&x);
}
static void planted(void **state)
{
    (void)state;
    const mote_idwconv_row bad[] = {{"bad_over_read", 0, false, MOTE_CHECK_EXACT, bad_over_read}, {"bad_sign", 0, false, MOTE_CHECK_EXACT, bad_sign}, {"bad_clamp", 0, false, MOTE_CHECK_EXACT, bad_clamp}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (kcheck_row(bad[i].name, check_row, &bad[i]) == NULL)
            fail_msg("planted row %s was not caught", bad[i].name);
}

typedef struct job {
    const mote_idwconv_row *row;
    mote_idwconv_tile t;
} job;
static void bench_one(void *ctx)
{
    const job *j = ctx;
    j->row->fn(&j->t);
}
static void bench(const char *filter)
{
    size_t count;
    const mote_idwconv_row *r = mote_idwconv_rows(&count);
    for (size_t i = 0; i < count; i++)
        for (size_t taps = 9; taps <= 25; taps += 16) {
            enum { PIXELS = 64, C = 128 };
            if ((r[i].isa & ~mote_cpu_features()) != 0 || strstr(r[i].name, filter) == NULL)
                continue;
            static uint8_t x[4096], y[PIXELS * C];
            static int32_t w[C * 28];
            static const void *table[PIXELS * 25];
            for (size_t k = 0; k < PIXELS * taps; k++)
                table[k] = x + k % 24 * C;
            job j = {&r[i], {.a = table, .a_step = PIXELS, .pixels = PIXELS, .taps = taps, .c = C, .w = w, .y = y, .y_stride = C, .hi = 255}};
            char text[64];
            snprintf(text, sizeof text, "%d pixels, %d channels, %zu taps", PIXELS, C, taps);
            kcheck_report(r[i].name, text, kcheck_time(bench_one, &j), (double)PIXELS * C * (double)taps, "MAC");
        }
}

int main(int argc, char **argv)
{
    const char *filter = kcheck_args(argc, argv);
    if (kcheck_bench) {
        bench(filter);
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows), cmocka_unit_test(planted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
