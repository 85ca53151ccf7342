/* test_quantize.c - quantization, conversions and tables: every row against plain C, and against the definition
 * SPDX-License-Identifier: Apache-2.0 */
#include "kcheck.h"
#include "kernels/quantize/quantize.h"

static const size_t sizes[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 129};
enum { N_SIZES = sizeof sizes / sizeof sizes[0], MAX = 129 };
static const int32_t least[] = {0, -128, 0, -32768}, most[] = {255, 127, 65535, 32767};

static int32_t read_q(mote_qtype t, const void *p, size_t i)
{
    switch (t) {
    case MOTE_Q_U8:
        return ((const uint8_t *)p)[i];
    case MOTE_Q_S8:
        return ((const int8_t *)p)[i];
    case MOTE_Q_U16:
        return ((const uint16_t *)p)[i];
    default:
        return ((const int16_t *)p)[i];
    }
}
static int32_t clamp_round(float v, int32_t zero, int32_t lo, int32_t hi)
{
    double r = nearbyint((double)v) + zero;
    return v != v || r < lo ? lo : r > hi ? hi : (int32_t)r;
}

#define guard_equal(got, want) guard_expect((got) == (want))

static const char *check_quantize(const void *which)
{
    static guard gx, gy, gs, gz, gq;
    const mote_quantize_row *row = which;
    uint64_t seed = kcheck_seed + 30;
    if (gx.base == NULL)
        gx = guard_make(MAX * 4), gy = guard_make(MAX * 4), gs = guard_make(MAX * 4), gz = guard_make(MAX * 4),
        gq = guard_make(MAX * 4);
    size_t bytes = row->type >= MOTE_Q_U16 ? 2 : 1;
    int32_t lo = least[row->type], hi = most[row->type];
    for (size_t k = 0; k < N_SIZES; k++)
        for (int trial = 0; trial < 10; trial++) {
            size_t n = sizes[k], step = (size_t)trial & 1;
            bool side = trial & 2;
            float *x = guard_at(&gx, n * 4, side), *scale = guard_at(&gs, (step ? n : 1) * 4, side);
            int32_t *zero = guard_at(&gz, (step ? n : 1) * 4, side);
            void *q = guard_at(&gq, n * bytes, side), *y = guard_at(&gy, n * 4, side);
            static const float odd[] = {0x1p-149f, 0x1p-127f, 0x1p-101f, 0x1p101f, 0x1p127f, INFINITY, 0, NAN, -0.3f, 1e-30f};
            for (size_t i = 0; i < (step ? n : 1); i++) {
                scale[i] = trial >= 8 ? odd[(k + (size_t)trial * 5 + i) % 10]
                           : trial >= 6 ? rng_float(&seed, 0.001f, 2.0f)
                           : (i & 2) != 0 || trial >= 4
                               ? 0.25f
                               : rng_float(&seed, 0.01f, 2.0f); /* with 0.25 the even x are ties */
                zero[i] = lo + (int32_t)(rng_next(&seed) % (uint64_t)(hi - lo + 1));
            }
            for (size_t i = 0; i < n; i++)
                x[i] = i & 1 ? rng_any(&seed) : (float)(rng_next(&seed) % 1024) * 0.125f - 64.0f;
            for (size_t i = 0; i < n && (trial == 6 || trial == 7); i++) { /* at ties, and next to them */
                x[i] = ((float)(rng_next(&seed) % 600) - 299.5f) * scale[i * step];
                for (uint64_t far = rng_next(&seed) % 3; far > 0; far--)
                    x[i] = nextafterf(x[i], i & 1 ? INFINITY : -INFINITY);
            }
            row->quantize(x, q, n, scale, zero, step);
            for (size_t i = 0; i < n; i++)
                if (read_q(row->type, q, i) != clamp_round(x[i] / scale[i * step], zero[i * step], lo, hi))
                    guard_wrong("%s: %a / %a + %d gives %d", row->name, (double)x[i], (double)scale[i * step],
                                zero[i * step], read_q(row->type, q, i));
            row->dequantize(q, y, n, scale, zero, step);
            for (size_t i = 0; i < n; i++) {
                float want = (float)(read_q(row->type, q, i) - zero[i * step]) * scale[i * step];
                expect_same(row->name, (float *)y + i, &want, 1);
            }
            int32_t *acc = (int32_t *)(void *)x, from = lo + (trial & 1) * 3, to = hi - (trial & 1) * 5;
            for (size_t i = 0; i < n; i++)
                acc[i] = (int32_t)((uint32_t)rng_next(&seed) >> (rng_next(&seed) & 1 ? 12 : 0));
            for (size_t i = 0; i < (step ? n : 1); i++)
                scale[i] = rng_float(&seed, 0.0f, 0.001f);
            row->requantize(acc, q, n, scale, step, zero[0], from, to);
            for (size_t i = 0; i < n; i++)
                guard_equal(read_q(row->type, q, i), clamp_round((float)acc[i] * scale[i * step], zero[0], from, to));
            for (unsigned form = 0; form < 3; form++)
                for (int mul = 0; mul < 2; mul++) {
                    void *a = guard_at(&gx, (form == 1 ? 1 : n) * bytes, side),
                         *b = guard_at(&gs, (form == 2 ? 1 : n) * bytes, side);
                    mote_qbinary p = {
                        rng_float(&seed, 0.01f, 0.1f), rng_float(&seed, 0.01f, 0.1f), 0.05f, zero[0], lo + 3, lo + 9};
                    for (size_t i = 0; i < (form == 1 ? 1 : n) * bytes; i++)
                        ((uint8_t *)a)[i] = (uint8_t)rng_next(&seed);
                    for (size_t i = 0; i < (form == 2 ? 1 : n) * bytes; i++)
                        ((uint8_t *)b)[i] = (uint8_t)rng_next(&seed);
                    (mul ? row->mul : row->add)(a, b, q, n, form, &p);
                    for (size_t i = 0; i < n; i++) {
                        float u = (float)(read_q(row->type, a, form == 1 ? 0 : i) - p.zero_a) * p.scale_a;
                        float v = (float)(read_q(row->type, b, form == 2 ? 0 : i) - p.zero_b) * p.scale_b;
                        float w = mul ? u * v : u + v;
                        guard_equal(read_q(row->type, q, i), clamp_round(w / p.scale_y, p.zero_y, lo, hi));
                    }
                }
        }
    return NULL;
}

