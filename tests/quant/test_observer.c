/* test_observer.c - what tensors hold: the same for any order, number of threads and way of dividing the work; bytes for other processes
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "quant/observe/histogram.h"
#include "tensor/dtype.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "support/model.h"
#include "support/nets.h"

typedef struct bytes {
    unsigned char *p;
    size_t n;
} bytes;

static bool append(void *ctx, const void *p, size_t n)
{
    bytes *b = ctx;
    b->p = realloc(b->p, b->n + n);
    memcpy(b->p + b->n, p, n);
    b->n += n;
    return true;
}

static bytes save(const mote_observer *o)
{
    bytes b = {NULL, 0};
    assert_int_equal(mote_observer_save(o, append, &b), MOTE_OK);
    return b;
}

static mote_observer *create(void)
{
    mote_observer *o;
    assert_int_equal(mote_observer_create(NULL, &o), MOTE_OK);
    return o;
}

static void assert_equal(const mote_observer *a, const mote_observer *b)
{
    bytes x = save(a), y = save(b);
    assert_int_equal(x.n, y.n);
    assert_memory_equal(x.p, y.p, x.n);
    free(x.p);
    free(y.p);
}

static void observe(mote_observer *o, const char *name, mote_dtype dtype, const void *p, int64_t n)
{
    mote_tensor t = MOTE_TENSOR_INIT;
    void *data;
    memcpy(&data, &p, sizeof p);
    assert_int_equal(mote_tensor_describe(&t, dtype, 1, &n, data), MOTE_OK);
    mote_observer_tap(o, name, &t);
}

static uint32_t state32;
static uint32_t random32(void) { return state32 = state32 * 1664525u + 1013904223u; }

/* Any finite float, of any size; now and then something else. */
static float any_float(void)
{
    uint32_t u = random32() ^ random32() >> 16;
    if (random32() >> 24 == 0)
        u = random32() >> 31 ? 0x7f800000u : 0x7fc00000u;
    else if (random32() >> 28 == 0)
        u &= 0x80000000u;
    float x;
    memcpy(&x, &u, sizeof x);
    return isnan(x) && u != 0x7fc00000u ? 0 : x;
}

/* The definition, value by value. */
static void check_definition(const mote_observation *o, const float *x, size_t n)
{
    uint64_t values = 0, nans = 0, infinities = 0, *bins = calloc(MOTE_OBSERVER_BINS, sizeof *bins);
    float min = 0, max = 0;
    int exponent = -149;
    for (size_t i = 0; i < n; i++) {
        nans += isnan(x[i]) != 0;
        infinities += isinf(x[i]) != 0;
        if (!isfinite(x[i]))
            continue;
        min = values == 0 || x[i] < min ? x[i] : min;
        max = values == 0 || x[i] > max ? x[i] : max;
        values++;
        while (fabs((double)x[i]) >= ldexp(1, exponent))
            exponent++;
    }
    for (size_t i = 0; i < n; i++)
        if (isfinite(x[i]))
            bins[(int)floor(ldexp((double)x[i], 10 - exponent)) + 1024]++;
    assert_true(o->values == values && o->nans == nans && o->infinities == infinities);
    assert_true(o->min == min && o->max == max && !(signbit(o->min) && o->min == 0) && !(signbit(o->max) && o->max == 0));
    assert_int_equal(o->exponent, exponent);
    assert_memory_equal(o->histogram, bins, MOTE_OBSERVER_BINS * sizeof *bins);
    free(bins);
}

