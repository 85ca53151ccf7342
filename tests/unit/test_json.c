/* test_json.c - the JSON reader and decimal numbers
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/decimal.h"
#include "base/half.h"
#include "base/json.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static mote_heap heap;
static mote_arena arena;
static mote_diag diag;

static mote_status parse_bytes(const char *text, size_t n, mote_json **root)
{
    /* Exactly as long as the text, so that the sanitizers see a read past its end. */
    char *exact = malloc(n == 0 ? 1 : n);
    assert_non_null(exact);
    memcpy(exact, text, n);
    diag = (mote_diag)MOTE_DIAG_INIT;
    mote_status status = mote_json_parse(&arena, (mote_str){exact, n}, root, &diag);
    free(exact); /* nothing in the tree may point into the text */
    assert_int_equal(diag.code, status);
    assert_int_equal(*root == NULL, status != MOTE_OK);
    return status;
}

static mote_json *parse(const char *text)
{
    mote_json *root;
    if (parse_bytes(text, strlen(text), &root) != MOTE_OK)
        fail_msg("%s: %s", text, diag.message);
    return root;
}

static int setup(void **state)
{
    (void)state;
    mote_heap_init(&heap, NULL, 64 << 20);
    mote_arena_init(&arena, &heap);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    mote_arena_deinit(&arena);
    return heap.used == 0 ? 0 : -1;
}

static void values(void **state)
{
    (void)state;
    assert_int_equal(parse("null")->kind, MOTE_JSON_NULL);
    assert_true(parse(" true ")->u.boolean);
    assert_false(parse("false")->u.boolean);
    assert_int_equal(parse("\t\r\n[ ]")->count, 0);
    assert_int_equal(parse("{}")->count, 0);
    mote_json *j = parse("-9223372036854775808");
    assert_true(j->kind == MOTE_JSON_INT && j->u.integer == INT64_MIN);
    j = parse("9223372036854775807");
    assert_true(j->kind == MOTE_JSON_INT && j->u.integer == INT64_MAX);
    j = parse("9223372036854775808");
    assert_true(j->kind == MOTE_JSON_REAL && j->u.real == 0x1p63);
    j = parse("-0");
    assert_true(j->kind == MOTE_JSON_REAL && j->u.real == 0 && signbit(j->u.real));
    j = parse("1.5e-3");
    assert_true(j->kind == MOTE_JSON_REAL && j->u.real == 1.5e-3);
    j = parse("{\"mean\": [0.485, 1], \"std\": 2, \"\": {}, \"a\\u0000b\": null}");
    assert_int_equal(j->count, 4);
    const mote_json *mean = mote_json_get(j, "mean");
    assert_true(mean != NULL && mean->count == 2 && mean->u.items.first->u.real == 0.485);
    double x = 0;
    assert_true(mote_json_number(mean->u.items.first->next, &x) && x == 1);
    assert_true(mote_json_number(mote_json_get(j, "std"), &x) && x == 2);
    assert_false(mote_json_number(mote_json_get(j, "nothing"), &x));
    assert_non_null(mote_json_get(j, ""));
    assert_null(mote_json_get(j, "a"));
    assert_null(mote_json_get(mean, "a"));
    int64_t i = 0;
    assert_true(mote_json_integer(parse("3e2"), &i) && i == 300);
    assert_false(mote_json_integer(parse("3.5"), &i));
    assert_false(mote_json_integer(parse("1e19"), &i));
}

static void strings(void **state)
{
    (void)state;
    mote_json *j = parse("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20ac\\ud83d\\ude00\\u0000z\"");
    static const char want[] = "a\"\\/\b\f\n\r\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\0z";
    assert_int_equal(j->u.string.n, sizeof want - 1);
    assert_memory_equal(j->u.string.p, want, sizeof want);
    assert_string_equal(parse("\"\xf0\x9f\x98\x80\"")->u.string.p, "\xf0\x9f\x98\x80");
    assert_int_equal(parse("\"\"")->u.string.n, 0);
}

