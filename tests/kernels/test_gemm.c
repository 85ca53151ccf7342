/* test_gemm.c - f32 gemm: every row's tile and blocks against plain sums, bad rows that must be caught, benchmark
 * SPDX-License-Identifier: Apache-2.0 */
#include "kcheck.h"
#include "kernels/gemm/gemm.h"

/* ---- tiles ---- */

typedef struct shape {
    size_t m, n, taps, kc;
    bool residual, clamp, add_c, special;
} shape;

/* One tile on guarded memory, against sums made here. */
static const char *check_tile(const mote_gemm_f32_row *row, const shape *s, bool upper, uint64_t *seed)
{
    enum { MAX = 8 * 64 };
    static float a[8 * 1200], b[49 * 1200], c0[MAX], want[MAX], bias[48];
    const size_t k = s->taps * s->kc, w = mote_div_up(s->n, 16) * 16, cs = s->n + 3;
    kcheck_fill(a, s->m * k, seed, s->special);
    kcheck_fill(b, w * k, seed, s->special);
    kcheck_fill(bias, w, seed, false);
    kcheck_fill(c0, s->m * cs, seed, false);
    /* each row of a on its own at the edge of a page, one tap at a time */
    guard ga[8], gb = guard_make(w * (k + 1) * 4 + 64), gc = guard_make(s->m * cs * 4), gr = guard_make(s->m * cs * 4);
    const void *table[8 * 49];
    for (size_t i = 0; i < s->m; i++) {
        ga[i] = guard_make(k * 4 + 4);
        float *p = guard_at(&ga[i], k * 4, upper);
        memcpy(p, a + i * k, k * 4);
        for (size_t t = 0; t < s->taps; t++)
            table[t * s->m + i] = p + t * s->kc;
    }
    float *pb = guard_at(&gb, w * (k + 1) * 4, upper); /* widths are multiples of 16: aligned as panels are */
    memcpy(pb, bias, w * 4);
    memcpy(pb + w, b, k * w * 4);
    size_t c_bytes = ((s->m - 1) * cs + s->n) * 4;
    float *pc = guard_at(&gc, c_bytes, upper), *pr = guard_at(&gr, c_bytes, upper);
    memcpy(pc, c0, c_bytes);
    for (size_t i = 0; i < c_bytes / 4; i++)
        pr[i] = rng_float(seed, -1.0f, 1.0f);
    for (size_t i = 0; i < s->m; i++)
        for (size_t n = 0; n < s->n; n++) {
            float x = s->add_c ? c0[i * cs + n] : bias[n];
            for (size_t j = 0; j < k; j++)
                x = fmaf(a[i * k + j], b[j * w + n], x);
            if (s->residual)
                x += pr[i * cs + n];
            if (s->clamp)
                x = x < -0.25f ? -0.25f : x > 0.5f ? 0.5f : x;
            want[i * cs + n] = x;
        }
    mote_gemm_f32_tile t = {.a = table, .a_step = s->m, .a_offset = 0, .m = s->m, .n = s->n, .taps = s->taps, .kc = s->kc, .b = pb + w,
                            .bias = s->add_c ? NULL : pb, .c = pc, .c_stride = cs, .residual = s->residual ? pr : NULL, .residual_stride = cs,
                            .lo = -0.25f, .hi = 0.5f,
                            .flags = (s->clamp ? MOTE_GEMM_CLAMP : 0u) | (s->add_c ? MOTE_GEMM_ADD_C : 0u)};
    row->fn(&t);
    const char *answer = NULL;
    for (size_t i = 0; i < s->m && answer == NULL; i++)
        for (size_t n = 0; n < cs && i * cs + n < c_bytes / 4 && answer == NULL; n++) {
            float got = pc[i * cs + n], expected = n < s->n ? want[i * cs + n] : c0[i * cs + n];
            if (!same_f32(got, expected))
                answer = kcheck_wrong("%s m=%zu n=%zu taps=%zu kc=%zu: c[%zu][%zu] is %a, expected %a", row->name, s->m, s->n, s->taps, s->kc, i, n,
                                      (double)got, (double)expected);
        }
    for (size_t i = 0; i < s->m; i++)
        guard_free(&ga[i]);
    guard_free(&gb), guard_free(&gc), guard_free(&gr);
    return answer;
}