static void definition(void **state)
{
    (void)state;
    static const float cases[][6] = {{0, 0, 0, 0, 0, 0},
                                     {-0.0f, -0.0f, -0.0f, -0.0f, -0.0f, -0.0f},
                                     {1, 2, 4, 8, 16, 32},
                                     {-1, -2, -4, -8, -16, -32},
                                     {0x1p-149f, -0x1p-149f, 0, 0, 0, 0},
                                     {0x1p-126f, 0x1.fffffep-127f, 1, -1, 0, -0.0f},
                                     {3.4028234e38f, -3.4028234e38f, 0x1p-149f, -0x1p-149f, 0, 1},
                                     {INFINITY, -INFINITY, NAN, 1, 2, 3},
                                     {NAN, NAN, INFINITY, NAN, -INFINITY, NAN},
                                     {0.999f, 1.0f, 1.001f, -0.999f, -1.0f, -1.001f}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int64_t at_once = 1; at_once <= 6; at_once++) {
            mote_observer *o = create();
            for (int64_t k = 0; k < 6; k += at_once)
                observe(o, "x", MOTE_DTYPE_F32, cases[i] + k, 6 - k < at_once ? 6 - k : at_once);
            mote_observation got = MOTE_OBSERVATION_INIT;
            assert_int_equal(mote_observer_find(o, "x", &got), MOTE_OK);
            check_definition(&got, cases[i], 6);
            assert_int_equal(got.times, (6 + at_once - 1) / at_once);
            mote_observer_destroy(&o);
        }
    static float x[5000];
    state32 = 1;
    for (int round = 0; round < 20; round++) {
        mote_observer *o = create();
        for (size_t i = 0; i < 5000; i++)
            x[i] = round % 2 == 0 ? any_float() : (float)(int)random32() * 0x1p-31f * (float)(round * round);
        observe(o, "x", MOTE_DTYPE_F32, x, 5000);
        mote_observation got = MOTE_OBSERVATION_INIT;
        assert_int_equal(mote_observer_find(o, "x", &got), MOTE_OK);
        check_definition(&got, x, 5000);
        mote_observer_destroy(&o);
    }
}

static void types(void **state)
{
    (void)state;
    float x[300];
    double d[300];
    uint16_t h[300], b[300];
    int64_t s[300] = {0};
    state32 = 5;
    for (int i = 0; i < 300; i++) {
        x[i] = (float)((int)(random32() >> 26) - 32) * 0.125f; /* exact in every type */
        d[i] = (double)x[i];
        mote_dtype_from_f64(MOTE_DTYPE_F16, h, (size_t)i, d[i]);
        mote_dtype_from_f64(MOTE_DTYPE_BF16, b, (size_t)i, d[i]);
    }
    mote_observer *o = create();
    observe(o, "f32", MOTE_DTYPE_F32, x, 300);
    observe(o, "f64", MOTE_DTYPE_F64, d, 300);
    observe(o, "f16", MOTE_DTYPE_F16, h, 300);
    observe(o, "bf16", MOTE_DTYPE_BF16, b, 300);
    observe(o, "s64", MOTE_DTYPE_S64, s, 300); /* not a real number: ignored */
    observe(o, "empty", MOTE_DTYPE_F32, x, 0);
    assert_int_equal(mote_observer_count(o), 5);
    static const char *const order[] = {"bf16", "empty", "f16", "f32", "f64"};
    for (size_t i = 0; i < 5; i++) {
        mote_observation got = MOTE_OBSERVATION_INIT;
        assert_int_equal(mote_observer_at(o, i, &got), MOTE_OK);
        assert_string_equal(got.name, order[i]);
        check_definition(&got, x, i == 1 ? 0 : 300);
    }
    mote_observation got = MOTE_OBSERVATION_INIT;
    assert_int_equal(mote_observer_at(o, 5, &got), MOTE_E_ARGUMENT);
    assert_int_equal(mote_observer_find(o, "s64", &got), MOTE_E_ARGUMENT);
    assert_int_equal(mote_observer_find(o, NULL, &got), MOTE_E_ARGUMENT);
    got.struct_size = 8;
    assert_int_equal(mote_observer_at(o, 0, &got), MOTE_E_ARGUMENT);
    assert_int_equal(mote_observer_merge(o, o), MOTE_E_ARGUMENT);
    assert_int_equal(mote_observer_status(o), MOTE_OK);
    observe(o, "lost", MOTE_DTYPE_F32, NULL, 3); /* a tensor without memory */
    assert_int_equal(mote_observer_status(o), MOTE_E_ARGUMENT);
    mote_observer_destroy(&o);
    mote_observer_destroy(&o);
    assert_int_equal(mote_observer_create(NULL, NULL), MOTE_E_ARGUMENT);
}