static void integer_rows(void **state)
{
    (void)state;
    size_t count;
    const mote_quantize_row *rows = mote_quantize_rows(&count);
    kcheck_rows(rows, count, sizeof *rows, check_quantize);
}

static const char *check_convert(const void *which)
{
    static guard gx, gy;
    const mote_convert_row *row = which;
    uint64_t seed = kcheck_seed + 31;
    if (gx.base == NULL)
        gx = guard_make(MAX * 4), gy = guard_make(MAX * 4);
    for (size_t k = 0; k < N_SIZES; k++)
        for (int trial = 0; trial < 200; trial++) {
            size_t n = sizes[k];
            float *x = guard_at(&gx, n * 4, trial & 1);
            uint16_t *h = guard_at(&gy, n * 2, trial & 1);
            for (size_t i = 0; i < n; i++)
                x[i] = trial & 2 ? rng_any(&seed)
                                 : rng_float(&seed, -1.0f, 1.0f) * ldexpf(1.0f, (int)(rng_next(&seed) % 44) - 27);
            row->f32_f16(x, h, n);
            for (size_t i = 0; i < n; i++)
                if (h[i] != mote_f16_from_f32(x[i]) && x[i] == x[i])
                    guard_wrong("%s: f16 of %a is %04x", row->name, (double)x[i], h[i]);
            row->f16_f32(h, x, n);
            for (size_t i = 0; i < n; i++)
                guard_expect(same_f32(x[i], mote_f32_from_f16(h[i])));
            for (size_t i = 0; i < n; i++)
                x[i] = rng_any(&seed);
            row->f32_bf16(x, h, n);
            for (size_t i = 0; i < n; i++)
                guard_equal(h[i], mote_bf16_from_f32(x[i]));
            row->bf16_f32(h, x, n);
            for (size_t i = 0; i < n; i++)
                guard_expect(mote_f32_bits(x[i]) == (uint32_t)h[i] << 16);
            uint8_t *b = guard_at(&gy, n, trial & 1);
            for (size_t i = 0; i < n; i++)
                b[i] = (uint8_t)rng_next(&seed);
            row->u8_f32(b, x, n);
            for (size_t i = 0; i < n; i++)
                guard_expect(x[i] == (float)b[i]);
            row->s8_f32((int8_t *)b, x, n);
            for (size_t i = 0; i < n; i++)
                guard_expect(x[i] == (float)(int8_t)b[i]);
            int32_t *w = guard_at(&gy, n * 4, trial & 1);
            for (size_t i = 0; i < n; i++)
                w[i] = (int32_t)rng_next(&seed);
            row->s32_f32(w, x, n);
            for (size_t i = 0; i < n; i++)
                guard_expect(x[i] == (float)w[i]);
        }
    return NULL;
}