static const char *check_row(const void *arg)
{
    const mote_gemm_f32_row *row = arg;
    uint64_t seed = kcheck_seed;
    for (size_t m = 1; m <= row->mr; m++)
        for (size_t n = 1; n <= row->nr; n += n % 16 == 2 ? 5 : n % 16 == 7 ? 8 : 1) {
            static const size_t ks[][2] = {{1, 1}, {1, 2}, {1, 17}, {3, 5}, {9, 4}, {1, 128}};
            const size_t *k = ks[(m * 7 + n) % 6];
            for (unsigned variant = 0; variant < 4; variant++) {
                shape s = {m, n, k[0], k[1], variant & 1, variant == 3, variant == 2, variant == 1};
                const char *answer = check_tile(row, &s, (m + n + variant) & 1, &seed);
                if (answer != NULL)
                    return answer;
            }
        }
    return NULL;
}

static void tiles(void **state)
{
    (void)state;
    size_t count;
    const mote_gemm_f32_row *rows = mote_gemm_f32_rows(&count);
    for (size_t r = 0; r < count; r++) {
        if ((rows[r].isa & ~mote_cpu_features()) != 0)
            continue;
        const char *answer = kcheck_row(rows[r].name, check_row, &rows[r]);
        if (answer != NULL)
            fail_msg("%s", answer);
    }
}

static void selection(void **state)
{
    (void)state;
    size_t count, n;
    const mote_gemm_f32_row *rows = mote_gemm_f32_rows(&count);
    uint32_t used = 0, masks[64];
    for (size_t r = 0; r < count; r++)
        used |= rows[r].isa;
    n = kcheck_masks(used, masks, 64);
    for (size_t i = 0; i < n; i++) {
        const mote_gemm_f32_row *row = mote_gemm_f32_select(masks[i]);
        assert_int_equal(row->isa & ~masks[i], 0);
        for (const mote_gemm_f32_row *better = rows; better < row; better++)
            assert_int_not_equal(better->isa & ~masks[i], 0);
    }
}

/* ---- planted rows: each must be caught ---- */

static const mote_gemm_f32_row *good; /* the plain C row */

static void bad_tail(const mote_gemm_f32_tile *t)
{
    mote_gemm_f32_tile x = *t;
    x.n -= x.n > 3;
    good->fn(&x);
}
static void bad_over_write(const mote_gemm_f32_tile *t)
{
    mote_gemm_f32_tile x = *t;
    good->fn(&x);
    t->c[(t->m - 1) * t->c_stride + t->n] = 1.0f;
}
static void bad_write_between(const mote_gemm_f32_tile *t)
{
    good->fn(t);
    if (t->m > 1)
        t->c[t->n] = 2.0f;
}
static void bad_over_read(const mote_gemm_f32_tile *t)
{
    good->fn(t);
    volatile const float *a = t->a[(t->taps - 1) * t->a_step + t->m - 1];
    (void)a[t->a_offset + t->kc];
}
static void bad_over_read_b(const mote_gemm_f32_tile *t)
{
    good->fn(t);
    volatile const float *b = t->b;
    (void)b[t->taps * t->kc * mote_div_up(t->n, 16) * 16];
}
static void bad_bias_last(const mote_gemm_f32_tile *t)
{
    float zero[48] = {0};
    mote_gemm_f32_tile x = *t;
    if ((t->flags & MOTE_GEMM_ADD_C) == 0)
        x.bias = zero;
    x.flags &= ~(uint32_t)MOTE_GEMM_CLAMP;
    x.residual = NULL;
    good->fn(&x);
    for (size_t i = 0; i < t->m; i++)
        for (size_t n = 0; n < t->n; n++) {
            float *c = &t->c[i * t->c_stride + n];
            *c += (t->flags & MOTE_GEMM_ADD_C) == 0 ? t->bias[n] : 0.0f;
            *c += t->residual != NULL ? t->residual[i * t->residual_stride + n] : 0.0f;
            if ((t->flags & MOTE_GEMM_CLAMP) != 0)
                *c = fminf(t->hi, fmaxf(t->lo, *c));
        }
}
static void bad_illegal(const mote_gemm_f32_tile *t)
{
    good->fn(t);
    raise(SIGILL);
}

