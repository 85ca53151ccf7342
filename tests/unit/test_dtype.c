/* test_dtype.c - element types, half floats, array shapes
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/half.h"
#include "tensor/array.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void names(void **state)
{
    (void)state;
    for (int t = 1; t < MOTE_DTYPE_COUNT; t++) {
        const char *name = mote_dtype_name((mote_dtype)t);
        assert_int_equal(mote_dtype_from_name(name, strlen(name)), t);
    }
    assert_int_equal(mote_dtype_from_name("float", 5), MOTE_DTYPE_F32);
    assert_int_equal(mote_dtype_from_name("double", 6), MOTE_DTYPE_F64);
    assert_int_equal(mote_dtype_from_name("float3", 6), MOTE_DTYPE_NONE);
    assert_int_equal(mote_dtype_from_name("undefined", 9), MOTE_DTYPE_NONE);
    assert_string_equal(mote_dtype_name((mote_dtype)27), "undefined");
    assert_string_equal(mote_dtype_name((mote_dtype)-1), "undefined");
    assert_int_equal(mote_dtype_bits((mote_dtype)1000), 0);
    assert_int_equal(mote_dtype_bits(MOTE_DTYPE_S4), 4);
}

static void bytes(void **state)
{
    (void)state;
    size_t n = 7;
    assert_true(mote_dtype_bytes(MOTE_DTYPE_U4, 3, &n) && n == 2);
    assert_true(mote_dtype_bytes(MOTE_DTYPE_U2, 5, &n) && n == 2);
    assert_true(mote_dtype_bytes(MOTE_DTYPE_C128, 3, &n) && n == 48);
    assert_true(mote_dtype_bytes(MOTE_DTYPE_STRING, 2, &n) && n == 2 * sizeof(mote_string));
    assert_false(mote_dtype_bytes(MOTE_DTYPE_F32, SIZE_MAX / 2, &n));
    assert_false(mote_dtype_bytes(MOTE_DTYPE_NONE, 1, &n));
    assert_false(mote_dtype_bytes((mote_dtype)27, 1, &n));
}

/* binary16 and bfloat16 by their definition, on f64: exact, so an oracle for both directions. */
static double value16(unsigned h, int mantissa, int bias)
{
    int e = (int)(h & 0x7fff) >> mantissa, m = (int)h & ((1 << mantissa) - 1), top = 0x7fff >> mantissa;
    double x = e == top ? (m ? (double)NAN : (double)INFINITY)
               : e == 0 ? ldexp(m, 1 - bias - mantissa)
                        : ldexp(m + (1 << mantissa), e - bias - mantissa);
    return h & 0x8000 ? -x : x;
}

static void check_half(mote_dtype t, int mantissa, int bias)
{
    for (unsigned h = 0; h < 65536; h++) {
        uint16_t code = (uint16_t)h, back = 0;
        double want = value16(h, mantissa, bias), got = mote_dtype_to_f64(t, &code, 0);
        assert_int_equal(isnan(want), isnan(got));
        mote_dtype_from_f64(t, &back, 0, got);
        if (isnan(want)) {
            assert_true(isnan(mote_dtype_to_f64(t, &back, 0)));
            continue;
        }
        assert_true(want == got && signbit(want) == signbit(got));
        assert_int_equal(back, code);
        /* Between this value and the next larger one: below, at and above the middle. */
        double next = value16(h + 1, mantissa, bias);
        if ((h & 0x7fff) == 0x7fff || isnan(next))
            continue;
        if (isinf(want))
            continue;
        if (isinf(next)) /* infinity stands one step after the largest value */
            next = want + (want - value16(h - 1, mantissa, bias));
        double middle = want + (next - want) / 2, step = fabs(next - want) * 0x1p-40;
        double away = next > want ? 1 : -1;
        mote_dtype_from_f64(t, &back, 0, middle);
        assert_int_equal(back, h & 1 ? h + 1 : h);
        mote_dtype_from_f64(t, &back, 0, middle - away * step);
        assert_int_equal(back, h);
        mote_dtype_from_f64(t, &back, 0, middle + away * step);
        assert_int_equal(back, h + 1);
        /* The same with what f32 can tell. */
        float f = (float)middle;
        if ((double)f != middle)
            continue;
        float below = mote_f32_from_bits(mote_f32_bits(f) - 1), above = mote_f32_from_bits(mote_f32_bits(f) + 1);
        bool half = t == MOTE_DTYPE_F16;
        assert_int_equal(half ? mote_f16_from_f32(f) : mote_bf16_from_f32(f), h & 1 ? h + 1 : h);
        assert_int_equal(half ? mote_f16_from_f32(below) : mote_bf16_from_f32(below), h);
        assert_int_equal(half ? mote_f16_from_f32(above) : mote_bf16_from_f32(above), h + 1);
    }
}