static void conversions(void **state)
{
    (void)state;
    size_t count;
    const mote_convert_row *rows = mote_convert_rows(&count);
    kcheck_rows(rows, count, sizeof *rows, check_convert);
}

static void tables(void **state)
{
    (void)state;
    size_t count;
    const mote_lookup_row *rows = mote_lookup_rows(&count);
    guard gx = guard_make(MAX), gy = guard_make(MAX);
    uint8_t table[256], packed[65], back[MAX], nibbles[MAX];
    uint64_t seed = 33;
    for (int i = 0; i < 256; i++)
        table[i] = (uint8_t)rng_next(&seed);
    for (size_t r = 0; r < count; r++)
        for (size_t k = 0; k < N_SIZES && (rows[r].isa & ~mote_cpu_features()) == 0; k++)
            for (int side = 0; side < 2; side++) {
                uint8_t *x = guard_at(&gx, sizes[k], side), *y = guard_at(&gy, sizes[k], side);
                for (size_t i = 0; i < sizes[k]; i++)
                    x[i] = (uint8_t)rng_next(&seed);
                rows[r].fn(x, y, sizes[k], table);
                for (size_t i = 0; i < sizes[k]; i++)
                    assert_int_equal(y[i], table[x[i]]);
            }
    for (size_t i = 0; i < MAX; i++)
        nibbles[i] = (uint8_t)(rng_next(&seed) & 15);
    mote_pack4(nibbles, packed, 0, MAX);
    mote_unpack4(packed, 0, back, MAX, false);
    expect_bytes("4 bits", back, nibbles, MAX);
    mote_unpack4(packed, 3, back, 5, true);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal((int8_t)back[i], nibbles[3 + i] < 8 ? nibbles[3 + i] : nibbles[3 + i] - 16);
    guard_free(&gx), guard_free(&gy);
}

/* ---- planted ---- */

static void rounds_up(const float *x, void *y, size_t n, const float *scale, const int32_t *zero, size_t step)
{
    for (size_t i = 0; i < n; i++) {
        float v = floorf(x[i] / scale[i * step] + 0.5f) + (float)zero[i * step];
        ((uint8_t *)y)[i] = v != v || v < 0 ? 0 : v > 255 ? 255 : (uint8_t)v;
    }
}
static void multiplies(const float *x, void *y, size_t n, const float *scale, const int32_t *zero, size_t step)
{
    const float ones[1] = {1};
    float v[MAX];
    for (size_t i = 0; i < n; i++)
        v[i] = step == 0 && scale[0] > 0x1p-100f && scale[0] < 0x1p100f ? x[i] * (1 / scale[0]) : x[i] / scale[i * step];
    for (size_t i = 0; i < n; i++)
        mote_quantize_select(MOTE_Q_U8, 0)->quantize(v + i, (uint8_t *)y + i, 1, ones, zero + i * step, 0);
}
static void ignores_step(const void *x, float *y, size_t n, const float *scale, const int32_t *zero, size_t step)
{
    (void)step;
    mote_quantize_select(MOTE_Q_U8, 0)->dequantize(x, y, n, scale, zero, 0);
}
static void no_limits(const int32_t *x, void *y, size_t n, const float *scale, size_t step, int32_t zero, int32_t lo,
                      int32_t hi)
{
    (void)lo, (void)hi;
    mote_quantize_select(MOTE_Q_U8, 0)->requantize(x, y, n, scale, step, zero, 0, 255);
}
static void writes_behind(const uint16_t *x, float *y, size_t n)
{
    mote_convert_select(0)->f16_f32(x, y, n);
    ((volatile float *)y)[n] = 0;
}