static void planted(void **state)
{
    (void)state;
    good = mote_gemm_f32_select(0);
#define BAD(fn) {#fn, 0, 4, 16, MOTE_CHECK_CONSISTENT, fn, NULL, NULL}
    const mote_gemm_f32_row bad[] = {BAD(bad_tail), BAD(bad_over_write), BAD(bad_write_between), BAD(bad_over_read), BAD(bad_over_read_b), BAD(bad_bias_last), BAD(bad_illegal)};
    assert_null(kcheck_row("good", check_row, good));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *answer = kcheck_row(bad[i].name, check_row, &bad[i]);
        if (answer == NULL)
            fail_msg("planted row %s was not caught", bad[i].name);
        if (strstr(answer, bad[i].name) == NULL)
            fail_msg("the answer does not name %s: %s", bad[i].name, answer);
    }
}

/* ---- packing and blocks ---- */

static void twice(const float *x, float *y, size_t n, const float *p)
{
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] * p[0];
}

static void blocks(void **state)
{
    (void)state;
    static const size_t shapes[][3] = {{1, 1, 1}, {1, 50, 33}, {1, 64, 40}, {1, 129, 17}, {1, 203, 300}, {7, 16, 0}, {9, 17, 5}, {49, 40, 96}, {130, 63, 300}, {33, 129, 700}, {2, 300, 129}, {300, 5, 27}};
    uint64_t seed = kcheck_seed;
    uint32_t masks[64];
    size_t count, n_masks = kcheck_masks(UINT32_MAX, masks, 64);
    (void)mote_gemm_f32_rows(&count);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const size_t m = shapes[i][0], n = shapes[i][1], k = shapes[i][2], cs = n + (i & 1) * 5;
        float *a = malloc((m * k + 1) * 4), *src = malloc((n * k + 1) * 4 + 1), *bias = malloc(n * 4 + 1), *c = malloc(m * cs * 4), *want = malloc(m * cs * 4);
        float *values = malloc((n * k + n + 1) * 4);
        kcheck_fill(a, m * k, &seed, false);
        kcheck_fill(values, n * k + n, &seed, false);
        char *odd_src = (char *)src + 1, *odd_bias = (char *)bias + 1;
        memcpy(odd_bias, values + n * k, n * 4);
        for (size_t layout = 0; layout < 2; layout++) {
            for (size_t j = 0; j < k; j++)
                for (size_t q = 0; q < n; q++)
                    memcpy(odd_src + 4 * (layout == 0 ? j * n + q : q * k + j), &values[j * n + q], 4);
            const float two = 2.0f;
            for (size_t r = 0; r < m; r++)
                for (size_t q = 0; q < n; q++) {
                    float x = values[n * k + q];
                    for (size_t j = 0; j < k; j++)
                        x = fmaf(a[r * k + j], values[j * n + q], x);
                    want[r * cs + q] = (i & 2) ? x * two : x;
                }
            const mote_gemm_f32_row *done = NULL;
            for (size_t v = 0; v < n_masks; v++) {
                const mote_gemm_f32_row *row = mote_gemm_f32_select(masks[v]);
                if (row == done)
                    continue;
                done = row;
                size_t floats = 0;
                assert_true(mote_gemm_f32_packed(n, k, &floats));
                guard g = guard_make(floats * 4);
                float *b = guard_at(&g, floats * 4, true);
                mote_gemm_f32_source s = {odd_src, odd_bias, n, 1, k, 0, layout == 0 ? n : 1, layout == 0 ? 1 : k,
                                         layout == 1 && (i & 1) ? mote_transpose_select(4, masks[v])->fn : NULL};
                size_t panels = mote_gemm_panels(row->nr, n), half = panels / 2;
                mote_gemm_f32_pack(row->nr, &s, b, 0, half);
                mote_gemm_f32_pack(row->nr, &s, b, half, panels);
                mote_gemm_f32_op op = {.row = row, .m = m, .n = n, .taps = 1, .kc = k, .a = a, .a_stride = k, .b = b, .c = c, .c_stride = cs,
                                       .act = (i & 2) ? twice : NULL, .act_params = &two};
                size_t cut = m / 3;
                mote_gemm_f32_block(&op, 0, cut, 0, panels);
                mote_gemm_f32_block(&op, cut, m, 0, half);
                mote_gemm_f32_block(&op, cut, m, half, panels);
                for (size_t r = 0; r < m; r++)
                    expect_same(row->name, c + r * cs, want + r * cs, n);
                guard_free(&g);
            }
        }
        free(a), free(src), free(bias), free(c), free(want), free(values);
    }
}

