/* test_igemm.c - integer gemm: every row's tile and blocks against plain sums, bad rows that must be caught, benchmark
 * SPDX-License-Identifier: Apache-2.0 */
#include "kcheck.h"
#include "kernels/igemm/igemm.h"

typedef struct shape {
    size_t m, n, taps, kc;
    bool a_signed, b_signed, b_zero, s32, extreme, f32;
} shape;

static int byte_of(const uint8_t *p, bool is_signed) { return is_signed ? (int8_t)*p : *p; }

/* A whole product through mote_igemm_block on guarded memory. */
static const char *check_shape(const mote_igemm_row *row, const shape *s, bool upper, uint64_t *seed)
{
    const size_t k = s->taps * s->kc, ys = s->n + 3, e = s->s32 || s->f32 ? 4 : 1, y_bytes = ((s->m - 1) * ys + s->n) * e;
    size_t packed = 0;
    if (!mote_igemm_packed(s->n, s->taps, s->kc, &packed))
        return "size";
    uint8_t *w = malloc(s->n * k + 1), *bz = malloc(s->n), *want = malloc(y_bytes);
    int32_t *bias = malloc(s->n * 4 + 1);
    float *scale = malloc(s->n * 4);
    guard ga = guard_make(s->m * k), gb = guard_make(packed), gy = guard_make(y_bytes);
    uint8_t *a = guard_at(&ga, s->m * k, upper), *y = guard_at(&gy, y_bytes, upper);
    void *b = guard_at(&gb, packed, upper);
    for (size_t i = 0; i < s->m * k; i++)
        a[i] = s->extreme ? (uint8_t)(s->a_signed ? 128 : 255) : (uint8_t)rng_next(seed);
    for (size_t i = 0; i < s->n * k; i++)
        w[i] = s->extreme ? (uint8_t)(s->b_signed ? 128 : 0) : (uint8_t)rng_next(seed);
    for (size_t i = 0; i < s->n; i++) {
        bz[i] = s->b_zero ? (uint8_t)rng_next(seed) : s->b_signed ? 0 : 128;
        const int32_t v = (int32_t)(rng_next(seed) % 20001) - 10000;
        memcpy((char *)bias + 1 + 4 * i, &v, 4); /* without alignment */
        scale[i] = i % 11 == 7 && !s->f32 ? NAN : rng_float(seed, 0.0f, 1.0f) / (float)(k + 1) / (i % 5 == 0 ? 1.0f : 100.0f);
    }
    const int32_t az = s->a_signed ? -3 : 130, zero = s->a_signed ? -5 : 128, lo = s->a_signed ? -128 : 3, hi = s->a_signed ? 120 : 255;
    memset(y, 0x5a, y_bytes);
    memset(want, 0x5a, y_bytes);
    const mote_igemm_source src = {.src = w, .b_signed = s->b_signed, .n = s->n, .taps = s->taps, .kc = s->kc, .tap_stride = 1, .k_stride = s->taps, .n_stride = k,
                                   .bias = (char *)bias + 1, .scale = scale, .zero = bz, .zero_step = 1};
    mote_igemm_pack(row->nr, &src, b, 0, mote_gemm_panels(row->nr, s->n));
    for (size_t i = 0; i < s->m; i++)
        for (size_t n = 0; n < s->n; n++) {
            int64_t sum = 0;
            int32_t v;
            memcpy(&v, (char *)bias + 1 + 4 * n, 4);
            for (size_t t = 0; t < s->taps; t++)
                for (size_t j = 0; j < s->kc; j++)
                    sum += (int64_t)(byte_of(&a[i * k + t * s->kc + j], s->a_signed) - az) *
                           (byte_of(&w[n * k + j * s->taps + t], s->b_signed) - byte_of(&bz[n], s->b_signed));
            sum += v;
            const int32_t x = (int32_t)sum;
            float q = rintf((float)x * scale[n]);
            q = q > (float)(lo - zero) ? q : (float)(lo - zero);
            q = q < (float)(hi - zero) ? q : (float)(hi - zero);
            if (s->f32) {
                float f = (float)x * scale[s->m % 2 ? 0 : n];
                f = s->m % 3 ? f + scale[n] : f;
                memcpy(want + (i * ys + n) * 4, &f, 4);
            } else if (s->s32)
                memcpy(want + (i * ys + n) * 4, &x, 4);
            else
                want[i * ys + n] = (uint8_t)((int32_t)q + zero);
        }
    const void *table[MOTE_IGEMM_POINTERS];
    for (size_t i = 0; i < s->m; i++)
        for (size_t t = 0; t < s->taps; t++)
            table[t * s->m + i] = a + i * k + t * s->kc;
    const char *answer = NULL;
    const mote_igemm_op shape_only = {.row = row, .m = s->m, .taps = s->taps, .kc = s->kc};
    const size_t scratch_bytes = (mote_igemm_scratch(&shape_only) + 63) / 64 * 64;
    void *scratch = scratch_bytes == 0 ? NULL : aligned_alloc(64, scratch_bytes);
    if (s->taps == 1) {
        const mote_igemm_op op = {.scratch = scratch, .row = row, .m = s->m, .n = s->n, .taps = 1, .kc = s->kc, .a = a, .a_stride = k, .a_is_signed = s->a_signed, .b_zero = s->b_zero,
                                  .az = az, .b = b, .y = y, .y_stride = ys, .s32 = s->s32, .f32 = s->f32, .one_real = s->m % 2 != 0, .real = scale,
                                  .add = s->m % 3 ? scale : NULL, .zero = zero, .lo = lo, .hi = hi};
        mote_igemm_block(&op, 0, s->m / 2, 0, mote_gemm_panels(row->nr, s->n));
        mote_igemm_block(&op, s->m / 2, s->m, 0, 1);
        mote_igemm_block(&op, s->m / 2, s->m, 1, mote_gemm_panels(row->nr, s->n));
    } else {
        const bool flip = s->a_signed != row->a_signed;
        if (row->hooks != NULL)
            row->hooks->begin(s->taps, s->kc);
        for (size_t p = 0; p < mote_gemm_panels(row->nr, s->n); p++)
            for (size_t i = 0; i < s->m; i += row->mr) {
                const size_t n0 = mote_gemm_panel(row->nr, s->n, p);
                mote_igemm_tile t = {.gathered = scratch, .a = table + i, .a_step = s->m, .m = mote_min_size(row->mr, s->m - i),
                                           .n = mote_min_size(s->n, mote_gemm_panel(row->nr, s->n, p + 1)) - n0, .taps = s->taps, .kc = s->kc,
                                           .flip = flip ? 0x80808080u : 0, .az = az + (flip ? (row->a_signed ? -128 : 128) : 0),
                                           .b = (char *)b + n0 * mote_igemm_column_bytes(s->taps, s->kc), .y = y + (i * ys + n0) * e, .y_stride = ys, .s32 = s->s32,
                                           .lo = (float)(lo - zero), .hi = (float)(hi - zero), .zero = zero};
                if (row->hooks != NULL)
                    row->hooks->gather(&t, scratch);
                if (!s->b_zero)
                    row->fn(&t);
                else
                    memcpy(y, want, y_bytes);
            }
        if (row->hooks != NULL)
            row->hooks->end();
    }
    for (size_t i = 0; i < y_bytes && answer == NULL; i++)
        if (y[i] != want[i])
            answer = kcheck_wrong("%s m=%zu n=%zu taps=%zu kc=%zu %s%s%s%s: byte %zu of row %zu is %u, expected %u", row->name, s->m, s->n, s->taps, s->kc,
                                  s->a_signed ? "s8" : "u8", s->b_signed ? " s8" : " u8", s->b_zero ? " zero" : "", s->s32 ? " s32" : s->f32 ? " f32" : "", i % (ys * e), i / (ys * e), y[i], want[i]);
    guard_free(&ga), guard_free(&gb), guard_free(&gy);
    free(scratch), free(w), free(bz), free(want), free(bias), free(scale);
    return answer;
}