/* The same values, divided among observers and merged in every way. */
static void any_order(void **state)
{
    (void)state;
    enum { N = 4000, PARTS = 7 };
    static float x[N];
    state32 = 9;
    for (size_t i = 0; i < N; i++)
        x[i] = any_float();
    mote_observer *whole = create();
    for (size_t i = 0; i < N; i += 10)
        observe(whole, i % 3 == 0 ? "a" : "b", MOTE_DTYPE_F32, x + i, 10);
    for (int round = 0; round < 30; round++) {
        mote_observer *part[PARTS];
        for (int k = 0; k < PARTS; k++)
            part[k] = create();
        for (size_t i = N; i > 0; i -= 10) /* backwards */
            observe(part[random32() % PARTS], (i - 10) % 3 == 0 ? "a" : "b", MOTE_DTYPE_F32, x + i - 10, 10);
        size_t left = PARTS;
        while (left > 1) { /* two at random become one */
            size_t a = random32() % left, b = random32() % left;
            if (a == b)
                continue;
            if (round % 2 == 0) {
                assert_int_equal(mote_observer_merge(part[a], part[b]), MOTE_OK);
            } else { /* through bytes */
                bytes s = save(part[b]);
                mote_diag diag = MOTE_DIAG_INIT;
                ASSERT_OK(mote_observer_load(part[a], s.p, s.n, &diag), diag);
                free(s.p);
            }
            mote_observer_destroy(&part[b]);
            part[b] = part[--left];
        }
        assert_equal(whole, part[0]);
        mote_observer_destroy(&part[0]);
    }
    mote_observer_destroy(&whole);
}

/* Through a session's tap: any number of threads, and inputs divided over sessions. */
static void sessions(void **state)
{
    (void)state;
    for (size_t i = 0; i < NETS; i++) {
        void *onnx;
        mote_model *model = model_of(all_nets[i], NULL, &onnx);
        mote_observer *want = NULL;
        for (unsigned threads = 1; threads <= 4; threads++) {
            mote_observer *o[2] = {create(), create()};
            mote_session *s[2];
            for (int k = 0; k < 2; k++) {
                mote_session_options so = MOTE_SESSION_OPTIONS_INIT;
                so.threads = threads;
                so.tap = mote_observer_tap;
                so.tap_ctx = o[k];
                s[k] = session_of(model, &so);
                prepare_for(model, s[k], 8);
            }
            for (uint32_t input = 0; input < 6; input++) {
                mote_session *on = s[(input * threads) % 2]; /* differently for each number of threads */
                mote_diag diag = MOTE_DIAG_INIT;
                fill_inputs(model, on, input);
                ASSERT_OK(mote_session_run(on, NULL, &diag), diag);
            }
            mote_session_destroy(&s[0]);
            mote_session_destroy(&s[1]);
            assert_int_equal(mote_observer_merge(o[0], o[1]), MOTE_OK);
            assert_int_equal(mote_observer_status(o[0]), MOTE_OK);
            assert_true(mote_observer_count(o[0]) >= 1);
            mote_observer_destroy(&o[1]);
            if (want == NULL)
                want = o[0];
            else {
                assert_equal(want, o[0]);
                mote_observer_destroy(&o[0]);
            }
        }
        mote_observation y = MOTE_OBSERVATION_INIT;
        assert_int_equal(mote_observer_find(want, "y", &y), MOTE_OK);
        assert_int_equal(y.times, 6);
        mote_observer_destroy(&want);
        mote_model_destroy(&model);
        free(onnx);
    }
}

static bool refuse(void *ctx, const void *p, size_t n)
{
    (void)ctx, (void)p, (void)n;
    return false;
}