/* ---- benchmark ---- */

static void bench_block(void *ctx)
{
    const mote_gemm_f32_op *op = ctx;
    mote_gemm_f32_block(op, 0, op->m, 0, mote_gemm_panels(op->row->nr, op->n));
}

static void bench(const char *filter)
{
    static const size_t shapes[][3] = {{128, 768, 768}, {128, 3072, 768}, {128, 768, 3072}, {128, 128, 64}, {128, 64, 128}, {12544, 16, 16}, {12544, 64, 16},
                                       {12544, 16, 27}, {3136, 24, 64}, {3136, 72, 24}, {784, 40, 72}, {784, 120, 40}, {196, 80, 240}, {196, 480, 80}, {196, 112, 480},
                                       {49, 160, 672}, {49, 960, 160}, {49, 160, 960}, {1, 1280, 960}, {1, 960, 240}, {1, 240, 960}, {1, 768, 3072}};
    size_t count;
    const mote_gemm_f32_row *rows = mote_gemm_f32_rows(&count);
    for (size_t r = 0; r < count; r++) {
        if ((rows[r].isa & ~mote_cpu_features()) != 0 || strstr(rows[r].name, filter) == NULL)
            continue;
        for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
            size_t m = shapes[i][0], n = shapes[i][1], k = shapes[i][2], floats = 0;
            mote_gemm_f32_packed(n, k, &floats);
            float *a = aligned_alloc(64, m * k * 4 / 64 * 64 + 64), *b = aligned_alloc(64, floats * 4), *c = aligned_alloc(64, m * n * 4 / 64 * 64 + 64);
            memset(a, 0, m * k * 4), memset(b, 0, floats * 4), memset(c, 0, m * n * 4);
            mote_gemm_f32_op op = {.row = &rows[r], .m = m, .n = n, .taps = 1, .kc = k, .a = a, .a_stride = k, .b = b, .c = c, .c_stride = n,
                                   .flags = MOTE_GEMM_CLAMP, .lo = 0.0f, .hi = INFINITY};
            char text[64];
            snprintf(text, sizeof text, "m=%zu n=%zu k=%zu", m, n, k);
            kcheck_report(rows[r].name, text, kcheck_time(bench_block, &op), (double)m * (double)n * (double)k, "MAC");
            free(a), free(b), free(c);
        }
    }
}

int main(int argc, char **argv)
{
    const char *filter = kcheck_args(argc, argv);
    if (kcheck_bench) {
        bench(filter);
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(tiles), cmocka_unit_test(selection), cmocka_unit_test(planted), cmocka_unit_test(blocks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
