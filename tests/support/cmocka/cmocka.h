/* cmocka.h - the part of cmocka's interface that the tests use, for targets that have no cmocka package
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TESTS_CMOCKA_H
#define MOTE_TESTS_CMOCKA_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*CMUnitTestFunction)(void **state);
typedef int (*CMFixtureFunction)(void **state);
struct CMUnitTest {
    const char *name;
    CMUnitTestFunction test_func;
    CMFixtureFunction setup_func, teardown_func;
    void *initial_state;
};

enum { CMOCKA_FAILED = 1, CMOCKA_SKIPPED = 2 };
static jmp_buf cmocka_env __attribute__((unused));

#define cmocka_unit_test(f) {#f, f, NULL, NULL, NULL}
#define cmocka_unit_test_setup(f, setup) {#f, f, setup, NULL, NULL}
#define cmocka_unit_test_teardown(f, teardown) {#f, f, NULL, teardown, NULL}
#define cmocka_unit_test_setup_teardown(f, setup, teardown) {#f, f, setup, teardown, NULL}
#define cmocka_unit_test_prestate(f, state) {#f, f, NULL, NULL, state}
#define print_message(...) ((void)printf(__VA_ARGS__))
#define print_error(...) ((void)fprintf(stderr, __VA_ARGS__))
#define skip() longjmp(cmocka_env, CMOCKA_SKIPPED)
#define fail_msg(...)                                                                                                  \
    do {                                                                                                               \
        fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                                                \
        fprintf(stderr, __VA_ARGS__);                                                                                  \
        fputc('\n', stderr);                                                                                           \
        longjmp(cmocka_env, CMOCKA_FAILED);                                                                            \
    } while (0)
#define fail() fail_msg("failed")
#define cmocka_compare_(a, op, b)                                                                                      \
    do {                                                                                                               \
        uintmax_t a_ = (uintmax_t)(a), b_ = (uintmax_t)(b);                                                            \
        if (!(a_ op b_))                                                                                               \
            fail_msg("%s %s %s: 0x%jx, 0x%jx", #a, #op, #b, a_, b_);                                                   \
    } while (0)
#define assert_int_equal(a, b) cmocka_compare_(a, ==, b)
#define assert_int_not_equal(a, b) cmocka_compare_(a, !=, b)
#define assert_in_range(x, lo, hi)                                                                                     \
    do {                                                                                                               \
        cmocka_compare_(x, >=, lo);                                                                                    \
        cmocka_compare_(x, <=, hi);                                                                                    \
    } while (0)
#define assert_true(x)                                                                                                 \
    do {                                                                                                               \
        if (!(x))                                                                                                      \
            fail_msg("%s is false", #x);                                                                               \
    } while (0)
#define assert_false(x)                                                                                                \
    do {                                                                                                               \
        if (x)                                                                                                         \
            fail_msg("%s is true", #x);                                                                                \
    } while (0)
#define assert_non_null(p) assert_true((p) != NULL)
#define assert_null(p) assert_true((p) == NULL)
#define assert_ptr_equal(a, b) assert_true((const void *)(a) == (const void *)(b))
#define assert_ptr_not_equal(a, b) assert_true((const void *)(a) != (const void *)(b))
#define assert_return_code(rc, error) assert_true((rc) >= 0)
#define assert_float_equal(a, b, epsilon) assert_true(fabs((double)(a) - (double)(b)) <= (double)(epsilon))
#define assert_double_equal(a, b, epsilon) assert_float_equal(a, b, epsilon)
#define assert_string_equal(a, b)                                                                                      \
    do {                                                                                                               \
        const char *a_ = (a), *b_ = (b);                                                                               \
        if (strcmp(a_, b_) != 0)                                                                                       \
            fail_msg("\"%s\" != \"%s\"", a_, b_);                                                                      \
    } while (0)
#define assert_string_not_equal(a, b) assert_true(strcmp((a), (b)) != 0)
#define assert_memory_equal(a, b, n)                                                                                   \
    do {                                                                                                               \
        const unsigned char *a_ = (const unsigned char *)(a), *b_ = (const unsigned char *)(b);                        \
        for (size_t i_ = 0; i_ < (size_t)(n); i_++)                                                                    \
            if (a_[i_] != b_[i_])                                                                                      \
                fail_msg("%s and %s differ at byte %zu: 0x%02x, 0x%02x", #a, #b, i_, a_[i_], b_[i_]);                  \
    } while (0)
#define assert_memory_not_equal(a, b, n) assert_true(memcmp((a), (b), (n)) != 0)

static inline int cmocka_run_(const char *group, const struct CMUnitTest *tests, size_t n, CMFixtureFunction setup,
                              CMFixtureFunction teardown)
{
    volatile int failed = 0, skipped = 0;
    void *group_state = NULL;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (setup != NULL && setup(&group_state) != 0)
        return 1;
    for (volatile size_t i = 0; i < n; i++) {
        const struct CMUnitTest *t = &tests[i];
        void *state = t->initial_state != NULL ? t->initial_state : group_state;
        void *volatile kept;
        printf("[ RUN      ] %s\n", t->name);
        if (t->setup_func != NULL && t->setup_func(&state) != 0) {
            printf("[  FAILED  ] %s (setup)\n", t->name);
            failed++;
            continue;
        }
        kept = state;
        int result = setjmp(cmocka_env);
        if (result == 0) {
            void *mine = kept;
            t->test_func(&mine);
            kept = mine;
        }
        void *after = kept;
        if (t->teardown_func != NULL && t->teardown_func(&after) != 0)
            result = CMOCKA_FAILED;
        failed += result == CMOCKA_FAILED;
        skipped += result == CMOCKA_SKIPPED;
        printf("[  %s ] %s\n", result == 0 ? "     OK" : result == CMOCKA_SKIPPED ? "SKIPPED" : "FAILED ", t->name);
    }
    if (teardown != NULL && teardown(&group_state) != 0)
        failed++;
    printf("[==========] %s: %zu test(s), %d failed, %d skipped\n", group, n, failed, skipped);
    return failed;
}
#define cmocka_run_group_tests_name(name, tests, setup, teardown)                                                      \
    cmocka_run_(name, tests, sizeof(tests) / sizeof(tests)[0], setup, teardown)
#define cmocka_run_group_tests(tests, setup, teardown) cmocka_run_group_tests_name(#tests, tests, setup, teardown)

#endif