static void bad_bytes(void **state)
{
    (void)state;
    mote_observer *o = create(), *p = create();
    static const float x[] = {1, -2, 3.5f, 0.25f};
    observe(o, "one", MOTE_DTYPE_F32, x, 4);
    observe(o, "two", MOTE_DTYPE_F32, x, 2);
    observe(o, "", MOTE_DTYPE_F32, x, 0);
    assert_int_equal(mote_observer_save(o, refuse, NULL), MOTE_E_IO);
    assert_int_equal(mote_observer_save(o, NULL, NULL), MOTE_E_ARGUMENT);
    bytes b = save(o);
    mote_diag diag = MOTE_DIAG_INIT;
    for (size_t n = 0; n < b.n; n++) { /* cut anywhere */
        unsigned char *cut = malloc(n + 1);
        memcpy(cut, b.p, n);
        assert_int_equal(mote_observer_load(p, cut, n, &diag), MOTE_E_FORMAT);
        assert_int_equal(mote_observer_count(p), 0);
        free(cut);
    }
    append(&b, "", 1); /* and too long */
    assert_int_equal(mote_observer_load(p, b.p, b.n--, &diag), MOTE_E_FORMAT);
    size_t refused = 0;
    for (size_t i = 0; i < b.n; i++) /* one bit wrong anywhere: an error, or another valid content */
        for (int bit = 0; bit < 8; bit++) {
            b.p[i] ^= (unsigned char)(1 << bit);
            mote_observer *q = create();
            mote_status status = mote_observer_load(q, b.p, b.n, &diag);
            assert_true(status == MOTE_OK || status == MOTE_E_FORMAT);
            refused += status != MOTE_OK;
            mote_observer_destroy(&q);
            b.p[i] ^= (unsigned char)(1 << bit);
        }
    assert_true(refused > b.n * 4);
    assert_int_equal(mote_observer_load(p, NULL, 5, &diag), MOTE_E_ARGUMENT);
    ASSERT_OK(mote_observer_load(p, b.p, b.n, &diag), diag);
    assert_equal(o, p);
    free(b.p);
    mote_observer_destroy(&o);
    mote_observer_destroy(&p);
}

static void counts_stop_at_64_bits(void **state)
{
    (void)state;
    mote_histogram *a = calloc(2, sizeof *a);
    static const float one = 1;
    mote_histogram_init(&a[0]);
    mote_histogram_add(&a[0], &one, 1);
    for (int i = 0; i < 63; i++) {
        a[1] = a[0];
        assert_true(mote_histogram_merge(&a[0], &a[1]));
    }
    a[1] = a[0];
    assert_true(a[0].values == (uint64_t)1 << 63);
    assert_false(mote_histogram_merge(&a[0], &a[1]));
    assert_memory_equal(&a[0], &a[1], sizeof *a);
    free(a);
}

static size_t left;
static void *scarce_alloc(void *ctx, size_t n, size_t align)
{
    (void)ctx;
    void *p = NULL;
    return left == 0 || (left--, posix_memalign(&p, align, n)) != 0 ? NULL : p;
}
static void scarce_free(void *ctx, void *p, size_t n)
{
    (void)ctx, (void)n;
    free(p);
}

static void no_memory(void **state)
{
    (void)state;
    static const float x[] = {1, 2, 3};
    mote_observer *full = create();
    for (int i = 0; i < 20; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%d", i);
        observe(full, name, MOTE_DTYPE_F32, x, 3);
    }
    bytes b = save(full);
    mote_allocator a = MOTE_ALLOCATOR_INIT;
    a.alloc = scarce_alloc;
    a.free = scarce_free;
    for (size_t n = 0;; n++) {
        left = n;
        mote_observer *o;
        mote_status status = mote_observer_create(&a, &o);
        if (status == MOTE_OK) {
            observe(o, "mine", MOTE_DTYPE_F32, x, 3);
            if (mote_observer_status(o) != MOTE_OK) {
                assert_int_equal(mote_observer_status(o), MOTE_E_MEMORY);
                bytes none = {NULL, 0}; /* what is not complete is not written */
                assert_int_equal(mote_observer_save(o, append, &none), MOTE_E_MEMORY);
                assert_null(none.p);
            }
            mote_diag diag = MOTE_DIAG_INIT;
            status = mote_observer_load(o, b.p, b.n, &diag);
            assert_true(status == MOTE_OK || diag.code == MOTE_E_MEMORY);
        }
        assert_true(status == MOTE_OK || status == MOTE_E_MEMORY);
        bool done = status == MOTE_OK && mote_observer_status(o) == MOTE_OK;
        mote_observer_destroy(&o);
        if (done)
            break;
        assert_in_range(n, 0, 1000);
    }
    free(b.p);
    mote_observer_destroy(&full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(definition), cmocka_unit_test(types),     cmocka_unit_test(any_order), cmocka_unit_test(sessions),
        cmocka_unit_test(bad_bytes),  cmocka_unit_test(counts_stop_at_64_bits), cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