static void planted(void **state)
{
    (void)state;
    mote_quantize_row row = *mote_quantize_select(MOTE_Q_U8, 0);
    row.quantize = rounds_up;
    kcheck_caught(&row, check_quantize);
    row = *mote_quantize_select(MOTE_Q_U8, 0);
    row.quantize = multiplies;
    kcheck_caught(&row, check_quantize);
    row = *mote_quantize_select(MOTE_Q_U8, 0);
    row.dequantize = ignores_step;
    kcheck_caught(&row, check_quantize);
    row = *mote_quantize_select(MOTE_Q_U8, 0);
    row.requantize = no_limits;
    kcheck_caught(&row, check_quantize);
    mote_convert_row convert = *mote_convert_select(0);
    convert.f16_f32 = writes_behind;
    kcheck_caught(&convert, check_convert);
}

/* ---- benchmark ---- */

typedef struct job {
    const void *row;
    float x[4096], scale[1];
    int32_t acc[4096], zero[1];
    uint16_t q[4096], r[4096];
} job;
static job bench_job = {.scale = {0.05f}, .zero = {3}};

static void run_quantize(void *ctx)
{
    job *j = ctx;
    ((const mote_quantize_row *)j->row)->quantize(j->x, j->q, 4096, j->scale, j->zero, 0);
}
static void run_requantize(void *ctx)
{
    job *j = ctx;
    ((const mote_quantize_row *)j->row)->requantize(j->acc, j->q, 4096, j->scale, 0, 3, 0, 127);
}
static void run_qadd(void *ctx)
{
    job *j = ctx;
    const mote_qbinary p = {0.05f, 0.06f, 0.05f, 1, 2, 3};
    ((const mote_quantize_row *)j->row)->add(j->q, j->r, j->q, 4096, 0, &p);
}
static void run_f16(void *ctx)
{
    job *j = ctx;
    ((const mote_convert_row *)j->row)->f32_f16(j->x, j->q, 4096);
}

static void bench_quantize(const void *row)
{
    const char *name = ((const kcheck_head *)row)->name;
    bench_job.row = row;
    kcheck_report(name, "quantize n=4096", kcheck_time(run_quantize, &bench_job), 4096, "elements");
    kcheck_report(name, "requantize n=4096", kcheck_time(run_requantize, &bench_job), 4096, "elements");
    kcheck_report(name, "add n=4096", kcheck_time(run_qadd, &bench_job), 4096, "elements");
}
static void bench_convert(const void *row)
{
    bench_job.row = row;
    kcheck_report(((const kcheck_head *)row)->name, "f32 to f16 n=4096", kcheck_time(run_f16, &bench_job), 4096,
                  "elements");
}

int main(int argc, char **argv)
{
    const char *filter = kcheck_args(argc, argv);
    if (kcheck_bench) {
        size_t n;
        const mote_quantize_row *quantize = mote_quantize_rows(&n);
        kcheck_bench_rows(quantize, n, sizeof *quantize, filter, bench_quantize);
        const mote_convert_row *convert = mote_convert_rows(&n);
        kcheck_bench_rows(convert, n, sizeof *convert, filter, bench_convert);
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(integer_rows), cmocka_unit_test(conversions),
                                       cmocka_unit_test(tables), cmocka_unit_test(planted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
