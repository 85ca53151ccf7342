/* test_evil_regex.c - regular expressions made to cost: bounded time, memory and stack, whatever the pattern and the text
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "ops/regex.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

enum { MEMORY = 16 << 20 };
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(__SANITIZE_UNDEFINED__)
enum { STACK = 2 << 20 };
static const double seconds_allowed = 20;
#else
enum { STACK = 256 << 10 };
static const double seconds_allowed = 2;
#endif

typedef struct job {
    mote_str pattern, text;
    mote_status status;
    bool found;
    double seconds;
    size_t peak;
    char message[384];
} job;

static double thread_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void *work(void *p)
{
    job *j = p;
    mote_heap heap;
    mote_arena arena;
    mote_diag diag = MOTE_DIAG_INIT;
    mote_regex *r;
    const double start = thread_seconds();
    mote_heap_init(&heap, NULL, MEMORY);
    mote_arena_init(&arena, &heap);
    j->status = mote_regex_compile(&arena, j->pattern, &r, &diag);
    if (r != NULL)
        j->found = mote_regex_matches(r, j->text);
    j->peak = (size_t)heap.used;
    mote_arena_deinit(&arena);
    j->seconds = thread_seconds() - start;
    memcpy(j->message, diag.message, sizeof j->message);
    return NULL;
}

/* On a stack as small as a phone's threads have. */
static job run(mote_str pattern, mote_str text)
{
    job j = {.pattern = pattern, .text = text};
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    assert_int_equal(pthread_attr_setstacksize(&attr, STACK), 0);
    assert_int_equal(pthread_create(&thread, &attr, work, &j), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attr);
    if (j.seconds > seconds_allowed || j.status == MOTE_E_MEMORY)
        fail_msg("'%.60s': %.2f s, %zu bytes, status %d", pattern.p, j.seconds, j.peak, (int)j.status);
    return j;
}

/* head, then body n times, then tail */
static mote_str repeated(const char *head, const char *body, size_t n, const char *tail)
{
    const size_t h = strlen(head), b = strlen(body), t = strlen(tail);
    char *p = malloc(h + b * n + t + 1);
    assert_non_null(p);
    memcpy(p, head, h);
    for (size_t i = 0; i < n; i++)
        memcpy(p + h + i * b, body, b);
    memcpy(p + h + n * b, tail, t + 1);
    return (mote_str){p, h + n * b + t};
}

static void give_back(mote_str s) { free((void *)(uintptr_t)s.p); }