static void half_floats(void **state)
{
    (void)state;
    check_half(MOTE_DTYPE_F16, 10, 15);
    check_half(MOTE_DTYPE_BF16, 7, 127);
    assert_int_equal(mote_f16_from_f32(INFINITY), 0x7c00);
    assert_int_equal(mote_f16_from_f32(-70000.f), 0xfc00);
    assert_int_equal(mote_f16_from_f32(-0.f), 0x8000);
    assert_int_equal(mote_f16_from_f32(1e-30f), 0);
}

static double decode(mote_dtype t, unsigned code)
{
    uint8_t byte = (uint8_t)code;
    return mote_dtype_to_f64(t, &byte, 0);
}

static unsigned encode(mote_dtype t, double x)
{
    uint8_t byte = 0;
    mote_dtype_from_f64(t, &byte, 0, x);
    return byte;
}

/* Limits and special codes: ONNX, "Float stored in 8 bits", and OCP OFP8 and MX. */
static void small_floats(void **state)
{
    (void)state;
    static const mote_dtype all[] = {MOTE_DTYPE_F8E4M3FN, MOTE_DTYPE_F8E4M3FNUZ, MOTE_DTYPE_F8E5M2, MOTE_DTYPE_F8E5M2FNUZ,
                                     MOTE_DTYPE_F8E8M0};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (unsigned code = 0; code < 256; code++) {
            double x = decode(all[i], code);
            if (isnan(x))
                assert_true(isnan(decode(all[i], encode(all[i], x))));
            else if (!isinf(x))
                assert_int_equal(encode(all[i], x), code);
        }
    static const struct {
        mote_dtype t;
        unsigned max, min;
        double max_value, min_value;
    } limits[] = {
        {MOTE_DTYPE_F8E4M3FN, 0x7e, 1, 448, 0x1p-9},      {MOTE_DTYPE_F8E4M3FNUZ, 0x7f, 1, 240, 0x1p-10},
        {MOTE_DTYPE_F8E5M2, 0x7b, 1, 57344, 0x1p-16},     {MOTE_DTYPE_F8E5M2FNUZ, 0x7f, 1, 57344, 0x1p-17},
        {MOTE_DTYPE_F4E2M1, 7, 1, 6, 0.5},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        mote_dtype t = limits[i].t;
        assert_true(decode(t, limits[i].max) == limits[i].max_value);
        assert_true(decode(t, limits[i].min) == limits[i].min_value);
        assert_int_equal(encode(t, 1e9), limits[i].max);
        assert_int_equal(encode(t, (double)INFINITY), limits[i].max);
        assert_int_equal(encode(t, limits[i].min_value * 0.5), 0); /* a tie, to even */
        assert_int_equal(encode(t, limits[i].min_value * 0.75), 1);
        assert_int_equal(encode(t, limits[i].min_value * 1.5), 2);
    }
    assert_true(isnan(decode(MOTE_DTYPE_F8E4M3FN, 0x7f)) && isnan(decode(MOTE_DTYPE_F8E4M3FN, 0xff)));
    assert_true(isnan(decode(MOTE_DTYPE_F8E4M3FNUZ, 0x80)) && isnan(decode(MOTE_DTYPE_F8E5M2FNUZ, 0x80)));
    assert_true(isinf(decode(MOTE_DTYPE_F8E5M2, 0x7c)) && isnan(decode(MOTE_DTYPE_F8E5M2, 0x7d)));
    assert_int_equal(encode(MOTE_DTYPE_F8E4M3FN, -0.0), 0x80);
    assert_int_equal(encode(MOTE_DTYPE_F8E4M3FNUZ, -0.0), 0);
    assert_int_equal(encode(MOTE_DTYPE_F8E4M3FNUZ, -1e-9), 0);
    assert_true(decode(MOTE_DTYPE_F8E8M0, 0) == 0x1p-127 && decode(MOTE_DTYPE_F8E8M0, 254) == 0x1p127);
    assert_int_equal(encode(MOTE_DTYPE_F8E8M0, 1.25), 128);
    assert_int_equal(encode(MOTE_DTYPE_F8E8M0, 0), 0);
    assert_int_equal(encode(MOTE_DTYPE_F8E8M0, -1), 255);
    assert_int_equal(encode(MOTE_DTYPE_F8E8M0, 1e300), 254);
}