static const char *check_row(const void *arg)
{
    static const size_t ns[] = {1, 7, 15, 16, 17, 31, 32, 33, 47, 48, 49, 101}, ks[] = {1, 2, 3, 4, 5, 8, 27, 64, 129, 60, 192, 72, 130};
    uint64_t seed = kcheck_seed;
    for (size_t m = 1; m < 40; m += m < 9 ? 1 : 3)
        for (size_t n = 0; n < 12; n++)
            for (unsigned v = 0; v < 9; v++) {
                const shape s = {m, ns[n], v == 5 ? 4 : 1, ks[(m + n + v) % 13], v & 1, v & 2, v & 4, v == 3 || v == 6, (m + v) % 7 == 0, v == 8};
                const char *answer = check_shape(arg, &s, (m + v) & 1, &seed);
                if (answer != NULL)
                    return answer;
            }
    static const size_t depths[] = {3, 6, 16, 60, 64, 65, 200};
    for (size_t i = 0; i < 14; i++) {
        const shape taps = {i % 2 ? 37 : 9, 40, 9, depths[i / 2], i % 3 == 0, true, false, i % 5 == 0, false, false};
        const char *answer = check_shape(arg, &taps, i % 2 == 0, &seed);
        if (answer != NULL)
            return answer;
    }
    return NULL;
}