static void costs(void **state)
{
    (void)state;
    static const struct {
        const char *head, *body;
        size_t n;
        const char *tail, *letter;
        size_t letters;
        const char *end; /* the text */
        mote_status status;
        bool found;
    } cases[] = {
        /* what backtracking takes years for */
        {"(a*)*b", "", 0, "", "a", 100000, "c", MOTE_OK, false},
        {"", "a?", 1000, "", "a", 1000, "", MOTE_OK, true},
        {"", "(a|aa)+", 200, "", "a", 5000, "", MOTE_OK, true},
        {"(x+x+)+y", "", 0, "", "x", 50000, "", MOTE_OK, false},
        {"((a+)+)+", "", 0, "$", "a", 100000, "!", MOTE_OK, false},
        {"(.*)", "(.*)", 100, "z", "a", 10000, "", MOTE_OK, false},
        /* repetitions of repetitions, and their bounds */
        {"((((((a{10}){10}){10}){10}){10}){10}){10}", "", 0, "", "a", 1, "", MOTE_E_LIMIT, false},
        {"((((((((a?){9}){9}){9}){9}){9}){9}){9}){9}", "", 0, "", "a", 1, "", MOTE_E_LIMIT, false},
        {"((((((a{0}){1000}){1000}){1000}){1000}){1000}){1000}", "", 0, "b", "b", 1, "", MOTE_OK, true},
        {"((((((){1000}){1000}){1000}){1000}){1000}){1000}", "", 0, "b", "b", 1, "", MOTE_OK, true},
        {"((((((|){0,1000}){0,1000}){0,1000}){0,1000}){0,1000}){0,1000}", "", 0, "b", "b", 1, "", MOTE_E_LIMIT, false},
        {"(((^*)*)*)*", "", 0, "", "", 0, "", MOTE_OK, true},
        {"((a*){1000}){19}", "", 0, "", "a", 100, "", MOTE_E_LIMIT, false},
        {"(a*){1000}", "", 0, "", "a", 2000, "", MOTE_OK, true},
        {"a{1001}", "", 0, "", "", 0, "", MOTE_E_VALUE, false},
        {"a{99999999999999999999}", "", 0, "", "", 0, "", MOTE_E_VALUE, false},
        {"a{5,4}", "", 0, "", "", 0, "", MOTE_E_VALUE, false},
        {"((a", "()", 4000, "){1000}){6}", "a", 6000, "", MOTE_OK, true},
        /* breadth and depth */
        {"", "a|", 30000, "b", "b", 1, "", MOTE_E_LIMIT, false},
        {"", "a|", 6000, "b", "b", 1, "", MOTE_OK, true},
        {"", "|", 60000, "", "", 0, "", MOTE_E_LIMIT, false},
        {"", "()", 32000, "b", "b", 1, "", MOTE_OK, true},
        {"", "a", 19000, "", "a", 19000, "", MOTE_OK, true},
        {"", "a", 70000, "", "a", 1, "", MOTE_E_LIMIT, false},
        {"", "(", 199, "", "", 0, "", MOTE_E_VALUE, false},
        {"", "(", 60000, "", "", 0, "", MOTE_E_LIMIT, false},
        {"", "(?:", 20000, "", "", 0, "", MOTE_E_LIMIT, false},
        {"", ")", 60000, "", "", 0, "", MOTE_E_VALUE, false},
        {"", "[", 60000, "", "", 0, "", MOTE_E_VALUE, false},
        {"", "(?i)", 16000, "B", "b", 1, "", MOTE_OK, true},
        {"", "(?i", 20000, "", "", 0, "", MOTE_E_VALUE, false},
        {"", "\\", 60001, "", "", 0, "", MOTE_E_VALUE, false},
        /* large sets, one after the other and all at once; the ranges do not touch */
        {"([", "\\x{3b1}\\x{3b3}\\x{3b5}\\x{3b7}", 2000, "x]?){1000}", "x", 1000, "", MOTE_OK, true},
        {"(?i)([", "\\W\\D\\S", 10000, "]?){1000}", "\xc3\xa9", 1000, "", MOTE_OK, true},
        {"(?i)[", "[:^alpha:]", 6000, "]*", "1", 100000, "", MOTE_OK, true},
        {"[\\x{0}-\\x{10ffff}]{1000}", "", 0, "", "\xf4\x8f\xbf\xbf", 1000, "", MOTE_OK, true},
        {"(\\b|\\B|^|$|a)*", "", 0, "", "a", 100000, "", MOTE_OK, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const mote_str pattern = repeated(cases[i].head, cases[i].body, cases[i].n, cases[i].tail), text = repeated("", cases[i].letter, cases[i].letters, cases[i].end);
        const job j = run(pattern, text);
        if (j.status != cases[i].status || j.found != cases[i].found || (j.status != MOTE_OK && strstr(j.message, "pattern") == NULL))
            fail_msg("case %zu, '%.60s': status %d, %s, '%s'", i, pattern.p, (int)j.status, j.found ? "matches" : "no match", j.message);
        give_back(pattern);
        give_back(text);
    }
}

/* Bytes that are no UTF-8: refused in a pattern, matched by nothing in a text. */
static void bytes(void **state)
{
    (void)state;
    static const struct {
        const char *p;
        size_t n;
    } bad[] = {{"\xff", 1}, {"a\xc3", 2}, {"\xc0\x80", 2}, {"\xe2\x82", 2}, {"\xed\xa0\x80", 3}, {"\xf4\x90\x80\x80", 4}, {"[\x80-\xff]", 5}, {"\x80", 1}, {"(\xfe)", 3}};
    static const char *const any[] = {".*", "(?s).*", "[^a]*", "\\W*", "(.|\\n)*", "[\\x{80}-\\x{10ffff}a()\\[\\]-]*", "\\x{fffd}*"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const mote_str word = {bad[i].p, bad[i].n};
        const job j = run(word, MOTE_STR("a"));
        assert_int_equal(j.status, MOTE_E_VALUE);
        assert_non_null(strstr(j.message, "UTF-8"));
        for (size_t k = 0; k < sizeof any / sizeof *any; k++) {
            const job m = run(mote_str_c(any[k]), word);
            assert_int_equal(m.status, MOTE_OK);
            assert_false(m.found);
        }
    }
    const job zero = run((mote_str){"a\0b", 3}, (mote_str){"a\0b", 3}), none = run((mote_str){NULL, 0}, (mote_str){NULL, 0});
    assert_true(zero.found && none.found);
    assert_true(run(MOTE_STR("(?s)."), (mote_str){"", 1}).found);
}

/* Everything that starts like something and ends too early. */
static void cuts(void **state)
{
    (void)state;
    static const char whole[] = "(?i:a|[[:^alpha:]\\d\\x{41}-\\x{5a}]{2,10}?)(?P<name>\\Qx.y\\E)\\bz$|^(?-ms)\\103\\pL";
    for (size_t n = 0; n < sizeof whole; n++) {
        char *p = malloc(n + 1); /* so that a byte too far is seen */
        assert_non_null(p);
        memcpy(p, whole, n);
        const job j = run((mote_str){p, n}, (mote_str){whole, 12});
        assert_true(j.status == MOTE_OK || j.status == MOTE_E_VALUE || j.status == MOTE_E_UNSUPPORTED);
        free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(costs), cmocka_unit_test(bytes), cmocka_unit_test(cuts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
