/* test_plan_memory.c - arena offsets: no two living buffers overlap, and little is wasted
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "plan/memory.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static uint32_t next(uint32_t *state) { return *state = *state * 1664525u + 1013904223u; }

static void check_disjoint(const mote_buffer *b, size_t n, size_t total)
{
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(b[i].offset % MOTE_ALIGN, 0);
        assert_true(b[i].offset + b[i].bytes <= total);
        for (size_t j = 0; j < i; j++) {
            bool meet = b[i].first <= b[j].last && b[j].first <= b[i].last;
            bool apart = b[i].offset + b[i].bytes <= b[j].offset || b[j].offset + b[j].bytes <= b[i].offset;
            assert_true(!meet || apart || b[i].bytes == 0 || b[j].bytes == 0);
        }
    }
}

static void random_lifetimes(void **state)
{
    (void)state;
    mote_heap heap;
    mote_heap_init(&heap, NULL, 0);
    uint32_t seed = 1;
    for (size_t round = 0; round < 60; round++) {
        size_t n = round == 0 ? 5000 : 1 + next(&seed) % 120; /* 5000: the first-fit path */
        mote_buffer *b = calloc(n, sizeof *b);
        size_t peak = 0, total;
        for (size_t i = 0; i < n; i++) {
            b[i].bytes = next(&seed) >> 16 & 4095;
            b[i].first = (next(&seed) >> 16) % 50;
            b[i].last = b[i].first + (next(&seed) >> 16) % 10;
        }
        assert_int_equal(mote_plan_offsets(b, n, &heap, &total, NULL), MOTE_OK);
        check_disjoint(b, n, total);
        for (uint32_t t = 0; t < 60; t++) {
            size_t live = 0;
            for (size_t i = 0; i < n; i++)
                live += b[i].first <= t && t <= b[i].last ? (b[i].bytes + 63) / 64 * 64 : 0;
            peak = live > peak ? live : peak;
        }
        assert_true(total >= peak);
        if (n <= 4000)
            assert_true(total <= peak + peak / 2 + 64);
        free(b);
    }
    assert_int_equal(atomic_load(&heap.used), 0);
}

static void sizes_that_overflow(void **state)
{
    (void)state;
    mote_heap heap;
    mote_heap_init(&heap, NULL, 0);
    mote_buffer b[3] = {{SIZE_MAX - 100, 0, 5, 0}, {SIZE_MAX / 2, 0, 5, 0}, {64, 0, 5, 0}};
    size_t total;
    mote_diag diag = MOTE_DIAG_INIT;
    assert_int_equal(mote_plan_offsets(b, 3, &heap, &total, &diag), MOTE_E_LIMIT);
    assert_int_equal(diag.code, MOTE_E_LIMIT);
}

static void no_memory(void **state)
{
    (void)state;
    mote_heap heap;
    mote_heap_init(&heap, NULL, 16);
    mote_buffer b[3] = {{64, 0, 1, 0}, {64, 0, 1, 0}, {64, 1, 2, 0}};
    size_t total;
    assert_int_equal(mote_plan_offsets(b, 3, &heap, &total, NULL), MOTE_E_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_lifetimes), cmocka_unit_test(sizes_that_overflow), cmocka_unit_test(no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