static void rows(void **state)
{
    (void)state;
    size_t count;
    const mote_igemm_row *r = mote_igemm_rows(&count);
    for (size_t i = 0; i < count; i++) {
        const char *answer = (r[i].isa & ~mote_cpu_features()) == 0 ? kcheck_row(r[i].name, check_row, &r[i]) : NULL;
        if (answer != NULL)
            fail_msg("%s", answer);
        assert_ptr_equal(mote_igemm_select(r[i].isa, 1), &r[i]);
    }
}

static void bad_tail(const mote_igemm_tile *t)
{
    mote_igemm_tile x = *t;
    if (x.kc % 4 != 0 && x.kc > 4 && x.taps == 1)
        x.kc = x.kc / 4 * 4;
    mote_igemm_select(0, 1)->fn(&x);
}
static void bad_over_read(const mote_igemm_tile *t)
{
    volatile const uint8_t *a = t->a[t->m - 1];
    (void)a[(t->kc + 3) / 4 * 4 - 1];
    mote_igemm_select(0, 1)->fn(t);
}
/* rounds half away from zero */
static void bad_rounding(const mote_igemm_tile *t)
{
    mote_igemm_tile x = *t;
    static int32_t s[8 * 16];
    x.s32 = true, x.y = s, x.y_stride = 16;
    mote_igemm_select(0, 1)->fn(&x);
    if (t->s32) {
        mote_igemm_select(0, 1)->fn(t);
        return;
    }
    for (size_t i = 0; i < t->m; i++)
        for (size_t n = 0; n < t->n; n++) {
            float scale, q;
            memcpy(&scale, (const char *)t->b + 128 + 4 * n, 4);
            q = truncf((float)s[i * 16 + n] * scale);
            q = q > t->lo ? q : t->lo;
            q = q < t->hi ? q : t->hi;
            ((uint8_t *)t->y)[i * t->y_stride + n] = (uint8_t)((int32_t)q + t->zero);
        }
}
static void planted(void **state)
{
    (void)state;
    const mote_igemm_row bad[] = {{"bad_tail", 0, 4, 16, false, MOTE_CHECK_EXACT, bad_tail, NULL}, {"bad_over_read", 0, 4, 16, false, MOTE_CHECK_EXACT, bad_over_read, NULL},
                                  {"bad_rounding", 0, 4, 16, false, MOTE_CHECK_EXACT, bad_rounding, NULL}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (kcheck_row(bad[i].name, check_row, &bad[i]) == NULL)
            fail_msg("planted row %s was not caught", bad[i].name);
}

static void bench_one(void *ctx)
{
    const mote_igemm_op *op = ctx;
    mote_igemm_block(op, 0, op->m, 0, mote_gemm_panels(op->row->nr, op->n));
}
static void bench(const char *filter)
{
    static const size_t shapes[][3] = {{128, 768, 768}, {12544, 64, 16}, {3136, 72, 24}, {784, 120, 40}, {196, 480, 80}, {49, 960, 160}, {1, 1280, 960}};
    size_t count;
    const mote_igemm_row *r = mote_igemm_rows(&count);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < sizeof shapes / sizeof shapes[0]; j++) {
            const size_t m = shapes[j][0], n = shapes[j][1], k = shapes[j][2];
            size_t bytes = 0;
            if ((r[i].isa & ~mote_cpu_features()) != 0 || strstr(r[i].name, filter) == NULL || !mote_igemm_packed(n, 1, k, &bytes))
                continue;
            uint8_t *a = calloc(m, k), *b = aligned_alloc(64, (bytes + 63) / 64 * 64), *y = calloc(m, n);
            memset(b, 0, bytes);
            mote_igemm_op op = {.row = &r[i], .m = m, .n = n, .taps = 1, .kc = k, .a = a, .a_stride = k, .a_is_signed = r[i].a_signed, .b = b, .y = y, .y_stride = n, .hi = 255};
            op.scratch = aligned_alloc(64, mote_igemm_scratch(&op) / 64 * 64 + 64);
            char text[64];
            snprintf(text, sizeof text, "m=%zu n=%zu k=%zu", m, n, k);
            kcheck_report(r[i].name, text, kcheck_time(bench_one, &op), (double)(m * n * k), "MAC");
            free(a), free(b), free(y), free(op.scratch);
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