static void refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", " ", "nul", "nulll", "True", "[", "[1", "[1,", "[1,]", "[,1]", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,}",
        "{a:1}", "{1:1}", "[1 2]", "1 2", "{} {}", "01", "-", "-a", "+1", ".5", "1.", "1e", "1e+", "0x10", "NaN", "Infinity", "1e999",
        "-1e400", "\"", "\"a", "\"\\", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\ud800\\n\"",
        "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\x01\"", "\"\n\"", "\"\x80\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xf5\x80\x80\x80\"",
        "\"\xe2\x82\"", "'a'", "[1]/*c*/", "\xef\xbb\xbf{}", "{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":1,\"\\u0061\":2}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        mote_json *j;
        if (parse_bytes(texts[i], strlen(texts[i]), &j) != MOTE_E_FORMAT)
            fail_msg("accepted: %s", texts[i]);
    }
    mote_json *j;
    assert_int_equal(parse_bytes("null\0", 5, &j), MOTE_E_FORMAT);
    assert_int_equal(parse_bytes("{\n  \"a\": 1,\n  \"b\" 2}", 21, &j), MOTE_E_FORMAT);
    assert_string_equal(diag.message, "JSON line 3, column 7: expected ':'");
}

/* Every prefix of a text with everything in it is refused without a read past its end. */
static void cut_short(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[1,-2.5e+3,true,false,null],\"b\\ud83d\\ude00\":{\"c\":\"\xe2\x82\xac\\n\"}}";
    mote_json *j;
    for (size_t n = 0; n < sizeof text - 1; n++)
        assert_int_equal(parse_bytes(text, n, &j), MOTE_E_FORMAT);
    assert_int_equal(parse_bytes(text, sizeof text - 1, &j), MOTE_OK);
}

static mote_status parse_repeated(const char *open, const char *unit, const char *close, size_t n)
{
    size_t unit_len = strlen(unit), bytes = strlen(open) + n * unit_len + strlen(close);
    char *text = malloc(bytes + 1), *p = text;
    assert_non_null(text);
    p = stpcpy(p, open);
    for (size_t i = 0; i < n; i++)
        p = stpcpy(p, unit);
    stpcpy(p, close);
    mote_json *j;
    mote_status status = parse_bytes(text, bytes, &j);
    free(text);
    return status;
}

static void limits(void **state)
{
    (void)state;
    assert_int_equal(parse_repeated("", "[", "", 1000000), MOTE_E_LIMIT);
    assert_int_equal(parse_repeated("", "{\"a\":", "", 1000000), MOTE_E_LIMIT);
    assert_int_equal(parse_repeated("[0", ",0", "]", MOTE_JSON_MAX_VALUES), MOTE_E_LIMIT);
    mote_arena_deinit(&arena); /* the largest text that is read takes less than 64 MiB */
    assert_int_equal(parse_repeated("[\"\"", ",\"\"", "]", MOTE_JSON_MAX_VALUES - 2), MOTE_OK);
    assert_int_equal(parse_repeated("", " ", "1", MOTE_JSON_MAX_BYTES), MOTE_E_LIMIT);
    assert_int_equal(parse_repeated("[[[[[[[[", "0", "", 100), MOTE_E_FORMAT);
    mote_heap small;
    mote_arena few;
    mote_json *j;
    mote_heap_init(&small, NULL, 100);
    mote_arena_init(&few, &small);
    assert_int_equal(mote_json_parse(&few, MOTE_STR("[1]"), &j, NULL), MOTE_E_MEMORY);
    mote_arena_deinit(&few);
}

/* Members found by name among many, in an order that is not sorted. */
static void many_members(void **state)
{
    (void)state;
    mote_text t;
    mote_text_init(&t, &heap);
    for (unsigned i = 0; i < 5000; i++)
        mote_text_printf(&t, "%s\"k%u\":%u", i == 0 ? "{" : ",", i * 7919 % 5003, i);
    mote_text_put(&t, "}", 1);
    assert_false(t.failed);
    mote_json *j = parse(t.p);
    assert_int_equal(j->count, 5000);
    for (unsigned i = 0; i < 5000; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%u", i * 7919 % 5003);
        const mote_json *m = mote_json_get(j, key);
        assert_true(m != NULL && m->u.integer == i);
    }
    mote_text_deinit(&t);
}

static void check_decimal(const char *text)
{
    double got = -1, want = strtod(text, NULL);
    assert_true(mote_f64_from_text(text, strlen(text), &got));
    if (memcmp(&got, &want, sizeof got) != 0)
        fail_msg("%s: %a, expected %a", text, got, want);
}

/* Against strtod, which glibc rounds correctly. */
static void decimals(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0", "-0", "1", "0.1", "123456789012345678901234567890", "1e22", "1e23", "9007199254740993", "9007199254740992.5",
        "2.2250738585072014e-308", "2.2250738585072011e-308", "4.9406564584124654e-324", "2.4703282292062327e-324",
        "2.4703282292062328e-324", "1e-324", "1e-400", "1.7976931348623157e308", "1.7976931348623158e308", "1.7976931348623159e308",
        "1e309", "1e310", "1e99999999999999999999", "1e-99999999999999999999", "0e99999", "0.000000000000000000000000000001e30",
        "9007199254740993.00000000000000000000000000000000000000000000000000000000000000000000000000000001",
        "9007199254740992.99999999999999999999999999999999999999999999999999999999999999999999999999999999",
        "100000000000000000000000000000000000000000000000000000000000000000000000000000000000000000", "+1.5", ".5", "5.", "00012.50"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        check_decimal(texts[i]);
    uint64_t seed = 1;
    for (int i = 0; i < 20000; i++) {
        char text[64];
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint64_t bits = seed ^ seed >> 29;
        double x;
        memcpy(&x, &bits, sizeof x);
        if (isnan(x) || isinf(x))
            continue;
        snprintf(text, sizeof text, "%.*e", (int)(seed >> 60) + 5, x);
        check_decimal(text);
        /* The middle between two f32, and the f32 itself. */
        snprintf(text, sizeof text, "%.40g", (double)mote_f32_from_bits((uint32_t)(bits & 0x3fffffff)) * 1.5);
        check_decimal(text);
        snprintf(text, sizeof text, "%llue%d", (unsigned long long)bits, (int)(seed >> 55) - 290);
        check_decimal(text);
    }
    static const char *const wrong[] = {"", "+", "-", ".", "e5", "1e", "1e+", "1.2.3", "1 ", " 1", "0x1", "inf", "nan", "1,5", "--1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        double x;
        assert_false(mote_f64_from_text(wrong[i], strlen(wrong[i]), &x));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values, setup, teardown),    cmocka_unit_test_setup_teardown(strings, setup, teardown),
        cmocka_unit_test_setup_teardown(refused, setup, teardown),   cmocka_unit_test_setup_teardown(cut_short, setup, teardown),
        cmocka_unit_test_setup_teardown(limits, setup, teardown),    cmocka_unit_test_setup_teardown(many_members, setup, teardown),
        cmocka_unit_test(decimals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