static void integers(void **state)
{
    (void)state;
    static const struct {
        mote_dtype t;
        int64_t lo, hi;
    } types[] = {{MOTE_DTYPE_U8, 0, UINT8_MAX},         {MOTE_DTYPE_S8, INT8_MIN, INT8_MAX},
                 {MOTE_DTYPE_U16, 0, UINT16_MAX},       {MOTE_DTYPE_S16, INT16_MIN, INT16_MAX},
                 {MOTE_DTYPE_U32, 0, UINT32_MAX},       {MOTE_DTYPE_S32, INT32_MIN, INT32_MAX},
                 {MOTE_DTYPE_S64, INT64_MIN, INT64_MAX}, {MOTE_DTYPE_U4, 0, 15},
                 {MOTE_DTYPE_S4, -8, 7},                {MOTE_DTYPE_U2, 0, 3},
                 {MOTE_DTYPE_S2, -2, 1}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        unsigned char buf[64];
        memset(buf, 0xa5, sizeof buf);
        mote_dtype t = types[i].t;
        /* Each element alone, between neighbours that must stay. */
        for (size_t at = 1; at < 6; at++) {
            int64_t before = mote_dtype_to_i64(t, buf, at - 1), after = mote_dtype_to_i64(t, buf, at + 1);
            mote_dtype_from_i64(t, buf, at, types[i].lo);
            assert_true(mote_dtype_to_i64(t, buf, at) == types[i].lo);
            mote_dtype_from_i64(t, buf, at, types[i].hi);
            assert_true(mote_dtype_to_i64(t, buf, at) == types[i].hi);
            mote_dtype_from_i64(t, buf, at, (int64_t)((uint64_t)types[i].hi + 1)); /* wraps */
            assert_true(mote_dtype_to_i64(t, buf, at) == types[i].lo);
            mote_dtype_from_f64(t, buf, at, 1e30);
            assert_true(mote_dtype_to_i64(t, buf, at) == types[i].hi);
            mote_dtype_from_f64(t, buf, at, (double)-INFINITY);
            assert_true(mote_dtype_to_i64(t, buf, at) == types[i].lo);
            mote_dtype_from_f64(t, buf, at, (double)NAN);
            assert_true(mote_dtype_to_i64(t, buf, at) == 0);
            mote_dtype_from_f64(t, buf, at, 1.9);
            assert_true(mote_dtype_to_i64(t, buf, at) == 1);
            assert_true(mote_dtype_to_i64(t, buf, at - 1) == before && mote_dtype_to_i64(t, buf, at + 1) == after);
        }
    }
    uint64_t u = 0;
    mote_dtype_from_f64(MOTE_DTYPE_U64, &u, 0, 1e30);
    assert_true(u == UINT64_MAX && mote_dtype_to_f64(MOTE_DTYPE_U64, &u, 0) == 0x1p64);
    const uint8_t nibbles[] = {0x21, 0x83}; /* low first */
    assert_int_equal(mote_dtype_to_i64(MOTE_DTYPE_U4, nibbles, 0), 1);
    assert_int_equal(mote_dtype_to_i64(MOTE_DTYPE_U4, nibbles, 1), 2);
    assert_true(mote_dtype_to_i64(MOTE_DTYPE_S4, nibbles, 3) == -8);
    assert_int_equal(mote_dtype_to_i64(MOTE_DTYPE_U2, nibbles, 2), 2);
}

static void shapes(void **state)
{
    (void)state;
    mote_array a;
    mote_diag diag = MOTE_DIAG_INIT;
    char text[64];
    assert_int_equal(mote_array_shape(&a, MOTE_DTYPE_F32, 4, (int64_t[]){1, 3, 224, 224}, &diag), MOTE_OK);
    assert_int_equal(a.bytes, 602112);
    assert_int_equal(mote_array_count(&a), 150528);
    assert_string_equal(mote_array_describe(&a, text, sizeof text), "float32[1,3,224,224]");
    assert_string_equal(mote_array_describe(&a, text, 10), "float32[1");
    assert_int_equal(mote_array_shape(&a, MOTE_DTYPE_S4, 1, (int64_t[]){3}, &diag), MOTE_OK);
    assert_int_equal(a.bytes, 2);
    assert_int_equal(mote_array_shape(&a, MOTE_DTYPE_S64, 0, NULL, &diag), MOTE_OK);
    assert_true(a.bytes == 8 && mote_array_count(&a) == 1);
    assert_string_equal(mote_array_describe(&a, text, sizeof text), "int64[]");
    assert_int_equal(mote_array_shape(&a, MOTE_DTYPE_S64, 2, (int64_t[]){0, 5}, &diag), MOTE_OK);
    assert_true(a.bytes == 0 && mote_array_count(&a) == 0);
    static const struct {
        int32_t rank;
        int64_t dims[MOTE_MAX_RANK];
    } bad[] = {{1, {-1}}, {2, {0, -1}}, {1, {INT64_MAX}}, {2, {INT64_C(1) << 32, INT64_C(1) << 32}},
               {3, {0, INT64_C(1) << 40, INT64_C(1) << 40}}, {1, {INT64_C(1) << 47}}, {-1, {0}}, {9, {0}}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(mote_array_shape(&a, MOTE_DTYPE_F32, bad[i].rank, bad[i].dims, NULL), MOTE_E_SHAPE);
    assert_int_equal(mote_array_shape(&a, MOTE_DTYPE_NONE, 0, NULL, &diag), MOTE_E_DTYPE);
    assert_int_equal(diag.code, MOTE_E_DTYPE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names),        cmocka_unit_test(bytes),
                                       cmocka_unit_test(half_floats),  cmocka_unit_test(small_floats),
                                       cmocka_unit_test(integers),     cmocka_unit_test(shapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
